//! The one error of this crate: every variant has a stable code (`OR-<part>-<number>`) and a class that says what to do about it.

use crate::chain::{RpcFailure, RpcKind};
use alloy::primitives::{Address, B256, U256};
use std::path::PathBuf;

/// What to do after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The same again, later.
    Retry,
    /// The same will fail again; with fresh nonce, fees or range it may work.
    Rebuild,
    /// Somebody has to look.
    Stop,
}

/// Result with [`OracleError`].
pub type Result<T, E = OracleError> = std::result::Result<T, E>;

/// Errors of chain, relayer, deployment and requester.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OracleError {
    /// The node refused or could not be reached.
    #[error(transparent)]
    Rpc(#[from] RpcFailure),
    /// A contract reverted a call.
    #[error("{action} reverted: {revert}")]
    Reverted {
        /// What was tried.
        action: String,
        /// The contract's error.
        revert: crate::abi::Revert,
    },
    /// The node answers, but not what the contract's ABI says.
    #[error("{action}: the answer does not decode: {message}")]
    BadAnswer {
        /// What was tried.
        action: String,
        /// Why it does not decode.
        message: String,
    },
    /// Another chain than expected.
    #[error("{what} is for chain {expected}, the node at {url} is on chain {got}")]
    ChainIdMismatch {
        /// Whose chain id was expected (a file or an option).
        what: String,
        /// The chain id expected.
        expected: u64,
        /// The node's chain id.
        got: u64,
        /// The node, without secrets.
        url: String,
    },
    /// Too little money; found before sending.
    #[error("account {account} has {balance} wei and needs {need} wei for {purpose}")]
    InsufficientFunds {
        /// Who pays.
        account: Address,
        /// What is there.
        balance: U256,
        /// What is needed at most.
        need: U256,
        /// For what.
        purpose: String,
    },
    /// A sent transaction did not appear in time.
    #[error("transaction {hash} ({action}) was not mined within {seconds} s; it may still be")]
    NotMined {
        /// The transaction.
        hash: B256,
        /// What it does.
        action: String,
        /// How long was waited.
        seconds: u64,
    },
    /// A transaction was mined but failed.
    #[error("transaction {hash} ({action}) failed on chain")]
    TransactionFailed {
        /// The transaction.
        hash: B256,
        /// What it does.
        action: String,
    },
    /// Code that no chain would take.
    #[error("{name}: {size} bytes of code, a contract may have 24576 (EIP-170)")]
    CodeTooLarge {
        /// The contract.
        name: String,
        /// Its size.
        size: usize,
    },
    /// A development reference string on a public chain.
    #[error(
        "model {model_id} was set up with an insecure development SRS: chain {chain_id} is refused (31337 and 1337 are allowed)"
    )]
    InsecureSrs {
        /// The chain.
        chain_id: u64,
        /// The model.
        model_id: B256,
    },
    /// The chain does not hold what a record or a plan says.
    #[error("{name} at {address}: code hash on chain is {got}, expected {expected}")]
    CodeMismatch {
        /// The contract.
        name: String,
        /// Its address.
        address: Address,
        /// Hash of the code on chain (zero for none).
        got: B256,
        /// What it should be.
        expected: B256,
    },
    /// The deployment on chain or on disk does not allow what was asked.
    #[error("deployment: {0}")]
    Deployment(String),
    /// A configuration file that is not right; the message shows the line.
    #[error("{path}: {message}", path = path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong and where.
        message: String,
    },
    /// No usable key.
    #[error("key: {0}")]
    Key(String),
    /// A file could not be read or written.
    #[error("{action} {path}: {source}", path = path.display())]
    Io {
        /// "reading", "writing", …
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The job store failed.
    #[error("job store {path}: {message}", path = path.display())]
    Store {
        /// The database file.
        path: PathBuf,
        /// The cause.
        message: String,
    },
    /// The job store belongs to something else, or somebody else has it open.
    #[error("job store {path}: {message}", path = path.display())]
    StoreOwner {
        /// The database file.
        path: PathBuf,
        /// What does not fit.
        message: String,
    },
    /// A tool (anvil, solc) is missing or failed.
    #[error("{tool}: {message}")]
    Tool {
        /// The tool.
        tool: String,
        /// What happened, and what to do.
        message: String,
    },
    /// Results that do not go into one proof.
    #[error("batch: {0}")]
    Batch(String),
    /// A request that the contract would not take.
    #[error("request: {0}")]
    BadRequest(String),
}

impl OracleError {
    /// Stable code, for logs and documentation.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Rpc(failure) => failure.kind.code(),
            Self::Reverted { .. } => "OR-SUB-001",
            Self::NotMined { .. } => "OR-SUB-002",
            Self::TransactionFailed { .. } => "OR-SUB-003",
            Self::InsufficientFunds { .. } => "OR-FND-001",
            Self::BadAnswer { .. } => "OR-ABI-001",
            Self::ChainIdMismatch { .. } => "OR-CHN-001",
            Self::CodeTooLarge { .. } => "OR-DEP-001",
            Self::InsecureSrs { .. } => "OR-DEP-002",
            Self::CodeMismatch { .. } => "OR-DEP-003",
            Self::Deployment(_) => "OR-DEP-004",
            Self::Config { .. } => "OR-CFG-001",
            Self::Key(_) => "OR-KEY-001",
            Self::Io { .. } => "OR-IO-001",
            Self::Store { .. } => "OR-STO-001",
            Self::StoreOwner { .. } => "OR-STO-002",
            Self::Tool { .. } => "OR-TOOL-001",
            Self::Batch(_) => "OR-BAT-001",
            Self::BadRequest(_) => "OR-REQ-001",
        }
    }

    /// What to do about it.
    pub fn class(&self) -> Class {
        match self {
            Self::Rpc(failure) => failure.kind.class(),
            Self::NotMined { .. } | Self::InsufficientFunds { .. } | Self::BadAnswer { .. } => {
                Class::Retry
            }
            Self::TransactionFailed { .. } => Class::Rebuild,
            _ => Class::Stop,
        }
    }

    /// The kind of a node's refusal, if that is what this is.
    pub fn rpc_kind(&self) -> Option<RpcKind> {
        match self {
            Self::Rpc(failure) => Some(failure.kind),
            _ => None,
        }
    }

    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}
