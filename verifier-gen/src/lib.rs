#![doc = include_str!("../README.md")]

mod code;
mod dag;
mod error;
mod expression;
mod gas;
mod generate;
mod key;
mod layout;
mod places;
mod plan;
mod program;
mod render;
mod shape;
mod shplonk;
#[cfg(test)]
mod tests;
mod tree;

pub use error::GenerateError;
pub use generate::{
    BackEnd, CODE_SIZE_LIMIT, CONTRACT_NAME, CompilerSettings, GeneratedVerifier,
    KEY_CONTRACT_NAME, PredictedGas, SOLC_VERSION, SplitSources, VerifierSources, check_code_size,
    generate, sources,
};
