//! From the lines of a journal to how far each manifest is, and what is to be done next.
//!
//! Pure: no clock, no disk, no network. So the tests can play every interruption there is.
//!
//! The order: all manifests are uploaded first; then jobs are created, as many as may be open at a
//! time. A manifest may name others whose jobs must have ended first, every task done; its own job
//! isn't created before that. A step whose end the journal doesn't know is looked into before it is
//! taken again: [`SubmissionStep::Upload`] finds an object that is there already, and
//! [`SubmissionStep::Find`] a job.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;

use super::{JobCommand, JobEnd, JournalEntry, JournalEvent};
use crate::plan::{Shard, ShardRange};

/// How far a manifest is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ManifestStage {
    /// Nothing was done.
    Waiting,
    /// Its upload was begun, perhaps in parts, and perhaps ended.
    Uploading {
        /// The upload in parts that was begun, to be aborted: `bucket/key` and its id.
        multipart: Option<(String, String)>,
    },
    /// It lies where its job will read it.
    Uploaded {
        /// Its `ETag`, without quotes.
        etag: String,
        /// Which job of this manifest is created next, from 1: those before it ran nothing.
        attempt: u32,
    },
    /// Its job was asked for, and perhaps made.
    Creating {
        /// The manifest's `ETag`.
        etag: String,
        /// Which job of this manifest, from 1.
        attempt: u32,
        /// When it was first asked for: the job is no older.
        since: Timestamp,
    },
    /// Its job is there.
    Created {
        /// The manifest's `ETag`.
        etag: String,
        /// Which job of this manifest, from 1.
        attempt: u32,
        /// The job.
        job_id: String,
        /// When the job was known to be there.
        since: Timestamp,
        /// The state that it never leaves, once it was seen in it.
        end: Option<JobEnd>,
    },
    /// Its job was not created, and won't be.
    Withdrawn {
        /// How far it was.
        from: Box<ManifestStage>,
    },
}

impl ManifestStage {
    /// How its job ended, if it was seen to.
    #[must_use]
    pub(crate) fn end(&self) -> Option<&JobEnd> {
        match self {
            Self::Created { end, .. } => end.as_ref(),
            _ => None,
        }
    }
}

/// What is to be done next. Numbers are places in the plan's list of manifests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SubmissionStep {
    /// Upload this manifest, or find it there.
    Upload(usize),
    /// Look for the job of this manifest, and create it if there is none.
    Find(usize),
    /// Create the next job of this manifest, which was never asked for.
    Create(usize),
    /// Give the job of this manifest the priority that was planned for it.
    Prioritise(usize, i32),
    /// Wait for an open job to end, to create others.
    Wait,
    /// Nothing more can be created: what is left waits for jobs that left tasks undone.
    Held,
    /// Every job was created, or won't be.
    Done,
}

/// How far a submission is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SubmissionProgress {
    stages: Vec<ManifestStage>,
    /// How many objects each manifest has.
    objects: Vec<u64>,
    /// The manifests whose jobs must have ended first, for each.
    after: Vec<Vec<ShardRange>>,
    /// Whether another manifest's job waits for this one's, for each.
    is_waited_for: Vec<bool>,
    /// Places by the manifests' paths.
    places: HashMap<String, usize>,
    /// Places of jobs by their ids.
    by_job: HashMap<String, usize>,
    /// Priorities that jobs get once they are created, by place.
    planned: BTreeMap<usize, i32>,
    /// Jobs that another attempt has taken the place of.
    former: HashSet<String>,
    continued: Option<String>,
}

impl SubmissionProgress {
    /// Nothing was done with any of these manifests.
    #[must_use]
    pub(crate) fn new(shards: &[Shard]) -> Self {
        let paths = shards.iter().map(|shard| shard.path.clone()).enumerate();
        Self {
            stages: vec![ManifestStage::Waiting; shards.len()],
            objects: shards.iter().map(|shard| shard.objects).collect(),
            after: shards.iter().map(|shard| shard.after.clone()).collect(),
            is_waited_for: waited_for(shards),
            places: paths.map(|(place, path)| (path, place)).collect(),
            by_job: HashMap::new(),
            planned: BTreeMap::new(),
            former: HashSet::new(),
            continued: None,
        }
    }

    /// How far each manifest is, in the order of the plan.
    #[must_use]
    pub(crate) fn stages(&self) -> &[ManifestStage] {
        &self.stages
    }

    /// The plan that has what this one left undone, if there is one.
    #[must_use]
    pub(crate) fn continued(&self) -> Option<&str> {
        self.continued.as_deref()
    }

    /// Whether a job is one whose place another attempt has taken.
    #[must_use]
    pub(crate) fn is_former(&self, job_id: &str) -> bool {
        self.former.contains(job_id)
    }

    /// Takes in a line.
    ///
    /// # Errors
    /// When it doesn't fit what the lines before it say: a text that tells how.
    pub(crate) fn apply(&mut self, entry: &JournalEntry) -> Result<(), String> {
        match &entry.event {
            JournalEvent::Started { .. } | JournalEvent::CommandSent { .. } => Ok(()),
            JournalEvent::Uploading { manifest, .. } => {
                self.change(manifest, |stage| match stage {
                    ManifestStage::Waiting | ManifestStage::Uploading { .. } => {
                        Some(ManifestStage::Uploading { multipart: None })
                    }
                    _ => None,
                })
            }
            JournalEvent::MultipartStarted { manifest, object, upload_id } => {
                self.change(manifest, |stage| match stage {
                    ManifestStage::Uploading { .. } => {
                        let multipart = Some((object.clone(), upload_id.clone()));
                        Some(ManifestStage::Uploading { multipart })
                    }
                    _ => None,
                })
            }
            JournalEvent::Uploaded { manifest, etag, .. } => {
                self.change(manifest, |stage| match stage {
                    ManifestStage::Uploading { .. } => {
                        Some(ManifestStage::Uploaded { etag: etag.clone(), attempt: 1 })
                    }
                    _ => None,
                })
            }
            JournalEvent::Creating { manifest, attempt, .. } => {
                self.create(manifest, *attempt, entry.time)
            }
            JournalEvent::Created { manifest, job_id, .. } => {
                self.change(manifest, |stage| match stage {
                    ManifestStage::Creating { etag, attempt, .. } => Some(ManifestStage::Created {
                        etag: etag.clone(),
                        attempt: *attempt,
                        job_id: job_id.clone(),
                        since: entry.time,
                        end: None,
                    }),
                    _ => None,
                })?;
                self.by_job.insert(job_id.clone(), self.places[manifest]);
                Ok(())
            }
            JournalEvent::CommandAcked { job_id, command } => self.acked(job_id, *command),
            JournalEvent::Ended { job_id, end } => self.end(job_id, end),
            JournalEvent::PriorityPlanned { manifest, priority } => {
                let place = self.place(manifest)?;
                self.planned.insert(place, *priority);
                Ok(())
            }
            JournalEvent::Withdrawn { manifest } => self.change(manifest, |stage| match stage {
                ManifestStage::Created { .. } | ManifestStage::Withdrawn { .. } => None,
                other => Some(ManifestStage::Withdrawn { from: Box::new(other.clone()) }),
            }),
            JournalEvent::Reinstated { manifest } => self.reinstate(manifest),
            JournalEvent::Continued { plan } => {
                self.continued = Some(plan.clone());
                Ok(())
            }
        }
    }

    fn place(&self, manifest: &str) -> Result<usize, String> {
        let place = self.places.get(manifest).copied();
        place.ok_or_else(|| format!("{manifest} is not a manifest of the plan"))
    }

    fn change(
        &mut self,
        manifest: &str,
        change: impl FnOnce(&ManifestStage) -> Option<ManifestStage>,
    ) -> Result<(), String> {
        let place = self.place(manifest)?;
        let stage = &mut self.stages[place];
        let Some(next) = change(stage) else {
            return Err(format!("{manifest}: this can't follow {stage:?}"));
        };
        *stage = next;
        Ok(())
    }

    /// A job will be created after all: one that was withdrawn, or another after one that ran
    /// nothing.
    fn reinstate(&mut self, manifest: &str) -> Result<(), String> {
        let mut former = None;
        self.change(manifest, |stage| match stage {
            ManifestStage::Withdrawn { from } => Some((**from).clone()),
            ManifestStage::Created { etag, attempt, job_id, end: Some(end), .. }
                if end.ran_nothing() =>
            {
                former = Some(job_id.clone());
                Some(ManifestStage::Uploaded { etag: etag.clone(), attempt: attempt + 1 })
            }
            _ => None,
        })?;
        self.former.extend(former);
        Ok(())
    }

    /// A job is asked for: the next of a manifest, or, in journals of older programs, another after
    /// one that ran nothing.
    fn create(&mut self, manifest: &str, number: u32, since: Timestamp) -> Result<(), String> {
        let mut former = None;
        self.change(manifest, |stage| match stage {
            ManifestStage::Uploaded { etag, attempt } if number == *attempt => {
                Some(ManifestStage::Creating { etag: etag.clone(), attempt: number, since })
            }
            ManifestStage::Created { etag, attempt, job_id, end: Some(end), .. }
                if end.ran_nothing() && number == attempt + 1 =>
            {
                former = Some(job_id.clone());
                Some(ManifestStage::Creating { etag: etag.clone(), attempt: number, since })
            }
            _ => None,
        })?;
        self.former.extend(former);
        Ok(())
    }

    fn acked(&mut self, job_id: &str, command: JobCommand) -> Result<(), String> {
        let place = self.place_of_job(job_id)?;
        if let JobCommand::Priority(priority) = command
            && self.planned.get(&place) == Some(&priority)
        {
            self.planned.remove(&place);
        }
        Ok(())
    }

    fn end(&mut self, id: &str, found: &JobEnd) -> Result<(), String> {
        let place = self.place_of_job(id)?;
        match &mut self.stages[place] {
            ManifestStage::Created { job_id, end, .. } if job_id == id => {
                *end = Some(found.clone());
                self.planned.remove(&place);
                Ok(())
            }
            other => Err(format!("job {id}: this can't follow {other:?}")),
        }
    }

    fn place_of_job(&self, job_id: &str) -> Result<usize, String> {
        self.by_job.get(job_id).copied().ok_or_else(|| format!("there is no job {job_id}"))
    }

    /// Jobs that were created, and not seen to end.
    pub(crate) fn open(&self) -> impl Iterator<Item = &str> {
        self.stages.iter().filter_map(|stage| match stage {
            ManifestStage::Created { job_id, end: None, .. } => Some(job_id.as_str()),
            _ => None,
        })
    }

    /// The last job of each manifest that has one, with the places of the manifests.
    pub(crate) fn jobs(&self) -> impl Iterator<Item = (usize, &str)> {
        self.stages.iter().enumerate().filter_map(|(place, stage)| match stage {
            ManifestStage::Created { job_id, .. } => Some((place, job_id.as_str())),
            _ => None,
        })
    }

    /// Whether the jobs that must have ended before this manifest's have done all their tasks.
    #[must_use]
    pub(crate) fn is_ready(&self, place: usize) -> bool {
        self.earlier(place)
            .all(|(stage, objects)| stage.end().is_some_and(|end| end.is_clean(objects)))
    }

    /// Whether a job that must have done all its tasks before this manifest's has ended otherwise,
    /// or won't be created.
    #[must_use]
    pub(crate) fn is_held(&self, place: usize) -> bool {
        self.earlier(place).any(|(stage, objects)| match stage {
            ManifestStage::Withdrawn { .. } => true,
            stage => stage.end().is_some_and(|end| !end.is_clean(objects)),
        })
    }

    /// Whether the job of the manifest at a place ended and did all its objects.
    #[must_use]
    pub(crate) fn is_clean(&self, place: usize) -> bool {
        let end = self.stages[place].end();
        end.is_some_and(|end| end.is_clean(self.objects[place]))
    }

    /// The manifests whose jobs must have ended before: how far they are, and their objects.
    fn earlier(&self, place: usize) -> impl Iterator<Item = (&ManifestStage, u64)> {
        let ranges = self.after.get(place).into_iter().flatten();
        let stages = self.stages.iter().zip(self.objects.iter().copied());
        ranges.flat_map(move |range| stages.clone().take(range.last + 1).skip(range.first))
    }

    /// Whether much hangs on how a job ended that so many tasks succeeded of: others wait for it,
    /// or fewer did than its manifest has objects.
    #[must_use]
    pub(crate) fn is_end_weighed(&self, job_id: &str, succeeded: u64) -> bool {
        let place = self.by_job.get(job_id);
        place.is_some_and(|place| succeeded < self.objects[*place] || self.is_waited_for[*place])
    }

    /// What is to be done next, with at most this many jobs open at a time.
    #[must_use]
    pub(crate) fn next(&self, open_max: usize) -> SubmissionStep {
        let first = |wanted: fn(&ManifestStage) -> bool| self.stages.iter().position(wanted);
        let upload = first(|stage| {
            matches!(stage, ManifestStage::Waiting | ManifestStage::Uploading { .. })
        });
        if let Some(place) = upload {
            return SubmissionStep::Upload(place);
        }
        // It may be there already: then it counts among the open ones, and must be known.
        if let Some(place) = first(|stage| matches!(stage, ManifestStage::Creating { .. })) {
            return SubmissionStep::Find(place);
        }
        let is_created = |place: usize| matches!(self.stages[place], ManifestStage::Created { .. });
        if let Some((place, priority)) = self.planned.iter().find(|(place, _)| is_created(**place))
        {
            return SubmissionStep::Prioritise(*place, *priority);
        }
        let uploaded =
            |place: &usize| matches!(self.stages[*place], ManifestStage::Uploaded { .. });
        let mut left = (0..self.stages.len()).filter(uploaded).peekable();
        if left.peek().is_none() {
            return SubmissionStep::Done;
        }
        if self.open().count() >= open_max {
            return SubmissionStep::Wait;
        }
        // Manifests that wait for the same ones stand side by side: they are looked at once.
        let mut known: Option<(&[ShardRange], bool)> = None;
        let ready = left.find(|place| {
            let after = self.after.get(*place).map_or(&[][..], Vec::as_slice);
            match known {
                Some((same, is_ready)) if same == after => is_ready,
                _ => known.insert((after, self.is_ready(*place))).1,
            }
        });
        match ready {
            Some(place) => SubmissionStep::Create(place),
            None if self.open().next().is_some() => SubmissionStep::Wait,
            None => SubmissionStep::Held,
        }
    }
}

/// Which manifests' jobs others wait for. Those that wait for the same ones stand side by side.
fn waited_for(shards: &[Shard]) -> Vec<bool> {
    let mut is_waited_for = vec![false; shards.len()];
    let mut last: &[ShardRange] = &[];
    for shard in shards.iter().filter(|shard| !shard.after.is_empty()) {
        if shard.after == last {
            continue;
        }
        last = &shard.after;
        for range in last {
            let places = is_waited_for.iter_mut().take(range.last + 1).skip(range.first);
            places.for_each(|is_waited_for| *is_waited_for = true);
        }
    }
    is_waited_for
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What AWS would hold: objects by place, jobs by id.
    #[derive(Default)]
    struct World {
        uploads: Vec<usize>,
        jobs: Vec<usize>,
        ended: Vec<bool>,
        open_most: usize,
    }

    impl World {
        fn upload(&mut self, place: usize) -> (String, bool) {
            let found = self.uploads.contains(&place);
            if !found {
                self.uploads.push(place);
            }
            (format!("etag {place}"), found)
        }

        fn find(&self, place: usize) -> Option<String> {
            self.jobs.iter().position(|job| *job == place).map(|id| id.to_string())
        }

        fn create(&mut self, place: usize) -> String {
            self.jobs.push(place);
            self.ended.push(false);
            let open = self.ended.iter().filter(|ended| !**ended).count();
            self.open_most = self.open_most.max(open);
            (self.jobs.len() - 1).to_string()
        }

        fn has_ended(&self, place: usize) -> bool {
            self.jobs.iter().position(|job| *job == place).is_some_and(|id| self.ended[id])
        }
    }

    fn name(place: usize) -> String {
        format!("manifests/{place:05}.csv")
    }

    /// Shards of which those from `noncurrent` on come after those before.
    fn shards(count: usize, noncurrent: usize) -> Vec<Shard> {
        let last = noncurrent.min(count);
        let range = (last > 0).then(|| ShardRange { first: 0, last: last - 1 });
        let shard = |place: usize| Shard {
            path: name(place),
            after: range.into_iter().filter(|_| place >= last).collect(),
            ..Shard::default()
        };
        (0..count).map(shard).collect()
    }

    fn replay(lines: &[JournalEntry], shards: &[Shard]) -> SubmissionProgress {
        let mut progress = SubmissionProgress::new(shards);
        for line in lines {
            progress.apply(line).unwrap();
        }
        progress
    }

    fn ended(status: &str, succeeded: u64, failed: u64) -> JobEnd {
        JobEnd { status: status.to_owned(), tasks: succeeded + failed, succeeded, failed }
    }

    /// One run, killed when `budget` is used up: each line and each deed costs one. True when there
    /// is nothing left to do but wait.
    fn run(
        lines: &mut Vec<JournalEntry>,
        world: &mut World,
        shards: &[Shard],
        open_max: usize,
        mut budget: usize,
    ) -> bool {
        let mut progress = replay(lines, shards);
        let mut pay = || {
            budget = budget.saturating_sub(1);
            budget > 0
        };
        let mut say = |event: JournalEvent, progress: &mut SubmissionProgress| {
            let entry = JournalEntry { time: Timestamp::UNIX_EPOCH, event };
            progress.apply(&entry).unwrap();
            lines.push(entry);
        };
        loop {
            if !pay() {
                return false;
            }
            match progress.next(open_max) {
                SubmissionStep::Upload(place) => {
                    let manifest = name(place);
                    let object = manifest.clone();
                    say(
                        JournalEvent::Uploading { manifest: manifest.clone(), object },
                        &mut progress,
                    );
                    if !pay() {
                        return false;
                    }
                    let (etag, found) = world.upload(place);
                    if !pay() {
                        return false;
                    }
                    say(JournalEvent::Uploaded { manifest, etag, found }, &mut progress);
                }
                step @ (SubmissionStep::Create(place) | SubmissionStep::Find(place)) => {
                    let manifest = name(place);
                    let known = matches!(step, SubmissionStep::Find(_))
                        .then(|| world.find(place))
                        .flatten();
                    if matches!(step, SubmissionStep::Create(_)) {
                        let (manifest, token) = (manifest.clone(), String::new());
                        say(JournalEvent::Creating { manifest, attempt: 1, token }, &mut progress);
                    }
                    if !pay() {
                        return false;
                    }
                    for range in &shards[place].after {
                        assert!((range.first..=range.last).all(|place| world.has_ended(place)));
                    }
                    let found = known.is_some();
                    let job_id = known.unwrap_or_else(|| world.create(place));
                    if !pay() {
                        return false;
                    }
                    say(JournalEvent::Created { manifest, job_id, found }, &mut progress);
                }
                SubmissionStep::Wait => {
                    let Some(job_id) = progress.open().next().map(str::to_owned) else {
                        panic!("waits for nothing");
                    };
                    world.ended[job_id.parse::<usize>().unwrap()] = true;
                    say(
                        JournalEvent::Ended { job_id, end: ended("Complete", 1, 0) },
                        &mut progress,
                    );
                }
                step @ (SubmissionStep::Prioritise(..) | SubmissionStep::Held) => {
                    panic!("{step:?}")
                }
                SubmissionStep::Done => return true,
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn however_often_it_is_killed_each_manifest_gets_one_job_in_order(
            count in 0usize..12,
            noncurrent in 0usize..8,
            open_max in 1usize..8,
            budgets in prop::collection::vec(1usize..12, 0..30),
        ) {
            let (mut lines, mut world) = (Vec::new(), World::default());
            let shards = shards(count, noncurrent);
            for budget in budgets {
                run(&mut lines, &mut world, &shards, open_max, budget);
            }
            prop_assert!(run(&mut lines, &mut world, &shards, open_max, usize::MAX));
            let mut jobs = world.jobs.clone();
            jobs.sort_unstable();
            prop_assert_eq!(jobs, (0..count).collect::<Vec<_>>());
            prop_assert_eq!(world.uploads.len(), count);
            prop_assert!(world.open_most <= open_max);
            // The journal says what is there.
            let progress = replay(&lines, &shards);
            for (place, id) in progress.jobs() {
                prop_assert_eq!(world.jobs[id.parse::<usize>().unwrap()], place);
            }
        }
    }

    /// Takes in events, the jobs of the first manifests among them.
    fn after(
        shards: &[Shard],
        events: impl IntoIterator<Item = JournalEvent>,
    ) -> SubmissionProgress {
        let mut progress = SubmissionProgress::new(shards);
        for place in 0..shards.len() {
            let (manifest, object) = (name(place), String::new());
            say(&mut progress, JournalEvent::Uploading { manifest: manifest.clone(), object })
                .unwrap();
            let etag = "e".to_owned();
            say(&mut progress, JournalEvent::Uploaded { manifest, etag, found: false }).unwrap();
        }
        for event in events {
            say(&mut progress, event).unwrap();
        }
        progress
    }

    fn say(progress: &mut SubmissionProgress, event: JournalEvent) -> Result<(), String> {
        progress.apply(&JournalEntry { time: Timestamp::UNIX_EPOCH, event })
    }

    /// The events of a job that was created.
    fn job(place: usize, attempt: u32, job_id: &str) -> [JournalEvent; 2] {
        let (manifest, token) = (name(place), String::new());
        let created = JournalEvent::Created {
            manifest: manifest.clone(),
            job_id: job_id.to_owned(),
            found: false,
        };
        [JournalEvent::Creating { manifest, attempt, token }, created]
    }

    fn end(job_id: &str, end: JobEnd) -> JournalEvent {
        JournalEvent::Ended { job_id: job_id.to_owned(), end }
    }

    #[test]
    fn current_versions_wait_until_every_noncurrent_task_is_done() {
        let shards = shards(3, 2);
        let mut progress = after(&shards, []);
        assert_eq!(progress.next(6), SubmissionStep::Create(0));
        for event in job(0, 1, "a").into_iter().chain(job(1, 1, "b")) {
            say(&mut progress, event).unwrap();
        }
        assert_eq!((progress.next(6), progress.is_held(2)), (SubmissionStep::Wait, false));
        say(&mut progress, end("a", ended("Complete", 5, 0))).unwrap();
        assert_eq!((progress.next(6), progress.is_held(2)), (SubmissionStep::Wait, false));
        let clean = {
            let mut progress = progress.clone();
            say(&mut progress, end("b", ended("Complete", 5, 0))).unwrap();
            progress
        };
        assert_eq!(clean.next(6), SubmissionStep::Create(2));
        for unclean in [ended("Complete", 4, 1), ended("Failed", 0, 0), ended("Cancelled", 3, 0), {
            JobEnd { tasks: 0, ..ended(JobEnd::FORGOTTEN, 0, 0) }
        }] {
            let mut progress = progress.clone();
            say(&mut progress, end("b", unclean)).unwrap();
            assert_eq!((progress.next(6), progress.is_held(2)), (SubmissionStep::Held, true));
        }
    }

    #[test]
    fn a_job_that_did_fewer_tasks_than_its_manifest_has_objects_is_not_clean() {
        let mut shards = shards(2, 1);
        shards[0].objects = 5;
        let progress = after(&shards, job(0, 1, "a"));
        for (succeeded, failed, next) in [
            (5, 0, SubmissionStep::Create(1)),
            (4, 0, SubmissionStep::Held),
            (0, 0, SubmissionStep::Held),
            (4, 1, SubmissionStep::Held),
        ] {
            let mut progress = progress.clone();
            say(&mut progress, end("a", ended("Complete", succeeded, failed))).unwrap();
            assert_eq!(progress.next(6), next, "{succeeded} and {failed}");
        }
        assert!(progress.is_end_weighed("a", 5), "the other waits for it");
        assert!(ended("Complete", 4, 1).ran_all(5) && !ended("Complete", 3, 1).ran_all(5));
    }

    #[test]
    fn a_job_that_ran_nothing_can_be_followed_by_another() {
        let shards = shards(1, 0);
        let mut progress = after(&shards, job(0, 1, "a"));
        let again = JournalEvent::Creating { manifest: name(0), attempt: 2, token: String::new() };
        assert!(say(&mut progress.clone(), again.clone()).is_err(), "it is still open");
        let mut ran = progress.clone();
        say(&mut ran, end("a", ended("Failed", 1, 0))).unwrap();
        assert!(say(&mut ran, again.clone()).is_err(), "it ran a task");
        say(&mut progress, end("a", ended("Failed", 0, 0))).unwrap();
        assert_eq!(progress.next(6), SubmissionStep::Done);
        // It may be planned first, and is then created like any other.
        {
            let mut progress = progress.clone();
            say(&mut progress, JournalEvent::Reinstated { manifest: name(0) }).unwrap();
            assert!(progress.is_former("a"));
            assert_eq!(progress.next(6), SubmissionStep::Create(0));
            assert_eq!(progress.next(0), SubmissionStep::Wait);
            say(&mut progress, again.clone()).unwrap();
            assert_eq!(progress.next(6), SubmissionStep::Find(0));
        }
        say(&mut progress, again).unwrap();
        assert!(progress.is_former("a"));
        assert_eq!(progress.next(6), SubmissionStep::Find(0));
        let created =
            JournalEvent::Created { manifest: name(0), job_id: "b".to_owned(), found: false };
        say(&mut progress, created).unwrap();
        assert_eq!(progress.jobs().collect::<Vec<_>>(), [(0, "b")]);
        assert!(say(&mut progress, end("a", ended("Failed", 0, 0))).is_err());
    }

    #[test]
    fn what_is_withdrawn_is_not_created_until_it_is_reinstated() {
        let shards = shards(2, 0);
        let withdrawn = JournalEvent::Withdrawn { manifest: name(0) };
        let mut progress = after(&shards, [withdrawn.clone()]);
        assert_eq!(progress.next(6), SubmissionStep::Create(1));
        assert!(say(&mut progress, withdrawn).is_err());
        for event in job(1, 1, "b") {
            say(&mut progress, event).unwrap();
        }
        assert_eq!(progress.next(6), SubmissionStep::Done);
        say(&mut progress, JournalEvent::Reinstated { manifest: name(0) }).unwrap();
        assert_eq!(progress.next(6), SubmissionStep::Create(0));
    }

    #[test]
    fn a_planned_priority_is_given_once() {
        let shards = shards(1, 0);
        let planned = JournalEvent::PriorityPlanned { manifest: name(0), priority: 7 };
        let mut progress = after(&shards, [planned]);
        assert_eq!(progress.next(6), SubmissionStep::Create(0));
        for event in job(0, 1, "a") {
            say(&mut progress, event).unwrap();
        }
        assert_eq!(progress.next(6), SubmissionStep::Prioritise(0, 7));
        let command = JobCommand::Priority(7);
        say(&mut progress, JournalEvent::CommandAcked { job_id: "a".to_owned(), command }).unwrap();
        assert_eq!(progress.next(6), SubmissionStep::Done);
    }

    #[test]
    fn a_line_that_does_not_fit_is_refused() {
        let mut progress = SubmissionProgress::new(&shards(1, 0));
        let mut say = |event| say(&mut progress, event);
        let created = |job_id: &str| JournalEvent::Created {
            manifest: name(0),
            job_id: job_id.to_owned(),
            found: false,
        };
        assert!(say(created("1")).unwrap_err().contains("can't follow Waiting"));
        let other = JournalEvent::Uploading { manifest: name(9), object: String::new() };
        assert!(say(other).unwrap_err().contains("not a manifest of the plan"));
        assert!(say(end("1", ended("Complete", 1, 0))).unwrap_err().contains("no job 1"));
    }

    #[test]
    fn an_upload_in_parts_is_known_until_it_ends() {
        let mut progress = SubmissionProgress::new(&shards(1, 0));
        for event in [
            JournalEvent::Uploading { manifest: name(0), object: String::new() },
            JournalEvent::MultipartStarted {
                manifest: name(0),
                object: "b/k".to_owned(),
                upload_id: "u".to_owned(),
            },
        ] {
            say(&mut progress, event).unwrap();
        }
        let multipart = Some(("b/k".to_owned(), "u".to_owned()));
        assert_eq!(progress.stages(), [ManifestStage::Uploading { multipart }]);
        assert_eq!(progress.next(6), SubmissionStep::Upload(0));
    }
}
