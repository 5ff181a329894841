//! Integers in and out of the scalar field.

use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::PrimeField;

/// The field element of an integer.
pub(crate) fn fr(x: i128) -> Fr {
    let magnitude = Fr::from_u128(x.unsigned_abs());
    if x < 0 { -magnitude } else { magnitude }
}

/// The integer −2^127 < x < 2^127 that a field element stands for, if there is one.
pub(crate) fn int(x: Fr) -> Option<i128> {
    positive(x).or_else(|| positive(-x).map(|v| -v))
}

fn positive(x: Fr) -> Option<i128> {
    let bytes = x.to_repr();
    let (low, high) = bytes.as_ref().split_at(16);
    let low = u128::from_le_bytes(low.try_into().expect("16 bytes"));
    if high.iter().any(|&b| b != 0) {
        None
    } else {
        i128::try_from(low).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        for x in [0, 1, -1, 1 << 100, -(1 << 126), i128::MAX, -i128::MAX] {
            assert_eq!(int(fr(x)), Some(x));
        }
        assert_eq!(int(fr(i128::MAX) + fr(1)), None);
    }
}
