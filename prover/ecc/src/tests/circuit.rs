//! A circuit with one chip; points, scalars and results are public.

use super::Inputs;
use crate::{EccChip, EccConfig, EccParams, Layout, Position, Witness, point_values};
use halo2_base::halo2_proofs::{
    circuit::{Layouter, SimpleFloorPlanner},
    halo2curves::bn256::{Fr, G1Affine},
    plonk::{Circuit, Column, ConstraintSystem, Error, Instance},
};
use std::sync::Arc;

/// Cells that a caller copies, with the values that it has for them: points and scalars, then results.
pub(super) fn outer(layout: &Layout, inputs: &Inputs, results: &[G1Affine]) -> Vec<(Position, Fr)> {
    let mut pairs = vec![];
    for (job, inputs) in inputs.iter().enumerate() {
        for (j, (point, scalar)) in inputs.iter().enumerate() {
            pairs.extend(
                layout
                    .point(job, j)
                    .all()
                    .into_iter()
                    .zip(point_values(point).all()),
            );
            pairs.push((layout.scalar(job, j), *scalar));
        }
        let result = point_values(&results[job]).all();
        pairs.extend(layout.result(job).all().into_iter().zip(result));
    }
    pairs
}

#[derive(Clone)]
pub(super) struct ChipCircuit {
    pub(super) layout: Arc<Layout>,
    pub(super) witness: Option<Arc<Witness>>,
    /// Cells that are public, in this order.
    pub(super) public: Vec<Position>,
}

impl Circuit<Fr> for ChipCircuit {
    type Config = (EccConfig, Column<Instance>);
    type FloorPlanner = SimpleFloorPlanner;
    type Params = Option<EccParams>;

    fn params(&self) -> Self::Params {
        Some(self.layout.params().clone())
    }

    fn without_witnesses(&self) -> Self {
        self.clone()
    }

    fn configure(_: &mut ConstraintSystem<Fr>) -> Self::Config {
        unreachable!("configured with parameters")
    }

    fn configure_with_params(
        meta: &mut ConstraintSystem<Fr>,
        params: Self::Params,
    ) -> Self::Config {
        let config = EccConfig::configure(meta, &params.unwrap()).unwrap();
        let instance = meta.instance_column();
        meta.enable_equality(instance);
        (config, instance)
    }

    fn synthesize(
        &self,
        (config, instance): Self::Config,
        mut layouter: impl Layouter<Fr>,
    ) -> Result<(), Error> {
        let chip = EccChip::new(config.clone(), self.layout.clone(), self.witness.clone());
        layouter.assign_region(
            || "ecc",
            |mut region| {
                chip.assign_phase0(&mut region);
                if self.witness.is_none() {
                    return Ok(());
                }
                region.next_phase();
                if let Some(challenges) = config.challenge_values(&region) {
                    chip.assign_phase1(&mut region, &challenges);
                }
                Ok(())
            },
        )?;
        for (row, position) in self.public.iter().enumerate() {
            layouter.constrain_instance(config.cell(*position), instance, row);
        }
        Ok(())
    }
}
