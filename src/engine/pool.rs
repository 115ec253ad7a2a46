//! Buffers used again: what the collector has emptied, workers fill.
//!
//! The last one put is the first one taken: it is the one most likely to be in a cache still, and
//! memory that was touched once need not be asked of the system again.
//!
//! Never knows what was in a buffer.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::BLOCK_BYTES;

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

    /// Takes a buffer back; dropped where there are enough, or where it is shorter than a usual
    /// block: such a one was made to hold a short block while it waited, and would come to be one
    /// more of full length when it is filled.
    pub(super) fn put(&self, mut buffer: Vec<u8>) {
        if buffer.capacity() < BLOCK_BYTES {
            return;
        }
        buffer.clear();
        let mut empties = self.empties();
        if empties.len() < self.buffers_max {
            empties.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_buffers_of_full_length_come_back() {
        let pool = BlockPool::new(2);
        pool.put(vec![1; BLOCK_BYTES - 1]);
        assert_eq!(pool.take().capacity(), 0);
        (0..3).for_each(|_| pool.put(vec![1; BLOCK_BYTES]));
        let taken: Vec<usize> = (0..3).map(|_| pool.take().capacity()).collect();
        assert_eq!(taken, [BLOCK_BYTES, BLOCK_BYTES, 0]);
    }
}
