//! `acl`: `S3PutObjectAcl`.

use serde_json::{Value, json};

use super::check::{CheckResult, Refusal, required_one_of};
use super::manifest::PlannedManifest;
use super::policy::{Access, Statement};
use super::rule::Rule;
use super::setting::JobContext;
use super::{Operation, OperationKind};
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

/// The parameters. Grants name canonical user ids and an owner: they go by `--operation-json`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AclParameters {
    /// `--acl`: one of the canned ACLs.
    pub acl: Option<String>,
}

impl AclParameters {
    fn acl(&self) -> Result<&str, Refusal> {
        required_one_of(ACL, self.acl.as_deref(), &CANNED, "API, S3CannedAccessControlList")
    }
}

impl Operation for AclParameters {
    fn kind(&self) -> OperationKind {
        OperationKind::Acl
    }

    fn check(&self, _: &JobContext) -> CheckResult {
        self.acl().map(|_| ())
    }

    fn request(&self, _: &JobContext, _: &PlannedManifest) -> Result<Value, Refusal> {
        Ok(json!({"AccessControlPolicy": {"CannedAccessControlList": self.acl()?}}))
    }
}

/// The rows that it can't do, besides delete markers.
pub(super) fn eligibility() -> Vec<Rule> {
    Vec::new()
}

/// What the role needs (UG, "Replace access control list: `PutObjectAcl`").
pub(super) fn permissions(access: &Access) -> Vec<Statement> {
    vec![access.allow_on_objects("ReplaceAcls", "s3:PutObjectAcl", "s3:PutObjectVersionAcl")]
}
