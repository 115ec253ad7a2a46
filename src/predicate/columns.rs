//! Names: which column a word means, and what to suggest when it means none.
//!
//! Never knows what is asked of a column.

use sqlparser::keywords::ALL_KEYWORDS;

use super::column_test::Operand;
use super::error::{PredicateError, quoted};
use crate::report::{ColumnKind, Schema, is_same_column, known_column, names_listed};

/// Columns that the table of AWS's own instructions for Athena has, and no report.
const PARTITIONS: [&str; 1] = ["dt"];

/// What people write who look for the tags of objects, which no report has.
const TAG_NAMES: [&str; 5] = ["Tag", "Tags", "TagSet", "ObjectTag", "ObjectTags"];

/// Of the known fields, those that come with all versions and not one by one.
const VERSION_FIELDS: [&str; 3] = ["VersionId", "IsLatest", "IsDeleteMarker"];

/// The token columns and the values that S3 documents for them (S3 User Guide, "Amazon S3
/// Inventory list"; S3 API enumerations for checksums and event holds). S3 adds values over time:
/// another value is worth a warning, never an error.
const KNOWN_TOKENS: [(&str, &[&str]); 9] = [
    (
        "StorageClass",
        &[
            "STANDARD",
            "REDUCED_REDUNDANCY",
            "STANDARD_IA",
            "ONEZONE_IA",
            "INTELLIGENT_TIERING",
            "GLACIER",
            "DEEP_ARCHIVE",
            "OUTPOSTS",
            "GLACIER_IR",
            "SNOW",
            "EXPRESS_ONEZONE",
            "FSX_OPENZFS",
            "FSX_ONTAP",
            "AWS_BACKUP_WARM",
            "AWS_BACKUP_LOW_COST_WARM",
        ],
    ),
    ("ReplicationStatus", &["PENDING", "COMPLETED", "FAILED", "REPLICA", "COMPLETE"]),
    ("EncryptionStatus", &["SSE-S3", "SSE-KMS", "DSSE-KMS", "SSE-C", "NOT-SSE"]),
    ("BucketKeyStatus", &["ENABLED", "DISABLED"]),
    ("ObjectLockMode", &["GOVERNANCE", "COMPLIANCE"]),
    ("ObjectLockLegalHoldStatus", &["ON", "OFF"]),
    ("ObjectLockEventHoldStatus", &["ON", "OFF"]),
    (
        "IntelligentTieringAccessTier",
        &["FREQUENT", "INFREQUENT", "ARCHIVE_INSTANT_ACCESS", "ARCHIVE", "DEEP_ARCHIVE"],
    ),
    (
        "ChecksumAlgorithm",
        &[
            "CRC32",
            "CRC32C",
            "SHA1",
            "SHA256",
            "CRC64NVME",
            "SHA512",
            "MD5",
            "XXHASH64",
            "XXHASH3",
            "XXHASH128",
        ],
    ),
];

/// The column that a word means: a name in any spelling or a place, `_1` for the first.
///
/// # Errors
/// The number, when the word is a place past the last column, or 0.
pub(super) fn position(schema: &Schema, word: &str) -> Result<Option<usize>, usize> {
    let digits = word.strip_prefix('_').unwrap_or("");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(schema.position(word));
    }
    let number = digits.parse::<usize>().unwrap_or(usize::MAX);
    match number.checked_sub(1) {
        Some(place) if place < schema.len() => Ok(Some(place)),
        _ => Err(number),
    }
}

/// The column that a word means, by the rule of [`position`].
///
/// # Errors
/// When the report lacks it; the error has no place yet.
pub(super) fn find(schema: &Schema, word: &str) -> Result<usize, PredicateError> {
    let error = match position(schema, word) {
        Ok(Some(column)) => return Ok(column),
        Ok(None) => PredicateError::new(format!("the report has no column {}", quoted(word)))
            .with_hint(unknown_column_hint(schema, word)),
        Err(_) => {
            let count = schema.len();
            PredicateError::new(format!("the report has {count} columns"))
                .with_hint(format!("columns are _1 to _{count}; names are safer than places"))
        }
    };
    Err(error.missing_column())
}

/// A name without the quotes that it may stand in, as in an expression.
pub(super) fn unquoted(word: &str) -> Option<String> {
    ['"', '`'].into_iter().find_map(|quote| {
        let inside = word.strip_prefix(quote)?.strip_suffix(quote)?;
        Some(inside.replace(&format!("{quote}{quote}"), &quote.to_string()))
    })
}

/// The column at a place of the schema, read as its kind says. `None` past the last column.
pub(super) fn operand(schema: &Schema, column: usize) -> Option<Operand> {
    let found = schema.columns().get(column)?;
    let ignores_hyphens =
        found.kind == ColumnKind::Token && is_same_column("ChecksumAlgorithm", &found.name);
    let name = canonical_name(schema, column, &found.name);
    Some(Operand { column, name, kind: found.kind, ignores_hyphens, cast: None, case: None })
}

/// The name as it can be written in SQL, or `_n` where the name alone does not lead to the column.
fn canonical_name(schema: &Schema, column: usize, name: &str) -> String {
    if position(schema, name) != Ok(Some(column)) || name.is_empty() {
        return format!("_{}", column + 1);
    }
    let start = |c: char| c.is_ascii_alphabetic() || c == '_';
    let plain = name.starts_with(start) && name.chars().all(|c| start(c) || c.is_ascii_digit());
    let upper = name.to_ascii_uppercase();
    let keyword = ALL_KEYWORDS.binary_search(&upper.as_str()).is_ok();
    if plain && (!keyword || known_column(name) == Some(name)) {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

/// What to say under the name of a partition; `None` of any other.
pub(super) fn partition_hint(word: &str) -> Option<String> {
    PARTITIONS.iter().any(|partition| partition.eq_ignore_ascii_case(word)).then(|| {
        format!(
            "{word} is a partition of the Athena table: it says which report is meant. Here the \
             report is given by its manifest.json or its folder: leave {word} out of the condition"
        )
    })
}

/// What to say under an unknown column name.
pub(super) fn unknown_column_hint(schema: &Schema, word: &str) -> String {
    let names = || schema.columns().iter().map(|column| column.name.as_str());
    let listed = names_listed(names());
    if let Some(hint) = partition_hint(word) {
        return hint;
    }
    if TAG_NAMES.iter().any(|name| is_same_column(name, word)) {
        return format!("reports hold no tags of objects. This report has: {listed}");
    }
    if let Some(field) = known_column(word) {
        let how = if VERSION_FIELDS.contains(&field) {
            "it comes with inventories that include all versions".to_owned()
        } else {
            format!("switch on the optional field {field} in the inventory configuration")
        };
        return format!(
            "this report was made without {field}; {how} and use the next report. \
             This report has: {listed}"
        );
    }
    let value = |token: &&str| token.eq_ignore_ascii_case(word);
    if KNOWN_TOKENS.iter().any(|(_, tokens)| tokens.iter().any(value)) {
        return format!("a value stands in single quotes: '{word}'");
    }
    match nearest(word, names()) {
        Some(name) => format!("did you mean {name}? This report has: {listed}"),
        None => format!(
            "this report has: {listed}. Double quotes or none make a column's name, \
             single quotes a value"
        ),
    }
}

/// A warning when `value` is none of the values that S3 documents for this token column.
pub(super) fn unknown_token_warning(operand: &Operand, value: &str) -> Option<String> {
    let (field, tokens) =
        KNOWN_TOKENS.iter().find(|(field, _)| is_same_column(field, &operand.name))?;
    if tokens.iter().any(|token| token.eq_ignore_ascii_case(value)) {
        return None;
    }
    let meant = match nearest(value, tokens.iter().copied()) {
        Some(token) => format!("; did you mean {token}?"),
        None => String::new(),
    };
    let (value, known) = (quoted(value), tokens.join(", "));
    Some(format!("{field} has no known value {value}; known: {known}{meant}"))
}

/// The nearest name, if one is near enough to be a slip: a third of its letters.
fn nearest<'n>(word: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    /// Longer words are no slip of any name; the distance takes time by the product of lengths.
    const WORD_CHARS_MAX: usize = 64;
    if word.chars().count() > WORD_CHARS_MAX {
        return None;
    }
    names
        .filter(|name| name.len() <= 4 * WORD_CHARS_MAX)
        .map(|name| (distance(word, name), name))
        .filter(|(distance, name)| *distance <= (name.chars().count() / 3).max(2))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Levenshtein's distance, without regard to case.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.to_lowercase().chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let changed = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_counts_changes() {
        for (a, b, d) in [("", "abc", 3), ("kitten", "sitting", 3), ("Size", "SIZE", 0)] {
            assert_eq!(distance(a, b), d, "{a} {b}");
        }
    }

    #[test]
    fn known_tokens_belong_to_token_columns_and_are_known_fields() {
        for (field, tokens) in KNOWN_TOKENS {
            let schema = Schema::from_names([field]);
            assert_eq!(schema.columns()[0].kind, ColumnKind::Token, "{field}");
            assert_eq!(known_column(field), Some(field));
            assert!(tokens.iter().all(|token| token.to_ascii_uppercase() == **token));
        }
    }

    #[test]
    fn names_that_sql_would_misread_are_quoted() {
        let schema = Schema::from_names(["Key", "Size", "Select", "a b", "q\"", "", "_2", "SIZE"]);
        let names: Vec<String> =
            (0..schema.len()).filter_map(|n| operand(&schema, n)).map(|o| o.name).collect();
        assert_eq!(names, ["Key", "Size", "\"Select\"", "\"a b\"", "\"q\"\"\"", "_6", "_7", "_8"]);
    }

    #[test]
    fn places_count_from_one() {
        let schema = Schema::from_names(["Bucket", "Key"]);
        assert_eq!(position(&schema, "_2"), Ok(Some(1)));
        assert_eq!(position(&schema, "_0"), Err(0));
        assert_eq!(position(&schema, "_3"), Err(3));
        assert_eq!(position(&schema, "_99999999999999999999999"), Err(usize::MAX));
        assert_eq!(position(&schema, "_x"), Ok(None));
    }
}
