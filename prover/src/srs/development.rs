//! The insecure development string: powers of a secret that anyone can compute from the text below.
//! Fixed-base tables and batched affine additions; the secret does not depend on k, so a shorter string is a prefix of
//! a longer one.

use super::params_from_parts;
use halo2_base::halo2_proofs::{
    halo2curves::{
        bn256::{Bn256, Fq, Fr, G1, G1Affine, G2, G2Affine},
        ff::{Field, FromUniformBytes, PrimeField},
        group::{Curve, Group, prime::PrimeCurveAffine},
    },
    poly::kzg::commitment::ParamsKZG,
};
use rayon::prelude::*;
use sha2::{Digest, Sha512};

/// The secret is this text's SHA-512 reduced modulo r. It is public: whoever has it can forge every proof.
pub const DEVELOPMENT_SECRET: &str = "halocast insecure development string, version 1";

/// Bits of a scalar that one table row covers.
const WINDOW: usize = 13;
const ROWS: usize = 254usize.div_ceil(WINDOW);
/// Points whose additions share one inversion.
const BATCH: usize = 2048;

pub(crate) fn secret() -> Fr {
    Fr::from_uniform_bytes(&Sha512::digest(DEVELOPMENT_SECRET.as_bytes()).into())
}

pub(crate) fn generate(k: u32) -> ParamsKZG<Bn256> {
    let tau = secret();
    let table = Table::new();
    let g = table.multiply(&powers(tau, 1 << k));
    let g_lagrange = table.multiply(&lagrange_at(tau, k));
    params_from_parts(k, g, Some(g_lagrange), G2Affine::generator(), s_g2())
}

/// τ·G2, which tells the string from others.
pub(crate) fn s_g2() -> G2Affine {
    (G2::generator() * secret()).to_affine()
}

fn powers(base: Fr, n: usize) -> Vec<Fr> {
    std::iter::successors(Some(Fr::ONE), |p| Some(*p * base))
        .take(n)
        .collect()
}

/// The n Lagrange polynomials of the 2^k domain at `x`: (x^n − 1)/n · ω^i / (x − ω^i).
fn lagrange_at(x: Fr, k: u32) -> Vec<Fr> {
    let n = 1u64 << k;
    let omega = (k..Fr::S).fold(Fr::ROOT_OF_UNITY, |w, _| w.square());
    let scale = (x.pow_vartime([n]) - Fr::ONE) * Fr::from(n).invert().expect("n is not 0 mod r");
    let roots = powers(omega, n as usize);
    let mut values: Vec<Fr> = roots.par_iter().map(|w| x - w).collect();
    values
        .par_chunks_mut(BATCH)
        .zip(roots.par_chunks(BATCH))
        .for_each(|(values, roots)| {
            batch_invert(values);
            values
                .iter_mut()
                .zip(roots)
                .for_each(|(v, w)| *v *= scale * w);
        });
    values
}

/// Inverts every non-zero element; zeros stay.
fn batch_invert<F: Field>(values: &mut [F]) {
    let mut prefix = Vec::with_capacity(values.len());
    let mut product = F::ONE;
    for v in values.iter() {
        prefix.push(product);
        if !bool::from(v.is_zero()) {
            product *= v;
        }
    }
    let mut inverse = product.invert().expect("product of non-zero elements");
    for (v, p) in values.iter_mut().zip(prefix).rev() {
        if !bool::from(v.is_zero()) {
            let next = inverse * *v;
            *v = inverse * p;
            inverse = next;
        }
    }
}

/// `rows[w][d] = d · 2^(WINDOW·w) · G`.
struct Table {
    rows: Vec<Vec<G1Affine>>,
}

impl Table {
    fn new() -> Self {
        let bases: Vec<G1> = std::iter::successors(Some(G1::generator()), |b| {
            Some((0..WINDOW).fold(*b, |b, _| b.double()))
        })
        .take(ROWS)
        .collect();
        let rows = bases
            .into_par_iter()
            .map(|base| {
                let row: Vec<G1> = std::iter::successors(Some(G1::identity()), |p| Some(*p + base))
                    .take(1 << WINDOW)
                    .collect();
                let mut affine = vec![G1Affine::identity(); row.len()];
                G1::batch_normalize(&row, &mut affine);
                affine
            })
            .collect();
        Self { rows }
    }

    fn multiply(&self, scalars: &[Fr]) -> Vec<G1Affine> {
        let mut out = vec![G1Affine::identity(); scalars.len()];
        out.par_chunks_mut(BATCH)
            .zip(scalars.par_chunks(BATCH))
            .for_each(|(out, scalars)| self.multiply_batch(out, scalars));
        out
    }

    fn multiply_batch(&self, acc: &mut [G1Affine], scalars: &[Fr]) {
        let bytes: Vec<[u8; 32]> = scalars.iter().map(|s| s.to_repr()).collect();
        let mut differences = vec![Fq::ZERO; acc.len()];
        for (w, row) in self.rows.iter().enumerate() {
            let terms: Vec<G1Affine> = bytes.iter().map(|b| row[digit(b, w)]).collect();
            for ((d, a), t) in differences.iter_mut().zip(acc.iter()).zip(&terms) {
                *d = if trivial(a, t) { Fq::ZERO } else { t.x - a.x };
            }
            batch_invert(&mut differences);
            for ((a, t), inverse) in acc.iter_mut().zip(&terms).zip(&differences) {
                *a = if trivial(a, t) {
                    (*a + *t).to_affine()
                } else {
                    add_unequal(a, t, inverse)
                };
            }
        }
    }
}

/// Cases that the chord formula does not cover.
fn trivial(a: &G1Affine, b: &G1Affine) -> bool {
    bool::from(a.is_identity()) || bool::from(b.is_identity()) || a.x == b.x
}

fn add_unequal(a: &G1Affine, b: &G1Affine, inverse_dx: &Fq) -> G1Affine {
    let slope = (b.y - a.y) * inverse_dx;
    let x = slope.square() - a.x - b.x;
    G1Affine {
        x,
        y: slope * (a.x - x) - a.y,
    }
}

fn digit(bytes: &[u8; 32], window: usize) -> usize {
    let bit = window * WINDOW;
    let mut v = 0u32;
    for (i, b) in bytes[bit / 8..].iter().take(4).enumerate() {
        v |= u32::from(*b) << (8 * i);
    }
    ((v >> (bit % 8)) & ((1 << WINDOW) - 1)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_multiplies() {
        let scalars = [
            Fr::ZERO,
            Fr::ONE,
            -Fr::ONE,
            Fr::from(8191),
            Fr::from(8192),
            secret(),
        ];
        let got = Table::new().multiply(&scalars);
        for (s, p) in scalars.iter().zip(got) {
            assert_eq!(p, (G1::generator() * s).to_affine());
        }
    }

    #[test]
    fn batch_inversion_keeps_zeros() {
        let mut v = [Fr::from(3), Fr::ZERO, Fr::from(5)];
        batch_invert(&mut v);
        assert_eq!(
            v,
            [
                Fr::from(3).invert().unwrap(),
                Fr::ZERO,
                Fr::from(5).invert().unwrap()
            ]
        );
    }
}
