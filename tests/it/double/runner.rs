//! The jobs move: a step for each, again and again.

use std::sync::Arc;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;

use super::front::{Shared, decode};
use super::manifest;
use super::report::{self, Fault};
use super::state::{Job, Status, Task};

/// An account's active jobs at a time (UG, "Performing object operations in bulk").
const ACTIVE_JOBS_MAX: usize = 6;

/// From so many tasks on, a job fails once more than half of them failed (UG, "Tracking job status
/// and completion reports").
const THRESHOLD_TASKS: usize = 1000;

pub async fn run(shared: Arc<Shared>) {
    loop {
        tokio::time::sleep(shared.options.pace).await;
        let count = shared.state.lock().unwrap().jobs.len();
        for place in 0..count {
            step(&shared, place).await;
        }
        admit(&shared);
    }
}

/// Lets ready jobs begin, those with the highest priority first.
fn admit(shared: &Shared) {
    let mut state = shared.state.lock().unwrap();
    let active = state.jobs.iter().filter(|job| job.status.is_active()).count();
    let mut ready: Vec<&mut Job> =
        state.jobs.iter_mut().filter(|job| job.status == Status::Ready).collect();
    ready.sort_by_key(|job| (-job.priority, job.created));
    for job in ready.into_iter().take(ACTIVE_JOBS_MAX.saturating_sub(active)) {
        job.enter(Status::Active);
    }
}

async fn step(shared: &Shared, place: usize) {
    let job = shared.state.lock().unwrap().jobs[place].clone();
    match job.status {
        Status::New => enter(shared, place, Status::Preparing),
        Status::Preparing => prepare(shared, place, &job).await,
        Status::Active => work(shared, place, &job).await,
        Status::Completing => end(shared, place, &job, Status::Complete).await,
        Status::Cancelling => end(shared, place, &job, Status::Cancelled).await,
        Status::Failing => end(shared, place, &job, Status::Failed).await,
        _ => {}
    }
}

/// Moves a job on, unless somebody cancelled it meanwhile.
fn enter(shared: &Shared, place: usize, status: Status) {
    let job = &mut shared.state.lock().unwrap().jobs[place];
    if job.status != Status::Cancelling {
        job.enter(status);
    }
}

async fn end(shared: &Shared, place: usize, job: &Job, status: Status) {
    report::write(shared, job).await;
    shared.state.lock().unwrap().jobs[place].enter(status);
}

async fn prepare(shared: &Shared, place: usize, job: &Job) {
    let tasks = match tasks(shared, job).await {
        Ok(tasks) => tasks,
        Err((code, reason)) => {
            shared.state.lock().unwrap().jobs[place].fail(code, &reason);
            return;
        }
    };
    let next = if job.request.confirmation { Status::Suspended } else { Status::Ready };
    shared.state.lock().unwrap().jobs[place].tasks = tasks;
    enter(shared, place, next);
}

async fn tasks(shared: &Shared, job: &Job) -> Result<Vec<Task>, (&'static str, String)> {
    {
        let state = shared.state.lock().unwrap();
        let role = &state.roles[&job.request.role];
        if !role.trust.contains("batchoperations.s3.amazonaws.com") {
            return Err(("AccessDenied", "Failed to assume the role".to_owned()));
        }
        let how = state.encryption.get(&job.request.manifest).map_or("", String::as_str);
        if how != "AES256" && !job.request.is_inventory {
            let reason = "Reading the manifest is forbidden: 403 Forbidden (not SSE-S3)";
            return Err(("ManifestForbidden", reason.to_owned()));
        }
    }
    let (bucket, key) = job.request.manifest.split_once('/').unwrap();
    let got = shared.client.get_object().bucket(bucket).key(key).send().await;
    let got = got.map_err(|_| ("ManifestNotFound", "there is no such manifest".to_owned()))?;
    if got.e_tag().map(|etag| etag.trim_matches('"')) != Some(&job.request.etag) {
        return Err(("ManifestETagMismatch", "The manifest's ETag has changed".to_owned()));
    }
    let bytes = got.body.collect().await.unwrap().to_vec();
    let tasks = if job.request.is_inventory {
        report_tasks(shared, &bytes).await
    } else {
        manifest::read(&bytes, &job.request.fields)
    };
    tasks.map_err(|wrong| ("InvalidManifestContent", wrong))
}

/// The tasks of an inventory report: the rows of its data files, every field quoted.
async fn report_tasks(shared: &Shared, manifest: &[u8]) -> Result<Vec<Task>, String> {
    let report = manifest::Report::read(manifest)?;
    let mut lines = String::new();
    for (key, sum) in &report.files {
        let got = shared.client.get_object().bucket(&report.bucket).key(key).send().await;
        let got = got.map_err(|_| format!("there is no data file {key}"))?;
        lines += &manifest::data_file(&got.body.collect().await.unwrap().to_vec(), sum)?;
    }
    manifest::read(lines.as_bytes(), &report.columns)
}

async fn work(shared: &Shared, place: usize, job: &Job) {
    let end = job.tasks.len().min(job.done + shared.options.tasks_per_step);
    for task in &job.tasks[job.done..end] {
        let fault = match injected(shared, task) {
            Some(fault) => Some(fault),
            None => act(shared, job, task).await,
        };
        let row = report::row(task, &fault, shared.options.code_first);
        let job = &mut shared.state.lock().unwrap().jobs[place];
        job.done += 1;
        job.rows.push((fault.is_none(), row));
        match fault {
            None => job.succeeded += 1,
            Some(_) => job.failed += 1,
        }
        if job.done >= THRESHOLD_TASKS && job.failed * 2 > job.done {
            let reason = "The job exceeded the failure threshold of 50 %";
            job.fail("FailureThresholdExceeded", reason);
            return;
        }
        if job.status == Status::Cancelling {
            return;
        }
    }
    if end == job.tasks.len() {
        enter(shared, place, Status::Completing);
    }
}

fn injected(shared: &Shared, task: &Task) -> Fault {
    let mut state = shared.state.lock().unwrap();
    for (place, failure) in shared.options.failures.iter().enumerate() {
        let strikes = task.key.contains(failure.key_part)
            && (!failure.once || state.struck.insert((place, task.key.clone())));
        if strikes {
            return Some((failure.code.to_owned(), failure.status, failure.message.to_owned()));
        }
    }
    None
}

async fn act(shared: &Shared, job: &Job, task: &Task) -> Fault {
    let key = String::from_utf8(decode(&task.key).unwrap()).unwrap();
    match (job.request.operation.as_str(), &job.request.target) {
        ("S3PutObjectCopy", Some((bucket, prefix))) => {
            let source = format!("{}/{}", task.bucket, encode(&key));
            let copy = shared.client.copy_object().copy_source(source);
            fault(copy.bucket(bucket).key(format!("{prefix}{key}")).send().await)
        }
        (operation, _) => {
            let head = shared.client.head_object().bucket(&task.bucket).key(&key).send().await;
            let fault = fault(head);
            if fault.is_none() && operation == "S3UpdateObjectEncryption" {
                let object = (task.bucket.clone(), key, task.version.clone());
                shared.state.lock().unwrap().updated.insert(object);
            }
            fault
        }
    }
}

/// A key in a header.
fn encode(key: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let letter =
        |byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    key.bytes().map(letter).collect()
}

fn fault<T, E, R>(result: Result<T, SdkError<E, R>>) -> Fault
where
    E: ProvideErrorMetadata,
    SdkError<E, R>: RequestId,
{
    let error = result.err()?;
    let code = error.code().unwrap_or("NoSuchKey").to_owned();
    let code = if code == "NotFound" { "NoSuchKey".to_owned() } else { code };
    let status = if code == "NoSuchKey" { 404 } else { 500 };
    let message = format!("{code} (Service: Amazon S3; Status Code: {status}, \"as said\")");
    Some((code, status, message))
}
