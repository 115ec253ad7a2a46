//! `checksum`: `S3ComputeObjectChecksum`.

use super::rule::{Rule, SSE_C};

/// The rows that it can't do, besides delete markers: any storage class and size is fine (UG,
/// "Compute checksums").
pub(super) fn eligibility() -> Vec<Rule> {
    vec![SSE_C]
}
