//! A server that takes connections and never answers, and no credentials at all: each is told in
//! one sentence, soon.

use std::io::Read;
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use crate::buckets::s3sieve_at;
use crate::double::Options;
use crate::fixture::{Run, program};
use crate::world::{COPY, World, submit_arguments};

/// A server that reads what it is sent, and says nothing. Its threads end with the test program.
fn silent_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(|| {
                let mut rest = Vec::new();
                stream.unwrap().read_to_end(&mut rest).unwrap_or_default();
            });
        }
    });
    address
}

/// Commands end this soon after a bound of a second; two requests may wait for it.
const SOON: Duration = Duration::from_secs(20);

#[test]
fn a_silent_server_is_given_up_after_the_bound_and_named() {
    let host = silent_server();
    let begun = Instant::now();
    let told = format!("{host} did not answer within 1 s, the bound of --aws-timeout");
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let ways: [&[&str]; 3] = [
        &["inspect", "s3://reports/demo/"],
        &["count", "s3://reports/demo/manifest.json"],
        &["list", "s3://reports", "--out", out.to_str().unwrap()],
    ];
    for way in ways {
        let bound = ["--aws-timeout", "1"];
        s3sieve_at(&format!("http://{host}"), [way, &bound].concat()).expect(4).says(&[&told]);
    }
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
}

#[test]
fn preflight_ends_at_the_first_silence() {
    let host = silent_server();
    let url = format!("http://{host}");
    let world = World::new(Options::default(), 2, 2);
    let mut command = program();
    world.double.environment(&mut command);
    command.args(submit_arguments(&world.plan, COPY)).args(["--aws-timeout", "1"]);
    command.args(["--endpoint-url", &url, "--s3control-endpoint-url", &url]);
    let begun = Instant::now();
    let run = Run::of(command).expect(4);
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    let told = format!("{host} did not answer within 1 s");
    assert_eq!(run.stderr().matches(&told).count(), 1, "{}", run.story());
}

/// Long before it is given up, it is said what is waited for.
#[test]
fn a_late_answer_is_told_of() {
    let host = silent_server();
    let bound = ["inspect", "s3://reports/demo/", "--aws-timeout", "7"];
    let run = s3sieve_at(&format!("http://{host}"), bound).expect(4);
    let waiting = format!("note: waiting for an answer of {host}; without one, this ends after 7");
    assert_eq!(run.stderr().matches(&waiting).count(), 1, "{}", run.story());
}

#[test]
fn without_credentials_one_sentence_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let ways: [&[&str]; 3] = [
        &["inspect", "s3://reports/demo/"],
        &["list", "s3://reports", "--out", out.to_str().unwrap()],
        &["setup", "bucket-key", "--bucket", "demo", "--region", "us-east-1"],
    ];
    // A metadata service that is not there, and none that may be asked.
    for (variable, value) in [
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ] {
        for way in ways {
            let mut command = program();
            command.env_clear().env("HOME", folder.path()).env(variable, value).args(way);
            let run = Run::of(command).expect(4);
            let told = run.stderr();
            assert_eq!(told.lines().count(), 1, "{}", run.story());
            assert!(told.contains("no AWS credentials (none in the environment"), "{told}");
            for word in ["IMDS", "dispatch", "chain", "provider"] {
                assert!(!told.contains(word), "{word}: {told}");
            }
        }
    }
}
