//! `cargo run --release -p halocast-prover --example layer -- MODEL_DIR INPUT.json [SEGMENT]`: cuts `model.onnx`, quantized
//! on `calibration.json`, by layers and lists the segments; then key, proof and verification of one segment alone, with
//! what each costs. SEGMENT counts from 0.

use std::error::Error;
use std::fs;
use std::path::Path;

use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use halocast_prover::circuit::{LayerKey, SegmentPolicy, partition, prove, report, verify};
use halocast_prover::model::{Inputs, QuantizeOptions, import_onnx, input_specs, quantize};
use halocast_prover::pipeline::{Meter, StageCost};
use halocast_prover::srs::{SrsSource, SrsStore, default_cache_dir};
use rand::rngs::OsRng;
use serde_json::Value;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (dir, input, segment) = match arguments.as_slice() {
        [dir, input] => (Path::new(dir), input, None),
        [dir, input, segment] => (Path::new(dir), input, Some(segment.parse::<usize>()?)),
        _ => return Err("usage: layer MODEL_DIR INPUT.json [SEGMENT]".into()),
    };
    let json = |path: &Path| -> Result<Value> { Ok(serde_json::from_slice(&fs::read(path)?)?) };
    let graph = import_onnx(&dir.join("model.onnx"))?;
    let specs = input_specs(&graph);
    let calibration = Inputs::list_from_json(&specs, &json(&dir.join("calibration.json"))?)?;
    let input = Inputs::from_json(&specs, &json(Path::new(input))?)?;
    let quantized = quantize(&graph, &calibration, &QuantizeOptions::default())?;
    let program = &quantized.program;
    let segments = partition(program, SegmentPolicy::PerLayer)?;
    for (index, segment) in segments.iter().enumerate() {
        let r = report(program, segment)?;
        let [first, last] =
            [segment.ops.start, segment.ops.end - 1].map(|op| &program.ops[op].name);
        let (rows, table, k) = (r.rows, r.table_rows, r.k);
        println!(
            "{index}: ops {first} … {last}: {rows} rows, table {table}, k {k}, boundary {:?}",
            r.boundary
        );
    }
    let Some(index) = segment else { return Ok(()) };
    let segment = segments.get(index).ok_or("there is no such segment")?;

    let run = measured("execute", || Ok(quantized.run(&input)?))?;
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
        measured("proof", || {
            Ok(prove(
                params, &proving, program, segment, &run.trace, salts, OsRng,
            )?)
        })
    })?;
    measured("verification", || {
        Ok(verify(params, &key, segment, &proof)?)
    })?;
    println!("{} bytes of proof", proof.proof.len());
    Ok(())
}

fn measured<T>(stage: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
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
