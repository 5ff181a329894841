//! Cuts a program into segments and says what they will cost.
//!
//! | file | holds |
//! |---|---|
//! | `live.rs` | which tensors a cut commits to |
//! | `planner.rs` | the cheapest cuts for a number of segments |
//! | `layers.rs` | cuts at the borders of a transformer's layers |

mod layers;
mod live;
mod planner;
#[cfg(test)]
mod tests;

pub use live::check_partition;

use crate::CircuitError;
use crate::segment::{Segment, build};
use halocast_ir::Program;
use planner::Planner;
use serde::{Deserialize, Serialize};

/// How many segments to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SegmentPolicy {
    /// Exactly so many.
    Count(usize),
    /// Whatever costs least to prove and to aggregate in domains of at most 2^k rows; one a layer where that is no dearer.
    Cheapest(u32),
    /// One for each attention layer, one for what comes before the first (the embedding) and one for what comes after the
    /// last (the head). With fewer than two attentions: one for each attention, or else for each linear map.
    PerLayer,
}

/// What a segment will cost. Times and memory are predictions from one machine's measurements, to choose by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SegmentReport {
    /// Segment name.
    pub name: String,
    /// Number of ops.
    pub ops: usize,
    /// Rows used.
    pub rows: usize,
    /// Rows of the lookup table.
    pub table_rows: usize,
    /// log2 of the domain.
    pub k: u32,
    /// Advice, fixed and permutation columns.
    pub columns: [usize; 3],
    /// Points that the verifier multiplies: what aggregating the proof costs.
    pub points: usize,
    /// Activations committed to at the start and at the end.
    pub boundary: [usize; 2],
    /// CPU seconds to prove, key included.
    pub predicted_cpu_s: f64,
    /// Peak memory in bytes.
    pub predicted_peak_bytes: u64,
}

/// Largest domain tried.
pub const MAX_K: u32 = 22;
/// Advice, fixed and permutation columns of the layer circuit, and the points its proof costs a verifier.
const COLUMNS: [usize; 3] = [11, 17, 3];
const POINTS: usize = 40;

/// Cuts a validated program.
pub fn partition(program: &Program, policy: SegmentPolicy) -> Result<Vec<Segment>, CircuitError> {
    let plan = Planner::new(program)?;
    let cuts = match policy {
        SegmentPolicy::Count(n) => plan.best_cuts(n, MAX_K)?,
        SegmentPolicy::Cheapest(k) => plan.cheapest_cuts(k)?,
        SegmentPolicy::PerLayer => plan.layer_cuts()?,
    };
    plan.segments(&cuts)
}

/// What the segment will cost.
pub fn report(program: &Program, segment: &Segment) -> Result<SegmentReport, CircuitError> {
    let rows = build(program, segment, None)?;
    let scale = f64::from(2u32.pow(segment.k.saturating_sub(17)));
    Ok(SegmentReport {
        name: segment.name.clone(),
        ops: segment.ops.len(),
        rows: rows.len(),
        table_rows: crate::layout::table_len(&rows),
        k: segment.k,
        columns: COLUMNS,
        points: POINTS,
        boundary: [&segment.inputs, &segment.outputs].map(|ids| program.value_count(ids)),
        predicted_cpu_s: PROVE_CPU_S_K17 * scale,
        predicted_peak_bytes: peak_bytes(segment.k),
    })
}

/// Peak memory predicted for a proof in a domain of 2^k rows.
fn peak_bytes(k: u32) -> u64 {
    PROVE_BYTES_K17 << k.saturating_sub(SMALLEST_K)
}

/// The largest domain (log2) whose proofs are predicted to need at most so many bytes.
///
/// # Errors
/// [`CircuitError::Memory`] if not even the smallest domain does.
pub fn largest_k_within(bytes: u64) -> Result<u32, CircuitError> {
    let fits = |k: &u32| peak_bytes(*k) <= bytes;
    let too_little = CircuitError::Memory {
        bytes,
        needed: peak_bytes(SMALLEST_K),
    };
    (SMALLEST_K..=MAX_K).rev().find(fits).ok_or(too_little)
}

/// No domain is smaller: the range table has 2^16 rows.
const SMALLEST_K: u32 = 17;
/// Measured at k = 17 (docs/benchmarks.md); both grow with the domain.
const PROVE_CPU_S_K17: f64 = 23.0;
/// What one more proof of a layer costs the aggregation.
const AGGREGATE_CPU_S: f64 = 5.0;
const PROVE_BYTES_K17: u64 = 640 << 20;
