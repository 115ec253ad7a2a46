//! Where requests to S3 Control go: to AWS, or to an address that the user named.
//!
//! Two things are special. The SDK puts the account before an endpoint's host, which an address of
//! this machine can't have, so a named endpoint is resolved here. And a server that doesn't know
//! `UpdateObjectEncryption` may take it for an upload, and replace an object by the request's XML:
//! several S3 servers do. So a job of that kind is only ever sent to AWS itself, which the last
//! look at the request before it leaves makes sure of. A double of Batch Operations on this machine
//! can be trusted by name.

use std::net::IpAddr;

use aws_sdk_s3control::config::endpoint::{Endpoint, EndpointFuture, Params, ResolveEndpoint};
use aws_sdk_s3control::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_s3control::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3control::error::BoxError;

use crate::operation::partition::is_aws_host;

/// The server to which S3 Control's requests go, instead of AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlEndpoint {
    /// `http://host:port/path`, without a slash at its end.
    pub url: String,
    /// Whether it is a double that knows `UpdateObjectEncryption`, as the user says.
    pub trusted: bool,
}

impl ControlEndpoint {
    /// Whether it is AWS's own: a VPC endpoint, for example.
    #[must_use]
    pub fn is_aws(&self) -> bool {
        is_aws_host(host(&self.url))
    }

    /// Whether it is on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(host(&self.url))
    }
}

/// Why an endpoint gets no job that updates encryption.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{host} is not AWS: a server that doesn't know UpdateObjectEncryption may replace each object \
     by the request itself, so such a job is sent to AWS only; leave --s3control-endpoint-url out \
     (for a double of Batch Operations on this machine there is --trust-endpoint)"
)]
pub struct NotAws {
    host: String,
}

/// Refuses an endpoint that may not get jobs that update encryption.
///
/// # Errors
/// When it is neither AWS nor a trusted double on this machine.
pub fn check_update_encryption(endpoint: Option<&ControlEndpoint>) -> Result<(), NotAws> {
    let Some(endpoint) = endpoint else { return Ok(()) };
    check_host(host(&endpoint.url), endpoint.trusted)
}

fn check_host(host: &str, trusted: bool) -> Result<(), NotAws> {
    if is_aws_host(host) || (trusted && is_loopback(host)) {
        return Ok(());
    }
    Err(NotAws { host: host.to_owned() })
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// The host of an address, without user, port and path.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let place = authority.rsplit('@').next().unwrap_or_default();
    match place.strip_prefix('[').and_then(|inner| inner.find(']')) {
        Some(end) => &place[..end + 2],
        None => place.split(':').next().unwrap_or_default(),
    }
}

/// Every request goes to one address.
#[derive(Debug)]
pub(super) struct FixedEndpoint(pub(super) String);

impl ResolveEndpoint for FixedEndpoint {
    fn resolve_endpoint<'a>(&'a self, _: &'a Params) -> EndpointFuture<'a> {
        EndpointFuture::ready(Ok(Endpoint::builder().url(self.0.clone()).build()))
    }
}

/// Lets a request pass to AWS and to a trusted double only, however its address came about.
#[derive(Debug)]
pub(super) struct AwsOnlyGuard {
    pub(super) trusted: bool,
}

impl Intercept for AwsOnlyGuard {
    fn name(&self) -> &'static str {
        "OnlyAws"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        Ok(check_host(host(context.request().uri()), self.trusted)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(url: &str, trusted: bool) -> bool {
        check_update_encryption(Some(&ControlEndpoint { url: url.to_owned(), trusted })).is_ok()
    }

    #[test]
    fn only_aws_and_a_trusted_double_get_updates_of_encryption() {
        assert!(check_update_encryption(None).is_ok());
        assert!(allowed("https://111122223333.s3-control.us-east-1.amazonaws.com", false));
        assert!(allowed("https://control.vpce-1.s3.us-east-1.vpce.amazonaws.com:443/", false));
        assert!(allowed("https://s3-control.cn-north-1.amazonaws.com.cn/x", false));
        assert!(allowed("https://111122223333.s3-control.eusc-de-east-1.amazonaws.eu", false));
        assert!(allowed("https://s3-control.us-iso-east-1.c2s.ic.gov", false));
        assert!(allowed("https://s3-control.us-isob-east-1.api.aws.scloud", false));
        assert!(allowed("http://127.0.0.1:8000", true));
        assert!(allowed("http://[::1]:8000/", true));
        assert!(allowed("http://localhost:8000", true));
        for url in [
            "http://127.0.0.1:8000",
            "http://amazonaws.com.example.org",
            "http://evilamazonaws.com",
            "http://example.org/.amazonaws.com",
            "http://s3.amazonaws.com@example.org",
            "http://10.0.0.1:8000",
            "",
        ] {
            assert!(!allowed(url, false), "{url}");
        }
        assert!(!allowed("http://10.0.0.1:8000", true), "not on this machine");
        assert!(!allowed("http://127.0.0.1.example.org", true));
    }
}
