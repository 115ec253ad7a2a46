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
mod objects;
mod open_files;
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

pub use digest::{FileDigest, FileHasher};
pub use document::{
    ClassObjects, ClassSizes, ExcludedRows, ForOperation, ManifestDataFile, PLAN_VERSION, Plan,
    PlanInventory, PlanPredicate, ReportSource, Retry, Shard, ShardBounds, ShardRange, SkippedFile,
    Totals, UncheckedCondition, UnreadableValues,
};
pub use eligibility::OperationOptions;
pub use error::{NoVersionIds, PlanError};
pub use filter::{
    Emit, FilterOptions, FilterOutcome, MEMORY_BYTES_BASE, MEMORY_BYTES_PER_THREAD, OBJECTS_MAX,
    SHARD_BYTES_MAX, filter, memory_bytes_default, selections,
};
pub use handle::{PlanHandle, StateError, plan_of_state_folder};
#[cfg(feature = "aws")]
pub use in_place::{find_manifest, verify_manifests};
pub use read::{ReadError, check_digests, read};
pub use shard::SHARDS_MAX;
pub use subset::SubsetPlan;
pub use verify::{
    OBJECTS_MEMORY_BYTES, VerifiedPlan, VerifyError, VerifyOptions, VerifyReport, needs_jobs,
    verify_plan,
};
pub use warnings::data_warnings;
