//! One gzip CSV file at hand: inflated and split into rows, window by window, in bounded memory.
//!
//! Two buffers for each file at hand: compressed input, and a window of decompressed bytes. The
//! window holds, from the front: the last 32 KiB decoded (deflate copies from there), the record
//! that is not complete yet, and room for more. It slides down when the room gets short, and grows
//! only for a record that is longer than it.
//!
//! Two files can be inflated in one loop ([`go_on_two`]): it takes a sixth less time than one after
//! the other.
//!
//! Never knows which file it is, or which rows are wanted.

use std::mem;
use std::ops::ControlFlow;

use md5::{Digest, Md5};

use super::error::{behind, failed, stopped};
use super::input::FilePiece;
use super::suspended::SuspendedScan;
use super::visitor::{RowVisitor, RunCheck};
use super::{DataErrorKind, ScanOptions, ScanProgress, Scanned};
use crate::engine::TaskError;
use crate::format::csv::{CsvRow, RECORD_BYTES_MAX, Splitter};
use crate::format::gzip::{GzipDecoder, HISTORY_BYTES, SharedPiece, SharedStep, Status};
use crate::source::ReadArrived;

/// Decompressed bytes held at first. 256 KiB: with the input it stays well inside an L2 cache of
/// 1 MiB, even twice, and a slide copies 32 KiB for every 192 KiB or more decoded.
const WINDOW_BYTES: usize = 256 << 10;

/// Room below which the window slides down, and, where that doesn't help, grows.
const ROOM_BYTES_MIN: usize = 32 << 10;

/// A window at its largest: the longest record, the history, and room to go on. Reached only by
/// doubling, hence the power of two.
const WINDOW_BYTES_MAX: usize = 2 << 20;

const _: () = assert!(WINDOW_BYTES_MAX >= RECORD_BYTES_MAX + HISTORY_BYTES + ROOM_BYTES_MIN);
const _: () = assert!(WINDOW_BYTES >= 2 * (HISTORY_BYTES + ROOM_BYTES_MIN));

/// What a file at hand needs; used again from file to file.
pub(super) struct ScanLane<'a> {
    options: ScanOptions,
    progress: &'a ScanProgress,
    /// Boxed, as it goes along with a file that takes turns.
    decoder: Box<GzipDecoder>,
    /// To suspend the next scan in: making one takes as long as splitting 100 KB.
    spare: Option<Box<SuspendedScan>>,
    splitter: Splitter,
    /// Of the file at hand, if it is hashed in passing.
    md5: Option<Md5>,
    input: FilePiece,
    window: Vec<u8>,
    cursor: WindowCursor,
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

impl<'a> ScanLane<'a> {
    pub(super) fn new(options: ScanOptions, progress: &'a ScanProgress) -> Self {
        Self {
            options,
            progress,
            decoder: Box::new(GzipDecoder::new(options.inflate)),
            spare: None,
            splitter: Splitter::new(1, options.split),
            md5: None,
            input: FilePiece::new(),
            window: vec![0; WINDOW_BYTES],
            cursor: WindowCursor::default(),
        }
    }

    /// Makes ready for the start of another file, which is hashed in passing or not.
    pub(super) fn begin(&mut self, columns: usize, hash: bool) {
        self.decoder.reset();
        self.splitter.reset(columns);
        self.md5 = hash.then(Md5::new);
        // A window that a long record made large doesn't stay so.
        self.window.truncate(WINDOW_BYTES);
        self.cursor = WindowCursor { split_left: u64::MAX, ..WindowCursor::default() };
    }

    /// Goes on with a scan that was suspended at this byte of its file.
    pub(super) fn take_up(&mut self, mut scan: Box<SuspendedScan>, byte: u64) {
        mem::swap(&mut self.decoder, &mut scan.decoder);
        self.splitter.swap(&mut scan.splitter);
        self.md5 = scan.md5.take();
        let bytes = scan.window.len();
        let length = (bytes + ROOM_BYTES_MIN).next_power_of_two();
        self.window.resize(length.clamp(WINDOW_BYTES, WINDOW_BYTES_MAX), 0);
        self.window[..bytes].copy_from_slice(&scan.window);
        self.cursor = WindowCursor {
            split_left: u64::MAX,
            record_at: scan.record_at,
            window_end: bytes,
            bytes_compressed: byte,
            ..WindowCursor::default()
        };
        self.spare = Some(scan);
    }

    /// Ends the split at hand after this many more bytes of its file, not at the file's end.
    pub(super) fn end_split_after(&mut self, bytes: u64) {
        self.cursor.split_left = bytes;
    }

    /// What the next split of the file at hand needs.
    pub(super) fn suspend(&mut self) -> Box<SuspendedScan> {
        let spare = self.spare.take();
        let mut scan = spare.unwrap_or_else(|| Box::new(SuspendedScan::new(self.options.inflate)));
        mem::swap(&mut self.decoder, &mut scan.decoder);
        self.splitter.swap(&mut scan.splitter);
        scan.md5 = self.md5.take();
        let keep = self.kept_from();
        scan.window.clear();
        scan.window.extend_from_slice(&self.window[keep..self.cursor.window_end]);
        scan.record_at = self.cursor.record_at - keep;
        scan
    }

    /// What was read of the file at hand since its start.
    pub(super) fn scanned(&self) -> Scanned {
        Scanned {
            files: 0,
            rows: self.splitter.records(),
            bytes_compressed: self.cursor.bytes_compressed,
            bytes_raw: self.decoder.bytes_out(),
        }
    }

    /// The digest of a file that was hashed in passing, once.
    pub(super) fn digest(&mut self) -> Option<[u8; 16]> {
        self.md5.take().map(|md5| md5.finalize().into())
    }

    /// Shows the rows of the file at hand, to the end of its split or its own, which gives `true`.
    pub(super) fn go_on<V: RowVisitor>(
        &mut self,
        file: &mut impl ReadArrived,
        visitor: &mut V,
        check: RunCheck<'_>,
    ) -> Result<bool, TaskError<DataErrorKind>> {
        loop {
            if let Some(over) = self.step(file, visitor, check)? {
                return Ok(over);
            }
        }
    }

    /// The loop of the hot path: fills the window and shows its rows. At the end of the split, or
    /// of the file, whether it was the file's.
    fn step<V: RowVisitor>(
        &mut self,
        file: &mut impl ReadArrived,
        visitor: &mut V,
        check: RunCheck<'_>,
    ) -> Result<Option<bool>, TaskError<DataErrorKind>> {
        self.refill(file)?;
        let status = self.inflate()?;
        let over = status == Status::End;
        self.split(over, visitor)?;
        check().map_err(stopped)?;
        let at_end = over || (status == Status::NeedInput && self.cursor.split_left == 0);
        Ok(at_end.then_some(over))
    }

    /// Inflates a file to its end, and looks at nothing in it.
    #[cold]
    pub(super) fn inflate_through(
        &mut self,
        file: &mut impl ReadArrived,
        check: RunCheck<'_>,
    ) -> Result<(), TaskError<DataErrorKind>> {
        loop {
            self.refill(file)?;
            let over = self.inflate()? == Status::End;
            self.cursor.record_at = self.cursor.window_end;
            check().map_err(stopped)?;
            if over {
                return Ok(());
            }
        }
    }

    /// Reads more of the file where all that was read is inflated.
    fn refill(&mut self, file: &mut impl ReadArrived) -> Result<(), TaskError<DataErrorKind>> {
        let cursor = &mut self.cursor;
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
    fn inflate(&mut self) -> Result<Status, TaskError<DataErrorKind>> {
        self.make_room();
        let cursor = &self.cursor;
        let input = &self.input.bytes()[cursor.input_at..cursor.input_end];
        let progress = self
            .decoder
            .decode(input, cursor.input_over, &mut self.window, cursor.window_end)
            .map_err(failed)?;
        self.took(progress.consumed, progress.produced);
        Ok(progress.status)
    }

    fn took(&mut self, consumed: usize, produced: usize) {
        self.cursor.input_at += consumed;
        self.cursor.window_end += produced;
        self.progress.add(consumed as u64, produced as u64, 0);
    }

    /// Where the bytes of the window begin that are needed still.
    fn kept_from(&self) -> usize {
        self.cursor.record_at.min(self.cursor.window_end.saturating_sub(HISTORY_BYTES))
    }

    /// Whether the room is short.
    fn is_full(&self) -> bool {
        self.window.len() - self.cursor.window_end < ROOM_BYTES_MIN
    }

    /// Slides the window down, and lets it grow for a long record.
    fn make_room(&mut self) {
        if !self.is_full() {
            return;
        }
        let keep = self.kept_from();
        let cursor = &mut self.cursor;
        self.window.copy_within(keep..cursor.window_end, 0);
        cursor.record_at -= keep;
        cursor.window_end -= keep;
        if self.is_full() {
            let length = (self.window.len() * 2).min(WINDOW_BYTES_MAX);
            self.window.resize(length, 0);
        }
    }

    fn split<V: RowVisitor>(
        &mut self,
        over: bool,
        visitor: &mut V,
    ) -> Result<(), TaskError<DataErrorKind>> {
        let cursor = &mut self.cursor;
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
        self.progress.add(0, 0, self.splitter.records() - before);
        Ok(())
    }

    /// What the decoder needs to share a loop, and the decoder.
    fn shared(&mut self) -> (&mut GzipDecoder, SharedPiece<'_>) {
        let WindowCursor { input_at, input_end, window_end, .. } = self.cursor;
        let input = &self.input.bytes()[input_at..input_end];
        (&mut self.decoder, SharedPiece { input, window: &mut self.window, at: window_end })
    }

    /// Whether it can go on in a loop with another one. Where not, [`ScanLane::step`] does.
    fn can_share(&mut self) -> bool {
        let (decoder, piece) = self.shared();
        decoder.can_share(&piece)
    }
}

/// A lane with its file, and who looks at its rows.
pub(super) struct RunningLane<'l, 'a, F, V> {
    pub(super) lane: &'l mut ScanLane<'a>,
    pub(super) file: F,
    pub(super) visitor: &'l mut V,
    pub(super) check: RunCheck<'l>,
}

impl<F: ReadArrived, V: RowVisitor> RunningLane<'_, '_, F, V> {
    /// As [`ScanLane::go_on`].
    pub(super) fn go_on(&mut self) -> Result<bool, TaskError<DataErrorKind>> {
        self.lane.go_on(&mut self.file, self.visitor, self.check)
    }

    /// Goes on by itself until it can share a loop, or comes to its end.
    fn catch_up(&mut self) -> Result<Option<bool>, TaskError<DataErrorKind>> {
        loop {
            self.lane.refill(&mut self.file)?;
            if self.lane.is_full() {
                self.lane.split(false, self.visitor)?;
                (self.check)().map_err(stopped)?;
                self.lane.make_room();
            }
            if self.lane.can_share() {
                return Ok(None);
            }
            let end = self.lane.step(&mut self.file, self.visitor, self.check)?;
            if end.is_some() {
                return Ok(end);
            }
        }
    }
}

/// Goes on with two lanes at once, until the first of them has come to its end: gives which one,
/// and how. The other one is then left in the midst.
pub(super) fn go_on_two<F: ReadArrived, V: RowVisitor>(
    mut pair: [&mut RunningLane<'_, '_, F, V>; 2],
) -> (usize, Result<bool, TaskError<DataErrorKind>>) {
    loop {
        for (place, running) in pair.iter_mut().enumerate() {
            match running.catch_up() {
                Ok(None) => {}
                Ok(Some(over)) => return (place, Ok(over)),
                Err(error) => return (place, Err(error)),
            }
        }
        let [one, two] = &mut pair;
        let ((decoder_one, piece_one), (decoder_two, piece_two)) =
            (one.lane.shared(), two.lane.shared());
        let steps = GzipDecoder::decode_two([decoder_one, decoder_two], [piece_one, piece_two]);
        for (running, step) in pair.iter_mut().zip(&steps) {
            if let Ok(SharedStep { consumed, produced }) = *step {
                running.lane.took(consumed, produced);
            }
        }
        for (place, step) in steps.into_iter().enumerate() {
            if let Err(error) = step {
                return (place, Err(failed(error)));
            }
        }
    }
}
