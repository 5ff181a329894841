//! Proof jobs: one directory for each (model, input, context), which survives a kill and is private, because layer proofs
//! and boundary salts never leave the prover.

use super::container::{self, Header};
use super::{Bundle, BundleError, Lock, Mode, create_dir, write_file, write_json};
use rand::RngCore;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// What a job is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JobKey {
    /// Digest of the program file.
    pub model: String,
    /// Commitment of the model, which stands for its keys.
    pub commitment: String,
    /// Packed public input words, 32 bytes big endian in hex.
    pub inputs: Vec<String>,
    /// Context word, likewise.
    pub context: String,
}

impl JobKey {
    /// Name of the job's directory.
    pub fn id(&self) -> String {
        let json = serde_json::to_vec(self).expect("strings only");
        hex::encode(&Sha256::digest(json)[..16])
    }
}

/// A job that this process alone works on.
#[derive(Debug)]
pub struct Job {
    dir: PathBuf,
    id: String,
    secret: [u8; 32],
    _lock: Lock,
}

impl Job {
    /// Opens the job, makes it if it is new, and waits for another process that works on it.
    ///
    /// It lies in the bundle's `jobs` directory, or in one that the caller keeps (a relayer removes it when it is done).
    pub fn open(bundle: &Bundle, key: &JobKey, jobs: Option<&Path>) -> Result<Self, BundleError> {
        let id = key.id();
        let jobs = jobs.map_or_else(|| bundle.path("jobs"), Path::to_owned);
        let dir = jobs.join(&id);
        create_dir(&dir)?;
        for private in [&jobs, &dir] {
            let mode = fs::Permissions::from_mode(0o700);
            fs::set_permissions(private, mode).map_err(|e| BundleError::io(private, e))?;
        }
        let lock = Lock::exclusive(&dir.join(".lock"))?;
        sweep(&dir)?;
        let secret = load_secret(&dir.join("secret"))?;
        let description = dir.join("job.json");
        if !description.is_file() {
            write_json(&description, key)?;
        }
        Ok(Job {
            dir,
            id,
            secret,
            _lock: lock,
        })
    }

    /// Name of the job.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What the boundary salts are derived from.
    pub fn secret(&self) -> [u8; 32] {
        self.secret
    }

    /// Path of one of the job's files.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Stores a finished piece.
    pub fn store(&self, name: &str, kind: &str, payload: &[u8]) -> Result<(), BundleError> {
        let header = self.header(kind);
        container::write(&self.path(name), Mode::Secret, &header, |w| {
            w.write_all(payload)
        })
        .map(|_| ())
    }

    /// A piece that was stored before; `None` when there is none or when it is not a good one (it is made again then).
    pub fn load(&self, name: &str, kind: &str) -> Option<Vec<u8>> {
        let path = self.path(name);
        let reader = container::open(&path, None).ok()?;
        (reader.header == self.header(kind)).then_some(())?;
        reader.bytes(&path).ok()
    }

    fn header(&self, kind: &str) -> Header {
        Header {
            kind: kind.to_owned(),
            model: None,
            srs: None,
            segment: None,
            job: Some(self.id.clone()),
        }
    }
}

/// Reads the job's secret, or draws and stores one.
fn load_secret(path: &Path) -> Result<[u8; 32], BundleError> {
    match fs::read(path) {
        Ok(bytes) => bytes
            .try_into()
            .map_err(|_| BundleError::malformed(path, "it does not have 32 bytes")),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            let mut secret = [0u8; 32];
            rand::rngs::OsRng.fill_bytes(&mut secret);
            write_file(path, &secret, Mode::Secret)?;
            Ok(secret)
        }
        Err(e) => Err(BundleError::io(path, e)),
    }
}

/// Removes what a killed process left half-written; the caller holds the job's lock.
fn sweep(dir: &Path) -> Result<(), BundleError> {
    for entry in fs::read_dir(dir).map_err(|e| BundleError::io(dir, e))? {
        let entry = entry.map_err(|e| BundleError::io(dir, e))?;
        if entry.file_name().to_string_lossy().contains(".tmp-") {
            let path = entry.path();
            fs::remove_file(&path).map_err(|e| BundleError::io(&path, e))?;
        }
    }
    Ok(())
}
