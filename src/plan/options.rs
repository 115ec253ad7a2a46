//! A request for a plan, as it is typed: which rows, for which operation, and how the plan is made.

use jiff::Timestamp;

use super::{ManifestDigest, ShardBounds};
use crate::operation::job::S3Prefix;
use crate::operation::{CopyClass, OperationKind, Rule};
use crate::query::{ObjectFilter, Query};
use crate::read::ScanOptions;
use crate::source::Location;

/// Objects in a shard unless told otherwise. One billion: what every statement of AWS allows for
/// every operation (S3 User Guide: 4 or 20 billion in "Performing object operations in bulk", but
/// one billion in "Troubleshooting Batch Operations").
pub(crate) const OBJECTS_MAX: u64 = 1_000_000_000;

/// Bytes of a shard unless told otherwise. 5 GiB: the largest object that one PUT uploads, about
/// 50 million rows; one more job costs $0.25, the requests for those rows some $300.
pub(crate) const SHARD_BYTES_MAX: u64 = 5 << 30;

/// Memory for output that waits for its turn, whatever the number of threads. 16 MiB.
pub(super) const MEMORY_BYTES_BASE: usize = 16 << 20;

/// Such memory for each thread. 8 MiB: files of a report are much alike, so workers that began
/// together end together, and what waits is about a file's output for each worker. The whole
/// program stays below 64 MiB and 16 MiB a thread.
pub(super) const MEMORY_BYTES_PER_THREAD: usize = 8 << 20;

/// What a plan's manifests are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Emit {
    /// CSV, as S3 documents it for manifests that people make.
    #[default]
    Csv,
    /// Inventory reports, which will lie at this place.
    Inventory(S3Prefix),
}

/// An operation that a plan is for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OperationOptions {
    /// Which.
    pub kind: OperationKind,
    /// Reasons that are not to exclude a row.
    pub include_ineligible: Vec<String>,
    /// For `copy` alone: the storage class of the copies. None means [`CopyClass::Keep`] there.
    pub storage_class: Option<CopyClass>,
    /// For `update-encryption` alone: whether the objects are to use a bucket key, if that is
    /// known by now.
    pub bucket_key: Option<bool>,
}

impl OperationOptions {
    /// This operation, with each of its rules in force.
    #[must_use]
    pub fn new(kind: OperationKind) -> Self {
        let include_ineligible = Vec::new();
        Self { kind, include_ineligible, storage_class: None, bucket_key: None }
    }

    /// Keeps the rows that would be excluded for these reasons.
    #[must_use]
    pub fn include_ineligible<S: Into<String>>(
        mut self,
        reasons: impl IntoIterator<Item = S>,
    ) -> Self {
        self.include_ineligible = reasons.into_iter().map(Into::into).collect();
        self
    }

    /// For `copy` alone: sets the storage class of the copies.
    #[must_use]
    pub fn storage_class(mut self, class: CopyClass) -> Self {
        self.storage_class = Some(class);
        self
    }

    /// For `update-encryption` alone: sets whether the objects are to use a bucket key.
    #[must_use]
    pub fn bucket_key(mut self, bucket_key: bool) -> Self {
        self.bucket_key = Some(bucket_key);
        self
    }
}

/// What to filter, and how.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FilterOptions {
    /// Which rows.
    pub query: Query,
    /// If given, the only objects that match: those that remain of another plan.
    pub(crate) among: Option<ObjectFilter>,
    /// The operation that the plan is for: rows that it can't do are excluded.
    pub operation: Option<OperationOptions>,
    /// Rules of the caller's own: rows for which one is true are excluded, too.
    pub rules: Vec<Rule>,
    /// The folder for the plan.
    pub out: Location,
    /// Whether a plan in that folder may be replaced.
    pub force: bool,
    /// Whether manifests hold version ids where the report has them.
    pub version_ids: bool,
    /// What manifests are.
    pub emit: Emit,
    /// The digests by which the plan knows them.
    pub digest: ManifestDigest,
    /// How shards are bounded.
    pub bounds: ShardBounds,
    /// Columns, each of whose values gets shards of its own.
    pub split_by: Vec<String>,
    /// Bytes of output that may wait in memory; `None`: 16 MiB, and 8 MiB for each thread.
    pub memory_bytes: Option<usize>,
    /// Whether bad data files are skipped instead of ending the run.
    pub keep_going: bool,
    /// What `now()` means in the query, and to rules about dates.
    pub now: Timestamp,
    /// How data files are read.
    pub scan: ScanOptions,
}

impl FilterOptions {
    /// A plan in this folder for the rows that a query selects: CSV manifests in as few files as
    /// the usual [`ShardBounds`] allow, with version ids, without delete markers. An existing plan
    /// is kept.
    #[must_use]
    pub fn new(query: Query, out: impl Into<Location>) -> Self {
        Self {
            query,
            among: None,
            operation: None,
            rules: Vec::new(),
            out: out.into(),
            force: false,
            version_ids: true,
            emit: Emit::default(),
            digest: ManifestDigest::default(),
            bounds: ShardBounds::default(),
            split_by: Vec::new(),
            memory_bytes: None,
            keep_going: false,
            now: Timestamp::now(),
            scan: ScanOptions::default(),
        }
    }

    /// Makes the plan for an operation: rows that it can't do are excluded.
    #[must_use]
    pub fn operation(mut self, operation: OperationOptions) -> Self {
        self.operation = Some(operation);
        self
    }

    /// Excludes rows by a rule of the caller's own, too. Its reason names a file.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Sets whether a plan in the folder may be replaced.
    #[must_use]
    pub fn force(mut self, force: bool) -> Self {
        self.force = force;
        self
    }

    /// Sets whether manifests hold version ids where the report has them.
    #[must_use]
    pub fn version_ids(mut self, version_ids: bool) -> Self {
        self.version_ids = version_ids;
        self
    }

    /// Sets the digests by which the plan knows its manifests.
    #[must_use]
    pub fn digest(mut self, digest: ManifestDigest) -> Self {
        self.digest = digest;
        self
    }

    /// Sets how manifests are bounded.
    #[must_use]
    pub fn bounds(mut self, bounds: ShardBounds) -> Self {
        self.bounds = bounds;
        self
    }

    /// Gives each value of these columns manifests of its own.
    #[must_use]
    pub fn split_by<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.split_by = columns.into_iter().map(Into::into).collect();
        self
    }

    /// Sets whether bad data files are skipped instead of ending the run.
    #[must_use]
    pub fn keep_going(mut self, keep_going: bool) -> Self {
        self.keep_going = keep_going;
        self
    }

    /// Sets what `now()` means in the query, and to rules about dates.
    #[must_use]
    pub fn now(mut self, now: Timestamp) -> Self {
        self.now = now;
        self
    }

    /// Sets how data files are read.
    #[must_use]
    pub fn scan(mut self, scan: ScanOptions) -> Self {
        self.scan = scan;
        self
    }

    /// The memory for output that waits.
    pub(super) fn memory_bytes(&self) -> usize {
        let usual = || MEMORY_BYTES_BASE + MEMORY_BYTES_PER_THREAD * self.scan.threads.get();
        self.memory_bytes.unwrap_or_else(usual)
    }
}

impl Default for ShardBounds {
    /// Bounds that every statement of AWS allows.
    fn default() -> Self {
        Self { objects_max: OBJECTS_MAX, bytes_max: SHARD_BYTES_MAX, jobs: None }
    }
}
