//! `restore`: `S3InitiateRestoreObject`.

use super::rule::{Part, Rule};

/// Only what is archived can be restored. Both columns are needed: a class says nothing of the tier
/// of what is in `INTELLIGENT_TIERING`, and only that class has tiers.
const NOT_ARCHIVED: Rule = Rule {
    reason: "not-archived",
    meaning: "not archived: there is nothing to restore",
    parts: &[
        Part {
            condition: "StorageClass NOT IN ('GLACIER', 'DEEP_ARCHIVE', 'INTELLIGENT_TIERING')",
            columns: &["StorageClass"],
        },
        Part {
            condition: "StorageClass = 'INTELLIGENT_TIERING' AND (IntelligentTieringAccessTier IS \
                        NULL OR IntelligentTieringAccessTier NOT IN ('ARCHIVE', 'DEEP_ARCHIVE'))",
            columns: &["StorageClass", "IntelligentTieringAccessTier"],
        },
    ],
};

/// The rows that it can't do, besides delete markers.
pub(super) fn eligibility() -> Vec<Rule> {
    vec![NOT_ARCHIVED]
}
