//! `s3sieve list`: what a bucket holds now, as a report that every other command reads.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use indicatif::ProgressBar;
use jiff::Timestamp;
use serde::Serialize;

use super::args::{Format, local_folder, moment};
use super::aws::AwsArgs;
use super::print::{self, CommandResult};
use super::{CliError, Exit, interrupt, progress};
use crate::listing::{self, ASKED, LISTED, Listing, ListingSummary};
use crate::operation::partition;
use crate::units::{Count, counted};

const LIST_HELP: &str = "\
Columns that the listing itself tells: Size, LastModifiedDate, ETag, StorageClass,
IsMultipartUploaded, ChecksumAlgorithm. Columns that take a HeadObject request for each object:
EncryptionStatus, BucketKeyStatus, ReplicationStatus, ObjectLockMode, ObjectLockRetainUntilDate,
ObjectLockLegalHoldStatus. Bucket and Key are in every report; VersionId, IsLatest and
IsDeleteMarker with --versions.

Examples:
  s3sieve list s3://photos --newer-than 2026-01-31 --out young
  s3sieve list s3://photos/2026/ --versions --columns Size,EncryptionStatus,BucketKeyStatus \\
      --newer-than 2026-01-31 --out young
  s3sieve count young --by BucketKeyStatus";

#[derive(Debug, ClapArgs)]
#[command(after_help = LIST_HELP)]
pub(super) struct ListArgs {
    #[arg(value_name = "s3://BUCKET[/PREFIX]", help = "The bucket, and what the keys begin with")]
    prefix: PathBuf,
    /// An empty or new folder for the report
    #[arg(long, value_name = "DIR", value_parser = local_folder())]
    out: PathBuf,
    /// The columns, besides those of every report [default: those that the listing itself tells]
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    columns: Vec<String>,
    /// List all versions, delete markers among them
    #[arg(long)]
    versions: bool,
    /// Only what was last modified after this, for example 2026-01-31 (from its begin, in UTC) or
    /// 2026-01-31T14:00Z
    #[arg(long, value_name = "DATE", value_parser = moment)]
    newer_than: Option<Timestamp>,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
    #[command(flatten)]
    aws: AwsArgs,
}

pub(super) fn run(args: &ListArgs) -> Result<Exit, CliError> {
    let prefix = args.aws.way().object(&args.prefix)?.ok_or_else(|| {
        CliError::Usage(format!(
            "{}: write s3://BUCKET or s3://BUCKET/PREFIX",
            args.prefix.display()
        ))
    })?;
    let usual = LISTED.iter().map(|column| (*column).to_owned());
    let listing = Listing {
        partition: partition::of_region(prefix.session().region()).to_owned(),
        prefix,
        columns: if args.columns.is_empty() { usual.collect() } else { args.columns.clone() },
        versions: args.versions,
        newer_than: args.newer_than,
        now: Timestamp::now(),
    };
    let bar = match args.format == Format::Human && io::stderr().is_terminal() {
        true => ProgressBar::new_spinner(),
        false => ProgressBar::hidden(),
    };
    progress::style(&bar, "{spinner} {human_pos} rows  {per_sec}");
    let result = listing::list(&listing, &args.out, interrupt::flag(), |rows| bar.inc(rows));
    bar.finish_and_clear();
    print::print(&ListResult::new(&result?, args), args.format)?;
    Ok(Exit::Done)
}

#[derive(Serialize)]
struct ListResult<'a> {
    manifest: PathBuf,
    rows: u64,
    files: u64,
    rows_seen: u64,
    requests: u64,
    #[serde(skip)]
    out: &'a Path,
    #[serde(skip)]
    asks: bool,
}

impl<'a> ListResult<'a> {
    fn new(summary: &ListingSummary, args: &'a ListArgs) -> Self {
        let is_asked = |column: &String| ASKED.iter().any(|a| a.eq_ignore_ascii_case(column));
        Self {
            manifest: summary.manifest.clone(),
            rows: summary.rows,
            files: summary.files,
            rows_seen: summary.seen,
            requests: summary.asked,
            out: &args.out,
            asks: args.columns.iter().any(is_asked),
        }
    }
}

impl CommandResult for ListResult<'_> {
    const COMMAND: &'static str = "list";

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "{} of {} listed, in {}.",
            counted(self.rows, "row"),
            Count(self.rows_seen),
            counted(self.files, "data file")
        )?;
        if self.asks {
            writeln!(out, "{} were made to ask about them.", counted(self.requests, "request"))?;
        }
        writeln!(out, "Next: s3sieve count {}", self.out.display())
    }
}
