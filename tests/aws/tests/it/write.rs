//! Plans written to S3, and buckets listed into reports.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use ground::{BeforeProxy, FaultProxy, Faults, Request, Script, ScriptProxy};
use serde_json::Value;

use crate::buckets::{Buckets, data_file, s3sieve_at, tree_anywhere};
use crate::fixture::crc64nvme;

const PLAN: &str = "s3://plans/today";

/// Manifests that get their numbers at the end, and those that get their form then.
const NUMBERED_LATE: &[&str] = &["--for", "copy", "--max-objects", "50000"];
const INVENTORY: &[&str] = &["--emit", "inventory", "--manifest-bucket", "s3://plans/later"];

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
    tree_anywhere(&buckets.root.path().join("plans"))
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
        [&[][..], &["--jobs", "3"], &["--max-objects", "50000"], NUMBERED_LATE, INVENTORY, &[]]
            .iter()
            .enumerate()
    {
        let local = buckets.out(&format!("local-{number}"));
        s3sieve_at(&endpoint, filter(&manifest, local.to_str().unwrap(), more)).expect(0);
        let force: &[&str] = if number == 0 { &[] } else { &["--force"] };
        s3sieve_at(&endpoint, filter(&manifest, PLAN, &[*more, force].concat())).expect(0);
        assert!(objects(&buckets) == below("today", tree_anywhere(&local)), "{more:?}");
        assert!(leavings(&buckets).is_empty());
    }
    let large = fs::metadata(buckets.out("local-0/manifests/00000.csv")).unwrap().len();
    assert!(large > 16 << 20, "{large} bytes are sent in parts");
}

/// S3 computes each checksum itself, and refuses bytes that have another.
#[test]
fn every_byte_is_sent_with_a_checksum_that_s3_checks() {
    let (buckets, manifest) = buckets();
    // One manifest that is sent in parts, or several that are sent whole.
    for more in [&[][..], &["--max-objects", "60000"]] {
        let sent: Arc<Mutex<Vec<SentRequest>>> = Arc::default();
        let noted = Arc::clone(&sent);
        let proxy = ScriptProxy::start(buckets.server.address(), move |request| {
            if matches!(request.method(), "PUT" | "POST") {
                noted.lock().unwrap().push(SentRequest::new(request));
            }
            Script::Pass
        });
        let out = format!("s3://plans/{}", more.len());
        s3sieve_at(&proxy.unwrap().endpoint(), filter(&manifest, &out, more)).expect(0);
        let sent = sent.lock().unwrap();
        let bodies = sent.iter().filter(|request| request.method == "PUT");
        for SentRequest { target, checksum, of_body, .. } in bodies {
            assert_eq!(checksum.as_ref(), Some(of_body), "{target}");
        }
        let plan = objects(&buckets)[Path::new(&format!("{}/plan.json", more.len()))].clone();
        let plan: Value = serde_json::from_slice(&plan).unwrap();
        let parts = sent.iter().filter(|request| request.target.contains("partNumber=")).count();
        let posts: Vec<_> = sent.iter().filter(|request| request.method == "POST").collect();
        if more.is_empty() {
            assert!(parts >= 2, "{parts} parts");
            let [begin, complete] = posts[..] else { panic!("{posts:?}") };
            assert_eq!(begin.algorithm.as_deref(), Some("CRC64NVME"));
            assert_eq!(begin.kind.as_deref(), Some("FULL_OBJECT"));
            assert_eq!(complete.kind.as_deref(), Some("FULL_OBJECT"));
            assert_eq!(complete.checksum.as_deref(), plan["shards"][0]["crc64nvme"].as_str());
        } else {
            assert_eq!((parts, posts.len()), (0, 0));
        }
    }
}

/// What a request says of the bytes that it sends.
#[derive(Debug)]
struct SentRequest {
    method: String,
    target: String,
    checksum: Option<String>,
    algorithm: Option<String>,
    kind: Option<String>,
    of_body: String,
}

impl SentRequest {
    fn new(request: &Request) -> Self {
        let header = |name| request.header(name).map(str::to_owned);
        Self {
            method: request.method().to_owned(),
            target: request.target().to_owned(),
            checksum: header("x-amz-checksum-crc64nvme"),
            algorithm: header("x-amz-checksum-algorithm"),
            kind: header("x-amz-checksum-type"),
            of_body: crc64nvme(request.body()),
        }
    }
}

#[test]
fn a_finished_plan_is_replaced_only_by_force() {
    let (buckets, manifest) = buckets();
    let endpoint = buckets.server.endpoint();
    let bounds = ["--max-objects", "60000"];
    s3sieve_at(&endpoint, filter(&manifest, PLAN, &bounds)).expect(0);
    let before = objects(&buckets);
    // Another question, by each of its parts.
    for more in [&[][..], &["--max-objects", "60000", "--split-by", "BucketKeyStatus"]] {
        s3sieve_at(&endpoint, filter(&manifest, PLAN, more))
            .expect(2)
            .says(&["is not empty", "--force"]);
    }
    let size = ["filter", &manifest, "--where", "Size > 7", "--out", PLAN];
    s3sieve_at(&endpoint, size.iter().chain(&bounds)).expect(2).says(&["is not empty"]);
    assert!(objects(&buckets) == before);
    // What the old plan doesn't list is not the run's own.
    let place = buckets.root.path().join("plans/today");
    for foreign in ["manifests/99999.csv", "notes.txt"] {
        fs::write(place.join(foreign), "foreign").unwrap();
    }
    s3sieve_at(&endpoint, filter(&manifest, PLAN, &["--force"])).expect(0);
    let names: Vec<PathBuf> = objects(&buckets).into_keys().collect();
    let wanted = ["manifests/00000.csv", "manifests/99999.csv", "notes.txt", "plan.json"];
    assert_eq!(names, wanted.map(|name| Path::new("today").join(name)));
    fs::write(place.join("jobs.jsonl"), "{}").unwrap();
    s3sieve_at(&endpoint, filter(&manifest, PLAN, &["--force"])).expect(2).says(&["was submitted"]);
}

#[test]
fn force_deletes_nothing_without_a_plan_that_lists_it() {
    let (buckets, manifest) = buckets();
    let endpoint = buckets.server.endpoint();
    let place = buckets.root.path().join("plans/today");
    fs::create_dir_all(place.join("manifests")).unwrap();
    fs::write(place.join("manifests/00007.csv"), "foreign").unwrap();
    let bounds = ["--max-objects", "60000", "--force"];
    s3sieve_at(&endpoint, filter(&manifest, PLAN, &bounds)).expect(0);
    assert_eq!(fs::read(place.join("manifests/00007.csv")).unwrap(), b"foreign");
    fs::write(place.join("plan.json"), "{\"version\": 99}").unwrap();
    s3sieve_at(&endpoint, filter(&manifest, PLAN, &bounds)).expect(2).says(&["plan.json"]);
    assert_eq!(fs::read(place.join("plan.json")).unwrap(), b"{\"version\": 99}");
    assert_eq!(fs::read_dir(place.join("manifests")).unwrap().count(), 6, "all are still there");
}

/// A plan that is there already is compared, and nothing is sent.
#[test]
fn the_same_plan_again_is_found() {
    let (buckets, manifest) = buckets();
    for more in [&["--max-objects", "60000"][..], &[], NUMBERED_LATE, INVENTORY] {
        let out = format!("s3://plans/{}", more.len() + usize::from(more == INVENTORY));
        s3sieve_at(&buckets.server.endpoint(), filter(&manifest, &out, more)).expect(0);
        let document = format!("plans/{}/plan.json", out.rsplit('/').next().unwrap());
        let document = buckets.root.path().join(document);
        let before = (objects(&buckets), fs::read(&document).unwrap());
        let sent: Arc<Mutex<Vec<String>>> = Arc::default();
        let noted = Arc::clone(&sent);
        let proxy = BeforeProxy::start(buckets.server.address(), move |line| {
            if !line.starts_with("GET ") && !line.starts_with("HEAD ") {
                noted.lock().unwrap().push(line.to_owned());
            }
        });
        s3sieve_at(&proxy.unwrap().endpoint(), filter(&manifest, &out, more))
            .expect(0)
            .says(&["is there already"]);
        assert!((objects(&buckets), fs::read(&document).unwrap()) == before, "{more:?}");
        let sent = sent.lock().unwrap();
        assert!(sent.iter().all(|line| line.contains("plan.json")), "{sent:?}");
    }
}

#[test]
fn a_run_that_fails_leaves_no_plan_and_the_next_finishes_it() {
    let (buckets, manifest) = buckets();
    let endpoint = buckets.server.endpoint();
    let damaged = buckets.file("demo/daily/data/2026-01-02T00-00Z-2.csv.gz");
    let whole = fs::read(&damaged).unwrap();
    let mut bytes = whole.clone();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 64].fill(0);
    fs::write(&damaged, bytes).unwrap();
    let bounds = ["--max-objects", "20000", "--threads", "1"];
    s3sieve_at(&endpoint, filter(&manifest, PLAN, &["--threads", "1"])).expect(3);
    assert!(objects(&buckets).is_empty(), "{:?}", objects(&buckets).keys());
    s3sieve_at(&endpoint, filter(&manifest, PLAN, &bounds)).expect(3);
    assert!(leavings(&buckets).is_empty(), "{:?}", leavings(&buckets));
    assert!(!objects(&buckets).is_empty(), "what was finished stays");
    assert!(!objects(&buckets).contains_key(Path::new("today/plan.json")));
    fs::write(&damaged, whole).unwrap();
    let local = buckets.out("local");
    s3sieve_at(&endpoint, filter(&manifest, local.to_str().unwrap(), &bounds)).expect(0);
    s3sieve_at(&endpoint, filter(&manifest, PLAN, &bounds)).expect(0);
    assert!(objects(&buckets) == below("today", tree_anywhere(&local)));
}

#[test]
fn faults_on_the_way_up_change_nothing() {
    let (buckets, manifest) = buckets();
    let local = buckets.out("local");
    let bounds = ["--max-objects", "60000"];
    let endpoint = buckets.server.endpoint();
    s3sieve_at(&endpoint, filter(&manifest, local.to_str().unwrap(), &bounds)).expect(0);
    let faults = Faults { seed: 3, percent: 15, only_errors: false };
    let proxy = FaultProxy::start(buckets.server.address(), faults).unwrap();
    s3sieve_at(&proxy.endpoint(), filter(&manifest, PLAN, &bounds)).expect(0);
    assert!(objects(&buckets) == below("today", tree_anywhere(&local)));
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
    let listed = s3sieve_at(&endpoint, list).expect(0).json();
    assert_eq!((&listed["rows"], &listed["requests"]), (&5.into(), &0.into()));
    let inspect = s3sieve_at(&endpoint, ["inspect", out, "--format", "json"]).expect(0).json();
    assert_eq!(inspect["reports"][0]["checksum"], "matched");
    assert_eq!(inspect["reports"][0]["source_bucket"], "reports");
    let plan = buckets.out("plan");
    let expression = "Key LIKE 'photos/%' AND Size < 100 AND LastModifiedDate > '2020-01-01'";
    let filter = ["filter", out, "--where", expression, "--out", plan.to_str().unwrap()];
    s3sieve_at(&endpoint, filter).expect(0);
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
    let listed = s3sieve_at(&endpoint, list.iter().chain(&columns)).expect(0).json();
    assert_eq!((&listed["rows"], &listed["requests"]), (&2500.into(), &2500.into()));
    let count = ["count", out, "--by", "EncryptionStatus,BucketKeyStatus", "--format", "json"];
    let groups = s3sieve_at(&endpoint, count).expect(0).json();
    assert_eq!(groups["groups"].as_array().unwrap().len(), 1, "{groups}");
    let none = buckets.out("none");
    let later = ["list", "s3://reports", "--newer-than", "2999-01-01", "--out"];
    let later = s3sieve_at(&endpoint, later.iter().chain(&[none.to_str().unwrap()])).expect(0);
    assert!(later.stdout().starts_with("0 rows of 2,501 listed"), "{}", later.story());
    let used = s3sieve_at(&endpoint, ["list", "s3://reports", "--out", out]);
    used.expect(2).says(&["out-of-buckets/list is not empty"]);
    let wrong = ["list", "s3://reports", "--columns", "Colour", "--out", none.to_str().unwrap()];
    s3sieve_at(&endpoint, wrong).expect(2);
    let gone = buckets.out("gone");
    let missing = ["list", "s3://no-such-bucket", "--out", gone.to_str().unwrap()];
    s3sieve_at(&endpoint, missing).expect(4).says(&["s3://no-such-bucket"]);
    assert!(!gone.join("no-such-bucket").exists());
}
