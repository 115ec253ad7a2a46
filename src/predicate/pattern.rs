//! Conditions on patterns: LIKE, ILIKE and regular expressions, on a column or a computed text.

use sqlparser::ast::{self, Expr as Sql, Spanned};
use sqlparser::tokenizer::Span;

use super::column_test::{Check, Operand, Regex, Type};
use super::constant::Constant;
use super::error::PredicateError;
use super::expr::Expr;
use super::like::Like;
use super::scalar::{ComputedCondition, Pattern, ScalarExpr};
use super::side::{ComparisonSide, SideKind, folded, like_test};
use super::sql_tree::function_arguments;
use super::typer::{TypedResult, Typer};

/// Bytes of a compiled regular expression, and of its cache, in each worker.
const REGEX_BYTES_MAX: usize = 1 << 20;

impl Typer<'_> {
    /// What LIKE and regular expressions look at: a column of texts, or a text that is computed.
    fn text_side(&mut self, sql: &Sql, depth: usize) -> TypedResult<ComparisonSide> {
        let side = self.side(sql, depth)?;
        match &side.kind {
            SideKind::Column(operand) if operand.value_type() == Type::Text => Ok(side),
            SideKind::Column(operand) => {
                let word = operand.value_type().word();
                Err(self
                    .error(sql.span(), format!("{operand} holds {word}; a pattern needs text"))
                    .with_hint(format!(
                        "compare it by = < >, or write CAST({} AS VARCHAR)",
                        operand.name
                    )))
            }
            _ => {
                let scalar = side.clone().into_scalar();
                self.text_argument(scalar, side.span, "a pattern")?;
                Ok(side)
            }
        }
    }

    pub(super) fn like(&mut self, sql: &Sql, depth: usize) -> TypedResult<Expr> {
        let (Sql::Like { negated, expr, pattern, escape_char, .. }
        | Sql::ILike { negated, expr, pattern, escape_char, .. }) = sql
        else {
            return Err(self.unsupported(sql));
        };
        let ilike = matches!(sql, Sql::ILike { .. });
        let side = self.text_side(expr, depth)?;
        let escape = match escape_char {
            Some(sql) => Some(self.escape(sql)?),
            None => None,
        };
        let Some(text) = self.pattern_text(pattern, depth)? else {
            self.warn_of_null();
            return Ok(Expr::Constant(None));
        };
        let Some(like) = Like::parse(&text, escape) else {
            return Err(self.error(pattern.span(), "the pattern ends with its escape character"));
        };
        let test = match side.kind {
            SideKind::Column(operand) => self.column_like(operand, like, ilike, expr.span())?,
            _ => pattern_test(side.into_scalar(), Pattern::new(like, ilike)),
        };
        Ok(if *negated { test.not() } else { test })
    }

    fn column_like(
        &mut self,
        operand: Operand,
        like: Like,
        ilike: bool,
        span: Span,
    ) -> TypedResult<Expr> {
        let folded = ilike && !operand.is_token();
        if folded && operand.case.is_some() {
            return Err(self
                .error(span, "ILIKE ignores case by itself")
                .with_hint(format!("write {} ILIKE …", operand.name)));
        }
        if like.parts().is_empty() {
            self.warn(format!("LIKE '' is never true; empty fields are {operand} IS NULL"));
        }
        Ok(like_test(operand, like, folded))
    }

    /// The text of a pattern, which is a constant; `None` for NULL.
    fn pattern_text(&mut self, sql: &Sql, depth: usize) -> TypedResult<Option<String>> {
        match self.side(sql, depth)?.kind {
            SideKind::Constant(Constant::Null) => Ok(None),
            SideKind::Constant(Constant::Text(text)) => Ok(Some(text)),
            SideKind::Constant(_) => {
                Err(self.error(sql.span(), "a pattern is a text in single quotes"))
            }
            _ => Err(self
                .error(sql.span(), "a pattern is a constant")
                .with_hint("write starts_with(Key, …), ends_with(Key, …) or strpos(Key, …) > 0")),
        }
    }

    fn escape(&self, sql: &Sql) -> TypedResult<char> {
        if let Constant::Text(text) = self.evaluator.constant(sql)? {
            let mut chars = text.chars();
            if let (Some(escape), None) = (chars.next(), chars.next()) {
                return Ok(escape);
            }
        }
        Err(self.error(sql.span(), "ESCAPE takes one character: LIKE '100!%' ESCAPE '!'"))
    }

    pub(super) fn regex(&mut self, function: &ast::Function, depth: usize) -> TypedResult<Expr> {
        let arguments = function_arguments(function);
        let Some([value, pattern]) = arguments.as_deref() else {
            return Err(self
                .error(function.span(), "regexp_like takes a text and a pattern")
                .with_hint("flags go into the pattern: regexp_like(Key, '(?i)\\.jpe?g$')"));
        };
        let side = self.text_side(value, depth)?;
        let Some(text) = self.pattern_text(pattern, depth)? else {
            self.warn_of_null();
            return Ok(Expr::Constant(None));
        };
        let token = matches!(&side.kind, SideKind::Column(operand) if operand.is_token());
        let compiled = regex::bytes::RegexBuilder::new(&text)
            .case_insensitive(token)
            .size_limit(REGEX_BYTES_MAX)
            .dfa_size_limit(REGEX_BYTES_MAX)
            .build()
            .map_err(|error| self.regex_error(&error, pattern.span()))?;
        let regex = Regex { text, compiled };
        Ok(match side.kind {
            SideKind::Column(operand) => Expr::test(operand, Check::Regex(regex)),
            _ => regex_test(side.into_scalar(), regex),
        })
    }

    fn regex_error(&self, error: &regex::Error, span: Span) -> PredicateError {
        match error {
            regex::Error::CompiledTooBig(_) => self
                .error(span, format!("this pattern takes more than {REGEX_BYTES_MAX} bytes"))
                .with_hint("write smaller repetitions, or use (?-u) where Unicode does not matter"),
            other => {
                // The last line of regex's own report says what is wrong; we mark the place.
                let text = other.to_string();
                let last = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
                self.error(span, format!("this is no regular expression: {last}"))
            }
        }
    }
}

fn pattern_test(value: ScalarExpr, pattern: Pattern) -> Expr {
    if value.is_null() {
        Expr::Constant(None)
    } else {
        folded(ComputedCondition::Like(value, pattern))
    }
}

fn regex_test(value: ScalarExpr, regex: Regex) -> Expr {
    if value.is_null() {
        Expr::Constant(None)
    } else {
        folded(ComputedCondition::Regex(value, regex))
    }
}
