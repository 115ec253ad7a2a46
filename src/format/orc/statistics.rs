//! What a file tells of a column's values: in the row index, of stripes, and of the file.
//!
//! No checksum covers statistics, and a wrong bound would hide rows. So what is told on one level
//! is held against the next: statistics that contradict each other are not used, and nothing is
//! skipped by them.
//!
//! Never knows which rows are asked for.

use super::proto::{Fault, Message, Value};
use super::tail::Reading;
use crate::format::columnar::{BoundsHeld, KnownHeld, nulls_of};
use crate::predicate::{Nulls, TimeUnit};

/// The statistics of a column in the file, a stripe, or an entry of the row index.
#[derive(Debug, Clone, Default)]
pub(super) struct Statistics {
    /// Values that are not NULL.
    pub(super) count: Option<u64>,
    bounds: BoundsHeld,
}

impl Statistics {
    pub(super) fn read(message: Value<'_>, reading: Reading) -> Result<Self, Fault> {
        let mut found = Self::default();
        let mut message = Message(message.bytes()?);
        while let Some((field, value)) = message.field()? {
            match (field, reading) {
                (1, _) => found.count = Some(value.number()?),
                (2, Reading::Integers | Reading::Bytes) => {
                    let (least, most) = pair(value.bytes()?, (1, 2), |value| value.signed())?;
                    if let Some((least, most)) = least.zip(most) {
                        found.bounds = BoundsHeld::Integers(least, most);
                    }
                }
                (4, Reading::Texts) => {
                    let texts = value.bytes()?;
                    let bytes = |value: Value<'_>| value.bytes().map(<[u8]>::to_vec);
                    let (least, most) = pair(texts, (1, 2), bytes)?;
                    let (lower, upper) = pair(texts, (4, 5), bytes)?;
                    if let Some((least, most)) = least.or(lower).zip(most.or(upper)) {
                        found.bounds = BoundsHeld::Bytes(least, most);
                    }
                }
                (9, Reading::Instants { .. }) => {
                    let (least, most) = pair(value.bytes()?, (3, 4), |value| value.signed())?;
                    if let Some((least, most)) = least.zip(most) {
                        // They are cut to milliseconds.
                        let most = most.saturating_add(1);
                        found.bounds = BoundsHeld::Instants(least, most, TimeUnit::Millis);
                    }
                }
                _ => {}
            }
        }
        Ok(found)
    }

    /// What is known of so many rows; `None` where that can't be.
    pub(super) fn of_rows(&self, rows: u64) -> Option<KnownHeld> {
        let nulls = match self.count {
            Some(count) => nulls_of(Some(rows.checked_sub(count)?), rows),
            None => Nulls::Unknown,
        };
        self.bounds.are_ordered().then(|| KnownHeld { nulls, bounds: self.bounds.clone() })
    }

    /// Whether these can be the statistics of all parts together.
    pub(super) fn are_of<'a>(&self, parts: impl Iterator<Item = &'a Self>) -> bool {
        let (mut count, mut bounds) = (Some(0_u64), None);
        for part in parts {
            count = count.zip(part.count).and_then(|(sum, count)| sum.checked_add(count));
            // One without a value has no bounds; of one that has and tells none, nothing is known.
            if part.count != Some(0) {
                bounds = Some(match bounds {
                    Some(bounds) => hull(bounds, &part.bounds),
                    None => part.bounds.clone(),
                });
            }
        }
        let counts_fit = self.count.zip(count).is_none_or(|(whole, sum)| whole == sum);
        let bounds_fit = match bounds {
            None | Some(BoundsHeld::Unknown) => true,
            Some(bounds) => self.bounds == BoundsHeld::Unknown || self.bounds == bounds,
        };
        counts_fit && bounds_fit
    }
}

/// The least bounds that hold both.
fn hull(one: BoundsHeld, other: &BoundsHeld) -> BoundsHeld {
    match (one, other) {
        (BoundsHeld::Bytes(least, most), BoundsHeld::Bytes(lower, upper)) => {
            BoundsHeld::Bytes(least.min(lower.clone()), most.max(upper.clone()))
        }
        (BoundsHeld::Integers(least, most), BoundsHeld::Integers(lower, upper)) => {
            BoundsHeld::Integers(least.min(*lower), most.max(*upper))
        }
        (BoundsHeld::Instants(least, most, unit), BoundsHeld::Instants(lower, upper, _)) => {
            BoundsHeld::Instants(least.min(*lower), most.max(*upper), unit)
        }
        _ => BoundsHeld::Unknown,
    }
}

type Pair<T> = (Option<T>, Option<T>);

/// Two fields of a message.
fn pair<'a, T>(
    bytes: &'a [u8],
    fields: (u64, u64),
    read: impl Fn(Value<'a>) -> Result<T, Fault>,
) -> Result<Pair<T>, Fault> {
    let mut found = (None, None);
    let mut message = Message(bytes);
    while let Some((field, value)) = message.field()? {
        if field == fields.0 {
            found.0 = Some(read(value)?);
        } else if field == fields.1 {
            found.1 = Some(read(value)?);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integers(count: u64, least: i64, most: i64) -> Statistics {
        Statistics { count: Some(count), bounds: BoundsHeld::Integers(least, most) }
    }

    #[test]
    fn what_contradicts_itself_is_not_known() {
        let known = integers(5, -1, 3).of_rows(5).unwrap();
        assert_eq!((known.nulls, known.bounds), (Nulls::None, BoundsHeld::Integers(-1, 3)));
        assert_eq!(integers(5, 3, -1).of_rows(5), None, "least above most");
        assert_eq!(integers(6, -1, 3).of_rows(5), None, "more values than rows");
        assert_eq!(Statistics::default().of_rows(5), Some(KnownHeld::default()));
    }

    #[test]
    fn parts_are_held_against_the_whole() {
        let parts = [integers(5, 2, 9), integers(3, -4, 4), Statistics::default()];
        let fits = |whole: &Statistics, parts: usize, all: &[Statistics]| {
            whole.are_of(all[..parts].iter())
        };
        assert!(fits(&integers(8, -4, 9), 2, &parts));
        assert!(!fits(&integers(7, -4, 9), 2, &parts), "another count");
        assert!(!fits(&integers(8, -3, 9), 2, &parts), "another least value");
        assert!(fits(&integers(7, -3, 9), 3, &parts), "a part that tells nothing");
        assert!(fits(&Statistics::default(), 2, &parts), "a whole that tells nothing");
        let none = Statistics { count: Some(0), ..Statistics::default() };
        let parts = [integers(5, 2, 9), none];
        assert!(fits(&integers(5, 2, 9), 2, &parts) && !fits(&integers(5, 2, 8), 2, &parts));
        let texts = |least: &[u8], most: &[u8]| Statistics {
            count: None,
            bounds: BoundsHeld::Bytes(least.to_vec(), most.to_vec()),
        };
        let parts = [texts(b"b", b"c"), texts(b"a", b"bb")];
        assert!(texts(b"a", b"c").are_of(parts.iter()));
        assert!(!texts(b"a", b"d").are_of(parts.iter()));
    }
}
