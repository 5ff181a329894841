//! Cuts a program into segments. What segments cost is not known here: whoever plans brings a price.
//!
//! | file | holds |
//! |---|---|
//! | `live.rs` | which tensors a cut commits to |
//! | `spans.rs` | rows and domains of the ops between two cuts: estimated at first, counted once a plan wants them |
//! | `planner.rs` | cuts to consider, and the cheapest of them |
//! | `layers.rs` | cuts at the borders of a transformer's layers |

mod layers;
mod live;
mod planner;
mod spans;
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
    /// Whatever costs least.
    Auto,
    /// Exactly so many.
    Count(usize),
    /// One for each attention layer, one for what comes before the first (the embedding) and one for what comes after the
    /// last (the head). With fewer than two attentions: one for each attention, or else for each linear map.
    PerLayer,
}

/// What a layer proof is paid by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpanSize {
    /// log2 of the domain.
    pub k: u32,
    /// Rows in use, not counting the lookup table beside them.
    pub rows: usize,
}

/// What segments of these sizes cost: the first figure decides, the second among equals. `None`: not to be had.
pub type Price<'a> = dyn Fn(&[SpanSize]) -> Option<[f64; 2]> + 'a;

/// The cheapest of the cuts considered.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The segments; their domains are counted from the rows.
    pub segments: Vec<Segment>,
    /// Everything considered. Sizes are estimates but for those of the chosen segments (and of choices that their true
    /// sizes put out of the race).
    pub considered: Vec<Vec<SpanSize>>,
    /// Which of these was chosen.
    pub chosen: usize,
}

/// A segment's circuit.
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
}

/// No domain is smaller: the range table has 2^16 rows.
pub const MIN_K: u32 = 17;
/// Largest domain tried.
pub const MAX_K: u32 = 22;
/// Advice, fixed and permutation columns of the layer circuit.
const COLUMNS: [usize; 3] = [11, 13, 3];
/// Points that a layer proof costs its verifier.
pub const LAYER_POINTS: usize = 36;

/// Cuts a validated program where `price` is least, in domains of at most 2^`max_k` rows. `None` if nothing considered has
/// a price.
///
/// # Errors
/// [`CircuitError::Domain`] if no cut gives domains that small; it names the smallest that work. [`CircuitError::Plan`] if
/// there is no partition of the kind asked for.
pub fn plan(
    program: &Program,
    policy: SegmentPolicy,
    max_k: u32,
    price: &Price<'_>,
) -> Result<Option<Plan>, CircuitError> {
    Planner::new(program)?.plan(policy, max_k, price)
}

/// Cuts a validated program with no other price than the sum of the domains.
pub fn partition(program: &Program, policy: SegmentPolicy) -> Result<Vec<Segment>, CircuitError> {
    let domains = |spans: &[SpanSize]| {
        let rows = |span: &SpanSize| f64::from(span.k).exp2();
        Some([spans.iter().map(rows).sum::<f64>(), 0.0])
    };
    let plan = plan(program, policy, MAX_K, &domains)?;
    Ok(plan.expect("everything has a price").segments)
}

/// The segments between these cuts (0, …, number of ops) of a validated program.
///
/// # Errors
/// [`CircuitError::Partition`] if the cuts do not rise from 0 to the number of ops, or a domain would be too large.
pub fn cut_at(program: &Program, cuts: &[usize]) -> Result<Vec<Segment>, CircuitError> {
    let ends = (cuts.first(), cuts.last());
    if ends != (Some(&0), Some(&program.ops.len())) || !cuts.is_sorted_by(|a, b| a < b) {
        let what = format!("cuts {cuts:?} of {} ops", program.ops.len());
        return Err(CircuitError::Partition { what });
    }
    let planner = Planner::new(program)?;
    planner.settle(cuts)?;
    let segments = planner.segments(cuts);
    check_partition(program, &segments)?;
    Ok(segments)
}

/// What the segment's circuit holds.
pub fn report(program: &Program, segment: &Segment) -> Result<SegmentReport, CircuitError> {
    let rows = build(program, segment, None)?;
    Ok(SegmentReport {
        name: segment.name.clone(),
        ops: segment.ops.len(),
        rows: rows.len(),
        table_rows: crate::layout::table_len(&rows),
        k: segment.k,
        columns: COLUMNS,
        points: LAYER_POINTS,
        boundary: [&segment.inputs, &segment.outputs].map(|ids| program.value_count(ids)),
    })
}
