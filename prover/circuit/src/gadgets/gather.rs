//! `Gather`: rows of a constant table by a lookup keyed by a random combination of the row (see `gates::logup`).
//!
//! A row is packed, fifteen values (+ 2^15, so of 16 bits) to a word, and both sides form the fingerprint
//! Σ_j ρ^(c−1−j)·(word_j − 2^40) of its c words: outputs by `step_result` on words that are packed from range-checked
//! cells, table rows by `step_weights` on fixed cells. It is a polynomial in ρ whose coefficients determine the row (a
//! word below 2^240 determines its 16-bit values), so equal fingerprints of different rows have probability at most c/p.

use super::Wires;
use super::boundary::{hint, pack};
use crate::builder::{Builder, Column, Wire};
use crate::field::fr;
use crate::gates::{ACC_OFFSET_LOG2, Gate};
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use halocast_ir::{ACT_OFFSET, Matrix, SLOT_BITS, SLOTS_PER_WORD};

/// ids `[t]`, table `[vocab, d]`, c = ⌈d/15⌉: vocab·(⌈c/4⌉ + 1) + t·(d + 10·c + 1) + 2 rows.
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
    let mut out = Vec::with_capacity(ids.len() * table.cols);
    let mut words = Vec::new();
    for &id in &ids {
        let token = b.integer(id);
        if token < 0 || token as usize >= table.rows {
            return Err(b.unprovable(format!(
                "id {token} is not in a table of {} rows",
                table.rows
            )));
        }
        let row = hint(b, &table.data[token as usize * table.cols..][..table.cols]);
        let packed = row.chunks(SLOTS_PER_WORD).map(|slots| pack(b, slots));
        words.push(packed.collect::<Vec<_>>());
        out.extend(row);
    }
    let first = b.len();
    for (id, words) in ids.iter().zip(words) {
        for word in words {
            let row = b.row_with(Gate::StepResult, [Fr::ZERO; 4]);
            // As where results are rescaled; without coefficients it says Y = R = E = 0.
            b.gate(row, Gate::NarrowAct);
            if row == first {
                b.gate(row, Gate::Clear);
            }
            b.copy(Column::B, row, word);
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
    let words = table.cols.div_ceil(SLOTS_PER_WORD);
    let steps = words.div_ceil(4);
    let first = b.len();
    for (id, row_of_table) in table.data.chunks(table.cols).enumerate() {
        let packed: Vec<Fr> = row_of_table.chunks(SLOTS_PER_WORD).map(word).collect();
        for step in 0..steps {
            let lane = |lane: usize| {
                let at = (4 * step + lane + words).checked_sub(4 * steps);
                at.map_or(Fr::ZERO, |at| packed[at])
            };
            let row = b.row_with(Gate::StepWeights, [0, 1, 2, 3].map(lane));
            if row == first {
                b.gate(row, Gate::Clear);
            }
        }
        let row = b.mul_end();
        b.embeds[row] = embed;
        let coded = id as u32 + ACT_OFFSET as u32;
        b.embed_entries.push((row as u32, coded));
        if b.witness {
            b.put(Column::Y, row, Fr::from(coded as u64));
        }
    }
}

/// The word of some table values, less what `step_result` takes away.
fn word(values: &[i32]) -> Fr {
    let base = fr(1 << SLOT_BITS);
    let step = |sum: Fr, &v: &i32| sum * base + fr(i128::from(v) + i128::from(ACT_OFFSET));
    values.iter().rev().fold(Fr::ZERO, step) - fr(1 << ACC_OFFSET_LOG2)
}
