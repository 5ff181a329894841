//! One proof, in the order of halo2's transcript.
//!
//! What hides the witness: the last rows of every advice column and product are random, more of them than the values that the
//! proof tells of any of them (its evaluations, and its commitment, which is the value at the string's secret point): of an
//! advice column two at the least, of a product one. Both opening commitments follow from these values. The quotient's pieces
//! are committed as they are, as in halo2; it is the random rows beyond the values told that hide them, so these must
//! not become fewer (that this is enough is proven neither for halo2 nor here). halo2 also commits to a polynomial of n random coefficients, to hide what an inner-product opening
//! would tell; a KZG opening tells nothing more, so two random coefficients do.

use crate::advice::{Advice, Witness, padded};
use crate::commit::Commit;
use crate::domain::powers;
use crate::key::Key;
use crate::linear::{inner_product, weighted_sum};
use crate::opening::{Query, open};
use crate::{permutation, quotient};
use halo2_base::halo2_proofs::halo2curves::bn256::{Bn256, Fr, G1Affine};
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use halo2_base::halo2_proofs::poly::commitment::Params;
use halo2_base::halo2_proofs::poly::kzg::commitment::ParamsKZG;
use halo2_base::halo2_proofs::transcript::{EncodedChallenge, TranscriptWrite};
use rand::RngCore;
use rayon::prelude::*;
use std::collections::HashMap;
use std::io;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProveError {
    /// The string is for another domain.
    #[error("a string of 2^{got} powers for a key of 2^{expected} rows")]
    String {
        /// log2 of the string's size.
        got: u32,
        /// log2 of the key's rows.
        expected: u32,
    },
    /// A witness of other columns than the key's.
    #[error("phase {phase}: {got} columns, the key has {expected}")]
    Columns {
        /// Which phase.
        phase: u8,
        /// Columns given.
        got: usize,
        /// Columns of the key.
        expected: usize,
    },
    /// A circuit that cannot be synthesized.
    #[error("synthesis: {0}")]
    Synthesis(#[from] halo2_base::halo2_proofs::plonk::Error),
    /// More values than a column has rows for.
    #[error("{got} values for a column of {usable} usable rows")]
    Rows {
        /// Values given.
        got: usize,
        /// Rows that can be used.
        usable: usize,
    },
    /// The transcript could not be written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Proves that a witness satisfies a key's circuit for these public values.
pub fn create_proof<E, T>(
    params: &ParamsKZG<Bn256>,
    key: &Key,
    instance: &[Fr],
    witness: &mut impl Witness,
    mut rng: impl RngCore,
    transcript: &mut T,
) -> Result<(), ProveError>
where
    E: EncodedChallenge<G1Affine>,
    T: TranscriptWrite<G1Affine, E>,
{
    let (got, expected) = (params.k(), key.domain.n().trailing_zeros());
    if got != expected {
        return Err(ProveError::String { got, expected });
    }
    let domain = &key.domain;
    let mut commit = Commit::new(params)?;
    transcript.common_scalar(key.vk.transcript_repr())?;
    for value in instance {
        transcript.common_scalar(*value)?;
    }
    let mut advice = Advice::new(key, &commit, &mut rng, transcript);
    witness.fill(&mut advice)?;
    let (advice, challenges) = advice.finish()?;
    let instance = padded(key, instance.to_vec())?;

    // There are no lookups for θ to compress.
    let _theta = transcript.squeeze();
    let [beta, gamma] = [transcript.squeeze(), transcript.squeeze()];
    let products = permutation::products(key, &advice, &instance, [beta, gamma], &mut rng);
    for point in commit.all_values(&products) {
        transcript.write_point(point)?;
    }
    commit.forget_lagrange();
    let mut random = vec![Fr::ZERO; domain.n()];
    random[..2].fill_with(|| Fr::random(&mut rng));
    transcript.write_point(commit.coefficients(&domain.reordered(&random)))?;

    let y = transcript.squeeze();
    let polys = |columns: Vec<Vec<Fr>>| -> Vec<Vec<Fr>> {
        let columns = columns.into_par_iter();
        columns.map(|c| domain.interpolate(&c)).collect()
    };
    let (advice, products) = (polys(advice), polys(products));
    let pieces = quotient::pieces(
        key,
        &quotient::Committed {
            advice: &advice,
            instance: &domain.interpolate(&instance),
            instance_values: &instance,
            products: &products,
            challenges: &challenges,
            beta,
            gamma,
            y,
        },
    );
    for piece in &pieces {
        transcript.write_point(commit.coefficients(&domain.reordered(piece)))?;
    }

    let x = transcript.squeeze();
    let point = |rotation: i32| x * domain.power(rotation);
    let quotient = folded(&pieces, x.pow_vartime([domain.n() as u64]));
    drop(pieces);
    let opened = Opened {
        key,
        advice: &advice,
        products: &products,
        random: &random,
        quotient: &quotient,
    };
    let queries = opened.queries(&point, transcript)?;
    open(domain, &queries, point, &commit, transcript)?;
    Ok(())
}

/// Σ x^(n·m)·h_m.
fn folded(pieces: &[Vec<Fr>], xn: Fr) -> Vec<Fr> {
    let polys: Vec<&[Fr]> = pieces.iter().map(Vec::as_slice).collect();
    weighted_sum(&polys, &powers(Fr::ONE, xn, pieces.len()))
}

/// What is opened.
struct Opened<'a> {
    key: &'a Key,
    advice: &'a [Vec<Fr>],
    products: &'a [Vec<Fr>],
    random: &'a [Fr],
    quotient: &'a [Fr],
}

impl<'a> Opened<'a> {
    /// Writes the evaluations; returns the queries in the order of the opening, which is another one.
    fn queries<E: EncodedChallenge<G1Affine>, T: TranscriptWrite<G1Affine, E>>(
        &self,
        point: &impl Fn(i32) -> Fr,
        transcript: &mut T,
    ) -> io::Result<Vec<Query<'a>>> {
        let cs = self.key.vk.cs();
        let mut powers = HashMap::new();
        let mut query = |poly: &'a [Fr], rotation: i32| {
            let powers = powers.entry(rotation);
            let powers = powers.or_insert_with(|| self.key.domain.powers(point(rotation)));
            Query {
                poly,
                rotation,
                value: inner_product(poly, powers),
            }
        };
        let key: &'a Key = self.key;
        let advice = cs.advice_queries().iter();
        let advice: Vec<_> = advice
            .map(|(c, r)| query(&self.advice[c.index()], r.0))
            .collect();
        let fixed = cs.fixed_queries().iter();
        let fixed: Vec<_> = fixed
            .map(|(c, r)| query(&key.fixed_polys[c.index()], r.0))
            .collect();
        let random = query(self.random, 0);
        let sigma: Vec<_> = key.sigma_polys.iter().map(|p| query(p, 0)).collect();
        let last = key.usable_rows as i32 - key.domain.n() as i32;
        let steps: Vec<[Query<'a>; 2]> = self
            .products
            .iter()
            .map(|p| [query(p, 0), query(p, 1)])
            .collect();
        let links: Vec<_> = self.products[..self.products.len() - 1]
            .iter()
            .map(|p| query(p, last))
            .collect();

        let first = advice.iter().chain(&fixed).chain([&random]).chain(&sigma);
        for query in first {
            transcript.write_scalar(query.value)?;
        }
        for (i, step) in steps.iter().enumerate() {
            for query in step.iter().chain(links.get(i)) {
                transcript.write_scalar(query.value)?;
            }
        }
        let quotient = query(self.quotient, 0);
        let permutation = steps.into_iter().flatten().chain(links.into_iter().rev());
        let advice = advice.into_iter().chain(permutation);
        let fixed = fixed.into_iter().chain(sigma).chain([quotient, random]);
        Ok(advice.chain(fixed).collect())
    }
}

/// Challenges as field elements.
pub(crate) trait Squeeze<E> {
    fn squeeze(&mut self) -> Fr;
}

impl<E: EncodedChallenge<G1Affine>, T: TranscriptWrite<G1Affine, E>> Squeeze<E> for T {
    fn squeeze(&mut self) -> Fr {
        *self.squeeze_challenge_scalar::<()>()
    }
}
