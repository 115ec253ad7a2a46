//! `tag`: `S3PutObjectTagging`, which replaces all tags of an object.

use super::rule::Rule;

/// The rows that it can't do, besides delete markers.
pub(super) fn eligibility() -> Vec<Rule> {
    Vec::new()
}
