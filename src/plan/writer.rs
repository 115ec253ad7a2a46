//! Writes the rows of a plan: into the shards of their series, or aside for a reason.
//!
//! Every plan is written by this, whether its rows come from a report (`sink`) or from another
//! plan (`subset`).
//!
//! Never knows where rows come from, or why one is set aside.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::folder::{EXCLUDED, MANIFESTS};
use super::series::{Cut, Series, Shards};
use super::shard::{Finished, ShardFile};
use super::spread::{self, Spool};
use super::{Bounds, Excluded, PlanError, Shard};
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

/// Where rows go that have the same label.
enum Way {
    /// Cut at once.
    Series(Box<Series<Label>>),
    /// Collected, to be cut evenly once their number is known.
    Spool(Label, Spool),
}

/// Rows set aside for a reason; the file is made with the first of them.
struct Aside {
    reason: String,
    file: Option<ShardFile>,
}

/// Folders that a plan is written in.
pub(super) struct Folders {
    pub(super) manifests: PathBuf,
    pub(super) excluded: PathBuf,
    pub(super) spool: PathBuf,
    /// Where excluded rows go from there, if they don't stay.
    pub(super) uploads: Option<Arc<Uploads>>,
    /// Where manifests go while they are written, if they don't stay until the end.
    pub(super) manifest_uploads: Option<Arc<Uploads>>,
}

/// The place of a series, as [`PlanWriter::series`] gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SeriesId(usize);

/// A plan's files being written.
pub(super) struct PlanWriter {
    bounds: Bounds,
    folders: Folders,
    shards: Shards<Label>,
    /// In the order in which labels were met: the order of series in the plan.
    ways: Vec<Way>,
    aside: Vec<Aside>,
}

/// The files of a plan.
pub(super) struct Written {
    pub(super) shards: Vec<(String, Label, Finished)>,
    /// By reason, in the order in which reasons were named.
    pub(super) excluded: Vec<Excluded>,
}

impl PlanWriter {
    pub(super) fn new(folders: Folders, bounds: Bounds) -> Self {
        let manifests = folders.manifests.clone();
        let shards = Shards::new(manifests, folders.manifest_uploads.clone(), bounds.bytes_max);
        Self { bounds, folders, shards, ways: Vec::new(), aside: Vec::new() }
    }

    /// A series for rows with this label.
    pub(super) fn series(&mut self, label: Label) -> Result<SeriesId, PlanError> {
        let place = self.ways.len();
        self.ways.push(match self.bounds.jobs {
            None => {
                let cut = Cut::Every(self.bounds.objects_max);
                Way::Series(Box::new(Series::new(label, cut)))
            }
            Some(_) => Way::Spool(label, Spool::create(&self.folders.spool, place)?),
        });
        Ok(SeriesId(place))
    }

    /// Appends `rows` lines to a series.
    pub(super) fn write(
        &mut self,
        series: SeriesId,
        lines: &[u8],
        rows: u64,
    ) -> Result<(), PlanError> {
        match &mut self.ways[series.0] {
            Way::Series(series) => series.write(&mut self.shards, lines, rows),
            Way::Spool(_, spool) => spool.write(lines, rows),
        }
    }

    /// A reason for which rows may be set aside, and its place. It is a part of a file's name.
    pub(super) fn reason(&mut self, reason: &str) -> usize {
        self.aside.push(Aside { reason: reason.to_owned(), file: None });
        self.aside.len() - 1
    }

    /// Sets `rows` lines aside, for the reason with this place.
    pub(super) fn set_aside(
        &mut self,
        reason: usize,
        lines: &[u8],
        rows: u64,
    ) -> Result<(), PlanError> {
        let Aside { reason, file } = &mut self.aside[reason];
        let file = match file {
            Some(file) => file,
            none => {
                let begin = |uploads: &Arc<Uploads>| uploads.begin(&excluded_path(reason));
                let upload = self.folders.uploads.as_ref().map(begin);
                let path = self.folders.excluded.join(excluded_name(reason));
                none.insert(ShardFile::create(&path, upload)?)
            }
        };
        file.write(lines, rows)
    }

    /// Ends all files; `stop` interrupts the cutting of collected rows.
    pub(super) fn finish(mut self, stop: &AtomicBool) -> Result<Written, PlanError> {
        let mut spools = Vec::new();
        for way in self.ways {
            match way {
                Way::Series(mut series) => series.finish(&mut self.shards)?,
                Way::Spool(label, spool) => spools.push((label, spool)),
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
        for Aside { reason, file } in self.aside {
            let finished = file.map(ShardFile::finish).transpose()?;
            let path = finished.is_some().then(|| excluded_path(&reason));
            let rows = finished.map_or(0, |finished| finished.rows);
            excluded.push(Excluded { reason, rows, path });
        }
        let shards = self.shards.into_finished(|label| label.noncurrent)?;
        Ok(Written { shards, excluded })
    }
}

/// What `plan.json` says of shards, in a plan with these columns that is split by `split_by`.
pub(super) fn described(
    shards: Vec<(String, Label, Finished)>,
    plan_columns: &[String],
    split_by: &[String],
) -> Vec<Shard> {
    let shard = |(name, label, file): (String, Label, Finished)| {
        let own_columns = columns(label.versions);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let value = |value: &Vec<u8>| (!value.is_empty()).then(|| text(value));
        let split = split_by.iter().zip(&label.split);
        let split = split.filter_map(|(name, found)| Some((name.clone(), value(found.as_ref()?))));
        Shard {
            path: format!("{MANIFESTS}/{name}"),
            bucket: text(&label.bucket),
            columns: (own_columns != plan_columns).then_some(own_columns),
            split: split.collect::<BTreeMap<_, _>>(),
            objects: file.rows,
            bytes: file.bytes,
            sha256: file.sha256,
            crc64nvme: Some(file.crc64nvme),
            first_key: file.first_key,
            last_key: file.last_key,
            files: Vec::new(),
        }
    };
    shards.into_iter().map(shard).collect()
}

/// The columns of a manifest.
pub(super) fn columns(versions: bool) -> Vec<String> {
    let columns: &[&str] =
        if versions { &["Bucket", "Key", "VersionId"] } else { &["Bucket", "Key"] };
    columns.iter().map(|name| (*name).to_owned()).collect()
}

fn excluded_name(reason: &str) -> String {
    format!("{reason}.csv")
}

fn excluded_path(reason: &str) -> String {
    format!("{EXCLUDED}/{}", excluded_name(reason))
}
