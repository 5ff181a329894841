//! `Linear` and `MatMul`: accumulators are free cells, bound by a Freivalds check that follows them, and rescaled on
//! the row where they stand.

use super::{Wires, as_activation, clamp};
use crate::builder::{Builder, Column, Wire};
use crate::field::fr;
use crate::gates::{ACC_OFFSET_LOG2, Gate};
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use halocast_ir::{ACT_OFFSET, ClampBits, Matrix, NARROW_SHIFT};

/// `narrow((acc + bias)·mul)`.
#[derive(Clone, Copy)]
pub(crate) struct Rescale {
    pub(crate) mul: i64,
    pub(crate) bits: ClampBits,
}

/// x `[t, n]` times a constant `[n, m]`: t·(m + 1) + n·(max(⌈t/2⌉, ⌈m/4⌉) + 1) + 1 rows.
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
    let acc = multiply(&values, |i, j| weights.data[i * m + j] as i64, [t, n, m]);
    let zero = b.constant_wire(0).cell;
    let out = results(b, &acc, m, bias, rescale)?;
    let steps = t.div_ceil(2).max(m.div_ceil(4));
    for i in 0..n {
        for step in 0..steps {
            let lane = |lane: usize| {
                (4 * step + lane + m)
                    .checked_sub(4 * steps)
                    .map_or(0, |j| weights.data[i * m + j])
            };
            let row = b.row_with(Gate::StepWeights, [0, 1, 2, 3].map(|l| fr(lane(l) as i128)));
            for (half, column) in [Column::A, Column::B].into_iter().enumerate() {
                let element = (2 * step + half + t).checked_sub(2 * steps);
                b.copy(column, row, element.map_or(zero, |t| x[t * n + i].cell));
            }
        }
        b.row_with(Gate::MulEnd, [Fr::ZERO; 4]);
    }
    b.clear_row();
    Ok(out)
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
    let out = results(b, &acc, m, None, rescale)?;
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
        b.row_with(Gate::MulEnd, [Fr::ZERO; 4]);
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

/// The rows of the results: accumulator, rescale, Horner step; after each row of the matrix its end.
fn results(
    b: &mut Builder,
    acc: &[i64],
    m: usize,
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
        b.gate(row, Gate::StepResult);
        let value = if b.witness {
            fr(acc as i128 + (1 << ACC_OFFSET_LOG2))
        } else {
            Fr::ZERO
        };
        b.put(Column::A, row, value);
        let bias = fr(bias.map_or(0, |bias| bias[i % m]) as i128 - (1 << ACC_OFFSET_LOG2));
        b.w[row] = [Fr::ZERO, mul, Fr::ZERO, bias * mul + constant];
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
