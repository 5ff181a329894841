//! What can go wrong between a float graph and an integer program, and between an input file and integers.

/// A model that cannot be quantized.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QuantizeError {
    /// There is nothing to measure ranges on.
    #[error("no calibration inputs: at least one is needed to choose scales")]
    NoCalibration,
    /// The float reference refused a calibration input.
    #[error("calibration input {sample}: {what}")]
    Reference {
        /// Index of the calibration input.
        sample: usize,
        /// The reference's message.
        what: String,
    },
    /// NaN or infinity in the float model.
    #[error(
        "{value}[{index}] is {found} on calibration input {sample}; every value must be finite"
    )]
    NotFinite {
        /// Name of the value.
        value: String,
        /// Flat index.
        index: usize,
        /// NaN or an infinity.
        found: f32,
        /// Index of the calibration input.
        sample: usize,
    },
    /// A use of an operator that cannot be lowered.
    #[error("node {node}: {what}")]
    Unsupported {
        /// Name of the node's output.
        node: String,
        /// What is found and what is supported.
        what: String,
    },
    /// The lowered program breaks a static bound.
    #[error("the lowered program is refused: {0}")]
    Program(#[from] halocast_ir::ProgramError),
}

/// An input that does not fit the model's declared inputs.
#[derive(Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum InputError {
    /// Not the documented JSON layout.
    #[error("expected {expected}, found {found}")]
    Layout {
        /// What should be there.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A model input is not given.
    #[error("input {name} is missing")]
    Missing {
        /// The input.
        name: String,
    },
    /// A name that is no model input.
    #[error("unknown input {name}; the model's inputs are {known}")]
    Unknown {
        /// The name found.
        name: String,
        /// The model's inputs, comma separated.
        known: String,
    },
    /// Nesting or lengths differ from the declared shape.
    #[error("input {name}: shape {found}, expected {expected:?}")]
    Shape {
        /// The input.
        name: String,
        /// The shape (or the raggedness) found.
        found: String,
        /// The declared shape.
        expected: Vec<usize>,
    },
    /// An element is no number, or no integer where a token id is wanted.
    #[error("input {name}[{index}]: {found} is not {expected}")]
    Type {
        /// The input.
        name: String,
        /// Flat index.
        index: usize,
        /// The element as JSON.
        found: String,
        /// What is wanted.
        expected: &'static str,
    },
    /// A token id outside the vocabulary.
    #[error("input {name}[{index}]: token id {found} is outside 0..{vocab}")]
    Token {
        /// The input.
        name: String,
        /// Flat index.
        index: usize,
        /// The id found.
        found: i64,
        /// Number of token ids.
        vocab: usize,
    },
    /// A padding mask with something else than zeros and ones.
    #[error("input {name}[{index}]: {found} in a padding mask, expected 1 (text) or 0 (padding)")]
    Mask {
        /// The input.
        name: String,
        /// Flat index.
        index: usize,
        /// The value found.
        found: f32,
    },
    /// A padding mask that leaves no position.
    #[error("input {name}: the padding mask is 0 everywhere; at least one position must be 1")]
    EmptyMask {
        /// The input.
        name: String,
    },
    /// A value beyond what the calibrated scale can represent.
    #[error("input {name}[{index}]: {found} is outside the representable range {low}..={high}")]
    Range {
        /// The input.
        name: String,
        /// Flat index.
        index: usize,
        /// The value found.
        found: f64,
        /// Smallest value.
        low: f64,
        /// Largest value.
        high: f64,
    },
}
