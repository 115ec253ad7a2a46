//! S3 Control: jobs are created, described, listed, confirmed, cancelled and given priorities.

use hyper::{Method, Response};
use jiff::Timestamp;
use s3s::Body;

use super::front::{Query, Shared};
use super::state::{Job, State, Status};
use super::wire;

/// As the API's `MaxResults` has it.
const LISTED_MAX: usize = 1000;

pub fn call(
    shared: &Shared,
    method: &Method,
    path: &str,
    query: &Query,
    body: &str,
) -> Response<Body> {
    let mut state = shared.state.lock().unwrap();
    state.control_requests.push(format!("{method} {path}"));
    let throttle = shared.options.throttle_every;
    let count = state.control_requests.len() as u64;
    if throttle > 0 && count.is_multiple_of(throttle) {
        return wire::wrapped_error(503, "SlowDown", "Please reduce your request rate.");
    }
    let rest = path.trim_start_matches("/v20180820/jobs").trim_start_matches('/');
    match (method, rest.split_once('/')) {
        (&Method::POST, None) if rest.is_empty() => create(shared, &mut state, body),
        (&Method::GET, None) if rest.is_empty() => list(&mut state, query),
        (&Method::GET, None) => describe(&mut state, rest),
        (&Method::POST, Some((id, "status"))) => set_status(&mut state, id, query),
        (&Method::POST, Some((id, "priority"))) => set_priority(&mut state, id, query),
        _ => wire::wrapped_error(405, "MethodNotAllowed", "there is no such operation"),
    }
}

fn create(shared: &Shared, state: &mut State, body: &str) -> Response<Body> {
    if shared.options.denied.contains(&"s3:CreateJob") && !state.granted {
        return wire::wrapped_error(403, "AccessDenied", "Access Denied");
    }
    let (request, priority) = match wire::create_job(body) {
        Ok(read) => read,
        Err(wrong) => return wire::wrapped_error(400, "InvalidRequest", &wrong),
    };
    if let Some(job) = state.jobs.iter().find(|job| job.request.token == request.token) {
        if job.request.body == request.body {
            return wire::xml(200, wire::created(&job.id));
        }
        let message = "the token was used for another request";
        return wire::wrapped_error(400, "IdempotencyException", message);
    }
    if !state.roles.contains_key(&request.role) {
        return wire::wrapped_error(403, "AccessDenied", "not authorized to pass the role");
    }
    let id = format!("{:08x}-0000-4000-8000-000000000000", state.jobs.len() + 1);
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
    };
    job.enter(Status::New);
    state.jobs.push(job);
    wire::xml(200, wire::created(&id))
}

/// The job, if it is seen yet.
fn seen<'a>(state: &'a mut State, id: &str) -> Option<&'a mut Job> {
    let job = state.jobs.iter_mut().find(|job| job.id == id)?;
    if job.blind_looks > 0 {
        job.blind_looks -= 1;
        return None;
    }
    Some(job)
}

fn no_such_job() -> Response<Body> {
    wire::wrapped_error(404, "NoSuchJob", "The specified job does not exist.")
}

fn describe(state: &mut State, id: &str) -> Response<Body> {
    match seen(state, id) {
        Some(job) => wire::xml(200, wire::described(job)),
        None => no_such_job(),
    }
}

/// Newest first.
fn list(state: &mut State, query: &Query) -> Response<Body> {
    let max = query.get("maxResults").and_then(|max| max.parse().ok()).unwrap_or(LISTED_MAX);
    let from: usize = query.get("nextToken").and_then(|from| from.parse().ok()).unwrap_or(0);
    let mut seen = Vec::new();
    for job in state.jobs.iter_mut().rev() {
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
    wire::xml(200, wire::listed(page, next))
}

fn set_status(state: &mut State, id: &str, query: &Query) -> Response<Body> {
    let Some(job) = seen(state, id) else { return no_such_job() };
    let asked = query.get("requestedJobStatus").map(String::as_str);
    match (asked, job.status) {
        (Some("Ready"), Status::Suspended) => job.enter(Status::Ready),
        (Some("Cancelled"), status) if !status.is_terminal() => job.enter(Status::Cancelling),
        (Some("Ready" | "Cancelled"), _) => {
            let message = format!("the job is {:?}", job.status);
            return wire::wrapped_error(400, "JobStatusException", &message);
        }
        _ => return wire::wrapped_error(400, "InvalidRequest", "requestedJobStatus"),
    }
    wire::xml(200, wire::status_updated(job))
}

fn set_priority(state: &mut State, id: &str, query: &Query) -> Response<Body> {
    let Some(job) = seen(state, id) else { return no_such_job() };
    match query.get("priority").and_then(|priority| priority.parse().ok()) {
        Some(priority) if job.status.is_terminal() => {
            let message = format!("the job is {:?}, priority {priority:?}", job.status);
            let priority: i64 = priority;
            wire::wrapped_error(400, "JobStatusException", &format!("{message} {priority}"))
        }
        Some(priority) => {
            job.priority = priority;
            wire::xml(200, wire::priority_updated(job))
        }
        None => wire::wrapped_error(400, "InvalidRequest", "priority"),
    }
}
