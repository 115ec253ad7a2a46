//! A manifest, or a data file of one, goes up: once, whole, and never over another object.
//!
//! S3 Batch Operations takes CSV manifests only where they are encrypted with SSE-S3, and inventory
//! reports also with SSE-KMS (UG, "Creating an S3 Batch Operations job"). So uploads of the former
//! ask for SSE-S3, whatever the bucket's default is, and those of the latter leave it to it. Every
//! byte is checked by S3 against a SHA-256, and the whole file against the plan's.
//!
//! Never knows the journal: who calls writes it.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart, ServerSideEncryption,
};
use md5::Md5;
use sha2::{Digest as _, Sha256};
use tokio::task::JoinHandle;

use crate::aws::{AwsError, AwsErrorKind, Session};

/// A part of an upload at least. 16 MiB: at 20 ms a request a connection carries 800 MB/s, and four
/// parts in memory are 64 MiB. A smaller file goes up in one request.
const PART_BYTES: u64 = 16 << 20;

/// Parts of an upload at most (UG, "Amazon S3 multipart upload limits").
const PARTS_MAX: u64 = 10_000;

/// Parts that are on their way at a time: one connection seldom fills a line.
const PARTS_AT_A_TIME: usize = 4;

/// The object's metadata that holds the file's digest, by which an interrupted run recognises what
/// it uploaded.
const DIGEST_METADATA: &str = "s3sieve-digest";

/// A digest of a file, in hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digest<'a> {
    /// Of a manifest.
    Sha256(&'a str),
    /// Of a data file of a manifest that is an inventory report.
    Md5(&'a str),
}

impl Digest<'_> {
    /// As the object's metadata holds it: `sha256:...`.
    fn named(&self) -> String {
        match self {
            Self::Sha256(digest) => format!("sha256:{digest}"),
            Self::Md5(digest) => format!("md5:{digest}"),
        }
    }

    fn hasher(&self) -> Hasher {
        match self {
            Self::Sha256(_) => Hasher::Sha256(Sha256::new()),
            Self::Md5(_) => Hasher::Md5(Md5::new()),
        }
    }
}

/// A digest that is being made.
enum Hasher {
    Sha256(Sha256),
    Md5(Md5),
}

impl Hasher {
    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Md5(hasher) => hasher.update(bytes),
        }
    }

    fn is(self, digest: Digest<'_>) -> bool {
        match (self, digest) {
            (Self::Sha256(hasher), Digest::Sha256(wanted)) => hex(&hasher.finalize()) == wanted,
            (Self::Md5(hasher), Digest::Md5(wanted)) => hex(&hasher.finalize()) == wanted,
            _ => false,
        }
    }
}

/// A file to upload.
#[derive(Debug, Clone)]
pub struct Upload<'a> {
    /// The file.
    pub path: &'a Path,
    /// Its length.
    pub bytes: u64,
    /// What its bytes come to, as the plan says.
    pub digest: Digest<'a>,
    /// Where to.
    pub bucket: &'a str,
    /// The key there.
    pub key: &'a str,
    /// Whether it must be encrypted with SSE-S3; if not, as the bucket does it.
    pub sse_s3: bool,
}

/// Why a manifest is not there.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// S3 refused.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// The file can't be read.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The file is not what the plan says.
    #[error("{}: the file changed while it was uploaded; make the plan again", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// Something else is there.
    #[error(
        "s3://{object} is there already, and is not this file ({what}): it is not replaced; \
         move it away, or give another prefix with --manifest-bucket"
    )]
    Other {
        /// `bucket/key`.
        object: String,
        /// What differs.
        what: String,
    },
    /// The stop flag was raised.
    #[error("interrupted")]
    Interrupted,
    /// The caller could not note something.
    #[error(transparent)]
    Note(#[from] super::journal::JournalError),
}

/// A file that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lies {
    /// Its `ETag`, without quotes.
    pub etag: String,
    /// Whether it was there already.
    pub found: bool,
}

impl Upload<'_> {
    fn action(&self) -> String {
        format!("upload {} to s3://{}/{}", self.path.display(), self.bucket, self.key)
    }

    fn sse(&self) -> Option<ServerSideEncryption> {
        self.sse_s3.then_some(ServerSideEncryption::Aes256)
    }

    fn open(&self) -> Result<File, UploadError> {
        File::open(self.path).map_err(|error| self.io(error))
    }

    fn io(&self, error: io::Error) -> UploadError {
        UploadError::Io { path: self.path.to_owned(), error }
    }

    /// Uploads it, unless it is there. Before the first part of an upload in parts, `note` is told
    /// the upload's id.
    ///
    /// # Errors
    /// When it is not there afterwards.
    pub fn run(
        &self,
        session: &Session,
        stop: &AtomicBool,
        note: &mut dyn FnMut(&str) -> Result<(), super::journal::JournalError>,
    ) -> Result<Lies, UploadError> {
        let etag = if self.bytes <= PART_BYTES {
            self.at_once(session)
        } else {
            self.in_parts(session, stop, note)
        };
        match etag {
            Ok(etag) => Ok(Lies { etag, found: false }),
            Err(UploadError::Aws(error)) if error.kind == AwsErrorKind::Precondition => {
                self.look(session)
            }
            Err(error) => Err(error),
        }
    }

    fn at_once(&self, session: &Session) -> Result<String, UploadError> {
        let mut bytes = Vec::new();
        self.open()?.read_to_end(&mut bytes).map_err(|error| self.io(error))?;
        let mut hasher = self.digest.hasher();
        hasher.update(&bytes);
        if !hasher.is(self.digest) {
            return Err(UploadError::Changed { path: self.path.to_owned() });
        }
        let call = session
            .s3()
            .put_object()
            .bucket(self.bucket)
            .key(self.key)
            .if_none_match("*")
            .set_server_side_encryption(self.sse())
            .checksum_sha256(base64(&Sha256::digest(&bytes)))
            .metadata(DIGEST_METADATA, self.digest.named())
            .content_type("text/csv")
            .body(ByteStream::from(bytes));
        let answer = session.wait(call.send());
        let answer = answer.map_err(|error| AwsError::new(self.action(), &error))?;
        self.etag(answer.e_tag)
    }

    fn etag(&self, etag: Option<String>) -> Result<String, UploadError> {
        let etag = etag.map(|etag| etag.trim_matches('"').to_owned());
        let etag = etag.filter(|etag| !etag.is_empty());
        Ok(etag.ok_or_else(|| AwsError::other(self.action(), "the answer has no ETag"))?)
    }

    fn in_parts(
        &self,
        session: &Session,
        stop: &AtomicBool,
        note: &mut dyn FnMut(&str) -> Result<(), super::journal::JournalError>,
    ) -> Result<String, UploadError> {
        // What is there can't be told before the last request otherwise, and parts cost.
        match self.look(session) {
            Ok(there) => return Ok(there.etag),
            Err(UploadError::Aws(error)) if error.kind == AwsErrorKind::NoSuchKey => {}
            Err(error) => return Err(error),
        }
        let call = session
            .s3()
            .create_multipart_upload()
            .bucket(self.bucket)
            .key(self.key)
            .set_server_side_encryption(self.sse())
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .metadata(DIGEST_METADATA, self.digest.named())
            .content_type("text/csv");
        let begun = session.wait(call.send());
        let begun = begun.map_err(|error| AwsError::new(self.action(), &error))?;
        let id = begun.upload_id.unwrap_or_default();
        note(&id)?;
        let ended = self.parts(session, stop, &id).and_then(|parts| {
            let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
            let call = session
                .s3()
                .complete_multipart_upload()
                .bucket(self.bucket)
                .key(self.key)
                .upload_id(&id)
                .if_none_match("*")
                .multipart_upload(parts);
            let answer = session.wait(call.send());
            let answer = answer.map_err(|error| AwsError::new(self.action(), &error))?;
            self.etag(answer.e_tag)
        });
        if ended.is_err() {
            // The first error is the one to tell of.
            let _ = abandon(session, self.bucket, self.key, &id);
        }
        ended
    }

    fn parts(
        &self,
        session: &Session,
        stop: &AtomicBool,
        id: &str,
    ) -> Result<Vec<CompletedPart>, UploadError> {
        let part_bytes = PART_BYTES.max(self.bytes.div_ceil(PARTS_MAX).next_multiple_of(1 << 20));
        let mut file = self.open()?;
        let mut whole = self.digest.hasher();
        let mut on_their_way = std::collections::VecDeque::new();
        let mut done = Vec::new();
        for number in 1.. {
            let mut bytes = Vec::new();
            let mut part = Read::take(&mut file, part_bytes);
            part.read_to_end(&mut bytes).map_err(|error| self.io(error))?;
            if stop.load(Ordering::Relaxed) {
                return Err(UploadError::Interrupted);
            }
            if bytes.is_empty() {
                break;
            }
            whole.update(&bytes);
            if on_their_way.len() == PARTS_AT_A_TIME
                && let Some(part) = on_their_way.pop_front()
            {
                done.push(self.arrived(session, part)?);
            }
            on_their_way.push_back(self.send_part(session, id, number, bytes));
        }
        for part in on_their_way {
            done.push(self.arrived(session, part)?);
        }
        if !whole.is(self.digest) {
            return Err(UploadError::Changed { path: self.path.to_owned() });
        }
        Ok(done)
    }

    fn send_part(
        &self,
        session: &Session,
        id: &str,
        number: i32,
        bytes: Vec<u8>,
    ) -> JoinHandle<Result<CompletedPart, AwsError>> {
        let checksum = base64(&Sha256::digest(&bytes));
        let call = session
            .s3()
            .upload_part()
            .bucket(self.bucket)
            .key(self.key)
            .upload_id(id)
            .part_number(number)
            .checksum_sha256(&checksum)
            .body(ByteStream::from(bytes));
        let action = self.action();
        session.spawn(async move {
            let answer = call.send().await.map_err(|error| AwsError::new(action, &error))?;
            Ok(CompletedPart::builder()
                .part_number(number)
                .set_e_tag(answer.e_tag)
                .checksum_sha256(checksum)
                .build())
        })
    }

    fn arrived(
        &self,
        session: &Session,
        part: JoinHandle<Result<CompletedPart, AwsError>>,
    ) -> Result<CompletedPart, UploadError> {
        let part = session.wait(part);
        Ok(part.map_err(|error| AwsError::other(self.action(), error.to_string()))??)
    }

    /// What lies at the manifest's place, if it is the manifest.
    fn look(&self, session: &Session) -> Result<Lies, UploadError> {
        let call = session.s3().head_object().bucket(self.bucket).key(self.key);
        let object = format!("{}/{}", self.bucket, self.key);
        let head = session.wait(call.send());
        let head = head.map_err(|error| AwsError::new(format!("look at s3://{object}"), &error))?;
        let metadata = head.metadata.unwrap_or_default();
        let said = metadata.get(DIGEST_METADATA);
        let encryption = head.server_side_encryption;
        let what = if head.content_length != i64::try_from(self.bytes).ok() {
            format!("it has {} bytes", head.content_length.unwrap_or_default())
        } else if said.is_some_and(|said| *said != self.digest.named())
            || (said.is_none() && !self.is_same(session)?)
        {
            "its content is another".to_owned()
        } else if self.sse_s3 && encryption.is_some_and(|how| how != ServerSideEncryption::Aes256) {
            "it is not encrypted with SSE-S3".to_owned()
        } else {
            return Ok(Lies { etag: self.etag(head.e_tag)?, found: true });
        };
        Err(UploadError::Other { object, what })
    }

    /// Whether an object that doesn't say what it holds, as somebody else uploaded it, holds the
    /// file's bytes.
    fn is_same(&self, session: &Session) -> Result<bool, UploadError> {
        let action = || format!("read s3://{}/{}", self.bucket, self.key);
        let call = session.s3().get_object().bucket(self.bucket).key(self.key);
        let answer = session.wait(call.send());
        let mut body = answer.map_err(|error| AwsError::new(action(), &error))?.body;
        let mut hasher = self.digest.hasher();
        while let Some(bytes) = session.wait(body.next()) {
            hasher.update(&bytes.map_err(|error| AwsError::broken(action(), &error))?);
        }
        Ok(hasher.is(self.digest))
    }
}

/// Gives up an upload in parts, so that its parts cost nothing more.
///
/// # Errors
/// When S3 refuses, for another reason than that there is no such upload.
pub fn abandon(session: &Session, bucket: &str, key: &str, id: &str) -> Result<(), AwsError> {
    let call = session.s3().abort_multipart_upload().bucket(bucket).key(key).upload_id(id);
    match session.wait(call.send()) {
        Err(error) if error.code() != Some("NoSuchUpload") => {
            let action = format!("give up the upload {id} to s3://{bucket}/{key}");
            Err(AwsError::new(action, &error))
        }
        _ => Ok(()),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// As headers hold checksums (RFC 4648, with padding).
fn base64(bytes: &[u8]) -> String {
    aws_smithy_types::base64::encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_written_as_headers_hold_them() {
        let empty = Sha256::digest(b"");
        assert_eq!(base64(&empty), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        assert_eq!(&hex(&empty)[..8], "e3b0c442");
    }
}
