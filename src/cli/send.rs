//! `s3sieve submit` without `--dry-run`: looks first, then uploads the manifests and creates the
//! jobs.

use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

use super::args::Format;
use super::operation_args::SubmitArgs;
use super::print::{self, Report};
use super::request::place;
use super::{CliError, Exit, interrupt};
use crate::jobs::journal::Stage;
use crate::jobs::{Finding, Pause, Preflight, Submission, Taken, Weight, check_update_encryption};
use crate::operation::job::{Request, Setting};
use crate::plan::Plan;
use crate::units::counted;

/// What a submission came to.
#[derive(Serialize)]
struct Submitted {
    plan: String,
    jobs: Vec<Job>,
    /// How many jobs wait in the journal until others end.
    waiting: usize,
    #[serde(skip)]
    confirmation: bool,
}

#[derive(Serialize)]
struct Job {
    manifest: String,
    job_id: Option<String>,
}

pub(super) fn run(
    args: &SubmitArgs,
    plan: &Plan,
    setting: &Setting,
    requests: &[Request],
) -> Result<Exit, CliError> {
    let Some(region) = setting.region.as_deref() else { return Err(no_region()) };
    let Some(first) = requests.first() else {
        print::tell("s3sieve: the plan holds no manifest, so there is no job to create");
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
        manifest_bucket: &place("--manifest-bucket", &args.place.manifest_bucket)?.bucket,
        report_bucket: &place("--report", &args.place.report)?.bucket,
        buckets: plan.shards.iter().map(|shard| shard.bucket.as_str()).collect(),
        operation: &first.operation,
        reports_created: created(plan),
        now: setting.now,
    };
    if tell(&preflight.run()?) {
        return Ok(Exit::Aws);
    }
    let mut submission =
        Submission::begin(&args.plan, plan, &lines(requests)?, &setting.account_id, region)?;
    let shown = args.format == Format::Human;
    let mut told = |taken: Taken<'_>| {
        if shown {
            show(taken);
        }
    };
    let stop = interrupt::flag();
    let waiting = loop {
        let open_max = args.max_active;
        match submission.advance(plan, &session, &control, open_max, stop, &mut told)? {
            Pause::Done => break 0,
            Pause::Waits(left) => {
                let open = submission.progress().open().count();
                submission.look(&control)?;
                if submission.progress().open().count() == open {
                    break left;
                }
            }
        }
    };
    let result = summary(args, plan, &submission, waiting);
    print::print(&result, args.format)?;
    Ok(Exit::Done)
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
fn tell(findings: &[Finding]) -> bool {
    for finding in findings {
        let weight = match finding.weight {
            Weight::Blocks => "stop",
            Weight::Warns => "warning",
            Weight::Notes => "note",
        };
        print::tell(&format!("s3sieve: {weight}: {}", finding.text));
    }
    let blocks = findings.iter().filter(|finding| finding.weight == Weight::Blocks).count();
    if blocks > 0 {
        let faults = counted(blocks as u64, "fault");
        print::tell(&format!("s3sieve: nothing was sent: {faults} to put right first"));
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

fn show(taken: Taken<'_>) {
    let was = |found| if found { " (was there already)" } else { "" };
    match taken {
        Taken::Uploaded { manifest, found } => {
            print::tell(&format!("{manifest}: uploaded{}", was(found)));
        }
        Taken::Created { manifest, job_id, found } => {
            print::tell(&format!("{manifest}: job {job_id}{}", was(found)));
        }
    }
}

fn summary(args: &SubmitArgs, plan: &Plan, submission: &Submission, waiting: usize) -> Submitted {
    let stages = submission.progress().stages();
    let job = |(manifest, stage): (&str, &Stage)| Job {
        manifest: manifest.to_owned(),
        job_id: match stage {
            Stage::Created { job_id, .. } => Some(job_id.clone()),
            _ => None,
        },
    };
    let manifests = plan.shards.iter().map(|shard| shard.path.as_str());
    Submitted {
        plan: args.plan.display().to_string(),
        jobs: manifests.zip(stages).map(job).collect(),
        waiting,
        confirmation: !args.no_confirmation,
    }
}

impl Report for Submitted {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let created = self.jobs.iter().filter(|job| job.job_id.is_some()).count();
        writeln!(out, "{} created.", counted(created as u64, "job"))?;
        if self.confirmation {
            writeln!(out, "Each waits, suspended, until you let it run:")?;
        } else {
            writeln!(out, "Each runs as soon as it is ready. To follow them:")?;
        }
        let verb = if self.confirmation { "run" } else { "watch" };
        writeln!(out, "  s3sieve jobs {} {verb}", self.plan)?;
        if self.waiting > 0 {
            writeln!(
                out,
                "{} more will be created when these end (--max-active): `s3sieve jobs {} run` does \
                 it, or this command again.",
                self.waiting, self.plan
            )?;
        }
        Ok(())
    }
}
