//! What a synthetic report is to be like.

use jiff::Timestamp;

use crate::report::FileFormat;
use crate::threads;

/// 2026-01-01T00:00:00Z, in seconds since 1970.
const CREATED_SECONDS: i64 = 1_767_225_600;

/// What a synthetic report is to be like.
#[derive(Debug, Clone, PartialEq)]
pub struct Synth {
    /// Rows in all data files together, before repetition.
    pub rows: u64,
    /// Data files; the rows are spread evenly over them.
    pub files: u64,
    /// The columns by their fileSchema names, in order; Bucket and Key must be among them.
    pub columns: Vec<String>,
    /// How the data files are written. The rows are the same in every format.
    pub format: FileFormat,
    /// Another seed gives another report of the same kind.
    pub seed: u64,
    /// The source bucket.
    pub bucket: String,
    /// For a column, its values and their weights, instead of the usual ones. They hold for
    /// objects; what a delete marker's columns hold is given by S3.
    pub shares: Vec<(String, Vec<(String, f64)>)>,
    /// Share of rows that are delete markers, from 0 to 1; none without a column
    /// `IsDeleteMarker`.
    pub delete_marker_share: f64,
    /// Share of rows with an empty VersionId, from 0 to 1.
    pub null_version_share: f64,
    /// Share of rows whose key has a folder name that is hard to encode, from 0 to 1.
    pub odd_key_share: f64,
    /// Pads keys until rows have this length before compression, in bytes; rows that are longer
    /// stay so.
    pub row_bytes: Option<u64>,
    /// When the report was begun: names its folder and bounds its dates.
    pub created: Timestamp,
    /// Threads that make data files at the same time.
    pub threads: usize,
    /// Effort of compression from 0 to 9. S3's files look like those of zlib at 6.
    pub level: u32,
    /// How often each data file is there, to make a report look larger than it is: under names of
    /// its own each time, for a report that lists a file twice is refused.
    pub repeat: u64,
}

impl Default for Synth {
    /// A million rows in ten files with the columns that finding objects without a Bucket Key
    /// takes: 30 % of the objects are DISABLED, and 1 % of the rows are delete markers, which are
    /// DISABLED always.
    fn default() -> Self {
        let columns =
            ["Bucket", "Key", "VersionId", "IsLatest", "IsDeleteMarker", "BucketKeyStatus"];
        Self {
            rows: 1_000_000,
            files: 10,
            columns: columns.map(str::to_owned).to_vec(),
            format: FileFormat::Csv,
            seed: 1,
            bucket: "example-bucket".to_owned(),
            shares: Vec::new(),
            delete_marker_share: 0.01,
            null_version_share: 0.01,
            odd_key_share: 0.01,
            row_bytes: None,
            created: Timestamp::from_second(CREATED_SECONDS).unwrap_or_default(),
            threads: threads::one_a_processor().get(),
            level: 6,
            repeat: 1,
        }
    }
}
