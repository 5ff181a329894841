//! What became of open transactions: by receipt, by nonce, by what the contract says; in this order. Runs every round and after a restart
//! alike, so that a crash needs no path of its own.

use super::ledger::{LedgerTx, NonceEnd, Purpose};
use super::prove::{ChainView, backoff, chain_view, ending};
use super::rows::Job;
use super::sender::{Sender, fulfill_data};
use super::state::JobState;
use super::store::{Change, Store, now};
use crate::chain::ReceiptInfo;
use crate::error::{OracleError, Result};

impl Sender {
    /// Looks at every open nonce, lowest first.
    pub(super) async fn reconcile(&self, store: &Store) -> Result<()> {
        let nonces = store.open_nonces().await?;
        let Some(lowest) = nonces.first() else {
            return Ok(());
        };
        // Read before the receipts: a nonce counted here has its receipt there.
        let mined = self.client.nonce_mined(self.account.address()).await?;
        self.fill_gap(store, lowest, mined).await?;
        for (index, group) in nonces.iter().enumerate() {
            self.look_at(store, group, mined, index == 0).await?;
        }
        Ok(())
    }

    async fn look_at(
        &self,
        store: &Store,
        group: &[LedgerTx],
        mined: u64,
        lowest: bool,
    ) -> Result<()> {
        for tx in group {
            if let Some(receipt) = self.client.receipt(tx.hash).await? {
                return self
                    .in_block(store, tx, &receipt, live_job(store, group).await?)
                    .await;
            }
        }
        let job = live_job(store, group).await?;
        if mined > group[0].nonce {
            tracing::warn!(nonce = group[0].nonce, "another transaction took the nonce");
            let step = self
                .after_loss(
                    store,
                    job.as_ref(),
                    "another transaction took the nonce",
                    false,
                )
                .await?;
            return store
                .end_nonce(
                    group[0].nonce,
                    NonceEnd::Dropped,
                    with_job(job.as_ref(), step),
                )
                .await;
        }
        self.not_mined(store, group, job, lowest).await
    }

    async fn in_block(
        &self,
        store: &Store,
        tx: &LedgerTx,
        receipt: &ReceiptInfo,
        job: Option<Job>,
    ) -> Result<()> {
        let step = match tx.purpose {
            Purpose::Fulfill if receipt.success => Some(mined(receipt)),
            Purpose::Fulfill => {
                self.after_loss(
                    store,
                    job.as_ref(),
                    &format!("transaction {} failed on chain", tx.hash),
                    true,
                )
                .await?
            }
            Purpose::Cancel => {
                self.after_loss(store, job.as_ref(), "the transaction was cancelled", false)
                    .await?
            }
        };
        store
            .end_nonce(
                tx.nonce,
                NonceEnd::Mined(tx.hash),
                with_job(job.as_ref(), step),
            )
            .await
    }

    /// What a job becomes if there is nothing left to do for it. A result on chain is looked for among the own transactions first, the given
    /// up ones too: they may have been mined a moment ago.
    pub(super) async fn verdict(
        &self,
        store: &Store,
        job: &Job,
    ) -> Result<Option<(JobState, Change)>> {
        let view = chain_view(&self.client, self.oracle, job.request_id).await?;
        if view == ChainView::Fulfilled {
            for hash in store.hashes_of(job).await? {
                if let Some(receipt) = self.client.receipt(hash).await?.filter(|r| r.success) {
                    return Ok(Some(mined(&receipt)));
                }
            }
        }
        let head = self.client.head().await?;
        let end = ending(view, head.timestamp);
        Ok(end.map(|(state, reason)| {
            (
                state,
                Change {
                    settled: Some((head.number, head.hash, None)),
                    ..Change::because(reason)
                },
            )
        }))
    }

    /// Our transaction will not do it: ended by others, or to be sent anew.
    pub(super) async fn after_loss(
        &self,
        store: &Store,
        job: Option<&Job>,
        why: &str,
        failed: bool,
    ) -> Result<Option<(JobState, Change)>> {
        let Some(job) = job else { return Ok(None) };
        if let Some(verdict) = self.verdict(store, job).await? {
            return Ok(Some(verdict));
        }
        if failed && job.attempts + 1 >= self.policy.attempts {
            return Ok(Some((JobState::Failed, Change::because(why))));
        }
        let retry_in = failed.then(|| backoff(&self.policy, job.attempts));
        Ok(Some((
            JobState::Proven,
            Change {
                retry_in,
                ..Change::because(why)
            },
        )))
    }

    async fn not_mined(
        &self,
        store: &Store,
        group: &[LedgerTx],
        job: Option<Job>,
        lowest: bool,
    ) -> Result<()> {
        let Some(last) = group.last() else {
            return Ok(());
        };
        let stuck = now().saturating_sub(last.created_at) >= self.fees.bump_after_seconds;
        if last.purpose == Purpose::Fulfill {
            if job.as_ref().is_some_and(|job| job.orphaned) && !stuck {
                return Ok(()); // the request is probably in the new chain's blocks; the watcher will say
            }
            let Some(job) = job.as_ref().filter(|job| !job.orphaned) else {
                return self.withdraw(store, group, job.as_ref()).await;
            };
            if !self.still_wanted(job).await? {
                return self.withdraw(store, group, Some(job)).await;
            }
            if last.tried_at == 0 {
                return self.offer_again(store, group, last, job).await;
            }
        }
        if lowest && stuck && last.tried_at > 0 {
            return self.replace(store, group, last.purpose, job.as_ref()).await;
        }
        if last.tried_at == 0
            || now().saturating_sub(last.tried_at) >= self.fees.resend_after_seconds
        {
            return self.offer(store, last).await;
        }
        Ok(())
    }

    /// Whether the payload is still worth its gas.
    async fn still_wanted(&self, job: &Job) -> Result<bool> {
        let time = self.client.head().await?.timestamp;
        let view = chain_view(&self.client, self.oracle, job.request_id).await?;
        Ok(matches!(view, ChainView::Open(deadline) if time <= deadline))
    }

    /// After a restart or a re-org: a node may have the transaction; if not, it is sent if it would still do its work.
    async fn offer_again(
        &self,
        store: &Store,
        group: &[LedgerTx],
        last: &LedgerTx,
        job: &Job,
    ) -> Result<()> {
        if self.client.knows_transaction(last.hash).await? {
            return self.taken(store, last).await;
        }
        match self.simulate(&fulfill_data(job, self.payee)?).await {
            Err(OracleError::Reverted { revert, .. }) => {
                tracing::warn!(request = %job.request_id, %revert, "a stored transaction would revert");
                self.withdraw(store, group, Some(job)).await
            }
            other => {
                other?;
                self.offer(store, last).await
            }
        }
    }
}

/// The step of a job whose transaction is in a block.
fn mined(receipt: &ReceiptInfo) -> (JobState, Change) {
    let reason = format!(
        "block {}, transaction {}, gas {}",
        receipt.block_number, receipt.hash, receipt.gas_used
    );
    let settled = Some((receipt.block_number, receipt.block_hash, Some(receipt.hash)));
    (
        JobState::Mined,
        Change {
            settled,
            reset_attempts: true,
            ..Change::because(reason)
        },
    )
}

/// The job of a nonce, if it still waits for that nonce.
async fn live_job(store: &Store, group: &[LedgerTx]) -> Result<Option<Job>> {
    let Some(id) = group.iter().find_map(|tx| tx.request_id.as_deref()) else {
        return Ok(None);
    };
    Ok(store
        .job(id)
        .await?
        .filter(|job| matches!(job.state, JobState::Submitting | JobState::Sent)))
}

pub(super) fn with_job(
    job: Option<&Job>,
    step: Option<(JobState, Change)>,
) -> Option<(&Job, JobState, Change)> {
    job.zip(step)
        .map(|(job, (state, change))| (job, state, change))
}
