//! Queries: what is asked of the rows of reports.
//!
//! Each asks by a visitor of its own and one worker for all (`run.rs`): matching rows as manifest
//! lines ([`filter`]), any columns of them ([`rows`]), counts ([`count`]), or which objects of a
//! set have rows ([`probe`]).
//!
//! Never knows about shards, plans and operations: it is told which rows to keep, which of those to
//! exclude, and hands them on by lane.

mod count;
mod count_part;
mod equal;
mod filter;
mod lanes;
mod objects;
mod packed;
mod probe;
mod projection;
mod rows;
mod run;
mod selection;
mod size;
mod sizes;
pub(crate) mod stages;
mod text;
mod unreadable;

pub use count::{CountGroup, CountOptions, Counts};
pub(crate) use count::{CountNotes, count, count_files};
pub(crate) use count_part::CountPart;
pub(crate) use filter::filter;
pub(crate) use filter::{FileSummary, FilterRequest, FilterSink};
pub(crate) use lanes::LANES_MAX;
pub(crate) use lanes::{LaneKey, Lanes};
pub(crate) use objects::{HashPartition, OBJECT_BYTES, ObjectSet};
pub(crate) use probe::{ObjectFilter, Probe, probe};
pub use projection::Projection;
pub(crate) use rows::rows;
pub use rows::{MatchedRow, RowsOptions, RowsOutcome};
pub(crate) use run::OutputBuffering;
pub(crate) use selection::Selection;
pub(crate) use sizes::{SizeColumns, SizeTotals};
pub use text::Query;
pub(crate) use text::{CompiledQuery, column};
pub use unreadable::UnreadableColumn;
