//! Plans written to one place in S3 by two runs at once, by runs that end before their time, and
//! with answers that are lost: no manifest is lost, whatever happens.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Once, OnceLock};

use ground::{BeforeProxy, Deed};

use crate::buckets::{Buckets, data_file, program_with_keys, s3sieve_at, tree_anywhere};

const PLAN: &str = "s3://plans/today";

/// Manifests that are sent as one object each, 14 of them; and one that is sent in parts.
const MANY: &[&str] = &["--max-objects", "20000"];
const LARGE: &[&str] = &[];

/// A server with a report, and what a plan of it on disk holds.
struct Race {
    buckets: Buckets,
    manifest: String,
    scratch: PathBuf,
}

impl Race {
    fn new() -> Self {
        let buckets = Buckets::new();
        let files = [data_file(0, 150_000), data_file(1, 130_000)];
        let manifest = buckets.report("", "2026-01-02T00-00Z", &files);
        let manifest = buckets.file(&manifest).to_str().unwrap().to_owned();
        let scratch = buckets.out("scratch");
        for folder in [buckets.root.path().join("plans"), scratch.clone()] {
            fs::create_dir_all(folder).unwrap();
        }
        Self { buckets, manifest, scratch }
    }

    fn arguments<'a>(&'a self, out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        [&["filter", &self.manifest, "--where", "Size >= 0", "--out", out], more].concat()
    }

    fn endpoint(&self) -> String {
        self.buckets.server.endpoint()
    }

    fn command(&self, endpoint: &str, more: &[&str]) -> Command {
        let mut command = program_with_keys();
        command.args(self.arguments(PLAN, more)).args(["--endpoint-url", endpoint]);
        command.env("TMPDIR", &self.scratch).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs to the end, and expects a plan.
    fn finishes(&self, endpoint: &str, more: &[&str]) {
        let output = self.command(endpoint, more).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn objects(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let place = self.buckets.root.path().join("plans/today");
        if place.exists() { tree_anywhere(&place) } else { BTreeMap::new() }
    }

    /// The plan is whole, as it would be on disk, and no upload was left open.
    #[track_caller]
    fn assert_whole(&self, more: &[&str]) {
        let local = self.buckets.out("local");
        let arguments = self.arguments(local.to_str().unwrap(), more);
        s3sieve_at(&self.endpoint(), arguments).expect(0);
        assert!(self.objects() == tree_anywhere(&local), "{:?}", self.objects().keys());
        fs::remove_dir_all(&local).unwrap();
        let entries = fs::read_dir(self.buckets.root.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let open: Vec<String> = names.filter(|name| name.contains("upload")).collect();
        assert!(open.is_empty(), "{open:?}");
    }

    /// Runs with a signal sent before the request whose line holds `moment` is served, and after
    /// `meanwhile` was done; the exit code.
    fn signalled(
        &self,
        more: &[&str],
        moment: &'static str,
        signal: &'static str,
        meanwhile: impl Fn() + Send + Sync + 'static,
    ) -> Option<i32> {
        let (id, once): (Arc<OnceLock<u32>>, _) = (Arc::default(), Once::new());
        let told = Arc::clone(&id);
        let proxy = BeforeProxy::start(self.buckets.server.address(), move |line| {
            if line.starts_with("PUT ") && line.contains(moment) {
                once.call_once(|| {
                    meanwhile();
                    let id = told.wait().to_string();
                    assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
                });
            }
        });
        let child: Child = self.command(&proxy.unwrap().endpoint(), more).spawn().unwrap();
        id.set(child.id()).unwrap();
        child.wait_with_output().unwrap().status.code()
    }
}

/// Does something to the first so many requests whose lines begin and go on like this.
fn first(
    upstream: std::net::SocketAddr,
    deed: Deed,
    count: u32,
    matches: impl Fn(&str) -> bool + Send + Sync + 'static,
) -> (BeforeProxy, Arc<AtomicU32>) {
    let done = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&done);
    let proxy = BeforeProxy::start(upstream, move |line| {
        if matches(line) && counted.fetch_add(1, Ordering::Relaxed) < count {
            deed
        } else {
            Deed::PassOn
        }
    });
    (proxy.unwrap(), done)
}

#[test]
fn two_runs_at_once_both_succeed() {
    for more in [MANY, LARGE] {
        let race = Race::new();
        let begin = || race.command(&race.endpoint(), more).spawn().unwrap();
        for child in [begin(), begin()] {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        race.assert_whole(more);
    }
}

/// The second run does all of its work between two requests of the first one.
#[test]
fn a_run_that_is_overtaken_by_the_same_succeeds() {
    for (more, moment) in [(MANY, "00003.csv"), (LARGE, "partNumber=2"), (MANY, "plan.json")] {
        let race = Arc::new(Race::new());
        let (once, other) = (Once::new(), Arc::clone(&race));
        let proxy = BeforeProxy::start(race.buckets.server.address(), move |line| {
            if line.starts_with("PUT ") && line.contains(moment) {
                once.call_once(|| other.finishes(&other.endpoint(), more));
            }
        });
        race.finishes(&proxy.unwrap().endpoint(), more);
        race.assert_whole(more);
    }
}

#[test]
fn a_run_that_is_overtaken_by_another_question_says_so() {
    let race = Arc::new(Race::new());
    let (once, other) = (Once::new(), Arc::clone(&race));
    let proxy = BeforeProxy::start(race.buckets.server.address(), move |line| {
        if line.starts_with("PUT ") && line.contains("plan.json") {
            once.call_once(|| {
                // The same manifests, but an inventory by other bounds.
                other.finishes(
                    &other.endpoint(),
                    &["--max-objects", "20000", "--max-bytes", "1GiB"],
                );
            });
        }
    });
    let output = race.command(&proxy.unwrap().endpoint(), MANY).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("another run has finished another plan"), "{told}");
    race.assert_whole(&["--max-objects", "20000", "--max-bytes", "1GiB"]);
}

#[test]
fn another_question_in_an_unfinished_folder_is_refused_by_name() {
    let race = Race::new();
    race.finishes(&race.endpoint(), MANY);
    fs::remove_file(race.buckets.root.path().join("plans/today/plan.json")).unwrap();
    let before = race.objects();
    let size = ["filter", &race.manifest, "--where", "Size > 7000000", "--out", PLAN];
    let run = s3sieve_at(&race.endpoint(), size.iter().chain(MANY)).expect(2);
    run.says(&["s3://plans/today/manifests/00000.csv already exists with different content"]);
    assert!(race.objects() == before);
    race.finishes(&race.endpoint(), MANY);
    race.assert_whole(MANY);
}

#[test]
fn a_killed_run_is_finished_by_the_same_command() {
    for (more, moment) in [(MANY, "00005.csv"), (LARGE, "partNumber=2")] {
        let race = Race::new();
        assert_eq!(race.signalled(more, moment, "-KILL", || ()), None);
        assert!(!race.objects().contains_key(Path::new("plan.json")));
        assert_eq!(fs::read_dir(&race.scratch).unwrap().count(), 1, "a folder was left");
        race.finishes(&race.endpoint(), more);
        assert_eq!(fs::read_dir(&race.scratch).unwrap().count(), 0, "leavings are removed");
        // Parts of a killed run stay: nobody knows their upload.
        for entry in fs::read_dir(race.buckets.root.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.to_str().unwrap().contains("upload") {
                fs::remove_file(path).unwrap();
            }
        }
        race.assert_whole(more);
    }
}

#[test]
fn a_run_that_is_told_to_end_deletes_nothing_of_another() {
    for moment in ["00005.csv", "plan.json"] {
        let race = Arc::new(Race::new());
        let other = Arc::clone(&race);
        let meanwhile = move || other.finishes(&other.endpoint(), MANY);
        let code = race.signalled(MANY, moment, "-TERM", meanwhile);
        assert!(matches!(code, Some(0 | 130)), "{code:?}");
        race.assert_whole(MANY);
        assert_eq!(fs::read_dir(&race.scratch).unwrap().count(), 0);
    }
}

/// The object is stored, and the client is told of an error: its second try finds its own object.
#[test]
fn a_lost_answer_is_no_loss() {
    for name in ["plan.json", "00002.csv"] {
        let race = Race::new();
        let matches = move |line: &str| line.starts_with("PUT ") && line.contains(name);
        let (proxy, seen) = first(race.buckets.server.address(), Deed::LoseAnswer, 1, matches);
        race.finishes(&proxy.endpoint(), MANY);
        assert!(seen.load(Ordering::Relaxed) > 1, "there was no second try");
        race.assert_whole(MANY);
    }
}

#[test]
fn conflicts_are_looked_into_and_tried_again() {
    for (more, begins, holds) in
        [(MANY, "PUT ", "00002.csv"), (MANY, "PUT ", "plan.json"), (LARGE, "POST ", "uploadId=")]
    {
        let race = Race::new();
        let matches = move |line: &str| line.starts_with(begins) && line.contains(holds);
        let (proxy, seen) = first(race.buckets.server.address(), Deed::Conflict, 2, matches);
        race.finishes(&proxy.endpoint(), more);
        assert_eq!(seen.load(Ordering::Relaxed), 3);
        race.assert_whole(more);
    }
    let race = Race::new();
    let matches = |line: &str| line.starts_with("PUT ") && line.contains("plan.json");
    let (proxy, seen) = first(race.buckets.server.address(), Deed::Conflict, u32::MAX, matches);
    let output = race.command(&proxy.endpoint(), MANY).output().unwrap();
    assert_eq!(output.status.code(), Some(4), "it is given up");
    assert_eq!(seen.load(Ordering::Relaxed), 6);
}

#[test]
fn manifests_that_are_deleted_meanwhile_are_missed() {
    let race = Race::new();
    let lost = race.buckets.root.path().join("plans/today/manifests/00001.csv");
    let proxy = BeforeProxy::start(race.buckets.server.address(), move |line| {
        if line.starts_with("PUT ") && line.contains("00003.csv") {
            let _ = fs::remove_file(&lost);
        }
    });
    let output = race.command(&proxy.unwrap().endpoint(), MANY).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("manifests/00001.csv was deleted while this run"), "{told}");
    race.finishes(&race.endpoint(), MANY);
    race.assert_whole(MANY);
}

#[cfg(unix)]
#[test]
fn scratch_folders_are_private_and_of_one_run_alone() {
    use std::os::unix::fs::PermissionsExt;

    let race = Race::new();
    let seen: Arc<Mutex<Vec<(String, u32)>>> = Arc::default();
    let (noted, scratch) = (Arc::clone(&seen), race.scratch.clone());
    let proxy = BeforeProxy::start(race.buckets.server.address(), move |line| {
        if line.starts_with("PUT ") && line.contains("plan.json") {
            for entry in fs::read_dir(&scratch).unwrap() {
                let entry = entry.unwrap();
                let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
                noted.lock().unwrap().push((entry.file_name().into_string().unwrap(), mode));
            }
        }
    });
    let endpoint = proxy.unwrap().endpoint();
    race.finishes(&endpoint, MANY);
    fs::remove_file(race.buckets.root.path().join("plans/today/plan.json")).unwrap();
    race.finishes(&endpoint, MANY);
    let seen = seen.lock().unwrap();
    let [(one, mode), (other, _)] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!(*mode, 0o700);
    assert!(one.starts_with("s3sieve-") && one.len() > 20 && one != other, "{one} {other}");
    assert_eq!(fs::read_dir(&race.scratch).unwrap().count(), 0);
}

/// The lines of all requests that change something, as they come, and what is done with each.
fn noted(
    race: &Race,
    before: impl Fn(&str) -> Deed + Send + Sync + 'static,
) -> (BeforeProxy, Arc<Mutex<Vec<String>>>) {
    let lines: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = Arc::clone(&lines);
    let proxy = BeforeProxy::start(race.buckets.server.address(), move |line| {
        if !line.starts_with("GET ") && !line.starts_with("HEAD ") {
            seen.lock().unwrap().push(line.to_owned());
        }
        before(line)
    });
    (proxy.unwrap(), lines)
}

const FEWER: &[&str] = &["--max-objects", "60000", "--force"];

/// Whatever ends a run with `--force` before its new plan is whole, the old plan stays.
#[test]
fn a_replacement_that_fails_leaves_the_old_plan() {
    let race = Race::new();
    race.finishes(&race.endpoint(), MANY);
    let before = race.objects();
    // No folder for temporary files.
    let mut command = race.command(&race.endpoint(), FEWER);
    let output = command.env("TMPDIR", race.scratch.join("none")).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(race.objects() == before);
    // A data file that is cut.
    let file = race.buckets.file("demo/daily/data/2026-01-02T00-00Z-1.csv.gz");
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    for more in [FEWER, &["--max-objects", "20000", "--force"]] {
        let output = race.command(&race.endpoint(), more).output().unwrap();
        assert_eq!(output.status.code(), Some(3));
        assert!(race.objects() == before);
    }
    fs::write(&file, &whole).unwrap();
    // Something else in the way of a new file.
    let foreign = race.buckets.root.path().join("plans/today/manifests/00015.csv");
    fs::write(&foreign, "foreign").unwrap();
    let (proxy, lines) = noted(&race, |_| Deed::PassOn);
    let more = &["--max-objects", "15000", "--force"];
    let output = race.command(&proxy.endpoint(), more).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("manifests/00015.csv already exists with different content"), "{told}");
    assert!(lines.lock().unwrap().is_empty(), "{:?}", lines.lock().unwrap());
    fs::remove_file(&foreign).unwrap();
    assert!(race.objects() == before);
    race.finishes(&race.endpoint(), FEWER);
    race.assert_whole(&FEWER[..2]);
}

/// The old files go before the old `plan.json`, and nothing is sent before that.
#[test]
fn a_replacement_that_is_killed_among_its_deletions_is_finished_by_the_same_command() {
    let race = Race::new();
    race.finishes(&race.endpoint(), MANY);
    let (id, once): (Arc<OnceLock<u32>>, _) = (Arc::default(), Once::new());
    let told = Arc::clone(&id);
    let (proxy, lines) = noted(&race, move |line| {
        if line.starts_with("DELETE ") && line.contains("00005.csv") {
            once.call_once(|| {
                let id = told.wait().to_string();
                assert!(Command::new("kill").args(["-KILL", &id]).status().unwrap().success());
            });
        }
        Deed::PassOn
    });
    let child = race.command(&proxy.endpoint(), FEWER).spawn().unwrap();
    id.set(child.id()).unwrap();
    assert_eq!(child.wait_with_output().unwrap().status.code(), None);
    assert!(lines.lock().unwrap().iter().all(|line| line.starts_with("DELETE ")));
    // The server may still delete a file, so the folder is not walked.
    assert!(race.buckets.root.path().join("plans/today/plan.json").exists());
    race.finishes(&race.endpoint(), FEWER);
    race.assert_whole(&FEWER[..2]);
}

#[test]
fn a_lost_answer_to_a_deletion_is_no_loss() {
    for name in ["plan.json", "00002.csv"] {
        let race = Race::new();
        race.finishes(&race.endpoint(), MANY);
        let matches = move |line: &str| line.starts_with("DELETE ") && line.contains(name);
        let (proxy, seen) = first(race.buckets.server.address(), Deed::LoseAnswer, 1, matches);
        race.finishes(&proxy.endpoint(), FEWER);
        assert!(seen.load(Ordering::Relaxed) > 1, "there was no second try");
        race.assert_whole(&FEWER[..2]);
    }
}

/// What is there and the same is found, and nothing is deleted but what was damaged.
#[test]
fn a_replacement_by_the_same_plan_deletes_nothing() {
    let race = Race::new();
    race.finishes(&race.endpoint(), MANY);
    let again = &["--max-objects", "20000", "--force"];
    let (proxy, lines) = noted(&race, |_| Deed::PassOn);
    race.finishes(&proxy.endpoint(), again);
    assert!(lines.lock().unwrap().iter().all(|line| line.contains("plan.json")));
    assert!(!lines.lock().unwrap().iter().any(|line| line.starts_with("DELETE ")));
    fs::write(race.buckets.root.path().join("plans/today/manifests/00001.csv"), "x").unwrap();
    race.finishes(&race.endpoint(), again);
    race.assert_whole(MANY);
}

/// A file that another run replaces, before `plan.json` is sent or while it is.
#[test]
fn files_that_are_replaced_meanwhile_are_noticed() {
    for moment in ["00003.csv", "plan.json"] {
        let race = Race::new();
        let path = race.buckets.root.path().join("plans/today/manifests/00001.csv");
        let (proxy, lines) = noted(&race, move |line| {
            if line.starts_with("PUT ") && line.contains(moment) {
                fs::write(&path, "another").unwrap();
                // What the server remembers of the file before.
                let parent = path.ancestors().nth(4).unwrap();
                for entry in fs::read_dir(parent).unwrap() {
                    let entry = entry.unwrap();
                    let name = entry.file_name().into_string().unwrap();
                    if entry.path().is_file() && name.starts_with(".bucket-") {
                        fs::remove_file(entry.path()).unwrap();
                    }
                }
            }
            Deed::PassOn
        });
        let output = race.command(&proxy.endpoint(), MANY).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains("manifests/00001.csv was replaced while this run"), "{told}");
        assert!(!race.objects().contains_key(Path::new("plan.json")));
        let deleted = lines.lock().unwrap().iter().any(|line| line.starts_with("DELETE "));
        assert_eq!(deleted, moment == "plan.json");
    }
}
