//! The point that every chain starts from, and what it has become at the end.
//!
//! A chain that began with the first table entry could meet exceptional cases for honest inputs (equal points, scalars of
//! small height). So chain start is a point O with no known relation to any other: the first x = m, m + 1, … with x³ + 3 a
//! square, where m is the ASCII text "halocast-ecc offset point 1" read as a big-endian number times 256; y is the even one
//! of the two roots. The doublings of a chain turn −O into −2^252·O, which the last addition takes away.
//!
//! Soundness does not rest on this: gate `apart` refuses an addition of points with equal x whatever O is. It matters for
//! completeness only: an honest prover is stopped with probability about 2^-250 an addition, unless points were made from O
//! on purpose.

use crate::params::{WINDOW_BITS, WINDOWS};
use halo2_base::halo2_proofs::halo2curves::{
    bn256::{Fq, Fr, G1Affine},
    ff::{Field, PrimeField},
    group::Curve,
};
use std::sync::LazyLock;

const TEXT: &[u8] = b"halocast-ecc offset point 1";

static POINTS: LazyLock<[G1Affine; 2]> = LazyLock::new(|| {
    let start = derive();
    let doublings = (WINDOW_BITS * (WINDOWS - 1)) as u64;
    let end = (start * Fr::from(2).pow([doublings])).to_affine();
    [start, end]
});

/// O and 2^252·O.
pub(crate) fn points() -> [G1Affine; 2] {
    *POINTS
}

fn derive() -> G1Affine {
    let shift = |x: Fq, byte: &u8| x * Fq::from(256) + Fq::from(*byte as u64);
    let first = TEXT.iter().chain(&[0]).fold(Fq::ZERO, shift);
    let (x, root) = (0..)
        .map(|i| first + Fq::from(i))
        .find_map(|x| {
            let root = Option::<Fq>::from((x.square() * x + Fq::from(3)).sqrt())?;
            Some((x, root))
        })
        .expect("every other x is on the curve");
    let y = if bool::from(root.is_odd()) {
        -root
    } else {
        root
    };
    G1Affine { x, y }
}

#[cfg(test)]
mod tests {
    use super::*;
    use halo2_base::halo2_proofs::halo2curves::CurveAffine;

    #[test]
    fn the_offset_is_on_the_curve_and_pinned() {
        let [start, end] = points();
        assert!(bool::from(start.is_on_curve() & end.is_on_curve()));
        let bytes: Vec<u8> = start.x.to_repr().as_ref().iter().rev().copied().collect();
        let text = &bytes[32 - TEXT.len() - 1..31];
        assert_eq!(text, TEXT);
        assert!(bytes[31] < 64);
    }
}
