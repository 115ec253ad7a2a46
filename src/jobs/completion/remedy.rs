//! What a failed task's code means: whether trying again can help, and what to do first.
//!
//! A code decides before the HTTP status does: replication reports what is final with a status of
//! 500. Where a job reports every failure as `PermanentFailure`, as those of checksums and Lambda
//! functions do, the code in its message decides, if there is one.
//!
//! Codes are those of the S3 API's error list, of replication (UG, "Amazon S3 replication failure
//! reasons"), of KMS as S3 passes them on, and the two of Batch Operations itself (UG, "Tracking
//! job status and completion reports").

use super::row::TaskResult;

/// Whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAdvice {
    /// It can, after the remedy.
    Again,
    /// It can't: the object is not one that the operation can do.
    Never,
}

/// Codes with one remedy.
struct CodeRemedy {
    fate: RetryAdvice,
    text: &'static str,
    codes: &'static [&'static str],
}

const ROLE: &str = "the jobs' role may not do this, or may not use the KMS key: compare it with \
                    `s3sieve policy`, then try again";
const GONE: &str = "the object is gone since the report was made: nothing to do";
const PASSES: &str = "it passes: try again";
const OFTEN: &str = "S3 was asked too often: try again, with fewer jobs at a time";
const REFUSED: &str = "S3 refuses it: the message says why";
const REPLICATION_ROLE: &str = "the replication role or a bucket policy lacks a permission, which \
                                the code names: grant it, then try again";
const KMS_STATE: &str = "the KMS key is disabled or about to be deleted: enable it, then try again";

const REMEDIES: [CodeRemedy; 31] = [
    again(ROLE, &["AccessDenied", "KMSAccessDenied", "KMS.AccessDeniedException"]),
    never("the bucket is disabled: ask AWS Support", &["AllAccessDisabled"]),
    never(
        "the object is larger than 5 GiB, which a copy can't do: update its encryption in place, \
         or copy it in parts",
        &["EntityTooLarge"],
    ),
    again(
        PASSES,
        &[
            "GlacierExpeditedRetrievalNotAvailable",
            "InternalError",
            "KMS.KMSInternalException",
            "KMS.KeyUnavailableException",
            "OperationAborted",
            "RequestTimeout",
            "ServiceUnavailable",
            "TemporaryFailure",
        ],
    ),
    again(OFTEN, &["SlowDown", "Throttling", "ThrottlingException", "TooManyRequests"]),
    again("KMS was asked too often: try again, fewer at a time", &["KMS.ThrottlingException"]),
    again(KMS_STATE, &["KMS.DisabledException", "KMS.KMSInvalidStateException"]),
    again(
        "the KMS key does not exist: make one, or name another; `s3sieve retry --without` leaves \
         out objects whose own key is gone",
        &["KMS.NotFoundException"],
    ),
    never("the object is archived: restore it first, then copy it", &["InvalidObjectState"]),
    never("S3 can't do this to the object: the message says why", &["InvalidRequest"]),
    never("the object's tags are not allowed: the message says which", &["InvalidTag"]),
    never("it is a delete marker, not an object", &["MethodNotAllowed"]),
    never("the bucket is gone", &["NoSuchBucket", "SrcBucketNotFound"]),
    never(
        GONE,
        &[
            "NoSuchKey",
            "NoSuchVersion",
            "NotFound",
            "SrcKeyNotFound",
            "SrcObjectNotFound",
            "SrcVersionNotFound",
        ],
    ),
    never("the object is archived: restore it first", &["ObjectNotInActiveTierError"]),
    never("the object is not archived: nothing to do", &["ObjectAlreadyInActiveTierError"]),
    never("S3 does not have this operation for the object", &["NotImplemented"]),
    never(
        "the bucket has no Object Lock: nothing to do, unless it gets one",
        &["ObjectLockConfigurationNotFoundError"],
    ),
    never("the function or operation says that it can't be done", &["PermanentFailure"]),
    never("the object changed, or a condition of the job kept it out", &["PreconditionFailed"]),
    never("it is being restored already: nothing to do", &["RestoreAlreadyInProgress"]),
    never("the object's encryption can't be read so", &["InvalidEncryptionAlgorithmError"]),
    never(
        "the replication configuration does not cover the object, by its tags or storage class",
        &["SrcObjectNotEligible"],
    ),
    never("the object is replicated already: nothing to do", &["SrcReplicationNotPending"]),
    never(
        "the replica was deleted by its version id, and is not replicated a second time",
        &["DstObjectHardDeleted"],
    ),
    never("the version is not in the destination bucket", &["DstVersionNotFound"]),
    again("the destination bucket keeps no versions: turn them on", &["DstBucketUnversioned"]),
    again(
        "the destination bucket lacks Object Lock, which the source has: turn it on",
        &["DstBucketObjectLockConfigMissing"],
    ),
    again(
        "the replication configuration is missing, or names a bucket, key or role that does not \
         fit: mend it, then try again",
        &[
            "AssumeRoleNotPermitted",
            "DstBucketInvalidRegion",
            "DstBucketNotFound",
            "DstKmsKeyNotFound",
            "SrcBucketReplicationConfigMissing",
        ],
    ),
    again("the jobs are in another region than the bucket", &["SrcBucketInvalidRegion"]),
    again(
        "the jobs' role may not begin a replication (s3:InitiateReplication): compare it with \
         `s3sieve policy`, then try again",
        &["InitiateReplicationNotPermitted"],
    ),
];

const fn again(text: &'static str, codes: &'static [&'static str]) -> CodeRemedy {
    CodeRemedy { fate: RetryAdvice::Again, text, codes }
}

const fn never(text: &'static str, codes: &'static [&'static str]) -> CodeRemedy {
    CodeRemedy { fate: RetryAdvice::Never, text, codes }
}

/// What is known of a failed task: whether trying again can help, and what to do.
#[must_use]
pub fn remedy(row: &TaskResult) -> (RetryAdvice, &'static str) {
    if is_permanent_failure(row) {
        if let Some(code) = message_code(row) {
            return of_message(code);
        }
        if row.message.starts_with(FUNCTION_ERROR) {
            return (
                RetryAdvice::Again,
                "the function failed or timed out: mend it, then try again",
            );
        }
    }
    of_code(&row.code).or_else(|| of_replication(&row.code)).unwrap_or_else(|| of_status(row.http))
}

/// How a message begins where the function itself failed, rather than said that the task did (UG,
/// "Examples: S3 Batch Operations completion reports").
const FUNCTION_ERROR: &str = "Lambda returned function error";

fn is_permanent_failure(row: &TaskResult) -> bool {
    row.code.eq_ignore_ascii_case("PermanentFailure")
}

/// The code in the message of a `PermanentFailure`, such as `404` of
/// `error details: {"failureMessage":"…", "errorCode": "404"}`. The message may be no JSON: the
/// guide prints it with broken quotes.
#[must_use]
pub fn message_code(row: &TaskResult) -> Option<&str> {
    if !is_permanent_failure(row) {
        return None;
    }
    let (_, behind) = row.message.rsplit_once("errorCode")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '.';
    let code = behind.trim_start_matches(|c: char| "\"\\': ".contains(c));
    let code = code.split(|c: char| !plain(c)).next().unwrap_or_default();
    (!code.is_empty()).then_some(code)
}

/// By a code in a message: an HTTP status, or a name.
fn of_message(code: &str) -> (RetryAdvice, &'static str) {
    let unsaid = (RetryAdvice::Never, "the function or operation says that it can't be done");
    match code.parse::<u16>() {
        Ok(status @ 400..) => of_status(Some(status)),
        Ok(_) => unsaid,
        Err(_) => of_code(code).or_else(|| of_replication(code)).unwrap_or(unsaid),
    }
}

/// By a code that is known.
fn of_code(code: &str) -> Option<(RetryAdvice, &'static str)> {
    let has =
        |remedy: &&CodeRemedy| remedy.codes.iter().any(|known| known.eq_ignore_ascii_case(code));
    REMEDIES.iter().find(has).map(|found| (found.fate, found.text))
}

/// By the ending of replication's codes, of which there are many, and will be more.
fn of_replication(code: &str) -> Option<(RetryAdvice, &'static str)> {
    if !["Src", "Dst"].iter().any(|side| code.starts_with(side)) {
        return None;
    }
    match code {
        code if code.ends_with("NotPermitted") => Some((RetryAdvice::Again, REPLICATION_ROLE)),
        code if code.ends_with("KmsKeyInvalidState") => Some((RetryAdvice::Again, KMS_STATE)),
        code if code.starts_with("Src") && code.ends_with("NotFound") => {
            Some((RetryAdvice::Never, GONE))
        }
        _ => None,
    }
}

/// By an HTTP status, where the code is unknown.
fn of_status(http: Option<u16>) -> (RetryAdvice, &'static str) {
    match http {
        Some(404) => (RetryAdvice::Never, GONE),
        Some(403) => (RetryAdvice::Again, ROLE),
        Some(408 | 429 | 500..) => (RetryAdvice::Again, PASSES),
        Some(400..) => (RetryAdvice::Never, REFUSED),
        _ => (RetryAdvice::Again, "unknown to this program: the message may say more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(code: &str, http: Option<u16>, message: &str) -> TaskResult {
        TaskResult {
            bucket: Vec::new(),
            key: Vec::new(),
            version: Vec::new(),
            succeeded: false,
            code: code.to_owned(),
            http,
            message: message.to_owned(),
        }
    }

    fn fate(code: &str, http: u16) -> RetryAdvice {
        remedy(&failed(code, Some(http), "said")).0
    }

    #[test]
    fn codes_come_before_statuses() {
        assert_eq!(fate("NoSuchKey", 404), RetryAdvice::Never);
        assert_eq!(fate("slowdown", 503), RetryAdvice::Again);
        assert_eq!(fate("PermanentFailure", 200), RetryAdvice::Never);
        assert_eq!(fate("TemporaryFailure", 200), RetryAdvice::Again);
        assert_eq!(fate("404", 404), RetryAdvice::Never);
        assert_eq!(fate("Odd", 500), RetryAdvice::Again);
        assert_eq!(fate("Odd", 400), RetryAdvice::Never);
        assert_eq!(remedy(&failed("", None, "")).0, RetryAdvice::Again);
    }

    #[test]
    fn replication_says_what_is_final_with_500() {
        for code in [
            "SrcObjectNotEligible",
            "SrcReplicationNotPending",
            "SrcKeyNotFound",
            "SrcObjectNotFound",
            "SrcVersionNotFound",
            "SrcBucketNotFound",
            "DstObjectHardDeleted",
            "DstVersionNotFound",
        ] {
            assert_eq!(fate(code, 500), RetryAdvice::Never, "{code}");
        }
    }

    #[test]
    fn replication_says_what_to_mend() {
        for (code, part) in [
            ("DstBucketUnversioned", "keeps no versions"),
            ("InitiateReplicationNotPermitted", "s3:InitiateReplication"),
            ("AssumeRoleNotPermitted", "replication configuration"),
            ("DstPutObjectNotPermitted", "permission"),
            ("SrcGetAclNotPermitted", "permission"),
            ("SrcGetLegalHoldNotPermitted", "permission"),
            ("DstMultipartInitNotPermitted", "permission"),
            ("DstKmsKeyInvalidState", "enable it"),
            ("SrcKmsKeyInvalidState", "enable it"),
            ("DstKmsKeyNotFound", "mend it"),
            ("DstBucketObjectLockConfigMissing", "Object Lock"),
        ] {
            // Whatever the status.
            for status in [400, 404, 500] {
                let (fate, text) = remedy(&failed(code, Some(status), ""));
                assert_eq!(fate, RetryAdvice::Again, "{code}");
                assert!(text.contains(part), "{code}: {text}");
            }
        }
    }

    #[test]
    fn a_permanent_failure_is_judged_by_the_code_in_its_message() {
        let checksum =
            |code| format!("error details: {{\"m\":\"x errorCode\", \"errorCode\": {code}}}");
        for (message, wanted) in [
            (checksum("\"400\""), RetryAdvice::Never),
            (checksum("\"404\""), RetryAdvice::Never),
            (checksum("\"500\""), RetryAdvice::Again),
            (checksum("500"), RetryAdvice::Again),
            (checksum("\"\"500\"\""), RetryAdvice::Again),
            (checksum("\"NoSuchKey\""), RetryAdvice::Never),
            (checksum("\"SlowDown\""), RetryAdvice::Again),
            (checksum("\"Odd\""), RetryAdvice::Never),
            (checksum(""), RetryAdvice::Never),
            ("not today".to_owned(), RetryAdvice::Never),
            (
                "Lambda returned function error: {\"errorMessage\":\"timed out\"}".to_owned(),
                RetryAdvice::Again,
            ),
        ] {
            let row = failed("PermanentFailure", Some(200), &message);
            assert_eq!(remedy(&row).0, wanted, "{message}");
        }
        // Another code's message is not looked into.
        let row = failed("NoSuchKey", Some(404), "errorCode: 500");
        assert_eq!((message_code(&row), remedy(&row).0), (None, RetryAdvice::Never));
    }

    #[test]
    fn a_code_has_one_remedy() {
        let mut codes: Vec<&str> =
            REMEDIES.iter().flat_map(|remedy| remedy.codes).copied().collect();
        let count = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), count);
    }
}
