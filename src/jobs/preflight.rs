//! What would stop the jobs, or surprise whoever submits them, found before anything is sent: all
//! of it at once.
//!
//! Credentials that don't work make everything else fail alike; they are told of alone. What these
//! credentials may not look at is said, and stops nothing: the submitter needs less than this.
//!
//! Changes nothing at AWS. Never knows a plan folder or a journal.

use std::collections::BTreeSet;

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types::{
    BucketVersioningStatus, ExpirationStatus, ServerSideEncryption, ServerSideEncryptionRule,
};
use jiff::Timestamp;
use serde_json::Value;

use super::caller::{Caller, caller};
use super::role::{self, RoleTrust};
use crate::aws::{AwsError, AwsErrorKind, Session};
use crate::operation::bucket;
use crate::operation::partition::BATCH_OPERATIONS;

/// A report that is older says little of the bucket now: S3 delivers them daily, up to 48 hours
/// late (UG, "Amazon S3 Inventory").
const REPORT_HOURS_MAX: i64 = 72;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing is sent.
    Error,
    /// Somebody should think about it first.
    Warning,
    /// It is so, and nothing is wrong with it.
    Info,
}

/// Something found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreflightFinding {
    /// How much it weighs.
    pub severity: Severity,
    /// A sentence: what is so, and what to do.
    pub text: String,
}

/// What is looked at.
#[derive(Debug)]
pub struct Preflight<'a> {
    /// The way to AWS.
    pub session: &'a Session,
    /// The account of the jobs.
    pub account_id: &'a str,
    /// The region of the jobs.
    pub region: &'a str,
    /// Their role.
    pub role_arn: &'a str,
    /// Where the manifests will lie.
    pub manifest_bucket: &'a str,
    /// Where completion reports go.
    pub report_bucket: &'a str,
    /// The buckets of the objects.
    pub buckets: BTreeSet<&'a str>,
    /// A request's operation.
    pub operation: &'a Value,
    /// When the plan's reports were made, where that is known.
    pub reports_created: Vec<Option<Timestamp>>,
    /// Now.
    pub now: Timestamp,
}

impl Preflight<'_> {
    /// Looks, and tells all that was found, what weighs most first.
    ///
    /// # Errors
    /// When the credentials don't work, this machine's clock is wrong, or S3 does not answer: every
    /// further question would wait as long.
    pub fn run(&self) -> Result<Vec<PreflightFinding>, AwsError> {
        let mut found = Vec::new();
        found.push(self.account()?);
        found.extend(self.buckets()?);
        found.extend(self.role());
        found.extend(self.target_settings());
        found.extend(self.update_encryption());
        found.extend(self.reports_created.iter().filter_map(|created| self.age(*created)));
        found.sort_by_key(|finding| finding.severity);
        found.dedup();
        Ok(found)
    }

    fn account(&self) -> Result<PreflightFinding, AwsError> {
        let wanted = self.account_id;
        match caller(self.session) {
            Ok(Caller { account_id, .. }) if account_id != wanted => Ok(blocks(format!(
                "the credentials are of account {account_id}, the jobs of {wanted} \
                 (--account-id): name another --profile, or correct --account-id"
            ))),
            Ok(caller) => Ok(notes(caller.to_string())),
            Err(error) => match error.kind {
                AwsErrorKind::Unreachable
                | AwsErrorKind::Busy
                | AwsErrorKind::NotXml
                | AwsErrorKind::Other => Ok(warns(format!("the account was not checked: {error}"))),
                _ => Err(error),
            },
        }
    }

    /// The bucket whose region the jobs must be created in: the objects', and of a copy the
    /// target's (UG, "Creating an S3 Batch Operations job").
    fn target(&self) -> Vec<&str> {
        match self.copy().and_then(|copy| copy["TargetResource"].as_str()) {
            Some(arn) => vec![bucket::name_in_arn(arn)],
            None => self.buckets.iter().copied().collect(),
        }
    }

    fn copy(&self) -> Option<&Value> {
        self.operation.get("S3PutObjectCopy")
    }

    fn buckets(&self) -> Result<Vec<PreflightFinding>, AwsError> {
        let mut found = Vec::new();
        let is_copy = self.copy().is_some();
        for bucket in self.target() {
            let role = if is_copy { "the target of the copies" } else { "the objects" };
            let rule = if is_copy {
                "jobs that copy are created in the region of the target bucket"
            } else {
                "jobs are created in the region of the objects"
            };
            found.extend(self.bucket(bucket, role, rule, Severity::Warning)?);
        }
        let rule = "manifests lie in the region of the jobs";
        found.extend(self.bucket(self.manifest_bucket, "the manifests", rule, Severity::Error)?);
        let rule = "reports go to a bucket in the region of the jobs";
        found.extend(self.bucket(self.report_bucket, "the reports", rule, Severity::Warning)?);
        Ok(found)
    }

    /// Whether a bucket is there, may be looked at, and is in the region of the jobs.
    fn bucket(
        &self,
        name: &str,
        role: &str,
        rule: &str,
        denied: Severity,
    ) -> Result<Option<PreflightFinding>, AwsError> {
        let what = format!("bucket {name} ({role})");
        if bucket::is_directory(name) {
            // It is reached by sessions, which the submitter has no other need of.
            let text = format!("{what} is a directory bucket, and was not looked at");
            return Ok(Some(notes(text)));
        }
        let answer = self.session.wait(self.session.s3().head_bucket().bucket(name).send());
        let region = match &answer {
            Ok(answer) => answer.bucket_region().map(str::to_owned),
            Err(error) => {
                let error = AwsError::new(format!("look at {what}"), error);
                match error.kind {
                    AwsErrorKind::WrongRegion(Some(region)) => Some(region),
                    AwsErrorKind::NoSuchKey | AwsErrorKind::NoSuchBucket => {
                        let text = format!(
                            "{what}: there is no such bucket; create it in {}, or name another",
                            self.region
                        );
                        return Ok(Some(blocks(text)));
                    }
                    AwsErrorKind::Denied => {
                        let text = format!(
                            "{what}: access denied; looking at it takes s3:ListBucket on the \
                             bucket, which `s3sieve policy` puts into the submitter's policy"
                        );
                        return Ok(Some(PreflightFinding { severity: denied, text }));
                    }
                    AwsErrorKind::Unreachable => return Err(error),
                    _ => return Ok(Some(blocks(error.to_string()))),
                }
            }
        };
        let jobs = self.region;
        Ok(region.filter(|region| region != jobs).map(|region| {
            blocks(format!(
                "{what} is in {region}, the jobs in {jobs} (--region): {rule}; correct --region, \
                 or name another bucket"
            ))
        }))
    }

    fn role(&self) -> Option<PreflightFinding> {
        let name = self.role_arn.rsplit('/').next().unwrap_or_default();
        let client = aws_sdk_iam::Client::new(self.session.config());
        let role = self.role_arn;
        match role::trust(self.session, &client, name) {
            Ok(Some(RoleTrust { arn, .. })) if arn != self.role_arn => {
                Some(blocks(format!("--role-arn {role}: the role's ARN is {arn}; give that")))
            }
            Ok(Some(trust)) if !trust.lets_jobs_in() => Some(blocks(format!(
                "role {role} does not trust {}, so no job can take it: put the trust-policy.json \
                 of `s3sieve policy` in place, or run `s3sieve setup role`",
                BATCH_OPERATIONS
            ))),
            Ok(Some(_)) => None,
            Ok(None) => Some(blocks(format!(
                "role {role}: there is no such role; `s3sieve setup role` makes it, or correct \
                 --role-arn"
            ))),
            Err(error) => Some(notes(format!("the role was not checked: {error}"))),
        }
    }

    /// What a copy leaves behind, and how it is encrypted.
    fn target_settings(&self) -> Vec<PreflightFinding> {
        let Some(copy) = self.copy() else { return Vec::new() };
        let mut found = Vec::new();
        for bucket in self.target().into_iter().filter(|name| !bucket::is_directory(name)) {
            let names_own = copy["NewObjectMetadata"]["SSEAlgorithm"].is_string();
            if !names_own {
                found.push(self.default_encryption(bucket));
            }
            found.push(self.old_versions(bucket));
        }
        found
    }

    /// What becomes of objects that are written to a bucket from now on.
    fn default_of(&self, bucket: &str) -> Result<DefaultEncryption, AwsError> {
        let call = self.session.s3().get_bucket_encryption().bucket(bucket);
        let answer = self.session.wait(call.send()).map_err(|error| {
            AwsError::new(format!("look at the default encryption of bucket {bucket}"), &error)
        })?;
        let rules = answer.server_side_encryption_configuration.map(|all| all.rules);
        Ok(DefaultEncryption::of(rules.unwrap_or_default().into_iter().next()))
    }

    /// Whether the key can be used, as far as that is seen without asking KMS, and what objects
    /// get that are written while the jobs run and after.
    fn update_encryption(&self) -> Vec<PreflightFinding> {
        let Some(update) = self.operation.get("S3UpdateObjectEncryption") else {
            return Vec::new();
        };
        let kms = &update["ObjectEncryption"]["SSEKMS"];
        let key = kms["KMSKeyArn"].as_str().unwrap_or_default();
        let mut found = vec![notes(format!(
            "whether the key exists, is enabled and lets the role use it was not checked: `aws kms \
             describe-key --key-id {key}` tells the first two, the key's policy the third"
        ))];
        for bucket in &self.buckets {
            found.extend(self.key_owner(bucket, key));
            if kms["BucketKeyEnabled"] == true {
                found.extend(self.bucket_key_of_new_objects(bucket));
            }
        }
        found
    }

    /// Whether the key's account owns the bucket: others' keys are refused, but for organizations
    /// that AWS Support has let (UG, "Update object encryption").
    fn key_owner(&self, bucket: &str, key: &str) -> Option<PreflightFinding> {
        let account = key.split(':').nth(4)?;
        let head = || self.session.s3().head_bucket().bucket(bucket);
        let owned = self.session.wait(head().expected_bucket_owner(account).send());
        let denied =
            AwsError::new("look at the bucket", &owned.err()?).kind == AwsErrorKind::Denied;
        // Where the bucket can't be looked at in any case, that was said of the bucket itself.
        let seen = denied && self.session.wait(head().send()).is_ok();
        seen.then(|| {
            warns(format!(
                "the key is of account {account}, which does not own bucket {bucket}: \
                 update-encryption takes keys of the bucket owner's account, unless AWS Support \
                 has allowed those of your organization; name a key of the bucket's account"
            ))
        })
    }

    fn bucket_key_of_new_objects(&self, bucket: &str) -> Option<PreflightFinding> {
        match self.default_of(bucket) {
            Ok(DefaultEncryption { algorithm: Some(ServerSideEncryption::AwsKms), bucket_key }) => {
                (!bucket_key).then(|| {
                    warns(format!(
                        "bucket {bucket} has no bucket key of its own: objects that are written \
                         from now on come without one again; `s3sieve setup bucket-key --bucket \
                         {bucket}` turns it on"
                    ))
                })
            }
            Ok(DefaultEncryption { algorithm, .. }) => {
                let how = algorithm.as_ref().map_or("nothing", ServerSideEncryption::as_str);
                Some(notes(format!(
                    "bucket {bucket} encrypts objects that are written from now on with {how}, not \
                     with SSE-KMS and the key of these jobs"
                )))
            }
            Err(error) => Some(notes(error.to_string())),
        }
    }

    fn default_encryption(&self, bucket: &str) -> PreflightFinding {
        let DefaultEncryption { algorithm, bucket_key } = match self.default_of(bucket) {
            Ok(default) => default,
            Err(error) => return notes(error.to_string()),
        };
        match algorithm {
            Some(ServerSideEncryption::AwsKms) if bucket_key => notes(format!(
                "copies are encrypted as bucket {bucket} does it: SSE-KMS with its bucket key"
            )),
            Some(ServerSideEncryption::AwsKms) => warns(format!(
                "copies are encrypted as bucket {bucket} does it: SSE-KMS, without bucket key; if \
                 that is what you want to change, run `s3sieve setup bucket-key` first, or give \
                 --sse KMS --bucket-key on"
            )),
            Some(other) => notes(format!(
                "copies are encrypted as bucket {bucket} does it: {}, no SSE-KMS",
                other.as_str()
            )),
            None => notes(format!("bucket {bucket} names no default encryption")),
        }
    }

    fn old_versions(&self, bucket: &str) -> PreflightFinding {
        let call = self.session.s3().get_bucket_versioning().bucket(bucket);
        let status = match self.session.wait(call.send()) {
            Ok(answer) => answer.status,
            Err(error) => {
                let action = format!("look at the versioning of bucket {bucket}");
                return notes(AwsError::new(action, &error).to_string());
            }
        };
        if status != Some(BucketVersioningStatus::Enabled) {
            return warns(format!(
                "bucket {bucket} keeps no versions: a copy over an object replaces it for good"
            ));
        }
        match self.expires_old_versions(bucket) {
            Ok(true) => notes(format!(
                "bucket {bucket} keeps versions: copies in place leave the old ones behind until \
                 its lifecycle rule expires them"
            )),
            Ok(false) => warns(format!(
                "bucket {bucket} keeps versions, and no lifecycle rule expires old ones: copies in \
                 place double what is stored; `s3sieve setup lifecycle` adds such a rule"
            )),
            Err(error) => notes(error.to_string()),
        }
    }

    fn expires_old_versions(&self, bucket: &str) -> Result<bool, AwsError> {
        let call = self.session.s3().get_bucket_lifecycle_configuration().bucket(bucket);
        match self.session.wait(call.send()) {
            Ok(answer) => Ok(answer.rules().iter().any(|rule| {
                rule.status == ExpirationStatus::Enabled
                    && rule.noncurrent_version_expiration.is_some()
            })),
            Err(error) if error.code() == Some("NoSuchLifecycleConfiguration") => Ok(false),
            Err(error) => {
                let action = format!("look at the lifecycle rules of bucket {bucket}");
                Err(AwsError::new(action, &error))
            }
        }
    }

    fn age(&self, created: Option<Timestamp>) -> Option<PreflightFinding> {
        let Some(created) = created else {
            return Some(warns("the report does not say when it was made".to_owned()));
        };
        let hours = (self.now.as_second() - created.as_second()) / 3600;
        (hours > REPORT_HOURS_MAX).then(|| {
            warns(format!(
                "the report was made {} days ago ({created}): objects that changed since are acted \
                 on as they are now; a plan from a newer report is safer",
                hours / 24
            ))
        })
    }
}

/// A bucket's default encryption.
struct DefaultEncryption {
    algorithm: Option<ServerSideEncryption>,
    bucket_key: bool,
}

impl DefaultEncryption {
    fn of(rule: Option<ServerSideEncryptionRule>) -> Self {
        let bucket_key = rule.as_ref().and_then(|rule| rule.bucket_key_enabled) == Some(true);
        let default = rule.and_then(|rule| rule.apply_server_side_encryption_by_default);
        Self { algorithm: default.map(|default| default.sse_algorithm), bucket_key }
    }
}

fn blocks(text: String) -> PreflightFinding {
    PreflightFinding { severity: Severity::Error, text }
}

fn warns(text: String) -> PreflightFinding {
    PreflightFinding { severity: Severity::Warning, text }
}

fn notes(text: String) -> PreflightFinding {
    PreflightFinding { severity: Severity::Info, text }
}
