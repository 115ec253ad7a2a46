//! Queries: what is asked of the rows of reports.
//!
//! Each asks by a visitor of its own and one worker for all (`run.rs`): matching rows as manifest
//! lines ([`filter`]), counts ([`count`]), or which objects of a set have rows ([`probe`]).
//!
//! Never knows about shards, plans and operations: it is told which rows to keep, which of those to
//! excluded, and hands them on by lane.

mod count;
mod equal;
mod filter;
mod lanes;
mod objects;
mod packed;
mod probe;
mod projection;
mod run;
mod selection;
mod size;
mod sizes;
pub mod stages;
mod text;
mod unreadable;

pub use count::{CountGroup, CountOptions, Counts, GROUPS_MAX, count};
pub use filter::{FileSummary, FilterRequest, FilterSink, filter};
pub use lanes::{LANES_MAX, LaneKey, Lanes};
pub use objects::{HashPartition, OBJECT_BYTES, ObjectSet};
pub use probe::{ObjectFilter, Probe, probe};
pub use projection::Projection;
pub use run::OutputBuffering;
pub use selection::Selection;
pub use sizes::{ClassTotals, SMALL_BYTES, SizeColumns, SizeTotals};
pub use text::{CompiledQuery, Query, column};
pub use unreadable::UnreadableColumn;
