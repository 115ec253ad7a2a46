//! Printing results to standard output, for people or for programs.

use std::borrow::Cow;
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
///
/// Lines and tabs are kept. Other control characters are shown as [`visible`] shows them, for a
/// text may quote what a server answered.
pub(super) fn tell(text: &str) {
    let mut shown = String::with_capacity(text.len() + 1);
    for piece in text.split_inclusive(['\n', '\t']) {
        match piece.char_indices().next_back() {
            Some((end, last @ ('\n' | '\t'))) => {
                shown.push_str(&visible(&piece[..end]));
                shown.push(last);
            }
            _ => shown.push_str(&visible(piece)),
        }
    }
    let _ = writeln!(io::stderr(), "{shown}");
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
