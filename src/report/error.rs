//! What can be wrong with a report, said so that the user can act on it.
//!
//! Never knows how the fault was found.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::diagnostic::parameter::ROOT;
use crate::diagnostic::{Diagnostic, ErrorClass};
use crate::source::{self, Location};
use crate::units::{Bytes, Count};

/// Longest piece of a manifest's text that an error repeats, in characters.
///
/// Enough for any key worth reading; a damaged manifest could otherwise fill the screen.
const EXCERPT_CHARS_MAX: usize = 200;

/// Why a report could not be found or read.
///
/// Text that comes from a manifest is shown quoted and escaped: it may hold anything.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// There is nothing at the path that the user named.
    #[error("{}: there is no such file or folder; name a manifest.json or a folder that holds \
             inventory reports", .0.display())]
    NotThere(Location),
    /// The environment failed: not readable, or the disk is broken.
    #[error("{}", path.display())]
    Io {
        /// What was to be read.
        path: Location,
        /// What the system said.
        source: io::Error,
    },
    /// The path leads to something that is neither a file nor a folder.
    #[error("{}: neither a file nor a folder; name a manifest.json or a folder that holds \
             inventory reports", .0.display())]
    NotAReport(Location),
    /// The file is larger than a manifest may be.
    #[error("{}: larger than {}, more than a manifest of 100,000 data files takes; is this a \
             manifest.json?", path.display(), Bytes(*bytes_max))]
    TooLarge {
        /// The file.
        path: Location,
        /// How large it may be, in bytes.
        bytes_max: u64,
    },
    /// The manifest is not the JSON that S3 writes, or ends early.
    #[error("{}: line {line}, column {column}: {fault}; the file is damaged, cut short or not an \
             inventory's manifest.json: fetch it again", path.display())]
    Json {
        /// The manifest.
        path: Location,
        /// From 1.
        line: usize,
        /// From 1; 0 when the line is empty.
        column: usize,
        /// What the JSON parser said.
        fault: String,
    },
    /// The file is a data file of a report.
    #[error("{}: this is a data file ({format}), not a report; name the manifest.json that lists \
             it, in a folder named like 2026-01-31T00-00Z, or the folder that holds both",
            path.display())]
    DataFileNamed {
        /// The file.
        path: Location,
        /// What it begins as.
        format: &'static str,
    },
    /// The file is a list of data files for Hive.
    #[error("{}: this is a symlink.txt for Hive, not a report: it tells neither columns nor \
             checksums; name the manifest.json in a folder named like 2026-01-31T00-00Z, or the \
             folder that holds `data` and `hive`", .0.display())]
    SymlinkNamed(Location),
    /// A field of the manifest has a value that can't be used.
    #[error("{}: {field}: {fault}", path.display())]
    Field {
        /// The manifest.
        path: Location,
        /// The field's name, such as `fileSchema` or `files[3].MD5checksum`.
        field: String,
        /// What is wrong with its value.
        fault: String,
    },
    /// The manifest is not the one whose MD5 stands in the file beside it.
    #[error("{}: the MD5 of the manifest is {found}, but {} says {expected}; one of the two is \
             damaged or from another day: fetch both again",
            manifest.display(), checksum.display())]
    ChecksumMismatch {
        /// The manifest.
        manifest: Location,
        /// The file that holds its MD5.
        checksum: Location,
        /// The MD5 that file gives, 32 hexadecimal digits.
        expected: String,
        /// The MD5 of the manifest's bytes, 32 hexadecimal digits.
        found: String,
    },
    /// The checksum file beside the manifest holds something else.
    #[error("{}: holds {text:?} instead of an MD5 (32 hexadecimal digits); fetch it again, or \
             delete it to read the manifest unchecked", path.display())]
    ChecksumUnreadable {
        /// The checksum file.
        path: Location,
        /// The beginning of what it holds.
        text: String,
    },
    /// A data file's key can't be followed on this disk.
    #[error("{}: data file {key:?}: {fault}; a manifest that S3 wrote has no such key: do not \
             trust this one", manifest.display())]
    Key {
        /// The manifest.
        manifest: Location,
        /// The key as the manifest gives it, or its beginning.
        key: String,
        /// What is wrong with it.
        fault: KeyFault,
    },
    /// A data file's key leads out of the folder it was looked for in.
    #[error("{}: data file {key:?}: {} is a link that leads out of {}; name the folder that holds \
             everything with {ROOT} DIR", manifest.display(), path.display(), base.display())]
    Outside {
        /// The manifest.
        manifest: Location,
        /// The key as the manifest gives it.
        key: String,
        /// Where the key was found.
        path: Location,
        /// The folder it must stay in.
        base: Location,
    },
    /// A data file is not on this disk.
    #[error("{}: data file {key:?} is not {looked_in}; {remedy}", manifest.display())]
    DataFileMissing {
        /// The manifest.
        manifest: Location,
        /// The key as the manifest gives it.
        key: String,
        /// Which folders were looked in.
        looked_in: String,
        /// What to do.
        remedy: String,
    },
    /// A data file may lie in a folder that may not be looked into.
    #[error("{}: data file {key:?} was found nowhere, and {} may not be looked into (permission \
             denied): allow it, or name the folder that holds the data files with {ROOT} DIR",
             manifest.display(), folder.display())]
    FolderClosed {
        /// The manifest.
        manifest: Location,
        /// The key as the manifest gives it.
        key: String,
        /// The folder.
        folder: Location,
    },
    /// The manifest names another bucket than the one it was read from.
    #[error("{}: says that the report lies in bucket {destination:?}: data files are read from \
             the bucket that you named only; if the report was copied, name what stands before \
             its data files' keys with {ROOT} s3://{named}/PREFIX", manifest.display())]
    OtherBucket {
        /// The manifest.
        manifest: Location,
        /// The bucket it names.
        destination: String,
        /// The bucket that the user named.
        named: String,
    },
    /// There is nothing at the path given as root.
    #[error("{}: there is no such folder; {ROOT} names the folder below which the data files lie",
            .0.display())]
    RootMissing(Location),
    /// The folder given as root is not a folder.
    #[error("{}: not a folder; {ROOT} names the folder below which the data files lie",
            .0.display())]
    RootNotAFolder(Location),
    /// No report lies below the folder.
    #[error("{}: no inventory report here: neither a manifest.json nor, at most {depth_max} \
             folders below, a folder named like 2026-01-31T00-00Z with a manifest.json in it \
             (folders named `data` and `hive`, hidden ones and links are not searched)",
            folder.display())]
    NoReport {
        /// The folder that was searched.
        folder: Location,
        /// How deep it was searched.
        depth_max: usize,
    },
    /// The folder is one that an inventory has beside its reports.
    #[error("{}: this folder holds the data files or the Hive links of an inventory, not its \
             reports; name the folder above `data` and `hive`", .0.display())]
    BesideReports(Location),
    /// No report is old enough.
    #[error("{}: no report here was begun by {as_of}; the oldest is {oldest}", folder.display())]
    NoneSoOld {
        /// The folder that was searched.
        folder: Location,
        /// As the user gave it.
        as_of: String,
        /// The name of the oldest report's folder.
        oldest: String,
    },
    /// Reports of several inventories lie below the folder.
    #[error("{}: holds reports of {} inventories; name one of them:{}", folder.display(),
            Count(*count), listed(inventories))]
    SeveralInventories {
        /// The folder that was searched.
        folder: Location,
        /// How many inventories there are.
        count: u64,
        /// The first of them.
        inventories: Vec<Location>,
    },
    /// No report below the folder is complete.
    #[error("{}: no complete report here:{}\nwait for its delivery or fetch it again; {advice}",
            folder.display(), listed_lines(reasons))]
    NoneComplete {
        /// The folder that was searched.
        folder: Location,
        /// Each report and what it lacks.
        reasons: Vec<String>,
        /// How to read one all the same.
        advice: &'static str,
    },
    /// The search, or the look-up of data files, was ended from outside.
    #[error("interrupted")]
    Interrupted,
    /// The folder holds more than a search should go through.
    #[error("{}: more than {} files and folders here; name a folder closer to the report",
            folder.display(), Count(*entries_max))]
    SearchTooLarge {
        /// The folder that was searched.
        folder: Location,
        /// How many entries a search looks at.
        entries_max: u64,
    },
}

/// Why a key can't be followed on a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// Nothing is left after empty components are skipped.
    #[error("the key names no file")]
    Empty,
    /// Longer than S3 allows.
    #[error("the key is longer than the 1,024 bytes that S3 allows")]
    TooLong,
    /// Has a component `.` or `..`.
    #[error("the key has a component `.` or `..`")]
    Dots,
    /// Holds a NUL byte.
    #[error("the key holds a NUL byte")]
    Nul,
    /// Has a component that this system reads as more than one name.
    #[error("a component of the key is not a plain file name on this system")]
    NotAName,
}

impl ReportError {
    /// Whether there is no such file.
    pub(super) fn is_not_found(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    /// Ends what goes on where [`ReportError::Interrupted`] is asked for.
    pub(super) fn check(stop: Option<&AtomicBool>) -> Result<(), Self> {
        if stop.is_some_and(|stop| stop.load(Ordering::Relaxed)) {
            return Err(Self::Interrupted);
        }
        Ok(())
    }

    pub(super) fn io(path: impl Into<Location>, source: io::Error) -> Self {
        Self::Io { path: path.into(), source }
    }
}

impl Diagnostic for ReportError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Io { source, .. } => source::io_class(source),
            Self::FolderClosed { .. } => ErrorClass::Environment,
            Self::Interrupted => ErrorClass::Interrupted,
            _ => ErrorClass::Input,
        }
    }
}

/// The beginning of a text from a manifest, for an error to repeat.
pub(super) fn excerpt(text: &str) -> String {
    match text.char_indices().nth(EXCERPT_CHARS_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

fn listed(paths: &[Location]) -> String {
    paths.iter().map(|path| format!("\n  {}", path.display())).collect()
}

fn listed_lines(lines: &[String]) -> String {
    lines.iter().map(|line| format!("\n  {line}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_short_and_ends_between_characters() {
        assert_eq!(excerpt("short"), "short");
        let text = "ü".repeat(EXCERPT_CHARS_MAX + 1);
        let short = excerpt(&text);
        assert_eq!(short.chars().count(), EXCERPT_CHARS_MAX + 3);
        assert!(short.ends_with("ü..."));
    }

    #[test]
    fn only_the_system_is_the_environment() {
        let path = Location::from("m.json");
        let class = ReportError::io(path.clone(), io::Error::other("broken")).class();
        assert_eq!(class, ErrorClass::Environment);
        assert_eq!(ReportError::TooLarge { path, bytes_max: 1 }.class(), ErrorClass::Input);
    }
}
