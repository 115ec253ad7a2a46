//! Finds objects in Amazon S3 Inventory reports, and writes manifests of them for S3 Batch
//! Operations.
//!
//! S3 Inventory lists every object of a bucket in CSV, Parquet or ORC files. This library reads all
//! data files of a report at once, with bounded memory, and asks of each row what an SQL expression
//! over the report's own columns says.
//!
//! # Counting
//!
//! [`open`] finds a report, [`count`] counts the rows that match, here by whether they are current:
//!
//! ```
//! use s3sieve::{CountOptions, Query, ReportOptions, RunControl};
//!
//! let reports = s3sieve::open(&["testdata/seed".into()], &ReportOptions::default())?;
//! let query = Query::Where("BucketKeyStatus = 'DISABLED' AND NOT IsDeleteMarker".to_owned());
//! let options = CountOptions::new(query).by(["IsLatest"]);
//! let counts = s3sieve::count(&reports, &options, RunControl::default())?;
//! assert_eq!(counts.matched.rows, 9);
//! # Ok::<(), s3sieve::Error>(())
//! ```
//!
//! # Looking at rows
//!
//! [`rows`] shows the columns asked for, in report order. Keys stand as the report has them;
//! [`decode_key`] undoes their percent-encoding.
//!
//! ```
//! use std::ops::ControlFlow;
//!
//! use s3sieve::{Query, ReportOptions, RowsOptions, RunControl};
//!
//! let reports = s3sieve::open(&["testdata/seed".into()], &ReportOptions::default())?;
//! let options = RowsOptions::new(Query::Where("IsLatest".to_owned())).columns(["Key",
//! "VersionId"]); let mut first = Vec::new(); s3sieve::rows(&reports, &options,
//! RunControl::default(), |row| { first.extend(row.value(0).map(<[u8]>::to_vec)); if first.len() <
//! 3 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) } })?; assert_eq!(first.len(), 3);
//! # Ok::<(), s3sieve::Error>(())
//! ```
//!
//! # Filtering into a plan
//!
//! [`filter`] writes a folder with `plan.json`, manifests, and the rows that were excluded with
//! their reason. [`OperationOptions`] excludes what an operation can't do; a [`Rule`] of your own
//! excludes more. `examples/` has a program for each.
//!
//! # Errors
//!
//! [`Error`] is opaque: [`Error::class`] says who or what has to change, [`Error::hint`] what to
//! do, [`Error::explain`] all of it.
//!
//! # Stability
//!
//! Everything on this page follows semantic versioning; `internal` does not. Options and outcomes
//! may get more fields: make options with `new` or `default` and their methods. Rust 1.95 or newer
//! is needed; a newer one is asked for only with a minor version.
//!
//! Inside, each module is a layer that imports only what stands below it: `tests/it/layers.rs` has
//! the table of them and holds the code to it, `ARCHITECTURE.md` says why they are so.

#![cfg_attr(
    all(feature = "aws", feature = "cli", feature = "orc", feature = "parquet"),
    warn(unreachable_pub)
)]
#![cfg_attr(
    not(all(feature = "aws", feature = "cli", feature = "orc", feature = "parquet")),
    expect(dead_code, unused_imports, reason = "parts that only other features use")
)]

mod api;
#[cfg(feature = "aws")]
mod aws;
#[cfg(feature = "cli")]
mod cli;
mod diagnostic;
mod engine;
mod format;
mod hex;
#[cfg(feature = "aws")]
mod jobs;
#[cfg(feature = "aws")]
mod listing;
mod operation;
mod parts;
mod plan;
mod predicate;
mod query;
mod read;
mod report;
mod source;
mod synth;
mod threads;
mod units;
mod values;

pub use api::{Error, count, filter, open, read_plan, rows};
pub use diagnostic::ErrorClass;
pub use format::csv::SplitPath;
pub use format::gzip::Inflate;
pub use operation::job::S3Prefix;
pub use operation::{CopyClass, OperationKind, Rule, RuleCondition, StorageClass};
pub use plan::{
    ClassObjects, ClassSizes, Emit, ExcludedRows, FilterOptions, FilterOutcome, ForOperation,
    ManifestDataFile, ManifestDigest, OperationOptions, Plan, PlanInventory, PlanPredicate,
    ReportSource, Retry, Shard, ShardBounds, ShardRange, SkippedFile, Totals, UncheckedCondition,
    UnreadableValues,
};
pub use query::{
    CountGroup, CountOptions, Counts, MatchedRow, Query, RowsOptions, RowsOutcome, UnreadableColumn,
};
pub use read::{
    Input, ReportOptions, ReportSet, RunControl, ScanOptions, ScanProgress, Scanned, Verify,
};
pub use report::{
    AsOf, AsOfError, ChecksumState, Column, ColumnKind, DataFile, FileFormat, Report, Schema,
};
pub use source::Location;
pub use values::{decode_key, encode_key};

/// For the program, benches, fuzz targets and tests of this repository. It follows no versioning.
#[doc(hidden)]
pub mod internal {
    #[cfg(feature = "aws")]
    pub use crate::aws::{AwsOptions, Session};
    #[cfg(feature = "cli")]
    pub use crate::cli::main;
    #[cfg(any(feature = "parquet", feature = "orc"))]
    pub use crate::format::buffer_pool::BufferPool;
    #[cfg(any(feature = "parquet", feature = "orc"))]
    pub use crate::format::columnar::{ColumnWanted, ColumnarError, ColumnarFile};
    pub use crate::format::csv::{CsvError, Splitter};
    pub use crate::format::gzip::{
        GzipDecoder, GzipError, GzipErrorKind, HISTORY_BYTES, RawInflate, SharedPiece, Status,
    };
    pub use crate::format::md5::{LANES_MAX, Md5Path, Md5Streams};
    #[cfg(feature = "orc")]
    pub use crate::format::orc::Tail;
    #[cfg(feature = "parquet")]
    pub use crate::format::parquet::Footer;
    #[cfg(any(feature = "parquet", feature = "orc"))]
    pub use crate::format::ranges::Ranges;
    #[cfg(feature = "aws")]
    pub use crate::jobs::create_job_input;
    pub use crate::predicate::{Predicate, Select, check_agreement};
    pub use crate::query::Projection;
    pub use crate::report::key_components;
    pub use crate::synth::{Synth, write as write_synth};
    pub use crate::values::Row;
}
