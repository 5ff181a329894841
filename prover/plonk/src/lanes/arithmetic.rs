//! Sums and products. Montgomery's reduction (1985) with limbs of 52 bits, one limb at a time.

use super::{Constant, LANES, Lanes, MASK, Modulus, Multiple, Words};
use std::arch::x86_64::*;
use std::marker::PhantomData;

impl<F: Words> Lanes<F> {
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    pub(super) fn of(limbs: [__m512i; 5]) -> Self {
        Lanes {
            limbs,
            field: PhantomData,
        }
    }

    /// Eight zeros.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    pub(crate) fn zero() -> Self {
        Self::of([_mm512_setzero_si512(); 5])
    }

    /// The same for all.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    pub(super) fn spread(limbs: &[u64; 5]) -> Self {
        let mut out = [_mm512_setzero_si512(); 5];
        for i in 0..5 {
            out[i] = _mm512_set1_epi64(limbs[i] as i64);
        }
        Self::of(out)
    }

    /// a·b / 2^260, limbs of 52 bits.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    pub(crate) fn mul(self, other: Self) -> Self {
        self.mul_loose(other).carried()
    }

    /// a·b / 2^260; the limbs may have more than 52 bits.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    pub(crate) fn mul_loose(self, other: Self) -> Self {
        let zero = _mm512_setzero_si512();
        let (a, b) = (self.limbs, other.limbs);
        let p = Self::spread(&Modulus::<F>::P).limbs;
        let inverse = _mm512_set1_epi64(Modulus::<F>::INVERSE as i64);
        let mut t = [zero; 10];
        for i in 0..5 {
            for j in 0..5 {
                t[i + j] = _mm512_madd52lo_epu64(t[i + j], a[i], b[j]);
                t[i + j + 1] = _mm512_madd52hi_epu64(t[i + j + 1], a[i], b[j]);
            }
        }
        for i in 0..5 {
            let q = _mm512_madd52lo_epu64(zero, t[i], inverse);
            for j in 0..5 {
                t[i + j] = _mm512_madd52lo_epu64(t[i + j], q, p[j]);
                t[i + j + 1] = _mm512_madd52hi_epu64(t[i + j + 1], q, p[j]);
            }
            // The low 52 bits are 0 now.
            t[i + 1] = _mm512_add_epi64(t[i + 1], _mm512_srli_epi64(t[i], 52));
        }
        Self::of([t[5], t[6], t[7], t[8], t[9]])
    }

    /// a·c.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    pub(crate) fn times(self, constant: &Constant<F>) -> Self {
        self.mul(Self::spread(&constant.limbs))
    }

    /// a + b, limb by limb.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    pub(crate) fn plus(self, other: Self) -> Self {
        let mut limbs = self.limbs;
        for (a, b) in limbs.iter_mut().zip(other.limbs) {
            *a = _mm512_add_epi64(*a, b);
        }
        Self::of(limbs)
    }

    /// a − b + K·p, limb by limb; limbs may be negative until `carried`.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    pub(crate) fn minus<const K: u64>(self, other: Self) -> Self {
        let more = const { Modulus::<F>::multiple(K) };
        let mut limbs = self.limbs;
        for ((a, b), more) in limbs.iter_mut().zip(other.limbs).zip(more) {
            *a = _mm512_add_epi64(_mm512_sub_epi64(*a, b), _mm512_set1_epi64(more as i64));
        }
        Self::of(limbs)
    }

    /// a − b + K·p, likewise, for a K that is known later.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    pub(crate) fn minus_below(self, other: Self, bound: &Multiple<F>) -> Self {
        let more = Self::spread(&bound.limbs).limbs;
        let mut limbs = self.limbs;
        for i in 0..5 {
            limbs[i] = _mm512_add_epi64(_mm512_sub_epi64(limbs[i], other.limbs[i]), more[i]);
        }
        Self::of(limbs)
    }

    /// The same value in limbs of 52 bits.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    pub(crate) fn carried(self) -> Self {
        let mask = _mm512_set1_epi64(MASK as i64);
        let mut limbs = self.limbs;
        for i in 0..4 {
            // Signed: a limb of a difference may be negative.
            limbs[i + 1] = _mm512_add_epi64(limbs[i + 1], _mm512_srai_epi64(limbs[i], 52));
            limbs[i] = _mm512_and_si512(limbs[i], mask);
        }
        Self::of(limbs)
    }

    /// The same below p; limbs of 52 bits.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    pub(crate) fn reduced(self) -> Self {
        let zero = _mm512_setzero_si512();
        let times = _mm512_set1_epi64(Modulus::<F>::QUOTIENT as i64);
        // Exact or one too small, for values below 84·p: the factor is ⌊2^58/(p₄ + 1)⌋, near 2^266/p.
        let q = _mm512_srli_epi64(_mm512_madd52hi_epu64(zero, self.limbs[4], times), 6);
        let minus_p = Self::spread(&Modulus::<F>::MINUS_P).limbs;
        let mut t = self.limbs;
        for i in 0..5 {
            t[i] = _mm512_madd52lo_epu64(t[i], q, minus_p[i]);
            if i < 4 {
                t[i + 1] = _mm512_madd52hi_epu64(t[i + 1], q, minus_p[i]);
            }
        }
        let mut rest = Self::of(t).carried();
        // What goes beyond 2^260 is q·2^260.
        rest.limbs[4] = _mm512_and_si512(rest.limbs[4], _mm512_set1_epi64(MASK as i64));
        rest.less_p()
    }

    /// a − p where that is not negative.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    fn less_p(self) -> Self {
        let mut less = self.limbs;
        for (limb, p) in less.iter_mut().zip(Modulus::<F>::P) {
            *limb = _mm512_sub_epi64(*limb, _mm512_set1_epi64(p as i64));
        }
        let less = Self::of(less).carried();
        let negative = _mm512_cmplt_epi64_mask(less.limbs[4], _mm512_setzero_si512());
        let mut limbs = less.limbs;
        for (limb, kept) in limbs.iter_mut().zip(self.limbs) {
            *limb = _mm512_mask_mov_epi64(*limb, negative, kept);
        }
        Self::of(limbs)
    }
}

/// Rows become lanes and lanes rows: the l-th lane of the i-th vector is the i-th lane of the l-th one before.
#[target_feature(enable = "avx512f,avx512ifma")]
#[inline]
pub(crate) fn transposed<F: Words>(rows: [Lanes<F>; LANES]) -> [Lanes<F>; LANES] {
    let mut out = rows;
    for limb in 0..5 {
        let mut columns = [_mm512_setzero_si512(); LANES];
        for (column, row) in columns.iter_mut().zip(&rows) {
            *column = row.limbs[limb];
        }
        for (row, column) in out.iter_mut().zip(transpose(columns)) {
            row.limbs[limb] = column;
        }
    }
    out
}

#[target_feature(enable = "avx512f,avx512ifma")]
#[inline]
fn transpose(r: [__m512i; 8]) -> [__m512i; 8] {
    // Pairs of lanes, then halves of halves, then halves.
    let mut a = r;
    for i in 0..4 {
        a[2 * i] = _mm512_unpacklo_epi64(r[2 * i], r[2 * i + 1]);
        a[2 * i + 1] = _mm512_unpackhi_epi64(r[2 * i], r[2 * i + 1]);
    }
    let mut b = a;
    for i in 0..2 {
        for odd in 0..2 {
            let (low, high) = (a[4 * i + odd], a[4 * i + 2 + odd]);
            b[4 * i + odd] = _mm512_shuffle_i64x2::<0x88>(low, high);
            b[4 * i + 2 + odd] = _mm512_shuffle_i64x2::<0xdd>(low, high);
        }
    }
    let mut c = b;
    for i in 0..4 {
        let (low, high) = (b[i], b[4 + i]);
        c[i] = _mm512_shuffle_i64x2::<0x88>(low, high);
        c[4 + i] = _mm512_shuffle_i64x2::<0xdd>(low, high);
    }
    c
}
