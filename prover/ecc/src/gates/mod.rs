//! The constraint system: columns, selectors, and how gates read blocks. One file a family of gates, each gate with its
//! card.
//!
//! | columns | how many | phase | what |
//! |---|---|---|---|
//! | `range` | width | 0 | pieces of 17 bits, in the last ones of 16 |
//! | `plain` | 12/rows a block | 0 | plain cells; those with points, scalars in the permutation |
//! | `multiplicity` | 1 | 0 | how often row i of the range table is looked up |
//! | `helpers` | (lookups − 2)/3 | 1 | sums of fractions |
//! | `fraction` | 1 | 1 | the fraction of a block's entry |
//! | `sum` | 1 | 1 | running sum of all fractions |
//! | `table`, `active` | 2 | fixed | the numbers below 2^17; 1 where lookups count |
//! | `flow`, `relation`, `role` | 3 | fixed | codes 0–3 on the first row of a block, 0 elsewhere |
//! | `data` | 1 | fixed | first row of a block: table number; second: its value |
//!
//! **Selectors.** Three columns of four codes instead of a column for each of the eleven sets of blocks that a gate is on
//! for. A product over three other codes has degree 3 and leaves 2 for the gate, which is what products of numbers need;
//! so all gates have degree ≤ 5 (four quotient chunks). Two columns of more codes would need degree above 5; a code column
//! with all twelve kinds 12.

mod cells;
mod check;
mod curve;
mod logup;
mod materialise;
mod step;
mod table;

use crate::{
    EccError, Position,
    integer::Int,
    limbs::Ring,
    params::{EccParams, Width},
};
use cells::Cells;
use halo2_base::halo2_proofs::{
    circuit::{Cell, Region},
    halo2curves::bn256::Fr,
    plonk::{
        Advice, Challenge, Column, ConstraintSystem, Expression, FirstPhase, Fixed, SecondPhase,
    },
};

pub(crate) use logup::{Lookup, LookupGroups};
pub(crate) use materialise::point_words;

/// Degree of the gates.
#[cfg(test)]
pub(crate) const DEGREE: usize = 5;

/// Columns and challenges of the chip.
#[derive(Clone, Debug)]
pub struct EccConfig {
    pub(crate) width: Width,
    pub(crate) range: Vec<Column<Advice>>,
    pub(crate) plain: Vec<Column<Advice>>,
    pub(crate) multiplicity: Column<Advice>,
    pub(crate) helpers: Vec<Column<Advice>>,
    pub(crate) fraction: Column<Advice>,
    pub(crate) sum: Column<Advice>,
    pub(crate) table: Column<Fixed>,
    pub(crate) active: Column<Fixed>,
    pub(crate) flow: Column<Fixed>,
    pub(crate) relation: Column<Fixed>,
    pub(crate) role: Column<Fixed>,
    pub(crate) data: Column<Fixed>,
    pub(crate) challenges: Challenges<Challenge>,
}

/// What is drawn after phase 0. Everything that phase 1 is computed from is committed by then: all range-checked pieces,
/// all plain cells, all multiplicities and weights.
///
/// Error of the lookups: at most (number of fractions)/r < 2^28/2^253 for `beta`, the same for `alpha`, and
/// 7·(pairs of tuples)/r < 2^44/2^253 for `gamma`, at k = 22 and the largest width; less below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenges<T> {
    /// Lookups of pieces.
    pub beta: T,
    /// Lookups of table entries.
    pub alpha: T,
    /// Compresses an entry.
    pub gamma: T,
}

impl EccConfig {
    /// Declares columns, challenges and gates. They depend on the width only.
    pub fn configure(
        meta: &mut ConstraintSystem<Fr>,
        params: &EccParams,
    ) -> Result<Self, EccError> {
        params.check()?;
        Ok(Self::configure_some(meta, params.width, &|_| true))
    }

    /// Declares those constraints that `keep` names. Tests leave one out to see what it is for.
    pub(crate) fn configure_some(
        meta: &mut ConstraintSystem<Fr>,
        width: Width,
        keep: &dyn Fn(&str) -> bool,
    ) -> Self {
        let config = Self::columns(meta, width);
        for column in width.copied_columns() {
            meta.enable_equality(config.plain[column]);
        }
        let mut gates = Gates {
            meta,
            config: &config,
            keep,
        };
        step::configure(&mut gates);
        curve::configure(&mut gates);
        materialise::configure(&mut gates);
        table::configure(&mut gates);
        logup::configure(&mut gates);
        config
    }

    fn columns(meta: &mut ConstraintSystem<Fr>, width: Width) -> Self {
        let mut first = |n: usize| (0..n).map(|_| meta.advice_column_in(FirstPhase)).collect();
        let (range, plain): (Vec<_>, Vec<_>) =
            (first(width.columns()), first(width.plain_columns()));
        let multiplicity = meta.advice_column_in(FirstPhase);
        let mut challenge = || meta.challenge_usable_after(FirstPhase);
        let challenges = Challenges {
            beta: challenge(),
            alpha: challenge(),
            gamma: challenge(),
        };
        let groups = LookupGroups::new(width);
        let mut second = || meta.advice_column_in(SecondPhase);
        let helpers = groups.helpers.iter().map(|_| second()).collect();
        let [fraction, sum] = [second(), second()];
        let [table, active, flow, relation, role, data] = [(); 6].map(|()| meta.fixed_column());
        EccConfig {
            width,
            range,
            plain,
            multiplicity,
            helpers,
            fraction,
            sum,
            table,
            active,
            flow,
            relation,
            role,
            data,
            challenges,
        }
    }

    /// The cell at a position, to copy from or to.
    pub fn cell(&self, at: Position) -> Cell {
        Cell {
            row_offset: at.row,
            column: self.plain[at.column].into(),
        }
    }

    /// The challenges' values, once they are drawn.
    pub fn challenge_values(&self, region: &Region<'_, Fr>) -> Option<Challenges<Fr>> {
        let get = |challenge| {
            let mut found = None;
            region
                .get_challenge(challenge)
                .map(|value| found = Some(value));
            found
        };
        Some(Challenges {
            beta: get(self.challenges.beta)?,
            alpha: get(self.challenges.alpha)?,
            gamma: get(self.challenges.gamma)?,
        })
    }
}

/// An expression.
pub(crate) type Ex = Expression<Fr>;
/// A polynomial that is to vanish, with its name.
pub(crate) type Named = (&'static str, Ex);

/// Declares gates.
pub(crate) struct Gates<'a> {
    meta: &'a mut ConstraintSystem<Fr>,
    config: &'a EccConfig,
    keep: &'a dyn Fn(&str) -> bool,
}

impl Gates<'_> {
    pub(crate) fn gate(
        &mut self,
        name: &'static str,
        polynomials: impl FnOnce(&mut Cells<'_, '_>) -> Vec<Named>,
    ) {
        let (config, keep) = (self.config, self.keep);
        self.meta.create_gate(name, |meta| {
            let mut kept = polynomials(&mut Cells { config, meta });
            kept.retain(|(name, _)| keep(name));
            if kept.is_empty() {
                // halo2 refuses a gate without constraints.
                kept.push(("nothing", constant(0)));
            }
            kept
        });
    }
}

/// A small constant.
pub(crate) fn constant(value: u64) -> Ex {
    Ex::constant(Int::small(value))
}
