//! Which reports are read, and how, as typed.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, ValueEnum};

use super::arg_values::positive;
use super::aws::AwsArgs;
use super::{CliError, given, interrupt, print, shell};
use crate::format::gzip::Inflate;
use crate::parts::PartNumber;
use crate::read::{self, ReportOptions, ReportSet, ScanOptions, Verify};
use crate::report::AsOf;
use crate::source::Location;
use crate::threads;

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
        let mut words: Vec<String> = self.reports.iter().map(|path| shell::word(path)).collect();
        words.extend(self.root.iter().map(|root| format!("--root {}", shell::word(root))));
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
        let (pinned, part, stop) = (false, None, Some(interrupt::flag()));
        Ok((names, ReportOptions { root, as_of, allow_overlap, pinned, part, threads, stop }))
    }

    /// Opens the reports, and tells the user how they were found.
    pub(super) fn open(&self, threads: NonZeroUsize) -> Result<ReportSet, CliError> {
        self.open_part(threads, None)
    }

    /// Opens the reports, or the files of one part of a report.
    pub(super) fn open_part(
        &self,
        threads: NonZeroUsize,
        part: Option<PartNumber>,
    ) -> Result<ReportSet, CliError> {
        self.open_with(threads, |options| (options.part, options.pinned) = (part, part.is_some()))
    }

    /// Opens reports that are named by their manifests.
    pub(super) fn open_pinned(&self, threads: NonZeroUsize) -> Result<ReportSet, CliError> {
        self.open_with(threads, |options| options.pinned = true)
    }

    fn open_with(
        &self,
        threads: NonZeroUsize,
        change: impl FnOnce(&mut ReportOptions),
    ) -> Result<ReportSet, CliError> {
        let (names, mut options) = self.resolve(threads)?;
        change(&mut options);
        let opened = read::open(&names, &options).map_err(given::report_error)?;
        for note in &opened.notes {
            print::note(note);
        }
        Ok(opened)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum VerifyArg {
    /// Size, CRC-32 and the MD5 that the report gives for each file; where S3 states that MD5 as a
    /// file's `ETag`, it has computed it, elsewhere it is computed here
    #[default]
    #[value(alias = "etag")]
    Auto,
    /// The same, and the MD5 is always computed here
    Md5,
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

/// How data files are read.
#[derive(Debug, ClapArgs)]
pub(super) struct ReadArgs {
    /// Threads that work at the same time [default: one a processor]
    #[arg(long, value_name = "N", value_parser = positive)]
    threads: Option<NonZeroUsize>,
    /// What is checked of every data file
    #[arg(long, value_enum, default_value_t)]
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

    pub(super) fn scan(&self) -> ScanOptions {
        let usual = ScanOptions::default();
        ScanOptions {
            threads: self.threads(),
            verify: match self.verify {
                VerifyArg::Auto => Verify::Auto,
                VerifyArg::Md5 => Verify::Md5,
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
