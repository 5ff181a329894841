//! Stand-ins for key generation: proofs of the right shape made of random points and scalars. They never verify.

use super::{
    InnerProof, PUBLIC_WORDS_PER_LAYER,
    accumulator::{Pair, encode},
    items::Item,
    slot::Slot,
};
use halo2_base::halo2_proofs::halo2curves::{
    bn256::{Fr, G1, G1Affine},
    ff::{Field, PrimeField},
    group::{Curve, Group, GroupEncoding},
};
use rand::RngCore;
use snark_verifier::verifier::plonk::PlonkProtocol;
use snark_verifier_sdk::Snark;

/// The protocol without its verifying key.
pub(crate) fn blank(protocol: &PlonkProtocol<G1Affine>) -> PlonkProtocol<G1Affine> {
    let mut blank = protocol.clone();
    blank.preprocessed.fill(G1Affine::generator());
    blank.transcript_initial_state = Some(Fr::ZERO);
    blank
}

/// Points and scalars of a proof: (commitments before the evaluations, evaluations). Two more points follow.
fn counts(protocol: &PlonkProtocol<G1Affine>) -> (usize, usize) {
    (
        protocol.num_witness.iter().sum::<usize>() + protocol.quotient.num_chunk(),
        protocol.evaluations.len(),
    )
}

/// Exact length of a SHPLONK proof with compressed points.
pub(crate) fn inner_proof_len(protocol: &PlonkProtocol<G1Affine>) -> usize {
    let (points, scalars) = counts(protocol);
    32 * (points + scalars + 2)
}

/// Exact length of a SHPLONK proof with the EVM's uncompressed points.
pub(crate) fn evm_proof_len(protocol: &PlonkProtocol<G1Affine>) -> usize {
    let (points, scalars) = counts(protocol);
    64 * (points + 2) + 32 * scalars
}

/// Random points everywhere: equal points would meet the exceptional cases of curve addition.
pub(crate) fn proof(slot: &Slot, mut rng: impl RngCore) -> InnerProof {
    let mut snark = snark(slot.protocol(), &mut rng);
    if slot.accumulates() {
        let words = encode(&pair(&mut rng));
        snark.instances[0][..words.len()].copy_from_slice(&words);
    }
    let items = items(slot);
    InnerProof { snark, items }
}

fn snark(slot: &PlonkProtocol<G1Affine>, mut rng: impl RngCore) -> Snark {
    let mut protocol = slot.clone();
    protocol.preprocessed.fill_with(|| point(&mut rng));
    protocol.transcript_initial_state = Some(Fr::random(&mut rng));
    let instances = protocol
        .num_instance
        .iter()
        .map(|&n| (0..n).map(|_| Fr::random(&mut rng)).collect())
        .collect();
    let (points, scalars) = counts(&protocol);
    let mut proof = Vec::with_capacity(inner_proof_len(&protocol));
    (0..points).for_each(|_| proof.extend_from_slice(point(&mut rng).to_bytes().as_ref()));
    (0..scalars).for_each(|_| proof.extend_from_slice(Fr::random(&mut rng).to_repr().as_ref()));
    (0..2).for_each(|_| proof.extend_from_slice(point(&mut rng).to_bytes().as_ref()));
    Snark::new(protocol, instances, proof)
}

/// What the digest of a fold is opened to.
fn items(slot: &Slot) -> Vec<Item> {
    let Slot::Fold(vk) = slot else {
        return vec![];
    };
    let item = |below: &Slot| {
        let words = match below.accumulates() {
            true => 1,
            false => PUBLIC_WORDS_PER_LAYER,
        };
        Item {
            k: below.protocol().domain.k as u32,
            key_digest: Fr::ZERO,
            words: vec![Fr::ZERO; words],
            items: items(below),
        }
    };
    vec![item(vk.slot()); vk.capacity()]
}

/// Two points that are no valid pair.
pub(crate) fn pair(mut rng: impl RngCore) -> Pair {
    Pair::new(point(&mut rng), point(&mut rng))
}

fn point(rng: impl RngCore) -> G1Affine {
    G1::random(rng).to_affine()
}
