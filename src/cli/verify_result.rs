//! What became of a plan's objects, as it is shown.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use super::output_format::Format;
use super::print::{self, CommandResult, percent, visible};
use super::{CliError, Exit, excluded_rows};
use crate::plan::{Plan, VerifyReport};
use crate::units::{Count, counted};

/// Shows what became of a plan's objects.
pub(super) fn show(result: &VerifyResult<'_>, format: Format) -> Result<Exit, CliError> {
    let outcome = &result.outcome;
    let is_done =
        outcome.objects_remaining == 0 && outcome.objects_unverified == 0 && outcome.shows_some();
    print::print(result, format)?;
    Ok(if is_done { Exit::Done } else { Exit::Partly })
}

/// Shows what all parts found of the objects of a plan, which was named so.
pub(super) fn show_merged(
    outcome: VerifyReport,
    plan: &Path,
    format: Format,
) -> Result<Exit, CliError> {
    show(&VerifyResult { outcome: with_notes(outcome, plan), rest: None, plan, out: None }, format)
}

/// The outcome, with what a person should know of it.
pub(super) fn with_notes(mut outcome: VerifyReport, plan: &Path) -> VerifyReport {
    outcome.warnings.extend(unverified(&outcome, plan));
    outcome.warnings.extend(mostly_gone(&outcome));
    outcome
}

/// What a person should know where more objects are gone than people delete in a day or two: a
/// report of another bucket has none of them.
fn mostly_gone(outcome: &VerifyReport) -> Option<String> {
    (outcome.objects_gone > outcome.objects / 2).then(|| {
        format!(
            "{} of {} objects are not in the newer report. Where they were not deleted, it is of \
             another bucket or of a part of it only (its filter's prefix), and proves nothing",
            Count(outcome.objects_gone),
            Count(outcome.objects),
        )
    })
}

/// What a person should know of versions that are not verified to be copied.
fn unverified(outcome: &VerifyReport, plan: &Path) -> Option<String> {
    let (unverified, plan) = (outcome.objects_unverified, plan.display());
    (unverified > 0).then(|| {
        format!(
            "of the noncurrent versions, {} listed as current by {plan}, and no journal here says \
             that their manifests' jobs did every task: an older version of these keys, copied \
             before them, may be what is read now. Keep them: let no lifecycle rule expire them. \
             Where the plan was submitted, `s3sieve jobs {plan} run` creates jobs that wait, and \
             `s3sieve retry {plan} --out DIR` makes a plan of what failed; where a retry was run, \
             verify its plan",
            if unverified == 1 {
                "1 was".to_owned()
            } else {
                format!("{} were", Count(unverified))
            },
        )
    })
}

/// What became of a plan's objects.
#[derive(Serialize)]
pub(super) struct VerifyResult<'a> {
    #[serde(flatten)]
    pub(super) outcome: VerifyReport,
    /// The plan of those that remain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rest: Option<&'a Plan>,
    /// As it was named.
    #[serde(skip)]
    pub(super) plan: &'a Path,
    /// The folder of the plan of those that remain, if one was asked for.
    #[serde(skip)]
    pub(super) out: Option<&'a Path>,
}

impl CommandResult for VerifyResult<'_> {
    const COMMAND: &'static str = "verify";

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let outcome = &self.outcome;
        writeln!(
            out,
            "{} of {}, looked for in {}{}:",
            counted(outcome.objects, "object"),
            visible(&self.plan.display().to_string()),
            counted(outcome.rows, "row"),
            if outcome.passes > 1 { format!(", {} times", outcome.passes) } else { String::new() },
        )?;
        let mut line = |objects: u64, what: &str| {
            writeln!(
                out,
                "{:>15}  {:>8}  {what}",
                Count(objects).to_string(),
                percent(objects, outcome.objects)
            )
        };
        line(outcome.objects_done, "done")?;
        match outcome.objects_remaining_new {
            Some(new) if new > 0 => {
                let new = format!("remain ({} of these written since the plan)", Count(new));
                line(outcome.objects_remaining, &new)?;
            }
            _ => line(outcome.objects_remaining, "remain")?,
        }
        if outcome.objects_superseded > 0 {
            line(
                outcome.objects_superseded,
                "noncurrent versions, whose copies took their places",
            )?;
        }
        if outcome.objects_unverified > 0 {
            line(outcome.objects_unverified, "noncurrent versions, not verified to be copied")?;
        }
        line(outcome.objects_gone, "gone")?;
        for note in &outcome.warnings {
            writeln!(out, "note: {}.", visible(note))?;
        }
        if let Some(rest) = self.rest {
            excluded_rows::write_lines(rest, out)?;
        }
        self.next_step(out)
    }
}

impl VerifyResult<'_> {
    fn next_step(&self, out: &mut dyn Write) -> io::Result<()> {
        match (self.rest, self.out) {
            (Some(rest), Some(folder)) => {
                let objects: u64 = rest.shards.iter().map(|shard| shard.objects).sum();
                if objects == 0 {
                    let folder = folder.join("excluded").display().to_string();
                    return writeln!(
                        out,
                        "Next: all that remain were excluded, so there is nothing to submit; \
                         {} lists them by reason (docs/eligibility.md).",
                        visible(&folder)
                    );
                }
                writeln!(out, "Next: {} in {}.", counted(objects, "object"), folder.display())
            }
            _ if self.outcome.objects_remaining > 0 => {
                writeln!(out, "Next: --out DIR makes a plan of those that remain.")
            }
            _ if self.outcome.objects_unverified > 0 => {
                let plan = self.plan.display();
                writeln!(out, "Next: s3sieve jobs {plan} run, or s3sieve retry {plan} --out DIR.")
            }
            (_, folder) => {
                let state = if self.outcome.shows_some() {
                    "Nothing remains"
                } else {
                    "Nothing is verified: the newer report has none of the objects"
                };
                match folder {
                    Some(folder) => {
                        writeln!(out, "{state}; {} was not written.", folder.display())
                    }
                    None => writeln!(out, "{state}."),
                }
            }
        }
    }
}
