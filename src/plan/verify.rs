//! Verifying a plan: what a newer report says of the objects that the plan lists.
//!
//! Each object is looked for in the newer report by what the manifest names it with. Where it still
//! answers the plan's predicate, it remains to be done; where it doesn't, it is done; where it has
//! no row, it is gone.
//!
//! Memory is bounded: where the objects don't fit it, they are taken in parts, by hash, and the
//! report is scanned once for each part.
//!
//! Never knows how rows are found.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    FilterOptions, OperationOptions, Plan, PlanHandle, ReadError, Shard, check_digests, objects,
};
use crate::diagnostic::parameter::{MEMORY, OUT};
use crate::diagnostic::{Diagnostic, ErrorClass};
use crate::operation::{DELETE_MARKER, OperationKind};
use crate::parts::PartNumber;
use crate::predicate::{Matcher, Predicate};
use crate::query::{
    self, HashPartition, OBJECT_BYTES, ObjectFilter, ObjectSet, Probe, Projection, Query,
};
use crate::read::{ReportSet, RunControl, ScanError, ScanOptions};
use crate::report::{Report, Schema};
use crate::source::Location;

/// Memory for the objects of a plan unless told otherwise. 1 GiB: 46 million objects at a time.
pub(crate) const OBJECTS_MEMORY_BYTES: u64 = 1 << 30;

/// The least such memory. 64 KiB: some 2,800 objects; less would mean a scan for every few.
const OBJECTS_MEMORY_BYTES_MIN: u64 = 64 << 10;

/// A row of the newer report names the object.
const SEEN: u8 = 1;
/// It answers the predicate still.
const ANSWERS: u8 = 2;
/// It is not a current version.
const NONCURRENT: u8 = 4;
/// It was written since the plan's report.
const NEW: u8 = 8;
/// It was current when the plan was made, and its job is not known to have copied it.
const UNPROVEN: u8 = 16;

/// Why a plan can't be held against a report.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VerifyError {
    /// The plan can't be used.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The newer report can't be scanned.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// The report is not newer.
    #[error(
        "{}: a report of {report}, which is not newer than the plan's of {plan}: it can't show \
         what was done since", path.display()
    )]
    NotNewer {
        /// The newer report's manifest.
        path: Location,
        /// When that was begun.
        report: Timestamp,
        /// When the plan's newest report was begun.
        plan: Timestamp,
    },
    /// A report of a bucket that the plan has nothing of.
    #[error(
        "{}: a report of bucket {bucket}, of which the plan has no objects; its buckets: {}",
        path.display(), buckets.join(", ")
    )]
    OtherBucket {
        /// The report's manifest.
        path: Location,
        /// Its bucket.
        bucket: String,
        /// Those of the plan.
        buckets: Vec<String>,
    },
    /// A bucket of the plan that no report lists.
    #[error(
        "no report of bucket {bucket}, of which the plan has objects: name a newer report of \
         every bucket of the plan"
    )]
    BucketMissing {
        /// The bucket.
        bucket: String,
    },
    /// A plan whose manifests of one bucket have different columns.
    #[error("the manifests of bucket {bucket} have different columns: make the plan again")]
    MixedColumns {
        /// The bucket.
        bucket: String,
    },
    /// A plan that doesn't fit the memory, where all of it is needed at once.
    #[error(
        "{MEMORY}: the plan's {objects} objects take {bytes} bytes, and for {OUT} all of them \
         must be held at once; raise it, or leave out {OUT}"
    )]
    TooManyForOut {
        /// How many objects.
        objects: u64,
        /// What they take.
        bytes: u64,
    },
}

impl Diagnostic for VerifyError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Read(error) => error.class(),
            Self::Scan(error) => error.class(),
            Self::MixedColumns { .. } => ErrorClass::Input,
            Self::NotNewer { .. }
            | Self::OtherBucket { .. }
            | Self::BucketMissing { .. }
            | Self::TooManyForOut { .. } => ErrorClass::Usage,
        }
    }

    fn place(&self) -> Option<String> {
        match self {
            Self::Scan(error) => error.place(),
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Read(error) => error.hint(),
            Self::Scan(error) => error.hint(),
            _ => None,
        }
    }
}

/// How to hold a plan against a newer report.
#[derive(Debug, Clone)]
pub(crate) struct VerifyOptions {
    /// What an object still answers that is not done, instead of the plan's predicate.
    pub query: Option<Query>,
    /// Memory for the objects of the plan, in bytes.
    pub memory_bytes: u64,
    /// Whether all objects must be held at once, to make a plan of those that remain.
    pub finds_rest: bool,
    /// What `now()` means in the query.
    pub now: Timestamp,
    /// How data files are read.
    pub scan: ScanOptions,
    /// The places of the shards whose jobs are known to have done every task. Only asked for where
    /// [`needs_jobs`] says so.
    pub clean: BTreeSet<usize>,
    /// The part of the objects that is looked for, by hash; none for all.
    pub part: Option<PartNumber>,
}

/// What became of a plan's objects.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct VerifyReport {
    /// Different objects that the plan lists.
    pub objects: u64,
    /// Those that are there and no longer answer the predicate.
    pub objects_done: u64,
    /// Those that still do.
    pub objects_remaining: u64,
    /// Of these, those written after the plan's report was begun; none where the newer report does
    /// not tell.
    pub objects_remaining_new: Option<u64>,
    /// Versions that still answer it, but are no longer current, in a plan for `copy`: their copies
    /// took their places.
    pub objects_superseded: u64,
    /// Such versions that were current when the plan was made, and whose job is not known to have
    /// copied them. What took their places may be the copy of an older version.
    pub objects_unverified: u64,
    /// Those that the newer report has no row of, or only that of a delete marker.
    pub objects_gone: u64,
    /// Rows of the newer report.
    pub rows: u64,
    /// How often it was scanned.
    pub passes: u64,
    /// What a person should know.
    pub warnings: Vec<String>,
}

impl VerifyReport {
    /// Adds what became of other objects of the same plan, by the same reports.
    #[must_use]
    pub(crate) fn add(mut self, other: &Self) -> Self {
        self.objects = self.objects.saturating_add(other.objects);
        self.objects_done = self.objects_done.saturating_add(other.objects_done);
        self.objects_remaining = self.objects_remaining.saturating_add(other.objects_remaining);
        self.objects_remaining_new = self
            .objects_remaining_new
            .zip(other.objects_remaining_new)
            .map(|(a, b)| a.saturating_add(b));
        self.objects_superseded = self.objects_superseded.saturating_add(other.objects_superseded);
        self.objects_unverified = self.objects_unverified.saturating_add(other.objects_unverified);
        self.objects_gone = self.objects_gone.saturating_add(other.objects_gone);
        // Each part has read the same reports.
        self.passes = self.passes.saturating_add(other.passes);
        self
    }

    /// Whether the newer report shows anything of the plan's objects: one that has none of them
    /// may be of another bucket.
    #[must_use]
    pub(crate) const fn shows_some(&self) -> bool {
        self.objects == 0 || self.objects_gone < self.objects
    }
}

/// The outcome, and what a plan of the objects that remain is made from.
#[derive(Debug)]
pub(crate) struct VerifiedPlan {
    /// What became of the plan's objects.
    pub outcome: VerifyReport,
    /// The plan.
    plan: Plan,
    /// The objects that remain, where they were to be held.
    rest: Option<ObjectFilter>,
    /// What they still answer.
    query: Query,
}

impl VerifiedPlan {
    /// What to filter the same newer reports with, to get a plan of the objects that remain, for
    /// the same operation; none unless they were to be held.
    #[must_use]
    pub(crate) fn rest(
        self,
        out: Location,
        force: bool,
        options: &VerifyOptions,
    ) -> Option<FilterOptions> {
        let among = self.rest?;
        let digest = self.plan.digest();
        let operation = self.plan.operation.and_then(|operation| {
            Some(OperationOptions {
                kind: OperationKind::from_name(&operation.name)?,
                include_ineligible: operation.included,
                storage_class: operation.storage_class,
                bucket_key: operation.bucket_key,
            })
        });
        let mut rest = FilterOptions::new(self.query, out)
            .force(force)
            .version_ids(among.is_versioned)
            .bounds(self.plan.bounds)
            .digest(digest)
            .now(options.now)
            .scan(options.scan);
        rest.operation = operation;
        rest.among = Some(among);
        Some(rest)
    }
}

/// Whether a plan can be held against these reports.
///
/// # Errors
/// When the reports are not newer, or are of other buckets; when the query doesn't fit one.
pub(crate) fn check_verify(
    plan: &Plan,
    opened: &ReportSet,
    options: &VerifyOptions,
) -> Result<(), VerifyError> {
    ProbeRequest::new(plan, opened, options).map(|_| ())
}

/// Holds a plan against newer reports of its buckets.
///
/// # Errors
/// When the plan was changed or can't be read, the reports are not newer or are of other buckets,
/// a data file is bad, or the run is interrupted.
pub(crate) fn verify_plan(
    handle: &PlanHandle,
    opened: &ReportSet,
    options: &VerifyOptions,
    control: RunControl<'_>,
) -> Result<VerifiedPlan, VerifyError> {
    let (plan, folder) = (&handle.plan, handle.folder());
    check_digests(folder, plan, control.stop)?;
    let question = ProbeRequest::new(plan, opened, options)?;
    let objects: u64 = plan.shards.iter().map(|shard| shard.objects).sum();
    let marks: Vec<u8> = unverified(plan, &options.clean);
    let memory_bytes = options.memory_bytes.max(OBJECTS_MEMORY_BYTES_MIN);
    let (part, parts) = options.part.map_or((0, 1), |p| (p.number().into(), p.parts().into()));
    let memory_bytes = memory_bytes.saturating_mul(parts);
    let passes = objects.saturating_mul(OBJECT_BYTES).div_ceil(memory_bytes).max(1);
    if options.finds_rest && passes > 1 {
        let bytes = objects.saturating_mul(OBJECT_BYTES);
        return Err(VerifyError::TooManyForOut { objects, bytes });
    }
    let mut outcome =
        VerifyReport { passes, warnings: question.notes.clone(), ..VerifyReport::default() };
    let mut rest = None;
    for number in 0..passes {
        let part = HashPartition { number: part * passes + number, of: parts * passes };
        let set = objects::load(folder, plan, question.is_versioned, part, &marks, control.stop)?;
        let scanned = query::probe(opened, &set, &question.probes, options.scan, control)?;
        outcome.rows = scanned.rows;
        count(&set, &question, &mut outcome);
        rest = options.finds_rest.then(|| ObjectFilter {
            objects: Arc::new(set),
            all_of: SEEN | ANSWERS,
            none_of: if question.is_copy { NONCURRENT } else { 0 },
            is_versioned: question.is_versioned,
        });
    }
    let query = question.rest_query(&opened.reports);
    Ok(VerifiedPlan { outcome, plan: plan.clone(), rest, query })
}

/// Whether only its jobs can tell what took the place of a version that the plan copies. Where
/// noncurrent versions are copied first, or were in the plan that this one tries again, that can be
/// the copy of an older version.
#[must_use]
pub(crate) fn needs_jobs(plan: &Plan) -> bool {
    plan.retry.is_some() || plan.shards.iter().any(|shard| !shard.after.is_empty())
}

/// The marks that the objects of each shard have from the start.
fn unverified(plan: &Plan, clean: &BTreeSet<usize>) -> Vec<u8> {
    let is_asked =
        |shard: &Shard| !shard.after.is_empty() || (plan.retry.is_some() && !shard.is_noncurrent());
    let marks = |(place, shard): (usize, &Shard)| {
        if is_asked(shard) && !clean.contains(&place) { UNPROVEN } else { 0 }
    };
    plan.shards.iter().enumerate().map(marks).collect()
}

/// What is asked of the newer reports.
struct ProbeRequest {
    probes: Vec<Probe>,
    query: Query,
    is_copy: bool,
    /// Whether objects are looked for by version, too.
    is_versioned: bool,
    /// Whether delete markers are in the plan, as asked for.
    lists_markers: bool,
    tells_new: bool,
    notes: Vec<String>,
}

impl ProbeRequest {
    fn new(plan: &Plan, opened: &ReportSet, options: &VerifyOptions) -> Result<Self, VerifyError> {
        let buckets = buckets(plan)?;
        let lists_versions = |report: &Report| report.schema.position("VersionId").is_some();
        let has_versions = buckets.values().any(|versions| *versions);
        // Named by key alone, the current version is meant.
        let is_versioned = has_versions && opened.reports.iter().all(lists_versions);
        let begun = newest(plan);
        refuse_others(&buckets, &opened.reports)?;
        refuse_older(begun, &opened.reports)?;
        let query = options
            .query
            .clone()
            .unwrap_or_else(|| Query::Where(plan.predicate.understood.clone()));
        let kind = plan.operation.as_ref().and_then(|o| OperationKind::from_name(&o.name));
        let mut question = Self {
            probes: Vec::new(),
            query,
            is_copy: kind == Some(OperationKind::Copy),
            is_versioned,
            lists_markers: lists_markers(plan),
            tells_new: begun.is_some(),
            notes: Vec::new(),
        };
        for report in &opened.reports {
            let lookup = question.lookup(report, begun, options)?;
            question.probes.push(lookup);
        }
        question.notes(has_versions, begun, &opened.reports);
        Ok(question)
    }

    fn lookup(
        &mut self,
        report: &Report,
        begun: Option<Timestamp>,
        options: &VerifyOptions,
    ) -> Result<Probe, VerifyError> {
        let schema = &report.schema;
        let has = |name| schema.position(name).is_some();
        // A report without Bucket or Key was refused when it was read.
        let place = |name| schema.position(name).unwrap_or(0);
        let test = |text: &str| matcher(report, text, options.now);
        let compiled = self.query.compile_for(report, options.now)?;
        // Where a version is named `null`, a delete marker can take its name.
        let asks_latest = !self.is_versioned && has("IsLatest");
        let asks_marker = !self.lists_markers && has("IsDeleteMarker");
        let among = match (asks_latest, asks_marker) {
            (false, false) => "TRUE",
            (true, false) => "IsLatest",
            (false, true) => "IsDeleteMarker IS NOT TRUE",
            (true, true) => "IsLatest AND IsDeleteMarker IS NOT TRUE",
        };
        let mut marks = vec![(compiled.predicate.compile(), ANSWERS)];
        if has("IsLatest") {
            marks.push((test("NOT IsLatest")?, NONCURRENT));
        }
        match begun.filter(|_| has("LastModifiedDate")) {
            Some(begun) => marks.push((test(&format!("LastModifiedDate > '{begun}'"))?, NEW)),
            None => self.tells_new = false,
        }
        Ok(Probe {
            schema: schema.clone(),
            among: test(among)?,
            projection: Projection {
                bucket: place("Bucket"),
                key: place("Key"),
                version: schema.position("VersionId").filter(|_| self.is_versioned),
            },
            marks,
            seen: SEEN,
        })
    }

    /// What rows of the newer reports a plan of the rest takes. By key alone, current versions.
    fn rest_query(&self, reports: &[Report]) -> Query {
        let tell_latest = reports.iter().all(|report| report.schema.position("IsLatest").is_some());
        match &self.query {
            Query::Where(text) if !self.is_versioned && tell_latest => {
                Query::Where(format!("({text}) AND IsLatest"))
            }
            query => query.clone(),
        }
    }

    fn notes(&mut self, has_versions: bool, begun: Option<Timestamp>, reports: &[Report]) {
        if has_versions && !self.is_versioned {
            self.notes.push(
                "the newer report has no VersionId: objects were looked for by key alone".into(),
            );
        }
        if begun.is_none() || reports.iter().any(|report| report.created.is_none()) {
            self.notes.push(
                "one of the reports doesn't say when it was begun: make sure that the one given \
                 here is newer than the plan's"
                    .into(),
            );
        }
        let lacks_latest = |report: &Report| report.schema.position("IsLatest").is_none();
        if self.is_copy && self.is_versioned && reports.iter().any(lacks_latest) {
            self.notes.push(
                "the newer report has no IsLatest: versions whose copies took their places count \
                 as remaining"
                    .into(),
            );
        }
    }
}

fn matcher(report: &Report, text: &str, now: Timestamp) -> Result<Matcher, ScanError> {
    Predicate::parse(text, &report.schema, now)
        .map(|predicate| predicate.compile())
        .map_err(|error| ScanError::Query { path: report.manifest_path.clone(), error })
}

/// The buckets of a plan, and whether their manifests hold version ids.
fn buckets(plan: &Plan) -> Result<BTreeMap<&str, bool>, VerifyError> {
    let mut buckets = BTreeMap::new();
    for shard in &plan.shards {
        let columns = shard.columns.as_ref().unwrap_or(&plan.columns);
        let versions =
            columns.iter().any(|name| Schema::from_names([name]).position("VersionId").is_some());
        if *buckets.entry(shard.bucket.as_str()).or_insert(versions) != versions {
            return Err(VerifyError::MixedColumns { bucket: shard.bucket.clone() });
        }
    }
    Ok(buckets)
}

/// Whether delete markers were not to be excluded: they are objects of the plan, too.
fn lists_markers(plan: &Plan) -> bool {
    let included = plan.operation.iter().flat_map(|operation| &operation.included);
    included.into_iter().any(|reason| reason == DELETE_MARKER.reason)
}

/// When the newest of a plan's reports was begun, if it is known.
fn newest(plan: &Plan) -> Option<Timestamp> {
    let begun = plan.reports.iter().filter_map(|report| report.created.as_ref()?.parse().ok());
    begun.max()
}

fn refuse_others(buckets: &BTreeMap<&str, bool>, reports: &[Report]) -> Result<(), VerifyError> {
    let listed: BTreeSet<&str> =
        reports.iter().map(|report| report.source_bucket.as_str()).collect();
    if let Some(other) = reports.iter().find(|r| !buckets.contains_key(r.source_bucket.as_str()))
        && !buckets.is_empty()
    {
        return Err(VerifyError::OtherBucket {
            path: other.manifest_path.clone(),
            bucket: other.source_bucket.clone(),
            buckets: buckets.keys().map(|bucket| (*bucket).to_owned()).collect(),
        });
    }
    match buckets.keys().find(|bucket| !listed.contains(*bucket)) {
        Some(bucket) => Err(VerifyError::BucketMissing { bucket: (*bucket).to_owned() }),
        None => Ok(()),
    }
}

fn refuse_older(begun: Option<Timestamp>, reports: &[Report]) -> Result<(), VerifyError> {
    for report in reports {
        if let (Some(plan), Some(created)) = (begun, report.created)
            && created <= plan
        {
            let path = report.manifest_path.clone();
            return Err(VerifyError::NotNewer { path, report: created, plan });
        }
    }
    Ok(())
}

/// Adds up what was seen of one part.
fn count(set: &ObjectSet, question: &ProbeRequest, outcome: &mut VerifyReport) {
    let mut new = 0;
    outcome.objects += set.len();
    for marks in set.all_marks() {
        if marks & SEEN == 0 {
            outcome.objects_gone += 1;
        } else if marks & ANSWERS == 0 {
            outcome.objects_done += 1;
        } else if question.is_copy && question.is_versioned && marks & NONCURRENT != 0 {
            match marks & UNPROVEN {
                0 => outcome.objects_superseded += 1,
                _ => outcome.objects_unverified += 1,
            }
        } else {
            outcome.objects_remaining += 1;
            new += u64::from(marks & NEW != 0);
        }
    }
    if question.tells_new {
        *outcome.objects_remaining_new.get_or_insert(0) += new;
    }
}
