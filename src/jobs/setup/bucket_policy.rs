//! The policy of the bucket that inventory reports go to: it must let S3 write them there.
//!
//! A statement is added where none lets S3 do so. No statement that is there is changed.

use aws_sdk_s3::error::ProvideErrorMetadata;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::grants::{added, cover, denials, statements};
use super::{Change, SetupError, lines};
use crate::aws::{AwsError, AwsErrorKind, Session};
use crate::hex;
use crate::operation::job::S3Prefix;
use crate::operation::policy::literal;

/// What S3 writes inventory reports as, in all partitions (UG, "Grant permissions for S3 Inventory
/// and S3 analytics").
const SERVICE: &str = "s3.amazonaws.com";

/// The policy language that knows `${*}`, `${?}` and `${$}`.
const VERSION: &str = "2012-10-17";

/// Digits of a digest in the statement's name: 32 bits, for the few statements of a bucket.
const SID_DIGITS: usize = 8;

/// Who writes reports, and where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InventoryWriter {
    /// The bucket that reports list, by its ARN.
    pub(super) source: String,
    /// Its account.
    pub(super) account: String,
    /// Its partition.
    pub(super) partition: String,
    /// Where reports go.
    pub(super) destination: S3Prefix,
}

/// The change of a bucket's policy, and what is to be put.
#[derive(Debug, Clone)]
pub(super) struct PolicyPlan {
    pub(super) change: Change,
    bucket: String,
    policy: Value,
}

impl InventoryWriter {
    /// Lets S3 write reports of this bucket and account, and no others (UG, "Grant permissions for
    /// S3 Inventory and S3 analytics").
    fn statement(&self) -> Value {
        let Self { source, account, partition, destination } = self;
        json!({
            "Sid": self.sid(),
            "Effect": "Allow",
            "Principal": {"Service": SERVICE},
            "Action": "s3:PutObject",
            "Resource": format!("arn:{partition}:s3:::{}*", literal(&destination.folder())),
            "Condition": {
                "ArnLike": {"aws:SourceArn": source},
                "StringEquals": {
                    "aws:SourceAccount": account,
                    "s3:x-amz-acl": "bucket-owner-full-control",
                },
            },
        })
    }

    /// Lets S3 encrypt reports with a customer's key (UG, "Grant Amazon S3 permission to use your
    /// customer managed key for encryption").
    pub(super) fn key_statement(&self) -> Value {
        json!({
            "Sid": "LetS3EncryptInventoryReports",
            "Effect": "Allow",
            "Principal": {"Service": SERVICE},
            "Action": "kms:GenerateDataKey",
            "Resource": "*",
            "Condition": {
                "ArnLike": {"aws:SourceArn": self.source},
                "StringEquals": {"aws:SourceAccount": self.account},
            },
        })
    }

    /// Letters and digits, different for different reports.
    fn sid(&self) -> String {
        let Self { source, account, destination, .. } = self;
        let text = format!("{source} {account} {}", destination.folder());
        let digest = hex::encode(Sha256::digest(text));
        format!("InventoryReports{}", &digest[..SID_DIGITS])
    }

    /// What must be done by hand, and why it is not done here.
    pub(super) fn missing(&self, why: &str) -> String {
        format!(
            "the policy of bucket {} is not looked at ({why}). Without a statement like this one \
             no report comes: {}",
            self.destination.bucket,
            self.statement()
        )
    }
}

/// Reads the destination's policy, and adds the statement where no other does as much. Where the
/// policy may not be read, a warning says what it must hold.
pub(super) fn look(
    session: &Session,
    writer: &InventoryWriter,
) -> Result<Result<PolicyPlan, String>, SetupError> {
    let bucket = &writer.destination.bucket;
    let answer = session.wait(session.s3().get_bucket_policy().bucket(bucket).send());
    let there = match answer {
        Ok(answer) => answer.policy.unwrap_or_default(),
        Err(error) if error.code() == Some("NoSuchBucketPolicy") => String::new(),
        Err(error) => {
            let error = AwsError::new(format!("look at the policy of bucket {bucket}"), &error);
            return match error.kind {
                AwsErrorKind::Denied => Ok(Err(writer.missing(&error.to_string()))),
                _ => Err(error.into()),
            };
        }
    };
    Ok(Ok(writer.planned(&there)?))
}

impl InventoryWriter {
    fn planned(&self, there: &str) -> Result<PolicyPlan, SetupError> {
        let bucket = &self.destination.bucket;
        let is_new = there.is_empty();
        let policy: Value = if is_new {
            json!({"Version": VERSION, "Statement": []})
        } else {
            let action = format!("look at the policy of bucket {bucket}");
            serde_json::from_str(there)
                .map_err(|error| AwsError::other(action, format!("it is not JSON: {error}")))?
        };
        let wanted = self.statement();
        let own = statements(&policy);
        let after = if cover(&own, &wanted) {
            policy.clone()
        } else if own.iter().any(|statement| statement["Sid"] == wanted["Sid"]) {
            return Err(SetupError::Senseless(format!(
                "the policy of bucket {bucket} has a statement {} that doesn't let S3 write the \
                 reports; correct or remove it, or give --leave-bucket-policy. It should be: \
                 {wanted}",
                self.sid()
            )));
        } else {
            self.check_version(&policy, &wanted)?;
            added(&policy, &[&wanted])
        };
        let change = Change {
            what: format!("bucket policy of {bucket}"),
            before: if is_new { Vec::new() } else { lines(&policy) },
            after: lines(&after),
            warnings: self.denied(&policy, &wanted),
        };
        Ok(PolicyPlan { change, bucket: bucket.clone(), policy: after })
    }

    /// What no statement of ours can allow.
    fn denied(&self, policy: &Value, wanted: &Value) -> Vec<String> {
        let told = denials(policy, wanted).into_iter().map(|denial| {
            format!(
                "bucket {}: S3 may not write reports there, whatever else allows it: in its \
                 policy, {denial}",
                self.destination.bucket
            )
        });
        told.collect()
    }

    /// Refuses to add a place whose name older policies would read as a pattern.
    fn check_version(&self, policy: &Value, wanted: &Value) -> Result<(), SetupError> {
        let is_escaped = wanted["Resource"].as_str().is_some_and(|name| name.contains("${"));
        if !is_escaped || policy["Version"] == VERSION {
            return Ok(());
        }
        Err(SetupError::Senseless(format!(
            "the policy of bucket {} is not of Version {VERSION}, and older ones can't name the \
             prefix {:?} without granting others too; change its Version, or give \
             --leave-bucket-policy",
            self.destination.bucket, self.destination.prefix
        )))
    }
}

impl PolicyPlan {
    /// Puts the policy in place, if it changes.
    pub(super) fn apply(&self, session: &Session) -> Result<(), SetupError> {
        if self.change.is_none() {
            return Ok(());
        }
        let call = session.s3().put_bucket_policy().bucket(&self.bucket);
        let answer = session.wait(call.policy(self.policy.to_string()).send());
        let action = || {
            format!(
                "put the policy of bucket {} (--leave-bucket-policy does without it)",
                self.bucket
            )
        };
        answer.map(|_| ()).map_err(|error| AwsError::new(action(), &error).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writer() -> InventoryWriter {
        InventoryWriter {
            source: "arn:aws:s3:::photos".to_owned(),
            account: "111122223333".to_owned(),
            partition: "aws".to_owned(),
            destination: S3Prefix { bucket: "reports".to_owned(), prefix: "inventory".to_owned() },
        }
    }

    /// The user guide's own example lets S3 in; so nothing is added beside it.
    #[test]
    fn the_guide_s_statement_is_enough() {
        let guide = json!({"Version": "2012-10-17", "Statement": [{
            "Sid": "InventoryAndAnalyticsExamplePolicy",
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": ["arn:aws:s3:::reports/*"],
            "Condition": {
                "ArnLike": {"aws:SourceArn": "arn:aws:s3:::photos"},
                "StringEquals": {
                    "aws:SourceAccount": "111122223333",
                    "s3:x-amz-acl": "bucket-owner-full-control",
                },
            },
        }]});
        assert!(writer().planned(&guide.to_string()).unwrap().change.is_none());
        let other = guide.to_string().replace("s3:::photos", "s3:::music");
        let plan = writer().planned(&other).unwrap();
        let statements = plan.policy["Statement"].as_array().unwrap();
        assert_eq!(statements.len(), 2);
        assert_eq!(statements[0], serde_json::from_str::<Value>(&other).unwrap()["Statement"][0]);
        assert_eq!(statements[1]["Condition"]["ArnLike"]["aws:SourceArn"], "arn:aws:s3:::photos");
    }

    #[test]
    fn a_statement_that_denies_is_told() {
        let policy = json!({"Version": "2012-10-17", "Statement": [
            {"Sid": "Closed", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",
             "Resource": "arn:aws:s3:::reports/*"},
            {"Sid": "Tls", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*",
             "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
            {"Sid": "Bob", "Effect": "Deny", "Principal": {"AWS": "arn:aws:iam::1:user/bob"},
             "Action": "s3:*", "Resource": "*"},
        ]});
        let warnings = writer().planned(&policy.to_string()).unwrap().change.warnings;
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].ends_with("in its policy, statement Closed denies it"));
    }

    #[test]
    fn a_prefix_that_looks_like_a_pattern_stands_for_itself() {
        let destination = S3Prefix { bucket: "reports".to_owned(), prefix: "a*".to_owned() };
        let writer = InventoryWriter { destination, ..writer() };
        let plan = writer.planned("").unwrap();
        assert_eq!(plan.policy["Statement"][0]["Resource"], "arn:aws:s3:::reports/a${*}/*");
        assert!(writer.planned(&plan.policy.to_string()).unwrap().change.is_none());
        let old = json!({"Version": "2008-10-17", "Statement": []}).to_string();
        let error = writer.planned(&old).unwrap_err().to_string();
        assert!(error.contains("not of Version 2012-10-17"), "{error}");
    }

    #[test]
    fn a_statement_of_our_name_that_was_changed_is_not_replaced() {
        let mut plan = writer().planned("").unwrap();
        assert!(writer().planned(&plan.policy.to_string()).unwrap().change.is_none());
        plan.policy["Statement"][0]["Effect"] = json!("Deny");
        let error = writer().planned(&plan.policy.to_string()).unwrap_err().to_string();
        assert!(error.contains("--leave-bucket-policy"), "{error}");
    }
}
