//! Constants: literals, arithmetic on them, and `now() - INTERVAL '30 days'`.
//!
//! Never knows columns: a text stays a text here, until the column it is compared with says what
//! it means.

use jiff::Span as Duration;
use sqlparser::ast::{self, BinaryOperator, DateTimeField, Expr, Spanned, UnaryOperator, Value};
use sqlparser::tokenizer::Span;

use super::column_test::{Instant, Type};
use super::decimal::Decimal;
use super::error::{PredicateError, quoted};
use super::sql_tree::{cast_target, function_arguments};
use crate::values::time::{self, NANOS_PER_DAY};

/// Constants inside each other, such as the sums of a sum: enough for any that people write, and
/// little enough for the stack.
const CONSTANT_DEPTH_MAX: usize = 64;

/// The value of a constant expression.
#[derive(Debug, Clone)]
pub(super) enum Constant {
    Null,
    Boolean(bool),
    Number(Decimal),
    Text(String),
    Instant {
        at: Instant,
        /// Written as a date without a time.
        whole_day: bool,
    },
    Interval(Duration),
}

/// What constants are evaluated against.
#[derive(Debug, Clone, Copy)]
pub(super) struct Evaluator<'t> {
    /// The text that errors show.
    pub(super) text: &'t str,
    pub(super) now: jiff::Timestamp,
}

impl Evaluator<'_> {
    /// # Errors
    /// When the expression is not a constant, or has no value.
    pub(super) fn constant(&self, expr: &Expr) -> Result<Constant, PredicateError> {
        self.at_depth(expr, 0)
    }

    fn at_depth(&self, expr: &Expr, depth: usize) -> Result<Constant, PredicateError> {
        if depth > CONSTANT_DEPTH_MAX {
            return Err(super::parse::too_deep());
        }
        match expr {
            Expr::Nested(inner) => self.at_depth(inner, depth + 1),
            Expr::Value(value) => self.literal(&value.value, value.span),
            Expr::UnaryOp {
                op: op @ (UnaryOperator::Minus | UnaryOperator::Plus),
                expr: inner,
            } => match (self.at_depth(inner, depth + 1)?, op) {
                (value @ (Constant::Number(_) | Constant::Null), UnaryOperator::Plus) => Ok(value),
                (Constant::Null, _) => Ok(Constant::Null),
                (Constant::Number(number), _) => Ok(Constant::Number(number.negated())),
                (Constant::Interval(span), UnaryOperator::Minus) => {
                    Ok(Constant::Interval(span.negate()))
                }
                _ => Err(self.error(expr.span(), "a sign fits numbers only")),
            },
            Expr::BinaryOp { left, op, right } => {
                let left = self.at_depth(left, depth + 1)?;
                let right = self.at_depth(right, depth + 1)?;
                self.arithmetic(left, op, right, expr)
            }
            Expr::TypedString(typed) => {
                let to = cast_target(&typed.data_type);
                self.typed_text(&typed.data_type, to, &typed.value)
            }
            Expr::Interval(interval) => self.interval(interval).map(Constant::Interval),
            Expr::Function(function) => self.function(function, depth),
            Expr::Cast { expr: inner, data_type, .. } => {
                let value = self.at_depth(inner, depth + 1)?;
                self.cast(value, data_type, expr.span())
            }
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => {
                Err(self.error(expr.span(), "a constant is needed here, not a column").with_hint(
                    "a column stands alone on one side: Size > 2 * 1024, not Size / 2 > 1024. \
                     Two columns cannot be compared",
                ))
            }
            _ => Err(self
                .error(expr.span(), "a constant is needed here")
                .with_hint("write a number, a text in single quotes, TRUE, FALSE, NULL or a date")),
        }
    }

    fn error(&self, span: Span, message: impl Into<String>) -> PredicateError {
        PredicateError::new(message).at(self.text, span)
    }

    fn literal(&self, value: &Value, span: Span) -> Result<Constant, PredicateError> {
        match value {
            Value::Null => Ok(Constant::Null),
            Value::Boolean(truth) => Ok(Constant::Boolean(*truth)),
            Value::SingleQuotedString(text) => Ok(Constant::Text(text.clone())),
            Value::Number(digits, _) => match Decimal::parse(&digits.replace('_', "")) {
                Some(number) => Ok(Constant::Number(number)),
                None => Err(self.out_of_range(span)),
            },
            _ => Err(self
                .error(span, "this kind of literal is not supported")
                .with_hint("write texts in plain single quotes")),
        }
    }

    pub(super) fn out_of_range(&self, span: Span) -> PredicateError {
        self.error(span, "this number is too large or has too many digits")
            .with_hint("at most 36 digits, 18 of them after the point")
    }

    fn arithmetic(
        &self,
        left: Constant,
        op: &BinaryOperator,
        right: Constant,
        whole: &Expr,
    ) -> Result<Constant, PredicateError> {
        use BinaryOperator::{Minus, Multiply, Plus};
        use Constant::{Instant as At, Interval, Null, Number, Text};
        let result = match (left, op, right) {
            (Null, Plus | Minus | Multiply, _) | (_, Plus | Minus | Multiply, Null) => {
                return Ok(Null);
            }
            (Number(a), Plus, Number(b)) => a.plus(b).map(Number),
            (Number(a), Minus, Number(b)) => a.plus(b.negated()).map(Number),
            (Number(a), Multiply, Number(b)) => a.times(b).map(Number),
            (At { at, .. }, Plus, Interval(span)) | (Interval(span), Plus, At { at, .. }) => {
                return self.shifted(at, span, whole);
            }
            (At { at, .. }, Minus, Interval(span)) => {
                return self.shifted(at, span.negate(), whole);
            }
            (Text(date), Plus | Minus, Interval(span)) => {
                let at = self.instant(&date, whole.span())?;
                let span = if *op == Minus { span.negate() } else { span };
                return self.shifted(at, span, whole);
            }
            _ => {
                return Err(self
                    .error(whole.span(), format!("`{op}` is not supported between these"))
                    .with_hint(
                        "constants know + - * between numbers, and + - between a date and an \
                         interval: now() - INTERVAL '30 days'",
                    ));
            }
        };
        result.ok_or_else(|| self.out_of_range(whole.span()))
    }

    /// Calendar units count in UTC: a month before March 31 is the last of February.
    fn shifted(&self, at: Instant, by: Duration, whole: &Expr) -> Result<Constant, PredicateError> {
        let moved = time::civil(at.0).and_then(|utc| utc.checked_add(by).ok());
        match moved {
            Some(utc) => Ok(Constant::Instant { at: Instant(time::nanos(utc)), whole_day: false }),
            None => Err(self.error(whole.span(), "this date is outside the years -9999 to 9999")),
        }
    }

    /// The instant that a text spells, wherever a date is wanted.
    pub(super) fn instant(&self, text: &str, span: Span) -> Result<Instant, PredicateError> {
        let at = time::instant(text.trim().as_bytes());
        at.filter(|at| time::civil(*at).is_some()).map(Instant).ok_or_else(|| {
            self.error(span, format!("{} is no date", quoted(text))).with_hint(
                "write '2024-01-31', '2024-01-31T12:30:00Z' or now() - INTERVAL '30 days'; \
                 without an offset the time is UTC",
            )
        })
    }

    /// `DATE '…'`, `TIMESTAMP '…'`.
    fn typed_text(
        &self,
        written: &ast::DataType,
        to: Option<Type>,
        value: &ast::ValueWithSpan,
    ) -> Result<Constant, PredicateError> {
        let Value::SingleQuotedString(text) = &value.value else {
            return Err(self.error(value.span, "a text in single quotes is needed here"));
        };
        let date = *written == ast::DataType::Date;
        if !date && to != Some(Type::Instant) {
            let word = quoted(&written.to_string());
            return Err(self
                .error(value.span, format!("{word} makes no literal here"))
                .with_hint("write DATE '2024-01-31' or TIMESTAMP '2024-01-31T12:30:00Z'"));
        }
        let at = self.instant(text, value.span)?;
        if date && at.0.rem_euclid(NANOS_PER_DAY) != 0 {
            return Err(self
                .error(value.span, "a DATE has no time of day")
                .with_hint("write TIMESTAMP '…' instead of DATE"));
        }
        Ok(Constant::Instant { at, whole_day: date })
    }

    fn cast(
        &self,
        value: Constant,
        written: &ast::DataType,
        span: Span,
    ) -> Result<Constant, PredicateError> {
        match (value, cast_target(written)) {
            (Constant::Null, Some(_)) => Ok(Constant::Null),
            (Constant::Number(number), Some(Type::Integer)) if number.is_whole() => {
                Ok(Constant::Number(number))
            }
            (value @ Constant::Text(_), Some(Type::Text))
            | (value @ Constant::Boolean(_), Some(Type::Boolean))
            | (value @ Constant::Instant { .. }, Some(Type::Instant)) => Ok(value),
            (Constant::Text(text), Some(Type::Integer)) => match Decimal::parse(text.trim()) {
                Some(number) => Ok(Constant::Number(number)),
                None => Err(self.error(span, format!("{} is no number", quoted(&text)))),
            },
            (Constant::Text(text), Some(Type::Instant)) => {
                let at = self.instant(&text, span)?;
                Ok(Constant::Instant { at, whole_day: false })
            }
            _ => Err(self
                .error(span, format!("a constant cannot be cast to {written} here"))
                .with_hint("write the value itself: 5, 'text', TRUE, '2024-01-31'")),
        }
    }

    fn function(&self, function: &ast::Function, depth: usize) -> Result<Constant, PredicateError> {
        let name = function.name.to_string().to_ascii_lowercase();
        let arguments = function_arguments(function);
        let now = self.now.as_nanosecond();
        let span = function.name.span();
        let at = match (name.as_str(), arguments.as_deref()) {
            ("now" | "utcnow" | "current_timestamp" | "localtimestamp", Some([])) => now,
            ("current_date", Some([])) => now - now.rem_euclid(NANOS_PER_DAY),
            ("to_timestamp", Some([argument])) => match self.at_depth(argument, depth + 1)? {
                Constant::Text(text) => self.instant(&text, argument.span())?.0,
                _ => return Err(self.error(span, "TO_TIMESTAMP takes a text")),
            },
            _ => {
                return Err(self.error(span, format!("{} is not a constant", quoted(&name))));
            }
        };
        Ok(Constant::Instant { at: Instant(at), whole_day: false })
    }

    /// `INTERVAL '30 days'`, `INTERVAL '1 day 12 hours'`, `INTERVAL '30' DAY`, `INTERVAL 30 DAY`.
    fn interval(&self, interval: &ast::Interval) -> Result<Duration, PredicateError> {
        let span = interval.value.span();
        let bad = || {
            self.error(span, "this is no interval that is understood").with_hint(
                "write INTERVAL '30 days', INTERVAL '12 hours' or INTERVAL '1 year 6 months': \
                 whole seconds, minutes, hours, days, weeks, months or years",
            )
        };
        let Expr::Value(value) = &*interval.value else { return Err(bad()) };
        let (Value::SingleQuotedString(text) | Value::Number(text, _)) = &value.value else {
            return Err(bad());
        };
        let plain = interval.last_field.is_none()
            && interval.leading_precision.is_none()
            && interval.fractional_seconds_precision.is_none();
        let mut words: Vec<&str> = text.split_whitespace().collect();
        let field = interval.leading_field.as_ref().map(DateTimeField::to_string);
        match &field {
            Some(field) if plain && words.len() == 1 => words.push(field),
            None if !words.is_empty() && words.len().is_multiple_of(2) => {}
            _ => return Err(bad()),
        }
        let mut total = Duration::new();
        for pair in words.chunks_exact(2) {
            // jiff's spans have one sign: -1 day +2 hours would not be what it says.
            let count: i64 = pair[0].parse().map_err(|_| bad())?;
            if count < 0 && words.len() > 2 {
                return Err(bad());
            }
            total = with_unit(total, count, pair[1]).ok_or_else(bad)?;
        }
        Ok(total)
    }
}

/// `None` when the unit is unknown or the number out of jiff's range. A unit that is given twice
/// adds up.
fn with_unit(span: Duration, count: i64, unit: &str) -> Option<Duration> {
    let unit = unit.to_ascii_lowercase();
    let sum = |old: i64| old.checked_add(count);
    let result = match unit.strip_suffix('s').unwrap_or(&unit) {
        "second" | "sec" => span.try_seconds(sum(span.get_seconds())?),
        "minute" | "min" => span.try_minutes(sum(span.get_minutes())?),
        "hour" => span.try_hours(sum(i64::from(span.get_hours()))?),
        "day" => span.try_days(sum(i64::from(span.get_days()))?),
        "week" => span.try_weeks(sum(i64::from(span.get_weeks()))?),
        "month" | "mon" => span.try_months(sum(i64::from(span.get_months()))?),
        "year" => span.try_years(sum(i64::from(span.get_years()))?),
        _ => return None,
    };
    result.ok()
}
