//! Lies in phase 1: sums that are forged where pieces are not in the table. `logup`'s gates on single rows.

use super::{Forger, WIDTH};
use crate::{Challenges, EccConfig, gates::LookupGroups, tests::rng, witness::Phase1};
use halo2_base::halo2_proofs::{
    halo2curves::{bn256::Fr, ff::Field},
    plonk::{ConstraintSystem, Expression},
};

/// A row of the lookup argument.
struct Row<'a> {
    config: &'a EccConfig,
    challenges: [Fr; 3],
    active: [Fr; 2],
    table: Fr,
    pieces: Vec<Fr>,
    multiplicity: Fr,
    helpers: Vec<Fr>,
    fraction: Fr,
    sum: [Fr; 2],
}

impl Row<'_> {
    fn advice(&self, column: usize, rotation: i32) -> Fr {
        let config = self.config;
        if let Some(i) = config.range.iter().position(|c| c.index() == column) {
            return self.pieces[i];
        }
        if let Some(i) = config.helpers.iter().position(|c| c.index() == column) {
            return self.helpers[i];
        }
        match column {
            c if c == config.sum.index() => self.sum[rotation as usize],
            c if c == config.fraction.index() => self.fraction,
            _ => self.multiplicity,
        }
    }

    fn evaluate(&self, expression: &Expression<Fr>) -> Fr {
        expression.evaluate(
            &|constant| constant,
            &|_| unreachable!("no selectors"),
            &|query| match query.column_index() == self.config.active.index() {
                true => self.active[(query.rotation().0 + 1) as usize],
                false => self.table,
            },
            &|query| self.advice(query.column_index(), query.rotation().0),
            &|_| unreachable!("no instances"),
            &|challenge| self.challenges[challenge.index()],
            &|x| -x,
            &|x, y| x + y,
            &|x, y| x * y,
            &|x, c| x * c,
        )
    }

    fn broken(&self, cs: &ConstraintSystem<Fr>) -> Vec<String> {
        let gate = cs
            .gates()
            .iter()
            .find(|gate| gate.name() == "logup")
            .unwrap();
        let polynomials = gate.polynomials().iter().enumerate();
        polynomials
            .filter(|(_, p)| self.evaluate(p) != Fr::ZERO)
            .map(|(i, _)| gate.constraint_name(i).to_owned())
            .collect()
    }
}

#[test]
fn helpers_and_sums_cannot_be_forged() {
    let mut cs = ConstraintSystem::default();
    let config = EccConfig::configure_some(&mut cs, WIDTH, &|_| true);
    let random = || Fr::random(rng(17));
    let challenges = Challenges {
        beta: random(),
        alpha: Fr::from(3),
        gamma: Fr::from(5),
    };
    let forger = Forger::random(1);
    let witness = forger.follow();
    let phase1 = Phase1::new(&forger.layout, &witness, &challenges);
    assert_eq!(phase1.sum.last(), Some(&Fr::ZERO));
    assert_eq!(LookupGroups::new(WIDTH).helpers.len(), config.helpers.len());
    let row_at = |row: usize| Row {
        config: &config,
        challenges: [challenges.beta, challenges.alpha, challenges.gamma],
        active: [Fr::from((row > 0) as u64), Fr::ONE],
        table: Fr::from(row as u64),
        pieces: witness
            .range
            .iter()
            .map(|c| Fr::from(c[row] as u64))
            .collect(),
        multiplicity: Fr::from(witness.multiplicities[row] as u64),
        helpers: phase1.helpers.iter().map(|h| h[row]).collect(),
        fraction: phase1.fraction[row],
        sum: [phase1.sum[row], phase1.sum[row + 1]],
    };
    for row in [0, 1, 32, 1000] {
        assert!(row_at(row).broken(&cs).is_empty());
        let mut forged = row_at(row);
        forged.helpers[0] += Fr::ONE;
        forged.sum[1] += Fr::ONE;
        assert_eq!(forged.broken(&cs), ["logup.helper"]);
        let mut forged = row_at(row);
        forged.sum[1] += Fr::ONE;
        assert_eq!(forged.broken(&cs), ["logup.sum"]);
        let mut forged = row_at(row);
        forged.multiplicity += Fr::ONE;
        assert_eq!(forged.broken(&cs), ["logup.sum"]);
    }
    // The sum starts at 0.
    let mut forged = row_at(0);
    forged.sum = forged.sum.map(|s| s + Fr::ONE);
    assert_eq!(forged.broken(&cs), ["logup.edge"]);
}
