//! Real proofs of a prover whose layer proofs are good, but do not belong together. The table of all lies, with who refuses
//! them, is in `halocast-circuit`, `src/tests/forger.rs`.

use super::{
    layer::Size,
    whole::{FIXTURE, chain, openings, proofs_of, stated},
};
use crate::aggregate::{
    AggregateError, AggregationRequest, InstanceLayout, OuterProof, Snark, VerifyError,
};
use rand::{SeedableRng, rngs::StdRng};

/// A proof for the chain from these layer proofs, past the native checks: what a prover with a program of his own makes.
fn prove_anything(snarks: &[Snark]) -> Result<OuterProof, AggregateError> {
    let fx = &*FIXTURE;
    let openings = openings();
    let request = AggregationRequest {
        proofs: &proofs_of(snarks),
        statements: &[stated(&openings)],
    };
    let rng = StdRng::seed_from_u64(5);
    let circuit = fx.key.fill(&fx.srs, request, rng.clone())?;
    fx.key.finish(&fx.srs, circuit, rng)
}

#[test]
#[ignore = "three proofs for the chain"]
fn real_proofs_of_lies_about_chains_do_not_verify() {
    let fx = &*FIXTURE;
    let [first, second] = [&fx.snarks[0], &fx.snarks[1]];
    for (what, snarks) in [("swapped", [second, first]), ("one twice", [first, first])] {
        let error = prove_anything(&snarks.map(Snark::clone)).unwrap_err();
        let refused = matches!(error, AggregateError::SelfCheck(VerifyError::Proof));
        assert!(refused, "{what}: {error}");
    }
    // A segment of another model that fits the chain: a true statement, but about another M.
    let foreign = chain(Size::TINY, 9, 2);
    let mut outer = prove_anything(&[first.clone(), foreign[1].clone()]).unwrap();
    fx.key.vk().verify(&outer).unwrap();
    let model = fx.model();
    assert_ne!(outer.instances[InstanceLayout::MODEL], model);
    outer.instances[InstanceLayout::MODEL] = model;
    assert_eq!(fx.key.vk().verify(&outer), Err(VerifyError::Proof));
}
