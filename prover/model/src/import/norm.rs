//! Recognition of norms, however they were decomposed: `x · 1/√(α·Σx² + β)` over some axes, written with any mix of
//! square, power, mean, sum, ε, square root, reciprocal and division, is an RMS norm times `1/√(α·n)` with
//! `ε = β/(α·n)`; with `x = z − mean(z)` it is a layer norm. L2 normalisation (α = 1) falls under it.

use super::arith::Binary;
use super::ir::{Builder, Id, Op, Result};
use crate::graph::{Dtype, GraphOp, Unary};

/// Relative error below which two factors are one and the same constant rounded differently.
const SAME: f64 = 1e-6;
/// Largest lower bound on a norm, `max(‖x‖, c)`, that may be written as an ε under the root instead.
const SMALL_BOUND: f32 = 1e-6;

/// α·Σx² + β, the sum over `axes`.
struct Quadratic {
    x: Id,
    axes: Vec<usize>,
    alpha: f64,
    beta: f64,
}

impl Quadratic {
    fn scaled(mut self, c: f64) -> Self {
        self.alpha *= c;
        self.beta *= c;
        self
    }

    fn plus(mut self, c: f64) -> Self {
        self.beta += c;
        self
    }
}

impl Builder {
    /// `a · factor` (or `a / factor`) where the factor is the norm of `a` or of one factor of it.
    pub(super) fn normalised_by(&mut self, a: Id, factor: Id, inverse: bool) -> Result<Option<Id>> {
        let form = if inverse {
            self.inverse_root(factor)
        } else {
            self.root(factor)
        };
        let Some(q) = form.filter(|q| q.alpha > 0.0 && q.beta >= 0.0) else {
            return Ok(None);
        };
        let mut kept = self.shape(q.x).to_vec();
        q.axes.iter().for_each(|&axis| kept[axis] = 1);
        if self.shape(factor) != kept {
            return Ok(None);
        }
        if a == q.x {
            return self.norm_of(q).map(Some);
        }
        let Some(GraphOp::Mul) = self.graph_op(a) else {
            return Ok(None);
        };
        let (p, w) = (self.operand(a, 0), self.operand(a, 1));
        let Some(gain) = (p == q.x).then_some(w).or((w == q.x).then_some(p)) else {
            return Ok(None);
        };
        let normed = self.norm_of(q)?;
        self.binary(Binary::Mul, normed, gain).map(Some)
    }

    fn norm_of(&mut self, mut q: Quadratic) -> Result<Id> {
        if q.beta <= q.alpha * f64::from(SMALL_BOUND).powi(2) {
            q.x = self.without_row_factor(q.x, &q.axes);
        }
        let n: usize = q.axes.iter().map(|&a| self.shape(q.x)[a]).product();
        let mean_scale = q.alpha * n as f64;
        let y = self.norm(q.x, &q.axes, (q.beta / mean_scale) as f32)?;
        let factor = 1.0 / mean_scale.sqrt();
        if (factor - 1.0).abs() < SAME {
            return Ok(y);
        }
        let factor = self.scalar(factor as f32, self.shape(y).len())?;
        self.binary(Binary::Mul, y, factor)
    }

    /// z, if `x = z / max(r, c)` with c > 0 and r the same along `axes`: a positive factor of a whole row leaves its
    /// direction, which is all that a norm without ε keeps. (A tiny ε only tells rows shorter than it.)
    fn without_row_factor(&self, x: Id, axes: &[usize]) -> Id {
        let at_least =
            |r: Id| matches!(self.unary_of(r), Some((&Unary::Clip(lo, _), _)) if lo > 0.0);
        let inverse = |factor: Id| match self.unary_of(factor) {
            Some((Unary::Recip, r)) => at_least(r),
            _ => false,
        };
        let operand = |i: usize| self.operand(x, i);
        let found = match self.op(x) {
            Op::Div if at_least(operand(1)) => (operand(0), operand(1)),
            Op::Graph(GraphOp::Mul) if inverse(operand(1)) => (operand(0), operand(1)),
            Op::Graph(GraphOp::Mul) if inverse(operand(0)) => (operand(1), operand(0)),
            _ => return x,
        };
        let (z, factor) = (found.0, self.shape(found.1));
        let fits = self.shape(z) == self.shape(x)
            && factor.len() == self.shape(x).len()
            && axes.iter().all(|&axis| factor[axis] == 1);
        if fits { z } else { x }
    }

    /// RMS norm over `axes`; a layer norm if `x` is centred over the same axes.
    pub(super) fn norm(&mut self, x: Id, axes: &[usize], eps: f32) -> Result<Id> {
        self.check_axes(x, axes)?;
        let centred = self.centred(x, axes);
        self.over_last(centred.unwrap_or(x), axes, |b, row| {
            let op = match centred {
                Some(_) => GraphOp::LayerNorm { eps },
                None => GraphOp::RmsNorm { eps },
            };
            let shape = b.shape(row).to_vec();
            b.raw(Op::Graph(op), &[row], shape, Dtype::Float)
        })
    }

    /// z, if `x = z − mean(z)` over `axes`.
    fn centred(&self, x: Id, axes: &[usize]) -> Option<Id> {
        let (sign, pair) = match self.graph_op(x)? {
            GraphOp::Sub => (1.0, [(0, 1), (0, 1)]),
            GraphOp::Add => (-1.0, [(0, 1), (1, 0)]),
            _ => return None,
        };
        pair.into_iter()
            .map(|(i, j)| (self.operand(x, i), self.operand(x, j)))
            .find_map(|(z, mean)| {
                let mut kept = self.shape(z).to_vec();
                axes.iter().for_each(|&axis| kept[axis] = 1);
                let n: usize = axes.iter().map(|&a| self.shape(z)[a]).product();
                let factor = self.sum_multiple(mean, z, axes)? * n as f64 * sign;
                ((factor - 1.0).abs() < SAME && self.shape(mean) == kept).then_some(z)
            })
    }

    /// c, if `id = c · Σz` over `axes`.
    fn sum_multiple(&self, id: Id, z: Id, axes: &[usize]) -> Option<f64> {
        let id = self.through_wiring(id);
        match self.graph_op(id)? {
            GraphOp::ReduceSum { axes: summed } => {
                (summed == axes && self.operand(id, 0) == z).then_some(1.0)
            }
            GraphOp::Mul => {
                let c = self.uniform(self.operand(id, 1))?;
                Some(f64::from(c) * self.sum_multiple(self.operand(id, 0), z, axes)?)
            }
            _ => None,
        }
    }

    fn quadratic(&self, id: Id) -> Option<Quadratic> {
        let id = self.through_wiring(id);
        let below = || self.quadratic(self.operand(id, 0));
        let constant = || self.uniform(self.operand(id, 1)).map(f64::from);
        match self.graph_op(id)? {
            GraphOp::ReduceSum { axes } => match self.unary_of(self.operand(id, 0))? {
                (Unary::Pow(2.0), x) => Some(Quadratic {
                    x,
                    axes: axes.clone(),
                    alpha: 1.0,
                    beta: 0.0,
                }),
                _ => None,
            },
            GraphOp::Mul => Some(below()?.scaled(constant()?)),
            GraphOp::Add => Some(below()?.plus(constant()?)),
            GraphOp::Unary(chain) => match chain[..] {
                // max(Σx², c²) for a tiny c
                [Unary::Clip(lo, hi)] if lo <= SMALL_BOUND * SMALL_BOUND && hi == f32::INFINITY => {
                    Some(below()?.plus(f64::from(lo.max(0.0))))
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// The quadratic under `√(..)`, scaled or bounded below.
    fn root(&self, id: Id) -> Option<Quadratic> {
        let id = self.through_wiring(id);
        if let Some(GraphOp::Mul) = self.graph_op(id) {
            let c = f64::from(self.uniform(self.operand(id, 1)).filter(|&c| c > 0.0)?);
            return Some(self.root(self.operand(id, 0))?.scaled(c * c));
        }
        match self.unary_of(id)? {
            (Unary::Sqrt, z) => self.quadratic(z),
            (&Unary::Clip(lo, f32::INFINITY), r) if lo <= SMALL_BOUND => {
                let lo = f64::from(lo.max(0.0));
                Some(self.root(r)?.plus(lo * lo))
            }
            (Unary::Recip, r) => self.inverse_root(r),
            _ => None,
        }
    }

    /// The quadratic under `1/√(..)`.
    fn inverse_root(&self, id: Id) -> Option<Quadratic> {
        let id = self.through_wiring(id);
        if let Some(GraphOp::Mul) = self.graph_op(id) {
            let c = f64::from(self.uniform(self.operand(id, 1)).filter(|&c| c > 0.0)?);
            return Some(
                self.inverse_root(self.operand(id, 0))?
                    .scaled(1.0 / (c * c)),
            );
        }
        match self.unary_of(id)? {
            (Unary::Rsqrt, z) => self.quadratic(z),
            (Unary::Recip, r) => self.root(r),
            _ => None,
        }
    }
}
