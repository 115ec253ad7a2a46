//! Rules of eligibility: which rows an operation can't do, as conditions on a report's columns.
//!
//! Never knows a row: conditions are texts of the predicate language, for others to compile.

/// Why a row is excluded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The reason's name. It names the file below `excluded/`, and the reason where a user includes
    /// its rows.
    pub reason: &'static str,
    /// What it means, in a sentence for a person.
    pub meaning: &'static str,
    /// Conditions, any of which makes the row ineligible. A part whose columns the report lacks is
    /// not checked.
    pub parts: &'static [RuleCondition],
}

/// A condition of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleCondition {
    /// The condition, in the predicate language.
    pub condition: &'static str,
    /// The columns that it asks for: fileSchema names, which are also the names of the optional
    /// fields of an inventory configuration, but for the three that come with all versions.
    pub columns: &'static [&'static str],
}

/// For every operation: a version without content can't be operated on (UG, "Configuring Amazon S3
/// Inventory": delete markers must be left out of manifests). Some operations can act on delete
/// markers all the same, where somebody asks for it
/// ([`super::OperationKind::acts_on_delete_markers`]).
pub(crate) const DELETE_MARKER: Rule = Rule {
    reason: "delete-marker",
    meaning: "a delete marker is not an object",
    parts: &[RuleCondition { condition: "IsDeleteMarker", columns: &["IsDeleteMarker"] }],
};

/// For every operation, where a run goes on although values can't be read: a row of which is not
/// known whether it is a delete marker (for copies, also whether it is the current version) is in
/// no manifest. It has no condition, for nothing can be asked of such a value.
pub(crate) const UNREADABLE: Rule = Rule {
    reason: "unreadable",
    meaning: "IsDeleteMarker, or for copies IsLatest, is neither true nor false",
    parts: &[],
};

/// No Batch operation has the customer's key (UG, "Copy objects"; "Update object encryption";
/// "Compute checksums").
pub(super) const SSE_C: Rule = Rule {
    reason: "sse-c",
    meaning: "encrypted with a key that only the customer has (SSE-C)",
    parts: &[RuleCondition {
        condition: "EncryptionStatus = 'SSE-C'",
        columns: &["EncryptionStatus"],
    }],
};

/// Objects that must be restored before their bytes can be read (UG, "Copy objects"). A report does
/// not say whether a restored copy exists: the user does, by including this reason.
pub(super) const ARCHIVED: Rule = Rule {
    reason: "archived",
    meaning: "archived: its bytes can't be read before it is restored",
    parts: &[
        RuleCondition {
            condition: "StorageClass IN ('GLACIER', 'DEEP_ARCHIVE')",
            columns: &["StorageClass"],
        },
        RuleCondition {
            condition: "IntelligentTieringAccessTier IN ('ARCHIVE', 'DEEP_ARCHIVE')",
            columns: &["IntelligentTieringAccessTier"],
        },
    ],
};
