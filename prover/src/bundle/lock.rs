//! Advisory locks between processes: released by the system when their holder ends, however it ends.

use super::BundleError;
use std::fs::{File, OpenOptions};
use std::path::Path;

/// A held lock.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

fn open(path: &Path) -> Result<File, BundleError> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(|e| BundleError::io(path, e))
}

impl Lock {
    /// Waits until nobody else holds the lock file at all.
    pub fn exclusive(path: &Path) -> Result<Self, BundleError> {
        let file = open(path)?;
        file.lock().map_err(|e| BundleError::io(path, e))?;
        Ok(Lock { _file: file })
    }

    /// Waits until nobody holds it exclusively.
    pub fn shared(path: &Path) -> Result<Self, BundleError> {
        let file = open(path)?;
        file.lock_shared().map_err(|e| BundleError::io(path, e))?;
        Ok(Lock { _file: file })
    }
}
