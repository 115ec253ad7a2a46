//! Operators of other languages, and SQL's own in forms that it has not.

use sqlparser::tokenizer::Token;

use super::words::{WordMistake, Words, is_comparison, literal};
use super::{MistakeRule, open_parenthesis};
use crate::predicate::error::quoted;

/// In the order in which they are tried.
pub(super) const RULES: [MistakeRule; 15] = [
    other_sign,
    two_signs,
    regex_sign,
    or_sign,
    not_sign,
    spelled_comparison,
    spelled_pattern,
    other_pattern,
    called_pattern,
    is_value,
    not_value,
    list_form,
    between_form,
    any_of,
    misplaced_word,
];

/// Signs that other languages compare or join with.
fn other_sign(words: &Words<'_>, at: usize) -> Option<WordMistake> {
    let (sign, meant) = match words.token(at) {
        Token::Overlap => ("&&", "AND"),
        Token::Char('≥') => ("≥", ">="),
        Token::Char('≤') => ("≤", "<="),
        Token::Char('≠') => ("≠", "<>"),
        Token::RArrow => ("=>", ">="),
        Token::Spaceship => {
            let (left, right) = (words.left(at), words.right(at + 1));
            return Some(WordMistake::new(
                at,
                at + 1,
                "`<=>` is an operator of MySQL's",
                format!("write {left} = {right} OR {left} IS NULL"),
            ));
        }
        Token::Ampersand if words.is(at + 1, &["gt", "lt", "amp", "quot", "apos"]) => {
            return Some(WordMistake::new(
                at,
                at + 2,
                format!("{} is how HTML writes a sign", quoted(words.written(at, at + 3))),
                "write the sign itself: < > & ' \"",
            ));
        }
        _ => return None,
    };
    Some(WordMistake::new(
        at,
        at + 1,
        format!("`{sign}` is not an operator of SQL's"),
        format!("write {meant}"),
    ))
}

/// `=<`, `><`, `=!`: the right signs in the wrong order.
fn two_signs(words: &Words<'_>, at: usize) -> Option<WordMistake> {
    let meant = match (words.token(at), words.token(at + 1)) {
        (Token::Eq, Token::Lt) => "<=",
        (Token::Gt, Token::Lt) | (Token::Eq, Token::ExclamationMark) => "<>",
        (Token::Lt | Token::Gt | Token::Eq, Token::Eq)
        | (Token::Eq | Token::Lt | Token::Gt, Token::Gt | Token::DoubleEq)
        | (Token::LtEq | Token::GtEq | Token::Neq, Token::Eq) => {
            return Some(WordMistake::new(
                at,
                at + 2,
                format!("{} is not an operator of SQL's", quoted(words.written(at, at + 2))),
                "the comparisons are = <> < <= > >=",
            ));
        }
        _ => return None,
    };
    Some(WordMistake::new(
        at,
        at + 2,
        format!("{} is not an operator of SQL's", quoted(words.written(at, at + 2))),
        format!("write {meant}"),
    ))
}

/// `=~`, `~`, `!~` and the words that mean the same.
fn regex_sign(words: &Words<'_>, at: usize) -> Option<WordMistake> {
    let (operator_end, not) = match (words.token(at), words.token(at + 1)) {
        (Token::Eq, Token::Tilde | Token::TildeAsterisk) => (at + 2, ""),
        (Token::Tilde | Token::TildeAsterisk | Token::DoubleTilde | Token::TildeEqual, _) => {
            (at + 1, "")
        }
        (Token::ExclamationMarkTilde | Token::ExclamationMarkTildeAsterisk, _) => (at + 1, "NOT "),
        _ if words.is(at, &["REGEXP", "RLIKE", "MATCH", "MATCHES", "REGEX"]) => {
            let begin = words.operator_begin(at)?;
            (at + 1, if begin < at { "NOT " } else { "" })
        }
        _ if words.is(at, &["SIMILAR"]) && words.is(at + 1, &["TO"]) => (at + 2, ""),
        _ => return None,
    };
    let left = words.left(words.operator_begin(at).unwrap_or(at));
    let pattern = match words.token(operator_end) {
        // `=~ /pattern/`
        Token::Div => "'pattern'".to_owned(),
        _ => words.right(operator_end),
    };
    Some(WordMistake::new(
        at,
        operator_end,
        format!("{} is not an operator here", quoted(words.written(at, operator_end))),
        format!("write {not}regexp_like({left}, {pattern})"),
    ))
}

/// `||` between conditions, where it would join texts.
fn or_sign(words: &Words<'_>, at: usize) -> Option<WordMistake> {
    (*words.token(at) == Token::StringConcat).then_some(())?;
    let ends = |place: usize| {
        matches!(words.token(place), Token::EOF | Token::StringConcat)
            || words.is(place, &["AND", "OR"])
    };
    let compares = |place: usize| {
        is_comparison(words.token(place))
            || words.is(place, &["LIKE", "ILIKE", "IN", "IS", "BETWEEN", "NOT"])
    };
    let behind = (at + 1..words.len()).take_while(|place| !ends(*place)).any(compares);
    let ahead = (0..at).rev().take_while(|place| !ends(*place)).any(compares);
    let alone = at == 1 || at >= 2 && ends(at - 2);
    (behind && (ahead || alone)).then(|| {
        WordMistake::new(at, at + 1, "`||` joins texts in SQL; it does not mean or", "write OR")
    })
}

/// `!` before a condition.
fn not_sign(words: &Words<'_>, at: usize) -> Option<WordMistake> {
    (*words.token(at) == Token::ExclamationMark).then(|| {
        WordMistake::new(
            at,
            at + 1,
            "`!` is not an operator of SQL's",
            "write NOT before a condition, <> between two values",
        )
    })
}

/// Words for comparisons, and their signs.
const COMPARISONS: [(&[&str], &str); 6] = [
    (&["EQ", "EQUALS", "EQUAL"], "="),
    (&["NE", "NEQ"], "<>"),
    (&["GT", "GREATER", "LARGER", "MORE", "ABOVE", "AFTER"], ">"),
    (&["LT", "LESS", "SMALLER", "BELOW", "BEFORE"], "<"),
    (&["GE", "GTE"], ">="),
    (&["LE", "LTE"], "<="),
];

/// Comparisons in words: `equals`, `gt`, `greater than`, `is equal to`.
fn spelled_comparison(words: &Words<'_>, at: usize) -> Option<WordMistake> {
    if words.wants_operand(at) && !words.is(at.checked_sub(1)?, &["IS", "NOT"]) {
        return None;
    }
    let (_, meant) = COMPARISONS.iter().find(|(spelled, _)| words.is(at, spelled))?;
    let mut end = at + 1;
    while words.is(end, &["THAN", "TO", "OR", "EQUAL"]) {
        end += 1;
    }
    let or_equal = words.is(end - 1, &["TO", "EQUAL"]) && end > at + 2;
    let meant = match *meant {
        ">" if or_equal => ">=",
        "<" if or_equal => "<=",
        meant => meant,
    };
    let mut begin = at;
    while begin > 0 && words.is(begin - 1, &["IS", "NOT"]) {
        begin -= 1;
    }
    let meant = if begin < at && words.is(at - 1, &["NOT"]) { "<>" } else { meant };
    let (left, right) = (words.left(begin), words.right(end));
    Some(WordMistake::new(
        begin,
        end,
        format!("{} is not an operator of SQL's", quoted(words.written(begin, end))),
        format!("write {left} {meant} {right}"),
    ))
}

/// Patterns in words: `contains 'a'`, `starts with 'a'`, `ends with 'a'`.
fn spelled_pattern(words: &Words<'_>, at: usize) -> Option<WordMistake> {
    if *words.token(at + 1) == Token::LParen {
        return None;
    }
    let (kind, mut end) = pattern_kind(words.bare(at)?).map(|kind| (kind, at + 1))?;
    while words.is(end, &["WITH"]) {
        end += 1;
    }
    let mut begin = at;
    while begin > 0 && words.is(begin - 1, &["DOES", "NOT"]) {
        begin -= 1;
    }
    begin.checked_sub(1).filter(|left| words.is_operand(*left))?;
    let not = if begin < at { "NOT " } else { "" };
    let pattern = literal(&kind.around(&escaped(words.value(end).unwrap_or("…"))));
    Some(WordMistake::new(
        begin,
        end,
        format!("{} is not an operator of SQL's", quoted(words.written(begin, end))),
        format!("write {} {not}LIKE {pattern}", words.left(begin)),
    ))
}

/// Where a text is looked for in another.
#[derive(Clone, Copy)]
enum PatternKind {
    Contains,
    Starts,
    Ends,
}

impl PatternKind {
    fn around(self, text: &str) -> String {
        match self {
            Self::Contains => format!("%{text}%"),
            Self::Starts => format!("{text}%"),
            Self::Ends => format!("%{text}"),
        }
    }
}

fn pattern_kind(word: &str) -> Option<PatternKind> {
    Some(match word.to_ascii_lowercase().as_str() {
        "contains" | "contain" | "includes" | "has" | "instr" | "charindex" => {
            PatternKind::Contains
        }
        "starts" | "startswith" | "starts_with" | "begins" | "beginswith" | "begins_with"
        | "hasprefix" | "prefix" => PatternKind::Starts,
        "ends" | "endswith" | "ends_with" | "hassuffix" | "suffix" => PatternKind::Ends,
        _ => return None,
    })
}

/// A text as it stands in a pattern of LIKE; it is repeated only, so that `%` may stay.
fn escaped(text: &str) -> String {
    text.trim_matches('%').to_owned()
}

/// `GLOB`, and shell patterns behind it.
fn other_pattern(words: &Words<'_>, at: usize) -> Option<WordMistake> {
    words.is(at, &["GLOB"]).then_some(())?;
    let begin = words.operator_begin(at)?;
    let not = if begin < at { "NOT " } else { "" };
    let pattern = words.value(at + 1).unwrap_or("logs/*");
    let pattern = literal(&pattern.replace('*', "%").replace('?', "_"));
    Some(WordMistake::new(
        at,
        at + 1,
        "`GLOB` is not an operator here",
        format!("write {} {not}LIKE {pattern}: % stands for *, _ for ?", words.left(begin)),
    ))
}

/// Functions of other languages that look for a text: `contains(Key, 'a')`.
fn called_pattern(words: &Words<'_>, at: usize) -> Option<WordMistake> {
    let name = words.bare(at)?;
    if *words.token(at + 1) != Token::LParen || !words.touches_next(at) {
        return None;
    }
    let is_regex = ["regexp_matches", "regexp", "rlike", "matches", "match", "regexp_contains"]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known));
    let (column, comma, text) = (words.bare(at + 2), words.token(at + 3), words.value(at + 4));
    let column = column.filter(|_| *comma == Token::Comma).unwrap_or("Key");
    let message = format!("there is no function {}", quoted(name));
    if is_regex {
        let pattern = literal(text.unwrap_or("pattern"));
        let advice = format!("write regexp_like({column}, {pattern})");
        return Some(WordMistake::new(at, at + 1, message, advice));
    }
    // Athena's own functions are not others': what is wrong with them is told where they are read.
    let kind = pattern_kind(name).filter(|_| !name.contains('_'))?;
    let pattern = literal(&kind.around(text.unwrap_or("…")));
    Some(WordMistake::new(at, at + 1, message, format!("write {column} LIKE {pattern}")))
}

/// `IS 'X'`, `IS NOT 5`, `IS EMPTY`.
fn is_value(words: &Words<'_>, at: usize) -> Option<WordMistake> {
    words.is(at, &["IS"]).then_some(())?;
    let negated = words.is(at + 1, &["NOT"]);
    let value = if negated { at + 2 } else { at + 1 };
    let left = words.left(at);
    let (not, sign) = if negated { ("NOT ", "<>") } else { ("", "=") };
    if words.is(value, &["EMPTY", "NONE", "NIL", "BLANK", "MISSING", "UNDEFINED"]) {
        return Some(WordMistake::new(
            at,
            value + 1,
            format!("{} is not a condition of SQL's", quoted(words.written(at, value + 1))),
            format!("an empty field is NULL: write {left} IS {not}NULL"),
        ));
    }
    if words.is(value, &["IN", "LIKE", "ILIKE", "BETWEEN"]) {
        let word = words.written(value, value + 1);
        return Some(WordMistake::new(
            at,
            value + 1,
            format!("`IS` does not stand before {word}"),
            format!("write {left} {not}{word} …"),
        ));
    }
    if COMPARISONS.iter().any(|(spelled, _)| words.is(value, spelled)) {
        return None;
    }
    let known = ["NULL", "TRUE", "FALSE", "UNKNOWN", "DISTINCT", "JSON", "NORMALIZED", "NOT"];
    let is_value = match words.token(value) {
        Token::Word(word) => {
            word.quote_style.is_some() || !known.iter().any(|known| words.is(value, &[known]))
        }
        Token::Number(..) | Token::SingleQuotedString(_) => true,
        _ => false,
    };
    is_value.then(|| {
        let word = if negated { "`IS NOT`" } else { "`IS`" };
        WordMistake::new(
            at,
            value + 1,
            format!("{word} goes before NULL, TRUE or FALSE only, not before a value"),
            format!("write {left} {sign} {}", words.right(value)),
        )
    })
}

/// `NOT 'a'`, `NOT = 'a'` behind a column.
fn not_value(words: &Words<'_>, at: usize) -> Option<WordMistake> {
    if !words.is(at, &["NOT"]) || words.wants_operand(at) || at == 0 {
        return None;
    }
    let end = match words.token(at + 1) {
        Token::Eq | Token::DoubleEq => at + 2,
        Token::SingleQuotedString(_) | Token::Number(..) => at + 1,
        _ => return None,
    };
    let (left, right) = (words.left(at), words.right(end));
    Some(WordMistake::new(
        at,
        end,
        "`NOT` stands before a condition, LIKE, IN or BETWEEN",
        format!("write {left} <> {right}"),
    ))
}

/// Lists without parentheses, in other brackets, or empty.
fn list_form(words: &Words<'_>, at: usize) -> Option<WordMistake> {
    words.is(at, &["IN"]).then_some(())?;
    // The IN of `position('a' IN Key)` is another.
    let call = open_parenthesis(words, at).and_then(|open| open.checked_sub(1));
    if call.is_some_and(|name| words.is(name, &["POSITION"])) {
        return None;
    }
    let before = words.operator_begin(at)?;
    let list = at + 1;
    let mut last = list;
    let message = match words.token(list) {
        Token::LParen if *words.token(list + 1) == Token::RParen => {
            return Some(WordMistake::new(
                list,
                list + 2,
                "this list is empty: no value is in it",
                "write the values: StorageClass IN ('GLACIER', 'DEEP_ARCHIVE')",
            ));
        }
        Token::LBracket | Token::LBrace => "a list stands in round parentheses",
        Token::Number(..) | Token::SingleQuotedString(_) | Token::Word(_)
            if !words.is(list, &["UNNEST"]) =>
        {
            while *words.token(last + 1) == Token::Comma {
                last += 2;
            }
            "a list stands in parentheses"
        }
        _ => return None,
    };
    let is_bracket = last == list && !words.is_operand(list);
    let (first, end) = if is_bracket { (list + 1, words.len()) } else { (list, last + 1) };
    let values: Vec<String> = (first..end)
        .take_while(|place| !matches!(words.token(*place), Token::RBracket | Token::RBrace))
        .filter(|place| *words.token(*place) != Token::Comma)
        .take(3)
        .map(|place| words.right(place))
        .collect();
    let (left, operator) = (words.left(before), words.written(before, at + 1));
    let mark = if is_bracket { list + 1 } else { last + 1 };
    let advice = format!("write {left} {operator} ({})", values.join(", "));
    Some(WordMistake::new(list, mark, message, advice))
}

/// BETWEEN with a comma or TO, or without its second value.
fn between_form(words: &Words<'_>, at: usize) -> Option<WordMistake> {
    if !words.is(at, &["BETWEEN"]) {
        return None;
    }
    let is_single = |place: usize| {
        matches!(words.token(place), Token::Number(..) | Token::SingleQuotedString(_))
    };
    let (first, second) = match words.token(at + 1) {
        Token::LParen if *words.token(at + 3) == Token::Comma => (at + 2, at + 4),
        _ if is_single(at + 1) => {
            let joined = *words.token(at + 2) == Token::Comma || words.is(at + 2, &["TO"]);
            if !joined && *words.token(at + 2) != Token::EOF {
                return None;
            }
            (at + 1, at + 3)
        }
        _ => return None,
    };
    let left = words.left(at);
    let advice = format!("write {left} BETWEEN {} AND {}", words.right(first), words.right(second));
    Some(WordMistake::new(at, first + 1, "BETWEEN takes two values, joined by AND", advice))
}

/// `LIKE ANY (…)`, `= ANY (…)`.
fn any_of(words: &Words<'_>, at: usize) -> Option<WordMistake> {
    if !words.is(at, &["ANY", "SOME", "ALL"]) || *words.token(at + 1) != Token::LParen {
        return None;
    }
    let operator = at.checked_sub(1)?;
    let (left, word) = (words.left(operator), words.bare(at).unwrap_or("ANY"));
    let (one, other) = (words.right(at + 2), words.right(at + 4));
    let advice = match words.bare(operator) {
        Some(like) => format!("write {left} {like} {one} OR {left} {like} {other}"),
        None => format!("write {left} IN ({one}, {other})"),
    };
    Some(WordMistake::new(at, at + 1, format!("{} is not supported", quoted(word)), advice))
}

/// AND, OR, LIKE and others where a column or a value belongs, and words of other statements.
fn misplaced_word(words: &Words<'_>, at: usize) -> Option<WordMistake> {
    if words.is(at, &["AND"]) && *words.token(at + 1) == Token::Div && words.is(at + 2, &["OR"]) {
        return Some(WordMistake::new(at, at + 3, "`and/or` is not an operator", "write OR"));
    }
    if words.is(at, &["XOR"]) && !words.wants_operand(at) {
        return Some(WordMistake::new(
            at,
            at + 1,
            "`XOR` is not supported",
            "write (a OR b) AND NOT (a AND b)",
        ));
    }
    let found = words.bare(at)?.to_ascii_uppercase();
    if !words.wants_operand(at) {
        return None;
    }
    match found.as_str() {
        "NOT" if *words.token(at + 1) == Token::EOF => Some(WordMistake::new(
            at,
            at + 1,
            "a condition is missing after `NOT`",
            "write one, such as NOT IsLatest",
        )),
        "AND" | "OR" => {
            let word = quoted(&found);
            let advice = "write one, such as Size > 100, or leave the word out";
            Some(match words.before(at) {
                Token::EOF => WordMistake::new(
                    at,
                    at + 1,
                    format!("a condition is missing before {word}"),
                    advice,
                ),
                _ if words.is(at - 1, &["AND", "OR", "NOT"]) => {
                    let pair = quoted(words.written(at - 1, at + 1));
                    let message = format!("a condition is missing in {pair}");
                    WordMistake::new(at - 1, at + 1, message, advice)
                }
                _ => {
                    let operator = quoted(words.written(at - 1, at));
                    let message = format!("a value is missing after {operator}");
                    WordMistake::new(at - 1, at, message, "write what the column is compared with")
                }
            })
        }
        "LIMIT" | "ORDER" | "GROUP" if is_comparison(words.before(at)) => Some(WordMistake::new(
            at - 1,
            at,
            format!("a value is missing after {}", quoted(words.written(at - 1, at))),
            "write what the column is compared with",
        )),
        "LIKE" | "ILIKE" | "IN" | "IS" | "BETWEEN" if !(at > 0 && words.is(at - 1, &["NOT"])) => {
            Some(WordMistake::new(
                at,
                at + 1,
                format!("a column is missing before {}", quoted(&found)),
                format!("write the column's name: Key {found} …"),
            ))
        }
        _ => None,
    }
}
