//! `acl`: `S3PutObjectAcl`.

use serde_json::{Value, json};

use super::check::{CheckResult, Refusal, required_one_of};
use super::estimate;
use super::manifest::PlannedManifest;
use super::policy::{Access, Statement};
use super::setting::JobContext;
use super::spec::{DirectoryBuckets, Operation, OperationSpec};
use crate::diagnostic::parameter::ACL;

/// The canned ACLs (API, `S3CannedAccessControlList`).
pub(super) const CANNED: [&str; 7] = [
    "private",
    "public-read",
    "public-read-write",
    "aws-exec-read",
    "authenticated-read",
    "bucket-owner-read",
    "bucket-owner-full-control",
];

/// The operation.
pub(super) const SPEC: OperationSpec = OperationSpec {
    name: "acl",
    api_name: "S3PutObjectAcl",
    rules: &[],
    acts_on_delete_markers: false,
    needs_version_ids: false,
    results_in_report: false,
    directory_buckets: DirectoryBuckets::Refused,
    permissions,
    estimate: estimate::put_requests,
};

/// The parameters. Grants name canonical user ids and an owner: they are given as the
/// operation's JSON (`given.rs`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AclParameters {
    /// A canned ACL.
    pub acl: Option<String>,
}

impl AclParameters {
    fn acl(&self) -> Result<&str, Refusal> {
        required_one_of(ACL, self.acl.as_deref(), &CANNED, "API, S3CannedAccessControlList")
    }
}

impl Operation for AclParameters {
    fn spec(&self) -> &'static OperationSpec {
        &SPEC
    }

    fn check(&self, _: &JobContext) -> CheckResult {
        self.acl().map(|_| ())
    }

    fn request(&self, _: &JobContext, _: &PlannedManifest) -> Result<Value, Refusal> {
        Ok(json!({"AccessControlPolicy": {"CannedAccessControlList": self.acl()?}}))
    }
}

/// What the role needs (UG, "Replace access control list: `PutObjectAcl`").
fn permissions(_: &Value, access: &Access) -> Vec<Statement> {
    vec![access.allow_on_objects("ReplaceAcls", "s3:PutObjectAcl", "s3:PutObjectVersionAcl")]
}
