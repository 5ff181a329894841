//! Native checks before a circuit is built: each layer proof, the chain of boundaries, the openings. The circuit proves
//! the same again; these say which segment is at fault, in milliseconds instead of minutes.

use super::{AggregateError, AggregationShape, InputVisibility, Openings, dummy, shape};
use crate::poseidon::boundary_commitment;
use halo2_base::halo2_proofs::halo2curves::{
    bn256::{Bn256, Fr, G1Affine},
    group::prime::PrimeCurveAffine,
};
use snark_verifier::{
    loader::native::NativeLoader, pcs::kzg::KzgDecidingKey, verifier::SnarkVerifier,
};
use snark_verifier_sdk::{
    PlonkVerifier, SHPLONK, Snark,
    halo2::{POSEIDON_SPEC, PoseidonTranscript},
};

/// Verifies one layer proof (SHPLONK, Poseidon transcript) to the end, pairing included.
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

/// The two public words of a layer proof: commitments at its input and its output.
pub(crate) fn boundary(snark: &Snark) -> [Fr; 2] {
    [snark.instances[0][0], snark.instances[0][1]]
}

pub(crate) fn check(
    shape: &AggregationShape,
    deciding_key: &KzgDecidingKey<Bn256>,
    snarks: &[Snark],
    openings: &Openings,
) -> Result<(), AggregateError> {
    if snarks.len() != shape.segments() {
        return Err(AggregateError::SegmentCount {
            got: snarks.len(),
            expected: shape.segments(),
        });
    }
    for (segment, (slot, snark)) in shape.slots().iter().zip(snarks).enumerate() {
        shape::same_circuit(slot, &snark.protocol)
            .map_err(|reason| AggregateError::SegmentShape { segment, reason })?;
        if let Some(column) = infinite(&snark.protocol.preprocessed) {
            let reason = format!("commitment {column} of its key is the point at infinity");
            return Err(AggregateError::SegmentShape { segment, reason });
        }
        verify_layer_proof(deciding_key, snark)
            .map_err(|reason| AggregateError::InnerProof { segment, reason })?;
    }
    for (segment, pair) in snarks.windows(2).enumerate() {
        if boundary(&pair[0])[1] != boundary(&pair[1])[0] {
            return Err(AggregateError::BrokenChain { segment });
        }
    }
    let layout = shape.layout();
    if shape.visibility() == InputVisibility::Public {
        let first = boundary(&snarks[0])[0];
        check_opening(
            "input",
            first,
            layout.input_words,
            openings.salt_in,
            &openings.inputs,
        )?;
    }
    let last = boundary(&snarks[snarks.len() - 1])[1];
    check_opening(
        "output",
        last,
        layout.output_words,
        openings.salt_out,
        &openings.outputs,
    )
}

/// The commitment of a column of zeros, which the multiplication chip cannot take.
fn infinite(points: &[G1Affine]) -> Option<usize> {
    let mut points = points.iter();
    points.position(|point| bool::from(point.is_identity()))
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
