//! Completion reports: rows that can't be read, codes and what they mean, what tasks gave back, and
//! what of it a terminal gets.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::double::{Failure, Options};
use crate::fixture::{ReportFolder, base64, manifests, md5, row, s3sieve};
use crate::world::{World, key, submit_arguments};

/// A failure that strikes every task once.
const PASSING: Failure = Failure {
    key_part: "photos",
    code: "SlowDown",
    status: 503,
    message: "Please reduce your request rate.",
    once: true,
};

pub const CHECKSUM: &[&str] = &["--operation", "checksum", "--checksum-algorithm", "SHA256"];

/// A world whose only job has ended, with every task failed.
pub fn failed_world(objects: usize) -> World {
    let options = Options { failures: vec![PASSING], ..Options::default() };
    let world = World::new(options, objects, objects);
    world.submit(&world.plan, &[]).expect(0);
    world.let_run(&world.plan).expect(5);
    world
}

/// Replaces the file of tasks with this status of a world's only report, as `change` makes it,
/// under MD5s that fit.
fn rewrite(world: &World, status: &str, change: impl Fn(&str) -> String) {
    let id = world.double.state().jobs[0].id.clone();
    let key = format!("s3sieve/job-{id}/manifest.json");
    let manifest = world.double.get("reports", &key).unwrap();
    let mut manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let results = manifest["Results"].as_array_mut().unwrap();
    let listed = results.iter_mut().find(|file| file["TaskExecutionStatus"] == status).unwrap();
    let file = listed["Key"].as_str().unwrap().to_owned();
    let text = String::from_utf8(world.double.get("reports", &file).unwrap()).unwrap();
    let text = change(&text);
    listed["MD5Checksum"] = md5(text.as_bytes()).into();
    world.double.put("reports", &file, text.as_bytes());
    let text = manifest.to_string();
    world.double.put("reports", &key, text.as_bytes());
    world.double.put("reports", &format!("{key}.md5"), md5(text.as_bytes()).as_bytes());
}

fn retried(world: &World) -> String {
    let again = world.path("again");
    world.run(["retry", world.plan.to_str().unwrap(), "--out", again.to_str().unwrap()]).expect(0);
    manifests(&again)
}

#[test]
fn a_row_that_cannot_be_read_is_counted_and_shown_and_the_rest_goes_on() {
    let world = failed_world(6);
    rewrite(&world, "failed", |text| {
        let mut lines: Vec<&str> = text.lines().collect();
        lines.sort_unstable();
        let (first, rest) = lines.split_at(2);
        let bad = "demo,photos/x,,perhaps,200,X,\u{1b}[2J\ndemo,cut off";
        format!("{}\n{bad}\n{}\n", first.join("\n"), rest.join("\n"))
    });
    let told = world.jobs(&["report", "--format", "json"]).expect(5).json();
    assert_eq!(told["rows_unreadable"], 2, "{told:#}");
    let example = &told["unreadable_example"];
    assert_eq!(example["record"], 3);
    assert_eq!(example["error"], "the task's status is `perhaps`");
    assert!(Path::new(example["file"].as_str().unwrap()).is_file(), "{told:#}");
    assert_eq!(told["failures"][0]["tasks"], 6, "{told:#}");
    let shown = world.jobs(&["report"]).expect(5);
    let story = shown.stdout();
    assert!(story.contains("2 rows of the reports can't be read. The first: row 3"), "{story}");
    let again = retried(&world);
    let wanted: BTreeSet<String> = (0..6).map(|number| format!("demo,{}", key(number))).collect();
    let lines: BTreeSet<String> = again.lines().map(str::to_owned).collect();
    assert!(wanted.is_subset(&lines), "{again}");
}

/// A report whose only fault is a row that can't be read is not all well.
#[test]
fn a_bad_row_alone_shows_in_the_exit_code() {
    let world = World::new(Options::default(), 2, 2);
    submit(&world, &[CHECKSUM, &["--report-scope", "AllTasks"]].concat());
    world.let_run(&world.plan).expect(0);
    world.jobs(&["report"]).expect(0);
    rewrite(&world, "succeeded", |text| format!("no row\n{text}"));
    let told = world.jobs(&["report", "--format", "json"]).expect(5).json();
    assert_eq!(told["rows_unreadable"], 1, "{told:#}");
    assert_eq!(told["results"][0]["rows"], 2, "{told:#}");
}

#[test]
fn codes_are_judged_before_statuses_and_in_messages() {
    let world = failed_world(8);
    let broken = |code: &str| {
        format!(
            "200,PermanentFailure,\"error details: {{\"\"failureMessage\"\":\"Task 1, printed\", \
             \"\"errorCode\"\": \"{code}\"}}\""
        )
    };
    let rows = [
        ("500,SrcObjectNotEligible,not eligible".to_owned(), false, "does not cover"),
        ("500,DstObjectHardDeleted,version was deleted".to_owned(), false, "by its version id"),
        ("500,InitiateReplicationNotPermitted,no".to_owned(), true, "s3:InitiateReplication"),
        ("500,DstBucketUnversioned,target has no versions".to_owned(), true, "turn them on"),
        (broken("404"), false, "gone"),
        (broken("500"), true, "try again"),
        ("200,TemporaryFailure,later".to_owned(), true, "try again"),
        ("200,PermanentFailure,\"not, today\"".to_owned(), false, "can't be done"),
    ];
    rewrite(&world, "failed", |_| {
        let rows = rows.iter().enumerate();
        rows.map(|(number, (rest, ..))| format!("demo,{},,failed,{rest}\n", key(number))).collect()
    });
    let told = world.jobs(&["report", "--format", "json"]).expect(5).json();
    assert_eq!(told["rows_unreadable"], 0, "{told:#}");
    let failures = told["failures"].as_array().unwrap();
    assert_eq!(failures.len(), rows.len(), "{told:#}");
    for (number, (rest, again, part)) in rows.iter().enumerate() {
        let wanted = key(number);
        let found = failures.iter().find(|failure| failure["example_key"] == *wanted).unwrap();
        assert_eq!(found["is_retried"], *again, "{rest}: {found:#}");
        assert!(found["remedy"].as_str().unwrap().contains(part), "{rest}: {found:#}");
    }
    let message = "error details: {\"failureMessage\":\"Task 1, printed\", \"errorCode\": \"404\"}";
    assert!(failures.iter().any(|failure| failure["example_message"] == message), "{told:#}");
    let again = retried(&world);
    let kept: Vec<bool> = (0..8).map(|number| again.contains(&key(number))).collect();
    assert_eq!(kept, rows.map(|(_, again, _)| again));
}

#[test]
fn an_empty_version_id_is_the_null_version_of_the_plan() {
    let world = failed_world(1);
    let rows = row(&["demo", &key(0), "", "true", "false"]);
    let columns = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker";
    let report = ReportFolder::new(columns, &[rows.as_bytes()]);
    let plan = report.out();
    let manifest = report.manifest.to_str().unwrap();
    let filter = ["filter", manifest, "--where", "TRUE", "--for", "copy"];
    s3sieve(filter.iter().chain(&["--out", plan.to_str().unwrap()])).expect(0);
    let wanted = format!("demo,{},null\n", key(0));
    assert_eq!(manifests(&plan), wanted);
    world.double.state().struck.clear();
    world.double.state().jobs.clear();
    world.submit(&plan, &[]).expect(0);
    world.let_run(&plan).expect(5);
    rewrite(&world, "failed", |text| {
        assert!(text.contains(",null,failed,"), "{text}");
        text.replace(",null,failed,", ",,failed,")
    });
    let again = world.path("again");
    world.run(["retry", plan.to_str().unwrap(), "--out", again.to_str().unwrap()]).expect(0);
    assert_eq!(manifests(&again), wanted);
}

#[test]
fn no_control_character_from_s3_reaches_a_terminal() {
    let world = failed_world(3);
    rewrite(&world, "failed", |text| {
        let key = key(0);
        let bad =
            format!("demo,{key}\u{1b}[31m,,failed,200,Odd\u{9b}31m,\"bell\u{7}\r\nback\u{8}\"\n");
        format!("{bad}{text}demo,\u{1b}]0;title\u{7}\n")
    });
    let shown = world.jobs(&["report"]).expect(5);
    let is_plain = |text: &str| text.chars().all(|c| c == '\n' || !c.is_control());
    assert!(is_plain(&shown.stdout()) && is_plain(&shown.stderr()), "{}", shown.story());
    let parts = ["Odd\\u{9b}31m (200)", "jpg\\u{1b}[31m: bell\\u{7}\\r\\nback\\u{8}"];
    for part in parts {
        assert!(shown.stdout().contains(part), "{}", shown.story());
    }
    // Programs get it as it is.
    let told = world.jobs(&["report", "--format", "json"]).expect(5).json();
    let failures = told["failures"].as_array().unwrap();
    assert!(failures.iter().any(|failure| failure["example_message"] == "bell\u{7}\r\nback\u{8}"));
}

#[test]
fn reasons_and_states_are_shown_without_control_characters() {
    let world = World::new(Options::default(), 1, 1);
    world.submit(&world.plan, &[]).expect(0);
    world.double.state().jobs[0].fail("Odd\u{9b}2J", "because\u{85}of that");
    let is_plain = |text: &str| text.chars().all(|c| c == '\n' || !c.is_control());
    let watched = world.jobs(&["watch", "--interval", "0.02"]).expect(5);
    assert!(is_plain(&watched.stderr()), "{}", watched.story());
    let reason = "Odd\\u{9b}2J: because\\u{85}of that";
    assert!(watched.stderr().contains(reason), "{}", watched.story());
    let listed = world.jobs(&["list"]).expect(5);
    assert!(is_plain(&listed.stdout()), "{}", listed.story());
    assert!(listed.stdout().contains(reason), "{}", listed.story());
}

fn submit(world: &World, operation: &[&str]) {
    world.run(submit_arguments(&world.plan, operation)).expect(0);
}

/// The rows of a file of results below its header, and the header.
fn table(file: &Path) -> (String, Vec<String>) {
    let text = fs::read_to_string(file).unwrap();
    let mut lines = text.lines().map(str::to_owned);
    let header = lines.next().unwrap();
    let mut rows: Vec<String> = lines.collect();
    rows.sort_unstable();
    (header, rows)
}

#[test]
fn checksums_become_a_file_in_the_plan_s_folder() {
    let gone = Failure {
        key_part: "00004",
        code: "PermanentFailure",
        status: 200,
        message: "error details: {\"failureMessage\":\"Task 1 no key\", \"errorCode\": \"404\"}",
        once: false,
    };
    let options = Options { failures: vec![gone], report_rows_max: 3, ..Options::default() };
    let world = World::new(options, 10, 4);
    submit(&world, &[CHECKSUM, &["--report-scope", "AllTasks"]].concat());
    world.let_run(&world.plan).expect(5);
    let told = world.jobs(&["report", "--format", "json"]).expect(5).json();
    assert_eq!(told["failures"][0]["message_code"], "404", "{told:#}");
    assert_eq!(told["results_unknown"], 0);
    assert_eq!(told["results_lost"], false);
    assert_eq!(told["results"][0]["rows"], 9, "{told:#}");
    assert_eq!(told["results"].as_array().unwrap().len(), 1);
    let file = world.plan.join("reports/checksums.csv");
    assert_eq!(PathBuf::from(told["results"][0]["file"].as_str().unwrap()), file);
    let (header, rows) = table(&file);
    assert_eq!(header, "Bucket,Key,VersionId,ChecksumAlgorithm,ChecksumType,Checksum");
    let numbers = (0..10).filter(|number| *number != 4);
    let wanted: Vec<String> = numbers
        .map(|number| {
            let sum = base64(&Sha256::digest(key(number)));
            format!("demo,{},,SHA256,FULL_OBJECT,{sum}", key(number))
        })
        .collect();
    assert_eq!(rows, wanted);
    // Once more gives the same, and leaves nothing else.
    let shown = world.jobs(&["report"]).expect(5);
    assert!(shown.stdout().contains("reports/checksums.csv: 9 results"), "{}", shown.story());
    assert_eq!(table(&file).1, wanted);
    let partial = |name: String| name.contains("partial");
    let names = fs::read_dir(world.plan.join("reports")).unwrap();
    assert!(!names.map(|name| name.unwrap().file_name().into_string().unwrap()).any(partial));
}

#[test]
fn what_functions_return_becomes_a_file() {
    let function = "arn:aws:lambda:us-east-1:111122223333:function:f";
    let operation = ["--operation", "lambda", "--function-arn", function];
    for scope in ["AllTasks", "FailedTasksOnly"] {
        let world = World::new(Options::default(), 3, 2);
        submit(&world, &[&operation[..], &["--report-scope", scope]].concat());
        world.let_run(&world.plan).expect(0);
        let told = world.jobs(&["report", "--format", "json"]).expect(0).json();
        let all = scope == "AllTasks";
        assert_eq!(told["results_lost"], !all, "{told:#}");
        assert_eq!(told["results"].as_array().unwrap().len(), usize::from(all), "{told:#}");
        let file = world.plan.join("reports/results.csv");
        assert_eq!(file.exists(), all);
        if all {
            let (header, rows) = table(&file);
            assert_eq!(header, "Bucket,Key,VersionId,Result");
            let row = |number| format!("demo,{0},,\"done with {0}, \"\"as said\"\"\"", key(number));
            assert_eq!(rows, (0..3).map(row).collect::<Vec<_>>());
        }
    }
}
