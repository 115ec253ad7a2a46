//! A plan of some of another plan's objects: those whose tasks failed or never ran, for example.
//!
//! Rows come in any order, each with the shard that it was in. They go to new shards that have in
//! common what that shard had: bucket, columns, what it was split by. Rows that are excluded go to
//! `excluded/`, by reason. Noncurrent versions that are to be copied stay noncurrent: they are
//! copied before the current version of their key, or not at all (`versions`).
//!
//! Never knows why a row is kept or excluded.

use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};
use std::sync::atomic::AtomicBool;

use super::destination::{Destination, UploadTiming};
use super::document::columns;
use super::shard::LineBlock;
use super::writer::{PlanFiles, PlanWriter, SeriesId, SeriesLabel, described};
use super::{Plan, PlanError, ReadError, Retry, Shard, ShardBounds, Totals, objects};
use crate::operation::copy::NO_CURRENT_VERSION;
use crate::query::{HashPartition, OBJECT_BYTES, ObjectSet};
use crate::source::Location;

/// Reasons at most: codes of failures, of which a report has a handful.
const REASONS_MAX: usize = 100;

/// Memory for rows that are known. 256 MiB: 11 million at a time; files are read once for each so
/// many.
const KNOWN_MEMORY_BYTES: u64 = 256 << 20;

/// Where rows go whose reason is one too many.
const OTHER: &str = "other";

/// A plan being written.
pub(crate) struct SubsetPlan {
    plan: Plan,
    writer: PlanWriter,
    destination: Destination,
    /// Columns that some of the base's shards were split by.
    split_by: Vec<String>,
    /// For each shard of the base, the first that has the same in common.
    alike: Vec<usize>,
    /// Series by that shard.
    series: BTreeMap<usize, SeriesId>,
    /// Places of the reasons.
    reasons: BTreeMap<String, usize>,
}

impl SubsetPlan {
    /// Begins a plan of objects of `base` in a new folder.
    ///
    /// # Errors
    /// When the folder holds something, or can't be written.
    pub(crate) fn create(base: Plan, out: &Location) -> Result<Self, PlanError> {
        // Those go before all others, so manifests get their numbers at the end.
        let sending = match base.shards.iter().any(|shard| base.copies_first(shard)) {
            true => UploadTiming::AtTheEnd,
            false => UploadTiming::AtOnce,
        };
        let destination = Destination::create(out, false, sending, &|_| false)?;
        let bounds = ShardBounds { jobs: None, ..base.bounds };
        let mut writer = PlanWriter::new(destination.folders(), bounds, base.digest());
        writer.keep_unfollowed(keeps_unfollowed(&base));
        let same = |one: &Shard, other: &Shard| {
            (&one.bucket, &one.columns, &one.split) == (&other.bucket, &other.columns, &other.split)
        };
        let first = |shard: &Shard| base.shards.iter().position(|other| same(shard, other));
        let alike = base.shards.iter().map(|shard| first(shard).unwrap_or_default()).collect();
        let names: BTreeSet<&String> = base.shards.iter().flat_map(|s| s.split.keys()).collect();
        let split_by = names.into_iter().cloned().collect();
        let (series, reasons) = (BTreeMap::new(), BTreeMap::new());
        Ok(Self { plan: base, writer, destination, split_by, alike, series, reasons })
    }

    /// How many columns the rows of a shard have.
    #[must_use]
    pub(crate) fn columns(&self, shard: usize) -> usize {
        self.plan.shards[shard].columns.as_ref().unwrap_or(&self.plan.columns).len()
    }

    /// Keeps a row of a shard: a line with its line feed.
    ///
    /// # Errors
    /// When it can't be written.
    pub(crate) fn keep(&mut self, shard: usize, line: &[u8]) -> Result<(), PlanError> {
        let first = self.alike[shard];
        let series = match self.series.get(&first) {
            Some(series) => *series,
            None => {
                let series = self.writer.series(self.label(first))?;
                self.series.insert(first, series);
                series
            }
        };
        self.writer.write(series, LineBlock::at_once(line, 1))
    }

    /// Keeps the rows of a shard's manifest that are not `known`, and gives how many. `known` is
    /// called once or several times, and each time names all known rows, at most `known_rows` of
    /// them, as lines without their line feed.
    ///
    /// # Errors
    /// When a manifest can't be read, a row can't be written, or `known` fails.
    pub(crate) fn keep_unknown<E>(
        &mut self,
        folder: &Location,
        shard: usize,
        known_rows: u64,
        mut known: impl FnMut(&mut dyn FnMut(&[u8])) -> Result<(), E>,
        stop: &AtomicBool,
    ) -> Result<u64, E>
    where
        E: From<PlanError> + From<ReadError>,
    {
        let of = known_rows.saturating_mul(OBJECT_BYTES).div_ceil(KNOWN_MEMORY_BYTES).max(1);
        let own = self.plan.shards[shard].clone();
        let mut kept = 0;
        for number in 0..of {
            let part = HashPartition { number, of };
            let mut set = ObjectSet::new(part, objects::room(part, known_rows));
            let mut has_room = true;
            known(&mut |line| has_room &= set.insert(line))?;
            if !has_room {
                let what = format!("there are more than {known_rows} rows in its reports");
                let path = folder.join(&own.path);
                return Err(ReadError::Changed { path, what }.into());
            }
            objects::each_line(folder, &own, stop, &mut |line| {
                if !set.lacks(line) {
                    return Ok(());
                }
                kept += 1;
                self.keep(shard, &[line, b"\n"].concat()).map_err(E::from)
            })?;
        }
        Ok(kept)
    }

    /// What a shard of the base has in common.
    fn label(&self, shard: usize) -> SeriesLabel {
        let Shard { bucket, split, .. } = &self.plan.shards[shard];
        let value = |value: &Option<String>| value.clone().unwrap_or_default().into_bytes();
        SeriesLabel {
            bucket: bucket.clone().into_bytes(),
            versions: self.columns(shard) == columns(true).len(),
            split: self.split_by.iter().map(|name| split.get(name).map(value)).collect(),
            noncurrent: self.plan.copies_first(&self.plan.shards[shard]),
            // No older version of such a key is in the base.
            doomed: false,
        }
    }

    /// Excludes a row for a reason: a line with its line feed.
    ///
    /// # Errors
    /// When it can't be written.
    pub(crate) fn exclude(&mut self, reason: &str, line: &[u8]) -> Result<(), PlanError> {
        let reason = file_name(reason);
        let full = self.reasons.len() >= REASONS_MAX && !self.reasons.contains_key(&reason);
        let reason = if full { OTHER.to_owned() } else { reason };
        let place = match self.reasons.entry(reason) {
            Entry::Occupied(there) => *there.get(),
            Entry::Vacant(none) => {
                let place = self.writer.reason(none.key());
                *none.insert(place)
            }
        };
        self.writer.exclude(place, LineBlock::at_once(line, 1))
    }

    /// Whether older versions of a shard's keys were copied before its job was created.
    #[must_use]
    pub(crate) fn follows_older(&self, shard: usize) -> bool {
        let own = &self.plan.shards[shard];
        // Those of a retry may have been copied by the plan that it continues.
        let may_follow = self.plan.retry.is_some() && own.is_current();
        self.plan.is_for_copies() && (!own.after.is_empty() || may_follow)
    }

    /// Writes what is left, calls `before_shown` once all is written but `plan.json`, and shows the
    /// plan; `stop` interrupts it.
    ///
    /// # Errors
    /// When it can't be written, or `before_shown` fails.
    pub(crate) fn finish<E: From<PlanError>>(
        self,
        retry: Retry,
        warnings: Vec<String>,
        before_shown: impl FnOnce() -> Result<(), E>,
        stop: &AtomicBool,
    ) -> Result<Plan, E> {
        let PlanFiles { shards, mut excluded } = self.writer.finish(stop)?;
        excluded.sort_by(|one, other| one.reason.cmp(&other.reason));
        let base = self.plan;
        let shards = described(shards, &base.columns, &self.split_by);
        let kept: u64 = shards.iter().map(|shard| shard.objects).sum();
        let rows_excluded: u64 = excluded.iter().map(|excluded| excluded.rows).sum();
        let plan = Plan {
            command: "retry".to_owned(),
            inventory: None,
            limit: None,
            retry: Some(retry),
            totals: Totals {
                rows_matched: kept + rows_excluded,
                rows_excluded,
                ..Totals::default()
            },
            excluded,
            files_skipped: Vec::new(),
            unreadable: Vec::new(),
            warnings,
            shards,
            ..base
        };
        before_shown()?;
        self.destination.commit(&plan, stop)?;
        Ok(plan)
    }
}

/// Whether noncurrent versions are copied also where the current version is not.
fn keeps_unfollowed(plan: &Plan) -> bool {
    let included = plan.operation.iter().flat_map(|operation| &operation.included);
    included.into_iter().any(|reason| reason == NO_CURRENT_VERSION.reason)
}

/// A reason as a file's name: `NoSuchKey` is `nosuchkey`.
fn file_name(reason: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = reason.chars().take(60).map(plain).collect();
    if name.is_empty() { "unknown".to_owned() } else { name }
}
