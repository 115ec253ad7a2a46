//! Counts the objects of a report that have no S3 Bucket Key, by whether they are the current
//! version.
//!
//! `cargo run --example count -- REPORT`

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use std::env;

use s3sieve::{CountOptions, Counts, Error, Location, Query, ReportOptions, RunControl};

fn count(report: Location) -> Result<Counts, Error> {
    let reports = s3sieve::open(&[report], &ReportOptions::default())?;
    let query = "BucketKeyStatus = 'DISABLED' AND NOT IsDeleteMarker";
    let options = CountOptions::new(Query::Where(query.to_owned())).by(["IsLatest"]);
    s3sieve::count(&reports, &options, RunControl::default())
}

fn main() -> Result<(), Error> {
    let report = env::args().nth(1).unwrap_or_else(|| "testdata/seed".to_owned());
    let counts = count(report.as_str().into())?;
    println!("{} of {} rows", counts.matched.rows, counts.scanned.rows);
    for (values, group) in &counts.groups {
        let is_latest = String::from_utf8_lossy(&values[0]);
        println!("IsLatest {is_latest}: {} objects", group.rows);
    }
    Ok(())
}

#[test]
fn the_groups_add_up() {
    let counts = count("testdata/seed".into()).unwrap();
    assert_eq!(counts.matched.rows, 9);
    assert_eq!(counts.groups.values().map(|group| group.rows).sum::<u64>(), 9);
}
