//! Transactions that take another's place: the same with more fees, one that does nothing, one that fills a gap.

use super::ledger::{LedgerTx, NonceEnd, Purpose};
use super::reconcile::with_job;
use super::rows::Job;
use super::sender::{Sender, fulfill_data};
use super::state::JobState;
use super::store::{Change, Store, now};
use crate::chain::{BlockInfo, Fees};
use crate::error::Result;
use alloy::primitives::Bytes;

/// Gas of a transaction that does nothing.
const CANCEL_GAS: u64 = 21_000;

impl Sender {
    /// Takes a transaction back: forgotten where no node has it, else replaced by one that does nothing.
    pub(super) async fn withdraw(
        &self,
        store: &Store,
        group: &[LedgerTx],
        job: Option<&Job>,
    ) -> Result<()> {
        let mut known = false;
        for tx in group {
            known = known || self.client.knows_transaction(tx.hash).await?;
        }
        let step = self
            .after_loss(store, job, "the request is not open any more", false)
            .await?;
        if let Some((
            JobState::Mined,
            Change {
                settled: Some((_, _, Some(hash))),
                ..
            },
        )) = &step
        {
            return store
                .end_nonce(
                    group[0].nonce,
                    NonceEnd::Mined(*hash),
                    with_job(job, step.clone()),
                )
                .await;
        }
        if !known {
            return store
                .end_nonce(group[0].nonce, NonceEnd::Dropped, with_job(job, step))
                .await;
        }
        if let Some((job, (state, change))) = job.zip(step) {
            store.step(job, state, change).await?;
        }
        self.replace(store, group, Purpose::Cancel, None).await
    }

    /// Sends a transaction of the same nonce that pays at least 12.5 % more, up to the cap.
    pub(super) async fn replace(
        &self,
        store: &Store,
        group: &[LedgerTx],
        purpose: Purpose,
        job: Option<&Job>,
    ) -> Result<()> {
        let Some(last) = group.last() else {
            return Ok(());
        };
        let head = self.client.head().await?;
        let Some(fees) = self.bumped(group, &head) else {
            tracing::warn!(
                nonce = last.nonce,
                cap_gwei = self.fees.max_fee_gwei,
                "at the fee cap: waiting"
            );
            return self.offer(store, last).await;
        };
        let (gas, data) = match (purpose, job) {
            (Purpose::Fulfill, Some(job)) => (last.gas_limit, fulfill_data(job, self.payee)?),
            _ => (CANCEL_GAS, Bytes::new()),
        };
        let tx = self.sign(
            purpose,
            last.request_id.clone(),
            last.nonce,
            gas,
            fees,
            data,
        )?;
        tracing::info!(nonce = tx.nonce, hash = %tx.hash, ?purpose, max_fee = tx.max_fee, "replacing a transaction");
        store.add_tx(&tx).await?;
        self.offer(store, &tx).await
    }

    fn bumped(&self, group: &[LedgerTx], head: &BlockInfo) -> Option<Fees> {
        let more = |fee: u128| fee + fee.div_ceil(8).max(1);
        let highest = Fees {
            max_fee: group.iter().map(|tx| tx.max_fee).max().unwrap_or_default(),
            priority_fee: group
                .iter()
                .map(|tx| tx.priority_fee)
                .max()
                .unwrap_or_default(),
        };
        let now = self.fees_now(head).unwrap_or(highest);
        let max_fee = more(highest.max_fee).max(now.max_fee);
        let priority_fee = more(highest.priority_fee)
            .max(now.priority_fee)
            .min(max_fee);
        (max_fee <= self.fees.max_fee()).then_some(Fees {
            max_fee,
            priority_fee,
        })
    }

    /// A nonce below our lowest that nobody fills (a re-org took another sender's transaction) would hold everything up.
    pub(super) async fn fill_gap(
        &self,
        store: &Store,
        lowest: &[LedgerTx],
        mined: u64,
    ) -> Result<()> {
        let Some(last) = lowest.last() else {
            return Ok(());
        };
        let age = now().saturating_sub(last.created_at);
        if mined >= last.nonce || age < self.fees.bump_after_seconds {
            return Ok(());
        }
        if self.client.nonce_pending(self.account.address()).await? > mined {
            return Ok(());
        }
        let head = self.client.head().await?;
        let Some(fees) = self.fees_now(&head) else {
            return Ok(());
        };
        tracing::warn!(nonce = mined, "filling a gap before our transaction");
        let tx = self.sign(Purpose::Cancel, None, mined, CANCEL_GAS, fees, Bytes::new())?;
        store.add_tx(&tx).await?;
        self.offer(store, &tx).await
    }
}
