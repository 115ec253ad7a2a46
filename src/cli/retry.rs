//! `s3sieve retry`: what a plan's jobs left undone becomes a new plan.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::aws::location;
use super::completion::report_of;
use super::jobs_args::RetryArgs;
use super::print::{self, CommandResult, visible};
use super::{CliError, Exit, given, interrupt};
use crate::aws::Session;
use crate::jobs::journal::{JobEnd, JournalEvent, ManifestStage};
use crate::jobs::{RetryOptions, ShardOutcome, Submission, check_caller, retry};
use crate::plan::{self, ExcludedRows};
use crate::source::{Location, Object};
use crate::units::counted;

/// The operation of which a task that is run again may do something twice: what a function does,
/// nobody but its author knows. All others come to the same again.
const NOT_REPEATABLE: &str = "LambdaInvoke";

/// What a retry came to.
#[derive(Serialize)]
struct RetryResult {
    plan: String,
    /// How many objects are tried again.
    objects: u64,
    excluded: Vec<ExcludedRows>,
    warnings: Vec<String>,
}

pub(super) fn run(args: &RetryArgs) -> Result<Exit, CliError> {
    refuse_both(args)?;
    given::check_out(&args.out)?;
    let handle = args.open()?;
    let mut submission = Submission::reopen(handle.state(), &handle.plan)?;
    let session = args.service.session(Some(submission.region()))?;
    let control = args.service.control(&session, submission.account_id())?;
    refuse_second(args, &submission, &session)?;
    // What another account says of the jobs would be that they are forgotten.
    check_caller(&session, Some(submission.account_id()))?;
    submission.look(&control)?;
    refuse_open(args, &submission)?;
    let objects: Vec<u64> = handle.plan.shards.iter().map(|shard| shard.objects).collect();
    let outcomes = outcomes(handle.state(), &objects, &mut submission, &session)?;
    let out = location(&args.out, &session)?;
    plan::check_digests(handle.folder(), &handle.plan, interrupt::flag())?;
    let options = RetryOptions {
        anyway: args.anyway.clone(),
        without: args.without.clone(),
        repeat: args.repeat,
    };
    let (folder, stop) = (handle.folder().clone(), interrupt::flag());
    let name = absolute(&args.out).display().to_string();
    // Before the new plan is there: from then on no job of this plan is created that it has.
    let continued =
        || submission.note(JournalEvent::Continued { plan: name }).map_err(CliError::from);
    let plan = retry(handle.plan, &folder, &outcomes, &options, &out, continued, stop)?;
    let result = RetryResult {
        plan: args.out.display().to_string(),
        objects: plan.totals.rows_matched - plan.totals.rows_excluded,
        excluded: plan.excluded,
        warnings: plan.warnings,
    };
    print::print(&result, args.format)?;
    Ok(Exit::Done)
}

/// Codes that are both tried again and excluded.
fn refuse_both(args: &RetryArgs) -> Result<(), CliError> {
    let is_both = |code: &&String| args.anyway.iter().any(|one| one.eq_ignore_ascii_case(code));
    match args.without.iter().find(is_both) {
        Some(code) => Err(CliError::Usage(format!("{code}: give --anyway or --without, not both"))),
        None => Ok(()),
    }
}

/// Two plans of what one left undone would do the same twice. A run that was killed is repeated
/// with the same folder; one whose plan is not there any more may be followed by any.
fn refuse_second(
    args: &RetryArgs,
    submission: &Submission,
    session: &Session,
) -> Result<(), CliError> {
    let Some(first) = submission.progress().continued().map(Path::new) else { return Ok(()) };
    if absolute(first) == absolute(&args.out) {
        return Ok(());
    }
    let is_there = match location(first, session)?.join("plan.json") {
        Location::Path(path) => path.exists(),
        // What S3 refuses to tell can't be checked.
        Location::Object(object) => object.exists().unwrap_or(false),
    };
    if !is_there {
        return Ok(());
    }
    let first = first.display();
    Err(CliError::Usage(format!(
        "{}: an earlier retry made {first} of what this plan left undone: submit that, or retry it \
         once its jobs have ended. If it was never submitted, delete it to make another",
        args.plan_words(),
    )))
}

/// A folder by its whole path, so that it is found from everywhere; addresses are whole already.
fn absolute(name: &Path) -> PathBuf {
    match name.to_str() {
        Some(text) if Object::is_address(text) => PathBuf::from(text.trim_end_matches('/')),
        _ => std::path::absolute(name).unwrap_or_else(|_| name.to_owned()),
    }
}

/// A job that is open would do what the new plan's jobs do.
fn refuse_open(args: &RetryArgs, submission: &Submission) -> Result<(), CliError> {
    let is_open = |stage: &&ManifestStage| {
        matches!(stage, ManifestStage::Creating { .. } | ManifestStage::Created { end: None, .. })
    };
    let open = submission.progress().stages().iter().filter(is_open).count();
    if open == 0 {
        return Ok(());
    }
    let plan = args.plan_words();
    Err(CliError::Usage(format!(
        "{plan}: {} of this plan may still run: let them end (`s3sieve jobs {plan} run`) or cancel \
         them (`s3sieve jobs {plan} cancel --all`), then retry",
        counted(open as u64, "job"),
    )))
}

/// What became of each manifest, with the completion reports fetched.
fn outcomes(
    state: &Path,
    objects: &[u64],
    submission: &mut Submission,
    session: &Session,
) -> Result<Vec<ShardOutcome>, CliError> {
    let jobs: Vec<Option<(String, JobEnd)>> = submission
        .progress()
        .stages()
        .iter()
        .map(|stage| match stage {
            ManifestStage::Created { job_id, end: Some(end), .. } => {
                Some((job_id.clone(), end.clone()))
            }
            _ => None,
        })
        .collect();
    let mut outcomes = Vec::with_capacity(jobs.len());
    for (shard, (job, objects)) in jobs.into_iter().zip(objects).enumerate() {
        let request = submission.submitted(shard)?;
        let report = match &job {
            Some((job_id, end)) if !end.ran_nothing() && !end.is_clean(*objects) => {
                report_of(state, session, &request, job_id)?
            }
            _ => None,
        };
        outcomes.push(ShardOutcome {
            shard,
            objects: *objects,
            job,
            report,
            lists_succeeded: request["Report"]["ReportScope"] == "AllTasks",
            is_repeatable: request["Operation"].get(NOT_REPEATABLE).is_none(),
        });
    }
    Ok(outcomes)
}

impl CommandResult for RetryResult {
    const COMMAND: &'static str = "retry";

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "{}: {} to be tried again.",
            visible(&self.plan),
            counted(self.objects, "object")
        )?;
        for ExcludedRows { reason, rows, .. } in self.excluded.iter().filter(|set| set.rows > 0) {
            writeln!(
                out,
                "{} excluded, which would fail or do harm, or by --without: excluded/{reason}.csv",
                counted(*rows, "object")
            )?;
        }
        for warning in &self.warnings {
            writeln!(out, "warning: {}", visible(warning))?;
        }
        Ok(())
    }
}
