//! A completion report comes to the plan's folder: `reports/job-ID/manifest.json` and the files
//! that it names, each with the MD5 that it says.
//!
//! Files that are here, and whole, are not fetched again.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use md5::{Digest, Md5};
use serde::Deserialize;

use crate::aws::{AwsError, AwsErrorKind, Session};

/// A report's manifest at most: some 200 bytes for each of its files, and no more files than a job
/// of 20 billion tasks has, by a million.
const MANIFEST_BYTES_MAX: u64 = 16 << 20;

/// A file that broke off is fetched again from its beginning, so often.
const TRIES_MAX: u32 = 4;

/// Read at once when a file is hashed.
const READ_BUFFER_BYTES: usize = 256 << 10;

/// Where the reports of jobs are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The bucket.
    pub bucket: String,
    /// The prefix, without a slash at its ends.
    pub prefix: String,
}

/// A report that is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Its files, each with whether its tasks succeeded.
    pub files: Vec<(bool, PathBuf)>,
}

/// Why a report is not here.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// S3 refused.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// A file can't be read or written.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The report is not what it should be.
    #[error("s3://{object}: {what}; the completion report is damaged, or something else wrote it")]
    Bad {
        /// `bucket/key`.
        object: String,
        /// What is wrong.
        what: String,
    },
    /// The stop flag was raised.
    #[error("interrupted")]
    Interrupted,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Manifest {
    format: String,
    results: Vec<ResultFile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ResultFile {
    task_execution_status: String,
    bucket: String,
    #[serde(rename = "MD5Checksum")]
    md5_checksum: String,
    key: String,
}

/// Fetches the report of a job to a folder of the plan's; `None` where there is none, as for a job
/// that ran no task, or has not ended.
///
/// # Errors
/// When it can't be fetched whole.
pub fn fetch(
    session: &Session,
    place: &Place,
    job_id: &str,
    reports: &Path,
    stop: &AtomicBool,
) -> Result<Option<Fetched>, FetchError> {
    let Place { bucket, prefix } = place;
    let folder = format!("job-{job_id}");
    let base = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
    let key = format!("{base}{folder}/manifest.json");
    let Some(text) = small(session, bucket, &key)? else { return Ok(None) };
    let bad = |key: &str, what: String| FetchError::Bad { object: format!("{bucket}/{key}"), what };
    if let Some(sum) = small(session, bucket, &format!("{key}.md5"))? {
        let sum = String::from_utf8_lossy(&sum).trim().trim_matches('"').to_owned();
        let found = hex(&Md5::digest(&text));
        if !sum.eq_ignore_ascii_case(&found) {
            return Err(bad(
                &key,
                format!("its MD5 is {found}, where manifest.json.md5 says {sum}"),
            ));
        }
    }
    let manifest: Manifest =
        serde_json::from_slice(&text).map_err(|error| bad(&key, error.to_string()))?;
    if manifest.format != "Report_CSV_20180820" {
        return Err(bad(&key, format!("its format is {}", manifest.format)));
    }
    let folder = reports.join(&folder);
    let mut files = Vec::new();
    for result in &manifest.results {
        if stop.load(Ordering::Relaxed) {
            return Err(FetchError::Interrupted);
        }
        let succeeded = result.task_execution_status == "succeeded";
        files.push((succeeded, result_file(session, place, &base, result, &folder)?));
    }
    // Last: where it is, the files are.
    write(&folder.join("manifest.json"), &text)?;
    Ok(Some(Fetched { files }))
}

/// Fetches a file of a report, unless it is here.
fn result_file(
    session: &Session,
    place: &Place,
    base: &str,
    result: &ResultFile,
    folder: &Path,
) -> Result<PathBuf, FetchError> {
    let ResultFile { bucket, key, md5_checksum, .. } = result;
    let bad = |what: String| FetchError::Bad { object: format!("{bucket}/{key}"), what };
    if *bucket != place.bucket {
        return Err(bad(format!("it is not in the bucket of the report, {}", place.bucket)));
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
        let Some(found) = download(session, bucket, key, &path)? else { continue };
        if found.eq_ignore_ascii_case(md5_checksum) {
            return Ok(path);
        }
        // A wrong file must not be taken for a right one.
        let _ = fs::remove_file(&path);
        return Err(bad(wrong(found)));
    }
    Err(bad("there is no such object".to_owned()))
}

/// The bytes of a small object, or `None` where there is none.
fn small(session: &Session, bucket: &str, key: &str) -> Result<Option<Vec<u8>>, FetchError> {
    let action = || format!("read s3://{bucket}/{key}");
    let call = session.s3().get_object().bucket(bucket).key(key);
    let answer = match session.wait(call.send()) {
        Ok(answer) => answer,
        Err(error) => {
            let error = AwsError::new(action(), &error);
            return if error.kind == AwsErrorKind::NoSuchKey {
                Ok(None)
            } else {
                Err(error.into())
            };
        }
    };
    let length = answer.content_length.and_then(|length| u64::try_from(length).ok());
    if length.is_none_or(|length| length > MANIFEST_BYTES_MAX) {
        let what = format!("it is larger than {MANIFEST_BYTES_MAX} bytes");
        return Err(FetchError::Bad { object: format!("{bucket}/{key}"), what });
    }
    let body = session.wait(answer.body.collect());
    Ok(Some(body.map_err(|error| AwsError::broken(action(), &error))?.to_vec()))
}

/// Downloads an object to a file, and gives its MD5; `None` where there is none.
fn download(
    session: &Session,
    bucket: &str,
    key: &str,
    path: &Path,
) -> Result<Option<String>, FetchError> {
    let mut tries = 1;
    loop {
        match attempt(session, bucket, key, path) {
            Err(FetchError::Aws(error)) if error.is_passing() && tries < TRIES_MAX => tries += 1,
            done => return done,
        }
    }
}

fn attempt(
    session: &Session,
    bucket: &str,
    key: &str,
    path: &Path,
) -> Result<Option<String>, FetchError> {
    let action = || format!("read s3://{bucket}/{key}");
    let call = session.s3().get_object().bucket(bucket).key(key);
    let mut answer = match session.wait(call.send()) {
        Ok(answer) => answer,
        Err(error) => {
            let error = AwsError::new(action(), &error);
            return if error.kind == AwsErrorKind::NoSuchKey {
                Ok(None)
            } else {
                Err(error.into())
            };
        }
    };
    let at = |error| FetchError::Io { path: path.to_owned(), error };
    let partial = path.with_extension("partial");
    fs::create_dir_all(path.parent().unwrap_or(path)).map_err(at)?;
    let mut file = File::create(&partial).map_err(at)?;
    let mut md5 = Md5::new();
    while let Some(bytes) = session.wait(answer.body.next()) {
        let bytes = bytes.map_err(|error| AwsError::broken(action(), &error))?;
        md5.update(&bytes);
        file.write_all(&bytes).map_err(at)?;
    }
    file.sync_all().map_err(at)?;
    fs::rename(&partial, path).map_err(at)?;
    Ok(Some(hex(&md5.finalize())))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), FetchError> {
    let at = |error| FetchError::Io { path: path.to_owned(), error };
    fs::create_dir_all(path.parent().unwrap_or(path)).map_err(at)?;
    let partial = path.with_extension("partial");
    fs::write(&partial, bytes).map_err(at)?;
    fs::rename(&partial, path).map_err(at)
}

/// The MD5 of a file that can be read.
fn md5_of(path: &Path) -> Option<String> {
    let mut file = BufReader::new(File::open(path).ok()?);
    let mut md5 = Md5::new();
    let mut buffer = vec![0; READ_BUFFER_BYTES];
    loop {
        match file.read(&mut buffer).ok()? {
            0 => return Some(hex(&md5.finalize())),
            read => md5.update(&buffer[..read]),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
