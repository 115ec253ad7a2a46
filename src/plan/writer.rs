//! Writes the rows of a plan: into the shards of their series, or into the file of a reason to
//! exclude them.
//!
//! Every plan is written by this, whether its rows come from a report (`sink`) or from another
//! plan (`subset`).
//!
//! Never knows where rows come from, or why one is excluded.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::document::columns;
use super::names::{EXCLUDED, MANIFESTS};
use super::open_files::OpenFiles;
use super::series::{Series, ShardCut, Shards};
use super::shard::{EndedShard, LineBlock, ShardFile, ShardSummary};
use super::spread::{self, LaneSpool};
use super::versions::CurrentVersions;
use super::{ExcludedRows, ManifestDigest, PlanError, Shard, ShardBounds, ShardRange};
use crate::operation::copy::NO_CURRENT_VERSION;
use crate::source::Uploads;

/// What all rows of a series of shards have in common.
#[derive(Debug, Clone)]
pub(super) struct SeriesLabel {
    pub(super) bucket: Vec<u8>,
    pub(super) versions: bool,
    /// The values of the columns to split by; none where the rows' report lacks the column.
    pub(super) split: Vec<Option<Vec<u8>>>,
    /// Whether the rows are noncurrent versions, whose shards go before all others.
    pub(super) noncurrent: bool,
    /// Whether the rows are current versions whose copies are sure to fail, taken in all the same:
    /// no copy of an older version may count on them.
    pub(super) doomed: bool,
}

impl SeriesLabel {
    /// Whether each row is copied after the older versions of its key.
    fn follows(&self) -> bool {
        self.versions && !self.noncurrent && !self.doomed
    }

    /// Whether a copy of each row would make it the newest version of its key.
    pub(super) fn is_superseded(&self) -> bool {
        self.noncurrent && self.versions
    }
}

/// Where rows go that have the same label.
enum SeriesSink {
    /// Cut at once.
    Series(Box<Series<SeriesLabel>>),
    /// Collected: to be cut evenly once their number is known, or to be looked through once the
    /// current versions are.
    Spool(SeriesLabel, LaneSpool),
}

/// Rows excluded for a reason; the file is made with the first of them.
struct ExclusionFile {
    reason: String,
    file: Option<ShardFile>,
}

impl ExclusionFile {
    fn write(
        &mut self,
        files: &OpenFiles,
        folders: &Folders,
        block: LineBlock<'_>,
    ) -> Result<(), PlanError> {
        let Self { reason, file } = self;
        let file = match file {
            Some(file) => file,
            none => {
                let begin = |uploads: &Arc<Uploads>| uploads.begin(&excluded_path(reason));
                let upload = folders.uploads.as_ref().map(begin);
                let path = folders.excluded.join(excluded_name(reason));
                // No job reads it, so the plan has no digest of it.
                let digest = ManifestDigest::default();
                none.insert(ShardFile::create(files, &path, upload, digest)?)
            }
        };
        file.write(block)
    }
}

/// Takes the noncurrent versions out of collected rows whose key's current version is not in the
/// plan.
fn exclude_unfollowed(
    mut spools: Vec<(SeriesLabel, LaneSpool)>,
    shards: &Shards<SeriesLabel>,
    (open, folders): (&OpenFiles, &Folders),
    exclusions: &mut Vec<ExclusionFile>,
    stop: &AtomicBool,
) -> Result<Vec<(SeriesLabel, LaneSpool)>, PlanError> {
    if !spools.iter().any(|(label, _)| label.is_superseded()) {
        return Ok(spools);
    }
    let (mut files, mut rows) = shards.files(SeriesLabel::follows);
    for (_, spool) in spools.iter_mut().filter(|(label, _)| label.follows()) {
        files.push(spool.flush()?.to_owned());
        rows += spool.rows();
    }
    let current = CurrentVersions { files, rows };
    let reason = NO_CURRENT_VERSION.reason;
    let known = exclusions.iter().position(|exclusions| exclusions.reason == reason);
    let place = known.unwrap_or_else(|| {
        exclusions.push(ExclusionFile { reason: reason.to_owned(), file: None });
        exclusions.len() - 1
    });
    let mut exclude =
        |row: &[u8]| exclusions[place].write(open, folders, LineBlock::at_once(row, 1));
    let look = |(label, spool): (SeriesLabel, LaneSpool)| {
        let spool = match label.is_superseded() {
            true => current.retain_followed(open, spool, stop, &mut exclude)?,
            false => spool,
        };
        Ok((label, spool))
    };
    spools.into_iter().map(look).collect()
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
    bounds: ShardBounds,
    folders: Folders,
    files: OpenFiles,
    shards: Shards<SeriesLabel>,
    /// In the order in which labels were met: the order of series in the plan.
    ways: Vec<SeriesSink>,
    exclusions: Vec<ExclusionFile>,
    /// Whether copies of noncurrent versions stay that no copy of the current version follows.
    keeps_unfollowed: bool,
}

/// The files of a plan.
pub(super) struct PlanFiles {
    pub(super) shards: Vec<(String, SeriesLabel, ShardSummary)>,
    /// By reason, in the order in which reasons were named.
    pub(super) excluded: Vec<ExcludedRows>,
}

impl PlanWriter {
    pub(super) fn new(folders: Folders, bounds: ShardBounds, digest: ManifestDigest) -> Self {
        let files = OpenFiles::new();
        let (manifests, uploads) = (folders.manifests.clone(), folders.manifest_uploads.clone());
        let shards = Shards::new(files.clone(), manifests, uploads, bounds.bytes_max, digest);
        let (ways, exclusions) = (Vec::new(), Vec::new());
        Self { bounds, folders, files, shards, ways, exclusions, keeps_unfollowed: false }
    }

    /// Keeps copies of noncurrent versions that no copy of the current version follows, if the user
    /// takes the reason back.
    pub(super) fn keep_unfollowed(&mut self, keep: bool) {
        self.keeps_unfollowed = keep;
    }

    /// A series for rows with this label.
    pub(super) fn series(&mut self, label: SeriesLabel) -> Result<SeriesId, PlanError> {
        let place = self.ways.len();
        let must_wait = label.is_superseded() && !self.keeps_unfollowed;
        self.ways.push(if self.bounds.jobs.is_some() || must_wait {
            SeriesSink::Spool(label, LaneSpool::create(&self.files, &self.folders.spool, place)?)
        } else {
            let cut = ShardCut::Every(self.bounds.objects_max);
            SeriesSink::Series(Box::new(Series::new(label, cut)))
        });
        Ok(SeriesId(place))
    }

    /// Appends lines to a series.
    pub(super) fn write(
        &mut self,
        series: SeriesId,
        block: LineBlock<'_>,
    ) -> Result<(), PlanError> {
        match &mut self.ways[series.0] {
            SeriesSink::Series(series) => series.write(&mut self.shards, block),
            SeriesSink::Spool(_, spool) => spool.write(block),
        }
    }

    /// A reason for which rows may be excluded, and its place. It is a part of a file's name.
    pub(super) fn reason(&mut self, reason: &str) -> usize {
        self.exclusions.push(ExclusionFile { reason: reason.to_owned(), file: None });
        self.exclusions.len() - 1
    }

    /// Excludes lines, for the reason with this place.
    pub(super) fn exclude(&mut self, reason: usize, block: LineBlock<'_>) -> Result<(), PlanError> {
        self.exclusions[reason].write(&self.files, &self.folders, block)
    }

    /// Ends all files, once nothing is written in the background any more; `stop` interrupts the
    /// cutting of collected rows.
    pub(super) fn finish(mut self, stop: &AtomicBool) -> Result<PlanFiles, PlanError> {
        let mut spools = Vec::new();
        for way in self.ways {
            match way {
                SeriesSink::Series(mut series) => series.finish(&mut self.shards, None)?,
                SeriesSink::Spool(label, spool) => spools.push((label, spool)),
            }
        }
        if !self.keeps_unfollowed {
            let open = (&self.files, &self.folders);
            spools = exclude_unfollowed(spools, &self.shards, open, &mut self.exclusions, stop)?;
        }
        let rows: Vec<u64> = spools.iter().map(|(_, spool)| spool.rows()).collect();
        let counts = spread::deal(&rows, self.bounds.jobs.unwrap_or(0));
        for ((label, spool), count) in spools.into_iter().zip(counts) {
            let ShardBounds { objects_max, jobs, .. } = self.bounds;
            let cut = match jobs {
                None => ShardCut::Every(objects_max),
                // Even shards that are larger than a shard may be are made smaller, and more.
                Some(_) => ShardCut::Evenly {
                    rows: spool.rows(),
                    shards: count.max(spool.rows().div_ceil(objects_max)),
                },
            };
            spool.cut(label, cut, &mut self.shards, stop)?;
        }
        let mut excluded = Vec::new();
        for ExclusionFile { reason, file } in self.exclusions {
            let ended = file.map(|file| file.finish(None)).transpose()?;
            let finished = ended.map(EndedShard::summary).transpose()?;
            let paths = finished.iter().map(|_| excluded_path(&reason)).collect();
            let rows = finished.map_or(0, |finished| finished.rows);
            excluded.push(ExcludedRows { reason, rows, paths });
        }
        let shards = self.shards.into_finished(|label| label.noncurrent)?;
        Ok(PlanFiles { shards, excluded })
    }
}

/// What `plan.json` says of shards, in a plan with these columns that is split by `split_by`.
pub(super) fn described(
    shards: Vec<(String, SeriesLabel, ShardSummary)>,
    plan_columns: &[String],
    split_by: &[String],
) -> Vec<Shard> {
    let shard = |(name, label, file): (String, SeriesLabel, ShardSummary)| {
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
            after: Vec::new(),
            objects: file.rows,
            bytes: file.bytes,
            crc64nvme: file.crc64nvme.to_string(),
            sha256: file.sha256,
            first_key: file.first_key,
            last_key: file.last_key,
            files: Vec::new(),
        }
    };
    let superseded: Vec<bool> = shards.iter().map(|(_, label, _)| label.is_superseded()).collect();
    let mut described: Vec<Shard> = shards.into_iter().map(shard).collect();
    put_in_order(&mut described, &superseded);
    described
}

/// Says of each shard of current versions which shards of noncurrent ones, of the same bucket, are
/// copied before it. Those stand before all others in the plan.
fn put_in_order(shards: &mut [Shard], superseded: &[bool]) {
    let mut earlier: BTreeMap<String, Vec<ShardRange>> = BTreeMap::new();
    for (place, shard) in shards.iter_mut().enumerate() {
        let ranges = earlier.entry(shard.bucket.clone()).or_default();
        if !superseded[place] {
            shard.after.clone_from(ranges);
            continue;
        }
        match ranges.last_mut() {
            Some(range) if range.last + 1 == place => range.last = place,
            _ => ranges.push(ShardRange { first: place, last: place }),
        }
    }
}

fn excluded_name(reason: &str) -> String {
    format!("{reason}.csv")
}

fn excluded_path(reason: &str) -> String {
    format!("{EXCLUDED}/{}", excluded_name(reason))
}
