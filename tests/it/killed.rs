//! Runs that are killed at each step that they take on disk, or where the disk fails at each: what
//! is there afterwards is whole or not there, and the next run makes it good.
//!
//! As a rule of every few steps; all by name: `cargo test --test it -- --ignored at_every_step`.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::fixture::{ReportFolder, row, s3sieve, seed};
use crate::plans::{OPERATIONS, PLACE, seed_plan};
use crate::steps::scene::{Makes, Scene, copy_all};

/// The manifest of the sample report.
const SEED_MANIFEST: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/testdata/seed/demoinv/batchoperationsdemo/DemoInventory/2019-05-24T00-00Z/manifest.json"
);

fn texts(parts: &[&[&str]]) -> Vec<String> {
    parts.concat().into_iter().map(str::to_owned).collect()
}

fn out(ground: &Path) -> String {
    ground.join("out").to_str().unwrap().to_owned()
}

const FEW: &[&str] = &["--max-objects", "4", "--threads", "1"];

/// `filter` of the sample report with these flags.
fn filter<'a>(flags: &'a [&'a str]) -> Scene<'a> {
    filter_report(seed().to_str().unwrap().to_owned(), flags)
}

fn filter_report<'a>(report: String, flags: &'a [&'a str]) -> Scene<'a> {
    Scene {
        makes: Makes::Plan,
        prepare: Box::new(|_| ()),
        arguments: Box::new(move |ground, replaces| {
            let usual = ["filter", &report, "--where", "BucketKeyStatus = 'DISABLED'"];
            let force: &[&str] = if replaces { &["--force"] } else { &[] };
            texts(&[&usual, flags, &["--out", &out(ground)], force])
        }),
        code: 0,
        replaces: false,
        is_ordered: true,
        foreign: &[],
    }
}

/// The same over an older plan.
fn replace<'a>(foreign: &'a [&'a str]) -> Scene<'a> {
    let prepare = move |ground: &Path| {
        let report = seed();
        let usual = ["filter", report.to_str().unwrap(), "--where", "TRUE", "--max-objects", "3"];
        s3sieve(usual.iter().chain(&["--out", &out(ground)])).expect(0);
        for name in foreign {
            fs::write(ground.join("out").join(name), "mine").unwrap();
        }
    };
    Scene { prepare: Box::new(prepare), replaces: true, foreign, ..filter(FEW) }
}

const INVENTORY: &[&str] = &[
    "--emit",
    "inventory",
    "--manifest-bucket",
    "s3://manifests/s3sieve",
    "--max-objects",
    "4",
    "--threads",
    "1",
];

fn synth() -> Scene<'static> {
    Scene {
        makes: Makes::Report,
        arguments: Box::new(|ground, _| {
            let flags = ["--rows", "100", "--files", "2", "--threads", "1"];
            texts(&[&["synth", "--out", &out(ground)], &flags])
        }),
        ..filter(&[])
    }
}

/// The second file is done long before its turn, and no memory is given to what waits.
fn spilled() -> (ReportFolder, Scene<'static>) {
    let text = |rows: u32| -> String {
        (0..rows).map(|number| row(&["demo", &number.to_string(), "DISABLED"])).collect()
    };
    let files = [text(30_000), text(3)];
    let files: Vec<&[u8]> = files.iter().map(String::as_bytes).collect();
    let report = ReportFolder::new("Bucket, Key, BucketKeyStatus", &files);
    let flags: &[&str] = &["--threads", "2", "--memory", "0"];
    let scene = filter_report(report.manifest.to_str().unwrap().to_owned(), flags);
    (report, Scene { is_ordered: false, ..scene })
}

fn policy() -> Scene<'static> {
    let plan = seed_plan();
    let place = ["--account-id", "111122223333", "--region", "us-east-1", "--role-name", "b"];
    let more = ["--manifest-bucket", "s3://manifests", "--report", "s3://reports"];
    Scene {
        makes: Makes::Documents,
        arguments: Box::new(move |ground, _| {
            let plan = &plan;
            let path = plan.path.to_str().unwrap();
            let usual = ["policy", path, "--out", &out(ground)];
            texts(&[&usual, OPERATIONS[5], &place, &more])
        }),
        ..filter(&[])
    }
}

/// Requests of copies, with a file that tells their order.
fn requests() -> Scene<'static> {
    let text = row(&["demo", "a", "a2", "true"]) + &row(&["demo", "a", "a1", "false"]);
    let report = ReportFolder::new("Bucket, Key, VersionId, IsLatest", &[text.as_bytes()]);
    let (manifest, plan) = (report.manifest.to_str().unwrap(), report.out());
    let flags = ["--max-objects", "1", "--for", "copy", "--storage-class", "STANDARD"];
    let usual = ["filter", manifest, "--where", "TRUE", "--out", plan.to_str().unwrap()];
    s3sieve(usual.iter().chain(&flags)).expect(0);
    Scene {
        makes: Makes::Documents,
        arguments: Box::new(move |ground, _| {
            let path = report.out();
            let usual = ["submit", path.to_str().unwrap(), "--dry-run", "--out", &out(ground)];
            texts(&[&usual, OPERATIONS[1], &PLACE])
        }),
        ..filter(&[])
    }
}

/// The manifest of the sample report, as of a day later.
fn newer_report(path: &Path) {
    let old = fs::read(SEED_MANIFEST).unwrap();
    let mut document: Value = serde_json::from_slice(&old).unwrap();
    let created: u64 = document["creationTimestamp"].as_str().unwrap().parse().unwrap();
    document["creationTimestamp"] = (created + 86_400_000).to_string().into();
    fs::write(path, document.to_string()).unwrap();
}

/// `verify --out` of the sample plan against a report in which nothing has changed.
fn verify(replaces: bool) -> Scene<'static> {
    let plan = seed_plan();
    let [old, newer] = [(), ()].map(|()| tempfile::tempdir().unwrap());
    newer_report(&newer.path().join("newer.json"));
    if replaces {
        let path = old.path().join("out");
        let usual = ["filter", seed().to_str().unwrap(), "--where", "TRUE", "--max-objects", "3"]
            .map(str::to_owned);
        s3sieve(usual.iter().chain(&["--out".to_owned(), path.to_str().unwrap().to_owned()]))
            .expect(0);
    }
    Scene {
        prepare: Box::new(move |ground| {
            let old = &old;
            copy_all(old.path(), ground);
        }),
        arguments: Box::new(move |ground, replaces| {
            let force: &[&str] = if replaces { &["--force"] } else { &[] };
            let plan = &plan;
            let (path, report) = (plan.path.to_str().unwrap(), newer.path().join("newer.json"));
            let (report, root) = (report.to_str().unwrap(), seed());
            let usual = ["verify", path, report, "--root", root.to_str().unwrap()];
            texts(&[&usual, &["--out", &out(ground)], force])
        }),
        // Objects remain.
        code: 5,
        replaces,
        ..filter(&[])
    }
}

/// Every way in which a plan is made here.
fn with_plans(test: impl Fn(Scene<'_>)) {
    test(filter(FEW));
    test(replace(&[]));
    test(replace(&["notes.txt"]));
    // Pieces are compressed while rows are written.
    test(Scene { is_ordered: false, ..filter(INVENTORY) });
    test(filter(&["--split-by", "VersionId", "--jobs", "12", "--threads", "1"]));
    let (_report, scene) = spilled();
    test(scene);
    test(verify(false));
    test(verify(true));
}

fn with_others(test: impl Fn(Scene<'_>)) {
    test(synth());
    test(policy());
    test(requests());
}

#[test]
fn runs_that_make_plans_may_be_killed() {
    with_plans(|scene| scene.is_killed(6));
}

#[test]
fn the_disk_may_fail_runs_that_make_plans() {
    with_plans(|scene| scene.fails(9, 1));
}

#[test]
fn runs_that_make_reports_and_documents_may_be_killed() {
    with_others(|scene| scene.is_killed(2));
}

#[test]
fn the_disk_may_fail_runs_that_make_reports_and_documents() {
    with_others(|scene| scene.fails(3, 1));
}

#[test]
#[ignore = "takes a minute: run by name"]
fn runs_are_killed_at_every_step() {
    with_plans(|scene| scene.is_killed(1));
    with_others(|scene| scene.is_killed(1));
}

#[test]
#[ignore = "takes minutes: run by name"]
fn the_disk_fails_at_every_step() {
    with_plans(|scene| scene.fails(1, usize::MAX));
    with_others(|scene| scene.fails(1, usize::MAX));
}
