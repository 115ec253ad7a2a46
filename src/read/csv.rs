//! One CSV.gz data file: read, checked, inflated and split into rows, in bounded memory.
//!
//! Two buffers for each worker: compressed input, and a window of decompressed bytes. The window
//! holds, from the front: the last 32 KiB decoded (deflate copies from there), the record that is
//! not complete yet, and room for more. It slides down when the room gets short, and grows only
//! for a record that is longer than it.
//!
//! The MD5 is taken here only of a file that `md5.rs` doesn't hash along with others.
//!
//! A file that takes turns with others is scanned split by split, maybe by one worker after the
//! other. What the next split needs goes into a [`SuspendedScan`]: 32 KiB of history, the record
//! that is not complete, and what the decoder and the splitter know.
//!
//! Never knows which rows are wanted: a visitor looks at each.

use std::mem;
use std::ops::{ControlFlow, Range};

use md5::{Digest, Md5};

use super::error::{behind, failed, stopped};
use super::input::{FilePiece, open, open_split};
use super::md5::{Digests, Md5Mode, beside};
use super::run_state::RunState;
use super::small::{self, SmallFile};
use super::suspended::{SuspendedScan, SuspendedScans};
use super::tasks::{FileSplit, ScanTask};
use super::visitor::{RowVisitor, RunCheck};
use super::{DataError, DataErrorKind, Input, RunControl, ScanOptions, Scanned, damage};
use crate::engine::TaskError;
use crate::format::csv::{CsvRow, RECORD_BYTES_MAX, Splitter};
use crate::format::gzip::{GzipDecoder, HISTORY_BYTES, Status};
use crate::source::{ReadArrived, ReadBuffer};

/// Decompressed bytes held at first. 256 KiB: with the input it stays well inside an L2 cache of
/// 1 MiB, and a slide copies 32 KiB for every 192 KiB or more decoded.
const WINDOW_BYTES: usize = 256 << 10;

/// Room below which the window slides down, and, where that doesn't help, grows.
const ROOM_BYTES_MIN: usize = 32 << 10;

/// A window at its largest: the longest record, the history, and room to go on. Reached only by
/// doubling, hence the power of two.
const WINDOW_BYTES_MAX: usize = 2 << 20;

const _: () = assert!(WINDOW_BYTES_MAX >= RECORD_BYTES_MAX + HISTORY_BYTES + ROOM_BYTES_MIN);
const _: () = assert!(WINDOW_BYTES >= 2 * (HISTORY_BYTES + ROOM_BYTES_MIN));

/// Reads data files; one for each worker, used again from file to file.
pub(super) struct CsvScanner<'a> {
    options: ScanOptions,
    control: RunControl<'a>,
    digests: &'a Digests<'a>,
    suspended: &'a SuspendedScans,
    /// Where `digests` reads to.
    digest_buffer: ReadBuffer,
    /// Boxed, as it goes along with a file that takes turns.
    decoder: Box<GzipDecoder>,
    /// To suspend the next scan in: making one takes as long as splitting 100 KB.
    spare: Option<Box<SuspendedScan>>,
    splitter: Splitter,
    /// Of the file at hand, if it is hashed in passing.
    md5: Option<Md5>,
    input: FilePiece,
    window: Vec<u8>,
}

/// Where the bytes of the file at hand stand.
#[derive(Default)]
struct WindowCursor {
    /// `input[input_at..input_end]` is compressed and not yet inflated.
    input_at: usize,
    input_end: usize,
    /// No bytes follow `input`.
    input_over: bool,
    /// Bytes of the file that are not read yet and belong to this split; more than any file has
    /// where it is scanned to its end.
    split_left: u64,
    /// `window[record_at..window_end]` is decompressed and not yet split.
    record_at: usize,
    window_end: usize,
    bytes_compressed: u64,
}

impl WindowCursor {
    /// At the start of a file that is scanned to its end.
    fn of_file() -> Self {
        Self { split_left: u64::MAX, ..Self::default() }
    }
}

impl<'a> CsvScanner<'a> {
    pub(super) fn new(
        options: ScanOptions,
        control: RunControl<'a>,
        state: &'a RunState<'a>,
    ) -> Self {
        Self {
            options,
            control,
            digests: &state.digests,
            suspended: &state.suspended,
            digest_buffer: ReadBuffer::default(),
            decoder: Box::new(GzipDecoder::new(options.inflate)),
            spare: None,
            splitter: Splitter::new(1, options.split),
            md5: None,
            input: FilePiece::new(),
            window: vec![0; WINDOW_BYTES],
        }
    }

    /// Shows every row of a task's files, which have `columns` columns, to `visitor`, in order.
    pub(super) fn scan<V: RowVisitor>(
        &mut self,
        inputs: &[Input],
        task: &ScanTask,
        columns: usize,
        visitor: &mut V,
        check: RunCheck<'_>,
    ) -> Result<Scanned, TaskError<DataError>> {
        let files = task.files.clone();
        let mut scanned = Scanned::default();
        let mut number = files.start;
        while number < files.end {
            let small = small::count(&inputs[number..files.end]);
            if small > 0 {
                let files = number..number + small;
                self.scan_small(inputs, files, columns, visitor, check, &mut scanned)?;
                number += small;
                continue;
            }
            // The file that some worker takes when this one is done: its start is then in memory.
            let later = number + self.options.threads.get();
            if task.split.number == 0
                && let Some(later) = inputs.get(later).filter(|_| !self.digests.cover(later))
            {
                later.path.advise_soon();
            }
            visitor.begin(number);
            let input = &inputs[number];
            let found = if task.split == FileSplit::WHOLE {
                self.scan_file(input, number, columns, visitor, check)
            } else {
                self.scan_split(input, number, task.split, columns, visitor, check)
            };
            let found = found.or_else(|error| self.explained(error, input, columns, check));
            scanned.add(&found.map_err(|error| input.named(error))?);
            number += 1;
        }
        Ok(scanned)
    }

    /// Scans files that are small enough to be read at once.
    fn scan_small<V: RowVisitor>(
        &mut self,
        inputs: &[Input],
        files: Range<usize>,
        columns: usize,
        visitor: &mut V,
        check: RunCheck<'_>,
        scanned: &mut Scanned,
    ) -> Result<(), TaskError<DataError>> {
        let mut buffer = mem::take(&mut self.digest_buffer);
        self.md5 = None;
        let read = small::read_all(&inputs[files.clone()], self.options.verify, &mut buffer);
        for (file, number) in read.into_iter().zip(files) {
            let input = &inputs[number];
            visitor.begin(number);
            let found = file.map_err(failed).and_then(|SmallFile { bytes, digest }| {
                self.begin_file(columns);
                let read = self.split_through(&mut { bytes }, visitor, check);
                let read = read.or_else(|error| match (error, input.md5.zip(digest)) {
                    (TaskError::Failed(kind), Some((expected, found))) if kind.is_of_contents() => {
                        Err(failed(damage::with_md5(kind, &expected, &found)))
                    }
                    (error, _) => self.with_crc(error, &mut { bytes }, columns, check),
                })?;
                input.compare(read, digest).map_err(failed)?;
                Ok(self.scanned(read))
            });
            scanned.add(&found.map_err(|error| input.named(error))?);
        }
        self.digest_buffer = buffer;
        Ok(())
    }

    /// Makes ready for another file.
    fn begin_file(&mut self, columns: usize) {
        self.decoder.reset();
        self.splitter.reset(columns);
        // A window that a long record made large doesn't stay so.
        self.window.truncate(WINDOW_BYTES);
    }

    /// What was read of the file that has just ended.
    fn scanned(&self, bytes_compressed: u64) -> Scanned {
        Scanned {
            files: 1,
            rows: self.splitter.records(),
            bytes_compressed,
            bytes_raw: self.decoder.bytes_out(),
        }
    }

    fn scan_file<V: RowVisitor>(
        &mut self,
        input: &Input,
        number: usize,
        columns: usize,
        visitor: &mut V,
        check: RunCheck<'_>,
    ) -> Result<Scanned, TaskError<DataErrorKind>> {
        let mut file = open(input).map_err(failed)?;
        self.digests.begin(number, &mut self.digest_buffer, check)?;
        let mode = self.digests.mode_of(number, &file);
        self.md5 = (mode == Md5Mode::InPassing).then(Md5::new);
        self.begin_file(columns);
        let (bytes_compressed, digest) = if mode == Md5Mode::Beside {
            let (bytes, outcome) = beside(input, || self.split_through(&mut file, visitor, check))?;
            (bytes, Some(outcome.map_err(failed)?))
        } else {
            let bytes = self.split_through(&mut file, visitor, check)?;
            let digest = match self.md5.take() {
                Some(md5) => Some(md5.finalize().into()),
                None => self.digests.digest(number, &mut self.digest_buffer, check)?,
            };
            (bytes, digest)
        };
        input.compare(bytes_compressed, digest).map_err(failed)?;
        Ok(self.scanned(bytes_compressed))
    }

    /// Scans a split of a file that takes turns with others.
    fn scan_split<V: RowVisitor>(
        &mut self,
        input: &Input,
        number: usize,
        split: FileSplit,
        columns: usize,
        visitor: &mut V,
        check: RunCheck<'_>,
    ) -> Result<Scanned, TaskError<DataErrorKind>> {
        let bytes = split.turn(input.bytes);
        let mut cursor = WindowCursor { bytes_compressed: bytes.start, ..WindowCursor::of_file() };
        if split.number == 0 {
            self.md5 = (self.digests.mode(number).is_of_one()).then(Md5::new);
            self.begin_file(columns);
        } else {
            let scan = self.suspended.take_up(number, split.number, check).map_err(stopped)?;
            self.take_up(scan, &mut cursor);
        }
        // Only now: one that is stopped while it waits must not end the turns of those before it.
        // No split waits for the last one.
        let turn = (!split.is_last()).then(|| self.suspended.turn(number));
        let mut file = open_split(input, bytes.clone()).map_err(failed)?;
        self.digests.begin_split(number, bytes.end, &mut self.digest_buffer, check)?;
        let before = self.scanned(0);
        if let Some(turn) = turn {
            cursor.split_left = bytes.end - bytes.start;
            let over = self.split_on(&mut file, &mut cursor, visitor, check)?;
            if over {
                // The file became shorter since it was opened.
                input.compare(cursor.bytes_compressed, None).map_err(failed)?;
            }
            file.advise_next(bytes.end - bytes.start);
            let after = self.scanned(cursor.bytes_compressed);
            turn.suspend(split.number + 1, self.suspend(&cursor));
            return Ok(after.since(&before, bytes.start));
        }
        self.split_on(&mut file, &mut cursor, visitor, check)?;
        let digest = match self.md5.take() {
            Some(md5) => Some(md5.finalize().into()),
            None => self.digests.digest(number, &mut self.digest_buffer, check)?,
        };
        input.compare(cursor.bytes_compressed, digest).map_err(failed)?;
        let after = self.scanned(cursor.bytes_compressed);
        Ok(Scanned { files: 1, ..after.since(&before, bytes.start) })
    }

    /// What the next split of the file at hand needs.
    fn suspend(&mut self, cursor: &WindowCursor) -> Box<SuspendedScan> {
        let spare = self.spare.take();
        let mut scan = spare.unwrap_or_else(|| Box::new(SuspendedScan::new(self.options.inflate)));
        mem::swap(&mut self.decoder, &mut scan.decoder);
        self.splitter.swap(&mut scan.splitter);
        scan.md5 = self.md5.take();
        let keep = cursor.record_at.min(cursor.window_end.saturating_sub(HISTORY_BYTES));
        scan.window.clear();
        scan.window.extend_from_slice(&self.window[keep..cursor.window_end]);
        scan.record_at = cursor.record_at - keep;
        scan
    }

    /// Goes on with a scan.
    fn take_up(&mut self, mut scan: Box<SuspendedScan>, cursor: &mut WindowCursor) {
        mem::swap(&mut self.decoder, &mut scan.decoder);
        self.splitter.swap(&mut scan.splitter);
        self.md5 = scan.md5.take();
        let bytes = scan.window.len();
        let length = (bytes + ROOM_BYTES_MIN).next_power_of_two();
        self.window.resize(length.clamp(WINDOW_BYTES, WINDOW_BYTES_MAX), 0);
        self.window[..bytes].copy_from_slice(&scan.window);
        (cursor.record_at, cursor.window_end) = (scan.record_at, bytes);
        self.spare = Some(scan);
    }

    /// An error of a file's contents, with what the file's own checksums say of it.
    ///
    /// # Errors
    /// Always: the error, or that the run is over.
    #[cold]
    fn explained<T>(
        &mut self,
        error: TaskError<DataErrorKind>,
        input: &Input,
        columns: usize,
        check: RunCheck<'_>,
    ) -> Result<T, TaskError<DataErrorKind>> {
        self.md5 = None;
        let verifies_md5 = self.digests.verifies_md5();
        if verifies_md5 && input.md5.is_some() {
            return damage::explained(error, input, verifies_md5, check);
        }
        match open(input) {
            Ok(mut file) => self.with_crc(error, &mut file, columns, check),
            Err(_) => Err(error),
        }
    }

    /// An error in what a file's gzip data holds, with what is wrong with that data to its end:
    /// `file` is read once more from its start.
    ///
    /// # Errors
    /// As for [`CsvScanner::explained`].
    #[cold]
    fn with_crc<T>(
        &mut self,
        error: TaskError<DataErrorKind>,
        file: &mut impl ReadArrived,
        columns: usize,
        check: RunCheck<'_>,
    ) -> Result<T, TaskError<DataErrorKind>> {
        let kind = match error {
            TaskError::Failed(DataErrorKind::Gzip(_)) | TaskError::Stopped => return Err(error),
            TaskError::Failed(kind) if !kind.is_of_contents() => {
                return Err(TaskError::Failed(kind));
            }
            TaskError::Failed(kind) => kind,
        };
        self.begin_file(columns);
        match self.inflate_through(file, check) {
            Err(TaskError::Stopped) => Err(TaskError::Stopped),
            Err(TaskError::Failed(DataErrorKind::Gzip(error))) => {
                Err(failed(DataErrorKind::GzipBehind { error, shows: Box::new(kind) }))
            }
            Ok(()) | Err(TaskError::Failed(_)) => Err(TaskError::Failed(kind)),
        }
    }

    /// The loop of the hot path; gives the bytes read.
    fn split_through<V: RowVisitor>(
        &mut self,
        file: &mut impl ReadArrived,
        visitor: &mut V,
        check: RunCheck<'_>,
    ) -> Result<u64, TaskError<DataErrorKind>> {
        let mut cursor = WindowCursor::of_file();
        self.split_on(file, &mut cursor, visitor, check)?;
        Ok(cursor.bytes_compressed)
    }

    /// Goes on to the end of the file, and then gives `true`, or of the split at hand.
    fn split_on<V: RowVisitor>(
        &mut self,
        file: &mut impl ReadArrived,
        cursor: &mut WindowCursor,
        visitor: &mut V,
        check: RunCheck<'_>,
    ) -> Result<bool, TaskError<DataErrorKind>> {
        loop {
            self.refill(file, cursor)?;
            let status = self.inflate(cursor)?;
            let over = status == Status::End;
            self.split(cursor, over, visitor)?;
            check().map_err(stopped)?;
            if over || (status == Status::NeedInput && cursor.split_left == 0) {
                return Ok(over);
            }
        }
    }

    /// Inflates a file to its end, and looks at nothing in it.
    #[cold]
    fn inflate_through(
        &mut self,
        file: &mut impl ReadArrived,
        check: RunCheck<'_>,
    ) -> Result<(), TaskError<DataErrorKind>> {
        let mut cursor = WindowCursor::of_file();
        loop {
            self.refill(file, &mut cursor)?;
            let over = self.inflate(&mut cursor)? == Status::End;
            cursor.record_at = cursor.window_end;
            check().map_err(stopped)?;
            if over {
                return Ok(());
            }
        }
    }

    /// Reads more of the file where all that was read is inflated.
    fn refill(
        &mut self,
        file: &mut impl ReadArrived,
        cursor: &mut WindowCursor,
    ) -> Result<(), TaskError<DataErrorKind>> {
        if cursor.input_over || cursor.input_at < cursor.input_end {
            return Ok(());
        }
        let bytes = usize::try_from(cursor.split_left).unwrap_or(usize::MAX);
        if bytes == 0 {
            return Ok(());
        }
        let count = self.input.take(file, bytes).map_err(failed)?;
        cursor.split_left -= count as u64;
        if let Some(md5) = &mut self.md5 {
            md5.update(&self.input.bytes()[..count]);
        }
        cursor.bytes_compressed += count as u64;
        cursor.input_at = 0;
        cursor.input_end = count;
        cursor.input_over = count == 0;
        Ok(())
    }

    /// Inflates into the window until it is full or the input is used up.
    fn inflate(&mut self, cursor: &mut WindowCursor) -> Result<Status, TaskError<DataErrorKind>> {
        self.make_room(cursor);
        let input = &self.input.bytes()[cursor.input_at..cursor.input_end];
        let progress = self
            .decoder
            .decode(input, cursor.input_over, &mut self.window, cursor.window_end)
            .map_err(failed)?;
        cursor.input_at += progress.consumed;
        cursor.window_end += progress.produced;
        self.control.progress.add(progress.consumed as u64, progress.produced as u64, 0);
        Ok(progress.status)
    }

    /// Slides the window down, and lets it grow for a long record.
    fn make_room(&mut self, cursor: &mut WindowCursor) {
        if self.window.len() - cursor.window_end >= ROOM_BYTES_MIN {
            return;
        }
        let keep = cursor.record_at.min(cursor.window_end.saturating_sub(HISTORY_BYTES));
        self.window.copy_within(keep..cursor.window_end, 0);
        cursor.record_at -= keep;
        cursor.window_end -= keep;
        if self.window.len() - cursor.window_end < ROOM_BYTES_MIN {
            let length = (self.window.len() * 2).min(WINDOW_BYTES_MAX);
            self.window.resize(length, 0);
        }
    }

    fn split<V: RowVisitor>(
        &mut self,
        cursor: &mut WindowCursor,
        over: bool,
        visitor: &mut V,
    ) -> Result<(), TaskError<DataErrorKind>> {
        let before = self.splitter.records();
        loop {
            let data = &self.window[cursor.record_at..cursor.window_end];
            let mut failure = None;
            let mut visit = |row: &CsvRow<'_>| match visitor.row(row) {
                Ok(flow) => flow,
                Err(error) => {
                    failure = Some(error);
                    ControlFlow::Break(())
                }
            };
            let used = self.splitter.split(data, over, &mut visit).map_err(failed)?;
            cursor.record_at += used.bytes;
            if let Some(failure) = failure {
                return Err(behind(failure, self.splitter.records()));
            }
            if !used.stopped {
                break;
            }
            visitor.at_record(self.splitter.records());
        }
        self.control.progress.add(0, 0, self.splitter.records() - before);
        Ok(())
    }
}
