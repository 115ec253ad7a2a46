//! The MD5 of files as their bytes pass by, of several workers' files at once.
//!
//! A file in S3 is read once, so it can't be hashed ahead of its scan as files on disk are (see
//! `hash.rs`). But workers scan several of them at the same time. Each worker collects what it read
//! in a slot of its own; whoever finds its slot full hashes what is in all slots, each in a lane of
//! a vector, and goes on. In the time that one stream takes, eight are done.
//!
//! # What must hold
//! - *No deadlock*: who waits, waits for one round of hashing, which waits for nobody. A slot is
//!   locked only to be filled or to be emptied, the bank before any slot.
//! - *Bytes stay in order*: a slot is filled by its worker alone, and emptied only by who holds the
//!   bank, until it is hashed.
//!
//! Never knows what is in a file.

use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::format::md5::{Md5Path, Md5Streams};

/// Slots that are hashed together: 8 lanes are what most machines have, and one core hashes what
/// eight others scan.
const SLOTS: usize = 8;

/// Bytes in a slot at most. 1 MiB: what a worker gets done (in about 4 ms) before the system lets
/// another one run, so that other slots are filled, too, when one is full.
const SLOT_BYTES: usize = 1 << 20;

/// All banks of a run.
pub(super) struct Banks {
    banks: Vec<Bank>,
    /// How many slots have an owner.
    taken: AtomicUsize,
}

struct Bank {
    slots: Vec<Mutex<Vec<u8>>>,
    hashing: Mutex<Hashing>,
}

struct Hashing {
    streams: Md5Streams,
    /// What slots are swapped with, so that they can be filled while they are hashed.
    emptied: Vec<Vec<u8>>,
}

/// The right to one slot, for a worker.
#[derive(Clone, Copy)]
pub(super) struct Slot<'a> {
    bank: &'a Bank,
    place: usize,
}

impl Banks {
    /// For so many workers. `None` where vectors gain nothing: each hashes by itself then.
    pub(super) fn new(workers: usize) -> Option<Self> {
        (Md5Path::Auto.lanes() > 1).then(|| Self {
            banks: (0..workers.div_ceil(SLOTS)).map(|_| Bank::new()).collect(),
            taken: AtomicUsize::new(0),
        })
    }

    /// A slot that nobody has; `None` if there are more workers than were announced.
    pub(super) fn slot(&self) -> Option<Slot<'_>> {
        let number = self.taken.fetch_add(1, Ordering::Relaxed);
        let bank = self.banks.get(number / SLOTS)?;
        Some(Slot { bank, place: number % SLOTS })
    }
}

impl Bank {
    fn new() -> Self {
        let streams = Md5Streams::new(SLOTS, Md5Path::Auto);
        Self {
            slots: (0..SLOTS).map(|_| Mutex::default()).collect(),
            hashing: Mutex::new(Hashing { streams, emptied: vec![Vec::new(); SLOTS] }),
        }
    }

    fn hashing(&self) -> MutexGuard<'_, Hashing> {
        self.hashing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slot(&self, place: usize) -> MutexGuard<'_, Vec<u8>> {
        self.slots[place].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hashes what is in all slots.
    fn round(&self, hashing: &mut Hashing) {
        for (place, emptied) in hashing.emptied.iter_mut().enumerate() {
            emptied.clear();
            mem::swap(&mut *self.slot(place), emptied);
        }
        let pieces: Vec<&[u8]> = hashing.emptied.iter().map(Vec::as_slice).collect();
        hashing.streams.update(&pieces);
    }
}

impl Slot<'_> {
    /// Begins a file. What was left of another one, whose scan ended early, is forgotten.
    pub(super) fn begin(self) {
        let mut hashing = self.bank.hashing();
        self.bank.slot(self.place).clear();
        hashing.streams.restart(self.place);
    }

    /// The next bytes of the file.
    pub(super) fn update(self, bytes: &[u8]) {
        let is_full = |filled: usize| filled > 0 && filled + bytes.len() > SLOT_BYTES;
        if is_full(self.bank.slot(self.place).len()) {
            let mut hashing = self.bank.hashing();
            // Somebody may have emptied it meanwhile.
            if is_full(self.bank.slot(self.place).len()) {
                self.bank.round(&mut hashing);
            }
        }
        self.bank.slot(self.place).extend_from_slice(bytes);
    }

    /// The digest of the file.
    pub(super) fn finish(self) -> [u8; 16] {
        let mut hashing = self.bank.hashing();
        self.bank.round(&mut hashing);
        let digest = hashing.streams.digest(self.place);
        hashing.streams.restart(self.place);
        digest
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use md5::{Digest, Md5};

    use super::*;

    #[test]
    fn workers_that_hash_for_each_other_get_their_own_digests() {
        let workers = SLOTS + 3;
        let Some(banks) = Banks::new(workers) else { return };
        thread::scope(|scope| {
            for worker in 0..workers {
                let slot = banks.slot().unwrap();
                scope.spawn(move || {
                    for file in 0..5 {
                        let length = (worker * 700_001 + file * 333_667) % 3_000_000;
                        let bytes: Vec<u8> = (0..length).map(|at| (at * at / 7) as u8).collect();
                        slot.begin();
                        for piece in bytes.chunks(100_003 + worker) {
                            slot.update(piece);
                        }
                        // A file that is given up leaves nothing to the next.
                        if file == 2 {
                            continue;
                        }
                        assert_eq!(slot.finish(), <[u8; 16]>::from(Md5::digest(&bytes)));
                    }
                });
            }
        });
    }
}
