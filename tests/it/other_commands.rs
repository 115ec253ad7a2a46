//! `count`, `inspect` and `synth`, and what all commands have in common.

use std::fs;
use std::io::Read;
use std::process::Stdio;

use serde_json::json;

use crate::fixture::{ReportFolder, gzip, manifests, program, row, s3sieve, seed, tree};

fn sized_report() -> ReportFolder {
    let text = row(&["demo", "a", "10", "STANDARD"])
        + &row(&["demo", "b", "2000", "GLACIER"])
        + &row(&["demo", "c", "", ""])
        + &row(&["demo", "d", "5368709121", "STANDARD"]);
    ReportFolder::new("Bucket, Key, Size, StorageClass", &[text.as_bytes(), b""])
}

#[test]
fn count_counts_rows_and_bytes() {
    let report = sized_report();
    let manifest = report.manifest.to_str().unwrap();
    let result = s3sieve(["count", manifest, "--format", "json"]).expect(0).json();
    assert_eq!(result["rows"], 4);
    assert_eq!(result["rows_matched"], 4);
    assert_eq!(result["bytes_objects"], 5_368_711_131_u64);
    let result = s3sieve(["count", manifest, "--where", "Size > '5GiB'", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(result["rows_matched"], 1);
    assert_eq!(result["rows"], 4);
}

#[test]
fn count_by_gives_each_value_its_rows_and_bytes() {
    let report = sized_report();
    let manifest = report.manifest.to_str().unwrap();
    let result =
        s3sieve(["count", manifest, "--by", "storage_class", "--format", "json"]).expect(0).json();
    assert_eq!(
        result["groups"],
        json!([
            {"values": {"StorageClass": "STANDARD"}, "rows": 2, "bytes_objects": 5_368_709_131_u64},
            {"values": {"StorageClass": null}, "rows": 1, "bytes_objects": 0},
            {"values": {"StorageClass": "GLACIER"}, "rows": 1, "bytes_objects": 2000},
        ])
    );
    let told = s3sieve(["count", manifest, "--by", "StorageClass"]).expect(0).stdout();
    for part in ["4 of 4 rows match", "50.0 %", "████████████", "(empty)", "GLACIER", "5.00 GiB"]
    {
        assert!(told.contains(part), "`{part}` is missing in\n{told}");
    }
}

#[test]
fn count_says_that_a_column_is_missing() {
    let report = sized_report();
    let manifest = report.manifest.to_str().unwrap();
    s3sieve(["count", manifest, "--by", "EncryptionStatus"])
        .expect(3)
        .says(&["EncryptionStatus", "Bucket, Key, Size, StorageClass"]);
}

#[test]
fn count_warns_of_a_value_that_s3_does_not_know() {
    let report = sized_report();
    let manifest = report.manifest.to_str().unwrap();
    let arguments = ["count", manifest, "--where", "StorageClass = 'GLACIAR'"];
    let told = s3sieve(arguments).expect(0).stdout();
    assert!(told.contains("note: StorageClass has no known value `GLACIAR`"), "{told}");
    let result = s3sieve(arguments.into_iter().chain(["--format", "json"])).expect(0).json();
    assert!(result["warnings"][0].as_str().unwrap().contains("GLACIER"), "{result:#}");
}

#[test]
fn a_report_that_is_not_there_is_bad_input() {
    s3sieve(["count", "no/such/report"]).expect(3).says(&["no/such/report", "manifest.json"]);
}

#[test]
fn a_query_that_fits_no_report_is_wrong_usage() {
    let report = sized_report();
    let manifest = report.manifest.to_str().unwrap();
    for query in ["Size >", "Size = 'many'", "StorageClass ~ 'x'"] {
        s3sieve(["count", manifest, "--where", query]).expect(2).says(&[query, "^"]);
    }
    s3sieve(["count", manifest, "--where", "IsLatest"]).expect(3).says(&["all versions"]);
}

#[test]
fn count_refuses_more_values_than_a_table_can_hold() {
    let text: String = (0..100_001).map(|number| row(&["demo", &number.to_string()])).collect();
    let report = ReportFolder::new("Bucket, Key", &[text.as_bytes()]);
    s3sieve(["count", report.manifest.to_str().unwrap(), "--by", "Key"])
        .expect(2)
        .says(&["100000", "fewer values"]);
}

#[test]
fn count_goes_on_without_bad_files_when_told_to() {
    let good = gzip(row(&["demo", "a"]).as_bytes());
    let report = ReportFolder::of_compressed("demo", "Bucket, Key", &[good, b"bad".to_vec()]);
    let manifest = report.manifest.to_str().unwrap();
    s3sieve(["count", manifest]).expect(3).says(&["1.csv.gz"]);
    let run = s3sieve(["count", manifest, "--keep-going", "--format", "json"]).expect(5);
    assert_eq!(run.json()["rows_matched"], 1);
    assert!(run.json()["files_skipped"][0]["file"].as_str().unwrap().ends_with("1.csv.gz"));
}

#[test]
fn inspect_shows_a_report_found_in_a_folder() {
    let told = s3sieve(["inspect".as_ref(), seed().as_os_str()]).expect(0).stdout();
    for part in [
        "batchoperationsdemo, reported to testbucket",
        "2019-05-24T00:00:00Z",
        "CSV, version 2021-05-22",
        "manifest.checksum matches",
        "2 data files",
        "all are here",
        "_6",
        "BucketKeyStatus",
    ] {
        assert!(told.contains(part), "`{part}` is missing in\n{told}");
    }
}

#[test]
fn inspect_misses_files_and_sees_wrong_lengths() {
    let report = ReportFolder::new("Bucket, Key", &[row(&["demo", "a"]).as_bytes(), b"", b"", b""]);
    fs::remove_file(report.file(1)).unwrap();
    fs::write(report.file(2), "longer than it was, and no gzip").unwrap();
    let manifest = report.manifest.to_str().unwrap();
    let run = s3sieve(["inspect", manifest]).expect(3);
    let told = run.stdout();
    for part in ["2 of them are here, 1 missing, 1 of another length", "missing: data/1.csv.gz"] {
        assert!(told.contains(part), "`{part}` is missing in\n{told}");
    }
    let result = s3sieve(["inspect", manifest, "--format", "json"]).expect(3).json();
    assert_eq!(result["reports"][0]["files_missing"], json!(["data/1.csv.gz"]));
    assert_eq!(result["reports"][0]["files_of_wrong_length"], json!(["data/2.csv.gz"]));
}

#[test]
fn root_says_where_the_data_files_are() {
    let report = ReportFolder::new("Bucket, Key", &[row(&["demo", "a"]).as_bytes()]);
    let elsewhere = tempfile::tempdir().unwrap();
    let manifest = elsewhere.path().join("manifest.json");
    fs::rename(&report.manifest, &manifest).unwrap();
    let manifest = manifest.to_str().unwrap();
    s3sieve(["count", manifest]).expect(3).says(&["--root"]);
    let root = report.folder.path().to_str().unwrap();
    let run = s3sieve(["count", manifest, "--root", root, "--format", "json"]).expect(0);
    assert_eq!(run.json()["rows"], 1);
}

#[test]
fn synth_makes_a_report_that_all_commands_read() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("report");
    let out = out.to_str().unwrap();
    let flags = ["--rows", "20000", "--files", "3", "--odd-keys", "0.2", "--result", "json"];
    let made = s3sieve(["synth", "--out", out].into_iter().chain(flags)).expect(0).json();
    assert_eq!(made["rows"], 20_000);
    s3sieve(["inspect", out]).expect(0);
    let counted =
        s3sieve(["count", out, "--by", "BucketKeyStatus,IsDeleteMarker", "--format", "json"]);
    let counted = counted.expect(0).json();
    assert_eq!(counted["rows"], 20_000);
    assert_eq!(counted["bytes_raw"], made["bytes_raw"]);
    let disabled: u64 = counted["groups"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|group| {
            group["values"] == json!({"BucketKeyStatus": "DISABLED", "IsDeleteMarker": "false"})
        })
        .map(|group| group["rows"].as_u64().unwrap())
        .sum();
    assert!((5_000..7_000).contains(&disabled), "{disabled} of 20,000 are disabled");
    let plan = folder.path().join("plan");
    let status = "BucketKeyStatus = 'DISABLED'";
    s3sieve(["filter", out, "--where", status, "--out", plan.to_str().unwrap()]).expect(0);
    assert_eq!(manifests(&plan).lines().count() as u64, disabled);
}

#[test]
fn synth_makes_the_same_report_with_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let make = |threads: &str, seed: &str| {
        let out = folder.path().join(format!("{threads}-{seed}"));
        let path = out.to_str().unwrap();
        let flags = ["--rows", "5000", "--files", "4", "--threads", threads, "--seed", seed];
        s3sieve(["synth", "--out", path].into_iter().chain(flags)).expect(0);
        tree(&out)
    };
    let one = make("1", "7");
    assert_eq!(make("4", "7"), one);
    assert_ne!(make("4", "8"), one);
}

#[test]
fn bench_shows_every_stage_and_leaves_nothing() {
    let report = sized_report();
    let manifest = report.manifest.to_str().unwrap();
    let out = report.out();
    let flags = ["--where", "Size > 5", "--runs", "1", "--format", "json"];
    let arguments = ["bench", manifest, "--out", out.to_str().unwrap()];
    let result = s3sieve(arguments.into_iter().chain(flags)).expect(0).json();
    let stages: Vec<&str> = result["stages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|stage| stage["stage"].as_str().unwrap())
        .collect();
    assert_eq!(stages, ["read", "inflate", "split", "md5", "match", "project", "write"]);
    assert_eq!(result["rows"], 4);
    assert!(!out.exists());
    let told = s3sieve(arguments.into_iter().chain(["--where", "TRUE"])).expect(0).stdout();
    assert!(told.contains("4 rows in 2 data files"), "{told}");
}

/// The shares are of the stages together, so they add up where one seems to take no time.
#[test]
fn the_shares_of_a_bench_add_up() {
    let report = sized_report();
    let (manifest, out) = (report.manifest.to_str().unwrap(), report.out());
    let flags = ["--where", "TRUE", "--runs", "1", "--format", "json"];
    let arguments = ["bench", manifest, "--out", out.to_str().unwrap()];
    for _ in 0..5 {
        let result = s3sieve(arguments.iter().chain(&flags)).expect(0).json();
        let stages = result["stages"].as_array().unwrap();
        let sum: f64 = stages.iter().map(|stage| stage["share"].as_f64().unwrap()).sum();
        assert!((sum - 1.0).abs() < 1e-6, "{sum}: {result}");
        let is_told = result["warnings"].to_string().contains("The stages add up to");
        let seconds: f64 = stages.iter().map(|stage| stage["seconds"].as_f64().unwrap()).sum();
        assert_eq!(is_told, seconds > result["seconds"].as_f64().unwrap() + 1e-9, "{result}");
    }
}

/// Nobody asked for the condition that is there by default.
#[test]
fn bench_says_nothing_of_its_own_condition() {
    let text = row(&["demo", "a", "SSE-S3", "DISABLED"]);
    let columns = "Bucket, Key, EncryptionStatus, BucketKeyStatus";
    let report = ReportFolder::new(columns, &[text.as_bytes()]);
    let (manifest, out) = (report.manifest.to_str().unwrap(), report.out());
    let arguments = ["bench", manifest, "--out", out.to_str().unwrap(), "--format", "json"];
    let warnings = s3sieve(arguments).expect(0).json()["warnings"].to_string();
    assert!(!warnings.contains("SSE-KMS"), "{warnings}");
    let own = ["--where", "BucketKeyStatus = 'DISABLED'"];
    let warnings = s3sieve(arguments.iter().chain(&own)).expect(0).json()["warnings"].to_string();
    assert!(warnings.contains("SSE-KMS"), "{warnings}");
}

#[test]
fn help_says_what_holds() {
    let told = s3sieve(["verify", "--help"]).expect(0).stdout();
    assert!(!told.contains("--keep-going"), "it is always refused: {told}");
    let told = s3sieve(["count", "--help"]).expect(0).stdout();
    assert!(told.contains("is missing ends the run"), "{told}");
    let told = s3sieve(["estimate", "--help"]).expect(0).stdout();
    assert!(told.contains("The region whose prices are taken"), "{told}");
    assert!(!told.contains("The region to ask first"), "{told}");
}

/// The flag of all commands that read data files: each stage goes on, and the end says so.
#[test]
fn bench_goes_on_where_it_is_told_to() {
    let rows = [["demo", "a", "1e3"], ["demo", "b", "7"]].map(|fields| row(&fields)).concat();
    let report = ReportFolder::new("Bucket, Key, Size", &[rows.as_bytes(), rows.as_bytes()]);
    let mut damaged = fs::read(report.file(1)).unwrap();
    damaged[12] ^= 1;
    fs::write(report.file(1), damaged).unwrap();
    let manifest = report.manifest.to_str().unwrap();
    let out = report.out();
    let flags = ["--where", "Size > 5", "--runs", "1", "--format", "json"];
    let arguments = ["bench", manifest, "--out", out.to_str().unwrap()];
    let arguments: Vec<&str> = arguments.into_iter().chain(flags).collect();
    s3sieve(&arguments).expect(3);
    let run = s3sieve(arguments.iter().chain(&["--keep-going"])).expect(5);
    let document = run.json();
    assert_eq!((&document["files"], &document["rows"]), (&json!(1), &json!(2)));
    let said = document["warnings"].to_string();
    assert!(said.contains("1 value of Size can't be read"), "{said}");
    assert!(!out.exists());
}

#[test]
fn wrong_usage_ends_with_2() {
    let report = seed();
    let report = report.to_str().unwrap();
    for arguments in [
        &["filter", report][..],
        &["filter", report, "--where", "IsLatest"],
        &["filter", report, "--where", "IsLatest", "--sql", "x", "--out", "d"],
        &["count"],
        &["count", report, "--threads", "0"],
        &["nonsense"],
        &["synth", "--rows", "1e6", "--out", "d"],
    ] {
        s3sieve(arguments).expect(2);
    }
    s3sieve(["--version"]).expect(0);
    let help = s3sieve(["filter", "--help"]).expect(0).stdout();
    assert!(help.contains("Expressions for --where"), "{help}");
}

#[test]
fn a_zero_bound_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("plan");
    let report = seed();
    for flag in ["--max-objects", "--max-bytes", "--jobs"] {
        let arguments = [
            "filter",
            report.to_str().unwrap(),
            "--where",
            "IsLatest",
            flag,
            "0",
            "--out",
            out.to_str().unwrap(),
        ];
        s3sieve(arguments).expect(2).says(&[flag]);
        assert!(!out.exists());
    }
}

/// Dealing out a billion shards would take as many steps, only to be refused at the end.
#[test]
fn more_jobs_than_a_plan_can_hold_are_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("plan");
    let report = seed();
    let arguments = ["filter", report.to_str().unwrap(), "--where", "IsLatest", "--jobs", "100001"];
    let out_arguments = ["--out", out.to_str().unwrap()];
    s3sieve(arguments.into_iter().chain(out_arguments)).expect(2).says(&["--jobs", "100000"]);
    assert!(!out.exists());
}

/// Whoever closes the pipe has what they wanted.
#[test]
fn a_closed_pipe_is_no_error() {
    let text: String = (0..90_000).map(|number| row(&["demo", &number.to_string()])).collect();
    let report = ReportFolder::new("Bucket, Key", &[text.as_bytes()]);
    let mut child = program()
        .args(["count", report.manifest.to_str().unwrap(), "--by", "Key", "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 1];
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut first).unwrap();
    drop(stdout);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}
