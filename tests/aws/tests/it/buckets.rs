//! The program with credentials, and reports in buckets.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;
use ground::{ACCESS_KEY, SECRET_KEY, Server};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fixture::{Run, listed, manifest_json, md5, program, tree};

/// The columns of reports made here.
pub const COLUMNS: &str = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, BucketKeyStatus";

/// The names of reports' folders.
pub const DATED: &str = "%Y-%m-%dT%H-%MZ";

/// Gives a command the server's credentials, and takes away what the user's files hold.
pub fn with_keys(command: &mut Command) -> &mut Command {
    let nowhere = "/nonexistent";
    command
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
        .env("AWS_CONFIG_FILE", nowhere)
        .env("AWS_SHARED_CREDENTIALS_FILE", nowhere)
        .env("AWS_EC2_METADATA_DISABLED", "true")
}

/// The program, with the server's credentials and nothing else from the environment.
pub fn program_with_keys() -> Command {
    let mut command = program();
    with_keys(command.env_clear());
    command
}

/// Runs the program against a server.
pub fn s3sieve_at<I>(endpoint: &str, arguments: I) -> Run
where
    I: IntoIterator,
    I::Item: AsRef<OsStr>,
{
    let mut command = program_with_keys();
    command.args(arguments).args(["--endpoint-url", endpoint]);
    Run::of(command)
}

/// A report as S3 delivers it: data files, a folder for the date, and the checksum last.
pub struct Delivery<'a> {
    /// The bucket that it comes to.
    pub bucket: &'a str,
    /// The folder of the inventory configuration, with a slash at its end.
    pub folder: &'a str,
    /// The name of the report's own folder: when it was begun, as [`DATED`] shows it.
    pub dated: &'a str,
    pub columns: &'a str,
}

impl Delivery<'_> {
    /// Puts all objects of a report of these data files; the key of its manifest. What the manifest
    /// lists are keys with single slashes, as S3 has them.
    pub fn put(&self, files: &[Vec<u8>], mut put: impl FnMut(&str, &[u8])) -> String {
        let Self { bucket, folder, dated, columns } = self;
        let mut all = Vec::new();
        for (number, bytes) in files.iter().enumerate() {
            let key = format!("{folder}data/{dated}-{number}.csv.gz");
            put(&key, bytes);
            all.push(listed(&key.replace("//", "/"), bytes));
        }
        let mut document = manifest_json(columns, &all);
        let begun = DateTime::strptime(DATED, dated).unwrap();
        let begun = TimeZone::UTC.to_timestamp(begun).unwrap();
        // S3 makes a folder for the bucket, and in it one for the configuration.
        let source = folder.trim_end_matches('/').rsplit('/').nth(1).unwrap();
        document["sourceBucket"] = json!(source);
        document["destinationBucket"] = json!(format!("arn:aws:s3:::{bucket}"));
        document["creationTimestamp"] = json!(begun.as_millisecond().to_string());
        let text = document.to_string();
        let manifest = format!("{folder}{dated}/manifest.json");
        put(&manifest, text.as_bytes());
        let sum = format!("{}\n", md5(text.as_bytes()));
        put(&format!("{folder}{dated}/manifest.checksum"), sum.as_bytes());
        manifest
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
        let folder = format!("{prefix}demo/daily/");
        let delivery = Delivery { bucket: "reports", folder: &folder, dated, columns: COLUMNS };
        delivery.put(files, |key, bytes| self.put(key, bytes))
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

/// The rows of all manifests, whatever their order: on disk large gzip files take turns.
pub fn sorted_rows(tree: &BTreeMap<PathBuf, Vec<u8>>) -> Vec<String> {
    let is_rows = |path: &Path| path.extension().is_some_and(|extension| extension == "csv");
    let files = tree.iter().filter(|(path, _)| is_rows(path));
    let texts: Vec<_> = files.map(|(_, bytes)| String::from_utf8_lossy(bytes)).collect();
    let mut rows: Vec<String> =
        texts.iter().flat_map(|text| text.lines()).map(str::to_owned).collect();
    rows.sort();
    rows
}

/// Every file below a folder with its bytes; what differs by place and time is left out.
pub fn tree_anywhere(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found: BTreeMap<PathBuf, Vec<u8>> = tree(folder).into_iter().collect();
    for (path, bytes) in &mut found {
        if path.ends_with("plan.json") {
            let mut document: Value = serde_json::from_slice(bytes).unwrap();
            document["reports"][0]["manifest"] = json!("");
            *bytes = document.to_string().into_bytes();
        }
    }
    found
}
