//! The command line of `merge` as typed.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

use super::aws::AwsArgs;
use super::output_format::Format;

const MERGE_HELP: &str = "\
Parts are made by `s3sieve filter --partition K/N`. Merging reads what they say of themselves, and
no row: manifests stay where they are. Missing parts are printed as array jobs take them, with exit
code 5; a part that does not fit the others is exit code 3.

Examples:
  s3sieve merge plan
  s3sieve merge s3://plans/bucket-keys --status";

#[derive(Debug, ClapArgs)]
#[command(after_help = MERGE_HELP)]
pub(super) struct MergeArgs {
    /// The folder of the parts, as `filter --partition --out` wrote it, also in S3
    #[arg(value_name = "DIR")]
    pub(super) out: PathBuf,
    /// Only say which parts are missing
    #[arg(long)]
    pub(super) status: bool,
    /// What is checked of every manifest
    #[arg(long, value_enum, default_value_t)]
    pub(super) verify: VerifyShardsArg,
    #[command(flatten)]
    pub(super) aws: AwsArgs,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum VerifyShardsArg {
    /// That it is there, with its length
    #[default]
    Lengths,
    /// Its digest and its rows, too
    Full,
}
