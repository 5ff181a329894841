//! The typed float graph between import and quantization: a small set of operators that exported transformers and
//! MLPs reduce to. `import` makes it, `quantize` reads it, [`Graph::run`] (in `reference`) evaluates it in f32.

use std::sync::Arc;

/// Index of a value in [`Graph::values`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueId(pub usize);

/// Element type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtype {
    /// Real numbers, f32 in the reference.
    Float,
    /// Token ids.
    Int,
}

/// A value: the result of one node.
#[derive(Clone, Debug)]
pub struct Value {
    /// The ONNX (or tract) name; unique.
    pub name: String,
    /// Static shape.
    pub shape: Vec<usize>,
    /// Element type.
    pub dtype: Dtype,
}

/// A scalar-to-scalar function. Chains of them (and of arithmetic with constants) become one table lookup.
#[derive(Clone, Debug, PartialEq)]
pub enum Unary {
    /// max(x, 0)
    Relu,
    /// tanh x
    Tanh,
    /// The error function.
    Erf,
    /// 1/(1+e^−x)
    Sigmoid,
    /// x·sigmoid(x)
    Silu,
    /// x·Φ(x) with erf
    GeluExact,
    /// The tanh approximation of GELU.
    GeluTanh,
    /// e^x
    Exp,
    /// ln x
    Log,
    /// √x
    Sqrt,
    /// 1/√x
    Rsqrt,
    /// 1/x
    Recip,
    /// |x|
    Abs,
    /// x^n for a constant n
    Pow(f32),
    /// a·x + b
    Affine(f32, f32),
    /// min(max(x, lo), hi)
    Clip(f32, f32),
    /// f(x)·g(x): both factors are chains of the same x (an expanded GELU).
    Product(Vec<Unary>, Vec<Unary>),
    /// f(x)+g(x)
    Sum(Vec<Unary>, Vec<Unary>),
}

/// An operator. Axes are non-negative and static; shapes are known.
#[derive(Clone, Debug)]
pub enum GraphOp {
    /// A model input.
    Input,
    /// A constant, row-major; token-id constants are whole floats.
    Const(Arc<Vec<f32>>),
    /// `[.., t, n] × [.., n, m]`, equal rank ≥ 2, batch axes equal or 1.
    MatMul,
    /// Elementwise, NumPy broadcasting.
    Add,
    /// Elementwise, NumPy broadcasting.
    Sub,
    /// Elementwise, NumPy broadcasting.
    Mul,
    /// A chain of scalar functions, applied first to last.
    Unary(Vec<Unary>),
    /// Over the last axis; positions whose mask is false get probability 0. The mask has the input's shape. A second
    /// operand of that shape is a mask that depends on the input: 1 where allowed, 0 where not.
    Softmax {
        /// Allowed positions.
        allowed: Option<Arc<Vec<bool>>>,
    },
    /// `x / sqrt(mean(x²) + eps)` over the last axis, no gain.
    RmsNorm {
        /// Added to the mean of squares.
        eps: f32,
    },
    /// `(x − mean) / sqrt(var + eps)` over the last axis, no gain, no bias.
    LayerNorm {
        /// Added to the variance.
        eps: f32,
    },
    /// Sum over some axes, which stay with length 1.
    ReduceSum {
        /// The axes.
        axes: Vec<usize>,
    },
    /// Index of the largest element of the last axis, which disappears; ties to the lowest.
    ArgMax,
    /// Rows of a constant table `[vocab, d]` (first input) by ids (second input).
    Gather,
    /// Same elements, other shape.
    Reshape,
    /// Permutes axes: output axis i is input axis `perm[i]`.
    Transpose {
        /// The permutation.
        perm: Vec<usize>,
    },
    /// `start..end` of one axis.
    Slice {
        /// The axis.
        axis: usize,
        /// First index.
        start: usize,
        /// One past the last index.
        end: usize,
    },
    /// Joins the inputs along an axis.
    Concat {
        /// The axis.
        axis: usize,
    },
    /// Repeats axes of length 1 up to the output's shape (equal rank).
    Broadcast,
}

/// One step.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it does.
    pub op: GraphOp,
    /// What it reads.
    pub inputs: Vec<ValueId>,
    /// What it writes; its name is the node's name in errors.
    pub output: ValueId,
}

/// A model: nodes in topological order.
#[derive(Clone, Debug)]
pub struct Graph {
    /// All values.
    pub values: Vec<Value>,
    /// All nodes.
    pub nodes: Vec<Node>,
    /// Model inputs in ONNX order.
    pub inputs: Vec<ValueId>,
    /// Model outputs in ONNX order.
    pub outputs: Vec<ValueId>,
}
