//! Reference strings for the stages: one at a time in memory, and always the one that the bundle was set up with.

use super::PipelineError;
use crate::bundle::{BundleError, Setup};
use crate::srs::{Srs, SrsSource, SrsStore, default_cache_dir};
use std::path::PathBuf;

/// Loads strings by size and keeps the last one.
#[derive(Debug)]
pub(super) struct Strings {
    store: SrsStore,
    source: SrsSource,
    /// The secret that is wanted, if that is settled.
    id: Option<String>,
    current: Option<Srs>,
}

impl Strings {
    /// Strings from this source, kept in the default cache.
    pub(super) fn new(source: SrsSource) -> Self {
        Strings {
            store: SrsStore::new(default_cache_dir()),
            source,
            id: None,
            current: None,
        }
    }

    /// The strings that a bundle was set up with.
    pub(super) fn of_setup(setup: &Setup) -> Self {
        let source = match &setup.srs_file {
            Some(path) => SrsSource::File(path.clone()),
            None => SrsSource::Development,
        };
        Strings {
            id: Some(setup.srs.clone()),
            ..Strings::new(source)
        }
    }

    /// Where they are kept.
    pub(super) fn store(&self) -> &SrsStore {
        &self.store
    }

    /// Where they come from.
    pub(super) fn source(&self) -> &SrsSource {
        &self.source
    }

    /// The file they come from.
    pub(super) fn file(&self) -> Option<PathBuf> {
        match &self.source {
            SrsSource::File(path) => Some(path.clone()),
            SrsSource::Development => None,
        }
    }

    /// The string of 2^k points.
    pub(super) fn get(&mut self, k: u32) -> Result<&Srs, PipelineError> {
        if self.current.as_ref().is_none_or(|srs| srs.k() != k) {
            self.current = None;
            let srs = self.store.load(&self.source, k)?;
            let got = srs.id().to_string();
            if let Some(expected) = self.id.as_ref().filter(|id| **id != got) {
                return Err(BundleError::Foreign {
                    path: self.file().unwrap_or_default(),
                    what: "reference string",
                    got,
                    expected: expected.clone(),
                }
                .into());
            }
            self.current = Some(srs);
        }
        Ok(self.current.as_ref().expect("filled above"))
    }

    /// Frees the memory.
    pub(super) fn forget(&mut self) {
        self.current = None;
    }
}
