//! The whole way, on more than ten thousand objects: a report in a bucket, filter, estimate,
//! submit, watch, run, report, retry, and verify with the newer report in the bucket.
//!
//! One command brings up the S3 server and the double of S3 Batch Operations and walks it:
//! `cargo test --test aws -- --ignored --nocapture walk`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use jiff::{Timestamp, ToSpan};

use crate::buckets::{DATED, Delivery};
use crate::double::{Double, Failure, Options, REGION};
use crate::fixture::{Run, gzip, manifests, plan_document, program, row};
use crate::plans::KEY;
use crate::world::submit_arguments;

/// Objects in the bucket: every third has a bucket key already, every hundredth is encrypted with
/// the customer's own key.
const OBJECTS: usize = 15_300;

/// Of the objects that are to be fixed, those whose task fails at first, and those that are gone.
const PASSING: &str = "0077";
const GONE: [usize; 3] = [1, 4, 7];

/// Data files of a report.
const FILES: usize = 4;

/// Where the walk has reports delivered; S3 makes a folder in there for each bucket and
/// configuration, and in that one for each date.
const INVENTORY: &str = "s3://inventory/daily";

fn key(number: usize) -> String {
    format!("2026/{:02}/img {number:06}+a.jpg", number % 12)
}

/// As S3 writes keys in reports.
fn encoded(key: &str) -> String {
    key.replace('+', "%2B").replace(' ', "+")
}

struct Walk {
    double: Double,
    folder: tempfile::TempDir,
}

impl Walk {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the program, and shows what a person would see.
    fn step(&self, code: i32, arguments: &[&str]) -> Run {
        let mut out = io::stdout();
        writeln!(out, "\n$ s3sieve {}", arguments.join(" ")).unwrap();
        let begun = Instant::now();
        let mut command = program();
        self.double.environment(&mut command);
        command.current_dir(self.folder.path()).args(arguments);
        let url = self.double.url();
        if arguments[0] != "estimate" {
            command.args(["--endpoint-url", &url]);
        }
        if ["submit", "jobs", "retry"].contains(&arguments[0]) {
            command.args(["--s3control-endpoint-url", &url, "--trust-endpoint"]);
        }
        let run = Run::of(command).expect(code);
        let seconds = begun.elapsed().as_secs_f64();
        let (told, shown) = (run.stderr(), run.stdout());
        writeln!(out, "{told}{shown}({seconds:.1} s, exit code {code})").unwrap();
        run
    }

    /// S3 delivers a report of the bucket as it is, begun at that time.
    fn deliver(&self, begun: Timestamp) {
        let fixed = self.double.state().updated.clone();
        let mut rows = vec![String::new(); FILES];
        for number in 0..OBJECTS {
            let key = key(number);
            if fixed.len() > 1 && GONE.contains(&number) {
                continue;
            }
            let done = fixed.contains(&("demo".to_owned(), key.clone(), String::new()));
            let (encryption, bucket_key) = match number {
                _ if number % 100 == 99 => ("SSE-C", "DISABLED"),
                _ if number % 3 == 2 || done => ("SSE-KMS", "ENABLED"),
                _ => ("SSE-KMS", "DISABLED"),
            };
            rows[number * FILES / OBJECTS] +=
                &row(&["demo", &encoded(&key), "7", encryption, bucket_key]);
        }
        let files: Vec<Vec<u8>> = rows.iter().map(|rows| gzip(rows.as_bytes())).collect();
        let delivery = Delivery {
            bucket: "inventory",
            folder: "daily/demo/s3sieve/",
            dated: &begun.strftime(DATED).to_string(),
            columns: "Bucket, Key, Size, EncryptionStatus, BucketKeyStatus",
        };
        let put = |key: &str, bytes: &[u8]| self.double.put("inventory", key, bytes);
        delivery.put(&files, put);
    }

    fn submit(&self, plan: &str, code: i32) -> Run {
        let operation = ["--operation", "update-encryption", "--kms-key-arn", KEY];
        let operation = [&operation[..], &["--bucket-key", "on"]].concat();
        let arguments = submit_arguments(Path::new(plan), &operation);
        self.step(code, &arguments.iter().map(String::as_str).collect::<Vec<_>>())
    }
}

#[test]
#[ignore = "takes a minute: run by name"]
fn walk_the_whole_way() {
    let passing = Failure {
        key_part: PASSING,
        code: "SlowDown",
        status: 503,
        message: "Please reduce your request rate.",
        once: true,
    };
    let options = Options { failures: vec![passing], report_rows_max: 50, ..Options::default() };
    let walk = Walk { double: Double::start(options), folder: tempfile::tempdir().unwrap() };
    let wanted = |number: &usize| number % 100 != 99 && number % 3 != 2;
    let to_fix: Vec<usize> = (0..OBJECTS).filter(wanted).collect();
    walk.double.create_bucket("inventory", REGION);
    for number in 0..OBJECTS {
        if !GONE.contains(&number) {
            walk.double.put("demo", &key(number), b"picture");
        }
    }
    let now = Timestamp::now();
    walk.deliver(now - 25.hours());
    walk.deliver(now - 1.hour());

    walk.step(0, &["setup", "inventory", "--bucket", "demo", "--destination", INVENTORY]);
    walk.step(0, &["inspect", INVENTORY]);
    walk.step(0, &["count", INVENTORY, "--by", "EncryptionStatus,BucketKeyStatus"]);
    let expression = "EncryptionStatus = 'SSE-KMS' AND BucketKeyStatus = 'DISABLED'";
    let filter = ["filter", INVENTORY, "--where", expression, "--for", "update-encryption"];
    walk.step(0, &[&filter[..], &["--max-objects", "1500", "--out", "plan"]].concat());
    let lines = to_fix.iter().map(|number| format!("demo,{}\n", encoded(&key(*number))));
    assert!(manifests(&walk.path("plan")) == lines.collect::<String>());
    walk.step(0, &["estimate", "plan"]);
    let submitted = walk.submit("plan", 0);
    assert!(submitted.stdout().contains("6 jobs created."), "{}", submitted.story());
    walk.step(0, &["jobs", "plan", "list"]);
    walk.step(0, &["jobs", "plan", "watch", "--interval", "0.2"]);
    walk.step(5, &["jobs", "plan", "run", "--interval", "0.2"]);
    walk.step(5, &["jobs", "plan", "report"]);

    walk.step(0, &["retry", "plan", "--out", "plan-2"]);
    let passing = to_fix.iter().filter(|number| encoded(&key(**number)).contains(PASSING)).count();
    let gone = GONE.iter().filter(|number| wanted(number)).count();
    assert_eq!(plan_document(&walk.path("plan-2"))["totals"]["rows_matched"], passing + gone);
    assert_eq!(plan_document(&walk.path("plan-2"))["totals"]["rows_excluded"], gone);
    walk.submit("plan-2", 0);
    walk.step(0, &["jobs", "plan-2", "run", "--interval", "0.2"]);

    walk.deliver(now + 1.hour());
    let proof = walk.step(0, &["verify", "plan", INVENTORY, "--format", "json"]);
    let proof = proof.json();
    assert_eq!(proof["objects_done"], to_fix.len() - gone, "{proof:#}");
    assert_eq!(proof["objects_gone"], gone, "{proof:#}");
    assert_eq!(walk.double.state().updated.len(), to_fix.len() - gone);
}
