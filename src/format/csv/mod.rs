//! CSV to rows, many gigabytes a second on one core.
//!
//! Never knows files, paths or network, nor what is in a column.
//!
//! # What is split how
//! The language is RFC 4180 as `csv-core` reads it with its defaults: fields between commas, quoted
//! by `"`, a quote inside doubled; `\n`, `\r` and `\r\n` end a record; blank lines are skipped. On
//! top of that, a record with a wrong number of columns, a record that is too long, a quote inside
//! an unquoted field, text behind a closing quote, and a quote that is open at the end are errors;
//! a byte order mark at the very start is skipped.
//!
//! A state machine that looks at each byte is about as fast as decompression, so it would double
//! the time a report takes. But reports are simple: each field is quoted or not, and there is
//! nothing odd inside. So the work is done in two passes over a stretch of 16 KiB:
//!
//! 1. *Index* (`index.rs` and a kernel): for 64 bytes at once, bit masks of quotes, commas and line
//!    ends; which bytes are inside quotes follows from the running parity of the quote mask. Out
//!    come the positions of all separators, as numbers in a row.
//! 2. *Rows* (here): with six columns, every sixth separator must be a line end, and there must be
//!    as many line ends as rows. Both checked, row k owns separators 6k to 6k+5 and a field is what
//!    lies between two of them. A field that isn't asked for is not looked at.
//!
//! Where the masks show a quote that is not regular, where a check fails, where a record is longer
//! than a stretch and for a last record without a line end, `csv-core` (`slow.rs`) takes over at
//! the record's start and gives back at a later record's start. It also makes the errors. So the
//! fast path may give up at any time, but must never be wrong:
//!
//! - Everything the index holds lies before the first irregular quote, where the masks are exact.
//! - All rows of a stretch are checked before the first of them is handed out: a line end too many
//!   in one row could make up for one too few in another.
//!
//! # If you change something
//! - Another special byte: every kernel, the portable twin, and the oracle in `tests.rs`.
//! - What is regular: `Carry::step` in `index.rs` and [`CsvRow::field`](crate::values::Row),
//!   which takes a field that starts with a quote to be wholly quoted.
//! - The fuzz target `splitter` holds all paths to the reference; run it.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod error;
mod index;
#[cfg(target_arch = "aarch64")]
mod neon;
mod path;
mod portable;
mod quotes;
mod row;
mod slow;
#[cfg(test)]
mod tests;

pub use error::CsvError;
pub(crate) use error::{CsvErrorKind, QuoteFault};
pub use path::SplitPath;
pub(crate) use row::CsvRow;

use path::IndexKernel;
use slow::{RecordOutcome, SlowReader};
use std::mem;
use std::ops::ControlFlow;

/// The longest record, in bytes, without its line end. S3 Select had the same bound; a key has at
/// most 1,024 bytes (3,072 when encoded), so a longer record is not an inventory row but a sign of
/// a lost quote. It bounds the memory of whoever must hold a whole record.
pub(crate) const RECORD_BYTES_MAX: usize = 1 << 20;

/// How much is indexed at a time. Data, index and rows then stay in the first-level cache, and what
/// is scanned twice (the partial row at the end) is little.
const STRETCH_BYTES: usize = 16 << 10;

// Positions and lengths are kept in 32 bits; a stretch has no reason to outgrow a record.
const _: () = assert!(RECORD_BYTES_MAX < u32::MAX as usize);
const _: () = assert!(STRETCH_BYTES <= RECORD_BYTES_MAX);
const _: () = assert!(STRETCH_BYTES.is_multiple_of(index::BLOCK_BYTES));

/// How far a call of [`Splitter::split`] came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SplitProgress {
    /// How many bytes of the data are done with. Never more than the data; what is behind them is
    /// a partial record, or the records after the one that stopped the call.
    pub bytes: usize,
    /// Whether the closure said stop.
    pub stopped: bool,
}

/// Splits CSV data into rows, one file after the other. Holds about 70 KB, and up to
/// `RECORD_BYTES_MAX` more once it has met a long, odd record.
pub struct Splitter {
    path: SplitPath,
    kernel: Option<IndexKernel>,
    record_bytes_max: usize,
    /// The index of the current stretch.
    positions: Vec<u32>,
    /// How far the file at hand is split.
    file: SplitterState,
}

/// How far a file is split: what a [`Splitter`] needs to go on with it.
pub struct SplitterState {
    columns: usize,
    slow: SlowReader,
    /// Records handed out since the reset.
    records: u64,
    /// Where the next data's first byte stands in the file.
    position: u64,
}

impl SplitterState {
    /// Of a file that is to be begun.
    #[must_use]
    pub fn new(columns: usize) -> Self {
        Self { columns, slow: SlowReader::new(columns), records: 0, position: 0 }
    }
}

/// Where the fast path leaves off.
enum SplitPace {
    /// Go on at the next record.
    Fast,
    /// The slow path must go on, at least to this place in the data.
    SlowUntil(usize),
    /// No complete record is left in the data.
    Exhausted,
    /// The closure said stop.
    Stopped,
}

impl Splitter {
    /// A splitter for files whose records have `columns` columns. A path that this machine can't
    /// run is replaced as by [`SplitPath::Auto`].
    #[must_use]
    pub fn new(columns: usize, path: SplitPath) -> Self {
        let path = path.resolved();
        let kernel = IndexKernel::of(path);
        let positions = if kernel.is_some() { STRETCH_BYTES + index::SLACK } else { 0 };
        Self {
            path,
            kernel,
            record_bytes_max: RECORD_BYTES_MAX,
            positions: vec![0; positions],
            file: SplitterState::new(columns),
        }
    }

    /// Lowers the bound on records below [`RECORD_BYTES_MAX`], which a higher one stands for; for
    /// callers that can hold less.
    pub fn limit_record_bytes(&mut self, bytes_max: usize) {
        self.record_bytes_max = bytes_max.min(RECORD_BYTES_MAX);
    }

    /// Makes ready for another file, whose records have `columns` columns.
    pub fn reset(&mut self, columns: usize) {
        self.file.columns = columns;
        self.file.slow.reset(columns);
        self.file.records = 0;
        self.file.position = 0;
    }

    /// Leaves the file at hand for another one, which was left before or is new. The caller
    /// presents unused data again when the file's turn comes.
    pub fn swap(&mut self, file: &mut SplitterState) {
        mem::swap(&mut self.file, file);
    }

    /// The path taken; never [`SplitPath::Auto`].
    #[must_use]
    pub fn path(&self) -> SplitPath {
        self.path
    }

    /// How many records have been handed out since the reset. Blank lines are not records.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.file.records
    }

    /// Splits the complete records of `data` and calls `each` for every row in order, until it
    /// breaks. `data` starts where the last call left off: the caller presents what was not used
    /// again, unchanged and with more bytes behind it. `at_end` says that nothing follows; a last
    /// record without a line end counts, too, and all of `data` is used.
    ///
    /// # Errors
    /// See [`CsvErrorKind`]. A record that is too long is reported as soon as too much of it is
    /// seen, so a caller that can hold [`RECORD_BYTES_MAX`] + 1 bytes always makes progress. After
    /// an error the splitter must be reset.
    pub fn split<F>(
        &mut self,
        data: &[u8],
        at_end: bool,
        mut each: F,
    ) -> Result<SplitProgress, CsvError>
    where
        F: FnMut(&CsvRow<'_>) -> ControlFlow<()>,
    {
        let Some(mut at) = self.after_byte_order_mark(data, at_end) else {
            return Ok(SplitProgress { bytes: 0, stopped: false });
        };
        let mut pace = if self.file.slow.is_inside_record() {
            SplitPace::SlowUntil(0)
        } else {
            SplitPace::Fast
        };
        let stopped = loop {
            pace = match (pace, self.kernel) {
                // Rows of no columns don't exist; the slow path says so.
                (SplitPace::Fast, Some(kernel)) if self.file.columns > 0 => {
                    self.fast(kernel, data, &mut at, at_end, &mut each)?
                }
                (SplitPace::Fast, _) => self.slow(data, &mut at, data.len(), at_end, &mut each)?,
                (SplitPace::SlowUntil(until), _) => {
                    self.slow(data, &mut at, until, at_end, &mut each)?
                }
                (SplitPace::Exhausted, _) => break false,
                (SplitPace::Stopped, _) => break true,
            };
        };
        self.file.position += at as u64;
        Ok(SplitProgress { bytes: at, stopped })
    }

    /// Where the data starts: behind a byte order mark if it is the file's first bytes. `None`
    /// while that can't be told.
    fn after_byte_order_mark(&self, data: &[u8], at_end: bool) -> Option<usize> {
        const MARK: &[u8] = b"\xef\xbb\xbf";
        if self.file.position > 0 {
            Some(0)
        } else if data.starts_with(MARK) {
            Some(MARK.len())
        } else if MARK.starts_with(data) && !at_end {
            None
        } else {
            Some(0)
        }
    }

    /// Indexes the next stretch and hands out its rows, as far as the index vouches for them.
    #[inline]
    fn fast(
        &mut self,
        kernel: IndexKernel,
        data: &[u8],
        at: &mut usize,
        at_end: bool,
        each: &mut impl FnMut(&CsvRow<'_>) -> ControlFlow<()>,
    ) -> Result<SplitPace, CsvError> {
        *at += line_ends(&data[*at..]);
        let base = *at;
        let rest = &data[base..];
        let stretch = &rest[..rest.len().min(STRETCH_BYTES)];
        let found = kernel.index(stretch, &mut self.positions);
        let positions = &self.positions[..found.separators];
        let rows = positions.chunks_exact(self.file.columns);
        let is_row =
            |row: &[u32]| row.last().is_some_and(|end| is_line_end(stretch, *end as usize));
        if rows.len() != found.line_ends || !rows.clone().all(is_row) {
            return Ok(SplitPace::SlowUntil(base + stretch.len()));
        }
        let mut start = 0;
        for ends in rows {
            start += line_ends(&stretch[start..]);
            let end = ends[ends.len() - 1] as usize;
            if end - start > self.record_bytes_max {
                return Ok(SplitPace::SlowUntil(base + end));
            }
            self.file.records += 1;
            let row =
                CsvRow { bytes: stretch, start, ends, separator_bytes: 1, plain: found.plain };
            start = end + 1;
            *at = base + start;
            if each(&row).is_break() {
                return Ok(SplitPace::Stopped);
            }
        }
        if let Some(irregular) = found.irregular {
            return Ok(SplitPace::SlowUntil(base + irregular));
        }
        if start > 0 && rest.len() > stretch.len() {
            return Ok(SplitPace::Fast);
        }
        self.after_last_row(data, at, base + stretch.len(), at_end)
    }

    /// What to do when the stretch up to `until` has been indexed and holds no further row.
    fn after_last_row(
        &self,
        data: &[u8],
        at: &mut usize,
        until: usize,
        at_end: bool,
    ) -> Result<SplitPace, CsvError> {
        *at += line_ends(&data[*at..]);
        if *at == data.len() {
            Ok(SplitPace::Exhausted)
        } else if at_end || until < data.len() {
            Ok(SplitPace::SlowUntil(until))
        } else if data.len() - *at > self.record_bytes_max {
            let bytes_max = self.record_bytes_max;
            Err(self.error(CsvErrorKind::RecordTooLong { bytes_max }, *at))
        } else {
            Ok(SplitPace::Exhausted)
        }
    }

    /// Hands out records one by one until one starts at `until` or behind, but always at least
    /// one if there is one.
    fn slow(
        &mut self,
        data: &[u8],
        at: &mut usize,
        until: usize,
        at_end: bool,
        each: &mut impl FnMut(&CsvRow<'_>) -> ControlFlow<()>,
    ) -> Result<SplitPace, CsvError> {
        loop {
            if !self.file.slow.is_inside_record() {
                *at += line_ends(&data[*at..]);
                if *at == data.len() {
                    return Ok(SplitPace::Exhausted);
                }
            }
            let outcome = self.file.slow.read(&data[*at..], at_end, self.record_bytes_max);
            match outcome.map_err(|kind| self.error(kind, *at))? {
                RecordOutcome::Partial => return Ok(SplitPace::Exhausted),
                RecordOutcome::Record { bytes } => *at += bytes,
            }
            self.file.records += 1;
            let flow = each(&self.file.slow.row());
            self.file.slow.next_record();
            if flow.is_break() {
                return Ok(SplitPace::Stopped);
            }
            if *at >= until {
                return Ok(SplitPace::Fast);
            }
        }
    }

    /// An error in the record after those handed out, which starts at `at` in the data.
    fn error(&self, kind: CsvErrorKind, at: usize) -> CsvError {
        CsvError { kind, record: self.file.records + 1, byte: self.file.position + at as u64 }
    }
}

/// How many line ends `data` starts with.
#[inline(always)]
fn line_ends(data: &[u8]) -> usize {
    let mut count = 0;
    while is_line_end(data, count) {
        count += 1;
    }
    count
}

#[inline(always)]
fn is_line_end(data: &[u8], place: usize) -> bool {
    matches!(data.get(place), Some(b'\n' | b'\r'))
}
