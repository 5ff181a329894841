//! Sums of multiples of polynomials, and inner products: what remains to be done with polynomials that are known. In lanes where the
//! machine has them.

use crate::domain::chunk_len;
#[cfg(target_arch = "x86_64")]
use crate::lanes;
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use rayon::prelude::*;

/// Σ weight·poly of polynomials of one length, of which there is at least one.
pub(crate) fn weighted_sum(polys: &[&[Fr]], weights: &[Fr]) -> Vec<Fr> {
    let mut sum = vec![Fr::ZERO; polys[0].len()];
    add_weighted(&mut sum, polys, weights);
    sum
}

/// Adds Σ weight·poly; polynomials may be shorter than the sum.
pub(crate) fn add_weighted(sum: &mut [Fr], polys: &[&[Fr]], weights: &[Fr]) {
    let chunk = chunk_len(sum.len());
    let parts = sum.par_chunks_mut(chunk).enumerate();
    parts.for_each(|(part, sum)| {
        let part = |poly: &&'_ [Fr]| {
            let from = (part * chunk).min(poly.len());
            from..(from + sum.len()).min(poly.len())
        };
        let polys: Vec<&[Fr]> = polys.iter().map(|poly| &poly[part(poly)]).collect();
        #[cfg(target_arch = "x86_64")]
        if lanes::available() {
            return in_lanes::add_weighted(sum, &polys, weights);
        }
        add_weighted_plainly(sum, &polys, weights);
    });
}

fn add_weighted_plainly(sum: &mut [Fr], polys: &[&[Fr]], weights: &[Fr]) {
    for (poly, weight) in polys.iter().zip(weights) {
        for (sum, c) in sum.iter_mut().zip(*poly) {
            *sum += *c * weight;
        }
    }
}

/// Σ a·b.
pub(crate) fn inner_product(a: &[Fr], b: &[Fr]) -> Fr {
    let chunk = chunk_len(a.len());
    let parts = a.par_chunks(chunk).zip(b.par_chunks(chunk));
    let part = |(a, b): (&[Fr], &[Fr])| {
        #[cfg(target_arch = "x86_64")]
        if lanes::available() {
            return in_lanes::inner_product(a, b);
        }
        inner_product_plainly(a, b)
    };
    parts.map(part).sum()
}

fn inner_product_plainly(a: &[Fr], b: &[Fr]) -> Fr {
    a.iter().zip(b).map(|(a, b)| *a * b).sum()
}

/// The same with eight values at a time; what is left over goes the plain way.
#[cfg(target_arch = "x86_64")]
mod in_lanes {
    #![allow(unsafe_code)] // Calls of functions for machines with these instructions: callers ask.

    use super::{add_weighted_plainly, inner_product_plainly};
    use crate::lanes::{Constant, LANES, Lanes};
    use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
    use halo2_base::halo2_proofs::halo2curves::ff::Field;

    /// Products that are summed before the sum is reduced: each is below 1.2·p, with limbs of at most 57 bits.
    const TERMS: usize = 32;

    type V = Lanes<Fr>;

    pub(super) fn add_weighted(sum: &mut [Fr], polys: &[&[Fr]], weights: &[Fr]) {
        let common = polys.iter().map(|poly| poly.len()).min();
        let common = common.map_or(0, |len| len / LANES * LANES);
        let constants: Vec<Constant<Fr>> = weights.iter().map(|w| Constant::new(*w)).collect();
        let (whole, rest) = sum.split_at_mut(common);
        // SAFETY: the machine has the instructions.
        unsafe { add_whole(whole, polys, &constants) };
        let polys: Vec<&[Fr]> = polys.iter().map(|poly| &poly[common..]).collect();
        add_weighted_plainly(rest, &polys, weights);
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn add_whole(sum: &mut [Fr], polys: &[&[Fr]], weights: &[Constant<Fr>]) {
        for (i, sum) in sum.as_chunks_mut().0.iter_mut().enumerate() {
            let mut total = V::load(sum);
            for (polys, weights) in polys.chunks(TERMS).zip(weights.chunks(TERMS)) {
                for (poly, weight) in polys.iter().zip(weights) {
                    let values = V::load(&poly.as_chunks().0[i]);
                    total = total.plus(values.mul_loose(weight.lanes()));
                }
                total = total.carried().reduced();
            }
            total.store(sum);
        }
    }

    pub(super) fn inner_product(a: &[Fr], b: &[Fr]) -> Fr {
        let common = a.len() / LANES * LANES;
        // SAFETY: the machine has the instructions.
        let whole = unsafe { inner_product_whole(&a[..common], &b[..common]) };
        whole + inner_product_plainly(&a[common..], &b[common..])
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn inner_product_whole(a: &[Fr], b: &[Fr]) -> Fr {
        let (a, b) = (a.as_chunks().0, b.as_chunks().0);
        let mut total = V::zero();
        for (a, b) in a.chunks(TERMS).zip(b.chunks(TERMS)) {
            for (a, b) in a.iter().zip(b) {
                total = total.plus(V::load(a).mul_loose(V::load_shifted(b)));
            }
            total = total.carried().reduced();
        }
        let mut sums = [Fr::ZERO; LANES];
        total.store(&mut sums);
        sums.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_agree() {
        if crate::without_lanes::skips("both_ways_agree") {
            return;
        }
        let poly = |seed: u64, len: u64| -> Vec<Fr> {
            (0..len).map(|i| -Fr::from(seed + i).square()).collect()
        };
        for (count, len) in [(1, 1), (3, 8), (34, 2067), (70, 61)] {
            let polys: Vec<Vec<Fr>> = (0..count).map(|i| poly(i, len - i % 2)).collect();
            let polys: Vec<&[Fr]> = polys.iter().map(Vec::as_slice).collect();
            let weights = poly(9, count);
            let (mut sum, mut plain) = (poly(5, len), poly(5, len));
            add_weighted(&mut sum, &polys, &weights);
            add_weighted_plainly(&mut plain, &polys, &weights);
            assert_eq!(sum, plain);
            let b = poly(77, len);
            assert_eq!(inner_product(&sum, &b), inner_product_plainly(&plain, &b));
        }
    }
}
