//! The typed tree: what a predicate was understood to say, and its canonical text.
//!
//! Operands know their column and how it is read; literals have the column's type. Trees are built
//! by the functions below, which keep one shape for one meaning: no AND directly inside an AND, no
//! NOT of a NOT, no IN of one value. That is what lets the canonical text read back as the same
//! tree.
//!
//! Never knows SQL's syntax tree or how rows are matched.

use std::fmt;

use super::decimal::Decimal;
use super::like::Like;
use super::scalar::ComputedCondition;
use crate::report::ColumnKind;
use crate::values::time;

/// A condition. Like all of SQL's it is TRUE, FALSE or NULL; `None` stands for NULL.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expr {
    Constant(Option<bool>),
    /// Two or more, none of them `All`.
    All(Vec<Expr>),
    /// Two or more, none of them `Any`.
    Any(Vec<Expr>),
    /// Never of a `Not` or a `Constant`.
    Not(Box<Expr>),
    /// `operand IS TRUE`, `IS FALSE`, `IS UNKNOWN`; the operand can be NULL.
    Is {
        operand: Box<Expr>,
        state: Option<bool>,
    },
    Test(ColumnTest),
    /// What is neither a column nor a constant is looked at.
    Computed(ComputedCondition),
}

/// One column against one thing. NULL where the column is, except for [`Check::Null`].
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ColumnTest {
    pub(super) operand: Operand,
    pub(super) check: Check,
}

/// A column and how its bytes are read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Operand {
    /// Place in the schema, from 0.
    pub(super) column: usize,
    /// As the canonical text spells it, quoted where it must be.
    pub(super) name: String,
    pub(super) kind: ColumnKind,
    /// A token column whose values are compared without their hyphens.
    pub(super) ignores_hyphens: bool,
    /// Only where it changes the type.
    pub(super) cast: Option<Type>,
    /// Only for text that is not a token.
    pub(super) case: Option<Case>,
}

/// The types that values are compared as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    Integer,
    Instant,
    Boolean,
}

/// `LOWER(…)` or `UPPER(…)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    Lower,
    Upper,
}

/// What is asked of an operand; the variant always fits [`Operand::value_type`].
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Check {
    /// `IS NULL`: of any type.
    Null,
    /// A boolean column that is `true`.
    True,
    Integer(ValueTest<Decimal>),
    Instant(ValueTest<Instant>),
    Text(ValueTest<String>),
    Like {
        pattern: Like,
        /// ILIKE: both sides in lower case.
        folded: bool,
    },
    Regex(Regex),
}

/// Compared with one literal or with several.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ValueTest<T> {
    Compare(Comparison, T),
    /// Two or more, ascending.
    In(Vec<T>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Nanoseconds since 1970 in UTC, within the years that can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Instant(pub(super) i128);

/// A regular expression with the text it was made of. Equal when the texts are.
#[derive(Debug, Clone)]
pub(super) struct Regex {
    pub(super) text: String,
    pub(super) compiled: regex::bytes::Regex,
}

impl PartialEq for Regex {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Operand {
    pub(super) fn value_type(&self) -> Type {
        self.cast.unwrap_or(match self.kind {
            ColumnKind::Text | ColumnKind::Key | ColumnKind::Acl | ColumnKind::Token => Type::Text,
            ColumnKind::Integer => Type::Integer,
            ColumnKind::Timestamp => Type::Instant,
            ColumnKind::Boolean => Type::Boolean,
        })
    }

    /// Whether this is a token compared as one: without regard to case.
    pub(super) fn is_token(&self) -> bool {
        self.kind == ColumnKind::Token && self.cast.is_none()
    }
}

impl Comparison {
    /// The same comparison with its two sides exchanged.
    pub(super) fn flipped(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            Self::Equal | Self::NotEqual => self,
        }
    }

    pub(super) fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

impl Expr {
    pub(super) fn test(operand: Operand, check: Check) -> Self {
        Self::Test(ColumnTest { operand, check })
    }

    /// True where all are; what is already an AND is taken apart.
    pub(super) fn all(parts: Vec<Self>) -> Self {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Self::All(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        Self::only(flat, true).unwrap_or_else(Self::All)
    }

    /// True where one is; what is already an OR is taken apart.
    pub(super) fn any(parts: Vec<Self>) -> Self {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Self::Any(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        Self::only(flat, false).unwrap_or_else(Self::Any)
    }

    /// The only part of one, the neutral constant of none, or the parts back.
    fn only(mut parts: Vec<Self>, neutral: bool) -> Result<Self, Vec<Self>> {
        if parts.len() > 1 {
            return Err(parts);
        }
        Ok(parts.pop().unwrap_or(Self::Constant(Some(neutral))))
    }

    pub(super) fn not(self) -> Self {
        match self {
            Self::Constant(truth) => Self::Constant(truth.map(|truth| !truth)),
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    /// `self IS TRUE`, `IS FALSE` or, for `None`, `IS UNKNOWN`.
    pub(super) fn is(self, state: Option<bool>) -> Self {
        match (self, state) {
            (Self::Constant(truth), _) => Self::Constant(Some(truth == state)),
            (Self::Test(ColumnTest { operand, check: Check::True }), None) => {
                Self::test(operand, Check::Null)
            }
            (never_null, _) if !never_null.can_be_null() => match state {
                Some(true) => never_null,
                Some(false) => never_null.not(),
                None => Self::Constant(Some(false)),
            },
            (operand, _) => Self::Is { operand: Box::new(operand), state },
        }
    }

    fn can_be_null(&self) -> bool {
        match self {
            Self::Constant(truth) => truth.is_none(),
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::can_be_null),
            Self::Not(inner) => inner.can_be_null(),
            Self::Is { .. } => false,
            Self::Test(test) => test.check != Check::Null,
            Self::Computed(computed) => !matches!(computed, ComputedCondition::Null(_)),
        }
    }

    pub(super) fn children(&self) -> &[Self] {
        match self {
            Self::All(parts) | Self::Any(parts) => parts,
            Self::Not(inner) | Self::Is { operand: inner, .. } => std::slice::from_ref(inner),
            Self::Constant(_) | Self::Test(_) | Self::Computed(_) => &[],
        }
    }

    /// Levels of the tree; a test alone has one.
    pub(super) fn depth(&self) -> usize {
        if let Self::Computed(computed) = self {
            return computed.depth();
        }
        1 + self.children().iter().map(Self::depth).max().unwrap_or(0)
    }

    /// How many `IS UNKNOWN` lie inside each other.
    pub(super) fn unknown_depth(&self) -> usize {
        if let Self::Computed(computed) = self {
            return computed.unknown_depth();
        }
        let own = usize::from(matches!(self, Self::Is { state: None, .. }));
        own + self.children().iter().map(Self::unknown_depth).max().unwrap_or(0)
    }

    /// How many conditions that are values lie inside each other.
    pub(super) fn value_depth(&self) -> usize {
        if let Self::Computed(computed) = self {
            return computed.value_depth();
        }
        self.children().iter().map(Self::value_depth).max().unwrap_or(0)
    }

    /// Adds the columns that are looked at, in no order.
    pub(super) fn add_columns(&self, columns: &mut Vec<usize>) {
        match self {
            Self::Test(test) => columns.push(test.operand.column),
            Self::Computed(computed) => computed.add_columns(columns),
            _ => {}
        }
        self.children().iter().for_each(|child| child.add_columns(columns));
    }

    /// Writes this as an operand of something that binds as tightly as `outer` says.
    fn write(&self, f: &mut fmt::Formatter<'_>, outer: Binding) -> fmt::Result {
        if self.binding() <= outer {
            return write!(f, "({self})");
        }
        write!(f, "{self}")
    }

    fn binding(&self) -> Binding {
        match self {
            Self::Any(_) => Binding::Or,
            Self::All(_) => Binding::And,
            Self::Not(inner) if !inner.negates_itself() => Binding::Not,
            Self::Test(ColumnTest { check: Check::True, .. }) | Self::Constant(_) => Binding::Name,
            Self::Computed(computed) if computed.is_value() => Binding::Name,
            _ => Binding::Test,
        }
    }

    /// Whether SQL puts the NOT inside: `x NOT IN …`, `x IS NOT NULL`.
    fn negates_itself(&self) -> bool {
        match self {
            Self::Is { .. } => true,
            Self::Test(test) => test.negates_itself(),
            Self::Computed(computed) => computed.negates_itself(),
            _ => false,
        }
    }

    fn write_joined(
        f: &mut fmt::Formatter<'_>,
        parts: &[Self],
        word: &str,
        binding: Binding,
    ) -> fmt::Result {
        for (place, part) in parts.iter().enumerate() {
            if place > 0 {
                write!(f, " {word} ")?;
            }
            part.write(f, binding)?;
        }
        Ok(())
    }

    fn write_is(&self, f: &mut fmt::Formatter<'_>, not: &str, state: Option<bool>) -> fmt::Result {
        self.write(f, Binding::Test)?;
        let state = match state {
            Some(true) => "TRUE",
            Some(false) => "FALSE",
            None => "UNKNOWN",
        };
        write!(f, " IS {not}{state}")
    }
}

/// How tightly a condition holds together, loosest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Or,
    And,
    Not,
    Test,
    Name,
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(Some(true)) => f.write_str("TRUE"),
            Self::Constant(Some(false)) => f.write_str("FALSE"),
            Self::Constant(None) => f.write_str("NULL"),
            Self::All(parts) => Self::write_joined(f, parts, "AND", Binding::And),
            Self::Any(parts) => Self::write_joined(f, parts, "OR", Binding::Or),
            Self::Not(inner) => match &**inner {
                Self::Is { operand, state } => operand.write_is(f, "NOT ", *state),
                Self::Test(test) if test.negates_itself() => test.write(f, "NOT "),
                Self::Computed(computed) if computed.negates_itself() => computed.write(f, "NOT "),
                other => {
                    f.write_str("NOT ")?;
                    other.write(f, Binding::Not)
                }
            },
            Self::Is { operand, state } => operand.write_is(f, "", *state),
            Self::Test(test) => test.write(f, ""),
            Self::Computed(computed) => computed.write(f, ""),
        }
    }
}

impl ColumnTest {
    fn negates_itself(&self) -> bool {
        match &self.check {
            Check::Null | Check::Like { .. } => true,
            Check::Integer(relation) => matches!(relation, ValueTest::In(_)),
            Check::Instant(relation) => matches!(relation, ValueTest::In(_)),
            Check::Text(relation) => matches!(relation, ValueTest::In(_)),
            Check::True | Check::Regex(_) => false,
        }
    }

    /// `not` is empty or `NOT `; not empty only where [`Self::negates_itself`].
    fn write(&self, f: &mut fmt::Formatter<'_>, not: &str) -> fmt::Result {
        let operand = &self.operand;
        match &self.check {
            Check::Null => write!(f, "{operand} IS {not}NULL"),
            Check::True => write!(f, "{operand}"),
            Check::Integer(relation) => relation.write(f, operand, not, Decimal::to_string),
            Check::Instant(relation) => relation.write(f, operand, not, Instant::to_string),
            Check::Text(relation) => relation.write(f, operand, not, |text| literal(text)),
            Check::Like { pattern, folded } => {
                let word = if *folded { "ILIKE" } else { "LIKE" };
                write!(f, "{operand} {not}{word} {pattern}")
            }
            Check::Regex(regex) => write!(f, "regexp_like({operand}, {})", literal(&regex.text)),
        }
    }
}

impl<T> ValueTest<T> {
    fn write(
        &self,
        f: &mut fmt::Formatter<'_>,
        operand: &Operand,
        not: &str,
        show: impl Fn(&T) -> String,
    ) -> fmt::Result {
        match self {
            Self::Compare(comparison, value) => {
                write!(f, "{operand} {} {}", comparison.sign(), show(value))
            }
            Self::In(values) => {
                write!(f, "{operand} {not}IN (")?;
                for (place, value) in values.iter().enumerate() {
                    let comma = if place > 0 { ", " } else { "" };
                    write!(f, "{comma}{}", show(value))?;
                }
                f.write_str(")")
            }
        }
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (before, after) = match self.case {
            Some(Case::Lower) => ("LOWER(", ")"),
            Some(Case::Upper) => ("UPPER(", ")"),
            None => ("", ""),
        };
        match self.cast {
            Some(to) => write!(f, "{before}CAST({} AS {}){after}", self.name, to.sql()),
            None => write!(f, "{before}{}{after}", self.name),
        }
    }
}

impl Type {
    /// As it is written in a CAST.
    pub(super) fn sql(self) -> &'static str {
        match self {
            Self::Text => "VARCHAR",
            Self::Integer => "BIGINT",
            Self::Instant => "TIMESTAMP",
            Self::Boolean => "BOOLEAN",
        }
    }

    /// As it is called in a message.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "whole numbers",
            Self::Instant => "dates",
            Self::Boolean => "true or false",
        }
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match time::civil(self.0) {
            Some(utc) => write!(f, "'{utc}Z'"),
            None => write!(f, "'{} ns'", self.0),
        }
    }
}

/// A text literal as SQL writes it.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
