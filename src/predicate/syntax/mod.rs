//! What is wrong with an expression that could not be understood, in SQL's words.
//!
//! sqlparser says where it stopped and which tokens it would have taken, which helps nobody who
//! wrote `Size > 5GB`. So a text that fails is looked at again, word by word: first for mistakes
//! that people are known to make ([`operators`], [`values`]), each with a sentence of its own and
//! what to write; else the words on both sides of the place where reading stopped tell what is
//! missing there.
//!
//! This only runs for texts that have failed already. So a rule may be wrong about a good
//! expression, but not about one that is bad in another place only: it marks what can't be right.
//!
//! Never knows types: what a good expression means is typing's.

mod operators;
mod quotes;
mod values;
mod words;

use sqlparser::tokenizer::{Token, Tokenizer};

pub(super) use self::quotes::fault as quote_fault;
pub(super) use self::words::literal;
use self::words::{WordMistake, Words, is_comparison};

use super::error::{PredicateError, quoted};
use super::parse::{PREDICATE_BYTES_MAX, ReportDialect};
use crate::report::Schema;

/// Looks at the words from one place on, and tells what is wrong there.
type MistakeRule = fn(&Words<'_>, usize) -> Option<WordMistake>;

/// How a condition looks, where nothing better can be said.
const CONDITION: &str = "a condition compares a column with a value: Size > 100. Conditions are \
    joined by AND, OR and NOT";

/// The same error in better words, if the text has a mistake that is known here.
pub(super) fn explained(text: &str, schema: &Schema, error: PredicateError) -> PredicateError {
    if text.len() > PREDICATE_BYTES_MAX {
        return error;
    }
    let Ok(tokens) = Tokenizer::new(&ReportDialect, text).tokenize_with_location() else {
        return error;
    };
    if let Some(fault) = quotes::fault(text) {
        return fault;
    }
    let words = Words::new(text, tokens, schema);
    let rules = operators::RULES.iter().chain(&values::RULES);
    let mistake = (0..words.len())
        .find_map(|place| rules.clone().find_map(|rule: &MistakeRule| rule(&words, place)));
    match (mistake, error.stopped()) {
        (Some(mistake), _) => words.error(&mistake),
        (None, Some((line, column))) => words.error(&missing(&words, words.place_of(line, column))),
        (None, None) => error,
    }
}

/// What is missing, or too many, where reading stopped.
fn missing(words: &Words<'_>, place: usize) -> WordMistake {
    let mark = |message: String, advice: &str| WordMistake::new(place, place + 1, message, advice);
    let before = place.checked_sub(1);
    match words.token(place) {
        Token::EOF => at_end(words, place),
        Token::RParen if open_parenthesis(words, place).is_none() => mark(
            "this `)` closes nothing".to_owned(),
            "leave it out, or write the `(` that belongs to it",
        ),
        Token::RParen if *words.before(place) == Token::LParen => WordMistake::new(
            place.saturating_sub(1),
            place + 1,
            "there is nothing between these parentheses",
            CONDITION,
        ),
        _ if words.is_operand(place) && before.is_some_and(|before| words.is_operand(before)) => {
            no_operator(words, place)
        }
        token if before.is_none() && is_comparison(token) => mark(
            format!("a column is missing before {}", shown(words, place)),
            &format!("write the column's name: Size {} {}", words.short(0, 1), words.right(1)),
        ),
        _ if before.is_none() => {
            mark(format!("a condition does not begin with {}", shown(words, place)), CONDITION)
        }
        _ => mark(
            format!("{} can't stand behind {}", shown(words, place), shown(words, place - 1)),
            CONDITION,
        ),
    }
}

fn shown(words: &Words<'_>, place: usize) -> String {
    quoted(words.written(place, place + 1))
}

/// Two operands side by side: a comparison that lacks its operator, or a second condition.
fn no_operator(words: &Words<'_>, place: usize) -> WordMistake {
    let back = |words_back: usize| place.checked_sub(words_back);
    let compared = back(2).is_some_and(|operator| {
        is_comparison(words.token(operator)) || words.is(operator, &["LIKE", "ILIKE"])
    });
    let in_range = back(4).is_some_and(|between| words.is(between, &["BETWEEN"]));
    let ends = *words.before(place) == Token::RParen
        || back(1).is_some_and(|before| words.is(before, &["NULL", "TRUE", "FALSE"]))
        || back(1).and_then(|before| words.bare(before)).is_some_and(|name| words.is_flag(name));
    if compared || in_range || ends {
        return WordMistake::new(
            place,
            place + 1,
            format!("AND or OR is missing before {}", shown(words, place)),
            "conditions are joined by AND or OR: Size > 100 AND Key LIKE 'logs/%'",
        );
    }
    if let Some(mistake) = clause_form(words, place) {
        return mistake;
    }
    let (left, right) = (words.left(place), words.right(place));
    if words.is(place, &["NULL"]) {
        let message = "IS is missing before `NULL`";
        return WordMistake::new(place, place + 1, message, format!("write {left} IS NULL"));
    }
    WordMistake::new(
        place - 1,
        place + 1,
        format!("an operator is missing between {} and {}", quoted(left), shown(words, place)),
        format!("write what they have to do with each other: {left} = {right}"),
    )
}

/// A word of a statement, of CASE or of CAST that does not stand where it belongs.
fn clause_form(words: &Words<'_>, place: usize) -> Option<WordMistake> {
    let is_before = |names: &[&str]| (0..place).any(|at| words.is(at, names));
    let advice = if is_before(&["SELECT"]) && !is_before(&["WHERE"]) {
        "a statement has this form: SELECT * FROM S3Object s WHERE s.Size > 100"
    } else if (place.saturating_sub(1)..=place)
        .any(|at| words.is(at, &["CASE", "WHEN", "THEN", "ELSE", "END"]))
    {
        "write CASE WHEN condition THEN value ELSE value END"
    } else if open_parenthesis(words, place)
        .and_then(|open| open.checked_sub(1))
        .is_some_and(|name| words.is(name, &["CAST", "TRY_CAST"]))
    {
        "write CAST(column AS type): CAST(Size AS VARCHAR)"
    } else if words.is(place, &["FROM", "DAY", "HOUR", "MONTH", "YEAR"]) {
        "write INTERVAL '30' DAY, or EXTRACT(YEAR FROM LastModifiedDate)"
    } else {
        return None;
    };
    let message = format!("{} can't stand behind {}", shown(words, place), shown(words, place - 1));
    Some(WordMistake::new(place, place + 1, message, advice))
}

/// The text ends where more is wanted.
fn at_end(words: &Words<'_>, end: usize) -> WordMistake {
    let last = end.saturating_sub(1);
    let mark = |message: String, advice: &str| WordMistake::new(last, end, message, advice);
    let word = shown(words, last);
    if is_comparison(words.token(last)) {
        let left = words.left(last);
        return mark(
            format!("a value is missing after {word}"),
            &format!(
                "write what {} is compared with: a number, a text in single quotes or a date",
                if left == "…" { "it" } else { left }
            ),
        );
    }
    let is_between = (last.saturating_sub(4)..last).any(|at| words.is(at, &["BETWEEN"]));
    if words.is(last, &["AND"]) && is_between {
        return mark(
            "the second value of BETWEEN is missing".to_owned(),
            "write it behind AND: Size BETWEEN 1 AND 100",
        );
    }
    if words.is(last, &["AND", "OR", "NOT", "WHERE"]) {
        return mark(
            format!("a condition is missing after {word}"),
            "write one, such as Size > 100, or leave the word out",
        );
    }
    if words.is(last, &["SELECT", "FROM"]) {
        return mark(
            format!("something is missing after {word}"),
            "write SELECT * FROM S3Object s WHERE s.Size > 100",
        );
    }
    if words.is(last, &["LIKE", "ILIKE"]) {
        return mark(format!("a pattern is missing after {word}"), "write one: Key LIKE 'logs/%'");
    }
    if words.is(last, &["IN"]) {
        return mark(
            "a list is missing after `IN`".to_owned(),
            "write the values in parentheses: StorageClass IN ('GLACIER', 'DEEP_ARCHIVE')",
        );
    }
    if words.is(last, &["IS"]) {
        return mark(
            "NULL, TRUE or FALSE is missing after `IS`".to_owned(),
            "write IS NULL for an empty field, IS NOT NULL for any other",
        );
    }
    if let Some(open) = open_parenthesis(words, end) {
        return WordMistake::new(
            open,
            open + 1,
            "this `(` is never closed",
            "write a `)` where it is to end",
        );
    }
    mark(format!("something is missing after {word}"), CONDITION)
}

/// The last parenthesis before this place that is open here.
fn open_parenthesis(words: &Words<'_>, place: usize) -> Option<usize> {
    let mut open = Vec::new();
    for at in 0..place {
        match words.token(at) {
            Token::LParen => open.push(at),
            Token::RParen => {
                open.pop();
            }
            _ => {}
        }
    }
    open.pop()
}

#[cfg(test)]
mod tests;
