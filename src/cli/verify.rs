//! `s3sieve verify`: which objects of a plan a newer report still finds undone.

use std::io::{self, Write};

use serde::Serialize;

use super::args::VerifyArgs;
use super::print::{self, Report, percent};
use super::{CliError, Exit, plan_args, progress};
use crate::plan::{self, Plan, Proof};
use crate::units::{Count, counted};

pub(super) fn run(args: &VerifyArgs) -> Result<Exit, CliError> {
    if args.keeps_going() {
        let message = "--keep-going: a report with bad data files can't prove anything; get the \
                       files again";
        return Err(CliError::Usage(message.to_owned()));
    }
    let options = args.options();
    let handle = plan_args::open(&args.plan, None, &mut args.report.aws.way())?;
    let opened = args.report.open()?;
    let proven = progress::watched(opened.bytes_total(), args.format, |control| {
        plan::prove(&handle, &opened, &options, control)
    })?;
    let proof = proven.proof.clone();
    let out = args.out.as_deref().map(|out| args.report.aws.way().location(out)).transpose()?;
    let rest = match out {
        Some(out) if proof.remaining > 0 => proven.rest(out, args.force, &options),
        _ => None,
    };
    let rest = match rest {
        Some(options) => Some(progress::watched(opened.bytes_total(), args.format, |control| {
            plan::filter(&opened, &options, control).map(|outcome| outcome.plan)
        })?),
        None => None,
    };
    let remaining = proof.remaining;
    print::print(&Verified { proof, rest: rest.as_ref(), args }, args.format)?;
    Ok(if remaining == 0 { Exit::Done } else { Exit::Partly })
}

/// What became of a plan's objects.
#[derive(Serialize)]
struct Verified<'a> {
    #[serde(flatten)]
    proof: Proof,
    /// The plan of those that remain.
    #[serde(skip_serializing_if = "Option::is_none")]
    rest: Option<&'a Plan>,
    #[serde(skip)]
    args: &'a VerifyArgs,
}

impl Report for Verified<'_> {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let proof = &self.proof;
        writeln!(
            out,
            "{} of {}, looked for in {}{}:",
            counted(proof.objects, "object"),
            self.args.plan.display(),
            counted(proof.rows, "row"),
            if proof.passes > 1 { format!(", {} times", proof.passes) } else { String::new() },
        )?;
        let mut line = |objects: u64, what: &str| {
            writeln!(
                out,
                "{:>15}  {:>8}  {what}",
                Count(objects).to_string(),
                percent(objects, proof.objects)
            )
        };
        line(proof.done, "done")?;
        match proof.remaining_new {
            Some(new) if new > 0 => {
                let new = format!("remain ({} of these written since the plan)", Count(new));
                line(proof.remaining, &new)?;
            }
            _ => line(proof.remaining, "remain")?,
        }
        if proof.superseded > 0 {
            line(proof.superseded, "noncurrent versions, whose copies took their places")?;
        }
        line(proof.gone, "gone")?;
        for note in &proof.notes {
            writeln!(out, "Note: {note}.")?;
        }
        self.next_step(out)
    }
}

impl Verified<'_> {
    fn next_step(&self, out: &mut dyn Write) -> io::Result<()> {
        match (self.rest, &self.args.out) {
            (Some(rest), Some(folder)) => {
                let objects: u64 = rest.shards.iter().map(|shard| shard.objects).sum();
                writeln!(out, "Next: {} in {}.", counted(objects, "object"), folder.display())
            }
            _ if self.proof.remaining > 0 => {
                writeln!(out, "Next: --out DIR makes a plan of those that remain.")
            }
            (None, Some(folder)) => {
                writeln!(out, "Nothing remains; {} was not written.", folder.display())
            }
            _ => writeln!(out, "Nothing remains."),
        }
    }
}
