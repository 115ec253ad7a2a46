//! Takes a filter's output, in report order: rows to their series, counts to the totals.
//!
//! Never knows about threads: what comes here comes in order.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::folder::EXCLUDED;
use super::series::{Cut, Series, Shards};
use super::shard::{Finished, ShardFile};
use super::spread::{self, Spool};
use super::{Bounds, Excluded, PlanError, SetAside, line};
use crate::engine::{Block, Lane};
use crate::scan::{DataError, FileSummary, FilterSink, Input, LaneKey, Lanes, Scanned};
use crate::source::Uploads;

/// What all rows of a series of shards have in common.
#[derive(Debug, Clone)]
pub(super) struct Label {
    pub(super) bucket: Vec<u8>,
    pub(super) versions: bool,
    /// The values of the columns to split by; none where the rows' report lacks the column.
    pub(super) split: Vec<Option<Vec<u8>>>,
    /// Whether the rows are noncurrent versions, whose shards go before all others.
    pub(super) noncurrent: bool,
}

/// Where the rows of a lane go.
enum Way {
    /// Cut at once.
    Series(Box<Series<Label>>),
    /// Collected, to be cut evenly once their number is known.
    Spool(Label, Spool),
    /// Set aside, by the place of the reason.
    Excluded(usize),
}

/// Folders that the sink writes in.
pub(super) struct Folders {
    pub(super) manifests: PathBuf,
    pub(super) excluded: PathBuf,
    pub(super) spool: PathBuf,
    /// Where excluded rows go from there, if they don't stay.
    pub(super) uploads: Option<Arc<Uploads>>,
    /// Where manifests go while they are written, if they don't stay until the end.
    pub(super) manifest_uploads: Option<Arc<Uploads>>,
}

/// The sink of a filter run.
pub(super) struct PlanSink<'a> {
    lanes: &'a Lanes,
    bounds: Bounds,
    reasons: &'a [&'static str],
    folders: Folders,
    keep_going: bool,
    is_latest: Option<usize>,
    /// Rows that may still come, where there is a limit.
    limit_left: Option<u64>,
    shards: Shards<Label>,
    /// In the order in which lanes were met: the order of series in the plan.
    ways: Vec<Way>,
    by_lane: HashMap<Lane, usize>,
    excluded: Vec<Option<ShardFile>>,
    totals: FileSummary,
    files_by_report: Vec<u64>,
    set_aside: Vec<SetAside>,
}

/// What a filter run came to.
pub(super) struct Outcome {
    pub(super) scanned: Scanned,
    pub(super) totals: FileSummary,
    /// How many files of each report were scanned or set aside.
    pub(super) files_by_report: Vec<u64>,
    pub(super) shards: Vec<(String, Label, Finished)>,
    pub(super) excluded: Vec<Excluded>,
    pub(super) set_aside: Vec<SetAside>,
}

/// What a sink is told at its start.
pub(super) struct SinkOptions<'a> {
    pub(super) lanes: &'a Lanes,
    pub(super) bounds: Bounds,
    /// Names of the reasons, as selections number them.
    pub(super) reasons: &'a [&'static str],
    pub(super) observations: usize,
    pub(super) reports: usize,
    pub(super) folders: Folders,
    pub(super) keep_going: bool,
    /// The place of IsLatest among the columns to split by, where noncurrent versions go first.
    pub(super) is_latest: Option<usize>,
    pub(super) limit: Option<u64>,
}

impl<'a> PlanSink<'a> {
    pub(super) fn new(options: SinkOptions<'a>) -> Self {
        let shards = Shards::new(
            options.folders.manifests.clone(),
            options.folders.manifest_uploads.clone(),
            options.bounds.bytes_max,
        );
        Self {
            lanes: options.lanes,
            bounds: options.bounds,
            reasons: options.reasons,
            folders: options.folders,
            keep_going: options.keep_going,
            is_latest: options.is_latest,
            limit_left: options.limit,
            shards,
            ways: Vec::new(),
            by_lane: HashMap::new(),
            excluded: options.reasons.iter().map(|_| None).collect(),
            totals: FileSummary {
                excluded: vec![0; options.reasons.len()],
                observed: vec![0; options.observations],
                ..FileSummary::default()
            },
            files_by_report: vec![0; options.reports],
            set_aside: Vec::new(),
        }
    }

    fn way(&mut self, lane: Lane) -> Result<usize, PlanError> {
        if let Some(place) = self.by_lane.get(&lane) {
            return Ok(*place);
        }
        let way = match self.lanes.key(lane) {
            Some(LaneKey::Manifest { bucket, versions, split }) => {
                let label = self.label(bucket, versions, split);
                match self.bounds.jobs {
                    None => {
                        let cut = Cut::Every(self.bounds.objects_max);
                        Way::Series(Box::new(Series::new(label, cut)))
                    }
                    Some(_) => Way::Spool(label, Spool::create(&self.folders.spool, lane.0)?),
                }
            }
            Some(LaneKey::Excluded(reason)) => Way::Excluded(reason),
            None => unreachable!("blocks carry lanes that were handed out"),
        };
        self.ways.push(way);
        self.by_lane.insert(lane, self.ways.len() - 1);
        Ok(self.ways.len() - 1)
    }

    fn label(&self, bucket: Vec<u8>, versions: bool, split: Vec<Option<Vec<u8>>>) -> Label {
        let is_latest = self.is_latest.and_then(|place| split[place].as_deref());
        let noncurrent = is_latest.is_some_and(|value| value.eq_ignore_ascii_case(b"false"));
        Label { bucket, versions, split, noncurrent }
    }

    /// The part of a block that the limit lets through.
    fn limited<'b>(&mut self, block: &'b Block) -> (&'b [u8], u64) {
        let Some(left) = &mut self.limit_left else { return (&block.bytes, block.rows) };
        let (rows, bytes) = line::fit(&block.bytes, block.rows, *left, u64::MAX);
        *left -= rows;
        (&block.bytes[..bytes], rows)
    }

    fn exclude(&mut self, reason: usize, block: &Block) -> Result<(), PlanError> {
        let file = match &mut self.excluded[reason] {
            Some(file) => file,
            none => {
                let path = self.folders.excluded.join(excluded_name(self.reasons[reason]));
                let begin =
                    |uploads: &Arc<Uploads>| uploads.begin(&excluded_path(self.reasons[reason]));
                let upload = self.folders.uploads.as_ref().map(begin);
                none.insert(ShardFile::create(&path, upload)?)
            }
        };
        file.write(&block.bytes, block.rows)
    }

    /// Ends all files; `stop` interrupts the cutting of collected rows.
    pub(super) fn finish(mut self, stop: &AtomicBool) -> Result<Outcome, PlanError> {
        let mut spools = Vec::new();
        for way in self.ways {
            match way {
                Way::Series(mut series) => series.finish(&mut self.shards)?,
                Way::Spool(label, spool) => spools.push((label, spool)),
                Way::Excluded(_) => {}
            }
        }
        let rows: Vec<u64> = spools.iter().map(|(_, spool)| spool.rows()).collect();
        let counts = spread::deal(&rows, self.bounds.jobs.unwrap_or(0));
        for ((label, spool), count) in spools.into_iter().zip(counts) {
            // Even shards that are larger than a shard may be are made smaller, and more.
            let least = spool.rows().div_ceil(self.bounds.objects_max);
            spool.cut(label, count.max(least), &mut self.shards, stop)?;
        }
        let mut excluded = Vec::new();
        for (place, (reason, file)) in self.reasons.iter().zip(self.excluded).enumerate() {
            let path = file.map(|file| file.finish().map(|_| excluded_path(reason))).transpose()?;
            let rows = self.totals.excluded[place];
            excluded.push(Excluded { reason: (*reason).to_owned(), rows, path });
        }
        Ok(Outcome {
            scanned: self.totals.scanned,
            totals: self.totals,
            files_by_report: self.files_by_report,
            shards: self.shards.into_finished(|label| label.noncurrent)?,
            excluded,
            set_aside: self.set_aside,
        })
    }
}

fn excluded_name(reason: &str) -> String {
    format!("{reason}.csv")
}

fn excluded_path(reason: &str) -> String {
    format!("{EXCLUDED}/{}", excluded_name(reason))
}

impl FilterSink for PlanSink<'_> {
    type Error = PlanError;

    fn block(&mut self, block: &Block) -> Result<(), PlanError> {
        let place = self.way(block.lane)?;
        if let Way::Excluded(reason) = self.ways[place] {
            return self.exclude(reason, block);
        }
        let (lines, rows) = self.limited(block);
        match &mut self.ways[place] {
            Way::Series(series) => series.write(&mut self.shards, lines, rows),
            Way::Spool(_, spool) => spool.write(lines, rows),
            Way::Excluded(_) => Ok(()),
        }
    }

    fn done(&mut self, input: &Input, summary: FileSummary) -> Result<ControlFlow<()>, PlanError> {
        self.files_by_report[input.report] += summary.scanned.files;
        let totals = &mut self.totals;
        totals.scanned.add(&summary.scanned);
        totals.matched += summary.matched;
        totals.null_versions += summary.null_versions;
        totals.object_bytes = totals.object_bytes.saturating_add(summary.object_bytes);
        add_all(&mut totals.excluded, &summary.excluded);
        add_all(&mut totals.observed, &summary.observed);
        // The file in which the limit is reached is read to its end, so that it is checked and its
        // counts are whole; later files are not.
        Ok(if self.limit_left == Some(0) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    }

    fn failed(&mut self, input: &Input, error: DataError) -> Result<(), PlanError> {
        if !self.keep_going || error.kind.is_usage() {
            return Err(PlanError::Scan(error.into()));
        }
        self.files_by_report[input.report] += 1;
        self.set_aside.push(SetAside {
            path: error.path.display().to_string(),
            error: error.kind.to_string(),
        });
        Ok(())
    }
}

fn add_all(totals: &mut [u64], counts: &[u64]) {
    for (total, count) in totals.iter_mut().zip(counts) {
        *total += count;
    }
}
