//! `s3sieve merge`: the plan of all parts, or which are missing.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use super::merge_args::{MergeArgs, VerifyShardsArg};
use super::output_format::Format;
use super::print::{self, CommandResult, percent, visible};
use super::{
    CliError, Exit, count_parts, excluded_rows, given, interrupt, scan_summary, shell, verify_parts,
};
use crate::parts::{PartsFolder, PinnedParts, spans};
use crate::plan::{self, MergeOutcome, MergedPlan, VerifyShards};
use crate::source::Location;
use crate::threads;
use crate::units::{Bytes, Count, counted};

pub(super) fn run(args: &MergeArgs) -> Result<Exit, CliError> {
    given::check(&args.out)?;
    let out = args.aws.way().on(threads::one_a_processor()).location(&args.out)?;
    let folder = PartsFolder::new(&out);
    let PinnedParts { command, parts, pins } = folder.pinned(&plan::tool())?;
    let missing = folder.missing(parts)?;
    if args.status || !missing.is_empty() {
        return incomplete(&out, parts, &missing, args.format);
    }
    folder.refuse_others(parts)?;
    if command == count_parts::COMMAND {
        return count_parts::merged(folder, parts, pins, args.format);
    }
    if command == verify_parts::COMMAND {
        return verify_parts::merged(folder, parts, args.format);
    }
    let verify = match args.verify {
        VerifyShardsArg::Lengths => VerifyShards::Lengths,
        VerifyShardsArg::Full => VerifyShards::Full,
    };
    merged(&out, verify, args.format)
}

/// Merges, and says what came of it.
pub(super) fn merged(
    out: &Location,
    verify: VerifyShards,
    format: Format,
) -> Result<Exit, CliError> {
    match plan::merge(out, verify, interrupt::flag())? {
        MergeOutcome::Incomplete { parts, missing } => incomplete(out, parts, &missing, format),
        MergeOutcome::Merged(plan) => {
            let partly = !plan.head.files_skipped.is_empty() || plan.undecided > 0;
            print::print(&MergeResult::new(out, &plan), format)?;
            Ok(if partly { Exit::Partly } else { Exit::Done })
        }
    }
}

fn incomplete(
    out: &Location,
    parts: u32,
    missing: &[u32],
    format: Format,
) -> Result<Exit, CliError> {
    let made = u64::from(parts) - missing.len() as u64;
    let status = StatusResult { partitions: parts, made, missing: spans(missing), out };
    print::print(&status, format)?;
    Ok(if missing.is_empty() { Exit::Done } else { Exit::Partly })
}

/// Which parts there are.
#[derive(Serialize)]
struct StatusResult<'a> {
    partitions: u32,
    made: u64,
    /// As array jobs take them: `3,7,40-43`.
    missing: String,
    #[serde(skip)]
    out: &'a Location,
}

impl CommandResult for StatusResult<'_> {
    const COMMAND: &'static str = "merge --status";

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { partitions, made, missing, .. } = self;
        writeln!(out, "{made} of {partitions} parts are made.")?;
        if missing.is_empty() {
            let folder = shell::word(Path::new(&self.out.display().to_string()));
            return writeln!(out, "{}", visible(&format!("Next: `s3sieve merge {folder}`.")));
        }
        writeln!(out, "Missing: {missing}")
    }
}

/// What came of all parts.
#[derive(Serialize)]
struct MergeResult<'a> {
    partitions: u32,
    /// Whether the same plan was there already.
    found: bool,
    files: u64,
    rows: u64,
    rows_matched: u64,
    rows_excluded: u64,
    manifests: u64,
    objects: u64,
    seconds: f64,
    warnings: &'a [String],
    #[serde(skip)]
    plan: &'a MergedPlan,
    #[serde(skip)]
    out: &'a Location,
}

impl<'a> MergeResult<'a> {
    fn new(out: &'a Location, plan: &'a MergedPlan) -> Self {
        let totals = &plan.head.totals;
        Self {
            partitions: plan.head.partitions.unwrap_or_default(),
            found: plan.found,
            files: totals.files,
            rows: totals.rows,
            rows_matched: totals.rows_matched,
            rows_excluded: totals.rows_excluded,
            manifests: plan.shards,
            objects: plan.objects,
            seconds: totals.seconds,
            warnings: &plan.head.warnings,
            plan,
            out,
        }
    }
}

impl CommandResult for MergeResult<'_> {
    const COMMAND: &'static str = "merge";

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let MergedPlan { head, shards, objects, bytes, found, .. } = self.plan;
        let totals = &head.totals;
        let there = if *found { "; the same plan was there already" } else { "" };
        writeln!(out, "{}{there}.", counted(u64::from(self.partitions), "part"))?;
        writeln!(
            out,
            "{} of {} match ({}), in {} ({} raw), in {:.2} s of workers' time.",
            Count(totals.rows_matched),
            counted(totals.rows, "row"),
            percent(totals.rows_matched, totals.rows),
            counted(totals.files, "data file"),
            Bytes(totals.bytes_raw),
            totals.seconds,
        )?;
        let place = self.out.display().to_string();
        writeln!(
            out,
            "{} in {} ({}) below {}.",
            counted(*objects, "object"),
            counted(*shards, "manifest"),
            Bytes(*bytes),
            visible(&place),
        )?;
        excluded_rows::write_lines(head, out)?;
        scan_summary::skipped(out, &head.files_skipped)?;
        for warning in &head.warnings {
            writeln!(out, "note: {}", visible(warning))?;
        }
        let folder = shell::word(Path::new(&place));
        let next = format!(
            "Next: `s3sieve estimate {folder}` shows what its jobs cost, docs/jobs.md how each \
             manifest becomes a job."
        );
        writeln!(out, "{}", visible(&next))
    }
}
