//! The quotient: every constraint, weighted by powers of y, divided by X^n − 1.
//!
//! It has d − 1 pieces of n coefficients for constraints of degree d. On each of d − 1 cosets g·H the constraints are
//! evaluated; X^n is a constant c = g^n there, so n values give the remainder Σ_m c^m·h_m of h by X^n − c, and d − 1 such
//! remainders give the pieces h_m by interpolation in c. No transform is longer than n.

use crate::domain::{par_each, powers};
use crate::key::{Key, NearlyConstant};
use crate::opening::interpolate;
use crate::permutation::permuted;
use crate::tape::{BLOCK, Columns, Tape};
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::{BatchInvert, Field, PrimeField};
use rayon::prelude::*;

/// What the constraints are about, as coefficients, and the challenges in them.
pub(crate) struct Committed<'a> {
    pub(crate) advice: &'a [Vec<Fr>],
    pub(crate) instance: &'a Vec<Fr>,
    pub(crate) instance_values: &'a [Fr],
    pub(crate) products: &'a [Vec<Fr>],
    pub(crate) challenges: &'a [Fr],
    pub(crate) beta: Fr,
    pub(crate) gamma: Fr,
    pub(crate) y: Fr,
}

/// The pieces h_0, h_1, … of the quotient.
pub(crate) fn pieces(key: &Key, committed: &Committed<'_>) -> Vec<Vec<Fr>> {
    let n = key.domain.n();
    let parts = key.vk.cs().degree() - 1;
    let generators: Vec<Fr> = (1..=parts as u64)
        .map(|j| Fr::MULTIPLICATIVE_GENERATOR.pow_vartime([j]))
        .collect();
    let constants: Vec<Fr> = generators
        .iter()
        .map(|g| g.pow_vartime([n as u64]))
        .collect();
    let weights = Weights::new(key, committed.y);
    let tape = Tape::new(key.vk.cs(), committed.challenges, &weights.gates);
    let mut pieces = vec![vec![Fr::ZERO; n]; parts];
    let mut coset = Coset::new(key, committed);
    for (j, (&g, &c)) in generators.iter().zip(&constants).enumerate() {
        coset.move_to(g);
        let mut rest = key.domain.interpolate(&coset.constraints(&tape, &weights));
        let unit: Vec<Fr> = (0..parts).map(|i| Fr::from(u64::from(i == j))).collect();
        let shares = interpolate(&constants, &unit);
        let vanishing = (c - Fr::ONE).invert().expect("not a root of unity");
        let unshifted = key.domain.powers(g.invert().expect("a generator"));
        par_each(&mut rest, |i, h| *h *= unshifted[i]);
        for (piece, share) in pieces.iter_mut().zip(shares) {
            let share = share * vanishing;
            par_each(piece, |i, h| *h += rest[i] * share);
        }
    }
    pieces
}

/// Powers of y, the highest for the first constraint: gates, then the permutation's.
struct Weights {
    gates: Vec<Fr>,
    first: Fr,
    last: Fr,
    /// Between products, then of each product's step.
    links: Vec<Fr>,
    steps: Vec<Fr>,
}

impl Weights {
    fn new(key: &Key, y: Fr) -> Self {
        let gates = Tape::constraints(key.vk.cs());
        let sets = key.sigma.len().div_ceil(key.set_len);
        let total = gates + 2 + (sets - 1) + sets;
        let mut all = powers(Fr::ONE, y, total);
        all.reverse();
        let (gates, rest) = all.split_at(gates);
        Weights {
            gates: gates.to_vec(),
            first: rest[0],
            last: rest[1],
            links: rest[2..sets + 1].to_vec(),
            steps: rest[sets + 1..].to_vec(),
        }
    }
}

/// Everything on one coset after the other.
struct Coset<'a> {
    key: &'a Key,
    committed: &'a Committed<'a>,
    fixed: Vec<Vec<Fr>>,
    advice: Vec<Vec<Fr>>,
    instance: Vec<Vec<Fr>>,
    instance_nearly: Option<NearlyConstant>,
    sigma: Vec<Vec<Fr>>,
    products: Vec<Vec<Fr>>,
    /// β·X, and the Lagrange polynomial of row 0.
    shifted: Vec<Fr>,
    l0: Vec<Fr>,
}

/// A running product with its columns and their σ.
struct Product<'a> {
    columns: Vec<&'a [Fr]>,
    sigmas: &'a [Vec<Fr>],
    z: &'a [Fr],
    /// δ^j of the first column.
    delta: Fr,
    weight: Fr,
}

impl<'a> Coset<'a> {
    fn new(key: &'a Key, committed: &'a Committed<'a>) -> Self {
        let n = key.domain.n();
        let empty = |count: usize| vec![vec![Fr::ZERO; n]; count];
        Coset {
            fixed: empty(key.fixed_polys.len()),
            advice: empty(committed.advice.len()),
            instance: empty(1),
            instance_nearly: NearlyConstant::of(committed.instance_values),
            sigma: empty(key.sigma_polys.len()),
            products: empty(committed.products.len()),
            shifted: Vec::new(),
            l0: Vec::new(),
            key,
            committed,
        }
    }

    /// Evaluates everything on g·H.
    fn move_to(&mut self, g: Fr) {
        let (domain, committed) = (&self.key.domain, self.committed);
        let g_powers = domain.powers(g);
        let x = powers(g, domain.omega(), domain.n());
        self.l0 = lagrange_0(&x, g.pow_vartime([domain.n() as u64]));
        self.shifted = x;
        par_each(&mut self.shifted, |_, x| *x *= committed.beta);

        let plain = |polys: &'a [Vec<Fr>]| polys.iter().map(|poly| (poly, None));
        let nearly = self.key.fixed_nearly.iter().map(Option::as_ref);
        let fixed = self.key.fixed_polys.iter().zip(nearly);
        let instance = (committed.instance, self.instance_nearly.as_ref());
        let sources = fixed
            .chain(plain(committed.advice))
            .chain([instance])
            .chain(plain(&self.key.sigma_polys))
            .chain(plain(committed.products));
        let places = self.fixed.iter_mut().chain(&mut self.advice);
        let places = places.chain(&mut self.instance).chain(&mut self.sigma);
        let all: Vec<_> = sources.zip(places.chain(&mut self.products)).collect();
        let l0 = &self.l0;
        all.into_par_iter()
            .for_each(|((poly, nearly), values)| match nearly {
                Some(nearly) => nearly.on_coset(l0, values),
                None => domain.on_coset(poly, &g_powers, values),
            });
    }

    fn constraints(&self, tape: &Tape, weights: &Weights) -> Vec<Fr> {
        let columns = self.fixed.iter().chain(&self.advice).chain(&self.instance);
        let columns = Columns {
            all: columns.map(Vec::as_slice).collect(),
        };
        let products = self.running_products(weights);
        let mut out = vec![Fr::ZERO; self.l0.len()];
        let blocks = out.par_chunks_mut(BLOCK).enumerate();
        blocks.for_each_init(
            || tape.scratch(),
            |scratch, (block, out)| {
                let start = block * BLOCK;
                tape.run(&columns, start, scratch, out);
                for (i, value) in out.iter_mut().enumerate() {
                    *value += self.ends(start + i, weights);
                    *value += self.steps(start + i, &products);
                }
            },
        );
        out
    }

    fn running_products(&self, weights: &Weights) -> Vec<Product<'_>> {
        let len = self.key.set_len;
        let permuted = permuted(self.key, &self.fixed, &self.advice, &self.instance[0]);
        let sets = permuted.chunks(len).zip(self.sigma.chunks(len)).enumerate();
        let rest = self.products.iter().zip(&weights.steps);
        sets.zip(rest)
            .map(|((index, (columns, sigmas)), (z, weight))| Product {
                columns: columns.iter().map(|c| c.as_slice()).collect(),
                sigmas,
                z,
                delta: Fr::DELTA.pow_vartime([(index * len) as u64]),
                weight: *weight,
            })
            .collect()
    }

    /// l0·(1 − z_0), l_last·(z² − z) of the last product, l0·(z_i − z_{i−1}(ω^last·X)).
    fn ends(&self, row: usize, weights: &Weights) -> Fr {
        let (n, last) = (self.l0.len(), self.key.usable_rows);
        let first = &self.products[0][row];
        let end = &self.products[self.products.len() - 1][row];
        let mut starts = weights.first * (Fr::ONE - first);
        for (pair, weight) in self.products.windows(2).zip(&weights.links) {
            starts += *weight * (pair[1][row] - pair[0][(row + last) & (n - 1)]);
        }
        let l_last = self.l0[(row + n - last) & (n - 1)];
        starts * self.l0[row] + weights.last * (end.square() - end) * l_last
    }

    /// (1 − l_last − l_blind)·(z(ωX)·Π(v + β·σ + γ) − z·Π(v + β·δ^j·X + γ)).
    fn steps(&self, row: usize, products: &[Product<'_>]) -> Fr {
        let (n, last) = (self.l0.len(), self.key.usable_rows);
        let hiding: Fr = (last..n).map(|of| self.l0[(row + n - of) & (n - 1)]).sum();
        let (beta, gamma) = (self.committed.beta, self.committed.gamma);
        let mut sum = Fr::ZERO;
        for product in products {
            let mut shifted = self.shifted[row] * product.delta;
            let (mut left, mut right) = (product.z[(row + 1) & (n - 1)], product.z[row]);
            for (column, sigma) in product.columns.iter().zip(product.sigmas) {
                let value = column[row] + gamma;
                left *= value + beta * sigma[row];
                right *= value + shifted;
                shifted *= Fr::DELTA;
            }
            sum += product.weight * (left - right);
        }
        sum * (Fr::ONE - hiding)
    }
}

/// (X^n − 1) / (n·(X − 1)) where X^n = c.
fn lagrange_0(x: &[Fr], c: Fr) -> Vec<Fr> {
    let mut values: Vec<Fr> = x.iter().map(|x| *x - Fr::ONE).collect();
    values.iter_mut().batch_invert();
    let n = Fr::from(x.len() as u64).invert().expect("a power of two");
    let scale = (c - Fr::ONE) * n;
    par_each(&mut values, |_, v| *v *= scale);
    values
}
