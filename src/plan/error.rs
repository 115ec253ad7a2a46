//! What can go wrong while a plan is made, or read back.

use std::io;

use super::document::PLAN_VERSION;
use super::names::{PLAN, PLAN_BYTES_MAX, SHARDS_MAX, SHARDS_MERGED_MAX};
use crate::diagnostic::parameter::{
    BUCKET_KEY, FILTER, FORCE, INCLUDE_INELIGIBLE, JOBS, MANIFEST_BUCKET, MAX_BYTES, MAX_OBJECTS,
    MERGE, NO_VERSION_IDS, OUT, PLAN_FOR, ParameterName, STORAGE_CLASS,
};
use crate::diagnostic::{Diagnostic, ErrorClass};
use crate::parts::PartsError;
use crate::read::ScanError;
use crate::source::{self, FolderError, Location, NotRemoved, StoreError};

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The reports could not be scanned.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// A file of the plan could not be written.
    #[error("{}", path.display())]
    Io {
        /// The file or folder.
        path: Location,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// The folder for the plan holds something.
    #[error(
        "{} is not empty, {found} is there: choose a new folder for {OUT}{}", path.display(),
        replacement(found)
    )]
    NotEmpty {
        /// The folder.
        path: Location,
        /// Something in it, by name; `plan.json` if it is there.
        found: String,
    },
    /// A foreign file, folder or link is in the place of a file of the plan.
    #[error(
        "{} is in the way: it is not a file that a plan.json here lists, and nothing else is \
         replaced; move it away, or choose another {OUT}", path.display()
    )]
    InTheWay {
        /// The file, folder or link.
        path: Location,
    },
    /// Another run finished another plan there meanwhile.
    #[error(
        "{}: another run has finished another plan here in the meantime, and it was not \
         overwritten: choose another {OUT}, or give {FORCE} to replace it", path.display()
    )]
    Overtaken {
        /// The folder.
        path: Location,
    },
    /// A file of another plan is in the place of one of this plan.
    #[error(
        "{} already exists with different content ({what}), and was not overwritten: another run \
         with other options writes here, or was killed; choose another {OUT}, or delete the \
         folder if nothing needs it", path.display()
    )]
    OtherContent {
        /// The object.
        path: Location,
        /// What differs.
        what: String,
    },
    /// A file of this plan was deleted.
    #[error(
        "{} was deleted while this run wrote the plan (another run with {FORCE}?): run the same \
         command again", path.display()
    )]
    Deleted {
        /// The object.
        path: Location,
    },
    /// A file of this plan was replaced.
    #[error(
        "{} was replaced while this run wrote the plan ({what}): another run writes another plan \
         here; wait for it, then choose another {OUT}, or give {FORCE} to replace its plan",
        path.display()
    )]
    Rewritten {
        /// The object.
        path: Location,
        /// What differs.
        what: String,
    },
    /// A `plan.json` that this program can't read, in the way.
    #[error(
        "{}: this program can't read the plan.json here ({what}), and {FORCE} deletes only the \
         files that it lists: choose another {OUT}", path.display()
    )]
    Unreadable {
        /// The object.
        path: Location,
        /// What is wrong with it.
        what: String,
    },
    /// Another run replaces the plan, too.
    #[error(
        "{}: another run is replacing the plan here, too: wait for it, or choose another {OUT}",
        path.display()
    )]
    Replaced {
        /// The folder.
        path: Location,
    },
    /// The folder for temporary files can't be used.
    #[error("{}", path.display())]
    Scratch {
        /// The folder.
        path: Location,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// Another run writes to the folder.
    #[error("{}: another run is writing a plan here; wait for it or choose another {OUT}",
        path.display())]
    Busy {
        /// The folder.
        path: Location,
    },
    /// The plan in the folder has been submitted.
    #[error(
        "{} holds a plan that was submitted (jobs.jsonl): it is not replaced, even with {FORCE}; \
         choose another {OUT}", path.display()
    )]
    Submitted {
        /// The folder.
        path: Location,
    },
    /// A row is longer than a shard may be.
    #[error("a row of {row_bytes} bytes does not fit {MAX_BYTES} {bytes_max}: raise it")]
    RowTooLong {
        /// The row's length.
        row_bytes: u64,
        /// The bound.
        bytes_max: u64,
    },
    /// The bounds give too many shards.
    #[error(
        "more than {SHARDS_MAX} shards, or {SHARDS_MERGED_MAX} of all parts: raise {MAX_OBJECTS} \
         or {MAX_BYTES}, or give {JOBS} to spread the rows over fewer"
    )]
    TooManyShards,
    /// More shards are asked for than a plan can hold.
    #[error("{JOBS} {jobs}: a plan holds at most {SHARDS_MAX} shards; ask for fewer")]
    TooManyJobs {
        /// The number asked for.
        jobs: u64,
    },
    /// A reason to exclude rows that the operation doesn't have.
    #[error(
        "{INCLUDE_INELIGIBLE} {reason}: {operation} excludes no row for that reason{}",
        remedy(reasons)
    )]
    UnknownReason {
        /// The operation.
        operation: &'static str,
        /// What was given.
        reason: String,
        /// The reasons that could be given.
        reasons: Vec<&'static str>,
    },
    /// A rule of the caller's own has a reason that can't name its file, or that another rule has.
    #[error(
        "the rule `{reason}`: its reason is taken, or does not consist of lower-case letters, \
         digits and hyphens"
    )]
    BadReason {
        /// The reason.
        reason: &'static str,
    },
    /// Delete markers were to be included for an operation that can't act on them.
    #[error(
        "{INCLUDE_INELIGIBLE} delete-marker: {operation} acts on objects, and a delete marker is \
         not an object: each in a manifest would be a failed task; leave this reason out (only \
         lambda and replicate jobs can act on delete markers)"
    )]
    DeleteMarkersIncluded {
        /// The operation.
        operation: &'static str,
    },
    /// What is asked for needs version ids, and manifests would have none.
    #[error("{what}: version ids are needed, for it acts on versions, {cause}")]
    VersionIdsNeeded {
        /// The parameter and its value.
        what: String,
        /// Why they would have none.
        cause: NoVersionIds,
    },
    /// Copies of versions, and nothing tells which of them are current.
    #[error(
        "{PLAN_FOR} copy: {} has VersionId without IsLatest, so nothing tells current versions \
         from noncurrent ones, and a copy makes each the newest version of its key: old content \
         could be what is read. Add the field IsLatest to the inventory configuration, and take \
         the next report; or {NO_VERSION_IDS} copies what is current; or {INCLUDE_INELIGIBLE} \
         no-current-version takes them unchecked", path.display()
    )]
    IsLatestNeeded {
        /// The report's manifest.
        path: Location,
    },
    /// A plan is to be replaced, but the folder has none.
    #[error(
        "{} holds no plan (plan.json) that {FORCE} could replace, but {found}: choose another \
         {OUT}", path.display()
    )]
    NotAPlan {
        /// The folder.
        path: Location,
        /// Something in it, by name.
        found: String,
    },
    /// An operation that does not act on the objects of directory buckets.
    #[error(
        "{PLAN_FOR} {operation}: {bucket} is a directory bucket, whose objects only copy and \
         lambda jobs act on; name one of those"
    )]
    DirectoryBucket {
        /// The operation.
        operation: &'static str,
        /// The bucket.
        bucket: String,
    },
    /// Bucket keys for an operation that sets none here.
    #[error(
        "{BUCKET_KEY} says what update-encryption jobs are to do: leave it out with {PLAN_FOR} \
         {operation}"
    )]
    BucketKeyWithoutUpdate {
        /// The operation.
        operation: &'static str,
    },
    /// A storage class for an operation that gives none.
    #[error("{STORAGE_CLASS} says what copies become: leave it out with {PLAN_FOR} {operation}")]
    StorageClassWithoutCopy {
        /// The operation.
        operation: &'static str,
    },
    /// Manifests that are inventory reports can't lie there.
    #[error("{MANIFEST_BUCKET}, the prefix `{prefix}`: {fault}; choose another")]
    ManifestPrefix {
        /// The prefix.
        prefix: String,
        /// What is wrong with it.
        fault: String,
    },
    /// A part of a plan, with something that only a whole plan can have.
    #[error("{what}: {why}; {remedy}")]
    NotForParts {
        /// What was given.
        what: String,
        /// Why a part can't have it.
        why: &'static str,
        /// What to do.
        remedy: String,
    },
    /// Copies of noncurrent versions in a part.
    #[error(
        "{PLAN_FOR} copy of noncurrent versions: each is copied only where the current version of \
         its key is copied after it, and that may be in another part. Into another {OUT}, add AND \
         IsLatest to leave them out, or {INCLUDE_INELIGIBLE} no-current-version to copy them all \
         the same; or make the plan as a whole"
    )]
    NoncurrentInPart,
    /// Parts can't be read or written, or don't fit.
    #[error(transparent)]
    Parts(#[from] PartsError),
    /// Parts are to be merged, and another plan is there.
    #[error(
        "{}: another plan is here than that of these parts ({what}), and it was not overwritten: \
         move it away if it is not needed", path.display()
    )]
    OtherPlan {
        /// The plan's document.
        path: Location,
        /// What differs.
        what: String,
    },
    /// The folder is one of parts.
    #[error(
        "{} holds the parts of a plan (partitions.json), which are not replaced, even with \
         {FORCE}: choose another {OUT}", path.display()
    )]
    Merged {
        /// The folder.
        path: Location,
    },
    /// A bound is zero.
    #[error("{parameter} must be at least 1")]
    ZeroBound {
        /// The bound.
        parameter: ParameterName,
    },
}

/// Why manifests would have no version ids.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoVersionIds {
    /// They were to be left out.
    #[error("and {NO_VERSION_IDS} leaves them out; do without that")]
    Unwanted,
    /// A report has none.
    #[error(
        "and {} has no column VersionId; set IncludedObjectVersions=All in the inventory \
         configuration, and take the next report", path.display()
    )]
    NotReported {
        /// The report's manifest.
        path: Location,
    },
}

impl From<NotRemoved> for PlanError {
    fn from(NotRemoved { path, error }: NotRemoved) -> Self {
        Self::Io { path: path.into(), error }
    }
}

impl From<FolderError> for PlanError {
    fn from(error: FolderError) -> Self {
        match error {
            FolderError::NotEmpty { path, found } => Self::NotEmpty { path: path.into(), found },
            FolderError::Busy { path } => Self::Busy { path: path.into() },
            FolderError::InTheWay { path } => Self::InTheWay { path: path.into() },
            FolderError::Io { path, error } => Self::Io { path: path.into(), error },
        }
    }
}

impl Diagnostic for PlanError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Scan(error) => error.class(),
            Self::Io { error, .. } => source::io_class(error),
            Self::Parts(error) => error.class(),
            Self::OtherPlan { .. } => ErrorClass::Input,
            Self::Scratch { .. } => ErrorClass::Environment,
            _ => ErrorClass::Usage,
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
            Self::Scan(error) => error.hint(),
            Self::Parts(error) => error.hint(),
            Self::Scratch { .. } => {
                Some("TMPDIR names another folder for temporary files".to_owned())
            }
            _ => None,
        }
    }
}

impl PlanError {
    /// Names the file that could not be written.
    pub(super) fn at(path: impl Into<Location>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |error| Self::Io { path, error }
    }

    /// Names the object that could not be stored.
    pub(super) fn not_stored(path: impl Into<Location>) -> impl FnOnce(StoreError) -> Self {
        let path = path.into();
        move |error| match error {
            StoreError::Io(error) => Self::Io { path, error },
            StoreError::Differs { what } => Self::OtherContent { path, what },
            StoreError::Changed => {
                let what = "its file changed on this machine while it was sent; run this again";
                Self::Io { path, error: io::Error::other(what) }
            }
        }
    }
}

/// What else can be done where a plan lies in the folder.
fn replacement(found: &str) -> String {
    if found == PLAN {
        format!(", or give {FORCE} to replace the plan in it")
    } else {
        String::new()
    }
}

fn remedy(reasons: &[&str]) -> String {
    match reasons {
        [] => "; leave it out".to_owned(),
        reasons => format!("; choose one of: {}", reasons.join(", ")),
    }
}

/// Why a plan can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The folder has no plan.
    #[error(
        "{}: no plan.json here: name a folder that `{FILTER} {OUT:#}` wrote, on this machine \
         or in S3", folder.display()
    )]
    Missing {
        /// The folder.
        folder: Location,
    },
    /// It holds parts of one.
    #[error(
        "{}: parts of a plan are here that are not merged yet: run {MERGE} {} when all are made",
        folder.display(), folder.display()
    )]
    Unmerged {
        /// The folder of the parts.
        folder: Location,
    },
    /// It is a part of one.
    #[error(
        "{}: this is a part, not a plan: name the folder of all parts, once {MERGE} has made a \
         plan of them", folder.display()
    )]
    IsPart {
        /// The folder of the part.
        folder: Location,
    },
    /// There is none yet, or there never will be.
    #[error(
        "{}: the plan is not finished: a run is still writing it, or was killed; wait for it, or \
         run `{FILTER}` again", folder.display()
    )]
    Unfinished {
        /// The folder.
        folder: Location,
    },
    /// A newer program wrote it.
    #[error(
        "{}: a plan of version {version}, newer than this program knows ({PLAN_VERSION}): update \
         s3sieve, or use the program that wrote it", path.display()
    )]
    Newer {
        /// The document.
        path: Location,
        /// Its version.
        version: u32,
    },
    /// An older program wrote it.
    #[error(
        "{}: a plan of version {version}, made by s3sieve 0.1; this program reads version \
         {PLAN_VERSION}: make the plan again with `{FILTER}`, or use the program that wrote \
         it", path.display()
    )]
    Older {
        /// The document.
        path: Location,
        /// Its version.
        version: u32,
    },
    /// It is longer than any plan.
    #[error(
        "{}: it has {bytes} bytes, more than any plan ({PLAN_BYTES_MAX}); make the plan again with \
         `{FILTER}`", path.display()
    )]
    TooLong {
        /// The document.
        path: Location,
        /// Its length.
        bytes: u64,
    },
    /// It is not a plan.
    #[error("{}: not a plan", path.display())]
    Malformed {
        /// The document.
        path: Location,
        /// What the parser says.
        #[source]
        error: serde_json::Error,
    },
    /// What it says can't be true.
    #[error(
        "{}: {what}: no plan says so, so it was changed, or another program wrote it; make it \
         again with `{FILTER}`", path.display()
    )]
    Inconsistent {
        /// The document.
        path: Location,
        /// What doesn't fit.
        what: String,
    },
    /// A file is not what the plan says.
    #[error(
        "{}: {what}: the file is not the one that the plan describes; make the plan again",
        path.display()
    )]
    Changed {
        /// The file.
        path: Location,
        /// What differs.
        what: String,
    },
    /// A file is the plan's, but not what the plan says of it.
    #[error(
        "{}: {what}: plan.json is not true of this file, so it was changed, or another program \
         wrote it; make the plan again with `{FILTER}`", path.display()
    )]
    Untrue {
        /// The file.
        path: Location,
        /// What differs.
        what: String,
    },
    /// A manifest in S3 that no job could read.
    #[error(
        "{}: it is encrypted with {how}, and S3 Batch Operations reads CSV manifests only where \
         they are encrypted with SSE-S3: copy the plan's manifests onto themselves (`aws s3 cp \
         --recursive --sse AES256 ADDRESS/manifests ADDRESS/manifests`), then run this again",
        path.display()
    )]
    Encrypted {
        /// The manifest.
        path: Location,
        /// How, by the API's name.
        how: String,
    },
    /// A file can't be read.
    #[error("{}", path.display())]
    Io {
        /// The file.
        path: Location,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// The stop flag was raised.
    #[error("interrupted")]
    Interrupted,
}

impl Diagnostic for ReadError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Io { error, .. } => source::io_class(error),
            Self::Interrupted => ErrorClass::Interrupted,
            _ => ErrorClass::Input,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Malformed { .. } => Some(format!("make the plan again with `{FILTER}`")),
            _ => None,
        }
    }
}

impl ReadError {
    pub(super) fn at(path: &Location) -> impl FnOnce(io::Error) -> Self {
        let path = path.clone();
        move |error| Self::Io { path, error }
    }
}
