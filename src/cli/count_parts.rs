//! Counting in parts: one of them, all on this machine, or what parts found together.

use std::io;
use std::mem;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::args::CountArgs;
use super::output_format::Format;
use super::partition_args::PartWork;
use super::{CliError, Exit, count_result, given, made_part, progress};
use crate::hex;
use crate::parts::{DocumentParts, PartNumber, PartsError, PartsFolder};
use crate::plan::{self, PLAN_VERSION};
use crate::query::{self, CountNotes, CountOptions, CountPart, Counts};
use crate::read::{ReportSet, RunControl};
use crate::source::Location;

/// The command that makes such parts.
pub(super) const COMMAND: &str = "count";

/// What pins the parts of a count.
#[derive(Debug, Serialize, Deserialize)]
struct CountPins {
    version: u32,
    command: String,
    tool: String,
    partitions: u32,
    report: CountedReport,
    /// What `now()` means.
    now: String,
    question: CountQuestion,
}

#[derive(Debug, Serialize, Deserialize)]
struct CountedReport {
    /// The MD5 of the report's manifest, in hexadecimal.
    manifest_md5: String,
    files: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct CountQuestion {
    /// The columns to count by.
    by: Vec<String>,
    /// Whether the report tells sizes.
    is_sized: bool,
    keep_going: bool,
    notes: CountNotes,
}

/// Does what `work` says; none where that is the whole count.
pub(super) fn run(
    args: &CountArgs,
    work: PartWork,
    opened: &mut ReportSet,
    options: &CountOptions,
) -> Result<Option<Exit>, CliError> {
    let out = match (&args.out, work) {
        (None, PartWork::Whole) => return Ok(None),
        (Some(out), PartWork::One(_) | PartWork::All(_)) => out,
        (None, _) => {
            return Err(CliError::usage("--partition: --out names the folder of parts".to_owned()));
        }
        (Some(_), PartWork::Whole) => {
            return Err(CliError::usage(
                "--out is the folder of parts: give --partition or --partitions, too".to_owned(),
            ));
        }
    };
    given::check_out(out)?;
    let out = args.report.aws.way().on(args.read.threads()).location(out)?;
    match work {
        PartWork::Whole => Ok(None),
        PartWork::One(part) => {
            let parts = pinned(&out, part.parts(), opened, options)?;
            let found = progress::watched(opened.bytes_total(), args.format, |control| {
                one(&parts, part, opened, options, control)
            })?;
            made_part::show("count --partition", part, found, &out, args.format)?;
            Ok(Some(Exit::Done))
        }
        PartWork::All(number) => {
            let parts = pinned(&out, number, opened, options)?;
            all(&parts, number, opened, options, args.format)?;
            let folder = PartsFolder::new(&out);
            let pins = folder.pinned(&plan::tool())?.pins;
            merged(folder, number, pins, args.format).map(Some)
        }
    }
}

fn pinned(
    out: &Location,
    parts: u32,
    opened: &ReportSet,
    options: &CountOptions,
) -> Result<DocumentParts, CliError> {
    // Parts are of one report: it was opened as such.
    let report = &opened.reports[0];
    let pins = CountPins {
        version: PLAN_VERSION,
        command: COMMAND.to_owned(),
        tool: plan::tool(),
        partitions: parts,
        report: CountedReport {
            manifest_md5: hex::encode(report.manifest_md5),
            files: report.files.len() as u64,
        },
        now: options.now.to_string(),
        question: CountQuestion {
            by: options.by.clone(),
            is_sized: count_result::is_sized(opened),
            keep_going: options.keep_going,
            notes: CountNotes::new(opened, options)?,
        },
    };
    let pins = serde_json::to_value(pins).map_err(io::Error::from)?;
    Ok(DocumentParts::pin(out, COMMAND, parts, &pins)?)
}

/// Makes one part; true where it was there already.
fn one(
    parts: &DocumentParts,
    part: PartNumber,
    opened: &ReportSet,
    options: &CountOptions,
    control: RunControl<'_>,
) -> Result<bool, CliError> {
    let (_, found) = parts.make(part, || {
        let begun = Instant::now();
        let (counts, _) = query::count_files(opened, options, control)?;
        Ok::<_, CliError>((begun.elapsed().as_secs_f64(), CountPart::from(counts)))
    })?;
    Ok(found)
}

fn all(
    parts: &DocumentParts,
    number: u32,
    opened: &mut ReportSet,
    options: &CountOptions,
    format: Format,
) -> Result<(), CliError> {
    let inputs = mem::take(&mut opened.inputs);
    let bytes_total = inputs.iter().map(|input| input.bytes).sum();
    progress::watched(bytes_total, format, |control| {
        for part in 0..number {
            let part = PartNumber::new(part, number)
                .map_err(|error| CliError::usage(error.to_string()))?;
            opened.take_part(part, &inputs);
            one(parts, part, opened, options, control)?;
        }
        Ok(())
    })
}

/// Shows what all parts found.
pub(super) fn merged(
    folder: PartsFolder,
    parts: u32,
    pins: Value,
    format: Format,
) -> Result<Exit, CliError> {
    let misfit = |what| PartsError::Misfit { path: folder.partitions(), what };
    let pins: CountPins = serde_json::from_value(pins).map_err(|e| misfit(e.to_string()))?;
    let out = folder.location().clone();
    let columns = pins.question.by.len();
    let (mut counts, mut seconds) = (Counts::default(), 0.0);
    let documents = DocumentParts::of(folder, COMMAND, parts);
    documents.each(|part| {
        seconds += part.seconds;
        let found: CountPart = part.found;
        let counts_of = |part: CountPart| part.is_by(columns).then(|| part.counts()).flatten();
        let found = counts_of(found).ok_or_else(|| PartsError::Misfit {
            path: out.clone(),
            what: "the sums of a part are not those of its groups".to_owned(),
        })?;
        match counts.add(found) {
            true => Ok::<_, CliError>(()),
            false => Err(Counts::too_many_groups(out.clone()).into()),
        }
    })?;
    if counts.scanned.files + counts.files_skipped.len() as u64 != pins.report.files {
        let what = format!(
            "its parts have {} data files, where the report has {}",
            counts.scanned.files, pins.report.files
        );
        return Err(PartsError::Misfit { path: out, what }.into());
    }
    let CountQuestion { by, is_sized, notes, .. } = pins.question;
    counts.conclude(notes);
    count_result::show(counts, by, is_sized, seconds, format)
}
