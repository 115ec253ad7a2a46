//! Queries: what is asked of the rows of reports.
//!
//! Each asks by a visitor of its own and one worker for all ([`run`]): matching rows as manifest
//! lines ([`filter`]), counts ([`count`]), or which objects of a set have rows ([`probe`]).
//!
//! Never knows about shards, plans and operations: it is told which rows to keep, which of those to
//! set aside, and hands them on by lane.

mod count;
mod equal;
mod filter;
mod lanes;
mod objects;
mod packed;
mod probe;
mod projection;
mod run;
mod size;
mod sizes;
pub mod stages;
mod text;
mod unreadable;

pub use count::{CountOptions, Counts, GROUPS_MAX, Group, count};
pub use filter::{FileSummary, FilterRequest, FilterSink, filter};
pub use lanes::{LANES_MAX, LaneKey, Lanes};
pub use objects::{OBJECT_BYTES, ObjectSet, Part};
pub use probe::{ObjectFilter, Probe, probe};
pub use projection::Projection;
pub use run::OutputBuffering;
pub use sizes::{ClassTotals, SMALL_BYTES, SizeColumns, SizeTotals};
pub use text::{Compiled, Query, column};
pub use unreadable::UnreadableColumn;

use crate::predicate::Matcher;
use crate::report::Schema;

/// Which rows of one report are wanted, and what is asked of them.
#[derive(Debug, Clone)]
pub struct Selection {
    /// The columns of every row.
    pub schema: Schema,
    /// Which rows match.
    pub matcher: Matcher,
    /// If given, the only objects that match.
    pub among: Option<ObjectFilter>,
    /// Matching rows that must not come out, in the order in which they are tried; the place in
    /// this list names the reason.
    pub exclusions: Vec<Matcher>,
    /// Columns whose values must be true, false or empty in rows that come out. Where a run goes on
    /// although some value is not, the row is set aside, and its reason is the one behind the last
    /// of [`Selection::exclusions`].
    pub flags: Vec<usize>,
    /// Questions asked of every row that comes out; how many said yes is counted.
    pub observations: Vec<Matcher>,
    /// What is written of a row.
    pub projection: Projection,
    /// The columns whose values pick the lane. All selections of a run name the same columns in
    /// the same order, with none where this report lacks one.
    pub split_by: Vec<Option<usize>>,
    /// Rows that come out in lanes of their own.
    pub apart: Matcher,
    /// What the rows that come out are counted by.
    pub sizes: SizeColumns,
}
