//! The AWS CLI and the AWS SDK send the same request, for every operation.
//!
//! The CLI is the outside judge: it checks a request against AWS's own model, and serializes it
//! with code that shares nothing with ours. It takes what `submit --dry-run --format json` prints.
//! Run by name, with `S3SIEVE_AWS_CLI` naming the CLI:
//! `cargo test --test aws -- --ignored aws_cli`.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use aws_sdk_s3control::Client;
use aws_sdk_s3control::config::endpoint::{Endpoint, EndpointFuture, Params, ResolveEndpoint};
use aws_sdk_s3control::config::retry::RetryConfig;
use aws_sdk_s3control::config::{BehaviorVersion, Config, Credentials, Region};
use serde_json::{Value, json};

use crate::buckets::with_keys;
use crate::double::{ACCOUNT, Double, Options};
use crate::plans::{
    OPERATIONS, PlanFolder, SPLIT_OPERATIONS, archived_plan, inventory_plan_for, requests,
    seed_plan, seed_plan_for,
};
use crate::world::World;

/// A client that has not sent its request by then never will: the CLI starts in about a second.
const PATIENCE: Duration = Duration::from_secs(60);

const ANSWER: &str = "<?xml version=\"1.0\"?>\
    <CreateJobResult xmlns=\"http://awss3control.amazonaws.com/doc/2018-08-20/\">\
    <JobId>00000000-0000-0000-0000-000000000000</JobId></CreateJobResult>";

/// A request as it came.
#[derive(Debug)]
struct Sent {
    path: String,
    headers: BTreeMap<String, String>,
    body: String,
}

/// Takes one request while `send` runs, and answers that a job was made.
fn sent(send: impl FnOnce(u16)) -> Sent {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let receiver = thread::spawn(move || answer(accept(&listener)));
    send(port);
    receiver.join().unwrap()
}

fn accept(listener: &TcpListener) -> TcpStream {
    listener.set_nonblocking(true).unwrap();
    let begun = Instant::now();
    loop {
        if let Ok((stream, _)) = listener.accept() {
            stream.set_nonblocking(false).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            return stream;
        }
        assert!(begun.elapsed() < PATIENCE, "no request came");
        thread::sleep(Duration::from_millis(10));
    }
}

fn answer(stream: TcpStream) -> Sent {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let target = line.strip_prefix("POST ").and_then(|rest| rest.split(' ').next()).unwrap();
    // Through a proxy, the host stands before the path.
    let path = target.find("/v20180820").map(|at| target[at..].to_owned()).unwrap();
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let mut body = vec![0; headers["content-length"].parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    let mut stream = reader.into_inner();
    let length = ANSWER.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nConnection: close\r\n\
         Content-Length: {length}\r\n\r\n{ANSWER}"
    )
    .unwrap();
    Sent { path, headers, body: String::from_utf8(body).unwrap() }
}

/// The CLI puts the account before the host whatever it is told, so that an address can't be its
/// endpoint. A proxy can: then it asks for no address at all.
fn sent_by_the_cli(folder: &Path, request: &Value) -> Sent {
    let Some(cli) = std::env::var_os("S3SIEVE_AWS_CLI") else {
        panic!("S3SIEVE_AWS_CLI must name the AWS CLI");
    };
    let file = folder.join("request.json");
    fs::write(&file, request.to_string()).unwrap();
    sent(|port| {
        let output = with_keys(&mut Command::new(&cli))
            .args(["s3control", "create-job", "--region", "us-east-1"])
            .args(["--endpoint-url", "http://s3-control.test", "--cli-input-json"])
            .arg(format!("file://{}", file.display()))
            .env("http_proxy", format!("http://127.0.0.1:{port}"))
            .env_remove("no_proxy")
            .env_remove("NO_PROXY")
            .env("AWS_MAX_ATTEMPTS", "1")
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "the CLI refuses {request:#}\n{told}");
    })
}

/// Everything is at one address.
#[derive(Debug)]
struct At(String);

impl ResolveEndpoint for At {
    fn resolve_endpoint<'a>(&'a self, _: &'a Params) -> EndpointFuture<'a> {
        EndpointFuture::ready(Ok(Endpoint::builder().url(self.0.clone()).build()))
    }
}

fn sent_by_the_sdk(request: &Value) -> Sent {
    let input = s3sieve::internal::create_job_input(request).unwrap();
    sent(|port| {
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("nobody", "nothing", None, None, "test"))
            .retry_config(RetryConfig::disabled())
            .endpoint_resolver(At(format!("http://127.0.0.1:{port}")))
            .build();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let output = runtime.block_on(input.send_with(&Client::from_conf(config)));
        assert_eq!(output.unwrap().job_id(), Some("00000000-0000-0000-0000-000000000000"));
    })
}

/// The CLI's body as the SDK would have written it. They differ in how they write the same XML, and
/// in nothing else: an element with nothing in it is `<A />` by the CLI (Python's `ElementTree`)
/// and `<A></A>` by the SDK; a quotation mark within a text is `"` by the CLI and `&quot;` by the
/// SDK. Both escape `<` and `>` in texts, so that these only bound tags.
fn as_the_sdk_writes_it(body: &str) -> String {
    let mut text = String::new();
    for piece in body.split_inclusive('>') {
        let (within, tag) = piece.split_at(piece.find('<').unwrap_or(piece.len()));
        text.push_str(&within.replace('"', "&quot;"));
        match tag.strip_prefix('<').and_then(|tag| tag.strip_suffix(" />")) {
            Some(name) => text.push_str(&format!("<{name}></{name}>")),
            None => text.push_str(tag),
        }
    }
    text
}

fn compare(folder: &Path, request: &Value) {
    let by_cli = sent_by_the_cli(folder, request);
    let by_sdk = sent_by_the_sdk(request);
    assert_eq!(by_sdk.body, as_the_sdk_writes_it(&by_cli.body));
    for sent in [by_cli, by_sdk] {
        assert_eq!(sent.path, "/v20180820/jobs");
        assert_eq!(sent.headers["x-amz-account-id"], "111122223333");
        for part in ["<CreateJobRequest ", "<ObjectArn>arn:aws:s3:::manifests/s3sieve/plan-"] {
            assert!(sent.body.contains(part), "{sent:?}");
        }
    }
}

fn compare_all(plan: &PlanFolder, arguments: &[&str]) {
    for request in requests(&plan.path, arguments) {
        compare(&plan.path, &request);
    }
}

#[test]
#[ignore = "needs the AWS CLI: S3SIEVE_AWS_CLI names it"]
fn aws_cli_and_sdk_send_the_same_for_every_operation() {
    let job = ["--tag", "team=storage", "--report-scope", "AllTasks", "--no-confirmation"];
    for arguments in OPERATIONS {
        compare_all(&seed_plan_for(arguments), &[arguments, &job].concat());
    }
    compare_all(&inventory_plan_for(OPERATIONS[0]), OPERATIONS[0]);
    let plan = archived_plan();
    for arguments in SPLIT_OPERATIONS {
        compare_all(&plan, arguments);
    }
}

#[test]
#[ignore = "needs the AWS CLI: S3SIEVE_AWS_CLI names it"]
fn aws_cli_and_sdk_send_the_same_for_operations_that_are_given() {
    let (plan, for_copies) = (seed_plan(), seed_plan_for(&["copy"]));
    let file = plan.path.join("operation.json");
    let grants = json!([{
        "Grantee": {"TypeIdentifier": "id", "Identifier": "abc", "DisplayName": "somebody"},
        "Permission": "READ",
    }]);
    for operation in [
        json!({"S3PutObjectAcl": {"AccessControlPolicy": {"AccessControlList":
            {"Owner": {"ID": "abc", "DisplayName": "me"}, "Grants": grants}}}}),
        json!({"S3PutObjectCopy": {"TargetResource": "arn:aws:s3:::target",
            "AccessControlGrants": grants, "NewObjectTagging": []}}),
        json!({"S3PutObjectRetention": {"Retention": {}}}),
    ] {
        fs::write(&file, operation.to_string()).unwrap();
        let is_copy = operation.get("S3PutObjectCopy").is_some();
        let plan = if is_copy { &for_copies } else { &plan };
        compare_all(plan, &["--operation-json", file.to_str().unwrap()]);
    }
}

/// The CLI, towards a double: requests to S3 Control go through it as a proxy, for the CLI puts the
/// account before the host.
fn told_by_the_cli(double: &Double, arguments: &[&str]) -> Value {
    let Some(cli) = std::env::var_os("S3SIEVE_AWS_CLI") else {
        panic!("S3SIEVE_AWS_CLI must name the AWS CLI");
    };
    let mut command = Command::new(&cli);
    double.environment(&mut command);
    command.args(arguments).args(["--region", "us-east-1", "--output", "json"]);
    if arguments[0] == "s3control" {
        command.args(["--endpoint-url", "http://s3-control.test", "--account-id", ACCOUNT]);
        command.env("http_proxy", double.url()).env_remove("no_proxy").env_remove("NO_PROXY");
    }
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}\n{told}");
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

/// The double keeps the contract well enough for a client that is not ours.
#[test]
#[ignore = "needs the AWS CLI: S3SIEVE_AWS_CLI names it"]
fn aws_cli_gets_along_with_the_double() {
    let world = World::new(Options::default(), 5, 5);
    let dry = ["--dry-run", "--format", "json", "--report-scope", "AllTasks"];
    let dry = world.submit(&world.plan, &dry).expect(0).json();
    let mut request = dry["requests"][0]["request"].clone();
    let arn = request["Manifest"]["Location"]["ObjectArn"].as_str().unwrap().to_owned();
    let object = arn.strip_prefix("arn:aws:s3:::manifests/").unwrap();
    let manifest = world.plan.join("manifests/00000.csv");
    let cli = |arguments: &[&str]| told_by_the_cli(&world.double, arguments);
    let body = manifest.to_str().unwrap();
    let put = [
        "s3api",
        "put-object",
        "--bucket",
        "manifests",
        "--key",
        object,
        "--body",
        body,
        "--server-side-encryption",
        "AES256",
    ];
    request["Manifest"]["Location"]["ETag"] = cli(&put)["ETag"].clone();
    let file = world.path("request.json");
    fs::write(&file, request.to_string()).unwrap();
    let input = format!("file://{}", file.display());
    let create = ["s3control", "create-job", "--cli-input-json", &input];
    let id = cli(&create)["JobId"].as_str().unwrap().to_owned();
    assert_eq!(cli(&create)["JobId"], id.as_str(), "the same token makes the same job");
    let describe = || cli(&["s3control", "describe-job", "--job-id", &id])["Job"].clone();
    let wait_for = |status: &str| {
        let begun = Instant::now();
        loop {
            let job = describe();
            if job["Status"] == status {
                return job;
            }
            assert!(begun.elapsed() < PATIENCE, "{job:#}");
        }
    };
    let job = wait_for("Suspended");
    assert_eq!(job["Operation"], request["Operation"]);
    assert_eq!(job["Manifest"]["Spec"], request["Manifest"]["Spec"]);
    assert_eq!(job["Report"]["ReportScope"], "AllTasks");
    let priority = ["s3control", "update-job-priority", "--job-id", &id, "--priority", "42"];
    assert_eq!(cli(&priority)["Priority"], 42);
    let run =
        ["s3control", "update-job-status", "--job-id", &id, "--requested-job-status", "Ready"];
    assert_eq!(cli(&run)["Status"], "Ready");
    let job = wait_for("Complete");
    assert_eq!(job["ProgressSummary"]["NumberOfTasksSucceeded"], 5);
    let jobs = cli(&["s3control", "list-jobs", "--job-statuses", "Complete"])["Jobs"].clone();
    assert_eq!(jobs[0]["JobId"], id.as_str());
    assert_eq!(jobs[0]["Operation"], "S3PutObjectCopy");
    let report = format!("s3sieve/job-{id}/manifest.json");
    assert!(world.double.get("reports", &report).is_some());
}
