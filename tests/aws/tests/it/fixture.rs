//! What the tests share: the program with credentials, and reports in buckets.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use flate2::Compression;
use flate2::write::GzEncoder;
use ground::{ACCESS_KEY, SECRET_KEY, Server};
use md5::{Digest, Md5};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The columns of reports made here.
const COLUMNS: &str = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, BucketKeyStatus";

/// The program, with the server's credentials and nothing else from the environment.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_s3sieve-under-test"));
    let nowhere = "/nonexistent";
    command
        .env_clear()
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
        .env("AWS_CONFIG_FILE", nowhere)
        .env("AWS_SHARED_CREDENTIALS_FILE", nowhere)
        .env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

/// What a run of the program came to.
pub struct Run {
    line: String,
    pub output: Output,
}

/// Runs the program against a server.
pub fn s3sieve<I>(endpoint: &str, arguments: I) -> Run
where
    I: IntoIterator,
    I::Item: AsRef<OsStr>,
{
    let mut command = program();
    command.args(arguments).args(["--endpoint-url", endpoint]);
    run(command)
}

pub fn run(mut command: Command) -> Run {
    let line = format!("{command:?}");
    Run { line, output: command.output().unwrap() }
}

impl Run {
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    /// The whole story, for a test that fails.
    pub fn story(&self) -> String {
        format!(
            "\n=== {}\n=== {}\n=== stdout\n{}\n=== stderr\n{}\n===",
            self.line,
            self.output.status,
            self.stdout(),
            self.stderr()
        )
    }

    /// The run, if it ended with this exit code.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.output.status.code(), Some(code), "{}", self.story());
        self
    }

    /// The run, if its standard error holds all of these.
    #[track_caller]
    pub fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stderr().contains(part), "`{part}` is missing{}", self.story());
        }
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.output.stdout)
            .unwrap_or_else(|error| panic!("{error}{}", self.story()))
    }
}

/// A server whose bucket `reports` holds what tests put there.
pub struct Buckets {
    pub root: TempDir,
    pub server: Server,
}

impl Buckets {
    pub fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("reports")).unwrap();
        let server = Server::start(root.path()).unwrap();
        Self { root, server }
    }

    /// The file that holds an object of the bucket `reports`.
    pub fn file(&self, key: &str) -> PathBuf {
        self.root.path().join("reports").join(key)
    }

    /// A folder for a plan, not made yet, outside of all buckets' names that tests use.
    pub fn out(&self, name: &str) -> PathBuf {
        self.root.path().join("out-of-buckets").join(name)
    }

    pub fn put(&self, key: &str, bytes: &[u8]) {
        let path = self.file(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Puts a report of these data files below `PREFIX/demo/daily`, begun at `dated`.
    pub fn report(&self, prefix: &str, dated: &str, files: &[Vec<u8>]) -> String {
        let mut listed = Vec::new();
        for (number, bytes) in files.iter().enumerate() {
            let key = format!("{prefix}demo/daily/data/{dated}-{number}.csv.gz");
            self.put(&key, bytes);
            listed.push(json!({"key": key, "size": bytes.len(), "MD5checksum": md5(bytes)}));
        }
        let document = json!({
            "sourceBucket": "demo",
            "destinationBucket": "arn:aws:s3:::reports",
            "version": "2016-11-30",
            "creationTimestamp": "1767225600000",
            "fileFormat": "CSV",
            "fileSchema": COLUMNS,
            "files": listed,
        });
        let manifest = format!("{prefix}demo/daily/{dated}/manifest.json");
        let text = document.to_string();
        self.put(&manifest, text.as_bytes());
        let checksum = format!("{prefix}demo/daily/{dated}/manifest.checksum");
        self.put(&checksum, format!("{}\n", md5(text.as_bytes())).as_bytes());
        manifest
    }
}

/// Rows of a data file that no two numbers give alike; `rows` of them, compressed.
pub fn data_file(number: usize, rows: usize) -> Vec<u8> {
    let mut text = String::new();
    let mut random = number as u64 + 1;
    for row in 0..rows {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040);
        let status = if random >> 62 == 0 { "DISABLED" } else { "ENABLED" };
        text.push_str(&format!(
            "\"demo\",\"photos/{number}/{row:06}-{random:016x}.jpg\",\"v{random:x}\",\"true\",\
             \"false\",\"{}\",\"{status}\"\n",
            random >> 40
        ));
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

pub fn md5(bytes: &[u8]) -> String {
    Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Every file below a folder with its bytes; what differs by place and time is left out.
pub fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let mut bytes = fs::read(&path).unwrap();
            if path.ends_with("plan.json") {
                let mut document: Value = serde_json::from_slice(&bytes).unwrap();
                document["totals"]["seconds"] = json!(0);
                document["reports"][0]["manifest"] = json!("");
                bytes = document.to_string().into_bytes();
            }
            found.insert(path.strip_prefix(folder).unwrap().to_owned(), bytes);
        }
    }
    found
}
