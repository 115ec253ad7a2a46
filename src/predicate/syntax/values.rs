//! Values without their quotes or in wrong ones, numbers with units, and what is not a part of a
//! condition at all.

use sqlparser::tokenizer::Token;

use super::words::{MistakeRule, RUN_WORDS_MAX, WordMistake, Words, is_comparison, literal};
use crate::diagnostic::parameter::{FILTER, PREDICATE, SELECT_STATEMENT};
use crate::predicate::columns::partition_hint;
use crate::predicate::error::quoted;
use crate::predicate::parse::BEHIND_SEMICOLON;
use crate::units::{THOUSANDS, parse_bytes, with_point};

/// In the order in which they are tried.
pub(super) const RULES: [MistakeRule; 17] = [
    number_with_unit,
    hexadecimal,
    grouped_number,
    percent,
    bare_date,
    double_quoted_value,
    doubled_quotes,
    bare_path,
    bare_value,
    bracketed_name,
    split_name,
    two_texts,
    subquery,
    placeholder,
    other_clause,
    open_case,
    no_sql,
];

/// Whether a value belongs in this place, for the word before it compares.
fn is_compared(words: &Words<'_>, at: usize) -> bool {
    at > 0 && (is_comparison(words.token(at - 1)) || words.is(at - 1, &["LIKE", "ILIKE"]))
}

/// `5GB`, `5 GB`, `30 days`.
fn number_with_unit(words: &Words<'_>, at: usize) -> Option<WordMistake> {
    let (Token::Number(digits, _), Some(unit)) = (words.token(at), words.bare(at + 1)) else {
        return None;
    };
    let message = format!("{} is not a number", quoted(words.written(at, at + 2)));
    let is_interval = at > 0 && words.is(at - 1, &["INTERVAL"]);
    let singular = unit.to_ascii_lowercase();
    let singular = singular.trim_end_matches('s');
    if ["second", "minute", "hour", "day", "week", "month", "year"].contains(&singular)
        && !is_interval
    {
        return Some(WordMistake::new(
            at,
            at + 2,
            message,
            format!(
                "write INTERVAL '{digits} {unit}': LastModifiedDate < now() - INTERVAL \
                     '{digits} {unit}'"
            ),
        ));
    }
    let spelled = match singular {
        "byte" => "B",
        "kilobyte" => "KB",
        "megabyte" => "MB",
        "gigabyte" => "GB",
        "terabyte" => "TB",
        _ => unit,
    };
    let size = format!("{digits}{spelled}");
    parse_bytes(&size).ok().filter(|_| !unit.starts_with('_'))?;
    let before = match at.checked_sub(1) {
        Some(operator) if is_comparison(words.token(operator)) => {
            format!("{} {} ", words.left(operator), words.written(operator, at))
        }
        _ => String::new(),
    };
    Some(WordMistake::new(
        at,
        at + 2,
        message,
        format!("put a size with a unit in quotes: {before}'{size}'"),
    ))
}

/// `0x10`, which SQL reads as bytes.
fn hexadecimal(words: &Words<'_>, at: usize) -> Option<WordMistake> {
    let Token::HexStringLiteral(digits) = words.token(at) else { return None };
    let advice = match u64::from_str_radix(digits, 16) {
        Ok(number) => format!("write it in decimal: {number}"),
        Err(_) => "write a number in decimal, a text in single quotes".to_owned(),
    };
    Some(WordMistake::new(at, at + 1, "hexadecimal numbers are not read", advice))
}

/// `1,000` and `1_000` outside of a list.
fn grouped_number(words: &Words<'_>, at: usize) -> Option<WordMistake> {
    let Token::Number(first, _) = words.token(at) else { return None };
    if !is_compared(words, at) || !words.touches_next(at) {
        return None;
    }
    let mut digits = first.clone();
    let mut end = at + 1;
    if let Some(rest) = words.bare(end)
        && rest.starts_with('_')
        && rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_')
    {
        digits.extend(rest.chars().filter(char::is_ascii_digit));
        end += 1;
    }
    while let (Token::Comma, Token::Number(group, _)) = (words.token(end), words.token(end + 1))
        && group.len() == 3
        && words.touches_next(end)
    {
        digits.push_str(group);
        end += 2;
    }
    if end == at + 1 {
        return decimal_comma(words, at);
    }
    Some(WordMistake::new(
        at,
        end,
        format!("{} is not a number", quoted(words.written(at, end))),
        format!("write the digits without a sign between them: {digits}"),
    ))
}

/// `1,5` and `1,5GB`.
fn decimal_comma(words: &Words<'_>, at: usize) -> Option<WordMistake> {
    let is_decimal = *words.token(at + 1) == Token::Comma
        && words.touches_next(at + 1)
        && matches!(words.token(at + 2), Token::Number(..));
    if !is_decimal {
        return None;
    }
    let number = with_point(words.written(at, at + 3))?;
    let unit = words.bare(at + 3).filter(|_| words.touches_next(at + 2));
    let size = unit.map(|unit| format!("{number}{unit}")).filter(|size| parse_bytes(size).is_ok());
    let (end, meant) = match size {
        Some(size) => (at + 4, literal(&size)),
        None => (at + 3, number),
    };
    Some(WordMistake::new(
        at,
        end,
        format!("{} is not a number", quoted(words.written(at, end))),
        format!("{THOUSANDS}, and in quotes: write {meant}"),
    ))
}

/// `5%`: nothing that a column holds.
fn percent(words: &Words<'_>, at: usize) -> Option<WordMistake> {
    let is_number = matches!(words.token(at), Token::Number(..));
    let ends = matches!(words.token(at + 2), Token::EOF | Token::RParen)
        || words.is(at + 2, &["AND", "OR"]);
    (is_number && *words.token(at + 1) == Token::Mod && ends).then(|| {
        WordMistake::new(
            at,
            at + 2,
            format!("{} is not a number", quoted(words.written(at, at + 2))),
            "write the number alone: no column holds percents",
        )
    })
}

/// `2024-01-31`, `2024-01-31T12:30:00Z`, which SQL subtracts.
fn bare_date(words: &Words<'_>, at: usize) -> Option<WordMistake> {
    let Token::Number(year, _) = words.token(at) else { return None };
    let separator = words.token(at + 1);
    let is_date = year.len() == 4
        && matches!(separator, Token::Minus | Token::Div)
        && words.token(at + 3) == separator
        && matches!(words.token(at + 2), Token::Number(month, _) if month.len() <= 2)
        && matches!(words.token(at + 4), Token::Number(day, _) if day.len() <= 2)
        && (at..at + 4).all(|place| words.touches_next(place));
    if !is_date {
        return None;
    }
    let mut end = at + 5;
    let last = words.len().min(at + RUN_WORDS_MAX);
    while end < last && words.touches_next(end - 1) && *words.token(end) != Token::RParen {
        end += 1;
    }
    let date = words.written(at, end).replace('/', "-");
    Some(WordMistake::new(
        at,
        end,
        "a date without quotes is a subtraction",
        format!("write '{date}'"),
    ))
}

/// `LIKE "logs/%"`: double quotes make the name of a column.
fn double_quoted_value(words: &Words<'_>, at: usize) -> Option<WordMistake> {
    let Token::Word(word) = words.token(at) else { return None };
    let quote = word.quote_style.filter(|quote| matches!(quote, '"' | '`'))?;
    if words.is_column(&word.value) || *words.token(at + 1) == Token::Period {
        return None;
    }
    let in_list = matches!(words.before(at), Token::Comma | Token::LParen)
        && (0..at).rev().take(2).any(|place| words.is(place, &["IN"]));
    if !is_compared(words, at) && !in_list {
        return None;
    }
    let kind = if quote == '"' { "double quotes" } else { "back-quotes" };
    let mistake = WordMistake::new(
        at,
        at + 1,
        format!("{kind} make the name of a column, and the report has no such column"),
        format!("put a text in single quotes: {}", literal(&word.value)),
    );
    Some(mistake.missing_column())
}

/// `''a''`: an empty text, a word, an empty text.
fn doubled_quotes(words: &Words<'_>, at: usize) -> Option<WordMistake> {
    let is_empty = |place: usize| *words.token(place) == Token::SingleQuotedString(String::new());
    if !is_empty(at) || !words.touches_next(at) || is_empty(at + 1) {
        return None;
    }
    let end = (at + 1..words.len()).find(|place| is_empty(*place))?;
    (at..end).all(|place| words.touches_next(place)).then(|| {
        WordMistake::new(
            at,
            end + 1,
            "this text stands between two quotes on each side",
            format!("write one: {}", literal(words.written(at + 1, end))),
        )
    })
}

/// `logs/a.txt`, `logs/*`, `s3://bucket/key`: a text of several words without quotes.
fn bare_path(words: &Words<'_>, at: usize) -> Option<WordMistake> {
    if !is_compared(words, at) {
        return None;
    }
    let joins = |place: usize| {
        matches!(
            words.token(place),
            Token::Div
                | Token::Mod
                | Token::Period
                | Token::Mul
                | Token::Colon
                | Token::Minus
                | Token::Question
                | Token::DuckIntDiv
        )
    };
    let begins = match words.token(at) {
        Token::Word(word) => word.quote_style.is_none() && !words.is_column(&word.value),
        Token::Div | Token::Mod | Token::Mul | Token::Period => true,
        _ => false,
    };
    let mut end = at + 1;
    while end < words.len().min(at + RUN_WORDS_MAX)
        && words.touches_next(end - 1)
        && !matches!(words.token(end), Token::RParen | Token::LParen | Token::Comma)
    {
        end += 1;
    }
    if !begins || end == at + 1 || !(at..end).any(joins) {
        return None;
    }
    let written = words.written(at, end);
    let advice = if written.contains('*') && !words.is(at - 1, &["LIKE", "ILIKE"]) {
        let pattern = literal(&written.replace('*', "%"));
        format!("write {} LIKE {pattern}: % stands for *", words.left(at - 1))
    } else {
        format!("write {}", literal(&written.replace('*', "%")))
    };
    Some(WordMistake::new(at, end, "a text stands in single quotes", advice))
}

/// A word behind an operator that names no column.
fn bare_value(words: &Words<'_>, at: usize) -> Option<WordMistake> {
    let word = words.bare(at)?;
    let constants = ["NULL", "TRUE", "FALSE", "INTERVAL", "DATE", "TIMESTAMP", "NOT", "CASE"];
    let is_value = is_compared(words, at)
        && !words.is_column(word)
        && !words.is(at, &constants)
        && !word.starts_with('_')
        && !word.to_ascii_lowercase().starts_with("current")
        && !word.to_ascii_lowercase().starts_with("local")
        && !matches!(words.token(at + 1), Token::LParen | Token::Period);
    // Two words behind an operator are more likely one text than a text and something else.
    let more = words.bare(at + 1).is_some_and(|next| {
        words.touches_next(at)
            || !words.is(at + 1, &["AND", "OR", "LIMIT"]) && !words.is_column(next)
    });
    if !is_value || words.is(at, &["AND", "OR", "LIKE", "ANY", "SOME", "ALL", "SELECT"]) {
        return None;
    }
    let truth = ["yes", "no", "on", "off", "t", "f", "y", "n"]
        .iter()
        .any(|known| word.eq_ignore_ascii_case(known));
    let flag = words.left(at - 1).to_ascii_lowercase().replace('_', "").starts_with("is");
    if truth && flag {
        return Some(WordMistake::new(
            at,
            at + 1,
            format!("{} is not a truth value of SQL's", quoted(word)),
            "write TRUE or FALSE",
        ));
    }
    let end = if more { at + 2 } else { at + 1 };
    let text = words.written(at, end);
    let mistake = WordMistake::new(
        at,
        end,
        format!("the report has no column {}", quoted(text)),
        format!("if it is a value, put it in single quotes: {}", literal(text)),
    );
    Some(mistake.missing_column())
}

/// `[Key]`.
fn bracketed_name(words: &Words<'_>, at: usize) -> Option<WordMistake> {
    let (Token::LBracket, Token::Word(word), Token::RBracket) =
        (words.token(at), words.token(at + 1), words.token(at + 2))
    else {
        return None;
    };
    if at > 0 && words.touches_next(at - 1) && words.is_operand(at - 1) {
        return None;
    }
    Some(WordMistake::new(
        at,
        at + 3,
        "brackets do not make a name here",
        format!("write {0} or \"{0}\"", word.value),
    ))
}

/// `Storage Class`: a column's name in two words.
fn split_name(words: &Words<'_>, at: usize) -> Option<WordMistake> {
    let (one, other) = (words.bare(at)?, words.bare(at + 1)?);
    if words.is_column(one) && words.is_column(other) {
        return None;
    }
    let joined = format!("{one}{other}");
    let place = words.schema.position(&joined)?;
    let column = words.schema.columns().get(place)?;
    Some(WordMistake::new(
        at,
        at + 2,
        "a column's name is one word",
        format!("write {}", column.name),
    ))
}

/// `'a' 'b'`.
fn two_texts(words: &Words<'_>, at: usize) -> Option<WordMistake> {
    let is_text = |place: usize| matches!(words.token(place), Token::SingleQuotedString(_));
    (is_text(at) && is_text(at + 1)).then(|| {
        WordMistake::new(
            at,
            at + 2,
            "two texts stand side by side",
            format!("for several values write IN ({}, {})", words.right(at), words.right(at + 1)),
        )
    })
}

/// `(SELECT …)`.
fn subquery(words: &Words<'_>, at: usize) -> Option<WordMistake> {
    (*words.token(at) == Token::LParen && words.is(at + 1, &["SELECT"]) && at > 0).then(|| {
        let operator = words.operator_begin(at - 1).unwrap_or(at - 1);
        let column = operator.checked_sub(1).and_then(|column| words.bare(column));
        let advice = match column.filter(|name| !words.is_column(name)).map(partition_hint) {
            Some(Some(hint)) => hint,
            _ => "write the values themselves: Key = 'a', or Key IN ('a', 'b')".to_owned(),
        };
        WordMistake::new(at, at + 2, "a condition can't hold a SELECT of its own", advice)
    })
}

/// `?`, `$1`, `:name`: no value is given for them.
fn placeholder(words: &Words<'_>, at: usize) -> Option<WordMistake> {
    let end = match words.token(at) {
        Token::Placeholder(_) | Token::Question => at + 1,
        Token::Colon if words.bare(at + 1).is_some() && words.wants_operand(at) => at + 2,
        _ => return None,
    };
    Some(WordMistake::new(
        at,
        end,
        format!("{} stands for a value that nobody gives here", quoted(words.written(at, end))),
        "write the value itself",
    ))
}

/// Clauses of a statement that are not part of a condition.
fn other_clause(words: &Words<'_>, at: usize) -> Option<WordMistake> {
    let clauses = ["LIMIT", "ORDER", "GROUP", "HAVING", "UNION", "JOIN"];
    if at == 0 || words.wants_operand(at) || !words.is(at, &clauses) {
        return None;
    }
    if (0..words.len()).any(|place| words.is(place, &["SELECT"])) {
        return None;
    }
    let word = words.bare(at).unwrap_or_default().to_ascii_uppercase();
    Some(WordMistake::new(
        at,
        at + 1,
        format!("{} is not part of a condition", quoted(&word)),
        format!(
            "{PREDICATE} takes what stands behind WHERE; `{FILTER} {SELECT_STATEMENT:#}` takes a \
             statement with a LIMIT"
        ),
    ))
}

/// A CASE that has no END.
fn open_case(words: &Words<'_>, at: usize) -> Option<WordMistake> {
    if !words.is(at, &["CASE"]) || !words.wants_operand(at) {
        return None;
    }
    let ended = (at + 1..words.len()).any(|place| words.is(place, &["END"]));
    (!ended).then(|| {
        WordMistake::new(
            at,
            at + 1,
            "this CASE has no END",
            "write CASE WHEN condition THEN value ELSE value END",
        )
    })
}

/// JSON, a shell's comment, backslashes.
fn no_sql(words: &Words<'_>, at: usize) -> Option<WordMistake> {
    let (message, advice) = match words.token(at) {
        Token::LBrace if at == 0 => (
            "this looks like JSON, not like SQL",
            "write an SQL condition: Size > 100 AND Key LIKE 'logs/%'",
        ),
        Token::SemiColon if *words.token(at + 1) != Token::EOF => BEHIND_SEMICOLON,
        Token::Sharp => ("`#` does not begin a comment in SQL", "write -- before a comment"),
        Token::Backslash => (
            "a backslash has no meaning outside of a text",
            "leave it out; a quote inside a text is written twice: 'it''s'",
        ),
        _ => return None,
    };
    Some(WordMistake::new(at, at + 1, message, advice))
}
