//! `replicate`: `S3ReplicateObject`, by the bucket's own replication configuration.

use serde_json::{Value, json};

use super::check::{CheckResult, Refusal};
use super::manifest::PlannedManifest;
use super::policy::{Access, Statement};
use super::rule::{ARCHIVED, Rule};
use super::setting::JobContext;
use super::{Operation, OperationKind};

/// It has no parameters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ReplicateParameters;

impl Operation for ReplicateParameters {
    fn kind(&self) -> OperationKind {
        OperationKind::Replicate
    }

    fn check(&self, _: &JobContext) -> CheckResult {
        Ok(())
    }

    fn request(&self, _: &JobContext, _: &PlannedManifest) -> Result<Value, Refusal> {
        Ok(json!({}))
    }
}

/// The rows that it can't do, besides delete markers: what is archived is not replicated (UG, "What
/// does Amazon S3 replicate?").
pub(super) fn eligibility() -> Vec<Rule> {
    vec![ARCHIVED]
}

/// What the role needs (UG, "Replicate existing objects: `InitiateReplication` with a user
/// manifest"). The copying itself is done with the role of the replication configuration.
pub(super) fn permissions(access: &Access) -> Vec<Statement> {
    vec![access.allow("Replicate", &["s3:InitiateReplication"], access.object_arns())]
}
