//! Import of a public powers-of-tau file (snarkjs `.ptau`, BN254) and what is checked before it is trusted:
//! the curve, every point, by pairings that all powers belong to one secret, and that it is not one that everybody knows.
//!
//! Layout: `"ptau"`, version u32, number of sections u32, then sections `type u32, length u64, data`. Section 1: bytes
//! of a coordinate u32, base field modulus, power u32, ceremony power u32. Section 2: 2^(power+1) − 1 points τ^i·G1.
//! Section 3: 2^power points τ^i·G2. Coordinates little-endian in Montgomery form, 32 bytes. The others are not read.

use super::{SrsError, development};
use halo2_base::halo2_proofs::{
    arithmetic::best_multiexp,
    halo2curves::{
        CurveAffine,
        bn256::{Bn256, Fq, Fq2, Fr, G1Affine, G2, G2Affine},
        ff::{Field, PrimeField},
        group::{Curve, Group, prime::PrimeCurveAffine},
        pairing::{MillerLoopResult, MultiMillerLoop},
        serde::SerdeObject,
    },
};
use rand::{Rng, SeedableRng, rngs::OsRng};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufReader, Read, Seek, SeekFrom},
    path::Path,
};

/// What an import takes from the file.
pub(crate) struct Powers {
    pub(crate) g: Vec<G1Affine>,
    pub(crate) s_g2: G2Affine,
    pub(crate) power: u32,
    pub(crate) sha256: [u8; 32],
}

/// Reads and checks the first 2^k powers; of this very file, if its digest is given.
pub(crate) fn read_checked(
    path: &Path,
    k: u32,
    expected: Option<[u8; 32]>,
) -> Result<Powers, SrsError> {
    let mut file = Ptau::open(path)?;
    let power = file.power()?;
    if power < k {
        return Err(SrsError::TooSmall {
            path: path.to_owned(),
            have: power,
            want: k,
        });
    }
    let sha256 = file.sha256()?;
    if let Some(expected) = expected.filter(|digest| *digest != sha256) {
        return Err(SrsError::OtherDigest {
            path: path.to_owned(),
            got: hex::encode(sha256),
            expected: hex::encode(expected),
        });
    }
    let g = file.g1_powers(k)?;
    let (g2, s_g2) = file.g2_powers()?;
    let malformed = |reason: &str| SrsError::Malformed {
        path: path.to_owned(),
        reason: reason.into(),
    };
    if g[0] != G1Affine::generator() || g2 != G2Affine::generator() {
        return Err(malformed("the zeroth powers are not the generators"));
    }
    if let Some(secret) = known_secret(s_g2) {
        return Err(SrsError::KnownSecret {
            path: path.to_owned(),
            secret,
        });
    }
    if !one_secret(&g, s_g2) {
        return Err(malformed(
            "pairing check failed: the powers are not those of one secret",
        ));
    }
    Ok(Powers {
        g,
        s_g2,
        power,
        sha256,
    })
}

/// Secrets that need no search.
fn known_secret(s_g2: G2Affine) -> Option<&'static str> {
    let one = G2Affine::generator();
    let known = [
        (one, "their secret is 1"),
        (-one, "their secret is -1"),
        (development::s_g2(), "they are the development string's"),
    ];
    known
        .iter()
        .find(|(s, _)| *s == s_g2)
        .map(|(_, name)| *name)
}

/// `e(Σ ρ_i P_i, τG2) = e(Σ ρ_i P_{i+1}, G2)` with random 127-bit ρ: a wrong power passes with probability 2^-127.
fn one_secret(g: &[G1Affine], s_g2: G2Affine) -> bool {
    let mut rng = rand_chacha::ChaCha20Rng::from_rng(OsRng).expect("the system has randomness");
    let rho: Vec<Fr> = (1..g.len())
        .map(|_| Fr::from_u128(rng.r#gen::<u128>() >> 1))
        .collect();
    let low = best_multiexp(&rho, &g[..g.len() - 1]).to_affine();
    let high = best_multiexp(&rho, &g[1..]).to_affine();
    let terms = [
        (&low, &s_g2.into()),
        (&-high, &G2Affine::generator().into()),
    ];
    Bn256::multi_miller_loop(&terms)
        .final_exponentiation()
        .is_identity()
        .into()
}

struct Ptau<'a> {
    path: &'a Path,
    reader: BufReader<File>,
    sections: BTreeMap<u32, (u64, u64)>,
}

impl<'a> Ptau<'a> {
    fn open(path: &'a Path) -> Result<Self, SrsError> {
        let io = |source| SrsError::Io {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(io)?;
        let size = file.metadata().map_err(io)?.len();
        let mut ptau = Self {
            path,
            reader: BufReader::with_capacity(1 << 20, file),
            sections: BTreeMap::new(),
        };
        let mut magic = [0u8; 4];
        ptau.read_into(&mut magic, "magic")?;
        if &magic != b"ptau" {
            return Err(ptau.malformed("not a snarkjs powers-of-tau file"));
        }
        if ptau.u32("version")? != 1 {
            return Err(ptau.malformed("unknown version of the powers-of-tau format"));
        }
        let count = ptau.u32("number of sections")?;
        let mut at = 12u64;
        for _ in 0..count {
            let id = ptau.u32("section type")?;
            let len = u64::from(ptau.u32("section length")?)
                | u64::from(ptau.u32("section length")?) << 32;
            at += 12;
            let end = at.checked_add(len).filter(|end| *end <= size);
            let end = end.ok_or_else(|| ptau.malformed(format!("truncated in section {id}")))?;
            ptau.sections.insert(id, (at, len));
            ptau.reader.seek(SeekFrom::Start(end)).map_err(io)?;
            at = end;
        }
        Ok(ptau)
    }

    fn malformed(&self, reason: impl Into<String>) -> SrsError {
        SrsError::Malformed {
            path: self.path.to_owned(),
            reason: reason.into(),
        }
    }

    fn read_into(&mut self, buf: &mut [u8], what: &str) -> Result<(), SrsError> {
        self.reader
            .read_exact(buf)
            .map_err(|_| self.malformed(format!("truncated in {what}")))
    }

    fn u32(&mut self, what: &str) -> Result<u32, SrsError> {
        let mut b = [0u8; 4];
        self.read_into(&mut b, what)?;
        Ok(u32::from_le_bytes(b))
    }

    /// Places the reader at a section that has at least `want` bytes.
    fn seek(&mut self, id: u32, want: u64) -> Result<(), SrsError> {
        let &(at, len) = self
            .sections
            .get(&id)
            .ok_or_else(|| self.malformed(format!("section {id} is missing")))?;
        if len < want {
            return Err(self.malformed(format!("section {id} has {len} bytes, {want} are needed")));
        }
        self.reader
            .seek(SeekFrom::Start(at))
            .map(drop)
            .map_err(|source| SrsError::Io {
                path: self.path.to_owned(),
                source,
            })
    }

    fn power(&mut self) -> Result<u32, SrsError> {
        self.seek(1, 44)?;
        let n8 = self.u32("header")?;
        let mut modulus = [0u8; 32];
        self.read_into(&mut modulus, "header")?;
        // p as little-endian bytes is the representation of p − 1 plus one; p is odd, so no carry
        let mut bn254 = (-Fq::ONE).to_repr();
        bn254[0] += 1;
        if n8 != 32 || modulus != bn254 {
            return Err(SrsError::WrongCurve {
                path: self.path.to_owned(),
            });
        }
        let power = self.u32("header")?;
        if power > Fr::S {
            return Err(self.malformed(format!("power {power} is beyond the field's 2^{}", Fr::S)));
        }
        Ok(power)
    }

    fn g1_powers(&mut self, k: u32) -> Result<Vec<G1Affine>, SrsError> {
        let n = 1usize << k;
        self.seek(2, 64 * n as u64)?;
        let mut bytes = vec![0u8; 64 * n];
        self.read_into(&mut bytes, "section 2")?;
        let points: Vec<Option<G1Affine>> = bytes.par_chunks(64).map(g1_point).collect();
        let bad = points.iter().position(Option::is_none);
        bad.map_or_else(
            || Ok(points.into_iter().flatten().collect()),
            |i| Err(self.malformed(format!("power {i} in G1 is not a point of the curve"))),
        )
    }

    fn g2_powers(&mut self) -> Result<(G2Affine, G2Affine), SrsError> {
        self.seek(3, 256)?;
        let mut bytes = [0u8; 256];
        self.read_into(&mut bytes, "section 3")?;
        match (g2_point(&bytes[..128]), g2_point(&bytes[128..])) {
            (Some(a), Some(b)) => Ok((a, b)),
            _ => Err(self.malformed("a power in G2 is not a point of the right subgroup")),
        }
    }

    fn sha256(&mut self) -> Result<[u8; 32], SrsError> {
        let io = |source| SrsError::Io {
            path: self.path.to_owned(),
            source,
        };
        self.reader.seek(SeekFrom::Start(0)).map_err(io)?;
        let mut hasher = Sha256::new();
        std::io::copy(&mut self.reader, &mut hasher).map_err(io)?;
        Ok(hasher.finalize().into())
    }
}

fn g1_point(bytes: &[u8]) -> Option<G1Affine> {
    let [x, y] = [
        Fq::from_raw_bytes(&bytes[..32])?,
        Fq::from_raw_bytes(&bytes[32..])?,
    ];
    let point: G1Affine = Option::from(G1Affine::from_xy(x, y))?;
    (!bool::from(point.is_identity())).then_some(point)
}

fn g2_point(bytes: &[u8]) -> Option<G2Affine> {
    let c: Vec<Fq> = bytes
        .chunks(32)
        .map(Fq::from_raw_bytes)
        .collect::<Option<_>>()?;
    let point: G2Affine = Option::from(G2Affine::from_xy(
        Fq2::new(c[0], c[1]),
        Fq2::new(c[2], c[3]),
    ))?;
    let order_divides_r = bool::from((G2::from(point) * -Fr::ONE + point).is_identity());
    (order_divides_r && !bool::from(point.is_identity())).then_some(point)
}
