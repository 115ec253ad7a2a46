//! The folder of a plan: written under another name, shown when complete, never half.
//!
//! While a run goes on, all it writes stands in `.s3sieve-partial` inside the folder, which nobody
//! else may look into, held by the lock of a file in there. At the end its parts are moved into
//! place, `plan.json` last. What a killed run left behind is recognised by that file and its free
//! lock, and removed by the next run.
//!
//! A run that replaces a plan deletes just what the old `plan.json` lists. That, and what the run
//! itself has moved into place by then, is known from the work folder until all is done: it holds
//! the new `plan.json` until that is shown, and the old one from when it is hidden. So a run that
//! ends in between is told from files of others, and what it left is removed, too.
//!
//! Never knows what the files hold.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::read::PLAN_BYTES_MAX;
use super::{PLAN_VERSION, Plan, PlanError, consistency};
use crate::source::{Attempt, FileList, LocalFile, LockFile, create_private_folder};

/// Where a run works until its plan is finished.
pub(super) const PARTIAL: &str = ".s3sieve-partial";

/// The file whose lock says that a run goes on.
const LOCK: &str = "lock";

/// What the plan says of itself, shown last.
pub(super) const PLAN: &str = "plan.json";
pub(super) const MANIFESTS: &str = "manifests";
pub(super) const EXCLUDED: &str = "excluded";

/// What a plan has besides, in folders.
const PARTS: [&str; 2] = [MANIFESTS, EXCLUDED];

/// Its name while it is written.
const NEW_PLAN: &str = "plan.json.new";

/// The `plan.json` of a plan that is being replaced, in the work folder.
const OLD_PLAN: &str = "replaced.json";

/// In the folder of a manifest that is an inventory report: the report's own files, by their usual
/// names.
pub(super) const MANIFEST: &str = "manifest.json";
pub(super) const CHECKSUM: &str = "manifest.checksum";
pub(super) const DATA: &str = "data";

/// The journal of a submitted plan.
pub(super) const JOURNAL: &str = "jobs.jsonl";

/// How often a work folder is made that an ending run removes right away. 1,000 such runs in a row
/// are no accident.
const LOST_RACES_MAX: u32 = 1000;

/// A plan being written. Dropped before [`PartialFolder::commit`], it leaves nothing behind.
pub(super) struct PartialFolder {
    out: PathBuf,
    work: PathBuf,
    /// Folders that were made for this plan: `out`, and those above it.
    made: Vec<PathBuf>,
    /// What the plan lists that is to be replaced.
    replaced: Option<FileList>,
    /// Until the work folder is left, or goes.
    lock: Option<LockFile>,
}

impl PartialFolder {
    /// Takes possession of `out`, which must be empty, hold the leavings of a killed run, or, with
    /// `force`, a plan to be replaced.
    pub(super) fn create(out: &Path, force: bool) -> Result<Self, PlanError> {
        let mut folder = Self::take(out)?;
        folder.clear_half_a_plan()?;
        folder.clear_work()?;
        folder.replaced = what_gives_way(out, force)?;
        for part in PARTS {
            let path = folder.work.join(part);
            fs::create_dir(&path).map_err(PlanError::at(&path))?;
        }
        Ok(folder)
    }

    /// Takes the lock: from here on no other run looks or writes here.
    fn take(out: &Path) -> Result<Self, PlanError> {
        let (work, made) = (out.join(PARTIAL), Vec::new());
        let mut folder = Self { out: out.to_owned(), work, made, replaced: None, lock: None };
        for _ in 0..LOST_RACES_MAX {
            make_folders(out, &mut folder.made)?;
            if folder.lock_work()? {
                return Ok(folder);
            }
        }
        Err(PlanError::Busy { path: out.into() })
    }

    /// Makes the work folder, if it is not there, and locks it; false where a run that ended has
    /// removed it in between.
    fn lock_work(&mut self) -> Result<bool, PlanError> {
        let (work, path) = (&self.work, self.work.join(LOCK));
        match create_private_folder(work) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(PlanError::Io { path: work.into(), error });
            }
            _ => {}
        }
        match is_folder(work).map_err(PlanError::at(work))? {
            None => return Ok(false),
            Some(false) => return Err(PlanError::InTheWay { path: work.into() }),
            Some(true) => {}
        }
        let (lock, was_left) = match LockFile::take(&path) {
            Ok(Attempt::Locked { lock, was_left }) => (lock, was_left),
            Ok(Attempt::Held) => return Err(PlanError::Busy { path: self.out.clone().into() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(PlanError::Io { path: path.into(), error }),
        };
        if !was_left && let Some(path) = first_but_lock(work)? {
            return Err(PlanError::InTheWay { path: path.into() });
        }
        self.lock = Some(lock);
        Ok(true)
    }

    /// Where manifests are written.
    pub(super) fn manifests(&self) -> PathBuf {
        self.work.join(MANIFESTS)
    }

    /// Where excluded rows are written.
    pub(super) fn excluded(&self) -> PathBuf {
        self.work.join(EXCLUDED)
    }

    /// Where output waits for its turn.
    pub(super) fn spill(&self) -> PathBuf {
        self.work.join("spill")
    }

    /// Where rows are collected that are cut into shards later.
    pub(super) fn spool(&self) -> PathBuf {
        self.work.join("spool")
    }

    /// Makes all files last, writes `plan.json`, and moves everything into place.
    pub(super) fn commit(mut self, plan: &Plan) -> Result<(), PlanError> {
        let written = self.work.join(NEW_PLAN);
        write_document(&written, plan).map_err(PlanError::at(&written))?;
        // Where it is there, it is whole.
        self.rename(&written, &self.work.join(PLAN))?;
        for part in PARTS {
            sync_files(&self.work.join(part))?;
        }
        sync_folder(&self.work)?;
        let placed = self.hide_old().and_then(|()| self.show());
        if placed.is_err() && self.take_back().is_err() {
            // The next run finds what is left here, and what belongs to it.
            if let Some(lock) = self.lock.take() {
                lock.leave();
            }
        }
        placed
    }

    /// Removes the plan that is to be replaced. From the first step on there is no old plan.
    fn hide_old(&self) -> Result<(), PlanError> {
        let Some(listed) = &self.replaced else { return Ok(()) };
        refuse_others(&self.out, listed)?;
        self.rename(&self.out.join(PLAN), &self.work.join(OLD_PLAN))?;
        sync_folder(&self.work)?;
        sync_folder(&self.out)?;
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
        for part in PARTS {
            self.rename(&self.work.join(part), &self.out.join(part))?;
        }
        sync_folder(&self.work)?;
        sync_folder(&self.out)?;
        self.rename(&self.work.join(PLAN), &self.out.join(PLAN))?;
        sync_folder(&self.out)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), PlanError> {
        fs::rename(from, to).map_err(PlanError::at(to))
    }

    /// Undoes what a failed [`PartialFolder::show`] did: what was said to have failed is not there.
    fn take_back(&self) -> Result<(), PlanError> {
        let (shown, document) = (self.out.join(PLAN), self.work.join(PLAN));
        if !document.exists() {
            self.rename(&shown, &document)?;
        }
        self.clear_half_a_plan()
    }

    /// Removes what a run that ended on the way from the old plan to the new one left in `out`: of
    /// the new plan the parts that are not in the work folder any more, of the old one the rest.
    fn clear_half_a_plan(&self) -> Result<(), PlanError> {
        if fs::symlink_metadata(self.out.join(PLAN)).is_ok() {
            // It ended before or after that, and that is a whole plan.
            return Ok(());
        }
        let mut left = listed_by(&self.work.join(OLD_PLAN))?.unwrap_or_default();
        if let Some(new) = listed_by(&self.work.join(PLAN))? {
            left.extend(new.only(|folder| {
                let part = folder.components().next();
                part.is_some_and(|part| !self.work.join(part.as_os_str()).exists())
            }));
        }
        left.remove(&self.out).map_err(PlanError::from)
    }

    /// Removes everything in the work folder but for the lock.
    fn clear_work(&self) -> Result<(), PlanError> {
        while let Some(path) = first_but_lock(&self.work)? {
            // Of a link only the link goes, here and below.
            let is_folder = fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir());
            let removed =
                if is_folder { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.map_err(PlanError::at(&path))?;
        }
        Ok(())
    }
}

impl Drop for PartialFolder {
    fn drop(&mut self) {
        if let Some(lock) = self.lock.take()
            && self.clear_work().is_err()
        {
            // Recognised as leavings by the next run.
            lock.leave();
        }
        // All of these fail, as they should, where something is in there.
        let _ = fs::remove_dir(&self.work);
        for folder in self.made.iter().rev() {
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Makes a folder and those above it, and notes which were not there.
fn make_folders(folder: &Path, made: &mut Vec<PathBuf>) -> Result<(), PlanError> {
    let missing: Vec<&Path> = folder
        .ancestors()
        .take_while(|path| !path.as_os_str().is_empty() && !path.exists())
        .collect();
    for path in missing.into_iter().rev() {
        match fs::create_dir(path) {
            Ok(()) => made.push(path.to_owned()),
            // Another run was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(PlanError::Io { path: path.into(), error }),
        }
    }
    Ok(())
}

/// Whether there is a folder of this name, and no link to one; `None` where there is nothing.
fn is_folder(path: &Path) -> io::Result<Option<bool>> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(Some(found.is_dir())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Something in a work folder besides its lock.
fn first_but_lock(work: &Path) -> Result<Option<PathBuf>, PlanError> {
    for entry in fs::read_dir(work).map_err(PlanError::at(work))? {
        let entry = entry.map_err(PlanError::at(work))?;
        if entry.file_name() != LOCK {
            return Ok(Some(entry.path()));
        }
    }
    Ok(None)
}

/// What the plan in `out` lists, if there is one and `force` lets it be replaced; refuses whatever
/// else would have to go.
fn what_gives_way(out: &Path, force: bool) -> Result<Option<FileList>, PlanError> {
    if fs::symlink_metadata(out.join(JOURNAL)).is_ok() {
        return Err(PlanError::Submitted { path: out.into() });
    }
    let mut names: Vec<_> = Vec::new();
    for entry in fs::read_dir(out).map_err(PlanError::at(out))? {
        let name = entry.map_err(PlanError::at(out))?.file_name();
        if name != PARTIAL {
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
        let found = first.to_string_lossy().into_owned();
        return Err(PlanError::NotAPlan { path: out.into(), found });
    };
    refuse_others(out, &listed)?;
    Ok(Some(listed))
}

/// Refuses what is in a plan's folders without being listed by the plan.
fn refuse_others(out: &Path, listed: &FileList) -> Result<(), PlanError> {
    for part in PARTS {
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
    let is_in_a_part = |path: &String| PARTS.iter().any(|part| Path::new(path).starts_with(part));
    if let Some(path) = files.iter().find(|path| !is_in_a_part(path)) {
        return Err(unreadable(format!("it lists {path:?}")));
    }
    let listed = FileList::new(files).map_err(|path| unreadable(format!("it lists {path:?}")))?;
    Ok(Some(PARTS.into_iter().fold(listed, FileList::with_folder)))
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

/// Makes the files below a folder, and their names, last.
fn sync_files(folder: &Path) -> Result<(), PlanError> {
    for entry in fs::read_dir(folder).map_err(PlanError::at(folder))? {
        let path = entry.map_err(PlanError::at(folder))?.path();
        if path.is_dir() {
            sync_files(&path)?;
            continue;
        }
        let file = File::options().append(true).open(&path).map_err(PlanError::at(&path))?;
        file.sync_all().map_err(PlanError::at(&path))?;
    }
    sync_folder(folder)
}

/// Makes renames in a folder last. Only Unix lets a folder be synced; elsewhere the rename is what
/// there is.
fn sync_folder(path: &Path) -> Result<(), PlanError> {
    if cfg!(unix) {
        File::open(path).and_then(|folder| folder.sync_all()).map_err(PlanError::at(path))?;
    }
    Ok(())
}
