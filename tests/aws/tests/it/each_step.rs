//! What talks to AWS is killed at each step that it takes on disk and before each request, or the
//! disk fails at each step: what is there is true, and the same command goes on from there.
//!
//! As a rule at every few steps; at all by name: `cargo test --test aws -- --ignored every_step`.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use ground::{BeforeProxy, Deed};
use serde_json::Value;
use tempfile::TempDir;

use crate::buckets::{Buckets, data_file, program_with_keys, tree_anywhere};
use crate::completion::{CHECKSUM, failed_world};
use crate::double::{Options, REGION};
use crate::fixture::{Run, program, s3sieve};
use crate::plans::PLACE;
use crate::steps::Step;
use crate::steps::harm::{Harm, faults, harmed, kills, unharmed};
use crate::steps::scene::{Listing, PARTIAL, copy_all, listing};
use crate::world::{COPY, World, assert_journal_is_true, submit_arguments};

/// Says what was done when a test fails meanwhile.
struct Doing(String);

impl Drop for Doing {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = writeln!(io::stderr(), "while: {}", self.0);
        }
    }
}

/// Harms of every so many steps; so many ways for a step to fail.
fn harms(steps: &[Step], every: usize) -> Vec<(usize, Harm)> {
    assert!(steps.len() > 5, "the steps are not told: {steps:?}");
    let ways = if every == 1 { usize::MAX } else { 1 };
    [kills(steps, every), faults(steps, every, ways)].concat()
}

/// Harms a run, which is killed, or says which file it could not write, or does without it. What it
/// was doing, to be told by a test that fails.
fn harm(command: Command, ground: &Path, (at, harm): (usize, Harm)) -> Doing {
    let (run, step) = harmed(command, ground, at, harm);
    let doing = Doing(format!("{harm:?} at step {at}, {step:?}{}", run.story()));
    let code = run.output.status.code();
    assert_eq!(code.is_none(), harm == Harm::Kill && step.is_some());
    match code {
        Some(1) => assert!(run.stderr().contains(ground.to_str().unwrap()), "no file is named"),
        None | Some(0 | 5) => {}
        code => panic!("it ended with {code:?}"),
    }
    doing
}

/// All names below a folder.
fn names(folder: &Path) -> Vec<PathBuf> {
    listing(folder).into_keys().collect()
}

/// All below a folder but journals, whose lines hold times.
fn lasting(folder: &Path) -> Listing {
    let mut found = listing(folder);
    found.retain(|path, _| !path.ends_with("jobs.jsonl"));
    found
}

fn path(folder: &Path) -> PathBuf {
    folder.canonicalize().unwrap()
}

fn submission(world: &World) -> Command {
    world.command(submit_arguments(&world.plan, COPY))
}

fn submissions_are_harmed(every: usize) {
    let fresh = || World::new(Options::default(), 2, 1);
    let world = fresh();
    let (run, steps) = unharmed(submission(&world), &path(&world.plan));
    run.expect(0);
    let clean = names(&world.plan);
    for what in harms(&steps, every) {
        let world = fresh();
        let _doing = harm(submission(&world), &path(&world.plan), what);
        world.submit(&world.plan, &[]).expect(0);
        assert_journal_is_true(&world, &world.plan);
        assert_eq!(names(&world.plan), clean);
    }
}

/// A plan in S3, submitted with a state folder of this name in the world's folder.
fn submissions_in_place_are_harmed(every: usize) {
    const PLAN: &str = "s3://plans/today";
    let fresh = || {
        let world = World::new(Options::default(), 2, 1);
        world.double.create_bucket("plans", REGION);
        let report = world.path("manifest.json");
        let filter = ["filter", report.to_str().unwrap(), "--where", "TRUE", "--out", PLAN];
        Run::of(world.command_at_s3(filter)).expect(0);
        world
    };
    let submission = |world: &World| {
        let state = world.path("here");
        let usual = ["submit", PLAN, "--state", state.to_str().unwrap()];
        let place = PLACE.chunks(2).filter(|pair| pair[0] != "--manifest-bucket");
        world.command(usual.iter().chain(COPY).chain(place.flatten()))
    };
    let world = fresh();
    let (run, steps) = unharmed(submission(&world), &path(&world.path("")));
    run.expect(0);
    let clean = names(&world.path(""));
    for what in harms(&steps, every) {
        let world = fresh();
        let _doing = harm(submission(&world), &path(&world.path("")), what);
        Run::of(submission(&world)).expect(0);
        assert_eq!(names(&world.path("")), clean);
        assert_eq!(world.double.state().jobs.len(), 1);
    }
}

/// A world's plan as it is now, to be put back again and again.
struct Snapshot<'a> {
    world: &'a World,
    plan: TempDir,
}

impl<'a> Snapshot<'a> {
    fn of(world: &'a World) -> Self {
        let plan = tempfile::tempdir().unwrap();
        copy_all(&world.plan, plan.path());
        Self { world, plan }
    }

    /// Puts it back, and takes away what else was made.
    fn restore(&self) {
        let _ = fs::remove_dir_all(self.world.path("again"));
        fs::remove_dir_all(&self.world.plan).unwrap();
        fs::create_dir(&self.world.plan).unwrap();
        copy_all(self.plan.path(), &self.world.plan);
    }
}

fn retries_are_harmed(every: usize) {
    let world = failed_world(4);
    let before = Snapshot::of(&world);
    let (ground, again) = (path(&world.path("")), path(&world.path("")).join("again"));
    let plan = world.plan.to_str().unwrap().to_owned();
    let command = || world.command(["retry", &plan, "--out", again.to_str().unwrap()]);
    let (run, steps) = unharmed(command(), &ground);
    run.expect(0);
    let clean = lasting(&ground);
    for what in harms(&steps, every) {
        before.restore();
        let _doing = harm(command(), &ground, what);
        let is_there = again.join("plan.json").exists();
        if is_there {
            let mut found = listing(&again);
            found.retain(|path, _| !path.starts_with(PARTIAL));
            let own = |(path, bytes): (&PathBuf, &Option<Vec<u8>>)| {
                let path = path.strip_prefix("again").ok()?;
                (path != Path::new("")).then(|| (path.to_owned(), bytes.clone()))
            };
            assert_eq!(found, clean.iter().filter_map(own).collect(), "half is shown");
        }
        let next = Run::of(command());
        next.expect(if is_there { 2 } else { 0 });
        assert!(lasting(&ground) == clean, "{:?}", names(&ground));
    }
}

fn reports_are_harmed(every: usize) {
    let world = World::new(Options::default(), 2, 1);
    let operation = [CHECKSUM, &["--report-scope", "AllTasks"]].concat();
    world.run(submit_arguments(&world.plan, &operation)).expect(0);
    world.let_run(&world.plan).expect(0);
    let before = Snapshot::of(&world);
    let (ground, plan) = (path(&world.plan), world.plan.to_str().unwrap().to_owned());
    let command = || world.command(["jobs", &plan, "report"]);
    let (run, steps) = unharmed(command(), &ground);
    run.expect(0);
    let clean = lasting(&ground);
    for what in harms(&steps, every) {
        before.restore();
        let _doing = harm(command(), &ground, what);
        let is_whole = |(path, bytes): (&PathBuf, &Option<Vec<u8>>)| {
            path.to_str().unwrap().contains(".partial") || clean.get(path) == Some(bytes)
        };
        let found = lasting(&ground);
        assert!(found.iter().all(is_whole), "half is shown: {:?}", found.keys());
        Run::of(command()).expect(0);
        assert!(lasting(&ground) == clean, "{:?}", names(&ground));
    }
}

/// The name of a report's folder tells the time.
fn timeless(folder: &Path) -> Vec<PathBuf> {
    let part = |part: &std::ffi::OsStr| match part.to_str() {
        Some(text) if text.starts_with("20") && text.ends_with('Z') => PathBuf::from("DATED"),
        _ => PathBuf::from(part),
    };
    names(folder).iter().map(|path| path.iter().map(part).collect()).collect()
}

fn listings_are_harmed(every: usize) {
    let world = World::new(Options::default(), 3, 3);
    let command =
        |out: &Path| world.command_at_s3(["list", "s3://demo/", "--out", out.to_str().unwrap()]);
    let fresh = || {
        let folder = tempfile::tempdir().unwrap();
        let ground = path(folder.path());
        (folder, ground.clone(), ground.join("out"))
    };
    let (_folder, ground, out) = fresh();
    let (run, steps) = unharmed(command(&out), &ground);
    run.expect(0);
    let clean = timeless(&ground);
    for what in harms(&steps, every) {
        let (_folder, ground, out) = fresh();
        let _doing = harm(command(&out), &ground, what);
        let shown = names(&out)
            .iter()
            .any(|path| path.ends_with("manifest.json") && !path.starts_with(PARTIAL));
        let next = Run::of(command(&out));
        next.expect(if shown { 2 } else { 0 });
        assert_eq!(timeless(&ground), clean);
        let count = ["count", out.to_str().unwrap(), "--format", "json"];
        assert_eq!(s3sieve(count).expect(0).json()["rows"], 3);
    }
}

/// A report in a bucket, a plan of it in another, and a folder for temporary files.
struct Place {
    buckets: Buckets,
    manifest: String,
    temporary: PathBuf,
}

const FIRST: &[&str] = &["--max-objects", "4", "--threads", "1"];
const SECOND: &[&str] = &["--max-objects", "5", "--threads", "1", "--force"];

impl Place {
    fn new(is_replaced: bool) -> Self {
        let buckets = Buckets::new();
        let manifest = buckets.report("", "2026-01-02T00-00Z", &[data_file(0, 40)]);
        let manifest = buckets.file(&manifest).to_str().unwrap().to_owned();
        let temporary = buckets.out("temporary");
        for folder in [buckets.root.path().join("plans"), temporary.clone()] {
            fs::create_dir_all(folder).unwrap();
        }
        let temporary = path(&temporary);
        let place = Self { buckets, manifest, temporary };
        if is_replaced {
            Run::of(place.filter(&place.buckets.server.endpoint(), FIRST)).expect(0);
        }
        place
    }

    fn filter(&self, endpoint: &str, flags: &[&str]) -> Command {
        let mut command = program_with_keys();
        command.args(["filter", &self.manifest, "--where", "BucketKeyStatus = 'DISABLED'"]);
        command.args(["--out", "s3://plans/today", "--endpoint-url", endpoint]).args(flags);
        command.env("TMPDIR", &self.temporary);
        command
    }

    fn objects(&self) -> std::collections::BTreeMap<PathBuf, Vec<u8>> {
        let mut objects = tree_anywhere(&self.buckets.root.path().join("plans"));
        for (path, bytes) in &mut objects {
            if path.ends_with("plan.json") {
                // The report is at another place each time.
                let mut document: Value = serde_json::from_slice(bytes).unwrap();
                document["reports"][0]["manifest_md5"] = "".into();
                *bytes = document.to_string().into_bytes();
            }
        }
        objects
    }
}

/// The files here with which a plan in S3 is made.
fn plans_in_s3_are_harmed(every: usize, is_replaced: bool) {
    let flags = if is_replaced { SECOND } else { FIRST };
    let command = |place: &Place| place.filter(&place.buckets.server.endpoint(), flags);
    let place = Place::new(is_replaced);
    let (run, steps) = unharmed(command(&place), &place.temporary);
    run.expect(0);
    let clean = place.objects();
    for what in harms(&steps, every) {
        let place = Place::new(is_replaced);
        let _doing = harm(command(&place), &place.temporary, what);
        Run::of(command(&place)).expect(0);
        assert!(place.objects() == clean, "{:?}", place.objects().keys());
        assert_eq!(names(&place.temporary), Vec::<PathBuf>::new());
    }
}

/// Runs a command, given an endpoint, and kills it when it makes the request that so many come
/// before, which is not served; `None` where it makes no more than these.
fn killed_at_request(
    upstream: std::net::SocketAddr,
    at: usize,
    command: impl FnOnce(&str) -> Command,
) -> Option<String> {
    let (id, seen) = (Arc::<OnceLock<u32>>::default(), Arc::<AtomicUsize>::default());
    let line = Arc::<OnceLock<String>>::default();
    let (told, count, noted) = (Arc::clone(&id), Arc::clone(&seen), Arc::clone(&line));
    let proxy = BeforeProxy::start(upstream, move |line| {
        if count.fetch_add(1, Ordering::Relaxed) < at {
            return Deed::PassOn;
        }
        if noted.set(line.to_owned()).is_ok() {
            let id = told.wait().to_string();
            assert!(Command::new("kill").args(["-KILL", &id]).status().unwrap().success());
        }
        Deed::Ignore
    });
    let mut command = command(&proxy.unwrap().endpoint());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    id.set(child.id()).unwrap();
    let output = child.wait_with_output().unwrap();
    match line.get() {
        Some(line) => {
            assert_eq!(output.status.code(), None, "{line}");
            Some(line.clone())
        }
        None => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            None
        }
    }
}

fn plans_in_s3_are_killed_at_requests(every: usize, is_replaced: bool) {
    let flags = if is_replaced { SECOND } else { FIRST };
    let mut clean = None;
    for at in (0..).step_by(every) {
        let place = Place::new(is_replaced);
        let server = &place.buckets.server;
        let line = killed_at_request(server.address(), at, |url| place.filter(url, flags));
        let _doing = Doing(format!("killed at request {at}, {line:?}"));
        Run::of(place.filter(&server.endpoint(), flags)).expect(0);
        let clean = clean.get_or_insert_with(|| place.objects());
        assert!(place.objects() == *clean, "{:?}", place.objects().keys());
        assert_eq!(names(&place.temporary), Vec::<PathBuf>::new());
        if line.is_none() {
            assert!(at > 5, "there were {at} requests");
            break;
        }
    }
}

fn submissions_are_killed_at_requests(every: usize) {
    for at in (0..).step_by(every) {
        let world = World::new(Options::default(), 2, 1);
        let line = killed_at_request(world.double.address(), at, |url| {
            let mut command = program();
            world.double.environment(&mut command);
            command.args(submit_arguments(&world.plan, COPY));
            command.args(["--s3control-endpoint-url", url, "--endpoint-url", url]);
            command
        });
        let _doing = Doing(format!("killed at request {at}, {line:?}"));
        world.submit(&world.plan, &[]).expect(0);
        assert_journal_is_true(&world, &world.plan);
        if line.is_none() {
            assert!(at > 5, "there were {at} requests");
            break;
        }
    }
}

#[test]
fn submissions() {
    submissions_are_harmed(5);
    submissions_in_place_are_harmed(7);
    submissions_are_killed_at_requests(4);
}

#[test]
fn retries_and_reports() {
    retries_are_harmed(5);
    reports_are_harmed(5);
}

#[test]
fn listings() {
    listings_are_harmed(3);
}

#[test]
fn plans_in_s3() {
    for is_replaced in [false, true] {
        plans_in_s3_are_harmed(6, is_replaced);
        plans_in_s3_are_killed_at_requests(4, is_replaced);
    }
}

#[test]
#[ignore = "takes minutes: run by name"]
fn every_step_of_submissions() {
    submissions_are_harmed(1);
    submissions_in_place_are_harmed(1);
    submissions_are_killed_at_requests(1);
}

#[test]
#[ignore = "takes minutes: run by name"]
fn every_step_of_retries_reports_and_listings() {
    retries_are_harmed(1);
    reports_are_harmed(1);
    listings_are_harmed(1);
}

#[test]
#[ignore = "takes minutes: run by name"]
fn every_step_of_plans_in_s3() {
    for is_replaced in [false, true] {
        plans_in_s3_are_harmed(1, is_replaced);
        plans_in_s3_are_killed_at_requests(1, is_replaced);
    }
}
