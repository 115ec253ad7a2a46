//! Consistency of a `plan.json`: what it says of its files must fit together.
//!
//! What it says decides what jobs do. A plan that somebody changed, or another program wrote, must
//! not count an object in two jobs, name a version by a key, or lead out of its folder. Whether the
//! files are what it says is told by reading them (`manifest_rows.rs`).
//!
//! Never reads a file.

use std::collections::HashSet;

use super::document::columns;
use super::names::{CHECKSUM, EXCLUDED, MANIFEST, MANIFESTS, SHARDS_MAX, SHARDS_MERGED_MAX};
use super::{ManifestDigest, Plan, Shard, ShardRange};
use crate::source::Crc64Nvme;

/// What deflate makes of a byte at most (RFC 1951: 258 bytes of two bits): more rows than fit that
/// can't be in a data file.
const INFLATED_BYTES_MAX: u64 = 1_032;

/// The first inconsistency of a plan, if there is one.
pub(super) fn fault(plan: &Plan) -> Option<String> {
    check(plan).err()
}

fn check(plan: &Plan) -> Result<(), String> {
    check_columns("columns", &plan.columns)?;
    let shards_max = if plan.partitions.is_some() { SHARDS_MERGED_MAX } else { SHARDS_MAX };
    if plan.shards.len() > shards_max {
        return Err(format!("it has {} shards, more than any plan", plan.shards.len()));
    }
    let digest = plan.digest();
    for (place, shard) in plan.shards.iter().enumerate() {
        check_digests(shard, digest)
            .and_then(|()| check_shard(plan, shard))
            .and_then(|()| check_order(&shard.after, place))
            .map_err(|what| format!("shards[{place}]: {what}"))?;
    }
    check_paths(plan)?;
    check_totals(plan)
}

/// The columns of a manifest are always these.
fn check_columns(name: &str, found: &[String]) -> Result<(), String> {
    if [false, true].into_iter().any(|versions| columns(versions) == found) {
        return Ok(());
    }
    Err(format!(
        "{name} is {found:?}, where a manifest has the columns Bucket, Key and perhaps VersionId, \
         in this order"
    ))
}

/// All manifests of a plan have the same digests.
fn check_digests(shard: &Shard, digest: ManifestDigest) -> Result<(), String> {
    let Shard { crc64nvme, sha256, .. } = shard;
    if crc64nvme.parse::<Crc64Nvme>().is_err() {
        return Err(format!("crc64nvme is {crc64nvme:?}, which is not a CRC-64/NVME in Base64"));
    }
    if sha256.is_none() && digest == ManifestDigest::Sha256 {
        return Err("it has no sha256, where other shards have one".to_owned());
    }
    Ok(())
}

fn check_shard(plan: &Plan, shard: &Shard) -> Result<(), String> {
    if let Some(columns) = &shard.columns {
        check_columns("columns", columns)?;
    }
    let is_report = shard.path.ends_with(&format!("/{MANIFEST}"));
    if is_report != plan.inventory.is_some() || is_report == shard.files.is_empty() {
        return Err(
            "path, files and the plan's inventory don't fit: a manifest is either CSV or an \
             inventory report with data files, and all of a plan's are alike"
                .to_owned(),
        );
    }
    let sizes = shard.files.iter().map(|file| file.bytes);
    let rows_bytes = match is_report {
        false => shard.bytes,
        true => sizes.fold(0_u64, u64::saturating_add).saturating_mul(INFLATED_BYTES_MAX),
    };
    // A comma, and a line feed.
    let row_bytes_min = shard.bucket.len() as u64 + 2;
    if shard.objects == 0 || shard.objects > rows_bytes / row_bytes_min {
        return Err(format!("objects is {}, which its bytes can't hold", shard.objects));
    }
    Ok(())
}

/// A shard waits for shards that stand before it.
fn check_order(after: &[ShardRange], place: usize) -> Result<(), String> {
    match after.iter().find(|range| range.first > range.last || range.last >= place) {
        None => Ok(()),
        Some(range) => Err(format!(
            "after has {} to {}, which are not shards before this one",
            range.first, range.last
        )),
    }
}

/// Every file is in its folder, and none is two.
fn check_paths(plan: &Plan) -> Result<(), String> {
    let mut seen = HashSet::new();
    let aside: HashSet<&str> =
        plan.excluded.iter().flat_map(|e| &e.paths).map(String::as_str).collect();
    for path in &plan.files() {
        let is_aside = aside.contains(path.as_str());
        let folder = if is_aside { EXCLUDED } else { MANIFESTS };
        let mut parts = path.split('/');
        let is_part = plan.partitions.is_none_or(|count| is_part(parts.next(), count));
        let is_below = parts.next() == Some(folder) && parts.clone().next().is_some();
        let is_name = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\\', '\0']);
        if !is_part || !is_below || !parts.all(is_name) {
            return Err(format!("the path {path:?} does not lead to a file in {folder}"));
        }
        if !seen.insert(path.as_str()) {
            return Err(format!("the path {path:?} is listed twice"));
        }
    }
    // Requests are named after manifests, and files in S3 after their shard's folder.
    for (place, shard) in plan.shards.iter().enumerate() {
        let folders = if plan.partitions.is_some() { 2 } else { 1 };
        let names: Vec<&str> = shard.path.split('/').skip(folders).collect();
        let is_own = match names[..] {
            [name] => name.ends_with(".csv"),
            [name, MANIFEST] => shard.files.iter().all(|file| is_in(&file.path, name)),
            _ => false,
        };
        if !is_own {
            return Err(format!(
                "shards[{place}]: its files are not named as a plan names them ({MANIFESTS}/00000.\
                 csv, or {MANIFESTS}/00000/{MANIFEST}, {CHECKSUM} and data)"
            ));
        }
    }
    Ok(())
}

/// Whether a folder is that of one of this many parts.
fn is_part(folder: Option<&str>, parts: u32) -> bool {
    let digits = folder.and_then(|name| name.strip_prefix("part-"));
    let digits = digits.filter(|digits| digits.len() == 5);
    digits.and_then(|digits| digits.parse().ok()).is_some_and(|number: u32| number < parts)
}

/// Whether a path leads into this folder of the plan's `manifests`.
fn is_in(path: &str, folder: &str) -> bool {
    path.split('/').nth(1) == Some(folder)
}

/// Rows that match are in a manifest or excluded; a limit lets fewer through.
fn check_totals(plan: &Plan) -> Result<(), String> {
    let objects = sum(plan.shards.iter().map(|shard| shard.objects))?;
    let excluded = sum(plan.excluded.iter().map(|excluded| excluded.rows))?;
    let totals = &plan.totals;
    if excluded != totals.rows_excluded {
        return Err(format!(
            "excluded has {excluded} rows in all, where totals.rows_excluded is {}",
            totals.rows_excluded
        ));
    }
    let kept = totals.rows_matched.checked_sub(totals.rows_excluded);
    let is_true = match plan.limit {
        None => kept == Some(objects),
        Some(limit) => objects <= limit && kept.is_some_and(|kept| objects <= kept),
    };
    if let Some(classes) = &totals.storage_classes {
        let by_class = sum(classes.iter().map(|class| class.objects))?;
        if by_class != objects {
            return Err(format!(
                "totals.storage_classes has {by_class} objects in all, where its shards have \
                 {objects}"
            ));
        }
    }
    if is_true {
        return Ok(());
    }
    Err(format!(
        "its shards have {objects} objects in all, which does not fit totals: {} rows matched, and \
         {} of them were excluded",
        totals.rows_matched, totals.rows_excluded
    ))
}

fn sum(mut counts: impl Iterator<Item = u64>) -> Result<u64, String> {
    let sum = counts.try_fold(0_u64, u64::checked_add);
    sum.ok_or_else(|| "its counts are too large to be added up".to_owned())
}
