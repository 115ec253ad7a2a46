//! `plan.json`: what a finished plan says of itself.
//!
//! The field order here is the order in the file. Documented for readers in `docs/plan.md`, with a
//! JSON Schema in `docs/plan.schema.json`. Everything but `totals.seconds` depends only on the
//! reports and the options, never on the machine or the number of threads.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::names::{CHECKSUM, MANIFEST, MANIFESTS};
use super::{FileDigest, ManifestDigest};
use crate::diagnostic::parameter::BY;
use crate::operation::{CopyClass, OperationKind};
use crate::parts::file_name;
use crate::query::UnreadableColumn;
use crate::report::is_same_column;
use crate::units::{Count, counted};

/// The version of the document, and of all that the program prints as JSON. Raised when a reader of
/// the one before would go wrong.
pub(crate) const PLAN_VERSION: u32 = 2;

/// A finished plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// `PLAN_VERSION` of the program that wrote it.
    pub version: u32,
    /// The command that made it: `filter`, `retry` or `verify`.
    pub command: String,
    /// Name and version of that program.
    pub tool: String,
    /// The reports that were read, in the order in which they were named.
    pub reports: Vec<ReportSource>,
    /// How many parts it was merged of, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partitions: Option<u32>,
    /// Which rows were asked for.
    pub predicate: PlanPredicate,
    /// The operation that the rows were checked for, if one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<ForOperation>,
    /// Where the manifests will lie, if they are inventory reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inventory: Option<PlanInventory>,
    /// What it tries again, if it was made of another plan's failed tasks (`s3sieve retry`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// The most rows that were asked for (`LIMIT`), if there was a bound.
    pub limit: Option<u64>,
    /// The columns of the manifests; a shard whose columns differ says so itself.
    pub columns: Vec<String>,
    /// How shards are bounded.
    pub bounds: ShardBounds,
    /// What was read and found.
    pub totals: Totals,
    /// Matching rows that are not in a manifest, by reason.
    pub excluded: Vec<ExcludedRows>,
    /// Bad data files that were skipped.
    pub files_skipped: Vec<SkippedFile>,
    /// Columns with values that can't be read, as far as they were looked at.
    #[serde(default)]
    pub unreadable: Vec<UnreadableValues>,
    /// What a person should know before acting on the plan.
    pub warnings: Vec<String>,
    /// The manifests.
    pub shards: Vec<Shard>,
}

impl Plan {
    /// Whether both plans have the same files for the same question. What depends on the run alone
    /// doesn't count: how long it took, the program's version, and how reports and predicate were
    /// spelled.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.as_compared() == other.as_compared()
    }

    fn as_compared(&self) -> Self {
        let mut plan = self.clone();
        plan.totals.seconds = 0.0;
        plan.tool.clear();
        plan.command.clear();
        plan.predicate.given.clear();
        for report in &mut plan.reports {
            report.manifest.clear();
        }
        // Where files lie differs from machine to machine.
        for skipped in &mut plan.files_skipped {
            skipped.file = file_name(&skipped.file).to_owned();
        }
        for unreadable in &mut plan.unreadable {
            unreadable.file = file_name(&unreadable.file).to_owned();
        }
        plan
    }

    /// The digests of its manifests.
    pub(crate) fn digest(&self) -> ManifestDigest {
        match self.shards.iter().any(|shard| shard.sha256.is_some()) {
            true => ManifestDigest::Sha256,
            false => ManifestDigest::Crc64Nvme,
        }
    }

    /// Whether the rows of one of its shards tell their versions.
    pub(super) fn lists_versions(&self, shard: &Shard) -> bool {
        let columns = shard.columns.as_ref().unwrap_or(&self.columns);
        columns.iter().any(|name| name == "VersionId")
    }

    /// Whether it is for copies, which make noncurrent versions current.
    pub(super) fn is_for_copies(&self) -> bool {
        self.operation.as_ref().is_some_and(|o| o.name == OperationKind::Copy.name())
    }

    /// Whether one of its shards lists noncurrent versions, whose copies are made first.
    pub(super) fn copies_first(&self, shard: &Shard) -> bool {
        self.is_for_copies() && shard.is_noncurrent()
    }

    /// What the rows of one of its shards are.
    pub(super) fn shard_kind(&self, shard: &Shard) -> ShardKind {
        ShardKind {
            lists_versions: self.lists_versions(shard),
            copies_first: self.copies_first(shard),
        }
    }

    /// Its files but `plan.json`, relative to the plan: those that it lists, and the checksum
    /// beside each manifest that is an inventory report.
    #[must_use]
    pub fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        for shard in &self.shards {
            files.extend(shard.files.iter().map(|file| file.path.clone()));
            let folder = shard.path.strip_suffix(MANIFEST);
            files.extend(folder.map(|folder| format!("{folder}{CHECKSUM}")));
            files.push(shard.path.clone());
        }
        files.extend(self.excluded.iter().flat_map(|excluded| excluded.paths.iter().cloned()));
        files
    }
}

impl ClassObjects {
    /// Adds those of other data files.
    pub(super) fn add(&mut self, other: &Self) {
        self.objects = self.objects.saturating_add(other.objects);
        if let (Some(sizes), Some(more)) = (&mut self.sizes, &other.sizes) {
            sizes.bytes_objects = sizes.bytes_objects.saturating_add(more.bytes_objects);
            sizes.objects_below_128_kib =
                sizes.objects_below_128_kib.saturating_add(more.objects_below_128_kib);
            sizes.bytes_below_128_kib =
                sizes.bytes_below_128_kib.saturating_add(more.bytes_below_128_kib);
        }
    }
}

/// What the rows of a shard are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ShardKind {
    /// Whether they tell their versions.
    pub(super) lists_versions: bool,
    /// Whether they are noncurrent versions, whose copies are made before the current ones.
    pub(super) copies_first: bool,
}

/// A report that was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportSource {
    /// Its manifest, as it was named or found.
    pub manifest: String,
    /// The MD5 of the manifest, in hexadecimal. It pins the data files: their MD5s are in there.
    pub manifest_md5: String,
    /// The bucket that the report lists.
    pub source_bucket: String,
    /// When S3 began to make the report; RFC 3339.
    pub created: Option<String>,
    /// `CSV`, `ORC` or `Parquet`.
    pub format: String,
    /// The column names.
    pub schema: Vec<String>,
    /// The place of the first data file that was scanned, in manifest order.
    pub first_file: u64,
    /// How many data files were scanned from there on.
    pub files: u64,
}

/// The predicate of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanPredicate {
    /// As it was given.
    pub given: String,
    /// As it was understood: columns as the (first) report spells them, typed values.
    pub understood: String,
}

/// The operation that a plan is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForOperation {
    /// Its name, as [`crate::operation::OperationKind::name`] gives it.
    pub name: String,
    /// For `copy`: the storage class of the copies, or `keep` where each keeps its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<CopyClass>,
    /// For `update-encryption`: whether the objects are to use a bucket key, if that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket_key: Option<bool>,
    /// Conditions that could not be looked at, because the report lacks a column.
    pub not_checked: Vec<UncheckedCondition>,
    /// Reasons for which no row was excluded, because the user included their rows.
    pub included: Vec<String>,
}

impl ForOperation {
    /// Whether a condition of this reason could not be looked at in some report.
    #[must_use]
    pub fn leaves_unchecked(&self, reason: &str) -> bool {
        self.not_checked.iter().any(|part| part.reason == reason)
    }

    /// Whether rows were not to be excluded for this reason.
    #[must_use]
    pub fn includes(&self, reason: &str) -> bool {
        self.included.iter().any(|included| included == reason)
    }
}

/// Where inventory reports of our own will lie: their manifests name their data files by key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanInventory {
    /// As it was given: `s3://BUCKET/PREFIX`.
    pub place: String,
    /// The folder there, which takes the place of `manifests/`.
    pub folder: String,
}

/// What a plan tries again. It makes its jobs others than those, even where every task failed and
/// the manifests are the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// The jobs whose failed tasks these are.
    pub jobs: Vec<String>,
}

/// A condition of eligibility that could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UncheckedCondition {
    /// The reason that it could have been.
    pub reason: String,
    /// The condition.
    pub condition: String,
    /// The columns that the report lacks: fields to add to the inventory configuration.
    pub missing: Vec<String>,
}

/// How shards are bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardBounds {
    /// Objects in a shard at most.
    pub objects_max: u64,
    /// Bytes of a shard at most.
    pub bytes_max: u64,
    /// The number of shards asked for, where rows are spread evenly.
    pub jobs: Option<u64>,
}

/// What was read and found.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Data files.
    pub files: u64,
    /// Rows in them.
    pub rows: u64,
    /// Rows for which the predicate is true.
    pub rows_matched: u64,
    /// Of those, rows that are not in a manifest because of what they are.
    pub rows_excluded: u64,
    /// Bytes of the data files.
    pub bytes_compressed: u64,
    /// Bytes after decompression.
    pub bytes_raw: u64,
    /// The sizes of the objects in the manifests, added up, in bytes; none where a report has no
    /// Size, or a limit was given.
    pub bytes_objects: Option<u64>,
    /// The objects in the manifests by storage class; none where neither classes nor sizes are
    /// known, or a limit was given.
    pub storage_classes: Option<Vec<ClassObjects>>,
    /// How long it took. The one value that differs from run to run.
    pub seconds: f64,
}

/// The objects of a storage class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassObjects {
    /// The class; none for those of a report without the column, or of a class that has no price.
    pub storage_class: Option<String>,
    /// How many.
    pub objects: u64,
    /// Their sizes, if they are known.
    pub sizes: Option<ClassSizes>,
}

/// The sizes of the objects of a storage class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassSizes {
    /// Added up, in bytes.
    pub bytes_objects: u64,
    /// Objects smaller than 128 KiB, which some classes charge as if they had that size.
    pub objects_below_128_kib: u64,
    /// The sizes of these, added up.
    pub bytes_below_128_kib: u64,
}

/// Rows excluded for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExcludedRows {
    /// The reason, for example `delete-marker`.
    pub reason: String,
    /// How many rows.
    pub rows: u64,
    /// The files that list them, relative to the plan; none where there are no rows.
    pub paths: Vec<String>,
}

/// A data file that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedFile {
    /// The file.
    pub file: String,
    /// What is wrong with it.
    pub error: String,
}

/// A column with values that are not of its type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadableValues {
    /// The column.
    pub column: String,
    /// How many rows have such a value.
    pub rows: u64,
    /// The first such value in report order; its beginning, where it is long.
    pub example: String,
    /// The data file that it is in.
    pub file: String,
    /// The number of its record there, from 1.
    pub record: u64,
}

impl From<&UnreadableColumn> for UnreadableValues {
    fn from(found: &UnreadableColumn) -> Self {
        Self {
            column: found.column.clone(),
            rows: found.rows,
            example: found.example.clone(),
            file: found.file.display().to_string(),
            record: found.record,
        }
    }
}

impl UnreadableValues {
    /// What a person should know of it.
    #[must_use]
    pub fn warning(&self) -> String {
        match (self.when_sizes(), self.rows) {
            (Some(taken), _) => self.said(&format!("; {taken}")),
            (None, 1) => self.said(" and is taken for NULL"),
            (None, _) => self.said(" and are taken for NULL"),
        }
    }

    /// The same, where rows were counted by this column, too.
    #[must_use]
    pub fn warning_where_grouped(&self) -> String {
        let (shown, taken) = match self.rows {
            1 => ("it as it stands", "conditions and sums take it for NULL"),
            _ => ("them as they stand", "conditions and sums take them for NULL"),
        };
        self.said(&format!("; {BY} shows {shown}, {}", self.when_sizes().unwrap_or(taken)))
    }

    /// What becomes of sizes some of which may be below zero: conditions can read these.
    fn when_sizes(&self) -> Option<&'static str> {
        if !is_same_column(&self.column, "Size") {
            return None;
        }
        match self.rows {
            1 if !self.example.starts_with('-') => None,
            1 => Some("sums leave it out, conditions compare it as it stands if it is a number"),
            _ => Some(
                "sums leave them out; conditions compare a number below zero as it stands, and \
                 take any other value for NULL",
            ),
        }
    }

    fn said(&self, taken: &str) -> String {
        let Self { column, rows, example, file, record } = self;
        format!(
            "{} of {column} can't be read{taken}; the first is {example:?}, in record {} of \
             {file}. S3 writes no such value: correct the program that wrote the report.",
            counted(*rows, "value"),
            Count(*record),
        )
    }
}

/// One manifest.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Shard {
    /// The file, relative to the plan.
    pub path: String,
    /// The bucket of all its objects.
    pub bucket: String,
    /// Its columns, where they differ from the plan's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
    /// Columns and values that all its rows share: those to split by, and those that the operation
    /// asks for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub split: BTreeMap<String, Option<String>>,
    /// The shards whose jobs must have ended, every task done, before this one's job may be
    /// created: noncurrent versions that are copied before the current ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<ShardRange>,
    /// How many objects.
    pub objects: u64,
    /// The file's length.
    pub bytes: u64,
    /// The file's CRC-64/NVME, as S3's header `x-amz-checksum-crc64nvme` holds it.
    pub crc64nvme: String,
    /// The file's SHA-256, in hexadecimal, if the plan was made with it
    /// ([`ManifestDigest::Sha256`](super::ManifestDigest)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The key of its first row, as it stands in the manifest.
    pub first_key: String,
    /// The key of its last row, as it stands in the manifest.
    pub last_key: String,
    /// The data files that it lists, where it is an inventory report.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<ManifestDataFile>,
}

impl Shard {
    /// Its path below the folder of manifests; of a plan that was merged of parts, its whole path.
    #[must_use]
    pub(crate) fn name(&self) -> &str {
        name(&self.path)
    }

    /// Whether its rows are noncurrent versions.
    pub(super) fn is_noncurrent(&self) -> bool {
        self.is_latest("false")
    }

    /// Whether its rows are current versions, and were split by that.
    pub(super) fn is_current(&self) -> bool {
        self.is_latest("true")
    }

    /// Whether it was split by `IsLatest`, and holds the rows of this value.
    fn is_latest(&self, resolved: &str) -> bool {
        let latest = self.split.iter().find(|(name, _)| is_same_column(name, "IsLatest"));
        let value = latest.and_then(|(_, value)| value.as_deref());
        value.is_some_and(|value| value.eq_ignore_ascii_case(resolved))
    }

    /// What the plan says of the bytes of its manifest.
    pub(crate) fn digest(&self) -> FileDigest<'_> {
        FileDigest::Manifest { crc64nvme: &self.crc64nvme, sha256: self.sha256.as_deref() }
    }

    /// The length of all its files.
    #[must_use]
    pub fn bytes_total(&self) -> u64 {
        self.files.iter().fold(self.bytes, |sum, file| sum.saturating_add(file.bytes))
    }
}

/// The path of a manifest, or of a file that it lists, below the folder of manifests; in a plan
/// that was merged of parts, whose manifests lie in several folders, its whole path.
#[must_use]
pub(crate) fn name(path: &str) -> &str {
    match path.split_once('/') {
        Some((MANIFESTS, name)) => name,
        _ => path,
    }
}

/// Shards that follow one another in [`Plan::shards`], by their places there, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardRange {
    /// The first.
    pub first: usize,
    /// The last: never less than `first`.
    pub last: usize,
}

/// A data file of a manifest that is an inventory report: gzip, CSV.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestDataFile {
    /// The file, relative to the plan.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// Its MD5, in hexadecimal.
    pub md5: String,
}

/// The columns of a manifest.
pub(super) fn columns(versions: bool) -> Vec<String> {
    let columns: &[&str] =
        if versions { &["Bucket", "Key", "VersionId"] } else { &["Bucket", "Key"] };
    columns.iter().map(|name| (*name).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_below_zero_is_not_said_to_be_null_to_conditions() {
        let note = |column: &str, rows, example: &str| {
            let unreadable = UnreadableValues {
                column: column.to_owned(),
                rows,
                example: example.to_owned(),
                file: "a".to_owned(),
                record: 1,
            };
            (unreadable.warning(), unreadable.warning_where_grouped())
        };
        for (column, rows, example, said) in [
            ("Size", 1, "-5", "conditions compare it as it stands"),
            ("size", 2, "x", "conditions compare a number below zero as it stands"),
        ] {
            let (alone, grouped) = note(column, rows, example);
            assert!(alone.contains(said) && grouped.contains(said), "{alone} {grouped}");
        }
        assert!(note("Size", 1, "1.0E3").0.contains("can't be read and is taken for NULL"));
        assert!(note("LastModifiedDate", 2, "-1").0.contains("and are taken for NULL"));
    }
}
