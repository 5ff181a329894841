//! Why no contract is generated.

/// Errors of the generator.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum GenerateError {
    /// A key that the contract cannot serve.
    #[error("unsupported verifying key: {0}")]
    UnsupportedKey(String),
    /// The back end's output is not what this release was written for.
    #[error("the back end's source has changed: expected exactly one {expected:?}, found {found}")]
    BackEnd {
        /// Text that must be there once.
        expected: &'static str,
        /// How often it is there.
        found: usize,
    },
}
