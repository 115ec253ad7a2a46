//! Reading: the data files of reports, as rows and columns.
//!
//! The only place where files, formats and the predicate's columns meet. A data file is a task, or
//! several small ones are, or a split of a large one. A visitor sees the rows of a task that match,
//! in the order of their file.
//!
//! What is asked of the rows is `query`'s: counts, manifest lines, look-ups.

#[cfg(any(feature = "parquet", feature = "orc"))]
mod columnar;
mod columns;
mod csv;
mod damage;
mod error;
mod group_work;
#[cfg(all(test, not(miri)))]
mod group_work_tests;
mod input;
mod lane;
mod md5;
mod names;
mod open;
mod run_state;
mod scanner;
mod small;
mod splits;
mod suspended;
mod tasks;
#[cfg(test)]
mod turns_tests;
mod visitor;

/// The locks of [`group_work`], for which a test has others.
mod sync {
    pub(super) use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
}

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

pub(crate) use columns::ReadColumns;
pub(crate) use error::{DataError, DataErrorKind, ScanError};
pub(crate) use error::{failed, stopped};
pub use input::Input;
pub(crate) use input::{READ_BYTES, open as open_input, read as read_full};
pub(crate) use names::NameFault;
pub(crate) use names::{check_bucket, check_key, is_usual_key};
pub(crate) use open::open;
pub(crate) use open::survey;
pub use open::{ReportOptions, ReportSet};
pub(crate) use run_state::RunState;
pub(crate) use scanner::Scanner;
pub(crate) use splits::SplitScan;
pub(crate) use tasks::{FileSplit, TaskOrder, TaskPlan};
pub(crate) use visitor::{RowVisitor, RunCheck, VisitResult};

use crate::format::csv::SplitPath;
use crate::format::gzip::Inflate;
use crate::threads;

/// How much of a data file is checked. Its size and each gzip member's CRC-32 always are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verify {
    /// The MD5 of the compressed file, too, where the report gives one. Of a file in S3 whose
    /// `ETag` is that MD5, S3 has computed it already; of all others it is computed here.
    #[default]
    Auto,
    /// The same, and always computed here.
    Md5,
    /// Nothing more.
    Crc,
}

/// How to read and on how many threads.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
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

impl ScanOptions {
    /// Sets the number of worker threads.
    #[must_use]
    pub fn threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = threads;
        self
    }

    /// Sets how much of a data file is checked.
    #[must_use]
    pub fn verify(mut self, verify: Verify) -> Self {
        self.verify = verify;
        self
    }
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
#[non_exhaustive]
pub struct RunControl<'a> {
    /// Set from outside to end the run.
    pub stop: &'a AtomicBool,
    /// How far it has come.
    pub progress: &'a ScanProgress,
}

impl<'a> RunControl<'a> {
    /// A run that ends early once `stop` is set, and tells `progress` how far it is.
    #[must_use]
    pub fn new(stop: &'a AtomicBool, progress: &'a ScanProgress) -> Self {
        Self { stop, progress }
    }
}

impl Default for RunControl<'_> {
    /// A run that nothing ends early, and that is not watched.
    fn default() -> Self {
        static STOP: AtomicBool = AtomicBool::new(false);
        static PROGRESS: ScanProgress = ScanProgress {
            bytes_compressed: AtomicU64::new(0),
            bytes_raw: AtomicU64::new(0),
            rows: AtomicU64::new(0),
        };
        Self { stop: &STOP, progress: &PROGRESS }
    }
}

/// What was read of one data file or of many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
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
    /// What was read since then.
    fn since(self, before: &Self) -> Self {
        Self {
            files: 0,
            rows: self.rows - before.rows,
            bytes_compressed: self.bytes_compressed - before.bytes_compressed,
            bytes_raw: self.bytes_raw - before.bytes_raw,
        }
    }

    /// Adds what was read of others.
    pub fn add(&mut self, other: &Self) {
        self.files += other.files;
        self.rows += other.rows;
        self.bytes_compressed += other.bytes_compressed;
        self.bytes_raw += other.bytes_raw;
    }
}
