//! Values that can't be read: rows and columns say the same of them, and what they say holds.

use proptest::prelude::*;

use super::vector::Columns;
use super::{ColumnMatcher, Predicate, is_readable};
use crate::report::Schema;
use crate::values::{ColumnValues, Dictionary, Row, Span};

const NAMES: [&str; 5] = ["Key", "Size", "LastModifiedDate", "IsLatest", "StorageClass"];

struct TestRow<'a>(&'a [&'a str]);

impl Row for TestRow<'_> {
    fn field(&self, column: usize) -> &[u8] {
        self.0[column].as_bytes()
    }
}

/// Rows in columns: texts, or a dictionary of them.
struct TextColumns {
    dictionaries: Vec<Dictionary>,
    codes: Vec<Vec<u32>>,
    as_dictionary: bool,
}

impl TextColumns {
    fn new(rows: &[[&str; 5]], as_dictionary: bool) -> Self {
        let dictionary = |column: usize| {
            let mut dictionary = Dictionary { serial: column as u64, ..Dictionary::default() };
            for text in rows.iter().map(|row| row[column]).chain([""]) {
                let from = dictionary.data.len() as u32;
                dictionary.data.extend_from_slice(text.as_bytes());
                dictionary.spans.push(Span { from, to: dictionary.data.len() as u32 });
            }
            dictionary
        };
        let dictionaries = (0..NAMES.len()).map(dictionary).collect();
        let codes = vec![(0..rows.len() as u32).collect(); NAMES.len()];
        Self { dictionaries, codes, as_dictionary }
    }
}

impl Columns for TextColumns {
    fn values(&self, column: usize) -> ColumnValues<'_> {
        let (dictionary, codes) = (&self.dictionaries[column], &self.codes[column]);
        match self.as_dictionary {
            true => ColumnValues::Dictionary { dictionary, codes },
            false => {
                let spans = &dictionary.spans[..codes.len()];
                ColumnValues::Bytes { data: &dictionary.data, spans }
            }
        }
    }
}

fn parse(text: &str) -> Predicate {
    let schema = Schema::from_names(NAMES);
    Predicate::parse(text, &schema, jiff::Timestamp::UNIX_EPOCH).unwrap()
}

const CONDITIONS: [&str; 24] = [
    "Size > 5",
    "NOT Size > 5",
    "Size IS NULL",
    "Size IS NOT NULL OR IsLatest",
    "Size > 5 AND IsLatest",
    "IsLatest AND Size > 5",
    "IsLatest OR Size IN (5, 7)",
    "NOT (IsLatest AND Size = 7)",
    "IsLatest",
    "NOT IsLatest",
    "IsLatest IS NOT TRUE AND StorageClass = 'GLACIER'",
    "(Size > 5) IS UNKNOWN",
    "LastModifiedDate < '2025-01-01' AND (Size = 7 OR NOT IsLatest)",
    "StorageClass = 'GLACIER' OR LastModifiedDate IS NULL",
    "CAST(Key AS BIGINT) > 5",
    "CAST(Size AS VARCHAR) LIKE '1%' AND Size > 5",
    "Key = 'a' OR (StorageClass = 'GLACIER' AND LastModifiedDate >= '2025-01-01')",
    "TRUE",
    "Size + 1 > 5 AND IsLatest",
    "coalesce(Size, 7) + 0 > 5 OR IsLatest",
    "CASE WHEN Size > 5 AND IsLatest THEN 1 ELSE 0 END = 1 OR LastModifiedDate IS NULL",
    "NOT (CASE WHEN IsLatest OR Size > 5 THEN 1 END = length(Key))",
    "coalesce(Size > 5 AND IsLatest, StorageClass = 'GLACIER')",
    "(Size > 5 AND IsLatest) = (LastModifiedDate > '2025-01-01')",
];

const KEYS: &[&str] = &["a", "7", "", "1.0"];
const SIZES: &[&str] = &["", "3", "7", "+9", "1.0E3", " 7"];
const DATES: &[&str] = &["", "2024-01-31T12:30:59.000Z", "2026-01-31", "1704110400000"];
const FLAGS: &[&str] = &["", "true", "FALSE", "1", "yes"];
const CLASSES: &[&str] = &["", "GLACIER", "STANDARD"];

fn values() -> [&'static [&'static str]; 5] {
    [KEYS, SIZES, DATES, FLAGS, CLASSES]
}

fn unreadable(row: &[&str; 5]) -> Vec<usize> {
    let kinds = Schema::from_names(NAMES);
    let cannot =
        |column: &usize| !is_readable(kinds.columns()[*column].kind, row[*column].as_bytes());
    (0..5).filter(cannot).collect()
}

/// Whether the row matches whatever stands in its columns that can't be read, or never does.
fn is_decided_by_others(predicate: &Predicate, row: &[&str; 5]) -> bool {
    let mut rows = vec![*row];
    for column in unreadable(row) {
        let readable = values()[column].iter().filter(|text| {
            let mut other = *row;
            other[column] = text;
            !unreadable(&other).contains(&column)
        });
        let with = |text: &'static str| {
            rows.iter().map(move |row| {
                let mut row = *row;
                row[column] = text;
                row
            })
        };
        rows = readable.flat_map(|text| with(text)).collect();
    }
    let mut answers = rows.iter().map(|row| predicate.compile().matches(&TestRow(row)));
    let first = answers.next();
    answers.all(|answer| Some(answer) == first)
}

fn row() -> impl Strategy<Value = [&'static str; 5]> {
    let one = |values: &'static [&'static str]| prop::sample::select(values);
    (one(KEYS), one(SIZES), one(DATES), one(FLAGS), one(CLASSES))
        .prop_map(|(key, size, date, flag, class)| [key, size, date, flag, class])
}

proptest! {
    #[test]
    fn no_value_that_cannot_be_read_decides_in_silence(
        rows in prop::collection::vec(row(), 1..20),
        condition in 0..CONDITIONS.len(),
        as_dictionary in any::<bool>(),
    ) {
        let text = CONDITIONS[condition];
        let predicate = parse(text);
        let mut matcher = predicate.compile();
        let columns = TextColumns::new(&rows, as_dictionary);
        let mut of_columns = ColumnMatcher::from(&matcher);
        for _ in 0..2 {
            let mut mask = vec![true; rows.len()];
            of_columns.narrow(&columns, &mut mask);
            let met = of_columns.met_unreadable();
            for (number, row) in rows.iter().enumerate() {
                let fields = TestRow(row);
                prop_assert_eq!(matcher.matches(&fields), mask[number]);
                let row_met = matcher.met_unreadable();
                let open = matcher.unsettled(&fields);
                prop_assert!(!matcher.met_unreadable());
                prop_assert!(row_met || open.is_empty(), "{} {:?}: not met", text, row);
                prop_assert!(met || !row_met, "{} {:?}: not met in columns", text, row);
                prop_assert_eq!(&of_columns.unsettled(&columns, number), &open);
                let bad = unreadable(row);
                prop_assert!(open.iter().all(|column| bad.contains(column)), "{} {:?}", text, row);
                prop_assert!(
                    !open.is_empty() || is_decided_by_others(&predicate, row),
                    "{} {:?}: decided in silence", text, row
                );
            }
        }
    }
}

#[test]
fn what_other_values_decide_stands() {
    for (text, row, open) in [
        ("Size > 5", ["a", "1.0E3", "", "", ""], &[1][..]),
        ("Size IS NULL", ["a", "1.0E3", "", "", ""], &[1]),
        ("Size > 5 AND IsLatest", ["a", "1.0E3", "", "false", ""], &[]),
        ("IsLatest AND Size > 5", ["a", "1.0E3", "", "false", ""], &[]),
        ("IsLatest AND Size > 5", ["a", "7", "", "1", ""], &[3]),
        ("Size > 5 AND IsLatest", ["a", "3", "", "1", ""], &[]),
        ("Size > 5 OR IsLatest", ["a", "1.0E3", "", "true", ""], &[]),
        ("Size + 0 > 5 OR IsLatest", ["a", "1.0E3", "", "true", ""], &[]),
        ("Size + 0 > 5 AND IsLatest", ["a", "1.0E3", "", "true", ""], &[1]),
        (
            "CASE WHEN Size > 5 AND IsLatest THEN 1 ELSE 0 END = 0 OR LastModifiedDate IS NULL",
            ["a", "1.0E3", "1704110400000", "false", ""],
            &[],
        ),
        ("Size > 5 OR IsLatest", ["a", "1.0E3", "", "1", ""], &[1, 3]),
        ("Size > 5 OR IsLatest", ["a", "", "", "", ""], &[]),
        ("CAST(Key AS BIGINT) > 5", ["1.0", "", "", "", ""], &[]),
        ("CAST(Size AS VARCHAR) = '1.0E3'", ["a", "1.0E3", "", "", ""], &[]),
    ] {
        let mut matcher = parse(text).compile();
        let mut found = matcher.unsettled(&TestRow(&row));
        found.sort_unstable();
        assert_eq!(found, open, "{text} {row:?}");
    }
}
