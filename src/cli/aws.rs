//! How AWS is reached, as typed: options with the names and meanings that the AWS CLI gives them.

use std::path::Path;

use clap::{Args as ClapArgs, ValueEnum};

use super::CliError;
use crate::aws::{AwsError, Options, Session};
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
    /// The profile in ~/.aws/config whose credentials and region are used
    #[arg(long, value_name = "NAME", global = true, help_heading = HEADING)]
    profile: Option<String>,
    #[arg(
        long,
        value_name = "URL",
        global = true,
        help = "Another server than AWS's: http://127.0.0.1:9000"
    )]
    endpoint_url: Option<String>,
}

impl ReachArgs {
    /// A way to AWS, as asked for, in a region.
    pub(super) fn session(
        &self,
        region: Option<&str>,
        requester_pays: bool,
    ) -> Result<Session, AwsError> {
        Session::new(&Options {
            profile: self.profile.clone(),
            region: region.map(str::to_owned),
            endpoint_url: self.endpoint_url.clone(),
            requester_pays,
        })
    }

    /// A way to AWS in a region, made when the first address is met.
    pub(super) fn way<'a>(&'a self, region: Option<&'a str>) -> Way<'a> {
        Way { reach: self, region, requester_pays: false, session: None }
    }

    /// Whether another server than AWS's is named.
    pub(super) fn names_endpoint(&self) -> bool {
        self.endpoint_url.is_some()
    }
}

/// How AWS is reached; only looked at where an s3:// address is named.
#[derive(Debug, Clone, ClapArgs)]
pub(super) struct AwsArgs {
    #[command(flatten)]
    reach: ReachArgs,
    /// The region of the bucket
    #[arg(long, value_name = "REGION", help_heading = HEADING)]
    region: Option<String>,
    /// Say that you pay for requests to a Requester Pays bucket
    #[arg(long, value_enum, value_name = "WHO", help_heading = HEADING)]
    request_payer: Option<Payer>,
}

/// The way to AWS, made when the first address is met.
pub(super) struct Way<'a> {
    reach: &'a ReachArgs,
    region: Option<&'a str>,
    requester_pays: bool,
    session: Option<Session>,
}

impl AwsArgs {
    pub(super) fn way(&self) -> Way<'_> {
        let requester_pays = self.request_payer.is_some();
        Way { reach: &self.reach, region: self.region.as_deref(), requester_pays, session: None }
    }
}

impl Way<'_> {
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
                let session = self.reach.session(self.region, self.requester_pays)?;
                self.session.insert(session)
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
