//! A double of S3 Batch Operations with a plan to submit to it, and whether its journal is true.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::double::{Double, Options};
use crate::fixture::{ReportFolder, Run, plan_document, program, row, s3sieve};
use crate::plans::PLACE;

/// A double, and a plan of objects that are in its bucket `demo`.
pub struct World {
    pub double: Double,
    folder: TempDir,
    pub plan: PathBuf,
}

/// What every object holds.
pub const PICTURE: &[u8] = b"picture";

/// The name of an object.
pub fn object(number: usize) -> String {
    format!("photos/{number:05} of many.jpg")
}

/// The same as a manifest has it.
pub fn key(number: usize) -> String {
    format!("photos/{number:05}%20of+many.jpg")
}

/// The name of the copy that [`COPY`] makes of an object.
pub fn copied(number: usize) -> String {
    format!("copied/{}", object(number))
}

impl World {
    /// So many objects, in manifests of at most `objects_max`.
    pub fn new(options: Options, objects: usize, objects_max: usize) -> Self {
        let flags = ["--max-objects", &objects_max.to_string()];
        Self::with_report(options, "Bucket, Key, BucketKeyStatus", &flags, |double| {
            for number in 0..objects {
                double.put("demo", &object(number), PICTURE);
            }
            (0..objects).map(|number| row(&["demo", &key(number), "DISABLED"])).collect()
        })
    }

    /// The objects that `fill` makes, and a plan of the rows that it gives, with these flags.
    pub fn with_report(
        options: Options,
        columns: &str,
        flags: &[&str],
        fill: impl FnOnce(&Double) -> String,
    ) -> Self {
        let double = Double::start(options);
        let rows = fill(&double);
        let report = ReportFolder::new(columns, &[rows.as_bytes()]);
        let plan = report.out();
        let filter = ["filter", report.manifest.to_str().unwrap(), "--where", "TRUE"];
        let out = ["--out", plan.to_str().unwrap()];
        s3sieve(filter.iter().chain(flags).chain(&out)).expect(0);
        Self { double, folder: report.folder, plan }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program, with the environment and the endpoints of the double.
    pub fn command<I>(&self, arguments: I) -> Command
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        let mut command = self.command_at_s3(arguments);
        command.args(["--s3control-endpoint-url", &self.double.url()]);
        command
    }

    /// As above, for commands that know no jobs.
    pub fn command_at_s3<I>(&self, arguments: I) -> Command
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        let mut command = program();
        self.double.environment(&mut command);
        command.args(arguments).args(["--endpoint-url", &self.double.url()]);
        command
    }

    pub fn run<I>(&self, arguments: I) -> Run
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        Run::of(self.command(arguments))
    }

    pub fn submit(&self, plan: &Path, more: &[&str]) -> Run {
        self.run(submit_arguments(plan, &[COPY, more].concat()))
    }

    pub fn jobs(&self, action: &[&str]) -> Run {
        self.jobs_of(&self.plan, action)
    }

    pub fn jobs_of(&self, plan: &Path, action: &[&str]) -> Run {
        self.run(["jobs", plan.to_str().unwrap()].iter().chain(action))
    }

    /// Lets the jobs of a plan run to their end.
    pub fn let_run(&self, plan: &Path) -> Run {
        self.jobs_of(plan, &["run", "--interval", "0.02"])
    }
}

pub const COPY: &[&str] = &[
    "--operation",
    "copy",
    "--target-bucket",
    "demo",
    "--target-prefix",
    "copied/",
    "--storage-class",
    "STANDARD",
];

/// The same, encrypted as the request says, whatever the target bucket does by default.
pub const COPY_WITH_SSE: &[&str] = &[
    "--operation",
    "copy",
    "--target-bucket",
    "demo",
    "--target-prefix",
    "copied/",
    "--storage-class",
    "STANDARD",
    "--sse",
    "AES256",
];

pub fn submit_arguments(plan: &Path, operation: &[&str]) -> Vec<String> {
    let plan = ["submit", plan.to_str().unwrap()];
    let all = plan.iter().chain(operation).chain(&PLACE);
    all.map(|argument| (*argument).to_owned()).collect()
}

pub fn journal(plan: &Path) -> Vec<Value> {
    let text = fs::read_to_string(plan.join("jobs.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The journal says what is there: every upload and job that it tells of, and no job twice.
pub fn assert_journal_is_true(world: &World, plan: &Path) {
    let document = plan_document(plan);
    let shards = document["shards"].as_array().unwrap();
    let state = world.double.state();
    let jobs = &state.jobs;
    let manifests: BTreeSet<&str> = jobs.iter().map(|job| job.request.manifest.as_str()).collect();
    assert_eq!(manifests.len(), jobs.len(), "a manifest has two jobs");
    assert_eq!(jobs.len(), shards.len(), "a manifest has no job");
    let created: Vec<(String, String)> = journal(plan)
        .iter()
        .filter(|line| line["event"] == "created")
        .map(|line| {
            let text = |name: &str| line[name].as_str().unwrap().to_owned();
            (text("manifest"), text("job-id"))
        })
        .collect();
    assert_eq!(created.len(), shards.len());
    let expected: Vec<(String, String, String)> = created
        .into_iter()
        .map(|(manifest, id)| {
            let job = jobs.iter().find(|job| job.id == id).unwrap();
            let name = manifest.rsplit('/').next().unwrap().to_owned();
            assert!(job.request.manifest.ends_with(&format!("/{name}")), "{manifest}: {id}");
            (job.request.manifest.clone(), job.request.etag.clone(), manifest)
        })
        .collect();
    drop(state);
    for (object, etag, manifest) in expected {
        let (bucket, key) = object.split_once('/').unwrap();
        assert_eq!(world.double.etag(bucket, key).as_ref(), Some(&etag), "{object}");
        let there = world.double.get(bucket, key).unwrap();
        assert_eq!(there, fs::read(plan.join(manifest)).unwrap(), "{object}");
    }
}
