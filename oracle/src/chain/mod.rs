//! Everything that talks to a node. `client.rs`: reads with retry; `classify.rs` and `phrases.rs`: what
//! refusals mean; `account.rs`: keys and signing;
//! `send.rs`: one transaction, sent and awaited (deployments, requests; the relayer has its own ledger); `local.rs`: a
//! private anvil; `types.rs`: plain data.

mod account;
mod classify;
mod client;
mod local;
mod phrases;
mod send;
mod types;

pub use account::{Account, Secret, SignedTx, TxFields};
pub use classify::{RpcFailure, RpcKind, classify};
pub use client::ChainClient;
pub use local::{LocalChain, LocalChainOptions};
pub use send::{
    Fees, PreparedTx, SendOptions, TxPlan, next_fees, prepare, send_and_wait, wait_mined,
};
pub use types::{BlockInfo, CallSpec, ReceiptInfo, RetryPolicy, redact_url};
