//! What these tests share: the server that the environment names, a bucket for each test, and what
//! the SDK itself says of it.

use std::env;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process;

use aws_sdk_s3::types::{BucketVersioningStatus, ServerSideEncryption, VersioningConfiguration};
use s3sieve::aws::{AwsOptions, Session};
use tempfile::TempDir;

use crate::buckets::{COLUMNS, Delivery, s3sieve_at};
use crate::fixture::Run;

/// Keys that servers, encodings and address parsers trip over, as they stand in a bucket.
pub const ODD_KEYS: [&str; 12] = [
    "a//b",
    "./dot",
    "dots/../up",
    "plus+plus",
    "one space",
    "per%20cent",
    "100%",
    "line\nbreak",
    "umlaut/ü/€/🦀",
    "quote\"comma,",
    "and&less<than>",
    "~tilde*(star)'",
];

/// A bucket of its own on the server, and a scratch folder.
pub struct Outside {
    pub endpoint: String,
    pub bucket: String,
    pub session: Session,
    pub scratch: TempDir,
}

/// The server's name, as `tests/servers/run.py` tells it.
pub fn server() -> String {
    env::var("S3SIEVE_TEST_SERVER").unwrap()
}

impl Outside {
    /// Makes a bucket whose name begins so.
    pub fn new(name: &str) -> Self {
        let endpoint = env::var("S3SIEVE_TEST_ENDPOINT")
            .unwrap_or_else(|_| panic!("run these tests by tests/servers/run.py"));
        let options = AwsOptions { endpoint_url: Some(endpoint.clone()), ..AwsOptions::default() };
        let session = Session::new(&options).unwrap();
        let bucket = format!("{name}-{}", process::id());
        session.wait(session.s3().create_bucket().bucket(&bucket).send()).unwrap();
        Self { endpoint, bucket, session, scratch: tempfile::tempdir().unwrap() }
    }

    pub fn address(&self) -> SocketAddr {
        self.endpoint.strip_prefix("http://").unwrap().parse().unwrap()
    }

    pub fn at(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        s3sieve_at(&self.endpoint, arguments)
    }

    pub fn put(&self, key: &str, bytes: &[u8]) {
        let request = self.session.s3().put_object().bucket(&self.bucket).key(key);
        self.session.wait(request.body(bytes.to_vec().into()).send()).unwrap();
    }

    pub fn put_encrypted(&self, key: &str, kms_key: Option<&str>, bucket_key: bool) {
        let request = self.session.s3().put_object().bucket(&self.bucket).key(key);
        let request = request
            .body(b"secret".to_vec().into())
            .server_side_encryption(ServerSideEncryption::AwsKms)
            .set_ssekms_key_id(kms_key.map(str::to_owned))
            .set_bucket_key_enabled(bucket_key.then_some(true));
        self.session.wait(request.send()).unwrap();
    }

    pub fn delete(&self, key: &str) {
        let request = self.session.s3().delete_object().bucket(&self.bucket).key(key);
        self.session.wait(request.send()).unwrap();
    }

    pub fn get(&self, key: &str) -> Vec<u8> {
        let request = self.session.s3().get_object().bucket(&self.bucket).key(key);
        self.session
            .wait(async { request.send().await.unwrap().body.collect().await })
            .unwrap()
            .to_vec()
    }

    pub fn versioning(&self, status: BucketVersioningStatus) {
        let configuration = VersioningConfiguration::builder().status(status).build();
        let request = self.session.s3().put_bucket_versioning().bucket(&self.bucket);
        self.session.wait(request.versioning_configuration(configuration).send()).unwrap();
    }

    /// The keys below a prefix.
    pub fn keys(&self, prefix: &str) -> Vec<String> {
        let request = self.session.s3().list_objects_v2().bucket(&self.bucket).prefix(prefix);
        let listed = self.session.wait(request.send()).unwrap();
        listed.contents().iter().map(|object| object.key().unwrap().to_owned()).collect()
    }

    /// How many multipart uploads the bucket holds.
    pub fn uploads(&self) -> usize {
        let request = self.session.s3().list_multipart_uploads().bucket(&self.bucket);
        self.session.wait(request.send()).unwrap().uploads().len()
    }

    /// Puts a report of these data files, and the same on disk, at the same keys below
    /// [`Outside::disk`].
    pub fn report(&self, prefix: &str, dated: &str, files: &[Vec<u8>]) -> String {
        let folder = format!("{prefix}demo/daily/");
        let delivery = Delivery { bucket: &self.bucket, folder: &folder, dated, columns: COLUMNS };
        delivery.put(files, |key, bytes| self.put_both(key, bytes))
    }

    fn put_both(&self, key: &str, bytes: &[u8]) {
        self.put(key, bytes);
        let path = self.disk(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Where a report's file lies on disk.
    pub fn disk(&self, key: &str) -> PathBuf {
        self.path("disk").join(key)
    }
}
