//! Column statistics of a file, its stripes and the entries of its row index.
//!
//! No checksum covers statistics, and a wrong bound would hide rows. So each level is compared with
//! the one above it: statistics that contradict each other are not used for skipping.
//!
//! Never knows which rows are asked for.

use super::orc_type::OrcType;
use super::proto::{Message, ProtoFault, Value};
use super::writer::TrustedBounds;
use crate::values::{Bounds, ColumnStatistics, NullCount, TimeUnit};

/// The statistics of a column in the file, a stripe, or an entry of the row index.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct OrcStatistics<'a> {
    /// Values that are not NULL.
    pub(super) count: Option<u64>,
    /// Whether there is a NULL; many writers do not tell.
    has_null: Option<bool>,
    bounds: Bounds<&'a [u8]>,
}

impl<'a> OrcStatistics<'a> {
    pub(super) fn read(
        message: Value<'a>,
        reading: OrcType,
        trusted: TrustedBounds,
    ) -> Result<Self, ProtoFault> {
        let mut found = Self::default();
        let mut message = Message(message.bytes()?);
        while let Some((field, value)) = message.field()? {
            match (field, reading) {
                (1, _) => found.count = Some(value.number()?),
                (10, _) => found.has_null = Some(value.number()? != 0),
                (2, OrcType::Integers | OrcType::Bytes) if trusted.values => {
                    let (least, most) = pair(value.bytes()?, (1, 2), |value| value.signed())?;
                    if let Some((least, most)) = least.zip(most) {
                        found.bounds = Bounds::Integers(least, most);
                    }
                }
                (4, OrcType::Texts) if trusted.values => {
                    let texts = value.bytes()?;
                    let (least, most) = pair(texts, (1, 2), Value::bytes)?;
                    let (lower, upper) = pair(texts, (4, 5), Value::bytes)?;
                    if let Some((least, most)) = least.or(lower).zip(most.or(upper)) {
                        found.bounds = Bounds::Bytes(least, most);
                    }
                }
                (9, OrcType::Instants { .. }) if trusted.timestamps => {
                    let (least, most) = pair(value.bytes()?, (3, 4), |value| value.signed())?;
                    // They are cut to milliseconds, towards 1970 or downwards; values are not.
                    let least = least.and_then(|least| least.checked_sub(1)?.checked_mul(1_000));
                    let most = most.and_then(|most| most.checked_add(1)?.checked_mul(1_000));
                    if let Some((least, most)) = least.zip(most) {
                        found.bounds = Bounds::Instants(least, most, TimeUnit::Micros);
                    }
                }
                _ => {}
            }
        }
        // A column of NULLs only says so twice. Hive's compaction writes 0 where it did not count.
        if found.count == Some(0) && found.has_null != Some(true) {
            found.count = None;
        }
        Ok(found)
    }

    /// The statistics of `rows` rows; `None` if they contradict that number.
    pub(super) fn of_rows(&self, rows: u64) -> Option<ColumnStatistics<&'a [u8]>> {
        let nulls = match self.count {
            Some(count) => NullCount::of(Some(rows.checked_sub(count)?), rows),
            None => NullCount::Unknown,
        };
        let nulls = match (nulls, self.has_null) {
            (NullCount::None, Some(true)) | (NullCount::All, Some(false)) => NullCount::Unknown,
            _ => nulls,
        };
        self.bounds.is_ordered().then_some(ColumnStatistics { nulls, bounds: self.bounds })
    }

    /// Whether these can be the statistics of all parts together.
    pub(super) fn are_of<'p>(&self, parts: impl Iterator<Item = OrcStatistics<'p>>) -> bool {
        let mut sum = StatisticsSum::default();
        parts.for_each(|part| sum.add(part));
        sum.fits(self)
    }
}

/// What the statistics of parts come to.
#[derive(Debug, Clone, Copy)]
pub(super) struct StatisticsSum<'a> {
    count: Option<u64>,
    bounds: Option<Bounds<&'a [u8]>>,
}

impl Default for StatisticsSum<'_> {
    fn default() -> Self {
        Self { count: Some(0), bounds: None }
    }
}

impl<'a> StatisticsSum<'a> {
    pub(super) fn add(&mut self, part: OrcStatistics<'a>) {
        let both = self.count.zip(part.count);
        self.count = both.and_then(|(sum, count)| sum.checked_add(count));
        // One without a value has no bounds; of one that has and tells none, nothing is known.
        if part.count != Some(0) {
            self.bounds = Some(self.bounds.map_or(part.bounds, |sum| hull(sum, part.bounds)));
        }
    }

    /// Whether these can be the statistics of the whole.
    pub(super) fn fits(&self, whole: &OrcStatistics<'_>) -> bool {
        let counts_fit = whole.count.zip(self.count).is_none_or(|(whole, sum)| whole == sum);
        let bounds_fit = match self.bounds {
            None | Some(Bounds::Unknown) => true,
            Some(bounds) => whole.bounds == Bounds::Unknown || whole.bounds == bounds,
        };
        counts_fit && bounds_fit
    }
}

/// The least bounds that hold both.
fn hull<'a>(one: Bounds<&'a [u8]>, other: Bounds<&'a [u8]>) -> Bounds<&'a [u8]> {
    match (one, other) {
        (Bounds::Bytes(least, most), Bounds::Bytes(lower, upper)) => {
            Bounds::Bytes(least.min(lower), most.max(upper))
        }
        (Bounds::Integers(least, most), Bounds::Integers(lower, upper)) => {
            Bounds::Integers(least.min(lower), most.max(upper))
        }
        (Bounds::Instants(least, most, unit), Bounds::Instants(lower, upper, _)) => {
            Bounds::Instants(least.min(lower), most.max(upper), unit)
        }
        _ => Bounds::Unknown,
    }
}

type OptionalBounds<T> = (Option<T>, Option<T>);

/// Two fields of a message.
fn pair<'a, T>(
    bytes: &'a [u8],
    fields: (u64, u64),
    read: impl Fn(Value<'a>) -> Result<T, ProtoFault>,
) -> Result<OptionalBounds<T>, ProtoFault> {
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

    fn integers(count: u64, least: i64, most: i64) -> OrcStatistics<'static> {
        OrcStatistics {
            count: Some(count),
            bounds: Bounds::Integers(least, most),
            ..OrcStatistics::default()
        }
    }

    #[test]
    fn what_contradicts_itself_is_not_known() {
        let known = integers(5, -1, 3).of_rows(5).unwrap();
        assert_eq!((known.nulls, known.bounds), (NullCount::None, Bounds::Integers(-1, 3)));
        assert_eq!(integers(5, 3, -1).of_rows(5), None, "least above most");
        assert_eq!(integers(6, -1, 3).of_rows(5), None, "more values than rows");
        assert_eq!(OrcStatistics::default().of_rows(5), Some(ColumnStatistics::default()));
    }

    #[test]
    fn parts_are_held_against_the_whole() {
        let parts = [integers(5, 2, 9), integers(3, -4, 4), OrcStatistics::default()];
        let fits = |whole: &OrcStatistics<'_>, parts: usize, all: &[OrcStatistics<'_>]| {
            whole.are_of(all[..parts].iter().copied())
        };
        assert!(fits(&integers(8, -4, 9), 2, &parts));
        assert!(!fits(&integers(7, -4, 9), 2, &parts), "another count");
        assert!(!fits(&integers(8, -3, 9), 2, &parts), "another least value");
        assert!(fits(&integers(7, -3, 9), 3, &parts), "a part that tells nothing");
        assert!(fits(&OrcStatistics::default(), 2, &parts), "a whole that tells nothing");
        let none = OrcStatistics { count: Some(0), ..OrcStatistics::default() };
        let parts = [integers(5, 2, 9), none];
        assert!(fits(&integers(5, 2, 9), 2, &parts) && !fits(&integers(5, 2, 8), 2, &parts));
        let texts = |least: &'static [u8], most: &'static [u8]| OrcStatistics {
            bounds: Bounds::Bytes(least, most),
            ..OrcStatistics::default()
        };
        let parts = [texts(b"b", b"c"), texts(b"a", b"bb")];
        assert!(texts(b"a", b"c").are_of(parts.iter().copied()));
        assert!(!texts(b"a", b"d").are_of(parts.iter().copied()));
    }

    const ALL: TrustedBounds = TrustedBounds { values: true, timestamps: true };

    fn read(
        bytes: &'static [u8],
        reading: OrcType,
        trusted: TrustedBounds,
    ) -> OrcStatistics<'static> {
        OrcStatistics::read(Value::Bytes(bytes), reading, trusted).unwrap()
    }

    #[test]
    fn bounds_of_texts_that_were_cut_are_bounds() {
        // "b" to "cc", of which the upper one was made from a longer text (ORC-203).
        let bytes = b"\x08\x03\x22\x07\x0a\x01b\x2a\x02cc";
        let found = read(bytes, OrcType::Texts, ALL);
        assert_eq!((found.count, found.bounds), (Some(3), Bounds::Bytes(&b"b"[..], b"cc")));
        let none = TrustedBounds { values: false, timestamps: false };
        assert_eq!(read(bytes, OrcType::Texts, none).bounds, Bounds::Unknown);
    }

    #[test]
    fn bounds_of_timestamps_in_the_writers_own_time_are_not_used() {
        let zoned = OrcType::Instants { zoned: false };
        // Fields 1 and 2 (ORC-135), and those in UTC.
        let own = b"\x08\x03\x4a\x04\x08\x02\x10\x08";
        assert_eq!(read(own, zoned, ALL).bounds, Bounds::Unknown);
        let utc = b"\x08\x03\x4a\x04\x18\x02\x20\x08";
        assert_eq!(read(utc, zoned, ALL).bounds, Bounds::Instants(0, 5_000, TimeUnit::Micros));
        let others = TrustedBounds { values: true, timestamps: false };
        assert_eq!(read(utc, zoned, others).bounds, Bounds::Unknown);
    }

    #[test]
    fn a_count_of_0_is_a_column_of_nulls_only_where_it_is_told_twice() {
        let nulls = |bytes| read(bytes, OrcType::Texts, ALL).of_rows(5).unwrap().nulls;
        assert_eq!(nulls(b"\x08\x00\x50\x01"), NullCount::All);
        // What Hive's compaction writes for every column.
        assert_eq!(nulls(b"\x08\x00\x50\x00"), NullCount::Unknown);
        assert_eq!(nulls(b"\x08\x00"), NullCount::Unknown);
        assert_eq!(nulls(b"\x08\x05\x50\x00"), NullCount::None);
        assert_eq!(nulls(b"\x08\x05"), NullCount::None);
        assert_eq!(nulls(b"\x08\x05\x50\x01"), NullCount::Unknown, "a NULL where there is no room");
    }
}
