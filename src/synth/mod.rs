//! Synthetic inventory reports, for trials and benchmarks: gzipped CSV, Parquet or ORC in the
//! folders, with the manifest and the checksum that S3 would deliver.
//!
//! The same options give the same bytes on every machine and with any number of threads: each
//! data file is made by one thread from lots of its own. Compression is nearly all of the work.
//!
//! Never knows how reports are read.

#[cfg(any(feature = "parquet", feature = "orc"))]
mod columns;
mod draw;
mod error;
mod file;
mod options;
#[cfg(feature = "orc")]
mod orc_file;
#[cfg(feature = "parquet")]
mod parquet_file;
mod rows;

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use self::draw::DrawSource;
pub(crate) use self::error::SynthError;
use self::file::{SynthFile, SynthRun, write_data_file};
pub use self::options::Synth;
use self::rows::RowRecipe;
pub(crate) use self::rows::columns;
use crate::hex;
use crate::report::{
    FileFormat, MANIFEST_BYTES_MAX, MANIFEST_VERSION, ManifestDocument, ManifestEntry,
};
use crate::source::NewFolder;
use crate::threads;

/// The most entries a manifest is written with, repetitions included.
pub(crate) const ENTRIES_MAX: u64 = 500_000;

/// An entry of `files` as written here takes at most this, with a bucket name of 63 bytes.
const ENTRY_BYTES_MAX: u64 = 256;

// What is written must be readable.
const _: () = assert!(ENTRIES_MAX * ENTRY_BYTES_MAX < MANIFEST_BYTES_MAX);

/// The longest row that can be asked for, in bytes: a key of the greatest length S3 allows, and
/// no more.
pub(crate) const ROW_BYTES_MAX: u64 = crate::report::KEY_BYTES_MAX as u64;

/// Name of the inventory configuration, a folder in the report's path.
const CONFIGURATION: &str = "s3sieve-synth";

/// The bucket the report says it was delivered to.
const DESTINATION_ARN: &str = "arn:aws:s3:::synthetic-inventory";

/// What was written. Repetitions are not counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SynthSummary {
    /// Rows in all data files together.
    pub rows: u64,
    /// Data files.
    pub files: u64,
    /// Length of the data files before compression, in bytes.
    pub bytes_raw: u64,
    /// Length of the data files on disk, in bytes.
    pub bytes_compressed: u64,
    /// The manifest, which is written last but for its checksum.
    pub manifest: PathBuf,
}

/// Writes a report below `out`, which must be empty or not there yet.
///
/// Ends early when `stop` is set. `progress` is called by several threads, each time with the
/// number of rows made since that thread's last call. Nothing is shown before the report is whole.
/// When it fails, what it wrote is removed.
///
/// # Errors
/// When an option can't be fulfilled, `out` is not empty, writing fails, or it is stopped.
pub fn write(
    synth: &Synth,
    out: &Path,
    stop: &AtomicBool,
    progress: impl Fn(u64) + Sync,
) -> Result<SynthSummary, SynthError> {
    let recipe = checked(synth)?;
    let folder = NewFolder::create(out)?;
    let configuration = Path::new(&synth.bucket).join(CONFIGURATION);
    let dated = configuration.join(synth.created.strftime("%Y-%m-%dT%H-%MZ").to_string());
    let (manifest, data) = (dated.join("manifest.json"), configuration.join("data"));
    for part in [&data, &dated] {
        let path = folder.path().join(part);
        fs::create_dir_all(&path).map_err(SynthError::io(&path))?;
    }
    let data = folder.path().join(data);
    let files = write_data_files(synth, &recipe, &data, stop, &progress)?;
    let names = repeated(synth, &files, &data, stop)?;
    write_manifest(synth, &files, &names, &folder.path().join(&manifest))?;
    folder.show()?;
    Ok(SynthSummary {
        rows: synth.rows,
        files: synth.files,
        bytes_raw: files.iter().map(|file| file.bytes_raw).sum(),
        bytes_compressed: files.iter().map(|file| file.bytes_compressed).sum(),
        manifest: out.join(manifest),
    })
}

/// Checks every option; those that rows depend on are made ready.
fn checked(synth: &Synth) -> Result<RowRecipe, SynthError> {
    let require = |holds: bool, name, fault: &str| {
        if holds { Ok(()) } else { Err(SynthError::option(name, fault.to_owned())) }
    };
    require(synth.files > 0 || synth.rows == 0, "files", "rows need at least one file")?;
    let is_built = match synth.format {
        FileFormat::Csv => true,
        FileFormat::Orc => cfg!(feature = "orc"),
        FileFormat::Parquet => cfg!(feature = "parquet"),
    };
    require(is_built, "format", "this s3sieve was built without the feature that writes it")?;
    let entries = synth.files.checked_mul(synth.repeat);
    require(synth.repeat > 0, "repeat", "each file must be there at least once")?;
    require(
        entries.is_some_and(|entries| entries <= ENTRIES_MAX),
        "files",
        "files times repeat must be at most 500,000, or the manifest can't be read",
    )?;
    require(synth.threads > 0, "threads", "at least one is needed")?;
    require(synth.level <= 9, "level", "the effort of compression is from 0 to 9")?;
    let name = synth.bucket.as_bytes();
    let plain = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.');
    require(
        (3..=63).contains(&name.len()) && name.iter().all(plain) && name[0] != b'.',
        "bucket",
        "a bucket's name has 3 to 63 lower-case letters, digits, dots and hyphens",
    )?;
    let row_bytes = synth.row_bytes.unwrap_or(0);
    require(row_bytes <= ROW_BYTES_MAX, "row_bytes", "at most 1,024: keys can't be made longer")?;
    let row_bytes = usize::try_from(row_bytes)
        .map_err(|_| SynthError::option("row_bytes", row_bytes.to_string()))?;
    RowRecipe::new(synth, row_bytes)
}

/// Writes all data files, as many at a time as there are threads; gives them in their order.
fn write_data_files(
    synth: &Synth,
    recipe: &RowRecipe,
    folder: &Path,
    stop: &AtomicBool,
    progress: &(impl Fn(u64) + Sync),
) -> Result<Vec<SynthFile>, SynthError> {
    let making = SynthRun { recipe, columns: &synth.columns, format: synth.format };
    let indexes: Vec<u64> = (0..synth.files).collect();
    // Checked before: there is one at least.
    let threads = NonZeroUsize::new(synth.threads).unwrap_or(NonZeroUsize::MIN);
    threads::in_order(threads, "synth", &indexes, |index, turn| {
        let rows = rows_of(synth, *index);
        let path = folder.join(data_file_name(synth.seed, *index, synth.format));
        let stopped = || stop.load(Ordering::Relaxed) || turn.is_void();
        write_data_file(&making, synth.level, *index, rows, &path, &stopped, progress)
    })
    .map_err(SynthError::Thread)?
}

/// The numbers of the rows in a file: as many in each, the first ones taking what is left over.
fn rows_of(synth: &Synth, index: u64) -> std::ops::Range<u64> {
    let (each, over) = (synth.rows / synth.files, synth.rows % synth.files);
    let start = each * index + over.min(index);
    start..start + each + u64::from(index < over)
}

/// A name like those S3 gives: a random UUID.
fn data_file_name(seed: u64, index: u64, format: FileFormat) -> String {
    let ending = match format {
        FileFormat::Csv => "csv.gz",
        FileFormat::Orc => "orc",
        FileFormat::Parquet => "parquet",
    };
    let mut lots = DrawSource::new(seed, index, 1);
    let (a, b) = (lots.number(), lots.number());
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}.{ending}",
        a >> 32,
        a >> 16 & 0xffff,
        a & 0xfff,
        0x8000 | b >> 48 & 0x3fff,
        b & 0xffff_ffff_ffff
    )
}

/// Gives each file as many names as it is to be listed by, and takes no more room for it where
/// there are links; gives all names, in the order in which they are listed.
fn repeated(
    synth: &Synth,
    files: &[SynthFile],
    folder: &Path,
    stop: &AtomicBool,
) -> Result<Vec<String>, SynthError> {
    let mut names: Vec<String> = files.iter().map(|file| file.name.clone()).collect();
    for index in synth.files..synth.files * synth.repeat {
        if stop.load(Ordering::Relaxed) {
            return Err(SynthError::Stopped);
        }
        let file = &files[(index % synth.files) as usize];
        let name = data_file_name(synth.seed, index, synth.format);
        let (from, to) = (folder.join(&file.name), folder.join(&name));
        // A file takes this many links, and some disks none.
        fs::hard_link(&from, &to)
            .or_else(|_| fs::copy(&from, &to).map(|_| ()))
            .map_err(SynthError::io(&to))?;
        names.push(name);
    }
    Ok(names)
}

fn write_manifest(
    synth: &Synth,
    files: &[SynthFile],
    names: &[String],
    path: &Path,
) -> Result<(), SynthError> {
    let key = |name: &String| format!("{}/{CONFIGURATION}/data/{name}", synth.bucket);
    let keys: Vec<String> = names.iter().map(key).collect();
    let md5s: Vec<String> = files.iter().map(|file| hex::encode(file.md5)).collect();
    let described = files.iter().zip(&md5s).cycle();
    let mut entries = Vec::with_capacity(keys.len());
    for (key, (file, md5)) in keys.iter().zip(described) {
        entries.push(ManifestEntry { key, size: file.bytes_compressed, md5 });
    }
    let manifest = ManifestDocument {
        source_bucket: &synth.bucket,
        destination_bucket: DESTINATION_ARN,
        version: MANIFEST_VERSION,
        creation_timestamp: Some(synth.created.as_millisecond().to_string()),
        file_format: &synth.format.to_string(),
        file_schema: file_schema(synth),
        files: entries,
    };
    let (bytes, checksum) = manifest.render().map_err(SynthError::io(path))?;
    put(path, &bytes)?;
    put(&path.with_extension("checksum"), checksum.as_bytes())
}

/// The columns, as manifests of this format spell them.
fn file_schema(synth: &Synth) -> String {
    match synth.format {
        #[cfg(feature = "parquet")]
        FileFormat::Parquet => {
            parquet_file::schema(&columns::RowGroupBuffer::new(&synth.columns).columns)
        }
        #[cfg(feature = "orc")]
        FileFormat::Orc => orc_file::schema(&columns::RowGroupBuffer::new(&synth.columns).columns),
        _ => synth.columns.join(", "),
    }
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), SynthError> {
    fs::write(path, bytes).map_err(SynthError::io(path))
}

#[cfg(test)]
#[cfg(all(feature = "parquet", feature = "orc"))]
mod columnar_tests;
#[cfg(test)]
mod tests;
