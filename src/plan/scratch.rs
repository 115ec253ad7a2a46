//! The folder in which a plan for S3 is made: one of this run alone, among temporary files.
//!
//! Others may write beside it, so its name is random, nobody else may look into it, and it is never
//! one that exists. A file in it is locked while the run goes on; folders whose locks nobody holds
//! were left by runs that were killed, and are removed by the next run.
//!
//! Never knows what is in there.

use std::collections::hash_map::RandomState;
use std::fs::{self, DirBuilder, File, Metadata};
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::path::{Path, PathBuf};

use super::PlanError;

/// What the names of all such folders begin with.
const PREFIX: &str = "s3sieve-";

/// The file whose lock says that a run goes on.
const LOCK: &str = "lock";

/// Its name until it is locked, so that no lock is ever seen that nobody holds yet.
const LOCK_UNHELD: &str = "lock.new";

/// Names that are tried. Of 2^64 names one that is taken is luck enough; more are no accident.
const NAMES_MAX: u32 = 8;

/// Such a folder; removed when it is dropped.
pub(super) struct ScratchFolder {
    path: PathBuf,
    _lock: File,
}

impl ScratchFolder {
    /// A new folder in `parent`, after what killed runs of the same user left there was removed.
    pub(super) fn create(parent: &Path) -> Result<Self, PlanError> {
        let failed = |error| PlanError::Scratch { path: parent.into(), error };
        let path = create_folder(parent).map_err(failed)?;
        let lock = locked(&path).map_err(|error| {
            // It is empty, or holds what could not be locked.
            let _ = fs::remove_dir_all(&path);
            failed(error)
        })?;
        let scratch = Self { path, _lock: lock };
        // What can't be removed keeps nobody from working.
        let _ = clear_leavings(parent, &scratch.path);
        Ok(scratch)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for ScratchFolder {
    fn drop(&mut self) {
        // What can't be removed is recognised as leavings by the next run.
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn create_folder(parent: &Path) -> io::Result<PathBuf> {
    let mut error = io::ErrorKind::AlreadyExists.into();
    for _ in 0..NAMES_MAX {
        let path = parent.join(format!("{PREFIX}{:016x}", random()));
        // A link of that name, wherever it leads, is one that exists.
        match private().create(&path) {
            Ok(()) => return Ok(path),
            Err(taken) if taken.kind() == io::ErrorKind::AlreadyExists => error = taken,
            Err(error) => return Err(error),
        }
    }
    Err(error)
}

/// Makes folders that only their owner may look into.
fn private() -> DirBuilder {
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        let mut builder = DirBuilder::new();
        builder.mode(0o700);
        builder
    }
    #[cfg(not(unix))]
    DirBuilder::new()
}

/// Not to be guessed: the keys of a hasher come from the system.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

fn locked(folder: &Path) -> io::Result<File> {
    let lock = File::create_new(folder.join(LOCK_UNHELD))?;
    lock.try_lock()?;
    fs::rename(folder.join(LOCK_UNHELD), folder.join(LOCK))?;
    Ok(lock)
}

/// Removes folders of killed runs, which are like `own` but for the lock.
fn clear_leavings(parent: &Path, own: &Path) -> io::Result<()> {
    let like = fs::symlink_metadata(own)?;
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        // The metadata of a link is its own: it is not followed.
        if is_ours && entry.metadata().is_ok_and(|found| is_alike(&found, &like)) {
            let _ = clear(&entry.path());
        }
    }
    Ok(())
}

/// Removes such a folder, unless a run holds it.
fn clear(folder: &Path) -> io::Result<()> {
    let path = folder.join(LOCK);
    if !fs::symlink_metadata(&path)?.is_file() {
        return Ok(());
    }
    let lock = File::options().write(true).open(&path)?;
    match lock.try_lock() {
        // It does not follow links either.
        Ok(()) => fs::remove_dir_all(folder),
        // A run goes on.
        Err(_) => Ok(()),
    }
}

/// Whether one is a folder that the same user made in the same way.
fn is_alike(found: &Metadata, own: &Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        found.is_dir() && found.uid() == own.uid() && found.mode() == own.mode()
    }
    #[cfg(not(unix))]
    {
        let _ = own;
        found.is_dir()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_of_one_run_alone_and_goes_with_it() {
        let parent = tempfile::tempdir().unwrap();
        let one = ScratchFolder::create(parent.path()).unwrap();
        let other = ScratchFolder::create(parent.path()).unwrap();
        assert_ne!(one.path(), other.path());
        assert!(one.path().exists(), "the other run took it for a leaving");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(one.path()).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700);
        }
        drop((one, other));
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }

    #[test]
    fn only_leavings_of_ours_are_removed() {
        let parent = tempfile::tempdir().unwrap();
        let killed = ScratchFolder::create(parent.path()).unwrap();
        let left = parent.path().join(format!("{PREFIX}left"));
        fs::rename(killed.path(), &left).unwrap();
        fs::create_dir(left.join("plan")).unwrap();
        // The lock goes with the run.
        drop(killed);
        // Others' folders: without a lock, or open to everybody.
        let foreign = parent.path().join(format!("{PREFIX}foreign"));
        private().create(&foreign).unwrap();
        let open = parent.path().join(format!("{PREFIX}open"));
        fs::create_dir(&open).unwrap();
        fs::write(open.join(LOCK), "").unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).unwrap();
            let linked = parent.path().join("linked");
            private().create(&linked).unwrap();
            fs::write(linked.join(LOCK), "").unwrap();
            std::os::unix::fs::symlink(&linked, parent.path().join("s3sieve-link")).unwrap();
        }
        drop(ScratchFolder::create(parent.path()).unwrap());
        assert!(!left.exists());
        assert!(foreign.exists() && (open.exists() || !cfg!(unix)));
        #[cfg(unix)]
        assert!(parent.path().join("linked/lock").exists());
    }
}
