//! Typed values as reports write them: one reading for predicates, rules and totals.
//!
//! What is neither empty nor of its column's type can't be read. It counts as NULL, but never
//! without a word (see [`super`], "Values that can't be read").

use crate::report::ColumnKind;
use crate::values::time;

/// How a field is read as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberReading {
    Integer,
    /// Nanoseconds since 1970.
    Instant,
}

impl NumberReading {
    #[inline]
    pub(super) fn number(self, field: &[u8]) -> Option<i128> {
        match self {
            Self::Integer => integer(field),
            Self::Instant => time::instant(field),
        }
    }

    /// As [`NumberReading::number`], of a text that is cast: a date may have spaces around it.
    #[inline]
    pub(super) fn number_of_text(self, text: &[u8]) -> Option<i128> {
        match self {
            Self::Integer => integer(text),
            Self::Instant => time::instant(text.trim_ascii()),
        }
    }
}

/// Whether a field is empty, or of the type of a column of this kind. Any field is text.
#[must_use]
pub fn is_readable(kind: ColumnKind, field: &[u8]) -> bool {
    field.is_empty()
        || match kind {
            ColumnKind::Integer => integer(field).is_some(),
            ColumnKind::Timestamp => time::instant(field).is_some(),
            ColumnKind::Boolean => flag(field).is_some(),
            ColumnKind::Text | ColumnKind::Key | ColumnKind::Token | ColumnKind::Acl => true,
        }
}

/// `true` and `false` in any case; anything else is NULL.
#[inline]
#[must_use]
pub fn flag(field: &[u8]) -> Option<bool> {
    if field.eq_ignore_ascii_case(b"true") {
        Some(true)
    } else if field.eq_ignore_ascii_case(b"false") {
        Some(false)
    } else {
        None
    }
}

/// A whole number with an optional sign that 64 bits with a sign hold, as in SQL's BIGINT; anything
/// else is NULL. A fast test, a computed value and a total read no other numbers.
#[inline]
#[must_use]
pub fn integer(field: &[u8]) -> Option<i128> {
    let (negative, digits) = match field {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let mut number: u64 = 0;
    // Eighteen digits always fit, and no size has more.
    let is_short = digits.len() <= 18;
    if is_short {
        for digit in digits {
            let value = digit.wrapping_sub(b'0');
            if value > 9 {
                return None;
            }
            number = number * 10 + u64::from(value);
        }
    } else {
        for digit in digits {
            let value = digit.wrapping_sub(b'0');
            if value > 9 {
                return None;
            }
            number = number.checked_mul(10)?.checked_add(u64::from(value))?;
        }
    }
    let number = (!digits.is_empty()).then_some(i128::from(number))?;
    let number = if negative { -number } else { number };
    (is_short || i64::try_from(number).is_ok()).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_whole_signed_and_bounded() {
        for (field, number) in [
            ("0", Some(0)),
            ("9223372036854775807", Some(i128::from(i64::MAX))),
            ("-9223372036854775808", Some(i128::from(i64::MIN))),
            ("9223372036854775808", None),
            ("-9223372036854775809", None),
            ("18446744073709551615", None),
            ("00000000000000000000000007", Some(7)),
            ("+5", Some(5)),
            ("18446744073709551616", None),
            ("", None),
            ("-", None),
            ("1.0", None),
            (" 1", None),
            ("1e3", None),
        ] {
            assert_eq!(integer(field.as_bytes()), number, "{field}");
        }
    }

    #[test]
    fn what_is_not_of_its_kind_is_unreadable() {
        use ColumnKind::{Boolean, Integer, Key, Text, Timestamp, Token};
        for (kind, good, bad) in [
            (Integer, &["", "0", "+1000", "007", "-1"][..], &["1.0E3", " 1", "1000.0", "1_0"][..]),
            (
                Timestamp,
                &["", "2024-01-31", "2024-01-31T12:30:59.000Z", "2024-01-31 12:30:59"],
                &["1704110400000", "Wed, 31 Jan 2024 12:30:59 GMT", "2024-01-31 12:30:59 UTC"],
            ),
            (Boolean, &["", "true", "FALSE", "True"], &["1", "0", "t", "yes", " true"]),
            (Text, &["", "1", " "], &[]),
            (Key, &["", "%zz"], &[]),
            (Token, &["", "?"], &[]),
        ] {
            assert!(good.iter().all(|field| is_readable(kind, field.as_bytes())), "{kind:?}");
            assert!(!bad.iter().any(|field| is_readable(kind, field.as_bytes())), "{kind:?}");
        }
    }
}
