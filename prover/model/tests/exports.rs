//! One pattern each, exported by PyTorch's two exporters (`exports/make.py`): what it comes to, and that it computes
//! what PyTorch computed.

use std::path::PathBuf;

use halocast_model::{Graph, GraphOp, import_onnx};
use serde_json::Value;

/// Name, and the operators without inputs, constants and wiring.
const CASES: &[(&str, &[&str])] = &[
    ("rms_rsqrt", &["RmsNorm", "Mul"]),
    ("rms_divide", &["RmsNorm", "Mul"]),
    ("rms_of_norm", &["RmsNorm", "Mul"]),
    ("rms_power", &["RmsNorm", "Mul"]),
    ("rms_squeezed", &["RmsNorm"]),
    ("rms_axis_1", &["RmsNorm"]),
    ("ln_var", &["LayerNorm", "Mul"]),
    ("ln_unbiased", &["LayerNorm", "Mul"]),
    ("ln_two_axes", &["LayerNorm"]),
    ("l2", &["RmsNorm", "Mul"]),
    ("gelu", &["Unary"]),
    ("gelu_new", &["Unary"]),
    ("gelu_between", &["Unary"]),
    ("gelu_quick", &["Unary"]),
    ("softcap", &["Unary"]),
    ("used_twice", &["Unary", "Mul", "Unary", "Mul", "Add"]),
    ("softmax_by_hand", &["Softmax"]),
    ("einsum_three_axes", &["MatMul"]),
    ("every_second", &["Sub"]),
    ("repeated", &[]),
    ("picked", &[]),
    ("argmax_axis_1", &["ArgMax"]),
    (
        "attention",
        &[
            "MatMul",
            "Mul",
            "Mul",
            "MatMul",
            "masked Softmax",
            "MatMul",
            "MatMul",
        ],
    ),
    ("mask_filled", &["masked Softmax"]),
    ("mask_added", &["Mul", "masked Softmax"]),
    ("mask_and_bias", &["Add", "masked Softmax"]),
    (
        "mask_boolean",
        &["Mul", "Mul", "MatMul", "masked Softmax", "MatMul"],
    ),
    (
        "mask_causal",
        &["Mul", "Mul", "MatMul", "masked Softmax", "MatMul"],
    ),
    ("where", &["Mul", "Mul", "Add", "Mul"]),
];

fn exports() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/exports")
}

fn numbers(list: &Value) -> Vec<f32> {
    let list = list.as_array().expect("a list");
    list.iter()
        .map(|x| x.as_f64().expect("a number") as f32)
        .collect()
}

fn operators(graph: &Graph) -> Vec<&'static str> {
    let name = |op: &GraphOp| match op {
        GraphOp::MatMul => Some("MatMul"),
        GraphOp::Add => Some("Add"),
        GraphOp::Sub => Some("Sub"),
        GraphOp::Mul => Some("Mul"),
        GraphOp::Unary(_) => Some("Unary"),
        GraphOp::Softmax { allowed: None } => Some("Softmax"),
        GraphOp::Softmax { allowed: Some(_) } => Some("masked Softmax"),
        GraphOp::RmsNorm { .. } => Some("RmsNorm"),
        GraphOp::LayerNorm { .. } => Some("LayerNorm"),
        GraphOp::ReduceSum { .. } => Some("ReduceSum"),
        GraphOp::ArgMax => Some("ArgMax"),
        GraphOp::Gather => Some("Gather"),
        _ => None,
    };
    graph
        .nodes
        .iter()
        .filter_map(|node| name(&node.op))
        .collect()
}

#[test]
fn patterns_of_both_exporters() {
    let text = std::fs::read(exports().join("reference.json")).expect("the references");
    let references: Value = serde_json::from_slice(&text).expect("JSON");
    for (case, expected) in CASES {
        let reference = &references[case];
        let input = reference["input"].as_str().expect("the input's name");
        let (x, wanted) = (
            numbers(&references["inputs"][input]),
            numbers(&reference["y"]),
        );
        let scale = wanted.iter().fold(1.0f32, |m, y| m.max(y.abs()));
        for opset in [17, 20] {
            let graph = import_onnx(&exports().join(format!("{case}.{opset}.onnx")));
            let graph = graph.unwrap_or_else(|e| panic!("{case}, opset {opset}: {e}"));
            let mut found = operators(&graph);
            let mut expected = expected.to_vec();
            found.sort_unstable();
            expected.sort_unstable();
            assert_eq!(found, expected, "{case}, opset {opset}");
            let y = graph
                .run_outputs(std::slice::from_ref(&x))
                .expect("the input fits")
                .remove(0);
            assert_eq!(y.len(), wanted.len());
            for (y, w) in y.iter().zip(&wanted) {
                assert!(
                    (y - w).abs() < 1e-5 * scale,
                    "{case}, opset {opset}: {y} for {w}"
                );
            }
        }
    }
}
