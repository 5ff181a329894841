//! Add, Sub, Mul and arithmetic chains: only forms change, until one would need a third operand.

use super::super::error::QuantizeError;
use super::super::form::{Coef, Form};
use super::super::wiring::{broadcast, is_identity};
use super::Lowering;
use crate::{GraphOp, Unary, ValueId};

impl Lowering<'_> {
    pub(super) fn binary(&mut self, index: usize) -> Result<(), QuantizeError> {
        let node = &self.graph.nodes[index];
        let (a, b, out) = (node.inputs[0], node.inputs[1], node.output);
        let shape = self.shape(out);
        let (zero, one) = (Coef::uniform(0.0), Coef::uniform(1.0));
        let minus = Coef::uniform(-1.0);
        let constants = (self.constant(a, shape), self.constant(b, shape));
        let form = match (constants, &node.op) {
            ((_, Some(c)), GraphOp::Add) => self.spread(a, shape)?.affine(&one, &Self::coef(c)),
            ((Some(c), _), GraphOp::Add) => self.spread(b, shape)?.affine(&one, &Self::coef(c)),
            ((_, Some(c)), GraphOp::Mul) => self.spread(a, shape)?.affine(&Self::coef(c), &zero),
            ((Some(c), _), GraphOp::Mul) => self.spread(b, shape)?.affine(&Self::coef(c), &zero),
            ((_, Some(c)), _) => {
                let c = Self::coef(c).times(&minus);
                self.spread(a, shape)?.affine(&one, &c)
            }
            ((Some(c), _), _) => self.spread(b, shape)?.affine(&minus, &Self::coef(c)),
            ((None, None), GraphOp::Mul) => self.combine(a, b, shape, |a, b| a.times(b))?,
            ((None, None), GraphOp::Add) => self.combine(a, b, shape, |a, b| a.plus(b))?,
            ((None, None), _) => {
                let negate = |b: &Form| b.affine(&minus, &zero);
                self.combine(a, b, shape, |a, b| a.plus(&negate(b)))?
            }
        };
        self.lazy[out.0] = Some(form);
        Ok(())
    }

    /// Joins two forms, computing first the one, then the other, when the result would have too many operands.
    fn combine(
        &mut self,
        a: ValueId,
        b: ValueId,
        shape: &[usize],
        join: impl Fn(&Form, &Form) -> Option<Form>,
    ) -> Result<Form, QuantizeError> {
        let first = join(&self.spread(a, shape)?, &self.spread(b, shape)?);
        if let Some(form) = first {
            return Ok(form);
        }
        let two_operands =
            |s: &Self, v: ValueId| s.lazy[v.0].as_ref().is_some_and(|f| f.b.is_some());
        for v in [b, a] {
            if !two_operands(self, v) {
                continue;
            }
            self.materialise(v)?;
            if let Some(form) = join(&self.spread(a, shape)?, &self.spread(b, shape)?) {
                return Ok(form);
            }
        }
        Err(self.unsupported(a, "does not combine to an elementwise form"))
    }

    /// A value broadcast to a shape; one with two operands is computed before it grows.
    fn spread(&mut self, v: ValueId, shape: &[usize]) -> Result<Form, QuantizeError> {
        let map = broadcast(self.shape(v), shape);
        if is_identity(&map) && map.len() == self.form(v)?.len() {
            return self.form(v);
        }
        if self.form(v)?.b.is_some() {
            self.materialise(v)?;
        }
        Ok(self.form(v)?.pick(&map))
    }

    /// A chain of affine steps and squares.
    pub(super) fn arithmetic_chain(
        &mut self,
        index: usize,
        chain: &[Unary],
    ) -> Result<(), QuantizeError> {
        let node = &self.graph.nodes[index];
        let (x, out) = (node.inputs[0], node.output);
        if self.form(x)?.b.is_some() && chain.contains(&Unary::Pow(2.0)) {
            self.materialise(x)?;
        }
        let mut form = self.form(x)?;
        for step in chain {
            form = match step {
                Unary::Affine(a, b) => {
                    let c = |v: f32| Coef::uniform(f64::from(v));
                    form.affine(&c(*a), &c(*b))
                }
                _ => form
                    .times(&form)
                    .ok_or_else(|| self.unsupported(out, "squares a square; use Pow(4)"))?,
            };
        }
        self.lazy[out.0] = Some(form);
        Ok(())
    }
}
