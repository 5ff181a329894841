//! Strings on disk: one sealed file a size, made once, shared by all commands.

use super::{
    MAX_K, Srs, SrsError, SrsId, SrsOrigin, development, params_from_parts, ptau,
    sealed::{Format, open_sealed, peek_sealed, write_sealed},
};
use halo2_base::halo2_proofs::{
    SerdeFormat,
    halo2curves::{
        bn256::{G1Affine, G2Affine},
        serde::SerdeObject,
    },
    poly::commitment::{Params, ParamsProver},
};
use serde::{Deserialize, Serialize};
use std::{
    env,
    io::Read,
    path::{Path, PathBuf},
};

const FORMAT: Format = Format {
    kind: "srs",
    version: 1,
};
const G1_BYTES: u64 = 64;
const G2_BYTES: u64 = 128;

/// What a string file says about itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SrsInfo {
    /// Set on a string that must never secure anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// log2 of the number of powers.
    pub k: u32,
    /// Where the powers come from.
    pub origin: SrsOrigin,
    /// SHA-256 of τ·G2, hexadecimal: equal for all sizes of one string.
    pub id: String,
}

impl SrsInfo {
    /// Whether anyone can forge proofs under this string.
    pub fn is_insecure(&self) -> bool {
        matches!(self.origin, SrsOrigin::InsecureDevelopment { .. })
            || self.id == SrsId::development().to_string()
    }
}

/// Which string a caller wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SrsSource {
    /// The insecure development string.
    Development,
    /// A file made by [`import_ptau`] or taken from a cache.
    File(PathBuf),
}

/// `$HALOCAST_CACHE/srs`, else `$XDG_CACHE_HOME/halocast/srs`, else `~/.cache/halocast/srs`, else the temporary directory.
pub fn default_cache_dir() -> PathBuf {
    let var = |name: &str| {
        env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    let base = var("HALOCAST_CACHE")
        .or_else(|| var("XDG_CACHE_HOME").map(|d| d.join("halocast")))
        .or_else(|| var("HOME").map(|d| d.join(".cache/halocast")))
        .unwrap_or_else(|| env::temp_dir().join("halocast"));
    base.join("srs")
}

/// A directory of strings.
#[derive(Clone, Debug)]
pub struct SrsStore {
    dir: PathBuf,
}

impl SrsStore {
    /// Uses `dir`; it is made when the first string is written.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// The string of 2^k powers from `source`, from the cache where it is there. All sizes of one source have one secret.
    pub fn load(&self, source: &SrsSource, k: u32) -> Result<Srs, SrsError> {
        check_size(k)?;
        match source {
            SrsSource::Development => self.development(k),
            SrsSource::File(path) => self.read_file(path, k),
        }
    }

    fn development(&self, k: u32) -> Result<Srs, SrsError> {
        let path = development_file(&self.dir, k);
        if let Some(srs) = read_if_good(&path, k, |origin| *origin == SrsOrigin::development()) {
            return Ok(srs);
        }
        let srs = Srs {
            params: development::generate(k),
            origin: SrsOrigin::development(),
        };
        write(&path, &srs)?;
        Ok(srs)
    }

    /// Halving a string means a Fourier transform over points for the Lagrange basis, minutes at k = 20: so it is kept.
    fn read_file(&self, path: &Path, k: u32) -> Result<Srs, SrsError> {
        let info = srs_info(path)?;
        if info.k < k {
            return Err(SrsError::TooSmall {
                path: path.to_owned(),
                have: info.k,
                want: k,
            });
        }
        if info.k == k {
            return read(path);
        }
        if info.is_insecure() {
            return self.development(k);
        }
        let short = info.id.get(..16).unwrap_or(&info.id);
        let cached = self.dir.join(format!("{short}-k{k}.srs"));
        if let Some(srs) = read_if_good(&cached, k, |origin| *origin == info.origin) {
            return Ok(srs);
        }
        let mut srs = read(path)?;
        srs.params.downsize(k);
        write(&cached, &srs)?;
        Ok(srs)
    }
}

/// Where a cache directory keeps the development string of 2^k powers.
pub fn development_file(dir: &Path, k: u32) -> PathBuf {
    dir.join(format!("insecure-development-k{k}.srs"))
}

/// Makes the insecure development string of 2^k powers in `out`.
pub fn write_development(out: &Path, k: u32) -> Result<SrsInfo, SrsError> {
    check_size(k)?;
    let srs = Srs::insecure_development(k);
    write(out, &srs)?;
    Ok(info_of(&srs))
}

/// Imports 2^k powers of a snarkjs `.ptau` file into `out`, checking points and pairings, and that the secret is none that
/// everybody knows. Who made the file they cannot say: for that, `sha256` is the digest that it must have.
pub fn import_ptau(
    ptau_path: &Path,
    k: u32,
    sha256: Option<[u8; 32]>,
    out: &Path,
) -> Result<SrsInfo, SrsError> {
    check_size(k)?;
    let powers = ptau::read_checked(ptau_path, k, sha256)?;
    tracing::info!(
        power = powers.power,
        k,
        "powers of tau checked; computing the Lagrange basis"
    );
    let params = params_from_parts(k, powers.g, None, generator(), powers.s_g2);
    let srs = Srs {
        params,
        origin: SrsOrigin::Ceremony {
            sha256: hex::encode(powers.sha256),
        },
    };
    write(out, &srs)?;
    Ok(info_of(&srs))
}

fn generator() -> G2Affine {
    halo2_base::halo2_proofs::halo2curves::group::prime::PrimeCurveAffine::generator()
}

/// What a string file says about itself (length checked, checksum not).
pub fn srs_info(path: &Path) -> Result<SrsInfo, SrsError> {
    Ok(peek_sealed(path, FORMAT)?)
}

fn check_size(k: u32) -> Result<(), SrsError> {
    (1..=MAX_K)
        .contains(&k)
        .then_some(())
        .ok_or(SrsError::SizeOutOfRange { k })
}

fn info_of(srs: &Srs) -> SrsInfo {
    let warning = srs
        .is_insecure()
        .then(|| "INSECURE: anyone can forge proofs under this string".to_owned());
    SrsInfo {
        warning,
        k: srs.k(),
        origin: srs.origin.clone(),
        id: srs.id().to_string(),
    }
}

fn payload_len(k: u32) -> u64 {
    2 * (G1_BYTES << k) + 2 * G2_BYTES
}

pub(super) fn write(path: &Path, srs: &Srs) -> Result<(), SrsError> {
    let body = |w: &mut super::sealed::SealingWriter| {
        // four bytes of k come first in halo2's format; the writer never fails, see `SealingWriter`
        srs.params
            .write_custom(w, SerdeFormat::RawBytesUnchecked)
            .expect("the writer keeps its errors");
    };
    Ok(write_sealed(
        path,
        FORMAT,
        &info_of(srs),
        payload_len(srs.k()) + 4,
        body,
    )?)
}

/// A cached file that is damaged, or of another release, is made again.
fn read_if_good(path: &Path, k: u32, accept: impl Fn(&SrsOrigin) -> bool) -> Option<Srs> {
    if !path.exists() {
        return None;
    }
    match read(path) {
        Ok(srs) if srs.k() == k && accept(&srs.origin) => Some(srs),
        Ok(_) => None,
        Err(error) => {
            tracing::warn!(%error, "cached reference string is made again");
            None
        }
    }
}

fn read(path: &Path) -> Result<Srs, SrsError> {
    let mut file = open_sealed::<SrsInfo>(path, FORMAT)?;
    let k = file.header.k;
    let malformed = |reason: &str| SrsError::Malformed {
        path: path.to_owned(),
        reason: reason.into(),
    };
    check_size(k)?;
    if file.payload_len != payload_len(k) + 4 {
        return Err(malformed("payload has another size than k says"));
    }
    let io = |source| SrsError::Io {
        path: path.to_owned(),
        source,
    };
    let mut k_again = [0u8; 4];
    file.payload.read_exact(&mut k_again).map_err(io)?;
    if u32::from_le_bytes(k_again) != k {
        return Err(malformed("header and payload disagree on k"));
    }
    let n = 1usize << k;
    // the checksum has been verified: these bytes are what we wrote, so the curve equation is not checked again
    let mut g1 = || -> Vec<G1Affine> {
        (0..n)
            .map(|_| G1Affine::read_raw_unchecked(&mut file.payload))
            .collect()
    };
    let [g, g_lagrange] = [g1(), g1()];
    let [g2, s_g2] = [(), ()].map(|()| G2Affine::read_raw_unchecked(&mut file.payload));
    let params = params_from_parts(k, g, Some(g_lagrange), g2, s_g2);
    if params.get_g()[0]
        != halo2_base::halo2_proofs::halo2curves::group::prime::PrimeCurveAffine::generator()
        || SrsId::of(s_g2).to_string() != file.header.id
    {
        return Err(malformed("the powers are not those that the header names"));
    }
    Ok(Srs {
        params,
        origin: file.header.origin,
    })
}
