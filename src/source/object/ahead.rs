//! Objects that will be opened soon: what of them is on its way.
//!
//! Of each a first part is fetched when it is announced. A reader that has asked for all of its own
//! object asks for more of the next one instead, part for part, so that the next begins as the last
//! one ended: with as much on its way as delay and bandwidth ask for. What is on its way does not
//! become more by that.
//!
//! Never knows what the bytes mean.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::stream::PendingObject;

/// Objects of a bucket whose beginning is fetched ahead, at most: sixteen small files for each of
/// 64 threads.
const AHEAD_MAX: usize = 1_024;

/// Objects among them that may have more than a first part. 64: as many readers have one each that
/// comes next, and looking through small ones costs nothing.
const EXTENDED_MAX: usize = 64;

/// The objects of one bucket of which a first part is on its way, or more.
#[derive(Default)]
pub(super) struct ObjectsAhead {
    announced: Mutex<AnnouncedObjects>,
}

#[derive(Default)]
struct AnnouncedObjects {
    numbers: HashMap<String, u64>,
    /// By number, which is the order in which they were announced.
    objects: BTreeMap<u64, PendingObject>,
    next: u64,
}

impl ObjectsAhead {
    /// Announces an object, unless it was or there are too many.
    pub(super) fn announce(&self, key: &str, begin: impl FnOnce() -> PendingObject) {
        let mut announced = self.lock();
        let number = announced.next;
        if announced.numbers.len() < AHEAD_MAX && !announced.numbers.contains_key(key) {
            announced.next += 1;
            announced.numbers.insert(key.to_owned(), number);
            announced.objects.insert(number, begin());
        }
    }

    /// What there is of an object that is opened now.
    pub(super) fn take(&self, key: &str) -> Option<PendingObject> {
        let mut announced = self.lock();
        let number = announced.numbers.remove(key)?;
        announced.objects.remove(&number)
    }

    /// Asks for one part more of the first object that has fewer than this many and more to ask
    /// for.
    pub(super) fn extend(&self, parts_max: usize) {
        let mut announced = self.lock();
        let mut first = announced.objects.values_mut().take(EXTENDED_MAX);
        let _ = first.any(|object| object.extend(parts_max));
    }

    fn lock(&self) -> MutexGuard<'_, AnnouncedObjects> {
        self.announced.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
