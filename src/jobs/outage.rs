//! Outages of AWS are waited out, for a time that is bounded.
//!
//! The SDK tries a request a few times, within seconds. Jobs run for days: whoever follows them
//! goes on when AWS answers again, and gives up only when it has not answered for so long that
//! somebody should look.
//!
//! Never knows what is asked of AWS.

use std::time::{Duration, Instant};

use super::SubmitError;
use super::control::CreateError;
use super::upload::UploadError;
use crate::aws::AwsError;
use crate::plan::ReadError;

/// How long an outage may last unless told otherwise: one hour. S3's own incidents seldom last
/// longer, and jobs run on meanwhile.
pub const OUTAGE_MAX: Duration = Duration::from_secs(3600);

/// What a failed request means for who follows jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutageVerdict {
    /// The outage has just begun.
    Begins,
    /// It goes on, and there is time left.
    GoesOn,
    /// It passes by no waiting, or has lasted too long.
    GiveUp,
}

/// Whether AWS answers, and since when not.
#[derive(Debug)]
pub struct Outage {
    max: Duration,
    since: Option<Instant>,
}

impl Outage {
    /// AWS answers. An outage may last as long as `max`.
    #[must_use]
    pub fn new(max: Duration) -> Self {
        Self { max, since: None }
    }

    /// AWS answered at this time; true where it did not before.
    pub fn ended(&mut self) -> bool {
        self.since.take().is_some()
    }

    /// A request failed at this time.
    pub fn failed(&mut self, error: Option<&AwsError>, now: Instant) -> OutageVerdict {
        if !error.is_some_and(AwsError::is_passing) {
            return OutageVerdict::GiveUp;
        }
        match self.since {
            None if self.max.is_zero() => OutageVerdict::GiveUp,
            None => {
                self.since = Some(now);
                OutageVerdict::Begins
            }
            Some(since) if now.saturating_duration_since(since) < self.max => OutageVerdict::GoesOn,
            Some(_) => OutageVerdict::GiveUp,
        }
    }
}

impl SubmitError {
    /// What AWS said, or failed to say, if that is what ended it.
    #[must_use]
    pub fn aws(&self) -> Option<&AwsError> {
        match self {
            Self::Aws(error)
            | Self::Upload(UploadError::Aws(error))
            | Self::Create { error: CreateError::Aws(error), .. } => Some(error),
            // Of a plan in S3.
            Self::Manifest(ReadError::Io { error, .. }) => {
                error.get_ref().and_then(|inner| inner.downcast_ref())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::Path;

    use super::*;
    use crate::aws::AwsErrorKind;
    use crate::source::Location;

    #[test]
    fn an_outage_while_a_manifest_is_looked_for_in_s3_is_an_outage() {
        let busy = AwsError {
            action: "look".to_owned(),
            kind: AwsErrorKind::Busy,
            detail: "503".to_owned(),
        };
        let at = |error| {
            let path = Location::from(Path::new("manifests/00000.csv"));
            SubmitError::Manifest(ReadError::Io { path, error })
        };
        assert!(at(io::Error::other(busy)).aws().is_some_and(AwsError::is_passing));
        assert!(at(io::Error::other("the disk is full")).aws().is_none());
    }

    #[test]
    fn an_outage_is_borne_for_so_long_and_anew_after_an_answer() {
        let error = |kind| AwsError { action: String::new(), kind, detail: String::new() };
        let busy = error(AwsErrorKind::Busy);
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut outage = Outage::new(Duration::from_secs(10));
        assert_eq!(outage.failed(Some(&busy), at(0)), OutageVerdict::Begins);
        assert_eq!(
            outage.failed(Some(&error(AwsErrorKind::Unreachable)), at(9)),
            OutageVerdict::GoesOn
        );
        assert!(outage.ended());
        assert!(!outage.ended());
        assert_eq!(outage.failed(Some(&busy), at(30)), OutageVerdict::Begins);
        assert_eq!(outage.failed(Some(&busy), at(40)), OutageVerdict::GiveUp);
        assert_eq!(
            outage.failed(Some(&error(AwsErrorKind::Denied)), at(31)),
            OutageVerdict::GiveUp
        );
        assert_eq!(outage.failed(None, at(31)), OutageVerdict::GiveUp);
        assert_eq!(Outage::new(Duration::ZERO).failed(Some(&busy), at(0)), OutageVerdict::GiveUp);
    }
}
