//! `replicate`: `S3ReplicateObject`, by the bucket's own replication configuration.

use serde_json::{Value, json};

use super::check::{CheckResult, Refusal};
use super::estimate::{Charge, CostBasis, Estimate, EstimateBuilder, KMS_CALLS_COPY};
use super::manifest::PlannedManifest;
use super::policy::{Access, Statement};
use super::rule::ARCHIVED;
use super::setting::JobContext;
use super::spec::{DirectoryBuckets, Operation, OperationSpec};

/// The operation.
pub(super) const SPEC: OperationSpec = OperationSpec {
    name: "replicate",
    api_name: "S3ReplicateObject",
    // What is archived is not replicated (UG, "What does Amazon S3 replicate?").
    rules: &[ARCHIVED],
    // UG, "Replicating delete markers between buckets".
    acts_on_delete_markers: true,
    // It copies versions (UG, "Replicating existing objects with Batch Replication").
    needs_version_ids: true,
    results_in_report: false,
    directory_buckets: DirectoryBuckets::Refused,
    permissions,
    estimate,
};

/// It has no parameters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ReplicateParameters;

impl Operation for ReplicateParameters {
    fn spec(&self) -> &'static OperationSpec {
        &SPEC
    }

    fn check(&self, _: &JobContext) -> CheckResult {
        Ok(())
    }

    fn request(&self, _: &JobContext, _: &PlannedManifest) -> Result<Value, Refusal> {
        Ok(json!({}))
    }
}

/// What the role needs (UG, "Replicate existing objects: `InitiateReplication` with a user
/// manifest"). The copying itself is done with the role of the replication configuration.
fn permissions(_: &Value, access: &Access) -> Vec<Statement> {
    vec![access.allow("Replicate", &["s3:InitiateReplication"], access.object_arns())]
}

/// As copies in the objects' own classes, without what the replication configuration decides.
fn estimate(basis: CostBasis<'_>) -> Vec<Estimate> {
    let mut builder = EstimateBuilder::new(basis);
    builder.puts();
    builder.reads();
    builder.kms(KMS_CALLS_COPY);
    builder.leave_out(Charge::Storage);
    builder.note(
        "Left out: transfer between Regions and the storage of the replicas. Requests are at the \
         price of the objects' own class; the replication rule may set another.",
    );
    vec![builder.finish()]
}
