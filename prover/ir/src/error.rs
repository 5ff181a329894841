//! What can be wrong with a program or with an input to it.

/// A program that is not well-formed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("op {op} ({name}): {what}")]
pub struct ProgramError {
    /// Index of the op; `usize::MAX` for the program as a whole.
    pub op: usize,
    /// The op's name.
    pub name: String,
    /// What is wrong: expected and found.
    pub what: String,
}

/// An execution that the integer semantics refuse.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExecError {
    /// A result is too far out of range to be clamped.
    #[error(
        "{op}: tensor {tensor}[{index}] would be {value}, outside {low}..={high} by more than can be saturated"
    )]
    Overflow {
        /// Op name.
        op: String,
        /// Tensor name.
        tensor: String,
        /// Flat index.
        index: usize,
        /// The value found.
        value: i128,
        /// Smallest value.
        low: i64,
        /// Largest value.
        high: i64,
    },
    /// An input tensor has the wrong number of values.
    #[error("input {tensor}: {got} values, the model wants {expected}")]
    InputLength {
        /// Tensor name.
        tensor: String,
        /// Number found.
        got: usize,
        /// Number expected.
        expected: usize,
    },
    /// An input, hint or table argument is out of its range.
    #[error("{op}: {tensor}[{index}] = {value} is outside {low}..={high}")]
    Range {
        /// Op name, or "input".
        op: String,
        /// Tensor name.
        tensor: String,
        /// Flat index.
        index: usize,
        /// Value found.
        value: i64,
        /// Smallest value.
        low: i64,
        /// Largest value.
        high: i64,
    },
    /// An assertion of the program does not hold.
    #[error("{op}: assertion {index} does not hold (the expression is {value}, not 0)")]
    Assertion {
        /// Op name.
        op: String,
        /// Element.
        index: usize,
        /// What it evaluates to.
        value: i128,
    },
}
