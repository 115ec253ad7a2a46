//! The README's commands print what the README says.
//!
//! Its `sh` blocks that name the program are run in order, in one folder with the sample report;
//! each that a `text` block follows must print that, on both streams as a terminal shows them.
//! There, `...` stands for what is left out: a line of dots for any lines, dots in a line for its
//! rest. Times and speeds may differ.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use regex::Regex;

use crate::fixture::{s3sieve, seed};

/// What shows that a command works on the sample report, or on one that is made; others are about a
/// report of the reader's.
const OF_THE_SAMPLE: [&str; 3] = ["testdata/seed", " demo", " trial"];

/// How the first command runs the program, which the test has built already.
const CARGO_RUN: &str =
    "cargo run --release -p s3sieve --no-default-features --features cli,parquet,orc -- \\\n   ";

struct Example {
    commands: String,
    /// Of the `text` block behind it, if there is one.
    printed: Option<String>,
}

/// The fenced blocks with their languages.
fn blocks(text: &str) -> Vec<(&str, &str)> {
    let mut pieces = text.split("```").skip(1);
    let mut found = Vec::new();
    while let Some(piece) = pieces.next() {
        found.push(piece.split_once('\n').unwrap());
        // What stands between two blocks.
        pieces.next();
    }
    found
}

fn examples(readme: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    for (language, text) in blocks(readme) {
        match language {
            "sh" => examples.push(Example { commands: text.to_owned(), printed: None }),
            "text" => {
                if let Some(last) = examples.last_mut() {
                    last.printed.get_or_insert_with(|| text.to_owned());
                }
            }
            other => panic!("a block of `{other}`"),
        }
    }
    examples.retain(|example| OF_THE_SAMPLE.iter().any(|part| example.commands.contains(part)));
    examples
}

/// What the text of a README allows.
fn pattern(printed: &str) -> Regex {
    let speed = Regex::new(r"in [0-9.]+ s \([0-9,]+ rows/s, [0-9.]+ [KMG]?i?B/s\)").unwrap();
    let lines = printed.lines().map(|line| match line {
        "..." => "(?:.*\n)*".to_owned(),
        line => {
            let line = speed.replace(line, "SPEED");
            regex::escape(&line).replace(r"\.\.\.", ".*").replace("SPEED", speed.as_str())
                + "[ ]*\n"
        }
    });
    Regex::new(&format!("^{}$", lines.collect::<String>())).unwrap()
}

#[test]
fn the_readme_s_commands_print_what_it_says() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let examples = examples(&fs::read_to_string(readme).unwrap());
    assert_eq!(examples.len(), 6, "two screens, and all commands");
    assert_eq!(examples.iter().filter(|example| example.printed.is_none()).count(), 1);
    let folder = tempfile::tempdir().unwrap();
    copy(&seed(), &folder.path().join("testdata/seed"));
    let program = Path::new(env!("CARGO_BIN_EXE_s3sieve")).parent().unwrap();
    let path = env::var_os("PATH").unwrap();
    let paths = [program.to_owned()].into_iter().chain(env::split_paths(&path));
    let path = env::join_paths(paths).unwrap();
    for Example { commands, printed } in examples {
        let commands = commands.replace(CARGO_RUN, "s3sieve");
        let output = Command::new("sh")
            .args(["-e", "-c", &format!("exec 2>&1\n{commands}")])
            .current_dir(folder.path())
            .env("PATH", &path)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        let is_as_told = printed.as_ref().is_none_or(|text| pattern(text).is_match(&told));
        let printed = printed.unwrap_or_default();
        assert!(
            output.status.success() && is_as_told,
            "=== {commands}\n=== README\n{printed}\n=== printed\n{told}"
        );
    }
}

/// Every command of the section, those that need an account among them, is one of the program's.
#[test]
fn the_readme_names_all_commands() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = fs::read_to_string(readme).unwrap();
    let section = text.split("## Commands").nth(1).unwrap().split("\n## ").next().unwrap();
    let name = Regex::new("(?m)^s3sieve ([a-z]+)").unwrap();
    let mut named: Vec<&str> =
        name.captures_iter(section).map(|found| found.get(1).unwrap().as_str()).collect();
    named.sort_unstable();
    named.dedup();
    let help = s3sieve(["--help"]).expect(0).stdout();
    let listed = help.split("Commands:").nth(1).unwrap().split("\n\n").next().unwrap();
    // What a command does goes on further to the right.
    let is_named = |line: &&str| line.starts_with("  ") && !line.starts_with("   ");
    let first = |line: &str| line.split_whitespace().next().unwrap_or_default().to_owned();
    let mut built: Vec<String> = listed.lines().filter(is_named).map(first).collect();
    built.retain(|name| !name.is_empty() && name != "help");
    built.sort_unstable();
    built.dedup();
    for name in &built {
        assert!(named.contains(&name.as_str()), "{name} is not in the section");
    }
    if cfg!(feature = "aws") {
        assert_eq!(named, built);
    }
}

/// Links lead somewhere also where the README is shown by itself.
#[test]
fn links_of_the_readme_are_whole_and_lead_to_files() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("README.md")).unwrap();
    let link = Regex::new(r"\]\(([^)]+)\)").unwrap();
    let ours = Regex::new("^https://[a-z.]+/s3sieve/s3sieve/(?:blob/)?main/(.+)$").unwrap();
    let mut seen = 0;
    for found in link.captures_iter(&text) {
        let address = &found[1];
        let path = ours.captures(address).unwrap_or_else(|| panic!("{address} is not whole"));
        assert!(root.join(&path[1]).exists(), "{address}");
        seen += 1;
    }
    assert!(seen > 15, "{seen}");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_text_must_be_printed_as_it_stands() {
    let pattern = pattern("rows, in 0.01 s (5 rows/s, 6 KiB/s).\na ...\n...\nlast (1)\n");
    assert!(
        pattern.is_match("rows, in 12.00 s (5,123 rows/s, 6.02 GiB/s).\na b  \nx\ny\nlast (1)\n")
    );
    assert!(pattern.is_match("rows, in 12.00 s (5,123 rows/s, 602 B/s).\na \nlast (1)   \n"));
    assert!(!pattern.is_match("rows, in 12.00 s (5,123 rows/s, 602 B/s).\na \nx\nlast 1\n"));
    assert!(!pattern.is_match("rows, in 12 m.\na \nlast (1)\n"));
}

/// Every example of the predicate language is understood, and every statement.
#[test]
fn examples_of_the_predicate_language_are_understood() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("docs/where.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report");
    let report = report.to_str().unwrap();
    s3sieve(["synth", "--rows", "50", "--out", report]).expect(0);
    let lines = blocks(&text).into_iter().filter(|(language, _)| *language == "sql");
    let mut examples: Vec<&str> = lines.flat_map(|(_, block)| block.lines()).collect();
    let table = text.split("| function | for example |").nth(1).unwrap();
    let rows = table.split("\n\n").next().unwrap().lines().filter(|line| line.starts_with("| `"));
    // The first example of each function, where that is a condition.
    let condition = |code: &&str| {
        [" = ", " <> ", " < ", " > ", " LIKE "].iter().any(|sign| code.contains(sign))
            || ["starts_with(", "regexp_like("].iter().any(|call| code.starts_with(call))
    };
    for row in rows {
        let example = row.rsplit(" | ").next().unwrap();
        examples.extend(example.split('`').skip(1).step_by(2).take(1).filter(condition));
    }
    assert!(examples.len() > 25, "{examples:?}");
    for (number, example) in examples.into_iter().enumerate() {
        let out = folder.path().join(number.to_string());
        let arguments = match example.to_ascii_uppercase().starts_with("SELECT") {
            true => vec!["filter", report, "--sql", example, "--out", out.to_str().unwrap()],
            false => vec!["count", report, "--where", example],
        };
        let run = s3sieve(arguments);
        assert_eq!(run.output.status.code(), Some(0), "{example}\n{}", run.stderr());
    }
}
