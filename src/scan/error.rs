//! What can go wrong in a scan, told with the file and the place in it.

use std::io;

use super::{GROUPS_MAX, LANES_MAX};
use crate::format::csv::CsvError;
use crate::format::gzip::GzipError;
use crate::predicate::PredicateError;
use crate::report::ReportError;
use crate::source::{self, Location};

/// A data file that could not be read to its end, or is not what the report says.
#[derive(Debug, thiserror::Error)]
#[error("{}: {kind}", path.display())]
pub struct DataError {
    /// The file.
    pub path: Location,
    /// What is wrong with it.
    pub kind: DataErrorKind,
}

/// What is wrong with a data file.
#[derive(Debug, thiserror::Error)]
pub enum DataErrorKind {
    /// It could not be opened or read.
    #[error("{0}")]
    Read(#[from] io::Error),
    /// Its length is not the one in the manifest.
    #[error(
        "the file has {found} bytes where the manifest says {expected}: it was cut or replaced; \
         fetch it again"
    )]
    Size {
        /// Bytes, as the manifest says.
        expected: u64,
        /// Bytes on disk.
        found: u64,
    },
    /// Its MD5 is not the one in the manifest.
    #[error(
        "the file's MD5 is {found} where the manifest says {expected}: it was damaged or \
         replaced; fetch it again"
    )]
    Md5 {
        /// As the manifest says, in hexadecimal.
        expected: String,
        /// Of the bytes on disk, in hexadecimal.
        found: String,
    },
    /// It is no gzip file, or a damaged one.
    #[error("{0}")]
    Gzip(#[from] GzipError),
    /// Its rows are not those that fileSchema describes.
    #[error("{0}")]
    Csv(#[from] CsvError),
    /// `--split-by` met too many values.
    #[error(
        "more than {LANES_MAX} different buckets or values of the columns to split by, each of \
         which needs an open file: choose columns with fewer values"
    )]
    TooManyLanes,
    /// `--by` met too many values.
    #[error(
        "more than {GROUPS_MAX} different values to count by: choose columns with fewer values"
    )]
    TooManyGroups,
}

impl DataErrorKind {
    /// Whether the machine is to blame rather than the data.
    #[must_use]
    pub fn is_environment(&self) -> bool {
        matches!(self, Self::Read(error) if !source::is_refusal(error))
    }

    /// Whether AWS refused, or could not be reached.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Read(error) if source::is_refusal(error))
    }

    /// Whether what was asked for is to blame rather than the data: no other file fares better.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::TooManyLanes | Self::TooManyGroups)
    }
}

/// Why a scan ended without a result.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// A report could not be found, read or resolved.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A report is in a format that is not read yet.
    #[error(
        "{}: reports in {format} format are not read yet; choose CSV as the inventory's output \
         format", path.display()
    )]
    Format {
        /// The report's manifest.
        path: Location,
        /// Its format.
        format: String,
    },
    /// The query does not fit a report.
    #[error("{}: {error}", path.display())]
    Query {
        /// The report's manifest.
        path: Location,
        /// What is wrong with the query.
        error: PredicateError,
    },
    /// Two reports list the same bucket.
    #[error(
        "{} and {} both list the bucket {bucket}: their rows would be done twice; name one of \
         them, or give --allow-overlap if that is meant", first.display(), second.display()
    )]
    Overlap {
        /// The bucket.
        bucket: String,
        /// A report's manifest.
        first: Location,
        /// The other's.
        second: Location,
    },
    /// A data file is bad.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Output that had to wait could not be written.
    #[error("cannot keep waiting output on disk: {0}")]
    Spill(io::Error),
    /// The run was ended from outside.
    #[error("interrupted")]
    Interrupted,
}
