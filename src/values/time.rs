//! Instants: ISO 8601 bytes to nanoseconds since 1970, and back.
//!
//! An instant is an `i128` of nanoseconds and not a `jiff::Timestamp`: that type ends a day before
//! the year 9999 does, and 9999-12-31 is what people write for "retain for ever".
//!
//! Never knows whether the bytes are a field or a literal.

use jiff::SignedDuration;
use jiff::civil::{DateTime, Time};
use jiff::fmt::temporal::Pieces;

const NANOS_PER_SECOND: i128 = 1_000_000_000;
/// Nanoseconds of a day; UTC has no leap seconds here, as in all of Unix time.
pub(crate) const NANOS_PER_DAY: i128 = 86_400 * NANOS_PER_SECOND;
const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// The first and the last instant that a date and a time name, of the years -9999 to 9999. Dates
/// have no others, in whichever format a report holds them.
pub(crate) const FIRST_INSTANT: i128 = -377_705_116_800 * NANOS_PER_SECOND;
pub(crate) const LAST_INSTANT: i128 = 253_402_300_800 * NANOS_PER_SECOND - 1;

/// The instant that the bytes spell, in nanoseconds since 1970-01-01T00:00:00Z.
///
/// Date and time by ISO 8601, with `T` or a space between; the time, its seconds, its fraction and
/// the offset may be missing. No offset means UTC. `None` when it is not such a text.
pub(crate) fn instant(field: &[u8]) -> Option<i128> {
    instant_of_usual_form(field).or_else(|| instant_of_any_form(field))
}

/// The forms that reports use, by digit arithmetic: `2024-01-31`, `2024-01-31T12:30:59Z` and
/// `2024-01-31T12:30:59.000Z`. `None` says nothing: another form may still fit.
fn instant_of_usual_form(field: &[u8]) -> Option<i128> {
    let (date, time) = field.split_at_checked(10)?;
    if date[4] != b'-' || date[7] != b'-' {
        return None;
    }
    let year = two_digits(date, 0)? * 100 + two_digits(date, 2)?;
    let days = days_from_civil(year, two_digits(date, 5)?, two_digits(date, 8)?)?;
    let (clock, millis) = match time {
        [] => return Some(i128::from(days) * NANOS_PER_DAY),
        [b'T', clock @ .., b'Z'] if clock.len() == 8 => (clock, 0),
        [b'T', clock @ .., b'Z'] if clock.len() == 12 && clock[8] == b'.' => {
            let last = clock[11].wrapping_sub(b'0');
            (clock, (last <= 9).then(|| two_digits(clock, 9).map(|d| d * 10 + i64::from(last)))??)
        }
        _ => return None,
    };
    if clock[2] != b':' || clock[5] != b':' {
        return None;
    }
    let (hour, minute) = (two_digits(clock, 0)?, two_digits(clock, 3)?);
    let second = two_digits(clock, 6)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second;
    Some(i128::from(seconds * 1000 + millis) * 1_000_000)
}

/// The number that two ASCII digits at `at` spell; `at + 1` must be inside.
#[inline]
fn two_digits(bytes: &[u8], at: usize) -> Option<i64> {
    let (tens, ones) = (bytes[at].wrapping_sub(b'0'), bytes[at + 1].wrapping_sub(b'0'));
    (tens <= 9 && ones <= 9).then(|| i64::from(tens) * 10 + i64::from(ones))
}

/// Days since 1970-01-01 in the Gregorian calendar; `None` when there is no such day.
fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        1..=12 => 31,
        _ => return None,
    };
    if day < 1 || day > length {
        return None;
    }
    // Years that begin in March end with the leap day, so that months have a formula: the days
    // before month m (March is 0) are (153 m + 2) / 5.
    let shifted = year - i64::from(month <= 2);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let leap_days = shifted.div_euclid(4) - shifted.div_euclid(100) + shifted.div_euclid(400);
    // 719,468 days lie between 0000-03-01 and 1970-01-01.
    Some(shifted * 365 + leap_days + day_of_year - 719_468)
}

/// Every ISO form, by jiff. A time zone's name in brackets is refused: a report never has one.
fn instant_of_any_form(field: &[u8]) -> Option<i128> {
    let pieces = Pieces::parse(field).ok()?;
    if pieces.time_zone_annotation().is_some() || has_leap_second(field) {
        return None;
    }
    let local = pieces.date().to_datetime(pieces.time().unwrap_or(Time::midnight()));
    let offset = pieces.to_numeric_offset().map_or(0, |offset| offset.seconds());
    let instant = nanos(local) - i128::from(offset) * NANOS_PER_SECOND;
    (FIRST_INSTANT..=LAST_INSTANT).contains(&instant).then_some(instant)
}

/// Whether the second is 60, which jiff takes for 59: no instant of Unix time is one.
fn has_leap_second(text: &[u8]) -> bool {
    let Some(at) = text.iter().position(|byte| b"Tt ".contains(byte)) else { return false };
    let clock = text[at + 1..].iter().filter(|byte| **byte != b':');
    clock.take(6).skip(4).eq(b"60")
}

/// The instant of a date and time in UTC.
pub(crate) fn nanos(utc: DateTime) -> i128 {
    utc.duration_since(EPOCH).as_nanos()
}

/// The date and time in UTC; `None` outside the years -9999 to 9999.
pub(crate) fn civil(nanos: i128) -> Option<DateTime> {
    let seconds = i64::try_from(nanos.div_euclid(NANOS_PER_SECOND)).ok()?;
    let fraction = i32::try_from(nanos.rem_euclid(NANOS_PER_SECOND)).ok()?;
    EPOCH.checked_add(SignedDuration::new(seconds, fraction)).ok()
}

/// Appends an instant as CSV reports write it, `2022-12-12T13:20:39.000Z`; with more digits where
/// it is not a whole number of milliseconds. A year below 0 has a sign and six digits. `false`, and
/// nothing, where there is no such date.
pub(crate) fn push_instant(nanos: i128, out: &mut Vec<u8>) -> bool {
    let Ok(days) = i64::try_from(nanos.div_euclid(NANOS_PER_DAY)) else { return false };
    let Some((year, month, day)) = civil_from_days(days) else { return false };
    if year < 0 {
        out.push(b'-');
    }
    let of_day = nanos.rem_euclid(NANOS_PER_DAY) as u64;
    let (seconds, fraction) = (of_day / 1_000_000_000, of_day % 1_000_000_000);
    let (fraction, digits) = match fraction {
        _ if fraction.is_multiple_of(1_000_000) => (fraction / 1_000_000, 3),
        _ if fraction.is_multiple_of(1_000) => (fraction / 1_000, 6),
        _ => (fraction, 9),
    };
    let parts = [
        (year.unsigned_abs(), if year < 0 { 6 } else { 4 }, b'-'),
        (month, 2, b'-'),
        (day, 2, b'T'),
        (seconds / 3600, 2, b':'),
        (seconds / 60 % 60, 2, b':'),
        (seconds % 60, 2, b'.'),
        (fraction, digits, b'Z'),
    ];
    for (number, digits, mark) in parts {
        let start = out.len();
        out.resize(start + digits, 0);
        let mut rest = number;
        for digit in out[start..].iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        out.push(mark);
    }
    true
}

/// The date that is this many days after 1970-01-01, of the years -9999 to 9999.
fn civil_from_days(days: i64) -> Option<(i64, u64, u64)> {
    // The reverse of what `days_from_civil` does, in cycles of 400 years, which have 146,097 days.
    let shifted = days.checked_add(719_468)?;
    let (cycle, of_cycle) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_cycle =
        (of_cycle - of_cycle / 1_460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
    let day_of_year = of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = cycle * 400 + year_of_cycle + i64::from(month <= 2);
    (-9999..=9999).contains(&year).then_some((year, month as u64, day as u64))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Option<i128> {
        instant(text.as_bytes())
    }

    #[test]
    fn every_iso_form_is_read() {
        let noon = 1_704_110_400 * NANOS_PER_SECOND;
        for text in [
            "2024-01-01T12:00:00.000Z",
            "2024-01-01T12:00:00Z",
            "2024-01-01 12:00:00",
            "2024-01-01T12:00",
            "2024-01-01T12:00:00.000000000Z",
            "2024-01-01t12:00:00z",
            "2024-01-01T13:30:00+01:30",
            "2024-01-01 04:00:00-08",
        ] {
            assert_eq!(at(text), Some(noon), "{text}");
        }
        assert_eq!(at("2024-01-01"), Some(noon - NANOS_PER_DAY / 2));
        assert_eq!(at("1970-01-01T00:00:00.001Z"), Some(1_000_000));
        assert_eq!(at("1969-12-31T23:59:59Z"), Some(-NANOS_PER_SECOND));
        assert_eq!(at("9999-12-31"), Some(253_402_214_400 * NANOS_PER_SECOND));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "2024",
            "2024-13-01",
            "2024-02-30",
            "2023-02-29",
            "2024-00-10",
            "2024-01-00",
            "2024-01-01T24:00:00Z",
            "2024-01-01T12:60:00Z",
            "2024-01-31T23:59:60.000Z",
            "2024-01-31 23:59:60",
            "2024-01-31T235960+01:00",
            "2024-01-01T12:00:00.00xZ",
            "2024-01-01T12:00:00[Europe/Berlin]",
            "1704110400",
            "2024-01-0\u{663}",
        ] {
            assert_eq!(at(text), None, "{text}");
        }
    }

    #[test]
    fn instants_that_no_date_names_are_neither_written_nor_read() {
        for nanos in [i128::MIN, i128::MAX, FIRST_INSTANT - 1, LAST_INSTANT + 1] {
            let mut text = Vec::new();
            assert!(!push_instant(nanos, &mut text), "{nanos}");
            assert!(text.is_empty() && civil(nanos).is_none(), "{nanos}");
        }
        for (nanos, expected) in [
            (FIRST_INSTANT, "-009999-01-01T00:00:00.000Z"),
            (LAST_INSTANT, "9999-12-31T23:59:59.999999999Z"),
        ] {
            let mut text = Vec::new();
            assert!(push_instant(nanos, &mut text) && civil(nanos).is_some(), "{nanos}");
            assert_eq!(text, expected.as_bytes());
            assert_eq!(instant(&text), Some(nanos));
        }
        for text in ["9999-12-31T23:59:59-00:01", "-009999-01-01T00:00:00+00:01"] {
            assert_eq!(at(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn digit_arithmetic_agrees_with_jiff(
            year in 0..=9999u32, month in 0..=13u32, day in 0..=32u32,
            hour in 0..=25u32, minute in 0..=61u32, second in 0..=61u32, millis in 0..=999u32,
        ) {
            let date = format!("{year:04}-{month:02}-{day:02}");
            let clock = format!("{date}T{hour:02}:{minute:02}:{second:02}");
            for text in [format!("{clock}.{millis:03}Z"), format!("{clock}Z"), date] {
                let fast = instant_of_usual_form(text.as_bytes());
                let slow = instant_of_any_form(text.as_bytes());
                // A leap second is left to jiff.
                prop_assert!(fast == slow, "{}", text);
                if let Some(nanos_of_text) = slow {
                    prop_assert_eq!(civil(nanos_of_text).map(nanos), Some(nanos_of_text));
                }
            }
        }

        #[test]
        fn what_is_written_reads_back(
            nanos in prop_oneof![
                FIRST_INSTANT..=LAST_INSTANT,
                (-62_167_219_200_000..253_402_300_800_000i128).prop_map(|ms| ms * 1_000_000),
            ],
        ) {
            let mut text = Vec::new();
            prop_assert!(push_instant(nanos, &mut text));
            prop_assert_eq!(instant(&text), Some(nanos), "{:?}", text);
        }

        #[test]
        fn odd_bytes_never_read_differently(text in "[0-9TZ:.+ -]{0,25}") {
            if let Some(fast) = instant_of_usual_form(text.as_bytes()) {
                prop_assert_eq!(instant_of_any_form(text.as_bytes()), Some(fast));
            }
        }
    }
}
