//! Warnings: what a person should know before acting on a plan.
//!
//! Each is a sentence or two that say what is so, and what to do about it. Their order is fixed.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::names::MANIFESTS;
use super::options::{Emit, FilterOptions};
use super::resolve::ResolvedFilter;
use super::sink::SinkOutcome;
use super::{Plan, Shard, UncheckedCondition, UnreadableValues};
use crate::diagnostic::parameter::{
    INCLUDE_INELIGIBLE, JOBS, MAX_BYTES, MAX_OBJECTS, NO_VERSION_IDS, STORAGE_CLASS,
};
use crate::operation::update_encryption::NOT_SSE_KMS;
use crate::operation::{DELETE_MARKER, OperationKind, StorageClass, bucket};
use crate::query::FileSummary;
use crate::report::{Report, is_same_column};
use crate::units::{Count, counted};

/// Buckets that a warning names: a line of them.
const BUCKETS_NAMED_MAX: usize = 5;

/// What decides about a plan's warnings before a row is read. A part of a plan stores it, for the
/// warnings of all parts together are made anew, from the data of all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct WarningGround {
    /// Warnings of the query.
    query: Vec<String>,
    /// What to tell where no row is selected.
    hints: Vec<String>,
    /// Warnings of the reports: of columns that they lack, and of their buckets.
    reports: Vec<String>,
    source_buckets: Vec<String>,
    keeps_class: bool,
    keeps_unfollowed: bool,
    tells_sizes: bool,
    asks_bucket_key_alone: bool,
    emits_inventory: bool,
}

/// Rows that warnings count and a plan does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct WarningCounts {
    /// Selected rows without a version id.
    pub(super) null_versions: u64,
    /// Selected rows that are not encrypted with SSE-KMS, where the query should have asked.
    pub(super) not_sse_kms: u64,
}

impl WarningCounts {
    pub(super) fn of(outcome: &SinkOutcome) -> Self {
        let FileSummary { null_versions, observed, .. } = &outcome.totals;
        Self { null_versions: *null_versions, not_sse_kms: observed[0] }
    }

    /// Adds those of another part.
    pub(super) fn add(&mut self, other: Self) {
        self.null_versions += other.null_versions;
        self.not_sse_kms += other.not_sse_kms;
    }
}

impl WarningGround {
    pub(super) fn new(
        reports: &[Report],
        resolved: &ResolvedFilter,
        options: &FilterOptions,
    ) -> Self {
        let mut of_reports = Vec::new();
        if let Some(operation) = resolved.eligibility.document() {
            let is_for_copies = resolved.eligibility.kind() == Some(OperationKind::Copy);
            let parts = operation.not_checked.iter();
            of_reports.extend(parts.map(|part| not_checked(part, is_for_copies)));
        }
        of_reports.extend(delete_markers_unknown(reports, resolved));
        of_reports.extend(directory_bucket(reports, resolved));
        of_reports.extend(cannot_split(reports, resolved));
        Self {
            query: resolved.query_warnings.clone(),
            hints: resolved.hints.clone(),
            reports: of_reports,
            source_buckets: reports.iter().map(|report| report.source_bucket.clone()).collect(),
            keeps_class: resolved.eligibility.keeps_class(),
            keeps_unfollowed: resolved.eligibility.keeps_unfollowed(),
            tells_sizes: resolved.tells_sizes(),
            asks_bucket_key_alone: resolved.asks_bucket_key_alone,
            emits_inventory: matches!(options.emit, Emit::Inventory(_)),
        }
    }

    /// All warnings for a plan, which tells everything but its warnings.
    pub(super) fn warnings(&self, plan: &Plan, counts: WarningCounts) -> Vec<String> {
        let mut warnings = self.query.clone();
        if plan.totals.rows_matched == 0 {
            warnings.extend(self.hints.iter().cloned());
        }
        warnings.extend(self.reports.iter().cloned());
        warnings.extend(self.other_buckets(plan));
        warnings.extend(self.noncurrent(plan));
        warnings.extend(self.sizes_lost(plan));
        warnings.extend(noncurrent_nameless(plan));
        warnings.extend(self.classes_not_kept(plan));
        warnings.extend(self.bucket_key_alone(plan, counts));
        warnings.extend(no_version_id(plan, counts));
        warnings.extend(more_shards(plan));
        warnings.extend(self.experimental(plan));
        warnings.extend(data_warnings(plan));
        warnings
    }

    /// Rows of buckets that no report is of.
    fn other_buckets(&self, plan: &Plan) -> Option<String> {
        let others =
            plan.shards.iter().filter(|shard| !self.source_buckets.contains(&shard.bucket));
        let rows: u64 = others.clone().map(|shard| shard.objects).sum();
        let names: BTreeSet<&str> = others.map(|shard| &*shard.bucket).collect();
        let named: Vec<&str> = names.iter().take(BUCKETS_NAMED_MAX).copied().collect();
        let more = match names.len() - named.len() {
            0 => String::new(),
            more => format!(" and {} more", Count(more as u64)),
        };
        (rows > 0).then(|| {
            format!(
                "{} of the {} selected rows name another bucket than their report is of: \
                 {}{more}. They are in manifests of their own, and S3 writes no such row: look \
                 into them before their jobs run.",
                Count(rows),
                Count(objects(plan)),
                named.join(", "),
            )
        })
    }

    /// Copies of noncurrent versions become the newest versions.
    fn noncurrent(&self, plan: &Plan) -> Option<String> {
        let (rows, last) = noncurrent_rows(plan, true)?;
        let others = plan.shards.iter().any(|s| plan.lists_versions(s) && !plan.copies_first(s));
        let mut text = format!(
            "{} of the {} selected rows are noncurrent versions: a copy makes each of them the \
             newest version of its key. They are in the manifests up to {last}.",
            Count(rows),
            Count(objects(plan)),
        );
        if self.keeps_unfollowed {
            text += &format!(
                " As {INCLUDE_INELIGIBLE} no-current-version asks, they are copied also where the \
                 current version of the key is not copied after them: old content becomes current \
                 there, and deleted keys come back."
            );
        }
        if others {
            text += " The jobs of the current versions are created when theirs have ended without \
                     a failure. Add AND IsLatest to leave them out.";
        }
        Some(text)
    }

    /// Sizes are added up while rows are read, before it is known which noncurrent versions stay.
    fn sizes_lost(&self, plan: &Plan) -> Option<String> {
        (self.tells_sizes && plan.totals.bytes_objects.is_none()).then(|| {
            "The sizes of the objects in the manifests are not added up, for rows were excluded \
             as no-current-version after their sizes had been counted. Add AND IsLatest to have \
             them."
                .to_owned()
        })
    }

    /// Storage classes that copies should keep, and can't.
    fn classes_not_kept(&self, plan: &Plan) -> Option<String> {
        let values = plan.shards.iter().filter(|_| self.keeps_class).flat_map(|s| &s.split);
        let values = values.filter(|(name, _)| is_same_column(name, "StorageClass"));
        let classes = values.filter_map(|(_, class)| class.as_deref());
        let classes: BTreeSet<&str> = classes.filter(|class| !can_be_kept(class)).collect();
        (!classes.is_empty()).then(|| {
            format!(
                "Copies can't have the storage class {}: name another for those manifests, or \
                 leave those rows out.",
                Vec::from_iter(classes).join(" or "),
            )
        })
    }

    fn bucket_key_alone(&self, plan: &Plan, counts: WarningCounts) -> Option<String> {
        let not_sse_kms = counts.not_sse_kms;
        (self.asks_bucket_key_alone && not_sse_kms > 0).then(|| {
            // They are counted before a limit is known to be reached.
            let which = match plan.limit {
                Some(_) => "Rows that match, and may be among those selected,".to_owned(),
                None => {
                    format!("{} of the {} selected rows", Count(not_sse_kms), Count(objects(plan)))
                }
            };
            format!(
                "{which} are not encrypted with SSE-KMS, so a bucket key does nothing for them: \
                 S3 reports DISABLED for them, too. Add AND EncryptionStatus = 'SSE-KMS' to leave \
                 them out."
            )
        })
    }

    fn experimental(&self, plan: &Plan) -> Option<String> {
        (self.emits_inventory && !plan.shards.is_empty()).then(|| {
            "The manifests are inventory reports of our own, which is experimental: no live job \
             has been run on one yet. Try a small one first, and look at its number of objects \
             before you let it run."
                .to_owned()
        })
    }
}

/// Of a plan's warnings, those that hold whatever was asked.
#[must_use]
pub(crate) fn data_warnings(plan: &Plan) -> Vec<String> {
    let unreadable = plan.unreadable.iter().map(UnreadableValues::warning);
    skipped_files(plan.files_skipped.len() as u64).into_iter().chain(unreadable).collect()
}

fn objects(plan: &Plan) -> u64 {
    plan.shards.iter().map(|shard| shard.objects).sum()
}

fn not_checked(part: &UncheckedCondition, is_for_copies: bool) -> String {
    let UncheckedCondition { reason, condition, missing } = part;
    let meaning = if *reason == NOT_SSE_KMS.reason {
        " Objects with SSE-S3 among them would become SSE-KMS, and cost KMS requests from then on."
    } else if *reason == DELETE_MARKER.reason && is_for_copies {
        " A delete marker among them counts as the current version of its key, so older versions \
         of a deleted key are in the manifests: copied, they bring it back."
    } else {
        ""
    };
    format!("Not checked: {reason} ({condition}).{meaning} {}", remedy(missing))
}

/// A report of versions that does not say which are delete markers, where no operation was named
/// whose rules would tell.
fn delete_markers_unknown(reports: &[Report], resolved: &ResolvedFilter) -> Option<String> {
    let has = |report: &Report, name| report.schema.position(name).is_some();
    let lacks = |report: &&Report| has(report, "VersionId") && !has(report, "IsDeleteMarker");
    let report = reports.iter().find(lacks).filter(|_| resolved.eligibility.kind().is_none())?;
    Some(format!(
        "{} lists versions without the column IsDeleteMarker: rows of delete markers can't be told \
         from those of objects, and no job can do them. Take a report that has it, as S3 writes it",
        report.manifest_path.display()
    ))
}

/// A directory bucket, where no operation was named that could be refused.
fn directory_bucket(reports: &[Report], resolved: &ResolvedFilter) -> Option<String> {
    let mut names = reports.iter().map(|report| &report.source_bucket);
    let name = names.find(|name| bucket::is_directory(name));
    name.filter(|_| resolved.eligibility.kind().is_none()).map(|name| {
        format!("{name} is a directory bucket: only copy and lambda jobs act on its objects.")
    })
}

/// How a report comes to have these columns.
fn remedy(missing: &[String]) -> String {
    let with_versions = ["VersionId", "IsLatest", "IsDeleteMarker"];
    if missing.iter().all(|column| with_versions.contains(&column.as_str())) {
        return "Set IncludedObjectVersions=All in the inventory configuration.".to_owned();
    }
    let fields = if missing.len() == 1 { "field" } else { "fields" };
    format!("Add the {fields} {} to the inventory configuration.", missing.join(" and "))
}

/// Where a report lacks the storage class by which jobs should be told apart.
fn cannot_split(reports: &[Report], resolved: &ResolvedFilter) -> Option<String> {
    let lacking = reports.iter().any(|report| report.schema.position("StorageClass").is_none());
    let why = match resolved.eligibility.kind().filter(|_| lacking)? {
        OperationKind::Copy if resolved.eligibility.keeps_class() => {
            format!(
                "No StorageClass is reported, so copies can't keep theirs: a copy without a class \
                 becomes STANDARD. {STORAGE_CLASS} names one for all."
            )
        }
        OperationKind::Restore => {
            "No StorageClass is reported, so objects of INTELLIGENT_TIERING and of the Glacier \
             classes may stand in one manifest: no job can restore both."
                .to_owned()
        }
        _ => return None,
    };
    Some(format!("{why} {}", remedy(&["StorageClass".to_owned()])))
}

/// Rows of noncurrent versions that don't say which version.
fn noncurrent_nameless(plan: &Plan) -> Option<String> {
    let (rows, _) = noncurrent_rows(plan, false)?;
    Some(format!(
        "{} of the {} selected rows are noncurrent versions, but the manifests hold no version \
         ids: for each such row the job acts on the version that is current when it runs, once \
         more, and fails where that is a delete marker. Add AND IsLatest to leave them out.",
        Count(rows),
        Count(objects(plan)),
    ))
}

/// How many rows of noncurrent versions are in manifests with or without version ids, and the last
/// of these manifests.
fn noncurrent_rows(plan: &Plan, versions: bool) -> Option<(u64, &str)> {
    let shards = plan.shards.iter().filter(|shard| plan.copies_first(shard));
    let shards = shards.filter(|shard| plan.lists_versions(shard) == versions);
    let rows = shards.clone().map(|shard| shard.objects).sum();
    shards.map(|shard| (rows, name(shard))).next_back()
}

/// A manifest's path, without the folder where all are.
fn name(shard: &Shard) -> &str {
    match shard.path.split_once('/') {
        Some((MANIFESTS, name)) => name,
        _ => &shard.path,
    }
}

fn can_be_kept(class: &str) -> bool {
    StorageClass::from_name(class).is_some_and(StorageClass::is_for_copies)
}

fn no_version_id(plan: &Plan, counts: WarningCounts) -> Option<String> {
    let objects = objects(plan);
    let none = objects > 0 && counts.null_versions == objects && plan.limit.is_none();
    none.then(|| {
        format!(
            "No selected row has a version id, so every row names the version `null`. If the \
             bucket was never versioned, {NO_VERSION_IDS} leaves the column out."
        )
    })
}

fn more_shards(plan: &Plan) -> Option<String> {
    let shards = plan.shards.len() as u64;
    let jobs = plan.bounds.jobs.filter(|jobs| shards > *jobs)?;
    Some(format!(
        "{} were needed where {JOBS} asks for {jobs}: a shard holds one bucket (and one value of \
         each column that rows are split by), and no more than {MAX_OBJECTS} and {MAX_BYTES} \
         allow.",
        counted(shards, "shard"),
    ))
}

fn skipped_files(files: u64) -> Option<String> {
    let are = if files == 1 { "is" } else { "are" };
    (files > 0).then(|| {
        format!("{} could not be read and {are} not in this plan.", counted(files, "data file"))
    })
}
