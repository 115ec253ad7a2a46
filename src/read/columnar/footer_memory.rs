//! The memory that footers take, all workers together.
//!
//! A footer says of each column of each row group where it lies. Those of real files take some
//! kilobytes; a damaged or hostile one takes what its format's reader allows, times the files that
//! are open at once. So who reads a large one asks first, and waits until there is room.
//!
//! Deadlock can't occur: a worker that waits here holds neither footer memory nor anything that the
//! holders of footer memory wait for. They release it when their file is done or the run ends.
//!
//! Never knows what a footer is.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Memory of large footers at most, in a run. 256 MiB: sixteen of the longest that Parquet's reader
/// takes, as they are held.
const FOOTERS_BYTES_MAX: u64 = 256 << 20;

/// What a footer takes without asking. 1 MiB: those of 2,000 row groups of 20 columns, and what a
/// worker takes anyway.
const FOOTER_BYTES_UNASKED: u64 = 1 << 20;

/// What the workers of a run share.
#[derive(Debug)]
pub(super) struct FooterMemory {
    state: Mutex<FooterQueue>,
    changed: Condvar,
}

#[derive(Debug)]
struct FooterQueue {
    left: u64,
    /// Who asks first is served first: else a large footer could wait for ever.
    asked: u64,
    served: u64,
}

/// Memory of one footer, until it is dropped.
#[derive(Debug)]
pub(super) struct FooterShare {
    memory: Arc<FooterMemory>,
    bytes: u64,
}

impl Default for FooterMemory {
    fn default() -> Self {
        let state = FooterQueue { left: FOOTERS_BYTES_MAX, asked: 0, served: 0 };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }
}

impl FooterMemory {
    fn state(&self) -> MutexGuard<'_, FooterQueue> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A share of nothing yet.
    pub(super) fn share(self: &Arc<Self>) -> FooterShare {
        FooterShare { memory: Arc::clone(self), bytes: 0 }
    }
}

impl FooterShare {
    /// Replaces the share by one of `bytes` bytes, and waits until that much is free. A request for
    /// more than the budget takes the whole budget.
    pub(super) fn take(&mut self, bytes: u64) {
        self.shrink(0);
        if bytes <= FOOTER_BYTES_UNASKED {
            return;
        }
        let bytes = bytes.min(FOOTERS_BYTES_MAX);
        let mut state = self.memory.state();
        let ticket = state.asked;
        state.asked += 1;
        let must_wait = |state: &mut FooterQueue| state.served != ticket || state.left < bytes;
        let waited = self.memory.changed.wait_while(state, must_wait);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        state.served += 1;
        state.left -= bytes;
        self.memory.changed.notify_all();
        drop(state);
        self.bytes = bytes;
    }

    /// Gives back what is not needed after all.
    pub(super) fn shrink(&mut self, bytes: u64) {
        let more = self.bytes.saturating_sub(bytes);
        if more > 0 {
            self.memory.state().left += more;
            self.memory.changed.notify_all();
            self.bytes -= more;
        }
    }
}

impl Drop for FooterShare {
    fn drop(&mut self) {
        self.shrink(0);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn no_more_is_held_than_there_is_and_all_get_their_turn() {
        let memory = Arc::new(FooterMemory::default());
        let (held, most) = (AtomicU64::new(0), AtomicU64::new(0));
        thread::scope(|scope| {
            for worker in 1..=16_u64 {
                let (memory, held, most) = (&memory, &held, &most);
                scope.spawn(move || {
                    for round in 1..=50 {
                        let mut share = memory.share();
                        share.take((worker * round * 7 % 300) << 20);
                        let own = share.bytes;
                        let now = held.fetch_add(own, Ordering::SeqCst) + own;
                        most.fetch_max(now, Ordering::SeqCst);
                        held.fetch_sub(own, Ordering::SeqCst);
                        share.shrink(own / 2);
                    }
                });
            }
        });
        assert!(most.into_inner() <= FOOTERS_BYTES_MAX);
        assert_eq!(memory.state().left, FOOTERS_BYTES_MAX);
    }

    #[test]
    fn small_ones_are_not_counted() {
        let memory = Arc::new(FooterMemory::default());
        let mut all = memory.share();
        all.take(u64::MAX);
        assert_eq!(memory.state().left, 0);
        let mut small = memory.share();
        small.take(FOOTER_BYTES_UNASKED);
        all.take(2 << 20);
        assert_eq!(memory.state().left, FOOTERS_BYTES_MAX - (2 << 20));
    }
}
