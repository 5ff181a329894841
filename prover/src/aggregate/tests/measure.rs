//! Cost of key generation and proving for proofs with the columns of the layer circuit. Not run by default:
//! `make bench-aggregation`, or for one configuration
//! `AGG_PROOFS=3 AGG_CHIP=stock cargo test --release --workspace measure_aggregation -- --ignored --nocapture`.
//!
//! | variable | meaning |
//! |---|---|
//! | `AGG_PROOFS` | number of layer proofs |
//! | `AGG_CHIP` | `stock`: halo2-ecc's chip in the circuit for the chain |
//! | `AGG_FOLD` | layer proofs of a fold; without it the aggregation takes the layer proofs |
//! | `AGG_OBJECTIVE` | `gas` |
//! | `AGG_K` | a domain size instead of the planner's |
//! | `AGG_TINY` | small layer proofs |
//! | `AGG_OUT` | directory for key, calldata and proof |

use super::{
    layer::Size,
    whole::{chain, openings, proofs_of, stated},
};
use crate::{
    aggregate::{
        AggregationConfig, AggregationKey, AggregationRequest, AggregationShape, CurveChip,
        FoldKey, FoldShape, InnerProof, InputVisibility, Objective, OuterProof, Snark,
        StatementShape, verifier_points,
    },
    pipeline::Meter,
    srs::{SrsSource, SrsStore, default_cache_dir},
};
use rand::{SeedableRng, rngs::StdRng};
use std::{env, fs};

fn stage<T>(name: &str, work: impl FnOnce() -> T) -> T {
    let meter = Meter::start(name);
    let result = work();
    let cost = meter.stop();
    println!(
        "{name}: {:.1} CPU s, {:.1} s wall, {:.2} GiB",
        cost.cpu_s,
        cost.wall_s,
        cost.peak_rss_bytes as f64 / f64::from(1 << 30)
    );
    result
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().and_then(|v| v.parse().ok())
}

fn is(name: &str, value: &str) -> bool {
    env::var(name).is_ok_and(|v| v == value)
}

fn config() -> AggregationConfig {
    let mut config = AggregationConfig::default();
    if is("AGG_CHIP", "stock") {
        // The contract of many proofs would be too large; what is measured is the prover.
        (config.chip, config.max_code_bytes) = (CurveChip::Stock, 1 << 20);
    }
    if is("AGG_OBJECTIVE", "gas") {
        config.objective = Objective::Gas;
    }
    if let Some(k) = number("AGG_K") {
        let k = k as u32;
        (config.min_k, config.max_k) = (k, k);
        (config.max_code_bytes, config.max_advice) = (1 << 20, 64);
    }
    config
}

#[test]
#[ignore = "minutes of CPU time; for measurements"]
fn measure_aggregation() {
    let n = number("AGG_PROOFS").unwrap_or(2);
    let size = match env::var("AGG_TINY") {
        Ok(_) => Size::TINY,
        Err(_) => Size::LAYER,
    };
    let snarks = chain(size, 1, n);
    println!(
        "{n} proofs of {} points",
        verifier_points(&snarks[0].protocol)
    );
    let store = SrsStore::new(default_cache_dir());
    let (shape, proofs) = match number("AGG_FOLD") {
        Some(capacity) => folded(&store, &snarks, capacity as usize),
        None => {
            let protocols: Vec<_> = snarks.iter().map(|s| &s.protocol).collect();
            let shape = AggregationShape::new(&protocols, 1, 2, InputVisibility::Public);
            (shape.unwrap(), proofs_of(&snarks))
        }
    };
    let (key, outer) = aggregated(&store, shape, &proofs);
    stage("verify", || key.vk().verify(&outer)).unwrap();
    if let Ok(dir) = env::var("AGG_OUT") {
        write(&dir, &key, &outer);
    }
}

/// Folds in order, and the shape of an aggregation over them.
fn folded(
    store: &SrsStore,
    snarks: &[Snark],
    capacity: usize,
) -> (AggregationShape, Vec<InnerProof>) {
    let (source, layer) = (SrsSource::Development, &snarks[0].protocol);
    let shape = FoldShape::layers(layer, capacity).unwrap();
    let config = AggregationConfig::default();
    let key = stage("fold keygen", || {
        FoldKey::keygen(store, &source, shape, &config)
    });
    let key = key.unwrap();
    let (gates, pieces) = key.columns();
    println!(
        "fold: k {}, {gates} + {pieces} columns, {} points",
        key.k(),
        verifier_points(key.vk().protocol())
    );
    let srs = store.load(&source, key.k()).unwrap();
    let proofs = proofs_of(snarks);
    let prove = |group| {
        stage("fold prove", || {
            key.prove(&srs, group, StdRng::seed_from_u64(2)).unwrap()
        })
    };
    let folds = proofs.chunks(capacity).map(prove).collect();
    let statement = StatementShape {
        segments: snarks.len(),
        input_words: 1,
        output_words: 2,
        visibility: InputVisibility::Public,
    };
    let shape = AggregationShape::over_folds(key.vk(), &[statement]);
    (shape.unwrap(), folds)
}

fn aggregated(
    store: &SrsStore,
    shape: AggregationShape,
    proofs: &[InnerProof],
) -> (AggregationKey, OuterProof) {
    let source = SrsSource::Development;
    println!(
        "{} proofs, {} points in all",
        shape.proofs(),
        shape.msm_points()
    );
    let key = stage("keygen", || {
        AggregationKey::keygen(store, &source, shape, &config()).unwrap()
    });
    println!(
        "k {}, columns {:?}, cells {:?}, proof {} bytes",
        key.k(),
        key.columns(),
        key.cells(),
        key.vk().proof_len()
    );
    let srs = stage("load srs", || store.load(&source, key.k())).unwrap();
    let openings = openings();
    let request = AggregationRequest {
        proofs,
        statements: &[stated(&openings)],
    };
    let outer = stage("prove", || {
        key.prove(&srs, request, StdRng::seed_from_u64(1)).unwrap()
    });
    (key, outer)
}

fn write(dir: &str, key: &AggregationKey, outer: &OuterProof) {
    fs::create_dir_all(dir).unwrap();
    let file = |name: &str, bytes: Vec<u8>| fs::write(format!("{dir}/{name}"), bytes).unwrap();
    file("vk.bin", bincode::serialize(key.vk()).unwrap());
    file("calldata.bin", outer.raw_calldata());
    file("proof.bin", bincode::serialize(outer).unwrap());
    let path = format!("{dir}/key");
    stage("write key", || key.write(path.as_ref())).unwrap();
    stage("read key", || AggregationKey::read(path.as_ref())).unwrap();
}
