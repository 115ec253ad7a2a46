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
    /// Whether it wants to be told that a file holds this many bytes.
    #[must_use]
    pub(crate) fn is_due(&self, bytes: u64) -> bool {
        bytes - self.asked >= WRITE_BEHIND_BYTES
    }

    /// Told after each write how many bytes the file holds; asks for them from time to time.
    pub(crate) fn written(&mut self, file: &File, bytes: u64) {
        if self.is_due(bytes) {
            begin_writing(file, self.asked, bytes - self.asked);
            self.asked = bytes;
        }
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
