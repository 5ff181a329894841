//! The borders of a transformer's layers: between two attentions, the last place where only the residual stream is live.

use halocast_ir::{Op, OpKind, Program};
use std::ops::Range;

/// Segments to make where layers cannot be told apart.
pub(super) fn count(program: &Program) -> usize {
    let linear = |op: &&Op| matches!(op.kind, OpKind::Linear { .. });
    match attentions(program).len() {
        0 => program.ops.iter().filter(linear).count().max(1),
        layers => layers,
    }
}

/// Cut positions (0, …, number of ops): before the first layer, after each. `live` counts the activations live at each
/// position. `None` with fewer than two attentions, or where these positions are not in order.
pub(super) fn cuts(program: &Program, live: &[usize]) -> Option<Vec<usize>> {
    let attentions = attentions(program);
    let end = live.len() - 1;
    let between = attentions.windows(2);
    let inner: Vec<usize> = between.map(|w| last_narrowest(live, w[0], w[1])).collect();
    let (first, last) = (*inner.first()?, *inner.last()?);
    let (begin, tail) = (attentions[0], attentions[attentions.len() - 1]);
    // The layers are alike: the first begins as far before its attention as the second, the last ends as far after it as
    // the one before.
    let before = begin.checked_sub(attentions[1] - first)?;
    let after = tail + last - attentions[attentions.len() - 2];
    let stream = live[first];
    let mut cuts = vec![0, nearest(live, stream, 1..begin + 1, before)?];
    cuts.extend(&inner);
    cuts.extend([nearest(live, stream, tail + 1..end, after)?, end]);
    cuts.is_sorted_by(|a, b| a < b).then_some(cuts)
}

/// Positions of the softmaxes.
fn attentions(program: &Program) -> Vec<usize> {
    let ops = program.ops.iter().enumerate();
    let softmaxes = ops.filter(|(_, op)| matches!(op.kind, OpKind::Softmax { .. }));
    softmaxes.map(|(at, _)| at).collect()
}

/// The last position after op `from`, and not after op `to`, where least is live.
fn last_narrowest(live: &[usize], from: usize, to: usize) -> usize {
    let positions = (from + 1..=to).rev();
    positions.min_by_key(|&at| live[at]).expect("to > from")
}

/// The position nearest to `to` where no more than `most` is live.
fn nearest(live: &[usize], most: usize, positions: Range<usize>, to: usize) -> Option<usize> {
    let narrow = positions.filter(|&at| live[at] <= most);
    narrow.min_by_key(|at| at.abs_diff(to))
}
