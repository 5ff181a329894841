//! What can be wrong with a model file, each with the place where it is.

use std::path::PathBuf;

/// The ONNX operators that can be imported (others only where they act on constants, see [`FOLDABLE`]). `Celu` is not
/// among them because tract 0.23.9 computes it wrongly (it leaves the factor α out).
pub(super) const SUPPORTED: &[&str] = &[
    "Abs",
    "Add",
    "ArgMax",
    "Cast",
    "CastLike",
    "Clip",
    "Concat",
    "Constant",
    "ConstantOfShape",
    "Div",
    "Dropout",
    "Einsum",
    "Erf",
    "Exp",
    "Expand",
    "Flatten",
    "Gather",
    "GatherND",
    "Gelu",
    "Gemm",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "IsNaN",
    "LayerNormalization",
    "LeakyRelu",
    "Log",
    "LpNormalization",
    "MatMul",
    "Max",
    "Mean",
    "Min",
    "Mish",
    "Mul",
    "Neg",
    "Pad",
    "Pow",
    "RMSNormalization",
    "Reciprocal",
    "ReduceL2",
    "ReduceMean",
    "ReduceSum",
    "ReduceSumSquare",
    "Relu",
    "Reshape",
    "Sigmoid",
    "Slice",
    "Softmax",
    "Softplus",
    "Softsign",
    "Split",
    "Sqrt",
    "Squeeze",
    "Sub",
    "Sum",
    "Swish",
    "Tanh",
    "Tile",
    "Transpose",
    "Unsqueeze",
    "Where",
];

/// Operators of masks, positions and shapes: accepted where their inputs are constants, so that they fold away.
/// `ReduceMax` also inside a decomposed softmax.
pub(super) const FOLDABLE: &[&str] = &[
    "And",
    "Cos",
    "CumSum",
    "Equal",
    "EyeLike",
    "Floor",
    "GatherElements",
    "Greater",
    "GreaterOrEqual",
    "Less",
    "LessOrEqual",
    "Mod",
    "Not",
    "OneHot",
    "Or",
    "Range",
    "ReduceMax",
    "ReduceMin",
    "ReduceProd",
    "ScatterND",
    "Shape",
    "Sin",
    "Size",
    "Trilu",
    "Xor",
];

/// Why a model was not imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Not an ONNX file, or one cut short or damaged.
    #[error("malformed ONNX file: {reason}")]
    Malformed {
        /// What does not hold.
        reason: String,
    },
    /// A model input whose shape is not fixed.
    #[error(
        "input `{input}`: axis {axis} is dynamic (`{dim}`); export the model with static shapes"
    )]
    DynamicShape {
        /// The input.
        input: String,
        /// The axis.
        axis: usize,
        /// Its symbolic length, or `?`.
        dim: String,
    },
    /// A value inside the model whose shape depends on data.
    #[error("`{value}` has no static shape ({shape}); export the model with static shapes")]
    DynamicValue {
        /// The value.
        value: String,
        /// The shape as far as it is known.
        shape: String,
    },
    /// An operator that is not supported, or not in this use.
    #[error(
        "node `{node}`: operator {operator} is not supported: {reason}. Supported: {}",
        supported()
    )]
    Unsupported {
        /// The node.
        node: String,
        /// The operator.
        operator: String,
        /// What about it.
        reason: String,
    },
    /// `Attention` and its relatives, which the ONNX library runs wrongly for boolean masks.
    #[error(
        "node `{node}`: operator {operator} is not supported (boolean masks would be computed wrongly); export with \
         attn_implementation=\"eager\" or opset 20"
    )]
    Attention {
        /// The node.
        node: String,
        /// The operator.
        operator: String,
    },
    /// An operator of another domain than ONNX's own.
    #[error("node `{node}`: operator {operator} is of the foreign domain `{domain}`")]
    ForeignDomain {
        /// The node.
        node: String,
        /// The operator.
        operator: String,
        /// Its domain.
        domain: String,
    },
    /// Model-local functions.
    #[error("the model defines function `{name}`; functions must be inlined before import")]
    Function {
        /// The first function.
        name: String,
    },
    /// An element type that is not supported.
    #[error("`{tensor}` has element type {found}; export the model in float32 (`model.float()`)")]
    ElementType {
        /// The tensor, input or node.
        tensor: String,
        /// Its type.
        found: String,
    },
    /// A weight that is NaN or infinite, or a mask value outside a softmax.
    #[error("tensor `{tensor}` holds {value} at index {index}")]
    NonFinite {
        /// The tensor.
        tensor: String,
        /// Position in row-major order.
        index: usize,
        /// The value.
        value: f32,
    },
    /// An attention mask that forbids every position of a row: its softmax is not defined.
    #[error("softmax `{node}`: row {row} is masked as a whole")]
    MaskedRow {
        /// The softmax.
        node: String,
        /// The row, in row-major order of all but the last axis.
        row: usize,
    },
    /// A tensor too large to be meant.
    #[error(
        "`{value}` has shape {shape:?}, more than {} elements",
        super::MAX_ELEMENTS
    )]
    TooLarge {
        /// The value.
        value: String,
        /// Its shape.
        shape: Vec<usize>,
    },
    /// Operands whose shapes do not fit.
    #[error("node `{node}`: shapes {shapes:?} do not fit its operator")]
    Shapes {
        /// The node.
        node: String,
        /// The operands' shapes.
        shapes: Vec<Vec<usize>>,
    },
    /// The ONNX library refused the model.
    #[error("the model cannot be read ({stage}): {reason}")]
    Library {
        /// What it was doing.
        stage: &'static str,
        /// Its reason.
        reason: String,
    },
}

impl ImportError {
    pub(super) fn malformed(reason: impl Into<String>) -> Self {
        Self::Malformed {
            reason: reason.into(),
        }
    }

    pub(super) fn unsupported(
        node: &str,
        operator: impl Into<String>,
        reason: impl Into<String>,
    ) -> Self {
        Self::Unsupported {
            node: node.to_owned(),
            operator: operator.into(),
            reason: reason.into(),
        }
    }
}

fn supported() -> String {
    format!(
        "{}; on constants also {}",
        SUPPORTED.join(", "),
        FOLDABLE.join(", ")
    )
}
