//! Lies about the chain of a job.

use super::{ABSCISSA, Forger, Lie, to_fq};
use crate::{
    block::{Kind, plain},
    integer::Int,
    offset,
    tests::{native, random_inputs, rng},
    witness::{Digit, Step},
};
use halo2_base::halo2_proofs::halo2curves::{
    bn256::{Fr, G1, G1Affine},
    group::{Curve, Group},
};

pub(super) fn all() -> Vec<Lie> {
    vec![
        other_start(true),
        other_start(false),
        other_end(true),
        other_end(false),
        another_point_of_the_chord(),
        result_negated(),
        equal_points_added(),
        equal_points_hidden(),
    ]
}

fn other_start(copied: bool) -> Lie {
    let mut forger = Forger::random(1);
    forger.plan.offset[0] = G1::random(rng(7)).to_affine();
    let mut steps = forger.steps();
    if copied {
        steps[0].target = steps[2].target;
        return forger.lie(
            "another offset point",
            &["constant.start"],
            forger.fill(&steps),
        );
    }
    forger.lie(
        "chain starts elsewhere",
        &["copy.start"],
        forger.fill(&steps),
    )
}

fn other_end(copied: bool) -> Lie {
    let mut forger = Forger::random(1);
    forger.plan.offset[1] = G1::random(rng(8)).to_affine();
    let mut steps = forger.steps();
    if copied {
        steps[1].target = steps[forger.block(Kind::Result) - 1].target;
        return forger.lie(
            "another multiple of the offset",
            &["constant.end"],
            forger.fill(&steps),
        );
    }
    forger.lie(
        "another point taken away",
        &["copy.end"],
        forger.fill(&steps),
    )
}

/// Puts another point where the result is materialised.
fn put_result(forger: &Forger, steps: &mut [Step], [x, y]: [Int; 2]) {
    let at = forger.block(Kind::Result);
    let largest = Int::p() - Int::small(1);
    steps[at] = Step {
        slope: y,
        x,
        target: [x, y],
        complement: largest - x,
        ..steps[at]
    };
    steps[at + 1] = Step {
        slope: Int::from(&to_fq(x).square()),
        x: y,
        target: [x, y],
        complement: largest - y,
        ..steps[at + 1]
    };
    steps[at + 2].slope = x;
}

/// The chord meets the curve in a third point, but also in those that it was drawn through.
fn another_point_of_the_chord() -> Lie {
    let forger = Forger::random(1);
    let mut steps = forger.steps();
    let [x, y] = steps[forger.block(Kind::Result) - 1].target;
    put_result(&forger, &mut steps, [x, Int::p() - y]);
    forger.lie("the result is the summand", &ABSCISSA, forger.fill(&steps))
}

/// With a sign in the block of the result, `ordinate` sees y and the caller −y.
fn result_negated() -> Lie {
    let forger = Forger::random(1);
    let mut steps = forger.steps();
    let at = forger.block(Kind::Result);
    let [x, y] = steps[at].target;
    put_result(&forger, &mut steps, [x, Int::p() - y]);
    steps[at].negate = true;
    let lie = forger.lie("result negated", &["materialise.sign"], forger.fill(&steps));
    let honest = native(&forger.inputs[0]);
    assert_eq!(to_fq(steps[at].target[1]), -honest.y);
    lie
}

/// Two points, the second one equal to the accumulator that it is added to first.
fn equal_points(seed: u64) -> Forger {
    let mut inputs = random_inputs(&[2], seed).remove(0);
    let one = Digit {
        entry: 0,
        negate: false,
    };
    let before: G1 = inputs[0].0 - offset::points()[0];
    inputs[1].0 = before.to_affine();
    let mut forger = Forger::new(inputs);
    forger
        .plan
        .digits
        .iter_mut()
        .for_each(|digits| digits[63] = one);
    forger.account();
    forger.plan.forced = true;
    forger
}

fn equal_points_added() -> Lie {
    let forger = equal_points(33);
    forger.lie("equal points", &["apart.inverse"], forger.follow())
}

/// x and x + p are different integers: their distance is p, and is passed off as another.
fn equal_points_hidden() -> Lie {
    let fits = |p: &G1Affine| Int::from(&p.x).bits(252, 4) == 0;
    let forger = (40..)
        .map(equal_points)
        .find(|forger| fits(&forger.inputs[0][1].0))
        .unwrap();
    let mut steps = forger.steps();
    let at = forger.block(Kind::Digit) + 1;
    assert_eq!(steps[at].x, steps[at].target[0]);
    steps[at].x = steps[at].x + Int::p();
    let mut witness = forger.fill(&steps);
    let p = Int::p().to_fr();
    let square = Fr::from(5);
    let inverse = (-p * (square - p.square())).invert().unwrap();
    forger.set(&mut witness, at, plain::DISTANCE, square);
    forger.set(&mut witness, at, plain::INVERSE, inverse);
    forger.lie("equal points, p apart", &["apart.square"], witness)
}
