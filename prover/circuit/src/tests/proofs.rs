//! Real proofs, and the figures of the card of the whole circuit.

use super::ops::*;
use crate::circuit::LayerCircuit;
use crate::gates::{DEGREE, LayerConfig};
use crate::{LAYER_POINTS, LayerKey, point_count, prove, verify};
use halo2_base::halo2_proofs::SerdeFormat;
use halo2_base::halo2_proofs::dev::MockProver;
use halo2_base::halo2_proofs::halo2curves::bn256::{Bn256, Fr};
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use halo2_base::halo2_proofs::plonk::{ConstraintSystem, keygen_vk};
use halo2_base::halo2_proofs::poly::kzg::commitment::ParamsKZG;
use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use std::sync::Arc;

#[test]
fn the_constraint_system_is_as_its_cards_say() {
    let mut cs = ConstraintSystem::<Fr>::default();
    LayerConfig::configure(&mut cs);
    assert_eq!(cs.degree(), DEGREE);
    assert_eq!(
        (
            cs.num_advice_columns(),
            cs.num_fixed_columns(),
            cs.num_challenges()
        ),
        (11, 13, 4)
    );
    assert_eq!(cs.permutation().get_columns().len(), 3);
    assert_eq!(cs.lookups().len(), 0);
    assert_eq!(cs.blinding_factors() + 1, crate::layout::UNUSABLE_ROWS);
    assert_eq!(cs.gates().len(), 20);
}

#[test]
fn mock_prover_agrees_with_the_checker() {
    for case in [softmax_case(), gather_case(), packed_case()] {
        let layout = Arc::new(case.layout().unwrap());
        let instances = vec![case.instances().to_vec()];
        let circuit = LayerCircuit { layout };
        MockProver::run(case.segment.k, &circuit, instances)
            .unwrap()
            .assert_satisfied();
    }
}

/// A Y that is in no table, with every sum and multiplicity as its definition says: only that the sums close is broken.
#[test]
fn sums_that_do_not_close_are_refused() {
    let case = wiring_case();
    let mut layout = case.layout().unwrap();
    let idle = layout.rows.clear_row();
    layout.rows.y[idle] = Fr::from(1 << 16);
    layout.count_multiplicities();
    let circuit = LayerCircuit {
        layout: Arc::new(layout),
    };
    let instances = vec![case.instances().to_vec()];
    let verdict = MockProver::run(case.segment.k, &circuit, instances)
        .unwrap()
        .verify();
    let failures = verdict.expect_err("a value that is in no table");
    let names: Vec<String> = failures.iter().map(|f| format!("{f}")).collect();
    assert!(
        names.iter().all(|name| name.contains("LogupEnd")),
        "{names:?}"
    );
}

#[test]
fn a_layer_proof_verifies_and_a_changed_one_does_not() {
    let case = gather_case();
    let params = ParamsKZG::<Bn256>::setup(case.segment.k, ChaCha12Rng::seed_from_u64(1));
    let key = LayerKey::generate(&params, &case.program, &case.segment).unwrap();
    assert_eq!(point_count(&key.protocol(&params)), LAYER_POINTS);
    let mut bytes = Vec::new();
    key.write(&mut bytes).unwrap();
    // The same as halo2 makes of the circuit's synthesis.
    let layout = Arc::new(case.layout().unwrap());
    let halo2s = keygen_vk(&params, &LayerCircuit { layout }).unwrap();
    assert_eq!(bytes, halo2s.to_bytes(SerdeFormat::RawBytes));
    let key = LayerKey::read(&mut bytes.as_slice()).unwrap();
    let pk = key
        .proving_key(&params, &case.program, &case.segment)
        .unwrap();
    let rng = ChaCha12Rng::seed_from_u64(2);
    let proof = prove(
        &params,
        &pk,
        &case.program,
        &case.segment,
        &case.trace,
        Case::salts(),
        rng,
    )
    .unwrap();
    verify(&params, &key, &case.segment, &proof).unwrap();
    let mut wrong = proof.clone();
    wrong.instances[1] += Fr::ONE;
    assert!(verify(&params, &key, &case.segment, &wrong).is_err());
    for at in [0, 40, 32 * 20, proof.proof.len() - 1] {
        let mut wrong = proof.clone();
        wrong.proof[at] ^= 1;
        assert!(
            verify(&params, &key, &case.segment, &wrong).is_err(),
            "byte {at}"
        );
    }
    let mut long = proof.clone();
    long.proof.push(0);
    assert!(verify(&params, &key, &case.segment, &long).is_err());
}
