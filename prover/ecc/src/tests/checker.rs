//! A fast stand-in for MockProver: every gate on every block, every copy, what the lookups prove. A forger chooses phase 0
//! freely and then follows the protocol: phase 1 is worked out from it under random challenges.

use super::rng;
use crate::{
    Challenges, EccConfig, Layout, Position, Width, Witness, gates::LookupGroups,
    witness::fractions,
};
use halo2_base::halo2_proofs::{
    halo2curves::{bn256::Fr, ff::Field},
    plonk::{ConstraintSystem, Expression, Gate},
};
use rayon::prelude::*;
use std::collections::HashSet;

/// The constraint system of a width, perhaps with one family of constraints left out.
pub(super) struct Checker {
    cs: ConstraintSystem<Fr>,
    config: EccConfig,
    challenges: Challenges<Fr>,
    skipped: Vec<&'static str>,
}

impl Checker {
    pub(super) fn new(width: Width) -> Self {
        Self::without(width, &[])
    }

    pub(super) fn without(width: Width, skipped: &[&'static str]) -> Self {
        let mut cs = ConstraintSystem::default();
        let config = EccConfig::configure_some(&mut cs, width, &|name| !skipped.contains(&name));
        let mut rng = rng(7);
        let challenges = Challenges {
            beta: Fr::random(&mut rng),
            alpha: Fr::random(&mut rng),
            gamma: Fr::random(&mut rng),
        };
        Checker {
            cs,
            config,
            challenges,
            skipped: skipped.to_vec(),
        }
    }

    /// The names of all constraints and copies.
    pub(super) fn names(&self, layout: &Layout) -> HashSet<String> {
        let gates = self.cs.gates().iter();
        let of_gate = |gate: &Gate<Fr>| -> Vec<String> {
            let numbers = 0..gate.polynomials().len();
            numbers
                .map(|i| gate.constraint_name(i).to_owned())
                .collect()
        };
        let copies = layout.copies.iter().map(|copied| copied.name.to_owned());
        gates.flat_map(of_gate).chain(copies).collect()
    }

    /// The names of the constraints that refuse, without repetition. `outer` are the caller's copies.
    pub(super) fn refusals(
        &self,
        layout: &Layout,
        witness: &Witness,
        outer: &[(Position, Fr)],
    ) -> Vec<String> {
        let all = 0..layout.blocks.len();
        self.refusals_at(layout, witness, outer, all, None)
    }

    /// The same, with gates on some blocks only. A prover that lies in phase 1 changes the fraction of block `closing` so
    /// that the sum closes.
    pub(super) fn refusals_at(
        &self,
        layout: &Layout,
        witness: &Witness,
        outer: &[(Position, Fr)],
        blocks: std::ops::Range<usize>,
        closing: Option<usize>,
    ) -> Vec<String> {
        let mut fraction = fractions(layout, witness, &self.challenges);
        if let Some(block) = closing {
            let sum: Fr = fraction.iter().sum();
            fraction[block * layout.params().width.rows()] -= sum;
        }
        let table = Table {
            checker: self,
            layout,
            witness,
            fraction: &fraction,
        };
        let mut names: Vec<String> = blocks
            .into_par_iter()
            .flat_map_iter(|block| table.broken(block))
            .collect();
        let value = |at: Position| witness.plain[at.column][at.row];
        for copied in &layout.copies {
            let [from, to] = [copied.from, copied.to].map(|at| value(layout.position(at)));
            if from != to {
                names.push(copied.name.to_owned());
            }
        }
        if outer.iter().any(|(at, expected)| value(*at) != *expected) {
            names.push("outer".to_owned());
        }
        let closes = fraction.iter().sum::<Fr>() == Fr::ZERO && pieces_close(layout, witness);
        if !closes {
            names.push("logup.edge".to_owned());
        }
        names.sort();
        names.dedup();
        names.retain(|name| !self.skipped.contains(&name.as_str()));
        names
    }
}

/// What the lookups of pieces prove: each is in the table, as often as the multiplicities say.
fn pieces_close(layout: &Layout, witness: &Witness) -> bool {
    let mut counted = witness.clone();
    counted.count(layout);
    let groups = LookupGroups::new(layout.params().width);
    let in_range = groups.all().all(|lookup| {
        let factor = if lookup.doubled { 2 } else { 1 };
        let column = witness.range[lookup.column].iter();
        column
            .into_iter()
            .all(|piece| *piece as u64 * factor < 1 << 17)
    });
    in_range && counted.multiplicities == witness.multiplicities
}

struct Table<'a> {
    checker: &'a Checker,
    layout: &'a Layout,
    witness: &'a Witness,
    fraction: &'a [Fr],
}

impl Table<'_> {
    /// Constraints broken on the first row of a block. (On other rows all codes are 0, and phase 1 follows the gates.)
    fn broken(&self, block: usize) -> Vec<String> {
        let row = (block * self.checker.config.width.rows()) as i64;
        let gates = self.checker.cs.gates().iter();
        let mut names = vec![];
        for gate in gates.filter(|gate| gate.name() != "logup") {
            for (i, polynomial) in gate.polynomials().iter().enumerate() {
                if self.evaluate(polynomial, row) != Fr::ZERO {
                    names.push(gate.constraint_name(i).to_owned());
                }
            }
        }
        names
    }

    /// Products stop at a zero, so gates that are off cost little.
    fn evaluate(&self, expression: &Expression<Fr>, row: i64) -> Fr {
        use Expression::*;
        let challenges = &self.checker.challenges;
        match expression {
            Constant(value) => *value,
            Fixed(query) => self.fixed(query.column_index(), row + query.rotation().0 as i64),
            Advice(query) => self.advice(query.column_index(), row + query.rotation().0 as i64),
            Challenge(challenge) => {
                [challenges.beta, challenges.alpha, challenges.gamma][challenge.index()]
            }
            Negated(a) => -self.evaluate(a, row),
            Sum(a, b) => self.evaluate(a, row) + self.evaluate(b, row),
            Product(a, b) => match self.evaluate(a, row) {
                zero if zero == Fr::ZERO => zero,
                a => a * self.evaluate(b, row),
            },
            Scaled(a, factor) => self.evaluate(a, row) * factor,
            Selector(_) | Instance(_) => unreachable!("the chip has none"),
        }
    }

    fn fixed(&self, column: usize, row: i64) -> Fr {
        let config = &self.checker.config;
        if column == config.active.index() {
            return Fr::from((row >= 0) as u64);
        }
        let (block, row) = (
            row as usize / config.width.rows(),
            row as usize % config.width.rows(),
        );
        let block = &self.layout.blocks[block];
        let columns = [config.flow, config.relation, config.role];
        match columns.iter().position(|c| c.index() == column) {
            Some(i) if row == 0 => Fr::from(block.kind.codes()[i]),
            None if column == config.data.index() && row == 0 => Fr::from(block.table),
            None if column == config.data.index() && row == 1 => block.value(),
            _ => Fr::ZERO,
        }
    }

    fn advice(&self, column: usize, row: i64) -> Fr {
        let config = &self.checker.config;
        let row = row as usize;
        let (range, plain) = (config.range.len(), config.plain.len());
        // Columns are declared in this order, from 0.
        let value = match column {
            c if c < range => self.witness.range[c].get(row).map(|v| Fr::from(*v as u64)),
            c if c < range + plain => self.witness.plain[c - range].get(row).copied(),
            c if c == config.fraction.index() => self.fraction.get(row).copied(),
            _ => unreachable!("read by logup only"),
        };
        value.unwrap_or(Fr::ZERO)
    }
}
