//! Plain data of the client: policy, headers, receipts, calls; and URLs without their secrets.

use alloy::primitives::{Address, B256, Bytes, U256};
use std::time::Duration;

/// How a read is repeated.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// Attempts in all, at least 1.
    pub attempts: u32,
    /// Pause after the first failure; doubles.
    pub first_pause: Duration,
    /// Longest wait for one answer.
    pub timeout: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 4,
            first_pause: Duration::from_millis(200),
            timeout: Duration::from_secs(30),
        }
    }
}

/// What the relayer needs of a block's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockInfo {
    /// Number.
    pub number: u64,
    /// Hash.
    pub hash: B256,
    /// Hash of the block before.
    pub parent_hash: B256,
    /// Seconds.
    pub timestamp: u64,
    /// Base fee in wei (0 before EIP-1559).
    pub base_fee: u128,
}

/// What is used of a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceiptInfo {
    /// Transaction.
    pub hash: B256,
    /// Whether it did not revert.
    pub success: bool,
    /// Block.
    pub block_number: u64,
    /// Block's hash.
    pub block_hash: B256,
    /// Gas used.
    pub gas_used: u64,
    /// Contract created, if any.
    pub contract: Option<Address>,
}

/// A call to simulate or estimate.
#[derive(Debug, Clone, Default)]
pub struct CallSpec {
    /// Sender.
    pub from: Option<Address>,
    /// Receiver; none creates a contract.
    pub to: Option<Address>,
    /// Wei sent.
    pub value: U256,
    /// Call data.
    pub data: Bytes,
    /// Gas limit.
    pub gas: Option<u64>,
}

/// A URL for people: scheme, host and port. Paths and user names of node providers are access tokens.
pub fn redact_url(url: &str) -> String {
    let scheme = url
        .split_once("://")
        .map_or(0, |(scheme, _)| scheme.len() + 3);
    let (scheme, rest) = url.split_at(scheme);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let hidden = if rest.trim_end_matches('/') == host {
        ""
    } else {
        "/…"
    };
    format!("{scheme}{host}{hidden}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_redacted() {
        assert_eq!(redact_url("127.0.0.1:8545"), "127.0.0.1:8545");
        assert_eq!(redact_url("user:pw@node.io/TOKEN"), "node.io/…");
        assert_eq!(redact_url("http://127.0.0.1:8545"), "http://127.0.0.1:8545");
        assert_eq!(
            redact_url("http://127.0.0.1:8545/"),
            "http://127.0.0.1:8545"
        );
        assert_eq!(
            redact_url("https://user:pw@node.io/v2/TOKEN?x=1"),
            "https://node.io/…"
        );
    }
}
