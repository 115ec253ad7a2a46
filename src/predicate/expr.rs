//! The typed tree: what a predicate was understood to say, and its canonical text.
//!
//! Operands know their column and how it is read; literals have the column's type. Trees are built
//! by the functions below, which keep one shape for one meaning: no AND directly inside an AND, no
//! NOT of a NOT, no IN of one value. That is what lets the canonical text read back as the same
//! tree.
//!
//! Never knows SQL's syntax tree or how rows are matched.

use std::fmt;

use super::column_test::{Check, ColumnTest, Operand};
use super::scalar::ComputedCondition;

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
