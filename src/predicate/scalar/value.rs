//! Values of computed expressions: their types, how they compare, and how they are written.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use super::super::column_test::{Instant, literal};
use super::super::decimal::Decimal;
use crate::values::time;

/// Bytes of a text while it is computed: as long as a record can be. A longer result is NULL, so
/// that `replace` inside `replace` can't take all memory.
pub(super) const TEXT_BYTES_MAX: usize = 1 << 20;

/// A value that is not NULL; NULL is the absence of one.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::predicate) enum ScalarValue<'v> {
    /// Any bytes: keys need not be UTF-8.
    Text(Cow<'v, [u8]>),
    Integer(i64),
    Decimal(Decimal),
    /// Always finite.
    Double(f64),
    /// Nanoseconds since 1970 in UTC.
    Instant(i128),
    /// Days since 1970.
    Date(i64),
    Boolean(bool),
    Interval(CalendarInterval),
}

/// Months and a length of time: a month has no fixed length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::predicate) struct CalendarInterval {
    pub(super) months: i64,
    pub(super) seconds: i64,
}

/// The type of a computed expression, known before any row is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::predicate) enum ScalarType {
    /// Of NULL alone: it fits every type.
    Null,
    Text,
    Integer,
    Decimal,
    Double,
    Instant,
    Date,
    Boolean,
    Interval,
}

impl ScalarType {
    /// As it is called in a message.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Text => "text",
            Self::Integer => "a whole number",
            Self::Decimal => "a decimal number",
            Self::Double => "a floating-point number",
            Self::Instant => "a timestamp",
            Self::Date => "a date",
            Self::Boolean => "true or false",
            Self::Interval => "an interval",
        }
    }

    pub(super) fn is_number(self) -> bool {
        matches!(self, Self::Integer | Self::Decimal | Self::Double)
    }

    pub(super) fn is_date(self) -> bool {
        matches!(self, Self::Instant | Self::Date)
    }

    /// The type that holds values of both; `None` where there is none.
    pub(super) fn common(self, other: Self) -> Option<Self> {
        use ScalarType::{Date, Decimal, Double, Instant, Integer, Null};
        Some(match (self, other) {
            (a, b) if a == b => a,
            (Null, other) | (other, Null) => other,
            (Double, Integer | Decimal) | (Integer | Decimal, Double) => Double,
            (Decimal, Integer) | (Integer, Decimal) => Decimal,
            (Date, Instant) | (Instant, Date) => Instant,
            _ => return None,
        })
    }
}

impl<'v> ScalarValue<'v> {
    pub(super) fn value_type(&self) -> ScalarType {
        match self {
            Self::Text(_) => ScalarType::Text,
            Self::Integer(_) => ScalarType::Integer,
            Self::Decimal(_) => ScalarType::Decimal,
            Self::Double(_) => ScalarType::Double,
            Self::Instant(_) => ScalarType::Instant,
            Self::Date(_) => ScalarType::Date,
            Self::Boolean(_) => ScalarType::Boolean,
            Self::Interval(_) => ScalarType::Interval,
        }
    }

    pub(super) fn text(bytes: impl Into<Vec<u8>>) -> Self {
        Self::Text(Cow::Owned(bytes.into()))
    }

    /// Without what it borrowed.
    pub(super) fn into_owned(self) -> ScalarValue<'static> {
        match self {
            Self::Text(text) => ScalarValue::Text(Cow::Owned(text.into_owned())),
            Self::Integer(number) => ScalarValue::Integer(number),
            Self::Decimal(number) => ScalarValue::Decimal(number),
            Self::Double(number) => ScalarValue::Double(number),
            Self::Instant(at) => ScalarValue::Instant(at),
            Self::Date(day) => ScalarValue::Date(day),
            Self::Boolean(truth) => ScalarValue::Boolean(truth),
            Self::Interval(interval) => ScalarValue::Interval(interval),
        }
    }

    /// The same value without a copy of its text.
    pub(super) fn borrowed(&'v self) -> Self {
        match self {
            Self::Text(text) => Self::Text(Cow::Borrowed(text)),
            other => other.clone(),
        }
    }

    pub(super) fn into_text(self) -> Option<Cow<'v, [u8]>> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(super) fn integer(&self) -> Option<i64> {
        if let Self::Integer(number) = self { Some(*number) } else { None }
    }

    pub(super) fn boolean(&self) -> Option<bool> {
        if let Self::Boolean(truth) = self { Some(*truth) } else { None }
    }

    /// A number as a decimal; `None` for a double, and for what is not a number.
    pub(super) fn decimal(&self) -> Option<Decimal> {
        match self {
            Self::Integer(number) => Decimal::new(i128::from(*number), 0),
            Self::Decimal(number) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn double(&self) -> Option<f64> {
        match self {
            Self::Integer(number) => Some(*number as f64),
            Self::Decimal(number) => Some(number.to_double()),
            Self::Double(number) => Some(*number),
            _ => None,
        }
    }

    /// A date as its first instant.
    pub(super) fn instant(&self) -> Option<i128> {
        match self {
            Self::Instant(at) => Some(*at),
            Self::Date(day) => Some(i128::from(*day) * time::NANOS_PER_DAY),
            _ => None,
        }
    }

    /// `None` where two types have no order between them; the typed tree has no such comparison.
    pub(in crate::predicate) fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            (Self::Boolean(a), Self::Boolean(b)) => Some(a.cmp(b)),
            (Self::Integer(a), Self::Integer(b)) => Some(a.cmp(b)),
            (Self::Double(_), _) | (_, Self::Double(_)) => {
                self.double()?.partial_cmp(&other.double()?)
            }
            (Self::Instant(_) | Self::Date(_), _) => Some(self.instant()?.cmp(&other.instant()?)),
            _ => Some(self.decimal()?.order(other.decimal()?)),
        }
    }
}

/// A finite double, or NULL.
pub(super) fn finite<'v>(number: f64) -> Option<ScalarValue<'v>> {
    number.is_finite().then_some(ScalarValue::Double(number))
}

/// The value as SQL writes it, so that it reads back as the same value.
impl fmt::Display for ScalarValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(&literal(&String::from_utf8_lossy(text))),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Decimal(number) if number.is_whole() => write!(f, "{number}.0"),
            Self::Decimal(number) => write!(f, "{number}"),
            Self::Double(number) => write!(f, "{number:e}"),
            Self::Instant(at) => write!(f, "TIMESTAMP {}", Instant(*at)),
            Self::Date(day) => match date_text(*day) {
                Some(text) => write!(f, "DATE '{text}'"),
                None => write!(f, "DATE '{day} days'"),
            },
            Self::Boolean(true) => f.write_str("TRUE"),
            Self::Boolean(false) => f.write_str("FALSE"),
            Self::Interval(interval) => write!(f, "{interval}"),
        }
    }
}

/// `2024-01-31`; `None` outside the years that can be written.
pub(super) fn date_text(day: i64) -> Option<String> {
    let at = time::civil(i128::from(day) * time::NANOS_PER_DAY)?;
    Some(at.date().to_string())
}

impl CalendarInterval {
    pub(super) fn negated(self) -> Self {
        Self { months: -self.months, seconds: -self.seconds }
    }

    pub(super) fn is_negative(self) -> bool {
        self.months < 0 || self.seconds < 0
    }

    pub(super) fn is_whole_days(self) -> bool {
        self.seconds % 86_400 == 0
    }
}

impl fmt::Display for CalendarInterval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.months, self.seconds) {
            (0, seconds) if seconds != 0 && seconds % 86_400 == 0 => {
                write!(f, "INTERVAL '{} days'", seconds / 86_400)
            }
            (0, seconds) => write!(f, "INTERVAL '{seconds} seconds'"),
            (months, 0) => write!(f, "INTERVAL '{months} months'"),
            (months, seconds) => write!(f, "INTERVAL '{months} months {seconds} seconds'"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_all_types_have_one_order() {
        let decimal = |text| ScalarValue::Decimal(Decimal::parse(text).unwrap());
        let order = |a: ScalarValue<'_>, b: ScalarValue<'_>| a.order(&b);
        assert_eq!(order(ScalarValue::Integer(2), decimal("1.5")), Some(Ordering::Greater));
        assert_eq!(order(decimal("-1.5"), ScalarValue::Integer(-1)), Some(Ordering::Less));
        assert_eq!(order(decimal("0.5"), ScalarValue::Double(0.5)), Some(Ordering::Equal));
        assert_eq!(
            order(decimal("999999999999999999999999999999999999"), decimal("0.000000000000000001")),
            Some(Ordering::Greater)
        );
        assert_eq!(order(ScalarValue::Integer(1), ScalarValue::text("1")), None);
    }

    #[test]
    fn literals_show_their_type() {
        for (value, shown) in [
            (ScalarValue::text("it's"), "'it''s'"),
            (ScalarValue::Integer(-5), "-5"),
            (ScalarValue::Decimal(Decimal::parse("2.0").unwrap()), "2.0"),
            (ScalarValue::Double(1500.0), "1.5e3"),
            (ScalarValue::Date(19_723), "DATE '2024-01-01'"),
            (ScalarValue::Boolean(true), "TRUE"),
            (
                ScalarValue::Interval(CalendarInterval { months: 0, seconds: 172_800 }),
                "INTERVAL '2 days'",
            ),
        ] {
            assert_eq!(value.to_string(), shown);
        }
    }
}
