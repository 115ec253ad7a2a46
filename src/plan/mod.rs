//! Plans: the matching rows of reports as bounded manifests, with a document that describes them.
//!
//! A plan is a folder: `plan.json`, `manifests/`, `excluded/`. It is written under another name and
//! shows its `plan.json` last, so a folder with a `plan.json` is a finished plan.
//!
//! Never knows about threads, nor how rows are found.

mod destination;
mod document;
mod error;
mod filter;
mod folder;
mod line;
mod series;
mod shard;
mod sink;
mod spread;

pub use document::{
    Bounds, Excluded, PLAN_VERSION, Plan, Predicate, Report, SetAside, Shard, Totals,
};
pub use error::PlanError;
pub use filter::{
    FilterOptions, MEMORY_BYTES_BASE, MEMORY_BYTES_PER_THREAD, OBJECTS_MAX, SHARD_BYTES_MAX,
    filter, memory_bytes_default, selections,
};
pub use shard::SHARDS_MAX;
