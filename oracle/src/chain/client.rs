//! A node behind retries: short ones for what passes by itself, errors of this crate for the rest.

use super::classify::{RpcFailure, RpcKind};
use super::types::{BlockInfo, CallSpec, ReceiptInfo, RetryPolicy, redact_url};
use crate::abi::decode_revert;
use crate::error::{OracleError, Result};
use alloy::eips::{BlockId, BlockNumberOrTag};
use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::providers::{DynProvider, Provider, ProviderBuilder};
use alloy::rpc::types::{Filter, Log, TransactionRequest};
use alloy::sol_types::SolCall;
use alloy::transports::TransportResult;
use std::future::Future;

/// A node.
#[derive(Clone)]
pub struct ChainClient {
    provider: DynProvider,
    shown_url: String,
    policy: RetryPolicy,
}

impl std::fmt::Debug for ChainClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChainClient")
            .field("url", &self.shown_url)
            .finish_non_exhaustive()
    }
}

impl ChainClient {
    /// A node at an `http://` URL; nothing is sent yet.
    pub fn http(url: &str, policy: RetryPolicy) -> Result<Self> {
        let shown_url = redact_url(url);
        let parsed: alloy::transports::http::reqwest::Url = url.parse().map_err(|e| {
            let form = "http://HOST:PORT is wanted";
            OracleError::BadRequest(format!("RPC URL {shown_url}: {form} ({e})"))
        })?;
        if parsed.scheme() != "http" {
            let hint = "this build speaks http only: put a local node or a TLS-terminating proxy in between";
            return Err(OracleError::BadRequest(format!(
                "RPC URL {shown_url}: {hint}"
            )));
        }
        let provider = ProviderBuilder::new()
            .disable_recommended_fillers()
            .connect_http(parsed)
            .erased();
        Ok(Self {
            provider,
            shown_url,
            policy,
        })
    }

    /// The node's URL without path and credentials.
    pub fn shown_url(&self) -> &str {
        &self.shown_url
    }

    /// The provider underneath, for test chains' own methods.
    pub fn provider(&self) -> &DynProvider {
        &self.provider
    }

    async fn once<T>(
        &self,
        method: &'static str,
        future: impl Future<Output = TransportResult<T>>,
    ) -> Result<T, RpcFailure> {
        match tokio::time::timeout(self.policy.timeout, future).await {
            Ok(answer) => answer.map_err(|e| RpcFailure::from_alloy(method, &self.shown_url, e)),
            Err(_) => Err(RpcFailure::timed_out(
                method,
                &self.shown_url,
                self.policy.timeout.as_secs(),
            )),
        }
    }

    async fn read<T, Fut>(&self, method: &'static str, make: impl Fn() -> Fut) -> Result<T>
    where
        Fut: Future<Output = TransportResult<T>>,
    {
        let mut pause = self.policy.first_pause;
        let mut attempt = 1;
        loop {
            match self.once(method, make()).await {
                Err(e) if e.kind.is_transient() && attempt < self.policy.attempts => {
                    tracing::debug!(method, attempt, error = %e, "node did not answer; trying again");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                    attempt += 1;
                }
                other => return Ok(other?),
            }
        }
    }

    /// `eth_chainId`.
    pub async fn chain_id(&self) -> Result<u64> {
        self.read("eth_chainId", async || self.provider.get_chain_id().await)
            .await
    }

    /// Fails unless the node is on this chain. `what` is named in the error.
    pub async fn expect_chain(&self, expected: u64, what: &str) -> Result<()> {
        let got = self.chain_id().await?;
        if got == expected {
            return Ok(());
        }
        Err(OracleError::ChainIdMismatch {
            what: what.to_owned(),
            expected,
            got,
            url: self.shown_url.clone(),
        })
    }

    /// Header of a block, if the node has it.
    pub async fn block(&self, tag: BlockNumberOrTag) -> Result<Option<BlockInfo>> {
        let block = self
            .read("eth_getBlockByNumber", async || {
                self.provider.get_block_by_number(tag).await
            })
            .await?;
        Ok(block.map(|b| BlockInfo {
            number: b.header.number,
            hash: b.header.hash,
            parent_hash: b.header.parent_hash,
            timestamp: b.header.timestamp,
            base_fee: b.header.base_fee_per_gas.unwrap_or(0).into(),
        }))
    }

    /// The newest block.
    pub async fn head(&self) -> Result<BlockInfo> {
        let head = self.block(BlockNumberOrTag::Latest).await?;
        head.ok_or_else(|| OracleError::BadAnswer {
            action: "latest block".into(),
            message: "null".into(),
        })
    }

    /// `eth_getLogs`.
    pub async fn logs(&self, filter: &Filter) -> Result<Vec<Log>> {
        self.read("eth_getLogs", async || self.provider.get_logs(filter).await)
            .await
    }

    /// Code at the newest block.
    pub async fn code(&self, address: Address) -> Result<Bytes> {
        self.read("eth_getCode", async || {
            self.provider.get_code_at(address).await
        })
        .await
    }

    /// Balance at the newest block.
    pub async fn balance(&self, address: Address) -> Result<U256> {
        self.read("eth_getBalance", async || {
            self.provider.get_balance(address).await
        })
        .await
    }

    /// Number of mined transactions of an account.
    pub async fn nonce_mined(&self, address: Address) -> Result<u64> {
        self.read("eth_getTransactionCount", async || {
            self.provider.get_transaction_count(address).await
        })
        .await
    }

    /// The same with those in the node's pool.
    pub async fn nonce_pending(&self, address: Address) -> Result<u64> {
        self.read("eth_getTransactionCount", async || {
            self.provider.get_transaction_count(address).pending().await
        })
        .await
    }

    /// Receipt of a mined transaction.
    pub async fn receipt(&self, hash: B256) -> Result<Option<ReceiptInfo>> {
        let receipt = self
            .read("eth_getTransactionReceipt", async || {
                self.provider.get_transaction_receipt(hash).await
            })
            .await?;
        Ok(receipt.and_then(|r| {
            Some(ReceiptInfo {
                hash,
                success: r.status(),
                block_number: r.block_number?,
                block_hash: r.block_hash?,
                gas_used: r.gas_used,
                contract: r.contract_address,
            })
        }))
    }

    /// Logs of a mined transaction.
    pub async fn receipt_logs(&self, hash: B256) -> Result<Vec<Log>> {
        let receipt = self
            .read("eth_getTransactionReceipt", async || {
                self.provider.get_transaction_receipt(hash).await
            })
            .await?;
        Ok(receipt.map(|r| r.logs().to_vec()).unwrap_or_default())
    }

    /// Whether the node has this transaction, mined or in its pool.
    pub async fn knows_transaction(&self, hash: B256) -> Result<bool> {
        let tx = self
            .read("eth_getTransactionByHash", async || {
                self.provider.get_transaction_by_hash(hash).await
            })
            .await?;
        Ok(tx.is_some())
    }

    /// Sends a signed transaction, once: whoever calls decides what an error means.
    pub async fn send_raw(&self, raw: &[u8]) -> Result<(), RpcFailure> {
        self.once("eth_sendRawTransaction", async {
            self.provider.send_raw_transaction(raw).await.map(|_| ())
        })
        .await
    }

    /// `eth_call`. A revert is [`OracleError::Reverted`] with the contract's error by name.
    pub async fn call(&self, spec: &CallSpec, block: BlockId, action: &str) -> Result<Bytes> {
        let request = request_of(spec);
        let answer = self
            .read("eth_call", async || {
                self.provider.call(request.clone()).block(block).await
            })
            .await;
        answer.map_err(|e| named_revert(e, action))
    }

    /// Gas the call would need at the pending block, refunds and 63/64 rule considered.
    pub async fn estimate_gas(&self, spec: &CallSpec, action: &str) -> Result<u64> {
        let request = request_of(spec);
        let answer = self
            .read("eth_estimateGas", async || {
                self.provider
                    .estimate_gas(request.clone())
                    .block(BlockId::pending())
                    .await
            })
            .await;
        answer.map_err(|e| named_revert(e, action))
    }

    /// Calls a view function at the newest block and decodes its answer.
    pub async fn view<C: SolCall>(&self, to: Address, call: &C) -> Result<C::Return> {
        let spec = CallSpec {
            to: Some(to),
            data: call.abi_encode().into(),
            ..CallSpec::default()
        };
        let answer = self.call(&spec, BlockId::latest(), C::SIGNATURE).await?;
        C::abi_decode_returns(&answer).map_err(|e| OracleError::BadAnswer {
            action: format!("{} at {to}", C::SIGNATURE),
            message: e.to_string(),
        })
    }
}

fn request_of(spec: &CallSpec) -> TransactionRequest {
    let mut request = TransactionRequest::default()
        .with_input(spec.data.clone())
        .with_value(spec.value);
    request.from = spec.from;
    request.gas = spec.gas;
    match spec.to {
        Some(to) => request.with_to(to),
        None => request.into_create(),
    }
}

fn named_revert(error: OracleError, action: &str) -> OracleError {
    match error {
        OracleError::Rpc(failure) if failure.kind == RpcKind::Reverted => {
            let revert = match &failure.data {
                Some(data) => decode_revert(data),
                None => crate::abi::Revert {
                    name: "Empty".into(),
                    text: failure.message.clone(),
                },
            };
            OracleError::Reverted {
                action: action.to_owned(),
                revert,
            }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_other_schemes() {
        assert!(ChainClient::http("ws://x", RetryPolicy::default()).is_err());
        let tls =
            ChainClient::http("https://node.io/KEY", RetryPolicy::default()).expect_err("no TLS");
        assert!(!tls.to_string().contains("KEY") && tls.to_string().contains("http only"));
        assert!(ChainClient::http("not a url", RetryPolicy::default()).is_err());
    }
}
