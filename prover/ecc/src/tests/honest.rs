//! Honest runs: accepted, and equal to native arithmetic.

use super::{Inputs, checker::Checker, circuit::outer, layout, native, random_inputs, rng};
use crate::{EccError, Layout, Width, Witness, offset, params::CONSTANT_BLOCKS};
use halo2_base::halo2_proofs::halo2curves::{
    bn256::{Fq, Fr, G1, G1Affine},
    ff::Field,
    group::{Curve, Group, prime::PrimeCurveAffine},
};

/// Checks a run against native sums; returns how many curve operations it has.
fn accepts(layout: &Layout, inputs: &Inputs) -> usize {
    let witness = Witness::new(layout, inputs).unwrap();
    let results: Vec<G1Affine> = inputs.iter().map(|job| native(job)).collect();
    assert_eq!(witness.results(), results);
    let checker = Checker::new(layout.params().width);
    let refusals = checker.refusals(layout, &witness, &outer(layout, inputs, &results));
    assert_eq!(refusals, Vec::<String>::new());
    layout.blocks.len() - CONSTANT_BLOCKS
}

#[test]
fn every_width_takes_lists_of_jobs() {
    for width in Width::ALL {
        for jobs in [vec![1], vec![2, 1], vec![1, 3, 2]] {
            accepts(&layout(width, &jobs), &random_inputs(&jobs, 1));
        }
    }
}

fn edge_scalars() -> Vec<Fr> {
    let top = Fr::from(2).pow([253]);
    let small = [0u64, 1, 2, 3, 15, 16, 17].map(Fr::from);
    let mut scalars: Vec<Fr> = small.iter().flat_map(|s| [*s, -*s]).collect();
    scalars.extend([top, top + Fr::ONE, top - Fr::ONE, -top]);
    scalars
}

/// Sums of edge scalars with the generator, its negative, equal points, P and −P; more than 10,000 curve operations in all.
#[test]
fn edge_values_agree_with_native_arithmetic() {
    let g = G1Affine::generator();
    let p = G1::random(rng(2)).to_affine();
    let largest_x = largest_abscissa();
    let mut pairs: Vec<(G1Affine, Fr)> = vec![];
    for s in edge_scalars() {
        pairs.extend([g, -g, p, -p, largest_x].map(|point| (point, s)));
    }
    // Not the point at infinity in sum, and equal points with equal scalars side by side.
    pairs.extend([
        (p, Fr::from(5)),
        (p, Fr::from(5)),
        (g, Fr::ONE),
        (-g, Fr::from(7)),
    ]);
    let random = random_inputs(&[10, 1], 3);
    let half = |pairs: &[_], extra: &[_]| [pairs, extra].concat();
    let jobs = vec![
        half(&pairs[..40], &random[1]),
        half(&pairs[40..], &random[1]),
        random[0].clone(),
    ];
    let sizes: Vec<usize> = jobs.iter().map(Vec::len).collect();
    let operations = accepts(&layout(Width::W10, &sizes), &jobs);
    assert!(operations >= 10_000, "{operations}");
}

/// The point of the curve with the largest x below p.
fn largest_abscissa() -> G1Affine {
    let candidates = (1..).map(|i| -Fq::from(i));
    let on_curve = |x: Fq| {
        let y = Option::<Fq>::from((x.square() * x + Fq::from(3)).sqrt())?;
        Some(G1Affine { x, y })
    };
    candidates.into_iter().find_map(on_curve).unwrap()
}

#[test]
fn single_points_with_edge_scalars() {
    let g = G1Affine::generator();
    let zero_free = edge_scalars().into_iter().filter(|s| *s != Fr::ZERO);
    let jobs: Inputs = zero_free.take(6).map(|s| vec![(g, s)]).collect();
    let sizes = vec![1; jobs.len()];
    accepts(&layout(Width::W20, &sizes), &jobs);
}

#[test]
fn bad_inputs_are_named() {
    let shape = layout(Width::W20, &[2, 1]);
    let new = |inputs: &Inputs| Witness::new(&shape, inputs).map(|_| ()).unwrap_err();
    let good = random_inputs(&[2, 1], 4);
    let mut bad = good.clone();
    bad[1][0].0 = G1Affine::identity();
    assert_eq!(new(&bad), EccError::Identity { job: 1, point: 0 });
    bad[1][0].0 = G1Affine {
        x: Fq::ONE,
        y: Fq::ONE,
    };
    assert_eq!(new(&bad), EccError::NotOnCurve { job: 1, point: 0 });
    bad.pop();
    assert_eq!(
        new(&bad),
        EccError::JobCount {
            got: 1,
            expected: 2
        }
    );
    let mut bad = good.clone();
    bad[0].pop();
    let size = EccError::JobSize {
        job: 0,
        got: 1,
        expected: 2,
    };
    assert_eq!(new(&bad), size);
    let mut bad = good.clone();
    bad[0][1] = (-bad[0][0].0, bad[0][0].1);
    assert_eq!(new(&bad), EccError::ResultIsIdentity { job: 0 });
    bad[1][0].1 = Fr::ZERO;
    assert!(matches!(new(&bad), EccError::ResultIsIdentity { .. }));
    // A point made from the offset point meets it: named, not forged.
    let mut bad = good;
    bad[1][0] = (offset::points()[0], bad[1][0].1);
    bad[1][0].1 = Fr::from(1) + Fr::from(16).pow([63]);
    assert!(matches!(new(&bad), EccError::Exceptional { job: 1, .. }));
}
