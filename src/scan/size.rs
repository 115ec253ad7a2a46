//! Sizes of objects, as a report writes them.
//!
//! Never knows what they are added up for.

/// The size in bytes; 0 for what is no whole number below 2^64, such as a delete marker's empty
/// field.
#[inline]
pub(super) fn bytes(field: &[u8]) -> u64 {
    let digit = |size: u64, byte: &u8| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 { None } else { size.checked_mul(10)?.checked_add(digit.into()) }
    };
    field.iter().try_fold(0, digit).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_size_counts_nothing() {
        for (field, size) in [
            ("0", 0),
            ("5368709121", 5_368_709_121),
            ("007", 7),
            ("18446744073709551615", u64::MAX),
            ("18446744073709551616", 0),
            ("", 0),
            ("-1", 0),
            ("1.5", 0),
            ("12x", 0),
        ] {
            assert_eq!(bytes(field.as_bytes()), size, "{field}");
        }
    }
}
