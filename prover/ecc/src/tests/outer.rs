//! The chip inside a circuit of halo2-base, as an aggregation uses it: scalars and coordinates are cells of the builder, the
//! chip's cells are tied to them.

use super::{Inputs, layout, native, random_inputs};
use crate::{
    EccChip, EccConfig, EccParams, Layout, PointCells, Position, Width, Witness, point_values,
};
use halo2_base::{
    AssignedValue, Context,
    gates::{
        GateChip, GateInstructions,
        circuit::{
            BaseCircuitParams, BaseConfig, CircuitBuilderStage, builder::BaseCircuitBuilder,
        },
    },
    halo2_proofs::{
        circuit::{Cell, Layouter, SimpleFloorPlanner},
        dev::MockProver,
        halo2curves::{
            bn256::{Fr, G1Affine},
            ff::Field,
        },
        plonk::{Circuit, ConstraintSystem, Error},
    },
    virtual_region::copy_constraints::SharedCopyConstraintManager,
};
use std::sync::Arc;

const JOBS: [usize; 2] = [2, 1];

struct Outer {
    builder: BaseCircuitBuilder<Fr>,
    copies: SharedCopyConstraintManager<Fr>,
    layout: Arc<Layout>,
    witness: Arc<Witness>,
    tied: Vec<(Position, AssignedValue<Fr>)>,
}

impl Circuit<Fr> for Outer {
    type Config = (BaseConfig<Fr>, EccConfig);
    type FloorPlanner = SimpleFloorPlanner;
    type Params = (BaseCircuitParams, Option<EccParams>);

    fn params(&self) -> Self::Params {
        let params = self.layout.params().clone();
        (self.builder.params(), Some(params))
    }

    fn without_witnesses(&self) -> Self {
        unreachable!("not by MockProver")
    }

    fn configure(_: &mut ConstraintSystem<Fr>) -> Self::Config {
        unreachable!("configured with parameters")
    }

    fn configure_with_params(
        meta: &mut ConstraintSystem<Fr>,
        (base, ecc): Self::Params,
    ) -> Self::Config {
        let mut base = BaseConfig::configure(meta, base);
        let ecc = EccConfig::configure(meta, &ecc.unwrap()).unwrap();
        // The chip's rotations take more blinding rows than the builder assumed.
        base.set_usable_rows((1 << 18) - 64);
        (base, ecc)
    }

    fn synthesize(
        &self,
        (base, ecc): Self::Config,
        mut layouter: impl Layouter<Fr>,
    ) -> Result<(), Error> {
        let chip = EccChip::new(ecc.clone(), self.layout.clone(), Some(self.witness.clone()));
        // Places the builder's cells, all of phase 0.
        self.builder
            .synthesize(base, layouter.namespace(|| "builder"))?;
        layouter.assign_region(
            || "ecc",
            |mut region| {
                chip.assign_phase0(&mut region);
                chip.tie(&mut region, self.cells());
                region.next_phase();
                if let Some(challenges) = ecc.challenge_values(&region) {
                    chip.assign_phase1(&mut region, &challenges);
                }
                Ok(())
            },
        )
    }
}

impl Outer {
    /// Tied cells, where the builder has placed them.
    fn cells(&self) -> Vec<(Position, Cell)> {
        let copies = self.copies.lock().unwrap();
        let tied = self.tied.iter();
        tied.map(|(at, value)| (*at, copies.assigned_advices[&value.cell.unwrap()]))
            .collect()
    }

    /// The chip multiplies `multiplied`, the builder believes `believed` and `results`.
    fn new(multiplied: &Inputs, believed: &Inputs, results: &[G1Affine]) -> Self {
        let layout = layout(Width::W20, &JOBS);
        let witness = Witness::new(&layout, multiplied).unwrap();
        let k = layout.params().k as usize;
        let mut builder = BaseCircuitBuilder::from_stage(CircuitBuilderStage::Mock).use_k(k);
        let tied = tied(builder.main(0), &layout, believed, results);
        builder.calculate_params(Some(64));
        let copies = builder.pool(0).copy_manager.clone();
        Outer {
            builder,
            copies,
            layout: Arc::new(layout),
            witness: Arc::new(witness),
            tied,
        }
    }

    fn holds(&self) -> bool {
        let prover = MockProver::run(18, self, vec![]).unwrap();
        prover.verify().is_ok()
    }
}

/// Coordinates are witnesses; scalars are products, as if computed by a verifier.
fn tied(
    ctx: &mut Context<Fr>,
    layout: &Layout,
    inputs: &Inputs,
    results: &[G1Affine],
) -> Vec<(Position, AssignedValue<Fr>)> {
    let gate = GateChip::default();
    let mut tied = vec![];
    let load = |ctx: &mut Context<Fr>, at: PointCells<Position>, point: &G1Affine| {
        let values = point_values(point).all();
        let cells = values.map(|value| ctx.load_witness(value));
        at.all().into_iter().zip(cells).collect::<Vec<_>>()
    };
    for (job, inputs) in inputs.iter().enumerate() {
        for (j, (point, scalar)) in inputs.iter().enumerate() {
            tied.extend(load(ctx, layout.point(job, j), point));
            let half = ctx.load_witness(scalar * Fr::from(2).invert().unwrap());
            let two = ctx.load_constant(Fr::from(2));
            tied.push((layout.scalar(job, j), gate.mul(ctx, half, two)));
        }
        tied.extend(load(ctx, layout.result(job), &results[job]));
    }
    tied
}

#[test]
fn the_chip_is_tied_to_an_outer_circuit() {
    let inputs = random_inputs(&JOBS, 51);
    let results: Vec<G1Affine> = inputs.iter().map(|job| native(job)).collect();
    assert!(Outer::new(&inputs, &inputs, &results).holds());
    let mut other = inputs.clone();
    other[0][1].1 += Fr::ONE;
    assert!(!Outer::new(&inputs, &other, &results).holds(), "scalar");
}
