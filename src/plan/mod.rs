//! Plans: the matching rows of reports as bounded manifests, with a document that describes them.
//!
//! A plan is a folder: `plan.json`, `manifests/`, `excluded/`. It is written under another name and
//! shows its `plan.json` last, so a folder with a `plan.json` is a finished plan.
//!
//! Never knows about threads, nor how rows are found.

mod consistency;
mod destination;
mod digest;
mod document;
mod eligibility;
mod error;
mod filter;
mod folder;
mod handle;
#[cfg(feature = "aws")]
mod in_place;
mod inventory;
mod line;
mod manifest_rows;
mod merge;
mod names;
mod objects;
mod open_files;
mod options;
mod part;
mod part_document;
mod part_place;
mod places;
mod plan_file;
mod question;
mod read;
mod resolve;
#[cfg(feature = "aws")]
mod scratch;
mod series;
mod shard;
mod sink;
mod spread;
mod subset;
mod verify;
mod versions;
mod warnings;
mod writer;
mod written;

pub use digest::ManifestDigest;
pub(crate) use digest::{FileDigest, FileHasher};
pub use document::{
    ClassObjects, ClassSizes, ExcludedRows, ForOperation, ManifestDataFile, Plan, PlanInventory,
    PlanPredicate, ReportSource, Retry, Shard, ShardBounds, ShardRange, SkippedFile, Totals,
    UncheckedCondition, UnreadableValues,
};
pub(crate) use document::{PLAN_VERSION, name};
pub(crate) use error::{NoVersionIds, PlanError, ReadError};
pub use filter::FilterOutcome;
pub(crate) use filter::selections;
pub(crate) use filter::{filter, tool};
pub(crate) use handle::{PlanHandle, StateError, plan_of_state_folder};
#[cfg(feature = "aws")]
pub(crate) use in_place::{find_manifest, verify_manifests};
pub(crate) use merge::{MergeOutcome, MergedPlan, VerifyShards, merge};
pub use options::{Emit, FilterOptions, OperationOptions};
pub(crate) use options::{OBJECTS_MAX, SHARD_BYTES_MAX};
pub(crate) use part::{PartOutcome, filter_part, filter_parts};
pub(crate) use read::{check_digests, read};
pub(crate) use subset::SubsetPlan;
pub(crate) use verify::{
    OBJECTS_MEMORY_BYTES, VerifyOptions, VerifyReport, check_verify, needs_jobs, verify_plan,
};
pub(crate) use warnings::data_warnings;
