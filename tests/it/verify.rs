//! `verify`: what a newer report says of a plan's objects, held against an obvious count.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::fixture::{ReportFolder, Run, manifests, row, s3sieve};

const COLUMNS: &str =
    "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, LastModifiedDate, BucketKeyStatus";
const CURRENT: &str = "Bucket, Key, LastModifiedDate, BucketKeyStatus";
const BEFORE: &str = "2025-06-01T00:00:00.000Z";
const SINCE: &str = "2026-01-15T00:00:00.000Z";

/// One version of an object in a report.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Version {
    key: String,
    id: String,
    is_latest: bool,
    is_marker: bool,
    modified: &'static str,
    is_disabled: bool,
}

impl Version {
    fn row(&self) -> String {
        let status = if self.is_disabled { "DISABLED" } else { "ENABLED" };
        let word = |flag: bool| if flag { "true" } else { "false" };
        row(&[
            "demo",
            &self.key,
            &self.id,
            word(self.is_latest),
            word(self.is_marker),
            self.modified,
            status,
        ])
    }

    fn current_row(&self) -> String {
        let status = if self.is_disabled { "DISABLED" } else { "ENABLED" };
        row(&["demo", &self.key, self.modified, status])
    }
}

/// A report of all versions, or of current objects only.
fn report(versions: &[Version], is_versioned: bool, begun_milliseconds: u64) -> ReportFolder {
    let halves = versions.chunks(versions.len().div_ceil(2).max(1));
    let text = |half: &[Version]| -> String {
        let rows = half.iter().filter(|v| is_versioned || (v.is_latest && !v.is_marker));
        rows.map(|v| if is_versioned { v.row() } else { v.current_row() }).collect()
    };
    let files: Vec<String> = halves.map(text).collect();
    let files: Vec<&[u8]> = files.iter().map(String::as_bytes).collect();
    let report = ReportFolder::new(if is_versioned { COLUMNS } else { CURRENT }, &files);
    let manifest = fs::read_to_string(&report.manifest).unwrap();
    let manifest = manifest.replace("1767225600000", &begun_milliseconds.to_string());
    fs::write(&report.manifest, manifest).unwrap();
    report
}

const FIRST: u64 = 1_767_225_600_000;
const SECOND: u64 = FIRST + 31 * 86_400_000;

/// Numbers that look random and are the same every time.
fn draw(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

/// Versions of some keys, two of each tenth.
fn first_report(keys: usize) -> Vec<Version> {
    let mut state = 7;
    let mut versions = Vec::new();
    for number in 0..keys {
        let key = format!("photos/{number:06}%2C+x");
        let current = Version {
            key: key.clone(),
            id: if number % 5 == 0 { String::new() } else { format!("v{number}") },
            is_latest: true,
            is_marker: draw(&mut state).is_multiple_of(20),
            modified: BEFORE,
            is_disabled: !draw(&mut state).is_multiple_of(3),
        };
        if number % 10 == 0 {
            let id = format!("old{number}");
            versions.push(Version { id, is_latest: false, is_marker: false, ..current.clone() });
        }
        versions.push(current);
    }
    versions
}

/// What a job and other people made of it: mended, left, deleted, written anew or copied.
fn second_report(first: &[Version]) -> Vec<Version> {
    let mut state = 99;
    let mut versions = Vec::new();
    for version in first {
        match draw(&mut state) % 8 {
            0 => {}
            1 => versions.push(version.clone()),
            2 if version.is_latest => {
                let mut old = version.clone();
                old.is_latest = false;
                versions.push(old);
                let (id, modified) = (format!("n{}", version.id), SINCE);
                versions.push(Version { id, modified, ..version.clone() });
            }
            3 => versions.push(Version { modified: SINCE, ..version.clone() }),
            _ => versions.push(Version { is_disabled: false, ..version.clone() }),
        }
    }
    versions
}

/// `verify` of a plan, as JSON.
fn verify(plan: &Path, newer: &ReportFolder, flags: &[&str], code: i32) -> Value {
    let usual = ["verify", plan.to_str().unwrap(), newer.manifest.to_str().unwrap()];
    s3sieve([&usual[..], flags, &["--format", "json"]].concat()).expect(code).json()
}

fn filtered(report: &ReportFolder, flags: &[&str]) -> Run {
    let (manifest, out) = (report.manifest.to_str().unwrap(), report.out());
    let usual = ["filter", manifest, "--where", "bucket_key_status = 'disabled'", "--out"];
    s3sieve([&usual[..], &[out.to_str().unwrap()], flags].concat()).expect(0)
}

/// The obvious count, from the plan's lines and the newer rows.
fn oracle(lines: &str, newer: &[Version], by_version: bool, is_copy: bool) -> Value {
    let name = |v: &Version| match (by_version, v.id.as_str()) {
        (false, _) => format!("demo,{}", v.key),
        (true, "") => format!("demo,{},null", v.key),
        (true, id) => format!("demo,{},{id}", v.key),
    };
    let mut rows: BTreeMap<String, Vec<&Version>> = BTreeMap::new();
    for version in newer.iter().filter(|v| by_version || (v.is_latest && !v.is_marker)) {
        rows.entry(name(version)).or_default().push(version);
    }
    let planned: BTreeSet<String> = lines
        .lines()
        .map(|line| line.splitn(3, ',').take(if by_version { 3 } else { 2 }).collect::<Vec<_>>())
        .map(|fields| fields.join(","))
        .collect();
    let (mut done, mut remaining, mut new, mut superseded, mut gone) = (0, 0, 0, 0, 0);
    for object in &planned {
        let Some(found) = rows.get(object) else {
            gone += 1;
            continue;
        };
        if !found.iter().any(|v| v.is_disabled) {
            done += 1;
        } else if is_copy && by_version && found.iter().any(|v| !v.is_latest) {
            superseded += 1;
        } else {
            remaining += 1;
            new += u64::from(found.iter().any(|v| v.modified == SINCE));
        }
    }
    json!({
        "objects": planned.len(), "done": done, "remaining": remaining, "remaining_new": new,
        "superseded": superseded, "gone": gone,
    })
}

/// The numbers of a result.
fn numbers(result: &Value) -> Value {
    let names = ["objects", "done", "remaining", "remaining_new", "superseded", "gone"];
    names.iter().map(|name| ((*name).to_owned(), result[name].clone())).collect()
}

#[test]
fn every_object_is_done_left_superseded_or_gone() {
    let first = first_report(6_000);
    let second = second_report(&first);
    // The plan's report and the newer one: with versions or without; what the plan is for.
    for (with, newer_with, flags) in [
        (true, true, &[][..]),
        (true, true, &["--for", "copy"]),
        (true, false, &[]),
        (true, true, &["--no-version-ids"]),
        (false, true, &[]),
        (false, false, &[]),
    ] {
        let planned = report(&first, with, FIRST);
        let newer = report(&second, newer_with, SECOND);
        filtered(&planned, flags);
        let lines = manifests(&planned.out());
        if flags.is_empty() {
            // The same objects as inventory reports.
            filtered(
                &planned,
                &["--force", "--emit", "inventory", "--manifest-bucket", "s3://jobs/lists"],
            );
        }
        let by_version = with && newer_with && !flags.contains(&"--no-version-ids");
        let expected = oracle(&lines, &second, by_version, flags.contains(&"copy"));
        for memory in [&[][..], &["--memory", "64KiB"], &["--threads", "1"]] {
            let result = verify(&planned.out(), &newer, memory, 5);
            assert_eq!(numbers(&result), expected, "{with} {newer_with} {flags:?} {memory:?}");
            assert_eq!(result["passes"].as_u64().unwrap() > 1, memory.contains(&"64KiB"));
        }
    }
}

#[test]
fn what_remains_becomes_a_plan_for_the_same_operation() {
    let first = first_report(600);
    let second = second_report(&first);
    for (newer_with, flags) in [(true, &["--for", "copy"][..]), (false, &[]), (true, &[])] {
        let planned = report(&first, true, FIRST);
        let newer = report(&second, newer_with, SECOND);
        filtered(&planned, flags);
        let rest = newer.folder.path().join("rest");
        let out = ["--out", rest.to_str().unwrap()];
        let result = verify(&planned.out(), &newer, &out, 5);
        let remaining = result["remaining"].as_u64().unwrap();
        let lines = manifests(&rest);
        assert_eq!(lines.lines().count() as u64, remaining, "{newer_with} {flags:?}");
        assert_eq!(result["rest"]["operation"]["name"] == "copy", flags.contains(&"copy"));
        // What remains of the rest in the same report is the rest; it is no newer, though.
        let again = ["verify", rest.to_str().unwrap(), newer.manifest.to_str().unwrap()];
        s3sieve(again).expect(2).says(&["not newer"]);
    }
}

#[test]
fn a_plan_that_is_done_ends_with_0_and_makes_no_other() {
    let first = first_report(50);
    let mended: Vec<Version> =
        first.iter().map(|v| Version { is_disabled: false, ..v.clone() }).collect();
    let (planned, newer) = (report(&first, true, FIRST), report(&mended, true, SECOND));
    filtered(&planned, &[]);
    let rest = newer.folder.path().join("rest");
    let result = verify(&planned.out(), &newer, &["--out", rest.to_str().unwrap()], 0);
    assert_eq!(result["done"], result["objects"]);
    assert!(!rest.exists());
    let plan = planned.out();
    let human = ["verify", plan.to_str().unwrap(), newer.manifest.to_str().unwrap()];
    let told = s3sieve(human).expect(0).stdout();
    assert!(told.contains("100.0 %  done") && told.contains("Nothing remains."), "{told}");
    // Another question than the plan's.
    let asked = ["--where", "BucketKeyStatus = 'ENABLED'"];
    assert_eq!(verify(&planned.out(), &newer, &asked, 5)["done"], 0);
}

#[test]
fn what_can_prove_nothing_is_refused() {
    let first = first_report(9_000);
    let (planned, newer) = (report(&first, true, FIRST), report(&first, true, SECOND));
    filtered(&planned, &[]);
    let (plan, path) = (planned.out(), newer.manifest.to_str().unwrap().to_owned());
    let plan_text = plan.to_str().unwrap();
    let verify = |flags: &[&str]| s3sieve([&["verify", plan_text, &path], flags].concat());
    let older = planned.manifest.to_str().unwrap();
    s3sieve(["verify", plan_text, older]).expect(2).says(&["not newer than the plan's"]);
    verify(&["--keep-going"]).expect(2).says(&["can't prove anything"]);
    verify(&["--out", "never", "--memory", "64KiB"]).expect(2).says(&["--memory", "leave out"]);
    verify(&["--where", "Size > 1"]).expect(3).says(&["no column `Size`"]);
    let manifest = fs::read_to_string(&newer.manifest).unwrap();
    fs::write(&newer.manifest, manifest.replace("\"demo\"", "\"other\"")).unwrap();
    verify(&[]).expect(2).says(&["bucket other", "its buckets: demo"]);
    fs::write(&newer.manifest, manifest).unwrap();
    let shard = plan.join("manifests/00000.csv");
    let lines = fs::read_to_string(&shard).unwrap();
    fs::write(&shard, lines.replacen("photos", "movies", 1)).unwrap();
    verify(&[]).expect(3).says(&["00000.csv", "SHA-256"]);
}
