//! Sizes and counts as people write and read them: `5GiB`, `1,234,567`, `1.3 GB/s`.
//!
//! Never knows what is being measured.

use std::fmt;

/// A size that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a size: write a whole number of bytes or a number with a unit, \
         such as 5368709120, 512KiB, 5GiB or 1.5TB"
)]
pub struct SizeError {
    text: String,
}

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
/// powers of 1,024. Case does not matter; `_` and `,` between digits are ignored.
///
/// # Errors
/// When the text is no number, the unit is unknown, or the result is no whole number below 2^64.
pub fn parse_bytes(text: &str) -> Result<u64, SizeError> {
    let error = || SizeError { text: text.to_owned() };
    let lower: String =
        text.trim().to_ascii_lowercase().chars().filter(|c| *c != '_' && *c != ',').collect();
    let (number, factor) = UNITS
        .iter()
        .find_map(|(unit, factor)| lower.strip_suffix(unit).map(|rest| (rest.trim_end(), *factor)))
        .unwrap_or((lower.as_str(), 1));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    // Nine digits after the point are finer than a byte of a gigabyte; more would overflow u128.
    if whole.is_empty() || fraction.len() > 9 || !all_digits(whole) || !all_digits(fraction) {
        return Err(error());
    }
    let whole: u128 = whole.parse::<u64>().map_err(|_| error())?.into();
    let scale = 10u128.pow(u32::try_from(fraction.len()).map_err(|_| error())?);
    let fraction: u128 =
        if fraction.is_empty() { 0 } else { fraction.parse::<u64>().map_err(|_| error())?.into() };
    let scaled = (whole * scale + fraction) * u128::from(factor);
    if !scaled.is_multiple_of(scale) {
        return Err(error());
    }
    u64::try_from(scaled / scale).map_err(|_| error())
}

/// Shows a number of bytes in binary units with three significant digits: `1.37 GiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bytes(pub u64);

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
pub struct Count(pub u64);

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
pub fn counted(count: u64, noun: &str) -> String {
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
