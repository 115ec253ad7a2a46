//! Servers that don't answer: how long a request waits in all, and what is said meanwhile.
//!
//! The SDK bounds each try and counts tries. Neither bounds the whole, and its error names no host.
//! The client here stands before the SDK's own: it tells when an answer is late, and of a try that
//! ran out of time it says which host was silent; the last such try is not followed by another.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::shared::IntoShared;
use tokio::time;

use super::{CONNECT_TIMEOUT, READ_TIMEOUT};

/// Until it is said that an answer is late. S3 answers within a second as a rule.
const LATE: Duration = Duration::from_secs(5);

/// Bytes of a request's body from which on its answer is not late: sending them takes time, too.
const BODY_BYTES_MAX: u64 = 64 << 10;

/// The header by which the SDK tells a server which try a request is: `attempt=2; max=5`.
const TRY: &str = "amz-sdk-request";

/// Reports a late answer, in a sentence.
pub type OnLate = fn(&str);

/// How long a request may wait for its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AnswerTimeout {
    /// In all tries together.
    total: Duration,
    /// In one.
    each: Duration,
}

impl AnswerTimeout {
    /// `total` is spread over as many tries as last [`READ_TIMEOUT`] each, of at most `tries_max`.
    pub(super) fn new(total: Duration, tries_max: u32) -> Self {
        let tries = total.as_secs().div_ceil(READ_TIMEOUT.as_secs());
        let tries = u32::try_from(tries).unwrap_or(u32::MAX).clamp(1, tries_max.max(1));
        Self { total, each: total / tries }
    }

    /// Until the first byte of an answer.
    pub(super) fn read(self) -> Duration {
        self.each
    }

    /// Until a connection stands.
    pub(super) fn connect(self) -> Duration {
        self.each.min(CONNECT_TIMEOUT)
    }

    /// Whether `tries` tries that each lasted this long use it up.
    fn is_over(self, tries: u32, lasted: Duration) -> bool {
        // What is left must be more than the few milliseconds by which a timer is late or early.
        lasted.saturating_mul(tries) + self.each / 4 >= self.total
    }
}

/// A client that watches for silence.
pub(super) fn watched(
    inner: SharedHttpClient,
    patience: AnswerTimeout,
    on_late: Option<OnLate>,
) -> SharedHttpClient {
    WatchedClient { inner, patience, on_late, is_told: Arc::default() }.into_shared()
}

#[derive(Debug)]
struct WatchedClient {
    inner: SharedHttpClient,
    patience: AnswerTimeout,
    on_late: Option<OnLate>,
    /// Whether it was told that an answer is late, and none has come since.
    is_told: Arc<AtomicBool>,
}

impl HttpClient for WatchedClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(WatchedConnector {
            inner: self.inner.http_connector(settings, components),
            patience: self.patience,
            on_late: self.on_late,
            is_told: Arc::clone(&self.is_told),
        })
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.inner.connector_metadata()
    }
}

#[derive(Debug)]
struct WatchedConnector {
    inner: SharedHttpConnector,
    patience: AnswerTimeout,
    on_late: Option<OnLate>,
    is_told: Arc<AtomicBool>,
}

impl HttpConnector for WatchedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (patience, is_told) = (self.patience, Arc::clone(&self.is_told));
        let host = host_of(request.uri()).to_owned();
        let tries = request.headers().get(TRY).map_or(1, tries_of);
        let on_late = self.on_late.filter(|_| is_small(&request));
        let begun = Instant::now();
        let answer = self.inner.call(request);
        HttpConnectorFuture::new(async move {
            let mut answer = Box::pin(answer);
            let answer = match time::timeout(LATE, &mut answer).await {
                Ok(answer) => answer,
                Err(_) => {
                    if let Some(on_late) = on_late
                        && !is_told.swap(true, Ordering::Relaxed)
                    {
                        on_late(&waiting(&host, patience.total));
                    }
                    answer.await
                }
            };
            answered(answer, &is_told, |error| {
                silent(error, &host, patience, tries, begun.elapsed())
            })
        })
    }
}

fn answered(
    answer: Result<HttpResponse, ConnectorError>,
    is_told: &AtomicBool,
    silent: impl FnOnce(ConnectorError) -> ConnectorError,
) -> Result<HttpResponse, ConnectorError> {
    match answer {
        Ok(answer) => {
            is_told.store(false, Ordering::Relaxed);
            Ok(answer)
        }
        Err(error) if error.is_timeout() => Err(silent(error)),
        Err(error) => Err(error),
    }
}

/// A server did not answer in time.
#[derive(Debug, thiserror::Error)]
#[error("{host} did not answer within {} s, the bound of --aws-timeout", .total.as_secs())]
struct AnswerTimedOut {
    host: String,
    total: Duration,
}

/// The error of a try that ran out of time. One that may be followed by another is a timeout to the
/// SDK; the last one is not.
fn silent(
    error: ConnectorError,
    host: &str,
    patience: AnswerTimeout,
    tries: u32,
    lasted: Duration,
) -> ConnectorError {
    drop(error);
    let silent = Box::new(AnswerTimedOut { host: host.to_owned(), total: patience.total });
    if patience.is_over(tries, lasted) {
        return ConnectorError::other(silent, None);
    }
    ConnectorError::timeout(silent)
}

fn waiting(host: &str, total: Duration) -> String {
    format!(
        "waiting for an answer of {host}; without one, this ends after {} s (--aws-timeout)",
        total.as_secs()
    )
}

/// The host of a URI, with its port, without a user or a password.
fn host_of(uri: &str) -> &str {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default()
}

/// Which try a request is, by the SDK's header.
fn tries_of(header: &str) -> u32 {
    let mut parts = header.split(';').map(str::trim);
    parts.find_map(|part| part.strip_prefix("attempt=")?.parse().ok()).unwrap_or(1)
}

/// Whether sending a request takes no time that counts.
fn is_small(request: &HttpRequest) -> bool {
    request.body().content_length().is_some_and(|bytes| bytes <= BODY_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_spread_over_tries() {
        let seconds = Duration::from_secs;
        let of = |total, tries| {
            let patience = AnswerTimeout::new(seconds(total), tries);
            (patience.read().as_secs(), patience.connect().as_secs())
        };
        assert_eq!(of(60, 5), (30, 10));
        assert_eq!(of(1, 5), (1, 1));
        assert_eq!(of(45, 5), (22, 10));
        assert_eq!(of(300, 5), (60, 10));
        assert_eq!(of(60, 1), (60, 10));
        assert_eq!(of(60, 0), (60, 10));
    }

    #[test]
    fn the_last_silent_try_is_not_followed_by_another() {
        let patience = AnswerTimeout::new(Duration::from_secs(60), 5);
        let of = |tries, seconds: u64| {
            let error = ConnectorError::timeout("late".into());
            silent(error, "h:1", patience, tries, Duration::from_millis(seconds * 1000 + 3))
        };
        assert!(of(1, 30).is_timeout());
        assert!(!of(2, 30).is_timeout());
        assert!(of(4, 10).is_timeout(), "connecting");
        assert!(!of(6, 10).is_timeout());
        let text = of(2, 30).into_source().to_string();
        assert_eq!(text, "h:1 did not answer within 60 s, the bound of --aws-timeout");
    }

    #[test]
    fn hosts_are_named_without_secrets() {
        assert_eq!(host_of("https://s3.us-east-1.amazonaws.com/b?x"), "s3.us-east-1.amazonaws.com");
        assert_eq!(host_of("http://me:secret@127.0.0.1:9000/b/k@x"), "127.0.0.1:9000");
        assert_eq!(host_of("http://h?x=1/2@3"), "h");
        assert_eq!(host_of(""), "");
    }

    #[test]
    fn the_number_of_a_try_is_read() {
        assert_eq!(tries_of("attempt=2; max=5"), 2);
        assert_eq!(tries_of("ttl=20260101T000000Z; attempt=3; max=5"), 3);
        assert_eq!(tries_of("max=5"), 1);
    }
}
