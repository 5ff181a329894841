//! Well-formedness of a program that may come from a file: after [`Program::validate`] neither the executor nor the
//! circuit panics, and no accumulator can leave the integers that they use.

use crate::arith::*;
use crate::{Coefs, Form, Matrix, OpKind, Program, ProgramError, Source, Task, TensorId};

/// Largest absolute value of a coefficient, gain or bias.
const MAX_COEF: i64 = 1 << 62;
/// Largest number of elements of a tensor.
pub(crate) const MAX_ELEMENTS: usize = 1 << 31;

impl Program {
    /// Checks shapes, ids, order of definition and every static bound.
    pub fn validate(&self) -> Result<(), ProgramError> {
        let whole = |what: String| ProgramError {
            op: usize::MAX,
            name: "program".into(),
            what,
        };
        for table in &self.tables {
            if table.values.len() != FUNC_SIZE {
                return Err(whole(format!(
                    "table {} has {} entries, not {FUNC_SIZE}",
                    table.name,
                    table.values.len()
                )));
            }
        }
        for tensor in &self.tensors {
            let elements = tensor
                .shape
                .iter()
                .try_fold(1usize, |n, &d| n.checked_mul(d));
            if !elements.is_some_and(|n| (1..=MAX_ELEMENTS).contains(&n)) {
                return Err(whole(format!(
                    "tensor {} of shape {:?} is empty or has over 2^31 elements",
                    tensor.name, tensor.shape
                )));
            }
        }
        let mut defined = vec![false; self.tensors.len()];
        for id in self.inputs.iter().chain(&self.hints) {
            let slot = defined
                .get_mut(id.0 as usize)
                .ok_or_else(|| whole(format!("no tensor {}", id.0)))?;
            if std::mem::replace(slot, true) {
                return Err(whole(format!("tensor {} is given twice", id.0)));
            }
        }
        for (index, op) in self.ops.iter().enumerate() {
            let fail = |what: String| ProgramError {
                op: index,
                name: op.name.clone(),
                what,
            };
            for id in op.kind.reads() {
                if !defined.get(id.0 as usize).copied().unwrap_or(false) {
                    return Err(fail(format!(
                        "reads tensor {}, which is not defined yet",
                        id.0
                    )));
                }
            }
            if let Some(out) = op.kind.writes() {
                let slot = defined
                    .get_mut(out.0 as usize)
                    .ok_or_else(|| fail(format!("no tensor {}", out.0)))?;
                if std::mem::replace(slot, true) {
                    return Err(fail(format!("writes tensor {} a second time", out.0)));
                }
            }
            self.check_op(&op.kind).map_err(fail)?;
        }
        for id in &self.hints {
            if !self.ops.iter().any(|op| op.kind.reads().contains(id)) {
                return Err(whole(format!(
                    "hint {} is read by no op",
                    self.tensor(*id).name
                )));
            }
        }
        for id in &self.outputs {
            if !defined.get(id.0 as usize).copied().unwrap_or(false) {
                return Err(whole(format!("output tensor {} is never written", id.0)));
            }
        }
        self.check_task(&defined).map_err(whole)
    }

    fn check_task(&self, defined: &[bool]) -> Result<(), String> {
        let Task::Generate {
            seq_len,
            sequence,
            argmax,
            ..
        } = &self.task
        else {
            return Ok(());
        };
        for id in [sequence, argmax] {
            if !defined.get(id.0 as usize).copied().unwrap_or(false) {
                return Err(format!(
                    "the task names tensor {}, which is never written",
                    id.0
                ));
            }
            want(self.len(*id), *seq_len, "elements of a tensor of the task")?;
        }
        want(self.inputs.len(), 3, "inputs of a generation")?;
        want(self.hints.len(), 3, "hints of a generation")?;
        want(self.outputs.len(), 1, "outputs of a generation")
    }

    fn check_op(&self, kind: &OpKind) -> Result<(), String> {
        match kind {
            OpKind::Linear {
                x,
                w,
                bias,
                mul,
                out,
                ..
            } => {
                check_matrix(w)?;
                let rows = self.rows_of(*x, w.rows)?;
                want(self.len(*out), rows * w.cols, "output elements")?;
                if let Some(b) = bias {
                    want(b.len(), w.cols, "biases")?;
                    check_coefs(b)?;
                }
                let largest = w
                    .data
                    .iter()
                    .map(|v| v.unsigned_abs() as u128)
                    .max()
                    .unwrap_or(0);
                let bias = bias
                    .iter()
                    .flatten()
                    .map(|v| v.unsigned_abs() as u128)
                    .max()
                    .unwrap_or(0);
                check_acc((largest * w.rows as u128) << 15, bias, *mul)
            }
            OpKind::MatMul { x, y, mul, out, .. } => {
                let (xs, ys) = (&self.tensor(*x).shape, &self.tensor(*y).shape);
                if xs.len() != 3 || ys.len() != 3 || xs[0] != ys[0] || xs[2] != ys[1] {
                    return Err(format!(
                        "operands {xs:?} and {ys:?} are not [b,t,n] and [b,n,m]"
                    ));
                }
                want(self.len(*out), xs[0] * xs[1] * ys[2], "output elements")?;
                check_acc((xs[2] as u128) << 30, 0, *mul)
            }
            OpKind::Elementwise {
                a,
                b,
                coefs,
                form,
                out,
            } => {
                self.check_bilinear(*a, *b, coefs)?;
                want(self.len(*out), self.len(*a), "output elements")?;
                let _: &Form = form;
                Ok(())
            }
            OpKind::AssertZero { a, b, coefs } => self.check_bilinear(*a, *b, coefs),
            OpKind::Lookup { x, table, out } => {
                self.check_table(table.0)?;
                want(self.len(*out), self.len(*x), "output elements")
            }
            OpKind::Softmax {
                x,
                allowed,
                mul,
                exp,
                out,
            } => {
                self.check_table(exp.0)?;
                let n = self.last_axis(*x)?;
                want(self.len(*out), self.len(*x), "output elements")?;
                if *mul <= 0 || *mul > 1 << 16 {
                    return Err(format!("multiplier {mul} is outside 1..=65536"));
                }
                let exp = &self.tables[exp.0 as usize].values;
                if exp[0] <= 0 || exp.iter().any(|&v| v < 0) {
                    return Err(
                        "its exponential table must not be negative, and be positive at 0".into(),
                    );
                }
                if n > 1 << 15 {
                    return Err(format!("rows of {n} values are too long"));
                }
                let Some(mask) = allowed else { return Ok(()) };
                want(mask.len(), self.len(*x), "mask elements")?;
                match mask.chunks(n).position(|row| row.iter().all(|ok| !ok)) {
                    Some(row) => Err(format!("row {row} is masked whole")),
                    None => Ok(()),
                }
            }
            OpKind::RmsNorm {
                x,
                gain,
                bias,
                eps,
                log2_k,
                out,
            } => {
                let n = self.last_axis(*x)?;
                want(gain.len(), n, "gains")?;
                want(bias.len(), n, "biases")?;
                want(self.len(*out), self.len(*x), "output elements")?;
                check_coefs(gain)?;
                check_coefs(bias)?;
                let largest = ((n as u128) << 30) + eps.unsigned_abs() as u128;
                if *eps < 1 || *log2_k >= 64 || (largest << log2_k) >= 1 << 92 || largest > 1 << 47
                {
                    return Err(format!(
                        "eps {eps} and 2^{log2_k} do not fit rows of {n}: K·(n·2^30 + eps) ≥ 2^92"
                    ));
                }
                Ok(())
            }
            OpKind::ArgMax { x, out } => {
                let n = self.last_axis(*x)?;
                if n > 1 << 15 {
                    return Err(format!("{n} candidates, at most 32768"));
                }
                want(self.len(*out), self.len(*x) / n, "output elements")
            }
            OpKind::Gather { ids, table, out } => {
                check_matrix(table)?;
                if table.rows > 1 << 15 {
                    return Err(format!("{} table rows, at most 32768", table.rows));
                }
                if table
                    .data
                    .iter()
                    .any(|&v| (v as i64) < ACT_MIN || v as i64 > ACT_MAX)
                {
                    return Err("table entries must be activations".into());
                }
                want(
                    self.len(*out),
                    self.len(*ids) * table.cols,
                    "output elements",
                )
            }
            OpKind::Rearrange { sources, map, out } => {
                want(self.len(*out), map.len(), "output elements")?;
                let ok = |s: &Source| match *s {
                    Source::Const(_) => true,
                    Source::Cell { tensor, index } => sources
                        .get(tensor as usize)
                        .is_some_and(|&id| (index as usize) < self.len(id)),
                };
                map.iter()
                    .all(ok)
                    .then_some(())
                    .ok_or_else(|| "an element has no source".into())
            }
        }
    }

    fn len(&self, id: TensorId) -> usize {
        self.tensor(id).len()
    }

    fn last_axis(&self, id: TensorId) -> Result<usize, String> {
        match self.tensor(id).shape.last() {
            Some(&n) if n > 0 => Ok(n),
            _ => Err(format!(
                "shape {:?} has no last axis",
                self.tensor(id).shape
            )),
        }
    }

    fn rows_of(&self, id: TensorId, n: usize) -> Result<usize, String> {
        want(self.last_axis(id)?, n, "columns of the operand")?;
        Ok(self.len(id) / n)
    }

    fn check_table(&self, table: u32) -> Result<(), String> {
        self.tables
            .get(table as usize)
            .map(|_| ())
            .ok_or_else(|| format!("no table {table}"))
    }

    fn check_bilinear(
        &self,
        a: TensorId,
        b: Option<TensorId>,
        coefs: &Coefs,
    ) -> Result<(), String> {
        let n = self.len(a);
        if let Some(b) = b {
            want(self.len(b), n, "elements of the second operand")?;
        }
        for v in [&coefs.ab, &coefs.a, &coefs.b, &coefs.one] {
            if v.len() != 1 {
                want(v.len(), n, "coefficients")?;
            }
            check_coefs(v)?;
        }
        Ok(())
    }
}

fn want(got: usize, expected: usize, what: &str) -> Result<(), String> {
    if got == expected {
        Ok(())
    } else {
        Err(format!("{got} {what}, expected {expected}"))
    }
}

fn check_coefs(v: &[i64]) -> Result<(), String> {
    match v.iter().find(|c| c.unsigned_abs() > MAX_COEF as u64) {
        Some(c) => Err(format!("coefficient {c} is over 2^62")),
        None => Ok(()),
    }
}

fn check_matrix(m: &Matrix) -> Result<(), String> {
    if m.rows == 0 || m.cols == 0 {
        return Err("an empty matrix".into());
    }
    want(
        m.data.len(),
        m.rows.saturating_mul(m.cols),
        "matrix entries",
    )
}

fn check_acc(product: u128, bias: u128, mul: i64) -> Result<(), String> {
    if mul <= 0 || mul > 1 << 48 {
        return Err(format!("multiplier {mul} is outside 1..=2^48"));
    }
    if product + bias >= 1 << 62 {
        return Err("an accumulator may exceed 2^62".into());
    }
    Ok(())
}
