//! `s3sieve count`: how many rows match, in all and by the values of columns.

use std::time::Instant;

use super::args::CountArgs;
use super::count_result::{is_sized, show};
use super::{CliError, Exit, count_parts, progress};
use crate::query::{self, CountOptions};
use crate::report;

pub(super) fn run(args: &CountArgs) -> Result<Exit, CliError> {
    let begun = Instant::now();
    let work = args.partition.work()?;
    let mut opened = args.report.open_part(args.read.threads(), work.opened())?;
    let names = names(&args.by, opened.reports.first());
    let options = CountOptions::new(args.query())
        .by(names.clone())
        .now(args.partition.now(work, &opened)?)
        .keep_going(args.read.keep_going)
        .scan(args.read.scan());
    if let Some(exit) = count_parts::run(args, work, &mut opened, &options)? {
        return Ok(exit);
    }
    let counts = progress::watched(opened.bytes_total(), args.format, |control| {
        query::count(&opened, &options, control)
    })?;
    show(counts, names, is_sized(&opened), begun.elapsed().as_secs_f64(), args.format)
}

/// The columns to count by, as the first report spells them; what it lacks stays as it was given.
fn names(by: &[String], report: Option<&report::Report>) -> Vec<String> {
    let spelled = |name: &String| {
        let report = report?;
        let column = query::column(report, name).ok()?;
        let spelled = report.schema.columns().get(column)?.name.clone();
        (query::column(report, &spelled).ok() == Some(column)).then_some(spelled)
    };
    by.iter().map(|name| spelled(name).unwrap_or_else(|| name.clone())).collect()
}
