//! The assembled chip: writes fixed cells, copies and both phases into a region.
//!
//! halo2-axiom's `assign_region` does not place regions: rows are absolute, and the chip's columns are its own from row 0.

use crate::{
    Position,
    block::Kind,
    gates::{Challenges, EccConfig},
    layout::{Layout, PlainCell},
    limbs::PIECE_BITS,
    witness::{Phase1, Witness},
};
use halo2_base::halo2_proofs::{
    circuit::{Cell, Region, Value},
    halo2curves::{bn256::Fr, ff::Field},
    plonk::{Advice, Column},
};
use std::sync::Arc;

/// A layout in a circuit, with its witness when there is one.
#[derive(Clone, Debug)]
pub struct EccChip {
    config: EccConfig,
    layout: Arc<Layout>,
    witness: Option<Arc<Witness>>,
}

impl EccChip {
    /// A chip; without a witness for keys. `config` must be for the layout's width, `witness` made for the layout.
    pub fn new(config: EccConfig, layout: Arc<Layout>, witness: Option<Arc<Witness>>) -> Self {
        assert_eq!(config.width, layout.params().width, "one width");
        EccChip {
            config,
            layout,
            witness,
        }
    }

    /// The layout.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The columns.
    pub fn config(&self) -> &EccConfig {
        &self.config
    }

    /// Fixed cells, copies and the advice of phase 0 (if there is a witness).
    pub fn assign_phase0(&self, region: &mut Region<'_, Fr>) {
        self.assign_tables(region);
        self.assign_blocks(region);
        self.assign_copies(region);
        let Some(witness) = &self.witness else { return };
        for (column, values) in self.config.range.iter().zip(&witness.range) {
            assign(region, *column, values.iter().map(|v| Fr::from(*v as u64)));
        }
        for (column, values) in self.config.plain.iter().zip(&witness.plain) {
            assign(region, *column, values.iter().copied());
        }
        let multiplicities = witness.multiplicities.iter();
        assign(
            region,
            self.config.multiplicity,
            multiplicities.map(|m| Fr::from(*m as u64)),
        );
    }

    /// The advice of phase 1 (if there is a witness), after `region.next_phase()`.
    pub fn assign_phase1(&self, region: &mut Region<'_, Fr>, challenges: &Challenges<Fr>) {
        let Some(witness) = &self.witness else { return };
        let phase1 = Phase1::new(&self.layout, witness, challenges);
        for (column, values) in self.config.helpers.iter().zip(phase1.helpers) {
            assign(region, *column, values);
        }
        assign(region, self.config.fraction, phase1.fraction);
        assign(region, self.config.sum, phase1.sum);
    }

    /// Ties cells of the caller to cells of the chip: points, scalars, results. Without it the chip's inputs are free.
    pub fn tie(
        &self,
        region: &mut Region<'_, Fr>,
        pairs: impl IntoIterator<Item = (Position, Cell)>,
    ) {
        for (position, cell) in pairs {
            region.constrain_equal(self.config.cell(position), cell);
        }
    }

    fn assign_tables(&self, region: &mut Region<'_, Fr>) {
        for row in 0..self.layout.params().active_rows() {
            region.assign_fixed(self.config.active, row, Fr::ONE);
        }
        for row in 0..1 << PIECE_BITS {
            region.assign_fixed(self.config.table, row, Fr::from(row as u64));
        }
    }

    fn assign_blocks(&self, region: &mut Region<'_, Fr>) {
        let config = &self.config;
        for (i, block) in self.layout.blocks.iter().enumerate() {
            if block.kind == Kind::Constant {
                continue;
            }
            let row = i * config.width.rows();
            let columns = [config.flow, config.relation, config.role];
            for (column, code) in columns.into_iter().zip(block.kind.codes()) {
                region.assign_fixed(column, row, Fr::from(code));
            }
            region.assign_fixed(config.data, row, Fr::from(block.table));
            region.assign_fixed(config.data, row + 1, block.value());
        }
    }

    fn assign_copies(&self, region: &mut Region<'_, Fr>) {
        let cell = |at: PlainCell| {
            let at: Position = self.layout.position(at);
            self.config.cell(at)
        };
        for copied in &self.layout.copies {
            region.constrain_equal(cell(copied.from), cell(copied.to));
        }
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
