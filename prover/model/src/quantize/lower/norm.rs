//! RmsNorm, LayerNorm and Softmax.

use std::rc::Rc;

use halocast_ir::{ACT_OFFSET, ClampBits, OpKind, Scale, TableId, WIDE_SHIFT};

use super::super::analysis::Range;
use super::super::builder::Layout;
use super::super::error::QuantizeError;
use super::super::form::{Coef, Form};
use super::super::function::{exp_table, exp2};
use super::super::view::View;
use super::product::Weights;
use super::tensors::Target;
use super::{Lowering, PendingSoftmax};
use crate::ValueId;

/// Table indices to a real unit of exponent, unless a coarse input allows only fewer: e^−11.2 rounds to 0.
const EXP_UNITS: f64 = 1462.0;
/// Scale of probabilities.
const PROBABILITY: Scale = Scale(14);

impl Lowering<'_> {
    pub(super) fn rms_norm(&mut self, index: usize, eps: f64) -> Result<(), QuantizeError> {
        let node = &self.graph.nodes[index];
        let (x, out) = (node.inputs[0], node.output);
        let (view, c) = self.scaled(x)?;
        self.normalise(&view, c, eps, out)
    }

    /// `c·x / rms(c·x)` of every row, with the gain and bias that follow.
    pub(super) fn normalise(
        &mut self,
        x: &View,
        c: f64,
        eps: f64,
        out: ValueId,
    ) -> Result<(), QuantizeError> {
        let name = self.name(out);
        let n = *self.shape(out).last().unwrap_or(&1);
        let tail = self.absorb_columns(out, n);
        let bound = (0..n).map(|i| (n as f64).sqrt() * tail.gain[i].abs() + tail.bias[i].abs());
        let bound = bound.fold(0.0, f64::max);
        let range = self.range(tail.value);
        let scale = self.options.wide(&range, Some(bound));
        let unit = exp2(2 * i32::from(x.scale.0)) * n as f64;
        let eps = (eps / (c * c) * unit).round().clamp(1.0, exp2(46)) as i64;
        let log2_k = largest_root(n, eps);
        let wide = WIDE_SHIFT as i32 + i32::from(scale.0);
        let per_gain = (n as f64).sqrt() * exp2(wide - log2_k as i32 / 2) * c.signum();
        let rounded = |values: &[f64], unit: f64| -> Vec<i64> {
            values.iter().map(|v| (v * unit).round() as i64).collect()
        };
        let (gain, bias) = (
            rounded(&tail.gain, per_gain),
            rounded(&tail.bias, exp2(wide)),
        );
        let x = self.out.place(name, x, Layout::Rows(n));
        let id = self.out.tensor(
            self.name(tail.value),
            self.shape(tail.value),
            scale,
            range.max_abs(),
        );
        self.out.op(
            name,
            OpKind::RmsNorm {
                x,
                gain,
                bias,
                eps,
                log2_k,
                out: id,
            },
        );
        self.set_tensor(tail.value, id);
        Ok(())
    }

    /// Mean by a column of 1/n, subtraction, then the root of the mean square of the rest.
    pub(super) fn layer_norm(&mut self, index: usize, eps: f64) -> Result<(), QuantizeError> {
        let node = &self.graph.nodes[index];
        let (x, out) = (node.inputs[0], node.output);
        let name = self.name(out);
        let view = self.materialise(x)?;
        let n = *self.shape(x).last().unwrap_or(&1);
        let rows = view.len() / n;
        let (means, rest) = self.analysis.centred[&index];
        let weights = Weights {
            rows: n,
            cols: 1,
            data: vec![1.0 / n as f64; n],
            bias: vec![0.0],
        };
        let target = |range: &Range| Target {
            scale: self.options.act(range),
            bits: ClampBits::Act,
            limit: range.max_abs(),
        };
        let (mean_target, rest_target) = (target(&means), target(&rest));
        let mean_name = format!("{name}/mean");
        let mean = self.emit_linear(
            &mean_name,
            &mean_name,
            &[rows],
            &view,
            &weights,
            mean_target,
        )?;
        let spread: Vec<u32> = (0..rows * n).map(|i| (i / n) as u32).collect();
        let mean = Form::of(Rc::new(self.out.view(mean).pick(&spread)));
        let minus = mean.affine(&Coef::uniform(-1.0), &Coef::uniform(0.0));
        let form = Form::of(view)
            .plus(&minus)
            .ok_or_else(|| self.unsupported(out, "a mean that cannot be subtracted"))?;
        let name = format!("{name}/centred");
        let id = self.emit(&name, &form, &[rows, n], rest_target, rest)?;
        self.normalise(&self.out.view(id), 1.0, eps, out)
    }

    pub(super) fn softmax(
        &mut self,
        index: usize,
        allowed: Option<&Vec<bool>>,
    ) -> Result<(), QuantizeError> {
        let node = &self.graph.nodes[index];
        let (x, out) = (node.inputs[0], node.output);
        let name = self.name(out);
        let n = *self.shape(x).last().unwrap_or(&1);
        let (mut view, mut c) = self.scaled(x)?;
        if c < 0.0 {
            // The maximum is taken before the factor: a negative one needs its own tensor.
            let form = self.form(x)?;
            let target = self.act_target(x);
            let id = self.emit(self.name(x), &form, self.shape(x), target, self.range(x))?;
            (view, c) = (Rc::new(self.out.view(id)), 1.0);
        }
        let unit = c * exp2(-i32::from(view.scale.0));
        if let Some(&mask) = node.inputs.get(1) {
            view = self.hide_padding(index, view, mask)?;
        }
        let x = self.out.place(name, &view, Layout::Rows(n));
        let id = self.out.tensor(name, self.shape(out), PROBABILITY, 1.0);
        let op = self.out.program.ops.len();
        self.softmaxes.push(PendingSoftmax { op, unit });
        self.out.op(
            name,
            OpKind::Softmax {
                x,
                allowed: allowed.filter(|m| m.iter().any(|ok| !ok)).cloned(),
                mul: 1,
                exp: TableId(0),
                out: id,
            },
        );
        self.set_tensor(out, id);
        Ok(())
    }

    /// `m·(x + 2^15) − 2^15` in integers: padding gets the lowest activation, whose exponential is 0 beside any score
    /// of the calibrated range (see `Analysis::padded_scores`). The executor's clamp makes this exact for m = 0, 1.
    fn hide_padding(
        &mut self,
        index: usize,
        x: Rc<View>,
        mask: ValueId,
    ) -> Result<Rc<View>, QuantizeError> {
        let out = self.graph.nodes[index].output;
        let mask = self.materialise(mask)?;
        if mask.scale != Scale(0) {
            return Err(self.unsupported(out, "has a mask that is not made of zeros and ones"));
        }
        let lowest = ACT_OFFSET as f64 * exp2(-i32::from(x.scale.0));
        let (zero, one) = (|| Coef::uniform(0.0), Coef::uniform(1.0));
        let form = Form {
            a: x.clone(),
            b: Some(mask),
            ab: one,
            ca: zero(),
            cb: Coef::uniform(lowest),
            one: Coef::uniform(-lowest),
        };
        let target = Target {
            scale: x.scale,
            bits: ClampBits::Act,
            limit: lowest,
        };
        let name = format!("{}/masked", self.name(out));
        let range = self.range(self.graph.nodes[index].inputs[0]);
        let id = self.emit(&name, &form, self.shape(out), target, range)?;
        Ok(Rc::new(self.out.view(id)))
    }

    /// One exponential table for all softmaxes, as fine as the coarsest input allows (multipliers end at 2^16).
    pub(super) fn share_exponential(&mut self) {
        let coarsest = self.softmaxes.iter().map(|s| s.unit).fold(0.0, f64::max);
        if coarsest == 0.0 {
            return;
        }
        let units = EXP_UNITS.min(1.0 / coarsest);
        let table = self.out.table(exp_table(units));
        for pending in &self.softmaxes {
            let real = units * pending.unit * exp2(16);
            if let OpKind::Softmax { mul, exp, .. } = &mut self.out.program.ops[pending.op].kind {
                *mul = (real.round() as i64).clamp(1, 1 << 16);
                *exp = table;
            }
        }
    }
}

/// The largest even `log2_k` that validation allows for rows of `n` values.
fn largest_root(n: usize, eps: i64) -> u32 {
    let largest = ((n as u128) << 30) + eps as u128;
    let fits = |k: &u32| (largest << k) < 1 << 92;
    (0..=62).rev().step_by(2).find(fits).unwrap_or(0)
}
