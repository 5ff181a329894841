//! The halo2 circuit: halo2-base's columns for scalars and hashes, beside them (unless the stock chip is asked for) the
//! columns of `halocast-ecc`, tied by copies of points, scalars and results.

use super::curve::Job;
use halo2_base::{
    AssignedValue, ContextCell,
    gates::{
        circuit::{BaseCircuitParams, BaseConfig, builder::BaseCircuitBuilder},
        flex_gate::MultiPhaseThreadBreakPoints,
    },
    halo2_proofs::{
        circuit::{Layouter, Region, SimpleFloorPlanner},
        halo2curves::bn256::{Fr, G1Affine},
        plonk::{Circuit, ConstraintSystem, Error},
    },
    virtual_region::manager::VirtualRegionManager,
};
use halocast_ecc::{EccChip, EccConfig, EccError, EccParams, Layout, Position, Witness};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What the constraint system and the layout depend on, beside the shape.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct CircuitParams {
    /// Columns for scalars and hashes; with the stock chip for everything.
    pub(crate) base: BaseCircuitParams,
    /// Our chip; `None`: halo2-ecc's.
    pub(crate) wide: Option<EccParams>,
}

/// The circuit, filled.
pub(crate) struct AggregationCircuit {
    pub(crate) builder: BaseCircuitBuilder<Fr>,
    wide: Option<Wide>,
}

struct Wide {
    params: EccParams,
    layout: Arc<Layout>,
    witness: Option<Arc<Witness>>,
    /// Cells of the scalar part with the chip's copies.
    links: Vec<(ContextCell, Position)>,
    #[cfg(test)]
    inputs: Vec<Vec<(G1Affine, Fr)>>,
}

impl AggregationCircuit {
    pub(crate) fn stock(builder: BaseCircuitBuilder<Fr>) -> Self {
        Self {
            builder,
            wide: None,
        }
    }

    /// Lays the jobs out. Keys need no witness of the chip.
    pub(crate) fn wide(
        builder: BaseCircuitBuilder<Fr>,
        params: &CircuitParams,
        jobs: &[Job],
    ) -> Result<Self, EccError> {
        let mut params = params.wide.clone().ok_or(EccError::NoJobs)?;
        params.jobs = jobs.iter().map(|job| job.inputs.len()).collect();
        let layout = Layout::new(&params)?;
        let keygen = builder.core().phase_manager[0].use_unknown();
        let witness = match keygen {
            true => None,
            false => Some(Arc::new(Witness::new(&layout, &values(jobs))?)),
        };
        // Provers make no copies, and their cells have no names.
        let links = match builder.witness_gen_only() {
            true => vec![],
            false => links(&layout, jobs),
        };
        let wide = Wide {
            links,
            params,
            layout: Arc::new(layout),
            witness,
            #[cfg(test)]
            inputs: values(jobs),
        };
        Ok(Self {
            builder,
            wide: Some(wide),
        })
    }

    /// Where columns of the scalar part end, found when keys are made.
    pub(crate) fn use_break_points(mut self, points: MultiPhaseThreadBreakPoints) -> Self {
        self.builder.set_break_points(points);
        self
    }

    /// Blocks and rows are known: sizes of the multiplications.
    pub(crate) fn jobs(&self) -> Vec<usize> {
        self.wide.as_ref().map_or(vec![], |w| w.params.jobs.clone())
    }

    /// Public words.
    pub(crate) fn exposed(&self) -> Vec<Fr> {
        let cells = &self.builder.assigned_instances[0];
        cells.iter().map(|cell| *cell.value()).collect()
    }
}

fn values(jobs: &[Job]) -> Vec<Vec<(G1Affine, Fr)>> {
    let of_job = |job: &Job| {
        let inputs = job.inputs.iter();
        inputs.map(|(s, _, point)| (*point, *s.value())).collect()
    };
    jobs.iter().map(of_job).collect()
}

#[cfg(test)]
impl AggregationCircuit {
    /// What the scalar part asks the chip to multiply.
    pub(crate) fn inputs(&self) -> Vec<Vec<(G1Affine, Fr)>> {
        self.wide.as_ref().expect("our chip").inputs.clone()
    }

    /// The chip multiplies something else.
    pub(crate) fn with_lie(mut self, inputs: &[Vec<(G1Affine, Fr)>]) -> Self {
        let wide = self.wide.as_mut().expect("our chip");
        let witness = Witness::new(&wide.layout, inputs).expect("points of the curve");
        wide.witness = Some(Arc::new(witness));
        self
    }

    /// The layout of the chip, and the places that are tied to the scalar part.
    pub(crate) fn links(&self) -> (&Layout, Vec<Position>) {
        let wide = self.wide.as_ref().expect("our chip");
        (&wide.layout, wide.links.iter().map(|link| link.1).collect())
    }
}

/// Every point, scalar and result with its place in the chip.
fn links(layout: &Layout, jobs: &[Job]) -> Vec<(ContextCell, Position)> {
    let mut links = vec![];
    let mut link = |cell: &AssignedValue<Fr>, at: Position| {
        let cell = cell.cell.expect("cells have names where keys are made");
        links.push((cell, at));
    };
    for (j, job) in jobs.iter().enumerate() {
        for (i, (scalar, words, _)) in job.inputs.iter().enumerate() {
            link(scalar, layout.scalar(j, i));
            let places = words.all().into_iter().zip(layout.point(j, i).all());
            places.for_each(|(word, at)| link(&word, at));
        }
        let places = job.result.all().into_iter().zip(layout.result(j).all());
        places.for_each(|(word, at)| link(&word, at));
    }
    links
}

impl Circuit<Fr> for AggregationCircuit {
    type Config = (BaseConfig<Fr>, Option<EccConfig>);
    type FloorPlanner = SimpleFloorPlanner;
    type Params = CircuitParams;

    fn params(&self) -> CircuitParams {
        CircuitParams {
            base: self.builder.params(),
            wide: self.wide.as_ref().map(|w| w.params.clone()),
        }
    }

    fn without_witnesses(&self) -> Self {
        unreachable!("neither keys nor proofs ask for it")
    }

    fn configure(_: &mut ConstraintSystem<Fr>) -> Self::Config {
        unreachable!("configured with parameters")
    }

    fn configure_with_params(
        meta: &mut ConstraintSystem<Fr>,
        params: CircuitParams,
    ) -> Self::Config {
        let rows = 1usize << params.base.k;
        let mut base = BaseConfig::configure(meta, params.base);
        let wide = params.wide.map(|wide| {
            let config = EccConfig::configure(meta, &wide);
            config.expect("the layout was made for these parameters")
        });
        if wide.is_some() {
            // More rotations than halo2-base knew of blind more rows.
            base.set_usable_rows(rows - meta.minimum_rows());
        }
        (base, wide)
    }

    fn synthesize(
        &self,
        (base, ecc): Self::Config,
        mut layouter: impl Layouter<Fr>,
    ) -> Result<(), Error> {
        let (Some(wide), Some(ecc)) = (&self.wide, ecc) else {
            return self.builder.synthesize(base, layouter);
        };
        let chip = EccChip::new(ecc, wide.layout.clone(), wide.witness.clone());
        layouter.assign_region(
            || "aggregation",
            |mut region| {
                self.assign_scalars(&base, &mut region);
                chip.assign_phase0(&mut region);
                self.assign_copies(&base, wide, &chip, &mut region);
                if wide.witness.is_none() {
                    return Ok(());
                }
                region.next_phase();
                if let Some(challenges) = chip.config().challenge_values(&region) {
                    chip.assign_phase1(&mut region, &challenges);
                }
                Ok(())
            },
        )?;
        self.builder.assign_instances(&base.instance, layouter);
        Ok(())
    }
}

impl AggregationCircuit {
    fn assign_scalars(&self, base: &BaseConfig<Fr>, region: &mut Region<'_, Fr>) {
        let gate = base.gate();
        self.builder.core().phase_manager[0]
            .assign_raw(&(gate.basic_gates[0].clone(), gate.max_rows), region);
    }

    /// Copies are part of the key; provers make none.
    fn assign_copies(
        &self,
        base: &BaseConfig<Fr>,
        wide: &Wide,
        chip: &EccChip,
        region: &mut Region<'_, Fr>,
    ) {
        if self.builder.witness_gen_only() {
            return;
        }
        let copies = &self.builder.core().copy_manager;
        {
            let manager = copies.lock().expect("no thread panics with the lock");
            let links = wide.links.iter();
            chip.tie(
                region,
                links.map(|(cell, at)| (*at, manager.assigned_advices[cell])),
            );
        }
        copies.assign_raw(base.constants(), region);
    }
}
