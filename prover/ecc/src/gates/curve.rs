//! Relations beside the chain: the tangent's slope, the curve's equation, canonical coordinates.

use super::{Cells, Gates, Named, check::selected, constant};
use crate::{
    block::{Number, flow, plain, relation},
    formulas::{self, Relation, multiple_of_p},
    integer::Int,
    limbs::{HALF_BITS, Ring, limbs_of},
};

pub(super) fn configure(gates: &mut Gates<'_>) {
    gates.gate("relation", configure_relation);
    gates.gate("curve", configure_links);
    gates.gate("canonical", configure_canonical);
}

/// Gate `relation`, one check for three codes of `relation`.                                          deg 5
/// | cell     | column        | block     | tied by                                                       |
/// | X        | range, X      | cur       | pieces; Tangent, Point: = plain x (`materialise`); Curve: = y (`curve`) |
/// | λ        | range, Slope  | cur       | pieces; Tangent, Point: = plain y; Curve: = x², this gate in the block before |
/// | λ′       | range, Slope  | next      | Tangent: the slope that Double uses; Square: free; Curve: = x (`curve`) |
/// | q, u     | range, First, carries 0, 1 | cur | free, fixed by the check                              |
/// | b0, b1   | plain         | cur       | (4), (5); bits 254, 255 of the quotient (0 for Square)        |
/// Tangent: 3X² + 2λλ′ = q′p     Square: X² − λ′ = q·p     Curve: X² − λλ′ − 3 = (q′ − p − 8)·p
/// with q′ = q + 2^254·(b0 + 2·b1)
/// (4), (5): b·(b − 1) = 0 for Tangent and Curve
/// Sound: y ≠ 0 on the curve (its order is odd), so Tangent has one λ′ mod p.
/// Complete: quotients are below 5p < 2^256 (Tangent), p (Square), 2p + 8 (Curve) for canonical numbers.
fn configure_relation(cells: &mut Cells<'_, '_>) -> Vec<Named> {
    let column = cells.config.relation;
    let which = Relation {
        tangent: cells.is(column, relation::TANGENT),
        square: cells.is(column, relation::SQUARE),
        curve: cells.is(column, relation::CURVE),
    };
    let (x, slope) = (cells.number(Number::X, 0), cells.number(Number::Slope, 0));
    let next_slope = cells.number(Number::Slope, 1);
    let bits = [plain::BIT_0, plain::BIT_1].map(|cell| cells.plain(cell, 0));
    let high = bits[0].clone() + bits[1].clone().shl(1);
    let quotient = cells
        .number(Number::First, 0)
        .times(&which.any())
        .with_high(which.wide() * high)
        .minus(&which.offset());
    let check = formulas::relation(&which, &x, &slope, &next_slope)
        .minus(multiple_of_p(&quotient, Int::ZERO));
    let carries = [cells.carry(0), cells.carry(1)];
    let names = ["relation.lo", "relation.hi", "relation.native"];
    let mut polynomials = selected(names, which.any(), check, carries);
    let wide = cells.unless(column, &[0, relation::SQUARE]);
    for bit in bits {
        let range = bit.clone() * (bit - constant(1));
        polynomials.push(("relation.bits", wide.clone() * range));
    }
    polynomials
}

/// Gate `curve`: what `Curve` and `Spare` hold is what stands in `Point` or `Result` before them.      deg 4
/// Square:  (1), (2) X′ = λ in both halves: the y of the point moves to slot X.
/// Curve:   (3), (4) λ′ = plain x in both halves (x is a COPY of the point's).
/// Tangent: (5) the sign of the next block (Double) is −: it starts from −y.
/// Halves are below 2^136, so equations in the field are equations of integers.
fn configure_links(cells: &mut Cells<'_, '_>) -> Vec<Named> {
    let column = cells.config.relation;
    let square = cells.is(column, relation::SQUARE);
    let curve = cells.is(column, relation::CURVE);
    let tangent = cells.is(column, relation::TANGENT);
    let y = cells.number(Number::Slope, 0);
    let next_x = cells.number(Number::X, 1).minus(&y);
    let next_slope = cells.number(Number::Slope, 1).minus(&cells.target(0));
    let next_sign = cells.plain(plain::SIGN, 1);
    vec![
        ("curve.y", square.clone() * next_x.lo()),
        ("curve.y", square * next_x.hi()),
        ("curve.x", curve.clone() * next_slope.lo()),
        ("curve.x", curve * next_slope.hi()),
        ("double.sign", tangent * (next_sign - constant(1))),
    ]
}

/// Gate `canonical`, where `relation` is Square or Curve: X < p, for x of a point and for its y.       deg 4
/// | cell | column        | block | tied by                                |
/// | X    | range, X      | cur   | `materialise` (x), `curve` (y)         |
/// | X̄    | range, Second | cur   | pieces, so X̄ ≥ 0; fixed by (2)         |
/// With c = hi(p − 1) − hi(X) − hi(X̄): (1) c·(c − 1) = 0   (2) lo(X) + lo(X̄) = lo(p − 1) + 2^136·c
/// Sound: (1) makes c a bit, so (2) holds over the integers and X + X̄ = p − 1.
fn configure_canonical(cells: &mut Cells<'_, '_>) -> Vec<Named> {
    let on = cells.unless(cells.config.relation, &[0, relation::TANGENT]);
    let (x, rest) = (cells.number(Number::X, 0), cells.number(Number::Second, 0));
    let largest = limbs_of(Int::p() - Int::small(1));
    let carry = super::Ex::constant(largest.hi()) - x.hi() - rest.hi();
    let lo = x.lo() + rest.lo() - super::Ex::constant(largest.lo());
    vec![
        (
            "canonical.carry",
            on.clone() * carry.clone() * (carry.clone() - constant(1)),
        ),
        ("canonical.lo", on * (lo - carry.shl(HALF_BITS))),
    ]
}

/// The codes of `flow` that the cards above rely on.
const _: () = assert!(flow::TOP == 3 && relation::TOP == 3);
