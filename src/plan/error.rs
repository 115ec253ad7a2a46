//! What can go wrong while a plan is made.

use std::io;

use crate::read::ScanError;
use crate::source::{FolderError, Location, NotRemoved, StoreError};

use super::SHARDS_MAX;
use super::folder::PLAN;

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The reports could not be scanned.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// A file of the plan could not be written.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file or folder.
        path: Location,
        /// What the system says.
        error: io::Error,
    },
    /// The folder for the plan holds something.
    #[error(
        "{} is not empty, {found} is there: choose a new folder for --out{}", path.display(),
        if found == PLAN { ", or give --force to replace the plan in it" } else { "" }
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
         replaced; move it away, or choose another --out", path.display()
    )]
    InTheWay {
        /// The file, folder or link.
        path: Location,
    },
    /// Another run finished another plan there meanwhile.
    #[error(
        "{}: another run has finished another plan here in the meantime, and it was not \
         overwritten: choose another --out, or give --force to replace it", path.display()
    )]
    Overtaken {
        /// The folder.
        path: Location,
    },
    /// A file of another plan is in the place of one of this plan.
    #[error(
        "{} already exists with different content ({what}), and was not overwritten: another run \
         with other options writes here, or was killed; choose another --out, or delete the \
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
        "{} was deleted while this run wrote the plan (another run with --force?): run the same \
         command again", path.display()
    )]
    Deleted {
        /// The object.
        path: Location,
    },
    /// A file of this plan was replaced.
    #[error(
        "{} was replaced while this run wrote the plan ({what}): another run writes another plan \
         here; wait for it, then choose another --out, or give --force to replace its plan",
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
        "{}: this program can't read the plan.json here ({what}), and --force deletes only the \
         files that it lists: choose another --out", path.display()
    )]
    Unreadable {
        /// The object.
        path: Location,
        /// What is wrong with it.
        what: String,
    },
    /// Another run replaces the plan, too.
    #[error(
        "{}: another run is replacing the plan here, too: wait for it, or choose another --out",
        path.display()
    )]
    Replaced {
        /// The folder.
        path: Location,
    },
    /// The folder for temporary files can't be used.
    #[error("{}: {error}; TMPDIR names another folder for temporary files", path.display())]
    Scratch {
        /// The folder.
        path: Location,
        /// What the system says.
        error: io::Error,
    },
    /// Another run writes to the folder.
    #[error("{}: another run is writing a plan here; wait for it or choose another --out",
        path.display())]
    Busy {
        /// The folder.
        path: Location,
    },
    /// The plan in the folder has been submitted.
    #[error(
        "{} holds a plan that was submitted (jobs.jsonl): it is not replaced, even with --force; \
         choose another --out", path.display()
    )]
    Submitted {
        /// The folder.
        path: Location,
    },
    /// A row is longer than a shard may be.
    #[error("a row of {row_bytes} bytes does not fit --max-bytes {bytes_max}: raise it")]
    RowTooLong {
        /// The row's length.
        row_bytes: u64,
        /// The bound.
        bytes_max: u64,
    },
    /// The bounds give too many shards.
    #[error(
        "more than {SHARDS_MAX} shards: raise --max-objects or --max-bytes, or give --jobs to \
         spread the rows over fewer"
    )]
    TooManyShards,
    /// More shards are asked for than a plan can hold.
    #[error("--jobs {jobs}: a plan holds at most {SHARDS_MAX} shards; ask for fewer")]
    TooManyJobs {
        /// The number asked for.
        jobs: u64,
    },
    /// A reason to exclude rows that the operation doesn't have.
    #[error(
        "--include-ineligible {reason}: {operation} excludes no row for that reason{}",
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
    /// Delete markers were to be included for an operation that can't act on them.
    #[error(
        "--include-ineligible delete-marker: {operation} acts on objects, and a delete marker is \
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
        /// The flag and its value.
        what: String,
        /// Why they would have none.
        cause: NoVersionIds,
    },
    /// Copies of versions, and nothing tells which of them are current.
    #[error(
        "--for copy: {} has VersionId without IsLatest, so nothing tells current versions from \
         noncurrent ones, and a copy makes each the newest version of its key: old content could \
         be what is read. Add the field IsLatest to the inventory configuration, and take the next \
         report; or --no-version-ids copies what is current; or --include-ineligible \
         no-current-version takes them unchecked", path.display()
    )]
    IsLatestNeeded {
        /// The report's manifest.
        path: Location,
    },
    /// `--force` on a folder that holds no plan.
    #[error(
        "{} holds no plan (plan.json) that --force could replace, but {found}: choose another \
         --out", path.display()
    )]
    NotAPlan {
        /// The folder.
        path: Location,
        /// Something in it, by name.
        found: String,
    },
    /// An operation that does not act on the objects of directory buckets.
    #[error(
        "--for {operation}: {bucket} is a directory bucket, whose objects only copy and lambda \
         jobs act on; name one of those"
    )]
    DirectoryBucket {
        /// The operation.
        operation: &'static str,
        /// The bucket.
        bucket: String,
    },
    /// Bucket keys for an operation that sets none here.
    #[error(
        "--bucket-key says what update-encryption jobs are to do: leave it out with --for \
         {operation}"
    )]
    BucketKeyWithoutUpdate {
        /// The operation.
        operation: &'static str,
    },
    /// A storage class for an operation that gives none.
    #[error("--storage-class says what copies become: leave it out with --for {operation}")]
    StorageClassWithoutCopy {
        /// The operation.
        operation: &'static str,
    },
    /// Manifests that are inventory reports can't lie there.
    #[error("--manifest-bucket, the prefix `{prefix}`: {fault}; choose another")]
    ManifestPrefix {
        /// The prefix.
        prefix: String,
        /// What is wrong with it.
        fault: String,
    },
    /// A bound is zero.
    #[error("{flag} must be at least 1")]
    ZeroBound {
        /// The flag.
        flag: &'static str,
    },
}

/// Why manifests would have no version ids.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoVersionIds {
    /// They were to be left out.
    #[error("and --no-version-ids leaves them out; leave that flag out")]
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

fn remedy(reasons: &[&str]) -> String {
    match reasons {
        [] => "; leave it out".to_owned(),
        reasons => format!("; choose one of: {}", reasons.join(", ")),
    }
}
