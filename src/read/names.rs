//! Valid names of buckets and keys: rows with invalid ones are refused before they reach a
//! manifest, where they would fail their task or the whole job.
//!
//! Names of buckets are taken as widely as S3 ever gave them: 3 to 63 lower-case characters today
//! (`BASE--ZONE--x-s3` for directory buckets), up to 255 with capitals and underscores in old ones
//! of us-east-1 (S3 User Guide, "General purpose bucket naming rules"). Other stores allow no more.
//!
//! Never knows where a row stands.

use crate::report::KEY_BYTES_MAX;
use crate::units::Count;
use crate::values::decode_key;

/// The shortest name of a bucket, in bytes.
const BUCKET_BYTES_MIN: usize = 3;

/// The longest, in bytes: 63 today, 255 for old buckets in us-east-1.
const BUCKET_BYTES_MAX: usize = 255;

/// Characters of a bad name that an error repeats: as many as a name of today has.
const SHOWN_CHARS_MAX: usize = 63;

/// Why a bucket or key of a row is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameFault {
    /// No key.
    #[error("the key is empty, and no object has such a key")]
    NoKey,
    /// A key that is too long.
    #[error("the key has {} bytes, where S3 allows {}", Count(*bytes), Count(KEY_BYTES_MAX as u64))]
    LongKey {
        /// How many bytes it has, decoded.
        bytes: u64,
    },
    /// No bucket.
    #[error("the bucket is empty")]
    NoBucket,
    /// An invalid bucket name.
    #[error("{name:?} is not the name of a bucket")]
    NotABucket {
        /// Its beginning.
        name: String,
    },
}

/// Whether the encoded length alone shows that a key is valid; otherwise call [`check_key`].
#[inline(always)]
pub(crate) fn is_usual_key(key: &[u8]) -> bool {
    (1..=KEY_BYTES_MAX).contains(&key.len())
}

/// Refuses an empty key, and one of more than 1,024 bytes when decoded.
#[cold]
pub(crate) fn check_key(key: &[u8]) -> Result<(), NameFault> {
    if key.is_empty() {
        return Err(NameFault::NoKey);
    }
    let mut decoded = Vec::with_capacity(key.len());
    decode_key(key, &mut decoded);
    if decoded.len() > KEY_BYTES_MAX {
        return Err(NameFault::LongKey { bytes: decoded.len() as u64 });
    }
    Ok(())
}

/// Refuses an invalid bucket name.
#[cold]
pub(crate) fn check_bucket(name: &[u8]) -> Result<(), NameFault> {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._".contains(byte);
    let has_length = (BUCKET_BYTES_MIN..=BUCKET_BYTES_MAX).contains(&name.len());
    if has_length && name.iter().all(is_plain) && !name.windows(2).any(|pair| pair == b"..") {
        return Ok(());
    }
    if name.is_empty() {
        return Err(NameFault::NoBucket);
    }
    let name = String::from_utf8_lossy(name).chars().take(SHOWN_CHARS_MAX).collect();
    Err(NameFault::NotABucket { name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_of_every_time_and_kind_are_taken() {
        let long = "a".repeat(BUCKET_BYTES_MAX);
        for name in ["abc", "my.bucket-1", "Old_Bucket", "data--use1-az4--x-s3", &long] {
            assert_eq!(check_bucket(name.as_bytes()), Ok(()), "{name}");
        }
        assert_eq!(check_bucket(b""), Err(NameFault::NoBucket));
        let too_long = long + "a";
        for name in
            ["ab", "..", "../x", "/etc/x", "a..b", "a,b", "a\nb", "a b", "\u{1b}[31m", "bücher"]
                .into_iter()
                .chain([too_long.as_str()])
        {
            let fault = check_bucket(name.as_bytes()).unwrap_err().to_string();
            assert!(fault.ends_with(" is not the name of a bucket"), "{name}: {fault}");
            assert!(!fault.contains(char::is_control), "{fault:?}");
        }
        assert!(check_bucket(b"\xff\xfe\xfd").is_err());
    }

    #[test]
    fn keys_are_counted_decoded() {
        assert_eq!(check_key(b""), Err(NameFault::NoKey));
        assert_eq!(check_key("%C3".repeat(KEY_BYTES_MAX).as_bytes()), Ok(()));
        let long = "%C3".repeat(KEY_BYTES_MAX) + "+";
        let fault = check_key(long.as_bytes()).unwrap_err();
        assert_eq!(fault.to_string(), "the key has 1,025 bytes, where S3 allows 1,024");
        assert!(is_usual_key(b"a") && is_usual_key(&[b'a'; KEY_BYTES_MAX]));
        assert!(!is_usual_key(b"") && !is_usual_key(&[b'a'; KEY_BYTES_MAX + 1]));
    }
}
