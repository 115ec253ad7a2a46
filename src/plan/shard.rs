//! One manifest file being written: counted, hashed, its first and last line remembered.
//!
//! Never knows which rows belong in it.

use std::fs::{self, File};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::open_files::{GrowingFile, OpenFiles};
use super::{ManifestDigest, PlanError, line};
use crate::hex;
use crate::source::{Crc64Nvme, Crc64NvmeHasher, ObjectUpload, WriteBehind};

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
    behind: WriteBehind,
    /// Where it goes, if that is not this machine.
    upload: Option<ObjectUpload>,
    crc64nvme: Crc64NvmeHasher,
    /// If it was asked for.
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
            behind: WriteBehind::default(),
            upload,
            crc64nvme: Crc64NvmeHasher::new(),
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

    /// Appends `rows` lines.
    pub(super) fn write(&mut self, lines: &[u8], rows: u64) -> Result<(), PlanError> {
        if self.rows == 0 {
            self.first_line.extend_from_slice(line::first(lines));
        }
        self.last_line.clear();
        self.last_line.extend_from_slice(line::last(lines));
        self.rows += rows;
        self.bytes += lines.len() as u64;
        self.crc64nvme.update(lines);
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(lines);
        }
        self.file.write(lines)?;
        let (bytes, behind) = (self.bytes, &mut self.behind);
        match &mut self.upload {
            None if behind.is_due(bytes) => self.file.peek(|file| behind.written(file, bytes))?,
            Some(upload) if upload.is_due(bytes) => {
                let sent = self.file.flushed(|file| upload.send(file, bytes, &mut |_| Ok(())))?;
                sent.map_err(PlanError::not_stored(upload.target()))?;
            }
            None | Some(_) => {}
        }
        Ok(())
    }

    /// Writes what is left. The file is made to last when the plan is, so that the run never waits
    /// for the disk in between.
    pub(super) fn finish(mut self) -> Result<ShardSummary, PlanError> {
        let crc64nvme = self.crc64nvme.finish();
        let upload = self.upload.take();
        let is_sent = upload.is_some();
        if let Some(upload) = upload {
            let (target, bytes) = (upload.target(), self.bytes);
            let finish = |file: &File| upload.finish(file, bytes, crc64nvme, &mut |_| Ok(()));
            self.file.flushed(finish)?.map_err(PlanError::not_stored(target))?;
        }
        let path = self.file.close()?;
        if is_sent {
            fs::remove_file(&path).map_err(PlanError::at(&path))?;
        }
        Ok(ShardSummary {
            rows: self.rows,
            bytes: self.bytes,
            crc64nvme,
            sha256: self.sha256.map(|sha256| hex::encode(sha256.finalize())),
            first_key: line::key(&self.first_line),
            last_key: line::key(&self.last_line),
        })
    }
}
