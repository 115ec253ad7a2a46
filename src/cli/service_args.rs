//! How S3 Control, S3, IAM and STS are reached, as typed, by the commands that submit and steer
//! jobs.

use clap::Args as ClapArgs;

use super::CliError;
use super::aws::{AwsResolver, HEADING, ReachArgs};
use super::print;
use crate::aws::{AwsOptions, Session};
use crate::jobs::{CallerCheck, CallerError, ControlEndpoint, JobControl, check_caller};

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

/// What happens where the caller's account can't be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnUnknownCaller {
    /// Nothing is changed, if an account was named.
    Refuse,
    /// A warning is shown: what follows is refused by AWS itself in another account.
    Warn,
}

impl ServiceArgs {
    /// A way to AWS, as asked for, in a region.
    pub(super) fn session(&self, region: Option<&str>) -> Result<Session, CliError> {
        let control_endpoint_url = self.s3control_endpoint_url.clone();
        Ok(Session::new(&AwsOptions { control_endpoint_url, ..self.reach.options(region) })?)
    }

    /// A way to AWS in a region, made when the first address is met.
    pub(super) fn way<'a>(&'a self, region: Option<&'a str>) -> AwsResolver<'a> {
        self.reach.way(region)
    }

    /// A client for the jobs of an account.
    pub(super) fn control(
        &self,
        session: &Session,
        account_id: &str,
    ) -> Result<JobControl, CliError> {
        Ok(JobControl::new(session, account_id, self.control_endpoint(session)?))
    }

    /// Where S3 Control is, if not at AWS.
    pub(super) fn control_endpoint(
        &self,
        session: &Session,
    ) -> Result<Option<ControlEndpoint>, CliError> {
        let control = session.control_endpoint().map(|endpoint| ControlEndpoint {
            url: endpoint.url.clone(),
            trusted: self.trust_endpoint,
        });
        // Manifests on one server, and jobs on another, would never find each other.
        match (session.s3_endpoint(), session.control_endpoint(), &control) {
            (Some(s3), None, _) => Err(CliError::usage(format!(
                "{} is given without a server for S3 Control: manifests and jobs would be at \
                 different places; give --s3control-endpoint-url (or AWS_ENDPOINT_URL_S3_CONTROL), \
                 too, or neither",
                s3.named_by
            ))),
            (None, Some(named), Some(control)) if !control.is_aws() => {
                Err(CliError::usage(format!(
                    "{} is given without a server for S3: manifests would be at AWS, and jobs at \
                     {}; give --endpoint-url (or AWS_ENDPOINT_URL_S3), too, or neither",
                    named.named_by, named.url
                )))
            }
            _ => Ok(control),
        }
    }

    /// Shows who the caller is, and refuses another account than the one that is meant.
    pub(super) fn check_account(
        &self,
        session: &Session,
        account_id: Option<&str>,
        unchecked: OnUnknownCaller,
    ) -> Result<(), CliError> {
        match (check_caller(session, account_id)?, account_id) {
            (CallerCheck::Caller(caller), _) => print::note(&caller.to_string()),
            (CallerCheck::Unknown(error), Some(account))
                if unchecked == OnUnknownCaller::Refuse =>
            {
                return Err(CallerError::Unchecked { account: account.to_owned(), error }.into());
            }
            (CallerCheck::Unknown(error), _) => {
                print::warning(&format!("the AWS account is unknown: {error}"));
            }
        }
        Ok(())
    }
}
