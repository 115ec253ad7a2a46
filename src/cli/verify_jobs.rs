//! What `s3sieve verify` takes from the journal of a plan's jobs, where it is to hand.
//!
//! Never asks AWS: what the journal doesn't know to have ended, has not ended.

use std::collections::BTreeSet;

use super::args::VerifyArgs;
use super::{CliError, plan_args};
use crate::jobs::journal::{self, JournalError, ManifestStage, SubmissionProgress};
use crate::jobs::replay;
use crate::plan::{self, PlanHandle, StateError};
use crate::units::counted;

/// The places of the shards whose jobs did every task. Without a journal, the set is empty.
///
/// # Errors
/// When the journal can't be read, or a plan of what remains is asked for while jobs of this one
/// may still do it.
pub(super) fn clean(handle: &PlanHandle, args: &VerifyArgs) -> Result<BTreeSet<usize>, CliError> {
    if args.out.is_none() && !plan::needs_jobs(&handle.plan) {
        return Ok(BTreeSet::new());
    }
    let Some(progress) = progress(handle)? else { return Ok(BTreeSet::new()) };
    if args.out.is_some() {
        refuse_unended(&progress, args)?;
    }
    let places = 0..progress.stages().len();
    Ok(places.filter(|place| progress.is_clean(*place)).collect())
}

/// How far a plan's jobs are, if they were begun from here.
fn progress(handle: &PlanHandle) -> Result<Option<SubmissionProgress>, CliError> {
    match handle.find_state() {
        Ok(()) => {}
        Err(error @ (StateError::Io { .. } | StateError::Malformed { .. })) => {
            return Err(error.into());
        }
        // Nothing there, or nothing of this plan.
        Err(_) => return Ok(None),
    }
    let entries = match journal::read(handle.state()) {
        Err(JournalError::Missing { .. }) => return Ok(None),
        entries => entries?,
    };
    Ok(Some(replay(handle.state(), &handle.plan.shards, &entries)?))
}

/// A job that is yet to run would do what the new plan's jobs do, and copy older versions after
/// them.
fn refuse_unended(progress: &SubmissionProgress, args: &VerifyArgs) -> Result<(), CliError> {
    // A plan that another one continues creates no jobs any more.
    let creates = progress.continued().is_none();
    let may_run = |stage: &&ManifestStage| match stage {
        ManifestStage::Creating { .. } | ManifestStage::Created { end: None, .. } => true,
        ManifestStage::Waiting
        | ManifestStage::Uploading { .. }
        | ManifestStage::Uploaded { .. } => creates,
        ManifestStage::Created { .. } | ManifestStage::Withdrawn { .. } => false,
    };
    let unended = progress.stages().iter().filter(may_run).count();
    if unended == 0 {
        return Ok(());
    }
    let plan = plan_args::words(&args.plan, None);
    Err(CliError::Usage(format!(
        "--out: {} of {plan} may still run, or be created: let them end (`s3sieve jobs {plan} \
         run`) or cancel them (`s3sieve jobs {plan} cancel --all`), then verify with a report that \
         was begun after that",
        counted(unended as u64, "job"),
    )))
}
