//! The command line of `filter` as typed: which rows, for which operation, cut how.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

use super::arg_values::{column_name, objects, operations, size};
use super::operation_args::OnOff;
use super::output_format::Format;
use super::partition_args::PartitionArgs;
use super::report_args::{ReadArgs, ReportArgs, WHERE_HELP};
use super::{CliError, given};
use crate::diagnostic::parameter::MANIFEST_BUCKET;
use crate::operation::job::S3Prefix;
use crate::operation::{CopyClass, OperationKind};
use crate::plan::{
    Emit, FilterOptions, ManifestDigest, OBJECTS_MAX, OperationOptions, SHARD_BYTES_MAX,
    ShardBounds,
};
use crate::query::Query;
use crate::source::Location;

const FILTER_EXAMPLES: &str = "\
Examples:
  s3sieve filter REPORT --where \"BucketKeyStatus = 'DISABLED' AND EncryptionStatus = 'SSE-KMS'\" \\
      --for update-encryption --bucket-key on --out plan
  s3sieve filter REPORT --where \"Key LIKE 'photos/%'\" --for copy --storage-class GLACIER_IR \\
      --include-ineligible archived --out plan
The reasons for which an operation excludes rows are in docs/eligibility.md.";

fn filter_help() -> String {
    format!("{FILTER_EXAMPLES}\n\n{WHERE_HELP}")
}

#[derive(Debug, ClapArgs)]
#[command(after_help = filter_help())]
pub(super) struct FilterArgs {
    #[command(flatten)]
    pub(super) report: ReportArgs,
    #[command(flatten)]
    query: QueryArgs,
    #[command(flatten)]
    operation: ForArgs,
    #[command(flatten)]
    emit: EmitArgs,
    #[command(flatten)]
    pub(super) partition: PartitionArgs,
    /// The digests by which plan.json knows the manifests
    #[arg(long, value_enum, default_value_t)]
    digest: DigestArg,
    /// The folder for the plan, also in S3: plan.json, manifests/, excluded/
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Replace the plan that stands in DIR
    #[arg(long)]
    force: bool,
    /// Leave version ids out of the manifests, so that jobs act on current versions
    #[arg(long)]
    no_version_ids: bool,
    /// Objects in a manifest at most, for example 1000000 or 1,000,000
    #[arg(long, value_name = "N", default_value_t = OBJECTS_MAX, value_parser = objects)]
    max_objects: u64,
    /// Size of a manifest at most, for example 512MiB, 1.5GB or 5G (GiB) [default: 5GiB]
    #[arg(long, value_name = "SIZE", value_parser = size, default_value_t = SHARD_BYTES_MAX,
        hide_default_value = true)]
    max_bytes: u64,
    /// Spread the rows evenly over at most N manifests (100000 at most)
    #[arg(long, value_name = "N")]
    jobs: Option<u64>,
    /// Manifests of their own for each value of these columns
    #[arg(long, value_name = "COLUMN", value_delimiter = ',', value_parser = column_name)]
    split_by: Vec<String>,
    /// Memory for output that waits for its turn; beyond it, output waits on disk in DIR
    /// [default: 16MiB and 8MiB a thread]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    memory: Option<u64>,
    #[command(flatten)]
    read: ReadArgs,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
}

#[derive(Debug, ClapArgs)]
#[group(required = true, multiple = false)]
struct QueryArgs {
    /// Keep the rows for which this SQL expression is true
    #[arg(long = "where", value_name = "EXPRESSION", allow_hyphen_values = true)]
    filter: Option<String>,
    /// Keep the rows that an S3 Select statement selects, for example
    /// "select s._1, s._2, s._3 from s3object s where s._6 = 'DISABLED'"
    #[arg(long, value_name = "STATEMENT")]
    sql: Option<String>,
}

/// The operation that a plan is for.
#[derive(Debug, ClapArgs)]
struct ForArgs {
    /// Exclude the rows that this operation can't do, by reason, in excluded/
    #[arg(long = "for", value_name = "OPERATION", value_parser = operations())]
    operation: Option<OperationKind>,
    /// Keep the rows that would be excluded for this reason; may be given several times
    #[arg(long, value_name = "REASON", requires = "operation")]
    include_ineligible: Vec<String>,
    /// With --for copy: the storage class of the copies, or `keep`, for which each class gets
    /// manifests of its own [default: keep]
    #[arg(long, value_name = "CLASS", requires = "operation", value_parser = CopyClass::from_name)]
    storage_class: Option<CopyClass>,
    /// With --for update-encryption: whether the objects are to use a bucket key, which `submit`
    /// then knows
    #[arg(long, value_enum, requires = "operation")]
    bucket_key: Option<OnOff>,
}

impl ForArgs {
    fn options(&self) -> Option<OperationOptions> {
        self.operation.map(|kind| OperationOptions {
            kind,
            include_ineligible: self.include_ineligible.clone(),
            storage_class: self.storage_class,
            bucket_key: self.bucket_key.map(OnOff::is_on),
        })
    }
}

/// What the manifests of a plan are.
#[derive(Debug, ClapArgs)]
struct EmitArgs {
    /// What manifests are; inventory is experimental, for no live job has been run on one yet
    #[arg(long, value_enum, default_value_t)]
    emit: EmitArg,
    /// With --emit inventory: where the manifests will lie, `s3://BUCKET/PREFIX`, for each names
    /// its data files by key
    #[arg(long, value_name = "ADDRESS", required_if_eq("emit", "inventory"))]
    manifest_bucket: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum EmitArg {
    /// CSV files
    #[default]
    Csv,
    /// Inventory reports (experimental): compressed, and S3 takes them from buckets with SSE-KMS
    Inventory,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum DigestArg {
    /// CRC-64/NVME, which S3 checks: it finds damage, not malice
    #[default]
    Crc64nvme,
    /// SHA-256, too: slower, and manifests in S3 are read where they are checked
    Sha256,
}

impl DigestArg {
    fn digest(self) -> ManifestDigest {
        match self {
            Self::Crc64nvme => ManifestDigest::Crc64Nvme,
            Self::Sha256 => ManifestDigest::Sha256,
        }
    }
}

impl EmitArgs {
    fn emit(&self) -> Result<Emit, CliError> {
        match (self.emit, self.manifest_bucket.as_deref()) {
            (EmitArg::Inventory, Some(place)) => {
                Ok(Emit::Inventory(S3Prefix::parse(MANIFEST_BUCKET, place)?))
            }
            (EmitArg::Csv, Some(_)) => Err(CliError::usage(
                "--manifest-bucket goes with --emit inventory: for CSV manifests, `s3sieve submit` \
                 takes it"
                    .to_owned(),
            )),
            (_, None) => Ok(Emit::Csv),
        }
    }
}

impl FilterArgs {
    /// The folder for the plan. `s3:/BUCKET` is an address that misses a slash, not a folder here.
    fn out(&self) -> Result<Location, CliError> {
        given::check_out(&self.out)?;
        self.report.aws.way().on(self.read.threads()).location(&self.out)
    }

    pub(super) fn options(&self) -> Result<FilterOptions, CliError> {
        let query = match (&self.query.filter, &self.query.sql) {
            (Some(text), _) => Query::Where(text.clone()),
            (None, Some(text)) => Query::Sql(text.clone()),
            (None, None) => Query::All,
        };
        let (objects_max, bytes_max) = (self.max_objects, self.max_bytes);
        let bounds = ShardBounds { objects_max, bytes_max, jobs: self.jobs };
        let mut options = FilterOptions::new(query, self.out()?)
            .force(self.force)
            .version_ids(!self.no_version_ids)
            .digest(self.digest.digest())
            .bounds(bounds)
            .split_by(self.split_by.clone())
            .keep_going(self.read.keep_going)
            .scan(self.read.scan());
        options.operation = self.operation.options();
        options.emit = self.emit.emit()?;
        options.memory_bytes =
            self.memory.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        Ok(options)
    }
}
