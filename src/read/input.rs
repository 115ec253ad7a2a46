//! A data file as the manifest lists it: opened, read in pieces, and compared with what the
//! manifest says of it.
//!
//! Never knows what is in it.

use std::io::{self, Read};
use std::ops::Range;

use super::error::{DataError, DataErrorKind};
use crate::engine::TaskError;
use crate::hex;
use crate::report::FileFormat;
use crate::source::{Location, SourceFile};

/// Bytes of a data file read at a time. 128 KiB: few calls, and still in the L2 cache when it is
/// hashed and then inflated.
pub(crate) const READ_BYTES: usize = 128 << 10;

/// One data file to scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Where it lies.
    pub path: Location,
    /// Its length in bytes, as the manifest says.
    pub bytes: u64,
    /// Its MD5, where the manifest gives one.
    pub md5: Option<[u8; 16]>,
    /// Which of the reports lists it.
    pub report: usize,
    /// That report's format.
    pub format: FileFormat,
}

impl Input {
    /// An error in this file, with its name.
    pub(crate) fn named(&self, error: TaskError<DataErrorKind>) -> TaskError<DataError> {
        match error {
            TaskError::Stopped => TaskError::Stopped,
            TaskError::Failed(kind) => {
                TaskError::Failed(DataError { path: self.path.clone(), kind })
            }
        }
    }

    /// Compares what was read of the file with what the manifest says of it.
    ///
    /// # Errors
    /// When the length, or the MD5 where one was taken, is another.
    pub(super) fn compare(
        &self,
        bytes_compressed: u64,
        digest: Option<[u8; 16]>,
    ) -> Result<(), DataErrorKind> {
        if bytes_compressed != self.bytes {
            return Err(DataErrorKind::Size { expected: self.bytes, found: bytes_compressed });
        }
        match self.md5.zip(digest) {
            Some((expected, found)) if found != expected => {
                let (expected, found) = (hex::encode(expected), hex::encode(found));
                Err(DataErrorKind::Md5 { expected, found, shows: None })
            }
            _ => Ok(()),
        }
    }
}

/// Opens a data file that has the length that the manifest says.
pub(crate) fn open(input: &Input) -> Result<SourceFile, DataErrorKind> {
    has_its_length(input, input.path.open()?)
}

/// Opens a split of a data file that has the length that the manifest says.
pub(super) fn open_split(input: &Input, bytes: Range<u64>) -> Result<SourceFile, DataErrorKind> {
    has_its_length(input, input.path.open_range(bytes)?)
}

/// Refuses a file of another length than the manifest says.
pub(super) fn has_its_length(input: &Input, file: SourceFile) -> Result<SourceFile, DataErrorKind> {
    let (expected, found) = (input.bytes, file.len());
    if found == expected {
        return Ok(file);
    }
    if input.format == FileFormat::Csv && found > expected && is_unzipped(&file) {
        return Err(DataErrorKind::Unzipped { expected, found });
    }
    Err(DataErrorKind::Size { expected, found })
}

/// Whether a file that should be gzip begins with text; a gzip file's second byte is 0x8b.
fn is_unzipped(file: &SourceFile) -> bool {
    let mut begin = [0; 2];
    let is_text = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    file.read_exact_at(0, &mut begin).is_ok() && begin.iter().all(is_text)
}

/// Reads until the buffer is full or the file ends, so that what is read at a time does not depend
/// on how the system cuts it.
pub(crate) fn read(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
