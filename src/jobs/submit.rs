//! Submission: the steps that the journal says are next, one after the other.
//!
//! Before a step changes anything at AWS, the journal says what is about to be done; after it, what
//! came of it. So a run can be killed anywhere. The next one looks into what was left open: an
//! object that is there is not uploaded again, and a job that is there is not created again. Jobs
//! are found in AWS's list by description, manifest and age; and a request that was sent twice
//! after all makes one job, for its token is the same.
//!
//! Never knows how requests are made, nor how steps are shown.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::control::{CreateError, JobControl, JobDetail, JobFilter, JobView};
use super::in_place::find_in_place;
use super::journal::{
    JOURNAL_VERSION, JobCommand, JobEnd, Journal, JournalEntry, JournalEvent, ManifestStage,
    SubmissionProgress, SubmissionStep,
};
use super::requests::Requests;
use super::submit_error::SubmitError;
use super::upload::{FileUpload, abort_multipart};
use crate::aws::{AwsError, Session};
use crate::hex;
use crate::operation::job::ETAG_MARKER;
use crate::plan::{self, FileDigest, Plan, Shard, plan_of_state_folder};

/// A job is no older than the line that asks for it, but for what clocks differ: as much as AWS
/// lets a request's signature differ.
const CLOCKS_DIFFER_SECONDS: i64 = 15 * 60;

/// AWS lists a job by then: `ListJobs` is eventually consistent, by seconds (UG, "Troubleshooting
/// Batch Operations"). One that is not listed, nor described, after an hour was forgotten: AWS
/// deletes jobs 90 days after they ended.
const LISTED_SECONDS_MAX: i64 = 3600;

/// Looks for a job's description before it is given up: AWS may not know a job right after it was
/// created (UG, "Troubleshooting Batch Operations").
const LOOKS_MAX: u32 = 8;

/// Before the second look; it doubles with each further one, to 25 seconds in all.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// A step that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StepOutcome<'a> {
    /// A manifest is there.
    Uploaded {
        /// Which.
        manifest: &'a str,
        /// Whether it was there already.
        found: bool,
    },
    /// A job is there.
    Created {
        /// For which manifest.
        manifest: &'a str,
        /// The job.
        job_id: &'a str,
        /// Whether it was there already.
        found: bool,
    },
    /// A job has another priority.
    Prioritised {
        /// The job.
        job_id: &'a str,
        /// Which.
        priority: i32,
    },
}

/// A submission of a plan, its journal held.
#[derive(Debug)]
pub(crate) struct Submission {
    folder: PathBuf,
    journal: Journal,
    progress: SubmissionProgress,
    manifests: Vec<String>,
    requests: Requests,
    /// Whether the manifests are used in S3, where the plan is.
    is_in_place: bool,
    /// Account and region of the jobs.
    account_id: String,
    region: String,
}

/// Where a submission left off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pause {
    /// Every job was created, or won't be.
    Done,
    /// Jobs that are open must end before the others are created.
    Waits,
    /// The others wait for jobs that ended with tasks undone.
    Held,
}

impl Submission {
    /// Begins the submission of a plan, or goes on with one. `requests` are all its requests, one a
    /// line, without `ETag`s.
    ///
    /// # Errors
    /// When another run holds the journal, or the plan was submitted with other requests.
    pub(crate) fn begin(
        folder: &Path,
        plan: &Plan,
        requests: &[u8],
        account_id: &str,
        region: &str,
    ) -> Result<Self, SubmitError> {
        let (mut journal, mut entries) = Journal::open(folder)?;
        refuse_continued(folder, &entries)?;
        let sha256 = hex::sha256(requests);
        match entries.first() {
            None => {
                Requests::write(folder, requests)?;
                entries.push(journal.append(JournalEvent::Started {
                    version: JOURNAL_VERSION,
                    tool: concat!("s3sieve ", env!("CARGO_PKG_VERSION")).to_owned(),
                    account_id: account_id.to_owned(),
                    region: region.to_owned(),
                    jobs: plan.shards.len(),
                    requests_sha256: sha256,
                })?);
            }
            Some(JournalEntry { time, event: JournalEvent::Started { requests_sha256, .. } })
                if *requests_sha256 != sha256 =>
            {
                return Err(SubmitError::OtherRequests { folder: folder.to_owned(), begun: *time });
            }
            Some(_) => {}
        }
        Self::with(folder, plan, journal, &entries)
    }

    /// Resumes a submission that was begun.
    ///
    /// # Errors
    /// When there is none, another run holds its journal, or another plan continues it.
    pub(crate) fn resume(folder: &Path, plan: &Plan) -> Result<Self, SubmitError> {
        let submission = Self::reopen(folder, plan)?;
        match submission.progress.continued() {
            None => Ok(submission),
            Some(plan) => {
                Err(SubmitError::Continued { folder: folder.to_owned(), plan: plan.to_owned() })
            }
        }
    }

    /// The same, also where another plan continues it: for who looks at its jobs, and creates none.
    ///
    /// # Errors
    /// When there is none, or another run holds its journal.
    pub(crate) fn reopen(folder: &Path, plan: &Plan) -> Result<Self, SubmitError> {
        // An empty journal must not be made where there is none.
        super::journal::read(folder)?;
        let (journal, entries) = Journal::open(folder)?;
        Self::with(folder, plan, journal, &entries)
    }

    fn with(
        folder: &Path,
        plan: &Plan,
        journal: Journal,
        entries: &[JournalEntry],
    ) -> Result<Self, SubmitError> {
        let manifests: Vec<String> = plan.shards.iter().map(|shard| shard.path.clone()).collect();
        let progress = replay(folder, &plan.shards, entries)?;
        let Some(JournalEvent::Started { account_id, region, requests_sha256, .. }) =
            entries.first().map(|entry| &entry.event)
        else {
            return Err(misfit(folder, "the journal has no beginning"));
        };
        let requests = Requests::open(folder, requests_sha256, manifests.len())?;
        let (account_id, region) = (account_id.clone(), region.clone());
        // The journal of a plan in S3 has a folder of its own, which says whose it is.
        let is_in_place = plan_of_state_folder(folder)?.is_some();
        let folder = folder.to_owned();
        Ok(Self { folder, is_in_place, journal, progress, manifests, requests, account_id, region })
    }

    /// The account of the jobs.
    #[must_use]
    pub(crate) fn account_id(&self) -> &str {
        &self.account_id
    }

    /// The region of the jobs.
    #[must_use]
    pub(crate) fn region(&self) -> &str {
        &self.region
    }

    /// How far it is.
    #[must_use]
    pub(crate) fn progress(&self) -> &SubmissionProgress {
        &self.progress
    }

    /// The request of a manifest as it was submitted, without the `ETag`.
    ///
    /// # Errors
    /// When it can't be read.
    pub(crate) fn submitted(&mut self, place: usize) -> Result<Value, SubmitError> {
        Ok(self.requests.read(place)?)
    }

    /// Writes a line, and takes it in.
    ///
    /// # Errors
    /// When the disk fails.
    pub(crate) fn note(&mut self, event: JournalEvent) -> Result<(), SubmitError> {
        let entry = self.journal.append(event)?;
        self.progress.apply(&entry).map_err(|what| misfit(&self.folder, what))
    }

    /// Takes steps until every job was created that may be: `open_max` are open at a time, and some
    /// wait for others to end. `on_step` hears of each.
    ///
    /// # Errors
    /// When a step fails. The journal holds what was done.
    pub(crate) fn advance(
        &mut self,
        plan: &Plan,
        session: &Session,
        control: &JobControl,
        open_max: usize,
        stop: &AtomicBool,
        on_step: &mut dyn FnMut(StepOutcome<'_>),
    ) -> Result<Pause, SubmitError> {
        loop {
            if stop.load(Ordering::Relaxed) {
                return Err(SubmitError::Interrupted);
            }
            match self.progress.next(open_max) {
                SubmissionStep::Upload(place) => {
                    let found = self.upload(place, &plan.shards[place], session, stop)?;
                    on_step(StepOutcome::Uploaded { manifest: &self.manifests[place], found });
                }
                SubmissionStep::Find(place) => {
                    let job_id = self.find(place, control)?;
                    let found = job_id.is_some();
                    self.created(place, control, job_id)?;
                    self.report_created(place, found, on_step);
                }
                SubmissionStep::Create(place) => {
                    self.ask_for(place)?;
                    self.created(place, control, None)?;
                    self.report_created(place, false, on_step);
                }
                SubmissionStep::Prioritise(place, priority) => {
                    let ManifestStage::Created { job_id, .. } = &self.progress.stages()[place]
                    else {
                        continue;
                    };
                    let job_id = job_id.clone();
                    if self.prioritise(control, &job_id, priority)? {
                        on_step(StepOutcome::Prioritised { job_id: &job_id, priority });
                    }
                }
                SubmissionStep::Wait => return Ok(Pause::Waits),
                SubmissionStep::Held => return Ok(Pause::Held),
                SubmissionStep::Done => return Ok(Pause::Done),
            }
        }
    }

    fn report_created(&self, place: usize, found: bool, on_step: &mut dyn FnMut(StepOutcome<'_>)) {
        if let ManifestStage::Created { job_id, .. } = &self.progress.stages()[place] {
            on_step(StepOutcome::Created { manifest: &self.manifests[place], job_id, found });
        }
    }

    /// Gives a job that was just created the priority that was planned for it; false where it is
    /// over, and needs none.
    fn prioritise(
        &mut self,
        control: &JobControl,
        job_id: &str,
        priority: i32,
    ) -> Result<bool, SubmitError> {
        // AWS may not know it yet.
        let over =
            |detail: Option<JobDetail>| detail.map(|detail| detail.view).filter(JobView::is_over);
        if let Some(view) = over(describe(control, job_id)?) {
            self.note_end(view)?;
            return Ok(false);
        }
        let Err(error) = self.command(control, job_id, JobCommand::Priority(priority)) else {
            return Ok(true);
        };
        // It may have ended meanwhile: that is refused in words that differ.
        match over(control.describe(job_id)?) {
            Some(view) => self.note_end(view).map(|()| false),
            None => Err(error),
        }
    }

    /// Notes how a job ended.
    fn note_end(&mut self, view: JobView) -> Result<(), SubmitError> {
        let JobView { job_id, status, tasks, succeeded, failed, .. } = view;
        self.note(JournalEvent::Ended { job_id, end: JobEnd { status, tasks, succeeded, failed } })
    }

    /// Notes that a job is about to be created.
    fn ask_for(&mut self, place: usize) -> Result<(), SubmitError> {
        let attempt = match self.progress.stages()[place] {
            ManifestStage::Uploaded { attempt, .. } => attempt,
            _ => 1,
        };
        let token = token_of(&self.requests.read(place)?, attempt);
        let manifest = self.manifests[place].clone();
        self.note(JournalEvent::Creating { manifest, attempt, token })
    }

    /// Makes the jobs of these manifests possible again that ended before they ran a task, or were
    /// withdrawn: [`Submission::advance`] creates them anew. Gives how many.
    ///
    /// # Errors
    /// When the disk fails.
    pub(crate) fn begin_again(&mut self) -> Result<usize, SubmitError> {
        let mut count = 0;
        for place in 0..self.manifests.len() {
            let is_meant = match &self.progress.stages()[place] {
                ManifestStage::Created { end: Some(end), .. } => end.ran_nothing(),
                ManifestStage::Withdrawn { .. } => true,
                _ => false,
            };
            if is_meant {
                let manifest = self.manifests[place].clone();
                self.note(JournalEvent::Reinstated { manifest })?;
                count += 1;
            }
        }
        Ok(count)
    }

    /// Withdraws the jobs that were never asked for: they won't be created. Gives how many.
    ///
    /// # Errors
    /// When the disk fails.
    pub(crate) fn withdraw(&mut self) -> Result<usize, SubmitError> {
        let mut count = 0;
        for place in 0..self.manifests.len() {
            if let ManifestStage::Waiting
            | ManifestStage::Uploading { .. }
            | ManifestStage::Uploaded { .. } = &self.progress.stages()[place]
            {
                let manifest = self.manifests[place].clone();
                self.note(JournalEvent::Withdrawn { manifest })?;
                count += 1;
            }
        }
        Ok(count)
    }

    /// Finds out which jobs those are that were asked for and perhaps made, so that they can be
    /// told to end. That AWS does not list one proves nothing while it is new: so it is asked for
    /// again, with the same token, which gives that job or makes it. All are tried.
    ///
    /// # Errors
    /// When AWS refuses, the first time, or the disk fails.
    pub(crate) fn settle(&mut self, control: &JobControl) -> Result<(), SubmitError> {
        let mut outcome = Ok(());
        for place in 0..self.manifests.len() {
            let ManifestStage::Creating { since, .. } = self.progress.stages()[place] else {
                continue;
            };
            let settled = self.find(place, control).and_then(|id| self.created(place, control, id));
            let Err(error) = settled else { continue };
            let age_seconds = Timestamp::now().as_second() - since.as_second();
            if is_never_made(&error, age_seconds) {
                let manifest = self.manifests[place].clone();
                self.note(JournalEvent::Withdrawn { manifest })?;
            } else {
                outcome = outcome.and(Err(error));
            }
        }
        outcome
    }

    /// Plans a priority for the jobs that were not created yet: they get it as soon as they are.
    /// Gives how many.
    ///
    /// # Errors
    /// When the disk fails.
    pub(crate) fn plan_priority(&mut self, priority: i32) -> Result<usize, SubmitError> {
        let mut count = 0;
        for place in 0..self.manifests.len() {
            let stage = &self.progress.stages()[place];
            if !matches!(stage, ManifestStage::Created { .. } | ManifestStage::Withdrawn { .. }) {
                let manifest = self.manifests[place].clone();
                self.note(JournalEvent::PriorityPlanned { manifest, priority })?;
                count += 1;
            }
        }
        Ok(count)
    }

    /// Sends a command to a job, with a line in the journal before and after.
    ///
    /// # Errors
    /// When AWS refuses, or the disk fails.
    pub(crate) fn command(
        &mut self,
        control: &JobControl,
        job_id: &str,
        command: JobCommand,
    ) -> Result<(), SubmitError> {
        let job_id = job_id.to_owned();
        self.note(JournalEvent::CommandSent { job_id: job_id.clone(), command })?;
        match command {
            JobCommand::Run => control.request_status(&job_id, true)?,
            JobCommand::Cancel => control.request_status(&job_id, false)?,
            JobCommand::Priority(priority) => control.set_priority(&job_id, priority)?,
        }
        self.note(JournalEvent::CommandAcked { job_id, command })
    }

    /// Looks which open jobs are over, and notes it. Gives all jobs of the submission that AWS
    /// knows. One that it no longer knows is over, too.
    ///
    /// # Errors
    /// When AWS refuses.
    pub(crate) fn look(&mut self, control: &JobControl) -> Result<Vec<JobView>, SubmitError> {
        let mut views = list(control, &self.progress)?;
        let open: Vec<String> = self.progress.open().map(str::to_owned).collect();
        for job_id in open {
            let listed = views.iter().find(|view| view.job_id == job_id).cloned();
            let view = match listed {
                Some(view) if view.is_over() => self.in_full(control, view)?,
                Some(view) => view,
                None => match control.describe(&job_id)? {
                    Some(detail) => {
                        views.push(detail.view.clone());
                        detail.view
                    }
                    None if should_be_known(&self.progress, &job_id) => {
                        let status = JobEnd::FORGOTTEN.to_owned();
                        let end = JobEnd { status, tasks: 0, succeeded: 0, failed: 0 };
                        self.note(JournalEvent::Ended { job_id, end })?;
                        continue;
                    }
                    None => continue,
                },
            };
            if view.is_over() {
                self.note_end(view)?;
            }
        }
        Ok(views)
    }

    /// A job that is listed as over, as its description has it: lists lag behind, and what other
    /// jobs wait for is not decided by one.
    fn in_full(&self, control: &JobControl, view: JobView) -> Result<JobView, SubmitError> {
        if !self.progress.is_end_weighed(&view.job_id, view.succeeded) {
            return Ok(view);
        }
        let detail = control.describe(&view.job_id)?.map(|detail| detail.view);
        Ok(detail.filter(JobView::is_over).unwrap_or(view))
    }

    /// The request of a manifest, with its `ETag` if that is known, and the token of the attempt.
    fn request(&mut self, place: usize) -> Result<Value, SubmitError> {
        let mut request = self.requests.read(place)?;
        let (etag, attempt) = match &self.progress.stages()[place] {
            ManifestStage::Creating { etag, attempt, .. } => (etag.clone(), *attempt),
            _ => (ETAG_MARKER.to_owned(), 1),
        };
        request["Manifest"]["Location"]["ETag"] = etag.into();
        request["ClientRequestToken"] = token_of(&request, attempt).into();
        Ok(request)
    }

    /// Uploads the files of a manifest: of an inventory report the data files first, so that what
    /// lists them is last.
    fn upload(
        &mut self,
        place: usize,
        shard: &Shard,
        session: &Session,
        stop: &AtomicBool,
    ) -> Result<bool, SubmitError> {
        if let ManifestStage::Uploading { multipart: Some((object, id)) } =
            &self.progress.stages()[place]
        {
            let (bucket, key) = object.split_once('/').unwrap_or((object, ""));
            abort_multipart(session, bucket, key, id)?;
        }
        let request = self.requests.read(place)?;
        let object = request["Manifest"]["Location"]["ObjectArn"].as_str().unwrap_or_default();
        let object = object.rsplit(":::").next().unwrap_or_default().to_owned();
        let manifest = self.manifests[place].clone();
        self.note(JournalEvent::Uploading { manifest: manifest.clone(), object: object.clone() })?;
        if self.is_in_place {
            let etag = find_in_place(session, &object, shard, stop)?;
            self.note(JournalEvent::Uploaded { manifest, etag, found: true })?;
            return Ok(true);
        }
        // `bucket/.../plan-.../`: what stands before the manifest's own path there.
        let base = object.strip_suffix(shard.name()).unwrap_or_default().to_owned();
        let files =
            shard.files.iter().map(|file| (&file.path, file.bytes, FileDigest::Md5(&file.md5)));
        let last = (&shard.path, shard.bytes, shard.digest());
        let mut outcome = None;
        for (path, bytes, digest) in files.chain([last]) {
            let object = format!("{base}{}", plan::name(path));
            let (bucket, key) = object.split_once('/').unwrap_or((&object, ""));
            let file = self.folder.join(path);
            let sse_s3 = shard.files.is_empty();
            let upload = FileUpload { path: &file, bytes, digest, bucket, key, sse_s3 };
            let journal = &mut self.journal;
            let mut note = |upload_id: &str| {
                let (manifest, object) = (manifest.clone(), object.clone());
                let upload_id = upload_id.to_owned();
                let started = JournalEvent::MultipartStarted { manifest, object, upload_id };
                journal.append(started).map(|_| ())
            };
            outcome = Some(upload.run(session, stop, &mut note)?);
        }
        let Some(outcome) = outcome else {
            return Err(misfit(&self.folder, "a manifest has no file"));
        };
        self.note(JournalEvent::Uploaded { manifest, etag: outcome.etag, found: outcome.found })?;
        Ok(outcome.found)
    }

    /// The job of a manifest that was asked for, if it was made: described as the request says,
    /// with the manifest of the request, and no older than the line that asks for it.
    fn find(&mut self, place: usize, control: &JobControl) -> Result<Option<String>, SubmitError> {
        let request = self.requests.read(place)?;
        let ManifestStage::Creating { since, .. } = self.progress.stages()[place] else {
            return Ok(None);
        };
        let oldest = since.as_second() - CLOCKS_DIFFER_SECONDS;
        let description = request["Description"].as_str().unwrap_or_default();
        let manifest = request["Manifest"]["Location"]["ObjectArn"].as_str().unwrap_or_default();
        let progress = &self.progress;
        let candidates = control.list(|view| {
            let young = view.created.is_none_or(|created| created.as_second() >= oldest);
            let alike = view.description == description && !progress.is_former(&view.job_id);
            if young && alike { JobFilter::Yes } else { JobFilter::No }
        })?;
        for candidate in candidates {
            let detail = describe(control, &candidate.job_id)?;
            if detail.is_some_and(|detail| detail.manifest == manifest) {
                return Ok(Some(candidate.job_id));
            }
        }
        Ok(None)
    }

    /// Creates the job of a manifest, unless it is known, and notes it.
    fn created(
        &mut self,
        place: usize,
        control: &JobControl,
        known: Option<String>,
    ) -> Result<(), SubmitError> {
        let manifest = self.manifests[place].clone();
        let found = known.is_some();
        let job_id = match known {
            Some(job_id) => job_id,
            None => {
                let request = self.request(place)?;
                control.create(&request).map_err(|error| {
                    let manifest = manifest.clone();
                    SubmitError::Create { manifest, error }
                })?
            }
        };
        self.note(JournalEvent::Created { manifest, job_id, found })
    }
}

/// How far a journal's submission of a plan is.
///
/// # Errors
/// When they don't fit.
pub(crate) fn replay(
    folder: &Path,
    shards: &[Shard],
    entries: &[JournalEntry],
) -> Result<SubmissionProgress, SubmitError> {
    let mut progress = SubmissionProgress::new(shards);
    for (number, entry) in entries.iter().enumerate() {
        progress
            .apply(entry)
            .map_err(|what| misfit(folder, format!("jobs.jsonl, line {}: {what}", number + 1)))?;
    }
    Ok(progress)
}

/// Whether AWS lists a job unless it has forgotten it.
#[must_use]
pub(crate) fn should_be_known(progress: &SubmissionProgress, id: &str) -> bool {
    let now = Timestamp::now().as_second();
    progress.stages().iter().any(|stage| match stage {
        ManifestStage::Created { job_id, since, .. } if job_id == id => {
            now - since.as_second() > LISTED_SECONDS_MAX
        }
        _ => false,
    })
}

/// The jobs of a submission as AWS lists them. One call shows a thousand.
///
/// # Errors
/// When AWS refuses.
pub(crate) fn list(
    control: &JobControl,
    progress: &SubmissionProgress,
) -> Result<Vec<JobView>, AwsError> {
    let mut left: std::collections::HashSet<&str> = progress.jobs().map(|(_, id)| id).collect();
    if left.is_empty() {
        return Ok(Vec::new());
    }
    control.list(|view| match left.remove(view.job_id.as_str()) {
        false => JobFilter::No,
        true if left.is_empty() => JobFilter::YesAndNoMore,
        true => JobFilter::Yes,
    })
}

/// Describes a job that may be so new that AWS doesn't know it yet.
///
/// # Errors
/// When AWS refuses.
pub(crate) fn describe(control: &JobControl, job_id: &str) -> Result<Option<JobDetail>, AwsError> {
    let mut pause = LOOK_AGAIN;
    for look in 1.. {
        let found = control.describe(job_id)?;
        if found.is_some() || look == LOOKS_MAX {
            return Ok(found);
        }
        thread::sleep(pause);
        pause *= 2;
    }
    Ok(None)
}

/// The token of a job: the request's, or, of another job for the same request, one that comes from
/// it. The same attempt has the same token, so that sending it twice makes one job.
fn token_of(request: &Value, attempt: u32) -> String {
    let token = request["ClientRequestToken"].as_str().unwrap_or_default();
    if attempt == 1 {
        return token.to_owned();
    }
    hex::sha256(json!([token, attempt]).to_string())
}

fn refuse_continued(folder: &Path, entries: &[JournalEntry]) -> Result<(), SubmitError> {
    let continued = entries.iter().rev().find_map(|entry| match &entry.event {
        JournalEvent::Continued { plan } => Some(plan.clone()),
        _ => None,
    });
    match continued {
        Some(plan) => Err(SubmitError::Continued { folder: folder.to_owned(), plan }),
        None => Ok(()),
    }
}

/// Whether there is surely no job that was asked for so long ago, is not listed, and can't be asked
/// for again for this reason.
fn is_never_made(error: &SubmitError, age_seconds: i64) -> bool {
    match error {
        // It is never sent.
        SubmitError::Create { error: CreateError::Request(_), .. } => true,
        // A refusal alone says nothing of what was allowed before; but it would be listed by now.
        SubmitError::Create { error: CreateError::Aws(error), .. } => {
            !error.is_passing() && age_seconds > LISTED_SECONDS_MAX
        }
        _ => false,
    }
}

fn misfit(folder: &Path, what: impl Into<String>) -> SubmitError {
    SubmitError::Misfit { folder: folder.to_owned(), what: what.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::AwsErrorKind;

    #[test]
    fn a_job_that_was_asked_for_is_given_up_only_where_it_would_be_listed() {
        let refused = |kind| SubmitError::Create {
            manifest: String::new(),
            error: AwsError { action: String::new(), kind, detail: String::new() }.into(),
        };
        let (denied, busy) = (refused(AwsErrorKind::Denied), refused(AwsErrorKind::Busy));
        assert!(!is_never_made(&denied, LISTED_SECONDS_MAX));
        assert!(is_never_made(&denied, LISTED_SECONDS_MAX + 1));
        assert!(!is_never_made(&busy, LISTED_SECONDS_MAX + 1));
    }
}
