//! Excludes rows by a rule of its own beside those of the operation: here, folder placeholders.
//!
//! `cargo run --example own_rule -- REPORT OUT`

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use std::env;

use s3sieve::{
    Error, FilterOptions, Location, OperationKind, OperationOptions, Plan, Query, ReportOptions,
    Rule, RuleCondition, RunControl,
};

/// Consoles make an object to show a folder; copying it is a task for nothing.
const PLACEHOLDER: Rule = Rule {
    reason: "folder-placeholder",
    meaning: "its key ends with a slash",
    parts: &[RuleCondition { condition: "Key LIKE '%/'", columns: &["Key"] }],
};

fn filter(report: Location, out: Location, rule: Rule) -> Result<Plan, Error> {
    let reports = s3sieve::open(&[report], &ReportOptions::default())?;
    let options = FilterOptions::new(Query::All, out)
        .operation(OperationOptions::new(OperationKind::Copy))
        .rule(rule)
        .force(true);
    Ok(s3sieve::filter(&reports, &options, RunControl::default())?.plan)
}

fn main() -> Result<(), Error> {
    let mut arguments = env::args().skip(1);
    let report = arguments.next().unwrap_or_else(|| "testdata/seed".to_owned());
    let out = arguments.next().unwrap_or_else(|| "plan".to_owned());
    let plan = filter(report.as_str().into(), out.as_str().into(), PLACEHOLDER)?;
    let excluded = plan.excluded.iter().find(|excluded| excluded.reason == PLACEHOLDER.reason);
    println!("{} placeholders excluded", excluded.map_or(0, |excluded| excluded.rows));
    Ok(())
}

#[test]
fn a_rule_excludes_its_rows_and_a_bad_reason_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let out = || folder.path().join("plan").into();
    const PARTS: &[RuleCondition] =
        &[RuleCondition { condition: "Key LIKE '%thumb%'", columns: &["Key"] }];
    let rule = Rule { reason: "thumbnail", meaning: "a thumbnail", parts: PARTS };
    let plan = filter("testdata/seed".into(), out(), rule).unwrap();
    let rows = |plan: &Plan, reason: &str| {
        let found = plan.excluded.iter().find(|excluded| excluded.reason == reason);
        found.map_or(0, |excluded| excluded.rows)
    };
    assert!(rows(&plan, "thumbnail") > 0, "{plan:?}");
    assert_eq!(s3sieve::read_plan(folder.path().join("plan")).unwrap(), plan);
    for reason in ["delete-marker", "unreadable", "../up", "", "Upper"] {
        let error = filter("testdata/seed".into(), out(), Rule { reason, ..PLACEHOLDER });
        assert!(error.is_err(), "{reason}");
    }
}
