//! `cargo run --release -p halocast-model --example fidelity -- MODEL_DIR`: quantizes `model.onnx` on
//! `calibration.json` and prints the fidelity report; with `heldout.json` and `prompts.json` also the language part, with
//! a grouped `samples.json` also the ranking of embeddings. The pictures go to MODEL_DIR.

use std::error::Error;
use std::fs;
use std::path::Path;

use halocast_model::{
    Inputs, LanguageSamples, QuantizeOptions, embedding_fidelity, fidelity, import_onnx,
    input_specs, quantize,
};
use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    let dir = std::env::args().nth(1).ok_or("usage: fidelity MODEL_DIR")?;
    let dir = Path::new(&dir);
    let json = |name: &str| -> Result<Value, Box<dyn Error>> {
        Ok(serde_json::from_slice(&fs::read(dir.join(name))?)?)
    };
    let graph = import_onnx(&dir.join("model.onnx"))?;
    let specs = input_specs(&graph);
    let calibration = Inputs::list_from_json(&specs, &json("calibration.json")?)?;
    let quantized = quantize(&graph, &calibration, &QuantizeOptions::default())?;
    let mut samples = calibration;
    let mut language = None;
    if dir.join("heldout.json").exists() {
        samples = Inputs::list_from_json(&specs, &json("heldout.json")?)?;
        language = Some(language_samples(&samples, &json("prompts.json")?));
    }
    let report = match groups(dir, &json) {
        Some((grouped, groups)) => {
            let samples = Inputs::list_from_json(&specs, &grouped)?;
            embedding_fidelity(&graph, &quantized, &samples, &groups)?
        }
        None => fidelity(&graph, &quantized, &samples, language.as_ref())?,
    };
    for (name, svg) in report.plots()? {
        fs::write(dir.join(name), svg)?;
    }
    println!("{}", report.to_markdown());
    if let Some(l) = &report.language {
        println!("differing: {:?}", l.continuations.differing);
    }
    Ok(())
}

type Json<'a> = dyn Fn(&str) -> Result<Value, Box<dyn Error>> + 'a;

/// `samples.json` and the groups in it.
fn groups(dir: &Path, json: &Json<'_>) -> Option<(Value, Vec<String>)> {
    let samples = dir
        .join("samples.json")
        .exists()
        .then(|| json("samples.json").ok())??;
    let group = |s: &Value| Some(s.get("group")?.as_str()?.to_owned());
    let groups = samples
        .as_array()?
        .iter()
        .map(group)
        .collect::<Option<_>>()?;
    Some((samples, groups))
}

fn language_samples(windows: &[Inputs], prompts: &Value) -> LanguageSamples {
    let ids = |i: &Inputs| i.0[0].iter().map(|&t| t as u32).collect();
    let prompts = prompts.as_array().into_iter().flatten();
    let held_out = prompts.filter(|p| p["split"] == "held_out");
    let bytes = |p: &Value| {
        let text = p["prompt"].as_str().unwrap_or_default();
        text.bytes().map(u32::from).collect()
    };
    LanguageSamples {
        windows: windows.iter().map(ids).collect(),
        prompts: held_out.map(bytes).collect(),
        max_new_tokens: 64,
        stop: Some(u32::from(b'\n')),
    }
}
