//! What the generator takes from a key, checked: a key with a feature that the contract does not have stops here, by name.

use crate::{
    GenerateError,
    expression::{CommonPolynomial, Expression, Query},
    shplonk::{QuerySet, query_sets},
};
use halo2_base::halo2_proofs::halo2curves::{
    bn256::{Bn256, Fr, G1Affine},
    ff::Field,
    group::prime::PrimeCurveAffine,
};
use snark_verifier::{pcs::kzg::KzgDecidingKey, verifier::plonk::PlonkProtocol};
use std::collections::BTreeSet;

/// Limbs of an accumulator: two points, two coordinates, three limbs.
pub(crate) const LIMBS: usize = 12;

/// Longest run of Lagrange polynomials that is evaluated; more is a circuit that this contract is not for.
const MAX_LAGRANGE: usize = 1024;

/// Points that the prover sends before the verifier draws challenges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Round {
    pub(crate) points: usize,
    pub(crate) challenges: usize,
}

/// A verifying key as the contract sees it.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) k: usize,
    pub(crate) omega: Fr,
    pub(crate) n_inv: Fr,
    pub(crate) initial_state: Fr,
    pub(crate) preprocessed: Vec<G1Affine>,
    pub(crate) instances: usize,
    /// First of the 12 public words that hold an accumulator.
    pub(crate) accumulator: Option<usize>,
    /// The last one holds the quotient's chunks and draws z.
    pub(crate) rounds: Vec<Round>,
    pub(crate) chunks: usize,
    pub(crate) evaluations: Vec<Query>,
    pub(crate) sets: Vec<QuerySet>,
    /// Distinct rotations at which something is opened.
    pub(crate) rotations: Vec<i32>,
    /// First and last Lagrange polynomial in the numerator.
    pub(crate) lagrange: (i32, i32),
    pub(crate) numerator: Expression,
    pub(crate) deciding_key: KzgDecidingKey<Bn256>,
}

fn unsupported<T>(what: impl Into<String>) -> Result<T, GenerateError> {
    Err(GenerateError::UnsupportedKey(what.into()))
}

impl Shape {
    pub(crate) fn new(
        protocol: &PlonkProtocol<G1Affine>,
        deciding_key: &KzgDecidingKey<Bn256>,
    ) -> Result<Self, GenerateError> {
        let instances = one_instance_column(protocol)?;
        features(protocol)?;
        commitments(protocol, deciding_key)?;
        let Some(initial_state) = protocol.transcript_initial_state else {
            return unsupported("the transcript does not begin with the key's digest");
        };
        let chunks = protocol.quotient.num_chunk();
        let numerator = Expression::numerator(protocol)?;
        let query = |poly, rotation| Query { poly, rotation };
        let evaluations: Vec<Query> = protocol
            .evaluations
            .iter()
            .map(|q| query(q.poly, q.rotation))
            .collect();
        let queries: Vec<Query> = protocol
            .queries
            .iter()
            .map(|q| query(q.poly, q.rotation))
            .collect();
        let shape = Self {
            k: protocol.domain.k,
            omega: protocol.domain.r#gen,
            n_inv: protocol.domain.n_inv,
            initial_state,
            preprocessed: protocol.preprocessed.clone(),
            instances,
            accumulator: accumulator(protocol)?,
            rounds: rounds(protocol, chunks)?,
            chunks,
            sets: query_sets(&queries),
            rotations: rotations(&queries),
            lagrange: lagrange(&numerator, instances)?,
            evaluations,
            numerator,
            deciding_key: deciding_key.clone(),
        };
        shape.opens_what_it_reads(&queries)?;
        shape.numerator_has_all_it_needs()?;
        Ok(shape)
    }

    /// Points before the evaluations.
    pub(crate) fn points(&self) -> usize {
        self.rounds.iter().map(|round| round.points).sum()
    }

    /// Bytes of a proof: points, evaluations, W and W'.
    pub(crate) fn proof_len(&self) -> usize {
        64 * (self.points() + 2) + 32 * self.evaluations.len()
    }

    pub(crate) fn instance_poly(&self) -> usize {
        self.preprocessed.len()
    }

    /// Number of the first polynomial that the proof brings.
    pub(crate) fn first_witness(&self) -> usize {
        self.preprocessed.len() + 1
    }

    pub(crate) fn quotient_poly(&self) -> usize {
        self.first_witness() + self.points() - self.chunks
    }

    /// Challenges of the rounds, z the last of them.
    pub(crate) fn challenges(&self) -> usize {
        self.rounds.iter().map(|round| round.challenges).sum()
    }

    /// ω^rotation
    pub(crate) fn power(&self, rotation: i32) -> Fr {
        let power = self.omega.pow_vartime([u64::from(rotation.unsigned_abs())]);
        if rotation < 0 {
            power.invert().unwrap_or(Fr::ZERO) // ω is a root of unity
        } else {
            power
        }
    }

    /// The proof's evaluations and the quotient's are opened, each once, and nothing else. Then the loop over the openings sees every
    /// evaluation, and its range check covers them all.
    fn opens_what_it_reads(&self, queries: &[Query]) -> Result<(), GenerateError> {
        let read: BTreeSet<_> = self.evaluations.iter().copied().collect();
        let mut opened: BTreeSet<_> = queries.iter().copied().collect();
        let quotient = Query::new(self.quotient_poly(), 0);
        if !opened.remove(&quotient) || read != opened || read.len() != self.evaluations.len() {
            return unsupported("the evaluations read are not the polynomials opened");
        }
        if queries.len() != opened.len() + 1 {
            return unsupported("a polynomial is opened twice at one point");
        }
        let domain = 1i64 << self.k;
        let span = |all: &[i32]| {
            let (low, high) = (all.iter().min().copied(), all.iter().max().copied());
            i64::from(high.unwrap_or(0)) - i64::from(low.unwrap_or(0))
        };
        if span(&self.rotations) >= domain {
            return unsupported("two rotations are the same point of the domain");
        }
        let in_key = |poly: &usize| *poly <= self.quotient_poly() && *poly != self.instance_poly();
        if !self.sets.iter().flat_map(|set| &set.polys).all(in_key) {
            return unsupported("a polynomial is opened that has no commitment");
        }
        Ok(())
    }

    fn numerator_has_all_it_needs(&self) -> Result<(), GenerateError> {
        let known: BTreeSet<_> = self.evaluations.iter().copied().collect();
        let instance = Query::new(self.instance_poly(), 0);
        let mut missing = None;
        self.numerator.visit(&mut |expression| match expression {
            Expression::Polynomial(q) if q.poly == instance.poly && *q != instance => {
                missing = Some("a rotated query of the public words");
            }
            Expression::Polynomial(q) if *q != instance && !known.contains(q) => {
                missing = Some("a query in the numerator that is not evaluated (linearization)");
            }
            Expression::Challenge(i) if *i + 1 >= self.challenges() => {
                missing = Some("a challenge in the numerator that is drawn later");
            }
            Expression::DistributePowers(all, _) if all.is_empty() => {
                missing = Some("an empty list of constraints");
            }
            _ => {}
        });
        missing.map_or(Ok(()), unsupported)
    }
}

fn one_instance_column(protocol: &PlonkProtocol<G1Affine>) -> Result<usize, GenerateError> {
    match protocol.num_instance[..] {
        [n] => Ok(n),
        [] => unsupported("no column of public words"),
        _ => unsupported("more than one column of public words"),
    }
}

fn features(protocol: &PlonkProtocol<G1Affine>) -> Result<(), GenerateError> {
    if protocol.instance_committing_key.is_some() {
        return unsupported("committed public words");
    }
    if protocol.linearization.is_some() {
        return unsupported("linearization");
    }
    if protocol.domain_as_witness.is_some() {
        return unsupported("a domain that is a witness");
    }
    if protocol.quotient.chunk_degree != 1 {
        return unsupported("quotient chunks longer than the domain");
    }
    if protocol.num_witness.len() != protocol.num_challenge.len() {
        return unsupported("phases of points and of challenges do not match");
    }
    Ok(())
}

fn commitments(
    protocol: &PlonkProtocol<G1Affine>,
    key: &KzgDecidingKey<Bn256>,
) -> Result<(), GenerateError> {
    if protocol.preprocessed.iter().any(|c| c.is_identity().into()) {
        return unsupported("a fixed column is all zero, its commitment has no coordinates");
    }
    if bool::from(key.svk().g.is_identity() | key.g2().is_identity() | key.s_g2().is_identity()) {
        return unsupported("a point of the reference string is the identity");
    }
    Ok(())
}

fn accumulator(protocol: &PlonkProtocol<G1Affine>) -> Result<Option<usize>, GenerateError> {
    let [indices] = &protocol.accumulator_indices[..] else {
        return if protocol.accumulator_indices.is_empty() {
            Ok(None)
        } else {
            unsupported("more than one accumulator in the public words")
        };
    };
    let start = indices.first().map_or(0, |(_, row)| *row);
    let consecutive: Vec<_> = (start..start + LIMBS).map(|row| (0, row)).collect();
    if *indices != consecutive || start + LIMBS > protocol.num_instance[0] {
        return unsupported("the accumulator is not in twelve consecutive public words");
    }
    Ok(Some(start))
}

/// A phase without challenges is absorbed together with the next one.
fn rounds(protocol: &PlonkProtocol<G1Affine>, chunks: usize) -> Result<Vec<Round>, GenerateError> {
    let phases = protocol.num_witness.iter().zip(&protocol.num_challenge);
    let phases = phases.chain([(&chunks, &1)]);
    let mut rounds = Vec::new();
    let mut waiting = 0;
    for (&points, &challenges) in phases {
        waiting += points;
        if challenges > 0 {
            let points = std::mem::take(&mut waiting);
            rounds.push(Round { points, challenges });
        }
    }
    if chunks == 0 {
        return unsupported("no quotient");
    }
    Ok(rounds)
}

fn rotations(queries: &[Query]) -> Vec<i32> {
    let all: BTreeSet<i32> = queries.iter().map(|query| query.rotation.0).collect();
    all.into_iter().collect()
}

/// Those of the numerator. The public words take no more of them, but a step of a loop each.
fn lagrange(numerator: &Expression, instances: usize) -> Result<(i32, i32), GenerateError> {
    let (mut first, mut last) = (0, 0);
    numerator.visit(&mut |expression| {
        if let Expression::CommonPolynomial(CommonPolynomial::Lagrange(i)) = expression {
            first = first.min(*i);
            last = last.max(*i);
        }
    });
    let run = i64::from(last) - i64::from(first) + instances as i64;
    if run >= MAX_LAGRANGE as i64 {
        return unsupported(format!(
            "{run} Lagrange polynomials (public words included), more than {MAX_LAGRANGE}: use fewer public words, fewer results a proof"
        ));
    }
    Ok((first, last))
}
