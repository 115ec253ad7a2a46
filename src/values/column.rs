//! The values of one column over a run of rows, as column formats hold them.
//!
//! NULL is nothing: an empty text, as in CSV, where the two can't be told apart. As text, every
//! value reads as a CSV report would write it.
//!
//! Never knows which column it is, or in which format it was.

use super::time;

/// Where a value lies in the bytes of its column: `data[from..to]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// The first byte.
    pub from: u32,
    /// Behind the last byte; never below `from`.
    pub to: u32,
}

impl Span {
    /// The bytes, or none where the span does not lie in `data`.
    #[must_use]
    #[inline]
    pub fn of(self, data: &[u8]) -> &[u8] {
        data.get(self.from as usize..self.to as usize).unwrap_or_default()
    }
}

/// The different values of a column, which rows name by their place. The last one is empty and
/// stands for NULL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dictionary {
    /// No two dictionaries that one matcher sees have the same number.
    pub serial: u64,
    /// What the spans lie in.
    pub data: Vec<u8>,
    /// The values; the last one is empty.
    pub spans: Vec<Span>,
}

impl Dictionary {
    /// The value in this place; none where there is no such place.
    #[must_use]
    #[inline]
    pub fn value(&self, code: u32) -> &[u8] {
        self.spans.get(code as usize).map_or(&[], |span| span.of(&self.data))
    }
}

/// What an instant is counted in, since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeUnit {
    /// Days.
    Days,
    /// Milliseconds.
    Millis,
    /// Microseconds.
    Micros,
    /// Nanoseconds.
    Nanos,
}

impl TimeUnit {
    /// How many nanoseconds one is.
    #[must_use]
    pub fn nanos(self) -> i128 {
        match self {
            Self::Days => time::NANOS_PER_DAY,
            Self::Millis => 1_000_000,
            Self::Micros => 1_000,
            Self::Nanos => 1,
        }
    }

    /// The least and the greatest count that is a date (see [`time`]).
    pub(crate) fn dates(self) -> (i64, i64) {
        in_units(time::FIRST_INSTANT, time::LAST_INSTANT, self.nanos())
    }

    fn name(self) -> &'static str {
        match self {
            Self::Days => "days",
            Self::Millis => "ms",
            Self::Micros => "µs",
            Self::Nanos => "ns",
        }
    }
}

/// The values whose multiples by `unit` lie from `least` to `most`; none as (1, 0).
pub(crate) fn in_units(least: i128, most: i128, unit: i128) -> (i64, i64) {
    // Rounded inwards.
    let least = -(least.saturating_neg()).div_euclid(unit);
    let most = most.div_euclid(unit);
    let (lowest, highest) = (i128::from(i64::MIN), i128::from(i64::MAX));
    if least > most || least > highest || most < lowest {
        return (1, 0);
    }
    (least.max(lowest) as i64, most.min(highest) as i64)
}

/// A flag that is NULL; the others are 0 and 1.
pub(crate) const FLAG_NULL: u8 = 2;

/// The values of one column over a run of rows.
#[derive(Debug, Clone, Copy)]
pub enum ColumnValues<'a> {
    /// Texts, each by itself.
    Bytes {
        /// What the spans lie in.
        data: &'a [u8],
        /// One for each row; an empty one is NULL.
        spans: &'a [Span],
    },
    /// Texts by their places in a dictionary.
    Dictionary {
        /// The texts.
        dictionary: &'a Dictionary,
        /// One for each row.
        codes: &'a [u32],
    },
    /// Whole numbers.
    Integers {
        /// One for each row; of no meaning where it is not valid.
        values: &'a [i64],
        /// Whether each is not NULL; `None` where none is.
        valid: Option<&'a [bool]>,
    },
    /// Instants.
    Instants {
        /// One for each row; of no meaning where it is not valid.
        values: &'a [i64],
        /// Whether each is not NULL; `None` where none is.
        valid: Option<&'a [bool]>,
        /// What they are counted in.
        unit: TimeUnit,
    },
    /// True or false: 1, 0, or [`FLAG_NULL`] for each row.
    Flags(&'a [u8]),
}

impl<'a> ColumnValues<'a> {
    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes { spans, .. } => spans.len(),
            Self::Dictionary { codes, .. } => codes.len(),
            Self::Integers { values, .. } | Self::Instants { values, .. } => values.len(),
            Self::Flags(values) => values.len(),
        }
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of a text, or the fixed spelling of a flag; `None` for what must be written out.
    #[inline(always)]
    #[must_use]
    pub fn bytes(&self, row: usize) -> Option<&'a [u8]> {
        match *self {
            Self::Bytes { data, spans } => Some(spans[row].of(data)),
            Self::Dictionary { dictionary, codes } => Some(dictionary.value(codes[row])),
            Self::Flags(flags) => Some(flag_text(flags[row])),
            Self::Integers { .. } | Self::Instants { .. } => None,
        }
    }

    /// The value as a CSV report writes it; empty for NULL. `scratch` is written over.
    #[inline]
    pub fn text<'s>(&self, row: usize, scratch: &'s mut Vec<u8>) -> &'s [u8]
    where
        'a: 's,
    {
        if let Some(bytes) = self.bytes(row) {
            return bytes;
        }
        scratch.clear();
        self.write(row, scratch);
        scratch
    }

    /// Appends a number or an instant as a CSV report writes it; nothing for NULL, nor where there
    /// are [`bytes`](Self::bytes).
    #[inline]
    pub fn write(&self, row: usize, out: &mut Vec<u8>) {
        match *self {
            Self::Integers { values, valid } if valid.is_none_or(|valid| valid[row]) => {
                push_integer(values[row], out);
            }
            Self::Instants { values, valid, unit } if valid.is_none_or(|valid| valid[row]) => {
                push_count(values[row], unit, out);
            }
            _ => {}
        }
    }
}

/// Appends the date, or, where there is none, a text that is neither empty, and so NULL, nor read
/// as a date: `253402300800000 ms since 1970`.
fn push_count(count: i64, unit: TimeUnit, out: &mut Vec<u8>) {
    if !time::push_instant(i128::from(count) * unit.nanos(), out) {
        push_integer(count, out);
        out.push(b' ');
        out.extend_from_slice(unit.name().as_bytes());
        out.extend_from_slice(b" since 1970");
    }
}

/// The text of a flag: 0, 1, or [`FLAG_NULL`].
#[must_use]
#[inline]
pub(crate) fn flag_text(flag: u8) -> &'static [u8] {
    match flag {
        0 => b"false",
        1 => b"true",
        _ => b"",
    }
}

fn push_integer(value: i64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = value.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_reads_as_csv_writes_it() {
        let mut scratch = Vec::new();
        let values = [0, -5, i64::MIN, i64::MAX, 1_670_851_239_000];
        let valid = [true, true, true, true, false];
        let column = ColumnValues::Integers { values: &values, valid: Some(&valid) };
        let texts: Vec<Vec<u8>> = (0..5).map(|row| column.text(row, &mut scratch).into()).collect();
        let expected = ["0", "-5", "-9223372036854775808", "9223372036854775807", ""];
        assert_eq!(texts, expected.map(|text| text.as_bytes().to_vec()));

        let values = [1_670_851_239_000, -1];
        let column =
            ColumnValues::Instants { values: &values, valid: None, unit: TimeUnit::Millis };
        assert_eq!(column.text(0, &mut scratch), b"2022-12-12T13:20:39.000Z");
        assert_eq!(column.text(1, &mut scratch), b"1969-12-31T23:59:59.999Z");

        let unit = TimeUnit::Days;
        let column = ColumnValues::Instants { values: &[20_240_131, i64::MIN], valid: None, unit };
        for (row, expected) in
            ["20240131 days since 1970", "-9223372036854775808 days since 1970"].iter().enumerate()
        {
            assert_eq!(column.text(row, &mut scratch), expected.as_bytes());
            assert_eq!(time::instant(expected.as_bytes()), None);
        }

        let column = ColumnValues::Flags(&[0, 1, FLAG_NULL]);
        assert_eq!(
            (0..3).map(|row| column.bytes(row).unwrap()).collect::<Vec<_>>(),
            [&b"false"[..], b"true", b""]
        );
    }

    #[test]
    fn a_span_outside_is_empty() {
        assert_eq!(Span { from: 1, to: 9 }.of(b"abc"), b"");
        assert_eq!(Span { from: 3, to: 1 }.of(b"abc"), b"");
        assert_eq!(Dictionary::default().value(0), b"");
    }
}
