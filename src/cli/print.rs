//! Printing results to standard output, for people or for programs.

use std::io::{self, Write};

use serde::Serialize;

use super::args::Format;

/// A result that can be shown both ways.
pub(super) trait Report: Serialize {
    /// Writes it for people.
    fn human(&self, out: &mut dyn Write) -> io::Result<()>;
}

/// Prints a result in the format asked for.
pub(super) fn print(report: &impl Report, format: Format) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    match format {
        Format::Human => report.human(&mut out)?,
        Format::Json => {
            serde_json::to_writer_pretty(&mut out, report)?;
            writeln!(out)?;
        }
    }
    out.flush()
}

/// Tells a person something on standard error. A closed standard error is nobody's loss.
pub(super) fn tell(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// A part of a whole in percent: `30.0 %`.
pub(super) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "0 %".to_owned();
    }
    format!("{:.1} %", part as f64 * 100.0 / whole as f64)
}
