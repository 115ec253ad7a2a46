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
use crate::source::{ArrivedBytes, Location, ReadArrived, ReadBuffer, SourceFile};

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

/// The piece of a data file that is looked at: in memory of its own, or where it arrived.
pub(super) struct FilePiece {
    own: ReadBuffer,
    arrived: Option<ArrivedBytes>,
}

impl FilePiece {
    pub(super) fn new() -> Self {
        Self { own: ReadBuffer::new(READ_BYTES), arrived: None }
    }

    /// Takes the next piece in place of the one at hand; gives its length, at most `bytes_max`.
    /// None are left at the end of the file.
    pub(super) fn take(
        &mut self,
        file: &mut impl ReadArrived,
        bytes_max: usize,
    ) -> io::Result<usize> {
        let bytes_max = bytes_max.min(READ_BYTES);
        self.arrived = file.arrived(bytes_max)?;
        match &self.arrived {
            Some(arrived) => Ok(arrived.as_ref().as_ref().len()),
            None => read(file, &mut self.own[..bytes_max]),
        }
    }

    /// The piece at hand, and maybe more behind it.
    pub(super) fn bytes(&self) -> &[u8] {
        self.arrived.as_ref().map_or(&self.own, |arrived| arrived.as_ref().as_ref())
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that arrived in pieces of these lengths, or, where there are none, have to be copied.
    struct Arriving<'a> {
        bytes: &'a [u8],
        lengths: Vec<usize>,
    }

    impl Read for Arriving<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.bytes.read(buffer)
        }
    }

    impl ReadArrived for Arriving<'_> {
        fn arrived(&mut self, bytes_max: usize) -> io::Result<Option<ArrivedBytes>> {
            if self.lengths.is_empty() {
                return Ok(None);
            }
            self.lengths.rotate_left(1);
            let count = self.lengths[0].min(bytes_max).min(self.bytes.len());
            let (piece, rest) = self.bytes.split_at(count);
            self.bytes = rest;
            Ok(Some(Box::new(piece.to_vec())))
        }
    }

    #[test]
    fn pieces_are_the_file_however_it_arrives() {
        let all: Vec<u8> = (0..3 * READ_BYTES + 5).map(|at| (at * at / 7) as u8).collect();
        for lengths in [vec![], vec![1, 70_000, 3], vec![READ_BYTES], vec![usize::MAX]] {
            let mut file = Arriving { bytes: &all, lengths };
            let mut piece = FilePiece::new();
            let mut found = Vec::new();
            let mut bytes_max = 7;
            loop {
                let count = piece.take(&mut file, bytes_max).unwrap();
                if count == 0 {
                    break;
                }
                assert!(count <= bytes_max.min(READ_BYTES));
                found.extend_from_slice(&piece.bytes()[..count]);
                bytes_max = bytes_max.saturating_mul(1_000);
            }
            assert_eq!(found, all);
        }
    }
}
