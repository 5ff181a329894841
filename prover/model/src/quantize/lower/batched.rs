//! Products of two activations (`MatMul`): explicit batches, integer multipliers.

use std::rc::Rc;

use halocast_ir::{ClampBits, NARROW_SHIFT, OpKind, Scale};

use super::super::analysis::Range;
use super::super::builder::Layout;
use super::super::error::QuantizeError;
use super::super::form::{Coef, Form};
use super::super::function::exp2;
use super::super::view::View;
use super::super::wiring::broadcast;
use super::Lowering;
use super::product::last_two;
use super::tensors::{MAX_ROUNDING, Target};
use crate::ValueId;

impl Lowering<'_> {
    /// A product of activations. Equal right operands of neighbouring batches (grouped queries) are one batch.
    pub(super) fn batched(
        &mut self,
        x: ValueId,
        y: ValueId,
        out: ValueId,
    ) -> Result<(), QuantizeError> {
        let [t, n] = last_two(self.shape(x));
        let [_, m] = last_two(self.shape(y));
        let batch_shape = &self.shape(out)[..self.shape(out).len() - 2];
        let batch: usize = batch_shape.iter().product();
        let spread = |s: &[usize], tail: [usize; 2]| {
            let to = [batch_shape, &tail[..]].concat();
            broadcast(s, &to)
        };
        let ((xv, cx), (yv, cy)) = (self.scaled(x)?, self.scaled(y)?);
        let xv = xv.pick(&spread(self.shape(x), [t, n]));
        let yv = yv.pick(&spread(self.shape(y), [n, m]));
        let group = equal_batches(&yv, batch);
        let yv = yv.pick(&first_of_groups(batch, group, n * m));
        let (value, c) = self.absorb_factor(out, cx * cy, xv.scale, yv.scale);
        let target = self.act_target(value);
        let name = self.name(out);
        let (xv, mul) = self.multiplier(name, xv, yv.scale, c, target.scale)?;
        let dims = [batch / group, group * t];
        let xt = self
            .out
            .place(name, &xv, Layout::Exact(&[dims[0], dims[1], n]));
        let yt = self.out.place(name, &yv, Layout::Exact(&[dims[0], n, m]));
        let shape = self.shape(value);
        let id = self
            .out
            .tensor(self.name(value), shape, target.scale, target.limit);
        self.out.op(
            name,
            OpKind::MatMul {
                x: xt,
                y: yt,
                mul,
                bits: target.bits,
                out: id,
            },
        );
        self.set_tensor(value, id);
        Ok(())
    }

    /// Takes following factors into the multiplier as long as it stays an exact enough integer.
    fn absorb_factor(&mut self, out: ValueId, c: f64, x: Scale, y: Scale) -> (ValueId, f64) {
        let (mut value, mut factor) = (out, c);
        let (mut best, mut taken, mut passed) = ((out, c), Vec::new(), Vec::new());
        while let Some(step) = self.next_step(value, 1) {
            if step.add[0] != 0.0 || step.mul[0] <= 0.0 {
                break;
            }
            (value, factor) = (step.value, factor * step.mul[0]);
            passed.push(step.node);
            let scale = self.options.act(&self.range(value));
            if exact(real_multiplier(factor, x, y, scale)) {
                best = (value, factor);
                taken.append(&mut passed);
            }
        }
        taken.into_iter().for_each(|i| self.absorbed[i] = true);
        best
    }

    /// The integer multiplier of a product; a left operand too fine for it (or of awkward factor) is rescaled first.
    fn multiplier(
        &mut self,
        name: &str,
        x: View,
        y: Scale,
        c: f64,
        out: Scale,
    ) -> Result<(View, i64), QuantizeError> {
        let real = real_multiplier(c, x.scale, y, out);
        if exact(real) {
            return Ok((x, real.round() as i64));
        }
        // c = rest·2^k with 1/2 < |rest| ≤ 1 goes into the operand, so that its scale can stay; 2^k stays here.
        let k = c.abs().log2().ceil();
        let rest = c / k.exp2();
        let power = real_multiplier(k.exp2(), x.scale, y, out).log2();
        let scale = Scale((f64::from(x.scale.0) + power.min(0.0)) as i8);
        let limit = self.out.peak(&x) * exp2(-i32::from(x.scale.0)) * rest.abs();
        let mut range = Range::EMPTY;
        range.add(limit);
        let target = Target {
            scale,
            bits: ClampBits::Act,
            limit,
        };
        let (len, form) = (x.len(), Form::of(Rc::new(x)));
        let form = form.affine(&Coef::uniform(rest), &Coef::uniform(0.0));
        let id = self.emit(&format!("{name}/rescaled"), &form, &[len], target, range)?;
        Ok((self.out.view(id), power.max(0.0).exp2() as i64))
    }
}

fn real_multiplier(c: f64, x: Scale, y: Scale, out: Scale) -> f64 {
    c * exp2(NARROW_SHIFT as i32 + i32::from(out.0) - i32::from(x.0) - i32::from(y.0))
}

/// Whether rounding a multiplier to an integer costs a full-scale result less than [`MAX_ROUNDING`].
fn exact(mul: f64) -> bool {
    let rounded = mul.round();
    rounded >= 1.0 && (mul - rounded).abs() / mul * exp2(15) <= MAX_ROUNDING
}

/// Largest g such that batches `k·g … k·g + g − 1` are the same elements, for every k.
fn equal_batches(view: &View, batch: usize) -> usize {
    let size = view.len() / batch;
    let of = |b: usize| &view.map[b * size..(b + 1) * size];
    let fits = |g: usize| batch.is_multiple_of(g) && (0..batch).all(|b| of(b) == of(b - b % g));
    (1..=batch).rev().find(|&g| fits(g)).unwrap_or(1)
}

/// Wiring that keeps the first of every `group` batches.
fn first_of_groups(batch: usize, group: usize, size: usize) -> Vec<u32> {
    let firsts = (0..batch).step_by(group);
    firsts
        .flat_map(|b| (b * size) as u32..((b + 1) * size) as u32)
        .collect()
}
