//! JSON is one language in all commands: every document says of which command and version it is,
//! and fits `docs/output.schema.json`. `Run::json` holds what any test reads to it, too.

use std::fs;

use serde_json::Value;

use crate::fixture::{Run, s3sieve, seed};
use crate::plans::{OPERATIONS, PLACE};
use crate::schema::{document, output_fits_the_schema};

/// A document, if it is of this command.
#[track_caller]
fn of(command: &str, run: &Run) -> Value {
    let document = run.json();
    assert_eq!((&document["version"], &document["command"]), (&2.into(), &command.into()));
    document
}

#[test]
fn every_command_gives_a_document_of_its_schema() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (seed, plan, json) = (seed(), path("plan"), ["--format", "json"]);
    let report = seed.to_str().unwrap();
    let run = |arguments: &[&str]| s3sieve([arguments, &json].concat());
    of("inspect", &run(&["inspect", report]).expect(0));
    of("count", &run(&["count", report]).expect(0));
    of("count", &run(&["count", report, "--by", "BucketKeyStatus"]).expect(0));
    let disabled = "BucketKeyStatus = 'DISABLED'";
    let filter = ["filter", report, "--where", disabled, "--for", "update-encryption"];
    of("filter", &run(&[&filter[..], &["--out", &plan]].concat()).expect(0));
    of("estimate", &run(&["estimate", &plan]).expect(0));
    let made = "demoinv/batchoperationsdemo/DemoInventory/2019-05-24T00-00Z/manifest.json";
    let manifest = seed.join(made);
    let parts = path("parts");
    let part = ["filter", manifest.to_str().unwrap(), "--where", disabled, "--out", &parts];
    of("filter --partition", &run(&[&part[..], &["--partition", "0/2"]].concat()).expect(0));
    of("merge --status", &run(&["merge", &parts]).expect(5));
    of("merge", &run(&[&part[..], &["--partitions", "2"]].concat()).expect(0));
    let (rest, all) = (path("rest"), ["--where", "TRUE"]);
    let bench = ["bench", report, "--runs", "1", "--out", &rest];
    of("bench", &run(&[&bench[..], &all].concat()).expect(0));
    let synth = ["synth", "--rows", "9", "--out", &path("report"), "--result", "json"];
    of("synth", &s3sieve(synth).expect(0));
    let policy = ["policy", &plan];
    let submit = ["submit", &plan, "--dry-run"];
    let job = [OPERATIONS[0], &PLACE].concat();
    of("policy", &s3sieve([&policy[..], &job].concat()).expect(0));
    of("submit --dry-run", &run(&[&submit[..], &job].concat()).expect(0));
    // A newer report: the same, begun later.
    let newer = folder.path().join("newer");
    fs::create_dir(&newer).unwrap();
    let mut later: Value = serde_json::from_slice(&fs::read(manifest).unwrap()).unwrap();
    later["creationTimestamp"] = "1900000000000".into();
    fs::write(newer.join("manifest.json"), later.to_string()).unwrap();
    let manifest = newer.join("manifest.json");
    let verify = ["verify", &plan, manifest.to_str().unwrap(), "--root", report, "--out", &rest];
    let document = of("verify", &run(&verify).expect(5));
    assert_eq!(document["rest"]["command"], "verify");
}

#[test]
fn an_error_is_a_document_too() {
    let seed = seed();
    let report = seed.to_str().unwrap();
    for (arguments, command, exit, kind) in [
        (&["count", "nowhere"][..], "count", 3, "input"),
        (&["count", report, "--where", "("], "count", 2, "usage"),
        (&["count", report, "--nope"], "count", 2, "usage"),
        (&["inspect"], "inspect", 2, "usage"),
        (&["estimate", report], "estimate", 3, "input"),
    ] {
        let run = s3sieve([arguments, &["--format", "json"]].concat()).expect(exit);
        let document = of(command, &run);
        let error = &document["error"];
        assert_eq!((&error["exit"], &error["kind"]), (&exit.into(), &kind.into()), "{document:#}");
        let message = error["message"].as_str().unwrap();
        let first = message.lines().next().unwrap();
        assert!(run.stderr().contains(first), "people are told, too: {}", run.story());
        assert!(!message.starts_with("error:") && !message.contains("Usage:"), "{message}");
    }
    let run = s3sieve(["nope", "--format", "json"]).expect(2);
    // In one line: lines of events may stand before it.
    assert!(matches!(&run.json_lines()[..], [one] if one["command"].is_null()), "{}", run.story());
    let run = s3sieve(["synth", "--rows", "1", "--out", report, "--result", "json"]).expect(2);
    of("synth", &run);
    // Nobody asked for JSON.
    assert_eq!(s3sieve(["count", "nowhere"]).expect(3).stdout(), "");
}

/// Every place of a schema, with its path.
fn walk<'a>(path: &str, schema: &'a Value, see: &mut impl FnMut(&str, &'a Value)) {
    see(path, schema);
    match schema {
        Value::Object(members) => {
            members.iter().for_each(|(name, inner)| walk(&format!("{path}/{name}"), inner, see));
        }
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(n, inner)| walk(&format!("{path}/{n}"), inner, see));
        }
        _ => {}
    }
}

/// What is not known is null, and the schema says why it may be.
#[test]
fn what_may_be_null_says_when() {
    let mut seen = 0;
    for name in ["docs/output.schema.json", "docs/plan.schema.json"] {
        walk("", &document(name), &mut |path, schema| {
            let types = schema.get("type").and_then(Value::as_array);
            if types.is_some_and(|types| types.contains(&"null".into())) {
                seen += 1;
                let why = schema["description"].as_str().unwrap_or_default();
                assert!(why.starts_with("null: "), "{name}{path}: {why}");
            }
        });
    }
    assert!(seen > 20, "{seen}");
}

/// Names are in snake case and begin with what is counted.
#[test]
fn names_are_of_one_kind() {
    let mut seen = 0;
    for name in ["docs/output.schema.json", "docs/plan.schema.json"] {
        walk("", &document(name), &mut |path, schema| {
            let Some(members) = schema.as_object().filter(|_| path.ends_with("/properties")) else {
                return;
            };
            for member in members.keys() {
                seen += 1;
                let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
                assert!(member.chars().all(fits), "{name}{path}/{member}");
                for unit in ["_bytes", "_rows", "_objects", "_tasks", "_seconds", "_files"] {
                    let of_costs = path.contains("/listing/");
                    let ours = member.ends_with(unit) && !member.starts_with("bytes_") && !of_costs;
                    assert!(!ours, "{name}{path}/{member}: what is counted comes first");
                }
            }
        });
    }
    assert!(seen > 100, "{seen}");
}

/// A schema that takes anything would prove nothing.
#[test]
fn the_schema_refuses_other_names() {
    let seed = seed();
    let mut document = s3sieve(["count", seed.to_str().unwrap(), "--format", "json"]).json();
    document["matched"] = document["rows_matched"].clone();
    let refused = std::panic::catch_unwind(|| output_fits_the_schema(&document));
    assert!(refused.is_err());
}
