//! `--threads` holds for all that a run does: no more threads than it says work at the same time,
//! besides the first, which waits for them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::fixture::{ReportFolder, listed, manifest_json, program, s3sieve, tree};

/// A thread that has run for as long as this beside others works. One that is on its way out stands
/// in the list for a while after its last work, longer on a machine that is busy, and runs for some
/// microseconds.
const WORKS_NS: u64 = 2_000_000;

/// The threads of a run.
#[derive(Default)]
struct Threads {
    /// By name, the most at any time.
    most: BTreeMap<String, usize>,
    /// Threads that are there at the same time, by number, and how long each had run when they were
    /// first seen together.
    together: BTreeMap<u32, u64>,
    /// The most that worked while they were together, besides the first.
    working: usize,
}

impl Threads {
    /// Runs a command with `--threads` to its end, and looks at its threads all the time.
    #[track_caller]
    fn of(mut command: Command, threads: usize, code: i32) -> Self {
        command.args(["--threads", &threads.to_string()]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let tasks = PathBuf::from(format!("/proc/{}/task", child.id()));
        let mut seen = Self::default();
        let status = loop {
            seen.look(child.id(), &tasks);
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
        };
        assert_eq!(status.code(), Some(code), "{command:?}");
        assert!(seen.working <= threads, "{}: {:?}: {command:?}", seen.working, seen.most);
        seen
    }

    /// Looks at all threads once. They end while they are looked at.
    fn look(&mut self, first: u32, tasks: &Path) {
        let tasks = fs::read_dir(tasks).into_iter().flatten().flatten();
        let now: BTreeMap<u32, (String, u64)> = tasks
            .filter_map(|task| {
                let number = task.file_name().to_str()?.parse().ok()?;
                let name = fs::read_to_string(task.path().join("comm")).ok()?;
                // Some kernels don't tell; then threads are only counted by name.
                let times = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
                let run_ns = times.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0);
                Some((number, (name.trim_end().to_owned(), run_ns)))
            })
            .collect();
        let mut by_name = BTreeMap::<&str, usize>::new();
        for (name, _) in now.values() {
            *by_name.entry(name).or_default() += 1;
        }
        for (name, count) in by_name {
            let most = self.most.entry(name.to_owned()).or_default();
            *most = count.max(*most);
        }
        if !now.keys().eq(self.together.keys()) {
            self.together = now.iter().map(|(number, (_, run_ns))| (*number, *run_ns)).collect();
        }
        let worked = self.together.iter().filter(|(number, since)| {
            **number != first && now[*number].1.saturating_sub(**since) > WORKS_NS
        });
        self.working = self.working.max(worked.count());
    }

    /// At some time there were this many threads of this name.
    #[track_caller]
    fn worked_as(&self, name: &str, most: usize) {
        assert_eq!(self.most.get(name), Some(&most), "{name}: {:?}", self.most);
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
    Threads::of(inspect(), 3, 3).worked_as("look-up", 3);
}

#[test]
fn a_report_is_made_by_no_more_threads_than_allowed() {
    let folder = tempfile::tempdir().unwrap();
    Threads::of(synth(&folder.path().join("one")), 1, 0);
    Threads::of(synth(&folder.path().join("three")), 3, 0).worked_as("synth", 3);
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
    Threads::of(filter(3), 3, 0).worked_as("compress", 3);
    // The same plan, but for its times.
    assert_eq!(tree(&out(1)), tree(&out(3)));
}
