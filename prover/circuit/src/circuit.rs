//! The halo2 circuit of a laid-out segment.

use crate::builder::{Cell as RowCell, Column as RowColumn};
use crate::gates::{LayerConfig, SELECTORS};
use crate::layout::{ChallengeValues, Layout};
use halo2_base::halo2_proofs::circuit::{Cell, Layouter, Region, SimpleFloorPlanner, Value};
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use halo2_base::halo2_proofs::plonk::{
    Advice, Challenge, Circuit, Column, ConstraintSystem, Error, Fixed,
};
use halocast_plonk::{Copies, Phases, ProveError};
use std::sync::Arc;

/// One segment's circuit.
#[derive(Clone, Debug)]
pub(crate) struct LayerCircuit {
    pub(crate) layout: Arc<Layout>,
}

impl Circuit<Fr> for LayerCircuit {
    type Config = LayerConfig;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = ();

    fn without_witnesses(&self) -> Self {
        self.clone()
    }

    fn configure(cs: &mut ConstraintSystem<Fr>) -> LayerConfig {
        LayerConfig::configure(cs)
    }

    fn synthesize(
        &self,
        config: LayerConfig,
        mut layouter: impl Layouter<Fr>,
    ) -> Result<(), Error> {
        layouter.assign_region(
            || "segment",
            |mut region| {
                self.assign_fixed(&config, &mut region);
                self.assign_copies(&config, &mut region);
                if !self.layout.rows.witness {
                    return Ok(());
                }
                self.assign_phase0(&config, &mut region);
                region.next_phase();
                if let Some(challenges) = challenge_values(&config, &region) {
                    self.assign_phase1(&config, &mut region, &challenges);
                }
                Ok(())
            },
        )
    }
}

impl LayerCircuit {
    /// Values of every fixed column, by its index.
    pub(crate) fn fixed(&self, config: &LayerConfig) -> Vec<Vec<Fr>> {
        let (rows, last) = (&self.layout.rows, self.layout.last);
        let columns = config.w.len() + SELECTORS + config.table.len() + 2;
        let mut fixed = vec![vec![Fr::ZERO; last + 1]; columns];
        let mut put = |column: Column<Fixed>, row: usize, value: Fr| {
            fixed[column.index()][row] = value;
        };
        for row in 0..rows.len() {
            for (column, value) in config.w.iter().zip(rows.w[row]) {
                put(*column, row, value);
            }
            put(config.tag, row, Fr::from(rows.tags[row] as u64));
            put(config.embed, row, Fr::from(rows.embeds[row] as u64));
        }
        for (row, entry) in self.layout.table.iter().enumerate() {
            for (column, value) in config.table.iter().zip(entry) {
                put(*column, row, *value);
            }
        }
        for row in (0..rows.len()).chain([last]) {
            for (column, code) in config.selectors.iter().zip(self.layout.code(row)) {
                put(*column, row, Fr::from(u64::from(code)));
            }
        }
        // Nothing reads these on the last row, where `table[2]` is 0. They keep the columns from being zero throughout, or equal:
        // no commitment in a verifying key is the point at infinity. (The other columns have values in every segment's sponge.)
        let idle = [config.tag, config.embed, config.table[1]];
        for (column, value) in idle.into_iter().zip(1u64..) {
            put(column, last, Fr::from(value));
        }
        fixed
    }

    fn assign_fixed(&self, config: &LayerConfig, region: &mut Region<'_, Fr>) {
        let columns = config
            .w
            .iter()
            .chain(&config.selectors)
            .chain(&config.table);
        let columns = columns.chain([&config.tag, &config.embed]);
        let fixed = self.fixed(config);
        for column in columns {
            for (row, value) in fixed[column.index()].iter().enumerate() {
                region.assign_fixed(*column, row, *value);
            }
        }
    }

    /// The copies, for columns of 2^k rows.
    pub(crate) fn copies(&self, k: u32) -> Copies {
        let cell = |c: RowCell| (c.column as usize, c.row as usize);
        let mut copies = Copies::new(3, k);
        for &(x, y) in &self.layout.rows.copies {
            copies.add(cell(x), cell(y));
        }
        copies
    }

    fn assign_copies(&self, config: &LayerConfig, region: &mut Region<'_, Fr>) {
        let cell = |c: RowCell| {
            let column = match c.column {
                RowColumn::A => config.a,
                RowColumn::B => config.b,
                RowColumn::Y => config.y,
            };
            Cell {
                row_offset: c.row as usize,
                column: column.into(),
            }
        };
        for &(x, y) in &self.layout.rows.copies {
            region.constrain_equal(cell(x), cell(y));
        }
    }

    fn assign_phase0(&self, config: &LayerConfig, region: &mut Region<'_, Fr>) {
        let rows = &self.layout.rows;
        let columns = [config.a, config.b, config.y, config.r, config.e];
        for (column, values) in columns
            .into_iter()
            .zip([&rows.a, &rows.b, &rows.y, &rows.r, &rows.e])
        {
            assign(region, column, values.iter().copied());
        }
        assign(
            region,
            config.m,
            self.layout
                .multiplicities
                .iter()
                .map(|&m| Fr::from(m as u64)),
        );
    }

    fn assign_phase1(
        &self,
        config: &LayerConfig,
        region: &mut Region<'_, Fr>,
        challenges: &ChallengeValues,
    ) {
        let values = self.layout.accumulate(challenges).columns();
        let columns = [config.g, config.h, config.d, config.helper, config.sum];
        for (column, values) in columns.into_iter().zip(values) {
            assign(region, column, values);
        }
    }
}

/// The advice of a laid-out segment, for our prover. The layout is dropped when its columns are handed over: the larger part of
/// a proof is still to come, and they are a tenth of its memory.
pub(crate) struct LayerWitness(Option<Layout>);

impl LayerWitness {
    pub(crate) fn new(layout: Layout) -> Self {
        LayerWitness(Some(layout))
    }
}

impl halocast_plonk::Witness for LayerWitness {
    fn fill(&mut self, phases: &mut dyn Phases) -> Result<(), ProveError> {
        let layout = self.0.take().expect("filled once, by one proof");
        let challenges = drawn(phases.commit(phase0(&layout))?);
        let columns = layout.accumulate(&challenges).columns();
        drop(layout);
        phases.commit(columns)?;
        Ok(())
    }
}

/// The columns before the challenges.
pub(crate) fn phase0(layout: &Layout) -> Vec<Vec<Fr>> {
    let rows = &layout.rows;
    let columns = [&rows.a, &rows.b, &rows.y, &rows.r, &rows.e];
    let m = layout.multiplicities.iter().map(|&m| Fr::from(m as u64));
    columns.into_iter().cloned().chain([m.collect()]).collect()
}

/// The challenges, in the order of the constraint system.
pub(crate) fn drawn(challenges: &[Fr]) -> ChallengeValues {
    let &[rho, sigma, beta, gamma] = challenges else {
        unreachable!("the constraint system has four challenges");
    };
    ChallengeValues {
        rho,
        sigma,
        beta,
        gamma,
    }
}

fn assign(
    region: &mut Region<'_, Fr>,
    column: Column<Advice>,
    values: impl IntoIterator<Item = Fr>,
) {
    for (row, value) in values.into_iter().enumerate() {
        region.assign_advice(column, row, Value::known(value));
    }
}

/// The challenges, once they are drawn.
fn challenge_values(config: &LayerConfig, region: &Region<'_, Fr>) -> Option<ChallengeValues> {
    let get = |challenge: Challenge| {
        let mut found = None;
        region
            .get_challenge(challenge)
            .map(|value| found = Some(value));
        found
    };
    let c = &config.challenges;
    Some(ChallengeValues {
        rho: get(c.rho)?,
        sigma: get(c.sigma)?,
        beta: get(c.beta)?,
        gamma: get(c.gamma)?,
    })
}
