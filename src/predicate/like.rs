//! LIKE patterns: `%` for any text, `_` for one character.
//!
//! A text is taken as a row of characters: a valid UTF-8 sequence is one, and so is each byte that
//! belongs to none. Literal parts are valid UTF-8, hence begin and end between characters of any
//! text they occur in: only `_`, and what follows a `%`, must step by characters.
//!
//! Never knows columns; letter case is folded before a text comes here.

use std::fmt;

use memchr::memmem::Finder;

/// A piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PatternPiece {
    /// `%`
    Any,
    /// `_`
    One,
    /// Never empty; never beside another text.
    Text(String),
}

/// A pattern, escapes resolved; two patterns that are spelled differently may be equal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Like {
    parts: Vec<PatternPiece>,
}

impl Like {
    /// `None` when the pattern ends with the escape character.
    pub(super) fn parse(pattern: &str, escape: Option<char>) -> Option<Self> {
        let mut like = Self::default();
        let mut chars = pattern.chars();
        while let Some(c) = chars.next() {
            match c {
                _ if Some(c) == escape => like.push_text(chars.next()?.encode_utf8(&mut [0; 4])),
                '%' => like.push(PatternPiece::Any),
                '_' => like.push(PatternPiece::One),
                _ => like.push_text(c.encode_utf8(&mut [0; 4])),
            }
        }
        Some(like)
    }

    /// The pattern of a text with anything before it, after it, or both.
    pub(super) fn around(text: &str, before: bool, after: bool) -> Self {
        let mut like = Self::default();
        if before {
            like.push(PatternPiece::Any);
        }
        like.push_text(text);
        if after {
            like.push(PatternPiece::Any);
        }
        like
    }

    fn push(&mut self, part: PatternPiece) {
        if part != PatternPiece::Any || self.parts.last() != Some(&PatternPiece::Any) {
            self.parts.push(part);
        }
    }

    fn push_text(&mut self, text: &str) {
        match self.parts.last_mut() {
            _ if text.is_empty() => {}
            Some(PatternPiece::Text(last)) => last.push_str(text),
            _ => self.parts.push(PatternPiece::Text(text.to_owned())),
        }
    }

    /// The same pattern with another text for each literal part.
    pub(super) fn map_text(self, change: impl Fn(&str) -> String) -> Self {
        let mut like = Self::default();
        for part in self.parts {
            match part {
                PatternPiece::Text(text) => like.push_text(&change(&text)),
                wildcard => like.push(wildcard),
            }
        }
        like
    }

    pub(super) fn parts(&self) -> &[PatternPiece] {
        &self.parts
    }

    /// Chooses the cheapest way to match.
    pub(super) fn plan(&self) -> MatchPlan {
        use PatternPiece::{Any, Text};
        let bytes = |text: &String| text.as_bytes().into();
        match self.parts.as_slice() {
            [] => MatchPlan::Equals(Box::default()),
            [Text(all)] => MatchPlan::Equals(bytes(all)),
            [Any] => MatchPlan::StartsWith(Box::default()),
            [Text(start), Any] => MatchPlan::StartsWith(bytes(start)),
            [Any, Text(end)] => MatchPlan::Around(Box::default(), bytes(end)),
            [Text(start), Any, Text(end)] => MatchPlan::Around(bytes(start), bytes(end)),
            [Any, Text(middle), Any] => {
                MatchPlan::Contains(Box::new(Finder::new(middle.as_bytes()).into_owned()))
            }
            parts => MatchPlan::General(parts.into()),
        }
    }
}

/// The pattern as SQL writes it, with an ESCAPE clause only where it is needed.
impl fmt::Display for Like {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let special = |text: &String| text.contains(['%', '_']);
        let escaped =
            self.parts.iter().any(|part| matches!(part, PatternPiece::Text(t) if special(t)));
        f.write_str("'")?;
        for part in &self.parts {
            match part {
                PatternPiece::Any => f.write_str("%")?,
                PatternPiece::One => f.write_str("_")?,
                PatternPiece::Text(text) => {
                    for c in text.chars() {
                        match c {
                            '%' | '_' | '\\' if escaped => write!(f, "\\{c}")?,
                            '\'' => f.write_str("''")?,
                            _ => write!(f, "{c}")?,
                        }
                    }
                }
            }
        }
        f.write_str(if escaped { "' ESCAPE '\\'" } else { "'" })
    }
}

/// A pattern ready to be matched; see [`Like::plan`].
#[derive(Debug, Clone)]
pub(super) enum MatchPlan {
    Equals(Box<[u8]>),
    StartsWith(Box<[u8]>),
    /// Starts with the first, ends with the second, and the two do not overlap.
    Around(Box<[u8]>, Box<[u8]>),
    Contains(Box<Finder<'static>>),
    General(Box<[PatternPiece]>),
}

impl MatchPlan {
    pub(super) fn matches(&self, text: &[u8]) -> bool {
        match self {
            Self::Equals(all) => text == &**all,
            Self::StartsWith(start) => text.starts_with(start),
            Self::Around(start, end) => {
                text.len() >= start.len() + end.len()
                    && text.starts_with(start)
                    && text.ends_with(end)
            }
            Self::Contains(finder) => finder.find(text).is_some(),
            Self::General(parts) => matches_parts(parts, text),
        }
    }
}

/// Matches greedily; after a failure only the last `%` takes one character more, since what an
/// earlier one takes can be no shorter.
fn matches_parts(parts: &[PatternPiece], text: &[u8]) -> bool {
    let (mut part, mut place) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let rest = &text[place..];
        let step = match parts.get(part) {
            Some(PatternPiece::Any) => {
                retry = Some((part + 1, place));
                Some(0)
            }
            Some(PatternPiece::One) if !rest.is_empty() => Some(char_len(rest)),
            Some(PatternPiece::Text(wanted)) if rest.starts_with(wanted.as_bytes()) => {
                Some(wanted.len())
            }
            None if rest.is_empty() => return true,
            _ => None,
        };
        match (step, &mut retry) {
            (Some(step), _) => (part, place) = (part + 1, place + step),
            (None, Some((after, from))) if *from < text.len() => {
                *from += char_len(&text[*from..]);
                (part, place) = (*after, *from);
            }
            _ => return false,
        }
    }
}

/// Bytes of the first character of a non-empty text; 1 where no UTF-8 sequence begins.
pub(super) fn char_len(text: &[u8]) -> usize {
    let len = match text[0] {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return 1,
    };
    match text.get(..len).map(std::str::from_utf8) {
        Some(Ok(_)) => len,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn like(pattern: &str, escape: Option<char>, text: &[u8]) -> bool {
        let like = Like::parse(pattern, escape).unwrap();
        let general = matches_parts(like.parts(), text);
        assert_eq!(like.plan().matches(text), general, "{pattern} {text:?}");
        general
    }

    #[test]
    fn wildcards_match_text_and_characters() {
        for (pattern, text, expected) in [
            ("photos/%", "photos/", true),
            ("photos/%", "photo", false),
            ("%.jpg", ".jpg", true),
            ("a%a", "a", false),
            ("a%a", "aa", true),
            ("%b%", "abc", true),
            ("%b%", "ac", false),
            ("_", "é", true),
            ("__", "é", false),
            ("%__", "€", false),
            ("a_c%e", "abcde", true),
            ("%a_b%", "xaab aXb", true),
            ("%ab%cd", "ababcdcd", true),
            ("%", "anything", true),
            ("", "x", false),
        ] {
            assert_eq!(like(pattern, None, text.as_bytes()), expected, "{pattern} {text}");
        }
        assert!(like("_\u{e9}_", None, b"\xff\xc3\xa9\x80"));
        assert!(like("a!%!_!!", Some('!'), b"a%_!"));
        assert!(like("a\\b", None, b"a\\b"));
        assert_eq!(Like::parse("a!", Some('!')), None);
    }

    #[test]
    fn a_pattern_is_shown_so_that_it_reads_back() {
        for (pattern, escape, shown) in [
            ("a%_b", None, "'a%_b'"),
            ("%%x", None, "'%x'"),
            ("100!%", Some('!'), "'100\\%' ESCAPE '\\'"),
            ("a\\b", None, "'a\\b'"),
            ("it's", None, "'it''s'"),
        ] {
            assert_eq!(Like::parse(pattern, escape).unwrap().to_string(), shown);
        }
    }
}
