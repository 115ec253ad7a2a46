//! Why a submission ends early.

use std::path::PathBuf;

use jiff::Timestamp;

use super::control::CreateError;
use super::journal::JournalError;
use super::requests::{REQUESTS, RequestsError};
use super::upload::UploadError;
use crate::aws::AwsError;
use crate::diagnostic::parameter::{ALL, JOBS_OF, RETRY};
use crate::diagnostic::{Diagnostic, ErrorClass};
use crate::plan::{ReadError, StateError};

/// Why a submission ended early. What is in the journal is done; the same command resumes it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SubmitError {
    /// The journal can't be read or written, or does not fit the plan.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The journal does not fit the plan.
    #[error("{}: {what}; the plan or its journal was changed by something else", folder.display())]
    Misfit {
        /// The plan's folder.
        folder: PathBuf,
        /// What does not fit.
        what: String,
    },
    /// The plan was submitted with other parameters.
    #[error(
        "{}: this plan was submitted at {begun} with other parameters: give the same again to \
         resume it ({} has the requests). For other parameters, cancel its jobs (`{JOBS_OF} \
         {} cancel {ALL:#}`) and submit what `{RETRY}` makes of it",
        folder.display(), REQUESTS, folder.display()
    )]
    OtherRequests {
        /// The plan's folder.
        folder: PathBuf,
        /// When.
        begun: Timestamp,
    },
    /// The folder of the journal does not say whose it is.
    #[error(transparent)]
    State(#[from] StateError),
    /// A manifest of a plan in S3 is not what the plan says.
    #[error(transparent)]
    Manifest(#[from] ReadError),
    /// A manifest could not be uploaded.
    #[error(transparent)]
    Upload(#[from] UploadError),
    /// A job could not be created.
    #[error("{manifest}")]
    Create {
        /// For which manifest.
        manifest: String,
        /// Why.
        #[source]
        error: CreateError,
    },
    /// AWS refused something else.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// The requests can't be read or written.
    #[error(transparent)]
    Requests(#[from] RequestsError),
    /// Another plan has what this one left undone.
    #[error(
        "{}: `{RETRY}` made a plan of what this one left undone, {plan}: submit that; no job \
         is created for this one any more", folder.display()
    )]
    Continued {
        /// The plan's folder.
        folder: PathBuf,
        /// The other plan.
        plan: String,
    },
    /// The stop flag was raised.
    #[error("interrupted; progress is in jobs.jsonl; run the same command again to resume")]
    Interrupted,
}

impl Diagnostic for SubmitError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Journal(error) => error.class(),
            Self::Misfit { .. } => ErrorClass::Input,
            Self::State(error) => error.class(),
            Self::Manifest(error) => error.class(),
            Self::OtherRequests { .. } | Self::Continued { .. } => ErrorClass::Usage,
            Self::Requests(error) => error.class(),
            Self::Upload(error) => error.class(),
            Self::Create { error, .. } => error.class(),
            Self::Aws(error) => error.class(),
            Self::Interrupted => ErrorClass::Interrupted,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Manifest(error) => error.hint(),
            _ => None,
        }
    }
}
