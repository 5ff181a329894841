//! The cheapest cuts. A cut costs what both sides spend on the commitment to the tensors live across it; a segment costs
//! its domain, a power of two. The cuts for n segments minimise the sum of the domains, then the sum of the rows, by dynamic
//! programming over op positions.

use super::live::{live_tensors, spans};
use super::{AGGREGATE_CPU_S, MAX_K, PROVE_CPU_S_K17, layers, peak_bytes};
use crate::layout::{TableCounter, UNUSABLE_ROWS, domain_for};
use crate::segment::{Segment, build, row_marks};
use crate::{CircuitError, gates};
use halocast_ir::{Program, SLOTS_PER_WORD, TensorId};

/// Cut positions that are tried.
const CANDIDATES: usize = 96;
/// How many segments more than the fewest are tried.
const MORE: usize = 4;

pub(super) struct Planner<'a> {
    program: &'a Program,
    /// Rows of each op.
    rows: Vec<usize>,
    /// Table rows that each op brings when it is the first of its segment to need them.
    tables: TableCounter,
    /// Tensors live before each op; the last entry is the outputs.
    live: Vec<Vec<TensorId>>,
}

impl<'a> Planner<'a> {
    pub(super) fn new(program: &'a Program) -> Result<Self, CircuitError> {
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
    pub(super) fn best_cuts(&self, n: usize, max_k: u32) -> Result<Vec<usize>, CircuitError> {
        let ops = self.rows.len();
        let fail = |why: &str| CircuitError::Plan {
            ops,
            wanted: n,
            why: why.to_owned(),
        };
        if n == 0 || n > ops {
            return Err(fail("there must be at least one op in each"));
        }
        let candidates = self.candidates(n);
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

    pub(super) fn fewest_cuts(&self, max_k: u32) -> Result<Vec<usize>, CircuitError> {
        let mut last = None;
        // Not worth trying every number of segments when an op alone does not fit.
        let most = match self.largest_alone() > max_k {
            true => 1,
            false => self.rows.len(),
        };
        for n in 1..=most {
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

    /// The cheapest of: one segment a layer, the fewest segments that fit, and a few more than these.
    pub(super) fn cheapest_cuts(&self, max_k: u32) -> Result<Vec<usize>, CircuitError> {
        let fewest = match self.fewest_cuts(max_k) {
            Err(error) => return Err(self.too_small(max_k).unwrap_or(error)),
            Ok(fewest) => fewest,
        };
        let count = fewest.len() - 1;
        let more = (count + 1..=count + MORE).filter_map(|n| self.best_cuts(n, max_k).ok());
        let layers = self.layer_cuts().ok();
        let layers = layers.filter(|cuts| self.largest_domain(cuts) <= max_k);
        // Layers first: the first of equals is taken.
        let all = layers.into_iter().chain([fewest.clone()]).chain(more);
        let cheapest = all.min_by(|a, b| self.cpu_s(a).total_cmp(&self.cpu_s(b)));
        Ok(cheapest.unwrap_or(fewest))
    }

    /// That domains of 2^`max_k` are too small, with the smallest that are not; `None` if there are none.
    fn too_small(&self, max_k: u32) -> Option<CircuitError> {
        let smallest = self.largest_alone().max(max_k + 1);
        let works = |k: &u32| self.fewest_cuts(*k).is_ok();
        let smallest = (smallest..=MAX_K).find(works)?;
        Some(CircuitError::Domain {
            max_k,
            smallest,
            peak_bytes: peak_bytes(smallest),
        })
    }

    /// Smallest k for every op alone, the largest of all: no cuts give smaller domains.
    fn largest_alone(&self) -> u32 {
        let alone = (0..self.rows.len()).map(|at| self.domain(at, at + 1));
        alone.max().unwrap_or(0)
    }

    /// CPU seconds to prove these segments and to aggregate the proofs.
    fn cpu_s(&self, cuts: &[usize]) -> f64 {
        let domains = cuts.windows(2).map(|w| self.domain(w[0], w[1]));
        domains
            .map(|k| PROVE_CPU_S_K17 * (f64::from(k) - 17.0).exp2() + AGGREGATE_CPU_S)
            .sum()
    }

    fn largest_domain(&self, cuts: &[usize]) -> u32 {
        let domains = cuts.windows(2).map(|w| self.domain(w[0], w[1]));
        domains.max().unwrap_or(0)
    }

    /// Cuts around each layer.
    pub(super) fn layer_cuts(&self) -> Result<Vec<usize>, CircuitError> {
        match layers::cuts(self.program, &self.live_sizes()) {
            Some(cuts) => Ok(cuts),
            None => self.best_cuts(layers::count(self.program), MAX_K),
        }
    }

    /// Activations live at each position.
    fn live_sizes(&self) -> Vec<usize> {
        let size = |ids: &Vec<TensorId>| self.program.value_count(ids);
        self.live.iter().map(size).collect()
    }

    /// Positions to cut at: the local minima of what is live first, then the others, small ones first. Enough for n
    /// segments, and for a choice.
    fn candidates(&self, n: usize) -> Vec<usize> {
        let size = self.live_sizes();
        let end = size.len() - 1;
        let is_minimum = |i: usize| size[i] <= size[i - 1] && size[i] <= size[i + 1];
        let mut inner: Vec<usize> = (1..end).collect();
        inner.sort_by_key(|&i| (!is_minimum(i), size[i]));
        inner.truncate(CANDIDATES.max(n - 1));
        inner.extend([0, end]);
        inner.sort_unstable();
        inner
    }

    /// The segments between cuts, with their domains.
    pub(super) fn segments(&self, cuts: &[usize]) -> Result<Vec<Segment>, CircuitError> {
        let mut segments = spans(self.program, &self.live, cuts);
        for segment in &mut segments {
            segment.k = domain_for(&build(self.program, segment, None)?);
        }
        Ok(segments)
    }
}

/// Rows of packing and hashing so many activations (loaded ones stand on these rows).
fn boundary_rows(values: usize) -> usize {
    let words = values.div_ceil(SLOTS_PER_WORD);
    let permutation = 1 + 2 * gates::FULL_ROUNDS + gates::PARTIAL_ROUNDS;
    9 * words + (words + 1).div_ceil(2) * permutation + permutation
}
