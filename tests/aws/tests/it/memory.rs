//! Memory stays below its bound when a report comes from S3, and does not grow with it.

#![cfg(target_os = "linux")]

use std::fs;
use std::process::Stdio;
use std::thread;

use crate::buckets::{Buckets, data_file, program_with_keys};
use crate::columnar;

/// Peak memory of a count in MiB.
fn peak_mib(files: usize, threads: u64) -> u64 {
    let buckets = Buckets::new();
    let file = data_file(0, 300_000);
    assert!(file.len() > 4 << 20, "a file has several parts");
    let manifest = buckets.report("", "2026-01-02T00-00Z", &vec![file; files]);
    let address = format!("s3://reports/{manifest}");
    let threads = threads.to_string();
    peak_of(&buckets, &["count", &address, "--threads", &threads])
}

/// Peak memory of a run in MiB: the system's own count, read until the run ends.
fn peak_of(buckets: &Buckets, arguments: &[&str]) -> u64 {
    let mut child = program_with_keys()
        .args(arguments)
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

#[test]
fn memory_of_a_column_format_is_bounded_and_does_not_grow_with_the_report() {
    for (format, check) in [("parquet", "md5"), ("orc", "crc")] {
        let threads = 2;
        // What files that are held take, or ranges on their way; and the connections.
        let bound_mib = 64 + 16 * threads + 32 + 32 * threads;
        let peaks = [("600000", "3"), ("1800000", "9")].map(|(rows, files)| {
            let buckets = columnar::report(format, rows, files);
            let threads = threads.to_string();
            let query = ["count", columnar::ADDRESS, "--where", "BucketKeyStatus = 'DISABLED'"];
            let how = ["--by", "StorageClass", "--threads", &threads, "--verify", check];
            peak_of(&buckets, &[query.as_slice(), &how].concat())
        });
        assert!(peaks[1] <= bound_mib, "{peaks:?} MiB, {format}, {check}");
        assert!(peaks[1] <= peaks[0] + 16 * threads, "{peaks:?} MiB, {format}, {check}");
    }
}
