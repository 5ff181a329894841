//! What can go wrong between a program and a layer proof.

use std::io;

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CircuitError {
    /// The rows do not fit the domain.
    #[error(
        "segment {segment}: {rows} rows and a lookup table of {table} do not fit k = {k} ({usable} usable rows)"
    )]
    TooManyRows {
        /// Segment name.
        segment: String,
        /// Rows needed.
        rows: usize,
        /// Table rows needed.
        table: usize,
        /// Domain size chosen.
        k: u32,
        /// What it offers.
        usable: usize,
    },
    /// A row whose gates no selector code switches on together: a defect of a gadget, never of a model.
    #[error("segment {segment}: row {row} has the gates {gates}, which never stand together")]
    Gates {
        /// Segment name.
        segment: String,
        /// The row.
        row: usize,
        /// Its gates.
        gates: String,
    },
    /// A plan that can't be made.
    #[error("cannot cut {ops} ops into {wanted} segments: {why}")]
    Plan {
        /// Number of ops.
        ops: usize,
        /// Segments asked for.
        wanted: usize,
        /// Reason.
        why: String,
    },
    /// No cuts give domains that are small enough.
    #[error(
        "no cut of the program fits domains of 2^{max_k} rows; the smallest that works is 2^{smallest}"
    )]
    Domain {
        /// log2 of the largest domain that was allowed.
        max_k: u32,
        /// log2 of the smallest largest domain of any cut.
        smallest: u32,
    },
    /// The witness does not satisfy the circuit; the executor would have refused it.
    #[error("{op}: no witness ({what})")]
    Unprovable {
        /// Op name.
        op: String,
        /// What does not hold.
        what: String,
    },
    /// Circuit and executor computed different values: a defect of ours, never of the input.
    #[error(
        "{op}: tensor {tensor}[{index}] is {circuit} in the circuit and {executor} in the executor"
    )]
    Disagreement {
        /// Op name.
        op: String,
        /// Tensor name.
        tensor: String,
        /// Flat index.
        index: usize,
        /// The circuit's value.
        circuit: i64,
        /// The executor's.
        executor: i64,
    },
    /// Segments that are not a partition of their program.
    #[error("not a partition of the program: {what}")]
    Partition {
        /// The segment and what is wrong with it.
        what: String,
    },
    /// The structured reference string is for another domain.
    #[error("the SRS is for k = {got}, segment {segment} needs k = {expected}")]
    SrsDomain {
        /// Segment name.
        segment: String,
        /// Domain of the SRS.
        got: u32,
        /// Domain needed.
        expected: u32,
    },
    /// A layer proof that does not verify.
    #[error("the proof of segment {segment} does not verify")]
    InvalidProof {
        /// Segment name.
        segment: String,
    },
    /// A key that cannot be read, or made.
    #[error("layer key: {0}")]
    Key(String),
    /// The prover failed.
    #[error(transparent)]
    Prover(#[from] halocast_plonk::ProveError),
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}
