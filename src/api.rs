//! The library's face: reports are opened, then counted, shown row by row, or filtered into a plan.
//!
//! Each function hands its request to the layer that answers it. Never knows how that is done.

use std::error;
use std::fmt;
use std::ops::ControlFlow;

use crate::diagnostic::{self, Diagnostic, ErrorClass};
use crate::plan::{self, FilterOptions, FilterOutcome, Plan, PlanError, ReadError};
use crate::predicate::PredicateError;
use crate::query::{self, CountOptions, Counts, MatchedRow, RowsOptions, RowsOutcome};
use crate::read::{self, ReportOptions, ReportSet, RunControl, ScanError};
use crate::report::ReportError;
use crate::source::Location;

/// Why something failed. Its text states one level; [`source`](error::Error::source) has the next.
#[derive(Debug)]
pub struct Error(Box<dyn Diagnostic>);

impl Error {
    /// Who or what has to change before the same request can succeed.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        self.0.class()
    }

    /// The text that the error is about, with the place in it marked, in lines of its own: the part
    /// of an expression, say.
    #[must_use]
    pub fn place(&self) -> Option<String> {
        self.0.place()
    }

    /// What to do, where the text itself does not say it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        self.0.hint()
    }

    /// All that it says, in lines: its text and those of its causes, the place, and the hint.
    #[must_use]
    pub fn explain(&self) -> String {
        diagnostic::explain(&*self.0)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.0.source()
    }
}

/// Errors of the layers that the library shows.
macro_rules! from {
    ($($error:ty),+) => {
        $(impl From<$error> for Error {
            fn from(error: $error) -> Self {
                Self(Box::new(error))
            }
        })+
    };
}

from!(PlanError, PredicateError, ReadError, ReportError, ScanError);

/// Finds, reads and checks reports, and finds their data files. A report is named by its
/// `manifest.json`, by its folder, or by the folder of an inventory configuration, of whose reports
/// the newest is taken.
///
/// # Errors
/// When a report or a data file can't be found, a report is bad or in a format that this build
/// lacks, two reports have a data file in common, or they list the same bucket and that is not
/// allowed.
pub fn open(names: &[Location], options: &ReportOptions) -> Result<ReportSet, Error> {
    Ok(read::open(names, options)?)
}

/// Counts the rows that match, and how they are spread over the values of some columns.
///
/// # Errors
/// When the query doesn't fit a report, a data file is bad (unless it may be skipped), there are
/// too many groups, or the run is interrupted.
pub fn count(
    reports: &ReportSet,
    options: &CountOptions,
    control: RunControl<'_>,
) -> Result<Counts, Error> {
    Ok(query::count(reports, options, control)?)
}

/// Shows the rows that match to `visit`, in report order, until it breaks off. Data files are read
/// on all threads; `visit` runs on the caller's.
///
/// # Errors
/// When the query or a column doesn't fit a report, a data file is bad (unless it may be skipped;
/// the rows before its damage may have been shown), rows that wait can't be kept on disk, or the
/// run is interrupted.
pub fn rows(
    reports: &ReportSet,
    options: &RowsOptions,
    control: RunControl<'_>,
    visit: impl FnMut(MatchedRow<'_>) -> ControlFlow<()>,
) -> Result<RowsOutcome, Error> {
    Ok(query::rows(reports, options, control, visit)?)
}

/// Filters reports into a plan: manifests for S3 Batch Operations, and a document that describes
/// them. Interrupted or failed, it leaves no new plan.
///
/// # Errors
/// When the options don't fit the reports, a data file is bad (unless it may be skipped), files
/// can't be written, or the run is interrupted.
pub fn filter(
    reports: &ReportSet,
    options: &FilterOptions,
    control: RunControl<'_>,
) -> Result<FilterOutcome, Error> {
    Ok(plan::filter(reports, options, control)?)
}

/// Reads the document of a plan in this folder.
///
/// # Errors
/// When the folder has no plan, or a plan of another version, or one that contradicts itself.
pub fn read_plan(folder: impl Into<Location>) -> Result<Plan, Error> {
    Ok(plan::read(folder)?)
}
