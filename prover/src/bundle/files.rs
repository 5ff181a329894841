//! Files that are either whole or not there: written beside their place, synced, renamed. Every byte is hashed on the way.

use super::BundleError;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Size and digest of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// SHA-256 of the whole file, as `sha256sum` prints it.
    pub sha256: String,
    /// Length.
    pub bytes: u64,
}

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Whoever the umask allows.
    Public,
    /// The owner only: salts and secrets.
    Secret,
}

/// A file under construction. Dropped without [`AtomicFile::commit`] it leaves nothing behind.
pub struct AtomicFile {
    target: PathBuf,
    temp: PathBuf,
    out: Option<BufWriter<File>>,
    hasher: Sha256,
    bytes: u64,
}

impl AtomicFile {
    /// Begins a file that will be at `target`.
    pub fn create(target: &Path, mode: Mode) -> Result<Self, BundleError> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let unique = COUNTER.fetch_add(1, Ordering::Relaxed);
        let temp = target.with_file_name(format!(".{name}.tmp-{}-{unique}", std::process::id()));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        if mode == Mode::Secret {
            options.mode(0o600);
        }
        let file = options
            .open(&temp)
            .map_err(|e| BundleError::io(target, e))?;
        Ok(AtomicFile {
            target: target.to_owned(),
            temp,
            out: Some(BufWriter::with_capacity(1 << 20, file)),
            hasher: Sha256::new(),
            bytes: 0,
        })
    }

    /// Digest of what was written so far.
    pub fn digest(&self) -> [u8; 32] {
        self.hasher.clone().finalize().into()
    }

    /// Makes the file visible under its name, on the disk and not only in memory.
    pub fn commit(mut self) -> Result<FileEntry, BundleError> {
        let fail = |target: &Path, e| BundleError::io(target, e);
        let out = self.out.take().expect("taken only here");
        let file = out
            .into_inner()
            .map_err(|e| fail(&self.target, e.into_error()))?;
        file.sync_all().map_err(|e| fail(&self.target, e))?;
        fs::rename(&self.temp, &self.target).map_err(|e| fail(&self.target, e))?;
        sync_dir(&self.target).map_err(|e| fail(&self.target, e))?;
        Ok(FileEntry {
            sha256: hex::encode(self.digest()),
            bytes: self.bytes,
        })
    }
}

impl Write for AtomicFile {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let out = self.out.as_mut().expect("taken only by commit");
        let n = out.write(buf)?;
        self.hasher.update(&buf[..n]);
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.as_mut().expect("taken only by commit").flush()
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        // After a commit the temporary name is gone and this does nothing. A BufWriter would try to write its rest out
        // again when dropped; into_parts prevents that on a full disk.
        if let Some(out) = self.out.take() {
            drop(out.into_parts());
        }
        let _ = fs::remove_file(&self.temp);
    }
}

fn sync_dir(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

/// Writes a whole file atomically.
pub fn write_file(target: &Path, bytes: &[u8], mode: Mode) -> Result<FileEntry, BundleError> {
    let mut file = AtomicFile::create(target, mode)?;
    file.write_all(bytes)
        .map_err(|e| BundleError::io(target, e))?;
    file.commit()
}

/// Writes a value as indented JSON with a final newline, atomically.
pub fn write_json<T: Serialize>(target: &Path, value: &T) -> Result<FileEntry, BundleError> {
    let mut bytes =
        serde_json::to_vec_pretty(value).map_err(|e| BundleError::malformed(target, e))?;
    bytes.push(b'\n');
    write_file(target, &bytes, Mode::Public)
}

/// Creates a directory and its parents.
pub fn create_dir(path: &Path) -> Result<(), BundleError> {
    fs::create_dir_all(path).map_err(|e| BundleError::io(path, e))
}

/// Digest and length of a file that may be large.
pub fn hash_file(path: &Path) -> Result<FileEntry, BundleError> {
    let fail = |e| BundleError::io(path, e);
    let mut file = File::open(path).map_err(fail)?;
    let (mut hasher, mut bytes) = (Sha256::new(), 0);
    let mut buffer = vec![0u8; 1 << 20];
    loop {
        let n = file.read(&mut buffer).map_err(fail)?;
        if n == 0 {
            break;
        }
        hasher.update(&buffer[..n]);
        bytes += n as u64;
    }
    Ok(FileEntry {
        sha256: hex::encode(hasher.finalize()),
        bytes,
    })
}

/// Refuses a file that is not the recorded one.
pub(super) fn check_file(path: &Path, expected: &FileEntry) -> Result<(), BundleError> {
    check_length(path, expected)?;
    let got = hash_file(path)?;
    if got == *expected {
        return Ok(());
    }
    Err(BundleError::Corrupt {
        path: path.to_owned(),
        expected: expected.sha256.clone(),
        got: got.sha256,
    })
}

/// The cheap part of [`check_file`]: is it there, has it the right length?
pub(super) fn check_length(path: &Path, expected: &FileEntry) -> Result<(), BundleError> {
    let got = fs::metadata(path).map_or(0, |m| m.len());
    if got == expected.bytes && path.is_file() {
        return Ok(());
    }
    Err(BundleError::Missing {
        path: path.to_owned(),
        expected: expected.bytes,
        got,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropped_files_vanish_and_committed_ones_are_hashed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.bin");
        let mut file = AtomicFile::create(&path, Mode::Public).unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);

        let entry = write_file(&path, b"whole", Mode::Public).unwrap();
        assert_eq!(entry, hash_file(&path).unwrap());
        check_file(&path, &entry).unwrap();
        fs::write(&path, b"whale").unwrap();
        let e = check_file(&path, &entry).unwrap_err();
        assert!(matches!(e, BundleError::Corrupt { .. }), "{e}");
        fs::write(&path, b"whol").unwrap();
        let e = check_file(&path, &entry).unwrap_err();
        assert!(matches!(e, BundleError::Missing { got: 4, .. }), "{e}");
    }

    #[test]
    fn secrets_are_for_the_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("salt");
        write_file(&path, b"s", Mode::Secret).unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}
