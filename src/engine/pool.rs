//! Buffers used again: what the collector has emptied, workers fill.
//!
//! The last one put is the first one taken: it is the one most likely to be in a cache still, and
//! memory that was touched once need not be asked of the system again.
//!
//! Never knows what was in a buffer.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Empty buffers.
pub(super) struct BlockPool {
    empties: Mutex<Vec<Vec<u8>>>,
    buffers_max: usize,
}

impl BlockPool {
    /// Keeps at most this many.
    pub(super) fn new(buffers_max: usize) -> Self {
        Self { empties: Mutex::default(), buffers_max }
    }

    fn empties(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.empties.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An empty buffer, used before where there is one.
    pub(super) fn take(&self) -> Vec<u8> {
        self.empties().pop().unwrap_or_default()
    }

    /// Takes a buffer back; dropped where there are enough.
    pub(super) fn put(&self, mut buffer: Vec<u8>) {
        if buffer.capacity() == 0 {
            return;
        }
        buffer.clear();
        let mut empties = self.empties();
        if empties.len() < self.buffers_max {
            empties.push(buffer);
        }
    }
}
