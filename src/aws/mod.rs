//! How AWS is reached: configuration, credentials, a runtime on threads of its own, and what its
//! errors mean for a person.
//!
//! The only place that makes SDK clients' configuration. Layers above take a client from here, wait
//! for its answers with [`Session::wait`], and turn its errors into [`AwsError`]s.
//!
//! Never knows what is asked of AWS, nor why.

mod error;

use std::env;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::ResponseChecksumValidation;
use aws_sdk_s3::types::RequestPayer;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

pub use error::{AwsError, AwsErrorKind};

/// Until a connection stands, TLS included. A server in another region takes half a second.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Until the first byte of an answer. S3 answers within a second; listing a bucket of many delete
/// markers may take ten.
pub const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// How often a request is tried. Between two tries the SDK waits up to 1, 2, 4, 8 seconds, by
/// chance, which is longer than S3 takes to grow with a new load as a rule.
pub const TRIES_MAX: u32 = 5;

/// Threads that speak to the network. Two: one core moves more than a gigabyte a second, TLS
/// included, and these threads wait most of the time.
const NETWORK_THREADS: usize = 2;

/// The region where none is configured: S3 answers there for every bucket, if only to tell its
/// region.
const REGION_DEFAULT: &str = "us-east-1";

/// How a user wants AWS to be reached; what is not given comes from the environment and the shared
/// configuration files, as with the AWS CLI.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// The profile in the shared configuration files.
    pub profile: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// Another server than AWS's.
    pub endpoint_url: Option<String>,
    /// Whether the requester of an object pays for the request and the transfer.
    pub requester_pays: bool,
}

/// A way to AWS; cloned cheaply.
#[derive(Clone)]
pub struct Session {
    shared: Arc<Shared>,
}

struct Shared {
    runtime: Runtime,
    config: SdkConfig,
    s3: aws_sdk_s3::Client,
    requester_pays: bool,
    is_aws: bool,
}

impl fmt::Debug for Session {
    /// Shows no configuration: it may hold credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("is_aws", &self.shared.is_aws).finish_non_exhaustive()
    }
}

impl Session {
    /// Reads the configuration, and starts the threads that speak to the network. No request is
    /// made: credentials are first looked for with the first request.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn new(options: &Options) -> Result<Self, AwsError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(NETWORK_THREADS)
            .thread_name("s3sieve-network")
            .enable_all()
            .build()
            .map_err(|error| AwsError::no_runtime(&error))?;
        let config = runtime.block_on(load(options));
        let is_aws = config.endpoint_url().is_none() && env::var_os(S3_ENDPOINT_VARIABLE).is_none();
        let s3 = aws_sdk_s3::config::Builder::from(&config)
            // Other servers have no host name for each bucket.
            .force_path_style(!is_aws)
            // Of a part of an object nothing can be checked, and whole files have their MD5.
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .build();
        let s3 = aws_sdk_s3::Client::from_conf(s3);
        let requester_pays = options.requester_pays;
        let shared = Shared { runtime, config, s3, requester_pays, is_aws };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// What clients of other services are made from.
    #[must_use]
    pub fn config(&self) -> &SdkConfig {
        &self.shared.config
    }

    /// The client for S3.
    #[must_use]
    pub fn s3(&self) -> &aws_sdk_s3::Client {
        &self.shared.s3
    }

    /// The region that requests are signed for.
    #[must_use]
    pub fn region(&self) -> &str {
        self.config().region().map_or(REGION_DEFAULT, AsRef::as_ref)
    }

    /// Whether requests go to AWS itself, rather than to a server that the user named.
    #[must_use]
    pub fn is_aws(&self) -> bool {
        self.shared.is_aws
    }

    /// Who pays, as requests for objects say it.
    #[must_use]
    pub fn request_payer(&self) -> Option<RequestPayer> {
        self.shared.requester_pays.then_some(RequestPayer::Requester)
    }

    /// Waits for an answer. Not to be called on the session's own threads.
    pub fn wait<F: Future>(&self, future: F) -> F::Output {
        self.shared.runtime.block_on(future)
    }

    /// Runs a future on the session's threads.
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.shared.runtime.spawn(future)
    }

    /// For what runs on the session's threads and starts more.
    #[must_use]
    pub fn handle(&self) -> &Handle {
        self.shared.runtime.handle()
    }
}

/// The environment variable that names another server for S3 alone.
const S3_ENDPOINT_VARIABLE: &str = "AWS_ENDPOINT_URL_S3";

/// The configuration by the SDK's default chain: options, environment, shared files (SSO and
/// credential processes among them), the machine's role.
async fn load(options: &Options) -> SdkConfig {
    let timeouts =
        TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT);
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .timeout_config(timeouts.build())
        // Bodies are watched by who reads them.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .retry_config(RetryConfig::standard().with_max_attempts(TRIES_MAX));
    if let Some(profile) = &options.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(url) = &options.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    if let Some(region) = &options.region {
        loader = loader.region(Region::new(region.clone()));
    }
    let config = loader.load().await;
    if config.region().is_some() {
        return config;
    }
    config.into_builder().region(Region::from_static(REGION_DEFAULT)).build()
}
