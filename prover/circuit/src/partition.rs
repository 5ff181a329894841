//! Cuts a program into segments and says what they will cost.
//!
//! A cut costs what both sides spend on the commitment to the tensors live across it; a segment costs its domain, a
//! power of two. The cuts for n segments minimise the sum of the domains, then the sum of the rows, by dynamic
//! programming over op positions.

use crate::layout::{TableCounter, UNUSABLE_ROWS, domain_for};
use crate::segment::{Segment, build, row_marks};
use crate::{CircuitError, gates};
use halocast_ir::{Program, SLOTS_PER_WORD, TensorId};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// How many segments to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SegmentPolicy {
    /// Exactly so many.
    Count(usize),
    /// As few as fit domains of at most 2^k rows.
    MaxK(u32),
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
        SegmentPolicy::MaxK(k) => plan.fewest_cuts(k)?,
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
        predicted_peak_bytes: (PROVE_BYTES_K17 as f64 * scale) as u64,
    })
}

/// Measured at k = 17 (docs/benchmarks.md); both grow with the domain.
const PROVE_CPU_S_K17: f64 = 14.0;
const PROVE_BYTES_K17: u64 = 700 << 20;

struct Planner<'a> {
    program: &'a Program,
    /// Rows of each op.
    rows: Vec<usize>,
    /// Table rows that each op brings when it is the first of its segment to need them.
    tables: TableCounter,
    /// Tensors live before each op; the last entry is the outputs.
    live: Vec<Vec<TensorId>>,
}

impl<'a> Planner<'a> {
    fn new(program: &'a Program) -> Result<Self, CircuitError> {
        let whole = Segment {
            name: "whole".into(),
            ops: 0..program.ops.len(),
            inputs: program.inputs.clone(),
            outputs: program.outputs.clone(),
            hints: program.hints.clone(),
            k: 0,
        };
        let marks = row_marks(program, &whole)?;
        let rows = marks.windows(2).map(|w| w[1] - w[0]).collect();
        Ok(Planner {
            program,
            rows,
            tables: TableCounter::new(program),
            live: live_tensors(program),
        })
    }

    /// Smallest k for ops `from..to`, estimated; `segments` builds the rows and knows.
    fn domain(&self, from: usize, to: usize) -> u32 {
        let own: usize = self.rows[from..to].iter().sum();
        let boundary = [from, to].map(|at| boundary_rows(self.program.value_count(&self.live[at])));
        // Constants and clamps that a cut makes each side state again.
        let slack = 256
            + [from, to]
                .map(|at| self.program.value_count(&self.live[at]))
                .iter()
                .sum::<usize>();
        let rows = own + boundary.iter().sum::<usize>() + slack;
        let need = rows.max(self.tables.rows(from, to)) + UNUSABLE_ROWS + 1;
        need.next_power_of_two().trailing_zeros()
    }

    /// Cut positions (0, …, number of ops) of n segments.
    fn best_cuts(&self, n: usize, max_k: u32) -> Result<Vec<usize>, CircuitError> {
        let ops = self.rows.len();
        let fail = |why: &str| CircuitError::Plan {
            ops,
            wanted: n,
            why: why.to_owned(),
        };
        if n == 0 || n > ops {
            return Err(fail("there must be at least one op in each"));
        }
        let candidates = self.candidates();
        // best[j] = (cost, cuts) of the ops before candidate j in the segments so far
        let mut best: Vec<Option<(u64, Vec<usize>)>> = vec![None; candidates.len()];
        best[0] = Some((0, vec![0]));
        for _ in 0..n {
            let mut next = vec![None; candidates.len()];
            for (i, state) in best.iter().enumerate() {
                let Some((cost, cuts)) = state else { continue };
                for (j, &to) in candidates.iter().enumerate().skip(i + 1) {
                    let k = self.domain(candidates[i], to);
                    if k > max_k {
                        continue;
                    }
                    let cost = cost + self.cost(candidates[i], to, k);
                    let slot: &mut Option<(u64, Vec<usize>)> = &mut next[j];
                    if slot.as_ref().is_none_or(|(c, _)| cost < *c) {
                        *slot = Some((cost, [cuts.as_slice(), &[to]].concat()));
                    }
                }
            }
            best = next;
        }
        let last = best.pop().flatten();
        last.map(|(_, cuts)| cuts)
            .ok_or_else(|| fail("no cut positions give domains that are small enough"))
    }

    fn fewest_cuts(&self, max_k: u32) -> Result<Vec<usize>, CircuitError> {
        let mut last = None;
        for n in 1..=self.rows.len() {
            match self.best_cuts(n, max_k) {
                Ok(cuts) => return Ok(cuts),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or(CircuitError::Plan {
            ops: 0,
            wanted: 1,
            why: "the program has no ops".into(),
        }))
    }

    /// Domain first; among equal domains few and evenly spread rows.
    fn cost(&self, from: usize, to: usize, k: u32) -> u64 {
        let rows: usize = self.rows[from..to].iter().sum();
        let live = self.program.value_count(&self.live[to]);
        (1u64 << (k + 24)) + 64 * boundary_rows(live) as u64 + ((rows as u64 * rows as u64) >> 20)
    }

    /// Positions where few tensors are live: the local minima, at most a few dozen.
    fn candidates(&self) -> Vec<usize> {
        let size: Vec<usize> = self
            .live
            .iter()
            .map(|ids| self.program.value_count(ids))
            .collect();
        let end = size.len() - 1;
        let mut inner: Vec<usize> = (1..end)
            .filter(|&i| size[i] <= size[i - 1] && size[i] <= size[i + 1])
            .collect();
        inner.sort_by_key(|&i| size[i]);
        inner.truncate(96);
        inner.extend([0, end]);
        inner.sort_unstable();
        inner
    }

    fn segments(&self, cuts: &[usize]) -> Result<Vec<Segment>, CircuitError> {
        let hints: HashSet<TensorId> = self.program.hints.iter().copied().collect();
        let mut seen: HashSet<TensorId> = self.program.inputs.iter().copied().collect();
        let mut segments = Vec::new();
        for (index, pair) in cuts.windows(2).enumerate() {
            let ops = pair[0]..pair[1];
            let mut own_hints = Vec::new();
            for op in &self.program.ops[ops.clone()] {
                own_hints.extend(
                    op.kind
                        .reads()
                        .into_iter()
                        .filter(|id| hints.contains(id) && seen.insert(*id)),
                );
            }
            let mut segment = Segment {
                name: format!("segment-{index}"),
                k: 0,
                inputs: self.live[ops.start].clone(),
                outputs: self.live[ops.end].clone(),
                hints: own_hints,
                ops,
            };
            segment.k = domain_for(&build(self.program, &segment, None)?);
            segments.push(segment);
        }
        Ok(segments)
    }
}

/// Rows of loading, packing and hashing so many activations.
fn boundary_rows(values: usize) -> usize {
    let words = values.div_ceil(SLOTS_PER_WORD);
    let permutation = 1 + 2 * gates::FULL_ROUNDS + gates::PARTIAL_ROUNDS;
    values + 9 * words + (words + 1).div_ceil(2) * permutation + permutation
}

/// Tensors that are needed at or after each position and exist before it. Position 0 holds all inputs, the last the
/// outputs, in the program's order.
fn live_tensors(program: &Program) -> Vec<Vec<TensorId>> {
    let count = program.ops.len();
    let mut first_use = vec![usize::MAX; program.tensors.len()];
    let mut last_use = vec![0; program.tensors.len()];
    let mut made = vec![0; program.tensors.len()];
    for (i, op) in program.ops.iter().enumerate() {
        for id in op.kind.reads() {
            let id = id.0 as usize;
            first_use[id] = first_use[id].min(i);
            last_use[id] = i;
        }
        if let Some(out) = op.kind.writes() {
            made[out.0 as usize] = i + 1;
        }
    }
    for id in &program.hints {
        // A hint starts where it is first read, inside a segment.
        made[id.0 as usize] = first_use[id.0 as usize].saturating_add(1);
    }
    for id in &program.outputs {
        last_use[id.0 as usize] = count;
    }
    let mut live: Vec<Vec<TensorId>> = (0..=count)
        .map(|at| {
            let is_live = |id: &usize| made[*id] <= at && last_use[*id] >= at;
            (0..program.tensors.len())
                .filter(is_live)
                .map(|id| TensorId(id as u32))
                .collect()
        })
        .collect();
    live[0].clone_from(&program.inputs);
    live[count].clone_from(&program.outputs);
    live
}
