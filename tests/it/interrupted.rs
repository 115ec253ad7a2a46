//! Runs that end before their time leave no plan, and the next run finds its way.

#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::fixture::{ReportFolder, listed, manifest_json, manifests, program, s3sieve};
use crate::long_run::{self, is_ignored, long_report, signal};

/// Data files of a report that takes longer to filter than a signal takes to come.
const FILES: usize = 3_000;

fn begin(report: &ReportFolder, out: &Path) -> Child {
    let manifest = report.manifest.to_str().unwrap();
    let mut command = program();
    let command = command.args(["filter", manifest, "--where", "TRUE", "--out"]).arg(out);
    long_run::begin(command, out)
}

/// What Ctrl-C sends; or its like, where these tests run in the background of a shell: SIGINT is
/// then ignored from the start, and stays so.
fn interruption() -> &'static str {
    if is_ignored("INT") { "-TERM" } else { "-INT" }
}

#[test]
fn ctrl_c_ends_a_run_cleanly() {
    let report = long_report(FILES);
    let out = report.out();
    let mut child = begin(&report, &out);
    signal(&child, interruption());
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    assert!(!out.exists(), "nothing is left");
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_ends_the_look_up_of_many_files() {
    let report = ReportFolder::new("Bucket, Key", &[]);
    let files: Vec<_> =
        (0..200_000).map(|number| listed(&format!("{number}/a/b/c/file"), b"")).collect();
    fs::write(&report.manifest, manifest_json("Bucket, Key", &files).to_string()).unwrap();
    let mut command = program();
    let command = command.arg("inspect").arg(&report.manifest);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // Until it listens: SIGTERM's bit of the signals that it catches.
    let catches = || {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:\t")).unwrap();
        u64::from_str_radix(caught, 16).unwrap() & (1 << (15 - 1)) != 0
    };
    let begun = Instant::now();
    while !catches() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it ended before it listened");
        std::thread::yield_now();
    }
    signal(&child, "-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn a_killed_run_leaves_no_plan_and_the_next_one_clears_up() {
    let report = long_report(FILES);
    let out = report.out();
    let mut child = begin(&report, &out);
    // While it runs, nobody else gets the folder.
    let manifest = report.manifest.to_str().unwrap();
    let arguments = ["filter", manifest, "--where", "TRUE", "--out", out.to_str().unwrap()];
    s3sieve(arguments).expect(2).says(&["another run"]);
    signal(&child, "-KILL");
    child.wait().unwrap();
    assert!(!out.join("plan.json").exists());
    assert!(!out.join("manifests").exists());
    let statement = "SELECT * FROM s3object LIMIT 10";
    s3sieve(["filter", manifest, "--sql", statement, "--out", out.to_str().unwrap()]).expect(0);
    assert_eq!(manifests(&out).lines().count(), 10);
    assert!(!out.join(".s3sieve-partial").exists());
}
