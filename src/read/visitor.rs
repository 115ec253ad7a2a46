//! What looks at the rows of data files.
//!
//! As a sink of ripgrep's: a visitor returns what it wants next, or why it failed, row by row.

use std::ops::ControlFlow;

use super::DataErrorKind;
use crate::engine::{Stopped, TaskError};
use crate::values::Row;

/// What a visitor wants after a row: the next one, or, by `Break`, to be told the number of this
/// one's record first.
///
/// # Errors
/// The visitor's; it ends the scan of the file. A record in it is counted from the row at hand.
pub(crate) type VisitResult = Result<ControlFlow<()>, TaskError<DataErrorKind>>;

/// Tells whether the run goes on; asked between windows of work.
pub(crate) type RunCheck<'a> = &'a dyn Fn() -> Result<(), Stopped>;

/// Looks at the rows of data files.
pub(crate) trait RowVisitor {
    /// Told before the rows of each file, or of a split of one, by the number of its input.
    fn begin(&mut self, file: usize) {
        let _ = file;
    }

    /// Looks at any row.
    ///
    /// # Errors
    /// As for [`VisitResult`].
    fn row<R: Row>(&mut self, row: &R) -> VisitResult;

    /// Looks at a row that matches, as found by a format that holds columns.
    ///
    /// # Errors
    /// As for [`VisitResult`].
    fn matched<R: Row>(&mut self, row: &R) -> VisitResult;

    /// Looks at a row whose match depends on values that can't be read, as found by such a format:
    /// these values by their columns, and whether the row matches if they are NULL.
    ///
    /// # Errors
    /// As for [`VisitResult`].
    fn unsettled<R: Row>(
        &mut self,
        row: &R,
        values: &[(usize, Vec<u8>)],
        matches: bool,
    ) -> VisitResult {
        let _ = values;
        if matches { self.matched(row) } else { Ok(ControlFlow::Continue(())) }
    }

    /// Told the number of the record, from 1, after whose row it broke off.
    fn at_record(&mut self, record: u64) {
        let _ = record;
    }
}
