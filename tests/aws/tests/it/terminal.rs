//! What of AWS's answers reaches a terminal: no control character and no mark of direction.

use std::fs;

use ground::{Refusal, Refuser};
use serde_json::{Value, json};

use crate::buckets::s3sieve_at;
use crate::double::{Failure, Options};
use crate::fixture::Run;
use crate::world::{World, journal, submit_arguments};

/// What a terminal would obey and XML may hold, some of it by number only.
const EVIL_XML: &str = "odd&#9;\u{9b}31m\u{7f}\u{202e}\u{2066}\u{2028}&#x9b;&#13;";

/// What a terminal would obey.
const EVIL: &str = "\u{1b}[31m\u{1b}]0;x\u{7}\u{9b}1m\u{7f}\u{202e}\u{2066}\u{2028}\r\u{8}";

/// Whether a terminal shows this rather than obeys it.
fn is_plain(c: char) -> bool {
    let turns =
        matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}'..='\u{2029}');
    matches!(c, '\n' | '\t') || !(c.is_control() || turns)
}

#[track_caller]
fn clean(run: Run) -> Run {
    for stream in [&run.output.stdout, &run.output.stderr] {
        let text = std::str::from_utf8(stream).unwrap_or("\u{0}");
        let story = || run.story().escape_debug().to_string().replace("\\n", "\n");
        assert!(text.chars().all(is_plain), "{}", story());
        assert!(!text.contains("panicked"), "{}", story());
    }
    run
}

#[test]
fn what_a_server_refuses_with_is_shown_not_sent() {
    let headers = "x-amz-request-id: A\u{9b}1m\u{202e}\r\nx-amz-id-2: \u{9b}31m\r\n";
    for (code, message) in [("Odd", EVIL_XML), (EVIL_XML, "No."), (EVIL_XML, EVIL_XML)] {
        for status in ["403 Forbidden", "400 Bad Request", "301 Moved Permanently"] {
            let refuser = Refuser::start(Refusal { status, code, message, headers }).unwrap();
            let folder = tempfile::tempdir().unwrap();
            let out = folder.path().join("out");
            let out = out.to_str().unwrap();
            let seed = crate::fixture::seed();
            let seed = seed.to_str().unwrap();
            let filter = ["filter", seed, "--where", "TRUE", "--out", "s3://plans/a"];
            let ways: [&[&str]; 5] = [
                &["count", "s3://reports/demo/manifest.json"],
                &["inspect", "s3://reports/demo/"],
                &["estimate", "s3://plans/one"],
                &["list", "s3://demo", "--out", out],
                &filter,
            ];
            for arguments in ways {
                let run = clean(s3sieve_at(&refuser.endpoint(), arguments)).expect(4);
                assert!(!run.stderr().is_empty());
            }
        }
    }
    let (status, headers) = ("400 Bad Request", "");
    let refuser = Refuser::start(Refusal { status, code: "Odd", message: EVIL_XML, headers });
    let run = clean(s3sieve_at(&refuser.unwrap().endpoint(), ["inspect", "s3://reports/demo/"]));
    run.expect(4).says(&["Odd: odd", "\\u{202e}\\u{2066}\\u{2028}"]);
}

const PLAIN: Failure = Failure {
    key_part: "photos/00001",
    code: "SlowDown",
    status: 503,
    message: "later",
    once: false,
};

#[test]
fn every_member_of_a_journal_is_shown_not_sent() {
    let world = World::new(Options { failures: vec![PLAIN], ..Options::default() }, 4, 2);
    world.submit(&world.plan, &[]).expect(0);
    world.let_run(&world.plan).expect(5);
    let path = world.plan.join("jobs.jsonl");
    let good = fs::read_to_string(&path).unwrap();
    let lines = journal(&world.plan);
    let (mut looked, mut ended_well) = (0, 0);
    for (place, line) in lines.iter().enumerate() {
        let Value::Object(members) = line else { panic!("{line}") };
        for (name, _) in members.iter().filter(|(_, member)| member.is_string()) {
            let mut changed = lines.clone();
            let text = changed[place][name].as_str().unwrap().to_owned() + EVIL;
            changed[place][name] = json!(text);
            let changed: String = changed.iter().map(|line| format!("{line}\n")).collect();
            for (action, format) in
                [("list", "human"), ("list", "json"), ("report", "human"), ("report", "json")]
            {
                fs::write(&path, &changed).unwrap();
                let run = clean(world.jobs(&[action, "--format", format]));
                ended_well += usize::from(matches!(run.output.status.code(), Some(0 | 5)));
            }
            fs::write(&path, &changed).unwrap();
            clean(world.submit(&world.plan, &[]));
            looked += 1;
        }
    }
    assert!(looked > 10 && ended_well > 10, "{looked} {ended_well}");
    fs::write(&path, good + EVIL + "\n").unwrap();
    clean(world.jobs(&["list"])).expect(3);
}

#[test]
fn what_jobs_are_called_and_why_they_failed_is_shown_not_sent() {
    let world = World::new(Options::default(), 2, 2);
    let plan = world.plan.to_str().unwrap();
    clean(world.submit(&world.plan, &["--description", EVIL, "--dry-run"])).expect(0);
    let odd = format!("s3://reports/{EVIL}");
    let account = ["--account-id", EVIL, "--region", EVIL];
    clean(world.run([&["submit", plan, "--operation", "copy"][..], &account].concat()));
    let mut arguments = submit_arguments(&world.plan, crate::world::COPY);
    *arguments.last_mut().unwrap() = odd;
    arguments.push("--dry-run".to_owned());
    clean(world.run(&arguments));
    world.submit(&world.plan, &[]).expect(0);
    for arguments in [&["cancel", EVIL][..], &["priority", EVIL, "3"], &["run", "--interval", EVIL]]
    {
        clean(world.jobs(arguments));
    }
    let retry = ["retry", plan, "--out", plan, "--without", EVIL];
    clean(world.run(retry));
    for format in ["human", "json"] {
        clean(world.jobs(&["run", "--interval", "0.02", "--format", format])).expect(0);
    }
}
