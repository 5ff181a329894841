//! The end of a job: confirmations, deadlines.

use super::prove::{ChainView, chain_view, clean_workdir};
use super::rows::Job;
use super::sender::Sender;
use super::state::JobState;
use super::store::{Change, Store};
use crate::chain::BlockInfo;
use crate::error::Result;
use alloy::eips::BlockNumberOrTag;

impl Sender {
    /// Counts confirmations; a result whose block is gone is open again.
    pub(super) async fn confirm(&self, store: &Store) -> Result<()> {
        let jobs = store
            .jobs_in(&[JobState::Mined, JobState::Confirmed], false)
            .await?;
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
        let (Some(block), Some(hash), Some(tx)) =
            (job.settled_block, job.settled_hash, job.settled_tx)
        else {
            return Ok(());
        };
        if block > head.number {
            return Ok(()); // a node that is behind says nothing
        }
        let there = self
            .client
            .block(BlockNumberOrTag::Number(block))
            .await?
            .map(|b| b.hash);
        if job.state == JobState::Mined && there != Some(hash) {
            return store.reopen(job, tx).await;
        }
        if job.state == JobState::Mined && head.number + 1 >= block + self.confirmations {
            store
                .step(job, JobState::Confirmed, Change::default())
                .await?;
            return Ok(());
        }
        if job.state == JobState::Confirmed
            && chain_view(&self.client, self.oracle, job.request_id).await? == ChainView::Fulfilled
        {
            store.step(job, JobState::Done, Change::default()).await?;
            clean_workdir(&self.workdir, job);
        }
        Ok(())
    }

    /// Ends jobs that wait for something else than a transaction and are too late.
    pub(super) async fn expire(&self, store: &Store) -> Result<()> {
        let waiting = [
            JobState::Seen,
            JobState::Queued,
            JobState::Executed,
            JobState::Proven,
        ];
        let jobs = store.jobs_in(&waiting, false).await?;
        if jobs.is_empty() {
            return Ok(());
        }
        let head = self.client.head().await?;
        for job in jobs.iter().filter(|job| head.timestamp > job.deadline) {
            let unknown = || {
                (
                    JobState::Expired,
                    Change::because(format!("the deadline {} passed", job.deadline)),
                )
            };
            let (state, change) = self.verdict(store, job).await?.unwrap_or_else(unknown);
            self.end(store, job, state, change).await?;
        }
        Ok(())
    }
}
