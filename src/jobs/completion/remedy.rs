//! What a failed task's code means: whether trying again can help, and what to do first.
//!
//! Codes are those of the S3 API's error list, and the two of Batch Operations itself (UG,
//! "Tracking job status and completion reports").

/// Whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It can, after the remedy.
    Again,
    /// It can't: the object is not one that the operation can do.
    Never,
}

/// Code, fate, and what to do.
const REMEDIES: [(&str, Fate, &str); 24] = [
    ("AccessDenied", Fate::Again, ROLE),
    ("AllAccessDisabled", Fate::Never, "the bucket is disabled: ask AWS Support"),
    ("EntityTooLarge", Fate::Never, LARGE),
    ("InternalError", Fate::Again, PASSES),
    ("InvalidObjectState", Fate::Never, "the object is archived: restore it first, then copy it"),
    ("InvalidRequest", Fate::Never, "S3 can't do this to the object: the message says why"),
    ("InvalidTag", Fate::Never, "the object's tags are not allowed: the message says which"),
    ("KMS.DisabledException", Fate::Again, "the KMS key is disabled: enable it, then try again"),
    ("KMS.ThrottlingException", Fate::Again, "KMS was asked too often: try again, fewer at a time"),
    ("KMSAccessDenied", Fate::Again, ROLE),
    ("MethodNotAllowed", Fate::Never, "it is a delete marker, not an object"),
    ("NoSuchBucket", Fate::Never, "the bucket is gone"),
    ("NoSuchKey", Fate::Never, GONE),
    ("NoSuchVersion", Fate::Never, GONE),
    ("NotFound", Fate::Never, GONE),
    ("ObjectNotInActiveTierError", Fate::Never, "the object is archived: restore it first"),
    ("PermanentFailure", Fate::Never, "the function or operation says that it can't be done"),
    (
        "PreconditionFailed",
        Fate::Never,
        "the object changed, or a condition of the job kept it out",
    ),
    ("RequestTimeout", Fate::Again, PASSES),
    ("RestoreAlreadyInProgress", Fate::Never, "it is being restored already: nothing to do"),
    ("ServiceUnavailable", Fate::Again, PASSES),
    ("SlowDown", Fate::Again, "S3 was asked too often: try again, with fewer jobs at a time"),
    ("TemporaryFailure", Fate::Again, PASSES),
    ("InvalidEncryptionAlgorithmError", Fate::Never, "the object's encryption can't be read so"),
];

const ROLE: &str = "the jobs' role may not do this, or may not use the KMS key: compare it with \
                    `s3sieve policy`, then try again";
const LARGE: &str = "the object is larger than 5 GiB, which a copy can't do: update its encryption \
                     in place, or copy it in parts";
const GONE: &str = "the object is gone since the report was made: nothing to do";
const PASSES: &str = "it passes: try again";

/// What is known of a code, and of an HTTP status where the code is unknown.
#[must_use]
pub fn remedy(code: &str, http: Option<u16>) -> (Fate, &'static str) {
    let known = REMEDIES.iter().find(|(name, ..)| name.eq_ignore_ascii_case(code));
    if let Some((_, fate, remedy)) = known {
        return (*fate, remedy);
    }
    match http {
        Some(404) => (Fate::Never, GONE),
        Some(403) => (Fate::Again, ROLE),
        Some(429 | 500..) => (Fate::Again, PASSES),
        Some(400..) => (Fate::Never, "S3 refuses it: the message says why"),
        _ => (Fate::Again, "unknown to this program: the message may say more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_come_before_statuses() {
        assert_eq!(remedy("NoSuchKey", Some(404)).0, Fate::Never);
        assert_eq!(remedy("slowdown", Some(503)).0, Fate::Again);
        assert_eq!(remedy("PermanentFailure", Some(200)).0, Fate::Never);
        assert_eq!(remedy("404", Some(404)).0, Fate::Never);
        assert_eq!(remedy("Odd", Some(500)).0, Fate::Again);
        assert_eq!(remedy("Odd", Some(400)).0, Fate::Never);
        assert_eq!(remedy("", None).0, Fate::Again);
    }
}
