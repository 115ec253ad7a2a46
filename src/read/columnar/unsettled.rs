//! Rows of decoded columns about which values decide that can't be read: found by testing each row
//! again, and shown with these values.
//!
//! Never knows what becomes of such a row.

use super::super::visitor::{RowVisitor, VisitResult};
use crate::predicate::{ColumnMatcher, Columns};
use crate::values::Row;

/// A row about which values decide that can't be read, with these.
pub(super) struct UnsettledRow {
    pub(super) number: usize,
    pub(super) values: Vec<(usize, Vec<u8>)>,
}

/// Shows a visitor an unsettled row.
pub(super) struct UnsettledVisitor<'v, V> {
    pub(super) visitor: &'v mut V,
    pub(super) values: &'v [(usize, Vec<u8>)],
    /// Whether it matches if these are NULL.
    pub(super) matches: bool,
}

impl<V: RowVisitor> RowVisitor for UnsettledVisitor<'_, V> {
    fn row<R: Row>(&mut self, row: &R) -> VisitResult {
        self.matched(row)
    }

    fn matched<R: Row>(&mut self, row: &R) -> VisitResult {
        self.visitor.unsettled(row, self.values, self.matches)
    }

    fn at_record(&mut self, record: u64) {
        self.visitor.at_record(record);
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
