//! Values not computed yet: `ab·a·b + ca·a + cb·b + one` in real units over views `a` and `b`. Arithmetic with
//! constants, negation, rotary embedding and residual sums collapse here into one `Elementwise`.

use std::rc::Rc;

use super::view::View;

/// Real coefficients: one for all elements or one for each.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Coef(Vec<f64>);

impl Coef {
    /// One for all elements.
    pub(crate) fn uniform(c: f64) -> Self {
        Coef(vec![c])
    }

    /// One for each element (stored once when they agree).
    pub(crate) fn each(c: Vec<f64>) -> Self {
        match c.split_first() {
            Some((&first, rest)) if rest.iter().all(|&v| v == first) => Coef(vec![first]),
            _ => Coef(c),
        }
    }

    /// The coefficient of element `i`.
    pub(crate) fn at(&self, i: usize) -> f64 {
        if self.0.len() == 1 {
            self.0[0]
        } else {
            self.0[i]
        }
    }

    /// The one coefficient, if it is one for all.
    pub(crate) fn as_uniform(&self) -> Option<f64> {
        (self.0.len() == 1).then(|| self.0[0])
    }

    /// The coefficients as stored: 1 or as many as elements.
    pub(crate) fn values(&self) -> &[f64] {
        &self.0
    }

    /// Whether every coefficient is `c`.
    pub(crate) fn is(&self, c: f64) -> bool {
        self.as_uniform() == Some(c)
    }

    fn zip(&self, other: &Coef, f: impl Fn(f64, f64) -> f64) -> Coef {
        let n = self.0.len().max(other.0.len());
        Coef::each((0..n).map(|i| f(self.at(i), other.at(i))).collect())
    }

    /// Elementwise sum.
    pub(crate) fn plus(&self, other: &Coef) -> Coef {
        self.zip(other, |a, b| a + b)
    }

    /// Elementwise product.
    pub(crate) fn times(&self, other: &Coef) -> Coef {
        self.zip(other, |a, b| a * b)
    }

    /// The coefficients of rewired elements.
    pub(crate) fn pick(&self, map: &[u32]) -> Coef {
        match self.as_uniform() {
            Some(c) => Coef::uniform(c),
            None => Coef::each(map.iter().map(|&i| self.0[i as usize]).collect()),
        }
    }

    /// The coefficients of the last axis, when they repeat over all others.
    pub(crate) fn by_column(&self, cols: usize) -> Option<Vec<f64>> {
        by_column(&self.0, cols)
    }
}

/// The first `cols` of `values`, when all others repeat them.
pub(crate) fn by_column(values: &[f64], cols: usize) -> Option<Vec<f64>> {
    if values.len() == 1 {
        return Some(vec![values[0]; cols]);
    }
    let periodic = values.len().is_multiple_of(cols)
        && values
            .iter()
            .enumerate()
            .all(|(i, &v)| v == values[i % cols]);
    periodic.then(|| values[..cols].to_vec())
}

/// `ab·a·b + ca·a + cb·b + one`; without `b`, `ab` and `cb` are 0.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    pub(crate) a: Rc<View>,
    pub(crate) b: Option<Rc<View>>,
    pub(crate) ab: Coef,
    pub(crate) ca: Coef,
    pub(crate) cb: Coef,
    pub(crate) one: Coef,
}

impl Form {
    /// Just the elements of a view.
    pub(crate) fn of(view: Rc<View>) -> Self {
        let zero = || Coef::uniform(0.0);
        Form {
            a: view,
            b: None,
            ab: zero(),
            ca: Coef::uniform(1.0),
            cb: zero(),
            one: zero(),
        }
    }

    /// The view, if that is all there is.
    pub(crate) fn as_view(&self) -> Option<&Rc<View>> {
        (self.b.is_none() && self.ca.is(1.0) && self.one.is(0.0)).then_some(&self.a)
    }

    /// Number of elements.
    pub(crate) fn len(&self) -> usize {
        self.a.len()
    }

    /// `mul·self + add`.
    pub(crate) fn affine(&self, mul: &Coef, add: &Coef) -> Form {
        Form {
            a: self.a.clone(),
            b: self.b.clone(),
            ab: self.ab.times(mul),
            ca: self.ca.times(mul),
            cb: self.cb.times(mul),
            one: self.one.times(mul).plus(add),
        }
    }

    /// The sum, if it still has at most two operands.
    pub(crate) fn plus(&self, other: &Form) -> Option<Form> {
        let other = other.over(&self.a, self.b.as_ref())?;
        Some(Form {
            a: self.a.clone(),
            b: other.b,
            ab: self.ab.plus(&other.ab),
            ca: self.ca.plus(&other.ca),
            cb: self.cb.plus(&other.cb),
            one: self.one.plus(&other.one),
        })
    }

    /// The same value written over operands (`a`, `b` or a new one), if it fits.
    fn over(&self, a: &Rc<View>, b: Option<&Rc<View>>) -> Option<Form> {
        let mut out = self.clone();
        let zero = || Coef::uniform(0.0);
        match (&self.b, b) {
            (None, _) if same(&self.a, a) => out.b = b.cloned(),
            (None, Some(b)) if same(&self.a, b) => {
                out.b = Some(b.clone());
                (out.ca, out.cb) = (zero(), self.ca.clone());
            }
            (None, None) => {
                out.b = Some(self.a.clone());
                (out.ca, out.cb) = (zero(), self.ca.clone());
            }
            (Some(mine), None) if same(&self.a, a) => out.b = Some(mine.clone()),
            (Some(mine), None) if same(mine, a) => {
                out.b = Some(self.a.clone());
                (out.ca, out.cb) = (self.cb.clone(), self.ca.clone());
            }
            (Some(mine), Some(b)) if same(&self.a, a) && same(mine, b) => {}
            (Some(mine), Some(b)) if same(&self.a, b) && same(mine, a) => {
                out.b = Some(b.clone());
                (out.ca, out.cb) = (self.cb.clone(), self.ca.clone());
            }
            _ => return None,
        }
        out.a = a.clone();
        Some(out)
    }

    /// The product, if both have one operand.
    pub(crate) fn times(&self, other: &Form) -> Option<Form> {
        if self.b.is_some() || other.b.is_some() {
            return None;
        }
        Some(Form {
            a: self.a.clone(),
            b: Some(other.a.clone()),
            ab: self.ca.times(&other.ca),
            ca: self.ca.times(&other.one),
            cb: self.one.times(&other.ca),
            one: self.one.times(&other.one),
        })
    }

    /// Rewired elements.
    pub(crate) fn pick(&self, map: &[u32]) -> Form {
        Form {
            a: Rc::new(self.a.pick(map)),
            b: self.b.as_ref().map(|b| Rc::new(b.pick(map))),
            ab: self.ab.pick(map),
            ca: self.ca.pick(map),
            cb: self.cb.pick(map),
            one: self.one.pick(map),
        }
    }

    /// Several one-operand forms of one scale joined element by element, still with one operand.
    pub(crate) fn join(parts: &[&Form], map: &[(usize, u32)]) -> Option<Form> {
        let fits = |p: &&Form| p.b.is_none() && p.a.scale == parts[0].a.scale;
        if !parts.iter().all(fits) {
            return None;
        }
        let views: Vec<&View> = parts.iter().map(|p| &*p.a).collect();
        let coefs = |of: fn(&Form) -> &Coef| {
            Coef::each(
                map.iter()
                    .map(|&(p, i)| of(parts[p]).at(i as usize))
                    .collect(),
            )
        };
        let mut out = Form::of(Rc::new(View::join(&views, map)));
        (out.ca, out.one) = (coefs(|f| &f.ca), coefs(|f| &f.one));
        Some(out)
    }
}

fn same(a: &Rc<View>, b: &Rc<View>) -> bool {
    Rc::ptr_eq(a, b) || a == b
}
