#![doc = include_str!("../README.md")]

pub mod abi;
pub mod batch;
pub mod chain;
pub mod context;
pub mod deploy;
pub mod engine;
pub mod error;
pub mod relay;
pub mod requester;

pub use batch::{BatchItem, SetTree, batch_context, set_proof_bytes};
pub use chain::{Account, ChainClient, LocalChain, RetryPolicy, Secret};
pub use context::context_word;
pub use deploy::{DeployOptions, DeployOutcome, DeployPlan, DeploymentRecord, deploy};
pub use engine::{CancelFlag, EngineError, InferenceEngine, ProofPackage, ProveJob};
pub use error::{Class, OracleError, Result};
pub use relay::{Relayer, RelayerConfig};
pub use requester::{RequestParams, RequestView, Requester, read_status};
