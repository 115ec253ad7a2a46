//! What `estimate` and `filter` say beside their figures: of plans for another operation, of plans
//! of a part of a report, and nothing that isn't so.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::fixture::{ReportFolder, row, s3sieve};

/// A plan of a synthetic report of two data files, of a third each in these classes.
fn plan(columns: &str, query: &[&str]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (report, out) = (folder.path().join("report"), folder.path().join("plan"));
    let shares = ["--share", "StorageClass=STANDARD:1,GLACIER:1,INTELLIGENT_TIERING:1"];
    let synth = ["synth", "--rows", "3000", "--files", "2", "--columns", columns];
    let shares = if columns.contains("StorageClass") { &shares[..] } else { &[] };
    let place = ["--out", report.to_str().unwrap()];
    s3sieve(synth.iter().chain(shares).chain(&place)).expect(0);
    let filter = ["filter", report.to_str().unwrap(), "--out", out.to_str().unwrap()];
    s3sieve(filter.iter().chain(query)).expect(0);
    (folder, out)
}

const SIZED: &str = "Bucket,Key,Size,StorageClass";
const ALL: [&str; 2] = ["--where", "TRUE"];
const FIVE: [&str; 2] = ["--sql", "SELECT * FROM S3Object LIMIT 5"];

fn json(out: &Path, flags: &[&str]) -> Value {
    let arguments = ["estimate", out.to_str().unwrap(), "--format", "json"];
    s3sieve(arguments.iter().chain(flags)).expect(0).json()
}

fn told(out: &Path, flags: &[&str]) -> String {
    s3sieve(["estimate", out.to_str().unwrap()].iter().chain(flags)).expect(0).stdout()
}

fn objects_of(out: &Path, is_meant: impl Fn(&str) -> bool) -> u64 {
    let plan = crate::fixture::plan_document(out);
    let classes = plan["totals"]["storage_classes"].as_array().unwrap();
    let meant = classes.iter().filter(|class| is_meant(class["storage_class"].as_str().unwrap()));
    meant.map(|class| class["objects"].as_u64().unwrap()).sum()
}

/// As numbers are written for people; those here are below ten thousand.
fn grouped(number: u64) -> String {
    if number < 1000 {
        number.to_string()
    } else {
        format!("{},{:03}", number / 1000, number % 1000)
    }
}

#[test]
fn what_a_plan_for_nothing_in_particular_has_that_copies_cannot_take_is_told() {
    let (_folder, out) = plan(SIZED, &ALL);
    let archived = grouped(objects_of(&out, |class| class == "GLACIER"));
    let said =
        format!("The plan was not made for copy: {archived} of its 3,000 objects are archived");
    for flags in [&[][..], &["--operation", "copy"]] {
        let warnings = json(&out, flags)["warnings"].to_string();
        assert!(warnings.contains(&said), "{said}: {warnings}");
        assert!(warnings.contains("larger than 5 GiB"), "{warnings}");
        assert!(warnings.contains("filter --for copy"), "{warnings}");
        let told = told(&out, flags);
        assert!(told.contains(&format!("note: {said}")), "{told}");
    }
    let tag = json(&out, &["--operation", "tag"])["warnings"].to_string();
    assert!(!tag.contains("not made for"), "{tag}");
}

#[test]
fn what_a_restore_has_nothing_to_do_for_is_told() {
    let (_folder, out) = plan(SIZED, &ALL);
    let others = grouped(objects_of(&out, |class| class == "STANDARD"));
    let said = format!("not made for restore: {others} of its 3,000 objects are not archived");
    let told = told(&out, &["--operation", "restore"]);
    assert!(told.contains(&said), "{said}: {told}");
    assert_eq!(told.matches("not made for restore").count(), 1, "of both ways at once: {told}");
}

#[test]
fn a_plan_for_the_operation_is_not_told_of_others() {
    let (_folder, out) = plan(SIZED, &["--where", "TRUE", "--for", "copy"]);
    let own = json(&out, &[])["warnings"].to_string();
    assert!(!own.contains("not made for copy"), "{own}");
    let (_folder, out) = plan("Bucket,Key", &ALL);
    let unknown = json(&out, &["--operation", "copy"])["warnings"].to_string();
    assert!(unknown.contains("it does not tell how many are archived, or are larger"), "{unknown}");
    // Small objects, none of them archived.
    let small = ["--where", "StorageClass = 'STANDARD' AND Size < 1000"];
    let (_folder, out) = plan(SIZED, &small);
    let none = json(&out, &["--operation", "copy"])["warnings"].to_string();
    assert!(!none.contains("not made for copy"), "{none}");
}

#[test]
fn a_limit_is_told_as_the_reason_of_what_is_not_known() {
    let (_folder, out) = plan(SIZED, &FIVE);
    let result = json(&out, &["--operation", "copy", "--storage-class", "keep"]);
    let warnings = format!("{}{}", result["warnings"], result["estimates"][0]["warnings"]);
    assert!(warnings.contains("A plan with LIMIT does not count them"), "{warnings}");
    assert!(warnings.contains("A plan with LIMIT does not add them up"), "{warnings}");
    assert!(!warnings.contains("the report has the column"), "{warnings}");
    assert_eq!(result["listing"]["is_report_at_least"], true);
    let told = told(&out, &[]);
    assert!(told.contains("this report, at least $"), "{told}");
    assert!(told.contains("for the 1,500 rows that were read"), "{told}");
    let (_folder, out) = plan(SIZED, &ALL);
    assert_eq!(json(&out, &[])["listing"]["is_report_at_least"], false);
}

#[test]
fn a_price_that_is_not_known_is_not_counted_at_most() {
    let (_folder, out) = plan(SIZED, &ALL);
    let told = told(&out, &["--region", "eu-west-1"]);
    assert!(told.contains("Left out: KMS requests."), "{told}");
    assert!(!told.contains("KMS requests are counted at most"), "{told}");
}

#[test]
fn a_bucket_has_no_fewer_objects_than_the_plan() {
    let (_folder, out) = plan(SIZED, &ALL);
    let arguments = ["estimate", out.to_str().unwrap(), "--source-objects"];
    let few = s3sieve(arguments.iter().chain(&["2999"])).expect(2);
    few.says(&["--source-objects 2999", "the plan alone has 3,000 objects", "source bucket"]);
    s3sieve(arguments.iter().chain(&["3000"])).expect(0);
}

#[test]
fn a_limit_leaves_no_number_of_rows_that_were_not_selected() {
    let text = ["a", "b", "c"].map(|key| row(&["demo", key, "SSE-S3", "DISABLED"])).concat();
    let columns = "Bucket, Key, EncryptionStatus, BucketKeyStatus";
    let report = ReportFolder::new(columns, &[text.as_bytes()]);
    let (manifest, out) = (report.manifest.to_str().unwrap(), report.out());
    let query = "SELECT * FROM S3Object WHERE BucketKeyStatus = 'DISABLED' LIMIT 1";
    let filter = ["filter", manifest, "--sql", query, "--out", out.to_str().unwrap()];
    let told = s3sieve(filter).expect(0).stdout();
    assert!(!told.contains("3 of the 1"), "{told}");
    assert!(told.contains("may be among those selected, are not encrypted with SSE-KMS"), "{told}");
}
