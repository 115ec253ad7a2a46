//! `update-encryption`: `S3UpdateObjectEncryption`. Another key, or a bucket key, in place: no
//! copy, no new version, no restore, any size.

use super::rule::{Part, Rule, SSE_C};

/// Sources may be SSE-S3 or SSE-KMS (UG, "Update object encryption").
const DSSE_KMS: Rule = Rule {
    reason: "dsse-kms",
    meaning: "encrypted twice (DSSE-KMS), which only a copy changes",
    parts: &[Part { condition: "EncryptionStatus = 'DSSE-KMS'", columns: &["EncryptionStatus"] }],
};

/// As above.
const NOT_ENCRYPTED: Rule = Rule {
    reason: "not-encrypted",
    meaning: "not encrypted at all, which only a copy changes",
    parts: &[Part { condition: "EncryptionStatus = 'NOT-SSE'", columns: &["EncryptionStatus"] }],
};

/// It fails on objects under Object Lock: a retention that is not over, a legal hold, an event hold
/// (UG, "Update object encryption").
const OBJECT_LOCKED: Rule = Rule {
    reason: "object-locked",
    meaning: "under Object Lock: retention, legal hold or event hold",
    parts: &[
        Part {
            condition: "ObjectLockMode IS NOT NULL AND (ObjectLockRetainUntilDate IS NULL OR \
                        ObjectLockRetainUntilDate > now())",
            columns: &["ObjectLockMode", "ObjectLockRetainUntilDate"],
        },
        Part {
            condition: "ObjectLockLegalHoldStatus = 'ON'",
            columns: &["ObjectLockLegalHoldStatus"],
        },
        Part {
            condition: "ObjectLockEventHoldStatus = 'ON'",
            columns: &["ObjectLockEventHoldStatus"],
        },
    ],
};

/// The rows that it can't do, besides delete markers.
pub(super) fn eligibility() -> Vec<Rule> {
    vec![SSE_C, DSSE_KMS, NOT_ENCRYPTED, OBJECT_LOCKED]
}
