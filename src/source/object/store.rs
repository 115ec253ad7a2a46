//! Objects stored on the condition that there is none of that name: nothing is ever overwritten.
//!
//! Where there is one, it is compared by length and checksum. The same content is success, whoever
//! stored it: this run, whose answer was lost, one that was killed, or one that does the same at
//! the same time. Other content is an error.
//!
//! Never knows what the bytes mean.

use std::io::{self, Read};
use std::thread;
use std::time::Duration;

use aws_sdk_s3::config::{self, retry::RetryConfig};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ServerSideEncryption;
use bytes::Bytes;

use super::Object;
use super::head::{HeadChecksums, ObjectHead, bare_etag};
use super::request::refused;
use crate::aws::{AwsError, AwsErrorKind};
use crate::source::{Crc64Nvme, Crc64NvmeHasher, StoreError};

/// What errors say was to be done.
pub(super) const WRITE: &str = "write it";

/// Tries to store an object while other requests for the same key get in the way. Six, with the
/// pauses between them three seconds: S3 refuses so only while another upload is being completed,
/// which takes a moment.
const TRIES_MAX: u32 = 6;

/// Before the second try; it doubles with each further one.
const PAUSE_FIRST: Duration = Duration::from_millis(100);

/// Read at once when an object is compared: large enough that calls don't count.
const READ_BUFFER_BYTES: usize = 256 << 10;

/// How objects are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct StoreOptions {
    /// Whether S3 must encrypt with its own keys (SSE-S3); if not, as the bucket does it.
    pub sse_s3: bool,
    /// What the object says that it holds.
    pub content_type: Option<&'static str>,
}

impl StoreOptions {
    pub(super) fn encryption(self) -> Option<ServerSideEncryption> {
        self.sse_s3.then_some(ServerSideEncryption::Aes256)
    }
}

/// A file that is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UploadOutcome {
    /// Its `ETag`, without quotes.
    pub etag: String,
    /// Whether it was there already.
    pub found: bool,
}

/// What an object must hold to be taken for a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ExpectedObject {
    pub(super) bytes: u64,
    pub(super) crc64nvme: Crc64Nvme,
}

impl Object {
    /// Stores a small object.
    ///
    /// # Errors
    /// When S3 refuses, or there is an object of that key with other content.
    pub(super) fn put_object(
        &self,
        bytes: Vec<u8>,
        options: StoreOptions,
    ) -> Result<UploadOutcome, StoreError> {
        let crc64nvme = Crc64Nvme::of(&bytes);
        let content = ExpectedObject { bytes: bytes.len() as u64, crc64nvme };
        let body = Bytes::from(bytes);
        let put = || self.put_once(body.clone(), crc64nvme, options);
        self.stored_by(put, || self.find(content, options))
    }

    /// Stores a small object, or finds one of that key that `is_same` takes for it.
    ///
    /// # Errors
    /// When S3 refuses, or there is an object of that key that is not the same.
    pub(super) fn put_or_compare(
        &self,
        bytes: Vec<u8>,
        options: StoreOptions,
        bytes_max: u64,
        is_same: impl Fn(&[u8]) -> bool,
    ) -> Result<UploadOutcome, StoreError> {
        let crc64nvme = Crc64Nvme::of(&bytes);
        let body = Bytes::from(bytes);
        let put = || self.put_once(body.clone(), crc64nvme, options);
        self.stored_by(put, || match self.read_whole(bytes_max)? {
            Some((there, etag)) if is_same(&there) => Ok(Some(UploadOutcome { etag, found: true })),
            Some(_) => Err(StoreError::Differs { what: "its bytes are others".to_owned() }),
            None => Ok(None),
        })
    }

    /// Stores by `attempt`. Where that is refused because of another object or another upload,
    /// `look` tells whether the object is there, and the same; if there is none, it is tried again.
    pub(super) fn stored_by<T>(
        &self,
        mut attempt: impl FnMut() -> Result<T, StoreError>,
        look: impl Fn() -> Result<Option<T>, StoreError>,
    ) -> Result<T, StoreError> {
        let mut pause = PAUSE_FIRST;
        let mut tries = 1;
        loop {
            let error = match attempt() {
                Err(error) if is_in_the_way(&error) => error,
                outcome => return outcome,
            };
            if let Some(found) = look()? {
                return Ok(found);
            }
            if tries == TRIES_MAX {
                return Err(error);
            }
            thread::sleep(pause);
            (tries, pause) = (tries + 1, pause * 2);
        }
    }

    fn put_once(
        &self,
        body: Bytes,
        crc64nvme: Crc64Nvme,
        options: StoreOptions,
    ) -> Result<UploadOutcome, StoreError> {
        let target = self.target();
        let request = target
            .client
            .put_object()
            .bucket(&*target.bucket)
            .key(&*target.key)
            .set_request_payer(target.payer)
            .set_server_side_encryption(options.encryption())
            .set_content_type(options.content_type.map(str::to_owned))
            .if_none_match("*")
            .checksum_crc64_nvme(crc64nvme.to_string())
            .body(ByteStream::from(body));
        let answer = self.session().wait(request.send());
        let answer = answer.map_err(|error| refused(AwsError::new(WRITE, &error)))?;
        Ok(self.sent(answer.e_tag).map_err(refused)?)
    }

    /// What came of a request that stored the object, by the `ETag` of the answer. Some servers
    /// give it only to who asks for it.
    pub(super) fn sent(&self, etag: Option<String>) -> Result<UploadOutcome, AwsError> {
        let etag = match bare_etag(etag) {
            Some(etag) => etag,
            None => self.head(HeadChecksums::NotAsked)?.map(|head| head.etag).unwrap_or_default(),
        };
        if etag.is_empty() {
            return Err(AwsError::other(WRITE, "the server gives it no ETag"));
        }
        Ok(UploadOutcome { etag, found: false })
    }

    /// The object, if it is there and holds this content; none if it is not there.
    pub(super) fn find(
        &self,
        content: ExpectedObject,
        options: StoreOptions,
    ) -> Result<Option<UploadOutcome>, StoreError> {
        let Some(head) = self.head(HeadChecksums::Asked).map_err(refused)? else {
            return Ok(None);
        };
        self.compare(head, content, options)
    }

    /// As [`Object::find`], of what S3 said of the object, checksum included.
    pub(super) fn compare(
        &self,
        head: ObjectHead,
        content: ExpectedObject,
        options: StoreOptions,
    ) -> Result<Option<UploadOutcome>, StoreError> {
        let differs = |what: String| Err(StoreError::Differs { what });
        if head.bytes != content.bytes {
            return differs(format!("it has {} bytes instead of {}", head.bytes, content.bytes));
        }
        let crc64nvme = match head.crc64nvme {
            Some(crc64nvme) => Some(crc64nvme),
            None => self.computed()?,
        };
        match crc64nvme {
            // Deleted between the two requests.
            None => Ok(None),
            Some(crc64nvme) if crc64nvme != content.crc64nvme => {
                differs(format!("its CRC-64/NVME is {crc64nvme} instead of {}", content.crc64nvme))
            }
            Some(_) if options.sse_s3 && head.is_by_other_keys() => {
                differs("it is not encrypted with SSE-S3".to_owned())
            }
            Some(_) => Ok(Some(UploadOutcome { etag: head.etag, found: true })),
        }
    }

    /// The checksum of the object's bytes, for a server that keeps none; none if it is gone.
    fn computed(&self) -> io::Result<Option<Crc64Nvme>> {
        let mut file = match self.open() {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut checksum = Crc64NvmeHasher::new();
        let mut buffer = vec![0; READ_BUFFER_BYTES];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(Some(checksum.finish())),
                count => checksum.update(&buffer[..count]),
            }
        }
    }

    /// All bytes of a small object, and its `ETag`; none if it is not there.
    ///
    /// # Errors
    /// When S3 refuses, or the object is larger than `bytes_max`.
    pub fn read_whole(&self, bytes_max: u64) -> io::Result<Option<(Vec<u8>, String)>> {
        let mut file = match self.open() {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if file.len() > bytes_max {
            let what = format!("{} bytes, where at most {bytes_max} are expected", file.len());
            return Err(io::Error::other(what));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(file.len()).map_err(io::Error::other)?);
        file.read_to_end(&mut bytes)?;
        Ok(Some((bytes, bare_etag(file.etag().map(str::to_owned)).unwrap_or_default())))
    }

    /// Deletes the object on the condition that it is still the one with this `ETag`; `false` where
    /// it is gone or was replaced, and not by this request. S3 looks and deletes in one; a server
    /// that doesn't know conditional deletions is asked for the `ETag` right before.
    ///
    /// # Errors
    /// When S3 refuses.
    pub fn delete_if_match(&self, etag: &str) -> io::Result<bool> {
        // The first request alone: what it is told of an object that is gone is not of its own
        // doing. A second one can't know that.
        match self.delete_once(etag, Some(RetryConfig::disabled())) {
            Ok(deleted) => return Ok(deleted),
            Err(error) if error.kind == AwsErrorKind::NotImplemented => {
                let head = self.head(HeadChecksums::NotAsked).map_err(refused)?;
                let is_same = head.is_some_and(|head| head.etag == etag);
                return Ok(is_same && self.delete_once("", None).map_err(refused)?);
            }
            Err(_) => {}
        }
        let deleted = self.delete_once(etag, None).map_err(refused)?;
        // The first one may have done it, and its answer was lost.
        Ok(deleted || !self.exists()?)
    }

    fn delete_once(&self, etag: &str, retries: Option<RetryConfig>) -> Result<bool, AwsError> {
        let target = self.target();
        let mut config = config::Builder::default();
        config.set_retry_config(retries);
        let request = target
            .client
            .delete_object()
            .bucket(&*target.bucket)
            .key(&*target.key)
            // A server without ETags has nothing to compare.
            .set_if_match((!etag.is_empty()).then(|| format!("\"{etag}\"")))
            .set_request_payer(target.payer)
            .customize()
            .config_override(config);
        match self.session().wait(request.send()) {
            Ok(_) => Ok(true),
            Err(error) => {
                let error = AwsError::new("delete it", &error);
                match error.kind {
                    // Some servers tell that it is gone; S3 does not.
                    AwsErrorKind::NoSuchKey
                    | AwsErrorKind::Precondition
                    | AwsErrorKind::Conflict => Ok(false),
                    _ => Err(error),
                }
            }
        }
    }
}

/// Whether an object that was to be new is there, or another upload of it is under way.
fn is_in_the_way(error: &StoreError) -> bool {
    let StoreError::Io(error) = error else { return false };
    let refusal = error.get_ref().and_then(|inner| inner.downcast_ref::<AwsError>());
    refusal.is_some_and(|refusal| {
        matches!(refusal.kind, AwsErrorKind::Precondition | AwsErrorKind::Conflict)
    })
}
