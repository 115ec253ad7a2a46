//! What a part of a plan says of itself, and what all parts have in common.

use serde::{Deserialize, Serialize};

use super::filter;
use super::options::FilterOptions;
use super::resolve::ResolvedFilter;
use super::warnings::{WarningCounts, WarningGround};
use super::{
    ForOperation, ManifestDigest, PLAN_VERSION, Plan, ReportSource, ShardBounds, consistency,
};
use crate::hex;
use crate::parts::PartNumber;
use crate::read::ReportSet;

/// Seconds of a part at most: a hundred years. Those of all parts are added up.
const SECONDS_MAX: f64 = 3.2e9;

/// The command that makes such parts.
pub(super) const COMMAND: &str = "filter";

/// What `part.json` says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct PlanPart {
    pub(super) version: u32,
    pub(super) command: String,
    /// Which part it is, and of how many.
    pub(super) partition: u32,
    pub(super) partitions: u32,
    pub(super) counts: WarningCounts,
    /// Rows about which values decided that can't be read.
    pub(super) undecided: u64,
    /// Of the rows of this part.
    pub(super) plan: Plan,
}

/// What `partitions.json` says: what all parts have in common.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct PlanPins {
    pub(super) version: u32,
    pub(super) command: String,
    /// Name and version of the program.
    pub(super) tool: String,
    pub(super) partitions: u32,
    pub(super) report: PinnedReport,
    /// What `now()` means.
    pub(super) now: String,
    pub(super) question: PinnedQuestion,
}

/// The report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PinnedReport {
    /// The MD5 of its manifest, in hexadecimal.
    pub(super) manifest_md5: String,
    /// How many data files it lists.
    pub(super) files: u64,
}

/// Which rows, and how they are written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct PinnedQuestion {
    /// As it was understood: spellings don't matter.
    pub(super) predicate: String,
    pub(super) operation: Option<ForOperation>,
    pub(super) bounds: ShardBounds,
    sha256: bool,
    version_ids: bool,
    split_by: Vec<String>,
    keep_going: bool,
    /// Warnings that hold whatever the rows are, and what decides about others.
    pub(super) warnings: WarningGround,
}

impl PlanPins {
    pub(super) fn new(
        opened: &ReportSet,
        resolved: &ResolvedFilter,
        options: &FilterOptions,
        part: PartNumber,
    ) -> Self {
        // Parts are of one report: it was opened as such.
        let report = &opened.reports[0];
        Self {
            version: PLAN_VERSION,
            command: COMMAND.to_owned(),
            tool: filter::tool(),
            partitions: part.parts(),
            report: PinnedReport {
                manifest_md5: hex::encode(report.manifest_md5),
                files: report.files.len() as u64,
            },
            now: options.now.to_string(),
            question: PinnedQuestion {
                predicate: resolved.understood.clone(),
                operation: resolved.eligibility.document().cloned(),
                bounds: options.bounds,
                sha256: options.digest == ManifestDigest::Sha256,
                version_ids: options.version_ids,
                split_by: resolved.split_by.clone(),
                keep_going: options.keep_going,
                warnings: WarningGround::new(&opened.reports, resolved, options),
            },
        }
    }
}

impl PlanPart {
    /// A part's document.
    pub(super) fn parsed(text: &[u8]) -> Result<Self, String> {
        let part: Self = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        consistency::fault(&part.plan).map_or(Ok(part), Err)
    }

    pub(super) fn text(&self) -> serde_json::Result<Vec<u8>> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }

    /// What differs from the part with this number, whose files begin with this one, of parts that
    /// are pinned so.
    pub(super) fn misfit(&self, pins: &PlanPins, number: u32, first_file: u64) -> Option<String> {
        let Plan { tool, reports, predicate, operation, bounds, .. } = &self.plan;
        let numbers = (self.version, self.partition, self.partitions);
        if numbers != (pins.version, number, pins.partitions) || self.command != pins.command {
            return Some(format!(
                "it is part {} of {} of {}, version {}",
                self.partition, self.partitions, self.command, self.version
            ));
        }
        let [ReportSource { manifest_md5, first_file: first, .. }] = &reports[..] else {
            return Some("it is not of one report".to_owned());
        };
        let pinned = &pins.question;
        let is_plain = self.plan.limit.is_none()
            && self.plan.inventory.is_none()
            && self.plan.retry.is_none()
            && self.plan.partitions.is_none();
        let alike = [
            ("the report", *manifest_md5 == pins.report.manifest_md5),
            ("the data files", *first == first_file),
            ("the program", *tool == pins.tool),
            ("the query", predicate.understood == pinned.predicate),
            ("the operation", *operation == pinned.operation),
            ("the bounds", *bounds == pinned.bounds),
            ("the kind of plan", is_plain),
            ("the time", (0.0..=SECONDS_MAX).contains(&self.plan.totals.seconds)),
        ];
        let other = alike.iter().find(|(_, is_same)| !is_same);
        other.map(|(what, _)| format!("{what} differs from that of partitions.json"))
    }

    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        self.counts == other.counts && self.plan.is_same_as(&other.plan)
    }
}
