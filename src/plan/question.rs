//! Whether a plan answers the question that is asked: the same reports, filtered in the same way.
//!
//! The plan's document answers it before a report is scanned. The plan can still be a different
//! one: if it was made of the objects of another plan that remain, no document lists those.
//!
//! Never knows where plans are.

use std::collections::BTreeSet;

use super::Plan;
use super::options::{Emit, FilterOptions};
use super::resolve::ResolvedFilter;
use crate::hex;
use crate::read::ReportSet;

/// Whether the plan is of these reports, for this query, operation, bounds and form.
pub(super) fn is_answered_by(
    plan: &Plan,
    opened: &ReportSet,
    resolved: &ResolvedFilter,
    options: &FilterOptions,
) -> bool {
    let place = match &options.emit {
        Emit::Csv => None,
        Emit::Inventory(place) => Some(place.address()),
    };
    // A plan tells the reasons of a caller's rules, and not their conditions.
    options.rules.is_empty()
        && has_same_reports(plan, opened)
        && plan.retry.is_none()
        && plan.partitions.is_none()
        && plan.predicate.understood == resolved.understood
        && plan.operation.as_ref() == resolved.eligibility.document()
        && plan.limit == resolved.limit
        && plan.bounds == options.bounds
        && plan.inventory.as_ref().map(|inventory| &inventory.place) == place.as_ref()
        && has_same_form(plan, opened, resolved, options)
}

fn has_same_reports(plan: &Plan, opened: &ReportSet) -> bool {
    let asked = opened.reports.iter().map(|report| hex::encode(report.manifest_md5));
    plan.reports.iter().map(|report| report.manifest_md5.clone()).eq(asked)
}

/// Whether its manifests have the columns and digests that are asked for, and are split so. A plan
/// without a manifest doesn't tell.
fn has_same_form(
    plan: &Plan,
    opened: &ReportSet,
    resolved: &ResolvedFilter,
    options: &FilterOptions,
) -> bool {
    if plan.shards.is_empty() {
        return true;
    }
    let found: BTreeSet<&String> = plan.shards.iter().flat_map(|s| s.split.keys()).collect();
    let has_versions = plan.shards.iter().any(|shard| plan.lists_versions(shard));
    let all_tell = opened.reports.iter().all(|r| r.schema.position("VersionId").is_some());
    found == resolved.split_by.iter().collect()
        && plan.digest() == options.digest
        && (options.version_ids || !has_versions)
        && (!options.version_ids || has_versions || !all_tell)
}
