//! `s3sieve jobs DIR report`: completion reports are fetched and summed up.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use comfy_table::presets::NOTHING;
use comfy_table::{Cell, CellAlignment, Table};
use serde::Serialize;
use serde_json::Value;

use super::jobs::{JobLine, Opened};
use super::jobs_args::JobsArgs;
use super::print::{self, Report};
use super::{CliError, Exit, interrupt};
use crate::aws::Session;
use crate::jobs::completion::{Fate, Fetched, Place, Row, fetch, remedy};
use crate::jobs::rows;
use crate::units::{Count, counted};

/// Codes that are told apart at most; a report has a handful.
const CODES_MAX: usize = 1000;

/// Where reports are kept, in the folder of the journal.
const REPORTS: &str = "reports";

/// What the completion reports of a plan's jobs come to.
#[derive(Serialize)]
struct Summary {
    jobs: Vec<JobSum>,
    failures: Vec<Failures>,
}

#[derive(Serialize)]
struct JobSum {
    manifest: String,
    job_id: String,
    status: String,
    tasks: u64,
    succeeded: u64,
    failed: u64,
    /// Whether there is a completion report.
    report: bool,
}

/// The failures of one code.
#[derive(Serialize)]
struct Failures {
    code: String,
    http: Option<u16>,
    tasks: u64,
    /// Whether `s3sieve retry` tries them again.
    retry: bool,
    remedy: &'static str,
    /// A key as it stands in the manifest, and what S3 said of it.
    example_key: String,
    example_message: String,
}

/// A job that has ended, with its report, if there is one.
struct Ended {
    job: JobLine,
    job_id: String,
    report: Option<Fetched>,
}

/// The jobs of a plan that have ended, with their reports fetched.
fn ended(opened: &mut Opened) -> Result<Vec<Ended>, CliError> {
    let mut ended = Vec::new();
    for (shard, job) in opened.jobs()?.into_iter().enumerate() {
        let Some(job_id) = job.job_id.clone().filter(|_| job.is_over()) else { continue };
        let request = opened.request(shard)?;
        let report = report_of(&opened.state, &opened.session, &request, &job_id)?;
        ended.push(Ended { job, job_id, report });
    }
    Ok(ended)
}

/// Fetches the report of a job to the folder of its plan's journal.
pub(super) fn report_of(
    folder: &Path,
    session: &Session,
    request: &Value,
    job_id: &str,
) -> Result<Option<Fetched>, CliError> {
    let bucket = request["Report"]["Bucket"].as_str().unwrap_or_default();
    let place = Place {
        bucket: bucket.rsplit(':').next().unwrap_or_default().to_owned(),
        prefix: request["Report"]["Prefix"].as_str().unwrap_or_default().to_owned(),
    };
    Ok(fetch(session, &place, job_id, &folder.join(REPORTS), interrupt::flag())?)
}

pub(super) fn run(args: &JobsArgs) -> Result<Exit, CliError> {
    let mut opened = Opened::new(args)?;
    let ended = ended(&mut opened)?;
    let mut by_code: BTreeMap<(String, Option<u16>), Failures> = BTreeMap::new();
    for job in &ended {
        let files = job.report.iter().flat_map(|report| &report.files);
        for (_, path) in files.filter(|(succeeded, _)| !succeeded) {
            rows(path, interrupt::flag(), |row| {
                if !row.succeeded {
                    add(&mut by_code, row);
                }
                Ok::<_, CliError>(())
            })?;
        }
    }
    let mut failures: Vec<Failures> = by_code.into_values().collect();
    failures.sort_by_key(|failures| std::cmp::Reverse(failures.tasks));
    let sum = |Ended { job, job_id, report }: Ended| JobSum {
        manifest: job.manifest,
        job_id,
        status: job.status,
        tasks: job.tasks,
        succeeded: job.succeeded,
        failed: job.failed,
        report: report.is_some(),
    };
    let jobs: Vec<JobSum> = ended.into_iter().map(sum).collect();
    let whole = jobs.iter().all(|job| job.status == "Complete" && job.failed == 0);
    print::print(&Summary { jobs, failures }, args.format)?;
    Ok(if whole { Exit::Done } else { Exit::Partly })
}

fn add(by_code: &mut BTreeMap<(String, Option<u16>), Failures>, row: Row) {
    let mut place = (row.code.clone(), row.http);
    if by_code.len() >= CODES_MAX && !by_code.contains_key(&place) {
        place = ("other".to_owned(), None);
    }
    let (fate, remedy) = remedy(&row.code, row.http);
    let failures = by_code.entry(place).or_insert_with_key(|(code, http)| Failures {
        code: code.clone(),
        http: *http,
        tasks: 0,
        retry: fate == Fate::Again,
        remedy,
        example_key: String::from_utf8_lossy(&row.key).into_owned(),
        example_message: row.message,
    });
    failures.tasks += 1;
}

impl Report for Summary {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut table = Table::new();
        table.load_style(NOTHING);
        let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
        let mut header: Vec<Cell> = ["manifest", "job", "state"].map(Cell::new).to_vec();
        header.extend(["tasks", "done", "failed"].map(|text| right(text.to_owned())));
        table.set_header(header);
        for job in &self.jobs {
            let mut row = [&job.manifest, &job.job_id, &job.status].map(Cell::new).to_vec();
            let numbers = [job.tasks, job.succeeded, job.failed];
            row.extend(numbers.map(|number| right(Count(number).to_string())));
            table.add_row(row);
        }
        writeln!(out, "{table}")?;
        for job in self.jobs.iter().filter(|job| !job.report && job.failed > 0) {
            writeln!(out, "{}: there is no completion report", job.manifest)?;
        }
        for failures in &self.failures {
            let Failures { code, http, tasks, retry, remedy, .. } = failures;
            let http = http.map(|http| format!(" ({http})")).unwrap_or_default();
            let again = if *retry { "can be tried again" } else { "would fail again" };
            writeln!(out, "\n{code}{http}: {}, {again}", counted(*tasks, "task"))?;
            writeln!(out, "  {remedy}")?;
            writeln!(out, "  such as {}: {}", failures.example_key, failures.example_message)?;
        }
        if self.failures.iter().any(|failures| failures.retry) {
            writeln!(
                out,
                "\n`s3sieve retry DIR --out DIR2` makes a plan of what can be tried again."
            )?;
        }
        Ok(())
    }
}
