//! The typed integer program. Data only: semantics in `execute`, well-formedness in `validate`.

use serde::{Deserialize, Serialize};

/// Index of a tensor in [`Program::tensors`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TensorId(pub u32);

/// Index of a function table in [`Program::tables`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TableId(pub u32);

/// Binary scale of a tensor: the integer `x` stands for `x / 2^scale`. Token ids have scale 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Scale(pub i8);

/// A tensor of activations, row-major.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tensor {
    /// Name of the ONNX value (or of the lowering step) it stems from; unique.
    pub name: String,
    /// Shape; the empty shape is a scalar with one element.
    pub shape: Vec<usize>,
    /// What the integers stand for.
    pub scale: Scale,
}

impl Tensor {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A constant matrix, row-major `[rows, cols]`: weights, in fixed columns of the circuit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matrix {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
    /// `rows * cols` integers.
    pub data: Vec<i32>,
}

/// A function on [`crate::FUNC_BITS`]-bit arguments: index = argument + 2^13, or the raw index for softmax.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// What function it is, with its scales, for people.
    pub name: String,
    /// `FUNC_SIZE` activations.
    pub values: Vec<i16>,
}

/// Where a narrow rescale clamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ClampBits {
    /// To an activation (16 bits).
    Act,
    /// To the argument of a function table (14 bits).
    Func,
}

impl ClampBits {
    /// Width in bits.
    pub fn bits(self) -> u32 {
        match self {
            ClampBits::Act => crate::ACT_BITS,
            ClampBits::Func => crate::FUNC_BITS,
        }
    }
}

/// Coefficients of `ab·a·b + a·a + b·b + one` for each element; a vector of length 1 holds for all elements.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coefs {
    /// Of the product.
    pub ab: Vec<i64>,
    /// Of the first operand.
    pub a: Vec<i64>,
    /// Of the second operand.
    pub b: Vec<i64>,
    /// The constant.
    pub one: Vec<i64>,
}

impl Coefs {
    /// The same four coefficients for every element.
    pub fn uniform(ab: i64, a: i64, b: i64, one: i64) -> Self {
        Coefs {
            ab: vec![ab],
            a: vec![a],
            b: vec![b],
            one: vec![one],
        }
    }

    /// The four coefficients of element `i`.
    pub fn at(&self, i: usize) -> (i64, i64, i64, i64) {
        let pick = |v: &[i64]| if v.len() == 1 { v[0] } else { v[i] };
        (
            pick(&self.ab),
            pick(&self.a),
            pick(&self.b),
            pick(&self.one),
        )
    }

    /// The accumulator of element `i` for operands `a` and `b`.
    pub fn eval(&self, i: usize, a: i64, b: i64) -> i128 {
        let (ab, ca, cb, one) = self.at(i);
        ab as i128 * a as i128 * b as i128
            + ca as i128 * a as i128
            + cb as i128 * b as i128
            + one as i128
    }
}

/// How an accumulator becomes an activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Form {
    /// Shift by 16 bits, saturating ([`crate::narrow`]).
    Narrow(ClampBits),
    /// Shift by 32 bits, must fit ([`crate::wide`]).
    Wide,
}

/// One element of a rearranged tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// Element `index` of the `tensor`-th source.
    Cell {
        /// Position in the op's list of sources.
        tensor: u16,
        /// Flat element index.
        index: u32,
    },
    /// A constant.
    Const(i16),
}

/// One step of a program. `x`, `y`, `a`, `b` are operands, `out` the result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Op {
    /// Name of the ONNX node(s) it implements.
    pub name: String,
    /// What it does.
    pub kind: OpKind,
}

/// The operators. Each has a gadget in the layer circuit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "operand names are explained once, at `Op`")]
pub enum OpKind {
    /// `out[t,j] = narrow((Σ_i x[t,i]·w[i,j] + bias[j])·mul)`; x `[rows, n]`, w `[n, m]`, out `[rows, m]`.
    Linear {
        x: TensorId,
        w: Matrix,
        bias: Option<Vec<i64>>,
        mul: i64,
        bits: ClampBits,
        out: TensorId,
    },
    /// `out[b,t,j] = narrow((Σ_i x[b,t,i]·y[b,i,j])·mul)`; x `[b,t,n]`, y `[b,n,m]`.
    MatMul {
        x: TensorId,
        y: TensorId,
        mul: i64,
        bits: ClampBits,
        out: TensorId,
    },
    /// `out[i] = form(ab·a[i]·b[i] + ca·a[i] + cb·b[i] + one)`, same element count; without `b`, b = 0.
    Elementwise {
        a: TensorId,
        b: Option<TensorId>,
        coefs: Coefs,
        form: Form,
        out: TensorId,
    },
    /// `out[i] = table[x[i] + 2^13]`, −2^13 ≤ x < 2^13.
    Lookup {
        x: TensorId,
        table: TableId,
        out: TensorId,
    },
    /// Over the last axis of x `[rows, n]`, among the allowed positions: `M = max x`,
    /// `u_i = clamp(((M − x_i)·mul + 2^15) >> 16, 0, 2^14 − 1)`, `e_i = exp[u_i]`, `S = Σ e_i`,
    /// `inv = ⌊2^46 / S⌋`, `out_i = wide(e_i·inv)` (scale 14). Positions not allowed give 0.
    Softmax {
        x: TensorId,
        allowed: Option<Vec<bool>>,
        mul: i64,
        exp: TableId,
        out: TensorId,
    },
    /// Over the last axis of x `[rows, n]`: `v = Σ x_i² + eps`, `t = ⌊sqrt(2^log2_k / v)⌋`,
    /// `out_i = wide(x_i·t·gain_i + bias_i)`.
    RmsNorm {
        x: TensorId,
        gain: Vec<i64>,
        bias: Vec<i64>,
        eps: i64,
        log2_k: u32,
        out: TensorId,
    },
    /// `out[r] = ` lowest index of the largest of x`[r, ..]`; x `[rows, n]`, n ≤ 2^15.
    ArgMax { x: TensorId, out: TensorId },
    /// `out[t, ..] = table[ids[t], ..]`; table `[vocab, d]` of activations, vocab ≤ 2^15.
    Gather {
        ids: TensorId,
        table: Matrix,
        out: TensorId,
    },
    /// Pure wiring: `out[i] = map[i]`.
    Rearrange {
        sources: Vec<TensorId>,
        map: Vec<Source>,
        out: TensorId,
    },
    /// The statement `ab·a[i]·b[i] + ca·a[i] + cb·b[i] + one = 0` for every i.
    AssertZero {
        a: TensorId,
        b: Option<TensorId>,
        coefs: Coefs,
    },
}

impl OpKind {
    /// The tensors it reads.
    pub fn reads(&self) -> Vec<TensorId> {
        match self {
            OpKind::Linear { x, .. }
            | OpKind::Lookup { x, .. }
            | OpKind::Softmax { x, .. }
            | OpKind::RmsNorm { x, .. }
            | OpKind::ArgMax { x, .. } => vec![*x],
            OpKind::MatMul { x, y, .. } => vec![*x, *y],
            OpKind::Elementwise { a, b, .. } | OpKind::AssertZero { a, b, .. } => {
                std::iter::once(*a).chain(*b).collect()
            }
            OpKind::Gather { ids, .. } => vec![*ids],
            OpKind::Rearrange { sources, .. } => sources.clone(),
        }
    }

    /// The tensor it writes, if any.
    pub fn writes(&self) -> Option<TensorId> {
        match self {
            OpKind::Linear { out, .. }
            | OpKind::MatMul { out, .. }
            | OpKind::Elementwise { out, .. }
            | OpKind::Lookup { out, .. }
            | OpKind::Softmax { out, .. }
            | OpKind::RmsNorm { out, .. }
            | OpKind::ArgMax { out, .. }
            | OpKind::Gather { out, .. }
            | OpKind::Rearrange { out, .. } => Some(*out),
            OpKind::AssertZero { .. } => None,
        }
    }

    /// The operator's name.
    pub fn label(&self) -> &'static str {
        match self {
            OpKind::Linear { .. } => "Linear",
            OpKind::MatMul { .. } => "MatMul",
            OpKind::Elementwise { .. } => "Elementwise",
            OpKind::Lookup { .. } => "Lookup",
            OpKind::Softmax { .. } => "Softmax",
            OpKind::RmsNorm { .. } => "RmsNorm",
            OpKind::ArgMax { .. } => "ArgMax",
            OpKind::Gather { .. } => "Gather",
            OpKind::Rearrange { .. } => "Rearrange",
            OpKind::AssertZero { .. } => "AssertZero",
        }
    }
}

/// What the statement says beside "these outputs belong to these inputs".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Task {
    /// Inputs in, outputs out.
    Infer,
    /// Greedy decoding of a causal language model, certified in one pass. Inputs are `[p]`, `[n]` and the prompt
    /// (`[seq_len]`, 0 from p on); the output is the answer (`[seq_len]`, 0 outside p ≤ t < p + n). The program's
    /// hints are the sequence and the indicators `[t ≥ p]` and `[t ≥ p + n]`.
    Generate {
        /// Static sequence length.
        seq_len: usize,
        /// Number of token ids.
        vocab: usize,
        /// The hint that holds the whole sequence, `[seq_len]`.
        sequence: TensorId,
        /// The arg-max of each position's logits, `[seq_len]`.
        argmax: TensorId,
    },
}

/// A compiled model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// All tensors.
    pub tensors: Vec<Tensor>,
    /// All function tables.
    pub tables: Vec<Table>,
    /// The steps, each reading only inputs, hints and earlier results.
    pub ops: Vec<Op>,
    /// Public inputs, in the order in which they are packed.
    pub inputs: Vec<TensorId>,
    /// Tensors that the prover chooses freely (activations, nothing else is known of them).
    pub hints: Vec<TensorId>,
    /// Public outputs, in the order in which they are packed.
    pub outputs: Vec<TensorId>,
    /// What is stated.
    pub task: Task,
}

impl Program {
    /// The tensor with this id.
    pub fn tensor(&self, id: TensorId) -> &Tensor {
        &self.tensors[id.0 as usize]
    }

    /// Number of values in a list of tensors.
    pub fn value_count(&self, ids: &[TensorId]) -> usize {
        ids.iter().map(|&id| self.tensor(id).len()).sum()
    }
}
