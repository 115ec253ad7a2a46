//! Reading a finished plan back, and making sure that its manifests are still what it says.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use md5::Md5;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::folder::{PARTIAL, PLAN};
use super::{DataFile, PLAN_VERSION, Plan, Shard};

/// Read at once when a manifest is hashed: large enough that calls don't count, small enough for
/// the second-level cache.
const READ_BUFFER_BYTES: usize = 256 << 10;

/// Why a plan can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no plan.
    #[error(
        "{}: no plan.json here: name a folder on this machine that `s3sieve filter --out` wrote \
         (`aws s3 cp --recursive` brings one from S3)", folder.display()
    )]
    Missing {
        /// The folder.
        folder: PathBuf,
    },
    /// There is none yet, or there never will be.
    #[error(
        "{}: the plan is not finished: a run is still writing it, or was killed; wait for it, or \
         run `s3sieve filter` again", folder.display()
    )]
    Unfinished {
        /// The folder.
        folder: PathBuf,
    },
    /// A newer program wrote it.
    #[error(
        "{}: a plan of version {version}, newer than this program knows ({PLAN_VERSION}): update \
         s3sieve, or use the program that wrote it", path.display()
    )]
    Newer {
        /// The document.
        path: PathBuf,
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
        path: PathBuf,
        /// Its version.
        version: u32,
    },
    /// It is no plan.
    #[error("{}: not a plan: {error}; make it again with `s3sieve filter`", path.display())]
    Malformed {
        /// The document.
        path: PathBuf,
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
        path: PathBuf,
        /// What differs.
        what: String,
    },
    /// A file can't be read.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The stop flag was raised.
    #[error("interrupted")]
    Interrupted,
}

impl ReadError {
    fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
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
pub fn read(folder: &Path) -> Result<Plan, ReadError> {
    let path = folder.join(PLAN);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            let folder = folder.to_owned();
            return Err(if folder.join(PARTIAL).exists() {
                ReadError::Unfinished { folder }
            } else {
                ReadError::Missing { folder }
            });
        }
        Err(error) => return Err(ReadError::Io { path, error }),
    };
    let malformed = |error| ReadError::Malformed { path: path.clone(), error };
    let Version { version } = serde_json::from_slice(&text).map_err(malformed)?;
    if version > PLAN_VERSION {
        return Err(ReadError::Newer { path, version });
    }
    if version < PLAN_VERSION {
        return Err(ReadError::Older { path, version });
    }
    serde_json::from_slice(&text).map_err(malformed)
}

/// Makes sure that every manifest of a plan, and every data file of one, is there with the length
/// and digest that the plan names.
///
/// # Errors
/// When one is not, can't be read, or `stop` is raised.
pub fn verify(folder: &Path, plan: &Plan, stop: &AtomicBool) -> Result<(), ReadError> {
    for Shard { path, bytes, sha256, files, .. } in &plan.shards {
        verify_file::<Sha256>(folder, path, *bytes, ("SHA-256", sha256), stop)?;
        for DataFile { path, bytes, md5 } in files {
            verify_file::<Md5>(folder, path, *bytes, ("MD5", md5), stop)?;
        }
    }
    Ok(())
}

fn verify_file<D: Digest>(
    folder: &Path,
    relative: &str,
    bytes_expected: u64,
    (digest_name, expected): (&str, &str),
    stop: &AtomicBool,
) -> Result<(), ReadError> {
    let relative = Path::new(relative);
    let path = folder.join(relative);
    let changed = |what: String| ReadError::Changed { path: path.clone(), what };
    // A plan from elsewhere must not lead out of its folder.
    if !relative.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(changed("the path leads out of the plan".to_owned()));
    }
    let mut file = match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(changed("there is no such file".to_owned()));
        }
        opened => opened.map_err(ReadError::at(&path))?,
    };
    let bytes = file.metadata().map_err(ReadError::at(&path))?.len();
    if bytes != bytes_expected {
        return Err(changed(format!("it has {bytes} bytes where the plan says {bytes_expected}")));
    }
    let mut digest = D::new();
    let mut buffer = vec![0; READ_BUFFER_BYTES];
    loop {
        if stop.load(Ordering::Relaxed) {
            return Err(ReadError::Interrupted);
        }
        match file.read(&mut buffer).map_err(ReadError::at(&path))? {
            0 => break,
            read => digest.update(&buffer[..read]),
        }
    }
    let found: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if found == expected {
        return Ok(());
    }
    Err(changed(format!("its {digest_name} is {found} where the plan says {expected}")))
}

#[cfg(test)]
mod tests {
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
