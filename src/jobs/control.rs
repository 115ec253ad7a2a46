//! S3 Control: the calls that create, list and steer jobs, and what their answers say.
//!
//! Never knows a plan or a journal.

use aws_sdk_s3control::Client;
use aws_sdk_s3control::config::Builder;
use aws_sdk_s3control::error::ProvideErrorMetadata;
use aws_sdk_s3control::primitives::DateTime;
use aws_sdk_s3control::types::{
    JobDescriptor, JobListDescriptor, JobProgressSummary, RequestedJobStatus,
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::create_job::create_job_input;
use super::endpoint::{AwsOnlyGuard, ControlEndpoint, FixedEndpoint};
use super::members::RequestError;
use crate::aws::{AwsError, Session};
use crate::operation::bucket;

/// Jobs in an answer of `ListJobs` at most (API, `MaxResults`).
const PAGE_JOBS_MAX: i32 = 1000;

/// Pages that are read at most: 200,000 jobs in 90 days, twice what a plan may have.
const PAGES_MAX: usize = 200;

/// The member of a job's operation whose jobs are sent to AWS only.
const UPDATE_ENCRYPTION: &str = "S3UpdateObjectEncryption";

/// The code of a token that was used for another request (API, `IdempotencyException`).
const OTHER_REQUEST: &str = "IdempotencyException";

/// A job as AWS shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JobView {
    /// Its id.
    pub job_id: String,
    /// Its description.
    pub description: String,
    /// Its state, as the API's `JobStatus` names it.
    pub status: String,
    /// Its priority.
    pub priority: i32,
    /// Its tasks: one for each row of its manifest; 0 until the manifest was read.
    pub tasks: u64,
    /// Of those, how many succeeded.
    pub succeeded: u64,
    /// Of those, how many failed.
    pub failed: u64,
    /// How long it has been active, in seconds.
    pub active_seconds: u64,
    /// When it was created.
    pub created: Option<Timestamp>,
}

impl JobView {
    /// Whether it never leaves its state (API, `JobStatus`).
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.status.as_str(), "Complete" | "Cancelled" | "Failed")
    }

    /// Whether it waits for confirmation.
    #[must_use]
    pub fn is_suspended(&self) -> bool {
        self.status == "Suspended"
    }
}

/// What only a description of a single job tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobDetail {
    /// `ObjectArn` of its manifest.
    pub manifest: String,
    /// Why it failed: code and reason.
    pub reasons: Vec<(String, String)>,
    /// Where its completion report goes: bucket and prefix.
    pub report: Option<(String, String)>,
    /// The rest.
    pub view: JobView,
}

/// Why a job can't be created.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The SDK doesn't know the request.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// There is a job with the request's token, which was made from another request.
    #[error(
        "AWS has a job with this ClientRequestToken already, made from a request that differs from \
         this one ({detail}). The token stands for all of the request but the ETag, so the request \
         was sent by hand with another ETag, be it only with the quotes that S3 puts around one. \
         `aws s3control list-jobs` shows that job, described as `{description}`: go on with it, or \
         cancel it and submit a copy of the plan's folder without its jobs.jsonl, with another \
         --description"
    )]
    OtherRequest {
        /// The description in the request.
        description: String,
        /// What AWS said.
        detail: String,
    },
    /// AWS refused it.
    #[error(transparent)]
    Aws(#[from] AwsError),
}

/// The client, for the jobs of one account.
#[derive(Debug, Clone)]
pub struct JobControl {
    session: Session,
    client: Client,
    /// Sends jobs that update encryption, to AWS or a trusted double and nowhere else.
    guarded: Client,
    account_id: String,
    endpoint: Option<ControlEndpoint>,
}

impl JobControl {
    /// A client for the jobs of an account, at AWS or another endpoint.
    #[must_use]
    pub fn new(session: &Session, account_id: &str, endpoint: Option<ControlEndpoint>) -> Self {
        let mut config = Builder::from(session.config());
        if let Some(endpoint) = &endpoint {
            config = config.endpoint_resolver(FixedEndpoint(endpoint.url.clone()));
        }
        let trusted = endpoint.as_ref().is_some_and(|endpoint| endpoint.trusted);
        let guarded = config.clone().interceptor(AwsOnlyGuard { trusted });
        Self {
            session: session.clone(),
            client: Client::from_conf(config.build()),
            guarded: Client::from_conf(guarded.build()),
            account_id: account_id.to_owned(),
            endpoint,
        }
    }

    /// Whether it speaks to a server on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.endpoint.as_ref().is_some_and(ControlEndpoint::is_loopback)
    }

    /// Creates a job, and gives its id. The same request gives the same job, for as long as AWS
    /// remembers its token.
    ///
    /// # Errors
    /// When the request can't be sent, or AWS refuses it.
    pub fn create(&self, request: &Value) -> Result<String, CreateError> {
        let input = create_job_input(request)?;
        let is_update = request["Operation"].get(UPDATE_ENCRYPTION).is_some();
        let client = if is_update { &self.guarded } else { &self.client };
        let action = "create the job";
        let answer = self.session.wait(input.send_with(client));
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) if error.code() == Some(OTHER_REQUEST) => {
                return Err(CreateError::OtherRequest {
                    description: request["Description"].as_str().unwrap_or_default().to_owned(),
                    detail: AwsError::new(action, &error).detail,
                });
            }
            Err(error) => return Err(AwsError::new(action, &error).into()),
        };
        let id = answer.job_id.filter(|id| !id.is_empty());
        Ok(id.ok_or_else(|| AwsError::other(action, "the answer names no job"))?)
    }

    /// Shows the jobs of the account that `wanted` is true of, newest first, until it says that no
    /// more are wanted.
    ///
    /// # Errors
    /// When AWS refuses.
    pub fn list(
        &self,
        mut wanted: impl FnMut(&JobView) -> JobFilter,
    ) -> Result<Vec<JobView>, AwsError> {
        let mut found = Vec::new();
        let mut token = None;
        for _ in 0..PAGES_MAX {
            let call = self.client.list_jobs().account_id(&self.account_id);
            let call = call.max_results(PAGE_JOBS_MAX).set_next_token(token);
            let page = self.session.wait(call.send());
            let page = page.map_err(|error| AwsError::new("list the jobs", &error))?;
            for job in page.jobs.unwrap_or_default() {
                let view = listed(job);
                match wanted(&view) {
                    JobFilter::Yes => found.push(view),
                    JobFilter::No => {}
                    JobFilter::YesAndNoMore => {
                        found.push(view);
                        return Ok(found);
                    }
                }
            }
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                break;
            }
        }
        Ok(found)
    }

    /// Describes a job; `None` where AWS knows none of that id. It may not know a new one yet.
    ///
    /// # Errors
    /// When AWS refuses.
    pub fn describe(&self, job_id: &str) -> Result<Option<JobDetail>, AwsError> {
        let call = self.client.describe_job().account_id(&self.account_id).job_id(job_id);
        match self.session.wait(call.send()) {
            Ok(answer) => Ok(answer.job.map(described)),
            Err(error) if error.code() == Some("NoSuchJob") => Ok(None),
            Err(error) => Err(AwsError::new(format!("look at job {job_id}"), &error)),
        }
    }

    /// Lets a suspended job run, or ends one before it is done.
    ///
    /// # Errors
    /// When AWS refuses: the job is in a state that doesn't allow it, for example.
    pub fn request_status(&self, job_id: &str, run: bool) -> Result<(), AwsError> {
        let status = if run { RequestedJobStatus::Ready } else { RequestedJobStatus::Cancelled };
        let action = if run { "confirm" } else { "cancel" };
        let call = self.client.update_job_status().account_id(&self.account_id).job_id(job_id);
        let answer = self.session.wait(call.requested_job_status(status).send());
        answer.map(|_| ()).map_err(|error| AwsError::new(format!("{action} job {job_id}"), &error))
    }

    /// Gives a job another priority.
    ///
    /// # Errors
    /// When AWS refuses.
    pub fn set_priority(&self, job_id: &str, priority: i32) -> Result<(), AwsError> {
        let call = self.client.update_job_priority().account_id(&self.account_id).job_id(job_id);
        let answer = self.session.wait(call.priority(priority).send());
        let action = || format!("give job {job_id} another priority");
        answer.map(|_| ()).map_err(|error| AwsError::new(action(), &error))
    }
}

/// Whether a listed job is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobFilter {
    /// It is.
    Yes,
    /// It is not.
    No,
    /// It is, and it is the last one.
    YesAndNoMore,
}

fn listed(job: JobListDescriptor) -> JobView {
    let view = JobView {
        job_id: job.job_id.unwrap_or_default(),
        description: job.description.unwrap_or_default(),
        status: job.status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
        priority: job.priority,
        tasks: 0,
        succeeded: 0,
        failed: 0,
        active_seconds: 0,
        created: job.creation_time.as_ref().and_then(timestamp),
    };
    with_progress(view, job.progress_summary.as_ref())
}

fn described(job: JobDescriptor) -> JobDetail {
    let manifest = job.manifest.and_then(|manifest| manifest.location);
    let reasons = job.failure_reasons.unwrap_or_default();
    let reasons = reasons.into_iter().map(|failure| {
        (failure.failure_code.unwrap_or_default(), failure.failure_reason.unwrap_or_default())
    });
    // What a list tells, too, is read in one way.
    let told = JobListDescriptor::builder()
        .set_job_id(job.job_id)
        .set_description(job.description)
        .set_status(job.status)
        .priority(job.priority)
        .set_creation_time(job.creation_time)
        .set_progress_summary(job.progress_summary)
        .build();
    JobDetail {
        manifest: manifest.map(|location| location.object_arn).unwrap_or_default(),
        reasons: reasons.collect(),
        report: job.report.and_then(|report| {
            let bucket = report.bucket?;
            let name = bucket::name_in_arn(&bucket).to_owned();
            Some((name, report.prefix.unwrap_or_default()))
        }),
        view: listed(told),
    }
}

fn with_progress(view: JobView, progress: Option<&JobProgressSummary>) -> JobView {
    let count = |number: Option<i64>| number.and_then(|number| number.try_into().ok());
    let Some(progress) = progress else { return view };
    let timers = progress.timers.as_ref();
    JobView {
        tasks: count(progress.total_number_of_tasks).unwrap_or(0),
        succeeded: count(progress.number_of_tasks_succeeded).unwrap_or(0),
        failed: count(progress.number_of_tasks_failed).unwrap_or(0),
        active_seconds: count(timers.and_then(|t| t.elapsed_time_in_active_seconds)).unwrap_or(0),
        ..view
    }
}

fn timestamp(time: &DateTime) -> Option<Timestamp> {
    Timestamp::from_second(time.secs()).ok()
}
