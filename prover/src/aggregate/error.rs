//! What can go wrong between layer proofs and the outer proof.

use crate::srs::{SealedError, SrsId};

/// Errors of key generation, aggregation and key files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AggregateError {
    /// A shape without segments.
    #[error("nothing to aggregate: no segments")]
    NoSegments,
    /// A layer circuit that the aggregation cannot take.
    #[error("segment {segment}: {reason}")]
    UnsupportedSegment {
        /// Position in the chain.
        segment: usize,
        /// Why not.
        reason: String,
    },
    /// More or fewer proofs than the key is for.
    #[error("{got} proofs, the key is for {expected}")]
    SegmentCount {
        /// Proofs given.
        got: usize,
        /// Proofs expected.
        expected: usize,
    },
    /// A proof of another circuit than its slot is for.
    #[error(
        "segment {segment}: the proof is of another circuit than the key was made for ({reason})"
    )]
    SegmentShape {
        /// Position in the chain.
        segment: usize,
        /// What differs.
        reason: String,
    },
    /// A fold that does not verify, or whose items are not those that it is about.
    #[error("fold {index}: {reason}")]
    Fold {
        /// Position among the folds.
        index: usize,
        /// What is wrong.
        reason: String,
    },
    /// A fold of no proofs or too many was asked for.
    #[error("a fold for {got} proofs: 1 to {} can be folded", super::MAX_FOLD)]
    FoldCapacity {
        /// Proofs asked for.
        got: usize,
    },
    /// No proofs, or more than the fold takes.
    #[error("{got} proofs to fold, the key is for 1 to {capacity}")]
    FoldCount {
        /// Proofs given.
        got: usize,
        /// Most proofs that the key takes.
        capacity: usize,
    },
    /// A layer proof that does not verify.
    #[error("segment {segment}: the layer proof is not valid: {reason}")]
    InnerProof {
        /// Position in the chain.
        segment: usize,
        /// What the verifier said.
        reason: String,
    },
    /// Another number of statements than the key is for.
    #[error("{got} statements, the key is for {expected}")]
    StatementCount {
        /// Statements given.
        got: usize,
        /// Statements of the key.
        expected: usize,
    },
    /// Two neighbours that do not meet.
    #[error("segments {segment} and {}: output and input commitments differ", segment + 1)]
    BrokenChain {
        /// The earlier of the two.
        segment: usize,
    },
    /// Words that are not what a boundary commits to.
    #[error("the {end} words and salt do not open the boundary commitment of the {end}")]
    Opening {
        /// "input" or "output".
        end: &'static str,
    },
    /// A number of words that the shape does not have.
    #[error("{got} {end} words, the key is for {expected}")]
    WordCount {
        /// "input" or "output".
        end: &'static str,
        /// Words given.
        got: usize,
        /// Words expected.
        expected: usize,
    },
    /// Key and string of different secrets.
    #[error("the key was made with reference string {key}, this is {given}")]
    SrsMismatch {
        /// Of the key.
        key: SrsId,
        /// Given.
        given: SrsId,
    },
    /// A string of another size than needed.
    #[error("the reference string has k = {got}, k = {expected} is needed")]
    SrsSize {
        /// Of the string.
        got: u32,
        /// Of the circuit.
        expected: u32,
    },
    /// No layout within the limits holds the circuit.
    #[error(
        "{cells} cells and {lookups} lookups fit no layout within k <= {max_k} and {max_code_bytes} bytes of verifier: \
         aggregate fewer proofs or fewer words"
    )]
    DoesNotFit {
        /// Advice cells.
        cells: usize,
        /// Range lookups.
        lookups: usize,
        /// Largest domain allowed.
        max_k: u32,
        /// Largest contract allowed.
        max_code_bytes: usize,
    },
    /// No domain within the limits holds the multiplications.
    #[error("{points} points to multiply fit no domain up to 2^{max_k}: aggregate fewer proofs")]
    TooManyPoints {
        /// Points of all multiplications.
        points: usize,
        /// Largest domain allowed.
        max_k: u32,
    },
    /// The memory allowed holds no layout, or not the width asked for.
    #[error(
        "the aggregation needs {:.1} GiB, {:.1} GiB may be used; with {width} columns it needs {:.1} GiB",
        gib(*.needed), gib(*.available), gib(*.width_needs)
    )]
    NoMemory {
        /// Least bytes of what was asked for.
        needed: u64,
        /// Bytes allowed.
        available: u64,
        /// Range-checked columns of a layout that fits, or of the smallest.
        width: usize,
        /// Bytes that this one needs.
        width_needs: u64,
    },
    /// The multiplication chip refused its inputs: a point at infinity, or a circuit of another shape.
    #[error("multi-scalar multiplication: {0}")]
    Ecc(#[from] halocast_ecc::EccError),
    /// halo2 refused.
    #[error("{stage}: {reason}")]
    Halo2 {
        /// What was being done.
        stage: &'static str,
        /// halo2's error.
        reason: String,
    },
    /// The finished proof does not verify: a fault of ours, never sent anywhere.
    #[error("the finished proof does not verify: {0}")]
    SelfCheck(#[from] VerifyError),
    /// A key file that is damaged or of another kind or version.
    #[error(transparent)]
    Sealed(#[from] SealedError),
    /// A key file whose content does not parse.
    #[error("{path}: {reason}")]
    KeyFile {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong.
        reason: String,
    },
}

fn gib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 30)
}

/// Why an outer proof is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifyError {
    /// Wrong number of public words.
    #[error("{got} public words, the key is for {expected}")]
    InstanceCount {
        /// Words given.
        got: usize,
        /// Words expected.
        expected: usize,
    },
    /// Wrong length of the proof.
    #[error("{got} proof bytes, the key is for {expected}")]
    ProofLength {
        /// Bytes given.
        got: usize,
        /// Bytes expected.
        expected: usize,
    },
    /// The accumulator limbs are not two points of the curve in canonical form.
    #[error("the accumulator limbs are not two curve points")]
    Accumulator,
    /// The bytes do not parse as curve points and scalars.
    #[error("malformed proof: {0}")]
    Malformed(String),
    /// The pairing check of the proof failed.
    #[error("the proof does not hold for these public words")]
    Proof,
    /// The pairing check of the accumulated layer proofs failed.
    #[error("the accumulated layer proofs do not hold")]
    AccumulatedProofs,
}
