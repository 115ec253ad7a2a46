//! What can go wrong where parts lie.

use std::io;

use crate::diagnostic::parameter::OUT;
use crate::diagnostic::{Diagnostic, ErrorClass};
use crate::source::{self, FolderError, Location};

/// Why a part can't be made, found or read.
#[derive(Debug, thiserror::Error)]
pub enum PartsError {
    /// A file or folder can't be read or written.
    #[error("{}", path.display())]
    Io {
        /// Which.
        path: Location,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// The folder holds something else than parts.
    #[error(
        "{} holds {found} and no partitions.json, so it is not a folder of parts: choose a new \
         folder for {OUT}", path.display()
    )]
    NotEmpty {
        /// The folder.
        path: Location,
        /// Something in it, by name.
        found: String,
    },
    /// Something is in the place of a part.
    #[error("{} is in the way: it is not a part; move it away, or choose another {OUT}",
        path.display())]
    InTheWay {
        /// Which.
        path: Location,
    },
    /// The parts here are of something else.
    #[error(
        "{}: the parts here are of another run: {what}. A part is never replaced: run the command \
         as the others were, or choose another {OUT}", path.display()
    )]
    OtherRun {
        /// `partitions.json`.
        path: Location,
        /// What differs.
        what: String,
    },
    /// A part is there, and another one than it should be.
    #[error("{}: this does not fit the other parts: {what}", path.display())]
    Misfit {
        /// The part's folder or document.
        path: Location,
        /// What differs.
        what: String,
    },
    /// `partitions.json` is not a document of JSON.
    #[error("{}: this file can't be read: it was changed, or cut short; the parts are kept, but \
        another folder is needed for {OUT}", path.display())]
    Unreadable {
        /// `partitions.json`.
        path: Location,
        /// What is wrong.
        #[source]
        error: serde_json::Error,
    },
    /// There is no folder of parts.
    #[error(
        "{}: not a folder of parts, for it holds no partitions.json: name the folder that was \
         given as {OUT}", path.display()
    )]
    Missing {
        /// The folder.
        path: Location,
    },
}

impl PartsError {
    /// Names the file or folder.
    pub(crate) fn at(path: impl Into<Location>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |error| Self::Io { path, error }
    }
}

impl From<FolderError> for PartsError {
    fn from(error: FolderError) -> Self {
        match error {
            FolderError::Io { path, error } => Self::Io { path: path.into(), error },
            FolderError::NotEmpty { path, .. }
            | FolderError::Busy { path }
            | FolderError::InTheWay { path } => Self::InTheWay { path: path.into() },
        }
    }
}

impl Diagnostic for PartsError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Io { error, .. } => source::io_class(error),
            Self::NotEmpty { .. } | Self::InTheWay { .. } | Self::Missing { .. } => {
                ErrorClass::Usage
            }
            Self::OtherRun { .. } | Self::Misfit { .. } | Self::Unreadable { .. } => {
                ErrorClass::Input
            }
        }
    }

    fn hint(&self) -> Option<String> {
        let remedy = "move this part away and make it again, or make all parts in another folder";
        match self {
            Self::Misfit { path, .. } if path.display().to_string().contains("part-") => {
                Some(remedy.to_owned())
            }
            _ => None,
        }
    }
}
