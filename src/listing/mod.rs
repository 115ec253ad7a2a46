//! A report of our own: what a bucket holds now, listed and written as S3 would write an inventory.
//!
//! For objects that are younger than the newest report. A listing costs a request for every 1,000
//! objects, and one for each object where a column is wanted that listings don't hold; an inventory
//! costs a fraction of that, so this is no way to take stock of a large bucket.
//!
//! Never knows what the report is for.

mod columns;
mod error;
mod request;
mod rows;
mod walk;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

pub use self::columns::{ASKED, LISTED};
pub use self::error::ListingError;
pub use self::request::Listing;

use self::columns::{ALWAYS, OF_VERSIONS};
use self::rows::{ListedFile, ListingWriter};
use self::walk::PrefixWalk;
use crate::hex;
use crate::report::{MANIFEST_VERSION, ManifestDocument, ManifestEntry};
use crate::source::NewFolder;

/// Rows of a data file at most. 500,000: a report of a few million rows has files for several
/// threads. (S3 puts three million into one.)
const FILE_ROWS_MAX: u64 = 500_000;

/// The name that stands for an inventory's configuration.
const CONFIGURATION: &str = "s3sieve-list";

/// What was listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListingSummary {
    /// The manifest of the report.
    pub manifest: PathBuf,
    /// Rows in it.
    pub rows: u64,
    /// Data files.
    pub files: u64,
    /// Objects, versions and delete markers that the bucket listed, rows or not.
    pub seen: u64,
    /// Objects that were asked about one by one.
    pub asked: u64,
}

/// Lists objects, and writes the report below `out`, which must be empty or not there yet.
/// `progress` is told how many rows were written since it was told last.
///
/// # Errors
/// When AWS refuses, the report can't be written, or it is stopped. What was written is removed.
pub fn list(
    listing: &Listing,
    out: &Path,
    stop: &AtomicBool,
    progress: impl Fn(u64),
) -> Result<ListingSummary, ListingError> {
    let columns = columns(listing)?;
    let folder = NewFolder::create(out)?;
    let mut summary = write(listing, &columns, &folder.path(), stop, progress)?;
    folder.sync()?;
    folder.show()?;
    summary.manifest = out.join(summary.manifest);
    Ok(summary)
}

/// All columns in S3's order: those of every report, then those that were asked for.
fn columns(listing: &Listing) -> Result<Vec<&'static str>, ListingError> {
    let mut columns: Vec<&str> = ALWAYS.to_vec();
    if listing.versions {
        columns.extend(OF_VERSIONS);
    }
    let known: Vec<&'static str> = LISTED.into_iter().chain(ASKED).collect();
    let mut wanted = HashSet::new();
    for name in &listing.columns {
        let same = |known: &&&str| known.eq_ignore_ascii_case(name);
        let known = known.iter().find(same).copied();
        if !ALWAYS.iter().chain(&OF_VERSIONS).any(|column| same(&column)) {
            wanted.insert(known.ok_or_else(|| ListingError::Column { name: name.clone() })?);
        }
    }
    columns.extend(known.into_iter().filter(|column| wanted.contains(column)));
    Ok(columns)
}

/// Writes the report below a folder; what is told of it has paths from there.
fn write(
    listing: &Listing,
    columns: &[&'static str],
    folder: &Path,
    stop: &AtomicBool,
    progress: impl Fn(u64),
) -> Result<ListingSummary, ListingError> {
    let configuration = Path::new(listing.prefix.bucket()).join(CONFIGURATION);
    let dated = configuration.join(listing.now.strftime("%Y-%m-%dT%H-%MZ").to_string());
    let data = folder.join(configuration.join("data"));
    for path in [&folder.join(&dated), &data] {
        fs::create_dir_all(path).map_err(ListingError::at(path))?;
    }
    let mut writer = ListingWriter::new(listing.prefix.bucket(), columns, &data, FILE_ROWS_MAX);
    let mut walk = PrefixWalk::begin(listing, columns);
    let (mut seen, mut asked) = (0, 0);
    while let Some(page) = walk.next() {
        if stop.load(Ordering::Relaxed) {
            return Err(ListingError::Interrupted);
        }
        let page = page?;
        seen += page.seen;
        asked += page.asked;
        progress(page.rows.len() as u64);
        for row in &page.rows {
            writer.write(row)?;
        }
    }
    let files = writer.finish()?;
    let manifest = dated.join("manifest.json");
    let rows = files.iter().map(|file| file.rows).sum();
    write_manifest(listing, columns, &files, &folder.join(&manifest))?;
    Ok(ListingSummary { manifest, rows, files: files.len() as u64, seen, asked })
}

/// Writes the manifest that lists these data files, and its checksum beside it.
fn write_manifest(
    listing: &Listing,
    columns: &[&'static str],
    files: &[ListedFile],
    manifest: &Path,
) -> Result<(), ListingError> {
    let bucket = listing.prefix.bucket();
    let named = |file: &ListedFile| {
        (format!("{bucket}/{CONFIGURATION}/data/{}", file.name), hex::encode(file.written.md5))
    };
    let names: Vec<(String, String)> = files.iter().map(named).collect();
    let files = files.iter().zip(&names);
    let document = ManifestDocument {
        source_bucket: bucket,
        destination_bucket: &format!("arn:{}:s3:::{bucket}", listing.partition),
        version: MANIFEST_VERSION,
        creation_timestamp: Some(listing.now.as_millisecond().to_string()),
        file_format: "CSV",
        file_schema: columns.join(", "),
        files: files
            .map(|(file, (key, md5))| ManifestEntry { key, size: file.written.bytes, md5 })
            .collect(),
    };
    let (text, md5) = document.render().map_err(ListingError::at(manifest))?;
    fs::write(manifest, text).map_err(ListingError::at(manifest))?;
    let checksum = manifest.with_extension("checksum");
    fs::write(&checksum, md5).map_err(ListingError::at(&checksum))
}
