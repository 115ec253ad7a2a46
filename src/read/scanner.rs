//! One data file after the other, in whatever format: every row that matches, to a visitor.
//!
//! Never knows what a visitor does.

#[cfg(any(feature = "parquet", feature = "orc"))]
use super::columnar::ColumnarScanner;
use super::csv::CsvScanner;
use super::run_state::RunState;
use super::splits::SplitScan;
use super::tasks::ScanTask;
use super::visitor::{RowVisitor, RunCheck};
use super::{DataError, Input, ReadColumns, RunControl, ScanOptions, Scanned};
use crate::engine::TaskError;
#[cfg(any(feature = "parquet", feature = "orc"))]
use crate::report::FileFormat;

/// Reads data files; one for each worker, used again from file to file.
pub(crate) struct Scanner<'a> {
    csv: CsvScanner<'a>,
    #[cfg(any(feature = "parquet", feature = "orc"))]
    columnar: ColumnarScanner<'a>,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(
        options: ScanOptions,
        control: RunControl<'a>,
        state: &'a RunState<'a>,
    ) -> Self {
        Self {
            csv: CsvScanner::new(options, control, state),
            #[cfg(any(feature = "parquet", feature = "orc"))]
            columnar: ColumnarScanner::new(control, state),
        }
    }

    /// Shows the rows of a task to `visitor`, in order.
    ///
    /// # Errors
    /// When a file is bad, the visitor refuses a row, or `check` ends the run.
    pub(crate) fn scan<V: RowVisitor>(
        &mut self,
        inputs: &[Input],
        task: &ScanTask,
        columns: &mut ReadColumns,
        visitor: &mut V,
        check: RunCheck<'_>,
    ) -> Result<Scanned, TaskError<DataError>> {
        #[cfg(any(feature = "parquet", feature = "orc"))]
        if inputs[task.files.start].format != FileFormat::Csv {
            return self.columnar.scan(inputs, task, columns, visitor, check);
        }
        #[cfg(any(feature = "parquet", feature = "orc"))]
        self.columnar.close();
        self.csv.scan(inputs, task, columns.schema.len(), visitor, check)
    }

    /// Shows the rows of two splits, each of another gzip file, to a visitor each, at the same
    /// time: it takes less time than one after the other ([`TaskPlan::are_for_two`]).
    ///
    /// [`TaskPlan::are_for_two`]: super::tasks::TaskPlan::are_for_two
    ///
    /// # Errors
    /// For each as [`scan`](Self::scan).
    pub(crate) fn scan_two<V: RowVisitor>(
        &mut self,
        inputs: &[Input],
        scans: [SplitScan<'_, V>; 2],
    ) -> [Result<Scanned, TaskError<DataError>>; 2] {
        #[cfg(any(feature = "parquet", feature = "orc"))]
        self.columnar.close();
        self.csv.scan_two(inputs, scans)
    }
}
