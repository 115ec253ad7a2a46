//! Splits of gzip files that take turns: scanned one or two at a time, maybe by one worker after
//! the other.
//!
//! What the next split of a file needs goes into a
//! [`SuspendedScan`](super::suspended::SuspendedScan).
//!
//! Never knows which splits are scanned at the same time, or why.

use std::ops::Range;

use super::error::{failed, stopped};
use super::input::open_split;
use super::lane::{RunningLane, ScanLane, go_on_two};
use super::run_state::RunState;
use super::suspended::Turn;
use super::tasks::{FileSplit, ScanTask};
use super::visitor::{RowVisitor, RunCheck};
use super::{DataErrorKind, Input, Scanned};
use crate::engine::TaskError;
use crate::source::{ReadBuffer, SourceFile};

/// A split to scan, and who looks at its rows.
pub(crate) struct SplitScan<'s, V> {
    pub(crate) task: &'s ScanTask,
    /// How many its file has.
    pub(crate) columns: usize,
    pub(crate) visitor: &'s mut V,
    pub(crate) check: RunCheck<'s>,
}

/// A split of a gzip file.
pub(super) struct GzipSplit<'s> {
    pub(super) input: &'s Input,
    /// The file's place among the inputs.
    pub(super) number: usize,
    pub(super) columns: usize,
    split: FileSplit,
}

/// What a worker has for the splits at hand.
pub(super) struct SplitsAtHand<'s, 'a> {
    pub(super) state: &'a RunState<'a>,
    pub(super) digest_buffer: &'s mut ReadBuffer,
    pub(super) lanes: [&'s mut ScanLane<'a>; 2],
}

/// A split that was begun.
struct BegunSplit<'l, 'a, V> {
    split: &'l GzipSplit<'l>,
    bytes: Range<u64>,
    before: Scanned,
    /// Where it is not the last one.
    turn: Option<Turn<'a>>,
    running: RunningLane<'l, 'a, SourceFile, V>,
}

type SplitOutcome = Result<Scanned, TaskError<DataErrorKind>>;

impl<'s> GzipSplit<'s> {
    /// The split of a task.
    pub(super) fn of(inputs: &'s [Input], task: &ScanTask, columns: usize) -> Self {
        let number = task.files.start;
        Self { input: &inputs[number], number, columns, split: task.split }
    }

    /// Whether its file is begun with it.
    pub(super) fn is_first(&self) -> bool {
        self.split.number == 0
    }

    /// Makes a lane ready for it; waits for the split before.
    fn begin<'l, 'a, V>(
        &'l self,
        state: &'a RunState<'a>,
        digest_buffer: &mut ReadBuffer,
        lane: &'l mut ScanLane<'a>,
        (visitor, check): (&'l mut V, RunCheck<'l>),
    ) -> Result<BegunSplit<'l, 'a, V>, TaskError<DataErrorKind>> {
        let Self { input, number, columns, split } = *self;
        let RunState { digests, suspended, .. } = state;
        let bytes = split.turn(input.bytes);
        if self.is_first() {
            lane.begin(columns, digests.mode(number).is_of_one());
        } else {
            let scan = suspended.take_up(number, split.number, check).map_err(stopped)?;
            lane.take_up(scan, bytes.start);
        }
        // Only now: one that is stopped while it waits must not end the turns of those before it.
        // No split waits for the last one.
        let turn = (!split.is_last()).then(|| suspended.turn(number));
        let file = open_split(input, bytes.clone()).map_err(failed)?;
        digests.unchanged(number, &file).map_err(failed)?;
        digests.begin_split(number, bytes.end, digest_buffer, check)?;
        if turn.is_some() {
            lane.end_split_after(bytes.end - bytes.start);
        }
        let before = lane.scanned();
        let running = RunningLane { lane, file, visitor, check };
        Ok(BegunSplit { split: self, bytes, before, turn, running })
    }
}

impl<'a, V: RowVisitor> BegunSplit<'_, 'a, V> {
    /// Scans the rest of it.
    fn go_on(mut self, state: &'a RunState<'a>, digest_buffer: &mut ReadBuffer) -> SplitOutcome {
        let end = self.running.go_on();
        self.finish(end, state, digest_buffer)
    }

    /// Leaves the lane to the next split, or compares the file with the manifest.
    fn finish(
        self,
        end: Result<bool, TaskError<DataErrorKind>>,
        state: &'a RunState<'a>,
        digest_buffer: &mut ReadBuffer,
    ) -> SplitOutcome {
        let Self { split: GzipSplit { input, number, split, .. }, bytes, before, turn, running } =
            self;
        let (over, RunningLane { lane, file, check, .. }) = (end?, running);
        state.digests.unchanged(*number, &file).map_err(failed)?;
        let after = lane.scanned();
        let scanned = after.since(&before);
        if let Some(turn) = turn {
            if over {
                // The file became shorter since it was opened.
                input.compare(after.bytes_compressed, None).map_err(failed)?;
            }
            file.advise_next(bytes.end - bytes.start);
            turn.suspend(split.number + 1, lane.suspend());
            return Ok(scanned);
        }
        let digest = match lane.digest() {
            Some(digest) => Some(digest),
            None => state.digests.digest(*number, digest_buffer, check)?,
        };
        input.compare(after.bytes_compressed, digest).map_err(failed)?;
        Ok(Scanned { files: 1, ..scanned })
    }
}

impl SplitsAtHand<'_, '_> {
    /// Scans a split.
    pub(super) fn scan<V: RowVisitor>(
        self,
        split: &GzipSplit<'_>,
        visitor: &mut V,
        check: RunCheck<'_>,
    ) -> SplitOutcome {
        let Self { state, digest_buffer, lanes: [lane, _] } = self;
        split.begin(state, digest_buffer, lane, (visitor, check))?.go_on(state, digest_buffer)
    }

    /// Scans splits of two files at once. What is wrong with one does not touch the other.
    pub(super) fn scan_two<V: RowVisitor>(
        self,
        [one, two]: &[GzipSplit<'_>; 2],
        [to_one, to_two]: [&mut V; 2],
        [check_one, check_two]: [RunCheck<'_>; 2],
    ) -> [SplitOutcome; 2] {
        let Self { state, digest_buffer, lanes: [lane, second] } = self;
        // In the order of tasks: each waits for an earlier one.
        let one = one.begin(state, digest_buffer, lane, (to_one, check_one));
        let two = two.begin(state, digest_buffer, second, (to_two, check_two));
        let (mut one, mut two) = match (one, two) {
            (Ok(one), Ok(two)) => (one, two),
            (one, two) => {
                return [one, two]
                    .map(|begun| begun.and_then(|split| split.go_on(state, digest_buffer)));
            }
        };
        // The turn of the one that ends first is over at once.
        match go_on_two([&mut one.running, &mut two.running]) {
            (0, end) => {
                let found = one.finish(end, state, digest_buffer);
                [found, two.go_on(state, digest_buffer)]
            }
            (_, end) => {
                let found = two.finish(end, state, digest_buffer);
                [one.go_on(state, digest_buffer), found]
            }
        }
    }
}
