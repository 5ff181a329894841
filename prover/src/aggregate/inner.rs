//! Native checks before a circuit is built: each proof, the chain of boundaries, the openings. The circuit proves the same
//! again; these say which proof is at fault, in milliseconds instead of minutes.

use super::{
    AggregateError, AggregationShape, InputVisibility, Openings, PUBLIC_WORDS_PER_LAYER, Stated,
    StatementShape, accumulator, dummy, items::Item, shape::ACCUMULATOR_WORDS, slot::Slot,
};
use crate::poseidon::boundary_commitment;
use halo2_base::halo2_proofs::halo2curves::bn256::{Bn256, Fr};
use snark_verifier::{
    loader::native::NativeLoader, pcs::kzg::KzgDecidingKey, verifier::SnarkVerifier,
};
use snark_verifier_sdk::{
    PlonkVerifier, SHPLONK, Snark,
    halo2::{POSEIDON_SPEC, PoseidonTranscript},
};

/// A proof that goes into a circuit: of a layer, or a fold with the items that it is about.
#[derive(Clone, Debug)]
pub struct InnerProof {
    pub(crate) snark: Snark,
    pub(crate) items: Vec<Item>,
}

/// A layer proof.
impl From<Snark> for InnerProof {
    fn from(snark: Snark) -> Self {
        Self {
            snark,
            items: vec![],
        }
    }
}

impl InnerProof {
    /// What its public words say, as folds see it.
    pub(crate) fn item(&self) -> Item {
        let skip = match self.items.is_empty() {
            true => 0,
            false => ACCUMULATOR_WORDS,
        };
        Item::of(&self.snark, skip, &self.items)
    }
}

/// Verifies one proof (SHPLONK, Poseidon transcript) to the end, pairing included. An accumulator among its public words is
/// not looked at.
pub fn verify_layer_proof(
    deciding_key: &KzgDecidingKey<Bn256>,
    snark: &Snark,
) -> Result<(), String> {
    let counts: Vec<usize> = snark.instances.iter().map(Vec::len).collect();
    if counts != snark.protocol.num_instance {
        return Err(format!(
            "{counts:?} public words, {:?} expected",
            snark.protocol.num_instance
        ));
    }
    let expected = dummy::inner_proof_len(&snark.protocol);
    if snark.proof.len() != expected {
        return Err(format!("{} bytes, {expected} expected", snark.proof.len()));
    }
    let mut transcript =
        PoseidonTranscript::<NativeLoader, &[u8]>::from_spec(snark.proof(), POSEIDON_SPEC.clone());
    let proof = PlonkVerifier::<SHPLONK>::read_proof(
        deciding_key,
        &snark.protocol,
        &snark.instances,
        &mut transcript,
    )
    .map_err(|e| format!("malformed: {e:?}"))?;
    PlonkVerifier::<SHPLONK>::verify(deciding_key, &snark.protocol, &snark.instances, &proof)
        .map_err(|_| "the pairing check failed".to_owned())
}

/// The pairing that a fold puts off, and what its digest opens to.
fn verify_fold(
    deciding_key: &KzgDecidingKey<Bn256>,
    slot: &Slot,
    proof: &InnerProof,
) -> Result<(), String> {
    let words = &proof.snark.instances[0];
    let pair = accumulator::decode(&words[..ACCUMULATOR_WORDS])
        .ok_or("its accumulator is not two points in limbs")?;
    accumulator::decide(deciding_key, pair)
        .map_err(|_| "the pairing check of the proofs under it failed")?;
    proof.item().check(slot)
}

/// Proofs against their slots.
pub(crate) fn check_proofs(
    slots: &[Slot],
    deciding_key: &KzgDecidingKey<Bn256>,
    proofs: &[InnerProof],
) -> Result<(), AggregateError> {
    if proofs.len() != slots.len() {
        return Err(AggregateError::SegmentCount {
            got: proofs.len(),
            expected: slots.len(),
        });
    }
    for (segment, (slot, proof)) in slots.iter().zip(proofs).enumerate() {
        let snark = &proof.snark;
        slot.takes(&snark.protocol)
            .map_err(|reason| AggregateError::SegmentShape { segment, reason })?;
        let layer = || verify_layer_proof(deciding_key, snark);
        match slot {
            Slot::Fold(_) => layer()
                .and_then(|()| verify_fold(deciding_key, slot, proof))
                .map_err(|reason| AggregateError::Fold {
                    index: segment,
                    reason,
                })?,
            Slot::Layer(_) | Slot::AnyLayer(_) => {
                layer().map_err(|reason| AggregateError::InnerProof { segment, reason })?;
            }
        }
    }
    Ok(())
}

/// Proofs, chains and openings of all statements.
pub(crate) fn check(
    shape: &AggregationShape,
    deciding_key: &KzgDecidingKey<Bn256>,
    proofs: &[InnerProof],
    stated: &[Stated<'_>],
) -> Result<(), AggregateError> {
    if stated.len() != shape.statements().len() {
        return Err(AggregateError::StatementCount {
            got: stated.len(),
            expected: shape.statements().len(),
        });
    }
    check_proofs(shape.slots(), deciding_key, proofs)?;
    let items: Vec<Item> = proofs.iter().map(InnerProof::item).collect();
    let leaves = items.iter().flat_map(Item::leaves);
    let cuts: Vec<[Fr; PUBLIC_WORDS_PER_LAYER]> =
        leaves.map(|leaf| [leaf.words[0], leaf.words[1]]).collect();
    let mut first = 0;
    for (statement, stated) in shape.statements().iter().zip(stated) {
        let own = &cuts[first..first + statement.segments];
        check_chain(first, own)?;
        check_openings(statement, stated.openings, own)?;
        first += statement.segments;
    }
    Ok(())
}

fn check_chain(first: usize, cuts: &[[Fr; PUBLIC_WORDS_PER_LAYER]]) -> Result<(), AggregateError> {
    let mut pairs = cuts.windows(2);
    match pairs.position(|pair| pair[0][1] != pair[1][0]) {
        None => Ok(()),
        Some(at) => Err(AggregateError::BrokenChain {
            segment: first + at,
        }),
    }
}

fn check_openings(
    shape: &StatementShape,
    openings: &Openings,
    cuts: &[[Fr; PUBLIC_WORDS_PER_LAYER]],
) -> Result<(), AggregateError> {
    let layout = shape.layout();
    if shape.visibility == InputVisibility::Public {
        check_opening(
            "input",
            cuts[0][0],
            layout.input_words,
            openings.salt_in,
            &openings.inputs,
        )?;
    }
    check_opening(
        "output",
        cuts[cuts.len() - 1][1],
        layout.output_words,
        openings.salt_out,
        &openings.outputs,
    )
}

fn check_opening(
    end: &'static str,
    commitment: Fr,
    expected: usize,
    salt: Fr,
    words: &[Fr],
) -> Result<(), AggregateError> {
    if words.len() != expected {
        return Err(AggregateError::WordCount {
            end,
            got: words.len(),
            expected,
        });
    }
    if boundary_commitment(salt, words) != commitment {
        return Err(AggregateError::Opening { end });
    }
    Ok(())
}
