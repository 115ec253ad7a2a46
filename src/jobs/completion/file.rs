//! A file of a completion report, read row by row; rows that can't be read are counted.

use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::row::{BadRow, TaskResult, TaskResults};
use crate::source::open_regular;

/// Read at once of a file of a report.
const READ_BUFFER_BYTES: usize = 256 << 10;

/// Rows between two looks at whether to stop.
const ROWS_PER_LOOK: u64 = 10_000;

/// Why a report that is here can't be read, or what is made of it can't be written.
#[derive(Debug, thiserror::Error)]
pub enum CompletionError {
    /// A file can't be read or written.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The stop flag was raised.
    #[error("interrupted")]
    Interrupted,
}

impl CompletionError {
    pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Io { path: path.to_owned(), error }
    }
}

/// Reads a file of a report, row by row, of a job whose manifest is of `bucket`.
///
/// # Errors
/// When the file can't be read, `stop` is raised, or `take` refuses a row.
pub fn read_rows<E: From<CompletionError>>(
    path: &Path,
    bucket: &str,
    stop: &AtomicBool,
    mut take: impl FnMut(Result<TaskResult, BadRow>) -> Result<(), E>,
) -> Result<(), E> {
    let file = open_regular(path).map_err(CompletionError::at(path))?;
    let mut rows = TaskResults::new(BufReader::with_capacity(READ_BUFFER_BYTES, file), bucket);
    for number in 0.. {
        if number % ROWS_PER_LOOK == 0 && stop.load(Ordering::Relaxed) {
            return Err(CompletionError::Interrupted.into());
        }
        let Some(row) = rows.next_row().map_err(CompletionError::at(path))? else { break };
        take(row)?;
    }
    Ok(())
}

/// Rows of reports that can't be read.
#[derive(Debug, Default)]
pub struct UnreadableRows {
    /// How many.
    pub rows: u64,
    /// The first, with its file.
    pub first: Option<(PathBuf, BadRow)>,
}

impl UnreadableRows {
    /// Counts a row of a file.
    pub fn add(&mut self, path: &Path, row: BadRow) {
        self.rows += 1;
        self.first.get_or_insert_with(|| (path.to_owned(), row));
    }
}
