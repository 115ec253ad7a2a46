//! What can go wrong while a synthetic report is written.

use std::io;
use std::path::{Path, PathBuf};

use crate::diagnostic::parameter::THREADS;
use crate::diagnostic::{Diagnostic, ErrorClass};
use crate::source::FolderError;

/// Why no synthetic report was written.
#[derive(Debug, thiserror::Error)]
pub enum SynthError {
    /// The environment failed.
    #[error("{}", path.display())]
    Io {
        /// What was to be written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system gave no thread.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
    /// The folder to write to can't be had.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// An option can't be fulfilled.
    #[error("{name}: {fault}")]
    Option {
        /// The field of [`Synth`].
        name: &'static str,
        /// What is wrong with it.
        fault: String,
    },
    /// The caller asked for an end; what was written has been removed.
    #[error("interrupted; nothing was left behind")]
    Stopped,
}

impl Diagnostic for SynthError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Io { .. } | Self::Thread(_) => ErrorClass::Environment,
            Self::Folder(error) => error.class(),
            Self::Option { .. } => ErrorClass::Usage,
            Self::Stopped => ErrorClass::Interrupted,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Thread(_) => Some(format!(
                "ask for fewer with {THREADS}, or raise the limit (`ulimit -u` and `ulimit -v` \
                 show two)"
            )),
            _ => None,
        }
    }
}

impl SynthError {
    pub(super) fn option(name: &'static str, fault: String) -> Self {
        Self::Option { name, fault }
    }

    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        |source| Self::Io { path: path.to_path_buf(), source }
    }
}
