//! Constructors of elementwise arithmetic and scalar functions, brought to one form: a constant operand comes second,
//! division by a constant is a product, subtraction of one a sum, `max`/`min` with a number a clip.

use super::ir::{Builder, Id, Op, Result};
use crate::graph::{Dtype, GraphOp, Unary};

/// Elementwise operators of two operands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    Max,
    Min,
}

impl Binary {
    fn op(self) -> Op {
        match self {
            Binary::Add => Op::Graph(GraphOp::Add),
            Binary::Sub => Op::Graph(GraphOp::Sub),
            Binary::Mul => Op::Graph(GraphOp::Mul),
            Binary::Div => Op::Div,
            Binary::Max => Op::Max,
            Binary::Min => Op::Min,
        }
    }
}

impl Builder {
    pub(super) fn binary(&mut self, op: Binary, a: Id, b: Id) -> Result<Id> {
        let shape = self.joint_shape(a, b)?;
        if self.dtype(a) == Dtype::Int || self.dtype(b) == Dtype::Int {
            return Err(self.unsupported(
                &format!("{op:?}"),
                "it computes with integers that are not constant",
            ));
        }
        let a = self.without_repeats(a, b, &shape)?;
        let b = self.without_repeats(b, a, &shape)?;
        let (a, b) = match op {
            Binary::Sub | Binary::Div => (a, b),
            _ if self.data(a).is_some() => (b, a),
            _ => (a, b),
        };
        if let Some(result) = self.simplified(op, a, b, &shape)? {
            return Ok(result);
        }
        self.raw(op.op(), &[a, b], shape, Dtype::Float)
    }

    /// An operand that the operator repeats anyway: before its broadcast; a constant of equal elements as one number.
    fn without_repeats(&mut self, x: Id, other: Id, shape: &[usize]) -> Result<Id> {
        if let Some(GraphOp::Broadcast) = self.graph_op(x) {
            let source = self.operand(x, 0);
            if self.joint_shape(source, other)? == shape {
                return Ok(source);
            }
        }
        match self.uniform(x) {
            Some(value) if self.shape(x) == shape && self.shape(other) == shape => {
                self.scalar(value, shape.len())
            }
            _ => Ok(x),
        }
    }

    fn simplified(&mut self, op: Binary, a: Id, b: Id, shape: &[usize]) -> Result<Option<Id>> {
        // a op number, where the result has a's shape
        let number = self.single(b).filter(|_| self.shape(a) == shape);
        Ok(match (op, number) {
            (Binary::Add | Binary::Sub, Some(0.0)) | (Binary::Mul | Binary::Div, Some(1.0)) => {
                Some(a)
            }
            (Binary::Max, Some(0.0)) => Some(self.unary(Unary::Relu, a)?),
            (Binary::Max, Some(lo)) => Some(self.unary(Unary::Clip(lo, f32::INFINITY), a)?),
            (Binary::Min, Some(hi)) => Some(self.unary(Unary::Clip(f32::NEG_INFINITY, hi), a)?),
            (Binary::Sub, _) if self.data(b).is_some() => {
                let minus_b = self.map_constant(b, |x| -x)?;
                Some(self.binary(Binary::Add, a, minus_b)?)
            }
            (Binary::Div, _) if self.data(b).is_some() => {
                let inverse = self.map_constant(b, |x| 1.0 / x)?;
                Some(self.binary(Binary::Mul, a, inverse)?)
            }
            (Binary::Div, _) => self.quotient(a, b)?,
            (Binary::Mul, _) => self.product(a, b)?,
            _ => None,
        })
    }

    fn map_constant(&mut self, id: Id, f: fn(f32) -> f32) -> Result<Id> {
        let data = self
            .data(id)
            .unwrap_or_default()
            .iter()
            .map(|&x| f(x))
            .collect();
        let node = &self.nodes[id];
        let (name, shape) = (node.name.clone(), node.shape.clone());
        self.constant(&name, data, shape, Dtype::Float)
    }

    /// a / b for a b that is not constant.
    fn quotient(&mut self, a: Id, b: Id) -> Result<Option<Id>> {
        if let Some(result) = self.normalised_by(a, b, false)? {
            return Ok(Some(result));
        }
        if let Some(result) = self.decomposed_softmax(a, b)? {
            return Ok(Some(result));
        }
        if self.single(a).is_some() {
            let inverse = self.unary(Unary::Recip, b)?;
            return self.binary(Binary::Mul, inverse, a).map(Some);
        }
        Ok(None)
    }

    fn product(&mut self, a: Id, b: Id) -> Result<Option<Id>> {
        if a == b {
            return self.unary(Unary::Pow(2.0), a).map(Some);
        }
        if self.data(b).is_some() {
            return self.signs_into_constant(a, b);
        }
        for (x, factor) in [(a, b), (b, a)] {
            if let Some(result) = self.normalised_by(x, factor, true)? {
                return Ok(Some(result));
            }
            if let Some((Unary::Recip, sum)) = self.unary_of(factor).map(|(f, x)| (f.clone(), x))
                && let Some(result) = self.decomposed_softmax(x, sum)?
            {
                return Ok(Some(result));
            }
        }
        Ok(None)
    }

    /// `concat(−x, y) · c`, the rotation of rotary embeddings: the signs go into the constant.
    fn signs_into_constant(&mut self, a: Id, c: Id) -> Result<Option<Id>> {
        let Some(&GraphOp::Concat { axis }) = self.graph_op(a) else {
            return Ok(None);
        };
        let parts = self.nodes[a].inputs.clone();
        let from_end = self.shape(a).len() - axis;
        let Some(c_axis) = self.shape(c).len().checked_sub(from_end) else {
            return Ok(None);
        };
        if self.shape(c)[c_axis] != self.shape(a)[axis]
            || !parts.iter().any(|&p| self.negated(p).is_some())
        {
            return Ok(None);
        }
        let (mut plain, mut constants, mut start) = (Vec::new(), Vec::new(), 0);
        for part in parts {
            let end = start + self.shape(part)[axis];
            let piece = self.slice(c, c_axis, start, end)?;
            let negated = self.negated(part);
            plain.push(negated.unwrap_or(part));
            constants.push(if negated.is_some() {
                self.map_constant(piece, |x| -x)?
            } else {
                piece
            });
            start = end;
        }
        let x = self.concat(&plain, axis)?;
        let c = self.concat(&constants, c_axis)?;
        self.binary(Binary::Mul, x, c).map(Some)
    }

    fn negated(&self, id: Id) -> Option<Id> {
        let Some(GraphOp::Mul) = self.graph_op(id) else {
            return None;
        };
        (self.single(self.operand(id, 1)) == Some(-1.0)).then(|| self.operand(id, 0))
    }

    pub(super) fn unary(&mut self, f: Unary, x: Id) -> Result<Id> {
        let f = match f {
            Unary::Pow(1.0) => return Ok(x),
            Unary::Pow(0.5) => Unary::Sqrt,
            Unary::Pow(-0.5) => Unary::Rsqrt,
            Unary::Pow(-1.0) => Unary::Recip,
            f => f,
        };
        if self.dtype(x) == Dtype::Int {
            return Err(self.unsupported(
                &format!("{f:?}"),
                "it computes with integers that are not constant",
            ));
        }
        let shape = self.shape(x).to_vec();
        self.raw(
            Op::Graph(GraphOp::Unary(vec![f])),
            &[x],
            shape,
            Dtype::Float,
        )
    }

    pub(super) fn negate(&mut self, x: Id) -> Result<Id> {
        let minus = self.scalar(-1.0, self.shape(x).len())?;
        self.binary(Binary::Mul, x, minus)
    }

    /// A scalar function that the graph has no name for, as a chain.
    pub(super) fn chain(&mut self, chain: Vec<Unary>, x: Id) -> Result<Id> {
        let shape = self.shape(x).to_vec();
        self.raw(Op::Graph(GraphOp::Unary(chain)), &[x], shape, Dtype::Float)
    }

    pub(super) fn sum(&mut self, x: Id, axes: &[usize]) -> Result<Id> {
        self.check_axes(x, axes)?;
        let mut shape = self.shape(x).to_vec();
        axes.iter().for_each(|&a| shape[a] = 1);
        let axes: Vec<usize> = axes
            .iter()
            .copied()
            .filter(|&a| self.shape(x)[a] > 1)
            .collect();
        if axes.is_empty() {
            return Ok(x);
        }
        self.raw(
            Op::Graph(GraphOp::ReduceSum { axes }),
            &[x],
            shape,
            Dtype::Float,
        )
    }

    /// `if condition { a } else { b }`, element by element.
    pub(super) fn choose(&mut self, condition: Id, a: Id, b: Id) -> Result<Id> {
        let branches = self.joint_shape(a, b)?;
        let shape = crate::tensor::broadcast_shape(&branches, self.shape(condition))
            .ok_or_else(|| self.misfit(&[condition, a, b]))?;
        if let Op::IsNan = self.op(condition) {
            let p = self.operand(condition, 0);
            // A softmax gives no NaN here: a row that is masked as a whole is refused.
            if p == b && self.uniform(a) == Some(0.0) && self.is_softmax(p) {
                return Ok(p);
            }
        }
        match self.data(condition) {
            None => Err(self.unsupported("Where", "its condition is not constant")),
            Some(c) if c.iter().all(|&x| x != 0.0) => self.broadcast(a, shape),
            Some(c) if c.iter().all(|&x| x == 0.0) => self.broadcast(b, shape),
            Some(_) if self.dtype(a) == Dtype::Int || self.dtype(b) == Dtype::Int => {
                Err(self.unsupported("Where", "it chooses between integers that are not constant"))
            }
            Some(_) => self.raw(Op::Where, &[condition, a, b], shape, Dtype::Float),
        }
    }
}
