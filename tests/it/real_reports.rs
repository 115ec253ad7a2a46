//! Real reports, as S3 delivered them. They are not ours to publish, and lie beside the project on
//! some machines only: there `.ci/run` runs these tests by name.

use std::path::{Path, PathBuf};

use crate::fixture::{manifests, plan_document, s3sieve};

fn real_report(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/real-reports").join(name)
}

#[test]
#[ignore = "reads a folder outside of the project: run by name"]
fn a_versioned_csv_report() {
    let report = real_report("csv_inventory_manifest.json");
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("plan");
    let run = s3sieve([
        "filter",
        report.to_str().unwrap(),
        "--where",
        "BucketKeyStatus = 'DISABLED'",
        "--out",
        out.to_str().unwrap(),
    ])
    .expect(0);
    let plan = plan_document(&out);
    assert_eq!(plan["totals"]["rows"], 5, "{}", run.story());
    assert_eq!(plan["totals"]["rows_matched"], 5);
    assert_eq!(plan["totals"]["rows_excluded"], 1, "a delete marker");
    let text = manifests(&out);
    assert_eq!(text.lines().count(), 4);
    assert_eq!(text.lines().filter(|line| line.ends_with(",null")).count(), 2, "{text}");
    assert!(run.stdout().contains("not encrypted with SSE-KMS"), "{}", run.story());
}

#[test]
#[ignore = "reads a folder outside of the project: run by name"]
fn a_csv_report_without_versions() {
    let report = real_report("csv_inventory_no_version_manifest.json");
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("plan");
    s3sieve([
        "filter",
        report.to_str().unwrap(),
        "--where",
        "Size > 0",
        "--out",
        out.to_str().unwrap(),
    ])
    .expect(0);
    assert_eq!(manifests(&out), "filemanager-inventory-test,inventory-test/key1\n");
}

#[test]
#[ignore = "reads a folder outside of the project: run by name"]
fn reports_of_all_formats_are_inspected() {
    for name in ["csv_inventory", "orc_inventory", "parquet_inventory"] {
        let report = real_report(&format!("{name}_manifest.json"));
        let run = s3sieve(["inspect", report.to_str().unwrap(), "--format", "json"]).expect(0);
        let result = run.json();
        let columns = result["reports"][0]["columns"].as_array().unwrap();
        assert_eq!(columns.len(), 18, "{}", run.story());
        assert_eq!(result["reports"][0]["checksum"], "matched", "{}", run.story());
    }
}

#[cfg(all(feature = "parquet", feature = "orc"))]
#[test]
#[ignore = "reads a folder outside of the project: run by name"]
fn the_same_objects_in_all_formats_give_the_same_rows() {
    let questions = [
        "BucketKeyStatus = 'DISABLED'",
        "Size IS NULL OR NOT IsLatest",
        "LastModifiedDate > '2024-05-06T22:40:00Z' AND ETag LIKE '%a%'",
        "Key = 'inventory-test/key1' OR StorageClass IS NULL",
    ];
    for question in questions {
        let mut found = Vec::new();
        for name in ["csv_inventory", "orc_inventory", "parquet_inventory"] {
            let report = real_report(&format!("{name}_manifest.json"));
            let folder = tempfile::tempdir().unwrap();
            let out = folder.path().join("plan");
            let report = report.to_str().unwrap();
            let run =
                s3sieve(["filter", report, "--where", question, "--out", out.to_str().unwrap()]);
            run.expect(0);
            let plan = plan_document(&out);
            let excluded = std::fs::read_to_string(out.join("excluded/delete-marker.csv"));
            found.push((manifests(&out), excluded.ok(), plan["totals"]["rows_matched"].clone()));
            let counts = s3sieve([
                "count",
                report,
                "--by",
                "LastModifiedDate,Size,IsLatest,ETag",
                "--where",
                question,
                "--format",
                "json",
            ])
            .expect(0)
            .json();
            assert_eq!(counts["rows_matched"], plan["totals"]["rows_matched"], "{counts}");
        }
        assert_eq!(found[0], found[1], "{question}");
        assert_eq!(found[0], found[2], "{question}");
    }
}
