//! An attempt at a part on this machine, or on a file system that several share.
//!
//! It works in a folder of its own, which is on the same file system as the part, and needs no
//! lock: locks of files are not seen by other clients of some shared file systems (Lustre's
//! `localflock`). One rename makes the part. It fails where there is a part already, for a folder
//! that holds something is never replaced (POSIX, `rename`).

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::PartsError;
use crate::source::{random_digits, sync_files, sync_folder};

/// What a part says of itself.
pub(crate) const PART_DOCUMENT: &str = "part.json";

/// In an attempt's folder: what becomes the part.
const PART: &str = "part";

/// An attempt. Dropped, it leaves nothing but the part, if it made it.
#[derive(Debug)]
pub(crate) struct Attempt {
    path: PathBuf,
    target: PathBuf,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CommitOutcome {
    /// It made the part.
    Made,
    /// The part was there.
    Found,
}

impl Attempt {
    /// Begins in the folder `attempts`; the part will be `target`.
    pub(super) fn begin(attempts: &Path, target: PathBuf) -> Result<Self, PartsError> {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let path = attempts.join(format!("{name}.{}", random_digits()));
        let attempt = Self { path, target };
        let part = attempt.part();
        fs::create_dir_all(&part).map_err(PartsError::at(part))?;
        Ok(attempt)
    }

    /// The folder that becomes the part.
    #[must_use]
    pub(crate) fn part(&self) -> PathBuf {
        self.path.join(PART)
    }

    /// A folder for what is needed while the part is made.
    #[must_use]
    pub(crate) fn scratch(&self) -> &Path {
        &self.path
    }

    /// Writes the part's document, flushes all its files to disk, and makes it the part.
    ///
    /// # Errors
    /// When the disk fails, or something that is not a part has its name.
    pub(crate) fn commit(self, document: &[u8]) -> Result<CommitOutcome, PartsError> {
        let part = self.part();
        let path = part.join(PART_DOCUMENT);
        let written = File::create_new(&path).and_then(|mut file| file.write_all(document));
        written.map_err(PartsError::at(&*path))?;
        sync_files(&part)?;
        match fs::rename(&part, &self.target) {
            Ok(()) => {}
            Err(_) if self.target.join(PART_DOCUMENT).is_file() => return Ok(CommitOutcome::Found),
            Err(error) if is_taken(&error) => {
                return Err(PartsError::InTheWay { path: self.target.clone().into() });
            }
            Err(error) => return Err(PartsError::at(&*self.target)(error)),
        }
        let parent = self.target.parent().unwrap_or(&self.target);
        sync_folder(parent).map_err(PartsError::at(parent))?;
        Ok(CommitOutcome::Made)
    }
}

fn is_taken(error: &io::Error) -> bool {
    use io::ErrorKind::{AlreadyExists, DirectoryNotEmpty, NotADirectory};
    matches!(error.kind(), AlreadyExists | DirectoryNotEmpty | NotADirectory)
}

impl Drop for Attempt {
    fn drop(&mut self) {
        // What can't be removed is removed by who next looks at the part.
        let _ = fs::remove_dir_all(&self.path);
    }
}
