//! Errors of a listing.

use std::io;
use std::path::{Path, PathBuf};

use super::columns::{ASKED, LISTED};
use crate::aws::AwsError;
use crate::diagnostic::{Diagnostic, ErrorClass};
use crate::source::{FolderError, Location};

/// An error that ends a listing; there is no report then.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListingError {
    /// AWS refused.
    #[error("{}", at.display())]
    Aws {
        /// What was listed, or the object that was asked about.
        at: Location,
        /// What it said.
        #[source]
        error: AwsError,
    },
    /// The report could not be written.
    #[error("{}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// The folder for the report can't be had.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// No such column can be listed.
    #[error(
        "column {name:?} is not to be had from a listing; there are {}, and with a request for \
         each object {}", LISTED.join(", "), ASKED.join(", ")
    )]
    Column {
        /// As it was given.
        name: String,
    },
    /// The run was ended from outside.
    #[error("interrupted; nothing was left behind")]
    Interrupted,
}

impl Diagnostic for ListingError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Aws { .. } => ErrorClass::Aws,
            Self::Io { .. } => ErrorClass::Environment,
            Self::Folder(error) => error.class(),
            Self::Column { .. } => ErrorClass::Usage,
            Self::Interrupted => ErrorClass::Interrupted,
        }
    }
}

impl ListingError {
    pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        |error| Self::Io { path: path.to_owned(), error }
    }
}
