//! The command line of `jobs` as typed.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::arg_values::{at_least_one, priority, seconds};
use super::aws::HEADING;
use super::output_format::{EventOutput, Format};
use super::service_args::ServiceArgs;
use super::{CliError, plan_args};
use crate::jobs::OUTAGE_MAX;
use crate::operation::job::ACTIVE_JOBS_MAX;
use crate::plan::PlanHandle;

const JOBS_HELP: &str = "\
Examples:
  s3sieve jobs plan list                 where each job is
  s3sieve jobs plan run                  let them run, six at a time, and follow them to their end
  s3sieve jobs plan watch                follow them; Ctrl-C ends the watching, not the jobs
  s3sieve jobs plan cancel --all         end them, and create no more
  s3sieve jobs plan report               what failed, and what to do about it; checksums
docs/jobs.md walks through them.";

#[derive(Debug, ClapArgs)]
#[command(after_help = JOBS_HELP)]
pub(super) struct JobsArgs {
    /// The folder of a plan that was submitted, also in S3
    #[arg(value_name = "DIR")]
    pub(super) plan: PathBuf,
    /// Where the journal of a plan in S3 is [default: a folder in the current one, named by the
    /// plan's name and digest]
    #[arg(long, value_name = "DIR", global = true)]
    pub(super) state: Option<PathBuf>,
    /// The region of the bucket of a plan in S3
    #[arg(long, value_name = "REGION", global = true, help_heading = HEADING)]
    pub(super) region: Option<String>,
    #[command(subcommand)]
    pub(super) action: JobsAction,
    #[command(flatten)]
    pub(super) service: ServiceArgs,
    /// How results are shown
    #[arg(long, value_enum, default_value_t, global = true)]
    pub(super) format: Format,
}

impl JobsArgs {
    /// The plan, and the folder of its journal, which must be there.
    pub(super) fn open(&self) -> Result<PlanHandle, CliError> {
        let mut way = self.service.way(self.region.as_deref());
        let state = self.state.as_deref();
        match self.action {
            // Jobs that are let run read the plan's manifests.
            JobsAction::Run(_) => plan_args::open_submitted(&self.plan, state, &mut way),
            _ => plan_args::open_followed(&self.plan, state, &mut way),
        }
    }

    /// Where its events go.
    pub(super) fn events(&self) -> EventOutput {
        EventOutput { command: self.action.name(), format: self.format }
    }

    /// The plan as it stands on the command line, for commands to be shown.
    pub(super) fn plan_words(&self) -> String {
        plan_args::words(&self.plan, self.state.as_deref())
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum JobsAction {
    /// Show where each job is
    List,
    /// Follow the jobs until all have ended
    Watch(WatchArgs),
    /// Let suspended jobs run, this many at a time, and follow them to their end
    Run(RunArgs),
    /// End jobs before they are done; what they did is not undone
    Cancel(CancelArgs),
    /// Give jobs another priority
    Priority(PriorityArgs),
    /// Fetch the completion reports, sum up what failed, and keep what tasks gave back
    Report,
}

impl JobsAction {
    /// The command, as its JSON names it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::List => "jobs list",
            Self::Watch(_) => "jobs watch",
            Self::Run(_) => "jobs run",
            Self::Cancel(_) => "jobs cancel",
            Self::Priority(_) => "jobs priority",
            Self::Report => "jobs report",
        }
    }
}

#[derive(Debug, ClapArgs)]
pub(super) struct WatchArgs {
    /// Between two looks; AWS asks for no more than one in 30 seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0, value_parser = seconds::<f64>)]
    pub(super) interval: f64,
    /// How long AWS may not answer before this gives up; the jobs run on
    #[arg(long, value_name = "SECONDS", default_value_t = OUTAGE_MAX.as_secs(),
        value_parser = seconds::<u64>)]
    pub(super) outage_max: u64,
}

#[derive(Debug, ClapArgs)]
pub(super) struct RunArgs {
    /// Jobs that run at a time; AWS runs six of an account
    #[arg(long, value_name = "N", default_value_t = ACTIVE_JOBS_MAX, value_parser = at_least_one)]
    pub(super) max_active: usize,
    /// Let as many run as may now, and end
    #[arg(long)]
    pub(super) detach: bool,
    #[command(flatten)]
    pub(super) watch: WatchArgs,
}

#[derive(Debug, ClapArgs)]
pub(super) struct CancelArgs {
    /// The jobs, by their ids
    #[arg(value_name = "JOB", required_unless_present = "all", conflicts_with = "all")]
    pub(super) jobs: Vec<String>,
    /// All that have not ended, and those that wait to be created: they never are
    #[arg(long)]
    pub(super) all: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct PriorityArgs {
    /// 0 to 2147483647; jobs with a higher one go first
    #[arg(value_name = "N", allow_negative_numbers = true,
        value_parser = priority)]
    pub(super) priority: i32,
    /// The jobs, by their ids [default: all that have not ended, and those that wait to be created]
    #[arg(value_name = "JOB")]
    pub(super) jobs: Vec<String>,
}

const RETRY_HELP: &str = "\
Examples:
  s3sieve retry plan --out plan-2
  s3sieve retry plan --out plan-2 --anyway InvalidObjectState
  s3sieve retry plan --out plan-2 --without KMS.NotFoundException
Takes tasks that failed, and tasks that never ran. Keys are the manifest's own, byte for byte.
Submit the new plan as the old one, whose jobs must have ended: no job is created for it any more.";

#[derive(Debug, ClapArgs)]
#[command(after_help = RETRY_HELP)]
pub(super) struct RetryArgs {
    /// The folder of a plan whose jobs have ended, also in S3
    #[arg(value_name = "DIR")]
    pub(super) plan: PathBuf,
    /// Where the journal of a plan in S3 is [default: a folder in the current one, named by the
    /// plan's name and digest]
    #[arg(long, value_name = "DIR")]
    pub(super) state: Option<PathBuf>,
    /// The region of the bucket of a plan in S3
    #[arg(long, value_name = "REGION", help_heading = HEADING)]
    pub(super) region: Option<String>,
    /// The folder for the new plan, also in S3
    #[arg(long, value_name = "DIR2")]
    pub(super) out: PathBuf,
    /// Try tasks that failed with this code again, although they would fail; may be given several
    /// times
    #[arg(long, value_name = "CODE")]
    pub(super) anyway: Vec<String>,
    /// Exclude tasks that failed with this code, although they could be tried again; may be given
    /// several times
    #[arg(long, value_name = "CODE")]
    pub(super) without: Vec<String>,
    /// Call a function again also for objects for which it succeeded, where nobody can tell which
    #[arg(long)]
    pub(super) repeat: bool,
    #[command(flatten)]
    pub(super) service: ServiceArgs,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
}

impl RetryArgs {
    /// The plan, and the folder of its journal, which must be there.
    pub(super) fn open(&self) -> Result<PlanHandle, CliError> {
        let mut way = self.service.way(self.region.as_deref());
        plan_args::open_submitted(&self.plan, self.state.as_deref(), &mut way)
    }

    /// The plan as it stands on the command line, for commands to be shown.
    pub(super) fn plan_words(&self) -> String {
        plan_args::words(&self.plan, self.state.as_deref())
    }
}
