//! What is said of a part that is a document and nothing else: that it is there.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use super::output_format::Format;
use super::print::{self, Document, visible};
use super::shell;
use crate::parts::PartNumber;
use crate::source::Location;
use crate::units::counted;

/// A part that was made, or was there already.
#[derive(Serialize)]
struct MadePart {
    partition: u32,
    partitions: u32,
    /// Whether it was there already.
    found: bool,
}

/// Shows that a part is in the folder `out`; `command` made it.
pub(super) fn show(
    command: &'static str,
    part: PartNumber,
    found: bool,
    out: &Location,
    format: Format,
) -> io::Result<()> {
    let (partition, partitions) = (part.number(), part.parts());
    if format == Format::Json {
        let made = MadePart { partition, partitions, found };
        return print::document(&Document::new(Some(command), made));
    }
    let mut screen = print::output(format);
    let there = if found { "was there already" } else { "is made" };
    writeln!(screen, "Part {partition} of {partitions} (counted from 0) {there}.")?;
    let folder = out.display().to_string();
    let next = format!(
        "Next: `s3sieve merge {}`, when there are {}.",
        shell::word(Path::new(&folder)),
        counted(u64::from(partitions), "part"),
    );
    writeln!(screen, "{}", visible(&next))?;
    screen.flush()
}
