//! `s3sieve jobs`: the jobs of a submitted plan are listed, followed and steered.

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use comfy_table::{Cell, CellAlignment};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::args::Format;
use super::job_events::{EventOutput, JobEvent};
use super::jobs_args::{CancelArgs, JobsAction, JobsArgs, PriorityArgs, RunArgs, WatchArgs};
use super::older::{self, JobAction};
use super::print::{self, CommandResult, visible};
use super::service_args::OnUnknownCaller;
use super::watch::Watch;
use super::{CliError, Exit, completion, interrupt, terminal};
use crate::aws::{AwsError, AwsErrorKind, Session};
use crate::jobs::journal::{
    self, JobCommand, JobEnd, JournalEntry, JournalError, JournalEvent, ManifestStage,
    SubmissionProgress,
};
use crate::jobs::{
    JobControl, JobDetail, JobView, Pause, Requests, StepOutcome, Submission, SubmitError,
    describe, list, replay, should_be_known,
};
use crate::plan::Plan;
use crate::units::{Count, counted};

pub(super) fn run(args: &JobsArgs) -> Result<Exit, CliError> {
    match &args.action {
        JobsAction::List => show(args),
        JobsAction::Watch(watch) => follow(args, watch),
        JobsAction::Run(run) => let_run(args, run),
        JobsAction::Cancel(asked) => cancel(args, asked),
        JobsAction::Priority(priority) => set_priority(args, priority),
        JobsAction::Report => completion::run(args),
    }
}

/// Follows jobs until nothing happens by itself any more.
fn follow(args: &JobsArgs, watched: &WatchArgs) -> Result<Exit, CliError> {
    let mut opened = SubmittedPlan::new(args)?;
    let mut watch = Watch::new(watched, &opened.control, args.events())?;
    loop {
        match opened.jobs() {
            Ok(jobs) => {
                watch.answered();
                watch.show(&jobs);
                if jobs.iter().all(JobLine::is_settled) {
                    watch.end();
                    return Ok(outcome(&jobs));
                }
            }
            Err(error) => {
                if opened.was_reached {
                    watch.reached();
                }
                watch.bear(error)?;
            }
        }
        if !watch.pause() {
            watch.end();
            return Err(CliError::Interrupted);
        }
    }
}

/// The state of a job that is yet to be created.
const WAITING: &str = "Waiting";

/// The same, where jobs that must have done all their tasks before have not.
const HELD: &str = "Held";

/// The state of a job that won't be created.
const WITHDRAWN: &str = "Withdrawn";

/// The state of a job that AWS does not list: it is too new.
const UNLISTED: &str = "Unlisted";

/// A submitted plan, and the way to its jobs.
pub(super) struct SubmittedPlan {
    pub(super) plan: Plan,
    /// The folder of its journal.
    pub(super) state: PathBuf,
    pub(super) progress: SubmissionProgress,
    pub(super) session: Session,
    pub(super) control: JobControl,
    requests: Requests,
    reasons: Reasons,
    /// Whether AWS has listed jobs.
    was_reached: bool,
}

/// Why jobs failed, by their ids: it doesn't change, so it is asked for once.
type Reasons = HashMap<String, Vec<String>>;

impl SubmittedPlan {
    pub(super) fn new(args: &JobsArgs) -> Result<Self, CliError> {
        let handle = args.open()?;
        let (state, plan) = (handle.state().to_owned(), handle.plan);
        let entries = journal::read(&state)?;
        let progress = replay(&state, &plan.shards, &entries)?;
        let Some(JournalEvent::Started { account_id, region, requests_sha256, .. }) =
            entries.first().map(|entry| &entry.event)
        else {
            return Err(JournalError::Missing { folder: state }.into());
        };
        let requests = Requests::open(&state, requests_sha256, plan.shards.len())?;
        let session = args.service.session(Some(region))?;
        let control = args.service.control(&session, account_id)?;
        let (reasons, was_reached) = (Reasons::new(), false);
        Ok(Self { plan, state, progress, session, control, requests, reasons, was_reached })
    }

    /// The request of a manifest, as it was submitted, but for the `ETag`.
    pub(super) fn request(&mut self, shard: usize) -> Result<Value, CliError> {
        Ok(self.requests.read(shard)?)
    }

    /// Every job of the plan, as AWS shows it now. Ends that the journal doesn't know are taken in,
    /// and not written: another run may hold it.
    pub(super) fn jobs(&mut self) -> Result<Vec<JobLine>, CliError> {
        let listed = list(&self.control, &self.progress)?;
        self.was_reached |= self.progress.jobs().next().is_some();
        let mut views = by_id(listed);
        let open: Vec<String> = self.progress.open().map(str::to_owned).collect();
        for job_id in open {
            // A job that AWS no longer lists may still be known by its id.
            if !views.contains_key(&job_id)
                && let Some(detail) = self.control.describe(&job_id)?
            {
                views.insert(job_id.clone(), detail.view);
            }
            let end = match views.get(&job_id) {
                Some(view) if view.is_over() => JobEnd {
                    status: view.status.clone(),
                    tasks: view.tasks,
                    succeeded: view.succeeded,
                    failed: view.failed,
                },
                None if should_be_known(&self.progress, &job_id) => {
                    let status = JobEnd::FORGOTTEN.to_owned();
                    JobEnd { status, tasks: 0, succeeded: 0, failed: 0 }
                }
                _ => continue,
            };
            let entry =
                JournalEntry { time: Timestamp::now(), event: JournalEvent::Ended { job_id, end } };
            self.progress
                .apply(&entry)
                .map_err(|what| SubmitError::Misfit { folder: self.state.clone(), what })?;
        }
        job_lines(&self.plan, &self.progress, views, &self.control, &mut self.reasons)
    }
}

/// A job of a plan.
#[derive(Debug, Clone, Serialize)]
pub(super) struct JobLine {
    pub(super) manifest: String,
    pub(super) objects: u64,
    pub(super) job_id: Option<String>,
    /// The API's name of its state; `Waiting` where it is yet to be created, `Held` where that
    /// waits for tasks that other jobs left undone, `Withdrawn` where it won't be, `Unlisted` where
    /// AWS does not list it yet, `Forgotten` where AWS no longer knows it.
    pub(super) status: String,
    pub(super) priority: Option<i32>,
    pub(super) tasks: u64,
    pub(super) tasks_succeeded: u64,
    pub(super) tasks_failed: u64,
    pub(super) seconds_active: u64,
    /// Why it failed.
    pub(super) reasons: Vec<String>,
}

impl JobLine {
    /// Whether it has ended.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.status.as_str(), "Complete" | "Cancelled" | "Failed" | JobEnd::FORGOTTEN)
    }

    /// Whether it has done every task, as far as that is known.
    pub(super) fn is_clean(&self) -> bool {
        match self.status.as_str() {
            "Complete" | JobEnd::FORGOTTEN => {
                self.tasks_failed == 0 && self.tasks_succeeded >= self.objects
            }
            _ => false,
        }
    }

    /// Whether it is not created, nor will be by itself.
    pub(super) fn is_left_out(&self) -> bool {
        matches!(self.status.as_str(), HELD | WITHDRAWN)
    }

    /// Whether it may still come to wait for confirmation.
    fn is_coming(&self) -> bool {
        self.job_id.is_some() && matches!(self.status.as_str(), "New" | "Preparing" | UNLISTED)
    }

    /// Its state in words: `Active, 1,000 of 5,000 done, 3 failed`.
    pub(super) fn in_words(&self) -> String {
        let mut text = visible(&self.status).into_owned();
        if self.tasks > 0 {
            let done = self.tasks_succeeded + self.tasks_failed;
            text += &format!(", {} of {} done", Count(done), Count(self.tasks));
            if self.tasks_failed > 0 {
                text += &format!(", {} failed", Count(self.tasks_failed));
            }
        }
        for reason in &self.reasons {
            text += &format!(", {}", visible(reason));
        }
        text
    }

    /// Whether nothing happens to it by itself any more.
    fn is_settled(&self) -> bool {
        self.is_over() || self.job_id.is_none() || self.status == "Suspended"
    }
}

fn by_id(views: Vec<JobView>) -> HashMap<String, JobView> {
    views.into_iter().map(|view| (view.job_id.clone(), view)).collect()
}

fn job_lines(
    plan: &Plan,
    progress: &SubmissionProgress,
    mut views: HashMap<String, JobView>,
    control: &JobControl,
    reasons: &mut Reasons,
) -> Result<Vec<JobLine>, CliError> {
    let mut lines = Vec::new();
    for (place, (shard, stage)) in plan.shards.iter().zip(progress.stages()).enumerate() {
        let job_id = match stage {
            ManifestStage::Created { job_id, .. } => Some(job_id.clone()),
            _ => None,
        };
        let view = job_id.as_ref().and_then(|id| views.remove(id));
        let unseen = || match stage {
            // Too new to be listed, or AWS forgot it, 90 days after it ended.
            ManifestStage::Created { .. } => {
                stage.end().map_or_else(|| UNLISTED.to_owned(), |end| end.status.clone())
            }
            ManifestStage::Withdrawn { .. } => WITHDRAWN.to_owned(),
            _ if progress.is_held(place) => HELD.to_owned(),
            _ => WAITING.to_owned(),
        };
        let counts = view.as_ref().map(|view| (view.tasks, view.succeeded, view.failed));
        let noted = stage.end().map(|end| (end.tasks, end.succeeded, end.failed));
        let (tasks, succeeded, failed) = counts.or(noted).unwrap_or_default();
        let mut line = JobLine {
            manifest: shard.path.clone(),
            objects: shard.objects,
            status: view.as_ref().map_or_else(unseen, |view| view.status.clone()),
            priority: view.as_ref().map(|view| view.priority),
            tasks,
            tasks_succeeded: succeeded,
            tasks_failed: failed,
            seconds_active: view.as_ref().map_or(0, |view| view.active_seconds),
            job_id,
            reasons: Vec::new(),
        };
        if line.status == "Complete" && line.tasks_failed == 0 && !line.is_clean() {
            // Lists lag behind.
            let id = line.job_id.as_deref().unwrap_or_default();
            if let Some(JobDetail { view, .. }) = control.describe(id)? {
                (line.tasks, line.tasks_succeeded, line.tasks_failed) =
                    (view.tasks, view.succeeded, view.failed);
            }
        }
        if line.status == "Failed" {
            let id = line.job_id.as_deref().unwrap_or_default();
            line.reasons = reasons_of(id, control, reasons)?;
        }
        lines.push(line);
    }
    Ok(lines)
}

/// Why a job failed.
fn reasons_of(
    job_id: &str,
    control: &JobControl,
    known: &mut Reasons,
) -> Result<Vec<String>, CliError> {
    if let Some(reasons) = known.get(job_id) {
        return Ok(reasons.clone());
    }
    // One that is not known may be described later.
    let Some(detail) = control.describe(job_id)? else { return Ok(Vec::new()) };
    let texts = detail.reasons.into_iter().map(|(code, reason)| format!("{code}: {reason}"));
    Ok(known.entry(job_id.to_owned()).or_insert(texts.collect()).clone())
}

/// The exit code for jobs as they are.
fn outcome(jobs: &[JobLine]) -> Exit {
    let partly = |job: &JobLine| {
        job.tasks_failed > 0 || (job.is_over() && !job.is_clean()) || job.is_left_out()
    };
    if jobs.iter().any(partly) { Exit::Partly } else { Exit::Done }
}

/// All jobs of a plan.
#[derive(Serialize)]
struct JobList {
    jobs: Vec<JobLine>,
}

fn show(args: &JobsArgs) -> Result<Exit, CliError> {
    let jobs = SubmittedPlan::new(args)?.jobs()?;
    let exit = outcome(&jobs);
    print::print(&JobList { jobs }, args.format)?;
    Ok(exit)
}

impl CommandResult for JobList {
    const COMMAND: &'static str = "jobs list";

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut table = terminal::table();
        let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
        let mut header: Vec<Cell> = ["manifest", "job", "state"].map(Cell::new).to_vec();
        header.extend(["tasks", "done", "failed"].map(|text| right(text.to_owned())));
        table.set_header(header);
        for job in &self.jobs {
            let mut row = vec![
                Cell::new(visible(&job.manifest)),
                Cell::new(visible(job.job_id.as_deref().unwrap_or("-"))),
                Cell::new(visible(&job.status)),
            ];
            let numbers = [job.tasks, job.tasks_succeeded, job.tasks_failed];
            row.extend(numbers.map(|number| right(Count(number).to_string())));
            table.add_row(row);
        }
        terminal::keep_words(&mut table);
        writeln!(out, "{table}")?;
        for job in &self.jobs {
            for reason in &job.reasons {
                writeln!(out, "{}: {}", visible(&job.manifest), visible(reason))?;
            }
        }
        Ok(())
    }
}

/// Creates what waits and confirms what is suspended, in waves, until nothing is left to do.
fn let_run(args: &JobsArgs, run: &RunArgs) -> Result<Exit, CliError> {
    let handle = args.open()?;
    let plan = &handle.plan;
    let mut submission = Submission::resume(handle.state(), plan)?;
    let session = args.service.session(Some(submission.region()))?;
    let control = args.service.control(&session, submission.account_id())?;
    args.service.check_account(&session, Some(submission.account_id()), OnUnknownCaller::Told)?;
    let mut watch = Watch::new(&run.watch, &control, args.events())?;
    let mut wave = Wave {
        plan,
        session: &session,
        control: &control,
        events: args.events(),
        reasons: Reasons::new(),
        was_reached: false,
    };
    let needs_confirmation = !plan.shards.is_empty()
        && submission.submitted(0)?["ConfirmationRequired"].as_bool() == Some(true);
    let begun = Instant::now();
    loop {
        match wave.round(&mut submission, run.max_active) {
            Ok((pause, jobs)) => {
                watch.answered();
                watch.show(&jobs);
                let coming = if needs_confirmation { to_confirm(&jobs, run.max_active) } else { 0 };
                let is_late = begun.elapsed() >= DETACH_MAX;
                let created = jobs.iter().filter(|job| job.job_id.is_some());
                let over = pause != Pause::Waits && created.clone().all(JobLine::is_over);
                if over || (run.detach && (coming == 0 || is_late)) {
                    watch.end();
                    say_what_is_left(args, plan, &jobs);
                    if coming > 0 {
                        say_what_is_coming(coming);
                        return Ok(Exit::Partly);
                    }
                    return Ok(outcome(&jobs));
                }
            }
            Err(error) => {
                if wave.was_reached {
                    watch.reached();
                }
                watch.bear(error)?;
            }
        }
        if !watch.pause() {
            watch.end();
            return Err(CliError::Interrupted);
        }
    }
}

/// How long `run --detach` waits at most until jobs can be confirmed: S3 reads the manifest first,
/// which takes minutes.
const DETACH_MAX: Duration = Duration::from_secs(600);

/// How many jobs will wait for confirmation soon, of those that may run then.
fn to_confirm(jobs: &[JobLine], max_active: usize) -> usize {
    let is_running = |job: &&JobLine| {
        job.job_id.is_some() && !job.is_over() && !job.is_coming() && job.status != "Suspended"
    };
    let running = jobs.iter().filter(is_running).count();
    let coming = jobs.iter().filter(|job| job.is_coming()).count();
    coming.min(max_active.saturating_sub(running))
}

fn say_what_is_coming(jobs: usize) {
    print::note(&format!(
        "{} can't be confirmed yet, for S3 still prepares what it will do: give this command again \
         later, or a job waits until it fails, after 30 days",
        counted(jobs as u64, "job"),
    ));
}

/// The jobs that may run at a time.
struct Wave<'a> {
    plan: &'a Plan,
    session: &'a Session,
    control: &'a JobControl,
    events: EventOutput,
    reasons: Reasons,
    /// Whether AWS has listed or created jobs.
    was_reached: bool,
}

impl Wave<'_> {
    /// Looks, creates what may be created, confirms what may run, and gives the jobs as they are.
    fn round(
        &mut self,
        submission: &mut Submission,
        max_active: usize,
    ) -> Result<(Pause, Vec<JobLine>), CliError> {
        let Self { plan, session, control, events, .. } = *self;
        let mut views = by_id(submission.look(control)?);
        // Without a job, nothing was asked.
        self.was_reached |= submission.progress().jobs().next().is_some();
        let was_reached = &mut self.was_reached;
        let mut on_step = |outcome: StepOutcome<'_>| {
            *was_reached |= matches!(outcome, StepOutcome::Created { .. });
            JobEvent::from(outcome).tell(events);
        };
        let stop = interrupt::flag();
        let pause = submission.advance(plan, session, control, max_active, stop, &mut on_step)?;
        confirm(submission, control, &mut views, max_active, events)?;
        let jobs = job_lines(plan, submission.progress(), views, control, &mut self.reasons)?;
        Ok((pause, jobs))
    }
}

/// Lets suspended jobs run, in the order of their manifests, until so many do.
fn confirm(
    submission: &mut Submission,
    control: &JobControl,
    views: &mut HashMap<String, JobView>,
    max_active: usize,
    events: EventOutput,
) -> Result<(), CliError> {
    // One that is being prepared will be suspended, and takes its turn then.
    let is_running = |view: &&JobView| {
        !view.is_over() && !matches!(view.status.as_str(), "New" | "Preparing" | "Suspended")
    };
    let mut running = views.values().filter(is_running).count();
    let jobs = submission.progress().jobs();
    let order: Vec<(usize, String)> = jobs.map(|(place, id)| (place, id.to_owned())).collect();
    for (place, job_id) in order {
        let Some(view) = views.get_mut(&job_id).filter(|view| view.is_suspended()) else {
            continue;
        };
        if running >= max_active {
            break;
        }
        if !submission.progress().is_ready(place) {
            continue;
        }
        match submission.command(control, &job_id, JobCommand::Run) {
            Ok(()) => JobEvent::of_command(&job_id, JobCommand::Run).tell(events),
            // It isn't suspended any more: it took the command, and the answer was lost.
            Err(error) if error.aws().is_some_and(AwsError::is_job_status) => {}
            Err(error) => return Err(error.into()),
        }
        view.status = "Ready".to_owned();
        running += 1;
    }
    Ok(())
}

/// Says which way leads from here to "all done", where jobs left something undone.
fn say_what_is_left(args: &JobsArgs, plan: &Plan, jobs: &[JobLine]) {
    if args.format != Format::Human {
        return;
    }
    let deeds: Vec<JobAction> = jobs.iter().map(JobAction::of_line).collect();
    if let Some(text) = older::warning(&plan.shards, &deeds, &args.plan_words(), true) {
        print::warning(&text);
    }
    let plan = args.plan_words();
    let held = jobs.iter().filter(|job| job.status == HELD).count();
    if held > 0 {
        print::warning(&format!(
            "{} of current versions not created: jobs of noncurrent versions, which must be copied \
             before, left tasks undone",
            counted(held as u64, "job"),
        ));
    }
    if held > 0 || jobs.iter().any(|job| job.is_over() && !job.is_clean()) {
        print::note(&format!(
            "`s3sieve jobs {plan} report` says what failed; `s3sieve retry {plan} --out PLAN2` \
             makes a plan of all that was left undone"
        ));
    }
}

/// A submission of a plan, and the way to its jobs, for commands that steer them.
struct SubmissionControl {
    plan: Plan,
    submission: Submission,
    control: JobControl,
}

impl SubmissionControl {
    fn new(args: &JobsArgs) -> Result<Self, CliError> {
        let handle = args.open()?;
        let submission = Submission::reopen(handle.state(), &handle.plan)?;
        let session = args.service.session(Some(submission.region()))?;
        let control = args.service.control(&session, submission.account_id())?;
        args.service.check_account(
            &session,
            Some(submission.account_id()),
            OnUnknownCaller::Told,
        )?;
        Ok(Self { plan: handle.plan, submission, control })
    }

    /// The jobs that were named, or all; those that have ended, or are about to, are left out.
    /// With what AWS lists.
    fn chosen(&mut self, named: &[String]) -> Result<(Vec<String>, Vec<JobView>), CliError> {
        let known: Vec<String> =
            self.submission.progress().jobs().map(|(_, id)| id.to_owned()).collect();
        if let Some(stranger) = named.iter().find(|id| !known.contains(id)) {
            return Err(CliError::Usage(format!(
                "job {stranger} does not belong to this plan; `s3sieve jobs DIR list` shows the \
                 jobs that do"
            )));
        }
        let views = self.submission.look(&self.control)?;
        let ending: HashSet<&str> =
            views.iter().filter(|view| is_ending(view)).map(|view| &*view.job_id).collect();
        let named: HashSet<&str> = named.iter().map(String::as_str).collect();
        let open = self.submission.progress().open().filter(|id| !ending.contains(id));
        let wanted = |id: &&str| named.is_empty() || named.contains(id);
        let chosen = open.filter(wanted).map(str::to_owned).collect();
        Ok((chosen, views))
    }

    /// Sends a command to jobs, to all of them, also where one refuses it. One that ended
    /// meanwhile, or is about to, takes none, and needs none. Gives how many took it, and the first
    /// refusal.
    fn command(
        &mut self,
        jobs: &[String],
        command: JobCommand,
        events: EventOutput,
    ) -> Result<(u64, Option<CliError>), CliError> {
        let (mut taken, mut first) = (0, None);
        for job_id in jobs {
            let error = match self.command_one(job_id, command, events) {
                Ok(true) => {
                    taken += 1;
                    continue;
                }
                Ok(false) => continue,
                Err(error) => error,
            };
            // Others won't fare better where AWS can't be reached, or the journal not be written.
            let is_refusal = |aws: &AwsError| aws.kind != AwsErrorKind::Unreachable;
            if !error.aws().is_some_and(is_refusal) {
                return Err(first.unwrap_or(error));
            }
            if first.is_some() {
                print::error(&error.to_string());
            } else {
                first = Some(error);
            }
        }
        Ok((taken, first))
    }

    /// Sends a command to a job; false where it has ended, or is about to.
    fn command_one(
        &mut self,
        job_id: &str,
        command: JobCommand,
        events: EventOutput,
    ) -> Result<bool, CliError> {
        // One that is too new to be listed is waited for.
        describe(&self.control, job_id)?;
        let Err(error) = self.submission.command(&self.control, job_id, command) else {
            JobEvent::of_command(job_id, command).tell(events);
            return Ok(true);
        };
        // It is refused in words that differ from command to command.
        let now = self.control.describe(job_id)?;
        if !now.is_some_and(|detail| detail.view.is_over() || is_ending(&detail.view)) {
            return Err(error.into());
        }
        JobEvent::AlreadyOver { job_id }.tell(events);
        Ok(false)
    }
}

/// Whether a job is on its way to a state that it never leaves (API, `JobStatus`).
fn is_ending(view: &JobView) -> bool {
    matches!(view.status.as_str(), "Cancelling" | "Completing" | "Failing")
}

fn cancel(args: &JobsArgs, asked: &CancelArgs) -> Result<Exit, CliError> {
    let mut steering = SubmissionControl::new(args)?;
    // What can't be settled keeps no other job from being cancelled.
    let mut settled = Ok(());
    // First, so that none of them is created meanwhile.
    if asked.all {
        let jobs = steering.submission.withdraw()?;
        if jobs > 0 {
            JobEvent::Withdrawn { jobs }.tell(args.events());
        }
        settled = steering.submission.settle(&steering.control);
    }
    let (jobs, views) = steering.chosen(&asked.jobs)?;
    let (taken, refusal) = steering.command(&jobs, JobCommand::Cancel, args.events())?;
    if args.format == Format::Human {
        print::tell(&format!("{} asked to end", counted(taken, "job")));
        let deeds = JobAction::of_all(steering.submission.progress(), &views);
        // Jobs that were told to end do no more; those by name may leave others, which go on.
        let deeds: Vec<JobAction> = if asked.all { JobAction::ended(deeds) } else { deeds };
        let words = args.plan_words();
        if let Some(text) = older::warning(&steering.plan.shards, &deeds, &words, true) {
            print::warning(&text);
        }
    }
    settled?;
    refusal.map_or(Ok(Exit::Done), Err)
}

fn set_priority(args: &JobsArgs, asked: &PriorityArgs) -> Result<Exit, CliError> {
    let mut steering = SubmissionControl::new(args)?;
    let priority = asked.priority;
    if asked.jobs.is_empty() {
        let jobs = steering.submission.plan_priority(priority)?;
        if jobs > 0 {
            JobEvent::PriorityPlanned { jobs, priority }.tell(args.events());
        }
    }
    let (jobs, _) = steering.chosen(&asked.jobs)?;
    let (taken, refusal) =
        steering.command(&jobs, JobCommand::Priority(priority), args.events())?;
    if args.format == Format::Human {
        let jobs = counted(taken, "job");
        print::tell(&format!("{jobs} given priority {priority}"));
    }
    refusal.map_or(Ok(Exit::Done), Err)
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
            tasks_succeeded: u64::from(status == "Complete" && failed == 0),
            tasks_failed: failed,
            seconds_active: 0,
            reasons: Vec::new(),
        };
        assert_eq!(outcome(&[job("Complete", 0), job("Active", 0)]), Exit::Done);
        assert_eq!(outcome(&[job("Complete", 1)]), Exit::Partly);
        assert_eq!(outcome(&[JobLine { objects: 2, ..job("Complete", 0) }]), Exit::Partly);
        for status in ["Cancelled", "Failed", JobEnd::FORGOTTEN, HELD, WITHDRAWN] {
            assert_eq!(outcome(&[job(status, 0)]), Exit::Partly, "{status}");
        }
    }

    /// A job in this state that has done nothing.
    fn line(state: &str) -> JobLine {
        JobLine {
            manifest: "manifests/00000.csv".to_owned(),
            objects: 1,
            job_id: None,
            status: state.to_owned(),
            priority: None,
            tasks: 0,
            tasks_succeeded: 0,
            tasks_failed: 0,
            seconds_active: 0,
            reasons: Vec::new(),
        }
    }

    #[test]
    fn detaching_waits_for_jobs_that_may_run_and_are_not_suspended_yet() {
        let jobs = |states: &[&str]| -> Vec<JobLine> {
            let job = |state: &&str| JobLine {
                job_id: (*state != WAITING).then(|| "j".to_owned()),
                ..line(state)
            };
            states.iter().map(job).collect()
        };
        assert_eq!(to_confirm(&jobs(&["New", "Preparing", UNLISTED, WAITING]), 6), 3);
        assert_eq!(to_confirm(&jobs(&["New", "Preparing", "Active"]), 2), 1);
        assert_eq!(to_confirm(&jobs(&["Ready", "Active", "Preparing"]), 2), 0);
        assert_eq!(to_confirm(&jobs(&["Complete", "Suspended", HELD]), 6), 0);
    }

    #[test]
    fn a_job_in_words() {
        let mut job = JobLine { objects: 5000, ..line(WAITING) };
        assert_eq!(job.in_words(), "Waiting");
        (job.status, job.tasks, job.tasks_succeeded, job.tasks_failed) =
            ("Failed".to_owned(), 5000, 997, 3);
        job.reasons.push("A: b".to_owned());
        assert_eq!(job.in_words(), "Failed, 1,000 of 5,000 done, 3 failed, A: b");
    }
}
