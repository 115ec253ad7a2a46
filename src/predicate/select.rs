//! S3 Select statements, read as they are: `select s._1, s._2, s._3 from s3object s where …`.
//!
//! A statement becomes a predicate and a limit. Manifests hold bucket, key and version id whatever
//! the select list says; the list is checked so that more is not expected.
//!
//! Never knows what becomes of the rows.

use std::borrow::Cow;

use jiff::Timestamp;
use sqlparser::ast::{self, Expr as Sql, SelectItem, SetExpr, Spanned, TableFactor, Value};
use sqlparser::tokenizer::Span;

use super::constant::Evaluator;
use super::error::PredicateError;
use super::expr::Expr;
use super::parse;
use super::typer::{TableName, Typer};
use super::{Predicate, finished, syntax};
use crate::diagnostic::parameter::{COUNT, PREDICATE, SPLIT_BY};
use crate::report::Schema;

/// The one table of S3 Select.
const TABLE: &str = "S3Object";

/// An S3 Select statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Select {
    /// The WHERE clause; every row when there is none. Its warnings are the whole statement's.
    pub predicate: Predicate,
    /// `LIMIT n`, in rows.
    pub limit: Option<u64>,
}

impl Select {
    /// Reads a statement against a schema; `now` is what `now()` and `UTCNOW()` mean.
    ///
    /// # Errors
    /// When it is no SELECT over `S3Object`, when it asks for more than a selection of rows
    /// (joins, groups, order, expressions), or when its WHERE clause is not a predicate.
    pub fn parse(sql: &str, schema: &Schema, now: Timestamp) -> Result<Self, PredicateError> {
        // What is wrong with the statement is known where it could be read; a condition, or a text
        // that ends nowhere, is looked at again.
        let explained = |error| syntax::explained(sql, schema, error);
        let query = parse::query(sql).map_err(|error| match error.stopped() {
            Some(_) => explained(error),
            None => error,
        })?;
        let refuse = |what: &str, hint: Cow<'static, str>| {
            Err(PredicateError::new(format!("{what} is not supported")).with_hint(hint))
        };
        if let Some(clause) = extra_query_clause(&query) {
            let picks = clause == "ORDER BY" && query.limit_clause.is_some();
            return refuse(
                clause,
                if picks { ORDER_AND_LIMIT.into() } else { clause_hint(clause) },
            );
        }
        let SetExpr::Select(select) = &*query.body else {
            return refuse("this form of query", STATEMENT.into());
        };
        if let Some(clause) = extra_select_clause(select) {
            return refuse(clause, clause_hint(clause));
        }
        let table = table(sql, select)?;
        let evaluator = Evaluator { text: sql, now };
        let mut typer = Typer { schema, evaluator, table: Some(table), warnings: Vec::new() };
        check_list(&mut typer, select)?;
        let limit = limit(&typer, &query)?;
        let expr = match &select.selection {
            Some(condition) => typer.condition(condition).map_err(explained)?,
            None => Expr::Constant(Some(true)),
        };
        Ok(Self { predicate: finished(expr, typer.warnings)?, limit })
    }
}

/// The hint under everything that is not of this form.
const STATEMENT: &str = "the statements are SELECT columns FROM S3Object alias WHERE condition \
    LIMIT number; alias, WHERE and LIMIT may be missing";

/// What to do without a second table.
const OTHER_TABLE: &str = "leave this table out: only the report is read. Write values from \
    elsewhere as a list: Key IN ('a', 'b')";

/// What to do without an order that decides which rows there are.
const ORDER_AND_LIMIT: &str = "LIMIT takes the first rows in the order of the report, not the \
    largest or oldest. Select those by a condition instead, and leave ORDER BY and LIMIT out: \
    WHERE Size > 1000000";

/// What to do without a clause.
fn clause_hint(clause: &str) -> Cow<'static, str> {
    match clause {
        "ORDER BY" => {
            "rows come in the order of the report, the same on every run: leave ORDER BY out".into()
        }
        "DISTINCT" => "a report lists each object or version once: leave DISTINCT out".into(),
        "GROUP BY" | "HAVING" => format!(
            "a manifest holds rows, not groups; for one manifest a bucket or a class there is \
                 {SPLIT_BY}, and sums are in the output of {COUNT}"
        )
        .into(),
        _ => STATEMENT.into(),
    }
}

fn extra_query_clause(query: &ast::Query) -> Option<&'static str> {
    let clauses = [
        (query.with.is_some(), "WITH"),
        (query.order_by.is_some(), "ORDER BY"),
        (query.fetch.is_some(), "FETCH"),
        (!query.locks.is_empty(), "FOR UPDATE"),
        (query.for_clause.is_some(), "FOR"),
        (query.settings.is_some(), "SETTINGS"),
        (query.format_clause.is_some(), "FORMAT"),
        (!query.pipe_operators.is_empty(), "|>"),
    ];
    clauses.into_iter().find(|(present, _)| *present).map(|(_, name)| name)
}

fn extra_select_clause(select: &ast::Select) -> Option<&'static str> {
    let no_group = ast::GroupByExpr::Expressions(Vec::new(), Vec::new());
    let clauses = [
        (select.distinct.is_some(), "DISTINCT"),
        (select.top.is_some(), "TOP"),
        (select.group_by != no_group, "GROUP BY"),
        (select.having.is_some(), "HAVING"),
        (select.into.is_some(), "INTO"),
        (select.exclude.is_some(), "EXCLUDE"),
        (!select.lateral_views.is_empty(), "LATERAL VIEW"),
        (select.prewhere.is_some(), "PREWHERE"),
        (!select.connect_by.is_empty(), "CONNECT BY"),
        (!select.cluster_by.is_empty(), "CLUSTER BY"),
        (!select.distribute_by.is_empty(), "DISTRIBUTE BY"),
        (!select.sort_by.is_empty(), "SORT BY"),
        (!select.named_window.is_empty(), "WINDOW"),
        (select.qualify.is_some(), "QUALIFY"),
        (select.value_table_mode.is_some(), "SELECT AS"),
        (select.select_modifiers.is_some(), "a modifier of SELECT"),
        (select.flavor != ast::SelectFlavor::Standard, "FROM before SELECT"),
    ];
    clauses.into_iter().find(|(present, _)| *present).map(|(_, name)| name)
}

/// The name that columns may be qualified by: the alias, or the table's own name.
fn table(sql: &str, select: &ast::Select) -> Result<TableName, PredicateError> {
    let error = |span: Span, message: String| {
        Err(PredicateError::new(message).at(sql, span).with_hint(STATEMENT))
    };
    let [from] = select.from.as_slice() else {
        let Some(second) = select.from.get(1) else {
            let last = select.projection.last().map_or(Span::empty(), Spanned::span);
            return Err(PredicateError::new("FROM and a table are missing behind this")
                .at(sql, last)
                .with_hint(
                    "write SELECT * FROM S3Object s WHERE s.Size > 100: the table is the report",
                ));
        };
        return Err(PredicateError::new("a statement reads one table, and this is another")
            .at(sql, second.relation.span())
            .with_hint(OTHER_TABLE));
    };
    if let Some(join) = from.joins.first() {
        return Err(PredicateError::new("a statement reads one table: JOIN is not supported")
            .at(sql, join.relation.span())
            .with_hint(OTHER_TABLE));
    }
    let TableFactor::Table {
        name,
        alias,
        args: None,
        with_hints,
        version: None,
        with_ordinality: false,
        partitions,
        json_path: None,
        sample,
        index_directives,
        inheritance: None,
    } = &from.relation
    else {
        return error(from.span(), "a statement reads one table by its name".to_owned());
    };
    if sample.is_some() {
        return Err(PredicateError::new("TABLESAMPLE is not supported")
            .with_hint("LIMIT 1000 takes the first rows, the same on every run"));
    }
    if !with_hints.is_empty() || !partitions.is_empty() || !index_directives.is_empty() {
        return error(from.span(), "the table stands by its name alone".to_owned());
    }
    let path: Vec<String> =
        name.0.iter().filter_map(|part| part.as_ident()).map(|word| word.value.clone()).collect();
    let Some(last) = path.last() else {
        return error(name.span(), "the table stands by its name alone".to_owned());
    };
    match alias {
        None => Ok(TableName { name: last.clone(), path }),
        Some(alias) if alias.columns.is_empty() && alias.at.is_none() => {
            Ok(TableName { name: alias.name.value.clone(), path: Vec::new() })
        }
        Some(_) => error(from.span(), "an alias names the table alone, not columns".to_owned()),
    }
}

/// Holds the select list to `*` or to plain columns with bucket and key among them.
fn check_list(typer: &mut Typer<'_>, select: &ast::Select) -> Result<(), PredicateError> {
    let mut named = Vec::new();
    let mut everything = false;
    for item in &select.projection {
        match item {
            SelectItem::Wildcard(options) if plain_wildcard(options) => everything = true,
            SelectItem::QualifiedWildcard(kind, options) if plain_wildcard(options) => {
                check_wildcard_table(typer, kind, item.span())?;
                everything = true;
            }
            SelectItem::UnnamedExpr(sql) | SelectItem::ExprWithAlias { expr: sql, .. } => {
                named.push(listed_column(typer, sql)?);
            }
            _ => return Err(list_error(typer, item.span())),
        }
    }
    let position = |name| typer.schema.position(name);
    let (bucket, key, version) = (position("Bucket"), position("Key"), position("VersionId"));
    let has = |column: Option<usize>| column.is_some_and(|column| named.contains(&column));
    if !(everything || has(bucket) && has(key)) {
        return Err(PredicateError::new("the select list must hold Bucket and Key")
            .with_hint("a manifest needs both: write SELECT * or SELECT s.Bucket, s.Key, …"));
    }
    let kept = [bucket, key, version];
    if named.iter().any(|column| !kept.contains(&Some(*column))) {
        typer.warnings.push(
            "manifests hold bucket, key and version id only: other columns of the select list \
             are left out"
                .to_owned(),
        );
    }
    Ok(())
}

fn plain_wildcard(options: &ast::WildcardAdditionalOptions) -> bool {
    options.opt_ilike.is_none()
        && options.opt_exclude.is_none()
        && options.opt_except.is_none()
        && options.opt_replace.is_none()
        && options.opt_rename.is_none()
        && options.opt_alias.is_none()
}

fn check_wildcard_table(
    typer: &Typer<'_>,
    kind: &ast::SelectItemQualifiedWildcardKind,
    span: Span,
) -> Result<(), PredicateError> {
    let known = typer.table.as_ref().map_or(TABLE, |table| &table.name);
    match kind {
        ast::SelectItemQualifiedWildcardKind::ObjectName(name)
            if unquoted(name).is_some_and(|name| name.eq_ignore_ascii_case(known)) =>
        {
            Ok(())
        }
        _ => Err(typer
            .error(span, "this names no table of the statement")
            .with_hint(format!("write * or {known}.*"))),
    }
}

fn unquoted(name: &ast::ObjectName) -> Option<&str> {
    match name.0.as_slice() {
        [ast::ObjectNamePart::Identifier(word)] => Some(&word.value),
        _ => None,
    }
}

fn listed_column(typer: &mut Typer<'_>, sql: &Sql) -> Result<usize, PredicateError> {
    match sql {
        Sql::Identifier(name) => Ok(typer.named(std::slice::from_ref(name))?.column),
        Sql::CompoundIdentifier(names) => Ok(typer.named(names)?.column),
        Sql::Function(function) if is_aggregate(&function.name.to_string()) => Err(typer
            .error(
                sql.span(),
                format!(
                    "{} is not supported in a select list",
                    function.name.to_string().to_ascii_uppercase()
                ),
            )
            .with_hint(format!("to count rows: {COUNT} REPORT {PREDICATE} 'condition'"))),
        other => computed_column(typer, other),
    }
}

/// An expression that makes a column of the manifest as the manifest has it anyway: the encoded
/// key, and a version id that is `null` where there is none.
fn computed_column(typer: &mut Typer<'_>, sql: &Sql) -> Result<usize, PredicateError> {
    let span = sql.span();
    let value = typer.scalar(sql, 0)?;
    if value.is_encoded_key() || value.has_default() {
        let mut columns = Vec::new();
        value.add_columns(&mut columns);
        columns.dedup();
        let kept = [typer.schema.position("VersionId"), typer.schema.position("Key")];
        if let [only] = columns.as_slice()
            && kept.contains(&Some(*only))
        {
            return Ok(*only);
        }
    }
    Err(list_error(typer, span))
}

fn is_aggregate(name: &str) -> bool {
    ["count", "sum", "min", "max", "avg"].iter().any(|known| known.eq_ignore_ascii_case(name))
}

fn list_error(typer: &Typer<'_>, span: Span) -> PredicateError {
    typer
        .error(span, "a select list holds * or plain columns here")
        .with_hint("rows are selected, values are not computed: write SELECT * or s.Bucket, s.Key")
}

fn limit(typer: &Typer<'_>, query: &ast::Query) -> Result<Option<u64>, PredicateError> {
    let Some(clause) = &query.limit_clause else { return Ok(None) };
    let ast::LimitClause::LimitOffset { limit, offset: None, limit_by } = clause else {
        return Err(PredicateError::new("OFFSET is not supported").with_hint(
            "one plan holds all rows: the jobs of its manifests can run one after the other",
        ));
    };
    let number = match limit {
        Some(Sql::Value(value)) => match &value.value {
            Value::Number(digits, _) => digits.parse().ok(),
            _ => None,
        },
        _ => None,
    };
    if number.is_none() || !limit_by.is_empty() {
        let span = limit.as_ref().map_or(Span::empty(), Spanned::span);
        return Err(typer
            .error(span, "LIMIT takes a whole number of rows")
            .with_hint("write LIMIT 100"));
    }
    Ok(number)
}
