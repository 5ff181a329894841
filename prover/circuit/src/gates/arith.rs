//! Gates on the phase-0 cells of one row: rescaling, assertions, the maximum.

use super::{Gate, LayerConfig, constant, gate, pow2};
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::plonk::{ConstraintSystem, Expression};

pub(super) fn configure(cs: &mut ConstraintSystem<Fr>, config: &LayerConfig) {
    narrow(cs, config, Gate::NarrowAct, 16);
    narrow(cs, config, Gate::NarrowFunc, 14);
    wide(cs, config);
    zero(cs, config);
    max(cs, config);
}

/// Gate `narrow`: Y = clamp(⌊F / 2^16⌋, 0, T) for F = w0·A·B + w1·A + w2·B + w3, T = 2^bits − 1.   deg 3 + selector 2
/// | cell    | row | tied by                                               |
/// | A, B    | cur | COPY of the caller's wires (B of a product: Freivalds) |
/// | Y       | cur | free, fixed by (1), (2) and the ranges; returned      |
/// | R, E    | cur | free, fixed likewise                                  |
/// (1) F = (Y + E·σ)·2^16 + R with σ = 2·Y/T − 1           (2) E·Y·(T − Y) = 0
/// Assumes 0 ≤ Y, R, E < 2^16 (logup, every row) and |F| < p/4 as an integer.
/// Sound: by (2) E = 0, or Y = 0 and σ = −1, or Y = T and σ = 1. R is F mod 2^16 and v = ⌊F/2^16⌋ is Y, −E or T + E:
/// so v < 0 forces Y = 0, v > T forces Y = T, as long as Y ≤ T. For 16 bits that is the range; for 14 bits the
/// builder adds it: the result goes through a function table of 2^14 rows, or gets a range row.
/// Gives: −2^32 < F < 2^33; `gadgets/product.rs::packs` relies on it.
/// Complete: for −2^16 < v < T + 2^16.
/// The caller puts rounding (2^15) and the offset of Y's coding into w3.
fn narrow(cs: &mut ConstraintSystem<Fr>, config: &LayerConfig, which: Gate, bits: u32) {
    let top = (1u64 << bits) - 1;
    let inverse = Fr::from(top).invert().expect("a small positive number");
    gate(cs, config, which, |row| {
        let form = row.form();
        let (y, r, e) = (row.cur(config.y), row.cur(config.r), row.cur(config.e));
        let sign = Expression::Constant(inverse.double()) * y.clone() - constant(1);
        vec![
            form - (y.clone() + e.clone() * sign) * pow2(16) - r,
            e * y.clone() * (constant(top) - y),
        ]
    });
}

/// Gate `wide`: F = Y·2^32 + E·2^16 + R.      deg 3 + selector 2
/// As a rescale: Y = ⌊F / 2^32⌋; as a range check: 0 ≤ F < 2^48.
/// A, B are COPIES; Y, E, R are free and fixed by the equation and their ranges (a base-2^16 representation is unique
/// since 2^48 < p).
fn wide(cs: &mut ConstraintSystem<Fr>, config: &LayerConfig) {
    gate(cs, config, Gate::Wide, |row| {
        let (y, r, e) = (row.cur(config.y), row.cur(config.r), row.cur(config.e));
        vec![row.form() - y * pow2(32) - e * pow2(16) - r]
    });
}

/// Gate `zero`: F = 0.      deg 3 + selector 2
fn zero(cs: &mut ConstraintSystem<Fr>, config: &LayerConfig) {
    gate(cs, config, Gate::Zero, |row| vec![row.form()]);
}

/// Gate `max`: Y = max(A, B) for 0 ≤ A, B < 2^16.      deg 2 + selector 3
/// (1) R = Y − A   (2) E = Y − B   (3) R·E = 0; A, B are COPIES, Y, R, E in range.
/// Sound: (1), (2) and the ranges give Y ≥ A, Y ≥ B; (3) that one is equal.
fn max(cs: &mut ConstraintSystem<Fr>, config: &LayerConfig) {
    gate(cs, config, Gate::Max, |row| {
        let (a, b) = (row.cur(config.a), row.cur(config.b));
        let (y, r, e) = (row.cur(config.y), row.cur(config.r), row.cur(config.e));
        vec![y.clone() - a - r.clone(), y - b - e.clone(), r * e]
    });
}
