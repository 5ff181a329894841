//! `ArgMax`: the lowest index of the largest element.
//!
//! With N elements and keys κ_j = N·(x_j + 2^15) + (N − 1 − j), which are distinct, the arg-max is the index of the
//! largest key K:
//! (a) 0 ≤ K − κ_j < 2^48 for every j (`wide`);
//! (b) Σ b_j·(κ_j + 2^64) = K + 2^64 with b_j in 0..2^16 (each b_j is a Y cell). Σ b_j·κ_j < 2^62 and K < 2^49 by (a),
//!     so Σ b_j = 1 and K is one of the keys;
//! (c) I = N·X + N − 1 − K for some X in 0..2^48, with 0 ≤ I ≤ N − 1: so I is K's index.

use super::{Wires, as_activation};
use crate::CircuitError;
use crate::builder::{Builder, Cell, Column, Wire};
use crate::field::fr;
use crate::gates::Gate;
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use halocast_ir::{ACT_OFFSET, argmax};

/// x `[rows, n]`: 2n + 7 rows a row.
pub(crate) fn arg_max(b: &mut Builder, x: &[Wire], n: usize) -> Wires {
    x.chunks(n).map(|row| arg_max_row(b, row)).collect()
}

fn arg_max_row(b: &mut Builder, x: &[Wire]) -> Result<Wire, CircuitError> {
    let n = x.len() as i128;
    let x = x
        .iter()
        .map(|&wire| as_activation(b, wire))
        .collect::<Result<Vec<_>, _>>()?;
    let values: Vec<i32> = x.iter().map(|&w| b.integer(w) as i32).collect();
    let index = argmax(&values);
    let coded = (values[index] as i64 + ACT_OFFSET) as i128;
    let key = n * coded + (n - 1 - index as i128);
    let key = largest_key(b, &x, if b.witness { key } else { 0 }, index)?;
    index_of(b, key, n, coded, index)
}

/// (a) and (b); returns the cell of K.
fn largest_key(b: &mut Builder, x: &[Wire], key: i128, index: usize) -> Result<Cell, CircuitError> {
    let n = x.len() as i128;
    let mut bits = Vec::with_capacity(x.len());
    let mut key_cell = None;
    for (j, wire) in x.iter().enumerate() {
        let row = b.row();
        b.w[row] = [Fr::ZERO, Fr::ONE, fr(-n), fr(-(n - 1 - j as i128))];
        match key_cell {
            None => key_cell = Some(b.put(Column::A, row, fr(key))),
            Some(cell) => {
                b.copy(Column::A, row, cell);
            }
        }
        b.copy(Column::B, row, wire.cell);
        b.wide(row)?;
    }
    let key_cell = key_cell.expect("validated: at least one element");
    for (j, wire) in x.iter().enumerate() {
        let row = b.row_with(
            Gate::Reduce,
            [fr(n), fr(n - 1 - j as i128 + (1 << 64)), Fr::ZERO, Fr::ZERO],
        );
        if j == 0 {
            b.gate(row, Gate::Clear);
        }
        let chosen = if b.witness && j == index {
            Fr::ONE
        } else {
            Fr::ZERO
        };
        let bit = b.put(Column::Y, row, chosen);
        b.copy(Column::A, row, bit);
        b.copy(Column::B, row, wire.cell);
        bits.push(bit);
    }
    let sum = b.reveal(if b.witness {
        fr(key + (1 << 64))
    } else {
        Fr::ZERO
    });
    b.assert_zero(
        [Fr::ZERO, Fr::ONE, -Fr::ONE, fr(-(1 << 64))],
        sum,
        Some(key_cell),
    )?;
    Ok(key_cell)
}

/// (c); returns the index as a wire.
fn index_of(
    b: &mut Builder,
    key: Cell,
    n: i128,
    coded: i128,
    index: usize,
) -> Result<Wire, CircuitError> {
    let row = b.row();
    b.w[row] = [Fr::ZERO, Fr::ONE, Fr::ZERO, Fr::ZERO];
    let x = b.put(Column::A, row, if b.witness { fr(coded) } else { Fr::ZERO });
    b.wide(row)?;
    let raw = b.reduce([([Fr::ZERO, fr(n), -Fr::ONE, fr(n - 1)], x, Some(key))]);
    b.w[raw.row as usize] = [Fr::ZERO, Fr::ONE, Fr::ZERO, Fr::ZERO];
    b.wide(raw.row as usize)?;
    b.range48([Fr::ZERO, -Fr::ONE, Fr::ZERO, fr(n - 1)], raw, None)?;
    let row = b.row_with(
        Gate::Zero,
        [Fr::ZERO, Fr::ONE, -Fr::ONE, fr(ACT_OFFSET as i128)],
    );
    b.copy(Column::A, row, raw);
    let value = if b.witness {
        fr(index as i128 + ACT_OFFSET as i128)
    } else {
        Fr::ZERO
    };
    Ok(Wire {
        cell: b.put(Column::B, row, value),
        offset: ACT_OFFSET,
    })
}
