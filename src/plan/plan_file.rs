//! A file of a plan, held against what the plan says of it.

use std::io::{self, BufReader, Read};
use std::path::{Component, Path};
use std::sync::atomic::{AtomicBool, Ordering};

use flate2::bufread::MultiGzDecoder;

use super::digest::{FileDigest, FileHasher};
use super::error::ReadError;
use super::manifest_rows::RowCheck;
use super::{ManifestDataFile, Plan, Shard};
use crate::source::{Location, SourceFile};

/// Read at once when a manifest is hashed: large enough that calls don't count, small enough for
/// the second-level cache.
const READ_BUFFER_BYTES: usize = 256 << 10;

/// A file of a plan, as the plan describes it.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlanFile<'a> {
    /// Relative to the plan.
    pub(super) path: &'a str,
    bytes: u64,
    pub(super) digest: FileDigest<'a>,
    /// The shard whose rows it holds, if it holds all of them.
    rows_of: Option<&'a Shard>,
}

impl<'a> PlanFile<'a> {
    /// A shard's files: the manifest, and the data files that it lists.
    pub(super) fn of(shard: &'a Shard) -> impl Iterator<Item = Self> {
        let data = shard.files.iter().map(|ManifestDataFile { path, bytes, md5 }| Self {
            path,
            bytes: *bytes,
            digest: FileDigest::Md5(md5),
            rows_of: None,
        });
        std::iter::once(Self::manifest(shard)).chain(data)
    }

    pub(super) fn manifest(shard: &'a Shard) -> Self {
        Self {
            path: &shard.path,
            bytes: shard.bytes,
            digest: shard.digest(),
            rows_of: Some(shard).filter(|shard| shard.files.is_empty()),
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
    pub(super) fn verify_inflated(
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

pub(super) fn refuse_untrue(path: &Location, rows: RowCheck<'_>) -> Result<(), ReadError> {
    rows.finish().map_or(Ok(()), |what| Err(untrue(path, what)))
}

/// What the plan says of a file whose bytes are the plan's is not true.
pub(super) fn untrue(path: &Location, what: impl Into<String>) -> ReadError {
    ReadError::Untrue { path: path.clone(), what: what.into() }
}

/// A file that is hashed while it is read, to the length that it had when it was opened and no
/// further: a file that grows must not keep a run from ending.
struct Hashed<'a> {
    file: io::Take<SourceFile>,
    hasher: FileHasher<'a>,
    stop: &'a AtomicBool,
}

impl<'a> Hashed<'a> {
    fn new(file: SourceFile, digest: FileDigest<'a>, stop: &'a AtomicBool) -> Self {
        let bytes = file.len();
        Self { file: file.take(bytes), hasher: digest.hasher(), stop }
    }

    fn error(&self, path: &Location, error: io::Error) -> ReadError {
        match self.stop.load(Ordering::Relaxed) {
            true => ReadError::Interrupted,
            false => ReadError::at(path)(error),
        }
    }

    /// Compares the digests, when all was read.
    fn finish(self, path: &Location) -> Result<(), ReadError> {
        let compared = self.hasher.finish();
        compared.map(drop).map_err(|mismatch| changed(path, mismatch.to_string()))
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
