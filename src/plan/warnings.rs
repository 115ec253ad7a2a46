//! Warnings: what a person should know before acting on a plan.
//!
//! Each is a sentence or two that say what is so, and what to do about it. Their order is fixed.

use super::resolve::ResolvedFilter;
use super::sink::SinkOutcome;
use super::{Emit, FilterOptions, Plan, UncheckedCondition, UnreadableValues};
use crate::operation::update_encryption::NOT_SSE_KMS;
use crate::operation::{DELETE_MARKER, OperationKind, StorageClass, bucket};
use crate::report::Report;
use crate::units::{Count, counted};

/// Buckets that a warning names: a line of them.
const BUCKETS_NAMED_MAX: usize = 5;

/// All warnings for a plan.
pub(super) fn warnings(
    reports: &[Report],
    resolved: &ResolvedFilter,
    options: &FilterOptions,
    outcome: &SinkOutcome,
) -> Vec<String> {
    let mut warnings = resolved.query_warnings.clone();
    if outcome.totals.matched == 0 {
        warnings.extend(resolved.hints.iter().cloned());
    }
    if let Some(operation) = resolved.eligibility.document() {
        let is_for_copies = resolved.eligibility.kind() == Some(OperationKind::Copy);
        let parts = operation.not_checked.iter();
        warnings.extend(parts.map(|part| not_checked(part, is_for_copies)));
    }
    warnings.extend(delete_markers_unknown(reports, resolved));
    warnings.extend(directory_bucket(reports, resolved));
    warnings.extend(other_buckets(reports, outcome));
    warnings.extend(cannot_split(reports, resolved));
    warnings.extend(noncurrent(resolved, outcome));
    warnings.extend(sizes_lost(resolved, outcome));
    warnings.extend(noncurrent_nameless(outcome));
    warnings.extend(classes_not_kept(resolved, outcome));
    warnings.extend(bucket_key_alone(resolved, outcome));
    warnings.extend(no_version_id(resolved, outcome));
    warnings.extend(more_shards(options, outcome));
    warnings.extend(experimental(options, outcome));
    warnings.extend(skipped_files(outcome.files_skipped.len() as u64));
    warnings.extend(outcome.totals.unreadable.iter().map(|u| UnreadableValues::from(u).warning()));
    warnings
}

/// Of a plan's warnings, those that hold whatever was asked.
#[must_use]
pub fn data_warnings(plan: &Plan) -> Vec<String> {
    let unreadable = plan.unreadable.iter().map(UnreadableValues::warning);
    skipped_files(plan.files_skipped.len() as u64).into_iter().chain(unreadable).collect()
}

fn objects(outcome: &SinkOutcome) -> u64 {
    outcome.written.shards.iter().map(|(_, _, file)| file.rows).sum()
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

/// Rows of buckets that no report is of.
fn other_buckets(reports: &[Report], outcome: &SinkOutcome) -> Option<String> {
    let is_own = |bucket: &[u8]| reports.iter().any(|r| r.source_bucket.as_bytes() == bucket);
    let shards = outcome.written.shards.iter();
    let others = shards.filter(|(_, label, _)| !is_own(&label.bucket));
    let rows: u64 = others.clone().map(|(_, _, file)| file.rows).sum();
    let mut names: Vec<_> =
        others.map(|(_, label, _)| String::from_utf8_lossy(&label.bucket)).collect();
    names.sort_unstable();
    names.dedup();
    let more = names.len().saturating_sub(BUCKETS_NAMED_MAX);
    names.truncate(BUCKETS_NAMED_MAX);
    let more = if more > 0 { format!(" and {} more", Count(more as u64)) } else { String::new() };
    (rows > 0).then(|| {
        format!(
            "{} of the {} selected rows name another bucket than their report is of: {}{more}. \
             They are in manifests of their own, and S3 writes no such row: look into them before \
             their jobs run.",
            Count(rows),
            Count(objects(outcome)),
            names.join(", "),
        )
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
            "No StorageClass is reported, so copies can't keep theirs: a copy without a class \
             becomes STANDARD. --storage-class names one for all."
        }
        OperationKind::Restore => {
            "No StorageClass is reported, so objects of INTELLIGENT_TIERING and of the Glacier \
             classes may stand in one manifest: no job can restore both."
        }
        _ => return None,
    };
    Some(format!("{why} {}", remedy(&["StorageClass".to_owned()])))
}

/// Copies of noncurrent versions become the newest versions.
fn noncurrent(resolved: &ResolvedFilter, outcome: &SinkOutcome) -> Option<String> {
    let (rows, last) = noncurrent_rows(outcome, true)?;
    let mut labels = outcome.written.shards.iter().map(|(_, label, _)| label);
    let others = labels.any(|label| label.versions && !label.noncurrent);
    let mut text = format!(
        "{} of the {} selected rows are noncurrent versions: a copy makes each of them the newest \
         version of its key. They are in the manifests up to {last}.",
        Count(rows),
        Count(objects(outcome)),
    );
    if resolved.eligibility.keeps_unfollowed() {
        text += " As --include-ineligible no-current-version asks, they are copied also where the \
                 current version of the key is not copied after them: old content becomes current \
                 there, and deleted keys come back.";
    }
    if others {
        text += " The jobs of the current versions are created when theirs have ended without a \
                 failure. Add AND IsLatest to leave them out.";
    }
    Some(text)
}

/// Sizes are added up while rows are read, before it is known which noncurrent versions stay.
fn sizes_lost(resolved: &ResolvedFilter, outcome: &SinkOutcome) -> Option<String> {
    let are_lost = resolved.tells_sizes() && outcome.sizes().is_none();
    are_lost.then(|| {
        "The sizes of the objects in the manifests are not added up, for rows were excluded as \
         no-current-version after their sizes had been counted. Add AND IsLatest to have them."
            .to_owned()
    })
}

/// Rows of noncurrent versions that don't say which version.
fn noncurrent_nameless(outcome: &SinkOutcome) -> Option<String> {
    let (rows, _) = noncurrent_rows(outcome, false)?;
    Some(format!(
        "{} of the {} selected rows are noncurrent versions, but the manifests hold no version \
         ids: for each such row the job acts on the version that is current when it runs, once \
         more, and fails where that is a delete marker. Add AND IsLatest to leave them out.",
        Count(rows),
        Count(objects(outcome)),
    ))
}

/// How many rows of noncurrent versions are in manifests with or without version ids, and the last
/// of these manifests.
fn noncurrent_rows(outcome: &SinkOutcome, versions: bool) -> Option<(u64, &str)> {
    let shards = outcome.written.shards.iter();
    let shards = shards.filter(|(_, label, _)| label.noncurrent && label.versions == versions);
    let rows = shards.clone().map(|(_, _, file)| file.rows).sum();
    shards.map(|(name, _, _)| (rows, name.as_str())).next_back()
}

/// Storage classes that copies should keep, and can't.
fn classes_not_kept(resolved: &ResolvedFilter, outcome: &SinkOutcome) -> Option<String> {
    if !resolved.eligibility.keeps_class() {
        return None;
    }
    let place = resolved.split_by.iter().position(|name| is_storage_class(name))?;
    let values =
        outcome.written.shards.iter().filter_map(|(_, label, _)| label.split[place].as_deref());
    let mut classes: Vec<_> = values.map(String::from_utf8_lossy).collect();
    classes.retain(|class| !class.is_empty() && !can_be_kept(class));
    classes.sort_unstable();
    classes.dedup();
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

fn is_storage_class(name: &str) -> bool {
    super::resolve::same_column(name, "StorageClass")
}

fn bucket_key_alone(resolved: &ResolvedFilter, outcome: &SinkOutcome) -> Option<String> {
    let not_sse_kms = outcome.totals.observed[0];
    (resolved.asks_bucket_key_alone && not_sse_kms > 0).then(|| {
        // They are counted before a limit is known to be reached.
        let which = match resolved.limit {
            Some(_) => "Rows that match, and may be among those selected,".to_owned(),
            None => {
                format!("{} of the {} selected rows", Count(not_sse_kms), Count(objects(outcome)))
            }
        };
        format!(
            "{which} are not encrypted with SSE-KMS, so a bucket key does nothing for them: S3 \
             reports DISABLED for them, too. Add AND EncryptionStatus = 'SSE-KMS' to leave them \
             out."
        )
    })
}

fn no_version_id(resolved: &ResolvedFilter, outcome: &SinkOutcome) -> Option<String> {
    let objects = objects(outcome);
    let none = objects > 0 && outcome.totals.null_versions == objects && resolved.limit.is_none();
    none.then(|| {
        "No selected row has a version id, so every row names the version `null`. If the bucket \
         was never versioned, --no-version-ids leaves the column out."
            .to_owned()
    })
}

fn more_shards(options: &FilterOptions, outcome: &SinkOutcome) -> Option<String> {
    let shards = outcome.written.shards.len() as u64;
    let jobs = options.bounds.jobs.filter(|jobs| shards > *jobs)?;
    Some(format!(
        "{} were needed where --jobs asks for {jobs}: a shard holds one bucket (and one value of \
         each column that rows are split by), and no more than --max-objects and --max-bytes \
         allow.",
        counted(shards, "shard"),
    ))
}

fn experimental(options: &FilterOptions, outcome: &SinkOutcome) -> Option<String> {
    let is_inventory =
        matches!(options.emit, Emit::Inventory(_)) && !outcome.written.shards.is_empty();
    is_inventory.then(|| {
        "The manifests are inventory reports of our own, which is experimental: no live job has \
         been run on one yet. Try a small one first, and look at its number of objects before you \
         let it run."
            .to_owned()
    })
}

fn skipped_files(files: u64) -> Option<String> {
    let are = if files == 1 { "is" } else { "are" };
    (files > 0).then(|| {
        format!("{} could not be read and {are} not in this plan.", counted(files, "data file"))
    })
}
