//! Transforms over 2^k points by four, one way into the order of reversed bits and the other way out of it, so that nothing is
//! ever reordered: polynomials stay in that order. Depth first: blocks that fit a core's cache are finished before the next one is
//! touched. One thread each; callers have many columns.

use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::{Field, PrimeField};

/// Values that a core keeps in its cache.
const CACHED: usize = 1 << 11;

/// Twiddles of every stage.
#[derive(Debug)]
pub(crate) struct Fft {
    n_inv: Fr,
    stages: Vec<Stage>,
}

/// Between transforms of `size` points and four of a quarter, or two of a half.
#[derive(Debug)]
struct Stage {
    size: usize,
    /// w, w², w³ for w = ω_size^j; none in a stage of two.
    twiddles: Vec<[Fr; 3]>,
    /// ω_size^(size/4), a square root of −1.
    quarter: Fr,
}

impl Fft {
    /// For a root of unity of order 2^k.
    pub(crate) fn new(k: u32, omega: Fr) -> Self {
        let mut stages = Vec::new();
        let (mut log, mut root) = (k, omega);
        while log > 0 {
            stages.push(Stage::new(1 << log, root));
            log = log.saturating_sub(2);
            root = root.square().square();
        }
        stages.reverse();
        Fft {
            n_inv: Fr::TWO_INV.pow_vartime([u64::from(k)]),
            stages,
        }
    }

    /// Coefficients, in reversed order, of the polynomial with these values at the powers of ω.
    pub(crate) fn interpolate(&self, values: &[Fr], coefficients: &mut [Fr]) {
        // The transform of the values the other way round.
        let rows = values[..1].iter().chain(values[1..].iter().rev());
        for (c, value) in coefficients.iter_mut().zip(rows) {
            *c = *value * self.n_inv;
        }
        scatter(&self.stages, coefficients);
    }

    /// Values at ω^j of the polynomial whose i-th coefficient is the product of the two given, which are in reversed order.
    pub(crate) fn evaluate(&self, coefficients: &[Fr], factors: &[Fr], values: &mut [Fr]) {
        for (value, (c, factor)) in values.iter_mut().zip(coefficients.iter().zip(factors)) {
            *value = *c * factor;
        }
        gather(&self.stages, values);
    }
}

fn gather(stages: &[Stage], block: &mut [Fr]) {
    let Some((last, before)) = stages.split_last() else {
        return;
    };
    if block.len() > CACHED {
        for part in block.chunks_mut(last.part()) {
            gather(before, part);
        }
    } else {
        for stage in before {
            block
                .chunks_mut(stage.size)
                .for_each(|part| stage.gather(part));
        }
    }
    last.gather(block);
}

fn scatter(stages: &[Stage], block: &mut [Fr]) {
    let Some((last, before)) = stages.split_last() else {
        return;
    };
    last.scatter(block);
    if block.len() > CACHED {
        for part in block.chunks_mut(last.part()) {
            scatter(before, part);
        }
    } else {
        for stage in before.iter().rev() {
            block
                .chunks_mut(stage.size)
                .for_each(|part| stage.scatter(part));
        }
    }
}

impl Stage {
    fn new(size: usize, root: Fr) -> Self {
        let mut w = Fr::ONE;
        let twiddles = (0..size / 4).map(|_| {
            let square = w.square();
            let all = [w, square, square * w];
            w *= root;
            all
        });
        Stage {
            size,
            twiddles: twiddles.collect(),
            quarter: root.pow_vartime([size as u64 / 4]),
        }
    }

    /// Points of the transforms that it puts together.
    fn part(&self) -> usize {
        if self.size == 2 { 1 } else { self.size / 4 }
    }

    fn gather(&self, block: &mut [Fr]) {
        let Some([x0, x2, x1, x3]) = self.split(block) else {
            return;
        };
        let parts = x0.iter_mut().zip(x2).zip(x1).zip(x3);
        for ((((x0, x2), x1), x3), [w, w2, w3]) in parts.zip(&self.twiddles) {
            let (t1, t2, t3) = (*x1 * w, *x2 * w2, *x3 * w3);
            let (even, odd) = (*x0 + t2, *x0 - t2);
            let (sum, turned) = (t1 + t3, (t1 - t3) * self.quarter);
            *x0 = even + sum;
            *x2 = odd + turned;
            *x1 = even - sum;
            *x3 = odd - turned;
        }
    }

    fn scatter(&self, block: &mut [Fr]) {
        // Quarters of the input here; what goes there is named by its residue.
        let Some([x0, x1, x2, x3]) = self.split(block) else {
            return;
        };
        let parts = x0.iter_mut().zip(x1).zip(x2).zip(x3);
        for ((((x0, x1), x2), x3), [w, w2, w3]) in parts.zip(&self.twiddles) {
            let (even, odd) = (*x0 + *x2, *x0 - *x2);
            let (sum, turned) = (*x1 + *x3, (*x1 - *x3) * self.quarter);
            *x0 = even + sum;
            *x1 = (even - sum) * w2;
            *x2 = (odd + turned) * w;
            *x3 = (odd - turned) * w3;
        }
    }

    /// The four parts, in the order of their reversed residues 0, 2, 1, 3; a stage of two is done at once.
    fn split<'a>(&self, block: &'a mut [Fr]) -> Option<[&'a mut [Fr]; 4]> {
        if self.size == 2 {
            let (a, b) = (block[0], block[1]);
            block.copy_from_slice(&[a + b, a - b]);
            return None;
        }
        let (low, high) = block.split_at_mut(self.size / 2);
        let (x0, x2) = low.split_at_mut(self.size / 4);
        let (x1, x3) = high.split_at_mut(self.size / 4);
        Some([x0, x2, x1, x3])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::reversed;

    /// Checks some values of every transform against the definition, and that one undoes the other.
    fn agrees_with_the_definition(
        k: u32,
        evaluate: impl Fn(&[Fr], &[Fr], &mut [Fr]),
        interpolate: impl Fn(&[Fr], &mut [Fr]),
    ) {
        let omega = root(k);
        let n = 1usize << k;
        let x: Vec<Fr> = (0..n as u64)
            .map(|i| Fr::from(i * i) - Fr::from(40))
            .collect();
        let factors: Vec<Fr> = (0..n as u64).map(|i| Fr::from(i + 7)).collect();
        let mut values = vec![Fr::ZERO; n];
        evaluate(&x, &factors, &mut values);
        let natural: Vec<Fr> = (0..n)
            .map(|i| reversed(i, k))
            .map(|i| x[i] * factors[i])
            .collect();
        for j in [0, 1 % n, n / 2, n - 1, 11 % n] {
            let w = omega.pow_vartime([j as u64]);
            let value = natural.iter().rev().fold(Fr::ZERO, |acc, c| acc * w + c);
            assert_eq!(values[j], value, "k {k}, point {j}");
        }
        let mut back = vec![Fr::ZERO; n];
        interpolate(&values, &mut back);
        for (i, c) in back.into_iter().enumerate() {
            assert_eq!(c, x[i] * factors[i], "k {k}, coefficient {i}");
        }
    }

    fn root(k: u32) -> Fr {
        (k..Fr::S).fold(Fr::ROOT_OF_UNITY, |w, _| w.square())
    }

    #[test]
    fn one_value_at_a_time() {
        for k in [0, 1, 2, 3, 4, 5, 12, 13] {
            let fft = Fft::new(k, root(k));
            agrees_with_the_definition(
                k,
                |c, f, v| fft.evaluate(c, f, v),
                |v, c| fft.interpolate(v, c),
            );
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn eight_values_at_a_time() {
        if crate::without_lanes::skips("eight_values_at_a_time") {
            return;
        }
        for k in [6, 7, 8, 9, 12, 13, 14, 15, 16] {
            let fft = crate::fft_lanes::LanesFft::new(k, root(k)).expect("a size for lanes");
            agrees_with_the_definition(
                k,
                |c, f, v| fft.evaluate(c, f, v),
                |v, c| fft.interpolate(v, c),
            );
        }
    }
}
