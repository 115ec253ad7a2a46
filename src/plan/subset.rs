//! A plan of some of another plan's objects: those whose tasks failed, for example.
//!
//! Rows come in any order, each with the shard that it was in. They go to new shards that have in
//! common what that shard had: bucket, columns, what it was split by. Rows that are set aside go to
//! `excluded/`, by reason.
//!
//! Never knows why a row is kept or set aside.

use std::collections::BTreeMap;
use std::path::Path;

use super::folder::PartialFolder;
use super::series::{Cut, Series, Shards};
use super::shard::{Finished, ShardFile};
use super::{Excluded, Plan, PlanError, Retry, Shard, Totals};

/// Reasons at most: codes of failures, of which a report has a handful.
const REASONS_MAX: usize = 100;

/// Where rows go whose reason is one too many.
const OTHER: &str = "other";

/// A plan being written.
pub struct Subset {
    plan: Plan,
    folder: PartialFolder,
    shards: Shards<usize>,
    /// Series by the first shard of the base that has the same in common.
    series: BTreeMap<usize, Series<usize>>,
    /// For each shard of the base, the first that has the same in common.
    alike: Vec<usize>,
    excluded: BTreeMap<String, ShardFile>,
}

impl Subset {
    /// Begins a plan of objects of `base` in a new folder.
    ///
    /// # Errors
    /// When the folder holds something, or can't be written.
    pub fn create(base: Plan, out: &Path) -> Result<Self, PlanError> {
        let folder = PartialFolder::create(out, false)?;
        let shards = Shards::new(folder.manifests(), None, base.bounds.bytes_max);
        let same = |one: &Shard, other: &Shard| {
            (&one.bucket, &one.columns, &one.split) == (&other.bucket, &other.columns, &other.split)
        };
        let first = |shard: &Shard| base.shards.iter().position(|other| same(shard, other));
        let alike = base.shards.iter().map(|shard| first(shard).unwrap_or_default()).collect();
        let (series, excluded) = (BTreeMap::new(), BTreeMap::new());
        Ok(Self { plan: base, folder, shards, series, alike, excluded })
    }

    /// How many columns the rows of a shard have.
    #[must_use]
    pub fn columns(&self, shard: usize) -> usize {
        self.plan.shards[shard].columns.as_ref().unwrap_or(&self.plan.columns).len()
    }

    /// Keeps a row of a shard: a line with its line feed.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn keep(&mut self, shard: usize, line: &[u8]) -> Result<(), PlanError> {
        let first = self.alike[shard];
        let cut = Cut::Every(self.plan.bounds.objects_max);
        let series = self.series.entry(first).or_insert_with(|| Series::new(first, cut));
        series.write(&mut self.shards, line, 1)
    }

    /// Sets a row aside for a reason: a line with its line feed.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn set_aside(&mut self, reason: &str, line: &[u8]) -> Result<(), PlanError> {
        let full = self.excluded.len() >= REASONS_MAX && !self.excluded.contains_key(reason);
        let reason = if full { OTHER.to_owned() } else { file_name(reason) };
        let file = match self.excluded.entry(reason.clone()) {
            std::collections::btree_map::Entry::Occupied(there) => there.into_mut(),
            std::collections::btree_map::Entry::Vacant(none) => {
                let path = self.folder.excluded().join(format!("{reason}.csv"));
                none.insert(ShardFile::create(&path, None)?)
            }
        };
        file.write(line, 1)
    }

    /// Writes what is left, and shows the plan.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn finish(mut self, retry: Retry, warnings: Vec<String>) -> Result<Plan, PlanError> {
        for series in self.series.values_mut() {
            series.finish(&mut self.shards)?;
        }
        let mut excluded = Vec::new();
        for (reason, file) in self.excluded {
            let Finished { rows, .. } = file.finish()?;
            let path = Some(format!("excluded/{reason}.csv"));
            excluded.push(Excluded { reason, rows, path });
        }
        let base = self.plan;
        let shard = |(name, like, finished): (String, usize, Finished)| Shard {
            path: format!("manifests/{name}"),
            bucket: base.shards[like].bucket.clone(),
            columns: base.shards[like].columns.clone(),
            split: base.shards[like].split.clone(),
            objects: finished.rows,
            bytes: finished.bytes,
            sha256: finished.sha256,
            first_key: finished.first_key,
            last_key: finished.last_key,
            files: Vec::new(),
        };
        let shards: Vec<Shard> =
            self.shards.into_finished(|_| false)?.into_iter().map(shard).collect();
        let kept: u64 = shards.iter().map(|shard| shard.objects).sum();
        let set_aside: u64 = excluded.iter().map(|excluded| excluded.rows).sum();
        let plan = Plan {
            inventory: None,
            limit: None,
            retry: Some(retry),
            totals: Totals { matched: kept + set_aside, excluded: set_aside, ..Totals::default() },
            excluded,
            set_aside: Vec::new(),
            warnings,
            shards,
            ..base
        };
        self.folder.commit(&plan)?;
        Ok(plan)
    }
}

/// A reason as a file's name: `NoSuchKey` is `nosuchkey`.
fn file_name(reason: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = reason.chars().take(60).map(plain).collect();
    if name.is_empty() { "unknown".to_owned() } else { name }
}
