//! What the double holds: jobs, settings of buckets, roles, and how it is to misbehave.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;

use super::needs::Needs;
use super::versions::Versions;

/// Characters in the reason of a failure (API, `JobFailureReason`).
const REASON_CHARS_MAX: usize = 256;

/// How the double is to behave.
#[derive(Debug, Clone)]
pub struct Options {
    /// Between two steps of each job.
    pub pace: Duration,
    /// Tasks that an active job does in a step at most.
    pub tasks_per_step: usize,
    /// Decides which jobs move in a step and how far, and the order of tasks.
    pub seed: u64,
    /// How many looks at a new job don't see it yet.
    pub blind_looks: u32,
    /// Every so many requests to S3 Control are answered with "too many"; none with 0.
    pub throttle_every: u64,
    /// Whether completion reports hold the error's code before the HTTP status, as their schema
    /// says, or after it, as they are delivered.
    pub code_first: bool,
    /// Whether the rows of a completion report stand in the order in which the tasks were done,
    /// or in the manifest's.
    pub shuffled_reports: bool,
    /// Rows in a file of a completion report at most.
    pub report_rows_max: usize,
    /// Tasks that fail: a part of the key, and how.
    pub failures: Vec<Failure>,
    /// API actions that are denied, such as `iam:GetRole`.
    pub denied: Vec<&'static str>,
    /// What goes wrong with single jobs.
    pub job_faults: Vec<JobFault>,
    /// Every so many requests to S3 Control, the connection is cut without an answer: by turns
    /// before the request has an effect and after it; none with 0.
    pub cut_every: u64,
    /// From which request to S3 Control on all are answered with 503, and for how long.
    pub storm: Option<(u64, Duration)>,
    /// Whether jobs may do what their role's policies allow, and nothing else.
    pub enforce_role: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            pace: Duration::from_millis(5),
            tasks_per_step: 500,
            seed: 0,
            blind_looks: 0,
            throttle_every: 0,
            code_first: false,
            shuffled_reports: false,
            report_rows_max: 1000,
            failures: Vec::new(),
            denied: Vec::new(),
            job_faults: Vec::new(),
            cut_every: 0,
            storm: None,
            enforce_role: false,
        }
    }
}

/// What goes wrong with some jobs.
#[derive(Debug, Clone)]
pub struct JobFault {
    /// Which jobs, in the order in which they were created: 0 is the first.
    pub jobs: std::ops::Range<usize>,
    pub what: Trouble,
}

/// What goes wrong with a job.
#[derive(Debug, Clone)]
pub enum Trouble {
    /// Its manifest can't be read until `State::granted` is set: it fails before any task ran.
    ManifestForbidden,
    /// It stops after so many tasks, until `State::released` is set.
    HeldAfter(usize),
    /// Some of its tasks fail.
    Tasks(Failure),
    /// Once it has ended, nobody knows it any more.
    Forgotten,
}

/// A way for tasks to fail.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Tasks whose key, as the manifest holds it, contains this.
    pub key_part: &'static str,
    pub code: &'static str,
    pub status: u16,
    pub message: &'static str,
    /// Whether the failure passes: it strikes the first task of each key, whatever the job.
    pub once: bool,
}

/// The states of the API's `JobStatus` that this double goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    New,
    Preparing,
    Suspended,
    Ready,
    Active,
    Completing,
    Complete,
    Cancelling,
    Cancelled,
    Failing,
    Failed,
}

impl Status {
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Complete | Self::Cancelled | Self::Failed)
    }

    /// Whether it counts among the active jobs of an account.
    pub fn is_active(self) -> bool {
        matches!(self, Self::Active | Self::Completing | Self::Cancelling | Self::Failing)
    }
}

/// A task: a row of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    pub bucket: String,
    /// As the manifest holds it.
    pub key: String,
    pub version: String,
}

/// What a request asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// The request's XML.
    pub body: String,
    pub confirmation: bool,
    pub description: String,
    pub token: String,
    pub role: String,
    /// `bucket/key` of the manifest.
    pub manifest: String,
    pub etag: String,
    /// Whether the manifest is an inventory report's.
    pub is_inventory: bool,
    /// The columns of a CSV manifest.
    pub fields: Vec<String>,
    pub operation: String,
    /// `TargetResource` and `TargetKeyPrefix` of a copy.
    pub target: Option<(String, String)>,
    /// The actions that its role must be allowed.
    pub needs: Needs,
    pub report_bucket: String,
    pub report_prefix: String,
    pub all_tasks: bool,
    /// `Manifest`, `Operation` and `Report` as they came.
    pub echoed: String,
}

/// A job.
#[derive(Debug, Clone)]
pub struct Job {
    pub id: String,
    pub request: Request,
    pub priority: i64,
    pub status: Status,
    /// Every status that it was in.
    pub history: Vec<Status>,
    /// In the order in which they are done.
    pub tasks: Vec<Task>,
    /// The row of each in the manifest.
    pub order: Vec<usize>,
    pub done: usize,
    pub succeeded: usize,
    pub failed: usize,
    /// Rows of the completion report: status and the row.
    pub rows: Vec<(bool, String)>,
    pub reasons: Vec<(String, String)>,
    pub created: Timestamp,
    pub ended: Option<Timestamp>,
    /// Looks that don't see it yet.
    pub blind_looks: u32,
    /// What goes wrong with it.
    pub troubles: Vec<Trouble>,
}

impl Job {
    /// Whether it is among the jobs that AWS tells of.
    pub fn is_forgotten(&self) -> bool {
        let forgotten = self.troubles.iter().any(|what| matches!(what, Trouble::Forgotten));
        forgotten && self.status.is_terminal()
    }

    /// After how many tasks it is to stop.
    pub fn held_after(&self) -> Option<usize> {
        self.troubles.iter().find_map(|what| match what {
            Trouble::HeldAfter(tasks) => Some(*tasks),
            _ => None,
        })
    }

    pub fn enter(&mut self, status: Status) {
        self.status = status;
        self.history.push(status);
        if status.is_terminal() {
            self.ended = Some(Timestamp::now());
        }
    }

    pub fn fail(&mut self, code: &str, reason: &str) {
        let reason = reason.chars().take(REASON_CHARS_MAX).collect();
        self.reasons.push((code.to_owned(), reason));
        self.enter(Status::Failing);
    }
}

/// A role.
#[derive(Debug, Clone, Default)]
pub struct Role {
    pub trust: String,
    /// As `/team/`; empty for `/`.
    pub path: String,
    /// Inline policies by name.
    pub policies: BTreeMap<String, String>,
}

impl Role {
    pub fn trusting(service: &str) -> Self {
        let trust = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":
            {{"Service":"{service}.amazonaws.com"}},"Action":"sts:AssumeRole"}}]}}"#
        );
        Self { trust, ..Self::default() }
    }
}

/// All of it.
#[derive(Debug, Default)]
pub struct State {
    pub jobs: Vec<Job>,
    /// Bucket to region.
    pub regions: BTreeMap<String, String>,
    /// Bucket and subresource (`encryption`, `inventory&id=x`) to XML.
    pub settings: BTreeMap<(String, String), String>,
    /// How an object was asked to be encrypted, by `bucket/key`.
    pub encryption: BTreeMap<String, String>,
    /// Objects whose encryption a job has changed: bucket, key, version.
    pub updated: BTreeSet<(String, String, String)>,
    pub roles: BTreeMap<String, Role>,
    /// Method and path of every request to S3 Control.
    pub control_requests: Vec<String>,
    /// Method and path of every upload to the S3 server.
    pub uploads: Vec<String>,
    /// Path of every object that was asked for with GET, but by the double itself.
    pub downloads: Vec<String>,
    /// Whether what the options deny is allowed by now.
    pub granted: bool,
    /// Whether jobs that are held go on by now.
    pub released: bool,
    /// Until when all requests to S3 Control are answered with 503.
    pub storm_until: Option<Instant>,
    /// What the caller may do; everything where there is no policy.
    pub submitter: Option<Value>,
    /// The versioned buckets.
    pub versions: Versions,
    /// The KMS key of an object, by `bucket/key`, where an upload named one.
    pub object_keys: BTreeMap<String, String>,
    /// What is wrong with the double itself: answers that don't fit the model.
    pub faults: Vec<String>,
    /// Keys that a passing failure has struck.
    pub struck: BTreeSet<String>,
}
