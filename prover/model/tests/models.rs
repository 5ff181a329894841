//! The models of the repository, from ONNX to integers: fidelity, tables, the generation statement.

use std::path::PathBuf;

use halocast_ir::{OpKind, Program, Task, execute};
use halocast_model::{
    FidelityReport, GenerateError, Graph, Inputs, LanguageSamples, QuantizeOptions, Quantized,
    assign, certify_generation, fidelity, generate, import_onnx, input_specs, quantize,
};
use serde_json::Value;

struct Model {
    graph: Graph,
    calibration: Vec<Inputs>,
    quantized: Quantized,
}

fn file(model: &str, name: &str) -> PathBuf {
    let models = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../models");
    models.join(model).join(name)
}

fn json(model: &str, name: &str) -> Value {
    let bytes = std::fs::read(file(model, name)).expect("part of the repository");
    serde_json::from_slice(&bytes).expect("JSON")
}

fn load(model: &str) -> Model {
    let graph = import_onnx(&file(model, "model.onnx")).expect("supported");
    let specs = input_specs(&graph);
    let calibration = Inputs::list_from_json(&specs, &json(model, "calibration.json"));
    let calibration = calibration.expect("fits the model");
    let options = QuantizeOptions::default();
    let quantized = quantize(&graph, &calibration, &options).expect("supported");
    Model {
        graph,
        calibration,
        quantized,
    }
}

fn report(m: &Model, samples: &[Inputs], language: Option<&LanguageSamples>) -> FidelityReport {
    fidelity(&m.graph, &m.quantized, samples, language).expect("within range")
}

#[test]
fn fixtures_keep_their_cosine_and_share_their_tables() {
    for (name, tables) in [
        ("mlp", 1),
        ("gpt2", 2),
        ("bert", 2),
        ("llama", 2),
        ("block64", 2),
        ("block128", 2),
        ("masked", 1),
        ("padded", 2),
    ] {
        let m = load(&format!("fixtures/{name}"));
        let references = json(&format!("fixtures/{name}"), "reference.json");
        let specs = input_specs(&m.graph);
        let samples = Inputs::list_from_json(&specs, &references).expect("fits");
        for samples in [&m.calibration, &samples] {
            let report = report(&m, samples, None);
            let cosine = |o: &halocast_model::OutputFidelity| o.agreement.cosine;
            assert!(
                report.outputs.iter().map(cosine).all(|c| c >= 0.999_999),
                "{name}"
            );
            report.require_cosine(0.999_99).expect(name);
            assert!(
                report
                    .outputs
                    .iter()
                    .all(|o| o.agreement.relative_error < 1.5e-3),
                "{name}"
            );
            assert!(report.values.iter().all(|v| v.saturated == 0), "{name}");
        }
        assert_eq!(m.quantized.program.tables.len(), tables, "{name}");
    }
}

#[test]
fn outputs_agree_with_pytorch() {
    for name in [
        "fixtures/gpt2",
        "fixtures/bert",
        "fixtures/padded",
        "fixtures/block128",
        "tinygemma",
    ] {
        let m = load(name);
        let specs = input_specs(&m.graph);
        for item in json(name, "reference.json").as_array().expect("a list") {
            let inputs = Inputs::from_json(&specs, item).expect("fits");
            let run = m.quantized.run(&inputs).expect("within range");
            let got = &m.quantized.outputs_json(&run.trace)["outputs"];
            for (output, expected) in item["outputs"].as_object().expect("outputs") {
                let (x, y) = (leaves(expected), leaves(&got[output]));
                assert_eq!(x.len(), y.len());
                let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
                let cosine = dot(&x, &y) / (dot(&x, &x) * dot(&y, &y)).sqrt();
                assert!(cosine > 0.999_999, "{name} {output}: {cosine}");
            }
        }
    }
}

fn leaves(json: &Value) -> Vec<f64> {
    match json {
        Value::Array(list) => list.iter().flat_map(leaves).collect(),
        number => vec![number.as_f64().expect("a number")],
    }
}

#[test]
fn tinygemma_stays_itself() {
    let m = load("tinygemma");
    let specs = input_specs(&m.graph);
    let held_out =
        Inputs::list_from_json(&specs, &json("tinygemma", "heldout.json")).expect("fits");
    let held_out = &held_out[..64];
    let ids = |i: &Inputs| i.0[0].iter().map(|&t| t as u32).collect();
    let language = LanguageSamples {
        windows: held_out.iter().map(ids).collect(),
        prompts: prompts(40).into_iter().map(|(p, _)| p).collect(),
        max_new_tokens: usize::MAX,
        stop: Some(10),
    };
    let report = report(&m, held_out, Some(&language));
    report.require_cosine(0.999).expect("the demo's threshold");
    let language = report.language.expect("asked for");
    assert!(language.continuations.agreement() >= 0.95);
    let moved = language.integer_bits_per_token - language.float_bits_per_token;
    assert!(moved.abs() < 1e-3, "bits per byte moved by {moved}");
    assert_eq!(m.quantized.program.tables.len(), 2, "GELU and exp");
}

/// Held-out prompts with the float model's answers.
fn prompts(count: usize) -> Vec<(Vec<u32>, Vec<u32>)> {
    let list = json("tinygemma", "prompts.json");
    let bytes = |v: &Value| v.as_str().expect("text").bytes().map(u32::from).collect();
    let list = list.as_array().expect("a list").iter();
    let held_out = list.filter(|p| p["split"] == "held_out").take(count);
    held_out
        .map(|p| (bytes(&p["prompt"]), bytes(&p["answer"])))
        .collect()
}

fn certified(model: &str) -> Program {
    certify_generation(load(model).quantized.program).expect("causal")
}

#[test]
fn tinygemma_answers_with_proof_of_decoding() {
    let program = certified("tinygemma");
    let mut same = 0;
    let prompts = prompts(10);
    for (prompt, expected) in &prompts {
        let run = generate(&program, prompt, expected.len()).expect("fits");
        same += usize::from(run.answer == *expected);
        let mut lie = run.answer.clone();
        lie[0] ^= 1;
        let given = assign(&program, prompt, &lie).expect("fits");
        assert!(
            execute(&program, &given).is_err(),
            "another answer is accepted"
        );
    }
    assert!(
        same * 20 >= prompts.len() * 19,
        "{same} of {}",
        prompts.len()
    );
}

#[test]
fn padding_reaches_nothing_in_real_models() {
    for model in ["tinygemma", "fixtures/gpt2", "fixtures/llama"] {
        let program = certified(model);
        let Task::Generate {
            seq_len, sequence, ..
        } = program.task
        else {
            panic!("not a generation program")
        };
        let run = generate(&program, &[3, 7, 1], 4).expect("fits");
        for padding in [1, 9, 63] {
            let mut given = run.given.clone();
            for (id, values) in &mut given {
                if *id == sequence {
                    values[7..seq_len].fill(padding);
                }
            }
            let trace = execute(&program, &given).expect("still the same statement");
            assert_eq!(
                trace.get(program.outputs[0]),
                run.trace.get(program.outputs[0])
            );
        }
    }
}

#[test]
fn a_model_without_its_mask_is_not_certified() {
    let mut program = load("fixtures/gpt2").quantized.program;
    for op in &mut program.ops {
        if let OpKind::Softmax { allowed, .. } = &mut op.kind {
            *allowed = None;
        }
    }
    let refused = certify_generation(program);
    assert!(
        matches!(refused, Err(GenerateError::NotCausal(_))),
        "{refused:?}"
    );
    let encoder = certify_generation(load("fixtures/bert").quantized.program);
    assert!(
        matches!(encoder, Err(GenerateError::Interface { .. })),
        "{encoder:?}"
    );
}
