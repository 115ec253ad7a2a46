//! A set of objects, named by lines of a manifest, and what was seen of each in a report.
//!
//! Holds a hash of each line, not the line: 128 bits of XXH3, so that of a billion objects and a
//! billion rows two would be taken for each other once in 10^20 runs. Who can write keys could make
//! two that collide; it would only hide a key of their own.
//!
//! Never knows what the marks mean.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};

use xxhash_rust::xxh3::xxh3_128;

/// Slots for every three objects: a lookup then looks at two or three slots on average.
const SLOTS_FOR_THREE: u64 = 4;

/// Memory that one object takes, in bytes, rounded up: a hash and a byte of marks, and the slots
/// that stay empty.
pub(crate) const OBJECT_BYTES: u64 = 23;

const _: () = assert!(OBJECT_BYTES * 3 >= 17 * SLOTS_FOR_THREE);

/// What marks a slot that is empty. A line with this hash is given another one.
const EMPTY: u128 = 0;

/// A part of all objects: those whose hash falls into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HashPartition {
    /// Which, from 0.
    pub number: u64,
    /// Of how many.
    pub of: u64,
}

impl HashPartition {
    fn holds(self, hash: u128) -> bool {
        // The low half picks the part, the high half the slot.
        let low = u128::from(hash as u64);
        (low * u128::from(self.of)) >> 64 == u128::from(self.number)
    }
}

/// Objects of one part, and the marks of each.
pub(crate) struct ObjectSet {
    part: HashPartition,
    hashes: Vec<u128>,
    marks: Vec<AtomicU8>,
    objects: u64,
}

impl fmt::Debug for ObjectSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ObjectSet");
        shown.field("part", &self.part).field("objects", &self.objects).finish_non_exhaustive()
    }
}

impl ObjectSet {
    /// A set with room for this many objects.
    #[must_use]
    pub(crate) fn new(part: HashPartition, objects: u64) -> Self {
        let slots = (objects / 3 + 1).saturating_mul(SLOTS_FOR_THREE);
        let slots = usize::try_from(slots).unwrap_or(usize::MAX);
        let marks = std::iter::repeat_with(AtomicU8::default).take(slots).collect();
        Self { part, hashes: vec![EMPTY; slots], marks, objects: 0 }
    }

    /// Adds the object of a line without its line feed, if it is of this part; `false` if there is
    /// no room left.
    pub(crate) fn insert(&mut self, line: &[u8]) -> bool {
        let hash = hash(line);
        if !self.part.holds(hash) {
            return true;
        }
        let slot = self.slot(hash);
        if self.hashes[slot] == EMPTY {
            // One slot stays empty, so that every search ends.
            if self.objects + 1 >= self.hashes.len() as u64 {
                return false;
            }
            self.hashes[slot] = hash;
            self.objects += 1;
        }
        true
    }

    /// How many different objects it holds.
    #[must_use]
    pub(crate) fn len(&self) -> u64 {
        self.objects
    }

    /// Where an object is, if it is in the set.
    #[must_use]
    pub(crate) fn find(&self, line: &[u8]) -> Option<usize> {
        let hash = hash(line);
        let slot = self.part.holds(hash).then(|| self.slot(hash))?;
        (self.hashes[slot] == hash).then_some(slot)
    }

    /// Whether an object is of this part, and not in the set.
    #[must_use]
    pub(crate) fn lacks(&self, line: &[u8]) -> bool {
        let hash = hash(line);
        self.part.holds(hash) && self.hashes[self.slot(hash)] != hash
    }

    /// Adds marks to those of an object that was found.
    pub(crate) fn mark(&self, slot: usize, marks: u8) {
        self.marks[slot].fetch_or(marks, Ordering::Relaxed);
    }

    /// The marks of an object that was found.
    #[must_use]
    pub(crate) fn marks(&self, slot: usize) -> u8 {
        self.marks[slot].load(Ordering::Relaxed)
    }

    /// The marks of every object, in no order.
    pub(crate) fn all_marks(&self) -> impl Iterator<Item = u8> {
        let slots = self.hashes.iter().zip(&self.marks);
        slots.filter(|(hash, _)| **hash != EMPTY).map(|(_, marks)| marks.load(Ordering::Relaxed))
    }

    /// The slot that holds a hash, or the empty one where it belongs.
    fn slot(&self, hash: u128) -> usize {
        let slots = self.hashes.len();
        let mut slot = (((hash >> 64) * slots as u128) >> 64) as usize;
        while self.hashes[slot] != hash && self.hashes[slot] != EMPTY {
            slot += 1;
            if slot == slots {
                slot = 0;
            }
        }
        slot
    }
}

fn hash(line: &[u8]) -> u128 {
    match xxh3_128(line) {
        EMPTY => 1,
        hash => hash,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    const WHOLE: HashPartition = HashPartition { number: 0, of: 1 };

    #[test]
    fn a_full_set_says_so_and_searches_still_end() {
        let mut set = ObjectSet::new(WHOLE, 0);
        assert_eq!(set.len(), 0);
        let added = (0..9).filter(|line: &u8| set.insert(&[*line])).count() as u64;
        assert_eq!(added, set.len());
        assert!(added < 9);
        assert!(set.insert(&[0]), "one that is there needs no room");
        assert_eq!(set.find(b"not there"), None);
    }

    #[test]
    fn each_object_is_of_one_part() {
        let lines: Vec<[u8; 4]> = (0..3_000_u32).map(u32::to_le_bytes).collect();
        let sets: Vec<ObjectSet> = (0..3)
            .map(|number| {
                let mut set = ObjectSet::new(HashPartition { number, of: 3 }, 3_000);
                assert!(lines.iter().all(|line| set.insert(line)));
                set
            })
            .collect();
        assert_eq!(sets.iter().map(ObjectSet::len).sum::<u64>(), 3_000);
        assert!(sets.iter().all(|set| (900..1_100).contains(&set.len())));
        for line in &lines {
            assert_eq!(sets.iter().filter(|set| set.find(line).is_some()).count(), 1);
            assert!(!sets.iter().any(|set| set.lacks(line)));
        }
        for line in (3_000..3_100_u32).map(u32::to_le_bytes) {
            assert_eq!(sets.iter().filter(|set| set.lacks(&line)).count(), 1);
        }
    }

    proptest! {
        #[test]
        fn it_is_a_map_from_lines_to_marks(
            lines in prop::collection::vec(prop::collection::vec(0..3_u8, 0..4), 0..60),
            marks in prop::collection::vec((prop::collection::vec(0..3_u8, 0..4), 0..8_u8), 0..60),
        ) {
            let mut set = ObjectSet::new(WHOLE, lines.len() as u64);
            let mut map: HashMap<Vec<u8>, u8> = HashMap::new();
            for line in lines {
                prop_assert!(set.insert(&line));
                map.insert(line, 0);
            }
            for (line, mark) in marks {
                let slot = set.find(&line);
                prop_assert_eq!(slot.is_some(), map.contains_key(&line));
                if let Some(slot) = slot {
                    set.mark(slot, mark);
                    let known = map.entry(line).or_default();
                    *known |= mark;
                    prop_assert_eq!(set.marks(slot), *known);
                }
            }
            prop_assert_eq!(set.len(), map.len() as u64);
            let mut found: Vec<u8> = set.all_marks().collect();
            let mut wanted: Vec<u8> = map.into_values().collect();
            found.sort_unstable();
            wanted.sort_unstable();
            prop_assert_eq!(found, wanted);
        }
    }
}
