//! A double of S3 Batch Operations on loopback, in front of an S3 server in the same process.
//!
//! No server anywhere implements Batch Operations, so the tests bring their own. It keeps the
//! contract of the service as far as a client can see it: the wire form, as AWS's model has it,
//! states and their transitions, confirmation, idempotency tokens, at most six active jobs, a new
//! job that is not seen at once, the manifest read as strictly as the guide says and only with the
//! right `ETag`, the failure threshold, completion reports in the layout that is delivered. Jobs
//! run concurrently: which of them move, how far, and in which order their tasks are done is drawn
//! by a seed, so a job may well overtake one that was created before it.
//!
//! Copies are really made on the S3 server (s3s-fs), and in buckets with versions in a model of
//! them; changes of encryption are recorded, as no server knows them.
//!
//! One port serves it all. By what a request looks like, it goes to:
//!
//! | module | requests |
//! |---|---|
//! | `batch` | S3 Control: `/v20180820/jobs` |
//! | `account` | what the S3 server lacks: settings of buckets, STS, IAM |
//! | s3s-fs | everything else, with signatures checked |
//!
//! Before `batch` sees a request, `model` holds it against AWS's own model (`model.json`), and so
//! it does with every answer; `rules` has what AWS asks for beyond that. `runner` moves the jobs,
//! `manifest` reads their manifests, `report` writes their reports. `needs` says which actions a
//! job's role must be allowed, `access` whether policies do.
//!
//! Never knows the program under test.

mod access;
mod account;
mod batch;
mod front;
mod manifest;
mod model;
mod needs;
mod report;
mod rules;
mod runner;
mod state;
mod versions;
mod wire;

use std::net::SocketAddr;
use std::process::Command;
use std::sync::{Arc, MutexGuard};

use aws_sdk_s3::config::{AppName, BehaviorVersion, Credentials, Region};
use aws_sdk_s3::primitives::ByteStream;
use ground::{ACCESS_KEY, SECRET_KEY};
use hyper::service::service_fn;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::buckets::with_keys;
use crate::fixture::crc64nvme;

pub use state::{Failure, JobFault, Options, Role, State, Status, Trouble};
pub use versions::Version;

/// The account of everything here.
pub const ACCOUNT: &str = "111122223333";

/// The region of the jobs, and of all buckets but those that a test puts elsewhere.
pub const REGION: &str = "us-east-1";

/// What the double's own requests are known by.
const OWN_NAME: &str = "double";

/// A running double. Its servers end when it is dropped.
pub struct Double {
    shared: Arc<front::Shared>,
    address: SocketAddr,
    runtime: Option<Runtime>,
    _root: TempDir,
}

impl Double {
    /// Starts the servers, with the buckets `demo`, `manifests` and `reports`, and the role
    /// `batch`.
    pub fn start(options: Options) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let root = tempfile::tempdir().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(front::Shared {
            s3: ground::s3_service(root.path()).unwrap(),
            client: client(address),
            state: State::default().into(),
            objects: ().into(),
            options,
        });
        let asked = Arc::clone(&shared);
        let service = service_fn(move |request| {
            let shared = Arc::clone(&asked);
            async move { front::answer(&shared, request).await }
        });
        runtime.spawn(ground::serve(listener, service));
        runtime.spawn(runner::run(Arc::clone(&shared)));
        let double = Self { shared, address, runtime: Some(runtime), _root: root };
        for bucket in ["demo", "manifests", "reports"] {
            double.create_bucket(bucket, REGION);
        }
        double.state().roles.insert("batch".to_owned(), Role::trusting("batchoperations.s3"));
        double
    }

    /// What the servers hold, for a test to look at or change.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap()
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where the servers listen.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    fn wait<F: Future>(&self, future: F) -> F::Output {
        self.runtime.as_ref().unwrap().block_on(future)
    }

    pub fn create_bucket(&self, name: &str, region: &str) {
        self.wait(self.shared.client.create_bucket().bucket(name).send()).unwrap();
        self.state().regions.insert(name.to_owned(), region.to_owned());
    }

    pub fn put(&self, bucket: &str, key: &str, body: &[u8]) {
        let body = ByteStream::from(body.to_vec());
        let put = self.shared.client.put_object().bucket(bucket).key(key).body(body);
        self.wait(put.send()).unwrap();
    }

    /// As [`Double::put`], with a CRC-64/NVME that the server keeps, as S3 does of every object.
    pub fn put_with_checksum(&self, bucket: &str, key: &str, body: &[u8]) {
        let put = self.shared.client.put_object().bucket(bucket).key(key);
        let put = put.checksum_crc64_nvme(crc64nvme(body)).body(ByteStream::from(body.to_vec()));
        self.wait(put.send()).unwrap();
    }

    pub fn delete(&self, bucket: &str, key: &str) {
        self.wait(self.shared.client.delete_object().bucket(bucket).key(key).send()).unwrap();
    }

    /// Gives a bucket versions from now on.
    pub fn keep_versions(&self, bucket: &str) {
        let place = (bucket.to_owned(), "versioning".to_owned());
        let enabled = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
        let mut state = self.state();
        state.settings.insert(place, enabled.to_owned());
        state.versions.declare(bucket);
    }

    /// Puts a new current version into a bucket with versions, and gives its id.
    pub fn put_version(&self, bucket: &str, key: &str, content: &[u8]) -> String {
        self.state().versions.put(bucket, key, content)
    }

    /// The versions of a key in a bucket with versions, the newest last.
    pub fn versions(&self, bucket: &str, key: &str) -> Vec<Version> {
        self.state().versions.of(bucket, key).to_vec()
    }

    /// The object's bytes, or `None` where there is none.
    pub fn get(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        let got = self.wait(self.shared.client.get_object().bucket(bucket).key(key).send()).ok()?;
        Some(self.wait(got.body.collect()).unwrap().to_vec())
    }

    /// The object's `ETag`, without quotes.
    pub fn etag(&self, bucket: &str, key: &str) -> Option<String> {
        let head =
            self.wait(self.shared.client.head_object().bucket(bucket).key(key).send()).ok()?;
        head.e_tag().map(|etag| etag.trim_matches('"').to_owned())
    }

    /// Points a command at the servers, as a user's environment would.
    pub fn environment(&self, command: &mut Command) {
        with_keys(command)
            .env("AWS_ENDPOINT_URL_S3", self.url())
            .env("AWS_ENDPOINT_URL_STS", self.url())
            .env("AWS_ENDPOINT_URL_IAM", self.url())
            .env_remove("AWS_PROFILE")
            .env_remove("AWS_REGION");
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
        if !std::thread::panicking() {
            let faults = &self.shared.state.lock().unwrap().faults;
            assert!(faults.is_empty(), "the double is wrong: {faults:#?}");
        }
    }
}

/// The client with which the double itself reads manifests, copies objects and writes reports.
fn client(address: SocketAddr) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .credentials_provider(Credentials::new(ACCESS_KEY, SECRET_KEY, None, None, "double"))
        .endpoint_url(format!("http://{address}"))
        .force_path_style(true)
        .app_name(AppName::new(OWN_NAME).unwrap())
        .build();
    aws_sdk_s3::Client::from_conf(config)
}
