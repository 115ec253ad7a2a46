//! What AWS refuses: one clear message each, and exit code 4.

use std::net::TcpListener;

use ground::{FaultProxy, Faults, Refusal, Refuser, SECRET_KEY};

use crate::buckets::{Buckets, data_file, program_with_keys, s3sieve_at};
use crate::fixture::Run;

const ADDRESS: &str = "s3://reports/demo/manifest.json";

#[test]
fn each_refusal_has_one_message_that_names_the_remedy() {
    let forbidden = "403 Forbidden";
    let region = "x-amz-bucket-region: eu-west-3\r\n";
    let missing = "404 Not Found";
    let cases: [(&str, &str, &str, &[&str]); 10] = [
        (forbidden, "AccessDenied", "", &["access denied", "KMS key"]),
        ("400 Bad Request", "ExpiredToken", "", &["have expired", "aws sso login"]),
        (forbidden, "InvalidAccessKeyId", "", &["does not accept the credentials"]),
        (forbidden, "RequestTimeTooSkewed", "", &["clock is more than 15 minutes wrong"]),
        ("404 Not Found", "NoSuchBucket", "", &["no such bucket"]),
        ("404 Not Found", "NoSuchKey", "", &["no such object"]),
        (missing, "NoSuchLifecycleConfiguration", "", &["it is not configured"]),
        (missing, "SomethingElse", "", &["read it: SomethingElse: No."]),
        ("301 Moved Permanently", "PermanentRedirect", region, &["give --region eu-west-3"]),
        ("400 Bad Request", "AuthorizationHeaderMalformed", region, &["--region eu-west-3"]),
    ];
    for (status, code, headers, parts) in cases {
        let refuser = Refuser::start(Refusal { status, code, message: "No.", headers }).unwrap();
        let run = s3sieve_at(&refuser.endpoint(), ["count", ADDRESS]).expect(4).says(parts);
        let told = run.stderr();
        assert!(told.starts_with(&format!("error: {ADDRESS}: cannot read it: ")), "{told}");
        assert_eq!(told.lines().count(), 1, "{told}");
        assert!(!told.contains(SECRET_KEY), "{told}");
    }
}

#[test]
fn a_listing_is_refused_in_the_same_words() {
    let buckets = Buckets::new();
    s3sieve_at(&buckets.server.endpoint(), ["count", "s3://nothing-here/p"])
        .expect(4)
        .says(&["s3://"]);
    s3sieve_at(&buckets.server.endpoint(), ["count", "s3://reports/none/"])
        .expect(3)
        .says(&["s3://reports/none/: no inventory report here"]);
}

#[test]
fn credentials_that_the_server_does_not_know_are_told_and_not_shown() {
    let buckets = Buckets::new();
    let mut command = program_with_keys();
    command.env("AWS_SECRET_ACCESS_KEY", "another-secret-of-mine");
    command.args(["count", ADDRESS, "--endpoint-url", &buckets.server.endpoint()]);
    let told = Run::of(command).expect(4).says(&["does not accept the credentials"]).stderr();
    assert!(!told.contains("another-secret-of-mine"), "{told}");
}

#[test]
fn missing_credentials_are_told() {
    let buckets = Buckets::new();
    let mut command = program_with_keys();
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    command.args(["count", ADDRESS, "--endpoint-url", &buckets.server.endpoint()]);
    Run::of(command).expect(4).says(&["no AWS credentials", "--profile"]);
}

#[test]
fn a_server_that_is_not_there_is_told() {
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let run = s3sieve_at(&format!("http://127.0.0.1:{port}"), ["count", ADDRESS]);
    run.expect(4).says(&["the server cannot be reached", "--endpoint-url"]);
}

#[test]
fn a_server_that_only_fails_is_given_up() {
    let buckets = Buckets::new();
    let manifest = buckets.report("", "2026-01-02T00-00Z", &[data_file(1, 10)]);
    let faults = Faults { seed: 1, percent: 100, only_errors: true };
    let proxy = FaultProxy::start(buckets.server.address(), faults).unwrap();
    s3sieve_at(&proxy.endpoint(), ["count", &format!("s3://reports/{manifest}")])
        .expect(4)
        .says(&["did not answer after several tries", "SlowDown"]);
    assert!(proxy.requests() > 5, "{}", proxy.requests());
}

#[test]
fn what_is_no_address_is_a_matter_of_usage() {
    let buckets = Buckets::new();
    for wrong in ["s3://", "s3:///key", "s3://a_b?c/d"] {
        let run = s3sieve_at(&buckets.server.endpoint(), ["count", wrong]);
        run.expect(2).says(&["s3://BUCKET/KEY"]);
    }
}
