//! The report on a model by hand.

use super::*;
use crate::quantize::tests::net::{Net, Rng, quantized};
use crate::{GraphOp, Unary};

const T: usize = 6;
const V: usize = 16;

/// Logits that depend on the token at the same position only.
fn bigram() -> (Graph, Quantized) {
    let mut rng = Rng(31);
    let mut net = Net::new();
    let ids = net.tokens(&[1, T]);
    let table = net.constant(&[V, 8], rng.normals(V * 8, 1.0));
    let w = net.constant(&[8, V], rng.normals(V * 8, 1.0));
    let x = net.op(GraphOp::Gather, &[table, ids], &[1, T, 8]);
    let x = net.unary(&[Unary::Tanh], x);
    let y = net.op(GraphOp::MatMul, &[x, w], &[1, T, V]);
    let graph = net.output(y);
    let quantized = quantized(&graph, &mut Rng(3), V);
    (graph, quantized)
}

fn samples(graph: &Graph) -> Vec<Inputs> {
    let mut rng = Rng(17);
    (0..4).map(|_| rng.inputs(graph, 1.0, V)).collect()
}

#[test]
fn reports_outputs_values_and_language() {
    let (graph, quantized) = bigram();
    let windows = (0..3).map(|i| (0..T as u32).map(|t| (t * 5 + i) % V as u32).collect());
    let language = LanguageSamples {
        windows: windows.collect(),
        prompts: vec![vec![1], vec![2, 3], vec![0; T]],
        max_new_tokens: usize::MAX,
        stop: None,
    };
    let report = fidelity(&graph, &quantized, &samples(&graph), Some(&language)).unwrap();
    let output = &report.outputs[0].agreement;
    assert!(output.cosine > 0.999_99 && output.worst_cosine <= output.cosine);
    assert!(output.max_error >= output.mean_error && output.mean_error > 0.0);
    assert_eq!(output.elements, 4 * T * V);
    assert!(output.top1 > 0.9);
    assert!(report.values.iter().any(|v| v.op == "Lookup"));
    let l = report.language.as_ref().unwrap();
    assert_eq!(l.tokens, 3 * (T - 1));
    assert!((l.float_bits_per_token - l.integer_bits_per_token).abs() < 0.01);
    assert!(l.integer_perplexity() > 1.0);
    assert_eq!((l.continuations.prompts, l.continuations.tokens), (3, 9));
    assert_eq!(l.continuations.agreement(), 1.0);
    let text = report.to_markdown();
    for part in [
        "## Outputs",
        "## Language",
        "| perplexity |",
        "3 of 3 identical",
        "Lookup 1",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    let plots = report.plots().unwrap();
    let names: Vec<&str> = plots.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["errors.svg", "saturation.svg", "cosine.svg"]);
    let whole = |svg: &str| svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>");
    assert!(plots.iter().all(|(_, svg)| whole(svg)));
    let json = serde_json::to_value(&report).unwrap();
    assert!(json["outputs"][0]["agreement"]["cosine"].is_number());
    let back: FidelityReport = serde_json::from_value(json).unwrap();
    assert_eq!(back, report);
}

#[test]
fn the_threshold_names_output_expected_and_found() {
    let (graph, quantized) = bigram();
    let report = fidelity(&graph, &quantized, &samples(&graph), None).unwrap();
    report.require_cosine(0.999).unwrap();
    let Err(FidelityError::Cosine {
        output,
        expected,
        found,
    }) = report.require_cosine(1.1)
    else {
        panic!("no cosine is 1.1")
    };
    assert_eq!(
        (output.as_str(), expected),
        (report.outputs[0].name.as_str(), 1.1)
    );
    assert!(found <= 1.0);
}

#[test]
fn saturation_is_counted() {
    let mut net = Net::new();
    let x = net.input(&[4]);
    let y = net.unary(&[Unary::Affine(3.0, 0.0)], x);
    let graph = net.output(y);
    let low = Inputs(vec![vec![0.1, -0.1, 0.05, 0.0]]);
    // An input scale that has room, a result scale that has not.
    let mut quantized = crate::quantize(&graph, &[low], &Default::default()).unwrap();
    let input = quantized.inputs[0].1;
    let scale = &mut quantized.program.tensors[input.0 as usize].scale.0;
    *scale -= 2;
    for op in &mut quantized.program.ops {
        if let OpKind::Elementwise { coefs, .. } = &mut op.kind {
            coefs.a[0] *= 4;
        }
    }
    let report = fidelity(
        &graph,
        &quantized,
        &[Inputs(vec![vec![0.2, -0.3, 0.1, 0.0]])],
        None,
    );
    let saturated: usize = report.unwrap().values.iter().map(|v| v.saturated).sum();
    assert_eq!(saturated, 2);
}

#[test]
fn refusals() {
    let (graph, quantized) = bigram();
    let none = fidelity(&graph, &quantized, &[], None);
    assert!(matches!(none, Err(FidelityError::NoSamples)));
    let groups = crate::embedding_fidelity(&graph, &quantized, &samples(&graph), &[]);
    assert!(matches!(
        groups,
        Err(FidelityError::Groups { groups: 0, .. })
    ));
    let wrong = LanguageSamples {
        windows: vec![vec![1, 2]],
        ..Default::default()
    };
    let refused = fidelity(&graph, &quantized, &samples(&graph), Some(&wrong));
    assert!(matches!(refused, Err(FidelityError::NotLanguage { .. })));
}
