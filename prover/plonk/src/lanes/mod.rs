//! Eight field elements at a time, by the 52-bit multipliers of AVX-512 (IFMA): five vectors of eight limbs each.
//!
//! An element of halo2curves is x·2^256 mod p in four words. Products here are divided by 2^260, so constants are prepared as
//! c·2^260 (`Constant`), or a product's operands are read as x·2^260 (`load_shifted`, a shift by four bits). Nothing is reduced
//! until it is stored: values stay below 2^260, which is 84·p, and whoever adds keeps count. With `bound` counting in p:
//!
//! | operation | bound of the result | wants |
//! | --- | --- | --- |
//! | `load`, `load_shifted` | 1, 16 | |
//! | `mul` | 1 + a·b/84 | limbs of 52 bits, as all operations but `mul_loose` and the plain sums leave them |
//! | `plus`, `minus::<K>`, `minus_below` | a + b, a + K | b ≤ K; a result's limbs may have more bits, `carried` mends that |
//! | `store` | 1, as halo2curves has it | a ≤ 84 |

#![allow(unsafe_code)] // Loads and stores of vectors; whether the machine has them `available` says.

mod arithmetic;
mod memory;

pub(crate) use arithmetic::transposed;

use halo2_base::halo2_proofs::halo2curves::bn256::{Fq, Fr};
use std::arch::x86_64::__m512i;
use std::marker::PhantomData;

/// Elements of a vector.
pub(crate) const LANES: usize = 8;
/// Values stay below so many times the modulus.
pub(crate) const LARGEST: u32 = 84;

/// Whether this machine has the instructions.
pub(crate) fn available() -> bool {
    is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512ifma")
}

/// A prime field of 254 bits whose elements are four words, x·2^256 mod p.
pub(crate) trait Words: Copy + Send + Sync {
    /// p.
    const MODULUS: [u64; 4];
    /// 16, which takes x·2^256 to x·2^260.
    fn sixteen() -> Self;
    /// self·other.
    fn times(self, other: Self) -> Self;
}

macro_rules! words {
    ($field:ident, $modulus:expr) => {
        impl Words for $field {
            const MODULUS: [u64; 4] = $modulus;
            fn sixteen() -> Self {
                $field::from(16)
            }
            fn times(self, other: Self) -> Self {
                self * other
            }
        }
        // Elements are read and written as four words; tests see that these are the words meant.
        const _: () = assert!(size_of::<$field>() == 32);
    };
}

words!(
    Fr,
    [
        0x43e1_f593_f000_0001,
        0x2833_e848_79b9_7091,
        0xb850_45b6_8181_585d,
        0x3064_4e72_e131_a029,
    ]
);
words!(
    Fq,
    [
        0x3c20_8c16_d87c_fd47,
        0x9781_6a91_6871_ca8d,
        0xb850_45b6_8181_585d,
        0x3064_4e72_e131_a029,
    ]
);

/// Eight elements.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lanes<F> {
    limbs: [__m512i; 5],
    field: PhantomData<F>,
}

/// A factor for all eight: c·2^260, in limbs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Constant<F> {
    limbs: [u64; 5],
    field: PhantomData<F>,
}

/// k·p for all eight.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Multiple<F> {
    limbs: [u64; 5],
    field: PhantomData<F>,
}

impl<F: Words> Multiple<F> {
    /// At most `LARGEST` times.
    pub(crate) fn new(times: u32) -> Self {
        assert!(times <= LARGEST);
        Multiple {
            limbs: Modulus::<F>::multiple(u64::from(times)),
            field: PhantomData,
        }
    }
}

/// What arithmetic needs of a modulus.
struct Modulus<F>(PhantomData<F>);

impl<F: Words> Modulus<F> {
    const P: [u64; 5] = split(F::MODULUS);
    /// −1/p mod 2^52.
    const INVERSE: u64 = {
        let mut inverse = 1u64;
        let mut i = 0;
        while i < 6 {
            inverse = inverse.wrapping_mul(2u64.wrapping_sub(Self::P[0].wrapping_mul(inverse)));
            i += 1;
        }
        inverse.wrapping_neg() & MASK
    };
    /// 2^260 − p: what is added, in five limbs, to take p away.
    const MINUS_P: [u64; 5] = {
        let mut out = [0; 5];
        let mut i = 0;
        while i < 5 {
            out[i] = MASK - Self::P[i];
            i += 1;
        }
        out[0] += 1;
        out
    };
    /// A little below 2^266 / p: with the top limb it tells how often p goes into a value, or one less.
    const QUOTIENT: u64 = (1u64 << 58) / (Self::P[4] + 1);

    /// k·p, limb by limb.
    const fn multiple(k: u64) -> [u64; 5] {
        let mut out = [0; 5];
        let (mut carry, mut i) = (0u64, 0);
        while i < 5 {
            let limb = Self::P[i] * k + carry;
            out[i] = if i < 4 { limb & MASK } else { limb };
            carry = limb >> 52;
            i += 1;
        }
        out
    }
}

const MASK: u64 = (1 << 52) - 1;

/// Four words as five limbs.
const fn split(w: [u64; 4]) -> [u64; 5] {
    [
        w[0] & MASK,
        (w[0] >> 52 | w[1] << 12) & MASK,
        (w[1] >> 40 | w[2] << 24) & MASK,
        (w[2] >> 28 | w[3] << 36) & MASK,
        w[3] >> 16,
    ]
}

#[cfg(test)]
mod tests;
