//! Default encryption with a bucket key: new objects ask KMS once a bucket, not once an object.

use aws_sdk_s3::types::{
    ServerSideEncryption, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration,
    ServerSideEncryptionRule,
};

use super::{Change, SetupError};
use crate::aws::{AwsError, Session};

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketKey {
    /// The bucket.
    pub bucket: String,
    /// The key to encrypt with; none keeps the bucket's.
    pub key_arn: Option<String>,
}

/// The change, and what is to be put.
#[derive(Debug, Clone)]
pub struct Planned {
    /// For people.
    pub change: Change,
    configuration: ServerSideEncryptionConfiguration,
}

impl BucketKey {
    /// Reads the default encryption of the bucket, and turns its bucket key on.
    ///
    /// # Errors
    /// When AWS refuses, or the bucket encrypts with no KMS key and none is named.
    pub fn look(&self, session: &Session) -> Result<Planned, SetupError> {
        let call = session.s3().get_bucket_encryption().bucket(&self.bucket);
        let answer = session.wait(call.send()).map_err(|error| {
            let action = format!("look at the default encryption of bucket {}", self.bucket);
            AwsError::new(action, &error)
        })?;
        let rules = answer.server_side_encryption_configuration.map(|all| all.rules);
        let mut rules = rules.unwrap_or_default();
        if rules.is_empty() {
            rules.push(ServerSideEncryptionRule::builder().build());
        }
        let before = rules.iter().flat_map(lines).collect();
        for rule in &mut rules {
            self.change(rule)?;
        }
        let after = rules.iter().flat_map(lines).collect();
        let configuration = ServerSideEncryptionConfiguration::builder()
            .set_rules(Some(rules))
            .build()
            .map_err(|error| SetupError::Senseless(error.to_string()))?;
        let change = Change {
            what: format!("default encryption of bucket {}", self.bucket),
            before,
            after,
            warnings: vec![
                "policies and grants that name an object's ARN as encryption context \
                 (kms:EncryptionContext:aws:s3:arn) stop fitting: with a bucket key the context is \
                 the bucket's ARN. Look at the key's policy first"
                    .to_owned(),
                "only objects that are written from now on get it; a copy or update-encryption job \
                 changes those that are there"
                    .to_owned(),
            ],
        };
        Ok(Planned { change, configuration })
    }

    fn change(&self, rule: &mut ServerSideEncryptionRule) -> Result<(), SetupError> {
        let default = rule.apply_server_side_encryption_by_default.as_ref();
        let algorithm = default.map(|default| &default.sse_algorithm);
        match (algorithm, &self.key_arn) {
            (Some(ServerSideEncryption::AwsKmsDsse), _) => {
                return Err(SetupError::Senseless(format!(
                    "bucket {}: its default is DSSE-KMS, which has no bucket keys",
                    self.bucket
                )));
            }
            (Some(ServerSideEncryption::AwsKms), None) => {}
            (_, Some(key)) => {
                let default = ServerSideEncryptionByDefault::builder()
                    .sse_algorithm(ServerSideEncryption::AwsKms)
                    .kms_master_key_id(key)
                    .build()
                    .map_err(|error| SetupError::Senseless(error.to_string()))?;
                rule.apply_server_side_encryption_by_default = Some(default);
            }
            (_, None) => {
                return Err(SetupError::Senseless(format!(
                    "bucket {}: its default is not SSE-KMS, so a bucket key changes nothing; give \
                     --kms-key-arn to make it so",
                    self.bucket
                )));
            }
        }
        rule.bucket_key_enabled = Some(true);
        Ok(())
    }

    /// Puts the default encryption in place.
    ///
    /// # Errors
    /// When AWS refuses.
    pub fn apply(&self, session: &Session, planned: Planned) -> Result<(), SetupError> {
        let call = session.s3().put_bucket_encryption().bucket(&self.bucket);
        let call = call.server_side_encryption_configuration(planned.configuration);
        let action = || format!("put the default encryption of bucket {}", self.bucket);
        let answer = session.wait(call.send());
        answer.map(|_| ()).map_err(|error| AwsError::new(action(), &error).into())
    }
}

fn lines(rule: &ServerSideEncryptionRule) -> Vec<String> {
    let default = rule.apply_server_side_encryption_by_default.as_ref();
    let algorithm = default.map_or("none", |default| default.sse_algorithm.as_str());
    let mut lines = vec![format!("encryption: {algorithm}")];
    if let Some(key) = default.and_then(|default| default.kms_master_key_id.as_ref()) {
        lines.push(format!("key: {key}"));
    }
    let on = rule.bucket_key_enabled == Some(true);
    lines.push(format!("bucket key: {}", if on { "on" } else { "off" }));
    if let Some(blocked) = &rule.blocked_encryption_types {
        let types = blocked.encryption_type.iter().flatten();
        let types: Vec<&str> = types.map(|blocked| blocked.as_str()).collect();
        lines.push(format!("blocked: {}", types.join(", ")));
    }
    lines
}
