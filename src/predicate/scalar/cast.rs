//! CAST: a value of one type as one of another. What can't be is NULL, as with `TRY_CAST`.

use super::super::decimal::Decimal;
use super::super::read::{self, NumberReading};
use super::calendar::instant_text;
use super::tree::CastTarget;
use super::value::{ScalarType, ScalarValue, date_text, finite};
use crate::values::time::NANOS_PER_DAY;

/// Whether there is such a cast at all.
pub(super) fn is_allowed(from: ScalarType, to: CastTarget) -> bool {
    match (from, to) {
        (ScalarType::Null | ScalarType::Text, _) => true,
        (ScalarType::Interval, _) => false,
        (from, to) if from == to.value_type() => true,
        (_, CastTarget::Text) => true,
        (from, CastTarget::Boolean) => from.is_number(),
        (from, CastTarget::Integer | CastTarget::Decimal(..) | CastTarget::Double) => {
            from.is_number() || from == ScalarType::Boolean
        }
        (from, CastTarget::Instant | CastTarget::Date) => from.is_date(),
    }
}

pub(super) fn cast(value: ScalarValue<'_>, to: CastTarget) -> Option<ScalarValue<'_>> {
    match to {
        CastTarget::Text => text(value),
        CastTarget::Integer => integer(&value).map(ScalarValue::Integer),
        CastTarget::Decimal(digits, scale) => {
            decimal(&value, digits, scale).map(ScalarValue::Decimal)
        }
        CastTarget::Double => double(&value),
        CastTarget::Instant => instant(&value).map(ScalarValue::Instant),
        CastTarget::Date => {
            let days = instant(&value)?.div_euclid(NANOS_PER_DAY);
            i64::try_from(days).ok().map(ScalarValue::Date)
        }
        CastTarget::Boolean => boolean(&value).map(ScalarValue::Boolean),
    }
}

fn text(value: ScalarValue<'_>) -> Option<ScalarValue<'_>> {
    Some(ScalarValue::text(match value {
        ScalarValue::Text(_) => return Some(value),
        ScalarValue::Integer(number) => number.to_string().into_bytes(),
        ScalarValue::Decimal(number) => number.to_string().into_bytes(),
        ScalarValue::Double(number) => double_text(number).into_bytes(),
        ScalarValue::Instant(at) => instant_text(at)?,
        ScalarValue::Date(day) => date_text(day)?.into_bytes(),
        ScalarValue::Boolean(true) => b"true".to_vec(),
        ScalarValue::Boolean(false) => b"false".to_vec(),
        ScalarValue::Interval(_) => return None,
    }))
}

/// With an exponent, as Athena writes it: `1.5E3`, `1.0E0`.
fn double_text(number: f64) -> String {
    let text = format!("{number:E}");
    if text.contains('.') { text } else { text.replacen('E', ".0E", 1) }
}

fn integer(value: &ScalarValue<'_>) -> Option<i64> {
    /// 2^63, the first double past the whole numbers.
    const PAST: f64 = 9_223_372_036_854_775_808.0;
    match value {
        ScalarValue::Text(text) => i64::try_from(NumberReading::Integer.number_of_text(text)?).ok(),
        ScalarValue::Integer(number) => Some(*number),
        ScalarValue::Decimal(number) => i64::try_from(number.rounded(0)?.floor()).ok(),
        ScalarValue::Double(number) => {
            let rounded = number.round();
            (-PAST..PAST).contains(&rounded).then_some(rounded as i64)
        }
        ScalarValue::Boolean(truth) => Some(i64::from(*truth)),
        _ => None,
    }
}

fn decimal(value: &ScalarValue<'_>, digits: u32, scale: u32) -> Option<Decimal> {
    let exact = match value {
        ScalarValue::Text(text) => Decimal::parse(std::str::from_utf8(text).ok()?.trim())?,
        ScalarValue::Double(number) => decimal_of(*number)?,
        ScalarValue::Boolean(truth) => Decimal::new(i128::from(*truth), 0)?,
        number => number.decimal()?,
    };
    let rounded = exact.rounded(scale)?;
    let whole_digits = digits.checked_sub(scale)?;
    let limit = Decimal::new(10i128.checked_pow(whole_digits)?, 0);
    let fits = limit
        .is_none_or(|limit| rounded.order(limit).is_lt() && rounded.order(limit.negated()).is_gt());
    fits.then_some(rounded)
}

/// The decimal with the digits that a double shows.
pub(super) fn decimal_of(number: f64) -> Option<Decimal> {
    Decimal::parse(&format!("{number:e}"))
}

fn double<'v>(value: &ScalarValue<'_>) -> Option<ScalarValue<'v>> {
    match value {
        ScalarValue::Text(text) => {
            let text = std::str::from_utf8(text).ok()?.trim();
            // Rust also reads "inf" and "nan".
            let plain = text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
            finite(text.parse().ok().filter(|_| plain)?)
        }
        ScalarValue::Boolean(truth) => finite(f64::from(u8::from(*truth))),
        number => finite(number.double()?),
    }
}

fn instant(value: &ScalarValue<'_>) -> Option<i128> {
    match value {
        ScalarValue::Text(text) => NumberReading::Instant.number_of_text(text),
        other => other.instant(),
    }
}

fn boolean(value: &ScalarValue<'_>) -> Option<bool> {
    match value {
        ScalarValue::Text(text) => read::flag(text),
        ScalarValue::Boolean(truth) => Some(*truth),
        ScalarValue::Integer(number) => Some(*number != 0),
        ScalarValue::Decimal(number) => Some(number.parts().0 != 0),
        ScalarValue::Double(number) => Some(*number != 0.0),
        _ => None,
    }
}

/// The type that is written, and the length of a VARCHAR that has one.
pub(super) fn cast_target(written: &str) -> Option<(CastTarget, Option<i64>)> {
    let upper = written.to_ascii_uppercase();
    let (name, arguments) = match upper.split_once('(') {
        Some((name, rest)) => (name.trim(), rest.strip_suffix(')')?),
        None => (upper.as_str(), ""),
    };
    let numbers: Vec<&str> =
        if arguments.is_empty() { Vec::new() } else { arguments.split(',').collect() };
    let to = match (name, numbers.as_slice()) {
        ("DECIMAL" | "NUMERIC" | "DEC", numbers) => {
            let digits = match numbers.first() {
                Some(digits) => digits.trim().parse().ok()?,
                None => 38,
            };
            let scale = match numbers.get(1) {
                Some(scale) => scale.trim().parse().ok()?,
                None => 0,
            };
            // The bounds of our decimals: 36 digits, 18 of them after the point.
            if numbers.len() > 2 || scale > 18 || scale > digits || digits > 38 {
                return None;
            }
            CastTarget::Decimal(digits.min(36), scale)
        }
        ("VARCHAR" | "CHARACTER VARYING", [length]) => {
            return Some((CastTarget::Text, Some(length.trim().parse().ok()?)));
        }
        ("VARCHAR" | "TEXT" | "STRING" | "CHARACTER VARYING", []) => CastTarget::Text,
        ("INT" | "INTEGER" | "BIGINT" | "SMALLINT" | "TINYINT" | "INT8", []) => CastTarget::Integer,
        ("FLOAT" | "REAL" | "DOUBLE" | "DOUBLE PRECISION", []) => CastTarget::Double,
        (
            "TIMESTAMP"
            | "TIMESTAMPTZ"
            | "DATETIME"
            | "TIMESTAMP WITH TIME ZONE"
            | "TIMESTAMP WITHOUT TIME ZONE",
            [] | [_],
        ) => CastTarget::Instant,
        ("DATE", []) => CastTarget::Date,
        ("BOOL" | "BOOLEAN", []) => CastTarget::Boolean,
        _ => return None,
    };
    Some((to, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_change_their_types_or_are_null() {
        let text = ScalarValue::text;
        for (value, to, result) in [
            (text("-12"), CastTarget::Integer, "-12"),
            (text("1.5"), CastTarget::Integer, "NULL"),
            (text("9223372036854775808"), CastTarget::Integer, "NULL"),
            (text(" 1.5 "), CastTarget::Double, "1.5e0"),
            (text("nan"), CastTarget::Double, "NULL"),
            (text("1e999"), CastTarget::Double, "NULL"),
            (text("2.345"), CastTarget::Decimal(10, 2), "2.35"),
            (text("100"), CastTarget::Decimal(4, 2), "NULL"),
            (text("99.99"), CastTarget::Decimal(4, 2), "99.99"),
            (text("2024-01-31"), CastTarget::Date, "DATE '2024-01-31'"),
            (text("2024-01-31 10:00"), CastTarget::Instant, "TIMESTAMP '2024-01-31T10:00:00Z'"),
            (text("soon"), CastTarget::Instant, "NULL"),
            (text("TRUE"), CastTarget::Boolean, "TRUE"),
            (ScalarValue::Integer(2), CastTarget::Boolean, "TRUE"),
            (ScalarValue::Double(2.5), CastTarget::Integer, "3"),
            (ScalarValue::Double(-2.5), CastTarget::Integer, "-3"),
            (ScalarValue::Double(1e19), CastTarget::Integer, "NULL"),
            (ScalarValue::Double(1.0), CastTarget::Text, "'1.0E0'"),
            (ScalarValue::Double(1500.0), CastTarget::Text, "'1.5E3'"),
            (ScalarValue::Instant(1_000_000), CastTarget::Text, "'1970-01-01T00:00:00.001Z'"),
            (ScalarValue::Instant(-1), CastTarget::Date, "DATE '1969-12-31'"),
            (ScalarValue::Boolean(true), CastTarget::Integer, "1"),
        ] {
            let shown = cast(value.clone(), to).map_or("NULL".to_owned(), |v| v.to_string());
            assert_eq!(shown, result, "{value:?} {to}");
        }
    }
}
