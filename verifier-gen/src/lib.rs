#![doc = include_str!("../README.md")]

mod dag;
mod error;
mod expression;
mod generate;
mod key;
mod layout;
mod program;
mod render;
mod shape;
mod shplonk;
mod straight;
#[cfg(test)]
mod tests;

pub use error::GenerateError;
pub use generate::{
    CODE_SIZE_LIMIT, CONTRACT_NAME, CompilerSettings, GeneratedVerifier, KEY_CONTRACT_NAME,
    SOLC_VERSION, SplitSources, VerifierSources, check_code_size, generate, sources,
};
