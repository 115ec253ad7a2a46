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

/// Objects of a bucket whose beginning is fetched ahead, at most: sixteen small files for each of
/// 64 threads.
const AHEAD_MAX: usize = 1_024;

/// Objects among them that may have more than a first part. 64: as many readers have one each that
/// comes next, and looking through small ones costs nothing.
const EXTENDED_MAX: usize = 64;

/// The objects of one bucket of which a first part is on its way, or more: an `O` for each.
pub(super) struct ObjectsAhead<O> {
    announced: Mutex<AnnouncedObjects<O>>,
}

struct AnnouncedObjects<O> {
    numbers: HashMap<String, u64>,
    /// By number, which is the order in which they were announced.
    objects: BTreeMap<u64, O>,
    next: u64,
}

impl<O> Default for ObjectsAhead<O> {
    fn default() -> Self {
        let (numbers, objects) = (HashMap::new(), BTreeMap::new());
        Self { announced: Mutex::new(AnnouncedObjects { numbers, objects, next: 0 }) }
    }
}

impl<O> ObjectsAhead<O> {
    /// Announces an object, unless it was or there are too many.
    pub(super) fn announce(&self, key: &str, begin: impl FnOnce() -> O) {
        let mut announced = self.lock();
        let number = announced.next;
        if announced.numbers.len() < AHEAD_MAX && !announced.numbers.contains_key(key) {
            announced.next += 1;
            announced.numbers.insert(key.to_owned(), number);
            announced.objects.insert(number, begin());
        }
    }

    /// What there is of an object that is opened now.
    pub(super) fn take(&self, key: &str) -> Option<O> {
        let mut announced = self.lock();
        let number = announced.numbers.remove(key)?;
        announced.objects.remove(&number)
    }

    /// Asks for one part more of the first object for which `extend` can do so.
    pub(super) fn extend(&self, extend: impl FnMut(&mut O) -> bool) {
        let mut announced = self.lock();
        let _ = announced.objects.values_mut().take(EXTENDED_MAX).any(extend);
    }

    fn lock(&self) -> MutexGuard<'_, AnnouncedObjects<O>> {
        self.announced.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
