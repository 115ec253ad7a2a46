//! A manifest, or a data file of one, goes up: once, whole, and never over another object.
//!
//! S3 Batch Operations takes CSV manifests only where they are encrypted with SSE-S3, and inventory
//! reports also with SSE-KMS (UG, "Creating an S3 Batch Operations job"). So uploads of the former
//! ask for SSE-S3, whatever the bucket's default is, and those of the latter leave it to it. A file
//! is held against the plan's digests first; what is sent is then checked by CRC-64/NVME, here and
//! by S3. So is an object that is there already; where the plan has a SHA-256, that is read, too.
//!
//! Never knows the journal: who calls writes it.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::journal::JournalError;
use crate::aws::{AwsError, Session};
use crate::diagnostic::parameter::MANIFEST_BUCKET;
use crate::diagnostic::{self, Diagnostic, ErrorClass};
use crate::plan::{FileDigest, FileHasher};
use crate::source::{self, Crc64Nvme, Location, Object, StoreError, StoreOptions, UploadOutcome};

/// Read at once when a file is hashed: large enough that calls don't count, small enough for the
/// second-level cache.
const READ_BUFFER_BYTES: usize = 256 << 10;

/// Sent between two looks at whether to stop. 8 MiB, a part of an upload.
const STEP_BYTES: usize = 8 << 20;

/// A file to upload.
#[derive(Debug, Clone)]
pub(super) struct FileUpload<'a> {
    /// The file.
    pub path: &'a Path,
    /// Its length.
    pub bytes: u64,
    /// What the plan says of its bytes.
    pub digest: FileDigest<'a>,
    /// Where to.
    pub bucket: &'a str,
    /// The key there.
    pub key: &'a str,
    /// Whether it must be encrypted with SSE-S3; if not, as the bucket does it.
    pub sse_s3: bool,
}

/// Why a manifest is not there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UploadError {
    /// S3 refused.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// The file can't be read.
    #[error("{}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
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
        "s3://{object} already exists with different content ({what}), and was not overwritten: \
         move it away and give the same command again. No job was created yet: for another \
         prefix in {MANIFEST_BUCKET}, delete the plan's jobs.jsonl first"
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
    Note(#[from] JournalError),
}

impl Diagnostic for UploadError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Aws(_) | Self::Other { .. } => ErrorClass::Aws,
            Self::Io { .. } => ErrorClass::Environment,
            Self::Changed { .. } => ErrorClass::Input,
            Self::Interrupted => ErrorClass::Interrupted,
            Self::Note(error) => error.class(),
        }
    }
}

impl FileUpload<'_> {
    fn io(&self, error: io::Error) -> UploadError {
        UploadError::Io { path: self.path.to_owned(), error }
    }

    fn changed(&self) -> UploadError {
        UploadError::Changed { path: self.path.to_owned() }
    }

    /// Uploads it, unless it is there. Before the first part of an upload in parts, `note` is told
    /// the upload's id.
    ///
    /// # Errors
    /// When it is not there afterwards.
    pub(super) fn run(
        &self,
        session: &Session,
        stop: &AtomicBool,
        note: &mut dyn FnMut(&str) -> Result<(), JournalError>,
    ) -> Result<UploadOutcome, UploadError> {
        let mut file = source::open_regular(self.path).map_err(|error| self.io(error))?;
        let crc64nvme = self.check(&mut file, stop)?;
        let mut not_noted = None;
        let mut on_begin = |id: &str| {
            note(id).map_err(|error| {
                let told = io::Error::other(diagnostic::chain(&error));
                not_noted = Some(error);
                told
            })
        };
        let options = StoreOptions { sse_s3: self.sse_s3, content_type: Some("text/csv") };
        let mut upload =
            source::ObjectUpload::new(Object::new(session, self.bucket, self.key), options);
        let mut send = || {
            for bytes in (0..self.bytes).step_by(STEP_BYTES) {
                if stop.load(Ordering::Relaxed) {
                    return Err(UploadError::Interrupted);
                }
                let sent = upload.send(&file, bytes, &mut on_begin);
                sent.map_err(|error| self.not_stored(error))?;
            }
            Ok(())
        };
        let stored = send().and_then(|()| {
            let stored = upload.finish(&file, self.bytes, crc64nvme, &mut on_begin);
            stored.map_err(|error| self.not_stored(error))
        });
        let stored = stored.and_then(|outcome| {
            if outcome.found && self.digest.has_sha256() {
                self.check_object(&Object::new(session, self.bucket, self.key), stop)?;
            }
            Ok(outcome)
        });
        match not_noted {
            Some(error) => Err(error.into()),
            None => stored,
        }
    }

    /// The file's checksum, if it is what the plan says.
    fn check(&self, file: &mut File, stop: &AtomicBool) -> Result<Crc64Nvme, UploadError> {
        // One byte more shows that it is longer, and a file that grows ends all the same.
        let file = file.take(self.bytes.saturating_add(1));
        let (bytes, hasher) = self.hashed(file, stop, |error| self.io(error))?;
        match hasher.finish() {
            Ok(crc64nvme) if bytes == self.bytes => Ok(crc64nvme),
            _ => Err(self.changed()),
        }
    }

    /// Makes sure of an object that has the file's length and CRC-64/NVME, by reading it.
    fn check_object(&self, object: &Object, stop: &AtomicBool) -> Result<(), UploadError> {
        let failed = |error| self.not_stored(StoreError::Io(error));
        let opened = Location::Object(object.clone()).open().map_err(failed)?;
        let (_, hasher) = self.hashed(opened, stop, failed)?;
        hasher.finish().map(drop).map_err(|mismatch| {
            let what = mismatch.to_string();
            self.not_stored(StoreError::Differs { what })
        })
    }

    /// All that a reader gives, hashed, and its length.
    fn hashed(
        &self,
        mut reader: impl Read,
        stop: &AtomicBool,
        failed: impl Fn(io::Error) -> UploadError,
    ) -> Result<(u64, FileHasher<'_>), UploadError> {
        let mut hasher = self.digest.hasher();
        let mut buffer = vec![0; READ_BUFFER_BYTES];
        let mut bytes = 0;
        loop {
            if stop.load(Ordering::Relaxed) {
                return Err(UploadError::Interrupted);
            }
            match reader.read(&mut buffer).map_err(&failed)? {
                0 => return Ok((bytes, hasher)),
                count => {
                    hasher.update(&buffer[..count]);
                    bytes += count as u64;
                }
            }
        }
    }

    fn not_stored(&self, error: StoreError) -> UploadError {
        let object = || format!("{}/{}", self.bucket, self.key);
        match error {
            StoreError::Differs { what } => UploadError::Other { object: object(), what },
            StoreError::Changed => self.changed(),
            StoreError::Io(error) => match error.downcast::<AwsError>() {
                Ok(error) => {
                    let path = self.path.display();
                    let action = format!("upload {path} to s3://{}: {}", object(), error.action);
                    AwsError { action, ..error }.into()
                }
                Err(error) => self.io(error),
            },
        }
    }
}

/// Aborts a multipart upload, so that its parts cost nothing more.
///
/// # Errors
/// When S3 refuses, for another reason than that there is no such upload.
pub(super) fn abort_multipart(
    session: &Session,
    bucket: &str,
    key: &str,
    id: &str,
) -> Result<(), AwsError> {
    Object::new(session, bucket, key).abort_multipart(id)
}
