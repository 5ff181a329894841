//! Choice of binary scales: of activations from calibrated ranges, of function tables so that layers share them.

use std::collections::HashMap;

use halocast_ir::{ACT_MAX, FUNC_OFFSET, MAX_EXCESS, Scale};
use serde::{Deserialize, Serialize};

use super::analysis::{Analysis, Range};
use super::function::{exp2, split_affine};
use crate::unary::eval_chain;
use crate::{Graph, GraphOp, Unary};

/// How scales are chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuantizeOptions {
    /// Factor by which values may exceed the calibrated range before they saturate.
    pub headroom: f64,
    /// The same where the integer semantics refuse rather than saturate (norms, products of fine scale).
    pub wide_headroom: f64,
    /// Layers whose function arguments' scales differ by at most this many bits share a table.
    pub table_spread: u32,
}

impl Default for QuantizeOptions {
    fn default() -> Self {
        QuantizeOptions {
            headroom: 1.25,
            wide_headroom: 2.0,
            table_spread: 2,
        }
    }
}

/// Finest and coarsest scale given to a tensor.
const SCALES: (f64, f64) = (-24.0, 24.0);
/// Scale of a tensor that is 0 on all calibration inputs.
const SCALE_OF_ZERO: i8 = 14;

/// The finest scale at which `limit` is at most `top`.
pub(crate) fn finest(limit: f64, top: f64) -> Scale {
    if limit <= 0.0 {
        return Scale(SCALE_OF_ZERO);
    }
    Scale((top / limit).log2().floor().clamp(SCALES.0, SCALES.1) as i8)
}

impl QuantizeOptions {
    /// Scale of a saturating activation.
    pub(crate) fn act(&self, range: &Range) -> Scale {
        self.narrow(range, ACT_MAX as f64)
    }

    /// Scale of a function argument.
    pub(crate) fn func(&self, range: &Range) -> Scale {
        self.narrow(range, (FUNC_OFFSET - 1) as f64)
    }

    /// Scale of an activation that is refused out of range; `bound` is what it can never exceed, if that is known.
    pub(crate) fn wide(&self, range: &Range, bound: Option<f64>) -> Scale {
        let calibrated = finest(range.max_abs() * self.wide_headroom, ACT_MAX as f64);
        match bound.map(|b| finest(b, ACT_MAX as f64)) {
            Some(safe) if safe.0 >= calibrated.0 - 1 => safe,
            _ => calibrated,
        }
    }

    fn narrow(&self, range: &Range, top: f64) -> Scale {
        let reach = top + MAX_EXCESS as f64;
        let limit = range.max_abs().max(range.hidden * top / reach);
        finest(limit * self.headroom, top)
    }
}

/// How one scalar function node is looked up.
#[derive(Clone, Debug)]
pub(crate) struct FunctionPlan {
    /// The argument of the table is `pre.0·x + pre.1`.
    pub(crate) pre: (f64, f64),
    /// The tabulated chain.
    pub(crate) chain: Vec<Unary>,
    /// Scale of the argument.
    pub(crate) scale_in: Scale,
    /// Scale of the result.
    pub(crate) scale_out: Scale,
    /// Range of the argument.
    pub(crate) range: Range,
}

/// Whether a chain is arithmetic only (affine steps and squares), which needs no table.
pub(crate) fn is_arithmetic(chain: &[Unary]) -> bool {
    chain
        .iter()
        .all(|f| matches!(f, Unary::Affine(..)) || *f == Unary::Pow(2.0))
}

/// Plans every function node of a graph, sharing scales between nodes of one function.
pub(crate) fn plan_functions(
    graph: &Graph,
    analysis: &Analysis,
    options: &QuantizeOptions,
) -> HashMap<usize, FunctionPlan> {
    let mut groups: Vec<Vec<(usize, FunctionPlan)>> = Vec::new();
    for (index, node) in graph.nodes.iter().enumerate() {
        let GraphOp::Unary(chain) = &node.op else {
            continue;
        };
        if !analysis.live[index] || is_arithmetic(chain) {
            continue;
        }
        let (a, b, rest) = split_affine(chain);
        let range = analysis.ranges[node.inputs[0].0].affine(a, b);
        let plan = FunctionPlan {
            pre: (a, b),
            chain: rest.to_vec(),
            scale_in: options.func(&range),
            scale_out: Scale(0),
            range,
        };
        match groups.iter_mut().find(|g| g[0].1.chain == plan.chain) {
            Some(group) => group.push((index, plan)),
            None => groups.push(vec![(index, plan)]),
        }
    }
    groups
        .into_iter()
        .flat_map(|g| share_scales(g, options))
        .collect()
}

/// Gives nodes of one function common scales, in clusters of at most `table_spread` bits.
fn share_scales(
    mut group: Vec<(usize, FunctionPlan)>,
    options: &QuantizeOptions,
) -> Vec<(usize, FunctionPlan)> {
    group.sort_by_key(|(_, plan)| plan.scale_in.0);
    let mut out: Vec<(usize, FunctionPlan)> = Vec::new();
    while let Some((_, first)) = group.first() {
        let lowest = first.scale_in;
        let last = i32::from(lowest.0) + options.table_spread as i32;
        let split = group.partition_point(|(_, plan)| i32::from(plan.scale_in.0) <= last);
        let mut cluster: Vec<_> = group.drain(..split).collect();
        let range = cluster
            .iter()
            .fold(Range::EMPTY, |r, (_, plan)| r.join(&plan.range));
        let scale_out = result_scale(&cluster[0].1.chain, lowest, &range, options);
        for (_, plan) in &mut cluster {
            (plan.scale_in, plan.scale_out) = (lowest, scale_out);
        }
        out.append(&mut cluster);
    }
    out
}

/// Finest scale for the results of all arguments in the range with headroom.
fn result_scale(
    chain: &[Unary],
    scale_in: Scale,
    range: &Range,
    options: &QuantizeOptions,
) -> Scale {
    let step = exp2(-i32::from(scale_in.0));
    let top = (FUNC_OFFSET - 1) as f64;
    // Headroom away from 0 only: towards it a reciprocal has no bound.
    let low = (range.min
        * if range.min < 0.0 {
            options.headroom
        } else {
            1.0
        }
        / step)
        .max(-top);
    let high = (range.max
        * if range.max > 0.0 {
            options.headroom
        } else {
            1.0
        }
        / step)
        .min(top);
    let largest = (low.floor() as i64..=high.ceil() as i64)
        .map(|i| eval_chain(chain, i as f64 * step).abs())
        .filter(|y| y.is_finite())
        .fold(0.0, f64::max);
    finest(largest, ACT_MAX as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finest_scale_fits() {
        assert_eq!(finest(1.0, 32767.0), Scale(14));
        assert_eq!(finest(100_000.0, 32767.0), Scale(-2));
        assert_eq!(finest(0.0, 32767.0), Scale(14));
        assert_eq!(finest(1e-30, 32767.0), Scale(24));
    }

    #[test]
    fn hidden_values_only_have_to_saturate() {
        let mut range = Range::EMPTY;
        range.add(4.0);
        let options = QuantizeOptions::default();
        let plain = options.act(&range);
        range.hidden = 11.0;
        assert_eq!(options.act(&range), plain);
        range.hidden = 100.0;
        assert!(options.act(&range).0 < plain.0);
    }

    #[test]
    fn a_known_bound_is_taken_when_it_costs_little() {
        let mut range = Range::EMPTY;
        range.add(3.0);
        let options = QuantizeOptions::default();
        assert_eq!(options.wide(&range, None), Scale(12));
        assert_eq!(options.wide(&range, Some(8.0)), Scale(11));
        assert_eq!(options.wide(&range, Some(3.5)), Scale(13));
        assert_eq!(options.wide(&range, Some(100.0)), Scale(12));
    }
}
