//! Work that the sink leaves to workers: what remains to be done with a block once its place in the
//! output is known, such as to hash and write it.
//!
//! The collector puts it into a queue of bounded length. Workers do it between windows of their
//! tasks, while they wait for the collector, and once no tasks are left. So where the queue is full
//! and the collector waits, each worker that does not wait for another worker takes some of it.
//!
//! Never knows what the work is.

use crossbeam_channel::{Receiver, Select, SendError, Sender, TrySendError, bounded};

use super::bell::{CollectorBell, wait_for_bell};
use super::pool::BlockPool;

/// Blocks in the queue, for each worker. Two: one is being written while the next waits; more would
/// only hide memory from the budget.
const WORKS_PER_WORKER: usize = 2;

/// The rest of the work on a block; it returns the block's buffer. The sink keeps its errors.
pub(super) type BlockWork = Box<dyn FnOnce() -> Vec<u8> + Send>;

/// The collector's end of the queue.
pub(crate) struct Background<'a> {
    queue: Sender<BlockWork>,
    pool: &'a BlockPool,
}

/// A worker's end of the queue.
#[derive(Clone)]
pub(super) struct BackgroundWorker<'a> {
    queue: Receiver<BlockWork>,
    pool: &'a BlockPool,
    /// Dropped last: it rings for a queue without receivers, too.
    bell: CollectorBell,
}

/// A queue for this many workers; the calling thread is the collector.
pub(super) fn background(
    threads: usize,
    pool: &BlockPool,
) -> (Background<'_>, BackgroundWorker<'_>) {
    let (sender, queue) = bounded(WORKS_PER_WORKER * threads);
    let bell = CollectorBell::of_this_thread();
    (Background { queue: sender, pool }, BackgroundWorker { queue, pool, bell })
}

impl Background<'_> {
    /// Has work done by a worker. All of it is done when the run has ended.
    pub(crate) fn run(&self, mut work: BlockWork) {
        loop {
            match self.queue.try_send(work) {
                Ok(()) => return,
                Err(TrySendError::Full(unsent)) => work = unsent,
                // Without workers, all of which have panicked, it is done at once.
                Err(TrySendError::Disconnected(unsent)) => return self.pool.put(unsent()),
            }
            wait_for_bell();
        }
    }
}

impl BackgroundWorker<'_> {
    /// Does what is in the queue now.
    pub(super) fn help(&self) {
        while let Ok(work) = self.queue.try_recv() {
            self.work_on(work);
        }
    }

    /// Does one piece of work. Wakes the collector where half of the queue is free: as all of it is
    /// done in a row, that comes soon, and the collector wakes once for many.
    fn work_on(&self, work: BlockWork) {
        if self.queue.len() * 2 <= self.queue.capacity().unwrap_or(0) {
            self.bell.ring();
        }
        self.pool.put(work());
    }

    /// Sends a message; as long as there is no room for it, does what is in the queue.
    ///
    /// # Errors
    /// When the receiver of messages is gone.
    pub(super) fn send<M>(&self, messages: &Sender<M>, mut message: M) -> Result<(), SendError<M>> {
        loop {
            self.help();
            match messages.try_send(message) {
                Ok(()) => {
                    // The first messages can wait a moment: a worker that waits for the collector
                    // has filled the queue. So it wakes once for some of them.
                    if messages.len() * 2 >= messages.capacity().unwrap_or(0) {
                        self.bell.ring();
                    }
                    return Ok(());
                }
                Err(TrySendError::Disconnected(unsent)) => return Err(SendError(unsent)),
                Err(TrySendError::Full(unsent)) => message = unsent,
            }
            let mut either = Select::new();
            either.send(messages);
            either.recv(&self.queue);
            either.ready();
        }
    }

    /// Does what comes until the collector has ended, and all that it has left.
    pub(super) fn help_to_the_end(&self) {
        while let Ok(work) = self.queue.recv() {
            self.work_on(work);
        }
    }
}
