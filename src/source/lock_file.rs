//! A lock file: locked while a run works, left unlocked by a run that was killed.
//!
//! The operating system holds the lock and releases it when the process ends, however it ends. The
//! holder removes the file when it releases the lock, so another run can acquire the lock of a
//! deleted file. `take` therefore compares the open file with the file of that name, and tries
//! again if they differ.
//!
//! Links are not followed, and opening a pipe does not block: others may be able to write to the
//! folder.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// The content of a lock file: it tells people whose it is, and the program that it is its own.
const MARKER: &str = "s3sieve works here while this file is locked\n";

/// Maximum attempts to lock a file that another run deletes meanwhile. Each attempt that fails is a
/// run that ended in between; 1,000 in a row are not a coincidence.
const LOST_RACES_MAX: u32 = 1000;

/// A file that this run has locked; removed when it is dropped.
#[derive(Debug)]
pub(crate) struct LockFile {
    path: PathBuf,
    file: File,
    stays: bool,
}

/// The outcome of an attempt to take a lock.
#[derive(Debug)]
pub(crate) enum LockAttempt {
    /// This run has the lock.
    Locked {
        /// The lock.
        lock: LockFile,
        /// Whether the file was there: a run that held it was killed.
        was_left: bool,
    },
    /// Another run has it.
    Held,
}

impl LockFile {
    /// Locks the file of this name, which is made if need be; its folder must be there.
    ///
    /// # Errors
    /// When something else has the name, or the file can't be locked.
    pub(crate) fn take(path: &Path) -> io::Result<LockAttempt> {
        for _ in 0..LOST_RACES_MAX {
            if let Some(attempt) = Self::attempt(path, true)? {
                return Ok(attempt);
            }
        }
        Err(io::Error::other("it is removed again and again while it is being locked"))
    }

    /// Locks the file of this name if it is there; `None` where it is not, or not any more.
    ///
    /// # Errors
    /// As with [`LockFile::take`].
    pub(crate) fn take_left(path: &Path) -> io::Result<Option<LockAttempt>> {
        match Self::attempt(path, false) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            attempt => attempt,
        }
    }

    /// `None` where the file was removed in between.
    fn attempt(path: &Path, create: bool) -> io::Result<Option<LockAttempt>> {
        let mut file = open(path, create)?;
        require_regular(&file.metadata()?)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Some(LockAttempt::Held)),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        if !is_still(path, &file)? {
            return Ok(None);
        }
        let marked = marked(&mut file)?;
        // From here on it is ours, and goes where the rest fails.
        let mut lock = Self { path: path.to_owned(), file, stays: false };
        lock.file.write_all(&MARKER.as_bytes()[marked..])?;
        Ok(Some(LockAttempt::Locked { lock, was_left: marked > 0 }))
    }

    /// Gives the lock back, and leaves the file: something that it stands for is left, too.
    pub(crate) fn leave(mut self) {
        self.stays = true;
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        // While it is still locked, so that it is this one that goes. What can't be removed is
        // found with a free lock.
        if !self.stays {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// How much of the marker is there: all of it, or less where a run was killed while it wrote it.
fn marked(file: &mut File) -> io::Result<usize> {
    let mut found = Vec::new();
    Read::by_ref(file).take(MARKER.len() as u64 + 1).read_to_end(&mut found)?;
    if MARKER.as_bytes().starts_with(&found) {
        return Ok(found.len());
    }
    Err(io::Error::new(
        io::ErrorKind::AlreadyExists,
        "is a file of something else, where s3sieve keeps a lock: move it away",
    ))
}

fn require_regular(metadata: &fs::Metadata) -> io::Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::AlreadyExists,
        "is no regular file, where s3sieve keeps a lock: move it away",
    ))
}

/// Opens it without following a link, and without waiting for the other end of a pipe.
#[cfg(unix)]
fn open(path: &Path, create: bool) -> io::Result<File> {
    use rustix::fs::OFlags;
    use std::os::unix::fs::OpenOptionsExt;
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(create).mode(0o600).custom_flags(flags);
    options.open(path).map_err(|error| match rustix::io::Errno::from_io_error(&error) {
        Some(rustix::io::Errno::LOOP) => io::Error::new(
            io::ErrorKind::AlreadyExists,
            "is a link, and none is followed to where s3sieve keeps a lock: move it away",
        ),
        _ => error,
    })
}

#[cfg(not(unix))]
fn open(path: &Path, create: bool) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(create).truncate(false).open(path)
}

/// Whether an open file is still the one of this name.
#[cfg(unix)]
fn is_still(path: &Path, file: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let own = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(named) => Ok((named.dev(), named.ino()) == (own.dev(), own.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Where this is no Unix, a file that is open can't be removed.
#[cfg(not(unix))]
fn is_still(_path: &Path, _file: &File) -> io::Result<bool> {
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::thread;

    use super::*;

    fn taken(path: &Path) -> Option<(LockFile, bool)> {
        match LockFile::take(path).unwrap() {
            LockAttempt::Locked { lock, was_left } => Some((lock, was_left)),
            LockAttempt::Held => None,
        }
    }

    #[test]
    fn a_lock_has_one_holder_and_goes_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let (lock, was_left) = taken(&path).unwrap();
        assert!(!was_left);
        assert!(taken(&path).is_none());
        assert!(matches!(LockFile::take_left(&path), Ok(Some(LockAttempt::Held))));
        drop(lock);
        assert!(!path.exists());
        assert!(matches!(LockFile::take_left(&path), Ok(None)));
    }

    #[test]
    fn what_a_killed_run_left_is_told_from_files_of_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        for (left, expected) in [("", false), (&MARKER[..9], true), (MARKER, true)] {
            fs::write(&path, left).unwrap();
            assert_eq!(taken(&path).unwrap().1, expected, "{left:?}");
        }
        for foreign in ["apiVersion: v1\n", &format!("{MARKER}x")] {
            fs::write(&path, foreign).unwrap();
            assert!(LockFile::take(&path).unwrap_err().to_string().contains("something else"));
            assert_eq!(fs::read_to_string(&path).unwrap(), foreign);
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed_and_pipes_are_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let [path, target] = ["lock", "target"].map(|name| folder.path().join(name));
        fs::write(&target, "precious").unwrap();
        std::os::unix::fs::symlink(&target, &path).unwrap();
        assert!(LockFile::take(&path).unwrap_err().to_string().contains("is a link"));
        assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
        fs::remove_file(&path).unwrap();
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        assert!(LockFile::take(&path).unwrap_err().to_string().contains("no regular file"));
    }

    /// Holders come and go, each removing the file: there is never more than one.
    #[test]
    fn one_at_a_time_holds_it_of_many_that_come_and_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let (holders, rounds) = (AtomicU32::new(0), AtomicU32::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    while rounds.load(Ordering::Relaxed) < 2000 {
                        let Some((lock, _)) = taken(&path) else { continue };
                        assert_eq!(holders.fetch_add(1, Ordering::SeqCst), 0, "two hold it");
                        rounds.fetch_add(1, Ordering::Relaxed);
                        holders.fetch_sub(1, Ordering::SeqCst);
                        drop(lock);
                    }
                });
            }
        });
    }
}
