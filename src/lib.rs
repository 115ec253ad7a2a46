//! Filters Amazon S3 Inventory reports into S3 Batch Operations manifests.
//!
//! Each module is a layer that imports only what stands below it: `tests/it/layers.rs` has the
//! table of them and holds the code to it, `ARCHITECTURE.md` says why they are so.
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
pub mod diagnostic;
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
