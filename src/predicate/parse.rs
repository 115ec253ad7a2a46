//! SQL text to sqlparser's tree, within bounds that keep a hostile text harmless.
//!
//! sqlparser builds chains such as `a AND b AND …` as trees one level deeper for each word, and
//! such trees are dropped by recursion. So the text, the words and the parentheses are counted
//! before it sees them.
//!
//! Never knows columns or types.

use sqlparser::ast;
use sqlparser::dialect::Dialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan, Tokenizer};

use super::columns::partition_hint;
use super::error::{PredicateError, point, quoted};
use super::syntax::quote_fault;
use crate::diagnostic::parameter::{FILTER, PREDICATE, SELECT_STATEMENT};

/// Bytes of a predicate or statement. Room for IN lists of some ten thousand keys; a hundred
/// columns' worth of memory for the tree of each byte is still little.
pub(super) const PREDICATE_BYTES_MAX: usize = 1 << 20;

/// Words and operators, which are what makes a tree deep; literals and commas are not counted. Two
/// make a level at the least (`a AND`). With these bounds the deepest texts take between 0.7 and 1
/// MB of stack in a development build: half of the 2 MiB that a thread has.
pub(super) const WORDS_MAX: usize = 2_000;

/// Parentheses inside each other: each is several calls of sqlparser's, with large frames.
const PARENTHESES_DEPTH_MAX: usize = 48;

/// Conditions inside each other in a finished tree. A predicate that people can read has few.
pub(super) const EXPRESSION_DEPTH_MAX: usize = 32;

/// sqlparser's own count of calls inside each other.
const RECURSION_MAX: usize = 110;

// A canonical text must read back: a level of its tree is at most a parenthesis and two calls, and
// its tests have a few of their own: `LOWER(CAST(x AS y)) = -1`.
const _: () = assert!(PARENTHESES_DEPTH_MAX >= EXPRESSION_DEPTH_MAX + 3);
const _: () = assert!(RECURSION_MAX >= 2 * EXPRESSION_DEPTH_MAX + 8);

/// The SQL that predicates are written in: the standard's expressions, identifiers that may begin
/// with `_` (S3 Select's positions), no dialect's extras.
#[derive(Debug)]
pub(super) struct ReportDialect;

impl Dialect for ReportDialect {
    fn is_identifier_start(&self, c: char) -> bool {
        c.is_alphabetic() || c == '_'
    }

    fn is_identifier_part(&self, c: char) -> bool {
        c.is_alphanumeric() || c == '_'
    }

    fn allow_extract_custom(&self) -> bool {
        true
    }

    fn supports_numeric_literal_underscores(&self) -> bool {
        true
    }
}

/// Parses a condition that stands alone; a WHERE may go before it, and a semicolon may follow.
pub(super) fn condition(text: &str) -> Result<ast::Expr, PredicateError> {
    let mut tokens = tokens(text)?;
    let first = tokens.iter().position(|t| !matches!(t.token, Token::Whitespace(_)));
    if let Some(first) = first.filter(|at| is_keyword(&tokens[*at].token, Keyword::WHERE)) {
        tokens.remove(first);
    }
    refuse_other_starts(text, &tokens)?;
    let mut parser = parser(tokens);
    let parsed = parser.parse_expr();
    while parsed.is_ok() && parser.consume_token(&Token::SemiColon) {}
    finished(text, &parser, parsed)
}

/// Parses a query; a semicolon may follow.
pub(super) fn query(text: &str) -> Result<Box<ast::Query>, PredicateError> {
    let tokens = tokens(text)?;
    let is_select = |token: &TokenWithSpan| is_keyword(&token.token, Keyword::SELECT);
    if let Some(error) = other_select(text, &tokens) {
        return Err(error);
    }
    if !tokens.iter().any(is_select) {
        return Err(PredicateError::new("this is no SELECT statement").with_hint(format!(
            "write SELECT * FROM S3Object s WHERE …, or give the condition alone to {PREDICATE}"
        )));
    }
    refuse_other_statements(text, &tokens)?;
    let mut parser = parser(without_path(tokens));
    let parsed = parser.parse_query();
    while parsed.is_ok() && parser.consume_token(&Token::SemiColon) {}
    finished(text, &parser, parsed)
}

/// What is wrong with words behind a semicolon, and what to do.
pub(super) const BEHIND_SEMICOLON: (&str, &str) = (
    "one condition or statement is read, and nothing behind it",
    "leave out the `;` and what follows it",
);

/// Catches `EXPLAIN SELECT …`, `CREATE TABLE … AS SELECT …` and whatever else holds a SELECT.
fn refuse_other_statements(text: &str, tokens: &[TokenWithSpan]) -> Result<(), PredicateError> {
    let first = tokens.iter().find(|token| !matches!(token.token, Token::Whitespace(_)));
    let Some(first) = first else { return Ok(()) };
    let is_word = matches!(first.token, Token::Word(_));
    let begins =
        [Keyword::SELECT, Keyword::WITH].iter().any(|word| is_keyword(&first.token, *word));
    if begins || !is_word {
        return Ok(());
    }
    let found = quoted(&first.token.to_string());
    Err(PredicateError::new(format!("a statement begins with SELECT, not with {found}"))
        .at(text, first.span)
        .with_hint(
            "leave out what stands before SELECT: SELECT * FROM S3Object s WHERE s.Size > 100",
        ))
}

/// The error for a second SELECT, in the words of what it is there for.
fn other_select(text: &str, tokens: &[TokenWithSpan]) -> Option<PredicateError> {
    let is_word = |token: &TokenWithSpan| !matches!(token.token, Token::Whitespace(_));
    let words: Vec<&TokenWithSpan> = tokens.iter().filter(|token| is_word(token)).collect();
    let is = |at: usize, keyword| words.get(at).is_some_and(|t| is_keyword(&t.token, keyword));
    let mut selects = (0..words.len()).filter(|at| is(*at, Keyword::SELECT));
    let (first, second) = (selects.next()?, selects.next()?);
    if let Some(end) = words.get(first..second)?.iter().find(|t| t.token == Token::SemiColon) {
        let (message, hint) = BEHIND_SEMICOLON;
        return Some(PredicateError::new(message).at(text, end.span).with_hint(hint));
    }
    let before = |back: usize| second.checked_sub(back);
    let joins = [Keyword::UNION, Keyword::INTERSECT, Keyword::EXCEPT];
    let join = [1, 2].into_iter().filter_map(before);
    let join = join.into_iter().find(|at| joins.iter().any(|joined| is(*at, *joined)));
    let is_table = before(2).is_some_and(|at| is(at, Keyword::FROM) || is(at, Keyword::JOIN));
    let (at, message, hint) = match join {
        Some(at) => (
            at,
            "a statement has one SELECT: queries are not joined",
            "write one SELECT, and join the conditions: WHERE a OR b".to_owned(),
        ),
        None if is(0, Keyword::WITH) => (
            0,
            "WITH is not supported: a statement has one SELECT",
            "write the conditions into one WHERE, joined by AND".to_owned(),
        ),
        None if is_table => (
            second,
            "a statement reads the report, not another SELECT",
            "name any table, and write the inner condition into the outer WHERE, joined by AND"
                .to_owned(),
        ),
        None => (
            second,
            "a condition can't hold a SELECT of its own",
            // `dt IN (SELECT …`: the name is before an operator and a parenthesis.
            before(3)
                .and_then(|at| match &words.get(at)?.token {
                    Token::Word(word) => partition_hint(&word.value),
                    _ => None,
                })
                .unwrap_or_else(|| {
                    "write the values themselves: Key = 'a', or Key IN ('a', 'b')".to_owned()
                }),
        ),
    };
    Some(PredicateError::new(message).at(text, words.get(at)?.span).with_hint(hint))
}

/// Without the `[*]` of `S3Object[*]`, which means all rows.
fn without_path(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut kept: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    for token in tokens {
        kept.push(token);
        let end = kept.len().saturating_sub(4);
        let is_path = matches!(
            kept[end..].iter().map(|t| &t.token).collect::<Vec<_>>().as_slice(),
            [Token::Word(_), Token::LBracket, Token::Mul, Token::RBracket]
        );
        if is_path {
            kept.truncate(end + 1);
        }
    }
    kept
}

fn parser(tokens: Vec<TokenWithSpan>) -> Parser<'static> {
    Parser::new(&ReportDialect)
        .with_recursion_limit(RECURSION_MAX)
        .with_tokens_with_locations(tokens)
}

fn is_keyword(token: &Token, keyword: Keyword) -> bool {
    matches!(token, Token::Word(word) if word.keyword == keyword)
}

/// Cuts the text into tokens and holds it to the bounds.
fn tokens(text: &str) -> Result<Vec<TokenWithSpan>, PredicateError> {
    check_length(text)?;
    let tokens =
        Tokenizer::new(&ReportDialect, text).tokenize_with_location().map_err(|error| {
            let Location { line, column } = error.location;
            quote_fault(text).unwrap_or_else(|| unreadable(text, line, column))
        })?;
    let (mut words, mut depth) = (0, 0usize);
    for token in &tokens {
        match &token.token {
            Token::Whitespace(_)
            | Token::Comma
            | Token::Number(..)
            | Token::SingleQuotedString(_) => continue,
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            _ => {}
        }
        words += 1;
        if words > WORDS_MAX {
            return Err(too_many_words().at(text, token.span));
        }
        if depth > PARENTHESES_DEPTH_MAX {
            return Err(too_deep().at(text, token.span));
        }
    }
    Ok(tokens)
}

/// The error for a text that can't be cut into words.
fn unreadable(text: &str, line: u64, column: u64) -> PredicateError {
    let error = PredicateError::stopped_at(text, line, column);
    let index = |n: u64| usize::try_from(n).ok()?.checked_sub(1);
    let row = index(line).and_then(|line| text.split('\n').nth(line));
    let found = row.and_then(|row| row.chars().nth(index(column)?));
    if found == Some('.') {
        return PredicateError::new("a name is missing before this dot")
            .at(text, point(line, column))
            .with_hint("write the table before it, as in s._1, or leave the dot out");
    }
    error.with_hint("leave it out; a text stands in single quotes: Key = 'logs/a'")
}

/// Holds a text to [`PREDICATE_BYTES_MAX`].
fn check_length(text: &str) -> Result<(), PredicateError> {
    if text.len() <= PREDICATE_BYTES_MAX {
        return Ok(());
    }
    Err(PredicateError::new(format!(
        "the predicate has {} bytes; at most {PREDICATE_BYTES_MAX} are read",
        text.len()
    ))
    .with_hint("split it, or select by a prefix (Key LIKE 'photos/%') instead of by single keys"))
}

/// Holds a canonical text to the same bounds as what users write, so that it always reads back.
pub(super) fn check_bounds(canonical: &str) -> Result<(), PredicateError> {
    tokens(canonical).map(|_| ()).map_err(PredicateError::in_canonical)
}

fn too_many_words() -> PredicateError {
    PredicateError::new(format!("the predicate has more than {WORDS_MAX} words and operators"))
        .with_hint("write many values of a column as a list: Key IN ('a', 'b', …)")
}

pub(super) fn too_deep() -> PredicateError {
    PredicateError::new("the predicate is nested too deep")
        .with_hint("leave out parentheses that change nothing, or split the predicate")
}

/// What is parsed when nothing but the end follows.
fn finished<T>(
    text: &str,
    parser: &Parser<'_>,
    parsed: Result<T, ParserError>,
) -> Result<T, PredicateError> {
    let parsed = parsed.map_err(|error| syntax_error(text, error))?;
    let next = parser.peek_token_ref();
    if next.token == Token::EOF {
        return Ok(parsed);
    }
    Err(stopped_before(text, next.span))
}

fn stopped_before(text: &str, span: Span) -> PredicateError {
    PredicateError::stopped_at(text, span.start.line, span.start.column)
}

/// The place out of sqlparser's "at Line: 1, Column: 2". Its words are about tokens and grammars,
/// which no user knows: [`super::syntax`] finds others.
fn syntax_error(text: &str, error: ParserError) -> PredicateError {
    let message = match error {
        ParserError::RecursionLimitExceeded => return too_deep(),
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => message,
    };
    let place = message.rsplit_once(" at Line: ").and_then(|(_, place)| {
        let (line, column) = place.split_once(", Column: ")?;
        Some(point(line.parse().ok()?, column.parse().ok()?))
    });
    // The end of the text is the one place that sqlparser does not number.
    stopped_before(text, place.unwrap_or_else(|| end(text)))
}

/// The place after the last character.
fn end(text: &str) -> Span {
    let text = text.trim_end();
    let last = text.rsplit('\n').next().unwrap_or_default();
    let number = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    point(number(text.matches('\n').count() + 1), number(last.chars().count() + 1))
}

/// Catches a whole statement where the condition alone belongs.
fn refuse_other_starts(text: &str, tokens: &[TokenWithSpan]) -> Result<(), PredicateError> {
    let mut words = tokens.iter().filter(|t| !matches!(t.token, Token::Whitespace(_)));
    let Some(first) = words.next() else {
        return Err(PredicateError::new("the predicate is empty").with_hint(
            "write a condition such as BucketKeyStatus = 'DISABLED'; TRUE selects all rows",
        ));
    };
    if !is_keyword(&first.token, Keyword::SELECT) {
        return Ok(());
    }
    let found = quoted(&first.token.to_string());
    Err(PredicateError::new(format!("a condition does not begin with {found}"))
        .at(text, first.span)
        .with_hint(format!(
            "write what stands behind WHERE alone; `{FILTER} {SELECT_STATEMENT:#}` takes a whole \
             statement"
        )))
}
