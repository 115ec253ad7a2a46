//! One CSV.gz data file: read, checked, inflated and split into rows, in bounded memory.
//!
//! Two buffers for each worker: compressed input, and a window of decompressed bytes. The window
//! holds, from the front: the last 32 KiB decoded (deflate copies from there), the record that is
//! not complete yet, and room for more. It slides down when the room gets short, and grows only
//! for a record that is longer than it.
//!
//! The MD5 is taken here only of a file that `hash.rs` doesn't hash along with others.
//!
//! Never knows which rows are wanted: a visitor looks at each.

use std::io::Read;
use std::mem;
use std::ops::Range;

use md5::{Digest, Md5};

use super::hash::{Hashes, Way, beside, open, read};
use super::scanner::{Depth, Visitor};
use super::small::{self, SmallFile};
use super::{Control, DataError, DataErrorKind, Input, Scanned, Settings, damage};
use crate::engine::{Stopped, TaskError};
use crate::format::csv::{RECORD_BYTES_MAX, Splitter};
use crate::format::gzip::{GzipDecoder, HISTORY_BYTES, Status};
use crate::source::ReadBuffer;

/// Compressed bytes read at a time. 128 KiB: few calls, and still in the L2 cache when it is
/// hashed and then inflated.
pub(super) const INPUT_BYTES: usize = 128 << 10;

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
pub(super) struct FileScanner<'a> {
    settings: Settings,
    control: Control<'a>,
    hashes: &'a Hashes<'a>,
    /// Where `hashes` reads to.
    hash_buffer: ReadBuffer,
    decoder: GzipDecoder,
    splitter: Splitter,
    /// Of the file at hand, if it is hashed in passing.
    md5: Option<Md5>,
    input: ReadBuffer,
    window: Vec<u8>,
}

/// Where the bytes of the file at hand stand.
#[derive(Default)]
struct Cursor {
    /// `input[input_at..input_end]` is compressed and not yet inflated.
    input_at: usize,
    input_end: usize,
    /// No bytes follow `input`.
    input_over: bool,
    /// `window[record_at..window_end]` is decompressed and not yet split.
    record_at: usize,
    window_end: usize,
    bytes_compressed: u64,
}

impl<'a> FileScanner<'a> {
    pub(super) fn new(settings: Settings, control: Control<'a>, hashes: &'a Hashes<'a>) -> Self {
        Self {
            settings,
            control,
            hashes,
            hash_buffer: ReadBuffer::default(),
            decoder: GzipDecoder::new(settings.inflate),
            splitter: Splitter::new(1, settings.split),
            md5: None,
            input: ReadBuffer::new(INPUT_BYTES),
            window: vec![0; WINDOW_BYTES],
        }
    }

    /// Shows every row of these files, which have `columns` columns, to `visitor`, in order; takes
    /// them only so far.
    pub(super) fn scan_to<V: Visitor>(
        &mut self,
        depth: Depth,
        inputs: &[Input],
        files: Range<usize>,
        columns: usize,
        visitor: &mut V,
    ) -> Result<Scanned, TaskError<DataError>> {
        let mut scanned = Scanned::default();
        let mut number = files.start;
        while number < files.end {
            let small = small::count(&inputs[number..files.end]);
            if small > 0 {
                let files = number..number + small;
                self.scan_small(depth, inputs, files, columns, visitor, &mut scanned)?;
                number += small;
                continue;
            }
            // The file that some worker takes when this one is done: its start is then in memory.
            let later = number + self.settings.threads.get();
            if let Some(later) = inputs.get(later).filter(|_| !self.hashes.cover(later)) {
                later.path.advise_soon();
            }
            visitor.begin(number);
            let found = self.scan_file(depth, &inputs[number], number, columns, visitor);
            let found =
                found.or_else(|error| self.explained(error, &inputs[number], columns, visitor));
            scanned.add(&found.map_err(|error| named(error, &inputs[number]))?);
            number += 1;
        }
        Ok(scanned)
    }

    /// Scans files that are small enough to be read at once.
    fn scan_small<V: Visitor>(
        &mut self,
        depth: Depth,
        inputs: &[Input],
        files: Range<usize>,
        columns: usize,
        visitor: &mut V,
        scanned: &mut Scanned,
    ) -> Result<(), TaskError<DataError>> {
        let mut buffer = mem::take(&mut self.hash_buffer);
        self.md5 = None;
        let read = small::read_all(&inputs[files.clone()], self.settings.verify, &mut buffer);
        for (file, number) in read.into_iter().zip(files) {
            let input = &inputs[number];
            visitor.begin(number);
            let found = file.map_err(failed).and_then(|SmallFile { bytes, digest }| {
                self.begin_file(columns);
                let read = self.read_through(depth, &mut { bytes }, visitor);
                let read = read.or_else(|error| match (error, input.md5.zip(digest)) {
                    (TaskError::Failed(kind), Some((expected, found))) if kind.is_of_contents() => {
                        Err(failed(damage::with_md5(kind, &expected, &found)))
                    }
                    (error, _) => self.with_crc(error, &mut { bytes }, columns, visitor),
                })?;
                check(input, read, digest)?;
                Ok(self.scanned(read))
            });
            scanned.add(&found.map_err(|error| named(error, input))?);
        }
        self.hash_buffer = buffer;
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

    fn scan_file<V: Visitor>(
        &mut self,
        depth: Depth,
        input: &Input,
        number: usize,
        columns: usize,
        visitor: &mut V,
    ) -> Result<Scanned, TaskError<DataErrorKind>> {
        let mut file = open(input).map_err(failed)?;
        self.hashes.begin(number, &mut self.hash_buffer, || visitor.verdict())?;
        let way = self.hashes.way_of(number, &file);
        self.md5 = (way == Way::InPassing).then(Md5::new);
        self.begin_file(columns);
        let (bytes_compressed, digest) = if way == Way::Beside {
            let (bytes, outcome) = beside(input, || self.read_through(depth, &mut file, visitor))?;
            (bytes, Some(outcome.map_err(failed)?))
        } else {
            let bytes = self.read_through(depth, &mut file, visitor)?;
            let digest = match self.md5.take() {
                Some(md5) => Some(md5.finalize().into()),
                None => self.hashes.digest(number, &mut self.hash_buffer, || visitor.verdict())?,
            };
            (bytes, digest)
        };
        check(input, bytes_compressed, digest)?;
        Ok(self.scanned(bytes_compressed))
    }

    /// An error of a file's contents, with what the file's own checksums say of it.
    ///
    /// # Errors
    /// Always: the error, or that nobody needs it any more.
    #[cold]
    fn explained<T, V: Visitor>(
        &mut self,
        error: TaskError<DataErrorKind>,
        input: &Input,
        columns: usize,
        visitor: &mut V,
    ) -> Result<T, TaskError<DataErrorKind>> {
        self.md5 = None;
        let verifies_md5 = self.hashes.verifies_md5();
        if verifies_md5 && input.md5.is_some() {
            return damage::explained(error, input, verifies_md5, || visitor.verdict());
        }
        match open(input) {
            Ok(mut file) => self.with_crc(error, &mut file, columns, visitor),
            Err(_) => Err(error),
        }
    }

    /// An error in what a file's gzip data holds, with what is wrong with that data to its end:
    /// `file` is read once more from its start.
    ///
    /// # Errors
    /// As for [`FileScanner::explained`].
    #[cold]
    fn with_crc<T, V: Visitor>(
        &mut self,
        error: TaskError<DataErrorKind>,
        file: &mut impl Read,
        columns: usize,
        visitor: &mut V,
    ) -> Result<T, TaskError<DataErrorKind>> {
        let kind = match error {
            TaskError::Failed(DataErrorKind::Gzip(_)) | TaskError::Stopped => return Err(error),
            TaskError::Failed(kind) if !kind.is_of_contents() => {
                return Err(TaskError::Failed(kind));
            }
            TaskError::Failed(kind) => kind,
        };
        self.begin_file(columns);
        match self.read_through(Depth::Inflate, file, visitor) {
            Err(TaskError::Stopped) => Err(TaskError::Stopped),
            Err(TaskError::Failed(DataErrorKind::Gzip(error))) => {
                Err(failed(DataErrorKind::GzipBehind { error, shows: Box::new(kind) }))
            }
            Ok(_) | Err(TaskError::Failed(_)) => Err(TaskError::Failed(kind)),
        }
    }

    /// The loop of the hot path; gives the bytes read.
    fn read_through<V: Visitor>(
        &mut self,
        depth: Depth,
        file: &mut impl Read,
        visitor: &mut V,
    ) -> Result<u64, TaskError<DataErrorKind>> {
        let mut cursor = Cursor::default();
        loop {
            self.refill(file, &mut cursor)?;
            let over = match depth {
                Depth::Read => self.pass_by(&mut cursor),
                Depth::Inflate | Depth::Split | Depth::Rows => self.inflate(&mut cursor)?,
            };
            match depth {
                Depth::Split | Depth::Rows => self.split(&mut cursor, over, visitor)?,
                Depth::Read | Depth::Inflate => {
                    cursor.record_at = cursor.window_end;
                    visitor.verdict()?;
                }
            }
            if over {
                return Ok(cursor.bytes_compressed);
            }
        }
    }

    /// Reads more of the file where all that was read is inflated.
    fn refill(
        &mut self,
        file: &mut impl Read,
        cursor: &mut Cursor,
    ) -> Result<(), TaskError<DataErrorKind>> {
        if cursor.input_over || cursor.input_at < cursor.input_end {
            return Ok(());
        }
        let count = read(file, &mut self.input).map_err(failed)?;
        if let Some(md5) = &mut self.md5 {
            md5.update(&self.input[..count]);
        }
        cursor.bytes_compressed += count as u64;
        cursor.input_at = 0;
        cursor.input_end = count;
        cursor.input_over = count == 0;
        Ok(())
    }

    /// Leaves what was read as it is; `true` at the end.
    fn pass_by(&mut self, cursor: &mut Cursor) -> bool {
        self.control.progress.add((cursor.input_end - cursor.input_at) as u64, 0, 0);
        cursor.input_at = cursor.input_end;
        cursor.input_over
    }

    /// Inflates into the window until it is full or the input is used up; `true` at the end.
    fn inflate(&mut self, cursor: &mut Cursor) -> Result<bool, TaskError<DataErrorKind>> {
        self.make_room(cursor);
        let input = &self.input[cursor.input_at..cursor.input_end];
        let progress = self
            .decoder
            .decode(input, cursor.input_over, &mut self.window, cursor.window_end)
            .map_err(failed)?;
        cursor.input_at += progress.consumed;
        cursor.window_end += progress.produced;
        self.control.progress.add(progress.consumed as u64, progress.produced as u64, 0);
        Ok(progress.status == Status::End)
    }

    /// Slides the window down, and lets it grow for a long record.
    fn make_room(&mut self, cursor: &mut Cursor) {
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

    fn split<V: Visitor>(
        &mut self,
        cursor: &mut Cursor,
        over: bool,
        visitor: &mut V,
    ) -> Result<(), TaskError<DataErrorKind>> {
        let before = self.splitter.records();
        loop {
            let data = &self.window[cursor.record_at..cursor.window_end];
            let used = self.splitter.split(data, over, |row| visitor.row(row)).map_err(failed)?;
            cursor.record_at += used.bytes;
            if !used.stopped {
                break;
            }
            visitor.stopped(self.splitter.records())?;
        }
        self.control.progress.add(0, 0, self.splitter.records() - before);
        visitor.verdict()
    }
}

/// Compares a file with what the manifest says of it.
pub(super) fn check(
    input: &Input,
    bytes_compressed: u64,
    digest: Option<[u8; 16]>,
) -> Result<(), TaskError<DataErrorKind>> {
    if bytes_compressed != input.bytes {
        let (expected, found) = (input.bytes, bytes_compressed);
        return Err(failed(DataErrorKind::Size { expected, found }));
    }
    match input.md5.zip(digest) {
        Some((expected, found)) if found != expected => {
            let (expected, found) = (hex(&expected), hex(&found));
            Err(failed(DataErrorKind::Md5 { expected, found, shows: None }))
        }
        _ => Ok(()),
    }
}

/// An error, with the file that it is in.
pub(super) fn named(error: TaskError<DataErrorKind>, input: &Input) -> TaskError<DataError> {
    match error {
        TaskError::Stopped => TaskError::Stopped,
        TaskError::Failed(kind) => TaskError::Failed(DataError { path: input.path.clone(), kind }),
    }
}

/// An error, with its record counted from so many records further ahead.
pub(super) fn behind(error: TaskError<DataErrorKind>, records: u64) -> TaskError<DataErrorKind> {
    match error {
        TaskError::Stopped => TaskError::Stopped,
        TaskError::Failed(kind) => TaskError::Failed(kind.behind(records)),
    }
}

pub(super) fn failed(kind: impl Into<DataErrorKind>) -> TaskError<DataErrorKind> {
    TaskError::Failed(kind.into())
}

pub(super) fn stopped<E>(Stopped: Stopped) -> TaskError<E> {
    TaskError::Stopped
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
