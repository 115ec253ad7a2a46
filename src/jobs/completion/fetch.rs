//! A completion report comes to the plan's folder: `reports/job-ID/manifest.json` and the files
//! that it names, each with the MD5 that it says.
//!
//! Files that are here, and whole, are not fetched again.

use std::fs;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use md5::{Digest, Md5};
use serde::Deserialize;

use crate::aws::Session;
use crate::hex;
use crate::source::{Location, Object, SourceFile, open_regular, write_whole};

/// A report's manifest at most: some 200 bytes for each of its files, and no more files than a job
/// of 20 billion tasks has, by a million.
const MANIFEST_BYTES_MAX: u64 = 16 << 20;

/// Read at once when a file is fetched or hashed.
const READ_BUFFER_BYTES: usize = 256 << 10;

/// Where the reports of jobs are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportLocation {
    /// The bucket.
    pub bucket: String,
    /// The prefix, without a slash at its ends.
    pub prefix: String,
}

/// A report that is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedReport {
    /// Its files, each with whether its tasks succeeded.
    pub files: Vec<(bool, PathBuf)>,
}

/// Why a report is not here.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// A file can't be read or written, here or in S3.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: Location,
        /// What the system or S3 says.
        error: io::Error,
    },
    /// The report is not what it should be.
    #[error(
        "{}: {what}; the completion report is damaged, or something else wrote it",
        object.display()
    )]
    Bad {
        /// The object.
        object: Location,
        /// What is wrong.
        what: String,
    },
    /// The stop flag was raised.
    #[error("interrupted")]
    Interrupted,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReportManifest {
    format: String,
    results: Vec<ManifestResult>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ManifestResult {
    task_execution_status: String,
    bucket: String,
    #[serde(rename = "MD5Checksum")]
    md5_checksum: String,
    key: String,
}

impl FetchError {
    fn at(path: impl Into<Location>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |error| Self::Io { path, error }
    }
}

/// Fetches the report of a job to a folder of the plan's; `None` where there is none, as for a job
/// that ran no task, or has not ended.
///
/// # Errors
/// When it can't be fetched whole.
pub fn fetch(
    session: &Session,
    place: &ReportLocation,
    job_id: &str,
    reports: &Path,
    stop: &AtomicBool,
) -> Result<Option<FetchedReport>, FetchError> {
    let folder = format!("job-{job_id}");
    let base = if place.prefix.is_empty() { String::new() } else { format!("{}/", place.prefix) };
    let bucket = Object::parse(&format!("s3://{}", place.bucket), session).map_err(|error| {
        let object = place.bucket.as_str().into();
        FetchError::Bad { object, what: error.to_string() }
    })?;
    let key = format!("{base}{folder}/manifest.json");
    let object = Location::Object(bucket.with_key(&key));
    let Some(text) = small(&object)? else { return Ok(None) };
    let bad = |what: String| FetchError::Bad { object: object.clone(), what };
    if let Some(sum) = small(&Location::Object(bucket.with_key(format!("{key}.md5"))))? {
        let sum = String::from_utf8_lossy(&sum).trim().trim_matches('"').to_owned();
        let found = hex::encode(Md5::digest(&text));
        if !sum.eq_ignore_ascii_case(&found) {
            return Err(bad(format!("its MD5 is {found}, where manifest.json.md5 says {sum}")));
        }
    }
    let manifest: ReportManifest =
        serde_json::from_slice(&text).map_err(|error| bad(error.to_string()))?;
    if manifest.format != "Report_CSV_20180820" {
        return Err(bad(format!("its format is {}", manifest.format)));
    }
    let folder = reports.join(&folder);
    let mut files = Vec::new();
    for result in &manifest.results {
        let succeeded = result.task_execution_status == "succeeded";
        files.push((succeeded, result_file(&bucket, &base, result, &folder, stop)?));
    }
    // Last: where it is, the files are.
    write(&folder.join("manifest.json"), &text)?;
    Ok(Some(FetchedReport { files }))
}

/// Fetches a file of a report, unless it is here.
fn result_file(
    bucket: &Object,
    base: &str,
    result: &ManifestResult,
    folder: &Path,
    stop: &AtomicBool,
) -> Result<PathBuf, FetchError> {
    let ManifestResult { key, md5_checksum, .. } = result;
    let object = Location::Object(bucket.with_key(key));
    let bad = |what: String| FetchError::Bad { object: object.clone(), what };
    if result.bucket != bucket.bucket() {
        let (found, wanted) = (&result.bucket, bucket.bucket());
        return Err(bad(format!("it is in {found}, not in the bucket of the report, {wanted}")));
    }
    let name = key.rsplit('/').next().unwrap_or_default();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if name.is_empty() || name.starts_with('.') || !name.bytes().all(plain) {
        return Err(bad("its name is none of a report's file".to_owned()));
    }
    let path = folder.join("results").join(name);
    if md5_of(&path).is_some_and(|found| found.eq_ignore_ascii_case(md5_checksum)) {
        return Ok(path);
    }
    let wrong =
        |found: String| format!("its MD5 is {found}, where the manifest says {md5_checksum}");
    // Reports have been seen that name their files with the prefix, and without.
    let with_prefix = format!("{base}{key}");
    let keys = if key.starts_with(base) { vec![key] } else { vec![&with_prefix, key] };
    for key in keys {
        let object = Location::Object(bucket.with_key(key));
        let Some(found) = download(&object, &path, stop)? else { continue };
        if found.eq_ignore_ascii_case(md5_checksum) {
            return Ok(path);
        }
        // A wrong file must not be taken for a right one.
        let _ = fs::remove_file(&path);
        return Err(bad(wrong(found)));
    }
    Err(bad("there is no such object".to_owned()))
}

/// Opens an object; `None` where there is none.
fn open(object: &Location) -> Result<Option<SourceFile>, FetchError> {
    match object.open() {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FetchError::at(object.clone())(error)),
    }
}

/// The bytes of a small object, or `None` where there is none.
fn small(object: &Location) -> Result<Option<Vec<u8>>, FetchError> {
    let Some(mut file) = open(object)? else { return Ok(None) };
    if file.len() > MANIFEST_BYTES_MAX {
        let what = format!("it is larger than {MANIFEST_BYTES_MAX} bytes");
        return Err(FetchError::Bad { object: object.clone(), what });
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(FetchError::at(object.clone()))?;
    Ok(Some(bytes))
}

/// Downloads an object to a file, and gives its MD5; `None` where there is none.
fn download(
    object: &Location,
    path: &Path,
    stop: &AtomicBool,
) -> Result<Option<String>, FetchError> {
    let Some(mut source) = open(object)? else { return Ok(None) };
    fs::create_dir_all(path.parent().unwrap_or(path)).map_err(FetchError::at(path))?;
    let md5 = write_whole(
        path,
        |error| FetchError::at(path)(error),
        |file| {
            let mut md5 = Md5::new();
            let mut buffer = vec![0; READ_BUFFER_BYTES];
            loop {
                if stop.load(Ordering::Relaxed) {
                    return Err(FetchError::Interrupted);
                }
                let read = source.read(&mut buffer).map_err(FetchError::at(object.clone()))?;
                if read == 0 {
                    return Ok(md5);
                }
                md5.update(&buffer[..read]);
                file.write_all(&buffer[..read]).map_err(FetchError::at(path))?;
            }
        },
    )?;
    Ok(Some(hex::encode(md5.finalize())))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), FetchError> {
    let at = |error| FetchError::at(path)(error);
    fs::create_dir_all(path.parent().unwrap_or(path)).map_err(at)?;
    write_whole(path, at, |file| file.write_all(bytes).map_err(at))
}

/// The MD5 of a file that can be read.
fn md5_of(path: &Path) -> Option<String> {
    let mut file = BufReader::new(open_regular(path).ok()?);
    let mut md5 = Md5::new();
    let mut buffer = vec![0; READ_BUFFER_BYTES];
    loop {
        match file.read(&mut buffer).ok()? {
            0 => return Some(hex::encode(md5.finalize())),
            read => md5.update(&buffer[..read]),
        }
    }
}
