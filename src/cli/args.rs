//! The command line as typed. Nothing here touches files; what needs checking against a report is
//! checked by the layers below.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::env;
use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::builder::{PathBufValueParser, PossibleValuesParser, TypedValueParser};
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::aws::AwsArgs;
use super::filter_args::FilterArgs;
use super::invocation::Invocation;
#[cfg(feature = "aws")]
use super::jobs_args::{JobsArgs, RetryArgs};
use super::operation_args::{PolicyCommandArgs, SubmitArgs};
#[cfg(feature = "aws")]
use super::setup_args::SetupArgs;
use super::{CliError, Exit, failure, given, interrupt, print, usage};
use crate::format::gzip::Inflate;
use crate::operation::{CopyClass, OperationKind};
use crate::plan::{
    self, Emit, FilterOptions, OBJECTS_MAX, OBJECTS_MEMORY_BYTES, SHARD_BYTES_MAX, ShardBounds,
    VerifyOptions,
};
use crate::query::Query;
use crate::read::{self, ReportOptions, ReportSet, ScanOptions, Verify};
use crate::report::AsOf;
use crate::source::Location;
use crate::threads;
use crate::units::{SizeError, parse_bytes, ungrouped};

/// Filters Amazon S3 Inventory reports into S3 Batch Operations manifests.
///
/// Everything runs on this machine. REPORT is a manifest.json, a folder that holds
/// reports (the newest complete one is taken), or an s3:// address of either; only s3:// addresses
/// need an AWS account.
#[derive(Debug, Parser)]
#[command(version, bin_name = "s3sieve", max_term_width = 100, after_help = after_help())]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: CliCommand,
}

const EXIT_CODES: &str = "\
Exit codes: 0 done (also when nothing matched), 1 the environment failed (disk, permission),
2 usage, 3 the input is bad (corrupt file, checksum, unknown column), 4 AWS refused,
5 finished but some data files were skipped or some objects remain, 70 a fault of the program
itself, 130 interrupted.";

fn after_help() -> String {
    match left_out() {
        [] => EXIT_CODES.to_owned(),
        names => format!(
            "Not in this build, for want of {AWS_FEATURE}: {}.\n\n{EXIT_CODES}",
            names.join(", ")
        ),
    }
}

/// The feature that this build lacks where commands are left out.
const AWS_FEATURE: &str = "the feature `aws`";

/// Commands that are not in this build.
fn left_out() -> &'static [&'static str] {
    if cfg!(feature = "aws") { &[] } else { &OF_AWS }
}

/// Commands of the feature `aws`.
const OF_AWS: [&str; 4] = ["jobs", "retry", "setup", "list"];

/// What to say of a command that is not in this build.
fn not_built(word: &str, left_out: &[&str]) -> Option<String> {
    left_out.contains(&word).then(|| {
        format!(
            "`{word}` is not in this build: it needs {AWS_FEATURE}; `cargo install --path .` in \
             the source builds all"
        )
    })
}

impl Args {
    /// The arguments of this process. Help, the version or what is wrong is told here, and the way
    /// to end is given.
    pub(super) fn of_process() -> Result<Self, Exit> {
        let given = usage::in_order(env::args_os().collect());
        let mended = |error| usage::mended(error, &given);
        Self::try_parse_from(&given).map_err(mended).map_err(|error| {
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            let asked = given.get(1).and_then(|word| word.to_str()).unwrap_or_default();
            if let Some(text) = not_built(asked, left_out()) {
                failure::write_json(&Invocation::of_words(&given), Exit::Usage, &text, None);
                print::error(&text);
                return Exit::Usage;
            }
            if exit == Exit::Usage {
                let text = error.render().to_string();
                let text = text.strip_prefix("error: ").unwrap_or(&text).trim_end();
                let (message, hint) = text.split_once("\n\n").unzip();
                let invocation = Invocation::of_words(&given);
                failure::write_json(&invocation, exit, message.unwrap_or(text), hint);
            }
            tell(&error, &given);
            exit
        })
    }
}

/// Tells what is wrong with these arguments, or what was asked for.
///
/// The text repeats arguments between colours of its own, so it can't be cleaned. The arguments
/// can: what is wrong with those is told.
fn tell(error: &clap::Error, given: &[OsString]) {
    let clean = |argument: &OsString| print::visible(&argument.to_string_lossy()).into_owned();
    let again = Args::try_parse_from(given.iter().map(clean)).err();
    let again = again.map(|error| usage::mended(error, given));
    match again.filter(|again| again.kind() == error.kind()) {
        Some(again) => print::usage(&again),
        None => print::tell(error.render().to_string().trim_end()),
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum CliCommand {
    /// Show what a report holds: columns, files, sizes, age, completeness
    Inspect(InspectArgs),
    /// Count the rows that match, in all or by the values of columns
    Count(CountArgs),
    /// Write the rows that match as manifests for S3 Batch Operations
    Filter(FilterArgs),
    /// Show what the jobs of a plan cost, and what other ways would
    Estimate(EstimateArgs),
    /// Write the policies that a plan's jobs need: role, trust, submitter
    Policy(Box<PolicyCommandArgs>),
    /// Upload a plan's manifests and create a job for each, or show the requests
    Submit(Box<SubmitArgs>),
    /// Follow and steer the jobs of a submitted plan
    #[cfg(feature = "aws")]
    Jobs(JobsArgs),
    /// Make a new plan of the tasks that failed
    #[cfg(feature = "aws")]
    Retry(RetryArgs),
    /// Prepare AWS: inventory, bucket key, lifecycle rule, role
    #[cfg(feature = "aws")]
    Setup(SetupArgs),
    /// Show which objects of a plan a newer report still finds undone
    Verify(Box<VerifyArgs>),
    /// Show where the time of a filter goes, stage by stage
    Bench(BenchArgs),
    /// List what a bucket holds now, as a report, for what is younger than the newest one
    #[cfg(feature = "aws")]
    List(super::list::ListArgs),
    /// Make a synthetic report, for trials and benchmarks
    Synth(SynthArgs),
}

/// How results are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Format {
    /// For people
    #[default]
    Human,
    /// For programs
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum VerifyArg {
    /// Size, CRC-32 and the MD5 that the report gives for each file
    Md5,
    /// Size and CRC-32, and for a file in S3 that S3 states the report's MD5 as its `ETag`; where
    /// it doesn't, and on this machine, the same as md5
    Etag,
    /// Size and CRC-32 only
    Crc,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum InflateArg {
    /// A kernel of our own
    Fast,
    /// zlib-rs: another implementation, for comparison
    Reference,
}

/// Which reports, and where their data files are.
#[derive(Debug, ClapArgs)]
pub(super) struct ReportArgs {
    /// A manifest.json, a folder that holds reports, or an s3:// address of either
    #[arg(value_name = "REPORT", required = true)]
    reports: Vec<PathBuf>,
    /// The folder below which the data files lie, if not in a mirror around the manifest
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Of the reports in a folder, take the newest complete one begun by then, for example
    /// 2026-01-31 (all of that day, in UTC)
    #[arg(long, value_name = "DATE")]
    as_of: Option<AsOf>,
    /// Allow several reports of one bucket
    #[arg(long)]
    allow_overlap: bool,
    #[command(flatten)]
    pub(super) aws: AwsArgs,
}

impl ReportArgs {
    /// The folder of a plan among what was named as reports.
    pub(super) fn plan(&self) -> Option<&Path> {
        self.reports.iter().map(PathBuf::as_path).find(|path| path.join("plan.json").is_file())
    }

    /// The reports as they stand on the command line, for commands to be shown.
    pub(super) fn words(&self) -> String {
        let mut words: Vec<String> = self.reports.iter().map(|path| usage::word(path)).collect();
        words.extend(self.root.iter().map(|root| format!("--root {}", usage::word(root))));
        words.extend(self.as_of.iter().map(|date| format!("--as-of {date}")));
        words.extend(self.allow_overlap.then(|| "--allow-overlap".to_owned()));
        words.join(" ")
    }

    /// The reports as locations, and how to look them up.
    pub(super) fn resolve(
        &self,
        threads: NonZeroUsize,
    ) -> Result<(Vec<Location>, ReportOptions), CliError> {
        let mut way = self.aws.way().on(threads);
        self.reports.iter().chain(&self.root).try_for_each(|name| given::check(name))?;
        let names = self.reports.iter().map(|name| way.location(name)).collect::<Result<_, _>>()?;
        let root = self.root.as_deref().map(|root| way.location(root)).transpose()?;
        let (as_of, allow_overlap) = (self.as_of.clone(), self.allow_overlap);
        let stop = Some(interrupt::flag());
        Ok((names, ReportOptions { root, as_of, allow_overlap, threads, stop }))
    }

    /// Opens the reports, and tells the user how they were found.
    pub(super) fn open(&self, threads: NonZeroUsize) -> Result<ReportSet, CliError> {
        let (names, options) = self.resolve(threads)?;
        let opened = read::open(&names, &options).map_err(given::report_error)?;
        for note in &opened.notes {
            print::note(note);
        }
        Ok(opened)
    }
}

/// How data files are read.
#[derive(Debug, ClapArgs)]
pub(super) struct ReadArgs {
    /// Threads that work at the same time [default: one a processor]
    #[arg(long, value_name = "N", value_parser = positive)]
    threads: Option<NonZeroUsize>,
    /// What is checked of every data file
    #[arg(long, value_enum, default_value_t = VerifyArg::Md5)]
    verify: VerifyArg,
    /// What decompresses the data files
    #[arg(long, value_enum, default_value_t = InflateArg::Fast)]
    inflate: InflateArg,
    /// Skip damaged data files, take values that can't be read for NULL, and go on; says so at
    /// the end, with exit code 5. A data file that is missing ends the run all the same
    #[arg(long)]
    pub(super) keep_going: bool,
}

impl ReadArgs {
    pub(super) fn threads(&self) -> NonZeroUsize {
        self.threads.unwrap_or_else(threads::one_a_processor)
    }

    pub(super) fn settings(&self) -> ScanOptions {
        let usual = ScanOptions::default();
        ScanOptions {
            threads: self.threads(),
            verify: match self.verify {
                VerifyArg::Md5 => Verify::Md5,
                VerifyArg::Etag => Verify::Etag,
                VerifyArg::Crc => Verify::Crc,
            },
            inflate: match self.inflate {
                InflateArg::Fast => Inflate::Fast,
                InflateArg::Reference => Inflate::Reference,
            },
            split: usual.split,
        }
    }
}

#[derive(Debug, ClapArgs)]
pub(super) struct InspectArgs {
    #[command(flatten)]
    pub(super) report: ReportArgs,
    /// Threads that look data files up [default: one a processor]
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(super) threads: Option<NonZeroUsize>,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
}

pub(super) const WHERE_HELP: &str = "\
Expressions for --where:
  BucketKeyStatus = 'DISABLED' AND EncryptionStatus = 'SSE-KMS'
  Size >= '5GiB' AND StorageClass NOT IN ('GLACIER', 'DEEP_ARCHIVE')
  Key LIKE 'photos/%' AND LastModifiedDate < '2024-01-01'
  LastModifiedDate > now() - interval '30 days' OR ReplicationStatus IS NULL
  IsLatest AND regexp_like(Key, '[.](jpg|png)$')
Columns go by the names of the report's fileSchema (`s3sieve inspect` lists them), in any case, also
in snake_case. Keys are compared decoded. An empty field is NULL. The whole language is in
docs/where.md.";

#[derive(Debug, ClapArgs)]
#[command(after_help = WHERE_HELP)]
pub(super) struct CountArgs {
    #[command(flatten)]
    pub(super) report: ReportArgs,
    /// Count the rows for which this SQL expression is true [default: all rows]
    #[arg(long = "where", value_name = "EXPRESSION", allow_hyphen_values = true)]
    filter: Option<String>,
    /// Count by the values of these columns
    #[arg(long, value_name = "COLUMN", value_delimiter = ',', value_parser = column_name)]
    pub(super) by: Vec<String>,
    #[command(flatten)]
    pub(super) read: ReadArgs,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
}

impl CountArgs {
    pub(super) fn query(&self) -> Query {
        self.filter.clone().map_or(Query::All, Query::Where)
    }
}

/// What `--region` is to `estimate`: a bucket in S3 is found in whatever region it is.
const PRICE_REGION_HELP: &str = "The region whose prices are taken [default: us-east-1]; a plan in \
    S3 is found wherever it is";

#[derive(Debug, ClapArgs)]
#[command(mut_arg("region", |arg| arg.help(PRICE_REGION_HELP)))]
pub(super) struct EstimateArgs {
    /// The folder of a plan, as `filter --out` wrote it, also in S3
    #[arg(value_name = "DIR")]
    pub(super) plan: PathBuf,
    #[command(flatten)]
    pub(super) aws: AwsArgs,
    #[cfg(not(feature = "aws"))]
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// What the jobs do [default: what the plan is for; update-encryption and copy if it is for
    /// nothing in particular]
    #[arg(long, value_name = "OPERATION", value_parser = operations())]
    pub(super) operation: Option<OperationKind>,
    /// The storage class of copies, or `keep` [default: as in the plan, else STANDARD]
    #[arg(long, value_name = "CLASS", value_parser = CopyClass::from_name)]
    pub(super) storage_class: Option<CopyClass>,
    /// A price list in place of those that come with the program (docs/costs.md shows one)
    #[arg(long, value_name = "FILE")]
    pub(super) prices: Option<PathBuf>,
    /// Objects in the source bucket [default: at least the rows of the report]
    #[arg(long, value_name = "N", value_parser = objects)]
    pub(super) source_objects: Option<u64>,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
}

impl EstimateArgs {
    /// The region whose prices are taken, if one was named.
    pub(super) fn region(&self) -> Option<&str> {
        #[cfg(feature = "aws")]
        return self.aws.region();
        #[cfg(not(feature = "aws"))]
        return self.region.as_deref();
    }
}

const VERIFY_HELP: &str = "\
An object is done when the newer report has a row for it that no longer answers the plan's
expression; it remains when the row still does, and is gone when there is none. With exit code 5,
some remain, or are not verified. Take a report that was begun after the last job ended. Where
noncurrent versions are copied before current ones, run it where the plan was submitted: the
journal of the jobs tells which of them were done.

Examples:
  s3sieve verify plan NEWER-REPORT
  s3sieve verify plan NEWER-REPORT --out rest
  s3sieve verify plan NEWER-REPORT --where \"BucketKeyStatus = 'DISABLED'\"";

#[derive(Debug, ClapArgs)]
#[command(after_help = VERIFY_HELP)]
// It is refused with a reason, so it is nothing to try.
#[command(mut_arg("keep_going", |arg| arg.hide(true)))]
pub(super) struct VerifyArgs {
    /// The folder of the plan, as `filter --out` wrote it, also in S3
    #[arg(value_name = "DIR")]
    pub(super) plan: PathBuf,
    #[command(flatten)]
    pub(super) report: ReportArgs,
    /// What an object still answers that is not done [default: the plan's expression]
    #[arg(long = "where", value_name = "EXPRESSION", allow_hyphen_values = true)]
    filter: Option<String>,
    /// Make a plan of the objects that remain, in this folder, also in S3
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Replace the plan that stands in --out
    #[arg(long, requires = "out")]
    pub(super) force: bool,
    /// Memory for the plan's objects (23 bytes each); beyond it, the report is scanned several
    /// times [default: 1GiB]
    #[arg(long, value_name = "SIZE", value_parser = size, default_value_t = OBJECTS_MEMORY_BYTES,
        hide_default_value = true)]
    memory: u64,
    #[command(flatten)]
    read: ReadArgs,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
}

impl VerifyArgs {
    pub(super) fn options(&self) -> VerifyOptions {
        VerifyOptions {
            query: self.filter.clone().map(Query::Where),
            memory_bytes: self.memory,
            at_once: self.out.is_some(),
            now: Timestamp::now(),
            settings: self.read.settings(),
            clean: BTreeSet::new(),
        }
    }

    pub(super) fn threads(&self) -> NonZeroUsize {
        self.read.threads()
    }

    /// Whether bad data files were to be skipped: what is in them can't be verified.
    pub(super) fn keeps_going(&self) -> bool {
        self.read.keep_going
    }
}

#[derive(Debug, ClapArgs)]
pub(super) struct BenchArgs {
    #[command(flatten)]
    pub(super) report: ReportArgs,
    #[arg(
        long = "where",
        value_name = "EXPRESSION",
        allow_hyphen_values = true,
        help = "The rows that are kept [default: BucketKeyStatus = 'DISABLED']"
    )]
    pub(super) filter: Option<String>,
    /// Where the last stage writes its plan, a new folder; removed afterwards
    #[arg(long, value_name = "DIR", default_value = "s3sieve-bench",
        value_parser = local_folder())]
    pub(super) out: PathBuf,
    /// How often each stage is run; the medians are shown
    #[arg(long, value_name = "N", default_value = "3", value_parser = positive)]
    pub(super) runs: NonZeroUsize,
    #[command(flatten)]
    read: ReadArgs,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
}

/// The condition of `bench`, where none is given: the question that most reports are read for.
pub(super) const BENCH_WHERE: &str = "BucketKeyStatus = 'DISABLED'";

impl BenchArgs {
    pub(super) fn options(&self) -> FilterOptions {
        let settings = self.read.settings();
        FilterOptions {
            query: Query::Where(self.filter.as_deref().unwrap_or(BENCH_WHERE).to_owned()),
            among: None,
            operation: None,
            out: Location::Path(self.out.clone()),
            force: false,
            version_ids: true,
            emit: Emit::Csv,
            bounds: ShardBounds {
                objects_max: OBJECTS_MAX,
                bytes_max: SHARD_BYTES_MAX,
                jobs: None,
            },
            split_by: Vec::new(),
            memory_bytes: plan::memory_bytes_default(settings.threads),
            keep_going: self.read.keep_going,
            now: Timestamp::now(),
            settings,
        }
    }
}

/// A folder on this machine. An address in S3 is refused: as a path it would be a folder `s3:`.
pub(super) fn local_folder() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| {
        let text = path.to_string_lossy();
        if text.get(..4).is_some_and(|begin| begin.eq_ignore_ascii_case("s3:/")) {
            return Err(
                "this command writes to a folder on this machine only; write it there, then copy \
                 it with `aws s3 cp --recursive`"
                    .to_owned(),
            );
        }
        given::out_fault(&path).map_or(Ok(path), Err)
    })
}

const SYNTH_HELP: &str = "\
Examples:
  s3sieve synth --rows 100000 --files 4 --out trial
  s3sieve synth --rows 8000000 --files 16 --columns bucket-keys --out bench
  s3sieve synth --rows 100000 --format parquet --out columns
  s3sieve synth --rows 1000 --columns Bucket,Key,Size,StorageClass \\
      --share StorageClass=STANDARD:7,GLACIER:3 --out small";

#[derive(Debug, ClapArgs)]
#[command(after_help = SYNTH_HELP)]
pub(super) struct SynthArgs {
    /// Rows in all
    #[arg(long, value_name = "N", value_parser = objects)]
    pub(super) rows: u64,
    /// Data files they are spread over
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) files: u64,
    /// An empty or new folder
    #[arg(long, value_name = "DIR", value_parser = local_folder())]
    pub(super) out: PathBuf,
    /// The columns, by their fileSchema names; `all`, or `bucket-keys` for the six that finding
    /// objects without a bucket key takes
    #[arg(long, value_name = "COLUMN", value_delimiter = ',', default_value = "all")]
    pub(super) columns: Vec<String>,
    /// When the report was begun, for example 2026-01-31 (from its begin, in UTC) or
    /// 2026-01-31T14:00Z [default: 2026-01-01]
    #[arg(long, value_name = "DATE", value_parser = moment)]
    pub(super) created: Option<Timestamp>,
    /// The bucket that the report lists
    #[arg(long, value_name = "NAME")]
    pub(super) bucket: Option<String>,
    /// The same seed gives the same report
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) seed: u64,
    /// The values of a column and how often each comes: COLUMN=VALUE:WEIGHT,...
    #[arg(long = "share", value_name = "SHARES", value_parser = share)]
    pub(super) shares: Vec<WeightedValues>,
    /// The part of rows that are delete markers, 0 to 1
    #[arg(long, value_name = "PART")]
    pub(super) delete_markers: Option<f64>,
    /// The part of rows whose version id is empty, 0 to 1
    #[arg(long, value_name = "PART")]
    pub(super) null_versions: Option<f64>,
    /// The part of keys with spaces, signs, quotes and letters beyond ASCII, 0 to 1
    #[arg(long, value_name = "PART")]
    pub(super) odd_keys: Option<f64>,
    /// Pad keys until a row has about this many bytes
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(super) row_bytes: Option<u64>,
    /// Have every data file this many times, as links, for reports larger than the disk
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) repeat: u64,
    /// Level of gzip and zlib, 1 to 9 [default: 6, as S3's files look]
    #[arg(long, value_name = "LEVEL", value_parser = clap::value_parser!(u32).range(1..=9))]
    pub(super) level: Option<u32>,
    /// Threads that compress [default: one a processor]
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(super) threads: Option<NonZeroUsize>,
    /// How data files are written
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: DataFormat,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t)]
    pub(super) result: Format,
}

/// How data files are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum DataFormat {
    /// CSV, gzipped
    #[default]
    Csv,
    /// Parquet, with Snappy
    Parquet,
    /// ORC, with zlib
    Orc,
}

/// A column with its values and their weights.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct WeightedValues {
    pub(super) column: String,
    pub(super) values: Vec<(String, f64)>,
}

/// The names of all operations, for the help and for completion.
pub(super) fn operations() -> impl TypedValueParser<Value = OperationKind> {
    PossibleValuesParser::new(OperationKind::ALL.map(OperationKind::name))
        .try_map(|name| OperationKind::from_name(&name).ok_or("no such operation"))
}

/// A number that is not zero.
#[cfg(feature = "aws")]
pub(super) fn at_least_one(text: &str) -> Result<usize, String> {
    positive(text).map(NonZeroUsize::get)
}

pub(super) fn positive(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| format!("`{text}` is not a whole number from 1 on"))
}

/// A priority of jobs (API, `JobPriority`).
pub(super) fn priority(text: &str) -> Result<i32, String> {
    text.parse().ok().filter(|number| *number >= 0).ok_or_else(|| {
        format!(
            "`{text}` is not a priority: give a whole number from 0 to 2147483647; jobs with a \
             higher one run first"
        )
    })
}

/// A time in seconds, in whatever numbers.
#[cfg(feature = "aws")]
pub(super) fn seconds<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("`{text}` is not a number of seconds, such as 60"))
}

pub(super) fn size(text: &str) -> Result<u64, SizeError> {
    parse_bytes(text)
}

pub(super) fn objects(text: &str) -> Result<u64, String> {
    ungrouped(text)
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| format!("`{text}` is not a whole number, such as 1000000 or 1,000,000"))
}

/// A date, from its begin in UTC, or a time.
pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    let begin = |date: Date| TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0));
    text.parse::<Timestamp>()
        .or_else(|_| text.parse::<Date>().and_then(begin))
        .map_err(|_| format!("`{text}` is not a date, such as 2026-01-31 or 2026-01-31T14:00Z"))
}

/// A name in a list: a space behind the comma is not part of it.
pub(super) fn column_name(text: &str) -> Result<String, Infallible> {
    Ok(text.trim().to_owned())
}

fn share(text: &str) -> Result<WeightedValues, String> {
    let wrong = || format!("`{text}` is not COLUMN=VALUE:WEIGHT,VALUE:WEIGHT,...");
    let (column, values) = text.split_once('=').ok_or_else(wrong)?;
    let value = |text: &str| {
        let (value, weight) = text.rsplit_once(':').ok_or_else(wrong)?;
        let weight: f64 = weight.parse().map_err(|_| wrong())?;
        if weight.is_finite() && weight >= 0.0 {
            Ok((value.to_owned(), weight))
        } else {
            Err(wrong())
        }
    };
    let values = values.split(',').map(value).collect::<Result<_, _>>()?;
    Ok(WeightedValues { column: column.to_owned(), values })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_filter_wants_exactly_one_query() {
        let parse = |line: &str| Args::try_parse_from(line.split(' '));
        assert!(parse("s3sieve filter m.json --out d").is_err());
        assert!(parse("s3sieve filter m.json --out d --where a --sql b").is_err());
        assert!(parse("s3sieve filter m.json --out d --where a").is_ok());
        assert!(parse("s3sieve filter --out d --where a").is_err(), "a report is needed");
    }

    #[test]
    fn shares_are_read() {
        let values = vec![("ON".to_owned(), 1.0), (String::new(), 2.5)];
        assert_eq!(
            share("Lock=ON:1,:2.5"),
            Ok(WeightedValues { column: "Lock".to_owned(), values })
        );
        for wrong in ["Lock", "Lock=ON", "Lock=ON:x", "Lock=ON:-1", "Lock=ON:inf"] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_command_that_is_not_built_names_its_feature() {
        let text = not_built("jobs", &OF_AWS).unwrap();
        assert!(text.contains("`jobs` is not in this build") && text.contains("`aws`"), "{text}");
        assert_eq!(not_built("count", &OF_AWS), None);
        assert_eq!(not_built("jobs", &[]), None);
        let names: Vec<String> = Args::command()
            .get_subcommands()
            .map(|command| command.get_name().to_owned())
            .collect();
        let is_built = |name: &&'static str| names.iter().any(|built| built == *name);
        assert_eq!(OF_AWS.iter().all(is_built), cfg!(feature = "aws"));
        assert!(!left_out().iter().any(is_built));
    }

    #[test]
    fn dates_are_from_their_begin_in_utc() {
        let of = |text: &str| moment(text).map(|moment| moment.to_string());
        assert_eq!(of("2026-01-31"), Ok("2026-01-31T00:00:00Z".to_owned()));
        assert_eq!(of("2026-01-31T14:00Z"), Ok("2026-01-31T14:00:00Z".to_owned()));
        assert!(of("yesterday").is_err());
    }

    #[test]
    fn a_number_of_objects_has_no_decimal_comma() {
        for text in ["1,5", "1,5,000", "1,000_000", ",5", "5,", "1.5", "0,500"] {
            assert!(objects(text).is_err(), "{text}");
        }
    }

    #[test]
    fn counts_take_separators() {
        assert_eq!(objects("1,000,000"), Ok(1_000_000));
        assert_eq!(objects("1_000_000"), Ok(1_000_000));
        assert!(objects("1e6").is_err());
    }
}
