//! The command line of `list` as typed.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use jiff::Timestamp;

use super::arg_values::{local_folder, moment};
use super::aws::AwsArgs;
use super::output_format::Format;

const LIST_HELP: &str = "\
Columns that the listing itself tells: Size, LastModifiedDate, ETag, StorageClass,
IsMultipartUploaded, ChecksumAlgorithm. Columns that take a HeadObject request for each object:
EncryptionStatus, BucketKeyStatus, ReplicationStatus, ObjectLockMode, ObjectLockRetainUntilDate,
ObjectLockLegalHoldStatus. Bucket and Key are in every report; VersionId, IsLatest and
IsDeleteMarker with --versions.

Examples:
  s3sieve list s3://photos --newer-than 2026-01-31 --out young
  s3sieve list s3://photos/2026/ --versions --columns Size,EncryptionStatus,BucketKeyStatus \\
      --newer-than 2026-01-31 --out young
  s3sieve count young --by BucketKeyStatus";

#[derive(Debug, ClapArgs)]
#[command(after_help = LIST_HELP)]
pub(super) struct ListArgs {
    #[arg(value_name = "s3://BUCKET[/PREFIX]", help = "The bucket, and what the keys begin with")]
    pub(super) prefix: PathBuf,
    /// An empty or new folder for the report
    #[arg(long, value_name = "DIR", value_parser = local_folder())]
    pub(super) out: PathBuf,
    /// The columns, besides those of every report [default: those that the listing itself tells]
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    pub(super) columns: Vec<String>,
    /// List all versions, delete markers among them
    #[arg(long)]
    pub(super) versions: bool,
    /// Only what was last modified after this, for example 2026-01-31 (from its begin, in UTC) or
    /// 2026-01-31T14:00Z
    #[arg(long, value_name = "DATE", value_parser = moment)]
    pub(super) newer_than: Option<Timestamp>,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
    #[command(flatten)]
    pub(super) aws: AwsArgs,
}
