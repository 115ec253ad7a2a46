//! `retention`: `S3PutObjectRetention`.

use serde_json::{Map, Value, json};

use super::check::{CheckResult, Refusal, missing, one_of, refusal, time};
use super::estimate;
use super::manifest::PlannedManifest;
use super::policy::{Access, Statement};
use super::setting::JobContext;
use super::spec::{DirectoryBuckets, Operation, OperationSpec};
use crate::diagnostic::parameter::{OPERATION_JSON, RETAIN_UNTIL, RETENTION_MODE};

/// API, `S3ObjectLockRetentionMode`.
const MODES: [&str; 2] = ["COMPLIANCE", "GOVERNANCE"];

/// The operation.
pub(super) const SPEC: OperationSpec = OperationSpec {
    name: "retention",
    api_name: "S3PutObjectRetention",
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
pub(crate) struct RetentionParameters {
    /// The retention mode: `COMPLIANCE` or `GOVERNANCE`.
    pub mode: Option<String>,
    /// The end of the retention, to the second, in UTC.
    pub until: Option<String>,
    /// Whether a retention in governance mode is replaced, too.
    pub bypass_governance: bool,
}

impl Operation for RetentionParameters {
    fn spec(&self) -> &'static OperationSpec {
        &SPEC
    }

    fn check(&self, setting: &JobContext) -> CheckResult {
        if self.mode.is_none() && self.until.is_none() {
            return Err(missing(
                RETENTION_MODE,
                "without mode and date the job would remove the retention of every object",
                "API, S3Retention",
                format!(
                    "give {RETENTION_MODE} and {RETAIN_UNTIL}; to remove retention, say so with \
                 {OPERATION_JSON}"
                ),
            ));
        }
        check_lock(self.mode.as_deref(), self.until.as_deref(), setting)
    }

    fn request(&self, _: &JobContext, _: &PlannedManifest) -> Result<Value, Refusal> {
        let mut member = Map::new();
        if self.bypass_governance {
            member.insert("BypassGovernanceRetention".to_owned(), true.into());
        }
        let retention = json!({"RetainUntilDate": self.until, "Mode": self.mode});
        member.insert("Retention".to_owned(), retention);
        Ok(member.into())
    }
}

/// A mode and a date of Object Lock: both or neither, and the date is to come.
pub(super) fn check_lock(
    mode: Option<&str>,
    until: Option<&str>,
    setting: &JobContext,
) -> CheckResult {
    const BOTH: &str = "UG, Locking objects with Object Lock";
    match (mode, until) {
        (None, None) => Ok(()),
        (Some(mode), None) => {
            let rule = "a retention mode needs a date until which it holds";
            Err(refusal(RETENTION_MODE, mode, rule, BOTH, format!("give {RETAIN_UNTIL}")))
        }
        (None, Some(until)) => {
            let rule = "a retention date needs a mode";
            Err(refusal(RETAIN_UNTIL, until, rule, BOTH, format!("give {RETENTION_MODE}")))
        }
        (Some(mode), Some(until)) => {
            one_of(RETENTION_MODE, mode, &MODES, "API, S3ObjectLockRetentionMode")?;
            time(RETAIN_UNTIL, until)?;
            if until.parse().is_ok_and(|until: jiff::Timestamp| until > setting.now) {
                return Ok(());
            }
            let rule = "the date must be in the future";
            Err(refusal(RETAIN_UNTIL, until, rule, BOTH, "give a later one"))
        }
    }
}

/// What the role needs (UG, "Apply Object Lock retention: `PutObjectRetention`").
fn permissions(request: &Value, access: &Access) -> Vec<Statement> {
    let look = ["s3:GetBucketObjectLockConfiguration"];
    let mut actions = vec!["s3:PutObjectRetention"];
    if request["BypassGovernanceRetention"] == true {
        actions.push("s3:BypassGovernanceRetention");
    }
    vec![
        access.allow("LookAtObjectLock", &look, access.bucket_arns()),
        access.allow("PutRetentions", &actions, access.object_arns()),
    ]
}
