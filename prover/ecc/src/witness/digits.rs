//! Scalars as odd signed digits.

use crate::{
    integer::Int,
    layout::multiple,
    params::{WINDOW_BITS, WINDOWS},
};
use halo2_base::halo2_proofs::halo2curves::{
    bn256::Fr,
    ff::{Field, PrimeField},
};

/// Which entry a window adds: ±multiple(entry)·P.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Digit {
    pub(crate) entry: usize,
    pub(crate) negate: bool,
}

impl Digit {
    fn new(digit: i64) -> Self {
        let entry = (digit.unsigned_abs() as usize - 1) / 2;
        Digit {
            entry,
            negate: multiple(entry) != digit,
        }
    }

    /// The odd number that it is.
    #[cfg(test)]
    pub(crate) fn value(&self) -> i64 {
        multiple(self.entry) * if self.negate { -1 } else { 1 }
    }
}

/// 64 digits of s, or of s − r if s is even: `Σ 16^i·d_i`, all odd, |d_i| < 16.
pub(crate) fn digits(scalar: &Fr) -> [Digit; WINDOWS] {
    let odd = bool::from(scalar.is_odd());
    // s − r, as a signed integer: r − 1 is Fr's −1.
    let order = Int::from(&-Fr::ONE) + Int::small(1);
    let mut left = if odd {
        Int::from(scalar)
    } else {
        Int::from(scalar) - order
    };
    std::array::from_fn(|i| {
        // The odd number below 16 in absolute value that leaves an odd multiple of 16.
        let digit = if i + 1 == WINDOWS {
            left.0[0] as i64
        } else {
            left.bits(0, WINDOW_BITS + 1) as i64 - (1 << WINDOW_BITS)
        };
        let taken = if digit < 0 {
            -Int::small(digit.unsigned_abs())
        } else {
            Int::small(digit as u64)
        };
        left = (left - taken).shr_signed(WINDOW_BITS);
        Digit::new(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::signed;
    use rand::SeedableRng;
    use rand_chacha::ChaCha12Rng;

    #[test]
    fn digits_add_up() {
        let mut rng = ChaCha12Rng::seed_from_u64(1);
        let top = Fr::from(2).pow([253]);
        let edges = [0u64, 1, 2, 15, 16, 17].map(Fr::from);
        let scalars = edges
            .into_iter()
            .flat_map(|e| [e, -e, top + e, top - e])
            .chain((0..1000).map(|_| Fr::random(&mut rng)))
            .collect::<Vec<_>>();
        for s in scalars {
            let sum = digits(&s)
                .iter()
                .rev()
                .fold(Fr::ZERO, |acc, d| acc * Fr::from(16) + signed(d.value()));
            assert_eq!(sum, s);
            assert!(digits(&s).iter().all(|d| d.entry < 8));
        }
    }
}
