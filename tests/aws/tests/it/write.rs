//! Plans written to S3, and buckets listed into reports.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use ground::{FaultProxy, Faults};

use crate::fixture::{Buckets, data_file, s3sieve, tree};

const PLAN: &str = "s3://plans/today";

/// A server with a report on disk too large for one PUT when all its rows are kept, and a bucket
/// for plans.
fn buckets() -> (Buckets, String) {
    let buckets = Buckets::new();
    let files = [data_file(0, 150_000), data_file(1, 10), data_file(2, 130_000)];
    let manifest = buckets.report("", "2026-01-02T00-00Z", &files);
    fs::create_dir_all(buckets.root.path().join("plans")).unwrap();
    fs::create_dir_all(buckets.out("")).unwrap();
    let manifest = buckets.file(&manifest).to_str().unwrap().to_owned();
    (buckets, manifest)
}

fn filter<'a>(manifest: &'a str, out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["filter", manifest, "--where", "Size >= 0", "--out", out], more].concat()
}

fn objects(buckets: &Buckets) -> BTreeMap<PathBuf, Vec<u8>> {
    tree(&buckets.root.path().join("plans"))
}

/// Parts and uploads that the server still holds.
fn leavings(buckets: &Buckets) -> Vec<String> {
    let entries = fs::read_dir(buckets.root.path()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.contains("upload")).collect()
}

fn below(folder: &str, files: BTreeMap<PathBuf, Vec<u8>>) -> BTreeMap<PathBuf, Vec<u8>> {
    files.into_iter().map(|(path, bytes)| (Path::new(folder).join(path), bytes)).collect()
}

#[test]
fn a_plan_in_s3_is_the_plan_on_disk() {
    let (buckets, manifest) = buckets();
    let endpoint = buckets.server.endpoint();
    for (number, more) in
        [&[][..], &["--jobs", "3"], &["--max-objects", "50000"]].iter().enumerate()
    {
        let local = buckets.out(&format!("local-{number}"));
        s3sieve(&endpoint, filter(&manifest, local.to_str().unwrap(), more)).expect(0);
        let force: &[&str] = if number == 0 { &[] } else { &["--force"] };
        s3sieve(&endpoint, filter(&manifest, PLAN, &[*more, force].concat())).expect(0);
        assert!(objects(&buckets) == below("today", tree(&local)), "{more:?}");
        assert!(leavings(&buckets).is_empty());
    }
    let large = fs::metadata(buckets.out("local-0/manifests/00000.csv")).unwrap().len();
    assert!(large > 16 << 20, "{large} bytes are sent in parts");
}

#[test]
fn a_finished_plan_is_replaced_only_by_force() {
    let (buckets, manifest) = buckets();
    let endpoint = buckets.server.endpoint();
    s3sieve(&endpoint, filter(&manifest, PLAN, &[])).expect(0);
    let before = objects(&buckets);
    s3sieve(&endpoint, filter(&manifest, PLAN, &[])).expect(2).says(&["is not empty", "--force"]);
    assert!(objects(&buckets) == before);
    let journal = buckets.root.path().join("plans/today/jobs.jsonl");
    fs::write(&journal, "{}").unwrap();
    s3sieve(&endpoint, filter(&manifest, PLAN, &["--force"])).expect(2).says(&["was submitted"]);
}

#[test]
fn a_run_that_fails_leaves_nothing() {
    let (buckets, manifest) = buckets();
    let damaged = buckets.file("demo/daily/data/2026-01-02T00-00Z-2.csv.gz");
    let mut bytes = fs::read(&damaged).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 64].fill(0);
    fs::write(&damaged, bytes).unwrap();
    let bounds = ["--max-objects", "20000", "--threads", "1"];
    s3sieve(&buckets.server.endpoint(), filter(&manifest, PLAN, &bounds)).expect(3);
    s3sieve(&buckets.server.endpoint(), filter(&manifest, PLAN, &["--threads", "1"])).expect(3);
    assert!(objects(&buckets).is_empty(), "{:?}", objects(&buckets).keys());
    assert!(leavings(&buckets).is_empty(), "{:?}", leavings(&buckets));
    s3sieve(&buckets.server.endpoint(), filter(&manifest, "s3://no-such-bucket/p", &[]))
        .expect(4)
        .says(&["s3://no-such-bucket/p"]);
}

#[test]
fn faults_on_the_way_up_change_nothing() {
    let (buckets, manifest) = buckets();
    let local = buckets.out("local");
    let bounds = ["--max-objects", "60000"];
    let endpoint = buckets.server.endpoint();
    s3sieve(&endpoint, filter(&manifest, local.to_str().unwrap(), &bounds)).expect(0);
    let faults = Faults { seed: 3, percent: 15, only_errors: false };
    let proxy = FaultProxy::start(buckets.server.address(), faults).unwrap();
    s3sieve(&proxy.endpoint(), filter(&manifest, PLAN, &bounds)).expect(0);
    assert!(objects(&buckets) == below("today", tree(&local)));
    assert!(proxy.harmed() > 0);
}

#[test]
fn a_listing_is_a_report_that_every_command_reads() {
    let buckets = Buckets::new();
    let endpoint = buckets.server.endpoint();
    for key in ["a.txt", "photos/1 +%.jpg", "photos/2026/ü.jpg", "photos/2026/02/z", "docs/x~"] {
        buckets.put(key, key.as_bytes());
    }
    let folder = buckets.out("list");
    let out = folder.to_str().unwrap();
    let list = ["list", "s3://reports", "--out", out, "--format", "json"];
    let listed = s3sieve(&endpoint, list).expect(0).json();
    assert_eq!((&listed["rows"], &listed["asked"]), (&5.into(), &0.into()));
    let inspect = s3sieve(&endpoint, ["inspect", out, "--format", "json"]).expect(0).json();
    assert_eq!(inspect[0]["checksum"], "matched");
    assert_eq!(inspect[0]["source_bucket"], "reports");
    let plan = buckets.out("plan");
    let expression = "Key LIKE 'photos/%' AND Size < 100 AND LastModifiedDate > '2020-01-01'";
    let filter = ["filter", out, "--where", expression, "--out", plan.to_str().unwrap()];
    s3sieve(&endpoint, filter).expect(0);
    let rows = fs::read_to_string(plan.join("manifests/00000.csv")).unwrap();
    let mut rows: Vec<&str> = rows.lines().collect();
    rows.sort_unstable();
    let wanted = ["photos/1+%2B%25.jpg", "photos/2026/%C3%BC.jpg", "photos/2026/02/z"];
    assert_eq!(rows, wanted.map(|key| format!("reports,{key}")));
}

#[test]
fn a_listing_asks_about_objects_where_a_column_needs_it() {
    let buckets = Buckets::new();
    let endpoint = buckets.server.endpoint();
    for number in 0..2_500 {
        buckets.put(&format!("p/{}/{number}", number % 7), b"x");
    }
    buckets.put("other", b"x");
    let folder = buckets.out("list");
    let out = folder.to_str().unwrap();
    let columns = ["--columns", "size,EncryptionStatus,BucketKeyStatus", "--format", "json"];
    let list = ["list", "s3://reports/p/", "--out", out];
    let listed = s3sieve(&endpoint, list.iter().chain(&columns)).expect(0).json();
    assert_eq!((&listed["rows"], &listed["asked"]), (&2500.into(), &2500.into()));
    let count = ["count", out, "--by", "EncryptionStatus,BucketKeyStatus", "--format", "json"];
    let groups = s3sieve(&endpoint, count).expect(0).json();
    assert_eq!(groups["groups"].as_array().unwrap().len(), 1, "{groups}");
    let none = buckets.out("none");
    let later = ["list", "s3://reports", "--newer-than", "2999-01-01", "--out"];
    let later = s3sieve(&endpoint, later.iter().chain(&[none.to_str().unwrap()])).expect(0);
    assert!(later.stdout().starts_with("0 rows of 2,501 listed"), "{}", later.story());
    let used = s3sieve(&endpoint, ["list", "s3://reports", "--out", out]);
    used.expect(2).says(&["the folder is not empty"]);
    let wrong = ["list", "s3://reports", "--columns", "Colour", "--out", none.to_str().unwrap()];
    s3sieve(&endpoint, wrong).expect(2);
    let gone = buckets.out("gone");
    let missing = ["list", "s3://no-such-bucket", "--out", gone.to_str().unwrap()];
    s3sieve(&endpoint, missing).expect(4).says(&["s3://no-such-bucket"]);
    assert!(!gone.join("no-such-bucket").exists());
}
