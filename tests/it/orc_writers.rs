//! ORC files of old writers, and of writers whose clock showed another time than UTC.

use std::fs;
use std::path::Path;

use serde_json::json;
use tempfile::TempDir;

use crate::fixture::{listed, manifest_json, s3sieve};

/// A report of one such file of `testdata/orc`, in which one text is put in place of another of the
/// same length.
fn report(name: &str, third_column: &str, (from, to): (&str, &str)) -> TempDir {
    let path = Path::new(crate::REPOSITORY).join("testdata/orc").join(name);
    let mut file = fs::read(path).unwrap();
    assert_eq!(from.len(), to.len());
    let found = |window: &[u8]| window == from.as_bytes();
    let at = file.windows(from.len().max(1)).position(found);
    if let Some(at) = at {
        file[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
    assert_eq!(at.is_some(), !from.is_empty(), "{from} in {name}");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.orc"), &file).unwrap();
    let schema = format!("struct<bucket:string,key:string,{third_column}>");
    let mut document = manifest_json(&schema, &[listed("a.orc", &file)]);
    document["fileFormat"] = json!("ORC");
    fs::write(folder.path().join("manifest.json"), document.to_string()).unwrap();
    folder
}

#[track_caller]
fn expect_rows(report: &TempDir, question: &str, rows: u64) {
    let manifest = report.path().join("manifest.json");
    let run = s3sieve(["count", manifest.to_str().unwrap(), "--where", question]).expect(0);
    let expected = format!("{rows} of 3 rows");
    assert!(run.stdout().starts_with(&expected), "{question}: {expected}{}", run.story());
}

/// Their statistics say `A` to `DISABLED` of texts that are DISABLED and ENABLED (HIVE-8732).
#[test]
fn texts_are_found_whatever_the_statistics_of_old_writers_say() {
    for name in ["hive-8732.orc", "hive-8732-no-version.orc"] {
        let report = report(name, "bucket_key_status:string", ("", ""));
        expect_rows(&report, "BucketKeyStatus = 'ENABLED'", 1);
        expect_rows(&report, "BucketKeyStatus = 'DISABLED'", 2);
        expect_rows(&report, "BucketKeyStatus LIKE 'E%'", 1);
        expect_rows(&report, "BucketKeyStatus IS NULL", 0);
    }
}

/// The file counts from the beginning of 2015 by a clock in the writer's zone. Its first date lies
/// in summer: where there is summer time, the clock showed an hour more.
#[test]
fn dates_are_what_the_writer_s_clock_showed() {
    const DATES: &str = "last_modified_date:timestamp";
    const SUMMER: &str = "LastModifiedDate = '2022-04-09T08:13:00Z'";
    const WINTER: &str = "LastModifiedDate = '2022-04-09T07:13:00Z'";
    for (zone, summer) in
        [("PST", 1), ("CST", 1), ("EST", 0), ("IST", 0), ("JST", 0), ("CTT", 0), ("PRC", 0)]
    {
        let report = report("zone-PST.orc", DATES, ("PST", zone));
        expect_rows(&report, SUMMER, summer);
        expect_rows(&report, WINTER, 1 - summer);
        expect_rows(&report, "LastModifiedDate = '2024-01-01'", 1);
        expect_rows(&report, "LastModifiedDate > '2020-01-01'", 3);
    }
    for zone in ["GMT+08:00", "UTC-03:30", "GMT+08000"] {
        let report = report("zone-GMT+08.orc", DATES, ("GMT+08:00", zone));
        if zone == "GMT+08000" {
            let manifest = report.path().join("manifest.json");
            let run = s3sieve(["count", manifest.to_str().unwrap(), "--by", "LastModifiedDate"]);
            run.expect(3).says(&["time zone \"GMT+08000\"", "last_modified_date", "in UTC"]);
        } else {
            expect_rows(&report, WINTER, 1);
            expect_rows(&report, "LastModifiedDate > '2020-01-01'", 3);
        }
    }
}

/// What is installed on a machine must not decide what a file means.
#[test]
fn zones_are_not_taken_from_the_system() {
    let report = report("zone-PST.orc", "last_modified_date:timestamp", ("", ""));
    let manifest = report.path().join("manifest.json");
    // A database in which the zone can't be read.
    let zones = report.path().join("zones/America");
    fs::create_dir_all(&zones).unwrap();
    fs::write(zones.join("Los_Angeles"), "no zone").unwrap();
    let mut command = crate::fixture::program();
    let question = "LastModifiedDate = '2022-04-09T08:13:00Z'";
    command.args(["count", manifest.to_str().unwrap(), "--where", question]);
    command.env("TZDIR", report.path().join("zones")).env("TZ", "Asia/Tokyo");
    let run = crate::fixture::Run::of(command).expect(0);
    assert!(run.stdout().starts_with("1 of 3 rows"), "{}", run.story());
}
