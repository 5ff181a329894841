//! How gates read blocks.

use super::{EccConfig, Ex, constant};
use crate::{
    block::{Number, plain},
    limbs::{CARRY_PIECES, Limbs, PIECES, carry},
};
use halo2_base::halo2_proofs::{
    halo2curves::{bn256::Fr, ff::Field},
    plonk::{Advice, Challenge, Column, Fixed, VirtualCells},
    poly::Rotation,
};

/// Reads cells, so that gates look like their cards.
pub(crate) struct Cells<'a, 'b> {
    pub(crate) config: &'a EccConfig,
    pub(super) meta: &'a mut VirtualCells<'b, Fr>,
}

impl Cells<'_, '_> {
    pub(crate) fn advice(&mut self, column: Column<Advice>, row: usize) -> Ex {
        self.meta.query_advice(column, Rotation(row as i32))
    }

    pub(crate) fn fixed(&mut self, column: Column<Fixed>, row: i32) -> Ex {
        self.meta.query_fixed(column, Rotation(row))
    }

    pub(crate) fn challenge(&mut self, challenge: Challenge) -> Ex {
        self.meta.query_challenge(challenge)
    }

    /// A number of this block (0) or the next one (1).
    pub(crate) fn number(&mut self, number: Number, block: usize) -> Limbs<Ex> {
        let width = self.config.width;
        let pieces: Vec<Ex> = (0..PIECES)
            .map(|i| {
                let spot = width.piece(number, i);
                let row = spot.row + block * width.rows();
                self.advice(self.config.range[spot.column], row)
            })
            .collect();
        Limbs::from_pieces(&pieces)
    }

    /// One of the four carries.
    pub(crate) fn carry(&mut self, number: usize) -> Ex {
        let pieces: Vec<Ex> = (0..CARRY_PIECES)
            .map(|i| {
                let spot = self.config.width.carry_piece(number, i);
                self.advice(self.config.range[spot.column], spot.row)
            })
            .collect();
        carry(&pieces)
    }

    /// A plain cell of this block or the next one.
    pub(crate) fn plain(&mut self, cell: usize, block: usize) -> Ex {
        let spot = self.config.width.plain(cell);
        let row = spot.row + block * self.config.width.rows();
        self.advice(self.config.plain[spot.column], row)
    }

    /// x_T.
    pub(crate) fn target(&mut self, block: usize) -> Limbs<Ex> {
        Limbs(std::array::from_fn(|i| self.plain(plain::X + i, block)))
    }

    /// +1 or −1: whether y_T is added or its negative.
    pub(crate) fn sign(&mut self, block: usize) -> Ex {
        constant(1) - self.plain(plain::SIGN, block) * constant(2)
    }

    /// Number of the block's table.
    pub(crate) fn table_number(&mut self) -> Ex {
        self.fixed(self.config.data, 0)
    }

    /// The block's fixed value.
    pub(crate) fn value(&mut self) -> Ex {
        self.fixed(self.config.data, 1)
    }

    /// 1 where the column holds `code`, 0 where it holds another of 0..=3. Degree 3.
    pub(crate) fn is(&mut self, column: Column<Fixed>, code: u64) -> Ex {
        let others: Vec<u64> = (0..=3).filter(|c| *c != code).collect();
        let at_code = others.iter().fold(Fr::ONE, |product, c| {
            product * (Fr::from(code) - Fr::from(*c))
        });
        // 1 ≤ |code − c| ≤ 3, so there is an inverse.
        self.unless(column, &others) * at_code.invert().unwrap_or(Fr::ZERO)
    }

    /// 0 where the column holds one of `codes`, and only there.
    pub(crate) fn unless(&mut self, column: Column<Fixed>, codes: &[u64]) -> Ex {
        let q = self.fixed(column, 0);
        codes
            .iter()
            .map(|c| {
                if *c == 0 {
                    q.clone()
                } else {
                    q.clone() - constant(*c)
                }
            })
            .reduce(|product, factor| product * factor)
            .unwrap_or_else(|| constant(1))
    }
}
