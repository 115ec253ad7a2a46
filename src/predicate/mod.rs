//! Predicates: an SQL expression over a report's columns, compiled to tests on raw field bytes.
//!
//! Never knows a file format beyond "give me the bytes of column n".
//!
//! # How a text becomes a test
//! `parse` holds the text to its bounds and gives it to sqlparser. `typing` (with `columns` for
//! names and `constant` for literals) turns sqlparser's tree into ours, `expr`: a test has a column
//! of one schema, and literals of that column's type. What is neither column nor constant is a
//! typed tree of `scalar`, and a condition on such trees is a leaf of `expr`; `side` decides which
//! of the two a comparison is. The typed tree prints itself as the canonical text, "as understood".
//! `compile` turns it into two-valued tests, cheapest first,
//! which `matcher` runs on each row. For formats that hold columns, `vector` runs the same tests on
//! many rows at a time, and `skip` tells from bounds of their values that none can match. `oracle`
//! evaluates the typed tree the obvious way. Computed conditions are evaluated by one evaluator in
//! all of these, row by row and last; its oracle is DuckDB (`tests/duckdb/expressions.py`).
//!
//! A text that is not understood is looked at once more by `syntax`, which tells what is wrong in
//! the words of the person who wrote it.
//!
//! If you add a check to the tree: print it in `expr`, compile it, evaluate it in the oracle, and
//! give it to the generator in `tests`, which holds all of them against each other.
//!
//! # The language
//! SQL's boolean expressions: `= <> != < <= > >=`, `[NOT] IN`, `[NOT] BETWEEN`, `[NOT] LIKE …
//! [ESCAPE]`, `ILIKE`, `IS [NOT] NULL`, `IS [NOT] TRUE | FALSE | UNKNOWN`, `NOT`, `AND`, `OR`,
//! parentheses, `regexp_like(text, 'pattern')`, and `TRUE`, `FALSE` and `NULL` as they stand. Where
//! one side of a comparison is a column and the other a constant, the rules below hold. Any other
//! values are computed, with Athena's functions and meaning: see `scalar`.
//!
//! Columns go by the report's own names in any case, with or without underscores
//! (`bucket_key_status`), in double quotes or not, or by place: `_1` is the first.
//!
//! What a literal may be follows from the column:
//! - whole numbers (Size): numbers, also negative or with a fraction, compared exactly; sizes in
//!   quotes (`'5GiB'`); sums and products of constants.
//! - dates: ISO 8601 in quotes, date alone (its first instant) or with a time, UTC unless there is
//!   an offset; `DATE '…'`, `TIMESTAMP '…'`; `now()`, `current_timestamp`, `current_date`; these
//!   `+` or `-` `INTERVAL '30 days'`, where months and years are calendar units in UTC.
//! - true or false: `TRUE`, `FALSE`, or these in quotes. Such a column alone is a condition.
//! - tokens (`StorageClass` and other columns of a few names): compared without regard to ASCII
//!   case, patterns too; `ChecksumAlgorithm` also without hyphens. A value that S3 does not
//!   document gives a warning.
//! - keys: compared decoded, byte by byte; literals are written decoded.
//! - access control lists: as keys; what is decoded is the JSON text.
//! - other texts: compared byte by byte.
//!
//! In LIKE, `_` is a UTF-8 character, or a byte where there is none; there is no escape character
//! without an ESCAPE clause. LOWER, UPPER and ILIKE change each character by Unicode's mapping.
//!
//! # NULL
//! An empty field is NULL, and so is one that is not what its column's type says (a Size of
//! `abc`): neither equal nor unequal to anything. A row is selected where the predicate is TRUE,
//! not where it is NULL. People who come from CSV tools write `x = ''` for an empty field, which
//! SQL would never find: it is read as `x IS NULL`, `x <> ''` as `x IS NOT NULL`, and `x IN ('',
//! 'A')` as `x IS NULL OR x = 'A'`. The canonical text shows it so.
//!
//! # Values that can't be read
//! A field that is neither empty nor of its column's type (a Size of `1.0E3`, a flag of `1`) counts
//! as NULL, but it never decides about a row without a word. The rule: *such a value counts where
//! the row's other values leave open whether the row matches*. `Size > 5 AND IsLatest` is FALSE for
//! a row that is not the latest, whatever its size; where it is, its size leaves it open. So the
//! rule depends neither on the order of tests nor on what a format could skip, and rows and
//! columns give the same counts. CAST makes NULL of what it can't read, as whoever casts knows.
//!
//! How it is kept at no cost: a test that can't read a field answers `false` and sets
//! `Scratch::met_unreadable`, which it does on a path where reading has failed already. Whoever
//! matches rows looks at that flag, and asks [`Matcher::unsettled`] (of columns,
//! [`ColumnMatcher::unsettled`]) where it is set: these evaluate again, in three values.
//!
//! Whatever else evaluates a predicate does the same: where it reads a field of a typed column that
//! is not empty, is not cast, and can't be read, it sets that flag, and its test in
//! `Node::truth` and `Tree::truth` gives `None` with its column. `read` has the one reading of each
//! type. A test that looks at several columns says in `Node::can_read` whether all were readable.

mod acl;
mod column_test;
mod columns;
mod compile;
mod constant;
mod decimal;
mod error;
mod expr;
mod hints;
mod like;
mod matcher;
mod oracle;
mod parse;
mod pattern;
mod pruning;
mod read;
mod scalar;
mod select;
mod side;
mod sql_tree;
mod syntax;
#[cfg(test)]
mod tests;
mod typer;
mod typing;
#[cfg(test)]
mod unreadable_tests;
mod vector;

use std::fmt;

use jiff::Timestamp;

pub(crate) use error::PredicateError;
pub(crate) use matcher::Matcher;
pub use oracle::check_agreement;
pub(crate) use pruning::PruningStatistics;
pub(crate) use read::{flag, integer, is_readable};
pub use select::Select;
pub(crate) use vector::{ColumnMatcher, Columns};

#[cfg(test)]
use parse::PREDICATE_BYTES_MAX;

use crate::report::Schema;

/// The place of a column that is named outright, from 0: by its name, in quotes or not, or as `_1`
/// for the first.
///
/// # Errors
/// When the schema has no such column, the error tells the nearest name. A column that has no name
/// of its own is refused, for whatever is made of it goes by its name.
pub(crate) fn column(name: &str, schema: &Schema) -> Result<usize, PredicateError> {
    let unquoted = columns::unquoted(name).filter(|_| schema.position(name).is_none());
    let place = columns::find(schema, unquoted.as_deref().unwrap_or(name))?;
    let own = schema.columns().get(place).map_or("", |column| column.name.as_str());
    if own.is_empty() || schema.position(own) != Some(place) {
        return Err(PredicateError::new(format!("column {} has no name of its own", place + 1))
            .missing_column()
            .with_hint("correct fileSchema in the report's manifest.json"));
    }
    Ok(place)
}

/// A condition on rows, parsed and typed against one schema.
///
/// It prints as the canonical text: how it was understood, with columns as the schema spells them,
/// sizes in bytes and dates in RFC 3339. That text reads back as an equal predicate, at any time.
#[derive(Debug, Clone)]
pub struct Predicate {
    expr: expr::Expr,
    warnings: Vec<String>,
}

impl Predicate {
    /// Reads a condition against a schema; `now` is what `now()` means.
    ///
    /// # Errors
    /// When the text is not a condition, a column is missing, or a literal does not fit its column.
    pub fn parse(text: &str, schema: &Schema, now: Timestamp) -> Result<Self, PredicateError> {
        Self::parsed(text, schema, now).map_err(|error| syntax::explained(text, schema, error))
    }

    fn parsed(text: &str, schema: &Schema, now: Timestamp) -> Result<Self, PredicateError> {
        let sql = parse::condition(text)?;
        let evaluator = constant::Evaluator { text, now };
        let mut typer = typer::Typer { schema, evaluator, table: None, warnings: Vec::new() };
        let expr = typer.condition(&sql)?;
        finished(expr, typer.warnings)
    }

    /// The predicate that selects every row.
    #[must_use]
    pub fn always() -> Self {
        Self { expr: expr::Expr::Constant(Some(true)), warnings: Vec::new() }
    }

    /// The columns that are looked at, by their place in the schema from 0; ascending, each once.
    #[must_use]
    pub fn columns(&self) -> Vec<usize> {
        let mut columns = Vec::new();
        self.expr.add_columns(&mut columns);
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    /// What is probably not meant, such as a token that S3 does not know.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Why it may have selected nothing, where it did: what is probably meant instead.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        hints::hints(&self.expr)
    }

    /// Makes the tests that rows are put to.
    #[must_use]
    pub fn compile(&self) -> Matcher {
        Matcher::new(compile::when_true(&self.expr))
    }
}

/// Equal when they were understood alike, whatever was written; warnings do not count.
impl PartialEq for Predicate {
    fn eq(&self, other: &Self) -> bool {
        self.expr == other.expr
    }
}

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expr.fmt(f)
    }
}

/// A predicate whose canonical text can be read again.
fn finished(expr: expr::Expr, warnings: Vec<String>) -> Result<Predicate, PredicateError> {
    parse::check_bounds(&expr.to_string())?;
    Ok(Predicate { expr, warnings })
}
