//! Which polynomials SHPLONK opens together: those with the same set of rotations, in the order in which they appear among the queries
//! (the order fixes the powers of the challenges, so that it is snark-verifier's `query_sets` to the letter).

use crate::expression::Query;
use halo2_base::halo2_proofs::halo2curves::{bn256::Fr, ff::Field};
use std::collections::BTreeSet;

/// Polynomials opened at the same points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QuerySet {
    /// The rotations, in order of appearance at the set's first polynomial.
    pub(crate) rotations: Vec<i32>,
    /// The polynomials, in order of appearance.
    pub(crate) polys: Vec<usize>,
}

/// The sets of a list of queries.
pub(crate) fn query_sets(queries: &[Query]) -> Vec<QuerySet> {
    let mut sets: Vec<QuerySet> = Vec::new();
    for (poly, rotations) in by_polynomial(queries) {
        let points: BTreeSet<_> = rotations.iter().collect();
        let same = |set: &&mut QuerySet| set.rotations.iter().collect::<BTreeSet<_>>() == points;
        match sets.iter_mut().find(same) {
            Some(set) => set.polys.push(poly),
            None => sets.push(QuerySet {
                rotations,
                polys: vec![poly],
            }),
        }
    }
    sets
}

fn by_polynomial(queries: &[Query]) -> Vec<(usize, Vec<i32>)> {
    let mut all: Vec<(usize, Vec<i32>)> = Vec::new();
    for query in queries {
        let rotation = query.rotation.0;
        match all.iter_mut().find(|(poly, _)| *poly == query.poly) {
            Some((_, rotations)) if rotations.contains(&rotation) => {}
            Some((_, rotations)) => rotations.push(rotation),
            None => all.push((query.poly, vec![rotation])),
        }
    }
    all
}

impl QuerySet {
    /// `1 / Π_{k ≠ j} (ω^j − ω^k)` for each rotation j: the part of the barycentric weights that does not depend on the proof.
    pub(crate) fn weights(&self, power: impl Fn(i32) -> Fr) -> Vec<Fr> {
        let points: Vec<Fr> = self.rotations.iter().map(|&r| power(r)).collect();
        let weight = |(j, x): (usize, &Fr)| {
            let others = points.iter().enumerate().filter(|(k, _)| *k != j);
            let product: Fr = others.map(|(_, y)| *x - y).product();
            // Rotations differ by less than the domain's size, which `Shape` checks: the powers are distinct.
            product.invert().unwrap_or(Fr::ZERO)
        };
        points.iter().enumerate().map(weight).collect()
    }
}
