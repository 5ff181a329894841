//! Reshape, Transpose, Slice, Concat, Broadcast: index maps applied to forms.

use std::rc::Rc;

use super::super::error::QuantizeError;
use super::super::form::Form;
use super::super::function::exp2;
use super::super::view::View;
use super::super::wiring::{broadcast, concat, is_identity, slice, transpose};
use super::Lowering;
use crate::{GraphOp, ValueId};

impl Lowering<'_> {
    pub(super) fn wire(&mut self, index: usize) -> Result<(), QuantizeError> {
        let node = &self.graph.nodes[index];
        let (x, out) = (node.inputs[0], node.output);
        let shape = self.shape(x);
        let form = match &node.op {
            GraphOp::Transpose { perm } => self.rewire(x, &transpose(shape, perm))?,
            GraphOp::Slice { axis, start, end } => {
                self.rewire(x, &slice(shape, *axis, *start, *end))?
            }
            GraphOp::Broadcast => self.rewire(x, &broadcast(shape, self.shape(out)))?,
            GraphOp::Concat { axis } => self.join(&node.inputs, *axis, out)?,
            _ => self.form(x)?,
        };
        self.lazy[out.0] = Some(form);
        Ok(())
    }

    /// Pushes wiring through a form where that adds no more rearranged tensors than wiring its result.
    fn rewire(&mut self, v: ValueId, map: &[u32]) -> Result<Form, QuantizeError> {
        let form = self.form(v)?;
        if is_identity(map) && map.len() == form.len() {
            return Ok(form);
        }
        if let Some(b) = &form.b {
            let wired = [&form.a, b].iter().all(|v| !self.out.is_whole(v));
            if !wired || map.len() > form.len() {
                self.materialise(v)?;
            }
        }
        Ok(self.form(v)?.pick(map))
    }

    fn join(
        &mut self,
        parts: &[ValueId],
        axis: usize,
        out: ValueId,
    ) -> Result<Form, QuantizeError> {
        let shapes: Vec<&[usize]> = parts.iter().map(|&v| self.shape(v)).collect();
        let map = concat(&shapes, axis);
        for &v in parts {
            if self.lazy[v.0].as_ref().is_some_and(|f| f.b.is_some()) {
                self.materialise(v)?;
            }
        }
        let live = parts.iter().find_map(|v| self.lazy[v.0].as_ref());
        let scale = live.map_or(self.options.act(&self.range(out)), |f| f.a.scale);
        let mut forms = Vec::new();
        for &v in parts {
            forms.push(match &self.analysis.constants[v.0] {
                Some(values) if fits(values, scale) => {
                    Form::of(Rc::new(self.constant_view(values, scale)))
                }
                _ => self.form(v)?,
            });
        }
        let refs: Vec<&Form> = forms.iter().collect();
        if let Some(form) = Form::join(&refs, &map) {
            return Ok(form);
        }
        let mut views = Vec::new();
        for (form, &v) in forms.iter().zip(parts) {
            views.push(self.at_scale(v, form, out)?);
        }
        let refs: Vec<&View> = views.iter().collect();
        Ok(Form::of(Rc::new(View::join(&refs, &map))))
    }

    /// A part of a concatenation, computed at the scale of the whole.
    fn at_scale(&mut self, v: ValueId, form: &Form, whole: ValueId) -> Result<View, QuantizeError> {
        let target = self.act_target(whole);
        if let Some(values) = &self.analysis.constants[v.0] {
            return Ok(self.constant_view(values, target.scale));
        }
        match form.as_view() {
            Some(view) if view.scale == target.scale => Ok((**view).clone()),
            _ => {
                let name = format!("{}/rescaled", self.name(v));
                let id = self.emit(&name, form, self.shape(v), target, self.range(whole))?;
                Ok(self.out.view(id))
            }
        }
    }
}

/// Whether constants can be activations of a scale.
fn fits(values: &[f64], scale: halocast_ir::Scale) -> bool {
    let top = f64::from(i16::MAX) * exp2(-i32::from(scale.0));
    values.iter().all(|v| v.abs() <= top)
}
