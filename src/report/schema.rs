//! The columns of a report: names as its fileSchema spells them, and what each column holds.
//!
//! Never knows where a column's bytes stand in a file, only its place in the order.

use std::collections::HashSet;

/// What the values of a column are, and so how a predicate compares them.
///
/// The kinds follow from the column's name (S3 User Guide, "Amazon S3 Inventory list"); a column
/// that is not known yet is [`ColumnKind::Text`]: S3 adds columns over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Bytes compared as they are.
    Text,
    /// The object key: percent-encoded in CSV reports, compared decoded.
    Key,
    /// An access control list: base64 of JSON in all reports, compared decoded.
    Acl,
    /// One of a few names, such as `SSE-KMS`: compared without regard to ASCII case, because S3's
    /// documentation and its reports differ in case (`On`/`ON`, `Governance`/`GOVERNANCE`).
    Token,
    /// A whole number that fits 64 bits with a sign.
    Integer,
    /// An instant, ISO 8601.
    Timestamp,
    /// `true` or `false` in any case.
    Boolean,
}

/// One column of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The name as fileSchema spells it.
    pub name: String,
    /// What its values are.
    pub kind: ColumnKind,
}

/// The columns of a report, in file order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    columns: Vec<Column>,
}

/// The columns that a report can hold (S3 API, `InventoryOptionalField`, and those that are always
/// there or come with versions) with what their values are, as CSV reports spell them and in the
/// order of S3's own reports. `IntelligentTieringReferenceDate` and the event-hold columns came in
/// 2026.
const KNOWN: [(&str, ColumnKind); 24] = [
    ("Bucket", ColumnKind::Text),
    ("Key", ColumnKind::Key),
    ("VersionId", ColumnKind::Text),
    ("IsLatest", ColumnKind::Boolean),
    ("IsDeleteMarker", ColumnKind::Boolean),
    ("Size", ColumnKind::Integer),
    ("LastModifiedDate", ColumnKind::Timestamp),
    ("ETag", ColumnKind::Text),
    ("StorageClass", ColumnKind::Token),
    ("IsMultipartUploaded", ColumnKind::Boolean),
    ("ReplicationStatus", ColumnKind::Token),
    ("EncryptionStatus", ColumnKind::Token),
    ("ObjectLockRetainUntilDate", ColumnKind::Timestamp),
    ("ObjectLockMode", ColumnKind::Token),
    ("ObjectLockLegalHoldStatus", ColumnKind::Token),
    ("ObjectLockEventHoldStatus", ColumnKind::Token),
    ("ObjectLockEventHoldDuration", ColumnKind::Text),
    ("IntelligentTieringAccessTier", ColumnKind::Token),
    ("IntelligentTieringReferenceDate", ColumnKind::Timestamp),
    ("BucketKeyStatus", ColumnKind::Token),
    ("ChecksumAlgorithm", ColumnKind::Token),
    ("ObjectAccessControlList", ColumnKind::Acl),
    ("ObjectOwner", ColumnKind::Text),
    ("LifecycleExpirationDate", ColumnKind::Timestamp),
];

/// The columns that a report can hold, in the order of S3's own reports.
pub(crate) fn known_columns() -> impl Iterator<Item = &'static str> {
    KNOWN.into_iter().map(|(name, _)| name)
}

/// The known column that a name is of, as CSV reports spell it.
pub(crate) fn known_column(name: &str) -> Option<&'static str> {
    known_columns().find(|known| is_same_column(known, name))
}

/// A name without underscores and in lower case, so that `bucket_key_status`, `BucketKeyStatus`
/// and `BUCKETKEYSTATUS` are the same column.
pub(super) fn folded(name: &str) -> String {
    letters(name).collect()
}

fn letters(name: &str) -> impl Iterator<Item = char> {
    name.chars().filter(|c| *c != '_').map(|c| c.to_ascii_lowercase())
}

/// Whether two names are of one column. Most differ in their first letters.
#[must_use]
pub(crate) fn is_same_column(one: &str, other: &str) -> bool {
    letters(one).eq(letters(other))
}

/// Names that a message lists, in bytes: some thirty of S3's own.
const NAMES_LISTED_BYTES_MAX: usize = 1_000;

/// Names of columns as a message lists them: the first of them, and how many more there are.
#[must_use]
pub(crate) fn names_listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let (mut listed, mut more) = (String::new(), 0);
    for name in names {
        if more > 0 || listed.len() + name.len() > NAMES_LISTED_BYTES_MAX {
            more += 1;
            continue;
        }
        if !listed.is_empty() {
            listed.push_str(", ");
        }
        listed.push_str(name);
    }
    if more > 0 { format!("{listed} … and {more} more") } else { listed }
}

impl Schema {
    /// A schema of columns with these names, in this order; kinds follow from the names.
    #[must_use]
    pub fn from_names<I>(names: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let column = |name: String| {
            let kind = KNOWN
                .iter()
                .find(|(known, _)| is_same_column(known, &name))
                .map_or(ColumnKind::Text, |(_, kind)| *kind);
            Column { name, kind }
        };
        Self { columns: names.into_iter().map(Into::into).map(column).collect() }
    }

    /// The columns in file order.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The first name that an earlier column has, too, in this spelling or another one: "the column
    /// named so" would be ambiguous.
    #[must_use]
    pub fn repeated(&self) -> Option<&str> {
        let mut seen = HashSet::new();
        let mut names = self.columns.iter().map(|column| column.name.as_str());
        names.find(|name| !seen.insert(folded(name)))
    }

    /// How many columns a row has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether there are no columns at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The place (from 0) of the column with this name; case and underscores do not matter.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| is_same_column(&column.name, name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_found_in_every_spelling() {
        let schema = Schema::from_names(["Bucket", "Key", "BucketKeyStatus", "ETag"]);
        for name in ["BucketKeyStatus", "bucketkeystatus", "bucket_key_status", "BUCKET_KEY_STATUS"]
        {
            assert_eq!(schema.position(name), Some(2), "{name}");
        }
        assert_eq!(schema.position("e_tag"), Some(3));
        assert_eq!(schema.position("Size"), None);
        assert_eq!(schema.repeated(), None);
        assert_eq!(Schema::from_names(["Key", "ETag", "e_tag", "KEY"]).repeated(), Some("e_tag"));
    }

    #[test]
    fn a_message_lists_no_more_names_than_can_be_read() {
        assert_eq!(names_listed(["Bucket", "Key"].into_iter()), "Bucket, Key");
        let names = vec!["a".repeat(300); 1_000];
        let listed = names_listed(names.iter().map(String::as_str));
        assert!(listed.len() < 1_100 && listed.ends_with("a … and 997 more"), "{listed}");
    }

    #[test]
    fn kinds_follow_from_names_and_unknown_columns_are_text() {
        let schema = Schema::from_names(["key", "size", "last_modified_date", "SomethingNew"]);
        let kinds: Vec<_> = schema.columns().iter().map(|column| column.kind).collect();
        assert_eq!(
            kinds,
            [ColumnKind::Key, ColumnKind::Integer, ColumnKind::Timestamp, ColumnKind::Text]
        );
    }
}
