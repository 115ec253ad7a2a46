//! What a plan asks of its reports: the query, the rules of its operation and the columns to split
//! by, compiled against each report's columns.
//!
//! Never knows what rows there are.

use super::eligibility::Eligibility;
use super::options::FilterOptions;
use super::{PlanError, PlanPredicate};
use crate::operation::{OperationKind, StorageClass};
use crate::predicate::{Matcher, Predicate};
use crate::query::{self, CompiledQuery, Projection, Selection, SizeColumns};
use crate::read::{ReportSet, ScanError};
use crate::report::{Report, Schema, is_same_column};

/// What is wanted of all reports.
pub(super) struct ResolvedFilter {
    /// For each report.
    pub(super) selections: Vec<Selection>,
    /// The query as it was understood, with the (first) report's names.
    pub(super) understood: String,
    pub(super) limit: Option<u64>,
    /// What a user should know about the query.
    pub(super) query_warnings: Vec<String>,
    /// What to tell where no row is selected.
    pub(super) hints: Vec<String>,
    /// The columns to split by, as the first report that has them spells them.
    pub(super) split_by: Vec<String>,
    /// The place of IsLatest among them, where noncurrent versions go first.
    pub(super) is_latest: Option<usize>,
    pub(super) eligibility: Eligibility,
    /// Whether the query asks for `BucketKeyStatus` alone of a report that tells
    /// `EncryptionStatus`.
    pub(super) asks_bucket_key_alone: bool,
}

impl ResolvedFilter {
    pub(super) fn new(opened: &ReportSet, options: &FilterOptions) -> Result<Self, PlanError> {
        let reports = &opened.reports;
        let eligibility = Eligibility::new(options, reports)?;
        let split_by = split_by(&eligibility, reports, options)?;
        let is_latest = match eligibility.kind() {
            Some(OperationKind::Copy) => {
                split_by.iter().position(|name| is_same_column(name, "IsLatest"))
            }
            _ => None,
        };
        let mut resolved = Self {
            selections: Vec::new(),
            understood: String::new(),
            limit: None,
            query_warnings: Vec::new(),
            hints: Vec::new(),
            split_by,
            is_latest,
            eligibility,
            asks_bucket_key_alone: false,
        };
        for report in reports {
            let compiled = options.query.compile_for(report, options.now)?;
            let selection = resolved.selection(report, &compiled, options)?;
            if resolved.selections.is_empty() {
                resolved.understood = compiled.predicate.to_string();
            }
            resolved.limit = compiled.limit;
            for hint in compiled.hints() {
                if !resolved.hints.contains(&hint) {
                    resolved.hints.push(hint);
                }
            }
            for warning in compiled.warnings {
                if !resolved.query_warnings.contains(&warning) {
                    resolved.query_warnings.push(warning);
                }
            }
            resolved.selections.push(selection);
        }
        Ok(resolved)
    }

    fn selection(
        &mut self,
        report: &Report,
        compiled: &CompiledQuery,
        options: &FilterOptions,
    ) -> Result<Selection, PlanError> {
        let schema = &report.schema;
        // A report without Bucket or Key was refused when it was read.
        let place = |name| schema.position(name).unwrap_or(0);
        let version = schema.position("VersionId").filter(|_| options.version_ids);
        let projection = Projection { bucket: place("Bucket"), key: place("Key"), version };
        let exclusions = self.eligibility.matchers(report, options.now)?;
        // They can't tell what a limit lets through.
        let sizes = match compiled.limit {
            Some(_) => SizeColumns::default(),
            None => SizeColumns {
                size: schema.position("Size"),
                class: schema.position("StorageClass"),
                classes: &StorageClass::NAMES,
            },
        };
        Ok(Selection::new(schema.clone(), compiled.predicate.compile(), projection)
            .among(options.among.clone())
            .excluding(exclusions, flags(self.eligibility.kind(), schema))
            .observing(vec![self.not_sse_kms(report, compiled, options)?])
            .split_by(self.split_by.iter().map(|name| schema.position(name)).collect())
            .apart(self.eligibility.doomed(report, options.now)?)
            .sizes(sizes))
    }

    /// Whether a row isn't encrypted with SSE-KMS, where the query should have asked.
    fn not_sse_kms(
        &mut self,
        report: &Report,
        compiled: &CompiledQuery,
        options: &FilterOptions,
    ) -> Result<Matcher, PlanError> {
        let schema = &report.schema;
        let bucket_key = schema.position("BucketKeyStatus");
        let bucket_key_alone = schema.position("EncryptionStatus").is_some()
            && bucket_key.is_some_and(|column| compiled.predicate.columns() == [column]);
        self.asks_bucket_key_alone |= bucket_key_alone;
        let text = if bucket_key_alone {
            "EncryptionStatus <> 'SSE-KMS' OR EncryptionStatus IS NULL"
        } else {
            "FALSE"
        };
        let predicate = Predicate::parse(text, schema, options.now)
            .map_err(|error| ScanError::Query { path: report.manifest_path.clone(), error })?;
        Ok(predicate.compile())
    }

    /// The query, as a plan tells it.
    pub(super) fn predicate(&self, options: &FilterOptions) -> PlanPredicate {
        PlanPredicate {
            given: options.query.text().to_owned(),
            understood: self.understood.clone(),
        }
    }

    /// Whether the sizes of all objects in manifests are known.
    pub(super) fn tells_sizes(&self) -> bool {
        self.selections.iter().all(|selection| selection.size_columns().size.is_some())
    }

    /// Whether storage classes are known, if not of all objects.
    pub(super) fn tells_classes(&self) -> bool {
        self.selections.iter().any(|selection| selection.size_columns().class.is_some())
    }
}

/// The flags by which it is decided what a row in a manifest is: whether it is a delete marker, and
/// for copies, whether others must be copied after it.
fn flags(kind: Option<OperationKind>, schema: &Schema) -> Vec<usize> {
    let is_latest = (kind == Some(OperationKind::Copy)).then_some("IsLatest");
    let names = ["IsDeleteMarker"].into_iter().chain(is_latest);
    names.filter_map(|name| schema.position(name)).collect()
}

/// The columns to split by: those asked for, which every report must have, and those that the
/// operation can't do without, where a report has them.
fn split_by(
    eligibility: &Eligibility,
    reports: &[Report],
    options: &FilterOptions,
) -> Result<Vec<String>, PlanError> {
    let mut asked = Vec::with_capacity(options.split_by.len());
    if let Some((first, others)) = reports.split_first() {
        for name in &options.split_by {
            // A place, or a name in quotes, is the first report's; others are asked by its name.
            let column = query::column(first, name)?;
            let name = first.schema.columns()[column].name.as_str();
            for report in others {
                query::column(report, name)?;
            }
            asked.push(name);
        }
    }
    let mut names: Vec<String> = Vec::new();
    for name in asked.into_iter().chain(eligibility.split_by()) {
        let spelled = reports.iter().find_map(|report| {
            let column = report.schema.position(name)?;
            Some(report.schema.columns()[column].name.clone())
        });
        if let Some(spelled) = spelled
            && !names.iter().any(|known| is_same_column(known, &spelled))
        {
            names.push(spelled);
        }
    }
    Ok(names)
}
