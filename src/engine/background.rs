//! Work that the sink leaves to workers: what remains to be done with a block once its place in the
//! output is known, such as to hash and write it.
//!
//! The collector puts it into a queue. Workers do it between windows of their tasks, and once no
//! tasks are left. Where the queue is full, the collector does the work itself: so it never waits,
//! and the queue's length bounds the blocks in it.
//!
//! Never knows what the work is.

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use super::pool::BlockPool;

/// Blocks in the queue, for each worker. Two: one is being written while the next waits; more would
/// only hide memory from the budget.
const WORKS_PER_WORKER: usize = 2;

/// What remains to be done with a block; it gives the block's buffer back. What goes wrong is
/// noted where the sink finds it.
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
}

/// A queue for this many workers.
pub(super) fn background(
    threads: usize,
    pool: &BlockPool,
) -> (Background<'_>, BackgroundWorker<'_>) {
    let (sender, receiver) = bounded(WORKS_PER_WORKER * threads);
    (Background { queue: sender, pool }, BackgroundWorker { queue: receiver, pool })
}

impl Background<'_> {
    /// Has work done, by a worker or at once. All of it is done when the run has ended.
    pub(crate) fn run(&self, work: BlockWork) {
        match self.queue.try_send(work) {
            Ok(()) => {}
            Err(TrySendError::Full(work) | TrySendError::Disconnected(work)) => {
                self.pool.put(work());
            }
        }
    }
}

impl BackgroundWorker<'_> {
    /// Does what is in the queue now.
    pub(super) fn help(&self) {
        while let Ok(work) = self.queue.try_recv() {
            self.pool.put(work());
        }
    }

    /// Does what comes until the collector has ended, and all that it has left.
    pub(super) fn help_to_the_end(&self) {
        while let Ok(work) = self.queue.recv() {
            self.pool.put(work());
        }
    }
}
