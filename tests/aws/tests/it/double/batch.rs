//! S3 Control: jobs are created, described, listed, confirmed, cancelled and given priorities.

use jiff::Timestamp;
use roxmltree::Document;

use super::access::{self, Asked};
use super::front::{Query, Shared};
use super::model::Call;
use super::state::{Job, State, Status};
use super::wire::{self, Answer};
use super::{ACCOUNT, REGION};

/// As the API's `MaxResults` has it.
const LISTED_MAX: usize = 1000;

/// Answers a request that fits the model.
pub fn call(shared: &Shared, call: &Call, query: &Query, body: &str) -> Answer {
    let mut state = shared.state.lock().unwrap();
    let id = call.job_id.as_deref().unwrap_or_default();
    if let Some(asked) = denied(&state, call, body) {
        let message = format!("not authorized to perform: {asked}");
        return wire::refusal(403, "AccessDenied", &message);
    }
    match call.name {
        "CreateJob" => create(shared, &mut state, body),
        "ListJobs" => list(&mut state, query),
        "DescribeJob" => describe(&mut state, id),
        "UpdateJobStatus" => set_status(&mut state, id, query),
        _ => set_priority(&mut state, id, query),
    }
}

/// What the caller's policy does not allow of a call.
fn denied(state: &State, call: &Call, body: &str) -> Option<String> {
    let policy = state.submitter.as_ref()?;
    let mut asked = Vec::new();
    let action = format!("s3:{}", call.name);
    let job = call.job_id.as_ref().map(|id| format!("arn:aws:s3:{REGION}:{ACCOUNT}:job/{id}"));
    let jobs = format!("arn:aws:s3:{REGION}:{ACCOUNT}:job/*");
    let job = job.as_deref();
    // Neither `CreateJob` nor `ListJobs` knows a resource.
    asked.push(Asked::new(&action, job.unwrap_or("*")));
    let request = Document::parse(body).ok();
    let root = request.as_ref().map(Document::root_element);
    let role = root.and_then(|root| wire::text(root, &["RoleArn"])).unwrap_or_default();
    if let Some(root) = root {
        let passed_to = Some("batchoperations.s3.amazonaws.com");
        asked.push(Asked { passed_to, ..Asked::new("iam:PassRole", &role) });
        if wire::child(root, "Tags").is_some() {
            asked.push(Asked::new("s3:PutJobTagging", &jobs));
        }
    }
    let denied = asked.into_iter().find(|asked| !access::allows([policy], *asked))?;
    Some(format!("{} on {}", denied.action, denied.resource))
}

fn create(shared: &Shared, state: &mut State, body: &str) -> Answer {
    if shared.options.denied.contains(&"s3:CreateJob") && !state.granted {
        return wire::refusal(403, "AccessDenied", "Access Denied");
    }
    let (request, priority) = match wire::create_job(body) {
        Ok(read) => read,
        Err(wrong) => return wire::refusal(400, "InvalidRequest", &wrong),
    };
    if let Some(job) = state.jobs.iter().find(|job| job.request.token == request.token) {
        if job.request.body == request.body {
            return (200, wire::created(&job.id));
        }
        let message = "the token was used for another request";
        return wire::refusal(400, "IdempotencyException", message);
    }
    if !state.roles.contains_key(&request.role) {
        return wire::refusal(403, "AccessDenied", "not authorized to pass the role");
    }
    let id = format!("{:08x}-0000-4000-8000-000000000000", state.jobs.len() + 1);
    let faults = shared.options.job_faults.iter();
    let faults = faults.filter(|fault| fault.jobs.contains(&state.jobs.len()));
    let troubles = faults.map(|fault| fault.what.clone()).collect();
    let mut job = Job {
        id: id.clone(),
        request,
        priority,
        status: Status::New,
        history: Vec::new(),
        tasks: Vec::new(),
        done: 0,
        succeeded: 0,
        failed: 0,
        rows: Vec::new(),
        reasons: Vec::new(),
        created: Timestamp::now(),
        ended: None,
        blind_looks: shared.options.blind_looks,
        troubles,
    };
    job.enter(Status::New);
    state.jobs.push(job);
    (200, wire::created(&id))
}

/// The job, if it is seen yet.
fn seen<'a>(state: &'a mut State, id: &str) -> Option<&'a mut Job> {
    let job = state.jobs.iter_mut().find(|job| job.id == id && !job.is_forgotten())?;
    if job.blind_looks > 0 {
        job.blind_looks -= 1;
        return None;
    }
    Some(job)
}

fn no_such_job() -> Answer {
    wire::refusal(404, "NoSuchJob", "The specified job does not exist.")
}

fn describe(state: &mut State, id: &str) -> Answer {
    match seen(state, id) {
        Some(job) => (200, wire::described(job)),
        None => no_such_job(),
    }
}

/// Newest first.
fn list(state: &mut State, query: &Query) -> Answer {
    let max = query.get("maxResults").and_then(|max| max.parse().ok()).unwrap_or(LISTED_MAX);
    let from: usize = query.get("nextToken").and_then(|from| from.parse().ok()).unwrap_or(0);
    let mut seen = Vec::new();
    for job in state.jobs.iter_mut().rev().filter(|job| !job.is_forgotten()) {
        if job.blind_looks > 0 {
            job.blind_looks -= 1;
        } else {
            seen.push(&*job);
        }
    }
    let wanted = |job: &&&Job| {
        query.get("jobStatuses").is_none_or(|status| *status == format!("{:?}", job.status))
    };
    let seen: Vec<&Job> = seen.iter().filter(wanted).copied().collect();
    let end = seen.len().min(from + max.min(LISTED_MAX));
    let next = (end < seen.len()).then_some(end);
    let page = seen[from.min(end)..end].iter().copied();
    (200, wire::listed(page, next))
}

fn set_status(state: &mut State, id: &str, query: &Query) -> Answer {
    let Some(job) = seen(state, id) else { return no_such_job() };
    let is_ready = query["requestedJobStatus"] == "Ready";
    match job.status {
        Status::Suspended if is_ready => job.enter(Status::Ready),
        status if !is_ready && !status.is_terminal() => job.enter(Status::Cancelling),
        status => {
            let message = format!("the job is {status:?}");
            return wire::refusal(400, "JobStatusException", &message);
        }
    }
    (200, wire::status_updated(job))
}

fn set_priority(state: &mut State, id: &str, query: &Query) -> Answer {
    let Some(job) = seen(state, id) else { return no_such_job() };
    if job.status.is_terminal() {
        let message = format!("the job is {:?}", job.status);
        return wire::refusal(400, "InvalidRequest", &message);
    }
    job.priority = query["priority"].parse().unwrap();
    (200, wire::priority_updated(job))
}
