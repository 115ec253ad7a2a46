//! Which rows a user asks for, as typed, against the columns of a report.

use jiff::Timestamp;

use crate::predicate::{self, Predicate, PredicateError, Select};
use crate::read::ScanError;
use crate::report::{Report, Schema};

/// Which rows are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    /// All.
    All,
    /// Those for which an SQL expression is true.
    Where(String),
    /// Those that an S3 Select statement selects.
    Sql(String),
}

/// A query against the columns of one report.
#[derive(Debug, Clone)]
pub struct CompiledQuery {
    /// Which rows.
    pub predicate: Predicate,
    /// How many at most.
    pub limit: Option<u64>,
    /// What a user should know about it.
    pub warnings: Vec<String>,
}

impl CompiledQuery {
    /// What to tell where no row was selected.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        let told = |hint: String| format!("no row was selected; {hint}");
        self.predicate.hints().into_iter().map(told).collect()
    }
}

impl Query {
    /// The text as it was given.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::All => "TRUE",
            Self::Where(text) | Self::Sql(text) => text,
        }
    }

    /// Parses and types the query; `now` is what `now()` means.
    ///
    /// # Errors
    /// When it can't be parsed, names a column that the report lacks, or compares a column with a
    /// value of another kind.
    pub fn compile(
        &self,
        schema: &Schema,
        now: Timestamp,
    ) -> Result<CompiledQuery, PredicateError> {
        Ok(match self {
            Self::All => {
                CompiledQuery { predicate: Predicate::always(), limit: None, warnings: Vec::new() }
            }
            Self::Where(text) => {
                let predicate = Predicate::parse(text, schema, now)?;
                let warnings = predicate.warnings().to_vec();
                CompiledQuery { predicate, limit: None, warnings }
            }
            Self::Sql(text) => {
                let select = Select::parse(text, schema, now)?;
                let warnings = select.predicate.warnings().to_vec();
                CompiledQuery { predicate: select.predicate, limit: select.limit, warnings }
            }
        })
    }

    /// As [`Query::compile`], naming the report in the error.
    ///
    /// # Errors
    /// As there.
    pub fn compile_for(&self, report: &Report, now: Timestamp) -> Result<CompiledQuery, ScanError> {
        self.compile(&report.schema, now)
            .map_err(|error| ScanError::Query { path: report.manifest_path.clone(), error })
    }
}

/// The position of a column that a user named outright, to count or split by.
///
/// # Errors
/// When the report has no such column.
pub(crate) fn column(report: &Report, name: &str) -> Result<usize, ScanError> {
    predicate::column(name, &report.schema)
        .map_err(|error| ScanError::Query { path: report.manifest_path.clone(), error })
}
