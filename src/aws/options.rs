//! How a user wants AWS to be reached, and how long and how often it is tried by default.

use std::num::NonZeroUsize;
use std::time::Duration;

/// Until a connection stands, TLS included. A server in another region takes half a second.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Until the first byte of an answer, in one of several tries. S3 answers within a second; listing
/// a bucket of many delete markers may take ten.
pub(super) const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a request waits for an answer, in all its tries together, unless told otherwise: two
/// tries of [`READ_TIMEOUT`], for a server that is silent on two new connections stays so.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// How often a request is tried where neither `AWS_MAX_ATTEMPTS` nor `AWS_RETRY_MODE` is set, nor
/// their keys in the profile. Between two tries the SDK waits up to 1, 2, 4, 8 seconds, by chance,
/// which is longer than S3 takes to grow with a new load as a rule.
pub(crate) const TRIES_MAX: u32 = 5;

/// Reports a late answer, in a sentence.
pub(super) type OnLate = fn(&str);

/// How a user wants AWS to be reached; what is not given comes from the environment and the shared
/// configuration files, as with the AWS CLI.
#[derive(Debug, Clone, Default)]
pub struct AwsOptions {
    /// The profile in the shared configuration files.
    pub profile: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// Another server than AWS's, for all services but S3 Control.
    pub endpoint_url: Option<String>,
    /// Another server than AWS's for S3 Control.
    pub control_endpoint_url: Option<String>,
    /// Whether the requester of an object pays for the request and the transfer.
    pub requester_pays: bool,
    /// The most threads that speak to the network; the usual number is two.
    pub threads: Option<NonZeroUsize>,
    /// How long a request waits for an answer, in all its tries together; `ANSWER_TIMEOUT` unless
    /// given.
    pub answer_timeout: Option<Duration>,
    /// Reports that a server's answer is late.
    pub on_late: Option<OnLate>,
}

impl AwsOptions {
    pub(super) fn answer_timeout(&self) -> Duration {
        self.answer_timeout.unwrap_or(ANSWER_TIMEOUT)
    }
}
