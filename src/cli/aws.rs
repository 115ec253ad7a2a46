//! How AWS is reached, as typed: options with the names and meanings that the AWS CLI gives them.

use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use clap::{Args as ClapArgs, ValueEnum};

use super::{CliError, print};
use crate::aws::{ANSWER_TIMEOUT, AwsOptions, Session};
use crate::source::{AddressError, Location, Object};

/// Where these options stand in the help. Named by each, for a group's own heading would go on to
/// the options behind it.
pub(super) const HEADING: &str = "AWS (credentials as the AWS CLI finds them)";

/// Who pays for requests, as the AWS CLI spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Payer {
    /// You do, where the bucket is a Requester Pays bucket
    Requester,
}

/// How AWS is reached by any command that may.
#[derive(Debug, Clone, ClapArgs)]
pub(super) struct ReachArgs {
    /// The profile in ~/.aws/config whose credentials and region are used, whatever keys the
    /// environment holds
    #[arg(long, value_name = "NAME", global = true, help_heading = HEADING)]
    profile: Option<String>,
    #[arg(
        long,
        value_name = "URL",
        global = true,
        help = "Another server than AWS's: http://127.0.0.1:9000, also with a path"
    )]
    endpoint_url: Option<String>,
    /// How long a request waits for an answer of AWS, in all its tries together; 1 to 3600
    #[arg(long, value_name = "SECONDS", global = true, default_value_t = ANSWER_TIMEOUT.as_secs(),
        value_parser = clap::value_parser!(u64).range(1..=3600), help_heading = HEADING)]
    aws_timeout: u64,
}

impl ReachArgs {
    /// How AWS is to be reached, as far as these flags say it.
    pub(super) fn options(&self, region: Option<&str>) -> AwsOptions {
        AwsOptions {
            profile: self.profile.clone(),
            region: region.map(str::to_owned),
            endpoint_url: self.endpoint_url.clone(),
            answer_timeout: Some(Duration::from_secs(self.aws_timeout)),
            on_late: Some(print::note),
            ..AwsOptions::default()
        }
    }

    /// A way to AWS in a region, made when the first address is met.
    pub(super) fn way<'a>(&'a self, region: Option<&'a str>) -> AwsResolver<'a> {
        AwsResolver { reach: self, region, requester_pays: false, threads: None, session: None }
    }
}

/// How AWS is reached; only looked at where an s3:// address is named.
#[derive(Debug, Clone, ClapArgs)]
pub(super) struct AwsArgs {
    #[command(flatten)]
    reach: ReachArgs,
    /// The region to ask first; a bucket that is in another one is found there
    #[arg(long, value_name = "REGION", help_heading = HEADING)]
    region: Option<String>,
    /// Say that you pay for requests to a Requester Pays bucket
    #[arg(long, value_enum, value_name = "WHO", help_heading = HEADING)]
    request_payer: Option<Payer>,
}

/// The way to AWS, made when the first address is met.
pub(super) struct AwsResolver<'a> {
    reach: &'a ReachArgs,
    region: Option<&'a str>,
    requester_pays: bool,
    threads: Option<NonZeroUsize>,
    session: Option<Session>,
}

impl AwsArgs {
    /// The region that was named.
    pub(super) fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    pub(super) fn way(&self) -> AwsResolver<'_> {
        let requester_pays = self.request_payer.is_some();
        let region = self.region.as_deref();
        AwsResolver { reach: &self.reach, region, requester_pays, threads: None, session: None }
    }
}

impl AwsResolver<'_> {
    /// The same way, with at most `threads` threads for the network.
    pub(super) fn on(self, threads: NonZeroUsize) -> Self {
        Self { threads: Some(threads), ..self }
    }

    /// What a path or address on the command line names.
    pub(super) fn location(&mut self, name: &Path) -> Result<Location, CliError> {
        match self.object(name)? {
            Some(object) => Ok(Location::Object(object)),
            None => Ok(name.into()),
        }
    }

    /// The object or folder that an address names; `None` if it is a path.
    pub(super) fn object(&mut self, name: &Path) -> Result<Option<Object>, CliError> {
        let Some(text) = name.to_str().filter(|text| Object::is_address(text)) else {
            return Ok(None);
        };
        let session = match &self.session {
            Some(session) => session,
            None => {
                let (requester_pays, threads) = (self.requester_pays, self.threads);
                let options =
                    AwsOptions { requester_pays, threads, ..self.reach.options(self.region) };
                self.session.insert(Session::new(&options)?)
            }
        };
        object(text, session).map(Some)
    }
}

/// What a path or address on the command line names, where the way to AWS is made already.
pub(super) fn location(name: &Path, session: &Session) -> Result<Location, CliError> {
    match name.to_str().filter(|text| Object::is_address(text)) {
        Some(text) => object(text, session).map(Location::Object),
        None => Ok(name.into()),
    }
}

fn object(text: &str, session: &Session) -> Result<Object, CliError> {
    Object::parse(text, session).map_err(|error: AddressError| CliError::Usage(error.to_string()))
}
