//! `docs/bucket-keys.md`, walked from its first line to its last: its commands run, in order,
//! against a double of S3 Batch Operations, and print what the page says.
//!
//! Of the page's `sh` blocks, those that name the program are run; a `text` block behind one is
//! what it prints, standard error included. There, a line of dots stands for any lines, dots in a
//! line for any text. Blocks with neither `s3sieve` nor `aws` set variables for all that follow.
//! Those with `aws` are the way by hand; they are only held to the shell's grammar.
//!
//! To bring the page up to date: run the test. It shows every block that differs, with what was
//! printed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use jiff::{Timestamp, ToSpan};
use tempfile::TempDir;

use crate::buckets::{DATED, Delivery};
use crate::double::{Double, Options, REGION};
use crate::fixture::{gzip, row};

const COLUMNS: &str = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, \
                       StorageClass, EncryptionStatus, BucketKeyStatus";

/// When the objects were made that the walk finds.
const MADE: &str = "2025-03-04T05:06:07.000Z";

/// Larger than a job may copy.
const LARGE_BYTES: u64 = 6 << 30;

/// A command of the page, with what it prints by the page.
struct Example {
    commands: String,
    printed: Option<String>,
}

/// The page: what sets variables, what is run, what is done by hand.
struct Page {
    variables: String,
    examples: Vec<Example>,
    by_hand: Vec<String>,
}

impl Page {
    fn read() -> Self {
        let path = Path::new(crate::REPOSITORY).join("docs/bucket-keys.md");
        let text = fs::read_to_string(path).unwrap();
        let mut page = Self { variables: String::new(), examples: Vec::new(), by_hand: Vec::new() };
        // Whether the block before is one that runs.
        let mut ran = false;
        for block in text.split("```").skip(1).step_by(2) {
            let (language, text) = block.split_once('\n').unwrap();
            let calls = |program: &str| text.lines().any(|line| line.starts_with(program));
            match language {
                "sh" if calls("aws ") => page.by_hand.push(text.to_owned()),
                "sh" if calls("s3sieve ") => {
                    page.examples.push(Example { commands: text.to_owned(), printed: None });
                }
                "sh" => page.variables += text,
                "text" => {
                    assert!(ran, "output of nothing:\n{text}");
                    page.examples.last_mut().unwrap().printed = Some(text.to_owned());
                }
                other => panic!("a block of `{other}`"),
            }
            ran = language == "sh" && calls("s3sieve ");
        }
        page
    }
}

/// What an object version is in reports before anything was done.
#[derive(Clone)]
struct Facts {
    size: u64,
    class: &'static str,
    encryption: &'static str,
    bucket_key: &'static str,
}

const PLAIN: Facts =
    Facts { size: 70_000, class: "STANDARD", encryption: "SSE-KMS", bucket_key: "DISABLED" };

struct Walk {
    double: Double,
    folder: TempDir,
    /// By key and version id.
    before: BTreeMap<(String, String), Facts>,
    reports: i64,
}

impl Walk {
    fn new() -> Self {
        let double = Double::start(Options { enforce_role: true, ..Options::default() });
        for bucket in ["photos", "inventory"] {
            double.create_bucket(bucket, REGION);
        }
        double.keep_versions("photos");
        double.state().roles.clear();
        let mut walk = Self {
            double,
            folder: tempfile::tempdir().unwrap(),
            before: BTreeMap::new(),
            reports: 0,
        };
        walk.fill();
        walk.install();
        walk
    }

    fn put(&mut self, key: &str, facts: &Facts) {
        let id = self.double.put_version("photos", key, b"picture");
        self.before.insert((key.to_owned(), id), facts.clone());
    }

    /// The objects that the page speaks of.
    fn fill(&mut self) {
        let key = |number: usize| format!("{:07}~thumb.jpg", 100_059 + number);
        for number in 0..2 {
            self.put(&key(number), &PLAIN);
        }
        for number in 0..12 {
            self.put(&key(number), &PLAIN);
        }
        self.put("large.mov", &Facts { size: LARGE_BYTES, ..PLAIN });
        self.put("old.tar", &Facts { class: "GLACIER", ..PLAIN });
        for number in 12..18 {
            self.put(&key(number), &Facts { bucket_key: "ENABLED", ..PLAIN });
        }
        for number in 18..22 {
            self.put(&key(number), &Facts { encryption: "SSE-S3", ..PLAIN });
        }
        self.put("removed.jpg", &PLAIN);
        self.double.state().versions.delete("photos", "removed.jpg");
    }

    /// Puts the program onto the path, with the double's addresses. Jobs are looked at often.
    fn install(&self) {
        let url = self.double.url();
        let script = format!(
            "#!/bin/sh\n\
             case \"$1\" in\n\
             inspect | count | filter | verify | setup) set -- \"$@\" --endpoint-url {url} ;;\n\
             submit | jobs) set -- \"$@\" --endpoint-url {url} --s3control-endpoint-url {url} \
             --trust-endpoint ;;\n\
             esac\n\
             case \"$1 $3\" in\n\
             'jobs run') set -- \"$@\" --interval 0.02 ;;\n\
             esac\n\
             exec {} \"$@\" 2>&1\n",
            crate::PROGRAM
        );
        let path = self.folder.path().join("bin/s3sieve");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// S3 delivers a report of the bucket as it is: an hour after the one before, the first one a
    /// day old.
    fn deliver(&mut self) {
        let begun = Timestamp::now() + (self.reports - 24).hours();
        self.reports += 1;
        let mut rows = [String::new(), String::new()];
        let state = self.double.state();
        for (number, (key, versions)) in state.versions.keys("photos").enumerate() {
            for (place, version) in versions.iter().enumerate() {
                let id = (key.clone(), version.id.clone());
                let latest = (place + 1 == versions.len()).to_string();
                let encoded = key.replace('~', "%7E");
                let start = ["photos", &encoded, &version.id, &latest];
                let Some(facts) = self.before.get(&id).or(version.content.as_ref().map(|_| &PLAIN))
                else {
                    let rest = ["true", "0", MADE, "", "", ""];
                    rows[number % 2] += &row(&[&start[..], &rest].concat());
                    continue;
                };
                let is_copy = !self.before.contains_key(&id);
                let object = ("photos".to_owned(), key.clone(), version.id.clone());
                let done = is_copy || state.updated.contains(&object);
                let made = if is_copy { begun.to_string() } else { MADE.to_owned() };
                let size = facts.size.to_string();
                let bucket_key = if done { "ENABLED" } else { facts.bucket_key };
                let rest = ["false", &size, &made, facts.class, facts.encryption, bucket_key];
                rows[number % 2] += &row(&[&start[..], &rest].concat());
            }
        }
        drop(state);
        let files: Vec<Vec<u8>> = rows.iter().map(|rows| gzip(rows.as_bytes())).collect();
        let delivery = Delivery {
            bucket: "inventory",
            folder: "daily/photos/s3sieve/",
            dated: &begun.strftime(DATED).to_string(),
            columns: COLUMNS,
        };
        delivery.put(&files, |key, bytes| self.double.put("inventory", key, bytes));
    }

    /// Runs commands as a shell would; what they print, and whether all went well.
    fn run(&self, commands: &str) -> (String, bool) {
        let mut shell = Command::new("sh");
        self.double.environment(&mut shell);
        let path = std::env::var("PATH").unwrap();
        let path = format!("{}:{path}", self.folder.path().join("bin").display());
        let output = shell
            .args(["-e", "-c", commands])
            .current_dir(self.folder.path())
            .env("PATH", path)
            .output()
            .unwrap();
        let printed = [output.stdout, output.stderr].concat();
        (String::from_utf8(printed).unwrap(), output.status.success())
    }
}

/// Whether lines are as the page has them.
fn fits(page: &[&str], printed: &[&str]) -> bool {
    match page.split_first() {
        None => printed.is_empty(),
        Some((&"...", rest)) => (0..=printed.len()).any(|from| fits(rest, &printed[from..])),
        Some((line, rest)) => printed
            .split_first()
            .is_some_and(|(first, more)| line_fits(line, first.trim_end()) && fits(rest, more)),
    }
}

fn line_fits(page: &str, printed: &str) -> bool {
    let mut parts = page.split("...");
    let Some(mut rest) = parts.next().and_then(|first| printed.strip_prefix(first)) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, between)) = parts.split_last() else { return rest.is_empty() };
    for part in between {
        let Some((_, behind)) = rest.split_once(part) else { return false };
        rest = behind;
    }
    rest.ends_with(last)
}

#[test]
fn the_page_on_bucket_keys_is_true() {
    let page = Page::read();
    let mut walk = Walk::new();
    let mut faults = String::new();
    for Example { commands, printed } in &page.examples {
        // Time passes: the first report comes, and one after each way.
        if ["s3sieve inspect", "s3sieve verify"].iter().any(|begin| commands.starts_with(begin)) {
            walk.deliver();
        }
        let (found, well) = walk.run(&format!("{}\n{commands}", page.variables));
        let wanted = printed.as_deref().unwrap_or("...");
        let lines = |text| str::lines(text).collect::<Vec<_>>();
        if !well || !fits(&lines(wanted), &lines(&found)) {
            let failed = if well { "" } else { " (failed)" };
            write!(faults, "=== {commands}=== page\n{wanted}=== printed{failed}\n{found}").unwrap();
        }
        assert!(well, "{faults}");
    }
    assert!(faults.is_empty(), "{faults}");
    for commands in &page.by_hand {
        let checked = Command::new("sh").args(["-n", "-c", commands]).output().unwrap();
        assert!(checked.status.success(), "{commands}{}", String::from_utf8_lossy(&checked.stderr));
    }
    // What the page tells apart: twelve copies, each a new version; no version by the other way.
    let copied = |key: &str| walk.double.versions("photos", key).len();
    assert_eq!((copied("0100059~thumb.jpg"), copied("0100062~thumb.jpg")), (3, 2));
    assert_eq!((copied("large.mov"), copied("old.tar")), (1, 1));
    assert_eq!(walk.double.state().updated.len(), 17);
}

#[test]
fn a_page_is_held_to_what_it_says() {
    let fits = |page: &str, printed: &str| {
        fits(&page.lines().collect::<Vec<_>>(), &printed.lines().collect::<Vec<_>>())
    };
    assert!(fits("...\na ... c\n...\nDone.\n", "x\na b c  \nDone.\n"));
    assert!(fits("a\n", "a\n") && !fits("a\n", "a\nb\n") && !fits("a\nb\n", "a\n"));
    assert!(!fits("a ... c\n", "a b d\n") && !fits("a ...\n", "b a \n"));
}
