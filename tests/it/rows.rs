//! The library's rows: the values of the columns asked for, of each row that matches, in report
//! order, whatever the threads and the memory.

use std::fs;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::Path;

use s3sieve::{Error, Query, ReportOptions, RowsOptions, RowsOutcome, RunControl, ScanOptions};

use crate::fixture::{ReportFolder, gzip, row};

const COLUMNS: &str = "Bucket, Key, Size, StorageClass";
/// Data files; the first is the longest, so that rows of the others wait for it.
const FILES: usize = 6;
const ROWS: [usize; FILES] = [9_000, 700, 600, 500, 400, 300];

/// The key and size of a row; a key may hold what CSV quotes.
fn values(file: usize, number: usize) -> (String, String) {
    let size = if number.is_multiple_of(7) { String::new() } else { number.to_string() };
    (format!("f{file}/a,\"b\" {number}"), size)
}

fn class(number: usize) -> &'static str {
    if number.is_multiple_of(3) { "GLACIER" } else { "STANDARD" }
}

fn report() -> ReportFolder {
    let file = |file: usize| -> Vec<u8> {
        let line = |number: usize| {
            let (key, size) = values(file, number);
            row(&["demo", &key.replace('"', "\"\""), &size, class(number)])
        };
        (0..ROWS[file]).map(line).collect::<String>().into_bytes()
    };
    let files: Vec<Vec<u8>> = (0..FILES).map(file).collect();
    let files: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
    ReportFolder::new(COLUMNS, &files)
}

/// What the rows in class GLACIER are, in report order, without those of the files left out.
fn expected(without: &[usize]) -> Vec<(String, String)> {
    let files = (0..FILES).filter(|file| !without.contains(file));
    let rows = files.flat_map(|file| (0..ROWS[file]).map(move |number| (file, number)));
    let matching = rows.filter(|(_, number)| class(*number) == "GLACIER");
    matching.map(|(file, number)| values(file, number)).collect()
}

fn options(threads: usize) -> RowsOptions {
    let query = Query::Where("StorageClass = 'GLACIER'".to_owned());
    let scan = ScanOptions::default().threads(NonZeroUsize::new(threads).unwrap());
    RowsOptions::new(query).columns(["Key", "Size"]).scan(scan)
}

/// The first rows, at most this many, and what the run came to.
fn rows(
    report: &ReportFolder,
    options: &RowsOptions,
    rows_max: usize,
) -> (Vec<(String, String)>, Result<RowsOutcome, Error>) {
    let reports = s3sieve::open(&[report.manifest.as_path().into()], &ReportOptions::default());
    let mut seen = Vec::new();
    let outcome = s3sieve::rows(&reports.unwrap(), options, RunControl::default(), |row| {
        let text = |place| String::from_utf8(row.value(place).unwrap().to_vec()).unwrap();
        seen.push((text(0), text(1)));
        assert_eq!(row.values().count(), 2);
        if seen.len() < rows_max { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    (seen, outcome)
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().next().is_none()
}

#[test]
fn rows_come_in_report_order_for_any_threads_and_any_memory() {
    let report = report();
    let spill = tempfile::tempdir().unwrap();
    for threads in [1, 2, 5] {
        for memory_bytes in [0, 64 << 20] {
            let mut options = options(threads);
            options.memory_bytes = memory_bytes;
            options.spill = Some(spill.path().to_owned());
            let (seen, outcome) = rows(&report, &options, usize::MAX);
            let outcome = outcome.unwrap();
            assert_eq!(seen, expected(&[]), "{threads} threads, {memory_bytes} bytes");
            assert_eq!(outcome.rows, seen.len() as u64);
            assert_eq!(outcome.scanned.rows, ROWS.iter().sum::<usize>() as u64);
            assert!(is_empty(spill.path()), "what waited on disk goes with the run");
        }
    }
}

#[test]
fn a_caller_that_breaks_off_and_a_limit_end_the_rows() {
    let report = report();
    for rows_max in [1, 5, 3_100] {
        let (seen, outcome) = rows(&report, &options(2), rows_max);
        assert_eq!((seen.len(), outcome.unwrap().rows), (rows_max, rows_max as u64));
        let mut limited = options(2);
        let class = "storageclass = 'GLACIER'";
        limited.query =
            Query::Sql(format!("SELECT * FROM s3object WHERE {class} LIMIT {rows_max}"));
        assert_eq!(rows(&report, &limited, usize::MAX).0, seen, "{rows_max}");
    }
    let mut none = options(2);
    none.query = Query::Sql("SELECT * FROM s3object LIMIT 0".to_owned());
    let (seen, outcome) = rows(&report, &none, usize::MAX);
    assert!(seen.is_empty() && outcome.unwrap().warnings.is_empty());
}

#[test]
fn a_bad_file_ends_the_run_or_is_skipped_whole() {
    let report = report();
    let mut bytes =
        gzip(&[b"\"demo\",\"x\",\"1\",\"GLACIER\"\n".repeat(50), b"\"".to_vec()].concat());
    report.replace(2, &bytes);
    let error = rows(&report, &options(2), usize::MAX).1.unwrap_err();
    assert!(error.explain().contains("2.csv.gz"), "{}", error.explain());
    let (seen, outcome) = rows(&report, &options(2).keep_going(true), usize::MAX);
    let outcome = outcome.unwrap();
    assert_eq!(seen, expected(&[2]));
    assert_eq!(outcome.files_skipped.len(), 1);
    bytes.truncate(20);
    report.replace(2, &bytes);
    let (seen, _) = rows(&report, &options(1).keep_going(true), usize::MAX);
    assert_eq!(seen, expected(&[2]));
}

#[test]
fn what_does_not_fit_is_refused_with_its_name() {
    let report = report();
    let error = rows(&report, &options(1).columns(["Key", "Owner"]), 1).1.unwrap_err();
    assert!(error.explain().contains("Owner"), "{}", error.explain());
    let mut options = options(1);
    let missing = report.out().join("missing");
    options.spill = Some(missing.clone());
    let error = rows(&report, &options, 1).1.unwrap_err();
    assert!(error.explain().contains(missing.to_str().unwrap()), "{}", error.explain());
}
