//! What the tests share: the program, reports made on the spot, and failures that tell the story.
//!
//! The tests in `tests/aws` share it, too: each test program says at its top where the program is,
//! and where the repository.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crc_fast::CrcAlgorithm;
use flate2::Compression;
use flate2::write::GzEncoder;
use md5::{Digest, Md5};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::schema::output_fits_the_schema;

/// The columns of the seed example.
pub(crate) const SEED_COLUMNS: &str =
    "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, BucketKeyStatus";

/// The project's own sample report.
pub(crate) fn seed() -> PathBuf {
    Path::new(crate::REPOSITORY).join("testdata/seed")
}

/// The program, ready to be given arguments.
pub(crate) fn program() -> Command {
    Command::new(crate::PROGRAM)
}

/// What a run of the program came to.
pub(crate) struct Run {
    line: String,
    pub output: Output,
}

/// Runs the program with these arguments.
pub(crate) fn s3sieve<I>(arguments: I) -> Run
where
    I: IntoIterator,
    I::Item: AsRef<OsStr>,
{
    let mut command = program();
    command.args(arguments);
    Run::of(command)
}

impl Run {
    /// Runs a command to its end.
    pub(crate) fn of(mut command: Command) -> Self {
        let line = format!("{command:?}");
        Self { line, output: command.output().unwrap() }
    }

    pub(crate) fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    /// The whole story, for a test that fails.
    pub(crate) fn story(&self) -> String {
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
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.output.status.code(), Some(code), "{}", self.story());
        self
    }

    /// The run, if its standard error holds all of these.
    #[track_caller]
    pub(crate) fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stderr().contains(part), "`{part}` is missing{}", self.story());
        }
        self
    }

    /// Standard output as a document of JSON, which must fit its schema.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        let document = serde_json::from_slice(&self.output.stdout)
            .unwrap_or_else(|error| panic!("{error}{}", self.story()));
        output_fits_the_schema(&document);
        document
    }

    /// Standard output as documents, one a line, each of which must fit its schema.
    #[track_caller]
    pub(crate) fn json_lines(&self) -> Vec<Value> {
        let parse = |line: &str| {
            let document = serde_json::from_str(line)
                .unwrap_or_else(|error| panic!("{error}: {line}{}", self.story()));
            output_fits_the_schema(&document);
            document
        };
        self.stdout().lines().map(parse).collect()
    }
}

/// A report on disk, made by a test.
pub(crate) struct ReportFolder {
    pub folder: TempDir,
    pub manifest: PathBuf,
}

impl ReportFolder {
    /// A report of bucket `demo` with these columns; each file is its decompressed bytes.
    pub(crate) fn new(columns: &str, files: &[&[u8]]) -> Self {
        let compressed: Vec<Vec<u8>> = files.iter().map(|bytes| gzip(bytes)).collect();
        Self::of_compressed("demo", columns, &compressed)
    }

    /// As above, of any bucket, from compressed files.
    pub(crate) fn of_compressed(bucket: &str, columns: &str, files: &[Vec<u8>]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut files_listed = Vec::new();
        fs::create_dir(folder.path().join("data")).unwrap();
        for (number, bytes) in files.iter().enumerate() {
            let key = format!("data/{number}.csv.gz");
            fs::write(folder.path().join(&key), bytes).unwrap();
            files_listed.push(listed(&key, bytes));
        }
        let manifest = folder.path().join("manifest.json");
        let mut document = manifest_json(columns, &files_listed);
        document["sourceBucket"] = json!(bucket);
        fs::write(&manifest, document.to_string()).unwrap();
        Self { folder, manifest }
    }

    /// The path of a data file.
    pub(crate) fn file(&self, number: usize) -> PathBuf {
        self.folder.path().join(format!("data/{number}.csv.gz"))
    }

    /// A folder for a plan, not made yet.
    pub(crate) fn out(&self) -> PathBuf {
        self.folder.path().join("plan")
    }

    /// Writes other bytes in place of a data file, and makes the manifest fit their length and
    /// MD5.
    pub(crate) fn replace(&self, number: usize, bytes: &[u8]) {
        fs::write(self.file(number), bytes).unwrap();
        let mut document: Value =
            serde_json::from_slice(&fs::read(&self.manifest).unwrap()).unwrap();
        document["files"][number]["size"] = json!(bytes.len());
        document["files"][number]["MD5checksum"] = json!(md5(bytes));
        fs::write(&self.manifest, document.to_string()).unwrap();
    }
}

impl ReportFolder {
    /// Lists the only data file so many times, each time under a name of its own.
    pub(crate) fn repeat(&self, times: usize) {
        let mut document: Value =
            serde_json::from_slice(&fs::read(&self.manifest).unwrap()).unwrap();
        let one = document["files"][0].clone();
        let again = |number: usize| {
            let mut file = one.clone();
            let key = format!("data/again-{number}.csv.gz");
            fs::hard_link(self.file(0), self.folder.path().join(&key)).unwrap();
            file["key"] = json!(key);
            file
        };
        document["files"] = (0..times).map(again).collect();
        fs::write(&self.manifest, document.to_string()).unwrap();
    }
}

/// A data file, as a `manifest.json` lists it.
pub(crate) fn listed(key: &str, bytes: &[u8]) -> Value {
    json!({"key": key, "size": bytes.len(), "MD5checksum": md5(bytes)})
}

/// The `manifest.json` of a report of bucket `demo`, which lists these data files.
pub(crate) fn manifest_json(columns: &str, listed: &[Value]) -> Value {
    json!({
        "sourceBucket": "demo",
        "destinationBucket": "arn:aws:s3:::reports",
        "version": "2016-11-30",
        "creationTimestamp": "1767225600000",
        "fileFormat": "CSV",
        "fileSchema": columns,
        "files": listed,
    })
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Bytes in gzip's frame, not compressed: the same on every machine.
pub(crate) fn gzip_stored(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn md5(bytes: &[u8]) -> String {
    hex(&Md5::digest(bytes))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// Bytes in base64, with padding.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let byte = |place: usize| u32::from(three.get(place).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place > three.len() { '=' } else { char::from(letter) });
        }
    }
    text
}

/// The CRC-64/NVME of bytes, as S3 shows it.
pub(crate) fn crc64nvme(bytes: &[u8]) -> String {
    base64(&crc_fast::checksum(CrcAlgorithm::Crc64Nvme, bytes).to_be_bytes())
}

/// Other bytes of the same length and CRC-64/NVME, which anybody can make: the first one is
/// changed, and the last eight take that back.
pub(crate) fn forged(bytes: &[u8]) -> Vec<u8> {
    let crc = |bytes: &[u8]| crc_fast::checksum(CrcAlgorithm::Crc64Nvme, bytes);
    let mut forged = bytes.to_vec();
    forged[0] ^= 1;
    let last = bytes.len() - 8;
    let difference = crc(&bytes[..last]) ^ crc(&forged[..last]);
    for (byte, change) in forged[last..].iter_mut().zip(difference.to_le_bytes()) {
        *byte ^= change;
    }
    assert_eq!(crc(bytes), crc(&forged));
    forged
}

/// A row as S3 writes it: every field quoted.
pub(crate) fn row(fields: &[&str]) -> String {
    let quoted: Vec<String> = fields.iter().map(|field| format!("\"{field}\"")).collect();
    quoted.join(",") + "\n"
}

/// All manifests of a plan, one after the other.
pub(crate) fn manifests(plan: &Path) -> String {
    let document = plan_document(plan);
    let shards = document["shards"].as_array().unwrap();
    let read = |shard: &Value| fs::read_to_string(plan.join(shard["path"].as_str().unwrap()));
    shards.iter().map(|shard| read(shard).unwrap()).collect()
}

pub(crate) fn plan_document(plan: &Path) -> Value {
    serde_json::from_slice(&fs::read(plan.join("plan.json")).unwrap()).unwrap()
}

/// Every file below a folder with its bytes, in order; the time a plan took is left out.
pub(crate) fn tree(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    collect(folder, folder, &mut found);
    found.sort();
    found
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, found);
            continue;
        }
        let mut bytes = fs::read(&path).unwrap();
        if path.ends_with("plan.json") {
            let mut document: Value = serde_json::from_slice(&bytes).unwrap();
            document["totals"]["seconds"] = json!(0);
            bytes = document.to_string().into_bytes();
        }
        found.push((path.strip_prefix(root).unwrap().to_owned(), bytes));
    }
}
