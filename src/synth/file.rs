//! One data file: rows, compressed, counted and summed on their way to the disk.
//!
//! Never knows what is in a row.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::SynthError;
use super::rows::{Recipe, Rows};
use crate::report::DataFileWriter;

/// Rows are made until they take this much, in bytes, then compressed: small enough to stay in a
/// core's cache, and at 60 MB/s a few milliseconds between looks at whether to stop.
const BATCH_BYTES: usize = 128 << 10;

/// A data file that is complete.
pub(super) struct Written {
    /// Its name, without folders.
    pub(super) name: String,
    pub(super) md5: [u8; 16],
    /// Before compression.
    pub(super) bytes_raw: u64,
    /// On disk.
    pub(super) bytes_compressed: u64,
}

/// The temporary name of a file while it is written.
pub(super) fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}

/// Makes the rows with these numbers into a data file; `stopped` is asked between batches.
pub(super) fn write_data_file(
    recipe: &Recipe,
    level: u32,
    index: u64,
    mut numbers: Range<u64>,
    path: &Path,
    stopped: &dyn Fn() -> bool,
    progress: &dyn Fn(u64),
) -> Result<Written, SynthError> {
    let partial = partial(path);
    let failed = |source| SynthError::Io { path: partial.clone(), source };
    let mut file = DataFileWriter::create(&partial, level).map_err(failed)?;
    let mut rows = Rows::new(recipe, index);
    let mut batch = Vec::with_capacity(BATCH_BYTES + BATCH_BYTES / 4);
    let mut bytes_raw = 0;
    while !numbers.is_empty() {
        if stopped() {
            return Err(SynthError::Stopped);
        }
        batch.clear();
        let before = numbers.start;
        while batch.len() < BATCH_BYTES {
            let Some(number) = numbers.next() else { break };
            rows.push(number, &mut batch);
        }
        file.write_all(&batch).map_err(failed)?;
        bytes_raw += batch.len() as u64;
        progress(numbers.start - before);
    }
    let written = file.finish().map_err(failed)?;
    fs::rename(&partial, path).map_err(failed)?;
    Ok(Written {
        name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        md5: written.md5,
        bytes_raw,
        bytes_compressed: written.bytes,
    })
}
