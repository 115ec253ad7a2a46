//! `estimate`: the figures of `docs/costs.md`, other price lists, and what is no plan.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fixture::{plan_document, s3sieve, seed};

/// A folder with a plan of the seed's nine objects, and the words of the run that made it.
fn seed_plan(flags: &[&str]) -> (TempDir, PathBuf, String) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("plan");
    let report = seed();
    let arguments = ["filter", report.to_str().unwrap(), "--where", "BucketKeyStatus = 'DISABLED'"];
    let out_arguments = ["--out", out.to_str().unwrap()];
    let all = arguments.iter().chain(&out_arguments).chain(flags);
    let told = s3sieve(all).expect(0).stdout();
    (folder, out, told)
}

/// The plan of a hundred million objects of `docs/costs.md`: the seed's with other numbers.
fn large_plan() -> (TempDir, PathBuf) {
    let (folder, out, _) = seed_plan(&["--jobs", "3"]);
    let mut plan = plan_document(&out);
    for (shard, objects) in plan["shards"].as_array_mut().unwrap().iter_mut().zip([
        33_333_334_u64,
        33_333_333,
        33_333_333,
    ]) {
        shard["objects"] = json!(objects);
        shard["bytes"] = json!(objects * 100);
        shard["split"] = json!({"StorageClass": "STANDARD"});
    }
    plan["totals"]["rows"] = json!(1_000_000_000_u64);
    let excluded = plan["totals"]["rows_excluded"].as_u64().unwrap();
    plan["totals"]["rows_matched"] = json!(100_000_000_u64 + excluded);
    plan["totals"]["bytes_objects"] = json!(100_000_000_u64 << 20);
    plan["totals"]["storage_classes"] = one_class("STANDARD");
    rewrite(&out, &plan);
    (folder, out)
}

/// A hundred million objects of 1 MiB each, of one storage class.
fn one_class(class: &str) -> Value {
    let bytes = 100_000_000_u64 << 20;
    let sizes =
        json!({"bytes_objects": bytes, "objects_below_128_kib": 0, "bytes_below_128_kib": 0});
    json!([{"storage_class": class, "objects": 100_000_000_u64, "sizes": sizes}])
}

fn rewrite(out: &Path, plan: &Value) {
    fs::write(out.join("plan.json"), plan.to_string()).unwrap();
}

#[track_caller]
fn estimate(out: &Path, flags: &[&str]) -> Value {
    let arguments = ["estimate", out.to_str().unwrap(), "--format", "json"];
    s3sieve(arguments.iter().chain(flags)).expect(0).json()
}

#[track_caller]
fn told(out: &Path, flags: &[&str]) -> String {
    let arguments = ["estimate", out.to_str().unwrap()];
    s3sieve(arguments.iter().chain(flags)).expect(0).stdout()
}

/// The tables of `docs/costs.md` by heading: the first cell of each row, and its amounts.
fn documented() -> BTreeMap<String, Vec<(String, Vec<String>)>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/costs.md");
    let text = fs::read_to_string(path).unwrap();
    let mut tables: BTreeMap<String, Vec<(String, Vec<String>)>> = BTreeMap::new();
    let mut heading = String::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("### ") {
            heading = name.to_owned();
        } else if line.starts_with('|') {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let amounts: Vec<String> = cells[2..]
                .iter()
                .filter_map(|cell| cell.strip_prefix('$'))
                .map(str::to_owned)
                .collect();
            if !amounts.is_empty() {
                tables.entry(heading.clone()).or_default().push((cells[0].to_owned(), amounts));
            }
        }
    }
    tables
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// An estimate as a table of the documentation: charges, the sum, what comes every month.
fn rows(estimate: &Value) -> Vec<(String, Vec<String>)> {
    let row = |line: &Value| {
        (text(&line["charge"]), vec![text(&line["cost_min_usd"]), text(&line["cost_max_usd"])])
    };
    let mut rows: Vec<_> = estimate["lines"].as_array().unwrap().iter().map(row).collect();
    // Nothing has to be paid for reading what is in STANDARD, but the requests.
    rows.retain(|(charge, amounts)| charge != "retrieval" || amounts[1] != "0");
    let sum = vec![text(&estimate["cost_min_usd"]), text(&estimate["cost_max_usd"])];
    rows.push(("in all".to_owned(), sum));
    rows.extend(estimate["monthly_lines"].as_array().unwrap().iter().map(row));
    rows
}

#[test]
fn the_documentation_has_the_programs_figures() {
    let documented = documented();
    let (_seed, seed, _) = seed_plan(&[]);
    let (_large, large) = large_plan();
    for (name, plan) in [("seed", &seed), ("large", &large)] {
        let result = estimate(plan, &[]);
        assert!(!result["estimates"].as_array().unwrap().is_empty(), "{result}");
        for estimate in result["estimates"].as_array().unwrap() {
            let heading = format!("{name}: {}", estimate["operation"].as_str().unwrap());
            assert_eq!(documented[&heading], rows(estimate), "{heading}");
        }
        let list = &result["listing"];
        let costs = vec![
            ("this report".to_owned(), vec![text(&list["report_cost_usd"])]),
            ("a manifest made by AWS".to_owned(), vec![text(&list["generated_manifest_cost_usd"])]),
        ];
        assert_eq!(documented[&format!("{name}: the list")], costs);
    }
    assert_eq!(documented.len(), 6, "{documented:#?}");
}

#[test]
fn a_table_shows_both_ways_to_bucket_keys() {
    let (_folder, out) = large_plan();
    let told = told(&out, &[]);
    for part in [
        "100,000,000 objects of 95.4 TiB in 3 jobs",
        "us-east-1",
        "$600.75 to $1,200.75",
        "$600.75 to $1,240.75",
        "$2,246.09",
        "requests, STANDARD",
        "up to $0.03 per 10,000 requests",
        "Jobs: 3 jobs, $0.75; one job would cost $0.25",
        "this report, $2.50 for 1,000,000,000 rows",
        "made by AWS, $15.00 for 1,000,000,000 objects",
        "note: KMS requests are counted at most",
    ] {
        assert!(told.contains(part), "`{part}` is missing in\n{told}");
    }
}

#[test]
fn what_is_not_known_is_not_shown_as_nothing() {
    let (_folder, out, _) = seed_plan(&[]);
    let told = told(&out, &["--operation", "copy"]);
    for part in ["$0.250198 + retrieval", "not known", "column StorageClass", "column Size"] {
        assert!(told.contains(part), "`{part}` is missing in\n{told}");
    }
    let result = estimate(&out, &["--operation", "copy"]);
    assert_eq!(result["estimates"][0]["charges_omitted"], json!(["retrieval", "storage"]));
}

#[test]
fn filter_says_the_estimate_in_a_line() {
    let (_folder, out, told) = seed_plan(&[]);
    let rest = format!("`s3sieve estimate {}`", out.display());
    let line = format!(
        "Estimate: 9 objects in 1 job: $0.25; requests of the operation not included ({rest} has \
         them)."
    );
    assert!(told.contains(&line), "{told}");
    let (_folder, _, told) = seed_plan(&["--jobs", "3"]);
    assert!(told.contains("9 objects in 3 jobs: $0.75, $0.50 less in one job;"), "{told}");
    let report = seed();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("plan");
    let arguments = ["filter", report.to_str().unwrap(), "--where", "FALSE", "--out"];
    let empty = s3sieve(arguments.into_iter().chain([out.to_str().unwrap()])).expect(0).stdout();
    assert!(!empty.contains("Estimate"), "{empty}");
}

#[test]
fn the_plans_own_operation_is_taken() {
    let (_folder, out) = large_plan();
    let mut plan = plan_document(&out);
    plan["operation"] = json!({
        "name": "copy", "storage_class": "keep", "not_checked": [], "included": [],
    });
    for shard in plan["shards"].as_array_mut().unwrap() {
        shard["split"] = json!({"StorageClass": "STANDARD_IA"});
    }
    plan["totals"]["storage_classes"] = one_class("STANDARD_IA");
    rewrite(&out, &plan);
    let result = estimate(&out, &[]);
    let copy = &result["estimates"][0];
    assert_eq!(copy["operation"], "copy");
    assert_eq!(copy["is_chosen"], true);
    assert_eq!(copy["lines"][2]["storage_class"], "STANDARD_IA");
    assert_eq!(copy["lines"][2]["cost_min_usd"], "1000");
    assert_eq!(result["estimates"][1]["operation"], "update-encryption");
    assert!(copy["warnings"].to_string().contains("30 days in STANDARD_IA"), "{copy:#}");
    let other = estimate(&out, &["--storage-class", "deep_archive"]);
    assert_eq!(other["estimates"][0]["lines"][2]["cost_min_usd"], "5000");
    plan["operation"]["name"] = json!("paint");
    rewrite(&out, &plan);
    let arguments = ["estimate", out.to_str().unwrap()];
    s3sieve(arguments).expect(2).says(&["paint", "--operation"]);
}

/// `update-encryption` keeps the class of each object: it is no other way to copies that don't.
#[test]
fn a_plan_that_changes_the_class_is_not_compared_with_what_cannot() {
    let (_folder, out) = large_plan();
    let operations = |flags: &[&str]| {
        let result = estimate(&out, flags);
        let estimates = result["estimates"].as_array().unwrap();
        let names: Vec<_> = estimates.iter().map(|one| text(&one["operation"])).collect();
        (names, result["warnings"].to_string().contains("update-encryption can't do that"))
    };
    let both = |first: &str, second: &str| (vec![first.to_owned(), second.to_owned()], false);
    let copy_alone = || (vec!["copy".to_owned()], true);
    let mut plan = plan_document(&out);
    for (class, expected) in [
        ("keep", both("copy", "update-encryption")),
        ("STANDARD", both("copy", "update-encryption")),
        ("GLACIER_IR", copy_alone()),
    ] {
        plan["operation"] = json!({
            "name": "copy", "storage_class": class, "not_checked": [], "included": [],
        });
        rewrite(&out, &plan);
        assert_eq!(operations(&[]), expected, "{class}");
    }
    assert_eq!(operations(&["--storage-class", "keep"]), both("copy", "update-encryption"));
    // Of objects whose classes are not known, some may be of another.
    plan["totals"]["storage_classes"] = Value::Null;
    for shard in plan["shards"].as_array_mut().unwrap() {
        shard["split"] = json!({});
    }
    plan["operation"]["storage_class"] = json!("STANDARD");
    rewrite(&out, &plan);
    assert_eq!(operations(&[]), copy_alone());
    // Who wants bucket keys may copy, too, into whatever class.
    let update = ["--operation", "update-encryption", "--storage-class", "GLACIER_IR"];
    assert_eq!(operations(&update), both("update-encryption", "copy"));
    plan.as_object_mut().unwrap().remove("operation");
    rewrite(&out, &plan);
    assert_eq!(operations(&[]), both("update-encryption", "copy"));
    assert_eq!(operations(&["--storage-class", "GLACIER_IR"]), copy_alone());
}

#[test]
fn every_operation_has_an_estimate() {
    let (_folder, out) = large_plan();
    for (operation, ways) in [
        ("tag", 1),
        ("delete-tags", 1),
        ("restore", 2),
        ("acl", 1),
        ("legal-hold", 1),
        ("retention", 1),
        ("replicate", 1),
        ("checksum", 1),
        ("lambda", 1),
    ] {
        let result = estimate(&out, &["--operation", operation]);
        let estimates = result["estimates"].as_array().unwrap();
        assert_eq!(estimates.len(), ways, "{operation}");
        assert_eq!(estimates[0]["operation"], operation);
        assert!(told(&out, &["--operation", operation]).contains(operation));
    }
    let arguments = ["estimate", out.to_str().unwrap(), "--operation", "delete"];
    s3sieve(arguments).expect(2).says(&["delete", "update-encryption"]);
}

#[test]
fn source_objects_are_what_aws_bills_a_manifest_by() {
    let (_folder, out, _) = seed_plan(&[]);
    let known = estimate(&out, &["--source-objects", "2_000_000_000"]);
    assert_eq!(known["listing"]["generated_manifest_cost_usd"], "30");
    assert_eq!(known["listing"]["is_at_least"], false);
    assert_eq!(estimate(&out, &[])["listing"]["is_at_least"], true);
}

#[test]
fn another_price_list_is_used_or_refused_by_field() {
    let (folder, out, _) = seed_plan(&[]);
    let published = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/operation/prices.json");
    let published = fs::read_to_string(published).unwrap();
    let list = folder.path().join("prices.json");
    let list_text = list.to_str().unwrap();
    fs::write(&list, published.replacen("\"0.25\"", "\"0.3\"", 1)).unwrap();
    let result = estimate(&out, &["--prices", list_text]);
    assert_eq!(result["job_count"]["cost_usd"], "0.3");
    assert_eq!(result["prices"]["file"], list_text);
    let arguments = ["estimate", out.to_str().unwrap(), "--prices", list_text];
    for (old, new, part) in [
        ("\"0.25\"", "\"-0.25\"", "batch_usd_per_job"),
        ("\"0.023\"", "\"inf\"", "storage_classes.STANDARD.storage_usd_per_gb_month"),
        ("\"kms_", "\"kmz_", "kmz_usd_per_ten_thousand_requests"),
        ("    \"checksum_usd_per_gb\": \"0.004\",\n", "", "checksum_usd_per_gb"),
    ] {
        assert!(published.contains(old), "{old}");
        fs::write(&list, published.replacen(old, new, 1)).unwrap();
        s3sieve(arguments).expect(3).says(&[list_text, part]);
    }
    fs::remove_file(&list).unwrap();
    s3sieve(arguments).expect(3).says(&[list_text]);
}

#[test]
fn an_estimate_says_what_update_encryption_may_make_sse_kms() {
    let kms = "becomes SSE-KMS with the named key, and costs KMS requests from then on";
    for flags in [&["--for", "update-encryption"][..], &[]] {
        let (_folder, out, _) = seed_plan(flags);
        let told = told(&out, &[]);
        assert!(told.contains("the report has no EncryptionStatus"), "{told}");
        assert!(told.contains(kms), "{told}");
        let other = estimate(&out, &["--operation", "tag"]);
        assert!(!other["warnings"].to_string().contains(kms), "{other:#}");
    }
    let (_folder, out, _) = seed_plan(&["--for", "update-encryption"]);
    let mut plan = plan_document(&out);
    plan["operation"]["not_checked"] = json!([]);
    rewrite(&out, &plan);
    assert!(!told(&out, &[]).contains(kms), "all rows were looked at");
}

#[test]
fn what_is_no_plan_is_bad_input() {
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().to_str().unwrap();
    s3sieve(["estimate", name]).expect(3).says(&[name, "filter --out"]);
    s3sieve(["estimate", "no/such/plan"]).expect(3).says(&["no/such/plan"]);
    rewrite(folder.path(), &json!({"version": 3}));
    s3sieve(["estimate", name]).expect(3).says(&["version 3", "update s3sieve"]);
    rewrite(folder.path(), &json!({"version": 1}));
    s3sieve(["estimate", name]).expect(3).says(&["version 1", "made by s3sieve 0.1"]);
    rewrite(folder.path(), &json!({"version": 2}));
    s3sieve(["estimate", name]).expect(3).says(&["plan.json", "missing field"]);
}

/// A plan of every row of a report with these columns, of synthetic objects in several classes.
fn synthetic_plan(columns: &str, format: &str, flags: &[&str]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (report, out) = (folder.path().join("report"), folder.path().join("plan"));
    let share = "StorageClass=STANDARD:5,STANDARD_IA:3,GLACIER_IR:1,DEEP_ARCHIVE:1";
    let synth = ["synth", "--rows", "20000", "--files", "3", "--columns", columns];
    let shares = ["--share", share];
    let shares = if columns.contains("StorageClass") { &shares[..] } else { &[] };
    let place = ["--format", format, "--out", report.to_str().unwrap()];
    s3sieve(synth.iter().chain(shares).chain(&place)).expect(0);
    let filter = ["filter", report.to_str().unwrap(), "--where", "Key LIKE '%a%'"];
    let place = ["--out", out.to_str().unwrap()];
    s3sieve(filter.iter().chain(&place).chain(flags)).expect(0);
    (folder, out)
}

const SIZED: &str = "Bucket,Key,Size,StorageClass";

#[test]
fn what_goes_by_class_and_size_is_one_figure() {
    let (_folder, out) = synthetic_plan(SIZED, "csv", &[]);
    let totals = &plan_document(&out)["totals"];
    let classes = totals["storage_classes"].as_array().unwrap();
    let names: Vec<_> = classes.iter().map(|class| class["storage_class"].clone()).collect();
    assert_eq!(names, ["STANDARD", "STANDARD_IA", "GLACIER_IR", "DEEP_ARCHIVE"]);
    let sum = |of: &dyn Fn(&Value) -> u64| classes.iter().map(of).sum::<u64>();
    let count = |value: &Value| value.as_u64().unwrap();
    assert_eq!(sum(&|class| count(&class["objects"])), count(&totals["rows_matched"]));
    assert_eq!(
        sum(&|class| count(&class["sizes"]["bytes_objects"])),
        count(&totals["bytes_objects"])
    );
    for operation in ["tag", "restore", "checksum", "copy", "update-encryption"] {
        let flags = ["--operation", operation, "--storage-class", "keep"];
        let result = estimate(&out, &flags);
        let estimate = &result["estimates"][0];
        assert_eq!(estimate["operation"], operation);
        for line in estimate["lines"].as_array().unwrap() {
            // What only the bill tells: whether KMS is asked, whether sources are read.
            if !matches!(line["charge"].as_str(), Some("kms" | "reads")) {
                assert_eq!(line["cost_min_usd"], line["cost_max_usd"], "{operation}: {line:#}");
            }
        }
    }
    let tag = estimate(&out, &["--operation", "tag"]);
    assert_eq!(tag["estimates"][0]["cost_min_usd"], tag["estimates"][0]["cost_max_usd"]);
    let lines = tag["estimates"][0]["lines"].as_array().unwrap();
    let told: Vec<_> = lines[2..].iter().map(|line| line["storage_class"].clone()).collect();
    assert_eq!(told, names);
}

#[test]
fn classes_are_the_same_on_any_number_of_threads_and_in_every_format() {
    let classes = |format: &str, threads: &str| {
        let (_folder, out) = synthetic_plan(SIZED, format, &["--threads", threads]);
        plan_document(&out)["totals"]["storage_classes"].clone()
    };
    let first = classes("csv", "1");
    assert_eq!(first.as_array().unwrap().len(), 4);
    assert_eq!(first, classes("csv", "5"));
    #[cfg(feature = "parquet")]
    assert_eq!(first, classes("parquet", "3"));
    #[cfg(feature = "orc")]
    assert_eq!(first, classes("orc", "2"));
}

#[test]
fn classes_are_told_as_far_as_they_are_known() {
    let classes = |columns: &str, flags: &[&str]| {
        let (_folder, out) = synthetic_plan(columns, "csv", flags);
        plan_document(&out)["totals"]["storage_classes"].clone()
    };
    let no_sizes = classes("Bucket,Key,StorageClass", &[]);
    assert_eq!(no_sizes[0]["storage_class"], "STANDARD");
    assert_eq!(no_sizes[0]["sizes"], Value::Null);
    let no_classes = classes("Bucket,Key,Size", &[]);
    assert_eq!(no_classes.as_array().unwrap().len(), 1);
    assert_eq!(no_classes[0]["storage_class"], Value::Null);
    assert!(no_classes[0]["sizes"]["bytes_objects"].as_u64().unwrap() > 0);
    assert_eq!(classes("Bucket,Key", &[]), Value::Null);
}

#[test]
fn prices_are_those_of_the_region() {
    let (_folder, out) = large_plan();
    let tag = |region: &str| {
        let flags = ["--operation", "tag", "--region", region];
        estimate(&out, &flags)["estimates"][0]["cost_min_usd"].clone()
    };
    assert_eq!(tag("us-east-1"), "600.75");
    assert_eq!(tag("eu-central-1"), "640.75");
    assert_eq!(tag("sa-east-1"), "800.75");
    let told_here = told(&out, &[]);
    assert!(told_here.contains("A plan does not tell its Region"), "{told_here}");
    let told_there = told(&out, &["--region", "eu-central-1"]);
    assert!(told_there.contains("for eu-central-1."), "{told_there}");
    assert!(told_there.contains("not known for eu-central-1"), "KMS has no source: {told_there}");
    assert!(!told_there.contains("A plan does not tell"), "{told_there}");
}

#[test]
fn a_region_without_prices_is_refused_with_those_that_have_some() {
    let (folder, out) = large_plan();
    let arguments = ["estimate", out.to_str().unwrap(), "--region", "eu-nowhere-1"];
    s3sieve(arguments).expect(2).says(&["eu-nowhere-1", "eu-west-3", "--prices FILE"]);
    let published = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/operation/prices.json");
    let list = published.to_str().unwrap();
    let arguments = ["estimate", out.to_str().unwrap(), "--prices", list, "--region"];
    s3sieve(arguments.iter().chain(&["eu-nowhere-1"])).expect(3).says(&["eu-nowhere-1", list]);
    s3sieve(arguments.iter().chain(&["eu-west-3"])).expect(0);
    let one = folder.path().join("one.json");
    let lists: Value = serde_json::from_str(&fs::read_to_string(&published).unwrap()).unwrap();
    fs::write(&one, lists[8].to_string()).unwrap();
    let alone = estimate(&out, &["--prices", one.to_str().unwrap()]);
    assert_eq!(alone["prices"]["region"], "eu-central-1");
}
