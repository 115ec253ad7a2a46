//! One data file after the other, in whatever format: every row that matches, to a visitor.
//!
//! Never knows what a visitor does.

use std::ops::ControlFlow;

use super::batch::Batch;
#[cfg(any(feature = "parquet", feature = "orc"))]
use super::columnar::ColumnarScanner;
use super::csv::{FileScanner, behind};
use super::hash::Hashes;
#[cfg(any(feature = "parquet", feature = "orc"))]
use super::shared_files::SharedFiles;
use super::wanted::Wanted;
use super::{Control, DataError, DataErrorKind, Input, Scanned, Settings};
use crate::engine::TaskError;
use crate::predicate::Row;
#[cfg(any(feature = "parquet", feature = "orc"))]
use crate::report::FileFormat;

/// What looks at the rows of a file. `Break` stops at a row, and [`Visitor::stopped`] says whether
/// to go on behind it.
pub(super) trait Visitor {
    /// Told before the rows of each file, or part of one, by the number of its input.
    fn begin(&mut self, file: usize) {
        let _ = file;
    }

    /// Looks at any row.
    fn row<R: Row>(&mut self, row: &R) -> ControlFlow<()>;

    /// Looks at a row that matches, as a format found out by itself that holds columns.
    fn matched<R: Row>(&mut self, row: &R) -> ControlFlow<()>;

    /// Looks at a row about which values decide that can't be read, as such a format found out:
    /// these values by their columns, and whether the row matches if they are NULL.
    fn unsettled<R: Row>(
        &mut self,
        row: &R,
        values: &[(usize, Vec<u8>)],
        matches: bool,
    ) -> ControlFlow<()> {
        let _ = values;
        if matches { self.matched(row) } else { ControlFlow::Continue(()) }
    }

    /// Asked after a row at which it stopped, the file's record with this number from 1: whether to
    /// go on behind it.
    fn stopped(&mut self, record: u64) -> Result<(), TaskError<DataErrorKind>> {
        self.verdict().map_err(|error| behind(error, record))
    }

    /// Asked after each window: whether to go on.
    fn verdict(&mut self) -> Result<(), TaskError<DataErrorKind>>;
}

/// How far the bytes of a file are taken; [`super::bench`] measures each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// Read, and hashed where MD5 is checked.
    Read,
    /// Decompressed, too.
    Inflate,
    /// Split into rows or, in a column format, decoded: all columns that are wanted.
    Split,
    /// Rows are visited.
    Rows,
}

/// What the workers of a run share.
pub(super) struct Shared<'a> {
    pub(super) hashes: Hashes<'a>,
    #[cfg(any(feature = "parquet", feature = "orc"))]
    pub(super) files: SharedFiles,
}

impl<'a> Shared<'a> {
    pub(super) fn new(inputs: &'a [Input], settings: Settings) -> Self {
        Self {
            hashes: Hashes::new(inputs, settings),
            #[cfg(any(feature = "parquet", feature = "orc"))]
            files: SharedFiles::new(settings.threads.get()),
        }
    }
}

/// Reads data files; one for each worker, used again from file to file.
pub(super) struct Scanner<'a> {
    csv: FileScanner<'a>,
    #[cfg(any(feature = "parquet", feature = "orc"))]
    columnar: ColumnarScanner<'a>,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(settings: Settings, control: Control<'a>, shared: &'a Shared<'a>) -> Self {
        Self {
            csv: FileScanner::new(settings, control, &shared.hashes),
            #[cfg(any(feature = "parquet", feature = "orc"))]
            columnar: ColumnarScanner::new(control, shared),
        }
    }

    /// Shows the rows of a batch to `visitor`, in order.
    pub(super) fn scan<V: Visitor>(
        &mut self,
        inputs: &[Input],
        batch: Batch,
        wanted: &mut Wanted,
        visitor: &mut V,
    ) -> Result<Scanned, TaskError<DataError>> {
        self.scan_to(Depth::Rows, inputs, batch, wanted, visitor)
    }

    /// As [`Scanner::scan`], but only so far; the rest of the work is left out.
    pub(super) fn scan_to<V: Visitor>(
        &mut self,
        depth: Depth,
        inputs: &[Input],
        batch: Batch,
        wanted: &mut Wanted,
        visitor: &mut V,
    ) -> Result<Scanned, TaskError<DataError>> {
        #[cfg(any(feature = "parquet", feature = "orc"))]
        if inputs[batch.files.start].format != FileFormat::Csv {
            return self.columnar.scan_to(depth, inputs, &batch, wanted, visitor);
        }
        #[cfg(any(feature = "parquet", feature = "orc"))]
        self.columnar.close();
        self.csv.scan_to(depth, inputs, batch.files, wanted.schema.len(), visitor)
    }
}
