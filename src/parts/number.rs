//! Which part of how many, and which files belong to it.

use std::fmt;
use std::ops::Range;

/// Parts at most. 100,000: their names keep five digits, and AWS Batch's arrays end at 10,000
/// children (AWS Batch User Guide, "Array jobs").
pub(crate) const PARTS_MAX: u32 = 100_000;

/// A part of a question's work: number `number` of `parts`, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct PartNumber {
    number: u32,
    parts: u32,
}

/// Why there is no such part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PartNumberError {
    /// Its number is too large.
    #[error(
        "{number}/{parts}: parts are counted from 0, so the last of {parts} is {}; an array of \
         tasks must begin with 0, too", parts - 1
    )]
    Number {
        /// The number.
        number: u32,
        /// Of how many.
        parts: u32,
    },
    /// None, or too many.
    #[error("{0} parts: at least 1 and at most {PARTS_MAX} can be made")]
    Parts(u32),
}

impl PartNumber {
    /// Part `number` of `parts`.
    ///
    /// # Errors
    /// When there is no such part, or there are too many.
    pub(crate) fn new(number: u32, parts: u32) -> Result<Self, PartNumberError> {
        if parts == 0 || parts > PARTS_MAX {
            return Err(PartNumberError::Parts(parts));
        }
        if number >= parts {
            return Err(PartNumberError::Number { number, parts });
        }
        Ok(Self { number, parts })
    }

    /// Its number, from 0.
    #[must_use]
    pub(crate) fn number(self) -> u32 {
        self.number
    }

    /// How many parts there are.
    #[must_use]
    pub(crate) fn parts(self) -> u32 {
        self.parts
    }

    /// The files that belong to it, by their places, of files with these sizes in bytes.
    ///
    /// File `i`, with `P` bytes before it and `b` of its own, of `T` in all, belongs to part
    /// `min(N - 1, floor(N (2 P + b) / 2 T))`: that in which its middle lies. So parts are
    /// contiguous, and none is larger than `T / N` and the largest file. A part may be empty. Where
    /// all files are, they belong to the first.
    #[must_use]
    pub(crate) fn range(self, sizes: &[u64]) -> Range<usize> {
        let total: u128 = sizes.iter().map(|size| u128::from(*size)).sum();
        let (first, last) = (u128::from(self.number), u128::from(self.parts) - 1);
        let (mut start, mut end, mut before) = (0, 0, 0_u128);
        for size in sizes {
            let size = u128::from(*size);
            // 64 bits for all bytes of a report, 17 for parts, and one.
            let twice = u128::from(self.parts) * (2 * before + size);
            let owner = twice.checked_div(2 * total).unwrap_or(0).min(last);
            start += usize::from(owner < first);
            end += usize::from(owner <= first);
            before += size;
        }
        start..end
    }
}

impl fmt::Display for PartNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.parts)
    }
}

/// Numbers in ascending order as array jobs take them: `3,7,40-43`.
#[must_use]
pub(crate) fn spans(numbers: &[u32]) -> String {
    let mut spans: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match spans.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            _ => spans.push((*number, *number)),
        }
    }
    let text = |(first, last): &(u32, u32)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    };
    spans.iter().map(text).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn part(number: u32, parts: u32) -> PartNumber {
        PartNumber::new(number, parts).unwrap()
    }

    fn ranges(sizes: &[u64], parts: u32) -> Vec<Range<usize>> {
        (0..parts).map(|number| part(number, parts).range(sizes)).collect()
    }

    #[test]
    fn a_part_is_one_of_them() {
        assert_eq!(part(2, 3).to_string(), "2/3");
        let told = |number, parts| PartNumber::new(number, parts).unwrap_err().to_string();
        assert!(told(3, 3).starts_with("3/3: parts are counted from 0, so the last of 3 is 2"));
        assert!(told(0, 0).starts_with("0 parts"));
        assert!(told(0, PARTS_MAX + 1).starts_with("100001 parts"));
        assert_eq!(part(PARTS_MAX - 1, PARTS_MAX).number(), 99_999);
    }

    #[test]
    fn equal_files_are_dealt_evenly() {
        assert_eq!(ranges(&[7; 6], 3), [0..2, 2..4, 4..6]);
        assert_eq!(ranges(&[7; 2], 4), [0..0, 0..1, 1..1, 1..2]);
        assert_eq!(ranges(&[0, 0], 3), [0..2, 2..2, 2..2]);
        assert_eq!(ranges(&[], 2), [0..0, 0..0]);
        assert_eq!(ranges(&[u64::MAX; 4], 2), [0..2, 2..4]);
    }

    #[test]
    fn numbers_are_told_as_array_jobs_take_them() {
        assert_eq!(spans(&[3, 7, 40, 41, 42, 43]), "3,7,40-43");
        assert_eq!(spans(&[]), "");
        assert_eq!(spans(&[0, 1]), "0-1");
    }

    proptest! {
        #[test]
        fn parts_are_contiguous_cover_all_and_none_is_large(
            sizes in prop::collection::vec(0_u64..5_000, 0..200),
            parts in 1_u32..300,
        ) {
            let ranges = ranges(&sizes, parts);
            let total: u64 = sizes.iter().sum();
            let largest = sizes.iter().copied().max().unwrap_or(0);
            let mut next = 0;
            for range in ranges {
                prop_assert_eq!(range.start, next);
                next = range.end;
                let bytes: u64 = sizes[range].iter().sum();
                // bytes <= T / N + largest
                prop_assert!(u64::from(parts) * bytes <= total + u64::from(parts) * largest);
            }
            prop_assert_eq!(next, sizes.len());
        }
    }
}
