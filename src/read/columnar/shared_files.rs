//! Files in column formats that are scanned in splits: what their splits' workers share.
//!
//! *The MD5.* It has only one stream, so no two workers hash one file at the same time. But each
//! hashes a share of it when its split is scanned, so that the work is spread over the workers, and
//! no worker is left with all of it at the end.
//!
//! *The footer.* It is read once, and held as long as some worker has use for it.
//!
//! *A file in S3.* All splits read the object as it was when it was opened first, and its end,
//! where the footer is, is fetched once. To take its MD5, all of it must be fetched; where there is
//! room, it is held, and scanned from memory. Else it is fetched once for its MD5, and what is
//! wanted of it a second time.
//!
//! Never knows what is in a file.

use std::collections::HashMap;
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use md5::{Digest, Md5};

use super::super::input::{READ_BYTES, has_its_length, open, read};
use super::super::md5::Md5Mode;
use super::super::tasks::FileSplit;
use super::super::{DataErrorKind, Input};
use super::footer::FileFooter;
use super::footer_memory::FooterMemory;
use crate::source::{ReadBuffer, SourceFile};

/// Bytes of files in S3 that are held at most, for each worker. 32 MiB: eight workers hold one file
/// of 256 MiB, or each its own of some 800,000 rows (40 bytes a row).
pub(super) const HELD_BYTES_PER_THREAD: u64 = 32 << 20;

/// The files of which some split was scanned. A file is here until all of its splits were: so these
/// are no more than there are workers, and a few that a worker left early.
pub(in crate::read) struct SharedFiles {
    /// The workers of the run.
    pub(super) threads: usize,
    files: Mutex<HashMap<usize, Arc<SharedFile>>>,
    room: Arc<HeldMemory>,
    /// For the footers of all files.
    pub(super) footer_memory: Arc<FooterMemory>,
}

/// What is shared of one file; its footer is not behind the lock of the rest, which is held while a
/// split is hashed.
#[derive(Default)]
struct SharedFile {
    rest: Mutex<FileState>,
    footer: Mutex<Weak<FileFooter>>,
}

#[derive(Default)]
struct FileState {
    /// As it was opened first, where it is in S3.
    file: Option<OpenFile>,
    stage: Md5Progress,
    /// Parts that were scanned.
    splits: u32,
}

#[derive(Default)]
enum Md5Progress {
    #[default]
    New,
    /// Hashed to some place.
    Open {
        file: SourceFile,
        md5: Md5,
        position: u64,
    },
    Done,
}

/// A file that is open, and its share of the room if it is held.
#[derive(Debug)]
pub(super) struct OpenFile {
    pub(super) file: SourceFile,
    /// How it is hashed.
    pub(super) mode: Md5Mode,
    held: Option<Arc<HeldBytes>>,
}

/// Memory for files that are held, in bytes.
#[derive(Debug)]
struct HeldMemory {
    left: AtomicU64,
}

/// Taken from the room until it is dropped.
#[derive(Debug)]
struct HeldBytes {
    room: Arc<HeldMemory>,
    bytes: u64,
}

impl HeldMemory {
    fn take(self: &Arc<Self>, bytes: u64) -> Option<Arc<HeldBytes>> {
        let less = |left: u64| left.checked_sub(bytes);
        let taken = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        taken.ok().map(|_| Arc::new(HeldBytes { room: Arc::clone(self), bytes }))
    }
}

impl Drop for HeldBytes {
    fn drop(&mut self) {
        self.room.left.fetch_add(self.bytes, Ordering::Relaxed);
    }
}

impl SharedFiles {
    /// For a run of this many workers.
    pub(in crate::read) fn new(threads: usize) -> Self {
        let left = AtomicU64::new(HELD_BYTES_PER_THREAD * threads as u64);
        let room = Arc::new(HeldMemory { left });
        Self { threads, files: Mutex::default(), room, footer_memory: Arc::default() }
    }

    /// The footer of a file that is scanned in splits: the one that another worker has, or what
    /// `read` gives.
    ///
    /// # Errors
    /// Those of `read`.
    pub(super) fn footer<E>(
        &self,
        number: usize,
        read: impl FnOnce() -> Result<FileFooter, E>,
    ) -> Result<Arc<FileFooter>, E> {
        let shared = self.shared(number);
        // Who comes meanwhile waits for it, instead of reading it, too.
        let mut footer = lock(&shared.footer);
        if let Some(footer) = footer.upgrade() {
            return Ok(footer);
        }
        let read = Arc::new(read()?);
        *footer = Arc::downgrade(&read);
        Ok(read)
    }

    /// Opens a file to be read by ranges; `mode` says how the file that was opened is hashed.
    ///
    /// # Errors
    /// When the file can't be opened, or has another length than the manifest says.
    pub(super) fn open(
        &self,
        input: &Input,
        number: usize,
        mode: impl FnOnce(&SourceFile) -> Md5Mode,
    ) -> Result<OpenFile, DataErrorKind> {
        if !input.path.is_remote() {
            let file = open(input)?;
            return Ok(OpenFile { mode: mode(&file), file, held: None });
        }
        let shared = self.shared(number);
        let mut shared = lock(&shared.rest);
        let first = match &mut shared.file {
            Some(first) => first,
            none => none.insert(self.open_first(input, mode)?),
        };
        let file = first.file.share().map_or_else(|| open(input), Ok)?;
        Ok(OpenFile { file, mode: first.mode, held: first.held.clone() })
    }

    fn open_first(
        &self,
        input: &Input,
        mode: impl FnOnce(&SourceFile) -> Md5Mode,
    ) -> Result<OpenFile, DataErrorKind> {
        let file = has_its_length(input, input.path.open_ranges(input.bytes)?)?;
        let mode = mode(&file);
        let held = if mode.is_of_one() { self.room.take(input.bytes) } else { None };
        Ok(OpenFile { file: if held.is_some() { file.hold() } else { file }, mode, held })
    }

    /// Called once for each split of a file, when it was scanned. With `hashed`, hashes the share
    /// of the split, as far as it was not done; with the last split, all that is left, and gives
    /// the digest.
    ///
    /// # Errors
    /// When the file can't be read, or has another length than the manifest says.
    pub(super) fn advance(
        &self,
        input: &Input,
        number: usize,
        split: FileSplit,
        hashed: bool,
    ) -> Result<Option<[u8; 16]>, DataErrorKind> {
        let shared = self.shared(number);
        let mut shared = lock(&shared.rest);
        let FileState { file, stage, splits } = &mut *shared;
        let digest = if hashed { stage.advance(file.as_ref(), input, split)? } else { None };
        *splits += 1;
        if *splits == split.of {
            lock(&self.files).remove(&number);
        }
        Ok(digest)
    }

    fn shared(&self, number: usize) -> Arc<SharedFile> {
        Arc::clone(lock(&self.files).entry(number).or_default())
    }
}

impl Md5Progress {
    fn advance(
        &mut self,
        opened: Option<&OpenFile>,
        input: &Input,
        split: FileSplit,
    ) -> Result<Option<[u8; 16]>, DataErrorKind> {
        let (mut file, mut md5, mut position) = match mem::replace(self, Self::Done) {
            // The last split has hashed all of it.
            Self::Done => return Ok(None),
            Self::New => {
                let shared = opened.and_then(|opened| opened.file.share());
                (shared.map_or_else(|| open(input), Ok)?, Md5::new(), 0)
            }
            Self::Open { file, md5, position } => (file, md5, position),
        };
        let mut buffer = ReadBuffer::new(READ_BYTES);
        while position < split.end_of(input.bytes) {
            match read(&mut file, &mut buffer)? {
                0 => break,
                count => {
                    md5.update(&buffer[..count]);
                    position += count as u64;
                }
            }
        }
        if split.is_last() {
            return Ok(Some(md5.finalize().into()));
        }
        *self = Self::Open { file, md5, position };
        Ok(None)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::FileFormat;

    #[test]
    fn splits_in_any_order_give_the_digest_with_the_last() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let bytes: Vec<u8> = (0..1_000_000).map(|place| (place / 3) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        let bytes_all = bytes.len() as u64;
        let format = FileFormat::Parquet;
        let input = Input { path: path.into(), bytes: bytes_all, md5: None, report: 0, format };
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            let files = SharedFiles::new(1);
            for number in order {
                let digest = files.advance(&input, 5, FileSplit { number, of: 3 }, true).unwrap();
                let expected = (number == 2).then(|| Md5::digest(&bytes).into());
                assert_eq!(digest, expected);
            }
            assert!(lock(&files.files).is_empty());
        }
    }

    #[test]
    fn room_is_taken_until_the_last_who_holds_it_is_gone() {
        let room = SharedFiles::new(2).room;
        let place = room.take(HELD_BYTES_PER_THREAD + 1).unwrap();
        assert!(room.take(HELD_BYTES_PER_THREAD).is_none());
        let other = Arc::clone(&place);
        drop(place);
        assert!(room.take(HELD_BYTES_PER_THREAD).is_none());
        drop(other);
        assert!(room.take(2 * HELD_BYTES_PER_THREAD).is_some());
    }
}
