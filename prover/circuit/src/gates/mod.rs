//! The constraint system of the layer circuit. One file a family of gates, each gate with its card; `selector` says how they
//! are switched on, this file has the columns. Only fixed columns and the domain size differ between segments.
//!
//! Columns: `A`, `B` operands and `Y` result (the three in the permutation), `R`, `E` remainder and excess, `m`
//! multiplicities (phase 0); `G`, `H`, `D` running accumulators, `h`, `S` the lookup argument (phase 1). `Y`, `R`
//! and `E` are range-checked to 16 bits on every row by `logup`.

mod accumulate;
mod arith;
mod logup;
mod poseidon;
mod selector;

use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use halo2_base::halo2_proofs::plonk::{
    Advice, Challenge, Column, ConstraintSystem, Expression, FirstPhase, Fixed, Instance,
    SecondPhase, VirtualCells,
};
use halo2_base::halo2_proofs::poly::Rotation;

pub(crate) use poseidon::{FULL_ROUNDS, PARTIAL_ROUNDS};
#[cfg(test)]
pub(crate) use selector::{ALL, ROWS};
pub(crate) use selector::{Code, ENDS, Gate, Gates, SELECTORS};

/// Degree of the constraint system.
#[cfg(test)]
pub(crate) const DEGREE: usize = 5;
/// log2 of what is added to a matrix product's accumulator so that its cell is rarely a large field element.
pub(crate) const ACC_OFFSET_LOG2: u32 = 40;
/// Columns of a constant matrix that share a fixed cell: Σ 2^(41·l)·w_l, below 2^247.
pub(crate) const GROUP: usize = 6;
/// Distance in bits of the weights (and results) of a group.
pub(crate) const GROUP_BITS: u32 = 41;
/// Distance between the tags of function tables and those of embedding tables.
pub(crate) const EMBED_TAG: u64 = 1 << 20;
/// Tag of a table row that no lookup can name.
pub(crate) const DEAD_TAG: u64 = 1 << 40;

/// The columns and challenges.
#[derive(Clone, Debug)]
pub(crate) struct LayerConfig {
    pub(crate) a: Column<Advice>,
    pub(crate) b: Column<Advice>,
    pub(crate) y: Column<Advice>,
    pub(crate) r: Column<Advice>,
    pub(crate) e: Column<Advice>,
    pub(crate) m: Column<Advice>,
    pub(crate) g: Column<Advice>,
    pub(crate) h: Column<Advice>,
    pub(crate) d: Column<Advice>,
    /// Logup helper.
    pub(crate) helper: Column<Advice>,
    /// Logup running sum.
    pub(crate) sum: Column<Advice>,
    /// Coefficients of the bilinear form, weights, round constants.
    pub(crate) w: [Column<Fixed>; 4],
    /// Kind and mode of the row: which gates are on.
    pub(crate) selectors: [Column<Fixed>; SELECTORS],
    /// Tag of a function lookup on this row.
    pub(crate) tag: Column<Fixed>,
    /// Embedding lookup or table entry on this row.
    pub(crate) embed: Column<Fixed>,
    /// Lookup table: argument, result, 1 + tag. The last is 0 exactly where there is no lookup argument.
    pub(crate) table: [Column<Fixed>; 3],
    pub(crate) instance: Column<Instance>,
    pub(crate) challenges: Challenges,
}

/// The challenges, all drawn after every phase-0 column is committed (and after the verifying key and the instances):
/// `rho` and `sigma` compress matrix products, `beta` and `gamma` the lookups.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Challenges {
    pub(crate) rho: Challenge,
    pub(crate) sigma: Challenge,
    pub(crate) beta: Challenge,
    pub(crate) gamma: Challenge,
}

impl LayerConfig {
    /// Declares columns, challenges and gates.
    pub(crate) fn configure(cs: &mut ConstraintSystem<Fr>) -> Self {
        let config = Self::columns(cs);
        for column in [config.a, config.b, config.y] {
            cs.enable_equality(column);
        }
        arith::configure(cs, &config);
        accumulate::configure(cs, &config);
        poseidon::configure(cs, &config);
        logup::configure(cs, &config);
        config
    }

    fn columns(cs: &mut ConstraintSystem<Fr>) -> Self {
        let fixed = |cs: &mut ConstraintSystem<Fr>| cs.fixed_column();
        let [a, b, y, r, e, m] = [(); 6].map(|()| cs.advice_column_in(FirstPhase));
        let challenges = Challenges {
            rho: cs.challenge_usable_after(FirstPhase),
            sigma: cs.challenge_usable_after(FirstPhase),
            beta: cs.challenge_usable_after(FirstPhase),
            gamma: cs.challenge_usable_after(FirstPhase),
        };
        let [g, h, d, helper, sum] = [(); 5].map(|()| cs.advice_column_in(SecondPhase));
        let w = [(); 4].map(|()| fixed(cs));
        let selectors = [(); SELECTORS].map(|()| fixed(cs));
        let (tag, embed) = (fixed(cs), fixed(cs));
        let table = [(); 3].map(|()| fixed(cs));
        let instance = cs.instance_column();
        LayerConfig {
            a,
            b,
            y,
            r,
            e,
            m,
            g,
            h,
            d,
            helper,
            sum,
            w,
            selectors,
            tag,
            embed,
            table,
            instance,
            challenges,
        }
    }
}

/// Queries of one row, so that gates read like their cards.
pub(crate) struct Row<'a, 'b> {
    config: &'a LayerConfig,
    cells: &'a mut VirtualCells<'b, Fr>,
}

impl<'a, 'b> Row<'a, 'b> {
    pub(crate) fn new(config: &'a LayerConfig, cells: &'a mut VirtualCells<'b, Fr>) -> Self {
        Row { config, cells }
    }

    pub(crate) fn cur(&mut self, column: Column<Advice>) -> Expression<Fr> {
        self.cells.query_advice(column, Rotation::cur())
    }

    pub(crate) fn next(&mut self, column: Column<Advice>) -> Expression<Fr> {
        self.cells.query_advice(column, Rotation::next())
    }

    pub(crate) fn fixed(&mut self, column: Column<Fixed>) -> Expression<Fr> {
        self.cells.query_fixed(column, Rotation::cur())
    }

    pub(crate) fn instance(&mut self) -> Expression<Fr> {
        self.cells
            .query_instance(self.config.instance, Rotation::cur())
    }

    pub(crate) fn challenge(&mut self, challenge: Challenge) -> Expression<Fr> {
        self.cells.query_challenge(challenge)
    }

    pub(crate) fn w(&mut self) -> [Expression<Fr>; 4] {
        self.config
            .w
            .map(|w| self.cells.query_fixed(w, Rotation::cur()))
    }

    /// G, H, D on this row.
    pub(crate) fn state(&mut self) -> [Expression<Fr>; 3] {
        [self.config.g, self.config.h, self.config.d]
            .map(|c| self.cells.query_advice(c, Rotation::cur()))
    }

    /// G, H, D on the next row.
    pub(crate) fn next_state(&mut self) -> [Expression<Fr>; 3] {
        [self.config.g, self.config.h, self.config.d]
            .map(|c| self.cells.query_advice(c, Rotation::next()))
    }

    /// The bilinear form `w0·A·B + w1·A + w2·B + w3`.
    pub(crate) fn form(&mut self) -> Expression<Fr> {
        let [w0, w1, w2, w3] = self.w();
        let (a, b) = (self.cur(self.config.a), self.cur(self.config.b));
        w0 * a.clone() * b.clone() + w1 * a + w2 * b + w3
    }
}

/// A small constant.
pub(crate) fn constant(c: u64) -> Expression<Fr> {
    Expression::Constant(Fr::from(c))
}

/// What a group's first step multiplies ρ by, so that with its `GROUP` − 1 further steps the group is one step of ρ.
pub(crate) fn group_start() -> Fr {
    let span = Fr::from(2).pow([(GROUP_BITS as usize * (GROUP - 1)) as u64]);
    span.invert().expect("a power of two")
}

/// 2^n as a constant.
pub(crate) fn pow2(n: u32) -> Expression<Fr> {
    Expression::Constant(Fr::from(2).pow([n as u64]))
}

/// Declares one gate: each polynomial times the selector.
pub(crate) fn gate(
    cs: &mut ConstraintSystem<Fr>,
    config: &LayerConfig,
    gate: Gate,
    polys: impl FnOnce(&mut Row<'_, '_>) -> Vec<Expression<Fr>>,
) {
    cs.create_gate(format!("{gate:?}"), |cells| {
        let mut row = Row::new(config, cells);
        let on = row.on(gate);
        polys(&mut row)
            .into_iter()
            .map(|p| on.clone() * p)
            .collect::<Vec<_>>()
    });
}
