//! Which tensors a cut commits to, and what a segment between two cuts loads. A tensor that is made in one segment and
//! read in another crosses every cut between; a hint is loaded once, by its first reader, and crosses like the others.

use crate::CircuitError;
use crate::segment::Segment;
use halocast_ir::{Program, TensorId};
use std::collections::HashSet;

/// Tensors that are needed at or after each position and exist before it. Position 0 holds all inputs, the last the
/// outputs, in the program's order.
pub(super) fn live_tensors(program: &Program) -> Vec<Vec<TensorId>> {
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

/// The segments between cuts (0, …, number of ops), without domains.
pub(super) fn spans(program: &Program, live: &[Vec<TensorId>], cuts: &[usize]) -> Vec<Segment> {
    let hints: HashSet<TensorId> = program.hints.iter().copied().collect();
    let mut loaded = HashSet::new();
    let spans = cuts.windows(2).enumerate().map(|(index, pair)| {
        let ops = pair[0]..pair[1];
        let reads = program.ops[ops.clone()]
            .iter()
            .flat_map(|op| op.kind.reads());
        let own = reads.filter(|id| hints.contains(id) && loaded.insert(*id));
        Segment {
            name: format!("segment-{index}"),
            k: 0,
            inputs: live[pair[0]].clone(),
            outputs: live[pair[1]].clone(),
            hints: own.collect(),
            ops,
        }
    });
    spans.collect()
}

/// Checks that segments are what cutting a validated program gives: all its ops in order, and at each cut exactly what is
/// live there. For segments that come from a file: the statement of a chain of layer proofs rests on it.
pub fn check_partition(program: &Program, segments: &[Segment]) -> Result<(), CircuitError> {
    let refuse = |what: String| Err(CircuitError::Partition { what });
    let mut cuts = vec![0];
    for segment in segments {
        let (name, ops) = (&segment.name, &segment.ops);
        let before = cuts[cuts.len() - 1];
        if ops.start != before || ops.end <= before || ops.end > program.ops.len() {
            let count = program.ops.len();
            return refuse(format!(
                "{name} has the ops {ops:?} after {before} of {count}"
            ));
        }
        if segment.k > super::MAX_K {
            return refuse(format!("{name} has a domain of 2^{}", segment.k));
        }
        cuts.push(ops.end);
    }
    if cuts[cuts.len() - 1] != program.ops.len() {
        let (covered, count) = (cuts[cuts.len() - 1], program.ops.len());
        return refuse(format!("the segments hold {covered} of {count} ops"));
    }
    for (given, mut due) in segments
        .iter()
        .zip(spans(program, &live_tensors(program), &cuts))
    {
        due.k = given.k;
        if *given != due {
            let name = &given.name;
            return refuse(format!(
                "{name} does not load or pass on what is live at its ends"
            ));
        }
    }
    Ok(())
}
