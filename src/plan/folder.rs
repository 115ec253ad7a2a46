//! The folder of a plan: it appears complete or not at all.
//!
//! A run writes everything to the work folder `.s3sieve-partial` inside it, which only its owner
//! may read, and holds the lock of a file there. At the end it moves the parts into place,
//! `plan.json` last. The next run recognises a killed run's files by that lock file, which nobody
//! holds, and removes them.
//!
//! A run that replaces a plan deletes only the files that the old `plan.json` lists. Until it is
//! done, the work folder holds both documents: the new `plan.json` until it moves into place, and
//! the old one from the moment it is hidden. So if the run is killed in between, the next run can
//! tell the files of both plans from files of others, and removes them.
//!
//! Never knows what the files hold.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::names::{EXCLUDED, JOURNAL, MANIFESTS, PLAN, PLAN_BYTES_MAX};
use super::places::{FOLDERS, WorkPlaces};
use super::{PLAN_VERSION, Plan, PlanError, consistency};
use crate::parts::PartsFolder;
use crate::source::{FileList, LocalFile, WORK_FOLDER, WorkFolder, sync_files, sync_folder};

/// The name of the new `plan.json` while it is written.
const NEW_PLAN: &str = "plan.json.new";

/// The name that the old `plan.json` gets in the work folder while its plan is replaced.
const OLD_PLAN: &str = "replaced.json";

/// A plan being written. Dropped before [`PartialFolder::commit`], it leaves nothing behind.
pub(super) struct PartialFolder {
    out: PathBuf,
    work: WorkFolder,
    pub(super) places: WorkPlaces,
    /// What the plan lists that is to be replaced.
    replaced: Option<FileList>,
}

impl PartialFolder {
    /// Takes possession of `out`, which must be empty, hold the leavings of a killed run, or, with
    /// `force`, a plan to be replaced.
    pub(super) fn create(out: &Path, force: bool) -> Result<Self, PlanError> {
        let work = WorkFolder::take(out)?;
        let was_a_plan = clear_half_a_plan(out, work.path())?;
        work.clear()?;
        let replaced = what_gives_way(out, force, was_a_plan)?;
        let places = WorkPlaces::create(work.path().to_owned(), work.path())?;
        Ok(Self { out: out.to_owned(), work, places, replaced })
    }

    /// Writes `plan.json`, flushes all files to disk, and moves everything into place.
    pub(super) fn commit(self, plan: &Plan) -> Result<(), PlanError> {
        let written = self.work.path().join(NEW_PLAN);
        write_document(&written, plan).map_err(PlanError::at(&written))?;
        // Under this name it is always complete.
        self.rename(&written, &self.work.path().join(PLAN))?;
        for part in FOLDERS {
            sync_files(&self.work.path().join(part))?;
        }
        synced(self.work.path())?;
        let placed = self.hide_old().and_then(|()| self.show());
        if placed.is_err() && self.take_back().is_err() {
            // The next run finds these files, and the documents that list them.
            self.work.leave();
        }
        placed
    }

    /// Removes the plan that is to be replaced. From the first step on there is no old plan.
    fn hide_old(&self) -> Result<(), PlanError> {
        let Some(listed) = &self.replaced else { return Ok(()) };
        refuse_others(&self.out, listed)?;
        self.rename(&self.out.join(PLAN), &self.work.path().join(OLD_PLAN))?;
        synced(self.work.path())?;
        synced(&self.out)?;
        listed.remove(&self.out).map_err(PlanError::from)
    }

    /// Moves the parts of the plan into place. With the last step there is a new plan.
    fn show(&self) -> Result<(), PlanError> {
        for name in [PLAN, MANIFESTS, EXCLUDED] {
            let path = self.out.join(name);
            match fs::symlink_metadata(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(PlanError::Io { path: path.into(), error }),
                Ok(_) => return Err(PlanError::InTheWay { path: path.into() }),
            }
        }
        for part in FOLDERS {
            self.rename(&self.work.path().join(part), &self.out.join(part))?;
        }
        synced(self.work.path())?;
        synced(&self.out)?;
        self.rename(&self.work.path().join(PLAN), &self.out.join(PLAN))?;
        synced(&self.out)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), PlanError> {
        fs::rename(from, to).map_err(PlanError::at(to))
    }

    /// Undoes a failed [`PartialFolder::show`]: a run that fails leaves no plan.
    fn take_back(&self) -> Result<(), PlanError> {
        let (shown, document) = (self.out.join(PLAN), self.work.path().join(PLAN));
        if !document.exists() {
            self.rename(&shown, &document)?;
        }
        clear_half_a_plan(&self.out, self.work.path()).map(|_| ())
    }
}

/// Removes the files of a run that ended between the old plan and the new one from `out`: those
/// of the new plan that it had moved there, and the remaining ones of the old plan. True if
/// there was an old plan.
fn clear_half_a_plan(out: &Path, work: &Path) -> Result<bool, PlanError> {
    if fs::symlink_metadata(out.join(PLAN)).is_ok() {
        // It ended before or after the change: this is a complete plan.
        return Ok(false);
    }
    let old = listed_by(&work.join(OLD_PLAN))?;
    let was_a_plan = old.is_some();
    let mut left = old.unwrap_or_default();
    if let Some(new) = listed_by(&work.join(PLAN))? {
        left.extend(new.only(|folder| {
            let part = folder.components().next();
            part.is_some_and(|part| !work.join(part.as_os_str()).exists())
        }));
    }
    left.remove(out).map_err(PlanError::from)?;
    Ok(was_a_plan)
}

/// What the plan in `out` lists, if there is one and `force` lets it be replaced; refuses whatever
/// else would have to go. `was_a_plan` says that there was one, which a killed run has removed.
fn what_gives_way(
    out: &Path,
    force: bool,
    was_a_plan: bool,
) -> Result<Option<FileList>, PlanError> {
    if fs::symlink_metadata(out.join(JOURNAL)).is_ok() {
        return Err(PlanError::Submitted { path: out.into() });
    }
    if PartsFolder::new(&out.into()).partitions().open().is_ok() {
        return Err(PlanError::Merged { path: out.into() });
    }
    let mut names: Vec<_> = Vec::new();
    for entry in fs::read_dir(out).map_err(PlanError::at(out))? {
        let name = entry.map_err(PlanError::at(out))?.file_name();
        if name != WORK_FOLDER {
            names.push(name);
        }
    }
    names.sort_unstable_by_key(|name| (name != PLAN, name.clone()));
    let Some(first) = names.first() else { return Ok(None) };
    if !force {
        let found = first.to_string_lossy().into_owned();
        return Err(PlanError::NotEmpty { path: out.into(), found });
    }
    let Some(listed) = listed_by(&out.join(PLAN))? else {
        if was_a_plan {
            refuse_others(out, &FileList::default())?;
            return Ok(None);
        }
        let found = first.to_string_lossy().into_owned();
        return Err(PlanError::NotAPlan { path: out.into(), found });
    };
    refuse_others(out, &listed)?;
    Ok(Some(listed))
}

/// Refuses what is in a plan's folders without being listed by the plan.
fn refuse_others(out: &Path, listed: &FileList) -> Result<(), PlanError> {
    for part in FOLDERS {
        if let Some(path) = listed.first_other(out, part)? {
            return Err(PlanError::InTheWay { path: path.into() });
        }
    }
    Ok(())
}

/// The files that a `plan.json` lists; `None` where there is none.
fn listed_by(path: &Path) -> Result<Option<FileList>, PlanError> {
    let unreadable = |what: String| PlanError::Unreadable { path: path.into(), what };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(PlanError::Io { path: path.into(), error }),
        Ok(found) if found.is_symlink() => return Err(unreadable("it is a link".to_owned())),
        Ok(_) => {}
    }
    let file = LocalFile::open(path).map_err(PlanError::at(path))?;
    if file.len() > PLAN_BYTES_MAX {
        return Err(unreadable(format!("it has {} bytes", file.len())));
    }
    let mut text = Vec::new();
    file.take(PLAN_BYTES_MAX).read_to_end(&mut text).map_err(PlanError::at(path))?;
    let files = parsed(&text).map(|plan| plan.files()).map_err(unreadable)?;
    let listed = FileList::new(files).map_err(|path| unreadable(format!("it lists {path:?}")))?;
    Ok(Some(FOLDERS.into_iter().fold(listed, FileList::with_folder)))
}

/// A plan that is to be replaced, from its `plan.json`: of this version or an older one.
pub(super) fn parsed(text: &[u8]) -> Result<Plan, String> {
    let plan: Plan = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    if plan.version > PLAN_VERSION {
        return Err(format!("it has version {}, and {PLAN_VERSION} is known", plan.version));
    }
    // What it lists is deleted.
    consistency::fault(&plan).map_or(Ok(plan), Err)
}

/// The text of `plan.json`.
pub(super) fn document(plan: &Plan) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(plan)?;
    text.push(b'\n');
    Ok(text)
}

fn write_document(path: &Path, plan: &Plan) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(&document(plan)?)?;
    file.sync_all()
}

/// Flushes the names in a folder to disk.
fn synced(path: &Path) -> Result<(), PlanError> {
    sync_folder(path).map_err(PlanError::at(path))
}
