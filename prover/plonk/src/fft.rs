//! The transform over 2^k points: decimation in time by four, depth first, so that blocks which fit a core's cache are finished
//! before the next one is touched. One thread each; callers have many columns.

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

/// Makes transforms of `size` points out of four of a quarter, or of two of a half.
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

    /// Σ_i x_i·ω^(ij) for every j, for x given by its index; `out` has 2^k places.
    pub(crate) fn forward(&self, x: impl Fn(usize) -> Fr, out: &mut [Fr]) {
        let shift = usize::BITS - self.k;
        for i in 0..out.len() {
            let reversed = match self.k {
                0 => 0,
                _ => i.reverse_bits() >> shift,
            };
            out[i] = x(reversed);
        }
        run(&self.stages, out);
    }
}

fn run(stages: &[Stage], block: &mut [Fr]) {
    let Some((last, before)) = stages.split_last() else {
        return;
    };
    if block.len() > CACHED {
        for part in block.chunks_mut(last.part()) {
            run(before, part);
        }
    } else {
        for stage in before {
            block
                .chunks_mut(stage.size)
                .for_each(|part| stage.apply(part));
        }
    }
    last.apply(block);
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

    fn apply(&self, block: &mut [Fr]) {
        if self.size == 2 {
            let (a, b) = (block[0], block[1]);
            block.copy_from_slice(&[a + b, a - b]);
            return;
        }
        // The parts stand in the order of their reversed residues: 0, 2, 1, 3.
        let (low, high) = block.split_at_mut(self.size / 2);
        let (x0, x2) = low.split_at_mut(self.size / 4);
        let (x1, x3) = high.split_at_mut(self.size / 4);
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
            let mut out = vec![Fr::ZERO; n];
            Fft::new(k, omega).forward(|i| x[i], &mut out);
            for j in [0, 1, n / 2, n - 1] {
                let w = omega.pow_vartime([j as u64]);
                let value = x.iter().rev().fold(Fr::ZERO, |acc, c| acc * w + c);
                assert_eq!(out[j % n], value, "k {k}, point {j}");
            }
        }
    }
}
