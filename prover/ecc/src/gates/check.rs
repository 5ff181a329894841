//! The constraints of a modular check (see `limbs`).

use super::{Ex, Named};
use crate::limbs::{Check, HALF_BITS, Ring};

/// (1) on·(lo − 2^136·u0) = 0   (2) on·(hi + u0 − 2^136·u1) = 0   (3) on·native = 0
/// where V is already multiplied by its selector or `check` is without: see `selected`.
///
/// Sound: with the bounds of `limbs` (1) and (2) hold over the integers, so V = 0 mod 2^272; with (3) V = 0.
/// Complete: V = 0 has u0, u1 below 2^76 in absolute value.
pub(super) fn vanishes(
    names: [&'static str; 3],
    on: Ex,
    check: Check<Ex>,
    carries: [Ex; 2],
) -> Vec<Named> {
    let check = check.times(&on);
    selected(names, on, check, carries)
}

/// The same for a check that has its selectors inside.
pub(super) fn selected(
    [lo, hi, native]: [&'static str; 3],
    on: Ex,
    check: Check<Ex>,
    [u0, u1]: [Ex; 2],
) -> Vec<Named> {
    vec![
        (lo, check.lo - on.clone() * u0.clone().shl(HALF_BITS)),
        (hi, check.hi + on * (u0 - u1.shl(HALF_BITS))),
        (native, check.native),
    ]
}
