//! Sizes of objects, as a report writes them.
//!
//! Never knows what they are added up for.

use crate::predicate;

/// The size in bytes; 0 for an empty field, such as a delete marker's. `None` for what is not a
/// size: a whole number, not below 0.
#[inline]
pub(super) fn bytes(field: &[u8]) -> Option<u64> {
    match predicate::integer(field) {
        Some(size) => u64::try_from(size).ok(),
        None => field.is_empty().then_some(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_size_is_told() {
        for (field, size) in [
            ("0", Some(0)),
            ("5368709121", Some(5_368_709_121)),
            ("007", Some(7)),
            ("+1000", Some(1000)),
            ("9223372036854775807", Some(9_223_372_036_854_775_807)),
            ("9223372036854775808", None),
            ("", Some(0)),
            ("-1", None),
            ("1.5", None),
            ("12x", None),
        ] {
            assert_eq!(bytes(field.as_bytes()), size, "{field}");
        }
    }
}
