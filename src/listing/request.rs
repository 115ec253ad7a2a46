//! What to list.

use jiff::Timestamp;

use crate::source::Object;

/// What to list.
#[derive(Debug, Clone)]
pub(crate) struct Listing {
    /// The bucket, and what the keys begin with.
    pub prefix: Object,
    /// Columns besides those of every report.
    pub columns: Vec<String>,
    /// Whether all versions are listed, delete markers among them.
    pub versions: bool,
    /// Only what was last modified after that.
    pub newer_than: Option<Timestamp>,
    /// The partition of the bucket, for its ARN in the report.
    pub partition: String,
    /// When the report is begun, as its manifest says.
    pub now: Timestamp,
}
