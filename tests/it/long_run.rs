//! Runs that take long enough to be interrupted in the middle of writing.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::fixture::{ReportFolder, md5, row};

/// Rows of each data file of a long report.
pub(crate) const FILE_ROWS: u32 = 20_000;

/// A report of so many data files with the same rows.
pub(crate) fn long_report(files: usize) -> ReportFolder {
    let rows = |number: u32| row(&["demo", &md5(&number.to_le_bytes()), "DISABLED"]);
    let text: String = (0..FILE_ROWS).map(rows).collect();
    let report = ReportFolder::new("Bucket, Key, BucketKeyStatus", &[text.as_bytes()]);
    report.repeat(files);
    report
}

/// Starts a filter run on `out`, and waits until it has written a megabyte.
pub(crate) fn begin(command: &mut Command, out: &Path) -> Child {
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    let manifest = out.join(".s3sieve-partial/manifests/00000.begun");
    while !fs::metadata(&manifest).is_ok_and(|file| file.len() > 1 << 20) {
        assert!(begun.elapsed() < Duration::from_secs(60), "the run does not get going");
        std::thread::yield_now();
    }
    child
}

/// Whether this process was told from the start to ignore a signal, as by `nohup`: so are the
/// programs that it runs.
pub(crate) fn is_ignored(name: &str) -> bool {
    let number = match name {
        "HUP" => 1,
        "INT" => 2,
        _ => 15,
    };
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:\t")).unwrap_or("0");
    u64::from_str_radix(ignored, 16).unwrap() & (1 << (number - 1)) != 0
}

/// Sends a signal, such as `-TERM`.
pub(crate) fn signal(child: &Child, name: &str) {
    // The shell's own `kill`: there need not be another.
    let line = format!("kill {name} {}", child.id());
    assert!(Command::new("sh").args(["-c", &line]).status().unwrap().success());
}
