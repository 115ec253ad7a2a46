//! What a terminal of 60 columns shows: lines that break at words, tables that fit, progress in one
//! line, and the kind of a message in colour.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::process::{Command, Stdio};

use regex::Regex;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::fixture::{program, s3sieve, seed};
use crate::plans::{OPERATIONS, PLACE, seed_plan};

const COLUMNS: u16 = 60;

/// What a command writes to a terminal that both its streams are on.
fn on_terminal(command: &mut Command) -> String {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let size = Winsize { ws_row: 24, ws_col: COLUMNS, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&terminal, size).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    let end = File::options().read(true).write(true).open(name).unwrap();
    command.env("TERM", "xterm").stdin(Stdio::null());
    command.stdout(end.try_clone().unwrap()).stderr(end);
    let mut child = command.spawn().unwrap();
    // The command has the only other end: reading fails once it is gone.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut shown = Vec::new();
    let _ = File::from(terminal).read_to_end(&mut shown);
    child.wait().unwrap();
    String::from_utf8_lossy(&shown).into_owned()
}

fn shown(arguments: &[&str]) -> String {
    on_terminal(program().args(arguments))
}

/// The lines of what was shown, without colours.
fn lines(shown: &str) -> Vec<String> {
    let escapes = Regex::new("\u{1b}\\[[0-9;?]*[A-Za-z]").unwrap();
    let text = escapes.replace_all(shown, "");
    text.split(['\r', '\n']).map(|line| line.trim_end().to_owned()).collect()
}

#[track_caller]
fn assert_fits(shown: &str) {
    for line in lines(shown) {
        assert!(line.chars().count() <= usize::from(COLUMNS), "{line}\nin\n{shown}");
    }
}

#[test]
fn results_notes_and_errors_fit_the_terminal() {
    let (plan, report) = (seed_plan(), seed());
    let (plan, report) = (plan.path.to_str().unwrap(), report.to_str().unwrap());
    let submit = [&["submit", plan, "--dry-run"][..], OPERATIONS[5], &PLACE].concat();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("p");
    let filter = ["filter", report, "--where", "TRUE", "--for", "copy", "--out"];
    let filter = [&filter[..], &[out.to_str().unwrap()]].concat();
    let all: [&[&str]; 9] = [
        &["count", report, "--by", "IsLatest,IsDeleteMarker,BucketKeyStatus"],
        &["inspect", report],
        &["estimate", plan],
        &submit,
        &filter,
        &["count", report, "--where", "Nope = 1"],
        &["count", report, "--by", "EncryptionStatus"],
        &["filter", report, "--where", "TRUE", "--out", report],
        &["verify", plan, report],
    ];
    for arguments in all {
        let shown = shown(arguments);
        let run = s3sieve(arguments);
        let piped = run.stdout() + &run.stderr();
        // A path in a temporary folder is one word, and may be longer than the line.
        let words = |text: &str| -> Vec<String> {
            text.split_whitespace().filter(|word| !word.contains('/')).map(String::from).collect()
        };
        let whole = lines(&shown).join("\n");
        for line in lines(&shown).iter().filter(|line| !line.contains('/')) {
            assert!(line.chars().count() <= usize::from(COLUMNS), "{line}\nin\n{shown}");
        }
        if arguments[0] == "inspect" {
            assert_eq!(words(&whole), words(&piped), "no word is broken");
        }
    }
    // In a pipe, a line is as long as it is.
    let piped = s3sieve(["estimate", plan]).expect(0).stdout();
    assert!(piped.lines().any(|line| line.chars().count() > 80), "{piped}");
}

#[test]
fn usage_and_help_fit_the_terminal_and_break_at_words() {
    let help = s3sieve(["--help"]).expect(0).stdout();
    let listed = help.split("Commands:").nth(1).unwrap().split("\n\n").next().unwrap();
    let is_name = |line: &&str| line.starts_with("  ") && !line.starts_with("   ");
    let names: Vec<&str> =
        listed.lines().filter(is_name).filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.len() > 7, "{names:?}");
    let helps = names.iter().map(|name| vec![*name, "--help"]);
    let mistakes: [&[&str]; 4] = [
        &["submit", "plan", "--dry-run"],
        &["filter", "report", "--where", "TRUE", "--sql", "SELECT *", "--out", "new"],
        &["filter", "report", "--for", "nothing"],
        &["count", "report", "--nope"],
    ];
    let all = helps.chain([vec!["--help"]]).chain(mistakes.map(<[&str]>::to_vec));
    for arguments in all {
        let told = shown(&arguments);
        assert_fits(&told);
        let run = s3sieve(&arguments);
        let piped = run.stdout() + &run.stderr();
        let mut words: Vec<String> = piped.split_whitespace().map(String::from).collect();
        let told = lines(&told).join("\n");
        let mut told: Vec<String> = told.split_whitespace().map(String::from).collect();
        words.dedup();
        told.dedup();
        assert_eq!(told, words, "no word is broken");
    }
    // Where help goes into a pipe, COLUMNS says how wide it is.
    for name in names {
        let output = program().args([name, "--help"]).env("COLUMNS", "60").output().unwrap();
        assert_fits(&String::from_utf8(output.stdout).unwrap());
    }
}

#[test]
fn tables_break_at_words() {
    let (plan, report) = (seed_plan(), tempfile::tempdir().unwrap());
    let report = report.path().join("report");
    s3sieve([OsStr::new("synth"), "--rows=2000".as_ref(), "--out".as_ref(), report.as_os_str()])
        .expect(0);
    let (plan, report) = (plan.path.to_str().unwrap(), report.to_str().unwrap());
    let submit = [&["submit", plan, "--dry-run"][..], OPERATIONS[5], &PLACE].concat();
    let all: [(&[&str], &[&str]); 5] = [
        (&["count", report, "--by", "StorageClass"], &["StorageClass", "INTELLIGENT_TIERING"]),
        (
            &["count", report, "--by", "StorageClass,EncryptionStatus,BucketKeyStatus"],
            &["EncryptionStatus,", "BucketKeyStatus", "INTELLIGENT_TIERING,", "DISABLED", "size"],
        ),
        (&["estimate", plan], &["update-encryption", "requests"]),
        (&["inspect", report], &["ObjectLockRetainUntilDate", "ObjectAccessControlList"]),
        (&submit, &["manifests/00000.csv", "VersionId", "objects"]),
    ];
    for (arguments, words) in all {
        let told = shown(arguments);
        let lines: Vec<String> = lines(&told);
        for line in lines.iter().filter(|line| !line.contains(report) && !line.contains(plan)) {
            assert!(line.chars().count() <= usize::from(COLUMNS), "{line}\nin\n{told}");
        }
        for word in words {
            let has_word = |line: &String| line.split_whitespace().any(|found| found == *word);
            assert!(lines.iter().any(has_word), "{word} in\n{told}");
        }
    }
}

#[test]
fn a_sentence_breaks_at_words_and_is_otherwise_as_in_a_pipe() {
    let report = seed();
    let arguments = ["count", report.to_str().unwrap(), "--by", "EncryptionStatus"];
    let shown = shown(&arguments);
    // Where the machine is slow, progress is shown before.
    let shown = &shown[shown.find("error:").unwrap_or_default()..];
    let one: Vec<String> = lines(shown).join(" ").split_whitespace().map(String::from).collect();
    let piped = s3sieve(arguments).expect(3).stderr();
    assert_eq!(one, piped.split_whitespace().collect::<Vec<_>>());
    assert!(lines(shown).iter().filter(|line| !line.is_empty()).count() > 1, "{shown}");
}

#[test]
fn kinds_of_messages_are_coloured_where_colours_are_wanted() {
    let red = "\u{1b}[1;31merror:\u{1b}[0m ";
    let wrong = ["count", "nowhere"];
    assert!(shown(&wrong).starts_with(red), "{}", shown(&wrong));
    for (variable, value) in [("NO_COLOR", "1"), ("CLICOLOR", "0")] {
        let told = on_terminal(program().args(wrong).env(variable, value));
        assert!(told.starts_with("error: nowhere"), "{variable}: {told:?}");
    }
    let piped = s3sieve(wrong).expect(3).stderr();
    assert!(piped.starts_with("error: nowhere"), "{piped}");
}

#[test]
fn progress_is_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("report");
    let out = out.to_str().unwrap();
    let synth = shown(&["synth", "--rows", "300000", "--files", "6", "--out", out]);
    assert!(synth.contains(" rows") && synth.contains(" %"), "{synth}");
    let bench = folder.path().join("bench");
    let bench = ["bench", out, "--where", "TRUE", "--runs", "1", "--out", bench.to_str().unwrap()];
    let bench = shown(&bench);
    for part in ["first run, not counted", "run 1 of 1", "of 14"] {
        assert!(bench.contains(part), "{part}: {bench}");
    }
    let count = shown(&["count", out, "--where", "Key LIKE '%9%'", "--threads", "1"]);
    for shown in [&synth, &bench, &count] {
        let lines: Vec<String> = lines(shown).into_iter().filter(|l| !l.contains('/')).collect();
        assert_fits(&lines.join("\n"));
    }
}
