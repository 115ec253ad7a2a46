//! The command line of `setup` as typed.

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

use super::operation_args::PolicyArgs;
use super::service_args::ServiceArgs;

const SETUP_HELP: &str = "\
Examples:
  s3sieve setup inventory --bucket photos --destination s3://reports/inventory
  s3sieve setup bucket-key --bucket photos --apply
  s3sieve setup lifecycle --bucket photos --days 30
  s3sieve setup role plan --role-name batch --operation copy ... (as for `s3sieve policy`)
Each shows what it would change, and changes nothing without --apply. `s3sieve setup inventory
--help` and so on list the permissions that each takes. docs/setup.md walks through them.";

const INVENTORY_HELP: &str = "\
Permissions:
  on the bucket           s3:GetInventoryConfiguration, s3:PutInventoryConfiguration
  on the destination      s3:GetBucketPolicy, s3:PutBucketPolicy, s3:GetEncryptionConfiguration
Without those on the destination it says what its policy must hold.";

const BUCKET_KEY_HELP: &str = "\
Permissions:
  on the bucket           s3:GetEncryptionConfiguration, s3:PutEncryptionConfiguration;
                          s3:ListBucket with --kms-key-arn, to learn the bucket's region";

const ROLE_HELP: &str = "\
Example:
  s3sieve setup role plan --operation copy --target-bucket photos --storage-class keep \\
      --region us-east-1 --account-id 111122223333 --role-name batch \\
      --manifest-bucket s3://manifests/s3sieve --report s3://reports/s3sieve --apply
Permissions:
  on the role             iam:GetRole, iam:ListRolePolicies, iam:GetRolePolicy, iam:CreateRole,
                          iam:UpdateAssumeRolePolicy, iam:PutRolePolicy
  on the target of copies, and on the bucket of the completion reports
                          s3:GetEncryptionConfiguration, or name their keys with
                          --target-encryption and --report-kms-key-arn";

const LIFECYCLE_HELP: &str = "\
Permissions:
  on the bucket           s3:GetLifecycleConfiguration, s3:PutLifecycleConfiguration;
                          s3:GetBucketVersioning to warn where no versions are kept";

#[derive(Debug, ClapArgs)]
#[command(after_help = SETUP_HELP)]
pub(super) struct SetupArgs {
    #[command(subcommand)]
    pub(super) action: SetupAction,
    #[command(flatten)]
    pub(super) service: ServiceArgs,
    /// Make the change, rather than show it
    #[arg(long, global = true)]
    pub(super) apply: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum SetupAction {
    /// An inventory of a bucket, with every field that this program can use
    Inventory(InventoryArgs),
    /// Default encryption with a bucket key; the bucket's KMS key stays
    BucketKey(BucketKeyArgs),
    /// A lifecycle rule that expires noncurrent versions; all other rules stay
    Lifecycle(LifecycleArgs),
    /// The role of a plan's jobs, with the policy that they need
    #[command(after_help = ROLE_HELP)]
    Role(Box<PolicyArgs>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Frequency {
    /// Every day
    Daily,
    /// Every Sunday
    Weekly,
}

impl Frequency {
    /// As the API names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Daily => "Daily",
            Self::Weekly => "Weekly",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ReportFormat {
    /// Compressed CSV
    Csv,
    /// Apache Parquet
    Parquet,
    /// Apache ORC
    Orc,
}

impl ReportFormat {
    /// As the API names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Csv => "CSV",
            Self::Parquet => "Parquet",
            Self::Orc => "ORC",
        }
    }
}

/// The account whose settings are changed.
#[derive(Debug, ClapArgs)]
pub(super) struct AccountArgs {
    /// The account that the credentials must be of; it is shown in any case
    #[arg(long, value_name = "ID")]
    pub(super) account_id: Option<String>,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = INVENTORY_HELP)]
pub(super) struct InventoryArgs {
    /// The bucket that the reports list
    #[arg(long, value_name = "NAME")]
    pub(super) bucket: String,
    /// Where the reports go: `s3://BUCKET/PREFIX`, in the same region [default: where they go now]
    #[arg(long, value_name = "ADDRESS")]
    pub(super) destination: Option<String>,
    /// Let --destination change where the reports of a configuration go
    #[arg(long, requires = "destination")]
    pub(super) replace_destination: bool,
    /// The configuration's name; one of this name is added to
    #[arg(long, value_name = "NAME", default_value = "s3sieve")]
    pub(super) id: String,
    /// How often there is a report [default: as it is; daily if new]
    #[arg(long, value_enum)]
    pub(super) frequency: Option<Frequency>,
    /// List current versions only
    #[arg(long, conflicts_with = "all_versions")]
    pub(super) current_versions_only: bool,
    /// List all versions [default: as it is; all if new]
    #[arg(long)]
    pub(super) all_versions: bool,
    /// The form of the reports [default: as it is; csv if new]
    #[arg(long, value_enum)]
    pub(super) report_format: Option<ReportFormat>,
    /// How the reports are encrypted: `sse-s3`, or a key's ARN [default: as it is; if new, as the
    /// destination does it]
    #[arg(long, value_name = "sse-s3|ARN")]
    pub(super) report_encryption: Option<String>,
    /// Leave the policy of the destination's bucket alone
    #[arg(long)]
    pub(super) leave_bucket_policy: bool,
    /// The bucket's region
    #[arg(long, value_name = "REGION")]
    pub(super) region: Option<String>,
    #[command(flatten)]
    pub(super) account: AccountArgs,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = BUCKET_KEY_HELP)]
pub(super) struct BucketKeyArgs {
    /// The bucket
    #[arg(long, value_name = "NAME")]
    pub(super) bucket: String,
    /// The key to encrypt with [default: the bucket's own]
    #[arg(long, value_name = "ARN")]
    pub(super) kms_key_arn: Option<String>,
    /// The bucket's region
    #[arg(long, value_name = "REGION")]
    pub(super) region: Option<String>,
    #[command(flatten)]
    pub(super) account: AccountArgs,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = LIFECYCLE_HELP)]
pub(super) struct LifecycleArgs {
    /// The bucket
    #[arg(long, value_name = "NAME")]
    pub(super) bucket: String,
    /// Days from when a version stops being the current one until it goes
    #[arg(long, value_name = "N", value_parser = days)]
    pub(super) days: i32,
    /// Only keys that begin with this
    #[arg(long, value_name = "PREFIX", default_value = "", hide_default_value = true)]
    pub(super) prefix: String,
    /// The rule's name; of a rule of this name the days are changed, and nothing else
    #[arg(long, value_name = "NAME", default_value = "s3sieve-noncurrent-versions")]
    pub(super) id: String,
    /// The bucket's region
    #[arg(long, value_name = "REGION")]
    pub(super) region: Option<String>,
    #[command(flatten)]
    pub(super) account: AccountArgs,
}

fn days(text: &str) -> Result<i32, String> {
    let days = text.parse().ok().filter(|days| *days >= 1);
    days.ok_or_else(|| format!("`{text}` is not a number of days: give a whole number from 1 on"))
}
