//! Objects with versions, which the S3 server lacks: the buckets that a test declares versioned.
//!
//! A version is what S3 makes of a PUT: put last, it is current; a delete marker hides what is
//! below it.

use std::collections::BTreeMap;

/// A refusal: code and HTTP status.
pub type Refusal = (&'static str, u16);

/// A version of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    pub id: String,
    /// `None` in a delete marker.
    pub content: Option<Vec<u8>>,
}

/// All versions of all objects in versioned buckets.
#[derive(Debug, Default)]
pub struct Versions {
    /// By bucket and key, the newest last.
    buckets: BTreeMap<String, BTreeMap<String, Vec<Version>>>,
    made: u64,
}

impl Versions {
    /// Makes a bucket a versioned one.
    pub fn declare(&mut self, bucket: &str) {
        self.buckets.entry(bucket.to_owned()).or_default();
    }

    pub fn knows(&self, bucket: &str) -> bool {
        self.buckets.contains_key(bucket)
    }

    fn add(&mut self, bucket: &str, key: &str, content: Option<Vec<u8>>) -> String {
        self.made += 1;
        // As long as S3's, and never in their order of making.
        let id =
            format!("{:016x}{:016x}", self.made.wrapping_mul(0x9e37_79b9_7f4a_7c15), self.made);
        let versions = self.buckets.get_mut(bucket).unwrap().entry(key.to_owned()).or_default();
        versions.push(Version { id: id.clone(), content });
        id
    }

    /// Makes a new current version.
    pub fn put(&mut self, bucket: &str, key: &str, content: &[u8]) -> String {
        self.add(bucket, key, Some(content.to_vec()))
    }

    /// Makes a delete marker the current version.
    pub fn delete(&mut self, bucket: &str, key: &str) -> String {
        self.add(bucket, key, None)
    }

    /// The versions of a key, the newest last.
    pub fn of(&self, bucket: &str, key: &str) -> &[Version] {
        self.buckets.get(bucket).and_then(|keys| keys.get(key)).map_or(&[], Vec::as_slice)
    }

    /// The keys of a bucket, with their versions, the newest last.
    pub fn keys(&self, bucket: &str) -> impl Iterator<Item = (&String, &Vec<Version>)> {
        self.buckets[bucket].iter()
    }

    /// What a read of a version gives, or of the current one where `id` is empty.
    pub fn content(&self, bucket: &str, key: &str, id: &str) -> Result<&[u8], Refusal> {
        let versions = self.of(bucket, key);
        if id.is_empty() {
            let current = versions.last().and_then(|version| version.content.as_deref());
            return current.ok_or(("NoSuchKey", 404));
        }
        match versions.iter().find(|version| version.id == id) {
            Some(version) => version.content.as_deref().ok_or(("MethodNotAllowed", 405)),
            None => Err(("NoSuchVersion", 404)),
        }
    }
}

#[test]
fn versions_are_read_as_s3_reads_them() {
    let mut versions = Versions::default();
    versions.declare("b");
    let old = versions.put("b", "k", b"old");
    let new = versions.put("b", "k", b"new");
    assert_eq!(versions.content("b", "k", ""), Ok(&b"new"[..]));
    assert_eq!(versions.content("b", "k", &old), Ok(&b"old"[..]));
    assert_eq!(versions.content("b", "k", "other"), Err(("NoSuchVersion", 404)));
    let marker = versions.delete("b", "k");
    assert_eq!(versions.content("b", "k", ""), Err(("NoSuchKey", 404)));
    assert_eq!(versions.content("b", "k", &marker), Err(("MethodNotAllowed", 405)));
    assert_eq!(versions.content("b", "k", &new), Ok(&b"new"[..]));
    assert_eq!(versions.content("b", "other", ""), Err(("NoSuchKey", 404)));
}
