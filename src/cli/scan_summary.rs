//! What `count` and `filter` say of the data files that they scanned.

use std::io::{self, Write};

use super::print::{percent, visible};
use crate::plan::{SkippedFile, Totals};
use crate::units::{Bytes, Count, counted};

/// How much was scanned, and how fast.
pub(super) fn scanned(files: u64, rows: u64, bytes_raw: u64, seconds: f64) -> String {
    format!(
        "in {} ({} raw), in {seconds:.2} s ({} rows/s, {}/s)",
        counted(files, "data file"),
        Bytes(bytes_raw),
        Count((rows as f64 / seconds) as u64),
        Bytes((bytes_raw as f64 / seconds) as u64),
    )
}

/// How many rows match, of how many, and how fast they were scanned.
pub(super) fn matched(totals: &Totals) -> String {
    format!(
        "{} of {} match ({}), {}.",
        Count(totals.rows_matched),
        counted(totals.rows, "row"),
        percent(totals.rows_matched, totals.rows),
        scanned(totals.files, totals.rows, totals.bytes_raw, totals.seconds),
    )
}

/// The files that could not be read, and why.
pub(super) fn skipped(out: &mut dyn Write, files: &[SkippedFile]) -> io::Result<()> {
    files.iter().try_for_each(|file| {
        writeln!(out, "Not read: {}: {}", visible(&file.file), visible(&file.error))
    })
}
