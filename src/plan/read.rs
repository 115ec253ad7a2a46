//! Reading a finished plan back, from this machine or from S3, and making sure that its manifests
//! are still what it says.
//!
//! On this machine every manifest is hashed. In S3, S3 is asked about each, and only what its
//! answer leaves open is read.

use std::io::{self, Read};
use std::path::{Component, Path};
use std::sync::atomic::{AtomicBool, Ordering};

use md5::Md5;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::folder::{MANIFESTS, PARTIAL, PLAN};
#[cfg(feature = "aws")]
use super::in_place;
use super::{DataFile, PLAN_VERSION, Plan, Shard};
use crate::source::{Kind, Location};

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
        "{}: a plan of version {version}, of an earlier s3sieve; this program reads version \
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
    Ok((plan, hex(&Sha256::digest(&text))))
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
        return matches!(folder.join(PARTIAL).kind(), Ok(Kind::Folder));
    }
    matches!(folder.join(MANIFESTS).entries(0), Ok(None))
}

/// Makes sure that every manifest of a plan, and every data file of one, is there with the length
/// and digest that the plan names.
///
/// # Errors
/// When one is not, can't be read, or `stop` is raised.
pub fn verify(
    folder: impl Into<Location>,
    plan: &Plan,
    stop: &AtomicBool,
) -> Result<(), ReadError> {
    let folder = match folder.into() {
        #[cfg(feature = "aws")]
        Location::Object(folder) => return in_place::verify(&folder, plan, stop),
        folder @ Location::Path(_) => folder,
    };
    let mut files = plan.shards.iter().flat_map(PlanFile::of);
    files.try_for_each(|file| file.verify(&file.below(&folder)?, stop))
}

/// A file of a plan, as the plan describes it.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlanFile<'a> {
    /// Relative to the plan.
    pub(super) path: &'a str,
    bytes: u64,
    pub(super) digest: FileDigest<'a>,
    /// Its CRC-64/NVME, in base64, if the plan knows it.
    #[cfg(feature = "aws")]
    pub(super) crc64nvme: Option<&'a str>,
}

/// A digest of a file, in hexadecimal.
#[derive(Debug, Clone, Copy)]
pub(super) enum FileDigest<'a> {
    Sha256(&'a str),
    Md5(&'a str),
}

impl<'a> PlanFile<'a> {
    /// A shard's files: the manifest, and the data files that it lists.
    pub(super) fn of(shard: &'a Shard) -> impl Iterator<Item = Self> {
        let data = shard.files.iter().map(|DataFile { path, bytes, md5 }| Self {
            path,
            bytes: *bytes,
            digest: FileDigest::Md5(md5),
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

    /// Makes sure, by reading it, that a file is this one.
    pub(super) fn verify(&self, path: &Location, stop: &AtomicBool) -> Result<(), ReadError> {
        let file = match path.open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(changed(path, "there is no such file"));
            }
            opened => opened.map_err(ReadError::at(path))?,
        };
        self.verify_length(path, file.len())?;
        let (name, expected, found) = match self.digest {
            FileDigest::Sha256(expected) => ("SHA-256", expected, hash::<Sha256>(file, stop)),
            FileDigest::Md5(expected) => ("MD5", expected, hash::<Md5>(file, stop)),
        };
        let found = found.map_err(ReadError::at(path))?.ok_or(ReadError::Interrupted)?;
        if found == expected {
            return Ok(());
        }
        Err(changed(path, format!("its {name} is {found} where the plan says {expected}")))
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

/// The digest of what a reader gives, in hexadecimal; `None` once told to stop.
fn hash<D: Digest>(mut file: impl Read, stop: &AtomicBool) -> io::Result<Option<String>> {
    let mut digest = D::new();
    let mut buffer = vec![0; READ_BUFFER_BYTES];
    loop {
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        match file.read(&mut buffer)? {
            0 => return Ok(Some(hex(&digest.finalize()))),
            read => digest.update(&buffer[..read]),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
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
        assert!(error(|dir| fs::create_dir(dir.join(PARTIAL)).unwrap()).contains("not finished"));
        let write = |text: &'static str| move |dir: &Path| fs::write(dir.join(PLAN), text).unwrap();
        assert!(error(write("{}")).contains("missing field `version`"));
        assert!(error(write("{\"version\": 1}")).contains("version 1, of an earlier s3sieve"));
        assert!(error(write("{\"version\": 2}")).contains("missing field `tool`"));
        assert!(error(write("{\"version\": 3}")).contains("version 3, newer"));
    }
}
