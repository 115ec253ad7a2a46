//! `submit`, `jobs` and `retry` against a double of S3 Batch Operations and an S3 server.

use std::fs::{self, File};
use std::io::Read;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::double::{ACCOUNT, Double, Failure, Options, REGION, Role, Status};
use crate::fixture::{ReportFolder, Run, manifests, plan_document, program, row, s3sieve};
use crate::plans::KEY;
use crate::schema::fits_the_schema;
use crate::world::{COPY, World, assert_journal_is_true, journal, key, submit_arguments};

#[test]
fn a_plan_is_submitted_runs_and_is_proved_by_its_reports() {
    let world = World::new(Options::default(), 25, 10);
    let run = world.submit(&world.plan, &["--tag", "team=storage"]).expect(0);
    assert!(run.stdout().contains("3 jobs created."), "{}", run.story());
    assert_journal_is_true(&world, &world.plan);
    {
        let state = world.double.state();
        let uploads: Vec<_> = state.uploads.iter().filter(|u| u.contains("/manifests/")).collect();
        assert_eq!(uploads.len(), 3, "{uploads:?}");
        let sse = state.encryption.iter().filter(|(object, _)| object.starts_with("manifests/"));
        assert!(sse.map(|(_, how)| how).all(|how| how == "AES256"));
    }
    // Nothing runs by itself.
    let listed = world.jobs(&["list", "--format", "json"]).expect(0).json();
    assert_eq!(listed["jobs"].as_array().unwrap().len(), 3);
    assert!(world.double.get("demo", "copied/photos/00000 of many.jpg").is_none());
    let run = world.let_run(&world.plan).expect(0);
    assert!(run.stderr().contains("Complete, 10 of 10 done"), "{}", run.story());
    for number in 0..25 {
        let copied = format!("copied/photos/{number:05} of many.jpg");
        assert_eq!(world.double.get("demo", &copied).as_deref(), Some(&b"picture"[..]));
    }
    let told = world.jobs(&["report", "--format", "json"]).expect(0).json();
    assert_eq!(told["failures"], json!([]));
    // The same command again finds everything done.
    let before = world.double.state().uploads.len();
    world.submit(&world.plan, &["--tag", "team=storage"]).expect(0);
    assert_eq!(world.double.state().uploads.len(), before);
    assert_eq!(world.double.state().jobs.len(), 3);
}

#[test]
fn failed_tasks_are_told_of_and_tried_again() {
    for code_first in [false, true] {
        let failures = vec![
            Failure {
                key_part: "photos/0003",
                code: "SlowDown",
                status: 503,
                message: "say \"less\",\nplease",
                once: true,
            },
            Failure {
                key_part: "00019",
                code: "InvalidObjectState",
                status: 403,
                message: "archived",
                once: false,
            },
        ];
        let options = Options { code_first, failures, report_rows_max: 4, ..Options::default() };
        let world = World::new(options, 40, 25);
        fs::write(world.path("gone"), "").unwrap();
        world.submit(&world.plan, &["--report-scope", "AllTasks"]).expect(0);
        world.let_run(&world.plan).expect(5);
        let told = world.jobs(&["report", "--format", "json"]).expect(5).json();
        let failures = told["failures"].as_array().unwrap();
        assert_eq!(failures.len(), 2, "{told:#}");
        assert_eq!(failures[0]["code"], "SlowDown");
        assert_eq!(failures[0]["http"], 503);
        assert_eq!(failures[0]["tasks"], 10);
        assert_eq!(failures[0]["is_retried"], true);
        assert_eq!(failures[0]["example_message"], "say \"less\",\nplease");
        assert_eq!(failures[1]["code"], "InvalidObjectState");
        assert_eq!(failures[1]["is_retried"], false);
        let again = world.path("again");
        let arguments = ["retry", world.plan.to_str().unwrap(), "--out", again.to_str().unwrap()];
        world.run(arguments).expect(0);
        let wanted: String = (30..40).map(|number| format!("demo,{}\n", key(number))).collect();
        assert_eq!(manifests(&again), wanted);
        let excluded = fs::read_to_string(again.join("excluded/invalidobjectstate.csv")).unwrap();
        assert_eq!(excluded, format!("demo,{}\n", key(19)));
        let document = plan_document(&again);
        fits_the_schema(&document);
        assert_eq!(document["retry"]["jobs"].as_array().unwrap().len(), 2);
        let there = ["retry", world.plan.to_str().unwrap(), "--out", "s3://manifests/again"];
        // Two plans of what one left undone would do the same twice.
        world.run(there).expect(2).says(&["an earlier retry made", "again"]);
        let kept = world.path("kept");
        fs::rename(&again, &kept).unwrap();
        let again = kept;
        world.run(there).expect(0);
        let sent = |name: &str| world.double.get("manifests", &format!("again/{name}")).unwrap();
        for name in ["manifests/00000.csv", "excluded/invalidobjectstate.csv"] {
            assert!(sent(name) == fs::read(again.join(name)).unwrap(), "{name}");
        }
        assert!(!sent("plan.json").is_empty());
        world.submit(&again, &[]).expect(0);
        world.let_run(&again).expect(0);
        assert!(world.double.get("demo", "copied/photos/00035 of many.jpg").is_some());
        assert!(world.double.get("demo", "copied/photos/00019 of many.jpg").is_none());
    }
}

#[test]
fn a_retry_of_a_whole_manifest_makes_a_new_job() {
    let everything = Failure {
        key_part: "photos",
        code: "InternalError",
        status: 500,
        message: "We encountered an internal error.",
        once: true,
    };
    let options = Options { failures: vec![everything], ..Options::default() };
    let world = World::new(options, 5, 5);
    world.submit(&world.plan, &[]).expect(0);
    world.let_run(&world.plan).expect(5);
    let again = world.path("again");
    world.run(["retry", world.plan.to_str().unwrap(), "--out", again.to_str().unwrap()]).expect(0);
    assert_eq!(manifests(&again), manifests(&world.plan), "every task failed");
    world.submit(&again, &[]).expect(0);
    world.let_run(&again).expect(0);
    assert_eq!(world.double.state().jobs.len(), 2);
}

#[test]
fn more_jobs_than_may_be_open_wait_in_the_journal() {
    let world = World::new(Options::default(), 20, 2);
    let run = world.submit(&world.plan, &["--max-active", "3"]).expect(0);
    assert!(run.stdout().contains("7 more will be created"), "{}", run.story());
    assert_eq!(world.double.state().jobs.len(), 3);
    world.jobs(&["run", "--interval", "0.02", "--max-active", "3"]).expect(0);
    assert_journal_is_true(&world, &world.plan);
    let state = world.double.state();
    assert!(state.jobs.iter().all(|job| job.status == Status::Complete));
    // A list is one request for all jobs.
    let asked = |part: &str| state.control_requests.iter().filter(|r| r.contains(part)).count();
    assert_eq!(asked("GET /v20180820/jobs/"), 0, "no job is looked at by itself");
}

#[test]
fn jobs_are_cancelled_and_given_priorities() {
    let world = World::new(Options::default(), 6, 2);
    world.submit(&world.plan, &[]).expect(0);
    world.jobs(&["priority", "99"]).expect(0);
    assert!(world.double.state().jobs.iter().all(|job| job.priority == 99));
    let id = world.double.state().jobs[1].id.clone();
    world.jobs(&["cancel", &id]).expect(0);
    world
        .jobs(&["cancel", "no-such-job"])
        .expect(2)
        .says(&["job no-such-job does not belong to this plan"]);
    world.jobs(&["watch", "--interval", "0.02"]).expect(5);
    assert_eq!(world.double.state().jobs[1].status, Status::Cancelled);
    world.jobs(&["cancel", "--all"]).expect(0);
    let run = world.jobs(&["watch", "--interval", "0.02"]).expect(5);
    assert_eq!(run.stderr().matches("Cancelled").count(), 3, "{}", run.story());
    world.jobs(&["watch"]).expect(5);
    let told: Vec<_> = journal(&world.plan).iter().map(|l| l["event"].clone()).collect();
    assert_eq!(told.iter().filter(|event| **event == "command-sent").count(), 6);
    assert_eq!(told.iter().filter(|event| **event == "command-acked").count(), 6);
}

#[test]
fn a_terminal_shows_a_bar_for_each_job() {
    let world = World::new(Options::default(), 5, 2);
    world.submit(&world.plan, &["--no-confirmation"]).expect(0);
    let watch = ["jobs", world.plan.to_str().unwrap(), "watch", "--interval", "0.02"];
    let shown = on_terminal(world.command(watch));
    for (manifest, objects) in [("00000", 2), ("00001", 2), ("00002", 1)] {
        let last = shown.rsplit(&format!("manifests/{manifest}.csv")).next().unwrap();
        let full = format!("  {} {objects} of {objects}  Complete", "█".repeat(12));
        assert!(last.starts_with(&full), "{manifest}: {shown}");
    }
}

/// What a command writes to a terminal, which it is on with its errors.
fn on_terminal(mut command: Command) -> String {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    let end = File::options().read(true).write(true).open(name).unwrap();
    let command = command.env("TERM", "xterm").stdin(Stdio::null()).stdout(Stdio::null());
    let mut child = command.stderr(end).spawn().unwrap();
    // The command has the only other end: reading fails once it is gone.
    command.stderr(Stdio::null());
    let mut shown = Vec::new();
    let _ = File::from(terminal).read_to_end(&mut shown);
    assert!(child.wait().unwrap().success());
    String::from_utf8_lossy(&shown).into_owned()
}

#[test]
fn half_of_a_thousand_failures_stop_a_job() {
    let most = Failure {
        key_part: "photos/0",
        code: "AccessDenied",
        status: 403,
        message: "Access Denied",
        once: false,
    };
    let world = World::new(Options { failures: vec![most], ..Options::default() }, 1100, 2000);
    world.submit(&world.plan, &["--no-confirmation"]).expect(0);
    let run = world.jobs(&["watch", "--interval", "0.02"]).expect(5);
    let all = [run.stderr(), "Failed, 1,000 of 1,100 done, 1,000 failed".to_owned()];
    assert!(all[0].contains(&all[1]), "{}", run.story());
    assert!(run.stderr().contains("FailureThresholdExceeded"), "{}", run.story());
    let again = world.path("again");
    let run = world.run(["retry", world.plan.to_str().unwrap(), "--out", again.to_str().unwrap()]);
    let run = run.expect(0);
    assert!(run.stdout().contains("was stopped: 100 of its tasks are not"), "{}", run.story());
    assert_eq!(manifests(&again).lines().count(), 1100, "failed tasks, and those never run");
}

#[test]
fn throttling_and_late_sight_of_jobs_are_borne() {
    let options = Options { throttle_every: 3, blind_looks: 2, ..Options::default() };
    let world = World::new(options, 8, 2);
    world.submit(&world.plan, &[]).expect(0);
    world.let_run(&world.plan).expect(0);
    assert_journal_is_true(&world, &world.plan);
}

#[test]
fn a_plan_submitted_with_other_parameters_is_refused() {
    let world = World::new(Options::default(), 2, 2);
    world.submit(&world.plan, &[]).expect(0);
    let run = world.submit(&world.plan, &["--priority", "3"]).expect(2);
    run.says(&["was submitted at", "with other parameters"]);
    assert_eq!(world.double.state().jobs.len(), 1);
    // Nor is a submitted plan replaced.
    let manifest = world.path("manifest.json");
    let out = world.plan.to_str().unwrap();
    let filter = ["filter", manifest.to_str().unwrap(), "--where", "TRUE", "--force", "--out", out];
    s3sieve(filter).expect(2).says(&["was submitted"]);
}

#[test]
fn an_object_that_is_there_is_not_replaced() {
    let world = World::new(Options::default(), 2, 2);
    let dry = world.submit(&world.plan, &["--dry-run", "--format", "json"]).expect(0).json();
    let arn = dry["requests"][0]["request"]["Manifest"]["Location"]["ObjectArn"]
        .as_str()
        .unwrap()
        .to_owned();
    let key = arn.strip_prefix("arn:aws:s3:::manifests/").unwrap();
    let manifest = fs::read(world.plan.join("manifests/00000.csv")).unwrap();
    let mut other = manifest.clone();
    other[0] ^= 1;
    for there in [&b"something else"[..], &other] {
        world.double.put("manifests", key, there);
        world.submit(&world.plan, &[]).expect(4).says(&["different content", "not overwritten"]);
        assert_eq!(world.double.get("manifests", key).unwrap(), there);
        assert!(world.double.state().jobs.is_empty());
    }
    // The manifest itself, put there by hand, is taken.
    world.double.put("manifests", key, &manifest);
    world.submit(&world.plan, &[]).expect(0).says(&["uploaded (was there already)"]);
}

#[test]
fn encryption_is_updated_at_aws_or_a_trusted_double_only() {
    let world = World::new(Options::default(), 3, 3);
    let operation =
        ["--operation", "update-encryption", "--kms-key-arn", KEY, "--bucket-key", "on"];
    let arguments = submit_arguments(&world.plan, &operation);
    world.run(&arguments).expect(2).says(&["127.0.0.1 is not AWS", "--trust-endpoint"]);
    assert!(world.double.state().control_requests.is_empty());
    assert!(!world.plan.join("jobs.jsonl").exists());
    let trusted = [arguments, vec!["--trust-endpoint".to_owned()]].concat();
    world.run(trusted).expect(0);
    world.let_run(&world.plan).expect(0);
    assert_eq!(world.double.state().updated.len(), 3);
}

#[test]
fn manifests_that_are_inventory_reports_go_up_with_their_data_files() {
    let world = World::new(Options::default(), 30, 10);
    let out = world.path("inventory");
    let manifest = world.path("manifest.json");
    let place = ["--emit", "inventory", "--manifest-bucket", "s3://manifests/s3sieve"];
    let filter = ["filter", manifest.to_str().unwrap(), "--where", "TRUE", "--max-objects", "10"];
    s3sieve(filter.iter().chain(&place).chain(&["--out", out.to_str().unwrap()])).expect(0);
    world.submit(&out, &[]).expect(0);
    world.let_run(&out).expect(0);
    let state = world.double.state();
    assert_eq!(state.jobs.iter().map(|job| job.succeeded).sum::<usize>(), 30);
    // Data files first: what lists them is last.
    let uploads: Vec<&String> = state.uploads.iter().filter(|u| u.contains("/plan-")).collect();
    assert_eq!(uploads.len(), 6, "{uploads:?}");
    assert!(uploads.iter().skip(1).step_by(2).all(|u| u.ends_with("/manifest.json")));
}

/// What stops a submission is told once, plainly, and nothing is left behind.
#[test]
fn what_would_fail_is_found_first_and_all_at_once() {
    let world = World::new(Options::default(), 2, 2);
    {
        let mut state = world.double.state();
        state.roles.insert("batch".to_owned(), Role::trusting("s3"));
        state.regions.insert("reports".to_owned(), "eu-west-1".to_owned());
    }
    let arguments: Vec<String> = submit_arguments(&world.plan, COPY)
        .iter()
        .map(|argument| argument.replace("s3://manifests", "s3://nowhere"))
        .collect();
    let run = world.run(&arguments).expect(4);
    let run = run.says(&[
        "error: bucket nowhere (the manifests): there is no such bucket",
        "error: bucket reports (the reports) is in eu-west-1, the jobs in us-east-1",
        "role/batch does not trust batchoperations.s3.amazonaws.com",
        "nothing was sent: 3 faults to put right first",
        "keeps no versions: a copy over an object replaces it for good",
    ]);
    assert!(!world.plan.join("jobs.jsonl").exists(), "{}", run.story());
    let state = world.double.state();
    assert!(state.control_requests.is_empty() && state.jobs.is_empty());
}

#[test]
fn a_missing_role_and_another_account_are_found() {
    let world = World::new(Options::default(), 2, 2);
    world.double.state().roles.clear();
    world.submit(&world.plan, &[]).expect(4).says(&["role/batch: there is no such role"]);
    let arguments: Vec<String> = submit_arguments(&world.plan, COPY)
        .iter()
        .map(|argument| argument.replace(ACCOUNT, "444455556666"))
        .collect();
    let account = "the credentials are of account 111122223333, the jobs of 444455556666";
    world.run(&arguments).expect(4).says(&[account]);
}

#[test]
fn a_wrong_region_is_found() {
    let world = World::new(Options::default(), 2, 2);
    let arguments: Vec<String> = submit_arguments(&world.plan, COPY)
        .iter()
        .map(|argument| argument.replace(REGION, "eu-west-1"))
        .collect();
    world.run(&arguments).expect(4).says(&[
        "bucket demo",
        "is in us-east-1",
        "the jobs in eu-west-1",
    ]);
}

#[test]
fn credentials_that_do_not_work_are_told_of_alone() {
    let world = World::new(Options::default(), 2, 2);
    for (key, parts) in [
        ("EXPIRED", ["the AWS credentials have expired", "aws sso login"]),
        ("SKEWED", ["this machine's clock is", "set it"]),
        ("UNKNOWN", ["does not accept the credentials", "InvalidClientTokenId"]),
        ("DENIED", ["access denied", "AccessDenied"]),
    ] {
        let mut command = world.command(submit_arguments(&world.plan, COPY));
        command.env("AWS_ACCESS_KEY_ID", key);
        let run = Run::of(command).expect(4).says(&parts);
        let story = run.stderr();
        let told = story.lines().filter(|line| !line.contains("were not checked for copy"));
        assert_eq!(told.count(), 1, "{}", run.story());
        assert!(!world.plan.join("jobs.jsonl").exists());
    }
}

#[test]
fn no_credentials_and_no_server_are_told_of() {
    let world = World::new(Options::default(), 2, 2);
    let mut command = world.command(submit_arguments(&world.plan, COPY));
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    Run::of(command).expect(4).says(&["no AWS credentials", "--profile"]);
    let alone = ["--endpoint-url", "http://127.0.0.1:1"];
    let arguments = submit_arguments(&world.plan, COPY);
    let run = s3sieve(arguments.iter().map(String::as_str).chain(alone));
    run.expect(2).says(&["--endpoint-url is given without a server for S3 Control"]);
    let without_region = arguments.iter().filter(|a| *a != "--region" && *a != REGION);
    world.run(without_region).expect(2).says(&["--region is missing"]);
}

#[test]
fn what_may_not_be_looked_at_stops_nothing() {
    let options = Options { denied: vec!["iam:GetRole"], ..Options::default() };
    let world = World::new(options, 2, 2);
    world.submit(&world.plan, &[]).expect(0).says(&["note: the role was not checked"]);
}

#[test]
fn a_job_that_is_denied_is_created_by_the_next_run() {
    let options = Options { denied: vec!["s3:CreateJob"], ..Options::default() };
    let world = World::new(options, 4, 2);
    world.submit(&world.plan, &[]).expect(4).says(&["manifests/00000.csv", "access denied"]);
    let events: Vec<Value> = journal(&world.plan).iter().map(|l| l["event"].clone()).collect();
    assert_eq!(events.last().unwrap(), "creating");
    // Stands for a permission that somebody grants meanwhile.
    world.double.state().granted = true;
    world.submit(&world.plan, &[]).expect(0);
    assert_journal_is_true(&world, &world.plan);
}

#[test]
fn a_large_manifest_goes_up_in_parts() {
    let double = Double::start(Options::default());
    let key = "k".repeat(900);
    let rows: String =
        (0..20_000).map(|number| row(&["demo", &format!("{key}{number:06}")])).collect();
    let report = ReportFolder::new("Bucket, Key", &[rows.as_bytes()]);
    let plan = report.out();
    let manifest = report.manifest.to_str().unwrap();
    s3sieve(["filter", manifest, "--where", "TRUE", "--out", plan.to_str().unwrap()]).expect(0);
    let mut command = program();
    double.environment(&mut command);
    command.args(submit_arguments(&plan, COPY)).args(["--endpoint-url", &double.url()]);
    command.args(["--s3control-endpoint-url", &double.url()]).stdin(Stdio::null());
    Run::of(command).expect(0);
    let job = double.state().jobs[0].clone();
    let (bucket, object) = job.request.manifest.split_once('/').unwrap();
    assert!(job.request.etag.ends_with("-2"), "{}", job.request.etag);
    let there = double.get(bucket, object).unwrap();
    assert!(there == fs::read(plan.join("manifests/00000.csv")).unwrap());
    let parts = journal(&plan).iter().filter(|line| line["event"] == "multipart-started").count();
    assert_eq!(parts, 1);
    // Another submission of the same plan finds the object, and says so.
    let again = report.folder.path().join("again");
    fs::create_dir_all(again.join("manifests")).unwrap();
    for file in ["plan.json", "manifests/00000.csv"] {
        fs::copy(plan.join(file), again.join(file)).unwrap();
    }
    let mut command = program();
    double.environment(&mut command);
    command.args(submit_arguments(&again, COPY)).args(["--endpoint-url", &double.url()]);
    command.args(["--s3control-endpoint-url", &double.url()]).stdin(Stdio::null());
    Run::of(command).expect(0).says(&["uploaded (was there already)"]);
    let uploaded = journal(&again).into_iter().find(|line| line["event"] == "uploaded").unwrap();
    assert_eq!((&uploaded["found"], &uploaded["etag"]), (&json!(true), &json!(job.request.etag)));
    assert!(journal(&again).iter().all(|line| line["event"] != "multipart-started"));
}
