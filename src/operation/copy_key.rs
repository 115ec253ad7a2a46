//! The key of copies: which one a request names or leaves to the target bucket, and what the role
//! then needs rights on.
//!
//! No report and no request tells how a bucket encrypts by default. Whoever knows says so, or the
//! bucket is asked; a role without rights on the key would fail every copy.

use serde_json::Value;

use super::check::{self, Refusal, missing, refusal};
use super::setting::JobContext;
use crate::diagnostic::parameter::TARGET_ENCRYPTION;

const AUTHORITY: &str = "UG, Using server-side encryption with AWS KMS keys";

/// The key that S3 encrypts copies with, as far as a request tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CopyKey {
    /// None that the role needs rights on: S3's own keys, or AWS's key for S3, whose policy lets
    /// all of the account use it through S3 (KMS Developer Guide, "AWS managed keys").
    Free,
    /// This one, by its ARN.
    Named(String),
    /// The one of this bucket's default encryption.
    OfBucket(String),
    /// This one, by an id or an alias, which no policy can name.
    ByAlias(String),
}

impl CopyKey {
    /// Reads it from an operation's `S3PutObjectCopy`.
    #[must_use]
    pub(crate) fn of(request: &Value) -> Self {
        let target = request["TargetResource"].as_str().unwrap_or_default();
        let key = request["SSEAwsKmsKeyId"].as_str();
        match (request["NewObjectMetadata"]["SSEAlgorithm"].as_str(), key) {
            (Some("KMS"), None) | (Some("AES256"), _) => Self::Free,
            (_, Some(key)) if check::key_of_arn(key).is_some() => Self::Named(key.to_owned()),
            (_, Some(key)) => Self::ByAlias(key.to_owned()),
            _ => Self::OfBucket(target.rsplit([':', '/']).next().unwrap_or_default().to_owned()),
        }
    }
}

/// How a bucket encrypts by default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TargetEncryption {
    /// With S3's own keys, or with AWS's key for S3: no rights are needed.
    Free,
    /// With this key, by its ARN.
    Key(String),
}

impl TargetEncryption {
    /// Parses the target bucket's default encryption: `sse-s3`, `aws/s3`, or a key's ARN.
    ///
    /// # Errors
    /// When it is none of these, or a key of another region.
    pub(crate) fn parse(text: &str, setting: &JobContext) -> Result<Self, Refusal> {
        if ["sse-s3", "aws/s3"].contains(&text) {
            return Ok(Self::Free);
        }
        if !text.starts_with("arn:") {
            let rule = "it must be sse-s3, aws/s3 or the ARN of a key";
            return Err(refusal(TARGET_ENCRYPTION, text, rule, "", "give one of these"));
        }
        check::key_arn(TARGET_ENCRYPTION, text, setting, AUTHORITY)?;
        Ok(Self::Key(text.to_owned()))
    }
}

/// The key that the role needs rights on because copies get the target bucket's, from what the user
/// states, or else from `look`, which reads a bucket's default or says why it can't.
///
/// # Errors
/// When the key is not known, or the user states one that the request doesn't leave open.
pub(crate) fn target_key(
    request: &Value,
    stated: Option<TargetEncryption>,
    look: impl FnOnce(&str) -> Result<TargetEncryption, String>,
) -> Result<Option<String>, Refusal> {
    let encryption = match (CopyKey::of(request), stated) {
        (CopyKey::OfBucket(_), Some(stated))
        | (CopyKey::ByAlias(_), Some(stated @ TargetEncryption::Key(_))) => stated,
        (CopyKey::OfBucket(bucket), None) => look(&bucket).map_err(|why| {
            let rule = format!(
                "copies get the default encryption of bucket {bucket}, and if that is SSE-KMS, the \
                 role needs rights on its key ({why})"
            );
            let remedy = format!(
                "give {TARGET_ENCRYPTION} sse-s3, aws/s3 or the ARN of the bucket's default key: \
                 `aws s3api get-bucket-encryption --bucket {bucket}` shows it"
            );
            missing(TARGET_ENCRYPTION, rule, AUTHORITY, remedy)
        })?,
        (CopyKey::ByAlias(key), _) => {
            let rule = format!("the request names key {key} by an id or an alias");
            let authority = "IAM User Guide, Resource: keys go by their ARNs";
            let remedy = "give the key's ARN: `aws kms describe-key --key-id KEY` shows it";
            return Err(missing(TARGET_ENCRYPTION, rule, authority, remedy));
        }
        (CopyKey::Free | CopyKey::Named(_), None) => TargetEncryption::Free,
        (CopyKey::Free | CopyKey::Named(_), Some(_)) => {
            let rule = "the request says itself how copies are encrypted";
            return Err(missing(TARGET_ENCRYPTION, rule, AUTHORITY, "leave it out"));
        }
    };
    Ok(match encryption {
        TargetEncryption::Free => None,
        TargetEncryption::Key(key) => Some(key),
    })
}
