//! Style as a test: what a formatter and a linter don't see.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// No file in the repository is larger, so that a clone stays small.
const FILE_BYTES_MAX: u64 = 512 << 10;

/// Words that have no place here, and what to do instead.
const BANNED: [(&str, &str); 5] = [
    ("FIX\u{4d}E", "fix it, or open an issue"),
    ("TO\u{44}O", "do it, or open an issue"),
    ("X\u{58}X", "say what is wrong"),
    ("mod u\u{74}ils", "name the module after what it does"),
    ("mod mi\u{73}c", "name the module after what it does"),
];

/// Folders that hold no sources, where nobody can be asked what is tracked.
const NOT_SOURCES: [&str; 2] = ["target", ".git"];

/// The fewest files that the repository and a source package of it have.
const FILES_MIN: usize = 200;

/// The files of the repository; of a source package, which has no git folder, all that it holds.
fn tracked() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let listed = Command::new("git").arg("-C").arg(root).args(["ls-files", "-z"]).output();
    let names = listed.map(|listed| listed.stdout).unwrap_or_default();
    let names = String::from_utf8(names).unwrap();
    let paths = names.split('\0').filter(|name| !name.is_empty()).map(|name| root.join(name));
    let mut found: Vec<PathBuf> = paths.filter(|path| path.is_file()).collect();
    if found.is_empty() {
        all_below(root, &mut found);
    }
    assert!(found.len() >= FILES_MIN, "{} files: where are the others?", found.len());
    found
}

fn all_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            found.push(path);
        } else if !NOT_SOURCES.iter().any(|name| path.ends_with(name)) {
            all_below(&path, found);
        }
    }
}

fn is_text(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    let is_script = [".ci/run", ".ci/full"].iter().any(|name| path.ends_with(name));
    matches!(extension, Some("rs" | "md" | "toml" | "py" | "sh")) || is_script
}

#[test]
fn files_are_small_and_lines_are_short() {
    let mut faults = Vec::new();
    for path in tracked() {
        let bytes = fs::metadata(&path).unwrap().len();
        if bytes > FILE_BYTES_MAX {
            faults.push(format!("{}: {bytes} bytes", path.display()));
        }
        if !is_text(&path) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for (number, line) in text.lines().enumerate() {
            let place = format!("{}:{}", path.display(), number + 1);
            // A table in Markdown and a web address can't be broken.
            let breakable = !line.starts_with('|') && !line.contains("https://");
            if breakable && line.chars().count() > 100 {
                faults.push(format!("{place}: longer than 100 characters"));
            }
            if line.ends_with([' ', '\t']) {
                faults.push(format!("{place}: ends with white space"));
            }
            for (word, remedy) in BANNED {
                if line.contains(word) {
                    faults.push(format!("{place}: `{word}`: {remedy}"));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_source_file_says_what_it_is_for() {
    let silent: Vec<String> = tracked()
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .filter(|path| !fs::read_to_string(path).unwrap().trim_start().starts_with("//!"))
        .map(|path| path.display().to_string())
        .collect();
    assert!(silent.is_empty(), "no `//!` at the top of:\n{}", silent.join("\n"));
}

#[test]
fn the_changelog_knows_this_version() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("CHANGELOG.md");
    let text = fs::read_to_string(path).unwrap();
    let heading = format!("## {}", env!("CARGO_PKG_VERSION"));
    assert!(text.contains(&heading), "CHANGELOG.md has no `{heading}`");
}
