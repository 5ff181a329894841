//! 256-bit two's complement integers that wrap, as much as the witness needs.
//!
//! Quotients and carries of the modular check are exact divisions of numbers that are far larger than their results
//! (`V/p` with `|V| < 2^511`, `lo/2^136`). An exact quotient below 2^256 is known from its value mod 2^256, so nothing
//! here is ever wider: `V·p⁻¹ mod 2^256` is the quotient.

use halo2_base::halo2_proofs::halo2curves::{
    bn256::{Fq, Fr},
    ff::{Field, PrimeField},
};
use std::ops::{Add, Mul, Neg, Sub};

/// An integer mod 2^256, least significant word first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Int(pub(crate) [u64; 4]);

impl Int {
    pub(crate) const ZERO: Int = Int([0; 4]);

    pub(crate) const fn small(value: u64) -> Self {
        Int([value, 0, 0, 0])
    }

    /// 2^n for n < 256.
    pub(crate) fn power_of_two(n: usize) -> Self {
        let mut words = [0; 4];
        words[n / 64] = 1 << (n % 64);
        Int(words)
    }

    /// The modulus p of the curve's base field.
    pub(crate) fn p() -> Self {
        Self::from(&-Fq::ONE) + Int::small(1)
    }

    /// p⁻¹ mod 2^256 by Newton's iteration: each step doubles the number of correct bits.
    pub(crate) fn p_inverse() -> Self {
        let (p, two) = (Self::p(), Int::small(2));
        (0..8).fold(Int::small(1), |x, _| x * (two - p * x))
    }

    /// `len` ≤ 32 bits from bit `start` on, of the number as an unsigned one.
    pub(crate) fn bits(&self, start: usize, len: usize) -> u32 {
        let word = |i: usize| self.0.get(i).copied().unwrap_or(0) as u128;
        let pair = word(start / 64) | word(start / 64 + 1) << 64;
        ((pair >> (start % 64)) & ((1 << len) - 1)) as u32
    }

    /// The lowest `n` < 256 bits.
    pub(crate) fn low(&self, n: usize) -> Self {
        let mut words = self.0;
        for (i, word) in words.iter_mut().enumerate() {
            let keep = n.saturating_sub(64 * i).min(64) as u32;
            *word &= u64::MAX.checked_shr(64 - keep).unwrap_or(0);
        }
        Int(words)
    }

    /// Shift to the right; `fill` comes in from the left.
    fn shifted(&self, n: usize, fill: u64) -> Self {
        let word = |i: usize| self.0.get(i).copied().unwrap_or(fill) as u128;
        Int(std::array::from_fn(|i| {
            let pair = word(i + n / 64) | word(i + n / 64 + 1) << 64;
            (pair >> (n % 64)) as u64
        }))
    }

    /// ⌊self / 2^n⌋ of the unsigned number.
    pub(crate) fn shr(&self, n: usize) -> Self {
        self.shifted(n, 0)
    }

    /// ⌊self / 2^n⌋ of the signed number.
    pub(crate) fn shr_signed(&self, n: usize) -> Self {
        self.shifted(n, if self.is_negative() { u64::MAX } else { 0 })
    }

    pub(crate) fn is_negative(&self) -> bool {
        self.0[3] >> 63 == 1
    }

    /// The signed number in the scalar field.
    pub(crate) fn to_fr(self) -> Fr {
        if self.is_negative() {
            return -(-self).to_fr();
        }
        let shift = Fr::from(2).pow([64]);
        let horner = |acc: Fr, word: &u64| acc * shift + Fr::from(*word);
        self.0.iter().rev().fold(Fr::ZERO, horner)
    }
}

impl From<&Fq> for Int {
    fn from(value: &Fq) -> Self {
        from_bytes(value.to_repr().as_ref())
    }
}

impl From<&Fr> for Int {
    fn from(value: &Fr) -> Self {
        from_bytes(value.to_repr().as_ref())
    }
}

fn from_bytes(bytes: &[u8]) -> Int {
    let mut words = [0u64; 4];
    for (i, byte) in bytes.iter().enumerate() {
        words[i / 8] |= (*byte as u64) << (8 * (i % 8));
    }
    Int(words)
}

impl Add for Int {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        let mut carry = 0u128;
        Int(std::array::from_fn(|i| {
            carry += self.0[i] as u128 + other.0[i] as u128;
            let word = carry as u64;
            carry >>= 64;
            word
        }))
    }
}

impl Neg for Int {
    type Output = Self;
    fn neg(self) -> Self {
        Int(self.0.map(|word| !word)) + Int::small(1)
    }
}

impl Sub for Int {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Mul for Int {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        let mut words = [0u64; 4];
        for i in 0..4 {
            let mut carry = 0u128;
            for j in 0..4 - i {
                carry += words[i + j] as u128 + self.0[i] as u128 * other.0[j] as u128;
                words[i + j] = carry as u64;
                carry >>= 64;
            }
        }
        Int(words)
    }
}
