//! Everything that talks to a node. `client.rs`: reads with retry; `classify.rs`: what refusals mean; `account.rs`: keys and signing;
//! `send.rs`: one transaction, sent and awaited (deployments, requests; the relayer has its own ledger); `local.rs`: a private anvil.

mod account;
mod classify;
mod client;
mod local;
mod send;

pub use account::{Account, Secret, SignedTx, TxFields};
pub use classify::{RpcFailure, RpcKind, classify};
pub use client::{BlockInfo, CallSpec, ChainClient, ReceiptInfo, RetryPolicy, redact_url};
pub use local::{LocalChain, LocalChainOptions};
pub use send::{Fees, PreparedTx, SendOptions, TxPlan, next_fees, prepare, send_and_wait, wait_mined};
