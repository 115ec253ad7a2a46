//! The one place where text leaves the program: results on standard output, notes and errors on
//! standard error, each for people or for programs.
//!
//! Printed text can contain anything: keys, names of files and columns, fields of a manifest or a
//! plan, answers of a server. Terminals interpret control characters in it. So all output passes
//! [`EscapingWriter`], which escapes them; a test makes sure that nothing else in the program
//! writes to either stream. Escapes are the same on a terminal and in a pipe; on a terminal, lines
//! for people are broken to its width besides. JSON results use JSON's own escapes, so values read
//! back unchanged. Files (manifests, CSV, plans) are not written through here and keep their bytes.

use std::borrow::Cow;
use std::env;
use std::io::{self, BufWriter, StdoutLock, Write};
use std::str;

use anstream::AutoStream;
use comfy_table::Table;
use serde::Serialize;

use super::output_format::Format;
use super::terminal::{self, LineFitter, Screen};
use crate::plan::PLAN_VERSION;

/// A document of JSON: all begin with the same members. `docs/output.schema.json` describes each.
#[derive(Serialize)]
pub(super) struct Document<'a, T> {
    /// Of the names in it, which are the same in all documents.
    version: u32,
    /// The command that it is of; none where arguments name none.
    command: Option<&'a str>,
    #[serde(flatten)]
    content: T,
}

impl<'a, T: Serialize> Document<'a, T> {
    pub(super) fn new(command: Option<&'a str>, content: T) -> Self {
        Self { version: PLAN_VERSION, command, content }
    }
}

/// A result that can be shown both ways.
pub(super) trait CommandResult: Serialize {
    /// The command that gives it.
    const COMMAND: &'static str;

    /// Writes it for people.
    fn human(&self, out: &mut dyn Write) -> io::Result<()>;
}

/// Prints a result in the format asked for.
pub(super) fn print<R: CommandResult>(report: &R, format: Format) -> io::Result<()> {
    match format {
        Format::Human => {
            let mut out = output(format);
            report.human(&mut out)?;
            out.flush()
        }
        Format::Json => document(&Document::new(Some(R::COMMAND), report)),
    }
}

/// Prints a whole document, as JSON.
pub(super) fn document(document: &impl Serialize) -> io::Result<()> {
    let mut out = output(Format::Json);
    serde_json::to_writer_pretty(&mut out, document)?;
    writeln!(out)?;
    out.flush()
}

/// What standard output is shown on.
fn screen_of_stdout() -> Screen {
    let stream = io::stdout();
    Screen::new(terminal::columns(&stream), AutoStream::choice(&stream))
}

/// An empty table, which keeps to the width of the terminal that standard output is.
pub(super) fn table() -> Table {
    terminal::table(screen_of_stdout())
}

/// What standard error is shown on.
fn screen_of_stderr() -> Screen {
    let stream = io::stderr();
    Screen::new(terminal::columns(&stream), AutoStream::choice(&stream))
}

/// Standard output, for text of this format.
pub(super) fn output(format: Format) -> EscapingWriter<LineFitter<BufWriter<StdoutLock<'static>>>> {
    let screen = match format {
        Format::Human => screen_of_stdout(),
        Format::Json => Screen::default(),
    };
    EscapingWriter::new(LineFitter::new(BufWriter::new(io::stdout().lock()), screen), format)
}

/// Prints a script, whose lines are not fitted to a terminal.
pub(super) fn script(text: &str) -> io::Result<()> {
    let mut out = EscapingWriter::new(BufWriter::new(io::stdout().lock()), Format::Human);
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Tells a person something on standard error. A closed standard error is not an error.
pub(super) fn tell(text: &str) {
    // In one piece: several processes may write there.
    let mut line = Vec::with_capacity(text.len() + 1);
    let _ = writeln!(
        EscapingWriter::new(LineFitter::new(&mut line, screen_of_stderr()), Format::Human),
        "{text}"
    );
    let _ = io::stderr().write_all(&line);
}

/// Tells what is wrong with arguments, or what `--help` and `--version` ask for. clap puts colours
/// of its own between words, so this can't be cleaned: what the arguments hold has been.
pub(super) fn usage(error: &clap::Error) {
    let is_error = error.use_stderr();
    let screen = if is_error {
        screen_of_stderr()
    } else {
        // clap, too, has fitted what help holds to what this says.
        let columns = env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        screen_of_stdout().or_columns(columns)
    };
    let text = error.render();
    let text = if screen.has_colours() { text.ansi().to_string() } else { text.to_string() };
    let mut lines = Vec::with_capacity(text.len());
    let mut fitted = LineFitter::new(&mut lines, screen);
    let _ = fitted.write_all(text.as_bytes()).and_then(|()| fitted.flush());
    // A closed stream is not an error.
    let _ = if is_error { io::stderr().write_all(&lines) } else { io::stdout().write_all(&lines) };
}

/// Tells why the command fails.
pub(super) fn error(text: &str) {
    tell(&format!("error: {text}"));
}

/// Tells what may go wrong, or did.
pub(super) fn warning(text: &str) {
    tell(&format!("warning: {text}"));
}

/// Tells what is so, and is good to know.
pub(super) fn note(text: &str) {
    tell(&format!("note: {text}"));
}

/// Writes text with control characters escaped: in text for people as [`visible`] does, in JSON as
/// JSON does.
///
/// Line feeds and, for people, tabs are passed on, for a writer can't tell ours from others. So
/// lines that hold a text from outside show it by [`visible`].
pub(super) struct EscapingWriter<W> {
    to: W,
    format: Format,
    /// The beginning of a character that was written in pieces.
    cut: Vec<u8>,
}

impl<W: Write> EscapingWriter<W> {
    pub(super) fn new(to: W, format: Format) -> Self {
        Self { to, format, cut: Vec::new() }
    }

    fn text(&mut self, text: &str) -> io::Result<()> {
        let format = self.format;
        let passes = |c: char| match format {
            Format::Human => matches!(c, '\n' | '\t') || !is_unseen(c),
            // JSON has escaped all below a space; line feeds are those between its members.
            Format::Json => c < '\u{7f}' || !is_unseen(c),
        };
        let mut rest = text;
        while let Some(at) = rest.find(|c| !passes(c)) {
            let (plain, from) = rest.split_at(at);
            self.to.write_all(plain.as_bytes())?;
            let mut behind = from.chars();
            if let Some(c) = behind.next() {
                match format {
                    Format::Human => write!(self.to, "{}", c.escape_default())?,
                    // All such characters have four digits at most.
                    Format::Json => write!(self.to, "\\u{:04x}", u32::from(c))?,
                }
            }
            rest = behind.as_str();
        }
        self.to.write_all(rest.as_bytes())
    }
}

impl<W: Write> Write for EscapingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut all = std::mem::take(&mut self.cut);
        all.extend_from_slice(bytes);
        let mut rest = all.as_slice();
        loop {
            let error = match str::from_utf8(rest) {
                Ok(text) => {
                    self.text(text)?;
                    break;
                }
                Err(error) => error,
            };
            let (whole, broken) = rest.split_at(error.valid_up_to());
            self.text(str::from_utf8(whole).unwrap_or_default())?;
            let Some(length) = error.error_len() else {
                // Its other bytes are still to come.
                self.cut = broken.to_vec();
                break;
            };
            self.text("\u{fffd}")?;
            rest = &broken[length..];
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// A text from outside, such as a key or an answer of S3's, as a terminal may get it: what would
/// move the cursor, change colours or the direction of writing, or begin a new line, is shown as an
/// escape (`\n`, `\u{1b}`). JSON has escapes of its own.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unseen) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_unseen(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// Whether a character does something to a terminal rather than show: control characters (C0, DEL,
/// C1), line and paragraph separators, marks of direction.
fn is_unseen(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}');
    c.is_control() || turns
}

/// A part of a whole in percent: `30.0 %`.
pub(super) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "0 %".to_owned();
    }
    format!("{:.1} %", part as f64 * 100.0 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_is_clean_however_it_is_cut() {
        let text = "\u{e9}\u{1f600}\ta\u{9b}31m\u{7f}\u{202e}\u{1b}]0;\r\n\u{2028}z\n";
        let human = "\u{e9}\u{1f600}\ta\\u{9b}31m\\u{7f}\\u{202e}\\u{1b}]0;\\r\n\\u{2028}z\n";
        for piece in 1..text.len() {
            let mut clean = Vec::new();
            let mut out = EscapingWriter::new(&mut clean, Format::Human);
            text.as_bytes().chunks(piece).for_each(|bytes| out.write_all(bytes).unwrap());
            assert_eq!(str::from_utf8(&clean).unwrap(), human, "{piece}");
        }
        let mut clean = Vec::new();
        let mut out = EscapingWriter::new(&mut clean, Format::Human);
        out.write_all(b"a\xff\x9bb\xc3(").unwrap();
        assert_eq!(str::from_utf8(&clean).unwrap(), "a\u{fffd}\u{fffd}b\u{fffd}(");
    }

    #[test]
    fn json_keeps_values_without_sending_them() {
        let value = "a\u{9b}\u{7f}\u{202e}\u{1b}\u{2028}\n\u{e9}\u{fe0f}";
        let mut clean = Vec::new();
        let mut out = EscapingWriter::new(&mut clean, Format::Json);
        serde_json::to_writer_pretty(&mut out, &[value]).unwrap();
        let text = str::from_utf8(&clean).unwrap();
        let escaped = "a\\u009b\\u007f\\u202e\\u001b\\u2028\\n\u{e9}\u{fe0f}";
        assert_eq!(text, format!("[\n  \"{escaped}\"\n]"));
        assert_eq!(serde_json::from_str::<Vec<String>>(text).unwrap(), [value]);
    }

    #[test]
    fn control_characters_are_shown_not_sent() {
        for (text, wanted) in [
            ("photos/\u{e9}\u{1f600} a.jpg", "photos/\u{e9}\u{1f600} a.jpg"),
            ("\u{1b}[2Ja\rb\nc\td", "\\u{1b}[2Ja\\rb\\nc\\td"),
            ("\u{9b}31m\u{7f}\u{0}", "\\u{9b}31m\\u{7f}\\u{0}"),
            ("gpj.\u{202e}exe", "gpj.\\u{202e}exe"),
        ] {
            assert_eq!(visible(text), wanted);
        }
    }
}
