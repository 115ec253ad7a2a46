//! Small inputs that failed once, each standing for a kind, with what is right for it.
//!
//! They lie beside the project on some machines only: there `.ci/full` runs this by name. Each kind
//! has a test on inputs of the project's own, too.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::fixture::{Run, manifests, plan_document, s3sieve};

/// What is right for an input.
enum Right {
    /// So many rows match.
    Rows(u64),
    /// So many lines in the manifests.
    Lines(usize),
    /// The same, and so many bytes of objects in the plan.
    LinesOfBytes(usize, u64),
    /// A run that ends with this code, and says all of these.
    Says(i32, &'static [&'static str]),
    /// A run that is refused as a bad question or bad input, and says all of these.
    Explained(&'static [&'static str]),
    /// A match, or a sentence on what to write.
    MatchOrHint,
}

use Right::{Explained, Lines, LinesOfBytes, MatchOrHint, Rows, Says};

/// An input, the command, its flags, and what is right.
type Case = (&'static str, &'static str, &'static [&'static str], Right);

/// A date or size that can't be read is never NULL without a word.
const VALUES: [Case; 11] = [
    ("csv/size_float", "count", &["--where", "Size > 10"], Says(3, &["Size", "1000.0"])),
    ("csv/size_exp", "count", &["--where", "Size > 10"], Says(3, &["Size", "1e3"])),
    ("csv/size_space", "count", &["--where", "Size > 10"], Says(3, &["Size", " 1000"])),
    ("csv/size_plus", "filter", &["--where", "Size > 10"], LinesOfBytes(1, 1000)),
    ("csv/date_epoch_ms", "count", BEFORE_2025, Says(3, &["LastModifiedDate", "1704412800000"])),
    ("csv/date_space_utc", "count", BEFORE_2025, Says(3, &["LastModifiedDate", ".000 UTC"])),
    ("csv/bool_num", "count", &["--where", "IsLatest"], Says(3, &["IsLatest"])),
    ("csv/bool_yes", "count", &["--where", "IsLatest"], Says(3, &["IsLatest", "yes"])),
    ("csv/marker_num", "filter", TAG_ALL, Says(3, &["IsDeleteMarker"])),
    ("csv/marker_t", "filter", TAG_ALL, Says(3, &["IsDeleteMarker"])),
    ("csv/space_after_comma", "filter", &["--where", "TRUE"], Says(3, &["space", "record 1"])),
];

const BEFORE_2025: &[&str] = &["--where", "LastModifiedDate < '2025-01-01'"];
const SINCE_2020: &[&str] = &["--where", "LastModifiedDate > '2020-01-01'"];
const TAG_ALL: &[&str] = &["--where", "Size >= 0 OR Size IS NULL", "--for", "tag"];

const ORC: [Case; 5] = [
    ("orc/m_hive8732", "count", &["--where", "BucketKeyStatus='ENABLED'"], Rows(1)),
    ("orc/m_hive8732_absent", "count", &["--where", "BucketKeyStatus='DISABLED'"], Rows(2)),
    ("orc/j_tz2_PST", "count", SINCE_2020, Rows(3)),
    ("orc/j_tz2_IST", "count", SINCE_2020, Rows(3)),
    ("orc/j_tz_cst_abbrev", "count", SINCE_2020, Rows(3)),
];

const DIRECTORY: &[&str] = &["directory bucket", "copy and lambda"];
const COS: &str = "layout/cos/inv/field-bucket/all/20260131/manifest.json";

const LAYOUTS: [Case; 21] = [
    ("layout/lead_slash_key", "count", &["--where", "Size >= 0"], Rows(10)),
    (
        "layout/lead_slash_key",
        "count",
        &["--where", "IsLatest"],
        Explained(&["no column `IsLatest`"]),
    ),
    ("layout/hive", "count", &["--where", "Size >= 0"], Rows(10)),
    (
        "layout/hive/inv/field-bucket/all/hive/dt=2026-01-31-01-00/symlink.txt",
        "count",
        &[],
        Explained(&["symlink.txt", "manifest.json"]),
    ),
    (
        "layout/hive/inv/field-bucket/all/data/00000000-aaaa-bbbb-cccc-000000000000.csv.gz",
        "count",
        &[],
        Explained(&["data file", "manifest.json"]),
    ),
    ("layout/directory_bucket", "filter", &["--where", "TRUE", "--for", "tag"], Says(2, DIRECTORY)),
    ("layout/directory_bucket", "filter", &["--where", "TRUE", "--for", "acl"], Says(2, DIRECTORY)),
    (
        "layout/directory_bucket",
        "filter",
        &["--where", "TRUE", "--for", "restore"],
        Says(2, DIRECTORY),
    ),
    (
        "layout/directory_bucket",
        "filter",
        &["--where", "TRUE", "--for", "update-encryption"],
        Says(2, DIRECTORY),
    ),
    (
        "layout/directory_bucket",
        "filter",
        &["--where", "TRUE", "--for", "checksum"],
        Says(2, DIRECTORY),
    ),
    ("layout/directory_bucket", "filter", &["--where", "TRUE", "--for", "copy"], Lines(5)),
    ("layout/directory_bucket", "filter", &["--where", "TRUE", "--for", "lambda"], Lines(10)),
    ("layout/directory_bucket_arn", "count", &["--where", "TRUE"], Rows(10)),
    (
        "layout/directory_bucket_arn",
        "filter",
        &["--where", "TRUE", "--for", "tag"],
        Says(2, DIRECTORY),
    ),
    (
        "layout/plain",
        "filter",
        &["--where", "TRUE", "--for", "replicate"],
        Says(2, &["version ids are needed"]),
    ),
    (COS, "count", &["--where", "TRUE"], Says(3, &["MD5", "00000000000000000000000000000000"])),
    (COS, "count", &["--where", "TRUE", "--verify", "crc"], Rows(3)),
    ("gzip/browser_unzipped", "count", &[], Says(3, &["was decompressed", "`aws s3 cp`"])),
    ("gzip/trailing_garbage", "count", &[], Says(3, &["byte 565", "0x67"])),
    ("markers", "filter", UNDELETE, Lines(3)),
    ("markers", "filter", REPLICATE_MARKERS, Lines(3)),
];

const UNDELETE: &[&str] = &[
    "--where",
    "IsDeleteMarker AND IsLatest",
    "--for",
    "lambda",
    "--include-ineligible",
    "delete-marker",
];
const REPLICATE_MARKERS: &[&str] = &[
    "--where",
    "IsDeleteMarker AND IsLatest",
    "--for",
    "replicate",
    "--include-ineligible",
    "delete-marker",
];

const HINTS: [Case; 3] = [
    ("public-acl", "count", &["--where", "ObjectAccessControlList LIKE '%AllUsers%'"], Rows(1)),
    ("all-columns", "count", &["--where", "key = 'photos/caf%C3%A9+1.jpg'"], MatchOrHint),
    ("all-columns", "count", &["--where", "VersionId = 'null'"], MatchOrHint),
];

const EVERYTHING: &[&str] = &["--where", "TRUE"];

const DAMAGE: [Case; 9] = [
    ("damage/ek-csv", "filter", EVERYTHING, Says(3, &["record 1", "the key is empty"])),
    ("damage/ek-orc", "filter", EVERYTHING, Says(3, &["a.orc", "empty"])),
    ("damage/ek-pq", "filter", EVERYTHING, Says(3, &["a.parquet", "empty"])),
    ("damage/flip-orc-1-515", "filter", EVERYTHING, Says(3, &["f0.orc"])),
    ("damage/flip-orc-2-879", "filter", EVERYTHING, Says(3, &["f0.orc"])),
    ("damage/n-esc", "count", EVERYTHING, Says(3, &["\\u{1b}"])),
    ("damage/n-twice", "count", EVERYTHING, Says(3, &["listed twice"])),
    ("damage/nrows", "filter", EVERYTHING, Says(3, &["record 1", "not the name of a bucket"])),
    ("damage/pq-dup", "count", EVERYTHING, Says(3, &["two columns"])),
];

/// Folders of inputs that are folders themselves.
const GROUPS: [&str; 5] = ["csv", "orc", "layout", "gzip", "damage"];

/// Rows of completion reports: `jobs report` has tests of its own for them.
const LATER: [&str; 1] = ["jobrows"];

/// Words of the parser's that say nothing to people.
const INTERNALS: [&str; 7] =
    ["infix", "Token", "Expected:", "EOF", "ParserError", "TokenizerError", "prefix parser"];

fn folder() -> PathBuf {
    Path::new(crate::REPOSITORY).join("../shared/field-cases")
}

fn all() -> impl Iterator<Item = Case> {
    VALUES.into_iter().chain(ORC).chain(LAYOUTS).chain(HINTS).chain(DAMAGE)
}

/// Runs a case; what is wrong with the outcome.
fn fault((input, command, flags, right): &Case) -> Option<String> {
    let scratch = tempfile::tempdir().unwrap();
    let out = scratch.path().join("plan");
    let report = folder().join(input);
    let mut arguments = vec![*command, report.to_str().unwrap()];
    arguments.extend(*flags);
    if *command == "filter" {
        arguments.extend(["--out", out.to_str().unwrap()]);
    }
    let run = s3sieve(arguments);
    let ends_with = |code| run.output.status.code() == Some(code);
    let is_right = match right {
        Rows(rows) => ends_with(0) && run.stdout().starts_with(&format!("{rows} of ")),
        Lines(lines) => ends_with(0) && manifests(&out).lines().count() == *lines,
        LinesOfBytes(lines, bytes) => {
            ends_with(0)
                && manifests(&out).lines().count() == *lines
                && plan_document(&out)["totals"]["bytes_objects"] == *bytes
        }
        Says(code, parts) => ends_with(*code) && parts.iter().all(|p| run.stderr().contains(p)),
        Explained(parts) => {
            let is_refused = ends_with(2) || ends_with(3);
            is_refused && parts.iter().all(|part| run.stderr().contains(part))
        }
        MatchOrHint => {
            let told = run.stdout() + &run.stderr();
            ends_with(0)
                && (told.contains("note: no row was selected; ") || !told.starts_with("0 of "))
        }
    };
    let story = || format!("{input}: not what is right for it{}", run.story());
    (!is_right || run.stderr().contains('\u{1b}')).then(story)
}

/// What can't be read is refused or counted, and what can be is read.
#[test]
#[ignore = "reads a folder outside of the project: run by name"]
fn field_cases_give_what_is_right_for_them() {
    let faults: Vec<String> = all().filter_map(|case| fault(&case)).collect();
    assert!(faults.is_empty(), "{} wrong:{}", faults.len(), faults.concat());
}

#[test]
#[ignore = "reads a folder outside of the project: run by name"]
fn field_cases_are_all_in_the_table() {
    let names = |folder: &Path| -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
        let folders = entries.filter(|entry| entry.path().is_dir());
        folders.map(|entry| entry.file_name().into_string().unwrap()).collect()
    };
    let mut there = BTreeSet::new();
    for name in names(&folder()) {
        if GROUPS.contains(&name.as_str()) {
            let inner = names(&folder().join(&name));
            there.extend(inner.into_iter().map(|inner| format!("{name}/{inner}")));
        } else if !LATER.contains(&name.as_str()) {
            there.insert(name);
        }
    }
    let listed = all().map(|(input, ..)| {
        let deep = GROUPS.iter().any(|group| input.starts_with(&format!("{group}/")));
        input.split('/').take(1 + usize::from(deep)).collect::<Vec<_>>().join("/")
    });
    assert_eq!(there, listed.collect::<BTreeSet<_>>());
}

/// Runs a line as people pasted it: it works, or a sentence says what to write.
fn fault_of_line(flags: &[&str]) -> Option<String> {
    let scratch = tempfile::tempdir().unwrap();
    let (out, report) = (scratch.path().join("plan"), folder().join("all-columns"));
    let arguments = ["filter", report.to_str().unwrap(), "--out", out.to_str().unwrap()];
    let run: Run = s3sieve([&arguments[..], flags].concat());
    let told = run.stderr();
    let is_right = match run.output.status.code() {
        Some(0) => true,
        Some(2 | 3) => !told.is_empty() && !INTERNALS.iter().any(|word| told.contains(word)),
        _ => false,
    };
    (!is_right).then(|| format!("{flags:?}{}", run.story()))
}

fn lines_work_or_are_explained(file: &str, flag: &str, lines_min: usize) {
    let text = fs::read_to_string(folder().join(file)).unwrap();
    // A comment takes the line behind it along.
    let text = text.replace("-- comment\n", "-- comment\u{b}");
    let lines: Vec<String> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.replace('\u{b}', "\n"))
        .collect();
    assert!(lines.len() >= lines_min, "{}", lines.len());
    let faults: Vec<String> =
        lines.iter().filter_map(|line| fault_of_line(&[flag, line])).collect();
    assert!(faults.is_empty(), "{} of {}:{}", faults.len(), lines.len(), faults.concat());
}

#[test]
#[ignore = "reads a folder outside of the project: run by name"]
fn field_cases_predicates_work_or_are_explained() {
    lines_work_or_are_explained("predicates.txt", "--where", 70);
}

#[test]
#[ignore = "reads a folder outside of the project: run by name"]
fn field_cases_statements_work_or_are_explained() {
    lines_work_or_are_explained("sqls.txt", "--sql", 23);
}
