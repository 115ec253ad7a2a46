//! A plan that somebody named, and the folder on this machine where the journal of its jobs is.
//!
//! For a plan on this machine that is the plan's own folder. A plan in S3 is used where it lies,
//! and nothing is written there: its journal, requests and reports have a *state folder* of their
//! own, which says in `plan-source.json` whose they are. So neither another plan's journal nor that
//! of an older plan at the same address is ever taken for this one's.
//!
//! Never knows what is in a journal.

use std::convert::identity;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::names::PLAN_BYTES_MAX;
use super::read::document;
use super::{PLAN_VERSION, Plan, ReadError, consistency};
use crate::diagnostic::parameter::{STATE, SUBMIT};
use crate::diagnostic::{Diagnostic, ErrorClass};
use crate::source::{Location, LockAttempt, LockFile, partial_name, read_regular, write_whole};

/// In a state folder: which plan it belongs to.
const PLAN_SOURCE: &str = "plan-source.json";

/// In a state folder: the plan as it was when the first of its jobs was to be created. Those jobs
/// can be followed and ended by it when the plan itself is gone.
const PLAN_COPY: &str = "plan-as-submitted.json";

/// The version of [`PLAN_SOURCE`].
const PLAN_SOURCE_VERSION: u32 = 1;

/// Bytes of [`PLAN_SOURCE`] at most: an address has some 1,100.
const PLAN_SOURCE_BYTES_MAX: u64 = 64 << 10;

/// Digits of a plan's SHA-256 in the name of its state folder: 32 bits, to tell apart the plans
/// that one person has under one name. The file inside tells them apart for good.
const DIGEST_DIGITS: usize = 8;

/// Characters of a plan's name that the name of its state folder takes over.
const NAME_CHARS_MAX: usize = 100;

/// A plan that somebody named.
#[derive(Debug, Clone)]
pub(crate) struct PlanHandle {
    /// What its `plan.json` says.
    pub plan: Plan,
    folder: Location,
    sha256: String,
    state: PathBuf,
}

/// Why a state folder can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StateError {
    /// It is another plan's.
    #[error(
        "{}: this folder holds the journal of another plan, {found}; for {wanted}, name another \
         folder with {STATE}", folder.display()
    )]
    OtherPlan {
        /// The state folder.
        folder: PathBuf,
        /// Whose it is.
        found: String,
        /// Whose it should be.
        wanted: String,
    },
    /// It is an older plan's.
    #[error(
        "{}: the journal here is of the plan that was at {address} before: plan.json has changed \
         since; name another folder with {STATE} for the new plan", folder.display()
    )]
    Replaced {
        /// The state folder.
        folder: PathBuf,
        /// The plan's address.
        address: String,
    },
    /// It is not a state folder.
    #[error(
        "{}: this folder holds something else, and no plan-source.json: name a new or empty folder \
         with {STATE}", folder.display()
    )]
    Foreign {
        /// The folder.
        folder: PathBuf,
    },
    /// There is none.
    #[error(
        "{address}: there is no journal of this plan in {}: `{SUBMIT} {address} …` begins \
         one; if the plan was submitted, run this where that was done, or name the journal's \
         folder with {STATE}", folder.display()
    )]
    Missing {
        /// The plan's address.
        address: String,
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// Another run makes it.
    #[error(
        "{}: another run of s3sieve works on these jobs; wait for it or stop it", folder.display()
    )]
    Busy {
        /// The folder.
        folder: PathBuf,
    },
    /// What it says of its plan can't be read.
    #[error("{}: {what}; something else wrote to it", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// It can't be read or written.
    #[error("{}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
}

impl Diagnostic for StateError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::OtherPlan { .. }
            | Self::Replaced { .. }
            | Self::Foreign { .. }
            | Self::Busy { .. } => ErrorClass::Usage,
            Self::Missing { .. } | Self::Malformed { .. } => ErrorClass::Input,
            Self::Io { .. } => ErrorClass::Environment,
        }
    }
}

/// Which plan a state folder belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct PlanSource {
    /// [`PLAN_SOURCE_VERSION`] of the program that wrote it.
    version: u32,
    /// The plan's address.
    plan: String,
    /// Of its `plan.json`, in hexadecimal.
    sha256: String,
}

impl PlanHandle {
    /// Reads the plan in a folder. `state` is the state folder of a plan in S3, if not a folder in
    /// the current one that has the plan's name and digest.
    ///
    /// # Errors
    /// When there is no plan, it is not finished, or this program doesn't know its version.
    pub(crate) fn open(folder: &Location, state: Option<&Path>) -> Result<Self, ReadError> {
        let folder = folder.as_folder();
        let (plan, sha256) = document(&folder)?;
        let state = match (folder.as_path(), state) {
            (Some(own), _) => own.to_owned(),
            (None, Some(state)) => state.to_owned(),
            (None, None) => state_folder(&folder.display().to_string(), &sha256),
        };
        Ok(Self { plan, folder, sha256, state })
    }

    /// The plan's folder.
    #[must_use]
    pub(crate) fn folder(&self) -> &Location {
        &self.folder
    }

    /// The SHA-256 of its `plan.json`, in hexadecimal.
    #[must_use]
    pub(crate) fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The folder on this machine where its journal is, or will be.
    #[must_use]
    pub(crate) fn state(&self) -> &Path {
        &self.state
    }

    /// Makes the state folder, if there is none.
    ///
    /// # Errors
    /// When it is another plan's, or can't be written.
    pub(crate) fn claim_state(&self) -> Result<(), StateError> {
        if self.folder.as_path().is_some() {
            return Ok(());
        }
        // Nothing is ever left in a folder of somebody else.
        self.is_own_state()?;
        fs::create_dir_all(&self.state).map_err(StateError::at(&self.state))?;
        let path = self.state.join(CLAIM_LOCK);
        let _lock = match LockFile::take(&path).map_err(StateError::at(&path))? {
            LockAttempt::Locked { lock, .. } => lock,
            LockAttempt::Held => return Err(StateError::Busy { folder: self.state.clone() }),
        };
        let is_own = self.is_own_state()?;
        if !self.state.join(PLAN_COPY).exists() {
            self.write(PLAN_COPY, &self.plan)?;
        }
        // Last, for it makes the folder this plan's.
        if is_own { Ok(()) } else { self.write(PLAN_SOURCE, &self.source()) }
    }

    /// Writes a file of the state folder, whole or not at all.
    fn write(&self, name: &str, what: &impl Serialize) -> Result<(), StateError> {
        let path = self.state.join(name);
        let write = |file: &mut fs::File| -> io::Result<()> {
            let mut file = io::BufWriter::new(file);
            serde_json::to_writer_pretty(&mut file, what)?;
            writeln!(file)?;
            file.flush()
        };
        write_whole(&path, identity, write).map_err(StateError::at(&path))
    }

    /// The plan that a state folder was begun with, as it was then; `None` where the folder is of
    /// another plan than that at this address, or keeps none.
    ///
    /// # Errors
    /// When what is there can't be read.
    pub(crate) fn as_submitted(
        state: &Path,
        folder: &Location,
    ) -> Result<Option<Self>, StateError> {
        let folder = folder.as_folder();
        let source = read_source(state)?.filter(|found| found.plan == folder.display().to_string());
        let Some(PlanSource { sha256, .. }) = source else { return Ok(None) };
        let path = state.join(PLAN_COPY);
        let malformed = |what: String| StateError::Malformed { path: path.clone(), what };
        let text = match read_regular(&path, PLAN_BYTES_MAX) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if is_unfit(&error) => return Err(malformed(error.to_string())),
            text => text.map_err(StateError::at(&path))?,
        };
        let plan: Plan =
            serde_json::from_slice(&text).map_err(|error| malformed(error.to_string()))?;
        if plan.version != PLAN_VERSION {
            return Err(malformed(format!(
                "version {}, where {PLAN_VERSION} is read",
                plan.version
            )));
        }
        if let Some(what) = consistency::fault(&plan) {
            return Err(malformed(what));
        }
        Ok(Some(Self { plan, folder, sha256, state: state.to_owned() }))
    }

    /// Makes sure that there is a state folder, and that it is this plan's.
    ///
    /// # Errors
    /// When it is not.
    pub(crate) fn find_state(&self) -> Result<(), StateError> {
        if self.folder.as_path().is_some() || self.is_own_state()? {
            return Ok(());
        }
        let (address, folder) = (self.source().plan, self.state.clone());
        Err(StateError::Missing { address, folder })
    }

    /// Whether the state folder is this plan's; `false` where it is new or empty.
    fn is_own_state(&self) -> Result<bool, StateError> {
        let folder = self.state.clone();
        let Some(found) = read_source(&folder)? else {
            return if is_empty(&folder)? {
                Ok(false)
            } else {
                Err(StateError::Foreign { folder })
            };
        };
        let wanted = self.source();
        if found.plan != wanted.plan {
            let (found, wanted) = (found.plan, wanted.plan);
            return Err(StateError::OtherPlan { folder, found, wanted });
        }
        if found.sha256 != wanted.sha256 {
            return Err(StateError::Replaced { folder, address: wanted.plan });
        }
        Ok(true)
    }

    fn source(&self) -> PlanSource {
        PlanSource {
            version: PLAN_SOURCE_VERSION,
            plan: self.folder.display().to_string(),
            sha256: self.sha256.clone(),
        }
    }
}

impl StateError {
    fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::Io { path, error }
    }
}

/// Held while the first files of a state folder are written.
const CLAIM_LOCK: &str = ".plan-source.json.lock";

/// The address of the plan that a folder is the state folder of; `None` of any other folder.
///
/// # Errors
/// When what it says can't be read.
pub(crate) fn plan_of_state_folder(folder: &Path) -> Result<Option<String>, StateError> {
    Ok(read_source(folder)?.map(|source| source.plan))
}

fn read_source(folder: &Path) -> Result<Option<PlanSource>, StateError> {
    let path = folder.join(PLAN_SOURCE);
    let malformed = |what: String| StateError::Malformed { path: path.clone(), what };
    let text = match read_regular(&path, PLAN_SOURCE_BYTES_MAX) {
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            return Ok(None);
        }
        Err(error) if is_unfit(&error) => return Err(malformed(error.to_string())),
        text => text.map_err(StateError::at(&path))?,
    };
    let source: PlanSource =
        serde_json::from_slice(&text).map_err(|error| malformed(error.to_string()))?;
    if source.version > PLAN_SOURCE_VERSION {
        let version = source.version;
        return Err(malformed(format!("version {version} is newer than this program knows")));
    }
    Ok(Some(source))
}

/// Whether a file is too long, or no regular file.
fn is_unfit(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::FileTooLarge | io::ErrorKind::InvalidInput)
}

/// Whether a folder is not there, or holds nothing but what a killed run left of its first files.
fn is_empty(folder: &Path) -> Result<bool, StateError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        entries => entries.map_err(StateError::at(folder))?,
    };
    for entry in entries {
        let name = entry.map_err(StateError::at(folder))?.file_name();
        let unfinished = [PLAN_COPY, PLAN_SOURCE].map(|name| partial_name(Path::new(name)));
        if name != PLAN_COPY && name != CLAIM_LOCK && unfinished.iter().all(|path| *path != *name) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The usual name of a plan's state folder: the last part of its address, and of its digest so
/// many digits.
fn state_folder(address: &str, sha256: &str) -> PathBuf {
    let name = address.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let plain = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    let name: String = name.chars().take(NAME_CHARS_MAX).map(plain).collect();
    let digest = sha256.get(..DIGEST_DIGITS).unwrap_or(sha256);
    Path::new(".").join(format!("{name}-{digest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_folder_has_the_plans_name_and_digest() {
        let name = |address: &str| state_folder(address, &"0123456789abcdef".repeat(4));
        assert_eq!(name("s3://plans/2026/today/"), Path::new("./today-01234567"));
        assert_eq!(name("s3://plans/"), Path::new("./plans-01234567"));
        assert_eq!(name("s3://plans/../"), Path::new("./..-01234567"));
        assert_eq!(name("s3://plans/a b\u{7}\u{fc}/"), Path::new("./a_b_\u{fc}-01234567"));
        assert!(name(&format!("s3://plans/{}", "x".repeat(1000))).as_os_str().len() < 255);
    }

    #[test]
    fn whose_a_folder_is_can_be_told_or_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(PLAN_SOURCE);
        assert_eq!(plan_of_state_folder(folder.path()).unwrap(), None);
        assert_eq!(plan_of_state_folder(&folder.path().join("none")).unwrap(), None);
        let write = |text: &str| fs::write(&path, text).unwrap();
        write("{\"version\": 1, \"plan\": \"s3://b/p/\", \"sha256\": \"00\"}");
        let found = plan_of_state_folder(folder.path()).unwrap();
        assert_eq!(found.as_deref(), Some("s3://b/p/"));
        for wrong in ["{", "{}", "{\"version\": 2, \"plan\": \"\", \"sha256\": \"\"}"] {
            write(wrong);
            let error = plan_of_state_folder(folder.path()).unwrap_err();
            assert!(matches!(error, StateError::Malformed { .. }), "{wrong}: {error}");
        }
    }
}
