//! What a node's error message means. Nodes agree on few codes, so the words are read; `fixtures.json` holds recorded messages.

use super::phrases::PHRASES;
use crate::error::Class;
use alloy::primitives::Bytes;
use alloy::transports::{RpcError, TransportErrorKind};

/// Why a node did not do what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RpcKind {
    /// No connection, or no answer in time.
    Unreachable,
    /// Too many requests.
    RateLimited,
    /// The node's own trouble (5xx, time-outs).
    ServerError,
    /// The node does not have that block or state (yet, or any more).
    MissingState,
    /// `eth_getLogs`: ask for fewer blocks.
    RangeTooLarge,
    /// The very transaction is in the pool already: as good as accepted.
    AlreadyKnown,
    /// The nonce was used.
    NonceTooLow,
    /// The nonce leaves a gap the node does not take.
    NonceTooHigh,
    /// A replacement must pay more.
    ReplacementUnderpriced,
    /// Fees are below what the pool or the block takes.
    FeeTooLow,
    /// The account cannot pay gas limit × max fee + value.
    InsufficientFunds,
    /// The gas limit is over the block's or the transaction's cap, or below the intrinsic cost.
    GasLimit,
    /// Code or init code over the limit.
    CodeTooLarge,
    /// The contract reverted; the data may name its error.
    Reverted,
    /// The node will never take this transaction (wrong chain, type, signature).
    TransactionInvalid,
    /// The node does not know the method.
    MethodUnsupported,
    /// None of these words: tried again with back-off, never with another nonce.
    Unknown,
}

impl RpcKind {
    /// Stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unreachable => "OR-RPC-001",
            Self::RateLimited => "OR-RPC-002",
            Self::ServerError => "OR-RPC-003",
            Self::MissingState => "OR-RPC-004",
            Self::RangeTooLarge => "OR-RPC-005",
            Self::AlreadyKnown => "OR-RPC-006",
            Self::NonceTooLow => "OR-RPC-007",
            Self::NonceTooHigh => "OR-RPC-008",
            Self::ReplacementUnderpriced => "OR-RPC-009",
            Self::FeeTooLow => "OR-RPC-010",
            Self::InsufficientFunds => "OR-RPC-011",
            Self::GasLimit => "OR-RPC-012",
            Self::CodeTooLarge => "OR-RPC-013",
            Self::Reverted => "OR-RPC-014",
            Self::TransactionInvalid => "OR-RPC-015",
            Self::MethodUnsupported => "OR-RPC-016",
            Self::Unknown => "OR-RPC-099",
        }
    }

    /// What to do about it.
    pub const fn class(self) -> Class {
        match self {
            Self::Unreachable | Self::RateLimited | Self::ServerError | Self::MissingState => {
                Class::Retry
            }
            Self::AlreadyKnown | Self::InsufficientFunds | Self::Unknown => Class::Retry,
            Self::RangeTooLarge | Self::NonceTooLow | Self::NonceTooHigh => Class::Rebuild,
            Self::ReplacementUnderpriced | Self::FeeTooLow => Class::Rebuild,
            Self::GasLimit | Self::CodeTooLarge | Self::Reverted => Class::Stop,
            Self::TransactionInvalid | Self::MethodUnsupported => Class::Stop,
        }
    }

    /// Whether the same read may succeed a moment later.
    pub const fn is_transient(self) -> bool {
        matches!(
            self,
            Self::Unreachable | Self::RateLimited | Self::ServerError | Self::MissingState
        )
    }
}

/// A node's refusal with what it said.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{method} at {url}: {message}")]
pub struct RpcFailure {
    /// What it means.
    pub kind: RpcKind,
    /// The JSON-RPC method.
    pub method: &'static str,
    /// The node, without secrets.
    pub url: String,
    /// Its words.
    pub message: String,
    /// Revert data.
    pub data: Option<Bytes>,
}

/// Meaning of a JSON-RPC error. `has_data`: revert data came with it.
pub fn classify(code: i64, message: &str, has_data: bool) -> RpcKind {
    let text = message.to_lowercase();
    if let Some((kind, _)) = PHRASES
        .iter()
        .find(|(_, phrases)| phrases.iter().any(|phrase| text.contains(phrase)))
    {
        return *kind;
    }
    match code {
        3 => RpcKind::Reverted,
        429 | -32005 => RpcKind::RateLimited,
        -32601 => RpcKind::MethodUnsupported,
        -32603 => RpcKind::ServerError,
        _ if has_data => RpcKind::Reverted,
        _ => RpcKind::Unknown,
    }
}

/// Meaning of an HTTP status without a JSON-RPC body.
fn classify_http(status: u16, body: &str) -> RpcKind {
    match (status, classify(0, body, false)) {
        (429, _) => RpcKind::RateLimited,
        (_, kind) if kind != RpcKind::Unknown => kind,
        (500..=599, _) => RpcKind::ServerError,
        _ => RpcKind::Unknown,
    }
}

impl RpcFailure {
    /// Reads an alloy error.
    pub fn from_alloy(
        method: &'static str,
        url: &str,
        error: RpcError<TransportErrorKind>,
    ) -> Self {
        let (kind, message, data) = match &error {
            RpcError::ErrorResp(payload) => {
                let data = payload.as_revert_data();
                (
                    classify(payload.code, &payload.message, data.is_some()),
                    payload.message.to_string(),
                    data,
                )
            }
            RpcError::Transport(TransportErrorKind::HttpError(http)) => (
                classify_http(http.status, &http.body),
                format!("HTTP {}: {}", http.status, shortened(&http.body)),
                None,
            ),
            RpcError::Transport(TransportErrorKind::HttpErrorWithRetryAfter { error, .. }) => (
                RpcKind::RateLimited,
                format!("HTTP {}: {}", error.status, shortened(&error.body)),
                None,
            ),
            RpcError::Transport(other) => {
                (RpcKind::Unreachable, without_url(&root_cause(other)), None)
            }
            RpcError::NullResp => (
                RpcKind::MissingState,
                "the node answered null".to_owned(),
                None,
            ),
            RpcError::DeserError { err, .. } => (
                RpcKind::ServerError,
                format!("answer does not parse: {err}"),
                None,
            ),
            other => (RpcKind::Unknown, other.to_string(), None),
        };
        Self {
            kind,
            method,
            url: url.to_owned(),
            message,
            data,
        }
    }

    /// No answer within the client's time limit.
    pub(crate) fn timed_out(method: &'static str, url: &str, seconds: u64) -> Self {
        Self {
            kind: RpcKind::Unreachable,
            method,
            url: url.to_owned(),
            message: format!("no answer within {seconds} s"),
            data: None,
        }
    }
}

fn shortened(body: &str) -> String {
    let mut out: String = body.chars().take(200).collect();
    if out.len() < body.len() {
        out.push('…');
    }
    out
}

/// The innermost message: reqwest's outer ones repeat the URL, which may hold an access token.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut at = error;
    while let Some(next) = at.source() {
        at = next;
    }
    at.to_string()
}

fn without_url(text: &str) -> String {
    match text.find("http") {
        Some(at) if text[at..].contains("://") => format!("{}(url)", &text[..at]),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Fixture {
        node: String,
        code: i64,
        message: String,
        #[serde(default)]
        data: bool,
        kind: RpcKind,
    }

    #[test]
    fn recorded_messages() {
        let fixtures: Vec<Fixture> =
            serde_json::from_str(include_str!("fixtures.json")).expect("fixtures parse");
        assert!(fixtures.len() > 40);
        for f in fixtures {
            assert_eq!(
                classify(f.code, &f.message, f.data),
                f.kind,
                "{}: {}",
                f.node,
                f.message
            );
        }
    }

    #[test]
    fn unknown_is_retried_without_a_new_nonce() {
        assert_eq!(
            classify(-32000, "the hamster died", false),
            RpcKind::Unknown
        );
        assert_eq!(RpcKind::Unknown.class(), Class::Retry);
    }

    #[test]
    fn urls_do_not_leak() {
        assert_eq!(
            without_url("error for url (https://x.y/v2/KEY)"),
            "error for url ((url)"
        );
        assert_eq!(without_url("connection refused"), "connection refused");
    }

    #[test]
    fn http_statuses() {
        assert_eq!(classify_http(502, "<html>"), RpcKind::ServerError);
        assert_eq!(classify_http(429, ""), RpcKind::RateLimited);
        assert_eq!(classify_http(400, "nonce too low"), RpcKind::NonceTooLow);
    }
}
