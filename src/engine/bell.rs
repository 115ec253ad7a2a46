//! What wakes the collector.
//!
//! Where a queue is empty or full, its own waiting begins with offers of the processor to others
//! (`sched_yield`), in the hope of a short wait. With as many workers as processors an offer is
//! taken for some milliseconds, while a processor on which a worker waits for the collector stands
//! idle: a tenth of a filter's time on two processors. A thread that sleeps is woken at once, on a
//! processor that is free.
//!
//! Never knows what has happened.

use std::thread::{self, Thread};
use std::time::Duration;

/// Maximum time the collector sleeps: a first message, for which the bell does not ring, is taken
/// after that. 20 ms: fifty short looks a second cost nothing, and whoever asked for ten rows does
/// not notice it.
const SLEEP_MAX: Duration = Duration::from_millis(20);

/// Held by whoever does what the collector waits for. It rings as well when it is dropped.
#[derive(Clone)]
pub(super) struct CollectorBell(Thread);

impl CollectorBell {
    /// Of the calling thread, which is the collector.
    pub(super) fn of_this_thread() -> Self {
        Self(thread::current())
    }

    /// Wakes the collector; if it is awake, it doesn't fall asleep the next time.
    pub(super) fn ring(&self) {
        self.0.unpark();
    }
}

impl Drop for CollectorBell {
    fn drop(&mut self) {
        self.ring();
    }
}

/// Sleeps until the bell rings, [`SLEEP_MAX`] at most; not at all if it rang since the last time.
/// The caller checks again whether it must wait.
pub(super) fn wait_for_bell() {
    thread::park_timeout(SLEEP_MAX);
}
