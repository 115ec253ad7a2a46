//! Memory stays below its bound when a report comes from S3, and does not grow with it.

#![cfg(target_os = "linux")]

use std::fs;
use std::num::NonZeroU64;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use ground::{BareServer, Distance};

use crate::buckets::{Buckets, data_file, program_with_keys};
use crate::columnar;

/// MiB a thread for what is on its way or waits to be read: eight parts, and one of what is next.
const AHEAD_MIB: u64 = 36;

/// A report of equal files; the address of its manifest.
fn report(files: usize) -> (Buckets, String) {
    let buckets = Buckets::new();
    let file = data_file(0, 300_000);
    assert!(file.len() > 4 << 20, "a file has several parts");
    let manifest = buckets.report("", "2026-01-02T00-00Z", &vec![file; files]);
    (buckets, format!("s3://reports/{manifest}"))
}

/// Peak memory of a count in MiB.
fn peak_mib(files: usize, threads: u64) -> u64 {
    let (buckets, address) = report(files);
    let threads = threads.to_string();
    peak_of(&buckets.server.endpoint(), &["count", &address, "--threads", &threads])
}

/// Peak memory of a run in MiB: the system's own count, read until the run ends.
fn peak_of(endpoint: &str, arguments: &[&str]) -> u64 {
    let mut child = program_with_keys()
        .args(arguments)
        .args(["--endpoint-url", endpoint])
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
        // As on disk, what is on its way, and the connections.
        let bound_mib = 64 + 16 * threads + 32 + AHEAD_MIB * threads;
        let peaks = [4, 16].map(|files| peak_mib(files, threads));
        assert!(peaks[1] <= bound_mib, "{peaks:?} MiB with {threads} threads");
        let more_mib = 16 + AHEAD_MIB * threads;
        assert!(peaks[1] <= peaks[0] + more_mib, "{peaks:?} MiB with {threads} threads");
    }
}

#[test]
fn memory_is_bounded_far_from_the_server() {
    let distance = Distance {
        // So far that as much is asked for as may be.
        delay: Duration::from_millis(300),
        bytes_per_second: NonZeroU64::new(125_000_000),
    };
    let threads = 2;
    let bound_mib = 64 + 16 * threads + 32 + AHEAD_MIB * threads;
    let peaks = [8, 32].map(|files| {
        let (buckets, address) = report(files);
        let server = BareServer::start_at(buckets.root.path(), distance).unwrap();
        let threads = threads.to_string();
        peak_of(&server.endpoint(), &["count", &address, "--threads", &threads])
    });
    assert!(peaks[1] <= bound_mib, "{peaks:?} MiB");
    assert!(peaks[1] <= peaks[0] + 32, "{peaks:?} MiB");
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
            peak_of(&buckets.server.endpoint(), &[query.as_slice(), &how].concat())
        });
        assert!(peaks[1] <= bound_mib, "{peaks:?} MiB, {format}, {check}");
        assert!(peaks[1] <= peaks[0] + 16 * threads, "{peaks:?} MiB, {format}, {check}");
    }
}
