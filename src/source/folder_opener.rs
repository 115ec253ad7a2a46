//! Many files of one folder, opened by their names in it.
//!
//! The system finds a file by its whole path folder after folder, each time. Where the folder is
//! open already, only the last step is left.
//!
//! Never knows what is in a file.

use std::io;
#[cfg(unix)]
use std::os::fd::OwnedFd;
use std::path::Path;
#[cfg(unix)]
use std::path::PathBuf;

use super::local::LocalFile;
use super::{Location, SourceFile};

/// Opens files, and keeps the folder of the last one open.
#[derive(Debug, Default)]
pub(crate) struct FolderOpener {
    #[cfg(unix)]
    folder: Option<(PathBuf, OwnedFd)>,
}

impl FolderOpener {
    /// As [`Location::open`].
    ///
    /// # Errors
    /// As there.
    pub(crate) fn open(&mut self, location: &Location) -> io::Result<SourceFile> {
        match location.as_path() {
            Some(path) => self.open_path(path).map(SourceFile::Local),
            None => location.open(),
        }
    }

    #[cfg(unix)]
    fn open_path(&mut self, path: &Path) -> io::Result<LocalFile> {
        use std::os::fd::AsFd;
        if let Some((folder, name)) = path.parent().zip(path.file_name())
            && self.keep_open(folder)
            && let Some((_, folder)) = &self.folder
            && let Ok(file) = LocalFile::open_at(folder.as_fd(), name)
        {
            return Ok(file);
        }
        // Another folder may have this path now. Errors are those of opening by path.
        LocalFile::open(path)
    }

    #[cfg(not(unix))]
    fn open_path(&mut self, path: &Path) -> io::Result<LocalFile> {
        LocalFile::open(path)
    }

    /// Opens a folder, unless it is the one at hand; whether that can be done.
    #[cfg(unix)]
    fn keep_open(&mut self, path: &Path) -> bool {
        use rustix::fs::{Mode, OFlags, open};
        // Compared as texts: as paths it takes as long as opening a file.
        if self.folder.as_ref().is_some_and(|(kept, _)| kept.as_os_str() == path.as_os_str()) {
            return true;
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        self.folder = open(path, flags, Mode::empty()).ok().map(|file| (path.to_owned(), file));
        self.folder.is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read;

    use super::*;

    fn text(opener: &mut FolderOpener, path: &Path) -> io::Result<String> {
        let mut text = String::new();
        opener.open(&path.into())?.read_to_string(&mut text)?;
        Ok(text)
    }

    #[test]
    fn each_file_is_the_one_that_its_path_leads_to() {
        let top = tempfile::tempdir().unwrap();
        let (one, two) = (top.path().join("one"), top.path().join("two"));
        for folder in [&one, &two] {
            fs::create_dir(folder).unwrap();
            for name in ["a", "b"] {
                fs::write(folder.join(name), folder.join(name).to_str().unwrap()).unwrap();
            }
        }
        let mut opener = FolderOpener::default();
        for path in [one.join("a"), one.join("b"), two.join("a"), one.join("a"), two.join("b")] {
            assert_eq!(text(&mut opener, &path).unwrap(), path.to_str().unwrap());
        }
    }

    #[test]
    fn errors_are_those_of_opening_by_path() {
        let top = tempfile::tempdir().unwrap();
        fs::create_dir(top.path().join("folder")).unwrap();
        let mut opener = FolderOpener::default();
        for name in ["none", "folder", "none/none"] {
            let path = top.path().join(name);
            let found = text(&mut opener, &path).unwrap_err();
            let wanted = LocalFile::open(&path).unwrap_err();
            assert_eq!((found.kind(), found.to_string()), (wanted.kind(), wanted.to_string()));
        }
    }

    #[test]
    fn a_file_that_came_with_another_folder_of_the_same_path_is_found() {
        let top = tempfile::tempdir().unwrap();
        let folder = top.path().join("folder");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("a"), "old").unwrap();
        let mut opener = FolderOpener::default();
        assert_eq!(text(&mut opener, &folder.join("a")).unwrap(), "old");
        fs::rename(&folder, top.path().join("elsewhere")).unwrap();
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("b"), "new").unwrap();
        assert_eq!(text(&mut opener, &folder.join("b")).unwrap(), "new");
    }
}
