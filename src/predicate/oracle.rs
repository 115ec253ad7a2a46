//! The slow and obvious twin of the compiled matcher, for tests and fuzzing.
//!
//! It walks the typed tree in three-valued logic and allocates as it likes. It has its own key
//! decoding, LIKE, dates and numbers, and shares no code with the matcher below the tree, except
//! the regular expression itself. Computed conditions are the exception: they have one evaluator,
//! whose oracle is DuckDB.
//!
//! Never used to filter a report.

use jiff::Timestamp;
use jiff::civil::{DateTime, Time};
use jiff::fmt::temporal::Pieces;

use super::Predicate;
use super::expr::{Case, Check, ColumnTest, Comparison, Expr, Operand, ValueTest};
use super::like::PatternPiece;
use super::matcher::Scratch;
use crate::report::{ColumnKind, Schema};
use crate::values::Row;

impl Predicate {
    /// The truth value for a row, by SQL's three-valued logic; `None` is NULL.
    ///
    /// This is the oracle of tests and fuzzing and slower than [`super::Matcher::matches`] by a
    /// factor of ten or more.
    #[must_use]
    pub fn evaluate_slowly(&self, row: &dyn Row) -> Option<bool> {
        truth(&self.expr, row)
    }
}

/// Checks what must hold of any text and any row: parsing does not panic, a matcher agrees with
/// the oracle, and the canonical text reads back as the same predicate. For tests and fuzzing.
///
/// # Errors
/// A sentence that says what does not hold.
pub fn check_agreement(text: &str, schema: &Schema, row: &dyn Row) -> Result<(), String> {
    let predicate = match Predicate::parse(text, schema, Timestamp::UNIX_EPOCH) {
        Ok(predicate) => predicate,
        Err(error) if error.to_string().is_empty() => return Err("an empty error".to_owned()),
        Err(_) => return Ok(()),
    };
    let expected = predicate.evaluate_slowly(row);
    let got = predicate.compile().matches(row);
    if got != (expected == Some(true)) {
        return Err(format!("{predicate}: the matcher says {got}, the oracle {expected:?}"));
    }
    let canonical = predicate.to_string();
    match Predicate::parse(&canonical, schema, Timestamp::UNIX_EPOCH) {
        Ok(again) if again == predicate && again.to_string() == canonical => Ok(()),
        Ok(again) => Err(format!("{canonical}: reads back as {again}")),
        Err(error) => Err(format!("{canonical}: does not read back: {error}")),
    }
}

fn truth(expr: &Expr, row: &dyn Row) -> Option<bool> {
    match expr {
        Expr::Constant(truth) => *truth,
        Expr::All(parts) => {
            let truths: Vec<_> = parts.iter().map(|part| truth(part, row)).collect();
            if truths.contains(&Some(false)) {
                Some(false)
            } else if truths.contains(&None) {
                None
            } else {
                Some(true)
            }
        }
        Expr::Any(parts) => {
            let truths: Vec<_> = parts.iter().map(|part| truth(part, row)).collect();
            if truths.contains(&Some(true)) {
                Some(true)
            } else if truths.contains(&None) {
                None
            } else {
                Some(false)
            }
        }
        Expr::Not(inner) => truth(inner, row).map(|truth| !truth),
        Expr::Is { operand, state } => Some(truth(operand, row) == *state),
        Expr::Test(test) => test_truth(test, row),
        Expr::Computed(computed) => computed.truth(row, &mut Scratch::default()),
    }
}

fn test_truth(test: &ColumnTest, row: &dyn Row) -> Option<bool> {
    use super::expr::Type;
    let operand = &test.operand;
    let value = value(operand, row);
    let number = || value.as_ref().and_then(|value| number_slowly(value));
    let instant = || {
        let value = value.as_ref()?;
        instant_slowly(if operand.cast.is_some() { value.trim_ascii() } else { value })
    };
    let flag = || value.as_ref().and_then(|value| flag_slowly(value));
    match &test.check {
        Check::Null => Some(match operand.value_type() {
            Type::Text => value.is_none(),
            Type::Integer => number().is_none(),
            Type::Instant => instant().is_none(),
            Type::Boolean => flag().is_none(),
        }),
        Check::True => flag(),
        Check::Integer(relation) => related(&number()?, relation, |number, decimal| {
            let (mantissa, scale) = decimal.parts();
            (number * 10i128.pow(scale)).cmp(&mantissa)
        }),
        Check::Instant(relation) => related(&instant()?, relation, |a, b| a.cmp(&b.0)),
        Check::Text(relation) => related(&value?, relation, |a, b| a.as_slice().cmp(b.as_bytes())),
        Check::Like { pattern, folded: true } => {
            Some(like_slowly(pattern.parts(), &lower(&value?, true), true))
        }
        Check::Like { pattern, folded: false } => {
            Some(like_slowly(pattern.parts(), &value?, false))
        }
        Check::Regex(regex) if operand.is_token() => {
            // A token's pattern ignores case and sees the field as it stands.
            let field = row.field(operand.column);
            value.map(|_| regex.compiled.is_match(field))
        }
        Check::Regex(regex) => Some(regex.compiled.is_match(&value?)),
    }
}

fn related<V, T>(
    value: &V,
    relation: &ValueTest<T>,
    compare: impl Fn(&V, &T) -> std::cmp::Ordering,
) -> Option<bool> {
    Some(match relation {
        ValueTest::In(values) => values.iter().any(|other| compare(value, other).is_eq()),
        ValueTest::Compare(by, other) => {
            let order = compare(value, other);
            match by {
                Comparison::Equal => order.is_eq(),
                Comparison::NotEqual => order.is_ne(),
                Comparison::Less => order.is_lt(),
                Comparison::LessOrEqual => order.is_le(),
                Comparison::Greater => order.is_gt(),
                Comparison::GreaterOrEqual => order.is_ge(),
            }
        }
    })
}

/// The operand's bytes, decoded and in the case that is asked for; `None` for an empty field.
fn value(operand: &Operand, row: &dyn Row) -> Option<Vec<u8>> {
    let raw = row.field(operand.column);
    if raw.is_empty() {
        return None;
    }
    let mut value = match operand.kind {
        ColumnKind::Key => decode_slowly(raw),
        ColumnKind::Acl => acl_slowly(raw).unwrap_or_else(|| raw.to_vec()),
        _ => raw.to_vec(),
    };
    if operand.is_token() {
        value.make_ascii_uppercase();
        let short: Vec<u8> = value.iter().copied().filter(|byte| *byte != b'-').collect();
        if operand.ignores_hyphens && !short.is_empty() {
            value = short;
        }
    }
    Some(match operand.case {
        Some(Case::Lower) => lower(&value, true),
        Some(Case::Upper) => lower(&value, false),
        None => value,
    })
}

/// The JSON object that is written in base64; `None` if this is not one.
fn acl_slowly(raw: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(raw).ok()?;
    let digits = text.strip_suffix("==").or(text.strip_suffix('=')).unwrap_or(text);
    let mut bits = String::new();
    for c in digits.chars() {
        let value = match c {
            'A'..='Z' => u32::from(c) - u32::from('A'),
            'a'..='z' => u32::from(c) - u32::from('a') + 26,
            '0'..='9' => u32::from(c) - u32::from('0') + 52,
            '+' => 62,
            '/' => 63,
            _ => return None,
        };
        bits += &format!("{value:06b}");
    }
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let bytes: Vec<u8> = bits
        .as_bytes()
        .chunks_exact(8)
        .filter_map(|byte| u8::from_str_radix(std::str::from_utf8(byte).ok()?, 2).ok())
        .collect();
    bytes.starts_with(b"{").then_some(bytes)
}

fn decode_slowly(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < raw.len() {
        let digits = raw.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        let digits = digits.filter(|digits| digits.chars().all(|c| c.is_ascii_hexdigit()));
        match (raw[at], digits.map(|digits| u8::from_str_radix(digits, 16))) {
            (b'+', _) => out.push(b' '),
            (b'%', Some(Ok(byte))) => {
                out.push(byte);
                at += 2;
            }
            (byte, _) => out.push(byte),
        }
        at += 1;
    }
    out
}

/// The characters of a text: valid UTF-8 sequences, and single bytes where there are none.
fn characters(text: &[u8]) -> Vec<Vec<u8>> {
    let mut characters = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let valid = (1..=rest.len().min(4)).find(|len| std::str::from_utf8(&rest[..*len]).is_ok());
        let (first, after) = rest.split_at(valid.unwrap_or(1));
        characters.push(first.to_vec());
        rest = after;
    }
    characters
}

/// Lower case, or upper case when `lower` is false, of each character by itself.
fn lower(text: &[u8], lower: bool) -> Vec<u8> {
    let change = |character: &Vec<u8>| match std::str::from_utf8(character) {
        Ok(valid) if lower => {
            valid.chars().flat_map(char::to_lowercase).collect::<String>().into_bytes()
        }
        Ok(valid) => valid.chars().flat_map(char::to_uppercase).collect::<String>().into_bytes(),
        Err(_) => character.clone(),
    };
    characters(text).iter().flat_map(change).collect()
}

/// Fills a table: whether the first i pieces of the pattern match the first j characters.
fn like_slowly(parts: &[PatternPiece], text: &[u8], folded: bool) -> bool {
    let text = characters(text);
    let mut row = vec![false; text.len() + 1];
    row[0] = true;
    let mut step = |piece: Option<&[u8]>, any: bool| {
        let before = row.clone();
        for j in 0..row.len() {
            row[j] = if any {
                before[..=j].contains(&true)
            } else {
                j > 0 && before[j - 1] && piece.is_none_or(|piece| piece == text[j - 1])
            };
        }
    };
    for part in parts {
        match part {
            PatternPiece::Any => step(None, true),
            PatternPiece::One => step(None, false),
            PatternPiece::Text(piece) => {
                let piece =
                    if folded { lower(piece.as_bytes(), true) } else { piece.clone().into_bytes() };
                for character in characters(&piece) {
                    step(Some(&character), false);
                }
            }
        }
    }
    row[text.len()]
}

fn number_slowly(value: &[u8]) -> Option<i128> {
    let number: i64 = std::str::from_utf8(value).ok()?.parse().ok()?;
    Some(number.into())
}

fn flag_slowly(value: &[u8]) -> Option<bool> {
    std::str::from_utf8(value).ok()?.to_ascii_lowercase().parse().ok()
}

fn instant_slowly(value: &[u8]) -> Option<i128> {
    let pieces = Pieces::parse(value).ok()?;
    if pieces.time_zone_annotation().is_some() {
        return None;
    }
    let midnight = DateTime::from_parts(pieces.date(), Time::midnight());
    let days = midnight.date().duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0).date());
    let time = pieces.time().unwrap_or(Time::midnight());
    let since_midnight = time.duration_since(Time::midnight());
    let offset = pieces.to_numeric_offset().map_or(0, |offset| i128::from(offset.seconds()));
    let at = days.as_nanos() + since_midnight.as_nanos() - offset * 1_000_000_000;
    crate::values::time::civil(at).map(|_| at)
}
