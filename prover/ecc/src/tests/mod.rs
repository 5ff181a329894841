//! Tests of the whole chip.
//!
//! | file | what |
//! |---|---|
//! | `circuit` | a circuit around the chip, for MockProver and real proofs |
//! | `checker` | every gate and copy evaluated natively, names the constraint that refuses |
//! | `bounds` | the bounds of `limbs` computed with intervals |
//! | `card` | degree, columns, gates |
//! | `honest` | accepted runs, against native arithmetic |
//! | `cells` | one changed cell |
//! | `lies` | consistent dishonest provers, and the constraint that each of them needs gone |
//! | `outer` | inside a circuit of halo2-base, tied to its cells |
//! | `proof` | MockProver and real proofs |

mod bounds;
mod card;
mod cells;
mod checker;
mod circuit;
mod honest;
mod lies;
mod outer;
mod proof;

use crate::{EccParams, Layout, Width};
use halo2_base::halo2_proofs::halo2curves::{
    bn256::{Fr, G1, G1Affine},
    ff::Field,
    group::{Curve, Group},
};
use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;

/// Points and scalars of all jobs.
type Inputs = Vec<Vec<(G1Affine, Fr)>>;

fn rng(seed: u64) -> ChaCha12Rng {
    ChaCha12Rng::seed_from_u64(seed)
}

fn random_inputs(jobs: &[usize], seed: u64) -> Inputs {
    let mut rng = rng(seed);
    let mut pair = || {
        let point = G1::random(&mut rng).to_affine();
        (point, Fr::random(&mut rng))
    };
    jobs.iter()
        .map(|n| (0..*n).map(|_| pair()).collect())
        .collect()
}

fn layout(width: Width, jobs: &[usize]) -> Layout {
    Layout::new(&EccParams::smallest(width, jobs).unwrap()).unwrap()
}

fn native(inputs: &[(G1Affine, Fr)]) -> G1Affine {
    let sum: G1 = inputs.iter().map(|(p, s)| p * s).sum();
    sum.to_affine()
}
