//! A layer norm after a residual sum, `LayerNorm(a + x·w + b)`: centring is linear, so that most of it goes into the
//! weights. With w and b centred by row, `x·w + b − mean(a)` is one product (the mean as a further column of x), and adding
//! a gives what the norm divides: the sum itself and its difference from its mean are never written.

use std::rc::Rc;

use halocast_ir::ClampBits;

use super::super::analysis::{Residual, len};
use super::super::error::QuantizeError;
use super::super::form::Form;
use super::super::view::View;
use super::Lowering;
use super::product::Weights;
use super::tensors::Target;
use crate::{GraphOp, ValueId};

/// The norm that follows a product and a residual sum.
pub(super) struct NormAhead {
    add: usize,
    norm: usize,
    residual: ValueId,
    eps: f64,
    measured: Residual,
}

impl Lowering<'_> {
    /// The norm over all columns that alone reads `v + residual`, which alone reads `v`; with a mean that `x`'s scale
    /// can represent.
    pub(super) fn norm_ahead(&self, v: ValueId, cols: usize, x: &View) -> Option<NormAhead> {
        let add = self.analysis.sole_consumer(v)?;
        let node = &self.graph.nodes[add];
        let place = match (&node.op, &node.inputs[..]) {
            (GraphOp::Add, [a, b]) if *a == v && *b != v => 1,
            (GraphOp::Add, [a, b]) if *b == v && *a != v => 0,
            _ => return None,
        };
        let residual = node.inputs[place];
        let whole = len(self.graph, residual) == len(self.graph, v)
            && len(self.graph, node.output) == len(self.graph, v);
        self.lazy[residual.0].as_ref().filter(|_| whole)?;
        let norm = self.analysis.sole_consumer(node.output)?;
        let GraphOp::LayerNorm { eps } = self.graph.nodes[norm].op else {
            return None;
        };
        let measured = self.analysis.residuals.get(&norm)?[place];
        let fits = self.options.act(&measured.mean).0 >= x.scale.0;
        let over_columns = self.shape(node.output).last() == Some(&cols);
        (fits && over_columns).then(|| NormAhead {
            add,
            norm,
            residual,
            eps: f64::from(eps),
            measured,
        })
    }

    /// Writes `LayerNorm(residual + x·weights)`.
    pub(super) fn residual_norm(
        &mut self,
        name: &str,
        x: &View,
        mut weights: Weights,
        ahead: &NormAhead,
    ) -> Result<(), QuantizeError> {
        let (n, cols) = (weights.rows, weights.cols);
        let rows = x.len() / n;
        let residual = self.materialise(ahead.residual)?;
        let mean_weights = Weights {
            rows: cols,
            cols: 1,
            data: vec![1.0 / cols as f64; cols],
            bias: vec![0.0],
        };
        let target = |scale, limit| Target {
            scale,
            bits: ClampBits::Act,
            limit,
        };
        let mean_name = format!("{name}/residual mean");
        let mean_target = target(x.scale, ahead.measured.mean.max_abs());
        let mean = self.emit_linear(
            &mean_name,
            &mean_name,
            &[rows],
            &residual,
            &mean_weights,
            mean_target,
        )?;
        weights.centre();
        weights.subtract_a_column();
        let row = |t: usize| {
            (0..n)
                .map(move |i| (0, (t * n + i) as u32))
                .chain([(1, t as u32)])
        };
        let map: Vec<(usize, u32)> = (0..rows).flat_map(row).collect();
        let operand = View::join(&[x, &self.out.view(mean)], &map);
        let range = ahead.measured.other;
        let own = target(self.options.act(&range), range.max_abs());
        let own_name = format!("{name}/centred");
        let own = self.emit_linear(name, &own_name, &[rows, cols], &operand, &weights, own)?;
        let out = self.graph.nodes[ahead.norm].output;
        let form = Form::of(residual)
            .plus(&Form::of(Rc::new(self.out.view(own))))
            .ok_or_else(|| self.unsupported(out, "normalises a sum of too many operands"))?;
        let (_, rest) = self.analysis.centred[&ahead.norm];
        let sum = target(self.options.act(&rest), rest.max_abs());
        let sum_name = format!("{}/centred", self.name(out));
        let id = self.emit(&sum_name, &form, &[rows, cols], sum, rest)?;
        self.absorbed[ahead.add] = true;
        self.absorbed[ahead.norm] = true;
        self.normalise(&self.out.view(id), 1.0, ahead.eps, out)
    }
}

impl Weights {
    /// Takes the mean of its columns from every row, and from the bias: so that every product has mean 0.
    fn centre(&mut self) {
        let rows = self.data.chunks_mut(self.cols);
        for row in rows.chain([&mut self.bias[..]]) {
            let mean = row.iter().sum::<f64>() / row.len() as f64;
            row.iter_mut().for_each(|w| *w -= mean);
        }
    }

    /// A further element of the operand, which is subtracted from every column.
    fn subtract_a_column(&mut self) {
        self.rows += 1;
        self.data.extend(std::iter::repeat_n(-1.0, self.cols));
    }
}
