//! Exact decimal numbers: what a number in a predicate is before it meets a column.
//!
//! Never knows columns: turning `Size < 1.5` into whole numbers is the compiler's.

use std::cmp::Ordering;
use std::fmt;

use super::syntax::literal;
use crate::units::{THOUSANDS, parse_bytes, with_point};

/// No numeral in a predicate is larger in absolute value: far above 2^64, far below what `i128`
/// holds, so that adding one or two of them cannot overflow.
const MANTISSA_MAX: i128 = 10i128.pow(36);
/// Digits after the point. A field has at most 20 digits: 20 + 18 still fit `i128`.
const SCALE_MAX: u32 = 18;

const _: () = assert!((u64::MAX as i128).checked_mul(10i128.pow(SCALE_MAX)).is_some());

/// `mantissa / 10^scale`; the mantissa does not end in 0 unless the scale is 0, so that equal
/// numbers are equal values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Decimal {
    mantissa: i128,
    scale: u32,
}

/// What to write instead of a number with commas that do not group it; `None` of other texts.
pub(super) fn comma_hint(text: &str) -> Option<String> {
    if !text.contains(',') || !text.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let meant = with_point(text).filter(|meant| Decimal::from_text(meant).is_some());
    Some(match meant {
        Some(meant) => format!("{THOUSANDS}: write {}", literal(&meant)),
        None => THOUSANDS.to_owned(),
    })
}

impl Decimal {
    /// `None` past the bounds above.
    pub(super) fn new(mut mantissa: i128, mut scale: u32) -> Option<Self> {
        while scale > 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            scale -= 1;
        }
        (scale <= SCALE_MAX && mantissa.abs() <= MANTISSA_MAX).then_some(Self { mantissa, scale })
    }

    /// Reads `-12`, `1.5`, `.5`, `1e9`, `2.5E-3`; `None` when it is not a number or out of bounds.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (digits, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let fraction = fraction.trim_end_matches('0');
        let mut mantissa: i128 = 0;
        for digit in whole.bytes().chain(fraction.bytes()) {
            let value = digit.is_ascii_digit().then(|| i128::from(digit - b'0'))?;
            mantissa = mantissa.checked_mul(10)?.checked_add(value)?;
        }
        if mantissa == 0 {
            return Self::new(0, 0);
        }
        let scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        let mantissa = if negative { -mantissa } else { mantissa };
        match u32::try_from(scale) {
            // Numbers with this many digits after the point are refused below anyway.
            Ok(scale) => Self::new(mantissa, scale),
            Err(_) => {
                let factor = 10i128.checked_pow(scale.unsigned_abs())?;
                Self::new(mantissa.checked_mul(factor)?, 0)
            }
        }
    }

    /// Reads a text that stands where a number is wanted: a number, or a size such as `5GiB`.
    pub(super) fn from_text(text: &str) -> Option<Self> {
        Self::parse(text.trim())
            .or_else(|| parse_bytes(text).ok().and_then(|bytes| Self::new(bytes.into(), 0)))
    }

    pub(super) fn negated(self) -> Self {
        Self { mantissa: -self.mantissa, ..self }
    }

    pub(super) fn plus(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        Self::new(self.at_scale(scale)?.checked_add(other.at_scale(scale)?)?, scale)
    }

    pub(super) fn times(self, other: Self) -> Option<Self> {
        Self::new(self.mantissa.checked_mul(other.mantissa)?, self.scale + other.scale)
    }

    /// The nearest double.
    pub(super) fn to_double(self) -> f64 {
        /// Whole numbers up to here are doubles.
        const EXACT_MAX: i128 = 1 << 53;
        if self.mantissa.abs() > EXACT_MAX {
            return self.to_string().parse().unwrap_or(f64::NAN);
        }
        // Powers of ten up to 10^22 are doubles, too, so that only the division rounds.
        self.mantissa as f64 / 10f64.powi(i32::try_from(self.scale).unwrap_or(0))
    }

    /// Rounded to `scale` digits after the point, halves away from zero.
    pub(super) fn rounded(self, scale: u32) -> Option<Self> {
        if self.scale <= scale {
            return Some(self);
        }
        let unit = 10i128.checked_pow(self.scale - scale)?;
        let half = unit / 2 * self.mantissa.signum();
        Self::new((self.mantissa + half) / unit, scale)
    }

    /// What is left of a division that truncates; `None` for a division by zero.
    pub(super) fn remainder(self, by: Self) -> Option<Self> {
        let scale = self.scale.max(by.scale);
        Self::new(self.at_scale(scale)?.checked_rem(by.at_scale(scale)?)?, scale)
    }

    /// The order of the numbers, which is not that of the fields.
    pub(super) fn order(self, other: Self) -> Ordering {
        let fraction = |number: Self| {
            number.mantissa.rem_euclid(10i128.pow(number.scale))
                * 10i128.pow(SCALE_MAX - number.scale)
        };
        self.floor().cmp(&other.floor()).then_with(|| fraction(self).cmp(&fraction(other)))
    }

    fn at_scale(self, scale: u32) -> Option<i128> {
        self.mantissa.checked_mul(10i128.checked_pow(scale - self.scale)?)
    }

    /// The largest whole number that is not above this one.
    pub(super) fn floor(self) -> i128 {
        self.mantissa.div_euclid(10i128.pow(self.scale))
    }

    pub(super) fn is_whole(self) -> bool {
        self.scale == 0
    }

    /// Mantissa and scale: the number is `mantissa / 10^scale`.
    pub(super) fn parts(self) -> (i128, u32) {
        (self.mantissa, self.scale)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let digits = self.mantissa.unsigned_abs().to_string();
        let scale = usize::try_from(self.scale).unwrap_or(0);
        if scale == 0 {
            return write!(f, "{sign}{digits}");
        }
        let padded = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = padded.split_at(padded.len() - scale);
        write!(f, "{sign}{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_and_shown_exactly() {
        for (text, shown) in [
            ("0", "0"),
            ("-0.0", "0"),
            ("007", "7"),
            ("1.50", "1.5"),
            (".5", "0.5"),
            ("5.", "5"),
            ("-0.05", "-0.05"),
            ("1e9", "1000000000"),
            ("2.5E-3", "0.0025"),
            ("+3", "3"),
            ("0e99999", "0"),
            ("99999999999999999999.999999999999999", "99999999999999999999.999999999999999"),
        ] {
            let number = Decimal::parse(text).unwrap();
            assert_eq!(number.to_string(), shown, "{text}");
            assert_eq!(Decimal::parse(shown), Some(number));
        }
    }

    #[test]
    fn what_is_no_number_or_too_large_is_refused() {
        for text in
            ["", ".", "-", "1x", "1e", "e1", "1e99", "1e-30", "--1", "1.2.3", "1e99999999999"]
        {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
        assert_eq!(Decimal::parse(&"9".repeat(60)), None);
    }

    #[test]
    fn floors_go_down_and_sums_are_exact() {
        let number = |text| Decimal::parse(text).unwrap();
        assert_eq!(number("1.5").floor(), 1);
        assert_eq!(number("-1.5").floor(), -2);
        assert_eq!(number("0.1").plus(number("0.2")), Some(number("0.3")));
        assert_eq!(number("0.5").times(number("4")), Some(number("2")));
        assert_eq!(number("1e36").times(number("10")), None);
    }
}
