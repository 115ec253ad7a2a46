//! The folder in which a run works: `.s3sieve-partial` in the folder that it makes something in.
//!
//! It is on the right disk, no other user may look into it, and a lock in it says that a run goes
//! on. What a killed run left in it is told by a lock file that is not held. A folder of that name
//! without one is somebody else's, and stays.
//!
//! Never knows what is made.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::{LockAttempt, LockFile, create_private_folder, sync_folder};
use crate::diagnostic::parameter::OUT;
use crate::diagnostic::{Diagnostic, ErrorClass};

/// Its name.
pub(crate) const WORK_FOLDER: &str = ".s3sieve-partial";

/// The file whose lock says that a run goes on.
const LOCK: &str = "lock";

/// Maximum attempts to create a work folder that an ending run removes right away. 1,000 such runs
/// in a row are not a coincidence.
const LOST_RACES_MAX: u32 = 1000;

/// Such a folder; it goes when it is dropped, with all that is in it.
#[derive(Debug)]
pub(crate) struct WorkFolder {
    out: PathBuf,
    path: PathBuf,
    /// Folders that were made on the way: `out`, and those above it.
    made: Vec<PathBuf>,
    /// Until the folder is left, or goes.
    lock: Option<LockFile>,
}

/// Why nothing can be made in a folder.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It holds something.
    #[error("{} is not empty, {found} is there: choose a new folder for {OUT}", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
        /// Something in it, by name.
        found: String,
    },
    /// Another run holds it.
    #[error(
        "{}: another run of s3sieve works in this folder; wait for it or stop it", path.display()
    )]
    Busy {
        /// The folder.
        path: PathBuf,
    },
    /// Something else has a name that is needed.
    #[error("{} is in the way: move it away, or choose another {OUT}", path.display())]
    InTheWay {
        /// The file, folder or link.
        path: PathBuf,
    },
    /// It can't be read or written.
    #[error("{}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
}

impl Diagnostic for FolderError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::NotEmpty { .. } | Self::Busy { .. } | Self::InTheWay { .. } => ErrorClass::Usage,
            Self::Io { .. } => ErrorClass::Environment,
        }
    }
}

impl FolderError {
    /// Names the file or folder.
    pub fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        |error| Self::Io { path: path.to_owned(), error }
    }
}

impl WorkFolder {
    /// Takes the work folder in `out`; both are made if need be. From here on no other run looks or
    /// writes there. It may hold what a killed run left.
    ///
    /// # Errors
    /// When another run has it, something else has its name, or it can't be made.
    pub(crate) fn take(out: &Path) -> Result<Self, FolderError> {
        let path = out.join(WORK_FOLDER);
        let mut folder = Self { out: out.to_owned(), path, made: Vec::new(), lock: None };
        for _ in 0..LOST_RACES_MAX {
            folder.make_out()?;
            if folder.lock()? {
                return Ok(folder);
            }
        }
        Err(FolderError::Busy { path: out.to_owned() })
    }

    /// Where it is.
    #[must_use]
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes everything in it.
    ///
    /// # Errors
    /// When something can't be removed.
    pub(crate) fn clear(&self) -> Result<(), FolderError> {
        // Of a link only the link goes, here and below.
        let is_folder = |path: &Path| fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
        let mut paths = all_but_lock(&self.path)?;
        // Folders last: what files say of them holds until those are gone.
        paths.sort_by_key(|path| is_folder(path));
        for path in paths {
            let removed =
                if is_folder(&path) { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.map_err(FolderError::at(&path))?;
        }
        Ok(())
    }

    /// Leaves it with what is in it, for the next run to find.
    pub(crate) fn leave(mut self) {
        if let Some(lock) = self.lock.take() {
            lock.leave();
        }
    }

    /// Makes `out` and the folders above it, and notes which were not there.
    fn make_out(&mut self) -> Result<(), FolderError> {
        let is_missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
        let missing: Vec<&Path> = self.out.ancestors().take_while(is_missing).collect();
        for path in missing.into_iter().rev() {
            match fs::create_dir(path) {
                Ok(()) => self.made.push(path.to_owned()),
                // Another run was faster.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(FolderError::at(path)(error)),
            }
        }
        Ok(())
    }

    /// Makes the folder, if it is not there, and locks it; false where a run that ended has removed
    /// it, or `out`, in between.
    fn lock(&mut self) -> Result<bool, FolderError> {
        let (path, lock) = (&self.path, self.path.join(LOCK));
        match create_private_folder(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(FolderError::at(path)(error));
            }
            _ => {}
        }
        match fs::symlink_metadata(path) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => return Err(FolderError::InTheWay { path: path.clone() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(FolderError::at(path)(error)),
        }
        let (lock, was_left) = match LockFile::take(&lock) {
            Ok(LockAttempt::Locked { lock, was_left }) => (lock, was_left),
            Ok(LockAttempt::Held) => return Err(FolderError::Busy { path: self.out.clone() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(FolderError::at(&lock)(error)),
        };
        if !was_left && let Some(path) = all_but_lock(path)?.pop() {
            return Err(FolderError::InTheWay { path });
        }
        self.lock = Some(lock);
        Ok(true)
    }
}

impl Drop for WorkFolder {
    fn drop(&mut self) {
        if self.lock.is_some() && self.clear().is_err() {
            // Recognised as leavings by the next run.
            self.lock.take().into_iter().for_each(LockFile::leave);
        }
        self.lock = None;
        // All of these fail, as they should, where something is in there.
        let _ = fs::remove_dir(&self.path);
        for folder in self.made.iter().rev() {
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Flushes the files below a folder, and their names, to disk, in the order of their names.
///
/// # Errors
/// When one can't be read or flushed.
pub(crate) fn sync_files(folder: &Path) -> Result<(), FolderError> {
    let entries = fs::read_dir(folder).map_err(FolderError::at(folder))?;
    let paths: io::Result<Vec<_>> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut paths = paths.map_err(FolderError::at(folder))?;
    paths.sort_unstable();
    for path in paths {
        if path.is_dir() {
            sync_files(&path)?;
            continue;
        }
        let file = File::options().append(true).open(&path).map_err(FolderError::at(&path))?;
        file.sync_all().map_err(FolderError::at(&path))?;
    }
    sync_folder(folder).map_err(FolderError::at(folder))
}

/// The content of a work folder except its lock.
fn all_but_lock(folder: &Path) -> Result<Vec<PathBuf>, FolderError> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(FolderError::at(folder))? {
        let entry = entry.map_err(FolderError::at(folder))?;
        if entry.file_name() != LOCK {
            paths.push(entry.path());
        }
    }
    Ok(paths)
}
