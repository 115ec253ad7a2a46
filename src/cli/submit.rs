//! `s3sieve submit`: the job requests that a plan comes to. `send` sends them.

use std::io::{self, Write};
use std::path::Path;

use comfy_table::{Cell, CellAlignment, Table};
use serde::{Serialize, Serializer};

use super::operation_args::SubmitArgs;
use super::print::{self, CommandResult};
use super::request::{
    advice, json_text, operation, options, requests, setting, source, unchecked_region,
    write_documents,
};
use super::{CliError, Exit, interrupt, terminal};
use crate::operation::job::{ACTIVE_JOBS_MAX, ETAG_MARKER, JobOptions, Request};
use crate::operation::{OperationKind, bucket};
use crate::plan::{self, Plan, PlanHandle, Shard, ShardRange};
#[cfg(feature = "aws")]
use crate::source::{Location, Object};
use crate::units::{Count, counted};

pub(super) fn run(args: &SubmitArgs) -> Result<Exit, CliError> {
    if !args.dry_run && cfg!(not(feature = "aws")) {
        return Err(CliError::usage(
            "this program was built without what talks to AWS: add --dry-run to get the requests, \
             and send them with the AWS CLI as docs/jobs.md shows"
                .to_owned(),
        ));
    }
    let handle = args.open()?;
    let plan = &handle.plan;
    let (kind, operation) = operation(&args.operation, &handle)?;
    #[cfg_attr(not(feature = "aws"), expect(unused_mut, reason = "profiles come with AWS"))]
    let mut setting = setting(&args.place, &args.role_arn);
    #[cfg(feature = "aws")]
    if !args.dry_run && setting.region.is_none() {
        setting.region = Some(super::send::region_of_profile(args)?);
    }
    let source = source(&args.place, &handle)?;
    let options = job_options(args, &handle)?;
    let all = (&setting, &options, &source);
    let requests = requests(&args.operation, &handle, operation.as_ref(), all)?;
    refuse_old_content_only(plan, &requests)?;
    verify(&handle, &source.manifest_folder(&options.manifests))?;
    let mut warnings = warnings(args, plan, kind, &requests);
    if !requests.is_empty() {
        warnings.extend(unchecked_region(&setting));
    }
    for warning in &warnings {
        print::note(warning);
    }
    #[cfg(feature = "aws")]
    if !args.dry_run {
        return super::send::run(args, &handle, &setting, &requests);
    }
    if let Some(folder) = &args.out {
        let order = order(&plan.shards, file_name);
        let order = order.iter().map(|order| (ORDER.to_owned(), Ok(order.clone())));
        let texts = requests.iter().map(json_text);
        write_documents(folder, plan.shards.iter().map(file_name).zip(texts).chain(order))?;
    }
    print::print(&DryRun { args, plan, requests: &requests, warnings }, args.format)?;
    Ok(Exit::Done)
}

/// What copies of versions onto their own keys do to what was written after the report.
const CHANGED_SINCE: &str = "the manifests name versions as the report listed them: a copy makes \
                             such a version the newest one of its key, also over an object that \
                             was written after the report. Where others write, pause them and take \
                             a fresh report, or make the plan with `AND IsLatest` and \
                             --no-version-ids: its jobs copy what is current when they run";

/// Refuses a copy of noncurrent versions before the current ones of which a condition lets only
/// the old ones pass: the tasks of versions changed since then would fail.
fn refuse_old_content_only(plan: &Plan, requests: &[Request]) -> Result<(), CliError> {
    let condition =
        |request: &Request| request.operation[COPY]["UnModifiedSinceConstraint"].clone();
    let is_ordered = plan.shards.iter().any(|shard| !shard.after.is_empty());
    if !is_ordered || requests.iter().all(|request| condition(request).is_null()) {
        return Ok(());
    }
    Err(CliError::usage(
        "--unmodified-since: the plan copies noncurrent versions before the current ones, and this \
         condition lets old versions pass where the current one was changed later: old content \
         would be what is read. Leave it out, or make the plan with `AND IsLatest`"
            .to_owned(),
    ))
}

/// Whether versions are copied onto their own keys.
fn writes_over_sources(plan: &Plan, requests: &[Request]) -> bool {
    plan.shards.iter().zip(requests).any(|(shard, request)| {
        let columns = shard.columns.as_ref().unwrap_or(&plan.columns);
        let copy = &request.operation[COPY];
        let target = copy["TargetResource"].as_str().unwrap_or_default();
        columns.iter().any(|name| name == "VersionId")
            && bucket::name_in_arn(target) == shard.bucket
            && copy["TargetKeyPrefix"].is_null()
    })
}

/// A copy's name in the API.
const COPY: &str = "S3PutObjectCopy";

/// Makes sure that the manifests are what the plan says: on this machine, or in S3, where the jobs
/// will read them, in `manifests` (`bucket/prefix/`).
fn verify(handle: &PlanHandle, manifests: &str) -> Result<(), CliError> {
    #[cfg(feature = "aws")]
    if let Location::Object(folder) = handle.folder() {
        let address = format!("s3://{manifests}");
        let object = Object::parse(&address, folder.session())
            .map_err(|error| CliError::usage(error.to_string()))?;
        let outcome = plan::verify_manifests(&object, &handle.plan, interrupt::flag());
        if outcome.is_err() && handle.plan.inventory.is_some() {
            print::note(&format!(
                "the plan's inventory reports name their data files at {address}, and \
                 jobs read them there: `aws s3 sync {} {address}` copies them",
                handle.folder().join("manifests/").display(),
            ));
        }
        return Ok(outcome?);
    }
    let _ = manifests;
    Ok(plan::check_digests(handle.folder(), &handle.plan, interrupt::flag())?)
}

fn job_options(args: &SubmitArgs, handle: &PlanHandle) -> Result<JobOptions, CliError> {
    Ok(JobOptions {
        report_scope: args.report_scope(),
        priority: i64::from(args.priority),
        description: args.description.clone(),
        confirmation: !args.no_confirmation,
        ..options(&args.place, &args.role_arn, handle)?
    })
}

/// The name of a request's file: the number of the manifest, which is a file or, for an inventory
/// report, a folder in `manifests`, ending in `.json`. In a plan that was merged of parts it begins
/// with the part's: `part-00003-00000.json`.
fn file_name(shard: &Shard) -> String {
    let mut folders: Vec<&str> = shard.path.split('/').collect();
    let part = (folders[0].starts_with("part-") && folders.len() > 2).then(|| folders.remove(0));
    let name = folders.get(1).unwrap_or(&folders[0]);
    let name = name.strip_suffix(".csv").unwrap_or(name);
    part.map(|part| format!("{part}-")).unwrap_or_default() + name + ".json"
}

/// Beside the requests: in which order their jobs are to be created.
const ORDER: &str = "order.txt";

/// How a job is named: by its request's file where there is one, or else by its manifest.
fn name_of(args: &SubmitArgs) -> fn(&Shard) -> String {
    if args.out.is_some() { file_name } else { |shard| shard.path.clone() }
}

/// In which order jobs are to be created, where that matters.
fn order(shards: &[Shard], name: fn(&Shard) -> String) -> Option<String> {
    let mut text = String::new();
    let mut last: &[ShardRange] = &[];
    for shard in shards.iter().filter(|shard| !shard.after.is_empty()) {
        if shard.after == last {
            continue;
        }
        last = &shard.after;
        // In a merged plan, names follow one another within a part only.
        let names = |range: &ShardRange| {
            let folder =
                |shard: &&Shard| shard.path.rsplit_once('/').map(|(folder, _)| folder.len());
            let of_part = |a: &Shard, b: &Shard| {
                let folder = folder(&a).and_then(|length| b.path.get(..length));
                folder.is_some_and(|folder| a.path.starts_with(folder))
            };
            let runs = shards[range.first..=range.last].chunk_by(of_part);
            let named = runs.filter_map(|run| {
                let (first, end) = (run.first().map(name)?, run.last().map(name)?);
                Some(if run.len() == 1 { first } else { format!("{first} to {end}") })
            });
            named.collect::<Vec<_>>().join(", ")
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

/// Jobs that may be open at a time.
fn open_max(args: &SubmitArgs) -> usize {
    #[cfg(feature = "aws")]
    return args.max_active;
    #[cfg(not(feature = "aws"))]
    {
        let _ = args;
        ACTIVE_JOBS_MAX
    }
}

/// In how many waves jobs go, each after those that it waits for, with a limit on how many run at
/// a time.
fn waves(shards: &[Shard], active_max: usize) -> u64 {
    let mut done = vec![false; shards.len()];
    let mut waves = 0;
    let mut start = 0;
    loop {
        start += done[start..].iter().take_while(|done| **done).count();
        let wave = wave(shards, &done, start, active_max);
        if wave.is_empty() {
            return waves;
        }
        waves += 1;
        for place in wave {
            done[place] = true;
        }
    }
}

/// The jobs from `start` on that are ready when others are done, and may run at a time.
fn wave(shards: &[Shard], done: &[bool], start: usize, active_max: usize) -> Vec<usize> {
    // From the back: what is not done yet is there.
    let are_done = |range: &ShardRange| {
        done.get(range.first..=range.last).is_none_or(|of| of.iter().rev().all(|done| *done))
    };
    // Neighbors wait for the same jobs, as a rule.
    let mut last: (&[ShardRange], bool) = (&[], true);
    let mut is_ready = |place: &usize| {
        let after = shards[*place].after.as_slice();
        if after != last.0 {
            last = (after, after.iter().all(are_done));
        }
        last.1
    };
    let open = (start..shards.len()).filter(|place| !done[*place]);
    open.filter(|place| is_ready(place)).take(active_max).collect()
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

/// The requests of a plan, that are not sent.
struct DryRun<'a> {
    args: &'a SubmitArgs,
    plan: &'a Plan,
    requests: &'a [Request],
    warnings: Vec<String>,
}

/// As JSON.
#[derive(Serialize)]
struct DryRunDocument<'a> {
    plan: &'a Path,
    jobs: usize,
    objects: u64,
    /// In which order the jobs are to be created, where that matters.
    order: Option<String>,
    warnings: &'a [String],
    requests: Vec<ShardRequest<'a>>,
}

/// The request of a manifest's job.
#[derive(Serialize)]
struct ShardRequest<'a> {
    manifest: &'a str,
    request: &'a Request,
}

impl Serialize for DryRun<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { args, plan, requests, warnings } = self;
        DryRunDocument {
            plan: &args.plan,
            jobs: requests.len(),
            objects: plan.shards.iter().map(|shard| shard.objects).sum(),
            order: order(&plan.shards, name_of(args)),
            warnings,
            requests: plan
                .shards
                .iter()
                .zip(*requests)
                .map(|(shard, request)| ShardRequest { manifest: &shard.path, request })
                .collect(),
        }
        .serialize(serializer)
    }
}

impl CommandResult for DryRun<'_> {
    const COMMAND: &'static str = "submit --dry-run";

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        human(out, self.args, self.plan, self.requests)
    }
}

/// What to know before these requests are sent.
fn warnings(
    args: &SubmitArgs,
    plan: &Plan,
    kind: OperationKind,
    requests: &[Request],
) -> Vec<String> {
    if requests.is_empty() {
        return Vec::new();
    }
    let changed = writes_over_sources(plan, requests).then(|| CHANGED_SINCE.to_owned());
    changed.into_iter().chain(advice(plan, kind, args.report_scope())).collect()
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
    let open_max = open_max(args);
    let limit = match (open_max < ACTIVE_JOBS_MAX, order(&plan.shards, name_of(args)).is_some()) {
        (false, false) => format!("An account runs {ACTIVE_JOBS_MAX} jobs at a time"),
        (false, true) => {
            format!("An account runs {ACTIVE_JOBS_MAX} jobs at a time, and some wait for others")
        }
        (true, false) => format!("At most {open_max} are open at a time (--max-active)"),
        (true, true) => {
            format!(
                "At most {open_max} are open at a time (--max-active), and some wait for others"
            )
        }
    };
    writeln!(
        out,
        "{} on {}. {limit}, so they go in {}.",
        counted(jobs as u64, "job"),
        counted(objects, "object"),
        counted(waves(&plan.shards, open_max.min(ACTIVE_JOBS_MAX)), "wave"),
    )?;
    let fate = if args.no_confirmation {
        "runs as soon as it is ready"
    } else {
        "waits, suspended, until you let it run"
    };
    writeln!(out, "Nothing was sent. Each job, once created, {fate}.")?;
    if let Some(order) = order(&plan.shards, name_of(args)) {
        write!(out, "{order}")?;
    }
    let requests = match &args.out {
        Some(folder) => format!("The requests are in {}.", folder.display()),
        None => {
            "--out DIR writes each request to a file, --format json all in one document.".to_owned()
        }
    };
    writeln!(out, "{requests}")?;
    if args.place.manifest_bucket.is_none() && plan.inventory.is_none() {
        return writeln!(
            out,
            "Next, for each: put the manifest's ETag in place of {ETAG_MARKER}, and give the \
             request to `aws s3control create-job --cli-input-json`. docs/jobs.md has the commands."
        );
    }
    writeln!(
        out,
        "Next, for each: upload the manifest, put its ETag in place of {ETAG_MARKER}, and give the \
         request to `aws s3control create-job --cli-input-json`. docs/jobs.md has the commands."
    )
}

/// Characters of a token that tell it from others, where the terminal has no room for all.
const TOKEN_CHARS_MIN: usize = 8;

fn table(plan: &Plan, requests: &[Request]) -> Table {
    let mut table = table_of(plan, requests, false);
    if !terminal::keep_words(&mut table) {
        table = table_of(plan, requests, true);
        terminal::keep_words(&mut table);
    }
    table
}

/// The manifests and what their jobs are asked with; in a narrow table, columns' names are words
/// and of tokens only the beginning is shown.
fn table_of(plan: &Plan, requests: &[Request], is_narrow: bool) -> Table {
    let mut table = print::table();
    let separator = if is_narrow { ", " } else { "," };
    let shortened = |token: &str| match token.get(..TOKEN_CHARS_MIN) {
        Some(beginning) if is_narrow => format!("{beginning}…"),
        _ => token.to_owned(),
    };
    let right = |text: &str| Cell::new(text).set_alignment(CellAlignment::Right);
    table.set_header(vec![
        Cell::new("manifest"),
        right("objects"),
        Cell::new("fields"),
        Cell::new("token"),
    ]);
    for (shard, request) in plan.shards.iter().zip(requests) {
        let columns = shard.columns.as_ref().unwrap_or(&plan.columns);
        table.add_row(vec![
            Cell::new(print::visible(&shard.path)),
            right(&Count(shard.objects).to_string()),
            Cell::new(print::visible(&columns.join(separator))),
            Cell::new(shortened(&request.client_request_token)),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(after: &[(usize, usize)]) -> Shard {
        let after: Vec<_> =
            after.iter().map(|(first, last)| ShardRange { first: *first, last: *last }).collect();
        let document = serde_json::json!({"path": "manifests/0.csv", "bucket": "b", "objects": 1,
            "bytes": 1, "crc64nvme": "", "first_key": "a", "last_key": "a", "after": after});
        serde_json::from_value(document).unwrap()
    }

    #[test]
    fn waves_follow_the_order_and_the_limit() {
        let free = |count: usize| vec![shard(&[]); count];
        assert_eq!(waves(&[], 6), 0);
        assert_eq!(waves(&free(6), 6), 1);
        assert_eq!(waves(&free(7), 6), 2);
        assert_eq!(waves(&free(7), 1), 7);
        let ordered = [free(1), vec![shard(&[(0, 0)]); 2]].concat();
        assert_eq!(waves(&ordered, 6), 2);
        assert_eq!(waves(&ordered, 1), 3);
        // What waits for nothing goes along.
        let mixed = [free(2), vec![shard(&[(0, 0)]), shard(&[(0, 1)])], free(1)].concat();
        assert_eq!(waves(&mixed, 2), 3);
        assert_eq!(waves(&mixed, 3), 2);
    }
}
