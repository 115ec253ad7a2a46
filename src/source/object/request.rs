//! What a request for an object needs, and what its refusal means for reading.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::types::RequestPayer;
use tokio::runtime::Handle;

use super::pace::ReadingPace;
use crate::aws::{AwsError, AwsErrorKind};

/// What a request for an object needs; unlike [`Object`] it doesn't keep the session's threads, so
/// that a task on them may hold it.
#[derive(Debug, Clone)]
pub(super) struct RequestTarget {
    /// The threads that requests run on.
    pub(super) threads: Handle,
    pub(super) client: Client,
    pub(super) bucket: Arc<str>,
    pub(super) key: Arc<str>,
    pub(super) payer: Option<RequestPayer>,
    /// How often a request is tried, where the user has set that.
    pub(super) tries: Option<u32>,
    /// How long an answer, or more of it, is waited for.
    pub(super) answer_timeout: Duration,
    /// Where what is measured of answers goes.
    pub(super) pace: Arc<ReadingPace>,
}

/// A refusal as the error of reading; one for a missing object is of kind `NotFound`.
pub(super) fn refused(error: AwsError) -> io::Error {
    let kind = match error.kind {
        AwsErrorKind::NoSuchKey => io::ErrorKind::NotFound,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}

/// Whether nothing of what was asked for lies in the object.
pub(super) fn is_out_of_range(error: &io::Error) -> bool {
    let refusal = error.get_ref().and_then(|inner| inner.downcast_ref::<AwsError>());
    refusal.is_some_and(|refusal| refusal.kind == AwsErrorKind::OutOfRange)
}
