//! Eligibility: an operation's rules against the columns of reports, and what else the operation
//! asks of a plan.
//!
//! A rule has parts. In each report, those whose columns are there are looked at; any that can't be
//! looked at in some report is listed, so that nobody takes "not excluded" for "can be done".
//!
//! Never knows a row: rules become predicates, compiled by that layer.

use jiff::Timestamp;

use super::options::{FilterOptions, OperationOptions};
use super::{ForOperation, NoVersionIds, PlanError, UncheckedCondition};
use crate::diagnostic::parameter::{INCLUDE_INELIGIBLE, PLAN_FOR};
use crate::operation::copy::{NO_CURRENT_VERSION, NONCURRENT};
use crate::operation::{
    CopyClass, DELETE_MARKER, OperationKind, Rule, RuleCondition, UNREADABLE, bucket,
};
use crate::predicate::{Matcher, Predicate};
use crate::read::ScanError;
use crate::report::{Report, Schema};

/// The longest reason of a rule, in bytes. 64: the longest of ours has 18; it is a part of a file's
/// name and of tables.
const REASON_BYTES_MAX: usize = 64;

/// The rules in force for a plan.
pub(super) struct Eligibility {
    /// Those that may exclude rows, in the order in which they are tried.
    rules: Vec<Rule>,
    /// Those that were taken back.
    included: Vec<Rule>,
    /// Whether manifests hold version ids where the report has them.
    version_ids: bool,
    /// What the plan says of its operation, if it is for one.
    operation: Option<(OperationKind, ForOperation)>,
    /// The storage class of copies, in a plan for `copy`.
    copy_class: Option<CopyClass>,
}

impl Eligibility {
    /// The rules for these reports: the operation's, then the caller's own. Without an operation,
    /// delete markers alone are excluded by themselves.
    pub(super) fn new(filter: &FilterOptions, reports: &[Report]) -> Result<Self, PlanError> {
        let mut eligibility = Self::for_operation(filter, reports)?;
        for rule in &filter.rules {
            let is_taken = |other: &Rule| other.reason == rule.reason;
            let mut taken = eligibility.rules.iter().chain(&eligibility.included);
            if !is_file_name(rule.reason) || is_taken(&UNREADABLE) || taken.any(is_taken) {
                return Err(PlanError::BadReason { reason: rule.reason });
            }
            eligibility.rules.push(rule.clone());
        }
        Ok(eligibility)
    }

    fn for_operation(filter: &FilterOptions, reports: &[Report]) -> Result<Self, PlanError> {
        let Some(options) = &filter.operation else {
            return Ok(Self {
                rules: vec![DELETE_MARKER],
                included: Vec::new(),
                version_ids: filter.version_ids,
                operation: None,
                copy_class: None,
            });
        };
        let kind = options.kind;
        let copy_class = match (kind, options.storage_class) {
            (OperationKind::Copy, class) => Some(class.unwrap_or_default()),
            (_, None) => None,
            (_, Some(_)) => {
                return Err(PlanError::StorageClassWithoutCopy { operation: kind.name() });
            }
        };
        if options.bucket_key.is_some() && kind != OperationKind::UpdateEncryption {
            return Err(PlanError::BucketKeyWithoutUpdate { operation: kind.name() });
        }
        refuse_bad_reasons(options)?;
        refuse_missing_version_ids(options, filter.version_ids, reports)?;
        refuse_directory_buckets(kind, reports)?;
        refuse_mixed_versions(options, filter.version_ids, reports)?;
        let is_included = |rule: &Rule| options.include_ineligible.iter().any(|r| r == rule.reason);
        let (included, mut rules): (Vec<_>, Vec<_>) =
            kind.rules().into_iter().partition(is_included);
        // It can't be true where there are no noncurrent versions.
        let has_versions = |report: &Report| report.schema.position("IsLatest").is_some();
        rules.retain(|rule| *rule != NO_CURRENT_VERSION || reports.iter().any(has_versions));
        let nameless = |report: &Report| may_list_noncurrent(&report.schema, filter.version_ids);
        rules.retain(|rule| *rule != NONCURRENT || reports.iter().any(nameless));
        let operation = ForOperation {
            name: kind.name().to_owned(),
            storage_class: copy_class,
            bucket_key: options.bucket_key,
            not_checked: not_checked(&rules, reports, filter.version_ids),
            included: included.iter().map(|rule| rule.reason.to_owned()).collect(),
        };
        let version_ids = filter.version_ids;
        Ok(Self { rules, included, version_ids, operation: Some((kind, operation)), copy_class })
    }

    /// The reasons, in the order in which they are tried.
    pub(super) fn reasons(&self) -> Vec<&'static str> {
        self.rules.iter().map(|rule| rule.reason).collect()
    }

    /// The operation, if the plan is for one.
    pub(super) fn kind(&self) -> Option<OperationKind> {
        self.operation.as_ref().map(|(kind, _)| *kind)
    }

    /// What the plan says of its operation.
    pub(super) fn document(&self) -> Option<&ForOperation> {
        self.operation.as_ref().map(|(_, document)| document)
    }

    /// Whether noncurrent versions are copied also where the current version is not.
    pub(super) fn keeps_unfollowed(&self) -> bool {
        let included = |operation: &ForOperation| {
            operation.included.iter().any(|reason| reason == NO_CURRENT_VERSION.reason)
        };
        self.document().is_some_and(included)
    }

    /// Whether each copy is to keep its storage class.
    pub(super) fn keeps_class(&self) -> bool {
        self.copy_class == Some(CopyClass::Keep)
    }

    /// The columns whose values can't share a job of this operation. A report may lack them.
    ///
    /// Restoring takes a number of days for the archive classes, and must not take one for
    /// `INTELLIGENT_TIERING` (S3 User Guide, "Restore objects (Batch Operations)").
    pub(super) fn split_by(&self) -> Vec<&'static str> {
        match self.kind() {
            Some(OperationKind::Copy) if self.keeps_class() => vec!["StorageClass", "IsLatest"],
            Some(OperationKind::Copy) => vec!["IsLatest"],
            Some(OperationKind::Restore) => vec!["StorageClass"],
            _ => Vec::new(),
        }
    }

    /// For each reason, the test that excludes a row of this report. One that can't be looked at
    /// is never true.
    pub(super) fn matchers(
        &self,
        report: &Report,
        now: Timestamp,
    ) -> Result<Vec<Matcher>, ScanError> {
        let compiled = |rule: &Rule| {
            // What is said to be a delete marker is one, whatever else the report lacks.
            if *rule == NONCURRENT && !may_list_noncurrent(&report.schema, self.version_ids) {
                return compile(NEVER, report, now);
            }
            compile(&condition(rule, &report.schema), report, now)
        };
        self.rules.iter().map(compiled).collect()
    }

    /// The current versions in a report that are copied although a reason says that the copy fails
    /// (the user included that reason), where older versions may count on them.
    pub(super) fn doomed(&self, report: &Report, now: Timestamp) -> Result<Matcher, ScanError> {
        let schema = &report.schema;
        let names_versions = self.version_ids && schema.position("VersionId").is_some();
        let counts = self.kind() == Some(OperationKind::Copy)
            && names_versions
            && schema.position("IsLatest").is_some()
            && !self.keeps_unfollowed();
        let reasons: Vec<String> =
            self.included.iter().map(|rule| format!("({})", condition(rule, schema))).collect();
        if !counts || reasons.is_empty() {
            return compile(NEVER, report, now);
        }
        let text = format!("(IsLatest OR IsLatest IS NULL) AND ({})", reasons.join(" OR "));
        compile(&text, report, now)
    }
}

/// Whether a reason can name its file below `excluded/` on any system.
fn is_file_name(reason: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=REASON_BYTES_MAX).contains(&reason.len()) && reason.bytes().all(is_plain)
}

/// Delete markers can be included where the operation acts on them; what is not a reason can't.
fn refuse_bad_reasons(options: &OperationOptions) -> Result<(), PlanError> {
    let (kind, operation) = (options.kind, options.kind.name());
    let rules = kind.rules();
    let takes = |rule: &Rule| *rule != DELETE_MARKER || kind.acts_on_delete_markers();
    for reason in &options.include_ineligible {
        match rules.iter().find(|rule| rule.reason == reason) {
            Some(rule) if takes(rule) => {}
            Some(_) => return Err(PlanError::DeleteMarkersIncluded { operation }),
            None => {
                let reasons = rules.iter().filter(|rule| takes(rule)).map(|rule| rule.reason);
                let (reason, reasons) = (reason.clone(), reasons.collect());
                return Err(PlanError::UnknownReason { operation, reason, reasons });
            }
        }
    }
    Ok(())
}

/// Manifests need version ids for an operation on versions, and where delete markers are in them:
/// without its id, the version before a marker can't be told from it.
fn refuse_missing_version_ids(
    options: &OperationOptions,
    version_ids: bool,
    reports: &[Report],
) -> Result<(), PlanError> {
    let marked = options.include_ineligible.iter().any(|reason| reason == DELETE_MARKER.reason);
    let what = if options.kind.needs_version_ids() {
        format!("{PLAN_FOR} {}", options.kind.name())
    } else if marked {
        format!("{INCLUDE_INELIGIBLE} {}", DELETE_MARKER.reason)
    } else {
        return Ok(());
    };
    if !version_ids {
        return Err(PlanError::VersionIdsNeeded { what, cause: NoVersionIds::Unwanted });
    }
    let lacking = reports.iter().find(|report| report.schema.position("VersionId").is_none());
    match lacking.map(|report| report.manifest_path.clone()) {
        Some(path) => {
            Err(PlanError::VersionIdsNeeded { what, cause: NoVersionIds::NotReported { path } })
        }
        None => Ok(()),
    }
}

/// Copies with version ids need to know which version of a key is the current one: a copy of any
/// other makes old content current.
fn refuse_mixed_versions(
    options: &OperationOptions,
    version_ids: bool,
    reports: &[Report],
) -> Result<(), PlanError> {
    let included = options.include_ineligible.iter().any(|r| r == NO_CURRENT_VERSION.reason);
    if options.kind != OperationKind::Copy || !version_ids || included {
        return Ok(());
    }
    let has = |report: &Report, column| report.schema.position(column).is_some();
    let mixed = reports.iter().find(|report| has(report, "VersionId") && !has(report, "IsLatest"));
    match mixed.map(|report| report.manifest_path.clone()) {
        Some(path) => Err(PlanError::IsLatestNeeded { path }),
        None => Ok(()),
    }
}

/// Few operations act on the objects of directory buckets.
fn refuse_directory_buckets(kind: OperationKind, reports: &[Report]) -> Result<(), PlanError> {
    let directory = reports.iter().find(|report| bucket::is_directory(&report.source_bucket));
    match directory.filter(|_| !kind.acts_on_directory_buckets()) {
        Some(report) => Err(PlanError::DirectoryBucket {
            operation: kind.name(),
            bucket: report.source_bucket.clone(),
        }),
        None => Ok(()),
    }
}

/// The parts that can be looked at with these columns, as one condition.
fn condition(rule: &Rule, schema: &Schema) -> String {
    let parts = rule.parts.iter().filter(|part| missing(part, schema).is_empty());
    let parts: Vec<String> = parts.map(|part| format!("({})", part.condition)).collect();
    if parts.is_empty() { NEVER.to_owned() } else { parts.join(" OR ") }
}

/// A condition that no row meets.
const NEVER: &str = "FALSE";

fn compile(text: &str, report: &Report, now: Timestamp) -> Result<Matcher, ScanError> {
    Predicate::parse(text, &report.schema, now)
        .map(|predicate| predicate.compile())
        .map_err(|error| ScanError::Query { path: report.manifest_path.clone(), error })
}

/// The columns of a part that are not there.
fn missing(part: &RuleCondition, schema: &Schema) -> Vec<&'static str> {
    part.columns.iter().copied().filter(|column| schema.position(column).is_none()).collect()
}

/// The parts that can't be looked at in some report, with all columns that some report lacks.
fn not_checked(rules: &[Rule], reports: &[Report], version_ids: bool) -> Vec<UncheckedCondition> {
    let mut found = Vec::new();
    for rule in rules {
        for part in rule.parts {
            let needing =
                reports.iter().filter(|report| !is_needless(rule, &report.schema, version_ids));
            let lacking: Vec<_> =
                needing.flat_map(|report| missing(part, &report.schema)).collect();
            let columns = part.columns.iter().filter(|column| lacking.contains(column));
            let missing: Vec<String> = columns.map(|column| (*column).to_owned()).collect();
            if !missing.is_empty() {
                found.push(UncheckedCondition {
                    reason: rule.reason.to_owned(),
                    condition: part.condition.to_owned(),
                    missing,
                });
            }
        }
    }
    found
}

/// Whether the rule can't be true of any row of such a report. One of current versions alone lists
/// no delete markers: the columns of versions come together (S3 API, `InventoryConfiguration`).
/// Manifests with version ids name noncurrent versions.
fn is_needless(rule: &Rule, schema: &Schema, version_ids: bool) -> bool {
    (*rule == DELETE_MARKER && !lists_versions(schema))
        || (*rule == NONCURRENT && !may_list_noncurrent(schema, version_ids))
}

fn lists_versions(schema: &Schema) -> bool {
    ["VersionId", "IsLatest"].iter().any(|column| schema.position(column).is_some())
}

/// Whether noncurrent versions may stand in manifests without their version ids.
fn may_list_noncurrent(schema: &Schema, version_ids: bool) -> bool {
    let names_versions = version_ids && schema.position("VersionId").is_some();
    lists_versions(schema) && !names_versions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_every_rule_fits_the_columns_that_it_names() {
        for kind in OperationKind::ALL {
            for part in kind.rules().iter().flat_map(|rule| rule.parts) {
                let schema = Schema::from_names(part.columns.iter().copied());
                let predicate =
                    Predicate::parse(part.condition, &schema, Timestamp::UNIX_EPOCH).unwrap();
                assert_eq!(predicate.columns().len(), part.columns.len(), "{part:?}");
                assert_eq!(predicate.warnings(), [""; 0], "{part:?}");
            }
        }
    }
}
