//! The jobs of a submitted plan, as AWS shows them now.
//!
//! Never changes them.

use std::collections::HashMap;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::jobs_args::JobsArgs;
use super::print::visible;
use super::{CliError, Exit};
use crate::aws::Session;
use crate::jobs::journal::{
    self, JobEnd, JournalEntry, JournalError, JournalEvent, ManifestStage, SubmissionProgress,
};
use crate::jobs::{
    JobControl, JobDetail, JobView, Requests, SubmitError, list, replay, should_be_known,
};
use crate::plan::Plan;
use crate::units::Count;

/// The state of a job that is yet to be created.
const WAITING: &str = "Waiting";

/// The same, where jobs that must have done all their tasks before have not.
pub(super) const HELD: &str = "Held";

/// The state of a job that won't be created.
const WITHDRAWN: &str = "Withdrawn";

/// The state of a job that AWS does not list: it is too new.
const UNLISTED: &str = "Unlisted";

/// A submitted plan, and the way to its jobs.
pub(super) struct SubmittedPlan {
    pub(super) plan: Plan,
    /// The folder of its journal.
    pub(super) state: PathBuf,
    pub(super) progress: SubmissionProgress,
    pub(super) session: Session,
    pub(super) control: JobControl,
    requests: Requests,
    reasons: Reasons,
    /// Whether AWS has listed jobs.
    pub(super) was_reached: bool,
}

/// Why jobs failed, by their ids: it doesn't change, so it is asked for once.
pub(super) type Reasons = HashMap<String, Vec<String>>;

impl SubmittedPlan {
    pub(super) fn new(args: &JobsArgs) -> Result<Self, CliError> {
        let handle = args.open()?;
        let (state, plan) = (handle.state().to_owned(), handle.plan);
        let entries = journal::read(&state)?;
        let progress = replay(&state, &plan.shards, &entries)?;
        let Some(JournalEvent::Started { account_id, region, requests_sha256, .. }) =
            entries.first().map(|entry| &entry.event)
        else {
            return Err(JournalError::Missing { folder: state }.into());
        };
        let requests = Requests::open(&state, requests_sha256, plan.shards.len())?;
        let session = args.service.session(Some(region))?;
        let control = args.service.control(&session, account_id)?;
        let (reasons, was_reached) = (Reasons::new(), false);
        Ok(Self { plan, state, progress, session, control, requests, reasons, was_reached })
    }

    /// The request of a manifest, as it was submitted, but for the `ETag`.
    pub(super) fn request(&mut self, shard: usize) -> Result<Value, CliError> {
        Ok(self.requests.read(shard)?)
    }

    /// Every job of the plan, as AWS shows it now. Ends that the journal doesn't know are taken in,
    /// and not written: another run may hold it.
    pub(super) fn jobs(&mut self) -> Result<Vec<JobLine>, CliError> {
        let listed = list(&self.control, &self.progress)?;
        self.was_reached |= self.progress.jobs().next().is_some();
        let mut views = by_id(listed);
        let open: Vec<String> = self.progress.open().map(str::to_owned).collect();
        for job_id in open {
            // A job that AWS no longer lists may still be known by its id.
            if !views.contains_key(&job_id)
                && let Some(detail) = self.control.describe(&job_id)?
            {
                views.insert(job_id.clone(), detail.view);
            }
            let end = match views.get(&job_id) {
                Some(view) if view.is_over() => JobEnd {
                    status: view.status.clone(),
                    tasks: view.tasks,
                    succeeded: view.succeeded,
                    failed: view.failed,
                },
                None if should_be_known(&self.progress, &job_id) => {
                    let status = JobEnd::FORGOTTEN.to_owned();
                    JobEnd { status, tasks: 0, succeeded: 0, failed: 0 }
                }
                _ => continue,
            };
            let entry =
                JournalEntry { time: Timestamp::now(), event: JournalEvent::Ended { job_id, end } };
            self.progress
                .apply(&entry)
                .map_err(|what| SubmitError::Misfit { folder: self.state.clone(), what })?;
        }
        job_lines(&self.plan, &self.progress, views, &self.control, &mut self.reasons)
    }
}

/// A job of a plan.
#[derive(Debug, Clone, Serialize)]
pub(super) struct JobLine {
    pub(super) manifest: String,
    pub(super) objects: u64,
    pub(super) job_id: Option<String>,
    /// The API's name of its state; `Waiting` where it is yet to be created, `Held` where that
    /// waits for tasks that other jobs left undone, `Withdrawn` where it won't be, `Unlisted` where
    /// AWS does not list it yet, `Forgotten` where AWS no longer knows it.
    pub(super) status: String,
    pub(super) priority: Option<i32>,
    pub(super) tasks: u64,
    pub(super) tasks_succeeded: u64,
    pub(super) tasks_failed: u64,
    pub(super) seconds_active: u64,
    /// Why it failed.
    pub(super) reasons: Vec<String>,
}

impl JobLine {
    /// Whether it has ended.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.status.as_str(), "Complete" | "Cancelled" | "Failed" | JobEnd::FORGOTTEN)
    }

    /// Whether it has done every task, as far as that is known.
    pub(super) fn is_clean(&self) -> bool {
        match self.status.as_str() {
            "Complete" | JobEnd::FORGOTTEN => {
                self.tasks_failed == 0 && self.tasks_succeeded >= self.objects
            }
            _ => false,
        }
    }

    /// Whether it is not created, nor will be by itself.
    pub(super) fn is_left_out(&self) -> bool {
        matches!(self.status.as_str(), HELD | WITHDRAWN)
    }

    /// Whether it may still come to wait for confirmation.
    fn is_coming(&self) -> bool {
        self.job_id.is_some() && matches!(self.status.as_str(), "New" | "Preparing" | UNLISTED)
    }

    /// Its state in words: `Active, 1,000 of 5,000 done, 3 failed`.
    pub(super) fn in_words(&self) -> String {
        let mut text = visible(&self.status).into_owned();
        if self.tasks > 0 {
            let done = self.tasks_succeeded + self.tasks_failed;
            text += &format!(", {} of {} done", Count(done), Count(self.tasks));
            if self.tasks_failed > 0 {
                text += &format!(", {} failed", Count(self.tasks_failed));
            }
        }
        for reason in &self.reasons {
            text += &format!(", {}", visible(reason));
        }
        text
    }

    /// Whether nothing happens to it by itself any more.
    pub(super) fn is_settled(&self) -> bool {
        self.is_over() || self.job_id.is_none() || self.status == "Suspended"
    }
}

pub(super) fn by_id(views: Vec<JobView>) -> HashMap<String, JobView> {
    views.into_iter().map(|view| (view.job_id.clone(), view)).collect()
}

pub(super) fn job_lines(
    plan: &Plan,
    progress: &SubmissionProgress,
    mut views: HashMap<String, JobView>,
    control: &JobControl,
    reasons: &mut Reasons,
) -> Result<Vec<JobLine>, CliError> {
    let mut lines = Vec::new();
    for (place, (shard, stage)) in plan.shards.iter().zip(progress.stages()).enumerate() {
        let job_id = match stage {
            ManifestStage::Created { job_id, .. } => Some(job_id.clone()),
            _ => None,
        };
        let view = job_id.as_ref().and_then(|id| views.remove(id));
        let unseen = || match stage {
            // Too new to be listed, or AWS forgot it, 90 days after it ended.
            ManifestStage::Created { .. } => {
                stage.end().map_or_else(|| UNLISTED.to_owned(), |end| end.status.clone())
            }
            ManifestStage::Withdrawn { .. } => WITHDRAWN.to_owned(),
            _ if progress.is_held(place) => HELD.to_owned(),
            _ => WAITING.to_owned(),
        };
        let counts = view.as_ref().map(|view| (view.tasks, view.succeeded, view.failed));
        let noted = stage.end().map(|end| (end.tasks, end.succeeded, end.failed));
        let (tasks, succeeded, failed) = counts.or(noted).unwrap_or_default();
        let mut line = JobLine {
            manifest: shard.path.clone(),
            objects: shard.objects,
            status: view.as_ref().map_or_else(unseen, |view| view.status.clone()),
            priority: view.as_ref().map(|view| view.priority),
            tasks,
            tasks_succeeded: succeeded,
            tasks_failed: failed,
            seconds_active: view.as_ref().map_or(0, |view| view.active_seconds),
            job_id,
            reasons: Vec::new(),
        };
        if line.status == "Complete" && line.tasks_failed == 0 && !line.is_clean() {
            // Lists lag behind.
            let id = line.job_id.as_deref().unwrap_or_default();
            if let Some(JobDetail { view, .. }) = control.describe(id)? {
                (line.tasks, line.tasks_succeeded, line.tasks_failed) =
                    (view.tasks, view.succeeded, view.failed);
            }
        }
        if line.status == "Failed" {
            let id = line.job_id.as_deref().unwrap_or_default();
            line.reasons = reasons_of(id, control, reasons)?;
        }
        lines.push(line);
    }
    Ok(lines)
}

/// Why a job failed.
fn reasons_of(
    job_id: &str,
    control: &JobControl,
    known: &mut Reasons,
) -> Result<Vec<String>, CliError> {
    if let Some(reasons) = known.get(job_id) {
        return Ok(reasons.clone());
    }
    // One that is not known may be described later.
    let Some(detail) = control.describe(job_id)? else { return Ok(Vec::new()) };
    let texts = detail.reasons.into_iter().map(|(code, reason)| format!("{code}: {reason}"));
    Ok(known.entry(job_id.to_owned()).or_insert(texts.collect()).clone())
}

/// The exit code for jobs as they are.
pub(super) fn outcome(jobs: &[JobLine]) -> Exit {
    let partly = |job: &JobLine| {
        job.tasks_failed > 0 || (job.is_over() && !job.is_clean()) || job.is_left_out()
    };
    if jobs.iter().any(partly) { Exit::Partly } else { Exit::Done }
}

/// How many jobs will wait for confirmation soon, of those that may run then.
pub(super) fn to_confirm(jobs: &[JobLine], max_active: usize) -> usize {
    let is_running = |job: &&JobLine| {
        job.job_id.is_some() && !job.is_over() && !job.is_coming() && job.status != "Suspended"
    };
    let running = jobs.iter().filter(is_running).count();
    let coming = jobs.iter().filter(|job| job.is_coming()).count();
    coming.min(max_active.saturating_sub(running))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_tasks_and_jobs_show_in_the_exit_code() {
        let job = |status: &str, failed| JobLine {
            manifest: String::new(),
            objects: 1,
            job_id: Some("j".to_owned()),
            status: status.to_owned(),
            priority: None,
            tasks: 1,
            tasks_succeeded: u64::from(status == "Complete" && failed == 0),
            tasks_failed: failed,
            seconds_active: 0,
            reasons: Vec::new(),
        };
        assert_eq!(outcome(&[job("Complete", 0), job("Active", 0)]), Exit::Done);
        assert_eq!(outcome(&[job("Complete", 1)]), Exit::Partly);
        assert_eq!(outcome(&[JobLine { objects: 2, ..job("Complete", 0) }]), Exit::Partly);
        for status in ["Cancelled", "Failed", JobEnd::FORGOTTEN, HELD, WITHDRAWN] {
            assert_eq!(outcome(&[job(status, 0)]), Exit::Partly, "{status}");
        }
    }

    /// A job in this state that has done nothing.
    fn line(state: &str) -> JobLine {
        JobLine {
            manifest: "manifests/00000.csv".to_owned(),
            objects: 1,
            job_id: None,
            status: state.to_owned(),
            priority: None,
            tasks: 0,
            tasks_succeeded: 0,
            tasks_failed: 0,
            seconds_active: 0,
            reasons: Vec::new(),
        }
    }

    #[test]
    fn detaching_waits_for_jobs_that_may_run_and_are_not_suspended_yet() {
        let jobs = |states: &[&str]| -> Vec<JobLine> {
            let job = |state: &&str| JobLine {
                job_id: (*state != WAITING).then(|| "j".to_owned()),
                ..line(state)
            };
            states.iter().map(job).collect()
        };
        assert_eq!(to_confirm(&jobs(&["New", "Preparing", UNLISTED, WAITING]), 6), 3);
        assert_eq!(to_confirm(&jobs(&["New", "Preparing", "Active"]), 2), 1);
        assert_eq!(to_confirm(&jobs(&["Ready", "Active", "Preparing"]), 2), 0);
        assert_eq!(to_confirm(&jobs(&["Complete", "Suspended", HELD]), 6), 0);
    }

    #[test]
    fn a_job_in_words() {
        let mut job = JobLine { objects: 5000, ..line(WAITING) };
        assert_eq!(job.in_words(), "Waiting");
        (job.status, job.tasks, job.tasks_succeeded, job.tasks_failed) =
            ("Failed".to_owned(), 5000, 997, 3);
        job.reasons.push("A: b".to_owned());
        assert_eq!(job.in_words(), "Failed, 1,000 of 5,000 done, 3 failed, A: b");
    }
}
