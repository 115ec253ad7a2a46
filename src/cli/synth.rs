//! `s3sieve synth`: makes a synthetic report.

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Instant;

use serde::Serialize;

use super::print::{self, CommandResult};
use super::synth_args::{DataFormat, SynthArgs};
use super::{CliError, Exit, interrupt, progress};
use crate::report::FileFormat;
use crate::synth::{self, Synth, SynthError, SynthSummary};
use crate::units::{Bytes, Count, counted};

pub(super) fn run(args: &SynthArgs) -> Result<Exit, CliError> {
    let begun = Instant::now();
    let synth = options(args);
    let summary = progress::counted_rows(args.rows, args.result, |rows| {
        synth::write(&synth, &args.out, interrupt::flag(), rows).map_err(named_by_flag)
    })?;
    let result = SynthResult::new(&summary, synth.repeat, begun.elapsed().as_secs_f64());
    print::print(&result, args.result)?;
    Ok(Exit::Done)
}

/// Fields of [`Synth`] and the flags that they are given with, where the names differ.
const FLAGS: [(&str, &str); 5] = [
    ("delete_marker_share", "--delete-markers"),
    ("null_version_share", "--null-versions"),
    ("odd_key_share", "--odd-keys"),
    ("row_bytes", "--row-bytes"),
    ("shares", "--share"),
];

/// The error of an option, as the command line names it.
fn named_by_flag(error: SynthError) -> CliError {
    let SynthError::Option { name, fault } = error else { return error.into() };
    let flag = FLAGS.iter().find(|(field, _)| *field == name).map(|(_, flag)| *flag);
    let flag = flag.map_or_else(|| format!("--{name}"), str::to_owned);
    let fault = FLAGS.iter().fold(fault, |fault, (field, flag)| {
        fault
            .replace(&format!(" in {field}"), &format!(" with {flag} COLUMN=VALUE:WEIGHT"))
            .replace(&format!(", {field}"), &format!(", {flag}"))
    });
    CliError::usage(format!("{flag}: {fault}"))
}

fn options(args: &SynthArgs) -> Synth {
    let usual = Synth::default();
    let shares = args.shares.iter().map(|share| (share.column.clone(), share.values.clone()));
    Synth {
        rows: args.rows,
        files: args.files,
        columns: columns(&args.columns, usual.columns),
        format: match args.format {
            DataFormat::Csv => FileFormat::Csv,
            DataFormat::Parquet => FileFormat::Parquet,
            DataFormat::Orc => FileFormat::Orc,
        },
        seed: args.seed,
        bucket: args.bucket.clone().unwrap_or(usual.bucket),
        shares: shares.collect(),
        delete_marker_share: args.delete_markers.unwrap_or(usual.delete_marker_share),
        null_version_share: args.null_versions.unwrap_or(usual.null_version_share),
        odd_key_share: args.odd_keys.unwrap_or(usual.odd_key_share),
        row_bytes: args.row_bytes,
        created: args.created.unwrap_or(usual.created),
        threads: args.threads.map_or(usual.threads, NonZeroUsize::get),
        level: args.level.unwrap_or(usual.level),
        repeat: args.repeat,
    }
}

/// The columns by their names, with what stands for several.
fn columns(names: &[String], of_bucket_keys: Vec<String>) -> Vec<String> {
    match names {
        [one] if one == "all" => synth::columns().map(str::to_owned).collect(),
        [one] if one == "bucket-keys" => of_bucket_keys,
        names => names.to_vec(),
    }
}

#[derive(Serialize)]
struct SynthResult<'a> {
    manifest: &'a Path,
    files: u64,
    rows: u64,
    bytes_raw: u64,
    bytes_compressed: u64,
    /// How many times each file is there.
    repeat: u64,
    seconds: f64,
}

impl<'a> SynthResult<'a> {
    fn new(summary: &'a SynthSummary, repeat: u64, seconds: f64) -> Self {
        Self {
            manifest: &summary.manifest,
            files: summary.files,
            rows: summary.rows,
            bytes_raw: summary.bytes_raw,
            bytes_compressed: summary.bytes_compressed,
            repeat,
            seconds,
        }
    }
}

impl CommandResult for SynthResult<'_> {
    const COMMAND: &'static str = "synth";

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "{} in {}: {} raw, {} compressed, in {:.1} s ({}/s raw).",
            counted(self.rows, "row"),
            counted(self.files, "data file"),
            Bytes(self.bytes_raw),
            Bytes(self.bytes_compressed),
            self.seconds,
            Bytes((self.bytes_raw as f64 / self.seconds) as u64),
        )?;
        if self.repeat > 1 {
            let rows = self.rows.saturating_mul(self.repeat);
            writeln!(
                out,
                "Each file is there {} times, under as many names: {} rows.",
                Count(self.repeat),
                Count(rows)
            )?;
        }
        writeln!(out, "Next: s3sieve inspect {}", self.manifest.display())
    }
}
