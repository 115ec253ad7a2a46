//! The folder of a plan: written under another name, shown when complete, never half.
//!
//! While a run goes on, all it writes stands in `.s3sieve-partial` inside the folder, held by a
//! lock on a file in there. At the end its parts are moved into place, `plan.json` last. What a
//! killed run left behind is recognised by its free lock, and removed by the next run.
//!
//! Never knows what the files hold.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{Plan, PlanError};

/// Where a run works until its plan is finished.
pub(super) const PARTIAL: &str = ".s3sieve-partial";

/// The file whose lock says that a run goes on.
const LOCK: &str = "lock";

/// What the plan says of itself, shown last.
pub(super) const PLAN: &str = "plan.json";
pub(super) const MANIFESTS: &str = "manifests";
pub(super) const EXCLUDED: &str = "excluded";

/// In the folder of a manifest that is an inventory report: the report's own files, by their usual
/// names.
pub(super) const MANIFEST: &str = "manifest.json";
pub(super) const CHECKSUM: &str = "manifest.checksum";
pub(super) const DATA: &str = "data";

/// The journal of a submitted plan.
pub(super) const JOURNAL: &str = "jobs.jsonl";

/// A plan being written. Dropped before [`PartialFolder::commit`], it leaves nothing behind.
pub(super) struct PartialFolder {
    out: PathBuf,
    /// Whether `out` was made for this plan.
    made_out: bool,
    _lock: File,
}

impl PartialFolder {
    /// Takes possession of `out`, which must be empty, hold the leavings of a killed run, or, with
    /// `force`, a plan to be replaced.
    pub(super) fn create(out: &Path, force: bool) -> Result<Self, PlanError> {
        let made_out = !out.exists();
        fs::create_dir_all(out).map_err(PlanError::at(out))?;
        if out.join(JOURNAL).exists() {
            return Err(PlanError::Submitted { path: out.into() });
        }
        if holds_more_than_leavings(out).map_err(PlanError::at(out))? {
            if !force {
                return Err(PlanError::NotEmpty { path: out.into() });
            }
            if !out.join(PLAN).exists() && !holds_half_a_plan(out) {
                return Err(PlanError::NotAPlan { path: out.into() });
            }
        }
        let partial = out.join(PARTIAL);
        let lock = take(out, &partial)?;
        let folder = Self { out: out.to_owned(), made_out, _lock: lock };
        folder.clear_leavings()?;
        for part in [MANIFESTS, EXCLUDED] {
            let path = partial.join(part);
            fs::create_dir(&path).map_err(PlanError::at(&path))?;
        }
        Ok(folder)
    }

    fn partial(&self) -> PathBuf {
        self.out.join(PARTIAL)
    }

    /// Where manifests are written.
    pub(super) fn manifests(&self) -> PathBuf {
        self.partial().join(MANIFESTS)
    }

    /// Where excluded rows are written.
    pub(super) fn excluded(&self) -> PathBuf {
        self.partial().join(EXCLUDED)
    }

    /// Where output waits for its turn.
    pub(super) fn spill(&self) -> PathBuf {
        self.partial().join("spill")
    }

    /// Where rows are collected that are cut into shards later.
    pub(super) fn spool(&self) -> PathBuf {
        self.partial().join("spool")
    }

    /// Makes all files last, writes `plan.json`, and moves everything into place.
    pub(super) fn commit(self, plan: &Plan) -> Result<(), PlanError> {
        let partial = self.partial();
        let document = partial.join(PLAN);
        write_document(&document, plan).map_err(PlanError::at(&document))?;
        for part in [MANIFESTS, EXCLUDED] {
            sync_files(&partial.join(part))?;
        }
        // From here on there is no old plan; from the last rename on there is a new one.
        remove_if_there(&self.out.join(PLAN), |path| fs::remove_file(path))?;
        sync_folder(&self.out)?;
        for part in [MANIFESTS, EXCLUDED] {
            let target = self.out.join(part);
            remove_if_there(&target, |path| fs::remove_dir_all(path))?;
            fs::rename(partial.join(part), &target).map_err(PlanError::at(&target))?;
        }
        sync_folder(&self.out)?;
        let target = self.out.join(PLAN);
        fs::rename(&document, &target).map_err(PlanError::at(&target))?;
        sync_folder(&self.out)
    }

    /// Removes what a killed run left, but for the lock.
    fn clear_leavings(&self) -> Result<(), PlanError> {
        let partial = self.partial();
        for entry in fs::read_dir(&partial).map_err(PlanError::at(&partial))? {
            let entry = entry.map_err(PlanError::at(&partial))?;
            let path = entry.path();
            if entry.file_name() == LOCK {
                continue;
            }
            let removed =
                if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.map_err(PlanError::at(&path))?;
        }
        Ok(())
    }
}

impl Drop for PartialFolder {
    fn drop(&mut self) {
        // Whatever can't be removed is recognised as leavings by the next run.
        let _ = fs::remove_dir_all(self.partial());
        if self.made_out {
            // Fails, as it should, where the folder holds a finished plan.
            let _ = fs::remove_dir(&self.out);
        }
    }
}

fn take(out: &Path, partial: &Path) -> Result<File, PlanError> {
    fs::create_dir_all(partial).map_err(PlanError::at(partial))?;
    let path = partial.join(LOCK);
    let lock = File::create(&path).map_err(PlanError::at(&path))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(PlanError::Busy { path: out.into() }),
        Err(TryLockError::Error(error)) => Err(PlanError::Io { path: path.into(), error }),
    }
}

fn holds_more_than_leavings(out: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(out)? {
        if entry?.file_name() != PARTIAL {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a run was killed while it put its parts into place: they are there, or the rest of them
/// still waits.
fn holds_half_a_plan(out: &Path) -> bool {
    out.join(PARTIAL).join(PLAN).exists()
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

fn remove_if_there(
    path: &Path,
    remove: impl FnOnce(&Path) -> io::Result<()>,
) -> Result<(), PlanError> {
    match remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(PlanError::Io { path: path.into(), error })
        }
        _ => Ok(()),
    }
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
