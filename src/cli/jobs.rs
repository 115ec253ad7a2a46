//! `s3sieve jobs`: the jobs of a submitted plan are listed, followed and steered.

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::job_events::JobEvent;
use super::job_table::{JobRow, job_table};
use super::jobs_args::{CancelArgs, JobsAction, JobsArgs, PriorityArgs, RunArgs, WatchArgs};
use super::older::{self, JobAction};
use super::output_format::{EventOutput, Format};
use super::plan_jobs::{
    HELD, JobLine, Reasons, SubmittedPlan, by_id, job_lines, outcome, to_confirm,
};
use super::print::{self, CommandResult, visible};
use super::service_args::OnUnknownCaller;
use super::watch::Watch;
use super::{CliError, Exit, completion, interrupt};
use crate::aws::{AwsError, AwsErrorKind, Session};
use crate::jobs::journal::JobCommand;
use crate::jobs::{JobControl, JobView, Pause, StepOutcome, Submission, describe};
use crate::plan::Plan;
use crate::units::counted;

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
            return Err(CliError::interrupted());
        }
    }
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
        let rows = self.jobs.iter().map(|job| JobRow {
            manifest: &job.manifest,
            job_id: job.job_id.as_deref().unwrap_or("-"),
            state: &job.status,
            tasks: [job.tasks, job.tasks_succeeded, job.tasks_failed],
        });
        writeln!(out, "{}", job_table(rows))?;
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
    args.service.check_account(&session, Some(submission.account_id()), OnUnknownCaller::Warn)?;
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
            return Err(CliError::interrupted());
        }
    }
}

/// How long `run --detach` waits at most until jobs can be confirmed: S3 reads the manifest first,
/// which takes minutes.
const DETACH_MAX: Duration = Duration::from_secs(600);

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

/// Lets suspended jobs run, in the order of their manifests, until this many do.
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
            Ok(()) => JobEvent::from_command(&job_id, JobCommand::Run).tell(events),
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
    let deeds: Vec<JobAction> = jobs.iter().map(JobAction::from_line).collect();
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
            OnUnknownCaller::Warn,
        )?;
        Ok(Self { plan: handle.plan, submission, control })
    }

    /// The jobs that were named, or all; those that have ended, or are about to, are left out.
    /// With what AWS lists.
    fn chosen(&mut self, named: &[String]) -> Result<(Vec<String>, Vec<JobView>), CliError> {
        let known: Vec<String> =
            self.submission.progress().jobs().map(|(_, id)| id.to_owned()).collect();
        if let Some(stranger) = named.iter().find(|id| !known.contains(id)) {
            return Err(CliError::usage(format!(
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
                print::error(&error.explain());
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
            JobEvent::from_command(job_id, command).tell(events);
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
        let deeds = JobAction::from_all(steering.submission.progress(), &views);
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
