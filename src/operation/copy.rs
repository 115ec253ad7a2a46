//! `copy`: `S3PutObjectCopy`.

use super::rule::{ARCHIVED, Part, Rule, SSE_C};

/// The largest object that one `CopyObject` takes, in bytes: 5 GiB (UG, "Copy objects"; the
/// service's error names the number).
pub const SOURCE_BYTES_MAX: u64 = 5 << 30;

const TOO_LARGE: Rule = Rule {
    reason: "too-large",
    meaning: "larger than 5,368,709,120 bytes, the most that a copy takes",
    parts: &[Part { condition: "Size > 5368709120", columns: &["Size"] }],
};

const _: () = assert!(SOURCE_BYTES_MAX == 5_368_709_120);

/// The rows that it can't do, besides delete markers.
pub(super) fn eligibility() -> Vec<Rule> {
    vec![TOO_LARGE, ARCHIVED, SSE_C]
}
