//! The whole way, on more than ten thousand objects: inventory in a bucket, filter, estimate,
//! submit, watch, run, report, retry, verify.
//!
//! One command brings up the S3 server and the double of S3 Batch Operations and walks it:
//! `cargo test -p s3sieve --test it -- --ignored --nocapture walk`.
//!
//! Reports are in the bucket alone, and are read from there.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Value, json};

use crate::double::{ACCOUNT, Double, Failure, Options, REGION};
use crate::fixture::{Run, gzip, md5, program, row};
use crate::jobs::KEY;

/// Objects in the bucket: every third has a bucket key already, every hundredth is encrypted with
/// the customer's own key.
const OBJECTS: usize = 15_300;

/// Of the objects that are to be fixed, those whose task fails at first, and those that are gone.
const PASSING: &str = "0077";
const GONE: [usize; 3] = [1, 4, 7];

/// Where inventory is delivered: the newest complete report below it is taken.
const REPORTS: &str = "s3://reports/inventory/demo/all";

/// Rows in a data file of a report.
const FILE_ROWS: usize = 4_000;

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
        self.double.environment(&mut command, &self.path("empty"));
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

    /// Puts a report of the bucket as it is into the bucket of reports.
    fn report(&self, name: &str, created_ms: u64) {
        let fixed = self.double.state().updated.clone();
        let mut rows = Vec::new();
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
            rows.push(row(&["demo", &encoded(&key), "7", encryption, bucket_key]));
        }
        let mut files = Vec::new();
        for (number, rows) in rows.chunks(FILE_ROWS).enumerate() {
            let data = gzip(rows.concat().as_bytes());
            let key = format!("inventory/demo/all/data/{name}-{number}.csv.gz");
            self.double.put("reports", &key, &data);
            files.push(json!({"key": key, "size": data.len(), "MD5checksum": md5(&data)}));
        }
        let manifest = json!({
            "sourceBucket": "demo",
            "destinationBucket": "arn:aws:s3:::reports",
            "version": "2016-11-30",
            "creationTimestamp": created_ms.to_string(),
            "fileFormat": "CSV",
            "fileSchema": "Bucket, Key, Size, EncryptionStatus, BucketKeyStatus",
            "files": files,
        });
        let text = manifest.to_string().into_bytes();
        let folder = format!("inventory/demo/all/{name}");
        self.double.put("reports", &format!("{folder}/manifest.json"), &text);
        self.double.put("reports", &format!("{folder}/manifest.checksum"), md5(&text).as_bytes());
    }

    fn submit(&self, plan: &str, code: i32) -> Run {
        self.step(
            code,
            &[
                "submit",
                plan,
                "--operation",
                "update-encryption",
                "--kms-key-arn",
                KEY,
                "--bucket-key",
                "on",
                "--account-id",
                ACCOUNT,
                "--region",
                REGION,
                "--role-arn",
                "arn:aws:iam::111122223333:role/batch",
                "--manifest-bucket",
                "s3://manifests/s3sieve",
                "--report",
                "s3://reports/done",
            ],
        )
    }
}

fn plan(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("plan.json")).unwrap()).unwrap()
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
    fs::write(walk.path("empty"), "").unwrap();
    let wanted = |number: &usize| number % 100 != 99 && number % 3 != 2;
    let to_fix: Vec<usize> = (0..OBJECTS).filter(wanted).collect();
    for number in 0..OBJECTS {
        if !GONE.contains(&number) {
            walk.double.put("demo", &key(number), b"picture");
        }
    }
    let now = jiff::Timestamp::now().as_millisecond() as u64;
    walk.report("2026-11-01T01-00Z", now - 3_600_000);

    walk.step(0, &["setup", "inventory", "--bucket", "demo", "--destination", "s3://reports/in"]);
    walk.step(0, &["inspect", REPORTS]);
    let expression = "EncryptionStatus = 'SSE-KMS' AND BucketKeyStatus = 'DISABLED'";
    let filter = ["filter", REPORTS, "--where", expression];
    let more = ["--for", "update-encryption", "--max-objects", "1500", "--out", "plan"];
    walk.step(0, &[&filter[..], &more].concat());
    assert_eq!(plan(&walk.path("plan"))["totals"]["matched"], to_fix.len());
    walk.step(0, &["estimate", "plan"]);
    let submitted = walk.submit("plan", 0);
    assert!(submitted.stdout().contains("6 jobs created."), "{}", submitted.story());
    walk.step(0, &["jobs", "plan", "list"]);
    walk.step(5, &["jobs", "plan", "run", "--interval", "0.2"]);
    walk.step(5, &["jobs", "plan", "report"]);

    walk.step(0, &["retry", "plan", "--out", "plan-2"]);
    let passing = to_fix.iter().filter(|number| encoded(&key(**number)).contains(PASSING)).count();
    let gone = GONE.iter().filter(|number| wanted(number)).count();
    assert_eq!(plan(&walk.path("plan-2"))["totals"]["matched"], passing + gone);
    assert_eq!(plan(&walk.path("plan-2"))["totals"]["excluded"], gone);
    walk.submit("plan-2", 0);
    walk.step(0, &["jobs", "plan-2", "run", "--interval", "0.2"]);

    walk.report("2026-11-02T01-00Z", now + 3_600_000);
    let proof = walk.step(0, &["verify", "plan", REPORTS, "--format", "json"]);
    let proof = proof.json();
    assert_eq!(proof["done"], to_fix.len() - gone, "{proof:#}");
    assert_eq!(proof["gone"], gone, "{proof:#}");
    assert_eq!(walk.double.state().updated.len(), to_fix.len() - gone);
}
