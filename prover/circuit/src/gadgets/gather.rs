//! `Gather`: rows of a constant table by a lookup keyed by a random combination of the row (see `gates::logup`).
//!
//! Both sides form the fingerprint Σ_j ρ^(d−1−j)·(v_j + 2^15 − 2^40) of a row: outputs by `step_result` on their coded
//! cells, table rows by `step_weights`. It is a polynomial in ρ whose coefficients determine the row, so equal
//! fingerprints of different rows have probability at most d/p.

use super::Wires;
use crate::builder::{Builder, Column, Wire};
use crate::field::fr;
use crate::gates::{ACC_OFFSET_LOG2, Gate};
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use halocast_ir::{ACT_OFFSET, Matrix};

/// ids `[t]`, table `[vocab, d]`: vocab·(⌈d/4⌉ + 1) + t·(d + 1) + 2 rows.
pub(crate) fn gather(b: &mut Builder, ids: &[Wire], table: &Matrix) -> Wires {
    let ids = ids
        .iter()
        .map(|&id| super::as_activation(b, id))
        .collect::<Result<Vec<_>, _>>()?;
    b.embed_count += 1;
    let embed = b.embed_count;
    table_rows(b, table, embed);
    // Nothing says what follows the table's last row: an idle row before the accumulators start again.
    b.row();
    let first = b.len();
    let mut out = Vec::with_capacity(ids.len() * table.cols);
    for id in ids {
        let token = b.integer(id);
        if token < 0 || token as usize >= table.rows {
            return Err(b.unprovable(format!(
                "id {token} is not in a table of {} rows",
                table.rows
            )));
        }
        for j in 0..table.cols {
            let row = b.row_with(Gate::StepResult, [Fr::ZERO; 4]);
            if row == first {
                b.gate(row, Gate::Clear);
            }
            let value = table.data[token as usize * table.cols + j] as i64 + ACT_OFFSET;
            let value = if b.witness {
                fr(value as i128)
            } else {
                Fr::ZERO
            };
            out.push(Wire {
                cell: b.put(Column::A, row, value),
                offset: ACT_OFFSET,
            });
        }
        let row = b.row_with(Gate::ResultEnd, [Fr::ZERO; 4]);
        b.embeds[row] = embed;
        b.copy(Column::Y, row, id.cell);
    }
    b.row();
    Ok(out)
}

/// One block a table row; its last row offers (id, fingerprint).
fn table_rows(b: &mut Builder, table: &Matrix, embed: u32) {
    let shift = ACT_OFFSET as i128 - (1 << ACC_OFFSET_LOG2);
    let steps = table.cols.div_ceil(4);
    let first = b.len();
    for (id, row_of_table) in table.data.chunks(table.cols).enumerate() {
        for step in 0..steps {
            let lane = |lane: usize| (4 * step + lane + table.cols).checked_sub(4 * steps);
            let weight =
                |l: usize| lane(l).map_or(Fr::ZERO, |j| fr(row_of_table[j] as i128 + shift));
            let row = b.row_with(Gate::StepWeights, [0, 1, 2, 3].map(weight));
            if row == first {
                b.gate(row, Gate::Clear);
            }
        }
        let row = b.row_with(Gate::MulEnd, [Fr::ZERO; 4]);
        b.embeds[row] = embed;
        let coded = id as u32 + ACT_OFFSET as u32;
        b.embed_entries.push((row as u32, coded));
        if b.witness {
            b.put(Column::Y, row, Fr::from(coded as u64));
        }
    }
}
