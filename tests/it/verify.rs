//! `verify`: what a newer report says of a plan's objects, held against an obvious count.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::fixture::{ReportFolder, Run, manifests, plan_document, row, s3sieve};

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
    let is_named = |v: &&Version| !v.is_marker && (by_version || v.is_latest);
    for version in newer.iter().filter(is_named) {
        rows.entry(name(version)).or_default().push(version);
    }
    let planned: BTreeSet<String> = lines
        .lines()
        .map(|line| line.splitn(3, ',').take(if by_version { 3 } else { 2 }).collect::<Vec<_>>())
        .map(|fields| fields.join(","))
        .collect();
    let (mut done, mut remaining, mut new, mut gone) = (0, 0, 0, 0);
    let (mut superseded, mut unproven) = (0, 0);
    for object in &planned {
        let Some(found) = rows.get(object) else {
            gone += 1;
            continue;
        };
        if !found.iter().any(|v| v.is_disabled) {
            done += 1;
        } else if is_copy && by_version && found.iter().any(|v| !v.is_latest) {
            // Without a journal nobody knows whether it was copied, if it was current.
            if object.contains(",old") { superseded += 1 } else { unproven += 1 }
        } else {
            remaining += 1;
            new += u64::from(found.iter().any(|v| v.modified == SINCE));
        }
    }
    json!({
        "objects": planned.len(), "objects_done": done, "objects_remaining": remaining,
        "objects_remaining_new": new, "objects_superseded": superseded,
        "objects_unverified": unproven, "objects_gone": gone,
    })
}

/// The numbers of a result.
fn numbers(result: &Value) -> Value {
    let members = result.as_object().unwrap().iter();
    let numbers = members.filter(|(name, _)| name.starts_with("objects"));
    numbers.map(|(name, number)| (name.clone(), number.clone())).collect()
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
fn a_report_without_the_objects_proves_nothing() {
    let first = first_report(60);
    let planned = report(&first, true, FIRST);
    filtered(&planned, &[]);
    let warned = |result: &Value| result["warnings"][0].as_str().unwrap_or_default().to_owned();
    let other = report(&[], true, SECOND);
    let result = verify(&planned.out(), &other, &[], 5);
    assert_eq!(result["objects_gone"], result["objects"]);
    assert!(warned(&result).contains("another bucket"), "{result}");
    // Some of them, done: the rest may have been deleted, but a person should look.
    let few: Vec<Version> = first[..10]
        .iter()
        .map(|version| Version { is_disabled: false, ..version.clone() })
        .collect();
    let result = verify(&planned.out(), &report(&few, true, SECOND), &[], 0);
    assert!(warned(&result).contains("another bucket"), "{result}");
}

#[test]
fn what_remains_becomes_a_plan_for_the_same_operation() {
    let first = first_report(600);
    let second = second_report(&first);
    let strong = &["--digest", "sha256"];
    for (newer_with, flags) in [(true, &["--for", "copy"][..]), (false, &[]), (true, strong)] {
        let planned = report(&first, true, FIRST);
        let newer = report(&second, newer_with, SECOND);
        filtered(&planned, flags);
        let rest = newer.folder.path().join("rest");
        let out = ["--out", rest.to_str().unwrap()];
        let result = verify(&planned.out(), &newer, &out, 5);
        let remaining = result["objects_remaining"].as_u64().unwrap();
        let lines = manifests(&rest);
        assert_eq!(lines.lines().count() as u64, remaining, "{newer_with} {flags:?}");
        assert_eq!(result["rest"]["operation"]["name"] == "copy", flags.contains(&"copy"));
        let digest = &plan_document(&rest)["shards"][0]["sha256"];
        assert_eq!(digest.is_string(), flags == strong);
        // What remains of the rest in the same report is the rest; it is no newer, though.
        let again = ["verify", rest.to_str().unwrap(), newer.manifest.to_str().unwrap()];
        s3sieve(again).expect(2).says(&["not newer"]);
    }
}

/// Where a version id is `null`, a delete marker takes the place of the object that had it: what
/// was planned is gone, and no plan of the rest can have it.
#[test]
fn a_null_version_under_a_null_delete_marker_is_gone() {
    let version = |key: &str, is_marker, is_disabled| Version {
        key: key.to_owned(),
        id: String::new(),
        is_latest: true,
        is_marker,
        modified: BEFORE,
        is_disabled,
    };
    let first = [version("a", false, true), version("b", false, true), version("c", false, true)];
    // One marker still answers the plan's expression, one does not.
    let second = [version("a", true, true), version("b", true, false), version("c", false, true)];
    let expected = json!({
        "objects": 3, "objects_done": 0, "objects_remaining": 1, "objects_remaining_new": 0,
        "objects_superseded": 0, "objects_unverified": 0, "objects_gone": 2,
    });
    for flags in [&[][..], &["--for", "copy"], &["--no-version-ids"]] {
        let (planned, newer) = (report(&first, true, FIRST), report(&second, true, SECOND));
        filtered(&planned, flags);
        let rest = newer.folder.path().join("rest");
        let result = verify(&planned.out(), &newer, &["--out", rest.to_str().unwrap()], 5);
        assert_eq!(numbers(&result), expected, "{flags:?}");
        assert_eq!(manifests(&rest).lines().count(), 1, "{flags:?}");
        assert_eq!(result["rest"]["totals"]["rows_excluded"], 0, "{flags:?} {result:#}");
    }
}

/// What the operation can't do by now is not in the plan of the rest, and that is said.
#[test]
fn rows_that_a_plan_of_the_rest_sets_aside_are_told() {
    let columns = "Bucket, Key, Size";
    let rows = |sizes: [&str; 2]| row(&["demo", "a", sizes[0]]) + &row(&["demo", "b", sizes[1]]);
    let planned = ReportFolder::new(columns, &[rows(["7", "7"]).as_bytes()]);
    let (manifest, plan) = (planned.manifest.to_str().unwrap(), planned.out());
    let plan = plan.to_str().unwrap();
    let filter = ["filter", manifest, "--where", "Size > 0", "--for", "copy", "--out", plan];
    s3sieve(filter).expect(0);
    let large = "5368709121";
    for (sizes, next) in
        [(["7", large], "Next: 1 object in"), ([large, large], "nothing to submit")]
    {
        let newer = ReportFolder::new(columns, &[rows(sizes).as_bytes()]);
        let document = fs::read_to_string(&newer.manifest).unwrap();
        let document = document.replace("1767225600000", &SECOND.to_string());
        fs::write(&newer.manifest, document).unwrap();
        let (path, rest) = (newer.manifest.to_str().unwrap(), newer.folder.path().join("rest"));
        let told = s3sieve(["verify", plan, path, "--out", rest.to_str().unwrap()]).expect(5);
        for part in ["excluded: too-large (excluded/too-large.csv), larger than", next] {
            assert!(told.stdout().contains(part), "{part}: {}", told.story());
        }
    }
}

/// A plan of delete markers finds them again.
#[test]
fn a_delete_marker_that_was_planned_is_not_gone() {
    let first = first_report(100);
    let planned = report(&first, true, FIRST);
    filtered(&planned, &["--for", "lambda", "--include-ineligible", "delete-marker"]);
    let result = verify(&planned.out(), &report(&first, true, SECOND), &[], 5);
    assert_eq!(result["objects_remaining"], result["objects"], "{result:#}");
    assert!(first.iter().any(|version| version.is_marker && version.is_disabled));
}

#[test]
fn a_report_without_any_of_the_objects_proves_nothing() {
    let first = first_report(50);
    let (planned, newer) = (report(&first, true, FIRST), report(&[], true, SECOND));
    filtered(&planned, &[]);
    let plan = planned.out();
    let human = ["verify", plan.to_str().unwrap(), newer.manifest.to_str().unwrap()];
    let told = s3sieve(human).expect(5).stdout();
    assert!(
        told.contains("Nothing is verified: the newer report has none of the objects."),
        "{told}"
    );
    assert!(!told.contains("Nothing remains"), "{told}");
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
    assert_eq!(result["objects_done"], result["objects"]);
    assert!(!rest.exists());
    let plan = planned.out();
    let human = ["verify", plan.to_str().unwrap(), newer.manifest.to_str().unwrap()];
    let told = s3sieve(human).expect(0).stdout();
    assert!(told.contains("100.0 %  done") && told.contains("Nothing remains."), "{told}");
    // Another question than the plan's.
    let asked = ["--where", "BucketKeyStatus = 'ENABLED'"];
    assert_eq!(verify(&planned.out(), &newer, &asked, 5)["objects_done"], 0);
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
    verify(&["--keep-going"]).expect(2).says(&["can't verify anything"]);
    verify(&["--out", "never", "--memory", "64KiB"]).expect(2).says(&["--memory", "leave out"]);
    verify(&["--where", "Size > 1"]).expect(3).says(&["no column `Size`"]);
    let manifest = fs::read_to_string(&newer.manifest).unwrap();
    fs::write(&newer.manifest, manifest.replace("\"demo\"", "\"other\"")).unwrap();
    verify(&[]).expect(2).says(&["bucket other", "its buckets: demo"]);
    fs::write(&newer.manifest, manifest).unwrap();
    let shard = plan.join("manifests/00000.csv");
    let lines = fs::read_to_string(&shard).unwrap();
    fs::write(&shard, lines.replacen("photos", "movies", 1)).unwrap();
    verify(&[]).expect(3).says(&["00000.csv", "CRC-64/NVME"]);
}

/// One key with an old version and a current one, planned to be copied in this order.
fn ordered_plan() -> (ReportFolder, [Version; 2]) {
    let version = |id: &str, is_latest| Version {
        key: "photos/1".to_owned(),
        id: id.to_owned(),
        is_latest,
        is_marker: false,
        modified: BEFORE,
        is_disabled: true,
    };
    let versions = [version("v1", false), version("v2", true)];
    let planned = report(&versions, true, FIRST);
    filtered(&planned, &["--for", "copy"]);
    let plan = plan_document(&planned.out());
    assert_eq!(plan["shards"][1]["after"], json!([{"first": 0, "last": 0}]), "{plan:#}");
    (planned, versions)
}

/// Both versions are noncurrent, and a copy, nobody knows of which, is what is read.
fn copied_over(versions: &[Version; 2]) -> ReportFolder {
    let old = versions.iter().map(|v| Version { is_latest: false, ..v.clone() });
    let copy =
        Version { id: "c".to_owned(), modified: SINCE, is_disabled: false, ..versions[1].clone() };
    report(&old.chain([copy]).collect::<Vec<_>>(), true, SECOND)
}

#[test]
fn a_version_that_was_current_is_not_superseded_without_its_job() {
    let (planned, versions) = ordered_plan();
    let newer = copied_over(&versions);
    let rest = newer.folder.path().join("rest");
    let result = verify(&planned.out(), &newer, &["--out", rest.to_str().unwrap()], 5);
    let expected = json!({
        "objects": 2, "objects_done": 0, "objects_remaining": 0, "objects_remaining_new": 0,
        "objects_superseded": 1, "objects_unverified": 1, "objects_gone": 0,
    });
    assert_eq!(numbers(&result), expected);
    assert!(!rest.exists());
    let plan = planned.out();
    let told = s3sieve(["verify", plan.to_str().unwrap(), newer.manifest.to_str().unwrap()]);
    let told = told.expect(5).stdout();
    for part in ["not verified to be copied", "an older version of these keys", "s3sieve retry"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(!told.contains("Nothing remains"), "{told}");
    // A plan of the current version alone, that tries it again, can't tell either.
    let mut document = plan_document(&plan);
    document["retry"] = json!({"jobs": ["a"]});
    document["shards"].as_array_mut().unwrap().remove(0);
    document["shards"][0].as_object_mut().unwrap().remove("after");
    document["totals"]["rows_matched"] = json!(1);
    fs::write(plan.join("plan.json"), document.to_string()).unwrap();
    let result = verify(&plan, &newer, &[], 5);
    assert_eq!(result["objects"], 1, "{result:#}");
    assert_eq!(result["objects_unverified"], 1, "{result:#}");
}

/// Lines of a journal for the plan: its manifests are uploaded, then this happens.
#[cfg(feature = "aws")]
fn write_journal(plan: &Path, events: &[Value]) {
    let begun = json!({
        "event": "started", "version": 2, "tool": "s3sieve 0", "account-id": "111122223333",
        "region": "us-east-1", "jobs": 2, "requests-sha256": "00",
    });
    let uploads = [0, 1].into_iter().flat_map(|place| {
        let manifest = manifest_of(plan, place);
        [
            json!({"event": "uploading", "manifest": manifest, "object": "b/k"}),
            json!({"event": "uploaded", "manifest": manifest, "etag": "e", "found": false}),
        ]
    });
    let events = [begun].into_iter().chain(uploads).chain(events.iter().cloned());
    let line = |mut event: Value| {
        event["time"] = json!("2026-01-10T00:00:00Z");
        event.to_string() + "\n"
    };
    fs::write(plan.join("jobs.jsonl"), events.map(line).collect::<String>()).unwrap();
}

#[cfg(feature = "aws")]
fn manifest_of(plan: &Path, place: usize) -> Value {
    plan_document(plan)["shards"][place]["path"].clone()
}

/// A job was created for a manifest, and is open.
#[cfg(feature = "aws")]
fn created(plan: &Path, place: usize) -> [Value; 2] {
    let (manifest, job_id) = (manifest_of(plan, place), format!("job-{place}"));
    [
        json!({"event": "creating", "manifest": manifest, "attempt": 1, "token": "t"}),
        json!({"event": "created", "manifest": manifest, "job-id": job_id, "found": false}),
    ]
}

/// It ended, with one task.
#[cfg(feature = "aws")]
fn ended(place: usize, status: &str, succeeded: u64) -> Value {
    json!({
        "event": "ended",
        "job-id": format!("job-{place}"),
        "status": status,
        "tasks": 1,
        "succeeded": succeeded,
        "failed": 1 - succeeded,
    })
}

#[test]
#[cfg(feature = "aws")]
fn the_journal_tells_whether_a_version_that_was_current_was_copied() {
    let (planned, versions) = ordered_plan();
    let newer = copied_over(&versions);
    let plan = planned.out();
    let first: Vec<Value> =
        created(&plan, 0).into_iter().chain([ended(0, "Complete", 1)]).collect();
    let second = created(&plan, 1).to_vec();
    let withdrawn = json!({"event": "withdrawn", "manifest": manifest_of(&plan, 1)});
    for (then, code) in [
        (vec![], 5),
        (vec![withdrawn], 5),
        (second.clone(), 5),
        ([&second[..], &[ended(1, "Failed", 0)]].concat(), 5),
        ([&second[..], &[ended(1, "Cancelled", 0)]].concat(), 5),
        ([&second[..], &[ended(1, "Complete", 0)]].concat(), 5),
        ([&second[..], &[ended(1, "Complete", 1)]].concat(), 0),
    ] {
        write_journal(&plan, &[&first[..], &then].concat());
        let result = verify(&plan, &newer, &[], code);
        let unproven = u64::from(code != 0);
        assert_eq!(result["objects_unverified"], unproven, "{then:?} {result:#}");
        assert_eq!(result["objects_superseded"], 2 - unproven, "{then:?} {result:#}");
    }
}

#[test]
#[cfg(feature = "aws")]
fn no_plan_of_the_rest_is_made_while_jobs_may_still_run() {
    let (planned, versions) = ordered_plan();
    let newer = report(&versions, true, SECOND);
    let plan = planned.out();
    let rest = newer.folder.path().join("rest");
    let names = [plan.to_str().unwrap(), newer.manifest.to_str().unwrap()];
    let verify = ["verify", names[0], names[1], "--out", rest.to_str().unwrap()];
    let withdrawn = |place| json!({"event": "withdrawn", "manifest": manifest_of(&plan, place)});
    let open = created(&plan, 0).to_vec();
    for (events, jobs) in [
        (vec![], "2 jobs"),
        (vec![withdrawn(0)], "1 job"),
        (open.clone(), "2 jobs"),
        (open[..1].to_vec(), "2 jobs"),
        ([&open[..], &[withdrawn(1)]].concat(), "1 job"),
        ([&open[..], &[json!({"event": "continued", "plan": "again"})]].concat(), "1 job"),
    ] {
        write_journal(&plan, &events);
        let told = [&format!("--out: {jobs} of")[..], "cancel --all", "may still run"];
        s3sieve(verify).expect(2).says(&told);
        assert!(!rest.exists());
        // Without it, nothing is refused.
        s3sieve(&verify[..3]).expect(5);
    }
    let over = [&open[..], &[ended(0, "Failed", 0), withdrawn(1)]].concat();
    write_journal(&plan, &over);
    s3sieve(verify).expect(5);
    assert_eq!(manifests(&rest), "demo,photos/1,v2\n");
}
