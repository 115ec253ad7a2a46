//! `replicate`: `S3ReplicateObject`, by the bucket's own replication configuration.

use super::rule::{ARCHIVED, Rule};

/// The rows that it can't do, besides delete markers: what is archived is not replicated (UG, "What
/// does Amazon S3 replicate?").
pub(super) fn eligibility() -> Vec<Rule> {
    vec![ARCHIVED]
}
