//! Flags and commands are named by the command line only: below it, messages name parameters.

use std::fs;
use std::path::Path;

use crate::layers;

/// Commands of other programs that messages give, with flags of these programs.
const FOREIGN: [&str; 7] = [
    "aws iam delete-role-policy --role-name {name} --policy-name {policy}",
    "aws iam get-role --role-name NAME",
    "aws kms describe-key --key-id KEY",
    "aws kms describe-key --key-id {key}",
    "aws lambda get-function --function-name NAME",
    "aws s3 cp --recursive --sse AES256 ADDRESS/manifests ADDRESS/manifests",
    "aws s3api get-bucket-encryption --bucket {bucket}",
];

/// The commands of ours that messages could name.
const COMMANDS: [&str; 13] = [
    "bench", "count", "estimate", "filter", "inspect", "jobs", "list", "policy", "retry", "setup",
    "submit", "synth", "verify",
];

/// The end of a directory bucket's name, and the header of programs that made a file: no flags.
const OTHERS: [&str; 2] = ["--x-s3", "s3sieve synth {}"];

/// The texts in a file's code, each in one line: without comments, and without tests at its end.
fn texts(code: &str) -> Vec<String> {
    let code = code.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let (mut texts, mut rest) = (Vec::new(), code);
    while let Some(at) = rest.find(['"', '/', '\'']) {
        let from = &rest[at..];
        rest = &from[1..];
        if from.starts_with("//") {
            rest = from.split_once('\n').map_or("", |(_, rest)| rest);
        } else if let Some(behind) = from.strip_prefix("'\"'").or(from.strip_prefix("'\\\"'")) {
            rest = behind;
        } else if from.starts_with('"') {
            let (text, behind) = text_of(rest);
            texts.push(text);
            rest = behind;
        }
    }
    texts
}

/// A text up to its closing quote, and what follows it.
fn text_of(from: &str) -> (String, &str) {
    let mut text = String::new();
    let mut rest = from;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '"' => break,
            '\\' if rest.starts_with('\n') => rest = rest.trim_start(),
            '\\' => {
                text.extend(rest.chars().next());
                rest = rest.get(1..).unwrap_or_default();
            }
            c => text.push(c),
        }
    }
    (text, rest)
}

/// Whether a text names a flag or a command of ours.
fn is_of_command_line(text: &str) -> bool {
    let foreign = FOREIGN.iter().chain(&OTHERS);
    let own = foreign.fold(text.to_owned(), |text, foreign| text.replace(foreign, ""));
    let flag = own.match_indices("--").any(|(at, _)| {
        let begins = !own[..at].ends_with(|c: char| c.is_alphanumeric() || c == '-');
        begins && own[at + 2..].starts_with(|c: char| c.is_ascii_lowercase())
    });
    let command = own.match_indices("s3sieve ").any(|(at, name)| {
        COMMANDS.iter().any(|command| own[at + name.len()..].starts_with(command))
    });
    flag || command
}

#[test]
fn no_text_below_the_command_line_names_its_flags_or_commands() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    layers::sources(&src, &mut files);
    let mut found = Vec::new();
    let mut seen = 0;
    for file in files {
        let is_test =
            file.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("tests"));
        if is_test || file.starts_with(src.join("cli")) {
            continue;
        }
        let texts = texts(&fs::read_to_string(&file).unwrap());
        seen += texts.len();
        let wrong = texts.into_iter().filter(|text| is_of_command_line(text));
        found.extend(wrong.map(|text| format!("{}: {text}", file.display())));
    }
    assert!(seen > 1_000, "the texts are found");
    assert!(
        found.is_empty(),
        "name a parameter (src/diagnostic/parameter.rs):\n{}",
        found.join("\n")
    );
}

#[test]
fn a_flag_in_a_text_is_seen() {
    let wrong = |code: &str| texts(code).iter().any(|text| is_of_command_line(text));
    assert!(wrong("#[error(\"choose another --out\")]"));
    assert!(wrong("let c = '\"'; format!(\"a \\\"{b}\\\", \\\n     --force\")"));
    assert!(wrong("\"run `s3sieve filter` again\""));
    assert!(!wrong("// \"--out\"\n/// `--force`\nlet a = \"a -- b\";"));
    assert!(!wrong("\"`aws kms describe-key --key-id KEY` shows it\""));
    assert!(!wrong("\"an s3sieve of another version\"; let a = \"{OUT}\";"));
}
