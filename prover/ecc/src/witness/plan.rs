//! What a prover decides before it computes: digits, tables, offset. Honest ones follow from the inputs; tests change them.

use super::digits::Digit;
use crate::{
    layout::subtracts,
    offset,
    params::{ENTRIES, WINDOWS},
};
use halo2_base::halo2_proofs::halo2curves::{
    bn256::{Fr, G1, G1Affine},
    ff::Field,
    group::{Curve, prime::PrimeCurveAffine},
};
use rayon::prelude::*;

/// One job as a prover computes it. Tests change the parts.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) scalars: Vec<Fr>,
    pub(crate) digits: Vec<[Digit; WINDOWS]>,
    /// Entries as the chain adds them.
    pub(crate) entries: Vec<[G1Affine; ENTRIES]>,
    pub(crate) tables: Vec<TablePlan>,
    /// What the first block of the chain holds, and what the last addition adds.
    pub(crate) offset: [G1Affine; 2],
    /// Go on where an honest prover stops: an addition of equal points becomes a doubling.
    pub(crate) forced: bool,
}

/// How the table of a point is built.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TablePlan {
    pub(crate) point: G1Affine,
    /// What is doubled.
    pub(crate) base: G1Affine,
    /// What is added on the way to each entry (the first is not used), and whether its negative is.
    pub(crate) builds: [(G1Affine, bool); ENTRIES],
}

impl TablePlan {
    fn new(point: G1Affine) -> Self {
        let twice = -(G1::from(point) + point).to_affine();
        let mut plan = TablePlan {
            point,
            base: point,
            builds: std::array::from_fn(|m| (twice, subtracts(m))),
        };
        plan.builds[1].0 = point;
        plan
    }

    /// What comes out: P, 3P, −5P, …, 15P.
    pub(crate) fn entries(&self) -> [G1Affine; ENTRIES] {
        let mut points = [G1::from(self.point); ENTRIES];
        let mut acc = G1::from(self.base) + self.base;
        let built = points.iter_mut().zip(&self.builds).skip(1);
        for (entry, (operand, negate)) in built {
            *entry = if *negate {
                acc - operand
            } else {
                acc + operand
            };
            acc = -*entry;
        }
        let mut affine = [G1Affine::identity(); ENTRIES];
        G1::batch_normalize(&points, &mut affine);
        affine
    }
}

impl Plan {
    pub(crate) fn new(inputs: &[(G1Affine, Fr)]) -> Self {
        let tables: Vec<_> = inputs.par_iter().map(|(p, _)| TablePlan::new(*p)).collect();
        Plan {
            scalars: inputs.iter().map(|(_, s)| *s).collect(),
            digits: inputs.iter().map(|(_, s)| super::digits(s)).collect(),
            entries: tables.par_iter().map(TablePlan::entries).collect(),
            tables,
            offset: offset::points(),
            forced: false,
        }
    }

    /// Weight of each entry of a point's table: Σ ±16^i over the windows that use it.
    pub(super) fn weights(&self, point: usize) -> [Fr; ENTRIES] {
        let mut weights = [Fr::ZERO; ENTRIES];
        let mut power = Fr::ONE;
        for digit in &self.digits[point] {
            let weight = if digit.negate { -power } else { power };
            weights[digit.entry] += weight;
            power *= Fr::from(16);
        }
        weights
    }
}
