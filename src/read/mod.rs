//! Reading: the data files of reports, as rows and columns.
//!
//! The only place where files, formats and the predicate's columns meet. A data file is a task, or
//! several small ones are, or a split of a large one in a column format. A visitor sees the rows
//! that match, in report order.
//!
//! What is asked of the rows is `query`'s: counts, manifest lines, look-ups.

#[cfg(any(feature = "parquet", feature = "orc"))]
mod columnar;
mod columns;
mod csv;
mod damage;
mod error;
mod input;
mod md5;
mod names;
mod open;
mod run_state;
mod scanner;
mod small;
mod tasks;
mod visitor;

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

pub(crate) use columns::ReadColumns;
pub use error::{DataError, DataErrorKind, ScanError};
pub(crate) use error::{failed, stopped};
pub use input::Input;
pub(crate) use input::{READ_BYTES, open as open_input, read as read_full};
pub use names::NameFault;
pub(crate) use names::{check_bucket, check_key, is_usual_key};
pub use open::{ReportOptions, ReportSet, open, survey};
pub(crate) use run_state::RunState;
pub(crate) use scanner::Scanner;
pub(crate) use tasks::{FileSplit, TaskPlan};
pub(crate) use visitor::{RowVisitor, RunCheck, VisitResult};

use crate::format::csv::SplitPath;
use crate::format::gzip::Inflate;
use crate::threads;

/// How much of a data file is checked. Its size and each gzip member's CRC-32 always are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verify {
    /// The MD5 of the compressed file, too, where the report gives one.
    #[default]
    Md5,
    /// Of a file in S3, that S3 states this MD5 as its `ETag`; where it doesn't, and of a file on
    /// this machine, the MD5.
    Etag,
    /// Nothing more.
    Crc,
}

/// How to read and on how many threads.
#[derive(Debug, Clone, Copy)]
pub struct ScanOptions {
    /// Worker threads.
    pub threads: NonZeroUsize,
    /// What is checked.
    pub verify: Verify,
    /// What inflates.
    pub inflate: Inflate,
    /// Which splitter.
    pub split: SplitPath,
}

impl Default for ScanOptions {
    /// A thread for each processor, everything checked, the fastest code.
    fn default() -> Self {
        Self {
            threads: threads::one_a_processor(),
            verify: Verify::default(),
            inflate: Inflate::default(),
            split: SplitPath::default(),
        }
    }
}

/// How far a scan has come; read by others while it runs.
#[derive(Debug, Default)]
pub struct ScanProgress {
    /// Compressed bytes read.
    pub bytes_compressed: AtomicU64,
    /// Bytes after decompression.
    pub bytes_raw: AtomicU64,
    /// Rows split.
    pub rows: AtomicU64,
}

impl ScanProgress {
    fn add(&self, bytes_compressed: u64, bytes_raw: u64, rows: u64) {
        self.bytes_compressed.fetch_add(bytes_compressed, Ordering::Relaxed);
        self.bytes_raw.fetch_add(bytes_raw, Ordering::Relaxed);
        self.rows.fetch_add(rows, Ordering::Relaxed);
    }
}

/// What a run is watched and ended by.
#[derive(Debug, Clone, Copy)]
pub struct RunControl<'a> {
    /// Set from outside to end the run.
    pub stop: &'a AtomicBool,
    /// How far it has come.
    pub progress: &'a ScanProgress,
}

/// What was read of one data file or of many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scanned {
    /// Data files.
    pub files: u64,
    /// Rows.
    pub rows: u64,
    /// Bytes of the files as they lie on disk.
    pub bytes_compressed: u64,
    /// Bytes after decompression.
    pub bytes_raw: u64,
}

impl Scanned {
    /// Adds what was read of others.
    pub fn add(&mut self, other: &Self) {
        self.files += other.files;
        self.rows += other.rows;
        self.bytes_compressed += other.bytes_compressed;
        self.bytes_raw += other.bytes_raw;
    }
}
