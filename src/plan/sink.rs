//! Takes a filter's output, in the order of tasks: rows to their series, counts to the totals.
//!
//! Only decides where a block belongs; workers hash and write it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::mem;
use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;

use super::open_files::WRITE_BUFFER_BYTES;
use super::shard::LineBlock;
use super::writer::{Folders, PlanFiles, PlanWriter, SeriesId, SeriesLabel};
use super::{ManifestDigest, PlanError, ShardBounds, SkippedFile, line};
use crate::diagnostic::{Diagnostic, ErrorClass, chain};
use crate::engine::{Background, OutputBlock, OutputLane};
use crate::operation::UNREADABLE;
use crate::query::{FileSummary, FilterSink, LaneKey, Lanes, SizeTotals};
use crate::read::{DataError, Input, Scanned};

/// Where the rows of a lane go.
#[derive(Clone, Copy)]
enum LaneRoute {
    /// To shards.
    Kept(SeriesId),
    /// Excluded, by the place of the reason.
    Excluded(usize),
}

/// The sink of a filter run.
pub(super) struct PlanSink<'a> {
    lanes: &'a Lanes,
    writer: PlanWriter,
    keep_going: bool,
    is_latest: Option<usize>,
    /// Whether copies of noncurrent versions are refused: which of them stay can't be told.
    refuses_noncurrent: bool,
    /// Rows that may still come, where there is a limit.
    limit_left: Option<u64>,
    by_lane: HashMap<OutputLane, LaneRoute>,
    totals: FileSummary,
    files_by_report: Vec<u64>,
    files_skipped: Vec<SkippedFile>,
}

/// What a filter run came to.
pub(super) struct SinkOutcome {
    pub(super) scanned: Scanned,
    pub(super) totals: FileSummary,
    /// How many files of each report were scanned or excluded.
    pub(super) files_by_report: Vec<u64>,
    pub(super) written: PlanFiles,
    pub(super) files_skipped: Vec<SkippedFile>,
}

impl SinkOutcome {
    /// Rows that are not in a manifest because of what they are.
    pub(super) fn excluded_rows(&self) -> u64 {
        self.written.excluded.iter().map(|excluded| excluded.rows).sum()
    }

    /// The objects in manifests by class and size. Unknown where rows were excluded after they had
    /// been counted: those of copies that no copy of the current version follows.
    pub(super) fn sizes(&self) -> Option<&SizeTotals> {
        let while_scanned: u64 = self.totals.excluded.iter().sum();
        (while_scanned == self.excluded_rows()).then_some(&self.totals.sizes)
    }
}

/// What a sink is told at its start.
pub(super) struct SinkOptions<'a> {
    pub(super) lanes: &'a Lanes,
    pub(super) bounds: ShardBounds,
    pub(super) digest: ManifestDigest,
    /// Names of the reasons, as selections number them.
    pub(super) reasons: &'a [&'static str],
    pub(super) observations: usize,
    pub(super) reports: usize,
    pub(super) folders: Folders,
    pub(super) keep_going: bool,
    /// The place of IsLatest among the columns to split by, where noncurrent versions go first.
    pub(super) is_latest: Option<usize>,
    /// Whether noncurrent versions are copied also where the current version is not.
    pub(super) keeps_unfollowed: bool,
    /// Whether these are the rows of a part, so that current versions may be in another.
    pub(super) is_part: bool,
    pub(super) limit: Option<u64>,
}

impl<'a> PlanSink<'a> {
    pub(super) fn new(options: SinkOptions<'a>) -> Self {
        let mut writer = PlanWriter::new(options.folders, options.bounds, options.digest);
        // The places of reasons are those that selections number them by.
        for reason in options.reasons.iter().chain([&UNREADABLE.reason]) {
            writer.reason(reason);
        }
        writer.keep_unfollowed(options.keeps_unfollowed);
        Self {
            lanes: options.lanes,
            writer,
            keep_going: options.keep_going,
            is_latest: options.is_latest,
            refuses_noncurrent: options.is_part && !options.keeps_unfollowed,
            limit_left: options.limit,
            by_lane: HashMap::new(),
            totals: FileSummary {
                excluded: vec![0; options.reasons.len()],
                observed: vec![0; options.observations],
                ..FileSummary::default()
            },
            files_by_report: vec![0; options.reports],
            files_skipped: Vec::new(),
        }
    }

    fn way(&mut self, lane: OutputLane) -> Result<LaneRoute, PlanError> {
        if let Some(way) = self.by_lane.get(&lane) {
            return Ok(*way);
        }
        let way = match self.lanes.key(lane) {
            Some(LaneKey::Manifest { bucket, versions, split, apart }) => {
                let label = SeriesLabel { doomed: apart, ..self.label(bucket, versions, split) };
                if label.is_superseded() && self.refuses_noncurrent {
                    return Err(PlanError::NoncurrentInPart);
                }
                LaneRoute::Kept(self.writer.series(label)?)
            }
            Some(LaneKey::Excluded(reason)) => LaneRoute::Excluded(reason),
            None => unreachable!("blocks carry lanes that were handed out"),
        };
        self.by_lane.insert(lane, way);
        Ok(way)
    }

    fn label(&self, bucket: Vec<u8>, versions: bool, split: Vec<Option<Vec<u8>>>) -> SeriesLabel {
        let is_latest = self.is_latest.and_then(|place| split[place].as_deref());
        let noncurrent = is_latest.is_some_and(|value| value.eq_ignore_ascii_case(b"false"));
        SeriesLabel { bucket, versions, split, noncurrent, doomed: false }
    }

    /// Leaves of a block what the limit lets through.
    fn limit(&mut self, block: &mut OutputBlock) {
        let Some(left) = &mut self.limit_left else { return };
        let (rows, bytes) = line::fit(&block.bytes, block.rows, *left, u64::MAX);
        *left -= rows;
        block.rows = rows;
        block.bytes.truncate(bytes);
    }

    /// Ends all files; `stop` interrupts the cutting of collected rows.
    pub(super) fn finish(self, stop: &AtomicBool) -> Result<SinkOutcome, PlanError> {
        let mut written = self.writer.finish(stop)?;
        written.excluded.retain(|rows| rows.rows > 0 || rows.reason != UNREADABLE.reason);
        Ok(SinkOutcome {
            scanned: self.totals.scanned,
            totals: self.totals,
            files_by_report: self.files_by_report,
            written,
            files_skipped: self.files_skipped,
        })
    }
}

impl FilterSink for PlanSink<'_> {
    type Error = PlanError;

    fn block(
        &mut self,
        block: &mut OutputBlock,
        background: &Background<'_>,
    ) -> Result<(), PlanError> {
        let way = self.way(block.lane)?;
        if let LaneRoute::Kept(_) = way {
            self.limit(block);
        }
        // Short ones are gathered, and their buffers stay with the engine.
        let lines = match block.bytes.len() < WRITE_BUFFER_BYTES {
            true => Cow::Borrowed(block.bytes.as_slice()),
            false => Cow::Owned(mem::take(&mut block.bytes)),
        };
        let lines = LineBlock { lines, rows: block.rows, background: Some(background) };
        match way {
            LaneRoute::Excluded(reason) => self.writer.exclude(reason, lines),
            LaneRoute::Kept(series) => self.writer.write(series, lines),
        }
    }

    fn done(&mut self, input: &Input, summary: FileSummary) -> Result<ControlFlow<()>, PlanError> {
        self.files_by_report[input.report] += summary.scanned.files;
        self.totals.add(summary);
        // The file in which the limit is reached is read to its end, so that it is checked and its
        // counts are whole; later files are not.
        Ok(if self.limit_left == Some(0) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    }

    fn failed(&mut self, input: &Input, error: DataError) -> Result<(), PlanError> {
        if !self.keep_going || error.class() == ErrorClass::Usage {
            return Err(PlanError::Scan(error.into()));
        }
        self.files_by_report[input.report] += 1;
        self.files_skipped.push(SkippedFile {
            file: error.path.display().to_string(),
            error: chain(&error.kind),
        });
        Ok(())
    }
}
