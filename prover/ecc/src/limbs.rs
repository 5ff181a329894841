//! Numbers below 2^254 as limbs, and the modular check.
//!
//! A number is 15 *pieces* of 17 bits, the last one of 16 (the lookup argument says so for every piece cell). Gates see
//! four *limbs* to base B = 2^68, each a sum of four pieces (the last of three): limbs are expressions, not cells.
//!
//! An identity mod p is checked as `V = 0` over the integers, where V is a sum of products, less a quotient times p.
//! With c_i the i-th coefficient of V to base B:
//!
//! ```text
//! lo     = c0 + B·c1          lo      = 2^136·u0
//! hi     = c2 + B·c3          hi + u0 = 2^136·u1
//! native = V mod r            native  = 0            (r: the field of the circuit)
//! ```
//! The first two give V = 0 mod 2^272, if they hold over the integers; the third V = 0 mod r; r is odd, so
//! V = 0 mod r·2^272, and V = 0 if |V| < r·2^272. Bounds, for the largest numbers that a forger can write (the test
//! `bounds` computes them from the formulas below, with intervals for numbers):
//!
//! | quantity | below | needed for |
//! |---|---|---|
//! | \|V\| | 2^512 | < r·2^272 = 2^525.6: V = 0 |
//! | \|lo\|, \|hi\| | 2^210 | |
//! | \|u\| with its offset | 2^82 | \|lo\| + 2^136·\|u\| < 2^219 < r/2: equations in the field hold over the integers |
//! | \|u\| of honest rows | 2^76 | < 2^79: every honest carry has a form |
//!
//! The same functions make gates (`T` an expression), witnesses (`T` = [`Int`]) and bounds (`T` an interval).

use crate::integer::Int;
use halo2_base::halo2_proofs::{halo2curves::bn256::Fr, plonk::Expression};
use std::ops::{Add, Mul, Sub};

/// Bits of a piece.
pub(crate) const PIECE_BITS: usize = 17;
/// Pieces of a number.
pub(crate) const PIECES: usize = 15;
/// Bits of a number.
pub(crate) const NUMBER_BITS: usize = PIECE_BITS * PIECES - 1;
/// Bits of a limb.
pub(crate) const LIMB_BITS: usize = 4 * PIECE_BITS;
/// Bits of the lower half of a number.
pub(crate) const HALF_BITS: usize = 2 * LIMB_BITS;
/// Pieces of a carry.
pub(crate) const CARRY_PIECES: usize = 5;
/// A carry is written to base 2^16, so that its pieces may stand in a column of 16 bits as well.
pub(crate) const CARRY_PIECE_BITS: usize = 16;
/// A carry u is written as u + 2^79.
pub(crate) const CARRY_OFFSET_BITS: usize = CARRY_PIECES * CARRY_PIECE_BITS - 1;

/// What the formulas compute with.
pub(crate) trait Ring:
    Clone + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self>
{
    /// A signed constant.
    fn constant(value: Int) -> Self;

    /// Times a constant.
    fn scaled(self, by: Int) -> Self {
        self * Self::constant(by)
    }

    /// Times 2^n.
    fn shl(self, n: usize) -> Self {
        self.scaled(Int::power_of_two(n))
    }
}

impl Ring for Int {
    fn constant(value: Int) -> Self {
        value
    }
}

impl Ring for Expression<Fr> {
    fn constant(value: Int) -> Self {
        Expression::Constant(value.to_fr())
    }

    fn scaled(self, by: Int) -> Self {
        self * by.to_fr()
    }
}

/// `Σ digits[i]·2^(bits·i)`.
pub(crate) fn compose<T: Ring>(digits: &[T], bits: usize) -> T {
    digits
        .iter()
        .rev()
        .cloned()
        .reduce(|acc, digit| acc.shl(bits) + digit)
        .unwrap_or_else(|| T::constant(Int::ZERO))
}

/// A number as limbs to base 2^68. Limbs of differences and of quotients with their offset may be negative.
#[derive(Clone, Debug)]
pub(crate) struct Limbs<T>(pub(crate) [T; 4]);

impl<T: Ring> Limbs<T> {
    /// From the pieces, least first.
    pub(crate) fn from_pieces(pieces: &[T]) -> Self {
        Limbs(std::array::from_fn(|i| {
            compose(&pieces[4 * i..PIECES.min(4 * i + 4)], PIECE_BITS)
        }))
    }

    /// Of a constant below 2^256.
    pub(crate) fn constant(value: Int) -> Self {
        Limbs(limbs_of(value).0.map(T::constant))
    }

    /// Limb i and the next one, as one number.
    fn pair(&self, i: usize) -> T {
        self.0[i + 1].clone().shl(LIMB_BITS) + self.0[i].clone()
    }

    /// Limbs 0 and 1 as one number.
    pub(crate) fn lo(&self) -> T {
        self.pair(0)
    }

    /// Limbs 2 and 3 as one number.
    pub(crate) fn hi(&self) -> T {
        self.pair(2)
    }

    /// The number.
    pub(crate) fn native(&self) -> T {
        self.hi().shl(HALF_BITS) + self.lo()
    }

    pub(crate) fn minus(&self, other: &Self) -> Self {
        Limbs(std::array::from_fn(|i| {
            self.0[i].clone() - other.0[i].clone()
        }))
    }

    pub(crate) fn times(&self, factor: &T) -> Self {
        Limbs(self.0.clone().map(|limb| factor.clone() * limb))
    }

    /// Adds `high·2^254`.
    pub(crate) fn with_high(mut self, high: T) -> Self {
        let top = self.0[3].clone();
        self.0[3] = top + high.shl(NUMBER_BITS - 3 * LIMB_BITS);
        self
    }

    /// The number as the V of a check.
    pub(crate) fn alone(&self) -> Check<T> {
        Check {
            lo: self.lo(),
            hi: self.hi(),
            native: self.native(),
        }
    }

    /// The product with another number: c0 + B·c1 = a0·(b0 + B·b1) + a1·B·b0, and so on.
    pub(crate) fn product(&self, other: &Self) -> Check<T> {
        let (a, b) = (&self.0, &other.0);
        let b0 = b[0].clone().shl(LIMB_BITS);
        Check {
            lo: a[0].clone() * other.pair(0) + a[1].clone() * b0.clone(),
            hi: a[0].clone() * other.pair(2)
                + a[1].clone() * other.pair(1)
                + a[2].clone() * other.pair(0)
                + a[3].clone() * b0,
            native: self.native() * other.native(),
        }
    }

    /// The product with p.
    pub(crate) fn times_p(&self) -> Check<T> {
        let p = limbs_of(Int::p());
        let q = &self.0;
        let p0 = p.0[0].shl(LIMB_BITS);
        Check {
            lo: q[0].clone().scaled(p.pair(0)) + q[1].clone().scaled(p0),
            hi: q[0].clone().scaled(p.pair(2))
                + q[1].clone().scaled(p.pair(1))
                + q[2].clone().scaled(p.pair(0))
                + q[3].clone().scaled(p0),
            native: self.native() * T::constant(Int::p()),
        }
    }
}

/// The limbs of a number below 2^256.
pub(crate) fn limbs_of(value: Int) -> Limbs<Int> {
    Limbs(std::array::from_fn(|i| {
        let shifted = value.shr(LIMB_BITS * i);
        if i == 3 {
            shifted
        } else {
            shifted.low(LIMB_BITS)
        }
    }))
}

/// The three views of an integer V that is to be zero.
#[derive(Clone, Debug)]
pub(crate) struct Check<T> {
    pub(crate) lo: T,
    pub(crate) hi: T,
    /// V itself: mod r in gates, mod 2^256 in witnesses, exact in bounds.
    pub(crate) native: T,
}

impl<T: Ring> Check<T> {
    pub(crate) fn plus(self, other: Self) -> Self {
        Check {
            lo: self.lo + other.lo,
            hi: self.hi + other.hi,
            native: self.native + other.native,
        }
    }

    pub(crate) fn minus(self, other: Self) -> Self {
        Check {
            lo: self.lo - other.lo,
            hi: self.hi - other.hi,
            native: self.native - other.native,
        }
    }

    pub(crate) fn times(self, factor: &T) -> Self {
        Check {
            lo: factor.clone() * self.lo,
            hi: factor.clone() * self.hi,
            native: factor.clone() * self.native,
        }
    }
}

/// `u` from its pieces.
pub(crate) fn carry<T: Ring>(pieces: &[T]) -> T {
    compose(pieces, CARRY_PIECE_BITS) - T::constant(Int::power_of_two(CARRY_OFFSET_BITS))
}
