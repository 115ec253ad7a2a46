//! Eligibility: an operation's rules against the columns of reports, and what else the operation
//! asks of a plan.
//!
//! A rule has parts. In each report, those whose columns are there are looked at; any that can't be
//! looked at in some report is listed, so that nobody takes "not set aside" for "can be done".
//!
//! Never knows a row: rules become predicates, compiled by that layer.

use jiff::Timestamp;

use super::{ForOperation, NotChecked, PlanError};
use crate::operation::copy::NO_CURRENT_VERSION;
use crate::operation::{CopyClass, DELETE_MARKER, Kind, Part, Rule};
use crate::predicate::{Matcher, Predicate};
use crate::report::{Report, Schema};
use crate::scan::ScanError;

/// An operation that a plan is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationOptions {
    /// Which.
    pub kind: Kind,
    /// Reasons that are not to set a row aside.
    pub include_ineligible: Vec<String>,
    /// For `copy` alone: the storage class of the copies. None means [`CopyClass::Keep`] there.
    pub storage_class: Option<CopyClass>,
}

/// The rules in force for a plan.
pub(super) struct Eligibility {
    /// Those that may set rows aside, in the order in which they are tried.
    rules: Vec<Rule>,
    /// What the plan says of its operation, if it is for one.
    operation: Option<(Kind, ForOperation)>,
    /// The storage class of copies, in a plan for `copy`.
    copy_class: Option<CopyClass>,
}

impl Eligibility {
    /// The rules for these reports. Without an operation, delete markers alone are set aside.
    pub(super) fn new(
        options: Option<&OperationOptions>,
        reports: &[Report],
    ) -> Result<Self, PlanError> {
        let Some(options) = options else {
            return Ok(Self { rules: vec![DELETE_MARKER], operation: None, copy_class: None });
        };
        let kind = options.kind;
        let copy_class = match (kind, options.storage_class) {
            (Kind::Copy, class) => Some(class.unwrap_or_default()),
            (_, None) => None,
            (_, Some(_)) => {
                return Err(PlanError::StorageClassWithoutCopy { operation: kind.name() });
            }
        };
        refuse_bad_reasons(options)?;
        let is_included = |rule: &Rule| options.include_ineligible.iter().any(|r| r == rule.reason);
        let (included, mut rules): (Vec<_>, Vec<_>) =
            kind.rules().into_iter().partition(is_included);
        // It can't be true where there are no noncurrent versions.
        let has_versions = |report: &Report| report.schema.position("IsLatest").is_some();
        rules.retain(|rule| *rule != NO_CURRENT_VERSION || reports.iter().any(has_versions));
        let operation = ForOperation {
            name: kind.name().to_owned(),
            storage_class: copy_class,
            not_checked: not_checked(&rules, reports),
            included: included.iter().map(|rule| rule.reason.to_owned()).collect(),
        };
        Ok(Self { rules, operation: Some((kind, operation)), copy_class })
    }

    /// The reasons, in the order in which they are tried.
    pub(super) fn reasons(&self) -> Vec<&'static str> {
        self.rules.iter().map(|rule| rule.reason).collect()
    }

    /// The operation, if the plan is for one.
    pub(super) fn kind(&self) -> Option<Kind> {
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
            Some(Kind::Copy) if self.keeps_class() => vec!["StorageClass", "IsLatest"],
            Some(Kind::Copy) => vec!["IsLatest"],
            Some(Kind::Restore) => vec!["StorageClass"],
            _ => Vec::new(),
        }
    }

    /// For each reason, the test that sets a row of this report aside. One that can't be looked at
    /// is never true.
    pub(super) fn matchers(
        &self,
        report: &Report,
        now: Timestamp,
    ) -> Result<Vec<Matcher>, ScanError> {
        let compiled = |rule: &Rule| {
            Predicate::parse(&condition(rule, &report.schema), &report.schema, now)
                .map(|predicate| predicate.compile())
                .map_err(|error| ScanError::Query { path: report.manifest_path.clone(), error })
        };
        self.rules.iter().map(compiled).collect()
    }
}

/// Delete markers can't be included, and neither can what is no reason.
fn refuse_bad_reasons(options: &OperationOptions) -> Result<(), PlanError> {
    let rules = options.kind.rules();
    for reason in &options.include_ineligible {
        if reason == DELETE_MARKER.reason {
            return Err(PlanError::DeleteMarkersIncluded);
        }
        if !rules.iter().any(|rule| rule.reason == reason) {
            return Err(PlanError::UnknownReason {
                operation: options.kind.name(),
                reason: reason.clone(),
                reasons: rules.iter().skip(1).map(|rule| rule.reason).collect(),
            });
        }
    }
    Ok(())
}

/// The parts that can be looked at with these columns, as one condition.
fn condition(rule: &Rule, schema: &Schema) -> String {
    let parts = rule.parts.iter().filter(|part| missing(part, schema).is_empty());
    let parts: Vec<String> = parts.map(|part| format!("({})", part.condition)).collect();
    if parts.is_empty() { "FALSE".to_owned() } else { parts.join(" OR ") }
}

/// The columns of a part that are not there.
fn missing(part: &Part, schema: &Schema) -> Vec<&'static str> {
    part.columns.iter().copied().filter(|column| schema.position(column).is_none()).collect()
}

/// The parts that can't be looked at in some report, with all columns that some report lacks.
fn not_checked(rules: &[Rule], reports: &[Report]) -> Vec<NotChecked> {
    let mut found = Vec::new();
    for rule in rules {
        for part in rule.parts {
            let needing = reports.iter().filter(|report| !is_needless(rule, &report.schema));
            let lacking: Vec<_> =
                needing.flat_map(|report| missing(part, &report.schema)).collect();
            let columns = part.columns.iter().filter(|column| lacking.contains(column));
            let missing: Vec<String> = columns.map(|column| (*column).to_owned()).collect();
            if !missing.is_empty() {
                found.push(NotChecked {
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
fn is_needless(rule: &Rule, schema: &Schema) -> bool {
    let lists_versions =
        ["VersionId", "IsLatest"].iter().any(|column| schema.position(column).is_some());
    *rule == DELETE_MARKER && !lists_versions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_every_rule_fits_the_columns_that_it_names() {
        for kind in Kind::ALL {
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
