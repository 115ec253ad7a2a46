//! The compiled predicate on columns: a whole run of rows at a time.
//!
//! The tests are those of [`super::matcher`], asked of values instead of rows. Each narrows a mask
//! of the rows that may still match, cheapest first, so that a costly test sees few rows. A test
//! of a dictionary is asked once for each of its values. Numbers, dates and flags are compared as
//! they are; where a test wants another type (a CAST), it is given the text that CSV would have.
//!
//! Keys stand raw in these formats: nothing is decoded.
//!
//! Never knows files, or where columns come from.

use std::mem;

use super::matcher::{ComputedTest, Matcher, Node, NumberCheck, Scratch, leaf_truth, settled};
use super::read::NumberReading;
use crate::values::{ColumnValues, Dictionary, FLAG_NULL, Row, TimeUnit, in_units};

/// The columns of a run of rows.
pub trait Columns {
    /// The values of a column (numbered from 0 in fileSchema order), one for each row of the run.
    fn values(&self, column: usize) -> ColumnValues<'_>;
}

/// Tests runs of rows. One per worker: it owns buffers, and answers for the dictionaries at hand.
#[derive(Debug, Clone)]
pub struct ColumnMatcher {
    pub(super) tree: Tree,
    space: Space,
}

#[derive(Debug, Clone, Default)]
struct Space {
    scratch: Scratch,
    text: Vec<u8>,
    masks: Vec<Vec<bool>>,
}

/// As [`Node`], with what each test remembers.
#[derive(Debug, Clone)]
pub(super) enum Tree {
    Constant(bool),
    All(Box<[Tree]>),
    Any(Box<[Tree]>),
    Not(Box<Tree>),
    Leaf(Leaf),
    Computed(Box<ComputedLeaf>),
}

/// A computed test, and the fields of the row at hand that it looks at.
#[derive(Debug, Clone)]
pub(super) struct ComputedLeaf {
    test: ComputedTest,
    fields: RowFields,
}

/// Fields as CSV would have them, by their columns.
#[derive(Debug, Clone, Default)]
struct RowFields(Vec<(usize, Vec<u8>)>);

impl RowFields {
    fn fill(&mut self, columns: &impl Columns, row: usize, text: &mut Vec<u8>) {
        for (column, field) in &mut self.0 {
            field.clear();
            field.extend_from_slice(columns.values(*column).text(row, text));
        }
    }
}

impl Row for RowFields {
    fn field(&self, column: usize) -> &[u8] {
        self.0.iter().find(|(of, _)| *of == column).map_or(&[], |(_, text)| text)
    }
}

/// A test of one column.
#[derive(Debug, Clone)]
pub(super) struct Leaf {
    pub(super) column: usize,
    /// Never one that holds others, or a constant.
    pub(super) test: Node,
    /// What it said of the values of the dictionary with this number.
    serial: Option<u64>,
    answers: Vec<Answer>,
    /// Whether one of these values can't be read.
    has_unreadable: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Unknown,
    No,
    Yes,
}

impl From<&Matcher> for ColumnMatcher {
    fn from(matcher: &Matcher) -> Self {
        Self { tree: tree(&matcher.node), space: Space::default() }
    }
}

fn tree(node: &Node) -> Tree {
    let leaf = |column, test: &Node| {
        let mut test = test.clone();
        test.read_raw();
        Tree::Leaf(Leaf { column, test, serial: None, answers: Vec::new(), has_unreadable: false })
    };
    match node {
        Node::Constant(answer) => Tree::Constant(*answer),
        Node::All(nodes) => Tree::All(nodes.iter().map(tree).collect()),
        Node::Any(nodes) => Tree::Any(nodes.iter().map(tree).collect()),
        Node::Not(node) => Tree::Not(Box::new(tree(node))),
        Node::Empty(column) | Node::Flag { column, .. } => leaf(*column, node),
        Node::Token(test) => leaf(test.column, node),
        Node::Number(test) => leaf(test.column, node),
        Node::Text(test) => leaf(test.column, node),
        Node::Computed(test) => {
            let mut test = ComputedTest::clone(test);
            test.computed.read_raw();
            let mut columns = Vec::new();
            test.computed.add_columns(&mut columns);
            columns.sort_unstable();
            columns.dedup();
            let fields = columns.into_iter().map(|column| (column, Vec::new())).collect();
            Tree::Computed(Box::new(ComputedLeaf { test, fields: RowFields(fields) }))
        }
    }
}

impl ColumnMatcher {
    /// Takes those rows out of `mask` for which the predicate is not TRUE. The mask has one entry
    /// for each row, and so has every column.
    pub fn narrow(&mut self, columns: &impl Columns, mask: &mut [bool]) {
        self.tree.narrow(columns, mask, &mut self.space);
    }

    /// Whether a value that can't be read was met since this was asked last. Where not, every
    /// answer of [`ColumnMatcher::narrow`] stands.
    pub fn met_unreadable(&mut self) -> bool {
        mem::take(&mut self.space.scratch.met_unreadable)
    }

    /// The columns of a row whose values can't be read and leave open whether it matches, as
    /// [`Matcher::unsettled`] tells them.
    #[cold]
    pub fn unsettled(&mut self, columns: &impl Columns, row: usize) -> Vec<usize> {
        let mut open = Vec::new();
        self.tree.truth(columns, row, &mut self.space, &mut open);
        self.space.scratch.met_unreadable = false;
        open
    }
}

impl Tree {
    fn narrow(&mut self, columns: &impl Columns, mask: &mut [bool], space: &mut Space) {
        match self {
            Self::Constant(true) => {}
            Self::Constant(false) => mask.fill(false),
            Self::All(trees) => {
                for tree in trees {
                    tree.narrow(columns, mask, space);
                }
            }
            Self::Any(trees) => {
                // What is open is asked of the next one; what one has accepted is not open.
                let mut open = space.copy(mask);
                for tree in trees {
                    let mut asked = space.copy(&open);
                    tree.narrow(columns, &mut asked, space);
                    open.iter_mut().zip(&asked).for_each(|(open, yes)| *open &= !yes);
                    space.masks.push(asked);
                }
                mask.iter_mut().zip(&open).for_each(|(mask, open)| *mask &= !open);
                space.masks.push(open);
            }
            Self::Not(tree) => {
                let mut asked = space.copy(mask);
                tree.narrow(columns, &mut asked, space);
                mask.iter_mut().zip(&asked).for_each(|(mask, yes)| *mask &= !yes);
                space.masks.push(asked);
            }
            Self::Leaf(leaf) => leaf.narrow(&columns.values(leaf.column), mask, space),
            Self::Computed(leaf) => leaf.narrow(columns, mask, space),
        }
    }

    /// What is true of one row; `None` where values that can't be read leave it open.
    fn truth(
        &self,
        columns: &impl Columns,
        row: usize,
        space: &mut Space,
        open: &mut Vec<usize>,
    ) -> Option<bool> {
        match self {
            Self::Constant(answer) => Some(*answer),
            Self::All(trees) => {
                settled(trees, false, open, |tree, open| tree.truth(columns, row, space, open))
            }
            Self::Any(trees) => {
                settled(trees, true, open, |tree, open| tree.truth(columns, row, space, open))
            }
            Self::Not(tree) => tree.truth(columns, row, space, open).map(|answer| !answer),
            Self::Leaf(leaf) => {
                let Space { scratch, text, .. } = space;
                let field = columns.values(leaf.column).text(row, text);
                leaf_truth(&leaf.test, &[leaf.column], field, scratch, open)
            }
            Self::Computed(leaf) => leaf.truth(columns, row, space, open),
        }
    }
}

impl Space {
    /// A copy of a mask, in memory that was used before where possible.
    fn copy(&mut self, mask: &[bool]) -> Vec<bool> {
        let mut copy = self.masks.pop().unwrap_or_default();
        copy.clear();
        copy.extend_from_slice(mask);
        copy
    }
}

impl ComputedLeaf {
    /// Row by row: each row's fields are written out, and the test is asked.
    fn narrow(&mut self, columns: &impl Columns, mask: &mut [bool], space: &mut Space) {
        for (row, mask) in mask.iter_mut().enumerate().filter(|(_, mask)| **mask) {
            self.fields.fill(columns, row, &mut space.text);
            *mask = self.test.matches(&self.fields, &mut space.scratch);
        }
    }

    /// As [`Tree::truth`].
    fn truth(
        &self,
        columns: &impl Columns,
        row: usize,
        space: &mut Space,
        open: &mut Vec<usize>,
    ) -> Option<bool> {
        let mut fields = self.fields.clone();
        fields.fill(columns, row, &mut space.text);
        self.test.truth(&fields, &mut space.scratch, open)
    }
}

impl Leaf {
    fn narrow(&mut self, values: &ColumnValues<'_>, mask: &mut [bool], space: &mut Space) {
        match (*values, &self.test) {
            (ColumnValues::Dictionary { dictionary, codes }, _) => {
                self.narrow_coded(dictionary, codes, mask, &mut space.scratch);
            }
            (ColumnValues::Bytes { data, spans }, test) => {
                for (mask, span) in mask.iter_mut().zip(spans).filter(|(mask, _)| **mask) {
                    *mask = test.test(span.of(data), &mut space.scratch);
                }
            }
            (ColumnValues::Flags(flags), Node::Flag { want, .. }) => {
                let wanted = u8::from(*want);
                mask.iter_mut().zip(flags).for_each(|(mask, flag)| *mask &= *flag == wanted);
            }
            (ColumnValues::Flags(flags), Node::Empty(_)) => {
                mask.iter_mut().zip(flags).for_each(|(mask, flag)| *mask &= *flag == FLAG_NULL);
            }
            (
                ColumnValues::Integers { valid, .. } | ColumnValues::Instants { valid, .. },
                Node::Empty(_),
            ) => match valid {
                None => mask.fill(false),
                Some(valid) => {
                    mask.iter_mut().zip(valid).for_each(|(mask, valid)| *mask &= !valid);
                }
            },
            (ColumnValues::Integers { values, valid }, Node::Number(test))
                if test.reading == NumberReading::Integer =>
            {
                narrow_numbers(&test.numbers, test.want, 1, values, valid, mask);
            }
            (ColumnValues::Instants { values, valid, unit }, Node::Number(test))
                if test.reading == NumberReading::Instant =>
            {
                let met = drop_no_dates(values, valid, unit, mask);
                space.scratch.met_unreadable |= met && !test.cast;
                narrow_numbers(&test.numbers, test.want, unit.nanos(), values, valid, mask);
            }
            (values, test) => {
                for (row, mask) in mask.iter_mut().enumerate().filter(|(_, mask)| **mask) {
                    *mask = test.test(values.text(row, &mut space.text), &mut space.scratch);
                }
            }
        }
    }

    /// Each value of the dictionary is asked about once.
    fn narrow_coded(
        &mut self,
        dictionary: &Dictionary,
        codes: &[u32],
        mask: &mut [bool],
        scratch: &mut Scratch,
    ) {
        let met_before = self.remember(dictionary.serial, dictionary.spans.len());
        scratch.met_unreadable |= met_before;
        let Self { test, answers, has_unreadable, .. } = self;
        let mut ask = |code: usize| {
            let value = dictionary.value(code as u32);
            let passes = test.test(value, scratch);
            *has_unreadable |= scratch.met_unreadable;
            if passes { Answer::Yes } else { Answer::No }
        };
        if answers.len() <= mask.len() {
            for (code, answer) in answers.iter_mut().enumerate() {
                if *answer == Answer::Unknown {
                    *answer = ask(code);
                }
            }
            for (mask, code) in mask.iter_mut().zip(codes) {
                *mask &= answers.get(*code as usize) == Some(&Answer::Yes);
            }
            return;
        }
        for (mask, code) in mask.iter_mut().zip(codes).filter(|(mask, _)| **mask) {
            let code = *code as usize;
            let Some(answer) = answers.get_mut(code) else {
                *mask = false;
                continue;
            };
            if *answer == Answer::Unknown {
                *answer = ask(code);
            }
            *mask = *answer == Answer::Yes;
        }
    }

    /// Forgets what was said of another dictionary. Gives whether a value of this one that was
    /// asked about can't be read: it may be met again without a question.
    fn remember(&mut self, serial: u64, values: usize) -> bool {
        if self.serial != Some(serial) || self.answers.len() != values {
            self.answers.clear();
            self.answers.resize(values, Answer::Unknown);
            self.serial = Some(serial);
            self.has_unreadable = false;
        }
        self.has_unreadable
    }
}

/// Takes those rows out of `mask` whose instants are not dates; tells whether there were any.
fn drop_no_dates(
    values: &[i64],
    valid: Option<&[bool]>,
    unit: TimeUnit,
    mask: &mut [bool],
) -> bool {
    let (first, last) = unit.dates();
    // No value has a bit that none here has. So all usual ones are told by one look at each: none
    // is below zero, nor has as many digits as the last date.
    let bits = values.iter().fold(0, |bits, value| bits | value.cast_unsigned());
    if bits.leading_zeros() > last.leading_zeros() {
        return false;
    }
    let mut met = false;
    for (row, (mask, value)) in mask.iter_mut().zip(values).enumerate() {
        let is_date = first <= *value && *value <= last;
        if *mask && !is_date && valid.is_none_or(|valid| valid[row]) {
            (*mask, met) = (false, true);
        }
    }
    met
}

/// Numbers counted in `unit`s of what the test is counted in.
fn narrow_numbers(
    numbers: &NumberCheck,
    want: bool,
    unit: i128,
    values: &[i64],
    valid: Option<&[bool]>,
    mask: &mut [bool],
) {
    match numbers {
        NumberCheck::Range(least, most) => {
            let (least, most) = in_units(*least, *most, unit);
            for (mask, value) in mask.iter_mut().zip(values) {
                *mask &= (least <= *value && *value <= most) == want;
            }
        }
        NumberCheck::Set(_) => {
            for (mask, value) in mask.iter_mut().zip(values).filter(|(mask, _)| **mask) {
                *mask = numbers.contains(i128::from(*value) * unit) == want;
            }
        }
    }
    if let Some(valid) = valid {
        mask.iter_mut().zip(valid).for_each(|(mask, valid)| *mask &= valid);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Predicate;
    use super::*;
    use crate::report::Schema;
    use crate::values::Row;
    use crate::values::decode_key;
    use crate::values::{Dictionary, Span, TimeUnit};

    #[test]
    fn a_range_is_rounded_inwards() {
        assert_eq!(in_units(0, 10, 5), (0, 2));
        assert_eq!(in_units(1, 9, 5), (1, 1));
        assert_eq!(in_units(-9, -1, 5), (-1, -1));
        assert_eq!(in_units(1, 4, 5), (1, 0));
        assert_eq!(in_units(i128::MIN, i128::MAX, 1), (i64::MIN, i64::MAX));
        assert_eq!(in_units(i128::MIN, i128::MAX, 1000), (i64::MIN, i64::MAX));
        assert_eq!(in_units(i128::from(i64::MAX) + 1, i128::MAX, 1), (1, 0));
    }

    /// A row as CSV would hold it: its key encoded.
    pub(in super::super) struct EncodedRow<'a>(pub(in super::super) &'a [Vec<u8>]);

    impl Row for EncodedRow<'_> {
        fn field(&self, column: usize) -> &[u8] {
            &self.0[column]
        }
    }

    const NAMES: [&str; 7] = [
        "Key",
        "Size",
        "LastModifiedDate",
        "StorageClass",
        "IsLatest",
        "ChecksumAlgorithm",
        "ObjectAccessControlList",
    ];

    /// Rows in columns, each column in a form of its own.
    struct HeldRows {
        data: Vec<Vec<u8>>,
        spans: Vec<Vec<Span>>,
        dictionary: Dictionary,
        codes: Vec<u32>,
        sizes: Vec<i64>,
        sizes_valid: Vec<bool>,
        dates: Vec<i64>,
        dates_valid: Vec<bool>,
        flags: Vec<u8>,
    }

    impl Columns for HeldRows {
        fn values(&self, column: usize) -> ColumnValues<'_> {
            match column {
                1 => ColumnValues::Integers { values: &self.sizes, valid: Some(&self.sizes_valid) },
                2 => ColumnValues::Instants {
                    values: &self.dates,
                    valid: Some(&self.dates_valid),
                    unit: TimeUnit::Millis,
                },
                3 => ColumnValues::Dictionary { dictionary: &self.dictionary, codes: &self.codes },
                4 => ColumnValues::Flags(&self.flags),
                _ => ColumnValues::Bytes { data: &self.data[column], spans: &self.spans[column] },
            }
        }
    }

    type Cells = (String, Option<i64>, Option<i64>, u32, u8, String, String);

    const CLASSES: [&str; 4] = ["GLACIER", "Standard", "STANDARD_IA", ""];

    fn held(rows: &[Cells]) -> HeldRows {
        let mut held = HeldRows {
            data: vec![Vec::new(); NAMES.len()],
            spans: vec![Vec::new(); NAMES.len()],
            dictionary: Dictionary { serial: 7, ..Dictionary::default() },
            codes: rows.iter().map(|row| row.3).collect(),
            sizes: rows.iter().map(|row| row.1.unwrap_or(3)).collect(),
            sizes_valid: rows.iter().map(|row| row.1.is_some()).collect(),
            dates: rows.iter().map(|row| row.2.unwrap_or(3)).collect(),
            dates_valid: rows.iter().map(|row| row.2.is_some()).collect(),
            flags: rows.iter().map(|row| row.4).collect(),
        };
        let push = |data: &mut Vec<u8>, text: &str| {
            let from = data.len() as u32;
            data.extend_from_slice(text.as_bytes());
            Span { from, to: data.len() as u32 }
        };
        for row in rows {
            for (column, text) in [(0, &row.0), (5, &row.5), (6, &row.6)] {
                let span = push(&mut held.data[column], text);
                held.spans[column].push(span);
            }
        }
        for class in CLASSES {
            let span = push(&mut held.dictionary.data, class);
            held.dictionary.spans.push(span);
        }
        held
    }

    /// The same rows as texts; keys are raw, as the columns have them.
    fn texts(rows: &[Cells]) -> Vec<Vec<Vec<u8>>> {
        let held = held(rows);
        let mut scratch = Vec::new();
        let text =
            |row, column, scratch: &mut Vec<u8>| held.values(column).text(row, scratch).to_vec();
        (0..rows.len())
            .map(|row| (0..NAMES.len()).map(|column| text(row, column, &mut scratch)).collect())
            .collect()
    }

    const CONDITIONS: [&str; 33] = [
        "Size > 5 AND LastModifiedDate < '2024-01-01'",
        "Size BETWEEN -1 AND 2 OR StorageClass = 'glacier'",
        "NOT (Size IN (1, 2) AND IsLatest)",
        "StorageClass IS NULL OR Size IS NULL",
        "StorageClass <> 'STANDARD' AND NOT StorageClass = 'GLACIER'",
        "Key LIKE 'a%' OR Key = 'b+b' OR Key > 'c'",
        "NOT IsLatest",
        "IsLatest IS UNKNOWN OR (Size > 0) IS UNKNOWN",
        "CAST(Size AS VARCHAR) LIKE '1%'",
        "CAST(LastModifiedDate AS VARCHAR) LIKE '%T%Z' AND LastModifiedDate IS NOT NULL",
        "LastModifiedDate IN ('2023-11-14T22:13:20Z', '1970-01-01')",
        "ChecksumAlgorithm = 'SHA256' OR ChecksumAlgorithm IN ('crc-32', 'MD5')",
        "regexp_like(Key, '[a+]b') OR StorageClass LIKE 'STANDARD%'",
        "LOWER(Key) = 'a b' OR Key ILIKE '%B'",
        "TRUE",
        "FALSE OR Size <> 2.5",
        "Size < 1.5 OR Size >= 1e18",
        "LastModifiedDate IS NULL OR LastModifiedDate >= '2023-11-14T22:13:20.001Z'",
        "(Size = 1 OR Size = 2) AND (Key = 'a' OR NOT IsLatest OR StorageClass = 'GLACIER')",
        "StorageClass IN ('GLACIER', 'STANDARD') AND Size IS NOT NULL",
        "Key = '' OR Size = ''",
        "CAST(Key AS BIGINT) > 3",
        "Size + 1 > length(Key)",
        "substr(Key, 1, 1) = 'a' OR year(LastModifiedDate) = 2023",
        "CASE WHEN Key LIKE 'a%' THEN Size ELSE 7 END > 1 AND StorageClass IS NOT NULL",
        "coalesce(IsLatest, Size > 0)",
        "NOT (lower(StorageClass) || Key = 'standarda')",
        "CAST(Size AS VARCHAR) || CAST(LastModifiedDate AS VARCHAR) LIKE '1%Z'",
        "date_trunc('day', LastModifiedDate) < LastModifiedDate",
        "ChecksumAlgorithm = StorageClass OR ChecksumAlgorithm || '' = 'sha256'",
        "ObjectAccessControlList LIKE '%AllUsers%'",
        "UPPER(ObjectAccessControlList) = '{}' OR ObjectAccessControlList = 'e30'",
        "NOT ObjectAccessControlList LIKE '{%' OR ObjectAccessControlList IS NULL",
    ];

    proptest! {
        /// The matcher of columns, that of rows, and the oracle say the same.
        #[test]
        fn columns_are_matched_as_rows_are(
            rows in proptest::collection::vec(
                (
                    "[abB+% 5é]{0,3}",
                    proptest::option::of(prop_oneof![-3..4i64, any::<i64>()]),
                    proptest::option::of(prop_oneof![
                        Just(0i64), Just(1_700_000_000_000), Just(1_700_000_000_001),
                        0..2_000_000_000_000i64]),
                    0..4u32,
                    0..3u8,
                    prop_oneof![Just("SHA-256"), Just("sha256"), Just("CRC32"), Just("")]
                        .prop_map(str::to_owned),
                    prop_oneof![
                        // {}, {"a":"AllUsers"}, two that encode no object, nothing.
                        Just("e30="), Just("eyJhIjoiQWxsVXNlcnMifQ=="), Just("e30"), Just("W10="),
                        Just("AllUsers"), Just("")]
                        .prop_map(str::to_owned),
                ),
                1..40),
            condition in 0..CONDITIONS.len(),
            piece in 1..50usize,
        ) {
            let schema = Schema::from_names(NAMES);
            let text = CONDITIONS[condition];
            let predicate = Predicate::parse(text, &schema, jiff::Timestamp::UNIX_EPOCH).unwrap();
            let mut matcher = ColumnMatcher::from(&predicate.compile());
            let all = texts(&rows);
            let mut expected = Vec::new();
            for cells in &all {
                // What CSV would hold: the key encoded, here every byte of it.
                let mut cells = cells.clone();
                cells[0] = cells[0].iter().flat_map(|b| format!("%{b:02X}").into_bytes()).collect();
                let mut back = Vec::new();
                decode_key(&cells[0], &mut back);
                let row = EncodedRow(&cells);
                let wanted = predicate.evaluate_slowly(&row) == Some(true);
                prop_assert_eq!(predicate.compile().matches(&row), wanted);
                expected.push(wanted);
            }
            let mut found = Vec::new();
            for rows in rows.chunks(piece) {
                let mut mask = vec![true; rows.len()];
                matcher.narrow(&held(rows), &mut mask);
                found.extend(mask);
            }
            prop_assert_eq!(found, expected, "{}", text);
        }
    }
}
