//! Where a plan's files are while they are written, whatever becomes of the folders.

use std::fs;
use std::path::{Path, PathBuf};

use super::PlanError;
use super::names::{EXCLUDED, MANIFESTS};

/// The folders of a plan's files.
pub(super) const FOLDERS: [&str; 2] = [MANIFESTS, EXCLUDED];

/// Folders for a plan's files, and for what is needed until they are whole.
#[derive(Debug)]
pub(super) struct WorkPlaces {
    files: PathBuf,
    scratch: PathBuf,
}

impl WorkPlaces {
    /// Makes the folders of files below `files`; what goes away again is below `scratch`.
    pub(super) fn create(files: PathBuf, scratch: &Path) -> Result<Self, PlanError> {
        for folder in FOLDERS {
            let path = files.join(folder);
            fs::create_dir(&path).map_err(PlanError::at(&path))?;
        }
        Ok(Self { files, scratch: scratch.to_owned() })
    }

    /// Where manifests are written.
    pub(super) fn manifests(&self) -> PathBuf {
        self.files.join(MANIFESTS)
    }

    /// Where excluded rows are written.
    pub(super) fn excluded(&self) -> PathBuf {
        self.files.join(EXCLUDED)
    }

    /// Where output waits for its turn.
    pub(super) fn spill(&self) -> PathBuf {
        self.scratch.join("spill")
    }

    /// Where rows are collected that are cut into shards later.
    pub(super) fn spool(&self) -> PathBuf {
        self.scratch.join("spool")
    }
}
