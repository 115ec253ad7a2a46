//! The files that a folder holds, listed once instead of looked up one by one.
//!
//! Looking a name up takes a call of the system each, which is a tenth of the time of a filter over
//! 100,000 small files. Listing their folder takes one call for some hundred names.
//!
//! A listing says only that a file is there: whatever it doesn't say (a link, another case of
//! letters, a file that came later) is looked up by itself.
//!
//! Never knows what a name stands for.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Fewer files than this are looked up one by one: that takes some two milliseconds at most.
const LISTED_FILES_MIN: usize = 1_024;

/// Names in a folder for each file that is looked for, at most. S3 keeps the data files of all
/// reports of an inventory in one folder: beyond this, more time goes into those of others.
const NAMES_FOR_A_FILE_MAX: usize = 4;

/// Folders that are listed at most. S3 writes the data files of a report into one.
const FOLDERS_LISTED_MAX: usize = 16;

/// Listings of folders, made when they are first asked for, shared by all threads that look.
pub(crate) struct FolderNames {
    /// Names of a folder at most; 0: none is listed.
    names_max: usize,
    listed: Mutex<HashMap<PathBuf, Option<Arc<FileNames>>>>,
}

/// Names of regular files in a folder.
#[derive(Debug, Default)]
pub(super) struct FileNames {
    hasher: RandomState,
    /// Of each name the hash alone, which takes a tenth of the memory. Another name has the same
    /// once in 2^64 times; a file that is missed by that shows when it is opened.
    hashes: HashSet<u64>,
}

impl FolderNames {
    /// For a report of this many data files.
    pub(crate) fn new(files: usize) -> Self {
        let names_max =
            if files < LISTED_FILES_MIN { 0 } else { files.saturating_mul(NAMES_FOR_A_FILE_MAX) };
        Self { names_max, listed: Mutex::default() }
    }

    /// Names of regular files in a folder: all, or none where it is not worth it, or can't be done.
    /// Not yet while another thread lists it, which has better to do than to wait.
    pub(super) fn files_of(&self, folder: &Path) -> Option<Arc<FileNames>> {
        if self.names_max == 0 {
            return Some(Arc::default());
        }
        {
            let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(names) = listed.get(folder) {
                return names.clone();
            }
            if listed.len() == FOLDERS_LISTED_MAX {
                return Some(Arc::default());
            }
            listed.insert(folder.to_owned(), None);
        }
        // What goes wrong here shows when a file is looked up.
        let names = Arc::new(FileNames::list(folder, self.names_max).unwrap_or_default());
        let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        listed.insert(folder.to_owned(), Some(Arc::clone(&names)));
        Some(names)
    }
}

impl FileNames {
    /// Those in a folder; none if it holds more than that in all.
    fn list(folder: &Path, names_max: usize) -> io::Result<Self> {
        let mut names = Self::default();
        for (place, entry) in fs::read_dir(folder)?.enumerate() {
            let entry = entry?;
            if place == names_max {
                return Ok(Self::default());
            }
            if entry.file_type()?.is_file() {
                names.hashes.insert(names.hasher.hash_one(entry.file_name().as_encoded_bytes()));
            }
        }
        Ok(names)
    }

    /// Whether a file of this name is known to be there.
    pub(super) fn contains(&self, name: &OsStr) -> bool {
        self.hashes.contains(&self.hasher.hash_one(name.as_encoded_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn are_listed(names: &FolderNames, folder: &Path, wanted: &[&str]) -> bool {
        let found = names.files_of(folder).unwrap();
        found.hashes.len() == wanted.len()
            && wanted.iter().all(|name| found.contains(OsStr::new(name)))
    }

    #[test]
    fn a_folder_is_listed_once_and_only_where_many_files_are_looked_for() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), "").unwrap();
        fs::create_dir(folder.path().join("d")).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink("a", folder.path().join("link")).unwrap();
        assert!(are_listed(&FolderNames::new(LISTED_FILES_MIN - 1), folder.path(), &[]));
        let names = FolderNames::new(LISTED_FILES_MIN);
        assert!(are_listed(&names, folder.path(), &["a"]));
        fs::write(folder.path().join("b"), "").unwrap();
        assert!(are_listed(&names, folder.path(), &["a"]));
        assert!(are_listed(&names, &folder.path().join("none"), &[]));
    }

    #[test]
    fn who_comes_while_a_folder_is_listed_does_not_wait() {
        let names = FolderNames::new(LISTED_FILES_MIN);
        names.listed.lock().unwrap().insert("folder".into(), None);
        assert!(names.files_of(Path::new("folder")).is_none());
    }

    #[test]
    fn listings_are_bounded() {
        let folder = tempfile::tempdir().unwrap();
        (0..3).for_each(|n| fs::write(folder.path().join(n.to_string()), "").unwrap());
        assert_eq!(FileNames::list(folder.path(), 3).unwrap().hashes.len(), 3);
        assert!(FileNames::list(folder.path(), 2).unwrap().hashes.is_empty());
        let names = FolderNames::new(LISTED_FILES_MIN);
        for number in 0..=FOLDERS_LISTED_MAX {
            let folder = folder.path().join(format!("f{number}"));
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("a"), "").unwrap();
            let is_last = number == FOLDERS_LISTED_MAX;
            assert!(are_listed(&names, &folder, if is_last { &[] } else { &["a"] }));
        }
    }
}
