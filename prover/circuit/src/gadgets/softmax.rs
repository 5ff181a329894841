//! `Softmax`: proven maximum, table exponentials, exact sum, proven reciprocal, one wide rescale an element.

use super::elementwise::result_of_lookup;
use super::{Wires, as_activation};
use crate::CircuitError;
use crate::builder::{Builder, Cell, Column, Wire};
use crate::field::{fr, int};
use crate::gates::Gate;
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use halocast_ir::{ACT_OFFSET, NARROW_SHIFT, SOFTMAX_SHIFT, TableId, WIDE_SHIFT, exp_index};

/// The table of exponentials and the multiplier of the differences.
pub(crate) struct Exponential<'a> {
    pub(crate) mul: i64,
    pub(crate) table: TableId,
    pub(crate) values: &'a [i16],
}

/// x `[rows, n]` with the allowed positions: about 3.5 rows an allowed element and 6 a row. What is not allowed is the
/// constant 0 and takes no part.
pub(crate) fn softmax(
    b: &mut Builder,
    x: &[Wire],
    n: usize,
    allowed: impl Fn(usize) -> bool,
    exp: &Exponential<'_>,
) -> Wires {
    let zero = b.constant_wire(0);
    let mut out = vec![zero; x.len()];
    for start in (0..x.len()).step_by(n) {
        let live: Vec<usize> = (start..start + n).filter(|&i| allowed(i)).collect();
        let inputs = live
            .iter()
            .map(|&i| as_activation(b, x[i]))
            .collect::<Result<Vec<_>, _>>()?;
        for (&i, wire) in live.iter().zip(softmax_row(b, &inputs, exp)?) {
            out[i] = wire;
        }
    }
    Ok(out)
}

fn softmax_row(b: &mut Builder, x: &[Wire], exp: &Exponential<'_>) -> Wires {
    let max = maximum(b, x)?;
    // The product rows come with the exponentials (A of the row after the lookup), but need the reciprocal, which
    // needs the sum: so the values are worked out first and the rows written in one go.
    let tag = b.tag(exp.table);
    let values: Vec<i64> = x.iter().map(|&w| exponential(b, max, w, exp)).collect();
    let sum: i64 = values.iter().sum();
    let inverse = if b.witness {
        (1i128 << SOFTMAX_SHIFT) / sum as i128
    } else {
        0
    };
    let inverse = free_range48(b, inverse)?;
    let mut exps = Vec::with_capacity(x.len());
    let mut out = Vec::with_capacity(x.len());
    for (&wire, &value) in x.iter().zip(&values) {
        let mul = fr(exp.mul as i128);
        let row = b.row();
        b.copy(Column::A, row, wire.cell);
        b.copy(Column::B, row, max.cell);
        b.w[row] = [Fr::ZERO, -mul, mul, fr(1 << (NARROW_SHIFT - 1))];
        b.narrow(row, Gate::NarrowFunc)?;
        b.tags[row] = tag;
        let e = result_of_lookup(b, value);
        exps.push(e);
        out.push(probability(b, e, inverse)?);
    }
    let sum = sum_of(b, &exps);
    prove_reciprocal(b, sum, inverse)?;
    Ok(out)
}

/// A chain of `max` rows.
fn maximum(b: &mut Builder, x: &[Wire]) -> Result<Wire, CircuitError> {
    let mut max = x[0];
    for &wire in &x[1..] {
        let row = b.row_with(Gate::Max, [Fr::ZERO; 4]);
        b.copy(Column::A, row, max.cell);
        b.copy(Column::B, row, wire.cell);
        let (left, right) = (b.integer(max), b.integer(wire));
        let top = left.max(right);
        if b.witness {
            b.set_limbs(
                row,
                (top + ACT_OFFSET) as i128,
                (top - left) as i128,
                (top - right) as i128,
            );
        }
        max = Wire {
            cell: Cell {
                column: Column::Y,
                row: row as u32,
            },
            offset: ACT_OFFSET,
        };
    }
    Ok(max)
}

fn exponential(b: &Builder, max: Wire, x: Wire, exp: &Exponential<'_>) -> i64 {
    exp.values[exp_index(b.integer(max) as i32, b.integer(x) as i32, exp.mul)] as i64
}

/// `wide(e·inv)` on the row where e stands.
fn probability(b: &mut Builder, e: Wire, inverse: Cell) -> Result<Wire, CircuitError> {
    let row = e.cell.row as usize;
    b.copy(Column::B, row, inverse);
    let rounding = fr(((ACT_OFFSET as i128) << WIDE_SHIFT) + (1 << (WIDE_SHIFT - 1)));
    b.w[row] = [Fr::ONE, Fr::ZERO, fr(-(e.offset as i128)), rounding];
    Ok(Wire {
        cell: b.wide(row)?,
        offset: ACT_OFFSET,
    })
}

fn sum_of(b: &mut Builder, x: &[Wire]) -> Cell {
    let term = |pair: &[Wire]| {
        let offset: i64 = pair.iter().map(|w| w.offset).sum();
        let second = if pair.len() == 2 { Fr::ONE } else { Fr::ZERO };
        (
            [Fr::ZERO, Fr::ONE, second, fr(-(offset as i128))],
            pair[0].cell,
            pair.get(1).map(|w| w.cell),
        )
    };
    b.reduce(x.chunks(2).map(term))
}

/// A free cell in 0..2^48.
fn free_range48(b: &mut Builder, value: i128) -> Result<Cell, CircuitError> {
    let row = b.row();
    b.w[row] = [Fr::ZERO, Fr::ONE, Fr::ZERO, Fr::ZERO];
    let cell = b.put(Column::A, row, fr(value));
    b.wide(row)?;
    Ok(cell)
}

/// inv·S ≤ 2^46 < (inv + 1)·S: inv = ⌊2^46 / S⌋. Both factors are below 2^48 (S a sum of at most 2^15 activations), so
/// nothing wraps.
fn prove_reciprocal(b: &mut Builder, sum: Cell, inverse: Cell) -> Result<(), CircuitError> {
    debug_assert!(!b.witness || int(b.value(sum)).is_some());
    let dividend = fr(1 << SOFTMAX_SHIFT);
    b.range48([-Fr::ONE, Fr::ZERO, Fr::ZERO, dividend], inverse, Some(sum))?;
    b.range48(
        [Fr::ONE, Fr::ZERO, Fr::ONE, -dividend - Fr::ONE],
        inverse,
        Some(sum),
    )
}
