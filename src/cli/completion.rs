//! `s3sieve jobs DIR report`: completion reports are fetched and summed up, and what tasks gave
//! back is kept.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use super::job_table::{JobRow, job_table};
use super::jobs_args::JobsArgs;
use super::older::{self, JobAction};
use super::plan_jobs::{JobLine, SubmittedPlan};
use super::print::{self, CommandResult, visible};
use super::{CliError, Exit, interrupt};
use crate::aws::Session;
use crate::jobs::completion::{
    FetchedReport, ReportLocation, ResultFile, ResultFiles, ResultKind, RetryAdvice, TaskResult,
    UnreadableRows, fetch, message_code, read_rows, remedy,
};
use crate::jobs::journal::JobEnd;
use crate::units::counted;

/// Codes that are told apart at most; a report has a handful.
const CODES_MAX: usize = 1000;

/// Where reports are kept, in the folder of the journal.
const REPORTS: &str = "reports";

/// What the completion reports of a plan's jobs come to.
#[derive(Serialize)]
struct CompletionSummary {
    jobs: Vec<JobSum>,
    /// How many jobs were not created, and won't be by themselves: `Held` or `Withdrawn`.
    jobs_not_created: u64,
    failures: Vec<Failures>,
    /// Rows of reports that can't be read; all others were.
    rows_unreadable: u64,
    unreadable_example: Option<UnreadableExample>,
    /// Files of what tasks gave back.
    results: Vec<ResultSum>,
    /// Checksums in a form that is not known; `results.csv` has them as S3 wrote them.
    results_unknown: u64,
    /// Whether there would have been results, had the jobs reported all tasks.
    results_lost: bool,
    /// What is said of keys that are served in an older version.
    #[serde(skip)]
    older: Option<String>,
}

#[derive(Serialize)]
struct UnreadableExample {
    file: String,
    record: u64,
    error: String,
}

#[derive(Serialize)]
struct ResultSum {
    file: String,
    rows: u64,
}

#[derive(Serialize)]
struct JobSum {
    manifest: String,
    job_id: String,
    status: String,
    tasks: u64,
    tasks_succeeded: u64,
    tasks_failed: u64,
    /// Whether there is a completion report.
    has_report: bool,
}

/// The failures of one code, and of one code in the message where that decides.
#[derive(Serialize)]
struct Failures {
    code: String,
    http: Option<u16>,
    /// The code in the message of a `PermanentFailure`.
    message_code: Option<String>,
    tasks: u64,
    /// Whether `s3sieve retry` tries them again.
    is_retried: bool,
    remedy: &'static str,
    /// A key as it stands in the manifest, and what S3 said of it.
    example_key: String,
    example_message: String,
}

/// A job that has ended, with its report, if there is one.
struct EndedJob {
    shard: usize,
    job: JobLine,
    job_id: String,
    report: Option<FetchedReport>,
}

/// Of the jobs of a plan, those that have ended, with their reports fetched.
fn ended(opened: &mut SubmittedPlan, jobs: Vec<JobLine>) -> Result<Vec<EndedJob>, CliError> {
    let mut ended = Vec::new();
    for (shard, job) in jobs.into_iter().enumerate() {
        let Some(job_id) = job.job_id.clone().filter(|_| job.is_over()) else { continue };
        let request = opened.request(shard)?;
        let report = report_of(&opened.state, &opened.session, &request, &job_id)?;
        ended.push(EndedJob { shard, job, job_id, report });
    }
    Ok(ended)
}

/// Fetches the report of a job to the folder of its plan's journal.
pub(super) fn report_of(
    folder: &Path,
    session: &Session,
    request: &Value,
    job_id: &str,
) -> Result<Option<FetchedReport>, CliError> {
    let bucket = request["Report"]["Bucket"].as_str().unwrap_or_default();
    let place = ReportLocation {
        bucket: bucket.rsplit(':').next().unwrap_or_default().to_owned(),
        prefix: request["Report"]["Prefix"].as_str().unwrap_or_default().to_owned(),
    };
    Ok(fetch(session, &place, job_id, &folder.join(REPORTS), interrupt::flag())?)
}

pub(super) fn run(args: &JobsArgs) -> Result<Exit, CliError> {
    let mut opened = SubmittedPlan::new(args)?;
    let jobs = opened.jobs()?;
    let not_created = jobs.iter().filter(|job| job.is_left_out()).count() as u64;
    let mut deeds: Vec<JobAction> = jobs.iter().map(JobAction::from_line).collect();
    let mut ended = ended(&mut opened, jobs)?;
    let mut reading = CompletionReader::new(&opened.state);
    for job in &mut ended {
        reading.read(&mut opened, job)?;
        // The report may tell more of a job than AWS still does.
        deeds[job.shard] = JobAction::from_line(&job.job);
    }
    let whole = ended.iter().all(|ended| ended.job.is_clean());
    let sum = |EndedJob { job, job_id, report, .. }: EndedJob| JobSum {
        manifest: job.manifest,
        job_id,
        status: job.status,
        tasks: job.tasks,
        tasks_succeeded: job.tasks_succeeded,
        tasks_failed: job.tasks_failed,
        has_report: report.is_some(),
    };
    let mut summary = reading.finish(ended.into_iter().map(sum).collect())?;
    summary.jobs_not_created = not_created;
    summary.older = older::warning(&opened.plan.shards, &deeds, &args.plan_words(), false);
    let whole = whole && not_created == 0 && summary.rows_unreadable == 0;
    let exit = if whole { Exit::Done } else { Exit::Partly };
    print::print(&summary, args.format)?;
    Ok(exit)
}

/// A failure's code and HTTP status, and the code in its message.
type FailureKind = (String, Option<u16>, Option<String>);

/// Completion reports, as they are read.
struct CompletionReader {
    failures: BTreeMap<FailureKind, Failures>,
    unreadable: UnreadableRows,
    results: ResultFiles,
    /// Whether jobs give back results, and report failed tasks only.
    lost: bool,
}

impl CompletionReader {
    fn new(state: &Path) -> Self {
        Self {
            failures: BTreeMap::new(),
            unreadable: UnreadableRows::default(),
            results: ResultFiles::new(state.join(REPORTS)),
            lost: false,
        }
    }

    /// Reads the report of a job. Of one that AWS no longer knows, the report alone tells what it
    /// did.
    fn read(&mut self, opened: &mut SubmittedPlan, job: &mut EndedJob) -> Result<(), CliError> {
        let request = opened.request(job.shard)?;
        let operation = request["Operation"].as_object().and_then(|only| only.keys().next());
        let kind = operation.and_then(|name| ResultKind::from_operation(name));
        self.lost |= kind.is_some() && request["Report"]["ReportScope"] != "AllTasks";
        let shard = &opened.plan.shards[job.shard];
        let columns = shard.columns.as_ref().unwrap_or(&opened.plan.columns).len();
        let is_forgotten = job.job.status == JobEnd::FORGOTTEN;
        let (mut done, mut failed) = (0, 0);
        for (succeeded, path) in job.report.iter().flat_map(|report| &report.files) {
            // What succeeded and gave back nothing needs no look.
            if *succeeded && kind.is_none() && !is_forgotten {
                continue;
            }
            read_rows(path, &shard.bucket, interrupt::flag(), |row| {
                let count = if *succeeded { &mut done } else { &mut failed };
                *count += u64::from(row.is_ok());
                match (row, kind) {
                    (Err(bad), _) => self.unreadable.add(path, bad),
                    (Ok(row), _) if !row.succeeded => self.add(row),
                    (Ok(row), Some(kind)) => self.results.add(kind, &row, columns)?,
                    (Ok(_), None) => {}
                }
                Ok::<_, CliError>(())
            })?;
        }
        if is_forgotten {
            (job.job.tasks, job.job.tasks_succeeded, job.job.tasks_failed) =
                (done + failed, done, failed);
        }
        Ok(())
    }

    fn add(&mut self, row: TaskResult) {
        let inner = message_code(&row).map(str::to_owned);
        let mut kind = (row.code.clone(), row.http, inner);
        if self.failures.len() >= CODES_MAX && !self.failures.contains_key(&kind) {
            kind = ("other".to_owned(), None, None);
        }
        let (fate, remedy) = remedy(&row);
        let failures =
            self.failures.entry(kind).or_insert_with_key(|(code, http, inner)| Failures {
                code: code.clone(),
                http: *http,
                message_code: inner.clone(),
                tasks: 0,
                is_retried: fate == RetryAdvice::Again,
                remedy,
                example_key: String::from_utf8_lossy(&row.key).into_owned(),
                example_message: row.message,
            });
        failures.tasks += 1;
    }

    fn finish(self, jobs: Vec<JobSum>) -> Result<CompletionSummary, CliError> {
        let mut failures: Vec<Failures> = self.failures.into_values().collect();
        failures.sort_by_key(|failures| std::cmp::Reverse(failures.tasks));
        let (files, unknown_results) = self.results.finish()?;
        let file =
            |file: ResultFile| ResultSum { file: file.path.display().to_string(), rows: file.rows };
        let first = self.unreadable.first.map(|(path, bad)| UnreadableExample {
            file: path.display().to_string(),
            record: bad.row,
            error: bad.what,
        });
        Ok(CompletionSummary {
            jobs,
            jobs_not_created: 0,
            failures,
            rows_unreadable: self.unreadable.rows,
            unreadable_example: first,
            results: files.into_iter().map(file).collect(),
            results_unknown: unknown_results,
            results_lost: self.lost,
            older: None,
        })
    }
}

impl CommandResult for CompletionSummary {
    const COMMAND: &'static str = "jobs report";

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let rows = self.jobs.iter().map(|job| JobRow {
            manifest: &job.manifest,
            job_id: &job.job_id,
            state: &job.status,
            tasks: [job.tasks, job.tasks_succeeded, job.tasks_failed],
        });
        writeln!(out, "{}", job_table(rows))?;
        for job in self.jobs.iter().filter(|job| !job.has_report && job.tasks_failed > 0) {
            writeln!(out, "{}: there is no completion report", visible(&job.manifest))?;
        }
        if self.jobs_not_created > 0 {
            writeln!(
                out,
                "{} held or withdrawn, and not created: `s3sieve jobs DIR list` shows which",
                counted(self.jobs_not_created, "job")
            )?;
        }
        if let Some(older) = &self.older {
            writeln!(out, "warning: {}", visible(older))?;
        }
        for failures in &self.failures {
            failures.human(out)?;
        }
        if self.failures.iter().any(|failures| failures.is_retried) {
            writeln!(
                out,
                "\n`s3sieve retry DIR --out DIR2` makes a plan of what can be tried again."
            )?;
        }
        self.results_for_people(out)
    }
}

impl CompletionSummary {
    fn results_for_people(&self, out: &mut dyn Write) -> io::Result<()> {
        for ResultSum { file, rows } in &self.results {
            writeln!(out, "\n{}: {}", visible(file), counted(*rows, "result"))?;
        }
        if self.results_unknown > 0 {
            writeln!(
                out,
                "{} in a form that is not known: kept as S3 wrote them, in results.csv",
                counted(self.results_unknown, "checksum")
            )?;
        }
        if self.results_lost {
            writeln!(
                out,
                "\nThese jobs report failed tasks only: what the others gave back is in no report. \
                 Submit with --report-scope AllTasks to keep it."
            )?;
        }
        if let Some(UnreadableExample { file, record, error }) = &self.unreadable_example {
            writeln!(
                out,
                "\n{} of the reports can't be read. The first: row {record} of {}: {}",
                counted(self.rows_unreadable, "row"),
                visible(file),
                visible(error)
            )?;
        }
        Ok(())
    }
}

impl Failures {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { code, http, message_code, tasks, is_retried, .. } = self;
        let inner = message_code.as_ref().map(|code| format!(" {code}")).unwrap_or_default();
        let http = http.map(|http| format!(" ({http})")).unwrap_or_default();
        let again = if *is_retried { "can be tried again" } else { "would fail again" };
        let code = format!("{code}{inner}");
        writeln!(out, "\n{}{http}: {}, {again}", visible(&code), counted(*tasks, "task"))?;
        writeln!(out, "  {}", self.remedy)?;
        let (key, message) = (visible(&self.example_key), visible(&self.example_message));
        writeln!(out, "  such as {key}: {message}")
    }
}
