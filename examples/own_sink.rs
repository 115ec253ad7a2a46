//! Does something of its own with the rows that match: here, the objects below each folder.
//!
//! `cargo run --example own_sink -- REPORT`

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use std::collections::BTreeMap;
use std::env;
use std::ops::ControlFlow;

use s3sieve::{Error, Location, Query, ReportOptions, RowsOptions, RunControl};

/// How many current objects each folder at the top has.
fn folders(report: Location) -> Result<BTreeMap<String, u64>, Error> {
    let reports = s3sieve::open(&[report], &ReportOptions::default())?;
    let query = Query::Where("IsLatest AND NOT IsDeleteMarker".to_owned());
    let options = RowsOptions::new(query).columns(["Key"]);
    let mut folders = BTreeMap::new();
    s3sieve::rows(&reports, &options, RunControl::default(), |row| {
        let key = String::from_utf8_lossy(row.value(0).unwrap_or_default());
        let folder = key.split_once('/').map_or("", |(folder, _)| folder);
        *folders.entry(folder.to_owned()).or_insert(0) += 1;
        ControlFlow::Continue(())
    })?;
    Ok(folders)
}

fn main() -> Result<(), Error> {
    let report = env::args().nth(1).unwrap_or_else(|| "testdata/seed".to_owned());
    for (folder, objects) in folders(report.as_str().into())? {
        println!("{objects:>12}  {folder}/");
    }
    Ok(())
}

#[test]
fn every_current_object_is_below_a_folder() {
    let folders = folders("testdata/seed".into()).unwrap();
    assert_eq!(folders.values().sum::<u64>(), 13, "{folders:?}");
}
