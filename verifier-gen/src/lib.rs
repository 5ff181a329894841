#![doc = include_str!("../README.md")]

mod error;
mod evm_loader;
mod generate;
#[cfg(test)]
mod tests;

pub use error::GenerateError;
pub use generate::{CONTRACT_NAME, CompilerSettings, GeneratedVerifier, SOLC_VERSION, generate};
