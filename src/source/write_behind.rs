//! Files written while the disk keeps up, so that making them last at the end takes little time.
//!
//! The kernel keeps what is written in memory for up to half a minute, and a sync at the end then
//! waits for all of it. Asking it to begin with what was written so far costs one call for every
//! [`WRITE_BEHIND_BYTES`]. This is advice only; where it is not to be had, the sync takes longer.
//!
//! Never knows what the bytes mean.

use std::fs::File;

/// How much is written between two such calls. 8 MiB: some 20 ms of a fast disk's time, and few
/// calls.
pub(super) const WRITE_BEHIND_BYTES: u64 = 8 << 20;

/// How far a file's bytes are on their way to the disk.
#[derive(Debug, Default)]
pub(crate) struct WriteBehind {
    /// What the kernel was asked to write: never more than was written to the file.
    asked: u64,
}

impl WriteBehind {
    /// Takes the number of bytes that the file holds, after each write; from time to time returns
    /// those that the kernel is to be asked for.
    pub(crate) fn next(&mut self, bytes: u64) -> Option<DueBytes> {
        if bytes - self.asked < WRITE_BEHIND_BYTES {
            return None;
        }
        let due = DueBytes { offset: self.asked, bytes: bytes - self.asked };
        self.asked = bytes;
        Some(due)
    }
}

/// Written bytes that the disk should begin with.
#[derive(Debug)]
pub(crate) struct DueBytes {
    offset: u64,
    bytes: u64,
}

impl DueBytes {
    /// Asks the kernel to begin.
    pub(crate) fn begin_writing(&self, file: &File) {
        begin_writing(file, self.offset, self.bytes);
    }
}

/// Linux begins to write dirty pages that are not needed soon. Pages that are on their way stay in
/// memory, so nothing is read again.
#[cfg(target_os = "linux")]
fn begin_writing(file: &File, offset: u64, bytes: u64) {
    let bytes = std::num::NonZeroU64::new(bytes);
    // Advice that is not taken does no harm.
    let _ = rustix::fs::fadvise(file, offset, bytes, rustix::fs::Advice::DontNeed);
}

#[cfg(not(target_os = "linux"))]
fn begin_writing(_file: &File, _offset: u64, _bytes: u64) {}
