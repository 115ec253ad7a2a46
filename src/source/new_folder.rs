//! A folder that is filled once: its content appears only when it is complete.
//!
//! Files are written to its work folder first, and moved into place when all are complete. The next
//! run removes everything that a run left which was killed before that. If it was killed between
//! two moves, the next run makes the remaining moves.
//!
//! Never knows what it is filled with.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::whole_file::sync_folder;
use super::work_folder::{FolderError, WORK_FOLDER, WorkFolder, sync_files};

/// In the work folder: what is being written.
const WRITTEN: &str = "new";

/// Its name from when it is whole until it is in place.
const WHOLE: &str = "whole";

/// Such a folder, while it is filled. Dropped before [`NewFolder::show`], it leaves nothing.
#[derive(Debug)]
pub(crate) struct NewFolder {
    out: PathBuf,
    work: WorkFolder,
}

impl NewFolder {
    /// Begins with `out`, which must be empty or not there, but for what a killed run left.
    ///
    /// # Errors
    /// When it is not, another run has it, or it can't be made.
    pub(crate) fn create(out: &Path) -> Result<Self, FolderError> {
        if !out.join(WORK_FOLDER).exists() {
            // So that nothing is ever left in the folder of somebody else.
            refuse_used(out)?;
        }
        let folder = Self { out: out.to_owned(), work: WorkFolder::take(out)? };
        if folder.whole().exists() && first_in(out)?.is_some() {
            folder.move_rest(&mut Vec::new())?;
        }
        folder.work.clear()?;
        refuse_used(out)?;
        let path = folder.path();
        fs::create_dir(&path).map_err(FolderError::at(&path))?;
        Ok(folder)
    }

    /// Where everything is written.
    #[must_use]
    pub(crate) fn path(&self) -> PathBuf {
        self.work.path().join(WRITTEN)
    }

    fn whole(&self) -> PathBuf {
        self.work.path().join(WHOLE)
    }

    /// Makes what was written last, so that it outlives a failure of power, too.
    ///
    /// # Errors
    /// When the disk fails.
    pub(crate) fn sync(&self) -> Result<(), FolderError> {
        sync_files(&self.path())
    }

    /// Moves everything into place.
    ///
    /// # Errors
    /// When that can't be done. Nothing is shown then.
    pub(crate) fn show(self) -> Result<(), FolderError> {
        let whole = self.whole();
        fs::rename(self.path(), &whole).map_err(FolderError::at(&whole))?;
        let mut moved = Vec::new();
        let shown = self.move_rest(&mut moved);
        if shown.is_err() && self.take_back(&moved).is_err() {
            self.work.leave();
        }
        shown
    }

    /// Moves what is not in place yet, and notes the names.
    fn move_rest(&self, moved: &mut Vec<OsString>) -> Result<(), FolderError> {
        let whole = self.whole();
        for name in names_in(&whole)? {
            let path = self.out.join(&name);
            match fs::symlink_metadata(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(FolderError::at(&path)(error)),
                Ok(_) => return Err(FolderError::InTheWay { path }),
            }
            fs::rename(whole.join(&name), &path).map_err(FolderError::at(&path))?;
            moved.push(name);
        }
        sync_folder(&self.out).map_err(FolderError::at(&self.out))
    }

    fn take_back(&self, moved: &[OsString]) -> io::Result<()> {
        let whole = self.whole();
        moved.iter().try_for_each(|name| fs::rename(self.out.join(name), whole.join(name)))
    }
}

fn refuse_used(out: &Path) -> Result<(), FolderError> {
    match first_in(out)? {
        None => Ok(()),
        Some(found) => {
            let found = found.to_string_lossy().into_owned();
            Err(FolderError::NotEmpty { path: out.to_owned(), found })
        }
    }
}

/// Something in a folder besides the work folder, by name.
fn first_in(out: &Path) -> Result<Option<OsString>, FolderError> {
    Ok(names_in(out)?.into_iter().find(|name| name != WORK_FOLDER))
}

/// What is in a folder, in order; nothing where there is none.
fn names_in(folder: &Path) -> Result<Vec<OsString>, FolderError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(FolderError::at(folder))?,
    };
    let names: io::Result<Vec<_>> =
        entries.map(|entry| entry.map(|entry| entry.file_name())).collect();
    let mut names = names.map_err(FolderError::at(folder))?;
    names.sort_unstable();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<OsString> {
        names_in(folder).unwrap()
    }

    fn fill(folder: &NewFolder) {
        for name in ["a", "b"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
    }

    #[test]
    fn it_is_shown_whole_or_goes_without_a_trace() {
        let top = tempfile::tempdir().unwrap();
        let out = top.path().join("deep/out");
        let folder = NewFolder::create(&out).unwrap();
        fill(&folder);
        assert_eq!(names(&out), [WORK_FOLDER]);
        assert!(matches!(NewFolder::create(&out), Err(FolderError::Busy { .. })));
        drop(folder);
        assert!(names(top.path()).is_empty());
        let folder = NewFolder::create(&out).unwrap();
        fill(&folder);
        folder.sync().unwrap();
        folder.show().unwrap();
        assert_eq!(names(&out), ["a", "b"]);
        let error = NewFolder::create(&out).unwrap_err().to_string();
        assert!(error.contains("out is not empty, a is there"), "{error}");
    }

    /// A run was killed: before it had moved anything, or in between.
    #[test]
    fn what_a_killed_run_left_is_removed_or_finished() {
        for moved in [false, true] {
            let top = tempfile::tempdir().unwrap();
            let out = top.path().join("out");
            let folder = NewFolder::create(&out).unwrap();
            fill(&folder);
            fs::rename(folder.path(), folder.whole()).unwrap();
            if moved {
                fs::rename(folder.whole().join("a"), out.join("a")).unwrap();
            }
            folder.work.leave();
            match NewFolder::create(&out) {
                Err(FolderError::NotEmpty { .. }) if moved => assert_eq!(names(&out), ["a", "b"]),
                folder => {
                    drop(folder.unwrap());
                    assert!(!moved && names(&out).is_empty());
                }
            }
        }
    }

    #[test]
    fn what_could_not_be_moved_takes_the_rest_back() {
        let top = tempfile::tempdir().unwrap();
        let out = top.path().join("out");
        let folder = NewFolder::create(&out).unwrap();
        fill(&folder);
        fs::write(out.join("b"), "mine").unwrap();
        assert!(
            matches!(folder.show(), Err(FolderError::InTheWay { path }) if path.ends_with("b"))
        );
        assert_eq!(names(&out), ["b"]);
        // A folder of that name that holds no lock of ours.
        fs::remove_file(out.join("b")).unwrap();
        fs::create_dir(out.join(WORK_FOLDER)).unwrap();
        fs::write(out.join(WORK_FOLDER).join("mine"), "").unwrap();
        assert!(matches!(NewFolder::create(&out), Err(FolderError::InTheWay { .. })));
        assert_eq!(names(&out.join(WORK_FOLDER)), ["mine"]);
    }
}
