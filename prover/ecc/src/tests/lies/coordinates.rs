//! Lies about coordinates, and numbers out of their range.

use super::{Forger, Lie, RELATION, to_fq};
use crate::{
    Witness,
    block::{Kind, plain},
    integer::Int,
    limbs::{HALF_BITS, limbs_of},
    witness::Step,
};
use halo2_base::halo2_proofs::halo2curves::{
    bn256::{Fq, Fr},
    ff::Field,
};

pub(super) fn all() -> Vec<Lie> {
    vec![
        large_x(true),
        large_x(false),
        large_y_checked(),
        large_y_unchecked(),
        large_x_in_spare(),
        large_x_in_curve(),
        off_curve_result(),
        bits_that_are_none(),
        high_that_is_none(),
        carry_out_of_range(),
        top_piece_out_of_range(),
        multiplicities(),
    ]
}

fn order() -> Int {
    Int::from(&-Fr::ONE) + Int::small(1)
}

/// A complement that is none: X + it = p − 1 + r.
fn wrapped_complement(x: Int) -> Int {
    order() + Int::p() - Int::small(1) - x
}

/// Writes x + p for the input's x, everywhere.
fn enlarge_x(steps: &mut [Step], x: Int) {
    for step in steps {
        if step.x == x {
            step.x = x + Int::p();
        }
        if step.target[0] == x {
            step.target[0] = x + Int::p();
        }
    }
}

fn large_x(wrapped: bool) -> Lie {
    let forger = Forger::small_coordinates();
    let mut steps = forger.steps();
    enlarge_x(&mut steps, Int::small(1));
    let point = forger.block(Kind::Point);
    steps[point + 2].slope = Int::small(1) + Int::p();
    let large = steps[point].x;
    if wrapped {
        steps[point].complement = wrapped_complement(large);
        return forger.lie(
            "x + p, bounded mod r",
            &["canonical.carry"],
            forger.fill(&steps),
        );
    }
    // The upper halves add up.
    let largest = limbs_of(Int::p() - Int::small(1));
    assert_eq!(limbs_of(large).hi(), largest.hi());
    steps[point].complement = Int::small(3);
    forger.lie(
        "x + p, lower half free",
        &["canonical.lo"],
        forger.fill(&steps),
    )
}

/// Writes y + p for the input's y, everywhere but in `Curve`.
fn enlarge_y(forger: &Forger, steps: &mut [Step]) -> usize {
    let y = Int::small(2);
    let point = forger.block(Kind::Point);
    for step in steps.iter_mut() {
        if step.target[1] == y {
            step.target[1] = y + Int::p();
        }
    }
    for block in [point, point + 3] {
        assert_eq!(steps[block].slope, y);
        steps[block].slope = y + Int::p();
    }
    point
}

fn large_y_checked() -> Lie {
    let forger = Forger::small_coordinates();
    let mut steps = forger.steps();
    let point = enlarge_y(&forger, &mut steps);
    let curve = &mut steps[point + 1];
    curve.x = Int::small(2) + Int::p();
    curve.complement = wrapped_complement(curve.x);
    forger.lie(
        "y + p, bounded mod r",
        &["canonical.carry"],
        forger.fill(&steps),
    )
}

fn large_y_unchecked() -> Lie {
    let forger = Forger::small_coordinates();
    let mut steps = forger.steps();
    enlarge_y(&forger, &mut steps);
    forger.lie("y + p, and y is checked", &["curve.y"], forger.fill(&steps))
}

fn large_x_in_spare() -> Lie {
    let forger = Forger::small_coordinates();
    let mut steps = forger.steps();
    let point = forger.block(Kind::Point);
    steps[point + 2].slope = Int::small(1) + Int::p();
    forger.lie(
        "another x in the equation",
        &["curve.x"],
        forger.fill(&steps),
    )
}

fn large_x_in_curve() -> Lie {
    let forger = Forger::small_coordinates();
    let mut steps = forger.steps();
    let point = forger.block(Kind::Point);
    steps[point + 1].target[0] = Int::small(1) + Int::p();
    steps[point + 2].slope = Int::small(1) + Int::p();
    forger.lie(
        "another x beside the equation",
        &["copy.curve"],
        forger.fill(&steps),
    )
}

/// A multiple of y in the result's relation only.
fn off_curve_result() -> Lie {
    let forger = Forger::random(1);
    let mut steps = forger.steps();
    let result = forger.block(Kind::Result);
    let wrong = to_fq(steps[result + 1].slope) + Fq::ONE;
    steps[result + 1].slope = Int::from(&wrong);
    forger.lie("x² is another number", &RELATION, forger.fill(&steps))
}

/// b0 + 2·b1 is as it was.
fn bits_that_are_none() -> Lie {
    let forger = Forger::random(1);
    let mut witness = forger.follow();
    let set = |cell: usize, at: usize, w: &Witness| forger.get(w, at, cell);
    let tangents = forger.blocks(Kind::Tangent);
    let has_high = |at: &&usize| set(plain::BIT_1, **at, &witness) == Fr::ONE;
    let at = *tangents.iter().find(has_high).unwrap();
    let low = forger.get(&witness, at, plain::BIT_0);
    forger.set(&mut witness, at, plain::BIT_0, low + Fr::from(2));
    forger.set(&mut witness, at, plain::BIT_1, Fr::ZERO);
    forger.lie("bits that are none", &["relation.bits"], witness)
}

fn high_that_is_none() -> Lie {
    let forger = Forger::random(1);
    let mut witness = forger.follow();
    let at = forger.block(Kind::LastEntry);
    forger.set(&mut witness, at, plain::HIGH, Fr::from(4));
    forger.lie("upper bits of a quotient", &["ordinate.high"], witness)
}

/// Changes a piece and the next one, so that their sum stays.
fn shift_pieces(forger: &Forger, spots: [crate::block::Spot; 2], by: [u32; 2]) -> Witness {
    let mut witness = forger.follow();
    let rows = super::WIDTH.rows();
    let fits = |block: &usize| {
        let piece = witness.range[spots[1].column][block * rows + spots[1].row];
        piece >= by[1]
    };
    let at = (600..).find(fits).unwrap() * rows;
    witness.range[spots[0].column][at + spots[0].row] += by[0];
    witness.range[spots[1].column][at + spots[1].row] -= by[1];
    witness.count(&forger.layout);
    witness
}

fn carry_out_of_range() -> Lie {
    let forger = Forger::random(2);
    let spots = [0, 1].map(|i| super::WIDTH.carry_piece(2, i));
    let witness = shift_pieces(&forger, spots, [2 << 16, 2]);
    forger.lie("carry out of range", &["logup.edge"], witness)
}

/// In range as a piece, not as a top piece.
fn top_piece_out_of_range() -> Lie {
    use crate::block::Number;
    let forger = Forger::random(1);
    let mut witness = forger.follow();
    // A number that nothing reads, so that only its range is at stake.
    let at = forger.block(Kind::Spare) * super::WIDTH.rows();
    let spot = super::WIDTH.piece(Number::X, 14);
    witness.range[spot.column][at + spot.row] = 1 << 16;
    witness.count(&forger.layout);
    forger.lie("top piece of 17 bits", &["logup.edge"], witness)
}

fn multiplicities() -> Lie {
    let forger = Forger::random(1);
    let mut witness = forger.follow();
    witness.multiplicities[5] += 1;
    witness.multiplicities[0] -= 1;
    forger.lie("multiplicities that cancel", &["logup.edge"], witness)
}

#[test]
fn halves_are_what_the_lies_assume() {
    assert_eq!(
        Int::p().shr(HALF_BITS),
        (Int::p() - Int::small(1)).shr(HALF_BITS)
    );
}
