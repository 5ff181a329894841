//! One self-describing file format for everything binary in a bundle, so that a file can be loaded (and refused) alone:
//!
//! | bytes  | what |
//! |--------|------|
//! | 8      | `HALOCAST` |
//! | 4      | format version, little endian |
//! | 4      | length of the header |
//! | n      | header, JSON: a [`Header`] |
//! | …      | payload |
//! | 32     | SHA-256 of all before |

use super::files::{AtomicFile, FileEntry, Mode, check_length};
use super::{BundleError, FORMAT};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Take, Write};
use std::path::Path;

const MAGIC: &[u8; 8] = b"HALOCAST";
const TRAILER: u64 = 32;
const MAX_HEADER: u32 = 1 << 16;

/// What a file is and what it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// What the payload is: "program", "segment-key", "aggregate-key", "segment-proof", "outer-proof".
    pub kind: String,
    /// Identity of the model: SHA-256 of its encoded program and partition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Digest of the reference string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub srs: Option<String>,
    /// Segment number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<usize>,
    /// The proof job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
}

/// Writes a container; `payload` streams its bytes into it.
pub fn write(
    path: &Path,
    mode: Mode,
    header: &Header,
    payload: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<FileEntry, BundleError> {
    let fail = |e| BundleError::io(path, e);
    let json = serde_json::to_vec(header).map_err(|e| BundleError::malformed(path, e))?;
    let mut file = AtomicFile::create(path, mode)?;
    file.write_all(MAGIC).map_err(fail)?;
    file.write_all(&FORMAT.to_le_bytes()).map_err(fail)?;
    file.write_all(&(json.len() as u32).to_le_bytes())
        .map_err(fail)?;
    file.write_all(&json).map_err(fail)?;
    let mut deferred = Deferred {
        inner: &mut file,
        error: None,
    };
    let written = payload(&mut deferred);
    deferred.error.map_or(written, Err).map_err(fail)?;
    let digest = file.digest();
    file.write_all(&digest).map_err(fail)?;
    file.commit()
}

/// Keeps the first error for later: halo2's key writers panic when they see one.
struct Deferred<'a> {
    inner: &'a mut AtomicFile,
    error: Option<io::Error>,
}

impl Write for Deferred<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.error.is_none() {
            self.error = self.inner.write_all(buf).err();
        }
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A container whose digest has been checked, ready to be read.
pub struct Reader {
    /// What it says of itself.
    pub header: Header,
    /// The payload and nothing behind it.
    pub payload: Take<BufReader<File>>,
}

impl Reader {
    /// The rest of the payload.
    pub fn bytes(mut self, path: &Path) -> Result<Vec<u8>, BundleError> {
        let mut out = Vec::new();
        self.payload
            .read_to_end(&mut out)
            .map_err(|e| BundleError::io(path, e))?;
        Ok(out)
    }
}

/// Opens a container: version, digest and (if given) the manifest's entry are checked before a byte of it is parsed.
pub fn open(path: &Path, entry: Option<&FileEntry>) -> Result<Reader, BundleError> {
    let fail = |e| BundleError::io(path, e);
    if let Some(entry) = entry {
        check_length(path, entry)?;
    }
    let mut file = File::open(path).map_err(fail)?;
    let length = file.metadata().map_err(fail)?.len();
    let (header, start) = read_header(path, &mut file, length)?;
    check_digest(path, &mut file, length, entry)?;
    file.seek(SeekFrom::Start(start)).map_err(fail)?;
    let payload = BufReader::with_capacity(1 << 20, file).take(length - TRAILER - start);
    Ok(Reader { header, payload })
}

/// Reads the fixed part and the header, whose length is bounded; says where the payload starts.
fn read_header(path: &Path, file: &mut File, length: u64) -> Result<(Header, u64), BundleError> {
    let mut fixed = [0u8; 16];
    file.read_exact(&mut fixed)
        .map_err(|_| BundleError::malformed(path, "too short"))?;
    if &fixed[..8] != MAGIC {
        return Err(BundleError::malformed(path, "not a Halocast file"));
    }
    let word = |i: usize| u32::from_le_bytes(fixed[i..i + 4].try_into().expect("four bytes"));
    if word(8) != FORMAT {
        return Err(BundleError::Version {
            path: path.to_owned(),
            got: word(8) as u64,
            expected: FORMAT as u64,
        });
    }
    let start = 16 + word(12) as u64;
    if word(12) > MAX_HEADER || start + TRAILER > length {
        return Err(BundleError::malformed(path, "its header is cut short"));
    }
    let mut json = vec![0u8; word(12) as usize];
    file.read_exact(&mut json)
        .map_err(|e| BundleError::io(path, e))?;
    let header = serde_json::from_slice(&json).map_err(|e| BundleError::malformed(path, e))?;
    Ok((header, start))
}

fn check_digest(
    path: &Path,
    file: &mut File,
    length: u64,
    entry: Option<&FileEntry>,
) -> Result<(), BundleError> {
    let fail = |e| BundleError::io(path, e);
    file.seek(SeekFrom::Start(0)).map_err(fail)?;
    let mut hasher = Sha256::new();
    let mut left = length - TRAILER;
    let mut buffer = vec![0u8; 1 << 20];
    while left > 0 {
        let part = buffer.len().min(left as usize);
        file.read_exact(&mut buffer[..part]).map_err(fail)?;
        hasher.update(&buffer[..part]);
        left -= part as u64;
    }
    let mut trailer = [0u8; TRAILER as usize];
    file.read_exact(&mut trailer).map_err(fail)?;
    let inner = hasher.clone().finalize();
    hasher.update(trailer);
    let whole = hex::encode(hasher.finalize());
    let corrupt = |expected: String, got: String| BundleError::Corrupt {
        path: path.to_owned(),
        expected,
        got,
    };
    match entry {
        Some(entry) if entry.sha256 != whole => Err(corrupt(entry.sha256.clone(), whole)),
        _ if inner[..] != trailer => Err(corrupt(hex::encode(trailer), hex::encode(inner))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            kind: "segment-key".into(),
            model: Some("ab".into()),
            srs: None,
            segment: Some(3),
            job: None,
        }
    }

    #[test]
    fn every_flipped_byte_and_every_cut_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.key");
        let entry = write(&path, Mode::Public, &header(), |w| w.write_all(b"payload")).unwrap();
        let reader = open(&path, Some(&entry)).unwrap();
        assert_eq!(reader.header, header());
        assert_eq!(reader.bytes(&path).unwrap(), b"payload");

        let good = std::fs::read(&path).unwrap();
        for i in 0..good.len() {
            let mut bad = good.clone();
            bad[i] ^= 1;
            std::fs::write(&path, &bad).unwrap();
            assert!(open(&path, None).is_err(), "byte {i}");
            std::fs::write(&path, &good[..i]).unwrap();
            assert!(open(&path, None).is_err(), "cut at {i}");
        }
    }

    #[test]
    fn another_version_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.key");
        write(&path, Mode::Public, &header(), |_| Ok(())).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[8] = 9;
        std::fs::write(&path, &bytes).unwrap();
        let e = open(&path, None).map(|_| ()).unwrap_err();
        assert!(matches!(e, BundleError::Version { got: 9, .. }), "{e}");
    }
}
