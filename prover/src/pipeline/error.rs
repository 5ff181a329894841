//! What can stop a stage.

use crate::aggregate::{AggregateError, KeygenError};
use crate::bundle::BundleError;
use crate::costs::CostsError;
use crate::srs::SrsError;
use halocast_circuit::CircuitError;
use halocast_ir::ExecError;
use std::path::PathBuf;

/// A stage that did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PipelineError {
    /// A bundle, key or proof file.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The model could not be imported.
    #[error(transparent)]
    Import(#[from] halocast_model::ImportError),
    /// The model cannot generate, or not what was asked.
    #[error(transparent)]
    Generate(#[from] halocast_model::GenerateError),
    /// The model could not be quantized.
    #[error(transparent)]
    Quantize(#[from] halocast_model::QuantizeError),
    /// The float model could not be run.
    #[error("float model: {0}")]
    Float(#[from] halocast_model::RunError),
    /// An input that does not fit the model.
    #[error(transparent)]
    ModelInput(#[from] halocast_model::InputError),
    /// The integer semantics refuse the input.
    #[error("the input cannot be proven: {0}")]
    Exec(#[from] ExecError),
    /// The program of all items.
    #[error(transparent)]
    Program(#[from] halocast_ir::ProgramError),
    /// A layer key or proof.
    #[error(transparent)]
    Circuit(#[from] CircuitError),
    /// A layer key that is not one of this circuit.
    #[error("{path}: {source} (a bundle of another version of halocast? `halocast setup --again` makes its keys anew)", path = path.display())]
    UnreadableKey {
        /// The key's file.
        path: PathBuf,
        /// What is wrong with it.
        source: CircuitError,
    },
    /// The aggregation.
    #[error(transparent)]
    Aggregate(#[from] AggregateError),
    /// The aggregation's key.
    #[error(transparent)]
    AggregateKey(#[from] KeygenError),
    /// The reference string.
    #[error(transparent)]
    Srs(#[from] SrsError),
    /// The cost figures.
    #[error(transparent)]
    Costs(#[from] CostsError),
    /// Every plan that was considered has more segments than an aggregation takes.
    #[error("the segments are too many for one aggregation")]
    TooManySegments,
    /// CPU seconds and memory come from `/proc`.
    #[error("this system does not say what a process costs (no /proc): nothing was measured")]
    NotMeasured,
    /// No plan that was considered stays within the memory.
    #[error(
        "a memory budget of {} MiB is too small for every plan considered; the smallest that works is {} MiB: {segments} \
         segments in domains of at most 2^{k} rows",
        bytes >> 20, needed.div_ceil(1 << 20)
    )]
    Memory {
        /// The budget.
        bytes: u64,
        /// What the plan that needs least is predicted to take.
        needed: u64,
        /// Its segments.
        segments: usize,
        /// log2 of its largest domain.
        k: u32,
    },
    /// An input of the wrong name, shape, type or range.
    #[error("input {tensor}: {what}")]
    Input {
        /// Tensor or field.
        tensor: String,
        /// Found and expected.
        what: String,
    },
    /// Too many items for one proof, or none.
    #[error("{got} items, a proof takes 1 to {most}")]
    Items {
        /// Items given.
        got: usize,
        /// Most that can be.
        most: usize,
    },
    /// One of several items.
    #[error("item {index}: {source}")]
    Item {
        /// Its place, from 0.
        index: usize,
        /// What is wrong with it.
        source: Box<PipelineError>,
    },
    /// A number in a proof file or on the command line.
    #[error("{place}: {what}")]
    Number {
        /// Where it stands.
        place: String,
        /// What is wrong with it.
        what: String,
    },
    /// A proof of another model.
    #[error("the proof is for model {got}, this bundle is model {expected}")]
    OtherModel {
        /// Commitment in the proof.
        got: String,
        /// Commitment of the bundle.
        expected: String,
    },
    /// A proof that does not verify.
    #[error("the proof is not valid: {what}")]
    Invalid {
        /// Which check failed.
        what: String,
    },
    /// The fidelity could not be measured, or is below what was asked for.
    #[error("fidelity: {0}")]
    Fidelity(#[from] halocast_model::FidelityError),
    /// The caller raised its flag; what is finished is kept.
    #[error("cancelled; what is finished is kept and a restart continues from there")]
    Cancelled,
}

impl PipelineError {
    /// Whether the request itself is at fault, so that trying again cannot help.
    pub fn is_request_fault(&self) -> bool {
        if let PipelineError::Item { source, .. } = self {
            return source.is_request_fault();
        }
        matches!(
            self,
            PipelineError::Input { .. }
                | PipelineError::Items { .. }
                | PipelineError::ModelInput(_)
                | PipelineError::Generate(_)
                | PipelineError::Exec(_)
                | PipelineError::Number { .. }
        )
    }
}
