//! `filter --emit inventory`: manifests that are inventory reports, which our own reader reads.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::fixture::{ReportFolder, Run, manifests, md5, plan_document, row, s3sieve, seed, tree};
use crate::plans::{OPERATIONS, PLACE, inventory_plan_for, requests, submit};
use crate::schema::fits_the_schema;

const COLUMNS: &str = "Bucket, Key, VersionId, Size, StorageClass";

const INVENTORY: [&str; 4] = ["--emit", "inventory", "--manifest-bucket", "s3://manifests/s3sieve"];

fn filter(report: &Path, out: &Path, flags: &[&str]) -> Run {
    let (report, out) = (report.to_str().unwrap(), out.to_str().unwrap());
    s3sieve(["filter", report, "--where", "TRUE", "--out", out].iter().chain(flags))
}

/// What a plan's manifests come to as CSV: each is read as the report that it is.
fn read_again(plan: &Path, scratch: &Path) -> String {
    let document = plan_document(plan);
    let mut text = String::new();
    for (number, shard) in document["shards"].as_array().unwrap().iter().enumerate() {
        let manifest = plan.join(shard["path"].as_str().unwrap());
        let out = scratch.join(format!("again-{number}"));
        // Reports of unversioned buckets have no version ids, and then neither do these.
        filter(&manifest, &out, &[]).expect(0);
        text += &manifests(&out);
        let count = s3sieve(["count", manifest.to_str().unwrap(), "--format", "json"]);
        assert_eq!(count.expect(0).json()["rows_matched"], shard["objects"]);
    }
    text
}

fn sample() -> ReportFolder {
    let file = |name: &str, bucket: &str| -> String {
        let rows = (0..500).map(|n| {
            let class = if n % 3 == 0 { "GLACIER" } else { "STANDARD" };
            let version = if n % 7 == 0 { "" } else { "v1" };
            row(&[bucket, &format!("{name}/{n}%2C+x"), version, "5", class])
        });
        rows.collect()
    };
    let files = [file("a", "demo"), file("b", "other") + "demo,\"a,\"\"b\"\"\",\"\",1,STANDARD\n"];
    ReportFolder::new(COLUMNS, &files.each_ref().map(|text| text.as_bytes()))
}

#[test]
fn what_is_emitted_is_the_same_rows() {
    let report = sample();
    let scratch = report.folder.path();
    for (number, flags) in [
        vec![],
        vec!["--max-objects", "90"],
        vec!["--jobs", "7", "--split-by", "StorageClass"],
        vec!["--no-version-ids", "--for", "copy"],
    ]
    .into_iter()
    .enumerate()
    {
        let csv = scratch.join(format!("csv-{number}"));
        let inventory = scratch.join(format!("inventory-{number}"));
        let again = scratch.join(format!("scratch-{number}"));
        filter(&report.manifest, &csv, &flags).expect(0);
        filter(&report.manifest, &inventory, &[&flags[..], &INVENTORY].concat()).expect(0);
        assert_eq!(read_again(&inventory, &again), manifests(&csv), "{flags:?}");
        let (csv, inventory) = (plan_document(&csv), plan_document(&inventory));
        for member in ["totals", "excluded"] {
            let of = |plan: &Value| {
                let mut member = plan[member].clone();
                member.as_object_mut().map(|totals| totals.remove("seconds"));
                member
            };
            assert_eq!(of(&csv), of(&inventory));
        }
        fits_the_schema(&inventory);
    }
}

#[test]
fn a_shard_is_a_report_as_s3_writes_it() {
    let report = sample();
    let out = report.out();
    let run = filter(&report.manifest, &out, &INVENTORY).expect(0);
    assert!(run.stdout().contains("experimental"), "{}", run.story());
    let plan = plan_document(&out);
    let folder = plan["inventory"]["folder"].as_str().unwrap();
    assert_eq!(plan["inventory"]["place"], "s3://manifests/s3sieve");
    let shard = &plan["shards"][1];
    assert_eq!(shard["path"], "manifests/00001/manifest.json");
    let bytes = fs::read(out.join("manifests/00001/manifest.json")).unwrap();
    assert_eq!(fs::read_to_string(out.join("manifests/00001/manifest.checksum")).unwrap(), {
        md5(&bytes)
    });
    let data = fs::read(out.join("manifests/00001/data/00000.csv.gz")).unwrap();
    let expected = json!({
        "sourceBucket": "other",
        "destinationBucket": "arn:aws:s3:::manifests",
        "version": "2016-11-30",
        "creationTimestamp": "1767225600000",
        "fileFormat": "CSV",
        "fileSchema": "Bucket, Key, VersionId",
        "files": [{
            "key": format!("s3sieve/{folder}/00001/data/00000.csv.gz"),
            "size": data.len(),
            "MD5checksum": md5(&data),
        }],
    });
    assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), expected);
    assert_eq!(shard["files"][0]["md5"], md5(&data));
}

#[test]
fn the_bytes_do_not_depend_on_threads() {
    let report = sample();
    let trees = ["1", "4"].map(|threads| {
        let out = report.folder.path().join(threads);
        let flags = ["--max-objects", "100", "--threads", threads];
        filter(&report.manifest, &out, &[&flags[..], &INVENTORY].concat()).expect(0);
        tree(&out)
    });
    assert!(trees[0].len() > 30);
    assert!(trees[0] == trees[1], "two runs differ");
}

#[test]
fn a_job_names_the_report() {
    let report = sample();
    let out = report.out();
    filter(&report.manifest, &out, &INVENTORY).expect(0);
    let folder = plan_document(&out)["inventory"]["folder"].as_str().unwrap().to_owned();
    let found = requests(&out, &["--operation", "delete-tags"]);
    assert_eq!(found.len(), 2);
    assert_eq!(
        found[0]["Manifest"],
        json!({
            "Spec": {"Format": "S3InventoryReport_CSV_20161130"},
            "Location": {
                "ObjectArn": format!("arn:aws:s3:::manifests/s3sieve/{folder}/00000/manifest.json"),
                "ETag": "ETAG-OF-THE-UPLOADED-MANIFEST",
            },
        })
    );
    let written = report.folder.path().join("requests");
    let arguments = ["--operation", "delete-tags", "--out", written.to_str().unwrap()];
    submit(&out, &arguments).expect(0);
    let names = tree(&written).into_iter().map(|(name, _)| name);
    assert_eq!(names.collect::<Vec<_>>(), [Path::new("00000.json"), Path::new("00001.json")]);
    // Data files are named by key, so they can lie in one place only.
    let place =
        PLACE.map(|part| if part == "s3://manifests/s3sieve" { "s3://other" } else { part });
    let command = ["submit", out.to_str().unwrap(), "--dry-run", "--operation", "delete-tags"];
    let parts = ["--manifest-bucket `s3://other`", "s3://manifests/s3sieve"];
    s3sieve(command.iter().chain(&place)).expect(2).says(&parts);
    let data = out.join("manifests/00000/data/00000.csv.gz");
    let mut bytes = fs::read(&data).unwrap();
    bytes[4] ^= 1;
    fs::write(&data, bytes).unwrap();
    submit(&out, &["--operation", "delete-tags"]).expect(3).says(&["data/00000.csv.gz", "MD5"]);
}

#[test]
fn every_operation_takes_a_report() {
    for arguments in OPERATIONS {
        let plan = inventory_plan_for(arguments);
        let found = requests(&plan.path, arguments);
        assert_eq!(found[0]["Manifest"]["Spec"]["Format"], "S3InventoryReport_CSV_20161130");
    }
}

#[test]
fn the_manifests_key_is_for_reports_alone() {
    let report = sample();
    let (csv, inventory) = (report.out(), report.folder.path().join("inventory"));
    filter(&report.manifest, &csv, &[]).expect(0);
    filter(&report.manifest, &inventory, &INVENTORY).expect(0);
    let key = "arn:aws:kms:us-east-1:111122223333:key/01234567-89ab-cdef-0123-456789abcdef";
    let policy = |plan: &Path, key: &str| {
        let command = ["policy", plan.to_str().unwrap(), "--operation", "delete-tags"];
        s3sieve(command.iter().chain(&PLACE).chain(&["--manifest-kms-key-arn", key]))
    };
    policy(&csv, key).expect(2).says(&["--manifest-kms-key-arn", "--emit inventory"]);
    policy(&inventory, "alias/x").expect(2).says(&["--manifest-kms-key-arn", "full ARN"]);
    let policies = policy(&inventory, key).expect(0).json();
    for (policy, sid) in
        [("role_policy", "DecryptManifests"), ("submitter_policy", "EncryptManifests")]
    {
        let statements = policies[policy]["Statement"].as_array().unwrap();
        let found = statements.iter().find(|statement| statement["Sid"] == sid).unwrap();
        assert_eq!(found["Resource"], json!([key]));
    }
}

#[test]
fn a_place_is_asked_for_and_must_do() {
    let report = ReportFolder::new("Bucket, Key", &[row(&["demo", "a"]).as_bytes()]);
    let refused = |flags: &[&str], parts: &[&str]| {
        filter(&report.manifest, &report.out(), flags).expect(2).says(parts);
        assert!(!report.out().exists());
    };
    refused(&["--emit", "inventory"], &["--manifest-bucket"]);
    refused(&INVENTORY[2..], &["--emit inventory"]);
    let place = |address| ["--emit", "inventory", "--manifest-bucket", address];
    refused(&place("manifests"), &["--manifest-bucket", "s3://BUCKET/PREFIX"]);
    refused(&place("s3://manifests/a/../b"), &["--manifest-bucket", "a/../b"]);
}

#[test]
fn nothing_selected_leaves_no_report() {
    let out = tempfile::tempdir().unwrap();
    let out = out.path().join("plan");
    let (report, folder) = (seed(), out.to_str().unwrap());
    let command = ["filter", report.to_str().unwrap(), "--where", "FALSE", "--out", folder];
    s3sieve(command.iter().chain(&INVENTORY)).expect(0);
    assert_eq!(fs::read_dir(out.join("manifests")).unwrap().count(), 0);
    assert!(requests(&out, &["--operation", "delete-tags"]).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Whatever a key or version id holds comes back.
    #[test]
    fn any_row_comes_back(
        rows in prop::collection::vec(("[ -~äß]{1,12}", "[ -~]{0,6}"), 1..30),
        objects_max in 1u64..20,
    ) {
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let line = |(key, version): &(String, String)| {
            format!("\"demo\",{},{}\n", quoted(key), quoted(version))
        };
        let text: String = rows.iter().map(line).collect();
        let report = ReportFolder::new("Bucket, Key, VersionId", &[text.as_bytes()]);
        let bound = objects_max.to_string();
        let flags = ["--max-objects", &bound];
        let (csv, inventory) = (report.out(), report.folder.path().join("inventory"));
        filter(&report.manifest, &csv, &flags).expect(0);
        filter(&report.manifest, &inventory, &[&flags[..], &INVENTORY].concat()).expect(0);
        let again = read_again(&inventory, report.folder.path());
        prop_assert_eq!(again, manifests(&csv));
    }
}
