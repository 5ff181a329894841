//! From elements in memory to lanes and back. Reading eight elements leaves them in the order 0, 2, 1, 3, 4, 6, 5, 7 of their lanes
//! (`PLACE`), which saves shuffles; storing undoes it, and what is done lane by lane does not see it.

use super::{Constant, LANES, Lanes, MASK, Words};
use std::arch::x86_64::*;
use std::marker::PhantomData;

/// The lane in which the i-th element read stands; its own inverse.
#[cfg(test)]
pub(super) const PLACE: [usize; LANES] = [0, 2, 1, 3, 4, 6, 5, 7];

impl<F: Words> Constant<F> {
    /// For products of lanes that hold x·2^256 (their results do too), or as a value x·2^260.
    pub(crate) fn new(value: F) -> Self {
        Constant {
            limbs: super::split(words(&value.times(F::sixteen()))),
            field: PhantomData,
        }
    }

    /// The same for all lanes.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    pub(crate) fn lanes(&self) -> Lanes<F> {
        Lanes::spread(&self.limbs)
    }
}

fn words<F: Words>(value: &F) -> [u64; 4] {
    // SAFETY: an element is four words (asserted where `Words` is implemented), for which all bits are values.
    unsafe { std::ptr::read(std::ptr::from_ref(value).cast()) }
}

impl<F: Words> Lanes<F> {
    /// Eight elements.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    pub(crate) fn load(from: &[F; LANES]) -> Self {
        Self::joined::<0>(consecutive(from))
    }

    /// Eight elements as x·2^260.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    pub(crate) fn load_shifted(from: &[F; LANES]) -> Self {
        Self::joined::<4>(consecutive(from))
    }

    /// Eight elements from anywhere.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    pub(crate) fn gather(from: [&F; LANES]) -> Self {
        Self::joined::<0>(scattered(from))
    }

    /// Eight elements from anywhere as x·2^260.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    pub(crate) fn gather_shifted(from: [&F; LANES]) -> Self {
        Self::joined::<4>(scattered(from))
    }

    /// Stores eight elements, reduced.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    pub(crate) fn store(self, to: &mut [F; LANES]) {
        let pairs = self.reduced().pairs();
        for (i, pair) in pairs.into_iter().enumerate() {
            // SAFETY: two elements of four words, of an array of eight.
            unsafe { _mm512_storeu_si512(to.as_mut_ptr().add(2 * i).cast(), pair) };
        }
    }

    /// From pairs of elements to limbs, shifted by so many bits.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    fn joined<const SHIFT: u32>(z: [__m512i; 4]) -> Self {
        let low = (
            _mm512_unpacklo_epi64(z[0], z[1]),
            _mm512_unpacklo_epi64(z[2], z[3]),
        );
        let high = (
            _mm512_unpackhi_epi64(z[0], z[1]),
            _mm512_unpackhi_epi64(z[2], z[3]),
        );
        let w = [
            _mm512_shuffle_i64x2::<0x88>(low.0, low.1),
            _mm512_shuffle_i64x2::<0x88>(high.0, high.1),
            _mm512_shuffle_i64x2::<0xdd>(low.0, low.1),
            _mm512_shuffle_i64x2::<0xdd>(high.0, high.1),
        ];
        let mask = _mm512_set1_epi64(MASK as i64);
        Self::of([
            _mm512_and_si512(left(w[0], SHIFT), mask),
            _mm512_and_si512(straddling(w[0], w[1], 52 - SHIFT), mask),
            _mm512_and_si512(straddling(w[1], w[2], 40 - SHIFT), mask),
            _mm512_and_si512(straddling(w[2], w[3], 28 - SHIFT), mask),
            right(w[3], 16 - SHIFT),
        ])
    }

    /// Limbs of a value below 2^256 as pairs of elements.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    fn pairs(self) -> [__m512i; 4] {
        let l = self.limbs;
        let w = [
            _mm512_or_si512(l[0], left(l[1], 52)),
            _mm512_or_si512(right(l[1], 12), left(l[2], 40)),
            _mm512_or_si512(right(l[2], 24), left(l[3], 28)),
            _mm512_or_si512(right(l[3], 36), left(l[4], 16)),
        ];
        // Elements 0, 2, 1, 3, then 4, 6, 5, 7; of words 0 and 2, and of words 1 and 3.
        let even = [
            _mm512_shuffle_i64x2::<0x44>(w[0], w[2]),
            _mm512_shuffle_i64x2::<0xee>(w[0], w[2]),
        ];
        let odd = [
            _mm512_shuffle_i64x2::<0x44>(w[1], w[3]),
            _mm512_shuffle_i64x2::<0xee>(w[1], w[3]),
        ];
        let pairs = [
            _mm512_unpacklo_epi64(even[0], odd[0]),
            _mm512_unpackhi_epi64(even[0], odd[0]),
            _mm512_unpacklo_epi64(even[1], odd[1]),
            _mm512_unpackhi_epi64(even[1], odd[1]),
        ];
        let mut out = pairs;
        for (out, pair) in out.iter_mut().zip(pairs) {
            *out = _mm512_shuffle_i64x2::<0xd8>(pair, pair);
        }
        out
    }
}

/// Two elements a vector. (Closures in calls of library functions would not be inlined: loops here.)
#[target_feature(enable = "avx512f,avx512ifma")]
#[inline]
fn consecutive<F: Words>(from: &[F; LANES]) -> [__m512i; 4] {
    let mut out = [_mm512_setzero_si512(); 4];
    for (out, pair) in out.iter_mut().zip(from.as_chunks::<2>().0) {
        // SAFETY: two elements of four words.
        *out = unsafe { _mm512_loadu_si512(pair.as_ptr().cast()) };
    }
    out
}

/// Two elements a vector.
#[target_feature(enable = "avx512f,avx512ifma")]
#[inline]
fn scattered<F: Words>(from: [&F; LANES]) -> [__m512i; 4] {
    let mut out = [_mm512_setzero_si512(); 4];
    for i in 0..4 {
        let (low, high) = (
            std::ptr::from_ref(from[2 * i]),
            std::ptr::from_ref(from[2 * i + 1]),
        );
        // SAFETY: elements of four words.
        let (low, high) = unsafe {
            (
                _mm256_loadu_si256(low.cast()),
                _mm256_loadu_si256(high.cast()),
            )
        };
        out[i] = _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high);
    }
    out
}

/// From this bit of the first word on.
#[target_feature(enable = "avx512f,avx512ifma")]
#[inline]
fn straddling(low: __m512i, high: __m512i, from: u32) -> __m512i {
    _mm512_or_si512(right(low, from), left(high, 64 - from))
}

#[target_feature(enable = "avx512f,avx512ifma")]
#[inline]
fn right(value: __m512i, bits: u32) -> __m512i {
    _mm512_srl_epi64(value, _mm_cvtsi32_si128(bits as i32))
}

#[target_feature(enable = "avx512f,avx512ifma")]
#[inline]
fn left(value: __m512i, bits: u32) -> __m512i {
    _mm512_sll_epi64(value, _mm_cvtsi32_si128(bits as i32))
}
