//! What became of open transactions: by receipt, by nonce, by what the contract says; in this order. Runs every round and after a restart
//! alike, so that a crash needs no path of its own.

use super::ledger::{LedgerTx, NonceEnd, Purpose};
use super::prove::{ChainView, backoff, chain_view, clean_workdir, ending};
use super::sender::{Sender, fulfill_data};
use super::state::JobState;
use super::store::{Change, Job, Store, now};
use crate::chain::{BlockInfo, Fees, ReceiptInfo};
use crate::error::Result;
use alloy::eips::BlockNumberOrTag;
use alloy::primitives::Bytes;

/// Gas of a transaction that does nothing.
const CANCEL_GAS: u64 = 21_000;

impl Sender {
    /// Looks at every open nonce, lowest first.
    pub(super) async fn reconcile(&self, store: &Store) -> Result<()> {
        let nonces = store.open_nonces().await?;
        let Some(lowest) = nonces.first() else { return Ok(()) };
        // Read before the receipts: a nonce counted here has its receipt there.
        let mined = self.client.nonce_mined(self.account.address()).await?;
        self.fill_gap(store, lowest, mined).await?;
        for (index, group) in nonces.iter().enumerate() {
            self.look_at(store, group, mined, index == 0).await?;
        }
        Ok(())
    }

    async fn look_at(&self, store: &Store, group: &[LedgerTx], mined: u64, lowest: bool) -> Result<()> {
        for tx in group {
            if let Some(receipt) = self.client.receipt(tx.hash).await? {
                return self.in_block(store, tx, &receipt, live_job(store, group).await?).await;
            }
        }
        let job = live_job(store, group).await?;
        if mined > group[0].nonce {
            tracing::warn!(nonce = group[0].nonce, "another transaction took the nonce");
            let step = self.after_loss(job.as_ref(), "another transaction took the nonce", false).await?;
            return store.end_nonce(group[0].nonce, NonceEnd::Dropped, with_job(job.as_ref(), step)).await;
        }
        self.not_mined(store, group, job, lowest).await
    }

    async fn in_block(&self, store: &Store, tx: &LedgerTx, receipt: &ReceiptInfo, job: Option<Job>) -> Result<()> {
        let settled = (receipt.block_number, receipt.block_hash, Some(tx.hash));
        let step = match tx.purpose {
            Purpose::Fulfill if receipt.success => {
                let reason = format!("block {}, transaction {}, gas {}", receipt.block_number, tx.hash, receipt.gas_used);
                Some((JobState::Mined, Change { settled: Some(settled), reset_attempts: true, ..Change::because(reason) }))
            }
            Purpose::Fulfill => self.after_loss(job.as_ref(), &format!("transaction {} failed on chain", tx.hash), true).await?,
            Purpose::Cancel => self.after_loss(job.as_ref(), "the transaction was cancelled", false).await?,
        };
        store.end_nonce(tx.nonce, NonceEnd::Mined(tx.hash), with_job(job.as_ref(), step)).await
    }

    /// Our transaction will not do it: ended by others, or to be sent anew.
    async fn after_loss(&self, job: Option<&Job>, why: &str, failed: bool) -> Result<Option<(JobState, Change)>> {
        let Some(job) = job else { return Ok(None) };
        let head = self.client.head().await?;
        let view = chain_view(&self.client, self.oracle, job.request_id).await?;
        if let Some((state, reason)) = ending(view, head.timestamp) {
            return Ok(Some((state, Change { settled: Some((head.number, head.hash, None)), ..Change::because(reason) })));
        }
        if failed && job.attempts + 1 >= self.policy.attempts {
            return Ok(Some((JobState::Failed, Change::because(why))));
        }
        let retry_in = failed.then(|| backoff(&self.policy, job.attempts));
        Ok(Some((JobState::Proven, Change { retry_in, ..Change::because(why) })))
    }

    async fn not_mined(&self, store: &Store, group: &[LedgerTx], job: Option<Job>, lowest: bool) -> Result<()> {
        let Some(last) = group.last() else { return Ok(()) };
        if last.purpose == Purpose::Fulfill && !self.still_wanted(job.as_ref()).await? {
            return self.withdraw(store, group, job.as_ref()).await;
        }
        if lowest && now().saturating_sub(last.created_at) >= self.fees.bump_after_seconds && last.tried_at > 0 {
            return self.replace(store, group, last.purpose, job.as_ref()).await;
        }
        if last.tried_at == 0 || now().saturating_sub(last.tried_at) >= self.fees.resend_after_seconds {
            return self.offer(store, last).await;
        }
        Ok(())
    }

    /// Whether the payload is still worth its gas.
    async fn still_wanted(&self, job: Option<&Job>) -> Result<bool> {
        let Some(job) = job else { return Ok(false) };
        let time = self.client.head().await?.timestamp;
        let view = chain_view(&self.client, self.oracle, job.request_id).await?;
        Ok(matches!(view, ChainView::Open(deadline) if time <= deadline))
    }

    /// Takes a transaction back: forgotten where no node has it, else replaced by one that does nothing.
    async fn withdraw(&self, store: &Store, group: &[LedgerTx], job: Option<&Job>) -> Result<()> {
        let mut known = false;
        for tx in group {
            known = known || self.client.knows_transaction(tx.hash).await?;
        }
        let step = self.after_loss(job, "the request is not open any more", false).await?;
        if !known {
            return store.end_nonce(group[0].nonce, NonceEnd::Dropped, with_job(job, step)).await;
        }
        if let Some((job, (state, change))) = job.zip(step) {
            store.step(job, state, change).await?;
        }
        self.replace(store, group, Purpose::Cancel, None).await
    }

    /// Sends a transaction of the same nonce that pays at least 12.5 % more, up to the cap.
    async fn replace(&self, store: &Store, group: &[LedgerTx], purpose: Purpose, job: Option<&Job>) -> Result<()> {
        let Some(last) = group.last() else { return Ok(()) };
        let head = self.client.head().await?;
        let Some(fees) = self.bumped(group, &head) else {
            tracing::warn!(nonce = last.nonce, cap_gwei = self.fees.max_fee_gwei, "at the fee cap: waiting");
            return self.offer(store, last).await;
        };
        let (gas, data) = match (purpose, job) {
            (Purpose::Fulfill, Some(job)) => (last.gas_limit, fulfill_data(job, self.payee)?),
            _ => (CANCEL_GAS, Bytes::new()),
        };
        let tx = self.sign(purpose, last.request_id.clone(), last.nonce, gas, fees, data)?;
        tracing::info!(nonce = tx.nonce, hash = %tx.hash, ?purpose, max_fee = tx.max_fee, "replacing a transaction");
        store.add_tx(&tx).await?;
        self.offer(store, &tx).await
    }

    fn bumped(&self, group: &[LedgerTx], head: &BlockInfo) -> Option<Fees> {
        let more = |fee: u128| fee + fee.div_ceil(8).max(1);
        let highest = Fees {
            max_fee: group.iter().map(|tx| tx.max_fee).max().unwrap_or_default(),
            priority_fee: group.iter().map(|tx| tx.priority_fee).max().unwrap_or_default(),
        };
        let now = self.fees_now(head).unwrap_or(highest);
        let max_fee = more(highest.max_fee).max(now.max_fee);
        let priority_fee = more(highest.priority_fee).max(now.priority_fee).min(max_fee);
        (max_fee <= self.fees.max_fee()).then_some(Fees { max_fee, priority_fee })
    }

    /// A nonce below our lowest that nobody fills (a re-org took another sender's transaction) would hold everything up.
    async fn fill_gap(&self, store: &Store, lowest: &[LedgerTx], mined: u64) -> Result<()> {
        let Some(last) = lowest.last() else { return Ok(()) };
        let age = now().saturating_sub(last.created_at);
        if mined >= last.nonce || age < self.fees.bump_after_seconds {
            return Ok(());
        }
        if self.client.nonce_pending(self.account.address()).await? > mined {
            return Ok(());
        }
        let head = self.client.head().await?;
        let Some(fees) = self.fees_now(&head) else { return Ok(()) };
        tracing::warn!(nonce = mined, "filling a gap before our transaction");
        let tx = self.sign(Purpose::Cancel, None, mined, CANCEL_GAS, fees, Bytes::new())?;
        store.add_tx(&tx).await?;
        self.offer(store, &tx).await
    }

    /// Counts confirmations; a result whose block is gone is open again.
    pub(super) async fn confirm(&self, store: &Store) -> Result<()> {
        let jobs = store.jobs_in(&[JobState::Mined, JobState::Confirmed], false).await?;
        if jobs.is_empty() {
            return Ok(());
        }
        let head = self.client.head().await?;
        for job in jobs {
            self.confirm_one(store, &job, &head).await?;
        }
        Ok(())
    }

    async fn confirm_one(&self, store: &Store, job: &Job, head: &BlockInfo) -> Result<()> {
        let (Some(block), Some(hash), Some(tx)) = (job.settled_block, job.settled_hash, job.settled_tx) else { return Ok(()) };
        if block > head.number {
            return Ok(()); // a node that is behind says nothing
        }
        let there = self.client.block(BlockNumberOrTag::Number(block)).await?.map(|b| b.hash);
        if job.state == JobState::Mined && there != Some(hash) {
            return store.reopen(job, tx).await;
        }
        if job.state == JobState::Mined && head.number + 1 >= block + self.confirmations {
            store.step(job, JobState::Confirmed, Change::default()).await?;
            return Ok(());
        }
        if job.state == JobState::Confirmed && chain_view(&self.client, self.oracle, job.request_id).await? == ChainView::Fulfilled {
            store.step(job, JobState::Done, Change::default()).await?;
            clean_workdir(&self.workdir, job);
        }
        Ok(())
    }

    /// Ends jobs that wait for something else than a transaction and are too late.
    pub(super) async fn expire(&self, store: &Store) -> Result<()> {
        let waiting = [JobState::Seen, JobState::Queued, JobState::Executed, JobState::Proven];
        let jobs = store.jobs_in(&waiting, false).await?;
        if jobs.is_empty() {
            return Ok(());
        }
        let head = self.client.head().await?;
        for job in jobs.iter().filter(|job| head.timestamp > job.deadline) {
            let view = chain_view(&self.client, self.oracle, job.request_id).await?;
            let end = ending(view, head.timestamp).unwrap_or((JobState::Expired, format!("the deadline {} passed", job.deadline)));
            self.end(store, job, end.0, end.1, &head).await?;
        }
        Ok(())
    }
}

/// The job of a nonce, if it still waits for that nonce.
async fn live_job(store: &Store, group: &[LedgerTx]) -> Result<Option<Job>> {
    let Some(id) = group.iter().find_map(|tx| tx.request_id.as_deref()) else { return Ok(None) };
    Ok(store.job(id).await?.filter(|job| matches!(job.state, JobState::Submitting | JobState::Sent)))
}

fn with_job(job: Option<&Job>, step: Option<(JobState, Change)>) -> Option<(&Job, JobState, Change)> {
    job.zip(step).map(|(job, (state, change))| (job, state, change))
}
