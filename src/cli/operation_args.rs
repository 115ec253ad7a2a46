//! The command line of `submit` and `policy` as typed: which operation, its parameters, and where
//! its jobs run. What AWS would refuse of them is refused by the operation's own module.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

#[cfg(feature = "aws")]
use super::arg_values::at_least_one;
use super::arg_values::{local_folder, operations, priority};
use super::aws::ReachArgs;
use super::output_format::Format;
#[cfg(feature = "aws")]
use super::service_args::ServiceArgs;
use super::{CliError, parameter_file, plan_args};
#[cfg(feature = "aws")]
use crate::operation::job::ACTIVE_JOBS_MAX;
use crate::operation::job::ReportScope;
use crate::operation::{
    CopyClass, Operation, OperationKind, acl, checksum, copy, delete_tags, given, lambda,
    legal_hold, replicate, restore, retention, tag, update_encryption,
};
use crate::plan::{ForOperation, PlanHandle};

const SUBMIT_HELP: &str = "\
Examples:
  s3sieve submit plan --dry-run --operation update-encryption --bucket-key on \\
      --kms-key-arn arn:aws:kms:us-east-1:111122223333:key/ID --region us-east-1 \\
      --account-id 111122223333 --role-arn arn:aws:iam::111122223333:role/batch \\
      --manifest-bucket s3://manifests/s3sieve --report s3://reports/s3sieve
  s3sieve submit plan --dry-run --operation copy --target-bucket photos \\
      --storage-class keep --sse KMS --bucket-key on ... --out requests
The requests are what `aws s3control create-job --cli-input-json` takes. docs/jobs.md walks
through them.";

#[derive(Debug, ClapArgs)]
#[command(after_help = SUBMIT_HELP)]
pub(super) struct SubmitArgs {
    /// The folder of a plan, as `s3sieve filter --out` wrote it; one in S3 is used where it is
    #[arg(value_name = "DIR")]
    pub(super) plan: PathBuf,
    /// Where the journal of a plan in S3 is kept, on this machine [default: a folder in the
    /// current one, named by the plan's name and digest]
    #[cfg(feature = "aws")]
    #[arg(long, value_name = "DIR")]
    pub(super) state: Option<PathBuf>,
    /// Show the requests, and send nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) operation: OperationArgs,
    #[command(flatten)]
    pub(super) place: PlaceArgs,
    /// The ARN of the role that the jobs take; `s3sieve policy` writes what it needs
    #[arg(long, value_name = "ARN", help_heading = JOBS)]
    pub(super) role_arn: String,
    /// What completion reports list [default: `FailedTasksOnly`; for checksum `AllTasks`, for the
    /// checksums stand only there]
    #[arg(long, value_enum, help_heading = JOBS)]
    report_scope: Option<ScopeArg>,
    /// 0 to 2147483647; jobs with a higher priority go first
    #[arg(long, value_name = "N", default_value_t = 10, allow_negative_numbers = true,
        value_parser = priority, help_heading = JOBS)]
    pub(super) priority: i32,
    /// A text that the jobs are listed with [default: operation, manifest and plan]
    #[arg(long, value_name = "TEXT", help_heading = JOBS)]
    pub(super) description: Option<String>,
    /// Let jobs run as soon as they are ready, instead of waiting for your word
    #[arg(long, help_heading = JOBS)]
    pub(super) no_confirmation: bool,
    /// Jobs that may be open at a time; the others are created as these end
    #[cfg(feature = "aws")]
    #[arg(long, value_name = "N", default_value_t = ACTIVE_JOBS_MAX, help_heading = JOBS,
        value_parser = at_least_one)]
    pub(super) max_active: usize,
    /// Create jobs anew that ended before they ran a task, and those that were withdrawn
    #[cfg(feature = "aws")]
    #[arg(long, conflicts_with = "dry_run", help_heading = JOBS)]
    pub(super) again: bool,
    #[cfg(feature = "aws")]
    #[command(flatten)]
    pub(super) service: ServiceArgs,
    /// With --dry-run: write each request to a file of its own in this new folder
    #[arg(long, value_name = "DIR", requires = "dry_run", value_parser = local_folder())]
    pub(super) out: Option<PathBuf>,
    /// How the result is shown; with --dry-run as JSON, a request a line
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
}

impl SubmitArgs {
    /// The plan, and the folder of its journal.
    #[cfg(feature = "aws")]
    pub(super) fn open(&self) -> Result<PlanHandle, CliError> {
        let mut way = self.service.way(self.place.region.as_deref());
        plan_args::open(&self.plan, self.state.as_deref(), &mut way)
    }

    /// The plan.
    #[cfg(not(feature = "aws"))]
    pub(super) fn open(&self) -> Result<PlanHandle, CliError> {
        plan_args::open(&self.plan, None, &mut ReachArgs {}.way(None))
    }

    /// What completion reports are to list, if that was said.
    pub(super) fn report_scope(&self) -> Option<ReportScope> {
        self.report_scope.map(|scope| match scope {
            ScopeArg::FailedTasksOnly => ReportScope::FailedTasksOnly,
            ScopeArg::AllTasks => ReportScope::AllTasks,
        })
    }
}

const POLICY_HELP: &str = "\
Example:
  s3sieve policy plan --operation update-encryption --bucket-key on \\
      --kms-key-arn arn:aws:kms:us-east-1:111122223333:key/ID --region us-east-1 \\
      --account-id 111122223333 --role-name batch \\
      --manifest-bucket s3://manifests/s3sieve --report s3://reports/s3sieve --out policies
docs/policies.md says why each statement is there.";

#[derive(Debug, ClapArgs)]
#[command(after_help = POLICY_HELP)]
pub(super) struct PolicyCommandArgs {
    #[command(flatten)]
    pub(super) policy: PolicyArgs,
    #[command(flatten)]
    pub(super) reach: ReachArgs,
}

/// What policies are made from, for `policy` and `setup role`.
#[derive(Debug, ClapArgs)]
pub(super) struct PolicyArgs {
    /// The folder of a plan, as `s3sieve filter --out` wrote it, also in S3
    #[arg(value_name = "DIR")]
    pub(super) plan: PathBuf,
    #[command(flatten)]
    pub(super) operation: OperationArgs,
    #[command(flatten)]
    pub(super) place: PlaceArgs,
    #[command(flatten)]
    pub(super) role: RoleArgs,
    /// Keys that the objects are encrypted with, which no report tells; may be given several times
    #[arg(long = "object-kms-key-arn", value_name = "ARN", help_heading = JOBS)]
    pub(super) object_keys: Vec<String>,
    /// How the target bucket of copies encrypts by default, where they get that: `sse-s3`, `aws/s3`
    /// (AWS's own key), or its KMS key's ARN. `setup role` asks the bucket, `policy` asks you
    #[arg(long, value_name = "sse-s3|aws/s3|ARN", help_heading = JOBS)]
    pub(super) target_encryption: Option<String>,
    /// The key that the bucket of the completion reports encrypts with by default, by its ARN;
    /// `setup role` asks the bucket
    #[arg(long = "report-kms-key-arn", value_name = "ARN", help_heading = JOBS)]
    pub(super) report_key: Option<String>,
    /// The key that the manifests are encrypted with, by its ARN; with --emit inventory alone, for
    /// S3 takes no CSV manifests with SSE-KMS
    #[arg(long = "manifest-kms-key-arn", value_name = "ARN", help_heading = JOBS)]
    pub(super) manifest_key: Option<String>,
    /// Write role-policy.json, trust-policy.json and submitter-policy.json to this new folder
    #[arg(long, value_name = "DIR", value_parser = local_folder())]
    pub(super) out: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
#[group(required = true, multiple = false)]
pub(super) struct RoleArgs {
    /// The ARN of the role that the jobs take
    #[arg(long, value_name = "ARN", help_heading = JOBS)]
    pub(super) role_arn: Option<String>,
    /// The name of that role, where it is yet to be made
    #[arg(long, value_name = "NAME", help_heading = JOBS)]
    pub(super) role_name: Option<String>,
}

const JOBS: &str = "Jobs";

/// Where jobs run, read and write.
#[derive(Debug, ClapArgs)]
pub(super) struct PlaceArgs {
    /// The account of the jobs
    #[arg(long, value_name = "ID", help_heading = JOBS)]
    pub(super) account_id: String,
    /// The region of the objects; for copy, of the target bucket [default: `AWS_REGION`, then the
    /// profile's where the profile is read]
    #[arg(long, value_name = "REGION", help_heading = JOBS)]
    pub(super) region: Option<String>,
    /// Where the manifests are uploaded to: `s3://BUCKET/PREFIX`; each plan gets a folder of its
    /// own there. Not for a plan in S3, whose manifests are read where they are
    #[arg(long, value_name = "ADDRESS", help_heading = JOBS)]
    pub(super) manifest_bucket: Option<String>,
    /// Where completion reports go: `s3://BUCKET/PREFIX`
    #[arg(long, value_name = "ADDRESS", help_heading = JOBS)]
    pub(super) report: String,
    /// A tag of the jobs; up to 50
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = pair, help_heading = JOBS)]
    pub(super) tags: Vec<(String, String)>,
}

/// What completion reports list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ScopeArg {
    /// Tasks that failed
    #[value(name = "FailedTasksOnly")]
    FailedTasksOnly,
    /// All tasks
    #[value(name = "AllTasks")]
    AllTasks,
}

/// Whether something is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum OnOff {
    /// It is
    On,
    /// It is not
    Off,
}

impl OnOff {
    pub(super) fn is_on(self) -> bool {
        self == Self::On
    }
}

const UPDATE_ENCRYPTION: &str = "--operation update-encryption";
const COPY: &str = "--operation copy";
const TAG: &str = "--operation tag";
const RESTORE: &str = "--operation restore";
const ACL: &str = "--operation acl";
const LEGAL_HOLD: &str = "--operation legal-hold";
const RETENTION: &str = "--operation retention";
const CHECKSUM: &str = "--operation checksum";
const LAMBDA: &str = "--operation lambda";

/// Which operation, and its parameters.
#[derive(Debug, ClapArgs)]
pub(super) struct OperationArgs {
    /// What the jobs do to each object (delete-tags and replicate have no parameters)
    #[arg(long, value_name = "NAME", value_parser = operations(), required_unless_present =
        "operation_json")]
    operation: Option<OperationKind>,
    /// A file with an operation as AWS documents it (`JobOperation`), passed on as it is
    #[arg(long, value_name = "FILE", conflicts_with = "operation")]
    operation_json: Option<PathBuf>,

    /// The key to encrypt with, by its full ARN [also: copy]
    #[arg(long, value_name = "ARN", help_heading = UPDATE_ENCRYPTION)]
    kms_key_arn: Option<String>,
    /// Whether S3 asks KMS once a bucket instead of once an object [also: copy] [default: the
    /// plan's, if it was made with --bucket-key]
    #[arg(long, value_enum, help_heading = UPDATE_ENCRYPTION)]
    bucket_key: Option<OnOff>,

    /// The bucket to copy to; the objects' own copies them in place
    #[arg(long, value_name = "BUCKET", help_heading = COPY)]
    target_bucket: Option<String>,
    /// Stands before the keys of the copies
    #[arg(long, value_name = "PREFIX", help_heading = COPY)]
    target_prefix: Option<String>,
    /// The class of the copies, or keep (of a plan split by `StorageClass`) [default: the plan's,
    /// if it was made --for copy]
    #[arg(long, value_name = "CLASS", value_parser = CopyClass::from_name, help_heading = COPY)]
    storage_class: Option<CopyClass>,
    /// How copies are encrypted: none (the bucket's default), AES256 or KMS [default: none]
    #[arg(long, value_name = "HOW", help_heading = COPY)]
    sse: Option<String>,
    /// What becomes of the tags: keep, replace or none [default: keep]
    #[arg(long, value_name = "WHAT", help_heading = COPY)]
    object_tags: Option<String>,
    /// What becomes of the metadata: COPY or REPLACE [default: COPY]
    #[arg(long, value_name = "WHAT", help_heading = COPY)]
    metadata: Option<String>,
    /// New metadata
    #[arg(long, value_name = "TEXT", help_heading = COPY)]
    cache_control: Option<String>,
    /// New metadata
    #[arg(long, value_name = "TEXT", help_heading = COPY)]
    content_disposition: Option<String>,
    /// New metadata
    #[arg(long, value_name = "TEXT", help_heading = COPY)]
    content_encoding: Option<String>,
    /// New metadata
    #[arg(long, value_name = "TEXT", help_heading = COPY)]
    content_language: Option<String>,
    /// New metadata
    #[arg(long, value_name = "TEXT", help_heading = COPY)]
    content_type: Option<String>,
    /// New metadata, such as 2030-01-31T00:00:00Z
    #[arg(long, value_name = "TIME", help_heading = COPY)]
    expires: Option<String>,
    /// New metadata; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair, help_heading = COPY)]
    user_metadata: Vec<(String, String)>,
    /// Copy only what has changed since, for example 2030-01-31T00:00:00Z
    #[arg(long, value_name = "TIME", help_heading = COPY)]
    modified_since: Option<String>,
    /// Copy only what has not changed since
    #[arg(long, value_name = "TIME", help_heading = COPY)]
    unmodified_since: Option<String>,
    /// Where the website of the target bucket redirects the copies to
    #[arg(long, value_name = "ADDRESS", help_heading = COPY)]
    redirect_location: Option<String>,
    /// Pay for reading a bucket whose owner has requesters pay
    #[arg(long, help_heading = COPY)]
    requester_pays: bool,

    /// A tag that each object gets, in place of all it had; up to 10 [also: copy, with
    /// --object-tags replace]
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair, help_heading = TAG)]
    object_tag: Vec<(String, String)>,

    /// For how many days restored copies stay; left out for objects of `INTELLIGENT_TIERING`, which
    /// move back for good
    #[arg(long, value_name = "N", help_heading = RESTORE)]
    restore_days: Option<u32>,
    /// How fast, and how dear: BULK or STANDARD [default: STANDARD]
    #[arg(long, value_name = "TIER", help_heading = RESTORE)]
    restore_tier: Option<String>,

    /// A canned ACL, such as bucket-owner-full-control [also: copy]
    #[arg(long, value_name = "ACL", help_heading = ACL)]
    acl: Option<String>,

    /// ON or OFF [also: copy]
    #[arg(long, value_name = "STATUS", help_heading = LEGAL_HOLD)]
    legal_hold: Option<String>,

    /// COMPLIANCE, which can't be undone, or GOVERNANCE [also: copy]
    #[arg(long, value_name = "MODE", help_heading = RETENTION)]
    retention_mode: Option<String>,
    /// Until when, for example 2030-01-31T00:00:00Z [also: copy]
    #[arg(long, value_name = "TIME", help_heading = RETENTION)]
    retain_until: Option<String>,
    /// Also where a retention in governance mode is in place
    #[arg(long, help_heading = RETENTION)]
    bypass_governance: bool,

    /// CRC64NVME, SHA256 and so on [also: copy]
    #[arg(long, value_name = "NAME", help_heading = CHECKSUM)]
    checksum_algorithm: Option<String>,
    /// Over the whole object or over its parts: `FULL_OBJECT` or `COMPOSITE`
    #[arg(long, value_name = "TYPE", help_heading = CHECKSUM)]
    checksum_type: Option<String>,

    /// The function to call, by its ARN
    #[arg(long, value_name = "ARN", help_heading = LAMBDA)]
    function_arn: Option<String>,
    /// 1.0 or 2.0 [default: 1.0]
    #[arg(long, value_name = "VERSION", help_heading = LAMBDA)]
    schema_version: Option<String>,
    /// What the function is told besides, with version 2.0; up to 10
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair, help_heading = LAMBDA)]
    user_argument: Vec<(String, String)>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) =
        text.split_once('=').ok_or_else(|| format!("`{text}` is not KEY=VALUE, as color=blue"))?;
    Ok((key.to_owned(), value.to_owned()))
}

/// The flag that names the class of copies.
pub(super) const STORAGE_CLASS: &str = "--storage-class";

/// A flag, whether it was given, and the operations that it is a parameter of.
type FlagUse = (&'static str, bool, &'static [OperationKind]);

impl OperationArgs {
    /// The operation with its parameters, and of which kind it is. What is not given is as the plan
    /// was made with.
    pub(super) fn operation(
        &self,
        planned: Option<&ForOperation>,
    ) -> Result<(OperationKind, Box<dyn Operation>), CliError> {
        if let Some(path) = &self.operation_json {
            self.refuse_foreign(None)?;
            let text = parameter_file::text(path)?;
            let given = given::GivenParameters::parse(&text)?;
            return Ok((given.kind(), Box::new(given)));
        }
        let Some(kind) = self.operation else {
            return Err(CliError::usage("--operation is missing".to_owned()));
        };
        self.refuse_foreign(Some(kind))?;
        let operation: Box<dyn Operation> = match kind {
            OperationKind::UpdateEncryption => {
                Box::new(update_encryption::UpdateEncryptionParameters {
                    key_arn: self.kms_key_arn.clone(),
                    bucket_key: self
                        .bucket_key
                        .map(OnOff::is_on)
                        .or(planned.and_then(|planned| planned.bucket_key)),
                })
            }
            OperationKind::Copy => {
                Box::new(self.copy(planned.and_then(|planned| planned.storage_class)))
            }
            OperationKind::Tag => Box::new(tag::TagParameters { tags: self.object_tag.clone() }),
            OperationKind::DeleteTags => Box::new(delete_tags::DeleteTagsParameters),
            OperationKind::Restore => Box::new(restore::RestoreParameters {
                days: self.restore_days,
                tier: self.restore_tier.clone(),
            }),
            OperationKind::Acl => Box::new(acl::AclParameters { acl: self.acl.clone() }),
            OperationKind::LegalHold => {
                Box::new(legal_hold::LegalHoldParameters { status: self.legal_hold.clone() })
            }
            OperationKind::Retention => Box::new(retention::RetentionParameters {
                mode: self.retention_mode.clone(),
                until: self.retain_until.clone(),
                bypass_governance: self.bypass_governance,
            }),
            OperationKind::Replicate => Box::new(replicate::ReplicateParameters),
            OperationKind::Checksum => Box::new(checksum::ChecksumParameters {
                algorithm: self.checksum_algorithm.clone(),
                checksum_type: self.checksum_type.clone(),
            }),
            OperationKind::Lambda => Box::new(lambda::LambdaParameters {
                function_arn: self.function_arn.clone(),
                schema_version: self.schema_version.clone(),
                arguments: self.user_argument.clone(),
            }),
        };
        Ok((kind, operation))
    }

    /// What the plan was made with and is overridden, if anything is.
    pub(super) fn overrides(&self, planned: &ForOperation) -> Option<String> {
        let switch = |is_on: bool| if is_on { "on" } else { "off" };
        let differ = |flag: &str, planned: &str, given: &str| {
            format!(
                "the plan was made with {flag} {planned}, and its jobs get {given}, which is given \
                 here"
            )
        };
        let bucket_key = planned.bucket_key.zip(self.bucket_key.map(OnOff::is_on));
        let class = planned.storage_class.zip(self.storage_class);
        if let Some((planned, given)) = bucket_key.filter(|(planned, given)| planned != given) {
            return Some(differ("--bucket-key", switch(planned), switch(given)));
        }
        let (planned, given) = class.filter(|(planned, given)| planned != given)?;
        Some(differ(STORAGE_CLASS, planned.name(), given.name()))
    }

    /// The class of copies that the plan names, where the command line names none.
    pub(super) fn class_of_plan(&self, planned: &ForOperation) -> Option<CopyClass> {
        if self.storage_class.is_some() || self.operation != Some(OperationKind::Copy) {
            return None;
        }
        planned.storage_class
    }

    fn copy(&self, storage_class: Option<CopyClass>) -> copy::CopyParameters {
        copy::CopyParameters {
            target_bucket: self.target_bucket.clone(),
            target_prefix: self.target_prefix.clone(),
            storage_class: self.storage_class.or(storage_class),
            sse: self.sse.clone(),
            key_arn: self.kms_key_arn.clone(),
            bucket_key: self.bucket_key.map(OnOff::is_on),
            tags_directive: self.object_tags.clone(),
            tags: self.object_tag.clone(),
            metadata_directive: self.metadata.clone(),
            metadata: copy::Metadata {
                cache_control: self.cache_control.clone(),
                content_disposition: self.content_disposition.clone(),
                content_encoding: self.content_encoding.clone(),
                content_language: self.content_language.clone(),
                user: self.user_metadata.clone(),
                content_type: self.content_type.clone(),
                expires: self.expires.clone(),
            },
            acl: self.acl.clone(),
            checksum_algorithm: self.checksum_algorithm.clone(),
            legal_hold: self.legal_hold.clone(),
            lock_mode: self.retention_mode.clone(),
            lock_until: self.retain_until.clone(),
            modified_since: self.modified_since.clone(),
            unmodified_since: self.unmodified_since.clone(),
            redirect_location: self.redirect_location.clone(),
            requester_pays: self.requester_pays,
        }
    }

    /// Refuses a flag that is not a parameter of the operation (of none, with `--operation-json`).
    fn refuse_foreign(&self, kind: Option<OperationKind>) -> Result<(), CliError> {
        let foreign = |(_, given, owners): &FlagUse| {
            *given && !kind.is_some_and(|kind| owners.contains(&kind))
        };
        let Some((flag, _, owners)) = self.belongings().into_iter().find(foreign) else {
            return Ok(());
        };
        Err(CliError::usage(match kind {
            Some(kind) => {
                let owners: Vec<&str> = owners.iter().map(|owner| owner.name()).collect();
                let name = kind.name();
                format!(
                    "{flag} is no parameter of --operation {name}, but of {}",
                    owners.join(", ")
                )
            }
            None => format!("{flag} does not go with --operation-json: the file holds them all"),
        }))
    }

    fn belongings(&self) -> [FlagUse; 32] {
        const COPIES: &[OperationKind] = &[OperationKind::Copy];
        const ENCRYPTS: &[OperationKind] = &[OperationKind::UpdateEncryption, OperationKind::Copy];
        const LOCKS: &[OperationKind] = &[OperationKind::Retention, OperationKind::Copy];
        [
            ("--kms-key-arn", self.kms_key_arn.is_some(), ENCRYPTS),
            ("--bucket-key", self.bucket_key.is_some(), ENCRYPTS),
            ("--target-bucket", self.target_bucket.is_some(), COPIES),
            ("--target-prefix", self.target_prefix.is_some(), COPIES),
            (STORAGE_CLASS, self.storage_class.is_some(), COPIES),
            ("--sse", self.sse.is_some(), COPIES),
            ("--object-tags", self.object_tags.is_some(), COPIES),
            ("--metadata", self.metadata.is_some(), COPIES),
            ("--cache-control", self.cache_control.is_some(), COPIES),
            ("--content-disposition", self.content_disposition.is_some(), COPIES),
            ("--content-encoding", self.content_encoding.is_some(), COPIES),
            ("--content-language", self.content_language.is_some(), COPIES),
            ("--content-type", self.content_type.is_some(), COPIES),
            ("--expires", self.expires.is_some(), COPIES),
            ("--user-metadata", !self.user_metadata.is_empty(), COPIES),
            ("--modified-since", self.modified_since.is_some(), COPIES),
            ("--unmodified-since", self.unmodified_since.is_some(), COPIES),
            ("--redirect-location", self.redirect_location.is_some(), COPIES),
            ("--requester-pays", self.requester_pays, COPIES),
            (
                "--object-tag",
                !self.object_tag.is_empty(),
                &[OperationKind::Tag, OperationKind::Copy],
            ),
            ("--restore-days", self.restore_days.is_some(), &[OperationKind::Restore]),
            ("--restore-tier", self.restore_tier.is_some(), &[OperationKind::Restore]),
            ("--acl", self.acl.is_some(), &[OperationKind::Acl, OperationKind::Copy]),
            (
                "--legal-hold",
                self.legal_hold.is_some(),
                &[OperationKind::LegalHold, OperationKind::Copy],
            ),
            ("--retention-mode", self.retention_mode.is_some(), LOCKS),
            ("--retain-until", self.retain_until.is_some(), LOCKS),
            ("--bypass-governance", self.bypass_governance, &[OperationKind::Retention]),
            (
                "--checksum-algorithm",
                self.checksum_algorithm.is_some(),
                &[OperationKind::Checksum, OperationKind::Copy],
            ),
            ("--checksum-type", self.checksum_type.is_some(), &[OperationKind::Checksum]),
            ("--function-arn", self.function_arn.is_some(), &[OperationKind::Lambda]),
            ("--schema-version", self.schema_version.is_some(), &[OperationKind::Lambda]),
            ("--user-argument", !self.user_argument.is_empty(), &[OperationKind::Lambda]),
        ]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::{Args as _, Command};

    use super::*;

    /// A flag that is missing from the list would be ignored where it doesn't belong.
    #[test]
    fn every_parameter_belongs_to_an_operation() {
        let command = OperationArgs::augment_args(Command::new("test"));
        let flags = command.get_arguments().filter_map(|arg| arg.get_long());
        let parameters: BTreeSet<String> = flags
            .filter(|flag| !matches!(*flag, "operation" | "operation-json"))
            .map(|flag| format!("--{flag}"))
            .collect();
        let matches = command.clone().get_matches_from(["test", "--operation", "replicate"]);
        let args = <OperationArgs as clap::FromArgMatches>::from_arg_matches(&matches).unwrap();
        let listed: BTreeSet<String> =
            args.belongings().iter().map(|(flag, ..)| (*flag).to_owned()).collect();
        assert_eq!(parameters, listed);
    }
}
