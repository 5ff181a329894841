//! Each operator family, on random data, against f32.

use std::sync::Arc;

use super::net::{Net, Rng, check, count};
use crate::{Graph, GraphOp, Inputs, QuantizeOptions, Unary, quantize};

#[test]
fn linear_takes_in_bias_and_gain() {
    for seed in 1..6 {
        let mut rng = Rng(seed);
        let mut net = Net::new();
        let x = net.input(&[3, 16]);
        let w = net.constant(&[16, 5], rng.normals(80, 0.3));
        let b = net.constant(&[5], rng.normals(5, 1.0));
        let y = net.op(GraphOp::MatMul, &[x, w], &[3, 5]);
        let y = net.like(GraphOp::Add, &[y, b]);
        let y = net.unary(&[Unary::Affine(-0.37, 0.5)], y);
        let q = check(&net.output(y), seed, 3e-4);
        assert_eq!(q.program.ops.len(), 1);
    }
}

#[test]
fn linear_folds_what_is_done_to_its_operand() {
    let mut rng = Rng(3);
    let mut net = Net::new();
    let x = net.input(&[3, 8]);
    let g = net.constant(&[8], rng.normals(8, 1.0));
    let w = net.constant(&[8, 4], rng.normals(32, 0.3));
    let y = net.like(GraphOp::Mul, &[x, g]);
    let y = net.unary(&[Unary::Affine(1.0, 0.25)], y);
    let y = net.op(GraphOp::MatMul, &[y, w], &[3, 4]);
    let q = check(&net.output(y), 3, 3e-4);
    assert_eq!(q.program.ops.len(), 1);
}

#[test]
fn constant_on_the_left() {
    let mut rng = Rng(5);
    let mut net = Net::new();
    let x = net.input(&[2, 6, 4]);
    let w = net.constant(&[1, 3, 6], rng.normals(18, 0.4));
    let y = net.op(GraphOp::MatMul, &[w, x], &[2, 3, 4]);
    check(&net.output(y), 5, 3e-4);
}

#[test]
fn batched_constant_is_an_activation() {
    let mut rng = Rng(6);
    let mut net = Net::new();
    let x = net.input(&[2, 3, 4]);
    let w = net.constant(&[2, 4, 5], rng.normals(40, 0.4));
    let y = net.op(GraphOp::MatMul, &[x, w], &[2, 3, 5]);
    let q = check(&net.output(y), 6, 5e-4);
    assert_eq!(count(&q, "MatMul"), 1);
}

#[test]
fn activations_times_activations() {
    for (seed, factor) in [(1, 1.0), (2, 0.25), (3, 0.2041), (4, 37.3)] {
        let mut net = Net::new();
        let x = net.input(&[2, 4, 6, 8]);
        let y = net.input(&[2, 1, 8, 5]);
        let z = net.op(GraphOp::MatMul, &[x, y], &[2, 4, 6, 5]);
        let z = net.unary(&[Unary::Affine(factor, 0.0)], z);
        let q = check(&net.output(z), seed, 1e-3);
        let shapes = q.program.tensors.iter().map(|t| &t.shape);
        assert!(
            shapes.clone().any(|s| *s == [2, 24, 8]),
            "queries of a group are one batch"
        );
    }
}

#[test]
fn elementwise_combinations_are_one_op() {
    let mut rng = Rng(7);
    let mut net = Net::new();
    let a = net.input(&[4, 6]);
    let b = net.input(&[4, 6]);
    let c = net.constant(&[6], rng.normals(6, 1.0));
    let ca = net.like(GraphOp::Mul, &[a, c]);
    let cb = net.unary(&[Unary::Affine(0.7, -0.2)], b);
    let y = net.like(GraphOp::Mul, &[ca, cb]);
    let y = net.like(GraphOp::Sub, &[y, a]);
    let q = check(&net.output(y), 7, 5e-4);
    assert_eq!((q.program.ops.len(), count(&q, "Elementwise")), (1, 1));
}

#[test]
fn products_of_fine_scale_stay_exact() {
    let mut net = Net::new();
    let a = net.input(&[16]);
    let b = net.input(&[16]);
    let a = net.unary(&[Unary::Affine(0.001, 0.0), Unary::Tanh], a);
    let y = net.like(GraphOp::Mul, &[a, b]);
    let y = net.unary(&[Unary::Affine(1234.5, 0.0)], y);
    check(&net.output(y), 8, 2e-3);
}

#[test]
fn squares_and_broadcasts() {
    let mut net = Net::new();
    let a = net.input(&[4, 1]);
    let b = net.input(&[3]);
    let square = net.unary(&[Unary::Pow(2.0), Unary::Affine(0.5, 1.0)], a);
    let y = net.op(GraphOp::Add, &[square, b], &[4, 3]);
    let q = check(&net.output(y), 9, 5e-4);
    assert_eq!(count(&q, "Lookup"), 0);
}

#[test]
fn three_operands_need_two_ops() {
    let mut net = Net::new();
    let a = net.input(&[8]);
    let b = net.input(&[8]);
    let c = net.input(&[8]);
    let d = net.input(&[8]);
    let ab = net.like(GraphOp::Mul, &[a, b]);
    let cd = net.like(GraphOp::Mul, &[c, d]);
    let y = net.like(GraphOp::Add, &[ab, cd]);
    let q = check(&net.output(y), 10, 1e-3);
    assert_eq!(count(&q, "Elementwise"), 3);
}

#[test]
fn functions_are_looked_up_in_shared_tables() {
    let mut rng = Rng(11);
    let mut net = Net::new();
    let x = net.input(&[3, 8]);
    let mut v = x;
    for scale in [0.3, 0.5] {
        let w = net.constant(&[8, 8], rng.normals(64, scale));
        v = net.like(GraphOp::MatMul, &[v, w]);
        v = net.unary(&[Unary::GeluTanh], v);
    }
    let q = check(&net.output(v), 11, 5e-3);
    assert_eq!(q.program.tables.len(), 1);
    assert_eq!(
        (count(&q, "Lookup"), q.program.ops.len()),
        (2, 4),
        "no extra rescale"
    );
}

#[test]
fn functions_of_arithmetic() {
    for (seed, chain) in [
        (1, vec![Unary::Affine(3.0, 1.0), Unary::Sigmoid]),
        (
            2,
            vec![Unary::Pow(2.0), Unary::Affine(1.0, 1.0), Unary::Rsqrt],
        ),
        (3, vec![Unary::Relu]),
        (4, vec![Unary::Product(vec![], vec![Unary::Sigmoid])]),
    ] {
        let mut net = Net::new();
        let x = net.input(&[4, 5]);
        let y = net.unary(&chain, x);
        check(&net.output(y), seed, 2e-3);
    }
}

#[test]
fn norms_with_gain_and_bias() {
    for (seed, op) in [
        (1, GraphOp::RmsNorm { eps: 1e-6 }),
        (2, GraphOp::LayerNorm { eps: 1e-5 }),
    ] {
        let mut rng = Rng(seed);
        let mut net = Net::new();
        let x = net.input(&[5, 32]);
        let x = net.unary(&[Unary::Affine(-2.0, 0.0)], x);
        let g = net.constant(&[32], rng.normals(32, 1.0));
        let b = net.constant(&[1, 32], rng.normals(32, 1.0));
        let y = net.like(op, &[x]);
        let y = net.like(GraphOp::Mul, &[y, g]);
        let y = net.like(GraphOp::Add, &[y, b]);
        let q = check(&net.output(y), seed, 1e-3);
        assert_eq!(count(&q, "RmsNorm"), 1);
    }
}

#[test]
fn softmax_with_factor_and_mask() {
    let causal: Vec<bool> = (0..25).map(|i| i % 5 <= i / 5).collect();
    for (seed, mask) in [(1, None), (2, Some(Arc::new(causal)))] {
        let mut net = Net::new();
        let x = net.input(&[5, 5]);
        let x = net.unary(&[Unary::Affine(2.7, 0.0)], x);
        let y = net.like(GraphOp::Softmax { allowed: mask }, &[x]);
        let q = check(&net.output(y), seed, 1e-3);
        assert_eq!(q.program.ops.len(), 1, "the factor is in the multiplier");
    }
    let mut net = Net::new();
    let x = net.input(&[5, 5]);
    let x = net.unary(&[Unary::Affine(-1.3, 0.0)], x);
    let y = net.like(GraphOp::Softmax { allowed: None }, &[x]);
    check(&net.output(y), 3, 1e-3);
}

/// A softmax with a padding mask: tokens made numbers, spread over three rows.
fn padded_softmax() -> Graph {
    let mut net = Net::new();
    let x = net.input(&[3, 4]);
    let mask = net.tokens(&[1, 4]);
    let mask = net.op(GraphOp::Reshape, &[mask], &[1, 4]);
    let mask = net.op(GraphOp::Broadcast, &[mask], &[3, 4]);
    let x = net.unary(&[Unary::Affine(4.0, 0.0)], x);
    let y = net.op(GraphOp::Softmax { allowed: None }, &[x, mask], &[3, 4]);
    net.output(y)
}

#[test]
fn padding_gets_no_probability() {
    let graph = padded_softmax();
    let mut rng = Rng(5);
    let masks: [[f32; 4]; 3] = [
        [1.0, 1.0, 1.0, 1.0],
        [1.0, 0.0, 1.0, 0.0],
        [0.0, 0.0, 0.0, 1.0],
    ];
    let samples = masks.map(|m| Inputs(vec![rng.normals(12, 1.0), m.to_vec()]));
    let quantized = quantize(&graph, &samples, &QuantizeOptions::default()).unwrap();
    for sample in &samples {
        let run = quantized.run(sample).unwrap();
        let got = quantized.reals(&run.trace, quantized.outputs[0].tensor);
        let wanted = &graph.run_outputs(&sample.0).unwrap()[0];
        for (i, (got, &wanted)) in got.iter().zip(wanted).enumerate() {
            assert!((got - f64::from(wanted)).abs() < 2e-3, "{got} for {wanted}");
            assert!(
                sample.0[1][i % 4] == 1.0 || *got == 0.0,
                "padding is exactly 0"
            );
        }
    }
    let specs = quantized.input_specs();
    assert_eq!((specs[1].mask, specs[1].vocab), (true, Some(2)));
    let with = |mask: [f32; 4]| quantized.run(&Inputs(vec![vec![0.0; 12], mask.to_vec()]));
    let text = |mask| with(mask).unwrap_err().to_string();
    assert_eq!(
        text([0.0; 4]),
        "input v1: the padding mask is 0 everywhere; at least one position must be 1"
    );
    assert_eq!(
        text([1.0, 2.0, 0.0, 0.0]),
        "input v1[1]: 2 in a padding mask, expected 1 (text) or 0 (padding)"
    );
    // Whoever goes round the check of the request is stopped by the program.
    let tensor = quantized.inputs[1].1;
    let mut given = quantized.integers(&samples[0]).unwrap();
    given
        .iter_mut()
        .filter(|(id, _)| *id == tensor)
        .for_each(|(_, m)| m[0] = 2);
    let error = halocast_ir::execute(&quantized.program, &given).unwrap_err();
    assert!(
        matches!(error, halocast_ir::ExecError::Assertion { .. }),
        "{error}"
    );
}

/// The same norm with the sum written out, and with the sum read elsewhere too (which keeps it).
#[test]
fn a_residual_norm_is_centred_by_weights() {
    for elsewhere in [false, true] {
        let mut rng = Rng(21);
        let mut net = Net::new();
        let (x, a) = (net.input(&[3, 6]), net.input(&[3, 8]));
        let w = net.constant(&[6, 8], rng.normals(48, 0.5));
        let bias = net.constant(&[1, 8], rng.normals(8, 0.5));
        let y = net.op(GraphOp::MatMul, &[x, w], &[3, 8]);
        let y = net.op(GraphOp::Add, &[y, bias], &[3, 8]);
        let sum = net.op(GraphOp::Add, &[a, y], &[3, 8]);
        let norm = net.op(GraphOp::LayerNorm { eps: 1e-5 }, &[sum], &[3, 8]);
        let out = match elsewhere {
            true => net.op(GraphOp::Add, &[norm, sum], &[3, 8]),
            false => norm,
        };
        let q = check(&net.output(out), 4, 2e-3);
        let elementwise = q
            .program
            .ops
            .iter()
            .filter(|op| op.kind.label() == "Elementwise")
            .count();
        assert_eq!(elementwise, if elsewhere { 3 } else { 1 });
    }
}

#[test]
fn sums_over_any_axes() {
    for axes in [vec![0], vec![1], vec![0, 2], vec![0, 1, 2]] {
        let mut net = Net::new();
        let x = net.input(&[3, 4, 5]);
        let mut shape = vec![3, 4, 5];
        axes.iter().for_each(|&a| shape[a] = 1);
        let y = net.op(GraphOp::ReduceSum { axes }, &[x], &shape);
        let y = net.unary(&[Unary::Affine(0.2, 0.0)], y);
        check(&net.output(y), 12, 1e-3);
    }
}

#[test]
fn embedding_and_arg_max() {
    let mut rng = Rng(13);
    let mut net = Net::new();
    let ids = net.tokens(&[1, 6]);
    let table = net.constant(&[16, 8], rng.normals(128, 1.0));
    let x = net.op(GraphOp::Gather, &[table, ids], &[1, 6, 8]);
    let x = net.unary(&[Unary::Affine(8.0, 0.0)], x);
    let positions = net.constant(&[1, 6, 8], rng.normals(48, 1.0));
    let x = net.like(GraphOp::Add, &[x, positions]);
    let y = net.op(GraphOp::ArgMax, &[x], &[1, 6]);
    let mut graph = net.output(y);
    graph.outputs.insert(0, x);
    let q = check(&graph, 13, 3e-4);
    assert_eq!(q.program.ops.len(), 3);
}

/// One calibration input sets every scale. What it does not reach saturates (a product) or is refused by name (a norm).
#[test]
fn one_calibration_input_is_enough_and_its_limits_show() {
    let mut rng = Rng(31);
    let mut net = Net::new();
    let x = net.input(&[2, 8]);
    let w = net.constant(&[8, 4], rng.normals(32, 0.5));
    let y = net.op(GraphOp::MatMul, &[x, w], &[2, 4]);
    let graph = net.output(y);
    let small = Inputs(vec![rng.normals(16, 0.5)]);
    let quantized = quantize(
        &graph,
        std::slice::from_ref(&small),
        &QuantizeOptions::default(),
    );
    let quantized = quantized.unwrap();
    let far = |factor: f32| Inputs(vec![small.0[0].iter().map(|x| x * factor).collect()]);
    let outputs = |inputs: &Inputs| {
        let run = quantized.run(inputs).unwrap();
        quantized.reals(&run.trace, quantized.outputs[0].tensor)
    };
    let largest = |values: &[f64]| values.iter().fold(0f64, |m, v| m.max(v.abs()));
    assert!(largest(&outputs(&far(1.2))) > 1.15 * largest(&outputs(&small)));
    let error = quantized.run(&far(100.0)).unwrap_err().to_string();
    assert!(
        error.contains("input v0[") && error.contains("representable range"),
        "{error}"
    );
}

/// An outlier among the weights takes bits from the others: 20 bits from the largest. The result's error is that of the
/// rounded weights and shows in the fidelity report.
#[test]
fn an_outlier_among_weights_costs_precision_that_is_measured() {
    let cosine = |outlier: f32| {
        let mut rng = Rng(32);
        let mut net = Net::new();
        let x = net.input(&[4, 8]);
        let mut weights = rng.normals(64, 0.3);
        weights[0] = outlier;
        let w = net.constant(&[8, 8], weights);
        let y = net.op(GraphOp::MatMul, &[x, w], &[4, 8]);
        // The column of the outlier would hide all others.
        let y = net.op(
            GraphOp::Slice {
                axis: 1,
                start: 1,
                end: 8,
            },
            &[y],
            &[4, 7],
        );
        let graph = net.output(y);
        let samples: Vec<Inputs> = (0..4).map(|_| Inputs(vec![rng.normals(32, 1.0)])).collect();
        let quantized = quantize(&graph, &samples, &QuantizeOptions::default()).unwrap();
        let report = crate::fidelity(&graph, &quantized, &samples, None).unwrap();
        (report.outputs[0].agreement.worst_cosine, report)
    };
    assert!(cosine(0.3).0 > 0.999_999);
    let (bad, report) = cosine(1e6);
    assert!(bad < 0.999, "{bad}");
    assert!(report.require_cosine(0.999).is_err());
}
