//! Makes a plan of job-ready manifests for an operation, as `s3sieve filter --for copy` does.
//!
//! `cargo run --example filter_to_plan -- REPORT OUT`

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use std::env;

use s3sieve::{
    Error, FilterOptions, Location, OperationKind, OperationOptions, Plan, Query, ReportOptions,
    RunControl,
};

fn filter(report: Location, out: Location) -> Result<Plan, Error> {
    let reports = s3sieve::open(&[report], &ReportOptions::default())?;
    let query = Query::Where("BucketKeyStatus = 'DISABLED'".to_owned());
    let options = FilterOptions::new(query, out)
        .operation(OperationOptions::new(OperationKind::Copy))
        .force(true);
    Ok(s3sieve::filter(&reports, &options, RunControl::default())?.plan)
}

fn main() -> Result<(), Error> {
    let mut arguments = env::args().skip(1);
    let report = arguments.next().unwrap_or_else(|| "testdata/seed".to_owned());
    let out = arguments.next().unwrap_or_else(|| "plan".to_owned());
    let plan = filter(report.as_str().into(), out.as_str().into())?;
    for shard in &plan.shards {
        println!("{out}/{}: {} objects of {}", shard.path, shard.objects, shard.bucket);
    }
    for excluded in plan.excluded.iter().filter(|excluded| excluded.rows > 0) {
        println!("{} rows excluded: {}", excluded.rows, excluded.reason);
    }
    Ok(())
}

#[test]
fn the_plan_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("plan");
    let plan = filter("testdata/seed".into(), out.as_path().into()).unwrap();
    assert_eq!(s3sieve::read_plan(out.as_path()).unwrap(), plan);
    assert!(plan.shards.iter().map(|shard| shard.objects).sum::<u64>() > 0);
}
