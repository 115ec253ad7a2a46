//! sqlparser's tree to ours: names become columns, literals take the type of their column.
//!
//! What CSV tools taught people is kept: an empty text is NULL. `x = ''` becomes `x IS NULL`,
//! `x <> ''` becomes `x IS NOT NULL`, and an empty text in a list becomes an `OR x IS NULL`.
//!
//! Never knows rows.

use sqlparser::ast::{self, BinaryOperator, Expr as Sql, Spanned, UnaryOperator, Value};
use sqlparser::tokenizer::Span;

use super::column_test::{Case, Check, Comparison, Instant, Operand, Type, ValueTest};
use super::columns;
use super::constant::Constant;
use super::decimal::{Decimal, comma_hint};
use super::error::{PredicateError, quoted};
use super::expr::Expr;
use super::parse::{EXPRESSION_DEPTH_MAX, too_deep};
use super::scalar::{ComputedCondition, ScalarType};
use super::side::{ComparisonSide, SideKind, folded_token};
use super::sql_tree::{chain, comparison_of, is_named, is_value_operator};
use super::typer::{TypedResult, Typer};
use crate::report::ColumnKind;

/// Levels of sqlparser's tree that are followed, redundant parentheses included.
const SQL_DEPTH_MAX: usize = 128;

/// `IS UNKNOWN` inside each other. Each doubles what is compiled, and none is of use.
const UNKNOWN_DEPTH_MAX: usize = 3;

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
            .with_hint("compare it with something: BucketKeyStatus = 'DISABLED', Size > 0")
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
                    .with_hint(format!(
                        "compare it with something, or write {operand} IS NOT NULL"
                    )))
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
                    .with_hint("compare it with something: length(Key) > 100"))
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
        self.error(sql.span(), format!("{what} is not supported in a predicate")).with_hint(hint)
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
        self.error(whole.span(), format!("the operator `{op}` makes no condition")).with_hint(hint)
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
        self.error(span, format!("{operand} holds {word}; this is something else")).with_hint(hint)
    }

    fn number(&self, operand: &Operand, value: &Constant, span: Span) -> TypedResult<Decimal> {
        let number = match value {
            Constant::Number(number) => Some(*number),
            Constant::Text(text) => Decimal::from_text(text),
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
