//! `s3sieve verify`: which objects of a plan a newer report still finds undone.

use super::args::VerifyArgs;
use super::partition_args::PartWork;
#[cfg(feature = "aws")]
use super::verify_jobs;
use super::verify_result::{VerifyResult, show, with_notes};
use super::{CliError, Exit, given, plan_args, progress, verify_parts};
use crate::plan::{self, VerifyOptions};

pub(super) fn run(args: &VerifyArgs) -> Result<Exit, CliError> {
    if args.keeps_going() {
        let message = "--keep-going: a report with bad data files can't verify anything; get the \
                       files again";
        return Err(CliError::usage(message.to_owned()));
    }
    args.out.as_deref().map_or(Ok(()), given::check_out)?;
    let handle = plan_args::open(&args.plan, None, &mut args.report.aws.way().on(args.threads()))
        .map_err(|error| in_other_order(args).unwrap_or(error))?;
    #[cfg(feature = "aws")]
    let options = VerifyOptions { clean: verify_jobs::clean(&handle, args)?, ..args.options() };
    #[cfg(not(feature = "aws"))]
    let options = args.options();
    let work = args.partition.work()?;
    if work != PartWork::Whole {
        return verify_parts::run(args, work, &handle, options);
    }
    let opened = args.report.open(args.threads())?;
    let options = VerifyOptions { now: args.partition.now(work, &opened)?, ..options };
    let verified = progress::watched(opened.bytes_total(), args.format, |control| {
        plan::verify_plan(&handle, &opened, &options, control)
    })?;
    let outcome = with_notes(verified.outcome.clone(), &args.plan);
    let out = args
        .out
        .as_deref()
        .map(|out| args.report.aws.way().on(args.threads()).location(out))
        .transpose()?;
    let rest = match out {
        Some(out) if outcome.objects_remaining > 0 => verified.rest(out, args.force, &options),
        _ => None,
    };
    let rest = match rest {
        Some(options) => Some(progress::watched(opened.bytes_total(), args.format, |control| {
            plan::filter(&opened, &options, control).map(|outcome| outcome.plan)
        })?),
        None => None,
    };
    show(
        &VerifyResult { outcome, rest: rest.as_ref(), plan: &args.plan, out: args.out.as_deref() },
        args.format,
    )
}

/// The error of a command line that names a report where the plan belongs, and the plan behind it.
fn in_other_order(args: &VerifyArgs) -> Option<CliError> {
    let plan = args.report.plan()?.display();
    let report = args.plan.display();
    let is_plan = args.plan.join("plan.json").is_file();
    (!is_plan).then(|| {
        CliError::misnamed(format!(
            "{report}: this is not a plan, and {plan} is: the plan comes first, then the newer \
             report"
        ))
    })
}
