//! The columns that are read of a report: those that decide which rows match, and those needed of
//! rows that do.
//!
//! CSV rows are read whole; column formats read only these columns.

use crate::predicate::{ColumnMatcher, Matcher};
use crate::report::Schema;

/// The columns that are read of a report; one for each worker: the matcher has scratch space.
#[cfg_attr(
    not(any(feature = "parquet", feature = "orc")),
    expect(dead_code, reason = "CSV rows are read whole")
)]
#[derive(Debug, Clone)]
pub(crate) struct ReadColumns {
    /// The columns that the report lists.
    pub(crate) schema: Schema,
    /// Which rows match.
    pub(crate) matcher: ColumnMatcher,
    /// The columns that the predicate looks at, ascending.
    pub(crate) tested: Vec<usize>,
    /// The columns that are looked at of rows that match, ascending.
    pub(crate) fields: Vec<usize>,
}

impl ReadColumns {
    /// `fields` may come in any order, and more than once.
    pub(crate) fn new(
        schema: &Schema,
        matcher: &Matcher,
        fields: impl IntoIterator<Item = usize>,
    ) -> Self {
        let mut tested = Vec::new();
        matcher.add_columns(&mut tested);
        let each_once = |mut columns: Vec<usize>| {
            columns.sort_unstable();
            columns.dedup();
            columns
        };
        let tested = each_once(tested);
        let mut fields = each_once(fields.into_iter().collect());
        if tested.is_empty() && fields.is_empty() {
            // Rows are counted by reading them: what a file says of their number may be wrong.
            fields.extend(schema.position("Bucket"));
        }
        Self { schema: schema.clone(), matcher: ColumnMatcher::from(matcher), tested, fields }
    }
}
