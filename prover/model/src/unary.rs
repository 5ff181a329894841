//! The scalar functions as numbers: `f(x)` in f64, for the reference evaluator, for the recognition of expanded
//! activations and for function tables.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use crate::graph::Unary;

/// √(2/π), the constant of the tanh GELU.
const GELU_TANH_SCALE: f64 = 0.797_884_560_802_865_4;
/// The cubic coefficient of the tanh GELU.
const GELU_TANH_CUBIC: f64 = 0.044_715;

impl Unary {
    /// f(x).
    pub fn eval(&self, x: f64) -> f64 {
        match self {
            Unary::Relu => x.max(0.0),
            Unary::Tanh => x.tanh(),
            Unary::Erf => erf(x),
            Unary::Sigmoid => sigmoid(x),
            Unary::Silu => x * sigmoid(x),
            Unary::GeluExact => 0.5 * x * (1.0 + erf(x * FRAC_1_SQRT_2)),
            Unary::GeluTanh => {
                0.5 * x * (1.0 + (GELU_TANH_SCALE * (x + GELU_TANH_CUBIC * x * x * x)).tanh())
            }
            Unary::Exp => x.exp(),
            Unary::Log => x.ln(),
            Unary::Sqrt => x.sqrt(),
            Unary::Rsqrt => 1.0 / x.sqrt(),
            Unary::Recip => 1.0 / x,
            Unary::Abs => x.abs(),
            Unary::Pow(n) => x.powf(f64::from(*n)),
            Unary::Affine(a, b) => f64::from(*a) * x + f64::from(*b),
            Unary::Clip(lo, hi) => x.max(f64::from(*lo)).min(f64::from(*hi)),
            Unary::Product(f, g) => eval_chain(f, x) * eval_chain(g, x),
            Unary::Sum(f, g) => eval_chain(f, x) + eval_chain(g, x),
        }
    }
}

/// A chain of scalar functions at x, first to last.
pub fn eval_chain(chain: &[Unary], x: f64) -> f64 {
    chain.iter().fold(x, |y, f| f.eval(y))
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// The error function to double precision: its series near 0, the continued fraction of erfc further out.
fn erf(x: f64) -> f64 {
    let a = x.abs();
    let value = if a < 3.0 {
        let mut term = 2.0 / PI.sqrt() * a * (-a * a).exp();
        let mut sum = term;
        for n in 1..80 {
            term *= 2.0 * a * a / f64::from(2 * n + 1);
            sum += term;
        }
        sum
    } else if a < 6.0 {
        let tail = (1..60).rev().fold(0.0, |t, k| f64::from(k) / 2.0 / (a + t));
        1.0 - (-a * a).exp() / PI.sqrt() / (a + tail)
    } else if a.is_nan() {
        a
    } else {
        1.0
    };
    value.copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn erf_matches_known_values() {
        // Values of the error function to 16 digits (Abramowitz & Stegun, table 7.1, extended).
        let known = [
            (0.0, 0.0),
            (0.1, 0.112_462_916_018_284_9),
            (0.5, 0.520_499_877_813_046_5),
            (1.0, 0.842_700_792_949_714_9),
            (2.0, 0.995_322_265_018_952_7),
            (2.999_999, 0.999_977_909_363_746_9),
            (3.0, 0.999_977_909_503_001_4),
            (4.0, 0.999_999_984_582_742_1),
            (7.0, 1.0),
        ];
        for (x, y) in known {
            assert!((erf(x) - y).abs() < 1e-11, "erf({x}) = {}", erf(x));
            assert!((erf(-x) + y).abs() < 1e-11);
        }
        assert!(erf(f64::NAN).is_nan());
    }

    #[test]
    fn functions_at_the_edges() {
        assert_eq!(Unary::Silu.eval(-1e4), -0.0);
        assert_eq!(Unary::GeluTanh.eval(50.0), 50.0);
        assert_eq!(Unary::Pow(3.0).eval(-2.0), -8.0);
        assert_eq!(Unary::Pow(0.0).eval(-2.0), 1.0);
        assert_eq!(Unary::Clip(-1.0, f32::INFINITY).eval(-3.0), -1.0);
        let product = Unary::Product(vec![], vec![Unary::Affine(2.0, 1.0)]);
        assert_eq!(product.eval(3.0), 21.0);
        let sum = Unary::Sum(vec![Unary::Abs], vec![Unary::Recip]);
        assert_eq!(
            eval_chain(&[sum, Unary::Exp, Unary::Log], -4.0).round(),
            4.0
        );
    }
}
