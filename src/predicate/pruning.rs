//! Pruning: the compiled predicate on statistics of many rows instead of their values.
//!
//! Column formats keep for many rows at once the least and the greatest value of a column, and how
//! many are NULL. From that it often follows that a predicate is TRUE for none of them. `true` is
//! inconclusive; `false` is definite.
//!
//! Never knows what the rows are: a file, a row group, a page.

use super::like::MatchPlan;
use super::matcher::{
    CaseFold, FieldEncoding, Node, NumberCheck, NumberTest, TextCheck, TextTest, TokenTest,
};
use super::read::NumberReading;
use super::vector::{ColumnMatcher, Leaf, Tree};
use crate::values::{Bounds, ColumnStatistics, NullCount, TimeUnit, in_units};

/// Statistics of all columns in the rows at hand.
pub trait PruningStatistics {
    /// Those of a column (numbered from 0 in fileSchema order).
    fn column(&self, column: usize) -> ColumnStatistics<&[u8]>;

    /// Whether some row may hold exactly this text in a column of texts.
    fn may_hold(&self, column: usize, text: &[u8]) -> bool {
        let _ = (column, text);
        true
    }

    /// Whether some row may hold exactly this number in a column of whole numbers.
    fn may_hold_integer(&self, column: usize, number: i64) -> bool {
        let _ = (column, number);
        true
    }
}

impl ColumnMatcher {
    /// Whether a row may match, for all that statistics say.
    #[must_use]
    pub fn can_match(&self, statistics: &impl PruningStatistics) -> bool {
        can_match(&self.tree, statistics)
    }

    /// Whether exact values are looked for in a column, so that [`PruningStatistics::may_hold`] is
    /// asked.
    #[must_use]
    pub fn uses_bloom_filter(&self, column: usize) -> bool {
        uses_bloom_filter(&self.tree, column)
    }
}

fn uses_bloom_filter(tree: &Tree, column: usize) -> bool {
    match tree {
        Tree::Constant(_) | Tree::Not(_) | Tree::Computed(_) => false,
        Tree::All(trees) | Tree::Any(trees) => {
            trees.iter().any(|tree| uses_bloom_filter(tree, column))
        }
        Tree::Leaf(leaf) if leaf.column == column => match &leaf.test {
            Node::Number(test) => match &test.numbers {
                NumberCheck::Range(least, most) => test.want && least == most,
                NumberCheck::Set(_) => test.want,
            },
            Node::Text(test) => {
                let exact = matches!(
                    test.check,
                    TextCheck::OneOf(_) | TextCheck::Like(MatchPlan::Equals(_))
                );
                test.want && is_as_stored(test) && exact
            }
            _ => false,
        },
        Tree::Leaf(_) => false,
    }
}

fn can_match(tree: &Tree, statistics: &impl PruningStatistics) -> bool {
    match tree {
        Tree::Constant(answer) => *answer,
        Tree::All(trees) => trees.iter().all(|tree| can_match(tree, statistics)),
        Tree::Any(trees) => trees.iter().any(|tree| can_match(tree, statistics)),
        Tree::Not(tree) => !must_match(tree, statistics),
        Tree::Leaf(leaf) => can_pass(leaf, statistics),
        Tree::Computed(_) => true,
    }
}

/// Whether every row matches for sure; `false` is inconclusive. Only for what stands under a NOT:
/// tests for NULL.
fn must_match(tree: &Tree, statistics: &impl PruningStatistics) -> bool {
    let Tree::Leaf(leaf) = tree else { return false };
    let known = statistics.column(leaf.column);
    match (&leaf.test, known.bounds) {
        (Node::Empty(_), _) => known.nulls == NullCount::All,
        (Node::Number(test), Bounds::Integers(..)) => {
            known.nulls == NullCount::None
                && test.reading == NumberReading::Integer
                && is_every(test)
        }
        (Node::Number(test), Bounds::Instants(least, most, unit)) => {
            let all_there = known.nulls == NullCount::None && are_dates(least, most, unit);
            all_there && test.reading == NumberReading::Instant && is_every(test)
        }
        _ => false,
    }
}

/// Whether all instants within these bounds are dates. Where not, each row is to be looked at: what
/// can't be read never decides in silence.
fn are_dates(least: i64, most: i64, unit: TimeUnit) -> bool {
    let (first, last) = unit.dates();
    first <= least && most <= last
}

fn is_every(test: &NumberTest) -> bool {
    test.want && matches!(test.numbers, NumberCheck::Range(i128::MIN, i128::MAX))
}

fn can_pass(leaf: &Leaf, statistics: &impl PruningStatistics) -> bool {
    let known = statistics.column(leaf.column);
    if let Node::Empty(_) = leaf.test {
        // An empty text is NULL, too, and may not be counted so.
        return known.nulls != NullCount::None
            || matches!(known.bounds, Bounds::Unknown | Bounds::Bytes([], _));
    }
    if known.nulls == NullCount::All {
        return false;
    }
    match (&leaf.test, known.bounds) {
        (Node::Number(test), Bounds::Integers(least, most))
            if test.reading == NumberReading::Integer =>
        {
            let holds = |number| statistics.may_hold_integer(leaf.column, number);
            number_can_pass(test, 1, (least, most), holds)
        }
        (Node::Number(test), Bounds::Instants(least, most, unit))
            if test.reading == NumberReading::Instant =>
        {
            !are_dates(least, most, unit)
                || number_can_pass(test, unit.nanos(), (least, most), |_| true)
        }
        (Node::Token(test), Bounds::Bytes(least, most)) => token_can_pass(test, least, most),
        (Node::Text(test), Bounds::Bytes(least, most)) if is_as_stored(test) => {
            text_can_pass(test, least, most, |text| statistics.may_hold(leaf.column, text))
        }
        (Node::Text(test), Bounds::Unknown) if is_as_stored(test) => match &test.check {
            TextCheck::OneOf(values) if test.want => {
                values.iter().any(|value| statistics.may_hold(leaf.column, value))
            }
            TextCheck::Like(MatchPlan::Equals(value)) if test.want => {
                statistics.may_hold(leaf.column, value)
            }
            _ => true,
        },
        _ => true,
    }
}

/// Whether a test looks at texts as they are stored, and as their bounds are.
fn is_as_stored(test: &TextTest) -> bool {
    test.fold == CaseFold::None && test.encoding == FieldEncoding::None
}

fn number_can_pass(
    test: &NumberTest,
    unit: i128,
    (least, most): (i64, i64),
    may_hold: impl Fn(i64) -> bool,
) -> bool {
    if !test.want {
        return true;
    }
    match &test.numbers {
        NumberCheck::Range(from, to) => {
            let (from, to) = in_units(*from, *to, unit);
            from <= to && from <= most && least <= to && (from != to || may_hold(from))
        }
        NumberCheck::Set(numbers) => numbers.iter().any(|number| {
            let (from, to) = in_units(*number, *number, unit);
            from <= to && least <= from && from <= most && may_hold(from)
        }),
    }
}

fn token_can_pass(test: &TokenTest, least: &[u8], most: &[u8]) -> bool {
    !test.want || test.values.iter().any(|value| some_spelling_between(value, least, most))
}

/// Whether the value, with each letter small or a capital, can lie within the bounds.
fn some_spelling_between(value: &[u8], least: &[u8], most: &[u8]) -> bool {
    // Of each beginning of a spelling only this counts: whether it equals the beginning of the one
    // bound, and of the other.
    let mut open = [[false; 2]; 2];
    open[1][1] = true;
    for (place, byte) in value.iter().enumerate() {
        let mut next = [[false; 2]; 2];
        for (at_least, at_most) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            if !open[at_least][at_most] {
                continue;
            }
            for letter in [byte.to_ascii_uppercase(), byte.to_ascii_lowercase()] {
                let low = if at_least == 1 { least.get(place) } else { None };
                let high = if at_most == 1 { most.get(place) } else { Some(&u8::MAX) };
                if low.is_some_and(|low| letter < *low) || high.is_none_or(|high| letter > *high) {
                    continue;
                }
                let still_least = low == Some(&letter);
                let still_most = at_most == 1 && high == Some(&letter);
                next[usize::from(still_least)][usize::from(still_most)] = true;
            }
        }
        open = next;
    }
    // One that is only the beginning of the lower bound lies below it.
    let low_too = value.len() >= least.len();
    open[0].contains(&true) || (low_too && open[1].contains(&true))
}

fn text_can_pass(
    test: &TextTest,
    least: &[u8],
    most: &[u8],
    may_hold: impl Fn(&[u8]) -> bool,
) -> bool {
    match (&test.check, test.want) {
        (TextCheck::OneOf(values), true) => {
            values.iter().any(|value| least <= &**value && &**value <= most && may_hold(value))
        }
        (TextCheck::Below(limit), true) => least < &**limit,
        (TextCheck::Below(limit), false) => most >= &**limit,
        (TextCheck::AtMost(limit), true) => least <= &**limit,
        (TextCheck::AtMost(limit), false) => most > &**limit,
        (TextCheck::Like(MatchPlan::Equals(value)), true) => {
            least <= &**value && &**value <= most && may_hold(value)
        }
        (TextCheck::Like(MatchPlan::StartsWith(start)), true) => {
            &**start <= most && (least <= &**start || least.starts_with(start))
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Predicate;
    use super::super::vector::Columns;
    use super::*;
    use crate::report::Schema;
    use crate::values::{ColumnValues, Span};

    /// Two columns: texts in one, numbers in the other, and what is known of them.
    #[derive(Default)]
    struct Rows {
        data: Vec<u8>,
        spans: Vec<Span>,
        numbers: Vec<i64>,
        valid: Vec<bool>,
    }

    impl Columns for Rows {
        fn values(&self, column: usize) -> ColumnValues<'_> {
            match column {
                1 => ColumnValues::Integers { values: &self.numbers, valid: Some(&self.valid) },
                2 => ColumnValues::Instants {
                    values: &self.numbers,
                    valid: Some(&self.valid),
                    unit: TimeUnit::Days,
                },
                _ => ColumnValues::Bytes { data: &self.data, spans: &self.spans },
            }
        }
    }

    fn nulls(valid: usize, all: usize) -> NullCount {
        match valid {
            0 => NullCount::All,
            _ if valid == all => NullCount::None,
            _ => NullCount::Unknown,
        }
    }

    impl PruningStatistics for Rows {
        fn column(&self, column: usize) -> ColumnStatistics<&[u8]> {
            let rows = self.valid.len();
            if (1..3).contains(&column) {
                let valid = || self.numbers.iter().zip(&self.valid).filter(|(_, valid)| **valid);
                let least = valid().map(|(number, _)| *number).min().unwrap_or(0);
                let most = valid().map(|(number, _)| *number).max().unwrap_or(0);
                let bounds = match column {
                    1 => Bounds::Integers(least, most),
                    _ => Bounds::Instants(least, most, TimeUnit::Days),
                };
                return ColumnStatistics { nulls: nulls(valid().count(), rows), bounds };
            }
            let texts = || self.spans.iter().map(|span| span.of(&self.data));
            let some = || texts().filter(|text| !text.is_empty());
            let bounds = match (some().min(), some().max()) {
                (Some(least), Some(most)) => Bounds::Bytes(least, most),
                _ => Bounds::Unknown,
            };
            ColumnStatistics { nulls: nulls(some().count(), rows), bounds }
        }

        fn may_hold(&self, _: usize, text: &[u8]) -> bool {
            self.spans.iter().any(|span| span.of(&self.data) == text)
        }

        fn may_hold_integer(&self, _: usize, number: i64) -> bool {
            self.numbers.contains(&number)
        }
    }

    const CONDITIONS: [&str; 19] = [
        "Size > 2",
        "Size = 3 OR Size IN (5, 7)",
        "NOT Size = 3",
        "Size IS NULL",
        "Size IS NOT NULL AND Key IS NOT NULL",
        "Key IS NULL OR Key = 'b'",
        "Key LIKE 'b%'",
        "Key LIKE 'b' OR Key LIKE '%c%'",
        "Key < 'b' AND Key >= 'a'",
        "Key <= 'b' OR Key > 'c'",
        "Key IN ('a', 'C', 'cc') AND Size BETWEEN 2 AND 3",
        "LastModifiedDate < '1970-01-03T12:00:00Z'",
        "LastModifiedDate = '1970-01-03T12:00:00Z' OR LastModifiedDate = '1970-01-04'",
        "LastModifiedDate IS NULL",
        "StorageClass = 'B' OR StorageClass IN ('CC', 'C')",
        "StorageClass <> 'B' OR LOWER(Key) = 'c'",
        "ObjectAccessControlList = '{}' OR ObjectAccessControlList = 'b'",
        "ObjectAccessControlList LIKE '{%'",
        "ObjectAccessControlList > 'd' AND NOT ObjectAccessControlList LIKE 'e%'",
    ];

    proptest! {
        #[test]
        fn what_matches_is_never_skipped(
            rows in proptest::collection::vec(
                ("[abBcC]{0,2}|e30=", proptest::option::of(0..8i64)), 1..6),
            condition in 0..CONDITIONS.len(),
        ) {
            let schema = Schema::from_names([
                "Key",
                "Size",
                "LastModifiedDate",
                "StorageClass",
                "ObjectAccessControlList",
            ]);
            let text = CONDITIONS[condition];
            let predicate = Predicate::parse(text, &schema, jiff::Timestamp::UNIX_EPOCH).unwrap();
            let mut held = Rows::default();
            for (text, number) in &rows {
                let from = held.data.len() as u32;
                held.data.extend_from_slice(text.as_bytes());
                held.spans.push(Span { from, to: held.data.len() as u32 });
                held.numbers.push(number.unwrap_or(0));
                held.valid.push(number.is_some());
            }
            let mut matcher = ColumnMatcher::from(&predicate.compile());
            let mut mask = vec![true; rows.len()];
            matcher.narrow(&held, &mut mask);
            prop_assert!(matcher.can_match(&held) || !mask.contains(&true), "{}", text);
        }
    }

    #[test]
    fn tokens_are_told_from_their_neighbours() {
        let between = |value: &str, least: &str, most: &str| {
            some_spelling_between(value.as_bytes(), least.as_bytes(), most.as_bytes())
        };
        assert!(!between("DISABLED", "ENABLED", "ENABLED"));
        assert!(between("DISABLED", "DISABLED", "ENABLED"));
        assert!(between("GOVERNANCE", "Governance", "Governance"));
        assert!(!between("GLACIER", "GLACIER_IR", "GLACIER_IR"));
        assert!(!between("STANDARD_IA", "GLACIER", "STANDARD"));
    }

    #[test]
    fn bounds_do_skip() {
        let schema = Schema::from_names(["Key", "Size", "LastModifiedDate", "StorageClass"]);
        let rows = Rows {
            data: b"bc".to_vec(),
            spans: vec![Span { from: 0, to: 1 }, Span { from: 1, to: 2 }],
            numbers: vec![3, 5],
            valid: vec![true, true],
        };
        for text in [
            "Size > 5",
            "Size < 3",
            "Size = 4",
            "Size IN (1, 4, 9)",
            "Size IS NULL",
            "LastModifiedDate < '1970-01-04'",
            "Key IS NULL",
            "Key = 'a'",
            "Key = 'bb'",
            "Key LIKE 'a%'",
            "Key < 'b'",
            "Key > 'c'",
            "StorageClass = 'A'",
            "StorageClass = 'A' OR Size = 9",
            "StorageClass = 'B' AND Size = 9",
        ] {
            let predicate = Predicate::parse(text, &schema, jiff::Timestamp::UNIX_EPOCH).unwrap();
            let matcher = ColumnMatcher::from(&predicate.compile());
            assert!(!matcher.can_match(&rows), "{text}");
        }
    }
}
