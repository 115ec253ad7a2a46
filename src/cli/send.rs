//! `s3sieve submit` without `--dry-run`: looks first, then uploads the manifests and creates the
//! jobs.

use std::collections::HashMap;
use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

use super::args::Format;
use super::job_events::{EventOutput, JobEvent};
use super::older::{self, JobAction};
use super::operation_args::SubmitArgs;
use super::plan_args::{self, tell_state};
use super::print::{self, CommandResult};
use super::request::place;
use super::{CliError, Exit, interrupt};
use crate::jobs::journal::{JobEnd, ManifestStage};
use crate::jobs::{
    JobView, Pause, Preflight, PreflightFinding, Severity, StepOutcome, Submission,
    check_update_encryption,
};
use crate::operation::job::{JobContext, Request};
use crate::plan::{Plan, PlanHandle};
use crate::units::counted;

/// What a submission came to.
#[derive(Serialize)]
struct SubmitResult {
    plan: String,
    jobs: Vec<Job>,
    /// How many jobs wait in the journal until others end.
    jobs_waiting: usize,
    /// Of these, how many wait for jobs of noncurrent versions, which must do every task first.
    jobs_in_order: usize,
    /// Of those that wait, how many wait in vain: a job of noncurrent versions left tasks undone.
    jobs_held: usize,
    /// How many jobs were withdrawn before they were created.
    jobs_withdrawn: usize,
    #[serde(skip)]
    confirmation: bool,
    /// What is said of keys that are served in an older version.
    #[serde(skip)]
    older: Option<String>,
}

#[derive(Serialize)]
struct Job {
    manifest: String,
    job_id: Option<String>,
    /// The API's name of its state, where AWS lists the job.
    status: Option<String>,
    /// Whether it ended before it ran a task.
    ran_nothing: bool,
    /// Its tasks that failed.
    tasks_failed: u64,
}

pub(super) fn run(
    args: &SubmitArgs,
    handle: &PlanHandle,
    setting: &JobContext,
    requests: &[Request],
) -> Result<Exit, CliError> {
    let plan = &handle.plan;
    let Some(region) = setting.region.as_deref() else { return Err(no_region()) };
    let Some(first) = requests.first() else {
        print::note("the plan holds no manifest, so there is no job to create");
        return Ok(Exit::Done);
    };
    let session = args.service.session(Some(region))?;
    let endpoint = args.service.control_endpoint(&session)?;
    if first.operation.get("S3UpdateObjectEncryption").is_some() {
        check_update_encryption(endpoint.as_ref())?;
    }
    let control = args.service.control(&session, &setting.account_id)?;
    let preflight = Preflight {
        session: &session,
        account_id: &setting.account_id,
        region,
        role_arn: &args.role_arn,
        manifest_bucket: manifest_bucket(first),
        report_bucket: &place("--report", &args.place.report)?.bucket,
        buckets: plan.shards.iter().map(|shard| shard.bucket.as_str()).collect(),
        operation: &first.operation,
        reports_created: created(plan),
        now: setting.now,
    };
    if tell(&preflight.run()?) {
        return Ok(Exit::Aws);
    }
    handle.claim_state()?;
    tell_state(handle);
    let (state, account_id) = (handle.state(), &setting.account_id);
    let mut submission = Submission::begin(state, plan, &lines(requests)?, account_id, region)?;
    let mut on_step = |outcome: StepOutcome<'_>| {
        if args.format == Format::Human {
            JobEvent::from(outcome).tell(EventOutput { command: "submit", format: args.format });
        }
    };
    if args.again {
        submission.look(&control)?;
        submission.begin_again()?;
    }
    let stop = interrupt::flag();
    let open_max = args.max_active;
    let views = loop {
        let pause = submission.advance(plan, &session, &control, open_max, stop, &mut on_step)?;
        let open = submission.progress().open().count();
        let views = submission.look(&control)?;
        if pause != Pause::Waits || submission.progress().open().count() == open {
            break views;
        }
    };
    let result = summary(args, plan, &submission, &views);
    print::print(&result, args.format)?;
    Ok(if result.has_trouble() { Exit::Partly } else { Exit::Done })
}

/// The bucket that a job reads its manifest from.
fn manifest_bucket(request: &Request) -> &str {
    let arn = request.manifest["Location"]["ObjectArn"].as_str().unwrap_or_default();
    arn.rsplit(":::").next().unwrap_or_default().split('/').next().unwrap_or_default()
}

/// The region of the jobs where neither a flag nor the environment names it: the profile's.
pub(super) fn region_of_profile(args: &SubmitArgs) -> Result<String, CliError> {
    let session = args.service.session(None)?;
    session.region().map(str::to_owned).ok_or_else(no_region)
}

fn no_region() -> CliError {
    CliError::Usage(
        "--region is missing: it is the region of the objects, and for copy of the target bucket \
         (AWS_REGION or the profile may name it, too)"
            .to_owned(),
    )
}

fn created(plan: &Plan) -> Vec<Option<Timestamp>> {
    let parse = |text: &String| text.parse().ok();
    plan.reports.iter().map(|report| report.created.as_ref().and_then(parse)).collect()
}

/// Tells what was found; true where it keeps anything from being sent.
fn tell(findings: &[PreflightFinding]) -> bool {
    for finding in findings {
        let tell = match finding.severity {
            Severity::Error => print::error,
            Severity::Warning => print::warning,
            Severity::Info => print::note,
        };
        tell(&finding.text);
    }
    let blocks = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    if blocks > 0 {
        let faults = counted(blocks as u64, "fault");
        print::note(&format!("nothing was sent: {faults} to put right first"));
    }
    blocks > 0
}

/// The requests as they are kept beside the journal.
fn lines(requests: &[Request]) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    for request in requests {
        serde_json::to_writer(&mut text, request)?;
        text.push(b'\n');
    }
    Ok(text)
}

fn summary(
    args: &SubmitArgs,
    plan: &Plan,
    submission: &Submission,
    views: &[JobView],
) -> SubmitResult {
    let progress = submission.progress();
    let stages = progress.stages();
    let is_left = |stage: &ManifestStage| {
        !matches!(stage, ManifestStage::Created { .. } | ManifestStage::Withdrawn { .. })
    };
    let left = (0..stages.len()).filter(|place| is_left(&stages[*place]));
    let waiting = left.clone().count();
    let held = left.clone().filter(|place| progress.is_held(*place)).count();
    let in_order = left.filter(|place| !progress.is_ready(*place)).count() - held;
    let by_id: HashMap<&str, &JobView> = views.iter().map(|view| (&*view.job_id, view)).collect();
    let job = |(manifest, stage): (&str, &ManifestStage)| {
        let job_id = match stage {
            ManifestStage::Created { job_id, .. } => Some(job_id.clone()),
            _ => None,
        };
        let view = job_id.as_deref().and_then(|id| by_id.get(id));
        Job {
            manifest: manifest.to_owned(),
            status: match (view, stage.end()) {
                (Some(view), _) => Some(view.status.clone()),
                (None, end) => end.map(|end| end.status.clone()),
            },
            ran_nothing: stage.end().is_some_and(JobEnd::ran_nothing),
            tasks_failed: match (view, stage.end()) {
                (Some(view), _) => view.failed,
                (None, end) => end.map_or(0, |end| end.failed),
            },
            job_id,
        }
    };
    let manifests = plan.shards.iter().map(|shard| shard.path.as_str());
    let words = plan_args::words(&args.plan, args.state.as_deref());
    SubmitResult {
        older: older::warning(&plan.shards, &JobAction::of_all(progress, views), &words, false),
        plan: words,
        jobs: manifests.zip(stages).map(job).collect(),
        jobs_waiting: waiting,
        jobs_in_order: in_order,
        jobs_held: held,
        jobs_withdrawn: stages
            .iter()
            .filter(|stage| matches!(stage, ManifestStage::Withdrawn { .. }))
            .count(),
        confirmation: !args.no_confirmation,
    }
}

impl SubmitResult {
    fn count(&self, wanted: impl Fn(&Job) -> bool) -> u64 {
        self.jobs.iter().filter(|job| wanted(job)).count() as u64
    }

    /// Whether a job ended otherwise than complete, tasks failed, or a job won't be created.
    fn has_trouble(&self) -> bool {
        let is_bad = |job: &Job| job.is_dead() || job.tasks_failed > 0;
        self.jobs_withdrawn > 0 || self.jobs_held > 0 || self.count(is_bad) > 0
    }
}

impl Job {
    /// Whether it ended otherwise than complete.
    fn is_dead(&self) -> bool {
        let status = self.status.as_deref();
        matches!(status, Some("Failed" | "Cancelled" | JobEnd::FORGOTTEN))
    }

    fn is_complete(&self) -> bool {
        self.status.as_deref() == Some("Complete")
    }
}

impl CommandResult for SubmitResult {
    const COMMAND: &'static str = "submit";

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let plan = &self.plan;
        writeln!(out, "{} created.", counted(self.count(|job| job.job_id.is_some()), "job"))?;
        let complete = self.count(Job::is_complete);
        if complete > 0 {
            writeln!(out, "{} complete.", counted(complete, "job"))?;
        }
        let open = |job: &Job| job.job_id.is_some() && !job.is_dead() && !job.is_complete();
        let open = self.count(open);
        if open > 0 {
            let verb = if self.confirmation { "run" } else { "watch" };
            let fate = if self.confirmation {
                "waits, suspended, until you let it run:"
            } else {
                "runs as soon as it is ready. To follow them:"
            };
            writeln!(out, "Each {fate}\n  s3sieve jobs {plan} {verb}")?;
        }
        if self.jobs_in_order > 0 {
            writeln!(
                out,
                "{} of current versions will be created when the jobs of noncurrent versions have \
                 done all their tasks: copied in any other order, old content would be what is \
                 read. `s3sieve jobs {plan} run` does it.",
                counted(self.jobs_in_order as u64, "job"),
            )?;
        }
        let more = self.jobs_waiting.saturating_sub(self.jobs_in_order + self.jobs_held);
        if more > 0 {
            writeln!(
                out,
                "{more} more will be created when these end (--max-active): `s3sieve jobs {plan} \
                 run` does it, or this command again.",
            )?;
        }
        self.trouble(out)
    }
}

impl SubmitResult {
    /// Says which jobs are dead, and what leads on.
    fn trouble(&self, out: &mut dyn Write) -> io::Result<()> {
        let plan = &self.plan;
        let states = |dead: &dyn Fn(&Job) -> bool| {
            let of = self.jobs.iter().filter(|job| dead(job));
            let mut states: Vec<&str> = of.filter_map(|job| job.status.as_deref()).collect();
            states.sort_unstable();
            states.dedup();
            states.join(" or ")
        };
        let idle = |job: &Job| job.is_dead() && job.ran_nothing;
        if self.count(idle) > 0 {
            writeln!(
                out,
                "{} {} before any task ran: `s3sieve jobs {plan} list` says why. Put it right, \
                 then give this command with --again.",
                counted(self.count(idle), "job"),
                states(&idle),
            )?;
        }
        if self.jobs_withdrawn > 0 {
            writeln!(
                out,
                "{} withdrawn before creation: this command with --again creates them after all.",
                counted(self.jobs_withdrawn as u64, "job"),
            )?;
        }
        let stopped = |job: &Job| job.is_dead() && !job.ran_nothing;
        if self.count(stopped) > 0 {
            writeln!(
                out,
                "{} {} after some tasks ran: `s3sieve retry {plan} --out PLAN2` makes a plan of \
                 what is left.",
                counted(self.count(stopped), "job"),
                states(&stopped),
            )?;
        }
        self.undone(out)
    }

    /// Says where tasks failed, and what that keeps from being done.
    fn undone(&self, out: &mut dyn Write) -> io::Result<()> {
        let plan = &self.plan;
        let partly = self.count(|job| job.is_complete() && job.tasks_failed > 0);
        if partly > 0 {
            writeln!(
                out,
                "{} complete with failed tasks: `s3sieve retry {plan} --out PLAN2` makes a plan of \
                 them.",
                counted(partly, "job"),
            )?;
        }
        if self.jobs_held > 0 {
            writeln!(
                out,
                "{} of current versions held: jobs of noncurrent versions, which must be copied \
                 before, left tasks undone. `s3sieve retry {plan} --out PLAN2` makes a plan of all \
                 that is left.",
                counted(self.jobs_held as u64, "job"),
            )?;
        }
        if let Some(older) = &self.older {
            writeln!(out, "warning: {older}")?;
        }
        Ok(())
    }
}
