//! Errors of all layers, as an exit code and a text for the person at the terminal.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;

use super::Exit;
#[cfg(feature = "aws")]
use crate::aws::AwsError;
use crate::diagnostic::{self, Diagnostic, ErrorClass};
#[cfg(feature = "aws")]
use crate::jobs::SubmitError;
use crate::operation::price::PriceError;

/// Why a command failed: an error of any layer. Its text is that of all levels of the error.
#[derive(Debug)]
pub(crate) struct CliError(Box<dyn Diagnostic>);

/// What can fail in the command line itself.
#[derive(Debug, thiserror::Error)]
enum CommandError {
    #[error("{}: there is no such file", path.display())]
    NoFile { path: PathBuf },
    /// A file could not be read or written.
    #[error("{}", path.display())]
    File {
        path: PathBuf,
        #[source]
        error: io::Error,
    },
    /// A price list is bad.
    #[error("{}", path.display())]
    Prices {
        path: PathBuf,
        #[source]
        error: PriceError,
    },
    /// The user wanted it to end.
    #[cfg(feature = "aws")]
    #[error("interrupted; submitted jobs keep running")]
    Interrupted,
    /// The program itself is at fault.
    #[error("a fault of the program itself: {0}")]
    Fault(String),
    #[error("cannot print the result")]
    Print(#[source] io::Error),
    /// What was named is there, and something else than what is wanted.
    #[error("{0}")]
    Misnamed(String),
    /// The command line is wrong in a way that only shows later.
    #[error("{0}")]
    Usage(String),
}

impl Diagnostic for CommandError {
    fn class(&self) -> ErrorClass {
        match self {
            // As with a report: what is not there is bad input, what can't be read is not.
            Self::File { error, .. } if is_input(error.kind()) => ErrorClass::Input,
            Self::File { .. } | Self::Print(_) => ErrorClass::Environment,
            Self::NoFile { .. } | Self::Prices { .. } | Self::Misnamed(_) => ErrorClass::Input,
            #[cfg(feature = "aws")]
            Self::Interrupted => ErrorClass::Interrupted,
            Self::Fault(_) => ErrorClass::Fault,
            Self::Usage(_) => ErrorClass::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Prices { error, .. } => error.hint(),
            Self::Fault(_) => Some(
                "Please report it, with this text, the command line and what `s3sieve --version` \
                 says"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

/// Whether a parameter file that can't be read is not what it should be.
fn is_input(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::FileTooLarge | io::ErrorKind::InvalidData)
}

impl<E: Diagnostic + 'static> From<E> for CliError {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

/// The result could not be printed.
impl From<io::Error> for CliError {
    fn from(error: io::Error) -> Self {
        CommandError::Print(error).into()
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&diagnostic::chain(&*self.0))
    }
}

impl CliError {
    /// The command line is wrong in a way that only shows later.
    pub(super) fn usage(text: impl Into<String>) -> Self {
        CommandError::Usage(text.into()).into()
    }

    /// What was named is there, and something else than what is wanted.
    pub(super) fn misnamed(text: impl Into<String>) -> Self {
        CommandError::Misnamed(text.into()).into()
    }

    /// A file could not be read or written.
    pub(super) fn file(path: impl Into<PathBuf>, error: io::Error) -> Self {
        let path = path.into();
        if error.kind() == io::ErrorKind::NotFound {
            return CommandError::NoFile { path }.into();
        }
        CommandError::File { path, error }.into()
    }

    /// A price list is bad.
    pub(super) fn prices(path: impl Into<PathBuf>, error: PriceError) -> Self {
        CommandError::Prices { path: path.into(), error }.into()
    }

    /// The program itself is at fault.
    pub(super) fn fault(text: impl Into<String>) -> Self {
        CommandError::Fault(text.into()).into()
    }

    /// The user wanted it to end.
    #[cfg(feature = "aws")]
    pub(super) fn interrupted() -> Self {
        CommandError::Interrupted.into()
    }

    /// The error of a layer, if it is of this type.
    pub(super) fn as_error<E: Error + 'static>(&self) -> Option<&E> {
        let error: &(dyn Error + 'static) = &*self.0;
        error.downcast_ref()
    }

    /// What AWS said, or failed to say, if that is what failed.
    #[cfg(feature = "aws")]
    pub(super) fn aws(&self) -> Option<&AwsError> {
        self.as_error::<AwsError>().or_else(|| self.as_error::<SubmitError>()?.aws())
    }

    /// All that it says, in lines: the text, the place that it is about, and what to do.
    #[must_use]
    pub(crate) fn explain(&self) -> String {
        diagnostic::explain(&*self.0)
    }

    /// What to do, where the text itself does not say it.
    #[must_use]
    pub(crate) fn hint(&self) -> Option<String> {
        self.0.hint()
    }

    /// What the program ends with.
    #[must_use]
    pub(crate) fn exit(&self) -> Exit {
        self.0.class().into()
    }

    /// Whether somebody closed the pipe that the result goes to (`s3sieve count ... | head -1`).
    /// They have what they wanted: no error.
    #[must_use]
    pub(crate) fn is_closed_pipe(&self) -> bool {
        matches!(
            self.as_error(),
            Some(CommandError::Print(error)) if error.kind() == io::ErrorKind::BrokenPipe
        )
    }
}
