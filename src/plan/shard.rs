//! One manifest file being written: its lines counted, the first and the last remembered. Its
//! checksum comes of its blocks, which workers may write (`written`).
//!
//! Never knows which rows belong in it.

use std::borrow::Cow;
use std::fs::{self, File};
use std::mem;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::open_files::{ClosedFile, GrowingFile, OpenFiles};
use super::{ManifestDigest, PlanError, line};
use crate::engine::Background;
use crate::hex;
use crate::source::{Crc64Nvme, ObjectUpload};

/// Lines to be written, and how.
pub(super) struct LineBlock<'a> {
    /// Whole lines; owned, they can be written in the background without a copy.
    pub(super) lines: Cow<'a, [u8]>,
    /// How many.
    pub(super) rows: u64,
    /// The workers, if they are to write the lines instead of the calling thread.
    pub(super) background: Option<&'a Background<'a>>,
}

impl<'a> LineBlock<'a> {
    /// Lines that the calling thread writes.
    pub(super) fn at_once(lines: &'a [u8], rows: u64) -> Self {
        Self { lines: lines.into(), rows, background: None }
    }

    /// Takes the first `rows` lines, which have `bytes` bytes; the others stay.
    pub(super) fn take(&mut self, rows: u64, bytes: usize) -> LineBlock<'a> {
        let (taken, others) = match mem::take(&mut self.lines) {
            Cow::Borrowed(lines) => {
                let (taken, others) = lines.split_at(bytes);
                (taken.into(), others.into())
            }
            Cow::Owned(lines) if lines.len() == bytes => (lines.into(), Cow::default()),
            Cow::Owned(mut lines) => {
                let others = lines.split_off(bytes);
                (lines.into(), others.into())
            }
        };
        self.lines = others;
        self.rows -= rows;
        LineBlock { lines: taken, rows, background: self.background }
    }
}

/// What is known of a finished file.
pub(super) struct ShardSummary {
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) crc64nvme: Crc64Nvme,
    /// In hexadecimal, if it was asked for.
    pub(super) sha256: Option<String>,
    pub(super) first_key: String,
    pub(super) last_key: String,
}

/// A file being written. It holds a line at least as soon as [`ShardFile::write`] was called.
pub(super) struct ShardFile {
    file: GrowingFile,
    rows: u64,
    bytes: u64,
    /// Where it goes, if that is not this machine.
    upload: Option<ObjectUpload>,
    /// If it was asked for. It can only be computed from front to back, by one thread.
    sha256: Option<Sha256>,
    first_line: Vec<u8>,
    last_line: Vec<u8>,
}

impl ShardFile {
    /// A new file; with an upload it is only here on its way.
    pub(super) fn create(
        files: &OpenFiles,
        path: &Path,
        upload: Option<ObjectUpload>,
        digest: ManifestDigest,
    ) -> Result<Self, PlanError> {
        Ok(Self {
            file: files.create(path)?,
            rows: 0,
            bytes: 0,
            upload,
            sha256: (digest == ManifestDigest::Sha256).then(Sha256::new),
            first_line: Vec::new(),
            last_line: Vec::new(),
        })
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Appends lines.
    pub(super) fn write(&mut self, block: LineBlock<'_>) -> Result<(), PlanError> {
        let LineBlock { lines, rows, background } = block;
        if self.rows == 0 {
            self.first_line.extend_from_slice(line::first(&lines));
        }
        self.last_line.clear();
        self.last_line.extend_from_slice(line::last(&lines));
        self.rows += rows;
        self.bytes += lines.len() as u64;
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(&lines);
        }
        let bytes = self.bytes;
        match &mut self.upload {
            None => self.file.write(lines, background),
            Some(upload) => {
                // What is sent is read from the file.
                self.file.write(lines, None)?;
                if upload.is_due(bytes) {
                    let send = |file: &File| upload.send(file, bytes, &mut |_| Ok(()));
                    let sent = self.file.flushed(send)?;
                    sent.map_err(PlanError::not_stored(upload.target()))?;
                }
                Ok(())
            }
        }
    }

    /// Hands over what is left. The file is made to last when the plan is, so that the run never
    /// waits for the disk in between.
    pub(super) fn finish(
        mut self,
        background: Option<&Background<'_>>,
    ) -> Result<EndedShard, PlanError> {
        let upload = self.upload.take();
        let is_sent = upload.is_some();
        if let Some(upload) = upload {
            self.file.flushed(|_| ())?;
            let (target, bytes) = (upload.target(), self.bytes);
            let crc64nvme = self.file.checksum()?;
            let finish = |file: &File| upload.finish(file, bytes, crc64nvme, &mut |_| Ok(()));
            self.file.flushed(finish)?.map_err(PlanError::not_stored(target))?;
        }
        let file = self.file.close(background)?;
        if is_sent {
            fs::remove_file(&file.path).map_err(PlanError::at(&file.path))?;
        }
        Ok(EndedShard {
            rows: self.rows,
            file,
            sha256: self.sha256.map(|sha256| hex::encode(sha256.finalize())),
            first_key: line::key(&self.first_line),
            last_key: line::key(&self.last_line),
        })
    }
}

/// A file that has all its lines, some of which may be written in the background still.
pub(super) struct EndedShard {
    pub(super) rows: u64,
    file: ClosedFile,
    sha256: Option<String>,
    first_key: String,
    last_key: String,
}

impl EndedShard {
    /// The summary of the file, once nothing is written in the background any more.
    ///
    /// # Errors
    /// When something could not be written.
    pub(super) fn summary(self) -> Result<ShardSummary, PlanError> {
        Ok(ShardSummary {
            rows: self.rows,
            bytes: self.file.bytes,
            crc64nvme: self.file.checksum()?,
            sha256: self.sha256,
            first_key: self.first_key,
            last_key: self.last_key,
        })
    }
}
