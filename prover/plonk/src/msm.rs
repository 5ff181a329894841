//! Multi-scalar multiplication over BN254's G1: Pippenger's method with signed digits (Booth). `buckets.rs` has the sums.

use crate::buckets::{Buckets, Spread, is_identity};
use crate::domain::chunk_len;
use halo2_base::halo2_proofs::halo2curves::bn256::{Fq, Fr, G1, G1Affine};
use halo2_base::halo2_proofs::halo2curves::ff::{Field, PrimeField};
use halo2_base::halo2_proofs::halo2curves::group::Group;
use rayon::prelude::*;

/// Pairs of neighbours that share an inversion.
const PAIRS: usize = 256;
/// Widest window: its buckets stay in a core's cache.
const WIDEST: usize = 13;

type Scalar = [u64; 4];

/// Σ scalar·base.
pub(crate) fn msm(scalars: &[Fr], bases: &[G1Affine]) -> G1 {
    let scalars: Vec<Scalar> = scalars.par_iter().map(integer).collect();
    let repeated = scalars.windows(2).filter(|pair| pair[0] == pair[1]).count();
    if repeated < scalars.len() / 8 {
        return pippenger(&scalars, bases);
    }
    let chunk = chunk_len(scalars.len());
    let chunks = scalars.par_chunks(chunk).zip(bases.par_chunks(chunk));
    let merged: Vec<_> = chunks.map(|(s, b)| merge_runs(s, b)).collect();
    let (scalars, bases): (Vec<_>, Vec<_>) = merged.into_iter().flatten().unzip();
    pippenger(&scalars, &bases)
}

fn pippenger(scalars: &[Scalar], bases: &[G1Affine]) -> G1 {
    let width = window_width(scalars.len());
    let used = scalars.iter().fold([0u64; 4], |mut all, s| {
        all.iter_mut().zip(s).for_each(|(a, s)| *a |= s);
        all
    });
    // One bit more than the longest scalar has, for the last digit's carry.
    let bits = bit_length(&used);
    let sums: Vec<G1> = (0..bits / width + 1)
        .into_par_iter()
        .map(|window| {
            let digits = 1usize << (bits - window * width).min(width - 1);
            window_sum(scalars, bases, window * width, width, digits)
        })
        .collect();
    sums.iter().rev().fold(G1::identity(), |acc, sum| {
        (0..width).fold(acc, |acc, _| acc.double()) + sum
    })
}

/// Neighbours with one scalar become one base, zeros none: what columns with long runs (sums that rest, padding) ask for.
fn merge_runs(scalars: &[Scalar], bases: &[G1Affine]) -> Vec<(Scalar, G1Affine)> {
    let all = scalars.iter().copied().zip(bases.iter().copied());
    let mut terms: Vec<_> = all
        .filter(|(s, p)| *s != [0; 4] && !is_identity(p))
        .collect();
    loop {
        let before = terms.len();
        terms = terms.chunks(2 * PAIRS).flat_map(merge_pairs).collect();
        if terms.len() >= before - before / 16 {
            return terms;
        }
    }
}

/// Adds pairs of neighbours with one scalar, all with one inversion.
fn merge_pairs(terms: &[(Scalar, G1Affine)]) -> Vec<(Scalar, G1Affine)> {
    let mut out: Vec<(Scalar, G1Affine)> = Vec::with_capacity(terms.len());
    let mut second: Vec<Option<G1Affine>> = Vec::with_capacity(terms.len());
    for (scalar, point) in terms {
        match (out.last(), second.last_mut()) {
            (Some((s, p)), Some(free @ None)) if s == scalar && p.x != point.x => {
                *free = Some(*point);
            }
            _ => {
                out.push((*scalar, *point));
                second.push(None);
            }
        }
    }
    let pairs = out.iter_mut().zip(&second);
    let mut pairs: Vec<(&mut G1Affine, G1Affine)> =
        pairs.filter_map(|((_, p), q)| q.map(|q| (p, q))).collect();
    add_all(&mut pairs);
    out
}

/// Adds points of different x: λ = (y₂ − y₁)/(x₂ − x₁), x = λ² − x₁ − x₂, y = λ·(x₁ − x) − y₁.
fn add_all(pairs: &mut [(&mut G1Affine, G1Affine)]) {
    let mut product = Fq::ONE;
    let mut before = Vec::with_capacity(pairs.len());
    for (sum, point) in pairs.iter() {
        before.push(product);
        product *= point.x - sum.x;
    }
    // No factor is 0.
    let mut inverse = product.invert().unwrap_or(Fq::ZERO);
    for ((sum, point), before) in pairs.iter_mut().zip(before).rev() {
        let difference = point.x - sum.x;
        **sum = chord(sum, point, inverse * before);
        inverse *= difference;
    }
}

/// The sum of two points, given 1/(x₂ − x₁).
pub(crate) fn chord(one: &G1Affine, two: &G1Affine, inverse: Fq) -> G1Affine {
    let slope = (two.y - one.y) * inverse;
    let x = slope.square() - one.x - two.x;
    let y = slope * (one.x - x) - one.y;
    G1Affine { x, y }
}

fn window_width(n: usize) -> usize {
    (n.max(2).ilog2() as usize)
        .saturating_sub(4)
        .clamp(2, WIDEST)
}

fn integer(scalar: &Fr) -> Scalar {
    let bytes = scalar.to_repr();
    let limb = |i: usize| {
        bytes.as_ref()[8 * i..8 * i + 8]
            .try_into()
            .expect("eight bytes")
    };
    [0, 1, 2, 3].map(|i| u64::from_le_bytes(limb(i)))
}

fn bit_length(value: &Scalar) -> usize {
    let top = value.iter().rposition(|limb| *limb != 0);
    top.map_or(0, |i| 64 * i + 64 - value[i].leading_zeros() as usize)
}

/// The signed digit that starts at a bit: from −2^(width−1) to 2^(width−1).
fn digit(scalar: &Scalar, from: usize, width: usize) -> i32 {
    // The bits from one below, which says whether the digit below was negative.
    let bits = match from {
        0 => scalar[0] << 1,
        _ => {
            let (limb, shift) = ((from - 1) / 64, (from - 1) % 64);
            let low = scalar.get(limb).map_or(0, |l| l >> shift);
            let high = scalar.get(limb + 1).copied().unwrap_or(0);
            low | if shift == 0 { 0 } else { high << (64 - shift) }
        }
    };
    let bits = (bits & ((1 << (width + 1)) - 1)) as i32;
    ((bits + 1) >> 1) - ((bits >> width) << width)
}

/// Σ digit·base of one window with digits up to a bound.
fn window_sum(
    scalars: &[Scalar],
    bases: &[G1Affine],
    from: usize,
    width: usize,
    digits: usize,
) -> G1 {
    let index = |i: usize| (digit(&scalars[i], from, width).unsigned_abs() as usize).checked_sub(1);
    let mut spread = Spread::new(digits, scalars.len(), index);
    let mut buckets = Buckets::new(spread.buckets());
    for (scalar, base) in scalars.iter().zip(bases) {
        match digit(scalar, from, width) {
            0 => {}
            d if d > 0 => buckets.add(spread.place(d as usize - 1), base),
            d => buckets.add(spread.place(d.unsigned_abs() as usize - 1), &-*base),
        }
    }
    buckets.weighted_sum(&spread)
}

#[cfg(test)]
mod tests {
    use super::*;
    use halo2_base::halo2_proofs::halo2curves::group::Curve;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    fn naive(scalars: &[Fr], bases: &[G1Affine]) -> G1 {
        let products = scalars.iter().zip(bases).map(|(s, b)| *b * *s);
        products.fold(G1::identity(), |a, b| a + b)
    }

    fn bases(n: usize, rng: &mut StdRng) -> Vec<G1Affine> {
        (0..n).map(|_| G1::random(&mut *rng).to_affine()).collect()
    }

    #[test]
    fn buckets_of_both_kinds_agree() {
        use crate::buckets::PlainBuckets;
        if crate::without_lanes::skips("buckets_of_both_kinds_agree") {
            return;
        }
        let mut rng = StdRng::seed_from_u64(8);
        let points = bases(1500, &mut rng);
        for (digits, often) in [(1, 1), (2, 1), (8, 3), (128, 128), (128, 3), (1024, 1024)] {
            // Some digits get most, some nothing; a point meets itself and its opposite.
            let digit = |i: usize| {
                if i.is_multiple_of(3) {
                    i % digits
                } else {
                    i * i % often
                }
            };
            let mut spread = Spread::new(digits, points.len(), |i| Some(digit(i)));
            let mut all = Buckets::new(spread.buckets());
            let mut plain = PlainBuckets::new(spread.buckets());
            for (i, point) in points.iter().enumerate() {
                let bucket = spread.place(digit(i));
                for p in [*point, -*point, *point, G1Affine::default()]
                    .iter()
                    .take(1 + i % 4)
                {
                    all.add(bucket, p);
                    plain.add(bucket, p);
                }
            }
            assert_eq!(
                all.weighted_sum(&spread),
                plain.weighted_sum(&spread),
                "{digits} {often}"
            );
        }
    }

    #[test]
    fn agrees_with_sums_of_products() {
        let mut rng = StdRng::seed_from_u64(5);
        for n in [1, 2, 3, 31, 600, 3000] {
            let bases = bases(n, &mut rng);
            let random: Vec<Fr> = (0..n).map(|_| Fr::random(&mut rng)).collect();
            let small = (0..n).map(|i| Fr::from(i as u64 % 70_000)).collect();
            let edges = [
                Fr::ZERO,
                Fr::ONE,
                -Fr::ONE,
                -Fr::from(4096),
                Fr::from(1 << 12),
            ];
            let edges = (0..n).map(|i| edges[i % edges.len()]).collect();
            let equal = vec![Fr::from(77); n];
            let runs = (0..n).map(|i| -Fr::from(i as u64 / 9 % 4)).collect();
            for scalars in [random, small, edges, equal, runs, vec![Fr::ZERO; n]] {
                assert_eq!(msm(&scalars, &bases), naive(&scalars, &bases), "{n}");
            }
        }
    }

    #[test]
    fn equal_and_opposite_points_meet_in_a_bucket() {
        let mut rng = StdRng::seed_from_u64(6);
        let point = G1::random(&mut rng).to_affine();
        let bases: Vec<_> = (0..700)
            .map(|i| if i % 3 == 0 { -point } else { point })
            .collect();
        for scalars in [vec![Fr::from(9); 700], vec![-Fr::ONE; 700]] {
            assert_eq!(msm(&scalars, &bases), naive(&scalars, &bases));
        }
    }

    /// Runs long enough for several rounds of merging; points at infinity where runs begin, in pairs, and in between.
    #[test]
    fn points_at_infinity_do_not_spoil_a_run() {
        let mut rng = StdRng::seed_from_u64(9);
        let scalars: Vec<Fr> = (0..1500).map(|i| Fr::from(3 + i / 100)).collect();
        let points = bases(scalars.len(), &mut rng);
        for absent in [
            |i: usize| i.is_multiple_of(100),
            |i: usize| i % 2 == 1,
            |i: usize| i % 7 < 2,
            |i: usize| i % 100 != 50,
            |_: usize| true,
        ] {
            let mut bases = points.clone();
            let absent_bases = bases.iter_mut().enumerate().filter(|(i, _)| absent(*i));
            absent_bases.for_each(|(_, base)| *base = G1Affine::default());
            assert_eq!(msm(&scalars, &bases), naive(&scalars, &bases));
        }
    }

    #[test]
    fn digits_add_up() {
        let mut rng = StdRng::seed_from_u64(7);
        for width in [2, 5, 13] {
            for scalar in [Fr::random(&mut rng), -Fr::ONE, Fr::ONE, Fr::from(u64::MAX)] {
                let limbs = integer(&scalar);
                let base = Fr::from(1u64 << width);
                let sum = (0..254 / width + 1).rev().fold(Fr::ZERO, |acc, window| {
                    let d = digit(&limbs, window * width, width);
                    let value = Fr::from(u64::from(d.unsigned_abs()));
                    acc * base + if d < 0 { -value } else { value }
                });
                assert_eq!(sum, scalar);
            }
        }
    }
}
