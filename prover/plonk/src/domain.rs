//! The domain of 2^k rows and its cosets.

use crate::fft::Fft;
#[cfg(target_arch = "x86_64")]
use crate::fft_lanes::LanesFft;
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::{Field, PrimeField};
use rayon::prelude::*;
use std::sync::OnceLock;

/// Values below this are not worth a thread.
const PARALLEL: usize = 1 << 10;

/// Powers of a root of unity of order n = 2^k, and the transforms over them.
#[derive(Debug)]
pub(crate) struct Domain {
    k: u32,
    omega: Fr,
    omega_inv: Fr,
    /// Made when they are needed: not who only wants powers of ω.
    transforms: OnceLock<Transforms>,
}

/// The transforms that suit the machine and the size.
#[derive(Debug)]
enum Transforms {
    #[cfg(target_arch = "x86_64")]
    Lanes(Box<LanesFft>),
    Plain(Fft),
}

impl Transforms {
    fn new(k: u32, omega: Fr) -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(lanes) = LanesFft::new(k, omega) {
            return Transforms::Lanes(Box::new(lanes));
        }
        Transforms::Plain(Fft::new(k, omega))
    }
}

impl Domain {
    /// The domain of 2^k rows.
    pub(crate) fn new(k: u32) -> Self {
        let omega = (k..Fr::S).fold(Fr::ROOT_OF_UNITY, |w, _| w.square());
        let omega_inv = omega.invert().expect("a root of unity");
        Domain {
            k,
            omega,
            omega_inv,
            transforms: OnceLock::new(),
        }
    }

    fn transforms(&self) -> &Transforms {
        self.transforms
            .get_or_init(|| Transforms::new(self.k, self.omega))
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
        let mut coefficients = vec![Fr::ZERO; values.len()];
        match self.transforms() {
            #[cfg(target_arch = "x86_64")]
            Transforms::Lanes(fft) => fft.interpolate(values, &mut coefficients),
            Transforms::Plain(fft) => fft.interpolate(values, &mut coefficients),
        }
        coefficients
    }

    /// Values on the coset whose powers are given (g^0, …, g^(n−1), in reversed order), in the rows' order.
    pub(crate) fn on_coset(&self, poly: &[Fr], powers: &[Fr], values: &mut [Fr]) {
        match self.transforms() {
            #[cfg(target_arch = "x86_64")]
            Transforms::Lanes(fft) => fft.evaluate(poly, powers, values),
            Transforms::Plain(fft) => fft.evaluate(poly, powers, values),
        }
    }

    /// 1, g, …, g^(n−1), in reversed order.
    pub(crate) fn powers(&self, g: Fr) -> Vec<Fr> {
        self.reordered(&powers(Fr::ONE, g, self.n()))
    }

    /// From reversed to natural order, or back.
    pub(crate) fn reordered(&self, values: &[Fr]) -> Vec<Fr> {
        let at = (0..values.len()).into_par_iter();
        at.map(|i| values[reversed(i, self.k)]).collect()
    }
}

/// Where the i-th of 2^k stands in reversed order.
pub(crate) fn reversed(i: usize, k: u32) -> usize {
    match k {
        0 => 0,
        k => i.reverse_bits() >> (usize::BITS - k),
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
