//! Files sent to S3 while they are written, part by part.
//!
//! A file is written on this machine, and whenever it has a part more, that part is sent. So memory
//! holds the parts that are on their way only, however many files are open, and the disk holds each
//! file until it is whole. What fits two parts is sent as one object at its end.
//!
//! A run that fails takes back what it sent: uploads that were begun are aborted, objects that were
//! finished are deleted.
//!
//! Never knows what the bytes mean.

use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart, ServerSideEncryption,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;

use super::{Object, Target, refused};
use crate::aws::{AwsError, AwsErrorKind};
use crate::source::Location;
use crate::source::local::read_exact_at;

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

/// What errors say was to be done.
const WRITE: &str = "write it";

/// The files of one run, on their way into a folder in S3. Dropped before [`Uploads::keep`], it
/// deletes what it sent.
#[derive(Debug)]
pub struct Uploads {
    folder: Object,
    on_their_way: Arc<Semaphore>,
    finished: Mutex<Vec<Object>>,
}

impl Uploads {
    /// Into this folder.
    #[must_use]
    pub fn new(folder: &Object) -> Self {
        Self {
            folder: folder.as_folder(),
            on_their_way: Arc::new(Semaphore::new(PARTS_AT_ONCE)),
            finished: Mutex::default(),
        }
    }

    /// A file of this name. Nothing is asked of S3 yet.
    #[must_use]
    pub fn begin(self: &Arc<Self>, name: &str) -> Upload {
        let object = self.folder.join(name);
        Upload { uploads: Arc::clone(self), object, id: None, parts: Vec::new(), sent: 0 }
    }

    /// Writes a small object, unless there is one of that name; `false` if so.
    ///
    /// # Errors
    /// When S3 refuses.
    pub fn put_new(&self, name: &str, bytes: Vec<u8>) -> io::Result<bool> {
        let object = self.folder.join(name);
        match put(&object, bytes, true) {
            Err(error) if error.kind == AwsErrorKind::Precondition => Ok(false),
            outcome => outcome.map(|()| true).map_err(refused),
        }
    }

    /// What was sent stays.
    pub fn keep(&self) {
        self.finished.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Drop for Uploads {
    fn drop(&mut self) {
        let finished = self.finished.get_mut().unwrap_or_else(PoisonError::into_inner);
        for object in finished.drain(..) {
            // The error that ended the run is the one to tell.
            let _ = object.delete();
        }
    }
}

/// A file on its way. Dropped before it is finished, its upload is aborted.
#[derive(Debug)]
pub struct Upload {
    uploads: Arc<Uploads>,
    object: Object,
    /// Of the multipart upload, once it is begun.
    id: Option<String>,
    parts: Vec<JoinHandle<Result<CompletedPart, AwsError>>>,
    /// Bytes that were sent, or are on their way.
    sent: u64,
}

impl Upload {
    /// Where the file goes.
    #[must_use]
    pub fn target(&self) -> Location {
        Location::Object(self.object.clone())
    }

    /// Whether a file of so many bytes has a part to send. One part is kept back, so that a file
    /// that has no more is sent as one object.
    #[must_use]
    pub fn is_due(&self, bytes: u64) -> bool {
        bytes - self.sent >= 2 * self.part_bytes()
    }

    fn part_bytes(&self) -> u64 {
        if (self.parts.len() as u64) < PARTS_FIRST { PART_BYTES_FIRST } else { PART_BYTES_LATER }
    }

    /// Sends the parts that a file of so many bytes has; waits while too many are on their way.
    ///
    /// # Errors
    /// When the file can't be read, or S3 refuses.
    pub fn send(&mut self, file: &File, bytes: u64) -> io::Result<()> {
        while self.is_due(bytes) {
            self.send_part(file, self.part_bytes())?;
        }
        Ok(())
    }

    fn send_part(&mut self, file: &File, bytes: u64) -> io::Result<()> {
        if self.parts.len() as u64 == PARTS_MAX {
            return Err(io::Error::other("larger than an upload to S3 may be (352 GiB)"));
        }
        let id = match &self.id {
            Some(id) => id.clone(),
            None => self.id.insert(create(&self.object).map_err(refused)?).clone(),
        };
        let waiting = Arc::clone(&self.uploads.on_their_way).acquire_owned();
        let permit = self.object.session().wait(waiting).map_err(io::Error::other)?;
        let body = piece(file, self.sent, bytes)?;
        let number = self.parts.len() as i32 + 1;
        let sending = upload_part(self.object.target(), id, number, body, permit);
        self.parts.push(self.object.session().spawn(sending));
        self.sent += bytes;
        Ok(())
    }

    /// Sends what is left of a file that has so many bytes, and waits until S3 has all.
    ///
    /// # Errors
    /// When the file can't be read, or S3 refuses.
    pub fn finish(mut self, file: &File, bytes: u64) -> io::Result<()> {
        if self.id.is_none() {
            put(&self.object, piece(file, 0, bytes)?, false).map_err(refused)?;
        } else {
            self.send_part(file, bytes - self.sent)?;
            let mut parts = Vec::with_capacity(self.parts.len());
            for part in self.parts.drain(..) {
                let part = self.object.session().wait(part).map_err(io::Error::other)?;
                parts.push(part.map_err(refused)?);
            }
            let id = self.id.clone().unwrap_or_default();
            complete(&self.object, id, parts).map_err(refused)?;
            self.id = None;
        }
        let mut finished = self.uploads.finished.lock().unwrap_or_else(PoisonError::into_inner);
        finished.push(self.object.clone());
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let Some(id) = self.id.take() else { return };
        for part in self.parts.drain(..) {
            part.abort();
            // A part that ends after the upload was aborted would stay, and be paid for.
            let _ = self.object.session().wait(part);
        }
        let target = self.object.target();
        let abort = target
            .client
            .abort_multipart_upload()
            .bucket(&*target.bucket)
            .key(&*target.key)
            .set_request_payer(target.payer)
            .upload_id(id);
        // The error that ended the run is the one to tell.
        let _ = self.object.session().wait(abort.send());
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

    /// Deletes the object, if it is there.
    ///
    /// # Errors
    /// When S3 refuses.
    pub fn delete(&self) -> io::Result<()> {
        let target = self.target();
        let request = target
            .client
            .delete_object()
            .bucket(&*target.bucket)
            .key(&*target.key)
            .set_request_payer(target.payer);
        match self.session().wait(request.send()) {
            Ok(_) => Ok(()),
            Err(error) => {
                let error = AwsError::new("delete it", &error);
                // Some servers tell what S3 does not.
                if error.kind == AwsErrorKind::NoSuchKey { Ok(()) } else { Err(refused(error)) }
            }
        }
    }

    /// How manifests are encrypted: Batch Operations can't read what KMS encrypts (S3 User Guide,
    /// "Creating an S3 Batch Operations job"). Other servers may not know it.
    fn encryption(&self) -> Option<ServerSideEncryption> {
        self.session().is_aws().then_some(ServerSideEncryption::Aes256)
    }
}

/// Bytes of a file.
fn piece(file: &File, offset: u64, bytes: u64) -> io::Result<Vec<u8>> {
    let mut piece = vec![0; usize::try_from(bytes).map_err(io::Error::other)?];
    read_exact_at(file, offset, &mut piece)?;
    Ok(piece)
}

fn put(object: &Object, bytes: Vec<u8>, only_new: bool) -> Result<(), AwsError> {
    let target = object.target();
    let request = target
        .client
        .put_object()
        .bucket(&*target.bucket)
        .key(&*target.key)
        .set_request_payer(target.payer)
        .set_server_side_encryption(object.encryption())
        .set_if_none_match(only_new.then(|| "*".to_owned()))
        .body(ByteStream::from(bytes));
    let answer = object.session().wait(request.send());
    answer.map(drop).map_err(|error| AwsError::new(WRITE, &error))
}

fn create(object: &Object) -> Result<String, AwsError> {
    let target = object.target();
    let request = target
        .client
        .create_multipart_upload()
        .bucket(&*target.bucket)
        .key(&*target.key)
        .set_request_payer(target.payer)
        // What the SDK sends with each part; an upload that was begun without it is refused at its
        // end for the checksums of its parts.
        .checksum_algorithm(ChecksumAlgorithm::Crc32)
        .set_server_side_encryption(object.encryption());
    let answer = object.session().wait(request.send());
    let answer = answer.map_err(|error| AwsError::new(WRITE, &error))?;
    answer.upload_id.ok_or_else(|| AwsError::other(WRITE, "the server names no upload"))
}

async fn upload_part(
    target: Target,
    id: String,
    number: i32,
    body: Vec<u8>,
    _permit: OwnedSemaphorePermit,
) -> Result<CompletedPart, AwsError> {
    let request = target
        .client
        .upload_part()
        .bucket(&*target.bucket)
        .key(&*target.key)
        .set_request_payer(target.payer)
        .upload_id(id)
        .part_number(number)
        .body(ByteStream::from(body));
    let answer = request.send().await.map_err(|error| AwsError::new(WRITE, &error))?;
    Ok(CompletedPart::builder()
        .part_number(number)
        .set_e_tag(answer.e_tag)
        .set_checksum_crc32(answer.checksum_crc32)
        .build())
}

fn complete(object: &Object, id: String, parts: Vec<CompletedPart>) -> Result<(), AwsError> {
    let target = object.target();
    let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
    let request = target
        .client
        .complete_multipart_upload()
        .bucket(&*target.bucket)
        .key(&*target.key)
        .set_request_payer(target.payer)
        .upload_id(id)
        .multipart_upload(parts);
    let answer = object.session().wait(request.send());
    answer.map(drop).map_err(|error| AwsError::new(WRITE, &error))
}
