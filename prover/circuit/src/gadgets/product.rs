//! `Linear` and `MatMul`: accumulators are free cells, bound by a Freivalds check that follows them, and rescaled on
//! the row where they stand.

use super::{Wires, as_activation, clamp};
use crate::builder::{Builder, Cell, Column, Wire};
use crate::field::fr;
use crate::gates::{ACC_OFFSET_LOG2, GROUP, GROUP_BITS, Gate};
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use halocast_ir::{ACT_OFFSET, ClampBits, Matrix, NARROW_SHIFT};

/// `narrow((acc + bias)·mul)`.
#[derive(Clone, Copy)]
pub(crate) struct Rescale {
    pub(crate) mul: i64,
    pub(crate) bits: ClampBits,
}

/// x `[t, n]` times a constant `[n, m]`: t·(m + 1) + n·(max(⌈t/2⌉, ⌈c/4⌉) + 1) + 1 rows, where c is the number of fixed
/// cells that a row of the matrix takes: ⌈m/6⌉, or m where the weights are too large to be packed.
pub(crate) fn linear(
    b: &mut Builder,
    x: &[Wire],
    weights: &Matrix,
    bias: Option<&[i64]>,
    rescale: Rescale,
) -> Wires {
    let (n, m) = (weights.rows, weights.cols);
    let x = x
        .iter()
        .map(|&wire| as_activation(b, wire))
        .collect::<Result<Vec<_>, _>>()?;
    let t = x.len() / n;
    let values: Vec<i64> = x.iter().map(|&wire| b.integer(wire)).collect();
    let acc = match b.witness {
        true => multiply(&values, |i, j| weights.data[i * m + j] as i64, [t, n, m]),
        false => vec![0; t * m],
    };
    let zero = b.constant_wire(0).cell;
    let group = if packs(weights, bias, rescale) {
        GROUP
    } else {
        1
    };
    let out = results(b, &acc, [m, group], bias, rescale)?;
    operand_rows(b, &x, weights, group, zero);
    Ok(out)
}

/// The rows of x and of the weights, `group` of these in a cell, and the end of the check. `zero` fills short columns
/// of x.
fn operand_rows(b: &mut Builder, x: &[Wire], weights: &Matrix, group: usize, zero: Cell) {
    let (n, m) = (weights.rows, weights.cols);
    let t = x.len() / n;
    let cells = m.div_ceil(group);
    let steps = t.div_ceil(2).max(cells.div_ceil(4));
    for (i, row_of_weights) in weights.data.chunks(m).enumerate() {
        let packed = pack(row_of_weights, group);
        for step in 0..steps {
            let lane = |lane: usize| {
                let cell = (4 * step + lane + cells).checked_sub(4 * steps);
                cell.map_or(Fr::ZERO, |cell| packed[cell])
            };
            let row = b.row_with(Gate::StepWeights, [0, 1, 2, 3].map(lane));
            for (half, column) in [Column::A, Column::B].into_iter().enumerate() {
                let element = (2 * step + half + t).checked_sub(2 * steps);
                b.copy(column, row, element.map_or(zero, |t| x[t * n + i].cell));
            }
        }
        b.mul_end();
    }
    b.clear_row();
}

/// Whether the results of a group cannot run into each other. A result row proves F = mul·(cell + bias) + c for some
/// |F| < 2^33 (`narrow`), and Freivalds Σ_l 2^(41·l)·cell_l = Σ_l 2^(41·l)·acc_l over a group, mod p. Times mul, that is
/// Σ_l 2^(41·l)·d_l = 0 for d_l = F_l − (mul·(acc_l + bias_l) + c). If |mul·(acc_l + bias_l) + c| ≤ 2^40 whatever the
/// activations are, then |d_l| < 2^41, the sum is below 2^247 < p/2 and 0 as an integer, and so is every d_l, the lowest
/// first (it is a multiple of 2^41): cell_l = acc_l.
fn packs(weights: &Matrix, bias: Option<&[i64]>, rescale: Rescale) -> bool {
    let mut sums = vec![0i128; weights.cols];
    for row in weights.data.chunks(weights.cols) {
        for (sum, &w) in sums.iter_mut().zip(row) {
            *sum += i128::from(w.unsigned_abs());
        }
    }
    let bias = |j: usize| bias.map_or(0, |b| i128::from(b[j].unsigned_abs()));
    let constant = i128::from(ACT_OFFSET + 1) << NARROW_SHIFT;
    let largest = |(j, sum): (usize, &i128)| {
        (sum * i128::from(ACT_OFFSET) + bias(j)) * i128::from(rescale.mul.unsigned_abs()) + constant
    };
    let bound = 1i128 << (GROUP_BITS - 1);
    sums.iter().enumerate().map(largest).all(|v| v <= bound)
}

/// A row of a matrix in fixed cells, `group` weights in each; the first takes what is left over.
fn pack(row: &[i32], group: usize) -> Vec<Fr> {
    let (first, rest) = row.split_at(first_group(row.len(), group));
    let base = fr(1 << GROUP_BITS);
    let cell = |weights: &[i32]| {
        let step = |sum: Fr, &w: &i32| sum * base + fr(i128::from(w));
        weights.iter().fold(Fr::ZERO, step)
    };
    [first]
        .into_iter()
        .chain(rest.chunks(group))
        .map(cell)
        .collect()
}

/// Length of the first group of `m` columns.
fn first_group(m: usize, group: usize) -> usize {
    m - (m.div_ceil(group) - 1) * group
}

/// x `[t, n]` times y `[n, m]`, both activations: t·(m + 1) + n·(max(t, m) + 1) + 1 rows.
pub(crate) fn mat_mul(
    b: &mut Builder,
    x: &[Wire],
    y: &[Wire],
    [t, n, m]: [usize; 3],
    rescale: Rescale,
) -> Wires {
    let left: Vec<i64> = x.iter().map(|&wire| b.integer(wire)).collect();
    let right: Vec<i64> = y.iter().map(|&wire| b.integer(wire)).collect();
    let acc = multiply(&left, |i, j| right[i * m + j], [t, n, m]);
    let out = results(b, &acc, [m, 1], None, rescale)?;
    let steps = t.max(m);
    for i in 0..n {
        for step in 0..steps {
            let row = b.row_with(Gate::StepActs, [Fr::ZERO; 4]);
            if let Some(t) = (step + t).checked_sub(steps) {
                operand(b, row, Column::A, x[t * n + i]);
            }
            if let Some(j) = (step + m).checked_sub(steps) {
                operand(b, row, Column::B, y[i * m + j]);
            }
        }
        b.mul_end();
    }
    b.clear_row();
    Ok(out)
}

/// Copies an operand of `step_acts` and sets the coefficients that take its offset away.
fn operand(b: &mut Builder, row: usize, column: Column, wire: Wire) {
    b.copy(column, row, wire.cell);
    let first = if column == Column::A { 0 } else { 2 };
    b.w[row][first] = Fr::ONE;
    b.w[row][first + 1] = fr(-(wire.offset as i128));
}

/// The rows of the results: accumulator, rescale, Horner step; after each row of the matrix its end. `group` results are
/// packed together.
fn results(
    b: &mut Builder,
    acc: &[i64],
    [m, group]: [usize; 2],
    bias: Option<&[i64]>,
    rescale: Rescale,
) -> Wires {
    let (gate, offset) = clamp(rescale.bits);
    let mul = fr(rescale.mul as i128);
    let constant = fr(((offset as i128) << NARROW_SHIFT) + (1 << (NARROW_SHIFT - 1)));
    let mut out = Vec::with_capacity(acc.len());
    for (i, &acc) in acc.iter().enumerate() {
        let row = b.row();
        if i == 0 {
            b.gate(row, Gate::Clear);
        }
        b.gate(row, step_of(i % m, m, group));
        let value = if b.witness {
            fr(acc as i128 + (1 << ACC_OFFSET_LOG2))
        } else {
            Fr::ZERO
        };
        b.put(Column::B, row, value);
        let bias = fr(bias.map_or(0, |bias| bias[i % m]) as i128 - (1 << ACC_OFFSET_LOG2));
        b.w[row] = [Fr::ZERO, Fr::ZERO, mul, bias * mul + constant];
        if gate == Gate::NarrowFunc {
            b.open_lookups.insert(row as u32);
        }
        out.push(Wire {
            cell: b.narrow(row, gate)?,
            offset,
        });
        if (i + 1) % m == 0 {
            b.row_with(Gate::ResultEnd, [Fr::ZERO; 4]);
        }
    }
    Ok(out)
}

/// The Horner step of column j.
fn step_of(j: usize, m: usize, group: usize) -> Gate {
    match j.checked_sub(first_group(m, group)) {
        _ if j == 0 || group == 1 => Gate::StepResult,
        Some(rest) if rest % group == 0 => Gate::GroupStart,
        _ => Gate::GroupStep,
    }
}

fn multiply(x: &[i64], y: impl Fn(usize, usize) -> i64, [t, n, m]: [usize; 3]) -> Vec<i64> {
    let mut acc = vec![0i64; t * m];
    for (x, acc) in x.chunks_exact(n).zip(acc.chunks_exact_mut(m)) {
        for (i, &x) in x.iter().enumerate() {
            for (j, acc) in acc.iter_mut().enumerate() {
                *acc += x * y(i, j);
            }
        }
    }
    acc
}

/// The coding offset that `step_weights` takes away.
const _: () = assert!(ACT_OFFSET == 1 << 15);
/// The sum over a group, in which every |d_l| < 2^41 (see `packs`), is an integer far from the field's order.
const _: () = assert!(GROUP as u32 * GROUP_BITS <= 247);

#[cfg(test)]
mod tests;
