//! `update-encryption`: `S3UpdateObjectEncryption`. Another key, or a bucket key, in place: no
//! copy, no new version, no restore, any size.

use serde_json::{Value, json};

use super::check::{CheckResult, Refusal, key_arn, missing};
use super::estimate::{CostBasis, Estimate, EstimateBuilder, KMS_CALLS_COPY};
use super::manifest::PlannedManifest;
use super::policy::{Access, Statement};
use super::rule::{Rule, RuleCondition, SSE_C};
use super::setting::JobContext;
use super::spec::{DirectoryBuckets, Operation, OperationSpec};
use crate::diagnostic::parameter::{BUCKET_KEY, KMS_KEY_ARN};

/// Sources may be SSE-S3 or SSE-KMS (UG, "Update object encryption").
const DSSE_KMS: Rule = Rule {
    reason: "dsse-kms",
    meaning: "encrypted twice (DSSE-KMS), which only a copy changes",
    parts: &[RuleCondition {
        condition: "EncryptionStatus = 'DSSE-KMS'",
        columns: &["EncryptionStatus"],
    }],
};

/// As above.
const NOT_ENCRYPTED: Rule = Rule {
    reason: "not-encrypted",
    meaning: "not encrypted at all, which only a copy changes",
    parts: &[RuleCondition {
        condition: "EncryptionStatus = 'NOT-SSE'",
        columns: &["EncryptionStatus"],
    }],
};

/// It fails on objects under Object Lock: a retention that is not over, a legal hold, an event hold
/// (UG, "Update object encryption").
const OBJECT_LOCKED: Rule = Rule {
    reason: "object-locked",
    meaning: "under Object Lock: retention, legal hold or event hold",
    parts: &[
        RuleCondition {
            condition: "ObjectLockMode IS NOT NULL AND (ObjectLockRetainUntilDate IS NULL OR \
                        ObjectLockRetainUntilDate > now())",
            columns: &["ObjectLockMode", "ObjectLockRetainUntilDate"],
        },
        RuleCondition {
            condition: "ObjectLockLegalHoldStatus = 'ON'",
            columns: &["ObjectLockLegalHoldStatus"],
        },
        RuleCondition {
            condition: "ObjectLockEventHoldStatus = 'ON'",
            columns: &["ObjectLockEventHoldStatus"],
        },
    ],
};

/// It takes what is not SSE-KMS, too, and makes it SSE-KMS with the named key: more than those ask
/// for who come for bucket keys or another key, and KMS requests are billed for those objects from
/// then on. So they are excluded unless asked for. What stands in a rule above is left to that
/// rule, so that its rows come back with it.
pub(crate) const NOT_SSE_KMS: Rule = Rule {
    reason: "not-sse-kms",
    meaning: "not encrypted with SSE-KMS: it would be, and its KMS requests are billed",
    parts: &[RuleCondition {
        condition: "EncryptionStatus IS NULL OR EncryptionStatus NOT IN ('SSE-KMS', 'SSE-C', \
                    'DSSE-KMS', 'NOT-SSE')",
        columns: &["EncryptionStatus"],
    }],
};

const RULES: &str = "UG, Update object encryption";

/// The operation.
pub(super) const SPEC: OperationSpec = OperationSpec {
    name: "update-encryption",
    api_name: "S3UpdateObjectEncryption",
    // Last those that it does only when told to.
    rules: &[SSE_C, DSSE_KMS, NOT_ENCRYPTED, OBJECT_LOCKED, NOT_SSE_KMS],
    acts_on_delete_markers: false,
    needs_version_ids: false,
    results_in_report: false,
    directory_buckets: DirectoryBuckets::Refused,
    permissions,
    estimate,
};

/// The parameters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct UpdateEncryptionParameters {
    /// The ARN of the KMS key for all objects.
    pub key_arn: Option<String>,
    /// Whether to use an S3 Bucket Key: S3 asks KMS once a bucket instead of once an object.
    pub bucket_key: Option<bool>,
}

impl UpdateEncryptionParameters {
    fn key_arn(&self) -> Result<&str, Refusal> {
        self.key_arn.as_deref().ok_or_else(|| {
            let rule = "the operation encrypts every object with one key, which must be named";
            let remedy =
                format!("give {KMS_KEY_ARN}; a report does not tell which keys are in use");
            missing(KMS_KEY_ARN, rule, RULES, remedy)
        })
    }

    /// Asked for, as S3's default is off: forgotten, the job would undo what most come for.
    fn bucket_key(&self) -> Result<bool, Refusal> {
        self.bucket_key.ok_or_else(|| {
            let rule = "S3 turns bucket keys off unless told otherwise";
            let source = "API, S3UpdateObjectEncryptionSSEKMS";
            missing(BUCKET_KEY, rule, source, format!("give {BUCKET_KEY} on (or off)"))
        })
    }
}

impl Operation for UpdateEncryptionParameters {
    fn spec(&self) -> &'static OperationSpec {
        &SPEC
    }

    fn check(&self, setting: &JobContext) -> CheckResult {
        self.bucket_key()?;
        key_arn(KMS_KEY_ARN, self.key_arn()?, setting, RULES)
    }

    /// The AWS CLI and the model call the member `SSEKMS`; in the XML that is sent it is `SSE-KMS`.
    fn request(&self, _: &JobContext, _: &PlannedManifest) -> Result<Value, Refusal> {
        let key = json!({"KMSKeyArn": self.key_arn()?, "BucketKeyEnabled": self.bucket_key()?});
        Ok(json!({"ObjectEncryption": {"SSEKMS": key}}))
    }
}

/// What the role needs (UG, "Update object encryption"; what only a generated manifest needs is
/// left out). The guide asks for the same actions on the old and the new keys.
fn permissions(request: &Value, access: &Access) -> Vec<Statement> {
    const KEY_ACTIONS: [&str; 4] =
        ["kms:Decrypt", "kms:GenerateDataKey", "kms:Encrypt", "kms:ReEncrypt*"];
    let key = request["ObjectEncryption"]["SSEKMS"]["KMSKeyArn"].as_str().map(str::to_owned);
    let keys = key.into_iter().chain(access.object_keys.iter().cloned());
    let resources = [access.bucket_arns(), access.object_arns()].concat();
    let mut statements = vec![
        access.allow("UpdateEncryption", &["s3:UpdateObjectEncryption"], resources),
        access.allow_on_objects("ReadObjects", "s3:GetObject", "s3:GetObjectVersion"),
    ];
    statements.extend(Access::allow_keys("UseKeys", &KEY_ACTIONS, keys.collect()));
    statements
}

/// The requests cost the same in every class; each may ask KMS.
fn estimate(basis: CostBasis<'_>) -> Vec<Estimate> {
    let mut builder = EstimateBuilder::new(basis);
    builder.requests(basis.prices.update_encryption_usd_per_thousand_requests);
    builder.kms(KMS_CALLS_COPY);
    vec![builder.finish()]
}
