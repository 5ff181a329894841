//! The quotient: every constraint, weighted by powers of y, divided by X^n − 1.
//!
//! It has d − 1 pieces of n coefficients for constraints of degree d. On each of d − 1 cosets g·H the constraints are
//! evaluated; X^n is a constant c = g^n there, so n values give the remainder Σ_m c^m·h_m of h by X^n − c, and d − 1 such
//! remainders give the pieces h_m by interpolation in c. No transform is longer than n.

use crate::domain::{par_each, powers};
use crate::graph::{self, Graph};
use crate::key::{Key, NearlyConstant};
use crate::linear::add_weighted;
use crate::opening::interpolate;
use crate::permutation;
use crate::tape::{Columns, Tape};
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
    let tape = constraints(key, committed);
    let mut pieces = vec![vec![Fr::ZERO; n]; parts];
    let mut coset = Coset::new(key, committed);
    for (j, (&g, &c)) in generators.iter().zip(&constants).enumerate() {
        coset.move_to(g);
        let mut rest = key.domain.interpolate(&coset.evaluate(&tape));
        let unit: Vec<Fr> = (0..parts).map(|i| Fr::from(u64::from(i == j))).collect();
        let shares = interpolate(&constants, &unit);
        let vanishing = (c - Fr::ONE).invert().expect("not a root of unity");
        let unshifted = key.domain.powers(g.invert().expect("a generator"));
        par_each(&mut rest, |i, h| *h *= unshifted[i]);
        for (piece, share) in pieces.iter_mut().zip(shares) {
            add_weighted(piece, &[&rest], &[share * vanishing]);
        }
    }
    pieces
}

/// All constraints as one program, weighted by powers of y, the highest for the first: gates, then the permutation's.
fn constraints(key: &Key, committed: &Committed<'_>) -> Tape {
    let cs = key.vk.cs();
    let (gates, products) = (graph::constraints(cs), committed.products.len());
    let mut weights = powers(Fr::ONE, committed.y, gates + 1 + 2 * products);
    weights.reverse();
    let (of_gates, rest) = weights.split_at(gates);
    let mut graph = Graph::new(cs, committed.challenges);
    let gates = graph.sum_of_constraints(cs, of_gates);
    let permutation =
        permutation::constraints(key, &mut graph, rest, [committed.beta, committed.gamma]);
    let root = graph.add(gates, permutation);
    Tape::of(&graph, root)
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

    /// The constraints on every row; columns in the order of `permutation::Places`.
    fn evaluate(&self, tape: &Tape) -> Vec<Fr> {
        let columns = self.fixed.iter().chain(&self.advice).chain(&self.instance);
        let columns = columns.chain(&self.sigma).chain(&self.products);
        let columns = columns.chain([&self.shifted, &self.l0]);
        let columns = Columns {
            all: columns.map(Vec::as_slice).collect(),
        };
        let mut out = vec![Fr::ZERO; self.l0.len()];
        tape.evaluate(&columns, &mut out);
        out
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
