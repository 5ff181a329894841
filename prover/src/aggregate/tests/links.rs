//! The copies between scalar part and chip: every point, scalar and result, seen from both sides.

use super::whole::{FIXTURE, openings, stated};
use crate::aggregate::{
    AggregateError, VerifyError,
    accumulator::random_pair,
    assembly::AggregationCircuit,
    circuit::{self, Witness},
    key::statements,
};
use halo2_base::{
    gates::circuit::CircuitBuilderStage,
    halo2_proofs::{
        dev::{FailureLocation, MockProver, VerifyFailure, metadata::Column},
        halo2curves::{
            bn256::{Fr, G1Affine},
            ff::Field,
            group::Curve,
        },
        plonk::{Any, Assigned, Circuit, ConstraintSystem},
        poly::commitment::ParamsProver,
    },
};
use rand::{SeedableRng, rngs::StdRng};
use std::collections::HashSet;

fn filled() -> AggregationCircuit {
    let fx = &*FIXTURE;
    let g = fx.srs.params.get_g();
    let openings = openings();
    let witness = Witness {
        proofs: &fx.proofs,
        blind: random_pair(g[0], g[1], StdRng::seed_from_u64(5)),
        exposed: statements(fx.key.shape(), &[stated(&openings)]),
    };
    let (stage, params) = (CircuitBuilderStage::Mock, &fx.key.circuit.made.params);
    circuit::build(stage, params, g[0], fx.key.shape().slots(), witness).unwrap()
}

#[test]
fn every_point_scalar_and_result_is_tied() {
    let circuit = filled();
    let (layout, links) = circuit.links();
    let sizes = circuit.jobs();
    // Left and right of two proofs: all points, one generator and the blind; W' of each proof and the blind.
    assert_eq!(sizes, [FIXTURE.key.shape().msm_points() - 1, 3]);
    let mut expected = HashSet::new();
    for (job, size) in sizes.into_iter().enumerate() {
        for i in 0..size {
            expected.extend(layout.point(job, i).all());
            expected.insert(layout.scalar(job, i));
        }
        expected.extend(layout.result(job).all());
    }
    assert_eq!(links.len(), expected.len(), "no place is tied twice");
    assert_eq!(links.into_iter().collect::<HashSet<_>>(), expected);
}

/// The first lie of the chip: it is honest about another point and another scalar.
fn other_inputs(circuit: &AggregationCircuit) -> Vec<Vec<(G1Affine, Fr)>> {
    let mut inputs = circuit.inputs();
    inputs[0][3].0 = (inputs[0][3].0 + inputs[0][4].0).to_affine();
    inputs[0][5].1 += Fr::ONE;
    inputs
}

/// Adds 1 to a cell of the scalar part that is a copy of another, and says where it is.
fn change_a_copy(circuit: &mut AggregationCircuit) -> usize {
    let core = circuit.builder.core();
    let copies = core.copy_manager.lock().unwrap().advice_equalities.clone();
    let main = circuit.builder.pool(0).threads[0].type_id();
    let at = copies.iter().rev().map(|(_, copy)| *copy);
    let at = at
        .filter(|copy| copy.type_id == main)
        .map(|c| c.offset)
        .next()
        .unwrap();
    let cell = &mut circuit.builder.pool(0).threads[0].advice[at];
    *cell = Assigned::Trivial(cell.evaluate() + Fr::ONE);
    at
}

/// Each of the cells that differ between chip and scalar part is seen; so is a changed copy within the scalar part.
#[test]
fn broken_copies_are_refused() {
    let mut honest = filled();
    let inputs = other_inputs(&honest);
    let (layout, _) = honest.links();
    let result = layout.result(0).all();
    let changed = [
        &layout.point(0, 3).all()[..],
        &[layout.scalar(0, 5)],
        &result,
    ]
    .concat();
    change_a_copy(&mut honest);

    let mut cs = ConstraintSystem::default();
    let params = honest.params();
    let (k, scalar_columns) = (params.base.k as u32, params.base.num_advice_per_phase[0]);
    let (_, ecc) = AggregationCircuit::configure_with_params(&mut cs, params);
    let public = honest.exposed();
    let lie = honest.with_lie(&inputs);
    let failures = MockProver::run(k, &lie, vec![public]).unwrap().verify();
    let broken: HashSet<(Column, usize)> = failures
        .unwrap_err()
        .into_iter()
        .filter_map(|failure| match failure {
            VerifyFailure::Permutation { column, location } => Some((column, row(&location))),
            _ => None,
        })
        .collect();
    for at in changed {
        let cell = ecc.as_ref().unwrap().cell(at);
        assert!(
            broken.contains(&(cell.column.into(), cell.row_offset)),
            "{at:?}"
        );
    }
    let scalar = |column: &Column| column.index() < scalar_columns && is_advice(column);
    assert!(broken.iter().any(|(column, _)| scalar(column)));
}

fn row(location: &FailureLocation) -> usize {
    match location {
        FailureLocation::InRegion { offset, .. } => *offset,
        FailureLocation::OutsideRegion { row } => *row,
    }
}

fn is_advice(column: &Column) -> bool {
    matches!(column.column_type(), Any::Advice(_))
}

/// The same in the key, where copies count.
#[test]
fn a_real_proof_of_other_inputs_does_not_verify() {
    let fx = &*FIXTURE;
    let openings = openings();
    let rng = StdRng::seed_from_u64(5);
    let circuit = fx
        .key
        .fill(&fx.srs, fx.request(&[stated(&openings)]), rng.clone())
        .unwrap();
    let inputs = other_inputs(&circuit);
    let lie = circuit.with_lie(&inputs);
    let error = fx.key.finish(&fx.srs, lie, rng).unwrap_err();
    assert!(
        matches!(error, AggregateError::SelfCheck(VerifyError::Proof)),
        "{error}"
    );
}
