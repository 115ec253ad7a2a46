//! `delete-tags`: `S3DeleteObjectTagging`.

use serde_json::{Value, json};

use super::check::{CheckResult, Refusal};
use super::estimate::{CostBasis, Estimate, EstimateBuilder};
use super::manifest::PlannedManifest;
use super::policy::{Access, Statement};
use super::setting::JobContext;
use super::spec::{DirectoryBuckets, Operation, OperationSpec};

/// The operation.
pub(super) const SPEC: OperationSpec = OperationSpec {
    name: "delete-tags",
    api_name: "S3DeleteObjectTagging",
    rules: &[],
    acts_on_delete_markers: false,
    needs_version_ids: false,
    results_in_report: false,
    directory_buckets: DirectoryBuckets::Refused,
    permissions,
    estimate,
};

/// It has no parameters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct DeleteTagsParameters;

impl Operation for DeleteTagsParameters {
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

/// What the role needs (UG, "Delete object tagging: `DeleteObjectTagging`").
fn permissions(_: &Value, access: &Access) -> Vec<Statement> {
    let of_versions = "s3:DeleteObjectVersionTagging";
    vec![access.allow_on_objects("DeleteTags", "s3:DeleteObjectTagging", of_versions)]
}

/// Free, or a PUT-like request for each object.
fn estimate(basis: CostBasis<'_>) -> Vec<Estimate> {
    let mut builder = EstimateBuilder::new(basis);
    builder.puts_at_most();
    builder.note(
        "Requests that delete are free; whether those that delete tags are, the price list does \
         not say. They are counted as PUT requests at most.",
    );
    vec![builder.finish()]
}
