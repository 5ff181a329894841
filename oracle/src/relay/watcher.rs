//! Requests from logs, by polling: the answer of `eth_getLogs` is the only truth that survives re-orgs and dropped connections.
//!
//! Blocks are read in windows. A window counts only if its first block's parent is the last checkpoint and its last block is still the
//! same after the logs were read; requests and checkpoint are stored together.

use super::seen::SeenRequest;
use super::store::Store;
use crate::abi::InferenceOracle::InferenceRequested;
use crate::chain::{BlockInfo, ChainClient, RpcKind};
use crate::error::{OracleError, Result};
use alloy::eips::BlockNumberOrTag;
use alloy::primitives::{Address, B256};
use alloy::rpc::types::{Filter, Log};
use alloy::sol_types::SolEvent;

/// How far a re-org may reach back before the relayer starts again at the deployment's block.
const CHECKPOINTS: u32 = 1024;

/// Reads the chain forward from where the store ends.
#[derive(Debug)]
pub(crate) struct Watcher {
    client: ChainClient,
    oracle: Address,
    models: Vec<B256>,
    start_block: u64,
    /// Most blocks a window; halved where the node wants it, grows back slowly.
    range: u64,
    most: u64,
    /// Windows read since the last time it shrank.
    calm: u32,
    confirmations: u64,
}

/// What a look at the chain brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Look {
    /// New requests.
    pub(crate) fresh: usize,
    /// Whether there is more to read at once.
    pub(crate) more: bool,
}

impl Watcher {
    pub(crate) fn new(
        client: ChainClient,
        oracle: Address,
        models: Vec<B256>,
        start_block: u64,
        range: u64,
        confirmations: u64,
    ) -> Self {
        Self {
            client,
            oracle,
            models,
            start_block,
            range,
            most: range,
            calm: 0,
            confirmations,
        }
    }

    /// Reads one window, or rewinds.
    pub(crate) async fn look(&mut self, store: &Store) -> Result<Look> {
        let head = self.client.head().await?;
        let Some(last) = self.common_ancestor(store, &head).await? else {
            return Ok(Look::default());
        };
        let first = last.map_or(self.start_block, |(number, _)| number + 1);
        let target = head.number.saturating_sub(self.confirmations);
        if first > target {
            return Ok(Look::default());
        }
        self.window(store, first, last, target).await
    }

    /// The newest checkpoint that is in the node's chain, after forgetting those that are not. `None`: the node is behind, wait.
    async fn common_ancestor(
        &self,
        store: &Store,
        head: &BlockInfo,
    ) -> Result<Option<Option<(u64, B256)>>> {
        let checkpoints = store.checkpoints(CHECKPOINTS).await?;
        let Some(newest) = checkpoints.first() else {
            return Ok(Some(None));
        };
        if newest.0 > head.number {
            tracing::warn!(
                head = head.number,
                read = newest.0,
                "the node is behind what was read already; waiting"
            );
            return Ok(None);
        }
        for checkpoint in &checkpoints {
            if self.hash_at(checkpoint.0).await? == Some(checkpoint.1) {
                if checkpoint != newest {
                    self.rewind(store, checkpoint.0, newest.0).await?;
                }
                return Ok(Some(Some(*checkpoint)));
            }
        }
        self.rewind(store, self.start_block.saturating_sub(1), newest.0)
            .await?;
        Ok(Some(None))
    }

    async fn rewind(&self, store: &Store, fork: u64, read: u64) -> Result<()> {
        tracing::warn!(fork, read, "re-org: going back to the fork point");
        store.rewind(fork).await
    }

    async fn hash_at(&self, number: u64) -> Result<Option<B256>> {
        Ok(self
            .client
            .block(BlockNumberOrTag::Number(number))
            .await?
            .map(|b| b.hash))
    }

    async fn window(
        &mut self,
        store: &Store,
        first: u64,
        last: Option<(u64, B256)>,
        target: u64,
    ) -> Result<Look> {
        let end = target.min(first.saturating_add(self.range - 1));
        let Some(end_block) = self.client.block(BlockNumberOrTag::Number(end)).await? else {
            return Ok(Look::default());
        };
        if !self.follows(first, last, &end_block).await? {
            return Ok(Look {
                fresh: 0,
                more: true,
            }); // the next look finds the fork
        }
        let logs = match self.client.logs(&self.filter(first, end)).await {
            Err(e) if self.shrink(&e) => {
                return Ok(Look {
                    fresh: 0,
                    more: true,
                });
            }
            other => other?,
        };
        if self.hash_at(end).await? != Some(end_block.hash) {
            return Ok(Look {
                fresh: 0,
                more: true,
            });
        }
        let requests: Vec<_> = logs.iter().filter_map(request_of).collect();
        let fresh = store.add_window(&requests, (end, end_block.hash)).await?;
        self.grow();
        if fresh > 0 {
            tracing::info!(first, end, fresh, "requests seen");
        }
        Ok(Look {
            fresh,
            more: end < target,
        })
    }

    /// Whether the window continues the checkpoint.
    async fn follows(
        &self,
        first: u64,
        last: Option<(u64, B256)>,
        end: &BlockInfo,
    ) -> Result<bool> {
        let Some((_, hash)) = last else {
            return Ok(true);
        };
        let parent = if end.number == first {
            Some(end.parent_hash)
        } else {
            self.client
                .block(BlockNumberOrTag::Number(first))
                .await?
                .map(|b| b.parent_hash)
        };
        Ok(parent == Some(hash))
    }

    /// Halves the window if that is what the node wants (or if it may be: a time-out on many blocks).
    fn shrink(&mut self, error: &OracleError) -> bool {
        let wanted = matches!(
            error.rpc_kind(),
            Some(RpcKind::RangeTooLarge | RpcKind::ServerError)
        );
        if !wanted || self.range == 1 {
            return false;
        }
        self.range = (self.range / 2).max(1);
        self.calm = 0;
        tracing::warn!(range = self.range, %error, "reading fewer blocks at once");
        true
    }

    /// Tries larger windows again after a while.
    fn grow(&mut self) {
        self.calm += 1;
        if self.calm >= 64 {
            self.range = self.range.saturating_mul(2).min(self.most);
            self.calm = 0;
        }
    }

    fn filter(&self, first: u64, end: u64) -> Filter {
        Filter::new()
            .address(self.oracle)
            .event_signature(InferenceRequested::SIGNATURE_HASH)
            .topic2(self.models.clone())
            .from_block(first)
            .to_block(end)
    }
}

/// A log that does not decode is not a request of this contract's ABI: reported and skipped, never fatal.
fn request_of(log: &Log) -> Option<SeenRequest> {
    if log.removed {
        return None;
    }
    let (Some(block_number), Some(block_hash), Some(log_index)) =
        (log.block_number, log.block_hash, log.log_index)
    else {
        tracing::warn!("a log without block; skipped");
        return None;
    };
    let event = match InferenceRequested::decode_log_validate(&log.inner) {
        Ok(event) => event.data,
        Err(error) => {
            tracing::warn!(block_number, log_index, %error, "a log that does not decode; skipped");
            return None;
        }
    };
    Some(SeenRequest {
        request_id: event.requestId,
        model_id: event.modelId,
        requester: event.requester,
        deadline: event.deadline,
        callback_gas: event.callbackGas,
        callback: event.callback,
        fee: event.fee,
        inputs: event.inputs,
        block_number,
        block_hash,
        log_index,
    })
}
