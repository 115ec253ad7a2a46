//! An object in S3, or a folder of objects, by its address.
//!
//! S3 has no folders. What looks like one is the part of keys up to a slash; here it is an object
//! whose key is empty or ends in a slash, and it is never read.
//!
//! Never knows what the bytes mean.

mod ahead;
mod fetch;
mod head;
mod held;
mod listing;
mod pace;
mod part;
mod request;
mod store;
mod stream;
mod upload;

use std::fmt;
use std::io;
use std::sync::Arc;

use self::ahead::ObjectsAhead;
pub(crate) use self::head::{HeadChecksums, ObjectHead, visit_heads};
pub(super) use self::held::HeldObject;
use self::pace::ReadingPace;
use self::request::{RequestTarget, is_out_of_range};
pub(crate) use self::store::{StoreOptions, UploadOutcome};
pub(super) use self::stream::ObjectFile;
use self::stream::PendingObject;
pub(crate) use self::upload::{InPlace, ObjectUpload, Uploads};
use crate::aws::Session;

/// What every address begins with.
const SCHEME: &str = "s3://";

/// Why a text is not an address in S3.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no address in S3: write s3://BUCKET/KEY")]
pub struct AddressError {
    text: String,
}

/// A bucket that the user named.
struct Bucket {
    session: Session,
    name: Arc<str>,
    /// Objects that will be opened soon.
    ahead: Arc<ObjectsAhead<PendingObject>>,
    /// How fast its objects come and are read.
    pace: Arc<ReadingPace>,
}

/// An object, or a folder.
#[derive(Clone)]
pub struct Object {
    bucket: Arc<Bucket>,
    key: String,
}

impl Object {
    /// The object or folder at `s3://BUCKET/KEY`.
    ///
    /// # Errors
    /// When the text has another form.
    pub fn parse(text: &str, session: &Session) -> Result<Self, AddressError> {
        let wrong = || AddressError { text: text.to_owned() };
        let rest = text.strip_prefix(SCHEME).ok_or_else(wrong)?;
        let (name, key) = rest.split_once('/').unwrap_or((rest, ""));
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
        if name.is_empty() || !name.bytes().all(plain) {
            return Err(wrong());
        }
        Ok(Self::new(session, name, key))
    }

    /// The object with this key in a bucket.
    #[must_use]
    pub fn new(session: &Session, bucket: &str, key: &str) -> Self {
        let (session, name) = (session.clone(), bucket.into());
        let bucket = Bucket { session, name, ahead: Arc::default(), pace: Arc::default() };
        Self { bucket: Arc::new(bucket), key: key.to_owned() }
    }

    /// Whether a text looks like an address rather than a path.
    #[must_use]
    pub fn is_address(text: &str) -> bool {
        text.starts_with(SCHEME)
    }

    /// The bucket's name.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket.name
    }

    /// The key; empty for the bucket as a folder.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The way to AWS that it is reached by.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.bucket.session
    }

    /// The object with this key in the same bucket.
    #[must_use]
    pub fn with_key(&self, key: impl Into<String>) -> Self {
        Self { bucket: Arc::clone(&self.bucket), key: key.into() }
    }

    /// The same as a folder.
    #[must_use]
    pub fn as_folder(&self) -> Self {
        let slash = if self.key.is_empty() || self.key.ends_with('/') { "" } else { "/" };
        self.with_key(format!("{}{slash}", self.key))
    }

    /// What has this name in this folder.
    pub(super) fn join(&self, name: &str) -> Self {
        let folder = self.as_folder();
        self.with_key(folder.key + name)
    }

    pub(super) fn parent(&self) -> Option<Self> {
        let inner = self.key.strip_suffix('/').unwrap_or(&self.key);
        if inner.is_empty() {
            return None;
        }
        Some(self.with_key(inner.rfind('/').map_or("", |at| &inner[..=at])))
    }

    pub(super) fn with_extension(&self, extension: &str) -> Self {
        let name = self.key.rfind('/').map_or(0, |at| at + 1);
        let stem = match self.key[name..].rfind('.') {
            Some(at) if at > 0 => &self.key[..name + at],
            _ => &self.key,
        };
        self.with_key(format!("{stem}.{extension}"))
    }

    /// Opens the object; waits until S3 has answered.
    pub(super) fn open(&self) -> io::Result<ObjectFile> {
        let ahead = self.bucket.ahead.take(&self.key);
        self.open_begun(ahead.unwrap_or_else(|| PendingObject::begin(self.target())))
    }

    /// Opens the object to be read by ranges, its end first; waits until S3 has answered. `bytes`
    /// is its length as far as is known.
    pub(super) fn open_ranges(&self, bytes: u64) -> io::Result<ObjectFile> {
        let ahead = self.bucket.ahead.take(&self.key);
        let opening = ahead.unwrap_or_else(|| PendingObject::begin_at_end(self.target(), bytes));
        match self.open_begun(opening) {
            // Shorter than that: the front tells its length.
            Err(error) if is_out_of_range(&error) => {
                self.open_begun(PendingObject::begin(self.target()))
            }
            outcome => outcome,
        }
    }

    fn open_begun(&self, object: PendingObject) -> io::Result<ObjectFile> {
        object.open(self.session(), &self.bucket.ahead)
    }

    /// Asks for the beginning of an object that will be opened soon.
    pub(super) fn advise_soon(&self) {
        self.bucket.ahead.announce(&self.key, || PendingObject::begin(self.target()));
    }

    /// Asks for the end of an object that will be opened soon to be read by ranges.
    pub(super) fn advise_ranges_soon(&self, bytes: u64) {
        let begin = || PendingObject::begin_at_end(self.target(), bytes);
        self.bucket.ahead.announce(&self.key, begin);
    }

    fn target(&self) -> RequestTarget {
        let session = &self.bucket.session;
        RequestTarget {
            threads: session.handle().clone(),
            client: session.s3().clone(),
            bucket: Arc::clone(&self.bucket.name),
            key: self.key.as_str().into(),
            payer: session.request_payer(),
            tries: session.tries(),
            answer_timeout: session.answer_timeout(),
            pace: Arc::clone(&self.bucket.pace),
        }
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}", self.bucket(), self.key)
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Object {}

impl PartialOrd for Object {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Object {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.bucket(), self.key()).cmp(&(other.bucket(), other.key()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::AwsOptions;

    fn object(text: &str) -> Result<Object, AddressError> {
        Object::parse(text, &Session::new(&AwsOptions::default()).unwrap())
    }

    #[test]
    fn addresses_have_a_bucket_and_a_key() {
        let parsed = object("s3://b-1.x/p//q/m.json").unwrap();
        assert_eq!((parsed.bucket(), parsed.key()), ("b-1.x", "p//q/m.json"));
        assert_eq!(parsed.to_string(), "s3://b-1.x/p//q/m.json");
        assert_eq!(object("s3://b").unwrap(), object("s3://b/").unwrap());
        for wrong in ["", "b/k", "s3:/b/k", "s3://", "s3:///k", "s3://b?x/k", "S3://b/k"] {
            assert!(object(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_are_joined_and_taken_apart_as_keys_have_them() {
        let folder = object("s3://b/p/").unwrap();
        assert_eq!(folder.join("m.json"), object("s3://b/p/m.json").unwrap());
        assert_eq!(object("s3://b/p").unwrap().join("m"), folder.join("m"));
        assert_eq!(object("s3://b").unwrap().join("m").key(), "m");
        let manifest = object("s3://b/p//c/m.json").unwrap();
        assert_eq!(manifest.with_extension("checksum").key(), "p//c/m.checksum");
        assert_eq!(object("s3://b/p.q/m").unwrap().with_extension("x").key(), "p.q/m.x");
        let up: Vec<String> = std::iter::successors(Some(manifest), Object::parent)
            .map(|object| object.key().to_owned())
            .collect();
        assert_eq!(up, ["p//c/m.json", "p//c/", "p//", "p/", ""]);
    }
}
