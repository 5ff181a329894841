//! From proven to a transaction: what the contract says, a simulation at the pending block, fees, nonce, the intent, the send.
//!
//! One nonce is open at a time: the next job's transaction is made when the last one is in a block. Only a re-org opens more.

use super::config::{FeeConfig, PolicyConfig};
use super::ledger::{LedgerTx, Purpose};
use super::prove::{backoff, clean_workdir};
use super::rows::Job;
use super::state::JobState;
use super::store::{Change, Store, now};
use crate::abi::{InferenceOracle, Revert};
use crate::chain::{
    Account, BlockInfo, CallSpec, ChainClient, Fees, RpcFailure, RpcKind, TxFields, next_fees,
};
use crate::error::{Class, OracleError, Result};
use alloy::eips::BlockId;
use alloy::primitives::{Address, Bytes, U256};
use alloy::sol_types::SolCall;
use std::path::PathBuf;
use std::time::Duration;

/// Sends results and follows them until they are settled (`reconcile.rs`).
pub(crate) struct Sender {
    pub(crate) client: ChainClient,
    pub(crate) account: Account,
    pub(crate) chain_id: u64,
    pub(crate) oracle: Address,
    pub(crate) payee: Address,
    pub(crate) fees: FeeConfig,
    pub(crate) policy: PolicyConfig,
    pub(crate) confirmations: u64,
    pub(crate) workdir: PathBuf,
}

impl Sender {
    /// One round: follow what is open, then send the next result if nothing is.
    pub(crate) async fn tick(&self, store: &Store) -> Result<()> {
        self.reconcile(store).await?;
        self.confirm(store).await?;
        self.expire(store).await?;
        if !store.open_nonces().await?.is_empty() {
            return Ok(());
        }
        match store.jobs_in(&[JobState::Proven], true).await?.first() {
            Some(job) => self.submit(store, job).await,
            None => Ok(()),
        }
    }

    async fn submit(&self, store: &Store, job: &Job) -> Result<()> {
        if let Some((state, change)) = self.verdict(store, job).await? {
            return self.end(store, job, state, change).await;
        }
        let head = self.client.head().await?;
        let data = fulfill_data(job, self.payee)?;
        let gas_limit = match self.simulate(&data).await {
            Err(OracleError::Reverted { revert, .. }) => {
                return self.refused(store, job, &revert, &head).await;
            }
            // Not the node's mood but this job's payload (too much gas, say): the others must not wait for it.
            Err(error) if error.class() != Class::Retry => {
                return self.not_simulated(store, job, &error).await;
            }
            other => other?,
        };
        let Some(fees) = self.fees_now(&head) else {
            return self
                .wait(store, job, "the base fee is over fees.max_fee_gwei")
                .await;
        };
        if !self.can_pay(gas_limit, fees).await? {
            return self
                .wait(store, job, "the account has too little for gas")
                .await;
        }
        let tx = self.sign(
            Purpose::Fulfill,
            job_key(job),
            self.next_nonce().await?,
            gas_limit,
            fees,
            data,
        )?;
        if store.intend(job, &tx).await? {
            self.offer(store, &tx).await?;
        }
        Ok(())
    }

    /// Waits without counting it as a failure.
    async fn wait(&self, store: &Store, job: &Job, why: &str) -> Result<()> {
        tracing::warn!(request = %job.request_id, why, "waiting");
        store
            .postpone(
                job,
                Duration::from_secs(self.policy.retry_seconds),
                why,
                false,
            )
            .await
    }

    pub(super) async fn end(
        &self,
        store: &Store,
        job: &Job,
        state: JobState,
        change: Change,
    ) -> Result<()> {
        if store.step(job, state, change).await? && state.is_final() {
            clean_workdir(&self.workdir, job);
        }
        Ok(())
    }

    /// Simulates at the pending block; the gas limit to use.
    pub(super) async fn simulate(&self, data: &Bytes) -> Result<u64> {
        let from = Some(self.account.address());
        let spec = CallSpec {
            from,
            to: Some(self.oracle),
            data: data.clone(),
            gas: Some(self.fees.max_gas),
            ..CallSpec::default()
        };
        self.client
            .call(&spec, BlockId::pending(), "fulfill")
            .await?;
        let estimate = self.client.estimate_gas(&spec, "fulfill").await?;
        Ok((estimate + estimate * self.fees.gas_margin_percent / 100).min(self.fees.max_gas))
    }

    async fn not_simulated(&self, store: &Store, job: &Job, error: &OracleError) -> Result<()> {
        let (code, reason) = (error.code(), error.to_string());
        tracing::warn!(request = %job.request_id, code, %error, "cannot be simulated");
        if job.attempts + 1 < self.policy.attempts {
            return store
                .postpone(job, backoff(&self.policy, job.attempts), &reason, true)
                .await;
        }
        self.end(store, job, JobState::Failed, Change::because(reason))
            .await
    }

    /// The contract says no, by name.
    async fn refused(
        &self,
        store: &Store,
        job: &Job,
        revert: &Revert,
        head: &BlockInfo,
    ) -> Result<()> {
        tracing::warn!(request = %job.request_id, %revert, "simulation reverted");
        let reason = revert.to_string();
        let change = Change {
            settled: Some((head.number, head.hash, None)),
            ..Change::because(reason.as_str())
        };
        match revert.name.as_str() {
            // Somebody's transaction is in the pool, or the node is behind: the next look decides.
            // A stopped verifier may be resumed before the deadline.
            "AlreadyFulfilled" | "UnknownRequest" | "SelectorStopped" => {
                self.wait(store, job, &reason).await
            }
            "DeadlinePassed" | "AlreadyRefunded" => {
                self.end(store, job, JobState::Expired, change).await
            }
            "ModelRevoked" | "SelectorRemoved" | "SelectorBroken" => {
                self.end(store, job, JobState::Refused, change).await
            }
            "ProofRejected" if job.attempts + 1 < self.policy.attempts => {
                self.prove_again(store, job, reason).await
            }
            "Empty" | "Error" | "Panic" if job.attempts + 1 < self.policy.attempts => {
                store
                    .postpone(job, backoff(&self.policy, job.attempts), &reason, true)
                    .await
            }
            _ => self.end(store, job, JobState::Failed, change).await,
        }
    }

    /// The stored proof is no good: made again from nothing.
    async fn prove_again(&self, store: &Store, job: &Job, reason: String) -> Result<()> {
        clean_workdir(&self.workdir, job);
        let change = Change {
            retry_in: Some(backoff(&self.policy, job.attempts)),
            ..Change::because(reason)
        };
        store.step(job, JobState::Executed, change).await?;
        Ok(())
    }

    /// Fees for a new transaction, or none if the cap would not even pay the base fee.
    pub(super) fn fees_now(&self, head: &BlockInfo) -> Option<Fees> {
        let wanted = next_fees(head.base_fee, self.fees.priority_fee());
        let max_fee = wanted.max_fee.min(self.fees.max_fee());
        (max_fee >= head.base_fee.saturating_add(wanted.priority_fee))
            .then_some(Fees { max_fee, ..wanted })
    }

    async fn can_pay(&self, gas_limit: u64, fees: Fees) -> Result<bool> {
        let account = self.account.address();
        let balance = self.client.balance(account).await?;
        let need = U256::from(gas_limit) * U256::from(fees.max_fee);
        if balance < need {
            tracing::error!(code = "OR-FND-001", %account, %balance, %need, "too little for gas: nothing is sent until there is more");
        }
        Ok(balance >= need)
    }

    /// The pool's count: whatever else uses this key is not replaced.
    async fn next_nonce(&self) -> Result<u64> {
        let address = self.account.address();
        let (mined, pending) = (
            self.client.nonce_mined(address).await?,
            self.client.nonce_pending(address).await?,
        );
        if pending > mined {
            tracing::warn!(mined, pending, "something else sends from this account");
        }
        Ok(mined.max(pending))
    }

    pub(super) fn sign(
        &self,
        purpose: Purpose,
        request_id: Option<String>,
        nonce: u64,
        gas_limit: u64,
        fees: Fees,
        data: Bytes,
    ) -> Result<LedgerTx> {
        let to = match purpose {
            Purpose::Fulfill => self.oracle,
            Purpose::Cancel => self.account.address(),
        };
        let Fees {
            max_fee,
            priority_fee,
        } = fees;
        let fields = TxFields {
            chain_id: self.chain_id,
            nonce,
            gas_limit,
            max_fee,
            priority_fee,
            to,
            value: U256::ZERO,
            data,
        };
        let signed = self.account.sign(&fields)?;
        let created_at = now();
        Ok(LedgerTx {
            hash: signed.hash,
            nonce,
            request_id,
            purpose,
            raw: signed.raw,
            gas_limit,
            max_fee,
            priority_fee,
            created_at,
            tried_at: 0,
        })
    }

    /// Offers a stored transaction to the node. Whatever the reply, the next round finds out what became of it.
    pub(super) async fn offer(&self, store: &Store, tx: &LedgerTx) -> Result<()> {
        let taken = match self.client.send_raw(&tx.raw).await {
            Ok(()) => true,
            Err(failure) if failure.kind == RpcKind::AlreadyKnown => true,
            Err(failure) => {
                report(tx, &failure);
                false
            }
        };
        if !taken {
            return store.tried(tx.hash, false).await;
        }
        store.failpoint().hit("after-send");
        self.taken(store, tx).await
    }

    /// A node has the transaction.
    pub(super) async fn taken(&self, store: &Store, tx: &LedgerTx) -> Result<()> {
        store.tried(tx.hash, true).await?;
        let Some(id) = tx
            .request_id
            .as_deref()
            .filter(|_| tx.purpose == Purpose::Fulfill)
        else {
            return Ok(());
        };
        if let Some(job) = store
            .job(id)
            .await?
            .filter(|job| job.state == JobState::Submitting)
        {
            store.step(&job, JobState::Sent, Change::default()).await?;
        }
        Ok(())
    }
}

fn report(tx: &LedgerTx, failure: &RpcFailure) {
    let (code, nonce, hash) = (failure.kind.code(), tx.nonce, tx.hash);
    match failure.kind {
        RpcKind::InsufficientFunds => {
            tracing::error!(code, nonce, %hash, %failure, "too little for gas")
        }
        _ => {
            tracing::warn!(code, nonce, %hash, %failure, "the node did not take the transaction, or the reply was lost")
        }
    }
}

pub(super) fn job_key(job: &Job) -> Option<String> {
    Some(job.request_id.to_string())
}

/// Call data of `fulfill` for a proven job.
pub(super) fn fulfill_data(job: &Job, payee: Address) -> Result<Bytes> {
    let (Some(outputs), Some(proof)) = (job.outputs.clone(), job.proof.clone()) else {
        return Err(OracleError::BadRequest(format!(
            "job {} is {} but has no proof",
            job.request_id, job.state
        )));
    };
    Ok(InferenceOracle::fulfillCall {
        requestId: job.request_id,
        payee,
        outputs,
        proof,
    }
    .abi_encode()
    .into())
}
