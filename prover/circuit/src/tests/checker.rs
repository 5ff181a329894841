//! A fast stand-in for halo2's MockProver: every gate on every used row, every copy, every lookup. A forger may choose
//! phase 0 freely and then follows the protocol: phase 1 is worked out from it under random challenges.

use crate::builder::{Builder, Cell, Column as RowColumn, LOGUP_START_ROW};
use crate::gates::{Gate, LayerConfig};
use crate::layout::{Accumulators, ChallengeValues, Layout};
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use halo2_base::halo2_proofs::plonk::{ConstraintSystem, Expression, Gate as ConstraintGate};
use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use std::ops::Range;

/// G, H, D by row.
pub(super) type State = [Vec<Fr>; 3];

/// Why an assignment is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Gate { name: String, row: usize },
    Copy { row: u32 },
    Lookup { row: usize },
}

/// One thing that does not hold: a polynomial of a gate on a row, a copy, a lookup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    Polynomial {
        gate: String,
        index: usize,
        row: usize,
    },
    Copy {
        row: u32,
    },
    Lookup {
        row: usize,
    },
}

/// The first constraint that the layout breaks.
pub(crate) fn check(layout: &Layout, instances: [Fr; 2]) -> Result<(), Refusal> {
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
        let mut rng = ChaCha12Rng::seed_from_u64(7);
        Self::with_challenges(ChallengeValues {
            rho: Fr::random(&mut rng),
            sigma: Fr::random(&mut rng),
            beta: Fr::random(&mut rng),
            gamma: Fr::random(&mut rng),
        })
    }

    /// For provers who know the challenges beforehand.
    pub(super) fn with_challenges(challenges: ChallengeValues) -> Self {
        let mut cs = ConstraintSystem::default();
        let config = LayerConfig::configure(&mut cs);
        Checker {
            cs,
            config,
            challenges,
        }
    }

    pub(super) fn challenges(&self) -> ChallengeValues {
        self.challenges
    }

    /// The first constraint broken on this row or a later one, then the first broken copy.
    pub(super) fn check_from(
        &self,
        layout: &Layout,
        instances: [Fr; 2],
        first: usize,
    ) -> Result<(), Refusal> {
        let state = layout.run_state(&self.challenges);
        self.check_rows(layout, instances, &state, first..layout.rows.len())?;
        check_copies(&layout.rows)
    }

    /// The first gate or lookup broken on these rows, with this phase 1. Lookups are checked by membership, which is what
    /// the lookup argument proves; that its sums close for honest rows is checked by MockProver and real proofs.
    pub(super) fn check_rows(
        &self,
        layout: &Layout,
        instances: [Fr; 2],
        state: &State,
        rows: Range<usize>,
    ) -> Result<(), Refusal> {
        let table = self.table(layout, instances, state);
        for row in rows {
            if row >= LOGUP_START_ROW && !layout.lookups_hold(row, &state[1]) {
                return Err(Refusal::Lookup { row });
            }
            let gates = self.cs.gates().iter().filter(|g| g.name() != "Logup");
            if let Some(gate) = gates.into_iter().find(|gate| !table.holds(gate, row)) {
                let name = gate.name().to_owned();
                return Err(Refusal::Gate { name, row });
            }
        }
        Ok(())
    }

    /// Every broken gate, copy and lookup of a layout whose phase 1 is honest; that the lookup's sums close is left to
    /// `broken_sums`.
    pub(super) fn every_broken(&self, layout: &Layout, instances: [Fr; 2]) -> Vec<Broken> {
        let state = layout.run_state(&self.challenges);
        let table = self.table(layout, instances, &state);
        let mut found = Vec::new();
        for row in 0..layout.rows.len() {
            let gates = self.cs.gates().iter().filter(|g| g.name() != "Logup");
            gates.for_each(|gate| found.extend(table.broken(gate, row)));
            if row >= LOGUP_START_ROW && !layout.lookups_hold(row, &state[1]) {
                found.push(Broken::Lookup { row });
            }
        }
        let copies = layout.rows.copies.iter();
        let differ = copies.filter(|&&(x, y)| layout.rows.value(x) != layout.rows.value(y));
        found.extend(differ.map(|(x, _)| Broken::Copy { row: x.row }));
        found
    }

    /// The lookup argument with this helper and this running sum, on its first rows up to `end`, and that the sum is 0 at
    /// both ends of all.
    pub(super) fn broken_sums(
        &self,
        layout: &Layout,
        columns: &Accumulators,
        end: usize,
    ) -> Vec<Broken> {
        let state = [&columns.g, &columns.h, &columns.d].map(Clone::clone);
        let mut table = self.table(layout, [Fr::ZERO; 2], &state);
        table.lookups = Some(columns);
        let gates = self.cs.gates().iter();
        let logup: Vec<_> = gates.filter(|g| g.name() == "Logup").collect();
        let rows = LOGUP_START_ROW..end;
        let mut found: Vec<Broken> = rows
            .flat_map(|row| logup.iter().map(move |gate| (gate, row)))
            .flat_map(|(gate, row)| table.broken(gate, row))
            .collect();
        let gates = self.cs.gates().iter();
        let end = gates.filter(|g| g.name() == "LogupEnd");
        let ends = end.flat_map(|gate| [LOGUP_START_ROW, layout.last].map(|row| (gate, row)));
        found.extend(ends.flat_map(|(gate, row)| table.broken(gate, row)));
        found
    }

    /// Names of the gates with the numbers of their polynomials.
    pub(super) fn gates(&self) -> Vec<(String, usize)> {
        let gates = self.cs.gates().iter();
        let named = gates.map(|g| (g.name().to_owned(), g.polynomials().len()));
        named.collect()
    }

    /// Whether one gate holds on a row, whatever the others say.
    pub(super) fn holds(
        &self,
        layout: &Layout,
        instances: [Fr; 2],
        state: &State,
        (gate, row): (Gate, usize),
    ) -> bool {
        let name = format!("{gate:?}");
        let gate = self.cs.gates().iter().find(|g| g.name() == name);
        self.table(layout, instances, state)
            .holds(gate.expect("every gate is named after its code"), row)
    }

    /// What is taken for a cell of a fixed column.
    pub(super) fn fixed(&self, layout: &Layout, column: usize, row: usize) -> Fr {
        let state = State::default();
        let table = self.table(layout, [Fr::ZERO; 2], &state);
        table.fixed(column, row)
    }

    fn table<'a>(&'a self, layout: &'a Layout, instances: [Fr; 2], state: &'a State) -> Table<'a> {
        Table {
            config: &self.config,
            layout,
            state,
            challenges: &self.challenges,
            instances,
            lookups: None,
        }
    }
}

/// A broken polynomial.
pub(super) fn polynomial(gate: &str, index: usize, row: usize) -> Broken {
    let gate = gate.to_owned();
    Broken::Polynomial { gate, index, row }
}

/// The first copy whose cells differ.
pub(super) fn check_copies(rows: &Builder) -> Result<(), Refusal> {
    let differ = |&&(x, y): &&(Cell, Cell)| rows.value(x) != rows.value(y);
    let broken = rows.copies.iter().find(differ);
    broken.map_or(Ok(()), |(x, _)| Err(Refusal::Copy { row: x.row }))
}

struct Table<'a> {
    config: &'a LayerConfig,
    layout: &'a Layout,
    state: &'a State,
    challenges: &'a ChallengeValues,
    instances: [Fr; 2],
    /// Columns of the lookup argument, where it is looked at.
    lookups: Option<&'a Accumulators>,
}

impl Table<'_> {
    fn broken<'a>(
        &'a self,
        gate: &'a ConstraintGate<Fr>,
        row: usize,
    ) -> impl Iterator<Item = Broken> + 'a {
        let polynomials = gate.polynomials().iter().enumerate();
        let not_zero = polynomials.filter(move |(_, p)| self.evaluate(p, row) != Fr::ZERO);
        not_zero.map(move |(index, _)| polynomial(gate.name(), index, row))
    }

    fn holds(&self, gate: &ConstraintGate<Fr>, row: usize) -> bool {
        let zero = |p: &Expression<Fr>| self.evaluate(p, row) == Fr::ZERO;
        gate.polynomials().iter().all(zero)
    }

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
            return rows.w.get(row).map_or(Fr::ZERO, |w| w[i]);
        }
        if let Some(i) = self
            .config
            .selectors
            .iter()
            .position(|c| c.index() == column)
        {
            return Fr::from(u64::from(self.layout.code(row)[i]));
        }
        if let Some(i) = self.config.table.iter().position(|c| c.index() == column) {
            return self.layout.table.get(row).map_or(Fr::ZERO, |t| t[i]);
        }
        match column == self.config.tag.index() {
            true => small(&rows.tags, row),
            false => small(&rows.embeds, row),
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
        found
            .unwrap_or_else(|| self.lookup_column(column, row))
            .unwrap_or(Fr::ZERO)
    }

    fn lookup_column(&self, column: usize, row: usize) -> Option<Fr> {
        let lookups = self.lookups?;
        match column {
            c if c == self.config.m.index() => Some(small(&self.layout.multiplicities, row)),
            c if c == self.config.helper.index() => lookups.helper.get(row).copied(),
            _ => lookups.sum.get(row).copied(),
        }
    }
}

/// A small number of a column, 0 beyond its end.
fn small(column: &[u32], row: usize) -> Fr {
    column
        .get(row)
        .map_or(Fr::ZERO, |&v| Fr::from(u64::from(v)))
}

/// The columns of phase 0.
pub(super) fn columns(rows: &Builder) -> [&Vec<Fr>; 5] {
    [&rows.a, &rows.b, &rows.y, &rows.r, &rows.e]
}

/// The same, for changing.
pub(super) fn columns_mut(rows: &mut Builder) -> [&mut Vec<Fr>; 5] {
    [
        &mut rows.a,
        &mut rows.b,
        &mut rows.y,
        &mut rows.r,
        &mut rows.e,
    ]
}

/// One cell of phase 0.
pub(super) fn cell_mut(rows: &mut Builder, column: usize, row: usize) -> &mut Fr {
    &mut columns_mut(rows)[column][row]
}

/// Number of the column in `columns`.
pub(super) fn number(column: RowColumn) -> usize {
    match column {
        RowColumn::A => 0,
        RowColumn::B => 1,
        RowColumn::Y => 2,
    }
}

/// Whether a gate is switched on.
pub(super) fn is_on(rows: &Builder, row: usize, gate: Gate) -> bool {
    rows.gates[row].has(gate)
}

/// Whether one of these gates is switched on.
pub(super) fn any_on(rows: &Builder, row: usize, gates: &[Gate]) -> bool {
    gates.iter().any(|&gate| is_on(rows, row, gate))
}
