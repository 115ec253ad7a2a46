//! Parts of a plan in S3: any number of attempts, some killed, with conflicts and lost answers in
//! between; and the merged plan, submitted where it lies.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use ground::{BeforeProxy, Deed};
use serde_json::{Value, json};

use crate::buckets::{Buckets, data_file, program_with_keys, s3sieve_at, tree_anywhere};
use crate::double::{Options, REGION};
use crate::fixture::Run;
use crate::plans::PLACE;
use crate::plans_in_s3::{place, plain, steer};
use crate::world::{COPY, World};

const OUT: &str = "s3://plans/today";
const PARTS: usize = 8;

/// A server with a report of many files.
struct Ground {
    buckets: Buckets,
    manifest: String,
    scratch: PathBuf,
}

impl Ground {
    fn new() -> Self {
        let buckets = Buckets::new();
        let files: Vec<_> = (0..16).map(|number| data_file(number, 2_000)).collect();
        let manifest = buckets.report("", "2026-01-02T00-00Z", &files);
        let manifest = buckets.file(&manifest).to_str().unwrap().to_owned();
        let scratch = buckets.out("scratch");
        for folder in [buckets.root.path().join("plans"), scratch.clone()] {
            fs::create_dir_all(folder).unwrap();
        }
        Self { buckets, manifest, scratch }
    }

    fn endpoint(&self) -> String {
        self.buckets.server.endpoint()
    }

    fn filter(&self, out: &str, more: &[&str]) -> Vec<String> {
        let filter = ["filter", &self.manifest, "--where", "Size >= 0", "--max-objects", "1500"];
        let words = [&filter[..], &["--out", out], more].concat();
        words.into_iter().map(str::to_owned).collect()
    }

    /// An attempt at a part, by this way to the server.
    fn attempt(&self, endpoint: &str, part: usize) -> Child {
        let mut command = program_with_keys();
        let part = format!("{}/{PARTS}", part % PARTS);
        command.args(self.filter(OUT, &["--threads", "1", "--partition", &part]));
        command.args(["--endpoint-url", endpoint]).env("TMPDIR", &self.scratch);
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn objects(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let place = self.buckets.root.path().join("plans/today");
        if place.exists() { same(tree_anywhere(&place)) } else { BTreeMap::new() }
    }

    fn merge(&self) -> Run {
        s3sieve_at(&self.endpoint(), ["merge", OUT])
    }

    /// What one machine makes.
    fn reference(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let local = self.buckets.out("local");
        let parts = PARTS.to_string();
        let filter = self.filter(local.to_str().unwrap(), &["--partitions", &parts]);
        s3sieve_at(&self.endpoint(), filter).expect(0);
        same(tree_anywhere(&local))
    }
}

/// Files, but for the time that parts took.
fn same(mut files: BTreeMap<PathBuf, Vec<u8>>) -> BTreeMap<PathBuf, Vec<u8>> {
    for (path, bytes) in &mut files {
        if path.ends_with("part.json") {
            let mut document: Value = serde_json::from_slice(bytes).unwrap();
            document["plan"]["totals"]["seconds"] = json!(0);
            *bytes = document.to_string().into_bytes();
        }
    }
    files
}

/// A server that refuses, loses answers or hangs up at each so many writes.
fn faulty(ground: &Ground) -> BeforeProxy {
    let writes = AtomicU64::new(0);
    let proxy = BeforeProxy::start(ground.buckets.server.address(), move |line| {
        if !line.starts_with("PUT ") {
            return Deed::PassOn;
        }
        match writes.fetch_add(1, Ordering::Relaxed) % 17 {
            3 => Deed::LoseAnswer,
            9 => Deed::Conflict,
            14 => Deed::Ignore,
            _ => Deed::PassOn,
        }
    });
    proxy.unwrap()
}

/// A hundred attempts at eight parts, many at a time, thirty of them killed.
#[test]
fn each_part_is_in_s3_once_and_whole_whoever_dies() {
    let ground = Ground::new();
    let reference = ground.reference();
    let proxy = faulty(&ground);
    let numbers: Vec<usize> = (0..100).collect();
    for together in numbers.chunks(10) {
        let attempt = |number: &usize| ground.attempt(&proxy.endpoint(), number * 3);
        let mut attempts: Vec<Child> = together.iter().map(attempt).collect();
        for place in [2, 5, 7] {
            // Each at another moment of its life: some are over by then.
            let micros = (together[0] as u64 * 613 + place as u64 * 7_919) % 90_000;
            thread::sleep(Duration::from_micros(micros));
            attempts[place].kill().unwrap();
        }
        for (place, attempt) in attempts.into_iter().enumerate() {
            let output = attempt.wait_with_output().unwrap();
            let was_killed = [2, 5, 7].contains(&place) && output.status.code().is_none();
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() || was_killed, "{:?}: {told}", output.status);
        }
    }
    for part in 0..PARTS {
        let output = ground.attempt(&ground.endpoint(), part).wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    ground.merge().expect(0);
    assert!(ground.objects() == reference, "{:?}", ground.objects().keys());
    let again = ground.merge().expect(0);
    assert!(again.stdout().contains("the same plan was there already"), "{}", again.story());
    assert_eq!(fs::read_dir(&ground.scratch).unwrap().count(), 0, "leavings are removed");
    s3sieve_at(&ground.endpoint(), ["merge", OUT, "--verify", "full"]).expect(0);
}

#[test]
fn parts_of_another_question_are_left_alone_in_s3() {
    let ground = Ground::new();
    let run = |more: &[&str]| s3sieve_at(&ground.endpoint(), ground.filter(OUT, more));
    run(&["--partition", "0/8"]).expect(0);
    let before = ground.objects();
    run(&["--partition", "0/4"]).expect(3).says(&["partitions is 8 there, and 4 here"]);
    run(&["--partition", "1/8", "--now", "2026-03-03"]).expect(3).says(&["now is"]);
    let missing = ground.merge().expect(5);
    assert!(missing.stdout().contains("Missing: 1-7"), "{}", missing.story());
    s3sieve_at(&ground.endpoint(), ["estimate", OUT]).expect(3).says(&["s3sieve merge"]);
    assert!(ground.objects() == before);
    // A manifest of other bytes is in the place of one of part 1.
    let manifests = ground.buckets.root.path().join("plans/today/part-00001/manifests");
    fs::create_dir_all(&manifests).unwrap();
    fs::write(manifests.join("00000.csv"), "mine").unwrap();
    run(&["--partition", "1/8"]).expect(3).says(&["part-00001/manifests/00000.csv"]);
    assert_eq!(fs::read(manifests.join("00000.csv")).unwrap(), b"mine");
}

#[test]
fn whole_plans_and_parts_do_not_share_a_folder_in_s3() {
    let ground = Ground::new();
    let run = |out: &str, more: &[&str]| s3sieve_at(&ground.endpoint(), ground.filter(out, more));
    run("s3://plans/whole", &[]).expect(0);
    run("s3://plans/whole", &["--partition", "0/2"]).expect(2).says(&["holds plan.json"]);
    run(OUT, &["--partition", "0/2"]).expect(0);
    for force in [&[][..], &["--force"]] {
        run(OUT, force).expect(2).says(&["holds the parts of a plan"]);
    }
}

/// Counts and verifications are documents, and lie in S3 likewise.
#[test]
fn counts_are_put_together_from_s3() {
    let ground = Ground::new();
    let count = ["count", &ground.manifest, "--by", "BucketKeyStatus", "--format", "json"];
    let whole = s3sieve_at(&ground.endpoint(), count).expect(0).json();
    let all = [&count[..], &["--out", OUT, "--partitions", "3"]].concat();
    let parts = s3sieve_at(&ground.endpoint(), &all).expect(0).json();
    let again = s3sieve_at(&ground.endpoint(), ["merge", OUT, "--format", "json"]).expect(0).json();
    assert_eq!(again, parts);
    for member in ["rows", "rows_matched", "bytes_objects", "groups", "files"] {
        assert_eq!(parts[member], whole[member], "{member}");
    }
    let folder = ground.buckets.root.path().join("plans/today");
    assert_eq!(tree_anywhere(&folder).len(), 4);
}

/// Neither downloaded nor uploaded again: jobs read the manifests of all parts where they are.
#[test]
fn a_merged_plan_in_s3_is_submitted_where_it_is() {
    let world = World::new(Options::default(), 25, 10);
    world.double.create_bucket("plans", REGION);
    let filter = ["filter", "manifest.json", "--where", "BucketKeyStatus = 'DISABLED'"];
    let parts = ["--max-objects", "10", "--out", OUT, "--partitions", "2"];
    plain(&world, &[&filter[..], &parts].concat()).expect(0);
    let estimated = plain(&world, &["estimate", OUT, "--format", "json"]).expect(0).json();
    assert_eq!(estimated["objects"], 25, "{estimated:#}");
    let submit = [&["submit", OUT], COPY, &place()].concat();
    let dry = [&submit[..], &["--dry-run", "--format", "json"]].concat();
    let dry = steer(&world, &dry).expect(0).json();
    let requests = dry["requests"].as_array().unwrap();
    let arn = |request: &Value| request["request"]["Manifest"]["Location"]["ObjectArn"].clone();
    let found: Vec<Value> = requests.iter().map(arn).collect();
    let part = (0..2).find(|part| {
        let key = format!("today/part-{part:05}/manifests/00000.csv");
        world.double.get("plans", &key).is_some()
    });
    let part = part.unwrap();
    let expected: Vec<Value> = (0..3)
        .map(|n| json!(format!("arn:aws:s3:::plans/today/part-{part:05}/manifests/{n:05}.csv")))
        .collect();
    assert_eq!(found, expected);
    steer(&world, &submit).expect(0);
    let uploads = world.double.state().uploads.clone();
    steer(&world, &["jobs", OUT, "run", "--interval", "0.02"]).expect(0);
    assert_eq!(world.double.state().jobs.len(), 3);
    let manifests = |upload: &&String| upload.starts_with("manifests/");
    assert_eq!(uploads.iter().find(manifests), None, "nothing is uploaded");
    for number in 0..25 {
        let copied = format!("copied/photos/{number:05} of many.jpg");
        assert!(world.double.get("demo", &copied).is_some(), "{copied}");
    }
}

/// A plan that was merged on disk is uploaded with all its parts' manifests, which have the same
/// names in their folders.
#[test]
fn a_merged_plan_on_disk_is_uploaded_part_by_part() {
    let world = World::new(Options::default(), 25, 10);
    let filter = ["filter", "manifest.json", "--where", "BucketKeyStatus = 'DISABLED'"];
    let parts = ["--max-objects", "10", "--out", "merged", "--partitions", "2"];
    plain(&world, &[&filter[..], &parts].concat()).expect(0);
    let submit = [&["submit", "merged"], COPY, &PLACE].concat();
    steer(&world, &submit).expect(0);
    steer(&world, &["jobs", "merged", "run", "--interval", "0.02"]).expect(0);
    let requests: Vec<String> =
        world.double.state().jobs.iter().map(|job| job.request.manifest.clone()).collect();
    assert_eq!(requests.len(), 3);
    assert!(requests.iter().all(|key| key.contains("/part-0000")), "{requests:?}");
    for number in 0..25 {
        let copied = format!("copied/photos/{number:05} of many.jpg");
        assert!(world.double.get("demo", &copied).is_some(), "{copied}");
    }
}
