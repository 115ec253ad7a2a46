//! The MD5 of a file that is scanned in parts: each part's worker hashes a share of it.
//!
//! An MD5 has only one stream, so no two workers hash one file at the same time. But each does its
//! share when its part is scanned, so that the work is spread over the workers, and nobody is left
//! with all of it at the end.
//!
//! Never knows what is in a file.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use md5::{Digest, Md5};

use super::batch::Part;
use super::csv::INPUT_BYTES;
use super::hash::{open, read};
use super::{DataErrorKind, Input};
use crate::source::LocalFile;

/// How far each file is of which some part was hashed. A file is here until all of its parts were:
/// so these are no more than there are workers, and a few that a worker left early.
#[derive(Default)]
pub(super) struct SharedHashes {
    files: Mutex<HashMap<usize, Arc<Mutex<Shared>>>>,
}

#[derive(Default)]
struct Shared {
    stage: Stage,
    /// Parts that did their share.
    parts: u32,
}

#[derive(Default)]
enum Stage {
    #[default]
    New,
    /// Hashed to some place.
    Open {
        file: LocalFile,
        md5: Md5,
        position: u64,
    },
    Done,
}

impl SharedHashes {
    /// Hashes the share of a part, as far as nobody did; with the last part, all that is left, and
    /// gives the digest. Called once for each part of a file.
    ///
    /// # Errors
    /// When the file can't be read, or has another length than the manifest says.
    pub(super) fn advance(
        &self,
        input: &Input,
        number: usize,
        part: Part,
    ) -> Result<Option<[u8; 16]>, DataErrorKind> {
        let shared = Arc::clone(lock(&self.files).entry(number).or_default());
        let mut shared = lock(&shared);
        let digest = shared.stage.advance(input, part)?;
        shared.parts += 1;
        if shared.parts == part.of {
            lock(&self.files).remove(&number);
        }
        Ok(digest)
    }
}

impl Stage {
    fn advance(&mut self, input: &Input, part: Part) -> Result<Option<[u8; 16]>, DataErrorKind> {
        let (mut file, mut md5, mut position) = match mem::replace(self, Self::Done) {
            // The last part has hashed all of it.
            Self::Done => return Ok(None),
            Self::New => (open(input)?, Md5::new(), 0),
            Self::Open { file, md5, position } => (file, md5, position),
        };
        let mut buffer = vec![0; INPUT_BYTES];
        while position < part.end_of(input.bytes) {
            match read(&mut file, &mut buffer)? {
                0 => break,
                count => {
                    md5.update(&buffer[..count]);
                    position += count as u64;
                }
            }
        }
        if part.is_last() {
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
    fn parts_in_any_order_give_the_digest_with_the_last() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let bytes: Vec<u8> = (0..1_000_000).map(|place| (place / 3) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        let bytes_all = bytes.len() as u64;
        let format = FileFormat::Parquet;
        let input = Input { path, bytes: bytes_all, md5: None, report: 0, format };
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            let hashes = SharedHashes::default();
            for number in order {
                let digest = hashes.advance(&input, 5, Part { number, of: 3 }).unwrap();
                let expected = (number == 2).then(|| Md5::digest(&bytes).into());
                assert_eq!(digest, expected);
            }
            assert!(lock(&hashes.files).is_empty());
        }
    }
}
