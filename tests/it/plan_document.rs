//! `plan.json` is what its JSON Schema says.

use crate::fixture::{ReportFolder, SEED_COLUMNS, gzip, plan_document, row, s3sieve};
use crate::schema::{fits_the_schema, schema};

#[test]
fn a_plan_with_everything_in_it_fits_the_schema() {
    let text = row(&["demo", "a", "v1", "true", "false", "DISABLED"])
        + &row(&["demo", "b", "", "true", "true", "DISABLED"])
        + &row(&["demo", "c", "", "true", "false", ""]);
    let files = [gzip(text.as_bytes()), b"no gzip".to_vec()];
    let report = ReportFolder::of_compressed("demo", SEED_COLUMNS, &files);
    let out = report.out();
    s3sieve([
        "filter",
        report.manifest.to_str().unwrap(),
        "--sql",
        "select * from s3object s where s._6 = 'DISABLED' or s._6 is null limit 5",
        "--split-by",
        "BucketKeyStatus",
        "--jobs",
        "1",
        "--keep-going",
        "--out",
        out.to_str().unwrap(),
    ])
    .expect(5);
    let plan = plan_document(&out);
    fits_the_schema(&plan);
    for list in ["reports", "excluded", "files_skipped", "warnings", "shards"] {
        assert!(!plan[list].as_array().unwrap().is_empty(), "{list} is empty in {plan:#}");
    }
}

#[test]
fn a_plan_for_an_operation_fits_the_schema() {
    let columns = "Bucket, Key, IsLatest, IsDeleteMarker, Size";
    let text = row(&["demo", "a", "true", "false", "5"]) + &row(&["demo", "b", "", "true", ""]);
    let report = ReportFolder::new(columns, &[text.as_bytes()]);
    let line = row(&["demo", "a", "v"]);
    let versioned = ReportFolder::new("Bucket, Key, VersionId", &[line.as_bytes()]);
    let manifest = report.manifest.to_str().unwrap();
    for kind in s3sieve::OperationKind::ALL {
        let out = report.folder.path().join(kind.name());
        let flags = ["--where", "TRUE", "--for", kind.name(), "--out", out.to_str().unwrap()];
        let manifest =
            if kind.needs_version_ids() { &versioned } else { &report }.manifest.to_str();
        s3sieve([&["filter", manifest.unwrap()], &flags[..]].concat()).expect(0);
        fits_the_schema(&plan_document(&out));
    }
    let out = report.folder.path().join("bucket-key");
    let flags =
        ["--for", "update-encryption", "--bucket-key", "on", "--out", out.to_str().unwrap()];
    s3sieve([&["filter", manifest, "--where", "TRUE"], &flags[..]].concat()).expect(0);
    let plan = plan_document(&out);
    fits_the_schema(&plan);
    assert_eq!(plan["operation"]["bucket_key"], true);
    let out = report.out();
    let flags = ["--where", "TRUE", "--for", "copy", "--include-ineligible", "archived"];
    let flags = [&flags[..], &["--storage-class", "keep", "--out", out.to_str().unwrap()]].concat();
    s3sieve([&["filter", manifest], &flags[..]].concat()).expect(0);
    let plan = plan_document(&out);
    fits_the_schema(&plan);
    assert_eq!(plan["operation"]["included"][0], "archived");
    assert!(!plan["operation"]["not_checked"].as_array().unwrap().is_empty());
    assert_eq!(plan["totals"]["bytes_objects"], 5);
}

#[test]
fn an_empty_plan_fits_the_schema() {
    let report = ReportFolder::new("Bucket, Key", &[]);
    let out = report.out();
    let manifest = report.manifest.to_str().unwrap();
    s3sieve(["filter", manifest, "--where", "TRUE", "--out", out.to_str().unwrap()]).expect(0);
    fits_the_schema(&plan_document(&out));
}

#[test]
fn the_schema_refuses_what_is_no_plan() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let report = ReportFolder::new("Bucket, Key", &[row(&["demo", "a"]).as_bytes()]);
    let out = report.out();
    let manifest = report.manifest.to_str().unwrap();
    s3sieve(["filter", manifest, "--where", "TRUE", "--out", out.to_str().unwrap()]).expect(0);
    let plan = plan_document(&out);
    for field in ["version", "command", "reports", "totals", "shards"] {
        let mut cut = plan.clone();
        cut.as_object_mut().unwrap().remove(field);
        assert!(!validator.is_valid(&cut), "without {field}");
    }
    for field in ["crc64nvme", "sha256"] {
        let mut wrong = plan.clone();
        wrong["shards"][0][field] = "short".into();
        assert!(!validator.is_valid(&wrong), "{field}");
    }
}
