//! The halo2 circuit of a laid-out segment.

use crate::builder::{Cell as RowCell, Column as RowColumn, LOGUP_START_ROW};
use crate::gates::{Gate, LayerConfig};
use crate::layout::{Accumulators, ChallengeValues, Layout};
use halo2_base::halo2_proofs::circuit::{Cell, Layouter, Region, SimpleFloorPlanner, Value};
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use halo2_base::halo2_proofs::plonk::{
    Advice, Challenge, Circuit, Column, ConstraintSystem, Error,
};
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

    fn synthesize(&self, config: LayerConfig, layouter: impl Layouter<Fr>) -> Result<(), Error> {
        self.assign(config, layouter, |challenges| {
            self.layout.accumulate(challenges)
        })
    }
}

impl LayerCircuit {
    /// All columns; those of phase 1 are what `phase1` makes of the challenges.
    pub(crate) fn assign(
        &self,
        config: LayerConfig,
        mut layouter: impl Layouter<Fr>,
        phase1: impl Fn(&ChallengeValues) -> Accumulators,
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
                    assign_phase1(&config, &mut region, phase1(&challenges));
                }
                Ok(())
            },
        )
    }

    fn assign_fixed(&self, config: &LayerConfig, region: &mut Region<'_, Fr>) {
        let rows = &self.layout.rows;
        for row in 0..rows.len() {
            for (column, value) in config.w.iter().zip(rows.w[row]) {
                region.assign_fixed(*column, row, value);
            }
            for (column, code) in config.selectors.iter().zip(rows.selectors[row]) {
                region.assign_fixed(*column, row, Fr::from(code as u64));
            }
            region.assign_fixed(config.tag, row, Fr::from(rows.tags[row] as u64));
            region.assign_fixed(config.embed, row, Fr::from(rows.embeds[row] as u64));
        }
        for (row, entry) in self.layout.table.iter().enumerate().skip(LOGUP_START_ROW) {
            region.assign_fixed(config.active, row, Fr::ONE);
            for (column, value) in config.table.iter().zip(entry) {
                region.assign_fixed(*column, row, *value);
            }
        }
        // Nothing reads these on the last row; they keep the columns from being zero throughout, or equal (see `Builder`).
        let idle = [config.tag, config.embed, config.table[1], config.table[2]];
        for (column, value) in idle.into_iter().zip(1u64..) {
            region.assign_fixed(column, self.layout.last, Fr::from(value));
        }
        let (column, code, _) = Gate::LogupEnd.code();
        region.assign_fixed(
            config.selectors[column],
            self.layout.last,
            Fr::from(code as u64),
        );
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
}

fn assign_phase1(config: &LayerConfig, region: &mut Region<'_, Fr>, acc: Accumulators) {
    let columns = [config.g, config.h, config.d, config.helper, config.sum];
    for (column, values) in columns
        .into_iter()
        .zip([acc.g, acc.h, acc.d, acc.helper, acc.sum])
    {
        assign(region, column, values);
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
