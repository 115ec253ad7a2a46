//! The tree of a computed expression, its type, and its canonical text.

use std::fmt;

use super::super::compile;
use super::super::expr::{Check, ColumnTest, Comparison, Expr, Operand, Regex, Type, literal};
use super::super::like::{Like, MatchPlan};
use super::super::matcher::{self, FieldEncoding, Node, Scratch};
use super::super::read::is_readable;
use super::function::Function;
use super::value::{ScalarType, ScalarValue};
use crate::values::Row;

/// An expression with a value for each row, which may be NULL.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::predicate) enum ScalarExpr {
    /// As it stands: neither cast nor changed in case.
    Column(ColumnRef),
    /// `None` is NULL.
    Literal(Option<ScalarValue<'static>>),
    Call(Function, Vec<ScalarExpr>),
    Case {
        branches: Vec<(Condition, ScalarExpr)>,
        otherwise: Box<ScalarExpr>,
    },
    Cast(Box<ScalarExpr>, CastTarget),
    /// A condition as a value.
    Condition(Box<Condition>),
}

/// A column of the report.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::predicate) struct ColumnRef {
    pub(super) operand: Operand,
    /// What is decoded before it is read.
    pub(super) encoding: FieldEncoding,
}

/// What a CAST makes of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::predicate) enum CastTarget {
    Text,
    Integer,
    /// Digits in all, and digits after the point.
    Decimal(u32, u32),
    Double,
    Instant,
    Date,
    Boolean,
}

/// A condition inside an expression, with its tests. Equal when the conditions are.
#[derive(Debug, Clone)]
pub(in crate::predicate) struct Condition {
    pub(in crate::predicate) expr: Expr,
    is_true: Node,
    is_false: Node,
}

/// A condition on computed values: NULL where one of them is, but for `IS NULL`.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::predicate) enum ComputedCondition {
    /// A value that is true or false.
    Truth(ScalarExpr),
    Compare(ScalarExpr, Comparison, ScalarExpr),
    In(ScalarExpr, Vec<ScalarExpr>),
    Null(ScalarExpr),
    Like(ScalarExpr, Pattern),
    Regex(ScalarExpr, Regex),
}

/// A pattern of LIKE or ILIKE, ready to be matched. Equal when the patterns are.
#[derive(Debug, Clone)]
pub(in crate::predicate) struct Pattern {
    pub(super) like: Like,
    /// ILIKE: both sides in lower case.
    pub(super) folded: bool,
    pub(super) plan: MatchPlan,
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.expr == other.expr
    }
}

impl Condition {
    pub(in crate::predicate) fn new(expr: Expr) -> Self {
        let (is_true, is_false) = (compile::when_true(&expr), compile::when_false(&expr));
        Self { expr, is_true, is_false }
    }

    pub(super) fn is_true(&self, row: &dyn Row, scratch: &mut Scratch) -> bool {
        self.is_true.matches(row, scratch)
    }

    pub(super) fn truth(&self, row: &dyn Row, scratch: &mut Scratch) -> Option<bool> {
        if self.is_true.matches(row, scratch) {
            return Some(true);
        }
        self.is_false.matches(row, scratch).then_some(false)
    }

    fn read_raw(&mut self) {
        self.is_true.read_raw_throughout();
        self.is_false.read_raw_throughout();
    }
}

impl Pattern {
    pub(in crate::predicate) fn new(like: Like, folded: bool) -> Self {
        let lower = |text: &str| text.chars().flat_map(char::to_lowercase).collect();
        let plan = if folded { like.clone().map_text(lower).plan() } else { like.plan() };
        Self { like, folded, plan }
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.like == other.like && self.folded == other.folded
    }
}

impl ScalarExpr {
    pub(super) const NULL: Self = Self::Literal(None);

    pub(super) fn of(value: ScalarValue<'static>) -> Self {
        Self::Literal(Some(value))
    }

    pub(in crate::predicate) fn column(operand: Operand) -> Self {
        let encoding = matcher::encoding(&operand);
        Self::Column(ColumnRef { operand, encoding })
    }

    pub(in crate::predicate) fn condition(expr: Expr) -> Self {
        match expr {
            Expr::Constant(truth) => Self::Literal(truth.map(ScalarValue::Boolean)),
            Expr::Computed(ComputedCondition::Truth(value)) => value,
            // A boolean column that stands alone is a value already.
            Expr::Test(ColumnTest { operand, check: Check::True }) => {
                let cast = operand.cast.is_some();
                let column = Self::column(Operand { cast: None, ..operand });
                if cast { Self::Cast(Box::new(column), CastTarget::Boolean) } else { column }
            }
            expr => Self::Condition(Box::new(Condition::new(expr))),
        }
    }

    pub(in crate::predicate) fn value_type(&self) -> ScalarType {
        match self {
            Self::Column(column) => match column.operand.value_type() {
                Type::Text => ScalarType::Text,
                Type::Integer => ScalarType::Integer,
                Type::Instant => ScalarType::Instant,
                Type::Boolean => ScalarType::Boolean,
            },
            Self::Literal(None) => ScalarType::Null,
            Self::Literal(Some(value)) => value.value_type(),
            Self::Call(function, arguments) => function.returns(arguments),
            Self::Case { branches, otherwise } => branches
                .iter()
                .map(|(_, value)| value.value_type())
                .chain([otherwise.value_type()])
                .find(|of| *of != ScalarType::Null)
                .unwrap_or(ScalarType::Null),
            Self::Cast(_, to) => to.value_type(),
            Self::Condition(_) => ScalarType::Boolean,
        }
    }

    /// The values it is made of, without those inside conditions.
    fn children(&self) -> Vec<&Self> {
        match self {
            Self::Column(_) | Self::Literal(_) | Self::Condition(_) => Vec::new(),
            Self::Call(_, arguments) => arguments.iter().collect(),
            Self::Case { branches, otherwise } => {
                branches.iter().map(|(_, value)| value).chain([&**otherwise]).collect()
            }
            Self::Cast(inner, _) => vec![inner],
        }
    }

    fn conditions(&self) -> Vec<&Expr> {
        match self {
            Self::Case { branches, .. } => branches.iter().map(|(when, _)| &when.expr).collect(),
            Self::Condition(condition) => vec![&condition.expr],
            _ => Vec::new(),
        }
    }

    /// Levels of the canonical text.
    pub(in crate::predicate) fn depth(&self) -> usize {
        let own = match self {
            Self::Call(function, _) if function.is_element_of_split() => 2,
            _ => 1,
        };
        let values = self.children().into_iter().map(Self::depth);
        own + values.chain(self.conditions().into_iter().map(Expr::depth)).max().unwrap_or(0)
    }

    pub(in crate::predicate) fn unknown_depth(&self) -> usize {
        let values = self.children().into_iter().map(Self::unknown_depth);
        let conditions = self.conditions().into_iter().map(Expr::unknown_depth);
        values.chain(conditions).max().unwrap_or(0)
    }

    fn value_depth(&self) -> usize {
        let values = self.children().into_iter().map(Self::value_depth);
        let conditions = self.conditions().into_iter().map(|expr| 1 + expr.value_depth());
        values.chain(conditions).max().unwrap_or(0)
    }

    pub(in crate::predicate) fn add_columns(&self, columns: &mut Vec<usize>) {
        if let Self::Column(column) = self {
            columns.push(column.operand.column);
        }
        self.conditions().into_iter().for_each(|expr| expr.add_columns(columns));
        self.children().into_iter().for_each(|child| child.add_columns(columns));
    }

    /// Adds the columns whose values in a row are not of their types, each once.
    fn add_unreadable(&self, row: &dyn Row, scratch: &mut Scratch, columns: &mut Vec<usize>) {
        match self {
            Self::Column(ColumnRef { operand, .. }) => {
                let place = operand.column;
                if !columns.contains(&place) && !is_readable(operand.kind, row.field(place)) {
                    columns.push(place);
                }
            }
            Self::Case { branches, .. } => {
                for (when, _) in branches {
                    when.is_true.truth(row, scratch, columns);
                }
            }
            Self::Condition(condition) => {
                // Its value may be NULL, too: neither of both.
                condition.is_true.truth(row, scratch, columns);
                condition.is_false.truth(row, scratch, columns);
            }
            _ => {}
        }
        for child in self.children() {
            child.add_unreadable(row, scratch, columns);
        }
    }

    /// Makes it take keys as they stand, not encoded.
    fn read_raw(&mut self) {
        match self {
            Self::Column(column) if column.encoding == FieldEncoding::Key => {
                column.encoding = FieldEncoding::None;
            }
            Self::Column(_) | Self::Literal(_) => {}
            Self::Call(_, arguments) => arguments.iter_mut().for_each(Self::read_raw),
            Self::Case { branches, otherwise } => {
                for (when, value) in branches {
                    when.read_raw();
                    value.read_raw();
                }
                otherwise.read_raw();
            }
            Self::Cast(inner, _) => inner.read_raw(),
            Self::Condition(condition) => condition.read_raw(),
        }
    }

    /// Writes this as an operand of an operator.
    fn write_operand(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(function, _) if function.sign().is_some() => write!(f, "({self})"),
            other => write!(f, "{other}"),
        }
    }
}

impl CastTarget {
    pub(super) fn value_type(self) -> ScalarType {
        match self {
            Self::Text => ScalarType::Text,
            Self::Integer => ScalarType::Integer,
            Self::Decimal(..) => ScalarType::Decimal,
            Self::Double => ScalarType::Double,
            Self::Instant => ScalarType::Instant,
            Self::Date => ScalarType::Date,
            Self::Boolean => ScalarType::Boolean,
        }
    }
}

impl fmt::Display for CastTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "VARCHAR",
            Self::Integer => "BIGINT",
            Self::Decimal(digits, scale) => return write!(f, "DECIMAL({digits},{scale})"),
            Self::Double => "DOUBLE",
            Self::Instant => "TIMESTAMP",
            Self::Date => "DATE",
            Self::Boolean => "BOOLEAN",
        })
    }
}

impl fmt::Display for ScalarExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Column(column) => write!(f, "{}", column.operand),
            Self::Literal(None) => f.write_str("NULL"),
            Self::Literal(Some(value)) => write!(f, "{value}"),
            Self::Call(function, arguments) => write_call(f, *function, arguments),
            Self::Case { branches, otherwise } => {
                f.write_str("CASE")?;
                for (when, value) in branches {
                    write!(f, " WHEN {} THEN {value}", when.expr)?;
                }
                if **otherwise != Self::NULL {
                    write!(f, " ELSE {otherwise}")?;
                }
                f.write_str(" END")
            }
            Self::Cast(inner, to) => write!(f, "CAST({inner} AS {to})"),
            Self::Condition(condition) => write!(f, "({})", condition.expr),
        }
    }
}

fn write_call(
    f: &mut fmt::Formatter<'_>,
    function: Function,
    arguments: &[ScalarExpr],
) -> fmt::Result {
    if let (Some(sign), [only]) = (function.sign(), arguments) {
        write!(f, "{sign} ")?;
        return only.write_operand(f);
    }
    if let Some(sign) = function.sign() {
        for (place, argument) in arguments.iter().enumerate() {
            if place > 0 {
                write!(f, " {sign} ")?;
            }
            argument.write_operand(f)?;
        }
        return Ok(());
    }
    if let (Function::Trim, [text, letters]) = (function, arguments) {
        return write!(f, "trim(BOTH {letters} FROM {text})");
    }
    let mut arguments = arguments.iter();
    let mut separator = "";
    if function.is_element_of_split() {
        let (text, delimiter) = (arguments.next(), arguments.next());
        write!(f, "{}(split(", function.name())?;
        for part in [text, delimiter].into_iter().flatten() {
            write!(f, "{separator}{part}")?;
            separator = ", ";
        }
        f.write_str(")")?;
    } else {
        write!(f, "{}(", function.name())?;
        if let Some(unit) = function.unit() {
            write!(f, "'{}'", unit.name())?;
            separator = ", ";
        }
    }
    for argument in arguments {
        write!(f, "{separator}{argument}")?;
        separator = ", ";
    }
    f.write_str(")")
}

impl ComputedCondition {
    fn values(&self) -> Vec<&ScalarExpr> {
        match self {
            Self::Truth(value) | Self::Null(value) => vec![value],
            Self::Like(value, _) | Self::Regex(value, _) => vec![value],
            Self::Compare(left, _, right) => vec![left, right],
            Self::In(value, list) => std::iter::once(value).chain(list).collect(),
        }
    }

    pub(in crate::predicate) fn depth(&self) -> usize {
        1 + self.values().into_iter().map(ScalarExpr::depth).max().unwrap_or(0)
    }

    pub(in crate::predicate) fn unknown_depth(&self) -> usize {
        self.values().into_iter().map(ScalarExpr::unknown_depth).max().unwrap_or(0)
    }

    pub(in crate::predicate) fn value_depth(&self) -> usize {
        self.values().into_iter().map(ScalarExpr::value_depth).max().unwrap_or(0)
    }

    pub(in crate::predicate) fn add_columns(&self, columns: &mut Vec<usize>) {
        self.values().into_iter().for_each(|value| value.add_columns(columns));
    }

    /// Adds the columns whose values in a row are not of their types, each once.
    pub(in crate::predicate) fn add_unreadable(
        &self,
        row: &dyn Row,
        scratch: &mut Scratch,
        columns: &mut Vec<usize>,
    ) {
        for value in self.values() {
            value.add_unreadable(row, scratch, columns);
        }
    }

    /// Makes it take keys as they stand, not encoded.
    pub(in crate::predicate) fn read_raw(&mut self) {
        match self {
            Self::Truth(value) | Self::Null(value) => value.read_raw(),
            Self::Like(value, _) | Self::Regex(value, _) => value.read_raw(),
            Self::Compare(left, _, right) => {
                left.read_raw();
                right.read_raw();
            }
            Self::In(value, list) => {
                value.read_raw();
                list.iter_mut().for_each(ScalarExpr::read_raw);
            }
        }
    }

    /// Whether its values are all literals.
    pub(in crate::predicate) fn is_constant(&self) -> bool {
        self.values().into_iter().all(|value| matches!(value, ScalarExpr::Literal(_)))
    }

    /// Whether SQL puts the NOT inside: `x NOT IN …`, `x IS NOT NULL`.
    pub(in crate::predicate) fn negates_itself(&self) -> bool {
        matches!(self, Self::Null(_) | Self::In(..) | Self::Like(..))
    }

    /// Whether it stands as tightly as a name: a call, a CASE.
    pub(in crate::predicate) fn is_value(&self) -> bool {
        matches!(self, Self::Truth(_) | Self::Regex(..))
    }

    /// `not` is empty or `NOT `; not empty only where [`Self::negates_itself`].
    pub(in crate::predicate) fn write(&self, f: &mut fmt::Formatter<'_>, not: &str) -> fmt::Result {
        match self {
            Self::Truth(value) => write!(f, "{value}"),
            Self::Compare(left, by, right) => write!(f, "{left} {} {right}", by.sign()),
            Self::Null(value) => write!(f, "{value} IS {not}NULL"),
            Self::Like(value, pattern) => {
                let word = if pattern.folded { "ILIKE" } else { "LIKE" };
                write!(f, "{value} {not}{word} {}", pattern.like)
            }
            Self::Regex(value, regex) => {
                write!(f, "regexp_like({value}, {})", literal(&regex.text))
            }
            Self::In(value, list) => {
                write!(f, "{value} {not}IN (")?;
                for (place, item) in list.iter().enumerate() {
                    let comma = if place > 0 { ", " } else { "" };
                    write!(f, "{comma}{item}")?;
                }
                f.write_str(")")
            }
        }
    }
}
