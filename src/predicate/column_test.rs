//! A test of one column: how the column is read, and what it is held against, with the canonical
//! text of both.
//!
//! Never knows how rows are matched.

use std::fmt;

use super::decimal::Decimal;
use super::like::Like;
use crate::report::ColumnKind;
use crate::values::time;

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

impl ColumnTest {
    pub(super) fn negates_itself(&self) -> bool {
        match &self.check {
            Check::Null | Check::Like { .. } => true,
            Check::Integer(relation) => matches!(relation, ValueTest::In(_)),
            Check::Instant(relation) => matches!(relation, ValueTest::In(_)),
            Check::Text(relation) => matches!(relation, ValueTest::In(_)),
            Check::True | Check::Regex(_) => false,
        }
    }

    /// `not` is empty or `NOT `; not empty only where [`Self::negates_itself`].
    pub(super) fn write(&self, f: &mut fmt::Formatter<'_>, not: &str) -> fmt::Result {
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
