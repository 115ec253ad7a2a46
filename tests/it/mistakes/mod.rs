//! What the program says of mistakes: a hundred and more real runs, whose messages stand in
//! snapshots, one for each group, to be read by a person.
//!
//! Paths are relative to a folder made for the test, so that messages are the same everywhere. How
//! a change of them is reviewed is in CONTRIBUTING.md.

mod expressions;
mod ground;
mod names;
mod options;

use std::fmt::Write as _;

use self::ground::Ground;

/// Runs each line and shows what came of it.
fn shown(ground: &Ground, cases: &[&[&str]]) -> String {
    let mut text = String::new();
    for arguments in cases {
        let run = ground.run(arguments);
        let words: Vec<String> = arguments.iter().map(|word| quoted(word)).collect();
        let code = run.output.status.code().unwrap_or(-1);
        writeln!(text, "$ s3sieve {}\n= exit code {code}", words.join(" ")).unwrap();
        for line in ground.stable(&run).lines() {
            writeln!(text, "{}", line.trim_end()).unwrap();
        }
        text.push('\n');
    }
    text
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,@+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// Holds a group to its snapshot.
#[track_caller]
fn assert_reviewed(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}
