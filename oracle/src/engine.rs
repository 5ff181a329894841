//! The seam to the prover: what the relayer needs of a model. The CLI puts the real prover behind it, tests a fake.

use alloy::primitives::{B256, Bytes, U256};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// One model that can be run and proven. Both calls block; the relayer runs them on a blocking thread, one proof at a time by default.
pub trait InferenceEngine: Send + Sync {
    /// The model's commitment `M`, as registered on chain.
    fn model_id(&self) -> B256;

    /// Number of packed input words.
    fn input_words(&self) -> usize;

    /// Number of packed output words.
    fn output_words(&self) -> usize;

    /// Runs the integer executor (fast). The words come from a chain: anything that cannot be proven is [`EngineError::Unprovable`].
    fn infer(&self, inputs: &[U256]) -> Result<Vec<U256>, EngineError>;

    /// Makes the proof (minutes). May be killed at any time and called again with the same job and `workdir`, where it finds what it
    /// has finished already. Should look at `job.cancel` between steps and return [`EngineError::Cancelled`].
    fn prove(&self, job: &ProveJob) -> Result<ProofPackage, EngineError>;
}

/// One proof to make.
#[derive(Debug, Clone)]
pub struct ProveJob {
    /// The request on chain.
    pub request_id: U256,
    /// Packed input words.
    pub inputs: Vec<U256>,
    /// The context word the proof is bound to, see [`crate::context_word`].
    pub context: U256,
    /// A folder of this job alone; exists; removed by the relayer when the job is done.
    pub workdir: PathBuf,
    /// Raised when the relayer is shutting down.
    pub cancel: CancelFlag,
}

/// A finished proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofPackage {
    /// Packed output words.
    pub outputs: Vec<U256>,
    /// 12 accumulator limbs (32 bytes each) followed by the SNARK proof, as `fulfill` takes it.
    pub proof: Bytes,
}

/// Why an engine gave no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The request can never be proven (a token id out of range, a wrong word count, …). The job is refused with this reason.
    #[error("cannot be proven: {0}")]
    Unprovable(String),
    /// Something that may pass: out of memory, a full disk. Tried again with back-off, a limited number of times.
    #[error("{0}")]
    Transient(String),
    /// The relayer asked to stop. The job keeps its state.
    #[error("cancelled")]
    Cancelled,
}

/// Tells an engine that the relayer wants to stop. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct CancelFlag(Arc<AtomicBool>);

impl CancelFlag {
    /// Raises the flag.
    pub fn raise(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether it was raised.
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
