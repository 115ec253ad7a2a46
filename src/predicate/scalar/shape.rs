//! What a tree amounts to: a column, a constant, or a call that the fast tests have an equal of.

use super::super::column_test::{Case, Instant, Operand, Type};
use super::super::constant::Constant;
use super::super::decimal::Decimal;
use super::cast::decimal_of;
use super::fold::number_of;
use super::function::Function;
use super::tree::{CastTarget, ScalarExpr};
use super::value::ScalarValue;
use crate::report::ColumnKind;
use crate::values::time::NANOS_PER_DAY;

impl ScalarExpr {
    /// A literal as the constant that columns are compared with; `None` for what is not one.
    pub(in crate::predicate) fn as_constant(&self) -> Option<Constant> {
        let Self::Literal(value) = self else { return None };
        Some(match value {
            None => Constant::Null,
            Some(ScalarValue::Text(text)) => {
                Constant::Text(std::str::from_utf8(text).ok()?.to_owned())
            }
            Some(ScalarValue::Integer(number)) => {
                Constant::Number(Decimal::new(i128::from(*number), 0)?)
            }
            Some(ScalarValue::Decimal(number)) => Constant::Number(*number),
            Some(ScalarValue::Double(number)) => Constant::Number(decimal_of(*number)?),
            Some(ScalarValue::Instant(at)) => {
                Constant::Instant { at: Instant(*at), whole_day: false }
            }
            Some(ScalarValue::Date(day)) => {
                Constant::Instant { at: Instant(i128::from(*day) * NANOS_PER_DAY), whole_day: true }
            }
            Some(ScalarValue::Boolean(truth)) => Constant::Boolean(*truth),
            Some(ScalarValue::Interval(_)) => return None,
        })
    }

    /// The column, read in one of the ways that the fast tests know; `None` for any other value.
    pub(in crate::predicate) fn as_operand(&self) -> Option<Operand> {
        match self {
            Self::Column(column) => Some(column.operand.clone()),
            Self::Cast(inner, to) => {
                let Self::Column(column) = &**inner else { return None };
                let operand = column.operand.clone();
                let cast = match (operand.value_type(), to) {
                    // A whole number compares with a constant as any other number does.
                    (Type::Integer, CastTarget::Double) => return Some(operand),
                    (Type::Integer | Type::Instant | Type::Boolean, CastTarget::Text) => Type::Text,
                    (Type::Text, CastTarget::Integer) => Type::Integer,
                    (Type::Text, CastTarget::Instant) => Type::Instant,
                    (Type::Text, CastTarget::Boolean) => Type::Boolean,
                    _ => return None,
                };
                Some(Operand { cast: Some(cast), ..operand })
            }
            Self::Call(function @ (Function::Lower | Function::Upper), arguments) => {
                let operand = arguments.first()?.as_operand()?;
                if operand.case.is_some() || operand.value_type() != Type::Text {
                    return None;
                }
                let case = if *function == Function::Lower { Case::Lower } else { Case::Upper };
                // Tokens are compared without regard to case anyway.
                let case = (!operand.is_token()).then_some(case);
                Some(Operand { case, ..operand })
            }
            _ => None,
        }
    }

    /// A literal as comparisons have it: a number in one form, whatever its type.
    pub(in crate::predicate) fn compared(self) -> Self {
        let number = match &self {
            Self::Literal(Some(ScalarValue::Decimal(number))) => Some(*number),
            Self::Literal(Some(ScalarValue::Double(number))) => decimal_of(*number),
            _ => None,
        };
        number.map_or(self, |number| Self::of(number_of(number)))
    }

    pub(in crate::predicate) fn is_null(&self) -> bool {
        *self == Self::NULL
    }

    pub(in crate::predicate) fn as_truth(&self) -> Option<bool> {
        if let Self::Literal(Some(value)) = self { value.boolean() } else { None }
    }

    /// `starts_with` (`true`) or `ends_with` of a column of texts and a constant.
    pub(in crate::predicate) fn as_prefix(&self) -> Option<(Operand, String, bool)> {
        match self {
            Self::Call(function @ (Function::StartsWith | Function::EndsWith), arguments) => {
                let (operand, text) = text_and_constant(arguments)?;
                Some((operand, text, *function == Function::StartsWith))
            }
            _ => None,
        }
    }

    /// `strpos` of a column of texts and a constant.
    pub(in crate::predicate) fn as_position(&self) -> Option<(Operand, String)> {
        match self {
            Self::Call(Function::Position, arguments) => text_and_constant(arguments),
            _ => None,
        }
    }

    /// `coalesce` of a column and a constant.
    pub(in crate::predicate) fn as_default(&self) -> Option<(Operand, ScalarValue<'static>)> {
        let Self::Call(Function::Coalesce, arguments) = self else { return None };
        let [column, Self::Literal(Some(default))] = arguments.as_slice() else { return None };
        Some((column.as_operand()?, default.clone()))
    }

    /// `url_encode(Key)`, as manifests hold keys.
    pub(in crate::predicate) fn is_encoded_key(&self) -> bool {
        match self {
            Self::Call(Function::UrlEncode, arguments) => {
                matches!(arguments.as_slice(), [key] if key.is_key())
            }
            key => key.is_key(),
        }
    }

    /// A CASE or `coalesce`: a value, and another where there is none.
    pub(in crate::predicate) fn has_default(&self) -> bool {
        matches!(self, Self::Case { .. } | Self::Call(Function::Coalesce, _))
    }

    /// Whether this is a whole key, which is decoded already.
    pub(super) fn is_key(&self) -> bool {
        matches!(self, Self::Column(column) if column.operand.kind == ColumnKind::Key)
    }
}

/// A column of texts that the fast tests can read, and a constant text.
fn text_and_constant(arguments: &[ScalarExpr]) -> Option<(Operand, String)> {
    let [column, constant] = arguments else { return None };
    let operand = column.as_operand().filter(|operand| operand.value_type() == Type::Text)?;
    match constant.as_constant()? {
        Constant::Text(text) => Some((operand, text)),
        _ => None,
    }
}
