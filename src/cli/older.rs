//! Keys that are served in an older version: copies of their noncurrent versions were made, and
//! those of their current versions, which come after, were not.

use super::jobs::JobLine;
use crate::jobs::JobView;
use crate::jobs::journal::{JobEnd, ManifestStage, SubmissionProgress};
use crate::plan::Shard;
use crate::units::counted;

/// Manifests that are named at most; a count stands for the others.
const NAMES_MAX: usize = 5;

/// What the job of a manifest did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct JobAction {
    /// Whether it may have copied something.
    has_copied: bool,
    /// Whether it did all its tasks.
    is_clean: bool,
    /// Whether it still may do them, without another plan.
    is_open: bool,
}

impl JobAction {
    pub(super) fn of_line(job: &JobLine) -> Self {
        Self {
            has_copied: job.tasks_succeeded > 0 || job.status == JobEnd::FORGOTTEN,
            is_clean: job.is_clean(),
            is_open: !job.is_over() && !job.is_left_out(),
        }
    }

    /// The same of all manifests of a plan, by its journal and what AWS lists.
    pub(super) fn of_all(progress: &SubmissionProgress, views: &[JobView]) -> Vec<Self> {
        let of = |(place, stage): (usize, &ManifestStage)| match (stage, stage.end()) {
            (_, Some(end)) => Self {
                has_copied: end.succeeded > 0 || end.status == JobEnd::FORGOTTEN,
                is_clean: progress.is_clean(place),
                is_open: false,
            },
            (ManifestStage::Created { job_id, .. }, None) => {
                let view = views.iter().find(|view| view.job_id == *job_id);
                let has_copied = view.is_some_and(|view| view.succeeded > 0);
                Self { has_copied, is_clean: false, is_open: true }
            }
            (ManifestStage::Withdrawn { .. }, None) => Self::nothing(false),
            _ => Self::nothing(!progress.is_held(place)),
        };
        progress.stages().iter().enumerate().map(of).collect()
    }

    /// The same, once all jobs that may still do tasks have been told to end.
    pub(super) fn ended(deeds: Vec<Self>) -> Vec<Self> {
        deeds.into_iter().map(|deed| Self { is_open: false, ..deed }).collect()
    }

    fn nothing(is_open: bool) -> Self {
        Self { has_copied: false, is_clean: false, is_open }
    }
}

/// Which keys are served in an older version, and what leads on; `None` where there are none.
/// Where `only_dead`, jobs that may still do their tasks are left out: they are on the way.
pub(super) fn warning(
    shards: &[Shard],
    deeds: &[JobAction],
    plan_words: &str,
    only_dead: bool,
) -> Option<String> {
    let deed = |place: usize| deeds.get(place);
    let mut known: Option<(&[_], bool)> = None;
    let mut behind = Vec::new();
    for (place, shard) in shards.iter().enumerate() {
        // Manifests that wait for the same ones stand side by side: they are looked at once.
        let has_older = match known {
            Some((same, has_older)) if same == shard.after.as_slice() => has_older,
            _ => {
                let mut earlier = shard.after.iter().flat_map(|range| range.first..=range.last);
                let has_older = earlier.any(|place| deed(place).is_some_and(|d| d.has_copied));
                known.insert((&shard.after, has_older)).1
            }
        };
        let is_behind = |deed: &JobAction| !(deed.is_clean || (only_dead && deed.is_open));
        if has_older && deed(place).is_some_and(is_behind) {
            behind.push(place);
        }
    }
    let (first, others) = behind.split_at(behind.len().min(NAMES_MAX));
    if first.is_empty() {
        return None;
    }
    let names: Vec<&str> = first.iter().map(|place| &*shards[*place].path).collect();
    let more = match others.len() as u64 {
        0 => String::new(),
        others => format!(" and of {}", counted(others, "more manifest")),
    };
    let is_open = behind.iter().all(|place| deed(*place).is_some_and(|deed| deed.is_open));
    let way = if is_open {
        format!("`s3sieve jobs {plan_words} run` lets them run")
    } else {
        format!("`s3sieve retry {plan_words} --out PLAN2` makes a plan of what is left")
    };
    Some(format!(
        "Keys of {}{more} now serve an older version, until their current versions are copied, \
         too: noncurrent versions were copied before. {way}.",
        names.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::ShardRange;

    /// A manifest of noncurrent versions, and `waiting` manifests that wait for it.
    fn shards(waiting: usize) -> Vec<Shard> {
        let shard = |place: usize| Shard {
            path: format!("manifests/{place:05}.csv"),
            after: (place > 0).then_some(ShardRange { first: 0, last: 0 }).into_iter().collect(),
            ..Shard::default()
        };
        (0..=waiting).map(shard).collect()
    }

    const DONE: JobAction = JobAction { has_copied: true, is_clean: true, is_open: false };
    const PARTLY: JobAction = JobAction { has_copied: true, is_clean: false, is_open: false };
    const DEAD: JobAction = JobAction { has_copied: false, is_clean: false, is_open: false };
    const OPEN: JobAction = JobAction { has_copied: false, is_clean: false, is_open: true };

    #[test]
    fn keys_that_serve_an_older_version_are_told_of() {
        let told = |deeds: &[JobAction], only_dead| warning(&shards(2), deeds, "plan", only_dead);
        assert_eq!(told(&[DONE, DONE, DONE], false), None);
        assert_eq!(told(&[DEAD, DEAD, DEAD], false), None, "nothing was copied");
        assert_eq!(told(&[DONE, OPEN, OPEN], true), None, "they are on the way");
        let text = told(&[DONE, OPEN, OPEN], false).unwrap();
        assert!(text.contains("00001.csv, manifests/00002.csv now serve"), "{text}");
        assert!(text.contains("`s3sieve jobs plan run`"), "{text}");
        let text = told(&[DONE, DONE, DEAD], true).unwrap();
        assert!(text.starts_with("Keys of manifests/00002.csv now serve an older"), "{text}");
        assert!(text.contains("`s3sieve retry plan --out PLAN2`"), "{text}");
        assert!(told(&[PARTLY, DEAD, DEAD], true).is_some());
        let text = warning(&shards(9), &[&[DONE][..], &[DEAD; 9]].concat(), "plan", true).unwrap();
        assert!(text.contains("00005.csv and of 4 more manifests"), "{text}");
    }
}
