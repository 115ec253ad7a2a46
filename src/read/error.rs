//! What can go wrong in a scan, told with the file and the place in it.

use std::io;

use super::names::NameFault;
use crate::diagnostic::parameter::{ALLOW_OVERLAP, KEEP_GOING, THREADS};
use crate::diagnostic::{Diagnostic, ErrorClass};
use crate::engine::{Stopped, TaskError};
#[cfg(any(feature = "parquet", feature = "orc"))]
use crate::format::columnar::ColumnarError;
use crate::format::csv::CsvError;
use crate::format::gzip::GzipError;
use crate::predicate::PredicateError;
use crate::report::{ColumnKind, ReportError};
use crate::source::{self, Location};
use crate::units::Count;

/// A data file that could not be read to its end, or is not what the report says.
#[derive(Debug, thiserror::Error)]
#[error("{}", path.display())]
pub struct DataError {
    /// The file.
    pub path: Location,
    /// What is wrong with it.
    #[source]
    pub kind: DataErrorKind,
}

/// What is wrong with a data file.
#[derive(Debug, thiserror::Error)]
pub enum DataErrorKind {
    /// It could not be opened or read.
    #[error(transparent)]
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
    /// It is longer than the manifest says, and text where gzip is expected.
    #[error(
        "the file has {found} bytes of text where the manifest says {expected} bytes of gzip: it \
         was decompressed on its way here, as browsers do it; fetch it with `aws s3 cp`, which \
         keeps it as it is"
    )]
    Unzipped {
        /// Bytes, as the manifest says.
        expected: u64,
        /// Bytes on disk.
        found: u64,
    },
    /// It is not the file that it was when it was opened first in this run.
    #[error(
        "the file changed while it was read: some program writes to it or has replaced it; run \
         again once that is done"
    )]
    Changed,
    /// Its MD5 is not the one in the manifest.
    #[error(
        "the file's MD5 is {found} where the manifest says {expected}: it was damaged or \
         replaced; fetch it again{}", shown(shows.as_deref())
    )]
    Md5 {
        /// As the manifest says, in hexadecimal.
        expected: String,
        /// Of the bytes on disk, in hexadecimal.
        found: String,
        /// Where in the file it shows.
        shows: Option<Box<DataErrorKind>>,
    },
    /// It is a damaged gzip file, which showed first in what it holds.
    #[error("{error}{}", shown(Some(shows)))]
    GzipBehind {
        /// What is wrong with it.
        error: GzipError,
        /// Where it shows.
        shows: Box<DataErrorKind>,
    },
    /// It is not a gzip file, or a damaged one.
    #[error(transparent)]
    Gzip(#[from] GzipError),
    /// Its rows are not those that fileSchema describes.
    #[error(transparent)]
    Csv(#[from] CsvError),
    /// It is a damaged file in a column format, or one in a form that is not read.
    #[cfg(any(feature = "parquet", feature = "orc"))]
    #[error(transparent)]
    Columnar(ColumnarError),
    /// Its own columns are not those of fileSchema.
    #[error(
        "the file has no column {column}, which fileSchema lists; it has: {found}. The manifest \
         and the file do not belong together"
    )]
    Columns {
        /// The column that it lacks.
        column: String,
        /// The columns that it has.
        found: String,
    },
    /// It has two columns of one name.
    #[error(
        "the file has two columns {column}, and nobody can tell which of them the report means: \
         S3 wrote no such file"
    )]
    TwoColumns {
        /// Their name, as the second one spells it.
        column: String,
    },
    /// A row that was selected names what no job could find.
    #[error(
        "record {}: {fault}: S3 wrote no such row, and no job could take it. The file is damaged, \
         or another program wrote it", Count(*record)
    )]
    Name {
        /// The number of the record, from 1.
        record: u64,
        /// What is wrong with it.
        fault: NameFault,
    },
    /// A value that decides about a row is not of its column's type.
    #[error(
        "record {}, column {column}: {value:?} is not {}. {}",
        Count(*record), expected(*kind), way_on(*can_go_on)
    )]
    Unreadable {
        /// The number of the record, from 1.
        record: u64,
        /// The column, as the report spells it.
        column: String,
        /// What its values should be.
        kind: ColumnKind,
        /// The value's beginning.
        value: String,
        /// Whether the run could go on, if bad files were skipped.
        can_go_on: bool,
    },
    /// The columns to split by have too many different values.
    #[error(
        "more than {lanes_max} different buckets or values of the columns to split by, each of \
         which makes a job at least: choose columns with fewer values"
    )]
    TooManyLanes {
        /// How many there may be.
        lanes_max: usize,
    },
    /// The columns to count by have too many different values.
    #[error(
        "more than {groups_max} different values to count by: choose columns with fewer values"
    )]
    TooManyGroups {
        /// How many there may be.
        groups_max: usize,
    },
}

/// Where damage shows, as a detail.
fn shown(shows: Option<&DataErrorKind>) -> String {
    let shows = match shows {
        // What to do about such a value does not help where the file is damaged.
        Some(DataErrorKind::Unreadable { record, column, kind, value, .. }) => {
            let record = Count(*record);
            format!("record {record}, column {column}: {value:?} is not {}", expected(*kind))
        }
        Some(shows) => shows.to_string(),
        None => return String::new(),
    };
    format!(" (it shows here: {shows})")
}

/// What the values of a column should be.
fn expected(kind: ColumnKind) -> &'static str {
    match kind {
        ColumnKind::Integer => "a whole number",
        ColumnKind::Timestamp => "a date as S3 writes it, such as 2024-01-31T12:30:59.000Z",
        ColumnKind::Boolean => "true or false",
        ColumnKind::Text | ColumnKind::Key | ColumnKind::Token | ColumnKind::Acl => "such a text",
    }
}

fn way_on(can_go_on: bool) -> String {
    let advice = "It decides about this row, and S3 writes no such value: correct the program that \
                  wrote the report";
    if can_go_on {
        format!("{advice}, or give {KEEP_GOING}, which takes such values for NULL and counts them")
    } else {
        advice.to_owned()
    }
}

#[cfg(any(feature = "parquet", feature = "orc"))]
impl From<ColumnarError> for DataErrorKind {
    fn from(error: ColumnarError) -> Self {
        match error {
            ColumnarError::Read(error) => Self::Read(error),
            fault @ ColumnarError::Fault { .. } => Self::Columnar(fault),
        }
    }
}

impl DataErrorKind {
    /// Whether it is in what the file holds, so that the file's checksum may say why.
    pub(super) fn is_of_contents(&self) -> bool {
        match self {
            Self::Gzip(_)
            | Self::Csv(_)
            | Self::Columns { .. }
            | Self::TwoColumns { .. }
            | Self::Name { .. }
            | Self::Unreadable { .. } => true,
            #[cfg(any(feature = "parquet", feature = "orc"))]
            Self::Columnar(_) => true,
            Self::Read(_)
            | Self::Size { .. }
            | Self::Unzipped { .. }
            | Self::Changed
            | Self::Md5 { .. }
            | Self::GzipBehind { .. }
            | Self::TooManyLanes { .. }
            | Self::TooManyGroups { .. } => false,
        }
    }

    /// The error with its record counted from further ahead: this many records come before those
    /// that it was counted among.
    #[must_use]
    pub(super) fn behind(self, records: u64) -> Self {
        match self {
            Self::Name { record, fault } => Self::Name { record: record + records, fault },
            Self::Unreadable { record, column, kind, value, can_go_on } => {
                Self::Unreadable { record: record + records, column, kind, value, can_go_on }
            }
            other => other,
        }
    }
}

/// An error, with its record counted from this many records further ahead.
pub(super) fn behind(error: TaskError<DataErrorKind>, records: u64) -> TaskError<DataErrorKind> {
    match error {
        TaskError::Stopped => TaskError::Stopped,
        TaskError::Failed(kind) => TaskError::Failed(kind.behind(records)),
    }
}

/// An error in the file at hand, as a task fails by it.
pub(crate) fn failed(kind: impl Into<DataErrorKind>) -> TaskError<DataErrorKind> {
    TaskError::Failed(kind.into())
}

/// The end of the run, as a task hears of it.
pub(crate) fn stopped<E>(Stopped: Stopped) -> TaskError<E> {
    TaskError::Stopped
}

/// Why a scan ended without a result.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// A report could not be found, read or resolved.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A report is in a format that this program was built without.
    #[error(
        "{}: this s3sieve was built without the feature `{feature}`, which reads such reports; \
         build it with its default features", path.display()
    )]
    Format {
        /// The report's manifest.
        path: Location,
        /// The feature that reads the format.
        feature: &'static str,
    },
    /// The query does not fit a report. The report is only told where it is to blame.
    #[error("{error}")]
    Query {
        /// The report's manifest.
        path: Location,
        /// What is wrong with the query.
        error: PredicateError,
    },
    /// Two reports list the same bucket.
    #[error(
        "{} and {} both list the bucket {bucket}: their rows would be done twice; name one of \
         them, or give {ALLOW_OVERLAP} if that is meant", first.display(), second.display()
    )]
    Overlap {
        /// The bucket.
        bucket: String,
        /// A report's manifest.
        first: Location,
        /// The other's.
        second: Location,
    },
    /// A report was named twice.
    #[error(
        "{} and {} are the same report: every row would stand twice; name it once",
        first.display(), second.display()
    )]
    SameReport {
        /// Its manifest, as it was named first.
        first: Location,
        /// The manifest that was named later.
        second: Location,
    },
    /// A part of something that may be another report for another worker.
    #[error(
        "for a part, a report is named by its manifest.json: in a folder, a worker that begins \
         later may find a newer report. Name {}", report.display()
    )]
    NotPinned {
        /// The manifest that was found.
        report: Location,
    },
    /// Parts of several reports together.
    #[error("a part is of one report: make parts of each report in a folder of their own")]
    SeveralReports,
    /// Two reports have a data file in common.
    #[error(
        "{}: {} and {} both list this data file: its rows would stand twice; name one of the \
         reports", path.display(), first.display(), second.display()
    )]
    SharedFile {
        /// The data file.
        path: Location,
        /// A report's manifest.
        first: Location,
        /// The other's.
        second: Location,
    },
    /// A data file is bad.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Output that had to wait could not be written.
    #[error("cannot keep waiting output on disk")]
    Spill(#[source] io::Error),
    /// The system gave no thread.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
    /// The run was ended from outside.
    #[error("interrupted")]
    Interrupted,
}

impl Diagnostic for DataError {
    fn class(&self) -> ErrorClass {
        match &self.kind {
            DataErrorKind::Read(error) => source::io_class(error),
            // What was asked for is to blame rather than the data: no other file fares better.
            DataErrorKind::TooManyLanes { .. } | DataErrorKind::TooManyGroups { .. } => {
                ErrorClass::Usage
            }
            _ => ErrorClass::Input,
        }
    }
}

impl Diagnostic for ScanError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Report(error) => error.class(),
            Self::Data(error) => error.class(),
            Self::Query { error, .. } => error.class(),
            Self::Overlap { .. }
            | Self::SameReport { .. }
            | Self::NotPinned { .. }
            | Self::SeveralReports
            | Self::SharedFile { .. } => ErrorClass::Usage,
            Self::Format { .. } => ErrorClass::Input,
            Self::Spill(_) | Self::Thread(_) => ErrorClass::Environment,
            Self::Interrupted => ErrorClass::Interrupted,
        }
    }

    fn place(&self) -> Option<String> {
        let Self::Query { path, error } = self else { return None };
        let marked = error.place();
        if !error.is_missing_column() {
            return marked;
        }
        // Only here is the report to blame.
        let marked = marked.map(|marked| format!("{marked}\n")).unwrap_or_default();
        Some(format!("{marked}report: {}", path.display()))
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Query { error, .. } => error.hint(),
            Self::Thread(_) => Some(format!(
                "ask for fewer with {THREADS}, or raise the limit (`ulimit -u` and `ulimit -v` \
                 show two)"
            )),
            _ => None,
        }
    }
}
