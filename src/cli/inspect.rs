//! `s3sieve inspect`: what a report holds, and whether all of it is here.

use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

use super::args::InspectArgs;
use super::print::{self, CommandResult as Printed, visible};
use super::{CliError, Exit, given, terminal};
use crate::hex;
use crate::read;
use crate::report::{self, ChecksumState, ColumnKind, FilesOnDisk, Report};
use crate::threads;
use crate::units::{Bytes, counted};

/// Keys that a person is shown of those that are missing.
const KEYS_SHOWN_MAX: usize = 5;

pub(super) fn run(args: &InspectArgs) -> Result<Exit, CliError> {
    let mut reports = Vec::new();
    let (names, lookup) =
        args.report.resolve(args.threads.unwrap_or_else(threads::one_a_processor))?;
    for name in &names {
        let (report, notes) = Report::find_and_read(name, lookup.as_of.as_ref(), lookup.stop)
            .map_err(given::found_error)?;
        let survey = read::survey(&report, &lookup)?;
        reports.push(InspectResult::new(&report, survey, notes));
    }
    let complete = reports.iter().all(InspectResult::is_complete);
    print::print(&Inspection { reports }, args.format)?;
    Ok(if complete { Exit::Done } else { Exit::Input })
}

#[derive(Serialize)]
struct Inspection {
    reports: Vec<InspectResult>,
}

#[derive(Serialize)]
struct InspectResult {
    manifest: String,
    source_bucket: String,
    destination_bucket: String,
    created: Option<String>,
    seconds_age: Option<i64>,
    schema_version: String,
    format: String,
    checksum: &'static str,
    manifest_md5: String,
    columns: Vec<InspectedColumn>,
    files: u64,
    bytes_compressed: u64,
    files_present: u64,
    files_missing: Vec<String>,
    files_of_wrong_length: Vec<String>,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct InspectedColumn {
    name: String,
    kind: &'static str,
}

impl InspectResult {
    fn new(report: &Report, survey: FilesOnDisk, notes: Vec<String>) -> Self {
        let age = report.created.map(|created| Timestamp::now().as_second() - created.as_second());
        let column = |column: &report::Column| InspectedColumn {
            name: column.name.clone(),
            kind: kind_name(column.kind),
        };
        Self {
            manifest: report.manifest_path.display().to_string(),
            source_bucket: report.source_bucket.clone(),
            destination_bucket: report.destination_bucket.clone(),
            created: report.created.map(|created| created.to_string()),
            seconds_age: age,
            schema_version: report.version.clone(),
            format: report.format.to_string(),
            checksum: match report.checksum {
                ChecksumState::Matched => "matched",
                ChecksumState::Absent => "absent",
            },
            manifest_md5: hex::encode(report.manifest_md5),
            columns: report.schema.columns().iter().map(column).collect(),
            files: report.files.len() as u64,
            bytes_compressed: report.bytes_compressed(),
            files_present: survey.present,
            files_missing: survey.missing,
            files_of_wrong_length: survey.wrong_length,
            warnings: notes,
        }
    }

    fn is_complete(&self) -> bool {
        self.files_missing.is_empty() && self.files_of_wrong_length.is_empty()
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let created = match (&self.created, self.seconds_age) {
            (Some(created), Some(age)) => format!("{created} ({})", age_text(age)),
            _ => "not told".to_owned(),
        };
        let checksum = match self.checksum {
            "matched" => "manifest.checksum matches",
            _ => "no manifest.checksum beside the manifest",
        };
        vec![
            ("Report", self.manifest.clone()),
            ("Bucket", format!("{}, reported to {}", self.source_bucket, self.destination_bucket)),
            ("Begun", created),
            ("Format", format!("{}, version {}", self.format, self.schema_version)),
            ("Checksum", checksum.to_owned()),
            (
                "Files",
                format!(
                    "{}, {} compressed; {}",
                    counted(self.files, "data file"),
                    Bytes(self.bytes_compressed),
                    self.completeness(),
                ),
            ),
        ]
    }

    fn completeness(&self) -> String {
        if self.is_complete() {
            return "all are here".to_owned();
        }
        let missing = self.files_missing.len() as u64;
        let wrong = self.files_of_wrong_length.len() as u64;
        format!(
            "{} of them are here, {} missing, {} of another length than the manifest says",
            self.files_present, missing, wrong
        )
    }
}

fn kind_name(kind: ColumnKind) -> &'static str {
    match kind {
        ColumnKind::Text => "text",
        ColumnKind::Key => "key",
        ColumnKind::Acl => "acl",
        ColumnKind::Token => "name",
        ColumnKind::Integer => "number",
        ColumnKind::Timestamp => "date",
        ColumnKind::Boolean => "boolean",
    }
}

/// An age for people: hours below two days, days beyond.
fn age_text(seconds: i64) -> String {
    let hours = seconds / 3600;
    match hours {
        ..0 => "in the future".to_owned(),
        0..48 => format!("{} ago", counted(hours.unsigned_abs(), "hour")),
        _ => format!("{} ago", counted((hours / 24).unsigned_abs(), "day")),
    }
}

impl Printed for Inspection {
    const COMMAND: &'static str = "inspect";

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        for (number, report) in self.reports.iter().enumerate() {
            if number > 0 {
                writeln!(out)?;
            }
            report.human(out)?;
        }
        Ok(())
    }
}

impl InspectResult {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        for (name, fact) in self.facts() {
            writeln!(out, "{name:<9} {}", visible(&fact))?;
        }
        for (what, keys) in
            [("missing", &self.files_missing), ("wrong length", &self.files_of_wrong_length)]
        {
            for key in keys.iter().take(KEYS_SHOWN_MAX) {
                writeln!(out, "          {what}: {}", visible(key))?;
            }
            if let Some(more) = keys.len().checked_sub(KEYS_SHOWN_MAX).filter(|more| *more > 0) {
                writeln!(out, "          {what}: {more} more (--format json lists them)")?;
            }
        }
        for note in &self.warnings {
            writeln!(out, "note: {}", visible(note))?;
        }
        let mut table = terminal::table();
        table.set_header(["", "column", "holds"]);
        for (number, column) in self.columns.iter().enumerate() {
            let number = format!("_{}", number + 1);
            table.add_row([number.as_str(), &visible(&column.name), column.kind]);
        }
        terminal::keep_words(&mut table);
        writeln!(out, "\n{table}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_in_hours_then_days() {
        assert_eq!(age_text(-1_000_000), "in the future");
        assert_eq!(age_text(100), "0 hours ago");
        assert_eq!(age_text(3600), "1 hour ago");
        assert_eq!(age_text(47 * 3600), "47 hours ago");
        assert_eq!(age_text(49 * 3600), "2 days ago");
    }
}
