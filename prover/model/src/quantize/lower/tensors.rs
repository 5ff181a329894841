//! Forms to tensors: scales and integer coefficients of `Elementwise`.

use std::rc::Rc;

use halocast_ir::{
    ACT_MAX, ClampBits, Coefs, Form as Rescale, NARROW_SHIFT, OpKind, Scale, TensorId, WIDE_SHIFT,
};

use super::super::builder::Layout;
use super::super::error::QuantizeError;
use super::super::form::{Coef, Form};
use super::super::function::exp2;
use super::super::view::View;
use super::Lowering;
use crate::ValueId;

/// Largest error, in units of the result, that rounding an integer multiplier may cause.
pub(super) const MAX_ROUNDING: f64 = 0.25;
/// Largest coefficient; the program's bound is 2^62.
const MAX_COEF: f64 = (1u64 << 61) as f64;

/// What an op writes.
#[derive(Clone, Copy)]
pub(super) struct Target {
    pub(super) scale: Scale,
    pub(super) bits: ClampBits,
    /// Largest real absolute value expected.
    pub(super) limit: f64,
}

impl Lowering<'_> {
    /// The saturating 16-bit target of a value.
    pub(super) fn act_target(&self, v: ValueId) -> Target {
        let range = self.range(v);
        Target {
            scale: self.options.act(&range),
            bits: ClampBits::Act,
            limit: range.max_abs(),
        }
    }

    /// Makes a value a view of existing tensors, computing it now if need be.
    pub(super) fn materialise(&mut self, v: ValueId) -> Result<Rc<View>, QuantizeError> {
        let form = self.form(v)?;
        if let Some(view) = form.as_view() {
            return Ok(view.clone());
        }
        let target = self.act_target(v);
        let id = self.emit(self.name(v), &form, self.shape(v), target, self.range(v))?;
        self.set_tensor(v, id);
        Ok(Rc::new(self.out.view(id)))
    }

    /// A value as `c·view`, computing it only if it is more than that.
    pub(super) fn scaled(&mut self, v: ValueId) -> Result<(Rc<View>, f64), QuantizeError> {
        let form = self.form(v)?;
        match form.ca.as_uniform() {
            Some(c) if form.b.is_none() && form.one.is(0.0) && c != 0.0 => Ok((form.a, c)),
            _ => Ok((self.materialise(v)?, 1.0)),
        }
    }

    /// Writes a form to a new tensor. Narrow rescale where its integer coefficients are exact enough, else wide.
    pub(super) fn emit(
        &mut self,
        name: &str,
        form: &Form,
        shape: &[usize],
        target: Target,
        range: super::super::analysis::Range,
    ) -> Result<TensorId, QuantizeError> {
        let narrow = self.exponent(form, target.scale, NARROW_SHIFT);
        let peaks = self.out.peak(&form.a) * form.b.as_ref().map_or(0.0, |b| self.out.peak(b));
        let lost = rounding(&form.ab, narrow.product) * peaks / exp2(NARROW_SHIFT as i32);
        let enough = lost <= MAX_ROUNDING && narrow.largest(form) < MAX_COEF;
        match target.bits {
            _ if enough => {
                let rescale = Rescale::Narrow(target.bits);
                Ok(self.elementwise(name, form, shape, target, rescale, &narrow))
            }
            ClampBits::Act => {
                let scale = self.options.wide(&range, self.bound(form));
                let target = Target { scale, ..target };
                let wide = self.exponent(form, scale, WIDE_SHIFT);
                Ok(self.elementwise(name, form, shape, target, Rescale::Wide, &wide))
            }
            ClampBits::Func => {
                let act = Target {
                    scale: self.options.act(&range),
                    bits: ClampBits::Act,
                    limit: target.limit,
                };
                let exact = self.emit(&format!("{name}/exact"), form, shape, act, range)?;
                let form = Form::of(Rc::new(self.out.view(exact)));
                self.emit(name, &form, shape, target, range)
            }
        }
    }

    fn elementwise(
        &mut self,
        name: &str,
        form: &Form,
        shape: &[usize],
        target: Target,
        rescale: Rescale,
        exponent: &Exponent,
    ) -> TensorId {
        let a = self.out.place(name, &form.a, Layout::Any);
        let b = form
            .b
            .as_ref()
            .map(|b| self.out.place(name, b, Layout::Any));
        let out = self.out.tensor(name, shape, target.scale, target.limit);
        let coefs = Coefs {
            ab: integers(&form.ab, exponent.product),
            a: integers(&form.ca, exponent.a),
            b: integers(&form.cb, exponent.b),
            one: integers(&form.one, exponent.one),
        };
        let form = rescale;
        self.out.op(
            name,
            OpKind::Elementwise {
                a,
                b,
                coefs,
                form,
                out,
            },
        );
        out
    }

    fn exponent(&self, form: &Form, out: Scale, shift: u32) -> Exponent {
        let one = shift as i32 + i32::from(out.0);
        let (a, b) = (form.a.scale, form.b.as_ref().map_or(Scale(0), |b| b.scale));
        let (a, b) = (i32::from(a.0), i32::from(b.0));
        Exponent {
            product: one - a - b,
            a: one - a,
            b: one - b,
            one,
        }
    }

    /// What a form cannot exceed whatever its operands hold.
    fn bound(&self, form: &Form) -> Option<f64> {
        let top = |scale: Scale| (ACT_MAX + 1) as f64 * exp2(-i32::from(scale.0));
        let (a, b) = (
            top(form.a.scale),
            form.b.as_ref().map_or(0.0, |b| top(b.scale)),
        );
        let at = |i| {
            form.ab.at(i).abs() * a * b
                + form.ca.at(i).abs() * a
                + form.cb.at(i).abs() * b
                + form.one.at(i).abs()
        };
        (0..form.len()).map(at).reduce(f64::max)
    }
}

/// log2 of what real coefficients are multiplied by.
struct Exponent {
    product: i32,
    a: i32,
    b: i32,
    one: i32,
}

impl Exponent {
    fn largest(&self, form: &Form) -> f64 {
        let all = [
            (&form.ab, self.product),
            (&form.ca, self.a),
            (&form.cb, self.b),
            (&form.one, self.one),
        ];
        let of =
            |(c, e): (&Coef, i32)| c.values().iter().fold(0f64, |m, v| m.max(v.abs())) * exp2(e);
        all.into_iter().map(of).fold(0.0, f64::max)
    }
}

/// Largest rounding error of the integer coefficients.
fn rounding(coef: &Coef, exponent: i32) -> f64 {
    let error = |v: &f64| {
        let exact = v * exp2(exponent);
        (exact - exact.round()).abs()
    };
    coef.values().iter().map(error).fold(0.0, f64::max)
}

fn integers(coef: &Coef, exponent: i32) -> Vec<i64> {
    let unit = exp2(exponent);
    coef.values()
        .iter()
        .map(|v| (v * unit).round() as i64)
        .collect()
}
