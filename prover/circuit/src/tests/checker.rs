//! A fast stand-in for halo2's MockProver: every gate on every used row, every copy, every lookup. A forger may choose
//! phase 0 freely and then follows the protocol: phase 1 is worked out from it under random challenges.

use crate::builder::{Builder, Column as RowColumn, LOGUP_START_ROW};
use crate::gates::LayerConfig;
use crate::layout::{ChallengeValues, Layout};
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use halo2_base::halo2_proofs::plonk::{ConstraintSystem, Expression};
use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;

/// Why an assignment is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Gate { name: String, row: usize },
    Copy { row: u32 },
    Lookup { row: usize },
}

/// The first constraint that the layout breaks.
pub(super) fn check(layout: &Layout, instances: [Fr; 2]) -> Result<(), Refusal> {
    Checker::new().check_from(layout, instances, 0)
}

/// The constraint system, configured once.
pub(super) struct Checker {
    cs: ConstraintSystem<Fr>,
    config: LayerConfig,
    challenges: ChallengeValues,
}

impl Checker {
    pub(super) fn new() -> Self {
        let mut cs = ConstraintSystem::default();
        let config = LayerConfig::configure(&mut cs);
        let mut rng = ChaCha12Rng::seed_from_u64(7);
        let challenges = ChallengeValues {
            rho: Fr::random(&mut rng),
            sigma: Fr::random(&mut rng),
            beta: Fr::random(&mut rng),
            gamma: Fr::random(&mut rng),
        };
        Checker {
            cs,
            config,
            challenges,
        }
    }

    pub(super) fn challenges(&self) -> ChallengeValues {
        self.challenges
    }

    /// The first constraint broken on this row or a later one. Lookups are checked by membership, which is what the
    /// lookup argument proves; that its sums close for honest rows is checked by MockProver and real proofs.
    pub(super) fn check_from(
        &self,
        layout: &Layout,
        instances: [Fr; 2],
        first: usize,
    ) -> Result<(), Refusal> {
        let state = layout.run_state(&self.challenges);
        let table = Table {
            config: &self.config,
            layout,
            state: &state,
            challenges: &self.challenges,
            instances,
        };
        for row in first..layout.rows.len() {
            if row >= LOGUP_START_ROW && !layout.lookups_hold(row, &state[1]) {
                return Err(Refusal::Lookup { row });
            }
            for gate in self.cs.gates().iter().filter(|g| g.name() != "Logup") {
                if gate
                    .polynomials()
                    .iter()
                    .any(|p| table.evaluate(p, row) != Fr::ZERO)
                {
                    return Err(Refusal::Gate {
                        name: gate.name().to_owned(),
                        row,
                    });
                }
            }
        }
        let broken = layout
            .rows
            .copies
            .iter()
            .find(|(x, y)| layout.rows.value(*x) != layout.rows.value(*y));
        broken.map_or(Ok(()), |(x, _)| Err(Refusal::Copy { row: x.row }))
    }
}

struct Table<'a> {
    config: &'a LayerConfig,
    layout: &'a Layout,
    state: &'a [Vec<Fr>; 3],
    challenges: &'a ChallengeValues,
    instances: [Fr; 2],
}

impl Table<'_> {
    fn evaluate(&self, expression: &Expression<Fr>, row: usize) -> Fr {
        expression.evaluate(
            &|constant| constant,
            &|_| unreachable!("no halo2 selectors"),
            &|query| self.fixed(query.column_index(), row),
            &|query| {
                self.advice(
                    query.column_index(),
                    (row as i32 + query.rotation().0) as usize,
                )
            },
            &|_| match row {
                0 | 1 => self.instances[row],
                _ => Fr::ZERO,
            },
            &|challenge| {
                [
                    self.challenges.rho,
                    self.challenges.sigma,
                    self.challenges.beta,
                    self.challenges.gamma,
                ][challenge.index()]
            },
            &|x| -x,
            &|x, y| x + y,
            &|x, y| x * y,
            &|x, c| x * c,
        )
    }

    fn fixed(&self, column: usize, row: usize) -> Fr {
        let rows = &self.layout.rows;
        if let Some(i) = self.config.w.iter().position(|c| c.index() == column) {
            return rows.w[row][i];
        }
        if let Some(i) = self
            .config
            .selectors
            .iter()
            .position(|c| c.index() == column)
        {
            return Fr::from(rows.selectors[row][i] as u64);
        }
        if let Some(i) = self.config.table.iter().position(|c| c.index() == column) {
            return self.layout.table[row][i];
        }
        match column {
            c if c == self.config.tag.index() => Fr::from(rows.tags[row] as u64),
            c if c == self.config.embed.index() => Fr::from(rows.embeds[row] as u64),
            _ => Fr::ONE,
        }
    }

    fn advice(&self, column: usize, row: usize) -> Fr {
        let (rows, c, [g, h, d]) = (&self.layout.rows, self.config, self.state);
        let columns = [
            (c.a, &rows.a),
            (c.b, &rows.b),
            (c.y, &rows.y),
            (c.r, &rows.r),
            (c.e, &rows.e),
            (c.g, g),
            (c.h, h),
            (c.d, d),
        ];
        let found = columns
            .iter()
            .find(|(c, _)| c.index() == column)
            .map(|(_, v)| v.get(row).copied());
        found.flatten().unwrap_or(Fr::ZERO)
    }
}

/// The cells of phase 0, for changing.
pub(super) fn cell_mut(rows: &mut Builder, column: usize, row: usize) -> &mut Fr {
    match column {
        0 => &mut rows.a[row],
        1 => &mut rows.b[row],
        2 => &mut rows.y[row],
        3 => &mut rows.r[row],
        _ => &mut rows.e[row],
    }
}

/// Number of the column in `cell_mut`.
pub(super) fn number(column: RowColumn) -> usize {
    match column {
        RowColumn::A => 0,
        RowColumn::B => 1,
        RowColumn::Y => 2,
    }
}
