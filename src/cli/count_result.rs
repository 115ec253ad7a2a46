//! What a count came to, as a table or as JSON.

use std::collections::BTreeMap;
use std::io::{self, Write};

use comfy_table::{Cell, CellAlignment, Table};
use serde::Serialize;

use super::output_format::Format;
use super::print::{self, CommandResult, percent, visible};
use super::{CliError, Exit, scan_summary, terminal};
use crate::plan::{SkippedFile, UnreadableValues};
use crate::query::Counts;
use crate::read::ReportSet;
use crate::report::is_same_column;
use crate::source::Location;
use crate::units::{Bytes, Count, counted};

/// Whether the reports tell sizes.
pub(super) fn is_sized(opened: &ReportSet) -> bool {
    opened.reports.iter().any(|report| report.schema.position("Size").is_some())
}

/// Shows counts by these columns.
pub(super) fn show(
    counts: Counts,
    names: Vec<String>,
    sized: bool,
    seconds: f64,
    format: Format,
) -> Result<Exit, CliError> {
    let partly = !counts.files_skipped.is_empty() || counts.undecided > 0;
    print::print(&CountResult::new(counts, names, sized, seconds), format)?;
    Ok(if partly { Exit::Partly } else { Exit::Done })
}

#[derive(Serialize)]
struct CountResult {
    files: u64,
    rows: u64,
    rows_matched: u64,
    /// The sum of the sizes of the rows that match, where the report tells sizes.
    bytes_objects: Option<u64>,
    bytes_compressed: u64,
    bytes_raw: u64,
    seconds: f64,
    #[serde(skip)]
    names: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<Vec<GroupResult>>,
    files_skipped: Vec<SkippedFile>,
    unreadable: Vec<UnreadableValues>,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct GroupResult {
    /// By column; null where the field is empty.
    values: BTreeMap<String, Option<String>>,
    rows: u64,
    bytes_objects: Option<u64>,
    #[serde(skip)]
    in_order: Vec<Vec<u8>>,
}

/// A sum of sizes as far as 64 bits go: 16 EiB.
fn saturated(bytes: u128) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

impl CountResult {
    fn new(counts: Counts, names: Vec<String>, sized: bool, seconds: f64) -> Self {
        let mut groups: Vec<GroupResult> = counts
            .groups
            .into_iter()
            .map(|(values, group)| {
                let text = |value: &Vec<u8>| {
                    (!value.is_empty()).then(|| String::from_utf8_lossy(value).into_owned())
                };
                GroupResult {
                    values: names.iter().cloned().zip(values.iter().map(text)).collect(),
                    rows: group.rows,
                    bytes_objects: sized.then_some(saturated(group.bytes)),
                    in_order: values,
                }
            })
            .collect();
        groups.sort_by(|a, b| b.rows.cmp(&a.rows).then_with(|| a.in_order.cmp(&b.in_order)));
        let skipped = |(path, error): (Location, String)| SkippedFile {
            file: path.display().to_string(),
            error,
        };
        let unreadable: Vec<UnreadableValues> =
            counts.unreadable.iter().map(UnreadableValues::from).collect();
        let warnings = unreadable.iter().map(|found| {
            match names.iter().any(|name| is_same_column(name, &found.column)) {
                true => found.warning_where_grouped(),
                false => found.warning(),
            }
        });
        let warnings = counts.warnings.into_iter().chain(warnings).collect();
        Self {
            files: counts.scanned.files,
            rows: counts.scanned.rows,
            rows_matched: counts.matched.rows,
            bytes_objects: sized.then_some(saturated(counts.matched.bytes)),
            bytes_compressed: counts.scanned.bytes_compressed,
            bytes_raw: counts.scanned.bytes_raw,
            seconds,
            groups: (!names.is_empty()).then_some(groups),
            names,
            files_skipped: counts.files_skipped.into_iter().map(skipped).collect(),
            warnings,
            unreadable,
        }
    }

    fn table(&self, groups: &[GroupResult]) -> Table {
        let mut table = self.table_of(groups, false);
        if !terminal::keep_words(&mut table) {
            table = self.table_of(groups, true);
            terminal::keep_words(&mut table);
        }
        table
    }

    /// The groups as they are counted; in a narrow table, all values of one in a column, and no
    /// bars.
    fn table_of(&self, groups: &[GroupResult], is_narrow: bool) -> Table {
        let right = |text: &str| Cell::new(text).set_alignment(CellAlignment::Right);
        let values = |values: Vec<String>| match is_narrow {
            true => vec![Cell::new(values.join(", "))],
            false => values.iter().map(Cell::new).collect(),
        };
        let mut table = print::table();
        let mut header = values(self.names.iter().map(|name| visible(name).into_owned()).collect());
        header.extend(["rows", "share"].map(right));
        if !is_narrow {
            header.push(Cell::new(""));
        }
        if self.bytes_objects.is_some() {
            header.push(right("size"));
        }
        table.set_header(header);
        for group in groups {
            let value = |bytes: &Vec<u8>| match bytes.as_slice() {
                b"" => "(empty)".to_owned(),
                bytes => visible(&String::from_utf8_lossy(bytes)).into_owned(),
            };
            let mut row = values(group.in_order.iter().map(value).collect());
            row.push(right(&Count(group.rows).to_string()));
            row.push(right(&percent(group.rows, self.rows_matched)));
            if !is_narrow {
                row.push(Cell::new(bar(group.rows, self.rows_matched)));
            }
            row.extend(group.bytes_objects.map(|bytes| right(&Bytes(bytes).to_string())));
            table.add_row(row);
        }
        table
    }
}

impl CommandResult for CountResult {
    const COMMAND: &'static str = "count";

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let size = self.bytes_objects.map(|bytes| format!(" with {} of objects", Bytes(bytes)));
        writeln!(
            out,
            "{} of {} match ({}){}, {}.",
            Count(self.rows_matched),
            counted(self.rows, "row"),
            percent(self.rows_matched, self.rows),
            size.unwrap_or_default(),
            scan_summary::scanned(self.files, self.rows, self.bytes_raw, self.seconds),
        )?;
        scan_summary::skipped(out, &self.files_skipped)?;
        for warning in &self.warnings {
            writeln!(out, "note: {}", visible(warning))?;
        }
        if let Some(groups) = &self.groups {
            writeln!(out, "\n{}", self.table(groups))?;
        }
        Ok(())
    }
}

/// A part of a whole as a bar of at most 24 characters, to an eighth of a character.
fn bar(part: u64, whole: u64) -> String {
    const WIDTH: f64 = 24.0;
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (part as f64 / whole.max(1) as f64 * WIDTH * 8.0).round() as usize;
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_drawn_to_an_eighth() {
        assert_eq!(bar(0, 10), "");
        assert_eq!(bar(10, 10), "█".repeat(24));
        assert_eq!(bar(5, 10), "█".repeat(12));
        assert_eq!(bar(1, 192), "▏");
        assert_eq!(bar(0, 0), "");
    }
}
