//! The table of bounds in `limbs`, computed: the formulas of the gates evaluated on intervals, each piece free in its range.

use crate::{
    formulas::{
        Relation, Side, abscissa, abscissa_offset, multiple_of_p, ordinate, ordinate_offset,
        relation, relation_offset,
    },
    integer::Int,
    limbs::{CARRY_PIECES, Check, LIMB_BITS, Limbs, NUMBER_BITS, PIECE_BITS, PIECES, Ring, carry},
};
use halo2_base::halo2_proofs::halo2curves::{
    bn256::Fr,
    ff::{Field, PrimeField},
};
use num_bigint::{BigInt, Sign};
use std::ops::{Add, Mul, Sub};

/// All integers from the first to the second.
#[derive(Clone, Debug)]
struct Interval(BigInt, BigInt);

impl Add for Interval {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Interval(self.0 + other.0, self.1 + other.1)
    }
}
impl Sub for Interval {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Interval(self.0 - other.1, self.1 - other.0)
    }
}
impl Mul for Interval {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        let (a, b) = ([&self.0, &self.1], [&other.0, &other.1]);
        let products = a.iter().flat_map(|x| b.iter().map(move |y| *x * *y));
        let products: Vec<BigInt> = products.collect();
        Interval(
            products.iter().min().unwrap().clone(),
            products.iter().max().unwrap().clone(),
        )
    }
}
impl Ring for Interval {
    fn constant(value: Int) -> Self {
        let value = integer(value);
        Interval(value.clone(), value)
    }
}

impl Interval {
    fn up_to(max: BigInt) -> Self {
        Interval(BigInt::ZERO, max)
    }

    /// Bits of the largest absolute value.
    fn bits(&self) -> u64 {
        self.0.bits().max(self.1.bits())
    }
}

fn power(n: usize) -> BigInt {
    BigInt::from(1) << n
}

fn integer(value: Int) -> BigInt {
    let bytes: Vec<u8> = value.0.iter().flat_map(|w| w.to_le_bytes()).collect();
    BigInt::from_signed_bytes_le(&bytes)
}

fn order() -> BigInt {
    BigInt::from_bytes_le(Sign::Plus, (-Fr::ONE).to_repr().as_ref()) + 1
}

/// Any pieces that the lookups allow.
fn number() -> Limbs<Interval> {
    let pieces: Vec<Interval> = (0..PIECES)
        .map(|i| Interval::up_to(power(PIECE_BITS - (i + 1 == PIECES) as usize) - 1))
        .collect();
    Limbs::from_pieces(&pieces)
}

/// With two bits above.
fn wide_number() -> Limbs<Interval> {
    number().with_high(Interval::up_to(3.into()))
}

fn half() -> Interval {
    Interval::up_to(power(2 * LIMB_BITS) - 1)
}

fn signs() -> Interval {
    Interval((-1).into(), 1.into())
}

/// The checks of all gates with everything free that a forger is free to choose.
fn checks() -> Vec<Check<Interval>> {
    let n = number;
    let side = || Side {
        slope: n(),
        target: n(),
        sign: signs(),
        y_lo: half(),
        y_hi: half(),
    };
    let one = || Interval::constant(Int::small(1));
    let zero = || Interval::constant(Int::ZERO);
    let mut checks = vec![
        abscissa(&n(), [&n(), &n(), &n()]).minus(multiple_of_p(&n(), abscissa_offset())),
        ordinate([side(), side()], &n()).minus(multiple_of_p(&wide_number(), ordinate_offset())),
    ];
    for i in 0..3 {
        let on = |j| if i == j { one() } else { zero() };
        let which = Relation {
            tangent: on(0),
            square: on(1),
            curve: on(2),
        };
        let offset = if i == 2 { relation_offset() } else { Int::ZERO };
        let off = multiple_of_p(&wide_number(), offset);
        checks.push(relation(&which, &n(), &n(), &n()).minus(off));
    }
    checks
}

#[test]
fn a_check_that_holds_in_the_field_holds_over_the_integers() {
    let modulus: BigInt = order() << 272;
    for check in checks() {
        assert!(check.native.bits() <= 512, "{}", check.native.bits());
        assert!(
            check.native.0.magnitude().max(check.native.1.magnitude()) * 2u32
                < *modulus.magnitude()
        );
        assert!(check.lo.bits().max(check.hi.bits()) <= 210);
        let pieces = vec![Interval::up_to(power(PIECE_BITS) - 1); CARRY_PIECES];
        let u = carry(&pieces);
        assert!(u.bits() <= 82);
        // Both equations, as large as their sides can be.
        let largest =
            power(check.lo.bits().max(check.hi.bits()) as usize) + power(136 + 82) + power(82);
        assert!(largest < order() / 2);
    }
}

/// Carries follow from the exact V = 0, so their size is that of lo and hi.
#[test]
fn honest_carries_have_a_form() {
    for check in checks() {
        let u0 = check.lo.bits() - 136;
        let u1 = check.hi.bits().max(u0) + 1 - 136;
        assert!(u0.max(u1) <= 76, "{u0} {u1}");
    }
}

/// Quotients of honest rows, whose numbers are below p, fit into their cells.
#[test]
fn honest_quotients_have_a_form() {
    let p = integer(Int::p());
    let below_p = || Interval::up_to(&p - 1);
    let square = below_p() * below_p();
    let difference = below_p() * (below_p() - below_p());
    let fits = |v: Interval, offset: Int, bits: usize| {
        let least = &v.0 + integer(offset) * &p;
        let largest: BigInt = &v.1 / &p + integer(offset);
        assert!(least >= BigInt::ZERO && largest < power(bits));
    };
    let three = below_p() + below_p() + below_p();
    fits(square.clone() - three, abscissa_offset(), NUMBER_BITS);
    let y = || below_p() * signs();
    fits(
        difference.clone() + difference - y() - y(),
        ordinate_offset(),
        NUMBER_BITS + 2,
    );
    let five = square.clone().scaled(Int::small(5));
    fits(five, Int::ZERO, NUMBER_BITS + 2);
    // x² − (x² mod p) is never negative.
    fits(square.clone(), Int::ZERO, NUMBER_BITS);
    let curve = square.clone() - square - Interval::constant(Int::small(3));
    fits(curve, relation_offset(), NUMBER_BITS + 2);
}

#[test]
fn apart_sees_every_multiple_of_p() {
    // |x_T − x| < 2^254 < 2p: the multiples of p are −p, 0, p. And 2^254 < 2r, r ≠ p: no two of them are equal mod r.
    let p = integer(Int::p());
    assert!(power(NUMBER_BITS) < &p * 2u32);
    assert!(p != order() && p < order() * 2u32);
}

/// The weights of a lookup cannot cancel: any sum of distinct ±16^i, i < 64, is below r.
#[test]
fn weights_cannot_cancel() {
    let largest: BigInt = (0..64).map(|i| power(4 * i)).sum();
    assert!(largest < order());
    // And each is an odd multiple of the least power, so it is not 0.
}
