//! The permutation argument's running products (halo2 book, "Permutation argument"): one for each set of columns that the
//! degree allows together.

use crate::domain::{chunk_len, powers};
use crate::key::Key;
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::{BatchInvert, Field, PrimeField};
use halo2_base::halo2_proofs::plonk::Any;
use rand::RngCore;
use rayon::prelude::*;

/// A column of the permutation among those of the proof.
pub(crate) fn permuted<'a, T>(
    key: &Key,
    fixed: &'a [T],
    advice: &'a [T],
    instance: &'a T,
) -> Vec<&'a T> {
    let columns = key.vk.cs().permutation().get_columns();
    let column = |c: &halo2_base::halo2_proofs::plonk::Column<Any>| match c.column_type() {
        Any::Advice(_) => &advice[c.index()],
        Any::Fixed => &fixed[c.index()],
        Any::Instance => instance,
    };
    columns.iter().map(column).collect()
}

/// The values of every product; each starts with what the one before ends with, blinded in the last rows.
pub(crate) fn products(
    key: &Key,
    advice: &[Vec<Fr>],
    instance: &Vec<Fr>,
    [beta, gamma]: [Fr; 2],
    rng: &mut impl RngCore,
) -> Vec<Vec<Fr>> {
    let columns = permuted(key, &key.fixed, advice, instance);
    let len = key.set_len;
    let mut start = Fr::ONE;
    let mut out = Vec::new();
    for (index, (columns, sigmas)) in columns.chunks(len).zip(key.sigma.chunks(len)).enumerate() {
        let factors = factors(key, columns, sigmas, index * len, [beta, gamma]);
        let mut z = Vec::with_capacity(factors.len());
        let mut product = start;
        for factor in factors {
            z.push(product);
            product *= factor;
        }
        let last = key.usable_rows;
        for value in &mut z[last + 1..] {
            *value = Fr::random(&mut *rng);
        }
        start = z[last];
        out.push(z);
    }
    out
}

/// Π (value + β·δ^column·ω^row + γ) / (value + β·σ + γ) of every row.
fn factors(
    key: &Key,
    columns: &[&Vec<Fr>],
    sigmas: &[Vec<Fr>],
    first: usize,
    [beta, gamma]: [Fr; 2],
) -> Vec<Fr> {
    let n = key.domain.n();
    let omegas = powers(beta, key.domain.omega(), n);
    let chunk = chunk_len(n);
    let mut out = vec![Fr::ONE; n];
    out.par_chunks_mut(chunk)
        .enumerate()
        .for_each(|(part, out)| {
            let start = part * chunk;
            for (values, sigma) in columns.iter().zip(sigmas) {
                let rows = values[start..].iter().zip(&sigma[start..]);
                for (out, (value, sigma)) in out.iter_mut().zip(rows) {
                    *out *= beta * sigma + gamma + value;
                }
            }
            out.iter_mut().batch_invert();
            for (j, values) in columns.iter().enumerate() {
                let delta = Fr::DELTA.pow_vartime([(first + j) as u64]);
                let rows = values[start..].iter().zip(&omegas[start..]);
                for (out, (value, omega)) in out.iter_mut().zip(rows) {
                    *out *= delta * omega + gamma + value;
                }
            }
        });
    out
}
