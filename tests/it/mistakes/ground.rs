//! The folder that mistakes are made in: reports, plans, and what people take for them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;
use tempfile::TempDir;

use crate::fixture::{Run, gzip_stored, listed, manifest_json, md5, program, row};

const COLUMNS: &str = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, \
                       ETag, StorageClass, EncryptionStatus, BucketKeyStatus, \
                       ObjectAccessControlList";

/// `{"grants":[{"uri":"…/AllUsers","permission":"READ"}]}`
const PUBLIC: &str = "eyJncmFudHMiOlt7InVyaSI6Imh0dHA6Ly9hY3MuYW1hem9uYXdzLmNvbS9ncm91cHMvZ2xvYmF\
                      sL0FsbFVzZXJzIiwicGVybWlzc2lvbiI6IlJFQUQifV19";

pub(super) struct Ground {
    folder: TempDir,
}

impl Ground {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ground = Self { folder };
        ground.report("report/manifest.json", COLUMNS, &data());
        ground.reports_in_folders();
        ground.what_is_no_report();
        ground.damaged();
        let plan = ["filter", "report", "--where", "IsLatest", "--out", "plan"];
        ground.run(&plan).expect(0);
        let plan = ["filter", "report", "--where", "Size > 1", "--for", "copy", "--out", "copies"];
        ground.run(&plan).expect(0);
        ground
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Run {
        let mut command = program();
        command.args(arguments).current_dir(self.folder.path());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("AWS_") {
                command.env_remove(name);
            }
        }
        command.env("HOME", self.folder.path()).env("COLUMNS", "100");
        command.env("AWS_EC2_METADATA_DISABLED", "true");
        Run::of(command)
    }

    /// What a run said, the same on every machine: without the folder, times and speeds.
    pub(super) fn stable(&self, run: &Run) -> String {
        let is_told = |line: &&str| !line.contains(" rows/s") && !line.is_empty();
        let stdout: Vec<String> =
            run.stdout().lines().filter(is_told).map(|line| format!("{line}\n")).collect();
        let folder = self.folder.path();
        let canonical = folder.canonicalize().unwrap();
        (stdout.concat() + &run.stderr())
            .replace(&canonical.display().to_string(), "GROUND")
            .replace(&folder.display().to_string(), "GROUND")
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// A report of one data file, `data/0.csv.gz` beside the manifest or beside its folder.
    fn report(&self, manifest: &str, columns: &str, data: &[u8]) {
        let (folder, _) = manifest.rsplit_once('/').unwrap();
        self.write(&format!("{folder}/data/0.csv.gz"), data);
        let document = manifest_json(columns, &[listed("data/0.csv.gz", data)]).to_string();
        self.write(manifest, &document);
        self.write(&format!("{folder}/manifest.checksum"), md5(document.as_bytes()));
    }

    fn reports_in_folders(&self) {
        for inventory in ["several/demo/daily", "several/demo/weekly"] {
            let manifest = format!("{inventory}/2026-01-31T01-00Z/manifest.json");
            self.report(&manifest, COLUMNS, &data());
        }
        self.report("dated/2026-01-31T01-00Z/manifest.json", COLUMNS, &data());
    }

    fn what_is_no_report(&self) {
        fs::create_dir(self.folder.path().join("empty")).unwrap();
        self.write("only-data/0.csv.gz", data());
        self.write("only-data/1.parquet", b"PAR1and so on");
        self.write("only-data/2.orc", b"ORCand so on");
        self.write("hive/dt=2026-01-31-01-00/symlink.txt", "s3://reports/data/0.csv.gz\n");
        self.write("list.csv", "demo,a\ndemo,b\n");
        self.write("page.html", "<html></html>");
        self.write("nothing.json", "");
        self.write("other.json", json!({"name": "other"}).to_string());
    }

    fn damaged(&self) {
        let cut = &data()[..40];
        self.report("cut/manifest.json", COLUMNS, cut);
        self.report("flipped/manifest.json", COLUMNS, &data());
        let mut flipped = data();
        flipped[60] ^= 1;
        self.write("flipped/data/0.csv.gz", flipped);
        self.report("short/manifest.json", COLUMNS, &data());
        self.write("short/data/0.csv.gz", cut);
        self.report("missing/manifest.json", COLUMNS, &data());
        fs::remove_file(self.folder.path().join("missing/data/0.csv.gz")).unwrap();
        self.report("half/manifest.json", COLUMNS, &data());
        self.write("half/manifest.json", &b"{\"sourceBucket\": \"demo\", "[..]);
        fs::remove_file(self.folder.path().join("half/manifest.checksum")).unwrap();
        self.report("unlike/manifest.json", COLUMNS, &data());
        self.write("unlike/manifest.checksum", md5(b"another"));
        self.report(
            "keyless/manifest.json",
            "Bucket, Size",
            &gzip_stored(row(&["demo", "1"]).as_bytes()),
        );
        self.report(
            "few/manifest.json",
            "Bucket, Key",
            &gzip_stored(row(&["demo", "a"]).as_bytes()),
        );
        self.report("wide/manifest.json", "Bucket, Key", &data());
    }
}

/// Two objects, one of them public, and an old version.
fn data() -> Vec<u8> {
    let object = |key: &str, version: &str, latest: &str, class: &str, acl: &str| {
        row(&[
            "demo",
            key,
            version,
            latest,
            "false",
            "2048",
            "2025-06-01T12:00:00.000Z",
            "d41d8cd98f00b204e9800998ecf8427e",
            class,
            "SSE-KMS",
            "DISABLED",
            acl,
        ])
    };
    let text = object("logs/a.txt", "v2", "true", "STANDARD", "e30=")
        + &object("photos/caf%C3%A9+1.jpg", "", "true", "STANDARD", PUBLIC)
        + &object("logs/a.txt", "v1", "false", "", "");
    gzip_stored(text.as_bytes())
}
