//! Deletes the listed files of a folder and nothing else; links are not followed.
//!
//! Each folder on the way is opened relative to the one above it, without following links, and
//! files are deleted relative to the open folder. So replacing a folder by a link meanwhile has no
//! effect.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// A file or folder that could not be deleted.
#[derive(Debug)]
pub struct NotRemoved {
    /// The file or folder.
    pub path: PathBuf,
    /// What the system says.
    pub error: io::Error,
}

/// Files below a folder, named by their paths in it; all of them stand in folders of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct FileList {
    /// By the folder that they are in.
    names: BTreeMap<PathBuf, BTreeSet<String>>,
}

impl FileList {
    /// The files with these paths, whose parts are joined by `/`. The first that leads elsewhere
    /// than into a folder below is given back instead.
    ///
    /// # Errors
    /// When a path is absolute, has no folder, or has parts that are not plain names.
    pub(crate) fn new(paths: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut list = Self::default();
        for path in paths {
            let mut parts: Vec<&str> = path.split('/').collect();
            let is_plain = |part: &&str| {
                let mut components = Path::new(part).components();
                matches!(components.next(), Some(Component::Normal(_)))
                    && components.next().is_none()
            };
            let name = match parts.pop() {
                Some(name) if !parts.is_empty() && parts.iter().chain([&name]).all(is_plain) => {
                    name.to_owned()
                }
                _ => return Err(path),
            };
            list.names.entry(parts.iter().collect()).or_default().insert(name);
        }
        Ok(list)
    }

    /// With a folder that goes when it is empty, whether or not a file of it is listed.
    #[must_use]
    pub(crate) fn with_folder(mut self, name: &str) -> Self {
        self.names.entry(PathBuf::from(name)).or_default();
        self
    }

    /// Adds the files of another list.
    pub(crate) fn extend(&mut self, other: Self) {
        for (folder, names) in other.names {
            self.names.entry(folder).or_default().extend(names);
        }
    }

    /// Without the files below folders that `keep` is false for.
    #[must_use]
    pub(crate) fn only(mut self, keep: impl Fn(&Path) -> bool) -> Self {
        self.names.retain(|folder, _| keep(folder));
        self
    }

    /// The first thing in `folder` of `root`, or below, that is neither a file of this list nor a
    /// folder that such a file is in.
    ///
    /// # Errors
    /// When it can't be looked at.
    pub(crate) fn first_other(
        &self,
        root: &Path,
        folder: &str,
    ) -> Result<Option<PathBuf>, NotRemoved> {
        let path = root.join(folder);
        match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(NotRemoved { path, error }),
            Ok(found) if !found.is_dir() => Ok(Some(path)),
            Ok(_) => self.first_other_in(root, Path::new(folder)),
        }
    }

    fn first_other_in(&self, root: &Path, folder: &Path) -> Result<Option<PathBuf>, NotRemoved> {
        let path = root.join(folder);
        let at = |error| NotRemoved { path: path.clone(), error };
        for entry in fs::read_dir(&path).map_err(at)? {
            let entry = entry.map_err(at)?;
            let own = folder.join(entry.file_name());
            // Of a link, it is the link's own.
            let kind = entry.file_type().map_err(at)?;
            if kind.is_dir() && self.reaches_into(&own) {
                if let Some(other) = self.first_other_in(root, &own)? {
                    return Ok(Some(other));
                }
            } else if !kind.is_file() || !self.holds(folder, &entry.file_name()) {
                return Ok(Some(entry.path()));
            }
        }
        Ok(None)
    }

    /// Whether a file of the list is in a folder, or below.
    fn reaches_into(&self, folder: &Path) -> bool {
        // Paths below a folder follow it in the order of the map.
        let next = self.names.range(folder.to_owned()..).next();
        next.is_some_and(|(listed, _)| listed.starts_with(folder))
    }

    fn holds(&self, folder: &Path, name: &std::ffi::OsStr) -> bool {
        let names = self.names.get(folder);
        name.to_str().zip(names).is_some_and(|(name, names)| names.contains(name))
    }

    /// Deletes the files that are there, then the folders that they leave empty.
    ///
    /// # Errors
    /// When one can't be deleted, or a link is on the way to it.
    pub(crate) fn remove(&self, root: &Path) -> Result<(), NotRemoved> {
        for (folder, names) in &self.names {
            let at = |error| NotRemoved { path: root.join(folder), error };
            let Some(opened) = OpenFolder::open(root, folder).map_err(at)? else { continue };
            for name in names {
                opened
                    .remove_file(name)
                    .map_err(|error| NotRemoved { path: root.join(folder).join(name), error })?;
            }
        }
        let folders: BTreeSet<&Path> =
            self.names.keys().flat_map(|path| path.ancestors()).collect();
        // Subfolders before the folders that they are in.
        for folder in folders.into_iter().rev().filter(|path| !path.as_os_str().is_empty()) {
            let at = |error| NotRemoved { path: root.join(folder), error };
            let parent = folder.parent().unwrap_or(Path::new(""));
            let Some(parent) = OpenFolder::open(root, parent).map_err(at)? else { continue };
            let name = folder.file_name().unwrap_or_default();
            parent.remove_folder(Path::new(name)).map_err(at)?;
        }
        Ok(())
    }
}

/// An open folder.
#[cfg(unix)]
struct OpenFolder(std::os::fd::OwnedFd);

#[cfg(unix)]
impl OpenFolder {
    /// The folder with this path below `root`; `None` where there is none.
    fn open(root: &Path, path: &Path) -> io::Result<Option<Self>> {
        use rustix::fs::{CWD, Mode, OFlags, openat};
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut folder = openat(CWD, root, flags, Mode::empty());
        for part in path.components() {
            let within =
                |folder| openat(folder, part.as_os_str(), flags | OFlags::NOFOLLOW, Mode::empty());
            folder = folder.and_then(within);
        }
        if_there(folder.map(Self))
    }

    fn remove_file(&self, name: &str) -> io::Result<()> {
        use rustix::fs::{AtFlags, unlinkat};
        if_there(unlinkat(&self.0, name, AtFlags::empty())).map(|_| ())
    }

    /// Removes a folder if it is there and empty.
    fn remove_folder(&self, name: &Path) -> io::Result<()> {
        use rustix::fs::{AtFlags, unlinkat};
        match unlinkat(&self.0, name, AtFlags::REMOVEDIR) {
            Err(rustix::io::Errno::NOTEMPTY | rustix::io::Errno::EXIST) => Ok(()),
            removed => if_there(removed).map(|_| ()),
        }
    }
}

#[cfg(unix)]
fn if_there<T>(result: Result<T, rustix::io::Errno>) -> io::Result<Option<T>> {
    match result {
        Err(rustix::io::Errno::NOENT) => Ok(None),
        result => Ok(Some(result?)),
    }
}

/// A folder that was looked at: where folders can't be opened, links are looked for.
#[cfg(not(unix))]
struct OpenFolder(PathBuf);

#[cfg(not(unix))]
impl OpenFolder {
    fn open(root: &Path, path: &Path) -> io::Result<Option<Self>> {
        let mut folder = root.to_owned();
        for part in path.components() {
            folder.push(part);
            match if_there(fs::symlink_metadata(&folder))? {
                None => return Ok(None),
                Some(found) if found.is_dir() => {}
                Some(_) => return Err(io::ErrorKind::NotADirectory.into()),
            }
        }
        Ok(Some(Self(folder)))
    }

    fn remove_file(&self, name: &str) -> io::Result<()> {
        if_there(fs::remove_file(self.0.join(name))).map(|_| ())
    }

    fn remove_folder(&self, name: &Path) -> io::Result<()> {
        match fs::remove_dir(self.0.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
            removed => if_there(removed).map(|_| ()),
        }
    }
}

#[cfg(not(unix))]
fn if_there<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        result => Ok(Some(result?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: [&str; 4] = ["m/0.csv", "m/1/data/0.gz", "m/1/data/1.gz", "x/a.csv"];

    fn list() -> FileList {
        FileList::new(FILES.map(str::to_owned)).unwrap()
    }

    fn tree() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in FILES {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        folder
    }

    #[test]
    fn what_is_listed_goes_and_what_is_not_stays() {
        let folder = tree();
        list().remove(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        // What is not there is gone.
        list().remove(folder.path()).unwrap();

        let folder = tree();
        let foreign = folder.path().join("m/1/k8s.yaml");
        assert_eq!(list().first_other(folder.path(), "m").unwrap(), None);
        fs::write(&foreign, "x").unwrap();
        assert_eq!(list().first_other(folder.path(), "m").unwrap().as_ref(), Some(&foreign));
        assert_eq!(list().first_other(folder.path(), "x").unwrap(), None);
        list().remove(folder.path()).unwrap();
        assert!(foreign.exists() && !folder.path().join("x").exists());
        assert!(!folder.path().join("m/1/data").exists());
    }

    #[test]
    fn paths_that_lead_elsewhere_are_no_list() {
        for path in ["a.csv", "../a/b", "a/../b", "/etc/passwd", "a//b", "a/.", "", "a/"] {
            let found = FileList::new([path.to_owned()]);
            assert_eq!(found.unwrap_err(), path);
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_are_in_the_way_and_lead_nowhere() {
        use std::os::unix::fs::symlink;
        let elsewhere = tree();
        let folder = tempfile::tempdir().unwrap();
        symlink(elsewhere.path().join("m"), folder.path().join("m")).unwrap();
        let link = folder.path().join("m");
        assert_eq!(list().first_other(folder.path(), "m").unwrap(), Some(link));
        assert!(list().remove(folder.path()).unwrap_err().path.ends_with("m"));
        fs::create_dir(folder.path().join("x")).unwrap();
        let target = elsewhere.path().join("x/a.csv");
        symlink(&target, folder.path().join("x/a.csv")).unwrap();
        assert!(list().first_other(folder.path(), "x").unwrap().is_some());
        assert!(FILES.iter().all(|name| elsewhere.path().join(name).exists()));
    }
}
