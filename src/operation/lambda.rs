//! `lambda`: `LambdaInvoke`, a function called once for each object.

use super::rule::Rule;

/// The rows that it can't do, besides delete markers.
pub(super) fn eligibility() -> Vec<Rule> {
    Vec::new()
}
