//! `completions` and `man`: they are made from the commands' definitions, so what can fail is that
//! shells and man(1) can't read them.

use std::fs;
use std::process::{Command, Stdio};

use regex::Regex;

use crate::fixture::{Run, program, s3sieve};

/// The commands that this build has, as its help lists them.
fn commands() -> Vec<String> {
    let help = s3sieve(["--help"]).expect(0).stdout();
    let listed = help.split("Commands:").nth(1).unwrap().split("\n\n").next().unwrap();
    let name = Regex::new("(?m)^  ([a-z]+)").unwrap();
    name.captures_iter(listed)
        .map(|found| found[1].to_owned())
        .filter(|name| name != "help")
        .collect()
}

/// The options that a command's help lists.
fn options(command: &str) -> Vec<String> {
    let help = s3sieve([command, "--help"]).expect(0).stdout();
    let option = Regex::new("(?m)^ +(?:-[a-z], )?(--[a-z0-9-]+)").unwrap();
    option.captures_iter(&help).map(|found| found[1].to_owned()).collect()
}

/// Whether this machine has a program. Without it, what needs it is not tested.
fn has(program: &str) -> bool {
    let quiet = Command::new(program).arg("--version").stdout(Stdio::null()).status();
    quiet.is_ok_and(|status| status.success())
}

#[test]
fn every_command_has_a_page_with_all_its_options() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("man1");
    let told = s3sieve(["man".as_ref(), out.as_os_str()]).expect(0).stdout();
    let page = |name: &str| {
        let text = fs::read_to_string(out.join(name)).unwrap_or_else(|_| panic!("no {name}"));
        text.replace("\\-", "-")
    };
    let commands = commands();
    assert!(commands.len() > 8, "{commands:?}");
    let program = page("s3sieve.1");
    for command in &commands {
        let page = page(&format!("s3sieve-{command}.1"));
        assert!(program.contains(&format!("s3sieve-{command}(1)")), "{command}");
        let options = options(command);
        assert!(options.contains(&"--help".to_owned()), "{command}: {options:?}");
        for option in options {
            assert!(page.contains(&option), "{command} {option}");
        }
    }
    let pages = fs::read_dir(&out).unwrap().count();
    assert_eq!(told, format!("{pages} pages in {}.\n", out.display()));
}

#[test]
fn pages_are_replaced_and_what_else_is_there_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("other.1"), "another program's").unwrap();
    fs::write(path("s3sieve.1"), "an older one").unwrap();
    s3sieve(["man".as_ref(), folder.path().as_os_str()]).expect(0);
    assert_eq!(fs::read_to_string(path("other.1")).unwrap(), "another program's");
    assert!(fs::read_to_string(path("s3sieve.1")).unwrap().contains(".TH s3sieve 1"));
    s3sieve(["man", "s3://bucket/man1"]).expect(2).says(&["a folder on this machine"]);
    let file = path("other.1");
    s3sieve(["man".as_ref(), file.as_os_str()]).expect(2).says(&["a file of this name"]);
}

#[test]
fn groff_finds_nothing_wrong_with_the_pages() {
    if !has("groff") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    s3sieve(["man".as_ref(), folder.path().as_os_str()]).expect(0);
    for page in fs::read_dir(folder.path()).unwrap() {
        let mut groff = Command::new("groff");
        groff.args(["-man", "-Tutf8", "-k", "-ww", "-z"]).arg(page.unwrap().path());
        let run = Run::of(groff).expect(0);
        assert_eq!(run.stderr(), "", "{}", run.story());
    }
}

/// The words that bash offers behind these, with the completions loaded.
fn offered(words: &[&str]) -> Vec<String> {
    let script = r#"source <("$1" completions bash) && shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_s3sieve "$1" "${!#}" "${@: -2:1}" && printf '%s\n' "${COMPREPLY[@]}""#;
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", script, "bash"]).arg(program().get_program()).args(words);
    Run::of(bash).expect(0).stdout().lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_options_and_values() {
    if !has("bash") {
        return;
    }
    let offered_commands = offered(&["s3sieve", ""]);
    for command in commands() {
        assert!(offered_commands.contains(&command), "{command}: {offered_commands:?}");
        let offered = offered(&["s3sieve", &command, "--"]);
        for option in options(&command) {
            assert!(offered.contains(&option), "{command} {option}: {offered:?}");
        }
    }
    assert_eq!(offered(&["s3sieve", "fil"]), ["filter"]);
    assert_eq!(offered(&["s3sieve", "count", "--verify", ""]), ["auto", "md5", "crc"]);
}

#[test]
fn a_shell_that_is_not_known_is_told_of_those_that_are() {
    s3sieve(["completions", "tcsh"]).expect(2).says(&["bash", "elvish", "fish", "zsh"]);
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = s3sieve(["completions", shell]).expect(0).stdout();
        assert!(script.contains("bucket-key"), "{shell}");
    }
}
