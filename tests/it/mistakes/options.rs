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
    ];
    assert_reviewed("options", &shown(&ground, cases));
}

#[test]
fn of_operations() {
    let ground = Ground::new();
    let parameters: [&[&str]; 24] = [
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
