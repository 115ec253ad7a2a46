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

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::AtomicBool;

use jiff::Timestamp;
use jiff::civil::Date;

use super::{ChecksumState, ManifestBytes, Report, ReportError};
use crate::source::{EntryKind, Location};

/// How many folders below the named one a dated folder may lie.
///
/// A copy of a whole destination bucket has the source bucket, the configuration and the dated
/// folder below it (3), and the folders of the destination prefix, of which nine are allowed for.
/// Deeper than that a search is more likely lost in something that is not an inventory.
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
pub(crate) struct ReportSearch {
    /// The manifest, read and checked.
    pub manifest: ManifestBytes,
    /// What the user should know about the choice, a sentence each.
    pub notes: Vec<String>,
}

/// The last moment that a report may have been begun at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsOf {
    /// The beginning of the name of a dated folder: of a day, or whole.
    name: String,
}

/// Why a text is not such a moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no date, such as 2026-01-31 (all of that day, in UTC) or 2026-01-31T14:00Z")]
pub struct AsOfError(String);

impl FromStr for AsOf {
    type Err = AsOfError;

    fn from_str(text: &str) -> Result<Self, AsOfError> {
        if is_dated(text) {
            return Ok(Self { name: text.to_owned() });
        }
        // A time comes first: a date may be read from its beginning, too.
        let name = match (text.parse::<Timestamp>(), text.parse::<Date>()) {
            (Ok(time), _) => time.strftime("%Y-%m-%dT%H-%MZ").to_string(),
            (_, Ok(date)) => date.strftime("%Y-%m-%d").to_string(),
            _ => return Err(AsOfError(text.to_owned())),
        };
        Ok(Self { name })
    }
}

impl fmt::Display for AsOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl AsOf {
    fn admits(&self, dated: &DatedFolder) -> bool {
        dated.name.get(..self.name.len()).is_some_and(|begin| begin <= self.name.as_str())
    }
}

/// The manifest that a location given by the user stands for.
///
/// A file is taken as it is, whatever its name (in S3, it must end in `.json`). Of a folder its own
/// `manifest.json` is taken, or else the newest complete report in a dated folder below it that was
/// begun by `as_of`. Links to folders are not followed below the named folder. `stop` is set from
/// outside to end the search.
///
/// # Errors
/// When nothing is there, the folder holds no complete report, or reports of several inventories,
/// and those of [`ManifestBytes::read`].
pub(crate) fn find(
    report: &Location,
    as_of: Option<&AsOf>,
    stop: Option<&AtomicBool>,
) -> Result<ReportSearch, ReportError> {
    let as_it_is = |manifest| ReportSearch { manifest, notes: Vec::new() };
    match report.kind().map_err(|source| ReportError::io(report.clone(), source))? {
        EntryKind::File => return ManifestBytes::read(report).map(as_it_is),
        EntryKind::Nothing => return Err(ReportError::NotThere(report.clone())),
        EntryKind::Other => return Err(ReportError::NotAReport(report.clone())),
        EntryKind::Folder => {}
    }
    match ManifestBytes::read(&report.join(MANIFEST_NAME)) {
        Err(error) if error.is_not_found() => {}
        own => return own.map(as_it_is),
    }
    let dated = dated_folders(report, FIND_ENTRIES_MAX, stop)?;
    let mut dated = one_inventory(report, dated)?;
    dated.sort_by(|a, b| b.name.cmp(&a.name));
    if let (Some(as_of), Some(oldest)) = (as_of, dated.last().map(|dated| dated.name.clone())) {
        dated.retain(|dated| as_of.admits(dated));
        if dated.is_empty() {
            let (folder, as_of) = (report.clone(), as_of.to_string());
            return Err(ReportError::NoneSoOld { folder, as_of, oldest });
        }
    }
    newest_complete(report, dated, stop)
}

/// A folder named like a report's begin.
struct DatedFolder {
    path: Location,
    /// Sorts as time does.
    name: String,
    has_manifest: bool,
}

/// All dated folders below a folder, in no order.
fn dated_folders(
    top: &Location,
    entries_max: u64,
    stop: Option<&AtomicBool>,
) -> Result<Vec<DatedFolder>, ReportError> {
    let mut dated = Vec::new();
    let mut entries_left = entries_max;
    let mut open = vec![(top.clone(), 0)];
    while let Some((folder, depth)) = open.pop() {
        ReportError::check(stop)?;
        let failed = |source| ReportError::io(folder.clone(), source);
        let Some(entries) = folder.entries(entries_left).map_err(failed)? else {
            return Err(ReportError::SearchTooLarge { folder: top.clone(), entries_max });
        };
        entries_left -= entries.len() as u64;
        for entry in entries {
            ReportError::check(stop)?;
            let name = entry.name;
            if !entry.is_folder || name.starts_with('.') || NOT_SEARCHED.contains(&&*name) {
                continue;
            }
            let path = entry.location;
            if is_dated(&name) {
                // In S3 it shows when it is read; what may not be looked at does so, too.
                let kind = path.join(MANIFEST_NAME).kind();
                let has_manifest = kind.map_or(true, |kind| kind == EntryKind::File);
                dated.push(DatedFolder { path, name, has_manifest });
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
fn one_inventory(top: &Location, dated: Vec<DatedFolder>) -> Result<Vec<DatedFolder>, ReportError> {
    let mut inventories: Vec<Location> = dated
        .iter()
        .filter(|dated| dated.has_manifest)
        .filter_map(|dated| dated.path.parent())
        .collect();
    inventories.sort();
    inventories.dedup();
    match inventories.as_slice() {
        [] if is_beside_reports(top) => Err(ReportError::BesideReports(top.clone())),
        [] => Err(ReportError::NoReport { folder: top.clone(), depth_max: FIND_DEPTH_MAX }),
        [one] => Ok(dated
            .into_iter()
            .filter(|dated| dated.path.parent().as_ref() == Some(one))
            .collect()),
        several => Err(ReportError::SeveralInventories {
            folder: top.clone(),
            count: several.len() as u64,
            inventories: several.iter().take(INVENTORIES_LISTED_MAX).cloned().collect(),
        }),
    }
}

/// The first report that is complete, with a note for each before it that is not.
fn newest_complete(
    top: &Location,
    dated: Vec<DatedFolder>,
    stop: Option<&AtomicBool>,
) -> Result<ReportSearch, ReportError> {
    let mut reasons = Vec::new();
    let mut may_be_named = false;
    for dated in dated {
        ReportError::check(stop)?;
        match complete(&dated)? {
            Ok(manifest) => {
                let notes = reasons.iter().map(|reason| format!("passed over {reason}")).collect();
                return Ok(ReportSearch { manifest, notes });
            }
            Err(reason) => {
                may_be_named |= reason == UNCHECKED;
                reasons.push(format!("{}: {reason}", dated.path.display()));
            }
        }
    }
    let advice = if may_be_named { NAME_IT } else { REPLACE_BOTH };
    Err(ReportError::NoneComplete { folder: top.clone(), reasons, advice })
}

/// What a report lacks that is read where its manifest is named.
const UNCHECKED: &str = "no manifest.checksum, so its delivery or download is not finished";

/// What to do with it.
const NAME_IT: &str =
    "to read one that has no manifest.checksum all the same, name its manifest.json";

/// What to do where a manifest is not what its checksum says: it is not read by its name either.
const REPLACE_BOTH: &str = "manifest.json and manifest.checksum go together: fetch both. If the \
                            manifest was changed on purpose, delete its manifest.checksum and \
                            name the manifest.json";

/// The manifest of a report that is complete, or why it is not.
fn complete(dated: &DatedFolder) -> Result<Result<ManifestBytes, String>, ReportError> {
    if !dated.has_manifest {
        return Ok(Err("no manifest.json".to_owned()));
    }
    let reason = match ManifestBytes::read(&dated.path.join(MANIFEST_NAME)) {
        Ok(manifest) => match manifest.checksum() {
            ChecksumState::Matched => return Ok(Ok(manifest)),
            ChecksumState::Absent => UNCHECKED.to_owned(),
        },
        Err(ReportError::ChecksumMismatch { expected, found, .. }) => {
            format!("the MD5 of manifest.json is {found}, but manifest.checksum says {expected}")
        }
        Err(ReportError::ChecksumUnreadable { .. }) => {
            "manifest.checksum does not hold an MD5".to_owned()
        }
        Err(ReportError::TooLarge { .. }) => "manifest.json is too large".to_owned(),
        Err(error) if error.is_not_found() => "no manifest.json".to_owned(),
        Err(error) => return Err(error),
    };
    Ok(Err(reason))
}

impl Report {
    /// Finds the manifest that a location stands for, and reads it; gives the notes of `find`,
    /// too.
    ///
    /// # Errors
    /// When the location has no report, or its manifest can't be read or is not a valid one.
    pub fn find_and_read(
        location: &Location,
        as_of: Option<&AsOf>,
        stop: Option<&AtomicBool>,
    ) -> Result<(Self, Vec<String>), ReportError> {
        let ReportSearch { manifest, notes } = find(location, as_of, stop)?;
        Ok((manifest.parse()?, notes))
    }
}

/// Whether a folder has a name of those that lie beside the reports, or in `hive`.
fn is_beside_reports(folder: &Location) -> bool {
    let path = folder.display().to_string();
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    NOT_SEARCHED.contains(&name) || name.starts_with("dt=")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use md5::{Digest, Md5};

    use super::*;
    use crate::diagnostic::{Diagnostic, ErrorClass};
    use crate::hex;

    const MANIFEST: &[u8] = b"what it says is not looked at";

    /// What a dated folder lacks.
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum State {
        Complete,
        NoChecksum,
        WrongChecksum,
        NoManifest,
    }

    fn find(path: &Path) -> Result<ReportSearch, ReportError> {
        super::find(&path.into(), None, None)
    }

    fn dated_folders(top: &Path, entries_max: u64) -> Result<Vec<DatedFolder>, ReportError> {
        super::dated_folders(&top.into(), entries_max, None)
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
                let md5 = hex::encode(Md5::digest(MANIFEST));
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
        assert_eq!((found.manifest.path, found.notes), ((&file).into(), vec![]));
        let manifest = report(top.path(), "2026-01-01T00-00Z", State::NoChecksum);
        assert_eq!(find(manifest.parent().unwrap()).unwrap().manifest.path, manifest.into());
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
            assert_eq!(found.manifest.path, (&wanted).into());
            let [first, second, third] = found.notes.as_slice() else { panic!("{found:?}") };
            assert!(first.contains("2026-01-04T00-00Z: no manifest.json"), "{first}");
            assert!(second.contains("2026-01-03T00-00Z: no manifest.checksum"), "{second}");
            assert!(third.contains("2026-01-02T00-00Z: the MD5 of"), "{third}");
        }
    }

    #[test]
    fn a_report_of_an_earlier_day_is_taken_where_that_is_asked_for() {
        let top = tempfile::tempdir().unwrap();
        let names = ["2026-01-01T00-00Z", "2026-01-02T08-00Z", "2026-01-02T20-00Z"];
        let reports = names.map(|name| report(top.path(), name, State::Complete));
        let find =
            |as_of: &str| super::find(&top.path().into(), Some(&as_of.parse().unwrap()), None);
        for (as_of, expected) in [
            ("2026-01-01", 0),
            ("2026-01-02", 2),
            ("2026-01-02T20:00Z", 2),
            ("2026-01-02T21:00+02:00", 1),
            ("2026-01-02T19-59Z", 1),
            ("2030-01-01", 2),
        ] {
            let found = find(as_of).unwrap();
            assert_eq!(found.manifest.path, Location::from(&reports[expected]), "{as_of}");
        }
        let error = find("2025-12-31").unwrap_err().to_string();
        assert!(error.contains("begun by 2025-12-31; the oldest is 2026-01-01T00-00Z"), "{error}");
        for wrong in ["", "yesterday", "2026-13-01", "2026-01-02x"] {
            assert!(wrong.parse::<AsOf>().is_err(), "{wrong}");
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
    fn folders_beside_the_reports_are_told_as_that() {
        let top = tempfile::tempdir().unwrap();
        for name in ["data", "hive", "hive/dt=2026-01-31-01-00"] {
            let folder = top.path().join(name);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("x.csv.gz"), "").unwrap();
            let error = find(&folder).unwrap_err();
            assert!(matches!(error, ReportError::BesideReports(_)), "{error}");
        }
    }

    #[test]
    fn nothing_and_nothing_complete_are_told_apart() {
        let top = tempfile::tempdir().unwrap();
        let error = find(top.path()).unwrap_err();
        assert!(matches!(error, ReportError::NoReport { .. }));
        assert_eq!(error.class(), ErrorClass::Input);
        report(top.path(), "2026-01-02T00-00Z", State::NoManifest);
        assert!(matches!(find(top.path()).unwrap_err(), ReportError::NoReport { .. }));
        report(top.path(), "2026-01-01T00-00Z", State::NoChecksum);
        let error = find(top.path()).unwrap_err().to_string();
        assert!(error.contains("2026-01-01T00-00Z: no manifest.checksum"), "{error}");
        assert!(error.contains("name its manifest.json"), "{error}");
        let unlike = tempfile::tempdir().unwrap();
        report(unlike.path(), "2026-01-01T00-00Z", State::WrongChecksum);
        let error = find(unlike.path()).unwrap_err().to_string();
        assert!(error.contains("manifest.checksum says"), "{error}");
        assert!(error.contains("fetch both"), "naming it is refused, too: {error}");
        assert!(error.contains("delete its manifest.checksum and name"), "{error}");
        let error = find(&top.path().join("none")).unwrap_err();
        assert!(matches!(error, ReportError::NotThere(_)), "{error}");
        assert_eq!(error.class(), ErrorClass::Input, "a wrong name is the user's");
    }

    #[test]
    fn a_search_ends_when_it_is_told_to() {
        let top = tempfile::tempdir().unwrap();
        report(top.path(), "2026-01-01T00-00Z", State::Complete);
        let stop = AtomicBool::new(true);
        let error = super::find(&top.path().into(), None, Some(&stop)).unwrap_err();
        assert!(matches!(error, ReportError::Interrupted), "{error}");
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
        assert_eq!(find(top.path()).unwrap().manifest.path, wanted.into());
    }

    #[test]
    fn dated_names_have_one_form() {
        assert!(is_dated("2026-01-31T00-00Z"));
        for name in ["", "2026-01-31T00-00", "2026-01-31T00:00Z", "2026-01-3xT00-00Z", "data"] {
            assert!(!is_dated(name), "{name}");
        }
    }
}
