//! How text for people fits a terminal: lines break at words, tables keep to its width, and what
//! kind a message is stands in front of it, in colour where colours are wanted (`NO_COLOR`,
//! `CLICOLOR`). In a pipe, lines are as long as they are, and without colours.

use std::io::{self, IsTerminal, Write};
use std::str;

use anstream::ColorChoice;
use comfy_table::presets::NOTHING;
use comfy_table::{Cell, Column, ColumnConstraint, ContentArrangement, Table, Width};

/// The least width that lines are fitted to. A terminal that says it has less shows a word a line.
const COLUMNS_MIN: usize = 20;

/// What begins a message, and the colour that it has: bold red, yellow, cyan, green.
const PREFIXES: [(&str, &str); 4] = [
    ("error:", "\u{1b}[1;31m"),
    ("warning:", "\u{1b}[1;33m"),
    ("note:", "\u{1b}[1;36m"),
    ("hint:", "\u{1b}[1;32m"),
];

/// What begins the line that shows how a command is given; what goes on is below its command.
const USAGE: &str = "Usage: ";

/// Begins a colour or a style; a letter ends what does.
const ESCAPE: char = '\u{1b}';

/// Ends a colour.
const PLAIN: &str = "\u{1b}[0m";

/// What a stream of text for people is shown on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Screen {
    /// The columns of a terminal; none where lines may have any length.
    columns: Option<usize>,
    has_colours: bool,
}

impl Screen {
    pub(super) fn new(columns: Option<usize>, colours: ColorChoice) -> Self {
        Self { columns, has_colours: colours != ColorChoice::Never }
    }

    pub(super) fn has_colours(self) -> bool {
        self.has_colours
    }

    /// With these columns, where it is not a terminal that has its own.
    pub(super) fn or_columns(mut self, columns: Option<usize>) -> Self {
        self.columns = self.columns.or(columns.filter(|columns| *columns >= COLUMNS_MIN));
        self
    }

    /// Writes a line in as many lines of the terminal as it takes; all begin where it begins, or
    /// behind the word that names it.
    fn write(self, line: &str, to: &mut impl Write) -> io::Result<()> {
        let mut rest = line.trim_start_matches(' ');
        let mut indent = line.len() - rest.len();
        let hang = if is_usage(rest) { USAGE.len() } else { indent };
        let room = |indent| {
            let room = self.columns?.saturating_sub(indent);
            Some(room).filter(|room| *room >= COLUMNS_MIN / 2)
        };
        while let Some(room) = room(indent)
            && let Some((first, behind)) = broken(rest, room)
        {
            write!(to, "{:indent$}", "")?;
            self.coloured(first, to)?;
            writeln!(to)?;
            rest = behind;
            indent = hang;
        }
        write!(to, "{:indent$}", "")?;
        self.coloured(rest, to)
    }

    fn coloured(self, text: &str, to: &mut impl Write) -> io::Result<()> {
        let of = |(prefix, colour): &(&'static str, &'static str)| {
            Some((*prefix, *colour, text.strip_prefix(prefix)?))
        };
        match PREFIXES.iter().find_map(of) {
            Some((prefix, colour, rest)) if self.has_colours => {
                write!(to, "{colour}{prefix}{PLAIN}{rest}")
            }
            _ => to.write_all(text.as_bytes()),
        }
    }
}

/// The columns of a terminal, if a stream is one that says it.
#[cfg(unix)]
pub(super) fn columns(stream: &(impl IsTerminal + std::os::fd::AsFd)) -> Option<usize> {
    if !stream.is_terminal() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(stream).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns >= COLUMNS_MIN)
}

/// The columns of a terminal, if a stream is one that says it.
#[cfg(not(unix))]
pub(super) fn columns(stream: &impl IsTerminal) -> Option<usize> {
    let columns = stream.is_terminal().then(|| Table::new().width())??;
    Some(usize::from(columns)).filter(|columns| *columns >= COLUMNS_MIN)
}

/// The part of a line that fits, up to a space, and what is behind that; `None` where all of it
/// fits, or no space is there to break it at.
fn broken(line: &str, columns: usize) -> Option<(&str, &str)> {
    let text = line.trim_end();
    // The first character that doesn't fit.
    let (end, next) = seen(text).nth(columns)?;
    let (fits, behind) = text.split_at(end);
    let at = match fits.rfind(' ') {
        _ if next == ' ' => end,
        Some(at) => at,
        // A word that is longer than the line stands alone.
        None => end + behind.find(' ')?,
    };
    let (first, rest) = text.split_at(at);
    Some((first.trim_end(), rest.trim_start()))
}

/// The characters of a text that take a column, which colours don't, and where each is.
fn seen(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut in_escape = false;
    text.char_indices().filter(move |(_, c)| {
        let is_seen = !in_escape && *c != ESCAPE;
        in_escape = if in_escape { !c.is_ascii_alphabetic() } else { *c == ESCAPE };
        is_seen
    })
}

/// Whether a line shows how a command is given.
fn is_usage(line: &str) -> bool {
    seen(line).map(|(_, c)| c).take(USAGE.len()).eq(USAGE.chars())
}

/// Fits what is written to a screen, line by line.
pub(super) struct LineFitter<W: Write> {
    to: W,
    screen: Screen,
    /// The beginning of a line whose end is still to come.
    line: Vec<u8>,
}

impl<W: Write> LineFitter<W> {
    pub(super) fn new(to: W, screen: Screen) -> Self {
        Self { to, screen, line: Vec::new() }
    }
}

impl<W: Write> Write for LineFitter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.screen == Screen::default() {
            return self.to.write(bytes);
        }
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            let Some(line) = self.line.strip_suffix(b"\n") else { continue };
            // What comes here has been made text.
            self.screen.write(str::from_utf8(line).unwrap_or_default(), &mut self.to)?;
            self.to.write_all(b"\n")?;
            self.line.clear();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.write_all(&self.line)?;
        self.line.clear();
        self.to.flush()
    }
}

/// An empty table, which keeps to the width of a terminal.
pub(super) fn table(screen: Screen) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    if let Some(columns) = screen.columns {
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(u16::try_from(columns).unwrap_or(u16::MAX));
    }
    table
}

/// Keeps the words of a table whole. `false` where the terminal has no room for them side by side:
/// then they are broken, unless less is shown.
pub(super) fn keep_words(table: &mut Table) -> bool {
    if matches!(table.content_arrangement(), ContentArrangement::Disabled) {
        return true;
    }
    // A boundary includes the blanks on both sides.
    let least = |(number, column): (usize, &Column)| {
        let cells = table.column_cells_with_header_iter(number).flatten();
        let longest =
            |cell: &Cell| cell.content().split(' ').map(|word| word.chars().count()).max();
        let longest = cells.filter_map(longest).max().unwrap_or_default();
        u16::try_from(longest).unwrap_or(u16::MAX).saturating_add(column.padding_width())
    };
    let least: Vec<u16> = table.column_iter().enumerate().map(least).collect();
    let needed: usize = least.iter().map(|width| usize::from(*width)).sum();
    if needed > table.width().map_or(usize::MAX, usize::from) {
        return false;
    }
    for (column, width) in table.column_iter_mut().zip(least) {
        column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width)));
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, columns: Option<usize>, has_colours: bool) -> String {
        let mut shown = Vec::new();
        let mut fitted = LineFitter::new(&mut shown, Screen { columns, has_colours });
        // However it is cut.
        for piece in text.as_bytes().chunks(3) {
            fitted.write_all(piece).unwrap();
        }
        fitted.flush().unwrap();
        String::from_utf8(shown).unwrap()
    }

    #[test]
    fn lines_break_at_words() {
        let text = "one two three four\n  five six seven\nshort\n\nrest";
        assert_eq!(shown(text, None, false), text);
        let wanted = "one two\nthree four\n  five six\n  seven\nshort\n\nrest";
        assert_eq!(shown(text, Some(12), false), wanted);
        let wanted = "a\nwordlongerthanthat\nb\n";
        assert_eq!(shown("a wordlongerthanthat b\n", Some(10), false), wanted);
        assert_eq!(shown("wordlongerthanthat\n", Some(10), false), "wordlongerthanthat\n");
        assert_eq!(shown("éé éé ééé é\n", Some(12), false), "éé éé ééé é\n");
        assert_eq!(shown("ééééé ééééé ééé é\n", Some(11), false), "ééééé ééééé\nééé é\n");
    }

    #[test]
    fn a_line_that_fits_is_not_broken() {
        assert_eq!(shown("1234567890\n", Some(10), false), "1234567890\n");
        assert_eq!(shown("12345 67890\n", Some(10), false), "12345\n67890\n");
        assert_eq!(shown("1234567890    \n", Some(10), false), "1234567890    \n");
    }

    #[test]
    fn colours_take_no_columns_and_usage_goes_on_below_its_command() {
        let text = "Usage: program command --one <A> --two <B>\n  --one <A>\n";
        let wanted = "Usage: program command\n       --one <A> --two\n       <B>\n  --one <A>\n";
        assert_eq!(shown(text, Some(22), false), wanted);
        let bold = |text: &str| text.replace("Usage:", "\u{1b}[1m\u{1b}[4mUsage:\u{1b}[0m");
        let bold = |text: &str| bold(text).replace("--one", "\u{1b}[32m--one\u{1b}[0m");
        assert_eq!(shown(&bold(text), Some(22), true), bold(wanted));
    }

    #[test]
    fn the_kind_of_a_message_has_a_colour_where_there_are_any() {
        let text = "error: a b\nnothing: c\n";
        assert_eq!(shown(text, Some(80), false), text);
        let red = "\u{1b}[1;31merror:\u{1b}[0m a b\nnothing: c\n";
        assert_eq!(shown(text, Some(80), true), red);
        assert_eq!(shown("error: abc d\n", Some(10), true), "\u{1b}[1;31merror:\u{1b}[0m abc\nd\n");
    }
}
