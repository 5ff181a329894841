//! Aggregation: all layer proofs of an inference become one proof for the chain.
//!
//! A statement: the prover knows layer proofs π_0 … π_{n−1}, valid under verifying keys that hash to `M`, whose
//! boundaries chain, whose first boundary opens to `I` (or is `I`) and whose last opens to `O`; made for `C`. Public
//! words: accumulator limbs | M | I… | O… | C. Over folds there may be several statements, each with its M | I… | O… | C.
//!
//! | file | holds |
//! |---|---|
//! | `slot.rs`, `shape.rs` | which proofs go in; what a key depends on; order of the public words |
//! | `commitment.rs`, `items.rs` | M, natively; D, the digest of a fold, natively and as constraints |
//! | `inner.rs` | proofs that go in, and their native checks before anything is built |
//! | `accumulator.rs` | the pair of points that stands for all pairing checks, natively |
//! | `curve/` | the seam for curve arithmetic, its two chips, and multiplication put off to the end |
//! | `statement.rs` | chain, openings and M as constraints |
//! | `circuit.rs` | in-circuit verifiers, one blinded accumulator |
//! | `assembly.rs` | the halo2 circuit: scalar columns and the chip's |
//! | `plan.rs`, `layout.rs`, `forecast.rs` | choice of k and columns; what it will be, before there is a circuit |
//! | `circuit_key.rs`, `proving.rs` | proving keys, their files, the prover |
//! | `fold.rs` | folds: proofs of proofs, for trees |
//! | `key.rs`, `verify.rs` | the proof for the chain and its native verifier |
//!
//! Not here: the layer circuit, packing of words, what to do with the proof.

mod accumulator;
mod assembly;
mod circuit;
mod circuit_key;
mod commitment;
mod curve;
mod dummy;
mod error;
mod fold;
mod forecast;
mod inner;
mod items;
mod key;
mod layout;
mod plan;
mod proving;
mod shape;
mod slot;
mod statement;
#[cfg(test)]
mod tests;
mod verify;

pub use commitment::{MODEL_COMMITMENT_VERSION, model_commitment, segment_key_digest};
pub use error::{AggregateError, VerifyError};
pub use fold::{FoldKey, FoldShape, FoldVk, MAX_FOLD};
pub use forecast::{Forecast, Given, forecast};
pub use halocast_ecc::Width;
pub use inner::{InnerProof, verify_layer_proof};
pub use items::Item;
pub use key::{AggregationKey, AggregationRequest, KeygenError, Stated};
pub use plan::{AggregationConfig, CurveChip, Objective, fold_capacity};
pub use shape::{
    ACCUMULATOR_WORDS, AggregationShape, InputVisibility, InstanceLayout, StatementShape,
};
pub use slot::verifier_points;
pub use snark_verifier_sdk::Snark;
pub use verify::{AggregationVk, OuterProof};

use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use serde::{Deserialize, Serialize};

/// Public words of a layer proof: the commitments at its input and its output.
pub const PUBLIC_WORDS_PER_LAYER: usize = 2;

/// What the two ends of the chain commit to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Openings {
    /// Salt of the first boundary. Not used for a committed input.
    pub salt_in: Fr,
    /// Packed input words. Empty for a committed input.
    pub inputs: Vec<Fr>,
    /// Salt of the last boundary.
    pub salt_out: Fr,
    /// Packed output words.
    pub outputs: Vec<Fr>,
}
