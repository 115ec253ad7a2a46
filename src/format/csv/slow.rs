//! One record at a time, byte by byte, by `csv-core`: for whatever the index can't vouch for. What
//! `csv-core` lets pass and no report holds is refused (`quotes.rs`).
//!
//! Never knows when it is used. Keeps its place in an unfinished record, so that a record which
//! arrives in many pieces is read once.

use super::error::CsvErrorKind;
use super::quotes::QuoteCheck;
use super::row::CsvRow;
use csv_core::{ReadRecordResult, Reader};

/// Room for most records; grows for longer ones, up to the limit on records.
const OUTPUT_BYTES_START: usize = 4096;

/// How a record's reading ended.
pub(super) enum RecordOutcome {
    /// The record is complete and takes this many bytes, its line end included.
    Record { bytes: usize },
    /// More bytes are needed.
    Partial,
}

/// Reads single records.
pub(super) struct SlowReader {
    reader: Reader,
    columns: usize,
    /// Unquoted fields, one behind the other; `written` bytes count.
    output: Vec<u8>,
    written: usize,
    /// Where the fields end in `output`. One slot more than columns, so that an excess field has a
    /// place; further ones overwrite it.
    ends: Vec<usize>,
    /// `ends` as rows want it.
    row_ends: Vec<u32>,
    /// Fields of the current record so far.
    found: usize,
    /// Bytes of the current record already read; zero between records.
    scanned: usize,
    /// Has seen those.
    quotes: QuoteCheck,
}

impl SlowReader {
    pub(super) fn new(columns: usize) -> Self {
        let mut slow = Self {
            reader: Reader::new(),
            columns,
            output: Vec::new(),
            written: 0,
            ends: Vec::new(),
            row_ends: Vec::new(),
            found: 0,
            scanned: 0,
            quotes: QuoteCheck::START,
        };
        slow.reset(columns);
        slow
    }

    /// Forgets everything but the memory.
    pub(super) fn reset(&mut self, columns: usize) {
        self.columns = columns;
        self.ends.clear();
        self.ends.resize(columns + 1, 0);
        // Making a reader anew would take as long as splitting 100 KB.
        self.reader.reset();
        // The first read would drop a byte order mark, wherever in the file it happens. A line end
        // at a record's start changes nothing else.
        self.reader.read_record(b"\n", &mut [0], &mut [0]);
        self.next_record();
    }

    /// Whether a record has been read in part.
    pub(super) fn is_inside_record(&self) -> bool {
        self.scanned > 0
    }

    /// Makes ready for the next record.
    pub(super) fn next_record(&mut self) {
        self.written = 0;
        self.found = 0;
        self.scanned = 0;
        self.quotes = QuoteCheck::START;
    }

    /// Reads the record at the start of `data`, which is not a line end. After
    /// [`RecordOutcome::Partial`] the next call must come with the same bytes and more behind them.
    ///
    /// # Errors
    /// All kinds; the reader is of no use then until it is reset.
    pub(super) fn read(
        &mut self,
        data: &[u8],
        at_end: bool,
        bytes_max: usize,
    ) -> Result<RecordOutcome, CsvErrorKind> {
        // One byte more than the longest record: its line end.
        let data = &data[..data.len().min(bytes_max.saturating_add(1))];
        while let Some(rest @ [_, ..]) = data.get(self.scanned..) {
            if self.output.len() == self.written {
                let bytes = (2 * self.written).max(OUTPUT_BYTES_START);
                self.output.resize(bytes, 0);
            }
            let (slot, output) = (self.found.min(self.columns), &mut self.output[self.written..]);
            let (result, read, written, found) =
                self.reader.read_record(rest, output, &mut self.ends[slot..]);
            self.quotes.look(&rest[..read])?;
            self.scanned += read;
            self.written += written;
            self.found += found;
            if matches!(result, ReadRecordResult::Record) {
                return self.complete();
            }
        }
        if self.scanned > bytes_max {
            Err(CsvErrorKind::RecordTooLong { bytes_max })
        } else if !at_end {
            Ok(RecordOutcome::Partial)
        } else {
            self.finish()
        }
    }

    /// Ends the last record of the data, which has no line end. `csv-core` would close an open
    /// quote by itself; a line end closes everything else.
    fn finish(&mut self) -> Result<RecordOutcome, CsvErrorKind> {
        let slot = self.found.min(self.columns);
        let (result, _, _, found) =
            self.reader.read_record(b"\n", &mut [0], &mut self.ends[slot..]);
        self.found += found;
        if matches!(result, ReadRecordResult::Record) {
            self.complete()
        } else {
            Err(CsvErrorKind::OpenQuote)
        }
    }

    fn complete(&mut self) -> Result<RecordOutcome, CsvErrorKind> {
        let (expected, found) = (self.columns, self.found);
        if expected != found {
            return Err(CsvErrorKind::WrongColumns { expected, found });
        }
        self.row_ends.clear();
        // A record is shorter than 4 GiB: see the limit's bound beside its definition.
        self.row_ends.extend(self.ends[..found].iter().map(|end| *end as u32));
        Ok(RecordOutcome::Record { bytes: self.scanned })
    }

    /// The record just completed.
    pub(super) fn row(&self) -> CsvRow<'_> {
        CsvRow {
            bytes: &self.output,
            start: 0,
            ends: &self.row_ends,
            separator_bytes: 0,
            plain: false,
        }
    }
}
