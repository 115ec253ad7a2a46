//! Why a file's contents are wrong: what its checksums say of it, where something in it can't be.
//!
//! A flipped byte shows as whatever comes of it: a record of five columns, a key without end. The
//! file's MD5, or the CRC-32 of its gzip data, says what is the matter: the file is damaged, and is
//! to be fetched again. So before such an error is told, the rest of the file is read, once more
//! from its start: on this path only, and once for each bad file that is told.
//!
//! What the bytes themselves show stands behind it, for whoever wants to know where.

use md5::{Digest, Md5};

use super::error::stopped;
use super::input::{READ_BYTES, open, read};
use super::visitor::RunCheck;
use super::{DataErrorKind, Input};
use crate::engine::TaskError;
use crate::hex;
use crate::source::ReadBuffer;

/// An error of a file's contents with what the file's MD5 says of it.
///
/// # Errors
/// Always: the error, or that the run is over.
pub(super) fn explained<T>(
    error: TaskError<DataErrorKind>,
    input: &Input,
    verifies_md5: bool,
    check: RunCheck<'_>,
) -> Result<T, TaskError<DataErrorKind>> {
    let TaskError::Failed(kind) = error else { return Err(error) };
    let Some(expected) = input.md5.filter(|_| verifies_md5 && kind.is_of_contents()) else {
        return Err(TaskError::Failed(kind));
    };
    let found = digest(input, check)?;
    Err(TaskError::Failed(match found {
        Some(found) => with_md5(kind, &expected, &found),
        None => kind,
    }))
}

/// The error with the MD5 that was found, if that is not the expected one.
pub(super) fn with_md5(
    kind: DataErrorKind,
    expected: &[u8; 16],
    found: &[u8; 16],
) -> DataErrorKind {
    if found == expected {
        return kind;
    }
    let (expected, found) = (hex::encode(expected), hex::encode(found));
    DataErrorKind::Md5 { expected, found, shows: Some(Box::new(kind)) }
}

/// The file's MD5; `None` where it can't be read to its end.
fn digest(
    input: &Input,
    check: RunCheck<'_>,
) -> Result<Option<[u8; 16]>, TaskError<DataErrorKind>> {
    let Ok(mut file) = open(input) else { return Ok(None) };
    let (mut md5, mut buffer) = (Md5::new(), ReadBuffer::new(READ_BYTES));
    loop {
        check().map_err(stopped)?;
        match read(&mut file, &mut buffer) {
            Ok(0) => return Ok(Some(md5.finalize().into())),
            Ok(count) => md5.update(&buffer[..count]),
            Err(_) => return Ok(None),
        }
    }
}
