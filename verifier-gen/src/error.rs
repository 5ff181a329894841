//! Why no contract is generated.

/// Errors of the generator.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum GenerateError {
    /// A key that the contract cannot serve.
    #[error("unsupported verifying key: {0}")]
    UnsupportedKey(String),
    /// More data than the contract's 16-bit pointers reach.
    #[error(
        "the verifier would use {needed} bytes of memory, its pointers reach {limit}: use fewer columns, lookups or gates"
    )]
    Memory {
        /// Bytes that the key needs.
        needed: usize,
        /// Bytes that can be pointed at.
        limit: usize,
    },
    /// A contract that no chain takes (EIP-170).
    #[error("{contract} has {size} bytes of code, the limit is {limit}: {advice}")]
    CodeSize {
        /// Which contract.
        contract: &'static str,
        /// Its bytes.
        size: usize,
        /// What a chain takes.
        limit: usize,
        /// What to change.
        advice: &'static str,
    },
    /// A template does not render; cannot happen with the templates of this release.
    #[error("template: {0}")]
    Template(String),
}
