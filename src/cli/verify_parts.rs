//! Verifying in parts: the objects of a plan are cut by hash, and each part reads all of the newer
//! report.

use std::io;
use std::path::Path;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::args::VerifyArgs;
use super::output_format::Format;
use super::partition_args::PartWork;
use super::{CliError, Exit, given, made_part, progress, verify_result};
use crate::hex;
use crate::parts::{DocumentParts, PartContent, PartNumber, PartsError, PartsFolder};
use crate::plan::{self, PLAN_VERSION, PlanHandle, VerifyOptions, VerifyReport};
use crate::read::{ReportSet, RunControl};
use crate::source::Location;

/// The command that makes such parts.
pub(super) const COMMAND: &str = "verify";

/// What pins the parts of a verification.
#[derive(Debug, Serialize, Deserialize)]
struct VerifyPins {
    version: u32,
    command: String,
    tool: String,
    partitions: u32,
    /// The plan's `plan.json`, in hexadecimal.
    plan_sha256: String,
    /// The newer reports' manifests, in hexadecimal.
    report_md5s: Vec<String>,
    /// What `now()` means.
    now: String,
    /// What an object still answers that is not done, if not the plan's question.
    query: Option<String>,
    /// Shards whose jobs are known to have done every task.
    shards_done: Vec<usize>,
}

/// One part of a verification.
#[derive(Debug, Serialize, Deserialize)]
struct VerifyPart {
    /// The plan, as it was named.
    plan: String,
    outcome: VerifyReport,
}

impl PartContent for VerifyPart {
    fn is_same_as(&self, other: &Self) -> bool {
        // With less memory the report is read more often.
        let bare = |part: &Self| VerifyReport { passes: 0, ..part.outcome.clone() };
        bare(self) == bare(other)
    }
}

/// Does one part, or all.
pub(super) fn run(
    args: &VerifyArgs,
    work: PartWork,
    handle: &PlanHandle,
    options: VerifyOptions,
) -> Result<Exit, CliError> {
    let Some(out) = &args.out else {
        return Err(CliError::usage("--partition: --out names the folder of parts".to_owned()));
    };
    given::check_out(out)?;
    let out = args.report.aws.way().on(args.threads()).location(out)?;
    let opened = args.report.open_pinned(args.threads())?;
    let options = VerifyOptions { now: args.partition.now(work, &opened)?, ..options };
    // Before anything is pinned.
    plan::check_verify(&handle.plan, &opened, &options)?;
    let verifying = Verifying { args, handle, opened: &opened, options };
    match work {
        PartWork::One(part) => {
            let parts = verifying.pin(&out, part.parts())?;
            let found = verifying.make(&parts, part)?;
            made_part::show("verify --partition", part, found, &out, args.format)?;
            Ok(Exit::Done)
        }
        PartWork::All(number) => {
            let parts = verifying.pin(&out, number)?;
            for part in 0..number {
                let part = PartNumber::new(part, number)
                    .map_err(|error| CliError::usage(error.to_string()))?;
                verifying.make(&parts, part)?;
            }
            merged(PartsFolder::new(&out), number, args.format)
        }
        PartWork::Whole => unreachable!("the caller does the whole"),
    }
}

/// What parts have in common.
struct Verifying<'a> {
    args: &'a VerifyArgs,
    handle: &'a PlanHandle,
    opened: &'a ReportSet,
    options: VerifyOptions,
}

impl Verifying<'_> {
    fn pin(&self, out: &Location, parts: u32) -> Result<DocumentParts, CliError> {
        let md5s = self.opened.reports.iter().map(|report| hex::encode(report.manifest_md5));
        let pins = VerifyPins {
            version: PLAN_VERSION,
            command: COMMAND.to_owned(),
            tool: plan::tool(),
            partitions: parts,
            plan_sha256: self.handle.sha256().to_owned(),
            report_md5s: md5s.collect(),
            now: self.options.now.to_string(),
            query: self.options.query.as_ref().map(|query| query.text().to_owned()),
            shards_done: self.options.clean.iter().copied().collect(),
        };
        let pins = serde_json::to_value(pins).map_err(io::Error::from)?;
        Ok(DocumentParts::pin(out, COMMAND, parts, &pins)?)
    }

    /// Makes one part; true where it was there already.
    fn make(&self, parts: &DocumentParts, part: PartNumber) -> Result<bool, CliError> {
        let verify = |control: RunControl<'_>| {
            let begun = Instant::now();
            let options = VerifyOptions { part: Some(part), ..self.options.clone() };
            let verified = plan::verify_plan(self.handle, self.opened, &options, control)?;
            let plan = self.args.plan.display().to_string();
            let found = VerifyPart { plan, outcome: verified.outcome };
            Ok::<_, CliError>((begun.elapsed().as_secs_f64(), found))
        };
        let bytes_total = self.opened.bytes_total();
        let make = || progress::watched(bytes_total, self.args.format, verify);
        parts.make(part, make).map(|(_, found)| found)
    }
}

/// Shows what all parts found.
pub(super) fn merged(folder: PartsFolder, parts: u32, format: Format) -> Result<Exit, CliError> {
    let mut all: Option<VerifyPart> = None;
    DocumentParts::of(folder, COMMAND, parts).each(|part| {
        let VerifyPart { plan, outcome } = part.found;
        all = Some(match all.take() {
            None => VerifyPart { plan, outcome },
            Some(all) => VerifyPart { outcome: all.outcome.add(&outcome), ..all },
        });
        Ok::<_, PartsError>(())
    })?;
    let Some(VerifyPart { plan, outcome }) = all else { return Ok(Exit::Done) };
    verify_result::show_merged(outcome, Path::new(&plan), format)
}
