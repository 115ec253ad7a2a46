//! Failed tasks become a new plan.
//!
//! Keys go out as the bytes that stand in the completion report, which are the manifest's own.
//! Tasks that would fail again are set aside, by code. Tasks that were never run are in no report;
//! the new plan says which jobs ended before they ran all.
//!
//! Never asks AWS for anything.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::completion::{Fate, Fetched, Row, RowError, Rows, remedy};
use crate::plan::{Plan, PlanError, Retry, Subset};
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
    /// The stop flag was raised.
    #[error("interrupted")]
    Interrupted,
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
    let mut line = Vec::new();
    for job in jobs {
        let wanted = &buckets[job.shard];
        let files = job.report.iter().flat_map(|report| &report.files);
        for (_, path) in files.filter(|(succeeded, _)| !succeeded) {
            rows(path, stop, |row| {
                if row.succeeded {
                    return Ok(());
                }
                if row.bucket != wanted.as_bytes() {
                    let found = String::from_utf8_lossy(&row.bucket).into_owned();
                    let (path, wanted) = (path.clone(), wanted.clone());
                    return Err(RetryError::OtherBucket { path, found, wanted });
                }
                write_line(&mut line, &row, subset.columns(job.shard));
                let again = remedy(&row.code, row.http).0 == Fate::Again
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
    let jobs = jobs.iter().map(|job| job.job_id.clone()).collect();
    Ok(subset.finish(Retry { jobs }, warnings, stop)?)
}

/// A row as a line of a manifest.
fn write_line(line: &mut Vec<u8>, row: &Row, columns: usize) {
    line.clear();
    let fields = [&row.bucket, &row.key, &row.version];
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
