//! Transforms over 2^k points by four, one way into the order of reversed bits and the other way out of it, so that nothing is
//! ever reordered: polynomials stay in that order. Depth first: blocks that fit a core's cache are finished before the next one is
//! touched. One thread each; callers have many columns.

use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::Field;

/// Values that a core keeps in its cache.
const CACHED: usize = 1 << 11;

/// Twiddles of every stage.
#[derive(Debug)]
pub(crate) struct Fft {
    k: u32,
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
        Fft { k, stages }
    }

    /// Σ_i x_i·ω^(ij) for every j: x in reversed order, the sums in theirs.
    pub(crate) fn reversed_to_natural(&self, values: &mut [Fr]) {
        gather(&self.stages, values);
    }

    /// The same sums of x in its order, in reversed order.
    pub(crate) fn natural_to_reversed(&self, values: &mut [Fr]) {
        scatter(&self.stages, values);
    }

    /// Where the i-th of so many stands in reversed order.
    pub(crate) fn reversed(&self, i: usize) -> usize {
        match self.k {
            0 => 0,
            k => i.reverse_bits() >> (usize::BITS - k),
        }
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
    use halo2_base::halo2_proofs::halo2curves::ff::PrimeField;

    #[test]
    fn agrees_with_the_definition() {
        for k in [0, 1, 2, 3, 4, 5, 12, 13] {
            let omega = (k..Fr::S).fold(Fr::ROOT_OF_UNITY, |w, _| w.square());
            let n = 1usize << k;
            let x: Vec<Fr> = (0..n as u64).map(|i| Fr::from(i * i + 3)).collect();
            let fft = Fft::new(k, omega);
            let mut into = x.clone();
            fft.natural_to_reversed(&mut into);
            let mut out: Vec<Fr> = (0..n).map(|i| x[fft.reversed(i)]).collect();
            fft.reversed_to_natural(&mut out);
            for j in [0, 1 % n, n / 2, n - 1] {
                let w = omega.pow_vartime([j as u64]);
                let value = x.iter().rev().fold(Fr::ZERO, |acc, c| acc * w + c);
                assert_eq!(out[j], value, "k {k}, point {j}");
                assert_eq!(into[fft.reversed(j)], value, "k {k}, point {j}");
            }
        }
    }
}
