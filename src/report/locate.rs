//! From the S3 key of a data file to its path on this disk.
//!
//! A report is copied from S3 with more or fewer of the key's leading folders, so a key is matched
//! by its longest suffix that exists. Where no root is given, it is looked for below the
//! manifest's own folder and every folder above it; for the same suffix the nearest folder wins.
//!
//! A report may list 100,000 files, a key may have ten components and the manifest ten folders
//! above it: trying everything would take millions of calls. Nearly all data files share one
//! folder, so what is tried is folders: for the folder part of a key, the places where its
//! suffixes exist are found once and kept, best first, and a key then takes one call for each
//! better place that lacks it, and one for the place that has it; none where the place is listed
//! ([`FolderNames`]).
//!
//! A manifest comes from outside. A key can't name a folder above (`key_components`), and what it
//! resolves to, links followed, must lie inside the folder it was looked for in.
//!
//! Never knows what a data file holds, or whether its length is right.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::error::{KeyFault, excerpt};
use super::folder_names::{FileNames, FolderNames};
use super::key_path::key_components;
#[cfg(feature = "aws")]
use super::locate_object;
use super::{DataFile, Report, ReportError};
use crate::diagnostic::parameter::ROOT;
use crate::source::{self, Location};

/// How many folder parts of keys are remembered before all are forgotten.
///
/// S3 writes the data files of a report into one folder. The bound is there for manifests made
/// otherwise; looking a folder up again costs time only.
const FOLDERS_KEPT_MAX: usize = 1_024;

/// Paths of some of a report's data files, in the manifest's order. `names` are of the folders that
/// they lie in, `stop` is set from outside to end the search.
///
/// With `root`, keys are looked for below that folder only; else below the manifest's folder and
/// the folders above it. That a file's length is the one the manifest gives is not checked.
///
/// # Errors
/// When a key is not acceptable, not found, or leads out of the folder it was found in.
pub(crate) fn locate_files(
    report: &Report,
    files: &[DataFile],
    root: Option<&Location>,
    names: &FolderNames,
    stop: Option<&AtomicBool>,
) -> Result<Vec<Location>, ReportError> {
    #[cfg(feature = "aws")]
    if let Location::Object(base) = root.unwrap_or(&report.manifest_path) {
        return locate_object::locate(report, files, base, root.is_some());
    }
    let mut locator = Locator::new(report, root.and_then(Location::as_path), names)?;
    let locate = |file: &DataFile| {
        ReportError::check(stop)?;
        locator.locate(&file.key).map(Location::Path)
    };
    files.iter().map(locate).collect()
}

/// Which data files of a report are on this disk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct FilesOnDisk {
    /// Files that are here with the length that the manifest gives.
    pub present: u64,
    /// Keys of files that are not here.
    pub missing: Vec<String>,
    /// Keys of files whose length is not the one in the manifest.
    pub wrong_length: Vec<String>,
}

/// Looks for some of a report's data files, and goes on where one is missing. Looks as
/// [`locate_files`] does. `stop` is set from outside to end it.
///
/// # Errors
/// When a key is not acceptable, leads out of the folder it was found in, or can't be looked up.
pub(crate) fn survey(
    report: &Report,
    files: &[DataFile],
    root: Option<&Location>,
    stop: Option<&AtomicBool>,
) -> Result<FilesOnDisk, ReportError> {
    let mut survey = FilesOnDisk::default();
    // Each file's length is asked for anyway.
    let names = FolderNames::new(0);
    if root.unwrap_or(&report.manifest_path).is_remote() {
        let locations = locate_files(report, files, root, &names, stop)?;
        let lengths = source::lengths(&locations)
            .map_err(|source| ReportError::io(report.manifest_path.clone(), source))?;
        files.iter().zip(lengths).for_each(|(file, length)| survey.add(file, length));
        return Ok(survey);
    }
    let mut locator = Locator::new(report, root.and_then(Location::as_path), &names)?;
    for file in files {
        ReportError::check(stop)?;
        match locator.locate(&file.key) {
            Ok(path) => {
                let metadata = fs::metadata(&path);
                let metadata = metadata.map_err(|source| ReportError::io(path, source))?;
                survey.add(file, Some(metadata.len()));
            }
            Err(ReportError::DataFileMissing { .. }) => survey.add(file, None),
            Err(error) => return Err(error),
        }
    }
    Ok(survey)
}

impl FilesOnDisk {
    /// Adds what was found of the files that follow.
    pub(crate) fn append(&mut self, later: Self) {
        self.present += later.present;
        self.missing.extend(later.missing);
        self.wrong_length.extend(later.wrong_length);
    }

    /// Adds a file of this length, if it is there.
    fn add(&mut self, file: &DataFile, length: Option<u64>) {
        match length {
            None => self.missing.push(file.key.clone()),
            Some(length) if length == file.bytes => self.present += 1,
            Some(_) => self.wrong_length.push(file.key.clone()),
        }
    }
}

fn canonical_root(root: &Path) -> Result<PathBuf, ReportError> {
    let canonical = root.canonicalize().map_err(|source| match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            ReportError::RootMissing(root.into())
        }
        _ => ReportError::io(root, source),
    })?;
    if canonical.is_dir() { Ok(canonical) } else { Err(ReportError::RootNotAFolder(root.into())) }
}

/// The manifest's folder, links followed, and all folders above it, nearest first.
fn folders_above(manifest: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let folder = match manifest.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let folder = folder.canonicalize().map_err(|source| ReportError::io(folder, source))?;
    Ok(folder.ancestors().map(Path::to_path_buf).collect())
}

/// A folder that exists and in which files of some folder part may lie.
struct SearchFolder {
    /// Links followed.
    folder: PathBuf,
    /// The folder it must stay in, as an index into the bases.
    base: usize,
    /// Whether it is in there, links followed.
    is_inside: bool,
    /// Regular files that are known to be in it; listed when the first is looked for.
    files: OnceCell<Arc<FileNames>>,
}

impl SearchFolder {
    /// The file that a name in this folder leads to, if there is one, and whether it lies inside
    /// `base`.
    fn find(
        &self,
        name: &str,
        base: &Path,
        names: &FolderNames,
        closed: &mut Option<PathBuf>,
    ) -> Result<Option<(PathBuf, bool)>, ReportError> {
        let path = self.folder.join(name);
        let target =
            if self.is_listed(name, names) { PathTarget::File } else { target_of(&path, closed)? };
        Ok(match target {
            PathTarget::Nothing => None,
            PathTarget::File => Some((path, self.is_inside)),
            PathTarget::Linked(target) => {
                let is_inside = target.starts_with(base);
                Some((target, is_inside))
            }
        })
    }

    /// Whether a regular file is known to have this name here; if not, it may be there all the
    /// same.
    fn is_listed(&self, name: &str, names: &FolderNames) -> bool {
        if self.files.get().is_none()
            && let Some(files) = names.files_of(&self.folder)
        {
            return self.files.get_or_init(|| files).contains(OsStr::new(name));
        }
        self.files.get().is_some_and(|files| files.contains(OsStr::new(name)))
    }
}

/// The places for the folder part of a key.
#[derive(Default)]
struct Candidates {
    /// Of all its suffixes, best first.
    found: Vec<SearchFolder>,
    /// A folder in which more may lie, but that may not be looked into.
    closed: Option<PathBuf>,
}

/// Looks up keys one after another and remembers where their folders are.
struct Locator<'a> {
    manifest: &'a Location,
    /// Whether the user named the only base.
    rooted: bool,
    /// Folders to look below, links followed, the preferred one first.
    bases: Vec<PathBuf>,
    /// By the folder part of a key.
    places: HashMap<String, Candidates>,
    names: &'a FolderNames,
}

impl<'a> Locator<'a> {
    fn new(
        report: &'a Report,
        root: Option<&Path>,
        names: &'a FolderNames,
    ) -> Result<Self, ReportError> {
        let manifest = &report.manifest_path;
        let bases = match root {
            Some(root) => vec![canonical_root(root)?],
            None => folders_above(manifest.as_path().unwrap_or(Path::new(".")))?,
        };
        Ok(Self { manifest, rooted: root.is_some(), bases, places: HashMap::new(), names })
    }

    fn locate(&mut self, key: &str) -> Result<PathBuf, ReportError> {
        let manifest = self.manifest;
        let refused =
            |fault| ReportError::Key { manifest: manifest.clone(), key: excerpt(key), fault };
        let components = key_components(key).map_err(refused)?;
        let (name, folders) = components.split_last().ok_or_else(|| refused(KeyFault::Empty))?;
        let part = folders.join("/");
        if !self.places.contains_key(&part) {
            if self.places.len() == FOLDERS_KEPT_MAX {
                self.places.clear();
            }
            let places = places_of(&self.bases, folders)?;
            self.places.insert(part.clone(), places);
        }
        let mut closed = None;
        let places = self.places.get(&part);
        for place in places.into_iter().flat_map(|places| &places.found) {
            let base = &self.bases[place.base];
            match place.find(name, base, self.names, &mut closed)? {
                None => {}
                Some((target, true)) => return Ok(target),
                Some((_, false)) => {
                    return Err(ReportError::Outside {
                        manifest: manifest.clone(),
                        key: key.to_owned(),
                        path: place.folder.join(name).into(),
                        base: base.into(),
                    });
                }
            }
        }
        match closed.or_else(|| places.and_then(|places| places.closed.clone())) {
            Some(folder) => Err(ReportError::FolderClosed {
                manifest: manifest.clone(),
                key: key.to_owned(),
                folder: folder.into(),
            }),
            None => Err(self.missing(key, &part)),
        }
    }

    fn missing(&self, key: &str, part: &str) -> ReportError {
        let near = self.bases.first().map(|base| base.display().to_string()).unwrap_or_default();
        let (looked_in, remedy) = if self.rooted {
            (
                format!("below {near}, with all or some of its leading folders left out"),
                format!("name the folder that holds the data files with {ROOT} DIR"),
            )
        } else {
            let wanted = if part.is_empty() { "beside it".to_owned() } else { format!("{part:?}") };
            (
                format!("below {near} or a folder above it"),
                format!(
                    "fetch the data files so that they lie in {wanted} below the manifest's \
                     folder or one above it, or name the folder that holds them with {ROOT} DIR"
                ),
            )
        };
        ReportError::DataFileMissing {
            manifest: self.manifest.clone(),
            key: key.to_owned(),
            looked_in,
            remedy,
        }
    }
}

/// All folders that a suffix of `folders` leads to from one of the bases: the longest suffix
/// first, for the same suffix in the order of the bases; the empty suffix is the base itself.
fn places_of(bases: &[PathBuf], folders: &[&str]) -> Result<Candidates, ReportError> {
    let mut places = Candidates::default();
    for start in 0..=folders.len() {
        for (base, path) in bases.iter().enumerate() {
            let path: PathBuf = std::iter::once(path.as_path())
                .chain(folders[start..].iter().map(Path::new))
                .collect();
            if let Some(folder) = looked_up(&path, canonical_if_there(&path), &mut places.closed)? {
                let is_inside = folder.starts_with(&bases[base]);
                let files = OnceCell::new();
                places.found.push(SearchFolder { folder, base, is_inside, files });
            }
        }
    }
    Ok(places)
}

/// What a path leads to.
enum PathTarget {
    /// No file.
    Nothing,
    /// A file, which lies in its folder, whose own links were followed before.
    File,
    /// A link to a file, followed to its end.
    Linked(PathBuf),
}

fn target_of(path: &Path, closed: &mut Option<PathBuf>) -> Result<PathTarget, ReportError> {
    let found = looked_up(path, fs::symlink_metadata(path), closed)?;
    Ok(match found {
        Some(metadata) if metadata.is_file() => PathTarget::File,
        Some(metadata) if metadata.is_symlink() => {
            let target = looked_up(path, path.canonicalize(), closed)?;
            target.filter(|target| target.is_file()).map_or(PathTarget::Nothing, PathTarget::Linked)
        }
        _ => PathTarget::Nothing,
    })
}

/// A path with its links followed. Mostly nothing is there, and one call finds that out: following
/// links takes one for each folder on the way.
fn canonical_if_there(path: &Path) -> io::Result<PathBuf> {
    fs::symlink_metadata(path)?;
    path.canonicalize()
}

/// What a look at a path gave, or `None` if nothing is there.
///
/// A path that may not be looked at counts as nothing: the folders above a manifest belong to
/// others, and a key's suffix may lead into one of theirs by chance. The folder that lets nobody in
/// is noted in `closed`: it is what to tell where the file is nowhere else.
fn looked_up<T>(
    path: &Path,
    result: io::Result<T>,
    closed: &mut Option<PathBuf>,
) -> Result<Option<T>, ReportError> {
    use io::ErrorKind::{InvalidFilename, NotADirectory, NotFound, PermissionDenied};
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == PermissionDenied => {
            let is_seen = |folder: &&Path| fs::symlink_metadata(folder).is_ok();
            let folder = path.ancestors().skip(1).find(is_seen).unwrap_or(path);
            closed.get_or_insert_with(|| folder.to_owned());
            Ok(None)
        }
        Err(error)
            if matches!(error.kind(), NotFound | NotADirectory | InvalidFilename)
                || is_link_loop(&error) =>
        {
            Ok(None)
        }
        Err(error) => Err(ReportError::io(path, error)),
    }
}

/// Whether links lead in a circle; the standard library's kind for it is not stable yet.
#[cfg(target_os = "linux")]
fn is_link_loop(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

#[cfg(not(target_os = "linux"))]
fn is_link_loop(_error: &io::Error) -> bool {
    false
}

#[cfg(test)]
#[path = "locate_tests.rs"]
mod tests;
