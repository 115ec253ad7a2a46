//! Values of arguments: numbers, sizes, dates, names.

use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::{PathBufValueParser, PossibleValuesParser, TypedValueParser};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::given;
use crate::operation::OperationKind;
use crate::units::{SizeError, parse_bytes, ungrouped};

/// A folder on this machine. An address in S3 is refused: as a path it would be a folder `s3:`.
pub(super) fn local_folder() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| {
        let text = path.to_string_lossy();
        if text.get(..4).is_some_and(|begin| begin.eq_ignore_ascii_case("s3:/")) {
            return Err(
                "this command writes to a folder on this machine only; write it there, then copy \
                 it with `aws s3 cp --recursive`"
                    .to_owned(),
            );
        }
        given::out_fault(&path).map_or(Ok(path), Err)
    })
}

/// The names of all operations, for the help and for completion.
pub(super) fn operations() -> impl TypedValueParser<Value = OperationKind> {
    PossibleValuesParser::new(OperationKind::ALL.map(OperationKind::name))
        .try_map(|name| OperationKind::from_name(&name).ok_or("no such operation"))
}

/// A number that is not zero.
#[cfg(feature = "aws")]
pub(super) fn at_least_one(text: &str) -> Result<usize, String> {
    positive(text).map(NonZeroUsize::get)
}

pub(super) fn positive(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| format!("`{text}` is not a whole number from 1 on"))
}

/// A priority of jobs (API, `JobPriority`).
pub(super) fn priority(text: &str) -> Result<i32, String> {
    text.parse().ok().filter(|number| *number >= 0).ok_or_else(|| {
        format!(
            "`{text}` is not a priority: give a whole number from 0 to 2147483647; jobs with a \
             higher one run first"
        )
    })
}

/// A time in seconds, in whatever numbers.
#[cfg(feature = "aws")]
pub(super) fn seconds<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("`{text}` is not a number of seconds, such as 60"))
}

pub(super) fn size(text: &str) -> Result<u64, SizeError> {
    parse_bytes(text)
}

pub(super) fn objects(text: &str) -> Result<u64, String> {
    ungrouped(text)
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| format!("`{text}` is not a whole number, such as 1000000 or 1,000,000"))
}

/// A date, from its begin in UTC, or a time.
pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    let begin = |date: Date| TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0));
    text.parse::<Timestamp>()
        .or_else(|_| text.parse::<Date>().and_then(begin))
        .map_err(|_| format!("`{text}` is not a date, such as 2026-01-31 or 2026-01-31T14:00Z"))
}

/// A name in a list: a space behind the comma is not part of it.
pub(super) fn column_name(text: &str) -> Result<String, Infallible> {
    Ok(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_from_their_begin_in_utc() {
        let of = |text: &str| moment(text).map(|moment| moment.to_string());
        assert_eq!(of("2026-01-31"), Ok("2026-01-31T00:00:00Z".to_owned()));
        assert_eq!(of("2026-01-31T14:00Z"), Ok("2026-01-31T14:00:00Z".to_owned()));
        assert!(of("yesterday").is_err());
    }

    #[test]
    fn a_number_of_objects_has_no_decimal_comma() {
        for text in ["1,5", "1,5,000", "1,000_000", ",5", "5,", "1.5", "0,500"] {
            assert!(objects(text).is_err(), "{text}");
        }
    }

    #[test]
    fn counts_take_separators() {
        assert_eq!(objects("1,000,000"), Ok(1_000_000));
        assert_eq!(objects("1_000_000"), Ok(1_000_000));
        assert!(objects("1e6").is_err());
    }
}
