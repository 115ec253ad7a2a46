//! Reports as they reach people: below a prefix that begins with a slash, of another store, and
//! changed on their way.

use std::fs;

use serde_json::{Value, json};

use crate::fixture::{ReportFolder, gzip, md5, row, s3sieve};

fn report() -> ReportFolder {
    let rows: String =
        (0..200).map(|n| row(&["demo", &format!("k/{n}"), &n.to_string()])).collect();
    ReportFolder::new("Bucket, Key, Size", &[rows.as_bytes()])
}

/// Changes the entry of the report's data file.
fn edit(report: &ReportFolder, change: impl FnOnce(&mut Value)) {
    let mut document: Value = serde_json::from_slice(&fs::read(&report.manifest).unwrap()).unwrap();
    change(&mut document["files"][0]);
    fs::write(&report.manifest, document.to_string()).unwrap();
}

#[test]
fn a_destination_prefix_that_begins_with_a_slash_is_found_on_disk() {
    let report = report();
    edit(&report, |file| file["key"] = json!("/reports/data/0.csv.gz"));
    let manifest = report.manifest.to_str().unwrap();
    let root = report.folder.path().to_str().unwrap();
    for more in [&[][..], &["--root", root]] {
        let run = s3sieve([&["count", manifest, "--where", "Size < 5"][..], more].concat());
        let run = run.expect(0);
        assert!(run.stdout().starts_with("5 of 200 rows"), "{}", run.story());
    }
    // Not the file of that name from the root of this disk.
    let elsewhere = tempfile::tempdir().unwrap();
    let path = elsewhere.path().join("x.csv.gz");
    fs::copy(report.file(0), &path).unwrap();
    edit(&report, |file| file["key"] = json!(path));
    let run = s3sieve(["count", manifest, "--root", root]);
    run.expect(3).says(&["x.csv.gz", "is not below"]);
}

/// As Tencent's store writes it, and others may.
#[test]
fn an_md5_that_is_spelled_otherwise_is_checked() {
    for name in ["md5Checksum", "MD5Checksum", "md5checksum", "MD5checksum"] {
        for (md5, code) in [(md5(&fs::read(report().file(0)).unwrap()), 0), ("0".repeat(32), 3)] {
            let report = report();
            edit(&report, |file| {
                file.as_object_mut().unwrap().remove("MD5checksum");
                file[name] = json!(md5);
                file["size"] = json!(file["size"].to_string());
            });
            let run = s3sieve(["count", report.manifest.to_str().unwrap()]).expect(code);
            assert_eq!(run.stderr().contains("MD5"), code == 3, "{name}{}", run.story());
        }
    }
}

#[test]
fn a_file_that_was_decompressed_on_its_way_is_told_as_that() {
    let report = report();
    let manifest = report.manifest.to_str().unwrap();
    let rows: String =
        (0..200).map(|n| row(&["demo", &format!("k/{n}"), &n.to_string()])).collect();
    fs::write(report.file(0), &rows).unwrap();
    let run = s3sieve(["count", manifest]).expect(3);
    run.says(&["0.csv.gz", "was decompressed on its way", "`aws s3 cp`"]);
    // One that is longer, and still compressed, was replaced.
    fs::write(report.file(0), gzip(rows.repeat(2).as_bytes())).unwrap();
    s3sieve(["count", manifest]).expect(3).says(&["was cut or replaced"]);
    fs::write(report.file(0), "").unwrap();
    s3sieve(["count", manifest]).expect(3).says(&["was cut or replaced"]);
}

#[test]
fn bytes_behind_the_compressed_data_are_told_with_their_place() {
    let report = report();
    let mut bytes = fs::read(report.file(0)).unwrap();
    let end = bytes.len();
    bytes.extend(b"garbage");
    report.replace(0, &bytes);
    let run = s3sieve(["count", report.manifest.to_str().unwrap()]).expect(3);
    run.says(&["0.csv.gz", &format!("byte {end}"), "found 0x67"]);
}
