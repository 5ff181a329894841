//! Tables, windows, scalars: one weighted lookup does for all three.
//!
//! A scalar s is `Σ_i 16^i·d_i` with 64 odd digits. Window i adds ±(entry of |d_i|), and what ties this to s is the
//! lookup itself: the addition of window i looks its entry up **with weight ±16^i**, the sign of the digit. An entry v
//! offers itself with the weight W_v, a plain cell of phase 0:
//!
//! ```text
//! Σ_{additions} ±16^i / (α + τ) = Σ_{entries} W / (α + τ),      τ = (v, table number, x, y) compressed with γ
//! s = Σ_v v·W_v mod r                                            along the chain of the table, cell to cell
//! ```
//! *Membership.* If an added tuple is no entry, the additions that share it (same table number, so same point, so distinct
//! windows) have weights that sum to zero: but a sum of ±16^i over distinct i < 64, at least one, is an odd multiple of a
//! power of 16 with absolute value below 2^253 < r: never 0 mod r. Entries of a table have distinct v, so tuples of
//! entries are distinct; hence W_v is exactly `Σ ±16^i` over the windows that add entry v.
//! *Binding.* So `Σ_v v·W_v = Σ_i ±16^i·v_i = Σ_i 16^i·d_i`, which must be s mod r. The group's order is r, so the sum is
//! s·P whichever digits a prover takes: no canonicity check of scalars, no unique digits. s or s − r is odd: there are
//! always digits.
//!
//! This needs no Horner accumulator, no power of a challenge, no gate at window switches, and no gate depends on the number
//! of points; weights are fixed cells. Digit accumulators per point would need a cell each window; one accumulator with a
//! random coefficient ρ^j (as in the prototype) a phase-1 cell each block and ρ^n at each window switch.

use super::{Cells, Ex, Gates, Named, constant};
use crate::block::{plain, role};

pub(super) fn configure(gates: &mut Gates<'_>) {
    gates.gate("fraction", configure_fraction);
    gates.gate("scalar", configure_scalar);
    gates.gate("sign", configure_sign);
}

/// Gate `fraction`: what a row adds to the running sum for tables.                                    deg 5
/// | cell    | column        | block | tied by                                        |
/// | f       | fraction      | cur   | (1), (2), (3)                                  |
/// | v       | plain         | cur   | Digit: lookup; entries: the fixed value        |
/// | x, y    | plain 0–5     | cur   | Digit: lookup; entries: `materialise`          |
/// | sign    | plain         | cur   | Digit: `sign`                                  |
/// | W       | plain         | cur   | entries: lookup                                |
/// (1) Digit: f·(α + τ) = 16^i·(1 − 2·sign)    (2) entries: f·(α + τ) = −W    (3) f = 0 on all other active rows
fn configure_fraction(cells: &mut Cells<'_, '_>) -> Vec<Named> {
    let column = cells.config.role;
    let (digit, entry) = (cells.is(column, role::DIGIT), cells.is(column, role::ENTRY));
    let others = cells.unless(column, &[role::DIGIT, role::ENTRY]);
    let active = cells.fixed(cells.config.active, 0);
    let fraction = cells.advice(cells.config.fraction, 0);
    let (weight, sign) = (cells.value(), cells.sign(0));
    let offered = cells.plain(plain::WEIGHT, 0);
    let multiple = cells.plain(plain::DIGIT, 0);
    let common = compressed(cells);
    let looked_up = fraction.clone() * (common.clone() + multiple) - weight.clone() * sign;
    let offers = fraction.clone() * (common + weight) + offered;
    vec![
        ("fraction.digit", digit * looked_up),
        ("fraction.entry", entry * offers),
        ("fraction.none", active * others * fraction),
    ]
}

/// α + τ without the multiple v: γ·number + γ²·x0 + … + γ⁷·y_hi.
fn compressed(cells: &mut Cells<'_, '_>) -> Ex {
    let gamma = cells.challenge(cells.config.challenges.gamma);
    let alpha = cells.challenge(cells.config.challenges.alpha);
    let words = (plain::X..=plain::Y_HI).rev();
    let sum = words.fold(None, |sum: Option<Ex>, cell| {
        let word = cells.plain(cell, 0);
        Some(match sum {
            None => word,
            Some(sum) => sum * gamma.clone() + word,
        })
    });
    let point = sum.unwrap_or_else(|| constant(0)) * gamma.clone();
    alpha + (point + cells.table_number()) * gamma
}

/// Gate `scalar`, at entries: rest = s − v·W.                                                         deg 5
/// | cell | column | block | tied by                                                          |
/// | s    | plain  | cur   | Point: the scalar, for the caller to copy; entries: COPY of the rest before |
/// | W    | plain  | cur   | `fraction`                                                       |
/// | rest | plain  | cur   | fixed here; COPY of zero in the last entry                       |
fn configure_scalar(cells: &mut Cells<'_, '_>) -> Vec<Named> {
    let entry = cells.is(cells.config.role, role::ENTRY);
    let [s, weight, rest] =
        [plain::SCALAR, plain::WEIGHT, plain::REST].map(|cell| cells.plain(cell, 0));
    let off = s - cells.value() * weight - rest;
    vec![("scalar.rest", entry * off)]
}

/// Gate `sign`: Digit: sign·(sign − 1) = 0. Build: sign = the fixed value.                            deg 5
/// Which point a Build adds is a COPY, so tables are what the shape says: nothing is left to choose.
fn configure_sign(cells: &mut Cells<'_, '_>) -> Vec<Named> {
    let column = cells.config.role;
    let (digit, build) = (cells.is(column, role::DIGIT), cells.is(column, role::BUILD));
    let sign = cells.plain(plain::SIGN, 0);
    let bit = sign.clone() * (sign.clone() - constant(1));
    vec![
        ("sign.bit", digit * bit),
        ("sign.build", build * (sign - cells.value())),
    ]
}

/// The codes of `role` that `unless` and `is` assume.
const _: () = assert!(role::TOP == 3);
