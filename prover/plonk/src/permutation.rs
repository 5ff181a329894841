//! The permutation argument's running products (halo2 book, "Permutation argument"): one for each set of columns that the
//! degree allows together. Here are the values of the products, and their constraints as terms for the quotient.

use crate::domain::{chunk_len, powers};
use crate::graph::Graph;
use crate::key::Key;
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::{BatchInvert, Field, PrimeField};
use halo2_base::halo2_proofs::plonk::{Any, Column};
use rand::RngCore;
use rayon::prelude::*;

/// A column of the permutation among those of the proof.
fn permuted<'a, T>(key: &Key, fixed: &'a [T], advice: &'a [T], instance: &'a T) -> Vec<&'a T> {
    let columns = key.vk.cs().permutation().get_columns();
    let column = |c: &Column<Any>| match c.column_type() {
        Any::Advice(_) => &advice[c.index()],
        Any::Fixed => &fixed[c.index()],
        Any::Instance => instance,
    };
    columns.iter().map(column).collect()
}

/// Places of columns in a program of constraints: fixed, advice, the instance, σ, products, β·X, the Lagrange polynomial of row 0.
struct Places {
    advice: usize,
    instance: usize,
    sigma: usize,
    products: usize,
    shifted: usize,
    l0: usize,
}

impl Places {
    fn of(key: &Key) -> Self {
        let cs = key.vk.cs();
        let advice = cs.num_fixed_columns();
        let instance = advice + cs.num_advice_columns();
        let sigma = instance + 1;
        let products = sigma + key.sigma.len();
        let shifted = products + key.sigma.len().div_ceil(key.set_len);
        Places {
            advice,
            instance,
            sigma,
            products,
            shifted,
            l0: shifted + 1,
        }
    }

    /// Of the columns in the permutation.
    fn permuted(&self, key: &Key) -> Vec<usize> {
        let columns = key.vk.cs().permutation().get_columns();
        let place = |c: &Column<Any>| match c.column_type() {
            Any::Advice(_) => self.advice + c.index(),
            Any::Fixed => c.index(),
            Any::Instance => self.instance + c.index(),
        };
        columns.iter().map(place).collect()
    }
}

/// The permutation's constraints, each with its weight:
/// l_0·(1 − z_0), l_last·(z² − z) of the last product, l_0·(z_i − z_(i−1)(ω^last·X)), and of every product
/// (1 − l_last − l_blind)·(z(ω·X)·Π(v + β·σ + γ) − z·Π(v + β·δ^j·X + γ)).
pub(crate) fn constraints(
    key: &Key,
    graph: &mut Graph<'_>,
    weights: &[Fr],
    [beta, gamma]: [Fr; 2],
) -> usize {
    let places = Places::of(key);
    let products = places.shifted - places.products;
    let last = key.usable_rows as i32;
    let l0 = graph.column(places.l0, 0);
    let l_last = graph.column(places.l0, -last);
    let one = graph.constant(Fr::ONE);
    let z = |graph: &mut Graph<'_>, i: usize, rotation| graph.column(places.products + i, rotation);
    let weighted = |graph: &mut Graph<'_>, term, weight: &Fr| {
        let weight = graph.constant(*weight);
        graph.mul(term, weight)
    };

    let first = z(graph, 0, 0);
    let first = graph.sub(one, first);
    let mut starts = weighted(graph, first, &weights[0]);
    for i in 1..products {
        let (own, before) = (z(graph, i, 0), z(graph, i - 1, last));
        let link = graph.sub(own, before);
        let link = weighted(graph, link, &weights[1 + i]);
        starts = graph.add(starts, link);
    }
    let starts = graph.mul(starts, l0);

    let end = z(graph, products - 1, 0);
    let less = graph.sub(end, one);
    let end = graph.mul(end, less);
    let end = graph.mul(end, l_last);
    let end = weighted(graph, end, &weights[1]);

    let mut steps = graph.constant(Fr::ZERO);
    let columns = places.permuted(key);
    for (i, set) in columns.chunks(key.set_len).enumerate() {
        let step = step(key, graph, &places, i, set, [beta, gamma]);
        let step = weighted(graph, step, &weights[1 + products + i]);
        steps = graph.add(steps, step);
    }
    let mut active = one;
    for blind in 1..=key.domain.n() as i32 - last {
        let l_blind = graph.column(places.l0, blind);
        active = graph.sub(active, l_blind);
    }
    let steps = graph.mul(steps, active);
    let ends = graph.add(starts, end);
    graph.add(ends, steps)
}

/// z(ω·X)·Π(v + β·σ + γ) − z·Π(v + β·δ^j·X + γ) of the i-th product and its columns.
fn step(
    key: &Key,
    graph: &mut Graph<'_>,
    places: &Places,
    i: usize,
    columns: &[usize],
    [beta, gamma]: [Fr; 2],
) -> usize {
    let (beta, gamma) = (graph.constant(beta), graph.constant(gamma));
    let shifted = graph.column(places.shifted, 0);
    let product = places.products + i;
    let (mut left, mut right) = (graph.column(product, 1), graph.column(product, 0));
    for (j, &column) in columns.iter().enumerate() {
        let index = i * key.set_len + j;
        let value = graph.column(column, 0);
        let value = graph.add(value, gamma);
        let sigma = graph.column(places.sigma + index, 0);
        let sigma = graph.mul(sigma, beta);
        let factor = graph.add(value, sigma);
        left = graph.mul(left, factor);
        let delta = graph.constant(Fr::DELTA.pow_vartime([index as u64]));
        let name = graph.mul(shifted, delta);
        let factor = graph.add(value, name);
        right = graph.mul(right, factor);
    }
    graph.sub(left, right)
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
