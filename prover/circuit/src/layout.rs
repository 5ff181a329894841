//! From built rows to columns of a domain: places the lookup table, counts multiplicities, and (when the challenges
//! are known) runs the accumulators and the lookup argument.

use crate::CircuitError;
use crate::builder::{Builder, LOGUP_START_ROW};
use crate::field::fr;
use crate::gates::{
    ACC_OFFSET_LOG2, Code, DEAD_TAG, EMBED_TAG, ENDS, GROUP_BITS, Gate, group_start,
};
use crate::poseidon::parameters;
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::{BatchInvert, Field};
use halocast_ir::{ACT_OFFSET, FUNC_SIZE, Op, OpKind, Program, TableId};
use std::collections::{HashMap, HashSet};

/// Entries of the range table.
const RANGE: usize = 1 << 16;
/// Rows at the end of a domain that blind it, one more than the blinding factors.
pub(crate) const UNUSABLE_ROWS: usize = 6;

/// The four challenges.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChallengeValues {
    pub(crate) rho: Fr,
    pub(crate) sigma: Fr,
    pub(crate) beta: Fr,
    pub(crate) gamma: Fr,
}

/// Rows with their table.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) rows: Builder,
    /// The lookup argument is active from `LOGUP_START_ROW` up to this row; S is 0 on both.
    pub(crate) last: usize,
    /// (argument, result, 1 + tag) by row; zeros before the lookup argument starts.
    pub(crate) table: Vec<[Fr; 3]>,
    pub(crate) multiplicities: Vec<u32>,
    index: TableIndex,
    group_start: Fr,
}

/// Where a tuple stands in the table.
#[derive(Debug, Default)]
struct TableIndex {
    range: Vec<u32>,
    /// By tag − 1, then by argument.
    functions: Vec<Vec<u32>>,
    embeds: HashMap<(u32, u32), u32>,
}

/// The phase-1 columns.
#[derive(Debug)]
pub(crate) struct Accumulators {
    pub(crate) g: Vec<Fr>,
    pub(crate) h: Vec<Fr>,
    pub(crate) d: Vec<Fr>,
    pub(crate) helper: Vec<Fr>,
    pub(crate) sum: Vec<Fr>,
}

/// Table rows that a segment needs.
pub(crate) fn table_len(rows: &Builder) -> usize {
    let embeds = rows.embeds.iter().filter(|&&e| e != 0).count();
    LOGUP_START_ROW + RANGE + rows.tables.len() * FUNC_SIZE + embeds
}

/// Table rows of runs of ops, without building them.
#[derive(Debug)]
pub(crate) struct TableCounter {
    functions: Vec<Option<TableId>>,
    embeds: Vec<usize>,
}

impl TableCounter {
    pub(crate) fn new(program: &Program) -> Self {
        let function = |op: &Op| match op.kind {
            OpKind::Lookup { table, .. } => Some(table),
            OpKind::Softmax { exp, .. } => Some(exp),
            _ => None,
        };
        let embeds = |op: &Op| match &op.kind {
            OpKind::Gather { ids, table, .. } => table.rows + program.tensor(*ids).len(),
            _ => 0,
        };
        TableCounter {
            functions: program.ops.iter().map(function).collect(),
            embeds: program.ops.iter().map(embeds).collect(),
        }
    }

    /// Table rows of a segment of these ops.
    pub(crate) fn rows(&self, from: usize, to: usize) -> usize {
        let tables: HashSet<TableId> = self.functions[from..to].iter().copied().flatten().collect();
        LOGUP_START_ROW
            + RANGE
            + tables.len() * FUNC_SIZE
            + self.embeds[from..to].iter().sum::<usize>()
    }
}

/// The smallest k that holds the rows.
pub(crate) fn domain_for(rows: &Builder) -> u32 {
    let need = rows.len().max(table_len(rows)) + UNUSABLE_ROWS + 1;
    need.next_power_of_two().trailing_zeros()
}

impl Accumulators {
    /// The columns in their order.
    pub(crate) fn columns(self) -> Vec<Vec<Fr>> {
        vec![self.g, self.h, self.d, self.helper, self.sum]
    }
}

impl Layout {
    /// Places the table in a domain of size 2^k.
    pub(crate) fn new(
        rows: Builder,
        program: &Program,
        name: &str,
        k: u32,
    ) -> Result<Self, CircuitError> {
        let usable = (1usize << k).saturating_sub(UNUSABLE_ROWS);
        if rows.len().max(table_len(&rows)) >= usable {
            let (rows, table) = (rows.len(), table_len(&rows));
            return Err(CircuitError::TooManyRows {
                segment: name.to_owned(),
                rows,
                table,
                k,
                usable,
            });
        }
        check_gates(&rows, name)?;
        let mut layout = Layout {
            last: usable - 1,
            table: Vec::new(),
            multiplicities: Vec::new(),
            index: TableIndex::default(),
            group_start: group_start(),
            rows,
        };
        layout.place_table(program);
        if layout.rows.witness {
            layout.count_multiplicities();
        }
        Ok(layout)
    }

    fn place_table(&mut self, program: &Program) {
        let entry =
            |argument: u64, result: Fr, tag: u64| [argument.into(), result, (1 + tag).into()];
        self.table = vec![entry(0, Fr::ZERO, 0); self.last];
        self.table[..LOGUP_START_ROW].fill([Fr::ZERO; 3]);
        for (entry_at, &embed) in self.table.iter_mut().zip(&self.rows.embeds) {
            if embed != 0 {
                *entry_at = entry(0, Fr::ZERO, DEAD_TAG);
            }
        }
        for &(row, argument) in &self.rows.embed_entries {
            self.table[row as usize] = entry(argument.into(), Fr::ZERO, 0);
            self.index
                .embeds
                .insert((self.rows.embeds[row as usize], argument), row);
        }
        let embeds = &self.rows.embeds;
        let mut free =
            (LOGUP_START_ROW..self.last).filter(|&row| embeds.get(row).is_none_or(|&e| e == 0));
        let mut place = |table: &mut [[Fr; 3]], entry: [Fr; 3]| {
            let row = free.next().expect("checked: the table fits");
            table[row] = entry;
            row as u32
        };
        self.index.range = (0..RANGE)
            .map(|x| place(&mut self.table, entry(x as u64, Fr::ZERO, 0)))
            .collect();
        for (i, id) in self.rows.tables.iter().enumerate() {
            let tag = i as u64 + 1;
            let values = program.tables[id.0 as usize].values.iter().enumerate();
            let rows = values.map(|(x, &value)| {
                let result = Fr::from((value as i64 + ACT_OFFSET) as u64);
                place(
                    &mut self.table,
                    entry(x as u64, Fr::from(tag) * result, tag),
                )
            });
            self.index.functions.push(rows.collect());
        }
    }

    /// Table row of the tuple that Y looks up, if it is in the table.
    fn looked_up(&self, row: usize) -> Option<u32> {
        let (tag, embed) = (self.tag(row), self.embed(row));
        let y = small(self.y(row))?;
        match (tag, embed) {
            (0, 0) => self.index.range.get(y as usize).copied(),
            (0, embed) => self.index.embeds.get(&(embed, y)).copied(),
            (tag, _) => {
                let entry = *self.index.functions[tag as usize - 1].get(y as usize)?;
                let result = self.rows.a.get(row + 1).copied().unwrap_or(Fr::ZERO);
                (self.table[entry as usize][1] == Fr::from(tag as u64) * result).then_some(entry)
            }
        }
    }

    /// Whether all three lookups of a row name a table row, given the column H (for the fingerprints of embeddings).
    #[cfg(test)]
    pub(crate) fn lookups_hold(&self, row: usize, h: &[Fr]) -> bool {
        let limbs = [self.rows.r[row], self.rows.e[row]];
        let named = |entry: u32| self.embed(row) == 0 || h[row] == h[entry as usize];
        self.looked_up(row).is_some_and(named)
            && limbs.into_iter().all(|v| self.in_range(v).is_some())
    }

    fn in_range(&self, value: Fr) -> Option<u32> {
        self.index.range.get(small(value)? as usize).copied()
    }

    fn y(&self, row: usize) -> Fr {
        self.rows.y.get(row).copied().unwrap_or(Fr::ZERO)
    }

    fn tag(&self, row: usize) -> u32 {
        self.rows.tags.get(row).copied().unwrap_or(0)
    }

    fn embed(&self, row: usize) -> u32 {
        self.rows.embeds.get(row).copied().unwrap_or(0)
    }

    /// Counts how often each table row is looked up. What is not in the table counts nowhere: such a proof fails.
    pub(crate) fn count_multiplicities(&mut self) {
        let mut counts = vec![0u32; self.last];
        let idle = self.last - self.rows.len();
        counts[self.index.range[0] as usize] += 3 * idle as u32;
        for row in LOGUP_START_ROW..self.rows.len() {
            let (r, e) = (self.rows.r[row], self.rows.e[row]);
            for entry in [self.looked_up(row), self.in_range(r), self.in_range(e)]
                .into_iter()
                .flatten()
            {
                counts[entry as usize] += 1;
            }
        }
        self.multiplicities = counts;
    }

    /// The phase-1 columns for these challenges.
    pub(crate) fn accumulate(&self, challenges: &ChallengeValues) -> Accumulators {
        let [g, h, d] = self.run_state(challenges);
        let (helper, sum) = self.run_lookups(challenges, &h);
        Accumulators {
            g,
            h,
            d,
            helper,
            sum,
        }
    }

    /// G, H, D on the used rows and the one after them.
    pub(crate) fn run_state(&self, challenges: &ChallengeValues) -> [Vec<Fr>; 3] {
        self.run_state_from(challenges, |_, _| [Fr::ZERO; 3])
    }

    /// The same, but `start` says what stands on a row with `clear`, given the row and what the row before leads to.
    pub(crate) fn run_state_from(
        &self,
        challenges: &ChallengeValues,
        start: impl Fn(usize, [Fr; 3]) -> [Fr; 3],
    ) -> [Vec<Fr>; 3] {
        let mut columns = [(); 3].map(|()| vec![Fr::ZERO; self.rows.len() + 1]);
        let mut state = [Fr::ZERO; 3];
        for row in 0..self.rows.len() {
            if self.is_on(row, Gate::Clear) {
                state = start(row, state);
            }
            for (column, value) in columns.iter_mut().zip(state) {
                column[row] = value;
            }
            state = self.step(row, state, challenges);
        }
        for (column, value) in columns.iter_mut().zip(state) {
            column[self.rows.len()] = value;
        }
        columns
    }

    fn is_on(&self, row: usize, gate: Gate) -> bool {
        self.rows.gates[row].has(gate)
    }

    /// What the selector columns hold.
    pub(crate) fn code(&self, row: usize) -> Code {
        let gates = match row == self.last {
            true => ENDS,
            false => self.rows.gates.get(row).copied().unwrap_or_default(),
        };
        gates.code().expect("checked: there are such rows")
    }

    /// G, H, D of the next row, as the gates on this row say (zeros where none says anything).
    fn step(&self, row: usize, [g, h, d]: [Fr; 3], c: &ChallengeValues) -> [Fr; 3] {
        let [w0, w1, w2, w3] = self.rows.w[row];
        let (a, b) = (self.rows.a[row], self.rows.b[row]);
        let offset = Fr::from(ACT_OFFSET as u64);
        let fifth = |x: Fr| x * x.square().square();
        if self.is_on(row, Gate::Reduce) {
            [Fr::ZERO, Fr::ZERO, d + self.rows.form(row)]
        } else if self.is_on(row, Gate::StepResult) {
            [Fr::ZERO, h * c.rho + b - fr(1 << ACC_OFFSET_LOG2), d]
        } else if self.is_on(row, Gate::GroupStart) {
            let factor = c.rho * self.group_start;
            [Fr::ZERO, h * factor + b - fr(1 << ACC_OFFSET_LOG2), d]
        } else if self.is_on(row, Gate::GroupStep) {
            let factor = fr(1 << GROUP_BITS);
            [Fr::ZERO, h * factor + b - fr(1 << ACC_OFFSET_LOG2), d]
        } else if self.is_on(row, Gate::ResultEnd) {
            [Fr::ZERO, Fr::ZERO, d * c.sigma + h]
        } else if self.is_on(row, Gate::StepWeights) {
            let g = (g * c.sigma + a - offset) * c.sigma + b - offset;
            [
                g,
                [w0, w1, w2, w3].into_iter().fold(h, |h, w| h * c.rho + w),
                d,
            ]
        } else if self.is_on(row, Gate::StepActs) {
            [g * c.sigma + w0 * a + w1, h * c.rho + w2 * b + w3, d]
        } else if self.is_on(row, Gate::MulEnd) {
            [Fr::ZERO, Fr::ZERO, d - g * h]
        } else if self.is_on(row, Gate::Absorb) {
            [g, h + w2 * b + w1, d + w3 * a + w0]
        } else if self.is_on(row, Gate::Sbox2) {
            [g + w0, fifth(h + w2), fifth(d + w1)]
        } else if self.is_on(row, Gate::Partial) {
            let mixed = [fifth(g + w0), d + w1, h + w2];
            let dot = |row: [Fr; 3]| row.iter().zip(&mixed).map(|(m, s)| m * s).sum::<Fr>();
            let [s0, s1, s2] = parameters().mds.map(dot);
            [s0, s2, s1]
        } else {
            [Fr::ZERO; 3]
        }
    }

    fn run_lookups(&self, c: &ChallengeValues, h: &[Fr]) -> (Vec<Fr>, Vec<Fr>) {
        let gamma2 = c.gamma.square();
        let mut table: Vec<Fr> = (0..self.last)
            .map(|row| {
                let [t0, t1, t2] = self.table[row];
                let embed = Fr::from(self.embed(row) as u64);
                let h = h.get(row).copied().unwrap_or(Fr::ZERO);
                c.beta
                    - t0
                    - c.gamma * (t1 + embed * h)
                    - gamma2 * (t2 - Fr::ONE + embed * Fr::from(EMBED_TAG))
            })
            .collect();
        table.batch_invert();
        let range = |value: Fr| match self.in_range(value) {
            Some(entry) => table[entry as usize],
            None => invert(c.beta - value),
        };
        let mut helper = vec![Fr::ZERO; self.last + 1];
        let mut sum = vec![Fr::ZERO; self.last + 1];
        for row in LOGUP_START_ROW..self.last {
            let (r, e) = match row < self.rows.len() {
                true => (range(self.rows.r[row]), range(self.rows.e[row])),
                false => (
                    table[self.index.range[0] as usize],
                    table[self.index.range[0] as usize],
                ),
            };
            let y = match self.looked_up(row) {
                Some(entry) => table[entry as usize],
                None => invert(c.beta - self.tuple(row, c, h)),
            };
            helper[row] = y + e;
            let offered = match self.multiplicities[row] {
                0 => Fr::ZERO,
                m => Fr::from(m as u64) * table[row],
            };
            sum[row + 1] = sum[row] + helper[row] + r - offered;
        }
        (helper, sum)
    }

    /// The compressed tuple that Y looks up.
    fn tuple(&self, row: usize, c: &ChallengeValues, h: &[Fr]) -> Fr {
        let (tag, embed) = (
            Fr::from(self.tag(row) as u64),
            Fr::from(self.embed(row) as u64),
        );
        let result = self.rows.a.get(row + 1).copied().unwrap_or(Fr::ZERO);
        self.y(row)
            + c.gamma * (tag * result + embed * h.get(row).copied().unwrap_or(Fr::ZERO))
            + c.gamma.square() * (tag + embed * Fr::from(EMBED_TAG))
    }
}

/// Refuses a row with gates that no code switches on together.
fn check_gates(rows: &Builder, name: &str) -> Result<(), CircuitError> {
    let unknown = rows.gates.iter().position(|gates| gates.code().is_none());
    let Some(row) = unknown else { return Ok(()) };
    Err(CircuitError::Gates {
        segment: name.to_owned(),
        row,
        gates: rows.gates[row].to_string(),
    })
}

fn invert(x: Fr) -> Fr {
    x.invert().unwrap_or(Fr::ZERO)
}

/// A field element below 2^32.
fn small(x: Fr) -> Option<u32> {
    crate::field::int(x).and_then(|v| u32::try_from(v).ok())
}
