//! Filters Amazon S3 Inventory reports into S3 Batch Operations manifests.
//!
//! The layers, from the top; each imports only what stands below it (a test holds them to it):
//!
//! | layer | knows | never knows |
//! |---|---|---|
//! | `cli` | arguments, progress, tables, exit codes | bytes, wire formats |
//! | `jobs` (feature `aws`) | Batch Operations jobs at AWS | how rows were found |
//! | `listing` | what a bucket holds now, as a report | how reports are read |
//! | [`synth`] | how a synthetic report looks | how reports are read |
//! | [`plan`] | shards, exclusions, `plan.json` | threads |
//! | [`operation`] | eligibility, requests, permissions, prices | how rows are found |
//! | [`query`] | what is asked of rows | shards, operations |
//! | [`read`] | how a data file becomes rows | what is asked of them |
//! | [`engine`] | workers, queues, memory budget, order | formats, operations |
//! | [`mod@format`] | bytes to rows | files, paths, network |
//! | [`predicate`] | expression to compiled matcher | formats beyond "give me column n" |
//! | [`report`] | `manifest.json`, schema, checksums, the newest report | threads |
//! | [`source`] | bytes from and to local files and S3 | what the bytes mean |
//! | `aws` | how AWS is reached, what its errors mean | what is asked of it |
//! | [`threads`] | loops on several threads | what is done in them |
//! | [`values`] | what rows and columns are | everything else |
//! | [`units`] | sizes and counts as people write them | everything else |
//!
//! The program is a thin layer over this library:
//!
//! ```
//! use std::sync::atomic::AtomicBool;
//!
//! use s3sieve::query::{self, CountOptions, Query};
//! use s3sieve::read::{self, Control, Progress, ReportOptions, Settings};
//!
//! let opened = read::open(&["testdata/seed".into()], &ReportOptions::default())?;
//! let options = CountOptions {
//!     query: Query::Where("BucketKeyStatus = 'DISABLED' AND NOT IsDeleteMarker".to_owned()),
//!     by: Vec::new(),
//!     now: jiff::Timestamp::now(),
//!     keep_going: false,
//!     settings: Settings::default(),
//! };
//! let control = Control { stop: &AtomicBool::new(false), progress: &Progress::default() };
//! let counts = query::count(&opened, &options, control)?;
//! assert_eq!(counts.matched.rows, 9);
//! # Ok::<(), read::ScanError>(())
//! ```

#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "cli")]
pub mod cli;
pub mod engine;
pub mod format;
mod hex;
#[cfg(feature = "aws")]
pub mod jobs;
#[cfg(feature = "aws")]
pub mod listing;
pub mod operation;
pub mod plan;
pub mod predicate;
pub mod query;
pub mod read;
pub mod report;
pub mod source;
pub mod synth;
pub mod threads;
pub mod units;
pub mod values;
