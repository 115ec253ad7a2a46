//! Functions of dates and timestamps. All calendars are UTC.

use jiff::Span;
use jiff::civil::{Date, DateTime};

use super::function::{DatePart, DateUnit, Function};
use super::value::{CalendarInterval, ScalarValue};
use crate::values::time::{self, NANOS_PER_DAY};

const NANOS_PER_SECOND: i128 = 1_000_000_000;

/// A function whose first argument is a date or a timestamp.
pub(super) fn apply<'v>(
    function: Function,
    of: &ScalarValue<'_>,
    second: Option<ScalarValue<'_>>,
) -> Option<ScalarValue<'v>> {
    let at = of.instant()?;
    match (function, second) {
        (Function::Plus, Some(ScalarValue::Interval(interval))) => shifted(of, interval),
        (Function::Minus, Some(ScalarValue::Interval(interval))) => shifted(of, interval.negated()),
        (Function::Part(part), _) => Some(ScalarValue::Integer(number_of(part, time::civil(at)?))),
        (Function::Truncate(unit), _) => same_type(of, truncated(unit, at)?),
        (Function::Difference(unit), Some(to)) => {
            difference(unit, at, to.instant()?).map(ScalarValue::Integer)
        }
        // Seconds and their thousandths, as a double of the milliseconds.
        (Function::ToUnixTime, _) => {
            Some(ScalarValue::Double(at.div_euclid(1_000_000) as f64 / 1000.0))
        }
        (Function::ToIso8601, _) => match of {
            ScalarValue::Date(day) => super::value::date_text(*day).map(ScalarValue::text),
            _ => Some(ScalarValue::text(instant_text(at)?)),
        },
        _ => None,
    }
}

/// A timestamp as reports write it; `None` for a year that has not four digits.
pub(super) fn instant_text(at: i128) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    let is_written = time::push_instant(at, &mut text) && !text.starts_with(b"-");
    is_written.then_some(text)
}

/// `date_add(unit, number, to)`: a day that is added to stays a day, unless it gets a time.
pub(super) fn add<'v>(
    unit: DateUnit,
    number: i64,
    to: &ScalarValue<'_>,
) -> Option<ScalarValue<'v>> {
    if let Some(months) = months_of(unit) {
        return shifted(to, CalendarInterval { months: number.checked_mul(months)?, seconds: 0 });
    }
    let moved = to.instant()?.checked_add(nanos_of(unit)?.checked_mul(i128::from(number))?)?;
    let moved = in_range(moved)?;
    match to {
        ScalarValue::Date(_) if unit.is_whole_days() => date_of(moved),
        _ => Some(ScalarValue::Instant(moved)),
    }
}

/// Seconds since 1970, with a fraction down to milliseconds.
pub(super) fn from_unix_time<'v>(seconds: &ScalarValue<'_>) -> Option<ScalarValue<'v>> {
    let at = match seconds {
        ScalarValue::Integer(seconds) => i128::from(*seconds).checked_mul(NANOS_PER_SECOND)?,
        other => {
            let millis = (other.double()? * 1000.0).round();
            (millis.abs() < 1e18).then_some(millis as i128)?.checked_mul(1_000_000)?
        }
    };
    in_range(at).map(ScalarValue::Instant)
}

/// Only years from -9999 to 9999.
fn in_range(at: i128) -> Option<i128> {
    time::civil(at).map(|_| at)
}

fn date_of<'v>(at: i128) -> Option<ScalarValue<'v>> {
    i64::try_from(at.div_euclid(NANOS_PER_DAY)).ok().map(ScalarValue::Date)
}

/// A value of the type of another.
fn same_type<'v>(of: &ScalarValue<'_>, at: i128) -> Option<ScalarValue<'v>> {
    match of {
        ScalarValue::Date(_) => date_of(at),
        _ => Some(ScalarValue::Instant(at)),
    }
}

/// Months first, then the rest; the last of a month where there is no such day.
fn shifted<'v>(of: &ScalarValue<'_>, by: CalendarInterval) -> Option<ScalarValue<'v>> {
    let mut at = of.instant()?;
    if by.months != 0 {
        let months = Span::new().try_months(by.months).ok()?;
        at = time::nanos(time::civil(at)?.checked_add(months).ok()?);
    }
    let moved = at.checked_add(i128::from(by.seconds).checked_mul(NANOS_PER_SECOND)?)?;
    let moved = in_range(moved)?;
    match of {
        ScalarValue::Date(_) if by.is_whole_days() => date_of(moved),
        _ => Some(ScalarValue::Instant(moved)),
    }
}

fn number_of(part: DatePart, utc: DateTime) -> i64 {
    let date = utc.date();
    match part {
        DatePart::Year => date.year().into(),
        DatePart::Quarter => (i64::from(date.month()) - 1) / 3 + 1,
        DatePart::Month => date.month().into(),
        DatePart::Week => date.iso_week_date().week().into(),
        DatePart::Day => date.day().into(),
        DatePart::DayOfWeek => date.weekday().to_monday_one_offset().into(),
        DatePart::DayOfYear => date.day_of_year().into(),
        DatePart::Hour => utc.hour().into(),
        DatePart::Minute => utc.minute().into(),
        DatePart::Second => utc.second().into(),
    }
}

/// The beginning of the unit that an instant lies in; weeks begin on Mondays.
fn truncated(unit: DateUnit, at: i128) -> Option<i128> {
    let nanos = match unit {
        DateUnit::Week => {
            // 1970 began on a Thursday.
            let days = at.div_euclid(NANOS_PER_DAY);
            return Some((days - (days + 3).rem_euclid(7)) * NANOS_PER_DAY);
        }
        DateUnit::Month | DateUnit::Quarter | DateUnit::Year => {
            let date = time::civil(at)?.date();
            let month = match unit {
                DateUnit::Month => date.month(),
                DateUnit::Quarter => (date.month() - 1) / 3 * 3 + 1,
                _ => 1,
            };
            let first = Date::new(date.year(), month, 1).ok()?;
            return Some(time::nanos(first.to_datetime(jiff::civil::Time::midnight())));
        }
        other => nanos_of(other)?,
    };
    Some(at.div_euclid(nanos) * nanos)
}

fn months_of(unit: DateUnit) -> Option<i64> {
    match unit {
        DateUnit::Month => Some(1),
        DateUnit::Quarter => Some(3),
        DateUnit::Year => Some(12),
        _ => None,
    }
}

/// `None` for units that have no fixed length.
fn nanos_of(unit: DateUnit) -> Option<i128> {
    Some(match unit {
        DateUnit::Millisecond => 1_000_000,
        DateUnit::Second => NANOS_PER_SECOND,
        DateUnit::Minute => 60 * NANOS_PER_SECOND,
        DateUnit::Hour => 3600 * NANOS_PER_SECOND,
        DateUnit::Day => NANOS_PER_DAY,
        DateUnit::Week => 7 * NANOS_PER_DAY,
        DateUnit::Month | DateUnit::Quarter | DateUnit::Year => return None,
    })
}

/// How many whole units lie between two instants; negative where the second is the earlier.
fn difference(unit: DateUnit, from: i128, to: i128) -> Option<i64> {
    if to < from {
        return difference(unit, to, from)?.checked_neg();
    }
    if let Some(nanos) = nanos_of(unit) {
        return i64::try_from((to - from) / nanos).ok();
    }
    let (start, end) = (time::civil(from)?, time::civil(to)?);
    let months = (i64::from(end.year()) - i64::from(start.year())) * 12
        + (i64::from(end.month()) - i64::from(start.month()));
    let reached = start.checked_add(Span::new().try_months(months).ok()?).ok();
    let whole = if reached.is_none_or(|reached| reached > end) { months - 1 } else { months };
    Some(whole / months_of(unit)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> ScalarValue<'static> {
        ScalarValue::Instant(time::instant(text.as_bytes()).unwrap())
    }

    fn shown(value: Option<ScalarValue<'_>>) -> String {
        value.map_or("NULL".to_owned(), |value| value.to_string())
    }

    #[test]
    fn differences_are_whole_units() {
        for (unit, from, to, result) in [
            (DateUnit::Day, "2024-01-01T12:00:00Z", "2024-01-03T11:59:59Z", "1"),
            (DateUnit::Day, "2024-01-03T11:59:59Z", "2024-01-01T12:00:00Z", "-1"),
            (DateUnit::Month, "2024-01-31", "2024-02-29", "1"),
            (DateUnit::Month, "2024-01-31T01:00:00Z", "2024-02-29", "0"),
            (DateUnit::Month, "2024-02-29", "2024-01-31", "-1"),
            (DateUnit::Year, "2023-12-31", "2024-12-30", "0"),
            (DateUnit::Quarter, "2024-01-01", "2024-12-31", "3"),
            (DateUnit::Week, "2024-01-01", "2024-01-15", "2"),
            (DateUnit::Hour, "2024-01-01", "2024-01-02", "24"),
        ] {
            let got = apply(Function::Difference(unit), &at(from), Some(at(to)));
            assert_eq!(shown(got), result, "{unit:?} {from} {to}");
        }
    }

    #[test]
    fn dates_are_cut_to_units_and_told_in_parts() {
        let moment = at("2024-05-15T13:14:15.678Z");
        for (unit, result) in [
            (DateUnit::Second, "2024-05-15T13:14:15"),
            (DateUnit::Hour, "2024-05-15T13:00:00"),
            (DateUnit::Day, "2024-05-15T00:00:00"),
            (DateUnit::Week, "2024-05-13T00:00:00"),
            (DateUnit::Quarter, "2024-04-01T00:00:00"),
            (DateUnit::Year, "2024-01-01T00:00:00"),
        ] {
            let got = shown(apply(Function::Truncate(unit), &moment, None));
            assert_eq!(got, format!("TIMESTAMP '{result}Z'"));
        }
        for (part, number) in [
            (DatePart::Year, "2024"),
            (DatePart::Quarter, "2"),
            (DatePart::Week, "20"),
            (DatePart::DayOfWeek, "3"),
            (DatePart::DayOfYear, "136"),
            (DatePart::Second, "15"),
        ] {
            assert_eq!(shown(apply(Function::Part(part), &moment, None)), number);
        }
    }

    #[test]
    fn units_are_added_by_the_calendar() {
        let leap = ScalarValue::Date(19_782);
        assert_eq!(shown(add(DateUnit::Year, 1, &leap)), "DATE '2025-02-28'");
        assert_eq!(shown(add(DateUnit::Week, -1, &leap)), "DATE '2024-02-22'");
        assert_eq!(shown(add(DateUnit::Hour, 1, &leap)), "TIMESTAMP '2024-02-29T01:00:00Z'");
        assert_eq!(shown(add(DateUnit::Year, 9999, &leap)), "NULL");
        assert_eq!(shown(add(DateUnit::Second, i64::MAX, &leap)), "NULL");
    }

    #[test]
    fn unix_times_have_milliseconds() {
        let value = from_unix_time(&ScalarValue::Double(1.0005));
        assert_eq!(shown(value), "TIMESTAMP '1970-01-01T00:00:01.001Z'");
        assert_eq!(shown(from_unix_time(&ScalarValue::Integer(i64::MAX))), "NULL");
        let back = apply(Function::ToUnixTime, &at("1970-01-01T00:00:01.5Z"), None);
        assert_eq!(shown(back), "1.5e0");
    }
}
