//! Memory stays below its bound and does not grow with the report.

#![cfg(target_os = "linux")]

use std::fs;
use std::process::{Command, Stdio};
use std::thread;

use crate::fixture::{ReportFolder, gzip, md5, program, row};

/// A report of many files, all the same.
fn repeated(times: usize) -> ReportFolder {
    let text: String = (0..20_000u32)
        .map(|number| row(&["demo", &md5(&number.to_le_bytes()), "DISABLED"]))
        .collect();
    let files = vec![gzip(text.as_bytes())];
    let report = ReportFolder::of_compressed("demo", "Bucket, Key, BucketKeyStatus", &files);
    report.repeat(times);
    report
}

/// Peak memory of a filter run in MiB.
fn peak_mib(report: &ReportFolder, threads: &str) -> u64 {
    let mut command = program();
    command.args(["filter", report.manifest.to_str().unwrap(), "--where", "TRUE"]).args([
        "--threads",
        threads,
        "--out",
        report.out().to_str().unwrap(),
    ]);
    peak_mib_of(&mut command, 0).0
}

/// Peak memory in MiB of a run that ends with this code, and what it said: the system's own count,
/// read until the run ends.
pub(crate) fn peak_mib_of(command: &mut Command, code: i32) -> (u64, String) {
    let said = tempfile::NamedTempFile::new().unwrap();
    let mut child = command.stdout(Stdio::null()).stderr(said.reopen().unwrap()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0;
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.parse().ok());
        peak_kib = peak_kib.max(kib.unwrap_or(0));
        thread::yield_now();
    }
    let said = fs::read_to_string(said.path()).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(code), "{command:?}\n{said}");
    // One that is refused at once may be over before it is looked at.
    assert!(peak_kib > 0 || code != 0, "the run was over before it was looked at");
    (peak_kib >> 10, said)
}

#[test]
fn memory_is_bounded_and_does_not_grow_with_the_report() {
    for threads in [1, 4] {
        let bound_mib = 64 + 16 * threads;
        let small = peak_mib(&repeated(20), &threads.to_string());
        let large = peak_mib(&repeated(200), &threads.to_string());
        assert!(large <= bound_mib, "{large} MiB with {threads} threads");
        // What waits for its turn differs from run to run, within its budget.
        let slack_mib = 16 + 8 * threads;
        assert!(large <= small + slack_mib, "{small} MiB, then {large} MiB");
    }
}
