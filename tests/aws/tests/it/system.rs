//! What the system sets and limits, where AWS is asked: signals that are ignored, files that may be
//! open, threads.

#![cfg(unix)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::double::{JobFault, Options, Trouble};
use crate::fixture::{ReportFolder, Run, row};
use crate::world::World;

/// The same command behind a shell that says `first`.
fn behind(first: &str, command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{first}; exec \"$0\" \"$@\"")]).arg(command.get_program());
    shell.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}

#[test]
fn jobs_run_goes_on_when_its_terminal_is_closed_if_it_was_told_to() {
    let held = JobFault { jobs: 0..1, what: Trouble::HeldAfter(1) };
    let world = World::new(Options { job_faults: vec![held], ..Options::default() }, 6, 2);
    world.submit(&world.plan, &[]).expect(0);
    let plan = world.plan.to_str().unwrap();
    let run = world.command(["jobs", plan, "run", "--interval", "0.02"]);
    let mut child = behind("trap '' HUP", &run).stdout(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    while world.double.state().jobs[0].done == 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "the run does not get going");
        thread::sleep(Duration::from_millis(5));
    }
    let line = format!("kill -HUP {0}; kill -HUP {0}", child.id());
    assert!(Command::new("sh").args(["-c", &line]).status().unwrap().success());
    world.double.state().released = true;
    assert!(child.wait().unwrap().success());
    assert_eq!(world.double.state().jobs.iter().map(|job| job.succeeded).sum::<usize>(), 6);
}

#[test]
fn a_plan_of_500_manifests_in_s3_takes_few_open_files() {
    let world = World::new(Options::default(), 1, 1);
    let mut text = String::new();
    for number in 0..5_000 {
        let value = format!("value-{}", number % 499);
        write!(text, "{}", row(&["demo", &format!("key-{number}"), &value])).unwrap();
    }
    let report = ReportFolder::new("Bucket, Key, StorageClass", &[text.as_bytes()]);
    let manifest = report.manifest.to_str().unwrap();
    let filter = ["filter", manifest, "--where", "TRUE", "--split-by", "StorageClass"];
    let filter = filter.iter().chain(&["--out", "s3://manifests/many", "--threads", "2"]);
    Run::of(behind("ulimit -n 64", &world.command_at_s3(filter))).expect(0);
    let mut lines = BTreeSet::new();
    for number in 0..499 {
        let manifest = world.double.get("manifests", &format!("many/manifests/{number:05}.csv"));
        lines.extend(String::from_utf8(manifest.unwrap()).unwrap().lines().map(str::to_owned));
    }
    assert_eq!(lines.len(), 5_000);
}

/// Threads whose stacks are larger than all addresses.
#[cfg(target_os = "linux")]
#[test]
fn network_threads_that_cannot_be_started_end_the_run() {
    let world = World::new(Options::default(), 1, 1);
    let mut count = world.command_at_s3(["count", "s3://reports/a/manifest.json"]);
    count.env("RUST_MIN_STACK", (1_u64 << 50).to_string());
    Run::of(count).expect(1).says(&["start the network threads", "raise the limit of threads"]);
}
