//! What is wanted of the rows of one report: which match, and what is looked at of those.
//!
//! A CSV row is there whole. Of a column format only these columns are read.
//!
//! Never knows what is done with a row.

use crate::predicate::{ColumnMatcher, Matcher};
use crate::report::Schema;

/// What is wanted of a report's rows; one for each worker: the matcher has scratch space.
#[cfg_attr(
    not(any(feature = "parquet", feature = "orc")),
    expect(dead_code, reason = "CSV rows are there whole")
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
