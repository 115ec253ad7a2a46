//! `delete-tags`: `S3DeleteObjectTagging`.

use serde_json::{Value, json};

use super::check::{CheckResult, Refusal};
use super::manifest::PlannedManifest;
use super::policy::{Access, Statement};
use super::rule::Rule;
use super::setting::JobContext;
use super::{Operation, OperationKind};

/// It has no parameters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct DeleteTagsParameters;

impl Operation for DeleteTagsParameters {
    fn kind(&self) -> OperationKind {
        OperationKind::DeleteTags
    }

    fn check(&self, _: &JobContext) -> CheckResult {
        Ok(())
    }

    fn request(&self, _: &JobContext, _: &PlannedManifest) -> Result<Value, Refusal> {
        Ok(json!({}))
    }
}

/// The rows that it can't do, besides delete markers.
pub(super) fn eligibility() -> Vec<Rule> {
    Vec::new()
}

/// What the role needs (UG, "Delete object tagging: `DeleteObjectTagging`").
pub(super) fn permissions(access: &Access) -> Vec<Statement> {
    let of_versions = "s3:DeleteObjectVersionTagging";
    vec![access.allow_on_objects("DeleteTags", "s3:DeleteObjectTagging", of_versions)]
}
