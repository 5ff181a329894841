//! The shape of an aggregation: everything its key depends on, and nothing of the weights.

use super::{AggregateError, PUBLIC_WORDS_PER_LAYER, dummy};
use halo2_base::halo2_proofs::halo2curves::bn256::G1Affine;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use snark_verifier::verifier::plonk::PlonkProtocol;
use std::{collections::HashSet, ops::Range};

/// Number of instance words of the accumulator: two points, two coordinates each, three limbs of 88 bits.
pub const ACCUMULATOR_WORDS: usize = 4 * snark_verifier_sdk::LIMBS;

/// How the input appears among the public words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InputVisibility {
    /// The packed input words themselves, opened from the first boundary inside the circuit.
    Public,
    /// One word: the salted commitment of the first boundary.
    Committed,
}

/// Which public word is what. The order is fixed: accumulator | M | I | O | C.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceLayout {
    /// Words of I.
    pub input_words: usize,
    /// Words of O.
    pub output_words: usize,
}

impl InstanceLayout {
    /// Position of the model commitment M.
    pub const MODEL: usize = ACCUMULATOR_WORDS;

    /// Positions of the input words I.
    pub fn inputs(&self) -> Range<usize> {
        Self::MODEL + 1..Self::MODEL + 1 + self.input_words
    }

    /// Positions of the output words O.
    pub fn outputs(&self) -> Range<usize> {
        self.inputs().end..self.inputs().end + self.output_words
    }

    /// Position of the context word C.
    pub fn context(&self) -> usize {
        self.outputs().end
    }

    /// Number of public words.
    pub fn total(&self) -> usize {
        self.context() + 1
    }
}

/// The circuits whose proofs are aggregated, in order, and the words exposed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AggregationShape {
    slots: Vec<PlonkProtocol<G1Affine>>,
    visibility: InputVisibility,
    layout: InstanceLayout,
}

impl AggregationShape {
    /// Takes the protocols of the layer circuits in order. Their verifying keys (preprocessed commitments and transcript
    /// state) are blanked: they enter the circuit as witnesses. For a committed input `input_words` is not used, the
    /// public word is the commitment.
    pub fn new(
        segments: &[&PlonkProtocol<G1Affine>],
        input_words: usize,
        output_words: usize,
        visibility: InputVisibility,
    ) -> Result<Self, AggregateError> {
        if segments.is_empty() {
            return Err(AggregateError::NoSegments);
        }
        for (segment, protocol) in segments.iter().enumerate() {
            supported(protocol)
                .map_err(|reason| AggregateError::UnsupportedSegment { segment, reason })?;
        }
        let input_words = if visibility == InputVisibility::Committed {
            1
        } else {
            input_words
        };
        let slots = segments.iter().map(|p| dummy::blank(p)).collect();
        Ok(Self {
            slots,
            visibility,
            layout: InstanceLayout {
                input_words,
                output_words,
            },
        })
    }

    /// Number of layer proofs.
    pub fn segments(&self) -> usize {
        self.slots.len()
    }

    /// How the input appears.
    pub fn visibility(&self) -> InputVisibility {
        self.visibility
    }

    /// Which public word is what.
    pub fn layout(&self) -> InstanceLayout {
        self.layout
    }

    /// Shapes with equal digests have equal keys (under one string and one configuration).
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(bincode::serialize(self).expect("a shape is plain data")).into()
    }

    pub(crate) fn slots(&self) -> &[PlonkProtocol<G1Affine>] {
        &self.slots
    }

    /// Curve points that the circuit multiplies by full scalars: those of each proof, one generator for all, and the
    /// right-hand sides.
    pub fn msm_points(&self) -> usize {
        self.slots.iter().map(verifier_points).sum::<usize>() + 1 + self.slots.len()
    }
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

fn supported(protocol: &PlonkProtocol<G1Affine>) -> Result<(), String> {
    let checks = [
        (
            protocol.num_instance == [PUBLIC_WORDS_PER_LAYER],
            "must have one instance column of two words",
        ),
        (
            protocol.accumulator_indices.is_empty(),
            "carries an accumulator of its own",
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

/// Slots are compared without their keys.
pub(crate) fn same_circuit(
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
    if slot.preprocessed.len() != given.preprocessed.len()
        || bytes(slot) != bytes(&dummy::blank(given))
    {
        return Err("other columns or gates".to_owned());
    }
    Ok(())
}
