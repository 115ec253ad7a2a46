//! Quotes and comments that are not closed: which of them is the one to mend.
//!
//! Never knows words: where a quote is not closed, a text has none.

use sqlparser::tokenizer::Span;

use crate::predicate::error::{PredicateError, point};

/// Quotes that word processors and chat programs put in place of plain ones.
const TYPOGRAPHIC: [char; 12] = ['“', '”', '„', '‟', '‘', '’', '‚', '‛', '«', '»', '′', '″'];

/// Something that is opened and closed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OpenQuote {
    Nothing,
    Quote(char),
    Line,
    Comment,
}

/// A place that may be the one to mend.
#[derive(Clone, Copy)]
struct QuotePlace {
    line: u64,
    column: u64,
    /// The character before it.
    before: char,
}

impl QuotePlace {
    fn span(self) -> Span {
        point(self.line, self.column)
    }
}

/// What is found by reading a text from quote to quote.
#[derive(Default)]
struct QuoteFindings {
    typographic: Option<(char, QuotePlace)>,
    /// The first quote that closes a text and stands between two letters: `'it's'`.
    within_word: Option<QuotePlace>,
    /// What is not closed at the end.
    unclosed: Option<(char, QuotePlace)>,
}

/// What is wrong with the quotes or comments of a text; `None` where they are all in order.
pub(in crate::predicate) fn fault(text: &str) -> Option<PredicateError> {
    let found = read(text);
    if let Some((quote, place)) = found.typographic {
        return Some(typographic(quote).at(text, place.span()));
    }
    let (opened, place) = found.unclosed?;
    let error = match (opened, found.within_word) {
        ('\'', Some(inner)) => {
            return Some(
                PredicateError::new("this quote ends the text in the middle of a word")
                    .at(text, inner.span())
                    .with_hint("write a quote inside a text twice: 'it''s'"),
            );
        }
        ('\'', None) => PredicateError::new("this single quote is never closed")
            .with_hint("a text begins and ends with a single quote: Key = 'logs/a'"),
        ('/', _) if place.before.is_alphanumeric() => {
            PredicateError::new("`/*` begins a comment, which is never closed").with_hint(
                "put a text in single quotes; LIKE has % where a shell has *: Key LIKE 'logs/%'",
            )
        }
        ('/', _) => PredicateError::new("this comment is never closed")
            .with_hint("close it by */, or write -- before a comment to the end of the line"),
        ('`', _) => PredicateError::new("this back-quote is never closed")
            .with_hint("texts stand in single quotes: Key = 'logs/a'"),
        (_, _) => PredicateError::new(format!("this `{opened}` is never closed"))
            .with_hint("texts stand in single quotes: Key = 'logs/a'"),
    };
    Some(error.at(text, place.span()))
}

/// The error for a quote that is not one of SQL's.
fn typographic(quote: char) -> PredicateError {
    PredicateError::new(format!("`{quote}` is a typographic quote; SQL has plain ones"))
        .with_hint("type the quotes anew, straight and single: Key = 'logs/a'")
}

fn read(text: &str) -> QuoteFindings {
    let mut found = QuoteFindings::default();
    let (mut open, mut opened) = (OpenQuote::Nothing, None);
    let (mut line, mut column, mut before) = (1, 1, ' ');
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let place = QuotePlace { line, column, before };
        let next = rest.peek().copied();
        let mut taken = 1;
        match (open, c) {
            (OpenQuote::Nothing, '\'' | '"' | '`') => {
                (open, opened) = (OpenQuote::Quote(c), Some(place));
            }
            (OpenQuote::Nothing, '-') if next == Some('-') => open = OpenQuote::Line,
            (OpenQuote::Nothing, '/') if next == Some('*') => {
                (open, opened) = (OpenQuote::Comment, Some(place));
                taken = 2;
            }
            (OpenQuote::Nothing, quote) if TYPOGRAPHIC.contains(&quote) => {
                found.typographic.get_or_insert((quote, place));
            }
            (OpenQuote::Quote(quote), c) if c == quote && next == Some(quote) => taken = 2,
            (OpenQuote::Quote(quote), c) if c == quote => {
                open = OpenQuote::Nothing;
                if before.is_alphabetic() && next.is_some_and(char::is_alphabetic) {
                    found.within_word.get_or_insert(place);
                }
            }
            (OpenQuote::Line, '\n') => open = OpenQuote::Nothing,
            (OpenQuote::Comment, '*') if next == Some('/') => {
                open = OpenQuote::Nothing;
                taken = 2;
            }
            _ => {}
        }
        before = c;
        (line, column) = if c == '\n' { (line + 1, 1) } else { (line, column + 1) };
        if taken == 2
            && let Some(second) = rest.next()
        {
            before = second;
            column += 1;
        }
    }
    found.unclosed = match (open, opened) {
        (OpenQuote::Quote(quote), Some(place)) => Some((quote, place)),
        (OpenQuote::Comment, Some(place)) => Some(('/', place)),
        _ => None,
    };
    found
}
