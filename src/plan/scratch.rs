//! The folder in which a plan for S3 is made: one of this run alone, among temporary files.
//!
//! Others may write beside it, so its name is random, no other user may look into it, and it is
//! never one that exists. A file in it is locked while the run goes on; folders whose locks are not
//! held were left by runs that were killed, and are removed by the next run.
//!
//! Never knows what is in there.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::PlanError;
use crate::source::{LockAttempt, LockFile, create_private_folder, random_digits};

/// What the names of all such folders begin with.
const PREFIX: &str = "s3sieve-";

/// The file whose lock says that a run goes on.
const LOCK: &str = "lock";

/// Maximum attempts to find a free name. Of 2^64 names, more than one that is taken is not a
/// coincidence. A new folder can also be removed before it is locked, by a run that clears up.
const NAMES_MAX: u32 = 8;

/// Such a folder; removed when it is dropped.
pub(super) struct ScratchFolder {
    path: PathBuf,
    /// Until it is dropped.
    lock: Option<LockFile>,
}

impl ScratchFolder {
    /// A new folder in `parent`, after what killed runs of the same user left there was removed.
    pub(super) fn create(parent: &Path) -> Result<Self, PlanError> {
        let failed = |error| PlanError::Scratch { path: parent.into(), error };
        let scratch = create_locked(parent).map_err(failed)?;
        // What can't be removed does not stop the run.
        let _ = clear_leavings(parent, &scratch.path);
        Ok(scratch)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for ScratchFolder {
    fn drop(&mut self) {
        if let Some(lock) = self.lock.take() {
            remove(&self.path, lock);
        }
    }
}

/// Removes a folder, its lock last: what can't be removed is recognised as leavings by the next
/// run.
fn remove(folder: &Path, lock: LockFile) {
    match remove_all_but_lock(folder) {
        Ok(()) => drop(lock),
        Err(_) => lock.leave(),
    }
    let _ = fs::remove_dir(folder);
}

fn remove_all_but_lock(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name() == LOCK {
            continue;
        }
        // Neither follows links.
        match entry.file_type()?.is_dir() {
            true => fs::remove_dir_all(entry.path())?,
            false => fs::remove_file(entry.path())?,
        }
    }
    Ok(())
}

fn create_locked(parent: &Path) -> io::Result<ScratchFolder> {
    let mut error = io::ErrorKind::AlreadyExists.into();
    for _ in 0..NAMES_MAX {
        let path = parent.join(format!("{PREFIX}{}", random_digits()));
        // A link of that name, wherever it leads, is one that exists.
        match create_private_folder(&path) {
            Ok(()) => {}
            Err(taken) if taken.kind() == io::ErrorKind::AlreadyExists => {
                error = taken;
                continue;
            }
            Err(error) => return Err(error),
        }
        match LockFile::take(&path.join(LOCK)) {
            Ok(LockAttempt::Locked { lock, .. }) => {
                return Ok(ScratchFolder { path, lock: Some(lock) });
            }
            // Another run took it for a leaving, and is about to remove it.
            Ok(LockAttempt::Held) => {}
            Err(gone) if gone.kind() == io::ErrorKind::NotFound => error = gone,
            Err(error) => {
                let _ = fs::remove_dir(&path);
                return Err(error);
            }
        }
    }
    Err(error)
}

/// Removes folders of killed runs, which are like `own` but for the lock.
fn clear_leavings(parent: &Path, own: &Path) -> io::Result<()> {
    let like = fs::symlink_metadata(own)?;
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        // The metadata of a link is its own: it is not followed.
        if is_ours && entry.metadata().is_ok_and(|found| is_alike(&found, &like)) {
            clear(&entry.path());
        }
    }
    Ok(())
}

/// Removes such a folder, unless a run holds it, or it is not one of ours.
fn clear(folder: &Path) {
    if let Ok(Some(LockAttempt::Locked { lock, was_left: true })) =
        LockFile::take_left(&folder.join(LOCK))
    {
        remove(folder, lock);
    }
    // A run that was killed, or that will try another name, left it empty; no other is removed.
    let _ = fs::remove_dir(folder);
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
        let within = |name: &str| parent.path().join(format!("{PREFIX}{name}"));
        // As a killed run leaves it: the lock goes with the run, the file stays.
        let mut killed = ScratchFolder::create(parent.path()).unwrap();
        killed.lock.take().unwrap().leave();
        fs::create_dir(killed.path().join("plan")).unwrap();
        let left = within("left");
        fs::rename(killed.path(), &left).unwrap();
        let marker = fs::read(left.join(LOCK)).unwrap();
        // Killed before it had locked anything.
        create_private_folder(&within("empty")).unwrap();
        // Others' folders: without a lock, with a file of another kind, or open to everybody.
        for name in ["foreign", "other-lock", "open"] {
            create_private_folder(&within(name)).unwrap();
            fs::write(within(name).join("precious"), "").unwrap();
        }
        fs::write(within("other-lock").join(LOCK), "pid 1\n").unwrap();
        fs::write(within("open").join(LOCK), &marker).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::{PermissionsExt, symlink};
            fs::set_permissions(within("open"), fs::Permissions::from_mode(0o755)).unwrap();
            create_private_folder(&parent.path().join("linked")).unwrap();
            fs::write(parent.path().join("linked/lock"), &marker).unwrap();
            symlink(parent.path().join("linked"), within("link")).unwrap();
        }
        drop(ScratchFolder::create(parent.path()).unwrap());
        assert!(!left.exists() && !within("empty").exists());
        assert!(within("foreign/precious").exists() && within("other-lock/precious").exists());
        #[cfg(unix)]
        assert!(within("open/precious").exists() && parent.path().join("linked/lock").exists());
    }
}
