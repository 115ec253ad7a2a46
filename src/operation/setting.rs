//! Where jobs run, and when they are asked for.

/// Where jobs run, and when they are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JobContext {
    /// The account of the jobs.
    pub account_id: String,
    /// The partition of the jobs ([`super::partition::for_jobs`]).
    pub partition: String,
    /// The region of the jobs, where it is known.
    pub region: Option<String>,
    /// Now, for dates that must be in the future.
    pub now: jiff::Timestamp,
}
