//! The words of an expression that could not be understood, with their places in the text.
//!
//! Never knows what is wrong with them.

use std::fmt::Write as _;

use sqlparser::tokenizer::{Span, Token, TokenWithSpan};

use crate::predicate::error::PredicateError;
use crate::report::{ColumnKind, Schema};

/// Characters of a value or name of the user's that an advice repeats; a longer one is `…`.
const REPEATED_CHARS_MAX: usize = 40;

/// Words that are looked at, at most, to find the end of a value or the beginning of what stands
/// before an operator: more are not repeated anyway, and a hostile text must not take long.
pub(super) const RUN_WORDS_MAX: usize = 64;

/// Stands behind the last word.
static END: Token = Token::EOF;

/// What is wrong with some words in a row, and what to write instead.
pub(super) struct WordMistake {
    from: usize,
    /// Behind the last word that is marked.
    to: usize,
    message: String,
    advice: String,
    /// Whether the report is to blame: it lacks a column.
    missing_column: bool,
}

impl WordMistake {
    pub(super) fn new(
        from: usize,
        to: usize,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        let (message, advice) = (message.into(), advice.into());
        Self { from, to, message, advice, missing_column: false }
    }

    /// Says that the report lacks a column.
    pub(super) fn missing_column(self) -> Self {
        Self { missing_column: true, ..self }
    }
}

/// A word and the bytes of the text that it stands in.
struct PlacedWord {
    token: Token,
    span: Span,
    from: usize,
    to: usize,
}

/// The words of an expression, without blanks and comments.
pub(super) struct Words<'t> {
    text: &'t str,
    placed: Vec<PlacedWord>,
    pub(super) schema: &'t Schema,
}

impl<'t> Words<'t> {
    pub(super) fn new(text: &'t str, tokens: Vec<TokenWithSpan>, schema: &'t Schema) -> Self {
        let mut cursor = TextCursor { text, line: 1, column: 1, at: 0 };
        let mut placed = Vec::new();
        for TokenWithSpan { token, span } in tokens {
            let from = cursor.seek(span.start.line, span.start.column);
            let to = cursor.seek(span.end.line, span.end.column);
            if !matches!(token, Token::Whitespace(_)) {
                placed.push(PlacedWord { token, span, from, to });
            }
        }
        Self { text, placed, schema }
    }

    pub(super) fn len(&self) -> usize {
        self.placed.len()
    }

    /// The word in this place; the end of the text behind the last one.
    pub(super) fn token(&self, place: usize) -> &Token {
        self.placed.get(place).map_or(&END, |placed| &placed.token)
    }

    /// The word before this place; the end where there is none.
    pub(super) fn before(&self, place: usize) -> &Token {
        place.checked_sub(1).map_or(&END, |before| self.token(before))
    }

    /// The place of the word that begins here, or of the end.
    pub(super) fn place_of(&self, line: u64, column: u64) -> usize {
        let begins = |placed: &PlacedWord| {
            (placed.span.start.line, placed.span.start.column) >= (line, column)
        };
        self.placed.iter().position(begins).unwrap_or(self.len())
    }

    /// A word that is not quoted.
    pub(super) fn bare(&self, place: usize) -> Option<&str> {
        match self.token(place) {
            Token::Word(word) if word.quote_style.is_none() => Some(&word.value),
            _ => None,
        }
    }

    /// Whether one of these words stands here, in any case.
    pub(super) fn is(&self, place: usize, words: &[&str]) -> bool {
        self.bare(place)
            .is_some_and(|bare| words.iter().any(|word| bare.eq_ignore_ascii_case(word)))
    }

    /// Whether no blank stands between this word and the next.
    pub(super) fn touches_next(&self, place: usize) -> bool {
        match (self.placed.get(place), self.placed.get(place + 1)) {
            (Some(this), Some(next)) => this.to == next.from,
            _ => false,
        }
    }

    /// The text as it was written, from one word to before another.
    pub(super) fn written(&self, from: usize, to: usize) -> &'t str {
        let begin = self.placed.get(from).map(|placed| placed.from);
        let end = to.checked_sub(1).and_then(|last| self.placed.get(last)).map(|last| last.to);
        match (begin, end) {
            (Some(begin), Some(end)) => self.text.get(begin..end).unwrap_or_default(),
            _ => "",
        }
    }

    /// As [`Words::written`], or `…` if that is too long to be repeated.
    pub(super) fn short(&self, from: usize, to: usize) -> &'t str {
        let written = self.written(from, to);
        let fits = written.chars().count() <= REPEATED_CHARS_MAX && !written.contains('\n');
        if fits { written } else { "…" }
    }

    /// What stands before an operator in this place, to be repeated in an advice.
    pub(super) fn left(&self, operator: usize) -> &'t str {
        let Some(last) = operator.checked_sub(1) else { return "Key" };
        let mut first = last;
        if matches!(self.token(last), Token::RParen | Token::RBracket) {
            let mut depth = 0_usize;
            loop {
                match self.token(first) {
                    Token::RParen | Token::RBracket => depth += 1,
                    Token::LParen | Token::LBracket => depth = depth.saturating_sub(1),
                    _ => {}
                }
                if depth == 0 || first == 0 || last - first > RUN_WORDS_MAX {
                    break;
                }
                first -= 1;
            }
            if first > 0 && self.bare(first - 1).is_some() && self.touches_next(first - 1) {
                first -= 1;
            }
        }
        while first >= 2 && *self.token(first - 1) == Token::Period {
            first -= 2;
        }
        self.short(first, last + 1)
    }

    /// The value behind an operator, as SQL writes it: words get the quotes that they lack.
    pub(super) fn right(&self, place: usize) -> String {
        match self.token(place) {
            Token::Word(_) if *self.token(place + 1) == Token::LParen => {
                let ends = *self.token(place + 2) == Token::RParen;
                format!("{}{}", self.short(place, place + 1), if ends { "()" } else { "(…)" })
            }
            Token::Word(word) if self.is_column(&word.value) || self.is(place, &CONSTANTS) => {
                self.short(place, place + 1).to_owned()
            }
            Token::Word(word) => literal(&word.value),
            Token::EOF => "…".to_owned(),
            Token::Minus => format!("-{}", self.short(place + 1, place + 2)),
            _ => self.short(place, place + 1).to_owned(),
        }
    }

    /// The text of a value, without its quotes.
    pub(super) fn value(&self, place: usize) -> Option<&str> {
        match self.token(place) {
            Token::SingleQuotedString(text) => Some(text),
            Token::Word(word) => Some(&word.value),
            _ => None,
        }
    }

    /// Whether a column has this name.
    pub(super) fn is_column(&self, name: &str) -> bool {
        self.schema.position(name).is_some()
    }

    /// Whether a column of this name is a condition by itself.
    pub(super) fn is_flag(&self, name: &str) -> bool {
        let column = self.schema.position(name).and_then(|place| self.schema.columns().get(place));
        column.is_some_and(|column| column.kind == ColumnKind::Boolean)
    }

    /// Whether a value or a column would fit in this place, for an operator or nothing stands
    /// before it.
    pub(super) fn wants_operand(&self, place: usize) -> bool {
        match self.before(place) {
            Token::EOF | Token::LParen | Token::Comma => true,
            Token::Word(_) => place > 0 && self.is(place - 1, &OPERATOR_WORDS),
            token => is_operator(token),
        }
    }

    /// Whether a value, a column or the end of one stands here.
    pub(super) fn is_operand(&self, place: usize) -> bool {
        match self.token(place) {
            Token::Number(..) | Token::SingleQuotedString(_) | Token::RParen => true,
            Token::Word(_) => !self.is(place, &OPERATOR_WORDS),
            _ => false,
        }
    }

    /// Where an operator in this place begins, a NOT before it included; `None` where no operand
    /// stands before it.
    pub(super) fn operator_begin(&self, place: usize) -> Option<usize> {
        let begin = match place.checked_sub(1) {
            Some(not) if self.is(not, &["NOT"]) => not,
            _ => place,
        };
        begin.checked_sub(1).filter(|left| self.is_operand(*left)).map(|_| begin)
    }

    /// The error for a mistake.
    pub(super) fn error(&self, mistake: &WordMistake) -> PredicateError {
        let span = |place: usize| self.placed.get(place).map_or(Span::empty(), |word| word.span);
        let last = mistake.to.saturating_sub(1).max(mistake.from);
        let error = PredicateError::new(mistake.message.clone())
            .at(self.text, span(mistake.from).union(&span(last)))
            .hint(mistake.advice.clone());
        if mistake.missing_column { error.missing_column() } else { error }
    }
}

/// Words that are values.
const CONSTANTS: [&str; 6] =
    ["NULL", "TRUE", "FALSE", "CURRENT_DATE", "CURRENT_TIMESTAMP", "INTERVAL"];

/// Words that take something behind them.
const OPERATOR_WORDS: [&str; 9] =
    ["AND", "OR", "NOT", "LIKE", "ILIKE", "IN", "BETWEEN", "IS", "WHERE"];

/// Whether this stands between values or before one.
pub(super) fn is_operator(token: &Token) -> bool {
    is_comparison(token)
        || matches!(
            token,
            Token::Plus | Token::Minus | Token::Mul | Token::Div | Token::Mod | Token::StringConcat
        )
}

/// Whether this compares two values.
pub(super) fn is_comparison(token: &Token) -> bool {
    matches!(
        token,
        Token::Eq
            | Token::DoubleEq
            | Token::Neq
            | Token::Lt
            | Token::LtEq
            | Token::Gt
            | Token::GtEq
            | Token::Spaceship
    )
}

/// A text as SQL writes it; `'…'` if it is too long to be repeated.
pub(in crate::predicate) fn literal(text: &str) -> String {
    if text.chars().count() > REPEATED_CHARS_MAX || text.contains(char::is_control) {
        return "'…'".to_owned();
    }
    let mut literal = String::new();
    // Writing to a String does not fail.
    let _ = write!(literal, "'{}'", text.replace('\'', "''"));
    literal
}

/// Walks from one place to a later one.
struct TextCursor<'t> {
    text: &'t str,
    line: u64,
    column: u64,
    at: usize,
}

impl TextCursor<'_> {
    /// The byte at this line and column, both from 1.
    fn seek(&mut self, line: u64, column: u64) -> usize {
        let mut rest = self.text.get(self.at..).unwrap_or_default().chars();
        while (self.line, self.column) < (line, column) {
            let Some(passed) = rest.next() else { break };
            self.at += passed.len_utf8();
            if passed == '\n' {
                (self.line, self.column) = (self.line + 1, 1);
            } else {
                self.column += 1;
            }
        }
        self.at
    }
}
