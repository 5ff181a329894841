//! The import against PyTorch: every model of the repository is run by [`Graph::run`] and compared with the outputs that
//! PyTorch gave at export time. Then the operators it comes to, and files that must be refused.

use std::path::{Path, PathBuf};

use halocast_model::{Graph, GraphOp, ImportError, import_onnx};
use serde_json::Value;

/// Largest error, relative to the largest output.
const TOLERANCE: f32 = 1e-5;

fn models() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models")
}

fn import(model: &str) -> Graph {
    import_onnx(&models().join(model).join("model.onnx")).expect("a supported model")
}

fn flat(nested: &Value) -> Vec<f32> {
    match nested {
        Value::Array(items) => items.iter().flat_map(flat).collect(),
        number => vec![number.as_f64().expect("a number") as f32],
    }
}

fn check_against_pytorch(model: &str) {
    let graph = import(model);
    let text = std::fs::read(models().join(model).join("reference.json")).expect("references");
    let cases: Vec<Value> = serde_json::from_slice(&text).expect("JSON");
    assert!(!cases.is_empty());
    for case in cases {
        let name = |id: &halocast_model::ValueId| graph.values[id.0].name.clone();
        let inputs: Vec<Vec<f32>> = graph
            .inputs
            .iter()
            .map(|id| flat(&case["inputs"][name(id)]))
            .collect();
        let values = graph.run(&inputs).expect("the inputs fit");
        for id in &graph.outputs {
            let wanted = flat(&case["outputs"][name(id)]);
            let scale = wanted.iter().fold(0.0f32, |m, x| m.max(x.abs()));
            let error = wanted
                .iter()
                .zip(&values[id.0])
                .fold(0.0f32, |m, (w, g)| m.max((w - g).abs()));
            assert_eq!(wanted.len(), values[id.0].len());
            assert!(
                error < TOLERANCE * scale,
                "{model}: error {error}, outputs up to {scale}"
            );
        }
    }
}

#[test]
fn tinygemma_agrees_with_pytorch() {
    check_against_pytorch("tinygemma");
}

#[test]
fn fixtures_agree_with_pytorch() {
    for model in [
        "mlp", "gpt2", "bert", "llama", "block64", "block128", "masked", "padded",
    ] {
        check_against_pytorch(&format!("fixtures/{model}"));
    }
}

/// How often each of the operators below occurs.
fn counts(graph: &Graph) -> [usize; 9] {
    let mut counts = [0; 9];
    for node in &graph.nodes {
        let place = match &node.op {
            GraphOp::MatMul => 0,
            GraphOp::RmsNorm { .. } => 1,
            GraphOp::LayerNorm { .. } => 2,
            GraphOp::Softmax { allowed: None } => 3,
            GraphOp::Softmax { allowed: Some(_) } => 4,
            GraphOp::Unary(_) => 5,
            GraphOp::Gather => 6,
            GraphOp::ReduceSum { .. } => 7,
            GraphOp::Sub | GraphOp::ArgMax => 8,
            _ => continue,
        };
        counts[place] += 1;
    }
    counts
}

#[test]
fn models_come_to_few_operators() {
    // products, RMS norms, layer norms, softmaxes without and with mask, functions, lookups, sums, others
    let expected = [
        ("tinygemma", [37, 25, 0, 0, 4, 4, 1, 0, 0]),
        ("fixtures/mlp", [2, 0, 0, 0, 0, 1, 0, 0, 0]),
        ("fixtures/gpt2", [13, 0, 5, 0, 2, 2, 1, 0, 0]),
        ("fixtures/bert", [16, 1, 5, 2, 0, 2, 1, 1, 0]),
        ("fixtures/llama", [19, 5, 0, 0, 2, 2, 1, 0, 0]),
        ("fixtures/block64", [6, 0, 2, 1, 0, 1, 0, 0, 0]),
        ("fixtures/block128", [6, 0, 2, 1, 0, 1, 0, 0, 0]),
        ("fixtures/masked", [6, 0, 0, 0, 2, 0, 0, 0, 0]),
        ("fixtures/padded", [8, 1, 3, 1, 0, 1, 1, 1, 0]),
    ];
    for (model, wanted) in expected {
        assert_eq!(counts(&import(model)), wanted, "{model}");
    }
}

#[test]
fn activations_are_named() {
    use halocast_model::Unary::{GeluExact, GeluTanh, Relu, Silu};
    let expected = [
        ("tinygemma", GeluTanh),
        ("fixtures/gpt2", GeluTanh),
        ("fixtures/bert", GeluExact),
        ("fixtures/llama", Silu),
        ("fixtures/block64", GeluExact),
        ("fixtures/mlp", Relu),
    ];
    for (model, function) in expected {
        for node in import(model).nodes {
            if let GraphOp::Unary(chain) = node.op {
                assert_eq!(chain, std::slice::from_ref(&function), "{model}");
            }
        }
    }
}

#[test]
fn masks_are_causal_and_slide() {
    let graph = import("tinygemma");
    let mut widths = Vec::new();
    for node in &graph.nodes {
        let GraphOp::Softmax {
            allowed: Some(mask),
        } = &node.op
        else {
            continue;
        };
        let length = *graph.values[node.output.0].shape.last().expect("a rank");
        let row = |i: usize| &mask[i * length..][..length];
        for i in 0..length {
            let first = row(i)
                .iter()
                .position(|&open| open)
                .expect("no row is masked as a whole");
            let window = &row(i)[first..=i];
            assert!(window.iter().all(|&open| open) && row(i)[i + 1..].iter().all(|&open| !open));
        }
        widths.push(row(length - 1).iter().filter(|&&open| open).count());
    }
    assert_eq!(widths, [16, 16, 16, 32]);
}

#[test]
fn names_are_those_of_the_file() {
    let graph = import("tinygemma");
    let name = |id: halocast_model::ValueId| graph.values[id.0].name.as_str();
    assert_eq!(
        (name(graph.inputs[0]), name(graph.outputs[0])),
        ("tokens", "logits")
    );
    let mut names: Vec<&str> = graph.values.iter().map(|v| v.name.as_str()).collect();
    names.sort_unstable();
    assert!(
        names.windows(2).all(|pair| pair[0] != pair[1]),
        "names are unique"
    );
}

#[test]
fn every_value_is_needed() {
    let graph = import("fixtures/gpt2");
    for (id, value) in graph.values.iter().enumerate() {
        let read = graph
            .nodes
            .iter()
            .any(|n| n.inputs.iter().any(|i| i.0 == id));
        assert!(
            read || graph.outputs.iter().any(|o| o.0 == id),
            "`{}` is dead",
            value.name
        );
    }
}

fn bad(name: &str) -> ImportError {
    import_onnx(&models().join("fixtures/bad").join(name)).expect_err("it is refused")
}

#[test]
fn bad_files_say_what_is_wrong() {
    let ImportError::NonFinite { tensor, value, .. } = bad("nan.onnx") else {
        panic!("nan")
    };
    assert!(tensor == "0.weight" && value.is_nan());
    let ImportError::DynamicShape {
        input,
        axis: 0,
        dim,
    } = bad("dynamic.onnx")
    else {
        panic!("dynamic")
    };
    assert_eq!((&*input, &*dim), ("x", "batch"));
    let error = bad("unsupported.onnx");
    assert!(matches!(&error, ImportError::Unsupported { operator, .. } if operator == "Conv"));
    assert!(
        error.to_string().contains("MatMul"),
        "the supported operators are listed"
    );
    assert!(matches!(
        bad("truncated.onnx"),
        ImportError::Malformed { .. }
    ));
    assert!(matches!(bad("missing.onnx"), ImportError::Io { .. }));
}

/// A damaged file is an error or another model, never a panic.
#[test]
fn damaged_files_do_not_panic() {
    let bytes = std::fs::read(models().join("fixtures/mlp/model.onnx")).expect("the model");
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("damaged.onnx");
    let try_import = |bytes: &[u8]| {
        std::fs::write(&file, bytes).expect("written");
        import_onnx(&file).map(drop)
    };
    for length in (0..bytes.len()).step_by(173) {
        assert!(
            try_import(&bytes[..length]).is_err(),
            "cut to {length} bytes"
        );
    }
    let mut state = 1u64;
    for _ in 0..300 {
        let mut damaged = bytes.clone();
        for _ in 0..3 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let place = (state >> 33) as usize % damaged.len();
            damaged[place] ^= 1 << (state >> 20 & 7);
        }
        let _ = try_import(&damaged);
    }
}
