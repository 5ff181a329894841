//! Tables of scalar functions, computed in f64.

use halocast_ir::{ACT_MAX, ACT_MIN, FUNC_OFFSET, FUNC_SIZE, Table};

use crate::Unary;
use crate::unary::eval_chain;

/// Splits off the leading `Affine` steps: `chain(x) = rest(a·x + b)`.
pub(crate) fn split_affine(chain: &[Unary]) -> (f64, f64, &[Unary]) {
    let (mut a, mut b, mut rest) = (1.0, 0.0, chain);
    while let [Unary::Affine(m, c), tail @ ..] = rest {
        let (m, c) = (f64::from(*m), f64::from(*c));
        (a, b, rest) = (a * m, b * m + c, tail);
    }
    (a, b, rest)
}

/// `table[x + 2^13] = round(f(x / 2^scale_in) · 2^scale_out)`, saturating; 0 where f is not a number.
pub(crate) fn function_table(name: String, chain: &[Unary], scale_in: i8, scale_out: i8) -> Table {
    let at = |i: usize| {
        let x = (i as i64 - FUNC_OFFSET) as f64 * exp2(-i32::from(scale_in));
        let y = eval_chain(chain, x) * exp2(i32::from(scale_out));
        // `as` makes 0 of NaN and saturates, which is what is wanted after clamping.
        y.round().clamp(ACT_MIN as f64, ACT_MAX as f64) as i16
    };
    Table {
        name,
        values: (0..FUNC_SIZE).map(at).collect(),
    }
}

/// `exp[u] = round(2^15·e^(−u/units))` below 2^15: the exponential of softmax, `units` indices to a real unit.
pub(crate) fn exp_table(units: f64) -> Table {
    let at = |u: usize| ((-(u as f64) / units).exp() * ACT_MAX as f64).round() as i16;
    let mut values: Vec<i16> = (0..FUNC_SIZE).map(at).collect();
    values[FUNC_SIZE - 1] = 0; // where differences are clamped to
    Table {
        name: format!("exp(-u/{units})"),
        values,
    }
}

/// 2^e.
pub(crate) fn exp2(e: i32) -> f64 {
    f64::from(e).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_round_and_saturate() {
        let t = function_table("recip".into(), &[Unary::Recip], 4, 4);
        let at = |x: i64| t.values[(x + FUNC_OFFSET) as usize];
        assert_eq!((at(16), at(32), at(-16)), (16, 8, -16));
        assert_eq!(at(0), i16::MAX, "1/0 saturates");
        let t = function_table("sqrt".into(), &[Unary::Sqrt], 4, 4);
        assert_eq!(t.values[0], 0, "NaN is 0");
        let e = exp_table(1462.0);
        assert_eq!((e.values[0], e.values[FUNC_SIZE - 1]), (32767, 0));
        assert!(e.values[FUNC_SIZE - 2] <= 1);
    }

    #[test]
    fn leading_affines_are_split_off() {
        let chain = [
            Unary::Affine(2.0, 1.0),
            Unary::Affine(-1.0, 3.0),
            Unary::Tanh,
        ];
        let (a, b, rest) = split_affine(&chain);
        assert_eq!((a, b, rest.len()), (-2.0, 2.0, 1));
        assert!((eval_chain(&chain, 0.7) - eval_chain(rest, a * 0.7 + b)).abs() < 1e-15);
    }
}
