//! Fetching a range of an object: one request, or more where answers break off.
//!
//! A body that is cut, comes too slowly or is too short is asked for again from the byte it broke
//! off at; so is a request that S3 could not answer now. Between tries passes a random time that
//! grows. What was read first pins the rest: its ETag is sent along, and an object that is replaced
//! meanwhile is an error, never a mixture of both.
//!
//! Never knows who reads the bytes.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::ops::Range;
use std::time::{Duration, Instant};

use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::types::ServerSideEncryption;
use bytes::Bytes;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tokio::time;

use super::request::{RequestTarget, refused};
use crate::aws::{AwsError, AwsErrorKind};

/// Failures in a row, without a byte between them, after which a range is given up, where the user
/// has set no number of tries. With the longest waits in between that is about half a minute: S3's
/// own slow-downs are over by then.
const FAILURES_MAX: u32 = 10;

/// How often a range follows its bucket into another region. Once is enough: from then on the
/// client knows the region.
const MOVES_MAX: u32 = 1;

/// The longest wait after the first failure; twice as long after each further one.
const WAIT_FIRST: Duration = Duration::from_millis(100);

/// The longest wait of all.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// How long a body may give no byte.
const IDLE_MAX: Duration = Duration::from_secs(20);

/// What an object was when it was first asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PinnedObject {
    /// Its length.
    pub(super) bytes: u64,
    pub(super) etag: Option<String>,
    /// Its MD5, where the `ETag` is one.
    pub(super) md5: Option<[u8; 16]>,
}

/// Fetches a range, and sends its bytes in order; ends early if they are not wanted any more.
///
/// Where nothing is pinned yet, the first answer is told, and the range ends with the object. An
/// error before that is told in the answer's place.
pub(super) async fn fetch(
    target: RequestTarget,
    range: Range<u64>,
    mut pinned: Option<PinnedObject>,
    mut told: Option<oneshot::Sender<io::Result<PinnedObject>>>,
    chunks: UnboundedSender<io::Result<Bytes>>,
) {
    let Range { start: mut at, mut end } = range;
    let failures_max = target.tries.map_or(FAILURES_MAX, |tries| tries.saturating_sub(1));
    let (mut failures, mut moves) = (0, 0);
    let mut last_byte = Instant::now();
    loop {
        let before = at;
        let mut fetched = fetch_once(&target, at..end, pinned.as_ref()).await;
        if let Ok((found, _)) = &fetched {
            end = end.min(found.bytes);
            if let Some(told) = told.take() {
                let _ = told.send(Ok(found.clone()));
            }
            pinned = Some(found.clone());
        }
        if let Ok((_, Some(answer))) = &mut fetched {
            let begun = Instant::now();
            match pass_on(answer, &mut at, end, &chunks).await {
                Ok(true) => target.pace.received(at - before, begun.elapsed()),
                Ok(false) => return,
                Err(error) => fetched = Err(error),
            }
        }
        // All has come, even if the answer promised more.
        if pinned.is_some() && at >= end {
            return;
        }
        // A body that ends too early without an error is one that was cut.
        let error = fetched.err().unwrap_or_else(|| too_short(at, end));
        if matches!(error.kind, AwsErrorKind::WrongRegion(Some(_))) && moves < MOVES_MAX {
            moves += 1;
            continue;
        }
        if at > before {
            (failures, last_byte) = (0, Instant::now());
        }
        failures += 1;
        // A server that is silent is given up sooner than one that says that it is busy.
        let is_silent =
            error.kind == AwsErrorKind::Unreachable && last_byte.elapsed() >= target.answer_timeout;
        if !error.is_passing() || failures > failures_max || is_silent {
            let error = refused(error);
            match told.take() {
                Some(told) => drop(told.send(Err(error))),
                None => drop(chunks.send(Err(error))),
            }
            return;
        }
        time::sleep(wait(failures, random())).await;
    }
}

/// Sends what comes of a body; `false` if it is not wanted.
async fn pass_on(
    answer: &mut GetObjectOutput,
    at: &mut u64,
    end: u64,
    chunks: &UnboundedSender<io::Result<Bytes>>,
) -> Result<bool, AwsError> {
    loop {
        let next = time::timeout(IDLE_MAX, answer.body.try_next()).await;
        let next = next.map_err(|elapsed| AwsError::broken(READ, &elapsed))?;
        let Some(mut bytes) = next.map_err(|error| AwsError::broken(READ, &error))? else {
            return Ok(true);
        };
        // More than was asked for belongs to another part.
        bytes.truncate(usize::try_from(end - *at).unwrap_or(usize::MAX));
        *at += bytes.len() as u64;
        if !bytes.is_empty() && chunks.send(Ok(bytes)).is_err() {
            return Ok(false);
        }
    }
}

/// What errors say was to be done; who meets them names the object.
pub(super) const READ: &str = "read it";

/// One request. An empty object has no range that could be asked for, and no answer.
async fn fetch_once(
    target: &RequestTarget,
    range: Range<u64>,
    pinned: Option<&PinnedObject>,
) -> Result<(PinnedObject, Option<GetObjectOutput>), AwsError> {
    // The retries are those of this file: they know how far a body came.
    let retries = aws_sdk_s3::config::Builder::new().retry_config(RetryConfig::disabled());
    let request = target
        .client
        .get_object()
        .bucket(&*target.bucket)
        .key(&*target.key)
        .set_request_payer(target.payer.clone())
        .set_if_match(pinned.and_then(|pinned| pinned.etag.clone()))
        .range(format!("bytes={}-{}", range.start, range.end - 1));
    let asked = Instant::now();
    let answer = match request.customize().config_override(retries).send().await {
        Ok(answer) => {
            target.pace.answered(asked.elapsed());
            answer
        }
        Err(error) => {
            let error = AwsError::new(READ, &error);
            return match error.kind {
                AwsErrorKind::OutOfRange if range.start == 0 && pinned.is_none() => {
                    Ok((PinnedObject { bytes: 0, etag: None, md5: None }, None))
                }
                AwsErrorKind::Precondition => Err(replaced()),
                _ => Err(error),
            };
        }
    };
    let found = described(&answer, range.start)?;
    if pinned.is_some_and(|pinned| pinned.bytes != found.bytes) {
        return Err(replaced());
    }
    Ok((found, Some(answer)))
}

/// What an answer says of the object; that it begins where it should is checked.
fn described(answer: &GetObjectOutput, start: u64) -> Result<PinnedObject, AwsError> {
    let etag = answer.e_tag.clone();
    let md5 = stated_md5(answer);
    let Some(text) = &answer.content_range else {
        // All of the object, by a server that knows no ranges.
        let bytes = u64::try_from(answer.content_length.unwrap_or_default()).unwrap_or_default();
        return match start {
            0 => Ok(PinnedObject { bytes, etag, md5 }),
            _ => Err(AwsError::other(READ, "the server does not know ranges")),
        };
    };
    let bytes = parse_content_range(text)
        .filter(|(found, _)| *found == start)
        .map(|(_, bytes)| bytes)
        .ok_or_else(|| {
            AwsError::other(READ, format!("the server sent {text} instead of bytes {start}-"))
        })?;
    Ok(PinnedObject { bytes, etag, md5 })
}

/// The MD5 that an answer's `ETag` states. It is one of objects that were sent in one piece and
/// are not encrypted, or with SSE-S3 (API reference, "Object"); of others it may look like one.
fn stated_md5(answer: &GetObjectOutput) -> Option<[u8; 16]> {
    let by_s3 = |sse: &ServerSideEncryption| *sse == ServerSideEncryption::Aes256;
    if !answer.server_side_encryption().is_none_or(by_s3) || answer.sse_customer_key_md5.is_some() {
        return None;
    }
    parse_md5(answer.e_tag()?.trim_matches('"'))
}

/// 32 hexadecimal digits as 16 bytes.
fn parse_md5(text: &str) -> Option<[u8; 16]> {
    let is_one = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_one.then(|| u128::from_str_radix(text, 16).ok().map(u128::to_be_bytes)).flatten()
}

/// `bytes START-END/LENGTH`: the start and the whole length.
fn parse_content_range(text: &str) -> Option<(u64, u64)> {
    let (range, bytes) = text.strip_prefix("bytes ")?.split_once('/')?;
    Some((range.split_once('-')?.0.parse().ok()?, bytes.parse().ok()?))
}

fn replaced() -> AwsError {
    AwsError::other(READ, "it was replaced while it was read; run this again")
}

fn too_short(at: u64, end: u64) -> AwsError {
    let error = io::Error::other(format!("the answer ended at byte {at} instead of {end}"));
    AwsError::broken(READ, &error)
}

/// How long to wait after this many failures in a row: a part, from 0 to 1, of a time that grows.
fn wait(failures: u32, part: f64) -> Duration {
    let doubled = 1_u32 << failures.saturating_sub(1).min(16);
    WAIT_FIRST.saturating_mul(doubled).min(WAIT_MAX).mul_f64(part.clamp(0.0, 1.0))
}

/// From 0 to 1.
fn random() -> f64 {
    let bits = RandomState::new().build_hasher().finish() >> 11;
    bits as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound_and_are_random_below_it() {
        assert_eq!(wait(1, 1.0), WAIT_FIRST);
        assert_eq!(wait(3, 1.0), WAIT_FIRST * 4);
        assert_eq!(wait(3, 0.5), WAIT_FIRST * 2);
        assert_eq!(wait(u32::MAX, 1.0), WAIT_MAX);
        assert_eq!(wait(9, 0.0), Duration::ZERO);
        assert!((0..100).all(|_| (0.0..1.0).contains(&random())));
    }

    #[test]
    fn an_md5_is_told_from_other_tags() {
        let md5 = "0123456789abcdef00000000000000ff";
        assert_eq!(parse_md5(md5).unwrap()[..2], [0x01, 0x23]);
        let plain = || GetObjectOutput::builder().e_tag(format!("\"{md5}\""));
        assert_eq!(stated_md5(&plain().build()), parse_md5(md5));
        let by_s3 = plain().server_side_encryption(ServerSideEncryption::Aes256);
        assert_eq!(stated_md5(&by_s3.build()), parse_md5(md5));
        let by_kms = plain().server_side_encryption(ServerSideEncryption::AwsKms);
        assert_eq!(stated_md5(&by_kms.build()), None);
        assert_eq!(stated_md5(&plain().sse_customer_key_md5("x").build()), None);
        let multipart = GetObjectOutput::builder().e_tag(format!("\"{md5}-2\""));
        assert_eq!(stated_md5(&multipart.build()), None);
        for wrong in ["", "12", "+123456789abcdef00000000000000ff", &md5[1..]] {
            assert_eq!(parse_md5(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn content_ranges_are_read() {
        assert_eq!(parse_content_range("bytes 5-9/100"), Some((5, 100)));
        for wrong in ["", "bytes 5-9", "bytes 5-9/*", "items 5-9/10", "bytes */100"] {
            assert_eq!(parse_content_range(wrong), None, "{wrong}");
        }
    }
}
