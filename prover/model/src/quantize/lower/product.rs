//! Matrix products with constants (`Linear`) and sums (with ones). Products of two activations are in `batched`.

use std::rc::Rc;

use halocast_ir::{ClampBits, Matrix, NARROW_SHIFT, OpKind, TensorId};

use super::super::builder::Layout;
use super::super::error::QuantizeError;
use super::super::form::{Coef, Form};
use super::super::function::exp2;
use super::super::view::View;
use super::super::wiring::transpose;
use super::Lowering;
use super::tensors::Target;
use crate::ValueId;

/// Weights are scaled to at most this many bits.
const WEIGHT_BITS: i32 = 20;

/// A constant matrix in real units with what is added to each column.
pub(super) struct Weights {
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) data: Vec<f64>,
    pub(super) bias: Vec<f64>,
}

impl Weights {
    /// Multiplies column j by `gain[j]`, then adds `bias[j]`.
    fn columns(&mut self, gain: &[f64], bias: &[f64]) {
        for row in self.data.chunks_mut(self.cols) {
            row.iter_mut().zip(gain).for_each(|(w, g)| *w *= g);
        }
        for ((b, g), add) in self.bias.iter_mut().zip(gain).zip(bias) {
            *b = *b * g + add;
        }
    }

    /// Takes in that the operand is `mul[i]·x + add[i]` by column.
    fn operand(&mut self, mul: &[f64], add: &[f64]) {
        for (i, row) in self.data.chunks_mut(self.cols).enumerate() {
            for (w, b) in row.iter_mut().zip(&mut self.bias) {
                *b += *w * add[i];
                *w *= mul[i];
            }
        }
    }
}

impl Lowering<'_> {
    pub(super) fn matmul(&mut self, index: usize) -> Result<(), QuantizeError> {
        let node = &self.graph.nodes[index];
        let (x, y, out) = (node.inputs[0], node.inputs[1], node.output);
        let unbatched = |s: &[usize]| s[..s.len() - 2].iter().all(|&b| b == 1);
        let constant = |v: ValueId| self.analysis.constants[v.0].clone();
        if let Some(w) = constant(y).filter(|_| unbatched(self.shape(y))) {
            let [rows, cols] = last_two(self.shape(y));
            let data = w.to_vec();
            return self.linear(x, out, rows, cols, data);
        }
        if let Some(w) = constant(x).filter(|_| unbatched(self.shape(x))) {
            return self.transposed_linear(&w, x, y, out);
        }
        self.batched(x, y, out)
    }

    /// `out = x·w`, with the arithmetic that follows and, where it is alone, the domain of the function that follows.
    fn linear(
        &mut self,
        x: ValueId,
        out: ValueId,
        rows: usize,
        cols: usize,
        data: Vec<f64>,
    ) -> Result<(), QuantizeError> {
        let bias = vec![0.0; cols];
        let mut weights = Weights {
            rows,
            cols,
            data,
            bias,
        };
        let x = self.linear_operand(x, &mut weights)?;
        self.linear_of(out, &x, weights)
    }

    /// The view that a linear layer multiplies; what was to be done to it by column goes into the weights.
    fn linear_operand(
        &mut self,
        x: ValueId,
        weights: &mut Weights,
    ) -> Result<Rc<View>, QuantizeError> {
        let form = self.form(x)?;
        let by_column = |c: &Coef| c.by_column(weights.rows);
        if form.b.is_none()
            && let (Some(mul), Some(add)) = (by_column(&form.ca), by_column(&form.one))
        {
            weights.operand(&mul, &add);
            return Ok(form.a);
        }
        self.materialise(x)
    }

    fn linear_of(
        &mut self,
        out: ValueId,
        x: &View,
        mut weights: Weights,
    ) -> Result<(), QuantizeError> {
        let name = self.name(out);
        let tail = self.absorb_columns(out, weights.cols);
        weights.columns(&tail.gain, &tail.bias);
        if let Some(ahead) = self.norm_ahead(tail.value, weights.cols, x) {
            return self.residual_norm(name, x, weights, &ahead);
        }
        let Some(reader) = self.function_reader(tail.value) else {
            let target = self.act_target(tail.value);
            let id = self.emit_linear(
                name,
                self.name(tail.value),
                self.shape(tail.value),
                x,
                &weights,
                target,
            )?;
            self.set_tensor(tail.value, id);
            return Ok(());
        };
        let plan = &self.functions[&reader];
        let target = Target {
            scale: plan.scale_in,
            bits: ClampBits::Func,
            limit: plan.range.max_abs(),
        };
        let (a, b) = plan.pre;
        weights.columns(&vec![a; weights.cols], &vec![b; weights.cols]);
        let shape = self.shape(tail.value);
        let id = self.emit_linear(name, self.name(tail.value), shape, x, &weights, target)?;
        if (a, b) == (1.0, 0.0) {
            self.out.probes.push((id, tail.value));
        }
        self.domains.insert(reader, id);
        Ok(())
    }

    /// Chooses the integer scale of weights and bias and writes the op.
    pub(super) fn emit_linear(
        &mut self,
        op: &str,
        name: &str,
        shape: &[usize],
        x: &View,
        weights: &Weights,
        target: Target,
    ) -> Result<TensorId, QuantizeError> {
        let x_scale = i32::from(x.scale.0);
        let x = self.out.place(op, x, Layout::Rows(weights.rows));
        let total = NARROW_SHIFT as i32 + i32::from(target.scale.0);
        let largest = weights.data.iter().fold(0f64, |m, w| m.max(w.abs()));
        let spare = (largest * exp2(total - x_scale)).log2().ceil() as i32 - WEIGHT_BITS;
        let mul = spare.clamp(0, 40);
        let unit = exp2(total - x_scale - mul);
        let data = weights
            .data
            .iter()
            .map(|w| (w * unit).round() as i32)
            .collect();
        let bias: Vec<i64> = weights
            .bias
            .iter()
            .map(|b| (b * exp2(total - mul)).round() as i64)
            .collect();
        let out = self.out.tensor(name, shape, target.scale, target.limit);
        self.out.op(
            op,
            OpKind::Linear {
                x,
                w: Matrix {
                    rows: weights.rows,
                    cols: weights.cols,
                    data,
                },
                bias: bias.iter().any(|&b| b != 0).then_some(bias),
                mul: 1 << mul,
                bits: target.bits,
                out,
            },
        );
        Ok(out)
    }

    /// `c·y` for constant c: `(yᵀ·cᵀ)ᵀ`.
    fn transposed_linear(
        &mut self,
        c: &[f64],
        x: ValueId,
        y: ValueId,
        out: ValueId,
    ) -> Result<(), QuantizeError> {
        let [t, n] = last_two(self.shape(x));
        let [_, m] = last_two(self.shape(y));
        let view = self.materialise(y)?;
        let batch = view.len() / (n * m);
        let operand = view.pick(&transpose(&[batch, n, m], &[0, 2, 1]));
        let data = transpose(&[t, n], &[1, 0]);
        let weights = Weights {
            rows: n,
            cols: t,
            data: data.iter().map(|&i| c[i as usize]).collect(),
            bias: vec![0.0; t],
        };
        let name = self.name(out);
        let target = self.act_target(out);
        let shape = [batch, m, t];
        let id = self.emit_linear(name, name, &shape, &operand, &weights, target)?;
        let back = self.out.view(id).pick(&transpose(&shape, &[0, 2, 1]));
        self.lazy[out.0] = Some(Form::of(Rc::new(back)));
        Ok(())
    }

    /// Sum over axes: they go last and meet a column of ones.
    pub(super) fn reduce_sum(&mut self, index: usize, axes: &[usize]) -> Result<(), QuantizeError> {
        let node = &self.graph.nodes[index];
        let (x, out) = (node.inputs[0], node.output);
        let shape = self.shape(x);
        let kept = (0..shape.len()).filter(|a| !axes.contains(a));
        let perm: Vec<usize> = kept.chain(axes.iter().copied()).collect();
        let n: usize = axes.iter().map(|&a| shape[a]).product();
        let (view, c) = self.scaled(x)?;
        let view = view.pick(&transpose(shape, &perm));
        let weights = Weights {
            rows: n,
            cols: 1,
            data: vec![c; n],
            bias: vec![0.0],
        };
        self.linear_of(out, &view, weights)
    }
}

/// The matrix axes of a shape.
pub(super) fn last_two(shape: &[usize]) -> [usize; 2] {
    [shape[shape.len() - 2], shape[shape.len() - 1]]
}
