//! Reports as a user names them, to the list of data files to scan.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::thread;

use super::ScanError;
use crate::report::{self, AsOf, FileFormat, Report, ReportError};
use crate::source::Location;

/// Files from which on they are looked up by several threads: 1,000 take about two milliseconds.
const FILES_AT_ONCE_MIN: usize = 1_000;

/// One data file to scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Where it lies.
    pub path: Location,
    /// Its length in bytes, as the manifest says.
    pub bytes: u64,
    /// Its MD5, where the manifest gives one.
    pub md5: Option<[u8; 16]>,
    /// Which of the reports lists it.
    pub report: usize,
}

/// Reports ready to be scanned.
#[derive(Debug)]
pub struct Opened {
    /// The reports, in the order in which they were named.
    pub reports: Vec<Report>,
    /// The data files of all reports, in report order.
    pub inputs: Vec<Input>,
    /// What a user should know about how the reports were found.
    pub notes: Vec<String>,
}

impl Opened {
    /// The length of all data files together, in bytes.
    #[must_use]
    pub fn bytes_total(&self) -> u64 {
        self.inputs.iter().map(|input| input.bytes).sum()
    }
}

/// Which reports are taken, and where their data files are looked for.
#[derive(Debug, Clone, Default)]
pub struct ReportOptions {
    /// Where data files lie, if not as the report's own place tells.
    pub root: Option<Location>,
    /// Of the reports in a folder, the newest that was begun by then.
    pub as_of: Option<AsOf>,
    /// Whether several reports may list the same bucket.
    pub allow_overlap: bool,
}

/// Finds, reads and checks reports, and finds their data files.
///
/// # Errors
/// When a report or a data file can't be found, a report is bad or in a format that is not read
/// yet, or two reports list the same bucket and that is not allowed.
pub fn open(names: &[Location], options: &ReportOptions) -> Result<Opened, ScanError> {
    let mut opened = Opened { reports: Vec::new(), inputs: Vec::new(), notes: Vec::new() };
    for (place, name) in names.iter().enumerate() {
        let (report, notes) = Report::find_and_read(name, options.as_of.as_ref())?;
        opened.notes.extend(notes);
        if report.format != FileFormat::Csv {
            let format = report.format.to_string();
            return Err(ScanError::Format { path: report.manifest_path, format });
        }
        let paths = located(&report, options.root.as_ref())?;
        opened.inputs.extend(paths.into_iter().zip(&report.files).map(|(path, file)| Input {
            path,
            bytes: file.bytes,
            md5: file.md5,
            report: place,
        }));
        opened.reports.push(report);
    }
    if !options.allow_overlap {
        refuse_overlap(&opened.reports)?;
    }
    Ok(opened)
}

/// Paths of a report's data files; looked up on all processors where there are many.
fn located(report: &Report, root: Option<&Location>) -> Result<Vec<Location>, ReportError> {
    if report.files.len() < FILES_AT_ONCE_MIN {
        return report::locate_files(report, root);
    }
    let threads = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let parts = report.files.chunks(report.files.len().div_ceil(threads.get()));
    thread::scope(|scope| {
        let look = |files| scope.spawn(move || report::locate_some(report, files, root));
        let threads: Vec<_> = parts.map(look).collect();
        let mut paths = Vec::with_capacity(report.files.len());
        for thread in threads {
            paths.extend(thread.join().unwrap_or_else(|panic| resume_unwind(panic))?);
        }
        Ok(paths)
    })
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
