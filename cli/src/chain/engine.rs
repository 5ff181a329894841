//! A bundle behind the relayer's [`InferenceEngine`].

use super::{model_id, proof_context, to_u256, to_word};
use alloy::primitives::{B256, U256};
use halocast_oracle::{CancelFlag, EngineError, InferenceEngine, ProofPackage, ProveJob};
use halocast_prover::bundle::Bundle;
use halocast_prover::ir::Word;
use halocast_prover::pipeline::{
    self, Event, PipelineError, Progress, ProveOptions, ProveReport, Request, Stage,
};
use std::sync::{Arc, Mutex, PoisonError};

/// A model to serve.
pub(crate) struct BundleEngine {
    bundle: Bundle,
    model: B256,
    progress: Arc<dyn Progress + Send + Sync>,
    last: Mutex<Option<ProveReport>>,
}

impl BundleEngine {
    /// A bundle that is set up.
    pub(crate) fn new(
        bundle: Bundle,
        progress: Arc<dyn Progress + Send + Sync>,
    ) -> eyre::Result<Self> {
        let model = model_id(&bundle)?;
        pipeline::load_vk(&bundle)?;
        Ok(BundleEngine {
            bundle,
            model,
            progress,
            last: Mutex::new(None),
        })
    }

    /// What the last proof cost.
    pub(crate) fn last_report(&self) -> Option<ProveReport> {
        self.last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn request(&self, inputs: &[U256]) -> Result<Request, EngineError> {
        let words: Vec<Word> = inputs.iter().map(to_word).collect();
        Request::from_words(&self.bundle, &words).map_err(engine_error)
    }
}

/// Sorts errors by what helps against them.
fn engine_error(error: PipelineError) -> EngineError {
    match error {
        PipelineError::Cancelled => EngineError::Cancelled,
        e if e.is_request_fault() => EngineError::Unprovable(e.to_string()),
        e => EngineError::Transient(e.to_string()),
    }
}

/// Passes events on and listens to the relayer's flag.
struct Cancellable<'a> {
    inner: &'a dyn Progress,
    flag: &'a CancelFlag,
}

impl Progress for Cancellable<'_> {
    fn event(&self, event: Event<'_>) {
        self.inner.event(event);
    }

    fn cancelled(&self) -> bool {
        self.flag.is_raised()
    }
}

impl InferenceEngine for BundleEngine {
    fn model_id(&self) -> B256 {
        self.model
    }

    fn input_words(&self) -> usize {
        self.bundle.manifest().input_words
    }

    fn output_words(&self) -> usize {
        self.bundle.manifest().output_words
    }

    fn infer(&self, inputs: &[U256]) -> Result<Vec<U256>, EngineError> {
        let request = self.request(inputs)?;
        let execution = pipeline::execute(&self.bundle, &request).map_err(engine_error)?;
        Ok(execution
            .output_words(&self.bundle)
            .iter()
            .map(to_u256)
            .collect())
    }

    fn prove(&self, job: &ProveJob) -> Result<ProofPackage, EngineError> {
        let request = self.request(&job.inputs)?;
        let context = proof_context(&self.bundle, &[job.context])
            .map_err(|e| EngineError::Unprovable(e.to_string()))?;
        let context = pipeline::context_from_hex(&format!("{context:#x}")).map_err(engine_error)?;
        let options = ProveOptions {
            context,
            contexts: vec![],
            stage: Stage::All,
            jobs: Some(job.workdir.clone()),
        };
        let progress = Cancellable {
            inner: self.progress.as_ref(),
            flag: &job.cancel,
        };
        let (proof, report) =
            pipeline::prove(&self.bundle, &[request], &options, &progress).map_err(engine_error)?;
        let outer = pipeline::outer_proof(&proof.body).map_err(engine_error)?;
        let statement = proof.statement().map_err(engine_error)?;
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(report);
        Ok(ProofPackage {
            // Where proofs are about several items, all are this one.
            outputs: statement.outputs[..self.output_words()]
                .iter()
                .map(to_u256)
                .collect(),
            proof: outer.leaf_bytes().into(),
        })
    }
}

/// The relayer's log instead of bars.
pub(crate) struct Logged;

impl Progress for Logged {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Finished { cost } => {
                tracing::info!(
                    stage = cost.stage,
                    cpu_s = cost.cpu_s,
                    wall_s = cost.wall_s,
                    "finished"
                );
            }
            Event::Note(note) => tracing::warn!("{note}"),
            _ => {}
        }
    }
}
