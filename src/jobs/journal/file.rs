//! The file: lines are appended under a lock, and on disk before the call returns.
//!
//! A line that a killed run cut short tells nothing: it is dropped, and the file is cut back to the
//! line before. Any other line that can't be read is an error, for something else wrote it.

use std::fs::{File, TryLockError};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::{JOURNAL_VERSION, JournalEntry, JournalEvent};
use crate::source::{open_regular, open_regular_with, sync_folder};

/// The name of the file in the folder of a plan.
const NAME: &str = "jobs.jsonl";

/// The longest line that is read: the longest that is written has some 600 bytes.
const LINE_BYTES_MAX: u64 = 64 << 10;

/// Why a journal can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// There is none.
    #[error(
        "{}: no jobs.jsonl here: the plan was not submitted; `s3sieve submit {} …` does that",
        folder.display(), folder.display()
    )]
    Missing {
        /// The folder.
        folder: PathBuf,
    },
    /// Another run holds it.
    #[error(
        "{}: another run of s3sieve works on these jobs; wait for it or stop it", path.display()
    )]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// A line is none of the journal's.
    #[error(
        "{}: line {line}: {what}; something else wrote to the journal, and nothing is sent until \
         it is put right", path.display()
    )]
    Line {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// Another program wrote it.
    #[error(
        "{}: version {version} of the journal, and this program knows version {JOURNAL_VERSION}; \
         use the program that wrote it", path.display()
    )]
    OtherVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
    /// The file can't be read or written.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

/// A journal that is being written. Others can't write while it is held.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    /// Of whole lines.
    bytes: u64,
    /// Whether half a line stands at the end, which could not be cut off.
    is_torn: bool,
}

impl Journal {
    /// Opens the journal of a plan, makes it where there is none, and reads it.
    ///
    /// # Errors
    /// When another run holds it, or it can't be read.
    pub fn open(folder: &Path) -> Result<(Self, Vec<JournalEntry>), JournalError> {
        let path = folder.join(NAME);
        let at = |error| JournalError::Io { path: path.clone(), error };
        let mut options = File::options();
        let options = options.read(true).append(true).create(true);
        let file = open_regular_with(options, &path).map_err(at)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::Busy { path }),
            Err(TryLockError::Error(error)) => return Err(at(error)),
        }
        let (entries, whole_bytes) = entries(&path, &file)?;
        file.set_len(whole_bytes).map_err(at)?;
        file.sync_all().map_err(at)?;
        sync_folder(folder).map_err(at)?;
        Ok((Self { path, file, bytes: whole_bytes, is_torn: false }, entries))
    }

    /// Appends a line; it is on disk when this returns.
    ///
    /// # Errors
    /// When the disk fails. The line may or may not be there then, but never half of it before
    /// another.
    pub fn append(&mut self, event: JournalEvent) -> Result<JournalEntry, JournalError> {
        let at = |error| JournalError::Io { path: self.path.clone(), error };
        let entry = JournalEntry { time: Timestamp::now(), event };
        let mut line = serde_json::to_vec(&entry).map_err(|error| at(error.into()))?;
        line.push(b'\n');
        if self.is_torn {
            return Err(at(io::Error::other("an earlier line could not be written")));
        }
        if let Err(error) = self.file.write_all(&line) {
            self.is_torn = self.file.set_len(self.bytes).is_err();
            return Err(at(error));
        }
        self.bytes += line.len() as u64;
        self.file.sync_data().map_err(at)?;
        Ok(entry)
    }
}

/// Reads the journal of a plan, without keeping others from writing it.
///
/// # Errors
/// When there is none, or it can't be read.
pub fn read(folder: &Path) -> Result<Vec<JournalEntry>, JournalError> {
    let path = folder.join(NAME);
    let file = match open_regular(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(JournalError::Missing { folder: folder.to_owned() });
        }
        Err(error) => return Err(JournalError::Io { path, error }),
    };
    let (entries, _) = entries(&path, &file)?;
    if entries.is_empty() {
        return Err(JournalError::Missing { folder: folder.to_owned() });
    }
    Ok(entries)
}

/// The whole lines of a journal, and how many bytes they are.
fn entries(path: &Path, mut file: &File) -> Result<(Vec<JournalEntry>, u64), JournalError> {
    let at = |error| JournalError::Io { path: path.to_owned(), error };
    let wrong = |line, what: String| JournalError::Line { path: path.to_owned(), line, what };
    file.seek(SeekFrom::Start(0)).map_err(at)?;
    let mut reader = BufReader::new(file);
    let mut entries: Vec<JournalEntry> = Vec::new();
    let mut whole_bytes = 0;
    loop {
        let mut line = Vec::new();
        let mut bounded = io::Read::take(&mut reader, LINE_BYTES_MAX);
        let read = bounded.read_until(b'\n', &mut line).map_err(at)? as u64;
        if read == LINE_BYTES_MAX && line.last() != Some(&b'\n') {
            return Err(wrong(entries.len() + 1, "the line is too long".to_owned()));
        }
        if line.pop() != Some(b'\n') {
            return Ok((entries, whole_bytes));
        }
        let number = entries.len() + 1;
        let entry: JournalEntry =
            serde_json::from_slice(&line).map_err(|error| wrong(number, error.to_string()))?;
        match (&entry.event, entries.is_empty()) {
            (JournalEvent::Started { version, .. }, true) if *version != JOURNAL_VERSION => {
                return Err(JournalError::OtherVersion {
                    path: path.to_owned(),
                    version: *version,
                });
            }
            (JournalEvent::Started { .. }, true) => {}
            (JournalEvent::Started { .. }, false) => {
                return Err(wrong(number, "a submission begins a second time".to_owned()));
            }
            (_, true) => {
                return Err(wrong(number, "the journal does not begin with `started`".to_owned()));
            }
            (_, false) => {}
        }
        entries.push(entry);
        whole_bytes += read;
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn begun() -> JournalEvent {
        JournalEvent::Started {
            version: JOURNAL_VERSION,
            tool: "s3sieve 0".to_owned(),
            account_id: "111122223333".to_owned(),
            region: "us-east-1".to_owned(),
            jobs: 1,
            requests_sha256: "00".to_owned(),
        }
    }

    fn uploading() -> JournalEvent {
        JournalEvent::Uploading {
            manifest: "manifests/00000.csv".to_owned(),
            object: "b/k".to_owned(),
        }
    }

    #[test]
    fn a_cut_line_is_dropped_wherever_it_was_cut() {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, entries) = Journal::open(folder.path()).unwrap();
        assert!(entries.is_empty());
        journal.append(begun()).unwrap();
        journal.append(uploading()).unwrap();
        drop(journal);
        let path = folder.path().join(NAME);
        let whole = fs::read(&path).unwrap();
        let first = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let (mut journal, entries) = Journal::open(folder.path()).unwrap();
            assert_eq!(entries.len(), usize::from(cut >= first), "cut after {cut} bytes");
            let next = if entries.is_empty() { begun() } else { uploading() };
            journal.append(next.clone()).unwrap();
            drop(journal);
            assert_eq!(read(folder.path()).unwrap().last().unwrap().event, next);
        }
    }

    #[test]
    fn what_is_no_line_of_the_journal_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        let first =
            serde_json::to_string(&JournalEntry { time: Timestamp::UNIX_EPOCH, event: begun() });
        let first = first.unwrap();
        for (text, line) in [
            ("{}\n".to_owned(), 1),
            (format!("{first}\nnoise\n"), 2),
            (format!("{first}\n{first}\n"), 2),
            (format!("{first}\n\n"), 2),
            ("x".repeat(70_000), 1),
        ] {
            fs::write(&path, text).unwrap();
            let error = read(folder.path()).unwrap_err();
            assert!(matches!(error, JournalError::Line { line: found, .. } if found == line));
        }
        for version in [1, 9] {
            let other = first.replace("\"version\":2", &format!("\"version\":{version}"));
            fs::write(&path, other + "\n").unwrap();
            let error = read(folder.path()).unwrap_err();
            assert!(matches!(error, JournalError::OtherVersion { version: v, .. } if v == version));
        }
    }

    #[test]
    fn one_run_writes_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let held = Journal::open(folder.path()).unwrap();
        assert!(matches!(Journal::open(folder.path()), Err(JournalError::Busy { .. })));
        drop(held);
        assert!(Journal::open(folder.path()).is_ok());
        assert!(matches!(read(folder.path()), Err(JournalError::Missing { .. })));
    }
}
