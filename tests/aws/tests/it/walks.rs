//! Nine walks, each through what goes wrong with jobs in the field, and each to the same end: every
//! object done, as the server has it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::double::{Failure, JobFault, Options, Status, Trouble};
use crate::fixture::{manifests, plan_document, row, s3sieve};
use crate::killed::cut_short;
use crate::plans::PLACE;
use crate::world::{
    COPY, COPY_WITH_SSE, PICTURE, World, assert_journal_is_true, copied, key, object,
    submit_arguments,
};

/// What does not happen by then never will.
const PATIENCE: Duration = Duration::from_secs(60);

/// A failure that passes.
const BUSY: Failure = Failure {
    key_part: "photos/0000",
    code: "SlowDown",
    status: 503,
    message: "Please reduce your request rate.",
    once: true,
};

/// Objects of the walks, and of each of their jobs.
const OBJECTS: usize = 40;
const JOB_OBJECTS: usize = 10;

/// Every object was copied, and the copy holds what the object does.
#[track_caller]
fn assert_all_copied(world: &World, objects: usize) {
    let missing: Vec<usize> = (0..objects)
        .filter(|number| world.double.get("demo", &copied(*number)).as_deref() != Some(PICTURE))
        .collect();
    assert!(missing.is_empty(), "{} of {objects} were not copied: {missing:?}", missing.len());
}

/// Waits until something is true of the double.
#[track_caller]
fn wait_until(world: &World, mut is_so: impl FnMut(&crate::double::State) -> bool) {
    let begun = Instant::now();
    while !is_so(&world.double.state()) {
        assert!(begun.elapsed() < PATIENCE, "it never happens");
        thread::sleep(Duration::from_millis(2));
    }
}

/// The plan of what a plan's jobs left undone.
fn retry(world: &World, plan: &Path, name: &str, more: &[&str]) -> PathBuf {
    let next = world.path(name);
    let retry = ["retry", plan.to_str().unwrap(), "--out", next.to_str().unwrap()];
    world.run(retry.iter().chain(more)).expect(0);
    next
}

/// Completion reports in the order of the work, which nothing may rely on.
fn shuffled() -> Options {
    Options { shuffled_reports: true, ..Options::default() }
}

fn troubled(jobs: std::ops::Range<usize>, what: Trouble) -> Vec<JobFault> {
    vec![JobFault { jobs, what }]
}

#[test]
fn clean() {
    let world = World::new(shuffled(), OBJECTS, JOB_OBJECTS);
    world.submit(&world.plan, &[]).expect(0);
    world.let_run(&world.plan).expect(0);
    assert_journal_is_true(&world, &world.plan);
    world.jobs(&["report"]).expect(0);
    assert_all_copied(&world, OBJECTS);
}

#[test]
fn failed_manifest_read() {
    let job_faults = troubled(0..2, Trouble::ManifestForbidden);
    let world = World::new(Options { job_faults, ..shuffled() }, OBJECTS, JOB_OBJECTS);
    world.submit(&world.plan, &[]).expect(0);
    world.let_run(&world.plan).expect(5).says(&["Failed"]);
    let failed = |world: &World| {
        let state = world.double.state();
        state.jobs.iter().filter(|job| job.status == Status::Failed && job.done == 0).count()
    };
    assert_eq!(failed(&world), 2);
    // The same command finds the same dead jobs. It makes none, says so, and names the way on.
    let run = world.submit(&world.plan, &[]);
    assert!((run.stdout() + &run.stderr()).contains("--again"), "{}", run.story());
    assert_eq!(world.double.state().jobs.len(), 4);
    // Before anything is mended, another attempt fails as the first did, and is no dead end.
    world.submit(&world.plan, &["--again"]).expect(0);
    world.double.state().granted = true;
    world.let_run(&world.plan).expect(0);
    assert_eq!(world.double.state().jobs.len(), 6);
    assert_eq!(failed(&world), 2);
    assert_all_copied(&world, OBJECTS);
}

/// With both scopes of completion reports: where failed tasks alone are in them, nobody knows what
/// a cancelled job did.
#[test]
fn cancelled_half_way() {
    for scope in ["AllTasks", "FailedTasksOnly"] {
        let job_faults = troubled(0..1, Trouble::HeldAfter(5));
        let world = World::new(Options { job_faults, ..shuffled() }, OBJECTS, JOB_OBJECTS);
        let more = ["--max-active", "2", "--report-scope", scope];
        world.submit(&world.plan, &more).expect(0);
        wait_until(&world, |state| state.jobs.iter().all(|job| job.status == Status::Suspended));
        world.jobs(&["run", "--detach", "--max-active", "2"]).expect(0);
        wait_until(&world, |state| state.jobs[0].done == 5);
        world.jobs(&["cancel", "--all"]).expect(0);
        world.jobs(&["watch", "--interval", "0.02"]).expect(5);
        assert_eq!(world.double.state().jobs[0].status, Status::Cancelled);
        // What was not created yet never will be.
        world.jobs(&["run", "--interval", "0.02"]).expect(5);
        assert_eq!(world.double.state().jobs.len(), 2);
        let next = retry(&world, &world.plan, "plan-2", &[]);
        let of_first = if scope == "AllTasks" { 5 } else { 10 };
        let again = manifests(&next);
        let first: Vec<String> = (0..10).map(|number| format!("demo,{}", key(number))).collect();
        let taken = again.lines().filter(|line| first.iter().any(|first| first == line)).count();
        assert_eq!(taken, of_first, "{scope}: {again}");
        world.submit(&next, &[]).expect(0);
        world.let_run(&next).expect(0);
        assert_all_copied(&world, OBJECTS);
    }
}

#[test]
fn half_of_the_tasks_fail() {
    const MANY: usize = 1100;
    let denied = Failure {
        key_part: "photos",
        code: "AccessDenied",
        status: 403,
        message: "Access Denied",
        once: false,
    };
    let job_faults = troubled(0..1, Trouble::Tasks(denied));
    let world = World::new(Options { job_faults, ..shuffled() }, MANY, 2000);
    world.submit(&world.plan, &[]).expect(0);
    world.let_run(&world.plan).expect(5).says(&["FailureThresholdExceeded"]);
    assert_eq!(world.double.state().jobs[0].done, 1000);
    // Somebody grants what was missing.
    let next = retry(&world, &world.plan, "plan-2", &["--anyway", "AccessDenied"]);
    assert_eq!(manifests(&next).lines().count(), MANY);
    world.submit(&next, &[]).expect(0);
    world.let_run(&next).expect(0);
    assert_all_copied(&world, MANY);
}

#[test]
fn storm_of_503() {
    let hour = Duration::from_secs(3600);
    let options = Options { cut_every: 7, storm: Some((3, hour)), ..shuffled() };
    let world = World::new(options, OBJECTS, JOB_OBJECTS);
    // In the middle of a submission: the same command finishes it when AWS answers again.
    world.submit(&world.plan, &[]).expect(4);
    world.double.state().storm_until = None;
    world.submit(&world.plan, &[]).expect(0);
    assert_journal_is_true(&world, &world.plan);
    // Longer than the program is told to wait: it ends, and says that the jobs do not.
    world.double.state().storm_until = Some(Instant::now() + hour);
    let begun = Instant::now();
    let short = ["run", "--interval", "0.02", "--outage-max", "2"];
    let run = world.jobs(&short).expect(4);
    assert!(begun.elapsed() < PATIENCE, "{}", run.story());
    // Shorter: it waits, and goes on.
    world.double.state().storm_until = Some(Instant::now() + Duration::from_secs(8));
    world.jobs(&["run", "--interval", "0.02", "--outage-max", "600"]).expect(0);
    assert_all_copied(&world, OBJECTS);
}

#[test]
fn killed_in_submit() {
    let world = World::new(Options { blind_looks: 1, ..shuffled() }, OBJECTS, JOB_OBJECTS);
    for changes in [1, 3, 4, 2] {
        cut_short(&world, changes, Duration::from_micros(700));
    }
    world.submit(&world.plan, &["--max-active", "100"]).expect(0);
    assert_journal_is_true(&world, &world.plan);
    world.let_run(&world.plan).expect(0);
    assert_eq!(world.double.state().jobs.len(), OBJECTS / JOB_OBJECTS);
    assert_all_copied(&world, OBJECTS);
}

/// The copy of every version of a bucket onto itself.
const COPY_IN_PLACE: &[&str] =
    &["--operation", "copy", "--target-bucket", "demo", "--storage-class", "STANDARD"];

/// Keys of the walk with versions.
const KEYS: usize = 30;

/// A bucket with two versions of each key, one more key that was deleted, and a plan to copy them
/// all onto themselves.
fn versioned(options: Options) -> World {
    let columns = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker";
    let flags = ["--for", "copy", "--storage-class", "STANDARD", "--max-objects", "10"];
    World::with_report(options, columns, &flags, |double| {
        double.keep_versions("demo");
        let mut rows = String::new();
        for number in 0..KEYS {
            for (content, latest) in [("old", "false"), ("new", "true")] {
                let content = format!("{content} {number}");
                let id = double.put_version("demo", &object(number), content.as_bytes());
                rows += &row(&["demo", &key(number), &id, latest, "false"]);
            }
        }
        let old = double.put_version("demo", &object(KEYS), b"deleted since");
        let marker = double.state().versions.delete("demo", &object(KEYS));
        rows += &row(&["demo", &key(KEYS), &old, "false", "false"]);
        rows + &row(&["demo", &key(KEYS), &marker, "true", "true"])
    })
}

/// Every version was copied, and what was current still is, by its content.
#[track_caller]
fn assert_current_is_new(world: &World, copies: usize) {
    let mut wrong = Vec::new();
    for number in 0..KEYS {
        let versions = world.double.versions("demo", &object(number));
        let wanted = format!("new {number}").into_bytes();
        if versions.last().unwrap().content.as_ref() != Some(&wanted) {
            wrong.push(number);
        }
        assert!(versions.len() >= 2 + copies, "key {number}: {versions:?}");
    }
    assert!(wrong.is_empty(), "{} of {KEYS} keys serve old content: {wrong:?}", wrong.len());
    let deleted = world.double.versions("demo", &object(KEYS));
    assert_eq!(deleted.last().unwrap().content, None, "a deleted object is back: {deleted:?}");
}

/// Whatever overtakes what, at whatever number of jobs at a time.
#[test]
fn noncurrent_copies() {
    for seed in 0..4 {
        let world = versioned(Options { seed, tasks_per_step: 4, ..shuffled() });
        let active = ["1", "2", "6", "100"][seed as usize];
        let submit = submit_arguments(&world.plan, COPY_IN_PLACE);
        world.run(submit.iter().map(String::as_str).chain(["--max-active", active])).expect(0);
        world.jobs(&["run", "--interval", "0.02", "--max-active", active]).expect(0);
        assert_current_is_new(&world, 2);
    }
}

/// Where noncurrent copies fail, the current ones wait, and `retry` takes both in order.
#[test]
fn noncurrent_copies_that_fail_are_not_tried_after_the_current_ones() {
    for seed in 0..2 {
        let failures = vec![BUSY];
        let world = versioned(Options { seed, failures, ..shuffled() });
        world.run(submit_arguments(&world.plan, COPY_IN_PLACE)).expect(0);
        let run = world.let_run(&world.plan).expect(5);
        let run = run.says(&["of current versions not created", "retry"]);
        for number in 0..KEYS {
            let versions = world.double.versions("demo", &object(number));
            let story = run.story();
            assert!(versions.len() <= 3, "a current version was copied: {versions:?}{story}");
        }
        // Every command says so, and none calls the held jobs coming ones.
        let older = "now serve an older version";
        assert!(run.stderr().contains(older), "{}", run.story());
        let again = world.run(submit_arguments(&world.plan, COPY_IN_PLACE)).expect(5);
        for part in ["complete with failed tasks", "of current versions held", "retry", older] {
            assert!(again.stdout().contains(part), "`{part}` is missing{}", again.story());
        }
        assert!(!again.stdout().contains("will be created"), "{}", again.story());
        let told = world.jobs(&["report"]).expect(5);
        for part in ["held or withdrawn, and not created", older] {
            assert!(told.stdout().contains(part), "`{part}` is missing{}", told.story());
        }
        let next = retry(&world, &world.plan, "plan-2", &[]);
        world.run(submit_arguments(&next, COPY_IN_PLACE)).expect(0);
        world.let_run(&next).expect(0);
        assert_current_is_new(&world, 2);
    }
}

/// Noncurrent versions were copied, and the current ones never will be: that is told.
#[test]
fn noncurrent_copies_alone_are_told_of() {
    let world = versioned(Options { tasks_per_step: 4, ..shuffled() });
    world.run(submit_arguments(&world.plan, COPY_IN_PLACE)).expect(0);
    let first = world.double.state().jobs.len();
    wait_until(&world, |state| state.jobs.iter().all(|job| job.status == Status::Suspended));
    world.jobs(&["run", "--detach", "--interval", "0.02"]).expect(0);
    wait_until(&world, |state| state.jobs.iter().all(|job| job.status.is_terminal()));
    let run = world.jobs(&["cancel", "--all"]).expect(0);
    let run = run.says(&["withdrawn", "0 jobs asked to end", "now serve an older version"]);
    assert!(run.stderr().contains("`s3sieve retry"), "{}", run.story());
    assert_eq!(world.double.state().jobs.len(), first);
    let told = world.jobs(&["report", "--format", "json"]).expect(5).json();
    assert_eq!(told["failures"].as_array().unwrap().len(), 0, "{told:#}");
    assert!(told["jobs_not_created"].as_u64().unwrap() > 0, "{told:#}");
}

/// Noncurrent versions that nobody can copy any more do not hold the current ones for ever.
#[test]
fn noncurrent_copies_that_fail_for_ever_are_left_out() {
    let denied = Failure { code: "AccessDenied", status: 403, ..BUSY };
    let world = versioned(Options { failures: vec![denied], ..shuffled() });
    world.run(submit_arguments(&world.plan, COPY_IN_PLACE)).expect(0);
    world.let_run(&world.plan).expect(5).says(&["of current versions not created"]);
    let next = retry(&world, &world.plan, "plan-2", &["--without", "AccessDenied"]);
    assert_eq!(manifests(&next).lines().count(), KEYS, "the current versions");
    world.run(submit_arguments(&next, COPY_IN_PLACE)).expect(0);
    world.let_run(&next).expect(0);
    assert_current_is_new(&world, 1);
}

/// Where a current version fails for good after the older ones were copied, its key serves an older
/// one: that is said.
#[test]
fn current_copies_that_fail_for_good_are_told() {
    let archived = Failure { code: "InvalidObjectState", status: 403, once: false, ..BUSY };
    // The jobs of noncurrent versions are the first three.
    let job_faults = troubled(3..6, Trouble::Tasks(archived));
    let world = versioned(Options { job_faults, ..shuffled() });
    world.run(submit_arguments(&world.plan, COPY_IN_PLACE)).expect(0);
    world.let_run(&world.plan).expect(5);
    let out = world.path("plan-2");
    let plan = world.plan.to_str().unwrap();
    let run = world.run(["retry", plan, "--out", out.to_str().unwrap()]).expect(0);
    let told = run.stdout();
    assert!(told.contains("Up to 10 keys now serve an older version"), "{told}");
    let excluded = fs::read_to_string(out.join("excluded/invalidobjectstate.csv")).unwrap();
    assert_eq!(excluded.lines().count(), 10, "{excluded}");
}

/// A filter of the world's report into S3, in the background.
fn filter_into(world: &World, place: &str) -> Child {
    let report = world.path("manifest.json");
    let filter = ["filter", report.to_str().unwrap(), "--where", "TRUE", "--max-objects", "10"];
    let mut command = world.command_at_s3(filter.into_iter().chain(["--out", place]));
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Two runs write the same plan to the same place at the same time; what stands there at the end is
/// a whole plan, and it is used where it lies, by two submissions at once.
#[test]
fn plan_in_s3_by_two_runs_at_once() {
    const PLACE_OF_PLAN: &str = "s3://manifests/plans/one";
    let world = World::new(shuffled(), OBJECTS, JOB_OBJECTS);
    let runs = [filter_into(&world, PLACE_OF_PLAN), filter_into(&world, PLACE_OF_PLAN)];
    let ended = runs.map(|run| run.wait_with_output().unwrap());
    let codes = ended.each_ref().map(|output| output.status.code());
    assert_eq!(codes, [Some(0); 2], "{ended:?}");
    let get = |name: &str| world.double.get("manifests", &format!("plans/one/{name}"));
    let plan: Value = serde_json::from_slice(&get("plan.json").unwrap()).unwrap();
    let shards = plan["shards"].as_array().unwrap();
    let mut lines = String::new();
    for shard in shards {
        let manifest = get(shard["path"].as_str().unwrap());
        lines += &String::from_utf8(manifest.unwrap()).unwrap();
    }
    let wanted: String = (0..OBJECTS).map(|number| format!("demo,{}\n", key(number))).collect();
    assert_eq!(lines, wanted, "{ended:?}");

    let state = world.path("state");
    let state = state.to_str().unwrap();
    let mut submit = submit_arguments(Path::new(PLACE_OF_PLAN), COPY);
    // Its manifests are read where they are.
    let flag = submit.iter().position(|argument| argument == "--manifest-bucket").unwrap();
    submit.drain(flag..flag + 2);
    submit.extend(["--state", state].map(str::to_owned));
    let spawn = || {
        let mut command = world.command(&submit);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let runs = [spawn(), spawn()];
    let ended = runs.map(|run| run.wait_with_output().unwrap());
    assert!(ended.iter().any(|output| output.status.success()), "{ended:?}");
    let jobs = ["jobs", PLACE_OF_PLAN, "--state", state, "run", "--interval", "0.02"];
    world.run(jobs).expect(0);
    assert_eq!(world.double.state().jobs.len(), shards.len());
    assert_all_copied(&world, OBJECTS);
}

/// The policies that the first plan is given are enough for all that comes after it.
#[test]
fn retry_with_the_policies_of_the_first_plan() {
    let options = Options { failures: vec![BUSY], enforce_role: true, ..shuffled() };
    let world = World::new(options, OBJECTS, JOB_OBJECTS);
    let policies = world.path("policies");
    let mut policy = vec!["policy", world.plan.to_str().unwrap()];
    policy.extend(COPY_WITH_SSE);
    policy.extend(PLACE);
    policy.extend(["--out", policies.to_str().unwrap()]);
    s3sieve(&policy).expect(0);
    let read = |name: &str| fs::read_to_string(policies.join(name)).unwrap();
    {
        let mut state = world.double.state();
        let role = state.roles.get_mut("batch").unwrap();
        role.trust = read("trust-policy.json");
        role.policies.insert("plan".to_owned(), read("role-policy.json"));
        state.submitter = Some(serde_json::from_str(&read("submitter-policy.json")).unwrap());
    }
    world.run(submit_arguments(&world.plan, COPY_WITH_SSE)).expect(0);
    world.let_run(&world.plan).expect(5).says(&["failed"]);
    world.jobs(&["report"]).expect(5);
    let next = retry(&world, &world.plan, "plan-2", &[]);
    assert_eq!(plan_document(&next)["totals"]["rows_matched"], 10);
    world.run(submit_arguments(&next, COPY_WITH_SSE)).expect(0);
    world.let_run(&next).expect(0);
    assert_all_copied(&world, OBJECTS);
}

/// What the walks rely on: jobs overtake each other, so that an order which the program does not
/// see to does not come about.
#[test]
fn jobs_overtake_each_other() {
    let mut overtakes = 0;
    for seed in 0..6 {
        let options = Options { seed, tasks_per_step: 2, ..shuffled() };
        let world = World::new(options, 20, JOB_OBJECTS);
        world.submit(&world.plan, &["--no-confirmation"]).expect(0);
        wait_until(&world, |state| state.jobs.iter().all(|job| job.status.is_terminal()));
        let state = world.double.state();
        overtakes += u32::from(state.jobs[1].ended < state.jobs[0].ended);
        assert!(state.jobs[1].created < state.jobs[0].ended.unwrap());
    }
    assert!(overtakes > 0, "no job ever ended before one that was created before it");
}

/// A job that AWS no longer lists ends the waiting, and is read by its report.
#[test]
fn forgotten() {
    let job_faults = troubled(0..1, Trouble::Forgotten);
    let world = World::new(Options { job_faults, ..shuffled() }, OBJECTS, JOB_OBJECTS);
    world.submit(&world.plan, &["--no-confirmation", "--report-scope", "AllTasks"]).expect(0);
    wait_until(&world, |state| state.jobs.iter().all(|job| job.status.is_terminal()));
    assert_all_copied(&world, OBJECTS);
    // A job that is older than any that AWS does not list yet.
    let journal = world.plan.join("jobs.jsonl");
    let text = fs::read_to_string(&journal).unwrap();
    let year = text.split_once("\"time\":\"").unwrap().1[..4].to_owned();
    let before = (year.parse::<u32>().unwrap() - 1).to_string();
    let times = ["\"time\":\"", &year].concat();
    fs::write(&journal, text.replace(&times, &["\"time\":\"", &before].concat())).unwrap();
    // Commands that write nothing see it, too.
    let listed = world.jobs(&["list", "--format", "json"]).expect(5).json();
    assert_eq!(listed["jobs"][0]["status"], "Forgotten", "{listed:#}");
    world.jobs(&["watch", "--interval", "0.02"]).expect(5).says(&["Forgotten"]);
    let told = world.jobs(&["report", "--format", "json"]).expect(0).json();
    assert_eq!(told["jobs"][0]["tasks_succeeded"], JOB_OBJECTS, "{told:#}");
    world.let_run(&world.plan).expect(5).says(&["Forgotten"]);
    let told = world.jobs(&["report", "--format", "json"]).expect(0).json();
    assert_eq!(told["jobs"][0]["tasks_succeeded"], JOB_OBJECTS, "{told:#}");
    let next = retry(&world, &world.plan, "plan-2", &[]);
    assert_eq!(manifests(&next), "", "its report says that all was done");
}
