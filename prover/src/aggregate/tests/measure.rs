//! Cost of key generation and proving for proofs with the columns of the layer circuit. Not run by default:
//! `make bench-aggregation`, or for one configuration
//! `AGG_PROOFS=3 AGG_CHIP=stock cargo test --release --workspace measure_aggregation -- --ignored --nocapture`.

use super::{layer::Size, whole::chain};
use crate::{
    aggregate::{
        AggregationConfig, AggregationKey, AggregationRequest, AggregationShape, CurveChip,
        InputVisibility, Objective, Openings, verifier_points,
    },
    pipeline::Meter,
    srs::{SrsSource, SrsStore, default_cache_dir},
};
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
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

#[test]
#[ignore = "minutes of CPU time; for measurements"]
fn measure_aggregation() {
    let n: u64 = env::var("AGG_PROOFS")
        .ok()
        .and_then(|v| v.parse().ok())
        .unwrap_or(2);
    let mut config = AggregationConfig::default();
    if env::var("AGG_CHIP").is_ok_and(|chip| chip == "stock") {
        // Its contract would be too large; what is measured is the prover.
        (config.chip, config.max_code_bytes) = (CurveChip::Stock, 1 << 20);
    }
    if env::var("AGG_OBJECTIVE").is_ok_and(|o| o == "gas") {
        config.objective = Objective::Gas;
    }
    if let Some(k) = env::var("AGG_K").ok().and_then(|v| v.parse().ok()) {
        (
            config.min_k,
            config.max_k,
            config.max_code_bytes,
            config.max_advice,
        ) = (k, k, 1 << 20, 64);
    }
    let size = if env::var("AGG_TINY").is_ok() {
        Size::TINY
    } else {
        Size::LAYER
    };
    let snarks = chain(size, 1, n);
    let protocols: Vec<_> = snarks.iter().map(|s| &s.protocol).collect();
    let shape = AggregationShape::new(&protocols, 1, 2, InputVisibility::Public).unwrap();
    println!(
        "{n} proofs of {} points, {} in all",
        verifier_points(protocols[0]),
        shape.msm_points()
    );
    let store = SrsStore::new(default_cache_dir());
    let key = stage("keygen", || {
        AggregationKey::keygen(&store, &SrsSource::Development, shape, &config)
    })
    .unwrap();
    println!(
        "k {}, columns {:?}, cells {:?}, proof {} bytes",
        key.k(),
        key.columns(),
        key.cells(),
        key.vk().proof_len()
    );
    let srs = stage("load srs", || store.load(&SrsSource::Development, key.k())).unwrap();
    let f = |v| Fr::from(v);
    let openings = Openings {
        salt_in: f(1),
        inputs: vec![f(2)],
        salt_out: f(3),
        outputs: vec![f(4), f(5)],
    };
    let request = AggregationRequest {
        snarks: &snarks,
        openings: &openings,
        model_salt: f(77),
        context: f(88),
    };
    let outer = stage("prove", || {
        key.prove(&srs, request, StdRng::seed_from_u64(1))
    })
    .unwrap();
    stage("verify", || key.vk().verify(&outer)).unwrap();
    if let Ok(dir) = env::var("AGG_OUT") {
        fs::create_dir_all(&dir).unwrap();
        fs::write(
            format!("{dir}/vk.bin"),
            bincode::serialize(key.vk()).unwrap(),
        )
        .unwrap();
        fs::write(format!("{dir}/calldata.bin"), outer.raw_calldata()).unwrap();
        fs::write(
            format!("{dir}/proof.bin"),
            bincode::serialize(&outer).unwrap(),
        )
        .unwrap();
        stage("write key", || key.write(format!("{dir}/key").as_ref())).unwrap();
        stage("read key", || {
            AggregationKey::read(format!("{dir}/key").as_ref())
        })
        .unwrap();
    }
}
