//! How AWS is reached, as typed: options with the names and meanings that the AWS CLI gives them.

use clap::{Args as ClapArgs, ValueEnum};

use crate::aws::{AwsError, Options, Session};

/// Who pays for requests, as the AWS CLI spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Payer {
    /// You do, where the bucket is a Requester Pays bucket
    Requester,
}

/// How AWS is reached; only looked at where an s3:// address is named.
#[derive(Debug, Clone, ClapArgs)]
#[command(next_help_heading = "AWS (for s3:// addresses; credentials as the AWS CLI finds them)")]
pub(super) struct AwsArgs {
    /// The profile in ~/.aws/config whose credentials and region are used
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// The region of the bucket
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Another server than AWS's, such as http://127.0.0.1:9000
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
    /// Say that you pay for requests to a Requester Pays bucket
    #[arg(long, value_enum, value_name = "WHO")]
    request_payer: Option<Payer>,
}

impl AwsArgs {
    /// A way to AWS, as asked for.
    pub(super) fn session(&self) -> Result<Session, AwsError> {
        Session::new(&Options {
            profile: self.profile.clone(),
            region: self.region.clone(),
            endpoint_url: self.endpoint_url.clone(),
            requester_pays: self.request_payer.is_some(),
        })
    }
}
