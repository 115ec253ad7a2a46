//! Gzip CSV data files: opened, scanned whole or split by split, and compared with the manifest.
//!
//! The MD5 is taken here only of a file that `md5.rs` doesn't hash along with others.
//!
//! Never knows which rows are wanted: a visitor looks at each.

use std::mem;
use std::ops::Range;
use std::sync::OnceLock;

use super::error::failed;
use super::input::open;
use super::lane::ScanLane;
use super::md5::{Md5Mode, beside, unchanged};
use super::run_state::RunState;
use super::small::{self, SmallFile};
use super::splits::{GzipSplit, SplitScan, SplitsAtHand};
use super::tasks::{FileSplit, ScanTask};
use super::visitor::{RowVisitor, RunCheck};
use super::{DataError, DataErrorKind, Input, RunControl, ScanOptions, Scanned, damage};
use crate::engine::TaskError;
use crate::source::{FolderOpener, ReadArrived, ReadBuffer};

/// Reads data files; one for each worker, used again from file to file.
pub(super) struct CsvScanner<'a> {
    options: ScanOptions,
    state: &'a RunState<'a>,
    /// Where files are hashed.
    digest_buffer: ReadBuffer,
    /// Opens small files.
    opener: FolderOpener,
    lane: ScanLane<'a>,
    /// Of a second file that is scanned at the same time.
    second: ScanLane<'a>,
}

impl<'a> CsvScanner<'a> {
    pub(super) fn new(
        options: ScanOptions,
        control: RunControl<'a>,
        state: &'a RunState<'a>,
    ) -> Self {
        let lane = || ScanLane::new(options, control.progress);
        let (lane, second) = (lane(), lane());
        let (digest_buffer, opener) = (ReadBuffer::default(), FolderOpener::default());
        Self { options, state, digest_buffer, opener, lane, second }
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
        if task.split != FileSplit::WHOLE {
            return self.scan_split(inputs, SplitScan { task, columns, visitor, check });
        }
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
            self.advise(inputs, number);
            visitor.begin(number);
            let input = &inputs[number];
            let found = self.scan_file(input, number, columns, visitor, check);
            let found = found.or_else(|error| self.explained(error, input, columns, check));
            scanned.add(&found.map_err(|error| input.named(error))?);
            number += 1;
        }
        Ok(scanned)
    }

    /// Asks for the start of the file that some worker takes when this one is done.
    fn advise(&self, inputs: &[Input], number: usize) {
        let later = number + self.options.threads.get();
        if let Some(input) = inputs.get(later).filter(|_| !self.state.digests.cover(later)) {
            input.path.advise_soon();
        }
    }

    /// Scans a split of a file that takes turns with others.
    fn scan_split<V: RowVisitor>(
        &mut self,
        inputs: &[Input],
        SplitScan { task, columns, visitor, check }: SplitScan<'_, V>,
    ) -> Result<Scanned, TaskError<DataError>> {
        let split = GzipSplit::of(inputs, task, columns);
        self.begin(inputs, &split, visitor);
        let found = self.splits_at_hand().scan(&split, visitor, check);
        self.named(found, &split, check)
    }

    /// Scans splits of two files at once, each as [`scan`](Self::scan) does.
    pub(super) fn scan_two<V: RowVisitor>(
        &mut self,
        inputs: &[Input],
        scans: [SplitScan<'_, V>; 2],
    ) -> [Result<Scanned, TaskError<DataError>>; 2] {
        let [one, two] = scans;
        let splits = [&one, &two].map(|scan| GzipSplit::of(inputs, scan.task, scan.columns));
        self.begin(inputs, &splits[0], one.visitor);
        self.begin(inputs, &splits[1], two.visitor);
        let checks = [one.check, two.check];
        let [first, second] =
            self.splits_at_hand().scan_two(&splits, [one.visitor, two.visitor], checks);
        // What went wrong is looked at only now: that takes a lane.
        [self.named(first, &splits[0], checks[0]), self.named(second, &splits[1], checks[1])]
    }

    fn splits_at_hand(&mut self) -> SplitsAtHand<'_, 'a> {
        let Self { state, digest_buffer, lane, second, .. } = self;
        SplitsAtHand { state, digest_buffer, lanes: [lane, second] }
    }

    fn begin<V: RowVisitor>(&self, inputs: &[Input], split: &GzipSplit<'_>, visitor: &mut V) {
        if split.is_first() {
            self.advise(inputs, split.number);
        }
        visitor.begin(split.number);
    }

    /// The outcome of a split, with what is wrong with its file.
    fn named(
        &mut self,
        found: Result<Scanned, TaskError<DataErrorKind>>,
        split: &GzipSplit<'_>,
        check: RunCheck<'_>,
    ) -> Result<Scanned, TaskError<DataError>> {
        let (input, columns) = (split.input, split.columns);
        let found = found.or_else(|error| {
            let error = self.placed(error, input, columns, check)?;
            self.explained(error, input, columns, check)
        });
        found.map_err(|error| input.named(error))
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
        let (verify, opener) = (self.options.verify, &mut self.opener);
        let read = small::read_all(&inputs[files.clone()], verify, opener, &mut buffer);
        for (file, number) in read.into_iter().zip(files) {
            let input = &inputs[number];
            visitor.begin(number);
            let found = file.map_err(failed).and_then(|SmallFile { bytes, digest }| {
                self.lane.begin(columns, false);
                let end = self.lane.go_on(&mut { bytes }, visitor, check);
                end.or_else(|error| match (error, input.md5.zip(digest)) {
                    (TaskError::Failed(kind), Some((expected, found))) if kind.is_of_contents() => {
                        Err(failed(damage::with_md5(kind, &expected, &found)))
                    }
                    (error, _) => self.with_crc(error, &mut { bytes }, columns, check),
                })?;
                self.whole(input, digest)
            });
            scanned.add(&found.map_err(|error| input.named(error))?);
        }
        self.digest_buffer = buffer;
        Ok(())
    }

    /// What was read of a file that was scanned to its end.
    fn whole(
        &self,
        input: &Input,
        digest: Option<[u8; 16]>,
    ) -> Result<Scanned, TaskError<DataErrorKind>> {
        let scanned = self.lane.scanned();
        input.compare(scanned.bytes_compressed, digest).map_err(failed)?;
        Ok(Scanned { files: 1, ..scanned })
    }

    fn scan_file<V: RowVisitor>(
        &mut self,
        input: &Input,
        number: usize,
        columns: usize,
        visitor: &mut V,
        check: RunCheck<'_>,
    ) -> Result<Scanned, TaskError<DataErrorKind>> {
        let Self { state: RunState { digests, .. }, digest_buffer, lane, .. } = self;
        let mut file = open(input).map_err(failed)?;
        digests.unchanged(number, &file).map_err(failed)?;
        digests.begin(number, digest_buffer, check)?;
        let mode = digests.mode_of(number, &file);
        lane.begin(columns, mode == Md5Mode::InPassing);
        let digest = if mode == Md5Mode::Beside {
            let noted = OnceLock::new();
            unchanged(&noted, &file).map_err(failed)?;
            let (_, outcome) = beside(input, &noted, || lane.go_on(&mut file, visitor, check))?;
            unchanged(&noted, &file).map_err(failed)?;
            Some(outcome.map_err(failed)?)
        } else {
            lane.go_on(&mut file, visitor, check)?;
            digests.unchanged(number, &file).map_err(failed)?;
            match lane.digest() {
                Some(digest) => Some(digest),
                None => digests.digest(number, digest_buffer, check)?,
            }
        };
        self.whole(input, digest)
    }

    /// A fault in a split's gzip data, as a scan of the file from its start finds it: where it is
    /// noticed does not depend then on which other file was inflated along.
    ///
    /// # Errors
    /// That the run is over.
    #[cold]
    fn placed(
        &mut self,
        error: TaskError<DataErrorKind>,
        input: &Input,
        columns: usize,
        check: RunCheck<'_>,
    ) -> Result<TaskError<DataErrorKind>, TaskError<DataErrorKind>> {
        if !matches!(error, TaskError::Failed(DataErrorKind::Gzip(_))) {
            return Ok(error);
        }
        let Ok(mut file) = open(input) else { return Ok(error) };
        self.lane.begin(columns, false);
        match self.lane.inflate_through(&mut file, check) {
            Err(TaskError::Stopped) => Err(TaskError::Stopped),
            Err(found @ TaskError::Failed(DataErrorKind::Gzip(_))) => Ok(found),
            Ok(()) | Err(TaskError::Failed(_)) => Ok(error),
        }
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
        let verifies_md5 = self.state.digests.verifies_md5();
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
        self.lane.begin(columns, false);
        match self.lane.inflate_through(file, check) {
            Err(TaskError::Stopped) => Err(TaskError::Stopped),
            Err(TaskError::Failed(DataErrorKind::Gzip(error))) => {
                Err(failed(DataErrorKind::GzipBehind { error, shows: Box::new(kind) }))
            }
            Ok(()) | Err(TaskError::Failed(_)) => Err(TaskError::Failed(kind)),
        }
    }
}
