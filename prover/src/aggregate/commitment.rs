//! The model commitment M, natively. `statement.rs` computes the same in the circuit.

use crate::poseidon::poseidon_hash;
use halo2_base::halo2_proofs::halo2curves::{
    CurveAffine,
    bn256::{Fq, Fr, G1Affine},
    ff::Field,
};
use snark_verifier::{util::arithmetic::fe_to_fe, verifier::plonk::PlonkProtocol};

/// First word under M: changes whenever the meaning of what follows changes.
pub const MODEL_COMMITMENT_VERSION: u64 = 1;

/// Digest of one segment's verifying key: transcript state, then both coordinates of every preprocessed commitment.
pub fn segment_key_digest(protocol: &PlonkProtocol<G1Affine>) -> Fr {
    let state = protocol.transcript_initial_state.unwrap_or_default();
    let coordinates = protocol.preprocessed.iter().flat_map(native_coordinates);
    poseidon_hash(
        &std::iter::once(state)
            .chain(coordinates)
            .collect::<Vec<_>>(),
    )
}

/// M = Poseidon(version, n, (k, key digest) of each segment, salt). The salt makes it hide: without it, whoever guesses
/// the weights could check the guess.
pub fn model_commitment(segments: &[&PlonkProtocol<G1Affine>], salt: Fr) -> Fr {
    let head = [MODEL_COMMITMENT_VERSION, segments.len() as u64].map(Fr::from);
    let keys = segments
        .iter()
        .flat_map(|p| [Fr::from(p.domain.k as u64), segment_key_digest(p)]);
    poseidon_hash(
        &head
            .into_iter()
            .chain(keys)
            .chain([salt])
            .collect::<Vec<_>>(),
    )
}

/// Coordinates mod r, as the transcript absorbs them. No two points of the curve share both. The identity, the commitment of
/// a zero column, would be (0, 0); no key with one can be aggregated.
pub(crate) fn native_coordinates(point: &G1Affine) -> [Fr; 2] {
    let xy = Option::from(point.coordinates().map(|c| [*c.x(), *c.y()]));
    xy.unwrap_or([Fq::ZERO; 2]).map(fe_to_fe)
}
