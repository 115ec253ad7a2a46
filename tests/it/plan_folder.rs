//! The folder of a plan: nothing in it goes that isn't ours, no link is followed, and what a run
//! left that ended on the way is cleared by the next.

use std::fs;
use std::path::{Path, PathBuf};

use crate::fixture::{ReportFolder, Run, row, s3sieve, tree};

/// Where a run works.
const WORK: &str = ".s3sieve-partial";

/// What its lock holds.
const MARKER: &str = "s3sieve works here while this file is locked\n";

/// A report of six objects, three of them without a bucket key, and a delete marker.
fn report() -> ReportFolder {
    let text: String = ["a", "b", "c", "d", "e", "f"]
        .iter()
        .zip(["DISABLED", "ENABLED"].iter().cycle())
        .map(|(key, status)| row(&["demo", key, "false", status]))
        .chain([row(&["demo", "gone", "true", ""])])
        .collect();
    ReportFolder::new("Bucket, Key, IsDeleteMarker, BucketKeyStatus", &[text.as_bytes()])
}

/// Two rows in a manifest.
fn filter(report: &ReportFolder, out: &Path, more: &[&str]) -> Run {
    let usual = ["filter", report.manifest.to_str().unwrap(), "--max-objects", "2", "--out"];
    s3sieve([&usual[..], &[out.to_str().unwrap()], more].concat())
}

const ALL: &[&str] = &["--where", "TRUE"];
const SOME: &[&str] = &["--where", "BucketKeyStatus = 'DISABLED'"];
const ALL_FORCED: &[&str] = &["--where", "TRUE", "--force"];

fn put(path: impl AsRef<Path>, text: &str) {
    fs::create_dir_all(path.as_ref().parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn force_deletes_no_tree_without_a_plan() {
    let (report, parent) = (report(), tempfile::tempdir().unwrap());
    for foreign in ["manifests/k8s.yaml", "excluded/old.csv", "notes.txt", "manifests/00000.csv"] {
        let out = parent.path().join(foreign.replace('/', "-"));
        put(out.join(foreign), "precious");
        let before = tree(&out);
        let name = foreign.split('/').next().unwrap();
        for flags in [ALL, ALL_FORCED] {
            filter(&report, &out, flags).expect(2).says(&[name, "--out"]);
            assert_eq!(tree(&out), before);
        }
    }
}

#[test]
fn force_deletes_what_the_old_plan_lists_and_nothing_else() {
    let (report, parent) = (report(), tempfile::tempdir().unwrap());
    let out = parent.path().join("plan");
    filter(&report, &out, SOME).expect(0);
    for foreign in ["manifests/k8s.yaml", "excluded/deeper/x", "manifests/00000/data/y"] {
        put(out.join(foreign), "precious");
        let before = tree(&out);
        let name = foreign.rsplit('/').next().unwrap();
        filter(&report, &out, ALL_FORCED).expect(2).says(&["is in the way"]);
        assert_eq!(tree(&out), before, "{name}");
        fs::remove_file(out.join(foreign)).unwrap();
        let mut folder = out.join(foreign).parent().unwrap().to_owned();
        while fs::remove_dir(&folder).is_ok() {
            folder.pop();
        }
    }
    put(out.join("notes.txt"), "precious");
    filter(&report, &out, ALL_FORCED).expect(0);
    assert_eq!(fs::read_to_string(out.join("notes.txt")).unwrap(), "precious");
    fs::remove_file(out.join("notes.txt")).unwrap();
    let clean = parent.path().join("clean");
    filter(&report, &clean, ALL).expect(0);
    assert_eq!(tree(&out), tree(&clean));
}

#[test]
fn an_old_plan_that_lists_files_elsewhere_is_not_replaced() {
    let (report, parent) = (report(), tempfile::tempdir().unwrap());
    put(parent.path().join("precious"), "precious");
    let absolute = parent.path().join("precious").display().to_string();
    for path in ["../precious", &absolute, "manifests/../../precious", "notes.txt"] {
        let out = parent.path().join("plan");
        filter(&report, &out, SOME).expect(0);
        put(out.join("notes.txt"), "precious");
        let document = out.join("plan.json");
        let text = fs::read_to_string(&document).unwrap();
        assert!(text.contains("manifests/00000.csv"));
        fs::write(&document, text.replace("manifests/00000.csv", path)).unwrap();
        filter(&report, &out, ALL_FORCED).expect(2).says(&["plan.json", path]);
        assert!(parent.path().join("precious").exists() && out.join("notes.txt").exists());
        fs::remove_dir_all(out).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn no_link_is_followed_to_what_is_written_or_deleted() {
    use std::os::unix::fs::symlink;
    let (report, parent) = (report(), tempfile::tempdir().unwrap());
    let precious = parent.path().join("precious");
    let fill = || {
        put(precious.join("lock"), "");
        put(precious.join("manifests/00000.csv"), "precious");
        put(precious.join("other.json"), "precious");
    };
    fill();
    let before = tree(&precious);
    let out = parent.path().join("plan");
    let refused = |code: i32, link: &Path, target: &Path, flags: &[&str]| {
        symlink(target, link).unwrap();
        let name = link.file_name().unwrap().to_str().unwrap();
        filter(&report, &out, flags).expect(code).says(&[name]);
        assert_eq!(tree(&precious), before);
        assert!(link.is_symlink(), "the link stays");
        fs::remove_file(link).unwrap();
    };
    fs::create_dir(&out).unwrap();
    refused(2, &out.join(WORK), &precious, ALL);
    fs::create_dir(out.join(WORK)).unwrap();
    refused(1, &out.join(WORK).join("lock"), &precious.join("other.json"), ALL);
    refused(1, &out.join(WORK).join("lock"), &precious.join("nothing"), ALL);
    assert!(!precious.join("nothing").exists());
    refused(2, &out.join("plan.json"), &precious.join("other.json"), ALL_FORCED);
    fs::remove_dir_all(&out).unwrap();
    filter(&report, &out, SOME).expect(0);
    fs::remove_dir_all(out.join("manifests")).unwrap();
    refused(2, &out.join("manifests"), &precious.join("manifests"), ALL_FORCED);
}

#[cfg(unix)]
#[test]
fn a_lock_that_is_none_is_neither_waited_for_nor_changed() {
    let (report, parent) = (report(), tempfile::tempdir().unwrap());
    let out = parent.path().join("plan");
    let lock = out.join(WORK).join("lock");
    fs::create_dir_all(out.join(WORK)).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&lock).status().unwrap();
    assert!(made.success());
    filter(&report, &out, ALL).expect(1).says(&["lock", "no regular file"]);
    fs::remove_file(&lock).unwrap();
    put(&lock, "pid 1\n");
    filter(&report, &out, ALL).expect(1).says(&["lock", "something else"]);
    assert_eq!(fs::read_to_string(&lock).unwrap(), "pid 1\n");
    // Somebody's folder of that name.
    fs::remove_file(&lock).unwrap();
    put(out.join(WORK).join("manifests/mine"), "precious");
    filter(&report, &out, ALL).expect(2).says(&["manifests", "in the way"]);
    assert!(out.join(WORK).join("manifests/mine").exists());
}

/// A folder as a run leaves it that is killed on the way: parts of the old plan, of the new one,
/// and of the new one in the work folder.
struct Killed<'a> {
    old: &'a [&'a str],
    new: &'a [&'a str],
    work: &'a [&'a str],
}

const WHOLE: &[&str] = &["manifests", "excluded", "plan.json"];
const REPLACING: &[&str] = &["manifests", "excluded", "plan.json", "replaced.json"];

impl Killed<'_> {
    fn make(&self, old: &Path, new: &Path) -> (tempfile::TempDir, PathBuf) {
        let parent = tempfile::tempdir().unwrap();
        let out = parent.path().join("plan");
        put(out.join(WORK).join("lock"), MARKER);
        let copy = |from: &Path, names: &[&str], to: &Path| {
            for (name, bytes) in tree(from) {
                let name = name.to_str().unwrap();
                if names.iter().any(|wanted| name.starts_with(wanted)) {
                    fs::create_dir_all(to.join(name).parent().unwrap()).unwrap();
                    fs::write(to.join(name), bytes).unwrap();
                }
            }
        };
        copy(old, self.old, &out);
        copy(new, self.new, &out);
        copy(new, self.work, &out.join(WORK));
        if self.work.contains(&"replaced.json") {
            fs::copy(old.join("plan.json"), out.join(WORK).join("replaced.json")).unwrap();
        }
        (parent, out)
    }
}

#[test]
fn a_run_that_was_killed_anywhere_is_cleared_by_the_next() {
    let (report, parent) = (report(), tempfile::tempdir().unwrap());
    let [old, new] = ["old", "new"].map(|name| parent.path().join(name));
    filter(&report, &old, ALL).expect(0);
    filter(&report, &new, SOME).expect(0);
    let killed = [
        Killed { old: &[], new: &[], work: &[] },
        Killed { old: &[], new: &[], work: &["manifests/00000"] },
        Killed { old: &[], new: &[], work: WHOLE },
        Killed { old: &[], new: &["manifests"], work: &["excluded", "plan.json"] },
        Killed { old: &[], new: &["manifests", "excluded"], work: &["plan.json"] },
        Killed { old: &["manifests", "excluded"], new: &[], work: REPLACING },
        Killed { old: &["manifests/00001", "excluded"], new: &[], work: REPLACING },
        Killed { old: &[], new: &["manifests"], work: &["excluded", "plan.json", "replaced.json"] },
        Killed { old: &[], new: &["manifests", "excluded"], work: &["plan.json", "replaced.json"] },
    ];
    for (place, killed) in killed.iter().enumerate() {
        for flags in [SOME, &[SOME[0], SOME[1], "--force"]] {
            let (_parent, out) = killed.make(&old, &new);
            filter(&report, &out, flags).expect(0);
            assert_eq!(tree(&out), tree(&new), "case {place}, {flags:?}");
            assert!(!out.join(WORK).exists());
        }
        // What somebody put beside it stays, and keeps a plan from being made there.
        let (_parent, out) = killed.make(&old, &new);
        put(out.join("manifests/k8s.yaml"), "precious");
        filter(&report, &out, ALL_FORCED).expect(2).says(&["manifests"]);
        assert!(out.join("manifests/k8s.yaml").exists());
    }
    // Killed before the old plan was touched, or when the new one was there: a plan is a plan.
    for (killed, plan) in [
        (Killed { old: WHOLE, new: &[], work: WHOLE }, &old),
        (Killed { old: &[], new: WHOLE, work: &["replaced.json"] }, &new),
    ] {
        let (_parent, out) = killed.make(&old, &new);
        filter(&report, &out, SOME).expect(2).says(&["not empty", "--force"]);
        assert_eq!(tree(&out), tree(plan));
        assert!(!out.join(WORK).exists());
        let (_parent, out) = killed.make(&old, &new);
        filter(&report, &out, ALL_FORCED).expect(0);
        assert_eq!(tree(&out), tree(&old));
    }
}

#[test]
fn a_run_that_fails_leaves_no_folder_that_it_made() {
    let (report, parent) = (report(), tempfile::tempdir().unwrap());
    report.replace(0, b"no gzip");
    filter(&report, &parent.path().join("deep/er/plan"), ALL).expect(3);
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
}
