//! Scanning: the data files of reports, through the engine, to matching rows.
//!
//! The only place where files, formats, predicates and the engine meet. A data file is a task, or a
//! batch of small ones, or a part of a large one in a column format; what comes out is, in report
//! order, blocks of finished manifest rows ([`filter`]) or counts ([`count`]).
//!
//! Never knows about shards, plans and operations: it is told which rows to keep, which of those to
//! set aside, and hands them on by lane.

mod batch;
pub mod bench;
#[cfg(any(feature = "parquet", feature = "orc"))]
mod columnar;
#[cfg(any(feature = "parquet", feature = "orc"))]
mod columnar_rows;
#[cfg(any(feature = "parquet", feature = "orc"))]
mod columnar_skip;
#[cfg(any(feature = "parquet", feature = "orc"))]
mod columnar_unsettled;
mod count;
mod csv;
mod damage;
mod error;
mod filter;
#[cfg(any(feature = "parquet", feature = "orc"))]
mod footer_memory;
mod hash;
mod lanes;
mod lookup;
mod names;
mod objects;
mod open;
mod packed;
mod project;
mod query;
mod scanner;
#[cfg(any(feature = "parquet", feature = "orc"))]
mod shared_files;
mod size;
mod sizes;
mod small;
mod tally;
mod unreadable;
mod wanted;

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

pub use count::{CountOptions, Counts, GROUPS_MAX, Group, count};
pub use error::{DataError, DataErrorKind, ScanError};
pub use filter::{FileSummary, FilterSink, Holding, filter};
pub use lanes::{LANES_MAX, LaneKey, Lanes};
pub use lookup::{Among, Lookup, look_up};
pub use names::NameFault;
pub use objects::{OBJECT_BYTES, ObjectSet, Part};
pub use open::{Input, Opened, ReportOptions, open, survey};
pub use project::Projection;
pub use query::{Compiled, Query, column};
pub use sizes::{ClassTotals, SMALL_BYTES, SizeColumns, SizeTotals};
pub use unreadable::UnreadableColumn;

use crate::format::csv::SplitPath;
use crate::format::gzip::Inflate;
use crate::predicate::Matcher;
use crate::report::Schema;
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
pub struct Settings {
    /// Worker threads.
    pub threads: NonZeroUsize,
    /// What is checked.
    pub verify: Verify,
    /// What inflates.
    pub inflate: Inflate,
    /// Which splitter.
    pub split: SplitPath,
}

impl Default for Settings {
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

/// Which rows of one report are wanted, and what is asked of them.
#[derive(Debug, Clone)]
pub struct Selection {
    /// The columns of every row.
    pub schema: Schema,
    /// Which rows match.
    pub matcher: Matcher,
    /// If given, the only objects that match.
    pub among: Option<Among>,
    /// Matching rows that must not come out, in the order in which they are tried; the place in
    /// this list names the reason.
    pub exclusions: Vec<Matcher>,
    /// Columns whose values must be true, false or empty in rows that come out. Where a run goes on
    /// although some value is not, the row is set aside, and its reason is the one behind the last
    /// of [`Selection::exclusions`].
    pub flags: Vec<usize>,
    /// Questions asked of every row that comes out; how many said yes is counted.
    pub observations: Vec<Matcher>,
    /// What is written of a row.
    pub projection: Projection,
    /// The columns whose values pick the lane. All selections of a run name the same columns in
    /// the same order, with none where this report lacks one.
    pub split_by: Vec<Option<usize>>,
    /// Rows that come out in lanes of their own.
    pub apart: Matcher,
    /// What the rows that come out are counted by.
    pub sizes: SizeColumns,
}

/// How far a scan has come; read by others while it runs.
#[derive(Debug, Default)]
pub struct Progress {
    /// Compressed bytes read.
    pub bytes_compressed: AtomicU64,
    /// Bytes after decompression.
    pub bytes_raw: AtomicU64,
    /// Rows split.
    pub rows: AtomicU64,
}

impl Progress {
    fn add(&self, bytes_compressed: u64, bytes_raw: u64, rows: u64) {
        self.bytes_compressed.fetch_add(bytes_compressed, Ordering::Relaxed);
        self.bytes_raw.fetch_add(bytes_raw, Ordering::Relaxed);
        self.rows.fetch_add(rows, Ordering::Relaxed);
    }
}

/// What a run is watched and ended by.
#[derive(Debug, Clone, Copy)]
pub struct Control<'a> {
    /// Set from outside to end the run.
    pub stop: &'a AtomicBool,
    /// How far it has come.
    pub progress: &'a Progress,
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
