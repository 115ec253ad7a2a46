//! Errors of all layers, as an exit code and a text for the person at the terminal.

use std::io;

use super::Exit;
#[cfg(feature = "aws")]
use crate::listing::ListingError;
use crate::plan::PlanError;
use crate::report::ReportError;
use crate::scan::ScanError;
use crate::source;
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
    /// A synthetic report could not be made.
    #[error(transparent)]
    Synth(#[from] SynthError),
    /// AWS refused, or can't be reached.
    #[cfg(feature = "aws")]
    #[error(transparent)]
    Aws(#[from] crate::aws::AwsError),
    /// A bucket could not be listed.
    #[cfg(feature = "aws")]
    #[error(transparent)]
    Listing(#[from] ListingError),
    /// The result could not be printed.
    #[error("cannot print the result: {0}")]
    Print(#[from] io::Error),
    /// The command line is wrong in a way that only shows later.
    #[error("{0}")]
    Usage(String),
}

impl CliError {
    /// What the program ends with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Report(error) => of_report(error),
            Self::Scan(error) => of_scan(error),
            Self::Plan(error) => match error {
                PlanError::Scan(error) => of_scan(error),
                PlanError::Io { error, .. } if source::is_refusal(error) => Exit::Aws,
                PlanError::Io { .. } => Exit::Environment,
                PlanError::NotEmpty { .. }
                | PlanError::Busy { .. }
                | PlanError::Overtaken { .. }
                | PlanError::Submitted { .. }
                | PlanError::RowTooLong { .. }
                | PlanError::TooManyShards
                | PlanError::TooManyJobs { .. }
                | PlanError::ZeroBound { .. } => Exit::Usage,
            },
            Self::Synth(error) => of_synth(error),
            #[cfg(feature = "aws")]
            Self::Aws(_) => Exit::Aws,
            #[cfg(feature = "aws")]
            Self::Listing(error) => match error {
                ListingError::Aws { .. } => Exit::Aws,
                ListingError::Io { .. } => Exit::Environment,
                ListingError::NotEmpty(_) | ListingError::Column { .. } => Exit::Usage,
                ListingError::Interrupted => Exit::Interrupted,
            },
            Self::Print(_) => Exit::Environment,
            Self::Usage(_) => Exit::Usage,
        }
    }

    /// Whether somebody closed the pipe that the result goes to (`s3sieve count ... | head -1`).
    /// They have what they wanted: no error.
    #[must_use]
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Print(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

fn of_report(error: &ReportError) -> Exit {
    match error {
        error if error.is_refusal() => Exit::Aws,
        error if error.is_environment() => Exit::Environment,
        _ => Exit::Input,
    }
}

fn of_synth(error: &SynthError) -> Exit {
    match error {
        SynthError::Io { .. } => Exit::Environment,
        SynthError::NotEmpty(_) | SynthError::Option { .. } => Exit::Usage,
        SynthError::Stopped => Exit::Interrupted,
    }
}

fn of_scan(error: &ScanError) -> Exit {
    match error {
        ScanError::Report(error) => of_report(error),
        ScanError::Data(error) if error.kind.is_refusal() => Exit::Aws,
        ScanError::Data(error) if error.kind.is_environment() => Exit::Environment,
        ScanError::Data(error) if error.kind.is_usage() => Exit::Usage,
        ScanError::Overlap { .. } => Exit::Usage,
        ScanError::Query { error, .. } if !error.is_missing_column() => Exit::Usage,
        ScanError::Data(_) | ScanError::Format { .. } | ScanError::Query { .. } => Exit::Input,
        ScanError::Spill(_) => Exit::Environment,
        ScanError::Interrupted => Exit::Interrupted,
    }
}
