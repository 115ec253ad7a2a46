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

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use super::completion::{
    CompletionError, FetchedReport, RetryAdvice, TaskResult, UnreadableRows, read_rows, remedy,
};
use super::journal::JobEnd;
use crate::plan::{Plan, PlanError, ReadError, Retry, SubsetPlan};
use crate::source::Location;
use crate::units::counted;

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
    #[error(transparent)]
    Report(#[from] CompletionError),
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
    /// A function may be called again for objects for which it succeeded.
    #[error(
        "AWS no longer knows job {job_id}, and there is no completion report of it, so nobody can \
         tell for which objects the function was called: it would be called for all. Give --repeat \
         if it may be"
    )]
    MayRepeat {
        /// The job.
        job_id: String,
    },
}

/// What became of a manifest.
#[derive(Debug, Clone)]
pub struct ShardOutcome {
    /// Its place in the plan.
    pub shard: usize,
    /// How many objects it has.
    pub objects: u64,
    /// Its job, and how that ended; none where it was never created.
    pub job: Option<(String, JobEnd)>,
    /// The job's report, if there is one.
    pub report: Option<FetchedReport>,
    /// Whether the report lists the tasks that succeeded, too.
    pub lists_succeeded: bool,
    /// Whether a task that succeeded may be run again without harm.
    pub is_repeatable: bool,
}

/// Which rows of a manifest are taken again.
enum RetryScope {
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
    fn left(&self) -> RetryScope {
        let Some((_, end)) = &self.job else { return RetryScope::All };
        if end.is_clean(self.objects) {
            return RetryScope::Nothing;
        }
        let is_forgotten = end.status == JobEnd::FORGOTTEN;
        match &self.report {
            _ if end.ran_nothing() => RetryScope::All,
            // One that was forgotten without a report most likely never ran a task.
            None => RetryScope::All,
            Some(_) if end.ran_all(self.objects) || (is_forgotten && !self.lists_succeeded) => {
                RetryScope::Failed
            }
            Some(_) => RetryScope::FailedAndUnknown,
        }
    }

    /// Whether nothing tells what its job did: AWS no longer knows it, and it left no report.
    fn is_untold(&self) -> bool {
        let is_forgotten = |(_, end): &(String, JobEnd)| end.status == JobEnd::FORGOTTEN;
        self.report.is_none() && self.job.as_ref().is_some_and(is_forgotten)
    }

    /// Tasks that succeeded, and are run again because nobody can tell them from others.
    fn repeated(&self) -> u64 {
        let succeeded = self.job.as_ref().map_or(0, |(_, end)| end.succeeded);
        match self.left() {
            RetryScope::All => succeeded,
            RetryScope::FailedAndUnknown if !self.lists_succeeded => succeeded,
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
        if self.is_untold() {
            warnings.push(format!(
                "AWS no longer knows job {job_id} ({path}), and it has no completion report: all \
                 its objects are here, for it most likely never ran a task."
            ));
        } else if end.status == JobEnd::FORGOTTEN && !self.lists_succeeded {
            warnings.push(format!(
                "AWS no longer knows job {job_id} ({path}): the tasks that its completion report \
                 calls failed are here, but whether it ran all others can't be told. A newer \
                 report tells (`s3sieve verify`)."
            ));
        }
        let ran = !end.ran_nothing() && !end.is_clean(self.objects);
        if self.report.is_none() && ran && !self.is_untold() {
            warnings.push(format!(
                "Job {job_id} ({path}) has no completion report: all its objects are here. Where \
                 it ended only minutes ago, its report may be yet to come: delete this plan, and \
                 retry later to take what failed alone."
            ));
        }
        if unknown > 0 {
            warnings.push(format!(
                "Job {job_id} ({path}) {}: {unknown} of its tasks are not in its completion \
                 report, and are here.",
                if end.is_complete() { "ran fewer tasks than it has" } else { "was stopped" }
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

/// How a retry is made.
#[derive(Debug, Clone)]
pub struct RetryOptions {
    /// Codes whose failed tasks are tried again, whatever their fate.
    pub anyway: Vec<String>,
    /// Codes whose failed tasks are excluded, whatever their fate.
    pub without: Vec<String>,
    /// Whether tasks that succeeded may be run again, whatever the operation.
    pub repeat: bool,
}

impl RetryOptions {
    /// Whether a failed task is tried again.
    fn tries(&self, row: &TaskResult) -> bool {
        let has = |codes: &[String]| codes.iter().any(|code| code.eq_ignore_ascii_case(&row.code));
        !has(&self.without) && (has(&self.anyway) || remedy(row).0 == RetryAdvice::Again)
    }
}

/// Makes a plan of what the jobs of `base`, in this folder, left undone, in a new folder. Calls
/// `before_shown` once nothing but that can keep the plan from being there: then it can be noted
/// that no job of `base` is created any more.
///
/// # Errors
/// When a report or manifest can't be read, the plan can't be written, a function would be called
/// again for objects for which it succeeded, or `before_shown` fails.
pub fn retry<E>(
    base: Plan,
    folder: &Location,
    outcomes: &[ShardOutcome],
    options: &RetryOptions,
    out: &Location,
    before_shown: impl FnOnce() -> Result<(), E>,
    stop: &AtomicBool,
) -> Result<Plan, E>
where
    E: From<RetryError> + From<PlanError>,
{
    refuse_repeats(outcomes, options)?;
    let shards = base.shards.iter().map(|shard| (shard.path.clone(), shard.bucket.clone()));
    let shards: Vec<(String, String)> = shards.collect();
    let unreadable = UnreadableRows::default();
    let subset = SubsetPlan::create(base, out)?;
    let mut taker = RetrySelector { subset, folder, options, unreadable, serves_older: 0, stop };
    let mut warnings = Vec::new();
    for outcome in outcomes {
        let (path, bucket) = &shards[outcome.shard];
        let unknown = taker.take(outcome, bucket)?;
        warnings.extend(outcome.warnings(path, unknown));
    }
    warnings.extend(taker.warnings());
    let jobs = outcomes.iter().filter_map(|outcome| Some(outcome.job.as_ref()?.0.clone()));
    let retry = Retry { jobs: jobs.collect() };
    taker.subset.finish(retry, warnings, before_shown, stop)
}

/// Refuses to call a function again for objects for which it succeeded, unless that was asked for.
fn refuse_repeats(outcomes: &[ShardOutcome], options: &RetryOptions) -> Result<(), RetryError> {
    for outcome in outcomes.iter().filter(|outcome| !outcome.is_repeatable && !options.repeat) {
        let Some((job_id, _)) = &outcome.job else { continue };
        if outcome.is_untold() {
            return Err(RetryError::MayRepeat { job_id: job_id.clone() });
        }
        if let tasks @ 1.. = outcome.repeated() {
            return Err(RetryError::WouldRepeat { job_id: job_id.clone(), tasks });
        }
    }
    Ok(())
}

/// Takes rows into the new plan.
struct RetrySelector<'a> {
    subset: SubsetPlan,
    folder: &'a Location,
    options: &'a RetryOptions,
    unreadable: UnreadableRows,
    /// Current versions that are excluded, where older ones were copied before.
    serves_older: u64,
    stop: &'a AtomicBool,
}

impl RetrySelector<'_> {
    /// Takes what a manifest's job left undone; gives how many rows its report doesn't have.
    fn take(&mut self, outcome: &ShardOutcome, bucket: &str) -> Result<u64, RetryError> {
        let (shard, stop) = (outcome.shard, self.stop);
        match outcome.left() {
            RetryScope::Nothing => Ok(0),
            RetryScope::All => {
                let none = |_: &mut dyn FnMut(&[u8])| Ok::<(), RetryError>(());
                self.subset.keep_unknown(self.folder, shard, 0, none, stop)?;
                Ok(0)
            }
            RetryScope::Failed => {
                let before = self.unreadable.rows;
                self.take_failed(outcome, bucket)?;
                // A task whose row can't be read is one that the rest of the report doesn't name.
                match self.unreadable.rows > before && outcome.lists_succeeded {
                    true => self.take_unknown(outcome, bucket),
                    false => Ok(0),
                }
            }
            RetryScope::FailedAndUnknown => {
                self.take_failed(outcome, bucket)?;
                self.take_unknown(outcome, bucket)
            }
        }
    }

    /// Takes the tasks that a report doesn't name.
    fn take_unknown(&mut self, outcome: &ShardOutcome, bucket: &str) -> Result<u64, RetryError> {
        let (shard, stop) = (outcome.shard, self.stop);
        let mut known_rows = 0;
        for path in outcome.files(|_| true) {
            read_rows(path, bucket, stop, |row| {
                known_rows += u64::from(row.is_ok());
                Ok::<(), RetryError>(())
            })?;
        }
        let columns = self.subset.columns(shard);
        let known = |name: &mut dyn FnMut(&[u8])| {
            let mut line = Vec::new();
            outcome.files(|_| true).try_for_each(|path| {
                read_rows(path, bucket, stop, |row| {
                    if let Ok(row) = row {
                        line.clear();
                        row.write_manifest_fields(columns, &mut line);
                        name(&line);
                    }
                    Ok::<(), RetryError>(())
                })
            })
        };
        self.subset.keep_unknown(self.folder, shard, known_rows, known, stop)
    }

    /// Takes the tasks that a report calls failed.
    fn take_failed(&mut self, outcome: &ShardOutcome, bucket: &str) -> Result<(), RetryError> {
        let columns = self.subset.columns(outcome.shard);
        let mut line = Vec::new();
        for path in outcome.files(|succeeded| !succeeded) {
            read_rows(path, bucket, self.stop, |row| {
                let row = match row {
                    Ok(row) if row.succeeded => return Ok(()),
                    Ok(row) => row,
                    Err(bad) => {
                        self.unreadable.add(path, bad);
                        return Ok(());
                    }
                };
                if row.bucket != bucket.as_bytes() {
                    let found = String::from_utf8_lossy(&row.bucket).into_owned();
                    let (path, wanted) = (path.clone(), bucket.to_owned());
                    return Err(RetryError::OtherBucket { path, found, wanted });
                }
                line.clear();
                row.write_manifest_fields(columns, &mut line);
                line.push(b'\n');
                if self.options.tries(&row) {
                    self.subset.keep(outcome.shard, &line)?;
                } else {
                    self.subset.exclude(&row.code, &line)?;
                    self.serves_older += u64::from(self.subset.follows_older(outcome.shard));
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// What a person should know of rows that can't be read, and of keys that serve old content.
    fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if let Some((path, bad)) = &self.unreadable.first {
            warnings.push(format!(
                "{} of completion reports can't be read; the first: {}: {bad}. Where a report \
                 lists failed tasks only, their tasks are not in this plan.",
                counted(self.unreadable.rows, "row"),
                path.display()
            ));
        }
        if self.serves_older > 0 {
            warnings.push(format!(
                "Up to {} now serve an older version: their older versions were copied, but the \
                 copy of their current version failed, and is not tried again. Their current \
                 version ids are in excluded/CODE.csv: restore what is archived, then copy these \
                 versions by hand.",
                counted(self.serves_older, "key")
            ));
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(status: &str, succeeded: u64, is_repeatable: bool) -> ShardOutcome {
        let end = JobEnd { status: status.to_owned(), tasks: 5, succeeded, failed: 0 };
        let job = Some(("job".to_owned(), end));
        ShardOutcome {
            shard: 0,
            objects: 5,
            job,
            report: None,
            lists_succeeded: false,
            is_repeatable,
        }
    }

    fn options(repeat: bool) -> RetryOptions {
        RetryOptions { anyway: Vec::new(), without: Vec::new(), repeat }
    }

    #[test]
    fn a_forgotten_job_without_a_report_is_taken_whole() {
        let forgotten = outcome(JobEnd::FORGOTTEN, 0, true);
        assert!(matches!(forgotten.left(), RetryScope::All));
        let warnings = forgotten.warnings("manifests/00000.csv", 0);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains("all its objects are here"), "{warnings:?}");
        assert!(refuse_repeats(&[forgotten], &options(false)).is_ok());
    }

    #[test]
    fn functions_are_called_again_only_where_that_is_asked_for() {
        let untold = [outcome(JobEnd::FORGOTTEN, 0, false)];
        let refused = refuse_repeats(&untold, &options(false));
        assert!(matches!(refused, Err(RetryError::MayRepeat { .. })), "{refused:?}");
        let stopped = [outcome("Cancelled", 3, false)];
        let refused = refuse_repeats(&stopped, &options(false));
        assert!(matches!(refused, Err(RetryError::WouldRepeat { tasks: 3, .. })), "{refused:?}");
        assert!(refuse_repeats(&untold, &options(true)).is_ok());
        assert!(refuse_repeats(&stopped, &options(true)).is_ok());
    }

    #[test]
    fn a_report_may_be_yet_to_come() {
        let mut complete = outcome("Complete", 4, true);
        if let Some((_, end)) = &mut complete.job {
            end.failed = 1;
        }
        let warnings = complete.warnings("manifests/00000.csv", 0);
        assert!(warnings.iter().any(|text| text.contains("yet to come")), "{warnings:?}");
    }
}
