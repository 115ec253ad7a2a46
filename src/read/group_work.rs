//! Work that is done once for a group: by whoever comes first, while the others wait for it.
//!
//! Never knows what the work is.
//!
//! A worker that does it does not wait, and [`WorkClaim`] gives it back however it ends: so no
//! worker waits for ever. `group_work_tests.rs` tries the orders in which threads can take turns;
//! it compiles this file with locks that can be steered, in place of those of `sync`.

use std::mem;

use super::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Work with a result for each member of the group; `P` is what it comes to when it is left half
/// done.
pub(super) struct GroupWork<P, R> {
    state: Mutex<WorkState<P, R>>,
    /// Told whenever the state is no longer [`WorkState::Busy`].
    changed: Condvar,
}

/// How far the work is.
pub(super) enum WorkState<P, R> {
    /// No worker does it; some of it may be done already.
    Free(Option<P>),
    /// Somebody does it.
    Busy,
    /// Done; one entry for each member, until it is asked for.
    Done(Vec<Option<R>>),
}

impl<P, R> GroupWork<P, R> {
    /// Work that has not begun.
    pub(super) fn new() -> Self {
        Self { state: Mutex::new(WorkState::Free(None)), changed: Condvar::new() }
    }

    /// How far it is now.
    pub(super) fn state(&self) -> MutexGuard<'_, WorkState<P, R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The right, and the duty, to do the work, if it is free; and what is done of it.
    pub(super) fn claim(&self) -> Option<(WorkClaim<'_, P, R>, Option<P>)> {
        let mut state = self.state();
        let WorkState::Free(part) = &mut *state else { return None };
        let part = part.take();
        *state = WorkState::Busy;
        Some((WorkClaim { work: self, next: WorkState::Free(None) }, part))
    }

    /// Waits while somebody does the work, then takes the result of the member in this place (once,
    /// else it is `Some(None)`); `None` if the work is free.
    pub(super) fn wait(&self, place: usize) -> Option<Option<R>> {
        let busy = |state: &mut WorkState<P, R>| matches!(state, WorkState::Busy);
        let waited = self.changed.wait_while(self.state(), busy);
        match &mut *waited.unwrap_or_else(PoisonError::into_inner) {
            WorkState::Done(results) => Some(results.get_mut(place).and_then(Option::take)),
            WorkState::Free(_) | WorkState::Busy => None,
        }
    }
}

/// Held by the one who does the work; gives it back however that ends.
pub(super) struct WorkClaim<'a, P, R> {
    work: &'a GroupWork<P, R>,
    next: WorkState<P, R>,
}

impl<P, R> WorkClaim<'_, P, R> {
    /// The work is done.
    pub(super) fn done(mut self, results: Vec<Option<R>>) {
        self.next = WorkState::Done(results);
    }

    /// Somebody else is to do the rest.
    pub(super) fn leave(mut self, part: P) {
        self.next = WorkState::Free(Some(part));
    }
}

impl<P, R> Drop for WorkClaim<'_, P, R> {
    fn drop(&mut self) {
        *self.work.state() = mem::replace(&mut self.next, WorkState::Free(None));
        self.work.changed.notify_all();
    }
}
