//! What can go wrong while a synthetic report is written.

use std::io;
use std::path::{Path, PathBuf};

use crate::source::FolderError;

/// Why no synthetic report was written.
#[derive(Debug, thiserror::Error)]
pub enum SynthError {
    /// The environment failed.
    #[error("{}: {source}", path.display())]
    Io {
        /// What was to be written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system gave no thread.
    #[error(
        "cannot start a thread: {0}; ask for fewer with --threads, or raise the limit (`ulimit -u` \
         and `ulimit -v` show two)"
    )]
    Thread(io::Error),
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

impl SynthError {
    /// Whether the environment failed (disk, permission), rather than an option being wrong.
    #[must_use]
    pub fn is_environment(&self) -> bool {
        matches!(self, Self::Io { .. } | Self::Thread(_) | Self::Folder(FolderError::Io { .. }))
    }

    pub(super) fn option(name: &'static str, fault: String) -> Self {
        Self::Option { name, fault }
    }

    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        |source| Self::Io { path: path.to_path_buf(), source }
    }
}
