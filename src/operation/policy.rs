//! IAM policies: what the role of a job may do, who may be that role, what its submitter may do.
//!
//! Never knows what an operation needs: each operation's module says that.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Value, json};

use super::{bucket, partition};
use crate::hex;

/// The service that runs jobs.
pub(crate) const SERVICE: &str = partition::BATCH_OPERATIONS;

/// How the names of a role's inline policies begin that `setup role` writes.
pub(crate) const INLINE_PREFIX: &str = "s3sieve-";

/// Characters of a bucket's name in the name of an inline policy: all of a general purpose bucket's
/// (UG, "General purpose bucket naming rules").
const BUCKET_CHARS_MAX: usize = 63;

/// Digits of a digest in the name of an inline policy: 48 bits, for the few policies of one role.
const NAME_DIGITS: usize = 12;

/// What reading and writing with SSE-KMS takes, reading first (UG, "Using server-side encryption
/// with AWS KMS keys": permissions).
pub(super) const USE_KEYS: [&str; 2] = ["kms:Decrypt", "kms:GenerateDataKey"];

/// A policy document. Its version is the policy language's, the only one in use.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Policy {
    version: &'static str,
    /// What it allows.
    pub statement: Vec<Statement>,
}

/// One statement of a policy.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Statement {
    /// Its name: letters and digits.
    pub sid: &'static str,
    effect: &'static str,
    /// Who may, in a trust policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<Value>,
    /// What may be done.
    pub action: Vec<&'static str>,
    /// On what. Empty in a trust policy, whose resource is the role.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource: Vec<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<Value>,
}

impl Policy {
    fn new(statement: Vec<Statement>) -> Self {
        Self { version: "2012-10-17", statement }
    }
}

impl Statement {
    /// Allows these actions on these resources, whosever they are.
    pub(super) fn new(sid: &'static str, action: &[&'static str], resource: Vec<String>) -> Self {
        let action = action.to_vec();
        Self { sid, effect: "Allow", principal: None, action, resource, condition: None }
    }

    fn only_if(mut self, condition: Value) -> Self {
        self.condition = Some(condition);
        self
    }
}

/// What permissions depend on, besides the operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The partition of the jobs, as [`partition`] names it.
    pub partition: String,
    /// The account of the job; buckets must be its own.
    pub account_id: String,
    /// The region of the jobs, or any.
    pub region: Option<String>,
    /// The role of the jobs.
    pub role_arn: String,
    /// The buckets of the objects.
    pub buckets: Vec<String>,
    /// Whether any manifest has version ids.
    pub versions: bool,
    /// The keys that the objects are encrypted with now, which no report tells.
    pub object_keys: Vec<String>,
    /// The key of the copies where the request leaves it to the target bucket.
    pub target_keys: Vec<String>,
    /// The keys that the manifests are encrypted with, if they are inventory reports.
    pub manifest_keys: Vec<String>,
    /// The keys that the completion reports are encrypted with.
    pub report_keys: Vec<String>,
    /// Where the manifests of this plan and of later ones lie, as `bucket/prefix/`, or `bucket/`
    /// where there is no prefix.
    pub manifests: String,
    /// The plan's folder, as `bucket/folder/`, if it is in S3: then nothing is uploaded.
    pub plan: Option<String>,
    /// The completion reports, as `bucket/prefix/`, or `bucket/` where there is no prefix.
    pub reports: String,
    /// Whether jobs are created with tags.
    pub tags: bool,
}

impl Access {
    /// The ARN of a bucket, or of what lies in a general purpose bucket: `bucket/key`.
    pub(super) fn bucket(&self, name: &str) -> String {
        if bucket::is_directory(name) {
            let region = self.region.as_deref().unwrap_or("*");
            return bucket::directory_arn(&self.partition, region, &self.account_id, name);
        }
        bucket::general_arn(&self.partition, name)
    }

    /// The ARNs of all objects in a place, `bucket/prefix/`, and of no others.
    fn all_below(&self, place: &str) -> String {
        self.bucket(&literal(place)) + "*"
    }

    /// The ARNs of the buckets of the objects.
    pub(super) fn bucket_arns(&self) -> Vec<String> {
        self.buckets.iter().map(|name| self.bucket(name)).collect()
    }

    /// The ARNs of all objects in those buckets.
    pub(super) fn object_arns(&self) -> Vec<String> {
        self.buckets.iter().map(|name| self.bucket(name) + "/*").collect()
    }

    /// Allows actions in S3 on resources of this account.
    pub(super) fn allow(
        &self,
        sid: &'static str,
        action: &[&'static str],
        resource: Vec<String>,
    ) -> Statement {
        let own = json!({"StringEquals": {"s3:ResourceAccount": self.account_id}});
        Statement::new(sid, action, resource).only_if(own)
    }

    /// Allows an action on objects, and its twin for versions where manifests have version ids.
    pub(super) fn allow_on_objects(
        &self,
        sid: &'static str,
        action: &'static str,
        of_versions: &'static str,
    ) -> Statement {
        let both = [action, of_versions];
        let actions = if self.versions { &both[..] } else { &both[..1] };
        self.allow(sid, actions, self.object_arns())
    }

    /// Allows the use of keys, of which each must belong to the account that its ARN names.
    pub(super) fn allow_keys(
        sid: &'static str,
        action: &[&'static str],
        mut keys: Vec<String>,
    ) -> Option<Statement> {
        keys.sort_unstable();
        keys.dedup();
        let mut accounts: Vec<&str> = keys.iter().filter_map(|key| key.split(':').nth(4)).collect();
        accounts.sort_unstable();
        accounts.dedup();
        let own = json!({"StringEquals": {"aws:ResourceAccount": accounts}});
        (!keys.is_empty()).then(|| Statement::new(sid, action, keys).only_if(own))
    }

    /// The policy of the jobs' role, from what the operation itself needs.
    #[must_use]
    pub fn role_policy(&self, operation: Vec<Statement>) -> Policy {
        let mut statements = operation;
        let manifests = vec![self.all_below(&self.manifests)];
        let reports = vec![self.all_below(&self.reports)];
        let read = ["s3:GetObject", "s3:GetObjectVersion"];
        statements.push(self.allow("ReadManifests", &read, manifests));
        statements.extend(self.allow_manifest_keys("DecryptManifests"));
        statements.push(self.allow("WriteReports", &["s3:PutObject"], reports));
        statements.extend(self.allow_report_keys("EncryptReports", &USE_KEYS));
        Policy::new(statements)
    }

    /// Who may take the role: the service only.
    #[must_use]
    pub fn trust_policy() -> Policy {
        let mut statement = Statement::new("LetJobsTakeTheRole", &["sts:AssumeRole"], Vec::new());
        statement.principal = Some(json!({"Service": SERVICE}));
        Policy::new(vec![statement])
    }

    /// What a person or program needs to upload the manifests, and to create and steer the jobs.
    #[must_use]
    pub fn submitter_policy(&self) -> Policy {
        const UPLOAD: [&str; 3] = ["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload"];
        const LOOK: [&str; 4] = [
            "s3:ListBucket",
            "s3:GetEncryptionConfiguration",
            "s3:GetBucketVersioning",
            "s3:GetLifecycleConfiguration",
        ];
        let Self { partition, account_id, .. } = self;
        let region = self.region.as_deref().unwrap_or("*");
        let jobs = vec![format!("arn:{partition}:s3:{region}:{account_id}:job/*")];
        let manifests = vec![self.all_below(&self.manifests)];
        let reports = vec![self.all_below(&self.reports)];
        let own = [&self.manifests, &self.reports].into_iter().chain(&self.plan);
        let own = own.map(|place| place.split('/').next().unwrap_or_default());
        let names: BTreeSet<&str> = self.buckets.iter().map(String::as_str).chain(own).collect();
        // Directory buckets are not looked at.
        let names = names.into_iter().filter(|name| !bucket::is_directory(name));
        let buckets = names.map(|name| self.bucket(name)).collect();
        let role = vec![self.role_arn.clone()];
        let to_service = json!({"StringEquals": {"iam:PassedToService": SERVICE}});
        let mut steer = vec!["s3:DescribeJob", "s3:UpdateJobStatus", "s3:UpdateJobPriority"];
        if self.tags {
            steer.push("s3:PutJobTagging");
        }
        let mut statements = vec![
            // Neither knows a resource to narrow it down to.
            Statement::new("CreateJobs", &["s3:CreateJob", "s3:ListJobs"], vec!["*".to_owned()]),
            Statement::new("SteerJobs", &steer, jobs),
            Statement::new("PassTheRole", &["iam:PassRole"], role.clone()).only_if(to_service),
            Statement::new("LookAtTheRole", &["iam:GetRole"], role),
            match &self.plan {
                None => self.allow("UploadManifests", &UPLOAD, manifests),
                Some(plan) => self.allow("ReadPlan", &["s3:GetObject"], self.in_place(plan)),
            },
            self.allow("ReadReports", &["s3:GetObject"], reports),
            // What is looked at before anything is sent.
            self.allow("LookAtBuckets", &LOOK, buckets),
        ];
        statements.extend(self.allow_manifest_keys("EncryptManifests"));
        statements.extend(self.allow_report_keys("DecryptReports", &USE_KEYS[..1]));
        Policy::new(statements)
    }

    /// The ARNs of a plan in S3 and of its manifests, which as a rule are in there.
    fn in_place(&self, plan: &str) -> Vec<String> {
        let mut places = vec![self.all_below(plan)];
        if !self.manifests.starts_with(plan) {
            places.push(self.all_below(&self.manifests));
        }
        places
    }

    /// Reading and writing manifests that are encrypted with SSE-KMS (UG, "Granting permissions for
    /// Batch Operations", for manifests that are inventory reports).
    fn allow_manifest_keys(&self, sid: &'static str) -> Option<Statement> {
        Self::allow_keys(sid, &USE_KEYS, self.manifest_keys.clone())
    }

    fn allow_report_keys(&self, sid: &'static str, action: &[&'static str]) -> Option<Statement> {
        Self::allow_keys(sid, action, self.report_keys.clone())
    }
}

/// A text as a `Resource` names it: as it is, where `*`, `?` and `${...}` would stand for others
/// (IAM User Guide, "IAM policy elements: Variables and tags": special characters, in version
/// 2012-10-17).
#[must_use]
pub(crate) fn literal(text: &str) -> String {
    let mut named = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '*' | '?' | '$' => named.extend(['$', '{', letter, '}']),
            other => named.push(other),
        }
    }
    named
}

/// The name of a role's inline policy: the operation, a bucket for people, and a digest of all that
/// it covers in S3. Plans of the same operation, buckets and places share it, so a plan and its
/// retries do. IAM takes 128 letters, digits and `+=,.@_-` (IAM API, `policyNameType`).
#[must_use]
pub(crate) fn inline_name(operation: &str, bucket: &str, policy: &Policy) -> String {
    let resources = policy.statement.iter().flat_map(|statement| &statement.resource);
    let covered: BTreeSet<&String> =
        resources.filter(|arn| arn.split(':').nth(2) == Some("s3")).collect();
    let digest = hex::sha256(json!([operation, covered]).to_string());
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    let bucket: String = bucket.chars().take(BUCKET_CHARS_MAX).map(plain).collect();
    format!("{INLINE_PREFIX}{operation}-{bucket}-{}", &digest[..NAME_DIGITS])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_stands_for_itself_in_a_policy() {
        assert_eq!(literal("plans/a-b_c/"), "plans/a-b_c/");
        assert_eq!(literal("a?b*"), "a${?}b${*}");
        assert_eq!(literal("${aws:username}/$"), "${$}{aws:username}/${$}");
    }

    #[test]
    fn policies_grant_the_places_and_nothing_that_looks_like_them() {
        let place = |prefix: &str| format!("manifests/{prefix}/");
        let access = Access {
            partition: "aws".to_owned(),
            account_id: "111122223333".to_owned(),
            region: None,
            role_arn: "arn:aws:iam::111122223333:role/batch".to_owned(),
            buckets: vec!["demo".to_owned()],
            versions: false,
            object_keys: Vec::new(),
            target_keys: Vec::new(),
            manifest_keys: Vec::new(),
            report_keys: Vec::new(),
            manifests: place("p?/q"),
            plan: Some(place("plan*")),
            reports: place("${aws:username}"),
            tags: false,
        };
        let of = |policy: Policy, sid: &str| {
            let mut statements = policy.statement.into_iter();
            statements.find(|statement| statement.sid == sid).unwrap().resource
        };
        let [manifests, plan, reports] = ["p${?}/q", "plan${*}", "${$}{aws:username}"]
            .map(|prefix| format!("arn:aws:s3:::manifests/{prefix}/*"));
        assert_eq!(of(access.role_policy(Vec::new()), "ReadManifests"), [manifests.as_str()]);
        assert_eq!(of(access.role_policy(Vec::new()), "WriteReports"), [reports.as_str()]);
        assert_eq!(of(access.submitter_policy(), "ReadReports"), [reports.as_str()]);
        assert_eq!(of(access.submitter_policy(), "ReadPlan"), [plan, manifests]);
    }
}
