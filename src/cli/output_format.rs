//! For whom results are: people or programs.

use clap::ValueEnum;

/// How results are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Format {
    /// For people
    #[default]
    Human,
    /// For programs
    Json,
}

/// Where events go.
#[cfg(feature = "aws")]
#[derive(Debug, Clone, Copy)]
pub(super) struct EventOutput {
    /// The command that they are of.
    pub(super) command: &'static str,
    pub(super) format: Format,
}
