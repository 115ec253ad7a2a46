//! The orders in which threads can take turns at the work of a group: some thousand of them, chosen
//! at random, and so that rare ones come up. A thread that waits for ever is found in any of them.

#![expect(clippy::unwrap_used, reason = "a test that meets something unexpected has failed")]

use shuttle::sync::Arc;
use shuttle::sync::atomic::{AtomicUsize, Ordering};
use shuttle::thread;

/// What the file below takes for the locks of the standard library.
mod sync {
    pub(super) use std::sync::PoisonError;

    pub(super) use shuttle::sync::{Condvar, Mutex, MutexGuard};
}

#[expect(clippy::duplicate_mod, reason = "the same code, with other locks")]
#[path = "group_work.rs"]
mod steered;

use steered::GroupWork;

/// Steps until the work is done.
const STEPS: usize = 4;
/// Workers; each is one member of the group.
const WORKERS: usize = 3;
/// Orders that are tried of each kind.
const ORDERS: usize = 3_000;
/// Changes of thread that matter in an order of the second kind.
const DEPTH: usize = 3;

/// The work, and who is at it.
struct Scene {
    work: GroupWork<usize, usize>,
    at_it: AtomicUsize,
}

impl Scene {
    /// Does some steps of the work, if it is free. A worker that gives up leaves nothing behind.
    fn take_part(&self, steps: usize, gives_up: bool) {
        let Some((claim, part)) = self.work.claim() else { return };
        assert_eq!(self.at_it.fetch_add(1, Ordering::SeqCst), 0, "two at the same work");
        thread::yield_now();
        let done = part.unwrap_or(0) + steps;
        self.at_it.fetch_sub(1, Ordering::SeqCst);
        if gives_up {
            drop(claim);
        } else if done < STEPS {
            claim.leave(done);
        } else {
            claim.done((0..WORKERS).map(|place| Some(place * 10)).collect());
        }
    }

    /// The result of a worker's own member, whoever does the work.
    fn result(&self, place: usize) -> usize {
        loop {
            if let Some(result) = self.work.wait(place) {
                return result.unwrap();
            }
            self.take_part(STEPS, false);
        }
    }
}

/// Every worker does half of the work if it can, the first of them gives up, and all but it want
/// their results.
fn run() {
    let scene = Arc::new(Scene { work: GroupWork::new(), at_it: AtomicUsize::new(0) });
    let worker = |place: usize| {
        let scene = Arc::clone(&scene);
        thread::spawn(move || {
            scene.take_part(STEPS / 2, place == 0);
            if place > 0 {
                assert_eq!(scene.result(place), place * 10);
            }
        })
    };
    let workers: Vec<_> = (0..WORKERS).map(worker).collect();
    for worker in workers {
        worker.join().unwrap();
    }
}

#[test]
fn every_member_gets_its_result_whatever_the_order() {
    shuttle::check_random(run, ORDERS);
    shuttle::check_pct(run, ORDERS, DEPTH);
}
