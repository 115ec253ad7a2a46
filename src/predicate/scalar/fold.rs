//! Trees are built here, so that what is constant is a literal, and one meaning has one shape.

use super::super::constant::Constant;
use super::super::decimal::Decimal;
use super::function::Function;
use super::tree::{CastTarget, ScalarExpr};
use super::value::{CalendarInterval, ScalarValue};

/// A cast, computed where its value is known, left out where it changes nothing.
pub(super) fn cast_folded(value: ScalarExpr, to: CastTarget) -> ScalarExpr {
    let same = value.value_type() == to.value_type() && !matches!(to, CastTarget::Decimal(..));
    if same || value == ScalarExpr::NULL {
        return value;
    }
    let constant = matches!(value, ScalarExpr::Literal(_));
    finished(ScalarExpr::Cast(Box::new(value), to), constant)
}

/// A call, computed where its arguments are known. One of NULL is NULL.
pub(super) fn folded(function: Function, arguments: Vec<ScalarExpr>) -> ScalarExpr {
    let literal = |argument: &ScalarExpr| matches!(argument, ScalarExpr::Literal(_));
    let strict = !matches!(function, Function::Coalesce | Function::NullIf);
    if strict && arguments.contains(&ScalarExpr::NULL) {
        return ScalarExpr::NULL;
    }
    let constant = arguments.iter().all(literal);
    finished(ScalarExpr::Call(function, arguments), constant)
}

fn finished(expr: ScalarExpr, constant: bool) -> ScalarExpr {
    if !constant {
        return expr;
    }
    match expr.constant_value() {
        // What is not UTF-8 has no literal that could be written.
        Some(ScalarValue::Text(text)) if std::str::from_utf8(&text).is_err() => expr,
        value => ScalarExpr::Literal(value),
    }
}

/// Texts joined; what is joined already is taken apart.
pub(super) fn concat(texts: Vec<ScalarExpr>) -> ScalarExpr {
    let mut flat = Vec::with_capacity(texts.len());
    for text in texts {
        match text {
            ScalarExpr::Call(Function::Concat, inner) => flat.extend(inner),
            other => flat.push(other),
        }
    }
    if flat.len() == 1 {
        return flat.pop().unwrap_or(ScalarExpr::NULL);
    }
    folded(Function::Concat, flat)
}

/// A whole number as such, any other as a decimal.
pub(super) fn number_of(number: Decimal) -> ScalarValue<'static> {
    let whole = number.is_whole().then(|| i64::try_from(number.floor()).ok()).flatten();
    whole.map_or(ScalarValue::Decimal(number), ScalarValue::Integer)
}

/// A constant as a literal of the tree.
pub(in crate::predicate) fn literal_of(constant: Constant) -> ScalarExpr {
    ScalarExpr::of(match constant {
        Constant::Null => return ScalarExpr::NULL,
        Constant::Boolean(truth) => ScalarValue::Boolean(truth),
        Constant::Number(number) => number_of(number),
        Constant::Text(text) => ScalarValue::text(text),
        Constant::Instant { at, whole_day: false } => ScalarValue::Instant(at.0),
        Constant::Instant { at, whole_day: true } => {
            return cast_folded(ScalarExpr::of(ScalarValue::Instant(at.0)), CastTarget::Date);
        }
        Constant::Interval(span) => ScalarValue::Interval(CalendarInterval {
            months: i64::from(span.get_years()) * 12 + i64::from(span.get_months()),
            seconds: (i64::from(span.get_weeks()) * 7 + i64::from(span.get_days())) * 86_400
                + i64::from(span.get_hours()) * 3600
                + span.get_minutes() * 60
                + span.get_seconds(),
        }),
    })
}
