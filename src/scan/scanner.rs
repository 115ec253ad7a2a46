//! One data file after the other, in whatever format: every row that matches, to a visitor.
//!
//! Never knows what a visitor does.

use std::ops::ControlFlow;

use super::batch::Batch;
#[cfg(any(feature = "parquet", feature = "orc"))]
use super::columnar::ColumnarScanner;
use super::csv::FileScanner;
use super::hash::Hashes;
#[cfg(any(feature = "parquet", feature = "orc"))]
use super::shared_files::SharedFiles;
use super::wanted::Wanted;
use super::{Control, DataError, DataErrorKind, Input, Scanned, Settings};
use crate::engine::TaskError;
use crate::predicate::Row;
#[cfg(any(feature = "parquet", feature = "orc"))]
use crate::report::FileFormat;

/// What looks at the rows of a file. `Break` ends the file early, and [`Visitor::verdict`] says
/// why.
pub(super) trait Visitor {
    /// Looks at any row.
    fn row<R: Row>(&mut self, row: &R) -> ControlFlow<()>;

    /// Looks at a row that matches, as a format found out by itself that holds columns.
    fn matched<R: Row>(&mut self, row: &R) -> ControlFlow<()>;

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
