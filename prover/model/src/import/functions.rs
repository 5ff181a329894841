//! Tract's elementwise operators: scalar functions and arithmetic of two operands.

use tract_onnx::tract_core::internal::ElementWiseMiniOp;
use tract_onnx::tract_core::ops::binary::BinMiniOp;
use tract_onnx::tract_core::ops::math::{
    Abs, Add, Div, Erf, Exp, IsNan, Ln, Max, Min, Mul, Neg, Pow, PowConst, Recip, Rsqrt, Sqrt,
    Square, Sub, SubF, Tanh,
};
use tract_onnx::tract_core::ops::nn::gelu_approximate::GeluApproximate;
use tract_onnx::tract_core::ops::nn::gelu_exact::GeluExact;
use tract_onnx::tract_core::ops::nn::silu::Silu;
use tract_onnx::tract_core::ops::nn::{HardSwish, LeakyRelu, Sigmoid};

use super::arith::Binary;
use super::ir::{Builder, Id, Op, Result};
use crate::graph::{Dtype, Unary};

pub(super) fn element_wise(b: &mut Builder, op: &dyn ElementWiseMiniOp, x: Id) -> Result<Id> {
    if op.is::<Neg>() {
        return b.negate(x);
    }
    if op.is::<IsNan>() {
        let shape = b.shape(x).to_vec();
        return b.raw(Op::IsNan, &[x], shape, Dtype::Int);
    }
    if let Some(LeakyRelu { alpha }) = op.downcast_ref() {
        // αx + (1 − α)·max(x, 0)
        let linear = vec![Unary::Affine(*alpha, 0.0)];
        let relu = vec![Unary::Relu, Unary::Affine(1.0 - alpha, 0.0)];
        return b.chain(vec![Unary::Sum(linear, relu)], x);
    }
    if op.is::<HardSwish>() {
        let gate = vec![Unary::Affine(1.0 / 6.0, 0.5), Unary::Clip(0.0, 1.0)];
        return b.chain(vec![Unary::Product(vec![], gate)], x);
    }
    match named(op) {
        Some(f) => b.unary(f, x),
        None => Err(b.unsupported(&op.name(), "it acts on values that are not constant")),
    }
}

/// The scalar functions that have a name here too.
fn named(op: &dyn ElementWiseMiniOp) -> Option<Unary> {
    if let Some(PowConst { exponent }) = op.downcast_ref() {
        return Some(Unary::Pow(*exponent));
    }
    if let Some(GeluApproximate { fast_impl }) = op.downcast_ref() {
        // The "fast" one has x² for x³: another function.
        return (!fast_impl).then_some(Unary::GeluTanh);
    }
    let table: [(bool, Unary); 12] = [
        (op.is::<Abs>(), Unary::Abs),
        (op.is::<Erf>(), Unary::Erf),
        (op.is::<Exp>(), Unary::Exp),
        (op.is::<GeluExact>(), Unary::GeluExact),
        (op.is::<Ln>(), Unary::Log),
        (op.is::<Recip>(), Unary::Recip),
        (op.is::<Rsqrt>(), Unary::Rsqrt),
        (op.is::<Sigmoid>(), Unary::Sigmoid),
        (op.is::<Silu>(), Unary::Silu),
        (op.is::<Sqrt>(), Unary::Sqrt),
        (op.is::<Square>(), Unary::Pow(2.0)),
        (op.is::<Tanh>(), Unary::Tanh),
    ];
    table.into_iter().find_map(|(is, f)| is.then_some(f))
}

pub(super) fn binary(b: &mut Builder, op: &dyn BinMiniOp, x: Id, y: Id) -> Result<Id> {
    if op.is::<Pow>() {
        return power(b, x, y);
    }
    if op.is::<SubF>() {
        return b.binary(Binary::Sub, y, x);
    }
    let table = [
        (op.is::<Add>(), Binary::Add),
        (op.is::<Sub>(), Binary::Sub),
        (op.is::<Mul>(), Binary::Mul),
        (op.is::<Div>(), Binary::Div),
        (op.is::<Max>(), Binary::Max),
        (op.is::<Min>(), Binary::Min),
    ];
    match table.into_iter().find_map(|(is, op)| is.then_some(op)) {
        Some(op) => b.binary(op, x, y),
        None => Err(b.unsupported(op.name(), "it acts on values that are not constant")),
    }
}

/// x^c for a number c, and c^x = e^(x·ln c).
fn power(b: &mut Builder, x: Id, y: Id) -> Result<Id> {
    let shape = b.joint_shape(x, y)?;
    match (b.uniform(x), b.uniform(y)) {
        (_, Some(exponent)) if b.shape(x) == shape => b.unary(Unary::Pow(exponent), x),
        (Some(base), _) if base > 0.0 && b.shape(y) == shape => {
            b.chain(vec![Unary::Affine(base.ln(), 0.0), Unary::Exp], y)
        }
        _ => Err(b.unsupported("Pow", "neither base nor exponent is one constant number")),
    }
}
