//! The jobs move: of all that can, a random half does a step, in random order, again and again. So
//! they run at the same time as far as a client can see, and any may overtake any other.

use std::sync::Arc;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;
use aws_sdk_s3::primitives::ByteStream;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use serde_json::Value;

use super::access::{self, Asked};
use super::front::{Shared, decode};
use super::manifest;
use super::report::{self, Fault};
use super::state::{Job, State, Status, Task, Trouble};

/// An account's active jobs at a time (UG, "Performing object operations in bulk").
const ACTIVE_JOBS_MAX: usize = 6;

/// From so many tasks on, a job fails once more than half of them failed (UG, "Tracking job status
/// and completion reports").
const THRESHOLD_TASKS: usize = 1000;

/// Why a job whose manifest can't be read fails.
const FORBIDDEN: (&str, &str) =
    ("ManifestForbidden", "Reading the manifest is forbidden: 403 Forbidden");

pub async fn run(shared: Arc<Shared>) {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(shared.options.seed);
    loop {
        tokio::time::sleep(shared.options.pace).await;
        let count = shared.state.lock().unwrap().jobs.len();
        let mut places: Vec<usize> = (0..count).collect();
        shuffle(&mut places, &mut random);
        for place in places {
            if random.next_u64().is_multiple_of(2) {
                step(&shared, place, &mut random).await;
            }
        }
        admit(&shared, &mut random);
    }
}

/// A number from 0 to one less than `count`.
fn below(count: usize, random: &mut Xoshiro256PlusPlus) -> usize {
    (random.next_u64() % count as u64) as usize
}

fn shuffle<T>(items: &mut [T], random: &mut Xoshiro256PlusPlus) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(last + 1, random));
    }
}

/// Lets ready jobs begin, those with the highest priority first, others in any order.
fn admit(shared: &Shared, random: &mut Xoshiro256PlusPlus) {
    let mut state = shared.state.lock().unwrap();
    let active = state.jobs.iter().filter(|job| job.status.is_active()).count();
    let mut ready: Vec<&mut Job> =
        state.jobs.iter_mut().filter(|job| job.status == Status::Ready).collect();
    shuffle(&mut ready, random);
    ready.sort_by_key(|job| -job.priority);
    for job in ready.into_iter().take(ACTIVE_JOBS_MAX.saturating_sub(active)) {
        job.enter(Status::Active);
    }
}

async fn step(shared: &Shared, place: usize, random: &mut Xoshiro256PlusPlus) {
    let job = shared.state.lock().unwrap().jobs[place].clone();
    match job.status {
        Status::New => enter(shared, place, Status::Preparing),
        Status::Preparing => prepare(shared, place, &job, random).await,
        Status::Active => work(shared, place, &job, random).await,
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
    let folder = format!("{}/{}", job.request.report_bucket, job.request.report_prefix);
    let report =
        format!("arn:aws:s3:::{}/job-{}/manifest.json", folder.trim_end_matches('/'), job.id);
    let role = Policies::of(shared, job);
    if job.done > 0 && !role.allow("s3:PutObject", &report) {
        let job = &mut shared.state.lock().unwrap().jobs[place];
        job.fail("ReportForbidden", "Writing the report is forbidden: 403 Forbidden");
        job.enter(Status::Failed);
        return;
    }
    report::write(shared, job).await;
    shared.state.lock().unwrap().jobs[place].enter(status);
}

/// What a job's role may do: everything where the double is not told to look.
struct Policies(Option<Vec<Value>>);

impl Policies {
    fn of(shared: &Shared, job: &Job) -> Self {
        let state = shared.state.lock().unwrap();
        let role = state.roles.get(&job.request.role).filter(|_| shared.options.enforce_role);
        let document = |text: &String| serde_json::from_str(text).unwrap();
        Self(role.map(|role| role.policies.values().map(document).collect()))
    }

    fn allow(&self, action: &str, resource: &str) -> bool {
        let allow =
            |documents: &Vec<Value>| access::allows(documents, Asked::new(action, resource));
        self.0.as_ref().is_none_or(allow)
    }
}

async fn prepare(shared: &Shared, place: usize, job: &Job, random: &mut Xoshiro256PlusPlus) {
    let mut tasks = match tasks(shared, job).await {
        Ok(tasks) => tasks,
        Err((code, reason)) => {
            shared.state.lock().unwrap().jobs[place].fail(code, &reason);
            return;
        }
    };
    shuffle(&mut tasks, random);
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
            return Err((FORBIDDEN.0, format!("{} (not SSE-S3)", FORBIDDEN.1)));
        }
        let troubled = job.troubles.iter().any(|what| matches!(what, Trouble::ManifestForbidden));
        if troubled && !state.granted {
            return Err((FORBIDDEN.0, FORBIDDEN.1.to_owned()));
        }
    }
    if !may_read(shared, job, &job.request.manifest) {
        return Err((FORBIDDEN.0, FORBIDDEN.1.to_owned()));
    }
    let (bucket, key) = job.request.manifest.split_once('/').unwrap();
    let got = shared.client.get_object().bucket(bucket).key(key).send().await;
    let got = got.map_err(|_| ("ManifestNotFound", "there is no such manifest".to_owned()))?;
    if got.e_tag().map(|etag| etag.trim_matches('"')) != Some(&job.request.etag) {
        return Err(("ManifestETagMismatch", "The manifest's ETag has changed".to_owned()));
    }
    let bytes = got.body.collect().await.unwrap().to_vec();
    let tasks = if job.request.is_inventory {
        report_tasks(shared, job, &bytes).await
    } else {
        manifest::read(&bytes, &job.request.fields)
    };
    tasks.map_err(|wrong| ("InvalidManifestContent", wrong))
}

/// Whether a job's role may read a file of its manifest, `bucket/key`.
fn may_read(shared: &Shared, job: &Job, object: &str) -> bool {
    let role = Policies::of(shared, job);
    let key = shared.state.lock().unwrap().object_keys.get(object).cloned();
    role.allow("s3:GetObject", &format!("arn:aws:s3:::{object}"))
        && key.is_none_or(|key| role.allow("kms:Decrypt", &key))
}

/// The tasks of an inventory report: the rows of its data files, every field quoted.
async fn report_tasks(shared: &Shared, job: &Job, manifest: &[u8]) -> Result<Vec<Task>, String> {
    let report = manifest::Report::read(manifest)?;
    let mut lines = String::new();
    for (key, sum) in &report.files {
        if !may_read(shared, job, &format!("{}/{key}", report.bucket)) {
            return Err(FORBIDDEN.1.to_owned());
        }
        let got = shared.client.get_object().bucket(&report.bucket).key(key).send().await;
        let got = got.map_err(|_| format!("there is no data file {key}"))?;
        lines += &manifest::data_file(&got.body.collect().await.unwrap().to_vec(), sum)?;
    }
    manifest::read(lines.as_bytes(), &report.columns)
}

async fn work(shared: &Shared, place: usize, job: &Job, random: &mut Xoshiro256PlusPlus) {
    let most = 1 + below(shared.options.tasks_per_step, random);
    let released = shared.state.lock().unwrap().released;
    let held = job.held_after().filter(|_| !released);
    let end = job.tasks.len().min(job.done + most).min(held.unwrap_or(usize::MAX).max(job.done));
    let role = Policies::of(shared, job);
    for task in &job.tasks[job.done..end] {
        let fault = match injected(shared, job, task) {
            Some(fault) => Some(fault),
            None => act(shared, job, task, &role).await,
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
    if end == job.tasks.len() && held.is_none() {
        enter(shared, place, Status::Completing);
    }
}

/// How a task is made to fail. A failure that passes strikes each key once.
fn injected(shared: &Shared, job: &Job, task: &Task) -> Fault {
    let mut state = shared.state.lock().unwrap();
    let own = job.troubles.iter().filter_map(|what| match what {
        Trouble::Tasks(failure) => Some(failure),
        _ => None,
    });
    let mut failures = shared.options.failures.iter().chain(own);
    let failure = failures.find(|failure| task.key.contains(failure.key_part))?;
    if failure.once && !state.struck.insert(task.key.clone()) {
        return None;
    }
    Some((failure.code.to_owned(), failure.status, failure.message.to_owned()))
}

async fn act(shared: &Shared, job: &Job, task: &Task, role: &Policies) -> Fault {
    let key = String::from_utf8(decode(&task.key).unwrap()).unwrap();
    let request = &job.request;
    let target = request.target.as_ref().map(|(bucket, prefix)| (bucket, format!("{prefix}{key}")));
    if let Some(action) = forbidden(shared, job, &format!("{}/{key}", task.bucket), role) {
        let message = format!("Access Denied (Service: Amazon S3; Status Code: 403; {action})");
        return Some(("AccessDenied".to_owned(), 403, message));
    }
    if let Some((bucket, target)) = target {
        return copy(shared, task, &key, bucket, &target).await;
    }
    let versions = |state: &State| {
        let read = || state.versions.content(&task.bucket, &key, &task.version).map(drop);
        state.versions.knows(&task.bucket).then(read)
    };
    let versioned = versions(&shared.state.lock().unwrap());
    let fault = match versioned {
        Some(read) => read.err().map(refused),
        None => fault(shared.client.head_object().bucket(&task.bucket).key(&key).send().await),
    };
    if fault.is_none() && request.operation == "S3UpdateObjectEncryption" {
        let object = (task.bucket.clone(), key, task.version.clone());
        shared.state.lock().unwrap().updated.insert(object);
    }
    fault
}

/// The first action on an object that a job's role is not allowed.
fn forbidden(shared: &Shared, job: &Job, object: &str, role: &Policies) -> Option<String> {
    let (needs, target) = (&job.request.needs, &job.request.target);
    let arn = |object: &str| format!("arn:aws:s3:::{object}");
    let mut asked: Vec<(&str, String)> = Vec::new();
    asked.extend(needs.object.iter().map(|action| (*action, arn(object))));
    asked.extend(needs.keys.iter().map(|(action, key)| (*action, key.clone())));
    asked.extend(needs.function.iter().map(|arn| ("lambda:InvokeFunction", arn.clone())));
    let state = shared.state.lock().unwrap();
    asked.extend(state.object_keys.get(object).map(|key| ("kms:Decrypt", key.clone())));
    if let Some((bucket, prefix)) = target {
        let (_, key) = object.split_once('/').unwrap_or_default();
        let copied = arn(&format!("{bucket}/{prefix}{key}"));
        asked.extend(needs.target.iter().map(|action| (*action, copied.clone())));
        let default = state.settings.get(&(bucket.clone(), "encryption".to_owned()));
        let default = default.filter(|_| needs.by_bucket_default);
        if let Some(key) = default.and_then(|text| between(text, "KMSMasterKeyID")) {
            asked.extend(["kms:GenerateDataKey", "kms:Decrypt"].map(|act| (act, key.clone())));
        }
    }
    let denied = asked.into_iter().find(|(action, resource)| !role.allow(action, resource))?;
    Some(format!("{} on {}", denied.0, denied.1))
}

/// The text of the first element of that name.
fn between(xml: &str, name: &str) -> Option<String> {
    let rest = xml.split_once(&format!("<{name}>"))?.1;
    Some(rest.split_once(&format!("</{name}>"))?.0.trim().to_owned())
}

/// Copies an object, or the version of it that the task names. In a bucket with versions, the copy
/// is a new version, and the current one.
async fn copy(shared: &Shared, task: &Task, key: &str, bucket: &str, target: &str) -> Fault {
    let (from_versions, to_versions) = {
        let state = shared.state.lock().unwrap();
        (state.versions.knows(&task.bucket), state.versions.knows(bucket))
    };
    let client = &shared.client;
    if !from_versions && !to_versions {
        let source = format!("{}/{}", task.bucket, encode(key));
        return fault(
            client.copy_object().copy_source(source).bucket(bucket).key(target).send().await,
        );
    }
    let content = if from_versions {
        let state = shared.state.lock().unwrap();
        match state.versions.content(&task.bucket, key, &task.version) {
            Ok(content) => content.to_vec(),
            // API, `CopyObject`: a delete marker can't be named as a source.
            Err(("MethodNotAllowed", _)) => return Some(refused(("InvalidRequest", 400))),
            Err(refusal) => return Some(refused(refusal)),
        }
    } else {
        match client.get_object().bucket(&task.bucket).key(key).send().await {
            Ok(got) => got.body.collect().await.unwrap().to_vec(),
            Err(error) => return fault::<(), _, _>(Err(error)),
        }
    };
    if to_versions {
        shared.state.lock().unwrap().versions.put(bucket, target, &content);
        return None;
    }
    fault(
        client.put_object().bucket(bucket).key(target).body(ByteStream::from(content)).send().await,
    )
}

fn refused((code, status): (&str, u16)) -> (String, u16, String) {
    let message = format!("{code} (Service: Amazon S3; Status Code: {status})");
    (code.to_owned(), status, message)
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
