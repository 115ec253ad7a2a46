//! `s3sieve bench`: where the time of a filter goes, stage by stage.

use std::fs;
use std::io::{self, Write};
use std::mem;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::{Duration, Instant};

use comfy_table::{Cell, CellAlignment};
use serde::Serialize;

use super::args::{BENCH_WHERE, BenchArgs};
use super::print;
use super::progress::StepBar;
use super::{CliError, Exit, interrupt, terminal};
use crate::plan::{self, FilterOptions};
use crate::query::Selection;
use crate::query::stages::{self, Stage};
use crate::read::{ReportSet, RunControl, ScanProgress, Scanned};
use crate::report::Report;
use crate::units::{Bytes, Count, counted};

/// The column that [`BENCH_WHERE`] asks for.
const BENCH_COLUMN: &str = "BucketKeyStatus";

/// The stage behind those of a scan: blocks are hashed and written, and the plan made to last.
const WRITE: &str = "write";

pub(super) fn run(args: &BenchArgs) -> Result<Exit, CliError> {
    check_out(&args.out)?;
    let options = args.options();
    let opened = args.report.open(options.scan.threads)?;
    if args.filter.is_none() {
        check_columns(&opened)?;
    }
    let selections = plan::selections(&opened, &options)?;
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); Stage::ALL.len() + 1];
    let (mut scanned, mut outcome) = (Scanned::default(), BenchOutcome::default());
    // One more than asked for: the first brings the files into memory, and doesn't count.
    let runs = args.runs.get();
    let steps = StepBar::new((runs as u64 + 1) * times.len() as u64, args.format);
    for round in 0..=runs {
        let name = match round {
            0 => "first run, not counted".to_owned(),
            round => format!("run {round} of {runs}"),
        };
        let begin = |stage| steps.begin(format!("{}, {name}", stage_name(stage)));
        let found = once(&opened, &options, &selections, &begin, &steps)?;
        (scanned, outcome) = (found.0, found.2);
        if args.filter.is_none() {
            // The user did not ask for this condition.
            outcome.warnings = mem::take(&mut outcome.data_warnings);
        }
        for (times, time) in times.iter_mut().zip(found.1) {
            if round > 0 {
                times.push(time);
            }
        }
    }
    drop(steps);
    let mut result = Profile::new(&scanned, &mut times, options.scan.threads);
    result.warnings.extend(outcome.warnings);
    print::print(&result, args.format)?;
    Ok(if outcome.partly { Exit::Partly } else { Exit::Done })
}

/// Refuses a folder that holds something: it is deleted afterwards, whatever is in it.
fn check_out(out: &Path) -> Result<(), CliError> {
    let is_empty = |path: &Path| fs::read_dir(path).map_or(true, |mut dir| dir.next().is_none());
    if is_empty(out) {
        return Ok(());
    }
    Err(CliError::usage(format!(
        "--out {}: this folder is not empty, and bench deletes the one that it writes to: name a \
         new one",
        out.display()
    )))
}

/// Refuses a report for which the usual condition asks nothing.
fn check_columns(opened: &ReportSet) -> Result<(), CliError> {
    let lacks = |report: &Report| report.schema.position(BENCH_COLUMN).is_none();
    let Some(report) = opened.reports.iter().find(|report| lacks(report)) else { return Ok(()) };
    Err(CliError::misnamed(format!(
        "{}: this report has no column {BENCH_COLUMN}, which the default condition of bench asks \
         for ({BENCH_WHERE}): --where EXPRESSION takes another, such as --where TRUE",
        report.manifest_path.display()
    )))
}

/// What the filter of the last stage came to.
#[derive(Default)]
struct BenchOutcome {
    warnings: Vec<String>,
    /// Those of them that hold whatever was asked.
    data_warnings: Vec<String>,
    /// Whether bad files or values were passed over.
    partly: bool,
}

/// The time of each stage with all before it, what the whole has read, and what came of it.
fn once(
    opened: &ReportSet,
    options: &FilterOptions,
    selections: &[Selection],
    begin: &dyn Fn(usize),
    steps: &StepBar,
) -> Result<(Scanned, Vec<Duration>, BenchOutcome), CliError> {
    let progress = ScanProgress::default();
    let control = RunControl { stop: interrupt::flag(), progress: &progress };
    let mut times = Vec::new();
    let mut whole = Scanned::default();
    for (place, stage) in Stage::ALL.into_iter().enumerate() {
        begin(place);
        let (scan, keep_going) = (options.scan, options.keep_going);
        let (scanned, time) = stages::run_to(stage, opened, selections, scan, keep_going, control)?;
        whole = scanned;
        times.push(time);
        steps.end();
    }
    begin(Stage::ALL.len());
    let begun = Instant::now();
    let outcome = plan::filter(opened, options, control)?;
    times.push(begun.elapsed());
    steps.end();
    if let Some(path) = options.out.as_path() {
        fs::remove_dir_all(path)?;
    }
    let partly = !outcome.plan.files_skipped.is_empty() || outcome.undecided > 0;
    let data_warnings = plan::data_warnings(&outcome.plan);
    Ok((whole, times, BenchOutcome { warnings: outcome.plan.warnings, data_warnings, partly }))
}

#[derive(Serialize)]
struct Profile {
    files: u64,
    rows: u64,
    bytes_compressed: u64,
    bytes_raw: u64,
    threads: usize,
    seconds: f64,
    stages: Vec<StageTime>,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct StageTime {
    stage: &'static str,
    /// Of this stage alone: its time with all before it, less that of those before it.
    seconds: f64,
    /// Of all stages together.
    share: f64,
    /// In all threads together.
    bytes_raw_per_second: f64,
    rows_per_second: f64,
    bytes_raw_per_second_and_thread: f64,
}

fn stage_name(place: usize) -> &'static str {
    match Stage::ALL.get(place) {
        Some(Stage::Read) => "read",
        Some(Stage::Inflate) => "inflate",
        Some(Stage::Split) => "split",
        Some(Stage::Md5) => "md5",
        Some(Stage::Match) => "match",
        Some(Stage::Project) => "project",
        None => WRITE,
    }
}

/// A rate, unless the stage took no time that could be measured.
fn rate(rate: f64, show: impl Fn(u64) -> String) -> String {
    if rate.is_finite() { show(rate as u64) } else { "–".to_owned() }
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(0.0, Duration::as_secs_f64)
}

/// What to know where stages add up to more than the whole.
fn noise(seconds: f64) -> String {
    format!(
        "The stages add up to {seconds:.3} s, more than the whole: a stage that took less time \
         than those before it alone is shown with 0. More --runs or a larger report make that \
         rare; of Parquet and ORC, some stages decode what a filter does not."
    )
}

impl Profile {
    fn new(scanned: &Scanned, times: &mut [Vec<Duration>], threads: NonZeroUsize) -> Self {
        let medians: Vec<f64> = times.iter_mut().map(|times| median(times)).collect();
        let whole = medians.last().copied().unwrap_or(0.0);
        let alone = |place: usize| {
            let before = place.checked_sub(1).map_or(0.0, |before| medians[before]);
            medians[place] - before
        };
        // Noise can make a stage seem to take less than nothing.
        let all: f64 = (0..medians.len()).map(|place| alone(place).max(0.0)).sum();
        let is_noisy = (0..medians.len()).any(|place| alone(place) < 0.0);
        let stage = |place: usize| {
            let seconds = alone(place).max(0.0);
            let rate = scanned.bytes_raw as f64 / seconds;
            StageTime {
                stage: stage_name(place),
                seconds,
                share: seconds / all,
                bytes_raw_per_second: rate,
                rows_per_second: scanned.rows as f64 / seconds,
                bytes_raw_per_second_and_thread: rate / threads.get() as f64,
            }
        };
        Self {
            files: scanned.files,
            rows: scanned.rows,
            bytes_compressed: scanned.bytes_compressed,
            bytes_raw: scanned.bytes_raw,
            threads: threads.get(),
            seconds: whole,
            stages: (0..medians.len()).map(stage).collect(),
            warnings: is_noisy.then(|| noise(all)).into_iter().collect(),
        }
    }
}

impl print::CommandResult for Profile {
    const COMMAND: &'static str = "bench";

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "{} in {} ({} raw, {} compressed), {}: {:.3} s for a whole filter.\n",
            counted(self.rows, "row"),
            counted(self.files, "data file"),
            Bytes(self.bytes_raw),
            Bytes(self.bytes_compressed),
            counted(self.threads as u64, "thread"),
            self.seconds,
        )?;
        for warning in &self.warnings {
            writeln!(out, "note: {}\n", print::visible(warning))?;
        }
        let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
        let mut table = print::table();
        let header = ["seconds", "share", "raw/s", "raw/s a thread", "rows/s"];
        let header = header.map(|name| right(name.to_owned()));
        table.set_header([Cell::new("stage")].into_iter().chain(header));
        for stage in &self.stages {
            table.add_row([
                Cell::new(stage.stage),
                right(format!("{:.3}", stage.seconds)),
                right(format!("{:.1} %", stage.share * 100.0)),
                right(rate(stage.bytes_raw_per_second, |rate| Bytes(rate).to_string())),
                right(rate(stage.bytes_raw_per_second_and_thread, |rate| Bytes(rate).to_string())),
                right(rate(stage.rows_per_second, |rate| Count(rate).to_string())),
            ]);
        }
        terminal::keep_words(&mut table);
        writeln!(out, "{table}")
    }
}
