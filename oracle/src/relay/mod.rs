//! The relayer: sees requests, proves the answers, brings them on chain. Its database is the truth about what it did; the chain is the
//! truth about what happened.
//!
//! `config.rs`: the YAML file; `state.rs`: the states of a job; `store.rs`, `seen.rs`, `rows.rs` and `ledger.rs`: SQLite, jobs and
//! transactions; `watcher.rs`: requests from logs; `prove.rs`: from queued to proven; `sender.rs`: from proven to a transaction;
//! `reconcile.rs`, `replace.rs` and `confirm.rs`: what became of it; `service.rs` and `shutdown.rs`: the loops, start and stop;
//! `failpoint.rs`: places where a test pulls the plug.

mod config;
mod confirm;
mod failpoint;
mod ledger;
mod prove;
mod reconcile;
mod replace;
mod rows;
mod seen;
mod sender;
mod service;
mod shutdown;
mod state;
mod store;
mod watcher;

pub use config::{
    ChainConfig, FeeConfig, KeyConfig, LogConfig, LogFormat, PolicyConfig, RelayerConfig,
    StoreConfig,
};
pub use failpoint::FailPoint;
pub use rows::{Job, Transition, read_jobs, read_transitions};
pub use service::{Relayer, RelayerOptions, init_logging, run_until_signal};
pub use shutdown::{Shutdown, ShutdownHandle};
pub use state::JobState;
