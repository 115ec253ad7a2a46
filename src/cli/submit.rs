//! `s3sieve submit`: the job requests that a plan comes to. `send` sends them.

use std::fs;
use std::io::{self, Write};

use comfy_table::presets::NOTHING;
use comfy_table::{Cell, CellAlignment, Table};

use super::args::Format;
use super::operation_args::{ScopeArg, SubmitArgs};
use super::request::{operation, options, setting, source, write_documents};
use super::{CliError, Exit, interrupt, print};
use crate::operation::job::{self, ACTIVE_JOBS_MAX, ETAG_MARKER, Options, Request};
use crate::plan::{self, Plan, Shard, ShardRange};
use crate::units::{Count, counted};

pub(super) fn run(args: &SubmitArgs) -> Result<Exit, CliError> {
    if !args.dry_run && cfg!(not(feature = "aws")) {
        return Err(CliError::Usage(
            "this program was built without what talks to AWS: add --dry-run to get the requests, \
             and send them with the AWS CLI as docs/jobs.md shows"
                .to_owned(),
        ));
    }
    let plan = plan::read(&args.plan)?;
    let operation = operation(&args.operation, &args.plan, &plan)?;
    let setting = setting(&args.place, &args.role_arn);
    let source = source(&plan)?;
    let requests = job::requests(operation.as_ref(), &setting, &job_options(args)?, &source)?;
    plan::verify(&args.plan, &plan, interrupt::flag())?;
    #[cfg(feature = "aws")]
    if !args.dry_run {
        return super::send::run(args, &plan, &setting, &requests);
    }
    if let Some(folder) = &args.out {
        write_documents(folder, plan.shards.iter().map(file_name).zip(&requests))?;
        if let Some(order) = order(&plan.shards) {
            let path = folder.join(ORDER);
            fs::write(&path, order).map_err(|error| CliError::File { path, error })?;
        }
    }
    if args.format == Format::Json
        && let Some(order) = order(&plan.shards)
    {
        print::tell(order.trim_end());
    }
    let mut out = io::BufWriter::new(io::stdout().lock());
    match args.format {
        Format::Human => human(&mut out, args, &plan, &requests)?,
        Format::Json => lines(&mut out, &requests)?,
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn job_options(args: &SubmitArgs) -> Result<Options, CliError> {
    Ok(Options {
        all_tasks: args.report_scope == ScopeArg::AllTasks,
        priority: args.priority,
        description: args.description.clone(),
        confirmation: !args.no_confirmation,
        ..options(&args.place, &args.role_arn)?
    })
}

/// The name of a request's file: the number of the manifest, which is a file or, for an inventory
/// report, a folder in `manifests`, ending in `.json`.
fn file_name(shard: &Shard) -> String {
    let name = shard.path.split('/').nth(1).unwrap_or(&shard.path);
    name.strip_suffix(".csv").unwrap_or(name).to_owned() + ".json"
}

/// Beside the requests: in which order their jobs are to be created.
const ORDER: &str = "order.txt";

/// In which order jobs are to be created, where that matters.
fn order(shards: &[Shard]) -> Option<String> {
    let mut text = String::new();
    let mut last: &[ShardRange] = &[];
    for shard in shards.iter().filter(|shard| !shard.after.is_empty()) {
        if shard.after == last {
            continue;
        }
        last = &shard.after;
        let names = |range: &ShardRange| {
            let [first, end] = [range.first, range.last].map(|place| file_name(&shards[place]));
            if range.first == range.last { first } else { format!("{first} to {end}") }
        };
        let first: Vec<String> = last.iter().map(names).collect();
        let then = shards.iter().enumerate().filter(|(_, other)| other.after == last);
        let then: Vec<usize> = then.map(|(place, _)| place).collect();
        let then: Vec<String> = runs(&then).iter().map(names).collect();
        text += &format!(
            "The order matters: create the jobs of {} first. When each of them is Complete, with \
             no failed task, create those of {}: copied in another order, old content would be \
             what is read.\n",
            first.join(", "),
            then.join(", "),
        );
    }
    (!text.is_empty()).then_some(text)
}

/// Numbers in ascending order, as ranges.
fn runs(places: &[usize]) -> Vec<ShardRange> {
    let mut runs: Vec<ShardRange> = Vec::new();
    for place in places {
        match runs.last_mut() {
            Some(run) if run.last + 1 == *place => run.last = *place,
            _ => runs.push(ShardRange { first: *place, last: *place }),
        }
    }
    runs
}

fn lines(out: &mut dyn Write, requests: &[Request]) -> io::Result<()> {
    for request in requests {
        serde_json::to_writer(&mut *out, request)?;
        writeln!(out)?;
    }
    Ok(())
}

fn human(
    out: &mut dyn Write,
    args: &SubmitArgs,
    plan: &Plan,
    requests: &[Request],
) -> io::Result<()> {
    if requests.is_empty() {
        return writeln!(out, "The plan holds no manifest, so there is no job to create.");
    }
    writeln!(out, "{}\n", table(plan, requests))?;
    let jobs = requests.len();
    let objects: u64 = plan.shards.iter().map(|shard| shard.objects).sum();
    writeln!(
        out,
        "{} on {}. An account runs {ACTIVE_JOBS_MAX} jobs at a time, so they go in {}.",
        counted(jobs as u64, "job"),
        counted(objects, "object"),
        counted(jobs.div_ceil(ACTIVE_JOBS_MAX) as u64, "wave"),
    )?;
    let fate = if args.no_confirmation {
        "runs as soon as it is ready"
    } else {
        "waits, suspended, until you let it run"
    };
    writeln!(out, "Nothing was sent. Each job, once created, {fate}.")?;
    if let Some(order) = order(&plan.shards) {
        write!(out, "{order}")?;
    }
    let requests = match &args.out {
        Some(folder) => format!("The requests are in {}.", folder.display()),
        None => "--out DIR writes each request to a file, --format json one a line.".to_owned(),
    };
    writeln!(out, "{requests}")?;
    writeln!(
        out,
        "Next, for each: upload the manifest, put its ETag in place of {ETAG_MARKER}, and give the \
         request to `aws s3control create-job --cli-input-json`. docs/jobs.md has the commands."
    )
}

fn table(plan: &Plan, requests: &[Request]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    let right = |text: &str| Cell::new(text).set_alignment(CellAlignment::Right);
    table.set_header(vec![
        Cell::new("manifest"),
        right("objects"),
        Cell::new("fields"),
        Cell::new("token"),
    ]);
    for (shard, request) in plan.shards.iter().zip(requests) {
        table.add_row(vec![
            Cell::new(&shard.path),
            right(&Count(shard.objects).to_string()),
            Cell::new(shard.columns.as_ref().unwrap_or(&plan.columns).join(",")),
            Cell::new(&request.client_request_token),
        ]);
    }
    table
}
