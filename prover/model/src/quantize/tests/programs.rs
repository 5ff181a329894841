//! The shape of lowered programs: wiring, rotary embedding, shared scales, errors.

use super::net::{Net, Rng, check, count};
use crate::{Graph, GraphOp, Inputs, QuantizeError, QuantizeOptions, Unary, quantize};

/// `x·cos + [−x_hi, x_lo]·sin` on `[t, d]`.
fn rope(net: &mut Net, x: crate::ValueId, t: usize, d: usize) -> crate::ValueId {
    let mut rng = Rng(99);
    let cos = net.constant(&[t, d], rng.normals(t * d, 0.5));
    let sin = net.constant(&[t, d], rng.normals(t * d, 0.5));
    let half = d / 2;
    let slice = |start, end| GraphOp::Slice {
        axis: 1,
        start,
        end,
    };
    let low = net.op(slice(0, half), &[x], &[t, half]);
    let high = net.op(slice(half, d), &[x], &[t, half]);
    let high = net.unary(&[Unary::Affine(-1.0, 0.0)], high);
    let turned = net.op(GraphOp::Concat { axis: 1 }, &[high, low], &[t, d]);
    let a = net.like(GraphOp::Mul, &[x, cos]);
    let b = net.like(GraphOp::Mul, &[turned, sin]);
    net.like(GraphOp::Add, &[a, b])
}

#[test]
fn rotary_embedding_is_one_elementwise() {
    let mut net = Net::new();
    let x = net.input(&[6, 8]);
    let y = rope(&mut net, x, 6, 8);
    let q = check(&net.output(y), 1, 3e-4);
    assert_eq!((count(&q, "Rearrange"), count(&q, "Elementwise")), (1, 1));
}

#[test]
fn wiring_is_composed_and_identities_vanish() {
    let mut net = Net::new();
    let x = net.input(&[2, 3, 4]);
    let y = net.op(GraphOp::Reshape, &[x], &[6, 4]);
    let y = net.op(GraphOp::Transpose { perm: vec![1, 0] }, &[y], &[4, 6]);
    let y = net.op(
        GraphOp::Slice {
            axis: 0,
            start: 1,
            end: 3,
        },
        &[y],
        &[2, 6],
    );
    let y = net.unary(&[Unary::Affine(0.5, 0.1)], y);
    let q = check(&net.output(y), 2, 3e-4);
    assert_eq!((count(&q, "Rearrange"), q.program.ops.len()), (1, 2));

    let mut net = Net::new();
    let x = net.input(&[2, 3]);
    let y = net.op(GraphOp::Transpose { perm: vec![1, 0] }, &[x], &[3, 2]);
    let y = net.op(GraphOp::Transpose { perm: vec![1, 0] }, &[y], &[2, 3]);
    let y = net.unary(&[Unary::Affine(2.0, 0.0)], y);
    let q = check(&net.output(y), 3, 3e-4);
    assert_eq!(count(&q, "Rearrange"), 0);
}

#[test]
fn concatenation_of_different_scales_and_constants() {
    let mut net = Net::new();
    let x = net.input(&[2, 3]);
    let y = net.input(&[2, 3]);
    let big = net.unary(&[Unary::Affine(50.0, 0.0)], y);
    let w = net.constant(&[3, 3], vec![9., 0., 0., 0., 9., 0., 0., 0., 9.]);
    let big = net.like(GraphOp::MatMul, &[big, w]);
    let c = net.constant(&[2, 1], vec![300.0, -200.0]);
    let z = net.op(GraphOp::Concat { axis: 1 }, &[x, big, c], &[2, 7]);
    check(&net.output(z), 4, 1e-3);
}

#[test]
fn inputs_and_constants_may_be_outputs() {
    let mut net = Net::new();
    let x = net.input(&[3]);
    let c = net.constant(&[2], vec![0.5, -1.0]);
    let mut graph = net.output(x);
    graph.outputs.push(c);
    check(&graph, 5, 3e-4);
}

#[test]
fn a_value_read_twice_is_computed_once() {
    let mut net = Net::new();
    let a = net.input(&[4]);
    let b = net.input(&[4]);
    let sum = net.like(GraphOp::Add, &[a, b]);
    let t = net.unary(&[Unary::Tanh], sum);
    let y = net.like(GraphOp::Add, &[sum, t]);
    let q = check(&net.output(y), 6, 1e-3);
    assert_eq!(
        count(&q, "Elementwise"),
        3,
        "the sum, the argument of tanh, the result"
    );
}

#[test]
fn masked_scores_do_not_cost_precision() {
    let mut net = Net::new();
    let x = net.input(&[2, 2]);
    let offset = net.constant(&[2, 2], vec![0.0, 9.0, 0.0, 0.0]);
    let x = net.like(GraphOp::Add, &[x, offset]);
    let mask = std::sync::Arc::new(vec![true, false, true, true]);
    let y = net.like(
        GraphOp::Softmax {
            allowed: Some(mask),
        },
        &[x],
    );
    let q = check(&net.output(y), 7, 1e-3);
    let scale = q.program.tensors[1].scale.0;
    assert!(scale >= 12, "scores of ±3 at scale {scale}");
}

fn identity() -> Graph {
    let mut net = Net::new();
    let x = net.input(&[2]);
    let y = net.unary(&[Unary::Affine(2.0, 0.0)], x);
    net.output(y)
}

#[test]
fn calibration_is_needed_and_checked() {
    let options = QuantizeOptions::default();
    let none = quantize(&identity(), &[], &options);
    assert!(matches!(none, Err(QuantizeError::NoCalibration)));
    let short = quantize(&identity(), &[Inputs(vec![vec![1.0]])], &options);
    assert!(matches!(
        short,
        Err(QuantizeError::Reference { sample: 0, .. })
    ));
    let mut net = Net::new();
    let x = net.input(&[2]);
    let y = net.unary(&[Unary::Log], x);
    let bad = quantize(&net.output(y), &[Inputs(vec![vec![1.0, -1.0]])], &options);
    let Err(QuantizeError::NotFinite { value, index, .. }) = bad else {
        panic!("{bad:?}")
    };
    assert_eq!((value.as_str(), index), ("v1", 1));
}

#[test]
fn the_result_survives_serialisation() {
    let q = check(&identity(), 8, 3e-4);
    let json = serde_json::to_string(&q).expect("plain data");
    let back: crate::Quantized = serde_json::from_str(&json).expect("just written");
    assert_eq!(back, q);
}

#[test]
fn quantizing_twice_gives_the_same_program() {
    let (a, b) = (check(&identity(), 9, 3e-4), check(&identity(), 9, 3e-4));
    assert_eq!(a, b);
}
