//! `--for`: what an operation asks of a plan besides excluding rows, and what is said of it.

use std::fs;

use serde_json::{Value, json};

use crate::fixture::{ReportFolder, Run, manifests, plan_document, row, s3sieve, tree};

/// Runs a filter for an operation, with more flags, into a folder that is not there yet.
fn filter_for(report: &ReportFolder, operation: &str, flags: &[&str]) -> Run {
    let out = report.out();
    let _ = fs::remove_dir_all(&out);
    let usual =
        ["filter", report.manifest.to_str().unwrap(), "--where", "TRUE", "--for", operation];
    s3sieve([&usual[..], &["--out", out.to_str().unwrap()], flags].concat())
}

fn splits(plan: &Value) -> Vec<Value> {
    plan["shards"].as_array().unwrap().iter().map(|shard| shard["split"].clone()).collect()
}

fn warns(plan: &Value, part: &str) -> bool {
    plan["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .any(|warning| warning.as_str().unwrap().contains(part))
}

const VERSIONED: &str = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, StorageClass, \
                         EncryptionStatus, IntelligentTieringAccessTier";

fn version(key: &str, id: &str, is_latest: &str, class: &str) -> String {
    row(&["demo", key, id, is_latest, "false", "7", class, "SSE-S3", ""])
}

fn versions() -> ReportFolder {
    let first = version("a", "a2", "true", "STANDARD")
        + &version("a", "a1", "false", "STANDARD")
        + &version("b", "b2", "true", "STANDARD_IA");
    let second = version("b", "b1", "false", "STANDARD_IA") + &version("c", "", "true", "STANDARD");
    ReportFolder::new(VERSIONED, &[first.as_bytes(), second.as_bytes()])
}

#[test]
fn copies_of_noncurrent_versions_come_first_and_each_class_apart() {
    let report = versions();
    let run = filter_for(&report, "copy", &[]).expect(0);
    let plan = plan_document(&report.out());
    let split = |class: &str, latest: &str| json!({"StorageClass": class, "IsLatest": latest});
    let expected = [
        split("STANDARD", "false"),
        split("STANDARD_IA", "false"),
        split("STANDARD", "true"),
        split("STANDARD_IA", "true"),
    ];
    assert_eq!(splits(&plan), expected, "{}", run.story());
    assert_eq!(
        manifests(&report.out()),
        "demo,a,a1\ndemo,b,b1\ndemo,a,a2\ndemo,c,null\ndemo,b,b2\n"
    );
    assert_eq!(plan["operation"]["storage_class"], "keep");
    assert_eq!(plan["totals"]["bytes_objects"], 35);
    assert!(warns(&plan, "2 of the 5 selected rows are noncurrent versions"), "{plan:#}");
    assert!(warns(&plan, "in the manifests up to 00001.csv"), "{plan:#}");
    let after: Vec<&Value> =
        plan["shards"].as_array().unwrap().iter().map(|shard| &shard["after"]).collect();
    let noncurrent = json!([{"first": 0, "last": 1}]);
    assert_eq!(after, [&Value::Null, &Value::Null, &noncurrent, &noncurrent]);
}

/// Where the current version is not copied after it, a copy of a noncurrent one would be what is
/// read.
#[test]
fn noncurrent_versions_are_not_copied_without_the_current_one() {
    let marker = |key: &str| row(&["demo", key, "m", "true", "true", "", "", "", ""]);
    let archived = version("d", "d2", "true", "GLACIER") + &version("d", "d1", "false", "STANDARD");
    let deleted = marker("e") + &version("e", "e1", "false", "STANDARD");
    let kept = version("f", "f1", "false", "STANDARD") + &version("f", "f2", "true", "STANDARD");
    let text = [archived, deleted, kept].concat();
    let report = ReportFolder::new(VERSIONED, &[text.as_bytes()]);
    let run = filter_for(&report, "copy", &["--storage-class", "STANDARD"]).expect(0);
    assert_eq!(manifests(&report.out()), "demo,f,f1\ndemo,f,f2\n", "{}", run.story());
    let plan = plan_document(&report.out());
    let excluded = fs::read_to_string(report.out().join("excluded/no-current-version.csv"));
    assert_eq!(excluded.unwrap(), "demo,d,d1\ndemo,e,e1\n");
    assert_eq!(plan["totals"]["rows_excluded"], 4, "{plan:#}");
    assert!(run.stdout().contains("2 rows"), "{}", run.story());
    let flags = ["--include-ineligible", "no-current-version", "--storage-class", "STANDARD"];
    filter_for(&report, "copy", &flags).expect(0);
    assert_eq!(manifests(&report.out()), "demo,d,d1\ndemo,e,e1\ndemo,f,f1\ndemo,f,f2\n");
}

#[test]
fn copies_to_one_class_are_not_split_by_class() {
    let report = versions();
    filter_for(&report, "copy", &["--storage-class", "glacier_ir", "--jobs", "3"]).expect(0);
    let plan = plan_document(&report.out());
    let split = |latest: &str| json!({"IsLatest": latest});
    // The third job goes to the lane with the most rows.
    assert_eq!(splits(&plan), [split("false"), split("true"), split("true")]);
    assert_eq!(plan["operation"]["storage_class"], "GLACIER_IR");
    assert_eq!(
        manifests(&report.out()),
        "demo,a,a1\ndemo,b,b1\ndemo,a,a2\ndemo,b,b2\ndemo,c,null\n"
    );
}

#[test]
fn noncurrent_rows_without_version_ids_are_pointed_out() {
    let report = versions();
    let flags = ["--no-version-ids", "--include-ineligible", "noncurrent"];
    filter_for(&report, "copy", &flags).expect(0);
    let plan = plan_document(&report.out());
    assert!(warns(&plan, "the version that is current when it runs"), "{plan:#}");
    assert!(!warns(&plan, "newest version"), "{plan:#}");
}

/// Without version ids, each key stands in the manifests once: by the row of its current version.
#[test]
fn noncurrent_rows_without_version_ids_are_excluded() {
    let report = versions();
    filter_for(&report, "copy", &["--no-version-ids"]).expect(0);
    assert_eq!(manifests(&report.out()), "demo,a\ndemo,c\ndemo,b\n");
    let excluded = fs::read_to_string(report.out().join("excluded/noncurrent.csv"));
    assert_eq!(excluded.unwrap(), "demo,a\ndemo,b\n");
    let text = row(&["demo", "a", "a2"]) + &row(&["demo", "a", "a1"]);
    let report = ReportFolder::new("Bucket, Key, VersionId", &[text.as_bytes()]);
    filter_for(&report, "copy", &["--no-version-ids"]).expect(0);
    let plan = plan_document(&report.out());
    assert!(warns(&plan, "Not checked: noncurrent (NOT IsLatest)"), "{plan:#}");
}

/// Nothing tells which version is current, so none may be copied as if it were.
#[test]
fn version_ids_without_is_latest_are_not_copied() {
    let text = row(&["demo", "a", "a2"]) + &row(&["demo", "a", "a1"]);
    let report = ReportFolder::new("Bucket, Key, VersionId", &[text.as_bytes()]);
    let remedies = ["without IsLatest", "Add the field IsLatest", "no-current-version"];
    filter_for(&report, "copy", &[]).expect(2).says(&remedies);
    assert!(!report.out().exists());
    filter_for(&report, "copy", &["--include-ineligible", "no-current-version"]).expect(0);
    assert_eq!(manifests(&report.out()), "demo,a,a2\ndemo,a,a1\n");
}

/// The copy of the current version is sure to fail, so none of an older one may count on it.
#[test]
fn older_versions_of_what_is_taken_in_all_the_same_stay_aside() {
    let text = version("d", "d2", "true", "GLACIER")
        + &version("d", "d1", "false", "STANDARD")
        + &version("f", "f2", "true", "STANDARD")
        + &version("f", "f1", "false", "STANDARD");
    let report = ReportFolder::new(VERSIONED, &[text.as_bytes()]);
    for jobs in [&[][..], &["--jobs", "2"]] {
        let flags = ["--include-ineligible", "archived", "--storage-class", "STANDARD"];
        filter_for(&report, "copy", &[&flags, jobs].concat()).expect(0);
        let excluded = fs::read_to_string(report.out().join("excluded/no-current-version.csv"));
        assert_eq!(excluded.unwrap(), "demo,d,d1\n");
        assert_eq!(manifests(&report.out()), "demo,f,f1\ndemo,d,d2\ndemo,f,f2\n");
    }
}

#[test]
fn what_is_said_of_versions_that_are_taken_in_unchecked_is_true() {
    let report = versions();
    let out = report.out();
    let include = ["--include-ineligible", "no-current-version"];
    for (expression, has_current) in [("NOT IsLatest", false), ("TRUE", true)] {
        let flags = ["--where", expression, "--for", "copy", "--force"];
        let usual = ["filter", report.manifest.to_str().unwrap(), "--out", out.to_str().unwrap()];
        s3sieve([&usual[..], &flags, &include].concat()).expect(0);
        let plan = plan_document(&out);
        assert!(warns(&plan, "deleted keys come back"), "{plan:#}");
        assert_eq!(warns(&plan, "Add AND IsLatest"), has_current, "{plan:#}");
        assert_eq!(warns(&plan, "The jobs of the current versions"), has_current, "{plan:#}");
    }
}

#[test]
fn a_plan_with_every_row_excluded_says_where_they_are() {
    let text = version("a", "a1", "true", "GLACIER") + &version("b", "b1", "false", "STANDARD");
    let report = ReportFolder::new(VERSIONED, &[text.as_bytes()]);
    let run = filter_for(&report, "copy", &[]).expect(0);
    let told = run.stdout();
    assert!(told.contains("all matching rows were excluded"), "{}", run.story());
    for advice in ["nothing to submit", "--for restore", "--include-ineligible archived takes"] {
        assert!(told.contains(advice), "{advice}: {}", run.story());
    }
    let plan = plan_document(&report.out());
    assert!(warns(&plan, "sizes of the objects in the manifests are not added up"), "{plan:#}");
}

/// Without an operation there is no `--include-ineligible`, and no job acts on delete markers.
#[test]
fn a_plan_with_nothing_but_delete_markers_advises_nothing_that_is_refused() {
    let text = row(&["demo", "a", "m", "true", "true"]);
    let schema = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker";
    let report = ReportFolder::new(schema, &[text.as_bytes()]);
    let (manifest, out) = (report.manifest.to_str().unwrap(), report.out());
    let usual = ["filter", manifest, "--where", "IsLatest", "--out", out.to_str().unwrap()];
    for more in [&[][..], &["--for", "tag", "--force"]] {
        let run = s3sieve([&usual[..], more].concat()).expect(0);
        let told = run.stdout();
        assert!(told.contains("No such job acts on delete markers"), "{}", run.story());
        assert!(!told.contains("--include-ineligible"), "{}", run.story());
    }
}

#[test]
fn a_marker_that_cannot_be_told_counts_as_current_and_that_is_said() {
    let text = row(&["demo", "a", "m", "true"]) + &row(&["demo", "a", "a1", "false"]);
    let report = ReportFolder::new("Bucket, Key, VersionId, IsLatest", &[text.as_bytes()]);
    filter_for(&report, "copy", &["--storage-class", "STANDARD"]).expect(0);
    let plan = plan_document(&report.out());
    assert!(warns(&plan, "counts as the current version of its key"), "{plan:#}");
}

#[test]
fn a_folder_of_other_files_and_half_an_address_are_refused() {
    let report = versions();
    let out = report.out();
    fs::create_dir_all(out.join("manifests")).unwrap();
    fs::write(out.join("manifests/mine.csv"), "mine").unwrap();
    let usual = ["filter", report.manifest.to_str().unwrap(), "--where", "TRUE"];
    let forced = ["--force", "--out", out.to_str().unwrap()];
    s3sieve([&usual[..], &forced].concat()).expect(2).says(&["holds no plan", "another --out"]);
    assert_eq!(fs::read_to_string(out.join("manifests/mine.csv")).unwrap(), "mine");
    s3sieve([&usual[..], &["--out", "s3:/plans/bk"]].concat())
        .expect(2)
        .says(&["s3:/plans/bk", "write s3://plans/bk"]);
}

#[test]
fn nothing_is_said_of_noncurrent_versions_where_there_are_none() {
    let text = version("a", "a2", "true", "STANDARD");
    let report = ReportFolder::new(VERSIONED, &[text.as_bytes()]);
    filter_for(&report, "copy", &[]).expect(0);
    let plan = plan_document(&report.out());
    assert_eq!(plan["warnings"], json!([]));
    let report = versions();
    filter_for(&report, "tag", &[]).expect(0);
    let plan = plan_document(&report.out());
    assert_eq!(plan["warnings"], json!([]));
    assert_eq!(splits(&plan), [Value::Null], "tags are set on each version as it is");
}

#[test]
fn restores_never_mix_intelligent_tiering_with_glacier() {
    let line = |key: &str, class: &str, tier: &str| row(&["demo", key, class, tier]);
    let text = line("a", "GLACIER", "")
        + &line("b", "INTELLIGENT_TIERING", "ARCHIVE")
        + &line("c", "DEEP_ARCHIVE", "")
        + &line("d", "STANDARD", "")
        + &line("e", "INTELLIGENT_TIERING", "DEEP_ARCHIVE");
    let columns = "Bucket, Key, StorageClass, IntelligentTieringAccessTier";
    let report = ReportFolder::new(columns, &[text.as_bytes()]);
    filter_for(&report, "restore", &[]).expect(0);
    let plan = plan_document(&report.out());
    let split = |class: &str| json!({"StorageClass": class});
    let expected = [split("GLACIER"), split("INTELLIGENT_TIERING"), split("DEEP_ARCHIVE")];
    assert_eq!(splits(&plan), expected);
    assert_eq!(manifests(&report.out()), "demo,a\ndemo,b\ndemo,e\ndemo,c\n");
    assert_eq!(plan["totals"].get("bytes_objects"), Some(&json!(null)), "there is no Size");
}

#[test]
fn what_a_report_cannot_tell_is_listed_with_the_remedy() {
    let report = ReportFolder::new(
        "Bucket, Key, VersionId, IsLatest, ObjectLockMode",
        &[row(&["demo", "a", "v", "true", "GOVERNANCE"]).as_bytes()],
    );
    let run = filter_for(&report, "update-encryption", &[]).expect(0);
    let plan = plan_document(&report.out());
    let listed = plan["operation"]["not_checked"].as_array().unwrap();
    let found: Vec<_> =
        listed.iter().map(|part| (part["reason"].clone(), part["missing"].clone())).collect();
    let expected = [
        (json!("delete-marker"), json!(["IsDeleteMarker"])),
        (json!("sse-c"), json!(["EncryptionStatus"])),
        (json!("dsse-kms"), json!(["EncryptionStatus"])),
        (json!("not-encrypted"), json!(["EncryptionStatus"])),
        (json!("object-locked"), json!(["ObjectLockRetainUntilDate"])),
        (json!("object-locked"), json!(["ObjectLockLegalHoldStatus"])),
        (json!("object-locked"), json!(["ObjectLockEventHoldStatus"])),
        (json!("not-sse-kms"), json!(["EncryptionStatus"])),
    ];
    assert_eq!(found, expected);
    for said in [
        "Not checked: delete-marker (IsDeleteMarker). Set IncludedObjectVersions=All",
        "Not checked: sse-c (EncryptionStatus = 'SSE-C'). Add the field EncryptionStatus to",
        "(ObjectLockLegalHoldStatus = 'ON'). Add the field ObjectLockLegalHoldStatus to",
        "'NOT-SSE')). Objects with SSE-S3 among them would become SSE-KMS",
    ] {
        assert!(warns(&plan, said), "{said}\n{plan:#}");
        assert!(run.stdout().contains(said), "{}", run.story());
    }
}

#[test]
fn a_report_of_current_versions_has_no_delete_markers_to_check() {
    let report = ReportFolder::new("Bucket, Key", &[row(&["demo", "a"]).as_bytes()]);
    let run = filter_for(&report, "tag", &[]).expect(0);
    let plan = plan_document(&report.out());
    assert_eq!(plan["operation"], json!({"name": "tag", "not_checked": [], "included": []}));
    assert_eq!(
        plan["excluded"],
        json!([{"reason": "delete-marker", "rows": 0, "paths": []}]),
        "{}",
        run.story()
    );
    assert_eq!(plan["warnings"], json!([]));
}

#[test]
fn copies_and_restores_need_to_know_the_storage_class() {
    let report = ReportFolder::new("Bucket, Key", &[row(&["demo", "a"]).as_bytes()]);
    for (operation, said) in [("copy", "becomes STANDARD"), ("restore", "no job can restore both")]
    {
        filter_for(&report, operation, &[]).expect(0);
        let plan = plan_document(&report.out());
        assert!(warns(&plan, said), "{plan:#}");
        assert!(warns(&plan, "Add the field StorageClass to the inventory configuration"));
    }
    filter_for(&report, "copy", &["--storage-class", "STANDARD_IA"]).expect(0);
    assert!(!warns(&plan_document(&report.out()), "becomes STANDARD"));
}

#[test]
fn a_class_that_copies_cannot_have_is_pointed_out() {
    let text = version("a", "v", "true", "REDUCED_REDUNDANCY");
    let report = ReportFolder::new(VERSIONED, &[text.as_bytes()]);
    filter_for(&report, "copy", &[]).expect(0);
    assert!(warns(&plan_document(&report.out()), "the storage class REDUCED_REDUNDANCY"));
}

#[test]
fn reasons_can_be_taken_back() {
    let text = version("a", "v", "true", "GLACIER")
        + &row(&["demo", "b", "v", "true", "false", "7", "GLACIER", "SSE-C", ""]);
    let report = ReportFolder::new(VERSIONED, &[text.as_bytes()]);
    let flags = ["--include-ineligible", "archived"];
    let run = filter_for(&report, "copy", &flags).expect(0);
    let plan = plan_document(&report.out());
    assert_eq!(manifests(&report.out()), "demo,a,v\n", "{}", run.story());
    assert_eq!(plan["operation"]["included"], json!(["archived"]));
    let reasons: Vec<_> =
        plan["excluded"].as_array().unwrap().iter().map(|e| &e["reason"]).collect();
    let expected = ["delete-marker", "too-large", "sse-c", "no-current-version"];
    assert_eq!(reasons, expected, "in the order of the rules");
    let both = ["--include-ineligible", "sse-c", "--include-ineligible", "archived"];
    filter_for(&report, "copy", &both).expect(0);
    let plan = plan_document(&report.out());
    assert_eq!(plan["operation"]["included"], json!(["archived", "sse-c"]));
    assert_eq!(manifests(&report.out()), "demo,a,v\ndemo,b,v\n");
}

#[test]
fn wrong_options_say_what_to_do() {
    let report = versions();
    let refused = |operation: &str, flags: &[&str], parts: &[&str]| {
        filter_for(&report, operation, flags).expect(2).says(parts);
        assert!(!report.out().exists());
    };
    let include = |reason| ["--include-ineligible", reason];
    refused(
        "copy",
        &include("too-big"),
        &["too-big", "too-large, archived, sse-c, no-current-version"],
    );
    refused("copy", &include("not-archived"), &["too-large, archived, sse-c"]);
    refused("tag", &include("archived"), &["tag excludes no row for that reason", "leave it out"]);
    refused(
        "copy",
        &include("delete-marker"),
        &["copy acts on objects", "a delete marker is not an object", "lambda and replicate"],
    );
    refused("tag", &["--bucket-key", "on"], &["--bucket-key", "--for tag"]);
    refused("replicate", &["--no-version-ids"], &["--for replicate", "do without that"]);
    let markers = ["--include-ineligible", "delete-marker", "--no-version-ids"];
    refused("lambda", &markers, &["--include-ineligible delete-marker", "do without that"]);
    refused("lambda", &include("archived"), &["choose one of: delete-marker"]);
    refused("tag", &["--storage-class", "keep"], &["--storage-class", "--for tag"]);
    refused("copy", &["--storage-class", "COLD"], &["COLD", "keep", "DEEP_ARCHIVE"]);
    refused("delete", &[], &["delete", "update-encryption", "delete-tags"]);
    for flags in [include("archived"), ["--storage-class", "STANDARD"]] {
        let out = report.out();
        let usual = ["filter", report.manifest.to_str().unwrap(), "--where", "TRUE"];
        s3sieve([&usual[..], &["--out", out.to_str().unwrap()], &flags].concat())
            .expect(2)
            .says(&["--for"]);
    }
}

#[test]
fn reports_with_different_columns_are_each_checked_for_what_they_tell() {
    let first = row(&["one", "a", "SSE-C"]) + &row(&["one", "b", "SSE-S3"]);
    let first = ReportFolder::of_compressed(
        "one",
        "Bucket, Key, EncryptionStatus",
        &[crate::fixture::gzip(first.as_bytes())],
    );
    let second = row(&["c", "two", "6442450944", "GLACIER"]) + &row(&["d", "two", "5", "STANDARD"]);
    let second = ReportFolder::of_compressed(
        "two",
        "Key, Bucket, Size, storage_class",
        &[crate::fixture::gzip(second.as_bytes())],
    );
    let out = first.out();
    let reports = [first.manifest.to_str().unwrap(), second.manifest.to_str().unwrap()];
    let flags = ["--where", "TRUE", "--for", "copy", "--split-by", "key,Bucket"];
    s3sieve([&["filter"], &reports[..], &flags, &["--out", out.to_str().unwrap()]].concat())
        .expect(0);
    let plan = plan_document(&out);
    let expected = [
        json!({"Key": "b", "Bucket": "one"}),
        json!({"Key": "d", "Bucket": "two", "storage_class": "STANDARD"}),
    ];
    assert_eq!(splits(&plan), expected, "{plan:#}");
    assert_eq!(manifests(&out), "one,b\ntwo,d\n");
    assert_eq!(fs::read_to_string(out.join("excluded/sse-c.csv")).unwrap(), "one,a\n");
    assert_eq!(fs::read_to_string(out.join("excluded/too-large.csv")).unwrap(), "two,c\n");
    let listed = plan["operation"]["not_checked"].as_array().unwrap();
    let missing: Vec<_> = listed.iter().map(|part| part["missing"][0].as_str().unwrap()).collect();
    let expected = ["Size", "StorageClass", "IntelligentTieringAccessTier", "EncryptionStatus"];
    assert_eq!(missing, expected);
    assert_eq!(plan["totals"].get("bytes_objects"), Some(&json!(null)), "one report has no Size");
}

#[test]
fn a_limit_leaves_the_sizes_unknown() {
    let report = versions();
    let out = report.out();
    let select = "SELECT * FROM S3Object LIMIT 2";
    let manifest = report.manifest.to_str().unwrap();
    s3sieve(["filter", manifest, "--sql", select, "--out", out.to_str().unwrap()]).expect(0);
    assert_eq!(plan_document(&out)["totals"].get("bytes_objects"), Some(&json!(null)));
}

#[test]
fn plans_for_an_operation_are_byte_identical_for_any_number_of_threads() {
    let classes = ["STANDARD", "STANDARD_IA", "GLACIER", "ONEZONE_IA"];
    let text = |file: usize| -> String {
        let line = |number: usize| {
            let latest = if (number / 3).is_multiple_of(2) { "true" } else { "false" };
            version(&format!("{file}/{number}"), "v", latest, classes[(number / 5 + file) % 4])
        };
        (0..file * 700).map(line).collect()
    };
    let texts: Vec<String> = (0..7).map(text).collect();
    let files: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
    let report = ReportFolder::new(VERSIONED, &files);
    for jobs in [&["--max-objects", "900"][..], &["--jobs", "20"]] {
        let run = |threads: &str, memory: &str| {
            let more = ["--threads", threads, "--memory", memory];
            filter_for(&report, "copy", &[jobs, &more].concat()).expect(0);
            tree(&report.out())
        };
        let one = run("1", "1GiB");
        assert!(one.len() > 10, "there are several manifests");
        for (threads, memory) in [("2", "0"), ("3", "64KiB"), ("8", "1GiB")] {
            assert!(run(threads, memory) == one, "{threads} threads give another plan");
        }
    }
}

#[test]
fn a_replication_is_refused_without_version_ids_in_the_report() {
    let report = ReportFolder::new("Bucket, Key", &[row(&["demo", "a"]).as_bytes()]);
    let manifest = report.manifest.to_str().unwrap();
    filter_for(&report, "replicate", &[]).expect(2).says(&[
        manifest,
        "no column VersionId",
        "IncludedObjectVersions=All",
    ]);
    assert!(!report.out().exists());
}

/// Versions under delete markers, and what an undelete function is given of them.
fn marked() -> ReportFolder {
    let columns = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size";
    let text = row(&["demo", "a", "m1", "true", "true", ""])
        + &row(&["demo", "a", "v1", "false", "false", "100"])
        + &row(&["demo", "b", "", "true", "true", ""])
        + &row(&["demo", "c", "v3", "true", "false", "300"]);
    ReportFolder::new(columns, &[text.as_bytes()])
}

#[test]
fn delete_markers_go_to_functions_and_replication_when_asked_for() {
    let report = marked();
    let manifest = report.manifest.to_str().unwrap();
    let out = report.out();
    for operation in ["lambda", "replicate"] {
        let _ = fs::remove_dir_all(&out);
        let expression = ["--where", "IsDeleteMarker AND IsLatest", "--for", operation];
        let include = ["--include-ineligible", "delete-marker", "--out", out.to_str().unwrap()];
        let run = s3sieve([&["filter", manifest][..], &expression, &include].concat()).expect(0);
        assert_eq!(manifests(&out), "demo,a,m1\ndemo,b,null\n", "{}", run.story());
        let plan = plan_document(&out);
        assert_eq!(plan["operation"]["included"], json!(["delete-marker"]));
        // Nobody asked: they stay out.
        filter_for(&report, operation, &[]).expect(0);
        assert_eq!(manifests(&out), "demo,a,v1\ndemo,c,v3\n");
    }
    filter_for(&report, "tag", &["--include-ineligible", "delete-marker"]).expect(2);
}

fn encrypted() -> ReportFolder {
    let columns = "Bucket, Key, EncryptionStatus, BucketKeyStatus";
    let text = row(&["demo", "kms", "SSE-KMS", "DISABLED"])
        + &row(&["demo", "s3", "SSE-S3", "DISABLED"])
        + &row(&["demo", "unsaid", "", "DISABLED"])
        + &row(&["demo", "twice", "DSSE-KMS", "DISABLED"]);
    ReportFolder::new(columns, &[text.as_bytes()])
}

#[test]
fn what_is_not_sse_kms_is_excluded_unless_it_is_asked_for() {
    let report = encrypted();
    let excluded = |reason: &str| {
        fs::read_to_string(report.out().join(format!("excluded/{reason}.csv"))).unwrap()
    };
    for flags in [&["--bucket-key", "on"][..], &["--bucket-key", "off"], &[]] {
        let run = filter_for(&report, "update-encryption", flags).expect(0);
        assert_eq!(manifests(&report.out()), "demo,kms\n", "{}", run.story());
        assert_eq!(excluded("not-sse-kms"), "demo,s3\ndemo,unsaid\n");
        assert_eq!(excluded("dsse-kms"), "demo,twice\n");
        assert!(run.stdout().contains("KMS requests are billed"), "{}", run.story());
        let told = plan_document(&report.out())["operation"]["bucket_key"].clone();
        let given = flags.get(1).map_or(Value::Null, |given| json!(*given == "on"));
        assert_eq!(told, given);
    }
    let include = ["--include-ineligible", "not-sse-kms"];
    filter_for(&report, "update-encryption", &include).expect(0);
    assert_eq!(manifests(&report.out()), "demo,kms\ndemo,s3\ndemo,unsaid\n");
    let plan = plan_document(&report.out());
    assert_eq!(plan["operation"]["included"], json!(["not-sse-kms"]));
    // What another reason had excluded comes back with that one.
    let include = ["--include-ineligible", "dsse-kms"];
    filter_for(&report, "update-encryption", &include).expect(0);
    assert_eq!(manifests(&report.out()), "demo,kms\ndemo,twice\n");
}

fn of_bucket(name: &str, source_bucket: &str) -> ReportFolder {
    let rows = row(&[name, "a", "v"]);
    let file = crate::fixture::gzip(rows.as_bytes());
    ReportFolder::of_compressed(source_bucket, "Bucket, Key, VersionId", &[file])
}

#[test]
fn directory_buckets_are_for_copies_and_functions_alone() {
    const NAME: &str = "data--usw2-az1--x-s3";
    let arn = format!("arn:aws:s3express:us-west-2:111122223333:bucket/{NAME}");
    for source in [NAME, &arn] {
        let report = of_bucket(NAME, source);
        for operation in ["tag", "restore", "acl", "update-encryption", "checksum", "replicate"] {
            filter_for(&report, operation, &[]).expect(2).says(&[
                &format!("--for {operation}: {NAME} is a directory bucket"),
                "copy and lambda",
            ]);
            assert!(!report.out().exists());
        }
        for (operation, arguments) in [("copy", &["--no-version-ids"][..]), ("lambda", &[])] {
            filter_for(&report, operation, arguments).expect(0);
            assert_eq!(plan_document(&report.out())["shards"][0]["bucket"], NAME);
        }
        let (manifest, out) = (report.manifest.to_str().unwrap(), report.out());
        fs::remove_dir_all(&out).unwrap();
        let out = out.to_str().unwrap();
        let run = s3sieve(["filter", manifest, "--where", "TRUE", "--out", out]).expect(0);
        assert!(run.stdout().contains(&format!("{NAME} is a directory bucket")), "{}", run.story());
        // A manifest can't lie in one.
        let emit = ["--emit", "inventory", "--manifest-bucket", &format!("s3://{NAME}/x")];
        let usual = ["filter", manifest, "--where", "TRUE", "--force", "--out", out];
        s3sieve([&usual[..], &emit].concat()).expect(2).says(&["general purpose bucket"]);
    }
}
