//! Files sent to S3 while they are written, part by part.
//!
//! A file is written on this machine, and whenever it has a part more, that part is sent. So memory
//! holds the parts that are on their way only, however many files are open, and the disk holds each
//! file until it is whole. What fits two parts is sent as one object at its end.
//!
//! An upload that fails is aborted; an object that was finished stays, for another run may have
//! found it and rely on it. Where an object of that name is there, nothing is sent: it is compared
//! with the file when that is whole.
//!
//! Never knows what the bytes mean.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;

use super::Object;
use super::head::{HeadChecksums, visit_heads};
use super::request::{RequestTarget, refused};
use super::store::{ExpectedObject, StoreOptions, UploadOutcome, WRITE};
use crate::aws::{AwsError, AwsErrorKind};
use crate::source::local::read_exact_at;
use crate::source::{Crc64Nvme, Location, StoreError};

/// Bytes of a part at first. 8 MiB, more than the least that S3 takes (5 MiB; S3 User Guide,
/// "Amazon S3 multipart upload limits"), and large enough that requests cost nothing.
const PART_BYTES_FIRST: u64 = 8 << 20;

/// Bytes of later parts, so that a file of 350 GiB fits: a manifest of three billion rows.
const PART_BYTES_LATER: u64 = 64 << 20;

/// Parts before they become larger.
const PARTS_FIRST: u64 = 5_000;

/// Parts of an upload at most, as S3 has it (there, too).
const PARTS_MAX: u64 = 10_000;

/// Parts on their way at most, of all files together: 32 MiB as a rule.
const PARTS_AT_ONCE: usize = 4;

const _: () = assert!(PART_BYTES_FIRST >= 5 << 20 && PARTS_FIRST < PARTS_MAX);

/// Told the id of each multipart upload that is begun, before its first part is sent.
pub(super) type OnBegin<'a> = &'a mut dyn FnMut(&str) -> io::Result<()>;

/// The files of one run, on their way into a folder in S3.
#[derive(Debug)]
pub(crate) struct Uploads {
    folder: Object,
    on_their_way: Arc<Semaphore>,
    /// Whether the files are there already as far as is known: each is compared before it is sent.
    expected: bool,
    options: StoreOptions,
    stored: Arc<Mutex<HashMap<String, StoredObject>>>,
}

/// What is known of a file that is in S3.
#[derive(Debug, Clone)]
struct StoredObject {
    bytes: u64,
    crc64nvme: Crc64Nvme,
    etag: String,
}

/// Remembers a file under its name, once it is in S3.
#[derive(Debug)]
struct UploadRecord {
    name: String,
    stored: Arc<Mutex<HashMap<String, StoredObject>>>,
}

/// What is in the place of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum InPlace {
    /// Nothing.
    Nothing,
    /// The file.
    Same,
    /// Something else.
    Other {
        /// Its `ETag`, without quotes.
        etag: String,
        /// What differs.
        what: String,
    },
}

impl Uploads {
    /// Into this folder. With `expected` the files are likely to be there already.
    #[must_use]
    pub(crate) fn new(folder: &Object, expected: bool) -> Self {
        // Other servers may not know it.
        let sse_s3 = folder.session().is_aws();
        Self {
            folder: folder.as_folder(),
            on_their_way: Arc::new(Semaphore::new(PARTS_AT_ONCE)),
            expected,
            options: StoreOptions { sse_s3, content_type: None },
            stored: Arc::default(),
        }
    }

    /// A file of this name. Nothing is asked of S3 yet.
    #[must_use]
    pub(crate) fn begin(&self, name: &str) -> ObjectUpload {
        let slots = Arc::clone(&self.on_their_way);
        let mut upload = ObjectUpload::with(self.folder.join(name), self.options, slots);
        upload.compare_first = self.expected;
        upload.record =
            Some(UploadRecord { name: name.to_owned(), stored: Arc::clone(&self.stored) });
        upload
    }

    /// Stores a small object, or finds one of that name that `is_same` takes for it. One that is
    /// larger than `bytes_max` is not read.
    ///
    /// # Errors
    /// When S3 refuses, or there is another object.
    pub(crate) fn put_new(
        &self,
        name: &str,
        bytes: Vec<u8>,
        bytes_max: u64,
        is_same: impl Fn(&[u8]) -> bool,
    ) -> Result<UploadOutcome, StoreError> {
        self.folder.join(name).put_or_compare(bytes, self.options, bytes_max, is_same)
    }

    /// All bytes of a small file, and its `ETag`; none if it is not there.
    ///
    /// # Errors
    /// When S3 refuses, or the file is larger than `bytes_max`.
    pub(crate) fn read(&self, name: &str, bytes_max: u64) -> io::Result<Option<(Vec<u8>, String)>> {
        self.folder.join(name).read_whole(bytes_max)
    }

    /// What is in the places of files, given by name, length and CRC-64/NVME, in their order.
    ///
    /// # Errors
    /// When S3 refuses to tell.
    pub(crate) fn compare(&self, files: &[(String, u64, Crc64Nvme)]) -> io::Result<Vec<InPlace>> {
        let mut found = Vec::with_capacity(files.len());
        let objects = files.iter().map(|file| {
            let object = self.folder.join(&file.0);
            (object.clone(), (object, file))
        });
        visit_heads(objects, HeadChecksums::Asked, |(object, (_, bytes, crc64nvme)), head| {
            let Some(head) = head? else {
                found.push(InPlace::Nothing);
                return Ok::<_, io::Error>(());
            };
            let etag = head.etag.clone();
            let content = ExpectedObject { bytes: *bytes, crc64nvme: *crc64nvme };
            found.push(match object.compare(head, content, self.options) {
                Ok(Some(_)) => InPlace::Same,
                Ok(None) => InPlace::Nothing,
                Err(StoreError::Differs { what }) => InPlace::Other { etag, what },
                Err(StoreError::Io(error)) => return Err(error),
                Err(error @ StoreError::Changed) => return Err(io::Error::other(error)),
            });
            Ok(())
        })?;
        Ok(found)
    }

    /// The `ETag`s of the files of these names, in their order; none of what is not there.
    ///
    /// # Errors
    /// When S3 refuses to tell.
    pub(crate) fn etags(&self, names: &[String]) -> io::Result<Vec<Option<String>>> {
        let mut etags = Vec::with_capacity(names.len());
        let objects = names.iter().map(|name| (self.folder.join(name), ()));
        visit_heads(objects, HeadChecksums::NotAsked, |(), head| {
            etags.push(head?.map(|head| head.etag));
            Ok::<_, io::Error>(())
        })?;
        Ok(etags)
    }

    /// Deletes the file of this name if it is the one with this `ETag`; `false` where it is gone or
    /// was replaced, and not by this.
    ///
    /// # Errors
    /// When S3 refuses.
    pub(crate) fn delete(&self, name: &str, etag: &str) -> io::Result<bool> {
        self.folder.join(name).delete_if_match(etag)
    }

    /// The first of these files, all of them sent or found by this run, that is not there any
    /// more, or is another by now, and what is in its place.
    ///
    /// # Errors
    /// When S3 refuses to tell.
    pub(crate) fn first_lost(&self, names: &[String]) -> io::Result<Option<(Location, InPlace)>> {
        let etags = self.etags(names)?;
        let mut doubtful = Vec::new();
        {
            let stored = self.stored.lock().unwrap_or_else(PoisonError::into_inner);
            for (name, etag) in names.iter().zip(etags) {
                let known = stored.get(name);
                let is_same =
                    |known: &StoredObject| etag.as_ref().is_some_and(|it| *it == known.etag);
                match known {
                    Some(known) if !known.etag.is_empty() && is_same(known) => {}
                    Some(known) => {
                        doubtful.push((name.clone(), known.bytes, known.crc64nvme));
                    }
                    // It was never sent: nothing is the same as that.
                    None => doubtful.push((name.clone(), u64::MAX, Crc64Nvme::of(b""))),
                }
            }
        }
        let found = self.compare(&doubtful)?;
        let lost = doubtful.into_iter().zip(found).find(|(_, found)| *found != InPlace::Same);
        Ok(lost.map(|((name, ..), found)| (Location::Object(self.folder.join(&name)), found)))
    }
}

/// A file on its way. Dropped before it is finished, its upload is aborted.
#[derive(Debug)]
pub(crate) struct ObjectUpload {
    object: Object,
    options: StoreOptions,
    on_their_way: Arc<Semaphore>,
    /// Whether an object of that name was looked for.
    looked: bool,
    /// Whether there is one, or may be: nothing is sent until the file is whole and was compared.
    compare_first: bool,
    /// Of the multipart upload, once it is begun.
    id: Option<String>,
    parts: Vec<JoinHandle<Result<CompletedPart, AwsError>>>,
    /// Bytes that were sent, or are on their way.
    sent: u64,
    /// Of these.
    checksum: Crc64Nvme,
    record: Option<UploadRecord>,
}

impl ObjectUpload {
    /// A file that becomes this object. Nothing is asked of S3 yet.
    #[must_use]
    pub(crate) fn new(object: Object, options: StoreOptions) -> Self {
        Self::with(object, options, Arc::new(Semaphore::new(PARTS_AT_ONCE)))
    }

    fn with(object: Object, options: StoreOptions, on_their_way: Arc<Semaphore>) -> Self {
        Self {
            object,
            options,
            on_their_way,
            looked: false,
            compare_first: false,
            id: None,
            parts: Vec::new(),
            sent: 0,
            checksum: Crc64Nvme::of(b""),
            record: None,
        }
    }

    /// Where the file goes.
    #[must_use]
    pub(crate) fn target(&self) -> Location {
        Location::Object(self.object.clone())
    }

    /// Whether a file of this many bytes has a part to send. One part is kept back, so that a file
    /// that has no more is sent as one object.
    #[must_use]
    pub(crate) fn is_due(&self, bytes: u64) -> bool {
        !self.compare_first && bytes.saturating_sub(self.sent) >= 2 * self.part_bytes()
    }

    fn part_bytes(&self) -> u64 {
        if (self.parts.len() as u64) < PARTS_FIRST { PART_BYTES_FIRST } else { PART_BYTES_LATER }
    }

    /// Sends the parts that a file of this many bytes has; waits while too many are on their way.
    ///
    /// # Errors
    /// When the file can't be read, S3 refuses, or `on_begin` fails.
    pub(crate) fn send(
        &mut self,
        file: &File,
        bytes: u64,
        on_begin: OnBegin<'_>,
    ) -> Result<(), StoreError> {
        if self.is_due(bytes) && !self.looked {
            // What is there can't be told before the last request otherwise, and parts cost.
            self.compare_first = self.object.exists()?;
            self.looked = true;
        }
        while self.is_due(bytes) {
            self.begin_multipart(on_begin)?;
            self.send_part(file, self.part_bytes())?;
        }
        Ok(())
    }

    fn begin_multipart(&mut self, on_begin: OnBegin<'_>) -> Result<(), StoreError> {
        if self.id.is_none() {
            let id = create(&self.object, self.options).map_err(refused)?;
            on_begin(self.id.insert(id))?;
        }
        Ok(())
    }

    fn send_part(&mut self, file: &File, bytes: u64) -> Result<(), StoreError> {
        if self.parts.len() as u64 == PARTS_MAX {
            let error = io::Error::other("larger than an upload to S3 may be (352 GiB)");
            return Err(error.into());
        }
        let id = self.id.clone().unwrap_or_default();
        let waiting = Arc::clone(&self.on_their_way).acquire_owned();
        let permit = self.object.session().wait(waiting).map_err(io::Error::other)?;
        let body = piece(file, self.sent, bytes)?;
        let checksum = Crc64Nvme::of(&body);
        self.checksum = Crc64Nvme::combine(self.checksum, checksum, bytes);
        let number = self.parts.len() as i32 + 1;
        let sending = upload_part(self.object.target(), id, number, (body, checksum), permit);
        self.parts.push(self.object.session().spawn(sending));
        self.sent += bytes;
        Ok(())
    }

    /// Sends what is left of a file with this size and checksum, and waits until S3 has all; or
    /// finds it there.
    ///
    /// # Errors
    /// When the file can't be read or has another checksum, S3 refuses, `on_begin` fails, or there
    /// is an object of that name that is not this file.
    pub(crate) fn finish(
        mut self,
        file: &File,
        bytes: u64,
        crc64nvme: Crc64Nvme,
        on_begin: OnBegin<'_>,
    ) -> Result<UploadOutcome, StoreError> {
        let record = self.record.take();
        let outcome = self.store(file, bytes, crc64nvme, on_begin)?;
        if let Some(UploadRecord { name, stored }) = record {
            let etag = outcome.etag.clone();
            let known = StoredObject { bytes, crc64nvme, etag };
            stored.lock().unwrap_or_else(PoisonError::into_inner).insert(name, known);
        }
        Ok(outcome)
    }

    fn store(
        mut self,
        file: &File,
        bytes: u64,
        crc64nvme: Crc64Nvme,
        on_begin: OnBegin<'_>,
    ) -> Result<UploadOutcome, StoreError> {
        let content = ExpectedObject { bytes, crc64nvme };
        let (object, options) = (self.object.clone(), self.options);
        let is_small = bytes < 2 * PART_BYTES_FIRST;
        if self.id.is_none()
            && (self.compare_first || !is_small)
            && let Some(found) = object.find(content, options)?
        {
            return Ok(found);
        }
        if self.id.is_none() && is_small {
            let bytes = piece(file, 0, bytes)?;
            if Crc64Nvme::of(&bytes) != crc64nvme {
                return Err(StoreError::Changed);
            }
            return object.put_object(bytes, options);
        }
        // Compared by now: what is sent from here on need not wait.
        (self.looked, self.compare_first) = (true, false);
        let attempt = || {
            let sent = self.multipart(file, content, on_begin);
            if sent.is_err() {
                self.abort();
            }
            sent
        };
        object.stored_by(attempt, || object.find(content, options))
    }

    /// Sends all that was not sent yet as parts, and completes the upload.
    fn multipart(
        &mut self,
        file: &File,
        content: ExpectedObject,
        on_begin: OnBegin<'_>,
    ) -> Result<UploadOutcome, StoreError> {
        self.send(file, content.bytes, on_begin)?;
        self.begin_multipart(on_begin)?;
        self.send_part(file, content.bytes - self.sent)?;
        let mut parts = Vec::with_capacity(self.parts.len());
        for part in self.parts.drain(..) {
            let part = self.object.session().wait(part).map_err(io::Error::other)?;
            parts.push(part.map_err(refused)?);
        }
        if self.checksum != content.crc64nvme {
            return Err(StoreError::Changed);
        }
        let id = self.id.clone().unwrap_or_default();
        let outcome = complete(&self.object, id, parts, content.crc64nvme).map_err(refused)?;
        self.id = None;
        Ok(outcome)
    }

    /// Takes back what was sent, so that its parts cost nothing more.
    fn abort(&mut self) {
        (self.sent, self.checksum) = (0, Crc64Nvme::of(b""));
        for part in self.parts.drain(..) {
            part.abort();
            // A part that ends after the upload was aborted would stay, and be paid for.
            let _ = self.object.session().wait(part);
        }
        if let Some(id) = self.id.take() {
            // The error that ended the upload is the one to tell.
            let _ = self.object.abort_multipart(&id);
        }
    }
}

impl Drop for ObjectUpload {
    fn drop(&mut self) {
        self.abort();
    }
}

impl Object {
    /// Whether there is an object of this key.
    ///
    /// # Errors
    /// When S3 refuses to tell.
    pub fn exists(&self) -> io::Result<bool> {
        Self::lengths(vec![self.clone()]).map(|lengths| lengths.iter().any(Option::is_some))
    }

    /// Aborts a multipart upload of this object, so that its parts cost nothing more.
    ///
    /// # Errors
    /// When S3 refuses, for another reason than that there is no such upload.
    pub fn abort_multipart(&self, id: &str) -> Result<(), AwsError> {
        let target = self.target();
        let request = target
            .client
            .abort_multipart_upload()
            .bucket(&*target.bucket)
            .key(&*target.key)
            .set_request_payer(target.payer)
            .upload_id(id);
        match self.session().wait(request.send()) {
            Err(error) if error.code() != Some("NoSuchUpload") => {
                Err(AwsError::new(format!("abort the upload {id} to {self}"), &error))
            }
            _ => Ok(()),
        }
    }
}

/// Bytes of a file.
fn piece(file: &File, offset: u64, bytes: u64) -> io::Result<Vec<u8>> {
    let mut piece = vec![0; usize::try_from(bytes).map_err(io::Error::other)?];
    read_exact_at(file, offset, &mut piece)?;
    Ok(piece)
}

fn create(object: &Object, options: StoreOptions) -> Result<String, AwsError> {
    let target = object.target();
    let request = target
        .client
        .create_multipart_upload()
        .bucket(&*target.bucket)
        .key(&*target.key)
        .set_request_payer(target.payer)
        .set_server_side_encryption(options.encryption())
        .set_content_type(options.content_type.map(str::to_owned))
        // S3 then keeps a checksum of the whole object, as if it had come in one piece.
        .checksum_algorithm(ChecksumAlgorithm::Crc64Nvme)
        .checksum_type(ChecksumType::FullObject);
    let answer = object.session().wait(request.send());
    let answer = answer.map_err(|error| AwsError::new(WRITE, &error))?;
    answer.upload_id.ok_or_else(|| AwsError::other(WRITE, "the server names no upload"))
}

async fn upload_part(
    target: RequestTarget,
    id: String,
    number: i32,
    (body, checksum): (Vec<u8>, Crc64Nvme),
    _permit: OwnedSemaphorePermit,
) -> Result<CompletedPart, AwsError> {
    let checksum = checksum.to_string();
    let request = target
        .client
        .upload_part()
        .bucket(&*target.bucket)
        .key(&*target.key)
        .set_request_payer(target.payer)
        .upload_id(id)
        .part_number(number)
        .checksum_crc64_nvme(&checksum)
        .body(ByteStream::from(body));
    let answer = request.send().await.map_err(|error| AwsError::new(WRITE, &error))?;
    Ok(CompletedPart::builder()
        .part_number(number)
        .set_e_tag(answer.e_tag)
        .checksum_crc64_nvme(checksum)
        .build())
}

fn complete(
    object: &Object,
    id: String,
    parts: Vec<CompletedPart>,
    crc64nvme: Crc64Nvme,
) -> Result<UploadOutcome, AwsError> {
    let target = object.target();
    let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
    let request = target
        .client
        .complete_multipart_upload()
        .bucket(&*target.bucket)
        .key(&*target.key)
        .set_request_payer(target.payer)
        .upload_id(id)
        .if_none_match("*")
        .checksum_type(ChecksumType::FullObject)
        .checksum_crc64_nvme(crc64nvme.to_string())
        .multipart_upload(parts);
    match object.session().wait(request.send()) {
        Ok(answer) => object.sent(answer.e_tag),
        Err(error) => {
            let mut error = AwsError::new(WRITE, &error);
            // No such upload: it was completed, and the answer was lost, or somebody aborted it.
            if error.kind == AwsErrorKind::NoSuchKey {
                error.kind = AwsErrorKind::Conflict;
            }
            Err(error)
        }
    }
}
