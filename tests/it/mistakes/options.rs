//! Options that do not exist, do not go together, or have values that can't be.

use super::ground::Ground;
use super::{assert_reviewed, shown};

/// What `submit` needs besides an operation.
const SUBMIT: [&str; 13] = [
    "submit",
    "plan",
    "--dry-run",
    "--account-id",
    "111122223333",
    "--region",
    "us-east-1",
    "--manifest-bucket",
    "s3://manifests/s3sieve",
    "--report",
    "s3://reports/jobs",
    "--role-arn",
    "arn:aws:iam::111122223333:role/batch",
];

#[test]
fn of_options() {
    let ground = Ground::new();
    let cases: &[&[&str]] = &[
        &[],
        &["cuont", "report"],
        &["select", "report"],
        &["count"],
        &["count", "report", "Size > 5"],
        &["count", "report", "--were", "Size > 5"],
        &["count", "report", "--where"],
        &["count", "report", "--where", "Size", ">", "5"],
        &["count", "report", "--sql", "SELECT * FROM S3Object"],
        &["count", "report", "--json"],
        &["count", "report", "--limit", "10"],
        &["count", "report", "--by", "Clas"],
        &["count", "report", "--by", "StorageClass;Size"],
        &["count", "report", "--threads", "0"],
        &["count", "report", "--threads", "many"],
        &["count", "report", "--format", "csv"],
        &["count", "report", "--verify", "none"],
        &["filter", "report"],
        &["filter", "report", "--out", "new"],
        &["filter", "report", "--where", "IsLatest"],
        &["filter", "report", "--where", "IsLatest", "--out", "-"],
        &["filter", "report", "--where", "IsLatest", "--out", "/dev/stdout"],
        &["filter", "report", "--where", "IsLatest", "--out", "s3:/manifests/plan"],
        &["filter", "report", "--where", "IsLatest", "--out", "report"],
        &["filter", "report", "--where", "IsLatest", "--out", "list.csv"],
        &["filter", "report", "--where", "Size > 5", "--out", "plan"],
        &["filter", "report", "--where", "IsLatest", "--sql", "SELECT *", "--out", "new"],
        &["filter", "report", "--where", "IsLatest", "--out", "new", "--for", "delete"],
        &["filter", "report", "--where", "IsLatest", "--out", "new", "--max-objects", "0"],
        &["filter", "report", "--where", "IsLatest", "--out", "new", "--max-bytes", "lots"],
        &["filter", "report", "--where", "IsLatest", "--out", "new", "--split-by", "Prefix"],
        &["filter", "report", "--where", "IsLatest", "--out", "new", "--emit", "inventory"],
        &["synth", "--rows", "ten", "--out", "new"],
        &["synth", "--rows", "10", "--out", "report"],
        &["synth", "--rows", "10", "--out", "-"],
        &["estimate", "plan", "--prices", "nowhere.json"],
        &["estimate", "plan", "--operation", "delete"],
        &["estimate", "plan", "--storage-class", "COLD"],
        &["count", "report", "--output", "json"],
        &["count", "report", "--output=json"],
        &["synth", "--rows", "10", "--out", "new", "--json"],
        &["policy", "plan", "--format", "json"],
        &["policy", "plan", "--output", "json"],
        &["filter", "report", "--where", "IsLatest", "--out", "new", "--tag", "team=blue"],
        &["estimate", "plan", "--object-tag", "team=blue"],
        &["estimate", "plan", "--query", "Size > 5"],
        &["inspect", "report", "-o", "new"],
        &["filter", "report", "--prefix", "logs/", "--out", "new"],
        &["synth", "--rows", "10", "--out", "new", "--file-format", "orc"],
        &["synth", "--rows", "10", "--out", "new", "--delete-markers", "5"],
        &["synth", "--rows", "10", "--out", "new", "--null-versions", "2"],
        &["synth", "--rows", "10", "--out", "new", "--columns", "Key"],
        &["synth", "--rows", "10", "--out", "new", "--columns", "Bucket,Key,Foo"],
        &["synth", "--rows", "10", "--out", "new", "--share", "Key=a:1"],
        &["count", "--report", "report"],
        &["version"],
        &["submit", "plan", "--dryrun"],
        &["--format", "json", "count", "report"],
        &["--format=json"],
        &["--where", "Size > 5", "count", "report"],
        &["bench", "report", "--out", "plan"],
        &["bench", "few", "--runs", "1", "--out", "new"],
        &["filter", "report", "--sql", "SELECT * FROM S3Object LIMIT 0", "--out", "no-rows"],
        &["filter", "report", "--where", "Size = 7", "--out", "none-7"],
    ];
    assert_reviewed("options", &shown(&ground, cases));
}

/// Of commands that come with AWS. None gets as far as to ask it anything.
#[test]
#[cfg(feature = "aws")]
fn of_services() {
    let ground = Ground::new();
    let cases: &[&[&str]] = &[
        &["jobs", "plan", "priority", "high"],
        &["jobs", "priority", "high"],
        &["jobs", "priority", "plan", "high"],
        &["jobs", "plan", "priority", "-1"],
        &["jobs", "plan", "priority"],
        &["jobs", "plan", "priority", "3000000000"],
        &["jobs", "plan"],
        &["jobs", "plan", "stop"],
        &["jobs", "plan", "list"],
        &["jobs", "plan", "cancel"],
        &["jobs", "nowhere", "list"],
        &["jobs", "plan", "watch", "--interval", "often"],
        &["jobs", "plan", "run", "--max-active", "0"],
        &["jobs", "plan", "list", "--object-tag", "team=blue"],
        &["jobs", "plan", "list", "--output", "json"],
        &["setup"],
        &["setup", "inventory"],
        &["setup", "inventory", "--bucket", "s3://photos", "--destination", "s3://reports/x"],
        &["setup", "inventory", "--bucket", "photos", "--destination", "reports"],
        &["setup", "bucket-key", "--bucket", "photos", "--output", "json"],
        &["setup", "bucket-key", "--bucket", "photos", "--tag", "team=blue"],
        &["setup", "bucket-key", "--bucket", "photos", "--kms-key-arn", "alias/mine"],
        &["setup", "bucket-key", "--bucket", "photos", "--format", "json"],
        &["setup", "bucket-key", "--bucket", "photos", "--dry-run"],
        &["setup", "lifecycle", "--bucket", "photos"],
        &["setup", "lifecycle", "--bucket", "photos", "--days", "0"],
        &["setup", "lifecycle", "--bucket", "photos", "--days", "30d"],
        &["setup", "role", "plan"],
        &["retry", "plan"],
        &["retry", "plan", "--out", "new"],
    ];
    assert_reviewed("services", &shown(&ground, cases));
}

/// Of `verify` and what is asked of a plan.
#[test]
fn of_proofs() {
    let ground = Ground::new();
    let cases: &[&[&str]] = &[
        &["verify"],
        &["verify", "plan"],
        &["verify", "report", "plan"],
        &["verify", "plan", "report"],
        &["verify", "plan", "report", "--keep-going"],
        &["verify", "plan", "report", "--force"],
        &["verify", "plan", "report", "--out", "plan"],
        &["verify", "plan", "report", "--memory", "lots"],
        &["verify", "plan", "report", "--where"],
        &["verify", "plan", "report", "--for", "copy"],
        &["verify", "plan/plan.json", "report"],
        &["estimate", "report"],
        &["estimate", "plan", "--region", "Frankfurt"],
        &["estimate", "plan", "--for", "copy"],
        &["estimate", "plan", "--operation", "copy", "--storage-class", "REDUCED_REDUNDANCY"],
        &["estimate", "plan", "--source-objects", "1e9"],
        &["estimate", "plan", "--source-objects", "1"],
    ];
    assert_reviewed("proofs", &shown(&ground, cases));
}

#[test]
fn of_operations() {
    let ground = Ground::new();
    let parameters: [&[&str]; 28] = [
        &[],
        &["--operation", "delete"],
        &["--operation", "copy"],
        &["--operation", "copy", "--target-bucket", "Demo_Bucket"],
        &["--operation", "copy", "--target-bucket", "s3://copies"],
        &["--operation", "copy", "--target-bucket", "copies", "--storage-class", "COLD"],
        &["--operation", "update-encryption"],
        &["--operation", "update-encryption", "--kms-key-arn", "alias/key"],
        &["--operation", "tag"],
        &["--operation", "tag", "--object-tag", "team"],
        &["--operation", "restore"],
        &["--operation", "restore", "--restore-days", "0", "--restore-tier", "BULK"],
        &["--operation", "restore", "--restore-days", "7", "--restore-tier", "EXPEDITED"],
        &["--operation", "acl", "--acl", "public"],
        &["--operation", "legal-hold", "--legal-hold", "maybe"],
        &["--operation", "retention", "--retention-mode", "FOREVER"],
        &["--operation", "retention", "--retention-mode", "GOVERNANCE", "--retain-until", "soon"],
        &["--operation", "lambda"],
        &["--operation", "lambda", "--function-arn", "my-function"],
        &["--operation", "checksum", "--checksum-algorithm", "MD4"],
        &["--operation", "tag", "--restore-days", "7"],
        &["--operation-json", "nowhere.json"],
        &["--operation-json", "other.json"],
        &["--operation", "delete-tags", "--priority", "-1"],
        &["--operation", "delete-tags", "--priority", "high"],
        &["--operation", "tag", "--tag", "team=blue"],
        &["--operation", "tag", "--tags", "team=blue"],
        &["--operation", "copy", "--target-bucket", "copies", "--object-tags", "team=blue"],
    ];
    let lines = parameters.map(|more| {
        let mut words = [&SUBMIT, more].concat();
        if more.contains(&"copy") {
            words[1] = "copies";
        }
        words
    });
    let mut cases: Vec<&[&str]> = lines.iter().map(Vec::as_slice).collect();
    let tags = ["--operation", "delete-tags"];
    let bad_account = ["--account-id", "1111"];
    let without = |left_out: &str| {
        let at = SUBMIT.iter().position(|word| *word == left_out).unwrap();
        let mut words = [&SUBMIT, tags.as_slice()].concat();
        words.drain(at..at + 2);
        words
    };
    let more = [
        without("--account-id"),
        without("--role-arn"),
        without("--report"),
        without("--manifest-bucket"),
        [without("--account-id").as_slice(), &bad_account].concat(),
        [without("--role-arn").as_slice(), &["--role-arn", "batch"]].concat(),
        [without("--report").as_slice(), &["--report", "reports/jobs"]].concat(),
    ];
    cases.extend(more.iter().map(Vec::as_slice));
    assert_reviewed("operations", &shown(&ground, &cases));
}
