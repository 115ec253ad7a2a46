//! Completion reports: what a job says it did, task by task.
//!
//! | file | what |
//! |---|---|
//! | `fetch` | from the report's bucket to the plan's folder, every MD5 checked |
//! | `row` | rows, whichever way their columns stand |
//! | `remedy` | what a failure means, and whether trying again can help |
//!
//! Reports stay in the plan's folder: AWS forgets a job 90 days after it ended.

mod fetch;
mod remedy;
mod row;

pub use fetch::{FetchError, Fetched, Place, fetch};
pub use remedy::{Fate, remedy};
pub use row::{Row, RowError, Rows};
