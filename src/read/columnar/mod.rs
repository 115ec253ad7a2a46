//! Data files in a column format: only columns columns, only where rows may match, in bounded
//! memory.
//!
//! A row group or stripe is scanned in *windows* of rows, which end where the decoded run of a
//! column ends. Of each window the columns that the predicate looks at are decoded and tested. Only
//! where rows match are the other columns decoded, and shown row by row ([`materialize`]).
//!
//! Rows that can't match by what the file tells of its values (row groups, pages, bloom filters)
//! are passed over unread.
//!
//! Never knows what is done with a row.

mod footer;
mod footer_memory;
mod materialize;
mod pruning;
mod shared_files;
mod unsettled;

use std::mem;
use std::ops::Range;
use std::sync::Arc;

use footer::FileFooter;
use materialize::{Materializer, OutputColumn, OutputColumns};
use shared_files::OpenFile;
pub(super) use shared_files::SharedFiles;
use unsettled::{UnsettledVisitor, unsettled_rows};

use super::error::{behind, failed, stopped};
use super::md5::Md5Mode;
use super::run_state::RunState;
use super::tasks::{FileSplit, ScanTask};
use super::visitor::{RowVisitor, RunCheck, VisitResult};
use super::{DataError, DataErrorKind, Input, ReadColumns, RunControl, Scanned, damage};
use crate::engine::TaskError;
use crate::format::buffer_pool::BufferPool;
use crate::format::columnar::{ColumnCursor, ColumnWanted, ColumnarError, Cursors};
use crate::format::ranges::{RangeReader, Ranges};
use crate::predicate::Columns;
use crate::report::{ColumnKind, FileFormat, Schema};
use crate::source::{ReadBuffer, SourceFile};
use crate::values::ColumnValues;

/// Rows of a window at most: their mask and codes stay in the L1 and L2 caches.
const WINDOW_ROWS: usize = 8 << 10;

/// Small files in S3 that are asked for before they are scanned. Sixteen: while S3 answers (some
/// 40 ms), that many are scanned at most.
const FILES_AHEAD: usize = 16;

impl Ranges for SourceFile {
    fn length(&self) -> u64 {
        self.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<()> {
        self.read_exact_at(offset, buffer)
    }

    fn fetch(&self, offset: u64, bytes: u64) -> Option<RangeReader> {
        self.fetch(offset, bytes)
    }
}

/// Scans data files in column formats; one for each worker, used again from file to file.
pub(super) struct ColumnarScanner<'a> {
    control: RunControl<'a>,
    state: &'a RunState<'a>,
    digest_buffer: ReadBuffer,
    /// The file used last: mostly the next split is of it, too.
    opened: Option<(usize, FileReader)>,
    /// Columns opened so far.
    serial: u64,
    pool: BufferPool,
    mask: Vec<bool>,
    rows: Materializer,
}

/// A file with its footer.
struct FileReader {
    file: OpenFile,
    footer: Arc<FileFooter>,
}

/// A row group or stripe: its number, and the rows of the file before it.
#[derive(Clone, Copy)]
struct GroupPosition {
    group: usize,
    rows_before: u64,
}

/// Rows that are tested together: how many, and how many of the file come before the first.
#[derive(Clone, Copy)]
struct RowWindow {
    rows: usize,
    first: u64,
}

/// A column that is read.
struct Slot<'f> {
    cursor: Box<dyn ColumnCursor + 'f>,
    /// Its place in the report.
    column: usize,
    tested: bool,
    shown: bool,
    /// Whether any of its values were looked at.
    used: bool,
    /// Where the cursor stands in the window; 0 where it is tested.
    at: usize,
}

impl<'a> ColumnarScanner<'a> {
    pub(super) fn new(control: RunControl<'a>, state: &'a RunState<'a>) -> Self {
        Self {
            control,
            state,
            digest_buffer: ReadBuffer::default(),
            opened: None,
            serial: 0,
            pool: BufferPool::default(),
            mask: Vec::new(),
            rows: Materializer::default(),
        }
    }

    /// Shows the matching rows of a task to `visitor`, in order.
    pub(super) fn scan<V: RowVisitor>(
        &mut self,
        inputs: &[Input],
        task: &ScanTask,
        columns: &mut ReadColumns,
        visitor: &mut V,
        check: RunCheck<'_>,
    ) -> Result<Scanned, TaskError<DataError>> {
        let mut scanned = Scanned::default();
        for number in task.files.clone() {
            let input = &inputs[number];
            self.advise(inputs, task, number);
            visitor.begin(number);
            let found = self.scan_split(input, number, task.split, columns, visitor, check);
            let found = found.or_else(|error| {
                damage::explained(error, input, self.state.digests.verifies_md5(), check)
            });
            scanned.add(&found.map_err(|error| input.named(error))?);
        }
        Ok(scanned)
    }

    /// Lets go of the file used last: what it holds others may wait for.
    pub(super) fn close(&mut self) {
        self.opened = None;
    }

    /// Asks for the ends of files in S3 that come after this one: each is an answer to wait for.
    fn advise(&self, inputs: &[Input], task: &ScanTask, number: usize) {
        let soon = match task.files.len() {
            // The file that some worker takes when this one is done, or all its splits are taken.
            1 if task.split == FileSplit::WHOLE => {
                let later = number + self.state.files.threads;
                later..later + 1
            }
            1 if task.split.number == 0 => number + 1..number + 2,
            1 => return,
            // The first file asks for all that may be asked for, each further one for one more.
            _ if number == task.files.start => number + 1..number + 1 + FILES_AHEAD,
            _ => number + FILES_AHEAD..number + 1 + FILES_AHEAD,
        };
        let end = if task.files.len() == 1 { inputs.len() } else { task.files.end };
        for input in inputs.get(soon.start..soon.end.min(end)).unwrap_or_default() {
            if input.format != FileFormat::Csv {
                input.path.advise_ranges_soon(input.bytes);
            }
        }
    }

    fn scan_split<V: RowVisitor>(
        &mut self,
        input: &Input,
        number: usize,
        split: FileSplit,
        columns: &mut ReadColumns,
        visitor: &mut V,
        check: RunCheck<'_>,
    ) -> Result<Scanned, TaskError<DataErrorKind>> {
        let (digests, files) = (&self.state.digests, &self.state.files);
        // The last file is given up before another is opened: it may be held in memory.
        let opened = match self.opened.take().filter(|(last, _)| *last == number) {
            Some((_, opened)) => opened,
            None => {
                let mode = |file: &SourceFile| digests.mode_of(number, file);
                let file = files.open(input, number, mode).map_err(failed)?;
                let schema = &columns.schema;
                FileReader::new(files, file, input, number, split, schema).map_err(failed)?
            }
        };
        let mode = opened.file.mode;
        digests.unchanged(number, &opened.file.file).map_err(failed)?;
        if split.number == 0 {
            digests.begin(number, &mut self.digest_buffer, check)?;
        }
        let mut scanned = Scanned::default();
        let groups = opened.footer.columns.groups();
        let bytes_all = groups.iter().map(|group| group.bytes).sum();
        let (mut before, mut rows_before) = (0, 0);
        for (group, size) in groups.iter().enumerate() {
            if split.holds(before, size.bytes, bytes_all) {
                scanned.rows += size.rows;
                let place = GroupPosition { group, rows_before };
                scanned.bytes_raw += self.scan_group(&opened, place, columns, visitor, check)?;
                self.control.progress.add(size.bytes, 0, size.rows);
            }
            before += size.bytes;
            rows_before += size.rows;
        }
        digests.unchanged(number, &opened.file.file).map_err(failed)?;
        self.opened = Some((number, opened));
        let digest = match mode {
            Md5Mode::Group => {
                files.advance(input, number, split, false).map_err(failed)?;
                match split.is_last() {
                    true => digests.digest(number, &mut self.digest_buffer, check)?,
                    false => None,
                }
            }
            Md5Mode::Unchecked | Md5Mode::Beside | Md5Mode::InPassing => {
                files.advance(input, number, split, mode.is_of_one()).map_err(failed)?
            }
        };
        input.compare(input.bytes, digest).map_err(failed)?;
        if split.is_last() {
            (scanned.files, scanned.bytes_compressed) = (1, input.bytes);
        }
        Ok(scanned)
    }

    /// Scans a row group or stripe; gives the bytes that were decompressed.
    fn scan_group<V: RowVisitor>(
        &mut self,
        opened: &FileReader,
        place: GroupPosition,
        columns: &mut ReadColumns,
        visitor: &mut V,
        check: RunCheck<'_>,
    ) -> Result<u64, TaskError<DataErrorKind>> {
        let GroupPosition { group, rows_before } = place;
        let FileFooter { columns: footer, places, .. } = opened.footer.as_ref();
        let (footer, file) = (footer.as_ref(), &opened.file.file);
        let rows = footer.groups()[group].rows;
        let ranges = pruning::ranges(footer, file, group, rows, places, columns).map_err(failed)?;
        if ranges.is_empty() {
            return Ok(0);
        }
        let output = OutputColumns::new(&columns.fields, columns.schema.len()).map_err(failed)?;
        let found = opened.slots(group, columns, &mut self.serial, &mut self.pool);
        let mut slots = found.map_err(failed)?;
        let mut at = 0;
        for range in ranges {
            skip(&mut slots, range.start - at);
            at = range.start;
            while at < range.end {
                let rows = (range.end - at).min(WINDOW_ROWS as u64) as usize;
                let window = RowWindow { rows, first: rows_before + at };
                at += self.window(&mut slots, &output, window, columns, visitor)? as u64;
                check().map_err(stopped)?;
            }
        }
        if opened.file.mode == Md5Mode::Unchecked {
            finish(&mut slots, rows - at).map_err(failed)?;
        }
        let raw = slots.iter().map(|slot| slot.cursor.bytes_raw()).sum();
        slots.into_iter().for_each(|slot| slot.cursor.give_back(&mut self.pool));
        Ok(raw)
    }

    /// Tests the next rows, at most this many, and shows those that match; gives how many they
    /// were.
    fn window<V: RowVisitor>(
        &mut self,
        slots: &mut [Slot<'_>],
        output: &OutputColumns,
        window: RowWindow,
        columns: &mut ReadColumns,
        visitor: &mut V,
    ) -> Result<usize, TaskError<DataErrorKind>> {
        let mut rows = window.rows;
        for slot in slots.iter_mut().filter(|slot| slot.tested) {
            rows = rows.min(slot.ready().map_err(failed)?);
        }
        self.mask.clear();
        self.mask.resize(rows, true);
        let tested = TestedColumns { slots, rows };
        columns.matcher.narrow(&tested, &mut self.mask);
        let window = RowWindow { rows, ..window };
        if columns.matcher.met_unreadable() {
            let unsettled = unsettled_rows(&tested, rows, &mut columns.matcher);
            let mut from = 0;
            for row in unsettled {
                self.show_matching(slots, output, window, from..row.number, columns, visitor)?;
                let matches = mem::replace(&mut self.mask[row.number], true);
                let (rows, values) = (row.number..row.number + 1, &row.values);
                let mut visitor = UnsettledVisitor { visitor, values, matches };
                self.show_matching(slots, output, window, rows, columns, &mut visitor)?;
                from = row.number + 1;
            }
            self.show_matching(slots, output, window, from..rows, columns, visitor)?;
        } else {
            self.show_matching(slots, output, window, 0..rows, columns, visitor)?;
        }
        for slot in slots {
            slot.cursor.skip(rows - slot.at);
            slot.at = 0;
        }
        Ok(rows)
    }

    /// Shows those of these rows of a window that match.
    fn show_matching<V: RowVisitor>(
        &mut self,
        slots: &mut [Slot<'_>],
        output: &OutputColumns,
        window: RowWindow,
        rows: Range<usize>,
        columns: &ReadColumns,
        visitor: &mut V,
    ) -> Result<(), TaskError<DataErrorKind>> {
        let mut from = rows.start;
        while let Some(next) = self.mask[from..rows.end].iter().position(|matches| *matches) {
            from += next;
            let mut end = rows.end;
            for slot in slots.iter_mut().filter(|slot| slot.shown && !slot.tested) {
                slot.cursor.skip(from - slot.at);
                slot.at = from;
                end = end.min(from + slot.ready().map_err(failed)?);
            }
            let flow = self.show(slots, output, from..end, columns, visitor);
            let row_at = from + self.rows.row_at();
            // The record of a row is one more than the rows before it.
            let record = window.first + row_at as u64 + 1;
            if flow.map_err(|error| behind(error, record))?.is_break() {
                visitor.at_record(record);
                end = row_at + 1;
            }
            from = end;
        }
        Ok(())
    }

    /// Shows the matching ones of these rows, of which all columns are decoded.
    fn show<V: RowVisitor>(
        &mut self,
        slots: &[Slot<'_>],
        output: &OutputColumns,
        rows: Range<usize>,
        columns: &ReadColumns,
        visitor: &mut V,
    ) -> VisitResult {
        let shown = slots.iter().filter(|slot| slot.shown).map(|slot| OutputColumn {
            values: slot.cursor.values(rows.start - slot.at, rows.len()),
            is_key: columns.schema.columns()[slot.column].kind == ColumnKind::Key,
        });
        let shown: Vec<_> = shown.collect();
        self.rows.show(&shown, output, &self.mask[rows], visitor)
    }
}

impl FileReader {
    fn new(
        files: &SharedFiles,
        file: OpenFile,
        input: &Input,
        number: usize,
        split: FileSplit,
        schema: &Schema,
    ) -> Result<Self, DataErrorKind> {
        let read =
            || FileFooter::read(&file.file, input.format, schema, files.footer_memory.share());
        let footer = match split {
            FileSplit::WHOLE => Arc::new(read()?),
            _ => files.footer(number, read)?,
        };
        Ok(Self { file, footer })
    }

    /// The columns columns of a group.
    fn slots(
        &self,
        group: usize,
        columns: &ReadColumns,
        serial: &mut u64,
        pool: &mut BufferPool,
    ) -> Result<Vec<Slot<'_>>, DataErrorKind> {
        let shown = |column| columns.fields.binary_search(&column).is_ok();
        let only_tested = columns.tested.iter().filter(|column| !shown(**column));
        let places: Vec<usize> = columns.fields.iter().chain(only_tested).copied().collect();
        let describe = |column: &usize| {
            *serial += 1;
            ColumnWanted {
                column: self.footer.places[*column],
                serial: *serial,
                instants: columns.schema.columns()[*column].kind == ColumnKind::Timestamp,
                unverified: self.file.mode == Md5Mode::Unchecked,
            }
        };
        let described: Vec<ColumnWanted> = places.iter().map(describe).collect();
        let cursors: Cursors<'_> =
            self.footer.columns.cursors(&self.file.file, group, &described, pool)?;
        let slot = |(cursor, column)| Slot {
            cursor,
            column,
            tested: columns.tested.binary_search(&column).is_ok(),
            shown: shown(column),
            used: false,
            at: 0,
        };
        Ok(cursors.into_iter().zip(places).map(slot).collect())
    }
}

impl Slot<'_> {
    /// Decodes the run at hand; gives how many rows it has left.
    fn ready(&mut self) -> Result<usize, ColumnarError> {
        let rows = self.cursor.run()?;
        if rows == 0 {
            return Err(ColumnarError::in_file("a column has fewer rows than its row group"));
        }
        self.cursor.ready()?;
        self.used = true;
        Ok(rows)
    }
}

/// Goes to the end of the columns of which values were looked at, this many rows further. Where no
/// MD5 is checked, only there a length shows that put values to wrong rows.
fn finish(slots: &mut [Slot<'_>], rows: u64) -> Result<(), ColumnarError> {
    skip(slots, rows);
    for slot in slots.iter_mut().filter(|slot| slot.used) {
        if slot.cursor.run()? > 0 {
            return Err(ColumnarError::in_file("a column has more rows than its row group"));
        }
    }
    Ok(())
}

fn skip(slots: &mut [Slot<'_>], rows: u64) {
    let rows = usize::try_from(rows).unwrap_or(usize::MAX);
    slots.iter_mut().for_each(|slot| slot.cursor.skip(rows));
}

/// The columns of a window that are tested.
struct TestedColumns<'s, 'f> {
    slots: &'s [Slot<'f>],
    rows: usize,
}

impl Columns for TestedColumns<'_, '_> {
    fn values(&self, column: usize) -> ColumnValues<'_> {
        let slot = self.slots.iter().find(|slot| slot.column == column && slot.tested);
        slot.map_or(ColumnValues::Flags(&[]), |slot| slot.cursor.values(0, self.rows))
    }
}

#[cfg(all(test, feature = "parquet"))]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
    use std::sync::atomic::AtomicBool;

    use super::*;
    use crate::predicate::Predicate;
    use crate::read::{ScanOptions, ScanProgress, Verify};
    use crate::values::Row;

    /// A visitor with a bug.
    struct VisitorWithABug;

    impl RowVisitor for VisitorWithABug {
        fn row<R: Row>(&mut self, _: &R) -> VisitResult {
            unreachable!("columns tell which rows match")
        }

        #[expect(clippy::panic, reason = "it is what the test is about")]
        fn matched<R: Row>(&mut self, _: &R) -> VisitResult {
            panic_any("a bug of ours")
        }
    }

    /// It is not the file's fault, so nobody may go on without the file: the engine ends the run
    /// (`engine::run`), and the program asks for a report (`cli/panics.rs`).
    #[test]
    fn a_panic_of_ours_is_not_taken_for_a_damaged_file() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/flips/plain.parquet");
        let bytes = std::fs::metadata(path).unwrap().len();
        let format = FileFormat::Parquet;
        let inputs = [Input { path: path.into(), bytes, md5: None, report: 0, format }];
        let options = ScanOptions { verify: Verify::Crc, ..ScanOptions::default() };
        let state = RunState::new(&inputs, options);
        let (stop, progress) = (AtomicBool::new(false), ScanProgress::default());
        let control = RunControl { stop: &stop, progress: &progress };
        let mut scanner = ColumnarScanner::new(control, &state);
        let schema = Schema::from_names(["bucket", "key"]);
        let mut columns = ReadColumns::new(&schema, &Predicate::always().compile(), [0, 1]);
        let task = ScanTask { files: 0..1, split: FileSplit::WHOLE };
        let scan = || {
            let check = || Ok(());
            scanner.scan(&inputs, &task, &mut columns, &mut VisitorWithABug, &check).is_ok()
        };
        let panic = catch_unwind(AssertUnwindSafe(scan)).unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"a bug of ours"));
    }
}
