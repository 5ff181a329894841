//! Chords and tangents: `abscissa`, `apart`, `ordinate`.

use super::{Cells, Ex, Gates, Named, check::vanishes, constant};
use crate::{
    block::{Number, flow, plain, role},
    formulas::{Side, abscissa, abscissa_offset, multiple_of_p, ordinate, ordinate_offset},
    integer::Int,
    limbs::Limbs,
};

pub(super) fn configure(gates: &mut Gates<'_>) {
    gates.gate("abscissa", configure_abscissa);
    gates.gate("apart", configure_apart);
    gates.gate("ordinate", configure_ordinate);
}

/// Gate `abscissa`, where `flow` is Step: x′ = λ² − x − x_T mod p.                                  deg 5
/// | cell     | column       | block | tied by                                                          |
/// | λ        | range, Slope | cur   | pieces looked up; `ordinate`, for Double `relation` of the block before |
/// | x, x′    | range, X     | cur, next | pieces; x by the block before                                |
/// | x_T      | plain 0–3    | cur   | COPY (Double, Build) or the looked-up entry (Digit)              |
/// | q        | range, First | cur   | free, fixed by the check                                         |
/// | u0, u1   | carries 0, 1 | cur   | free, fixed by the check                                         |
/// λ² − x − x_T − x′ − (q − 8)·p = 0, as lo, hi, native.
/// Sound: all limbs are sums of range-checked pieces, x_T is a copy of such; see `limbs` for the bounds.
/// Complete: for canonical λ and x the quotient is between −3 and p.
fn configure_abscissa(cells: &mut Cells<'_, '_>) -> Vec<Named> {
    let on = cells.is(cells.config.flow, flow::STEP);
    let slope = cells.number(Number::Slope, 0);
    let (x, next) = (cells.number(Number::X, 0), cells.number(Number::X, 1));
    let target = cells.target(0);
    let quotient = cells.number(Number::First, 0);
    let check =
        abscissa(&slope, [&x, &target, &next]).minus(multiple_of_p(&quotient, abscissa_offset()));
    let carries = [cells.carry(0), cells.carry(1)];
    let names = ["abscissa.lo", "abscissa.hi", "abscissa.native"];
    vanishes(names, on, check, carries)
}

/// Gate `apart`, where `role` is Digit or Build: x ≠ x_T mod p, so that the chord is one.            deg 5
/// | cell | column   | block | tied by             |
/// | x    | range, X | cur   | see `abscissa`      |
/// | x_T  | plain    | cur   | see `abscissa`      |
/// | g    | plain    | cur   | free, fixed by (1)  |
/// | inv  | plain    | cur   | free; (2) needs one |
/// With d = x_T − x: (1) g = d²   (2) d·(g − p²)·inv = 1
/// Sound: x and x_T are below 2^254, so |d| < 2p; if p divides d then d is 0, p or −p, and (2) has no solution.
/// Complete: unless d is one of these mod r. For canonical d ≠ 0 that is d = ±r or ±(p − r); an honest chain, whose x is
/// as random as its offset, meets one of these or d = 0 with probability about 2^-250 an addition.
fn configure_apart(cells: &mut Cells<'_, '_>) -> Vec<Named> {
    let on = cells.unless(cells.config.role, &[0, role::ENTRY]);
    let d = cells.target(0).native() - cells.number(Number::X, 0).native();
    let square = cells.plain(plain::DISTANCE, 0);
    let inverse = cells.plain(plain::INVERSE, 0);
    let p = Int::p().to_fr();
    let distance = square.clone() - Ex::Constant(p * p);
    vec![
        (
            "apart.square",
            on.clone() * (square - d.clone() * d.clone()),
        ),
        ("apart.inverse", on * (d * distance * inverse - constant(1))),
    ]
}

/// Gate `ordinate`, where `flow` is Pass or Step: the y that this block leaves is the y that the next one needs.  deg 5
/// | cell      | column        | block     | tied by                                     |
/// | λ, λ′     | range, Slope  | cur, next | pieces; this gate                           |
/// | x′        | range, X      | next      | pieces; `abscissa` or `pass`                |
/// | x_T, ±y_T | plain         | cur, next | COPY, lookup or `materialise`               |
/// | q         | range, Second | cur       | free, fixed by the check                    |
/// | e         | plain         | cur       | (4); bits 254, 255 of the quotient          |
/// | u0, u1    | carries 2, 3  | cur       | free, fixed by the check                    |
/// λ(x_T − x′) + λ′(x_T′ − x′) − ±y_T − ±y_T′ − (q + 2^254·e − 2p − 8)·p = 0, as lo, hi, native
/// (4) e ∈ {0, 1, 2, 3}
/// Where a block materialises (x_T = x, and x′ = x for Pass) λ drops out: it leaves −y_T, and needs y = y_T.
/// Double (x_T = x, sign −, y_T of the Tangent before) needs y = −y_T.
fn configure_ordinate(cells: &mut Cells<'_, '_>) -> Vec<Named> {
    let on = cells.unless(cells.config.flow, &[0, flow::STOP]);
    let sides = [0, 1].map(|block| Side {
        slope: cells.number(Number::Slope, block),
        target: cells.target(block),
        sign: cells.sign(block),
        y_lo: cells.plain(plain::Y_LO, block),
        y_hi: cells.plain(plain::Y_HI, block),
    });
    let next: Limbs<Ex> = cells.number(Number::X, 1);
    let high = cells.plain(plain::HIGH, 0);
    let quotient = cells.number(Number::Second, 0).with_high(high.clone());
    let check = ordinate(sides, &next).minus(multiple_of_p(&quotient, ordinate_offset()));
    let carries = [cells.carry(2), cells.carry(3)];
    let names = ["ordinate.lo", "ordinate.hi", "ordinate.native"];
    let mut polynomials = vanishes(names, on, check, carries);
    let range = (1..4).fold(high.clone(), |product, i| {
        product * (high.clone() - constant(i))
    });
    let any_flow = cells.fixed(cells.config.flow, 0);
    polynomials.push(("ordinate.high", any_flow * range));
    polynomials
}
