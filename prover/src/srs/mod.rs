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
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
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
        /// How the secret is derived; printable ASCII.
        #[serde(deserialize_with = "printable")]
        derivation: String,
    },
    /// A public ceremony.
    Ceremony {
        /// SHA-256 of the imported file, 64 hexadecimal digits.
        #[serde(deserialize_with = "hex_digest")]
        sha256: String,
    },
}

impl SrsOrigin {
    /// Whether anyone can forge proofs under the string `id` that is said to come from here. What it is said to be is a
    /// label, and may be wrong; the development powers are insecure under every label.
    pub fn is_insecure(&self, id: SrsId) -> bool {
        matches!(self, Self::InsecureDevelopment { .. }) || id == SrsId::development()
    }

    pub(crate) fn development() -> Self {
        Self::InsecureDevelopment {
            derivation: format!("sha512(\"{DEVELOPMENT_SECRET}\") mod r"),
        }
    }
}

// An origin is read from files of others and printed into Solidity comments, where a line break would begin code.

fn hex_digest<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let good = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    good.then_some(text)
        .ok_or_else(|| D::Error::custom("a SHA-256 must have 64 hexadecimal digits"))
}

fn printable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let good = text.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
    good.then_some(text)
        .ok_or_else(|| D::Error::custom("a derivation must be printable ASCII"))
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

    /// Of the insecure development string.
    pub fn development() -> Self {
        Self::of(development::s_g2())
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

    /// Whether anyone can forge proofs under this string.
    pub fn is_insecure(&self) -> bool {
        self.origin.is_insecure(self.id())
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
    /// A ceremony file whose secret everybody knows.
    #[error("{path}: no ceremony made these powers, {secret}")]
    KnownSecret {
        /// The file.
        path: PathBuf,
        /// What the secret is.
        secret: &'static str,
    },
    /// Not the ceremony file that was asked for.
    #[error("{path}: its SHA-256 is {got}, not {expected}")]
    OtherDigest {
        /// The file.
        path: PathBuf,
        /// Digest of the file.
        got: String,
        /// Digest that was asked for.
        expected: String,
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
