//! Why a model was cut as it was: what was asked for, what was considered, what it was predicted to cost. For people, and for
//! `setup`, which makes the aggregation that was planned. Proofs do not depend on it.

use crate::aggregate::Objective;
use serde::{Deserialize, Serialize};

/// What a plan spends least of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlanObjective {
    /// CPU seconds of one request: all layer proofs, folds and the aggregation.
    #[default]
    Total,
    /// Wall seconds of one request when each layer proof, and each fold, has a machine of its own like the one that the
    /// figures are of: the slowest layer proof, then a fold, then the aggregation.
    Latency,
    /// Points that the contract multiplies, which its gas grows with; among equals CPU seconds. Once layer proofs are
    /// folded the contract sees the fold only, so the number of segments no longer matters to it.
    Gas,
}

impl PlanObjective {
    /// What the aggregation's layout is to spend least of.
    pub fn aggregation(self) -> Objective {
        match self {
            PlanObjective::Total | PlanObjective::Latency => Objective::Total,
            PlanObjective::Gas => Objective::Gas,
        }
    }
}

/// The plan. Seconds and bytes are predictions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanSummary {
    /// What it spends least of.
    pub objective: PlanObjective,
    /// What was asked for: `auto`, `layer` or a number of segments.
    pub segments: String,
    /// Bytes that every prover was to stay within.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_memory: Option<u64>,
    /// log2 of the largest domain that was allowed.
    pub max_k: u32,
    /// Where the cost figures came from.
    pub costs: String,
    /// The aggregation of the chosen segments.
    pub aggregation: PlannedAggregation,
    /// Which of the options was chosen.
    pub chosen: usize,
    /// What was considered.
    pub considered: Vec<PlanOption>,
}

/// An aggregation before there are keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedAggregation {
    /// log2 of the rows of the proof for the chain.
    pub k: u32,
    /// Its range-checked columns.
    pub width: usize,
    /// Its gate columns.
    pub columns: usize,
    /// Layer proofs of a fold; 0 without folds.
    pub fold: usize,
    /// CPU seconds, folds included.
    pub cpu_s: f64,
    /// CPU seconds of its keys.
    pub key_cpu_s: f64,
    /// Peak memory in bytes.
    pub peak_bytes: u64,
    /// What a layout may be said to take by the built-in figures, so that it stays within the budget by the figures of the
    /// plan; in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_layout_bytes: Option<u64>,
}

/// One way to cut the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanOption {
    /// log2 of the domain of each segment; of options that were not chosen an estimate.
    pub domains: Vec<u32>,
    /// CPU seconds of all layer proofs.
    pub layers_cpu_s: f64,
    /// CPU seconds of folds and aggregation.
    pub aggregation_cpu_s: f64,
    /// Wall seconds with a machine for each layer proof and each fold.
    pub latency_s: f64,
    /// Points that the contract multiplies.
    pub points: usize,
    /// Peak memory of the prover that needs most, in bytes.
    pub peak_bytes: u64,
    /// Whether that is within the budget.
    pub within_memory: bool,
}

impl PlanSummary {
    /// The option that was chosen.
    pub fn choice(&self) -> Option<&PlanOption> {
        self.considered.get(self.chosen)
    }
}

impl PlanOption {
    /// CPU seconds of layer proofs, folds and aggregation.
    pub fn total_cpu_s(&self) -> f64 {
        self.layers_cpu_s + self.aggregation_cpu_s
    }
}
