//! Files that are there whole or not at all.
//!
//! Never knows what is in them.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Writes a file: under another name until it is on disk. What was there of its name stays until
/// then, and if it fails. `write` fills it, and may read it back.
///
/// One run at a time may write a file.
///
/// # Errors
/// When the disk fails, as `at` puts it, or `write` does.
pub(crate) fn write_whole<T, E>(
    path: &Path,
    at: impl Fn(io::Error) -> E,
    write: impl FnOnce(&mut File) -> Result<T, E>,
) -> Result<T, E> {
    let partial = partial_name(path);
    let written = || {
        // A link of that name goes, and what it leads to stays.
        match fs::remove_file(&partial) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(error)),
            _ => {}
        }
        let mut file = create_new(&partial).map_err(&at)?;
        let value = write(&mut file)?;
        file.sync_all().map_err(&at)?;
        fs::rename(&partial, path).map_err(&at)?;
        sync_folder(path.parent().unwrap_or(path)).map_err(&at)?;
        Ok(value)
    };
    let result = written();
    if result.is_err() {
        // The error to tell is the other one. What stays is removed by the next run.
        let _ = fs::remove_file(&partial);
    }
    result
}

/// A new file, to be written and read back.
fn create_new(path: &Path) -> io::Result<File> {
    File::options().read(true).write(true).create_new(true).open(path)
}

/// The name of a file until it is whole: its own, hidden, and told from all others.
#[must_use]
pub(crate) fn partial_name(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".partial");
    path.with_file_name(name)
}

/// Makes names in a folder last. Only Unix lets a folder be synced; elsewhere the renaming is what
/// there is.
///
/// # Errors
/// When the disk fails.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::convert::identity;
    use std::io::Write;

    use super::*;

    #[test]
    fn what_is_there_stays_until_the_new_file_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        let write = |text: &'static str| {
            write_whole(&path, identity, |file| file.write_all(text.as_bytes()))
        };
        write("old").unwrap();
        let failed = write_whole(&path, identity, |file| -> io::Result<()> {
            file.write_all(b"ne")?;
            assert_eq!(fs::read(&path)?, b"old");
            Err(io::ErrorKind::StorageFull.into())
        });
        assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        fs::write(folder.path().join(".a.txt.partial"), "left").unwrap();
        write("new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn what_a_link_in_its_place_leads_to_stays() {
        let folder = tempfile::tempdir().unwrap();
        let [path, precious] = ["a.txt", "precious"].map(|name| folder.path().join(name));
        fs::write(&precious, "precious").unwrap();
        for link in [partial_name(&path), path.clone()] {
            let _ = fs::remove_file(&path);
            std::os::unix::fs::symlink(&precious, link).unwrap();
            write_whole(&path, identity, |file| file.write_all(b"new")).unwrap();
            assert_eq!(fs::read(&precious).unwrap(), b"precious");
            assert!(path.symlink_metadata().unwrap().is_file());
        }
    }
}
