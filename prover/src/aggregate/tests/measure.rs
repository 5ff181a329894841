//! Cost of key generation and proving for proofs with the columns of the layer circuit. Not run by default:
//! `AGG_PROOFS=3 cargo test --release -p halocast-prover measure_aggregation -- --ignored --nocapture`.

use super::{layer::Size, whole::chain};
use crate::{
    aggregate::{
        AggregationConfig, AggregationKey, AggregationRequest, AggregationShape, InputVisibility,
        Openings, verifier_points,
    },
    srs::{SrsSource, SrsStore, default_cache_dir},
};
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use rand::{SeedableRng, rngs::StdRng};
use std::{env, fs, time::Instant};

/// CPU seconds of this process so far, and its largest resident set in GiB.
fn usage() -> (f64, f64) {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    let ticks: f64 = fields[11..13]
        .iter()
        .map(|t| t.parse::<f64>().unwrap())
        .sum();
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status
        .lines()
        .find(|l| l.starts_with("VmHWM"))
        .unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap();
    (
        ticks / 100.0,
        peak.parse::<f64>().unwrap() / f64::from(1 << 20),
    )
}

fn stage<T>(name: &str, work: impl FnOnce() -> T) -> T {
    // forget the peak of earlier stages
    let _ = fs::write("/proc/self/clear_refs", "5");
    let (cpu, wall) = (usage().0, Instant::now());
    let result = work();
    let (after, peak) = usage();
    println!(
        "{name}: {:.1} CPU s, {:.1} s wall, {peak:.2} GiB",
        after - cpu,
        wall.elapsed().as_secs_f64()
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
