//! From what the user names to one manifest: a file as it is, or the newest complete report of a
//! folder.
//!
//! S3 writes each report's manifest into a folder named by the time the report was begun,
//! `<bucket>/<configuration>/2026-01-31T00-00Z`, and its checksum file after it: a report whose
//! checksum file is there and matches is complete. Newer reports that are not are passed over,
//! and the user is told.
//!
//! Never knows what a manifest says. It is read here once, to be checked, and given to who wants
//! to know: that of 100,000 data files takes 40 ms.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{ChecksumState, Manifest, Report, ReportError};

/// How many folders below the named one a dated folder may lie.
///
/// A copy of a whole destination bucket has the source bucket, the configuration and the dated
/// folder below it (3), and the folders of the destination prefix, of which nine are allowed for.
/// Deeper than that a search is more likely lost in something that is no inventory.
const FIND_DEPTH_MAX: usize = 12;

/// How many files and folders a search looks at.
///
/// Ten years of daily reports (3,650 dated folders) of 25 inventories; dated folders are looked
/// into only where they are candidates, and the data folders, which hold the many files, not at
/// all. At about a million entries a second it is over in a moment.
const FIND_ENTRIES_MAX: u64 = 100_000;

/// How many inventories a refusal lists.
const INVENTORIES_LISTED_MAX: usize = 10;

/// The name of a manifest in a dated folder.
const MANIFEST_NAME: &str = "manifest.json";

/// Folders beside the dated ones that hold data files and Hive tables, not reports.
const NOT_SEARCHED: [&str; 2] = ["data", "hive"];

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The manifest, read and checked.
    pub manifest: Manifest,
    /// What the user should know about the choice, a sentence each.
    pub notes: Vec<String>,
}

/// The manifest that a path given by the user stands for.
///
/// A file is taken as it is, whatever its name. Of a folder its own `manifest.json` is taken, or
/// else the newest complete report in a dated folder below it. Links to folders are not followed
/// below the named folder.
///
/// # Errors
/// When nothing is there, the folder holds no complete report, or reports of several inventories,
/// and those of [`Manifest::read`].
pub fn find(report: &Path) -> Result<Found, ReportError> {
    let metadata = fs::metadata(report).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => ReportError::NotThere(report.to_path_buf()),
        _ => ReportError::io(report, source),
    })?;
    if metadata.is_file() {
        return Ok(Found { manifest: Manifest::read(report)?, notes: Vec::new() });
    }
    if !metadata.is_dir() {
        return Err(ReportError::NotAReport(report.to_path_buf()));
    }
    let own = report.join(MANIFEST_NAME);
    if own.is_file() {
        return Ok(Found { manifest: Manifest::read(&own)?, notes: Vec::new() });
    }
    let dated = dated_folders(report, FIND_ENTRIES_MAX)?;
    newest_complete(report, one_inventory(report, dated)?)
}

/// A folder named like a report's begin.
struct Dated {
    path: PathBuf,
    /// Sorts as time does.
    name: String,
    has_manifest: bool,
}

/// All dated folders below a folder, in no order.
fn dated_folders(top: &Path, entries_max: u64) -> Result<Vec<Dated>, ReportError> {
    let mut dated = Vec::new();
    let mut entries: u64 = 0;
    let mut open = vec![(top.to_path_buf(), 0)];
    while let Some((folder, depth)) = open.pop() {
        let failed = |source| ReportError::io(&folder, source);
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            entries += 1;
            if entries > entries_max {
                return Err(ReportError::SearchTooLarge { folder: top.to_path_buf(), entries_max });
            }
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if !entry.file_type().map_err(failed)?.is_dir()
                || name.starts_with('.')
                || NOT_SEARCHED.contains(&&*name)
            {
                continue;
            }
            let path = entry.path();
            if is_dated(&name) {
                let has_manifest = path.join(MANIFEST_NAME).is_file();
                dated.push(Dated { path, name: name.into_owned(), has_manifest });
            } else if depth + 1 < FIND_DEPTH_MAX {
                open.push((path, depth + 1));
            }
        }
    }
    Ok(dated)
}

/// Whether a name has the form `YYYY-MM-DDTHH-MMZ`.
fn is_dated(name: &str) -> bool {
    let form = b"dddd-dd-ddTdd-ddZ";
    name.len() == form.len()
        && name.bytes().zip(form).all(|(byte, form)| match form {
            b'd' => byte.is_ascii_digit(),
            mark => byte == *mark,
        })
}

/// The dated folders if they are of one inventory: folders of the same parent.
fn one_inventory(top: &Path, dated: Vec<Dated>) -> Result<Vec<Dated>, ReportError> {
    let mut inventories: Vec<PathBuf> = dated
        .iter()
        .filter(|dated| dated.has_manifest)
        .filter_map(|dated| dated.path.parent())
        .map(Path::to_path_buf)
        .collect();
    inventories.sort();
    inventories.dedup();
    match inventories.as_slice() {
        [] => Err(ReportError::NoReport { folder: top.to_path_buf(), depth_max: FIND_DEPTH_MAX }),
        [one] => Ok(dated.into_iter().filter(|dated| dated.path.parent() == Some(one)).collect()),
        several => Err(ReportError::SeveralInventories {
            folder: top.to_path_buf(),
            count: several.len() as u64,
            inventories: several.iter().take(INVENTORIES_LISTED_MAX).cloned().collect(),
        }),
    }
}

/// The newest report that is complete, with a note for each newer one that is not.
fn newest_complete(top: &Path, mut dated: Vec<Dated>) -> Result<Found, ReportError> {
    dated.sort_by(|a, b| b.name.cmp(&a.name));
    let mut reasons = Vec::new();
    for dated in dated {
        match complete(&dated)? {
            Ok(manifest) => {
                let notes = reasons.iter().map(|reason| format!("passed over {reason}")).collect();
                return Ok(Found { manifest, notes });
            }
            Err(reason) => reasons.push(format!("{}: {reason}", dated.path.display())),
        }
    }
    Err(ReportError::NoneComplete { folder: top.to_path_buf(), reasons })
}

/// The manifest of a report that is complete, or why it is not.
fn complete(dated: &Dated) -> Result<Result<Manifest, String>, ReportError> {
    if !dated.has_manifest {
        return Ok(Err("no manifest.json".to_owned()));
    }
    let reason = match Manifest::read(&dated.path.join(MANIFEST_NAME)) {
        Ok(manifest) => match manifest.checksum() {
            ChecksumState::Matched => return Ok(Ok(manifest)),
            ChecksumState::Absent => {
                "no manifest.checksum, so its delivery or download is not finished".to_owned()
            }
        },
        Err(ReportError::ChecksumMismatch { expected, found, .. }) => {
            format!("the MD5 of manifest.json is {found}, but manifest.checksum says {expected}")
        }
        Err(ReportError::ChecksumUnreadable { .. }) => {
            "manifest.checksum does not hold an MD5".to_owned()
        }
        Err(ReportError::TooLarge(_)) => "manifest.json is too large".to_owned(),
        Err(error) => return Err(error),
    };
    Ok(Err(reason))
}

impl Report {
    /// Finds the manifest that a path stands for, and reads it; gives the notes of [`find`] too.
    ///
    /// # Errors
    /// Those of [`find`] and [`Manifest::parse`].
    pub fn find_and_read(path: &Path) -> Result<(Self, Vec<String>), ReportError> {
        let Found { manifest, notes } = find(path)?;
        Ok((manifest.parse()?, notes))
    }
}

#[cfg(test)]
mod tests {
    use md5::{Digest, Md5};

    use super::super::md5_hex;
    use super::*;

    const MANIFEST: &[u8] = b"what it says is not looked at";

    /// What a dated folder lacks.
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum State {
        Complete,
        NoChecksum,
        WrongChecksum,
        NoManifest,
    }

    fn report(inventory: &Path, date: &str, state: State) -> PathBuf {
        let folder = inventory.join(date);
        fs::create_dir_all(&folder).unwrap();
        let manifest = folder.join(MANIFEST_NAME);
        if state != State::NoManifest {
            fs::write(&manifest, MANIFEST).unwrap();
        }
        match state {
            State::Complete => {
                let md5 = md5_hex(&Md5::digest(MANIFEST).into());
                fs::write(folder.join("manifest.checksum"), md5).unwrap();
            }
            State::WrongChecksum => {
                fs::write(folder.join("manifest.checksum"), "0".repeat(32)).unwrap();
            }
            State::NoChecksum | State::NoManifest => {}
        }
        manifest
    }

    #[test]
    fn a_file_and_a_folder_with_a_manifest_are_taken_as_they_are() {
        let top = tempfile::tempdir().unwrap();
        let file = top.path().join("any-name");
        fs::write(&file, "").unwrap();
        let found = find(&file).unwrap();
        assert_eq!((found.manifest.path, found.notes), (file, vec![]));
        let manifest = report(top.path(), "2026-01-01T00-00Z", State::NoChecksum);
        assert_eq!(find(manifest.parent().unwrap()).unwrap().manifest.path, manifest);
    }

    #[test]
    fn the_newest_complete_report_is_taken_and_newer_ones_are_told() {
        let top = tempfile::tempdir().unwrap();
        let inventory = top.path().join("prefix/bucket/config");
        report(&inventory, "2025-12-31T00-00Z", State::Complete);
        let wanted = report(&inventory, "2026-01-01T00-00Z", State::Complete);
        report(&inventory, "2026-01-02T00-00Z", State::WrongChecksum);
        report(&inventory, "2026-01-03T00-00Z", State::NoChecksum);
        report(&inventory, "2026-01-04T00-00Z", State::NoManifest);
        // None of these is a report.
        for other in ["data", "hive", ".old", "2026-01-05", "2026-01-05T00-00"] {
            fs::create_dir_all(inventory.join(other)).unwrap();
        }
        report(&inventory.join("data"), "2027-01-01T00-00Z", State::Complete);
        report(&inventory.join(".old"), "2027-01-01T00-00Z", State::Complete);
        for folder in [top.path(), &inventory] {
            let found = find(folder).unwrap();
            assert_eq!(found.manifest.path, wanted);
            let [first, second, third] = found.notes.as_slice() else { panic!("{found:?}") };
            assert!(first.contains("2026-01-04T00-00Z: no manifest.json"), "{first}");
            assert!(second.contains("2026-01-03T00-00Z: no manifest.checksum"), "{second}");
            assert!(third.contains("2026-01-02T00-00Z: the MD5 of"), "{third}");
        }
    }

    #[test]
    fn reports_of_several_inventories_are_refused_and_listed() {
        let top = tempfile::tempdir().unwrap();
        for place in 0..12 {
            let inventory = top.path().join(format!("bucket-{place:02}/config"));
            report(&inventory, "2026-01-01T00-00Z", State::Complete);
        }
        let error = find(top.path()).unwrap_err().to_string();
        assert!(error.contains("reports of 12 inventories"), "{error}");
        assert!(error.contains("bucket-00/config\n") && error.ends_with("bucket-09/config"));
        assert_eq!(error.matches("bucket-").count(), INVENTORIES_LISTED_MAX);
        assert!(find(&top.path().join("bucket-03")).is_ok());
    }

    #[test]
    fn nothing_and_nothing_complete_are_told_apart() {
        let top = tempfile::tempdir().unwrap();
        let error = find(top.path()).unwrap_err();
        assert!(matches!(error, ReportError::NoReport { .. }) && !error.is_environment());
        report(top.path(), "2026-01-02T00-00Z", State::NoManifest);
        assert!(matches!(find(top.path()).unwrap_err(), ReportError::NoReport { .. }));
        report(top.path(), "2026-01-01T00-00Z", State::NoChecksum);
        let error = find(top.path()).unwrap_err().to_string();
        assert!(error.contains("2026-01-01T00-00Z: no manifest.checksum"), "{error}");
        assert!(error.contains("name its manifest.json"), "{error}");
        let error = find(&top.path().join("none")).unwrap_err();
        assert!(matches!(error, ReportError::NotThere(_)), "{error}");
        assert!(!error.is_environment(), "a wrong name is the user's");
    }

    #[test]
    fn a_search_is_bounded_in_depth_and_entries() {
        let top = tempfile::tempdir().unwrap();
        let mut folder = top.path().to_path_buf();
        for _ in 0..FIND_DEPTH_MAX - 1 {
            folder.push("d");
        }
        report(&folder, "2026-01-01T00-00Z", State::Complete);
        assert!(find(top.path()).is_ok());
        let deeper = tempfile::tempdir().unwrap();
        fs::create_dir(deeper.path().join("d")).unwrap();
        fs::rename(top.path().join("d"), deeper.path().join("d/d")).unwrap();
        assert!(matches!(find(deeper.path()).unwrap_err(), ReportError::NoReport { .. }));

        for place in 0..20 {
            fs::write(deeper.path().join(format!("{place}")), "").unwrap();
        }
        assert!(dated_folders(deeper.path(), 40).is_ok());
        let error = dated_folders(deeper.path(), 19).err().unwrap();
        assert!(matches!(error, ReportError::SearchTooLarge { entries_max: 19, .. }));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed_and_circles_end() {
        let top = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(top.path(), top.path().join("circle")).unwrap();
        let wanted = report(&top.path().join("a"), "2026-01-01T00-00Z", State::Complete);
        assert_eq!(find(top.path()).unwrap().manifest.path, wanted);
    }

    #[test]
    fn dated_names_have_one_form() {
        assert!(is_dated("2026-01-31T00-00Z"));
        for name in ["", "2026-01-31T00-00", "2026-01-31T00:00Z", "2026-01-3xT00-00Z", "data"] {
            assert!(!is_dated(name), "{name}");
        }
    }
}
