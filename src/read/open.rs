//! Reports as a user names them, to the list of data files to scan.

use std::collections::HashMap;
use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::atomic::AtomicBool;

use super::{Input, ScanError};
use crate::parts::PartNumber;
use crate::report::{
    self, AsOf, DataFile, FileFormat, FilesOnDisk, FolderNames, Report, ReportError,
};
use crate::source::Location;
use crate::threads;

/// Files that are looked up by one thread, one after another: they take about two milliseconds, a
/// hundred times what a thread takes to start.
const FILES_PER_PART: usize = 1_000;

/// Reports ready to be scanned.
#[derive(Debug, Clone)]
pub struct ReportSet {
    /// The reports, in the order in which they were named.
    pub reports: Vec<Report>,
    /// The data files of all reports, in report order; of one part of a report, those of the part.
    pub inputs: Vec<Input>,
    /// The places of the first and the last of them among all files, and one.
    pub(crate) range: Range<usize>,
    /// What a user should know about how the reports were found.
    pub notes: Vec<String>,
}

impl ReportSet {
    /// Leaves one part of the report, of which there are this many, in `inputs`; gives the inputs
    /// of all.
    pub(crate) fn take_part(&mut self, part: PartNumber, all: &[Input]) {
        self.range = part_of(&self.reports[0], part);
        self.inputs = all[self.range.clone()].to_vec();
    }

    /// The length of all data files together, in bytes.
    #[must_use]
    pub fn bytes_total(&self) -> u64 {
        self.inputs.iter().map(|input| input.bytes).sum()
    }
}

/// Which reports are taken, and where their data files are looked for.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ReportOptions {
    /// Where data files lie, if not as the report's own place tells.
    pub root: Option<Location>,
    /// Of the reports in a folder, the newest that was begun by then.
    pub as_of: Option<AsOf>,
    /// Whether several reports may list the same bucket.
    pub allow_overlap: bool,
    /// Threads that look data files up.
    pub threads: NonZeroUsize,
    /// Whether each name must be that of a manifest: a folder may hold a newer report later.
    pub(crate) pinned: bool,
    /// Of one report, the part whose data files are taken.
    pub(crate) part: Option<PartNumber>,
    /// Set from outside to end the search for reports, and the look-up of their data files.
    pub stop: Option<&'static AtomicBool>,
}

impl ReportOptions {
    /// Looks for data files below this folder.
    #[must_use]
    pub fn root(mut self, root: impl Into<Location>) -> Self {
        self.root = Some(root.into());
        self
    }

    /// Takes, of the reports in a folder, the newest that was begun by then.
    #[must_use]
    pub fn as_of(mut self, as_of: AsOf) -> Self {
        self.as_of = Some(as_of);
        self
    }

    /// Sets whether several reports may list the same bucket.
    #[must_use]
    pub fn allow_overlap(mut self, allow_overlap: bool) -> Self {
        self.allow_overlap = allow_overlap;
        self
    }
}

impl Default for ReportOptions {
    /// The newest report, around its manifest, on a thread for each processor.
    fn default() -> Self {
        Self {
            root: None,
            as_of: None,
            allow_overlap: false,
            pinned: false,
            part: None,
            threads: threads::one_a_processor(),
            stop: None,
        }
    }
}

/// Finds, reads and checks reports, and finds their data files.
///
/// # Errors
/// When a report or a data file can't be found, a report is bad or in a format that this program
/// was built without, two reports are the same or have a data file in common, or they list the same
/// bucket and that is not allowed.
pub(crate) fn open(names: &[Location], options: &ReportOptions) -> Result<ReportSet, ScanError> {
    let mut opened =
        ReportSet { reports: Vec::new(), inputs: Vec::new(), range: 0..0, notes: Vec::new() };
    if options.part.is_some() && names.len() > 1 {
        return Err(ScanError::SeveralReports);
    }
    for (place, name) in names.iter().enumerate() {
        let (report, notes) = Report::find_and_read(name, options.as_of.as_ref(), options.stop)?;
        opened.notes.extend(notes);
        let feature = match report.format {
            FileFormat::Parquet if cfg!(not(feature = "parquet")) => Some("parquet"),
            FileFormat::Orc if cfg!(not(feature = "orc")) => Some("orc"),
            _ => None,
        };
        if let Some(feature) = feature {
            return Err(ScanError::Format { path: report.manifest_path, feature });
        }
        if options.pinned && *name != report.manifest_path {
            return Err(ScanError::NotPinned { report: report.manifest_path });
        }
        let files = match options.part {
            Some(part) => part_of(&report, part),
            None => 0..report.files.len(),
        };
        opened.range = files.clone();
        let files = &report.files[files];
        let paths = located(&report, files, options)?;
        opened.inputs.extend(paths.into_iter().zip(files).map(|(path, file)| Input {
            path,
            bytes: file.bytes,
            md5: file.md5,
            report: place,
            format: report.format,
        }));
        opened.reports.push(report);
    }
    refuse_same(&opened)?;
    if !options.allow_overlap {
        refuse_overlap(&opened.reports)?;
    }
    Ok(opened)
}

/// The places of the files of a part.
fn part_of(report: &Report, part: PartNumber) -> Range<usize> {
    let sizes: Vec<u64> = report.files.iter().map(|file| file.bytes).collect();
    part.range(&sizes)
}

/// Paths of data files of a report; looked up on several threads where there are many.
fn located(
    report: &Report,
    files: &[DataFile],
    options: &ReportOptions,
) -> Result<Vec<Location>, ScanError> {
    let names = FolderNames::new(files.len());
    let look = |files: &[DataFile]| {
        report::locate_files(report, files, options.root.as_ref(), &names, options.stop)
    };
    Ok(on_threads(files, options.threads, look)?.concat())
}

/// Which data files of a report are there; looked for on several threads where there are many.
///
/// # Errors
/// Those of [`report::survey`]; when a thread can't be started.
pub(crate) fn survey(report: &Report, options: &ReportOptions) -> Result<FilesOnDisk, ScanError> {
    let look =
        |files: &[DataFile]| report::survey(report, files, options.root.as_ref(), options.stop);
    let is_remote = options.root.as_ref().unwrap_or(&report.manifest_path).is_remote();
    // In S3 folders are listed, each once.
    let parts = if is_remote {
        vec![look(&report.files)?]
    } else {
        on_threads(&report.files, options.threads, look)?
    };
    let mut all = FilesOnDisk::default();
    parts.into_iter().for_each(|part| all.append(part));
    Ok(all)
}

/// What `look` gives of the files, part by part, in their order.
fn on_threads<T: Send>(
    files: &[DataFile],
    threads: NonZeroUsize,
    look: impl Fn(&[DataFile]) -> Result<T, ReportError> + Sync,
) -> Result<Vec<T>, ScanError> {
    if files.len() <= FILES_PER_PART {
        return Ok(vec![look(files)?]);
    }
    let parts: Vec<&[DataFile]> = files.chunks(FILES_PER_PART).collect();
    let found = threads::in_order(threads, "look-up", &parts, |part, _| look(part));
    Ok(found.map_err(ScanError::Thread)??)
}

/// Refuses reports that were named twice, or have a data file in common: the same rows are never
/// meant twice, whatever may overlap. Files that one report lists are different.
fn refuse_same(opened: &ReportSet) -> Result<(), ScanError> {
    let ReportSet { reports, inputs, .. } = opened;
    if reports.len() < 2 {
        return Ok(());
    }
    let mut known: HashMap<[u8; 16], &Report> = HashMap::new();
    for report in reports {
        if let Some(first) = known.insert(report.manifest_md5, report) {
            return Err(ScanError::SameReport {
                first: first.manifest_path.clone(),
                second: report.manifest_path.clone(),
            });
        }
    }
    let mut seen: HashMap<OsString, usize> = HashMap::with_capacity(inputs.len());
    for input in inputs {
        let name = match input.path.as_path() {
            Some(path) => path.as_os_str().to_owned(),
            None => input.path.display().to_string().into(),
        };
        if let Some(first) = seen.insert(name, input.report) {
            let manifest = |report: usize| reports[report].manifest_path.clone();
            return Err(ScanError::SharedFile {
                path: input.path.clone(),
                first: manifest(first),
                second: manifest(input.report),
            });
        }
    }
    Ok(())
}

fn refuse_overlap(reports: &[Report]) -> Result<(), ScanError> {
    let mut seen: HashMap<&str, &Report> = HashMap::new();
    for report in reports {
        if let Some(first) = seen.insert(&report.source_bucket, report) {
            return Err(ScanError::Overlap {
                bucket: report.source_bucket.clone(),
                first: first.manifest_path.clone(),
                second: report.manifest_path.clone(),
            });
        }
    }
    Ok(())
}
