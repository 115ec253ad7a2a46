//! Something else than a report or a plan, and damaged ones.

use super::ground::Ground;
use super::{assert_reviewed, shown};

#[test]
fn of_reports() {
    let ground = Ground::new();
    let lines = [
        "nowhere",
        "-",
        "nowhere/*/manifest.json",
        "~/report",
        "https://reports.s3.eu-central-1.amazonaws.com/demo/manifest.json",
        "https://example.com/manifest.json",
        "arn:aws:s3:::reports/demo",
        "arn:aws:iam::111122223333:role/batch",
        "s3:/reports/demo",
        "S3://reports/demo",
        "file:///reports/demo",
        "only-data",
        "only-data/0.csv.gz",
        "only-data/1.parquet",
        "only-data/2.orc",
        "hive",
        "hive/dt=2026-01-31-01-00/symlink.txt",
        "report/manifest.checksum",
        "plan",
        "plan/plan.json",
        "list.csv",
        "page.html",
        "nothing.json",
        "other.json",
        "empty",
        "several",
    ]
    .map(|name| ["inspect", name]);
    let mut cases: Vec<&[&str]> = lines.iter().map(|line| line.as_slice()).collect();
    cases.extend_from_slice(&[
        &["count", "only-data/0.csv.gz", "--where", "Size > 5"],
        &["count", "report", "report"],
        &["count", "report", "dated"],
        &["count", "dated", "--as-of", "2020-01-01"],
        &["count", "dated", "--as-of", "soon"],
        &["count", "report", "--root", "nowhere"],
        &["count", "report", "--root", "empty"],
    ]);
    assert_reviewed("reports", &shown(&ground, &cases));
}

#[test]
fn of_damaged_reports() {
    let ground = Ground::new();
    let names = ["cut", "flipped", "short", "missing", "half", "unlike", "keyless", "wide"];
    let lines = names.map(|name| ["count", name]);
    let cases: Vec<&[&str]> = lines.iter().map(|line| line.as_slice()).collect();
    assert_reviewed("damaged", &shown(&ground, &cases));
}

#[test]
fn of_plans() {
    let ground = Ground::new();
    let lines = [
        "nowhere",
        "-",
        "s3:/manifests/plan",
        "arn:aws:s3:::manifests/plan",
        "plan/plan.json",
        "plan/manifests",
        "report",
        "report/manifest.json",
        "list.csv",
        "only-data/0.csv.gz",
        "empty",
        "only-data",
    ]
    .map(|name| ["estimate", name]);
    let mut cases: Vec<&[&str]> = lines.iter().map(|line| line.as_slice()).collect();
    cases.extend_from_slice(&[
        &["jobs", "list", "plan"],
        &["jobs", "plan", "list"],
        &["jobs", "plan"],
        &["jobs", "plan", "stop"],
        &["jobs", "nowhere", "list"],
        &["retry", "plan", "--out", "again"],
        &["verify", "plan", "plan"],
        &["verify", "report", "plan"],
    ]);
    assert_reviewed("plans", &shown(&ground, &cases));
}
