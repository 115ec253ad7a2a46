//! Plans to submit, the parameters of every operation, and what `submit --dry-run` makes of them.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::fixture::{ReportFolder, Run, row, s3sieve, seed};

/// Where jobs run, read and write.
pub(crate) const PLACE: [&str; 10] = [
    "--account-id",
    "111122223333",
    "--region",
    "us-east-1",
    "--role-arn",
    "arn:aws:iam::111122223333:role/batch",
    "--manifest-bucket",
    "s3://manifests/s3sieve",
    "--report",
    "s3://reports/s3sieve",
];

pub(crate) const KEY: &str =
    "arn:aws:kms:us-east-1:111122223333:key/01234567-89ab-cdef-0123-456789abcdef";

/// A plan, with the folder that goes when it does.
pub(crate) struct PlanFolder {
    _folder: TempDir,
    pub path: PathBuf,
}

/// The plan of the sample report.
pub(crate) fn seed_plan() -> PlanFolder {
    seed_plan_with(&[])
}

/// The same, for an operation of [`OPERATIONS`]: copies of versions need a plan that was made for
/// them.
pub(crate) fn seed_plan_for(operation: &[&str]) -> PlanFolder {
    seed_plan_with(made_for(operation))
}

/// The plan of the sample report, with manifests that are inventory reports.
pub(crate) fn inventory_plan_for(operation: &[&str]) -> PlanFolder {
    let inventory = ["--emit", "inventory", "--manifest-bucket", "s3://manifests/s3sieve"];
    seed_plan_with(&[&inventory, made_for(operation)].concat())
}

fn made_for(operation: &[&str]) -> &'static [&'static str] {
    let is_copy = operation.contains(&"copy");
    if is_copy { &["--for", "copy", "--storage-class", "STANDARD"] } else { &[] }
}

/// The same, with these flags.
pub(crate) fn seed_plan_with(flags: &[&str]) -> PlanFolder {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan");
    let (report, out) = (seed(), path.to_str().unwrap());
    let status = "BucketKeyStatus = 'DISABLED'";
    let command = ["filter", report.to_str().unwrap(), "--where", status, "--out", out];
    s3sieve(command.iter().chain(flags)).expect(0);
    PlanFolder { _folder: folder, path }
}

/// A plan of archived objects, with a manifest for each storage class.
pub(crate) fn archived_plan() -> PlanFolder {
    let text = row(&["demo", "a", "GLACIER", ""])
        + &row(&["demo", "b", "DEEP_ARCHIVE", ""])
        + &row(&["demo", "c", "INTELLIGENT_TIERING", "ARCHIVE"]);
    let columns = "Bucket, Key, StorageClass, IntelligentTieringAccessTier";
    let report = ReportFolder::new(columns, &[text.as_bytes()]);
    let path = report.out();
    let (manifest, out) = (report.manifest.to_str().unwrap(), path.to_str().unwrap());
    let split = ["--split-by", "StorageClass", "--out", out];
    s3sieve(["filter", manifest, "--where", "TRUE"].into_iter().chain(split)).expect(0);
    PlanFolder { _folder: report.folder, path }
}

/// Parameters of every operation, as many as there are.
pub(crate) const OPERATIONS: [&[&str]; 13] = [
    &["--operation", "update-encryption", "--kms-key-arn", KEY, "--bucket-key", "on"],
    &["--operation", "copy", "--target-bucket", "demo", "--storage-class", "STANDARD"],
    &[
        "--operation",
        "copy",
        "--target-bucket",
        "arn:aws:s3:::target",
        "--target-prefix",
        "new & old/",
        "--storage-class",
        "GLACIER_IR",
        "--sse",
        "KMS",
        "--kms-key-arn",
        KEY,
        "--bucket-key",
        "on",
        "--object-tags",
        "replace",
        "--object-tag",
        "team=storage",
        "--object-tag",
        "empty=",
        "--metadata",
        "REPLACE",
        "--cache-control",
        "no-cache",
        "--content-disposition",
        "attachment; filename=\"<ä>.txt\"",
        "--content-encoding",
        "gzip",
        "--content-language",
        "en",
        "--content-type",
        "text/plain",
        "--expires",
        "2035-01-31T00:00:00Z",
        "--user-metadata",
        "by=me",
        "--acl",
        "bucket-owner-full-control",
        "--checksum-algorithm",
        "CRC64NVME",
        "--legal-hold",
        "ON",
        "--retention-mode",
        "GOVERNANCE",
        "--retain-until",
        "2035-01-31T00:00:00Z",
        "--modified-since",
        "2020-01-31T00:00:00Z",
        "--unmodified-since",
        "2026-01-31T01:02:03Z",
        "--redirect-location",
        "/there",
        "--requester-pays",
    ],
    &[
        "--operation",
        "copy",
        "--target-bucket",
        "demo",
        "--storage-class",
        "STANDARD",
        "--object-tags",
        "none",
    ],
    &["--operation", "tag", "--object-tag", "a=1", "--object-tag", "b=2 + 3"],
    &["--operation", "delete-tags"],
    &["--operation", "acl", "--acl", "private"],
    &["--operation", "legal-hold", "--legal-hold", "OFF"],
    &[
        "--operation",
        "retention",
        "--retention-mode",
        "COMPLIANCE",
        "--retain-until",
        "2035-01-31T00:00:00Z",
        "--bypass-governance",
    ],
    &["--operation", "replicate"],
    &["--operation", "checksum", "--checksum-algorithm", "SHA256", "--checksum-type", "COMPOSITE"],
    &[
        "--operation",
        "lambda",
        "--function-arn",
        "arn:aws:lambda:us-east-1:111122223333:function:f",
    ],
    &[
        "--operation",
        "lambda",
        "--function-arn",
        "arn:aws:lambda:us-east-1:111122223333:function:f:7",
        "--schema-version",
        "2.0",
        "--user-argument",
        "mode=<fast>",
    ],
];

/// Operations on a plan that is split by storage class.
pub(crate) const SPLIT_OPERATIONS: [&[&str]; 2] = [
    &["--operation", "restore", "--restore-days", "7", "--restore-tier", "BULK"],
    &["--operation", "copy", "--target-bucket", "demo", "--storage-class", "keep"],
];

pub(crate) fn submit(plan: &Path, arguments: &[&str]) -> Run {
    let command = ["submit", plan.to_str().unwrap(), "--dry-run"];
    s3sieve(command.iter().chain(arguments).chain(&PLACE))
}

/// The requests.
#[track_caller]
pub(crate) fn requests(plan: &Path, arguments: &[&str]) -> Vec<Value> {
    let json = [arguments, &["--format", "json"]].concat();
    let document = submit(plan, &json).expect(0).json();
    let requests = document["requests"].as_array().unwrap();
    requests.iter().map(|of| of["request"].clone()).collect()
}
