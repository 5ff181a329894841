//! Everything that a prover computes; no constraint lives here.
//!
//! | file | what |
//! |---|---|
//! | `digits` | scalars as odd signed digits |
//! | `plan` | digits, tables, offset: what a prover decides |
//! | `steps` | which point is added to which, in each block |
//! | `fill` | quotients, carries, pieces: phase 0 |
//! | `phase1` | helpers, fractions, the running sum, once challenges are drawn |

mod digits;
mod fill;
mod phase1;
mod plan;
mod steps;

use crate::{
    EccError, PointCells, gates::LookupGroups, integer::Int, layout::Layout, limbs::PIECE_BITS,
};
use halo2_base::halo2_proofs::halo2curves::{
    CurveAffine,
    bn256::{Fr, G1Affine},
    ff::Field,
    group::prime::PrimeCurveAffine,
};
use rayon::prelude::*;

#[cfg(test)]
pub(crate) use digits::Digit;
pub(crate) use digits::digits;
pub(crate) use fill::fill;
pub(crate) use phase1::Phase1;
#[cfg(test)]
pub(crate) use phase1::fractions;
pub(crate) use plan::Plan;
pub(crate) use steps::{Step, steps};

/// The cells of phase 0 for certain points and scalars.
#[derive(Clone, Debug)]
pub struct Witness {
    /// Pieces by column, for the rows of blocks.
    pub(crate) range: Vec<Vec<u32>>,
    /// Plain cells by column, for the rows of blocks.
    pub(crate) plain: Vec<Vec<Fr>>,
    /// How often each number below 2^17 is looked up.
    pub(crate) multiplicities: Vec<u32>,
    results: Vec<G1Affine>,
}

impl Witness {
    /// Computes the sums of each job and all cells.
    pub fn new(layout: &Layout, jobs: &[Vec<(G1Affine, Fr)>]) -> Result<Self, EccError> {
        check_inputs(&layout.params().jobs, jobs)?;
        let plans: Vec<Plan> = jobs.iter().map(|inputs| Plan::new(inputs)).collect();
        Self::follow(layout, &plans)
    }

    /// Cells of a prover that follows the plans, honest or not.
    pub(crate) fn follow(layout: &Layout, plans: &[Plan]) -> Result<Self, EccError> {
        let (steps, results) = steps(layout, plans)?;
        Ok(Self::from_steps(layout, &steps, results))
    }

    /// Cells for steps, honest or not.
    pub(crate) fn from_steps(layout: &Layout, steps: &[Step], results: Vec<G1Affine>) -> Self {
        let (range, plain) = fill(layout, steps);
        let mut witness = Witness {
            range,
            plain,
            multiplicities: vec![],
            results,
        };
        witness.count(layout);
        witness
    }

    /// Counts the lookups of pieces.
    pub(crate) fn count(&mut self, layout: &Layout) {
        let groups = LookupGroups::new(layout.params().width);
        let mut counts = vec![0u32; 1 << PIECE_BITS];
        for lookup in groups.all() {
            let column = &self.range[lookup.column];
            for piece in column {
                let value = *piece as usize * if lookup.doubled { 2 } else { 1 };
                if let Some(count) = counts.get_mut(value) {
                    *count += 1;
                }
            }
            // The rows after the blocks.
            counts[0] += (layout.params().active_rows() - column.len()) as u32;
        }
        self.multiplicities = counts;
    }

    /// Σ s·P of each job.
    pub fn results(&self) -> &[G1Affine] {
        &self.results
    }
}

/// A point as the values of its cells.
pub fn point_values(point: &G1Affine) -> PointCells<Fr> {
    PointCells::from_all(crate::gates::point_words(point).map(Int::to_fr))
}

fn check_inputs(sizes: &[usize], jobs: &[Vec<(G1Affine, Fr)>]) -> Result<(), EccError> {
    let (got, expected) = (jobs.len(), sizes.len());
    if got != expected {
        return Err(EccError::JobCount { got, expected });
    }
    for (job, (inputs, &expected)) in jobs.iter().zip(sizes).enumerate() {
        let got = inputs.len();
        if got != expected {
            return Err(EccError::JobSize { job, got, expected });
        }
        for (point, (value, _)) in inputs.iter().enumerate() {
            check_point(job, point, value)?;
        }
    }
    Ok(())
}

/// What the chip's constraints say of an input, checked natively so that a bad one is named.
fn check_point(job: usize, point: usize, value: &G1Affine) -> Result<(), EccError> {
    if bool::from(value.is_identity()) {
        return Err(EccError::Identity { job, point });
    }
    if !bool::from(value.is_on_curve()) {
        return Err(EccError::NotOnCurve { job, point });
    }
    Ok(())
}

/// Inverts every non-zero element; zeros stay.
pub(crate) fn batch_invert<F: Field>(values: &mut [F]) {
    values.par_chunks_mut(4096).for_each(|chunk| {
        let mut prefixes = Vec::with_capacity(chunk.len());
        let mut product = F::ONE;
        for value in chunk.iter() {
            prefixes.push(product);
            if !bool::from(value.is_zero()) {
                product *= value;
            }
        }
        // A product of non-zero elements is not zero.
        let mut inverse = product.invert().unwrap_or(F::ZERO);
        for (value, prefix) in chunk.iter_mut().zip(prefixes).rev() {
            if !bool::from(value.is_zero()) {
                let next = inverse * *value;
                *value = inverse * prefix;
                inverse = next;
            }
        }
    });
}
