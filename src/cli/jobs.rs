//! `s3sieve jobs`: the jobs of a submitted plan are listed, followed and steered.

use std::collections::HashMap;
use std::io::{self, Write};

use comfy_table::presets::NOTHING;
use comfy_table::{Cell, CellAlignment, Table};
use serde::Serialize;
use serde_json::Value;

use super::jobs_args::{CancelArgs, JobsAction, JobsArgs, PriorityArgs, RunArgs};
use super::print::{self, Report};
use super::service_args::Unchecked;
use super::watch::Watch;
use super::{CliError, Exit, completion, interrupt};
use crate::aws::Session;
use crate::jobs::journal::{self, Event, JournalError, Progress, Stage, Told};
use crate::jobs::{Control, JobView, Pause, Requests, Submission, Taken, list, replay};
use crate::plan::{self, Plan};
use crate::units::{Count, counted};

pub(super) fn run(args: &JobsArgs) -> Result<Exit, CliError> {
    match &args.action {
        JobsAction::List => show(args),
        JobsAction::Watch(watch) => {
            let opened = Opened::new(args)?;
            let mut watch = Watch::new(watch.interval, &opened.control, args.format)?;
            loop {
                let jobs = opened.jobs()?;
                watch.show(&jobs);
                if jobs.iter().all(JobLine::is_settled) {
                    watch.end();
                    return Ok(outcome(&jobs));
                }
                if !watch.pause() {
                    watch.end();
                    return Err(CliError::Interrupted);
                }
            }
        }
        JobsAction::Run(run) => let_run(args, run),
        JobsAction::Cancel(cancel) => end(args, cancel),
        JobsAction::Priority(priority) => set_priority(args, priority),
        JobsAction::Report => completion::run(args),
    }
}

/// A submitted plan, and the way to its jobs.
pub(super) struct Opened {
    pub(super) plan: Plan,
    pub(super) progress: Progress,
    pub(super) session: Session,
    pub(super) control: Control,
    requests: Requests,
}

impl Opened {
    pub(super) fn new(args: &JobsArgs) -> Result<Self, CliError> {
        let plan = plan::read(&args.plan)?;
        let entries = journal::read(&args.plan)?;
        let manifests: Vec<String> = plan.shards.iter().map(|shard| shard.path.clone()).collect();
        let progress = replay(&args.plan, &manifests, &entries)?;
        let Some(Event::Begun { account_id, region, requests_sha256, .. }) =
            entries.first().map(|entry| &entry.event)
        else {
            return Err(JournalError::Missing { folder: args.plan.clone() }.into());
        };
        let requests = Requests::open(&args.plan, requests_sha256, plan.shards.len())?;
        let session = args.service.session(Some(region))?;
        let control = args.service.control(&session, account_id)?;
        Ok(Self { plan, progress, session, control, requests })
    }

    /// The request of a manifest, as it was submitted, but for the `ETag`.
    pub(super) fn request(&mut self, shard: usize) -> Result<Value, CliError> {
        Ok(self.requests.read(shard)?)
    }

    /// Every job of the plan, as AWS shows it now.
    pub(super) fn jobs(&self) -> Result<Vec<JobLine>, CliError> {
        let views = list(&self.control, &self.progress)?;
        job_lines(&self.plan, &self.progress, views, &self.control)
    }
}

/// A job of a plan.
#[derive(Debug, Clone, Serialize)]
pub(super) struct JobLine {
    pub(super) manifest: String,
    pub(super) objects: u64,
    pub(super) job_id: Option<String>,
    /// The API's name of its state; `Waiting` where it is yet to be created, `Unlisted` where AWS
    /// does not list it.
    pub(super) status: String,
    pub(super) priority: Option<i32>,
    pub(super) tasks: u64,
    pub(super) succeeded: u64,
    pub(super) failed: u64,
    pub(super) active_seconds: u64,
    /// Why it failed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) reasons: Vec<String>,
}

impl JobLine {
    /// Whether it has ended.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.status.as_str(), "Complete" | "Cancelled" | "Failed")
    }

    /// Whether nothing happens to it by itself any more.
    fn is_settled(&self) -> bool {
        self.is_over() || self.job_id.is_none() || self.status == "Suspended"
    }
}

fn job_lines(
    plan: &Plan,
    progress: &Progress,
    views: Vec<JobView>,
    control: &Control,
) -> Result<Vec<JobLine>, CliError> {
    let mut views: HashMap<String, JobView> =
        views.into_iter().map(|view| (view.job_id.clone(), view)).collect();
    let mut lines = Vec::new();
    for (shard, stage) in plan.shards.iter().zip(progress.stages()) {
        let (job_id, ended) = match stage {
            Stage::Created { job_id, ended } => (Some(job_id.clone()), ended.clone()),
            _ => (None, None),
        };
        let view = job_id.as_ref().and_then(|id| views.remove(id));
        let unseen = || match (&job_id, ended) {
            (None, _) => "Waiting".to_owned(),
            // Too new to be listed, or AWS forgot it, 90 days after it ended.
            (Some(_), ended) => ended.unwrap_or_else(|| "Unlisted".to_owned()),
        };
        let mut line = JobLine {
            manifest: shard.path.clone(),
            objects: shard.objects,
            status: view.as_ref().map_or_else(unseen, |view| view.status.clone()),
            priority: view.as_ref().map(|view| view.priority),
            tasks: view.as_ref().map_or(0, |view| view.tasks),
            succeeded: view.as_ref().map_or(0, |view| view.succeeded),
            failed: view.as_ref().map_or(0, |view| view.failed),
            active_seconds: view.as_ref().map_or(0, |view| view.active_seconds),
            job_id,
            reasons: Vec::new(),
        };
        if line.status == "Failed" {
            let id = line.job_id.as_deref().unwrap_or_default();
            let reasons = control.describe(id)?.map(|detail| detail.reasons).unwrap_or_default();
            line.reasons =
                reasons.into_iter().map(|(code, reason)| format!("{code}: {reason}")).collect();
        }
        lines.push(line);
    }
    Ok(lines)
}

/// The exit code for jobs as they are.
fn outcome(jobs: &[JobLine]) -> Exit {
    let partly =
        jobs.iter().any(|job| job.failed > 0 || (job.is_over() && job.status != "Complete"));
    if partly { Exit::Partly } else { Exit::Done }
}

/// All jobs of a plan.
#[derive(Serialize)]
struct Listed {
    jobs: Vec<JobLine>,
}

fn show(args: &JobsArgs) -> Result<Exit, CliError> {
    let jobs = Opened::new(args)?.jobs()?;
    let exit = outcome(&jobs);
    print::print(&Listed { jobs }, args.format)?;
    Ok(exit)
}

impl Report for Listed {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut table = Table::new();
        table.load_style(NOTHING);
        let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
        let mut header: Vec<Cell> = ["manifest", "job", "state"].map(Cell::new).to_vec();
        header.extend(["tasks", "done", "failed"].map(|text| right(text.to_owned())));
        table.set_header(header);
        for job in &self.jobs {
            let mut row = vec![
                Cell::new(&job.manifest),
                Cell::new(job.job_id.as_deref().unwrap_or("-")),
                Cell::new(&job.status),
            ];
            let numbers = [job.tasks, job.succeeded, job.failed];
            row.extend(numbers.map(|number| right(Count(number).to_string())));
            table.add_row(row);
        }
        writeln!(out, "{table}")?;
        for job in &self.jobs {
            for reason in &job.reasons {
                writeln!(out, "{}: {reason}", job.manifest)?;
            }
        }
        Ok(())
    }
}

/// Creates what waits and confirms what is suspended, in waves, until nothing is left to do.
fn let_run(args: &JobsArgs, run: &RunArgs) -> Result<Exit, CliError> {
    let plan = plan::read(&args.plan)?;
    let mut submission = Submission::resume(&args.plan, &plan)?;
    let session = args.service.session(Some(submission.region()))?;
    let control = args.service.control(&session, submission.account_id())?;
    args.service.check_account(&session, Some(submission.account_id()), Unchecked::Told)?;
    let mut watch = Watch::new(run.watch.interval, &control, args.format)?;
    let mut told = |taken: Taken<'_>| {
        if let Taken::Created { manifest, job_id, .. } = taken {
            print::tell(&format!("{manifest}: job {job_id}"));
        }
    };
    loop {
        let mut views = submission.look(&control)?;
        let stop = interrupt::flag();
        let max = run.max_active;
        let pause = submission.advance(&plan, &session, &control, max, stop, &mut told)?;
        confirm(&mut submission, &control, &mut views, max)?;
        let jobs = job_lines(&plan, submission.progress(), views, &control)?;
        watch.show(&jobs);
        let over = pause == Pause::Done && jobs.iter().all(JobLine::is_over);
        if over || run.detach {
            watch.end();
            return Ok(outcome(&jobs));
        }
        if !watch.pause() {
            watch.end();
            return Err(CliError::Interrupted);
        }
    }
}

/// Lets suspended jobs run, in the order of their manifests, until so many do.
fn confirm(
    submission: &mut Submission,
    control: &Control,
    views: &mut [JobView],
    max_active: usize,
) -> Result<(), CliError> {
    let mut running = views.iter().filter(|view| !view.is_over() && !view.is_suspended()).count();
    let order: Vec<String> = submission.progress().jobs().map(|(_, id)| id.to_owned()).collect();
    for job_id in order {
        let suspended = |view: &&mut JobView| view.job_id == job_id && view.is_suspended();
        let Some(view) = views.iter_mut().find(suspended) else { continue };
        if running >= max_active {
            break;
        }
        tell_job(submission, &job_id, Told::Run, || control.request_status(&job_id, true))?;
        view.status = "Ready".to_owned();
        running += 1;
    }
    Ok(())
}

/// Tells a job something, with a line in the journal before and after.
fn tell_job(
    submission: &mut Submission,
    job_id: &str,
    what: Told,
    tell: impl FnOnce() -> Result<(), crate::aws::AwsError>,
) -> Result<(), CliError> {
    let job_id = job_id.to_owned();
    submission.note(Event::Telling { job_id: job_id.clone(), what })?;
    tell()?;
    Ok(submission.note(Event::Told { job_id, what })?)
}

/// The jobs that were named, or all; those that have ended are left out.
fn chosen(
    submission: &mut Submission,
    control: &Control,
    named: &[String],
) -> Result<Vec<String>, CliError> {
    let known: Vec<String> = submission.progress().jobs().map(|(_, id)| id.to_owned()).collect();
    if let Some(stranger) = named.iter().find(|id| !known.contains(id)) {
        return Err(CliError::Usage(format!(
            "{stranger} is no job of this plan; `s3sieve jobs DIR list` shows them"
        )));
    }
    let views = submission.look(control)?;
    let open = |id: &String| views.iter().any(|view| view.job_id == *id && !view.is_over());
    let wanted = |id: &String| named.is_empty() || named.contains(id);
    Ok(known.into_iter().filter(|id| wanted(id) && open(id)).collect())
}

fn steered(
    args: &JobsArgs,
    named: &[String],
    what: Told,
    verb: &str,
    tell: impl Fn(&Control, &str) -> Result<(), crate::aws::AwsError>,
) -> Result<Exit, CliError> {
    let plan = plan::read(&args.plan)?;
    let mut submission = Submission::resume(&args.plan, &plan)?;
    let session = args.service.session(Some(submission.region()))?;
    let control = args.service.control(&session, submission.account_id())?;
    args.service.check_account(&session, Some(submission.account_id()), Unchecked::Told)?;
    let jobs = chosen(&mut submission, &control, named)?;
    for job_id in &jobs {
        tell_job(&mut submission, job_id, what, || tell(&control, job_id))?;
        print::tell(&format!("job {job_id}: {verb}"));
    }
    print::tell(&format!("{} {verb}", counted(jobs.len() as u64, "job")));
    Ok(Exit::Done)
}

fn end(args: &JobsArgs, cancel: &CancelArgs) -> Result<Exit, CliError> {
    steered(args, &cancel.jobs, Told::Cancel, "asked to end", |control, id| {
        control.request_status(id, false)
    })
}

fn set_priority(args: &JobsArgs, asked: &PriorityArgs) -> Result<Exit, CliError> {
    let priority = asked.priority;
    let verb = format!("has priority {priority}");
    steered(args, &asked.jobs, Told::Priority(priority), &verb, |control, id| {
        control.set_priority(id, priority)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_tasks_and_jobs_show_in_the_exit_code() {
        let job = |status: &str, failed| JobLine {
            manifest: String::new(),
            objects: 1,
            job_id: Some("j".to_owned()),
            status: status.to_owned(),
            priority: None,
            tasks: 1,
            succeeded: 0,
            failed,
            active_seconds: 0,
            reasons: Vec::new(),
        };
        assert_eq!(outcome(&[job("Complete", 0), job("Active", 0)]), Exit::Done);
        assert_eq!(outcome(&[job("Complete", 1)]), Exit::Partly);
        assert_eq!(outcome(&[job("Cancelled", 0)]), Exit::Partly);
    }
}
