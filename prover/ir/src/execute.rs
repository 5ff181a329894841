//! The executor: the specification of what is proven.

use crate::arith::*;
use crate::{ClampBits, ExecError, Form, Op, OpKind, Program, Source, TensorId};

/// Every activation of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Values of each tensor, by [`TensorId`].
    pub values: Vec<Vec<i32>>,
}

impl Trace {
    /// The values of a tensor.
    pub fn get(&self, id: TensorId) -> &[i32] {
        &self.values[id.0 as usize]
    }

    /// The values of several tensors, one after the other.
    pub fn concat(&self, ids: &[TensorId]) -> Vec<i32> {
        ids.iter()
            .flat_map(|&id| self.get(id).iter().copied())
            .collect()
    }
}

/// Runs a program. `given` pairs inputs and hints with their values; every one must be given.
pub fn execute(program: &Program, given: &[(TensorId, Vec<i32>)]) -> Result<Trace, ExecError> {
    let mut trace = Trace {
        values: vec![Vec::new(); program.tensors.len()],
    };
    for (id, values) in given {
        let tensor = program.tensor(*id);
        if values.len() != tensor.len() {
            return Err(ExecError::InputLength {
                tensor: tensor.name.clone(),
                got: values.len(),
                expected: tensor.len(),
            });
        }
        for (index, &v) in values.iter().enumerate() {
            check_range("input", &tensor.name, index, v as i64, ACT_MIN, ACT_MAX)?;
        }
        trace.values[id.0 as usize] = values.clone();
    }
    for id in program.inputs.iter().chain(&program.hints) {
        let tensor = program.tensor(*id);
        if trace.get(*id).len() != tensor.len() {
            return Err(ExecError::InputLength {
                tensor: tensor.name.clone(),
                got: 0,
                expected: tensor.len(),
            });
        }
    }
    for op in &program.ops {
        let values = execute_op(program, op, &trace)?;
        if let Some(out) = op.kind.writes() {
            trace.values[out.0 as usize] = values;
        }
    }
    Ok(trace)
}

/// The values that one op writes (none for an assertion), given a trace that holds what it reads.
pub fn execute_op(program: &Program, op: &Op, trace: &Trace) -> Result<Vec<i32>, ExecError> {
    let run = Run { program, op, trace };
    match &op.kind {
        OpKind::Linear {
            x,
            w,
            bias,
            mul,
            bits,
            ..
        } => {
            let rows = trace.get(*x).len() / w.rows;
            let acc = product(trace.get(*x), &w.data, [rows, w.rows, w.cols]);
            let bias = |j: usize| bias.as_ref().map_or(0, |b| b[j]);
            run.narrow_all(
                acc.iter()
                    .enumerate()
                    .map(|(i, &a)| (a + bias(i % w.cols)) as i128 * *mul as i128),
                *bits,
            )
        }
        OpKind::MatMul {
            x, y, mul, bits, ..
        } => {
            let (xs, ys) = (&program.tensor(*x).shape, &program.tensor(*y).shape);
            let dims = [xs[1], xs[2], ys[2]];
            let acc = (0..xs[0]).flat_map(|b| {
                let x = &trace.get(*x)[b * dims[0] * dims[1]..][..dims[0] * dims[1]];
                let y = &trace.get(*y)[b * dims[1] * dims[2]..][..dims[1] * dims[2]];
                product(x, y, dims)
            });
            run.narrow_all(acc.map(|a| a as i128 * *mul as i128), *bits)
        }
        OpKind::Elementwise {
            a, b, coefs, form, ..
        } => {
            let accs = run.bilinear(*a, *b, coefs);
            match form {
                Form::Narrow(bits) => run.narrow_all(accs, *bits),
                Form::Wide => run.wide_all(accs),
            }
        }
        OpKind::Lookup { x, table, .. } => {
            let table = &program.tables[table.0 as usize].values;
            let at = |(i, &v): (usize, &i32)| {
                let name = &program.tensor(*x).name;
                check_range(&op.name, name, i, v as i64, -FUNC_OFFSET, FUNC_OFFSET - 1)?;
                Ok(table[(v as i64 + FUNC_OFFSET) as usize] as i32)
            };
            trace.get(*x).iter().enumerate().map(at).collect()
        }
        OpKind::Softmax {
            x,
            allowed,
            mul,
            exp,
            ..
        } => {
            let n = *program
                .tensor(*x)
                .shape
                .last()
                .expect("validated: at least one axis");
            let exp = &program.tables[exp.0 as usize].values;
            let mut out = Vec::new();
            for (r, row) in trace.get(*x).chunks(n).enumerate() {
                let ok = |i: usize| allowed.as_ref().is_none_or(|m| m[r * n + i]);
                let s = softmax_row(row, ok, *mul, exp);
                out.extend(run.wide_all(s.e.iter().map(|&e| e as i128 * s.inv))?);
            }
            Ok(out)
        }
        OpKind::RmsNorm {
            x,
            gain,
            bias,
            eps,
            log2_k,
            ..
        } => {
            let mut accs = Vec::new();
            for row in trace.get(*x).chunks(gain.len()) {
                let t = inverse_root(row, *eps, *log2_k);
                let acc =
                    |(i, &v): (usize, &i32)| v as i128 * t * gain[i] as i128 + bias[i] as i128;
                accs.extend(row.iter().enumerate().map(acc));
            }
            run.wide_all(accs.into_iter())
        }
        OpKind::ArgMax { x, .. } => {
            let n = *program
                .tensor(*x)
                .shape
                .last()
                .expect("validated: at least one axis");
            Ok(trace
                .get(*x)
                .chunks(n)
                .map(|row| argmax(row) as i32)
                .collect())
        }
        OpKind::Gather { ids, table, .. } => {
            let mut out = Vec::new();
            for (i, &id) in trace.get(*ids).iter().enumerate() {
                check_range(
                    &op.name,
                    &program.tensor(*ids).name,
                    i,
                    id as i64,
                    0,
                    table.rows as i64 - 1,
                )?;
                out.extend_from_slice(&table.data[id as usize * table.cols..][..table.cols]);
            }
            Ok(out)
        }
        OpKind::Rearrange { sources, map, .. } => {
            let at = |s: &Source| match *s {
                Source::Cell { tensor, index } => {
                    trace.get(sources[tensor as usize])[index as usize]
                }
                Source::Const(c) => c as i32,
            };
            Ok(map.iter().map(at).collect())
        }
        OpKind::AssertZero { a, b, coefs } => {
            for (index, value) in run.bilinear(*a, *b, coefs).enumerate() {
                if value != 0 {
                    return Err(ExecError::Assertion {
                        op: op.name.clone(),
                        index,
                        value,
                    });
                }
            }
            Ok(Vec::new())
        }
    }
}

/// The intermediate values of one softmax row; positions not allowed hold 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoftmaxRow {
    /// The maximum.
    pub max: i32,
    /// Exponentials.
    pub e: Vec<i32>,
    /// Their sum.
    pub sum: i128,
    /// `floor(2^46 / sum)`.
    pub inv: i128,
}

/// One row of [`OpKind::Softmax`] up to the reciprocal.
pub fn softmax_row(
    row: &[i32],
    allowed: impl Fn(usize) -> bool,
    mul: i64,
    exp: &[i16],
) -> SoftmaxRow {
    let live = |i: &usize| allowed(*i);
    let max = (0..row.len())
        .filter(live)
        .map(|i| row[i])
        .max()
        .expect("validated: no row is masked whole");
    let e: Vec<i32> = (0..row.len())
        .map(|i| {
            if allowed(i) {
                exp[exp_index(max, row[i], mul)] as i32
            } else {
                0
            }
        })
        .collect();
    let sum: i128 = e.iter().map(|&v| v as i128).sum();
    SoftmaxRow {
        max,
        e,
        sum,
        inv: (1i128 << SOFTMAX_SHIFT) / sum,
    }
}

/// The table index of `exp(x − max)`.
pub fn exp_index(max: i32, x: i32, mul: i64) -> usize {
    let v = ((max as i128 - x as i128) * mul as i128 + (1 << (NARROW_SHIFT - 1))) >> NARROW_SHIFT;
    v.clamp(0, FUNC_SIZE as i128 - 1) as usize
}

/// `floor(sqrt(2^log2_k / (Σ x² + eps)))` of a row.
pub fn inverse_root(row: &[i32], eps: i64, log2_k: u32) -> i128 {
    let v: u128 = row
        .iter()
        .map(|&x| (x as i64 * x as i64) as u128)
        .sum::<u128>()
        + eps as u128;
    isqrt((1u128 << log2_k) / v) as i128
}

/// Lowest index of the largest element.
pub fn argmax(row: &[i32]) -> usize {
    let mut best = 0;
    for (i, &v) in row.iter().enumerate() {
        if v > row[best] {
            best = i;
        }
    }
    best
}

/// `[t, n] × [n, m]` with exact accumulators (below 2^63 by validation).
fn product(x: &[i32], w: &[i32], [t, n, m]: [usize; 3]) -> Vec<i64> {
    let mut acc = vec![0i64; t * m];
    for (row, out) in x.chunks_exact(n.max(1)).zip(acc.chunks_exact_mut(m.max(1))) {
        for (&v, weights) in row.iter().zip(w.chunks_exact(m.max(1))) {
            for (o, &w) in out.iter_mut().zip(weights) {
                *o += v as i64 * w as i64;
            }
        }
    }
    acc
}

fn check_range(
    op: &str,
    tensor: &str,
    index: usize,
    value: i64,
    low: i64,
    high: i64,
) -> Result<(), ExecError> {
    if value < low || value > high {
        let (op, tensor) = (op.to_owned(), tensor.to_owned());
        return Err(ExecError::Range {
            op,
            tensor,
            index,
            value,
            low,
            high,
        });
    }
    Ok(())
}

/// One op with what its errors name.
struct Run<'a> {
    program: &'a Program,
    op: &'a Op,
    trace: &'a Trace,
}

impl<'a> Run<'a> {
    fn bilinear(
        &self,
        a: TensorId,
        b: Option<TensorId>,
        coefs: &'a crate::Coefs,
    ) -> impl Iterator<Item = i128> + use<'a> {
        let (a, b) = (self.trace.get(a), b.map(|b| self.trace.get(b)));
        a.iter()
            .enumerate()
            .map(move |(i, &v)| coefs.eval(i, v as i64, b.map_or(0, |b| b[i] as i64)))
    }

    fn narrow_all(
        &self,
        accs: impl Iterator<Item = i128>,
        bits: ClampBits,
    ) -> Result<Vec<i32>, ExecError> {
        let half = 1i64 << (bits.bits() - 1);
        accs.enumerate()
            .map(|(i, acc)| {
                Ok(narrow(acc, bits)
                    .map_err(|v| self.overflow(i, v, -half, half - 1))?
                    .y as i32)
            })
            .collect()
    }

    fn wide_all(&self, accs: impl Iterator<Item = i128>) -> Result<Vec<i32>, ExecError> {
        accs.enumerate()
            .map(|(i, acc)| {
                Ok(wide(acc)
                    .map_err(|v| self.overflow(i, v, ACT_MIN, ACT_MAX))?
                    .0 as i32)
            })
            .collect()
    }

    fn overflow(&self, index: usize, value: i128, low: i64, high: i64) -> ExecError {
        let tensor = self
            .op
            .kind
            .writes()
            .map_or(String::new(), |id| self.program.tensor(id).name.clone());
        ExecError::Overflow {
            op: self.op.name.clone(),
            tensor,
            index,
            value,
            low,
            high,
        }
    }
}
