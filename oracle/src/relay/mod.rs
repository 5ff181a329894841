//! The relayer: sees requests, proves the answers, brings them on chain. Its database is the truth about what it did; the chain is the
//! truth about what happened.
//!
//! `config.rs`: the YAML file; `state.rs`: the states of a job; `store.rs` and `ledger.rs`: SQLite, jobs and transactions; `watcher.rs`:
//! requests from logs; `prove.rs`: from queued to proven; `sender.rs`: from proven to a transaction; `reconcile.rs`: what became of it;
//! `service.rs`: the loops, start and stop; `failpoint.rs`: places where a test pulls the plug.

mod config;
mod failpoint;
mod ledger;
mod prove;
mod reconcile;
mod sender;
mod service;
mod state;
mod store;
mod watcher;

pub use config::{ChainConfig, FeeConfig, KeyConfig, LogConfig, LogFormat, PolicyConfig, RelayerConfig, StoreConfig};
pub use failpoint::FailPoint;
pub use service::{Relayer, RelayerOptions, Shutdown, ShutdownHandle, init_logging, run_until_signal};
pub use state::JobState;
pub use store::{Job, Transition, read_jobs, read_transitions};
