//! Jobs are steered: cancelled, given priorities, created anew, followed by another plan.

use std::fs;

use serde_json::{Value, json};

use crate::double::{Failure, Options, Role, Status};
use crate::fixture::{manifests, plan_document};
use crate::world::{World, journal, key};

/// The state of each job of a plan, as `jobs list` shows it.
fn states(world: &World, code: i32) -> Vec<String> {
    let listed = world.jobs(&["list", "--format", "json"]).expect(code).json();
    let state = |job: &Value| job["status"].as_str().unwrap().to_owned();
    listed["jobs"].as_array().unwrap().iter().map(state).collect()
}

fn retry(world: &World, out: &str, code: i32) -> crate::fixture::Run {
    let (plan, out) = (world.plan.to_str().unwrap().to_owned(), world.path(out));
    world.run(["retry", &plan, "--out", out.to_str().unwrap()]).expect(code)
}

#[test]
fn cancel_all_ends_jobs_that_wait_to_be_created_too() {
    let world = World::new(Options::default(), 8, 2);
    world.submit(&world.plan, &["--max-active", "1"]).expect(0);
    let told = world.jobs(&["cancel", "--all"]).expect(0).stderr();
    assert!(told.contains("3 jobs not created yet: withdrawn"), "{told}");
    world.jobs(&["watch", "--interval", "0.02"]).expect(5);
    let wanted = ["Cancelled", "Withdrawn", "Withdrawn", "Withdrawn"];
    assert_eq!(states(&world, 5), wanted);
    // Neither of these creates any.
    world.let_run(&world.plan).expect(5);
    let run = world.submit(&world.plan, &["--max-active", "9"]).expect(5);
    for part in ["1 job Cancelled before any task ran", "3 jobs withdrawn", "--again"] {
        assert!(run.stdout().contains(part), "`{part}` is missing{}", run.story());
    }
    assert_eq!(world.double.state().jobs.len(), 1);
    world.submit(&world.plan, &["--max-active", "9", "--again"]).expect(0);
    world.let_run(&world.plan).expect(0);
    assert_eq!(states(&world, 0), ["Complete"; 4]);
    assert_eq!(world.double.state().jobs.len(), 5, "the cancelled job ran nothing");
}

#[test]
fn a_job_that_is_not_listed_yet_is_cancelled() {
    let world = World::new(Options { blind_looks: 3, ..Options::default() }, 2, 2);
    world.submit(&world.plan, &[]).expect(0);
    world.double.state().jobs[0].blind_looks = 3;
    world.jobs(&["cancel", "--all"]).expect(0).says(&["1 job asked to end"]);
    world.jobs(&["watch", "--interval", "0.02"]).expect(5);
    assert_eq!(world.double.state().jobs[0].status, Status::Cancelled);
}

/// As a run leaves it that is killed after it sent `CreateJob`, and before it noted the answer.
fn forget_created(world: &World) {
    let path = world.plan.join("jobs.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let (before, _) = text.split_once(r#""event":"created""#).unwrap();
    let kept = before.rfind('\n').unwrap() + 1;
    fs::write(&path, &text[..kept]).unwrap();
    assert_eq!(journal(&world.plan).last().unwrap()["event"], "creating");
}

/// The job is there, and nobody lists it yet: it must end all the same.
#[test]
fn cancel_all_ends_a_job_whose_creation_was_cut_short() {
    let world = World::new(Options::default(), 4, 2);
    world.submit(&world.plan, &["--max-active", "1"]).expect(0);
    forget_created(&world);
    world.double.state().jobs[0].blind_looks = 2;
    let run = world.jobs(&["cancel", "--all"]).expect(0);
    run.says(&["1 job not created yet: withdrawn", "1 job asked to end"]);
    world.jobs(&["watch", "--interval", "0.02"]).expect(5);
    assert_eq!(states(&world, 5), ["Cancelled", "Withdrawn"]);
    let state = world.double.state();
    assert_eq!(state.jobs.len(), 1, "the token is the same");
    assert_eq!(state.jobs[0].status, Status::Cancelled);
}

/// It was never made: it is made to be ended, for nobody can tell.
#[test]
fn cancel_all_leaves_no_job_that_may_come_to_be() {
    let options = Options { denied: vec!["s3:CreateJob"], ..Options::default() };
    let world = World::new(options, 4, 2);
    world.submit(&world.plan, &["--max-active", "1"]).expect(4);
    let run = world.jobs(&["cancel", "--all"]).expect(4);
    run.says(&["1 job not created yet: withdrawn", "Access Denied"]);
    world.double.state().granted = true;
    world.jobs(&["cancel", "--all"]).expect(0).says(&["1 job asked to end"]);
    world.jobs(&["watch", "--interval", "0.02"]).expect(5);
    assert_eq!(states(&world, 5), ["Cancelled", "Withdrawn"]);
}

#[test]
fn a_planned_priority_waits_until_the_job_is_known() {
    let world = World::new(Options { blind_looks: 2, ..Options::default() }, 4, 2);
    world.submit(&world.plan, &["--max-active", "1"]).expect(0);
    world.jobs(&["priority", "77"]).expect(0);
    world.let_run(&world.plan).expect(0);
    let state = world.double.state();
    assert_eq!(state.jobs.iter().map(|job| job.priority).collect::<Vec<_>>(), [77, 77]);
}

#[test]
fn a_planned_priority_is_dropped_where_the_job_is_over() {
    let world = World::new(Options::default(), 2, 2);
    world.submit(&world.plan, &[]).expect(0);
    world.jobs(&["cancel", "--all"]).expect(0);
    world.jobs(&["watch", "--interval", "0.02"]).expect(5);
    forget_created(&world);
    world.jobs(&["priority", "77"]).expect(0).says(&["priority 77 once created"]);
    let run = world.submit(&world.plan, &[]).expect(5);
    let said = "1 job Cancelled before any task ran";
    assert!(run.stdout().contains(said), "{}", run.story());
}

#[test]
fn jobs_are_created_again_no_more_at_a_time_than_may_be_open() {
    let world = World::new(Options::default(), 6, 2);
    world.submit(&world.plan, &["--max-active", "9"]).expect(0);
    world.jobs(&["cancel", "--all"]).expect(0);
    world.jobs(&["watch", "--interval", "0.02"]).expect(5);
    world.submit(&world.plan, &["--max-active", "1", "--again"]).expect(0);
    assert_eq!(world.double.state().jobs.len(), 4, "one of three");
    world.let_run(&world.plan).expect(0);
    assert_eq!(states(&world, 0), ["Complete"; 3]);
    assert_eq!(world.double.state().jobs.len(), 6);
}

/// Whatever is refused for one job, the others are told; the first refusal is how it ends.
#[test]
fn a_refusal_for_one_job_does_not_keep_the_others_from_being_cancelled() {
    let world = World::new(Options::default(), 6, 2);
    world.submit(&world.plan, &[]).expect(0);
    let id = world.double.state().jobs[0].id.clone();
    let everything = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    let but_one = json!({
        "Effect": "Deny",
        "Action": ["s3:UpdateJobStatus", "s3:UpdateJobPriority"],
        "Resource": format!("arn:aws:s3:*:*:job/{id}"),
    });
    let policy = json!({"Version": "2012-10-17", "Statement": [everything, but_one]});
    world.double.state().submitter = Some(policy);
    let told = world.jobs(&["priority", "7"]).expect(4);
    let told = told.says(&["2 jobs given priority 7", "access denied"]);
    assert!(told.stderr().contains(&id), "{}", told.story());
    world.jobs(&["cancel", "--all"]).expect(4).says(&["2 jobs asked to end", "access denied"]);
    let state = world.double.state();
    assert_eq!(state.jobs.iter().map(|job| job.priority).filter(|p| *p == 7).count(), 2);
    assert!(!matches!(state.jobs[0].status, Status::Cancelling | Status::Cancelled));
    for job in &state.jobs[1..] {
        assert!(matches!(job.status, Status::Cancelling | Status::Cancelled), "{:?}", job.status);
    }
}

/// Right after `submit` no job waits for confirmation yet.
#[test]
fn detaching_lets_jobs_run_that_are_being_prepared() {
    let world = World::new(Options { blind_looks: 3, ..Options::default() }, 6, 2);
    world.submit(&world.plan, &["--max-active", "1"]).expect(0);
    let run = world.jobs(&["run", "--detach", "--interval", "0.02"]).expect(0);
    assert_eq!(run.stderr().matches("asked to run").count(), 3, "{}", run.story());
    world.jobs(&["watch", "--interval", "0.02"]).expect(0);
    assert!(world.double.state().jobs.iter().all(|job| job.status == Status::Complete));
}

#[test]
fn an_interval_that_no_clock_counts_is_refused() {
    let world = World::new(Options::default(), 2, 2);
    world.submit(&world.plan, &[]).expect(0);
    for interval in ["1e19", "1e300", "inf"] {
        world.jobs(&["watch", "--interval", interval]).expect(2).says(&["30 to 86400 seconds"]);
    }
}

#[test]
fn a_priority_reaches_jobs_that_wait_to_be_created() {
    let world = World::new(Options::default(), 6, 2);
    world.submit(&world.plan, &["--max-active", "1"]).expect(0);
    let told = world.jobs(&["priority", "77"]).expect(0).stderr();
    assert!(told.contains("2 jobs not created yet: priority 77 once created"), "{told}");
    world.let_run(&world.plan).expect(0);
    let state = world.double.state();
    assert_eq!(state.jobs.iter().map(|job| job.priority).collect::<Vec<_>>(), [77, 77, 77]);
}

/// Nothing ran: the same requests make other jobs, once the cause is mended.
#[test]
fn jobs_that_failed_before_a_task_ran_are_created_again() {
    let world = World::new(Options::default(), 4, 2);
    world.submit(&world.plan, &[]).expect(0);
    world.double.state().roles.insert("batch".to_owned(), Role::trusting("s3"));
    let ids = |world: &World| -> Vec<String> {
        world.double.state().jobs.iter().map(|job| job.request.token.clone()).collect()
    };
    world.jobs(&["watch", "--interval", "0.02"]).expect(5).says(&["AccessDenied"]);
    world.double.state().roles.insert("batch".to_owned(), Role::trusting("batchoperations.s3"));
    let run = world.submit(&world.plan, &[]).expect(5);
    let said = "2 jobs Failed before any task ran";
    assert!(run.stdout().contains(said), "{}", run.story());
    assert_eq!(world.double.state().jobs.len(), 2);
    world.submit(&world.plan, &["--again"]).expect(0);
    let tokens = ids(&world);
    assert_eq!(tokens.len(), 4);
    assert!((0..2).all(|place| tokens[place] != tokens[place + 2]), "{tokens:?}");
    let attempts: Vec<Value> =
        journal(&world.plan).iter().map(|line| line["attempt"].clone()).collect();
    assert_eq!(attempts.iter().filter(|attempt| **attempt == 2).count(), 2);
    // What is there is not created a third time.
    world.submit(&world.plan, &["--again"]).expect(0);
    world.let_run(&world.plan).expect(0);
    assert_eq!(world.double.state().jobs.len(), 4);
}

/// The journal is lost: AWS gives the old, dead job for the same token, and that is said.
#[test]
fn a_dead_job_that_is_found_is_told_of() {
    let world = World::new(Options::default(), 2, 2);
    world.submit(&world.plan, &[]).expect(0);
    world.jobs(&["cancel", "--all"]).expect(0);
    world.jobs(&["watch", "--interval", "0.02"]).expect(5);
    fs::remove_file(world.plan.join("jobs.jsonl")).unwrap();
    let run = world.submit(&world.plan, &[]).expect(5);
    let said = "1 job Cancelled before any task ran";
    assert!(run.stdout().contains(said), "{}", run.story());
    world.submit(&world.plan, &["--again"]).expect(0);
    world.let_run(&world.plan).expect(0);
}

/// The task of one key fails, and succeeds when it is tried again.
fn one_task_fails_once() -> Options {
    let failure = Failure {
        key_part: "photos/00001",
        code: "InternalError",
        status: 500,
        message: "again",
        once: true,
    };
    Options { failures: vec![failure], ..Options::default() }
}

#[test]
fn a_retry_waits_for_open_jobs_and_closes_the_plan() {
    let world = World::new(one_task_fails_once(), 6, 2);
    world.submit(&world.plan, &["--max-active", "1"]).expect(0);
    retry(&world, "early", 2).says(&["1 job of this plan may still run", "cancel --all"]);
    let one = ["run", "--interval", "0.02", "--max-active", "1", "--detach"];
    world.jobs(&one).expect(0);
    world.jobs(&["watch", "--interval", "0.02"]).expect(5);
    retry(&world, "again", 0);
    // The failed task, and the manifests whose jobs were never created.
    let wanted: String = [1, 2, 3, 4, 5].map(|number| format!("demo,{}\n", key(number))).concat();
    assert_eq!(manifests(&world.path("again")), wanted);
    assert_eq!(plan_document(&world.path("again"))["totals"]["rows_matched"], 5);
    for run in [world.submit(&world.plan, &[]), world.let_run(&world.plan)] {
        run.expect(2).says(&["made a plan of what this one left undone", "again"]);
    }
    world.submit(&world.path("again"), &[]).expect(0);
    world.let_run(&world.path("again")).expect(0);
    let copied =
        |number| world.double.get("demo", &format!("copied/photos/{number:05} of many.jpg"));
    assert!((0..6).all(|number| copied(number).is_some()));
}

/// What keeps the new plan from being made leaves the old one as it was.
#[test]
fn a_retry_that_fails_does_not_close_the_plan() {
    let world = World::new(one_task_fails_once(), 6, 2);
    world.submit(&world.plan, &[]).expect(0);
    world.let_run(&world.plan).expect(5);
    let is_closed =
        || fs::read_to_string(world.plan.join("jobs.jsonl")).unwrap().contains("\"continued\"");
    fs::create_dir(world.path("full")).unwrap();
    fs::write(world.path("full").join("mine"), "kept").unwrap();
    retry(&world, "full", 2);
    // A manifest that is not what the plan says has rows that nobody chose.
    let manifest = world.plan.join("manifests/00000.csv");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("00001", "00009")).unwrap();
    retry(&world, "changed", 3).says(&["00000.csv"]);
    fs::write(&manifest, text).unwrap();
    assert!(!is_closed());
    world.let_run(&world.plan).expect(5);
    retry(&world, "again", 0);
    assert!(is_closed());
    retry(&world, "twice", 2).says(&["an earlier retry made", "again", "submit that"]);
    assert!(!world.path("twice").exists());
    // Killed before the plan was there: the same command makes it; so does one to elsewhere.
    fs::remove_dir_all(world.path("again")).unwrap();
    retry(&world, "again", 0);
    fs::remove_dir_all(world.path("again")).unwrap();
    retry(&world, "twice", 0);
    assert_eq!(manifests(&world.path("twice")), format!("demo,{}\n", key(1)));
}

#[test]
fn codes_that_are_hopeless_are_left_out_of_a_retry() {
    let failure = |key_part, code| Failure {
        key_part,
        code,
        status: 400,
        message: "no such key",
        once: false,
    };
    let missing = failure("photos/00001", "KMS.NotFoundException");
    let failures = vec![missing, failure("photos/00002", "SlowDown")];
    let world = World::new(Options { failures, ..Options::default() }, 6, 2);
    world.submit(&world.plan, &[]).expect(0);
    world.let_run(&world.plan).expect(5);
    let (plan, again) = (world.plan.to_str().unwrap(), world.path("again"));
    let retry = ["retry", plan, "--out", again.to_str().unwrap()];
    let without = ["--without", "kms.notfoundexception"];
    let both = [&retry[..], &without, &["--anyway", "KMS.NotFoundException"]].concat();
    world.run(both).expect(2).says(&["not both"]);
    world.run([&retry[..], &without].concat()).expect(0);
    assert_eq!(manifests(&again), format!("demo,{}\n", key(2)));
    let excluded = fs::read_to_string(again.join("excluded/kms-notfoundexception.csv")).unwrap();
    assert_eq!(excluded, format!("demo,{}\n", key(1)));
}

#[test]
fn programs_read_a_line_for_each_event() {
    let world = World::new(Options::default(), 4, 2);
    world.submit(&world.plan, &["--max-active", "1"]).expect(0);
    let run = world.jobs(&["run", "--interval", "0.02", "--format", "json"]).expect(0);
    let lines = run.json_lines();
    assert!(lines.iter().all(|line| line["command"] == "jobs run"), "{}", run.story());
    let of = |event: &str| lines.iter().filter(|line| line["event"] == event).count();
    assert_eq!((of("created"), of("confirmed")), (1, 2), "{}", run.story());
    let last = lines.iter().rev().find(|line| line["event"] == "job").unwrap();
    assert_eq!(last["status"], "Complete", "{last}");
    let run = world.jobs(&["priority", "5", "--format", "json"]).expect(0);
    assert_eq!(run.stdout(), "", "all jobs have ended");
}
