//! Scalar functions, embeddings, arg-max.

use halocast_ir::{ACT_MAX, ClampBits, Matrix, OpKind, Scale};

use super::super::builder::Layout;
use super::super::error::QuantizeError;
use super::super::form::Coef;
use super::super::function::{exp2, function_table};
use super::super::scales::{FunctionPlan, finest, is_arithmetic};
use super::Lowering;
use super::tensors::Target;
use crate::Unary;

impl Lowering<'_> {
    pub(super) fn unary(&mut self, index: usize, chain: &[Unary]) -> Result<(), QuantizeError> {
        if is_arithmetic(chain) {
            return self.arithmetic_chain(index, chain);
        }
        let node = &self.graph.nodes[index];
        let (x, out) = (node.inputs[0], node.output);
        let plan = self.functions[&index].clone();
        let domain = match self.domains.get(&index) {
            Some(&id) => id,
            None => {
                let c = Coef::uniform;
                let form = self.form(x)?.affine(&c(plan.pre.0), &c(plan.pre.1));
                let target = Target {
                    scale: plan.scale_in,
                    bits: ClampBits::Func,
                    limit: plan.range.max_abs(),
                };
                let name = format!("{}/argument", self.name(out));
                self.emit(&name, &form, self.shape(x), target, plan.range)?
            }
        };
        let limit = self.range(out).max_abs();
        let id = self
            .out
            .tensor(self.name(out), self.shape(out), plan.scale_out, limit);
        let table = self.out.table(table_of(&plan));
        self.out.op(
            self.name(out),
            OpKind::Lookup {
                x: domain,
                table,
                out: id,
            },
        );
        self.set_tensor(out, id);
        Ok(())
    }

    pub(super) fn gather(&mut self, index: usize) -> Result<(), QuantizeError> {
        let node = &self.graph.nodes[index];
        let (table, ids, out) = (node.inputs[0], node.inputs[1], node.output);
        let Some(values) = self.analysis.constants[table.0].clone() else {
            return Err(self.unsupported(out, "gathers from a table that is not constant"));
        };
        let [rows, cols] = *self.shape(table) else {
            let what = format!("gathers from shape {:?}, not [vocab, d]", self.shape(table));
            return Err(self.unsupported(out, what));
        };
        let name = self.name(out);
        let tail = self.absorb_columns(out, cols);
        let entry = |(i, v): (usize, &f64)| v * tail.gain[i % cols] + tail.bias[i % cols];
        let entries: Vec<f64> = values.iter().enumerate().map(entry).collect();
        let largest = entries.iter().fold(0f64, |m, v| m.max(v.abs()));
        let scale = finest(largest, ACT_MAX as f64);
        let unit = exp2(i32::from(scale.0));
        let data = entries.iter().map(|v| (v * unit).round() as i32).collect();
        let view = self.materialise(ids)?;
        let ids = self.out.place(name, &view, Layout::Any);
        let id = self.out.tensor(
            self.name(tail.value),
            self.shape(tail.value),
            scale,
            largest,
        );
        self.out.op(
            name,
            OpKind::Gather {
                ids,
                table: Matrix { rows, cols, data },
                out: id,
            },
        );
        self.set_tensor(tail.value, id);
        Ok(())
    }

    pub(super) fn arg_max(&mut self, index: usize) -> Result<(), QuantizeError> {
        let node = &self.graph.nodes[index];
        let (x, out) = (node.inputs[0], node.output);
        let n = *self.shape(x).last().unwrap_or(&1);
        let (view, c) = self.scaled(x)?;
        if c < 0.0 {
            return Err(self.unsupported(out, "arg-max of a negated value is not supported"));
        }
        let name = self.name(out);
        let x = self.out.place(name, &view, Layout::Rows(n));
        let limit = n as f64;
        let id = self.out.tensor(name, self.shape(out), Scale(0), limit);
        self.out.op(name, OpKind::ArgMax { x, out: id });
        self.set_tensor(out, id);
        Ok(())
    }
}

fn table_of(plan: &FunctionPlan) -> halocast_ir::Table {
    let (i, o) = (plan.scale_in.0, plan.scale_out.0);
    let name = format!("{:?} in 2^-{i} out 2^-{o}", plan.chain);
    function_table(name, &plan.chain, i, o)
}
