//! What can be wrong with a bundle on disk.

use std::io;
use std::path::{Path, PathBuf};

/// A bundle that cannot be read or written. Every variant names the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// The path holds no bundle.
    #[error("{path} is not a Halocast bundle: {what}")]
    NotABundle {
        /// The path that was opened.
        path: PathBuf,
        /// What was missing there.
        what: String,
    },
    /// Another format version.
    #[error(
        "{path} has format version {got}, this halocast reads version {expected}; compile the model again"
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Version found.
        got: u64,
        /// Version of this program.
        expected: u64,
    },
    /// A file that does not parse.
    #[error("{path} is malformed: {what}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        what: String,
    },
    /// A file whose bytes are not the ones that were written.
    #[error("{path} is damaged: its SHA-256 is {got}, recorded was {expected}")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Digest recorded when it was written.
        expected: String,
        /// Digest of what is there now.
        got: String,
    },
    /// A file that the manifest lists and that is not there (or has another length).
    #[error("{path} is missing or cut short ({got} bytes, recorded were {expected})")]
    Missing {
        /// The file.
        path: PathBuf,
        /// Bytes recorded.
        expected: u64,
        /// Bytes found; 0 when there is no file.
        got: u64,
    },
    /// A stage that has not run yet.
    #[error("{path} has no {what} yet: run `{command}` first")]
    StageMissing {
        /// The bundle.
        path: PathBuf,
        /// What is missing.
        what: &'static str,
        /// What makes it.
        command: String,
    },
    /// A key (or proof) that was made for something else.
    #[error("{path} belongs to another {what}: {got}, this bundle wants {expected}")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// "model", "segment" or "reference string".
        what: &'static str,
        /// Found.
        got: String,
        /// Wanted.
        expected: String,
    },
    /// The target of a compilation is taken.
    #[error("{path} exists and holds {what}; choose another --out, or pass --force to replace it")]
    Exists {
        /// The path.
        path: PathBuf,
        /// What is there.
        what: &'static str,
    },
    /// No room left.
    #[error("the disk is full: {path} could not be written; nothing half-written was left behind")]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// Any other failure of the file system.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl BundleError {
    /// An I/O error at a path; a full disk gets its own variant.
    pub fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                BundleError::DiskFull { path }
            }
            _ => BundleError::Io { path, source },
        }
    }

    /// A parse error at a path.
    pub fn malformed(path: &Path, what: impl ToString) -> Self {
        BundleError::Malformed {
            path: path.to_owned(),
            what: what.to_string(),
        }
    }
}
