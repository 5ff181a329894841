//! SHPLONK: many polynomials opened at few points with two commitments (eprint 2020/081, section 4). Polynomials with the same
//! points are combined before anything is divided.

use crate::commit::Commit;
use crate::domain::{Domain, powers};
use crate::linear::{add_weighted, weighted_sum};
use crate::prove::Squeeze;
use halo2_base::halo2_proofs::halo2curves::bn256::{Fr, G1Affine};
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use halo2_base::halo2_proofs::transcript::{EncodedChallenge, TranscriptWrite};
use std::io;

/// A polynomial (coefficients in reversed order) and a point, with the value there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Query<'a> {
    pub(crate) poly: &'a [Fr],
    pub(crate) rotation: i32,
    pub(crate) value: Fr,
}

/// A polynomial with its rotations and values.
type Opened<'a> = (&'a [Fr], Vec<(i32, Fr)>);

/// Polynomials opened at the same points.
struct Set<'a> {
    rotations: Vec<i32>,
    polys: Vec<(&'a [Fr], Vec<Fr>)>,
}

/// Writes both commitments.
pub(crate) fn open<E: EncodedChallenge<G1Affine>, T: TranscriptWrite<G1Affine, E>>(
    domain: &Domain,
    queries: &[Query<'_>],
    point: impl Fn(i32) -> Fr,
    commit: &Commit<'_>,
    transcript: &mut T,
) -> io::Result<()> {
    let sets = sets(queries);
    let y = transcript.squeeze();
    let v = transcript.squeeze();
    let combined: Vec<Combined> = sets
        .iter()
        .map(|set| Combined::new(domain, set, &point, y))
        .collect();

    let n = queries[0].poly.len();
    let mut h = vec![Fr::ZERO; n];
    let mut weight = Fr::ONE;
    for set in &combined {
        add_weighted(&mut h, &[&set.quotient()], &[weight]);
        weight *= v;
    }
    transcript.write_point(commit.coefficients(&h))?;

    let u = transcript.squeeze();
    let every = combined.iter().flat_map(|c| c.points.iter().copied());
    let every = distinct(every);
    // Σ v^i · Π_{points not of the set} (u − p) · (F_i(X) − R_i(u)) − Π_{all points} (u − p) · h(X), divided by X − u.
    let outside = |set: &Combined| -> Fr {
        let others = every.iter().filter(|p| !set.points.contains(p));
        others.map(|p| u - p).product()
    };
    let all: Fr = every.iter().map(|p| u - p).product();
    let scale = outside(&combined[0]).invert().unwrap_or(Fr::ZERO);
    let mut last = h;
    let factor = -all * scale;
    crate::domain::par_each(&mut last, |_, c| *c *= factor);
    let mut weight = scale;
    for set in &combined {
        let factor = weight * outside(set);
        add_weighted(&mut last, &[&set.poly], &[factor]);
        last[0] -= factor * horner(&set.remainder, u);
        weight *= v;
    }
    let mut quotient = divide(&last, u);
    quotient.resize(n, Fr::ZERO);
    transcript.write_point(commit.coefficients(&quotient))
}

/// Sets in order of their first polynomial, polynomials in order of their first query: the verifier's order.
fn sets<'a>(queries: &[Query<'a>]) -> Vec<Set<'a>> {
    let mut polys: Vec<Opened<'_>> = Vec::new();
    for query in queries {
        let opened = (query.rotation, query.value);
        match polys.iter_mut().find(|(p, _)| std::ptr::eq(*p, query.poly)) {
            Some((_, at)) => at.push(opened),
            None => polys.push((query.poly, vec![opened])),
        }
    }
    let mut sets: Vec<Set<'a>> = Vec::new();
    for (poly, mut opened) in polys {
        opened.sort_by_key(|(rotation, _)| *rotation);
        let rotations: Vec<i32> = opened.iter().map(|(r, _)| *r).collect();
        let member = (poly, opened.into_iter().map(|(_, v)| v).collect());
        match sets.iter_mut().find(|s| s.rotations == rotations) {
            Some(set) => set.polys.push(member),
            None => sets.push(Set {
                rotations,
                polys: vec![member],
            }),
        }
    }
    sets
}

/// F = Σ y^j·P_j in natural order, and R, the polynomial through the values Σ y^j·P_j(points).
struct Combined {
    points: Vec<Fr>,
    poly: Vec<Fr>,
    remainder: Vec<Fr>,
}

impl Combined {
    fn new(domain: &Domain, set: &Set<'_>, point: impl Fn(i32) -> Fr, y: Fr) -> Self {
        let points: Vec<Fr> = set.rotations.iter().map(|&r| point(r)).collect();
        let weights = powers(Fr::ONE, y, set.polys.len());
        let polys: Vec<&[Fr]> = set.polys.iter().map(|(poly, _)| *poly).collect();
        let poly = weighted_sum(&polys, &weights);
        let value = |at: usize| {
            let values = set.polys.iter().map(|(_, values)| values[at]);
            values.zip(&weights).map(|(v, w)| v * w).sum()
        };
        let values: Vec<Fr> = (0..points.len()).map(value).collect();
        Combined {
            remainder: interpolate(&points, &values),
            poly: domain.reordered(&poly),
            points,
        }
    }

    /// (F − R) / Π (X − p).
    fn quotient(&self) -> Vec<Fr> {
        let mut rest = self.poly.clone();
        for (c, r) in rest.iter_mut().zip(&self.remainder) {
            *c -= r;
        }
        self.points
            .iter()
            .fold(rest, |rest, point| divide(&rest, *point))
    }
}

fn distinct(points: impl Iterator<Item = Fr>) -> Vec<Fr> {
    let mut out = Vec::new();
    for point in points {
        if !out.contains(&point) {
            out.push(point);
        }
    }
    out
}

/// The quotient by X − at; a remainder is dropped.
fn divide(poly: &[Fr], at: Fr) -> Vec<Fr> {
    let mut quotient = vec![Fr::ZERO; poly.len() - 1];
    let mut carry = Fr::ZERO;
    for (q, c) in quotient.iter_mut().zip(&poly[1..]).rev() {
        carry = carry * at + c;
        *q = carry;
    }
    quotient
}

fn horner(poly: &[Fr], at: Fr) -> Fr {
    poly.iter().rev().fold(Fr::ZERO, |acc, c| acc * at + c)
}

/// Coefficients of the polynomial of least degree through (points, values); the points are distinct.
pub(crate) fn interpolate(points: &[Fr], values: &[Fr]) -> Vec<Fr> {
    let mut out = vec![Fr::ZERO; points.len()];
    for (i, (point, value)) in points.iter().zip(values).enumerate() {
        let others: Vec<Fr> = points
            .iter()
            .enumerate()
            .filter(|(j, _)| *j != i)
            .map(|(_, p)| *p)
            .collect();
        let below: Fr = others.iter().map(|p| *point - p).product();
        let mut basis = vec![*value * below.invert().expect("distinct points")];
        for other in others {
            basis.push(Fr::ZERO);
            for at in (0..basis.len()).rev() {
                let shifted = if at > 0 { basis[at - 1] } else { Fr::ZERO };
                basis[at] = shifted - basis[at] * other;
            }
        }
        for (out, c) in out.iter_mut().zip(basis) {
            *out += c;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpolation_and_division_undo_each_other() {
        let points = [3u64, 5, 11].map(Fr::from);
        let values = [7u64, 1, 0].map(Fr::from);
        let poly = interpolate(&points, &values);
        for (point, value) in points.iter().zip(&values) {
            assert_eq!(horner(&poly, *point), *value);
        }
        let divided = divide(&poly, points[2]);
        for at in [2u64, 9].map(Fr::from) {
            assert_eq!(horner(&divided, at) * (at - points[2]), horner(&poly, at));
        }
    }
}
