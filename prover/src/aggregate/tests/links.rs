//! The copies between scalar part and chip: every point, scalar and result, seen from both sides.

use super::whole::{FIXTURE, openings};
use crate::aggregate::{
    assembly::AggregationCircuit,
    circuit::{self, Blind, Witness},
    key::generator,
};
use halo2_base::{
    gates::circuit::CircuitBuilderStage,
    halo2_proofs::{
        dev::{FailureLocation, MockProver, VerifyFailure},
        halo2curves::{bn256::Fr, ff::Field, group::Curve},
        plonk::{Circuit, ConstraintSystem},
        poly::commitment::ParamsProver,
    },
};
use halocast_ecc::Position;
use rand::{SeedableRng, rngs::StdRng};
use std::collections::HashSet;

fn filled() -> AggregationCircuit {
    let fx = &*FIXTURE;
    let g = fx.srs.params.get_g();
    let openings = openings();
    let witness = Witness {
        snarks: &fx.snarks,
        blind: Blind::random(g[0], g[1], StdRng::seed_from_u64(5)),
        openings: &openings,
        model_salt: Fr::from(1),
        context: Fr::from(2),
    };
    let (stage, params) = (CircuitBuilderStage::Mock, &fx.key.meta.params);
    circuit::build(stage, params, generator(&fx.srs), fx.key.shape(), witness).unwrap()
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

/// The chip is honest about another point, another scalar; then the cells that differ from the scalar part's are seen, and
/// those of the result.
#[test]
fn a_chip_that_multiplies_something_else_is_refused() {
    let honest = filled();
    let mut inputs = honest.inputs();
    inputs[0][3].0 = (inputs[0][3].0 + inputs[0][4].0).to_affine();
    inputs[0][5].1 += Fr::ONE;
    let (layout, _) = honest.links();
    let changed: Vec<Position> = layout
        .point(0, 3)
        .all()
        .into_iter()
        .chain([layout.scalar(0, 5)])
        .chain(layout.result(0).all())
        .collect();

    let mut cs = ConstraintSystem::default();
    let params = honest.params();
    let (k, public) = (params.base.k as u32, honest.exposed());
    let (_, ecc) = AggregationCircuit::configure_with_params(&mut cs, params);
    let ecc = ecc.unwrap();
    let lie = honest.with_lie(&inputs);
    let failures = MockProver::run(k, &lie, vec![public]).unwrap().verify();
    let broken: HashSet<(String, usize)> = failures
        .unwrap_err()
        .into_iter()
        .map(|failure| match failure {
            VerifyFailure::Permutation { column, location } => {
                let row = match location {
                    FailureLocation::InRegion { offset, .. } => offset,
                    FailureLocation::OutsideRegion { row } => row,
                };
                (format!("{column:?}"), row)
            }
            other => panic!("only copies are broken, not {other}"),
        })
        .collect();
    for at in changed {
        let cell = ecc.cell(at);
        let column = halo2_base::halo2_proofs::dev::metadata::Column::from(cell.column);
        assert!(
            broken.contains(&(format!("{column:?}"), cell.row_offset)),
            "{at:?}"
        );
    }
}
