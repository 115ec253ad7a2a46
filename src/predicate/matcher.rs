//! The compiled predicate: a tree of two-valued tests on the raw bytes of fields.
//!
//! Nothing is allocated while rows are matched, except inside jiff for dates of no usual form and
//! while the scratch buffers grow to the longest key.
//!
//! Never knows SQL or NULL: [`super::compile`] has turned "TRUE in three values" into plain yes
//! and no.

use super::acl;
use super::expr::Operand;
use super::like::MatchPlan;
use super::read::{NumberReading, flag};
use super::scalar::ComputedCondition;
use crate::report::ColumnKind;
use crate::values::{self, Row};

/// Tests rows. One per worker: it owns the buffers that keys are decoded into.
#[derive(Debug, Clone)]
pub struct Matcher {
    pub(super) node: Node,
    scratch: Scratch,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Scratch {
    decoded: Vec<u8>,
    folded: Vec<u8>,
    /// Whether a test met a value that is not of its column's type, since this was reset.
    pub(super) met_unreadable: bool,
}

impl Matcher {
    pub(super) fn new(node: Node) -> Self {
        Self { node, scratch: Scratch::default() }
    }

    /// Whether no row can match, whatever is in it.
    #[must_use]
    pub fn is_never(&self) -> bool {
        matches!(self.node, Node::Constant(false))
    }

    /// The columns that are looked at, in no order, some more than once.
    pub fn add_columns(&self, columns: &mut Vec<usize>) {
        self.node.add_columns(columns);
    }

    /// Whether the predicate is TRUE for the row; FALSE and NULL are both `false`.
    #[inline]
    pub fn matches<R: Row + ?Sized>(&mut self, row: &R) -> bool {
        // The commonest predicates are one test of a token: that path is inlined with the row.
        match &self.node {
            Node::Token(test) => test.matches(row.field(test.column)),
            node => node.matches(row, &mut self.scratch),
        }
    }

    /// Whether a value that can't be read was met since [`Matcher::unsettled`] was asked. Where
    /// not, every answer of [`Matcher::matches`] stands.
    #[inline]
    #[must_use]
    pub fn met_unreadable(&self) -> bool {
        self.scratch.met_unreadable
    }

    /// The columns of the row whose values can't be read and leave open whether it matches, each
    /// once; none where the other values decide. To be asked where a value was met that can't be
    /// read.
    #[cold]
    pub fn unsettled<R: Row + ?Sized>(&mut self, row: &R) -> Vec<usize> {
        let mut columns = Vec::new();
        self.node.truth(row, &mut self.scratch, &mut columns);
        self.scratch.met_unreadable = false;
        columns
    }
}

/// A test that is true or false for each row. Where `want` is in a node, the node is true when
/// the field is not NULL and the answer is `want`: so no node is true where SQL says NULL.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Constant(bool),
    All(Box<[Node]>),
    Any(Box<[Node]>),
    Not(Box<Node>),
    /// The field is empty.
    Empty(usize),
    Token(TokenTest),
    Flag {
        column: usize,
        encoding: FieldEncoding,
        cast: bool,
        want: bool,
    },
    Number(NumberTest),
    Text(TextTest),
    Computed(Box<ComputedTest>),
}

/// A condition on values that are computed from the row.
#[derive(Debug, Clone)]
pub(super) struct ComputedTest {
    pub(super) computed: ComputedCondition,
    pub(super) want: bool,
}

/// A row of a type that is not known here.
struct AnyRow<'r, R: ?Sized>(&'r R);

impl<R: Row + ?Sized> Row for AnyRow<'_, R> {
    fn field(&self, column: usize) -> &[u8] {
        self.0.field(column)
    }
}

/// A token column against one value or several.
#[derive(Debug, Clone)]
pub(super) struct TokenTest {
    pub(super) column: usize,
    /// Folded, ascending by length.
    pub(super) values: Box<[Box<[u8]>]>,
    pub(super) want: bool,
}

/// A field that is read as a number.
#[derive(Debug, Clone)]
pub(super) struct NumberTest {
    pub(super) column: usize,
    pub(super) encoding: FieldEncoding,
    /// The column is of another type: a value that can't be read so is NULL, as anybody who casts
    /// it knows.
    pub(super) cast: bool,
    pub(super) reading: NumberReading,
    pub(super) numbers: NumberCheck,
    pub(super) want: bool,
}

/// What is decoded before a field is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldEncoding {
    /// Nothing.
    None,
    /// A key, as CSV writes it.
    Key,
    /// An access control list.
    Acl,
}

impl FieldEncoding {
    /// Appends what a field encodes to `out`; `false`, and nothing, where it stands for itself.
    pub(super) fn decode(self, field: &[u8], out: &mut Vec<u8>) -> bool {
        match self {
            Self::None => false,
            Self::Key if values::is_plain(field) => false,
            Self::Key => {
                values::decode_key(field, out);
                true
            }
            Self::Acl => acl::decode_acl(field, out),
        }
    }
}

#[derive(Debug, Clone)]
pub(super) enum NumberCheck {
    /// Both ends are inside; empty when the first is above the second.
    Range(i128, i128),
    /// Ascending.
    Set(Box<[i128]>),
}

/// A field that is read as text.
#[derive(Debug, Clone)]
pub(super) struct TextTest {
    pub(super) column: usize,
    pub(super) encoding: FieldEncoding,
    pub(super) fold: CaseFold,
    pub(super) check: TextCheck,
    pub(super) want: bool,
}

/// How letters are changed before a text is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CaseFold {
    None,
    /// Each character by Unicode's lower case; bytes that are no UTF-8 stay.
    Lower,
    Upper,
    Token {
        ignores_hyphens: bool,
    },
}

#[derive(Debug, Clone)]
pub(super) enum TextCheck {
    Below(Box<[u8]>),
    AtMost(Box<[u8]>),
    /// Ascending by length, then by bytes.
    OneOf(Box<[Box<[u8]>]>),
    Like(MatchPlan),
    Regex(regex::bytes::Regex),
}

impl Node {
    pub(super) fn matches<R: Row + ?Sized>(&self, row: &R, scratch: &mut Scratch) -> bool {
        match self {
            Self::Constant(answer) => *answer,
            Self::All(nodes) => nodes.iter().all(|node| node.matches(row, scratch)),
            Self::Any(nodes) => nodes.iter().any(|node| node.matches(row, scratch)),
            Self::Not(node) => !node.matches(row, scratch),
            Self::Empty(column) | Self::Flag { column, .. } => {
                self.test(row.field(*column), scratch)
            }
            Self::Token(test) => test.matches(row.field(test.column)),
            Self::Number(test) => test.matches(row.field(test.column), scratch),
            Self::Text(test) => test.matches(row.field(test.column), scratch),
            Self::Computed(test) => test.matches(&AnyRow(row), scratch),
        }
    }

    /// As [`Node::matches`], given the field that a test of one column looks at; `false` of any
    /// other node.
    pub(super) fn test(&self, field: &[u8], scratch: &mut Scratch) -> bool {
        match self {
            Self::Empty(_) => field.is_empty(),
            Self::Token(test) => test.matches(field),
            Self::Flag { encoding, cast, want, .. } => {
                match flag(decoded(field, *encoding, &mut scratch.decoded)) {
                    Some(flag) => flag == *want,
                    None => {
                        scratch.met_unreadable |= !(*cast || field.is_empty());
                        false
                    }
                }
            }
            Self::Number(test) => test.matches(field, scratch),
            Self::Text(test) => test.matches(field, scratch),
            Self::Constant(_) | Self::All(_) | Self::Any(_) | Self::Not(_) | Self::Computed(_) => {
                false
            }
        }
    }

    /// Whether the field is of the type that a test of one column reads it as; an empty one is.
    pub(super) fn can_read(&self, field: &[u8], scratch: &mut Scratch) -> bool {
        let outer = std::mem::take(&mut scratch.met_unreadable);
        self.test(field, scratch);
        !std::mem::replace(&mut scratch.met_unreadable, outer)
    }

    /// As [`Node::matches`], but `None` where values that can't be read leave it open; their
    /// columns go to `open`. What the other values decide stands, whatever those are.
    pub(super) fn truth<R: Row + ?Sized>(
        &self,
        row: &R,
        scratch: &mut Scratch,
        open: &mut Vec<usize>,
    ) -> Option<bool> {
        match self {
            Self::Constant(answer) => Some(*answer),
            Self::All(nodes) => {
                settled(nodes, false, open, |node, open| node.truth(row, scratch, open))
            }
            Self::Any(nodes) => {
                settled(nodes, true, open, |node, open| node.truth(row, scratch, open))
            }
            Self::Not(node) => node.truth(row, scratch, open).map(|answer| !answer),
            Self::Computed(test) => test.truth(&AnyRow(row), scratch, open),
            leaf => {
                let mut columns = Vec::new();
                leaf.add_columns(&mut columns);
                let field = columns.first().map_or(&[][..], |column| row.field(*column));
                leaf_truth(leaf, &columns, field, scratch, open)
            }
        }
    }

    /// Makes a test of one column take keys as they stand, not encoded.
    pub(super) fn read_raw(&mut self) {
        let encoding = match self {
            Self::Flag { encoding, .. } => encoding,
            Self::Number(test) => &mut test.encoding,
            Self::Text(test) => &mut test.encoding,
            Self::Computed(test) => return test.computed.read_raw(),
            _ => return,
        };
        if *encoding == FieldEncoding::Key {
            *encoding = FieldEncoding::None;
        }
    }

    /// As [`Node::read_raw`], for all tests of a tree.
    pub(super) fn read_raw_throughout(&mut self) {
        match self {
            Self::All(nodes) | Self::Any(nodes) => {
                nodes.iter_mut().for_each(Self::read_raw_throughout);
            }
            Self::Not(node) => node.read_raw_throughout(),
            test => test.read_raw(),
        }
    }

    fn add_columns(&self, columns: &mut Vec<usize>) {
        match self {
            Self::Constant(_) => {}
            Self::All(nodes) | Self::Any(nodes) => {
                nodes.iter().for_each(|node| node.add_columns(columns));
            }
            Self::Not(node) => node.add_columns(columns),
            Self::Empty(column) | Self::Flag { column, .. } => columns.push(*column),
            Self::Token(test) => columns.push(test.column),
            Self::Number(test) => columns.push(test.column),
            Self::Text(test) => columns.push(test.column),
            Self::Computed(test) => test.computed.add_columns(columns),
        }
    }
}

impl ComputedTest {
    pub(super) fn matches(&self, row: &dyn Row, scratch: &mut Scratch) -> bool {
        self.computed.truth(row, scratch) == Some(self.want)
    }

    /// What is true of a row; `None`, and the columns are in `open`, where values can't be read.
    pub(super) fn truth(
        &self,
        row: &dyn Row,
        scratch: &mut Scratch,
        open: &mut Vec<usize>,
    ) -> Option<bool> {
        let outer = std::mem::take(&mut scratch.met_unreadable);
        let answer = self.matches(row, scratch);
        let mut found = Vec::new();
        if scratch.met_unreadable {
            // None where a condition inside is decided by other values.
            self.computed.add_unreadable(row, scratch, &mut found);
        }
        scratch.met_unreadable = outer;
        let is_settled = found.is_empty();
        open.extend(found);
        is_settled.then_some(answer)
    }
}

/// What is true of a list of tests one of which, if it says `decisive`, decides; `None` where that
/// is open. The columns by which it is open go to `open`, each once.
pub(super) fn settled<T>(
    tests: impl IntoIterator<Item = T>,
    decisive: bool,
    open: &mut Vec<usize>,
    mut truth: impl FnMut(T, &mut Vec<usize>) -> Option<bool>,
) -> Option<bool> {
    let mut found = Vec::new();
    for test in tests {
        if truth(test, &mut found) == Some(decisive) {
            return Some(decisive);
        }
    }
    let is_settled = found.is_empty();
    for column in found {
        if !open.contains(&column) {
            open.push(column);
        }
    }
    is_settled.then_some(!decisive)
}

/// What a test of one column says of a field; `None`, and the column is in `open`, where it can't
/// be read.
pub(super) fn leaf_truth(
    test: &Node,
    columns: &[usize],
    field: &[u8],
    scratch: &mut Scratch,
    open: &mut Vec<usize>,
) -> Option<bool> {
    if test.can_read(field, scratch) {
        return Some(test.test(field, scratch));
    }
    open.extend(columns.iter().filter(|column| !open.contains(column)).collect::<Vec<_>>());
    None
}

impl TokenTest {
    #[inline]
    fn matches(&self, field: &[u8]) -> bool {
        if let [value] = &*self.values
            && self.want
        {
            // No value is empty, so an empty field, NULL, is never equal.
            return field.len() == value.len()
                && (field == &**value || field.eq_ignore_ascii_case(value));
        }
        !field.is_empty()
            && self.values.iter().any(|value| field.eq_ignore_ascii_case(value)) == self.want
    }
}

impl NumberTest {
    fn matches(&self, field: &[u8], scratch: &mut Scratch) -> bool {
        let field = decoded(field, self.encoding, &mut scratch.decoded);
        let number = match self.cast {
            false => self.reading.number(field),
            true => self.reading.number_of_text(field),
        };
        match number {
            Some(number) => self.numbers.contains(number) == self.want,
            None => {
                scratch.met_unreadable |= !(self.cast || field.is_empty());
                false
            }
        }
    }
}

impl NumberCheck {
    pub(super) fn contains(&self, number: i128) -> bool {
        match self {
            Self::Range(least, most) => *least <= number && number <= *most,
            Self::Set(numbers) => numbers.binary_search(&number).is_ok(),
        }
    }
}

impl TextTest {
    fn matches(&self, field: &[u8], scratch: &mut Scratch) -> bool {
        !field.is_empty() && self.answer(field, scratch) == self.want
    }

    fn answer(&self, field: &[u8], scratch: &mut Scratch) -> bool {
        if self.encoding == FieldEncoding::Key && self.fold == CaseFold::None {
            // Equality and prefixes need no more of the key than they look at.
            match &self.check {
                TextCheck::OneOf(values) if values.len() == 1 => {
                    return values::decoded_equals(field, &values[0]);
                }
                TextCheck::Like(MatchPlan::Equals(wanted)) => {
                    return values::decoded_equals(field, wanted);
                }
                TextCheck::Like(MatchPlan::StartsWith(wanted)) => {
                    return values::decoded_starts_with(field, wanted);
                }
                _ => {}
            }
        }
        let text = decoded(field, self.encoding, &mut scratch.decoded);
        let text = folded(text, self.fold, &mut scratch.folded);
        match &self.check {
            TextCheck::Below(limit) => text < &**limit,
            TextCheck::AtMost(limit) => text <= &**limit,
            TextCheck::OneOf(values) => {
                values.binary_search_by(|value| by_length(value, text)).is_ok()
            }
            TextCheck::Like(plan) => plan.matches(text),
            TextCheck::Regex(regex) => regex.is_match(text),
        }
    }
}

/// The order of value sets: most values are told apart by their length alone.
pub(super) fn by_length(a: &[u8], b: &[u8]) -> std::cmp::Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// The field itself where nothing needs decoding, else the buffer with what it encodes.
fn decoded<'b>(field: &'b [u8], encoding: FieldEncoding, buffer: &'b mut Vec<u8>) -> &'b [u8] {
    if encoding == FieldEncoding::None {
        return field;
    }
    buffer.clear();
    if encoding.decode(field, buffer) { buffer } else { field }
}

fn folded<'b>(text: &'b [u8], fold: CaseFold, buffer: &'b mut Vec<u8>) -> &'b [u8] {
    buffer.clear();
    match fold {
        CaseFold::None => return text,
        CaseFold::Token { ignores_hyphens } => fold_token(text, ignores_hyphens, buffer),
        CaseFold::Lower if text.is_ascii() => {
            buffer.extend(text.iter().map(u8::to_ascii_lowercase));
        }
        CaseFold::Upper if text.is_ascii() => {
            buffer.extend(text.iter().map(u8::to_ascii_uppercase));
        }
        CaseFold::Lower => fold_chars(text, char::to_lowercase, buffer),
        CaseFold::Upper => fold_chars(text, char::to_uppercase, buffer),
    }
    buffer
}

pub(super) fn fold_chars<I: Iterator<Item = char>>(
    text: &[u8],
    change: impl Fn(char) -> I,
    out: &mut Vec<u8>,
) {
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars().flat_map(&change) {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
        out.extend_from_slice(chunk.invalid());
    }
}

/// ASCII letters in upper case; without hyphens where the column ignores them, unless nothing
/// would be left: an empty text would mean NULL.
pub(super) fn fold_token(text: &[u8], ignores_hyphens: bool, out: &mut Vec<u8>) {
    let keeps = !ignores_hyphens || text.iter().all(|byte| *byte == b'-');
    let kept = text.iter().filter(|byte| keeps || **byte != b'-');
    out.extend(kept.map(u8::to_ascii_uppercase));
}

/// What must be decoded of a column's fields before they are looked at.
pub(super) fn encoding(operand: &Operand) -> FieldEncoding {
    match operand.kind {
        ColumnKind::Key => FieldEncoding::Key,
        ColumnKind::Acl => FieldEncoding::Acl,
        _ => FieldEncoding::None,
    }
}
