//! Softmax: recognition of the decomposed form, and masks. A mask is a constant with huge negative entries that is
//! added to the scores, or a choice between the scores and such a constant; it becomes the softmax's set of allowed
//! positions, so that no −∞ is left in the graph. A padding mask, `c·(m − 1)` for an input m of zeros and ones and a huge
//! c, becomes the softmax's second operand m.

use std::sync::Arc;

use super::arith::Binary;
use super::error::ImportError;
use super::ir::{Builder, Id, Op, Result};
use crate::graph::{Dtype, GraphOp, Unary};

/// Scores this low have probability zero.
const MASKED: f32 = -1e4;
/// How many operators a mask may be away from its softmax.
const REACH: usize = 8;

/// `factor·number + constant`.
struct AffineOfNumber {
    number: Id,
    factor: f64,
    constant: f64,
}

/// Scores without their mask, and the mask (1 = allowed), of the same shape.
struct Unmasked {
    scores: Id,
    mask: Id,
}

impl Builder {
    pub(super) fn softmax(&mut self, x: Id, axes: &[usize]) -> Result<Id> {
        let (x, padding) = self.without_padding(x)?;
        let padding = match padding {
            Some(m) => Some(self.axes_last(m, axes)?.0),
            None => None,
        };
        let (scores, mask) = match self.unmask(x, REACH)? {
            Some(found) => (found.scores, Some(self.axes_last(found.mask, axes)?.0)),
            None => (x, None),
        };
        let allowed = mask
            .and_then(|m| self.data(m))
            .map(|m| m.iter().map(|&x| x != 0.0).collect::<Vec<_>>());
        self.over_last(scores, axes, |b, rows| {
            let shape = b.shape(rows).to_vec();
            if let Some(allowed) = &allowed {
                let width = shape[shape.len() - 1];
                if let Some(row) = allowed.chunks(width).position(|row| !row.contains(&true)) {
                    return Err(ImportError::MaskedRow {
                        node: b.scope.clone(),
                        row,
                    });
                }
            }
            let op = GraphOp::Softmax {
                allowed: allowed.map(Arc::new),
            };
            let operands: Vec<Id> = [rows].into_iter().chain(padding).collect();
            b.raw(Op::Graph(op), &operands, shape, Dtype::Float)
        })
    }

    /// Scores without their padding mask, and the mask (1 = allowed) over the scores' shape.
    fn without_padding(&mut self, x: Id) -> Result<(Id, Option<Id>)> {
        let Some(GraphOp::Add) = self.graph_op(x) else {
            return Ok((x, None));
        };
        let shape = self.shape(x).to_vec();
        let (a, b) = (self.operand(x, 0), self.operand(x, 1));
        for (scores, mask) in [(a, b), (b, a)] {
            let Some(bias) = self.affine_of_number(mask)? else {
                continue;
            };
            // m = 1 adds nothing, m = 0 makes the probability zero.
            let [none, all] = [bias.factor + bias.constant, bias.constant];
            if none.abs() <= bias.factor * 1e-6 && all <= f64::from(MASKED) {
                let scores = self.broadcast(scores, shape.clone())?;
                return Ok((scores, Some(self.broadcast(bias.number, shape)?)));
            }
        }
        Ok((x, None))
    }

    /// `id` as `factor·m + constant` with m an integer input, moved about like `id` itself.
    fn affine_of_number(&mut self, id: Id) -> Result<Option<AffineOfNumber>> {
        if self.is_number(id) {
            return Ok(Some(AffineOfNumber {
                number: id,
                factor: 1.0,
                constant: 0.0,
            }));
        }
        let step = match self.graph_op(id) {
            Some(GraphOp::Reshape | GraphOp::Broadcast) => (0, 1.0, 0.0),
            Some(GraphOp::Unary(chain)) => match chain[..] {
                [Unary::Affine(a, b)] => (0, f64::from(a), f64::from(b)),
                _ => return Ok(None),
            },
            Some(op @ (GraphOp::Add | GraphOp::Sub | GraphOp::Mul)) => {
                let [first, second] = [0, 1].map(|i| self.uniform(self.operand(id, i)));
                match (op, first.map(f64::from), second.map(f64::from)) {
                    (GraphOp::Add, None, Some(c)) => (0, 1.0, c),
                    (GraphOp::Mul, None, Some(c)) => (0, c, 0.0),
                    (GraphOp::Sub, Some(c), None) => (1, -1.0, c),
                    _ => return Ok(None),
                }
            }
            _ => return Ok(None),
        };
        let (operand, factor, constant) = step;
        let Some(below) = self.affine_of_number(self.operand(id, operand))? else {
            return Ok(None);
        };
        let shape = self.shape(id).to_vec();
        let len = |shape: &[usize]| shape.iter().product::<usize>();
        let number = if len(&shape) == len(self.shape(below.number)) {
            self.reshape(below.number, shape)?
        } else {
            self.broadcast(below.number, shape)?
        };
        Ok(Some(AffineOfNumber {
            number,
            factor: factor * below.factor,
            constant: factor * below.constant + constant,
        }))
    }

    /// `e / sum(e)` with `e = exp(x − max(x))` or `exp(x)`, over the same axes.
    pub(super) fn decomposed_softmax(&mut self, e: Id, sum: Id) -> Result<Option<Id>> {
        let Some((Unary::Exp, z)) = self.unary_of(e) else {
            return Ok(None);
        };
        let total = self.through_wiring(sum);
        let Some(GraphOp::ReduceSum { axes }) = self.graph_op(total) else {
            return Ok(None);
        };
        let axes = axes.clone();
        let mut kept = self.shape(e).to_vec();
        axes.iter().for_each(|&axis| kept[axis] = 1);
        if self.operand(total, 0) != e || self.shape(sum) != kept {
            return Ok(None);
        }
        let shifted = match self.graph_op(z) {
            Some(GraphOp::Sub) => Some((self.operand(z, 0), self.operand(z, 1))),
            _ => None,
        };
        let x = shifted
            .filter(|&(x, max)| self.is_maximum(max, x, &axes))
            .map_or(z, |(x, _)| x);
        self.softmax(x, &axes).map(Some)
    }

    fn is_maximum(&self, max: Id, x: Id, axes: &[usize]) -> bool {
        let reduced = self.through_wiring(max);
        let mut kept = self.shape(x).to_vec();
        axes.iter().for_each(|&axis| kept[axis] = 1);
        matches!(self.op(reduced), Op::ReduceMax { axes: over } if over == axes)
            && self.operand(reduced, 0) == x
            && self.shape(max) == kept
    }

    /// Whether a value is a softmax's result, moved about.
    pub(super) fn is_softmax(&self, mut id: Id) -> bool {
        loop {
            match self.graph_op(id) {
                Some(GraphOp::Softmax { .. }) => return true,
                Some(
                    GraphOp::Reshape
                    | GraphOp::Transpose { .. }
                    | GraphOp::Broadcast
                    | GraphOp::Slice { .. },
                ) => id = self.operand(id, 0),
                _ => return false,
            }
        }
    }

    /// Takes the masks off some scores; `None` if there are none.
    fn unmask(&mut self, x: Id, reach: usize) -> Result<Option<Unmasked>> {
        if reach == 0 {
            return Ok(None);
        }
        match self.op(x).clone() {
            Op::Graph(GraphOp::Add) => self.unmask_sum(x, reach),
            Op::Where => self.unmask_choice(x, reach),
            Op::Graph(GraphOp::Reshape) => {
                let shape = self.shape(x).to_vec();
                let Some(inner) = self.unmask(self.operand(x, 0), reach - 1)? else {
                    return Ok(None);
                };
                let scores = self.reshape(inner.scores, shape.clone())?;
                let mask = self.reshape(inner.mask, shape)?;
                Ok(Some(Unmasked { scores, mask }))
            }
            // max(scores, lowest number): what some models put after the mask
            Op::Graph(GraphOp::Unary(chain)) if matches!(chain[..], [Unary::Clip(lo, f32::INFINITY)] if lo <= MASKED) => {
                self.unmask(self.operand(x, 0), reach - 1)
            }
            _ => Ok(None),
        }
    }

    fn unmask_sum(&mut self, x: Id, reach: usize) -> Result<Option<Unmasked>> {
        let shape = self.shape(x).to_vec();
        let (a, b) = (self.operand(x, 0), self.operand(x, 1));
        let first = self.unmask(a, reach - 1)?;
        let second = match self.data(b) {
            Some(_) => self.split_mask(b)?,
            None => self.unmask(b, reach - 1)?,
        };
        let masks: Vec<Id> = first.iter().chain(&second).map(|u| u.mask).collect();
        if masks.is_empty() {
            return Ok(None);
        }
        let a = first.map_or(a, |u| u.scores);
        let b = second.map_or(b, |u| u.scores);
        let scores = if self.uniform(b) == Some(0.0) {
            a
        } else {
            self.binary(Binary::Add, a, b)?
        };
        let scores = self.broadcast(scores, shape.clone())?;
        let mask = self.all_masks(&masks, shape)?;
        Ok(Some(Unmasked { scores, mask }))
    }

    fn unmask_choice(&mut self, x: Id, reach: usize) -> Result<Option<Unmasked>> {
        let shape = self.shape(x).to_vec();
        let [condition, a, b] = self.nodes[x].inputs[..] else {
            return Ok(None);
        };
        let low = |id: Id| {
            self.data(id)
                .is_some_and(|d| d.iter().all(|&v| v <= MASKED))
        };
        let (scores, mask) = match (low(a), low(b)) {
            (false, true) => (a, condition),
            (true, false) => (b, self.flipped(condition)?),
            _ => return Ok(None),
        };
        let inner = self.unmask(scores, reach - 1)?;
        let masks: Vec<Id> = inner.iter().map(|u| u.mask).chain([mask]).collect();
        let scores = self.broadcast(inner.map_or(scores, |u| u.scores), shape.clone())?;
        let mask = self.all_masks(&masks, shape)?;
        Ok(Some(Unmasked { scores, mask }))
    }

    /// A constant with masked entries: what is left of it, and where it is allowed.
    fn split_mask(&mut self, id: Id) -> Result<Option<Unmasked>> {
        let Some(data) = self.data(id).filter(|d| d.iter().any(|&x| x <= MASKED)) else {
            return Ok(None);
        };
        let rest = data
            .iter()
            .map(|&x| if x <= MASKED { 0.0 } else { x })
            .collect();
        let allowed = data.iter().map(|&x| f32::from(x > MASKED)).collect();
        let (name, shape) = (self.nodes[id].name.clone(), self.shape(id).to_vec());
        let scores = self.constant(&name, rest, shape.clone(), Dtype::Float)?;
        let mask = self.constant(&name, allowed, shape, Dtype::Float)?;
        Ok(Some(Unmasked { scores, mask }))
    }

    fn flipped(&mut self, condition: Id) -> Result<Id> {
        let flipped = self
            .data(condition)
            .unwrap_or_default()
            .iter()
            .map(|&x| f32::from(x == 0.0))
            .collect();
        let (name, shape) = (
            self.nodes[condition].name.clone(),
            self.shape(condition).to_vec(),
        );
        self.constant(&name, flipped, shape, Dtype::Float)
    }

    /// The positions that every mask allows, over the whole shape.
    fn all_masks(&mut self, masks: &[Id], shape: Vec<usize>) -> Result<Id> {
        let mut joint = vec![1.0; shape.iter().product()];
        for &mask in masks {
            let whole = self.broadcast(mask, shape.clone())?;
            let whole = self.data(whole).unwrap_or_default();
            joint
                .iter_mut()
                .zip(whole)
                .for_each(|(j, m)| *j *= f32::from(*m != 0.0));
        }
        let name = self.scope.clone();
        self.constant(&name, joint, shape, Dtype::Float)
    }
}
