//! Warnings: what a person should know before acting on a plan.
//!
//! Each is a sentence or two that say what is so, and what to do about it. Their order is fixed.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::document::ShardKind;
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
    null_versions: u64,
    /// Selected rows that are not encrypted with SSE-KMS, where the query should have asked.
    not_sse_kms: u64,
}

impl WarningCounts {
    pub(super) fn of(outcome: &SinkOutcome) -> Self {
        let FileSummary { null_versions, observed, .. } = &outcome.totals;
        Self { null_versions: *null_versions, not_sse_kms: observed[0] }
    }

    /// Adds those of another part.
    pub(super) fn add(&mut self, other: Self) {
        self.null_versions = self.null_versions.saturating_add(other.null_versions);
        self.not_sse_kms = self.not_sse_kms.saturating_add(other.not_sse_kms);
    }
}

/// What warnings say of a plan's shards. They are added one by one, in the plan's order.
#[derive(Debug, Default)]
pub(super) struct ShardNotes {
    shards: u64,
    objects: u64,
    /// Objects of buckets that no report is of, and those buckets.
    objects_elsewhere: u64,
    elsewhere: BTreeSet<String>,
    /// Of noncurrent versions, without and with version ids.
    noncurrent: [NoncurrentNotes; 2],
    /// Whether there are current versions besides.
    lists_current: bool,
    /// Storage classes that copies should keep, and can't.
    classes_lost: BTreeSet<String>,
}

/// Noncurrent versions in shards.
#[derive(Debug, Default)]
struct NoncurrentNotes {
    objects: u64,
    shards: u64,
    /// The last of these shards, by name.
    last: String,
}

impl ShardNotes {
    /// Those of a plan.
    pub(super) fn of(ground: &WarningGround, plan: &Plan) -> Self {
        let mut notes = Self::default();
        for shard in &plan.shards {
            notes.add(ground, shard, plan.shard_kind(shard), shard.name());
        }
        notes
    }

    /// The objects in all of them.
    pub(super) fn objects(&self) -> u64 {
        self.objects
    }

    /// Adds a shard of this kind and name.
    pub(super) fn add(
        &mut self,
        ground: &WarningGround,
        shard: &Shard,
        kind: ShardKind,
        name: &str,
    ) {
        self.shards += 1;
        self.objects = self.objects.saturating_add(shard.objects);
        if !ground.source_buckets.contains(&shard.bucket) {
            self.objects_elsewhere = self.objects_elsewhere.saturating_add(shard.objects);
            self.elsewhere.insert(shard.bucket.clone());
        }
        if kind.copies_first {
            let noncurrent = &mut self.noncurrent[usize::from(kind.lists_versions)];
            noncurrent.objects = noncurrent.objects.saturating_add(shard.objects);
            noncurrent.shards += 1;
            name.clone_into(&mut noncurrent.last);
        } else {
            self.lists_current |= kind.lists_versions;
        }
        let class = shard.split.iter().find(|(name, _)| is_same_column(name, "StorageClass"));
        let class = class.and_then(|(_, class)| class.as_deref()).filter(|_| ground.keeps_class);
        self.classes_lost.extend(class.filter(|class| !can_be_kept(class)).map(str::to_owned));
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

    /// All warnings for a plan, which tells everything but its warnings; `shards` has the notes of
    /// all its shards.
    pub(super) fn warnings(
        &self,
        plan: &Plan,
        shards: &ShardNotes,
        counts: WarningCounts,
    ) -> Vec<String> {
        let mut warnings = self.query.clone();
        if plan.totals.rows_matched == 0 {
            warnings.extend(self.hints.iter().cloned());
        }
        warnings.extend(self.reports.iter().cloned());
        warnings.extend(other_buckets(shards));
        warnings.extend(self.noncurrent(shards));
        warnings.extend(self.sizes_lost(plan));
        warnings.extend(noncurrent_nameless(shards));
        warnings.extend(classes_not_kept(shards));
        warnings.extend(self.bucket_key_alone(plan, shards, counts));
        warnings.extend(no_version_id(plan, shards, counts));
        warnings.extend(more_shards(plan, shards));
        warnings.extend(self.experimental(shards));
        warnings.extend(data_warnings(plan));
        warnings
    }

    /// Copies of noncurrent versions become the newest versions.
    fn noncurrent(&self, shards: &ShardNotes) -> Option<String> {
        let NoncurrentNotes { objects, shards: count, last } = &shards.noncurrent[1];
        let place = match last.split_once('/') {
            None => format!("in the manifests up to {last}"),
            // In a merged plan, names follow one another within a part only.
            Some(_) => format!("in the first {} of the plan", counted(*count, "manifest")),
        };
        let mut text = format!(
            "{} of the {} selected rows are noncurrent versions: a copy makes each of them the \
             newest version of its key. They are {place}.",
            Count(*objects),
            Count(shards.objects),
        );
        if self.keeps_unfollowed {
            text += &format!(
                " As {INCLUDE_INELIGIBLE} no-current-version asks, they are copied also where the \
                 current version of the key is not copied after them: old content becomes current \
                 there, and deleted keys come back."
            );
        }
        if shards.lists_current {
            text += " The jobs of the current versions are created when theirs have ended without \
                     a failure. Add AND IsLatest to leave them out.";
        }
        (*objects > 0).then_some(text)
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

    fn bucket_key_alone(
        &self,
        plan: &Plan,
        shards: &ShardNotes,
        counts: WarningCounts,
    ) -> Option<String> {
        let (not_sse_kms, objects) = (counts.not_sse_kms, shards.objects);
        (self.asks_bucket_key_alone && not_sse_kms > 0).then(|| {
            // They are counted before a limit is known to be reached.
            let which = match plan.limit {
                Some(_) => "Rows that match, and may be among those selected,".to_owned(),
                None => format!("{} of the {} selected rows", Count(not_sse_kms), Count(objects)),
            };
            format!(
                "{which} are not encrypted with SSE-KMS, so a bucket key does nothing for them: \
                 S3 reports DISABLED for them, too. Add AND EncryptionStatus = 'SSE-KMS' to leave \
                 them out."
            )
        })
    }

    fn experimental(&self, shards: &ShardNotes) -> Option<String> {
        (self.emits_inventory && shards.shards > 0).then(|| {
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

/// Rows of buckets that no report is of.
fn other_buckets(shards: &ShardNotes) -> Option<String> {
    let ShardNotes { objects, objects_elsewhere, elsewhere, .. } = shards;
    let named: Vec<&str> = elsewhere.iter().take(BUCKETS_NAMED_MAX).map(|name| &**name).collect();
    let more = match elsewhere.len() - named.len() {
        0 => String::new(),
        more => format!(" and {} more", Count(more as u64)),
    };
    (*objects_elsewhere > 0).then(|| {
        format!(
            "{} of the {} selected rows name another bucket than their report is of: {}{more}. \
             They are in manifests of their own, and S3 writes no such row: look into them before \
             their jobs run.",
            Count(*objects_elsewhere),
            Count(*objects),
            named.join(", "),
        )
    })
}

/// Rows of noncurrent versions that don't say which version.
fn noncurrent_nameless(shards: &ShardNotes) -> Option<String> {
    let NoncurrentNotes { objects, .. } = &shards.noncurrent[0];
    (*objects > 0).then(|| {
        format!(
            "{} of the {} selected rows are noncurrent versions, but the manifests hold no version \
             ids: for each such row the job acts on the version that is current when it runs, once \
             more, and fails where that is a delete marker. Add AND IsLatest to leave them out.",
            Count(*objects),
            Count(shards.objects),
        )
    })
}

/// Storage classes that copies should keep, and can't.
fn classes_not_kept(shards: &ShardNotes) -> Option<String> {
    let classes: Vec<&str> = shards.classes_lost.iter().map(|class| &**class).collect();
    (!classes.is_empty()).then(|| {
        format!(
            "Copies can't have the storage class {}: name another for those manifests, or leave \
             those rows out.",
            classes.join(" or "),
        )
    })
}

fn can_be_kept(class: &str) -> bool {
    StorageClass::from_name(class).is_some_and(StorageClass::is_for_copies)
}

fn no_version_id(plan: &Plan, shards: &ShardNotes, counts: WarningCounts) -> Option<String> {
    let objects = shards.objects;
    let none = objects > 0 && counts.null_versions == objects && plan.limit.is_none();
    none.then(|| {
        format!(
            "No selected row has a version id, so every row names the version `null`. If the \
             bucket was never versioned, {NO_VERSION_IDS} leaves the column out."
        )
    })
}

fn more_shards(plan: &Plan, shards: &ShardNotes) -> Option<String> {
    let shards = shards.shards;
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
