//! Data files in a column format: only wanted columns, only where rows may match, in bounded
//! memory.
//!
//! A row group or stripe is scanned in *windows* of rows, which end where the decoded run of a
//! column ends. Of each window the columns that the predicate looks at are decoded and tested. Only
//! where rows match are the other columns decoded, and shown row by row ([`super::columnar_rows`]).
//!
//! Rows that can't match by what the file tells of its values (row groups, pages, bloom filters)
//! are passed over unread.
//!
//! Never knows what is done with a row.

use std::ops::{ControlFlow, Range};
use std::sync::Arc;
use std::{iter, mem};

use super::batch::{Batch, Part};
use super::columnar_rows::{Places, Rows, Shown};
use super::columnar_unsettled::{Unsettled, unsettled_rows};
use super::csv::{check, failed, named};
use super::footer_memory::FooterShare;
use super::hash::Way;
use super::scanner::{Depth, Shared, Visitor};
use super::shared_files::{OpenFile, SharedFiles};
use super::wanted::Wanted;
use super::{Control, DataErrorKind, Input, Scanned};
use super::{DataError, columnar_skip, damage};
use crate::engine::TaskError;
use crate::format::columnar::{ColumnCursor, ColumnWanted, ColumnarError, ColumnarFile, Cursors};
#[cfg(feature = "orc")]
use crate::format::orc::Tail;
#[cfg(feature = "parquet")]
use crate::format::parquet::Footer;
use crate::format::ranges::{Arriving, Ranges};
use crate::format::spare::Spare;
use crate::predicate::{ColumnValues, Columns};
use crate::report::{self, ColumnKind, FileFormat, Schema};
use crate::source::{ReadBuffer, SourceFile};

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

    fn fetch(&self, offset: u64, bytes: u64) -> Option<Arriving> {
        self.fetch(offset, bytes)
    }
}

/// Scans data files in column formats; one for each worker, used again from file to file.
pub(super) struct ColumnarScanner<'a> {
    control: Control<'a>,
    shared: &'a Shared<'a>,
    hash_buffer: ReadBuffer,
    /// The file used last: mostly the next part is of it, too.
    opened: Option<(usize, Opened)>,
    /// Columns opened so far.
    serial: u64,
    spare: Spare,
    mask: Vec<bool>,
    rows: Rows,
}

/// A file with its footer.
struct Opened {
    file: OpenFile,
    footer: Arc<FileFooter>,
}

/// A file's footer, and the places of the report's columns in it.
pub(super) struct FileFooter {
    columns: Box<dyn ColumnarFile>,
    places: Vec<usize>,
    /// Its memory, which is given back when it is dropped.
    _share: FooterShare,
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
    pub(super) fn new(control: Control<'a>, shared: &'a Shared<'a>) -> Self {
        Self {
            control,
            shared,
            hash_buffer: ReadBuffer::default(),
            opened: None,
            serial: 0,
            spare: Spare::default(),
            mask: Vec::new(),
            rows: Rows::default(),
        }
    }

    /// Shows the matching rows of a batch to `visitor`, in order.
    pub(super) fn scan_to<V: Visitor>(
        &mut self,
        depth: Depth,
        inputs: &[Input],
        batch: &Batch,
        wanted: &mut Wanted,
        visitor: &mut V,
    ) -> Result<Scanned, TaskError<DataError>> {
        let mut scanned = Scanned::default();
        for number in batch.files.clone() {
            let input = &inputs[number];
            self.advise(inputs, batch, number);
            visitor.begin(number);
            let found = self.scan_part(depth, input, number, batch.part, wanted, visitor);
            let found = found.or_else(|error| {
                damage::explained(error, input, self.shared.hashes.verifies_md5(), || {
                    visitor.verdict()
                })
            });
            scanned.add(&found.map_err(|error| named(error, input))?);
        }
        Ok(scanned)
    }

    /// Lets go of the file used last: what it holds others may wait for.
    pub(super) fn close(&mut self) {
        self.opened = None;
    }

    /// Asks for the ends of files in S3 that come after this one: each is an answer to wait for.
    fn advise(&self, inputs: &[Input], batch: &Batch, number: usize) {
        let soon = match batch.files.len() {
            // The file that some worker takes when this one is done, or all its parts are taken.
            1 if batch.part == Part::WHOLE => {
                let later = number + self.shared.files.threads;
                later..later + 1
            }
            1 if batch.part.number == 0 => number + 1..number + 2,
            1 => return,
            // The first file asks for all that may be asked for, each further one for one more.
            _ if number == batch.files.start => number + 1..number + 1 + FILES_AHEAD,
            _ => number + FILES_AHEAD..number + 1 + FILES_AHEAD,
        };
        let end = if batch.files.len() == 1 { inputs.len() } else { batch.files.end };
        for input in inputs.get(soon.start..soon.end.min(end)).unwrap_or_default() {
            if input.format != FileFormat::Csv {
                input.path.advise_ranges_soon(input.bytes);
            }
        }
    }

    fn scan_part<V: Visitor>(
        &mut self,
        depth: Depth,
        input: &Input,
        number: usize,
        part: Part,
        wanted: &mut Wanted,
        visitor: &mut V,
    ) -> Result<Scanned, TaskError<DataErrorKind>> {
        let (hashes, files) = (&self.shared.hashes, &self.shared.files);
        // The last file is given up before another is opened: it may be held in memory.
        let opened = match self.opened.take().filter(|(last, _)| *last == number) {
            Some((_, opened)) => opened,
            None => {
                let way = |file: &SourceFile| hashes.way_of(number, file);
                let file = files.open(input, number, way).map_err(failed)?;
                Opened::new(files, file, input, number, part, &wanted.schema).map_err(failed)?
            }
        };
        let way = opened.file.way;
        if part.number == 0 {
            hashes.begin(number, &mut self.hash_buffer, || visitor.verdict())?;
        }
        let mut scanned = Scanned::default();
        let groups = opened.footer.columns.groups();
        let bytes_all = groups.iter().map(|group| group.bytes).sum();
        let (mut before, mut rows_before) = (0, 0);
        for (group, size) in groups.iter().enumerate() {
            if part.holds(before, size.bytes, bytes_all) {
                scanned.rows += size.rows;
                if depth != Depth::Read {
                    let place = GroupPosition { group, rows_before };
                    scanned.bytes_raw += self.scan_group(depth, &opened, place, wanted, visitor)?;
                }
                self.control.progress.add(size.bytes, 0, size.rows);
            }
            before += size.bytes;
            rows_before += size.rows;
        }
        self.opened = Some((number, opened));
        let digest = match way {
            Way::Group => {
                files.advance(input, number, part, false).map_err(failed)?;
                match part.is_last() {
                    true => hashes.digest(number, &mut self.hash_buffer, || visitor.verdict())?,
                    false => None,
                }
            }
            Way::Unchecked | Way::Beside | Way::InPassing => {
                files.advance(input, number, part, way.is_of_one()).map_err(failed)?
            }
        };
        check(input, input.bytes, digest)?;
        if part.is_last() {
            (scanned.files, scanned.bytes_compressed) = (1, input.bytes);
        }
        Ok(scanned)
    }

    /// Scans a row group or stripe; gives the bytes that were decompressed.
    fn scan_group<V: Visitor>(
        &mut self,
        depth: Depth,
        opened: &Opened,
        place: GroupPosition,
        wanted: &mut Wanted,
        visitor: &mut V,
    ) -> Result<u64, TaskError<DataErrorKind>> {
        let GroupPosition { group, rows_before } = place;
        let FileFooter { columns, places: file_places, .. } = opened.footer.as_ref();
        let rows = columns.groups()[group].rows;
        let ranges = match depth {
            Depth::Rows => {
                let (footer, file) = (columns.as_ref(), &opened.file.file);
                columnar_skip::ranges(footer, file, group, rows, file_places, wanted)
                    .map_err(failed)?
            }
            _ => iter::once(0..rows).collect(),
        };
        if ranges.is_empty() {
            return Ok(0);
        }
        let places = Places::new(&wanted.fields, wanted.schema.len()).map_err(failed)?;
        let found = opened.slots(group, wanted, &mut self.serial, &mut self.spare);
        let mut slots = found.map_err(failed)?;
        let mut at = 0;
        for range in ranges {
            skip(&mut slots, range.start - at);
            at = range.start;
            while at < range.end {
                let rows = (range.end - at).min(WINDOW_ROWS as u64) as usize;
                let window = match depth {
                    Depth::Rows => {
                        let window = RowWindow { rows, first: rows_before + at };
                        self.window(&mut slots, &places, window, wanted, visitor)?
                    }
                    _ => decode(&mut slots, rows).map_err(failed)?,
                };
                at += window as u64;
                visitor.verdict()?;
            }
        }
        if opened.file.way == Way::Unchecked {
            finish(&mut slots, rows - at).map_err(failed)?;
        }
        let raw = slots.iter().map(|slot| slot.cursor.bytes_raw()).sum();
        slots.into_iter().for_each(|slot| slot.cursor.give_back(&mut self.spare));
        Ok(raw)
    }

    /// Tests the next rows, at most so many, and shows those that match; gives how many they were.
    fn window<V: Visitor>(
        &mut self,
        slots: &mut [Slot<'_>],
        places: &Places,
        window: RowWindow,
        wanted: &mut Wanted,
        visitor: &mut V,
    ) -> Result<usize, TaskError<DataErrorKind>> {
        let mut rows = window.rows;
        for slot in slots.iter_mut().filter(|slot| slot.tested) {
            rows = rows.min(slot.ready().map_err(failed)?);
        }
        self.mask.clear();
        self.mask.resize(rows, true);
        let tested = Tested { slots, rows };
        wanted.matcher.narrow(&tested, &mut self.mask);
        let window = RowWindow { rows, ..window };
        if wanted.matcher.met_unreadable() {
            let unsettled = unsettled_rows(&tested, rows, &mut wanted.matcher);
            let mut from = 0;
            for row in unsettled {
                self.show_matching(slots, places, window, from..row.number, wanted, visitor)?;
                let matches = mem::replace(&mut self.mask[row.number], true);
                let (rows, values) = (row.number..row.number + 1, &row.values);
                let mut visitor = Unsettled { visitor, values, matches };
                self.show_matching(slots, places, window, rows, wanted, &mut visitor)?;
                from = row.number + 1;
            }
            self.show_matching(slots, places, window, from..rows, wanted, visitor)?;
        } else {
            self.show_matching(slots, places, window, 0..rows, wanted, visitor)?;
        }
        for slot in slots {
            slot.cursor.skip(rows - slot.at);
            slot.at = 0;
        }
        Ok(rows)
    }

    /// Shows those of these rows of a window that match.
    fn show_matching<V: Visitor>(
        &mut self,
        slots: &mut [Slot<'_>],
        places: &Places,
        window: RowWindow,
        rows: Range<usize>,
        wanted: &Wanted,
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
            if self.show(slots, places, from..end, wanted, visitor).is_break() {
                // The record of a row is one more than the rows before it.
                let stopped_at = from + self.rows.stopped_at();
                visitor.stopped(window.first + stopped_at as u64 + 1)?;
                end = stopped_at + 1;
            }
            from = end;
        }
        Ok(())
    }

    /// Shows the matching ones of these rows, of which all columns are decoded.
    fn show<V: Visitor>(
        &mut self,
        slots: &[Slot<'_>],
        places: &Places,
        rows: Range<usize>,
        wanted: &Wanted,
        visitor: &mut V,
    ) -> ControlFlow<()> {
        let shown = slots.iter().filter(|slot| slot.shown).map(|slot| Shown {
            values: slot.cursor.values(rows.start - slot.at, rows.len()),
            is_key: wanted.schema.columns()[slot.column].kind == ColumnKind::Key,
        });
        let shown: Vec<_> = shown.collect();
        self.rows.show(&shown, places, &self.mask[rows], visitor)
    }
}

impl FileFooter {
    fn read(
        file: &SourceFile,
        format: FileFormat,
        schema: &Schema,
        mut share: FooterShare,
    ) -> Result<Self, DataErrorKind> {
        let columns = read_footer(file, format, &mut |bytes| share.take(bytes))?;
        share.shrink(columns.bytes_held());
        let names = columns.columns();
        let own = Schema::from_names(&names);
        if let Some(column) = own.repeated() {
            return Err(DataErrorKind::TwoColumns { column: column.to_owned() });
        }
        let place = |column: &report::Column| {
            own.position(&column.name).ok_or_else(|| DataErrorKind::Columns {
                column: column.name.clone(),
                found: report::names_listed(names.iter().map(String::as_str)),
            })
        };
        let places = schema.columns().iter().map(place).collect::<Result<_, _>>()?;
        Ok(Self { columns, places, _share: share })
    }
}

impl Opened {
    fn new(
        files: &SharedFiles,
        file: OpenFile,
        input: &Input,
        number: usize,
        part: Part,
        schema: &Schema,
    ) -> Result<Self, DataErrorKind> {
        let read =
            || FileFooter::read(&file.file, input.format, schema, files.footer_memory.share());
        let footer = match part {
            Part::WHOLE => Arc::new(read()?),
            _ => files.footer(number, read)?,
        };
        Ok(Self { file, footer })
    }

    /// The wanted columns of a group.
    fn slots(
        &self,
        group: usize,
        wanted: &Wanted,
        serial: &mut u64,
        spare: &mut Spare,
    ) -> Result<Vec<Slot<'_>>, DataErrorKind> {
        let shown = |column| wanted.fields.binary_search(&column).is_ok();
        let mut columns = wanted.fields.clone();
        columns.extend(wanted.tested.iter().filter(|column| !shown(**column)));
        let describe = |column: &usize| {
            *serial += 1;
            ColumnWanted {
                column: self.footer.places[*column],
                serial: *serial,
                instants: wanted.schema.columns()[*column].kind == ColumnKind::Timestamp,
                unverified: self.file.way == Way::Unchecked,
            }
        };
        let described: Vec<ColumnWanted> = columns.iter().map(describe).collect();
        let cursors: Cursors<'_> =
            self.footer.columns.cursors(&self.file.file, group, &described, spare)?;
        let slot = |(cursor, column)| Slot {
            cursor,
            column,
            tested: wanted.tested.binary_search(&column).is_ok(),
            shown: shown(column),
            used: false,
            at: 0,
        };
        Ok(cursors.into_iter().zip(columns).map(slot).collect())
    }
}

/// Reads a footer; `admit` is told before how much memory that may take.
fn read_footer(
    file: &SourceFile,
    format: FileFormat,
    admit: &mut dyn FnMut(u64),
) -> Result<Box<dyn ColumnarFile>, ColumnarError> {
    match format {
        #[cfg(feature = "parquet")]
        FileFormat::Parquet => Ok(Box::new(Footer::read_within(file, admit)?)),
        #[cfg(feature = "orc")]
        FileFormat::Orc => Ok(Box::new(Tail::read_within(file, admit)?)),
        other => Err(ColumnarError::of_file(format!("{other} is no column format read here"))),
    }
}

impl Slot<'_> {
    /// Decodes the run at hand; gives how many rows it has left.
    fn ready(&mut self) -> Result<usize, ColumnarError> {
        let rows = self.cursor.run()?;
        if rows == 0 {
            return Err(ColumnarError::of_file("a column has fewer rows than its row group"));
        }
        self.cursor.ready()?;
        self.used = true;
        Ok(rows)
    }
}

/// Goes to the end of the columns of which values were looked at, so many rows further. Where no
/// MD5 is checked, only there a length shows that put values to wrong rows.
fn finish(slots: &mut [Slot<'_>], rows: u64) -> Result<(), ColumnarError> {
    skip(slots, rows);
    for slot in slots.iter_mut().filter(|slot| slot.used) {
        if slot.cursor.run()? > 0 {
            return Err(ColumnarError::of_file("a column has more rows than its row group"));
        }
    }
    Ok(())
}

fn skip(slots: &mut [Slot<'_>], rows: u64) {
    let rows = usize::try_from(rows).unwrap_or(usize::MAX);
    slots.iter_mut().for_each(|slot| slot.cursor.skip(rows));
}

/// Decodes the next rows of all columns, at most so many, and passes over them.
fn decode(slots: &mut [Slot<'_>], rows: usize) -> Result<usize, ColumnarError> {
    let mut window = rows;
    for slot in slots.iter_mut() {
        window = window.min(slot.ready()?);
    }
    skip(slots, window as u64);
    Ok(window)
}

/// The columns of a window that are tested.
struct Tested<'s, 'f> {
    slots: &'s [Slot<'f>],
    rows: usize,
}

impl Columns for Tested<'_, '_> {
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
    use crate::predicate::{Predicate, Row};
    use crate::scan::{Progress, Settings, Verify};

    /// A visitor with a bug.
    struct VisitorWithABug;

    impl Visitor for VisitorWithABug {
        fn row<R: Row>(&mut self, _: &R) -> ControlFlow<()> {
            unreachable!("columns tell which rows match")
        }

        #[expect(clippy::panic, reason = "it is what the test is about")]
        fn matched<R: Row>(&mut self, _: &R) -> ControlFlow<()> {
            panic_any("a bug of ours")
        }

        fn verdict(&mut self) -> Result<(), TaskError<DataErrorKind>> {
            Ok(())
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
        let shared = Shared::new(&inputs, Settings { verify: Verify::Crc, ..Settings::default() });
        let (stop, progress) = (AtomicBool::new(false), Progress::default());
        let control = Control { stop: &stop, progress: &progress };
        let mut scanner = ColumnarScanner::new(control, &shared);
        let schema = Schema::from_names(["bucket", "key"]);
        let mut wanted = Wanted::new(&schema, &Predicate::always().compile(), [0, 1]);
        let batch = Batch { files: 0..1, part: Part::WHOLE };
        let scan = || {
            scanner.scan_to(Depth::Rows, &inputs, &batch, &mut wanted, &mut VisitorWithABug).is_ok()
        };
        let panic = catch_unwind(AssertUnwindSafe(scan)).unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"a bug of ours"));
    }
}
