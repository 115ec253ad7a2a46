//! Filtering in parts: one of them, or all on this machine.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use super::filter_args::FilterArgs;
use super::partition_args::PartWork;
use super::print::{self, CommandResult, visible};
use super::{CliError, Exit, excluded_rows, merge, progress, scan_summary, shell};
use crate::parts::PartNumber;
use crate::plan::{self, FilterOptions, PartOutcome, Plan, VerifyShards};
use crate::read::ReportSet;
use crate::source::Location;
use crate::units::counted;

/// Does what `work` says; none where that is the whole plan.
pub(super) fn run(
    args: &FilterArgs,
    work: PartWork,
    opened: &ReportSet,
    options: &FilterOptions,
) -> Result<Option<Exit>, CliError> {
    match work {
        PartWork::Whole => Ok(None),
        PartWork::One(part) => one(args, part, opened, options).map(Some),
        PartWork::All(parts) => all(args, parts, opened, options).map(Some),
    }
}

fn one(
    args: &FilterArgs,
    part: PartNumber,
    opened: &ReportSet,
    options: &FilterOptions,
) -> Result<Exit, CliError> {
    let outcome = progress::watched(opened.bytes_total(), args.format, |control| {
        plan::filter_part(opened, options, part, control)
    })?;
    print::print(&PartResult::new(part, &outcome, &options.out), args.format)?;
    // Schedulers try again what ends otherwise; `merge` tells of files that were skipped.
    Ok(Exit::Done)
}

fn all(
    args: &FilterArgs,
    parts: u32,
    opened: &ReportSet,
    options: &FilterOptions,
) -> Result<Exit, CliError> {
    progress::watched(opened.bytes_total(), args.format, |control| {
        plan::filter_parts(opened, options, parts, control)
    })?;
    merge::merged(&options.out, VerifyShards::Lengths, args.format)
}

/// What came of one part.
#[derive(Serialize)]
struct PartResult<'a> {
    partition: u32,
    partitions: u32,
    /// Whether it was there already.
    found: bool,
    files: u64,
    rows: u64,
    rows_matched: u64,
    rows_excluded: u64,
    manifests: u64,
    objects: u64,
    seconds: f64,
    #[serde(skip)]
    plan: &'a Plan,
    #[serde(skip)]
    out: &'a Location,
}

impl<'a> PartResult<'a> {
    fn new(part: PartNumber, outcome: &'a PartOutcome, out: &'a Location) -> Self {
        let PartOutcome { plan, found } = outcome;
        let totals = &plan.totals;
        Self {
            partition: part.number(),
            partitions: part.parts(),
            found: *found,
            files: totals.files,
            rows: totals.rows,
            rows_matched: totals.rows_matched,
            rows_excluded: totals.rows_excluded,
            manifests: plan.shards.len() as u64,
            objects: plan.shards.iter().map(|shard| shard.objects).sum(),
            seconds: totals.seconds,
            plan,
            out,
        }
    }
}

impl CommandResult for PartResult<'_> {
    const COMMAND: &'static str = "filter --partition";

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { partition, partitions, plan, .. } = self;
        let there = if self.found { " was there already, and stays" } else { "" };
        writeln!(out, "Part {partition} of {partitions} (counted from 0){there}:")?;
        writeln!(out, "{}", scan_summary::matched(&plan.totals))?;
        let (objects, manifests) = (self.objects, self.manifests);
        writeln!(out, "{} in {}.", counted(objects, "object"), counted(manifests, "manifest"))?;
        excluded_rows::write_lines(plan, out)?;
        scan_summary::skipped(out, &plan.files_skipped)?;
        let folder = shell::word(Path::new(&self.out.display().to_string()));
        let all = counted(u64::from(*partitions), "part");
        let next = format!("Next: `s3sieve merge {folder}`, when there are {all}.");
        writeln!(out, "{}", visible(&next))
    }
}
