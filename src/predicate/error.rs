//! What is wrong with a predicate, where, and what to write instead.
//!
//! Never knows what the places mean: it is given a text, a span and words.

use std::fmt;

use crate::diagnostic::{Diagnostic, ErrorClass};
use sqlparser::tokenizer::{Location, Span};

/// Characters of the expression that are shown around the marked place: with the number of its line
/// before it, a line of a terminal of 60 columns.
const SHOWN_CHARS_MAX: usize = 48;
/// Characters that are shown before the marked place when the line is longer than that.
const SHOWN_BEFORE_CHARS: usize = 20;
/// Characters of a user's own word that a message repeats.
const QUOTED_CHARS_MAX: usize = 60;

/// A predicate or an S3 Select statement that cannot be understood.
///
/// Its text is what is wrong; [`Diagnostic`] gives the line of the expression that is meant, with a
/// mark under the place, and a hint what to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PredicateError {
    inner: Box<ErrorDetails>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct ErrorDetails {
    message: String,
    place: Option<MarkedLine>,
    hint: Option<String>,
    /// Whether the report is to blame: it lacks a column.
    missing_column: bool,
    /// Line and column where reading stopped, when nothing better is known than that.
    stopped: Option<(u64, u64)>,
}

/// A line of the expression and the characters in it that are marked.
#[derive(Debug, Clone, PartialEq, Eq)]
struct MarkedLine {
    /// From 1; `None` when the expression is one line.
    number: Option<u64>,
    line: String,
    /// In characters of `line`; `start + width` never passes its end by more than one.
    start: usize,
    width: usize,
}

impl PredicateError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            inner: Box::new(ErrorDetails {
                message: message.into(),
                place: None,
                hint: None,
                missing_column: false,
                stopped: None,
            }),
        }
    }

    /// The parser stopped here: a place whose words tell better what is wrong than the parser can.
    pub(super) fn stopped_at(text: &str, line: u64, column: u64) -> Self {
        let mut error = Self::new("this can't be read as SQL").at(text, point(line, column));
        error.inner.stopped = Some((line, column));
        error
    }

    /// Line and column where the parser stopped, if that is all that is known.
    pub(super) fn stopped(&self) -> Option<(u64, u64)> {
        self.inner.stopped
    }

    /// Marks the place; an empty span (sqlparser's line 0) marks nothing.
    pub(super) fn at(mut self, text: &str, span: Span) -> Self {
        self.inner.place = MarkedLine::of(text, span);
        self
    }

    /// The error for a text that was written out from what the user wrote, and is not shown:
    /// without a mark in it.
    pub(super) fn in_canonical(mut self) -> Self {
        self.inner.place = None;
        self.inner.message = format!("written out, {}", self.inner.message);
        self
    }

    /// Says that the report lacks a column.
    pub(super) fn missing_column(mut self) -> Self {
        self.inner.missing_column = true;
        self
    }

    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.inner.hint = Some(hint.into());
        self
    }

    /// Whether a column is named that the report lacks. Another report may well have it; anything
    /// else is wrong with any report.
    #[must_use]
    pub fn is_missing_column(&self) -> bool {
        self.inner.missing_column
    }
}

impl Diagnostic for PredicateError {
    fn class(&self) -> ErrorClass {
        if self.inner.missing_column { ErrorClass::Input } else { ErrorClass::Usage }
    }

    fn place(&self) -> Option<String> {
        self.inner.place.as_ref().map(ToString::to_string)
    }

    fn hint(&self) -> Option<String> {
        self.inner.hint.clone()
    }
}

impl MarkedLine {
    fn of(text: &str, span: Span) -> Option<Self> {
        let index = |n: u64| usize::try_from(n).ok();
        let line = text.split('\n').nth(index(span.start.line)?.checked_sub(1)?)?;
        let chars: Vec<char> =
            line.trim_end().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let start = index(span.start.column)?.checked_sub(1)?.min(chars.len());
        let same_line = span.end.line == span.start.line;
        let end = if same_line { index(span.end.column)?.saturating_sub(1) } else { chars.len() };
        let end = end.clamp(start + 1, chars.len().max(start + 1));
        let number = text.contains('\n').then_some(span.start.line);
        let first = if chars.len() <= SHOWN_CHARS_MAX {
            0
        } else {
            start.saturating_sub(SHOWN_BEFORE_CHARS).min(chars.len() - SHOWN_CHARS_MAX)
        };
        let last = chars.len().min(first + SHOWN_CHARS_MAX);
        let mut shown = String::new();
        if first > 0 {
            shown.push('…');
        }
        shown.extend(&chars[first..last]);
        if last < chars.len() {
            shown.push('…');
        }
        let start_shown = start - first + usize::from(first > 0);
        let width = end.min(last.max(start + 1)) - start;
        Some(Self { number, line: shown, start: start_shown, width })
    }
}

impl fmt::Display for MarkedLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let margin = match self.number {
            Some(number) => format!("  line {number}: "),
            None => "  ".to_owned(),
        };
        let blank = margin.chars().count() + self.start;
        let marks = "^".repeat(self.width);
        write!(f, "{margin}{}\n{:blank$}{marks}", self.line, "")
    }
}

impl fmt::Display for PredicateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)
    }
}

impl std::error::Error for PredicateError {}

/// A user's word as messages repeat it: in back-quotes, on one line, shortened.
pub(super) fn quoted(word: &str) -> String {
    let mut shown: String = word
        .chars()
        .take(QUOTED_CHARS_MAX)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    if word.chars().nth(QUOTED_CHARS_MAX).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

/// The span of one place, one character wide.
pub(super) fn point(line: u64, column: u64) -> Span {
    Span::new(Location::new(line, column), Location::new(line, column + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::explain;

    fn span(line: u64, from: u64, to: u64) -> Span {
        Span::new(Location::new(line, from), Location::new(line, to))
    }

    #[test]
    fn the_place_is_marked_under_its_line() {
        let error =
            PredicateError::new("bad").at("a = b\nAND cd = 1", span(2, 5, 7)).with_hint("do");
        assert_eq!(explain(&error), "bad\n  line 2: AND cd = 1\n              ^^\nhint: do");
        let error = PredicateError::new("bad").at("äö = b", span(1, 1, 3));
        assert_eq!(explain(&error), "bad\n  äö = b\n  ^^");
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let text = format!("{}WRONG{}", "x".repeat(500), "y".repeat(500));
        let shown = explain(&PredicateError::new("bad").at(&text, span(1, 501, 506)));
        let lines: Vec<&str> = shown.lines().collect();
        let start = lines[2].find('^').unwrap();
        let marked: String =
            lines[1].chars().skip(start).take(lines[2].matches('^').count()).collect();
        assert_eq!(marked, "WRONG");
        assert!(lines[1].chars().count() < 110);
    }

    #[test]
    fn places_outside_the_text_do_no_harm() {
        for (from, to) in [(0, 0), (1, 1), (3, 3), (9, 99), (9, 2), (u64::MAX, 1)] {
            for line in [0, 1, 2, 3, u64::MAX] {
                let _ = explain(&PredicateError::new("bad").at("ab\n", span(line, from, to)));
            }
        }
    }
}
