//! Memory stays below its bound when a report comes from S3, and does not grow with it.

#![cfg(target_os = "linux")]

use std::fs;
use std::process::Stdio;
use std::thread;

use crate::fixture::{Buckets, data_file, program};

/// Peak memory of a count in MiB: the system's own count, read until the run ends.
fn peak_mib(files: usize, threads: u64) -> u64 {
    let buckets = Buckets::new();
    let file = data_file(0, 300_000);
    assert!(file.len() > 4 << 20, "a file has several parts");
    let manifest = buckets.report("", "2026-01-02T00-00Z", &vec![file; files]);
    let mut child = program()
        .args(["count", &format!("s3://reports/{manifest}"), "--threads", &threads.to_string()])
        .args(["--endpoint-url", &buckets.server.endpoint()])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0;
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.parse().ok());
        peak_kib = peak_kib.max(kib.unwrap_or(0));
        thread::yield_now();
    }
    assert!(child.wait().unwrap().success());
    assert!(peak_kib > 0, "the run was over before it was looked at");
    peak_kib >> 10
}

#[test]
fn memory_is_bounded_and_does_not_grow_with_the_report() {
    for threads in [1, 4] {
        // As on disk, 20 MiB a thread for parts, and the connections.
        let bound_mib = 64 + 16 * threads + 32 + 20 * threads;
        let peaks = [4, 16].map(|files| peak_mib(files, threads));
        assert!(peaks[1] <= bound_mib, "{peaks:?} MiB with {threads} threads");
        assert!(peaks[1] <= peaks[0] + 16 + 20 * threads, "{peaks:?} MiB with {threads} threads");
    }
}
