//! Commitments with the powers of a string, and with their Lagrange form.

use crate::msm::msm;
use halo2_base::halo2_proofs::SerdeFormat;
use halo2_base::halo2_proofs::halo2curves::bn256::{Bn256, Fr, G1Affine};
use halo2_base::halo2_proofs::halo2curves::group::Curve;
use halo2_base::halo2_proofs::halo2curves::serde::SerdeObject;
use halo2_base::halo2_proofs::poly::commitment::{Params, ParamsProver};
use halo2_base::halo2_proofs::poly::kzg::commitment::ParamsKZG;
use rayon::prelude::*;
use std::io::{self, Write};

/// Bytes of a point as halo2 writes it.
const POINT: usize = 64;

/// The points of a string.
pub(crate) struct Commit<'a> {
    powers: &'a [G1Affine],
    lagrange: Vec<G1Affine>,
}

impl<'a> Commit<'a> {
    pub(crate) fn new(params: &'a ParamsKZG<Bn256>) -> io::Result<Self> {
        Ok(Commit {
            powers: params.get_g(),
            lagrange: lagrange_points(params)?,
        })
    }

    /// Forgets the Lagrange points, n·64 bytes: what comes is given by its coefficients.
    pub(crate) fn forget_lagrange(&mut self) {
        self.lagrange = Vec::new();
    }

    /// To a polynomial given by its coefficients.
    pub(crate) fn coefficients(&self, poly: &[Fr]) -> G1Affine {
        msm(poly, &self.powers[..poly.len()]).to_affine()
    }

    /// To polynomials given by their values on the rows.
    pub(crate) fn all_values(&self, columns: &[Vec<Fr>]) -> Vec<G1Affine> {
        let commit = |column: &Vec<Fr>| {
            let (values, points) = (column.len(), self.lagrange.len());
            assert_eq!(values, points, "a Lagrange point for each value");
            msm(column, &self.lagrange).to_affine()
        };
        columns.par_iter().map(commit).collect()
    }
}

/// halo2 keeps these points to itself, but writes them: four bytes of k, the powers, then these.
fn lagrange_points(params: &ParamsKZG<Bn256>) -> io::Result<Vec<G1Affine>> {
    let n = params.n() as usize;
    let mut sink = Sink {
        skip: 4 + n * POINT,
        wanted: n * POINT,
        bytes: Vec::with_capacity(n * POINT),
    };
    params.write_custom(&mut sink, SerdeFormat::RawBytesUnchecked)?;
    let points = sink.bytes.par_chunks_exact(POINT);
    Ok(points.map(G1Affine::from_raw_bytes_unchecked).collect())
}

/// Keeps a stretch of what is written.
struct Sink {
    skip: usize,
    wanted: usize,
    bytes: Vec<u8>,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let skipped = self.skip.min(bytes.len());
        self.skip -= skipped;
        let kept = (bytes.len() - skipped).min(self.wanted - self.bytes.len());
        self.bytes
            .extend_from_slice(&bytes[skipped..skipped + kept]);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
