//! `legal-hold`: `S3PutObjectLegalHold`.

use serde_json::{Value, json};

use super::check::{CheckResult, Refusal, required_one_of};
use super::estimate;
use super::manifest::PlannedManifest;
use super::policy::{Access, Statement};
use super::setting::JobContext;
use super::spec::{DirectoryBuckets, Operation, OperationSpec};
use crate::diagnostic::parameter::LEGAL_HOLD;

/// API, `S3ObjectLockLegalHoldStatus`.
pub(super) const STATUSES: [&str; 2] = ["ON", "OFF"];

/// The operation.
pub(super) const SPEC: OperationSpec = OperationSpec {
    name: "legal-hold",
    api_name: "S3PutObjectLegalHold",
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
pub(crate) struct LegalHoldParameters {
    /// The legal hold's status: `ON` or `OFF`.
    pub status: Option<String>,
}

impl LegalHoldParameters {
    fn status(&self) -> Result<&str, Refusal> {
        let authority = "API, S3ObjectLockLegalHoldStatus";
        required_one_of(LEGAL_HOLD, self.status.as_deref(), &STATUSES, authority)
    }
}

impl Operation for LegalHoldParameters {
    fn spec(&self) -> &'static OperationSpec {
        &SPEC
    }

    fn check(&self, _: &JobContext) -> CheckResult {
        self.status().map(|_| ())
    }

    fn request(&self, _: &JobContext, _: &PlannedManifest) -> Result<Value, Refusal> {
        Ok(json!({"LegalHold": {"Status": self.status()?}}))
    }
}

/// What the role needs (UG, "Apply Object Lock legal hold: `PutObjectLegalHold`").
fn permissions(_: &Value, access: &Access) -> Vec<Statement> {
    let look = ["s3:GetBucketObjectLockConfiguration"];
    vec![
        access.allow("LookAtObjectLock", &look, access.bucket_arns()),
        access.allow("PutLegalHolds", &["s3:PutObjectLegalHold"], access.object_arns()),
    ]
}
