//! Putting verifier, router, registry and oracle on a chain, once. `plan.rs`: what is wanted; `contracts.rs` and `create2.rs`: the contracts and their addresses, which follow from the code;
//! `record.rs`: `deployments/<chain-id>.json` and the journal; `run.rs`: the comparison of the two and the transactions between; `entries.rs`: route and registrations;
//! `verify.rs`: whether a chain still holds what a record says; `solc.rs`: the compiler for a generated verifier.

mod contracts;
mod create2;
mod entries;
mod plan;
mod record;
mod run;
mod solc;
mod verify;

pub use create2::{FACTORY, SALT, create2_address};
pub use plan::{CompiledCode, DeployPlan, ModelMetadata, ModelPlan, ModelTask, TensorSpec};
pub use record::{
    CompilerRecord, ContractRecord, DeploymentRecord, ModelRecord, RegistrationRecord, record_path,
};
pub use run::{DeployOptions, DeployOutcome, StepReport, StepStatus, deploy};
pub use solc::{compile_solidity, find_solc};
pub use verify::check_deployment;
