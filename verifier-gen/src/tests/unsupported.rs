//! Keys with features that the contract does not have: each is an error that names it.

use super::stored_vk;
use crate::{GenerateError, sources};
use halo2_base::halo2_proofs::halo2curves::bn256::G1Affine;
use halocast_prover::aggregate::AggregationVk;
use snark_verifier::{util::arithmetic::Rotation, verifier::plonk::PlonkProtocol};

fn refusal(change: impl FnOnce(&mut PlonkProtocol<G1Affine>)) -> String {
    let vk = stored_vk("small");
    let mut protocol = vk.protocol().clone();
    change(&mut protocol);
    let error = sources(&protocol, vk.deciding_key(), &[]).unwrap_err();
    assert!(matches!(error, GenerateError::UnsupportedKey(_)), "{error}");
    error.to_string()
}

#[track_caller]
fn names(text: &str, part: &str) {
    assert!(text.contains(part), "{text:?} does not say {part:?}");
}

#[test]
fn public_words_in_other_columns() {
    names(&refusal(|p| p.num_instance.push(1)), "more than one column");
    names(
        &refusal(|p| p.num_instance.clear()),
        "no column of public words",
    );
    names(
        &refusal(|p| p.instance_committing_key = Some(Default::default())),
        "committed public words",
    );
}

#[test]
fn a_rotated_query_of_the_public_words() {
    // The numerator is changed in its serialized form: a query of the instance polynomial becomes one of the next row.
    let vk = stored_vk("small");
    let instance = vk.protocol().preprocessed.len();
    let query = |rotation: i32| bincode::serialize(&(2u32, instance, rotation)).unwrap();
    let numerator = bincode::serialize(&vk.protocol().quotient.numerator).unwrap();
    let at = numerator.windows(16).position(|w| w == query(0)).unwrap();
    let mut changed = numerator.clone();
    changed[at..at + 16].copy_from_slice(&query(1));
    let mut whole = bincode::serialize(&vk).unwrap();
    let start = whole
        .windows(numerator.len())
        .position(|w| w == numerator)
        .unwrap();
    whole[start..start + changed.len()].copy_from_slice(&changed);
    let vk: AggregationVk = bincode::deserialize(&whole).unwrap();
    let error = crate::generate(&vk).unwrap_err();
    names(&error.to_string(), "rotated query of the public words");
}

#[test]
fn commitments_that_are_the_identity() {
    names(
        &refusal(|p| p.preprocessed[0] = G1Affine::default()),
        "all zero",
    );
}

#[test]
fn accumulators_elsewhere() {
    names(
        &refusal(|p| p.accumulator_indices[0].swap(0, 1)),
        "twelve consecutive",
    );
    names(
        &refusal(|p| p.accumulator_indices[0].truncate(6)),
        "twelve consecutive",
    );
    let twice = |p: &mut PlonkProtocol<G1Affine>| {
        let first = p.accumulator_indices[0].clone();
        p.accumulator_indices.push(first);
    };
    names(&refusal(twice), "more than one accumulator");
}

#[test]
fn openings_that_do_not_match_the_evaluations() {
    names(
        &refusal(|p| {
            p.evaluations.pop();
        }),
        "not the polynomials opened",
    );
    names(
        &refusal(|p| {
            p.queries.remove(0);
        }),
        "not the polynomials opened",
    );
    names(
        &refusal(|p| {
            let q = p.queries[0];
            p.queries.push(q);
        }),
        "opened twice",
    );
    names(
        &refusal(|p| p.evaluations[0].rotation = Rotation(5)),
        "not the polynomials opened",
    );
}

#[test]
fn other_protocols() {
    names(
        &refusal(|p| p.transcript_initial_state = None),
        "key's digest",
    );
    names(&refusal(|p| p.quotient.chunk_degree = 2), "chunks");
    names(
        &refusal(|p| p.num_instance[0] = 2000),
        "Lagrange polynomials (public words included), more than 1024: use fewer public words",
    );
    names(
        &refusal(|p| {
            p.num_challenge.pop();
        }),
        "phases",
    );
}

#[test]
fn no_accumulator_at_all_is_supported() {
    let vk = stored_vk("small");
    let mut protocol = vk.protocol().clone();
    protocol.accumulator_indices.clear();
    let sources = sources(&protocol, vk.deciding_key(), &[]).unwrap();
    assert!(!sources.monolithic.contains("LimbOutOfRange"));
}
