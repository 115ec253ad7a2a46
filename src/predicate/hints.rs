//! Why a predicate may have selected nothing: constants that hardly a value of their column equals
//! in the form in which reports hold it, and comparisons that leave out what is NULL.
//!
//! These are guesses. They are told where nothing was selected, and nowhere else.
//!
//! Never knows rows.

use super::acl::decode_acl;
use super::column_test::{Check, ColumnTest, Comparison, Operand, ValueTest};
use super::expr::Expr;
use super::like::{Like, PatternPiece};
use super::syntax::literal;
use crate::report::{ColumnKind, is_same_column};
use crate::values::decode_key;

/// More would hide the first.
const HINTS_MAX: usize = 5;

/// Columns that S3 fills in every row.
const NEVER_NULL: [&str; 4] = ["Bucket", "Key", "IsLatest", "IsDeleteMarker"];

/// What may be meant, a sentence each; none where nothing is suspicious.
pub(super) fn hints(expr: &Expr) -> Vec<String> {
    let mut found = HintFinder::default();
    found.look(expr, false);
    let HintFinder { mut hints, unequal, nulls } = found;
    for name in unequal {
        if !nulls.contains(&name) && hints.len() < HINTS_MAX {
            hints.push(format!(
                "rows whose {name} is NULL are not selected, for NULL is neither equal nor \
                 unequal to anything: to have them, write (… OR {name} IS NULL)"
            ));
        }
    }
    hints.truncate(HINTS_MAX);
    hints
}

#[derive(Default)]
struct HintFinder {
    hints: Vec<String>,
    /// Columns that are to be unequal to something, as the canonical text spells them.
    unequal: Vec<String>,
    /// Columns that are asked for NULL.
    nulls: Vec<String>,
}

impl HintFinder {
    fn look(&mut self, expr: &Expr, negated: bool) {
        match expr {
            Expr::Not(inner) => self.look(inner, !negated),
            Expr::Test(test) => self.test(test, negated),
            // `NOT IN (…, NULL)`, `NOT (… OR NULL)`: it is never true, which is told as a warning.
            Expr::Any(parts) if negated && parts.contains(&Expr::Constant(None)) => {}
            Expr::All(parts) if !negated && parts.contains(&Expr::Constant(None)) => {}
            _ => expr.children().iter().for_each(|child| self.look(child, negated)),
        }
    }

    fn test(&mut self, test: &ColumnTest, negated: bool) {
        let ColumnTest { operand, check } = test;
        let list = |names: &mut Vec<String>| {
            if !names.contains(&operand.name) {
                names.push(operand.name.clone());
            }
        };
        if *check == Check::Null {
            list(&mut self.nulls);
            return;
        }
        if negated != is_unequal(check) {
            if !NEVER_NULL.iter().any(|known| is_same_column(known, &operand.name)) {
                list(&mut self.unequal);
            }
            return;
        }
        match check {
            Check::Text(ValueTest::Compare(Comparison::Equal, text)) => self.equal(operand, text),
            Check::Text(ValueTest::In(texts)) => {
                texts.iter().take(HINTS_MAX).for_each(|text| self.equal(operand, text));
            }
            Check::Like { pattern, folded } if operand.cast.is_none() => {
                self.like(operand, pattern, if *folded { "ILIKE" } else { "LIKE" });
            }
            _ => {}
        }
    }

    fn push(&mut self, hint: String) {
        if self.hints.len() < HINTS_MAX && !self.hints.contains(&hint) {
            self.hints.push(hint);
        }
    }

    /// A column that is to equal a text.
    fn equal(&mut self, operand: &Operand, text: &str) {
        let hint = match operand.kind {
            _ if operand.cast.is_some() => None,
            ColumnKind::Key => key(operand, text),
            ColumnKind::Acl => acl(operand, text),
            _ if is_same_column("VersionId", &operand.name) && text == "null" => Some(format!(
                "a report has an empty field for the version that S3 calls null: write {operand} \
                 IS NULL"
            )),
            _ if is_same_column("Bucket", &operand.name) => bucket(text),
            _ if is_same_column("ETag", &operand.name) && text.contains('"') => {
                Some(format!("reports hold ETags without quotes: write {}", unquoted(text)))
            }
            _ => None,
        };
        if let Some(hint) = hint {
            self.push(hint);
        }
    }

    /// A column that is to match a pattern.
    fn like(&mut self, operand: &Operand, pattern: &Like, like: &str) {
        let texts = || {
            pattern.parts().iter().filter_map(|part| match part {
                PatternPiece::Text(text) => Some(text.as_str()),
                PatternPiece::Any | PatternPiece::One => None,
            })
        };
        let written = plain(pattern);
        let has = |signs: &[char]| texts().any(|text| text.contains(signs));
        let is_glob = has(&['*', '?']);
        if is_glob {
            // What was escaped can't be told from wildcards there.
            let meant = (!has(&['%', '_'])).then(|| globbed(&written)).flatten();
            self.push(glob(has(&['*']), has(&['?']), operand, like, meant));
        }
        let begin = match pattern.parts().first() {
            Some(PatternPiece::Text(text)) => text,
            _ => "",
        };
        if operand.kind == ColumnKind::Key {
            if let Some(hint) = beginning_of_pattern(begin) {
                self.push(hint);
            } else if let Some(decoded) = decoded_pattern(&written) {
                self.push(format!(
                    "keys are compared decoded, without %XX and with a space for +: write \
                     {operand} {like} {}",
                    literal(&decoded)
                ));
            }
        }
        if texts().count() == pattern.parts().len() && !is_glob {
            self.push(format!(
                "a pattern without % or _ is only like itself: write {operand} {like} {} for what \
                 begins so",
                literal(&format!("{written}%"))
            ));
        }
    }
}

/// Whether the rows are wanted that are not equal to something.
fn is_unequal(check: &Check) -> bool {
    let by = match check {
        Check::Integer(ValueTest::Compare(by, _)) => *by,
        Check::Instant(ValueTest::Compare(by, _)) => *by,
        Check::Text(ValueTest::Compare(by, _)) => *by,
        _ => return false,
    };
    by == Comparison::NotEqual
}

/// A pattern as it was written, as far as it needs no escapes.
fn plain(pattern: &Like) -> String {
    let part = |part: &PatternPiece| match part {
        PatternPiece::Any => "%".to_owned(),
        PatternPiece::One => "_".to_owned(),
        PatternPiece::Text(text) => text.clone(),
    };
    pattern.parts().iter().map(part).collect()
}

/// A pattern with a shell's wildcards as one of LIKE; `None` where it would select every row.
fn globbed(written: &str) -> Option<String> {
    let pattern = written.replace("%*", "%").replace("*%", "%").replace('*', "%");
    let pattern = pattern.replace('?', "_");
    (!pattern.trim_matches('%').is_empty()).then_some(pattern)
}

/// What to say of a shell's wildcards in a pattern.
fn glob(star: bool, mark: bool, operand: &Operand, like: &str, meant: Option<String>) -> String {
    let text = "% stands for any text and * for itself";
    let one = "_ stands for one character and ? for itself";
    let told = match (star, mark) {
        (true, true) => format!("{text}, {one}"),
        (true, false) => text.to_owned(),
        (false, _) => one.to_owned(),
    };
    match meant {
        Some(meant) => format!("in LIKE, {told}: write {operand} {like} {}", literal(&meant)),
        None => format!("in LIKE, {told}"),
    }
}

/// What begins an address of an object.
const SCHEMES: [&str; 3] = ["s3://", "s3a://", "arn:aws:s3:::"];

/// What is wrong with the beginning of a key.
fn beginning(text: &str) -> Option<String> {
    if let Some(rest) = SCHEMES.iter().find_map(|scheme| text.strip_prefix(scheme)) {
        let key = literal(rest.split_once('/').map_or("", |(_, key)| key));
        return Some(format!("a key does not hold its bucket: compare with {key} alone"));
    }
    text.starts_with('/').then(|| {
        let key = literal(text.trim_start_matches('/'));
        format!("few keys in S3 begin with a slash: write {key}")
    })
}

/// As [`beginning`], of a pattern, which may have been written as `starts_with(Key, 'text')`: what
/// is to be left out is the same in both.
fn beginning_of_pattern(begin: &str) -> Option<String> {
    if let Some(scheme) = SCHEMES.iter().find(|scheme| begin.starts_with(**scheme)) {
        let bucket = begin[scheme.len()..].split_inclusive('/').next().unwrap_or_default();
        let address = literal(&format!("{scheme}{bucket}"));
        return Some(format!("a key does not hold its bucket: leave {address} out"));
    }
    begin
        .starts_with('/')
        .then(|| "few keys in S3 begin with a slash: leave the first one out".to_owned())
}

/// A key that is to be equal.
fn key(operand: &Operand, text: &str) -> Option<String> {
    if let Some(hint) = beginning(text) {
        return Some(hint);
    }
    if text.contains('*') {
        let pattern = literal(&text.replace('*', "%"));
        return Some(format!("* stands for itself here: write {operand} LIKE {pattern}"));
    }
    if let Some(decoded) = decoded(text) {
        return Some(format!(
            "keys are compared decoded, without %XX and with a space for +: write {}",
            literal(&decoded)
        ));
    }
    if text.ends_with('%') {
        return Some(format!("% stands for itself here: write {operand} LIKE {}", literal(text)));
    }
    text.ends_with('/').then(|| {
        let pattern = literal(&format!("{text}%"));
        format!("this is the one key that ends so: for all below it write {operand} LIKE {pattern}")
    })
}

/// As [`decoded`], of a pattern, where `%` comes before numbers, too: `%2024%` has no escape. Those
/// that are meant have a letter, as `%2F`, or are a space between words.
fn decoded_pattern(pattern: &str) -> Option<String> {
    let is_meant = |(place, three): (usize, &[u8])| {
        let next = pattern.as_bytes().get(place + three.len());
        let ends_word = next.is_some_and(|byte| !byte.is_ascii_digit() && *byte != b'%');
        three.iter().any(u8::is_ascii_uppercase) || (three == b"%20" && ends_word)
    };
    escapes(pattern).any(is_meant).then(|| decoded(pattern)).flatten()
}

/// The escapes `%XX` in a text, and where each begins.
fn escapes(text: &str) -> impl Iterator<Item = (usize, &[u8])> {
    let is_hex = |byte: &u8| byte.is_ascii_digit() || (b'A'..=b'F').contains(byte);
    let is_escape =
        move |three: &[u8]| three.first() == Some(&b'%') && three.iter().skip(1).all(is_hex);
    text.as_bytes().windows(3).enumerate().filter(move |(_, three)| is_escape(three))
}

/// What a text is that has been copied from a report, encoded; `None` of any other.
fn decoded(text: &str) -> Option<String> {
    if escapes(text).next().is_none() && !text.contains('+') {
        return None;
    }
    let mut decoded = Vec::new();
    decode_key(text.as_bytes(), &mut decoded);
    String::from_utf8(decoded).ok()
}

/// A list that is to be equal.
fn acl(operand: &Operand, text: &str) -> Option<String> {
    let mut json = Vec::new();
    if decode_acl(text.as_bytes(), &mut json) {
        return Some(format!(
            "access control lists are compared decoded, as JSON: write {}",
            literal(&String::from_utf8_lossy(&json))
        ));
    }
    (!text.starts_with('{')).then(|| {
        format!(
            "an access control list is JSON that names each grant: write {operand} LIKE \
             '%AllUsers%' for what is granted to anybody"
        )
    })
}

/// A bucket that is to be equal.
fn bucket(text: &str) -> Option<String> {
    let name = ["s3://", "arn:aws:s3:::"].iter().find_map(|scheme| text.strip_prefix(scheme))?;
    let name = name.split('/').next().unwrap_or_default();
    Some(format!("a report has the bucket's name alone: write {}", literal(name)))
}

fn unquoted(text: &str) -> String {
    literal(text.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::super::Predicate;
    use crate::report::Schema;

    fn hints(text: &str) -> Vec<String> {
        let schema = Schema::from_names([
            "Bucket",
            "Key",
            "VersionId",
            "Size",
            "ETag",
            "StorageClass",
            "ObjectAccessControlList",
        ]);
        Predicate::parse(text, &schema, jiff::Timestamp::UNIX_EPOCH).unwrap().hints()
    }

    #[test]
    fn what_is_hardly_meant_is_told() {
        for (text, wanted) in [
            ("Key LIKE 'logs/*'", "write Key LIKE 'logs/%'"),
            ("Key LIKE '%*%'", "in LIKE, % stands for any text and * for itself"),
            ("Key LIKE 'logs/?.txt'", "? for itself: write Key LIKE 'logs/_.txt'"),
            ("Key LIKE 'l?gs/*'", "and ? for itself: write Key LIKE 'l_gs/%'"),
            ("Key LIKE '100!%*' ESCAPE '!'", "any text and * for itself"),
            ("Key = 'logs/*'", "write Key LIKE 'logs/%'"),
            ("Key IN ('a', 'logs/%')", "write Key LIKE 'logs/%'"),
            ("Key = 'photos/caf%C3%A9+1.jpg'", "write 'photos/café 1.jpg'"),
            ("Key LIKE 'a%20b%'", "write Key LIKE 'a b%'"),
            ("Key LIKE 'a%2Fb%'", "write Key LIKE 'a/b%'"),
            ("Key = 'a+b'", "write 'a b'"),
            ("Key LIKE '/logs/%'", "leave the first one out"),
            ("ends_with(Key, '*.jpg')", "write Key LIKE '%.jpg'"),
            ("Key ILIKE 'logs/*'", "write Key ILIKE 'logs/%'"),
            ("Key = 's3://bucket/logs/a'", "compare with 'logs/a' alone"),
            ("Key LIKE 's3://bucket/logs/%'", "leave 's3://bucket/' out"),
            ("starts_with(Key, 's3://bucket/logs/')", "its bucket: leave 's3://bucket/' out"),
            ("starts_with(Key, '/logs/')", "begin with a slash: leave the first one out"),
            ("Key = 'logs/'", "write Key LIKE 'logs/%'"),
            ("Key LIKE 'logs/'", "write Key LIKE 'logs/%' for what begins so"),
            ("VersionId = 'null' AND Size > 5", "write VersionId IS NULL"),
            ("Bucket = 's3://demo/'", "write 'demo'"),
            ("ETag = '\"d41d8cd9\"'", "write 'd41d8cd9'"),
            ("ObjectAccessControlList = 'public-read'", "LIKE '%AllUsers%'"),
            ("ObjectAccessControlList = 'eyJhIjoxfQ=='", "write '{\"a\":1}'"),
            ("StorageClass <> 'GLACIER'", "(… OR StorageClass IS NULL)"),
            ("NOT (StorageClass = 'GLACIER' OR Key = 'a')", "(… OR StorageClass IS NULL)"),
            ("StorageClass NOT IN ('GLACIER', 'SNOW')", "(… OR StorageClass IS NULL)"),
        ] {
            let hints = hints(text);
            assert!(hints.len() == 1 && hints[0].contains(wanted), "{text}: {hints:?}");
            assert!(!wanted.ends_with("itself") || hints[0].ends_with("itself"), "{hints:?}");
        }
    }

    #[test]
    fn what_is_in_order_gets_no_hint() {
        for text in [
            "Key LIKE 'logs/%' AND Key = 'a b'",
            "Key LIKE '%2024%' OR Key LIKE '%100%' OR Key LIKE '%20%' OR Key LIKE '%2024-99%'",
            "Key <> 'logs/*'",
            "StorageClass NOT IN ('GLACIER', NULL)",
            "StorageClass <> 'GLACIER' AND Size = NULL",
            "VersionId IS NULL",
            "StorageClass <> 'GLACIER' OR StorageClass IS NULL",
            "ObjectAccessControlList LIKE '%AllUsers%'",
            "LOWER(Key) > 'a' AND Size <= 5",
        ] {
            assert_eq!(hints(text), [""; 0], "{text}");
        }
    }
}
