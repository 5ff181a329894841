//! Lies against the modular check: numbers V that are not 0 but 0 mod r, or 0 mod 2^272. All stand in a table whose later
//! entries no digit uses.

use super::{
    Forger, Lie,
    tables::{twice_block, walk},
    to_fq,
};
use crate::{
    Witness,
    block::{Number, plain},
    formulas::{
        Relation, Side, abscissa, abscissa_offset, multiple_of_p, ordinate, ordinate_offset,
        relation,
    },
    integer::Int,
    limbs::{Check, HALF_BITS, NUMBER_BITS, PIECE_BITS, PIECES, limbs_of},
    witness::Step,
};
use halo2_base::halo2_proofs::halo2curves::{
    bn256::{Fq, Fr},
    ff::Field,
};

pub(super) fn all() -> Vec<Lie> {
    let [a, o, t] = [a_wrong_abscissa, a_wrong_ordinate, a_wrong_tangent];
    vec![
        zero_mod_272(&ABSCISSA, a),
        zero_mod_272(&ORDINATE, o),
        zero_mod_272(&TANGENT, t),
        zero_mod_r(&ABSCISSA, a),
        zero_mod_r(&ORDINATE, o),
        zero_mod_r(&TANGENT, t),
    ]
}

/// One of the three checks.
struct Target {
    names: [&'static str; 2],
    native: [&'static str; 1],
    halves: [&'static str; 2],
    /// Block before the one that materialises -2P.
    before: usize,
    quotient: Number,
    bits: usize,
}

const ABSCISSA: Target = Target {
    names: ["x with V = 0 mod 2^272", "x with V = 0 mod r"],
    native: ["abscissa.native"],
    halves: ["abscissa.lo", "abscissa.hi"],
    before: 1,
    quotient: Number::First,
    bits: NUMBER_BITS,
};
const ORDINATE: Target = Target {
    names: ["y with V = 0 mod 2^272", "y with V = 0 mod r"],
    native: ["ordinate.native"],
    halves: ["ordinate.lo", "ordinate.hi"],
    before: 1,
    quotient: Number::Second,
    bits: NUMBER_BITS + 2,
};
const TANGENT: Target = Target {
    names: ["slope with V = 0 mod 2^272", "slope with V = 0 mod r"],
    native: ["relation.native"],
    halves: ["relation.lo", "relation.hi"],
    before: 2,
    quotient: Number::First,
    bits: NUMBER_BITS + 2,
};

/// The V of the check for attempt number i, with the offset of its quotient; and the point that stands for -2P, λ.
type Attempt = fn(&[Step; 3], u64) -> (Check<Int>, Int, [Fq; 3]);

/// [Tangent, Double, Pass]: -2P gets another x.
fn a_wrong_abscissa([_, double, _]: &[Step; 3], i: u64) -> (Check<Int>, Int, [Fq; 3]) {
    let next = Fq::from(i);
    let [slope, x, target] = [double.slope, double.x, double.target[0]].map(limbs_of);
    let check = abscissa(&slope, [&x, &target, &limbs_of(Int::small(i))]);
    let [slope, x, y] = [double.slope, double.x, double.target[1]].map(to_fq);
    let point = [next, slope * (x - next) + y, slope];
    (check, abscissa_offset(), point)
}

/// -2P gets another y.
fn a_wrong_ordinate([_, double, pass]: &[Step; 3], i: u64) -> (Check<Int>, Int, [Fq; 3]) {
    let y = Int::small(i);
    let side = |step: &Step, slope: Int, y: Int, sign: Int| Side {
        slope: limbs_of(slope),
        target: limbs_of(step.target[0]),
        sign,
        y_lo: y.low(HALF_BITS),
        y_hi: y.shr(HALF_BITS),
    };
    let one = Int::small(1);
    let sides = [
        side(double, double.slope, double.target[1], -one),
        side(pass, y, y, one),
    ];
    let check = ordinate(sides, &limbs_of(pass.x));
    let point = [to_fq(pass.x), Fq::from(i), to_fq(double.slope)];
    (check, ordinate_offset(), point)
}

/// The doubling has another slope.
fn a_wrong_tangent([tangent, double, _]: &[Step; 3], i: u64) -> (Check<Int>, Int, [Fq; 3]) {
    let [zero, one] = [Int::ZERO, Int::small(1)];
    let which = Relation {
        tangent: one,
        square: zero,
        curve: zero,
    };
    // Of the size of p, so that V is of the size of p².
    let slope = Fq::from(i + 2).invert().unwrap();
    let numbers = [tangent.x, tangent.slope, Int::from(&slope)].map(limbs_of);
    let check = relation(&which, &numbers[0], &numbers[1], &numbers[2]);
    let [x, y] = [double.x, double.target[1]].map(to_fq);
    let next = slope.square() - x.double();
    (check, zero, [next, slope * (x - next) + y, slope])
}

/// Everything as the attempt says, and the rest of the table after it.
fn follow(forger: &Forger, [x, y, slope]: [Fq; 3]) -> Vec<Step> {
    let mut steps = forger.steps();
    let pass = twice_block(forger);
    steps[pass - 1].slope = Int::from(&slope);
    walk(forger, &mut steps, pass, [x, y]);
    steps
}

fn around(forger: &Forger) -> [Step; 3] {
    let steps = forger.steps();
    let pass = twice_block(forger);
    std::array::from_fn(|i| steps[pass - 2 + i])
}

/// Quotients are chosen mod 2^256 by `fill`; one attempt in 2^16 is right mod 2^272, with a quotient in its range.
fn zero_mod_272(target: &Target, attempt: Attempt) -> Lie {
    let forger = Forger::first_entries_only();
    let around = around(&forger);
    let passes = |i: &u64| {
        let (check, offset, _) = attempt(&around, *i);
        let quotient = check.native * Int::p_inverse() + offset;
        if target.bits < 256 && quotient.shr(target.bits) != Int::ZERO {
            return false;
        }
        let rest = check.minus(multiple_of_p(&limbs_of(quotient), offset));
        let u0 = rest.lo.shr_signed(HALF_BITS);
        (rest.hi + u0).low(HALF_BITS) == Int::ZERO
    };
    let i = (3..1 << 22).find(passes).unwrap();
    let steps = follow(&forger, attempt(&around, i).2);
    forger.lie(target.names[0], &target.native, forger.fill(&steps))
}

/// The quotient that the field knows.
fn zero_mod_r(target: &Target, attempt: Attempt) -> Lie {
    let forger = Forger::first_entries_only();
    let around = around(&forger);
    let (_, offset, point) = attempt(&around, 5);
    let steps = follow(&forger, point);
    let mut witness = forger.fill(&steps);
    let block = twice_block(&forger) - target.before;
    let native = value_mod_r(target, &steps[block..block + 2]);
    let quotient = native * Int::p().to_fr().invert().unwrap() + offset.to_fr();
    put(
        &forger,
        &mut witness,
        block,
        target.quotient,
        Int::from(&quotient),
    );
    forger.lie(target.names[1], &target.halves, witness)
}

/// V in the field of the circuit.
fn value_mod_r(target: &Target, steps: &[Step]) -> Fr {
    let [a, b] = [&steps[0], &steps[1]];
    let [slope, x, next] = [a.slope, a.x, b.x].map(Int::to_fr);
    let [tx, ty, tx1, ty1] = [a.target[0], a.target[1], b.target[0], b.target[1]].map(Int::to_fr);
    match target.names[0].as_bytes()[0] {
        b'x' => slope.square() - x - tx - next,
        // A double has the sign −, a materialised point the sign +.
        b'y' => slope * (tx - next) + b.slope.to_fr() * (tx1 - next) + ty - ty1,
        _ => x.square() * Fr::from(3) + slope * b.slope.to_fr().double(),
    }
}

/// Writes a quotient below 2^254.
fn put(forger: &Forger, witness: &mut Witness, block: usize, number: Number, value: Int) {
    let width = super::WIDTH;
    for i in 0..PIECES {
        let spot = width.piece(number, i);
        let bits = PIECE_BITS.min(NUMBER_BITS - PIECE_BITS * i);
        witness.range[spot.column][block * width.rows() + spot.row] =
            value.bits(PIECE_BITS * i, bits);
    }
    let high = match number {
        Number::Second => vec![plain::HIGH],
        _ if forger.layout.blocks[block].kind == crate::block::Kind::Tangent => {
            vec![plain::BIT_0, plain::BIT_1]
        }
        _ => vec![],
    };
    high.into_iter()
        .for_each(|cell| forger.set(witness, block, cell, Fr::ZERO));
    witness.count(&forger.layout);
}
