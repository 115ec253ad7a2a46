//! What AWS refused, said so that the user can act on it: one message for each cause.
//!
//! An error never shows a credential: of the SDK's errors only the service's own code and message,
//! and for failures on the way the innermost cause, are repeated.
//!
//! Never knows what the request was for; who asks names that.

use std::error::Error;
use std::fmt;
use std::io;

use aws_config::imds::client::error::ImdsError;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::regions::told_region;
use crate::diagnostic::parameter::{ENDPOINT_URL, PROFILE, REGION};
use crate::diagnostic::{Diagnostic, ErrorClass};

/// Longest message of the service that is repeated, in characters.
const MESSAGE_CHARS_MAX: usize = 300;

/// Where credentials are looked for, in a few words.
const NOT_FOUND: &str = "none in the environment or the profile, nor from this machine's role";

/// How much is repeated of an answer that is not XML, in characters.
const BEGINNING_CHARS_MAX: usize = 80;

/// Why AWS, or the way to it, refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AwsErrorKind {
    /// The network threads could not be started.
    NoRuntime,
    /// No credentials were found, or their source failed.
    NoCredentials,
    /// Credentials that were valid once.
    ExpiredCredentials,
    /// Credentials that AWS doesn't know, or whose secret is wrong.
    WrongCredentials,
    /// These credentials may not do this.
    Denied,
    /// The bucket is in another region, if it was told.
    WrongRegion(Option<String>),
    /// There is no such bucket.
    NoSuchBucket,
    /// There is no such object.
    NoSuchKey,
    /// The bucket is there, and has no such configuration.
    NoSuchConfiguration,
    /// This machine's clock is wrong.
    ClockSkew,
    /// A condition of the request does not hold: the object is there already, or was replaced.
    Precondition,
    /// Another request for the same object is under way.
    Conflict,
    /// The range that was asked for lies behind the object's end.
    OutOfRange,
    /// The server doesn't know such a request; S3 knows all that are sent.
    NotImplemented,
    /// Too many requests, or the service can't answer now.
    Busy,
    /// No connection to the server, or it broke.
    Unreachable,
    /// The answer is not XML, so it comes from something in between, or from another server.
    NotXml,
    /// A profile, a variable or a flag that says how AWS is reached is wrong.
    Misconfigured,
    /// Anything else that the service said.
    Other,
}

/// A refusal, with what was to be done.
#[derive(Debug, Clone)]
pub struct AwsError {
    /// What was to be done, such as `read s3://bucket/key`.
    pub action: String,
    /// Why it failed.
    pub kind: AwsErrorKind,
    /// What the service or the system said, in short.
    pub detail: String,
}

impl AwsError {
    /// The refusal of an operation of the SDK.
    pub fn new<E>(action: impl Into<String>, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let (kind, detail) = match strange_answer(error) {
            Some(strange) => strange,
            None => match error {
                SdkError::ServiceError(refusal) => {
                    (kind_of(error), said(refusal.err(), refusal.raw()))
                }
                other => match kind_of(error) {
                    // The SDK's words are about its own parts.
                    AwsErrorKind::NoCredentials if is_nowhere(other) => {
                        (AwsErrorKind::NoCredentials, NOT_FOUND.to_owned())
                    }
                    kind => (kind, innermost(other)),
                },
            },
        };
        Self { action: action.into(), kind, detail }
    }

    /// What says how AWS is reached is wrong: which flag, variable or profile, and what to do.
    pub(super) fn misconfigured(text: String) -> Self {
        Self { action: String::new(), kind: AwsErrorKind::Misconfigured, detail: text }
    }

    /// The body of an answer broke off, or did not come.
    pub fn broken(action: impl Into<String>, error: &(dyn Error + 'static)) -> Self {
        let detail = innermost(error);
        Self { action: action.into(), kind: AwsErrorKind::Unreachable, detail }
    }

    /// An answer that is none of those that the service gives.
    pub fn other(action: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { action: action.into(), kind: AwsErrorKind::Other, detail: detail.into() }
    }

    pub(super) fn no_runtime(error: &io::Error) -> Self {
        Self {
            action: "start the network threads".to_owned(),
            kind: AwsErrorKind::NoRuntime,
            detail: format!(
                "{error}; raise the limit of threads or memory (`ulimit -u` and `ulimit -v` show \
                 two)"
            ),
        }
    }

    /// Whether the same request may succeed a little later.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self.kind, AwsErrorKind::Busy | AwsErrorKind::Unreachable)
    }
}

impl AwsError {
    /// Whether a job can't be told this in the state that it is in: it has ended, for example.
    #[must_use]
    pub fn is_job_status(&self) -> bool {
        self.detail.starts_with("JobStatusException")
    }
}

impl Error for AwsError {}

impl Diagnostic for AwsError {
    fn class(&self) -> ErrorClass {
        match self.kind {
            AwsErrorKind::Misconfigured => ErrorClass::Usage,
            AwsErrorKind::NoRuntime => ErrorClass::Environment,
            _ => ErrorClass::Aws,
        }
    }
}

impl fmt::Display for AwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { action, kind, detail } = self;
        if *kind == AwsErrorKind::Misconfigured {
            return f.write_str(detail);
        }
        write!(f, "cannot {action}: ")?;
        match kind {
            AwsErrorKind::NoRuntime => write!(f, "{detail}"),
            AwsErrorKind::NoCredentials => write!(
                f,
                "no AWS credentials ({detail}); name a profile with {PROFILE}, log in (`aws sso \
                 login`), or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            ),
            AwsErrorKind::ExpiredCredentials => write!(
                f,
                "the AWS credentials have expired ({detail}); get new ones (`aws sso login`), \
                 then run this again"
            ),
            AwsErrorKind::WrongCredentials => write!(
                f,
                "AWS does not accept the credentials ({detail}); look whether {PROFILE} and the \
                 access key are the ones you mean"
            ),
            AwsErrorKind::Denied => write!(
                f,
                "access denied ({detail}); these credentials need permission for it, from the \
                 bucket's policy too if it belongs to another account, and for its KMS key"
            ),
            AwsErrorKind::WrongRegion(Some(region)) => {
                write!(f, "the bucket is in region {region}; give {REGION} {region}")
            }
            AwsErrorKind::WrongRegion(None) => {
                write!(f, "the bucket is in another region ({detail}); name it with {REGION}")
            }
            AwsErrorKind::NoSuchBucket => write!(f, "there is no such bucket ({detail})"),
            AwsErrorKind::NoSuchKey => write!(f, "there is no such object ({detail})"),
            AwsErrorKind::NoSuchConfiguration => write!(f, "it is not configured ({detail})"),
            AwsErrorKind::ClockSkew => write!(
                f,
                "this machine's clock is more than 15 minutes wrong ({detail}); set it, then run \
                 this again"
            ),
            AwsErrorKind::Precondition => {
                write!(f, "the object is not the one expected ({detail})")
            }
            AwsErrorKind::Conflict => write!(
                f,
                "other requests for the same object got in the way ({detail}); wait a little, then \
                 run this again"
            ),
            AwsErrorKind::OutOfRange => write!(f, "the object is shorter ({detail})"),
            AwsErrorKind::NotImplemented => {
                write!(f, "the server does not support such a request ({detail})")
            }
            AwsErrorKind::Busy => write!(
                f,
                "the service did not answer after several tries ({detail}); wait a little, then \
                 run this again"
            ),
            AwsErrorKind::Unreachable => write!(
                f,
                "the server cannot be reached or broke off ({detail}); look at the network, \
                 {ENDPOINT_URL} and {REGION}"
            ),
            AwsErrorKind::NotXml => write!(
                f,
                "the answer is not XML ({detail}), so it does not come from AWS: look at \
                 {ENDPOINT_URL} and at the proxy (HTTPS_PROXY)"
            ),
            AwsErrorKind::Other | AwsErrorKind::Misconfigured => write!(f, "{detail}"),
        }
    }
}

fn kind_of<E>(error: &SdkError<E, HttpResponse>) -> AwsErrorKind
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::ServiceError(refusal) => {
            let status = refusal.raw().status().as_u16();
            let region = told_region(refusal.raw());
            if is_clock_skew(refusal.err().message().unwrap_or_default()) {
                return AwsErrorKind::ClockSkew;
            }
            classify_code(refusal.err().code(), status, region)
        }
        // An answer that can't be parsed was cut short, or comes from something in between.
        SdkError::ResponseError(_) | SdkError::TimeoutError(_) => AwsErrorKind::Unreachable,
        other => credentials_fault(other).unwrap_or(match other {
            SdkError::DispatchFailure(_) => AwsErrorKind::Unreachable,
            _ => AwsErrorKind::Other,
        }),
    }
}

/// STS and IAM have no code of their own for a wrong clock: they call the signature wrong, and say
/// why.
fn is_clock_skew(message: &str) -> bool {
    message.starts_with("Signature expired: ") || message.starts_with("Signature not yet current: ")
}

/// What a service's code says, or, where an answer has none (HEAD), its status.
fn classify_code(code: Option<&str>, status: u16, region: Option<String>) -> AwsErrorKind {
    match code.unwrap_or_default() {
        "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" | "RequestExpired" => {
            AwsErrorKind::ExpiredCredentials
        }
        "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "InvalidToken"
        | "UnrecognizedClientException"
        | "InvalidClientTokenId" => AwsErrorKind::WrongCredentials,
        "RequestTimeTooSkewed" => AwsErrorKind::ClockSkew,
        "PermanentRedirect" | "AuthorizationHeaderMalformed" | "TemporaryRedirect" | "Redirect" => {
            AwsErrorKind::WrongRegion(region)
        }
        "NoSuchBucket" => AwsErrorKind::NoSuchBucket,
        "NoSuchKey" | "NoSuchVersion" | "NotFound" => AwsErrorKind::NoSuchKey,
        code if is_configuration(code) => AwsErrorKind::NoSuchConfiguration,
        "PreconditionFailed" => AwsErrorKind::Precondition,
        "ConditionalRequestConflict" | "OperationAborted" => AwsErrorKind::Conflict,
        "InvalidRange" => AwsErrorKind::OutOfRange,
        "NotImplemented" => AwsErrorKind::NotImplemented,
        "AccessDenied" | "AccessDeniedException" | "AllAccessDisabled" | "AccountProblem" => {
            AwsErrorKind::Denied
        }
        "SlowDown"
        | "InternalError"
        | "ServiceUnavailable"
        | "RequestTimeout"
        | "ThrottlingException"
        | "TooManyRequestsException" => AwsErrorKind::Busy,
        _ => match status {
            301 | 307 => AwsErrorKind::WrongRegion(region),
            // A request without a body that was signed for another region.
            400 if code.is_none() && region.is_some() => AwsErrorKind::WrongRegion(region),
            401 | 403 => AwsErrorKind::Denied,
            404 if code.is_none() => AwsErrorKind::NoSuchKey,
            412 => AwsErrorKind::Precondition,
            416 => AwsErrorKind::OutOfRange,
            501 => AwsErrorKind::NotImplemented,
            429 | 500.. => AwsErrorKind::Busy,
            _ => AwsErrorKind::Other,
        },
    }
}

/// Whether a code says that a bucket has no configuration of some kind (S3 API reference, "Error
/// responses"): `NoSuchLifecycleConfiguration`, `ServerSideEncryptionConfigurationNotFoundError`.
fn is_configuration(code: &str) -> bool {
    (code.starts_with("NoSuch") && code.ends_with("Configuration"))
        || code.ends_with("ConfigurationNotFound")
        || code.ends_with("ConfigurationNotFoundError")
        || matches!(code, "NoSuchBucketPolicy" | "NoSuchTagSet" | "OwnershipControlsNotFoundError")
}

/// What an answer comes to that the service can't have given: it is not XML, or ends early.
fn strange_answer<E>(error: &SdkError<E, HttpResponse>) -> Option<(AwsErrorKind, String)>
where
    E: ProvideErrorMetadata,
{
    let response = error.raw_response()?;
    let body = response.body().bytes().unwrap_or_default();
    let status = response.status();
    if !body.is_empty() && !is_xml(body) {
        let text = String::from_utf8_lossy(body);
        let beginning: String = text.trim_start().chars().take(BEGINNING_CHARS_MAX).collect();
        let detail = format!("HTTP {}, it begins with `{}`", status.as_u16(), short(&beginning));
        // A gateway in between that fails now may work later.
        let passing = matches!(status.as_u16(), 429 | 500..);
        return Some((if passing { AwsErrorKind::Busy } else { AwsErrorKind::NotXml }, detail));
    }
    let is_unread = match error {
        SdkError::ServiceError(refusal) => refusal.err().code().is_none() && status.is_success(),
        _ => false,
    };
    is_unread.then(|| {
        let detail = format!("HTTP {}, the XML of the answer is cut or damaged", status.as_u16());
        (AwsErrorKind::Unreachable, detail)
    })
}

/// Whether a body may be XML of the service, rather than a page for people.
fn is_xml(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start();
    let begins =
        |with: &[u8]| body.get(..with.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(with));
    begins(b"<") && !begins(b"<!doctype html") && !begins(b"<html")
}

/// Whether credentials are what failed, and how.
fn credentials_fault(error: &(dyn Error + 'static)) -> Option<AwsErrorKind> {
    let found = chain(error).find_map(|cause| cause.downcast_ref::<CredentialsError>())?;
    let expired = chain(found).any(|cause| {
        let text = cause.to_string().to_ascii_lowercase();
        text.contains("expired")
    });
    Some(if expired { AwsErrorKind::ExpiredCredentials } else { AwsErrorKind::NoCredentials })
}

/// Whether there are no credentials at all, rather than a source of them that was configured and
/// failed. The machine's metadata service is asked last, configured or not: that it can't be used
/// means that this machine has no role.
fn is_nowhere(error: &(dyn Error + 'static)) -> bool {
    let is_none = |error: &CredentialsError| {
        matches!(error, CredentialsError::CredentialsNotLoaded(_))
            || chain(error).any(|cause| cause.is::<ImdsError>())
    };
    let causes = chain(error).filter_map(|cause| cause.downcast_ref::<CredentialsError>());
    causes.last().is_some_and(is_none)
}

/// An error and its causes, from the outside in.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

pub(super) fn innermost(error: &(dyn Error + 'static)) -> String {
    chain(error).last().map(|cause| short(&cause.to_string())).unwrap_or_default()
}

/// What a service said: its code and message, or the status where there is neither.
fn said(error: &impl ProvideErrorMetadata, response: &HttpResponse) -> String {
    let status = format!("status {}", response.status().as_u16());
    let code = error.code().unwrap_or(&status);
    match error.message() {
        Some(message) => short(&format!("{code}: {message}")),
        None => short(code),
    }
}

/// The beginning of a message, on one line.
fn short(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().take(MESSAGE_CHARS_MAX).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_come_before_the_status_and_the_status_before_nothing() {
        let kind = |code: &str, status| classify_code(Some(code), status, None);
        assert_eq!(kind("ExpiredToken", 400), AwsErrorKind::ExpiredCredentials);
        assert_eq!(kind("RequestTimeTooSkewed", 403), AwsErrorKind::ClockSkew);
        assert_eq!(kind("SignatureDoesNotMatch", 403), AwsErrorKind::WrongCredentials);
        assert_eq!(kind("KMS.DisabledException", 403), AwsErrorKind::Denied);
        assert_eq!(kind("NoSuchBucket", 404), AwsErrorKind::NoSuchBucket);
        assert_eq!(kind("SlowDown", 503), AwsErrorKind::Busy);
        assert_eq!(kind("NotImplemented", 501), AwsErrorKind::NotImplemented);
        assert_eq!(kind("PreconditionFailed", 412), AwsErrorKind::Precondition);
        assert_eq!(kind("ConditionalRequestConflict", 409), AwsErrorKind::Conflict);
        assert_eq!(kind("EntityAlreadyExists", 409), AwsErrorKind::Other);
        assert_eq!(kind("Anything", 418), AwsErrorKind::Other);
        assert_eq!(kind("NoSuchKey", 404), AwsErrorKind::NoSuchKey);
        assert_eq!(kind("NoSuchUpload", 404), AwsErrorKind::Other);
        for code in [
            "NoSuchConfiguration",
            "NoSuchLifecycleConfiguration",
            "ServerSideEncryptionConfigurationNotFoundError",
            "ReplicationConfigurationNotFoundError",
            "NoSuchTagSet",
        ] {
            assert_eq!(kind(code, 404), AwsErrorKind::NoSuchConfiguration, "{code}");
        }
        let head =
            |status, region: Option<&str>| classify_code(None, status, region.map(str::to_owned));
        let there = || Some("eu-west-1".to_owned());
        assert_eq!(head(301, Some("eu-west-1")), AwsErrorKind::WrongRegion(there()));
        assert_eq!(head(400, Some("eu-west-1")), AwsErrorKind::WrongRegion(there()));
        assert_eq!(head(400, None), AwsErrorKind::Other);
        assert_eq!(head(404, None), AwsErrorKind::NoSuchKey);
        assert_eq!(head(403, Some("eu-west-1")), AwsErrorKind::Denied);
    }

    #[test]
    fn pages_for_people_and_json_are_not_xml() {
        for body in ["<?xml version=\"1.0\"?><Error/>", "\u{feff} \n<Error/>", "<ListBucketResult"]
        {
            assert!(is_xml(body.as_bytes()), "{body}");
        }
        for body in ["<!DOCTYPE html><html>", "<HTML>", "{\"message\":1}", "Forbidden", "", "  "] {
            assert!(!is_xml(body.as_bytes()), "{body}");
        }
    }

    #[test]
    fn a_wrong_clock_is_told_from_a_wrong_signature() {
        let text = "Signature expired: 20300101T000000Z is now earlier than 20300101T004500Z";
        assert!(is_clock_skew(text));
        assert!(is_clock_skew("Signature not yet current: 20300101T000000Z is still later"));
        assert!(!is_clock_skew("The request signature we calculated does not match"));
    }

    #[test]
    fn a_message_is_one_short_line() {
        let error = AwsError::other("read s3://b/k", short(&"a\nb".repeat(500)));
        let text = error.to_string();
        assert!(text.starts_with("cannot read s3://b/k: a b"), "{text}");
        assert!(text.len() < 400 && !text.contains('\n'));
    }

    #[test]
    fn credentials_at_fault_are_found_in_the_chain() {
        let fault = |error: CredentialsError| credentials_fault(&error);
        let none = CredentialsError::not_loaded("nothing in the chain");
        assert_eq!(fault(none), Some(AwsErrorKind::NoCredentials));
        let old = CredentialsError::provider_error("the SSO session has expired");
        assert_eq!(fault(old), Some(AwsErrorKind::ExpiredCredentials));
        assert_eq!(credentials_fault(&io::Error::other("reset")), None);
    }

    #[test]
    fn credentials_that_are_nowhere_are_told_from_a_source_that_failed() {
        assert!(is_nowhere(&CredentialsError::not_loaded("nothing in the chain")));
        assert!(!is_nowhere(&CredentialsError::provider_error("no answer")));
        assert!(!is_nowhere(&io::Error::other("reset")));
    }
}
