//! What turns conditions into typed trees: the names it knows, and the warnings it collects.
//!
//! Its work is done by `typing`, `side`, `pattern` and `scalar`.

use sqlparser::ast;
use sqlparser::tokenizer::Span;

use super::column_test::Operand;
use super::columns;
use super::constant::Evaluator;
use super::error::PredicateError;
use crate::report::Schema;

/// Turns conditions into typed trees, collecting warnings.
pub(super) struct Typer<'t> {
    pub(super) schema: &'t Schema,
    pub(super) evaluator: Evaluator<'t>,
    /// The table of a statement; in a condition that stands alone any name may stand for it.
    pub(super) table: Option<TableName>,
    pub(super) warnings: Vec<String>,
}

/// The one table of a statement, and what columns may be qualified by.
#[derive(Debug, Clone)]
pub(super) struct TableName {
    /// The alias, or the last part of the table's own name.
    pub(super) name: String,
    /// The table's own name in all its parts; none where an alias hides it.
    pub(super) path: Vec<String>,
}

impl TableName {
    /// Whether the parts before a column's name are this table.
    fn is_named_by(&self, qualifier: &[ast::Ident]) -> bool {
        let same = |a: &str, b: &ast::Ident| a.eq_ignore_ascii_case(&b.value);
        match qualifier {
            [] => true,
            [only] if same(&self.name, only) => true,
            parts => {
                let from = self.path.len().checked_sub(parts.len());
                let end = from.and_then(|from| self.path.get(from..)).unwrap_or_default();
                !end.is_empty() && end.iter().zip(parts).all(|(a, b)| same(a, b))
            }
        }
    }
}

pub(super) type TypedResult<T> = Result<T, PredicateError>;

impl Typer<'_> {
    pub(super) fn error(&self, span: Span, message: impl Into<String>) -> PredicateError {
        PredicateError::new(message).at(self.evaluator.text, span)
    }

    pub(super) fn warn(&mut self, warning: String) {
        /// More would hide the first.
        const WARNINGS_MAX: usize = 20;
        if self.warnings.len() < WARNINGS_MAX && !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// A comparison with NULL that is not a column's.
    pub(super) fn warn_of_null(&mut self) {
        self.warn(
            "a comparison with NULL is true of no row: for empty fields write Column IS NULL, for \
             all others Column IS NOT NULL"
                .to_owned(),
        );
    }

    pub(super) fn named(&self, names: &[ast::Ident]) -> TypedResult<Operand> {
        let span = names.iter().fold(Span::empty(), |all, name| all.union(&name.span));
        let Some((name, qualifier)) = names.split_last() else {
            return Err(self.error(span, "a column's name is missing"));
        };
        if let Some(table) = &self.table
            && !table.is_named_by(qualifier)
        {
            let alias = &table.name;
            return Err(self
                .error(span, "this names no table of the statement")
                .with_hint(format!("write {alias}.{}", name.value)));
        }
        let column = columns::find(self.schema, &name.value)
            .map_err(|error| error.at(self.evaluator.text, span))?;
        columns::operand(self.schema, column)
            .ok_or_else(|| self.error(span, "the report has no such column").missing_column())
    }
}
