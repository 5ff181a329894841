//! From seen to proven: policy, the integer executor, the prover.

use super::config::PolicyConfig;
use super::rows::Job;
use super::state::JobState;
use super::store::{Change, Store, words_to_bytes};
use crate::abi::InferenceOracle;
use crate::chain::ChainClient;
use crate::context::context_word;
use crate::engine::{CancelFlag, EngineError, InferenceEngine, ProofPackage, ProveJob};
use crate::error::{OracleError, Result};
use alloy::primitives::{Address, B256, U256, keccak256};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What the contract says about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChainView {
    /// It can be fulfilled until this second.
    Open(u64),
    /// It has its result.
    Fulfilled,
    /// Its fee went back.
    Refunded,
    /// There is no such request: its block is gone, or the node is behind.
    Unknown,
}

/// Asks the contract about a request.
pub(crate) async fn chain_view(
    client: &ChainClient,
    oracle: Address,
    request_id: U256,
) -> Result<ChainView> {
    let request = match client
        .view(
            oracle,
            &InferenceOracle::getRequestCall {
                requestId: request_id,
            },
        )
        .await
    {
        Err(OracleError::Reverted { revert, .. }) if revert.name == "UnknownRequest" => {
            return Ok(ChainView::Unknown);
        }
        other => other?,
    };
    // RequestStatus: Unknown, Open, Fulfilled, Refunded
    Ok(match request.status {
        1 => ChainView::Open(request.deadline),
        2 => ChainView::Fulfilled,
        3 => ChainView::Refunded,
        _ => ChainView::Unknown,
    })
}

/// What a job becomes if the contract (or the clock of its newest block) says that there is nothing left to do.
pub(crate) fn ending(view: ChainView, time: u64) -> Option<(JobState, String)> {
    match view {
        ChainView::Open(deadline) if time > deadline => {
            Some((JobState::Expired, format!("the deadline {deadline} passed")))
        }
        ChainView::Fulfilled => Some((
            JobState::AlreadyDone,
            "somebody else brought the result".to_owned(),
        )),
        ChainView::Refunded => Some((JobState::Expired, "the fee was refunded".to_owned())),
        ChainView::Open(_) | ChainView::Unknown => None,
    }
}

/// Takes jobs from seen to proven.
pub(crate) struct ProveWorker {
    pub(crate) client: ChainClient,
    pub(crate) chain_id: u64,
    pub(crate) oracle: Address,
    pub(crate) payee: Address,
    pub(crate) engines: Vec<Arc<dyn InferenceEngine>>,
    pub(crate) policy: PolicyConfig,
    pub(crate) workdir: PathBuf,
    pub(crate) cancel: CancelFlag,
}

impl ProveWorker {
    /// Decides about every new request.
    pub(crate) async fn admit(&self, store: &Store) -> Result<()> {
        let seen = store.jobs_in(&[JobState::Seen], true).await?;
        if seen.is_empty() {
            return Ok(());
        }
        let time = self.client.head().await?.timestamp;
        for job in seen {
            match self.refusal(&job, time) {
                Some((state, reason)) => store.step(&job, state, Change::because(reason)).await?,
                None => {
                    store
                        .step(&job, JobState::Queued, Change::default())
                        .await?
                }
            };
        }
        Ok(())
    }

    fn refusal(&self, job: &Job, time: u64) -> Option<(JobState, String)> {
        let policy = &self.policy;
        let Some(engine) = self.engine(job.model_id) else {
            return Some((
                JobState::Refused,
                format!("model {} is not served here", job.model_id),
            ));
        };
        if job.deadline < time {
            return Some((
                JobState::Expired,
                format!("the deadline {} passed", job.deadline),
            ));
        }
        let reason = if job.inputs.len() != engine.input_words() {
            format!(
                "{} input words, the model takes {}",
                job.inputs.len(),
                engine.input_words()
            )
        } else if job.fee < policy.min_fee_wei {
            format!(
                "the fee {} wei is under policy.min_fee_wei {}",
                job.fee, policy.min_fee_wei
            )
        } else if job.callback_gas > policy.max_callback_gas {
            format!(
                "callback gas {} is over policy.max_callback_gas {}",
                job.callback_gas, policy.max_callback_gas
            )
        } else if job.deadline - time < policy.min_seconds_left {
            format!(
                "{} s until the deadline, policy.min_seconds_left is {}",
                job.deadline - time,
                policy.min_seconds_left
            )
        } else {
            return None;
        };
        Some((JobState::Refused, reason))
    }

    fn engine(&self, model_id: B256) -> Option<&Arc<dyn InferenceEngine>> {
        self.engines.iter().find(|e| e.model_id() == model_id)
    }

    /// Takes the oldest job that can be worked on one state further; false if there is none.
    pub(crate) async fn advance(&self, store: &Store) -> Result<bool> {
        let jobs = store
            .jobs_in(&[JobState::Executed, JobState::Queued], true)
            .await?;
        let Some(job) = jobs.into_iter().next() else {
            return Ok(false);
        };
        let view = chain_view(&self.client, self.oracle, job.request_id).await?;
        let head = self.client.head().await?;
        if let Some((state, reason)) = ending(view, head.timestamp) {
            let change = Change {
                settled: Some((head.number, head.hash, None)),
                ..Change::because(reason)
            };
            store.step(&job, state, change).await?;
            return Ok(true);
        }
        if view == ChainView::Unknown {
            store
                .postpone(
                    &job,
                    self.pause(0),
                    "the node does not know the request (yet)",
                    false,
                )
                .await?;
            return Ok(true);
        }
        match job.state {
            JobState::Queued => self.execute(store, &job).await?,
            _ => self.prove(store, &job).await?,
        }
        Ok(true)
    }

    async fn execute(&self, store: &Store, job: &Job) -> Result<()> {
        let inputs = job.inputs.clone();
        let outcome = self
            .blocking(job, move |engine| engine.infer(&inputs))
            .await;
        match outcome {
            Ok(outputs) => {
                store
                    .step(
                        job,
                        JobState::Executed,
                        Change {
                            outputs: Some(outputs),
                            reset_attempts: true,
                            ..Change::default()
                        },
                    )
                    .await?;
                Ok(())
            }
            Err(error) => self.failed(store, job, error).await,
        }
    }

    async fn prove(&self, store: &Store, job: &Job) -> Result<()> {
        let request = self.prove_job(job)?;
        tracing::info!(request = %job.request_id, "proving");
        let outcome = self
            .blocking(job, move |engine| engine.prove(&request))
            .await
            .and_then(|package| agrees(job, package));
        match outcome {
            Ok(package) => {
                let change = Change {
                    proof: Some(package.proof),
                    reset_attempts: true,
                    ..Change::default()
                };
                store.step(job, JobState::Proven, change).await?;
                Ok(())
            }
            Err(error) => self.failed(store, job, error).await,
        }
    }

    fn prove_job(&self, job: &Job) -> Result<ProveJob> {
        let workdir = job_workdir(&self.workdir, job);
        std::fs::create_dir_all(&workdir).map_err(OracleError::io("creating", &workdir))?;
        Ok(ProveJob {
            request_id: job.request_id,
            inputs: job.inputs.clone(),
            context: context_word(self.chain_id, self.oracle, job.request_id, self.payee),
            workdir,
            cancel: self.cancel.clone(),
        })
    }

    /// Runs an engine on a blocking thread. A panic there is that attempt's failure, not the relayer's.
    async fn blocking<T: Send + 'static>(
        &self,
        job: &Job,
        run: impl FnOnce(&dyn InferenceEngine) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, EngineError> {
        let engine = self.engine(job.model_id).cloned();
        let engine = engine.ok_or_else(|| {
            EngineError::Unprovable(format!("model {} is not served here", job.model_id))
        })?;
        let joined = tokio::task::spawn_blocking(move || run(engine.as_ref())).await;
        joined.unwrap_or_else(|e| Err(EngineError::Transient(format!("the prover died: {e}"))))
    }

    async fn failed(&self, store: &Store, job: &Job, error: EngineError) -> Result<()> {
        match error {
            EngineError::Cancelled => {
                tracing::info!(request = %job.request_id, state = %job.state, "interrupted; goes on after a restart")
            }
            EngineError::Unprovable(reason) => {
                store
                    .step(job, JobState::Refused, Change::because(reason))
                    .await?;
            }
            EngineError::Transient(reason) if job.attempts + 1 >= self.policy.attempts => {
                store
                    .step(
                        job,
                        JobState::Failed,
                        Change::because(format!("{reason} ({} attempts)", job.attempts + 1)),
                    )
                    .await?;
            }
            EngineError::Transient(reason) => {
                tracing::warn!(request = %job.request_id, attempt = job.attempts + 1, reason, "trying again later");
                store
                    .postpone(job, self.pause(job.attempts), &reason, true)
                    .await?;
            }
        }
        Ok(())
    }

    fn pause(&self, attempts: u32) -> Duration {
        backoff(&self.policy, attempts)
    }
}

/// A folder of this job alone. The inputs are in its name: after a re-org the same id may be another request, whose half-made proof is of no
/// use.
fn job_workdir(base: &Path, job: &Job) -> PathBuf {
    let digest = keccak256(words_to_bytes(&job.inputs));
    base.join(format!(
        "request-{}-{}",
        job.request_id,
        &digest.to_string()[2..10]
    ))
}

/// Removes what the prover left of a job.
pub(crate) fn clean_workdir(base: &Path, job: &Job) {
    let dir = job_workdir(base, job);
    match std::fs::remove_dir_all(&dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!(workdir = %dir.display(), %error, "cannot be removed");
        }
        _ => {}
    }
}

/// Doubles with each attempt, an hour at most.
pub(crate) fn backoff(policy: &PolicyConfig, attempts: u32) -> Duration {
    Duration::from_secs(
        policy
            .retry_seconds
            .saturating_mul(1 << attempts.min(10))
            .min(3600),
    )
}

/// What was proven must be what was executed: anything else is a broken prover.
fn agrees(job: &Job, package: ProofPackage) -> Result<ProofPackage, EngineError> {
    if job.outputs.as_ref() == Some(&package.outputs) {
        return Ok(package);
    }
    Err(EngineError::Transient(
        "the proof is for other outputs than the executor's".to_owned(),
    ))
}
