//! The blocks of a growing file, hashed and written by any thread, in any order, each to its place.
//!
//! Never knows what the bytes mean.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::source::{Crc64Nvme, WriteBehind, write_all_at};

/// The bytes of a file that are written; shared by all who write them.
#[derive(Default)]
pub(super) struct WrittenBytes(Mutex<WrittenState>);

#[derive(Default)]
struct WrittenState {
    /// Bytes from the front on that are written without a gap.
    bytes: u64,
    /// Their checksum.
    crc64nvme: Crc64Nvme,
    /// Pieces behind a gap, by where they begin: no more than blocks are being written at a time.
    ahead: BTreeMap<u64, WrittenPiece>,
    behind: WriteBehind,
    /// The first error of writing.
    error: Option<io::Error>,
}

struct WrittenPiece {
    bytes: u64,
    crc64nvme: Crc64Nvme,
}

impl WrittenState {
    /// Notes a piece, and whatever follows it without a gap.
    fn add(&mut self, at: u64, piece: WrittenPiece) {
        self.ahead.insert(at, piece);
        while let Some(piece) = self.ahead.remove(&self.bytes) {
            let WrittenPiece { bytes, crc64nvme } = piece;
            self.crc64nvme = Crc64Nvme::combine(self.crc64nvme, crc64nvme, bytes);
            self.bytes += bytes;
        }
    }
}

impl WrittenBytes {
    fn state(&self) -> MutexGuard<'_, WrittenState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hashes and writes a piece, which is not empty. [`WrittenBytes::check`] reports an error.
    pub(super) fn write(&self, file: &File, at: u64, bytes: &[u8]) {
        let piece = WrittenPiece { bytes: bytes.len() as u64, crc64nvme: Crc64Nvme::of(bytes) };
        let outcome = write_all_at(file, at, bytes);
        let mut state = self.state();
        if let Err(error) = outcome {
            state.error.get_or_insert(error);
            return;
        }
        state.add(at, piece);
        let written = state.bytes;
        let due = state.behind.next(written);
        drop(state);
        if let Some(due) = due {
            due.begin_writing(file);
        }
    }

    /// Reports the first error of writing.
    ///
    /// # Errors
    /// That error, once.
    pub(super) fn check(&self) -> io::Result<()> {
        self.state().error.take().map_or(Ok(()), Err)
    }

    /// The checksum of the whole file, which has this many bytes.
    ///
    /// # Errors
    /// When not all of them are written.
    pub(super) fn checksum(&self, bytes: u64) -> io::Result<Crc64Nvme> {
        self.check()?;
        let state = self.state();
        if state.bytes == bytes {
            return Ok(state.crc64nvme);
        }
        let message = format!("{} of {bytes} bytes were written", state.bytes);
        Err(io::Error::other(message))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn pieces_in_any_order_make_the_same_file(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..400), 0..20),
            seed in any::<u64>(),
        ) {
            let file = tempfile::NamedTempFile::new().unwrap();
            let all = pieces.concat();
            let mut at = 0;
            let mut placed: Vec<(u64, &[u8])> = Vec::new();
            for piece in &pieces {
                placed.push((at, piece));
                at += piece.len() as u64;
            }
            placed.sort_by_key(|(at, _)| (at ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let written = WrittenBytes::default();
            for (number, (at, piece)) in placed.iter().enumerate() {
                let is_whole = written.checksum(all.len() as u64).is_ok();
                prop_assert!(!is_whole, "{number} of {} pieces", pieces.len());
                written.write(file.as_file(), *at, piece);
            }
            prop_assert_eq!(written.checksum(all.len() as u64).unwrap(), Crc64Nvme::of(&all));
            prop_assert_eq!(fs::read(file.path()).unwrap(), all);
        }
    }

    #[test]
    fn what_goes_wrong_is_told() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let read_only = File::open(file.path()).unwrap();
        let written = WrittenBytes::default();
        written.write(&read_only, 0, b"a");
        assert!(written.checksum(1).is_err());
        assert!(written.check().is_ok(), "told once");
        let error = written.checksum(1).unwrap_err();
        assert_eq!(error.to_string(), "0 of 1 bytes were written");
    }
}
