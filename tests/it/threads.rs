//! `--threads` holds for all that a run does: no more threads than it says work at the same time,
//! besides the first, which waits for them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::fixture::{ReportFolder, listed, manifest_json, program, s3sieve, tree};

/// The most threads that a run had at any time, and the names of all.
struct Threads {
    most: usize,
    names: BTreeSet<String>,
}

impl Threads {
    /// Runs a command with `--threads` to its end, and looks at its threads all the time.
    #[track_caller]
    fn of(mut command: Command, threads: usize, code: i32) -> Self {
        command.args(["--threads", &threads.to_string()]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let tasks = format!("/proc/{}/task", child.id());
        let mut seen = Self { most: 0, names: BTreeSet::new() };
        let status = loop {
            // Threads end while they are looked at.
            let tasks: Vec<_> = fs::read_dir(&tasks).into_iter().flatten().flatten().collect();
            seen.most = seen.most.max(tasks.len());
            let names =
                tasks.iter().filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
            seen.names.extend(names.map(|name| name.trim_end().to_owned()));
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
        };
        assert_eq!(status.code(), Some(code), "{command:?}");
        let allowed = threads + 1;
        assert!(seen.most <= allowed, "{} threads: {:?}: {command:?}", seen.most, seen.names);
        seen
    }

    /// So many threads were there at a time, some of them with this name.
    #[track_caller]
    fn worked_as(&self, name: &str, most: usize) {
        assert!(self.names.contains(name), "{name}: {:?}", self.names);
        assert_eq!(self.most, most, "{:?}", self.names);
    }
}

fn synth(out: &Path) -> Command {
    let mut command = program();
    command.args(["synth", "--rows", "200000", "--files", "12", "--out"]).arg(out);
    command
}

#[test]
fn files_are_looked_up_by_no_more_threads_than_allowed() {
    let report = ReportFolder::new("Bucket, Key", &[]);
    let files: Vec<_> =
        (0..60_000).map(|number| listed(&format!("{number}/a/b/c/file"), b"")).collect();
    fs::write(&report.manifest, manifest_json("Bucket, Key", &files).to_string()).unwrap();
    let inspect = || {
        let mut command = program();
        command.arg("inspect").arg(&report.manifest);
        command
    };
    // All files are missing.
    Threads::of(inspect(), 1, 3);
    Threads::of(inspect(), 3, 3).worked_as("look-up", 4);
}

#[test]
fn a_report_is_made_by_no_more_threads_than_allowed() {
    let folder = tempfile::tempdir().unwrap();
    Threads::of(synth(&folder.path().join("one")), 1, 0);
    Threads::of(synth(&folder.path().join("three")), 3, 0).worked_as("synth", 4);
}

#[test]
fn manifests_are_compressed_by_no_more_threads_than_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report");
    let out = |threads: usize| folder.path().join(format!("plan-{threads}"));
    s3sieve(
        ["synth", "--rows", "400000", "--files", "2", "--level", "1", "--out"]
            .iter()
            .map(|word| (*word).to_owned())
            .chain([report.to_str().unwrap().to_owned()]),
    )
    .expect(0);
    let filter = |threads: usize| {
        let mut command = program();
        command.arg("filter").arg(&report).args(["--where", "TRUE", "--max-objects", "20000"]);
        command.args(["--emit", "inventory", "--manifest-bucket", "s3://demo/plans", "--out"]);
        command.arg(out(threads));
        command
    };
    Threads::of(filter(1), 1, 0);
    Threads::of(filter(3), 3, 0).worked_as("compress", 4);
    // The same plan, but for its times.
    assert_eq!(tree(&out(1)), tree(&out(3)));
}
