//! The shape of an aggregation: everything its key depends on, and nothing of the weights.

use super::{AggregateError, FoldVk, slot::Slot};
use halo2_base::halo2_proofs::halo2curves::bn256::G1Affine;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use snark_verifier::verifier::plonk::PlonkProtocol;
use std::ops::Range;

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

/// A statement about consecutive layer proofs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementShape {
    /// Layer proofs.
    pub segments: usize,
    /// Words of I; not used for a committed input, which is one word.
    pub input_words: usize,
    /// Words of O.
    pub output_words: usize,
    /// How the input appears.
    pub visibility: InputVisibility,
}

impl StatementShape {
    /// Its public words, as if it were the only statement.
    pub fn layout(&self) -> InstanceLayout {
        InstanceLayout {
            input_words: match self.visibility {
                InputVisibility::Committed => 1,
                InputVisibility::Public => self.input_words,
            },
            output_words: self.output_words,
        }
    }

    /// Words that it adds: M, I…, O…, C.
    pub fn words(&self) -> usize {
        self.layout().total() - ACCUMULATOR_WORDS
    }
}

/// The proofs that are aggregated, in order, and the words exposed: accumulator, then M | I | O | C of each statement.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AggregationShape {
    slots: Vec<Slot>,
    statements: Vec<StatementShape>,
}

impl AggregationShape {
    /// Takes the layer proofs of one inference themselves: the protocols of their circuits in order. Their verifying keys
    /// (preprocessed commitments and transcript state) are blanked: they enter the circuit as witnesses.
    pub fn new(
        segments: &[&PlonkProtocol<G1Affine>],
        input_words: usize,
        output_words: usize,
        visibility: InputVisibility,
    ) -> Result<Self, AggregateError> {
        if segments.is_empty() {
            return Err(AggregateError::NoSegments);
        }
        let slot = |(segment, protocol): (usize, &&PlonkProtocol<G1Affine>)| {
            Slot::layer(protocol)
                .map_err(|reason| AggregateError::UnsupportedSegment { segment, reason })
        };
        let slots: Result<Vec<_>, _> = segments.iter().enumerate().map(slot).collect();
        let statement = StatementShape {
            segments: segments.len(),
            input_words,
            output_words,
            visibility,
        };
        Ok(Self {
            slots: slots?,
            statements: vec![statement],
        })
    }

    /// Takes as few folds under one key as hold the layer proofs of all statements, one statement after the other. What is
    /// beyond the last is padding, and says nothing.
    pub fn over_folds(vk: &FoldVk, statements: &[StatementShape]) -> Result<Self, AggregateError> {
        if statements.iter().any(|s| s.segments == 0) || statements.is_empty() {
            return Err(AggregateError::NoSegments);
        }
        let segments: usize = statements.iter().map(|s| s.segments).sum();
        let folds = segments.div_ceil(vk.leaves());
        let slot = |index| Slot::fold(vk).map_err(|reason| AggregateError::Fold { index, reason });
        let slots: Result<Vec<_>, _> = (0..folds).map(slot).collect();
        Ok(Self {
            slots: slots?,
            statements: statements.to_vec(),
        })
    }

    /// Number of layer proofs that statements are about.
    pub fn segments(&self) -> usize {
        self.statements.iter().map(|s| s.segments).sum()
    }

    /// Number of proofs that are given to it: the layer proofs, or their folds.
    pub fn proofs(&self) -> usize {
        self.slots.len()
    }

    /// What is stated, in order.
    pub fn statements(&self) -> &[StatementShape] {
        &self.statements
    }

    /// Which public word is what, of the first statement.
    pub fn layout(&self) -> InstanceLayout {
        self.statements[0].layout()
    }

    /// Number of public words.
    pub fn public_words(&self) -> usize {
        let words: usize = self.statements.iter().map(StatementShape::words).sum();
        ACCUMULATOR_WORDS + words
    }

    /// Shapes with equal digests have equal keys (under one string and one configuration).
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(bincode::serialize(self).expect("a shape is plain data")).into()
    }

    pub(crate) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Curve points that the circuit multiplies by full scalars: those of each proof, one generator for all, and the
    /// right-hand sides.
    pub fn msm_points(&self) -> usize {
        msm_points(&self.slots)
    }
}

/// Points of both multiplications over these proofs.
pub(crate) fn msm_points(slots: &[Slot]) -> usize {
    let right = |slot: &Slot| 1 + usize::from(slot.accumulates());
    let of_proofs: usize = slots.iter().map(|slot| slot.points() + right(slot)).sum();
    of_proofs + 1
}
