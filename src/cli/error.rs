//! Errors of all layers, as an exit code and a text for the person at the terminal.

use std::io;
use std::path::PathBuf;

use super::Exit;
#[cfg(feature = "aws")]
use crate::aws::AwsErrorKind;
#[cfg(feature = "aws")]
use crate::jobs::completion::{CompletionError, FetchError};
#[cfg(feature = "aws")]
use crate::jobs::journal::JournalError;
#[cfg(feature = "aws")]
use crate::jobs::setup::SetupError;
#[cfg(feature = "aws")]
use crate::jobs::{
    CallerError, CreateError, NotAws, RequestsError, RetryError, SubmitError, UploadError,
};
#[cfg(feature = "aws")]
use crate::listing::ListingError;
use crate::operation::Refusal;
use crate::operation::price::PriceError;
use crate::plan::{PlanError, ReadError, StateError, VerifyError};
use crate::predicate::PredicateError;
use crate::read::ScanError;
use crate::report::ReportError;
use crate::source::{self, FolderError};
use crate::synth::SynthError;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// A report is bad.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A scan failed.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// A plan could not be made.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A plan can't be used.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The folder of a plan's journal can't be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// A plan can't be held against a newer report.
    #[error(transparent)]
    Proof(#[from] VerifyError),
    /// AWS would refuse what is asked for.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A file could not be read or written.
    #[error("{}: {}", path.display(), if error.kind() == io::ErrorKind::NotFound {
        "there is no such file".to_owned()
    } else {
        error.to_string()
    })]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A synthetic report could not be made.
    #[error(transparent)]
    Synth(#[from] SynthError),
    /// A folder for documents can't be had.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A price list is bad.
    #[error("{}: {error}", path.display())]
    Prices {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: PriceError,
    },
    /// AWS refused, or can't be reached.
    #[cfg(feature = "aws")]
    #[error(transparent)]
    Aws(#[from] crate::aws::AwsError),
    /// The credentials are not those that are meant.
    #[cfg(feature = "aws")]
    #[error(transparent)]
    Caller(#[from] CallerError),
    /// A bucket could not be listed.
    #[cfg(feature = "aws")]
    #[error(transparent)]
    Listing(#[from] ListingError),
    /// A submission ended early.
    #[cfg(feature = "aws")]
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// A journal can't be read.
    #[cfg(feature = "aws")]
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The requests of a submission can't be read.
    #[cfg(feature = "aws")]
    #[error(transparent)]
    Requests(#[from] RequestsError),
    /// An endpoint may not get a job.
    #[cfg(feature = "aws")]
    #[error(transparent)]
    NotAws(#[from] NotAws),
    /// A completion report can't be fetched.
    #[cfg(feature = "aws")]
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// A completion report that is here can't be read.
    #[cfg(feature = "aws")]
    #[error(transparent)]
    Completion(#[from] CompletionError),
    /// A completion report can't be read, or no plan be made of it.
    #[cfg(feature = "aws")]
    #[error(transparent)]
    Retry(#[from] RetryError),
    /// A setting at AWS can't be looked at or changed.
    #[cfg(feature = "aws")]
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The user wanted it to end.
    #[cfg(feature = "aws")]
    #[error("interrupted; submitted jobs keep running")]
    Interrupted,
    /// The program itself is at fault.
    #[error("a fault of the program itself: {0}")]
    Fault(String),
    /// The result could not be printed.
    #[error("cannot print the result: {0}")]
    Print(#[from] io::Error),
    /// What was named is there, and something else than what is wanted.
    #[error("{0}")]
    Misnamed(String),
    /// The command line is wrong in a way that only shows later.
    #[error("{0}")]
    Usage(String),
}

impl CliError {
    /// What AWS said, or failed to say, if that is what failed.
    #[cfg(feature = "aws")]
    pub(super) fn aws(&self) -> Option<&crate::aws::AwsError> {
        match self {
            Self::Aws(error) => Some(error),
            Self::Submit(error) => error.aws(),
            _ => None,
        }
    }

    /// What is wrong with an expression, if that is what failed: its text has lines of its own for
    /// the place and the hint.
    pub(super) fn query(&self) -> Option<&PredicateError> {
        match self {
            Self::Scan(ScanError::Query { error, .. })
            | Self::Plan(PlanError::Scan(ScanError::Query { error, .. }))
            | Self::Proof(VerifyError::Scan(ScanError::Query { error, .. })) => Some(error),
            _ => None,
        }
    }

    /// What to do, where the message itself does not say it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Fault(_) => Some(
                "Please report it, with this text, the command line and what `s3sieve --version` \
                 says"
                    .to_owned(),
            ),
            _ => None,
        }
    }

    /// What the program ends with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Report(error) => of_report(error),
            Self::Scan(error) => of_scan(error),
            Self::Plan(error) => of_plan(error),
            Self::Read(error) => of_read(error),
            Self::State(error) => of_state(error),
            Self::Proof(error) => match error {
                VerifyError::Read(error) => of_read(error),
                VerifyError::Scan(error) => of_scan(error),
                VerifyError::MixedColumns { .. } => Exit::Input,
                VerifyError::NotNewer { .. }
                | VerifyError::OtherBucket { .. }
                | VerifyError::BucketMissing { .. }
                | VerifyError::TooManyForOut { .. } => Exit::Usage,
            },
            Self::Synth(error) => of_synth(error),
            Self::Fault(_) => Exit::Fault,
            Self::Folder(error) => of_folder(error),
            #[cfg(feature = "aws")]
            Self::Aws(error) if error.kind == AwsErrorKind::Misconfigured => Exit::Usage,
            #[cfg(feature = "aws")]
            Self::Aws(error) if error.kind == AwsErrorKind::NoRuntime => Exit::Environment,
            #[cfg(feature = "aws")]
            Self::Aws(_) | Self::Caller(_) => Exit::Aws,
            #[cfg(feature = "aws")]
            Self::Listing(error) => match error {
                ListingError::Aws { .. } => Exit::Aws,
                ListingError::Io { .. } => Exit::Environment,
                ListingError::Folder(error) => of_folder(error),
                ListingError::Column { .. } => Exit::Usage,
                ListingError::Interrupted => Exit::Interrupted,
            },
            // As with a report: what is not there is bad input, what can't be read is not.
            Self::File { error, .. } if is_input(error.kind()) => Exit::Input,
            Self::File { .. } | Self::Print(_) => Exit::Environment,
            Self::Prices { .. } | Self::Misnamed(_) => Exit::Input,
            Self::Refused(_) | Self::Usage(_) => Exit::Usage,
            #[cfg(feature = "aws")]
            Self::Submit(error) => of_submit(error),
            #[cfg(feature = "aws")]
            Self::Journal(error) => of_journal(error),
            #[cfg(feature = "aws")]
            Self::Requests(error) => of_requests(error),
            #[cfg(feature = "aws")]
            Self::NotAws(_) => Exit::Usage,
            #[cfg(feature = "aws")]
            Self::Fetch(error) => match error {
                FetchError::Io { error, .. } if source::is_refusal(error) => Exit::Aws,
                FetchError::Io { .. } => Exit::Environment,
                FetchError::Bad { .. } => Exit::Input,
                FetchError::Interrupted => Exit::Interrupted,
            },
            #[cfg(feature = "aws")]
            Self::Retry(error) => match error {
                RetryError::Plan(error) => of_plan(error),
                RetryError::Read(error) => of_read(error),
                RetryError::Report(error) => of_completion(error),
                RetryError::OtherBucket { .. } => Exit::Input,
                RetryError::WouldRepeat { .. } | RetryError::MayRepeat { .. } => Exit::Usage,
            },
            #[cfg(feature = "aws")]
            Self::Completion(error) => of_completion(error),
            #[cfg(feature = "aws")]
            Self::Setup(error) => match error {
                SetupError::Aws(_) => Exit::Aws,
                SetupError::Senseless(_) => Exit::Usage,
            },
            #[cfg(feature = "aws")]
            Self::Interrupted => Exit::Interrupted,
        }
    }

    /// Whether somebody closed the pipe that the result goes to (`s3sieve count ... | head -1`).
    /// They have what they wanted: no error.
    #[must_use]
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Print(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// Whether a parameter file that can't be read is not there, or not what it should be.
fn is_input(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{FileTooLarge, InvalidData, NotFound};
    matches!(kind, NotFound | FileTooLarge | InvalidData)
}

fn of_plan(error: &PlanError) -> Exit {
    match error {
        PlanError::Scan(error) => of_scan(error),
        PlanError::Io { error, .. } if source::is_refusal(error) => Exit::Aws,
        PlanError::Io { .. } | PlanError::Scratch { .. } => Exit::Environment,
        PlanError::NotEmpty { .. }
        | PlanError::InTheWay { .. }
        | PlanError::Busy { .. }
        | PlanError::Overtaken { .. }
        | PlanError::OtherContent { .. }
        | PlanError::Deleted { .. }
        | PlanError::Rewritten { .. }
        | PlanError::Unreadable { .. }
        | PlanError::Replaced { .. }
        | PlanError::Submitted { .. }
        | PlanError::RowTooLong { .. }
        | PlanError::TooManyShards
        | PlanError::TooManyJobs { .. }
        | PlanError::UnknownReason { .. }
        | PlanError::DeleteMarkersIncluded { .. }
        | PlanError::VersionIdsNeeded { .. }
        | PlanError::IsLatestNeeded { .. }
        | PlanError::NotAPlan { .. }
        | PlanError::DirectoryBucket { .. }
        | PlanError::BucketKeyWithoutUpdate { .. }
        | PlanError::StorageClassWithoutCopy { .. }
        | PlanError::ManifestPrefix { .. }
        | PlanError::ZeroBound { .. } => Exit::Usage,
    }
}

fn of_report(error: &ReportError) -> Exit {
    match error {
        ReportError::Interrupted => Exit::Interrupted,
        error if error.is_refusal() => Exit::Aws,
        error if error.is_environment() => Exit::Environment,
        _ => Exit::Input,
    }
}

fn of_read(error: &ReadError) -> Exit {
    match error {
        ReadError::Missing { .. }
        | ReadError::Unfinished { .. }
        | ReadError::Newer { .. }
        | ReadError::Older { .. }
        | ReadError::Malformed { .. }
        | ReadError::Inconsistent { .. }
        | ReadError::Untrue { .. }
        | ReadError::TooLong { .. }
        | ReadError::Encrypted { .. }
        | ReadError::Changed { .. } => Exit::Input,
        ReadError::Io { error, .. } if source::is_refusal(error) => Exit::Aws,
        ReadError::Io { .. } => Exit::Environment,
        ReadError::Interrupted => Exit::Interrupted,
    }
}

fn of_state(error: &StateError) -> Exit {
    match error {
        StateError::OtherPlan { .. }
        | StateError::Replaced { .. }
        | StateError::Foreign { .. }
        | StateError::Busy { .. } => Exit::Usage,
        StateError::Missing { .. } | StateError::Malformed { .. } => Exit::Input,
        StateError::Io { .. } => Exit::Environment,
    }
}

fn of_synth(error: &SynthError) -> Exit {
    match error {
        SynthError::Io { .. } | SynthError::Thread(_) => Exit::Environment,
        SynthError::Folder(error) => of_folder(error),
        SynthError::Option { .. } => Exit::Usage,
        SynthError::Stopped => Exit::Interrupted,
    }
}

fn of_folder(error: &FolderError) -> Exit {
    match error {
        FolderError::NotEmpty { .. } | FolderError::Busy { .. } | FolderError::InTheWay { .. } => {
            Exit::Usage
        }
        FolderError::Io { .. } => Exit::Environment,
    }
}

fn of_scan(error: &ScanError) -> Exit {
    match error {
        ScanError::Report(error) => of_report(error),
        ScanError::Data(error) if error.kind.is_refusal() => Exit::Aws,
        ScanError::Data(error) if error.kind.is_environment() => Exit::Environment,
        ScanError::Data(error) if error.kind.is_usage() => Exit::Usage,
        ScanError::Overlap { .. } | ScanError::SameReport { .. } | ScanError::SharedFile { .. } => {
            Exit::Usage
        }
        ScanError::Query { error, .. } if !error.is_missing_column() => Exit::Usage,
        ScanError::Data(_) | ScanError::Format { .. } | ScanError::Query { .. } => Exit::Input,
        ScanError::Spill(_) | ScanError::Thread(_) => Exit::Environment,
        ScanError::Interrupted => Exit::Interrupted,
    }
}

#[cfg(feature = "aws")]
fn of_submit(error: &SubmitError) -> Exit {
    match error {
        SubmitError::Journal(error) => of_journal(error),
        SubmitError::Misfit { .. } => Exit::Input,
        SubmitError::State(error) => of_state(error),
        SubmitError::Manifest(error) => of_read(error),
        SubmitError::OtherRequests { .. } | SubmitError::Continued { .. } => Exit::Usage,
        SubmitError::Requests(error) => of_requests(error),
        SubmitError::Upload(error) => match error {
            UploadError::Aws(_) | UploadError::Other { .. } => Exit::Aws,
            UploadError::Io { .. } => Exit::Environment,
            UploadError::Changed { .. } => Exit::Input,
            UploadError::Interrupted => Exit::Interrupted,
            UploadError::Note(error) => of_journal(error),
        },
        SubmitError::Create { error, .. } => match error {
            CreateError::Request(_) => Exit::Usage,
            CreateError::OtherRequest { .. } | CreateError::Aws(_) => Exit::Aws,
        },
        SubmitError::Aws(_) => Exit::Aws,
        SubmitError::Interrupted => Exit::Interrupted,
    }
}

#[cfg(feature = "aws")]
fn of_completion(error: &CompletionError) -> Exit {
    match error {
        CompletionError::Io { .. } => Exit::Environment,
        CompletionError::Interrupted => Exit::Interrupted,
    }
}

#[cfg(feature = "aws")]
fn of_journal(error: &JournalError) -> Exit {
    match error {
        JournalError::Missing { .. }
        | JournalError::Line { .. }
        | JournalError::OtherVersion { .. } => Exit::Input,
        JournalError::Busy { .. } => Exit::Usage,
        JournalError::Io { .. } => Exit::Environment,
    }
}

#[cfg(feature = "aws")]
fn of_requests(error: &RequestsError) -> Exit {
    match error {
        RequestsError::Io { .. } => Exit::Environment,
        RequestsError::Changed { .. } => Exit::Input,
    }
}
