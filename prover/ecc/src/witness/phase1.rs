//! What follows from the challenges: helpers, fractions, the running sum.

use super::{Witness, batch_invert};
use crate::{
    block::{plain, role},
    gates::{Challenges, LookupGroups},
    layout::Layout,
    limbs::PIECE_BITS,
};
use halo2_base::halo2_proofs::halo2curves::{bn256::Fr, ff::Field};
use rayon::prelude::*;

/// The columns of phase 1. `sum` has one row more than the others: where it is back at zero.
pub(crate) struct Phase1 {
    pub(crate) helpers: Vec<Vec<Fr>>,
    pub(crate) fraction: Vec<Fr>,
    pub(crate) sum: Vec<Fr>,
}

impl Phase1 {
    pub(crate) fn new(layout: &Layout, witness: &Witness, challenges: &Challenges<Fr>) -> Self {
        let rows = layout.params().active_rows();
        let pieces = Inverses::new(challenges.beta);
        let groups = LookupGroups::new(layout.params().width);
        let sum_of = |row: usize, lookups: &[crate::gates::Lookup]| -> Fr {
            let values = lookups.iter().map(|l| {
                // Rows after the last block hold zeros.
                let piece = witness.range[l.column].get(row).copied().unwrap_or(0);
                pieces.of(piece as u64 * if l.doubled { 2 } else { 1 })
            });
            values.sum()
        };
        let helpers: Vec<Vec<Fr>> = groups
            .helpers
            .iter()
            .map(|group| {
                (0..rows)
                    .into_par_iter()
                    .map(|row| sum_of(row, group))
                    .collect()
            })
            .collect();
        let fraction = fractions(layout, witness, challenges);
        let steps: Vec<Fr> = (0..rows)
            .into_par_iter()
            .map(|row| {
                let used = witness.multiplicities.get(row).copied().unwrap_or(0);
                // Rows past the table offer nothing.
                let offered = match used {
                    0 => Fr::ZERO,
                    _ => Fr::from(used as u64) * pieces.of(row as u64),
                };
                let f = fraction.get(row).copied().unwrap_or(Fr::ZERO);
                let helpers: Fr = helpers.iter().map(|h| h[row]).sum();
                helpers + f + sum_of(row, &groups.in_sum) - offered
            })
            .collect();
        Phase1 {
            helpers,
            fraction,
            sum: running(&steps),
        }
    }
}

/// `[0, s₀, s₀ + s₁, …]`
fn running(steps: &[Fr]) -> Vec<Fr> {
    let add = |sum: &mut Fr, step: &Fr| {
        *sum += step;
        Some(*sum)
    };
    let sums = steps.iter().scan(Fr::ZERO, add);
    std::iter::once(Fr::ZERO).chain(sums).collect()
}

/// 1/(β + i), from a table where i is small (honest pieces, and rows of the range table).
struct Inverses {
    beta: Fr,
    small: Vec<Fr>,
}

impl Inverses {
    fn new(beta: Fr) -> Self {
        let mut small: Vec<Fr> = (0..1u64 << PIECE_BITS)
            .map(|i| beta + Fr::from(i))
            .collect();
        batch_invert(&mut small);
        Inverses { beta, small }
    }

    fn of(&self, i: u64) -> Fr {
        match self.small.get(i as usize) {
            Some(inverse) => *inverse,
            // A piece this large is a lie, whose fraction is computed all the same.
            None => (self.beta + Fr::from(i)).invert().unwrap_or(Fr::ZERO),
        }
    }
}

/// ±16^i/(α + τ) of additions, −W/(α + τ) of entries, on the first rows of their blocks.
pub(crate) fn fractions(
    layout: &Layout,
    witness: &Witness,
    challenges: &Challenges<Fr>,
) -> Vec<Fr> {
    let width = layout.params().width;
    let cell = |block: usize, cell: usize| {
        let spot = width.plain(cell);
        witness.plain[spot.column][block * width.rows() + spot.row]
    };
    let (mut denominators, numerators): (Vec<Fr>, Vec<Fr>) = (0..layout.blocks.len())
        .into_par_iter()
        .map(|i| {
            let block = &layout.blocks[i];
            let (multiple, numerator) = match block.kind.codes()[2] {
                role::DIGIT => {
                    let sign = Fr::ONE - cell(i, plain::SIGN).double();
                    (cell(i, plain::DIGIT), block.value() * sign)
                }
                role::ENTRY => (block.value(), -cell(i, plain::WEIGHT)),
                _ => return (Fr::ONE, Fr::ZERO),
            };
            let words = (plain::X..=plain::Y_HI).rev().map(|word| cell(i, word));
            let words = words.chain([Fr::from(block.table), multiple]);
            let tuple = words.fold(Fr::ZERO, |sum, word| sum * challenges.gamma + word);
            (challenges.alpha + tuple, numerator)
        })
        .unzip();
    batch_invert(&mut denominators);
    let mut column = vec![Fr::ZERO; layout.blocks.len() * width.rows()];
    for (i, (inverse, numerator)) in denominators.iter().zip(numerators).enumerate() {
        column[i * width.rows()] = numerator * inverse;
    }
    column
}
