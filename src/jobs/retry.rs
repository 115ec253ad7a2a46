//! Failed tasks become a new plan.
//!
//! Keys go out as the bytes that stand in the completion report, which are the manifest's own.
//! Tasks that would fail again are set aside, by code. Tasks that were never run are in no report;
//! the new plan says which jobs ended before they ran all.
//!
//! Never asks AWS for anything.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use super::completion::{Fate, Fetched, ReadError, UnreadableRows, read_rows, remedy};
use crate::plan::{Plan, PlanError, Retry, Subset};
use crate::source::Location;
use crate::units::counted;

/// Why there is no new plan.
#[derive(Debug, thiserror::Error)]
pub enum RetryError {
    /// The plan can't be written.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A report can't be read.
    #[error(transparent)]
    Report(#[from] ReadError),
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
}

/// A job that has ended, with its report.
#[derive(Debug, Clone)]
pub struct Ended {
    /// The place of its manifest in the plan.
    pub shard: usize,
    /// Its id.
    pub job_id: String,
    /// Its report, if there is one.
    pub report: Option<Fetched>,
    /// Tasks that it never ran.
    pub never_run: u64,
}

/// Makes a plan of the failed tasks of jobs of `base`, in a new folder. Tasks that failed with one
/// of the codes in `anyway` are tried again, whatever their fate.
///
/// # Errors
/// When a report can't be read, or the plan can't be written.
pub fn retry(
    base: Plan,
    jobs: &[Ended],
    anyway: &[String],
    out: &Location,
    stop: &AtomicBool,
) -> Result<Plan, RetryError> {
    let buckets: Vec<String> = base.shards.iter().map(|shard| shard.bucket.clone()).collect();
    let paths: Vec<String> = base.shards.iter().map(|shard| shard.path.clone()).collect();
    let mut subset = Subset::create(base, out)?;
    let mut warnings = Vec::new();
    let mut unreadable = UnreadableRows::default();
    let mut line = Vec::new();
    for job in jobs {
        let wanted = &buckets[job.shard];
        let files = job.report.iter().flat_map(|report| &report.files);
        for (_, path) in files.filter(|(succeeded, _)| !succeeded) {
            read_rows(path, wanted, stop, |row| {
                let row = match row {
                    Ok(row) => row,
                    Err(bad) => {
                        unreadable.add(path, bad);
                        return Ok(());
                    }
                };
                if row.succeeded {
                    return Ok(());
                }
                if row.bucket != wanted.as_bytes() {
                    let found = String::from_utf8_lossy(&row.bucket).into_owned();
                    let (path, wanted) = (path.clone(), wanted.clone());
                    return Err(RetryError::OtherBucket { path, found, wanted });
                }
                line.clear();
                row.write_manifest_fields(subset.columns(job.shard), &mut line);
                line.push(b'\n');
                let again = remedy(&row).0 == Fate::Again
                    || anyway.iter().any(|code| code.eq_ignore_ascii_case(&row.code));
                if again {
                    subset.keep(job.shard, &line)?;
                } else {
                    subset.set_aside(&row.code, &line)?;
                }
                Ok(())
            })?;
        }
        if job.never_run > 0 {
            warnings.push(format!(
                "job {} ({}) ended before it ran {} of its tasks: they are in no completion \
                 report, and so not in this plan; a plan from a newer report has them",
                job.job_id, paths[job.shard], job.never_run
            ));
        }
    }
    if let Some((path, bad)) = &unreadable.first {
        warnings.push(format!(
            "{} of completion reports can't be read, and their tasks are not in this plan; the \
             first: {}: {bad}",
            counted(unreadable.rows, "row"),
            path.display()
        ));
    }
    let jobs = jobs.iter().map(|job| job.job_id.clone()).collect();
    Ok(subset.finish(Retry { jobs }, warnings, stop)?)
}
