//! The requests of a submission, `requests.jsonl`: one a line, beside the journal, which knows the
//! SHA-256 of all.
//!
//! They are kept so that whoever goes on with a submission need not give the same parameters again.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::diagnostic::{Diagnostic, ErrorClass};
use crate::hex;
use crate::source::{open_regular, write_whole};

/// The name of the file in the plan's folder.
pub(super) const REQUESTS: &str = "requests.jsonl";

/// A request at most, in bytes; a longer one counts as several, and is none. 16 MiB: the API takes
/// 2 MiB of tags and arguments at most, each character of which JSON may write as six.
const REQUEST_BYTES_MAX: u64 = 16 << 20;

/// Why requests can't be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestsError {
    /// The file can't be read or written.
    #[error("{}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// They are not those of the journal.
    #[error(
        "{}: these are not the requests that were submitted: something else changed the file",
        path.display()
    )]
    Changed {
        /// The file.
        path: PathBuf,
    },
}

impl Diagnostic for RequestsError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Io { .. } => ErrorClass::Environment,
            Self::Changed { .. } => ErrorClass::Input,
        }
    }
}

/// The file of requests, read one at a time.
#[derive(Debug)]
pub(crate) struct Requests {
    path: PathBuf,
    reader: BufReader<File>,
    /// Where each begins.
    offsets: Vec<u64>,
}

impl Requests {
    /// Opens the requests of a submission.
    ///
    /// # Errors
    /// When they can't be read, or are not as many, or not those of this SHA-256.
    pub(crate) fn open(folder: &Path, sha256: &str, count: usize) -> Result<Self, RequestsError> {
        let path = folder.join(REQUESTS);
        let at = |error| RequestsError::Io { path: path.clone(), error };
        let mut reader = BufReader::new(open_regular(&path).map_err(at)?);
        let mut hasher = Sha256::new();
        let (mut offsets, mut offset, mut line) = (Vec::new(), 0, Vec::new());
        loop {
            line.clear();
            let mut bounded = (&mut reader).take(REQUEST_BYTES_MAX);
            let read = bounded.read_until(b'\n', &mut line).map_err(at)?;
            if read == 0 {
                break;
            }
            if offsets.len() == count {
                return Err(RequestsError::Changed { path });
            }
            hasher.update(&line);
            offsets.push(offset);
            offset += read as u64;
        }
        if hex::encode(hasher.finalize()) != sha256 || offsets.len() != count {
            return Err(RequestsError::Changed { path });
        }
        Ok(Self { path, reader, offsets })
    }

    /// The request of the manifest at this place.
    ///
    /// # Errors
    /// When it can't be read.
    pub(crate) fn read(&mut self, place: usize) -> Result<Value, RequestsError> {
        let at = |error| RequestsError::Io { path: self.path.clone(), error };
        self.reader.seek(SeekFrom::Start(self.offsets[place])).map_err(at)?;
        let mut line = String::new();
        self.reader.read_line(&mut line).map_err(at)?;
        serde_json::from_str(&line).map_err(|error| at(error.into()))
    }

    /// Writes the requests; they are on disk, whole, when it returns.
    ///
    /// # Errors
    /// When the disk fails.
    pub(crate) fn write(folder: &Path, requests: &[u8]) -> Result<(), RequestsError> {
        let path = folder.join(REQUESTS);
        let at = |error| RequestsError::Io { path: path.clone(), error };
        write_whole(&path, at, |file| file.write_all(requests).map_err(at))
    }
}
