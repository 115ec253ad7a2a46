//! `legal-hold`: `S3PutObjectLegalHold`.

use serde_json::{Value, json};

use super::check::{Checked, Refusal, required_one_of};
use super::manifest::Manifest;
use super::policy::{Access, Statement};
use super::rule::Rule;
use super::setting::Setting;
use super::{Kind, Operation};

/// API, `S3ObjectLockLegalHoldStatus`.
pub(super) const STATUSES: [&str; 2] = ["ON", "OFF"];

/// The parameters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters {
    /// `--legal-hold`: `ON` or `OFF`.
    pub status: Option<String>,
}

impl Parameters {
    fn status(&self) -> Result<&str, Refusal> {
        let authority = "API, S3ObjectLockLegalHoldStatus";
        required_one_of("--legal-hold", self.status.as_deref(), &STATUSES, authority)
    }
}

impl Operation for Parameters {
    fn kind(&self) -> Kind {
        Kind::LegalHold
    }

    fn check(&self, _: &Setting) -> Checked {
        self.status().map(|_| ())
    }

    fn request(&self, _: &Setting, _: &Manifest) -> Result<Value, Refusal> {
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
