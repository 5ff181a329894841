//! The domain of 2^k rows and its cosets.

use crate::fft::Fft;
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::{Field, PrimeField};
use rayon::prelude::*;

/// Values below this are not worth a thread.
const PARALLEL: usize = 1 << 10;

/// Powers of a root of unity of order n = 2^k, and the transforms over them.
#[derive(Debug)]
pub(crate) struct Domain {
    k: u32,
    omega: Fr,
    omega_inv: Fr,
    n_inv: Fr,
    fft: Fft,
}

impl Domain {
    /// The domain of 2^k rows.
    pub(crate) fn new(k: u32) -> Self {
        let omega = (k..Fr::S).fold(Fr::ROOT_OF_UNITY, |w, _| w.square());
        let omega_inv = omega.invert().expect("a root of unity");
        let n_inv = Fr::TWO_INV.pow_vartime([k as u64]);
        Domain {
            k,
            omega,
            omega_inv,
            n_inv,
            fft: Fft::new(k, omega),
        }
    }

    /// Number of rows.
    pub(crate) fn n(&self) -> usize {
        1 << self.k
    }

    pub(crate) fn omega(&self) -> Fr {
        self.omega
    }

    /// ω^i, negative i too.
    pub(crate) fn power(&self, i: i32) -> Fr {
        let base = if i < 0 { self.omega_inv } else { self.omega };
        base.pow_vartime([i.unsigned_abs() as u64])
    }

    /// Coefficients of the polynomial with these values on the rows, in reversed order like those of all polynomials here.
    pub(crate) fn interpolate(&self, values: &[Fr]) -> Vec<Fr> {
        // The forward transform of the rows the other way round.
        let rows = values[..1].iter().chain(values[1..].iter().rev());
        let mut coefficients: Vec<Fr> = rows.map(|v| *v * self.n_inv).collect();
        self.fft.natural_to_reversed(&mut coefficients);
        coefficients
    }

    /// Values on the coset whose powers are given (g^0, …, g^(n−1), in reversed order), in the rows' order.
    pub(crate) fn on_coset(&self, poly: &[Fr], powers: &[Fr], values: &mut [Fr]) {
        for (value, (c, power)) in values.iter_mut().zip(poly.iter().zip(powers)) {
            *value = *c * power;
        }
        self.fft.reversed_to_natural(values);
    }

    /// 1, g, …, g^(n−1), in reversed order.
    pub(crate) fn powers(&self, g: Fr) -> Vec<Fr> {
        self.reordered(&powers(Fr::ONE, g, self.n()))
    }

    /// From reversed to natural order, or back.
    pub(crate) fn reordered(&self, values: &[Fr]) -> Vec<Fr> {
        let at = (0..values.len()).into_par_iter();
        at.map(|i| values[self.fft.reversed(i)]).collect()
    }
}

/// first·base^i for i < n.
pub(crate) fn powers(first: Fr, base: Fr, n: usize) -> Vec<Fr> {
    let mut out = vec![Fr::ZERO; n];
    let chunk = chunk_len(n);
    out.par_chunks_mut(chunk).enumerate().for_each(|(i, part)| {
        let mut value = first * base.pow_vartime([(i * chunk) as u64]);
        for slot in part {
            *slot = value;
            value *= base;
        }
    });
    out
}

/// Rows that a thread takes at a time.
pub(crate) fn chunk_len(n: usize) -> usize {
    n.div_ceil(rayon::current_num_threads()).max(PARALLEL)
}

/// Changes every value, given its index.
pub(crate) fn par_each(values: &mut [Fr], change: impl Fn(usize, &mut Fr) + Sync) {
    let chunk = chunk_len(values.len());
    let parts = values.par_chunks_mut(chunk).enumerate();
    parts.for_each(|(part, values)| {
        for (i, value) in values.iter_mut().enumerate() {
            change(part * chunk + i, value);
        }
    });
}

/// The polynomial's value at the point whose powers are given in the same order.
pub(crate) fn evaluate(poly: &[Fr], powers: &[Fr]) -> Fr {
    let chunk = chunk_len(poly.len());
    let parts = poly.par_chunks(chunk).zip(powers.par_chunks(chunk));
    parts
        .map(|(poly, powers)| poly.iter().zip(powers).map(|(c, p)| *c * p).sum::<Fr>())
        .sum()
}
