//! `tag`: `S3PutObjectTagging`, which replaces all tags of an object.

use serde_json::{Value, json};

use super::check::{self, CheckResult, Refusal, Tag, missing};
use super::estimate;
use super::job::tag_set;
use super::manifest::PlannedManifest;
use super::policy::{Access, Statement};
use super::setting::JobContext;
use super::spec::{DirectoryBuckets, Operation, OperationSpec};
use crate::diagnostic::parameter::{OBJECT_TAG, OPERATION, TAG};

/// Tags of an object at most (UG, "Tagging your objects").
pub(super) const OBJECT_TAGS_MAX: usize = 10;

/// Where the rules of tags stand.
pub(super) const RULES: &str = "UG, Tagging your objects";

/// The operation.
pub(super) const SPEC: OperationSpec = OperationSpec {
    name: "tag",
    api_name: "S3PutObjectTagging",
    rules: &[],
    acts_on_delete_markers: false,
    needs_version_ids: false,
    results_in_report: false,
    directory_buckets: DirectoryBuckets::Refused,
    permissions,
    estimate: estimate::put_requests,
};

/// The parameters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TagParameters {
    /// The tags that replace all others.
    pub tags: Vec<Tag>,
}

impl Operation for TagParameters {
    fn spec(&self) -> &'static OperationSpec {
        &SPEC
    }

    fn check(&self, _: &JobContext) -> CheckResult {
        if self.tags.is_empty() {
            let rule = "an empty set of tags would delete the tags of every object, and be charged";
            let remedy = format!(
                "give {OBJECT_TAG} KEY=VALUE ({TAG} is of the jobs), or {OPERATION} \
                          delete-tags, which is free of that charge"
            );
            return Err(missing(OBJECT_TAG, rule, RULES, remedy));
        }
        check::tags(OBJECT_TAG, &self.tags, OBJECT_TAGS_MAX, RULES)
    }

    fn request(&self, _: &JobContext, _: &PlannedManifest) -> Result<Value, Refusal> {
        Ok(json!({"TagSet": tag_set(&self.tags)}))
    }
}

/// What the role needs (UG, "Replace object tagging: `PutObjectTagging`").
fn permissions(_: &Value, access: &Access) -> Vec<Statement> {
    let of_versions = "s3:PutObjectVersionTagging";
    vec![access.allow_on_objects("ReplaceTags", "s3:PutObjectTagging", of_versions)]
}
