//! `retention`: `S3PutObjectRetention`.

use super::rule::Rule;

/// The rows that it can't do, besides delete markers.
pub(super) fn eligibility() -> Vec<Rule> {
    Vec::new()
}
