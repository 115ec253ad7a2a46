//! `s3sieve filter`: makes a plan, and says in a few sentences what came of it.

use std::io::{self, Write};

use serde::Serialize;

use super::args::FilterArgs;
use super::print::{self, Report, percent};
use super::{CliError, Exit, progress};
use crate::plan::{self, Plan};
use crate::source::Location;
use crate::units::{Bytes, Count, counted};

pub(super) fn run(args: &FilterArgs) -> Result<Exit, CliError> {
    let options = args.options()?;
    let opened = args.report.open()?;
    let plan = progress::watched(opened.bytes_total(), args.format, |control| {
        plan::filter(&opened, &options, control)
    })?;
    let partly = !plan.set_aside.is_empty();
    print::print(&Summary { out: &options.out, plan: &plan }, args.format)?;
    Ok(if partly { Exit::Partly } else { Exit::Done })
}

/// What a filter run came to. As JSON, it is the plan.
struct Summary<'a> {
    out: &'a Location,
    plan: &'a Plan,
}

impl Serialize for Summary<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.plan.serialize(serializer)
    }
}

impl Report for Summary<'_> {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let plan = self.plan;
        let totals = &plan.totals;
        writeln!(
            out,
            "{} of {} match ({}), in {} ({} raw), in {:.2} s ({} rows/s, {}/s).",
            Count(totals.matched),
            counted(totals.rows, "row"),
            percent(totals.matched, totals.rows),
            counted(totals.files, "data file"),
            Bytes(totals.bytes_raw),
            totals.seconds,
            Count((totals.rows as f64 / totals.seconds) as u64),
            Bytes((totals.bytes_raw as f64 / totals.seconds) as u64),
        )?;
        self.shards(out)?;
        for excluded in plan.excluded.iter().filter(|excluded| excluded.rows > 0) {
            writeln!(
                out,
                "{} set aside: {}{}.",
                counted(excluded.rows, "row"),
                excluded.reason,
                excluded.path.as_ref().map(|path| format!(" ({path})")).unwrap_or_default(),
            )?;
        }
        for file in &plan.set_aside {
            writeln!(out, "Not read: {}: {}", file.path, file.error)?;
        }
        for warning in &plan.warnings {
            writeln!(out, "Note: {warning}")?;
        }
        writeln!(out, "{}", self.next_step())
    }
}

impl Summary<'_> {
    fn shards(&self, out: &mut dyn Write) -> io::Result<()> {
        let shards = &self.plan.shards;
        let objects: u64 = shards.iter().map(|shard| shard.objects).sum();
        let bytes: u64 = shards.iter().map(|shard| shard.bytes).sum();
        if shards.is_empty() {
            return writeln!(out, "No manifest was written.");
        }
        writeln!(
            out,
            "{} in {} ({}) below {}.",
            counted(objects, "object"),
            counted(shards.len() as u64, "manifest"),
            Bytes(bytes),
            self.out.join("manifests").display(),
        )
    }

    fn next_step(&self) -> String {
        let document = self.out.join("plan.json");
        if self.plan.shards.is_empty() {
            return format!(
                "Next: `s3sieve count --by COLUMN` shows which values the report holds. The plan \
                 is {}.",
                document.display()
            );
        }
        format!(
            "Next: {} tells what is in them, docs/jobs.md how each becomes a job.",
            document.display()
        )
    }
}
