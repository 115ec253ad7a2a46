//! What a plan's jobs left undone becomes a new plan: tasks that failed, and tasks that never ran.
//!
//! Failed tasks stand in the completion reports. Keys go out as the bytes that stand there, which
//! are the manifest's own. Tasks that would fail again are excluded, by code. Tasks that never ran
//! are in no report: of a job that was stopped they are the rows of its manifest that its report
//! doesn't have, and of a job that ran nothing, or was never created, all rows.
//!
//! Where a report lists failed tasks only, nobody can tell which of the other rows of a stopped job
//! succeeded: all of them are taken again, and the plan says how many run twice.
//!
//! Never asks AWS for anything.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::completion::{Fate, Fetched, Row, RowError, Rows, remedy};
use super::journal::JobEnd;
use crate::plan::{Plan, PlanError, ReadError, Retry, Subset};
use crate::source::Location;

/// Read at once of a completion report.
const READ_BUFFER_BYTES: usize = 256 << 10;

/// Rows between two looks at whether to stop.
const ROWS_PER_LOOK: u64 = 10_000;

/// Why there is no new plan.
#[derive(Debug, thiserror::Error)]
pub enum RetryError {
    /// The plan can't be written.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A manifest of the plan can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A report can't be read.
    #[error("{}: {error}", path.display())]
    Report {
        /// The file.
        path: PathBuf,
        /// Why.
        error: RowError,
    },
    /// A row is not of the job's manifest.
    #[error(
        "{}: a row is of bucket {found}, where the job's manifest is of {wanted}: the report is \
         another job's", path.display()
    )]
    OtherBucket {
        /// The file.
        path: PathBuf,
        /// The row's bucket.
        found: String,
        /// The manifest's.
        wanted: String,
    },
    /// A function would be called again for objects for which it succeeded.
    #[error(
        "job {job_id} was stopped after {tasks} tasks had succeeded, and its completion report \
         lists failed tasks only, so nobody can tell which: the function would be called again for \
         them. Give --repeat if it may be, and submit with --report-scope AllTasks next time"
    )]
    WouldRepeat {
        /// The job.
        job_id: String,
        /// How many tasks.
        tasks: u64,
    },
    /// The stop flag was raised.
    #[error("interrupted")]
    Interrupted,
}

/// What became of a manifest.
#[derive(Debug, Clone)]
pub struct ShardOutcome {
    /// Its place in the plan.
    pub shard: usize,
    /// Its job, and how that ended; none where it was never created.
    pub job: Option<(String, JobEnd)>,
    /// The job's report, if there is one.
    pub report: Option<Fetched>,
    /// Whether the report lists the tasks that succeeded, too.
    pub lists_succeeded: bool,
    /// Whether a task that succeeded may be run again without harm.
    pub is_repeatable: bool,
}

/// Which rows of a manifest are taken again.
enum Left {
    /// None.
    Nothing,
    /// All.
    All,
    /// Those that failed.
    Failed,
    /// Those that failed, and those that the report doesn't have.
    FailedAndUnknown,
}

impl ShardOutcome {
    fn left(&self) -> Left {
        let Some((_, end)) = &self.job else { return Left::All };
        if end.is_clean() {
            return Left::Nothing;
        }
        let is_forgotten = end.status == JobEnd::FORGOTTEN;
        match &self.report {
            _ if end.ran_nothing() => Left::All,
            None if is_forgotten => Left::Nothing,
            None => Left::All,
            Some(_) if end.is_complete() || (is_forgotten && !self.lists_succeeded) => Left::Failed,
            Some(_) => Left::FailedAndUnknown,
        }
    }

    /// Tasks that succeeded, and are run again because nobody can tell them from others.
    fn repeated(&self) -> u64 {
        let succeeded = self.job.as_ref().map_or(0, |(_, end)| end.succeeded);
        match self.left() {
            Left::All => succeeded,
            Left::FailedAndUnknown if !self.lists_succeeded => succeeded,
            _ => 0,
        }
    }

    fn files(&self, wanted: impl Fn(bool) -> bool) -> impl Iterator<Item = &PathBuf> {
        let files = self.report.iter().flat_map(|report| &report.files);
        files.filter(move |(succeeded, _)| wanted(*succeeded)).map(|(_, path)| path)
    }

    /// What a person should know of this job's rows.
    fn warnings(&self, path: &str, unknown: u64) -> Vec<String> {
        let Some((job_id, end)) = &self.job else { return Vec::new() };
        let mut warnings = Vec::new();
        if end.status == JobEnd::FORGOTTEN && !self.lists_succeeded {
            warnings.push(format!(
                "AWS no longer knows job {job_id} ({path}): the tasks that its completion report \
                 calls failed are here, but whether it ran all others can't be told. A newer \
                 report tells (`s3sieve verify`)."
            ));
        }
        if self.report.is_none() && !end.ran_nothing() && !end.is_clean() {
            warnings.push(format!(
                "Job {job_id} ({path}) has no completion report: {}",
                match self.left() {
                    Left::All => "all its objects are here.",
                    _ => "none of its objects are here.",
                }
            ));
        }
        if unknown > 0 {
            warnings.push(format!(
                "Job {job_id} ({path}) was stopped: {unknown} of its tasks are not in its \
                 completion report, and are here."
            ));
        }
        if self.repeated() > 0 {
            warnings.push(format!(
                "{} tasks of job {job_id} ({path}) had succeeded, and run again: its completion \
                 report lists failed tasks only. --report-scope AllTasks tells them apart.",
                self.repeated()
            ));
        }
        warnings
    }
}

/// Reads a file of a report, row by row.
///
/// # Errors
/// When it can't be read, or `take` refuses a row.
pub fn rows<E: From<RetryError>>(
    path: &Path,
    stop: &AtomicBool,
    mut take: impl FnMut(Row) -> Result<(), E>,
) -> Result<(), E> {
    let wrong = |error| RetryError::Report { path: path.to_owned(), error };
    let file = File::open(path).map_err(|error| wrong(RowError::Io(error)))?;
    let mut rows = Rows::new(BufReader::with_capacity(READ_BUFFER_BYTES, file));
    for number in 0.. {
        if number % ROWS_PER_LOOK == 0 && stop.load(Ordering::Relaxed) {
            return Err(RetryError::Interrupted.into());
        }
        let Some(row) = rows.next_row().map_err(wrong)? else { break };
        take(row)?;
    }
    Ok(())
}

/// How a retry is made.
#[derive(Debug, Clone)]
pub struct RetryOptions {
    /// Codes whose failed tasks are tried again, whatever their fate.
    pub anyway: Vec<String>,
    /// Whether tasks that succeeded may be run again, whatever the operation.
    pub repeat: bool,
}

/// Makes a plan of what the jobs of `base`, in this folder, left undone, in a new folder.
///
/// # Errors
/// When a report or manifest can't be read, the plan can't be written, or a function would be
/// called again for objects for which it succeeded.
pub fn retry(
    base: Plan,
    folder: &Location,
    outcomes: &[ShardOutcome],
    options: &RetryOptions,
    out: &Location,
    stop: &AtomicBool,
) -> Result<Plan, RetryError> {
    for outcome in outcomes.iter().filter(|outcome| !outcome.is_repeatable && !options.repeat) {
        if let (tasks @ 1.., Some((job_id, _))) = (outcome.repeated(), &outcome.job) {
            return Err(RetryError::WouldRepeat { job_id: job_id.clone(), tasks });
        }
    }
    let mut shards = base.shards.iter().map(|shard| (shard.path.clone(), shard.bucket.clone()));
    let shards: Vec<(String, String)> = shards.by_ref().collect();
    let mut taker = Taker { subset: Subset::create(base, out)?, folder, options, stop };
    let mut warnings = Vec::new();
    for outcome in outcomes {
        let (path, bucket) = &shards[outcome.shard];
        let unknown = taker.take(outcome, bucket)?;
        warnings.extend(outcome.warnings(path, unknown));
    }
    let jobs = outcomes.iter().filter_map(|outcome| Some(outcome.job.as_ref()?.0.clone()));
    let retry = Retry { jobs: jobs.collect() };
    Ok(taker.subset.finish(retry, warnings, stop)?)
}

/// Takes rows into the new plan.
struct Taker<'a> {
    subset: Subset,
    folder: &'a Location,
    options: &'a RetryOptions,
    stop: &'a AtomicBool,
}

impl Taker<'_> {
    /// Takes what a manifest's job left undone; gives how many rows its report doesn't have.
    fn take(&mut self, outcome: &ShardOutcome, bucket: &str) -> Result<u64, RetryError> {
        let (shard, stop) = (outcome.shard, self.stop);
        match outcome.left() {
            Left::Nothing => Ok(0),
            Left::All => {
                let mut none = |_: &mut dyn FnMut(&[u8])| Ok::<(), RetryError>(());
                self.subset.keep_unknown(self.folder, shard, 0, &mut none, stop)?;
                Ok(0)
            }
            Left::Failed => self.take_failed(outcome, bucket).map(|()| 0),
            Left::FailedAndUnknown => {
                self.take_failed(outcome, bucket)?;
                let mut known_rows = 0;
                for path in outcome.files(|_| true) {
                    rows(path, stop, |_| {
                        known_rows += 1;
                        Ok::<(), RetryError>(())
                    })?;
                }
                let columns = self.subset.columns(shard);
                let mut known = |name: &mut dyn FnMut(&[u8])| {
                    let mut line = Vec::new();
                    outcome.files(|_| true).try_for_each(|path| {
                        rows(path, stop, |row| {
                            write_line(&mut line, &row, columns);
                            name(&line[..line.len() - 1]);
                            Ok::<(), RetryError>(())
                        })
                    })
                };
                self.subset.keep_unknown(self.folder, shard, known_rows, &mut known, stop)
            }
        }
    }

    /// Takes the tasks that a report calls failed.
    fn take_failed(&mut self, outcome: &ShardOutcome, bucket: &str) -> Result<(), RetryError> {
        let columns = self.subset.columns(outcome.shard);
        let mut line = Vec::new();
        for path in outcome.files(|succeeded| !succeeded) {
            rows(path, self.stop, |row| {
                if row.succeeded {
                    return Ok(());
                }
                if row.bucket != bucket.as_bytes() {
                    let found = String::from_utf8_lossy(&row.bucket).into_owned();
                    let (path, wanted) = (path.clone(), bucket.to_owned());
                    return Err(RetryError::OtherBucket { path, found, wanted });
                }
                write_line(&mut line, &row, columns);
                let again = remedy(&row.code, row.http).0 == Fate::Again
                    || self.options.anyway.iter().any(|code| code.eq_ignore_ascii_case(&row.code));
                match again {
                    true => self.subset.keep(outcome.shard, &line)?,
                    false => self.subset.set_aside(&row.code, &line)?,
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// A row as a line of a manifest.
fn write_line(line: &mut Vec<u8>, row: &Row, columns: usize) {
    line.clear();
    // Of a null version, reports leave the id empty where manifests say `null`.
    let version = if row.version.is_empty() { b"null" } else { &*row.version };
    let fields = [&row.bucket, &row.key, version];
    for (number, field) in fields.into_iter().take(columns).enumerate() {
        if number > 0 {
            line.push(b',');
        }
        push_field(line, field);
    }
    line.push(b'\n');
}

/// A field, in quotes where it holds what a bare one can't. Encoded keys never do.
fn push_field(line: &mut Vec<u8>, field: &[u8]) {
    if !field.iter().any(|byte| b",\"\r\n".contains(byte)) {
        line.extend_from_slice(field);
        return;
    }
    line.push(b'"');
    for byte in field {
        if *byte == b'"' {
            line.push(b'"');
        }
        line.push(*byte);
    }
    line.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_their_bytes() {
        let mut line = Vec::new();
        for (key, wanted) in [
            ("a%2520b+c", "b,a%2520b+c,v\n"),
            ("a,\"b", "b,\"a,\"\"b\",v\n"),
            ("\u{e9}", "b,\u{e9},v\n"),
        ] {
            let row = Row {
                bucket: b"b".to_vec(),
                key: key.as_bytes().to_vec(),
                version: b"v".to_vec(),
                succeeded: false,
                code: String::new(),
                http: None,
                message: String::new(),
            };
            write_line(&mut line, &row, 3);
            assert_eq!(line, wanted.as_bytes());
        }
    }
}
