//! `legal-hold`: `S3PutObjectLegalHold`.

use serde_json::{Value, json};

use super::check::{CheckResult, Refusal, required_one_of};
use super::manifest::PlannedManifest;
use super::policy::{Access, Statement};
use super::rule::Rule;
use super::setting::JobContext;
use super::{Operation, OperationKind};
use crate::diagnostic::parameter::LEGAL_HOLD;

/// API, `S3ObjectLockLegalHoldStatus`.
pub(super) const STATUSES: [&str; 2] = ["ON", "OFF"];

/// The parameters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LegalHoldParameters {
    /// `--legal-hold`: `ON` or `OFF`.
    pub status: Option<String>,
}

impl LegalHoldParameters {
    fn status(&self) -> Result<&str, Refusal> {
        let authority = "API, S3ObjectLockLegalHoldStatus";
        required_one_of(LEGAL_HOLD, self.status.as_deref(), &STATUSES, authority)
    }
}

impl Operation for LegalHoldParameters {
    fn kind(&self) -> OperationKind {
        OperationKind::LegalHold
    }

    fn check(&self, _: &JobContext) -> CheckResult {
        self.status().map(|_| ())
    }

    fn request(&self, _: &JobContext, _: &PlannedManifest) -> Result<Value, Refusal> {
        Ok(json!({"LegalHold": {"Status": self.status()?}}))
    }
}

/// The rows that it can't do, besides delete markers.
pub(super) fn eligibility() -> Vec<Rule> {
    Vec::new()
}

/// What the role needs (UG, "Apply Object Lock legal hold: `PutObjectLegalHold`").
pub(super) fn permissions(access: &Access) -> Vec<Statement> {
    let look = ["s3:GetBucketObjectLockConfiguration"];
    vec![
        access.allow("LookAtObjectLock", &look, access.bucket_arns()),
        access.allow("PutLegalHolds", &["s3:PutObjectLegalHold"], access.object_arns()),
    ]
}
