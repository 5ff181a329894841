//! The scalar arithmetic of the specification: rescaling, clamping, integer roots. No tensors here.

use crate::ClampBits;

/// Width of an activation in bits.
pub const ACT_BITS: u32 = 16;
/// What a circuit cell adds to an activation so that it is never negative.
pub const ACT_OFFSET: i64 = 1 << (ACT_BITS - 1);
/// Smallest activation.
pub const ACT_MIN: i64 = -ACT_OFFSET;
/// Largest activation.
pub const ACT_MAX: i64 = ACT_OFFSET - 1;
/// Width of the argument of a function table in bits.
pub const FUNC_BITS: u32 = 14;
/// Entries of a function table.
pub const FUNC_SIZE: usize = 1 << FUNC_BITS;
/// What is added to a (signed) function argument to get its table index.
pub const FUNC_OFFSET: i64 = 1 << (FUNC_BITS - 1);
/// Shift of the saturating rescale.
pub const NARROW_SHIFT: u32 = 16;
/// Shift of the non-saturating rescale.
pub const WIDE_SHIFT: u32 = 32;
/// How far beyond the clamp a narrow rescale may land and still be provable.
pub const MAX_EXCESS: i128 = (1 << 16) - 1;
/// log2 of the dividend of the softmax reciprocal: `inv = floor(2^46 / S)`, so that probabilities have scale 14.
pub const SOFTMAX_SHIFT: u32 = 46;

/// A narrow rescale with the witnesses that prove it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Narrowed {
    /// The clamped result.
    pub y: i64,
    /// `acc + 2^15 - v·2^16` for the unclamped `v`: 0 ≤ rem < 2^16.
    pub rem: i64,
    /// `|v - y|`, 0 unless saturated.
    pub excess: i64,
}

/// `y = clamp(floor((acc + 2^15) / 2^16))`. `Err(v)` when `v` is more than [`MAX_EXCESS`] outside the clamp.
pub fn narrow(acc: i128, bits: ClampBits) -> Result<Narrowed, i128> {
    let v = (acc + (1 << (NARROW_SHIFT - 1))) >> NARROW_SHIFT;
    let rem = (acc + (1 << (NARROW_SHIFT - 1))) - (v << NARROW_SHIFT);
    let half = 1i128 << (bits.bits() - 1);
    let y = v.clamp(-half, half - 1);
    let excess = (v - y).abs();
    if excess > MAX_EXCESS {
        return Err(v);
    }
    Ok(Narrowed {
        y: y as i64,
        rem: rem as i64,
        excess: excess as i64,
    })
}

/// `y = floor((acc + 2^31) / 2^32)` with the remainder. `Err(v)` when `v` is no activation.
pub fn wide(acc: i128) -> Result<(i64, i64), i128> {
    let shifted = acc + (1 << (WIDE_SHIFT - 1));
    let v = shifted >> WIDE_SHIFT;
    if v < ACT_MIN as i128 || v > ACT_MAX as i128 {
        return Err(v);
    }
    Ok((v as i64, (shifted - (v << WIDE_SHIFT)) as i64))
}

/// `floor(sqrt(x))`.
pub fn isqrt(x: u128) -> u128 {
    x.isqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_rounds_half_up_and_saturates() {
        let b = ClampBits::Act;
        assert_eq!(narrow(1 << 15, b).unwrap().y, 1);
        assert_eq!(narrow((1 << 15) - 1, b).unwrap().y, 0);
        assert_eq!(narrow(-(1 << 15), b).unwrap().y, 0);
        assert_eq!(narrow(-(1 << 15) - 1, b).unwrap().y, -1);
        let top = narrow((ACT_MAX as i128 + 65535) << 16, b).unwrap();
        assert_eq!((top.y, top.excess), (ACT_MAX, 65535));
        assert!(narrow((ACT_MAX as i128 + 65536) << 16, b).is_err());
        let low = narrow((ACT_MIN as i128 - 65535) << 16, b).unwrap();
        assert_eq!((low.y, low.excess), (ACT_MIN, 65535));
        assert_eq!(narrow(9000 << 16, ClampBits::Func).unwrap().y, 8191);
    }

    #[test]
    fn wide_refuses_what_does_not_fit() {
        assert_eq!(wide(-1).unwrap(), (0, (1 << 31) - 1));
        assert_eq!(wide((ACT_MAX as i128) << 32).unwrap().0, ACT_MAX);
        assert!(wide((ACT_MAX as i128 + 1) << 32).is_err());
    }
}
