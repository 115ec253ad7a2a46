//! What every error of this crate can say of itself, beside its text: its class, the place that it
//! is about, and what to do.
//!
//! An error's text states its own level only; what it came from is its [`source`](Error::source).
//! [`chain`] puts the levels together, [`explain`] adds the place and the hint: each is said once.
//!
//! Never knows exit codes, and how a front end names its options.

pub(crate) mod parameter;

use std::error::Error;
use std::fmt::Write;

/// Who or what has to change before the same request can succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// The machine: disk, permission, threads.
    Environment,
    /// The request: it is wrong, or does not fit what is there.
    Usage,
    /// The input: it is damaged, missing, or says something else than it should.
    Input,
    /// AWS: it refused, or can't be reached.
    Aws,
    /// This program: it is at fault.
    Fault,
    /// Nothing: the run was ended from outside.
    Interrupted,
}

/// An error of a layer.
pub(crate) trait Diagnostic: Error + Send + Sync {
    /// Who or what has to change.
    fn class(&self) -> ErrorClass;

    /// The text that the error is about, with the place in it marked, in lines of its own.
    fn place(&self) -> Option<String> {
        None
    }

    /// What to do, where the text itself does not say it.
    fn hint(&self) -> Option<String> {
        None
    }
}

/// The text of an error and of all that it came from, outermost first: `a: b: c`.
#[must_use]
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // A `String` takes all that is written to it.
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}

/// All that an error says: the chain, the place and the hint, each in lines of its own.
#[must_use]
pub(crate) fn explain(error: &(dyn Diagnostic + 'static)) -> String {
    let place = error.place().map(|place| format!("\n{place}")).unwrap_or_default();
    let hint = error.hint().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
    format!("{}{place}{hint}", chain(error))
}

#[cfg(test)]
mod tests;
