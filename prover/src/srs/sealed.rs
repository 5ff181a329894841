//! A sealed file: magic, kind, version, a JSON header, a payload, and the SHA-256 of all of it at the end.
//! Written under a temporary name, flushed to the disk and renamed, so that a crash or a full disk leaves the old file
//! or none; read only after length and checksum agree, so that what is parsed afterwards is what was written.

use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File},
    io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

const MAGIC: &[u8; 8] = b"HALOCAST";
const MAX_HEADER: u32 = 1 << 26;
const BUFFER: usize = 1 << 20;

/// What can be wrong with a sealed file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealedError {
    /// Reading or writing failed.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file does not begin as one of ours.
    #[error("{path}: not a Halocast {expected} file")]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// The kind asked for.
        expected: &'static str,
    },
    /// Written by a release with another format.
    #[error("{path}: format version {got}, this release reads version {expected}")]
    Version {
        /// The file.
        path: PathBuf,
        /// Version in the file.
        got: u32,
        /// Version understood.
        expected: u32,
    },
    /// Shorter or longer than its header says.
    #[error("{path}: {got} bytes, expected {expected} (truncated or overwritten)")]
    Length {
        /// The file.
        path: PathBuf,
        /// Bytes found.
        got: u64,
        /// Bytes that the header promises.
        expected: u64,
    },
    /// Some byte changed since it was written.
    #[error("{path}: checksum does not match, the file is damaged")]
    Checksum {
        /// The file.
        path: PathBuf,
    },
    /// The header is not readable.
    #[error("{path}: header: {reason}")]
    Header {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        reason: String,
    },
}

/// Kind and version of a sealed format.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Format {
    pub(crate) kind: &'static str,
    pub(crate) version: u32,
}

/// A writer that hashes, counts, and keeps the first error for later: halo2's key writer panics on an error, so it must
/// never see one.
pub(crate) struct SealingWriter {
    inner: BufWriter<File>,
    hasher: Sha256,
    written: u64,
    error: Option<io::Error>,
}

impl Write for SealingWriter {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.written += buf.len() as u64;
        if self.error.is_none() {
            self.hasher.update(buf);
            self.error = self.inner.write_all(buf).err();
        }
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn io_error(path: &Path) -> impl Fn(io::Error) -> SealedError + '_ {
    move |source| SealedError::Io {
        path: path.to_owned(),
        source,
    }
}

/// Writes a file of `format`; `payload` must write exactly `payload_len` bytes.
pub(crate) fn write_sealed<H: Serialize>(
    path: &Path,
    format: Format,
    header: &H,
    payload_len: u64,
    payload: impl FnOnce(&mut SealingWriter),
) -> Result<(), SealedError> {
    let dir = path
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    fs::create_dir_all(dir).map_err(io_error(dir))?;
    let name = path
        .file_name()
        .map(|n| n.to_string_lossy().into_owned())
        .unwrap_or_default();
    let temp = dir.join(format!(".{name}.{}.partial", std::process::id()));
    let result = write_then_sync(&temp, format, header, payload_len, payload)
        .and_then(|()| fs::rename(&temp, path))
        .and_then(|()| File::open(dir)?.sync_all());
    if result.is_err() {
        let _ = fs::remove_file(&temp);
    }
    result.map_err(io_error(path))
}

fn write_then_sync<H: Serialize>(
    temp: &Path,
    format: Format,
    header: &H,
    payload_len: u64,
    payload: impl FnOnce(&mut SealingWriter),
) -> io::Result<()> {
    let file = File::create(temp)?;
    let inner = BufWriter::with_capacity(BUFFER, file);
    let mut w = SealingWriter {
        inner,
        hasher: Sha256::new(),
        written: 0,
        error: None,
    };
    let header = serde_json::to_vec(header).map_err(io::Error::other)?;
    w.write_all(MAGIC)?;
    w.write_all(&kind_bytes(format.kind))?;
    w.write_all(&format.version.to_le_bytes())?;
    w.write_all(&(header.len() as u32).to_le_bytes())?;
    w.write_all(&payload_len.to_le_bytes())?;
    w.write_all(&header)?;
    let before = w.written;
    payload(&mut w);
    let SealingWriter {
        mut inner,
        hasher,
        written,
        error,
    } = w;
    if let Some(error) = error {
        return Err(error);
    }
    if written - before != payload_len {
        return Err(io::Error::other(format!(
            "wrote {} payload bytes, announced {payload_len}",
            written - before
        )));
    }
    inner.write_all(&hasher.finalize())?;
    inner
        .into_inner()
        .map_err(io::IntoInnerError::into_error)?
        .sync_all()
}

fn kind_bytes(kind: &str) -> [u8; 16] {
    let mut bytes = [0u8; 16];
    bytes[..kind.len()].copy_from_slice(kind.as_bytes());
    bytes
}

/// A sealed file that has been checked: its header, and a reader placed at the payload.
pub(crate) struct Opened<H> {
    pub(crate) header: H,
    pub(crate) payload: BufReader<File>,
    pub(crate) payload_len: u64,
}

/// Opens and checks magic, version, length and checksum.
pub(crate) fn open_sealed<H: DeserializeOwned>(
    path: &Path,
    format: Format,
) -> Result<Opened<H>, SealedError> {
    let (header, file, payload_start, payload_len) = read_preamble(path, format)?;
    let mut reader = BufReader::with_capacity(BUFFER, file);
    let digest = check_digest(&mut reader, payload_start + payload_len).map_err(io_error(path))?;
    digest.ok_or_else(|| SealedError::Checksum {
        path: path.to_owned(),
    })?;
    reader
        .seek(SeekFrom::Start(payload_start))
        .map_err(io_error(path))?;
    Ok(Opened {
        header,
        payload: reader,
        payload_len,
    })
}

/// Reads only the header, with the length but not the checksum verified: for listings.
pub(crate) fn peek_sealed<H: DeserializeOwned>(
    path: &Path,
    format: Format,
) -> Result<H, SealedError> {
    read_preamble(path, format).map(|(header, ..)| header)
}

fn read_preamble<H: DeserializeOwned>(
    path: &Path,
    format: Format,
) -> Result<(H, File, u64, u64), SealedError> {
    let mut file = File::open(path).map_err(io_error(path))?;
    let size = file.metadata().map_err(io_error(path))?.len();
    let not_ours = || SealedError::NotOurs {
        path: path.to_owned(),
        expected: format.kind,
    };
    let mut fixed = [0u8; 40];
    file.read_exact(&mut fixed).map_err(|_| not_ours())?;
    if &fixed[..8] != MAGIC || fixed[8..24] != kind_bytes(format.kind) {
        return Err(not_ours());
    }
    let word = |at: usize| u32::from_le_bytes(fixed[at..at + 4].try_into().expect("four bytes"));
    let (version, header_len) = (word(24), word(28));
    let payload_len = u64::from_le_bytes(fixed[32..40].try_into().expect("eight bytes"));
    if version != format.version {
        return Err(SealedError::Version {
            path: path.to_owned(),
            got: version,
            expected: format.version,
        });
    }
    let start = 40 + u64::from(header_len);
    let expected = start.saturating_add(payload_len).saturating_add(32);
    if header_len > MAX_HEADER || size != expected {
        return Err(SealedError::Length {
            path: path.to_owned(),
            got: size,
            expected,
        });
    }
    let mut header = vec![0u8; header_len as usize];
    file.read_exact(&mut header).map_err(io_error(path))?;
    let header = serde_json::from_slice(&header).map_err(|e| SealedError::Header {
        path: path.to_owned(),
        reason: e.to_string(),
    })?;
    Ok((header, file, start, payload_len))
}

fn check_digest(reader: &mut BufReader<File>, end: u64) -> io::Result<Option<[u8; 32]>> {
    reader.seek(SeekFrom::Start(0))?;
    let mut hasher = Sha256::new();
    let mut left = end;
    let mut chunk = vec![0u8; BUFFER];
    while left > 0 {
        let n = chunk.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        reader.read_exact(&mut chunk[..n])?;
        hasher.update(&chunk[..n]);
        left -= n as u64;
    }
    let mut stored = [0u8; 32];
    reader.read_exact(&mut stored)?;
    let computed: [u8; 32] = hasher.finalize().into();
    Ok((computed == stored).then_some(stored))
}
