//! Cuts to consider and the cheapest of them. A cut costs what both sides spend on the commitment to the tensors live across
//! it; a segment costs its domain, a power of two. For a number of segments and a largest domain the cuts minimise the sum of
//! the domains, then the sum of the rows, by dynamic programming over op positions; which number of segments and which
//! domains are cheapest is the caller's to say.

use super::spans::{Spans, boundary_rows};
use super::{MAX_K, MIN_K, Plan, Price, SegmentPolicy, SpanSize, layers};
use crate::CircuitError;
use crate::segment::Segment;
use halocast_ir::Program;
use std::cmp::Ordering;
use std::collections::HashSet;

/// Cut positions that are tried.
const CANDIDATES: usize = 96;
/// Stretches of equally many rows that each have one.
const STRETCHES: usize = 48;
/// How many segments more than the fewest are tried.
const MORE: usize = 4;

pub(super) struct Planner<'a> {
    program: &'a Program,
    pub(super) spans: Spans<'a>,
}

impl<'a> Planner<'a> {
    pub(super) fn new(program: &'a Program) -> Result<Self, CircuitError> {
        let spans = Spans::new(program)?;
        Ok(Planner { program, spans })
    }

    /// The cheapest partition. What it would use is counted; if that is not as estimated, the choice is made again.
    pub(super) fn plan(
        &self,
        policy: SegmentPolicy,
        max_k: u32,
        price: &Price<'_>,
    ) -> Result<Option<Plan>, CircuitError> {
        loop {
            let all = self.proposals(policy, max_k)?;
            let prices = all.iter().map(|cuts| price(&self.sizes(cuts)));
            let priced = prices.enumerate().filter_map(|(i, p)| Some((i, p?)));
            // The first of equals is taken.
            let Some((chosen, _)) = priced.min_by(|a, b| compare(&a.1, &b.1)) else {
                return Ok(None);
            };
            if self.settle(&all[chosen])? {
                return Ok(Some(Plan {
                    segments: self.segments(&all[chosen]),
                    considered: all.iter().map(|cuts| self.sizes(cuts)).collect(),
                    chosen,
                }));
            }
        }
    }

    /// Counts the rows between cuts; whether no domain was estimated wrong.
    pub(super) fn settle(&self, cuts: &[usize]) -> Result<bool, CircuitError> {
        self.spans.settle(cuts)
    }

    /// The segments between cuts.
    pub(super) fn segments(&self, cuts: &[usize]) -> Vec<Segment> {
        self.spans.segments(cuts)
    }

    fn sizes(&self, cuts: &[usize]) -> Vec<SpanSize> {
        let size = |w: &[usize]| self.spans.size(w[0], w[1]);
        cuts.windows(2).map(size).collect()
    }

    fn largest_domain(&self, cuts: &[usize]) -> u32 {
        let sizes = self.sizes(cuts);
        sizes.iter().map(|s| s.k).max().unwrap_or(0)
    }

    /// At least one partition of the kind asked for, in domains of at most 2^`max_k` rows as far as is known.
    fn proposals(
        &self,
        policy: SegmentPolicy,
        max_k: u32,
    ) -> Result<Vec<Vec<usize>>, CircuitError> {
        match policy {
            SegmentPolicy::Auto => self.automatic(max_k),
            SegmentPolicy::Count(n) => Ok(vec![self.best_cuts(n, max_k)?]),
            SegmentPolicy::PerLayer => {
                let cuts = self.layer_cuts()?;
                match self.largest_domain(&cuts) {
                    smallest if smallest > max_k => Err(CircuitError::Domain { max_k, smallest }),
                    _ => Ok(vec![cuts]),
                }
            }
        }
    }

    /// One segment a layer; for each largest domain the fewest segments that fit, and a few more than these.
    fn automatic(&self, max_k: u32) -> Result<Vec<Vec<usize>>, CircuitError> {
        let layers = self.layer_cuts().ok();
        let layers = layers.filter(|cuts| self.largest_domain(cuts) <= max_k);
        let mut all: Vec<Vec<usize>> = layers.into_iter().collect();
        for cap in MIN_K..=max_k {
            let Some(fewest) = self.fewest_cuts(cap) else {
                continue;
            };
            let count = fewest.len() - 1;
            let best = (count..=count + MORE).filter_map(|n| self.best_cuts(n, cap).ok());
            let mut found: Vec<Vec<usize>> = best.collect();
            if found.is_empty() {
                found.push(fewest);
            }
            found.retain(|cuts| !all.contains(cuts));
            all.extend(found);
        }
        match all.is_empty() {
            true => Err(self.too_small(max_k)?),
            false => Ok(all),
        }
    }

    /// Cut positions (0, …, number of ops) of n segments.
    pub(super) fn best_cuts(&self, n: usize, max_k: u32) -> Result<Vec<usize>, CircuitError> {
        let ops = self.spans.ops();
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
                    let k = self.spans.size(candidates[i], to).k;
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

    /// Domain first; among equal domains few and evenly spread rows.
    fn cost(&self, from: usize, to: usize, k: u32) -> u64 {
        let rows = self.spans.own_rows(from, to) as u64;
        let boundary = boundary_rows(self.spans.live_values(to)) as u64;
        (1u64 << (k + 24)) + 64 * boundary + ((rows * rows) >> 20)
    }

    /// Cuts of the fewest segments that fit; where the usual positions do not do, of all positions.
    fn fewest_cuts(&self, max_k: u32) -> Option<Vec<usize>> {
        if self.spans.ops() == 0 {
            return None;
        }
        let everywhere = || (0..=self.spans.ops()).collect::<Vec<_>>();
        self.fewest_among(&self.candidates(0), max_k)
            .or_else(|| self.fewest_among(&everywhere(), max_k))
    }

    fn fewest_among(&self, positions: &[usize], max_k: u32) -> Option<Vec<usize>> {
        // The shortest way to each position: how many segments, and the position before.
        let mut ways: Vec<Option<(usize, usize)>> = vec![None; positions.len()];
        ways[0] = Some((0, 0));
        for (i, &from) in positions.iter().enumerate() {
            let Some((count, _)) = ways[i] else { continue };
            for (j, &to) in positions.iter().enumerate().skip(i + 1) {
                if self.spans.own_rows(from, to) >> max_k > 0 {
                    break;
                }
                let shorter = ways[j].is_none_or(|(c, _)| count + 1 < c);
                if shorter && self.spans.size(from, to).k <= max_k {
                    ways[j] = Some((count + 1, i));
                }
            }
        }
        let mut at = positions.len() - 1;
        let mut cuts = vec![positions[at]];
        while at > 0 {
            at = ways[at]?.1;
            cuts.push(positions[at]);
        }
        cuts.reverse();
        Some(cuts)
    }

    /// That domains of 2^`max_k` are too small, with the smallest that are not.
    fn too_small(&self, max_k: u32) -> Result<CircuitError, CircuitError> {
        for smallest in max_k.saturating_add(1)..=MAX_K {
            if self.fits(smallest)? {
                return Ok(CircuitError::Domain { max_k, smallest });
            }
        }
        Ok(CircuitError::Plan {
            ops: self.spans.ops(),
            wanted: 1,
            why: format!("no cut positions give domains of at most 2^{MAX_K} rows"),
        })
    }

    /// Whether some cuts give domains this small, by counted rows.
    fn fits(&self, k: u32) -> Result<bool, CircuitError> {
        while let Some(cuts) = self.fewest_cuts(k) {
            if self.settle(&cuts)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Cuts around each layer.
    fn layer_cuts(&self) -> Result<Vec<usize>, CircuitError> {
        match layers::cuts(self.program, &self.live_sizes()) {
            Some(cuts) => Ok(cuts),
            None => self.best_cuts(layers::count(self.program), MAX_K),
        }
    }

    /// Activations live at each position.
    fn live_sizes(&self) -> Vec<usize> {
        let positions = 0..=self.spans.ops();
        positions.map(|at| self.spans.live_values(at)).collect()
    }

    /// Positions to cut at: the best of each stretch of rows, then the best of all, where local minima of what is live are
    /// better than others and small ones better than large ones. Enough for n segments, and for a choice.
    fn candidates(&self, n: usize) -> Vec<usize> {
        let size = self.live_sizes();
        let end = size.len() - 1;
        let is_minimum = |i: usize| size[i] <= size[i - 1] && size[i] <= size[i + 1];
        let mut order: Vec<usize> = (1..end).collect();
        order.sort_by_key(|&i| (!is_minimum(i), size[i]));
        let rows = self.spans.own_rows(0, end).max(1);
        let stretch = |i: usize| self.spans.own_rows(0, i) * STRETCHES / rows;
        let mut seen = HashSet::new();
        let (first, rest): (Vec<usize>, _) = order.iter().partition(|&&i| seen.insert(stretch(i)));
        let mut chosen = [first, rest].concat();
        chosen.truncate(CANDIDATES.max(n.saturating_sub(1)));
        chosen.extend([0, end]);
        chosen.sort_unstable();
        chosen
    }
}

fn compare(a: &[f64; 2], b: &[f64; 2]) -> Ordering {
    let [first, second] = [0, 1].map(|i| a[i].total_cmp(&b[i]));
    first.then(second)
}
