//! Functions of texts.
//!
//! A text is a row of characters: valid UTF-8 sequences, and single bytes where there are none.

use std::borrow::Cow;

use memchr::memmem;

use super::super::matcher::fold_chars;
use super::function::Function;
use super::value::{ScalarValue, TEXT_BYTES_MAX};
use crate::values::decode_key;

type Text<'v> = Cow<'v, [u8]>;

/// A function whose first argument is a text.
pub(super) fn apply<'v>(
    function: Function,
    of: Text<'v>,
    second: Option<ScalarValue<'v>>,
    third: Option<ScalarValue<'v>>,
) -> Option<ScalarValue<'v>> {
    let number = |value: &Option<ScalarValue<'v>>| value.as_ref().and_then(ScalarValue::integer);
    let text = match function {
        Function::Lower => lower(&of),
        Function::Upper => upper(&of),
        Function::Trim | Function::TrimLeft | Function::TrimRight => {
            let set = second.and_then(ScalarValue::into_text);
            let range = trimmed(&of, set.as_deref(), function);
            return Some(ScalarValue::Text(slice(of, range)));
        }
        Function::Reverse => {
            let mut reversed = Vec::with_capacity(of.len());
            let characters: Vec<&[u8]> = Characters(&of).collect();
            characters.iter().rev().for_each(|character| reversed.extend_from_slice(character));
            reversed
        }
        Function::Length => return count(Characters(&of).count()),
        Function::Substring => {
            // A length that was given is there: a NULL would have ended the call.
            let range = substring(&of, number(&second)?, number(&third))?;
            return Some(ScalarValue::Text(slice(of, range)));
        }
        Function::SplitPart | Function::ElementOfSplit => {
            let delimiter = second?.into_text()?;
            let strict = function == Function::SplitPart;
            let range = part(&of, &delimiter, number(&third)?, strict)?;
            return Some(ScalarValue::Text(slice(of, range)));
        }
        Function::CountOfSplit => {
            let delimiter = second?.into_text()?;
            if delimiter.is_empty() {
                return None;
            }
            return count(memmem::find_iter(&of, &*delimiter).count() + 1);
        }
        Function::Position => return position(&of, &second?.into_text()?),
        Function::StartsWith => {
            return Some(ScalarValue::Boolean(of.starts_with(&second?.into_text()?)));
        }
        Function::EndsWith => {
            return Some(ScalarValue::Boolean(of.ends_with(&second?.into_text()?)));
        }
        Function::Replace => {
            let with = third.and_then(ScalarValue::into_text).unwrap_or_default();
            replace(&of, &second?.into_text()?, &with)?
        }
        Function::UrlDecode => {
            let mut decoded = Vec::with_capacity(of.len());
            decode_key(&of, &mut decoded);
            decoded
        }
        Function::UrlEncode => url_encode(&of),
        _ => return None,
    };
    bounded(text)
}

/// A text that is not longer than a text may be.
fn bounded<'v>(text: Vec<u8>) -> Option<ScalarValue<'v>> {
    (text.len() <= TEXT_BYTES_MAX).then_some(ScalarValue::Text(Cow::Owned(text)))
}

fn count<'v>(number: usize) -> Option<ScalarValue<'v>> {
    i64::try_from(number).ok().map(ScalarValue::Integer)
}

pub(super) fn concat(values: Vec<ScalarValue<'_>>) -> Option<ScalarValue<'_>> {
    let mut joined = Vec::new();
    for value in values {
        let text = value.into_text()?;
        if joined.len() + text.len() > TEXT_BYTES_MAX {
            return None;
        }
        joined.extend_from_slice(&text);
    }
    Some(ScalarValue::Text(Cow::Owned(joined)))
}

pub(super) fn lower(text: &[u8]) -> Vec<u8> {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut out = Vec::with_capacity(text.len());
    fold_chars(text, char::to_lowercase, &mut out);
    out
}

fn upper(text: &[u8]) -> Vec<u8> {
    if text.is_ascii() {
        return text.to_ascii_uppercase();
    }
    let mut out = Vec::with_capacity(text.len());
    fold_chars(text, char::to_uppercase, &mut out);
    out
}

/// The characters of a text, first to last.
struct Characters<'t>(&'t [u8]);

impl<'t> Iterator for Characters<'t> {
    type Item = &'t [u8];

    fn next(&mut self) -> Option<&'t [u8]> {
        if self.0.is_empty() {
            return None;
        }
        let (first, rest) = self.0.split_at(super::super::like::char_len(self.0));
        self.0 = rest;
        Some(first)
    }
}

/// A part of a text, copied only where the text is owned.
fn slice(text: Text<'_>, range: std::ops::Range<usize>) -> Text<'_> {
    match text {
        Cow::Borrowed(bytes) => Cow::Borrowed(bytes.get(range).unwrap_or_default()),
        Cow::Owned(mut bytes) => {
            bytes.truncate(range.end);
            bytes.drain(..range.start.min(bytes.len()));
            Cow::Owned(bytes)
        }
    }
}

/// What is left without the characters of the set, or without white space, at the ends.
fn trimmed(text: &[u8], set: Option<&[u8]>, function: Function) -> std::ops::Range<usize> {
    let set: Option<Vec<&[u8]>> = set.map(|set| Characters(set).collect());
    let goes = |character: &[u8]| match &set {
        Some(set) => set.contains(&character),
        None => {
            std::str::from_utf8(character).is_ok_and(|text| text.chars().all(char::is_whitespace))
        }
    };
    let (mut start, mut end) = (0, text.len());
    let mut at = 0;
    let mut kept = false;
    for character in Characters(text) {
        let next = at + character.len();
        if !goes(character) {
            if !kept {
                start = at;
            }
            kept = true;
            end = next;
        }
        at = next;
    }
    if !kept {
        return 0..0;
    }
    match function {
        Function::TrimLeft => start..text.len(),
        Function::TrimRight => 0..end,
        _ => start..end,
    }
}

/// `start` counts from 1, or from the end where it is negative; nothing lies at 0.
fn substring(text: &[u8], start: i64, length: Option<i64>) -> Option<std::ops::Range<usize>> {
    if start == 0 || length.is_some_and(|length| length <= 0) {
        return Some(0..0);
    }
    let mut starts: Vec<usize> = Vec::new();
    let mut at = 0;
    for character in Characters(text) {
        starts.push(at);
        at += character.len();
    }
    starts.push(text.len());
    let characters = i64::try_from(starts.len() - 1).ok()?;
    let first = if start > 0 { start - 1 } else { characters.checked_add(start)? };
    if first < 0 || first >= characters {
        return Some(0..0);
    }
    let end = length.map_or(characters, |length| first.saturating_add(length).min(characters));
    let place = |index: i64| usize::try_from(index).ok().and_then(|i| starts.get(i).copied());
    Some(place(first)?..place(end)?)
}

/// The parts between delimiters, counted from 1; without `strict` also from the end, where the
/// number is negative. An empty delimiter parts characters, in `split_part` alone.
fn part(
    text: &[u8],
    delimiter: &[u8],
    number: i64,
    strict: bool,
) -> Option<std::ops::Range<usize>> {
    if number == 0 || (strict && number < 0) {
        return None;
    }
    if delimiter.is_empty() {
        if !strict {
            return None;
        }
        let before = usize::try_from(number - 1).ok()?;
        let start: usize = Characters(text).take(before).map(<[u8]>::len).sum();
        let character = Characters(text).nth(before)?;
        return Some(start..start + character.len());
    }
    let ends = memmem::find_iter(text, delimiter);
    if number < 0 {
        let ends: Vec<usize> = ends.collect();
        let back = usize::try_from(number.checked_neg()?).ok()?;
        let place = (ends.len() + 1).checked_sub(back)?;
        let start = match place.checked_sub(1) {
            Some(before) => ends.get(before)? + delimiter.len(),
            None => 0,
        };
        return Some(start..ends.get(place).copied().unwrap_or(text.len()));
    }
    let wanted = usize::try_from(number).ok()?;
    let mut start = 0;
    for (place, end) in ends.chain([text.len()]).enumerate() {
        if place + 1 == wanted {
            return Some(start..end);
        }
        start = end + delimiter.len();
    }
    None
}

/// The place of the first occurrence, in characters from 1; 0 where there is none.
fn position<'v>(text: &[u8], wanted: &[u8]) -> Option<ScalarValue<'v>> {
    match memmem::find(text, wanted) {
        None => Some(ScalarValue::Integer(0)),
        Some(at) => count(Characters(text.get(..at)?).count() + 1),
    }
}

/// An empty text stands between all characters, as in Trino. `None` where the result is too long.
fn replace(text: &[u8], wanted: &[u8], with: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut add = |bytes: &[u8]| {
        out.extend_from_slice(bytes);
        (out.len() <= TEXT_BYTES_MAX).then_some(())
    };
    if wanted.is_empty() {
        add(with)?;
        for character in Characters(text) {
            add(character)?;
            add(with)?;
        }
        return Some(out);
    }
    let mut at = 0;
    for found in memmem::find_iter(text, wanted) {
        add(text.get(at..found)?)?;
        add(with)?;
        at = found + wanted.len();
    }
    add(text.get(at..)?)?;
    Some(out)
}

/// As HTML forms are encoded: letters, digits and `-_.*` stand, a space is `+`.
fn url_encode(text: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' => out.push(*byte),
            b' ' => out.push(b'+'),
            byte => {
                out.push(b'%');
                out.push(DIGITS[usize::from(byte >> 4)]);
                out.push(DIGITS[usize::from(byte & 15)]);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: Option<ScalarValue<'_>>) -> String {
        value.map_or("NULL".to_owned(), |value| value.to_string())
    }

    fn call(function: Function, text: &str, rest: &[&str]) -> String {
        let mut rest = rest.iter().map(|argument| match argument.parse() {
            Ok(number) => ScalarValue::Integer(number),
            Err(_) => ScalarValue::text(*argument),
        });
        let text = Cow::Borrowed(text.as_bytes());
        shown(apply(function, text, rest.next(), rest.next()))
    }

    #[test]
    fn substrings_count_characters_from_both_ends() {
        for (start, length, part) in [
            ("1", Some("2"), "'aé'"),
            ("2", None, "'é€'"),
            ("-1", None, "'€'"),
            ("-2", Some("1"), "'é'"),
            ("0", None, "''"),
            ("4", None, "''"),
            ("-4", None, "''"),
            ("1", Some("0"), "''"),
            ("1", Some("-1"), "''"),
            ("9223372036854775807", Some("9223372036854775807"), "''"),
            ("-9223372036854775808", None, "''"),
        ] {
            let rest: Vec<&str> = std::iter::once(start).chain(length).collect();
            assert_eq!(call(Function::Substring, "aé€", &rest), part, "{start} {length:?}");
        }
    }

    #[test]
    fn parts_lie_between_delimiters() {
        for (number, strict, element) in [
            ("1", "'a'", "'a'"),
            ("2", "''", "''"),
            ("3", "'b'", "'b'"),
            ("4", "NULL", "NULL"),
            ("0", "NULL", "NULL"),
            ("-1", "NULL", "'b'"),
            ("-3", "NULL", "'a'"),
            ("-4", "NULL", "NULL"),
        ] {
            assert_eq!(call(Function::SplitPart, "a//b", &["/", number]), strict);
            assert_eq!(call(Function::ElementOfSplit, "a//b", &["/", number]), element);
        }
        assert_eq!(call(Function::SplitPart, "aéb", &["", "2"]), "'é'");
        assert_eq!(call(Function::CountOfSplit, "a//b", &["/"]), "3");
    }

    #[test]
    fn texts_are_searched_changed_and_measured() {
        for (function, text, rest, result) in [
            (Function::Position, "aéb", &["b"][..], "3"),
            (Function::Position, "aéb", &["x"], "0"),
            (Function::Position, "a", &[""], "1"),
            (Function::Replace, "a.b.c", &[".", "--"], "'a--b--c'"),
            (Function::Replace, "a.b", &["."], "'ab'"),
            (Function::Replace, "ab", &["", "-"], "'-a-b-'"),
            (Function::Reverse, "aé€", &[], "'€éa'"),
            (Function::Trim, "\t a b\n", &[], "'a b'"),
            (Function::TrimLeft, "xxaxx", &["x"], "'axx'"),
            (Function::TrimRight, "xxaxx", &["yx"], "'xxa'"),
            (Function::Trim, "xx", &["x"], "''"),
            (Function::Length, "aé€", &[], "3"),
            (Function::UrlDecode, "a+b%2Fc", &[], "'a b/c'"),
            (Function::UrlEncode, "a b/é", &[], "'a+b%2F%C3%A9'"),
            (Function::StartsWith, "ab", &["a"], "TRUE"),
            (Function::EndsWith, "ab", &["a"], "FALSE"),
        ] {
            assert_eq!(call(function, text, rest), result, "{function:?} {text}");
        }
    }

    #[test]
    fn a_text_that_grows_too_long_is_null() {
        let long = "a".repeat(TEXT_BYTES_MAX);
        assert_eq!(call(Function::Replace, &long, &["a", "bb"]), "NULL");
        assert_eq!(call(Function::UrlEncode, &"/".repeat(TEXT_BYTES_MAX), &[]), "NULL");
        let twice = vec![ScalarValue::text(long.as_str()), ScalarValue::text("b")];
        assert_eq!(concat(twice), None);
    }
}
