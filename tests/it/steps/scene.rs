//! A command that makes something in a folder, ended at each of its steps: what is there afterwards
//! is whole or not there, and the same command makes it, as if nothing had been.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::harm::{Harm, faults, harmed, kills, unharmed};
use super::{EIO, Step};
use crate::fixture::Run;

/// Where runs work before they show anything.
pub(crate) const PARTIAL: &str = ".s3sieve-partial";

/// Everything below a folder; folders have no bytes. The time that a plan took is left out.
pub(crate) type Listing = BTreeMap<PathBuf, Option<Vec<u8>>>;

/// What a command makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Makes {
    /// A plan: it is there if its `plan.json` is.
    Plan,
    /// A report: it is there if a `manifest.json` is.
    Report,
    /// Documents that have nothing to do with each other, each whole.
    Documents,
}

/// Gives a command's arguments on a ground, and whether what is there may be replaced.
pub(crate) type Arguments<'a> = dyn Fn(&Path, bool) -> Vec<String> + 'a;

/// A command, what it finds, and what it makes.
pub(crate) struct Scene<'a> {
    pub makes: Makes,
    /// Puts into an empty ground what the command finds there; what it makes goes to `out` in it.
    pub prepare: Box<dyn Fn(&Path) + 'a>,
    /// The arguments, and whether what is there may be replaced.
    pub arguments: Box<Arguments<'a>>,
    /// The code with which it ends when nothing happens to it.
    pub code: i32,
    /// Whether the command replaces what is there.
    pub replaces: bool,
    /// Whether its steps come in the same order each time.
    pub is_ordered: bool,
    /// Files in `out` that are somebody else's.
    pub foreign: &'a [&'a str],
}

/// A run that nothing happens to.
struct Clean {
    steps: Vec<Step>,
    /// All of the ground, before and after.
    before: Listing,
    after: Listing,
}

/// What is wrong, with its story.
type Verdict = Result<(), String>;

fn ensure(holds: bool, what: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(what()) }
}

impl Scene<'_> {
    fn ground(&self) -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let ground = folder.path().canonicalize().unwrap();
        fs::create_dir(ground.join("temporary")).unwrap();
        (self.prepare)(&ground);
        (folder, ground)
    }

    fn command(&self, ground: &Path, replaces: bool) -> Command {
        let mut command = crate::fixture::program();
        command.args((self.arguments)(ground, replaces));
        command.env("TMPDIR", ground.join("temporary"));
        command
    }

    fn clean(&self) -> Clean {
        let (_folder, ground) = self.ground();
        let before = listing(&ground);
        let (run, steps) = unharmed(self.command(&ground, self.replaces), &ground);
        run.expect(self.code);
        let after = listing(&ground);
        let is_partial = |path: &PathBuf| path.to_str().unwrap().contains(PARTIAL);
        assert!(!after.keys().any(is_partial), "{:?}", after.keys());
        assert_ne!(before, after);
        for name in self.foreign {
            assert!(after.contains_key(&Path::new("out").join(name)), "{name}");
        }
        assert!(steps.len() > 5, "the steps are not told: {steps:?}");
        Clean { steps, before, after }
    }

    /// Kills runs at every so many of their steps.
    #[track_caller]
    pub(crate) fn is_killed(&self, every: usize) {
        let clean = self.clean();
        self.is_harmed(&clean, &kills(&clean.steps, every));
    }

    /// Lets every so many of the steps fail, each in so many ways.
    #[track_caller]
    pub(crate) fn fails(&self, every: usize, ways_max: usize) {
        let clean = self.clean();
        self.is_harmed(&clean, &faults(&clean.steps, every, ways_max));
    }

    /// Fails with all that is wrong.
    #[track_caller]
    fn is_harmed(&self, clean: &Clean, harms: &[(usize, Harm)]) {
        let wrong: Vec<String> = harms
            .iter()
            .filter_map(|(at, harm)| {
                let Step { kind, paths } = &clean.steps[*at];
                let story = self.round(clean, *at, *harm).err()?;
                Some(format!("step {at}, {kind} {}, {harm:?}: {story}", paths.join(" to ")))
            })
            .collect();
        let (count, of) = (wrong.len(), harms.len());
        assert!(wrong.is_empty(), "{count} of {of}:\n\n{}", wrong.join("\n\n"));
    }

    fn round(&self, clean: &Clean, at: usize, harm: Harm) -> Verdict {
        let (_folder, ground) = self.ground();
        let (run, step) = harmed(self.command(&ground, self.replaces), &ground, at, harm);
        if self.is_ordered {
            let is_same = step.as_ref().map(|step| &step.kind) == Some(&clean.steps[at].kind);
            ensure(is_same, || format!("{step:?} came instead{}", run.story()))?;
        }
        let Some(step) = step else { return self.same(&ground, clean, &run) };
        match harm {
            Harm::Kill => {
                let is_killed = run.output.status.signal() == Some(9);
                ensure(is_killed, || format!("it lives{}", run.story()))?;
            }
            _ => self.judge_failed(&ground, clean, (harm, &step), &run)?,
        }
        self.judge(&ground, clean, harm)
    }

    /// Whether a run that could not take a step says so, and leaves nothing, or did without.
    fn judge_failed(
        &self,
        ground: &Path,
        clean: &Clean,
        (harm, step): (Harm, &Step),
        run: &Run,
    ) -> Verdict {
        let found = listing(ground);
        let told = |wanted: &Listing| format!("{}{}", differences(&found, wanted), run.story());
        match run.output.status.code() {
            // What it could not remove, the next run does.
            Some(code) if code == self.code && step.is_harmless() => {
                ensure(without_partial(&found) == clean.after, || told(&clean.after))
            }
            Some(code) if code == self.code => ensure(found == clean.after, || told(&clean.after)),
            Some(1) => {
                let names_it = run.stderr().contains(ground.to_str().unwrap());
                ensure(names_it, || format!("no file is named{}", run.story()))?;
                // A disk that takes nothing back either leaves that to the next run.
                let is_stuck = step.is_harmless() || harm == Harm::FailFromNowOn(EIO);
                let may_stay = self.is_there(ground) || is_stuck;
                let is_clear = found == clean.before || found == self.without_old(clean);
                ensure(may_stay || is_clear, || told(&clean.before))
            }
            _ => Err(format!("it ended otherwise{}", run.story())),
        }
    }

    /// What was there before, but for what the command replaces.
    fn without_old(&self, clean: &Clean) -> Listing {
        let mut rest = clean.before.clone();
        let is_foreign = |path: &Path| self.foreign.iter().any(|name| path == Path::new(name));
        rest.retain(|path, _| match path.strip_prefix("out") {
            Ok(own) => !self.replaces || own == Path::new("") || is_foreign(own),
            Err(_) => true,
        });
        rest
    }

    /// Whether what a run left is whole or nothing, and whether the next run makes it good.
    fn judge(&self, ground: &Path, clean: &Clean, harm: Harm) -> Verdict {
        let found = without_partial(&listing(&ground.join("out")));
        let of_out = |all: &Listing| -> Listing { below(all, "out") };
        let (old, new) = (of_out(&clean.before), of_out(&clean.after));
        let is_there = self.is_there(ground);
        if is_there {
            let is_whole = found == new || (self.replaces && found == old);
            ensure(is_whole, || format!("half is shown: {}", differences(&found, &new)))?;
        }
        if self.makes == Makes::Documents {
            let is_whole =
                |(path, bytes): (&PathBuf, &Option<Vec<u8>>)| new.get(path) == Some(bytes);
            ensure(found.iter().all(is_whole), || {
                format!("half is shown: {}", differences(&found, &new))
            })?;
        }
        for name in self.foreign {
            let path = Path::new(name);
            ensure(found.get(path) == old.get(path), || format!("{name} is gone or another"))?;
        }
        if self.replaces && self.foreign.is_empty() {
            let copy = tempfile::tempdir().unwrap();
            let own = copy.path().canonicalize().unwrap();
            copy_all(ground, &own);
            let plain = Run::of(self.command(&own, false));
            match (plain.output.status.code(), is_there) {
                (Some(code), false) if code == self.code => self.same(&own, clean, &plain)?,
                (Some(2), true) => {
                    let now = without_partial(&listing(&own.join("out")));
                    ensure(now == found, || format!("changed {}", differences(&now, &found)))?;
                }
                _ => return Err(format!("without --force it ended otherwise{}", plain.story())),
            }
        }
        if !self.foreign.is_empty() {
            self.judge_foreign(ground)?;
        }
        let again = Run::of(self.command(ground, self.replaces));
        match again.output.status.code() {
            Some(code) if code == self.code => {}
            Some(2) if is_there && !self.replaces => {}
            // The run before it failed after the old plan was gone, and cleared all: what is left
            // are files of others, in a folder that holds no plan.
            Some(2)
                if harm != Harm::Kill
                    && !self.foreign.is_empty()
                    && again.stderr().contains("holds no plan") =>
            {
                return ensure(listing(ground) == self.without_old(clean), || again.story());
            }
            _ => return Err(format!("the next run ended otherwise{}", again.story())),
        }
        self.same(ground, clean, &again)
    }

    /// Whether files of others stay that come between a run that ended early and the next.
    fn judge_foreign(&self, ground: &Path) -> Verdict {
        let copy = tempfile::tempdir().unwrap();
        let own = copy.path().canonicalize().unwrap();
        copy_all(ground, &own);
        let foreign = [".", "manifests", "excluded", "manifests/00000.csv"]
            .map(|folder| own.join("out").join(folder).join("k8s.yaml"));
        let written: Vec<_> =
            foreign.iter().filter(|path| fs::write(path, "mine").is_ok()).collect();
        let run = Run::of(self.command(&own, self.replaces));
        let stays = |path: &&PathBuf| fs::read(path).is_ok_and(|bytes| bytes == b"mine");
        ensure(written.iter().all(stays), || format!("{written:?} are gone{}", run.story()))
    }

    /// The ground is as a run leaves it that nothing happened to.
    fn same(&self, ground: &Path, clean: &Clean, run: &Run) -> Verdict {
        let found = listing(ground);
        ensure(found == clean.after, || {
            format!("the next run left {}{}", differences(&found, &clean.after), run.story())
        })
    }

    /// Whether a reader takes what is in `out` for finished.
    fn is_there(&self, ground: &Path) -> bool {
        let found = without_partial(&listing(&ground.join("out")));
        match self.makes {
            Makes::Plan => found.contains_key(Path::new("plan.json")),
            Makes::Report => found.keys().any(|path| path.ends_with("manifest.json")),
            Makes::Documents => false,
        }
    }
}

pub(crate) fn listing(folder: &Path) -> Listing {
    fn collect(root: &Path, folder: &Path, found: &mut Listing) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        for entry in entries {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_owned();
            if path.is_dir() {
                found.insert(name, None);
                collect(root, &path, found);
                continue;
            }
            let mut bytes = fs::read(&path).unwrap();
            if path.ends_with("plan.json")
                && let Ok(mut document) = serde_json::from_slice::<Value>(&bytes)
            {
                document["totals"]["seconds"] = json!(0);
                bytes = document.to_string().into_bytes();
            }
            found.insert(name, Some(bytes));
        }
    }
    let mut found = Listing::new();
    collect(folder, folder, &mut found);
    found
}

fn without_partial(all: &Listing) -> Listing {
    let is_ours = |path: &Path| path.components().any(|part| part.as_os_str() == PARTIAL);
    let rest = all.iter().filter(|(path, _)| !is_ours(path));
    rest.map(|(path, bytes)| (path.clone(), bytes.clone())).collect()
}

fn below(all: &Listing, folder: &str) -> Listing {
    let own = all.iter().filter_map(|(path, bytes)| {
        let path = path.strip_prefix(folder).ok()?;
        (path != Path::new("")).then(|| (path.to_owned(), bytes.clone()))
    });
    own.collect()
}

/// In words, what one has and the other does not.
fn differences(found: &Listing, wanted: &Listing) -> String {
    let mut text = String::new();
    for path in found.keys().filter(|path| !wanted.contains_key(*path)) {
        text += &format!("+{} ", path.display());
    }
    for (path, bytes) in wanted {
        match found.get(path) {
            None => text += &format!("-{} ", path.display()),
            Some(other) if other != bytes => text += &format!("~{} ", path.display()),
            Some(_) => {}
        }
    }
    text
}

pub(crate) fn copy_all(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            fs::create_dir(&target).unwrap();
            copy_all(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}
