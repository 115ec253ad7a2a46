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
Each shows what it would change, and changes nothing without --apply. docs/setup.md walks through
them.";

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
    Role(Box<PolicyArgs>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Frequency {
    /// Every day
    Daily,
    /// Every Sunday
    Weekly,
}

/// The account whose settings are changed.
#[derive(Debug, ClapArgs)]
pub(super) struct AccountArgs {
    /// The account that the credentials must be of; it is shown in any case
    #[arg(long, value_name = "ID")]
    pub(super) account_id: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct InventoryArgs {
    /// The bucket that the reports list
    #[arg(long, value_name = "NAME")]
    pub(super) bucket: String,
    /// Where the reports go: `s3://BUCKET/PREFIX`, in the same region
    #[arg(long, value_name = "ADDRESS")]
    pub(super) destination: String,
    /// The configuration's name; one of this name is added to
    #[arg(long, value_name = "NAME", default_value = "s3sieve")]
    pub(super) id: String,
    /// How often there is a report
    #[arg(long, value_enum, default_value_t = Frequency::Daily)]
    pub(super) frequency: Frequency,
    /// List current versions only
    #[arg(long)]
    pub(super) current_versions_only: bool,
    /// The bucket's region
    #[arg(long, value_name = "REGION")]
    pub(super) region: Option<String>,
    #[command(flatten)]
    pub(super) account: AccountArgs,
}

#[derive(Debug, ClapArgs)]
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
pub(super) struct LifecycleArgs {
    /// The bucket
    #[arg(long, value_name = "NAME")]
    pub(super) bucket: String,
    /// Days from when a version stops being the current one until it goes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    pub(super) days: i32,
    /// Only keys that begin with this
    #[arg(long, value_name = "PREFIX", default_value = "", hide_default_value = true)]
    pub(super) prefix: String,
    /// The rule's name; a rule of this name is changed
    #[arg(long, value_name = "NAME", default_value = "s3sieve-noncurrent-versions")]
    pub(super) id: String,
    /// The bucket's region
    #[arg(long, value_name = "REGION")]
    pub(super) region: Option<String>,
    #[command(flatten)]
    pub(super) account: AccountArgs,
}
