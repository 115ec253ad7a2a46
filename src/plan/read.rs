//! Reading a finished plan back, from this machine or from S3, and making sure that its manifests
//! are still what it says.
//!
//! On this machine every manifest is hashed, and its rows are looked at. In S3, S3 is asked about
//! each, and only what its answer leaves open is read.

use std::io::{self, BufReader, Read};
use std::path::{Component, Path};
use std::sync::atomic::{AtomicBool, Ordering};

use flate2::bufread::MultiGzDecoder;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::digest::{FileDigest, FileHasher};
use super::folder::{MANIFESTS, PLAN};
#[cfg(feature = "aws")]
use super::in_place;
use super::manifest_rows::RowCheck;
use super::{ManifestDataFile, PLAN_VERSION, Plan, Shard, consistency};
use crate::hex;
use crate::report::{self, Report};
use crate::source::{EntryKind, Location, SourceFile, WORK_FOLDER};

/// Read at once when a manifest is hashed: large enough that calls don't count, small enough for
/// the second-level cache.
const READ_BUFFER_BYTES: usize = 256 << 10;

/// Bytes of a `plan.json` at most. 1 GiB: 100,000 shards take some 60 MB, and ten times that where
/// every key has S3's 1,024 bytes, each written as `%XX`.
pub(super) const PLAN_BYTES_MAX: u64 = 1 << 30;

/// Why a plan can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no plan.
    #[error(
        "{}: no plan.json here: name a folder that `s3sieve filter --out` wrote, on this machine \
         or in S3", folder.display()
    )]
    Missing {
        /// The folder.
        folder: Location,
    },
    /// There is none yet, or there never will be.
    #[error(
        "{}: the plan is not finished: a run is still writing it, or was killed; wait for it, or \
         run `s3sieve filter` again", folder.display()
    )]
    Unfinished {
        /// The folder.
        folder: Location,
    },
    /// A newer program wrote it.
    #[error(
        "{}: a plan of version {version}, newer than this program knows ({PLAN_VERSION}): update \
         s3sieve, or use the program that wrote it", path.display()
    )]
    Newer {
        /// The document.
        path: Location,
        /// Its version.
        version: u32,
    },
    /// An older program wrote it.
    #[error(
        "{}: a plan of version {version}, made by s3sieve 0.1; this program reads version \
         {PLAN_VERSION}: make the plan again with `s3sieve filter`, or use the program that wrote \
         it", path.display()
    )]
    Older {
        /// The document.
        path: Location,
        /// Its version.
        version: u32,
    },
    /// It is longer than any plan.
    #[error(
        "{}: it has {bytes} bytes, more than any plan ({PLAN_BYTES_MAX}); make the plan again with \
         `s3sieve filter`", path.display()
    )]
    TooLong {
        /// The document.
        path: Location,
        /// Its length.
        bytes: u64,
    },
    /// It is no plan.
    #[error("{}: not a plan: {error}; make it again with `s3sieve filter`", path.display())]
    Malformed {
        /// The document.
        path: Location,
        /// What the parser says.
        error: serde_json::Error,
    },
    /// What it says can't be true.
    #[error(
        "{}: {what}: no plan says so, so it was changed, or another program wrote it; make it \
         again with `s3sieve filter`", path.display()
    )]
    Inconsistent {
        /// The document.
        path: Location,
        /// What doesn't fit.
        what: String,
    },
    /// A file is not what the plan says.
    #[error(
        "{}: {what}: the file is not the one that the plan describes; make the plan again",
        path.display()
    )]
    Changed {
        /// The file.
        path: Location,
        /// What differs.
        what: String,
    },
    /// A file is the plan's, but not what the plan says of it.
    #[error(
        "{}: {what}: plan.json is not true of this file, so it was changed, or another program \
         wrote it; make the plan again with `s3sieve filter`", path.display()
    )]
    Untrue {
        /// The file.
        path: Location,
        /// What differs.
        what: String,
    },
    /// A manifest in S3 that no job could read.
    #[error(
        "{}: it is encrypted with {how}, and S3 Batch Operations reads CSV manifests only where \
         they are encrypted with SSE-S3: copy the plan's manifests onto themselves (`aws s3 cp \
         --recursive --sse AES256 ADDRESS/manifests ADDRESS/manifests`), then run this again",
        path.display()
    )]
    Encrypted {
        /// The manifest.
        path: Location,
        /// How, by the API's name.
        how: String,
    },
    /// A file can't be read.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: Location,
        /// What the system says.
        error: io::Error,
    },
    /// The stop flag was raised.
    #[error("interrupted")]
    Interrupted,
}

impl ReadError {
    pub(super) fn at(path: &Location) -> impl FnOnce(io::Error) -> Self {
        let path = path.clone();
        move |error| Self::Io { path, error }
    }
}

/// Of a document, what must be known before the rest is read.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

/// Reads the plan in a folder.
///
/// # Errors
/// When there is none, it is not finished, or this program doesn't know its version.
pub fn read(folder: impl Into<Location>) -> Result<Plan, ReadError> {
    document(&folder.into()).map(|(plan, _)| plan)
}

/// The plan in a folder, and the SHA-256 of its `plan.json`, in hexadecimal.
pub(super) fn document(folder: &Location) -> Result<(Plan, String), ReadError> {
    let path = folder.join(PLAN);
    let text = match text(&path) {
        Err(ReadError::Io { error, .. })
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            let folder = folder.clone();
            return Err(if is_unfinished(&folder) {
                ReadError::Unfinished { folder }
            } else {
                ReadError::Missing { folder }
            });
        }
        text => text?,
    };
    let malformed = |error| ReadError::Malformed { path: path.clone(), error };
    let Version { version } = serde_json::from_slice(&text).map_err(malformed)?;
    if version > PLAN_VERSION {
        return Err(ReadError::Newer { path, version });
    }
    if version < PLAN_VERSION {
        return Err(ReadError::Older { path, version });
    }
    let plan = serde_json::from_slice(&text).map_err(malformed)?;
    if let Some(what) = consistency::fault(&plan) {
        return Err(ReadError::Inconsistent { path, what });
    }
    Ok((plan, hex::encode(Sha256::digest(&text))))
}

fn text(path: &Location) -> Result<Vec<u8>, ReadError> {
    let file = path.open().map_err(ReadError::at(path))?;
    if file.len() > PLAN_BYTES_MAX {
        return Err(ReadError::TooLong { path: path.clone(), bytes: file.len() });
    }
    let mut text = Vec::new();
    file.take(PLAN_BYTES_MAX).read_to_end(&mut text).map_err(ReadError::at(path))?;
    Ok(text)
}

/// Whether a folder without `plan.json` shows signs of a run: in S3, manifests, which are sent
/// first. What can't be looked at shows none.
fn is_unfinished(folder: &Location) -> bool {
    if folder.as_path().is_some() {
        return matches!(folder.join(WORK_FOLDER).kind(), Ok(EntryKind::Folder));
    }
    matches!(folder.join(MANIFESTS).entries(0), Ok(None))
}

/// Makes sure that every manifest of a plan, and every data file of one, is there with the length
/// and digest that the plan names, and that its rows are those that the plan says.
///
/// # Errors
/// When one is not, can't be read, or `stop` is raised.
pub fn check_digests(
    folder: impl Into<Location>,
    plan: &Plan,
    stop: &AtomicBool,
) -> Result<(), ReadError> {
    let folder = match folder.into() {
        #[cfg(feature = "aws")]
        Location::Object(folder) => return in_place::verify(&folder, plan, stop),
        folder @ Location::Path(_) => folder,
    };
    plan.shards.iter().try_for_each(|shard| verify_shard(&folder, plan, shard, stop))
}

/// Makes sure of all files of a shard on this machine.
fn verify_shard(
    folder: &Location,
    plan: &Plan,
    shard: &Shard,
    stop: &AtomicBool,
) -> Result<(), ReadError> {
    let manifest = PlanFile::manifest(shard);
    let path = manifest.below(folder)?;
    manifest.verify(&path, Some(plan), stop)?;
    if shard.files.is_empty() {
        return Ok(());
    }
    verify_report(&path, plan, shard)?;
    let mut rows = RowCheck::new(shard, plan);
    for file in PlanFile::of(shard).skip(1) {
        file.verify_inflated(&file.below(folder)?, &mut rows, stop)?;
    }
    refuse_untrue(&path, rows)
}

/// Makes sure that a manifest which is an inventory report is of the shard's bucket, has its
/// columns, and lists its data files.
fn verify_report(path: &Location, plan: &Plan, shard: &Shard) -> Result<(), ReadError> {
    let untrue = |what: &str| Err(untrue(path, what));
    let report = Report::read(path)
        .map_err(|error| self::untrue(path, format!("it is no inventory report ({error})")))?;
    let names = report.schema.columns().iter().map(|column| &column.name);
    if !names.eq(shard.columns.as_ref().unwrap_or(&plan.columns)) {
        return untrue("its fileSchema has other columns than the plan says");
    }
    if report.source_bucket != shard.bucket {
        return untrue("its sourceBucket is not the bucket that the plan says");
    }
    let is_same = |(file, own): (&report::DataFile, &ManifestDataFile)| {
        let name = own.path.strip_prefix(MANIFESTS).unwrap_or(&own.path);
        let md5 = file.md5.as_ref().map(hex::encode);
        file.key.ends_with(name) && file.bytes == own.bytes && md5.as_ref() == Some(&own.md5)
    };
    let is_as_long = report.files.len() == shard.files.len();
    if !is_as_long || !report.files.iter().zip(&shard.files).all(is_same) {
        return untrue("it lists other data files than the plan says");
    }
    Ok(())
}

/// A file of a plan, as the plan describes it.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlanFile<'a> {
    /// Relative to the plan.
    pub(super) path: &'a str,
    bytes: u64,
    pub(super) digest: FileDigest<'a>,
    /// The shard whose rows it holds, if it holds all of them.
    rows_of: Option<&'a Shard>,
    /// Its CRC-64/NVME, in base64, if the plan knows it.
    #[cfg(feature = "aws")]
    pub(super) crc64nvme: Option<&'a str>,
}

impl<'a> PlanFile<'a> {
    /// A shard's files: the manifest, and the data files that it lists.
    pub(super) fn of(shard: &'a Shard) -> impl Iterator<Item = Self> {
        let data = shard.files.iter().map(|ManifestDataFile { path, bytes, md5 }| Self {
            path,
            bytes: *bytes,
            digest: FileDigest::Md5(md5),
            rows_of: None,
            #[cfg(feature = "aws")]
            crc64nvme: None,
        });
        std::iter::once(Self::manifest(shard)).chain(data)
    }

    fn manifest(shard: &'a Shard) -> Self {
        Self {
            path: &shard.path,
            bytes: shard.bytes,
            digest: FileDigest::Sha256(&shard.sha256),
            rows_of: Some(shard).filter(|shard| shard.files.is_empty()),
            #[cfg(feature = "aws")]
            crc64nvme: shard.crc64nvme.as_deref(),
        }
    }

    /// Where it is, in the plan's folder. A plan from elsewhere must not lead out of that.
    pub(super) fn below(&self, folder: &Location) -> Result<Location, ReadError> {
        let path = folder.join(self.path);
        let is_inside =
            Path::new(self.path).components().all(|part| matches!(part, Component::Normal(_)));
        if is_inside { Ok(path) } else { Err(changed(&path, "the path leads out of the plan")) }
    }

    /// Makes sure, by reading it, that a file is this one; and, where its plan is given, that the
    /// rows of a manifest are what the plan says.
    pub(super) fn verify(
        &self,
        path: &Location,
        plan: Option<&Plan>,
        stop: &AtomicBool,
    ) -> Result<(), ReadError> {
        let mut file = Hashed::new(self.open(path)?, self.digest, stop);
        let mut rows = self.rows_of.zip(plan).map(|(shard, plan)| RowCheck::new(shard, plan));
        let read = read_to_end(&mut file, &mut |bytes| {
            if let Some(rows) = &mut rows {
                rows.look(bytes);
            }
        });
        read.map_err(|error| file.error(path, error))?;
        file.finish(path)?;
        rows.map_or(Ok(()), |rows| refuse_untrue(path, rows))
    }

    /// The same of a data file; `rows` looks at what it holds.
    fn verify_inflated(
        &self,
        path: &Location,
        rows: &mut RowCheck<'_>,
        stop: &AtomicBool,
    ) -> Result<(), ReadError> {
        let mut file = Hashed::new(self.open(path)?, self.digest, stop);
        let input = BufReader::with_capacity(READ_BUFFER_BYTES, &mut file);
        let inflated = read_to_end(MultiGzDecoder::new(input), &mut |bytes| rows.look(bytes));
        // Whatever is wrong with the rows, another file is the first thing to be told.
        let rest = read_to_end(&mut file, &mut |_| ());
        rest.map_err(|error| file.error(path, error))?;
        file.finish(path)?;
        inflated.map_err(|error| untrue(path, format!("it is not gzip ({error})")))
    }

    /// Opens the file, if it is there with its length.
    fn open(&self, path: &Location) -> Result<SourceFile, ReadError> {
        let file = match path.open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(changed(path, "there is no such file"));
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                return Err(changed(path, format!("it {error}")));
            }
            opened => opened.map_err(ReadError::at(path))?,
        };
        self.verify_length(path, file.len())?;
        Ok(file)
    }

    pub(super) fn verify_length(&self, path: &Location, bytes: u64) -> Result<(), ReadError> {
        if bytes == self.bytes {
            return Ok(());
        }
        Err(changed(path, format!("it has {bytes} bytes where the plan says {}", self.bytes)))
    }
}

pub(super) fn changed(path: &Location, what: impl Into<String>) -> ReadError {
    ReadError::Changed { path: path.clone(), what: what.into() }
}

fn refuse_untrue(path: &Location, rows: RowCheck<'_>) -> Result<(), ReadError> {
    rows.finish().map_or(Ok(()), |what| Err(untrue(path, what)))
}

/// What the plan says of a file whose bytes are the plan's is not true.
fn untrue(path: &Location, what: impl Into<String>) -> ReadError {
    ReadError::Untrue { path: path.clone(), what: what.into() }
}

/// A file that is hashed while it is read, to the length that it had when it was opened and no
/// further: a file that grows must not keep a run from ending.
struct Hashed<'a> {
    file: io::Take<SourceFile>,
    digest: FileDigest<'a>,
    hasher: FileHasher,
    stop: &'a AtomicBool,
}

impl<'a> Hashed<'a> {
    fn new(file: SourceFile, digest: FileDigest<'a>, stop: &'a AtomicBool) -> Self {
        let bytes = file.len();
        Self { file: file.take(bytes), digest, hasher: digest.hasher(), stop }
    }

    fn error(&self, path: &Location, error: io::Error) -> ReadError {
        match self.stop.load(Ordering::Relaxed) {
            true => ReadError::Interrupted,
            false => ReadError::at(path)(error),
        }
    }

    /// Compares the digest, when all was read.
    fn finish(self, path: &Location) -> Result<(), ReadError> {
        let (name, expected) = (self.digest.algorithm(), self.digest.hex());
        let found = self.hasher.finish();
        if found == expected {
            return Ok(());
        }
        Err(changed(path, format!("its {name} is {found} where the plan says {expected}")))
    }
}

impl Read for Hashed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("interrupted"));
        }
        let count = self.file.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }
}

/// Shows all that a reader gives.
fn read_to_end(mut reader: impl Read, show: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    let mut buffer = vec![0; READ_BUFFER_BYTES];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(()),
            count => show(&buffer[..count]),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn error(prepare: impl FnOnce(&Path)) -> String {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path());
        read(folder.path()).unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_finished_plan_is_refused() {
        assert!(error(|_| ()).contains("no plan.json"));
        assert!(
            error(|dir| fs::create_dir(dir.join(WORK_FOLDER)).unwrap()).contains("not finished")
        );
        let write = |text: &'static str| move |dir: &Path| fs::write(dir.join(PLAN), text).unwrap();
        assert!(error(write("{}")).contains("missing field `version`"));
        assert!(error(write("{\"version\": 1}")).contains("version 1, made by s3sieve 0.1"));
        assert!(error(write("{\"version\": 2}")).contains("missing field `command`"));
        assert!(error(write("{\"version\": 3}")).contains("version 3, newer"));
    }
}
