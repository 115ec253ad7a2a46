//! How AWS is reached: configuration, credentials, a runtime on threads of its own, and what its
//! errors mean for a person.
//!
//! | module | what |
//! |---|---|
//! | `options` | how a user wants AWS to be reached |
//! | `settings` | environment variables and profiles, read as the AWS CLI reads them |
//! | `endpoint` | servers that the user named instead of AWS's |
//! | `regions` | requests that follow a bucket into its region |
//! | `trust` | a CA bundle instead of the system's |
//! | `buffers` | memory for what comes |
//! | `silence` | servers that don't answer: how long is waited, and what is said |
//! | `error` | what AWS refused, for a person |
//!
//! The only place that makes SDK clients' configuration. Layers above take a client from here, wait
//! for its answers with [`Session::wait`], and turn its errors into [`AwsError`]s.
//!
//! Never knows what is asked of AWS, nor why.

mod buffers;
mod endpoint;
mod error;
mod options;
mod regions;
mod settings;
mod silence;
mod trust;

use std::fmt;
use std::future::Future;
use std::io;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::ResponseChecksumValidation;
use aws_sdk_s3::types::RequestPayer;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

pub(crate) use endpoint::Endpoint;
use endpoint::Endpoints;
pub(crate) use error::{AwsError, AwsErrorKind};
pub use options::AwsOptions;
pub(crate) use options::{ANSWER_TIMEOUT, TRIES_MAX};
use regions::FollowRegions;
use settings::AwsSettings;
use silence::AnswerTimeout;

/// Threads that speak to the network, unless fewer are allowed. Two: one core moves more than a
/// gigabyte a second, TLS included, and these threads wait most of the time.
const NETWORK_THREADS: usize = 2;

/// Threads for what can't be waited for otherwise, as names of hosts being looked up: hundreds
/// would be started for hundreds of connections, and all ask the same server.
const WAITING_THREADS_MAX: usize = 2;

/// The region where none is configured: S3 answers there for every bucket, if only to tell its
/// region.
const REGION_DEFAULT: &str = "us-east-1";

/// A way to AWS; cloned cheaply.
#[derive(Clone)]
pub struct Session {
    shared: Arc<SharedConfig>,
}

struct SharedConfig {
    runtime: Runtime,
    config: SdkConfig,
    s3: aws_sdk_s3::Client,
    requester_pays: bool,
    endpoints: Endpoints,
    region: Option<String>,
    tries: Option<u32>,
    answer_timeout: Duration,
}

impl fmt::Debug for Session {
    /// Shows no configuration: it may hold credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("is_aws", &self.is_aws()).finish_non_exhaustive()
    }
}

impl Session {
    /// Reads the configuration, and starts the threads that speak to the network. No request is
    /// made: credentials are first looked for with the first request.
    ///
    /// # Errors
    /// When the system gives no threads, or the configuration is wrong: a profile that is not
    /// there, a malformed URL, a CA bundle that can't be read.
    pub fn new(options: &AwsOptions) -> Result<Self, AwsError> {
        let allowed = options.threads.map_or(usize::MAX, NonZeroUsize::get);
        let threads = NETWORK_THREADS.min(allowed);
        buffers::keep_freed();
        ensure_threads(threads).map_err(|error| AwsError::no_runtime(&error))?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .max_blocking_threads(WAITING_THREADS_MAX.min(allowed))
            .thread_name("s3sieve-network")
            .enable_all()
            .build()
            .map_err(|error| AwsError::no_runtime(&error))?;
        let settings = runtime.block_on(AwsSettings::read(options.profile.as_deref()))?;
        let endpoints = Endpoints::find(options, &settings)?;
        let region = match &options.region {
            Some(region) => Some(region.clone()),
            None => runtime.block_on(settings.region()),
        };
        let tries = settings.tries()?;
        let signed_for = Region::new(region.clone().unwrap_or_else(|| REGION_DEFAULT.to_owned()));
        let config = runtime.block_on(load(options, &settings, &endpoints, signed_for))?;
        let s3 = s3_client(&config, &endpoints);
        let requester_pays = options.requester_pays;
        let answer_timeout = options.answer_timeout();
        let shared = SharedConfig {
            runtime,
            config,
            s3,
            requester_pays,
            endpoints,
            region,
            tries,
            answer_timeout,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// What clients of other services are made from. A client of S3 Control also needs
    /// [`Session::control_endpoint`].
    #[must_use]
    pub fn config(&self) -> &SdkConfig {
        &self.shared.config
    }

    /// The client for S3. Its requests follow a bucket into the region that the bucket is in.
    #[must_use]
    pub fn s3(&self) -> &aws_sdk_s3::Client {
        &self.shared.s3
    }

    /// The region that was asked for, or that the environment or the profile names; `None` if none
    /// does.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.shared.region.as_deref()
    }

    /// How often a request is tried, where the user has set that.
    #[must_use]
    pub fn tries(&self) -> Option<u32> {
        self.shared.tries
    }

    /// How long a request waits for an answer, in all its tries together.
    #[must_use]
    pub fn answer_timeout(&self) -> Duration {
        self.shared.answer_timeout
    }

    /// Whether requests for S3 go to AWS itself, rather than to a server that the user named.
    #[must_use]
    pub fn is_aws(&self) -> bool {
        self.s3_endpoint().is_none()
    }

    /// The server for S3, if the user named one.
    #[must_use]
    pub fn s3_endpoint(&self) -> Option<&Endpoint> {
        self.shared.endpoints.s3.as_ref()
    }

    /// The server for S3 Control, if the user named one.
    #[must_use]
    pub fn control_endpoint(&self) -> Option<&Endpoint> {
        self.shared.endpoints.control.as_ref()
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

/// Makes sure that the system gives as many threads as the runtime begins with, and one more for
/// the names of hosts: it panics where it gets none.
fn ensure_threads(network_threads: usize) -> io::Result<()> {
    let (until, end) = mpsc::channel::<()>();
    let end = Mutex::new(end);
    thread::scope(|scope| {
        // All at the same time: each waits until all have begun.
        let until = until;
        for _ in 0..=network_threads {
            let wait = || {
                let _ = end.lock().unwrap_or_else(PoisonError::into_inner).recv();
            };
            thread::Builder::new().spawn_scoped(scope, wait)?;
        }
        drop(until);
        Ok(())
    })
}

/// The configuration by the SDK's default chain: options, environment, shared files (SSO and
/// credential processes among them), the machine's role.
async fn load(
    options: &AwsOptions,
    settings: &AwsSettings,
    endpoints: &Endpoints,
    region: Region,
) -> Result<SdkConfig, AwsError> {
    let patience =
        AnswerTimeout::new(options.answer_timeout(), settings.tries()?.unwrap_or(TRIES_MAX));
    let timeouts =
        TimeoutConfig::builder().connect_timeout(patience.connect()).read_timeout(patience.read());
    let client = trust::http_client(settings.ca_bundle().as_ref())?;
    let client = silence::watched(client, patience, options.on_late);
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .timeout_config(timeouts.build())
        // Bodies are watched by who reads them.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .retry_config(settings.retry_config()?)
        .region(region.clone())
        .http_client(client.clone());
    if let Some(profile) = &options.profile {
        let provider = settings::credentials_of(profile, region, client);
        loader = loader.profile_name(profile).credentials_provider(provider);
    }
    if options.endpoint_url.is_some()
        && let Some(endpoint) = &endpoints.s3
    {
        loader = loader.endpoint_url(&endpoint.url);
    }
    Ok(loader.load().await)
}

fn s3_client(config: &SdkConfig, endpoints: &Endpoints) -> aws_sdk_s3::Client {
    let follow = FollowRegions::default();
    let mut builder = aws_sdk_s3::config::Builder::from(config)
        // Other servers have no host name for each bucket.
        .force_path_style(endpoints.s3.is_some())
        // Of a part of an object nothing can be checked, and whole files have their MD5.
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .endpoint_resolver(follow.clone())
        .interceptor(follow.clone())
        .retry_classifier(follow);
    // The SDK puts the bucket right behind the path, which must end in a slash.
    builder.set_endpoint_url(endpoints.s3.as_ref().map(|endpoint| format!("{}/", endpoint.url)));
    aws_sdk_s3::Client::from_conf(builder.build())
}
