//! Rows of decoded columns about which values decide that can't be read: found by testing each row
//! again, and shown with these values.
//!
//! Never knows what becomes of such a row.

use std::ops::ControlFlow;

use super::DataErrorKind;
use super::scanner::Visitor;
use crate::engine::TaskError;
use crate::predicate::{ColumnMatcher, Columns, Row};

/// A row about which values decide that can't be read, with these.
pub(super) struct UnsettledRow {
    pub(super) number: usize,
    pub(super) values: Vec<(usize, Vec<u8>)>,
}

/// Shows a visitor an unsettled row.
pub(super) struct Unsettled<'v, V> {
    pub(super) visitor: &'v mut V,
    pub(super) values: &'v [(usize, Vec<u8>)],
    /// Whether it matches if these are NULL.
    pub(super) matches: bool,
}

impl<V: Visitor> Visitor for Unsettled<'_, V> {
    fn row<R: Row>(&mut self, row: &R) -> ControlFlow<()> {
        self.matched(row)
    }

    fn matched<R: Row>(&mut self, row: &R) -> ControlFlow<()> {
        self.visitor.unsettled(row, self.values, self.matches)
    }

    fn stopped(&mut self, record: u64) -> Result<(), TaskError<DataErrorKind>> {
        self.visitor.stopped(record)
    }

    fn verdict(&mut self) -> Result<(), TaskError<DataErrorKind>> {
        self.visitor.verdict()
    }
}

/// The rows of a window about which values decide that can't be read, in order.
#[cold]
pub(super) fn unsettled_rows(
    tested: &impl Columns,
    rows: usize,
    matcher: &mut ColumnMatcher,
) -> Vec<UnsettledRow> {
    let mut scratch = Vec::new();
    let mut found = Vec::new();
    for number in 0..rows {
        let columns = matcher.unsettled(tested, number);
        if columns.is_empty() {
            continue;
        }
        let text =
            |column: usize| (column, tested.values(column).text(number, &mut scratch).to_vec());
        found.push(UnsettledRow { number, values: columns.into_iter().map(text).collect() });
    }
    found
}
