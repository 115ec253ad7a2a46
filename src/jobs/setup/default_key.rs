//! How a bucket encrypts by default, as far as a role needs rights on the key.

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types::ServerSideEncryption;

use super::SetupError;
use crate::aws::{AwsError, Session};
use crate::operation::copy_key::TargetEncryption;
use crate::operation::job::JobContext;

/// AWS's own key for S3, whose policy lets all of an account use it through S3.
const AWS_ALIAS: &str = "alias/aws/s3";

/// Reads the key that a bucket encrypts with by default, as far as a role needs rights on it.
///
/// # Errors
/// Why it is not known, for a message: AWS refuses, or the bucket names its key by an alias.
pub fn default_key(
    session: &Session,
    bucket: &str,
    setting: &JobContext,
) -> Result<TargetEncryption, SetupError> {
    match default_key_id(session, bucket)? {
        None => Ok(TargetEncryption::Free),
        Some(key) => {
            let region = setting.region.as_deref().or(session.region());
            region.and_then(|region| named(&key, region, setting)).ok_or_else(|| {
                SetupError::Senseless(format!(
                    "the bucket names its key by an alias, or its region is not known: {key}"
                ))
            })
        }
    }
}

/// The key that a bucket encrypts with by default, as it names it; none where that is one of S3's,
/// or AWS's own for S3.
pub(super) fn default_key_id(session: &Session, bucket: &str) -> Result<Option<String>, AwsError> {
    let answer = match session.wait(session.s3().get_bucket_encryption().bucket(bucket).send()) {
        Ok(answer) => answer,
        // A bucket of before 2023 that nobody has touched, or another server.
        Err(error) if error.code() == Some("ServerSideEncryptionConfigurationNotFoundError") => {
            return Ok(None);
        }
        Err(error) => {
            let action = format!("look at the default encryption of bucket {bucket}");
            return Err(AwsError::new(action, &error));
        }
    };
    let rules = answer.server_side_encryption_configuration.map(|all| all.rules);
    let mut rules = rules.unwrap_or_default().into_iter();
    let default = rules.find_map(|rule| rule.apply_server_side_encryption_by_default);
    let default = default.filter(|by| by.sse_algorithm != ServerSideEncryption::Aes256);
    let key = default.and_then(|default| default.kms_master_key_id);
    Ok(key.filter(|key| !key.ends_with(AWS_ALIAS)))
}

/// A key as `KMSMasterKeyID` names it: by its ARN, or by its id in the bucket's account and region.
fn named(key: &str, region: &str, setting: &JobContext) -> Option<TargetEncryption> {
    if key.contains("alias/") {
        return None;
    }
    if key.starts_with("arn:") {
        return Some(TargetEncryption::Key(key.to_owned()));
    }
    let JobContext { partition, account_id, .. } = setting;
    Some(TargetEncryption::Key(format!("arn:{partition}:kms:{region}:{account_id}:key/{key}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_named_by_arn_or_id_and_never_by_alias() {
        let setting = JobContext {
            account_id: "111122223333".to_owned(),
            partition: "aws".to_owned(),
            region: None,
            now: jiff::Timestamp::UNIX_EPOCH,
        };
        let named = |key: &str| named(key, "eu-west-1", &setting);
        let key = |arn: &str| Some(TargetEncryption::Key(arn.to_owned()));
        assert_eq!(named("0123-45"), key("arn:aws:kms:eu-west-1:111122223333:key/0123-45"));
        let arn = "arn:aws:kms:eu-west-1:444455556666:key/0123-45";
        assert_eq!(named(arn), key(arn));
        assert_eq!(named("alias/mine"), None);
        assert_eq!(named("arn:aws:kms:eu-west-1:444455556666:alias/mine"), None);
    }
}
