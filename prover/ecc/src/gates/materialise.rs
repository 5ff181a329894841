//! Points in the open: `materialise`, `pass`, and the two constants that chains start and end with.

use super::{Cells, Ex, Gates, Named, constant};
use crate::{
    block::{Number, flow, plain},
    integer::Int,
    limbs::{HALF_BITS, Ring, limbs_of},
    offset,
};
use halo2_base::halo2_proofs::halo2curves::bn256::G1Affine;

pub(super) fn configure(gates: &mut Gates<'_>) {
    gates.gate("materialise", configure_materialise);
    gates.gate("constant", configure_constants);
}

/// Gate `materialise`, where `flow` is Stop or Pass: the plain cells are the point (X, λ).            deg 4
/// | cell     | column       | block     | tied by                                           |
/// | X, λ     | range        | cur       | pieces; X by `abscissa` or `pass` before, λ by (5), (6) |
/// | x_T      | plain 0–3    | cur       | (1)–(4): the limbs of X                           |
/// | y_T      | plain 4, 5   | cur       | (5), (6): the halves of λ; `ordinate` of the block before |
/// | sign     | plain        | cur       | (7): 0                                            |
/// | X′       | range, X     | next      | (8), (9) where `flow` is Pass: = X in both halves |
/// In the first block of a chain nothing comes before: there x_T, y_T are COPIES (of O or an input), or the input itself.
fn configure_materialise(cells: &mut Cells<'_, '_>) -> Vec<Named> {
    let column = cells.config.flow;
    let on = cells.unless(column, &[0, flow::STEP]);
    let pass = cells.is(column, flow::PASS);
    let (x, y) = (cells.number(Number::X, 0), cells.number(Number::Slope, 0));
    let next = cells.number(Number::X, 1).minus(&x);
    let mut polynomials: Vec<Named> = cells
        .target(0)
        .minus(&x)
        .0
        .map(|limb| ("materialise.x", on.clone() * limb))
        .to_vec();
    let halves = [(plain::Y_LO, y.lo()), (plain::Y_HI, y.hi())];
    for (cell, half) in halves {
        polynomials.push(("materialise.y", on.clone() * (cells.plain(cell, 0) - half)));
    }
    polynomials.push(("materialise.sign", on * cells.plain(plain::SIGN, 0)));
    polynomials.push(("pass.x", pass.clone() * next.lo()));
    polynomials.push(("pass.x", pass * next.hi()));
    polynomials
}

/// Gate `constant`, on the circuit's first row: the plain cells of the first block are O, those of the second 2^252·O, and
/// one is zero.                                                                                     deg 3
/// The first row is where `active` is 1 and was not on the row before (the last row of the circuit).
fn configure_constants(cells: &mut Cells<'_, '_>) -> Vec<Named> {
    let column = cells.config.active;
    let active = cells.fixed(column, 0);
    let on = active.clone() * (active - cells.fixed(column, -1));
    let mut polynomials = vec![];
    let names = ["constant.start", "constant.end"];
    for (block, (name, point)) in names.into_iter().zip(offset::points()).enumerate() {
        for (cell, word) in point_words(&point).into_iter().enumerate() {
            let off = cells.plain(plain::X + cell, block) - Ex::constant(word);
            polynomials.push((name, on.clone() * off));
        }
    }
    let zero = cells.plain(plain::ZERO, 0) - constant(0);
    polynomials.push(("constant.zero", on * zero));
    polynomials
}

/// Limbs of x, halves of y.
pub(crate) fn point_words(point: &G1Affine) -> [Int; 6] {
    let [a, b, c, d] = limbs_of(Int::from(&point.x)).0;
    let y = Int::from(&point.y);
    [a, b, c, d, y.low(HALF_BITS), y.shr(HALF_BITS)]
}
