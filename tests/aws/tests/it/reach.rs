//! How AWS is reached: by which credentials and account, at which server, in which region, and how
//! often it is tried.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};

use ground::{
    ACCESS_KEY, BareServer, FaultProxy, Faults, Request, SECRET_KEY, Script, ScriptProxy,
};
use tempfile::TempDir;

use crate::buckets::{Buckets, data_file, program_with_keys, s3sieve_at, tree_anywhere};
use crate::double::Options;
use crate::fixture::{Run, program};
use crate::plans::KEY;
use crate::world::{COPY, World, submit_arguments};

/// An account that is not the double's.
const OTHER_ACCOUNT: &str = "444455556666";

fn count_at(endpoint: &str, address: &str) -> Command {
    let mut command = program_with_keys();
    command.args(["count", address, "--endpoint-url", endpoint]);
    command
}

/// A configuration file and a credentials file.
struct Profiles {
    folder: TempDir,
}

impl Profiles {
    fn new(config: &str, credentials: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("config"), config).unwrap();
        fs::write(folder.path().join("credentials"), credentials).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn give(&self, command: &mut Command) {
        command.env("AWS_CONFIG_FILE", self.path("config"));
        command.env("AWS_SHARED_CREDENTIALS_FILE", self.path("credentials"));
    }
}

fn keys(profile: &str) -> String {
    format!("[{profile}]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n")
}

#[test]
fn a_profile_on_the_command_line_wins_over_keys_in_the_environment() {
    let buckets = Buckets::new();
    let manifest = buckets.report("", "2026-01-02T00-00Z", &[data_file(1, 10)]);
    let address = format!("s3://reports/{manifest}");
    let profiles = Profiles::new("[profile empty]\nregion = eu-west-1\n", &keys("good"));
    let process = profiles.path("credentials.sh");
    let json = format!(
        "{{\"Version\":1,\"AccessKeyId\":\"{ACCESS_KEY}\",\"SecretAccessKey\":\"{SECRET_KEY}\"}}"
    );
    fs::write(&process, format!("echo '{json}'\n")).unwrap();
    let process = format!("[profile asked]\ncredential_process = sh {}\n", process.display());
    let roled = "[profile roled]\nrole_arn = arn:aws:iam::111122223333:role/r\n\
                 source_profile = nowhere\n";
    let before = fs::read_to_string(profiles.path("config")).unwrap();
    fs::write(profiles.path("config"), format!("{before}{process}{roled}")).unwrap();
    let with = |change: &dyn Fn(&mut Command)| {
        let mut command = count_at(&buckets.server.endpoint(), &address);
        profiles.give(&mut command);
        command.env("AWS_SECRET_ACCESS_KEY", "WRONG");
        change(&mut command);
        Run::of(command)
    };
    let unknown = "does not accept the credentials";
    with(&|command| {
        command.args(["--profile", "good"]);
    })
    .expect(0);
    with(&|command| {
        command.args(["--profile", "asked"]);
    })
    .expect(0);
    // As with the AWS CLI, the variable for the profile counts less than those for the keys.
    with(&|command| {
        command.env("AWS_PROFILE", "good");
    })
    .expect(4)
    .says(&[unknown]);
    with(&|_| ()).expect(4).says(&[unknown]);
    with(&|command| {
        command.args(["--profile", "empty"]);
    })
    .expect(4)
    .says(&["no AWS credentials"]);
    with(&|command| {
        command.args(["--profile", "roled"]);
    })
    .expect(4)
    .says(&["no AWS credentials"]);
    for missing in [
        with(&|command| {
            command.args(["--profile", "gone"]);
        }),
        with(&|command| {
            command.env("AWS_PROFILE", "gone");
        }),
    ] {
        let config = profiles.path("config");
        let config = config.to_str().unwrap();
        missing.expect(2).says(&["there is no profile \"gone\" in ", config, "good"]);
    }
}

#[test]
fn the_region_of_the_named_profile_is_the_one_that_requests_are_signed_for() {
    let buckets = Buckets::new();
    let manifest = buckets.report("", "2026-01-02T00-00Z", &[data_file(1, 10)]);
    let signed = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&signed);
    let proxy = ScriptProxy::start(buckets.server.address(), move |request| {
        seen.lock().unwrap().push(request.region().to_owned());
        Script::Pass
    })
    .unwrap();
    let config = "[default]\nregion = us-west-2\n[profile north]\nregion = eu-north-1\n";
    let profiles = Profiles::new(config, &keys("north"));
    let mut command = count_at(&proxy.endpoint(), &format!("s3://reports/{manifest}"));
    profiles.give(&mut command);
    command.args(["--profile", "north"]);
    Run::of(command).expect(0);
    let signed = signed.lock().unwrap();
    assert!(signed.iter().all(|region| region == "eu-north-1"), "{signed:?}");
}

#[test]
fn tries_are_those_that_the_environment_or_the_profile_sets() {
    let buckets = Buckets::new();
    let manifest = buckets.report("", "2026-01-02T00-00Z", &[data_file(1, 10)]);
    let profiles = Profiles::new("[profile once]\nmax_attempts = 1\n", &keys("once"));
    let out = buckets.out("none");
    let list = ["list", "s3://reports", "--out", out.to_str().unwrap()];
    let count = ["count", &format!("s3://reports/{manifest}")];
    let requests = |arguments: &[&str], change: &dyn Fn(&mut Command)| {
        let faults = Faults { seed: 1, percent: 100, only_errors: true };
        let proxy = FaultProxy::start(buckets.server.address(), faults).unwrap();
        let mut command = program_with_keys();
        profiles.give(&mut command);
        command.args(arguments).args(["--endpoint-url", &proxy.endpoint()]);
        change(&mut command);
        Run::of(command).expect(4).says(&["SlowDown"]);
        proxy.requests()
    };
    for arguments in [&list[..], &count] {
        let twice = |command: &mut Command| {
            command.env("AWS_MAX_ATTEMPTS", "2");
        };
        assert_eq!(requests(arguments, &twice), 2, "{arguments:?}");
        let once = |command: &mut Command| {
            command.args(["--profile", "once"]);
        };
        assert_eq!(requests(arguments, &once), 1, "{arguments:?}");
        let mode = |command: &mut Command| {
            command.env("AWS_RETRY_MODE", "standard");
        };
        assert_eq!(requests(arguments, &mode), 3, "{arguments:?}");
    }
    for (variable, value, said) in [
        ("AWS_MAX_ATTEMPTS", "0", "is not a number of tries"),
        ("AWS_MAX_ATTEMPTS", "many", "is not a number of tries"),
        ("AWS_RETRY_MODE", "sideways", "is not a retry mode"),
    ] {
        let mut command = count_at("http://127.0.0.1:1", "s3://reports/x.json");
        command.env(variable, value);
        Run::of(command).expect(2).says(&[variable, said]);
    }
}

#[test]
fn a_server_below_a_path_is_reached_with_and_without_a_slash_at_the_end() {
    let buckets = Buckets::new();
    let manifest = buckets.report("", "2026-01-02T00-00Z", &[data_file(1, 10)]);
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("base/path")).unwrap();
    let from = buckets.root.path().join("reports");
    fs::rename(from, root.path().join("base/path/reports")).unwrap();
    let bare = BareServer::start(root.path()).unwrap();
    for slash in ["", "/"] {
        let endpoint = format!("{}/base/path{slash}", bare.endpoint());
        s3sieve_at(&endpoint, ["count", &format!("s3://reports/{manifest}")]).expect(0);
        let mut command = program_with_keys();
        command.args(["count", &format!("s3://reports/{manifest}")]);
        command.env("AWS_ENDPOINT_URL_S3", &endpoint);
        Run::of(command).expect(0);
    }
}

#[test]
fn jobs_are_reached_below_a_path_with_and_without_a_slash_at_the_end() {
    let world = World::new(Options::default(), 2, 2);
    world.submit(&world.plan, &[]).expect(0);
    let upstream = world.double.url().strip_prefix("http://").unwrap().parse().unwrap();
    let proxy = ScriptProxy::start(upstream, |request| {
        match request.target().strip_prefix("/base/path/v20180820/") {
            Some(rest) => Script::PassAs(format!("/v20180820/{rest}")),
            None => Script::Refuse("404 Not Found", "NotBelowTheBase", String::new()),
        }
    })
    .unwrap();
    for slash in ["", "/"] {
        let mut command = program();
        world.double.environment(&mut command);
        command.args(["jobs", world.plan.to_str().unwrap(), "list"]);
        command.args(["--endpoint-url", &world.double.url(), "--s3control-endpoint-url"]);
        command.arg(format!("{}/base/path{slash}", proxy.endpoint()));
        Run::of(command).expect(0);
    }
}

#[test]
fn a_malformed_url_is_refused_at_once_and_its_place_named() {
    let buckets = Buckets::new();
    let profiles = Profiles::new(
        "[profile p]\nservices = local\n[services local]\ns3 =\n  endpoint_url = x\n",
        "",
    );
    for wrong in ["localhost:9000", "http:/127.0.0.1", "http://127.0.0.1:port", "s3://x"] {
        let said = ["--endpoint-url: ", "write http://HOST"];
        Run::of(count_at(wrong, "s3://reports/x.json")).expect(2).says(&said);
        for variable in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_S3_CONTROL"] {
            let mut command = program_with_keys();
            command.args(["count", "s3://reports/x.json"]).env(variable, wrong);
            Run::of(command).expect(2).says(&[&format!("{variable}: "), "write http://HOST"]);
        }
    }
    let mut command = program_with_keys();
    profiles.give(&mut command);
    command.args(["count", "s3://reports/x.json", "--profile", "p"]);
    Run::of(command).expect(2).says(&["endpoint_url of profile p: "]);
    // What the flag names counts, whatever the environment says.
    let manifest = buckets.report("", "2026-01-02T00-00Z", &[data_file(1, 10)]);
    let address = format!("s3://reports/{manifest}");
    let mut command = count_at(&buckets.server.endpoint(), &address);
    Run::of({
        command.env("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1");
        command
    })
    .expect(0);
}

/// The SDK goes to AWS itself for an empty variable, though another one names a server.
#[test]
fn an_empty_url_is_refused_whatever_else_is_named() {
    let world = World::new(Options::default(), 2, 2);
    for empty in ["", "_S3", "_S3_CONTROL", "_STS", "_IAM"] {
        let variable = format!("AWS_ENDPOINT_URL{empty}");
        let says = [&*format!("{variable}: it is set, but empty"), "unset it"];
        let empty = |mut command: Command| {
            command.env("AWS_ENDPOINT_URL", world.double.url()).env(&variable, "");
            Run::of(command).expect(2).says(&says);
        };
        let mut submit = program_with_keys();
        submit.args(submit_arguments(&world.plan, COPY));
        empty(submit);
        let mut count = program_with_keys();
        count.args(["count", "s3://reports/x.json"]);
        empty(count);
        let mut setup = program_with_keys();
        setup.args(["setup", "bucket-key", "--bucket", "demo"]);
        empty(setup);
    }
    let profiles = Profiles::new("[profile p]\nendpoint_url =\n", &keys("p"));
    let mut command = program_with_keys();
    profiles.give(&mut command);
    command.args(["count", "s3://reports/x.json", "--profile", "p"]);
    Run::of(command).expect(2).says(&["endpoint_url of profile p: it is set, but empty"]);
}

/// The program with nothing of the double but its credentials and what the environment names.
fn submit_by_environment(world: &World, operation: &[&str], named: &[&str]) -> Run {
    let mut command = program_with_keys();
    command.args(submit_arguments(&world.plan, operation));
    for variable in named {
        command.env(variable, world.double.url());
    }
    Run::of(command)
}

#[test]
fn servers_named_by_the_environment_hold_for_s3_and_s3_control_or_are_refused() {
    let world = World::new(Options::default(), 2, 2);
    let update = ["--operation", "update-encryption", "--bucket-key", "on", "--kms-key-arn", KEY];
    let both = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_S3_CONTROL"];
    for named in [&["AWS_ENDPOINT_URL"][..], &both] {
        submit_by_environment(&world, &update, named).expect(2).says(&["is not AWS"]);
    }
    submit_by_environment(&world, COPY, &both[..1])
        .expect(2)
        .says(&["AWS_ENDPOINT_URL_S3 is given without a server for S3 Control"]);
    submit_by_environment(&world, COPY, &both[1..])
        .expect(2)
        .says(&["AWS_ENDPOINT_URL_S3_CONTROL is given without a server for S3"]);
    assert!(!world.plan.join("jobs.jsonl").exists());
    submit_by_environment(&world, COPY, &["AWS_ENDPOINT_URL"])
        .expect(0)
        .says(&["note: AWS account 111122223333, as arn:aws:iam::111122223333:user/test"]);
    let all = [&both[..], &["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_IAM"]].concat();
    submit_by_environment(&world, COPY, &all).expect(0);
}

#[test]
fn the_region_of_the_environment_or_of_the_profile_is_enough_to_submit() {
    let profiles = Profiles::new("[profile p]\nregion = us-east-1\n", &keys("p"));
    for by_profile in [false, true] {
        let world = World::new(Options::default(), 2, 2);
        let all = submit_arguments(&world.plan, COPY);
        let kept = all.iter().filter(|a| !["--region", "us-east-1"].contains(&a.as_str()));
        let mut command = world.command(kept);
        if by_profile {
            profiles.give(&mut command);
            command.args(["--profile", "p"]);
        } else {
            command.env("AWS_REGION", "us-east-1");
        }
        Run::of(command).expect(0);
        assert_eq!(world.double.state().jobs.len(), 1);
    }
}

/// How a server says that a bucket is elsewhere.
#[derive(Debug, Clone, Copy)]
enum Redirect {
    Moved,
    Malformed,
    InTheBodyOnly,
}

fn elsewhere(request: &Request, regions: &BTreeMap<&str, &str>, how: Redirect) -> Script {
    let bucket = request.target().trim_start_matches('/').split(['/', '?']).next().unwrap();
    let Some(region) = regions.get(bucket).filter(|region| **region != request.region()) else {
        return Script::Pass;
    };
    let header = format!("x-amz-bucket-region: {region}\r\n");
    match how {
        Redirect::Moved => Script::Refuse("301 Moved Permanently", "PermanentRedirect", header),
        Redirect::Malformed => {
            Script::Refuse("400 Bad Request", "AuthorizationHeaderMalformed", header)
        }
        Redirect::InTheBodyOnly => Script::Answer(
            "400 Bad Request",
            String::new(),
            format!(
                "<Error><Code>AuthorizationHeaderMalformed</Code><Message>No.</Message>\
                 <Region>{region}</Region></Error>"
            ),
        ),
    }
}

#[test]
fn buckets_are_followed_into_their_regions_for_reading_listing_and_writing() {
    let buckets = Buckets::new();
    let manifest = buckets.report("", "2026-01-02T00-00Z", &[data_file(1, 150_000)]);
    fs::create_dir_all(buckets.root.path().join("plans")).unwrap();
    fs::create_dir_all(buckets.out("")).unwrap();
    let local = buckets.out("local");
    let filter = |report: &str, out: &str, endpoint: &str| {
        s3sieve_at(endpoint, ["filter", report, "--where", "Size >= 0", "--out", out]).expect(0);
    };
    let file = buckets.file(&manifest);
    filter(file.to_str().unwrap(), local.to_str().unwrap(), &buckets.server.endpoint());
    for (number, how) in
        [Redirect::Moved, Redirect::Malformed, Redirect::InTheBodyOnly].into_iter().enumerate()
    {
        let regions = BTreeMap::from([("reports", "eu-west-3"), ("plans", "ap-south-1")]);
        let refused = Arc::new(Mutex::new(0));
        let counter = Arc::clone(&refused);
        let proxy = ScriptProxy::start(buckets.server.address(), move |request| {
            // An answer to HEAD has no body to tell a region by.
            let how = if request.method() == "HEAD" { Redirect::Moved } else { how };
            let script = elsewhere(request, &regions, how);
            *counter.lock().unwrap() += usize::from(!matches!(script, Script::Pass));
            script
        })
        .unwrap();
        let plan = format!("plan-{number}");
        filter("s3://reports", &format!("s3://plans/{plan}"), &proxy.endpoint());
        let sent = tree_anywhere(&buckets.root.path().join("plans").join(&plan));
        assert!(sent == tree_anywhere(&local), "{how:?}");
        let listed = buckets.out(&format!("listed-{number}"));
        let list = ["list", "s3://reports", "--out", listed.to_str().unwrap()];
        s3sieve_at(&proxy.endpoint(), list).expect(0);
        let refused = *refused.lock().unwrap();
        assert!((3..20).contains(&refused), "{refused} requests went to the wrong region");
    }
}

#[test]
fn a_server_that_names_a_region_for_ever_is_given_up() {
    let buckets = Buckets::new();
    let requests = Arc::new(Mutex::new(0));
    let counter = Arc::clone(&requests);
    let proxy = ScriptProxy::start(buckets.server.address(), move |_| {
        let mut count = counter.lock().unwrap();
        *count += 1;
        let region = format!("x-amz-bucket-region: eu-west-{count}\r\n");
        Script::Refuse("301 Moved Permanently", "PermanentRedirect", region)
    })
    .unwrap();
    let run = s3sieve_at(&proxy.endpoint(), ["count", "s3://reports"]);
    run.expect(4).says(&["the bucket is in region eu-west-"]);
    assert!(*requests.lock().unwrap() <= 5);
}

/// An answer of STS for another account.
fn stranger() -> ScriptProxy {
    // Nothing is passed on.
    let nowhere = ([127, 0, 0, 1], 1).into();
    ScriptProxy::start(nowhere, |_| {
        let body = format!(
            "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::\
             {OTHER_ACCOUNT}:user/me</Arn><UserId>A</UserId><Account>{OTHER_ACCOUNT}</Account>\
             </GetCallerIdentityResult></GetCallerIdentityResponse>"
        );
        Script::Answer("200 OK", "content-type: text/xml\r\n".to_owned(), body)
    })
    .unwrap()
}

#[test]
fn jobs_are_not_steered_with_credentials_of_another_account() {
    let world = World::new(Options::default(), 2, 2);
    world.submit(&world.plan, &[]).expect(0);
    let stranger = stranger();
    for action in [&["run"][..], &["cancel", "--all"], &["priority", "7"]] {
        let mut command = program_with_keys();
        for variable in ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_S3_CONTROL"] {
            command.env(variable, world.double.url());
        }
        command.env("AWS_ENDPOINT_URL_STS", stranger.endpoint());
        command.args(["jobs", world.plan.to_str().unwrap()]).args(action);
        Run::of(command).expect(4).says(&[
            "the credentials are of account 444455556666",
            "arn:aws:iam::444455556666:user/me",
            "nothing was changed",
        ]);
    }
    let priority = world.double.state().jobs[0].priority;
    assert_ne!(priority, 7);
    let steered = world.jobs(&["priority", "7"]).expect(0);
    steered.says(&["AWS account 111122223333, as arn:aws:iam::111122223333:user/test"]);
}

#[test]
fn settings_are_changed_in_the_account_that_is_meant_only() {
    let lifecycle = ["setup", "lifecycle", "--bucket", "demo", "--days", "30", "--apply"];
    let denied = Options { denied: vec!["sts:GetCallerIdentity"], ..Options::default() };
    let world = World::new(Options::default(), 2, 2);
    let silent = World::new(denied, 2, 2);
    let changed = |world: &World| !world.double.state().settings.is_empty();
    let with_account =
        |world: &World, account| world.run(lifecycle.iter().chain(&["--account-id", account]));
    with_account(&world, OTHER_ACCOUNT)
        .expect(4)
        .says(&["the credentials are of account 111122223333", "nothing was changed"]);
    with_account(&silent, "111122223333").expect(4).says(&["it can't be checked", "AccessDenied"]);
    assert!(!changed(&world) && !changed(&silent));
    silent.run(lifecycle).expect(0).says(&["warning: the AWS account is unknown"]);
    with_account(&world, "111122223333").expect(0).says(&["note: AWS account 111122223333, as"]);
    assert!(changed(&world) && changed(&silent));
}
