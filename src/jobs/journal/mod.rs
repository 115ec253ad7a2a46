//! The journal of a submission: `jobs.jsonl`, one line for each step, before and after it is taken.
//!
//! | file | what |
//! |---|---|
//! | `event` | what a line says |
//! | `file` | lines that are appended, and on disk before the call returns |
//! | `progress` | pure: from the lines to how far each manifest is, and what is to be done next |
//!
//! Never knows how a step is taken.

mod event;
mod file;
mod progress;

pub use event::{JOURNAL_VERSION, JobCommand, JobEnd, JournalEntry, JournalEvent};
pub use file::{Journal, JournalError, read};
pub use progress::{ManifestStage, SubmissionProgress, SubmissionStep};
