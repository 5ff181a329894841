//! The float reference: evaluates a [`Graph`] in f32, one value after the other. It is what calibration looks at and
//! what the fidelity report compares with; the import folds constants with the same code.

use std::sync::Arc;

use crate::graph::{Dtype, Graph, GraphOp};
use crate::tensor::{strides, walk};
use crate::unary::eval_chain;

/// Why a graph could not be evaluated on given inputs.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// Another number of input tensors than the model has.
    #[error("the model has {expected} inputs, {got} were given")]
    InputCount {
        /// Inputs of the model.
        expected: usize,
        /// Inputs given.
        got: usize,
    },
    /// An input tensor of another size.
    #[error("input `{name}` has {expected} elements, {got} were given")]
    InputSize {
        /// The input.
        name: String,
        /// Elements of the model's input.
        expected: usize,
        /// Elements given.
        got: usize,
    },
    /// A float input that is NaN or infinite, or an integer input that is not a whole number.
    #[error("input `{name}` holds {value} at index {index}")]
    InputValue {
        /// The input.
        name: String,
        /// Position in row-major order.
        index: usize,
        /// The value.
        value: f32,
    },
    /// A token id outside the table it is looked up in.
    #[error("`{name}` looks up row {id} at position {index} of a table with {rows} rows")]
    TokenRange {
        /// The lookup.
        name: String,
        /// Position of the id in row-major order.
        index: usize,
        /// The id.
        id: f32,
        /// Rows of the table.
        rows: usize,
    },
}

impl Graph {
    /// Evaluates the model; the result holds every value, indexed by [`ValueId`](crate::ValueId).
    pub fn run(&self, inputs: &[Vec<f32>]) -> Result<Vec<Vec<f32>>, RunError> {
        self.check_inputs(inputs)?;
        let mut values: Vec<Vec<f32>> = vec![Vec::new(); self.values.len()];
        for (id, data) in self.inputs.iter().zip(inputs) {
            values[id.0] = data.clone();
        }
        for node in &self.nodes {
            if matches!(node.op, GraphOp::Input) {
                continue;
            }
            let out = &self.values[node.output.0];
            let operands: Vec<Operand> = node
                .inputs
                .iter()
                .map(|v| Operand {
                    data: &values[v.0],
                    shape: &self.values[v.0].shape,
                })
                .collect();
            let result = eval_op(&node.op, &operands, &out.shape);
            values[node.output.0] = result.map_err(|bad| bad.named(&out.name))?;
        }
        Ok(values)
    }

    /// [`Graph::run`], and then only the model's outputs.
    pub fn run_outputs(&self, inputs: &[Vec<f32>]) -> Result<Vec<Vec<f32>>, RunError> {
        let mut values = self.run(inputs)?;
        // Outputs are distinct values (the import sees to it), so that taking is enough.
        Ok(self
            .outputs
            .iter()
            .map(|id| std::mem::take(&mut values[id.0]))
            .collect())
    }

    fn check_inputs(&self, inputs: &[Vec<f32>]) -> Result<(), RunError> {
        if inputs.len() != self.inputs.len() {
            return Err(RunError::InputCount {
                expected: self.inputs.len(),
                got: inputs.len(),
            });
        }
        for (id, data) in self.inputs.iter().zip(inputs) {
            let value = &self.values[id.0];
            let expected = value.shape.iter().product();
            if data.len() != expected {
                let name = value.name.clone();
                return Err(RunError::InputSize {
                    name,
                    expected,
                    got: data.len(),
                });
            }
            let fits = |x: f32| match value.dtype {
                Dtype::Float => x.is_finite(),
                Dtype::Int => x.is_finite() && x.fract() == 0.0,
            };
            if let Some(index) = data.iter().position(|&x| !fits(x)) {
                let name = value.name.clone();
                return Err(RunError::InputValue {
                    name,
                    index,
                    value: data[index],
                });
            }
        }
        Ok(())
    }
}

/// An operand: row-major data and its shape.
#[derive(Clone, Copy)]
pub(crate) struct Operand<'a> {
    pub(crate) data: &'a [f32],
    pub(crate) shape: &'a [usize],
}

/// A lookup outside its table: position, id, number of rows.
#[derive(Debug)]
pub(crate) struct BadToken(usize, f32, usize);

impl BadToken {
    fn named(self, name: &str) -> RunError {
        let BadToken(index, id, rows) = self;
        RunError::TokenRange {
            name: name.to_owned(),
            index,
            id,
            rows,
        }
    }
}

/// One operator. Shapes have been checked when the graph was made.
pub(crate) fn eval_op(
    op: &GraphOp,
    inputs: &[Operand],
    out: &[usize],
) -> Result<Vec<f32>, BadToken> {
    Ok(match op {
        GraphOp::Input => Vec::new(),
        GraphOp::Const(data) => Arc::unwrap_or_clone(data.clone()),
        GraphOp::MatMul => matmul(inputs[0], inputs[1], out),
        GraphOp::Add => elementwise(inputs[0], inputs[1], out, |a, b| a + b),
        GraphOp::Sub => elementwise(inputs[0], inputs[1], out, |a, b| a - b),
        GraphOp::Mul => elementwise(inputs[0], inputs[1], out, |a, b| a * b),
        GraphOp::Unary(chain) => inputs[0]
            .data
            .iter()
            .map(|&x| eval_chain(chain, f64::from(x)) as f32)
            .collect(),
        GraphOp::Softmax { allowed } => {
            let mask = inputs.get(1).map(|m| m.data);
            softmax(inputs[0], |i| {
                allowed.as_ref().is_none_or(|a| a[i]) && mask.is_none_or(|m| m[i] != 0.0)
            })
        }
        GraphOp::RmsNorm { eps } => by_row(inputs[0], |row| rms_norm(row, 0.0, *eps)),
        GraphOp::LayerNorm { eps } => by_row(inputs[0], |row| {
            let mean = row.iter().map(|&x| f64::from(x)).sum::<f64>() / row.len() as f64;
            rms_norm(row, mean, *eps)
        }),
        GraphOp::ReduceSum { axes } => reduce_sum(inputs[0], axes, out),
        GraphOp::ArgMax => rows(inputs[0]).map(argmax).collect(),
        GraphOp::Gather => gather(inputs[0], inputs[1])?,
        GraphOp::Reshape => inputs[0].data.to_vec(),
        GraphOp::Transpose { perm } => transpose(inputs[0], perm, out),
        GraphOp::Slice { axis, start, end } => slice(inputs[0], *axis, *start, *end),
        GraphOp::Concat { axis } => concat(inputs, *axis),
        GraphOp::Broadcast => broadcast(inputs[0], out),
    })
}

fn rows<'a>(x: Operand<'a>) -> impl Iterator<Item = &'a [f32]> {
    x.data.chunks(x.shape.last().copied().unwrap_or(1).max(1))
}

fn by_row(x: Operand, f: impl Fn(&[f32]) -> Vec<f32>) -> Vec<f32> {
    rows(x).flat_map(f).collect()
}

fn matmul(a: Operand, b: Operand, out: &[usize]) -> Vec<f32> {
    let rank = out.len();
    let (t, m) = (out[rank - 2], out[rank - 1]);
    let n = a.shape[rank - 1];
    let batch = &out[..rank - 2];
    let (step_a, step_b) = (
        strides(&a.shape[..rank - 2], batch),
        strides(&b.shape[..rank - 2], batch),
    );
    let mut y = vec![0.0; out.iter().product()];
    let mut tiles = y.chunks_mut((t * m).max(1));
    walk(batch, [&step_a, &step_b], |[i, j]| {
        let Some(tile) = tiles.next() else { return };
        let (a, b) = (&a.data[i * t * n..][..t * n], &b.data[j * n * m..][..n * m]);
        for (row, out_row) in a.chunks(n.max(1)).zip(tile.chunks_mut(m.max(1))) {
            for (&x, weights) in row.iter().zip(b.chunks(m.max(1))) {
                for (y, w) in out_row.iter_mut().zip(weights) {
                    *y += x * w;
                }
            }
        }
    });
    y
}

pub(crate) fn elementwise(
    a: Operand,
    b: Operand,
    out: &[usize],
    f: impl Fn(f32, f32) -> f32,
) -> Vec<f32> {
    if a.shape == b.shape {
        return a.data.iter().zip(b.data).map(|(&a, &b)| f(a, b)).collect();
    }
    let mut y = Vec::with_capacity(out.iter().product());
    walk(
        out,
        [&strides(a.shape, out), &strides(b.shape, out)],
        |[i, j]| {
            y.push(f(a.data[i], b.data[j]));
        },
    );
    y
}

/// A row with nothing allowed is 0.
fn softmax(x: Operand, allowed: impl Fn(usize) -> bool) -> Vec<f32> {
    let width = x.shape.last().copied().unwrap_or(1).max(1);
    let mut y = Vec::with_capacity(x.data.len());
    for (r, row) in rows(x).enumerate() {
        let open = |i: usize| allowed(r * width + i);
        let open_values = row
            .iter()
            .enumerate()
            .filter(|&(i, _)| open(i))
            .map(|(_, &v)| v);
        let max = open_values.fold(f32::NEG_INFINITY, f32::max);
        let exp = |i: usize, v: f32| {
            if open(i) {
                f64::from(v - max).exp()
            } else {
                0.0
            }
        };
        let powers: Vec<f64> = row.iter().enumerate().map(|(i, &v)| exp(i, v)).collect();
        let sum: f64 = powers.iter().sum();
        let sum = if sum > 0.0 { sum } else { 1.0 };
        y.extend(powers.iter().map(|p| (p / sum) as f32));
    }
    y
}

fn rms_norm(row: &[f32], mean: f64, eps: f32) -> Vec<f32> {
    let centred = row.iter().map(|&x| f64::from(x) - mean);
    let square = centred.clone().map(|x| x * x).sum::<f64>() / row.len() as f64;
    let scale = 1.0 / (square + f64::from(eps)).sqrt();
    // A row of zeros with eps = 0 (or one that f32 rounds to 0) stays zero, as every normalisation defines it.
    let scale = if scale.is_finite() { scale } else { 0.0 };
    centred.map(|x| (x * scale) as f32).collect()
}

fn reduce_sum(x: Operand, axes: &[usize], out: &[usize]) -> Vec<f32> {
    let mut sums = vec![0.0f64; out.iter().product()];
    let mut kept = strides(out, out);
    axes.iter().for_each(|&a| kept[a] = 0);
    walk(x.shape, [&strides(x.shape, x.shape), &kept], |[i, j]| {
        sums[j] += f64::from(x.data[i])
    });
    sums.iter().map(|&s| s as f32).collect()
}

fn argmax(row: &[f32]) -> f32 {
    let mut best = 0;
    for (i, v) in row.iter().enumerate() {
        if *v > row[best] {
            best = i;
        }
    }
    best as f32
}

fn gather(table: Operand, ids: Operand) -> Result<Vec<f32>, BadToken> {
    let (count, width) = (table.shape[0], table.shape[1]);
    let mut y = Vec::with_capacity(ids.data.len() * width);
    for (index, &id) in ids.data.iter().enumerate() {
        if id < 0.0 || id >= count as f32 || id.fract() != 0.0 {
            return Err(BadToken(index, id, count));
        }
        y.extend_from_slice(&table.data[id as usize * width..][..width]);
    }
    Ok(y)
}

fn transpose(x: Operand, perm: &[usize], out: &[usize]) -> Vec<f32> {
    let source = strides(x.shape, x.shape);
    let moved: Vec<usize> = perm.iter().map(|&p| source[p]).collect();
    let mut y = Vec::with_capacity(x.data.len());
    walk(out, [&moved], |[i]| y.push(x.data[i]));
    y
}

fn slice(x: Operand, axis: usize, start: usize, end: usize) -> Vec<f32> {
    let inner: usize = x.shape[axis + 1..].iter().product();
    let block = x.shape[axis] * inner;
    let blocks = x.data.chunks(block.max(1));
    blocks
        .flat_map(|b| &b[start * inner..end * inner])
        .copied()
        .collect()
}

fn concat(inputs: &[Operand], axis: usize) -> Vec<f32> {
    let outer: usize = inputs[0].shape[..axis].iter().product();
    let mut y = Vec::new();
    for o in 0..outer {
        for x in inputs {
            let block: usize = x.shape[axis..].iter().product();
            y.extend_from_slice(&x.data[o * block..][..block]);
        }
    }
    y
}

fn broadcast(x: Operand, out: &[usize]) -> Vec<f32> {
    let mut y = Vec::with_capacity(out.iter().product());
    walk(out, [&strides(x.shape, out)], |[i]| y.push(x.data[i]));
    y
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(op: GraphOp, inputs: &[(&[f32], &[usize])], out: &[usize]) -> Vec<f32> {
        let operands: Vec<Operand> = inputs
            .iter()
            .map(|&(data, shape)| Operand { data, shape })
            .collect();
        eval_op(&op, &operands, out).expect("ids are in range")
    }

    #[test]
    fn matmul_broadcasts_its_batch() {
        let a: Vec<f32> = (0..8).map(|x| x as f32).collect();
        let y = run(
            GraphOp::MatMul,
            &[(&a, &[2, 2, 2]), (&[1., 2., 3., 4.], &[1, 2, 2])],
            &[2, 2, 2],
        );
        assert_eq!(y, [3., 4., 11., 16., 19., 28., 27., 40.]);
    }

    #[test]
    fn wiring() {
        let x: Vec<f32> = (0..6).map(|x| x as f32).collect();
        let t = run(
            GraphOp::Transpose { perm: vec![1, 0] },
            &[(&x, &[2, 3])],
            &[3, 2],
        );
        assert_eq!(t, [0., 3., 1., 4., 2., 5.]);
        let s = run(
            GraphOp::Slice {
                axis: 1,
                start: 1,
                end: 3,
            },
            &[(&x, &[2, 3])],
            &[2, 2],
        );
        assert_eq!(s, [1., 2., 4., 5.]);
        let c = run(
            GraphOp::Concat { axis: 1 },
            &[(&x, &[2, 3]), (&[8., 9.], &[2, 1])],
            &[2, 4],
        );
        assert_eq!(c, [0., 1., 2., 8., 3., 4., 5., 9.]);
        let b = run(GraphOp::Broadcast, &[(&[1., 2.], &[2, 1])], &[2, 2]);
        assert_eq!(b, [1., 1., 2., 2.]);
        let r = run(
            GraphOp::ReduceSum { axes: vec![0] },
            &[(&x, &[2, 3])],
            &[1, 3],
        );
        assert_eq!(r, [3., 5., 7.]);
        let add = run(
            GraphOp::Add,
            &[(&x, &[2, 3]), (&[10., 20.], &[2, 1])],
            &[2, 3],
        );
        assert_eq!(add, [10., 11., 12., 23., 24., 25.]);
    }

    #[test]
    fn rows_functions() {
        let mask = Some(Arc::new(vec![true, true, false]));
        let p = run(
            GraphOp::Softmax { allowed: mask },
            &[(&[1., 1., 9.], &[1, 3])],
            &[1, 3],
        );
        assert_eq!(p, [0.5, 0.5, 0.0]);
        let y = run(
            GraphOp::LayerNorm { eps: 0.0 },
            &[(&[1., 3.], &[1, 2])],
            &[1, 2],
        );
        assert_eq!(y, [-1.0, 1.0]);
        let y = run(
            GraphOp::RmsNorm { eps: 0.0 },
            &[(&[3., 3., 0., 0.], &[2, 2])],
            &[2, 2],
        );
        assert_eq!(y, [1.0, 1.0, 0.0, 0.0]);
        let y = run(
            GraphOp::ArgMax,
            &[(&[1., 7., 7., 0., 0., 0.], &[2, 3])],
            &[2],
        );
        assert_eq!(y, [1.0, 0.0]);
    }
}
