//! What AWS refused, said so that the user can act on it: one message for each cause.
//!
//! An error never shows a credential: of the SDK's errors only the service's own code and message,
//! and for failures on the way the innermost cause, are repeated.
//!
//! Never knows what the request was for; who asks names that.

use std::error::Error;
use std::fmt;
use std::io;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// Longest message of the service that is repeated, in characters.
const MESSAGE_CHARS_MAX: usize = 300;

/// Where S3 tells a bucket's region, also with a refusal.
const REGION_HEADER: &str = "x-amz-bucket-region";

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
    /// This machine's clock is wrong.
    ClockSkew,
    /// A condition of the request does not hold: the object is there already, or was replaced.
    Precondition,
    /// The range that was asked for lies behind the object's end.
    OutOfRange,
    /// Too many requests, or the service can't answer now.
    Busy,
    /// No connection to the server, or it broke.
    Unreachable,
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
        let kind = kind_of(error);
        let detail = match error {
            SdkError::ServiceError(refusal) => said(refusal.err(), refusal.raw()),
            other => innermost(other),
        };
        Self { action: action.into(), kind, detail }
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
            detail: error.to_string(),
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

impl fmt::Display for AwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { action, kind, detail } = self;
        write!(f, "cannot {action}: ")?;
        match kind {
            AwsErrorKind::NoRuntime => write!(f, "{detail}"),
            AwsErrorKind::NoCredentials => write!(
                f,
                "no AWS credentials ({detail}); name a profile with --profile, log in (`aws sso \
                 login`), or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            ),
            AwsErrorKind::ExpiredCredentials => write!(
                f,
                "the AWS credentials have expired ({detail}); get new ones (`aws sso login`), \
                 then run this again"
            ),
            AwsErrorKind::WrongCredentials => write!(
                f,
                "AWS does not accept the credentials ({detail}); look whether --profile and the \
                 access key are the ones you mean"
            ),
            AwsErrorKind::Denied => write!(
                f,
                "access denied ({detail}); these credentials need permission for it, from the \
                 bucket's policy too if it belongs to another account, and for its KMS key"
            ),
            AwsErrorKind::WrongRegion(Some(region)) => {
                write!(f, "the bucket is in region {region}; give --region {region}")
            }
            AwsErrorKind::WrongRegion(None) => {
                write!(f, "the bucket is in another region ({detail}); name it with --region")
            }
            AwsErrorKind::NoSuchBucket => write!(f, "there is no such bucket ({detail})"),
            AwsErrorKind::NoSuchKey => write!(f, "there is no such object ({detail})"),
            AwsErrorKind::ClockSkew => write!(
                f,
                "this machine's clock is more than 15 minutes wrong ({detail}); set it, then run \
                 this again"
            ),
            AwsErrorKind::Precondition => {
                write!(f, "the object is not the one expected ({detail})")
            }
            AwsErrorKind::OutOfRange => write!(f, "the object is shorter ({detail})"),
            AwsErrorKind::Busy => write!(
                f,
                "the service did not answer after several tries ({detail}); wait a little, then \
                 run this again"
            ),
            AwsErrorKind::Unreachable => write!(
                f,
                "the server cannot be reached or broke off ({detail}); look at the network, \
                 --endpoint-url and --region"
            ),
            AwsErrorKind::Other => write!(f, "{detail}"),
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
            let region = refusal.raw().headers().get(REGION_HEADER).map(str::to_owned);
            if is_clock_skew(refusal.err().message().unwrap_or_default()) {
                return AwsErrorKind::ClockSkew;
            }
            of_code(refusal.err().code(), status, region)
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
fn of_code(code: Option<&str>, status: u16, region: Option<String>) -> AwsErrorKind {
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
        "NoSuchKey" | "NotFound" => AwsErrorKind::NoSuchKey,
        "PreconditionFailed" | "ConditionalRequestConflict" => AwsErrorKind::Precondition,
        "InvalidRange" => AwsErrorKind::OutOfRange,
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
            404 => AwsErrorKind::NoSuchKey,
            412 => AwsErrorKind::Precondition,
            416 => AwsErrorKind::OutOfRange,
            429 | 500.. => AwsErrorKind::Busy,
            _ => AwsErrorKind::Other,
        },
    }
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

/// An error and its causes, from the outside in.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

fn innermost(error: &(dyn Error + 'static)) -> String {
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
        let kind = |code: &str, status| of_code(Some(code), status, None);
        assert_eq!(kind("ExpiredToken", 400), AwsErrorKind::ExpiredCredentials);
        assert_eq!(kind("RequestTimeTooSkewed", 403), AwsErrorKind::ClockSkew);
        assert_eq!(kind("SignatureDoesNotMatch", 403), AwsErrorKind::WrongCredentials);
        assert_eq!(kind("KMS.DisabledException", 403), AwsErrorKind::Denied);
        assert_eq!(kind("NoSuchBucket", 404), AwsErrorKind::NoSuchBucket);
        assert_eq!(kind("SlowDown", 503), AwsErrorKind::Busy);
        assert_eq!(kind("Anything", 418), AwsErrorKind::Other);
        let head = |status, region: Option<&str>| of_code(None, status, region.map(str::to_owned));
        let there = || Some("eu-west-1".to_owned());
        assert_eq!(head(301, Some("eu-west-1")), AwsErrorKind::WrongRegion(there()));
        assert_eq!(head(400, Some("eu-west-1")), AwsErrorKind::WrongRegion(there()));
        assert_eq!(head(400, None), AwsErrorKind::Other);
        assert_eq!(head(404, None), AwsErrorKind::NoSuchKey);
        assert_eq!(head(403, Some("eu-west-1")), AwsErrorKind::Denied);
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
}
