//! Tapes on eight rows at a time. Registers hold x·2^260 (`lanes`), sums that are not reduced; how many times the modulus each may be is
//! worked out beforehand, and an operand is reduced where a result would not fit.

#![allow(unsafe_code)] // Calls of functions for machines with these instructions: `LanesTape::new` asks.

use crate::lanes::{Constant, LANES, LARGEST, Lanes, Multiple, available};
use crate::tape::{Columns, Kind, Operand, Tape};
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use rayon::prelude::*;

/// Vectors of a block: registers stay in the cache.
const VECTORS: usize = 4;
const ROWS: usize = VECTORS * LANES;
/// Bound of a column's values as they are read.
const COLUMN: u32 = 16;

type V = Lanes<Fr>;
type Block = [V; VECTORS];

/// Where a step reads, and whether it must reduce what it reads.
#[derive(Debug)]
struct Source {
    from: From,
    reduce: bool,
}

#[derive(Debug)]
enum From {
    Register(usize),
    Column(usize, i32),
    Constant(Constant<Fr>),
}

#[derive(Debug)]
enum Action {
    Add,
    /// a − b, and what keeps it positive.
    Sub(Multiple<Fr>),
    Mul,
}

#[derive(Debug)]
struct Step {
    action: Action,
    a: Source,
    b: Source,
    out: usize,
}

/// A tape for lanes.
#[derive(Debug)]
pub(crate) struct LanesTape {
    steps: Vec<Step>,
    registers: usize,
    result: Source,
}

impl LanesTape {
    /// For so many rows; none if the machine or the rows are not for it.
    pub(crate) fn new(tape: &Tape, rows: usize) -> Option<Self> {
        if !available() || !rows.is_multiple_of(ROWS) {
            return None;
        }
        let mut bounds = vec![0; tape.registers];
        let steps = tape.instructions.iter().map(|i| {
            let (a, b) = (bound(&i.a, &bounds), bound(&i.b, &bounds));
            let (reduce, a, b, result) = fitting(i.kind, a, b);
            bounds[i.out] = result;
            let action = match i.kind {
                Kind::Add => Action::Add,
                Kind::Sub => Action::Sub(Multiple::new(b)),
                Kind::Mul => Action::Mul,
            };
            let _ = a;
            Step {
                action,
                a: source(&i.a, reduce[0]),
                b: source(&i.b, reduce[1]),
                out: i.out,
            }
        });
        Some(LanesTape {
            steps: steps.collect(),
            registers: tape.registers,
            result: source(&tape.result, false),
        })
    }

    /// The term's value on every row.
    pub(crate) fn evaluate(&self, columns: &Columns<'_>, out: &mut [Fr]) {
        let blocks = out.par_chunks_exact_mut(ROWS).enumerate();
        blocks.for_each_init(
            // SAFETY: `new` asked for the instructions.
            || vec![[unsafe { V::zero() }; VECTORS]; self.registers],
            // SAFETY: likewise.
            |registers, (block, out)| unsafe { self.run(columns, block * ROWS, registers, out) },
        );
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn run(&self, columns: &Columns<'_>, start: usize, registers: &mut [Block], out: &mut [Fr]) {
        for step in &self.steps {
            for v in 0..VECTORS {
                let at = start + v * LANES;
                let a = step.a.read(columns, at, registers, v);
                let b = step.b.read(columns, at, registers, v);
                registers[step.out][v] = match &step.action {
                    Action::Add => a.plus(b).carried(),
                    Action::Sub(more) => a.minus_below(b, more).carried(),
                    Action::Mul => a.mul(b),
                };
            }
        }
        // From x·2^260 to x·2^256.
        let one = V::load(&[Fr::ONE; LANES]);
        for (v, out) in out.as_chunks_mut().0.iter_mut().enumerate() {
            let value = self.result.read(columns, start + v * LANES, registers, v);
            value.mul(one).store(out);
        }
    }
}

impl Source {
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    fn read(&self, columns: &Columns<'_>, row: usize, registers: &[Block], v: usize) -> V {
        let value = match &self.from {
            From::Register(r) => registers[*r][v],
            From::Column(column, rotation) => rows(columns.all[*column], row, *rotation),
            From::Constant(c) => c.lanes(),
        };
        if self.reduce { value.reduced() } else { value }
    }
}

/// Eight rows from this one on, so many rows further, around the end.
#[target_feature(enable = "avx512f,avx512ifma")]
#[inline]
fn rows(column: &[Fr], row: usize, rotation: i32) -> V {
    let n = column.len();
    let from = (row as i64 + i64::from(rotation)).rem_euclid(n as i64) as usize;
    match column[from..].first_chunk() {
        Some(values) => V::load_shifted(values),
        None => {
            let mut values = [Fr::ZERO; LANES];
            for (i, value) in values.iter_mut().enumerate() {
                *value = column[(from + i) % n];
            }
            V::load_shifted(&values)
        }
    }
}

fn source(operand: &Operand, reduce: bool) -> Source {
    let from = match operand {
        Operand::Register(r) => From::Register(*r),
        Operand::Column(column, rotation) => From::Column(*column, *rotation),
        Operand::Constant(c) => From::Constant(Constant::new(*c)),
    };
    Source { from, reduce }
}

fn bound(operand: &Operand, registers: &[u32]) -> u32 {
    match operand {
        Operand::Register(r) => registers[*r],
        Operand::Column(..) => COLUMN,
        Operand::Constant(_) => 1,
    }
}

/// Which operands have to be reduced, the bounds they then have, and the result's.
fn fitting(kind: Kind, mut a: u32, mut b: u32) -> ([bool; 2], u32, u32, u32) {
    let result = |a: u32, b: u32| match kind {
        Kind::Add | Kind::Sub => a + b,
        Kind::Mul => 1 + (a * b).div_ceil(LARGEST),
    };
    let mut reduce = [false; 2];
    while result(a, b) > LARGEST {
        let larger = usize::from(b > a);
        reduce[larger] = true;
        *[&mut a, &mut b][larger] = 1;
    }
    (reduce, a, b, result(a, b))
}

#[cfg(test)]
mod tests;
