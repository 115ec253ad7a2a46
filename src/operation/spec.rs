//! What each operation's module says of its operation ([`OperationSpec`]), and what it does with
//! the parameters of a job ([`Operation`]).

use std::fmt;

use serde_json::Value;

use super::check::{CheckResult, Refusal};
use super::estimate::{CostBasis, Estimate};
use super::manifest::PlannedManifest;
use super::policy::{Access, Statement};
use super::rule::Rule;
use super::setting::JobContext;

/// An operation with its parameters.
pub(crate) trait Operation: fmt::Debug {
    /// Which one it is.
    fn spec(&self) -> &'static OperationSpec;

    /// Refuses what AWS would refuse, as far as it depends on no manifest.
    ///
    /// # Errors
    /// When there is such a parameter.
    fn check(&self, setting: &JobContext) -> CheckResult;

    /// The value of its member in the API's `JobOperation`, for the objects of a manifest.
    ///
    /// # Errors
    /// When AWS would refuse it for these objects.
    fn request(&self, setting: &JobContext, manifest: &PlannedManifest) -> Result<Value, Refusal>;
}

/// What holds for an operation, whatever its parameters. What is asked of a request is asked of the
/// value of its member in `JobOperation`, so that it also holds for a request that somebody else
/// wrote.
#[derive(Debug)]
pub(crate) struct OperationSpec {
    /// The name on the command line and in `plan.json`.
    pub name: &'static str,
    /// The name of its member in the API's `JobOperation`.
    pub api_name: &'static str,
    /// The rows that it can't do, besides delete markers, in the order in which reasons are tried.
    pub rules: &'static [Rule],
    /// Whether its jobs can act on delete markers, which have a version id and nothing else.
    pub acts_on_delete_markers: bool,
    /// Whether every row of its manifests must name a version.
    pub needs_version_ids: bool,
    /// Whether what its tasks compute stands in the completion report and nowhere else. Such a
    /// report lists all tasks, and the request names the owner of its bucket.
    pub results_in_report: bool,
    /// What its jobs can do in directory buckets.
    pub directory_buckets: DirectoryBuckets,
    /// What the role needs for a request.
    pub permissions: fn(&Value, &Access) -> Vec<Statement>,
    /// What it costs: one estimate, or one for each way of doing it.
    pub estimate: fn(CostBasis<'_>) -> Vec<Estimate>,
}

/// What the jobs of an operation can do in directory buckets (UG, "Using Batch Operations with
/// directory buckets").
#[derive(Debug)]
pub(crate) enum DirectoryBuckets {
    /// They can't act on their objects.
    Refused,
    /// They can, with these requests: the check takes the request and the name of the bucket.
    Checked(fn(&Value, &str) -> CheckResult),
    /// They can, with any request.
    Supported,
}
