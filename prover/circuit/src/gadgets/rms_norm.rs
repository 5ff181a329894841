//! `RmsNorm`: exact sum of squares, proven integer reciprocal root, one wide rescale an element.

use super::Wires;
use crate::CircuitError;
use crate::builder::{Builder, Cell, Column, Wire};
use crate::field::{fr, int};
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use halocast_ir::{ACT_OFFSET, WIDE_SHIFT, isqrt};

/// The constants of one normalization.
pub(crate) struct Norm<'a> {
    pub(crate) gain: &'a [i64],
    pub(crate) bias: &'a [i64],
    pub(crate) eps: i64,
    pub(crate) log2_k: u32,
}

/// x `[rows, n]`: 2n + 8 rows a row.
pub(crate) fn rms_norm(b: &mut Builder, x: &[Wire], norm: &Norm<'_>) -> Wires {
    let mut out = Vec::with_capacity(x.len());
    let rounding = fr(((ACT_OFFSET as i128) << WIDE_SHIFT) + (1 << (WIDE_SHIFT - 1)));
    for row_of_x in x.chunks(norm.gain.len()) {
        let v = sum_of_squares(b, row_of_x, norm.eps);
        let t = inverse_root(b, v, norm.log2_k)?;
        for (i, wire) in row_of_x.iter().enumerate() {
            let gain = fr(norm.gain[i] as i128);
            let row = b.row();
            b.copy(Column::A, row, wire.cell);
            b.copy(Column::B, row, t);
            let offset = fr(-(wire.offset as i128));
            b.w[row] = [
                gain,
                Fr::ZERO,
                offset * gain,
                fr(norm.bias[i] as i128) + rounding,
            ];
            out.push(Wire {
                cell: b.wide(row)?,
                offset: ACT_OFFSET,
            });
        }
    }
    Ok(out)
}

/// v = Σ x² + eps.
fn sum_of_squares(b: &mut Builder, x: &[Wire], eps: i64) -> Cell {
    let last = x.len() - 1;
    let terms = x.iter().enumerate().map(|(i, wire)| {
        let o = fr(wire.offset as i128);
        let constant = o * o + if i == last { fr(eps as i128) } else { Fr::ZERO };
        ([Fr::ONE, -o, -o, constant], wire.cell, Some(wire.cell))
    });
    b.reduce(terms)
}

/// t with t²·v ≤ K < (t + 1)²·v for K = 2^log2_k: t = ⌊√(K/v)⌋.
///
/// | row | what it proves                                  |
/// | 1   | 0 ≤ t < 2^48 (`wide`)                            |
/// | 2–3 | P = t·v (`reduce`, `reveal`)                     |
/// | 4   | 0 ≤ K − P·t < 2^48                               |
/// | 5–7 | 0 ≤ P·t + 2·P + v − K − 1 < 2^48, revealed first |
///
/// No wrap-around: v < 2^47 (validated; x are activations), so P·t < 2^143 ≪ p. Complete: both differences are below
/// (2t + 1)·v ≤ 2·√(K·v) + v < 2^48, since K·v < 2^92 and v ≤ 2^47 are validated.
fn inverse_root(b: &mut Builder, v: Cell, log2_k: u32) -> Result<Cell, CircuitError> {
    let k = fr(1 << log2_k);
    let root = match int(b.value(v)) {
        Some(v) if v > 0 => fr(isqrt((1u128 << log2_k) / v as u128) as i128),
        _ => Fr::ZERO,
    };
    let row = b.row();
    b.w[row] = [Fr::ZERO, Fr::ONE, Fr::ZERO, Fr::ZERO];
    let t = b.put(Column::A, row, root);
    b.wide(row)?;
    let product = b.reduce([([Fr::ONE, Fr::ZERO, Fr::ZERO, Fr::ZERO], t, Some(v))]);
    b.range48([-Fr::ONE, Fr::ZERO, Fr::ZERO, k], product, Some(t))?;
    let above = b.reduce([
        ([Fr::ONE, Fr::from(2), Fr::ZERO, Fr::ZERO], product, Some(t)),
        ([Fr::ZERO, Fr::ONE, Fr::ZERO, -k - Fr::ONE], v, None),
    ]);
    let row = above.row as usize;
    b.w[row] = [Fr::ZERO, Fr::ONE, Fr::ZERO, Fr::ZERO];
    b.wide(row)?;
    Ok(t)
}
