//! Completion reports: what a job says it did, task by task.
//!
//! | file | what |
//! |---|---|
//! | `fetch` | from the report's bucket to the plan's folder, every MD5 checked |
//! | `row` | rows, whichever way their columns stand, and whatever is wrong with some |
//! | `file` | a file of a report, row by row |
//! | `remedy` | what a failure means, and whether trying again can help |
//! | `results` | what tasks gave back, as files: checksums, results of functions |
//!
//! Reports stay in the plan's folder: AWS forgets a job 90 days after it ended.

mod fetch;
mod file;
mod remedy;
mod results;
mod row;

pub use fetch::{FetchError, FetchedReport, ReportLocation, fetch};
pub use file::{CompletionError, UnreadableRows, read_rows};
pub use remedy::{RetryAdvice, message_code, remedy};
pub use results::{ResultFile, ResultFiles, ResultKind};
pub use row::{BadRow, TaskResult, TaskResults};
