//! What is foretold of a circuit beside the circuit.

use super::{
    layer::Size,
    whole::{chain, openings, stated},
};
use crate::aggregate::{
    AggregationConfig, AggregationShape, InputVisibility,
    forecast::{LAYER_CELLS, layer_jobs},
    key::statements,
    layout::Draft,
    verifier_points,
};
use halo2_base::halo2_proofs::plonk::Circuit;

#[test]
fn jobs_and_cells_are_those_of_the_circuit() {
    const PROOFS: usize = 3;
    let snarks = chain(Size::LAYER, 1, PROOFS as u64);
    let protocols: Vec<_> = snarks.iter().map(|s| &s.protocol).collect();
    let shape = AggregationShape::new(&protocols, 1, 2, InputVisibility::Public).unwrap();
    let (openings, config) = (openings(), AggregationConfig::default());
    let draft = Draft {
        slots: shape.slots(),
        exposed: statements(&shape, &[stated(&openings)]),
        config: &config,
    };
    let (circuit, cells) = draft.lay_out().unwrap();
    let jobs = circuit.params().wide.unwrap().jobs;
    assert_eq!(jobs, layer_jobs(PROOFS, verifier_points(protocols[0])));
    // These proofs have the layer circuit's columns, but not all its evaluations.
    let ratio = cells.advice as f64 / (PROOFS * LAYER_CELLS) as f64;
    assert!((0.8..1.1).contains(&ratio), "{ratio}");
}
