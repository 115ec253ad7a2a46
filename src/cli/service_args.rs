//! How S3 Control, S3, IAM and STS are reached, as typed, by the commands that submit and steer
//! jobs.

use clap::Args as ClapArgs;

use super::CliError;
use super::aws::{HEADING, ReachArgs, Way};
use crate::aws::Session;
use crate::jobs::{Control, ControlEndpoint};

/// How AWS is reached.
#[derive(Debug, Clone, ClapArgs)]
pub(super) struct ServiceArgs {
    #[command(flatten)]
    reach: ReachArgs,
    /// Another server than AWS's for S3 Batch Operations
    #[arg(long, value_name = "URL", global = true, help_heading = HEADING)]
    s3control_endpoint_url: Option<String>,
    /// Say that this server is a double that knows `UpdateObjectEncryption`; on this machine only
    #[arg(long, global = true, requires = "s3control_endpoint_url", help_heading = HEADING)]
    trust_endpoint: bool,
}

impl ServiceArgs {
    /// A way to AWS, as asked for, in a region.
    pub(super) fn session(&self, region: Option<&str>) -> Result<Session, CliError> {
        Ok(self.reach.session(region, false)?)
    }

    /// A way to AWS in a region, made when the first address is met.
    pub(super) fn way<'a>(&'a self, region: Option<&'a str>) -> Way<'a> {
        self.reach.way(region)
    }

    /// A client for the jobs of an account.
    pub(super) fn control(&self, session: &Session, account_id: &str) -> Result<Control, CliError> {
        Ok(Control::new(session, account_id, self.control_endpoint()?))
    }

    /// Where S3 Control is, if not at AWS.
    pub(super) fn control_endpoint(&self) -> Result<Option<ControlEndpoint>, CliError> {
        match (&self.s3control_endpoint_url, self.reach.names_endpoint()) {
            (Some(url), _) => {
                Ok(Some(ControlEndpoint { url: url.clone(), trusted: self.trust_endpoint }))
            }
            (None, false) => Ok(None),
            // Manifests on one server, and jobs at AWS, would never find each other.
            (None, true) => Err(CliError::Usage(
                "--endpoint-url is given without --s3control-endpoint-url: manifests and jobs \
                 would be at different places; give both, or neither"
                    .to_owned(),
            )),
        }
    }
}
