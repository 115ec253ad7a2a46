//! Sizes and counts as people write and read them: `5GiB`, `1,234,567`, `1.3 GB/s`.
//!
//! Never knows what is being measured.

use std::fmt;

/// A size that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a size: {remedy}")]
pub(crate) struct SizeError {
    text: String,
    remedy: String,
}

impl SizeError {
    fn of(text: &str) -> Self {
        let meant = with_point(text).filter(|meant| bytes_of(meant).is_some());
        let remedy = match meant {
            Some(meant) => format!("{THOUSANDS}; write {meant}"),
            None if text.contains(',') => THOUSANDS.to_owned(),
            None => "write a whole number of bytes or a number with a unit, such as 5368709120, \
                     512KiB, 5GiB or 1.5TB"
                .to_owned(),
        };
        Self { text: text.to_owned(), remedy }
    }
}

/// What is said of a comma that does not group digits.
pub(crate) const THOUSANDS: &str = "a comma is only read between thousands, as in 1,000";

/// Decimal and binary units; the longest spelling first, so that `KiB` is not read as `B`.
const UNITS: [(&str, u64); 15] = [
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
    ("pib", 1 << 50),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("pb", 1_000_000_000_000_000),
    ("k", 1 << 10),
    ("m", 1 << 20),
    ("g", 1 << 30),
    ("t", 1 << 40),
    ("b", 1),
];

/// Reads a size in bytes: digits, or a number with a unit (`5GiB`, `1.5 TB`, `64k`).
///
/// `KB MB GB TB PB` are powers of 1,000; `KiB MiB GiB TiB PiB` and the bare letters `k m g t` are
/// powers of 1,024. Case does not matter; digits are grouped as [`ungrouped`] says.
///
/// # Errors
/// When the text is not a number, the unit is unknown, or the result is not a whole number below
/// 2^64.
pub(crate) fn parse_bytes(text: &str) -> Result<u64, SizeError> {
    bytes_of(text).ok_or_else(|| SizeError::of(text))
}

fn bytes_of(text: &str) -> Option<u64> {
    let lower = text.trim().to_ascii_lowercase();
    let (number, factor) = UNITS
        .iter()
        .find_map(|(unit, factor)| lower.strip_suffix(unit).map(|rest| (rest.trim_end(), *factor)))
        .unwrap_or((lower.as_str(), 1));
    let number = ungrouped(number)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((&number, ""));
    // Nine digits after the point are finer than a byte of a gigabyte; more would overflow u128.
    if whole.is_empty() || fraction.len() > 9 || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let whole: u128 = whole.parse::<u64>().ok()?.into();
    let scale = 10u128.pow(u32::try_from(fraction.len()).ok()?);
    let fraction: u128 = if fraction.is_empty() { 0 } else { fraction.parse::<u64>().ok()?.into() };
    let scaled = (whole * scale + fraction) * u128::from(factor);
    if !scaled.is_multiple_of(scale) {
        return None;
    }
    u64::try_from(scaled / scale).ok()
}

/// A number without the signs that group its digits: `_` between any two, `,` between all of its
/// thousands. `None` where they stand elsewhere: `1,5` and `0,500` are numbers with a decimal
/// comma, and dropping it would make others of them.
#[must_use]
pub(crate) fn ungrouped(number: &str) -> Option<String> {
    let is_digit = |c: char| c.is_ascii_digit();
    let joined = |part: &str| part.starts_with(is_digit) && part.ends_with(is_digit);
    if number.contains('_') && !number.split('_').all(joined) {
        return None;
    }
    if number.contains(',') {
        let whole = number.split_once('.').map_or(number, |(whole, _)| whole);
        let mut groups = whole.split(',');
        let first = groups.next().unwrap_or_default();
        let begins = (1..=3).contains(&first.len()) && all_digits(first) && !first.starts_with('0');
        let is_group = |group: &str| group.len() == 3 && all_digits(group);
        let commas = |text: &str| text.matches(',').count();
        if !begins || !groups.all(is_group) || commas(whole) < commas(number) {
            return None;
        }
    }
    Some(number.replace(['_', ','], ""))
}

/// The text with a point for its one comma, as a person with a decimal comma means it; `None` of a
/// text with more, or with a point.
#[must_use]
pub(crate) fn with_point(text: &str) -> Option<String> {
    let (whole, rest) = text.trim().split_once(',')?;
    if rest.contains([',', '.']) || whole.contains('.') {
        return None;
    }
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if rest.starts_with(|c: char| c.is_ascii_digit()) { "." } else { "" };
    Some(format!("{whole}{point}{rest}"))
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Shows a number of bytes in binary units with three significant digits: `1.37 GiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bytes(pub u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        if self.0 < 1024 {
            return f.pad(&format!("{} B", self.0));
        }
        let mut value = self.0 as f64;
        let mut name = "";
        for next in NAMES {
            if value < 1023.5 {
                break;
            }
            value /= 1024.0;
            name = next;
        }
        let digits = if value < 9.995 { 2 } else { usize::from(value < 99.95) };
        f.pad(&format!("{value:.digits$} {name}"))
    }
}

/// Shows a count with thousands separated by commas: `8,000,000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count(pub u64);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        let mut text = String::with_capacity(digits.len() + digits.len() / 3);
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        f.pad(&text)
    }
}

/// A count with its noun, `1 shard`, `2,000 shards`: the plural is made with an `s`.
#[must_use]
pub(crate) fn counted(count: u64, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", Count(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_both_kinds_of_units() {
        for (text, bytes) in [
            ("0", 0),
            ("5368709120", 5 << 30),
            ("5GiB", 5 << 30),
            ("5 gib", 5 << 30),
            ("5g", 5 << 30),
            ("1.5GB", 1_500_000_000),
            ("1_000kb", 1_000_000),
            ("7B", 7),
        ] {
            assert_eq!(parse_bytes(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn a_comma_is_read_between_thousands_only() {
        for (text, bytes) in [
            ("1,000", 1_000),
            ("12,345,678", 12_345_678),
            ("1,000KB", 1_000_000),
            ("1,024.5 kb", 1_024_500),
        ] {
            assert_eq!(parse_bytes(text), Ok(bytes), "{text}");
        }
        for (text, remedy) in [
            ("1,5GB", "; write 1.5GB"),
            ("1,5 MB", "; write 1.5 MB"),
            ("0,500GB", "; write 0.500GB"),
            ("5,GB", "; write 5GB"),
            (",5KB", "; write 0.5KB"),
            ("1,5", "as in 1,000"),
            ("1,2,3KB", "as in 1,000"),
            ("1234,567", "as in 1,000"),
            ("1,0000", "; write 1.0000"),
            ("1.5,000KB", "as in 1,000"),
            ("1,000,KB", "as in 1,000"),
        ] {
            let said = parse_bytes(text).unwrap_err().to_string();
            assert!(said.ends_with(remedy), "{said}");
        }
        for text in ["_5", "5_", "5_GB", "1__0", "1._5GB"] {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in ["", "GiB", "5XB", "-1", "1.5B", "99999999999999999999", "1e3", "20000000PiB"] {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_and_counts_are_shown_for_people() {
        assert_eq!(Bytes(1023).to_string(), "1023 B");
        assert_eq!(Bytes(1536).to_string(), "1.50 KiB");
        assert_eq!(Bytes(5 << 30).to_string(), "5.00 GiB");
        assert_eq!(Bytes((1 << 20) - 1).to_string(), "1.00 MiB");
        assert_eq!(Count(999).to_string(), "999");
        assert_eq!(Count(1_234_567).to_string(), "1,234,567");
        assert_eq!(counted(1, "shard"), "1 shard");
        assert_eq!(counted(8000, "row"), "8,000 rows");
    }
}
