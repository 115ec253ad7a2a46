//! Files that hold a parameter: a request in JSON, a price list.
//!
//! They may be pipes (`--operation-json <(jq .Operation request.json)`). They are never read for
//! ever, whatever they are.

use std::io;
use std::path::Path;

use super::CliError;
use crate::source::read_parameter;

/// Bytes of such a file at most. 16 MiB: requests and price lists have some kilobytes.
const PARAMETER_BYTES_MAX: u64 = 16 << 20;

/// The text of a file that a flag names.
pub(super) fn text(path: &Path) -> Result<String, CliError> {
    let read = read_parameter(path, PARAMETER_BYTES_MAX).and_then(|bytes| {
        String::from_utf8(bytes)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "is not text in UTF-8"))
    });
    read.map_err(|error| CliError::file(path, error))
}
