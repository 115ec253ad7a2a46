//! The policies that `policy` writes, evaluated: they are enough for what jobs and submissions do,
//! and nothing in them is to spare.

use std::fs;

use serde_json::Value;

use crate::double::{Double, Options, Status};
use crate::fixture::s3sieve;
use crate::plans::{KEY, PLACE};
use crate::world::{COPY, COPY_WITH_SSE, World, submit_arguments};

/// An update of encryption, at a double that may be trusted with it.
const UPDATE: &[&str] =
    &["--operation", "update-encryption", "--kms-key-arn", KEY, "--bucket-key", "on"];

fn enforcing(objects: usize) -> World {
    World::new(Options { enforce_role: true, ..Options::default() }, objects, objects)
}

/// Gives the role and the caller what `policy` says, but for statements of the role's policy that
/// `keep` is false of.
fn grant(world: &World, operation: &[&str], keep: impl Fn(&Value) -> bool) {
    let folder = world.path("policies");
    let plan = ["policy", world.plan.to_str().unwrap()];
    let out = ["--out", folder.to_str().unwrap()];
    s3sieve(plan.iter().chain(operation).chain(&PLACE).chain(&out)).expect(0);
    let read = |name: &str| -> Value {
        serde_json::from_str(&fs::read_to_string(folder.join(name)).unwrap()).unwrap()
    };
    let mut role_policy = read("role-policy.json");
    role_policy["Statement"].as_array_mut().unwrap().retain(keep);
    let mut state = world.double.state();
    state.submitter = Some(read("submitter-policy.json"));
    let role = state.roles.get_mut("batch").unwrap();
    role.policies.insert("plan".to_owned(), role_policy.to_string());
}

fn allows(statement: &Value, action: &str) -> bool {
    statement["Action"].as_array().unwrap().iter().any(|allowed| allowed == action)
}

fn reasons(double: &Double) -> String {
    let state = double.state();
    state.jobs.iter().flat_map(|job| &job.reasons).map(|(_, reason)| reason.as_str()).collect()
}

#[test]
fn policies_are_enough_for_a_copy() {
    let world = enforcing(6);
    grant(&world, COPY_WITH_SSE, |_| true);
    world.run(submit_arguments(&world.plan, COPY_WITH_SSE)).expect(0);
    world.let_run(&world.plan).expect(0);
    world.jobs(&["report"]).expect(0);
}

#[test]
fn policies_are_enough_for_an_update_of_encryption() {
    let world = enforcing(6);
    grant(&world, UPDATE, |_| true);
    let mut submit = submit_arguments(&world.plan, UPDATE);
    submit.push("--trust-endpoint".to_owned());
    world.run(submit).expect(0);
    world.let_run(&world.plan).expect(0);
    assert_eq!(world.double.state().updated.len(), 6);
}

#[test]
fn a_role_without_rights_to_the_manifest_runs_nothing() {
    let world = enforcing(6);
    grant(&world, COPY_WITH_SSE, |statement| statement["Sid"] != "ReadManifests");
    world.run(submit_arguments(&world.plan, COPY_WITH_SSE)).expect(0);
    world.let_run(&world.plan).expect(5).says(&["Reading the manifest is forbidden"]);
    assert_eq!(world.double.state().jobs[0].done, 0);
}

#[test]
fn a_role_without_rights_to_the_objects_fails_every_task() {
    for action in ["s3:GetObject", "s3:PutObject"] {
        let world = enforcing(6);
        grant(&world, COPY_WITH_SSE, |statement| {
            let of_objects =
                ["ReadObjects", "WriteCopies"].contains(&statement["Sid"].as_str().unwrap());
            !(of_objects && allows(statement, action))
        });
        world.run(submit_arguments(&world.plan, COPY_WITH_SSE)).expect(0);
        world.let_run(&world.plan).expect(5);
        let told = world.jobs(&["report", "--format", "json"]).expect(5).json();
        assert_eq!(told["failures"][0]["code"], "AccessDenied", "{told:#}");
        assert_eq!(told["failures"][0]["tasks"], 6, "{told:#}");
    }
}

#[test]
fn a_role_without_rights_to_the_key_fails_every_task() {
    let world = enforcing(3);
    grant(&world, UPDATE, |statement| !allows(statement, "kms:GenerateDataKey"));
    let mut submit = submit_arguments(&world.plan, UPDATE);
    submit.push("--trust-endpoint".to_owned());
    world.run(submit).expect(0);
    world.let_run(&world.plan).expect(5);
    assert_eq!(world.double.state().updated.len(), 0);
}

/// A copy that relies on the encryption of its target needs that key.
#[test]
fn a_copy_by_the_default_of_its_target_needs_its_key() {
    let world = enforcing(3);
    grant(&world, COPY_WITH_SSE, |_| true);
    let encryption = format!(
        "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>\
         <SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>{KEY}</KMSMasterKeyID>\
         </ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>"
    );
    let place = ("demo".to_owned(), "encryption".to_owned());
    world.double.state().settings.insert(place, encryption);
    world.run(submit_arguments(&world.plan, COPY)).expect(0);
    world.let_run(&world.plan).expect(5);
    assert_eq!(world.double.state().jobs[0].failed, 3);
}

#[test]
fn a_report_that_may_not_be_written_fails_the_job() {
    let world = enforcing(3);
    grant(&world, COPY_WITH_SSE, |statement| statement["Sid"] != "WriteReports");
    world.run(submit_arguments(&world.plan, COPY_WITH_SSE)).expect(0);
    world.let_run(&world.plan).expect(5);
    assert_eq!(world.double.state().jobs[0].status, Status::Failed);
    assert!(reasons(&world.double).contains("Writing the report is forbidden"));
}

#[test]
fn a_caller_without_rights_is_denied() {
    for (sid, says) in [("CreateJobs", "access denied"), ("PassTheRole", "access denied")] {
        let world = enforcing(3);
        grant(&world, COPY_WITH_SSE, |_| true);
        {
            let mut state = world.double.state();
            let policy = state.submitter.as_mut().unwrap();
            policy["Statement"].as_array_mut().unwrap().retain(|part| part["Sid"] != sid);
        }
        world.run(submit_arguments(&world.plan, COPY_WITH_SSE)).expect(4).says(&[says]);
        assert!(world.double.state().jobs.is_empty());
    }
}
