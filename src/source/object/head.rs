//! What S3 says of objects without sending them: HEAD requests, many at a time.
//!
//! Never knows why somebody asks.

use std::collections::VecDeque;
use std::io;

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::{ChecksumMode, ServerSideEncryption};

use super::Object;
use super::request::{RequestTarget, refused};
use crate::aws::{AwsError, AwsErrorKind};
use crate::source::Crc64Nvme;

/// Objects that are asked about at the same time. 32: a report of 300 data files is looked through
/// in a second, and S3 takes 5,500 such requests a second for a prefix.
const HEADS_AT_ONCE: usize = 32;

/// What S3 says of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ObjectHead {
    /// Its length.
    pub bytes: u64,
    /// Its `ETag`, without quotes.
    pub etag: String,
    /// How it is encrypted, by the API's name (`AES256`, `aws:kms`); some servers don't tell.
    pub encryption: Option<String>,
    /// The CRC-64/NVME of all its bytes, where S3 holds it and was asked.
    pub crc64nvme: Option<Crc64Nvme>,
}

impl ObjectHead {
    /// Whether it is encrypted, and not by S3's own keys (SSE-S3): then Batch Operations can't read
    /// it, if it is a CSV manifest (S3 User Guide, "Creating an S3 Batch Operations job"). Servers
    /// that don't say how they encrypt don't use KMS.
    #[must_use]
    pub(crate) fn is_by_other_keys(&self) -> bool {
        self.encryption.as_deref().is_some_and(|how| how != ServerSideEncryption::Aes256.as_str())
    }
}

/// Whether checksums are asked for. For an object that KMS encrypts that takes `kms:Decrypt` (API
/// reference, `HeadObject`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeadChecksums {
    /// They are.
    Asked,
    /// They are not.
    NotAsked,
}

/// Asks about objects, many at the same time, and hands over each answer in the order of the
/// objects, with what the caller gave along; of an object that is not there, the answer is `None`.
///
/// # Errors
/// The first that `visit` returns.
pub(crate) fn visit_heads<T, E>(
    objects: impl IntoIterator<Item = (Object, T)>,
    checksums: HeadChecksums,
    mut visit: impl FnMut(T, io::Result<Option<ObjectHead>>) -> Result<(), E>,
) -> Result<(), E> {
    let mut objects = objects.into_iter();
    let mut asked = VecDeque::new();
    loop {
        while asked.len() < HEADS_AT_ONCE
            && let Some((object, given)) = objects.next()
        {
            let answer = object.session().spawn(head(object.target(), checksums));
            asked.push_back((object, given, answer));
        }
        let Some((object, given, answer)) = asked.pop_front() else { return Ok(()) };
        let answer = match object.session().wait(answer) {
            Ok(answer) => answer.map_err(refused),
            Err(ended) => Err(io::Error::other(ended)),
        };
        visit(given, answer)?;
    }
}

impl Object {
    /// What S3 says of the object; `None` if it is not there.
    pub(super) fn head(&self, checksums: HeadChecksums) -> Result<Option<ObjectHead>, AwsError> {
        self.session().wait(head(self.target(), checksums))
    }

    /// The lengths of objects, `None` for what is not there.
    pub(in crate::source) fn lengths(objects: Vec<Self>) -> io::Result<Vec<Option<u64>>> {
        let mut lengths = Vec::with_capacity(objects.len());
        let objects = objects.into_iter().map(|object| (object, ()));
        visit_heads(objects, HeadChecksums::NotAsked, |(), head| {
            lengths.push(head?.map(|head| head.bytes));
            Ok::<_, io::Error>(())
        })?;
        Ok(lengths)
    }
}

async fn head(
    target: RequestTarget,
    checksums: HeadChecksums,
) -> Result<Option<ObjectHead>, AwsError> {
    let request = target
        .client
        .head_object()
        .bucket(&*target.bucket)
        .key(&*target.key)
        .set_request_payer(target.payer)
        .set_checksum_mode((checksums == HeadChecksums::Asked).then_some(ChecksumMode::Enabled))
        .send();
    match request.await {
        Ok(answer) => Ok(Some(described(answer))),
        Err(error) => {
            let error = AwsError::new("look it up", &error);
            match error.kind {
                AwsErrorKind::NoSuchKey => Ok(None),
                _ => Err(error),
            }
        }
    }
}

fn described(answer: HeadObjectOutput) -> ObjectHead {
    ObjectHead {
        bytes: u64::try_from(answer.content_length.unwrap_or_default()).unwrap_or_default(),
        etag: bare_etag(answer.e_tag).unwrap_or_default(),
        encryption: answer.server_side_encryption.map(|how| how.as_str().to_owned()),
        // One of parts' checksums has their number behind it.
        crc64nvme: answer.checksum_crc64_nvme.and_then(|text| text.parse().ok()),
    }
}

/// An `ETag` without its quotes; none if there is nothing in them.
pub(super) fn bare_etag(etag: Option<String>) -> Option<String> {
    etag.map(|etag| etag.trim_matches('"').to_owned()).filter(|etag| !etag.is_empty())
}
