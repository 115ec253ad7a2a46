//! `s3sieve filter`: makes a plan, and says in a few sentences what came of it.

use std::io::{self, Write};

use serde::Serialize;

use super::filter_args::FilterArgs;
use super::output_format::Format;
use super::print::{self, CommandResult, visible};
use super::{CliError, Exit, estimate, excluded_rows, parts, progress, scan_summary};
use crate::plan::{self, Plan, Shard};
use crate::source::Location;
use crate::units::{Bytes, counted};

pub(super) fn run(args: &FilterArgs) -> Result<Exit, CliError> {
    let mut options = args.options()?;
    let work = args.partition.work()?;
    let opened = args.report.open_part(options.scan.threads, work.opened())?;
    options.now = args.partition.now(work, &opened)?;
    if let Some(exit) = parts::run(args, work, &opened, &options)? {
        return Ok(exit);
    }
    let outcome = progress::watched(opened.bytes_total(), args.format, |control| {
        plan::filter(&opened, &options, control)
    })?;
    let plan = outcome.plan;
    if outcome.found {
        let place = options.out.display();
        print::note(&format!("{place}: the same plan is there already; it stays"));
    }
    let partly = !plan.files_skipped.is_empty() || outcome.undecided > 0;
    let estimate = estimate::one_line(&plan, &options.out)?;
    let report = args.report.words();
    let summary = FilterResult { out: &options.out, plan: &plan, report, estimate };
    match args.format {
        Format::Human => print::print(&summary, args.format)?,
        // The plan is a document by itself.
        Format::Json => print::document(&plan)?,
    }
    Ok(if partly { Exit::Partly } else { Exit::Done })
}

/// What a filter run came to. As JSON, it is the plan.
struct FilterResult<'a> {
    out: &'a Location,
    plan: &'a Plan,
    /// The report as it was named, for a command line.
    report: String,
    /// What its jobs cost, in a line.
    estimate: String,
}

impl Serialize for FilterResult<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.plan.serialize(serializer)
    }
}

impl CommandResult for FilterResult<'_> {
    const COMMAND: &'static str = "filter";

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let plan = self.plan;
        writeln!(out, "{}", scan_summary::matched(&plan.totals))?;
        self.shards(out)?;
        self.excluded(out)?;
        scan_summary::skipped(out, &plan.files_skipped)?;
        for warning in &plan.warnings {
            writeln!(out, "note: {}", visible(warning))?;
        }
        if !plan.shards.is_empty() {
            writeln!(out, "{}", self.estimate)?;
        }
        writeln!(out, "{}", visible(&self.next_step()))
    }
}

impl FilterResult<'_> {
    fn shards(&self, out: &mut dyn Write) -> io::Result<()> {
        let shards = &self.plan.shards;
        let objects: u64 = shards.iter().map(|shard| shard.objects).sum();
        let bytes: u64 = shards.iter().map(Shard::bytes_total).sum();
        if shards.is_empty() && self.plan.limit == Some(0) {
            return writeln!(out, "No manifest was written: LIMIT 0 lets no row through.");
        }
        if shards.is_empty() {
            return writeln!(out, "No manifest was written.");
        }
        writeln!(
            out,
            "{} in {} ({}) below {}.",
            counted(objects, "object"),
            counted(shards.len() as u64, "manifest"),
            Bytes(bytes),
            visible(&self.out.join("manifests").display().to_string()),
        )
    }

    /// A line for each reason with rows, and one for those without that were looked for.
    fn excluded(&self, out: &mut dyn Write) -> io::Result<()> {
        let plan = self.plan;
        excluded_rows::write_lines(plan, out)?;
        let Some(operation) = &plan.operation else { return Ok(()) };
        let is_checked =
            |reason: &str| operation.not_checked.iter().all(|part| part.reason != reason);
        let without_rows = plan.excluded.iter().filter(|excluded| excluded.rows == 0);
        let reasons: Vec<&str> = without_rows.map(|excluded| excluded.reason.as_str()).collect();
        let checked: Vec<&str> = reasons.into_iter().filter(|reason| is_checked(reason)).collect();
        if !checked.is_empty() {
            writeln!(out, "Checked, none excluded: {}.", checked.join(", "))?;
        }
        if !operation.included.is_empty() {
            let included = operation.included.join(", ");
            writeln!(out, "Not excluded, as asked for: {included}.")?;
        }
        Ok(())
    }

    fn next_step(&self) -> String {
        let document = self.out.join("plan.json");
        if self.plan.shards.is_empty() && self.plan.totals.rows_excluded > 0 {
            return format!(
                "Next: all matching rows were excluded, so there is nothing to submit; {} lists \
                 them by reason. {}. docs/eligibility.md has all reasons.",
                self.out.join("excluded").display(),
                excluded_rows::remedies(self.plan).join(". "),
            );
        }
        if self.plan.shards.is_empty() && self.plan.limit == Some(0) {
            return format!(
                "Next: leave LIMIT out, or give a greater one. The plan is {}.",
                document.display()
            );
        }
        if self.plan.shards.is_empty() {
            return format!(
                "Next: `s3sieve count {} --by COLUMN` shows which values the report holds. The \
                 plan is {}.",
                self.report,
                document.display()
            );
        }
        format!(
            "Next: {} tells what is in them, docs/jobs.md how each becomes a job.",
            document.display()
        )
    }
}
