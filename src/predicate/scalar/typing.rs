//! sqlparser's tree to a typed one: operators, casts, CASE, and what has a syntax of its own.

use sqlparser::ast::{self, BinaryOperator, Expr as Sql, Spanned, UnaryOperator, Value};
use sqlparser::tokenizer::Span;

use super::super::decimal::{Decimal, comma_hint};
use super::super::error::{PredicateError, quoted};
use super::super::expr::Expr;
use super::super::parse::too_deep;
use super::super::typing::{TypedResult, Typer, chain};
use super::cast::{cast_target, is_allowed};
use super::fold::{cast_folded, concat, folded, literal_of, number_of};
use super::function::Function;
use super::suggest::date_sum;
use super::tree::{CastTarget, Condition, ScalarExpr};
use super::value::{ScalarType, ScalarValue};

/// Conditions that are values (`CASE WHEN …`, `(x > 5) = y`) inside each other. Each is compiled
/// for TRUE and for FALSE, so that each level triples what is kept.
const VALUE_DEPTH_MAX: usize = 4;

/// Levels of sqlparser's tree that are followed, redundant parentheses included.
const SQL_DEPTH_MAX: usize = 96;

/// A condition that becomes a value, unless too many lie inside it.
pub(super) fn nested(condition: Expr) -> TypedResult<Expr> {
    if condition.value_depth() < VALUE_DEPTH_MAX { Ok(condition) } else { Err(too_deep()) }
}

impl Typer<'_> {
    /// The typed tree of an expression, with what is constant folded.
    ///
    /// # Errors
    /// When a name, a type or the depth does not fit.
    pub(in crate::predicate) fn scalar(
        &mut self,
        sql: &Sql,
        depth: usize,
    ) -> TypedResult<ScalarExpr> {
        if depth > SQL_DEPTH_MAX {
            return Err(too_deep());
        }
        let inner = depth + 1;
        match sql {
            Sql::Nested(sql) => self.scalar(sql, inner),
            Sql::Identifier(name) => self.named(std::slice::from_ref(name)).map(ScalarExpr::column),
            Sql::CompoundIdentifier(names) => self.named(names).map(ScalarExpr::column),
            Sql::Value(value) => match &value.value {
                Value::Number(digits, _) => self.number_literal(digits, value.span),
                _ => self.constant_literal(sql),
            },
            Sql::TypedString(_) | Sql::Interval(_) => self.constant_literal(sql),
            Sql::UnaryOp { op: UnaryOperator::Plus, expr } => self.scalar(expr, inner),
            Sql::UnaryOp { op: UnaryOperator::Minus, expr } => self.negated(expr, inner),
            Sql::BinaryOp { op: BinaryOperator::StringConcat, .. } => {
                let parts = chain(sql, &BinaryOperator::StringConcat);
                self.concatenated(&parts, inner)
            }
            Sql::BinaryOp { left, op, right } => match arithmetic_of(op) {
                Some(function) => {
                    let first = (self.scalar(left, inner)?, left.span());
                    let second = (self.scalar(right, inner)?, right.span());
                    if is_sum_of_date_and_other(&first.0, &second.0) {
                        let span = first.1.union(&second.1);
                        return Err(self
                            .error(span, format!("`{op}` takes numbers, not dates"))
                            .hint(date_sum(op, left, right)));
                    }
                    self.arithmetic(function, first, second)
                }
                None => self.boolean(sql, inner).and_then(nested).map(ScalarExpr::condition),
            },
            Sql::Cast { expr, data_type, .. } => {
                let value = self.scalar(expr, inner)?;
                self.cast_as_written(value, data_type, sql.span())
            }
            Sql::Function(function) => self.call(function, inner),
            Sql::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref(), inner)
            }
            Sql::Extract { .. }
            | Sql::Ceil { .. }
            | Sql::Floor { .. }
            | Sql::Position { .. }
            | Sql::Substring { .. }
            | Sql::Trim { .. }
            | Sql::AtTimeZone { .. }
            | Sql::CompoundFieldAccess { .. } => self.special_syntax(sql, inner),
            Sql::UnaryOp { op: UnaryOperator::Not, .. }
            | Sql::IsTrue(_)
            | Sql::IsNotTrue(_)
            | Sql::IsFalse(_)
            | Sql::IsNotFalse(_)
            | Sql::IsUnknown(_)
            | Sql::IsNotUnknown(_)
            | Sql::IsNull(_)
            | Sql::IsNotNull(_)
            | Sql::In { target: ast::InTarget::List(_), .. }
            | Sql::Between { .. }
            | Sql::Like { .. }
            | Sql::ILike { .. } => {
                self.boolean(sql, inner).and_then(nested).map(ScalarExpr::condition)
            }
            _ => Err(self.unsupported(sql)),
        }
    }

    /// As Athena reads numbers: with an exponent a double, with a point a decimal.
    fn number_literal(&self, digits: &str, span: Span) -> TypedResult<ScalarExpr> {
        let plain = digits.replace('_', "");
        let value = if plain.contains(['e', 'E']) {
            plain.parse().ok().filter(|number: &f64| number.is_finite()).map(ScalarValue::Double)
        } else {
            let whole = plain.parse().ok().map(ScalarValue::Integer);
            whole.or_else(|| Decimal::parse(&plain).map(ScalarValue::Decimal))
        };
        value.map(ScalarExpr::of).ok_or_else(|| self.evaluator.out_of_range(span))
    }

    /// A literal whose meaning does not depend on where it stands.
    fn constant_literal(&self, sql: &Sql) -> TypedResult<ScalarExpr> {
        self.evaluator.constant(sql).map(literal_of)
    }

    fn negated(&mut self, sql: &Sql, depth: usize) -> TypedResult<ScalarExpr> {
        // The least whole number has no positive twin.
        if let Sql::Value(value) = sql
            && let Value::Number(digits, _) = &value.value
        {
            return self.number_literal(&format!("-{digits}"), value.span);
        }
        let value = self.scalar(sql, depth)?;
        if let ScalarExpr::Literal(Some(ScalarValue::Interval(interval))) = value {
            return Ok(ScalarExpr::of(ScalarValue::Interval(interval.negated())));
        }
        let value = self.number_argument(value, sql.span(), "-")?;
        Ok(folded(Function::Negate, vec![value]))
    }

    fn concatenated(&mut self, parts: &[&Sql], depth: usize) -> TypedResult<ScalarExpr> {
        let mut texts = Vec::with_capacity(parts.len());
        for part in parts {
            let value = self.scalar(part, depth)?;
            texts.push(self.text_argument(value, part.span(), "||")?);
        }
        Ok(concat(texts))
    }

    pub(super) fn arithmetic(
        &mut self,
        function: Function,
        left: (ScalarExpr, Span),
        right: (ScalarExpr, Span),
    ) -> TypedResult<ScalarExpr> {
        let sign = function.name();
        let (left_type, right_type) = (left.0.value_type(), right.0.value_type());
        match (function, left_type, right_type) {
            (Function::Plus | Function::Minus, _, ScalarType::Interval) => {
                self.shift(function, left, &right.0)
            }
            (Function::Plus, ScalarType::Interval, _) => self.shift(function, right, &left.0),
            (Function::Minus, a, b) if a.is_date() && b.is_date() => Err(self
                .error(left.1.union(&right.1), "two dates have no difference here")
                .hint("write date_diff('day', earlier, later)")),
            _ if left_type.is_date() || right_type.is_date() => {
                Err(self
                    .error(left.1.union(&right.1), format!("`{sign}` takes numbers, not dates")))
            }
            _ => {
                let left = self.number_argument(left.0, left.1, sign)?;
                let right = self.number_argument(right.0, right.1, sign)?;
                Ok(folded(function, vec![left, right]))
            }
        }
    }

    /// A date and an interval; the sign of the interval goes into the operator.
    fn shift(
        &mut self,
        function: Function,
        (date, span): (ScalarExpr, Span),
        interval: &ScalarExpr,
    ) -> TypedResult<ScalarExpr> {
        let date = self.date_argument(date, span, function.name())?;
        let ScalarExpr::Literal(Some(ScalarValue::Interval(interval))) = interval else {
            return Err(self.error(span, "an interval is a constant: INTERVAL '30' DAY"));
        };
        let (mut function, mut interval) = (function, *interval);
        if interval.is_negative() {
            interval = interval.negated();
            function = if function == Function::Plus { Function::Minus } else { Function::Plus };
        }
        Ok(folded(function, vec![date, ScalarExpr::of(ScalarValue::Interval(interval))]))
    }

    fn case(
        &mut self,
        operand: Option<&Sql>,
        conditions: &[ast::CaseWhen],
        otherwise: Option<&Sql>,
        depth: usize,
    ) -> TypedResult<ScalarExpr> {
        let mut whens = Vec::new();
        let mut values = Vec::new();
        for branch in conditions {
            whens.push(match operand {
                None => self.boolean(&branch.condition, depth)?,
                Some(operand) => {
                    self.comparison(operand, &BinaryOperator::Eq, &branch.condition, depth)?
                }
            });
            values.push((self.scalar(&branch.result, depth)?, branch.result.span()));
        }
        values.push(match otherwise {
            Some(sql) => (self.scalar(sql, depth)?, sql.span()),
            None => (ScalarExpr::NULL, Span::empty()),
        });
        self.case_of(whens, values)
    }

    /// CASE with a value more than conditions; branches that are never taken are left out.
    pub(super) fn case_of(
        &mut self,
        whens: Vec<Expr>,
        values: Vec<(ScalarExpr, Span)>,
    ) -> TypedResult<ScalarExpr> {
        let mut values = self.of_one_type(values, "CASE")?;
        let mut otherwise = values.pop().unwrap_or(ScalarExpr::NULL);
        let mut branches = Vec::new();
        for (when, value) in whens.into_iter().zip(values) {
            match when {
                Expr::Constant(Some(true)) => {
                    otherwise = value;
                    break;
                }
                Expr::Constant(_) => {}
                when => branches.push((Condition::new(nested(when)?), value)),
            }
        }
        if branches.is_empty() {
            return Ok(otherwise);
        }
        Ok(ScalarExpr::Case { branches, otherwise: Box::new(otherwise) })
    }

    fn cast_as_written(
        &mut self,
        value: ScalarExpr,
        written: &ast::DataType,
        span: Span,
    ) -> TypedResult<ScalarExpr> {
        let Some((to, length)) = cast_target(&written.to_string()) else {
            return Err(self.error(span, format!("CAST AS {written} is not supported")).hint(
                "the types are VARCHAR, BIGINT, DOUBLE, DECIMAL(digits, scale), TIMESTAMP, \
                     DATE and BOOLEAN",
            ));
        };
        let cast = self.cast(value, to, span)?;
        Ok(match length {
            Some(length) => {
                let number = |n| ScalarExpr::of(ScalarValue::Integer(n));
                folded(Function::Substring, vec![cast, number(1), number(length)])
            }
            None => cast,
        })
    }

    pub(super) fn cast(
        &mut self,
        value: ScalarExpr,
        to: CastTarget,
        span: Span,
    ) -> TypedResult<ScalarExpr> {
        let from = value.value_type();
        if !is_allowed(from, to) {
            let (shown, word) = (quoted(&value.to_string()), from.word());
            return Err(self.error(span, format!("{shown} is {word}: it has no CAST AS {to}")));
        }
        Ok(cast_folded(value, to))
    }

    /// An argument that must be a text.
    pub(in crate::predicate) fn text_argument(
        &self,
        value: ScalarExpr,
        span: Span,
        function: &str,
    ) -> TypedResult<ScalarExpr> {
        match value.value_type() {
            ScalarType::Text | ScalarType::Null => Ok(value),
            other => Err(self
                .wrong_argument(&value, other, span, function, "text")
                .hint(format!("write CAST({value} AS VARCHAR)"))),
        }
    }

    /// An argument that must be a number.
    pub(super) fn number_argument(
        &self,
        value: ScalarExpr,
        span: Span,
        function: &str,
    ) -> TypedResult<ScalarExpr> {
        match value.value_type() {
            ScalarType::Null => Ok(value),
            number if number.is_number() => Ok(value),
            other => {
                let error = self.wrong_argument(&value, other, span, function, "a number");
                Err(match other {
                    ScalarType::Text => error.hint(format!("write CAST({value} AS BIGINT)")),
                    _ => error,
                })
            }
        }
    }

    /// An argument that must be a date or a timestamp; a constant text is read as one.
    pub(super) fn date_argument(
        &self,
        value: ScalarExpr,
        span: Span,
        function: &str,
    ) -> TypedResult<ScalarExpr> {
        match (&value, value.value_type()) {
            (_, ScalarType::Null | ScalarType::Instant | ScalarType::Date) => Ok(value),
            (ScalarExpr::Literal(Some(ScalarValue::Text(text))), _) => {
                let text = String::from_utf8_lossy(text).into_owned();
                self.date_literal(&text, span)
            }
            (_, other) => {
                let error = self.wrong_argument(&value, other, span, function, "a date");
                Err(match other {
                    ScalarType::Text => {
                        error.hint(format!("write from_iso8601_timestamp({value})"))
                    }
                    _ => error.hint("a number of seconds since 1970 is from_unixtime(…)"),
                })
            }
        }
    }

    /// A text as a date where it is one, else as a timestamp.
    fn date_literal(&self, text: &str, span: Span) -> TypedResult<ScalarExpr> {
        let at = self.evaluator.instant(text, span)?;
        let day = text.trim().len() == "2024-01-31".len();
        let literal = ScalarExpr::of(ScalarValue::Instant(at.0));
        Ok(if day { cast_folded(literal, CastTarget::Date) } else { literal })
    }

    pub(super) fn wrong_argument(
        &self,
        value: &ScalarExpr,
        found: ScalarType,
        span: Span,
        function: &str,
        wanted: &str,
    ) -> PredicateError {
        let (shown, word) = (quoted(&value.to_string()), found.word());
        self.error(span, format!("`{function}` takes {wanted}; {shown} is {word}"))
    }

    /// Constant texts among values of another type become that type: `date(x) = '2024-01-01'`.
    ///
    /// # Errors
    /// When the values have no type in common.
    pub(in crate::predicate) fn comparable(
        &self,
        values: Vec<(ScalarExpr, Span)>,
        what: &str,
    ) -> TypedResult<(Vec<ScalarExpr>, ScalarType)> {
        let is_literal_text =
            |value: &ScalarExpr| matches!(value, ScalarExpr::Literal(Some(ScalarValue::Text(_))));
        let mut common = ScalarType::Null;
        let mut first: Option<String> = None;
        for (value, span) in values.iter().filter(|(value, _)| !is_literal_text(value)) {
            let found = value.value_type();
            if found == ScalarType::Interval {
                return Err(self
                    .error(*span, "an interval stands beside a date only")
                    .hint("write LastModifiedDate < now() - INTERVAL '30' DAY"));
            }
            let Some(both) = common.common(found) else {
                let (shown, word) = (quoted(&value.to_string()), found.word());
                let first = quoted(&first.unwrap_or_default());
                return Err(self
                    .error(
                        *span,
                        format!("{what}: {first} is {}, and {shown} is {word}", common.word()),
                    )
                    .hint("CAST(… AS VARCHAR), AS BIGINT or AS TIMESTAMP makes them alike"));
            };
            first.get_or_insert_with(|| value.to_string());
            common = both;
        }
        if common == ScalarType::Null && values.iter().any(|(value, _)| is_literal_text(value)) {
            common = ScalarType::Text;
        }
        let mut fitted = Vec::with_capacity(values.len());
        for (value, span) in values {
            fitted.push(match value {
                ScalarExpr::Literal(Some(ScalarValue::Text(text)))
                    if common != ScalarType::Text =>
                {
                    self.literal_as(&String::from_utf8_lossy(&text), common, span)?
                }
                value => value,
            });
        }
        Ok((fitted, common))
    }

    /// As [`Self::comparable`], and numbers and dates of several types become one.
    pub(super) fn of_one_type(
        &self,
        values: Vec<(ScalarExpr, Span)>,
        what: &str,
    ) -> TypedResult<Vec<ScalarExpr>> {
        let (values, common) = self.comparable(values, what)?;
        let to = match common {
            ScalarType::Double => CastTarget::Double,
            ScalarType::Decimal => CastTarget::Decimal(36, 0),
            ScalarType::Instant => CastTarget::Instant,
            _ => return Ok(values),
        };
        let fitted = |value: ScalarExpr| match value.value_type() {
            found if found == common || found == ScalarType::Null => value,
            _ => cast_folded(value, to),
        };
        Ok(values.into_iter().map(fitted).collect())
    }

    fn literal_as(&self, text: &str, to: ScalarType, span: Span) -> TypedResult<ScalarExpr> {
        let wrong = |wanted: &str| {
            self.error(span, format!("{} is text; {wanted} is needed here", quoted(text)))
        };
        match to {
            ScalarType::Integer | ScalarType::Decimal | ScalarType::Double => {
                let number = Decimal::of_text(text).map(number_of).map(ScalarExpr::of);
                number.ok_or_else(|| match comma_hint(text) {
                    Some(hint) => wrong("a number").hint(hint),
                    None => wrong("a number"),
                })
            }
            ScalarType::Instant | ScalarType::Date => self.date_literal(text, span),
            ScalarType::Boolean => match text.to_ascii_lowercase().as_str() {
                "true" => Ok(ScalarExpr::of(ScalarValue::Boolean(true))),
                "false" => Ok(ScalarExpr::of(ScalarValue::Boolean(false))),
                _ => Err(wrong("TRUE or FALSE")),
            },
            _ => Ok(ScalarExpr::of(ScalarValue::text(text))),
        }
    }
}

/// Whether a date is to be reckoned with what is neither a date nor an interval.
fn is_sum_of_date_and_other(left: &ScalarExpr, right: &ScalarExpr) -> bool {
    let other = |found: ScalarType| !found.is_date() && found != ScalarType::Interval;
    let (left, right) = (left.value_type(), right.value_type());
    left.is_date() && other(right) || other(left) && right.is_date()
}

fn arithmetic_of(operator: &BinaryOperator) -> Option<Function> {
    Some(match operator {
        BinaryOperator::Plus => Function::Plus,
        BinaryOperator::Minus => Function::Minus,
        BinaryOperator::Multiply => Function::Times,
        BinaryOperator::Divide => Function::Divide,
        BinaryOperator::Modulo => Function::Modulo,
        _ => return None,
    })
}
