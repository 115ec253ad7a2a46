//! An error as it is told: a sentence on standard error and, where JSON is asked for, a document on
//! standard output, so that whoever reads that gets an answer in any case.

use std::io::Write;

use serde::Serialize;

use super::args::Format;
use super::invocation::Invocation;
use super::print::{self, Document};
use super::{CliError, Exit};

/// The document of an error.
#[derive(Serialize)]
struct FailureDocument<'a> {
    error: ErrorBody<'a>,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    /// The name of the exit code.
    kind: &'static str,
    message: &'a str,
    /// What to do, where the message does not say it.
    hint: Option<&'a str>,
    exit: u8,
}

/// Tells why a command failed.
pub(super) fn tell(error: &CliError, invocation: &Invocation) {
    let (message, hint) = (error.to_string(), error.hint());
    match error.query() {
        Some(query) => write_json(invocation, error.exit(), query.message(), query.advice()),
        None => write_json(invocation, error.exit(), &message, hint.as_deref()),
    }
    let hint = hint.map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
    print::error(&format!("{message}{hint}"));
}

/// Writes the document of an error, if JSON is asked for: in one line, for other lines may stand
/// before it.
pub(super) fn write_json(invocation: &Invocation, exit: Exit, message: &str, hint: Option<&str>) {
    if invocation.format != Format::Json {
        return;
    }
    let error = ErrorBody { kind: exit.name(), message, hint, exit: exit.code() };
    let document = Document::new(invocation.command.as_deref(), FailureDocument { error });
    if let Ok(line) = serde_json::to_string(&document) {
        let mut out = print::output(Format::Json);
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    }
}
