//! What the system sets and limits: signals that are ignored, files that may be open, lengths of
//! files, memory, and folders that may not be looked into.

#![cfg(unix)]

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::fixture::{ReportFolder, Run, manifests, program, row, s3sieve, tree};
use crate::long_run::{self, FILE_ROWS, is_ignored, long_report, signal};

/// The program behind a shell that says `first`.
fn behind(first: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{first}; exec \"$0\" \"$@\""), crate::PROGRAM]).args(arguments);
    command
}

/// Begins to filter, and waits until it writes.
fn begin(first: &str, report: &ReportFolder, out: &Path) -> Child {
    let arguments = ["filter", report.manifest.to_str().unwrap(), "--where", "TRUE", "--out"];
    let mut command = behind(first, &[&arguments[..], &[out.to_str().unwrap()]].concat());
    long_run::begin(&mut command, out)
}

#[test]
fn a_signal_that_was_ignored_stays_ignored() {
    let (report, long) = (long_report(100), long_report(3_000));
    for (name, others) in
        [("HUP", ["TERM", ""]), ("INT", ["HUP", "TERM"]), ("TERM", ["HUP", "INT"])]
    {
        // The one that was ignored ends nothing; nor does it make the next one the second.
        let out = report.folder.path().join(format!("ignored-{name}"));
        let mut child = begin(&format!("trap '' {name}"), &report, &out);
        signal(&child, &format!("-{name}"));
        signal(&child, &format!("-{name}"));
        assert!(child.wait().unwrap().success(), "SIG{name}");
        assert_eq!(manifests(&out).lines().count(), 100 * FILE_ROWS as usize);
        fs::remove_dir_all(&out).unwrap();
        // Others are heard, unless whoever runs this has them ignored.
        let Some(other) = others.into_iter().find(|other| !is_ignored(other)) else { continue };
        let mut child = begin(&format!("trap '' {name}"), &long, &out);
        signal(&child, &format!("-{name}"));
        signal(&child, &format!("-{other}"));
        assert_eq!(child.wait().unwrap().code(), Some(130), "SIG{other}");
        assert!(!out.exists(), "something is left");
    }
}

#[test]
fn a_file_that_may_not_grow_ends_the_run_with_its_name_and_nothing_is_left() {
    let report = long_report(30);
    let (manifest, out) = (report.manifest.to_str().unwrap(), report.out());
    let arguments = ["filter", manifest, "--where", "TRUE", "--out", out.to_str().unwrap()];
    let run = Run::of(behind("ulimit -f 100", &arguments)).expect(1);
    run.says(&["00000.begun", "File too large"]);
    assert!(!out.exists(), "something is left");
    let out = report.folder.path().join("synth");
    let synth = ["synth", "--rows", "200000", "--out", out.to_str().unwrap()];
    Run::of(behind("ulimit -f 100", &synth)).expect(1).says(&["File too large"]);
    assert!(!out.exists() || tree(&out).is_empty(), "something is left");
}

/// Threads whose stacks take so much that the third, or already the first, gets none.
#[cfg(target_os = "linux")]
#[test]
fn threads_that_cannot_be_started_end_the_run() {
    let report = long_report(2_000);
    let (manifest, out) = (report.manifest.to_str().unwrap(), report.out());
    let filter = ["filter", manifest, "--where", "TRUE", "--out", out.to_str().unwrap()];
    let synth = ["synth", "--rows", "9000", "--files", "30", "--out", out.to_str().unwrap()];
    for (limit, stack_bytes) in [("ulimit -v 10485760", 4_u64 << 30), ("true", 1 << 50)] {
        for arguments in [&filter[..], &["count", manifest], &synth] {
            let mut command = behind(limit, &[arguments, &["--threads", "5"]].concat());
            command.env("RUST_MIN_STACK", stack_bytes.to_string());
            let run = Run::of(command).expect(1).says(&["cannot start a thread", "--threads"]);
            let left = out.exists() && !tree(&out).is_empty();
            assert!(!left, "something is left{}", run.story());
            let _ = fs::remove_dir(&out);
        }
    }
}

/// Rows of so many values, by turns, in several files.
fn many_values(values: usize) -> ReportFolder {
    let mut files = vec![String::new(); 40];
    for number in 0..20_000_usize {
        let value = format!("value-{}", number * 7 % values);
        let line = row(&["demo", &format!("key-{number}"), &value, "true", "false"]);
        write!(files[number % 40], "{line}").unwrap();
    }
    let files: Vec<&[u8]> = files.iter().map(String::as_bytes).collect();
    ReportFolder::new("Bucket, Key, StorageClass, IsLatest, IsDeleteMarker", &files)
}

#[test]
fn a_plan_of_500_manifests_takes_few_open_files() {
    let report = many_values(499);
    let manifest = report.manifest.to_str().unwrap();
    let filter = ["filter", manifest, "--where", "TRUE", "--split-by", "StorageClass", "--out"];
    let whole = report.folder.path().join("whole");
    s3sieve(filter.iter().chain(&[whole.to_str().unwrap()])).expect(0);
    assert_eq!(fs::read_dir(whole.join("manifests")).unwrap().count(), 499);
    let limits = ["ulimit -n 64", "ulimit -S -n 64", "ulimit -n 256"];
    for (number, limit) in limits.into_iter().enumerate() {
        for more in [&[][..], &["--memory", "0"], &["--jobs", "700"]] {
            let out = report.folder.path().join(format!("few-{number}"));
            let arguments =
                [&filter[..], &[out.to_str().unwrap(), "--threads", "2"], more].concat();
            Run::of(behind(limit, &arguments)).expect(0);
            if more.contains(&"--jobs") {
                assert_eq!(fs::read_dir(out.join("manifests")).unwrap().count(), 700);
            } else {
                let compare = |plan: &Path| {
                    let files = tree(&plan.join("manifests"));
                    assert_eq!(files.len(), 499);
                    files
                };
                assert!(compare(&out) == compare(&whole), "{limit}: other manifests");
            }
            fs::remove_dir_all(&out).unwrap();
        }
    }
}

#[test]
fn a_root_that_is_not_there_is_bad_input() {
    let report = many_values(3);
    let (manifest, folder) = (report.manifest.to_str().unwrap(), report.folder.path());
    let file = report.manifest.to_str().unwrap();
    for command in ["inspect", "count"] {
        let none = folder.join("none");
        let run = s3sieve([command, manifest, "--root", none.to_str().unwrap()]).expect(3);
        run.says(&[none.to_str().unwrap(), "there is no such folder", "--root names"]);
        let below = format!("{file}/none");
        s3sieve([command, manifest, "--root", &below]).expect(3).says(&["no such folder"]);
        s3sieve([command, manifest, "--root", file]).expect(3).says(&[file, "not a folder"]);
    }
}

/// The program without the right to look into every folder, which the system's administrator has
/// and other users lack anyway.
fn confined(arguments: &[&str], closed: &Path) -> Command {
    if fs::read_dir(closed).is_err() {
        let mut command = program();
        command.args(arguments);
        return command;
    }
    let drop = ["--bounding-set", "-dac_override,-dac_read_search"];
    let mut probe = Command::new("setpriv");
    let probe = probe.args(drop).arg("ls").arg(closed).stdout(Stdio::null()).stderr(Stdio::null());
    let may_look = probe.status().unwrap_or_else(|error| {
        panic!("setpriv of util-linux, without which root may look into every folder: {error}")
    });
    assert!(!may_look.success(), "setpriv can't take the right to look into every folder");
    let mut command = Command::new("setpriv");
    command.args(drop).arg(crate::PROGRAM).args(arguments);
    command
}

#[test]
fn a_folder_that_may_not_be_read_is_named() {
    let report = many_values(3);
    let folder = report.folder.path();
    let manifest = report.manifest.to_str().unwrap();
    let root = folder.join("root");
    fs::create_dir_all(root.join("data")).unwrap();
    let dated = folder.join("reports/demo/daily/2026-01-01T00-00Z");
    fs::create_dir_all(&dated).unwrap();
    fs::copy(&report.manifest, dated.join("manifest.json")).unwrap();
    let reports = folder.join("reports");
    let count = ["count", manifest];
    let cases: [(&Path, Vec<&str>); 5] = [
        (&root, [&count[..], &["--root", root.to_str().unwrap()]].concat()),
        (&root.join("data"), [&count[..], &["--root", root.to_str().unwrap()]].concat()),
        (&folder.join("data"), count.to_vec()),
        (&dated, vec!["inspect", reports.to_str().unwrap()]),
        (&reports, vec!["inspect", reports.to_str().unwrap()]),
    ];
    for (closed, arguments) in cases {
        let close = |mode| fs::set_permissions(closed, fs::Permissions::from_mode(mode)).unwrap();
        close(0);
        let run = Run::of(confined(&arguments, closed));
        close(0o755);
        let run = run.expect(1).says(&[closed.to_str().unwrap()]);
        assert!(run.stderr().to_lowercase().contains("permission denied"), "{}", run.story());
    }
}
