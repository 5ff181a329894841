//! `cargo run --release -p halocast-prover --example layer -- BUNDLE INPUT.json SEGMENT`: key, proof and verification of one
//! segment alone, with what each costs. SEGMENT counts from 0; without it the segments are listed.

use std::error::Error;
use std::fs;
use std::path::Path;

use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use halocast_prover::bundle::Bundle;
use halocast_prover::circuit::{LayerKey, prove, report, verify};
use halocast_prover::pipeline::{Meter, Request, StageCost, execute};
use halocast_prover::srs::{SrsSource, SrsStore, default_cache_dir};
use rand::rngs::OsRng;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [bundle, input, segment] = arguments.as_slice() else {
        return Err("usage: layer BUNDLE INPUT.json SEGMENT".into());
    };
    let bundle = Bundle::open(Path::new(bundle))?;
    let request = Request::from_json(&bundle, &serde_json::from_slice(&fs::read(input)?)?)?;
    let segment = bundle.segments().get(segment.parse::<usize>()?);
    let segment = segment.ok_or("there is no such segment")?;
    let program = bundle.program();
    println!("{:#?}", report(program, segment)?);

    let run = measured("execute", || Ok(execute(&bundle, &request)?))?;
    let srs = SrsStore::new(default_cache_dir()).load(&SrsSource::Development, segment.k)?;
    let params = &srs.params;
    let key = measured("verifying key", || {
        Ok(LayerKey::generate(params, program, segment)?)
    })?;
    let salts = [Fr::random(OsRng), Fr::random(OsRng)];
    // What `halocast prove` does for a segment: the proving key is worked out, used once and dropped.
    let proof = measured("proving key and proof", || {
        let proving = measured("proving key", || {
            Ok(key.proving_key(params, program, segment)?)
        })?;
        Ok(prove(params, &proving, program, segment, &run.trace, salts, OsRng)?)
    })?;
    measured("verification", || Ok(verify(params, &key, segment, &proof)?))?;
    println!("{} bytes of proof", proof.proof.len());
    Ok(())
}

fn measured<T>(
    stage: &str,
    work: impl FnOnce() -> Result<T, Box<dyn Error>>,
) -> Result<T, Box<dyn Error>> {
    let meter = Meter::start(stage);
    let result = work()?;
    let StageCost {
        cpu_s,
        wall_s,
        peak_rss_bytes,
        ..
    } = meter.stop();
    let gib = peak_rss_bytes as f64 / f64::from(1 << 30);
    println!("{stage}: {cpu_s:.2} CPU s, {wall_s:.2} s, peak {gib:.2} GiB");
    Ok(result)
}
