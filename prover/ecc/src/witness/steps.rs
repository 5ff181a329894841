//! What happens in each block: which point is added to which accumulator. Curve arithmetic only; `fill` turns the steps
//! into cells.

use super::{
    batch_invert,
    plan::{Plan, TablePlan},
};
use crate::{
    EccError,
    block::Kind,
    integer::Int,
    layout::{Block, Layout},
    offset,
    params::ENTRIES,
};
use halo2_base::halo2_proofs::halo2curves::{
    bn256::{Fq, Fr, G1, G1Affine},
    ff::Field,
    group::{Curve, prime::PrimeCurveAffine},
};
use rayon::prelude::*;

/// The numbers of a block that its quotients and carries follow from, and those plain cells that they do not determine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) slope: Int,
    pub(crate) x: Int,
    /// x_T, y_T.
    pub(crate) target: [Int; 2],
    pub(crate) negate: bool,
    /// `Digit`: the multiple looked up. Entries: their weight.
    pub(crate) lookup: Fr,
    /// Entries: what of the scalar is left before and after.
    pub(crate) scalar: [Fr; 2],
    /// `Point`, `Result`, `Curve`: p − 1 less the coordinate in X.
    pub(crate) complement: Int,
}

/// What a block does to the accumulator.
#[derive(Clone, Copy)]
struct Move {
    /// Before the step.
    acc: G1,
    /// Added, for chords.
    target: Option<G1Affine>,
    negate: bool,
}

/// The steps of all blocks, and the results.
pub(crate) fn steps(
    layout: &Layout,
    plans: &[Plan],
) -> Result<(Vec<Step>, Vec<G1Affine>), EccError> {
    let moves: Vec<Move> = plans
        .par_iter()
        .enumerate()
        .flat_map_iter(|(job, plan)| moves(&layout.blocks, job, plan))
        .collect();
    let constants = crate::params::CONSTANT_BLOCKS;
    let blocks = &layout.blocks[constants..];
    let accs: Vec<G1> = moves.iter().map(|m| m.acc).collect();
    let mut affine = vec![G1Affine::identity(); accs.len()];
    G1::batch_normalize(&accs, &mut affine);
    refuse_identities(blocks, &affine)?;
    let forced = plans.iter().any(|plan| plan.forced);
    let slopes = slopes(blocks, &moves, &affine, forced)?;
    let offsets = offset::points().map(|point| constant(&point));
    let mut steps: Vec<Step> = offsets.to_vec();
    let rest = blocks.par_iter().enumerate().map(|(i, block)| {
        let m = &moves[i];
        let target = m.target.unwrap_or(affine[i]);
        step(block, affine[i], target, m.negate, slopes[i])
    });
    steps.par_extend(rest);
    take_apart(layout, plans, &mut steps);
    let results = layout.jobs.iter().map(|job| affine[job.result - constants]);
    Ok((steps, results.collect()))
}

/// Walks a job's blocks.
fn moves(blocks: &[Block], job: usize, plan: &Plan) -> Vec<Move> {
    let mut acc = G1::from(plan.offset[0]);
    let mine = blocks[crate::params::CONSTANT_BLOCKS..]
        .iter()
        .filter(|b| b.job == job);
    let mut table: Option<&TablePlan> = None;
    mine.map(|block| {
        match (block.kind, table) {
            (Kind::Point, _) => {
                table = plan.tables.get(block.point);
                acc = plan.tables[block.point].point.into();
            }
            (Kind::Tangent, Some(table)) => acc = table.base.into(),
            _ => {}
        }
        let (target, negate) = added(block, plan, table);
        let before = acc;
        match (block.kind, target) {
            (Kind::Pass | Kind::Tangent | Kind::Entry, _) => acc = -acc,
            (Kind::Double, _) => acc = acc + acc,
            (_, Some(target)) if negate => acc -= target,
            (_, Some(target)) => acc += target,
            _ => {}
        }
        Move {
            acc: before,
            target,
            negate,
        }
    })
    .collect()
}

/// The point that a chord adds, and its sign.
fn added(block: &Block, plan: &Plan, table: Option<&TablePlan>) -> (Option<G1Affine>, bool) {
    match (block.kind, table) {
        (Kind::Digit, _) => {
            let digit = plan.digits[block.point][block.index];
            (Some(plan.entries[block.point][digit.entry]), digit.negate)
        }
        (Kind::Build, None) => (Some(plan.offset[1]), false),
        (Kind::Build, Some(table)) => {
            let (operand, negate) = table.builds[block.index];
            (Some(operand), negate)
        }
        (Kind::Double, _) => (None, true),
        _ => (None, false),
    }
}

fn refuse_identities(blocks: &[Block], accs: &[G1Affine]) -> Result<(), EccError> {
    let is_identity = |acc: &G1Affine| bool::from(acc.is_identity());
    match accs.iter().position(is_identity) {
        None => Ok(()),
        Some(i) => {
            let job = blocks[i].job;
            Err(match blocks[i].kind {
                Kind::Result => EccError::ResultIsIdentity { job },
                _ => exceptional(job, i),
            })
        }
    }
}

/// An addition in block i of those after the constants.
fn exceptional(job: usize, i: usize) -> EccError {
    let block = i + crate::params::CONSTANT_BLOCKS;
    EccError::Exceptional { job, block }
}

/// λ of chords and tangents; 0 elsewhere.
fn slopes(
    blocks: &[Block],
    moves: &[Move],
    accs: &[G1Affine],
    forced: bool,
) -> Result<Vec<Fq>, EccError> {
    let mut slopes: Vec<Fq> = (0..blocks.len())
        .map(|i| match (blocks[i].kind, moves[i].target) {
            (Kind::Double, _) => accs[i].y.double(),
            (_, Some(target)) if forced && target.x == accs[i].x => accs[i].y.double(),
            (_, Some(target)) => target.x - accs[i].x,
            _ => Fq::ONE,
        })
        .collect();
    if let Some(i) = slopes.iter().position(|d| bool::from(d.is_zero())) {
        return Err(vertical(blocks, moves, accs, i));
    }
    batch_invert(&mut slopes);
    for (i, slope) in slopes.iter_mut().enumerate() {
        let acc = &accs[i];
        *slope *= match (blocks[i].kind, moves[i].target) {
            (Kind::Double, _) => acc.x.square() * Fq::from(3),
            (_, Some(target)) if target.x == acc.x => acc.x.square() * Fq::from(3),
            (_, Some(target)) if moves[i].negate => -target.y - acc.y,
            (_, Some(target)) => target.y - acc.y,
            _ => Fq::ZERO,
        };
    }
    Ok(slopes)
}

/// Why the addition of block i has no slope.
fn vertical(blocks: &[Block], moves: &[Move], accs: &[G1Affine], i: usize) -> EccError {
    let job = blocks[i].job;
    let into_result = blocks.get(i + 1).is_some_and(|b| b.kind == Kind::Result);
    let opposite = moves[i].target.is_some_and(|t| t.y == -accs[i].y);
    if into_result && opposite {
        EccError::ResultIsIdentity { job }
    } else {
        exceptional(job, i)
    }
}

/// A block with a point in its plain cells and nothing else.
fn constant(point: &G1Affine) -> Step {
    Step {
        slope: Int::ZERO,
        x: Int::ZERO,
        target: [Int::from(&point.x), Int::from(&point.y)],
        negate: false,
        lookup: Fr::ZERO,
        scalar: [Fr::ZERO; 2],
        complement: Int::ZERO,
    }
}

fn step(block: &Block, acc: G1Affine, target: G1Affine, negate: bool, slope: Fq) -> Step {
    let (x, y) = (Int::from(&acc.x), Int::from(&acc.y));
    let rest = |coordinate: Int| Int::p() - Int::small(1) - coordinate;
    let mut step = constant(&target);
    step.negate = negate;
    (step.slope, step.x) = match block.kind {
        Kind::Digit | Kind::Build => (Int::from(&slope), x),
        Kind::Double => (Int::from(&slope), x),
        Kind::Curve => (Int::from(&acc.x.square()), y),
        Kind::Spare => (x, Int::ZERO),
        _ => (y, x),
    };
    match block.kind {
        Kind::Double => step.target[1] = Int::from(&-acc.y),
        Kind::Point | Kind::Result | Kind::Curve => step.complement = rest(step.x),
        _ => {}
    }
    step
}

/// Scalars along the chains of tables; digits' multiples.
fn take_apart(layout: &Layout, plans: &[Plan], steps: &mut [Step]) {
    let mut left = Fr::ZERO;
    let mut weights = [Fr::ZERO; ENTRIES];
    for (block, step) in layout.blocks.iter().zip(steps) {
        let plan = &plans[block.job];
        match block.kind {
            Kind::Digit => {
                let digit = plan.digits[block.point][block.index];
                step.lookup = crate::layout::signed(crate::layout::multiple(digit.entry));
            }
            Kind::Point | Kind::Entry | Kind::LastEntry => {
                if block.kind == Kind::Point {
                    left = plan.scalars[block.point];
                    weights = plan.weights(block.point);
                }
                step.lookup = weights[block.index];
                let rest = left - block.value() * step.lookup;
                step.scalar = [left, rest];
                left = rest;
            }
            _ => {}
        }
    }
}
