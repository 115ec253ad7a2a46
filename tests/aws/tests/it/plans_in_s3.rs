//! Plans in S3, used where they are: nothing is downloaded, nothing uploaded again, and the journal
//! stays on this machine.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::double::{Failure, Options, REGION};
use crate::fixture::{ReportFolder, Run, forged, program, row};
use crate::plans::PLACE;
use crate::world::{COPY, World, journal, key};

const PLAN: &str = "s3://plans/today";
const QUESTION: &str = "BucketKeyStatus = 'DISABLED'";
const INVENTORY: [&str; 4] = ["--emit", "inventory", "--manifest-bucket", "s3://manifests/s3sieve"];

/// A double with so many objects, and a plan of them in its bucket `plans`, in manifests of at most
/// ten.
fn world_with_plan(options: Options, objects: usize) -> World {
    let world = World::new(options, objects, 10);
    world.double.create_bucket("plans", REGION);
    filter(&world, PLAN, &[]).expect(0);
    world
}

/// Runs a command that doesn't know S3 Control, in the folder of the world.
pub(crate) fn plain(world: &World, arguments: &[&str]) -> Run {
    let mut command = program();
    world.double.environment(&mut command);
    command.current_dir(world.path("")).args(arguments);
    command.args(["--endpoint-url", &world.double.url()]);
    Run::of(command)
}

/// Runs `submit`, `jobs` or `retry` in the folder of the world.
pub(crate) fn steer(world: &World, arguments: &[&str]) -> Run {
    let mut command = world.command(arguments);
    command.current_dir(world.path(""));
    Run::of(command)
}

/// Makes a plan of the world's report in S3.
fn filter(world: &World, out: &str, more: &[&str]) -> Run {
    let filter = ["filter", "manifest.json", "--where", QUESTION, "--max-objects", "10"];
    plain(world, &[&filter[..], &["--out", out], more].concat())
}

/// Where jobs run, read and write, but for where manifests go.
pub(crate) fn place() -> Vec<&'static str> {
    let pairs = PLACE.chunks(2).filter(|pair| pair[0] != "--manifest-bucket");
    pairs.flatten().copied().collect()
}

fn submit(world: &World, plan: &str, more: &[&str]) -> Run {
    steer(world, &[&["submit", plan], COPY, &place(), more].concat())
}

fn let_run(world: &World, plan: &str) -> Run {
    steer(world, &["jobs", plan, "run", "--interval", "0.02"])
}

/// The one folder in the folder of the world whose name begins like this.
fn state_folder(world: &World, name: &str) -> PathBuf {
    let entries = fs::read_dir(world.path("")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let of_name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with(name);
    let found: Vec<PathBuf> = paths.filter(of_name).collect();
    assert_eq!(found.len(), 1, "{name}: {found:?}");
    found.into_iter().next().unwrap()
}

fn uploads(world: &World) -> Vec<String> {
    world.double.state().uploads.clone()
}

fn document(world: &World, key: &str) -> Value {
    serde_json::from_slice(&world.double.get("plans", key).unwrap()).unwrap()
}

#[test]
fn a_plan_in_s3_is_submitted_where_it_is_and_runs_to_its_end() {
    let world = world_with_plan(Options::default(), 25);
    let before = uploads(&world);
    let estimated = plain(&world, &["estimate", PLAN, "--format", "json"]).expect(0).json();
    assert_eq!(estimated["objects"], 25, "{estimated:#}");
    let dry = submit(&world, PLAN, &["--dry-run", "--format", "json"]).expect(0).json();
    let names: Vec<String> = (0..3).map(|n| format!("today/manifests/{n:05}.csv")).collect();
    let requests = dry["requests"].as_array().unwrap();
    assert_eq!(requests.len(), names.len());
    for (request, name) in requests.iter().map(|of| &of["request"]).zip(&names) {
        let arn = format!("arn:aws:s3:::plans/{name}");
        assert_eq!(request["Manifest"]["Location"]["ObjectArn"], json!(arn));
    }
    assert!(
        fs::read_dir(world.path(""))
            .unwrap()
            .all(|entry| { !entry.unwrap().file_name().to_string_lossy().starts_with("today-") })
    );

    let run = submit(&world, PLAN, &[]).expect(0);
    let run = run.says(&["note: s3://plans/today/: the journal of its jobs is in ./today-"]);
    assert!(run.stdout().contains("s3sieve jobs s3://plans/today run"), "{}", run.story());
    assert_eq!(uploads(&world), before, "nothing is uploaded");
    let state = state_folder(&world, "today-");
    let found = journal(&state).into_iter().filter(|line| line["event"] == "uploaded");
    assert!(found.map(|line| line["found"].clone()).eq([true, true, true]));
    for (number, name) in names.iter().enumerate() {
        let request = world.double.state().jobs[number].request.clone();
        assert_eq!(request.manifest, format!("plans/{name}"));
        assert_eq!(Some(request.etag), world.double.etag("plans", name));
    }
    // The same command again, and the state folder in place of the address.
    submit(&world, PLAN, &[]).expect(0);
    submit(&world, state.to_str().unwrap(), &[]).expect(0);
    assert_eq!(world.double.state().jobs.len(), 3);
    let name = state.file_name().unwrap().to_str().unwrap();
    for plan in [PLAN, "s3://plans/today/", name] {
        let listed = steer(&world, &["jobs", plan, "list", "--format", "json"]).expect(0).json();
        assert_eq!(listed["jobs"].as_array().unwrap().len(), 3, "{plan}: {listed:#}");
    }
    let_run(&world, PLAN).expect(0);
    for number in 0..25 {
        let copied = format!("copied/photos/{number:05} of many.jpg");
        assert!(world.double.get("demo", &copied).is_some(), "{copied}");
    }
}

#[test]
fn failed_tasks_of_a_plan_in_s3_become_a_plan_there() {
    let failure = Failure {
        key_part: "photos/0001",
        code: "SlowDown",
        status: 503,
        message: "Please reduce your request rate.",
        once: true,
    };
    let options = Options { failures: vec![failure], ..Options::default() };
    let world = world_with_plan(options, 25);
    submit(&world, PLAN, &[]).expect(0);
    let_run(&world, PLAN).expect(5);
    steer(&world, &["jobs", PLAN, "report"]).expect(5);
    assert!(state_folder(&world, "today-").join("reports").is_dir());
    steer(&world, &["retry", PLAN, "--out", "s3://plans/again"]).expect(0);
    let again = String::from_utf8(world.double.get("plans", "again/manifests/00000.csv").unwrap());
    let mut rows: Vec<String> = again.unwrap().lines().map(str::to_owned).collect();
    rows.sort_unstable();
    assert_eq!(rows, (10..20).map(|number| format!("demo,{}", key(number))).collect::<Vec<_>>());
    let before = uploads(&world).len();
    submit(&world, "s3://plans/again", &[]).expect(0);
    let_run(&world, "s3://plans/again").expect(0);
    let manifests = |upload: &String| upload.contains("manifests");
    assert!(!uploads(&world)[before..].iter().any(manifests), "{:?}", uploads(&world));
    assert!(world.double.get("demo", "copied/photos/00015 of many.jpg").is_some());
}

#[test]
fn a_plan_in_s3_is_proved_by_a_newer_report() {
    let world = world_with_plan(Options::default(), 25);
    // Every fifth is not done yet.
    let status = |number| if number % 5 == 0 { "DISABLED" } else { "ENABLED" };
    let rows: String = (0..25).map(|number| row(&["demo", &key(number), status(number)])).collect();
    let newer = ReportFolder::new("Bucket, Key, BucketKeyStatus", &[rows.as_bytes()]);
    let manifest = fs::read_to_string(&newer.manifest).unwrap();
    fs::write(&newer.manifest, manifest.replace("1767225600000", "1777225600000")).unwrap();
    let newer = newer.manifest.to_str().unwrap();
    let verify = ["verify", PLAN, newer, "--format", "json"];
    let proof = plain(&world, &verify).expect(5).json();
    assert_eq!(
        (&proof["objects_done"], &proof["objects_remaining"]),
        (&json!(20), &json!(5)),
        "{proof:#}"
    );
    let rest = [&verify[..], &["--out", "s3://plans/rest"]].concat();
    plain(&world, &rest).expect(5);
    assert_eq!(document(&world, "rest/plan.json")["shards"][0]["objects"], 5);
    // What was changed proves nothing.
    damage(&world, |bytes| bytes[0] ^= 1);
    plain(&world, &verify).expect(3).says(&["s3://plans/today/manifests/00001.csv"]);
}

/// Changes the second manifest of the plan in S3.
fn damage(world: &World, change: impl FnOnce(&mut Vec<u8>)) {
    let key = "today/manifests/00001.csv";
    let mut bytes = world.double.get("plans", key).unwrap();
    change(&mut bytes);
    world.double.put("plans", key, &bytes);
}

#[test]
fn a_manifest_that_changed_in_s3_is_refused() {
    let changes: [fn(&mut Vec<u8>); 2] =
        [|bytes| bytes[0] ^= 1, |bytes| bytes.truncate(bytes.len() - 1)];
    for change in changes {
        let world = world_with_plan(Options::default(), 25);
        damage(&world, change);
        for more in [&["--dry-run"][..], &[]] {
            let run = submit(&world, PLAN, more).expect(3);
            run.says(&["s3://plans/today/manifests/00001.csv", "make the plan again"]);
        }
        assert!(world.double.state().control_requests.is_empty());
    }
    let world = world_with_plan(Options::default(), 25);
    world.double.delete("plans", "today/manifests/00002.csv");
    submit(&world, PLAN, &[]).expect(3).says(&["00002.csv: there is no such object"]);
}

/// A manifest that is replaced after the look at all of them, and before its job is created.
#[test]
fn a_manifest_that_changed_since_the_submission_began_is_refused() {
    let world = world_with_plan(Options::default(), 25);
    submit(&world, PLAN, &[]).expect(0);
    let state = state_folder(&world, "today-");
    let path = state.join("jobs.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    // As if the run had been killed right after it began.
    let begun = text.lines().next().unwrap().to_owned() + "\n";
    fs::write(&path, &begun).unwrap();
    let before = uploads(&world);
    let_run(&world, PLAN).expect(0);
    assert_eq!(world.double.state().jobs.len(), 3, "the same requests make the same jobs");
    assert_eq!(
        uploads(&world).iter().filter(|upload| upload.contains("manifests")).count(),
        before.iter().filter(|upload| upload.contains("manifests")).count()
    );
    fs::write(&path, &begun).unwrap();
    damage(&world, |bytes| bytes[0] ^= 1);
    let_run(&world, PLAN).expect(3).says(&["s3://plans/today/manifests/00001.csv"]);
}

#[test]
fn a_manifest_that_kms_encrypts_is_refused_with_what_to_do() {
    let world = world_with_plan(Options::default(), 25);
    let object = "plans/today/manifests/00001.csv".to_owned();
    world.double.state().encryption.insert(object, "aws:kms".to_owned());
    let run = submit(&world, PLAN, &[]).expect(3);
    run.says(&["s3://plans/today/manifests/00001.csv", "aws:kms", "SSE-S3", "--sse AES256"]);
    assert!(world.double.state().control_requests.is_empty());
    // What is not submitted may be encrypted as it will.
    plain(&world, &["estimate", PLAN]).expect(0);
}

#[test]
fn the_journal_is_where_it_was_asked_for_and_belongs_to_one_plan() {
    let world = world_with_plan(Options::default(), 12);
    let missing = steer(&world, &["jobs", PLAN, "list"]).expect(3);
    missing.says(&["there is no journal of this plan in ./today-", "--state"]);
    let run = submit(&world, PLAN, &["--state", "here"]).expect(0);
    assert!(run.stdout().contains("s3sieve jobs s3://plans/today --state here run"));
    assert_eq!(journal(&world.path("here")).len(), 9);
    steer(&world, &["jobs", PLAN, "--state", "here", "list"]).expect(0);
    steer(&world, &["jobs", PLAN, "list", "--state", "here"]).expect(0);
    steer(&world, &["jobs", "here", "list"]).expect(0);
    steer(&world, &["jobs", "here", "list", "--state", "here"]).expect(2);

    // Another plan, another plan at the same address, and a folder that is something else.
    filter(&world, "s3://plans/other", &[]).expect(0);
    let other = submit(&world, "s3://plans/other", &["--state", "here"]).expect(2);
    other.says(&["the journal of another plan, s3://plans/today/", "s3://plans/other/"]);
    filter(&world, PLAN, &["--jobs", "4", "--force"]).expect(0);
    for command in ["submit", "retry"] {
        let run = match command {
            "submit" => submit(&world, PLAN, &["--state", "here"]),
            _ => steer(&world, &["retry", PLAN, "--out", "again", "--state", "here"]),
        };
        run.expect(2).says(&["plan.json has changed since"]);
    }
    let plan = world.plan.to_str().unwrap();
    let foreign = submit(&world, PLAN, &["--state", plan]).expect(2);
    foreign.says(&["this folder holds something else"]);
    let local = steer(&world, &["jobs", plan, "list", "--state", "here"]).expect(2);
    local.says(&["is in its own folder"]);
    assert_eq!(world.double.state().jobs.len(), 2);
}

/// Its jobs run on, so they must be seen and ended; nothing else is done with the plan.
#[test]
fn jobs_of_a_plan_that_is_gone_are_followed_and_ended() {
    let world = world_with_plan(Options::default(), 12);
    submit(&world, PLAN, &["--state", "here"]).expect(0);
    // Until the jobs have read their manifests: one that is gone by then fails them.
    let list = || steer(&world, &["jobs", "here", "list"]).expect(0).stdout();
    let is_ready = (0..1000).any(|_| list().matches("Suspended").count() == 2);
    assert!(is_ready, "the jobs never get ready");
    let gone = "the plan at s3://plans/today/ was replaced or deleted";
    let follow = |name: &[&str]| {
        steer(&world, &[&["jobs"], name, &["list"]].concat()).expect(0).says(&[gone]);
    };
    filter(&world, PLAN, &["--jobs", "4", "--force"]).expect(0);
    follow(&["here"]);
    follow(&[PLAN, "--state", "here"]);
    for command in [&["estimate", "here"][..], &["verify", "here", "manifest.json"]] {
        plain(&world, command).expect(2).says(&["plan.json has changed since"]);
    }
    let run = steer(&world, &["jobs", "here", "run", "--interval", "0.02"]).expect(2);
    run.says(&["plan.json has changed since"]);
    // A journal is never taken for one of a plan at another address.
    steer(&world, &["jobs", "s3://plans/none", "list", "--state", "here"])
        .expect(3)
        .says(&["s3://plans/none/: no plan.json here"]);

    world.double.delete("plans", "today/plan.json");
    follow(&["here"]);
    steer(&world, &["jobs", "here", "cancel", "--all"]).expect(0).says(&[gone]);
    steer(&world, &["jobs", "here", "watch", "--interval", "0.02"]).expect(5).says(&[gone]);
    let run = steer(&world, &["jobs", "here", "list"]).expect(5);
    assert_eq!(run.stdout().matches("Cancelled").count(), 2, "{}", run.story());
    fs::remove_file(world.path("here").join("plan-as-submitted.json")).unwrap();
    let run = steer(&world, &["jobs", "here", "list"]).expect(3);
    run.says(&["the plan is not finished"]);
}

#[test]
fn what_is_not_a_finished_plan_is_said() {
    let world = world_with_plan(Options::default(), 12);
    for command in ["estimate", "policy", "submit", "jobs", "retry", "verify"] {
        let ask = |plan: &str| match command {
            "estimate" => plain(&world, &["estimate", plan]),
            "policy" => {
                let place = [&place()[..], &["--manifest-bucket", "s3://manifests"]].concat();
                plain(&world, &[&["policy", plan], COPY, &place].concat())
            }
            "submit" => submit(&world, plan, &[]),
            "jobs" => steer(&world, &["jobs", plan, "list"]),
            "retry" => steer(&world, &["retry", plan, "--out", "again"]),
            _ => plain(&world, &["verify", plan, "manifest.json"]),
        };
        ask("s3://plans/none").expect(3).says(&["s3://plans/none/: no plan.json here"]);
    }
    world.double.delete("plans", "today/plan.json");
    let run = plain(&world, &["estimate", PLAN]).expect(3);
    run.says(&["s3://plans/today/: the plan is not finished"]);
}

#[test]
fn manifests_in_place_go_nowhere_else() {
    let world = world_with_plan(Options::default(), 12);
    let elsewhere = submit(&world, PLAN, &["--manifest-bucket", "s3://manifests"]).expect(2);
    elsewhere.says(&["in s3://plans/today; leave the flag out"]);
    submit(&world, PLAN, &["--dry-run", "--manifest-bucket", "s3://plans/today/"]).expect(0);
    let plan = world.plan.to_str().unwrap();
    submit(&world, plan, &[]).expect(2).says(&["--manifest-bucket is missing"]);
}

/// The policies that `policy` writes for a plan in S3 are enough, and hold no upload.
#[test]
fn the_policies_of_a_plan_in_s3_are_enough() {
    let options = Options { enforce_role: true, ..Options::default() };
    let world = world_with_plan(options, 12);
    let target = ["--target-encryption", "sse-s3"];
    let policy = [&["policy", PLAN], COPY, &place(), &target].concat();
    let policies = plain(&world, &policy).expect(0).json();
    {
        let mut state = world.double.state();
        let role = state.roles.get_mut("batch").unwrap();
        role.policies.insert("own".to_owned(), policies["role_policy"].to_string());
        assert!(!policies["submitter_policy"].to_string().contains("s3:PutObject"));
        state.submitter = Some(policies["submitter_policy"].clone());
    }
    submit(&world, PLAN, &[]).expect(0);
    let_run(&world, PLAN).expect(0);
    steer(&world, &["jobs", PLAN, "report"]).expect(0);
    assert!(world.double.get("demo", "copied/photos/00003 of many.jpg").is_some());
}

/// Inventory reports name their data files by key: they are used where they say that they are.
#[test]
fn inventory_reports_of_a_plan_in_s3_are_used_where_they_say() {
    let world = world_with_plan(Options::default(), 25);
    filter(&world, "s3://plans/inventory", &INVENTORY).expect(0);
    let plan = "s3://plans/inventory";
    let run = submit(&world, plan, &[]).expect(3);
    run.says(&["aws s3 sync s3://plans/inventory/manifests/ s3://manifests/s3sieve/plan-"]);
    let document = document(&world, "inventory/plan.json");
    let folder = document["inventory"]["folder"].as_str().unwrap();
    for shard in document["shards"].as_array().unwrap() {
        let files = shard["files"].as_array().unwrap().iter().chain([shard]);
        for path in files.map(|file| file["path"].as_str().unwrap()) {
            let bytes = world.double.get("plans", &format!("inventory/{path}")).unwrap();
            let name = path.strip_prefix("manifests/").unwrap();
            world.double.put("manifests", &format!("s3sieve/{folder}/{name}"), &bytes);
        }
    }
    submit(&world, plan, &[]).expect(0);
    let_run(&world, plan).expect(0);
    let succeeded = world.double.state().jobs.iter().map(|job| job.succeeded).sum::<usize>();
    assert_eq!(succeeded, 25);
    assert!(Path::new(&state_folder(&world, "inventory-")).join("plan-source.json").is_file());
}

/// The manifests that were read, and not only asked about.
fn manifests_read(world: &World) -> Vec<String> {
    let state = world.double.state();
    let manifests = state.downloads.iter().filter(|path| path.contains("/manifests/"));
    manifests.map(|path| path.rsplit('/').next().unwrap().to_owned()).collect()
}

#[test]
fn no_manifest_is_read_whose_checksum_s3_states() {
    let world = world_with_plan(Options::default(), 25);
    submit(&world, PLAN, &["--dry-run"]).expect(0);
    submit(&world, PLAN, &[]).expect(0);
    assert_eq!(manifests_read(&world), [""; 0]);
    // The same bytes, of which the server states no such checksum.
    let world = world_with_plan(Options::default(), 25);
    damage(&world, |_| ());
    submit(&world, PLAN, &["--dry-run"]).expect(0);
    assert_eq!(manifests_read(&world), ["00001.csv"]);
}

#[test]
fn a_manifest_of_the_same_checksum_is_another_to_a_plan_with_sha256() {
    for (is_strong, read) in [(false, 0), (true, 3)] {
        let world = World::new(Options::default(), 25, 10);
        world.double.create_bucket("plans", REGION);
        let digest: &[&str] = if is_strong { &["--digest", "sha256"] } else { &[] };
        filter(&world, PLAN, digest).expect(0);
        submit(&world, PLAN, &["--dry-run"]).expect(0);
        assert_eq!(manifests_read(&world).len(), read);
        let key = "today/manifests/00001.csv";
        let bytes = world.double.get("plans", key).unwrap();
        world.double.delete("plans", key);
        world.double.put_with_checksum("plans", key, &forged(&bytes));
        if is_strong {
            submit(&world, PLAN, &[]).expect(3).says(&["00001.csv: its SHA-256 is"]);
        } else {
            // Not more: a job of it would fail, sooner or later.
            submit(&world, PLAN, &["--dry-run"]).expect(0);
        }
    }
}

/// Where `submit` finds a manifest that it would upload.
#[test]
fn an_object_of_the_same_checksum_is_not_taken_for_a_manifest_with_sha256() {
    let world = World::new(Options::default(), 25, 10);
    let plan = world.path("strong");
    let plan_text = plan.to_str().unwrap();
    plain(
        &world,
        &["filter", "manifest.json", "--where", QUESTION, "--digest", "sha256", "--out", plan_text],
    )
    .expect(0);
    let dry = world.submit(&plan, &["--dry-run", "--format", "json"]).expect(0).json();
    let object = dry["requests"][0]["request"]["Manifest"]["Location"]["ObjectArn"].clone();
    let object = object.as_str().unwrap().rsplit(":::").next().unwrap().to_owned();
    let (bucket, key) = object.split_once('/').unwrap();
    let bytes = fs::read(plan.join("manifests/00000.csv")).unwrap();
    world.double.put_with_checksum(bucket, key, &forged(&bytes));
    let run = world.submit(&plan, &[]).expect(4);
    run.says(&["already exists with different content (its SHA-256 is"]);
    world.double.delete(bucket, key);
    world.double.put_with_checksum(bucket, key, &bytes);
    world.submit(&plan, &[]).expect(0);
}

#[test]
fn a_plan_of_what_is_left_keeps_the_digests_of_its_plan() {
    let failure = Failure {
        key_part: "photos/0001",
        code: "SlowDown",
        status: 503,
        message: "Please reduce your request rate.",
        once: true,
    };
    let options = Options { failures: vec![failure], ..Options::default() };
    let world = World::new(options, 25, 10);
    world.double.create_bucket("plans", REGION);
    filter(&world, PLAN, &["--digest", "sha256"]).expect(0);
    submit(&world, PLAN, &[]).expect(0);
    let_run(&world, PLAN).expect(5);
    steer(&world, &["retry", PLAN, "--out", "s3://plans/again"]).expect(0);
    let again = document(&world, "again/plan.json");
    assert!(again["shards"][0]["sha256"].is_string(), "{again:#}");
}
