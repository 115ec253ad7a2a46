//! From the lines of a journal to how far each manifest is, and what is to be done next.
//!
//! Pure: no clock, no disk, no network. So the tests can play every interruption there is.
//!
//! The order: all manifests are uploaded first; then jobs are created, as many as may be open at a
//! time. A step whose end the journal doesn't know is looked into before it is taken again:
//! [`Step::Upload`] finds an object that is there already, and [`Step::Find`] a job.

use std::collections::HashMap;

use jiff::Timestamp;

use super::{Entry, Event};

/// How far a manifest is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// Nothing was done.
    Waiting,
    /// Its upload was begun, perhaps in parts, and perhaps ended.
    Uploading {
        /// The upload in parts that was begun, to be given up: `bucket/key` and its id.
        in_parts: Option<(String, String)>,
    },
    /// It lies where its job will read it.
    Uploaded {
        /// Its `ETag`, without quotes.
        etag: String,
    },
    /// Its job was asked for, and perhaps made.
    Creating {
        /// The manifest's `ETag`.
        etag: String,
        /// When it was first asked for: the job is no older.
        since: Timestamp,
    },
    /// Its job is there.
    Created {
        /// The job.
        job_id: String,
        /// The state that it never leaves, once it was seen in it.
        ended: Option<String>,
    },
}

/// What is to be done next. Numbers are places in the plan's list of manifests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Upload this manifest, or find it there.
    Upload(usize),
    /// Look for the job of this manifest, and create it if there is none.
    Find(usize),
    /// Create the job of this manifest, which was never asked for.
    Create(usize),
    /// Wait for an open job to end, to create others.
    Wait,
    /// Every job was created.
    Done,
}

/// How far a submission is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    stages: Vec<Stage>,
    /// Places by the manifests' paths.
    places: HashMap<String, usize>,
}

impl Progress {
    /// Nothing was done with any of these manifests.
    #[must_use]
    pub fn new(manifests: &[String]) -> Self {
        let places = manifests.iter().cloned().enumerate().map(|(place, path)| (path, place));
        Self { stages: vec![Stage::Waiting; manifests.len()], places: places.collect() }
    }

    /// How far each manifest is, in the order of the plan.
    #[must_use]
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// Takes in a line.
    ///
    /// # Errors
    /// When it doesn't fit what the lines before it say: a text that tells how.
    pub fn apply(&mut self, entry: &Entry) -> Result<(), String> {
        match &entry.event {
            Event::Begun { .. } | Event::Telling { .. } | Event::Told { .. } => Ok(()),
            Event::Uploading { manifest, .. } => self.change(manifest, |stage| match stage {
                Stage::Waiting | Stage::Uploading { .. } => {
                    Some(Stage::Uploading { in_parts: None })
                }
                _ => None,
            }),
            Event::InParts { manifest, object, upload_id } => {
                self.change(manifest, |stage| match stage {
                    Stage::Uploading { .. } => {
                        let in_parts = Some((object.clone(), upload_id.clone()));
                        Some(Stage::Uploading { in_parts })
                    }
                    _ => None,
                })
            }
            Event::Uploaded { manifest, etag, .. } => self.change(manifest, |stage| match stage {
                Stage::Uploading { .. } => Some(Stage::Uploaded { etag: etag.clone() }),
                _ => None,
            }),
            Event::Creating { manifest, .. } => self.change(manifest, |stage| match stage {
                Stage::Uploaded { etag } => {
                    Some(Stage::Creating { etag: etag.clone(), since: entry.time })
                }
                _ => None,
            }),
            Event::Created { manifest, job_id, .. } => self.change(manifest, |stage| match stage {
                Stage::Creating { .. } => {
                    Some(Stage::Created { job_id: job_id.clone(), ended: None })
                }
                _ => None,
            }),
            Event::Ended { job_id, status } => self.end(job_id, status),
        }
    }

    fn change(
        &mut self,
        manifest: &str,
        change: impl FnOnce(&Stage) -> Option<Stage>,
    ) -> Result<(), String> {
        let place = self.places.get(manifest);
        let Some(stage) = place.map(|place| &mut self.stages[*place]) else {
            return Err(format!("{manifest} is no manifest of the plan"));
        };
        let Some(next) = change(stage) else {
            return Err(format!("{manifest}: this can't follow {stage:?}"));
        };
        *stage = next;
        Ok(())
    }

    fn end(&mut self, id: &str, status: &str) -> Result<(), String> {
        let of_job =
            |stage: &&mut Stage| matches!(stage, Stage::Created { job_id, .. } if job_id == id);
        let Some(Stage::Created { ended, .. }) = self.stages.iter_mut().find(of_job) else {
            return Err(format!("there is no job {id}"));
        };
        *ended = Some(status.to_owned());
        Ok(())
    }

    /// Jobs that were created, and not seen to end.
    pub fn open(&self) -> impl Iterator<Item = &str> {
        self.stages.iter().filter_map(|stage| match stage {
            Stage::Created { job_id, ended: None } => Some(job_id.as_str()),
            _ => None,
        })
    }

    /// All jobs with the places of their manifests.
    pub fn jobs(&self) -> impl Iterator<Item = (usize, &str)> {
        self.stages.iter().enumerate().filter_map(|(place, stage)| match stage {
            Stage::Created { job_id, .. } => Some((place, job_id.as_str())),
            _ => None,
        })
    }

    /// What is to be done next, with at most so many jobs open at a time.
    #[must_use]
    pub fn next(&self, open_max: usize) -> Step {
        let first = |wanted: fn(&Stage) -> bool| self.stages.iter().position(wanted);
        let upload = first(|stage| matches!(stage, Stage::Waiting | Stage::Uploading { .. }));
        if let Some(place) = upload {
            return Step::Upload(place);
        }
        // It may be there already: then it counts among the open ones, and must be known.
        if let Some(place) = first(|stage| matches!(stage, Stage::Creating { .. })) {
            return Step::Find(place);
        }
        match first(|stage| matches!(stage, Stage::Uploaded { .. })) {
            None => Step::Done,
            Some(_) if self.open().count() >= open_max => Step::Wait,
            Some(place) => Step::Create(place),
        }
    }
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
    }

    fn name(place: usize) -> String {
        format!("manifests/{place:05}.csv")
    }

    fn replay(lines: &[Entry], count: usize) -> Progress {
        let manifests: Vec<String> = (0..count).map(name).collect();
        let mut progress = Progress::new(&manifests);
        for line in lines {
            progress.apply(line).unwrap();
        }
        progress
    }

    /// One run, killed when `budget` is used up: each line and each deed costs one. True when there
    /// is nothing left to do but wait.
    fn run(
        lines: &mut Vec<Entry>,
        world: &mut World,
        count: usize,
        open_max: usize,
        mut budget: usize,
    ) -> bool {
        let mut progress = replay(lines, count);
        let mut pay = || {
            budget = budget.saturating_sub(1);
            budget > 0
        };
        let mut say = |event: Event, progress: &mut Progress| {
            let entry = Entry { time: Timestamp::UNIX_EPOCH, event };
            progress.apply(&entry).unwrap();
            lines.push(entry);
        };
        loop {
            if !pay() {
                return false;
            }
            match progress.next(open_max) {
                Step::Upload(place) => {
                    let manifest = name(place);
                    let object = manifest.clone();
                    say(Event::Uploading { manifest: manifest.clone(), object }, &mut progress);
                    if !pay() {
                        return false;
                    }
                    let (etag, found) = world.upload(place);
                    if !pay() {
                        return false;
                    }
                    say(Event::Uploaded { manifest, etag, found }, &mut progress);
                }
                step @ (Step::Create(place) | Step::Find(place)) => {
                    let manifest = name(place);
                    let known = matches!(step, Step::Find(_)).then(|| world.find(place)).flatten();
                    if matches!(step, Step::Create(_)) {
                        let token = String::new();
                        say(Event::Creating { manifest: manifest.clone(), token }, &mut progress);
                    }
                    if !pay() {
                        return false;
                    }
                    let found = known.is_some();
                    let job_id = known.unwrap_or_else(|| world.create(place));
                    if !pay() {
                        return false;
                    }
                    say(Event::Created { manifest, job_id, found }, &mut progress);
                }
                Step::Wait => {
                    let Some(id) = progress.open().next().map(str::to_owned) else {
                        panic!("waits for nothing");
                    };
                    world.ended[id.parse::<usize>().unwrap()] = true;
                    say(Event::Ended { job_id: id, status: "Complete".to_owned() }, &mut progress);
                }
                Step::Done => return true,
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn however_often_it_is_killed_each_manifest_gets_one_job(
            count in 0usize..12,
            open_max in 1usize..8,
            budgets in prop::collection::vec(1usize..12, 0..30),
        ) {
            let (mut lines, mut world) = (Vec::new(), World::default());
            for budget in budgets {
                run(&mut lines, &mut world, count, open_max, budget);
            }
            prop_assert!(run(&mut lines, &mut world, count, open_max, usize::MAX));
            let mut jobs = world.jobs.clone();
            jobs.sort_unstable();
            prop_assert_eq!(jobs, (0..count).collect::<Vec<_>>());
            prop_assert_eq!(world.uploads.len(), count);
            prop_assert!(world.open_most <= open_max);
            // The journal says what is there.
            let progress = replay(&lines, count);
            for (place, id) in progress.jobs() {
                prop_assert_eq!(world.jobs[id.parse::<usize>().unwrap()], place);
            }
        }
    }

    #[test]
    fn a_line_that_does_not_fit_is_refused() {
        let mut progress = Progress::new(&[name(0)]);
        let mut say = |event| progress.apply(&Entry { time: Timestamp::UNIX_EPOCH, event });
        let created = |job_id: &str| Event::Created {
            manifest: name(0),
            job_id: job_id.to_owned(),
            found: false,
        };
        assert!(say(created("1")).unwrap_err().contains("can't follow Waiting"));
        let other = Event::Uploading { manifest: name(9), object: String::new() };
        assert!(say(other).unwrap_err().contains("no manifest of the plan"));
        let ended = Event::Ended { job_id: "1".to_owned(), status: "Complete".to_owned() };
        assert!(say(ended).unwrap_err().contains("no job 1"));
    }

    #[test]
    fn an_upload_in_parts_is_known_until_it_ends() {
        let mut progress = Progress::new(&[name(0)]);
        for event in [
            Event::Uploading { manifest: name(0), object: String::new() },
            Event::InParts {
                manifest: name(0),
                object: "b/k".to_owned(),
                upload_id: "u".to_owned(),
            },
        ] {
            progress.apply(&Entry { time: Timestamp::UNIX_EPOCH, event }).unwrap();
        }
        let in_parts = Some(("b/k".to_owned(), "u".to_owned()));
        assert_eq!(progress.stages(), [Stage::Uploading { in_parts }]);
        assert_eq!(progress.next(6), Step::Upload(0));
    }
}
