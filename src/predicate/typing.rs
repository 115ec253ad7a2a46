//! sqlparser's tree to ours: names become columns, literals take the type of their column.
//!
//! What CSV tools taught people is kept: an empty text is NULL. `x = ''` becomes `x IS NULL`,
//! `x <> ''` becomes `x IS NOT NULL`, and an empty text in a list becomes an `OR x IS NULL`.
//!
//! Never knows rows.

use sqlparser::ast::{self, BinaryOperator, Expr as Sql, Spanned, UnaryOperator, Value};
use sqlparser::tokenizer::Span;

use super::columns;
use super::constant::{Constant, Evaluator};
use super::decimal::{Decimal, comma_hint};
use super::error::{PredicateError, quoted};
use super::expr::{Case, Check, Comparison, Expr, Instant, Operand, Regex, Type, ValueTest};
use super::like::Like;
use super::matcher::fold_token;
use super::parse::{EXPRESSION_DEPTH_MAX, too_deep};
use super::scalar::{ComputedCondition, Pattern, ScalarType};
use super::side::{ComparisonSide, SideKind};
use crate::report::{ColumnKind, Schema};

/// Levels of sqlparser's tree that are followed, redundant parentheses included.
const SQL_DEPTH_MAX: usize = 128;

/// `IS UNKNOWN` inside each other. Each doubles what is compiled, and none is of use.
const UNKNOWN_DEPTH_MAX: usize = 3;

/// Bytes of a compiled regular expression, and of its cache, in each worker.
const REGEX_BYTES_MAX: usize = 1 << 20;

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
    /// # Errors
    /// When a name, a type or the depth does not fit.
    pub(super) fn condition(&mut self, sql: &Sql) -> TypedResult<Expr> {
        let expr = self.boolean(sql, 0)?;
        if expr.depth() > EXPRESSION_DEPTH_MAX || expr.unknown_depth() > UNKNOWN_DEPTH_MAX {
            return Err(too_deep());
        }
        Ok(expr)
    }

    pub(super) fn error(&self, span: Span, message: impl Into<String>) -> PredicateError {
        PredicateError::new(message).at(self.evaluator.text, span)
    }

    fn warn(&mut self, warning: String) {
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

    pub(super) fn boolean(&mut self, sql: &Sql, depth: usize) -> TypedResult<Expr> {
        if depth > SQL_DEPTH_MAX {
            return Err(too_deep());
        }
        let inner = depth + 1;
        match sql {
            Sql::Nested(sql) => self.boolean(sql, inner),
            Sql::BinaryOp { op: op @ (BinaryOperator::And | BinaryOperator::Or), .. } => {
                let parts = chain(sql, op)
                    .into_iter()
                    .map(|part| self.boolean(part, inner))
                    .collect::<TypedResult<Vec<_>>>()?;
                let and = *op == BinaryOperator::And;
                Ok(if and { Expr::all(parts) } else { Expr::any(parts) })
            }
            Sql::BinaryOp { left, op, right } if comparison_of(op).is_some() => {
                self.comparison(left, op, right, inner)
            }
            Sql::BinaryOp { op, .. } if !is_value_operator(op) => {
                Err(self.unsupported_operator(sql, op))
            }
            Sql::UnaryOp { op: UnaryOperator::Not, expr } => Ok(self.boolean(expr, inner)?.not()),
            Sql::IsTrue(expr) => Ok(self.boolean(expr, inner)?.is(Some(true))),
            Sql::IsNotTrue(expr) => Ok(self.boolean(expr, inner)?.is(Some(true)).not()),
            Sql::IsFalse(expr) => Ok(self.boolean(expr, inner)?.is(Some(false))),
            Sql::IsNotFalse(expr) => Ok(self.boolean(expr, inner)?.is(Some(false)).not()),
            Sql::IsUnknown(expr) => Ok(self.boolean(expr, inner)?.is(None)),
            Sql::IsNotUnknown(expr) => Ok(self.boolean(expr, inner)?.is(None).not()),
            Sql::IsNull(expr) => self.is_null(expr, inner),
            Sql::IsNotNull(expr) => Ok(self.is_null(expr, inner)?.not()),
            Sql::In { expr, target: ast::InTarget::List(list), negated, global: false } => {
                let found = self.is_in(expr, list, inner)?;
                Ok(if *negated { found.not() } else { found })
            }
            Sql::Between { expr, negated, low, high } => {
                let between = self.between(expr, low, high, inner)?;
                Ok(if *negated { between.not() } else { between })
            }
            Sql::Like { any: false, .. } | Sql::ILike { any: false, .. } => self.like(sql, inner),
            Sql::Function(function) if is_named(function, "regexp_like") => {
                self.regex(function, inner)
            }
            Sql::Value(value) => match &value.value {
                Value::Boolean(truth) => Ok(Expr::Constant(Some(*truth))),
                Value::Null => Ok(Expr::Constant(None)),
                _ => Err(self.no_condition(sql)),
            },
            _ => self.boolean_value(sql, inner),
        }
    }

    fn no_condition(&self, sql: &Sql) -> PredicateError {
        self.error(sql.span(), "this is no condition")
            .hint("compare it with something: BucketKeyStatus = 'DISABLED', Size > 0")
    }

    /// A boolean column or value that stands alone.
    fn boolean_value(&mut self, sql: &Sql, depth: usize) -> TypedResult<Expr> {
        let side = self.side(sql, depth)?;
        match (side.kind, side.scalar) {
            (SideKind::Column(operand), _) if operand.value_type() == Type::Boolean => {
                Ok(Expr::test(operand, Check::True))
            }
            (SideKind::Column(operand), _) => {
                let word = operand.value_type().word();
                Err(self
                    .error(sql.span(), format!("{operand} holds {word}: alone it is no condition"))
                    .hint(format!("compare it with something, or write {operand} IS NOT NULL")))
            }
            (SideKind::Constant(Constant::Boolean(truth)), _) => Ok(Expr::Constant(Some(truth))),
            (SideKind::Constant(Constant::Null), _) => Ok(Expr::Constant(None)),
            (SideKind::Computed, Some(value)) if value.value_type() == ScalarType::Boolean => {
                Ok(self.truth_of(value))
            }
            (SideKind::Computed, Some(value)) => {
                let shown = quoted(&value.to_string());
                Err(self
                    .error(sql.span(), format!("{shown} is not true or false"))
                    .hint("compare it with something: length(Key) > 100"))
            }
            _ => Err(self.no_condition(sql)),
        }
    }

    pub(super) fn unsupported(&self, sql: &Sql) -> PredicateError {
        let (what, hint) = match sql {
            Sql::RLike { .. } | Sql::SimilarTo { .. } => {
                ("this operator".to_owned(), "write regexp_like(Key, 'pattern')")
            }
            Sql::Exists { .. } | Sql::Subquery(_) | Sql::In { .. } => {
                ("a subquery".to_owned(), "write the values in a list: IN ('a', 'b')")
            }
            Sql::IsDistinctFrom(..) | Sql::IsNotDistinctFrom(..) => {
                ("IS DISTINCT FROM".to_owned(), "write Column = 'A' OR Column IS NULL")
            }
            _ => (
                "this".to_owned(),
                "conditions are = <> < <= > >= IN BETWEEN LIKE ILIKE IS NULL regexp_like, joined \
                 by AND, OR, NOT",
            ),
        };
        self.error(sql.span(), format!("{what} is not supported in a predicate")).hint(hint)
    }

    /// A comparison by an operator that is one.
    pub(super) fn comparison(
        &mut self,
        left: &Sql,
        operator: &BinaryOperator,
        right: &Sql,
        depth: usize,
    ) -> TypedResult<Expr> {
        let left = self.side(left, depth)?;
        let right = self.side(right, depth)?;
        self.check_columns(&left, &right)?;
        self.compare_sides(left, comparison_of(operator).unwrap_or(Comparison::Equal), right)
    }

    fn unsupported_operator(&self, whole: &Sql, op: &BinaryOperator) -> PredicateError {
        let hint = match op.to_string().as_str() {
            "<=>" => "write Column = 'A' OR Column IS NULL",
            "~" | "~*" | "!~" | "!~*" | "REGEXP" => "write regexp_like(Key, 'pattern')",
            "&&" => "write AND",
            "||" => "|| joins texts; between conditions write OR",
            _ => "conditions compare with = <> < <= > >=",
        };
        self.error(whole.span(), format!("the operator `{op}` makes no condition")).hint(hint)
    }

    /// A column against a constant; the constant's place is for errors.
    pub(super) fn compare(
        &mut self,
        operand: Operand,
        by: Comparison,
        value: Constant,
        span: Span,
    ) -> TypedResult<Expr> {
        match (&value, by) {
            (Constant::Null, _) => {
                self.warn(format!(
                    "nothing is equal to NULL, nor unequal: for empty fields write {operand} IS \
                     NULL, for all others {operand} IS NOT NULL"
                ));
                return Ok(Expr::Constant(None));
            }
            (Constant::Text(text), Comparison::Equal) if text.is_empty() => {
                return Ok(Expr::test(operand, Check::Null));
            }
            (Constant::Text(text), Comparison::NotEqual) if text.is_empty() => {
                return Ok(Expr::test(operand, Check::Null).not());
            }
            _ => {}
        }
        let check = match operand.value_type() {
            Type::Integer => {
                Check::Integer(ValueTest::Compare(by, self.number(&operand, &value, span)?))
            }
            Type::Instant => {
                let at = self.instant(
                    &operand,
                    value,
                    by != Comparison::Less && by != Comparison::GreaterOrEqual,
                    span,
                )?;
                Check::Instant(ValueTest::Compare(by, at))
            }
            Type::Text => {
                let exact = matches!(by, Comparison::Equal | Comparison::NotEqual);
                Check::Text(ValueTest::Compare(by, self.text(&operand, value, exact, span)?))
            }
            Type::Boolean => {
                let truth = self.truth(&operand, value, span)?;
                let test = Expr::test(operand, Check::True);
                let positive = match by {
                    Comparison::Equal => truth,
                    Comparison::NotEqual => !truth,
                    _ => return Err(self.error(span, "TRUE and FALSE have no order")),
                };
                return Ok(if positive { test } else { test.not() });
            }
        };
        Ok(Expr::test(operand, check))
    }

    fn wrong_type(&self, operand: &Operand, span: Span, hint: &str) -> PredicateError {
        let word = operand.value_type().word();
        self.error(span, format!("{operand} holds {word}; this is something else")).hint(hint)
    }

    fn number(&self, operand: &Operand, value: &Constant, span: Span) -> TypedResult<Decimal> {
        let number = match value {
            Constant::Number(number) => Some(*number),
            Constant::Text(text) => Decimal::of_text(text),
            _ => None,
        };
        number.ok_or_else(|| {
            let comma = match value {
                Constant::Text(text) => comma_hint(text),
                _ => None,
            };
            let hint = "write a number, or a size in quotes: '5GiB', '512KiB'";
            self.wrong_type(operand, span, comma.as_deref().unwrap_or(hint))
        })
    }

    /// `edge`: the comparison falls inside the day when a date without a time is given.
    fn instant(
        &mut self,
        operand: &Operand,
        value: Constant,
        edge: bool,
        span: Span,
    ) -> TypedResult<Instant> {
        let (at, day) = match value {
            Constant::Instant { at, whole_day } => (at, whole_day),
            Constant::Text(text) => {
                let day = text.trim().len() == "2024-01-31".len();
                (self.evaluator.instant(&text, span)?, day)
            }
            _ => {
                let hint = "write a date in quotes, '2024-01-31' or '2024-01-31T12:30:00Z', or \
                            now() - INTERVAL '30 days'";
                return Err(self.wrong_type(operand, span, hint));
            }
        };
        if day && edge {
            let name = &operand.name;
            self.warn(format!(
                "a date without a time is its first instant, {at}; for the whole day write \
                 {name} >= 'that day' AND {name} < 'the next day'"
            ));
        }
        Ok(at)
    }

    /// `exact`: compared for equality, so that an unknown value is worth a warning.
    fn text(
        &mut self,
        operand: &Operand,
        value: Constant,
        exact: bool,
        span: Span,
    ) -> TypedResult<String> {
        let Constant::Text(text) = value else {
            let hint = match operand.kind {
                ColumnKind::Text if operand.cast.is_none() => {
                    "write the value in single quotes, or CAST the column AS BIGINT or TIMESTAMP"
                }
                _ => "write the value in single quotes",
            };
            return Err(self.wrong_type(operand, span, hint));
        };
        if !operand.is_token() {
            self.warn_of_case(operand, &text);
            return Ok(text);
        }
        let folded = folded_token(operand, &text);
        if exact && let Some(warning) = columns::unknown_token_warning(operand, &folded) {
            self.warn(warning);
        }
        Ok(folded)
    }

    /// `LOWER(x) = 'ABC'` is never true, which is hardly meant.
    fn warn_of_case(&mut self, operand: &Operand, text: &str) {
        let (never, word) = match operand.case {
            Some(Case::Lower) => (text.chars().any(char::is_uppercase), "upper"),
            Some(Case::Upper) => (text.chars().any(char::is_lowercase), "lower"),
            None => return,
        };
        if never {
            let text = quoted(text);
            self.warn(format!("{operand} never equals {text}, which has {word}-case letters"));
        }
    }

    fn truth(&self, operand: &Operand, value: Constant, span: Span) -> TypedResult<bool> {
        match value {
            Constant::Boolean(truth) => Ok(truth),
            Constant::Text(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Constant::Text(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            _ => Err(self.wrong_type(operand, span, "write TRUE, FALSE, 'true' or 'false'")),
        }
    }

    fn is_null(&mut self, sql: &Sql, depth: usize) -> TypedResult<Expr> {
        let side = self.side(sql, depth)?;
        Ok(match (side.kind, side.scalar) {
            (SideKind::Column(operand), _) => Expr::test(operand, Check::Null),
            (SideKind::Constant(constant), _) => {
                Expr::Constant(Some(matches!(constant, Constant::Null)))
            }
            (SideKind::Computed, Some(value)) if value.value_type() == ScalarType::Boolean => {
                self.truth_of(value).is(None)
            }
            (SideKind::Computed, Some(value)) => Expr::Computed(ComputedCondition::Null(value)),
            (SideKind::Computed, None) => Expr::Constant(Some(true)),
        })
    }

    fn is_in(&mut self, sql: &Sql, list: &[Sql], depth: usize) -> TypedResult<Expr> {
        let side = self.side(sql, depth)?;
        let mut items = Vec::with_capacity(list.len());
        for item in list {
            items.push(self.side(item, depth)?);
        }
        let constant = |item: &ComparisonSide| matches!(item.kind, SideKind::Constant(_));
        match &side.kind {
            SideKind::Column(operand) if items.iter().all(constant) => {
                self.column_in(operand.clone(), items)
            }
            _ => self.computed_in(side, items),
        }
    }

    fn column_in(&mut self, operand: Operand, items: Vec<ComparisonSide>) -> TypedResult<Expr> {
        let (mut null, mut unknown) = (false, false);
        let mut parts = Vec::new();
        for item in items {
            match item.kind {
                SideKind::Constant(Constant::Null) => {
                    unknown = true;
                    self.warn(format!(
                        "nothing is equal to NULL, nor unequal: take NULL out of the list. IN \
                         finds no empty field by it (write OR {operand} IS NULL), and NOT IN \
                         selects no row at all"
                    ));
                }
                SideKind::Constant(Constant::Text(text)) if text.is_empty() => null = true,
                SideKind::Constant(value) => {
                    let equal = Comparison::Equal;
                    parts.push(self.compare(operand.clone(), equal, value, item.span)?);
                }
                SideKind::Column(_) | SideKind::Computed => {}
            }
        }
        let mut parts = in_one_list(parts);
        if null {
            parts.insert(0, Expr::test(operand, Check::Null));
        }
        if unknown {
            parts.push(Expr::Constant(None));
        }
        Ok(Expr::any(parts))
    }

    fn between(&mut self, sql: &Sql, low: &Sql, high: &Sql, depth: usize) -> TypedResult<Expr> {
        let value = self.side(sql, depth)?;
        let least = self.side(low, depth)?;
        let most = self.side(high, depth)?;
        let from = self.compare_sides(value.clone(), Comparison::GreaterOrEqual, least)?;
        let to = self.compare_sides(value, Comparison::LessOrEqual, most)?;
        Ok(Expr::all(vec![from, to]))
    }

    /// What LIKE and regular expressions look at: a column of texts, or a text that is computed.
    fn text_side(&mut self, sql: &Sql, depth: usize) -> TypedResult<ComparisonSide> {
        let side = self.side(sql, depth)?;
        match &side.kind {
            SideKind::Column(operand) if operand.value_type() == Type::Text => Ok(side),
            SideKind::Column(operand) => {
                let word = operand.value_type().word();
                Err(self
                    .error(sql.span(), format!("{operand} holds {word}; a pattern needs text"))
                    .hint(format!(
                        "compare it by = < >, or write CAST({} AS VARCHAR)",
                        operand.name
                    )))
            }
            _ => {
                let scalar = side.clone().into_scalar();
                self.text_argument(scalar, side.span, "a pattern")?;
                Ok(side)
            }
        }
    }

    fn like(&mut self, sql: &Sql, depth: usize) -> TypedResult<Expr> {
        let (Sql::Like { negated, expr, pattern, escape_char, .. }
        | Sql::ILike { negated, expr, pattern, escape_char, .. }) = sql
        else {
            return Err(self.unsupported(sql));
        };
        let ilike = matches!(sql, Sql::ILike { .. });
        let side = self.text_side(expr, depth)?;
        let escape = match escape_char {
            Some(sql) => Some(self.escape(sql)?),
            None => None,
        };
        let Some(text) = self.pattern_text(pattern, depth)? else {
            self.warn_of_null();
            return Ok(Expr::Constant(None));
        };
        let Some(like) = Like::parse(&text, escape) else {
            return Err(self.error(pattern.span(), "the pattern ends with its escape character"));
        };
        let test = match side.kind {
            SideKind::Column(operand) => self.column_like(operand, like, ilike, expr.span())?,
            _ => super::side::pattern_test(side.into_scalar(), Pattern::new(like, ilike)),
        };
        Ok(if *negated { test.not() } else { test })
    }

    fn column_like(
        &mut self,
        operand: Operand,
        like: Like,
        ilike: bool,
        span: Span,
    ) -> TypedResult<Expr> {
        let folded = ilike && !operand.is_token();
        if folded && operand.case.is_some() {
            return Err(self
                .error(span, "ILIKE ignores case by itself")
                .hint(format!("write {} ILIKE …", operand.name)));
        }
        if like.parts().is_empty() {
            self.warn(format!("LIKE '' is never true; empty fields are {operand} IS NULL"));
        }
        Ok(like_test(operand, like, folded))
    }

    /// The text of a pattern, which is a constant; `None` for NULL.
    fn pattern_text(&mut self, sql: &Sql, depth: usize) -> TypedResult<Option<String>> {
        match self.side(sql, depth)?.kind {
            SideKind::Constant(Constant::Null) => Ok(None),
            SideKind::Constant(Constant::Text(text)) => Ok(Some(text)),
            SideKind::Constant(_) => {
                Err(self.error(sql.span(), "a pattern is a text in single quotes"))
            }
            _ => Err(self
                .error(sql.span(), "a pattern is a constant")
                .hint("write starts_with(Key, …), ends_with(Key, …) or strpos(Key, …) > 0")),
        }
    }

    fn escape(&self, sql: &Sql) -> TypedResult<char> {
        if let Constant::Text(text) = self.evaluator.constant(sql)? {
            let mut chars = text.chars();
            if let (Some(escape), None) = (chars.next(), chars.next()) {
                return Ok(escape);
            }
        }
        Err(self.error(sql.span(), "ESCAPE takes one character: LIKE '100!%' ESCAPE '!'"))
    }

    pub(super) fn regex(&mut self, function: &ast::Function, depth: usize) -> TypedResult<Expr> {
        let arguments = function_arguments(function);
        let Some([value, pattern]) = arguments.as_deref() else {
            return Err(self
                .error(function.span(), "regexp_like takes a text and a pattern")
                .hint("flags go into the pattern: regexp_like(Key, '(?i)\\.jpe?g$')"));
        };
        let side = self.text_side(value, depth)?;
        let Some(text) = self.pattern_text(pattern, depth)? else {
            self.warn_of_null();
            return Ok(Expr::Constant(None));
        };
        let token = matches!(&side.kind, SideKind::Column(operand) if operand.is_token());
        let compiled = regex::bytes::RegexBuilder::new(&text)
            .case_insensitive(token)
            .size_limit(REGEX_BYTES_MAX)
            .dfa_size_limit(REGEX_BYTES_MAX)
            .build()
            .map_err(|error| self.regex_error(&error, pattern.span()))?;
        let regex = Regex { text, compiled };
        Ok(match side.kind {
            SideKind::Column(operand) => Expr::test(operand, Check::Regex(regex)),
            _ => super::side::regex_test(side.into_scalar(), regex),
        })
    }

    fn regex_error(&self, error: &regex::Error, span: Span) -> PredicateError {
        match error {
            regex::Error::CompiledTooBig(_) => self
                .error(span, format!("this pattern takes more than {REGEX_BYTES_MAX} bytes"))
                .hint("write smaller repetitions, or use (?-u) where Unicode does not matter"),
            other => {
                // The last line of regex's own report says what is wrong; we mark the place.
                let text = other.to_string();
                let last = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
                self.error(span, format!("this is no regular expression: {last}"))
            }
        }
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
                .hint(format!("write {alias}.{}", name.value)));
        }
        let column = columns::find(self.schema, &name.value)
            .map_err(|error| error.at(self.evaluator.text, span))?;
        columns::operand(self.schema, column)
            .ok_or_else(|| self.error(span, "the report has no such column").missing_column())
    }
}

/// LIKE on a column; a token is compared as all tokens are.
pub(super) fn like_test(operand: Operand, like: Like, folded: bool) -> Expr {
    let pattern =
        if operand.is_token() { like.map_text(|text| folded_token(&operand, text)) } else { like };
    Expr::test(operand, Check::Like { pattern, folded })
}

fn comparison_of(operator: &BinaryOperator) -> Option<Comparison> {
    Some(match operator {
        BinaryOperator::Eq => Comparison::Equal,
        BinaryOperator::NotEq => Comparison::NotEqual,
        BinaryOperator::Lt => Comparison::Less,
        BinaryOperator::LtEq => Comparison::LessOrEqual,
        BinaryOperator::Gt => Comparison::Greater,
        BinaryOperator::GtEq => Comparison::GreaterOrEqual,
        _ => return None,
    })
}

/// Whether an operator makes a value: a number, a date or a text.
fn is_value_operator(operator: &BinaryOperator) -> bool {
    use BinaryOperator::{Divide, Minus, Modulo, Multiply, Plus, StringConcat};
    matches!(operator, Plus | Minus | Multiply | Divide | Modulo | StringConcat)
}

/// A token literal as token fields are folded before they are compared.
fn folded_token(operand: &Operand, text: &str) -> String {
    let mut folded = Vec::new();
    fold_token(text.as_bytes(), operand.ignores_hyphens, &mut folded);
    // Folding works on ASCII alone and leaves other bytes in their place.
    String::from_utf8_lossy(&folded).into_owned()
}

/// The parts of `a AND b AND c`, first to last. sqlparser nests them to the left, as deep as the
/// chain is long: so this follows them in a loop.
pub(super) fn chain<'s>(sql: &'s Sql, by: &BinaryOperator) -> Vec<&'s Sql> {
    let mut parts = Vec::new();
    let mut rest = sql;
    while let Sql::BinaryOp { left, op, right } = rest
        && op == by
    {
        parts.push(&**right);
        rest = left;
    }
    parts.push(rest);
    parts.reverse();
    parts
}

fn is_named(function: &ast::Function, name: &str) -> bool {
    function.name.to_string().eq_ignore_ascii_case(name)
}

/// The plain arguments of a call; `None` when it has anything else, such as DISTINCT or OVER.
pub(super) fn function_arguments(function: &ast::Function) -> Option<Vec<&Sql>> {
    let bare = function.parameters == ast::FunctionArguments::None
        && function.filter.is_none()
        && function.null_treatment.is_none()
        && function.over.is_none()
        && function.within_group.is_empty();
    match &function.args {
        ast::FunctionArguments::None if bare => Some(Vec::new()),
        ast::FunctionArguments::List(list)
            if bare && list.duplicate_treatment.is_none() && list.clauses.is_empty() =>
        {
            let plain = |argument| match argument {
                &ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(ref sql)) => Some(sql),
                _ => None,
            };
            list.args.iter().map(plain).collect()
        }
        _ => None,
    }
}

/// Our type for one of SQL's; `None` for types that a report has no values of, and for lengths.
pub(super) fn cast_target(written: &ast::DataType) -> Option<Type> {
    Some(match written.to_string().to_ascii_uppercase().as_str() {
        "INT" | "INTEGER" | "BIGINT" | "SMALLINT" | "INT8" | "DECIMAL" | "NUMERIC" | "DEC"
        | "FLOAT" | "REAL" | "DOUBLE" | "DOUBLE PRECISION" => Type::Integer,
        "TIMESTAMP"
        | "TIMESTAMPTZ"
        | "DATETIME"
        | "TIMESTAMP WITH TIME ZONE"
        | "TIMESTAMP WITHOUT TIME ZONE" => Type::Instant,
        "VARCHAR" | "TEXT" | "STRING" | "CHARACTER VARYING" => Type::Text,
        "BOOL" | "BOOLEAN" => Type::Boolean,
        _ => return None,
    })
}

/// Joins equality tests of one column into one test of a list. Tests of a boolean column stay.
fn in_one_list(tests: Vec<Expr>) -> Vec<Expr> {
    let (mut numbers, mut instants, mut texts) = (Vec::new(), Vec::new(), Vec::new());
    let mut column = None;
    let mut others: Vec<Expr> = Vec::new();
    for test in tests {
        let Expr::Test(test) = test else {
            if !others.contains(&test) {
                others.push(test);
            }
            continue;
        };
        match test.check {
            Check::Integer(ValueTest::Compare(_, number)) => numbers.push(number),
            Check::Instant(ValueTest::Compare(_, at)) => instants.push(at),
            Check::Text(ValueTest::Compare(_, text)) => texts.push(text),
            check => {
                let test = Expr::test(test.operand.clone(), check);
                if !others.contains(&test) {
                    others.push(test);
                }
            }
        }
        column = Some(test.operand);
    }
    let Some(operand) = column else { return others };
    let lists = [
        relation(numbers).map(Check::Integer),
        relation(instants).map(Check::Instant),
        relation(texts).map(Check::Text),
    ];
    others.extend(lists.into_iter().flatten().map(|check| Expr::test(operand.clone(), check)));
    others
}

/// One value is compared, several are a list without doubles, none is nothing.
fn relation<T: Ord + Clone>(mut values: Vec<T>) -> Option<ValueTest<T>> {
    values.sort_unstable();
    values.dedup();
    match values.as_slice() {
        [] => None,
        [only] => Some(ValueTest::Compare(Comparison::Equal, only.clone())),
        _ => Some(ValueTest::In(values)),
    }
}
