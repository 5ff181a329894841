//! Structured reference strings (KZG on BN254): the insecure development string, import of a public powers-of-tau
//! ceremony, and the checksummed files they are kept in.
//!
//! `development.rs` makes the insecure string, `ptau.rs` reads and checks a ceremony file, `store.rs` keeps strings on
//! disk by size, `sealed.rs` is the file format (also of the aggregation keys). Nothing here decides whether an insecure
//! string is acceptable: the origin travels with the string, its keys and the generated contract, and deployment refuses.

mod development;
mod ptau;
pub(crate) mod sealed;
mod store;
#[cfg(test)]
mod tests;

pub use development::DEVELOPMENT_SECRET;
pub use sealed::SealedError;
pub use store::{
    SrsInfo, SrsSource, SrsStore, default_cache_dir, development_file, import_ptau, srs_info,
    write_development,
};

use halo2_base::halo2_proofs::{
    halo2curves::{
        bn256::{Bn256, G1Affine, G2Affine},
        serde::SerdeObject,
    },
    poly::{commitment::ParamsProver, kzg::commitment::ParamsKZG},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use snark_verifier::pcs::kzg::KzgDecidingKey;
use std::{fmt, path::PathBuf};

/// Largest domain we make or import a string for: 2^24 points are 2 GiB.
pub const MAX_K: u32 = 24;

/// Where a string comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SrsOrigin {
    /// INSECURE: the secret is public, everybody can forge proofs under it.
    InsecureDevelopment {
        /// How the secret is derived.
        derivation: String,
    },
    /// A public ceremony.
    Ceremony {
        /// SHA-256 of the imported file.
        sha256: String,
    },
}

impl SrsOrigin {
    /// Whether anyone can forge proofs under this string.
    pub fn is_insecure(&self) -> bool {
        matches!(self, Self::InsecureDevelopment { .. })
    }

    pub(crate) fn development() -> Self {
        Self::InsecureDevelopment {
            derivation: format!("sha512(\"{DEVELOPMENT_SECRET}\") mod r"),
        }
    }
}

impl fmt::Display for SrsOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InsecureDevelopment { derivation } => {
                write!(f, "INSECURE development string, secret = {derivation}")
            }
            Self::Ceremony { sha256 } => write!(f, "powers-of-tau ceremony file, sha256 {sha256}"),
        }
    }
}

/// Names the secret of a string, whatever its length: SHA-256 of τ·G2.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SrsId(pub [u8; 32]);

impl SrsId {
    pub(crate) fn of(s_g2: G2Affine) -> Self {
        Self(Sha256::digest(s_g2.to_raw_bytes()).into())
    }
}

impl fmt::Display for SrsId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", hex::encode(self.0))
    }
}

impl fmt::Debug for SrsId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SrsId({self})")
    }
}

/// A string of 2^k powers in both bases, and its origin.
#[derive(Clone, Debug)]
pub struct Srs {
    /// The powers, as halo2 wants them.
    pub params: ParamsKZG<Bn256>,
    /// Where they come from.
    pub origin: SrsOrigin,
}

impl Srs {
    /// log2 of the number of powers.
    pub fn k(&self) -> u32 {
        halo2_base::halo2_proofs::poly::commitment::Params::k(&self.params)
    }

    /// Names the secret.
    pub fn id(&self) -> SrsId {
        SrsId::of(self.params.s_g2())
    }

    /// What the pairing check of a verifier needs.
    pub fn deciding_key(&self) -> KzgDecidingKey<Bn256> {
        (self.params.get_g()[0], self.params.g2(), self.params.s_g2()).into()
    }

    /// The insecure development string, made in memory.
    pub fn insecure_development(k: u32) -> Self {
        Self {
            params: development::generate(k),
            origin: SrsOrigin::development(),
        }
    }
}

pub(crate) fn params_from_parts(
    k: u32,
    g: Vec<G1Affine>,
    g_lagrange: Option<Vec<G1Affine>>,
    g2: G2Affine,
    s_g2: G2Affine,
) -> ParamsKZG<Bn256> {
    // `from_parts` is a method: it takes nothing from the value it is called on
    ParamsKZG::<Bn256>::setup(1, rand::rngs::OsRng).from_parts(k, g, g_lagrange, g2, s_g2)
}

/// What can go wrong with a reference string.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SrsError {
    /// Reading or writing failed.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// One of our own files is damaged or of another kind or version.
    #[error(transparent)]
    Sealed(#[from] SealedError),
    /// The ceremony is for another curve.
    #[error("{path}: the string is not for BN254")]
    WrongCurve {
        /// The file.
        path: PathBuf,
    },
    /// The file holds fewer powers than asked for.
    #[error("{path}: holds 2^{have} powers, 2^{want} are needed")]
    TooSmall {
        /// The file.
        path: PathBuf,
        /// log2 of the powers in the file.
        have: u32,
        /// log2 of the powers needed.
        want: u32,
    },
    /// A size that is never needed.
    #[error("k = {k} is outside 1..={MAX_K}")]
    SizeOutOfRange {
        /// What was asked for.
        k: u32,
    },
    /// Truncated, a point off the curve, or a failed pairing check.
    #[error("{path}: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}
