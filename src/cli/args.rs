//! The command line as typed: its commands, and the arguments of those that have no file of their
//! own. What needs checking against a report is checked by the layers below.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};
use jiff::Timestamp;

use super::arg_values::{column_name, local_folder, objects, operations, positive, size};
use super::aws::AwsArgs;
use super::filter_args::FilterArgs;
use super::install_args::{CompletionsArgs, ManArgs};
#[cfg(feature = "aws")]
use super::jobs_args::{JobsArgs, RetryArgs};
#[cfg(feature = "aws")]
use super::list_args::ListArgs;
use super::merge_args::MergeArgs;
use super::operation_args::{PolicyCommandArgs, SubmitArgs};
use super::output_format::Format;
use super::partition_args::PartitionArgs;
use super::report_args::{ReadArgs, ReportArgs, WHERE_HELP};
#[cfg(feature = "aws")]
use super::setup_args::SetupArgs;
use super::synth_args::SynthArgs;
use crate::operation::{CopyClass, OperationKind};
use crate::plan::{FilterOptions, OBJECTS_MEMORY_BYTES, VerifyOptions};
use crate::query::Query;

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
pub(super) fn left_out() -> &'static [&'static str] {
    if cfg!(feature = "aws") { &[] } else { &OF_AWS }
}

/// Commands of the feature `aws`.
const OF_AWS: [&str; 4] = ["jobs", "retry", "setup", "list"];

/// What to say of a command that is not in this build.
pub(super) fn not_built(word: &str, left_out: &[&str]) -> Option<String> {
    left_out.contains(&word).then(|| {
        format!(
            "`{word}` is not in this build: it needs {AWS_FEATURE}; `cargo install --path .` in \
             the source builds all"
        )
    })
}

#[derive(Debug, Subcommand)]
pub(super) enum CliCommand {
    /// Show what a report holds: columns, files, sizes, age, completeness
    Inspect(InspectArgs),
    /// Count the rows that match, in all or by the values of columns
    Count(CountArgs),
    /// Write the rows that match as manifests for S3 Batch Operations
    Filter(FilterArgs),
    /// Make one plan of the parts that `filter --partition` made
    Merge(MergeArgs),
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
    List(ListArgs),
    /// Make a synthetic report, for trials and benchmarks
    Synth(SynthArgs),
    /// Print what a shell needs to complete commands and options
    Completions(CompletionsArgs),
    /// Write pages for man(1), one for each command
    Man(ManArgs),
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
    pub(super) partition: PartitionArgs,
    /// With --partition or --partitions: the folder of the parts, also in S3
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
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
    /// Make a plan of the objects that remain, in this folder, also in S3; with --partition, the
    /// folder of the parts
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    #[command(flatten)]
    pub(super) partition: PartitionArgs,
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
            finds_rest: self.out.is_some() && self.partition.is_whole(),
            now: Timestamp::now(),
            scan: self.read.scan(),
            clean: BTreeSet::new(),
            part: None,
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
        let condition = self.filter.as_deref().unwrap_or(BENCH_WHERE).to_owned();
        FilterOptions::new(Query::Where(condition), self.out.as_path())
            .keep_going(self.read.keep_going)
            .scan(self.read.scan())
    }
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
}
