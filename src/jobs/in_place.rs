//! The manifests of a plan in S3, which its jobs read where they are.
//!
//! Never knows the journal: who calls writes it.

use std::sync::atomic::AtomicBool;

use super::SubmitError;
use crate::aws::{AwsError, Session};
use crate::plan::{Shard, find_manifest};
use crate::source::Object;

/// Finds the manifest of a plan in S3 where it is, `bucket/key`, and makes sure that it is what the
/// plan says and that S3 Batch Operations can read it. Nothing is uploaded. Gives its `ETag`.
///
/// # Errors
/// When it is not there, is another, or can't be read by a job; when S3 refuses.
pub(super) fn find_in_place(
    session: &Session,
    object: &str,
    shard: &Shard,
    stop: &AtomicBool,
) -> Result<String, SubmitError> {
    let address = format!("s3://{object}");
    let refused = |what: String| AwsError::other(format!("look at {address}"), what);
    let manifest = Object::parse(&address, session).map_err(|error| refused(error.to_string()))?;
    let head = find_manifest(&manifest, shard, stop)?;
    if head.etag.is_empty() {
        return Err(refused("the answer has no ETag".to_owned()).into());
    }
    Ok(head.etag)
}
