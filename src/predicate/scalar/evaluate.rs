//! The value of a computed expression for a row.
//!
//! `None` is NULL, and every function of a NULL is NULL, but for `coalesce`, `nullif` and CASE.

use std::borrow::Cow;

use super::super::expr::{Comparison, Type};
use super::super::matcher::Scratch;
use super::super::read;
use super::calendar;
use super::cast::cast;
use super::function::Function;
use super::number;
use super::text;
use super::tree::{CastTarget, ColumnRef, ComputedCondition, Pattern, ScalarExpr};
use super::value::ScalarValue;
use crate::values::Row;
use crate::values::time;

/// What an expression is evaluated for.
pub(super) struct Context<'c> {
    pub(super) row: &'c dyn Row,
    pub(super) scratch: &'c mut Scratch,
}

/// The value of a field by its column's type. The one place where fields become values: `None` for
/// an empty field, and for one that is not what its column's type says, which is told to `scratch`.
pub(super) fn read_column<'r>(
    column: &ColumnRef,
    row: &'r dyn Row,
    scratch: &mut Scratch,
) -> Option<ScalarValue<'r>> {
    let text = read_text(column, row)?;
    let value = match column.operand.value_type() {
        Type::Text => return Some(ScalarValue::Text(text)),
        Type::Integer => {
            let number = read::integer(&text);
            scratch.met_unreadable |= number.is_none();
            return i64::try_from(number?).ok().map(ScalarValue::Integer);
        }
        Type::Instant => time::instant(&text).map(ScalarValue::Instant),
        Type::Boolean => read::flag(&text).map(ScalarValue::Boolean),
    };
    scratch.met_unreadable |= value.is_none();
    value
}

/// The text of a field, decoded; `None` for an empty one.
fn read_text<'r>(column: &ColumnRef, row: &'r dyn Row) -> Option<Cow<'r, [u8]>> {
    let field = row.field(column.operand.column);
    if field.is_empty() {
        return None;
    }
    let mut decoded = Vec::new();
    match column.encoding.decode(field, &mut decoded) {
        true => Some(Cow::Owned(decoded)),
        false => Some(Cow::Borrowed(field)),
    }
}

impl ScalarExpr {
    pub(super) fn evaluate<'c>(&'c self, context: &mut Context<'c>) -> Option<ScalarValue<'c>> {
        match self {
            Self::Column(column) => read_column(column, context.row, context.scratch),
            Self::Literal(value) => value.as_ref().map(ScalarValue::borrowed),
            Self::Call(function, arguments) => call(*function, arguments, context),
            Self::Case { branches, otherwise } => {
                let row = context.row;
                let taken = branches
                    .iter()
                    .find(|(when, _)| when.is_true(row, context.scratch))
                    .map_or(&**otherwise, |(_, value)| value);
                taken.evaluate(context)
            }
            Self::Cast(inner, to) => match (&**inner, to) {
                // The text of a number or a date is the report's.
                (Self::Column(column), CastTarget::Text) => {
                    read_text(column, context.row).map(ScalarValue::Text)
                }
                (inner, to) => cast(inner.evaluate(context)?, *to),
            },
            Self::Condition(condition) => {
                condition.truth(context.row, context.scratch).map(ScalarValue::Boolean)
            }
        }
    }
}

fn call<'c>(
    function: Function,
    arguments: &'c [ScalarExpr],
    context: &mut Context<'c>,
) -> Option<ScalarValue<'c>> {
    match function {
        Function::Coalesce => {
            return arguments.iter().find_map(|argument| argument.evaluate(context));
        }
        Function::NullIf => {
            let [value, other] = arguments else { return None };
            let value = value.evaluate(context)?;
            let equal = other
                .evaluate(context)
                .and_then(|other| value.order(&other))
                .is_some_and(|o| o.is_eq());
            return (!equal).then_some(value);
        }
        _ => {}
    }
    let values: Vec<ScalarValue<'c>> =
        arguments.iter().map(|argument| argument.evaluate(context)).collect::<Option<_>>()?;
    apply(function, values)
}

/// A function of values that are there.
fn apply(function: Function, mut values: Vec<ScalarValue<'_>>) -> Option<ScalarValue<'_>> {
    if let Function::Greatest | Function::Least = function {
        let mut best = values.pop()?;
        for value in values {
            let order = value.order(&best)?;
            let better = if function == Function::Greatest { order.is_gt() } else { order.is_lt() };
            if better {
                best = value;
            }
        }
        return Some(best);
    }
    if function == Function::Concat {
        return text::concat(values);
    }
    let mut values = values.into_iter();
    let first = values.next()?;
    let (second, third) = (values.next(), values.next());
    match (function, first) {
        (_, ScalarValue::Text(of)) => text::apply(function, of, second, third),
        (
            Function::Plus
            | Function::Minus
            | Function::Times
            | Function::Divide
            | Function::Modulo,
            first,
        ) if first.instant().is_none() => number::arithmetic(function, &first, &second?),
        (Function::Add(unit), first) => calendar::add(unit, first.integer()?, &second?),
        (Function::FromUnixTime, first) => calendar::from_unix_time(&first),
        (_, first) if first.instant().is_some() => calendar::apply(function, &first, second),
        (_, first) => number::apply(function, &first, second),
    }
}

impl ComputedCondition {
    /// TRUE, FALSE or, for `None`, NULL.
    pub(in crate::predicate) fn truth(&self, row: &dyn Row, scratch: &mut Scratch) -> Option<bool> {
        let mut context = Context { row, scratch };
        match self {
            Self::Truth(value) => value.evaluate(&mut context)?.boolean(),
            Self::Null(value) => Some(value.evaluate(&mut context).is_none()),
            Self::Compare(left, by, right) => {
                let left = left.evaluate(&mut context)?;
                let order = left.order(&right.evaluate(&mut context)?)?;
                Some(by.holds(order))
            }
            Self::In(value, list) => {
                let value = value.evaluate(&mut context)?;
                let mut unknown = false;
                for item in list {
                    match item.evaluate(&mut context).and_then(|item| value.order(&item)) {
                        Some(order) if order.is_eq() => return Some(true),
                        Some(_) => {}
                        None => unknown = true,
                    }
                }
                (!unknown).then_some(false)
            }
            Self::Like(value, pattern) => {
                let text = value.evaluate(&mut context)?.into_text()?;
                Some(pattern.matches(&text))
            }
            Self::Regex(value, regex) => {
                let text = value.evaluate(&mut context)?.into_text()?;
                Some(regex.compiled.is_match(&text))
            }
        }
    }
}

impl Pattern {
    fn matches(&self, text: &[u8]) -> bool {
        if self.folded { self.plan.matches(&text::lower(text)) } else { self.plan.matches(text) }
    }
}

impl Comparison {
    /// Whether it holds of two values in this order.
    pub(in crate::predicate) fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

/// A row without fields, which constants are evaluated for.
struct NoRow;

impl Row for NoRow {
    fn field(&self, _: usize) -> &[u8] {
        &[]
    }
}

impl ScalarExpr {
    /// The value of an expression that has no column in it.
    pub(super) fn constant_value(&self) -> Option<ScalarValue<'static>> {
        let mut scratch = Scratch::default();
        let mut context = Context { row: &NoRow, scratch: &mut scratch };
        self.evaluate(&mut context).map(ScalarValue::into_owned)
    }
}

impl ComputedCondition {
    /// The truth of a condition that has no column in it.
    pub(in crate::predicate) fn constant_truth(&self) -> Option<bool> {
        self.truth(&NoRow, &mut Scratch::default())
    }
}
