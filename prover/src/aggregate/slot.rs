//! One place among the proofs that a circuit verifies: which circuit's proofs fit it.

use super::{AggregateError, FoldVk, PUBLIC_WORDS_PER_LAYER, dummy, shape::ACCUMULATOR_WORDS};
use crate::srs::SrsId;
use halo2_base::halo2_proofs::halo2curves::bn256::G1Affine;
use halo2_base::halo2_proofs::halo2curves::{bn256::Fr, group::prime::PrimeCurveAffine};
use serde::{Deserialize, Serialize};
use snark_verifier::{
    util::arithmetic::{Domain, root_of_unity},
    verifier::plonk::PlonkProtocol,
};
use std::collections::HashSet;

/// Public words of a fold: its accumulator and the digest of its items.
pub(crate) const PUBLIC_WORDS_PER_FOLD: usize = ACCUMULATOR_WORDS + 1;

/// What a proof must be of. Layer circuits are kept without their verifying keys: those are witnesses.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Slot {
    /// A layer circuit with this domain size.
    Layer(PlonkProtocol<G1Affine>),
    /// A layer circuit with any domain size, which is then a witness too.
    AnyLayer(PlonkProtocol<G1Affine>),
    /// A fold under this key.
    Fold(Box<FoldVk>),
}

impl Slot {
    /// For layer proofs; refuses circuits that the aggregation cannot take.
    pub(crate) fn layer(protocol: &PlonkProtocol<G1Affine>) -> Result<Self, String> {
        supported(protocol, PUBLIC_WORDS_PER_LAYER)?;
        Ok(Self::Layer(dummy::blank(protocol)))
    }

    /// For layer proofs of every domain size.
    pub(crate) fn any_layer(protocol: &PlonkProtocol<G1Affine>) -> Result<Self, String> {
        supported(protocol, PUBLIC_WORDS_PER_LAYER)?;
        Ok(Self::AnyLayer(dummy::blank(protocol)))
    }

    /// For folds.
    pub(crate) fn fold(vk: &FoldVk) -> Result<Self, String> {
        supported(vk.protocol(), PUBLIC_WORDS_PER_FOLD)?;
        finite(vk.protocol())?;
        Ok(Self::Fold(Box::new(vk.clone())))
    }

    /// The verifier's algorithm; a key in it is meant only for folds.
    pub(crate) fn protocol(&self) -> &PlonkProtocol<G1Affine> {
        match self {
            Self::Layer(protocol) | Self::AnyLayer(protocol) => protocol,
            Self::Fold(vk) => vk.protocol(),
        }
    }

    /// Layer proofs under it.
    pub(crate) fn leaves(&self) -> usize {
        match self {
            Self::Layer(_) | Self::AnyLayer(_) => 1,
            Self::Fold(vk) => vk.leaves(),
        }
    }

    /// Whether the proof brings an accumulator along.
    pub(crate) fn accumulates(&self) -> bool {
        matches!(self, Self::Fold(_))
    }

    /// A fold is decided with the string of the circuit that takes it.
    pub(crate) fn check_srs(&self, given: SrsId) -> Result<(), AggregateError> {
        match self {
            Self::Fold(vk) if vk.srs_id() != given => Err(AggregateError::SrsMismatch {
                key: vk.srs_id(),
                given,
            }),
            _ => Ok(()),
        }
    }

    /// Points that verifying it multiplies on the left, without the generator.
    pub(crate) fn points(&self) -> usize {
        verifier_points(self.protocol()) + usize::from(self.accumulates())
    }

    /// Whether a proof's circuit is the slot's: the same but for the key of a layer, and its domain where that is free.
    pub(crate) fn takes(&self, given: &PlonkProtocol<G1Affine>) -> Result<(), String> {
        finite(given)?;
        // Native verifiers compute with the domain and the state that they are given, circuits with these.
        let domain = &given.domain;
        if !DOMAINS.contains(&domain.k) || !is_domain(domain) {
            return Err(format!("its domain is not that of 2^{} rows", domain.k));
        }
        if given.transcript_initial_state.is_none() {
            return Err("it has no verifying-key digest in its transcript".to_owned());
        }
        let mut given = given.clone();
        match self {
            Self::Layer(_) => given = dummy::blank(&given),
            Self::AnyLayer(slot) => {
                given = dummy::blank(&given);
                given.domain = slot.domain.clone();
            }
            Self::Fold(_) => {}
        }
        same_circuit(self.protocol(), &given)
    }
}

/// log2 of the sizes that a domain may have: fewer rows than rotations would make rotations meet.
const DOMAINS: std::ops::RangeInclusive<usize> = 5..=28;

fn is_domain(domain: &Domain<Fr>) -> bool {
    let expected = Domain::new(domain.k, root_of_unity(domain.k));
    let bytes = |d: &Domain<Fr>| bincode::serialize(d).expect("a domain is plain data");
    bytes(domain) == bytes(&expected)
}

/// The commitment of a column of zeros is the point at infinity, which the multiplication chip cannot take.
fn finite(protocol: &PlonkProtocol<G1Affine>) -> Result<(), String> {
    let mut points = protocol.preprocessed.iter();
    match points.position(|point| bool::from(point.is_identity())) {
        None => Ok(()),
        Some(column) => Err(format!(
            "commitment {column} of its key is the point at infinity"
        )),
    }
}

fn same_circuit(
    slot: &PlonkProtocol<G1Affine>,
    given: &PlonkProtocol<G1Affine>,
) -> Result<(), String> {
    if slot.domain.k != given.domain.k {
        return Err(format!(
            "domain 2^{} instead of 2^{}",
            given.domain.k, slot.domain.k
        ));
    }
    let bytes =
        |p: &PlonkProtocol<G1Affine>| bincode::serialize(p).expect("a protocol is plain data");
    if bytes(slot) != bytes(given) {
        return Err("other columns, gates or key".to_owned());
    }
    Ok(())
}

/// Points of one proof in the multi-scalar multiplication of its verifier, without the generator.
pub fn verifier_points(protocol: &PlonkProtocol<G1Affine>) -> usize {
    protocol.preprocessed.len()
        + protocol.num_witness.iter().sum::<usize>()
        + protocol.quotient.num_chunk()
        + 2
}

/// Only what is opened is multiplied, and only what is multiplied is constrained to the curve.
fn every_key_point_is_opened(protocol: &PlonkProtocol<G1Affine>) -> bool {
    let opened: HashSet<usize> = protocol.queries.iter().map(|query| query.poly).collect();
    (0..protocol.preprocessed.len()).all(|poly| opened.contains(&poly))
}

fn supported(protocol: &PlonkProtocol<G1Affine>, words: usize) -> Result<(), String> {
    if protocol.num_instance != [words] {
        return Err(format!("must have one instance column of {words} words"));
    }
    let checks = [
        (
            protocol.accumulator_indices.is_empty(),
            "has the verifier decode its accumulator",
        ),
        (
            protocol.domain_as_witness.is_none(),
            "has its domain as a witness",
        ),
        (
            protocol.instance_committing_key.is_none(),
            "commits to its instances",
        ),
        (
            protocol.transcript_initial_state.is_some(),
            "has no verifying-key digest in its transcript",
        ),
        (protocol.linearization.is_none(), "is linearized"),
        (
            every_key_point_is_opened(protocol),
            "has a fixed column that nothing opens",
        ),
    ];
    checks
        .iter()
        .find(|(ok, _)| !ok)
        .map_or(Ok(()), |(_, why)| Err((*why).to_owned()))
}
